# SPDX-License-Identifier: Apache-2.0
"""The protocol without a socket: the golden frames of tests/wire, and whatever else may come."""
import copy
import json
import random
import types

import msgpack
import pytest
from conftest import ROOT
from support.rpc import Closed

from nrbac import _protocol
from nrbac._protocol import Link
from nrbac.errors import Error, ProtocolError, QueueFull, Refused

pytestmark = pytest.mark.transport("wire")

GOLDEN = sorted((ROOT / "tests/wire/golden").glob("*.json"))
KINDS = {"<text>": "a text", "<integer>": 7, "<map>": {"a": 1}, "<list>": [1]}


def filled(value):
    """What is expected, with something in place of what stands for any value."""
    if isinstance(value, dict):
        return {key: filled(one) for key, one in value.items() if key != "..."}
    if isinstance(value, list):
        return [filled(one) for one in value]
    return KINDS.get(value, value) if isinstance(value, str) else value


def writable(frame):
    """Whether the core could write it: golden frames hold what is no request, too."""
    match frame.get("send"):
        case [0, int(), str(), list()] | [2, str(), list()]:
            return True
    return False


def sent(link, message):
    """The bytes of a golden request, as the core writes them; the core chooses the number, so it is told the one before."""
    if message[0] == 2:
        return link.notification(*message[1:])
    link._last = message[1] - 1
    number, data = link.request(message[2], message[3], message[2])
    assert number == message[1]
    return data


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_golden_frames_are_written_and_read(path):
    link = Link()
    asked = False
    for frame in json.loads(path.read_text()):
        if writable(frame):
            assert sent(link, frame["send"]).hex() == frame["send_hex"]
            asked = frame["send"][0] == 0
        elif "send_hex" in frame:
            asked = False
        if not asked or not isinstance(frame["expect"], list):
            continue
        want = filled(frame["expect"])
        for part in (msgpack.packb(want)[:3], msgpack.packb(want)[3:]):
            replies = list(link.receive(part))
        [(waiter, error, result)] = replies
        assert waiter == frame["send"][2] and result == want[3]
        assert (error is None) if want[2] is None else (error.slug == want[2]["code"])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_daemon_answers_the_golden_frames_to_the_core(daemons, path):
    from wire.test_golden import differs
    client = daemons.start(ROOT / "tests/wire/golden/policy").client()
    link = Link()
    for frame in json.loads(path.read_text()):
        if "send_hex" in frame:
            client.send(sent(link, frame["send"]) if writable(frame) else bytes.fromhex(frame["send_hex"]))
        if frame["expect"] == "closed":
            with pytest.raises(Closed):
                client.receive()
        elif frame["expect"] != "nothing":
            want = frame["expect"]
            got = client.receive()
            assert differs(want, got) is None
            if writable(frame):
                [(_, error, result)] = link.receive(msgpack.packb(got))
                assert result == got[3] and (error is None) == (got[2] is None)


# ---- what else may come -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [
    None, 7, "text", {}, [], [1], [0, 1, "check", []], [1, 1, None], [1, 1, None, True, 5], [1, 2, None, True], [1, "1", None, True],
    [1, True, None, True], [True, 1, None, True], [1.0, 1, None, True], [1, -1, None, True], [2, 1], [3, 1, None, True],
    [1, 1, "error", None], [1, 1, {"code": "a"}, None], [1, 1, {"code": 1, "message": "b"}, None], [1, None, None, None]])
def test_what_is_no_answer_ends_the_connection(message):
    link = Link()
    assert link.request("check", [1, "B0820"], "waiter")[0] == 1
    with pytest.raises(ProtocolError):
        list(link.receive(msgpack.packb(message)))
    assert link.waiting() == ["waiter"] or message[:2] == [1, 1]


@pytest.mark.parametrize("data", [
    b"\xc1", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x00",
    b"\x94\x01\x01\xc0\xa1\xff", b"\x94\x01\x01\xc0\xc4\x01a", b"\x94\x01\x01\xc0\x81\x01\x02", b"\x91" * 2000, b"\x94\x01\x01\xc0\xd4\x01a"])
