# SPDX-License-Identifier: Apache-2.0
"""Frames: pipelining, notifications, every encoding of MessagePack, and what is no frame at all."""
import random
import socket
import struct
import time

import msgpack
import pytest
from support.daemon import ROOM
from support.requests import neutral
from support.rpc import Closed, RpcError, error_or_closed, until
from support.small import FUNCTIONS

GROWTH_KB = 64 * 1024 * ROOM


@pytest.fixture
def served(daemon):
    return daemon(FUNCTIONS)


@pytest.fixture
def client(served):
    return served.client()


def fine(served):
    """Somebody else is served, at once."""
    started = time.monotonic()
    with served.client() as other:
        assert other.evaluate(neutral("B0820")).effect == "permit"
    return time.monotonic() - started < 2


def test_requests_may_be_pipelined_and_every_one_is_answered(client):
    asked = [("B0820", True), ("B0572", False), ("patient.amend", True), ("no.such", False)] * 25
    # Not more at once: who sends and never reads is held up in the end, as the protocol says.
    for _ in range(4):
        numbers = [client.post("evaluate", neutral(name)) for name, _ in asked]
        for number, (_, decision) in zip(numbers, asked):
            assert client.wait(number)["decision"] is decision


def test_pipelined_requests_in_one_write_are_answered(client):
    client.send(b"".join(msgpack.packb([0, number, "evaluate", [neutral("B0820")]]) for number in range(1000, 1200)))
    for number in range(1000, 1200):
        assert client.wait(number)["decision"] is True


def test_a_frame_may_arrive_byte_by_byte(client):
    for byte in msgpack.packb([0, 1, "evaluate", [neutral("B0820")]]):
        client.send(bytes([byte]))
    assert client.wait(1)["decision"] is True


def test_a_notification_is_not_answered(client):
    client.notify("evaluate", neutral("B0820"))
    client.notify("no.such.method")
    client.notify("check", 77, "B0820")
    number = client.post("policy")
    assert client.receive()[1] == number


@pytest.mark.parametrize("number", [0, 1, 127, 128, 65535, 65536, 2 ** 32 - 1])
def test_the_number_of_a_request_comes_back(client, number):
    client.send(msgpack.packb([0, number, "policy", []]))
    assert client.receive()[1] == number


def text32(value):
    data = value.encode()
    return b"\xdb" + struct.pack(">I", len(data)) + data


