# SPDX-License-Identifier: Apache-2.0
"""S1 to S5: what the application received, and what of it counts."""
import pytest
from support.requests import NOW, cis2, flat, neutral, nrbac_role, request, saml, saml_role, sample
from support.small import FUNCTIONS, SMALL


def test_s01_names_are_not_decided_on(policy):
    role = nrbac_role("501", "S8000:G8000:R8000", activities=["Nurse Formulary Prescribing"], activity_codes=[])
    assert policy(SMALL).ask(cis2("B0058", [role])).verdict == "deny not-granted"


def test_s01_a_name_at_the_same_place_as_a_code_says_nothing_about_it(policy):
    role = nrbac_role("501", "R0001", activities=["Nurse Formulary Prescribing", "View Summary Record"],
                      activity_codes=["B0360", "B0570"])
    small = policy(SMALL)
    assert small.ask(cis2("B0360", [role])).verdict == "permit granted-by-additional"
    assert small.ask(cis2("B0058", [role])).verdict == "deny not-granted"


def test_s01_a_role_name_does_not_make_a_role(policy):
    role = nrbac_role("501", "R0001", role_name='"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"')
    assert policy(SMALL).ask(cis2("B0825", [role])).verdict == "deny not-granted"


@pytest.mark.parametrize("code", ["S8000:G8000:R8000", "R8000", "S8003:G8003:R8000", "S0000:G0000:R8000"])
def test_s02_the_job_role_is_the_last_component_of_the_role_code(policy, code):
    assert policy(SMALL).ask(cis2("B0820", [nrbac_role("501", code)])).verdict == "permit granted-by-baseline"


def test_s02_an_e_code_is_a_job_role(policy):
    assert policy(SMALL).ask(cis2("B0360", [nrbac_role("501", "S0010:G0010:E1005")])).verdict == "permit granted-by-baseline"


def test_s02_a_local_code_alone_is_a_job_role(policy):
    role = nrbac_role("501", "local:locum-lead")
    assert policy(SMALL).ask(cis2("local:ESC01", [role])).verdict == "permit granted-by-baseline"


@pytest.mark.parametrize("code", [None, "", "S000:G000:RC1", "B0428", "R800", "R80000", "r8000", "R8000:", "S8000:G8000",
                                  "XR8000"])
def test_s02_a_profile_without_a_usable_role_code_is_role_code_missing(policy, code):
    role = nrbac_role("501", code, activity_codes=["B0825"])
    assert policy(SMALL).ask(cis2("B0825", [role])).verdict == "indeterminate role-code-missing"


def test_s02_with_roleless_profiles_additional_the_additional_activities_count(policy):
    roleless = policy(SMALL + "settings: { roleless_profiles: additional }\n")
    role = nrbac_role("501", None, activity_codes=["B0825"])
    assert roleless.ask(cis2("B0820", [role])).verdict == "permit granted-by-additional"
    assert roleless.ask(cis2("B0360", [role])).verdict == "deny not-granted"


def test_s02_roleless_profiles_none_is_the_default_said_aloud(policy):
    said = policy(SMALL + "settings: { roleless_profiles: none }\n")
    assert said.ask(neutral("B0825", role=None, activities=["B0825"])).verdict == "indeterminate role-code-missing"


@pytest.mark.parametrize("how", ["missing", "empty", "null"])
def test_s03_missing_empty_and_null_arrays_mean_none(policy, how):
    role = nrbac_role("501", "R8000")
    if how != "missing":
        value = [] if how == "empty" else None
        role.update({key: value for key in ("activities", "activity_codes", "aow", "aow_codes", "workgroups",
                                            "workgroups_codes")})
    small = policy(SMALL)
    assert small.ask(cis2("B0820", [role])).verdict == "permit granted-by-baseline"
    assert small.ask(cis2("B0572", [role])).verdict == "deny not-granted"


@pytest.mark.parametrize("how", ["missing", "empty", "null"])
def test_s03_the_same_holds_for_the_neutral_profile(policy, how):
    profile = {"id": "1", "role": "R8000", "organisation": "RBA"}
    if how != "missing":
        profile.update({key: [] if how == "empty" else None for key in ("areas_of_work", "activities", "workgroups")})
    assert policy(SMALL).ask(request("B0820", {"profile": profile})).verdict == "permit granted-by-baseline"


