# SPDX-License-Identifier: Apache-2.0
"""Decisions in this process: every call, every error."""
import collections
import gc
import os
import threading
import time
import types
from pathlib import Path

import pytest
from conftest import OTHER, SMALL, asks, resident_kb, who

import nrbac

pytestmark = pytest.mark.transport("in-process")


# ---- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_answers_by_text_and_by_prepared_name(engine):
    session = engine.session(who())
    for name in ("B0820", engine.prepare("B0820"), "patient.view", engine.prepare("patient.view")):
        assert session.check(name) is True
    for name in ("B0572", engine.prepare("B0572"), "no.such", engine.prepare("no.such"), "", "B0820\0"):
        assert session.check(name) is False


def test_a_name_with_obligations_is_no_from_check_and_permitted_from_decide(engine):
    session = engine.session(who())
    for name in ("scr.emergency", engine.prepare("scr.emergency")):
        assert session.check(name) is False
        decision = session.decide(name)
        assert decision.permitted and decision.obligations == ("notify-access",)
        assert decision == (nrbac.Effect.PERMIT, nrbac.Reason.REQUIREMENT_MET, ("notify-access",), 1)
        assert not decision, "whoever does not look at obligations must not take it for a permit"


def test_a_decision_says_why(engine):
    session = engine.session(who())
    assert session.decide("B0820") == ("permit", "granted-by-baseline", (), 1)
    assert session.decide("B0572") == ("deny", "not-granted", (), 1)
    assert session.decide("B9999") == ("indeterminate", "unknown-activity", (), 1)
    assert session.decide("no.such") == ("not-applicable", "unknown-function", (), 1)
    assert session.decide("B0820") and not session.decide("B0572") and not session.decide("no.such")
    assert isinstance(session.decide("B0820").reason, nrbac.Reason)


def test_several_names_are_answered_in_order(engine):
    session = engine.session(who())
    names = ["B0820", engine.prepare("B0572"), "scr.emergency", engine.prepare("patient.view"), "no.such"]
    assert session.check_many(names) == [True, False, False, True, False]
    assert session.check_many(tuple(names)) == session.check_many(iter(names)) == [True, False, False, True, False]
    assert [one.reason for one in session.decide_many(names)] == [
        "granted-by-baseline", "not-granted", "requirement-met", "requirement-met", "unknown-function"]
    assert session.check_many([]) == [] and session.decide_many([]) == []


@pytest.mark.parametrize("ask", ["check", "decide"])
@pytest.mark.parametrize("name", [None, 7, b"B0820", ["B0820"], True])
def test_what_is_no_name_is_a_type_error(engine, ask, name):
    session = engine.session(who())
    with pytest.raises(TypeError):
        getattr(session, ask)(name)
    with pytest.raises(TypeError):
        getattr(session, f"{ask}_many")(["B0820", name])


@pytest.mark.parametrize("ask", ["check_many", "decide_many"])
@pytest.mark.parametrize("names", ["B0820", 7, None])
def test_what_is_no_list_of_names_is_a_type_error(engine, ask, names):
    with pytest.raises(TypeError):
        getattr(engine.session(who()), ask)(names)


def test_a_name_of_another_engine_is_an_error_and_no_answer(engine, policies):
    session = engine.session(who())
    with nrbac.open(f"dir:{policies(SMALL)}") as other:
        foreign = other.prepare("B0820")
        for ask in (session.check, session.decide):
            with pytest.raises(nrbac.ForeignName, match="B0820"):
                ask(foreign)
        with pytest.raises(nrbac.ForeignName):
            session.check_many(["B0820", foreign])


def test_prepared_names(engine):
    name = engine.prepare("B0820")
    assert str(name) == "B0820" and "B0820" in repr(name)
    with pytest.raises(TypeError):
        engine.prepare(7)
    with pytest.raises(ValueError):
        engine.prepare("a\0b")
    with pytest.raises(TypeError):
        nrbac.Name("B0820")
    with pytest.raises(TypeError):
        nrbac.Session()


