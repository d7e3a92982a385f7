# SPDX-License-Identifier: Apache-2.0
"""API keys: whose they are, until when, and how `hash-key` makes what the settings hold."""
import re
from datetime import datetime, timezone

import pytest
from support.apis import by_profile
from support.command import run
from support.evidence import (API_KEYS, AUTHORISED, GRANTED, HERE, MALFORMED, NOT_AUTHENTICATED, Served, assertion, by_application, hash_of,
                              of_evidence, refused, settings, to_function)

MEMBER = "api_key"
RIGHT = API_KEYS["gp-1"]


@pytest.mark.parametrize("name", ["gp-1", "gp-2", "gp-long"])
@pytest.mark.parametrize("id", ["gp", None])
def test_a_key_proves_the_application(ask, name, id):
    for _ in range(2):
        answer = ask(by_application(id=id, api_key=API_KEYS[name]))
        assert answer.verdict == AUTHORISED and of_evidence(answer) == ("none", "verified", [MEMBER])
        assert answer.context["pattern"] == "application-restricted/api-key"


WRONG = {
    "another": API_KEYS["nobody"], "a byte longer": RIGHT + "0", "a blank longer": RIGHT + " ", "a line longer": RIGHT + "\n", "a byte shorter": RIGHT[:-1],
    "the last byte changed": RIGHT[:-1] + chr(ord(RIGHT[-1]) ^ 1), "the first byte changed": "m" + RIGHT[1:], "in small letters": RIGHT.lower(),
    "twice": RIGHT * 2, "one letter": "M", "of pharmacy": API_KEYS["pharmacy"], "longer than any": "MARKER" * 100,
    "513 bytes": API_KEYS["gp-long"] + "x", "of other letters": "MARKER-ключ-🔑" * 4, "two, one after the other": f"{RIGHT},{API_KEYS['gp-2']}",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_key_that_is_not_its_own_is_refused(ask, name):
    assert refused(ask(by_application(api_key=WRONG[name])), NOT_AUTHENTICATED, MEMBER)


def test_the_hash_is_no_key(ask):
    made = hash_of(RIGHT)
    for shown in (made, made.rpartition(":")[2], made.partition(":")[2], bytes.fromhex(made.rpartition(":")[2]).decode("latin-1").replace("\0", "x")):
        answer = ask(by_application(api_key=shown))
        assert answer.verdict == NOT_AUTHENTICATED and made.rpartition(":")[2] not in str(answer)


@pytest.mark.parametrize("id", ["pharmacy", "plain", "bare", "nobody"])
def test_a_key_is_for_the_application_that_is_named(ask, id):
    assert refused(ask(by_application(id=id, api_key=RIGHT)), NOT_AUTHENTICATED, MEMBER)


def test_without_a_name_the_key_says_whose_it_is(ask):
    assert ask(by_application(id=None, api_key=API_KEYS["pharmacy"])).verdict == AUTHORISED
    assert refused(ask(by_application(id=None, api_key=API_KEYS["nobody"])), NOT_AUTHENTICATED, MEMBER)


@pytest.mark.parametrize("time, verdict", [("2026-11-22T23:59:59Z", AUTHORISED), ("2026-11-23T00:00:00Z", NOT_AUTHENTICATED),
                                           ("2026-11-23T09:00:00Z", NOT_AUTHENTICATED), ("2026-01-01T00:00:00Z", AUTHORISED)])
def test_a_key_ends_at_midnight_of_its_day(ask, time, verdict):
    answer = ask(by_application(api_key=API_KEYS["gp-ended"], time=time))
    assert answer.verdict == verdict
    if verdict == AUTHORISED:
        assert answer.valid_until == datetime(2026, 11, 23, tzinfo=timezone.utc)
        assert ("credential-expiring" in answer.warnings) is (time > "2026-11-22")


def test_an_answer_is_no_longer_valid_than_the_key(ask):
    assert ask(by_application(api_key=API_KEYS["gp-1"])).valid_until is None
    assert ask(by_application(api_key=API_KEYS["gp-2"])).valid_until == datetime(2099, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize("way, verdict", [("api-key", AUTHORISED), ("signed-jwt", NOT_AUTHENTICATED), ("tls-ma", NOT_AUTHENTICATED)])
def test_the_way_that_is_stated_is_the_way_proved(ask, way, verdict):
    assert ask(by_application(way=way, api_key=RIGHT)).verdict == verdict


def test_a_key_is_for_functions_too_and_refused_whatever_is_asked(ask):
    assert ask(to_function(application={MEMBER: RIGHT})).verdict == GRANTED
    assert of_evidence(ask(to_function(application={MEMBER: RIGHT}))) == ("asserted", "verified", [MEMBER])
    assert ask(to_function(application={"id": "gp", MEMBER: WRONG["another"]})).verdict == NOT_AUTHENTICATED
    assert ask(by_application(api="open", api_key=WRONG["another"])).verdict == NOT_AUTHENTICATED


def test_under_a_pattern_that_wants_more_a_key_does_not_do(ask):
    pattern = "application-restricted/signed-jwt"
    assert ask(by_application(pattern=pattern, api_key=RIGHT)).verdict == "deny pattern-not-met"
    assert ask(by_application(pattern=pattern, client_assertion=assertion())).verdict == AUTHORISED
    hl7 = "user-restricted/hl7v3-cis2"
    assert ask(by_application("plain", by_profile(aal=3), pattern=hl7, api_key=RIGHT)).verdict == "deny pattern-not-met"


@pytest.mark.parametrize("value", [7, True, [RIGHT], {"key": RIGHT}, 1.5], ids=["a number", "true", "a list", "a map", "a fraction"])
def test_what_is_no_text_is_no_key(ask, value):
    answer = ask(by_application(api_key=value))
    assert answer.verdict in (NOT_AUTHENTICATED, MALFORMED) and "MARKER" not in str(answer)


def test_a_key_does_not_speak_for_an_application_that_is_bound_to_another(asker, daemons):
    client = asker.served.start(daemons, applications={"gp": {"peer": {"uid": 54321}}, "pharmacy": {"peer": {"uid": HERE}}}).client()
    for id in ("gp", None):
        assert client.evaluate(by_application(id=id, api_key=RIGHT)).verdict == NOT_AUTHENTICATED
        assert client.evaluate(by_application(id="pharmacy" if id else None, api_key=API_KEYS["pharmacy"])).verdict == AUTHORISED


# `nrbac hash-key`.

def test_the_hash_of_a_key_is_salted_and_holds_nothing_of_it():
    made = [run("hash-key", stdin=RIGHT) for _ in range(2)]
    for one in made:
        assert one.status == 0 and one.err == ""
        assert re.fullmatch(r"hmac-sha256:[0-9a-f]{16,}:[0-9a-f]{64}\n", one.out)
        assert RIGHT not in one.out and RIGHT.encode().hex() not in one.out
    first, second = (one.out.strip().split(":") for one in made)
    assert first[1] != second[1] and first[2] != second[2]


def test_a_line_end_is_not_of_the_key(tmp_path):
    document = settings()
    document["applications"]["gp"]["api_keys"] = [{"hash": run("hash-key", stdin=RIGHT + "\n").out.strip()}]
    assert Served(tmp_path, document).ask(by_application(api_key=RIGHT)).verdict == AUTHORISED


@pytest.mark.parametrize("stdin, good", [("", False), ("\n", False), ("x" * 15, False), ("x" * 16, True), ("x" * 512, True), ("x" * 513, False),
                                         ("x" * 100000, False)],
                         ids=["none", "a line end", "15 bytes", "16 bytes", "512 bytes", "513 bytes", "far too long"])
def test_only_what_can_be_a_key_is_hashed(stdin, good):
    made = run("hash-key", stdin=stdin)
    assert (made.status == 0) is good and ("hmac-sha256:" in made.out) is good
    assert good or (made.err and "xxx" not in made.all)


def test_help_is_given():
    assert run("hash-key", "--help").status == 0
    assert "hash-key" in run("--help").out


def test_a_stranger_is_not_told_that_a_key_is_right(asker, daemons):
    """The application belongs to another peer: whose key was shown here is nobody's business."""
    client = asker.served.start(daemons, applications={"gp": {"peer": {"uid": 54321}}}).client()
    answers = [client.evaluate(by_application(api_key=key)) for key in (RIGHT, RIGHT + "x")]
    for answer in answers:
        assert answer.verdict == NOT_AUTHENTICATED and of_evidence(answer) == ("none", "none", [])
    assert answers[0] == answers[1] and "`context.application`" in answers[0].context["fault"]
