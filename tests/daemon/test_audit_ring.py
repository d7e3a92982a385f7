# SPDX-License-Identifier: Apache-2.0
"""What a program decides in its own process is in the daemon's trail, whoever dies, and whatever the program writes."""
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import msgpack
import pytest
from support.attached import Attached, Recorded, recorded
from support.daemon import replace_killed
from support.paths import NRBAC
from support.recorded import REASONS, locked, names, of, records
from support.ring import PLACES, RESERVED, SIZE, TAKEN, HandmadeRing
from support.rpc import until
from support.small import FUNCTIONS, SMALL

PENDING = PLACES // 2
KILLS = 15


@pytest.fixture
def trail(tmp_path):
    return tmp_path / "trail.db"


@pytest.fixture(params=["sync", "batched"])
def durability(request):
    return request.param


@pytest.fixture
def served(policy, daemons, trail):
    return daemons.start(policy(FUNCTIONS).path, "--audit", trail)


# What is recorded.

def test_every_decision_of_the_program_is_in_the_trail(daemons, policy, trail, durability):
    served = daemons.start(policy(FUNCTIONS).path, "--audit", trail, "--audit-durability", durability)
    with Recorded(served) as program:
        session = program.session(sub="u1", profile="501")
        assert program.check(session, "B0820")[:2] == (True, "granted-by-baseline")
        assert program.tell(f"recorded {session} B0820") == "1"
        assert program.tell(f"recorded {session} B8029") == "0"
        assert program.tell("evaluate R8000 B0820").startswith("permit")
        assert program.tell("evaluate R8000 no.such").startswith("not-applicable")
        assert until(lambda: len(of(trail, program.process)) == 6), records(trail)
    rows = of(trail, program.process)
    assert [(row["event"], row["action"], row["reason"]) for row in rows] == [
        ("open", None, "opened"), ("check", "B0820", "granted-by-baseline"), ("recorded", "B0820", "granted-by-baseline"),
        ("recorded", "B8029", "not-granted"), ("evaluate", "B0820", "granted-by-baseline"), ("evaluate", "no.such", "unknown-function")]
    assert all((row["asserted"], row["uid"], row["session"], row["generation"]) == (1, os.getuid(), None, 1) for row in rows)
    assert [row["message"] for row in rows] == sorted({row["message"] for row in rows}), "each has its number"
    assert all((row["user"], row["role_profile"], row["role"], row["organisation"]) == ("u1", "501", "R8000", "RBA") for row in rows[:4])
    digest = served.client().call("policy")["digest"].upper()
    assert all(row["policy"] == digest for row in rows)
    metrics = served.client().call("metrics")
    assert metrics["audit_ring_records"] >= 6 and metrics["audit_ring_gaps"] == 0
    assert served.stop() == 0
    assert subprocess.run([str(NRBAC), "audit", "verify", trail], capture_output=True).returncode == 0


def test_a_name_that_is_no_text_is_recorded_as_well_as_it_can(served, trail):
    with Recorded(served) as program:
        session = program.session()
        assert program.tell(f"garbage {session}") == "unknown-function"
        assert program.tell(f"recorded {session} B0820") == "1"
        assert until(lambda: len(of(trail, program.process)) == 3)
    assert names(of(trail, program.process)) == [None, "??(?", "B0820"]


def test_records_come_while_the_program_runs_and_soon(served, trail):
    with Recorded(served) as program:
        session = program.session()
        time.sleep(0.2)         # nothing comes: the daemon looks seldom
        delays = []
        for number in range(5):
            program.tell(f"recorded {session} B0820")
            began = time.monotonic()
            assert until(lambda wanted=number + 2: len(of(trail, program.process)) == wanted, every=0.002)
            delays.append(time.monotonic() - began)
            time.sleep(0.1)
        assert sorted(delays)[2] < 0.2, delays


