# SPDX-License-Identifier: Apache-2.0
"""Worked examples 1 to 16: by the command, by the library in engine/examples/evaluate.c, by a daemon through `query`
and through its socket."""
import json
import subprocess

import pytest
from support.answers import checked
from support.command import run
from support.daemon import Daemons
from support.national import NATIONAL, examples, extended, of_userq
from support.paths import NRBAC
from support.policy import Policy

NUMBERS = range(1, 17)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The policy of the examples, and a daemon that serves it."""
    assert NATIONAL.is_dir(), f"{NATIONAL} does not exist"
    path = extended(tmp_path_factory.mktemp("worked") / "policy")
    daemons = Daemons()
    try:
        yield Policy(path), daemons.start(path, "--allow-example")
    finally:
        daemons.end()


def example(number):
    return next(row for row in examples() if row[0] == number)


def query(daemon, request):
    result = run("query", "--socket", daemon.socket, "-", "--format", "json", stdin=json.dumps(request))
    answer = checked(result.json())
    assert result.status == (0 if answer.effect == "permit" else 1)
    return answer


@pytest.mark.parametrize("number", NUMBERS)
def test_a_worked_example_is_decided_as_it_says(served, number):
    _, _, request, verdict = example(number)
    answer = served[0].ask(request)
    assert verdict in (answer.effect, answer.verdict)


@pytest.mark.parametrize("number", range(1, 14))
def test_a_worked_example_needs_only_the_national_policy(number):
    _, _, request, verdict = example(number)
    answer = Policy(NATIONAL, show=False).ask(request)
    assert verdict in (answer.effect, answer.verdict)


@pytest.mark.parametrize("number", NUMBERS)
def test_command_query_and_socket_give_the_same_answer(served, number):
    policy, daemon = served
    request = example(number)[2]
    by_command = policy.ask(request).without_where_it_was_asked()
    by_query = query(daemon, request).without_where_it_was_asked()
    with daemon.client() as client:
        by_socket = client.evaluate(request).without_where_it_was_asked()
    assert by_query == by_command
    assert by_socket == by_command


@pytest.mark.parametrize("number", NUMBERS)
def test_a_program_gives_the_same_answer_through_the_library(served, number, tmp_path):
    request = example(number)[2]
    image, asked = tmp_path / "policy.nrb", tmp_path / "request.json"
    assert run("compile", served[0].path, "-o", image).status == 0
    asked.write_text(json.dumps(request))
    said = subprocess.run([NRBAC.with_name("example-evaluate"), image, asked], capture_output=True, text=True, timeout=60)
    answer = checked(json.loads(said.stdout))
    assert said.returncode == (0 if answer.effect == "permit" else 1)
    assert answer.without_where_it_was_asked() == served[0].ask(request).without_where_it_was_asked()


def test_example_2_shows_a_path_that_ends_at_what_was_asked(served):
    path = served[0].ask(example(2)[2]).context["path"]
    assert path[-1] == "B0401"
    assert len(path) > 1


def test_example_7_goes_down_to_what_was_asked(served):
    path = served[0].ask(example(7)[2]).context["path"]
    assert path[-1] == "B0360"
    assert len(path) > 1


def test_example_8_suggests_the_code_itself(served):
    assert ["B8029"] in served[0].ask(example(8)[2]).nearest


def test_example_11_lists_the_four_candidates(served):
    candidates = served[0].ask(of_userq("B0278")).candidates
    assert set(candidates) == {"555254240100", "555254242102", "555254241101", "093895563513"}
    assert candidates["555254242102"] == "permit"


def test_example_13_holds_by_the_additional_activity_too(served):
    answer = served[0].ask(example(13)[2])
    assert answer.context["path"][-1] == "B0278"


def test_example_16_carries_no_obligation_and_the_other_code_does(served):
    request = example(16)[2]
    assert served[0].ask(request).obligations == set()
    request["subject"]["properties"]["profile"]["activities"] = ["B0107"]
    assert served[0].ask(request).obligations == {"notify-access"}


def test_the_national_policy_says_that_it_is_an_example(served):
    answer = Policy(NATIONAL, show=False).ask(example(1)[2])
    assert "example-policy" in answer.warnings


def test_the_national_policy_and_the_examples_have_no_mistakes():
    for directory in sorted(path.parent for path in NATIONAL.parent.rglob("policy.yaml")):
        assert run("validate", directory).status == 0
        assert run("test", directory).status == 0
