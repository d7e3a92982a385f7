# SPDX-License-Identifier: Apache-2.0
"""The order of checks for a request to an API: each failure alone, and then every two at once, where the earlier must win."""
from itertools import combinations

import pytest
from support.apis import (HL7V3_CIS, HL7V3_CIS2, NHS_LOGIN_COMBINED, NHS_LOGIN_SEPARATE, OTHER, OWN, PAST, TLS_MA, by_cis1, by_cis2, by_nhs_login,
                          policy_with, to_api)
from support.policy import Policy, write
from support.requests import nrbac_role

ABSENT = object()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return Policy(write(tmp_path_factory.mktemp("order") / "policy", policy_with()))


class Chain:
    """A request that passes, and its failures in order: (what it is, the reason, what is changed for it, what else that touches).
    Two changes of one thing cannot be made at once; where a change decides what another one means, it touches that too."""

    def __init__(self, passes, build, base, failures):
        self.passes = passes
        self.build = build
        self.base = base
        self.failures = failures

    def request(self, *changes):
        given = dict(self.base)
        for change in changes:
            given.update(change)
        malformed = given.pop("malformed", None)
        request = self.build(given)
        if malformed:
            request["resource"]["properties"] = 7
        return request

    def pairs(self):
        for first, second in combinations(self.failures, 2):
            if not (set(first[2]) | set(first[3])) & (set(second[2]) | set(second[3])):
                yield first, second


def user_of(given, make, keys):
    """The user, from the keys of `given` that are theirs."""
    claims = {key: given.pop(key) for key in keys if key in given}
    if given.pop("nobody", False):
        return None
    return make(**{key: value for key, value in claims.items() if value is not ABSENT})


def build_cis2(given):
    stated = given.pop("stated", None)
    role = nrbac_role("501", given.pop("role"), given.pop("profile_of"))
    roles = given.pop("roles", None)
    user = user_of(given, lambda **claims: by_cis2(roles=[role] if roles is None else roles, **claims), ("aal", "expires", "role_profile"))
    if user is not None and stated:
        user["id"] = stated
    return to_api(user=user, **given)


TWO = [nrbac_role("501", "R8000"), nrbac_role("502", "R8001")]
USER = ("stated", "aal", "expires", "role_profile", "role", "profile_of", "roles")

CIS2 = Chain(
    "permit requirement-met", build_cis2,
    dict(operation="guarded", application="bound", way="tls-ma", pattern=HL7V3_CIS2, organisation="RBA", role="R8000", profile_of="RBA", aal=3),
    [
        ("malformed", "malformed-request", dict(malformed=True), ()),
        ("no such API", "unknown-api", dict(api="none"), ()),
        ("no such operation", "unknown-operation", dict(operation="none"), ()),
        ("no application", "application-not-authenticated", dict(application=None), ("way",)),
        ("an undeclared application", "application-unknown", dict(application="nobody"), ()),
        ("not said how authenticated", "application-not-authenticated", dict(way=None), ()),
        ("authenticated in no way of its own", "application-not-authenticated", dict(way="fax"), ()),
        ("a suspended application", "suspended", dict(application="paused"), ()),
        ("a closed application", "application-not-authorised", dict(application="closed"), ()),
        ("no organisation named", "organisation-required", dict(organisation=None), ("profile_of",)),
        ("not the application's organisation", "organisation-mismatch", dict(organisation="Q99"), ()),
        ("evidence of another pattern", "pattern-not-met", dict(pattern=HL7V3_CIS), ("nobody",)),
        ("a key where a certificate is due", "pattern-not-met", dict(way="api-key"), ("application", "pattern")),
        ("a user where none may be", "user-not-allowed", dict(pattern=TLS_MA), ("nobody", "way")),
        ("no user", "user-required", dict(nobody=True), USER + ("pattern",)),
        ("another person", "subject-mismatch", dict(stated="2"), ()),
        ("expired", "evidence-expired", dict(expires=PAST), ()),
        ("no assurance level", "assurance-unknown", dict(aal=None), ()),
        ("too low an assurance level", "assurance-too-low", dict(aal=2), ()),
        ("no role", "no-roles", dict(roles=[]), ("role", "profile_of", "role_profile")),
        ("two roles", "role-selection-required", dict(roles=TWO), ("role", "profile_of", "role_profile")),
        ("another's role", "selected-role-invalid", dict(role_profile="999"), ("roles",)),
        ("a role without a code", "role-code-missing", dict(role=None), ()),
        ("not the profile's organisation", "organisation-mismatch", dict(profile_of="Y51"), ()),
        ("not the activity", "requirement-not-met", dict(role="R8001"), ()),
    ])


