# SPDX-License-Identifier: Apache-2.0
"""What the daemon records, and what it answers when it cannot."""
import json
import signal
import socket
import threading
import time

import msgpack
import pytest
from support.daemon import ROOM
from support.policy import text_of
from support.requests import neutral
from support.rpc import until
from support.small import SMALL
from support.recorded import decisions, locked, records

POLICY = SMALL
MORE = POLICY + "  - { roles: [R8000], activities: [B0015] }\n"


@pytest.fixture
def trail(tmp_path):
    return tmp_path / "trail.db"


@pytest.fixture(params=["sync", "batched"])
def durability(request):
    return request.param


@pytest.fixture
def served(policy, daemons, trail):
    made = policy(POLICY)
    running = daemons.start(made.path, "--audit", trail)
    running.policy = made
    return running


def start(daemons, policy, trail, *options):
    return daemons.start(policy(POLICY).path, "--audit", trail, *options)


def after(trail, count):
    """The decisions, once there are so many."""
    assert until(lambda: len(decisions(trail)) >= count), decisions(trail)
    return decisions(trail)


# What is recorded.

def test_every_method_that_decides_is_recorded_with_its_refusals(daemons, policy, trail, durability):
    client = start(daemons, policy, trail, "--audit-durability", durability).client()
    client.call("evaluate", neutral("B0820"))
    client.call("evaluate", neutral("B8029", role="R0001"))
    client.call("explain", neutral("B0825"))
    client.call("evaluate", {"action": {}})
    client.call("evaluations", {**neutral(None), "evaluations": [{"action": {"name": "B0820"}}, {"action": {"name": "B9999"}}]})
    session = client.open(neutral(None))
    client.call("open", neutral(None, role=None))
    client.call("check", session, "B0820")
    client.call("check_many", session, ["B0825", "no.such", "B8029"])
    assert after(trail, 12) == [
        ("evaluate", "B0820", "granted-by-baseline"), ("evaluate", "B8029", "not-granted"), ("evaluate", "B0825", "granted-by-baseline"),
        ("evaluate", None, "malformed-request"), ("evaluate", "B0820", "granted-by-baseline"), ("evaluate", "B9999", "unknown-activity"),
        ("open", None, "opened"), ("open", None, "role-code-missing"), ("check", "B0820", "granted-by-baseline"),
        ("check", "B0825", "granted-by-baseline"), ("check", "no.such", "unknown-function"), ("check", "B8029", "not-granted")]


def test_a_record_says_who_asked_as_whom_and_where(served, trail):
    client = served.client()
    session = client.open(neutral(None, role="S8000:G8000:R8000"))
    client.call("check", session, "B0820")
    record = records(trail)[-1]
    assert (record["role_profile"], record["role"], record["organisation"]) == ("1001", "R8000", "RBA")
    assert (record["session"], record["message"]) == (session, client.next_id)
    assert record["uid"] == 0 or record["uid"] is not None
    assert json.loads(record["who"])["profiles"][0]["role"] == "S8000:G8000:R8000"


def test_numbers_have_no_gaps_and_the_frame_is_recorded_too(served, trail):
    client = served.client()
    client.evaluate(neutral("B0820"))
    (served.policy.path / "policy.yaml").write_bytes(text_of(MORE))
    client.call("reload")
    client.call("revoke", {"sub": "910000000001"})
    client.call("stop", True)
    client.call("stop", False)
    assert client.evaluate(neutral("B0015")).effect == "permit"
    assert served.stop() == 0
    rows = records(trail)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["event"] for row in rows] == ["start", "evaluate", "reload", "revoke", "stop", "resume", "evaluate", "end"]
    assert [row["generation"] for row in rows if row["event"] == "evaluate"] == [1, 2]
    assert json.loads(rows[2]["detail"])["ok"] is True and json.loads(rows[3]["detail"]) == {"sub": "910000000001", "ended": 0}


@pytest.mark.parametrize("how, kept", [("none", "#"), ("named", None), ("plain", "9912003071")])
def test_a_patient_known_by_the_number_is_revoked_without_it(daemons, policy, trail, how, kept):
    served = start(daemons, policy, trail, "--audit-patients", how)
    served.client().call("revoke", {"sub": "9912003071", "sid": "one"})
    assert served.stop() == 0
    told = json.loads(records(trail)[1]["detail"])
    assert told == {"sid": "one", "sub": kept or told["sub"], "ended": 0}
    assert kept or (told["sub"].startswith("~") and len(told["sub"]) == 33)


