# SPDX-License-Identifier: Apache-2.0
"""Sessions that rest on verified evidence: they end with it, and a reload does not ask for it again."""
import time

import pytest
from support.answers import moment
from support.evidence import (API_KEYS, HERE, Served, assertion, id_claims, id_token, key_of, settings, to_function, userinfo, userinfo_claims, worker)
from support.requests import NOW
from support.rpc import until
from support.tokens import jwt


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path)


def opening(user=None, **application):
    return to_function(None, user or worker(id_token(), userinfo()), application=application or None)


def test_a_session_is_valid_until_the_first_of_its_evidence_ends(served, daemons):
    client = served.start(daemons).client()
    for user, application, ends in ((worker(id_token(exp=NOW + 100), userinfo()), {}, 100), (worker(id_token(), userinfo(exp=NOW + 90)), {}, 90),
                                    (worker(id_token(), userinfo()), {"client_assertion": assertion(exp=NOW + 80)}, 80),
                                    (worker(id_token(exp=NOW + 70)), {"client_assertion": assertion(exp=NOW + 80)}, 70),
                                    (worker(id_token(exp=NOW + 60), userinfo(exp=None, iat=NOW)), {"api_key": API_KEYS["gp-1"]}, 60),
                                    (worker(info=userinfo(exp=None, iat=NOW - 3000)), {}, 600)):
        opened = client.call("open", opening(user, **application))
        assert opened["reason"] == "opened" and moment(opened["valid_until"]).timestamp() == NOW + ends


def test_it_says_what_it_rests_on(served, daemons):
    client = served.start(daemons).client()
    opened = client.call("open", opening(client_assertion=assertion()))
    assert (opened["evidence"]["user"], opened["evidence"]["application"]) == ("verified", "verified")
    assert sorted(opened["evidence"]["verified"]) == ["client_assertion", "id_token", "userinfo"]
    assert client.call("open", opening(worker(id_claims())))["evidence"] == {"user": "asserted", "application": "none"}


def test_it_ends_with_its_evidence(served, daemons):
    client = served.start(daemons, trust_request_time=None).client()
    now = int(time.time())
    token = jwt(id_claims(now, exp=now + 2), key_of("cis2"))
    session = client.open(opening(worker(token, jwt(userinfo_claims(now), key_of("cis2")))))
    proof = assertion(now=now, exp=now + 2)
    other = client.open(opening(worker(id_claims(now)), client_assertion=proof))
    for one in (session, other):
        assert client.call("check", one, "B0825")[:2] == [True, "granted-by-baseline"]
    assert until(lambda: time.time() > now + 2.2, 5)
    for one in (session, other):
        assert client.call("check", one, "B0825")[:2] == [False, "evidence-expired"]
        assert client.call("check_many", one, ["B0825", "strong"])[1][:2] == [False, "evidence-expired"]


def signed_in_now():
    now = int(time.time())
    return worker(id_token(now=now), userinfo(now=now))


@pytest.mark.parametrize("user, application, reason", [
    (lambda: worker(id_token(aud="x")), {}, "user-not-authenticated"), (lambda: worker(id_token(exp=1)), {}, "evidence-expired"),
    (lambda: worker(id_token(), userinfo(iss="x")), {}, "user-not-authenticated"),
    (worker, {"client_assertion": "x"}, "application-not-authenticated"), (worker, {"id": "pharmacy", "api_key": API_KEYS["gp-1"]}, "application-not-authenticated"),
    (lambda: worker(id_token(sub="other")), {}, "subject-mismatch"), (lambda: worker(id_token(aud="x")), {"api_key": "x"}, "application-not-authenticated")])
def test_what_is_refused_opens_nothing(served, daemons, user, application, reason):
    opened = served.start(daemons).client().call("open", opening(user(), **application))
    assert (opened["effect"], opened["reason"]) == ("deny", reason) and "session" not in opened
    assert reason in ("subject-mismatch", "evidence-expired") or opened["fault"]


def test_a_session_outlives_a_reload_although_its_assertion_is_used(served, daemons):
    client = served.start(daemons, trust_request_time=None).client()
    session = client.open(opening(signed_in_now(), client_assertion=assertion(now=int(time.time()))))
    served.write({**settings(), "require": ["application", "id_token"]})
    assert client.call("reload")["ok"] is True
    assert client.call("check", session, "B0825")[:2] == [True, "granted-by-baseline"]
    assert client.call("check", session, "strong")[:2] == [True, "requirement-met"]


def test_a_session_is_revoked_by_the_claims_of_its_token(served, daemons):
    client = served.start(daemons, trust_request_time=None).client()
    session = client.open(opening(signed_in_now()))
    assert client.call("revoke", {"sub": id_claims()["sub"]}) == 1
    assert client.call("check", session, "B0825")[:2] == [False, "session-revoked"]


def test_what_is_required_is_required_of_sessions_too(served, daemons):
    served.write({**settings(), "require": ["id_token"]})
    client = served.start(daemons, applications={"gp": {"peer": {"uid": HERE}}}).client()
    assert client.call("open", opening(worker()))["reason"] == "user-not-authenticated"
    assert client.call("open", opening(worker(id_claims())))["reason"] == "user-not-authenticated"
    assert client.call("open", opening(worker(id_token())))["reason"] == "opened"
