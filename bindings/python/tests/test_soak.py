# SPDX-License-Identifier: Apache-2.0
"""Very many sessions, opened and closed: neither this process grows by them, nor the daemon."""
import asyncio

import pytest
from conftest import SMALL, resident_kb, who

import nrbac
from nrbac import aio

ROOM_KB = 1024
OVER_THE_SOCKET = 50_000    # at most some ten seconds


@pytest.fixture
def daemon(serve, policies):
    return serve(policies(SMALL))


def holds(run, times, daemon=None):
    """Runs it a little, then so many times; nothing grows by that."""
    run(max(times // 20, 5_000))
    here, there = resident_kb(), daemon.resident_kb() if daemon else 0
    run(times)
    grown = resident_kb() - here, (daemon.resident_kb() if daemon else 0) - there
    print(f"{times} sessions: {grown[0]:+} KB here, {grown[1]:+} KB there")
    assert max(grown) < ROOM_KB


def sessions_of(source, times):
    request, name = who(), source.prepare("B0820")
    for _ in range(times):
        with source.session(request) as session:
            assert session.check(name)


@pytest.mark.transport("in-process")
def test_a_million_sessions(engine):
    holds(lambda times: sessions_of(engine, times), 1_000_000)


@pytest.mark.transport("shm")
def test_a_million_sessions_on_a_daemons_table(daemon):
    with nrbac.open(f"shm:{daemon.socket}") as engine:
        holds(lambda times: sessions_of(engine, times), 1_000_000, daemon)


@pytest.mark.transport("unix")
def test_many_sessions_over_the_socket(daemon):
    with nrbac.open(f"unix:{daemon.socket}") as client:
        holds(lambda times: sessions_of(client, times), OVER_THE_SOCKET, daemon)
        assert client.health()["sessions"] == 0


@pytest.mark.transport("unix-asyncio")
def test_many_sessions_over_the_socket_together(daemon):
    """64 users at a time."""
    async def some(client, times):
        name = client.prepare("B0820")
        for _ in range(times):
            async with await client.session(who()) as session:
                assert await session.check(name)

    async def main():
        async with aio.open(f"unix:{daemon.socket}") as client:
            async def run(times):
                await asyncio.gather(*[some(client, times // 64) for _ in range(64)])
            await run(5_000)
            here, there = resident_kb(), daemon.resident_kb()
            await run(OVER_THE_SOCKET)
            assert resident_kb() - here < ROOM_KB and daemon.resident_kb() - there < ROOM_KB
            assert (await client.health())["sessions"] == 0
    asyncio.run(main(), debug=False)