def test_a_trail_goes_on_where_it_ended(daemons, policy, trail):
    for _ in range(3):
        daemon = start(daemons, policy, trail)
        daemon.client().evaluate(neutral("B0820"))
        assert daemon.stop() == 0
    rows = records(trail)
    assert [row["event"] for row in rows] == ["start", "evaluate", "end"] * 3
    assert [row["seq"] for row in rows] == list(range(1, 10))


PATIENT = {"subject": {"type": "patient", "properties": {"nhs_login": {"sub": "p1", "nhs_number": "9000000009", "identity_proofing_level": "P9"}}},
           "action": {"name": "B0820"}, "resource": {"type": "application", "id": "app", "properties": {"nhs_number": "9000000009"}}}


@pytest.mark.parametrize("how, kept", [("none", lambda text: text in ("=", "#")), ("named", lambda text: text.startswith("~")),
                                       ("plain", lambda text: text == "9000000009")])
def test_patients_are_recorded_as_configured(daemons, policy, trail, how, kept):
    daemon = start(daemons, policy, trail, "--audit-patients", how)
    daemon.client().call("evaluate", PATIENT)
    assert daemon.stop() == 0
    row = [row for row in records(trail) if row["event"] == "evaluate"][0]
    assert kept(row["patient"])
    raw = b"".join(path.read_bytes() for path in trail.parent.glob("trail.db*"))
    assert (b"9000000009" in raw) == (how == "plain")


def test_one_daemon_writes_a_trail(daemons, policy, trail):
    start(daemons, policy, trail)
    status, said = daemons.refused("--policy", policy(POLICY).path, "--socket", daemons.new_path(), "--audit", trail)
    assert status == 3 and "trail.db" in said


# When it cannot be recorded.

def ask_everything(client, session):
    many = {**neutral(None), "evaluations": [{"action": {"name": "B0820"}}, {"action": {"name": "B0825"}}]}
    return {"evaluate": client.call("evaluate", neutral("B0820")), "explain": client.call("explain", neutral("B0820")),
            "many": client.call("evaluations", many), "open": client.call("open", neutral(None)),
            "check": client.call("check", session, "B0820"), "check_many": client.call("check_many", session, ["B0820", "B8029"])}


def assert_nothing_is_permitted(answers):
    for answer in (answers["evaluate"], answers["explain"], *answers["many"]["evaluations"]):
        assert answer["decision"] is False
        assert (answer["context"]["effect"], answer["context"]["reason"]) == ("deny", "not-recorded")
        assert answer["context"]["obligations"] == [] and answer["context"]["policy"]["generation"] == 1
        assert "recorded" in answer["context"]["message"] and answer["context"]["path"] == []
        assert answer["context"]["granted_by"] is None and answer["context"]["profile"]["role"] == "R8000"
    assert answers["open"]["effect"] == "deny" and answers["open"]["reason"] == "not-recorded" and "session" not in answers["open"]
    assert answers["check"] == [False, "not-recorded", 1, []]
    assert answers["check_many"] == [[False, "not-recorded", 1, []]] * 2


def test_nothing_is_permitted_that_cannot_be_recorded_and_it_ends_by_itself(daemons, policy, trail, durability):
    daemon = start(daemons, policy, trail, "--audit-durability", durability)
    client = daemon.client()
    session = client.open(neutral(None))
    after(trail, 1)
    with locked(trail):
        if durability == "batched":
            client.evaluate(neutral("B0820"))       # its answer has left before anybody knew
            assert until(lambda: client.call("health")["status"] == "failing")
        assert_nothing_is_permitted(ask_everything(client, session))
        health = client.call("health")
        assert health["status"] == "failing" and health["audit"]["trouble"] == "locked"
    assert until(lambda: client.call("check", session, "B0820")[0])
    assert until(lambda: client.call("health")["status"] == "ok")
    assert daemon.stop() == 0
    rows = records(trail)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    recovered = [json.loads(row["detail"]) for row in rows if row["event"] == "recovered"]
    assert len(recovered) == 1 and recovered[0]["refused"] >= (8 if durability == "sync" else 0)
    permitted = [row for row in rows if row["event"] == "evaluate"]
    assert len(permitted) == (1 if durability == "batched" else 0)      # what was answered, and nothing that was withdrawn