LEVELS = FUNCTIONS + """
  two:   { require: { aal: 2 } }
  three: { require: { ial: 3 } }
"""


@pytest.mark.parametrize("level, verdict", [
    (3, "permit requirement-met"), ("3", "permit requirement-met"), (2, "permit requirement-met"),
    ("2", "permit requirement-met"), (1, "deny assurance-too-low"), ("1", "deny assurance-too-low"),
    (None, "deny assurance-unknown"), ("AAL3", "indeterminate malformed-request"), ("", "indeterminate malformed-request"),
    ("2 ", "indeterminate malformed-request"), (2.5, "indeterminate malformed-request"),
    (True, "indeterminate malformed-request"), ([2], "indeterminate malformed-request"),
    ({"level": 2}, "indeterminate malformed-request")])
def test_s04_levels_are_integers_numeric_strings_or_unknown(policy, level, verdict):
    levels = policy(LEVELS)
    token = {"authentication_assurance_level": level}
    assert levels.ask(cis2("two", [nrbac_role("501", "R8000")], id_token=token)).verdict == verdict
    assert levels.ask(neutral("two", aal=level)).verdict == verdict


def test_s04_a_missing_level_fails_every_rule_that_asks_for_one(policy):
    levels = policy(LEVELS)
    assert levels.ask(cis2("two", [nrbac_role("501", "R8000")])).verdict == "deny assurance-unknown"
    assert levels.ask(neutral("two")).verdict == "deny assurance-unknown"
    assert levels.ask(neutral("three", aal=3)).verdict == "deny assurance-unknown"


def test_s04_the_acr_is_not_read_as_a_level(policy):
    token = {"acr": "AAL3_ANY"}
    answer = policy(LEVELS).ask(cis2("two", [nrbac_role("501", "R8000")], id_token=token))
    assert answer.verdict == "deny assurance-unknown"


def test_s04_levels_may_stand_in_userinfo_and_the_id_token_wins(policy):
    levels = policy(LEVELS)
    roles = [nrbac_role("501", "R8000")]
    within = cis2("two", roles, authentication_assurance_level="3")
    assert levels.ask(within).verdict == "permit requirement-met"
    both = cis2("two", roles, id_token={"authentication_assurance_level": 1}, authentication_assurance_level=3)
    assert levels.ask(both).verdict == "deny assurance-too-low"


def test_s04_identity_assurance_is_read_from_the_id_token(policy):
    roles = [nrbac_role("501", "R8000")]
    levels = policy(LEVELS)
    assert levels.ask(cis2("three", roles, id_token={"id_assurance_level": "3"})).verdict == "permit requirement-met"
    assert levels.ask(cis2("three", roles, id_token={"id_assurance_level": 2})).verdict == "deny assurance-too-low"


def test_s05_two_different_subjects_are_subject_mismatch(policy):
    roles = [nrbac_role("501", "R8000")]
    small = policy(SMALL)
    assert small.ask(cis2("B0820", roles, id_token={"sub": "910000000001"})).verdict == "permit granted-by-baseline"
    assert small.ask(cis2("B0820", roles, id_token={"sub": "910000000002"})).verdict == "deny subject-mismatch"


@pytest.mark.parametrize("whole", [
    cis2("B0820", [nrbac_role("501", "R8000")]), saml("B0820", [saml_role("501", "R8000")])])
def test_s05_the_subject_id_of_the_request_is_the_one_of_the_evidence(policy, whole):
    small = policy(SMALL)
    whole["subject"]["id"] = "910000000001"
    assert small.ask(whole).verdict == "permit granted-by-baseline"
    whole["subject"]["id"] = "910000000009"
    assert small.ask(whole).verdict == "deny subject-mismatch"


# The request's members.

def broken(change):
    whole = neutral("B0820")
    change(whole)
    return whole


