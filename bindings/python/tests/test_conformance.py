# SPDX-License-Identifier: Apache-2.0
"""The same answers as the command's, in every member: tests/cases and the 10,000 of bindings/conformance, over every transport."""
import asyncio
import json
import os
from pathlib import Path

import pytest
from compare import differs
from conftest import ROOT

import nrbac
import nrbac.aio

KIT = Path(os.environ["NRBAC_CONFORMANCE"])  # as generate.py wrote it
POLICIES = (KIT / "policies").read_text().split()


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def generated(name):
    """The policy's folder, and its questions with their answers."""
    pairs = list(zip(lines(KIT / name / "requests.jsonl"), lines(KIT / name / "expected.jsonl"), strict=True))
    folder = ROOT / (KIT / name / "policy").read_text().strip()
    cases = ROOT / f"tests/cases/{name}.jsonl"
    if cases.is_file():
        head, *more = lines(cases)
        assert ROOT / head["policy"] == folder
        pairs += [(pair["request"], pair["answer"]) for pair in more]
    return folder, pairs


def hold(pairs, answers):
    wrong = [(request, difference) for (request, want), got in zip(pairs, answers, strict=True)
             if (difference := differs(want, json.loads(json.dumps(got))))]
    assert not wrong, wrong[0]


def of_a_session(request):
    """Whether a session is asked the same: for a name of the policy, not for an operation of an API."""
    action = request.get("action")
    return request["resource"]["type"] != "api" and isinstance(action, dict) and isinstance(action.get("name"), str)


def agrees(want, decision):
    """Whether a session decides as the whole answer says."""
    context = want["context"]
    return (decision.effect, decision.reason, list(decision.obligations)) == (context["effect"], context["reason"], context["obligations"])


def session_differs(open_, request, want):
    """Where a session does not decide as the whole answer says; None: nowhere."""
    without = {member: value for member, value in request.items() if member != "action"}
    name = request["action"]["name"]
    try:
        session = open_(without)
    except nrbac.NotOpened as refused:
        return None if not want["decision"] and refused.effect != "permit" else f"not opened: {refused}"
    with session:
        decision = session.decide(name)
        checks = [session.check(name), *session.check_many([name, name])]
    if not agrees(want, decision) or checks != [want["decision"] and not want["context"]["obligations"]] * 3:
        return f"{decision}, {checks}"
    return None


def hold_sessions(pairs, open_, limit=None):
    asked = [(request, want) for request, want in pairs if of_a_session(request)][:limit]
    wrong = [(request, difference) for request, want in asked if (difference := session_differs(open_, request, want))]
    assert not wrong, wrong[0]
    return len(asked)


@pytest.mark.transport("in-process")
@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("kind", ["file", "dir"])
def test_in_process(kind, name, decided):
    folder, pairs = generated(name)
    source = f"dir:{folder}" if kind == "dir" else f"file:{KIT / name / 'policy.nrb'}"
    with nrbac.open(source, trust_request_time=True) as engine:
        hold(pairs, [engine.evaluate(request) for request, _ in pairs])
        decided(len(pairs) + hold_sessions(pairs, engine.session))


@pytest.mark.transport("shm")
@pytest.mark.parametrize("name", POLICIES)
def test_on_a_daemons_shared_table(name, serve, decided):
    _, pairs = generated(name)
    daemon = serve(KIT / name / "policy.nrb")
    with nrbac.open(f"shm:{daemon.socket}", trust_request_time=True) as engine:
        hold(pairs, [engine.evaluate(request) for request, _ in pairs])
        decided(len(pairs) + hold_sessions(pairs, engine.session))


@pytest.mark.transport("unix")
@pytest.mark.parametrize("name", POLICIES)
def test_over_the_socket(name, serve, decided):
    folder, pairs = generated(name)
    daemon = serve(folder)
    with nrbac.open(f"unix:{daemon.socket}") as client:
        hold(pairs, [client.evaluate(request) for request, _ in pairs])
        decided(len(pairs) + hold_sessions(pairs, client.session, 500))


@pytest.mark.transport("unix-asyncio")
@pytest.mark.parametrize("name", POLICIES)
def test_over_the_socket_with_asyncio(name, serve, decided):
    _, pairs = generated(name)
    daemon = serve(KIT / name / "policy.nrb")

    async def ask():
        async with nrbac.aio.open(f"unix:{daemon.socket}") as client:
            answers = []
            for start in range(0, len(pairs), 500):
                answers += await asyncio.gather(*(client.evaluate(request) for request, _ in pairs[start:start + 500]))
            together = await client.evaluations({"evaluations": [request for request, _ in pairs[:20]]})
            return answers, together
    answers, together = asyncio.run(ask())
    hold(pairs, answers)
    hold(pairs[:20], together)
    decided(len(pairs) + 20)
