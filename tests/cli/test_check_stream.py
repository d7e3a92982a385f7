# SPDX-License-Identifier: Apache-2.0
"""`check --stream`: a line of answer for each line of request, in order."""
import json

from support.answers import checked
from support.command import run
from support.requests import neutral
from support.small import FUNCTIONS


def stream(policy, lines, *options):
    return run("check", policy.path, "-", "--stream", *options, stdin="".join(line + "\n" for line in lines))


def test_every_line_is_answered_in_order_also_the_malformed_ones(policy):
    lines = [json.dumps(neutral("B0820")), "{", json.dumps(neutral("B0572")), "not json at all", "[1, 2]", "\x01\x02",
             json.dumps(neutral("no.such")), json.dumps(neutral("B7777")), "{}", json.dumps(neutral("patient.amend"))]
    result = stream(policy(FUNCTIONS), lines, "--format", "json")
    assert result.status == 0
    verdicts = [checked(document).verdict for document in result.json_lines()]
    malformed = "indeterminate malformed-request"
    assert verdicts == ["permit granted-by-baseline", malformed, "deny not-granted", malformed, malformed, malformed,
                        "not-applicable unknown-function", "indeterminate unknown-activity", malformed,
                        "permit requirement-met"]


def test_the_text_of_a_stream_has_one_line_for_each_request(policy):
    lines = [json.dumps(neutral(name)) for name in ("B0820", "B0572", "B0820")] + ["{"]
    result = stream(policy(FUNCTIONS), lines)
    assert result.status == 0
    said = result.out.splitlines()
    assert len(said) == 4
    assert "granted-by-baseline" in said[0] and "not-granted" in said[1] and "granted-by-baseline" in said[2]
    assert "malformed-request" in said[3]


def test_a_stream_gives_what_single_questions_give(policy):
    functions = policy(FUNCTIONS)
    requests = [neutral("B0820"), neutral("B0570"), neutral("pds.amend", asked="RBA", aal=1)]
    together = functions.ask_all(requests)
    assert [dict(answer) for answer in together] == [dict(functions.ask(request)) for request in requests]


def test_the_last_line_needs_no_newline(policy):
    text = json.dumps(neutral("B0820")) + "\n" + json.dumps(neutral("B0572"))
    result = run("check", policy(FUNCTIONS).path, "-", "--stream", "--format", "json", stdin=text)
    assert result.status == 0
    assert len(result.json_lines()) == 2


def test_invalid_utf_8_in_a_line_concerns_that_line_alone(policy):
    good = json.dumps(neutral("B0820")).encode() + b"\n"
    bad = good.replace(b"B0820", b"B\xff\xfe20")
    result = run("check", policy(FUNCTIONS).path, "-", "--stream", "--format", "json", stdin=good + bad + good)
    assert result.status == 0
    verdicts = [checked(document).verdict for document in result.json_lines()]
    assert verdicts == ["permit granted-by-baseline", "indeterminate malformed-request", "permit granted-by-baseline"]


def test_a_very_long_line_concerns_that_line_alone(policy):
    whole = neutral("B0820")
    whole["padding"] = "x" * (8 << 20)
    lines = [json.dumps(neutral("B0820")), json.dumps(whole), json.dumps(neutral("B0572"))]
    result = stream(policy(FUNCTIONS), lines, "--format", "json")
    assert result.status == 0
    answers = [checked(document) for document in result.json_lines()]
    assert [answers[0].effect, answers[2].effect] == ["permit", "deny"]
    assert len(answers) == 3


def test_twenty_thousand_requests_are_answered_in_seconds(policy):
    line = json.dumps(neutral("B0820")) + "\n"
    result = run("check", policy(FUNCTIONS).path, "-", "--stream", "--format", "json", stdin=line * 20000, quiet=True)
    assert result.status == 0
    assert result.out.count("\n") == 20000
    assert len(set(result.out.splitlines())) == 1
    assert result.seconds < 20
