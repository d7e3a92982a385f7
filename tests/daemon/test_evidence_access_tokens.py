# SPDX-License-Identifier: Apache-2.0
"""Rule 7: the API platform's access tokens. Whose they are, for which API, on whose behalf, and at which level."""
import pytest
from support.apis import CIS2_COMBINED, CIS2_SEPARATE, NHS_LOGIN_COMBINED, NHS_LOGIN_SEPARATE, OTHER, OWN, SIGNED_JWT, by_cis1, by_cis2, by_nhs_login, by_profile
from support.certificates import cast
from support.evidence import (AUTHORISED, CLIENT_OF, GRANTED, MALFORMED, NOT_AUTHENTICATED, PATIENT, REFUSED_USER, USER, access_claims,
                              access_token, by_application, id_token, key_of, nhs_login, of_evidence, refused, to_function, userinfo,
                              worker)
from support.requests import NOW, flat, saml, saml_role
from support.tokens import jwt

MEMBER = "access_token"
MET, NOT_MET = "permit requirement-met", "deny pattern-not-met"
APP = "urn:nhsd:apim:app:level3:all"


def of_user(level=3, api="all", way="user-nhs-cis2"):
    return f"urn:nhsd:apim:{way}:aal{level}:{api}"


def of_patient(level="P9", api="records-of-ones-own"):
    return f"urn:nhsd:apim:user-nhs-login:{level}:{api}"


def test_an_access_token_proves_the_application(ask):
    for id in ("gp", None):
        answer = ask(by_application(id=id, access=access_token()))
        assert (answer.verdict, answer.context["pattern"]) == (AUTHORISED, SIGNED_JWT)
        assert of_evidence(answer) == ("none", "verified", [MEMBER])
        assert answer.valid_until.timestamp() == NOW + 600


def test_it_may_be_used_as_often_as_one_likes(ask):
    token = access_token()
    assert [ask(by_application(access=token)).verdict for _ in range(3)] == [AUTHORISED] * 3


# (claims that are changed, the verdict)
WHOSE = {
    "the second of its client ids": (dict(client_id="gp-second"), AUTHORISED),
    "azp, where there is no client_id": (dict(client_id=None, azp=CLIENT_OF["gp"]), AUTHORISED),
    "client_id counts before azp": (dict(azp=CLIENT_OF["pharmacy"]), AUTHORISED),
    "azp does not mend a client_id": (dict(client_id=CLIENT_OF["pharmacy"], azp=CLIENT_OF["gp"]), NOT_AUTHENTICATED),
    "another application's": (dict(client_id=CLIENT_OF["pharmacy"]), NOT_AUTHENTICATED),
    "another application's by azp": (dict(client_id=None, azp=CLIENT_OF["pharmacy"]), NOT_AUTHENTICATED),
    "nobody's": (dict(client_id="nobody"), NOT_AUTHENTICATED),
    "of no client": (dict(client_id=None), NOT_AUTHENTICATED),
    "an empty client": (dict(client_id=""), NOT_AUTHENTICATED),
    "a client that is a number": (dict(client_id=7), NOT_AUTHENTICATED),
    "clients in a list": (dict(client_id=[CLIENT_OF["gp"]]), NOT_AUTHENTICATED),
    "the application's name": (dict(client_id="gp"), NOT_AUTHENTICATED),
    "the client as its sub": (dict(sub=CLIENT_OF["gp"]), AUTHORISED),
}
SCOPE = {
    "this API among others": (f"openid {APP} profile", AUTHORISED),
    "this API in a list": (["openid", APP], AUTHORISED),
    "two APIs": (f"urn:nhsd:apim:app:level3:own {APP}", AUTHORISED),
    "another API": ("urn:nhsd:apim:app:level3:own", NOT_AUTHENTICATED),
    "an API that only begins so": (APP + "-more", NOT_AUTHENTICATED),
    "an API that is cut": (APP[:-1], NOT_AUTHENTICATED),
    "an API in capitals": ("urn:nhsd:apim:app:level3:ALL", NOT_AUTHENTICATED),
    "no API": ("urn:nhsd:apim:app:level3:", NOT_AUTHENTICATED),
    "another level of applications": ("urn:nhsd:apim:app:level2:all", NOT_AUTHENTICATED),
    "something before it": ("x" + APP, NOT_AUTHENTICATED),
    "something behind it": (APP + ":x", NOT_AUTHENTICATED),
    "another kind of it": ("urn:nhsd:apim:application:level3:all", NOT_AUTHENTICATED),
    "a line between": (f"openid\n{APP}\n", NOT_AUTHENTICATED),
    "several blanks between": (f"  openid   {APP} ", AUTHORISED),
    "a list with a list": ([[APP]], NOT_AUTHENTICATED),
    "a list whose text holds two": ([f"openid {APP}"], NOT_AUTHENTICATED),
    "none": (None, NOT_AUTHENTICATED),
    "an empty one": ("", NOT_AUTHENTICATED),
    "a list of none": ([], NOT_AUTHENTICATED),
    "a number": (7, NOT_AUTHENTICATED),
    "a map": ({"all": APP}, NOT_AUTHENTICATED),
    "only other things": ("openid profile nationalrbacaccess", NOT_AUTHENTICATED),
}
CASES = {**{f"client: {name}": case for name, case in WHOSE.items()},
         **{f"scope: {name}": (dict(scope=scope), verdict) for name, (scope, verdict) in SCOPE.items()}}


