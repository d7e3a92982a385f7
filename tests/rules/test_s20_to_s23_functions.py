# SPDX-License-Identifier: Apache-2.0
"""S20 to S23: functions, what they require, and the obligations that go with a permit."""
import pytest
from support.requests import neutral, nrbac_role, cis2
from support.small import FUNCTIONS

REQUIREMENTS = FUNCTIONS + """
  scr.consent:  { name: Consent, require: { all: [B0015, { any: [B0380, B8028, B8029] }] } }
  vaccinate:    { name: Vaccinate, require: { all: [{ any: [{ role: R8001 }, { role: R8008 }] }, B0058] } }
  pathology:    { name: Pathology, require: { area_of_work: "P0020:Q0300:T0640" } }
  team:         { name: Team, require: { workgroup: "655694018104" } }
  at.rba:       { name: At RBA, require: { organisation: RBA } }
  aal.three:    { name: Strong, require: { aal: 3 } }
  ial.two:      { name: Known, require: { ial: 2 } }
  nested:       { name: Nested, require: { any: [{ all: [B0015, { any: [B0058, { all: [B0278, B0360] }] }] }, local:ESC01] } }
  view.cp-is:
    name: View child protection
    require:
      any:
        - B0572
        - { activity: B0570, obligations: [notify-access] }
  emergency: { name: Emergency, require: B0015, obligations: [notify-access] }
  both:
    name: Both
    require: { all: [{ activity: B0015, obligations: [notify-access] }, { activity: B0058, obligations: [keep-note] }] }
  deep:
    name: Deep
    require: { any: [{ all: [B0015, { activity: B0058, obligations: [keep-note] }] }, { activity: B0015, obligations: [notify-access] }] }
"""


@pytest.mark.parametrize("held, verdict", [
    (["B0015", "B0380"], "permit requirement-met"), (["B0015", "B8028"], "permit requirement-met"),
    (["B0015", "B8029"], "permit requirement-met"), (["B0015"], "deny requirement-not-met"),
    (["B8029"], "deny requirement-not-met"), (["B0015", "B0790"], "deny requirement-not-met")])
def test_s20_all_of_and_any_of_activities(policy, held, verdict):
    assert policy(REQUIREMENTS).ask(neutral("scr.consent", role="R0001", activities=held)).verdict == verdict


@pytest.mark.parametrize("role, held, verdict", [
    ("R8001", ["B0058"], "permit requirement-met"), ("R8008", ["B0058"], "permit requirement-met"),
    ("R8000", ["B0058"], "deny requirement-not-met"), ("R8001", [], "deny requirement-not-met")])
def test_s20_a_job_role_and_an_activity(policy, role, held, verdict):
    assert policy(REQUIREMENTS).ask(neutral("vaccinate", role=role, activities=held)).verdict == verdict


@pytest.mark.parametrize("name, right, wrong", [
    ("pathology", {"areas": ["P0020:Q0300:T0640"]}, {"areas": ["P0020:Q0300:T0630"]}),
    ("team", {"workgroups": ["1", "655694018104"]}, {"workgroups": ["65569401810"]}),
    ("aal.three", {"aal": 3}, {"aal": 2}), ("ial.two", {"ial": "3"}, {"ial": 1}),
    ("at.rba", {}, {"organisation": "Y51"})])
def test_s20_every_kind_of_atom_holds_and_fails(policy, name, right, wrong):
    functions = policy(REQUIREMENTS)
    assert functions.ask(neutral(name, **right)).verdict == "permit requirement-met"
    assert functions.ask(neutral(name, **wrong)).effect == "deny"


def test_s20_workgroups_are_read_from_userinfo_although_names_are_absent(policy):
    role = nrbac_role("501", "R8000", workgroups=[], workgroups_codes=["655694018104"])
    assert policy(REQUIREMENTS).ask(cis2("team", [role])).verdict == "permit requirement-met"