def wide(value):
    """A value in the widest encoding that MessagePack has for it."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        return text32(value)
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(wide(part) for part in value)
    pairs = b"".join(wide(key) + wide(part) for key, part in value.items())
    return b"\xdf" + struct.pack(">I", len(value)) + pairs


def test_every_width_of_an_encoding_is_read(client):
    client.send(wide([0, 7, "evaluate", [neutral("B0820", aal=3)]]))
    assert client.wait(7)["decision"] is True


@pytest.mark.parametrize("message", [
    42, None, "evaluate", {}, [], [0], [0, 1], [0, 1, "policy"], [0, 1, "policy", [], 5], [3, 1, "policy", []],
    [-1, 1, "policy", []], ["0", 1, "policy", []], [0, "1", "policy", []], [0, -1, "policy", []], [0, 1, 7, []],
    [0, 1, None, []], [0, 1, "policy", None], [0, 1, "policy", {}], [0, 1, "policy", "x"], [1, 1, None, True], [0, 1.5, "policy", []],
    [0, 2 ** 40, "policy", []]])
def test_what_is_no_message_gets_an_error_or_a_closed_connection(served, client, message):
    client.send(msgpack.packb(message))
    assert error_or_closed(client) in ("bad-message", "bad-params", "closed")
    assert fine(served)


@pytest.mark.parametrize("garbage", [
    b"\xc1", b"\xc1" * 100000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 64, b"\x94\x00\x01\xc1", b"\x94\x00\x01\xa6policy\xc1",
    b"\xd4\x01\x00", bytes(range(256)) * 100])
def test_garbage_gets_an_error_or_a_closed_connection(served, client, garbage):
    try:
        client.send(garbage)
        assert error_or_closed(client)
    except Closed:
        pass
    assert fine(served)


def test_text_that_is_not_utf_8_is_no_name(served, client):
    client.send(b"\x94\x00\x01\xa8evaluate\x91\x81\xa6action\x81\xa4name\xa4\xff\xfe\xfd\xfc")
    try:
        message = client.receive()
        assert message[2] or message[3]["decision"] is False
    except Closed:
        pass
    assert fine(served)


@pytest.mark.parametrize("header", [b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
                                    b"\x94\x00\x01\xa8evaluate\xdd\x7f\xff\xff\xff"])
def test_a_size_beyond_all_limits_is_not_waited_for(served, client, header):
    before = served.resident_kb()
    try:
        client.send(header + b"\x00" * 65536)
    except Closed:
        pass
    assert fine(served)
    assert served.resident_kb() - before < GROWTH_KB
    try:
        for _ in range(64):
            client.send(b"\x00" * (1 << 20))
        assert error_or_closed(client)
    except (Closed, socket.timeout):
        pass
    assert served.resident_kb() - before < GROWTH_KB
    assert fine(served)


def test_a_message_over_the_limit_gets_an_error_or_a_closed_connection(served, client):
    whole = neutral("B0820")
    whole["padding"] = "x" * (64 << 20)
    try:
        client.send(msgpack.packb([0, 1, "evaluate", [whole]]))
        assert error_or_closed(client) in ("over-limit", "bad-message", "closed")
    except Closed:
        pass
    assert fine(served)


@pytest.mark.parametrize("deep", [b"\x91" * 100000, b"\x94\x00\x01\xa8evaluate" + b"\x91" * 100000,
                                  b"\x94\x00\x01\xa8evaluate\x91" + b"\x81\xa1a" * 100000,
                                  b"\x94\x00\x01\xa8evaluate\x91" + b"\x81\xa1a" * 5000 + b"\xc0"])
def test_depth_over_the_limit_gets_an_error_or_a_closed_connection(served, client, deep):
    try:
        client.send(deep + b"\xc0" * 16)
        assert error_or_closed(client) in ("over-limit", "bad-message", "bad-params", "closed")
    except Closed:
        pass
    assert fine(served)


def test_a_truncated_frame_is_waited_for_and_forgotten_with_its_connection(served):
    whole = msgpack.packb([0, 1, "evaluate", [neutral("B0820")]])
    for length in (1, 2, 5, len(whole) // 2, len(whole) - 1):
        with served.client() as client:
            client.send(whole[:length])
            client.socket.settimeout(0.1)
            with pytest.raises((socket.timeout, TimeoutError)):
                client.receive()
    assert fine(served)


def test_a_client_that_hangs_up_before_its_answers_disturbs_nobody(served):
    for _ in range(50):
        with served.client() as client:
            client.send(msgpack.packb([0, 1, "evaluate", [neutral("B0820")]]) * 50)
    assert fine(served)


def test_a_client_that_half_closes_gets_its_answers(served):
    client = served.client()
    numbers = [client.post("evaluate", neutral("B0820")) for _ in range(20)]
    client.socket.shutdown(socket.SHUT_WR)
    assert all(client.wait(number)["decision"] is True for number in numbers)
    with pytest.raises(Closed):
        client.receive()


def test_random_bytes_never_end_the_daemon(served):
    rng = random.Random(3)
    whole = msgpack.packb([0, 1, "evaluate", [neutral("B0820")]])
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        with served.client() as client:
            try:
                client.send(bytes(changed))
                client.socket.shutdown(socket.SHUT_WR)
                while client.socket.recv(1 << 16):
                    pass
            except (Closed, ConnectionResetError):
                pass
    assert served.process.poll() is None
    assert fine(served)


def test_a_client_that_never_reads_costs_bounded_memory_and_disturbs_nobody(served):
    lazy = served.client()
    before = served.resident_kb()
    frame = msgpack.packb([0, 1, "explain", [neutral("B0570")]])
    rest = memoryview(frame * 100000)
    lazy.socket.setblocking(False)
    ends = time.monotonic() + 10
    silent = served_at = time.monotonic()
    while rest and time.monotonic() < ends and time.monotonic() - silent < 2:
        try:
            sent = lazy.socket.send(rest[:1 << 20])
            rest = rest[sent:]
            silent = time.monotonic()
        except BlockingIOError:
            time.sleep(0.005)
        except (BrokenPipeError, ConnectionResetError):
            break
        if time.monotonic() > served_at + 1:
            assert fine(served)
            served_at = time.monotonic()
    assert fine(served)
    grown = served.resident_kb() - before
    print(f"{100000 - len(rest) // len(frame)} requests taken, {grown} kB more")
    assert grown < GROWTH_KB


def test_a_connection_that_is_ready_again_goes_on(served):
    """What was held back is answered once the client reads: nothing is lost."""
    client = served.client()
    count = 3000
    data = memoryview(b"".join(msgpack.packb([0, number, "evaluate", [neutral("B0820")]]) for number in range(count)))
    client.socket.setblocking(False)
    seen, received = set(), 0
    unpacker = msgpack.Unpacker(raw=False)

    def step():
        nonlocal data, received
        try:
            data = data[client.socket.send(data[:65536]):] if data else data
        except BlockingIOError:
            pass
        try:
            unpacker.feed(client.socket.recv(1 << 20))
        except BlockingIOError:
            pass
        for message in unpacker:
            seen.add(message[1])
            received += 1
        return len(seen) == count
    time.sleep(0.2)
    assert until(step, seconds=30, every=0)
    assert received == count


def test_many_connections_at_once_are_served(served):
    clients = [served.client() for _ in range(40)]
    numbers = [client.post("evaluate", neutral("B0820")) for client in clients]
    assert all(client.wait(number)["decision"] is True for client, number in zip(clients, numbers))


def test_too_many_sessions_end_in_an_error_and_the_earlier_ones_stay(served, client):
    first = client.open(neutral(None))
    refused = None
    numbers = []
    for _ in range(70000):
        numbers.append(client.post("open", neutral(None)))
        if len(numbers) == 200:
            for number in numbers:
                try:
                    client.wait(number)
                except RpcError as error:
                    refused = error
            numbers = []
            if refused:
                break
    assert refused is not None, "sessions of a connection are limited"
    assert refused.code == "over-limit"
    assert client.call("check", first, "B0820")[0] is True
    assert fine(served)