def test_thousands_of_users_and_rounds(served, trail):
    """More than the ring holds, by more sessions than it remembers."""
    with Recorded(served) as program:
        sessions = [program.session(sub=f"user-{n}") for n in range(60)]
        for _ in range(3):
            for session in sessions:
                assert program.tell(f"recorded {session} B0820") == "1"
        assert program.tell(f"record-fast {sessions[7]} B0825 20000") == "20000"
        for n in (7, 59):
            assert program.tell(f"recorded {sessions[n]} B0820") == "1"
        assert until(lambda: len(of(trail, program.process)) == 60 + 180 + 20000 + 2, 30)
    rows = of(trail, program.process)
    assert [row["user"] for row in rows[60:240]] == [f"user-{n}" for n in range(60)] * 3
    assert {row["user"] for row in rows[240:20240]} == {"user-7"}
    assert [row["user"] for row in rows[-2:]] == ["user-7", "user-59"]


def test_what_was_recorded_can_be_decided_again(served, trail):
    with Recorded(served) as program:
        session = program.session(sub="u1")
        for name in ("B0820", "B8029", "no.such"):
            program.check(session, name)
        program.tell("evaluate R8000 B0820")
        assert until(lambda: len(of(trail, program.process)) == 5)
    assert served.stop() == 0
    done = subprocess.run([str(NRBAC), "audit", "replay", trail], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# Who may.

def test_without_a_trail_it_is_refused(policy, daemons):
    served = daemons.start(policy(SMALL).path, "--unsafe-no-audit")
    with Attached() as program:
        said = program.tell(f"open-recorded shm:{served.socket}")
        assert said.startswith("failed") and "audit trail" in said
        assert program.tell(f"open-recorded file:{served.socket}").startswith("failed")
        assert "shm:" in program.tell("open-recorded national.nrb")
    assert HandmadeRing(served.socket).answer[2]["code"] == "not-allowed"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_other_users_are_refused_unless_they_may_attach(policy, daemons, trail):
    served = daemons.start(policy(SMALL).path, "--audit", trail, "--socket-mode", "0666")
    with Attached(user=65533) as program:
        assert program.tell(f"open-recorded shm:{served.socket}").startswith("failed")


def test_a_connection_has_one_ring_and_keeps_it(policy, daemons, trail):
    served = daemons.start(policy(SMALL).path, "--audit", trail, "--idle-seconds", 1)
    ring = HandmadeRing(served.socket)
    assert ring.answer[3] == {"version": 1, "places": PLACES} and len(ring.memory) == SIZE
    idle = served.client()
    assert until(lambda: served.client().call("metrics")["connections_idle"] >= 1)
    assert idle is not ring and ring.is_open()
    ring.socket.settimeout(10)
    ring.socket.sendall(msgpack.packb([0, 2, "ring", [1]]))
    assert msgpack.unpackb(ring.socket.recv(1024))[2]["code"] == "over-limit"


# Who dies.

def test_whatever_a_killed_program_told_is_in_the_trail(served, trail):
    chance, all_told = random.Random(7), 0
    for number in range(KILLS):
        program = Recorded(served)
        session = program.session(sub=f"u{number}")
        program.record(session, f"k{number}", 100000)
        told = program.told(1)
        time.sleep(chance.random() * 0.03)
        told += program.kill()
        assert until(lambda told=told, program=program: set(recorded(told)) <= set(names(of(trail, program.process))), 20)
        rows = [row["action"] for row in of(trail, program.process) if row["event"] == "check"]   # and perhaps a gap
        assert rows == [f"k{number}.{n}" for n in range(len(rows))], "in order, without holes, once"
        all_told += len(told)
    assert all_told > 20 * KILLS
    assert until(lambda: served.client().call("health")["connections"] == 1)


def replace_ended(daemons, served, *options):
    assert served.stop() == 0
    return daemons.start(*options, path=served.socket)


def take_over(daemons, served, *options):
    successor = daemons.start(*options, "--takeover", path=served.socket)
    assert served.wait() == 0
    return successor


@pytest.mark.parametrize("replace", [replace_killed, replace_ended, take_over])
def test_whatever_a_program_told_survives_the_daemon(policy, daemons, trail, replace):
    made = policy(SMALL).path
    served = daemons.start(made, "--audit", trail)
    chance = random.Random(11)
    with Recorded(served) as program:
        session = program.session(sub="u1")
        program.record(session, "d", 4000000)
        told = []
        reader = threading.Thread(target=lambda: told.extend(iter(program.process.stdout.readline, "")))
        reader.start()
        for _ in range(8):
            time.sleep(0.1 + chance.random() * 0.2)
            served = replace(daemons, served, made, "--audit", trail)
        time.sleep(0.5)
        program.process.kill()
        reader.join()
    wanted = recorded(tuple(line.split()) for line in told if line.endswith("\n"))
    assert len(wanted) > 1000
    assert until(lambda: wanted[-1] in set(names(of(trail, program.process))), 20)
    rows = of(trail, program.process)
    missing = set(wanted) - set(names(rows))
    assert not missing, sorted(missing)[:5]
    assert all(row["user"] == "u1" for row in rows), "a new daemon knows who it was"
    numbered = {}
    for row in rows:
        assert numbered.setdefault(row["message"], row["action"]) == row["action"], "what stands twice has its number twice"
    if replace != replace_killed:
        assert len(numbered) == len(rows), "a daemon that ends in good order leaves nothing to be taken twice"


# When it cannot be recorded.

def test_what_does_not_fit_is_not_recorded_and_it_ends_by_itself(daemons, policy, trail, durability):
    served = daemons.start(policy(FUNCTIONS).path, "--audit", trail, "--audit-durability", durability)
    with Recorded(served) as program:
        session = program.session(sub="u1")
        assert until(lambda: len(of(trail, program.process)) == 1)
        with locked(trail):
            program.tell(f"recorded {session} B0820")
            assert int(program.tell(f"record-fast {session} B0820 {PENDING - 1}")) >= PENDING - 3
            began = time.monotonic()
            refused = [program.tell(f"recorded {session} B0820") for _ in range(4)]
            assert refused[-1] == "0" and time.monotonic() - began < 4 * 0.05 + 1
            bit, effect, reason, *_ = program.tell(f"check {session} B0820").split()
            assert (bit, effect, reason) == ("1", "deny", "not-recorded")
            began = time.monotonic()
            assert {program.tell(f"recorded {session} B0820") for _ in range(40)} == {"0"}
            assert time.monotonic() - began < 1, "once one has waited in vain the others do not"
            assert program.tell("evaluate R8000 B0820").startswith("deny not-recorded")
            number, reason = program.tell("session - - - R8000").split()
            assert (number, reason) == ("-1", "not-recorded")
        assert until(lambda: program.tell(f"recorded {session} B0820") == "1", 20)
        assert until(lambda: len(of(trail, program.process)) >= PENDING + 1, 20)
    numbers = [row["message"] for row in of(trail, program.process)]
    assert numbers == sorted(set(numbers)), "once each, in order"


# What nobody may do to the daemon.

def entry(action, reason, **other):
    """An entry with its own circumstances."""
    told = {"kind": 0, "flags": 0, "reason": reason, "generation": 1, "digest": "", "at": int(time.time() * 1e6), "time": int(time.time()),
            "action": action, "nhs_number": None, "obligations": [], "refers": None,
            "request": {"subject": {"type": "healthcare-worker", "id": "by hand", "profiles": [{"role": "R8000"}]}},
            "fault": None, "profile": 0, "organisation": None, **other}
    return list(told.values())


GRANTED = next(number for number, slug in REASONS.items() if slug == "granted-by-baseline")


def test_a_ring_written_by_hand_is_taken_as_the_protocol_says(served, trail):
    ring = HandmadeRing(served.socket)
    ring.begin()
    now = time.time()
    places = [ring.put(entry(f"n{n}", GRANTED, request={"subject": {"type": "healthcare-worker", "id": f"by hand {'x' * n}"}}, profile=None))
              for n in (0, 100, 239, 700)]
    digest = "ab" * 32
    places.append(ring.put(entry("later", GRANTED, at=2 ** 62, digest=digest)))
    places.append(ring.put(entry("refers", GRANTED, kind=2, refers=places[1])[:11]))
    assert until(lambda: sum(row["asserted"] == 1 for row in records(trail)) == 6)
    rows = [row for row in records(trail) if row["asserted"]]
    assert names(rows) == ["n0", "n100", "n239", "n700", "later", "refers"]
    assert [row["message"] for row in rows] == [place + 1 for place in places]
    assert rows[5]["user"] == rows[1]["user"] == "by hand " + "x" * 100 and rows[5]["event"] == "check"
    assert json.loads(rows[4]["detail"])["policy"] == digest and rows[4]["policy"] in (None, ""), "a policy that nobody here knows"
    assert now * 1e6 - 1 < rows[4]["at"] < time.time() * 1e6 + 1, "nothing was decided in the future"
    assert until(lambda: ring.number(TAKEN) == ring.number(RESERVED)), "the places are given back"


def gaps(trail):
    return [json.loads(row["detail"]) for row in records(trail) if row["event"] == "gap"]


def test_what_was_announced_and_never_came_is_told_as_a_gap(served, trail):
    ring = HandmadeRing(served.socket)
    ring.begin()
    ring.put(entry("before", GRANTED))
    ring.reserve(3)
    ring.put(entry("behind", GRANTED))
    ring.reserve(2)
    time.sleep(0.2)
    asserted = [row for row in records(trail) if row["asserted"]]
    assert names(asserted) == ["before"] and gaps(trail) == [], "it may come as long as the program lives"
    ring.close()
    assert until(lambda: gaps(trail) != [])
    assert gaps(trail) == [{"places": 5}]
    assert names([row for row in records(trail) if row["asserted"]]) == ["before", "behind"]
    assert served.client().call("metrics")["audit_ring_gaps"] == 1


def rings_of(process):
    """How many rings a daemon has mapped."""
    return Path(f"/proc/{process.pid}/maps").read_text().count("nrbac-ring")


def test_nothing_is_taken_that_came_after_the_end(served, trail):
    """Whoever keeps the memory, and goes on writing, holds the daemon up for nothing."""
    client, ring = served.client(), HandmadeRing(served.socket)
    ring.begin()
    ring.put(entry("before", GRANTED))
    with locked(trail):
        ring.close()
        assert until(lambda: client.call("health")["connections"] == 1)
        for _ in range(100):
            ring.put(entry("after", GRANTED))
    assert until(lambda: rings_of(served.process) == 0)
    assert names([row for row in records(trail) if row["asserted"]]) == ["before"] and gaps(trail) == []


def test_rings_that_wait_for_the_trail_are_as_many_as_connections_may_be(daemons, policy, trail, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("max_connections: 4\n")
    served = daemons.start(policy(SMALL).path, "--audit", trail, "--config", config, "--threads", 1)
    with locked(trail):
        for number in range(4):
            ring = HandmadeRing(served.socket)
            ring.begin()
            ring.put(entry(f"n{number}", GRANTED))
            ring.close()
        assert until(lambda: HandmadeRing(served.socket).answer[2] is not None)
        assert rings_of(served.process) == 4
    assert until(lambda: rings_of(served.process) == 0, 20)
    assert HandmadeRing(served.socket).answer[2] is None
    assert sorted(names([row for row in records(trail) if row["asserted"]])) == ["n0", "n1", "n2", "n3"]


BAD = {
    "no MessagePack": b"\xc1", "a map": {}, "too short": [1, 2, 3], "a kind that is none": entry("x", GRANTED, kind=9),
    "a reason that is none": entry("x", 9999), "no digest": entry("x", GRANTED, digest="ABC"), "a time before 1970": entry("x", GRANTED, at=-1),
    "a number as action": entry(5, GRANTED), "no obligations": entry("x", GRANTED, obligations=None),
    "too many obligations": entry("x", GRANTED, obligations=["o"] * 17), "a profile that is not there": entry("x", GRANTED, profile=1),
    "a request that is none": entry("x", GRANTED, request={"no": "such"}), "neither request nor fault": entry("x", GRANTED, request=None),
    "refers to itself": entry("x", GRANTED, refers=1)[:11], "refers to what is to come": entry("x", GRANTED, refers=2)[:11],
    "refers to nothing": entry("x", GRANTED, refers=-1)[:11], "text that is not UTF-8": entry(b"x", GRANTED),
    "more behind it": b"\x90\x90",
}


@pytest.mark.parametrize("what", BAD)
def test_an_entry_that_is_none_ends_the_ring_alone(served, trail, what):
    good, bad = HandmadeRing(served.socket), HandmadeRing(served.socket)
    good.begin()
    bad.begin()
    bad.put(entry("before", GRANTED))
    bad.put(BAD[what])
    assert until(lambda: not bad.is_open()), "the daemon hangs up"
    assert until(lambda: gaps(trail) != [])
    assert gaps(trail)[0]["spoiled"] is True
    good.put(entry("other", GRANTED))
    assert until(lambda: names([row for row in records(trail) if row["asserted"]]) == ["before", "other"])
    assert "audit ring" in served.stderr and served.client().call("health")["status"] == "ok"


def test_a_daemon_survives_whatever_lies_in_a_ring(served, trail):
    """Rings with good entries of which some bytes are changed, while the daemon reads them."""
    chance = random.Random(3)
    for _ in range(60):
        ring = HandmadeRing(served.socket)
        ring.begin(chance.choice((0, 0, 0, 5, 2 ** 62)))
        ring.number(RESERVED, ring.number(64) - 1)
        for _ in range(chance.randrange(1, 20)):
            ring.put(entry("m" * chance.randrange(600), GRANTED))
            if chance.random() < 0.3:
                at = ring.cell(ring.number(RESERVED) - 1) + chance.randrange(256)
                ring.memory[at] = chance.randrange(256)
            if chance.random() < 0.1:
                ring.number(chance.choice((64, RESERVED, TAKEN)), chance.choice((0, 2 ** 63, 2 ** 64 - 1, chance.randrange(20000))))
        if chance.random() < 0.5:
            time.sleep(0.01)
        ring.close()
    with Recorded(served) as program:
        session = program.session(sub="after")
        assert program.tell(f"recorded {session} B0820") == "1"
        assert until(lambda: len(of(trail, program.process)) == 2)
    assert until(lambda: served.client().call("health")["connections"] == 1)
    assert served.stop() == 0
    assert subprocess.run([str(NRBAC), "audit", "verify", trail], capture_output=True).returncode == 0


# What it costs.

def may_trace():
    tool = shutil.which("strace")
    return tool and subprocess.run([tool, "-o", "/dev/null", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
def test_recorded_checks_make_no_system_call(served, trail, tmp_path):
    tracer = ["strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-ff", "-o", str(tmp_path / "calls")]
    with Recorded(served, wrapped=tracer) as program:
        session = program.session()
        assert program.tell(f"record-fast {session} B0820 {PENDING // 2}") == str(PENDING // 2)
        assert program.end() == 0
    marked = [text for text in (path.read_text() for path in tmp_path.glob("calls.*")) if "hammer begins" in text]
    assert len(marked) == 1
    assert re.search(r'"hammer begins.*\n((?:.*\n)*?)write\(2, "hammer ends', marked[0]).group(1) == ""
    assert until(lambda: sum(row["event"] == "recorded" for row in records(trail)) == PENDING // 2)
