# SPDX-License-Identifier: Apache-2.0
"""`assure`: who authenticates and authorises what, what rests on the supplier, and which tests prove it."""
import json
import re

import jsonschema
import pytest
from support.apis import (API_KEY, CIS2_COMBINED, CIS2_SEPARATE, HL7V3_CIS, HL7V3_CIS2, NHS_LOGIN_COMBINED, NHS_LOGIN_SEPARATE, OPEN, OWN, PATTERNS,
                          SIGNED_JWT, TLS_MA, by_cis1, by_cis2, by_nhs_login, by_profile, policy_with, to_api)
from support.command import run
from support.html import Page
from support.paths import POLICY, ROOT
from support.policy import Policy, write

SCHEMA = json.loads((ROOT / "schema/assure.schema.json").read_text())
AT = ("--time", "2026-11-23T09:00:00Z")

TESTS = """
nrbac-test: 1
subjects:
  doctor: { profile: { role: R8000, organisation: RBA }, aal: 3 }
  clerk: { profile: { role: R8003, organisation: RBA }, aal: 3 }
tests:
  - name: a doctor may
    subject: doctor
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt } }
    permit: [guarded]
    expect: { noted: "permit requirement-met with keep-note, notify-access" }
  - name: a clerk may not
    subject: clerk
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt } }
    deny: [guarded]
    expect: { noted: deny requirement-not-met }
  - name: nobody decides for a user who is not there
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt }, pattern: user-restricted/cis2-combined }
    expect: { strong: indeterminate cannot-decide-locally }
  - name: a request that nobody understands
    subject: clerk
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt }, time: yesterday }
    deny: [here]
  - name: another application
    subject: doctor
    given: { api: all, application: { id: one-way, authenticated_by: signed-jwt }, organisation: RBA }
    permit: [here]
  - name: few may do little
    subject: doctor
    given: { api: all, application: { id: few, authenticated_by: signed-jwt } }
    expect: { guarded: deny application-not-authorised }
  - name: strangers may do nothing
    subject: doctor
    given: { api: all, application: { id: stranger, authenticated_by: signed-jwt } }
    deny: [guarded]
  - name: anybody may
    given: { api: open }
    permit: [plain]
    deny: [guarded]
  - name: a code is no operation
    subject: doctor
    permit: [B0825]
"""


@pytest.fixture
def small(policy):
    return policy({"policy.yaml": policy_with(), "small_test.yaml": TESTS}, show=False).path


def assure(policy, *options, status=0):
    """The report, which is always as its schema says."""
    result = run("assure", policy, *AT, "--format", "json", *options)
    assert result.status == status
    report = result.json()
    jsonschema.validate(report, SCHEMA)
    return report


def only(items):
    items = list(items)
    assert len(items) == 1
    return items[0]


def application(report, name):
    return only(one for one in report["applications"] if one["id"] == name)


def row(report, name, api, operation):
    rows = report["open"] if name is None else application(report, name)["operations"]
    return only(one for one in rows if (one["api"], one["operation"]) == (api, operation))


def pattern(report, name, api, operation, slug):
    return only(one for one in row(report, name, api, operation)["patterns"] if one["pattern"] == slug)


def finding(report, code):
    found = [one for one in report["findings"] if one["code"] == code]
    return only(found) if found else None


def about(report, code):
    found = finding(report, code)
    return [] if found is None else [tuple(one.get(key) for key in ("application", "api", "operation")) for one in found["about"]]


# Who: every column, for every pattern. For an operation without a requirement, and for one with.

