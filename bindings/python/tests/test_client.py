# SPDX-License-Identifier: Apache-2.0
"""The client over the socket, for threads: every call, every error, and every way in which a daemon can be away."""
import signal
import threading
import time

import pytest
from conftest import OTHER, SMALL, asks, who
from support.rpc import until

import nrbac

pytestmark = pytest.mark.transport("unix")


@pytest.fixture
def daemon(serve, policies):
    return serve(policies(SMALL))


@pytest.fixture
def client(daemon):
    with nrbac.open(f"unix:{daemon.socket}") as made:
        yield made


def seconds(call, error):
    """How long a call takes until it ends in the error."""
    began = time.monotonic()
    with pytest.raises(error):
        call()
    return time.monotonic() - began


# ---- every call --------------------------------------------------------------------------------------------------------


def test_a_session_answers_by_text_and_by_prepared_name(client):
    with client.session(who()) as session:
        for name in ("B0820", client.prepare("B0820"), "patient.view", client.prepare("patient.view")):
            assert session.check(name) is True
        for name in ("B0572", client.prepare("B0572"), "no.such", client.prepare("no.such")):
            assert session.check(name) is False
        decision = session.decide("scr.emergency")
        assert decision == ("permit", "requirement-met", ("notify-access",), 1) and decision.permitted and not decision
        assert not session.check("scr.emergency")
        names = ["B0820", client.prepare("B0572"), "scr.emergency", client.prepare("patient.view"), "no.such"]
        assert session.check_many(iter(names)) == [True, False, False, True, False]
        assert [one.reason for one in session.decide_many(names)] == [
            "granted-by-baseline", "not-granted", "requirement-met", "requirement-met", "unknown-function"]
        assert session.check_many([]) == []
        assert session.answer["profile"]["role"] == "R8000" and session.valid_until is None


def test_sets_larger_than_the_daemon_takes_are_asked_in_parts(serve, policies):
    daemon = serve(policies(SMALL), max_batch=8)
    with nrbac.open(f"unix:{daemon.socket}") as client, client.session(who()) as session:
        assert session.check_many(["B0820", "B0572"] * 50) == [True, False] * 50


def test_names_are_sent_as_numbers_once_the_daemon_told_them(fake):
    seen = []

    def act(peer):
        import msgpack
        for message in msgpack_requests(peer, msgpack):
            seen.append(message[2:])
            if message[2] == "hello":
                peer.answer(message[1], {"numbers": {"B0820": 7}, "limits": {}})
            elif message[2] == "open":
                peer.answer(message[1], {"effect": "permit", "reason": "opened", "session": 3})
            else:
                peer.answer(message[1], [True, "granted-by-baseline", 1, []])
    client = nrbac.open(fake(act).source)
    with client, client.session(who()) as session:
        assert session.check(client.prepare("B0820")) and session.check("B0820") and session.check("patient.view")
    assert [one for one in seen if one[0] == "check"] == [["check", [3, 7]], ["check", [3, 7]], ["check", [3, "patient.view"]]]


def msgpack_requests(peer, msgpack):
    while data := peer.socket.recv(1 << 16):
        peer.unpacker.feed(data)
        yield from (message for message in peer.unpacker if message[0] == 0)


@pytest.mark.parametrize("name", [None, 7, b"B0820", True])
def test_what_is_no_name_is_a_type_error(client, name):
    session = client.session(who())
    for ask in (session.check, session.decide):
        with pytest.raises(TypeError):
            ask(name)
    with pytest.raises(TypeError):
        session.check_many(["B0820", name])
    with pytest.raises(TypeError):
        session.check_many("B0820")
    for text in ("B0820\0", "\ud800"):
        for call in (session.check, client.prepare):
            with pytest.raises(ValueError):
                call(text)


def test_a_name_of_another_client_is_an_error(client, daemon):
    with nrbac.open(f"unix:{daemon.socket}") as other, client.session(who()) as session:
        with pytest.raises(nrbac.ForeignName, match="B0820"):
            session.check(other.prepare("B0820"))


def test_who_gets_no_session_is_told_why(client):
    with pytest.raises(nrbac.NotOpened) as raised:
        client.session({"subject": {"type": "robot"}})
    assert raised.value.reason == nrbac.Reason.MALFORMED_REQUEST and raised.value.effect == "indeterminate"
    assert raised.value.answer["fault"]


