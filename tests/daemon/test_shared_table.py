# SPDX-License-Identifier: Apache-2.0
"""The shared table: other processes decide on the daemon's policy, and see at once what happens to it."""
import fcntl
import hashlib
import mmap
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import time

import msgpack
import pytest
from support.attached import NOISE, SOON, Attached
from support.daemon import ROOM
from support.national import NATIONAL, extended
from support.paths import ROOT
from support.policy import text_of
from support.requests import neutral
from support.rpc import Client, until
from support.small import FUNCTIONS, SMALL

MORE = SMALL + "  - { roles: [R8000], activities: [B0015] }\n"
ROLES_ASKED = 24


@pytest.fixture
def attached():
    """Starts programs that attach, and sees to it that they end well."""
    running = []

    def start(source, **how):
        running.append(Attached(source, **how))
        return running[-1]
    yield start
    assert [one.end() for one in running] == [0] * len(running)


def rewrite(policy, text):
    (policy.path / "policy.yaml").write_bytes(text_of(text))


def shm(served):
    return f"shm:{served.socket}"


# What is decided.

def test_an_attached_program_answers_as_the_socket_does(daemons, attached, tmp_path):
    served = daemons.start(extended(tmp_path / "extended"), "--allow-example")
    client, program = served.client(), attached(shm(served))
    text = "".join(path.read_text() for path in sorted(NATIONAL.rglob("*.yaml")))
    roles = sorted(set(re.findall(r"\b(R\d{4})\b", text)))
    names = sorted(set(re.findall(r"\b(B\d{4})\b", text))) + ["vaccinate.hca", "cpis.view", "no.such", "B9999"]
    permits = 0
    for role in random.Random(4).sample(roles, min(ROLES_ASKED, len(roles))):
        mine, theirs = client.open(neutral(None, role=role)), program.session(role=role, profile="1001")
        told = [answer for start in range(0, len(names), 500) for answer in client.call("check_many", mine, names[start:start + 500])]
        for name, want, (got, bit) in zip(names, told, program.checks(theirs, names), strict=True):
            assert got == want, (role, name)
            assert bit == (want[0] and not want[3]), (role, name)
            permits += want[0]
        client.call("close", mine)
    assert len(names) > 100 and permits > ROLES_ASKED


def test_whole_questions_are_answered_on_the_table_too(daemon, attached):
    program = attached(shm(daemon(FUNCTIONS)))
    assert program.tell("evaluate R8000 B0820") == "permit granted-by-baseline 1"
    assert program.tell("evaluate R8000 no.such") == "not-applicable unknown-function 1"


# What is published.