WAYS = ["api-key", "signed-jwt", "tls-ma"]
PLATFORM = ("api-platform", "api-platform", "engine")
#             authenticated and authorised by, decided by; ways       takes, authenticated by, with; by nothing required, and by something
COLUMNS = {
    OPEN: (("nobody", "nobody", "nobody"), [], ("nobody", "nobody", None), "nobody", ("local", "application", None), "application"),
    API_KEY: (PLATFORM, ["api-key"], ("nobody", "nobody", None), "nobody", None, "nobody"),
    SIGNED_JWT: (PLATFORM, ["signed-jwt"], ("nobody", "nobody", None), "nobody", None, "nobody"),
    TLS_MA: (("api", "api", "engine"), ["tls-ma"], ("nobody", "nobody", None), "nobody", None, "nobody"),
    CIS2_SEPARATE: (PLATFORM, WAYS, ("healthcare-worker", "cis2", "cis2"), "nobody", None, "application"),
    CIS2_COMBINED: (PLATFORM, WAYS, ("healthcare-worker", "api-platform", "cis2"), "nobody", None, "application"),
    HL7V3_CIS2: (("api", "api", "engine"), ["tls-ma"], ("healthcare-worker", "cis2", "cis2"), "nobody", None, "application"),
    HL7V3_CIS: (("api", "api", "engine"), ["tls-ma"], ("healthcare-worker", "cis", "cis"), "nobody", None, "application"),
    NHS_LOGIN_SEPARATE: (PLATFORM, WAYS, ("patient", "nhs-login", "nhs-login"), "application", None, "application"),
    NHS_LOGIN_COMBINED: (PLATFORM, WAYS, ("patient", "api-platform", "nhs-login"), "application", None, "application"),
}
DUTIES = {
    "nobody": {"answer-for-users"},
    "local": {"authenticate-user", "authorise-user"},
    CIS2_SEPARATE: {"sign-user-in", "authorise-user"},
    CIS2_COMBINED: {"hold-profile", "authorise-user"},
    HL7V3_CIS2: {"sign-user-in", "authorise-user"},
    HL7V3_CIS: {"sign-user-in", "authorise-user"},
    NHS_LOGIN_SEPARATE: {"sign-user-in", "authorise-user", "name-record"},
    NHS_LOGIN_COMBINED: {"hold-profile", "authorise-user", "name-record"},
}


def test_the_columns_are_of_all_ten_patterns():
    assert set(COLUMNS) == set(PATTERNS)


@pytest.mark.parametrize("operation", ["plain", "guarded"])
def test_every_column_of_every_pattern(small, operation):
    report = assure(small)
    for slug, (by, ways, plain_user, plain_authorised, guarded_user, guarded_authorised) in COLUMNS.items():
        required = operation == "guarded"
        user = (guarded_user or plain_user) if required else plain_user
        authorised = guarded_authorised if required else plain_authorised
        one = pattern(report, "gp", "all", operation, slug)
        assert one["application"] == {"ways": ways, "authenticated_by": by[0], "authorised_by": by[1], "decided_by": by[2]}
        assert one["user"] == {"takes": user[0], "authenticated_by": user[1], "identity_service": user[2], "authorised_by": authorised,
                               "decided_by": "engine" if authorised == "application" else "nobody"}
        assert one["aal"] == (3 if slug == HL7V3_CIS2 else None)
        assert one["can_permit"] == one["usable"] == (not required or user[0] != "nobody")
        assert set(one["supplier"]) == DUTIES.get(slug, DUTIES.get(user[0])) | {"enforce-decision"}


@pytest.mark.parametrize(("api", "operation", "authorised"), [
    ("authenticated", "plain", "nobody"), ("authenticated", "guarded", "application"),
    ("authorised", "plain", "nobody"), ("authorised", "guarded", "application")])
def test_users_of_the_applications_own_are_authenticated_by_it_and_by_nobody_else(small, api, operation, authorised):
    for slug in (API_KEY, SIGNED_JWT, TLS_MA):
        user = pattern(assure(small), "gp", api, operation, slug)["user"]
        assert (user["takes"], user["authenticated_by"], user["identity_service"]) == ("local", "application", None)
        assert user["authorised_by"] == authorised


def test_obligations_rest_on_the_supplier_wherever_they_come_from(small):
    report = assure(small)
    for operation, obliged in (("plain", False), ("guarded", False), ("noted", True), ("told", True)):
        assert ("fulfil-obligations" in pattern(report, "gp", "all", operation, CIS2_SEPARATE)["supplier"]) == obliged
    # Also where the operation has none, and a part of what it requires has.
    with_part = policy_with().replace("require: { all: [B0825, { aal: 3 }] }", "require: { any: [B0820, { activity: B0825, obligations: [keep-note] }] }")
    report = assure(write(small.parent / "part", with_part))
    assert "fulfil-obligations" in pattern(report, "gp", "all", "strong", CIS2_SEPARATE)["supplier"]
    assert row(report, "gp", "all", "strong")["requirement"] == {"any": [{"activity": "B0820"}, {"activity": "B0825", "obligations": ["keep-note"]}]}


