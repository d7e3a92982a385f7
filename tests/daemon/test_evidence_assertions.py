# SPDX-License-Identifier: Apache-2.0
"""Client assertions: what is asked of them beyond what is asked of every token, and that each is used once."""
import time
from datetime import datetime, timezone

import pytest
from support.answers import checked
from support.apis import by_profile
from support.evidence import (API_KEYS, AUTHORISED, CLIENT_OF, GRANTED, HERE, KINDS, MALFORMED, NOT_AUTHENTICATED, SKEW, TOKEN_URL, Asker, Served,
                              access_token, assertion, assertion_claims, by_application, checked_all, key_of, of_evidence, refused, settings,
                              to_function, worker)
from support.requests import NOW
from support.rpc import until
from support.tokens import jwt, rsa_key

MEMBER = "client_assertion"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return Served(tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="module")
def asker(served):
    made = Asker(served)
    yield made
    made.end()


@pytest.fixture
def client(asker):
    asker.by_socket(to_function())
    return asker.client


def at_time(whole, seconds):
    whole["context"]["time"] = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return whole


# (what is changed of the claims, the verdict)
RULE_6 = {
    "as far ahead as may be": (dict(exp=NOW + 300 + SKEW), AUTHORISED),
    "a second too far ahead": (dict(exp=NOW + 300 + SKEW + 1), NOT_AUTHENTICATED),
    "a year ahead": (dict(exp=NOW + 365 * 86400), NOT_AUTHENTICATED),
    "as far ahead as numbers go": (dict(exp=2 ** 63 - 1), NOT_AUTHENTICATED),
    "farther ahead than numbers go": (dict(exp=2 ** 64), NOT_AUTHENTICATED),
    "a second ahead": (dict(exp=NOW + 1), AUTHORISED),
    "no jti": (dict(jti=None), NOT_AUTHENTICATED),
    "an empty jti": (dict(jti=""), NOT_AUTHENTICATED),
    "a jti that is a number": (dict(jti=7), NOT_AUTHENTICATED),
    "a jti that is a list": (dict(jti=["7"]), NOT_AUTHENTICATED),
    "a long jti": (dict(jti="a long one " * 300), AUTHORISED),
    "another sub": (dict(sub="somebody"), NOT_AUTHENTICATED),
    "the sub of another application": (dict(sub=CLIENT_OF["pharmacy"]), NOT_AUTHENTICATED),
    "iss and sub of another application": (dict(iss=CLIENT_OF["pharmacy"], sub=CLIENT_OF["pharmacy"]), NOT_AUTHENTICATED),
    "the application's name as iss and sub": (dict(iss="gp", sub="gp"), NOT_AUTHENTICATED),
    "the second audience": (dict(aud="https://second.example/oauth2/token"), AUTHORISED),
    "iat long ago": (dict(iat=NOW - 86400), AUTHORISED),
}


@pytest.mark.parametrize("name", RULE_6)
def test_what_is_asked_of_an_assertion(ask, name):
    changes, verdict = RULE_6[name]
    token = assertion(**changes)
    answer = ask(by_application(client_assertion=token))
    if verdict == AUTHORISED:
        assert answer.verdict == verdict and of_evidence(answer) == ("none", "verified", [MEMBER])
    else:
        assert refused(answer, verdict, MEMBER, token)


def test_an_assertion_names_the_application(ask):
    for application in ("gp", "pharmacy", "plain"):
        answer = ask(by_application(id=None, client_assertion=assertion(application)))
        assert answer.verdict == AUTHORISED and of_evidence(answer) == ("none", "verified", [MEMBER])


@pytest.mark.parametrize("id", ["pharmacy", "plain", "bare", "nobody", "GP"])
def test_an_assertion_is_for_the_application_that_is_named(ask, id):
    token = assertion("gp")
    assert refused(ask(by_application(id=id, client_assertion=token)), NOT_AUTHENTICATED, MEMBER, token)


def test_an_application_without_an_issuer_of_its_own_is_called_by_its_name(ask):
    assert ask(by_application(id="plain", client_assertion=assertion("plain"))).verdict == AUTHORISED
    assert ask(by_application(id="plain", client_assertion=jwt(assertion_claims("plain"), key_of("plain"), "RS256"))).verdict == NOT_AUTHENTICATED, \
        "its settings allow RS512 alone"


@pytest.mark.parametrize("way, verdict", [("signed-jwt", AUTHORISED), (None, AUTHORISED), ("api-key", NOT_AUTHENTICATED), ("tls-ma", NOT_AUTHENTICATED)])
def test_the_way_that_is_stated_is_the_way_proved(ask, way, verdict):
    assert ask(by_application(way=way, client_assertion=assertion())).verdict == verdict