def test_who_gets_no_session_is_told_why(engine):
    two = {"subject": {"type": "healthcare-worker", "properties": {"userinfo": {"sub": "1", "nhsid_nrbac_roles": [
        {"person_roleid": "501", "org_code": "RBA", "role_code": "R8000"}, {"person_roleid": "502", "org_code": "Y51", "role_code": "R8000"}]}}}}
    with pytest.raises(nrbac.NotOpened) as raised:
        engine.session(two)
    assert raised.value.effect == nrbac.Effect.INDETERMINATE and raised.value.reason == nrbac.Reason.ROLE_SELECTION_REQUIRED
    assert [candidate["id"] for candidate in raised.value.answer["candidates"]] == ["501", "502"]
    with pytest.raises(nrbac.NotOpened, match="malformed-request"):
        engine.session({"subject": {"type": "robot"}})


def test_what_a_session_says_of_itself(engine):
    ends = int(time.time()) + 3600
    evidence = {"userinfo": {"sub": "1", "nhsid_nrbac_roles": [{"person_roleid": "501", "org_code": "RBA", "role_code": "R8000"}]},
                "id_token": {"sub": "1", "exp": ends}}
    session = engine.session({"subject": {"type": "healthcare-worker", "properties": evidence}})
    assert session.valid_until.timestamp() == ends and session.valid_until.utcoffset().total_seconds() == 0
    assert session.answer["profile"] == {"id": "501", "role": "R8000", "organisation": "RBA"}
    assert set(session.answer["activities"]) == {"B0168", "B0820", "B0825"}
    assert engine.session(who()).valid_until is None


def test_revoking_ends_the_sessions_meant(engine):
    one, other = engine.session(who()), engine.session(who(id="1002"))
    assert engine.revoke(role_profile="1001") == 1
    assert not one.check("B0820") and one.decide("B0820").reason == nrbac.Reason.SESSION_REVOKED
    assert other.check("B0820")
    assert engine.revoke(sid="no", sub="body") == 0
    with pytest.raises(TypeError):
        engine.revoke()
    with pytest.raises(TypeError):
        engine.revoke(profile="1001")


def test_stopping_denies_everything_until_it_is_let_go(engine):
    session = engine.session(who())
    engine.stop(True)
    assert not session.check("B0820") and session.decide("B0820").reason == nrbac.Reason.POLICY_STALE
    assert engine.evaluate(asks("B0820")).reason == nrbac.Reason.POLICY_STALE
    engine.stop(False)
    assert session.check("B0820")


# ---- whole requests ---------------------------------------------------------------------------------------------------


def test_an_answer_is_true_only_for_a_permit_without_obligations(engine):
    permit = engine.evaluate(asks("B0820"))
    assert permit and permit.decision is True and permit.effect == "permit" and permit.reason is nrbac.Reason.GRANTED_BY_BASELINE
    assert permit.message.endswith("View Patient Demographics.") and permit.generation == 1 and permit.obligations == ()
    bound = engine.evaluate(asks("scr.emergency"))
    assert bound.decision and bound.obligations == ("notify-access",) and not bound
    denied = engine.evaluate(asks("B0572"))
    assert not denied and denied.reason == "not-granted" and denied["context"]["nearest"] == [["B0572"]]
    assert not nrbac.Answer() and not nrbac.Answer(decision=1) and not nrbac.Answer(decision="true")


def test_explaining_says_more(engine):
    assert engine.explain(asks("B0820")).decision
    assert len(str(engine.explain(asks("patient.view")))) > len(str(engine.evaluate(asks("patient.view"))))


def test_requests_may_be_any_mappings_and_sequences(engine):
    want = engine.evaluate(asks("B0820"))
    request = asks("B0820")
    request["subject"]["properties"]["profile"]["activities"] = ("B0572",)
    assert engine.evaluate(types.MappingProxyType(collections.OrderedDict(request))) == want
    assert engine.evaluate(collections.ChainMap(request)) == want


class Surprise(collections.UserDict):
    """A mapping that closes the engine when it is read."""

    def __getitem__(self, key):
        self.engine.close()
        return super().__getitem__(key)


def test_a_request_that_closes_the_engine_while_it_is_read(engine):
    for ask in (engine.evaluate, engine.session):
        surprise = Surprise(asks("B0820"))
        surprise.engine = engine
        with pytest.raises(nrbac.Closed):
            ask(surprise)