def test_what_happened_while_nothing_could_be_recorded_is_told_later(served, trail):
    client = served.client()
    with locked(trail):
        client.call("revoke", {"sub": "910000000001"})
        client.call("evaluate", neutral("B0820"))
    assert until(lambda: client.call("evaluate", neutral("B0820"))["decision"])
    assert until(lambda: "revoke" in [row["event"] for row in records(trail)])
    assert [row["event"] for row in records(trail)].count("revoke") == 1


def test_a_pipeline_is_withdrawn_as_a_whole_and_in_order(served, trail):
    client = served.client()
    session = client.open(neutral(None))
    with locked(trail):
        numbers = [client.post(*question) for _ in range(100) for question in
                   (("check", session, "B0820"), ("policy",), ("check", session, 7), ("evaluate", neutral("B0820")))]
        first = client.receive()
        client.early[first[1]] = first
        for i, number in enumerate(numbers):
            if i % 4 == 0:
                assert client.wait(number) == [False, "not-recorded", 1, []]
            elif i % 4 == 1:
                assert client.wait(number)["name"] == "small"
            elif i % 4 == 2:
                assert client.early.setdefault(number, None) or client.receive()[2]["code"] == "bad-params"
                client.early.pop(number)
            else:
                assert client.wait(number)["context"]["reason"] == "not-recorded"


def test_a_session_whose_opening_was_withdrawn_is_none(served, trail):
    client = served.client()
    with locked(trail):
        assert client.call("open", neutral(None))["reason"] == "not-recorded"
    assert client.call("health")["sessions"] == 0
    assert client.code_of("check", 1, "B0820") == "unknown-session"


def test_a_policy_that_the_trail_cannot_keep_is_not_put_in_force(served, trail):
    client = served.client()
    (served.policy.path / "policy.yaml").write_bytes(text_of(MORE))
    with locked(trail):
        reloaded = client.call("reload")
        assert reloaded["ok"] is False and "audit trail" in reloaded["error"] and reloaded["generation"] == 1
    assert until(lambda: client.call("reload")["ok"])
    assert client.call("evaluate", neutral("B0015"))["decision"] is True


FIRST = POLICY + """
functions:
  amend: { require: B0825, audit: sync }
  look: { require: B0820 }
"""


def test_a_policy_may_ask_that_a_function_is_recorded_first(daemons, policy, trail):
    daemon = daemons.start(policy(FIRST).path, "--audit", trail, "--audit-durability", "batched", "--audit-flush-ms", 10000)
    client = daemon.client()
    session = client.open(neutral(None))
    assert client.call("check", session, "look")[0] is True
    assert decisions(trail) == []
    assert client.call("check", session, "amend")[0] is True
    assert [action for _, action, _ in decisions(trail)] == [None, "look", "amend"]
    assert client.call("evaluate", neutral("amend"))["decision"] is True
    assert decisions(trail)[-1] == ("evaluate", "amend", "requirement-met")


def test_what_has_left_is_written_and_what_is_withdrawn_is_not(daemons, policy, trail):
    daemon = daemons.start(policy(FIRST).path, "--audit", trail, "--audit-durability", "batched", "--audit-flush-ms", 10000)
    client, other = daemon.client(), daemon.client()
    session, others = client.open(neutral(None)), other.open(neutral(None))
    assert client.call("check", session, "amend")[0] is True
    with locked(trail):
        assert client.call("check", session, "look")[0] is True       # has left
        assert other.call("check", others, "look")[0] is True         # has left
        client.send(b"".join(msgpack.packb([0, 900 + i, "check", [session, name]]) for i, name in enumerate(("B0820", "amend", "B0825"))))
        assert [client.wait(900 + i)[:2] for i in range(3)] == [[False, "not-recorded"]] * 3
        assert other.call("check", others, "look")[:2] == [False, "not-recorded"]
    assert until(lambda: client.call("check", session, "look")[0])
    assert daemon.stop() == 0
    asked = [action for event, action, _ in decisions(trail) if event == "check"]
    assert asked[:3] == ["amend", "look", "look"] and set(asked[3:]) == {"look"}
    rows = records(trail)
    assert [json.loads(row["detail"])["refused"] for row in rows if row["event"] == "recovered"][0] >= 4


# Under load.

