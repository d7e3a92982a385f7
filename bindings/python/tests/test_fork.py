# SPDX-License-Identifier: Apache-2.0
"""Forked children: an engine of the parent's says so there, a client goes on by itself, and the parent notices nothing."""
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback

import pytest
from conftest import OTHER, SMALL, asks, who
from support.rpc import until

import nrbac
from nrbac import aio


def in_child(what):
    """Starts a forked child that runs `what` and ends; its pid."""
    child = os.fork()
    if child != 0:
        return child
    with contextlib.suppress(BaseException):
        signal.alarm(20)
        try:
            what()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os._exit(0)


def ended_well(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def is_forked(call, *arguments):
    with pytest.raises(nrbac.Forked, match="before this process was forked"):
        call(*arguments)


# ---- in process ------------------------------------------------------------------------------------------------------


@pytest.mark.transport("in-process")
@pytest.mark.parametrize("kind", ["dir", "shm"])
def test_an_engine_is_the_parents_alone(policies, serve, kind):
    source = f"dir:{policies(SMALL)}" if kind == "dir" else f"shm:{serve(policies(SMALL)).socket}"
    engine = nrbac.open(source)
    session, view, watch = engine.session(who()), engine.prepare("B0820"), engine.watch(print)
    time.sleep(0.05)    # its threads wait by now

    def child():
        for call in (session.check, session.decide):
            is_forked(call, view)
            is_forked(call, "B0820")
        is_forked(session.check_many, [view])
        for call in (engine.evaluate, engine.explain, engine.session):
            is_forked(call, asks("B0820"))
        is_forked(engine.prepare, "B0820")
        is_forked(engine.policy)
        is_forked(lambda: engine.generation)
        if kind == "dir":
            is_forked(engine.reload)
        is_forked(lambda: session.valid_until)
        assert engine.closed and session.closed and not issubclass(nrbac.Forked, nrbac.Closed)
        watch.close()
        session.close()
        engine.close()
        with nrbac.open(source) as own:
            assert own.session(who()).check(own.prepare("B0820"))
    assert ended_well(in_child(child))
    assert session.check(view) and session.decide("B0820") and engine.evaluate(asks("B0820"))
    watch.close()
    engine.close()


@pytest.mark.transport("in-process")
def test_a_child_ends_as_any_program_does(policies, tmp_path):
    """With what it has of its parent's engine, which it never closed, and without waiting for the parent's threads."""
    program = tmp_path / "program.py"
    program.write_text(f"""
import multiprocessing, time, nrbac
engine = nrbac.open("dir:{policies(SMALL)}")
request = {who()!r}
evidence = {{"userinfo": {{"sub": "1", "nhsid_nrbac_roles": [{{"person_roleid": "501", "org_code": "RBA", "role_code": "R8000"}}]}},
            "id_token": {{"sub": "1", "exp": int(time.time()) + 3600}}}}
session = engine.session({{"subject": {{"type": "healthcare-worker", "properties": evidence}}}})   # starts the watcher
time.sleep(0.05)
def work(queue):
    try:
        queue.put(session.check("B0820"))
    except nrbac.Error as error:
        queue.put(type(error).__name__)
context = multiprocessing.get_context("fork")
queue = context.Queue()
child = context.Process(target=work, args=(queue,))
child.start()
print(queue.get(timeout=10))
child.join(10)
print(child.exitcode, session.check("B0820"))
""")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.returncode) == ("Forked\n0 True\n", 0), done.stderr


# ---- over the socket -------------------------------------------------------------------------------------------------


@pytest.mark.transport("unix")
def test_a_client_goes_on_in_a_child_on_a_connection_of_its_own(serve, policies):
    daemon = serve(policies(SMALL))
    with nrbac.open(f"unix:{daemon.socket}") as client:
        session, view = client.session(who()), client.prepare("B0820")
        revoked = client.session(who(id="1002"))
        assert client.revoke(role_profile="1002") == 1 and not revoked.check(view)
        observer = daemon.client()

        def child():
            for _ in range(10):
                assert session.check(view) and not session.check("B0572") and client.evaluate(asks("B0820"))
            assert revoked.decide(view).reason == nrbac.Reason.SESSION_REVOKED, "it is not opened again"
            assert observer.call("health")["connections"] == 3
            session.close()
            client.close()
        assert ended_well(in_child(child))
        sockets = client._socket
        assert session.check(view) and client.evaluate(asks("B0820")) and client._socket is sockets, "the parent's connection stays"


