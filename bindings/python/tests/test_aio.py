# SPDX-License-Identifier: Apache-2.0
"""The client for asyncio: the same calls and errors, pipelining, cancellation, and a daemon that is away."""
import asyncio
import signal
import threading
import time

import pytest
from conftest import OTHER, SMALL, asks, who
from test_client import GARBAGE, RESULTS, silent

import nrbac
from nrbac import aio

pytestmark = pytest.mark.transport("unix-asyncio")


@pytest.fixture
def daemon(serve, policies):
    return serve(policies(SMALL))


@pytest.fixture
def run(loops):
    """Runs `operation(client)`, for at most 20 seconds."""
    def run(source, operation, **options):
        async def main():
            async with aio.open(source, **options) as client:
                return await asyncio.wait_for(operation(client), 20)
        return loops(main())
    return run


async def seconds(awaitable, error):
    began = time.monotonic()
    with pytest.raises(error):
        await awaitable
    return time.monotonic() - began


def test_every_call(daemon, policies, run):
    async def operation(client):
        async with await client.session(who()) as session:
            names = ["B0820", client.prepare("B0572"), "scr.emergency", client.prepare("patient.view")]
            assert [await session.check(name) for name in names] == [True, False, False, True] == await session.check_many(names)
            assert (await session.decide("scr.emergency")).obligations == ("notify-access",)
            assert [one.effect for one in await session.decide_many(names)] == ["permit", "deny", "permit", "permit"]
            assert session.answer["profile"]["role"] == "R8000" and session.valid_until is None and not session.closed
        assert session.closed
        with pytest.raises(nrbac.Closed):
            await session.check("B0820")
        with pytest.raises(nrbac.NotOpened, match="malformed-request"):
            await client.session({"subject": {"type": "robot"}})
        assert await client.evaluate(asks("B0820")) and not await client.evaluate(asks("B0572"))
        assert (await client.explain(asks("B0820"))).decision
        assert len(await client.evaluations({**who(), "evaluations": [{"action": {"name": "B0820"}}] * 3})) == 3
        assert (await client.policy())["name"] == "small" and await client.generation() == 1
        assert (await client.health())["status"] == "ok" and (await client.metrics())["requests"]
        session = await client.session(who())
        policies(OTHER)
        assert (await client.reload())["generation"] == 2
        assert not await session.check("B0820") and await session.check("B0572")
        assert await client.stop(True) and not await client.stop(False)
        assert await client.revoke(role_profile="1001") == 1
        assert (await session.decide("B0572")).reason == nrbac.Reason.SESSION_REVOKED
        with pytest.raises(TypeError):
            await client.revoke()
        with pytest.raises(TypeError):
            await session.check(7)
        with pytest.raises(TypeError):
            await session.check_many("B0820")
        other = aio.open(f"unix:{daemon.socket}")
        with pytest.raises(nrbac.ForeignName):
            await session.check(other.prepare("B0820"))
        await other.close()
    run(f"unix:{daemon.socket}", operation)


def test_only_sockets_are_asked_this_way(tmp_path):
    for source in ("dir:policy", "file:policy.nrb", "shm:/run/nrbac", "nonsense"):
        with pytest.raises(ValueError):
            aio.open(source)


def test_calls_are_pipelined(fake, run):
    """The daemon answers only once it has all of them."""
    def act(peer):
        asked = []
        for message in peer.requests():
            asked.append(message)
            if len(asked) == 50:
                for _, number, _method, _params in reversed(asked):
                    peer.answer(number, {"generation": number})

    async def operation(client):
        return await asyncio.gather(*(client.generation() for _ in range(50)))
    assert len(set(run(fake(act).source, operation))) == 50


def test_generations_are_told(daemon, policies, engine, run):
    async def operation(client):
        seen = []

        async def watch():
            async for generation in client.generations(every=0.01):
                seen.append(generation)
                if len(seen) == 2:
                    return
        watching = asyncio.create_task(watch())
        for text in (OTHER, SMALL):
            await asyncio.sleep(0.1)
            policies(text)
            await client.reload()
        await watching
        assert seen == [2, 3]
        local = aio.generations(engine, every=0.01)
        told = asyncio.create_task(anext(local))
        await asyncio.sleep(0.05)
        engine.reload()
        assert await told == 2
        engine.close()
        with pytest.raises(StopAsyncIteration):
            await anext(local)
    run(f"unix:{daemon.socket}", operation)


def test_a_call_that_is_cancelled_drops_its_answer(fake, run):
    released = threading.Event()

    def act(peer):
        for _, number, method, _params in peer.requests():
            if method == "policy":
                released.wait(5)
                peer.answer(number, {"name": "late"})
            else:
                peer.answer(number, {"generation": 5})

    async def operation(client):
        assert await client.generation() == 5
        task = asyncio.create_task(client.policy())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.policy(), 0.05)
        released.set()
        assert await client.generation() == 5 and await client.health() == {"generation": 5}
        assert not client._wire.link._waiting and client._under_way == 0
    run(fake(act).source, operation)


def test_cancelling_many_leaves_the_others_alone(daemon, run):
    async def operation(client):
        session = await client.session(who())
        for _ in range(20):
            tasks = [asyncio.create_task(session.check("B0820")) for _ in range(40)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(answer is True for answer in answers[1::2])
            assert not any(answer for answer in answers[::2] if not isinstance(answer, asyncio.CancelledError) and answer is not True)
        assert (await client.health())["sessions"] == 1
    run(f"unix:{daemon.socket}", operation)


def test_an_opening_that_is_cancelled_does_not_lock_the_session(daemon, serve, policies, run):
    async def operation(client):
        session = await client.session(who())
        daemon.signal(signal.SIGKILL)
        await asyncio.to_thread(daemon.wait)
        tasks = [asyncio.create_task(session.check("B0820")) for _ in range(3)]
        await asyncio.sleep(0.1)
        tasks[0].cancel()
        await asyncio.to_thread(serve, policies(SMALL), path=daemon.socket)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError) and answers[1:] == [True, True]
        assert (await client.health())["sessions"] == 1
    run(f"unix:{daemon.socket}", operation)


