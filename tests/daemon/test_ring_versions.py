# SPDX-License-Identifier: Apache-2.0
"""A program and a daemon of different releases: neither takes the other's ring for its own, and neither asks again and again."""
import re
import socket
import struct
import threading
import time

import msgpack
import pytest
from support.attached import Attached, Recorded
from support.recorded import names, of, records
from support.ring import PLACES, RESERVED, HandmadeRing
from support.rpc import until
from support.small import SMALL

VERSION = 1     # of rings, in this release
TRIES = 0.1     # seconds between two, of who goes on trying


@pytest.fixture
def trail(tmp_path):
    return tmp_path / "trail.db"


class OtherDaemon:
    """Serves the socket as a daemon of another release: what it is asked, and an error to each."""

    def __init__(self, path, code):
        path.unlink(missing_ok=True)
        self.asked, self.code = [], code
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(str(path))
        self.listening.listen(16)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listening.close()

    def serve(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            with peer:
                _, number, method, _ = msgpack.unpackb(peer.recv(1024))
                self.asked.append(method)
                peer.sendall(msgpack.packb([1, number, {"code": self.code, "message": "no"}, None]))

    def rings(self):
        return self.asked.count("ring")


# A program of another release.

@pytest.mark.parametrize("version", [0, VERSION + 1, -1, 2 ** 40])
def test_the_daemon_has_no_ring_of_another_version(daemons, policy, trail, version):
    served = daemons.start(policy(SMALL).path, "--audit", trail)
    client = served.client()
    ring = HandmadeRing(served.socket, version)
    assert ring.memory is None and ring.answer[2]["code"] == "bad-params" and "version" in ring.answer[2]["message"]
    assert client.call("metrics")["audit_ring_refused"] == 1
    assert client.call("health")["status"] == "ok"
    assert f"ring of version {version} was asked for" in served.stderr and "of version 1" in served.stderr
    good = HandmadeRing(served.socket)
    assert good.memory is not None and client.call("metrics")["audit_ring_refused"] == 1


def test_a_version_is_a_number_and_is_asked_for(daemons, policy, trail):
    client = daemons.start(policy(SMALL).path, "--audit", trail).client()
    assert [client.code_of("ring", *params) for params in ([], ["1"], [None], [1, 1])] == ["bad-params"] * 4


# A daemon of another release.

@pytest.mark.parametrize("code, status, said", [
    ("bad-params", 5, "another release"), ("not-allowed", 9, "no audit trail"), ("unknown-method", 8, "takes no records"), ("over-limit", 7, "no room")])
def test_opening_says_what_is_wrong(tmp_path, daemons, code, status, said):
    path = daemons.new_path()
    with OtherDaemon(path, code) as other, Attached() as program:
        answer = program.tell(f"open-recorded shm:{path}")
        assert answer.startswith(f"failed {status} ") and said in answer
        assert other.asked == ["ring"]


@pytest.mark.parametrize("code", ["bad-params", "not-allowed", "unknown-method"])
def test_a_program_does_not_ask_it_again_and_goes_on_with_the_next(daemons, policy, trail, code):
    made = policy(SMALL).path
    served = daemons.start(made, "--audit", trail)
    with Recorded(served) as program:
        session = program.session()
        assert program.tell(f"recorded {session} B0820") == "1"
        assert until(lambda: names(of(trail, program.process)) == [None, "B0820"])
        assert served.stop() == 0
        with OtherDaemon(served.socket, code) as other:
            assert until(lambda: other.rings() == 1)
            assert until(lambda: program.check(session, "B0820")[1] == "not-recorded")
            time.sleep(10 * TRIES)
            assert other.rings() == 1, "it is asked once"
            assert program.check(session, "B0820")[1] == "not-recorded"
        daemons.start(made, "--audit", trail, path=served.socket)
        assert until(lambda: program.tell(f"recorded {session} B0825") == "1")
        assert until(lambda: "B0825" in names(of(trail, program.process)))


def test_one_that_has_no_room_is_asked_again(daemons, policy, trail):
    made = policy(SMALL).path
    served = daemons.start(made, "--audit", trail)
    with Recorded(served) as program:
        program.session()
        assert served.stop() == 0
        with OtherDaemon(served.socket, "over-limit") as other:
            assert until(lambda: other.rings() >= 3)


# A ring that holds what the daemon does not read.

def mapped_ring(pid):
    """Where the program has its ring."""
    with open(f"/proc/{pid}/maps") as maps:
        return int(re.search(r"^([0-9a-f]+)-.*nrbac-ring", maps.read(), re.M).group(1), 16)


def poke(pid, at, number):
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(at)
        memory.write(struct.pack("<Q", number))


def test_a_program_whose_ring_is_refused_does_not_come_back_with_it(daemons, policy, trail):
    made = policy(SMALL).path
    served = daemons.start(made, "--audit", trail)
    client = served.client()
    with Recorded(served) as program:
        session = program.session()
        assert program.tell(f"recorded {session} B0820") == "1"
        assert until(lambda: names(of(trail, program.process)) == [None, "B0820"])
        try:
            poke(program.process.pid, mapped_ring(program.process.pid) + RESERVED, PLACES * 3)
        except PermissionError:
            pytest.skip("another process's memory may not be written here")
        assert until(lambda: client.call("metrics")["audit_ring_refused"] == 1)
        assert until(lambda: program.check(session, "B0820")[1] == "not-recorded")
        time.sleep(10 * TRIES)
        metrics = client.call("metrics")
        assert (metrics["requests"]["ring"], metrics["audit_ring_refused"], metrics["audit_ring_gaps"]) == (1, 1, 1)
        assert program.tell(f"recorded {session} B0820") == "0"
    assert [row["event"] for row in records(trail)].count("gap") == 1
    assert served.stderr.count("not read any more") == 1
