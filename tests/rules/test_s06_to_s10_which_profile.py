# SPDX-License-Identifier: Apache-2.0
"""S6 to S10: one profile is in force, and it must be usable here and now."""
import pytest
from support.requests import NOW, cis2, neutral, nrbac_role, request, saml, saml_role
from support.small import FUNCTIONS, SMALL

TWO = [nrbac_role("501", "R8000"), nrbac_role("502", "R8001", organisation="Y51")]
NURSE, DOCTOR = "502", "501"


def test_s06_activities_of_several_profiles_are_never_united(policy):
    small = policy(SMALL)
    for chosen, mine, other in ((DOCTOR, "B0825", "B0380"), (NURSE, "B0380", "B0825")):
        assert small.ask(cis2(mine, TWO, id_token={"selected_roleid": chosen})).verdict == "permit granted-by-baseline"
        assert small.ask(cis2(other, TWO, id_token={"selected_roleid": chosen})).verdict == "deny not-granted"


def test_s06_additional_activities_stay_with_their_profile(policy):
    roles = [nrbac_role("501", "R8000", activity_codes=["B0058"]), nrbac_role("502", "R8000")]
    answer = policy(SMALL).ask(cis2("B0058", roles, role_profile="502"))
    assert answer.verdict == "deny not-granted"


def test_s06_roles_and_workgroups_of_other_profiles_do_not_count_in_functions(policy):
    functions = policy(FUNCTIONS + "  team: { require: { workgroup: '42' } }\n")
    roles = [nrbac_role("501", "R0001", workgroups_codes=["42"]), nrbac_role("502", "R8001")]
    for name in ("alerts", "team"):
        assert functions.ask(cis2(name, roles, role_profile="501")).verdict == "permit requirement-met"
        assert functions.ask(cis2(name, roles, role_profile="502")).verdict == "deny requirement-not-met"


def test_s07_selected_roleid_wins(policy):
    answer = policy(SMALL).ask(cis2("B0380", TWO, id_token={"selected_roleid": NURSE}))
    assert answer.profile == (NURSE, "R8001", "Y51")
    assert answer.warnings == []


def test_s07_selected_roleid_wins_over_the_callers_choice_with_a_warning(policy):
    answer = policy(SMALL).ask(cis2("B0380", TWO, id_token={"selected_roleid": NURSE}, role_profile=DOCTOR))
    assert answer.verdict == "permit granted-by-baseline"
    assert answer.warnings == ["role-choice-overridden"]


def test_s07_the_same_choice_twice_is_no_warning(policy):
    answer = policy(SMALL).ask(cis2("B0380", TWO, id_token={"selected_roleid": NURSE}, role_profile=NURSE))
    assert answer.verdict == "permit granted-by-baseline"
    assert answer.warnings == []


@pytest.mark.parametrize("selected", ["", "roleid.test", "50", "5022", "R8001"])
@pytest.mark.parametrize("roles", [TWO, TWO[:1]])
@pytest.mark.parametrize("choice", [None, NURSE, DOCTOR])
def test_s07_a_selected_role_that_is_not_the_users_is_invalid_without_fallback(policy, selected, roles, choice):
    answer = policy(SMALL).ask(cis2("B0820", roles, id_token={"selected_roleid": selected}, role_profile=choice))
    assert answer.verdict == "indeterminate selected-role-invalid"


def test_s07_the_callers_choice_decides_where_the_token_is_silent(policy):
    answer = policy(SMALL).ask(cis2("B0380", TWO, role_profile=NURSE))
    assert answer.verdict == "permit granted-by-baseline"
    assert answer.profile[0] == NURSE


@pytest.mark.parametrize("roles", [TWO, TWO[:1]])
def test_s07_a_callers_choice_that_is_not_the_users_is_invalid(policy, roles):
    assert policy(SMALL).ask(cis2("B0820", roles, role_profile="777")).verdict == "indeterminate selected-role-invalid"


def test_s07_the_only_profile_needs_no_choice(policy):
    answer = policy(SMALL).ask(cis2("B0820", TWO[:1]))
    assert answer.verdict == "permit granted-by-baseline"
    assert answer.profile == (DOCTOR, "R8000", "RBA")


