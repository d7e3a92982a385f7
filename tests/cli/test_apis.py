# SPDX-License-Identifier: Apache-2.0
"""APIs, applications and patterns by the command: options, explain, test, dump, validate."""
import json

import pytest
from support.answers import checked
from support.apis import NHS_LOGIN_SEPARATE, OTHER, OWN, PATTERNS, TLS_MA, by_cis2, by_nhs_login, by_profile, policy_with, to_api
from support.command import run
from support.policy import Policy

FROM_GP = ("--application", "gp", "--authenticated-by", "signed-jwt")


@pytest.fixture
def small(policy):
    return policy(policy_with(), show=False).path


@pytest.fixture
def subject(tmp_path):
    def write(user):
        path = tmp_path / "subject.json"
        path.write_text(json.dumps(user))
        return path
    return write


def ask(policy, *options, stdin=None):
    operands = () if stdin is None else ("-",)
    result = run("check", policy, *operands, "--format", "json", *options, stdin="" if stdin is None else json.dumps(stdin))
    return checked(result.json())


# Options.

def test_a_request_is_made_by_options_alone(small, subject):
    assert ask(small, "--api", "all", "--action", "plain", *FROM_GP).verdict == "permit application-authorised"
    assert ask(small, "--api", "all", "--action", "plain", "--application", "gp", "--pattern", TLS_MA).verdict == "deny application-not-authenticated"
    assert ask(small, "--api", "all", "--action", "guarded", *FROM_GP, "--subject", subject(by_profile())).verdict == "permit requirement-met"
    own = ("--api", "own", "--action", "view", *FROM_GP, "--subject", subject(by_nhs_login()))
    assert ask(small, *own, "--record", OWN).verdict == "permit patient-authorised"
    assert ask(small, *own, "--record", OTHER).verdict == "deny not-own-record"
    assert ask(small, *own).verdict == "deny not-own-record"


def test_an_option_overrides_its_member_and_leaves_the_others(small):
    given = to_api("view", by_nhs_login(), api="own", application="gp", way="signed-jwt", pattern=NHS_LOGIN_SEPARATE, record=OWN)
    assert ask(small, stdin=given).verdict == "permit patient-authorised"
    assert ask(small, "--application", "few", stdin=given).verdict == "permit patient-authorised"
    assert ask(small, "--application", "nobody", stdin=given).verdict == "deny application-unknown"
    assert ask(small, "--authenticated-by", "fax", stdin=given).verdict == "deny application-not-authenticated"
    assert ask(small, "--api", "none", stdin=given).verdict == "not-applicable unknown-api"
    assert ask(small, "--api", "all", "--action", "plain", stdin=given).verdict == "permit patient-authorised"
    assert ask(small, "--pattern", TLS_MA, stdin=given).verdict == "deny pattern-not-met"
    assert ask(small, "--pattern", "fax", stdin=given).verdict == "indeterminate malformed-request"
    assert ask(small, "--record", OTHER, stdin=given).verdict == "deny not-own-record"


def test_options_hold_for_every_line_of_a_stream(small):
    lines = "".join(json.dumps({"action": {"name": name}}) + "\n" for name in ("plain", "guarded", "none"))
    result = run("check", small, "-", "--stream", "--format", "json", "--api", "all", *FROM_GP, stdin=lines)
    assert [checked(answer).verdict for answer in result.json_lines()] == [
        "permit application-authorised", "deny user-required", "not-applicable unknown-operation"]


def test_a_function_is_asked_as_before(small):
    assert ask(small, "--action", "B0820", "--application", "gp", stdin={"subject": by_profile()}).verdict == "permit granted-by-baseline"


@pytest.mark.parametrize("operation, user", [("plain", None), ("guarded", by_cis2()), ("guarded", None), ("noted", by_profile()), ("none", None)])
def test_a_compiled_policy_and_a_daemon_answer_the_same(daemons, small, tmp_path, operation, user):
    image, config = tmp_path / "policy.nrb", tmp_path / "config.yaml"
    assert run("compile", small, "-o", image).status == 0
    config.write_text("trust_applications: true\ntrust_request_time: true\n")
    running = daemons.start(image, "--config", config)
    request = to_api(operation, user)
    answer = Policy(small, show=False).ask(request).without_where_it_was_asked()
    assert Policy(image, show=False).ask(request).without_where_it_was_asked() == answer
    assert running.client().evaluate(request).without_where_it_was_asked() == answer


