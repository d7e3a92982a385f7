# SPDX-License-Identifier: Apache-2.0
"""Client certificates: from whom they count, and which."""
import json
import subprocess
import sys
from datetime import datetime, timezone

import pytest
from support.answers import checked
from support.apis import by_cis2
from support.certificates import cast
from support.daemon import Daemons
from support.evidence import (AUTHORISED, GRANTED, HERE, MALFORMED, NOT_AUTHENTICATED, Served, assertion, by_application, of_evidence, refused, says_why, settings,
                              to_function)
from support.paths import ROOT

MEMBER = "certificate"
GATEWAY = {"gateways": [HERE]}
BOUND = {"applications": {"gp": {"peer": {"uid": HERE}}}}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return Served(tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="module")
def of_gateway(served):
    daemons = Daemons()
    yield served.start(daemons, **GATEWAY).client()
    daemons.end()


@pytest.fixture(scope="module")
def of_bound(served):
    daemons = Daemons()
    yield served.start(daemons, **BOUND).client()
    daemons.end()


GOOD = ("by_file", "by_fingerprint", "until_2027", "by_subject", "by_middle", "both_uses")
BAD = ("of_pharmacy", "of_weak_key", "by_sha1", "for_servers", "other_subject", "longer_subject", "reversed_subject", "itself", "by_stranger", "by_no_authority", "ended", "not_begun",
       "file_ended", "soon", "root", "middle")


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("id", ["gp", None])
def test_a_certificate_proves_the_application(of_gateway, of_bound, name, id):
    for client in (of_gateway, of_bound):
        answer = client.evaluate(by_application(id=id, certificate=getattr(cast(), name).pem))
        assert answer.verdict == AUTHORISED and of_evidence(answer) == ("none", "verified", [MEMBER])
        assert answer.context["pattern"] == "application-restricted/tls-ma"


@pytest.mark.parametrize("name", BAD)
def test_one_that_does_not_match_or_is_not_in_its_time_is_refused(of_gateway, of_bound, name):
    pem = getattr(cast(), name).pem
    for client in (of_gateway, of_bound):
        answer = client.evaluate(by_application(certificate=pem))
        assert refused(answer, NOT_AUTHENTICATED, MEMBER)
        for line in pem.splitlines()[1:-1]:
            assert line not in json.dumps(answer)


@pytest.mark.parametrize("name", GOOD)
def test_from_anybody_else_it_proves_nothing(served, daemons, name):
    """A certificate is no secret: whoever did not end the connection in which it was used knows nothing by it."""
    elsewhere = {"gp": {"peer": {"uid": 54321}}}
    for configuration in ({}, {"gateways": [54321]}, {"applications": elsewhere}, {"applications": {"pharmacy": {"peer": {"uid": HERE}}}}):
        client = served.start(daemons, **configuration).client()
        for id in ("gp", None):
            answer = client.evaluate(by_application(id=id, certificate=getattr(cast(), name).pem))
            assert answer.verdict == NOT_AUTHENTICATED, configuration
            assert "applications" in configuration or says_why(answer, MEMBER)


def test_a_gateway_speaks_for_every_application_and_a_bound_peer_for_its_own(of_gateway, of_bound):
    pem = cast().of_pharmacy.pem
    for id in ("pharmacy", None):
        assert of_gateway.evaluate(by_application(id=id, certificate=pem)).verdict == AUTHORISED
        assert of_bound.evaluate(by_application(id=id, certificate=pem)).verdict == NOT_AUTHENTICATED


@pytest.mark.parametrize("id", ["pharmacy", "plain", "bare", "nobody"])
def test_it_is_for_the_application_that_is_named(of_gateway, id):
    assert refused(of_gateway.evaluate(by_application(id=id, certificate=cast().by_file.pem)), NOT_AUTHENTICATED, MEMBER)


@pytest.mark.parametrize("time, verdict", [("2099-01-30T23:59:59Z", NOT_AUTHENTICATED), ("2026-11-23T09:00:00Z", AUTHORISED)])
def test_a_certificate_counts_within_its_validity_alone(of_gateway, time, verdict):
    assert of_gateway.evaluate(by_application(certificate=cast().by_subject.pem, time=time)).verdict == verdict


def test_the_day_of_a_fingerprint_ends_it_too(tmp_path, daemons):
    document = settings()
    document["applications"]["gp"]["certificates"] = [{"fingerprint": cast().until_2027.fingerprint, "expires": "2026-11-23"}]
    client = Served(tmp_path, document).start(daemons, **GATEWAY).client()
    verdicts = {}
    for time in ("2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z"):
        answer = client.evaluate(by_application(certificate=cast().until_2027.pem, time=time))
        verdicts[time] = answer.verdict
        if answer["decision"]:
            assert answer.valid_until == datetime(2026, 11, 23, tzinfo=timezone.utc)
    assert list(verdicts.values()) == [AUTHORISED, NOT_AUTHENTICATED]


def test_an_answer_is_no_longer_valid_than_the_certificate(of_gateway):
    """The last second of a certificate is still its own (RFC 5280)."""
    beyond = of_gateway.evaluate(by_application(certificate=cast().by_file.pem)).valid_until - cast().by_file.ends
    assert 0 <= beyond.total_seconds() <= 1


def test_any_authority_may_end_a_chain(tmp_path, daemons):
    served = Served(tmp_path)
    served.put("authorities.pem", cast().middle.pem)
    client = served.start(daemons, **GATEWAY).client()
    assert [client.evaluate(by_application(certificate=pem)).verdict for pem in (cast().by_subject.pem, cast().by_middle.pem)] == [
        NOT_AUTHENTICATED, AUTHORISED]