def test_s07_several_profiles_ask_for_a_choice_and_list_the_candidates(policy):
    roles = TWO + [nrbac_role("503", "R8001", organisation="Y51")]
    answer = policy(SMALL).ask(cis2("B0380", roles))
    assert answer.verdict == "indeterminate role-selection-required"
    assert answer.candidates == {"501": "deny", "502": "permit", "503": "permit"}


def test_s07_candidates_show_the_effect_that_each_would_have(policy):
    roles = [nrbac_role("501", "R8000"), nrbac_role("502", None), nrbac_role("503", "R8001", activity_codes=["B0825"])]
    answer = policy(SMALL).ask(cis2("B0820", roles))
    assert answer.candidates == {"501": "permit", "502": "indeterminate", "503": "permit"}


def test_s07_candidates_consider_the_organisation_of_the_request(policy):
    answer = policy(SMALL).ask(cis2("B0820", TWO + [nrbac_role("503", "R8000", organisation="Y51")], asked="Y51"))
    assert answer.verdict == "indeterminate role-selection-required"
    assert answer.candidates == {"501": "deny", "502": "deny", "503": "permit"}


def test_s07_the_message_asks_for_the_choice_in_words(policy):
    answer = policy(SMALL).ask(cis2("B0380", TWO))
    assert answer.context["message"] == "Choose which role you are working in."


@pytest.mark.parametrize("roles", [None, []])
def test_s07_no_profile_at_all_is_no_roles(policy, roles):
    assert policy(SMALL).ask(cis2("B0380", roles)).verdict == "indeterminate no-roles"


def test_s07_saml_names_its_selected_profile(policy):
    roles = [saml_role("500", "R8000"), saml_role("501", "R8001")]
    assert policy(SMALL).ask(saml("B0380", roles)).verdict == "permit granted-by-baseline"
    assert policy(SMALL).ask(saml("B0825", roles)).verdict == "deny not-granted"
    assert policy(SMALL).ask(saml("B0825", roles, selected="999")).verdict == "indeterminate selected-role-invalid"


# S8: dates, YYYYMMDD. The day of the request is 2026-11-23.

@pytest.mark.parametrize("dates, verdict", [
    ({"nhsOrgOpenDate": "20200101"}, "permit granted-by-baseline"),
    ({"nhsOrgOpenDate": "20261123"}, "permit granted-by-baseline"),
    ({"nhsOrgOpenDate": "20261124"}, "deny profile-not-open"),
    ({"nhsOrgOpenDate": "20200101", "nhsOrgCloseDate": "20261124"}, "permit granted-by-baseline"),
    ({"nhsOrgOpenDate": "20200101", "nhsOrgCloseDate": "20261123"}, "deny profile-not-open"),
    ({"nhsOrgOpenDate": "20200101", "nhsOrgCloseDate": "20261122"}, "deny profile-not-open"),
    ({}, "permit granted-by-baseline")])
def test_s08_a_profile_is_open_from_its_open_date_until_before_its_close_date(policy, dates, verdict):
    assert policy(SMALL).ask(saml("B0820", [saml_role("501", "R8000", **dates)])).verdict == verdict


@pytest.mark.parametrize("days", [["20200101", "20261124"], ["20261124", "20200101"]])
def test_s08_of_several_open_dates_the_last_counts_in_whatever_order_they_come(policy, days):
    attributes = [["uid", "910000000001"], ["nhsIdCode", "RBA"], ["nhsJobRoleCode", "R8000"], ["uniqueIdentifier", "501"]]
    attributes += [["nhsOrgOpenDate", day] for day in days]
    assert policy(SMALL).ask(request("B0820", {"saml": attributes})).verdict == "deny profile-not-open"


def test_s08_only_the_dates_of_the_profile_in_force_count(policy):
    roles = [saml_role("500", "R8000", nhsOrgOpenDate="20200101", nhsOrgCloseDate="20210101"), saml_role("501", "R8000")]
    assert policy(SMALL).ask(saml("B0820", roles)).verdict == "permit granted-by-baseline"
    assert policy(SMALL).ask(saml("B0820", roles, selected="500")).verdict == "deny profile-not-open"