def test_what_is_not_messagepack_ends_the_connection(data):
    link = Link()
    link.request("check", [1, "B0820"], "waiter")
    with pytest.raises(ProtocolError):
        list(link.receive(data))


@pytest.mark.parametrize("head", [b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"])
def test_no_more_is_kept_of_a_message_than_an_answer_can_have(head):
    link = Link()
    list(link.receive(head))
    with pytest.raises(ProtocolError):
        for _ in range(2 + (_protocol.MESSAGE_BYTES >> 20)):
            list(link.receive(b"\0" * (1 << 20)))


def test_any_bytes_are_read_without_harm(decided):
    rng = random.Random(7)
    good = msgpack.packb([1, 1, None, [True, "granted-by-baseline", 1, []]])
    for _ in range(20_000):
        link = Link()
        link.request("check", [1, "B0820"], "waiter")
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            for _, error, result in link.receive(bytes(data)):
                if error is None and _protocol.read_decision(result):
                    assert result[0] is True and result[3] == []
        except Error:
            pass
    decided(20_000)


def test_an_error_of_the_connection_itself_is_told():
    link = Link()
    with pytest.raises(Refused, match="over-limit"):
        list(link.receive(msgpack.packb([1, None, {"code": "over-limit", "message": "too many connections"}, None])))


def test_answers_before_a_broken_one_are_given():
    link = Link()
    for name in ("one", "two"):
        link.request("policy", [], name)
    got = []
    with pytest.raises(ProtocolError):
        for reply in link.receive(msgpack.packb([1, 1, None, 5]) + b"\xc1"):
            got.append(reply)
    assert [reply.waiter for reply in got] == ["one"] and link.waiting() == ["two"]


def test_the_queue_is_bounded_and_forgotten_calls_count_until_they_are_answered():
    link = Link(in_flight=2)
    link.greeting("greeting")  # does not count
    first, _ = link.request("policy", [], "one")
    link.request("policy", [], "two")
    link.forget(first)
    with pytest.raises(QueueFull):
        link.request("policy", [], "three")
    assert link.waiting() == ["greeting", "two"]
    assert list(link.receive(msgpack.packb([1, first, None, 5]))) == [], "nobody waits for it"
    link.request("policy", [], "three")


def test_what_cannot_be_packed_is_not_in_flight():
    link = Link(in_flight=1)
    with pytest.raises(TypeError):
        link.request("evaluate", [{"a": object()}], "one")
    link.request("policy", [], "two")


VALUES = [
    ({1}, TypeError, "request.a"), (object(), TypeError, "request.a"), (b"x", TypeError, "request.a"), ([1, {"b": 1 << 63}], ValueError, r"request.a\[1\].b"),
    (float("nan"), ValueError, "finite"), ("a\0", ValueError, "NUL"), ("\ud800", ValueError, "UTF-8"), ({"\0": 1}, ValueError, "NUL"),
    ({7: 1}, TypeError, "key"), ({"\udfff": 1}, ValueError, "UTF-8"), (None, TypeError, "mapping")]


@pytest.mark.parametrize("value, error, words", VALUES)
def test_what_a_request_cannot_hold_is_an_error_with_its_place(value, error, words):
    with pytest.raises(error, match=words):
        _protocol.Plain(value if value is None else {"a": value})


def test_a_request_is_copied_and_measured():
    inner = {"b": (1, None, True, 2.5, "Zoë")}
    taken = _protocol.Plain(types.MappingProxyType({"a": types.MappingProxyType(inner)}))
    inner["b"] = 0
    assert taken.value == {"a": {"b": [1, None, True, 2.5, "Zoë"]}} and (taken.depth, taken.elements) == (3, 9)
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested"):
        _protocol.Plain({"a": loop})


def test_numbers_of_calls_go_round_and_are_not_taken_twice():
    link = Link()
    link.request("policy", [], "first")
    link._last = 0xFFFFFFFF
    assert link.request("policy", [], "second")[0] == 2, "1 still waits, and 0 is the greeting's"


def test_notifications_of_a_newer_daemon_are_passed_over():
    assert list(Link().receive(msgpack.packb([2, "news", []]))) == []


# ---- reading strictly -----------------------------------------------------------------------------------------------------

DECISION = [True, "granted-by-baseline", 3, []]


@pytest.mark.parametrize("result", [
    True, None, 1, "yes", {}, [], [True], DECISION[:3], [*DECISION, 1], [1, *DECISION[1:]], ["true", *DECISION[1:]], [True, "not-granted", 3, []],
    [False, "granted-by-baseline", 3, []], [True, None, 3, []], [True, "granted-by-baseline", "3", []], [True, "granted-by-baseline", True, []],
    [True, "granted-by-baseline", 3, None], [True, "granted-by-baseline", 3, [1]], [True, "granted-by-baseline", 3, {}]])
def test_what_is_no_decision_is_none(result):
    with pytest.raises(ProtocolError):
        _protocol.read_decision(result)


def test_decisions_and_reasons_of_a_newer_daemon():
    assert _protocol.read_decision(DECISION)
    assert _protocol.read_decision([False, "some-new-reason", 3, []]) == ("deny", "some-new-reason", (), 3)
    assert _protocol.read_decision([True, "some-new-reason", 3, ["duty"]]) == ("permit", "some-new-reason", ("duty",), 3)


ANSWER = {"decision": True, "context": {"effect": "permit", "reason": "granted-by-baseline", "obligations": []}}


@pytest.mark.parametrize("change", [
    lambda answer: answer.pop("decision"), lambda answer: answer.update(decision=1), lambda answer: answer.pop("context"),
    lambda answer: answer["context"].update(effect="deny"), lambda answer: answer.update(decision=False),
    lambda answer: answer["context"].pop("obligations"), lambda answer: answer["context"].update(obligations=None),
    lambda answer: answer["context"].update(obligations=[{}])])
def test_what_is_no_answer_to_a_request_is_none(change):
    assert _protocol.read_answer(copy.deepcopy(ANSWER))
    changed = copy.deepcopy(ANSWER)
    change(changed)
    with pytest.raises(ProtocolError):
        _protocol.read_answer(changed)


@pytest.mark.parametrize("result", [
    None, [], {}, {"effect": "permit", "reason": "opened"}, {"effect": "deny", "reason": "not-granted", "session": 1},
    {"effect": "permit", "reason": "opened", "session": "1"}, {"effect": "permit", "reason": "opened", "session": True}, {"effect": None, "reason": "x"}])
def test_what_is_no_opening_is_none(result):
    with pytest.raises(ProtocolError):
        _protocol.read_opened(result)


def test_back_off_grows_to_its_bound_and_begins_anew():
    backoff = _protocol.Backoff()
    waits = [backoff.failed() for _ in range(12)]
    assert all(0.5 * min(2.0, 0.02 * 2**n) <= wait <= min(2.0, 0.02 * 2**n) for n, wait in enumerate(waits))
    backoff.connected()
    assert backoff.failed() <= 0.02


def test_every_method_and_fault_of_the_tables_is_known():
    """The daemon's table of methods names none that a client cannot call; `attach` is for the library, `takeover` for daemons."""
    import re

    import nrbac
    from nrbac import aio
    wire = re.findall(r'NRBAC_METHOD\(\w+, "(\w+)"', (ROOT / "schema/nrbac/method.def").read_text())
    called = {"hello": None, "open": "session", "check": None, "check_many": None, "close": None, "attach": None, "takeover": None, "ring": None}
    for method in wire:
        name = called.get(method, method)
        assert name is None or (hasattr(nrbac.Client, name) and hasattr(aio.Client, name)), method
    slugs = re.findall(r'NRBAC_REASON\(\d+, \w+, "([a-z-]+)"', (ROOT / "schema/nrbac/reason.def").read_text())
    assert [reason.value for reason in nrbac.Reason] == slugs and len(slugs) > 30
