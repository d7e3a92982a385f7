# SPDX-License-Identifier: Apache-2.0
"""S11 to S19: what a profile may do is the closure of its baseline and its additional activities."""
import pytest
from support.requests import cis2, neutral, nrbac_role
from support.small import BASELINE, CODES, SMALL

PHARMACY = "P0300:Q0310:T0320"
PHLEBOTOMY = "P0020:Q0300:T0640"


def test_s11_baseline_and_additional_activities_and_what_they_include_are_effective(policy):
    small = policy(SMALL)
    profile = {"role": "R8000", "activities": ["B0420"]}
    for name, verdict in (("B0825", "permit granted-by-baseline"), ("B0820", "permit granted-by-baseline"),
                          ("B0420", "permit granted-by-additional"), ("B0278", "permit granted-by-additional"),
                          ("B0058", "deny not-granted")):
        assert small.ask(neutral(name, **profile)).verdict == verdict


def test_s11_the_baseline_counts_although_the_login_service_does_not_return_it(policy):
    role = nrbac_role("501", "S8000:G8000:R8000", activity_codes=[])
    assert policy(SMALL).ask(cis2("B0820", [role])).verdict == "permit granted-by-baseline"


def test_s11_the_neutral_profile_and_userinfo_are_decided_alike(policy):
    small = policy(SMALL)
    role = nrbac_role("1001", "S8001:G8002:R8008", aow_codes=[PHARMACY], activity_codes=["B0420"])
    for name in ("B0570", "B0572", "B0278", "B0825"):
        one = small.ask(neutral(name, role="R8008", areas=[PHARMACY], activities=["B0420"]))
        other = small.ask(cis2(name, [role]))
        assert one.without_where_it_was_asked() == other.without_where_it_was_asked()


@pytest.mark.parametrize("areas, verdict", [
    ([], "deny not-granted"), ([PHLEBOTOMY], "deny not-granted"), ([PHARMACY], "permit granted-by-baseline"),
    ([PHLEBOTOMY, PHARMACY], "permit granted-by-baseline")])
def test_s12_an_entry_with_areas_of_work_needs_one_of_them(policy, areas, verdict):
    assert policy(SMALL).ask(neutral("B0570", role="R8008", areas=areas)).verdict == verdict


def test_s12_any_of_the_areas_of_an_entry_is_enough(policy):
    two = policy(CODES + f'baseline:\n  - {{ roles: [R8008], areas_of_work: ["{PHARMACY}", "{PHLEBOTOMY}"], activities: [B0572] }}\n')
    for areas in ([PHARMACY], [PHLEBOTOMY], [PHARMACY, PHLEBOTOMY]):
        assert two.ask(neutral("B0572", role="R8008", areas=areas)).effect == "permit"
    assert two.ask(neutral("B0572", role="R8008", areas=["P0020:Q0300:T0630"])).verdict == "deny not-granted"


def test_s12_entries_add_and_do_not_replace(policy):
    adding = policy(SMALL + "  - { roles: [R8008], activities: [B0360] }\n")
    for name in ("B0360", "B0572"):
        assert adding.ask(neutral(name, role="R8008", areas=[PHARMACY])).effect == "permit"
    assert adding.ask(neutral("B0360", role="R8008")).effect == "permit"


def test_s12_an_entry_without_areas_applies_to_every_profile_of_the_role(policy):
    for areas in ([], [PHARMACY], ["P9999:Q9999:T9999"]):
        assert policy(SMALL).ask(neutral("B0825", areas=areas)).effect == "permit"


def test_s12_the_area_of_another_role_gives_nothing(policy):
    assert policy(SMALL).ask(neutral("B0572", role="R8001", areas=[PHARMACY])).verdict == "deny not-granted"


@pytest.mark.parametrize("area", ["P0300", "P0300:Q0310", "P0300:Q0310:T0321", "P0300:Q0311:T0320", "T0320", "p0300:q0310:t0320"])
def test_s13_an_area_of_work_matches_by_its_full_code(policy, area):
    assert policy(SMALL).ask(neutral("B0572", role="R8008", areas=[area])).verdict == "deny not-granted"


def test_s14_inclusion_is_transitive(policy):
    small = policy(SMALL)
    for name in ("B8029", "B8028", "B0380", "B0790", "B0360"):
        assert small.ask(neutral(name, activities=["B8029"])).effect == "permit"


def test_s14_a_code_may_be_included_by_several(policy):
    diamond = policy(CODES.replace("B0420: { name: Independent Prescribing, includes: [B0278] }",
                                   "B0420: { name: Independent Prescribing, includes: [B0278, B0360] }"))
    for holding in ("B0420", "B0790", "B8029"):
        assert diamond.ask(neutral("B0360", activities=[holding])).effect == "permit"


def test_s14_inclusion_goes_to_any_depth(policy):
    chain = "activities:\n  B0000: { name: The last }\n"
    chain += "".join(f"  B{number:04}: {{ name: Step {number}, includes: [B{number - 1:04}] }}\n" for number in range(1, 400))
    deep = policy(chain + "job_roles:\n  R8000: { name: A role }\n", show=False)
    answer = deep.ask(neutral("B0000", activities=["B0399"]))
    assert answer.verdict == "permit granted-by-additional"
    assert answer.context["path"] == [f"B{number:04}" for number in range(399, -1, -1)]