USERS = {CIS2_SEPARATE: by_cis2(), CIS2_COMBINED: by_profile(), HL7V3_CIS2: by_cis2(), HL7V3_CIS: by_cis1(), NHS_LOGIN_SEPARATE: by_nhs_login(),
         NHS_LOGIN_COMBINED: by_nhs_login()}


@pytest.mark.parametrize("api, operation", [("all", "plain"), ("all", "guarded"), ("all", "strong"), ("own", "view"), ("own", "amend"),
                                            ("authenticated", "plain"), ("authorised", "guarded"), ("open", "plain"), ("open", "guarded")])
def test_what_the_report_says_of_who_decides_is_what_the_answers_say(small, api, operation):
    report = assure(small)
    asked = 0
    for one in row(report, "gp", api, operation)["patterns"]:
        slug, local = one["pattern"], one["user"]["takes"] == "local"
        if not one["usable"]:
            continue
        way = one["application"]["ways"][0] if slug != CIS2_SEPARATE and one["application"]["ways"] else "signed-jwt"
        user = USERS.get(slug) or (by_profile() if local else None)
        answer = Policy(small, show=False).ask(to_api(operation, user, api=api, way=way, pattern=slug, record=OWN))
        assert answer.context["decided_by"] == {"application": one["application"]["decided_by"], "user": one["user"]["decided_by"]}
        asked += 1
    assert asked > 0


# What an application can use.

def test_an_application_has_only_its_own_ways(small):
    report = assure(small)
    assert pattern(report, "one-way", "all", "plain", CIS2_SEPARATE)["application"]["ways"] == ["signed-jwt"]
    assert pattern(report, "few", "all", "plain", CIS2_SEPARATE)["application"]["ways"] == ["signed-jwt", "tls-ma"]
    for slug, usable in ((API_KEY, False), (TLS_MA, False), (HL7V3_CIS, False), (SIGNED_JWT, True), (OPEN, True)):
        one = pattern(report, "one-way", "all", "plain", slug)
        assert (one["usable"], one["can_permit"]) == (usable, True)
    assert ("one-way", "hidden", "view") in about(report, "never-permitted")
    assert ("gp", "hidden", "view") not in about(report, "never-permitted")
    assert row(report, "one-way", "hidden", "view")["reachable"] is False
    assert row(report, "one-way", "hidden", "view")["gaps"] == ["no-denying-test"]      # a permit cannot be asked for


def test_rows_are_what_an_application_may_call_and_nothing_else(small):
    report = assure(small)
    rows = [(one["api"], one["operation"]) for one in application(report, "few")["operations"]]
    assert rows == [("all", "plain"), ("own", "amend"), ("own", "family"), ("own", "view")]
    assert len(application(report, "gp")["operations"]) == 16
    assert {(one["api"], one["operation"]) for one in report["open"]} == {
        ("all", operation) for operation in ("plain", "guarded", "noted", "told", "strong", "here")} | {("open", "plain"), ("open", "guarded")}
    assert {one["pattern"] for open_row in report["open"] for one in open_row["patterns"]} == {OPEN}


def test_a_row_says_what_the_policy_says(small):
    report = assure(small)
    noted = row(report, "gp", "all", "noted")
    assert noted["name"] == "Noted" and noted["file"] == "policy.yaml"
    text = (small / "policy.yaml").read_text().splitlines()
    assert text[noted["line"] - 1].strip().startswith("noted:")
    assert noted["obligations"] == ["notify-access"]
    assert noted["requirement"] == {"activity": "B0825", "obligations": ["keep-note"]}
    assert row(report, "gp", "all", "plain")["requirement"] is None
    assert row(report, "gp", "own", "family")["delegation"] == "allowed"
    assert row(report, "gp", "own", "view")["delegation"] == "refused"
    api = only(one for one in report["apis"] if one["id"] == "authorised")
    assert (api["name"], api["rbac"], api["local_user"]) == ("For users whom the application authorises", "own", "authorised")
    assert text[api["line"] - 1] == "  authorised:"
    assert report["names"]["B0825"] == "Amend Patient Demographics"
    assert report["obligations"]["keep-note"] == "Write down the reason"


