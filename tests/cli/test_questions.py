# SPDX-License-Identifier: Apache-2.0
"""`explain`, `what-can` and `who-can`: why, what, and who."""
import json

import pytest
from support.command import run
from support.requests import neutral, nrbac_role, cis2
from support.small import FUNCTIONS

PHARMACY = "P0300:Q0310:T0320"


def explain(policy, request, *options):
    return run("explain", policy.path, "-", *options, stdin=json.dumps(request))


def test_explain_shows_the_whole_path_with_file_and_line(policy):
    result = explain(policy(FUNCTIONS), neutral("B0360", role="R8001"))
    assert result.status == 0
    for code in ("B0380", "B0790", "B0360"):
        assert code in result.out
    assert "policy.yaml:" in result.out
    assert "granted-by-baseline" in result.out and "PERMIT" in result.out


def test_explain_shows_the_nearest_permit_of_a_denial(policy):
    result = explain(policy(FUNCTIONS), neutral("B0570"))
    assert result.status == 1
    assert "DENY" in result.out and "not-granted" in result.out
    assert "B0572" in result.out


def test_explain_asks_for_a_role_in_words(policy):
    roles = [nrbac_role("501", "R8000"), nrbac_role("502", "R8001")]
    result = explain(policy(FUNCTIONS), cis2("B0820", roles))
    assert result.status == 1
    assert "CANNOT DECIDE: choose a role first" in result.out
    assert "501" in result.out and "502" in result.out


def test_explain_as_json_is_the_answer(policy):
    result = explain(policy(FUNCTIONS), neutral("B0570"), "--format", "json")
    assert result.status == 1
    assert result.json()["context"]["reason"] == "not-granted"
    assert result.json()["context"]["nearest"]


def test_explain_of_a_function_names_what_is_missing(policy):
    result = explain(policy(FUNCTIONS), neutral("patient.amend", role="R0001"))
    assert result.status == 1
    assert "B0825" in result.out


def test_explain_of_a_function_shows_how_each_activity_is_held(policy):
    files = policy(FUNCTIONS)
    result = explain(files, neutral("patient.amend"))
    assert result.status == 0
    lines = [line.strip() for line in result.out.splitlines()]
    held = next(i for i, line in enumerate(lines) if "activity B0825" in line)
    assert lines[held + 1].startswith("from B0825") and ", by the baseline (" in lines[held + 1]
    answer = explain(files, neutral("patient.amend"), "--format", "json").json()
    requirement = answer["context"]["requirement"]
    assert requirement["source"] == "baseline"
    assert [step["code"] for step in requirement["steps"]] == ["B0825"]
    assert requirement["steps"][0]["line"] > 0


def what_can(policy, *options):
    return run("what-can", policy.path, *options)


def test_what_can_lists_every_effective_activity_and_function(policy):
    result = what_can(policy(FUNCTIONS), "--role", "R8000")
    assert result.status == 0
    for name in ("B0825", "B0820", "patient.amend"):
        assert name in result.out
    for name in ("B0572", "B0360", "alerts"):
        assert name not in result.out


def test_what_can_counts_areas_of_work(policy):
    functions = policy(FUNCTIONS)
    without = what_can(functions, "--role", "R8008")
    within = what_can(functions, "--role", "R8008", "--area-of-work", PHARMACY)
    both = what_can(functions, "--role", "R8008", "--area-of-work", "P0020:Q0300:T0640", "--area-of-work", PHARMACY)
    assert without.status == within.status == both.status == 0
    assert "B0570" not in without.out
    assert "B0572" in within.out and "B0570" in within.out
    assert "B0570" in both.out


def test_what_can_of_a_subject_counts_additional_activities(policy, tmp_path):
    (tmp_path / "subject.json").write_text(json.dumps(neutral("B0820", activities=["B0420"])["subject"]))
    result = what_can(policy(FUNCTIONS), "--subject", tmp_path / "subject.json")
    assert result.status == 0
    for name in ("B0825", "B0820", "B0420", "B0278", "patient.amend"):
        assert name in result.out


@pytest.mark.parametrize("arguments", [["what-can", "--role", "R8000"], ["who-can", "B0820"]])
def test_lists_are_json_where_asked(policy, arguments):
    path = policy(FUNCTIONS).path
    result = run(arguments[0], path, *arguments[1:], "--format", "json")
    assert result.status == 0
    text = json.dumps(result.json())
    assert "B0820" in text or "R8000" in text


def test_what_can_of_an_unknown_role_is_empty(policy):
    result = what_can(policy(FUNCTIONS), "--role", "R9999")
    assert "B0825" not in result.out


def test_what_can_says_in_words_why_it_cannot_tell(policy, tmp_path):
    result = what_can(policy(FUNCTIONS), "--role", "B0820")
    assert result.status == 1
    assert result.out.startswith("CANNOT DECIDE: the role profile has no job role role-code-missing ")
    subject = tmp_path / "subject.json"
    subject.write_text(json.dumps({"type": "healthcare-worker", "properties": {"profile": {"role": 1}}}))
    result = what_can(policy(FUNCTIONS, name="other"), "--subject", subject)
    assert result.status == 1
    assert result.out == ("CANNOT DECIDE: the request is malformed malformed-request "
                          "(`subject.properties.profile.role` is not a text)\n")


def test_lines_of_lists_do_not_end_in_blanks(policy):
    for line in what_can(policy(FUNCTIONS), "--role", "R9999").out.splitlines():
        assert line == line.rstrip()


def who_can(policy, name, *options):
    return run("who-can", policy.path, name, *options)


def test_who_can_lists_every_role_whose_baseline_reaches_it(policy):
    result = who_can(policy(FUNCTIONS), "B0820")
    assert result.status == 0
    assert "R8000" in result.out
    for role in ("R8001", "R8008", "R0001"):
        assert role not in result.out
    assert "B0825" in result.out, "what a Registration Authority could add"


def test_who_can_names_the_areas_of_work_that_it_takes(policy):
    result = who_can(policy(FUNCTIONS), "B0570")
    assert result.status == 0
    assert "R8008" in result.out and PHARMACY in result.out


def test_who_can_answers_for_functions_too(policy):
    result = who_can(policy(FUNCTIONS), "patient.amend")
    assert result.status == 0
    assert "R8000" in result.out


@pytest.mark.parametrize("name", ["B7777", "no.such"])
def test_who_can_of_what_does_not_exist_is_no(policy, name):
    result = who_can(policy(FUNCTIONS), name)
    assert result.status in (1, 2)
