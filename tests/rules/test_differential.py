# SPDX-License-Identifier: Apache-2.0
"""The engine against the slow oracle: random small policies, random profiles, every name asked."""
import json
import random

import pytest
from support.generate import Generator, write_policy
from support.oracle import Oracle
from support.policy import Policy
from support.requests import request

POLICIES = 200
PROFILES = 14


def whole_request(name, profile, asked=None, aal=None, ial=None):
    properties = {"profile": profile}
    properties.update({key: value for key, value in (("aal", aal), ("ial", ial)) if value is not None})
    return request(name, properties, organisation=asked)


def questions(generator, policy):
    for _ in range(PROFILES):
        profile, beside = generator.profile(), generator.circumstances()
        for name in [*policy["activities"], *policy["functions"], "B0000", "no.such.function"]:
            yield name, profile, beside


def difference(oracle, question, answer):
    """What the engine and the oracle do not agree on, or None."""
    name, profile, beside = question
    effect, reason, obligations = oracle.decide(name, profile, **beside)
    if reason == "not-granted" and answer.reason == "exclusive-conflict":
        # The contract may be read both ways for a code of a conflicting set that is not held itself.
        if oracle.real(name) in oracle.removed(oracle.effective(profile)):
            return None
    if (answer.effect, answer.reason) != (effect, reason):
        return f"expected {effect} {reason}, was {answer.verdict}"
    if answer.obligations != obligations:
        return f"expected obligations {sorted(obligations)}, were {sorted(answer.obligations)}"
    if reason in ("granted-by-baseline", "granted-by-additional"):
        starts = oracle.by_default(profile) if reason == "granted-by-baseline" else profile["activities"]
        paths = oracle.paths(name, starts)
        if [oracle.real(code) for code in answer.context["path"]] not in paths:
            return f"expected one of the paths {paths}, was {answer.context['path']}"
    return None


def show_and_fail(asked, question, answer, what):
    asked.show()
    print("--- request\n" + json.dumps(whole_request(question[0], question[1], **question[2]), indent=1))
    print("--- answer\n" + json.dumps(answer, indent=1))
    pytest.fail(what)


@pytest.mark.parametrize("batch", range(10))
def test_s11_to_s22_the_engine_agrees_with_the_rules_taken_slowly(tmp_path, batch):
    for number in range(batch * POLICIES // 10, (batch + 1) * POLICIES // 10):
        generator = Generator(random.Random(number))
        policy = generator.policy()
        asked = Policy(write_policy(tmp_path / str(number), policy), show=False)
        oracle = Oracle(policy)
        every = list(questions(generator, policy))
        answers = asked.ask_all([whole_request(name, profile, **beside) for name, profile, beside in every])
        for question, answer in zip(every, answers):
            what = difference(oracle, question, answer)
            if what:
                show_and_fail(asked, question, answer, f"policy {number}: {what}")


@pytest.mark.parametrize("batch", range(6))
def test_s25_nearest_is_what_brute_force_finds(tmp_path, batch):
    for number in range(1000 + batch * 10, 1010 + batch * 10):
        generator = Generator(random.Random(number), size=(4, 7), exclusive=False, plain=number % 2 == 0)
        policy = generator.policy()
        asked = Policy(write_policy(tmp_path / str(number), policy), show=False)
        oracle = Oracle(policy)
        every = list(questions(generator, policy))
        answers = asked.ask_all([whole_request(name, profile, **beside) for name, profile, beside in every])
        for question, answer in zip(every, answers):
            if answer.reason not in ("not-granted", "requirement-not-met"):
                continue
            expected = oracle.nearest(question[0], question[1], **question[2])
            if [sorted(codes) for codes in answer.nearest] != expected[:5]:
                show_and_fail(asked, question, answer, f"policy {number}: expected nearest {expected[:5]}, was {answer.nearest}")