def test_a_requirement_is_the_one_that_explain_tells(small):
    def stripped(part):
        return {key: [stripped(one) for one in value] if isinstance(value, list) else value
                for key, value in part.items() if key not in ("holds", "steps", "source", "obligations")}
    report = assure(small)
    for operation in ("guarded", "noted", "strong", "here"):
        request = json.dumps(to_api(operation, by_profile()))
        told = run("explain", small, "-", "--format", "json", stdin=request).json()["context"]["requirement"]
        assert stripped(row(report, "gp", "all", operation)["requirement"]) == stripped(told)


def test_applications_with_what_stops_them(small):
    report = assure(small)
    bound = application(report, "bound")
    assert (bound["organisations"], bound["status"], bound["suspended"]) == (["RBA", "Y51"], "active", None)
    assert application(report, "gp")["organisations"] is None
    assert application(report, "closed")["status"] == "closed"
    both = application(report, "paused-and-closed")
    assert both["status"] == "closed" and both["suspended"]["reason"] == "incident 1235"
    assert [one[0] for one in about(report, "application-closed")] == ["closed", "paused-and-closed"]
    assert [one[0] for one in about(report, "application-suspended")] == ["paused", "paused-and-closed"]
    for name in ("closed", "paused"):
        assert not row(report, name, "all", "plain")["reachable"]
        assert "no-permitting-test" not in row(report, name, "all", "plain")["gaps"]


# Tests as proof.

def proofs(one):
    return [(proof["test"], proof["came"], proof["passed"]) for proof in one]


def test_the_tests_of_a_row_those_that_permit_and_those_that_deny_apart(small):
    report = assure(small)
    guarded, noted = row(report, "gp", "all", "guarded"), row(report, "gp", "all", "noted")
    assert proofs(guarded["permits"]) == [("a doctor may", "permit requirement-met", True)]
    assert proofs(guarded["denies"]) == [("a clerk may not", "deny requirement-not-met", True)]
    assert guarded["permits"][0]["expected"] == "permit" and guarded["denies"][0]["expected"] == "no permit"
    assert noted["permits"][0]["expected"] == "permit requirement-met with keep-note, notify-access"
    for proof in (guarded["permits"][0], noted["denies"][0]):
        assert proof["file"] == "small_test.yaml" and proof["pattern"] == CIS2_COMBINED
        line = TESTS.lstrip("\n").splitlines()[proof["line"] - 1]
        assert "permit: [guarded]" in line or "noted: deny" in line
    assert guarded["gaps"] == noted["gaps"] == []
    assert guarded["proved_patterns"] == [CIS2_COMBINED]
    assert report["counts"]["rows_proved"] == 2


def test_a_refusal_for_whatever_reason_denies_but_a_malformed_request_proves_nothing(small):
    report = assure(small)
    strong, here = row(report, "gp", "all", "strong"), row(report, "gp", "all", "here")
    assert proofs(strong["denies"]) == [("nobody decides for a user who is not there", "indeterminate cannot-decide-locally", True)]
    assert strong["gaps"] == ["no-permitting-test"]
    assert proofs(here["denies"]) == [("a request that nobody understands", "indeterminate malformed-request", True)]
    assert here["gaps"] == ["no-permitting-test", "no-denying-test"]


def test_a_test_proves_the_application_that_it_names_and_no_other(small):
    report = assure(small)
    assert proofs(row(report, "one-way", "all", "here")["permits"]) == [("another application", "permit requirement-met", True)]
    assert row(report, "gp", "all", "here")["permits"] == []
    assert row(report, "one-way", "all", "guarded")["permits"] == []
    anybody = row(report, None, "open", "plain")
    assert [proof["test"] for proof in anybody["permits"]] == ["anybody may"] and anybody["gaps"] == ["no-denying-test"]
    assert row(report, None, "open", "guarded")["gaps"] == ["no-permitting-test"]
    assert row(report, "gp", "open", "plain")["permits"] == []