@pytest.mark.parametrize("whole, verdict", [
    (lambda: to_function("B0825", application={"id": "gp", MEMBER: assertion(jti=None)}), NOT_AUTHENTICATED),
    (lambda: to_function("B0825", application={"id": "gp", MEMBER: assertion()}), GRANTED),
    (lambda: to_function("B0825", application={MEMBER: assertion()}), GRANTED),
    (lambda: to_function("no.such", application={MEMBER: assertion(jti=None)}), "not-applicable unknown-function"),
    (lambda: to_function("B7777", application={MEMBER: assertion(jti=None)}), "indeterminate unknown-activity"),
    (lambda: by_application("none", client_assertion=assertion(jti=None)), "not-applicable unknown-operation"),
    (lambda: by_application(api="none", client_assertion=assertion(jti=None)), "not-applicable unknown-api"),
    (lambda: by_application(id="paused", client_assertion=assertion()), NOT_AUTHENTICATED),
    (lambda: by_application(api="open", client_assertion=assertion(jti=None)), NOT_AUTHENTICATED),
    (lambda: by_application(api="open", pattern="open-access", client_assertion=assertion()), "permit open-access"),
    (lambda: by_application("guarded", by_profile("R8003"), client_assertion=assertion(jti=None)), NOT_AUTHENTICATED),
    (lambda: to_function("B0825", worker({"sub": "somebody-else"}), application={MEMBER: assertion(jti=None)}), NOT_AUTHENTICATED),
    (lambda: to_function("B0825", worker(KINDS["id_token"].token(iss="x")), application={MEMBER: assertion(jti=None)}), NOT_AUTHENTICATED)],
    ids=["a function", "a function, sound", "a function, named by it", "an unknown function", "an unknown activity", "an unknown operation",
         "an unknown API", "a suspended application", "open access", "open access, sound", "a user who may not", "two people", "a refused user"])
def test_a_refused_proof_refuses_whatever_is_asked_once_the_name_is_known(ask, whole, verdict):
    assert ask(whole()).verdict == verdict


def test_what_is_malformed_is_so_before(ask):
    whole = by_application(client_assertion=assertion(jti=None))
    whole["context"]["organisation"] = 7
    assert ask(whole).verdict == MALFORMED


# Each is used once.

def verdicts(client, *wholes):
    return [client.evaluate(whole).verdict for whole in wholes]


def test_an_assertion_is_used_once(client):
    whole = by_application(client_assertion=assertion())
    assert verdicts(client, whole, whole, whole) == [AUTHORISED, NOT_AUTHENTICATED, NOT_AUTHENTICATED]
    assert refused(client.evaluate(whole), NOT_AUTHENTICATED, MEMBER, whole["context"]["application"][MEMBER])


def test_a_jti_is_used_once_whatever_else_the_assertion_says(client):
    first, second = (by_application(client_assertion=assertion(jti="the same", exp=NOW + ahead)) for ahead in (100, 200))
    assert verdicts(client, first, second) == [AUTHORISED, NOT_AUTHENTICATED]


def test_whether_or_not_the_application_is_named_it_is_used(client):
    token = assertion()
    assert verdicts(client, *(by_application(id=id, client_assertion=token) for id in (None, "gp", None))) == [AUTHORISED] + [NOT_AUTHENTICATED] * 2


def test_each_application_has_its_own(client):
    assert verdicts(client, *(by_application(id=id, client_assertion=assertion(id, jti="of both")) for id in ("gp", "pharmacy", "gp"))) == [
        AUTHORISED, AUTHORISED, NOT_AUTHENTICATED]


def test_it_is_used_on_every_connection_and_by_every_method(asker, client):
    token = assertion()
    whole = by_application(client_assertion=token)
    assert checked(client.call("explain", whole)).verdict == AUTHORISED
    opening = to_function(None, application={"id": "gp", MEMBER: token})
    assert client.call("open", opening)["reason"] == "application-not-authenticated"
    another = asker.daemons.all[-1].client()
    assert verdicts(another, whole) == [NOT_AUTHENTICATED]
    opening["context"]["application"][MEMBER] = fresh = assertion()
    assert client.call("open", opening)["reason"] == "opened"
    assert verdicts(another, by_application(client_assertion=fresh)) == [NOT_AUTHENTICATED]


def test_one_batch_is_one_use(client):
    whole = by_application(client_assertion=assertion())
    batch = {**whole, "evaluations": [{}, {"action": {"name": "told"}}, {"context": whole["context"]}, {"action": {"name": "none"}}]}
    expected = [AUTHORISED, AUTHORISED, AUTHORISED, "not-applicable unknown-operation"]
    assert checked_all(client.call("evaluations", batch)["evaluations"]) == expected
    expected = [NOT_AUTHENTICATED] * 3 + expected[3:]
    assert checked_all(client.call("evaluations", batch)["evaluations"]) == expected
    assert verdicts(client, whole) == [NOT_AUTHENTICATED]


