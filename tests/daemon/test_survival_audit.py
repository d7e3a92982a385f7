# SPDX-License-Identifier: Apache-2.0
"""What happens to a trail in production: its daemon is killed, its disk is full, it is locked, taken away or changed, the clock is set."""
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import threading
import time

import pytest
from support.attached import Attached
from support.command import run
from support.crowd import Stream, frames, run_streams
from support.daemon import ROOM
from support.paths import FAILING_SYNC, SHIFTED_CLOCK
from support.recorded import locked, records
from support.requests import cis2, nrbac_role, neutral
from support.rpc import Client, until
from support.small import SMALL

KILLS = 200 if ROOM == 1 else 20
DAY = 86400


@pytest.fixture
def trail(tmp_path):
    return tmp_path / "trail.db"


def start(daemons, policy, trail, *options, **how):
    return daemons.start(policy, "--audit", trail, *options, **how)


def user(name):
    """Somebody whose records can be told from everybody else's."""
    whole = neutral(None)
    whole["subject"]["properties"]["profile"]["id"] = name
    return whole


def asked(rows):
    """(role profile, message) of each check that was permitted."""
    return [(row["role_profile"], row["message"]) for row in rows if row["event"] == "check" and row["reason"] == "granted-by-baseline"]


def assert_sound(trail, first=1):
    """No number is missing, and the chain holds; the records."""
    rows = records(trail)
    assert [row["seq"] for row in rows] == list(range(first, first + len(rows)))
    verified = run("audit", "verify", trail, timeout=60)
    assert verified.status == 0, verified.out
    return rows


def assert_whole(trail, answered):
    """Nothing that was answered is missing, and nothing is there twice; the records."""
    rows = assert_sound(trail)
    there = asked(rows)
    assert len(there) == len(set(there)), "nothing is there twice"
    assert set(answered) <= set(there), f"{len(set(answered) - set(there))} of {len(set(answered))} answers are not in the trail"
    return rows


class Load:
    """Some users who ask one check after the other; which of them were permitted."""

    def __init__(self, path, names, count):
        self.streams, self.names = [], names
        for name in names:
            client = Client(path)
            session = client.open(user(name))
            self.streams.append(Stream(client.socket, frames("check", [session, "B0820"], range(10, 10 + count))))
        self.count = count

    def run(self, seconds):
        run_streams([stream for stream in self.streams if not stream.ended], lambda stream: len(stream.answers) == self.count, seconds)

    def answered(self):
        for stream in self.streams:
            for _, number, error, result in stream.answers:
                assert error is None and (result[0] or result[1] == "not-recorded"), (number, error, result)
        return [(name, number + 1) for name, stream in zip(self.names, self.streams)
                for _, number, _, result in stream.answers if result[0]]

    def refused(self):
        return sum(not result[0] for stream in self.streams for _, _, _, result in stream.answers)

    def close(self):
        for stream in self.streams:
            stream.socket.close()


def test_two_hundred_kills_lose_nothing_that_was_answered(policy, daemons, trail):
    """At random moments: while it starts, while it is asked, while it writes."""
    served, path, rng = policy(SMALL).path, daemons.new_path(), random.Random(5)
    answered, loads = [], 0
    for number in range(KILLS):
        daemon = daemons.spawn("--policy", served, "--socket", path, "--audit", trail, path=path)
        if number % 5 == 0:
            time.sleep(rng.random() * 0.06)
        else:
            assert until(lambda: daemon.accepts() or daemon.process.poll() is not None, seconds=20, every=0.005)
            assert daemon.process.poll() is None, daemon.stderr
            load = Load(path, [f"{number}-{one}" for one in range(3)], 400)
            load.run(rng.random() * 0.05)
        daemon.process.kill()
        assert daemon.wait() == -signal.SIGKILL, daemon.stderr
        if number % 5:
            load.run(5)
            answered += load.answered()
            loads += 1
            load.close()
    print(f"{len(answered)} answers by {loads} daemons")
    assert len(answered) > 5 * loads
    last = start(daemons, served, trail, path=path)
    assert last.client().call("health")["status"] == "ok"
    assert last.stop() == 0
    rows = assert_whole(trail, answered)
    assert [row["event"] for row in rows].count("start") <= KILLS + 1