@pytest.mark.parametrize("value, error, words", [
    ({1}, TypeError, "request.a"), (object(), TypeError, "request.a"), (b"x", TypeError, "request.a"),
    ([1, {"b": 1 << 63}], ValueError, r"request.a\[1\].b"), (-(1 << 63) - 1, ValueError, "64 bits"),
    (float("nan"), ValueError, "finite"), (float("inf"), ValueError, "finite"), ("a\0", ValueError, "NUL"), ("\ud800", ValueError, "UTF-8"),
    ({"\0": 1}, ValueError, "NUL"), ({7: 1}, TypeError, "key"), ({"\udfff": 1}, ValueError, "UTF-8")])
@pytest.mark.parametrize("ask", ["evaluate", "explain", "session"])
def test_what_a_request_cannot_hold_is_an_error_with_its_place(engine, ask, value, error, words):
    with pytest.raises(error, match=words):
        getattr(engine, ask)({"a": value})


def test_a_request_of_any_depth_ends(engine):
    deep = {}
    for _ in range(100000):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="nested"):
        engine.evaluate(deep)
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested"):
        engine.evaluate({"a": loop})
    while deep:
        deep = deep.pop("a")


@pytest.mark.parametrize("request_", [None, 7, "text", [1], [["a", 1]]])
def test_a_request_that_is_no_mapping_is_a_type_error(engine, request_):
    with pytest.raises(TypeError):
        engine.evaluate(request_)


def test_numbers_at_their_limits_are_taken(engine):
    for number in ((1 << 63) - 1, -(1 << 63), 2.5, True, None):
        assert engine.evaluate({**asks("B0820"), "more": number}).decision


def test_the_clock_counts_unless_the_request_is_trusted(policies):
    expired = {"userinfo": {"sub": "1", "nhsid_nrbac_roles": [{"person_roleid": "501", "org_code": "RBA", "role_code": "R8000"}]},
               "id_token": {"sub": "1", "exp": 1795424400}}
    request = {"subject": {"type": "healthcare-worker", "properties": expired}, "action": {"name": "B0820"},
               "context": {"time": "2126-11-23T09:00:00Z"}}
    folder = policies(SMALL)
    with nrbac.open(f"dir:{folder}", trust_request_time=True) as trusting:
        assert trusting.evaluate(request).reason == nrbac.Reason.EVIDENCE_EXPIRED
        with pytest.raises(nrbac.NotOpened, match="evidence-expired"):
            trusting.session(request)
        request["context"]["time"] = "2026-11-23T08:00:00Z"
        assert trusting.evaluate(request).decision
    request["context"]["time"] = "1996-11-23T08:00:00Z"
    request["subject"]["properties"]["id_token"]["exp"] = 900000000
    with nrbac.open(f"dir:{folder}") as engine:
        assert engine.evaluate(request).reason == nrbac.Reason.EVIDENCE_EXPIRED


# ---- policies --------------------------------------------------------------------------------------------------------


def test_what_the_policy_says_of_itself(engine):
    policy = engine.policy()
    assert policy["name"] == "small" and policy["generation"] == engine.generation == 1
    assert policy["counts"]["activities"] == 4


def test_an_engine_without_a_policy_refuses():
    with nrbac.Engine() as empty:
        assert empty.generation == 0 and empty.evaluate(asks("B0820")).reason == nrbac.Reason.NO_POLICY
        with pytest.raises(nrbac.NotOpened, match="no-policy"):
            empty.session(who())


def test_a_new_policy_is_in_force_at_once_for_open_sessions_too(engine, policies):
    session, name = engine.session(who()), engine.prepare("B0820")
    policies(OTHER)
    assert engine.reload() == 2 == engine.generation
    assert not session.check(name) and session.check("B0572") and session.decide("B0572").generation == 2


def test_a_policy_with_mistakes_changes_nothing(engine, policies):
    session = engine.session(who())
    policies(SMALL + "nonsense: 1\n")
    with pytest.raises(nrbac.PolicyError) as raised:
        engine.reload()
    assert engine.generation == 1 and session.check("B0820")
    mistake = raised.value.diagnostics[0]
    assert mistake.severity == "error" and mistake.slug == "unknown-key" and mistake.line == 18 and "nonsense" in mistake.message
    assert mistake.file.endswith("policy.yaml") and str(mistake).startswith(f"{mistake.file}:{mistake.line}:")


