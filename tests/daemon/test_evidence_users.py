# SPDX-License-Identifier: Apache-2.0
"""Tokens about users: what is verified, what is still only asserted, and what of them a decision then rests on."""
import pytest
from support.answers import moment
from support.apis import CIS2_SEPARATE, OTHER, OWN, SIGNED_JWT, by_cis1, by_profile
from support.evidence import (AUTHORISED, CLIENTS, EXPIRED, GRANTED, HERE, MALFORMED, PATIENT, REFUSED_USER, ROLE, USER, Asker, Served, assertion,
                              by_application, by_patient, id_claims, id_token, key_of, login_claims, nhs_login, of_evidence, refused, settings,
                              to_function, userinfo, userinfo_claims, worker)
from support.requests import NOW, nrbac_role
from support.tokens import jwt

MET, MISMATCH = "permit requirement-met", "deny subject-mismatch"


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """Nobody's word is taken."""
    made = Asker(Served(tmp_path_factory.mktemp("strict"), {**settings(), "require": ["application", "id_token"]}))
    yield made
    made.end()


@pytest.fixture(params=["by_command", "by_socket"])
def way(request):
    return request.param


@pytest.fixture
def ask(way, asker):
    return getattr(asker, way)


@pytest.fixture
def ask_strict(way, strict):
    return getattr(strict, way)


# (user, the user's evidence, what was verified)
TOLD = {
    "both as maps": (lambda: worker(id_claims()), "asserted", []),
    "userinfo alone, a map": (worker, "asserted", []),
    "a profile": (by_profile, "asserted", []),
    "an ID token, userinfo a map": (lambda: worker(id_token()), "asserted", ["id_token"]),
    "userinfo, the ID token a map": (lambda: worker(id_claims(), userinfo()), "asserted", ["userinfo"]),
    "both": (lambda: worker(id_token(), userinfo()), "verified", ["id_token", "userinfo"]),
    "userinfo alone": (lambda: worker(info=userinfo()), "verified", ["userinfo"]),
    "userinfo without an end": (lambda: worker(info=userinfo(exp=None, iat=NOW)), "verified", ["userinfo"]),
    "both, with a stated choice": (lambda: worker(id_token(selected_roleid=None), userinfo(), role_profile=ROLE), None, ["id_token", "userinfo"]),
}


@pytest.mark.parametrize("name", TOLD)
def test_the_answer_says_what_was_verified(ask, name):
    user, said, verified = TOLD[name]
    answer = ask(to_function(user=user()))
    assert answer.verdict == GRANTED and of_evidence(answer)[1:] == ("none", verified)
    assert said is None or of_evidence(answer)[0] == said


def test_a_patients_token_is_verified(ask):
    answer = ask(by_patient(nhs_login()))
    assert answer.verdict == "permit patient-authorised" and of_evidence(answer) == ("verified", "asserted", ["nhs_login"])
    answer = ask(by_patient(login_claims()))
    assert answer.verdict == "permit patient-authorised" and of_evidence(answer) == ("asserted", "asserted", [])


def test_without_a_user_there_is_none(ask):
    assert of_evidence(ask(by_application(client_assertion=assertion()))) == ("none", "verified", ["client_assertion"])
    assert of_evidence(ask(by_application(way="signed-jwt"))) == ("none", "asserted", [])
    assert of_evidence(ask(by_application(api="open", id=None))) == ("none", "none", [])


def test_a_verified_token_is_read_like_its_claims(ask):
    roles = [nrbac_role("501", "R8000"), nrbac_role("502", "R8003", "Y51"), nrbac_role("503", "R8001")]
    for selected in ("501", "502", "503", "999", None):
        for level in ("3", "1", None):
            claims = id_claims(selected_roleid=selected, authentication_assurance_level=level)
            info = userinfo_claims(nhsid_nrbac_roles=roles)
            for name in ("B0825", "B0360", "strong"):
                as_maps = ask(to_function(name, worker(claims, info)))
                as_tokens = ask(to_function(name, worker(jwt(claims, key_of("cis2")), jwt(info, key_of("cis2")))))
                for answer in (as_maps, as_tokens):
                    answer["context"].pop("evidence")
                assert as_maps == as_tokens


def test_the_level_of_the_sign_in_is_that_of_the_token(ask):
    for level, verdict in (("3", MET), ("2", "deny assurance-too-low"), (None, "deny assurance-unknown")):
        assert ask(to_function("strong", worker(id_token(authentication_assurance_level=level), userinfo()))).verdict == verdict
        info = worker(id_token(authentication_assurance_level=level))
        info["properties"]["userinfo"]["authentication_assurance_level"] = "3"
        assert ask(to_function("strong", info)).verdict == verdict, "the ID token's counts, and what is written beside it never does"


