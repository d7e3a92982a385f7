# SPDX-License-Identifier: Apache-2.0
"""Whatever is presented: an answer with a reason, and the daemon goes on serving others."""
import json
import socket
import time

import msgpack
import pytest
from support.answers import checked
from support.certificates import cast
from support.daemon import ROOM, Daemons
from support.evidence import (API_KEYS, AUTHORISED, GRANTED, HERE, KINDS, MALFORMED, NOT_AUTHENTICATED, REFUSED_USER, Served, assertion, assertion_claims,
                              by_application, by_patient, id_claims, id_token, key_of, to_function, userinfo, userinfo_claims, worker)
from support.requests import NOW
from support.rpc import RpcError, error_or_closed
from support.token_cases import deep, text
from support.tokens import b64, jwt

KIND = KINDS["client_assertion"]
LIMIT = 1048576


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    daemons = Daemons()
    yield Served(tmp_path_factory.mktemp("evidence")).start(daemons, gateways=[HERE])
    daemons.end()


@pytest.fixture
def client(running):
    """One connection asks; another sees afterwards that nothing happened to it."""
    other = running.client()
    asking = running.client(timeout=20)
    yield asking
    assert other.evaluate(to_function(user=worker(id_token()))).verdict == GRANTED
    assert other.evaluate(by_application(client_assertion=assertion())).verdict == AUTHORISED
    for one in (asking, other):
        one.close()
        running.clients.remove(one)


# Members that take a text, and the request in which each stands.
PLACES = {
    "client_assertion": lambda value: by_application(client_assertion=value), "api_key": lambda value: by_application(api_key=value),
    "certificate": lambda value: by_application(certificate=value), "access_token": lambda value: by_application(access=value),
    "id_token": lambda value: to_function(user=worker(value)), "userinfo": lambda value: to_function(user=worker(info=value)), "nhs_login": by_patient,
}
TEXTS = {
    "one letter": "x", "a blank": " ", "a dot": ".", "two dots": "..", "a hundred dots": "." * 100, "ten thousand dots": "." * 10000,
    "17 KB": "A" * 17000, "17 KB in three parts": ".".join(["A" * 5700] * 3), "900 KB": "A" * 900000, "900 KB of dots": "." * 900000,
    "900 KB in three parts": ".".join(["QUJD" * 75000] * 3), "other letters": "ы.ъ.ь" * 50, "an emoji": "🔑" * 200,
    "three parts of no JSON": "AAAA.BBBB.CCCC", "a header of braces": b64(b"{" * 9000) + ".e30.AAAA", "a header of brackets": b64(b"[" * 9000) + ".e30.AAAA",
    "a header of quotes": b64(b'"' * 9000) + ".e30.AAAA", "format directives": "%s%n%d" * 20, "a path": "../../../../etc/passwd",
    "a path as PEM": "file:///etc/passwd", "PEM of no end": "-----BEGIN CERTIFICATE-----\n" + "A" * 4000,
    "ten thousand PEM heads": "-----BEGIN CERTIFICATE-----\n" * 500, "JSON": json.dumps(id_claims()), "an API key's hash": "hmac-sha256:00:00",
}


def has_a_reason(answer, member):
    users = member in ("id_token", "userinfo", "nhs_login")
    assert answer.verdict in (MALFORMED, REFUSED_USER if users else NOT_AUTHENTICATED)
    assert len(json.dumps(answer)) < 4000, "what was presented does not come back"


@pytest.mark.parametrize("member", PLACES)
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_nothing_is_refused(client, member, name):
    answer = client.evaluate(PLACES[member](TEXTS[name]))
    has_a_reason(answer, member)
    assert answer.verdict != MALFORMED


VALUES = {"a number": 7, "a large number": 2 ** 63 - 1, "a fraction": 0.5, "true": True, "false": False, "a list": ["x"], "an empty list": [], "a list of lists": [[["x"]]],
          "a list of tokens": [assertion_claims()["jti"]] * 1000, "a wide map": {f"member {number}": number for number in range(3000)}}


@pytest.mark.parametrize("member", PLACES)
@pytest.mark.parametrize("name", VALUES)
def test_what_is_no_text_is_answered(client, member, name):
    if member in ("userinfo", "nhs_login", "id_token") and isinstance(VALUES[name], dict):
        assert client.evaluate(PLACES[member](VALUES[name])).effect != "permit" or member == "id_token"
        return
    has_a_reason(client.evaluate(PLACES[member](VALUES[name])), member)