@contextlib.contextmanager
def small_disk(folder, size):
    folder.mkdir()
    mounted = os.getuid() == 0 and shutil.which("mount") is not None and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "nrbac-test", folder], capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("a small disk can only be mounted by root, with the capability for it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def fill(path):
    """Takes all the space there is."""
    with path.open("ab", buffering=0) as filler:
        for piece in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"\0" * piece)


def test_a_full_disk_denies_and_a_free_one_is_found(policy, daemons, tmp_path):
    with small_disk(tmp_path / "disk", "48m") as disk:
        trail = disk / "trail.db"
        daemon = start(daemons, policy(SMALL).path, trail)
        client = daemon.client()
        session = client.open(neutral(None))
        assert client.call("check", session, "B0820")[0] is True
        assert until(lambda: client.call("health")["audit"]["low"]), "an alarm long before a refusal"
        assert client.call("health")["status"] == "degraded" and "are left for the audit trail" in daemon.stderr
        load = Load(daemon.socket, ["a", "b", "c"], 60000)
        asking = threading.Thread(target=load.run, args=(40,), daemon=True)
        asking.start()

        def is_refused():
            fill(disk / "filler")
            return client.call("check", session, "B0820")[1] == "not-recorded"
        assert until(is_refused, seconds=20)
        health = client.call("health")
        assert (health["status"], health["audit"]["trouble"]) == ("failing", "full")
        assert until(lambda: load.refused() > 0)
        (disk / "filler").unlink()
        assert until(lambda: client.call("check", session, "B0820")[0], seconds=20), "it goes on by itself"
        assert until(lambda: client.call("health")["status"] == "degraded", seconds=20), "but for the alarm"
        asking.join(60)
        load.close()
        client.close()
        assert daemon.stop() == 0
        rows = assert_whole(trail, load.answered())
        assert len(load.answered()) + load.refused() == 180000
        assert [row["event"] for row in rows].count("recovered") >= 1


def test_a_lock_held_again_and_again_under_load_loses_nothing(policy, daemons, trail):
    daemon = start(daemons, policy(SMALL).path, trail, "--threads", 2)
    load = Load(daemon.socket, ["a", "b", "c", "d"], 20000)
    asking = threading.Thread(target=load.run, args=(60,), daemon=True)
    asking.start()
    rng = random.Random(7)
    for _ in range(8):
        with locked(trail):
            time.sleep(rng.random() * 0.1)
        time.sleep(rng.random() * 0.05)
    asking.join(90)
    assert daemon.client().call("health")["status"] == "ok"
    load.close()
    assert daemon.stop() == 0
    answered = load.answered()
    print(f"{len(answered)} permitted, {load.refused()} refused")
    assert len(answered) + load.refused() == 80000
    rows = assert_whole(trail, answered)
    assert sorted(asked(rows)) == sorted(answered), "what was withdrawn is not there"


def test_a_trail_that_is_moved_away_is_missed_at_once(policy, daemons, trail):
    """As a tool does that rotates logs: nobody may be let in whose record goes with the old file."""
    daemon = start(daemons, policy(SMALL).path, trail)
    client = daemon.client()
    assert client.evaluate(neutral("B0820")).effect == "permit"
    trail.rename(trail.with_name("moved.db"))
    assert client.evaluate(neutral("B0820")).verdict == "deny not-recorded"
    health = client.call("health")
    assert (health["status"], health["audit"]["trouble"]) == ("failing", "missing")
    trail.with_name("moved.db").rename(trail)
    assert until(lambda: client.evaluate(neutral("B0820")).effect == "permit")
    assert until(lambda: client.call("health")["status"] == "ok")
    assert daemon.stop() == 0
    assert [row["event"] for row in records(trail)] == ["start", "evaluate", "recovered", *["evaluate"] * (len(records(trail)) - 4), "end"]