@pytest.mark.parametrize("change, named", [
    (lambda r: r.pop("action"), "action"),
    (lambda r: r["action"].pop("name"), "name"),
    (lambda r: r["action"].update(name=7), "name"),
    (lambda r: r["action"].update(name=None), "name"),
    (lambda r: r.update(action=[]), "action"),
    (lambda r: r.update(subject=[]), "subject"),
    (lambda r: r["subject"].pop("type"), "type"),
    (lambda r: r["subject"].update(type=3), "type"),
    (lambda r: r["subject"].pop("properties"), "properties"),
    (lambda r: r["subject"].update(properties="none"), "properties"),
    (lambda r: r["subject"].update(properties={}), ""),
    (lambda r: r["subject"]["properties"].update(profile=[]), "profile")])
def test_a_missing_or_mistyped_member_is_malformed_and_named(policy, change, named):
    answer = policy(SMALL).ask(broken(change))
    assert answer.verdict == "indeterminate malformed-request"
    assert named in str(answer)


@pytest.mark.parametrize("change", [
    lambda r: r["subject"]["properties"]["profile"].update(role=8000),
    lambda r: r["subject"]["properties"]["profile"].update(organisation=["RBA"]),
    lambda r: r["subject"]["properties"]["profile"].update(activities="B0825"),
    lambda r: r["subject"]["properties"]["profile"].update(activities=[825]),
    lambda r: r["subject"]["properties"]["profile"].update(areas_of_work={}),
    lambda r: r["context"].update(time="yesterday"),
    lambda r: r["context"].update(time=7),
    lambda r: r["context"].update(organisation=5),
    lambda r: r.update(context="here")])
def test_a_mistyped_optional_member_never_permits(policy, change):
    assert policy(SMALL).ask(broken(change)).effect != "permit"


def test_unknown_members_are_ignored(policy):
    whole = neutral("B0820")
    for part in (whole, whole["subject"], whole["action"], whole["context"], whole["subject"]["properties"]["profile"]):
        part["something_new"] = {"deep": [1, None, 2.5, "x"]}
    assert policy(SMALL).ask(whole).verdict == "permit granted-by-baseline"


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '"B0820"', "{}", '{"action":', "\ufeff\u0000", "]" * 50,
                                  "[" * 100000])
def test_what_is_not_a_request_is_malformed(policy, text):
    assert policy(SMALL).ask(text).verdict == "indeterminate malformed-request"


def test_exactly_one_shape_of_evidence_may_be_given(policy):
    whole = neutral("B0820")
    whole["subject"]["properties"]["userinfo"] = {"sub": "1", "nhsid_nrbac_roles": [nrbac_role("501", "R8000")]}
    assert policy(SMALL).ask(whole).verdict == "indeterminate malformed-request"


def test_an_unattended_system_may_not_use_what_needs_a_user(policy):
    whole = neutral("B0820")
    del whole["subject"]
    assert policy(FUNCTIONS).ask(whole).effect != "permit"
    whole["action"]["name"] = "patient.amend"
    assert policy(FUNCTIONS).ask(whole).effect != "permit"


def test_a_member_given_twice_is_malformed(policy):
    text = '{"action":{"name":"B0572","name":"B0820"},"subject":{"type":"healthcare-worker",' \
           '"properties":{"profile":{"id":"1","role":"R8000","organisation":"RBA"}}}}'
    assert policy(SMALL).ask(text).verdict == "indeterminate malformed-request"


# The other shapes.

def test_saml_grouped_by_role_is_read(policy):
    roles = [saml_role("500", "S8000:G8000:R8001"), saml_role("501", "S8000:G8000:R0001",
                                                               nhsBusinessFunctionsCodes=["B0825"])]
    small = policy(SMALL)
    assert small.ask(saml("B0820", roles)).verdict == "permit granted-by-additional"
    assert small.ask(saml("B0380", roles)).verdict == "deny not-granted"


@pytest.mark.parametrize("spelling", ["nhsIdCode", "nhsIDCode"])
@pytest.mark.parametrize("name, verdict", [("B0820", "permit granted-by-additional"), ("B0380", "deny not-granted"),
                                           ("B0570", "permit granted-by-baseline")])
def test_a_flat_list_of_saml_attributes_is_read(policy, spelling, name, verdict):
    roles = [saml_role("500", "S8000:G8000:R8001"),
             saml_role("501", "S8000:G8000:R8008", nhsBusinessFunctionsCodes=["B0825", "B0015"],
                       nhsAreaOfWorkCodes=["P0300:Q0310:T0320"])]
    whole = saml(name, roles)
    attributes = flat(whole["subject"]["properties"]["saml"])
    pairs = [[spelling if key == "nhsIdCode" else key, value] for key, value in attributes]
    whole["subject"]["properties"]["saml"] = pairs
    assert policy(SMALL).ask(whole).verdict == verdict


