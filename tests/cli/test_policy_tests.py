# SPDX-License-Identifier: Apache-2.0
"""`test`: expectations beside a policy, run by four reporters."""
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from support.command import run
from support.requests import NOW, cis2, nrbac_role
from support.small import FUNCTIONS

PRELUDE = """
nrbac-test: 1
subjects:
  nurse: { profile: { role: R8001, organisation: Y51, activities: [B0428, B8028] }, aal: 3 }
  doctor: { profile: { role: R8000, organisation: RBA } }
  strong: { profile: { role: R8000, organisation: RBA }, aal: 3 }
  flo: { file: subjects/flo.json }
tests:
"""

GOOD = PRELUDE + """
  - name: a nurse sees the summary record
    subject: nurse
    permit: [B0360, B0790]
    deny: [B8029, B0825]
  - name: a doctor amends
    subject: doctor
    permit: [patient.amend]
    expect:
      B0820: permit granted-by-baseline
      B0572: deny not-granted
      B7777: indeterminate unknown-activity
      no.such: not-applicable
      pds.amend: deny
  - name: a doctor with a strong login
    subject: strong
    given: { organisation: RBA }
    expect:
      pds.amend: permit requirement-met
      watched: permit with notify-access
      twice: permit with notify-access
  - name: a doctor at the wrong place
    subject: strong
    given: { organisation: Y51 }
    expect:
      B0820: deny organisation-mismatch
  - name: Flo chooses
    subject: flo
    given: { role_profile: "502" }
    permit: [B0380]
    deny: [B0825]
"""

POLICY = FUNCTIONS + """
  watched: { name: Watched, require: B0825, obligations: [notify-access] }
  twice: { name: Twice, require: { activity: B0825, obligations: [notify-access] }, obligations: [notify-access] }
"""

FLO = json.dumps(cis2("B0820", [nrbac_role("501", "R8000"), nrbac_role("502", "R8001")])["subject"])

BAD = PRELUDE + """
  - name: this one holds
    subject: doctor
    permit: [B0820]
  - name: this one fails
    subject: doctor
    permit: [B0570]
"""


@pytest.fixture
def tested(policy):
    def make(text, name="policy"):
        return policy({"policy.yaml": POLICY, "good_test.yaml": text.lstrip().encode(), "subjects/flo.json": FLO.encode()},
                      name=name).path
    return make


def test_expectations_that_hold_end_with_0(tested):
    result = run("test", tested(GOOD))
    assert result.status == 0


def test_test_files_are_not_part_of_the_policy(tested):
    path = tested(GOOD)
    assert run("validate", path).status == 0
    assert run("check", path, "-", stdin="{}").status == 1


def test_an_expectation_that_fails_ends_with_1_and_explains_the_decision(tested):
    result = run("test", tested(BAD))
    assert result.status == 1
    said = result.all
    assert "this one fails" in said
    assert "B0570" in said and "not-granted" in said
    assert "B0572" in said, "the explanation shows the nearest permit"


@pytest.mark.parametrize("body, status", [
    ("    expect: { B0820: permit }\n", 0),
    ("    expect: { B0820: permit granted-by-baseline }\n", 0),
    ("    expect: { B0820: permit granted-by-additional }\n", 1),
    ("    expect: { B0820: deny }\n", 1),
    ("    expect: { watched: permit with notify-access }\n", 0),
    ("    expect: { watched: permit with keep-note }\n", 1),
    ("    expect: { patient.amend: permit with notify-access }\n", 1),
    ("    expect: { B0572: deny requirement-not-met }\n", 1),
    ("    deny: [B0820]\n", 1),
    ("    deny: [B0572]\n", 0)])
def test_an_expectation_is_as_exact_as_it_is_written(tested, body, status):
    assert run("test", tested(PRELUDE + "  - name: one\n    subject: doctor\n" + body)).status == status


def test_the_time_of_a_test_is_the_one_it_is_given(tested):
    subject = {"type": "healthcare-worker", "properties": {
        "userinfo": {"sub": "1", "nhsid_nrbac_roles": [nrbac_role("502", "R8001")]}, "id_token": {"sub": "1", "exp": NOW}}}
    text = PRELUDE + """
  - name: before
    subject: flo
    given: { time: 2026-11-23T08:59:59Z }
    permit: [B0380]
  - name: after
    subject: flo
    given: { time: 2026-11-24T09:00:00Z }
    expect: { B0380: deny evidence-expired }
"""
    path = tested(text)
    (path / "subjects" / "flo.json").write_text(json.dumps(subject))
    assert run("test", path).status == 0