@pytest.mark.parametrize("application", ["gp", 7, [], ["gp"], [{"id": "gp"}], True, {"id": 7, "client_assertion": "x"}, {"id": ["gp"], "api_key": API_KEYS["gp-1"]},
                                         {"id": {}, "certificate": "x"}, {"id": "gp", "authenticated_by": 7, "client_assertion": "x"}], ids=range(10))
def test_an_application_of_another_shape_is_answered(client, application):
    whole = by_application(client_assertion=assertion())
    whole["context"]["application"] = application
    assert client.evaluate(whole).verdict in (MALFORMED, NOT_AUTHENTICATED)


# Signed tokens whose content is hostile: whoever holds a key may still be mistaken, or broken into.
SIGNED = {
    "lists four thousand deep": lambda: text(KIND, f'"x": {deep(4000)}'), "maps two thousand deep": lambda: text(KIND, '"x": ' + '{"x":' * 2000 + "1" + "}" * 2000),
    "a number beyond all": lambda: text(KIND, '"x": 1e999'), "a number of a thousand digits": lambda: text(KIND, '"x": ' + "9" * 1000),
    "a thousand digits behind the point": lambda: text(KIND, '"x": 0.' + "9" * 1000), "exp beyond all": lambda: text(KIND, exp=None)[:-1] + ', "exp": 1e308}',
    "exp of a thousand digits": lambda: text(KIND, exp=None)[:-1] + ', "exp": ' + "9" * 1000 + "}", "exp below all": lambda: text(KIND, exp=-2 ** 63),
    "exp as a fraction": lambda: text(KIND, exp=NOW + 10.5), "nbf beyond all": lambda: text(KIND, nbf=2 ** 63 - 1), "iat below all": lambda: text(KIND, iat=-2 ** 63),
    "NUL in a claim": lambda: text(KIND, '"x": "a\\u0000b"'), "NUL in sub": lambda: text(KIND, sub=KIND.claims()["sub"] + "\0"),
    "NUL in a name": lambda: text(KIND, '"exp\\u0000": 7'), "a thousand members": lambda: text(KIND, ", ".join(f'"m{number}": 1' for number in range(1000))),
    "the same name in two hundred maps": lambda: text(KIND, '"x": [' + ", ".join(['{"a": {"a": 1}}'] * 200) + "]"),
    "a name of ten thousand letters": lambda: text(KIND, f'"{"n" * 10000}": 1'), "an audience of a thousand": lambda: text(KIND, aud=["other"] * 1000 + [KIND.claims()["aud"]]),
    "an empty name": lambda: text(KIND, '"": {"": ""}'),
}


@pytest.mark.parametrize("name", SIGNED)
def test_signed_claims_that_are_hostile_are_answered(client, name):
    whole = by_application(client_assertion=jwt(SIGNED[name](), key_of("gp")))
    answer = client.evaluate(whole)
    assert answer.verdict in (AUTHORISED, NOT_AUTHENTICATED)
    if "deep" in name or "beyond" in name and "exp" in name or "NUL in sub" in name or "exp of" in name:
        assert answer.verdict == NOT_AUTHENTICATED


CLAIMS_OF_A_USER = {
    "roles that are a number": dict(nhsid_nrbac_roles=7), "roles that are a text": dict(nhsid_nrbac_roles="R8000"), "a role that is a list": dict(nhsid_nrbac_roles=[[]]),
    "a thousand roles": dict(nhsid_nrbac_roles=[{"person_roleid": str(number), "role_code": "R8000"} for number in range(200)]),
    "a sub that is a map": dict(sub={"sub": "910000000001"}), "codes that are maps": dict(nhsid_nrbac_roles=[{"person_roleid": "501", "role_code": {"a": 1}}]),
}


@pytest.mark.parametrize("name", CLAIMS_OF_A_USER)
def test_verified_claims_of_another_shape_are_judged_like_asserted_ones(client, name):
    kind = KINDS["userinfo"]
    claims = kind.claims(**CLAIMS_OF_A_USER[name])
    as_token, as_map = (client.evaluate(to_function(user=worker(info=shown))) for shown in (jwt(claims, kind.key()), claims))
    assert as_token.verdict == as_map.verdict or as_token.verdict == REFUSED_USER
    assert as_token.effect != "permit"


def test_a_message_beyond_the_limit_is_an_error(running):
    for size in (LIMIT, 4 * LIMIT):
        with running.client() as asking:
            asking.socket.settimeout(10)
            data = msgpack.packb([0, 1, "evaluate", [by_application(client_assertion="A" * size)]])
            try:
                asking.socket.sendall(data)
            except (BrokenPipeError, ConnectionResetError, socket.timeout):
                pass
            assert error_or_closed(asking) in ("over-limit", "closed")
        running.clients.remove(asking)
    assert running.client().evaluate(to_function(user=worker(id_token()))).verdict == GRANTED


