# SPDX-License-Identifier: Apache-2.0
"""Where the policy says `audit: sync`, a program that decides by itself waits for the disk, and for no longer than it says."""
import re
import shutil
import subprocess
import threading
import time

import pytest
from support.attached import Recorded
from support.daemon import replace_killed
from support.recorded import locked, names, of
from support.rpc import until
from support.small import SMALL

FIRST = SMALL + """
functions:
  amend: { require: B0825, audit: sync }
  look: { require: B0820 }
"""
LATE = ("--audit-durability", "batched", "--audit-flush-ms", 10000)     # of itself nothing is written meanwhile
WAITS = 1       # seconds; what the library promises
NOISE = 2


@pytest.fixture
def trail(tmp_path):
    return tmp_path / "trail.db"


def told(trail, program):
    return [(row["event"], row["action"], row["reason"]) for row in of(trail, program.process)]


def test_under_batched_it_is_there_before_anybody_learns_of_it(daemons, policy, trail):
    served = daemons.start(policy(FIRST).path, "--audit", trail, *LATE)
    with Recorded(served) as program:
        session = program.session()
        assert program.tell(f"recorded {session} look") == "1"
        assert told(trail, program) == [], "an ordinary decision does not wait"
        assert program.tell(f"recorded {session} amend") == "1"
        assert names(of(trail, program.process)) == [None, "look", "amend"]
        assert program.check(session, "amend")[1] == "requirement-met"
        assert told(trail, program)[-1] == ("check", "amend", "requirement-met")
        assert program.tell("evaluate R8000 amend").startswith("permit")
        assert told(trail, program)[-1] == ("evaluate", "amend", "requirement-met")
        assert program.tell("evaluate R8001 amend").startswith("deny requirement-not-met")
        assert told(trail, program)[-1] == ("evaluate", "amend", "requirement-not-met")


def test_under_sync_it_waits_as_well(daemons, policy, trail):
    served = daemons.start(policy(FIRST).path, "--audit", trail)
    with Recorded(served) as program:
        session = program.session()
        for number in range(5):
            assert program.tell(f"recorded {session} amend") == "1"
            assert names(of(trail, program.process)) == [None] + ["amend"] * (number + 1)


@pytest.mark.parametrize("durability", [(), LATE])
def test_what_does_not_reach_the_disk_in_time_is_denied_and_the_trail_says_so(daemons, policy, trail, durability):
    served = daemons.start(policy(FIRST).path, "--audit", trail, *durability)
    with Recorded(served) as program:
        session = program.session()
        assert program.tell(f"recorded {session} amend") == "1"
        with locked(trail):
            began = time.monotonic()
            assert program.tell(f"recorded {session} amend") == "0"
            assert WAITS <= time.monotonic() - began < WAITS + NOISE
            assert program.tell("evaluate R8000 amend").startswith("deny not-recorded")
            began = time.monotonic()
            assert program.tell(f"recorded {session} look") == "1", "what need not be on disk does not wait"
            assert time.monotonic() - began < WAITS
        assert until(lambda: program.tell(f"recorded {session} amend") == "1", 20)
        rows = told(trail, program)
    assert rows[:7] == [
        ("open", None, "opened"), ("recorded", "amend", "requirement-met"),
        ("recorded", "amend", "requirement-met"), ("recorded", "amend", "not-recorded"),
        ("evaluate", "amend", "requirement-met"), ("evaluate", "amend", "not-recorded"), ("recorded", "look", "requirement-met")]
    assert rows[-1] == ("recorded", "amend", "requirement-met")


def test_a_daemon_that_comes_back_in_time_takes_what_is_waited_for(daemons, policy, trail):
    made = policy(FIRST).path
    served = daemons.start(made, "--audit", trail, *LATE)
    with Recorded(served) as program:
        session = program.session()
        with locked(trail):
            program.order(f"recorded {session} amend")
            program.process.stdin.flush()
            time.sleep(0.1)
            served.process.kill()
        replace_killed(daemons, served, made, "--audit", trail, *LATE)
        if program.answer() == "0":     # a machine that was too slow for it says no, and nothing else
            assert told(trail, program)[-1][2] == "not-recorded"
        else:
            assert told(trail, program)[-1] == ("recorded", "amend", "requirement-met")
        assert set(names(of(trail, program.process))) == {None, "amend"}


def may_trace():
    tool = shutil.which("strace")
    return tool and subprocess.run([tool, "-o", "/dev/null", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
def test_what_is_written_at_the_second_attempt_waits_for_the_disk_too(daemons, policy, trail, tmp_path):
    """Under `batched` a batch that failed is written again as it is: who waits for it was promised the disk."""
    served = daemons.start(policy(FIRST).path, "--audit", trail, *LATE)
    calls = tmp_path / "calls"
    with Recorded(served) as program:
        session = program.session()
        assert program.tell(f"recorded {session} amend") == "1"
        tracer = subprocess.Popen(["strace", "-f", "-q", "-e", "trace=fsync,fdatasync", "-o", str(calls), "-p", str(served.process.pid)],
                                  stderr=subprocess.DEVNULL)
        assert until(lambda: "TracerPid:\t0\n" not in (open(f"/proc/{served.process.pid}/status").read()))
        time.sleep(0.2)         # each thread of it
        with locked(trail):
            asking = threading.Thread(target=lambda: program.order(f"recorded {session} amend") or program.process.stdin.flush())
            asking.start()
            asking.join()
            assert until(lambda: "cannot be recorded" in served.stderr, 1)
            before = len(calls.read_text().splitlines())
        assert program.answer() == "1"
        assert until(lambda: len(calls.read_text().splitlines()) > before, 1), "taken, and not on disk"
        tracer.terminate()
        tracer.wait()
    assert re.search(r"f(data)?sync\(", calls.read_text())