def test_whole_requests(client):
    answer = client.evaluate(asks("B0820"))
    assert answer and answer.decision and answer.reason == "granted-by-baseline" and answer.generation == 1
    bound = client.evaluate(asks("scr.emergency"))
    assert bound.decision and bound.obligations == ("notify-access",) and not bound
    assert not client.evaluate(asks("B0572"))
    assert len(str(client.explain(asks("patient.view")))) > len(str(client.evaluate(asks("patient.view"))))
    several = client.evaluations({**who(), "evaluations": [{"action": {"name": name}} for name in ("B0820", "B0572", "B0820")],
                                  "options": {"evaluations_semantic": "deny_on_first_deny"}})
    assert [one.decision for one in several] == [True, False]
    assert [one.decision for one in client.evaluations(asks("B0820"))] == [True]
    for bad in (None, 7, "text", [1]):
        with pytest.raises(TypeError):
            client.evaluate(bad)


NAMES = [{"action": {"name": name}} for name in ("B0820", "B0572", "scr.emergency", "no.such", "B0825")]
EVALUATIONS = {
    "defaults": {**who(), "evaluations": NAMES},
    "a member replaces the whole default": {**asks("B0820"), "evaluations": [{}, who("R9999"), {**who(), "action": {}}, {"context": {"organisation": "Y51"}}]},
    "items that are none": {**who(), "evaluations": [None, 7, "B0820", [], {"action": None}, *NAMES]},
    "no items": {**asks("B0820"), "evaluations": []},
    "no list": asks("B0572"),
    "nothing": {},
    **{how: {**who(), "evaluations": NAMES, "options": {"evaluations_semantic": how}}
       for how in ("execute_all", "deny_on_first_deny", "permit_on_first_permit")},
    "the first permit comes late": {**who(), "evaluations": NAMES[1::2] + NAMES, "options": {"evaluations_semantic": "permit_on_first_permit"}},
}
NO_EVALUATIONS = [None, [], {**who(), "evaluations": None}, {**who(), "evaluations": {}}, {**who(), "evaluations": NAMES, "options": None},
                  *[{**who(), "evaluations": NAMES, "options": {"evaluations_semantic": bad}} for bad in (None, "", "all", 1, [])]]


@pytest.mark.parametrize("what", EVALUATIONS)
def test_several_requests_are_answered_alike_by_an_engine(client, daemon, what):
    with nrbac.open(f"shm:{daemon.socket}") as engine:
        answers = engine.evaluations(EVALUATIONS[what])
        assert answers == client.evaluations(EVALUATIONS[what]) and all(isinstance(one, nrbac.Answer) for one in answers)


@pytest.mark.parametrize("bad", NO_EVALUATIONS)
def test_what_are_no_several_requests_is_refused_alike(client, daemon, bad):
    with nrbac.open(f"shm:{daemon.socket}") as engine:
        with pytest.raises((TypeError, ValueError)):
            engine.evaluations(bad)
        with pytest.raises((TypeError, nrbac.Refused)):
            client.evaluations(bad)


def test_what_the_daemon_says_of_itself(client):
    assert client.policy()["name"] == "small" and client.generation == 1
    assert client.health()["status"] == "ok" and client.metrics()["requests"]["health"] >= 1


def test_reloading_and_revoking_and_stopping(client, policies):
    session, name = client.session(who()), client.prepare("B0820")
    policies(OTHER)
    assert client.reload()["generation"] == 2 == client.generation
    assert not session.check(name) and session.check("B0572") and session.decide("B0572").generation == 2
    policies(SMALL + "nonsense: 1\n")
    told = client.reload()
    assert told["ok"] is False and told["mistakes"] and client.generation == 2
    assert client.stop(True) is True and session.decide("B0572").reason == nrbac.Reason.POLICY_STALE
    assert client.stop(False) is False and session.check("B0572")
    with pytest.raises(TypeError):
        client.revoke()
    assert client.revoke(role_profile="1001") == 1
    assert session.decide("B0572").reason == nrbac.Reason.SESSION_REVOKED and not session.check("B0572")


def test_whoever_watches_is_told_of_each_new_policy(client, policies):
    seen, told = [], threading.Event()
    with client.watch(lambda generation: (seen.append(generation), told.set()), every=0.01):
        policies(OTHER)
        client.reload()
        assert told.wait(5)
    assert seen == [2]