@pytest.mark.parametrize("broken", [
    "nrbac-test: 2\ntests: []\n", "tests: []\n", PRELUDE + "  - name: x\n    subject: nobody\n    permit: [B0820]\n",
    PRELUDE + "  - name: x\n    subject: doctor\n    permitt: [B0820]\n",
    PRELUDE + "  - name: x\n    subject: doctor\n    expect: { B0820: perhaps }\n",
    PRELUDE + "  - name: x\n    subject: doctor\n    expect: { B0820: permit no-such-reason }\n"])
def test_a_mistake_in_a_test_file_is_reported_with_its_place(tested, broken):
    result = run("test", tested(broken))
    assert result.status == 1
    assert re.search(r"good_test\.yaml:\d+:\d+: error", result.all)


@pytest.mark.parametrize("text, failing", [(GOOD, False), (BAD, True)])
def test_tap_is_a_plan_and_numbered_lines(tested, text, failing):
    result = run("test", tested(text), "--format", "tap")
    assert result.status == (1 if failing else 0)
    lines = result.out.splitlines()
    (plan,) = [line for line in lines if re.fullmatch(r"1\.\.\d+", line)]
    points = [line for line in lines if re.match(r"(not )?ok \d+", line)]
    assert len(points) == int(plan[3:])
    assert [int(re.search(r"\d+", line).group()) for line in points] == list(range(1, len(points) + 1))
    assert any(line.startswith("not ok") for line in points) is failing
    other = [line for line in lines if line not in points and line != plan]
    assert all(line.startswith(("#", " ", "TAP version")) or not line for line in other)


@pytest.mark.parametrize("text, failing", [(GOOD, False), (BAD, True)])
def test_junit_is_xml_that_counts(tested, text, failing):
    result = run("test", tested(text), "--format", "junit")
    assert result.status == (1 if failing else 0)
    root = ElementTree.fromstring(result.out)
    assert root.tag in ("testsuites", "testsuite")
    cases = list(root.iter("testcase"))
    assert cases and all(case.get("name") for case in cases)
    failures = [case for case in cases if case.find("failure") is not None]
    assert bool(failures) is failing
    for suite in root.iter("testsuite"):
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
        assert int(suite.get("failures")) == len([case for case in suite.iter("testcase") if case.find("failure") is not None])


@pytest.mark.parametrize("text, failing", [(GOOD, False), (BAD, True)])
def test_json_is_one_document_and_nothing_else(tested, text, failing):
    result = run("test", tested(text), "--format", "json")
    assert result.status == (1 if failing else 0)
    text = json.dumps(result.json())
    assert ("this one fails" in text) is failing


def test_junit_stays_xml_whatever_a_test_is_called(tested):
    text = PRELUDE + "  - name: 'less < than & \"quoted\" ]]>'\n    subject: doctor\n    permit: [B0570]\n"
    result = run("test", tested(text), "--format", "junit")
    assert result.status == 1
    assert 'less < than & "quoted" ]]>' in " ".join(case.get("name") for case in ElementTree.fromstring(result.out).iter("testcase"))


def test_pretty_counts_what_passed_and_what_failed(tested):
    assert run("test", tested(GOOD), "--format", "pretty").status == 0
    assert run("test", tested(BAD, name="bad"), "--format", "pretty").status == 1


def test_run_chooses_by_name(tested):
    path = tested(BAD)
    assert run("test", path, "--run", "holds").status == 0
    assert run("test", path, "--run", "fails").status == 1
    chosen = run("test", path, "--run", "fails", "--format", "junit")
    assert "this one holds" not in chosen.out


def test_a_policy_with_mistakes_is_not_tested(policy):
    broken = policy({"policy.yaml": FUNCTIONS + "  one: { require: B9999 }\n", "x_test.yaml": GOOD.lstrip().encode()})
    result = run("test", broken.path)
    assert result.status == 1
    assert "error[P" in result.err
