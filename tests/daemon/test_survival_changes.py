# SPDX-License-Identifier: Apache-2.0
"""What changes under load: policies a hundred times a second, and the daemon itself, which ends, is killed and comes back."""
import os
import signal
import threading
import time

import pytest
from support.attached import Attached
from support.crowd import Stream, connect, frames, run_streams
from support.daemon import ROOM
from support.policy import text_of
from support.requests import neutral
from support.rpc import Client, Closed, RpcError, until
from support.small import SMALL

THREADS = [pytest.param((), id="one thread"), pytest.param(("--threads", 4), id="four threads")]
GRANTED = SMALL + "  - { roles: [R8000], activities: [B0015] }\n"
BROKEN = SMALL + "  - { roles: [R9999], activities: [B0015] }\n"
RELOADS = 250 if ROOM == 1 else 60


def replace(policy, text):
    """At once: a reload reads the old file or the new one."""
    new = policy.path / "policy.new"
    new.write_bytes(text_of(text))
    new.rename(policy.path / "policy.yaml")


class Asking(threading.Thread):
    """Asks the same all the time, by a session and by whole requests, and keeps (generation, decision) of each answer."""

    def __init__(self, path, stop):
        super().__init__(daemon=True)
        self.path, self.stop = path, stop
        self.seen, self.count, self.problem = set(), 0, None

    def run(self):
        try:
            with Client(self.path) as client:
                session = client.wait(client.post("open", neutral(None)))["session"]
                while not self.stop.is_set():
                    checks = [client.post("check", session, "B0015") for _ in range(8)]
                    whole = client.post("evaluate", neutral("B0015"))
                    for number in checks:
                        decision, _, generation, _ = client.wait(number)
                        self.seen.add((generation, decision))
                    answer = client.wait(whole)
                    self.seen.add((answer["context"]["policy"]["generation"], answer["decision"]))
                    self.count += 9
        except (Closed, OSError, RpcError) as error:
            self.problem = repr(error)


@pytest.mark.parametrize("threads", THREADS)
def test_a_hundred_reloads_a_second_are_explained_by_their_generations(policy, daemons, threads):
    served = policy(SMALL)
    running = daemons.start(served.path, *threads)
    stop = threading.Event()
    asking = [Asking(running.socket, stop) for _ in range(4)]
    for thread in asking:
        thread.start()
    admin, granted = running.client(), {1: False}
    program, theirs = Attached(f"shm:{running.socket}"), set()
    session = program.session()
    began = time.monotonic()
    for number in range(RELOADS):
        text = (GRANTED, BROKEN, SMALL)[number % 3]
        replace(served, text)
        told = admin.wait(admin.post("reload"))
        assert told["ok"] is (text != BROKEN)
        if told["ok"]:
            assert told["generation"] == max(granted) + 1
            granted[told["generation"]] = text == GRANTED
        else:
            assert told["generation"] == max(granted)
        program.order(f"check {session} B0015")
        _, effect, _, generation, *_ = program.answer().split()
        theirs.add((int(generation), effect == "permit"))
        time.sleep(max(0, began + (number + 1) / 100 - time.monotonic()))
    took = time.monotonic() - began
    stop.set()
    for thread in asking:
        thread.join(20)
    assert program.end() == 0
    print(f"{RELOADS / took:.0f} reloads a second, {sum(thread.count for thread in asking)} answers")
    assert [thread.problem for thread in asking] == [None] * len(asking)
    for thread in asking:
        assert len(thread.seen) > 10
        assert all(granted[generation] is decision for generation, decision in thread.seen)
    assert len(theirs) > 5 and all(granted[generation] is decision for generation, decision in theirs)
    told = admin.call("metrics")
    assert (told["reloads_ok"], told["reloads_failed"]) == (len(granted) - 1, RELOADS - len(granted) + 1)


