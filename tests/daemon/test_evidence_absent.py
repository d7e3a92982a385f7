# SPDX-License-Identifier: Apache-2.0
"""Without evidence settings nothing is checked, so nothing that needs checking is taken; what is asserted goes on as before."""
import json

import pytest
from support.answers import checked
from support.apis import CIS2_COMBINED, by_profile
from support.certificates import cast
from support.evidence import (API_KEYS, AUTHORISED, GRANTED, HERE, NOT_AUTHENTICATED, REFUSED_USER, Asker, Served, access_token, assertion,
                              by_application, by_patient, id_claims, id_token, login_claims, nhs_login, of_evidence, says_why, to_function, userinfo,
                              userinfo_claims, worker)


class Unchecked(Asker):
    def by_command(self, whole):
        return self.served.policy.ask(whole)

    def by_socket(self, whole):
        if self.client is None:
            self.client = self.served.start(self.daemons, evidence=False).client()
        return self.client.evaluate(whole)


@pytest.fixture(scope="module")
def asker(tmp_path_factory):
    made = Unchecked(Served(tmp_path_factory.mktemp("evidence")))
    yield made
    made.end()


PROOFS = {"client_assertion": assertion, "api_key": lambda: API_KEYS["gp-1"], "certificate": lambda: cast().by_file.pem}
USERS = {
    "id_token": lambda: to_function(user=worker(id_token())), "id_token beside userinfo as a token": lambda: to_function(user=worker(id_token(), userinfo())),
    "userinfo": lambda: to_function(user=worker(info=userinfo())), "userinfo beside claims": lambda: to_function(user=worker(id_claims(), userinfo())),
    "nhs_login": lambda: by_patient(nhs_login()), "id_token that is no token": lambda: to_function(user=worker("x")),
}


@pytest.mark.parametrize("member", PROOFS)
def test_a_proof_of_the_application_is_refused_and_not_passed_over(ask, member):
    shown = PROOFS[member]()
    for whole in (by_application(**{member: shown}), by_application(way="signed-jwt", **{member: shown}), by_application(id=None, **{member: shown}),
                  by_application(api="open", **{member: shown}), to_function(application={"id": "gp", member: shown}),
                  to_function(application={member: shown})):
        answer = ask(whole)
        assert answer.verdict == NOT_AUTHENTICATED and says_why(answer, member)
        assert shown not in json.dumps(answer) and of_evidence(answer)[2] == []


def test_an_access_token_is_refused_and_not_passed_over(ask):
    for whole in (by_application(access=access_token()), by_application(way="signed-jwt", access=access_token()),
                  by_application("guarded", by_profile(), way="signed-jwt", pattern=CIS2_COMBINED, access=access_token()),
                  to_function(access_token=access_token()), by_application(api="open", id=None, access=access_token())):
        answer = ask(whole)
        assert answer.verdict == NOT_AUTHENTICATED and says_why(answer, "access_token", whole["context"]["access_token"])


@pytest.mark.parametrize("name", USERS)
def test_a_token_of_a_user_is_refused_and_not_passed_over(ask, name):
    answer = ask(USERS[name]())
    assert answer.verdict == REFUSED_USER and says_why(answer, name.split()[0])
    assert of_evidence(answer)[2] == []


def test_claims_in_place_of_tokens_go_on_as_before(ask):
    for whole, verdict, said in (
            (to_function(user=worker(id_claims())), GRANTED, ("asserted", "none", [])),
            (to_function(user=worker(id_claims(), userinfo_claims())), GRANTED, ("asserted", "none", [])),
            (by_patient(login_claims()), "permit patient-authorised", ("asserted", "asserted", [])),
            (by_application(way="signed-jwt"), AUTHORISED, ("none", "asserted", [])),
            (by_application(api="open", id=None), "permit open-access", ("none", "none", [])),
            (to_function(application={"id": "gp"}), GRANTED, ("asserted", "asserted", []))):
        answer = ask(whole)
        assert (answer.verdict, of_evidence(answer)) == (verdict, said)


@pytest.mark.parametrize("empty", ["", None], ids=["empty", "null"])
def test_empty_and_null_members_are_not_there(ask, empty):
    none = dict.fromkeys(("client_assertion", "api_key", "certificate"), empty)
    whole = by_application(way="signed-jwt", **none)
    whole["context"]["access_token"] = empty
    assert ask(whole).verdict == AUTHORISED
    user = worker(id_claims())
    user["properties"]["nhs_login"] = None
    assert ask(to_function(user=user, application={"id": "gp", **none}, access_token=empty)).verdict == GRANTED


def test_no_request_can_call_itself_verified(ask):
    said = {"user": "verified", "application": "verified", "verified": ["id_token", "client_assertion"]}
    for whole in (to_function(user=worker(id_claims()), application={"id": "gp", "verified": True, "evidence": said}, evidence=said, verified=said["verified"]),
                  {**by_application(way="signed-jwt"), "evidence": said, "findings": said}):
        whole.setdefault("subject", worker(id_claims()))["verified"] = True
        whole["subject"]["properties"]["evidence"] = said
        answer = ask(whole)
        assert "verified" not in of_evidence(answer)[:2] and of_evidence(answer)[2] == []


def test_it_holds_for_every_method_that_takes_a_request(asker):
    asker.by_socket(to_function())
    client = asker.client
    refused = to_function(None, worker(id_token()))
    opened = client.call("open", refused)
    assert (opened["effect"], opened["reason"]) == ("deny", "user-not-authenticated") and "session" not in opened
    opened = client.call("open", to_function(None, application={"api_key": API_KEYS["gp-1"]}))
    assert (opened["effect"], opened["reason"]) == ("deny", "application-not-authenticated") and "session" not in opened
    whole = to_function(user=worker(id_token()))
    assert checked(client.call("explain", whole)).verdict == REFUSED_USER
    many = client.call("evaluations", {**whole, "evaluations": [{}, {"subject": worker()}, {"context": {"access_token": "x"}}]})["evaluations"]
    assert [checked(one).verdict for one in many] == [REFUSED_USER, GRANTED, NOT_AUTHENTICATED]


def test_trust_and_binding_do_not_make_up_for_it(asker, daemons):
    client = asker.served.start(daemons, evidence=False, applications={"gp": {"peer": {"uid": HERE}}}).client()
    assert client.evaluate(by_application(way="signed-jwt")).verdict == AUTHORISED
    assert client.evaluate(by_application(way="signed-jwt", client_assertion=assertion())).verdict == NOT_AUTHENTICATED