def test_what_applications_may_not_call_is_proved_too(small):
    refused = assure(small)["refusals"]
    assert [(one["application"], one["api"], one["operation"], one["came"]) for one in refused] == [
        ("few", "all", "guarded", "deny application-not-authorised"), ("stranger", "all", "guarded", "deny application-unknown")]
    assert [one["application"] for one in assure(small, "--application", "few")["refusals"]] == ["few"]


def test_gaps_are_findings(small):
    report = assure(small)
    gaps = {key: [] for key in ("no-permitting-test", "no-denying-test")}
    for name in [*[one["id"] for one in report["applications"]], None]:
        for one in report["open"] if name is None else application(report, name)["operations"]:
            for gap in one["gaps"]:
                gaps[gap].append((name, one["api"], one["operation"]))
    assert gaps["no-permitting-test"] and gaps["no-denying-test"]
    for code, rows in gaps.items():
        assert about(report, code) == rows
    assert finding(report, "test-failed") is None and finding(report, "no-tests") is None


def test_patterns_that_no_test_tried_are_a_finding(small):
    untried = finding(assure(small), "pattern-untried")["about"]
    guarded = only(one for one in untried if (one["application"], one["operation"]) == ("gp", "guarded"))
    assert CIS2_COMBINED not in guarded["patterns"] and CIS2_SEPARATE in guarded["patterns"]
    assert API_KEY not in guarded["patterns"]        # it never permits, so no test can show it
    assert not any(one["operation"] == "strong" for one in untried)


def test_users_whom_nobody_authorises_are_a_finding(small):
    report = assure(small)
    found = {(one["api"], one["operation"]): one["patterns"] for one in finding(report, "user-authorised-by-nobody")["about"] if one["application"] == "gp"}
    assert set(found) == {("all", "plain"), ("all", "told"), ("authenticated", "plain"), ("authorised", "plain")}
    assert found["all", "plain"] == [CIS2_SEPARATE, CIS2_COMBINED, HL7V3_CIS2, HL7V3_CIS]
    # Only what the application can use: this one has no client certificate.
    one_way = only(one for one in finding(report, "user-authorised-by-nobody")["about"] if (one["application"], one["operation"]) == ("one-way", "told"))
    assert one_way["patterns"] == [CIS2_SEPARATE, CIS2_COMBINED]
    text = run("assure", small, *AT).out
    assert re.search(r"user authorised by +NOBODY", text)


def test_other_findings(policy):
    text = policy_with("""
  levels:
    patterns: [user-restricted/cis2-separate]
    operations:
      strength: { require: { all: [{ aal: 2 }, { organisation: request }] } }
      either: { require: { any: [B0825, { aal: 2 }] } }
      both: { require: { all: [B0825, { aal: 2 }] } }
  forgotten:
    patterns: [user-restricted/cis2-separate]
    operations: { lost: { require: B0825 } }
""")
    text = text.replace("apis: all }", "apis: { levels: all, open: all } }").replace(", forgotten: all", "")
    text = text.replace("suspend:\n", "  idle: { authenticated_by: [tls-ma] }\nsuspend:\n  - { activity: B0825, reason: incident 9 }\n")
    report = assure(policy(text).path)
    assert [one for one in about(report, "any-user") if one[0] == "gp"] == [("gp", "levels", "either"), ("gp", "levels", "strength")]
    assert about(report, "uncalled-operation") == [(None, "forgotten", "lost")]
    assert about(report, "calls-nothing") == [("idle", None, None)]
    assert (None, "open", "plain") in about(report, "open-access")
    assert only(finding(report, "code-suspended")["about"])["what"] == "B0825"
    assert finding(assure(policy(text, name="again").path, "--application", "idle"), "uncalled-operation") is None
    assert finding(report, "no-tests")["weight"] == "gap" and report["tests"]["run"] is False
    assert finding(report, "example-policy") is None and finding(report, "no-apis") is None


# How it ends.