def test_without_a_daemon_a_call_waits_its_time_and_fails(tmp_path, run):
    async def operation(client):
        assert 0.25 < await seconds(client.evaluate(asks("B0820")), nrbac.DaemonUnavailable) < 1
        assert await seconds(client.session(who(), timeout=0.05), nrbac.DaemonUnavailable) < 0.3
        times = await asyncio.gather(*(seconds(client.health(), nrbac.DaemonUnavailable) for _ in range(50)))
        assert max(times) < 1
    run(f"unix:{tmp_path}/no.sock", operation, timeout=0.3)


def test_sessions_survive_a_daemon_that_is_killed_and_started_again(daemon, serve, policies, run):
    async def operation(client):
        session, name = await client.session(who()), client.prepare("B0820")
        assert await session.check(name)
        daemon.signal(signal.SIGKILL)
        await asyncio.to_thread(daemon.wait)
        assert 0.15 < await seconds(session.check(name, timeout=0.2), nrbac.DaemonUnavailable) < 1
        asking = [asyncio.create_task(session.check("B0572")) for _ in range(100)]
        await asyncio.to_thread(serve, policies(OTHER), path=daemon.socket)
        assert await asyncio.gather(*asking) == [True] * 100, "by the policy of the new daemon"
        assert (await client.health())["sessions"] == 1
        assert not await session.check(name)
    run(f"unix:{daemon.socket}", operation)


def test_a_session_that_was_revoked_is_not_opened_again(daemon, serve, policies, run):
    async def operation(client):
        session = await client.session(who())
        await client.revoke(role_profile="1001")
        assert not await session.check("B0820")
        await asyncio.to_thread(daemon.stop)
        await asyncio.to_thread(serve, policies(SMALL), path=daemon.socket)
        assert await client.evaluate(asks("B0820"))
        assert (await session.decide("B0820")).reason == nrbac.Reason.SESSION_REVOKED
    run(f"unix:{daemon.socket}", operation)


def test_a_daemon_that_does_not_answer_is_a_timeout(fake, run):
    async def operation(client):
        for call in (client.evaluate(asks("B0820")), client.session(who()), client.reload()):
            assert 0.15 < await seconds(call, nrbac.Timeout) < 1
    run(fake(silent).source, operation, timeout=0.2)


def test_a_daemon_that_does_not_read_is_a_timeout(fake, run):
    async def operation(client):
        calls = [client.evaluate({**asks("B0820"), "more": "x" * 1_000_000}) for _ in range(8)]
        assert max(await asyncio.gather(*(seconds(call, nrbac.Timeout) for call in calls))) < 1
    run(fake(lambda peer: time.sleep(2)).source, operation, timeout=0.3)


def test_the_queue_is_bounded(fake, tmp_path, run):
    async def operation(client):
        results = await asyncio.gather(*(client.health() for _ in range(10)), return_exceptions=True)
        kinds = [type(result) for result in results]
        assert kinds.count(nrbac.QueueFull) == 6
        assert kinds.count(nrbac.Timeout) + kinds.count(nrbac.DaemonUnavailable) == 4
    for source in (fake(silent).source, f"unix:{tmp_path}/no.sock"):
        run(source, operation, timeout=0.3, in_flight=4)


def test_closing_wakes_those_who_wait(fake, tmp_path, run):
    async def operation(client):
        tasks = [asyncio.create_task(client.health()) for _ in range(3)]
        await asyncio.sleep(0.1)
        await client.close()
        assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == [nrbac.Closed] * 3
        assert await seconds(client.health(), nrbac.Closed) < 0.5
    for source in (fake(silent).source, f"unix:{tmp_path}/no.sock"):
        run(source, operation, timeout=10)


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_an_error_and_no_permit(fake, what, run):
    def act(peer):
        peer.socket.recv(1 << 16)
        peer.send(GARBAGE[what])

    async def operation(client):
        for call in (client.evaluate(asks("B0820")), client.session(who()), client.generation()):
            assert await seconds(call, nrbac.TransportError) < 1
    run(fake(act).source, operation, timeout=0.3)


@pytest.mark.parametrize("what", RESULTS)
def test_a_result_that_is_none_is_an_error_and_no_permit(fake, what, run):
    def act(peer):
        for _, number, method, params in peer.requests():
            good = {"effect": "permit", "reason": "opened", "session": 1}
            peer.answer(number, good if method == "open" and "bad" not in str(params) else RESULTS[what])

    async def operation(client):
        session = await client.session(who())
        for call in (client.evaluate(asks("B0820")), session.check("B0820"), session.check_many(["B0820", "B0825"]),
                     client.session(who("bad")), client.generation()):
            with pytest.raises(nrbac.ProtocolError):
                await call
    run(fake(act).source, operation, timeout=1)


def test_what_changes_something_is_not_asked_twice(fake, run):
    seen = []

    def act(peer):
        for _, _number, method, _params in peer.requests():
            seen.append(method)
            return  # and closes

    async def operation(client):
        for call in (client.reload(), client.revoke(sub="1"), client.stop(True)):
            with pytest.raises(nrbac.DaemonUnavailable):
                await call
    run(fake(act).source, operation, timeout=1)
    assert seen == ["reload", "revoke", "stop"]