@pytest.mark.parametrize("held, permitted", [
    (["B0015", "B0058"], True), (["B0015", "B0278", "B0360"], True), (["B0015", "B0278"], False), (["B0278", "B0360"], False),
    (["local:ESC01"], True), ([], False)])
def test_s20_all_and_any_nest(policy, held, permitted):
    answer = policy(REQUIREMENTS).ask(neutral("nested", role="R0001", activities=held))
    assert answer.verdict == ("permit requirement-met" if permitted else "deny requirement-not-met")


def test_s20_included_activities_satisfy_a_requirement(policy):
    assert policy(REQUIREMENTS).ask(neutral("patient.amend", role="R0001", activities=["B0825"])).effect == "permit"
    assert policy(REQUIREMENTS).ask(neutral("scr.consent", role="R0001", activities=["B0015", "B8029"])).effect == "permit"


@pytest.mark.parametrize("held, obligations", [
    (["B0572"], set()), (["B0570"], {"notify-access"}), (["B0572", "B0570"], set())])
def test_s21_the_first_alternative_that_holds_decides_the_obligations(policy, held, obligations):
    answer = policy(REQUIREMENTS).ask(neutral("view.cp-is", activities=held))
    assert answer.verdict == "permit requirement-met"
    assert answer.obligations == obligations


@pytest.mark.parametrize("name, held, obligations", [
    ("emergency", ["B0015"], {"notify-access"}), ("both", ["B0015", "B0058"], {"notify-access", "keep-note"}),
    ("deep", ["B0015", "B0058"], {"keep-note"}), ("deep", ["B0015"], {"notify-access"})])
def test_s21_obligations_of_functions_and_of_alternatives_come_with_the_permit(policy, name, held, obligations):
    answer = policy(REQUIREMENTS).ask(neutral(name, activities=held))
    assert answer.effect == "permit"
    assert answer.obligations == obligations


@pytest.mark.parametrize("name", ["emergency", "both", "view.cp-is"])
def test_s21_a_denial_carries_no_obligation(policy, name):
    answer = policy(REQUIREMENTS).ask(neutral(name))
    assert answer.verdict == "deny requirement-not-met"
    assert answer.obligations == set()


def test_s21_an_activity_asked_by_itself_carries_no_obligation(policy):
    assert policy(REQUIREMENTS).ask(neutral("B0015", activities=["B0015"])).obligations == set()


EXCLUSIVE = """
activities:
  B0100: { name: Above one, includes: [B0107] }
  B0107: { name: View with a notification, includes: [B0200] }
  B0170: { name: View without a notification, includes: [B0201] }
  B0180: { name: A third way }
  B0200: { name: What the first includes }
  B0201: { name: What the second includes }
job_roles:
  R8000: { name: A role }
functions:
  cpis.view: { name: View child protection, require: { any: [B0107, B0170] } }
  included: { name: What is included, require: { any: [B0200, B0201] } }
  strong: { name: Strong, require: { all: [B0107, { aal: 2 }] } }
exclusive:
  - { name: cp-is, activities: [B0170, B0107, B0180], on_conflict: MODE }
"""


def exclusive(mode, more=""):
    return EXCLUSIVE.replace("MODE", mode) + more


BOTH = ["B0107", "B0170"]


@pytest.mark.parametrize("mode", ["deny", "warn", "prefer-first"])
@pytest.mark.parametrize("name", ["B0107", "cpis.view"])
def test_s22_one_code_of_an_exclusive_set_is_no_conflict(policy, mode, name):
    answer = policy(exclusive(mode)).ask(neutral(name, activities=["B0107"]))
    assert answer.effect == "permit"
    assert answer.warnings == []


def test_s22_deny_makes_none_of_the_codes_count(policy):
    denying = policy(exclusive("deny"))
    for name in ("B0107", "B0170", "cpis.view"):
        assert denying.ask(neutral(name, activities=BOTH)).verdict == "deny exclusive-conflict"