@pytest.mark.parametrize("name", CASES)
def test_whose_it_is_and_for_which_api(ask, name):
    changes, verdict = CASES[name]
    token = access_token(**changes)
    answer = ask(by_application(access=token))
    assert answer.verdict == verdict if verdict == AUTHORISED else refused(answer, verdict, MEMBER, token)


def test_an_api_has_in_scopes_the_name_that_the_settings_give_it(ask):
    user = by_nhs_login()
    for api, verdict in (("records-of-ones-own", "permit patient-authorised"), ("own", NOT_AUTHENTICATED), ("all", NOT_AUTHENTICATED)):
        assert ask(by_application("view", user, api="own", record=OWN, access=access_token(scope=of_patient(api=api)))).verdict == verdict


def test_for_a_function_any_api_does_but_one_there_must_be(ask):
    for scope, verdict in ((APP, GRANTED), (of_user(api="anything"), GRANTED), ("urn:nhsd:apim:app:level3:other", GRANTED), ("openid", NOT_AUTHENTICATED),
                           (None, NOT_AUTHENTICATED)):
        answer = ask(to_function(application={"id": "gp"}, user=by_profile(), access_token=access_token(scope=scope)))
        assert answer.verdict == verdict


# For whom it acts. (scope, user, pattern named, verdict)
ON_BEHALF = {
    "an application's, no user": (APP, None, SIGNED_JWT, AUTHORISED),
    "an application's, CIS2 user": (APP, by_cis2, CIS2_SEPARATE, NOT_MET),
    "an application's, CIS2 user, pattern not named": (APP, by_cis2, None, "deny user-not-allowed"),
    "an application's, combined": (APP, by_profile, CIS2_COMBINED, NOT_MET),
    "an application's, combined, no user": (APP, None, CIS2_COMBINED, NOT_MET),
    "a user's, CIS2 user": (of_user(), by_cis2, CIS2_SEPARATE, MET),
    "a user's by its older name": (of_user(way="user-nhs-id"), by_cis2, CIS2_SEPARATE, MET),
    "a user's, pattern not named": (of_user(), by_cis2, None, MET),
    "a user's, combined with a profile": (of_user(), by_profile, CIS2_COMBINED, MET),
    "a user's, application-restricted": (of_user(), None, SIGNED_JWT, NOT_MET),
    "a user's at level 4": (of_user(level=4), by_cis2, CIS2_SEPARATE, NOT_AUTHENTICATED),
    "a user's at level 0": (of_user(level=0), by_cis2, CIS2_SEPARATE, NOT_AUTHENTICATED),
    "a user's without a level": ("urn:nhsd:apim:user-nhs-cis2:all", by_cis2, CIS2_SEPARATE, NOT_AUTHENTICATED),
    "a patient's, for a healthcare worker": (of_patient(api="all"), by_cis2, CIS2_SEPARATE, NOT_MET),
    "a healthcare worker's, for another API": (of_user(api="own"), by_cis2, CIS2_SEPARATE, NOT_AUTHENTICATED),
}


