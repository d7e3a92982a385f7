# SPDX-License-Identifier: Apache-2.0
"""Rings of programs with many threads, of programs that poll by themselves or fork, and of daemons with many threads."""
import threading

import pytest
from support.attached import Recorded, recorded
from support.daemon import replace_killed
from support.recorded import names, of, records
from support.requests import neutral
from support.ring import PLACES
from support.rpc import until
from support.small import FUNCTIONS, SMALL

PENDING = PLACES // 2
PROGRAMS, THREADS, EACH = 3, 4, 400
SOON = 20


@pytest.fixture
def trail(tmp_path):
    return tmp_path / "trail.db"


class Reader:
    """What a program tells, line by line, until it says that it is done, or ends."""

    def __init__(self, program):
        self.lines = []
        self.program = program
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in iter(self.program.process.stdout.readline, "done\n"):
            if not line.endswith("\n"):
                break
            self.lines.append(tuple(line.split()))

    def told(self):
        self.thread.join()
        return recorded(self.lines)


def by_thread(rows):
    """{NAME.T: its numbers, in the order of the trail}"""
    found = {}
    for action in names(rows):
        if action is not None and action.count(".") == 2:
            name, number = action.rsplit(".", 1)
            found.setdefault(name, []).append(int(number))
    return found


@pytest.mark.parametrize("durability", ["sync", "batched"])
@pytest.mark.parametrize("threads", [2, 4])
def test_many_threads_on_both_sides(daemons, policy, trail, threads, durability):
    """And clients of the socket among them: each record is there once, and of whom it is."""
    served = daemons.start(policy(FUNCTIONS).path, "--audit", trail, "--audit-durability", durability, "--threads", threads)
    programs = [Recorded(served) for _ in range(PROGRAMS)]
    for number, program in enumerate(programs):
        program.order(f"record-threads {program.session(sub=f'u{number}')} p{number} {EACH} {THREADS}")
        program.process.stdin.flush()
    readers = [Reader(program) for program in programs]
    clients = [served.client() for _ in range(threads)]
    for _ in range(20):
        assert all(client.evaluate(neutral("B0820"))["decision"] for client in clients)
    told = [reader.told() for reader in readers]
    for program in programs:
        program.end()
    assert until(lambda: clients[0].call("health")["connections"] == len(clients), SOON)
    assert served.stop() == 0, "what a program left behind is written by a daemon that ends"
    for number, program in enumerate(programs):
        rows = of(trail, program.process)
        assert set(told[number]) == set(names(rows)) - {None}
        assert {row["user"] for row in rows} == {f"u{number}"}
        for name, numbers in by_thread(rows).items():
            assert numbers == sorted(set(numbers)), f"{name}: each once, in the order of its thread"
        assert len({row["message"] for row in rows}) == len(rows)
    rows = records(trail)
    assert sum(row["event"] == "evaluate" and row["asserted"] == 0 for row in rows) == 20 * threads
    assert not [row for row in rows if row["event"] == "gap"]


def test_daemons_with_many_threads_are_killed_under_programs_with_many(daemons, policy, trail):
    made = policy(SMALL).path
    options = (made, "--audit", trail, "--threads", 4)
    served = daemons.start(*options)
    programs = [Recorded(served) for _ in range(2)]
    for number, program in enumerate(programs):
        program.order(f"record-threads {program.session(sub=f'u{number}')} p{number} 1000000 {THREADS}")
        program.process.stdin.flush()
    readers = [Reader(program) for program in programs]
    for _ in range(4):
        assert until(lambda: all(len(reader.lines) > 100 for reader in readers))
        served = replace_killed(daemons, served, *options)
    last = [recorded(reader.lines)[-1] for reader in readers]
    for program, name in zip(programs, last):
        assert until(lambda program=program, name=name: name in names(of(trail, program.process)), SOON), "it has found the last one"
    for program in programs:
        program.process.kill()
    for number, (program, reader) in enumerate(zip(programs, readers)):
        told = set(reader.told())
        assert until(lambda told=told, program=program: told <= set(names(of(trail, program.process))), SOON)
        rows = of(trail, program.process)
        assert {row["user"] for row in rows if row["event"] != "gap"} == {f"u{number}"}
        numbered = {}
        for row in rows:
            assert numbered.setdefault(row["message"], row["action"]) == row["action"], "what stands twice has its number twice"
        program.end()


# Who polls by itself.

def test_a_program_that_polls_by_itself_finds_the_next_daemon_when_it_does(daemons, policy, trail):
    made = policy(SMALL).path
    served = daemons.start(made, "--audit", trail)
    with Recorded(served, "open-recorded-unwatched") as program:
        session = program.session()
        assert program.tell(f"recorded {session} B0820") == "1"
        assert until(lambda: names(of(trail, program.process)) == [None, "B0820"])
        served = replace_killed(daemons, served, made, "--audit", trail)
        assert program.tell(f"recorded {session} B0825") == "1", "it is in memory that the next daemon will have"
        assert not until(lambda: "B0825" in names(of(trail, program.process)), 0.3), "nobody has looked for that daemon yet"
        assert until(lambda: program.tell("poll").startswith("ok") and "B0825" in names(of(trail, program.process)))
        assert program.tell(f"recorded {session} B0825") == "1"
        assert until(lambda: names(of(trail, program.process)) == [None, "B0820", "B0825", "B0825"])


def test_a_program_that_does_not_poll_is_told_no_when_the_ring_is_full(daemons, policy, trail):
    served = daemons.start(policy(SMALL).path, "--audit", trail)
    with Recorded(served, "open-recorded-unwatched") as program:
        session = program.session()
        assert until(lambda: len(of(trail, program.process)) == 1)
        assert served.stop() == 0
        assert program.tell(f"record-fast {session} B0820 {PENDING}") == str(PENDING)
        assert program.tell(f"recorded {session} B0820") == "0"
        assert program.check(session, "B0820")[1] == "not-recorded"


# Who forks.

def test_a_child_has_no_ring(daemons, policy, trail):
    """Both would write into the one that its parent moves to the next daemon, and nobody would take what the child wrote."""
    made = policy(SMALL).path
    served = daemons.start(made, "--audit", trail)
    with Recorded(served, "open-recorded-unwatched") as program:
        session = program.session()
        assert program.tell("fork") == "ok" and program.tell(f"forked {session} B0820") == "0"
        assert program.tell(f"recorded {session} B0825") == "1"
        assert until(lambda: len(of(trail, program.process)) == 2)
        assert program.tell("fork") == "ok"
        served = replace_killed(daemons, served, made, "--audit", trail)
        assert program.tell(f"recorded {session} B0825") == "1"
        assert until(lambda: program.tell("poll").startswith("ok") and len(of(trail, program.process)) == 3)
        assert program.tell(f"forked {session} B0820") == "0", "nor does it get one from the next daemon"
    assert names(records(trail)).count("B0820") == 0