def test_a_failing_test_fails_and_the_report_is_written_all_the_same(small):
    (small / "wrong_test.yaml").write_text("""nrbac-test: 1
tests:
  - name: wrongly expected
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt } }
    permit: [guarded]
    deny: [plain]
""")
    report = assure(small, status=1)
    assert report["tests"]["failed"] == 1
    assert [(one["test"], one["asked"], one["came"]) for one in report["tests"]["failures"]] == [
        ("wrongly expected", "guarded", "deny user-required"), ("wrongly expected", "plain", "permit application-authorised")]
    assert finding(report, "test-failed")["weight"] == "failure" and report["findings"][0]["code"] == "test-failed"
    plain, guarded = row(report, "gp", "all", "plain"), row(report, "gp", "all", "guarded")
    assert proofs(plain["denies"]) == [("wrongly expected", "permit application-authorised", False)]
    assert plain["gaps"] == ["no-permitting-test", "no-denying-test"]       # what was not expected proves nothing
    assert ("wrongly expected", "deny user-required", False) in proofs(guarded["permits"])
    for form in ("text", "html"):
        result = run("assure", small, *AT, "--format", form)
        assert result.status == 1 and result.out.count("FAILED") >= 3 and "wrongly expected" in result.out


def test_a_failing_test_of_something_else_fails_too(small):
    (small / "wrong_test.yaml").write_text("nrbac-test: 1\ntests:\n  - { name: x, permit: [B0825] }\n")
    assert assure(small, "--application", "few", status=1)["tests"]["failures"][0]["asked"] == "B0825"


def test_a_compiled_policy_has_no_tests_and_the_report_says_so(small, tmp_path):
    image = tmp_path / "small.nrb"
    assert run("compile", small, "-o", image).status == 0
    compiled, folder = assure(image), assure(small)
    assert compiled["policy"]["kind"] == "compiled" and compiled["policy"]["digest"] == folder["policy"]["digest"]
    assert compiled["tests"] == {"run": False, "files": 0, "passed": 0, "failed": 0, "failures": []}
    assert "compiled" in finding(compiled, "no-tests")["message"]
    assert finding(compiled, "no-denying-test") is None and compiled["counts"]["rows_with_gaps"] == compiled["counts"]["rows_proved"] == 0
    assert row(compiled, "gp", "all", "guarded")["patterns"] == row(folder, "gp", "all", "guarded")["patterns"]
    assert row(compiled, "gp", "all", "guarded")["permits"] == []
    text = run("assure", image, *AT).out
    assert "none were run" in text and "GAP           no passed" not in text


def test_one_application(small):
    report = assure(small, "--application", "few")
    assert report["application"] == "few" and [one["id"] for one in report["applications"]] == ["few"]
    assert report["applications"][0] == application(assure(small), "few")
    assert {one[0] for one in about(report, "no-denying-test")} == {"few", None}


@pytest.mark.parametrize(("name", "meant"), [("one-wya", "one-way"), ("bond", "bound"), ("", None), ("nothing-like-it", None)])
def test_an_unknown_application_is_wrong_usage(small, name, meant):
    result = run("assure", small, "--application", name)
    assert result.status == 2 and result.out == ""
    assert f"no application `{name}`" in result.err
    assert ("did you mean" in result.err) == (meant is not None)
    assert meant is None or f"`{meant}`" in result.err


def test_mistakes_and_the_world(small, tmp_path):
    assert run("assure", tmp_path / "nowhere").status == 3
    (tmp_path / "broken.nrb").write_bytes(b"nrbac" * 100)
    assert run("assure", tmp_path / "broken.nrb").status == 3
    (small / "bad_test.yaml").write_text("nrbac-test: 1\ntests:\n  - { name: x, permitt: [B0825] }\n")
    result = run("assure", small)
    assert result.status == 1 and result.out == "" and "did you mean `permit`" in result.err
    (small / "bad_test.yaml").unlink()
    (small / "more.yaml").write_text("nrbac: 1\napi: {}\n")
    result = run("assure", small)
    assert result.status == 1 and result.out == "" and "error[P007]" in result.err


@pytest.mark.parametrize("time", ["", "now", "2026-11-23", "2026-11-23T09:00:00", "2026-02-30T09:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T09:00:60Z",
                                  "2026-13-01T00:00:00Z", "2026-11-23T09:00:00Z ", " 2026-11-23T09:00:00Z", "2026-1-23T09:00:00Z"])
