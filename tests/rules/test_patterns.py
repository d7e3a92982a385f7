# SPDX-License-Identifier: Apache-2.0
"""The ten security patterns: which one a request used, whom it lets pass, and what the answer says of it."""
import os

import pytest
from support.answers import is_one_sentence
from support.apis import (API_KEY, CIS2_COMBINED, CIS2_SEPARATE, HL7V3_CIS, HL7V3_CIS2, NHS_LOGIN_COMBINED, NHS_LOGIN_SEPARATE, OPEN, OTHER, OWN,
                          PATTERNS, SIGNED_JWT, SOON, TLS_MA, by_cis1, by_cis2, by_nhs_login, by_profile, policy_with, to_api)
from support.national import NATIONAL
from support.policy import Policy, write
from support.requests import neutral


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return Policy(write(tmp_path_factory.mktemp("patterns") / "policy", policy_with()))


def decided(answer):
    """(who decided on the application, who on the user)."""
    return answer.context["decided_by"]["application"], answer.context["decided_by"]["user"]


# Which pattern a request used: (offered, what the request gives, the pattern, the verdict).

SHOWN = {
    "nobody, with a key": (PATTERNS, dict(way="api-key"), API_KEY, "permit application-authorised"),
    "nobody, with a JWT": (PATTERNS, dict(way="signed-jwt"), SIGNED_JWT, "permit application-authorised"),
    "nobody, with a certificate": (PATTERNS, dict(way="tls-ma"), TLS_MA, "permit application-authorised"),
    "nobody at all": (PATTERNS, dict(application=None), OPEN, "permit open-access"),
    "nobody, with another way than is offered": ([OPEN, API_KEY], dict(way="tls-ma"), TLS_MA, "deny pattern-not-met"),
    "CIS2": (PATTERNS, dict(user=by_cis2()), CIS2_SEPARATE, "permit application-authorised"),
    "CIS2, without separate": ([CIS2_COMBINED, HL7V3_CIS2], dict(user=by_cis2(), way="tls-ma"), HL7V3_CIS2, "permit application-authorised"),
    "CIS2, with combined alone": ([CIS2_COMBINED, TLS_MA], dict(user=by_cis2(), way="tls-ma"), CIS2_COMBINED, "permit application-authorised"),
    "CIS1": (PATTERNS, dict(user=by_cis1(), way="tls-ma"), HL7V3_CIS, "permit application-authorised"),
    "NHS login": (PATTERNS, dict(user=by_nhs_login(), record=OWN), NHS_LOGIN_SEPARATE, "permit patient-authorised"),
    "NHS login, combined alone": ([OPEN, NHS_LOGIN_COMBINED], dict(user=by_nhs_login(), record=OWN), NHS_LOGIN_COMBINED,
                                  "permit patient-authorised"),
    "a profile": (PATTERNS, dict(user=by_profile()), CIS2_COMBINED, "permit application-authorised"),
    "a profile, without combined": ([HL7V3_CIS2, CIS2_SEPARATE], dict(user=by_profile()), CIS2_SEPARATE, "permit application-authorised"),
    "a profile, HL7 V3 alone": ([HL7V3_CIS2, OPEN], dict(user=by_profile(aal=3), way="tls-ma"), HL7V3_CIS2, "permit application-authorised"),
    "CIS2, none offered": ([SIGNED_JWT, OPEN], dict(user=by_cis2()), SIGNED_JWT, "deny user-not-allowed"),
    "CIS2, none offered and no way": ([SIGNED_JWT, OPEN], dict(user=by_cis2(), way=None), OPEN, "permit open-access"),
    "CIS1, none offered": ([HL7V3_CIS2, CIS2_SEPARATE], dict(user=by_cis1(), way="tls-ma"), TLS_MA, "deny pattern-not-met"),
    "NHS login, none offered": ([HL7V3_CIS, OPEN], dict(user=by_nhs_login(), way=None), OPEN, "permit open-access"),
    "a profile, none offered": ([NHS_LOGIN_SEPARATE, HL7V3_CIS], dict(user=by_profile()), SIGNED_JWT, "deny pattern-not-met"),
    "CIS2, named as combined": (PATTERNS, dict(user=by_cis2(), pattern=CIS2_COMBINED), CIS2_COMBINED, "permit application-authorised"),
    "CIS2, named as open": (PATTERNS, dict(user=by_cis2(), pattern=OPEN), OPEN, "permit open-access"),
    "a profile, named as separate": (PATTERNS, dict(user=by_profile(), pattern=CIS2_SEPARATE), CIS2_SEPARATE, "permit application-authorised"),
    "CIS2, named as CIS1": (PATTERNS, dict(user=by_cis2(), way="tls-ma", pattern=HL7V3_CIS), HL7V3_CIS, "deny pattern-not-met"),
    "CIS2, named as NHS login": (PATTERNS, dict(user=by_cis2(), pattern=NHS_LOGIN_COMBINED), NHS_LOGIN_COMBINED, "deny pattern-not-met"),
    "CIS1, named as CIS2": (PATTERNS, dict(user=by_cis1(), pattern=CIS2_SEPARATE), CIS2_SEPARATE, "deny pattern-not-met"),
    "NHS login, named as CIS2": (PATTERNS, dict(user=by_nhs_login(), pattern=CIS2_COMBINED), CIS2_COMBINED, "deny pattern-not-met"),
    "a profile, named as CIS1": (PATTERNS, dict(user=by_profile(), way="tls-ma", pattern=HL7V3_CIS), HL7V3_CIS, "deny pattern-not-met"),
    "a profile, named as NHS login": (PATTERNS, dict(user=by_profile(), pattern=NHS_LOGIN_SEPARATE), NHS_LOGIN_SEPARATE, "deny pattern-not-met"),
    "named, and not offered": ([SIGNED_JWT, API_KEY], dict(pattern=TLS_MA, way="tls-ma"), TLS_MA, "deny pattern-not-met"),
    "open access named, and not offered": ([SIGNED_JWT, API_KEY], dict(pattern=OPEN), OPEN, "deny pattern-not-met"),
    "named, authenticated otherwise": (PATTERNS, dict(pattern=TLS_MA, way="api-key"), TLS_MA, "deny pattern-not-met"),
    "HL7 V3 with a JWT": (PATTERNS, dict(user=by_cis1(), way="signed-jwt"), HL7V3_CIS, "deny pattern-not-met"),
    "HL7 V3 CIS2 with a key": ([HL7V3_CIS2], dict(user=by_cis2(), way="api-key"), HL7V3_CIS2, "deny pattern-not-met"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_evidence_shows_the_pattern(policy, name):
    offered, given, pattern, verdict = SHOWN[name]
    more = f"  some:\n    name: Some\n    patterns: [{', '.join(offered)}]\n    operations:\n      do: {{ name: Do it }}\n"
    answer = policy(policy_with(more)).ask(to_api("do", api="some", **given))
    assert (answer.context["pattern"], answer.verdict) == (pattern, verdict)


def test_a_pattern_that_there_is_not_is_malformed(served):
    answer = served.ask(to_api("plain", pattern="user-restricted/fax"))
    assert answer.verdict == "indeterminate malformed-request" and "pattern" in answer.context["fault"]


def test_an_operations_own_patterns_replace_those_of_the_api(policy):
    more = f"""  some:
    name: Some
    patterns: [{SIGNED_JWT}]
    operations:
      search: {{ name: Search }}
      fetch: {{ name: Fetch, patterns: [{TLS_MA}] }}
"""
    some = policy(policy_with(more))
    assert [some.ask(to_api(name, api="some", way=way)).verdict for name in ("search", "fetch") for way in ("signed-jwt", "tls-ma")] == [
        "permit application-authorised", "deny pattern-not-met", "deny pattern-not-met", "permit application-authorised"]


# All ten, end to end: a request that passes, what it passes for, and who decided.

PASS = {
    OPEN: (dict(application=None), "permit open-access", ("nobody", "nobody")),
    API_KEY: (dict(way="api-key"), "permit application-authorised", ("engine", "nobody")),
    SIGNED_JWT: (dict(way="signed-jwt"), "permit application-authorised", ("engine", "nobody")),
    TLS_MA: (dict(way="tls-ma"), "permit application-authorised", ("engine", "nobody")),
    CIS2_SEPARATE: (dict(user=by_cis2()), "permit application-authorised", ("engine", "nobody")),
    CIS2_COMBINED: (dict(user=by_profile()), "permit application-authorised", ("engine", "nobody")),
    HL7V3_CIS2: (dict(user=by_cis2(), way="tls-ma"), "permit application-authorised", ("engine", "nobody")),
    HL7V3_CIS: (dict(user=by_cis1(), way="tls-ma"), "permit application-authorised", ("engine", "nobody")),
    NHS_LOGIN_SEPARATE: (dict(user=by_nhs_login(), record=OWN), "permit patient-authorised", ("engine", "engine")),
    NHS_LOGIN_COMBINED: (dict(user=by_nhs_login(), record=OWN), "permit patient-authorised", ("engine", "engine")),
}
WORKERS = [CIS2_SEPARATE, CIS2_COMBINED, HL7V3_CIS2, HL7V3_CIS]


def test_the_table_has_all_ten():
    assert set(PASS) == set(PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_lets_pass_and_says_who_decided(served, pattern):
    given, verdict, deciders = PASS[pattern]
    answer = served.ask(to_api("plain", pattern=pattern, **given))
    assert (answer.verdict, answer.context["pattern"], decided(answer)) == (verdict, pattern, deciders)
    assert answer.context["asked"] == "plain"
    assert is_one_sentence(answer.context["message"])


@pytest.mark.parametrize("pattern", WORKERS)
def test_a_requirement_decides_on_a_healthcare_worker(served, pattern):
    given = PASS[pattern][0]
    answer = served.ask(to_api("guarded", pattern=pattern, **given))
    assert (answer.verdict, decided(answer)) == ("permit requirement-met", ("engine", "engine"))
    assert answer.profile[1:] == ("R8000", "RBA")
    nurse = {CIS2_SEPARATE: by_cis2("R8001"), CIS2_COMBINED: by_profile("R8001"), HL7V3_CIS2: by_cis2("R8001"), HL7V3_CIS: by_cis1("R8001")}
    refused = served.ask(to_api("guarded", pattern=pattern, **{**given, "user": nurse[pattern]}))
    assert (refused.verdict, decided(refused)) == ("deny requirement-not-met", ("engine", "engine"))
    assert ["B0825"] in refused.nearest


@pytest.mark.parametrize("pattern", PATTERNS)
def test_without_a_user_a_requirement_is_never_met(served, pattern):
    given = {**PASS[pattern][0], "user": None}
    answer = served.ask(to_api("guarded", pattern=pattern, **given))
    combined = pattern in (CIS2_COMBINED, NHS_LOGIN_COMBINED)
    assert answer.verdict == ("indeterminate cannot-decide-locally" if combined else "deny user-required")


@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS if pattern.startswith("user")])
def test_a_user_restricted_pattern_needs_a_user(served, pattern):
    answer = served.ask(to_api("plain", pattern=pattern, **{**PASS[pattern][0], "user": None}))
    combined = pattern in (CIS2_COMBINED, NHS_LOGIN_COMBINED)
    assert answer.verdict == ("indeterminate cannot-decide-locally" if combined else "deny user-required")
    assert decided(answer) == ("engine", "api" if combined else "nobody")


@pytest.mark.parametrize("pattern", PATTERNS[1:])
@pytest.mark.parametrize("changed, reason", [
    (dict(application=None), "application-not-authenticated"), (dict(way=None), "application-not-authenticated"),
    (dict(way="fax"), "application-not-authenticated"), (dict(application="nobody"), "application-unknown"),
    (dict(application="paused"), "suspended"), (dict(application="closed"), "application-not-authorised")],
    ids=lambda value: " ".join(f"{key} {what}" for key, what in value.items()) if isinstance(value, dict) else value)
def test_each_pattern_but_open_access_needs_its_application(served, pattern, changed, reason):
    given = {**PASS[pattern][0], **changed}
    if changed.get("application") in ("paused", "closed") and given.get("way") == "api-key":
        reason = "application-not-authenticated"     # they are not registered for keys
    assert served.ask(to_api("plain", pattern=pattern, **given)).reason == reason


def test_open_access_asks_for_no_application(served):
    for application in (None, "nobody", "closed", "paused", "gp"):
        for user in (None, by_cis2(), by_cis1(mode="1"), by_nhs_login()):
            answer = served.ask(to_api("plain", user, api="open", application=application, way=None))
            assert (answer.verdict, decided(answer)) == ("permit open-access", ("nobody", "nobody"))


def test_open_access_with_a_requirement_judges_the_user(served):
    def ask(user):
        return served.ask(to_api("guarded", user, api="open", application=None, pattern=OPEN))
    assert ask(None).verdict == "deny user-required"
    met = ask(by_cis2())
    assert (met.verdict, decided(met)) == ("permit requirement-met", ("nobody", "engine"))
    assert ask(by_cis2("R8001")).verdict == "deny requirement-not-met"
    assert ask(by_cis2(expires=1)).verdict == "deny evidence-expired"
    assert ask(by_cis1(mode="1")).verdict == "deny training-session"


# Users whom an application asserts under application-restricted patterns.

@pytest.mark.parametrize("way", ["api-key", "signed-jwt", "tls-ma"])
def test_without_local_users_one_is_refused(served, way):
    pattern = f"application-restricted/{way}"
    for user in (by_cis2(), by_cis1(), by_profile(), by_nhs_login()):
        for operation in ("plain", "guarded"):
            answer = served.ask(to_api(operation, user, way=way, pattern=pattern, record=OWN))
            assert answer.verdict == "deny user-not-allowed"
    assert served.ask(to_api("plain", way=way, pattern=pattern)).verdict == "permit application-authorised"


@pytest.mark.parametrize("api", ["authenticated", "authorised"])
@pytest.mark.parametrize("way", ["api-key", "signed-jwt", "tls-ma"])
def test_with_local_users_one_is_needed(served, api, way):
    for operation in ("plain", "guarded"):
        assert served.ask(to_api(operation, api=api, way=way)).verdict == "deny user-required"
    answer = served.ask(to_api("plain", by_profile("R8001"), api=api, way=way))
    assert (answer.verdict, decided(answer)) == ("permit application-authorised", ("engine", "nobody"))
    assert served.ask(to_api("plain", by_cis2(expires=1), api=api, way=way)).verdict == "deny evidence-expired"
    met = served.ask(to_api("guarded", by_profile(), api=api, way=way))
    assert (met.verdict, decided(met)) == ("permit requirement-met", ("engine", "engine"))
    assert served.ask(to_api("guarded", by_profile("R8001"), api=api, way=way)).verdict == "deny requirement-not-met"


# The application.

@pytest.mark.parametrize("organisation, verdict", [
    ("RBA", "permit application-authorised"), ("Y51", "permit application-authorised"), ("RB", "deny organisation-mismatch"),
    ("RBAX", "deny organisation-mismatch"), ("", "deny organisation-required"), (None, "deny organisation-required")])
def test_an_application_acts_for_its_organisations_alone(served, organisation, verdict):
    assert served.ask(to_api("plain", application="bound", organisation=organisation)).verdict == verdict
    assert served.ask(to_api("plain", application="gp", organisation=organisation)).verdict == "permit application-authorised"


def test_the_organisation_of_the_application_does_not_replace_that_of_the_profile(served):
    def ask(organisation, profile):
        return served.ask(to_api("guarded", by_cis2(organisation=profile), application="bound", organisation=organisation)).verdict
    assert ask("RBA", "RBA") == "permit requirement-met"
    assert ask("Y51", "RBA") == "deny organisation-mismatch"
    assert ask("Y51", "FFFFF") == "permit requirement-met"
    assert ask("Q99", "FFFFF") == "deny organisation-mismatch"


def test_an_application_calls_what_it_may_call(served):
    def ask(operation, api="all", application="few", **given):
        return served.ask(to_api(operation, api=api, application=application, **given)).verdict
    assert ask("plain") == "permit application-authorised"
    assert ask("told") == "deny application-not-authorised"
    assert ask("view", api="own", user=by_nhs_login(), record=OWN) == "permit patient-authorised"
    assert ask("view", api="hidden", way="tls-ma") == "deny application-not-authorised"
    assert ask("view", api="hidden", application="gp", way="tls-ma") == "permit application-authorised"


def test_each_application_is_authenticated_in_its_own_ways(served):
    assert served.ask(to_api("plain", application="one-way", way="signed-jwt")).effect == "permit"
    for way in ("api-key", "tls-ma", "SIGNED-JWT", "", "signed-jwt,tls-ma"):
        for pattern in (None, SIGNED_JWT):
            assert served.ask(to_api("plain", application="one-way", way=way, pattern=pattern)).verdict == "deny application-not-authenticated"


def test_a_suspended_application_is_suspended_before_it_is_closed(served):
    assert served.ask(to_api("plain", application="paused-and-closed")).verdict == "deny suspended"


def test_a_function_asks_for_no_application_but_not_a_suspended_one(policy):
    some = policy(policy_with() + "functions:\n  amend: { name: Amend, require: B0825 }\n")
    request = neutral("amend")
    for application, verdict in ((None, "permit requirement-met"), ("gp", "permit requirement-met"), ("nobody", "permit requirement-met"),
                                 ("paused", "deny suspended")):
        request["context"]["application"] = {"id": application} if application else {}
        assert some.ask(request).verdict == verdict
        assert decided(some.ask(request)) == ("nobody", "engine")


# Patients.

@pytest.mark.parametrize("pattern", [NHS_LOGIN_SEPARATE, NHS_LOGIN_COMBINED])
@pytest.mark.parametrize("delegate", [None, "login-2"])
@pytest.mark.parametrize("operation", ["view", "family"])
@pytest.mark.parametrize("record", [OWN, OTHER, None, ""])
def test_a_patient_sees_their_own_record(served, pattern, delegate, operation, record):
    user = by_nhs_login(act={"sub": delegate} if delegate else None)
    answer = served.ask(to_api(operation, user, api="own", pattern=pattern, record=record))
    own = record == OWN or (record == OTHER and delegate and operation == "family")
    assert answer.verdict == ("permit patient-authorised" if own else "deny not-own-record")
    assert decided(answer) == ("engine", "engine")


@pytest.mark.parametrize("level, verdict", [
    ("P9", "permit patient-authorised"), ("P5", "deny proofing-too-low"), ("P0", "deny proofing-too-low"), (None, "deny assurance-unknown")])
def test_a_patients_identity_is_proven_as_asked(served, level, verdict):
    answer = served.ask(to_api("amend", by_nhs_login(level=level), api="own", record=OWN))
    assert answer.reason == verdict.split()[1] or (level is None and answer.reason == "proofing-too-low")
    assert served.ask(to_api("view", by_nhs_login(level=level), api="own", record=OWN)).verdict == "permit patient-authorised"


def test_a_patient_has_no_role_to_meet_a_requirement_with(served):
    answer = served.ask(to_api("guarded", by_nhs_login(), record=OWN))
    assert answer.verdict == "deny requirement-not-met"


def test_a_healthcare_worker_may_ask_for_any_record(served):
    for record in (OWN, OTHER, None):
        assert served.ask(to_api("guarded", by_cis2(), record=record)).verdict == "permit requirement-met"


# Assurance that a pattern itself needs.

@pytest.mark.parametrize("aal, verdict", [
    (3, "permit requirement-met"), ("3", "permit requirement-met"), (2, "deny assurance-too-low"), ("1", "deny assurance-too-low"),
    (None, "deny assurance-unknown")])
def test_hl7_v3_with_cis2_needs_aal3(served, aal, verdict):
    for operation in ("guarded", "plain"):
        answer = served.ask(to_api(operation, by_cis2(aal=aal), pattern=HL7V3_CIS2, way="tls-ma"))
        assert answer.verdict == (verdict if operation == "guarded" else verdict.replace("requirement-met", "application-authorised"))
    assert served.ask(to_api("guarded", by_cis2(aal=aal), pattern=CIS2_SEPARATE)).verdict == "permit requirement-met"


@pytest.mark.parametrize("role", ["R8000", "R8001", "R8003"])
@pytest.mark.parametrize("operation", ["plain", "guarded", "noted", "here"])
@pytest.mark.parametrize("organisation", ["RBA", "Y51", None])
def test_cis1_and_cis2_evidence_of_one_profile_give_one_answer(served, role, operation, organisation):
    old = served.ask(to_api(operation, by_cis1(role), way="tls-ma", organisation=organisation))
    new = served.ask(to_api(operation, by_cis2(role), way="tls-ma", organisation=organisation, pattern=HL7V3_CIS2))
    assert (old.context["pattern"], new.context["pattern"]) == (HL7V3_CIS, HL7V3_CIS2)
    for member in ("effect", "reason", "profile", "obligations", "decided_by", "message", "nearest"):
        assert old.context.get(member) == new.context.get(member)


# What the answer carries.

def test_obligations_are_those_of_the_operation_and_of_the_requirement(served):
    assert served.ask(to_api("noted", by_cis2())).obligations == {"notify-access", "keep-note"}
    assert served.ask(to_api("told")).obligations == {"notify-access"}
    assert served.ask(to_api("plain", api="open", application=None)).obligations == {"notify-access"}
    assert served.ask(to_api("plain", by_cis2())).obligations == set()
    assert served.ask(to_api("noted", by_cis2("R8001"))).obligations == set()


def test_an_answer_counts_as_long_as_the_users_evidence(served):
    assert served.ask(to_api("plain")).valid_until is None
    assert int(served.ask(to_api("guarded", by_cis2(expires=SOON))).valid_until.timestamp()) == SOON
    assert int(served.ask(to_api("plain", by_nhs_login(exp=SOON), api="own", record=OWN) | {"action": {"name": "view"}}).valid_until.timestamp()) == SOON


def test_evidence_is_only_asserted(served):
    assert served.ask(to_api("plain")).context["evidence"] == {"user": "none", "application": "asserted"}
    assert served.ask(to_api("guarded", by_cis2())).context["evidence"] == {"user": "asserted", "application": "asserted"}
    assert served.ask(to_api("plain", api="open", application=None)).context["evidence"] == {"user": "none", "application": "none"}


def test_what_is_not_known_was_decided_by_nobody(served):
    for request in (to_api("none"), to_api("plain", api="none"), to_api("plain") | {"action": {}}):
        answer = served.ask(request)
        assert not answer["decision"] and decided(answer) == ("nobody", "nobody")
        assert answer.context.get("pattern") is None


def test_an_operation_is_not_a_function_and_a_function_is_no_operation(served):
    assert served.ask(neutral("plain")).verdict == "not-applicable unknown-function"
    assert served.ask(to_api("B0825", by_cis2())).verdict == "not-applicable unknown-operation"


# Worked examples 17 to 19.

PDS = """
nrbac: 1
policy: { name: pds, version: "1", provenance: local, extends: ["NATIONAL"] }
obligations:
  at-most-one-result: { name: Show one result at most }
apis:
  pds-fhir:
    name: Personal Demographics Service
    patterns: [user-restricted/cis2-combined, user-restricted/cis2-separate, user-restricted/nhs-login-separate]
    rbac: national
    operations:
      search: { name: Search, patterns: [application-restricted/signed-jwt], obligations: [at-most-one-result] }
      search-many: { name: Search for many, require: { all: [B0820, { aal: 2 }] }, patterns: [user-restricted/cis2-separate] }
      view: { name: View, require: { all: [B0820, { aal: 2 }] }, patterns: [user-restricted/cis2-separate] }
      amend: { name: Amend, require: { all: [B0825, { aal: 2 }] }, patterns: [user-restricted/cis2-separate] }
      own: { name: View one's own, require: { proofing: P9 }, patterns: [user-restricted/nhs-login-separate] }
applications:
  gp-system: { authenticated_by: [signed-jwt], apis: { pds-fhir: all } }
"""


@pytest.fixture
def pds(policy, tmp_path):
    return policy(PDS.replace("NATIONAL", os.path.relpath(NATIONAL.resolve(), tmp_path.resolve() / "policy")))


def of_pds(operation, user=None, **given):
    return to_api(operation, user, api="pds-fhir", application="gp-system", **given)


def test_example_17_a_weak_login_is_told_to_step_up(pds):
    assert pds.ask(of_pds("view", by_cis2(aal=1))).verdict == "deny assurance-too-low"
    assert pds.ask(of_pds("view", by_cis2(aal=2))).verdict == "permit requirement-met"
    assert pds.ask(of_pds("view", by_cis2(aal=3))).verdict == "permit requirement-met"


def test_example_18_an_application_alone_finds_one_and_changes_none(pds):
    found = pds.ask(of_pds("search"))
    assert (found.verdict, found.obligations) == ("permit application-authorised", {"at-most-one-result"})
    for operation in ("search-many", "amend", "view"):
        assert pds.ask(of_pds(operation)).effect == "deny"
    assert pds.ask(of_pds("amend", pattern=CIS2_SEPARATE)).verdict == "deny user-required"


def test_example_19_a_patient_proves_who_they_are(pds):
    assert pds.ask(of_pds("own", by_nhs_login(level="P5"), record=OWN)).verdict == "deny proofing-too-low"
    assert pds.ask(of_pds("own", by_nhs_login(level="P9"), record=OWN)).verdict == "permit patient-authorised"
    assert pds.ask(of_pds("own", by_nhs_login(level="P9"), record=OTHER)).verdict == "deny not-own-record"


def test_where_only_a_users_evidence_would_do_a_request_without_one_misses_a_user(pds):
    """Whether or not it names the pattern: what the application says of itself is no user's evidence."""
    assert pds.ask(of_pds("amend")).verdict == "deny user-required"
    assert pds.ask(of_pds("view")).verdict == "deny user-required"


def test_a_login_is_no_nhs_number(served):
    """A token that states no NHS number opens no record, not even one that is called as the login is."""
    token = by_nhs_login(number=None, sub=OWN)
    token["properties"]["nhs_login"].pop("nhs_number", None)
    token.pop("id", None)
    assert served.ask(to_api("plain", token, pattern=NHS_LOGIN_SEPARATE, record=OWN)).verdict == "deny not-own-record"


# Tokens and secrets that nothing checks: refused, never ignored.

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYXJrZXIifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize("member", ["id_token", "userinfo", "nhs_login"])
def test_a_users_token_that_nothing_checks_is_refused(served, member):
    user = by_nhs_login() if member == "nhs_login" else by_cis2()
    user["properties"][member] = TOKEN
    for request in (to_api("view", user, api="own", record=OWN), {"subject": user, "action": {"name": "B0820"}}):
        if member != "nhs_login" and "resource" in request:
            request = to_api("guarded", user)
        answer = served.ask(request)
        assert answer.verdict == "deny user-not-authenticated"
        assert f"`subject.properties.{member}`" in answer.context["fault"]
        assert answer.context["evidence"]["user"] == "none" and "marker" not in str(answer) and TOKEN not in str(answer)


@pytest.mark.parametrize("member", ["client_assertion", "api_key", "certificate", "access_token"])
def test_an_applications_proof_that_nothing_checks_is_refused_whatever_is_asked(served, member):
    for request in (to_api("plain"), to_api("plain", api="open"), neutral("B0820")):
        context = request.setdefault("context", {})
        if member == "access_token":
            context[member] = TOKEN
        else:
            context.setdefault("application", {"id": "gp"})[member] = TOKEN
        answer = served.ask(request)
        assert answer.verdict == "deny application-not-authenticated"
        assert f"`context.{'' if member == 'access_token' else 'application.'}{member}`" in answer.context["fault"]
        assert TOKEN not in str(answer)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_proof_is_none(served, empty):
    request = to_api("plain")
    request["context"]["application"]["api_key"] = empty
    request["context"]["access_token"] = empty
    assert served.ask(request).verdict == "permit application-authorised"


def test_what_is_unknown_is_so_before_a_proof_is_looked_at(served):
    request = to_api("none")
    request["context"]["access_token"] = TOKEN
    assert served.ask(request).verdict == "not-applicable unknown-operation"


def test_a_fault_of_the_application_is_told_before_one_of_the_user(served):
    user = by_cis2()
    user["properties"]["id_token"] = TOKEN
    request = to_api("guarded", user)
    request["context"]["access_token"] = TOKEN
    answer = served.ask(request)
    assert answer.verdict == "deny application-not-authenticated" and "access_token" in answer.context["fault"]