def test_warnings_are_kept_and_are_mistakes_when_strict(policies):
    folder = policies(SMALL + "  again: { require: { any: [B0820, B0825] } }\n".replace("again", "patient.again") + "areas_of_work: {}\n")
    (folder / "more.yaml").write_text("nrbac: 1\nbaseline:\n  - { roles: [R8000], activities: [B0825] }\n")
    with nrbac.open(f"dir:{folder}") as engine:
        assert [one.slug for one in engine.diagnostics if one.severity == "warning"].count("redundant-grant") == 1
    with pytest.raises(nrbac.PolicyError):
        nrbac.open(f"dir:{folder}", strict=True)


def test_a_compiled_file_is_opened_and_reloaded(tmp_path, policies):
    import subprocess

    from support.paths import NRBAC
    image = tmp_path / "policy.nrb"

    def compile_(text):
        subprocess.run([NRBAC, "compile", policies(text), "-o", image], check=True, capture_output=True)
    compile_(SMALL)
    with nrbac.open(f"file:{image}") as engine:
        session = engine.session(who())
        assert session.check("B0820")
        compile_(OTHER)
        assert engine.reload() == 2 and not session.check("B0820")
        image.write_bytes(image.read_bytes()[:-7])
        with pytest.raises(nrbac.OpenError) as raised:
            engine.reload()
        assert raised.value.status == nrbac.Status.E_IMAGE and str(image) in str(raised.value)
        assert engine.generation == 2


@pytest.mark.parametrize("source, error", [
    ("file:/no/such.nrb", nrbac.OpenError), ("dir:/no/such", nrbac.PolicyError), ("shm:/no/such.sock", nrbac.DaemonUnavailable),
    ("/no/kind", ValueError), ("http://a", ValueError), ("dir:", ValueError), ("", ValueError)])
def test_a_source_that_cannot_be_opened(source, error):
    with pytest.raises(error):
        nrbac.open(source)