def test_a_time_that_is_none_is_wrong_usage(small, time):
    result = run("assure", small, "--time", time)
    assert result.status == 2 and result.out == ""


def test_the_time_is_the_clocks_unless_it_is_given(small):
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", run("assure", small, "--format", "json").json()["made_at"])
    for form in ("text", "json", "html"):
        once, again = (run("assure", small, *AT, "--format", form).stdout for _ in range(2))
        assert once == again and AT[1].encode() in once


def test_tests_that_state_no_time_are_asked_at_the_given_one(policy):
    tests = """
nrbac-test: 1
subjects:
  doctor: { userinfo: { sub: a, nhsid_nrbac_roles: [{ person_roleid: "1", person_orgid: "2", org_code: RBA, role_code: R8000, role_name: x }] },
            id_token: { sub: a, exp: 1795424400, authentication_assurance_level: 3 } }
tests:
  - name: a doctor of the morning
    subject: doctor
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt } }
    permit: [guarded]
"""
    path = policy({"policy.yaml": policy_with(), "a_test.yaml": tests}, show=False).path
    assert run("assure", path, "--time", "2026-11-23T08:59:59Z").status == 0
    assert run("assure", path, "--time", "2026-11-23T09:00:00Z").status == 1


# The other two forms.

WILD = "<script>alert('x')</script> & \"quoted\" </td>"


@pytest.fixture
def wild(policy):
    quoted = json.dumps(WILD)
    text = policy_with().replace("GP system", "GP_SYSTEM").replace("name: GP_SYSTEM", f"name: {quoted}").replace("name: Noted", f"name: {quoted}")
    for name in ("Everything", "Amend Patient Demographics", "Write down the reason"):
        text = text.replace(f"name: {name}", f"name: {quoted}")
    text = f"nrbac: 1\npolicy: {{ name: {quoted}, version: {json.dumps('1' + WILD)}, nrd_version: {quoted}, provenance: local }}\n" + text
    text = text.replace('"incident 1234"', quoted)
    tests = TESTS.replace("a doctor may", "A_DOCTOR").replace("name: A_DOCTOR", f"name: {quoted}").replace("strangers may", "S")
    return policy({"policy.yaml": text, "<b>_test.yaml": tests}, show=False).path


def html_of(policy, *options):
    result = run("assure", policy, *AT, "--format", "html", *options, quiet=True)
    assert result.status in (0, 1) and result.err == ""
    return Page(result.stdout.decode())


