# SPDX-License-Identifier: Apache-2.0
"""How a daemon starts, reloads and ends."""
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import msgpack
import pytest
from support.command import run
from support.daemon import ROOM
from support.paths import NRBACD, ROOT
from support.policy import text_of
from support.requests import neutral
from support.rpc import Client, RpcError, until
from support.small import FUNCTIONS, SMALL

BROKEN = SMALL + "  - { roles: [R9999], activities: [B0820] }\n"
EXAMPLE = 'nrbac: 1\npolicy: { name: national, version: "1", provenance: example }\n' + SMALL
MORE = SMALL + "  - { roles: [R8000], activities: [B0015] }\n"


def rewrite(policy, text):
    (policy.path / "policy.yaml").write_bytes(text_of(text))


# Starting.

def test_one_line_on_stderr_says_that_it_is_ready(daemon):
    running = daemon(SMALL)
    assert running.stderr.strip()
    assert running.client().evaluate(neutral("B0820")).effect == "permit"


def test_an_image_is_served_like_its_directory(policy, daemons, tmp_path):
    image = tmp_path / "small.nrb"
    assert run("compile", policy(SMALL).path, "-o", image).status == 0
    assert daemons.start(image).client().evaluate(neutral("B0820")).verdict == "permit granted-by-baseline"


def test_a_broken_policy_ends_with_3_and_its_diagnostics(policy, daemons):
    path = daemons.new_path()
    status, said = daemons.refused("--policy", policy(BROKEN).path, "--socket", path, "--unsafe-no-audit")
    assert status == 3
    assert "error[P" in said and "policy.yaml:" in said
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"no image", b"\0" * 10000])
def test_a_broken_image_ends_with_3(daemons, tmp_path, content):
    (tmp_path / "x.nrb").write_bytes(content)
    status, said = daemons.refused("--policy", tmp_path / "x.nrb", "--socket", daemons.new_path(), "--unsafe-no-audit")
    assert status == 3
    assert said


def test_a_policy_that_is_not_there_ends_with_3(daemons, tmp_path):
    status, said = daemons.refused("--policy", tmp_path / "nowhere", "--socket", daemons.new_path(), "--unsafe-no-audit")
    assert status == 3
    assert "nowhere" in said


def test_neither_audit_nor_unsafe_no_audit_is_wrong_usage(policy, daemons):
    status, said = daemons.refused("--policy", policy(SMALL).path, "--socket", daemons.new_path())
    assert status == 2
    assert "audit" in said


@pytest.mark.parametrize("arguments", [[], ["--no-such-option"], ["--socket", "x.sock", "--unsafe-no-audit"],
                                       ["--policy"], ["--config", "/nowhere/config.yaml", "--unsafe-no-audit"]])
def test_wrong_usage_ends_at_once(daemons, arguments):
    status, said = daemons.refused(*arguments)
    assert status in (2, 3) if "--config" in arguments else status == 2
    assert said


def test_help_is_given():
    result = run("--help", program=NRBACD)
    assert result.status == 0
    for option in ("--policy", "--socket", "--config", "--unsafe-no-audit"):
        assert option in result.out


def test_an_example_policy_is_refused_unless_it_is_allowed(policy, daemons):
    path = policy(EXAMPLE).path
    status, said = daemons.refused("--policy", path, "--socket", daemons.new_path(), "--unsafe-no-audit")
    assert status != 0
    assert "example" in said
    assert daemons.start(path, "--allow-example").client().evaluate(neutral("B0820")).effect == "permit"


def test_an_example_image_is_refused_too(policy, daemons, tmp_path):
    image = tmp_path / "example.nrb"
    assert run("compile", policy(EXAMPLE).path, "-o", image).status == 0
    status, said = daemons.refused("--policy", image, "--socket", daemons.new_path(), "--unsafe-no-audit")
    assert status != 0
    assert "example" in said


def test_the_socket_has_mode_0660(daemon):
    running = daemon(SMALL)
    assert stat.S_ISSOCK(running.socket.stat().st_mode)
    assert stat.S_IMODE(running.socket.stat().st_mode) == 0o660


