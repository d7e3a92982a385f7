# SPDX-License-Identifier: Apache-2.0
"""What the machine gives a daemon runs out: those that are served go on, who is turned away is counted, and it is over when it is over."""
import resource
import subprocess
import time

import pytest
from support.crowd import EVERYTHING, Stream, bounded, connect, descriptors, frames, mapped_bytes, run_streams
from support.daemon import ROOM
from support.paths import FAILING_SYNC, NRBACD
from support.requests import neutral
from support.rpc import Client, Closed, RpcError, until
from support.small import SMALL

SPARE = 24          # descriptors that are left to the daemon


def asked(path):
    """Whether a new connection is answered; None: it is closed, or not taken."""
    try:
        with Client(path, timeout=0.2) as client:
            return client.wait(client.post("evaluate", neutral("B0820")))["decision"]
    except (OSError, Closed, RpcError):
        return None


@pytest.mark.parametrize("threads", [pytest.param((), id="one thread"), pytest.param(("--threads", 4), id="four threads")])
def test_without_descriptors_the_others_go_on_and_nothing_spins(policy, daemons, threads):
    running = daemons.start(policy(SMALL).path, *threads)
    client = running.client()
    session = client.open(neutral(None))
    soft = descriptors(running) + SPARE
    bounded(running, resource.RLIMIT_NOFILE, soft)
    crowd = []
    for _ in range(2 * SPARE):
        try:
            crowd.append(Client(running.socket, timeout=0.1))
        except OSError:
            pass
    served = []
    for one in crowd:
        try:
            assert one.wait(one.post("evaluate", neutral("B0820")))["decision"] is True
            one.socket.settimeout(10)
            served.append(one)
        except (OSError, Closed, RpcError):
            one.close()
    print(f"{len(served)} of {len(crowd)} are served")
    assert SPARE // 2 <= len(served) <= SPARE
    began = running.cpu_seconds()
    for _ in range(10):
        assert client.call("check", session, "B0820")[0] is True
        assert asked(running.socket) is None
    assert running.cpu_seconds() - began < 0.5, "it waits, and does not try for ever"
    assert all(one.call("evaluate", neutral("B0820"))["decision"] is True for one in served)
    assert client.call("metrics")["connections_refused"] > 0
    assert 0 < running.stderr.count("not taken: Too many open files") < 60, "it is told, and not for ever"
    for one in served[len(served) // 2:]:
        one.close()
    assert until(lambda: asked(running.socket), seconds=20) is True
    assert running.stop() == 0


def test_it_takes_as_many_descriptors_as_its_connections_need(policy, daemons):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        running = daemons.start(policy(SMALL).path, "--max-connections", 300)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    clients = [running.client() for _ in range(300)]
    assert all(client.wait(client.post("evaluate", neutral("B0820")))["decision"] is True for client in clients)
    assert "descriptors" not in running.stderr


def test_too_few_descriptors_for_the_connections_are_told(tmp_path):
    done = subprocess.run(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", str(NRBACD), "--policy", str(tmp_path / "none"), "--socket",
                           str(tmp_path / "s"), "--unsafe-no-audit", "--max-connections", "300"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 3
    assert "300 connections need 364 descriptors, and the system gives us 64" in done.stderr


def test_a_reload_without_descriptors_fails_and_changes_nothing(policy, daemons):
    running = daemons.start(policy(SMALL).path)
    client = running.client()
    assert client.call("reload")["ok"] is True
    bounded(running, resource.RLIMIT_NOFILE, 3)
    told = client.call("reload")
    assert told["ok"] is False and told["generation"] == 2
    assert client.evaluate(neutral("B0820")).effect == "permit"
    bounded(running, resource.RLIMIT_NOFILE, 200)
    assert client.call("reload")["generation"] == 3
    told = client.call("metrics")
    assert (told["reloads_ok"], told["reloads_failed"]) == (2, 1)


def large(count):
    """A question that takes memory: its evidence has many role profiles."""
    return {**neutral("B0820"), "padding": [["x" * 90] * 10] * count}


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer maps more memory than any limit leaves")
@pytest.mark.parametrize("threads", [pytest.param((), id="one thread"), pytest.param(("--threads", 4), id="four threads")])
def test_what_needs_more_memory_than_there_is_is_over_limit(policy, daemons, threads):
    running = daemons.start(policy(SMALL).path, "--max-message-bytes", 67108864, "--max-elements", 4194304, *threads)
    client = running.client()
    session = client.open(neutral(None))
    question = frames("evaluate", [large(20000)], [1])
    bounded(running, resource.RLIMIT_AS, mapped_bytes(running) + (12 << 20))
    ended = []
    for _ in range(6):
        stream = Stream(connect(running), question)
        assert run_streams([stream], lambda one: one.answers, 20)
        ended.append(stream.answers[0][2]["code"] if stream.answers else stream.ended)
        stream.socket.close()
        assert client.call("check", session, "B0820")[0] is True
        assert client.evaluate(neutral("B0820")).effect == "permit"
    print(f"{len(question) >> 10} kB: {ended}")
    assert set(ended) <= {"over-limit", "closed", "reset"} and running.process.poll() is None
    told = client.call("metrics")
    assert told["errors"]["over-limit"] >= len(ended)
    bounded(running, resource.RLIMIT_AS, EVERYTHING)
    stream = Stream(connect(running), question)
    assert run_streams([stream], lambda one: one.answers, 20)
    assert stream.answers[0][3]["decision"] is True
    stream.socket.close()


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer maps more memory than any limit leaves")
def test_without_any_memory_it_lives_and_goes_on(policy, daemons):
    """No limit is met at one place alone: what is left shrinks until nothing at all is had."""
    running = daemons.start(policy(SMALL).path)
    client = running.client()
    session = client.open(neutral(None))
    for spare in (4 << 20, 1 << 20, 256 << 10, 64 << 10, 0):
        bounded(running, resource.RLIMIT_AS, mapped_bytes(running) + spare)
        for number in range(40):
            try:
                with Client(running.socket, timeout=5) as other:
                    other.post("reload") if number % 8 == 0 else other.post("evaluations", {**neutral("B0820"), "evaluations": [{}] * 500})
                    other.receive()
            except (Closed, OSError):
                pass
        assert client.call("check", session, "B0820")[0] is True
    bounded(running, resource.RLIMIT_AS, EVERYTHING)
    assert client.call("reload")["ok"] is True
    assert client.call("check", session, "B0820")[0] is True
    assert asked(running.socket) is True
    assert running.stop() == 0


def test_whatever_a_limit_refuses_is_counted(policy, daemons):
    """One refusal of each, and one more in the metrics."""
    running = daemons.start(policy(SMALL).path, "--max-message-bytes", 2048, "--max-elements", 100, "--max-depth", 8, "--max-batch", 3,
                            "--max-sessions", 1, "--max-connections", 2, "--idle-seconds", 2)
    client = running.client()
    session = client.open(neutral(None))

    def counted(key, *more):
        value = client.call("metrics")[key]
        return value[more[0]] if more else value
    for refused in (lambda: client.code_of("open", neutral(None)), lambda: client.code_of("check_many", session, ["B0820"] * 4),
                    lambda: client.code_of("evaluations", {"evaluations": [{}] * 4})):
        before = counted("errors", "over-limit")
        assert refused() == "over-limit"
        assert counted("errors", "over-limit") == before + 1
    for params in (["x" * 2048], [[0] * 100], [[[[[[[[]]]]]]]]):
        before = counted("errors", "over-limit")
        with running.client() as other:
            other.post("hello", *params)
            assert other.receive()[2]["code"] == "over-limit"
        assert counted("errors", "over-limit") == before + 1
        assert until(lambda: client.call("health")["connections"] == 1)
    before = counted("connections_refused")
    second = running.client()
    assert second.call("health")["connections"] == 2
    with Client(running.socket) as third:
        assert third.receive()[2]["code"] == "over-limit"
    assert counted("connections_refused") == before + 1
    assert until(lambda: client.call("health")["connections"] == 1, every=0.2), "the second one is silent"
    assert counted("connections_idle") == 1


def with_activities(request, count):
    request["subject"]["properties"]["profile"]["activities"] = [f"local:{number:026}" for number in range(count)]
    return request


def test_sessions_with_much_evidence_are_bounded_too(policy, daemons):
    """Evidence may be as large as a message, and is kept as long as its session: the count alone would bound nothing."""
    running = daemons.start(policy(SMALL).path, "--max-sessions", 4)
    client = running.client()
    much = with_activities(neutral(None), 600)
    first, _ = client.open(much), client.open(much)
    assert client.code_of("open", much) == "over-limit"
    assert client.code_of("open", neutral(None)) == "over-limit"
    assert running.client().open(much)
    assert client.call("check", first, "B0820")[0] is True
    assert client.call("close", first) is True
    client.open(neutral(None))


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer keeps what is freed")
def test_who_was_asked_about_with_much_evidence_is_not_remembered_for_ever(policy, daemons, tmp_path):
    running = daemons.start(policy(SMALL).path, "--audit", tmp_path / "trail.db")
    client = running.client()
    before = 0
    for number in range(120):
        asked = with_activities(neutral("B0820"), 20000)
        asked["subject"]["id"] = f"user {number}"
        assert client.evaluate(asked).effect == "permit" and client.evaluate(asked).effect == "permit"
        before = running.resident_kb() if number == 49 else before
    assert running.resident_kb() < before + 40000


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer keeps what is freed")
def test_many_items_with_the_same_evidence_have_it_recorded_once(policy, daemons, tmp_path):
    running = daemons.start(policy(SMALL).path, "--audit", tmp_path / "trail.db")
    client = running.client()
    shared = neutral(None)
    shared["subject"]["properties"]["profile"]["activities"] = ["B0820"] * 60000
    shared["subject"]["id"] = "somebody"
    shared["evaluations"] = [{"action": {"name": "B0820"}}] * 500
    before = running.resident_kb()
    assert len(client.call("evaluations", shared)["evaluations"]) == 500
    assert running.resident_kb() < before + 65536


@pytest.mark.skipif(ROOM != 1, reason="a sanitizer wants to be the first library")
def test_what_waits_for_a_disk_that_hangs_is_bounded(policy, daemons, tmp_path):
    hangs = daemons.folder / "hangs"
    running = daemons.start(policy(SMALL).path, "--audit", tmp_path / "trail.db", "--audit-durability", "batched", "--audit-flush-ms", 10,
                            env={"LD_PRELOAD": str(FAILING_SYNC), "FAILING_SYNC": str(hangs)})
    client = running.client()
    client.evaluate(neutral("B0820"))
    hangs.write_text("hangs")
    client.evaluate(neutral("B0820"))
    time.sleep(0.1)
    before = running.resident_kb()
    stream = Stream(connect(running), frames("evaluate", [with_activities(neutral("B0820"), 20000)], range(1, 101)))
    assert not run_streams([stream], lambda one: len(one.answers) == 100, 4), "it waits for the disk"
    assert running.resident_kb() < before + 65536
    hangs.unlink()
    assert run_streams([stream], lambda one: len(one.answers) == 100, 20)
    stream.socket.close()

