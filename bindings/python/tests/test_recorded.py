# SPDX-License-Identifier: Apache-2.0
"""Decisions in this process that are in the daemon's audit trail, or are none."""
import json
import os
import subprocess
import threading
import time

import pytest
from conftest import SMALL, asks
from support.rpc import until

import nrbac

pytestmark = pytest.mark.transport("shm")

NURSE = {"subject": {"type": "healthcare-worker", "id": "910000000001", "properties": {"userinfo": {
    "sub": "910000000001", "nhsid_nrbac_roles": [{"person_roleid": "501", "org_code": "RBA", "role_code": "R8000"}]}}}}


def asked(name):
    return {**NURSE, "action": {"name": name}}


class Recording:
    """A daemon with a trail, which can be ended and started again."""

    def __init__(self, daemons, folder):
        self.daemons, self.folder = daemons, folder
        self.trail = daemons.folder / "trail.db"
        self.daemon = daemons.start(folder, "--audit", self.trail)
        self.source = f"shm:{self.daemon.socket}"

    def start_again(self):
        self.daemon = self.daemons.start(self.folder, "--audit", self.trail, path=self.daemon.socket)

    def records(self):
        """What this process decided: (event, user, action, reason), as the command lists it."""
        listed = subprocess.run([os.environ["NRBAC"], "audit", "list", "--format", "json", self.trail], capture_output=True, text=True, check=True)
        rows = map(json.loads, listed.stdout.splitlines())
        return [(row["event"], row["user"], row.get("action"), row["reason"]) for row in rows if row.get("peer", {}).get("pid") == os.getpid()]


@pytest.fixture
def recording(daemons, policies):
    return Recording(daemons, policies(SMALL))


@pytest.fixture
def engine(recording):
    with nrbac.open(recording.source, recorded=True) as made:
        yield made


def test_every_decision_is_in_the_trail(recording, engine):
    with engine.session(NURSE) as session:
        view, manage = engine.prepare("B0820"), engine.prepare("B0572")
        assert session.check(view) and session.check("B0825") and not session.check(manage) and not session.check("no.such")
        assert session.check_many([manage, "patient.view", "scr.emergency"]) == [False, True, False]
        assert session.decide("scr.emergency").permitted and not session.decide(manage)
        assert [one.permitted for one in session.decide_many(["B0168", view])] == [True, True]
    assert engine.evaluate(asked("B0825")) and not engine.explain(asked("B0572"))
    assert [bool(one) for one in engine.evaluations({**NURSE, "evaluations": [{"action": {"name": "B0820"}}, {"action": {"name": "B0572"}}]})] == [True, False]
    expected = [
        ("open", None, "opened"), ("recorded", "B0820", "granted-by-baseline"), ("recorded", "B0825", "granted-by-baseline"),
        ("recorded", "B0572", "not-granted"), ("recorded", "no.such", "unknown-function"), ("recorded", "B0572", "not-granted"),
        ("recorded", "patient.view", "requirement-met"), ("recorded", "scr.emergency", "obligations-apply"),
        ("check", "scr.emergency", "requirement-met"), ("check", "B0572", "not-granted"), ("check", "B0168", "granted-by-baseline"),
        ("check", "B0820", "granted-by-baseline"), ("evaluate", "B0825", "granted-by-baseline"), ("evaluate", "B0572", "not-granted"),
        ("evaluate", "B0820", "granted-by-baseline"), ("evaluate", "B0572", "not-granted")]
    assert until(lambda: len(recording.records()) == len(expected), 5), recording.records()
    assert recording.records() == [(event, "910000000001", action, reason) for event, action, reason in expected]


def test_what_cannot_be_recorded_is_denied_and_others_go_on_meanwhile(recording, engine):
    session, view = engine.session(NURSE), engine.prepare("B0820")
    naps, enough = [], threading.Event()

    def nap():
        while not enough.wait(0.001):
            naps.append(time.monotonic())
    other = threading.Thread(target=nap)
    other.start()
    recording.daemon.stop()
    permitted, began = 0, time.monotonic()
    while session.check(view):      # as long as there is room
        permitted, began = permitted + 1, time.monotonic()
    ended = time.monotonic()
    enough.set()
    other.join()
    assert permitted > 50 and ended - began > 0.045
    assert len([nap for nap in naps if nap > began]) > 10, "what waits for room holds nobody up"
    assert not session.check("B0820") and session.check_many([view, "patient.view"]) == [False, False]
    decision, answer = session.decide("B0820"), engine.evaluate(asked("B0820"))
    assert time.monotonic() - ended < 0.04, "it is known that there is none, and nobody waits again"
    assert decision[:3] == ("deny", "not-recorded", ()) and (answer.decision, answer.reason) == (False, nrbac.Reason.NOT_RECORDED)
    with pytest.raises(nrbac.NotOpened, match="not-recorded"):
        engine.session(NURSE)
    recording.start_again()
    assert until(lambda: session.check(view), 10)
    assert until(lambda: len(recording.records()) == 1 + permitted + 1, 10), "what was permitted, and nothing else"


def test_who_cannot_be_recorded_does_not_open(daemons, policies, tmp_path):
    daemon = daemons.start(policies(SMALL), "--unsafe-no-audit")
    with pytest.raises(nrbac.Refused, match="audit trail") as refused:
        nrbac.open(f"shm:{daemon.socket}", recorded=True)
    assert refused.value.slug == nrbac.Fault.NOT_ALLOWED
    for source in (f"dir:{tmp_path}/policy", f"file:{tmp_path}"):
        with pytest.raises(ValueError, match="shm:SOCKET"):
            nrbac.open(source, recorded=True)
    with nrbac.open(f"shm:{daemon.socket}") as engine:
        assert engine.evaluate(asks("B0820")), "unrecorded it does"


def test_a_session_that_is_closed_while_its_check_waits(recording):
    """The check is answered, and the session goes after it."""
    for close in ("session", "engine"):
        engine = nrbac.open(recording.source, recorded=True)
        session, view = engine.session(NURSE), engine.prepare("B0820")
        recording.daemon.stop()
        while session.check(view):
            pass
        ended = []

        def ask(session=session, view=view, ended=ended):
            try:
                while True:
                    assert not session.check(view) and not session.decide("B0820")
            except nrbac.Closed as error:
                ended.append(error)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for one in threads:
            one.start()
        time.sleep(0.02)
        {"session": session, "engine": engine}[close].close()
        for one in threads:
            one.join(10)
        assert len(ended) == 4
        engine.close()
        recording.start_again()