@pytest.mark.parametrize("which", ["small", "wild", "nhs-apis", "compiled"])
def test_html_is_one_well_formed_file_that_needs_nothing_else(request, which, tmp_path):
    path = POLICY / "examples/nhs-apis"
    if which in ("small", "wild"):
        path = request.getfixturevalue(which)
    if which == "compiled":
        path = tmp_path / "a.nrb"
        assert run("compile", POLICY / "examples/nhs-apis", "-o", path, "--policy-root", POLICY).status == 0
    page = html_of(path)
    assert page.mistakes == []
    assert page.text.startswith("<!DOCTYPE html>\n<html lang=\"en\">")
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "video", "audio", "svg"}
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("href", "src", "action", "background", "srcset", "data"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
    assert "url(" not in page.style and "@import" not in page.style and "http" not in page.style
    assert "default-src 'none'" in page.text


def test_html_can_be_read_by_everybody_and_printed(small):
    page = html_of(small)
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert page.count("table") == page.count("caption") > 0
    assert page.count("table") == page.count("thead")
    for tag, attributes in page.elements:
        if tag == "th" and "colspan" not in attributes:
            assert attributes.get("scope") in ("col", "row", "rowgroup")
    targets = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(targets) == len(set(targets))
    for tag, attributes in page.elements:
        if tag == "a":
            assert attributes["href"][1:] in targets
    for word in ("@page", "size: A4", "@media print", "break-inside: avoid", "table-header-group"):
        assert word in page.style
    # Told in words, not by colour alone.
    assert {"GAP", "NOBODY", "passed"} <= set(page.strings)


def test_html_escapes_what_others_wrote(wild):
    page = html_of(wild)
    assert "<script" not in page.text and "</script" not in page.text and "<b>_test" not in page.text
    assert page.strings.count(WILD) >= 6
    assert "&quot;quoted&quot; &lt;/td&gt;" in page.text and "&#39;x&#39;" in page.text and '"quoted"' not in page.text
    assert page.title == f"Who answers for what: {WILD} 1{WILD}"
    assert any(WILD in text and "incident" not in text and text.startswith("Suspended") for text in page.paragraphs)
    assert "<b>_test.yaml" in page.all_text
    assert WILD in run("assure", wild, *AT).out


def test_no_control_character_reaches_a_terminal_or_a_page(policy):
    text = policy_with().replace("name: GP system", 'name: "GP\\e[31m\\nsystem\\x9f"')
    path = policy({"policy.yaml": text, "a_test.yaml": TESTS.replace("a doctor may", '"a\\e]0;x\\a doctor"')}, show=False).path
    for form in ("text", "html"):
        said = run("assure", path, *AT, "--format", form).out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", said)
        assert "GP?[31m?system?" in said and "a?]0;x? doctor" in said


@pytest.mark.parametrize("form", ["text", "html"])
def test_text_and_html_tell_every_row_finding_and_test(small, form):
    report = assure(small)
    said = run("assure", small, *AT, "--format", form).out if form == "text" else html_of(small).all_text
    assert report["policy"]["digest"] in said
    for one in report["findings"]:
        assert one["message"] in said and one["code"] in said
    for name in ("gp", "few", "closed"):
        for one in application(report, name)["operations"]:
            assert f"{one['file']}:{one['line']}" in said
            for proof in one["permits"] + one["denies"]:
                assert proof["test"] in said and f"{proof['file']}:{proof['line']}" in said and proof["came"] in said
    for phrase in ("the API platform, by signed-jwt", "the API, by tls-ma", "the API platform, with CIS2", "CIS2, at AAL3", "NHS login",
                   "the application itself; nobody at NHS England", "on what it holds of the user itself", "for the patient's own record", "nobody: no user takes part",
                   "signs the user in", "NOBODY", "B0825 Amend Patient Demographics", "AAL3 or higher",
                   "Write down the reason (keep-note)", "authenticates the user and does not authorise them", "does not show that the application asks",
                   "not usable: the application does not authenticate in this way", "never permits: the operation requires a user, and takes none"):
        assert phrase in said, phrase


def test_the_catalogue_of_nhs_apis():
    report = assure(POLICY / "examples/nhs-apis")
    everything = [one for name in report["applications"] for one in name["operations"]] + report["open"]
    assert report["counts"]["rows"] == len(everything) > 60
    assert report["counts"]["rows_with_gaps"] == sum(1 for one in everything if one["gaps"])
    assert report["counts"]["rows_proved"] == sum(1 for one in everything if not one["gaps"]) > 5
    assert finding(report, "example-policy") is not None
    own = row(report, "patient-app", "pds-fhir", "own-record.view")
    assert own["gaps"] == [] and own["requirement"] == {"proofing": "P9"}
    assert [one["user"]["authenticated_by"] for one in own["patterns"]] == ["nhs-login"]
    search = row(report, "gp-system", "pds-fhir", "search")
    assert search["obligations"] == ["at-most-one-result"] and search["patterns"][0]["user"]["takes"] == "nobody"
    assert pattern(report, "gp-system", "pds-fhir", "view", CIS2_COMBINED)["supplier"] == ["authorise-user", "hold-profile", "enforce-decision"]
    # Seen from elsewhere it is the same report, but for the path.
    again = run("assure", ".", *AT, "--format", "json", cwd=POLICY / "examples/nhs-apis").json()
    assert {**again, "policy": report["policy"]} == report


def test_a_policy_without_apis(policy):
    report = assure(policy("job_roles: { R8000: { name: Doctor } }").path)
    assert report["applications"] == report["open"] == report["apis"] == []
    assert [one["code"] for one in report["findings"]] == ["no-tests", "no-apis"]
    assert run("assure", policy("job_roles: { R8000: { name: Doctor } }", name="b").path).status == 0