def test_a_batch_after_a_use_is_refused_and_each_item_has_its_own(client):
    used, unused = by_application(client_assertion=assertion()), by_application(client_assertion=assertion())
    assert verdicts(client, used) == [AUTHORISED]
    items = [{}, {"context": unused["context"]}, {}, {"context": unused["context"]}]
    assert checked_all(client.call("evaluations", {**used, "evaluations": items})["evaluations"]) == [NOT_AUTHENTICATED, AUTHORISED] * 2


def test_another_assertion_of_the_same_jti_is_another_use_also_in_one_batch(client):
    items = [{"context": by_application(client_assertion=assertion(jti="of two", exp=NOW + ahead))["context"]} for ahead in (100, 200)]
    whole = {**by_application(), "evaluations": items}
    assert checked_all(client.call("evaluations", whole)["evaluations"]) == [AUTHORISED, NOT_AUTHENTICATED]


def test_an_assertion_beside_another_proof_that_is_refused_is_not_used_up(client):
    token = assertion()
    assert verdicts(client, by_application(client_assertion=token, api_key="x" * 20), by_application(client_assertion=token, access="x"),
                    by_application(id="pharmacy", client_assertion=token), by_application(client_assertion=token)) == [NOT_AUTHENTICATED] * 3 + [AUTHORISED]


def test_evaluations_without_items_are_one_use_each(client):
    whole = by_application(client_assertion=assertion())
    assert [checked(client.call("evaluations", {**whole, **none})).verdict for none in ({}, {"evaluations": []})] == [AUTHORISED, NOT_AUTHENTICATED]


def test_messages_that_are_sent_together_are_not_one_use(client):
    whole = by_application(client_assertion=assertion())
    sent = [client.post("evaluate", whole) for _ in range(5)]
    assert sorted(checked(client.wait(number)).verdict for number in sent) == [NOT_AUTHENTICATED] * 4 + [AUTHORISED]
    batch = {**by_application(client_assertion=assertion()), "evaluations": [{}, {}]}
    sent = [client.post("evaluations", batch) for _ in range(3)]
    told = sorted(checked_all(client.wait(number)["evaluations"]) for number in sent)
    assert told == [[NOT_AUTHENTICATED] * 2] * 2 + [[AUTHORISED] * 2]


@pytest.mark.parametrize("unsound", [dict(key=rsa_key("attacker", "k1")), dict(aud="somebody"), dict(exp=NOW), dict(exp=NOW + 1000), dict(sub="x")],
                         ids=["a forged one", "one for others", "an expired one", "one too far ahead", "one of two names"])
def test_an_unsound_assertion_uses_nothing_up(client, unsound):
    """Else whoever can guess a jti could shut an application out."""
    kind = KINDS[MEMBER]
    assert verdicts(client, kind.present(kind.token(jti=f"guessed {sorted(unsound)} {unsound.get('exp')}", **unsound)),
                    kind.present(kind.token(jti=f"guessed {sorted(unsound)} {unsound.get('exp')}"))) == [NOT_AUTHENTICATED, AUTHORISED]


def test_a_jti_stays_used_for_ten_minutes_of_the_clock_whatever_time_is_stated(client):
    def used(now, ahead):
        return at_time(by_application(client_assertion=assertion(jti="again", exp=now + ahead)), now)
    assert verdicts(client, used(NOW, 60), used(NOW + 59, 60), used(NOW + 70 + SKEW, 60)) == [AUTHORISED, NOT_AUTHENTICATED, NOT_AUTHENTICATED]


def test_the_memory_of_used_ones_outlives_a_reload(served, daemons):
    running = served.start(daemons)
    client = running.client()
    whole = by_application(client_assertion=assertion())
    assert verdicts(client, whole) == [AUTHORISED]
    assert client.call("reload")["ok"] is True
    assert verdicts(client, whole, by_application(client_assertion=assertion())) == [NOT_AUTHENTICATED, AUTHORISED]
    document = settings()
    document["clock_skew"] = SKEW + 1
    served.write(document)
    try:
        running.signal(1)
        assert until(lambda: client.call("health")["last_reload"]["ok"] and client.call("policy")["generation"] == 3)
        assert verdicts(client, whole) == [NOT_AUTHENTICATED]
        ahead = NOW + 300 + SKEW + 1
        assert verdicts(client, by_application(client_assertion=assertion(exp=ahead))) == [AUTHORISED], "the new settings are in force"
    finally:
        served.write(settings())


# Who may speak for whom: an application that is bound to a peer is bound to it by whatever it proves itself.