def test_s22_prefer_first_keeps_the_first_listed_one_that_is_held(policy):
    preferring = policy(exclusive("prefer-first"))
    assert preferring.ask(neutral("B0170", activities=BOTH)).verdict == "permit granted-by-additional"
    assert preferring.ask(neutral("B0107", activities=BOTH)).verdict == "deny exclusive-conflict"
    assert preferring.ask(neutral("cpis.view", activities=BOTH)).verdict == "permit requirement-met"
    late = ["B0180", "B0107"]
    assert preferring.ask(neutral("B0107", activities=late)).verdict == "permit granted-by-additional"
    assert preferring.ask(neutral("B0180", activities=late)).verdict == "deny exclusive-conflict"
    assert preferring.ask(neutral("B0170", activities=late)).verdict == "deny not-granted"


def test_s22_warn_keeps_all_and_warns(policy):
    warning = policy(exclusive("warn"))
    for name in ("B0107", "B0170", "cpis.view"):
        answer = warning.ask(neutral(name, activities=BOTH))
        assert answer.effect == "permit"
        assert "cp-is" in answer.warned_about


@pytest.mark.parametrize("mode", ["deny", "prefer-first"])
def test_s22_sets_act_after_closure(policy, mode):
    answer = policy(exclusive(mode)).ask(neutral("B0107", activities=["B0100", "B0170"]))
    assert answer.verdict == "deny exclusive-conflict"


@pytest.mark.parametrize("mode", ["deny", "warn", "prefer-first"])
@pytest.mark.parametrize("name", ["B0200", "B0201", "included"])
def test_s22_what_the_codes_include_is_not_affected(policy, mode, name):
    assert policy(exclusive(mode)).ask(neutral(name, activities=BOTH)).effect == "permit"


def test_s22_overlapping_sets_each_judge_the_original_closure(policy):
    overlapping = policy(exclusive("prefer-first", "  - { name: second, activities: [B0107, B0200], on_conflict: prefer-first }\n"))
    held = ["B0107", "B0170"]
    assert overlapping.ask(neutral("B0170", activities=held)).effect == "permit"
    assert overlapping.ask(neutral("B0107", activities=held)).verdict == "deny exclusive-conflict"
    assert overlapping.ask(neutral("B0200", activities=held)).verdict == "deny exclusive-conflict"
    assert overlapping.ask(neutral("B0201", activities=held)).effect == "permit"


def test_s22_what_overlapping_sets_remove_unites(policy):
    overlapping = policy(exclusive("prefer-first", "  - { name: second, activities: [B0170, B0201], on_conflict: deny }\n"))
    for name in ("B0107", "B0170", "B0201"):
        assert overlapping.ask(neutral(name, activities=BOTH)).verdict == "deny exclusive-conflict"
    assert overlapping.ask(neutral("cpis.view", activities=BOTH)).verdict == "deny exclusive-conflict"


def test_s22_a_code_given_twice_is_no_conflict(policy):
    assert policy(exclusive("deny")).ask(neutral("B0107", activities=["B0107", "B0107", "B0100"])).effect == "permit"


def test_s23_other_gates_are_not_ours_and_do_not_change_the_decision(policy):
    functions = policy(REQUIREMENTS)
    plain = neutral("emergency", activities=["B0015"])
    gated = neutral("emergency", activities=["B0015"])
    gated["context"].update(consent="refused", legitimate_relationship=False)
    gated["resource"]["properties"] = {"sealed": True}
    assert functions.ask(plain).without_where_it_was_asked() == functions.ask(gated).without_where_it_was_asked()


def test_s23_what_other_gates_must_do_is_returned_as_an_obligation(policy):
    assert policy(REQUIREMENTS).ask(neutral("emergency", activities=["B0015"])).obligations == {"notify-access"}