@pytest.mark.parametrize("name", ON_BEHALF)
def test_for_whom_it_acts_goes_with_the_pattern(ask, name):
    scope, user, pattern, verdict = ON_BEHALF[name]
    token = access_token(scope=scope)
    operation = "guarded" if user else "plain"
    answer = ask(by_application(operation, user and user(), pattern=pattern, access=token))
    assert answer.verdict == verdict if verdict != NOT_AUTHENTICATED else refused(answer, verdict, MEMBER, token)


# A request that states no pattern gets the token's: (scope, user, API, pattern, verdict)
UNSTATED = {
    "an application's": (APP, None, "all", SIGNED_JWT, AUTHORISED),
    "an application's, and a user": (APP, by_cis2, "all", SIGNED_JWT, "deny user-not-allowed"),
    "an application's, and a patient": (APP.replace(":all", ":records-of-ones-own"), by_nhs_login, "own", SIGNED_JWT, "deny pattern-not-met"),
    "a user's, by CIS2": (of_user(), by_cis2, "all", CIS2_SEPARATE, AUTHORISED),
    "a user's, by tokens of CIS2": (of_user(), lambda: worker(id_token(), userinfo()), "all", CIS2_SEPARATE, AUTHORISED),
    "a user's, by CIS1": (of_user(), by_cis1, "all", "user-restricted/hl7v3-cis", "deny pattern-not-met"),
    "a user's, by a profile": (of_user(), by_profile, "all", CIS2_COMBINED, AUTHORISED),
    "a user's, without one": (of_user(), None, "all", CIS2_COMBINED, "indeterminate cannot-decide-locally"),
    "a user's, without one, combined not offered": (of_user(api="narrow"), None, "narrow", CIS2_SEPARATE, "deny user-required"),
    "a user's, by a profile, combined not offered": (of_user(api="narrow"), by_profile, "narrow", CIS2_SEPARATE, AUTHORISED),
    "a patient's": (of_patient(), by_nhs_login, "own", NHS_LOGIN_SEPARATE, "permit patient-authorised"),
    "a patient's, without one": (of_patient(), None, "own", NHS_LOGIN_COMBINED, "indeterminate cannot-decide-locally"),
}


@pytest.mark.parametrize("name", UNSTATED)
def test_a_request_that_states_no_pattern_gets_the_tokens(ask, name):
    scope, user, api, pattern, verdict = UNSTATED[name]
    answer = ask(by_application("view" if api == "own" else "plain", user and user(), api=api, record=OWN, access=access_token(scope=scope)))
    assert (answer.verdict, answer.context["pattern"]) == (verdict, pattern)


def test_under_a_combined_pattern_only_the_platform_knows_the_user(ask):
    answer = ask(by_application("plain", pattern=CIS2_COMBINED, access=access_token(scope=of_user(), sub=USER)))
    assert answer.verdict == "indeterminate cannot-decide-locally"
    assert of_evidence(answer) == ("none", "verified", [MEMBER])


def test_a_patients_token_goes_with_a_patient_alone(ask):
    for scope, verdict in ((of_patient(), "permit patient-authorised"), (of_user(api="records-of-ones-own"), NOT_MET),
                           (APP.replace(":all", ":records-of-ones-own"), NOT_MET), (of_patient("P7"), NOT_AUTHENTICATED)):
        for pattern in (NHS_LOGIN_COMBINED, NHS_LOGIN_SEPARATE):
            assert ask(by_application("view", by_nhs_login(), api="own", record=OWN, pattern=pattern, access=access_token(scope=scope))).verdict == verdict
        unstated = ask(by_application("view", by_nhs_login(), api="own", record=OWN, access=access_token(scope=scope)))
        assert unstated["decision"] is (verdict.split()[0] == "permit")