@pytest.mark.parametrize("garbage", [b"\xff\xfe\xfd", b"\xc0\x80", b"\xed\xa0\x80", b"eyJ\x80.e30.AA"], ids=["no UTF-8", "too long UTF-8", "half a surrogate", "in a token"])
def test_texts_that_are_no_texts_are_no_message(running, garbage):
    for member in ("client_assertion", "api_key", "certificate"):
        with running.client() as asking:
            data = msgpack.packb([0, 1, "evaluate", [by_application(**{member: "PLACE"})]])
            size = bytes([0xa0 + len(garbage)])
            asking.send(data.replace(b"\xa5PLACE", size + garbage))
            message = asking.receive()
            assert message[2] is None or message[2]["code"] == "bad-message"
            assert message[2] is not None or not message[3]["decision"]
        running.clients.remove(asking)


def test_a_batch_of_the_largest_tokens_is_answered_and_others_are_not_held_up(running):
    heavy, light = running.client(timeout=30), running.client()
    item = {"context": {"application": {"id": "gp", "client_assertion": "A" * 5000 + "." + "B" * 5000 + "." + "C" * 5000}}}
    whole = {**by_application(), "evaluations": [item] * 30}
    number = heavy.post("evaluations", whole)
    began = time.monotonic()
    assert light.evaluate(to_function()).verdict == GRANTED
    assert time.monotonic() - began < 2
    assert [checked(one).verdict for one in heavy.wait(number)["evaluations"]] == [NOT_AUTHENTICATED] * 30
    forged = by_application(client_assertion=jwt(assertion_claims(), key_of("pharmacy")))
    many = heavy.call("evaluations", {**forged, "evaluations": [{}] * 1024})["evaluations"]
    assert {checked(one).verdict for one in many} == {NOT_AUTHENTICATED} and len(many) == 1024


def test_evidence_that_items_share_is_checked_once_and_their_own_a_few_times(running):
    """A small message cannot ask for a thousand signatures to be verified; a shared one costs as much as one."""
    client = running.client(timeout=30)
    shared = by_application("guarded", worker(id_token(), userinfo()), client_assertion=assertion())
    began = time.monotonic()
    many = client.call("evaluations", {**shared, "evaluations": [{}, {"action": {"name": "plain"}}] * 512})["evaluations"]
    assert {checked(one).verdict for one in many} == {"permit requirement-met", "permit application-authorised"} and len(many) == 1024
    assert time.monotonic() - began < 2
    own = [{"subject": worker(id_token(), userinfo())} for _ in range(33)]
    assert len(client.call("evaluations", {**to_function(), "evaluations": own[:32]})["evaluations"]) == 32
    with pytest.raises(RpcError) as refused:
        client.call("evaluations", {**to_function(), "evaluations": own})
    assert refused.value.code == "over-limit"
    asserted = [{"subject": worker(id_claims(), userinfo_claims())}] * 100
    assert len(client.call("evaluations", {**to_function(), "evaluations": asserted})["evaluations"]) == 100


def test_refusing_costs_no_memory(running):
    client = running.client()
    shown = [by_application(client_assertion="A." * 4000), by_application(certificate=cast().by_stranger.pem), to_function(user=worker(id_token(aud="x"))),
             by_application(client_assertion=jwt(text(KIND, f'"x": {deep(4000)}'), key_of("gp")))]

    def ask_all(times):
        for _ in range(times):
            for whole in shown:
                client.wait(client.post("evaluate", whole))
    ask_all(100)
    before = running.resident_kb()
    ask_all(400)
    assert running.resident_kb() - before < (2048 if ROOM == 1 else 64 * 1024 * ROOM)


@pytest.mark.parametrize("algorithm, name", [("ES256", "e1"), ("RS512", "k1"), ("PS256", "kps")])
def test_no_letter_of_a_token_can_be_another(running, algorithm, name):
    """But the last, of which some bits mean nothing."""
    client = running.client()
    kind = KINDS["id_token"]
    token = kind.token(algorithm, kind.key(name))
    assert client.evaluate(kind.present(token)).verdict == GRANTED
    altered = [token[:place] + letter + token[place + 1:] for place in range(0, len(token) - 1, 3) for letter in "A-." if token[place] != letter]
    altered += [token[:end] for end in range(1, len(token), 5)]
    for start in range(0, len(altered), 32):
        items = [{"subject": worker(one)} for one in altered[start:start + 32]]
        answers = client.call("evaluations", {**kind.present(token), "evaluations": items})["evaluations"]
        assert {checked(one).verdict for one in answers} == {REFUSED_USER} and len(answers) == len(items)