def test_a_reload_is_seen_at_once_and_sessions_reopen(policy, daemons, attached):
    source = policy(SMALL)
    served = daemons.start(source.path)
    program, client = attached(shm(served)), served.client()
    session = program.session()
    assert program.check(session, "B0015") == (False, "not-granted", 1)
    delays = []
    for generation in range(2, 12):
        rewrite(source, MORE if generation % 2 == 0 else SMALL)
        assert client.call("reload")["generation"] == generation
        delays.append(program.seconds_until(time.monotonic(), f"generation-is {generation}"))
        wanted = (True, "granted-by-baseline") if generation % 2 == 0 else (False, "not-granted")
        assert program.check(session, "B0015") == (*wanted, generation)
        assert program.check(session, "B0820") == (True, "granted-by-baseline", generation)
    assert sorted(delays)[len(delays) // 2] < SOON, delays
    assert max(delays) < SOON + NOISE, delays


def test_a_policy_with_mistakes_changes_nothing(policy, daemons, attached):
    source = policy(SMALL)
    served = daemons.start(source.path)
    program, client = attached(shm(served)), served.client()
    session = program.session()
    rewrite(source, SMALL + "  - { roles: [R9999], activities: [B0820] }\n")
    assert client.call("reload")["ok"] is False
    time.sleep(2 * SOON)
    assert program.check(session, "B0820") == (True, "granted-by-baseline", 1)


def test_many_programs_share_one_table(policy, daemons, attached):
    source = policy(SMALL)
    served = daemons.start(source.path)
    programs = [attached(shm(served)) for _ in range(40)]
    sessions = [program.session() for program in programs]
    assert until(lambda: served.client().call("health")["connections"] == 1), "nobody keeps a connection"
    rewrite(source, MORE)
    served.client().call("reload")
    for program, session in zip(programs, sessions):
        assert program.seconds_until(time.monotonic(), "generation-is 2") < SOON + NOISE
        assert program.check(session, "B0015") == (True, "granted-by-baseline", 2)


def test_a_thousand_reloads_leave_nothing_behind(policy, daemons, attached):
    source = policy(SMALL)
    served = daemons.start(source.path)
    program, client = attached(shm(served)), served.client()
    session = program.session()

    def reload_many(count):
        for _ in range(count):
            last = client.wait(client.post("reload"))["generation"]
        program.tell(f"generation-is {last}")
        assert program.check(session, "B0820")[0] is True
        assert until(lambda: client.call("health")["connections"] == 1), "the program has fetched the last one"
        return program.descriptors(), len(os.listdir(f"/proc/{served.process.pid}/fd")), program.resident_kb(), served.resident_kb()
    before = reload_many(100)
    after = reload_many(1000)
    assert after[:2] == before[:2], "descriptors of the program, of the daemon"
    # AddressSanitizer keeps 256 MiB of what is freed, and a daemon that compiles frees much.
    assert after[2] - before[2] < 4096 * ROOM and after[3] - before[3] < (8192 if ROOM == 1 else 320 * 1024), (before, after)


# What ends.

def test_an_expired_session_ends_on_the_table_too(daemon, attached):
    program = attached(shm(daemon(SMALL)))
    ends = int(time.time()) + 2
    session = program.session(valid_until=ends)
    assert program.check(session, "B0820")[0] is True
    assert program.tell(f"until {session} B0820 evidence-expired") != "never"
    assert ends <= time.time() < ends + 1


@pytest.mark.parametrize("by", [{"sid": "sid-1"}, {"sub": "user-1"}, {"role_profile": "501"}, {"sub": "user-1", "role_profile": "501"}])
def test_a_revocation_ends_the_sessions_that_it_names(daemon, attached, by):
    served = daemon(SMALL)
    program, client = attached(shm(served)), served.client()
    meant = program.session(sub="user-1", sid="sid-1", profile="501")
    others = [program.session(sub="user-2", sid="sid-2", profile="502"), program.session(sub="sid-1", sid="user-1", profile="user-1"), program.session()]
    client.call("revoke", by)
    assert program.seconds_until(time.monotonic(), f"until {meant} B0820 session-revoked") < SOON + NOISE
    assert all(program.check(other, "B0820")[0] for other in others)
    assert program.check(program.session(sub="user-1", sid="sid-1", profile="501"), "B0820")[0], "who signs in again is let in again"


def test_revocations_that_must_match_together_end_nobody_else(daemon, attached):
    served = daemon(SMALL)
    program, client = attached(shm(served)), served.client()
    session = program.session(sub="user-1", sid="sid-1", profile="501")
    client.call("revoke", {"sub": "user-1", "role_profile": "502"})
    time.sleep(2 * SOON)
    assert program.check(session, "B0820")[0] is True


def test_more_revocations_than_are_remembered_end_everybody(daemon, attached):
    """A program that could not look for a while cannot know whom it has missed."""
    served = daemon(SMALL)
    program, client = attached(shm(served)), served.client()
    sessions = [program.session(sub=f"user-{number}") for number in range(10)]
    program.process.send_signal(signal.SIGSTOP)
    numbers = [client.post("revoke", {"sub": f"nobody-{number}"}) for number in range(600)]
    assert sum(client.wait(number) for number in numbers) == 0
    program.process.send_signal(signal.SIGCONT)
    for session in sessions:
        assert program.tell(f"until {session} B0820 session-revoked") != "never"
    assert program.check(program.session(sub="user-1"), "B0820")[0] is True


def tag(page, kind, text):
    """As the protocol describes it."""
    data = text.encode()
    if len(data) > 256:
        kind, data = kind | 0x80, hashlib.sha256(data).digest()
    return hashlib.sha256(page[16:32] + bytes([kind]) + data).digest()[:16]


def test_the_page_is_as_the_protocol_says_and_names_nobody(daemon):
    served = daemon(SMALL)
    client = served.client()
    client.call("revoke", {"sub": "a-very-secret-person", "sid": "s" * 300})
    client.call("stop", True)
    message, fds = receive_attach(served)
    page = os.pread(fds[1], 1 << 20, 0)
    assert len(page) == 36864 and page[:8] == b"nrbac\r\nS" and struct.unpack_from("<II", page, 8) == (1, 36864)
    turn, generation = struct.unpack_from("<QQ", page, 64)
    size, published, beaten, wall, alive, stopped, revoked = struct.unpack_from("<QqqqqQQ", page, 112)
    assert turn % 2 == 0 and generation == 1 and page[80:112].hex() == message[3]["digest"] and size == message[3]["size"]
    assert abs(published - time.time()) < 60 and abs(wall - time.time()) < 60
    assert 0 <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) - beaten < 60e9 and alive == beaten + 30_000_000_000
    assert (stopped, revoked) == (1, 1)
    assert page[4096:4160] == struct.pack("<Q", 0b011) + tag(page, 0, "s" * 300) + tag(page, 1, "a-very-secret-person") + bytes(16) + struct.pack("<Q", 1)
    assert page[4160:] == bytes(36864 - 4160), "nothing else"
    lock = fcntl.fcntl(fds[1], fcntl.F_GETLK, struct.pack("hhlli", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
    assert struct.unpack("hhlli", lock)[0] == fcntl.F_WRLCK
    served.process.kill()
    served.wait()
    lock = fcntl.fcntl(fds[1], fcntl.F_GETLK, struct.pack("hhlli", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
    assert struct.unpack("hhlli", lock)[0] == fcntl.F_UNLCK
    for fd in fds:
        os.close(fd)


def test_the_stop_switch_stops_everybody_until_it_is_released(daemon, attached):
    served = daemon(SMALL)
    program, client = attached(shm(served)), served.client()
    session, mine = program.session(), client.open(neutral(None))
    ended = program.session(sub="user-1")
    assert client.call("stop", True) is True
    assert program.seconds_until(time.monotonic(), f"until {session} B0820 policy-stale") < SOON + NOISE
    assert program.tell("evaluate R8000 B0820") == "deny policy-stale 1"
    assert program.tell("session - - - R8000") == "-1 policy-stale"
    assert client.call("check", mine, "B0820")[:2] == [False, "policy-stale"]
    assert client.evaluate(neutral("B0820")).verdict == "deny policy-stale"
    assert client.call("open", neutral(None))["reason"] == "policy-stale"
    assert client.call("health")["status"] == "stopped"
    client.call("revoke", {"sub": "user-1"})
    assert program.tell(f"until {ended} B0820 session-revoked") != "never"
    assert client.call("stop", False) is False
    assert program.seconds_until(time.monotonic(), f"until {session} B0820 granted-by-baseline") < SOON + NOISE
    assert client.call("check", mine, "B0820")[0] is True
    assert program.check(ended, "B0820") == (False, "session-revoked", 1)
    assert client.call("health")["status"] == "ok"


# Without the daemon.

def test_a_daemon_that_dies_is_outlived_until_the_deadline_and_found_again(policy, daemons, attached):
    source = policy(SMALL)
    served = daemons.start(source.path, "--stale-seconds", 2)
    program = attached(shm(served))
    going, ended = program.session(sub="user-1"), program.session(sub="user-2")
    died = time.monotonic()
    served.process.kill()
    served.process.wait()
    time.sleep(0.5)
    assert program.check(going, "B0820") == (True, "granted-by-baseline", 1)
    assert program.check(program.session(), "B0820")[0] is True, "sessions are opened on the last good policy too"
    stale_after = program.seconds_until(died, f"until {going} B0820 policy-stale")
    assert 1.4 < stale_after < 2 + SOON + NOISE, "a heartbeat counts for two seconds, and is at most a quarter of that old"
    assert program.tell("evaluate R8000 B0820") == "deny policy-stale 1"
    assert program.tell("session - - - R8000") == "-1 policy-stale"
    rewrite(source, MORE)
    again = daemons.start(source.path, "--stale-seconds", 2, path=served.socket)
    back = time.monotonic()
    assert program.seconds_until(back, f"until {going} B0015 granted-by-baseline") < 2 * SOON + NOISE
    assert program.check(going, "B0820") == (True, "granted-by-baseline", 1)
    again.client().call("revoke", {"sub": "user-2"})
    assert program.seconds_until(time.monotonic(), f"until {ended} B0820 session-revoked") < SOON + NOISE


def test_a_daemon_that_is_replaced_is_followed_at_once(policy, daemons, attached):
    """Long before the deadline: the first daemon's end shows."""
    source = policy(SMALL)
    served = daemons.start(source.path)
    program = attached(shm(served))
    session = program.session(sub="user-1")
    for kill in (signal.SIGTERM, signal.SIGKILL):
        served.signal(kill)
        served.wait()
        rewrite(source, MORE if kill == signal.SIGTERM else SMALL)
        served = daemons.start(source.path, path=served.socket)
        wanted = "granted-by-baseline" if kill == signal.SIGTERM else "not-granted"
        assert program.seconds_until(time.monotonic(), f"until {session} B0015 {wanted}") < 2 * SOON + NOISE
    served.client().call("revoke", {"sub": "user-1"})
    assert program.seconds_until(time.monotonic(), f"until {session} B0820 session-revoked") < SOON + NOISE


def test_a_daemon_that_hangs_is_stale_and_is_believed_again_when_it_wakes(daemons, policy, attached):
    served = daemons.start(policy(SMALL).path, "--stale-seconds", 1)
    program = attached(shm(served))
    session = program.session()
    served.signal(signal.SIGSTOP)
    assert program.tell(f"until {session} B0820 policy-stale") != "never"
    served.signal(signal.SIGCONT)
    assert program.tell(f"until {session} B0820 granted-by-baseline") != "never"


def test_a_table_without_a_deadline_is_never_stale(daemons, policy, attached):
    served = daemons.start(policy(SMALL).path, "--stale-seconds", 0)
    program = attached(shm(served))
    session = program.session()
    served.process.kill()
    time.sleep(1)
    assert program.check(session, "B0820")[0] is True


def test_a_heart_beats_as_long_as_the_daemon_lives(daemons, policy, attached):
    served = daemons.start(policy(SMALL).path, "--stale-seconds", 1)
    program = attached(shm(served))
    session = program.session()
    for _ in range(300):
        assert program.checks(session, ["B0820"])[0][1] is True
        time.sleep(0.01)


def test_without_a_watcher_the_caller_polls(policy, daemons):
    source = policy(SMALL)
    served = daemons.start(source.path)
    with Attached() as program:
        assert program.tell(f"open-unwatched {shm(served)}") == "ok 1"
        session = program.session(sub="user-1")
        rewrite(source, MORE)
        served.client().call("reload")
        served.client().call("revoke", {"sub": "user-1"})
        time.sleep(3 * SOON)
        assert program.check(session, "B0015") == (False, "not-granted", 1)
        assert program.tell("poll") == "ok 0"
        assert program.check(session, "B0015") == (False, "session-revoked", 2)
        assert program.end() == 0


# Who may.

def receive_attach(served, frame=b"\x94\x00\x07\xa6attach\x90", descriptors=8):
    """The answer to attach, and the descriptors that rode on its first byte."""
    with Client(served.socket) as client:
        client.send(frame)
        data, fds, _, _ = socket.recv_fds(client.socket, 1, descriptors)
        client.unpacker.feed(data)
        return client.receive(), fds


def test_attach_gives_two_sealed_descriptors(daemon):
    served = daemon(SMALL)
    message, fds = receive_attach(served)
    told = served.client().call("policy")
    assert message[:3] == [1, 7, None]
    assert message[3] == {"generation": 1, "digest": told["digest"], "size": os.fstat(fds[0]).st_size, "stale_seconds": 30}
    image, page = fds
    every = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    assert fcntl.fcntl(image, fcntl.F_GET_SEALS) & every == every
    assert fcntl.fcntl(page, fcntl.F_GET_SEALS) & 0x1f == fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | 0x10
    for fd in fds:
        with pytest.raises(PermissionError):
            os.pwrite(fd, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(fd, 0)
        with pytest.raises(PermissionError):
            mmap.mmap(fd, os.fstat(fd).st_size)
    for fd in fds:
        os.close(fd)


def test_attach_keeps_its_place_among_other_requests(daemon):
    served = daemon(SMALL)
    client = served.client()
    count = 300
    frames = b"".join(client_frame(number, "attach" if number % 3 == 0 else "policy") for number in range(count))
    client.send(frames)
    assert [client.receive()[1] for _ in range(count)] == list(range(count))


def client_frame(number, method):
    return msgpack.packb([0, number, method, []])


def test_attach_waits_for_a_peer_that_does_not_read(daemon):
    """Its socket is full of other answers when a table's turn comes."""
    served = daemon(SMALL)
    client = served.client()
    count = 600
    client.send(b"".join(client_frame(number, "attach") for number in range(count)))
    assert served.client().evaluate(neutral("B0820")).effect == "permit", "others go on"
    assert served.client().call("metrics")["requests"]["attach"] < count, "the rest has not been looked at"
    time.sleep(0.3)
    before = served.cpu_seconds()
    time.sleep(1)
    assert served.cpu_seconds() - before < 0.2, "and waiting for it is no work"
    assert [client.receive()[1] for _ in range(count)] == list(range(count))


def test_a_peer_that_never_takes_its_table_is_closed(daemons, policy):
    served = daemons.start(policy(SMALL).path, "--idle-seconds", 0)
    client, other = served.client(), served.client()
    client.send(b"".join(client_frame(number, "attach") for number in range(600)))
    assert until(lambda: other.call("health")["connections"] == 1, seconds=15, every=0.2)


AS_USER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from support.rpc import Client, RpcError
uid = int(sys.argv[3])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
with Client(sys.argv[2]) as client:
    for method, params in (("attach", []), ("stop", [False])):
        try:
            print(client.wait(client.post(method, *params)) and "yes")
        except RpcError as error:
            print(error.code)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_who_may_attach_is_configured(daemons, policy):
    config = daemons.folder / "config.yaml"
    config.write_text("attach_users: [12345]\n")
    served = daemons.start(policy(SMALL).path, "--config", config)
    served.socket.chmod(0o666)

    def asked_by(uid):
        done = subprocess.run([sys.executable, "-c", AS_USER, str(ROOT / "tests"), str(served.socket), str(uid)], capture_output=True,
                              text=True, timeout=30, check=True)
        return done.stdout.split()
    assert asked_by(12345) == ["yes", "not-allowed"]
    assert asked_by(12346) == ["not-allowed", "not-allowed"]
    assert asked_by(65534) == ["not-allowed", "not-allowed"]
    with Attached(user=12346) as program:
        said = program.tell(f"open {shm(served)}")
        assert said.startswith("failed 9 ") and "other users" in said


def test_what_cannot_be_attached_to_says_why(daemons, policy, tmp_path):
    nobody = tmp_path / "stale.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(nobody))
    with Attached() as program:
        assert program.tell("open shm:/nowhere/at.all").startswith("failed 2 ")
        assert program.tell(f"open shm:{nobody}").startswith("failed 2 ")
        assert program.tell("open shm:" + "x" * 200).startswith("failed 6 ")
        served = daemons.start(policy(SMALL).path)
        assert program.tell(f"open {shm(served)}") == "ok 1"
        assert program.tell(f"open {shm(served)}").startswith("failed 6 "), "an engine keeps to its daemon"
        assert program.end() == 0