def test_no_answer_leaves_before_its_record(served, trail):
    client = served.client()
    session = client.open(neutral(None))
    for count in range(1, 50):
        assert client.call("check", session, "B0820")[0] is True
        assert [event for event, _, _ in decisions(trail)].count("check") == count


def test_who_sends_nothing_more_still_has_what_waits_for_its_record(served, trail):
    client = served.client()
    session = client.open(neutral(None))
    with locked(trail):
        numbers = [client.post("check", session, "B0820") for _ in range(3)]
        client.socket.shutdown(socket.SHUT_WR)
        time.sleep(0.1)     # less than the daemon waits for the lock
    assert all(client.wait(number)[0] for number in numbers)
    assert client.socket.recv(1) == b""
    assert [event for event, _, _ in decisions(trail)].count("check") == 3


def test_what_comes_while_records_are_written_is_answered_after_them(served, trail):
    client = served.client()
    session = client.open(neutral(None))
    more = b"".join(msgpack.packb([0, 1000 + i, "check", [session, "B0825"]]) for i in range(5000))     # more than is read at once
    with locked(trail):
        first = client.post("check", session, "B0820")
        time.sleep(0.05)
        client.send(more)
        time.sleep(0.05)
    assert client.receive()[1:] == [first, None, [True, "granted-by-baseline", 1, []]]
    for number in range(1000, 6000):
        assert client.receive()[1:] == [number, None, [True, "granted-by-baseline", 1, []]]
    client.socket.shutdown(socket.SHUT_WR)
    assert client.socket.recv(1) == b""
    assert [event for event, _, _ in decisions(trail)].count("check") == 5001


@pytest.mark.parametrize("threads", [1, 4])
def test_what_many_ask_at_once_is_all_there_and_once(daemons, policy, trail, durability, threads):
    daemon = start(daemons, policy, trail, "--audit-durability", durability, "--threads", threads)
    clients = [daemon.client(timeout=60) for _ in range(8)]

    def ask(client):
        session = client.open(neutral(None))
        for _ in range(30):
            numbers = [client.post("check", session, "B0820") for _ in range(100)]
            assert all(client.wait(number)[0] for number in numbers)

    askers = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    metrics = clients[0].call("metrics")
    assert daemon.stop() == 0
    rows = records(trail)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    asked = [(row["session"], row["message"]) for row in rows if row["event"] == "check"]
    assert len(asked) == len(set(asked)) == 8 * 3000
    assert metrics["audit_refused"] == 0
    if durability == "sync":
        assert metrics["audit_batches"] < 8 * 3000 / 4      # written together


def test_sigterm_writes_what_was_answered(daemons, policy, trail, durability):
    daemon = start(daemons, policy, trail, "--audit-durability", durability, "--audit-flush-ms", 5000)
    client = daemon.client()
    session = client.open(neutral(None))
    for _ in range(5):      # who sends more without reading is not read any more either
        numbers = [client.post("check", session, "B0820") for _ in range(100)]
        assert all(client.wait(number)[0] for number in numbers)
    assert daemon.stop() == 0
    assert [event for event, _, _ in decisions(trail)].count("check") == 500


def test_kill_takes_no_record_of_what_was_answered(served, trail):
    client = served.client()
    session = client.open(neutral(None))
    answered = 0
    killer = threading.Timer(0.3, lambda: served.signal(signal.SIGKILL))
    killer.start()
    try:
        while True:
            answered += client.call("check", session, "B0820")[0]
    except Exception:       # however it shows that the daemon is gone
        pass
    killer.join()
    served.wait()
    assert answered > 0
    assert [event for event, _, _ in decisions(trail)].count("check") in (answered, answered + 1)


def test_what_waits_for_the_disk_is_bounded(daemons, policy, trail):
    """Batched answers do not wait, until too many records do; then reading pauses."""
    daemon = start(daemons, policy, trail, "--audit-durability", "batched", "--audit-flush-ms", 10000)
    client = daemon.client(timeout=60)
    session = client.open(neutral(None))
    frame = msgpack.packb([0, 1, "check_many", [session, ["B0820"] * 1000]])
    sender = threading.Thread(target=lambda: client.socket.sendall(frame * 500))
    sender.start()
    for _ in range(500):
        assert len(client.receive()[3]) == 1000
    sender.join()
    assert daemon.resident_kb() < (60000 if ROOM == 1 else 1000000)
    assert daemon.stop(60) == 0
    assert [event for event, _, _ in decisions(trail)].count("check") == 500000