def test_without_the_authority_between_there_is_no_chain(tmp_path, daemons):
    served = Served(tmp_path)
    served.put("authorities.pem", cast().root.pem)
    client = served.start(daemons, **GATEWAY).client()
    assert [client.evaluate(by_application(certificate=pem)).verdict for pem in (cast().by_subject.pem, cast().by_middle.pem)] == [
        AUTHORISED, NOT_AUTHENTICATED]


def test_a_certificate_without_stated_uses_is_for_all(of_gateway):
    assert of_gateway.evaluate(by_application(certificate=cast().any_use.pem)).verdict == AUTHORISED


NO_CERTIFICATE = {
    "a word": "certificate", "only its frame": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "no base64": "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    "cut": lambda: cast().by_file.pem[:-60], "a byte changed": lambda: cast().by_file.pem.replace("MII", "MIJ", 1),
    "a key": lambda: cast().by_file.key.pem().decode(), "more than 16 KiB": lambda: cast().by_file.pem + "\n" * 16400,
    "another before it": lambda: cast().of_pharmacy.pem + cast().by_file.pem,
}


@pytest.mark.parametrize("name", NO_CERTIFICATE)
def test_what_is_no_certificate_is_refused(of_gateway, name):
    shown = NO_CERTIFICATE[name]
    assert refused(of_gateway.evaluate(by_application(certificate=shown() if callable(shown) else shown)), NOT_AUTHENTICATED, MEMBER)


@pytest.mark.parametrize("value", [7, True, ["PEM"], {"pem": "PEM"}], ids=["a number", "true", "a list", "a map"])
def test_what_is_no_text_is_no_certificate(of_gateway, value):
    assert of_gateway.evaluate(by_application(certificate=value)).verdict in (NOT_AUTHENTICATED, MALFORMED)


@pytest.mark.parametrize("way, verdict", [("tls-ma", AUTHORISED), ("signed-jwt", NOT_AUTHENTICATED), ("api-key", NOT_AUTHENTICATED)])
def test_the_way_that_is_stated_is_the_way_proved(of_gateway, way, verdict):
    assert of_gateway.evaluate(by_application(way=way, certificate=cast().by_file.pem)).verdict == verdict


def test_hl7_v3_is_called_with_it(of_gateway):
    pattern = "user-restricted/hl7v3-cis2"
    answer = of_gateway.evaluate(by_application("guarded", by_cis2(), pattern=pattern, certificate=cast().by_file.pem))
    assert (answer.verdict, answer.context["pattern"]) == ("permit requirement-met", pattern)
    assert of_evidence(answer) == ("asserted", "verified", [MEMBER])


def test_it_holds_for_every_method_that_takes_a_request(served, daemons):
    client = served.start(daemons).client()
    whole = by_application(api="open", certificate=cast().by_file.pem)
    assert checked(client.call("explain", whole)).verdict == NOT_AUTHENTICATED
    assert [checked(one).verdict for one in client.call("evaluations", {**whole, "evaluations": [{}, {}]})["evaluations"]] == [NOT_AUTHENTICATED] * 2
    opening = to_function(None, application={MEMBER: cast().by_file.pem})
    assert client.call("open", opening)["reason"] == "application-not-authenticated"
    assert client.evaluate(to_function(application={MEMBER: cast().by_file.pem})).verdict == NOT_AUTHENTICATED


def test_a_gateway_may_present_it_for_a_function(of_gateway):
    assert of_gateway.evaluate(to_function(application={MEMBER: cast().by_file.pem})).verdict == GRANTED


def test_a_certificate_and_an_assertion_of_two_applications(of_gateway):
    for one, other in (("by_file", "pharmacy"), ("of_pharmacy", "gp")):
        assert of_gateway.evaluate(by_application(id=None, certificate=getattr(cast(), one).pem, client_assertion=assertion(other))).verdict == NOT_AUTHENTICATED
    both = by_application(id=None, certificate=cast().by_file.pem, client_assertion=assertion())
    assert of_evidence(of_gateway.evaluate(both)) == ("none", "verified", [MEMBER, "client_assertion"])


AS_USER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from support.rpc import Client
uid = int(sys.argv[3])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
with Client(sys.argv[2]) as client:
    print(*[client.wait(client.post("evaluate", one))["context"]["reason"] for one in json.load(sys.stdin)])
"""


@pytest.mark.skipif(HERE != 0, reason="only root can be somebody else")
def test_the_kernel_says_who_is_the_gateway(served, daemons):
    running = served.start(daemons, gateways=[12345], applications={"gp": {"peer": {"uid": 12346}}})
    running.socket.chmod(0o666)
    asked = [by_application(certificate=cast().by_file.pem), by_application(id="pharmacy", certificate=cast().of_pharmacy.pem)]

    def ask_as(uid):
        return subprocess.run([sys.executable, "-c", AS_USER, str(ROOT / "tests"), str(running.socket), str(uid)], input=json.dumps(asked),
                              capture_output=True, text=True, timeout=30, check=True).stdout.split()
    yes, no = "application-authorised", "application-not-authenticated"
    assert [ask_as(uid) for uid in (12345, 12346, 12347, 65534, 0)] == [[no, yes], [yes, no], [no, no], [no, no], [no, no]]


@pytest.mark.parametrize("gateways", ["root", [], ["no-such-user"], [65534], [-1], [{"user": "root"}], [4294967295]], ids=json.dumps)
def test_gateways_that_are_nobody_are_a_mistake(served, daemons, gateways):
    if gateways == []:
        served.start(daemons, gateways=[])
        return
    config = daemons.folder / "config.yaml"
    config.write_text(json.dumps({"gateways": gateways}))
    status, said = daemons.refused("--config", config, "--policy", served.policy.path, "--socket", daemons.new_path(), "--unsafe-no-audit")
    assert status == 2 and "config.yaml:1:" in said and "error[" in said
