# SPDX-License-Identifier: Apache-2.0
"""Decisions in this process on the table that a daemon shares."""
import os
import signal

import pytest
from conftest import OTHER, SMALL, asks, resident_kb, who
from support.rpc import until

import nrbac

pytestmark = pytest.mark.transport("shm")


@pytest.fixture(params=["shm", "file"])
def shared(request, daemons, serve, policies):
    """(daemon, engine that follows it by its socket or by its folder)"""
    folder = daemons.folder / "table"
    folder.mkdir()
    daemon = serve(policies(SMALL), publish_to=str(folder), stale_seconds=1)
    with nrbac.open(f"shm:{daemon.socket}" if request.param == "shm" else f"file:{folder}") as engine:
        yield daemon, engine


def test_the_daemons_policy_is_followed(shared, policies):
    daemon, engine = shared
    session, name = engine.session(who()), engine.prepare("B0820")
    assert session.check(name) and engine.evaluate(asks("B0820")) and engine.generation == 1
    seen = []
    with engine.watch(seen.append, every=0.005):
        policies(OTHER)
        daemon.client().call("reload")
        assert until(lambda: engine.generation == 2, 5) and until(lambda: seen == [2], 5)
    assert not session.check(name) and session.check("B0572")


def test_what_the_daemon_revokes_ends(shared):
    daemon, engine = shared
    session = engine.session(who())
    daemon.client().call("revoke", {"role_profile": "1001"})
    assert until(lambda: session.decide("B0820").reason == nrbac.Reason.SESSION_REVOKED, 5)


def test_when_the_daemon_is_gone_too_long_nothing_is_permitted(shared, serve, policies):
    daemon, engine = shared
    session = engine.session(who())
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    assert until(lambda: not session.check("B0820"), 10)
    assert session.decide("B0820").reason == nrbac.Reason.POLICY_STALE and not engine.evaluate(asks("B0820"))
    serve(policies(SMALL), path=daemon.socket, publish_to=str(daemon.socket.parent / "table"), stale_seconds=1)
    assert until(lambda: session.check("B0820"), 10), "it goes on when the daemon is back"


def test_what_follows_a_daemon_is_reloaded_by_it(shared):
    with pytest.raises(nrbac.Error, match="follows a daemon"):
        shared[1].reload()


def test_a_socket_without_a_daemon_and_a_folder_without_a_table(tmp_path):
    for source in (f"shm:{tmp_path}/no.sock", f"shm:{tmp_path}", f"file:{tmp_path}"):
        with pytest.raises(nrbac.DaemonUnavailable):
            nrbac.open(source)


@pytest.mark.parametrize("status, error", [
    (nrbac.Status.E_IO, nrbac.DaemonUnavailable), (nrbac.Status.E_TIMEOUT, nrbac.Timeout), (nrbac.Status.E_FORMAT, nrbac.ProtocolError),
    (nrbac.Status.E_REFUSED, nrbac.Refused), (nrbac.Status.E_IMAGE, nrbac.OpenError), (nrbac.Status.E_VERSION, nrbac.OpenError), (999, nrbac.DaemonUnavailable)])
def test_what_becomes_of_a_table_that_cannot_be_used(status, error):
    made = nrbac.errors.of_status(status, "shm:/run/nrbac", "", True)
    assert type(made) is error and "/run/nrbac: " in str(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_daemon_that_does_not_share_with_this_user(daemons, serve, policies):
    daemon = serve(policies(SMALL), socket_mode="0666")
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
        try:
            nrbac.open(f"shm:{daemon.socket}")
        except nrbac.Refused as refused:
            os._exit(7 if refused.slug == nrbac.Fault.NOT_ALLOWED else 1)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_following_does_not_grow_memory(daemons, serve, policies):
    daemon = serve(policies(SMALL))

    def run(times):
        for _ in range(times):
            with nrbac.open(f"shm:{daemon.socket}") as engine:
                assert engine.session(who()).check("B0820")
    run(50)
    before = resident_kb()
    run(200)
    assert resident_kb() - before < 2048