# Explain.

def test_explain_tells_the_pattern_and_who_decided(small, subject):
    said = run("explain", small, "--api", "all", "--action", "noted", "--subject", subject(by_profile()), *FROM_GP).out
    assert "PERMIT requirement-met noted" in said
    assert "user-restricted/cis2-combined" in said and "notify-access" in said and "keep-note" in said
    deciders = [line.split() for line in said.splitlines() if line.split()[-1:] == ["engine"]]
    assert [words[-2] for words in deciders] == ["application", "user"]


def test_explain_tells_what_a_registration_authority_could_add(small, subject):
    said = run("explain", small, "--api", "all", "--action", "guarded", "--subject", subject(by_profile("R8001")), *FROM_GP).out
    assert "DENY requirement-not-met" in said and "B0825" in said


def test_what_cannot_be_decided_here_says_so(small):
    said = run("check", small, "--api", "all", "--action", "plain", *FROM_GP, "--pattern", "user-restricted/cis2-combined").out
    assert said.startswith("CANNOT DECIDE: ") and "cannot-decide-locally" in said


# Test files.

TESTS = """
nrbac-test: 1
subjects:
  doctor: { profile: { role: R8000, organisation: RBA }, aal: 3 }
  signed-in:
    userinfo: { sub: "1", nhsid_nrbac_roles: [{ person_roleid: "501", role_code: R8000, org_code: RBA }] }
    id_token: { sub: "1", authentication_assurance_level: 3 }
  patient: { nhs_login: { nhs_number: "9912003071", identity_proofing_level: P9 } }
tests:
  - name: a system looks, and may do no more
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt } }
    permit: [plain]
    expect: { told: permit application-authorised with notify-access, guarded: deny user-required, none: not-applicable unknown-operation }
  - name: an application that does not say how it was authenticated
    given: { api: all, application: gp, pattern: application-restricted/tls-ma }
    expect: { plain: deny application-not-authenticated }
  - name: a doctor
    subject: doctor
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt } }
    expect: { strong: permit requirement-met }
  - name: a doctor with a weak login
    subject: doctor
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt }, evidence: { aal: 1 } }
    expect: { strong: deny assurance-too-low, guarded: permit requirement-met }
  - name: a doctor who is a nurse
    subject: doctor
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt }, evidence: { profile: { role: R8001 } } }
    expect: { guarded: deny requirement-not-met }
  - name: one claim of a token is another one
    subject: signed-in
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt }, evidence: { id_token: { authentication_assurance_level: 2 } } }
    expect: { strong: deny assurance-too-low, guarded: permit requirement-met }
  - name: the subject itself is what it was
    subject: signed-in
    given: { api: all, application: { id: gp, authenticated_by: signed-jwt } }
    permit: [strong]
  - name: a patient's own record
    subject: patient
    given: { api: own, application: { id: gp, authenticated_by: api-key }, record: 9912003071 }
    permit: [view, amend]
  - name: another's
    subject: patient
    given: { api: own, application: { id: gp, authenticated_by: api-key }, record: 9912003888 }
    expect: { view: deny not-own-record }
"""


def test_test_files_say_what_a_request_to_an_api_gives(policy):
    path = policy({"policy.yaml": policy_with(), "one_test.yaml": TESTS.lstrip().encode()}).path
    assert run("test", path).status == 0


def test_a_test_of_an_api_can_fail_and_tells_the_story(policy):
    wrong = TESTS.replace("strong: permit requirement-met", "strong: permit patient-authorised")
    result = run("test", policy({"policy.yaml": policy_with(), "one_test.yaml": wrong.lstrip().encode()}).path)
    assert result.status == 1
    assert "user-restricted/cis2-combined" in result.all


@pytest.mark.parametrize("line, said", [
    ("given: { pattern: cis2-combined }", "cis2-combined"), ("given: { application: { id: gp, authenticated_by: jwt } }", "jwt"),
    ("given: { evidence: { aal: 1 } }", "evidence"), ("given: { apis: all }", "did you mean `api`")])