@pytest.mark.parametrize("threads", THREADS)
def test_sigterm_under_load_answers_all_that_was_read(policy, daemons, threads):
    """Each client gets whole answers, in order, without a gap; who sees the connection closed, and not reset, gets all."""
    running = daemons.start(policy(SMALL).path, *threads)
    streams = []
    for number in range(40):
        client = running.client()
        session = client.open(neutral(None))
        question = frames("check", [session, "B0820"], range(20000)) if number % 2 else frames("evaluate", [neutral("B0820")], range(4000))
        streams.append(Stream(client.socket, question))
    counts = {stream: 20000 if number % 2 else 4000 for number, stream in enumerate(streams)}

    def has_begun(_):
        return sum(len(stream.answers) for stream in streams) > 2000
    assert run_streams(streams, has_begun, 20)
    running.signal(signal.SIGTERM)
    assert run_streams(streams, lambda stream: False, 20)
    assert running.wait() == 0
    assert not running.socket.exists()
    assert "still not drained" not in running.stderr
    assert {stream.ended for stream in streams} <= {"closed", "reset"}
    for stream in streams:
        assert [answer[1] for answer in stream.answers] == list(range(len(stream.answers)))
        assert all(answer[2] is None for answer in stream.answers)
        assert stream.unpacker.tell() == stream.received, "no part of an answer"
        if stream.ended == "closed" and not stream.broken:
            assert stream.rest or len(stream.answers) == counts[stream]
    print(f"{sum(len(stream.answers) for stream in streams)} answers of {sum(counts.values())}")


@pytest.mark.parametrize("threads", THREADS)
def test_what_was_read_before_sigterm_is_answered(policy, daemons, threads):
    """Clients that take no answers until the daemon is asked to end get all that are owed to them."""
    running = daemons.start(policy(SMALL).path, *threads)
    other = running.client()
    streams = [Stream(connect(running), frames("evaluate", [neutral("B0820")], range(5000))) for _ in range(8)]

    def worked():
        before = other.wait(other.post("metrics"))["requests"]["evaluate"]
        for _ in range(20):
            for stream in streams:
                stream.send()
            time.sleep(0.02)
        return other.wait(other.post("metrics"))["requests"]["evaluate"] - before
    assert until(lambda: worked() == 0, seconds=20), "the daemon waits for them"
    read = other.wait(other.post("metrics"))["requests"]["evaluate"]
    assert read > 8 * 400, "more than their sockets hold"
    for stream in streams:
        stream.rest = memoryview(b"")
    running.signal(signal.SIGTERM)
    assert until(lambda: "stopping" in running.stderr)
    assert run_streams(streams, lambda stream: False, 20)
    assert running.wait() == 0
    for stream in streams:
        assert [answer[1] for answer in stream.answers] == list(range(len(stream.answers)))
    answered = sum(len(stream.answers) for stream in streams)
    print(f"{answered} answers, of which {read} had been worked out")
    assert answered >= read


class Trying(threading.Thread):
    """Asks new connections, through every end and beginning: what is answered must be right."""

    def __init__(self, path, stop):
        super().__init__(daemon=True)
        self.path, self.stop = path, stop
        self.answered, self.wrong = 0, []

    def run(self):
        while not self.stop.is_set():
            try:
                with Client(self.path, timeout=5) as client:
                    for _ in range(20):
                        answer = client.wait(client.post("evaluate", neutral("B0820")))
                        if answer["decision"] is not True:
                            self.wrong.append(answer)
                        self.answered += 1
            except (Closed, OSError):
                time.sleep(0.002)


@pytest.mark.parametrize("threads", THREADS)
def test_killed_and_started_again_and_again(policy, daemons, threads):
    """The stale socket is replaced each time, and an attached program goes on by its deadline and finds each successor."""
    served = policy(SMALL)
    path = daemons.new_path()
    stop = threading.Event()
    trying = [Trying(path, stop) for _ in range(3)]
    running = daemons.start(served.path, "--stale-seconds", 60, *threads, path=path)
    program = Attached(f"shm:{path}")
    session = program.session()
    for thread in trying:
        thread.start()
    for round_number in range(1, 9):
        time.sleep(0.03 * round_number % 0.1)
        answered = sum(thread.answered for thread in trying)
        os.kill(running.process.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        assert program.check(session, "B0820")[0] is True, "it needs nobody until its deadline"
        replace(served, GRANTED if round_number % 2 else SMALL)
        running = daemons.start(served.path, "--stale-seconds", 60, *threads, path=path)
        wanted = "granted-by-baseline" if round_number % 2 else "not-granted"
        assert program.tell(f"until {session} B0015 {wanted}") != "never", "it has found the successor"
        assert until(lambda: sum(thread.answered for thread in trying) > answered + 20), "so has everybody else"
    stop.set()
    for thread in trying:
        thread.join(20)
    assert [thread.wrong for thread in trying] == [[]] * len(trying)
    assert program.end() == 0
    assert running.stop() == 0
    assert not path.exists()