# Why a requirement failed: aal and ial, then organisation, then exclusive sets; cumulatively.

WHY = EXCLUSIVE.replace("MODE", "deny") + """
  - { name: other, activities: [B0200, B0201], on_conflict: warn }
"""
WHY = WHY.replace("exclusive:\n", """
  level:        { name: Level, require: { all: [B0180, { aal: 2 }] } }
  levels:       { name: Levels, require: { all: [B0180, { aal: 2 }, { ial: 2 }] } }
  either.level: { name: Either level, require: { any: [{ aal: 3 }, { organisation: Y51 }] } }
  place:        { name: Place, require: { all: [B0180, { organisation: Y51 }] } }
  place.asked:  { name: Place asked, require: { all: [B0180, { organisation: request }] } }
  two.places:   { name: Two places, require: { all: [B0180, { organisation: Y51 }, { organisation: request }] } }
  level.place:  { name: Level and place, require: { all: [B0180, { aal: 2 }, { organisation: Y51 }] } }
  level.conflict: { name: Level and conflict, require: { all: [B0107, { aal: 2 }] } }
  place.conflict: { name: Place and conflict, require: { all: [B0107, { organisation: Y51 }] } }
  conflict.any: { name: Conflict or role, require: { any: [B0107, B0100] } }
exclusive:
""")


@pytest.mark.parametrize("name, held, beside, asked, reason", [
    ("level", ["B0180"], {}, None, "assurance-unknown"),
    ("level", ["B0180"], {"aal": 1}, None, "assurance-too-low"),
    ("level", ["B0180"], {"aal": None, "ial": 3}, None, "assurance-unknown"),
    ("levels", ["B0180"], {"aal": 1}, None, "assurance-unknown"),
    ("levels", ["B0180"], {"aal": 1, "ial": 3}, None, "assurance-too-low"),
    ("levels", ["B0180"], {"aal": 3, "ial": 1}, None, "assurance-too-low"),
    ("levels", ["B0180"], {"aal": 3}, None, "assurance-unknown"),
    ("level", [], {"aal": 1}, None, "requirement-not-met"),
    ("level", [], {"aal": 3}, None, "requirement-not-met"),
    ("either.level", [], {"aal": 1}, None, "assurance-too-low"),
    ("either.level", [], {}, None, "assurance-unknown"),
    ("place", ["B0180"], {}, None, "organisation-mismatch"),
    ("place", ["B0180"], {}, "RBA", "organisation-mismatch"),
    ("place", [], {}, None, "requirement-not-met"),
    ("place.asked", ["B0180"], {}, None, "organisation-required"),
    ("place.asked", [], {}, None, "requirement-not-met"),
    ("two.places", ["B0180"], {}, None, "organisation-required"),
    ("two.places", ["B0180"], {}, "RBA", "organisation-mismatch"),
    ("level.place", ["B0180"], {"aal": 1}, None, "organisation-mismatch"),
    ("level.place", ["B0180"], {"aal": 3}, None, "organisation-mismatch"),
    ("level.place", [], {"aal": 1}, None, "requirement-not-met"),
    ("level.conflict", BOTH, {"aal": 3}, None, "exclusive-conflict"),
    ("level.conflict", BOTH, {"aal": 1}, None, "exclusive-conflict"),
    ("level.conflict", BOTH, {}, None, "exclusive-conflict"),
    ("level.conflict", [], {}, None, "requirement-not-met"),
    ("place.conflict", BOTH, {}, None, "exclusive-conflict"),
    ("conflict.any", BOTH, {}, None, "exclusive-conflict"),
    ("conflict.any", [], {}, None, "requirement-not-met")])
def test_why_a_requirement_failed_is_found_by_relaxing_in_order(policy, name, held, beside, asked, reason):
    answer = policy(WHY).ask(neutral(name, activities=held, asked=asked, **beside))
    assert answer.verdict == f"deny {reason}"