def test_a_slip_in_what_is_given_is_a_mistake_with_its_place(policy, line, said):
    text = f"nrbac-test: 1\ntests:\n  - name: one\n    {line}\n    deny: [plain]\n"
    result = run("test", policy({"policy.yaml": policy_with(), "one_test.yaml": text.encode()}).path)
    assert result.status == 1
    assert "one_test.yaml:4:" in result.all and said in result.all


# Dump and validate.

def test_the_dump_shows_all_that_is_decided_by(small):
    text = run("dump", small).out
    for word in (*PATTERNS, "closed", "paused", "one-way", "authorised", "delegation"):
        assert word in text
    assert run("dump", small).out == text


@pytest.mark.parametrize("before, after", [
    ("guarded: { name: Guarded, require: B0825 }\n      noted", "guarded: { name: Guarded, require: B0820 }\n      noted"),
    ("family: { name: View for another, delegation: allowed }", "family: { name: View for another }"),
    ("local_user: authorised", "local_user: authenticated"), ("organisations: [RBA, Y51]", "organisations: [RBA]"),
    ("one-way: { authenticated_by: [signed-jwt]", "one-way: { authenticated_by: [tls-ma]"), ("apis: { all: [plain], own: all }", "apis: { own: all }"),
    ("status: closed, organisations: [RBA]", "organisations: [RBA]"), ("  - { application: paused, reason: \"incident 1234\" }\n", ""),
    ("patterns: [application-restricted/tls-ma]", "patterns: [application-restricted/api-key]"),
    ("told: { name: Told, obligations: [notify-access] }", "told: { name: Told }")])
def test_what_changes_a_decision_changes_the_dump_and_the_digest(policy, tmp_path, before, after):
    assert before in policy_with()
    one, other = policy(policy_with(), name="one", show=False).path, policy(policy_with().replace(before, after), name="other").path
    assert run("dump", one).out != run("dump", other).out
    for path in (one, other):
        assert run("compile", path, "-o", tmp_path / f"{path.name}.nrb").status == 0
    assert (tmp_path / "one.nrb").read_bytes() != (tmp_path / "other.nrb").read_bytes()


API = "apis:\n  a:\n    name: A\n    patterns: [application-restricted/signed-jwt]\n    operations:\n      view: { name: View }\n"


@pytest.mark.parametrize("text, said", [
    (API.replace("signed-jwt", "signed-jwx"), "application-restricted/signed-jwt"),
    (API + "applications:\n  gp: { authenticated_by: [signed-jwt], apis: { b: all } }\n", "`b`"),
    (API + "applications:\n  gp: { authenticated_by: [signed-jwt], apis: { a: [vieww] } }\n", "vieww"),
    (API + "applications:\n  gp: { authenticated_by: [fax], apis: { a: all } }\n", "fax"),
    (API.replace("name: View", "name: View, require: B9999"), "B9999"),
    (API.replace("name: View", "name: View, obligations: [none]"), "none"),
    (API.replace("    operations:\n      view: { name: View }\n", ""), "operations"),
    (API.replace("    patterns: [application-restricted/signed-jwt]\n", ""), "patterns"),
    (API.replace("    name: A\n", "    name: A\n    rbac: nationall\n"), "national"),
    (API + "  a:\n    name: Again\n", "`a`")])
def test_mistakes_in_apis_have_a_place(policy, text, said):
    result = policy("activities:\n  B0820: { name: View }\n" + text).validate()
    assert result.status == 1
    assert "policy.yaml:" in result.all and "error[" in result.all and said in result.all


def test_all_apis_are_all_of_the_operations_of_each(policy):
    text = policy_with()
    assert "tls-ma], apis: all }" in text
    each = text.replace("apis: all", "apis: { all: all, own: all, authenticated: all, authorised: all, open: all, hidden: all }")
    assert run("dump", policy(text, name="one", show=False).path).out == run("dump", policy(each, name="other", show=False).path).out


def test_a_sound_api_has_no_mistakes(policy):
    text = API + "applications:\n  gp: { authenticated_by: [signed-jwt], apis: { a: all } }\n"
    result = policy(text).validate("--strict")
    assert result.status == 0