def test_a_record_changed_while_nobody_looked_keeps_the_daemon_from_starting(policy, daemons, trail):
    served, path = policy(SMALL).path, daemons.new_path()
    daemon = start(daemons, served, trail, path=path)
    client = daemon.client()
    for _ in range(20):
        client.evaluate(neutral("B0820"))
    daemon.process.kill()
    daemon.wait()
    with contextlib.closing(sqlite3.connect(trail)) as changed, changed:
        changed.execute("update records set reason = (select reason from records where seq = 1) where seq = 11")
    status, said = daemons.refused("--policy", served, "--socket", path, "--audit", trail, path=path)
    assert status == 3 and "11" in said and str(trail) in said


def test_a_file_that_is_no_trail_is_refused_and_kept(policy, daemons, trail):
    trail.write_bytes(random.Random(3).randbytes(40000))
    before = trail.read_bytes()
    status, said = daemons.refused("--policy", policy(SMALL).path, "--socket", daemons.new_path(), "--audit", trail)
    assert status == 3 and str(trail) in said
    assert trail.read_bytes() == before


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer wants to be the first library")
def test_a_clock_that_is_set_back_and_forth_changes_no_order_and_revives_nobody(policy, daemons, trail):
    clock = daemons.folder / "clock"

    def shift(seconds):
        with clock.open("r+b" if clock.exists() else "wb") as out:
            out.write(struct.pack("=q", seconds))
    shift(0)
    served, path = policy(SMALL).path, daemons.new_path()
    env = {"LD_PRELOAD": str(SHIFTED_CLOCK), "SHIFTED_CLOCK": str(clock)}
    daemon = start(daemons, served, trail, env=env, path=path)
    client, program = daemon.client(), Attached(f"shm:{path}")
    theirs = program.session()
    session = client.open(neutral(None))
    ends = int(time.time()) + 3600
    whole = cis2(None, [nrbac_role("501", "R8000")], id_token={"sub": "910000000001", "exp": ends}, time=None)
    expiring = client.open(whole)
    assert client.call("check", expiring, "B0820")[0] is True
    for seconds in (30, DAY, -2 * DAY, 400 * DAY, -400 * DAY, 0):
        shift(seconds)
        assert client.call("check", expiring, "B0820")[1] == ("granted-by-baseline" if seconds == 30 else "evidence-expired")
        assert program.check(theirs, "B0820")[0] is True, "a deadline is by a clock that nobody sets"
        assert client.call("check", session, "B0820")[0] is True
        wall = time.time() + seconds
        with contextlib.closing(sqlite3.connect(f"file:{trail}?mode=ro", uri=True)) as reading:
            (at,) = reading.execute("select at from records order by seq desc limit 1").fetchone()
        assert abs(at / 1e6 - wall) < 60, "a record says what the clock said"
        if seconds == -2 * DAY:
            client.close()
            assert daemon.stop() == 0
            daemon = start(daemons, served, trail, env=env, path=path)
            client = daemon.client()
            session, expiring = client.open(neutral(None)), client.open(whole)
            assert client.call("check", expiring, "B0820")[0] is True
            assert program.tell(f"until {theirs} B0820 granted-by-baseline") != "never"
    assert program.end() == 0
    assert client.call("health")["status"] == "ok"
    assert until(lambda: [row["event"] for row in records(trail)].count("clock") >= 4)
    assert daemon.stop() == 0
    assert_sound(trail)