def test_the_socket_has_its_mode_whatever_the_umask(policy, daemons):
    before = os.umask(0o077)
    try:
        running = daemons.start(policy(SMALL).path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(running.socket.stat().st_mode) == 0o660


def test_a_second_daemon_on_a_live_socket_refuses_and_disturbs_nothing(policy, daemons):
    path = policy(SMALL).path
    first = daemons.start(path)
    client = first.client()
    session = client.open(neutral(None))
    status, said = daemons.refused("--policy", path, "--socket", first.socket, "--unsafe-no-audit", path=first.socket)
    assert status not in (0, 2)
    assert said
    assert client.call("check", session, "B0820")[0] is True
    assert first.client().evaluate(neutral("B0820")).effect == "permit"


def test_a_stale_socket_is_replaced(policy, daemons):
    path = daemons.new_path()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    assert path.exists()
    running = daemons.start(policy(SMALL).path, path=path)
    assert running.client().evaluate(neutral("B0820")).effect == "permit"


def test_after_a_kill_the_next_daemon_starts(policy, daemons):
    path = policy(SMALL).path
    first = daemons.start(path)
    first.process.kill()
    first.wait()
    assert first.socket.exists()
    second = daemons.start(path, path=first.socket)
    assert second.client().evaluate(neutral("B0820")).effect == "permit"


def test_what_is_no_socket_is_not_removed(policy, daemons):
    path = daemons.new_path()
    path.write_text("precious")
    status, said = daemons.refused("--policy", policy(SMALL).path, "--socket", path, "--unsafe-no-audit")
    assert status != 0
    assert path.read_text() == "precious"
    assert said


def test_a_path_that_is_too_long_for_a_socket_is_refused(policy, daemons):
    status, said = daemons.refused("--policy", policy(SMALL).path, "--socket", daemons.folder / ("x" * 120), "--unsafe-no-audit")
    assert status in (2, 3)
    assert said


# systemd.

def test_notify_socket_is_told_that_it_is_ready(policy, daemons):
    path = daemons.folder / "notify.sock"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(path))
    listening.settimeout(10)
    running = daemons.start(policy(SMALL).path, env={"NOTIFY_SOCKET": str(path)})
    told = listening.recv(4096).decode()
    assert "READY=1" in told.splitlines()
    assert running.client().evaluate(neutral("B0820")).effect == "permit"
    listening.close()


def test_notify_socket_may_be_abstract(policy, daemons):
    name = f"nrbac-test-{os.getpid()}"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind("\0" + name)
    listening.settimeout(10)
    daemons.start(policy(SMALL).path, env={"NOTIFY_SOCKET": "@" + name})
    assert "READY=1" in listening.recv(4096).decode().splitlines()
    listening.close()


def test_a_notify_socket_that_is_gone_does_not_matter(policy, daemons):
    running = daemons.start(policy(SMALL).path, env={"NOTIFY_SOCKET": str(daemons.folder / "gone.sock")})
    assert running.client().evaluate(neutral("B0820")).effect == "permit"


def test_a_socket_that_systemd_passes_is_taken_over_and_not_removed(policy, daemons):
    listening, path = daemons.listener()
    early = Client(path)                      # connects before anybody accepts, as socket activation promises
    running = daemons.start(policy(SMALL).path, path=path, passed=listening)
    listening.close()
    assert early.evaluate(neutral("B0820")).effect == "permit"
    assert running.client().evaluate(neutral("B0820")).effect == "permit"
    early.close()
    assert running.stop() == 0
    assert path.exists()