def test_a_verified_application_needs_no_trust(served, daemons):
    client = served.start(daemons, trust_applications=None).client()
    assert verdicts(client, by_application(client_assertion=assertion()), by_application(way="signed-jwt", api="narrow"),
                    by_application(id=None, client_assertion=assertion("pharmacy"))) == [AUTHORISED, NOT_AUTHENTICATED, AUTHORISED]


@pytest.mark.parametrize("trust", [True, False])
def test_a_proof_does_not_speak_for_an_application_that_is_bound_to_another(served, daemons, trust):
    client = served.start(daemons, trust_applications=trust, applications={"gp": {"peer": {"uid": 54321}}}).client()
    assert verdicts(client, by_application(client_assertion=assertion()), by_application(id=None, client_assertion=assertion()),
                    to_function(application={MEMBER: assertion()}),
                    by_application(id="pharmacy", client_assertion=assertion("pharmacy"))) == [NOT_AUTHENTICATED] * 3 + [AUTHORISED]


def test_a_peer_that_is_bound_proves_no_other_application(served, daemons):
    client = served.start(daemons, applications={"gp": {"peer": {"uid": HERE}}}).client()
    assert verdicts(client, by_application(client_assertion=assertion()), by_application(id=None, client_assertion=assertion()),
                    by_application(id=None, client_assertion=assertion("pharmacy")),
                    by_application(id="pharmacy", client_assertion=assertion("pharmacy"))) == [AUTHORISED] * 2 + [NOT_AUTHENTICATED] * 2


def test_the_daemons_own_clock_counts(served, daemons):
    client = served.start(daemons, trust_request_time=None).client()
    now = int(time.time())
    ends = {-30: NOT_AUTHENTICATED, 30: AUTHORISED, 290: AUTHORISED, 300 + SKEW + 30: NOT_AUTHENTICATED}
    assert verdicts(client, *(by_application(client_assertion=assertion(exp=now + ahead)) for ahead in ends)) == list(ends.values())
    begins = {SKEW + 30: NOT_AUTHENTICATED, SKEW - 5: AUTHORISED}
    assert verdicts(client, *(by_application(client_assertion=assertion(now=now, nbf=now + ahead)) for ahead in begins)) == list(begins.values())


def test_of_several_proofs_the_one_that_is_stated_counts_or_else_the_first(ask):
    key = {"api_key": API_KEYS["gp-1"]}
    for way, pattern in ((None, "signed-jwt"), ("signed-jwt", "signed-jwt"), ("api-key", "api-key")):
        answer = ask(by_application(way=way, client_assertion=assertion(), **key))
        assert (answer.verdict, answer.context["pattern"]) == (AUTHORISED, f"application-restricted/{pattern}")
    assert ask(by_application(way="tls-ma", client_assertion=assertion(), **key)).verdict == NOT_AUTHENTICATED


def test_one_proof_is_enough_and_several_name_the_same(ask):
    both = by_application(client_assertion=assertion(), access=access_token())
    assert of_evidence(ask(both)) == ("none", "verified", ["access_token", MEMBER])
    assert ask(by_application(id=None, client_assertion=assertion(), access=access_token())).verdict == AUTHORISED
    for other in (dict(client_assertion=assertion(), access=access_token(client_id=CLIENT_OF["pharmacy"])),
                  dict(client_assertion=assertion("pharmacy"), access=access_token()),
                  dict(client_assertion=assertion(), access=access_token(iss="x")),
                  dict(client_assertion=assertion(aud="x"), access=access_token()),
                  dict(client_assertion=assertion(), api_key=API_KEYS["pharmacy"]),
                  dict(client_assertion=assertion(aud=TOKEN_URL + "/"), api_key=API_KEYS["gp-1"])):
        for id in ("gp", None):
            assert ask(by_application(id=id, **other)).verdict == NOT_AUTHENTICATED


def test_requests_of_another_time_bring_none_back(served, daemons):
    """So many that the memory looks for what it could forget."""
    client = served.start(daemons).client()
    token, key = assertion(), key_of("gp", "e1")
    once = by_application(client_assertion=token)
    assert client.evaluate(once).verdict == AUTHORISED
    for _ in range(300):
        later = by_application(client_assertion=jwt(assertion_claims(now=NOW + 1000), key, "ES256"))
        assert client.evaluate(at_time(later, NOW + 1000)).verdict == AUTHORISED
    for seconds in (0, 1, 200, 310):
        assert client.evaluate(at_time(once, NOW + seconds)).verdict == NOT_AUTHENTICATED


def test_health_says_how_full_the_memory_is(served, daemons):
    client = served.start(daemons).client()
    token = assertion()
    for presented, remembered in ((token, 1), (token, 1), (assertion(), 2), (assertion("pharmacy"), 3)):
        client.evaluate(by_application(id=None, client_assertion=presented))
        evidence = client.call("health")["evidence"]
        assert (evidence["used_assertions"], evidence["used_assertions_limit"]) == (remembered, 400_000)
