# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, and clients that are slow, deaf, gone or in a hurry: they cost what is bounded, and nobody else notices."""
import time

import pytest
from support.crowd import Stream, connect, descriptors, frames, need_descriptors, run_streams
from support.daemon import ROOM
from support.requests import neutral
from support.rpc import until
from support.small import FUNCTIONS, SMALL

THREADS = [pytest.param((), id="one thread"), pytest.param(("--threads", 4), id="four threads")]
LONGEST = 2.0       # seconds that another's question may take meanwhile, on a machine that others use too


def asks(client, session):
    """How long a check took that must be answered well."""
    began = time.monotonic()
    assert client.wait(client.post("check", session, "B0820"))[0] is True
    return time.monotonic() - began


def only_this_one(client):
    return until(lambda: client.wait(client.post("health"))["connections"] == 1, seconds=30)


@pytest.mark.parametrize("threads", THREADS)
def test_ten_thousand_connections_are_served(policy, daemons, threads):
    crowd = 10000 if ROOM == 1 else 2000
    need_descriptors(crowd + 500)
    config = daemons.folder / "config.yaml"
    config.write_text(f"max_connections: {crowd + 10}\nidle_seconds: 0\n")
    running = daemons.start(policy(SMALL).path, "--config", config, *threads)
    first = running.client()
    assert only_this_one(first)
    before, had = running.resident_kb(), descriptors(running)
    question = frames("evaluate", [neutral("B0820")], [1])
    crowded = []
    try:
        for _ in range(crowd):
            crowded.append(Stream(connect(running), question))
        assert run_streams(crowded, lambda stream: stream.answers, 60)
        assert all(stream.answers[0][3]["decision"] is True for stream in crowded)
        told = first.call("metrics")
        assert told["connections"] == crowd + 1 and told["connections_accepted"] >= crowd + 1 and told["connections_refused"] == 0
        grown = running.resident_kb() - before
        print(f"{grown / crowd:.2f} kB for a connection")
        assert grown < 8 * crowd * ROOM
    finally:
        for stream in crowded:
            stream.socket.close()
    assert only_this_one(first)
    assert until(lambda: descriptors(running) <= had + 4, seconds=10), "but for what each thread keeps aside"
    assert first.evaluate(neutral("B0820")).effect == "permit"


@pytest.mark.parametrize("threads", THREADS)
def test_hundreds_that_send_a_byte_a_second_hold_nobody_up(policy, daemons, threads):
    running = daemons.start(policy(SMALL).path, "--max-connections", 1000, *threads)
    client = running.client()
    session = client.open(neutral(None))
    question = frames("evaluate", [neutral("B0820")], [7])
    slow = [connect(running) for _ in range(400)]
    took = []
    for at in range(4):
        for one in slow:
            one.sendall(question[at:at + 1])
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            took.append(asks(client, session))
            time.sleep(0.02)
    print(f"{len(took)} checks, {max(took) * 1e3:.1f} ms at most")
    assert max(took) < LONGEST
    streams = [Stream(one, question[4:]) for one in slow]
    assert run_streams(streams, lambda stream: stream.answers, 30)
    assert all(stream.answers[0][1] == 7 and stream.answers[0][3]["decision"] is True for stream in streams)
    for one in slow:
        one.close()


def test_a_byte_a_second_is_no_sign_of_life(policy, daemons):
    """Who never ends a message is closed like one that says nothing, and counted."""
    running = daemons.start(policy(SMALL).path, "--idle-seconds", 2, "--max-connections", 1000)
    question = frames("evaluate", [neutral("B0820")], [7])
    slow = [connect(running) for _ in range(200)]
    client = running.client()
    try:
        for at in range(5):
            for one in slow:
                one.sendall(question[at:at + 1])
            time.sleep(1)
            assert client.evaluate(neutral("B0820")).effect == "permit"
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert only_this_one(client)
    assert client.call("metrics")["connections_idle"] == len(slow)
    for one in slow:
        one.close()


@pytest.mark.parametrize("threads", THREADS)
def test_a_hundred_that_never_read_cost_bounded_memory(policy, daemons, threads):
    running = daemons.start(policy(FUNCTIONS).path, *threads)
    client = running.client()
    session = client.open(neutral(None))
    before = running.resident_kb()
    question = frames("explain", [neutral("B0570")], range(5000))
    deaf = [Stream(connect(running), question) for _ in range(100)]
    took = []
    still = until(lambda: took.append(asks(client, session)) or not push(deaf), seconds=30)
    assert still, "the daemon goes on reading from clients that never read"
    taken = sum(len(question) - len(stream.rest) for stream in deaf)
    grown = running.resident_kb() - before
    print(f"{taken / len(deaf) / 1024:.0f} kB taken of each, {grown / len(deaf):.0f} kB more for each, {max(took) * 1e3:.1f} ms at most")
    assert grown < 1024 * len(deaf) * ROOM
    assert max(took) < LONGEST
    for stream in deaf:
        stream.socket.close()
    assert only_this_one(client)


def push(streams):
    """Whether anything more was taken in half a second."""
    before = sum(len(stream.rest) for stream in streams)
    ends = time.monotonic() + 0.5
    while time.monotonic() < ends:
        for stream in streams:
            stream.send()
        time.sleep(0.02)
    return sum(len(stream.rest) for stream in streams) != before


def test_thousands_that_vanish_in_mid_frame_leave_nothing_behind(policy, daemons):
    running = daemons.start(policy(SMALL).path, "--max-connections", 4000)
    client = running.client()
    session = client.open(neutral(None))
    question = frames("open", [neutral(None)], [1]) + frames("evaluate", [neutral("B0820")], [2, 3])

    def vanish(count):
        for number in range(count):
            with connect(running) as gone:
                gone.sendall(question[:1 + number * 7 % (len(question) - 1)])
        assert until(lambda: only_this_one(client) and descriptors(running) == before, 30)
        return running.resident_kb()
    before = descriptors(running)
    warm = vanish(500)
    assert vanish(3000) - warm < 2048 * ROOM
    assert client.call("health")["sessions"] == 1
    assert asks(client, session) < LONGEST


@pytest.mark.parametrize("threads", THREADS)
def test_a_hundred_thousand_pipelined_requests_are_answered_in_order(policy, daemons, threads):
    count = 100000 if ROOM == 1 else 20000
    running = daemons.start(policy(SMALL).path, *threads)
    client, other = running.client(), running.client()
    session, theirs = client.open(neutral(None)), other.open(neutral(None))
    names = ["B0820", "B0015", "no.such"]
    wanted = [[True, "granted-by-baseline", 1, []], [False, "not-granted", 1, []], [False, "unknown-function", 1, []]]
    stream = Stream(client.socket, b"".join(frames("check", [session, names[number % 3]], [number]) for number in range(count)))
    took = []

    def is_done(one):
        if len(took) < len(one.answers) // 5000:
            took.append(asks(other, theirs))
        return len(one.answers) == count
    assert run_streams([stream], is_done, 60)
    assert [answer[1] for answer in stream.answers] == list(range(count))
    assert all(answer[2] is None and answer[3] == wanted[answer[1] % 3] for answer in stream.answers)
    print(f"{max(took) * 1e3:.1f} ms at most for another's check")
    assert max(took) < LONGEST
    assert other.call("metrics")["requests"]["check"] == count + len(took)