def test_paths_may_be_in_any_encoding(tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    for kind, error in (("file", nrbac.OpenError), ("dir", nrbac.PolicyError), ("shm", nrbac.DaemonUnavailable)):
        with pytest.raises(error):
            nrbac.open(f"{kind}:{odd}")
    os.mkdir(odd)
    (Path(odd) / "policy.yaml").write_text(SMALL)
    with nrbac.open(f"dir:{odd}") as engine:
        assert engine.session(who()).check("B0820")
    with pytest.raises(nrbac.OpenError):
        nrbac.open(f"file:/{'ö' * 300}")


class Closing:
    """Closes an engine when it is thrown away."""

    def __init__(self, engine):
        self.engine = engine
        self.itself = self

    def __del__(self):
        self.engine.close()


def test_an_engine_that_is_closed_while_an_answer_is_made(policies):
    """Making the answer collects garbage, and that closes the engine, to which the names of obligations belong."""
    folder = policies(SMALL)
    for threshold in range(1, 30):
        engine = nrbac.open(f"dir:{folder}")
        session = engine.session(who())
        kept = [(object(),) for _ in range(3000)]  # so that tuples are made, not taken from those that were freed
        gc.collect()
        Closing(engine)
        gc.set_threshold(threshold)
        try:
            for _ in range(30):
                kept.append(session.decide("scr.emergency"))
                assert kept[-1].obligations == ("notify-access",)
        except nrbac.Closed:
            pass
        finally:
            gc.set_threshold(700, 10, 10)
        gc.collect()
        assert engine.closed


def test_no_error_but_those_of_arguments_is_outside_the_base_class():
    for name in nrbac.errors.__dict__:
        one = getattr(nrbac.errors, name)
        if isinstance(one, type) and issubclass(one, Exception):
            assert issubclass(one, nrbac.Error)


def test_whoever_watches_is_told_of_each_new_policy(engine, policies):
    seen, told = [], threading.Event()

    def tell(generation):
        seen.append(generation)
        told.set()
    with engine.watch(tell, every=0.005) as watch:
        time.sleep(0.05)
        policies(OTHER)
        engine.reload()
        assert told.wait(5)
        time.sleep(0.05)
        assert seen == [2]
    policies(SMALL)
    engine.reload()
    time.sleep(0.05)
    assert seen == [2], "nobody is told after the end"
    watch.close()


# ---- life ------------------------------------------------------------------------------------------------------------


def test_after_close_nothing_is_answered(engine):
    session, name = engine.session(who()), engine.prepare("B0820")
    kept = engine.session(who())
    session.close()
    session.close()
    assert session.closed and not kept.closed
    for ask in (session.check, session.decide):
        for asked in (name, "B0820"):
            with pytest.raises(nrbac.Closed):
                ask(asked)
    with pytest.raises(nrbac.Closed):
        session.valid_until
    engine.close()
    engine.close()
    assert engine.closed and kept.closed
    for call in (lambda: kept.check(name), lambda: kept.check_many([name]), lambda: engine.session(who()), lambda: engine.evaluate(asks("B0820")),
                 lambda: engine.explain(asks("B0820")), lambda: engine.prepare("B0820"), lambda: engine.generation, engine.policy, engine.reload,
                 lambda: engine.revoke(sub="1"), lambda: engine.stop(True)):
        with pytest.raises(nrbac.Closed):
            call()


def test_sessions_and_engines_close_with_their_blocks(policies):
    with nrbac.open(f"dir:{policies(SMALL)}") as engine:
        with engine.session(who()) as session:
            assert session.check("B0820")
        assert session.closed and not engine.closed
    assert engine.closed


def test_a_session_keeps_its_engine(policies):
    session = nrbac.open(f"dir:{policies(SMALL)}").session(who())
    gc.collect()
    assert session.check("B0820")


def test_answers_and_refusals_do_not_grow_memory(engine):
    request = asks("B0572")

    def run(times):
        for _ in range(times):
            assert not engine.evaluate(request)
            for bad in ({}, {"a": {1}}):
                with pytest.raises((nrbac.NotOpened, TypeError)):
                    engine.session(bad)
            with pytest.raises(nrbac.ForeignName):
                session.check(foreign)
    with nrbac.Engine() as other:
        foreign, session = other.prepare("B0820"), engine.session(request)
        run(5_000)
        before = resident_kb()
        run(30_000)
        assert resident_kb() - before < 1024


def test_engines_opened_and_closed_do_not_grow_memory(policies):
    folder = policies(SMALL)

    def run(times):
        for _ in range(times):
            with nrbac.open(f"dir:{folder}") as engine:
                engine.session(who())
    run(200)
    before = resident_kb()
    run(1000)
    assert resident_kb() - before < 2048


# ---- threads -----------------------------------------------------------------------------------------------------------


def test_threads_check_while_the_policy_is_replaced(engine, policies):
    """B0168 is in both policies, B0999 in none, B0820 and B0572 each in one."""
    session = engine.session(who())
    names = {text: engine.prepare(text) for text in ("B0168", "B0999", "B0820", "B0572")}
    wrong, ended, rounds = [], threading.Event(), collections.Counter()

    def ask(number):
        while not ended.is_set():
            own = engine.session(who())
            for asked in (session, own):
                if not asked.check(names["B0168"]) or asked.check(names["B0999"]) or not asked.check("B0168"):
                    wrong.append("a check")
                decision = asked.decide(names["B0820"])
                if decision.permitted != (decision.generation % 2 == 1):
                    wrong.append(decision)
                if not engine.evaluate(asks("B0168")).decision:
                    wrong.append("an answer")
            own.close()
            rounds[number] += 1
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        policies(OTHER if number % 2 == 0 else SMALL)
        assert engine.reload() == number + 2
    ended.set()
    for thread in threads:
        thread.join()
    assert not wrong and all(rounds[number] > 10 for number in range(4))


def test_an_engine_is_closed_while_others_open_and_load(policies):
    folder = policies(SMALL)
    for _ in range(20):
        engine = nrbac.open(f"dir:{folder}")
        surprises = []

        def use(engine=engine, surprises=surprises):
            try:
                while True:
                    engine.session(who()).check("B0820")
                    engine.reload()
            except nrbac.Closed:
                pass
            except BaseException as error:  # whatever it is, it is shown
                surprises.append(error)
        threads = [threading.Thread(target=use) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.005)
        engine.close()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        assert not surprises