def test_what_the_daemon_refuses_is_an_error_with_its_slug(serve, policies):
    daemon = serve(policies(SMALL), max_sessions=2)
    with nrbac.open(f"unix:{daemon.socket}") as client:
        sessions = [client.session(who()) for _ in range(2)]
        with pytest.raises(nrbac.Refused) as raised:
            client.session(who())
        assert raised.value.slug == nrbac.Fault.OVER_LIMIT
        sessions[0].close()
        assert client.session(who()).check("B0820")


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("more, fits", [
    ("x" * (2 << 20), False), (nested(29), True), (nested(30), False), ([0] * 65_000, True), ([0] * 65_536, False), ({str(i): 0 for i in range(33_000)}, False)],
    ids=["long", "as deep as can be", "deep", "as wide as can be", "wide", "many members"])
def test_a_request_beyond_the_daemons_limits_harms_nobody_else(client, more, fits):
    """The daemon itself would end the connection: the client must know its limits exactly."""
    session = client.session(who())
    link = client._link
    if fits:
        assert client.evaluate({**asks("B0820"), "more": more})
    else:
        with pytest.raises(nrbac.Refused, match="over-limit"):
            client.evaluate({**asks("B0820"), "more": more})
    assert session.check("B0820") and client._link is link


def test_a_request_that_is_changed_afterwards_changes_no_session(client, daemon, serve, policies):
    request = who("R0001")
    session = client.session(request)
    request["subject"]["properties"]["profile"]["role"] = "R8000"
    daemon.stop()
    serve(policies(SMALL), path=daemon.socket)
    assert not session.check("B0820")


def test_after_close_nothing_is_answered(client):
    session = client.session(who())
    kept = client.session(who())
    session.close()
    session.close()
    with pytest.raises(nrbac.Closed):
        session.check("B0820")
    client.close()
    client.close()
    assert client.closed and session.closed
    for call in (lambda: kept.check("B0820"), lambda: client.evaluate(asks("B0820")), lambda: client.generation, client.health, lambda: client.session(who())):
        with pytest.raises(nrbac.Closed):
            call()


def test_a_folder_stands_for_the_socket_in_it(daemons, serve, policies):
    folder = daemons.folder / "run"
    folder.mkdir()
    serve(policies(SMALL), path=folder / "nrbacd.sock")
    with nrbac.open(f"unix:{folder}") as client, nrbac.open(f"shm:{folder}") as engine:
        assert client.evaluate(asks("B0820")) and engine.evaluate(asks("B0820"))


# ---- the daemon goes and comes ------------------------------------------------------------------------------------------


def test_without_a_daemon_a_call_waits_its_time_and_fails(tmp_path):
    with nrbac.open(f"unix:{tmp_path}/no.sock", timeout=0.3) as client:
        for call in (lambda: client.evaluate(asks("B0820")), lambda: client.session(who()), client.health, lambda: client.generation):
            assert 0.25 < seconds(call, nrbac.DaemonUnavailable) < 1
        assert seconds(lambda: client.health(timeout=0.05), nrbac.DaemonUnavailable) < 0.3


def test_a_daemon_that_comes_in_time_is_found(serve, policies, daemons):
    path = daemons.new_path()
    client = nrbac.open(f"unix:{path}")
    folder = policies(SMALL)
    starting = threading.Timer(0.3, serve, [folder], {"path": path})
    starting.start()
    assert client.evaluate(asks("B0820"))
    starting.join()
    client.close()


def test_sessions_survive_a_daemon_that_is_killed_and_started_again(client, daemon, serve, policies):
    session, name = client.session(who()), client.prepare("B0820")
    assert session.check(name)
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    assert 0.15 < seconds(lambda: session.check(name, timeout=0.2), nrbac.DaemonUnavailable) < 1
    folder = policies(OTHER)
    starting = threading.Timer(0.2, serve, [folder], {"path": daemon.socket})
    starting.start()
    assert session.check("B0572") is True, "by the policy of the new daemon"
    assert session.check(name) is False
    starting.join()
    assert client.health()["sessions"] == 1


def test_all_who_wait_for_one_session_are_told_that_the_daemon_is_away(client, daemon):
    session, errors = client.session(who()), []
    daemon.stop()

    def ask():
        try:
            session.check("B0820", timeout=0.2)
        except nrbac.Error as error:
            errors.append(type(error))
    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert errors == [nrbac.DaemonUnavailable] * 5


