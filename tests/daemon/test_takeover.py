# SPDX-License-Identifier: Apache-2.0
"""A daemon that succeeds another on its socket (--takeover), without a refused request."""
import array
import os
import signal
import socket
import threading

import pytest
from support.attached import Attached
from support.recorded import records
from support.requests import neutral
from support.rpc import Client, Closed, until
from support.small import SMALL

MORE = SMALL + "  - { roles: [R8000], activities: [B0015] }\n"


class Asker(threading.Thread):
    """Asks on and on, and connects again when the connection is closed; what was not answered is asked once more."""

    def __init__(self, path, stop):
        super().__init__()
        self.path, self.stop_asking, self.answers, self.refused, self.connected = path, stop, 0, [], 0

    def run(self):
        while not self.stop_asking.is_set():
            try:
                with Client(self.path, timeout=30) as client:
                    self.connected += 1
                    self.ask(client)
            except (Closed, BrokenPipeError, ConnectionResetError):
                continue        # it was not read: asked again
            except OSError as error:
                self.refused.append(repr(error))

    def ask(self, client):
        session = client.open(neutral(None))
        while not self.stop_asking.is_set():
            answer = client.call("check", session, "B0820")
            if answer[0] is not True:
                self.refused.append(answer)
            self.answers += 1


@pytest.fixture(params=["audit", "no-audit"])
def options(request, tmp_path):
    return ("--audit", tmp_path / "trail.db") if request.param == "audit" else ("--publish-to", tmp_path / "table")


def test_nobody_is_refused_while_one_daemon_succeeds_another(policy, daemons, options):
    first = daemons.start(policy(SMALL).path, *options)
    stop = threading.Event()
    askers = [Asker(first.socket, stop) for _ in range(6)]
    for asker in askers:
        asker.start()
    running = first
    for _ in range(4):
        assert until(lambda: all(asker.answers > 20 for asker in askers), 30)
        successor = daemons.start(policy(SMALL).path, "--takeover", *options, path=first.socket)
        assert running.wait() == 0
        assert "a successor has the socket" in running.stderr
        running = successor
        for asker in askers:
            asker.answers = 0
    assert until(lambda: all(asker.answers > 20 for asker in askers), 30)
    stop.set()
    for asker in askers:
        asker.join()
    assert [asker.refused for asker in askers] == [[]] * 6
    assert running.client().call("health")["status"] == "ok"
    assert running.stop() == 0
    assert not first.socket.exists()
    if options[0] == "--audit":
        rows = records(options[1])
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert [row["event"] for row in rows if row["event"] in ("start", "end")] == ["start", "end"] * 5


def test_without_a_predecessor_it_just_starts(policy, daemons):
    assert daemons.start(policy(SMALL).path, "--takeover").client().evaluate(neutral("B0820")).effect == "permit"


def test_what_was_sent_before_is_answered_by_the_predecessor(policy, daemons):
    first = daemons.start(policy(SMALL).path)
    client = first.client()
    session = client.open(neutral(None))
    numbers = [client.post("check", session, "B0820") for _ in range(300)]
    second = daemons.start(policy(SMALL).path, "--takeover", path=first.socket)
    assert all(client.wait(number)[0] for number in numbers)
    with pytest.raises(Closed):
        client.call("check", session, "B0820")
    assert second.client().evaluate(neutral("B0820")).effect == "permit"


@pytest.mark.parametrize("broken", ["policy", "trail"])
def test_a_successor_that_could_not_serve_takes_nothing_over(policy, daemons, tmp_path, broken):
    first = daemons.start(policy(SMALL).path)
    bad = policy(SMALL + "  - { roles: [R9999], activities: [B0820] }\n") if broken == "policy" else policy(MORE)
    (tmp_path / "trail.db").write_bytes(b"no trail" * 1000)
    audit = ("--audit", tmp_path / "trail.db") if broken == "trail" else ("--unsafe-no-audit",)
    status, said = daemons.refused("--policy", bad.path, "--socket", first.socket, "--takeover", *audit)
    assert status == 3 and (broken in said)
    assert first.client().evaluate(neutral("B0820")).effect == "permit"
    assert first.process.poll() is None


def test_not_everybody_may_succeed(policy, daemons):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    first = daemons.start(policy(SMALL).path, "--socket-mode", "0666")
    pid = os.fork()
    if pid == 0:
        os.setuid(12345)
        try:
            code = Client(first.socket).code_of("takeover")
        finally:
            os._exit(0 if code == "not-allowed" else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert first.client().evaluate(neutral("B0820")).effect == "permit"


def test_a_socket_of_the_service_manager_stays_its_own(policy, daemons):
    listening, path = daemons.listener()
    first = daemons.start(policy(SMALL).path, passed=listening, path=path)
    assert first.client().code_of("takeover") == "not-allowed"
    assert first.process.poll() is None


def test_a_program_on_the_shared_table_goes_on_and_finds_the_successor(policy, daemons):
    first = daemons.start(policy(SMALL).path)
    with Attached(f"shm:{first.socket}") as program:
        session = program.session()
        assert program.check(session, "B0820")[0] and not program.check(session, "B0015")[0]
        daemons.start(policy(MORE).path, "--takeover", path=first.socket)
        assert first.wait() == 0
        assert program.check(session, "B0820")[0]
        assert until(lambda: program.check(session, "B0015")[0])


def test_the_socket_is_given_to_one_successor_alone(policy, daemons):
    """The second one, which could not serve beside the first, would remove the socket of the one that does."""
    first = daemons.start(policy(SMALL).path)
    asking = [first.client() for _ in range(2)]
    first.signal(signal.SIGSTOP)
    for client in asking:
        client.post("takeover")
    first.signal(signal.SIGCONT)
    given = 0
    for client in asking:
        _, ancillary, _, _ = client.socket.recvmsg(4096, socket.CMSG_SPACE(4))
        for _, _, data in ancillary:
            given += 1
            os.close(array.array("i", data)[0])
    assert given == 1
    assert first.wait() == 0


def test_what_is_stopped_stays_stopped(policy, daemons):
    """The switch does not outlive the daemon: so nobody succeeds it before it is released."""
    first = daemons.start(policy(SMALL).path)
    client = first.client()
    assert client.call("stop", True) is True
    status, said = daemons.refused("--policy", policy(MORE).path, "--socket", first.socket, "--takeover", "--unsafe-no-audit")
    assert status == 3 and "stopped" in said
    assert client.evaluate(neutral("B0820")).reason == "policy-stale"
    assert client.call("stop", False) is False
    daemons.start(policy(MORE).path, "--takeover", path=first.socket)
    assert first.wait() == 0