def test_listen_fds_for_another_process_are_not_ours(policy, daemons):
    running = daemons.start(policy(SMALL).path, env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    assert running.client().evaluate(neutral("B0820")).effect == "permit"


# Reloading.

def health(client):
    return json.dumps(client.call("health"), default=str)


def test_sighup_publishes_a_sound_policy(policy, daemons):
    served = policy(SMALL)
    running = daemons.start(served.path)
    client = running.client()
    session = client.open(neutral(None))
    assert client.evaluate(neutral("B0015")).effect == "deny"
    rewrite(served, MORE)
    running.signal(signal.SIGHUP)
    assert until(lambda: client.call("policy")["generation"] == 2)
    assert client.evaluate(neutral("B0015")).effect == "permit"
    assert client.call("check", session, "B0015")[:3] == [True, "granted-by-baseline", 2]


def test_sighup_with_a_broken_policy_changes_nothing_and_health_tells_it(policy, daemons):
    served = policy(SMALL)
    running = daemons.start(served.path)
    client = running.client()
    session = client.open(neutral(None))
    sound = health(client)
    before = running.stderr
    rewrite(served, BROKEN)
    running.signal(signal.SIGHUP)
    assert until(lambda: "R9999" in running.stderr[len(before):]), "the diagnostics are reported"
    assert until(lambda: health(client) != sound), "health tells that the last reload failed"
    told = health(client)
    assert "error" in told or "fail" in told or "mistake" in told or "false" in told
    assert client.call("policy")["generation"] == 1
    assert client.call("check", session, "B0820")[:3] == [True, "granted-by-baseline", 1]
    assert client.evaluate(neutral("B0820")).context["policy"]["generation"] == 1
    rewrite(served, MORE)
    running.signal(signal.SIGHUP)
    assert until(lambda: client.call("policy")["generation"] == 2)
    assert client.evaluate(neutral("B0015")).effect == "permit"


def test_a_reload_does_not_let_an_example_in(policy, daemons):
    served = policy(SMALL)
    running = daemons.start(served.path)
    client = running.client()
    rewrite(served, EXAMPLE)
    try:
        client.call("reload")
    except RpcError as error:
        print(error)
    assert client.call("policy")["name"] == "small"
    assert client.evaluate(neutral("B0820")).warnings == []


def test_a_policy_that_is_gone_at_reload_changes_nothing(policy, daemons):
    served = policy(SMALL)
    running = daemons.start(served.path)
    (served.path / "policy.yaml").unlink()
    running.signal(signal.SIGHUP)
    client = running.client()
    time.sleep(0.3)
    assert client.evaluate(neutral("B0820")).verdict == "permit granted-by-baseline"
    assert client.call("policy")["generation"] == 1


def test_a_hundred_reloads_neither_leak_nor_disturb(policy, daemons):
    served = policy(SMALL)
    running = daemons.start(served.path)
    client = running.client()
    session = client.open(neutral(None))
    for _ in range(20):
        client.call("reload")
    before = running.resident_kb()
    for number in range(100):
        rewrite(served, MORE if number % 2 else SMALL)
        client.call("reload")
        assert client.call("check", session, "B0820")[0] is True
        assert client.call("check", session, "B0015")[0] is bool(number % 2)
    assert running.resident_kb() - before < 16 * 1024 * ROOM


def test_clients_never_see_half_a_policy_while_it_is_replaced(policy, daemons):
    one = SMALL + "functions:\n  both: { require: { all: [B0825, B0820] } }\n"
    two = SMALL + "  - { roles: [R8000], activities: [B0015] }\nfunctions:\n  both: { require: { all: [B0015, B0820] } }\n"
    served = policy(one)
    running = daemons.start(served.path)
    wrong, stop = [], threading.Event()

    def ask():
        with Client(running.socket) as client:
            session = client.call("open", neutral(None))["session"]
            while not stop.is_set():
                if client.call("check", session, "both")[0] is not True:
                    wrong.append("check")
                if client.call("evaluate", neutral("both"))["decision"] is not True:
                    wrong.append("evaluate")
    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    admin = running.client()
    for number in range(30):
        rewrite(served, two if number % 2 else one)
        admin.call("reload")
    stop.set()
    for thread in asking:
        thread.join(10)
    assert wrong == []


# Whom a daemon obeys.

AS_NOBODY = """
import os, sys
sys.path.insert(0, sys.argv[1])
from support.rpc import Client, RpcError
os.setgroups([]); os.setgid(12345); os.setuid(12345)
with Client(sys.argv[2]) as client:
    for method, params in (("reload", []), ("revoke", [{"sub": "910000000001"}])):
        try:
            print(method, client.wait(client.post(method, *params)))
        except RpcError as error:
            print(method, error.code)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_reload_and_revoke_are_not_for_everybody(daemon):
    running = daemon(SMALL)
    running.socket.chmod(0o666)
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, str(ROOT / "tests"), str(running.socket)], capture_output=True,
                          text=True, timeout=30, check=False)
    print(done.stdout, done.stderr)
    assert done.stdout.split() == ["reload", "not-allowed", "revoke", "not-allowed"]
    assert running.client().call("policy")["generation"] == 1


# Ending.

def test_sigterm_ends_with_0_and_removes_the_socket(daemon):
    running = daemon(SMALL)
    assert running.stop() == 0
    assert not running.socket.exists()


def test_sigterm_answers_what_was_read(daemon):
    running = daemon(FUNCTIONS)
    client = running.client()
    numbers = [client.post("evaluate", neutral("B0820")) for _ in range(200)]
    assert client.wait(numbers[0])["decision"] is True
    time.sleep(0.3)                           # long enough for the daemon to have read them all
    running.signal(signal.SIGTERM)
    assert all(client.wait(number)["decision"] is True for number in numbers[1:])
    assert running.wait() == 0


def test_sigterm_is_not_held_up_by_a_client_that_does_not_read(daemon):
    running = daemon(FUNCTIONS)
    lazy = running.client()
    frame = msgpack.packb([0, 1, "explain", [neutral("B0570")]])
    lazy.socket.settimeout(0.5)
    try:
        lazy.socket.sendall(frame * 20000)
    except OSError:
        pass
    assert running.stop(20) == 0
    assert not running.socket.exists()


def test_sigterm_is_not_held_up_by_idle_clients(daemon):
    running = daemon(SMALL)
    idle = [running.client() for _ in range(10)]
    started = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - started < 10
    assert idle


def test_sigint_ends_it_too(daemon):
    running = daemon(SMALL)
    running.signal(signal.SIGINT)
    assert running.wait() == 0


def test_an_idle_daemon_uses_no_processor(daemon):
    running = daemon(SMALL)
    client = running.client()
    client.evaluate(neutral("B0820"))
    before = running.cpu_seconds()
    time.sleep(1.5)
    assert running.cpu_seconds() - before < 0.3
