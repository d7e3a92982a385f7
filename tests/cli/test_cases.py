# SPDX-License-Identifier: Apache-2.0
"""The command gives the answers of tests/cases, which every binding gives too; and the kit that holds bindings can fail."""
import json
import subprocess
import sys

import pytest
from support.command import run
from support.paths import POLICY, ROOT

sys.path.insert(0, str(ROOT / "bindings/conformance"))

from compare import differs  # noqa: E402

CASES = sorted((ROOT / "tests/cases").glob("*.jsonl"))
GENERATE = ROOT / "bindings/conformance/generate.py"
COMPARE = ROOT / "bindings/conformance/compare.py"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_command_answers_as_the_cases_say(path):
    head, *pairs = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    stdin = "".join(json.dumps(pair["request"]) + "\n" for pair in pairs)
    result = run("check", POLICY.parent / head["policy"], "-", "--stream", "--format", "json", stdin=stdin, quiet=True)
    answers = result.json_lines()
    assert len(answers) == len(pairs) > 30
    for pair, answer in zip(pairs, answers):
        assert differs(pair["answer"], answer) is None, pair["request"]


def test_the_cases_permit_and_refuse_in_many_ways():
    answers = [json.loads(line)["answer"] for path in CASES for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert sum(answer["decision"] for answer in answers) > len(answers) / 10
    assert len({answer["context"]["reason"] for answer in answers}) >= 30
    assert any(answer["context"]["obligations"] for answer in answers if answer["decision"])


def test_the_same_requests_are_drawn_every_time(tmp_path):
    for name in ("one", "two"):
        subprocess.run([GENERATE, tmp_path / name, "--count", "300"], check=True)
    one, two = (sorted((tmp_path / name).rglob("*.jsonl")) for name in ("one", "two"))
    assert len(one) == len(two) > 20
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


ANSWER = {"decision": False, "context": {"reason": "not-granted", "path": [], "nearest": [["B0820"]], "policy": {"name": "a", "generation": 1}}}


@pytest.mark.parametrize("change", [
    lambda answer: answer.update(decision=0), lambda answer: answer.update(decision=True), lambda answer: answer.pop("decision"),
    lambda answer: answer["context"].update(reason="suspended"), lambda answer: answer["context"].update(more=None),
    lambda answer: answer["context"]["path"].append("B0820"), lambda answer: answer["context"]["nearest"][0].append("B0825"),
    lambda answer: answer["context"]["policy"].update(name="b")])
def test_a_difference_is_seen(tmp_path, change):
    changed = json.loads(json.dumps(ANSWER))
    changed["context"]["policy"]["generation"] = 7
    assert differs(ANSWER, changed) is None
    change(changed)
    assert differs(ANSWER, changed) is not None
    (tmp_path / "want").write_text(json.dumps(ANSWER) + "\n")
    (tmp_path / "got").write_text(json.dumps(changed) + "\n")
    done = subprocess.run([COMPARE, tmp_path / "want", tmp_path / "got"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == "0 passed, 1 failed"


def test_an_answer_that_is_missing_is_seen(tmp_path):
    (tmp_path / "want").write_text((json.dumps(ANSWER) + "\n") * 2)
    (tmp_path / "got").write_text(json.dumps(ANSWER) + "\n")
    done = subprocess.run([COMPARE, tmp_path / "want", tmp_path / "got"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == "1 passed, 1 failed"