def test_userinfo_without_an_end_ends_an_hour_after_it_was_made(ask):
    for made, verdict, ends in ((NOW, GRANTED, 600), (NOW - 3599, GRANTED, 1), (NOW - 3600, EXPIRED, None), (NOW - 10 ** 8, EXPIRED, None)):
        for user in (worker(id_token(), userinfo(exp=None, iat=made)), worker(info=userinfo(exp=None, iat=made))):
            answer = ask(to_function(user=user))
            assert answer.verdict == verdict
            if ends is not None and "id_token" in user["properties"]:
                assert moment(answer.context["valid_until"]).timestamp() == NOW + ends
    both = worker(id_token(), userinfo(exp=None))
    assert refused(ask(to_function(user=both)), REFUSED_USER, "userinfo", both["properties"]["userinfo"])


def test_both_tokens_are_of_one_issuer(tmp_path):
    document = settings()
    document["issuers"]["test"] = {**document["issuers"]["cis2"], "issuer": "https://test.example"}
    served = Served(tmp_path, document)
    of_test = {"iss": "https://test.example"}
    for claims, info, verdict in (({}, {}, GRANTED), (of_test, of_test, GRANTED), ({}, of_test, REFUSED_USER), (of_test, {}, REFUSED_USER)):
        answer = served.ask(to_function(user=worker(id_token(**claims), userinfo(**info))))
        assert answer.verdict == verdict
        assert verdict == GRANTED or refused(answer, REFUSED_USER, "userinfo")


def test_role_profiles_are_signed_where_that_is_required(tmp_path):
    served = Served(tmp_path, {**settings(), "require": ["id_token", "userinfo"]})
    in_one = id_token(nhsid_nrbac_roles=[nrbac_role(ROLE, "R8000")])
    for user, verdict in ((worker(id_token(), userinfo()), GRANTED), (worker(in_one), GRANTED), (worker(id_token()), REFUSED_USER),
                          (worker(info=userinfo()), REFUSED_USER), (by_profile(), REFUSED_USER), (by_cis1(), REFUSED_USER)):
        assert served.ask(to_function(user=user)).verdict == verdict
    assert served.ask(by_patient(nhs_login())).verdict == "permit patient-authorised"