def test_many_threads_go_on_when_the_daemon_is_started_again(client, daemon, serve, policies):
    sessions = [client.session(who()) for _ in range(4)]
    answered, wrong, ended = [0] * 4, [], threading.Event()

    def ask(number):
        while not ended.is_set():
            try:
                if not sessions[number].check("B0820") or sessions[number].check("B0572") or not sessions[0].check("B0820"):
                    wrong.append("an answer")
                answered[number] += 1
            except nrbac.DaemonUnavailable:
                pass
            except BaseException as error:
                wrong.append(error)
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    folder = policies(SMALL)
    for number in range(3):
        assert until(lambda: min(answered) > 20 * (number + 1))
        running = daemon if number == 0 else running
        running.signal(signal.SIGKILL)
        running.wait()
        running = serve(folder, path=daemon.socket)
        answered[:] = [20 * (number + 1)] * 4
    assert until(lambda: min(answered) > 100)
    ended.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert not wrong
    assert client.health()["sessions"] == 4, "each is opened once, however many ask"


def test_no_call_fails_while_another_daemon_takes_over(client, daemon, daemons, policies):
    session, failed, ended, answered = client.session(who()), [], threading.Event(), [0]

    def ask():
        while not ended.is_set():
            try:
                if not session.check("B0820") or not client.evaluate(asks("B0820")):
                    failed.append("an answer")
                answered[0] += 1
            except nrbac.Error as error:
                failed.append(error)
    asking = threading.Thread(target=ask)
    asking.start()
    assert until(lambda: answered[0] > 20)
    daemons.start(policies(SMALL), "--takeover", path=daemon.socket)
    assert daemon.wait() == 0
    before = answered[0]
    assert until(lambda: answered[0] > before + 20)
    ended.set()
    asking.join(10)
    assert not failed and not asking.is_alive()


def test_a_session_that_was_revoked_is_not_opened_again(client, daemon, serve, policies):
    session = client.session(who())
    client.revoke(role_profile="1001")
    assert session.decide("B0820").reason == nrbac.Reason.SESSION_REVOKED
    daemon.stop()
    serve(policies(SMALL), path=daemon.socket)
    assert client.evaluate(asks("B0820"))
    assert session.decide("B0820").reason == nrbac.Reason.SESSION_REVOKED and session.check_many(["B0820"]) == [False]


def test_a_session_that_cannot_be_opened_again_denies(client, daemon, serve, policies):
    session = client.session(who())
    daemon.stop()
    serve(policies(SMALL.replace("provenance: local }", "provenance: local }\nsuspend: [{ role: R8000, reason: lost }]")),
          path=daemon.socket)
    assert session.check("B0820") is False
    assert not session.decide("B0820").permitted


def test_an_unknown_session_is_opened_again_once(fake):
    opened = []

    def act(peer):
        for _, number, method, params in peer.requests():
            if method == "open":
                opened.append(number)
                peer.answer(number, {"effect": "permit", "reason": "opened", "session": len(opened)})
            elif params[0] < good[0]:
                peer.answer(number, None, {"code": "unknown-session", "message": "no such session"})
            else:
                peer.answer(number, [True, "granted-by-baseline", 1, []])
    good = [2]
    with nrbac.open(fake(act).source, timeout=2) as client:
        session = client.session(who())
        assert session.check("B0820") and len(opened) == 2
        good[0] = 1000
        with pytest.raises(nrbac.Refused, match="unknown-session"):
            session.check("B0820")
        assert len(opened) == 3


def test_what_changes_something_is_not_asked_twice(fake):
    seen = []

    def act(peer):
        for _, number, method, params in peer.requests():
            seen.append(method)
            return  # and closes
    with nrbac.open(fake(act).source, timeout=0.5) as client:
        for call in (client.reload, lambda: client.revoke(sub="1"), lambda: client.stop(True)):
            with pytest.raises(nrbac.DaemonUnavailable):
                call()
        assert seen == ["reload", "revoke", "stop"]


# ---- a daemon that misbehaves --------------------------------------------------------------------------------------------


def silent(peer):
    for _ in peer.requests():
        pass


def test_a_daemon_that_does_not_answer_is_a_timeout(fake):
    with nrbac.open(fake(silent).source, timeout=0.2) as client:
        for call in (lambda: client.evaluate(asks("B0820")), lambda: client.session(who()), client.reload):
            assert 0.15 < seconds(call, nrbac.Timeout) < 1
        with pytest.raises(TimeoutError):
            client.health()