# The level of the scope: (level of the scope, levels that the evidence states, operation, verdict)
LEVELS = {
    "equal": (3, 3, "strong", MET), "equal and too low": (2, 2, "strong", "deny assurance-too-low"),
    "supplied": (3, None, "strong", MET), "supplied and too low": (2, None, "strong", "deny assurance-too-low"),
    "supplied and the lowest": (1, None, "strong", "deny assurance-too-low"),
    "higher than stated": (3, 2, "strong", REFUSED_USER), "lower than stated": (2, 3, "strong", REFUSED_USER),
    "differing where nobody asks": (2, 3, "guarded", REFUSED_USER), "equal as a text": (3, "3", "strong", MET),
}


@pytest.mark.parametrize("name", LEVELS)
def test_the_level_of_the_scope_is_the_users(ask, name):
    level, stated, operation, verdict = LEVELS[name]
    beside = {} if stated is None else {"aal": stated}
    for user, pattern in ((by_cis2(aal=stated), CIS2_SEPARATE), (by_profile(**beside), CIS2_COMBINED)):
        assert ask(by_application(operation, user, pattern=pattern, access=access_token(scope=of_user(level)))).verdict == verdict


def test_the_level_counts_for_a_function(ask):
    def strong(scope, **beside):
        return ask(to_function("strong", by_profile(**beside), application={"id": "gp"}, access_token=access_token(scope=scope))).verdict
    assert strong(of_user(3, "other")) == MET
    assert strong(of_user(2, "other")) == "deny assurance-too-low"
    assert strong(of_user(3, "other"), aal=3) == MET
    assert strong(of_user(3, "other"), aal=2) == REFUSED_USER


def test_the_proofing_of_a_patient(ask):
    def amend(scope, level):
        return ask(by_application("amend", by_nhs_login(level=level), api="own", record=OWN, access=access_token(scope=of_patient(scope)))).verdict
    assert [amend("P9", "P9"), amend("P9", None), amend("P5", "P5"), amend("P5", None), amend("P0", None)] == [
        "permit patient-authorised"] * 2 + ["deny proofing-too-low"] * 3
    assert {amend("P9", "P5"), amend("P5", "P9"), amend("P0", "P9")} == {REFUSED_USER}


def test_the_level_is_that_of_the_scope_for_this_api(ask):
    scope = " ".join((of_user(3, "own"), of_user(2, "all")))
    assert ask(by_application("strong", by_cis2(aal=None), access=access_token(scope=scope))).verdict == "deny assurance-too-low"
    scope = " ".join((of_user(2, "own"), of_user(3, "all")))
    assert ask(by_application("strong", by_cis2(aal=None), access=access_token(scope=scope))).verdict == MET


def test_two_levels_for_one_api_are_not_the_better_of_them(ask):
    scope = " ".join((of_user(3), of_user(1)))
    assert ask(by_application("strong", by_cis2(aal=None), access=access_token(scope=scope))).effect != "permit"


def test_a_sub_is_the_users(ask):
    def guarded(user, sub, **more):
        return ask(by_application("guarded", user, access=access_token(scope=of_user(), sub=sub), **more))
    assert guarded(by_cis2(), USER).verdict == MET
    assert guarded(by_cis2(), CLIENT_OF["gp"]).verdict == MET
    assert guarded(by_cis2(), None).verdict == MET
    for answer in (guarded(by_cis2(), "910000000002"), guarded(by_cis2(), CLIENT_OF["pharmacy"]), guarded(worker(id_token()), "910000000002")):
        assert answer.verdict == REFUSED_USER and MEMBER in answer.context["fault"] and of_evidence(answer) == ("none", "verified", [MEMBER])
    assert guarded(worker(id_token()), USER).verdict == MET


def test_with_everything_verified_the_answer_says_so(ask):
    answer = ask(by_application("guarded", worker(id_token(), userinfo()), access=access_token(scope=of_user(), sub=USER)))
    assert answer.verdict == MET
    assert of_evidence(answer) == ("verified", "verified", [MEMBER, "id_token", "userinfo"])
    answer = ask(by_application("view", {"type": "patient", "properties": {"nhs_login": nhs_login()}}, api="own", record=OWN,
                                access=access_token(scope=of_patient(), sub=PATIENT)))
    assert answer.verdict == "permit patient-authorised" and of_evidence(answer) == ("verified", "verified", [MEMBER, "nhs_login"])


