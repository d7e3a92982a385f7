# SPDX-License-Identifier: Apache-2.0
"""Names by number, and the order of answers where plain questions stand between others."""
import msgpack
import pytest
from support.policy import text_of
from support.requests import neutral
from support.small import FUNCTIONS

WATCHED = FUNCTIONS + "  watched: { name: Watched, require: B0825, obligations: [notify-access, keep-note] }\n"
OTHER = WATCHED.replace("B0820: { name: View Patient Demographics }", "B0820: { name: View Patient Demographics }\n  B0001: { name: New }")


@pytest.fixture
def served(policy):
    return policy(WATCHED)


@pytest.fixture
def daemon(served, daemons):
    return daemons.start(served.path)


def told(client):
    return client.call("hello", {"numbers": True})["numbers"]


def asked(profile="R8000", **others):
    return {key: value for key, value in neutral("B0820", role=profile, **others).items() if key != "action"}


def test_a_number_is_answered_as_its_name(daemon):
    client = daemon.client()
    session, numbers = client.open(asked()), told(client)
    assert len(set(numbers.values())) == len(numbers) > 15
    by_name = client.call("check_many", session, list(numbers))
    assert [client.call("check", session, number) for number in numbers.values()] == by_name
    assert client.call("check_many", session, list(numbers.values())) == by_name
    mixed = [name if at % 2 else number for at, (name, number) in enumerate(numbers.items())]
    assert client.call("check_many", session, mixed) == by_name
    assert [True, "requirement-met", 1, ["keep-note", "notify-access"]] in by_name
    assert {row[0] for row in by_name} == {True, False}


def test_open_tells_the_numbers_of_what_it_lists(daemon):
    client = daemon.client()
    plain = client.call("open", asked())
    assert "numbers" not in plain
    assert client.code_of("check", plain["session"], 1) == "bad-params"
    opened = client.call("open", asked() | {"options": {"numbers": True}})
    assert set(opened["numbers"]) == set(opened["activities"]) | set(opened["functions"])
    assert opened["activities"] and opened["functions"]
    assert opened["numbers"].items() <= told(daemon.client()).items()
    for name, number in opened["numbers"].items():
        assert client.call("check", plain["session"], number) == client.call("check", opened["session"], name)


def test_an_open_that_is_refused_tells_no_numbers(daemon):
    client = daemon.client()
    session = client.open(asked())
    refused = client.call("open", {"subject": {"type": "healthcare-worker", "properties": {"profile": {}}}, "options": {"numbers": True}})
    assert "session" not in refused and "numbers" not in refused
    assert client.code_of("check", session, 1) == "bad-params"


def test_numbers_count_on_the_connection_that_was_told_them(daemon):
    client, other = daemon.client(), daemon.client()
    numbers = told(client)
    session = other.open(asked())
    assert other.code_of("check", session, numbers["B0820"]) == "bad-params"
    assert other.code_of("check_many", session, ["B0820", numbers["B0820"]]) == "bad-params"
    assert told(other) == numbers
    assert other.call("check", session, numbers["B0820"])[0] is True


@pytest.mark.parametrize("number", [0, -1, -2 ** 63, 10 ** 6, 2 ** 32, 2 ** 32 + 1, 2 ** 63 - 1, True, False, None, 1.0, [], {}])
def test_what_was_never_told_is_bad_params(daemon, number):
    client = daemon.client()
    session, numbers = client.open(asked()), told(client)
    assert all(type(number) is not int or number != other for other in numbers.values())
    assert client.code_of("check", session, number) == "bad-params"
    assert client.code_of("check_many", session, ["B0820", number]) == "bad-params"
    assert client.call("check", session, "B0820")[0] is True


def test_a_number_keeps_its_meaning_when_the_policy_is_replaced(daemon, served):
    client = daemon.client()
    session, before = client.open(asked()), told(client)
    (served.path / "policy.yaml").write_bytes(text_of(OTHER.replace("B0015: { name: Receive Legal Override Alerts }", "B0016: { name: Another }")
                         .replace("  watched:", "  looked.at:")))
    assert client.call("reload")["ok"] is True
    assert client.call("check", session, before["B0820"]) == [True, "granted-by-baseline", 2, []]
    assert client.call("check", session, before["B0015"]) == [False, "unknown-activity", 2, []]
    assert client.call("check", session, before["watched"]) == [False, "unknown-function", 2, []]
    new = max(before.values()) + 1
    assert client.code_of("check", session, new) == "bad-params"
    after = told(client)
    assert new in after.values() and {"B0001", "B0016", "looked.at"} <= set(after)
    assert "watched" not in after and min(after[name] for name in set(after) - set(before)) == new
    assert all(after[name] == before[name] for name in set(before) & set(after))
    assert client.call("check", session, after["looked.at"])[:3] == [True, "requirement-met", 2]


@pytest.mark.parametrize("method, params", [("hello", [{"numbers": 1}]), ("hello", [{"numbers": "yes"}]),
                                            ("open", [asked() | {"options": {"numbers": 0}}])])
def test_numbers_are_wanted_or_not(daemon, method, params):
    assert daemon.client().code_of(method, *params) == "bad-params"


def test_answers_come_in_the_order_of_the_questions(daemon):
    client = daemon.client()
    session = client.open(asked())
    unknown = [False, "unknown-function", 1, []]
    mixed = [("check", [session, "B0820"], [True, "granted-by-baseline", 1, []]), ("check", [77, "B0820"], "unknown-session"),
             ("check_many", [session, ["B0572", "no"]], [[False, "not-granted", 1, []], unknown]), ("check", [session], "bad-params"),
             ("check", [session, "B0572"], [False, "not-granted", 1, []]), ("no.such", [], "unknown-method"),
             ("check", [session, "£"], unknown), ("check_many", [session, []], []), ("revoke", [{"sid": "nobody"}], 0)] * 50
    client.send(b"".join(msgpack.packb([0, 1000 + at, method, params]) for at, (method, params, _) in enumerate(mixed)))
    for at, (_, _, wanted) in enumerate(mixed):
        kind, number, error, result = client.receive()
        assert (kind, number, error["code"] if error else result) == (1, 1000 + at, wanted)


@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_questions_cut_anywhere_are_answered_and_counted_once(served, daemons, pieces):
    client = daemons.start(served.path, "--max-in-flight", "5").client()
    session = client.open(asked())
    frames = b"".join(msgpack.packb([0, number, "check", [session, "B0820"]]) for number in range(200))
    for at in range(0, len(frames), pieces):
        client.send(frames[at:at + pieces])
    for number in range(200):
        assert client.receive() == [1, number, None, [True, "granted-by-baseline", 1, []]]
    metrics = client.call("metrics")
    assert metrics["requests"]["check"] == 200
    assert metrics["decisions"]["by_reason"] == {"granted-by-baseline": 200, "opened": 1}


def test_the_batch_bounds_names_and_numbers_alike(served, daemons):
    client = daemons.start(served.path, "--max-batch", "3").client()
    session, numbers = client.open(asked()), told(client)
    assert len(client.call("check_many", session, [numbers["B0820"]] * 3)) == 3
    assert client.code_of("check_many", session, [numbers["B0820"]] * 4) == "over-limit"
    assert client.code_of("check_many", session, ["B0820"] * 4) == "over-limit"