def test_saml_grouped_and_flat_give_the_same_answer(policy):
    claims = sample("saml-two-roles-aow-workgroup")
    small = policy(SMALL)
    for name in ("B0820", "B0825", "B0572", "B0360"):
        grouped = small.ask(request(name, {"saml": claims}))
        listed = small.ask(request(name, {"saml": flat(claims)}))
        assert grouped.without_where_it_was_asked() == listed.without_where_it_was_asked()


PATIENTS = SMALL + """
functions:
  record.view: { name: View the record, require: { proofing: P9 } }
  leaflet:     { name: Read a leaflet, require: { proofing: P0 } }
"""


@pytest.mark.parametrize("name, proofed, verdict", [
    ("record.view", "P9", "permit"), ("record.view", "P5", "deny proofing-too-low"), ("record.view", "P0", "deny proofing-too-low"),
    ("leaflet", "P0", "permit"), ("leaflet", "P5", "permit"), ("leaflet", "P9", "permit")])
def test_a_patient_needs_the_proofing_level_at_least(policy, name, proofed, verdict):
    claims = {"sub": "p-1", "identity_proofing_level": proofed, "nhs_number": "9912003071"}
    whole = request(name, {"nhs_login": claims}, kind="patient", subject_id="9912003071")
    answer = policy(PATIENTS).ask(whole)
    assert verdict in (answer.effect, answer.verdict)


@pytest.mark.parametrize("user, kind, name", [
    ("nhs-login-p9", "patient", "record.view"), ("nhs-login-p0", "patient", "leaflet"),
    *((user, "healthcare-worker", "B0820") for user in (
        "cis2-four-roles-one-org", "cis2-aow-workgroups-two-orgs", "cis2-selected-role-workgroup",
        "cis2-privacy-officer-and-nurse", "eps-child-activity-only", "eps-baseline-role-only", "eps-no-roles",
        "ftrs-missing-role-code", "saml-one-role-unaligned", "saml-two-roles-aow-workgroup"))])
def test_every_public_record_is_readable(policy, user, kind, name):
    shape = "nhs_login" if kind == "patient" else "saml" if user.startswith("saml") else "userinfo"
    answer = policy(PATIENTS).ask(request(name, {shape: sample(user)}, kind=kind))
    assert answer.reason != "malformed-request"


@pytest.mark.parametrize("token, userinfo", [("cis2-id-token-aal1", "cis2-privacy-officer-and-nurse"),
                                             ("cis2-id-token-aal3", "cis2-four-roles-one-org")])
def test_every_public_id_token_is_readable_beside_its_userinfo(policy, token, userinfo):
    answer = policy(SMALL).ask(request("B0820", {"userinfo": sample(userinfo), "id_token": sample(token)}))
    assert answer.reason in ("selected-role-invalid", "role-selection-required")


def test_the_old_id_token_with_one_role_inside_is_readable(policy):
    old = policy(SMALL.replace("B0015: {", "B0263: { name: Old one }\n  B0015: {"))
    answer = old.ask(request("B0263", {"userinfo": sample("old-oidc-id-token-role")}, time="2017-06-20T12:00:00Z"))
    assert answer.verdict == "permit granted-by-additional"
    assert answer.profile == ("240000117896", "R0001", "Q14")


def test_a_selected_role_inside_userinfo_counts(policy):
    nurse = sample("cis2-selected-role-workgroup")
    answer = policy(SMALL).ask(request("B0380", {"userinfo": nurse}))
    assert answer.verdict == "permit granted-by-baseline"
    assert answer.profile == ("5555666677778888", "R8001", "A9A5A")


def test_an_expiry_inside_userinfo_counts_too(policy):
    small = policy(SMALL)
    assert small.ask(cis2("B0820", [nrbac_role("501", "R8000")], exp=NOW - 1)).verdict == "deny evidence-expired"
    assert small.ask(cis2("B0820", [nrbac_role("501", "R8000")], exp=NOW + 60)).effect == "permit"