# One person: (user, verdict)
OTHER_USER = "910000000002"
PEOPLE = {
    "userinfo of another, a map": (lambda: worker(id_token(sub=OTHER_USER)), MISMATCH),
    "userinfo of another, a token": (lambda: worker(id_token(), userinfo(sub=OTHER_USER)), MISMATCH),
    "the ID token of another, a map": (lambda: worker(id_claims(sub=OTHER_USER), userinfo()), MISMATCH),
    "the stated subject is another": (lambda: {**worker(id_token(), userinfo()), "id": OTHER_USER}, MISMATCH),
    "the stated subject is the same": (lambda: {**worker(id_token(), userinfo()), "id": USER}, GRANTED),
    "of another, and refused": (lambda: worker(id_token(sub=OTHER_USER, aud="client-3")), REFUSED_USER),
    "of another, and expired": (lambda: worker(id_token(sub=OTHER_USER, exp=NOW)), MISMATCH),
    "of another, and the map expired": (lambda: worker(id_claims(exp=NOW), userinfo(sub=OTHER_USER)), MISMATCH),
    "inactive, and refused": (lambda: worker(id_token(iss="x"), userinfo_claims(nhsid_nrbac_roles=[])), REFUSED_USER),
    "no roles, and refused": (lambda: worker(id_token(iss="x"), {"sub": USER, "nhsid_nrbac_roles": []}), REFUSED_USER),
    "no roles, and expired": (lambda: worker(id_token(exp=NOW), {"sub": USER, "nhsid_nrbac_roles": []}), EXPIRED),
    "one expired, the other refused": (lambda: worker(id_token(exp=NOW), userinfo(aud="client-3")), REFUSED_USER),
    "one refused, the other expired": (lambda: worker(id_token(aud="client-3"), userinfo(exp=NOW)), REFUSED_USER),
    "one refused, the other sound": (lambda: worker(id_token(), userinfo(aud="client-3")), REFUSED_USER),
    "userinfo expired, the ID token sound": (lambda: worker(id_token(), userinfo(exp=NOW)), EXPIRED),
    "of two clients of ours": (lambda: worker(id_token(aud=CLIENTS[1]), userinfo()), GRANTED),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_all_evidence_is_of_one_person_and_each_is_sound(ask, name):
    user, verdict = PEOPLE[name]
    answer = ask(to_function(user=user()))
    assert answer.verdict == verdict
    if verdict == REFUSED_USER:
        assert refused(answer, verdict, "id_token" if "id_token" in answer.context["fault"] else "userinfo")


# Where a refused token is found: (request, verdict)
ORDER = {
    "an unknown function first": (lambda user: to_function("no.such", user), "not-applicable unknown-function"),
    "an unknown activity first": (lambda user: to_function("B7777", user), "indeterminate unknown-activity"),
    "an application that may not first": (lambda user: by_application("guarded", user, way="signed-jwt", id="few"), "deny application-not-authorised"),
    "an application that is unknown first": (lambda user: by_application("guarded", user, way="signed-jwt", id="nobody"), "deny application-unknown"),
    "an unmet pattern first": (lambda user: by_application("guarded", user, way="signed-jwt", pattern="user-restricted/hl7v3-cis"), "deny pattern-not-met"),
    "a user that is not asked for first": (lambda user: by_application("plain", user, way="signed-jwt", pattern=SIGNED_JWT), "deny user-not-allowed"),
    "then the token": (lambda user: by_application("guarded", user, way="signed-jwt", pattern=CIS2_SEPARATE), REFUSED_USER),
    "before the level": (lambda user: by_application("strong", user, way="signed-jwt", pattern=CIS2_SEPARATE), REFUSED_USER),
    "before the organisation": (lambda user: to_function("B0825", user, organisation="Y51"), REFUSED_USER),
    "whether or not the function is theirs": (lambda user: to_function("B0360", user), REFUSED_USER),
}


@pytest.mark.parametrize("name", ORDER)
def test_a_refused_token_is_found_where_the_users_evidence_is_judged(ask, name):
    whole, verdict = ORDER[name]
    assert ask(whole(worker(id_token(aud="client-3", authentication_assurance_level="1")))).verdict == verdict


def test_what_nobody_looks_at_is_still_not_called_verified(ask):
    answer = ask(by_application("plain", worker(id_token(aud="client-3")), api="open", id=None))
    assert answer.verdict in ("permit open-access", REFUSED_USER) and "id_token" not in of_evidence(answer)[2]


def test_a_patients_token_is_no_healthcare_workers(ask):
    for token in (nhs_login(), nhs_login(iss="https://cis2.example/realms/healthcare"), jwt(id_claims(), key_of("login"))):
        assert refused(ask(to_function(user=worker(token))), REFUSED_USER, "id_token", token)
    for token in (id_token(), id_token(nhs_number=OWN, identity_proofing_level="P9")):
        assert refused(ask(by_patient(token)), REFUSED_USER, "nhs_login", token)


def test_a_verified_patient_still_sees_their_own_record_alone(ask):
    assert ask(by_patient(nhs_login(nhs_number=OTHER))).verdict == "deny not-own-record"
    assert ask(by_patient(nhs_login(nhs_number=None))).verdict == "deny not-own-record"


@pytest.mark.parametrize("value", [7, True, ["token"]], ids=["a number", "true", "a list"])
@pytest.mark.parametrize("member", ["id_token", "userinfo", "nhs_login"])
def test_what_is_neither_a_map_nor_a_text_is_no_token(ask, member, value):
    whole = {"id_token": lambda: to_function(user=worker(value)), "userinfo": lambda: to_function(user=worker(info=value)),
             "nhs_login": lambda: by_patient(value)}[member]()
    assert ask(whole).verdict in (MALFORMED, REFUSED_USER)


@pytest.mark.parametrize("lives", [(600, 500), (500, 600), (600, None)])
def test_an_answer_is_no_longer_valid_than_the_first_that_ends(ask, lives):
    token, info = (None if seconds is None else NOW + seconds for seconds in lives)
    answer = ask(to_function(user=worker(id_token(exp=token), userinfo(exp=info))))
    assert answer.valid_until.timestamp() == min(end for end in (token, info) if end)
    answer = ask(to_function(user=worker(id_token(exp=token), userinfo(exp=info)), application={"client_assertion": assertion(exp=NOW + 60)}))
    assert answer.valid_until.timestamp() == NOW + 60


# `require`.

def test_a_user_is_taken_only_from_a_verified_sign_in(ask_strict):
    for user in (worker(id_claims()), worker(), worker(info=userinfo()), worker(id_claims(), userinfo()), by_profile(), None):
        assert ask_strict(to_function(user=user)).verdict == REFUSED_USER
    assert ask_strict(to_function(user=worker(id_token()))).verdict == GRANTED
    assert ask_strict(to_function(user=worker(id_token(), userinfo()))).verdict == GRANTED
    assert ask_strict(to_function(user=worker(id_token(exp=NOW)))).verdict == EXPIRED
    shown = dict(application={"client_assertion": assertion()})
    assert ask_strict(to_function(user=by_profile(), **shown)).verdict == REFUSED_USER


def test_cis1_has_no_token_that_could_be_verified(ask_strict):
    assert ask_strict(to_function(user=by_cis1())).verdict == REFUSED_USER


def test_a_patient_is_taken_only_from_a_verified_token(ask_strict):
    def view(token):
        whole = by_patient(token)
        whole["context"]["application"] = {"client_assertion": assertion()}
        return ask_strict(whole)
    assert view(login_claims()).verdict == REFUSED_USER
    assert view(nhs_login()).verdict == "permit patient-authorised"


def test_what_an_application_says_of_itself_counts_no_more(ask_strict):
    assert ask_strict(by_application(way="signed-jwt", pattern=SIGNED_JWT)).verdict == "deny application-not-authenticated"
    assert ask_strict(by_application(way="signed-jwt")).verdict == "permit open-access", "which is open to everybody"
    assert ask_strict(by_application(way="signed-jwt", client_assertion=assertion())).verdict == AUTHORISED
    assert ask_strict(by_application(client_assertion=assertion())).verdict == AUTHORISED


def test_what_asks_for_nobody_needs_nothing(ask_strict):
    assert ask_strict(by_application(api="open", id=None)).verdict == "permit open-access"
    answer = ask_strict(by_application("guarded", worker(id_token(), userinfo()), client_assertion=assertion()))
    assert answer.verdict == MET and of_evidence(answer) == ("verified", "verified", ["client_assertion", "id_token", "userinfo"])
    assert ask_strict(by_application("guarded", worker(), client_assertion=assertion())).verdict == REFUSED_USER


def test_being_bound_is_no_proof_where_one_is_required(strict, daemons):
    client = strict.served.start(daemons, applications={"gp": {"peer": {"uid": HERE}}}).client()
    assert client.evaluate(by_application(way="signed-jwt", pattern=SIGNED_JWT)).verdict == "deny application-not-authenticated"
    assert client.evaluate(by_application(client_assertion=assertion())).verdict == AUTHORISED


@pytest.mark.parametrize("only, application, user", [(["application"], False, True), (["id_token"], True, False), ([], True, True)])
def test_each_may_be_required_alone(tmp_path, only, application, user):
    served = Served(tmp_path, {**settings(), "require": only})
    assert (served.ask(by_application(way="signed-jwt", pattern=SIGNED_JWT)).effect == "permit") is application
    assert (served.ask(to_function(user=worker(id_claims()))).effect == "permit") is user


def test_the_algorithms_of_an_issuer_are_those_it_lists(tmp_path):
    document = settings()
    document["issuers"]["cis2"]["algorithms"] = ["RS256", "ES256"]
    served = Served(tmp_path, document)
    verdicts = {name: served.ask(to_function(user=worker(jwt(id_claims(), key_of("cis2", key), name)))).verdict
                for name, key in (("RS256", "k1"), ("ES256", "e1"), ("RS512", "k1"), ("PS256", "k1"))}
    assert verdicts == {"RS256": GRANTED, "ES256": GRANTED, "RS512": REFUSED_USER, "PS256": REFUSED_USER}
    assert served.ask(by_patient(nhs_login())).verdict == "permit patient-authorised", "another issuer has its own"


def test_two_issuers_of_one_kind_are_each_their_own(tmp_path):
    document = settings()
    document["issuers"]["second"] = {**document["issuers"]["cis2"], "issuer": "https://second.example", "keys": "plain.jwks.json", "audience": ["client-9"]}
    served = Served(tmp_path, document)
    other = id_claims(iss="https://second.example", aud="client-9")
    for claims, owner, verdict in ((other, "plain", GRANTED), (id_claims(), "cis2", GRANTED), (other, "cis2", REFUSED_USER), (id_claims(), "plain", REFUSED_USER),
                                   ({**other, "aud": CLIENTS[0]}, "plain", REFUSED_USER), ({**id_claims(), "aud": "client-9"}, "cis2", REFUSED_USER)):
        assert served.ask(to_function(user=worker(jwt(claims, key_of(owner))))).verdict == verdict


def test_a_patient_in_whom_nobody_has_part_is_known_by_the_token(ask):
    answer = ask({**by_patient(nhs_login()), "subject": {"type": "patient", "id": PATIENT, "properties": {"nhs_login": nhs_login()}}})
    assert answer.verdict == "permit patient-authorised"