def test_s15_holding_the_included_code_never_gives_the_including_one(policy):
    small = policy(SMALL)
    for holding, asked in (("B0820", "B0825"), ("B0360", "B0790"), ("B0570", "B0572"), ("B0790", "B8029")):
        assert small.ask(neutral(asked, role="R0001", activities=[holding])).verdict == "deny not-granted"


def test_s16_an_additional_activity_may_repeat_the_baseline(policy):
    answer = policy(SMALL).ask(neutral("B0380", role="R8001", activities=["B0380", "B0380"]))
    assert answer.verdict == "permit granted-by-baseline"


def test_s17_an_unknown_additional_activity_is_reported_and_harmless(policy):
    answer = policy(SMALL).ask(neutral("B0820", activities=["B7777", "AC1"]))
    assert answer.verdict == "permit granted-by-baseline"
    assert "B7777" in answer.warned_about
    assert "AC1" in answer.warned_about


def test_s17_an_unknown_requested_activity_is_indeterminate_although_held(policy):
    small = policy(SMALL)
    assert small.ask(neutral("B7777")).verdict == "indeterminate unknown-activity"
    assert small.ask(neutral("B7777", activities=["B7777"])).verdict == "indeterminate unknown-activity"
    assert small.ask(neutral("local:NOPE", activities=["local:NOPE"])).verdict == "indeterminate unknown-activity"


@pytest.mark.parametrize("name", ["no.such.function", "R8000", "P0300:Q0310:T0320", "B082", "B08200", "b0820", "ESC01"])
def test_s17_every_other_name_is_a_function(policy, name):
    assert policy(SMALL).ask(neutral(name)).verdict == "not-applicable unknown-function"


def test_s17_an_unknown_role_has_no_baseline_but_its_additional_activities_count(policy):
    small = policy(SMALL)
    answer = small.ask(neutral("B0820", role="R9999", activities=["B0825"]))
    assert answer.verdict == "permit granted-by-additional"
    assert "unknown-role" in answer.warnings
    answer = small.ask(neutral("B0360", role="R9999", activities=["B0825"]))
    assert answer.verdict == "deny not-granted"
    assert "unknown-role" in answer.warnings


def test_s17_a_known_role_is_no_warning(policy):
    assert policy(SMALL).ask(neutral("B0820")).warnings == []


def test_s18_local_codes_are_asked_held_and_granted_like_national_ones(policy):
    small = policy(SMALL)
    assert small.ask(neutral("local:ESC01", role="local:locum-lead")).verdict == "permit granted-by-baseline"
    assert small.ask(neutral("local:ESC01", activities=["local:ESC01"])).verdict == "permit granted-by-additional"
    assert small.ask(neutral("local:ESC01", activities=["ESC01"])).verdict == "deny not-granted"


RETIRED = """
activities:
  B0360: { name: View Summary Record }
  B0820: { name: View Patient Demographics }
  B0825: { name: Amend Patient Demographics, includes: [B0820] }
  B0900: { name: Old and still granting, status: legacy, includes: [B0360] }
  B0990: { name: Retired, status: obsolete, includes: [B0360] }
  B0991: { name: Including what is retired, includes: [B0990] }
  B0999: { name: Retired and replaced, status: obsolete, replaced_by: B0825 }
  B1000: { name: Including what is replaced, includes: [B0999] }
job_roles:
  R0002: { name: Successor }
  R0003: { name: Old role, status: obsolete, replaced_by: R0002 }
  R8000: { name: A role }
  R8001: { name: Another role }
baseline:
  - { roles: [R0002], activities: [B0360] }
  - { roles: [R8001], activities: [B0999] }
functions:
  amend: { name: Amend, require: B0999 }
  succeed: { name: Succeed, require: { role: R0002 } }
"""


@pytest.mark.parametrize("asked, held, verdict", [
    ("B0900", "B0900", "permit granted-by-additional"), ("B0360", "B0900", "permit granted-by-additional"),
    ("B0990", "B0990", "deny not-granted"), ("B0360", "B0990", "deny not-granted"),
    ("B0991", "B0991", "permit granted-by-additional"), ("B0360", "B0991", "deny not-granted"),
    ("B0990", "B0991", "deny not-granted")])
def test_s19_legacy_grants_and_obsolete_grants_nothing_and_passes_nothing_on(policy, asked, held, verdict):
    assert policy(RETIRED).ask(neutral(asked, activities=[held])).verdict == verdict


@pytest.mark.parametrize("asked, held", [
    ("B0825", "B0999"), ("B0820", "B0999"), ("B0999", "B0825"), ("B0999", "B0999"), ("B0825", "B1000"), ("B0820", "B1000"),
    ("B0999", "B1000")])