class Clock:
    """The clock of a daemon, and the time since its machine's start, which goes on as if it had slept."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.wall, self.boot = 0, 0
        self.path.write_bytes(struct.pack("=qq", 0, 0))
        self.env = {"LD_PRELOAD": str(SHIFTED_CLOCK), "SHIFTED_CLOCK": str(self.path)}

    def set(self, seconds):
        self.wall = seconds
        self.write()

    def pass_by(self, seconds):
        self.wall, self.boot = self.wall + seconds, self.boot + seconds
        self.write()

    def write(self):
        with self.path.open("r+b") as out:
            out.write(struct.pack("=qq", self.wall, self.boot))


def days_of_work(daemon, clock, days):
    """A question each eighth of a day."""
    with daemon.client() as client:
        for _ in range(8 * days):
            clock.pass_by(DAY // 8)
            assert client.evaluate(neutral("B0820")).effect == "permit"


def first_record(trail):
    return records(trail)[0]["seq"]


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer wants to be the first library")
def test_records_are_dropped_when_their_time_has_come(policy, daemons, trail):
    clock = Clock(daemons.folder)
    daemon = start(daemons, policy(SMALL).path, trail, "--audit-keep-days", 3, env=clock.env)
    days_of_work(daemon, clock, 5)
    clock.pass_by(61)
    assert until(lambda: first_record(trail) > 8 * 2 - 2)
    assert first_record(trail) < 8 * 2 + 4
    assert until(lambda: daemon.client().call("health")["audit"]["held"] is False)
    assert daemon.stop() == 0
    assert_sound(trail, first_record(trail))


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer wants to be the first library")
@pytest.mark.parametrize("when", ["before it starts", "while it runs"])
def test_a_clock_that_is_set_far_ahead_drops_no_young_record(policy, daemons, trail, when):
    clock = Clock(daemons.folder)
    served, path = policy(SMALL).path, daemons.new_path()
    how = {"env": clock.env, "path": path}
    daemon = start(daemons, served, trail, "--audit-keep-days", 8, **how)
    days_of_work(daemon, clock, 2)
    if when == "before it starts":
        assert daemon.stop() == 0
        clock.set(clock.wall + 400 * DAY)
        daemon = start(daemons, served, trail, "--audit-keep-days", 8, **how)
    else:
        clock.set(clock.wall + 400 * DAY)
        assert until(lambda: "clock" in [row["event"] for row in records(trail)])
        by = [json.loads(row["detail"])["by_ms"] for row in records(trail) if row["event"] == "clock"]
        assert abs(by[-1] - 400 * DAY * 1000) < 5000 and "the clock was set" in daemon.stderr
    clock.pass_by(61)
    assert until(lambda: daemon.client().call("health")["audit"]["held"] is True)
    assert "by the clock are kept" in daemon.stderr and daemon.client().call("health")["status"] == "ok"
    assert first_record(trail) == 1, "two days and an eighth of the setting are not eight days"
    days_of_work(daemon, clock, 6)
    clock.pass_by(61)
    assert until(lambda: first_record(trail) > 1), "the trail has gone on for so long"
    assert daemon.stop() == 0
    assert_sound(trail, first_record(trail))


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer wants to be the first library")
@pytest.mark.parametrize("durability", ["batched", "sync"])
def test_a_disk_that_did_not_sync_for_a_while_is_forgiven(policy, daemons, trail, durability):
    fails = daemons.folder / "fails"
    daemon = start(daemons, policy(SMALL).path, trail, "--audit-durability", durability, "--audit-flush-ms", 20,
                   env={"LD_PRELOAD": str(FAILING_SYNC), "FAILING_SYNC": str(fails)})
    client = daemon.client()

    def reason():
        return client.evaluate(neutral("B0820")).reason
    assert reason() == "granted-by-baseline"
    fails.touch()
    assert reason() == ("granted-by-baseline" if durability == "batched" else "not-recorded")
    assert until(lambda: client.call("health")["status"] == "failing")
    assert reason() == "not-recorded"
    fails.unlink()
    assert until(lambda: reason() == "granted-by-baseline")
    assert client.call("health")["status"] == "ok"
    assert daemon.stop() == 0
    assert "recovered" in [row["event"] for row in assert_sound(trail)]