def test_what_is_said_of_the_user_stays_asserted(ask):
    answer = ask(by_application("guarded", by_profile(), pattern=CIS2_COMBINED, access=access_token(scope=of_user(), sub=None)))
    assert of_evidence(answer) == ("asserted", "verified", [MEMBER])


def test_an_access_token_does_not_open_the_records_of_others(ask):
    given = dict(api="own", record=OTHER, access=access_token(scope=of_patient()))
    assert ask(by_application("view", by_nhs_login(), **given)).verdict == "deny not-own-record"


def test_cis1_goes_with_an_access_token_of_cis2(asker):
    """Beside the certificate that the pattern asks for."""
    given = dict(pattern="user-restricted/hl7v3-cis", way="tls-ma", certificate=cast().by_file.pem)
    for scope, verdict in ((of_user(), MET), (of_patient(api="all"), NOT_MET), (APP, NOT_MET)):
        answer = asker.by_command(by_application("guarded", by_cis1(), access=access_token(scope=scope), **given))
        assert answer.verdict == verdict


def test_cis1_has_no_access_token_of_a_patient(ask):
    given = dict(pattern="user-restricted/hl7v3-cis", access=access_token(scope=of_patient(api="all")))
    assert ask(by_application("guarded", by_cis1(), **given)).verdict == NOT_MET


def test_a_person_of_cis1_is_found_in_each_spelling_of_it(ask):
    grouped = saml(None, [saml_role("501", "R8000")])["subject"]["properties"]["saml"]
    spelt = {"a text": {**grouped, "uid": USER}, "a list of one": {**grouped, "uid": [USER]}, "pairs": flat({**grouped, "uid": USER}),
             "pairs in a map": {"attributes": flat({**grouped, "uid": [USER]})}}
    for attributes in spelt.values():
        user = {"type": "healthcare-worker", "properties": {"saml": attributes}}
        for sub, verdict in ((USER, GRANTED), ("910000000009", REFUSED_USER)):
            whole = to_function(user=user, application={"id": "gp"}, access_token=access_token(scope=of_user(), sub=sub))
            assert ask(whole).verdict == verdict


def test_a_refused_user_is_not_mended_by_a_sound_access_token(ask):
    answer = ask(by_application("guarded", worker(id_token(aud="client-3")), access=access_token(scope=of_user(), sub=USER)))
    assert refused(answer, REFUSED_USER, "id_token") and of_evidence(answer)[1:] == ("verified", [MEMBER])


@pytest.mark.parametrize("value", [7, True, ["token"], {"sub": USER}, access_claims()], ids=["a number", "true", "a list", "a map", "claims"])
def test_what_is_no_text_is_no_token(ask, value):
    assert ask(by_application(access=value)).verdict in (NOT_AUTHENTICATED, MALFORMED)


def test_without_an_application_in_the_request_the_token_still_counts(ask):
    whole = by_application(id=None, access=jwt(access_claims(client_id="nobody"), key_of("platform")))
    assert "application" not in whole["context"]
    assert ask(whole).verdict == NOT_AUTHENTICATED


@pytest.mark.parametrize("api", ["authenticated", "authorised"])
def test_an_applications_token_goes_with_a_user_whom_the_application_itself_signed_in(ask, api):
    """`local_user` of the API: the pattern stays the application's own."""
    own, of_a_user = f"urn:nhsd:apim:app:level3:{api}", of_user(api=api)
    for user in (by_profile(), worker(id_token(), userinfo())):
        assert ask(by_application("guarded", user, api=api, pattern=SIGNED_JWT, access=access_token(scope=own))).effect == "permit"
        assert ask(by_application("guarded", user, api=api, pattern=SIGNED_JWT, access=access_token(scope=of_a_user))).verdict == NOT_MET