def test_a_daemon_that_does_not_read_is_a_timeout(fake):
    with nrbac.open(fake(lambda peer: time.sleep(3)).source, timeout=0.3) as client:
        assert seconds(lambda: client.evaluate({**asks("B0820"), "more": "x" * 1_000_000}), nrbac.Timeout) < 1


def test_a_late_answer_is_dropped(fake):
    def act(peer):
        for _, number, method, _params in peer.requests():
            if method == "policy":
                time.sleep(0.3)
                peer.answer(number, {"name": "late"})
            else:
                peer.answer(number, {"generation": 5})
    with nrbac.open(fake(act).source, timeout=5) as client:
        with pytest.raises(nrbac.Timeout):
            client.policy(timeout=0.1)
        assert client.generation == 5 and client.health() == {"generation": 5}


def test_the_queue_is_bounded(fake):
    with nrbac.open(fake(silent).source, timeout=0.5, in_flight=4) as client:
        results = []

        def ask():
            try:
                client.health()
            except nrbac.Error as error:
                results.append(type(error))
        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()
        assert sorted(results, key=str) == sorted([nrbac.QueueFull] * 6 + [nrbac.Timeout] * 4, key=str)


def test_those_who_wait_for_a_daemon_are_bounded_too(tmp_path):
    with nrbac.open(f"unix:{tmp_path}/no.sock", timeout=0.5, in_flight=4) as client:
        results = []

        def ask():
            try:
                client.health()
            except nrbac.Error as error:
                results.append(type(error))
        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert len(results) == 10 and results.count(nrbac.QueueFull) >= 5 and results.count(nrbac.DaemonUnavailable) >= 4


def test_closing_wakes_those_who_wait(fake, tmp_path):
    for source in (fake(silent).source, f"unix:{tmp_path}/no.sock"):
        client, errors = nrbac.open(source, timeout=30), []

        def ask(client=client, errors=errors):
            try:
                client.health()
            except nrbac.Error as error:
                errors.append(type(error))
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        client.close()
        for thread in threads:
            thread.join(2)
            assert not thread.is_alive()
        assert errors == [nrbac.Closed] * 3


GARBAGE = {
    "not MessagePack": b"\xc1\xc1\xc1", "an HTTP server": b"HTTP/1.1 400 Bad Request\r\n\r\n", "a list without an end": b"\xdd\xff\xff\xff\xff",
    "an answer to nothing": b"\x94\x01\xcd\xff\xff\xc0\xc3", "true": b"\xc3", "a request": b"\x94\x00\x01\xa5check\x90",
    "nothing and the end": b"", "deep": b"\x91" * 5000, "a wrong error": b"\x94\x01\x01\xa3err\xc0"}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_an_error_and_no_permit(fake, what):
    def act(peer):
        peer.socket.recv(1 << 16)
        peer.send(GARBAGE[what])
    with nrbac.open(fake(act).source, timeout=0.3) as client:
        for call in (lambda: client.evaluate(asks("B0820")), lambda: client.session(who()), lambda: client.generation):
            assert seconds(call, nrbac.TransportError) < 1


RESULTS = {"true": True, "one": 1, "nothing": None, "a text": "permit", "a list": [True], "a map": {"decision": True},
           "a permit that says deny": {"decision": True, "context": {"effect": "deny", "reason": "not-granted", "obligations": []}},
           "an opening without a session": {"effect": "permit", "reason": "opened"}}


@pytest.mark.parametrize("what", RESULTS)
def test_a_result_that_is_none_is_an_error_and_no_permit(fake, what):
    def act(peer):
        for _, number, method, _params in peer.requests():
            good = {"effect": "permit", "reason": "opened", "session": 1}
            peer.answer(number, good if method == "open" and "bad" not in str(_params) else RESULTS[what])
    with nrbac.open(fake(act).source, timeout=1) as client:
        session = client.session(who())
        for call in (lambda: client.evaluate(asks("B0820")), lambda: session.check("B0820"), lambda: session.check_many(["B0820", "B0825"]),
                     lambda: session.decide("B0820"), lambda: client.session(who("bad")), lambda: client.generation):
            with pytest.raises(nrbac.ProtocolError):
                call()


def test_a_daemon_that_accepts_and_closes_is_not_asked_without_pause(fake):
    closing = fake(lambda peer: None)
    with nrbac.open(closing.source, timeout=1) as client:
        assert seconds(lambda: client.evaluate(asks("B0820")), nrbac.DaemonUnavailable) < 1.5
    assert closing.accepted < 12