def test_s08_the_close_date_bounds_the_decision(policy):
    role = saml_role("501", "R8000", nhsOrgOpenDate="20200101", nhsOrgCloseDate="20261201")
    answer = policy(SMALL).ask(saml("B0820", [role]))
    assert answer.valid_until.isoformat() == "2026-12-01T00:00:00+00:00"


# S9: organisations.

ANYWHERE = FUNCTIONS + """
  here:   { require: { organisation: request } }
  at.rba: { require: { organisation: RBA } }
"""


@pytest.mark.parametrize("name", ["B0825", "patient.amend", "here", "at.rba"])
def test_s09_another_organisation_than_the_profiles_is_refused(policy, name):
    anywhere = policy(ANYWHERE)
    assert anywhere.ask(neutral(name, asked="RBA")).effect == "permit"
    assert anywhere.ask(neutral(name, asked="Y51")).verdict == "deny organisation-mismatch"


def test_s09_a_profile_without_organisation_matches_none_that_is_named(policy):
    small = policy(SMALL)
    assert small.ask(neutral("B0825", organisation=None)).effect == "permit"
    assert small.ask(neutral("B0825", organisation=None, asked="RBA")).verdict == "deny organisation-mismatch"


@pytest.mark.parametrize("asked", [None, "FFFFF"])
@pytest.mark.parametrize("name", ["B0825", "B0015", "patient.amend", "here"])
def test_s09_a_locum_must_name_the_actual_site(policy, asked, name):
    answer = policy(ANYWHERE).ask(neutral(name, organisation="FFFFF", asked=asked))
    assert answer.verdict == "deny organisation-required"


@pytest.mark.parametrize("name, asked, verdict", [
    ("B0825", "Y51", "permit granted-by-baseline"), ("here", "Y51", "permit requirement-met"),
    ("at.rba", "RBA", "permit requirement-met"), ("at.rba", "Y51", "deny organisation-mismatch"),
    ("B0015", "Y51", "deny not-granted")])
def test_s09_a_locum_acts_for_the_organisation_that_the_request_names(policy, name, asked, verdict):
    assert policy(ANYWHERE).ask(neutral(name, organisation="FFFFF", asked=asked)).verdict == verdict


def test_s09_organisation_request_fails_where_the_request_names_none(policy):
    answer = policy(ANYWHERE).ask(neutral("here"))
    assert answer.verdict == "deny organisation-required"


def test_s09_what_a_request_writes_into_the_organisation_does_not_match_by_prefix_or_case(policy):
    for asked in ("RB", "RBAA", "rba", " RBA"):
        answer = policy(SMALL).ask(neutral("B0825", asked=asked))
        assert answer.effect != "permit", asked


# S10: training.

@pytest.mark.parametrize("mode", ["1", 1])
def test_s10_a_training_session_is_refused(policy, mode):
    assert policy(SMALL).ask(saml("B0820", [saml_role("501", "R8000")], mode=mode)).verdict == "deny training-session"


def test_s10_a_live_session_is_not_a_training_session(policy):
    assert policy(SMALL).ask(saml("B0820", [saml_role("501", "R8000")], mode="0")).verdict == "permit granted-by-baseline"


def test_s10_training_is_refused_for_functions_also(policy):
    assert policy(FUNCTIONS).ask(saml("patient.amend", [saml_role("501", "R8000")], mode="1")).verdict == \
        "deny training-session"


def test_the_neutral_profile_may_be_chosen_by_its_id(policy):
    whole = neutral("B0820")
    whole["subject"]["properties"]["role_profile"] = "1001"
    assert policy(SMALL).ask(whole).verdict == "permit granted-by-baseline"
    whole["subject"]["properties"]["role_profile"] = "1002"
    assert policy(SMALL).ask(whole).verdict == "indeterminate selected-role-invalid"


def test_two_profiles_with_one_id_are_never_united(policy):
    roles = [nrbac_role("501", "R8000"), nrbac_role("501", "R8001")]
    small = policy(SMALL)
    permits = [small.ask(cis2(name, roles, role_profile="501")).effect == "permit" for name in ("B0825", "B0380")]
    assert permits != [True, True]


def test_evidence_that_expired_says_so_whatever_the_profile(policy):
    whole = cis2("B0820", TWO, id_token={"exp": NOW - 1})
    assert policy(SMALL).ask(whole).verdict == "deny evidence-expired"