def test_s19_a_replaced_code_stands_for_its_replacement_in_profiles_and_requests(policy, asked, held):
    answer = policy(RETIRED).ask(neutral(asked, activities=[held]))
    assert answer.verdict == "permit granted-by-additional"
    assert answer.context["asked"] == asked


def test_s19_a_replaced_code_stands_for_its_replacement_in_a_policy(policy):
    retired = policy(RETIRED)
    for asked in ("B0825", "B0820", "B0999"):
        assert retired.ask(neutral(asked, role="R8001")).verdict == "permit granted-by-baseline"
    assert retired.ask(neutral("amend", activities=["B0825"])).verdict == "permit requirement-met"
    assert retired.ask(neutral("amend", activities=["B0820"])).verdict == "deny requirement-not-met"


def test_s19_a_replaced_code_is_denied_under_the_name_it_was_asked_by(policy):
    answer = policy(RETIRED).ask(neutral("B0999"))
    assert answer.verdict == "deny not-granted"
    assert answer.context["asked"] == "B0999"
    assert answer.nearest[0] == ["B0825"]


def test_s19_a_replaced_role_stands_for_its_replacement(policy):
    retired = policy(RETIRED)
    assert retired.ask(neutral("B0360", role="R0003")).verdict == "permit granted-by-baseline"
    assert retired.ask(neutral("succeed", role="R0003")).verdict == "permit requirement-met"


# Where a grant comes from.

def test_granted_by_names_the_file_and_line_of_the_baseline_entry(policy):
    small = policy({"codes.yaml": CODES, "more/baseline.yaml": "nrbac: 1\n" + BASELINE.lstrip()})
    answer = small.ask(neutral("B0820"))
    granted = answer.context["granted_by"]
    assert granted["source"] == "baseline"
    assert granted["file"].endswith("baseline.yaml")
    assert granted["line"] == 3


def test_granted_by_names_additional_activities_as_such(policy):
    answer = policy(SMALL).ask(neutral("B0278", activities=["B0420"]))
    assert answer.context["granted_by"]["source"] == "additional"
    assert answer.context["path"] == ["B0420", "B0278"]


def test_granted_by_baseline_wins_over_granted_by_additional(policy):
    small = policy(SMALL)
    assert small.ask(neutral("B0825", activities=["B0825"])).verdict == "permit granted-by-baseline"
    assert small.ask(neutral("B0820", activities=["B0825"])).verdict == "permit granted-by-baseline"


def test_a_direct_grant_wins_over_an_included_one(policy):
    direct = policy(SMALL + "  - { roles: [R8000], activities: [B0820] }\n")
    answer = direct.ask(neutral("B0820"))
    assert answer.context["path"] == ["B0820"]
    assert answer.context["granted_by"]["line"] == (direct.path / "policy.yaml").read_text().count("\n")
    answer = policy(SMALL).ask(neutral("B0820", role="R0001", activities=["B0825", "B0820"]))
    assert answer.context["path"] == ["B0820"]


PATHS = """
activities:
  B0001: { name: First root, includes: [B0010] }
  B0002: { name: Second root, includes: [B0011] }
  B0003: { name: Near root, includes: [B0012, B0020] }
  B0004: { name: Long way, includes: [B0005] }
  B0005: { name: Long way on, includes: [B0001] }
  B0010: { name: First step, includes: [B0020] }
  B0011: { name: Second step, includes: [B0020] }
  B0012: { name: Third step, includes: [B0020] }
  B0020: { name: The goal }
  B0030: { name: Fork, includes: [B0032, B0031] }
  B0031: { name: Left, includes: [B0033] }
  B0032: { name: Right, includes: [B0033] }
  B0033: { name: Join }
job_roles:
  R8000: { name: A role }
"""


@pytest.mark.parametrize("held, asked, path", [
    (["B0020"], "B0020", ["B0020"]),
    (["B0003"], "B0020", ["B0003", "B0020"]),
    (["B0002", "B0001"], "B0020", ["B0001", "B0010", "B0020"]),
    (["B0001", "B0003"], "B0020", ["B0003", "B0020"]),
    (["B0004", "B0002"], "B0020", ["B0002", "B0011", "B0020"]),
    (["B0004"], "B0020", ["B0004", "B0005", "B0001", "B0010", "B0020"]),
    (["B0030"], "B0033", ["B0030", "B0031", "B0033"])])
def test_the_path_is_a_shortest_one_and_ties_go_by_code_order(policy, held, asked, path):
    assert policy(PATHS).ask(neutral(asked, activities=held)).context["path"] == path


def test_s19_an_obsolete_role_meets_no_requirement(policy):
    asked = policy("""\
nrbac: 1
policy: { name: retired, version: "1" }
activities: { B0001: { name: One } }
job_roles:
  R0001: { name: Retired, status: obsolete }
  R0002: { name: In use }
functions:
  by.role: { require: { any: [{ role: R0001 }, { role: R0002 }] } }
""")
    assert asked.ask(neutral("by.role", role="R0002")).effect == "permit"
    assert asked.ask(neutral("by.role", role="R0001")).verdict == "deny requirement-not-met"