def build_cis1(given):
    person = {key: given.pop(key) for key in ("nhsPersonStatus", "NotOnOrAfter") if key in given}
    user = by_cis1(given.pop("role"), given.pop("profile_of"), given.pop("mode", "0"), **person)
    user["properties"]["saml"]["roles"][0].update(given.pop("dates", {}))
    user.update({key: given.pop(key) for key in ("id",) if key in given})
    return to_api(user=user, **given)


CIS1 = Chain(
    "permit requirement-met", build_cis1,
    dict(operation="here", way="tls-ma", organisation="RBA", role="R8000", profile_of="RBA"),
    [
        ("no application", "application-not-authenticated", dict(application=None), ("way",)),
        ("a JWT where a certificate is due", "pattern-not-met", dict(way="signed-jwt"), ("application",)),
        ("another person", "subject-mismatch", dict(id="2"), ()),
        ("expired", "evidence-expired", dict(NotOnOrAfter="2026-11-23T08:59:59Z"), ()),
        ("an inactive person", "person-inactive", dict(nhsPersonStatus="2"), ()),
        ("a closed profile", "profile-not-open", dict(dates={"nhsOrgOpenDate": "20100101", "nhsOrgCloseDate": "20200101"}), ()),
        ("a training session", "training-session", dict(mode="1"), ()),
        ("not the profile's organisation", "organisation-mismatch", dict(profile_of="Y51"), ("organisation",)),
        # Of one requirement: if naming an organisation alone does not help, that is not the reason.
        ("no organisation named", "organisation-required", dict(organisation=None), ("profile_of", "role")),
        ("not the activity", "requirement-not-met", dict(role="R8001"), ()),
    ])


def build_patient(given):
    user = user_of(given, by_nhs_login, ("level", "exp"))
    return to_api(user=user, **given)


PATIENT = Chain(
    "permit patient-authorised", build_patient,
    dict(operation="amend", api="own", record=OWN, level="P9", pattern=NHS_LOGIN_SEPARATE),
    [
        ("malformed", "malformed-request", dict(level="P7"), ()),
        ("an undeclared application", "application-unknown", dict(application="nobody"), ()),
        ("a suspended application", "suspended", dict(application="paused"), ("organisation",)),
        ("a pattern that is not offered", "pattern-not-met", dict(pattern=HL7V3_CIS), ("nobody",)),
        ("no user", "user-required", dict(nobody=True), ("level", "exp", "record")),
        ("expired", "evidence-expired", dict(exp=PAST), ()),
        ("another's record", "not-own-record", dict(record=OTHER), ()),
        ("no record", "not-own-record", dict(record=None), ()),
        ("not proven well enough", "proofing-too-low", dict(level="P5"), ()),
    ])

CHAINS = {"cis2": CIS2, "cis1": CIS1, "patient": PATIENT}
ALONE = [(chain, failure) for chain in CHAINS for failure in CHAINS[chain].failures]


@pytest.mark.parametrize("chain", CHAINS)
def test_without_a_failure_it_passes(served, chain):
    assert served.ask(CHAINS[chain].request()).verdict == CHAINS[chain].passes


@pytest.mark.parametrize("chain, failure", ALONE, ids=[f"{chain}: {failure[0]}" for chain, failure in ALONE])
def test_a_failure_has_its_reason(served, chain, failure):
    assert served.ask(CHAINS[chain].request(failure[2])).reason == failure[1]


@pytest.mark.parametrize("chain", CHAINS)
def test_of_two_failures_the_earlier_gives_the_reason(served, chain):
    pairs = list(CHAINS[chain].pairs())
    assert len(pairs) > 20
    answers = served.ask_all([CHAINS[chain].request(first[2], second[2]) for first, second in pairs])
    wrong = [f"{first[0]}, and {second[0]}: {answer.reason}, not {first[1]}"
             for (first, second), answer in zip(pairs, answers) if answer.reason != first[1]]
    assert wrong == []


@pytest.mark.parametrize("chain", CHAINS)
def test_a_request_that_fails_decides_nothing_that_comes_later(served, chain):
    """An answer that ends before the user is looked at says so, and tells nothing of them."""
    early = {"unknown-api", "unknown-operation", "application-unknown", "application-not-authenticated", "application-not-authorised",
             "suspended", "pattern-not-met", "user-not-allowed"}
    for failure in CHAINS[chain].failures:
        if failure[1] in early:
            answer = served.ask(CHAINS[chain].request(failure[2]))
            assert answer.context["profile"] is None and answer.obligations == set()


def test_a_combined_pattern_cannot_be_decided_before_its_application(served):
    request = to_api("guarded", application="closed", organisation="RBA", pattern=NHS_LOGIN_COMBINED)
    assert served.ask(request).verdict == "deny application-not-authorised"
    request["context"]["application"]["id"] = "gp"
    assert served.ask(request).verdict == "indeterminate cannot-decide-locally"