@pytest.mark.transport("unix")
def test_children_that_are_forked_while_others_ask(serve, policies):
    """Whatever locks are held at that moment, and whatever is half sent."""
    daemon = serve(policies(SMALL))
    yes, no = ["B0820", "patient.view", "B0825"], ["B0572", "no.such", "scr.emergency"]
    with nrbac.open(f"unix:{daemon.socket}") as client:
        sessions, wrong, ending = [client.session(who(id=str(n))) for n in range(4)], [], threading.Event()

        def hammer(session):
            while not ending.is_set():
                if session.check_many(yes + no) != [True] * 3 + [False] * 3 or not client.evaluate(asks("B0820")):
                    wrong.append(session)
        threads = [threading.Thread(target=hammer, args=(session,)) for session in sessions]
        for thread in threads:
            thread.start()

        def child():
            for session in sessions:
                assert session.check_many(yes + no) == [True] * 3 + [False] * 3
            assert client.session(who()).check("B0820")
        try:
            children = []
            for _ in range(20):
                children.append(in_child(child))
                time.sleep(0.01)
            assert all([ended_well(one) for one in children])
        finally:
            ending.set()
            for thread in threads:
                thread.join()
        assert not wrong


@pytest.mark.transport("unix")
def test_a_session_that_was_being_opened_is_opened_in_the_child(serve, policies):
    """Its lock is held there by nobody who would give it back."""
    with nrbac.open(f"unix:{serve(policies(SMALL)).socket}", timeout=2) as client:
        session = client.session(who())

        def child():
            assert session.check("B0820")
        with session._known.lock:
            assert ended_well(in_child(child))


@pytest.mark.transport("unix")
def test_a_client_that_has_not_asked_yet_is_for_the_children(serve, policies):
    """As a server that loads its application before it forks its workers."""
    daemon = serve(policies(SMALL))
    client = nrbac.open(f"unix:{daemon.socket}")

    def child():
        assert client.session(who()).check("B0820")
    children = [in_child(child) for _ in range(3)]
    assert all([ended_well(one) for one in children]) and client.session(who()).check("B0820")
    client.close()


@pytest.mark.transport("unix-asyncio")
def test_a_client_of_asyncio_goes_on_in_a_childs_loop(serve, policies, loops):
    daemon = serve(policies(SMALL))

    async def ask(client, session, times=10):
        for _ in range(times):
            assert await session.check("B0820") and not await session.check("B0572")
            assert await client.evaluate(asks("B0820"))

    async def child(client, session):
        async with client:
            await ask(client, session)

    async def parent():
        async with aio.open(f"unix:{daemon.socket}") as client:
            session = await client.session(who())
            under_way = [asyncio.create_task(ask(client, session, 500)) for _ in range(4)]
            await asyncio.sleep(0.02)
            children = []
            for _ in range(5):
                children.append(in_child(lambda: threaded(lambda: loops(child(client, session)))))
                await asyncio.sleep(0.01)
            await asyncio.gather(*under_way)
            assert all([ended_well(one) for one in children])
            wire = client._wire
            await ask(client, session)
            assert client._wire is wire, "the parent's connection stays"
    loops(parent())


def threaded(what):
    """Runs it where no loop runs, as forking amid a running one leaves the child in that."""
    failed = []

    def run():
        try:
            what()
        except BaseException as error:
            traceback.print_exc()
            failed.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed


@pytest.mark.transport("unix")
def test_a_child_does_not_keep_its_parents_sessions_alive(serve, policies):
    """When the parent has ended, the daemon sees its connection end, whatever children live on."""
    daemon = serve(policies(SMALL))
    client = nrbac.open(f"unix:{daemon.socket}")
    client.session(who())
    reading, writing = os.pipe()

    def child():
        os.close(writing)
        os.read(reading, 1)     # until the test is over
    child = in_child(child)
    client.close()
    assert until(lambda: daemon.client().call("health")["sessions"] == 0, 5)
    os.close(writing)
    assert ended_well(child)


@pytest.mark.transport("unix-asyncio")
def test_a_child_does_not_keep_its_parents_sessions_alive_that_asyncio_opened(serve, policies, loops):
    """Nor does it wait for a lock that a task of its parent's held."""
    daemon = serve(policies(SMALL))
    reading, writing = os.pipe()

    async def parent():
        client = aio.open(f"unix:{daemon.socket}", timeout=2)
        session = await client.session(who())

        async def ask():
            async with client:
                assert await session.check("B0820")

        def child():
            os.close(writing)
            threaded(lambda: loops(ask()))
            os.read(reading, 1)     # until the test is over
        async with session._known.lock:
            child = in_child(child)
        await client.close()
        await asyncio.sleep(0)
        return child
    child = loops(parent())
    assert until(lambda: daemon.client().call("health")["sessions"] == 0, 5)
    os.close(writing)
    assert ended_well(child)


@pytest.mark.transport("shm")
def test_a_child_that_opens_its_own_engine_follows_the_daemon(serve, policies):
    daemon = serve(policies(SMALL))
    source = f"shm:{daemon.socket}"
    with nrbac.open(source) as engine:
        session = engine.session(who())
        told, tell = os.pipe()

        def child():
            with nrbac.open(source) as own:
                its = own.session(who())
                assert its.check("B0820")
                os.write(tell, b".")
                assert until(lambda: its.check("B0572") and not its.check("B0820"), 10)
        child = in_child(child)
        assert os.read(told, 1) == b"."
        policies(OTHER)
        assert daemon.client().call("reload")["ok"]
        assert ended_well(child) and until(lambda: session.check("B0572"), 5)
        os.close(told)
        os.close(tell)
