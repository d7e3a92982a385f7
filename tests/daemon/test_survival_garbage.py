# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes come, the daemon lives, answers the others, and counts what it could not read."""
import json
import random
import socket
from pathlib import Path

import msgpack
import pytest
from support.crowd import connect, descriptors
from support.daemon import ROOM
from support.requests import neutral
from support.rpc import until

GOLDEN = Path(__file__).resolve().parents[1] / "wire/golden"
SENT = [bytes.fromhex(frame["send_hex"]) for path in sorted(GOLDEN.glob("*.json")) for frame in json.loads(path.read_text()) if "send_hex" in frame]
FRAMES = [frame for frame in SENT if b"stop" not in frame and b"revoke" not in frame]      # which would rightly be felt by others
CONNECTIONS = 6000 if ROOM == 1 else 500


def noise(rng):
    return rng.randbytes(rng.choice((1, 7, 64, 1000, 70000)))


def changed(rng):
    """Some golden frames, one after the other, with a few bytes changed, left out, or put in."""
    data = bytearray(b"".join(rng.choices(FRAMES, k=rng.randint(1, 6))))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        what = rng.randrange(5)
        if what == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            data[at] = rng.choice((0xc1, 0xc0, 0xc6, 0xc9, 0xdb, 0xdc, 0xdd, 0xdf, 0xff, rng.randrange(256)))
        elif what == 2:
            del data[at:at + rng.randint(1, 8)]
        elif what == 3:
            data[at:at] = rng.randbytes(rng.randint(1, 8))
        else:
            data[at:at] = data[:rng.randrange(len(data))]
        if not data:
            data = bytearray(b"\xc1")
    return bytes(data)


def swallow(connected):
    """All that comes back, which must be messages, whole ones."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
    try:
        while data := connected.recv(1 << 16):
            unpacker.feed(data)
    except ConnectionResetError:
        pass
    messages = list(unpacker)
    assert all(isinstance(message, list) and len(message) == 4 and message[0] == 1 for message in messages), messages
    return messages


@pytest.mark.parametrize("threads", [pytest.param((), id="one thread"), pytest.param(("--threads", 4), id="four threads")])
@pytest.mark.parametrize("make", [noise, changed])
def test_garbage_harms_nobody(daemons, make, threads):
    running = daemons.start(GOLDEN / "policy", "--max-connections", 64, *threads)
    client = running.client()
    session = client.open(neutral(None))
    rng = random.Random(71)
    before, had = running.resident_kb(), 0
    answers = 0
    for number in range(CONNECTIONS):
        with connect(running, timeout=10) as other:
            try:
                other.sendall(make(rng))
                other.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answers += len(swallow(other))
        if number % 50 == 0:
            assert client.wait(client.post("check", session, "no.such"))[1] == "unknown-function"
            had = max(had, descriptors(running) if number < 500 else 0)
    told = client.call("metrics")
    print(f"{answers} answers, errors {told['errors']}")
    assert answers > CONNECTIONS // 2
    assert told["errors"]["bad-message"] > CONNECTIONS // 10
    assert until(lambda: client.call("health")["connections"] == 1)
    assert client.call("health")["status"] in ("ok", "degraded")
    assert descriptors(running) <= had + 4
    assert running.resident_kb() - before < 16 * 1024 * ROOM
