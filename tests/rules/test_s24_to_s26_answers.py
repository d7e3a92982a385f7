# SPDX-License-Identifier: Apache-2.0
"""S24 to S26: the outcome, its proof, and how long it lasts."""
from datetime import datetime, timezone

import pytest
from support.answers import is_one_sentence
from support.requests import NOW, cis2, neutral, nrbac_role, request, saml, saml_role
from support.small import FUNCTIONS

ONE = [nrbac_role("501", "R8000")]
TWO = [nrbac_role("501", "R8000"), nrbac_role("502", "R8001")]

OUTCOMES = {
    "permit granted-by-baseline": neutral("B0820"),
    "permit granted-by-additional": neutral("B0058", activities=["B0058"]),
    "permit requirement-met": neutral("patient.amend"),
    "deny not-granted": neutral("B0572"),
    "deny requirement-not-met": neutral("alerts"),
    "deny assurance-unknown": neutral("pds.amend", asked="RBA"),
    "deny assurance-too-low": neutral("pds.amend", asked="RBA", aal=1),
    "deny organisation-mismatch": neutral("B0820", asked="Y51"),
    "deny organisation-required": neutral("B0820", organisation="FFFFF"),
    "deny training-session": saml("B0820", [saml_role("501", "R8000")], mode="1"),
    "deny profile-not-open": saml("B0820", [saml_role("501", "R8000", nhsOrgCloseDate="20200101")]),
    "deny subject-mismatch": cis2("B0820", ONE, id_token={"sub": "2"}),
    "deny evidence-expired": cis2("B0820", ONE, id_token={"exp": NOW - 1}),
    "indeterminate malformed-request": {"action": {"name": "B0820"}, "subject": {"type": "healthcare-worker"}},
    "indeterminate unknown-activity": neutral("B7777"),
    "indeterminate no-roles": cis2("B0820", []),
    "indeterminate role-selection-required": cis2("B0820", TWO),
    "indeterminate selected-role-invalid": cis2("B0820", TWO, role_profile="9"),
    "indeterminate role-code-missing": neutral("B0820", role=None),
    "not-applicable unknown-function": neutral("no.such"),
}


@pytest.mark.parametrize("verdict", OUTCOMES)
def test_s24_every_outcome_is_one_of_four_and_only_permit_is_access(policy, verdict):
    answer = policy(FUNCTIONS).ask(OUTCOMES[verdict])
    assert answer.verdict == verdict
    assert answer["decision"] is verdict.startswith("permit")


def test_s24_who_holds_nothing_is_denied_everything(policy):
    functions = policy(FUNCTIONS)
    for name in ("B0820", "local:ESC01", "patient.amend", "pds.amend"):
        assert functions.ask(neutral(name, role="R0001")).effect == "deny"


@pytest.mark.parametrize("verdict", OUTCOMES)
def test_s25_the_message_is_one_sentence_without_slugs(policy, verdict):
    assert is_one_sentence(policy(FUNCTIONS).ask(OUTCOMES[verdict]).context["message"])


@pytest.mark.parametrize("verdict", OUTCOMES)
def test_s25_every_answer_has_the_same_members(policy, verdict):
    context = policy(FUNCTIONS).ask(OUTCOMES[verdict]).context
    assert {"effect", "reason", "message", "evidence", "obligations", "warnings", "valid_until", "policy"} <= set(context)
    assert {"name", "version", "digest", "generation"} <= set(context["policy"])
    assert (context["policy"]["name"], context["policy"]["version"]) == ("small", "1")
    assert set(context["evidence"]) >= {"user", "application"}
    assert all("code" in warning for warning in context["warnings"])


def test_s25_the_message_uses_the_names_of_the_policy(policy):
    message = policy(FUNCTIONS).ask(neutral("B0820")).context["message"]
    for word in ("Clinical Practitioner Access Role", "RBA", "View Patient Demographics"):
        assert word in message


def test_s25_a_permit_proves_itself(policy):
    context = policy(FUNCTIONS).ask(neutral("B0360", activities=["B8028"])).context
    assert context["path"] == ["B8028", "B0380", "B0790", "B0360"]
    assert context["granted_by"]["source"] == "additional"
    assert (context["profile"]["id"], context["profile"]["role"]) == ("1001", "R8000")
    assert context["asked"] == "B0360"


def test_s25_a_denial_names_the_nearest_permit(policy):
    answer = policy(FUNCTIONS).ask(neutral("B0570"))
    assert answer.verdict == "deny not-granted"
    assert answer.nearest == [["B0570"], ["B0572"]]


def test_s25_other_denials_carry_no_nearest(policy):
    functions = policy(FUNCTIONS)
    for verdict in ("deny organisation-mismatch", "deny evidence-expired", "deny training-session"):
        assert not functions.ask(OUTCOMES[verdict]).context.get("nearest")


def test_s25_evidence_says_that_the_caller_only_asserted_it(policy):
    evidence = policy(FUNCTIONS).ask(neutral("B0820")).context["evidence"]
    assert (evidence["user"], evidence["application"]) == ("asserted", "none")


def test_s25_an_example_policy_warns_in_every_answer(policy):
    example = policy('nrbac: 1\npolicy: { name: national, version: "1", provenance: example }\n' + FUNCTIONS)
    answer = example.ask(neutral("B0820"))
    assert {"code": "example-policy", "value": "national"} in answer.context["warnings"]


def test_s25_the_digest_is_of_the_policy(policy):
    one = policy(FUNCTIONS, name="one").ask(neutral("B0820")).context["policy"]["digest"]
    same = policy(FUNCTIONS, name="same").ask(neutral("B0360")).context["policy"]["digest"]
    other = policy(FUNCTIONS + "  more: { name: More, require: B0015 }\n", name="other").ask(neutral("B0820"))
    assert one == same
    assert one != other.context["policy"]["digest"]


def at(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc)


def test_s26_without_dated_evidence_the_answer_has_no_end(policy):
    assert policy(FUNCTIONS).ask(neutral("B0820")).context["valid_until"] is None


def test_s26_the_id_token_bounds_the_answer(policy):
    answer = policy(FUNCTIONS).ask(cis2("B0820", ONE, id_token={"exp": NOW + 599}))
    assert answer.valid_until == at(NOW + 599)


def test_s26_a_denial_is_bounded_alike(policy):
    answer = policy(FUNCTIONS).ask(cis2("B0572", ONE, id_token={"exp": NOW + 599}))
    assert answer.verdict == "deny not-granted"
    assert answer.valid_until == at(NOW + 599)


@pytest.mark.parametrize("seconds, effect", [(-1, "deny"), (-3600 * 24 * 400, "deny"), (1, "permit"), (3600, "permit")])
def test_s26_expired_evidence_is_refused(policy, seconds, effect):
    answer = policy(FUNCTIONS).ask(cis2("B0820", ONE, id_token={"exp": NOW + seconds}))
    assert answer.effect == effect
    assert effect == "permit" or answer.reason == "evidence-expired"


def stamped(seconds, close=None):
    """A SAML request whose assertion ends then; the condition is given in both places where it may be looked for."""
    when = at(NOW + seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
    role = saml_role("501", "R8000", **({"nhsOrgCloseDate": close} if close else {}))
    return saml("B0820", [role], NotOnOrAfter=when, Conditions={"NotOnOrAfter": when})


def test_s26_the_saml_condition_bounds_the_answer(policy):
    functions = policy(FUNCTIONS)
    assert functions.ask(stamped(240)).valid_until == at(NOW + 240)
    assert functions.ask(stamped(0)).verdict == "deny evidence-expired"
    assert functions.ask(stamped(-1)).verdict == "deny evidence-expired"


def test_s26_the_earliest_expiry_bounds_the_answer(policy):
    functions = policy(FUNCTIONS)
    assert functions.ask(stamped(240, close="20270101")).valid_until == at(NOW + 240)
    assert functions.ask(stamped(86400 * 60, close="20261124")).valid_until == datetime(2026, 11, 24, tzinfo=timezone.utc)


def test_s26_the_time_of_the_request_counts_in_the_command(policy):
    functions = policy(FUNCTIONS)
    whole = cis2("B0820", ONE, id_token={"exp": NOW + 10})
    assert functions.ask(whole).effect == "permit"
    whole["context"]["time"] = "2026-11-23T09:00:11Z"
    assert functions.ask(whole).verdict == "deny evidence-expired"
    whole["context"]["time"] = "2020-01-01T00:00:00Z"
    assert functions.ask(whole).effect == "permit"


def test_s26_without_a_time_it_is_now(policy):
    functions = policy(FUNCTIONS)
    now = int(datetime.now(timezone.utc).timestamp())
    assert functions.ask(cis2("B0820", ONE, id_token={"exp": now + 3600}, time=None)).effect == "permit"
    assert functions.ask(cis2("B0820", ONE, id_token={"exp": now - 3600}, time=None)).verdict == "deny evidence-expired"


# The order of checks: each request fails in two or more ways, and the earliest is the reason.

MALFORMED = request("B7777", {"profile": {"id": "1", "role": "R8000"}, "aal": "high"})
PERSON_INACTIVE = {"nhsStatus": "2", "nhsPersonStatus": "2"}
CLOSED = {"nhsOrgOpenDate": "20100101", "nhsOrgCloseDate": "20200101"}
EXPIRED = {"exp": NOW - 1}
STALE = {"NotOnOrAfter": "2020-01-01T00:00:00Z", "Conditions": {"NotOnOrAfter": "2020-01-01T00:00:00Z"}}


@pytest.mark.parametrize("whole, reason", [
    pytest.param(MALFORMED, "malformed-request", id="malformed, before the unknown name"),
    pytest.param(cis2("B7777", ONE, id_token={"sub": "2"}), "unknown-activity", id="unknown activity, before subject mismatch"),
    pytest.param(cis2("no.such", ONE, id_token={"sub": "2"}), "unknown-function", id="unknown function, before subject mismatch"),
    pytest.param(cis2("B7777", ONE, id_token=EXPIRED), "unknown-activity", id="unknown activity, before expiry"),
    pytest.param(cis2("B7777", []), "unknown-activity", id="unknown activity, before no roles"),
    pytest.param(cis2("B7777", TWO), "unknown-activity", id="unknown activity, before role selection"),
    pytest.param(neutral("B7777", asked="Y51"), "unknown-activity", id="unknown activity, before organisation"),
    pytest.param(cis2("B0820", ONE, id_token={"sub": "2", **EXPIRED}), "subject-mismatch", id="subject mismatch, before expiry"),
    pytest.param(cis2("B0820", TWO, id_token={"sub": "2"}), "subject-mismatch", id="subject mismatch, before role selection"),
    pytest.param(cis2("B0820", [], id_token=EXPIRED), "evidence-expired", id="expiry, before no roles"),
    pytest.param(cis2("B0820", TWO, id_token=EXPIRED), "evidence-expired", id="expiry, before role selection"),
    pytest.param(cis2("B0820", TWO, id_token={"selected_roleid": "", **EXPIRED}), "evidence-expired",
                 id="expiry, before an invalid selection"),
    pytest.param(saml("B0820", [saml_role("501", "R8000")], **STALE, **PERSON_INACTIVE), "evidence-expired",
                 id="expiry, before an inactive person"),
    pytest.param(saml("B0820", [saml_role("501", "R8000")], selected="9", **PERSON_INACTIVE), "person-inactive",
                 id="an inactive person, before an invalid selection"),
    pytest.param(saml("B0820", [saml_role("501", "R8000", **CLOSED)], **PERSON_INACTIVE), "person-inactive",
                 id="an inactive person, before a closed profile"),
    pytest.param(saml("B0820", [saml_role("501", "R8000")], mode="1", **PERSON_INACTIVE), "person-inactive",
                 id="an inactive person, before a training session"),
    pytest.param(saml("B0820", [saml_role("501", "R8000", **CLOSED)], selected="9"), "selected-role-invalid",
                 id="an invalid selection, before a closed profile"),
    pytest.param(saml("B0820", [saml_role("501", "X", **CLOSED)]), "role-code-missing",
                 id="a missing role code, before a closed profile"),
    pytest.param(cis2("B0820", TWO, asked="Q99"), "role-selection-required", id="role selection, before organisation"),
    pytest.param(cis2("B0820", [nrbac_role("501", None)], asked="Q99"), "role-code-missing",
                 id="a missing role code, before organisation"),
    pytest.param(saml("B0820", [saml_role("501", "R8000", **CLOSED)], mode="1"), "profile-not-open",
                 id="a closed profile, before a training session"),
    pytest.param(saml("B0820", [saml_role("501", "R8000", **CLOSED)], asked="Q99"), "profile-not-open",
                 id="a closed profile, before organisation"),
    pytest.param(saml("B0820", [saml_role("501", "R8000")], mode="1", asked="Q99"), "training-session",
                 id="a training session, before organisation"),
    pytest.param(saml("B0572", [saml_role("501", "R8000")], mode="1"), "training-session",
                 id="a training session, before the activity"),
    pytest.param(neutral("B0572", asked="Q99"), "organisation-mismatch", id="organisation, before the activity"),
    pytest.param(neutral("alerts", asked="Q99"), "organisation-mismatch", id="organisation, before the requirement"),
    pytest.param(neutral("pds.amend", asked="Q99"), "organisation-mismatch", id="organisation, before assurance"),
    pytest.param(neutral("pds.amend", organisation="FFFFF"), "organisation-required", id="the locum's site, before assurance")])
def test_the_first_check_that_fails_gives_the_reason(policy, whole, reason):
    assert policy(FUNCTIONS).ask(whole).reason == reason


def test_an_inactive_person_is_refused(policy):
    functions = policy(FUNCTIONS)
    assert functions.ask(saml("B0820", [saml_role("501", "R8000")], **PERSON_INACTIVE)).verdict == "deny person-inactive"
    active = {"nhsStatus": "1", "nhsPersonStatus": "1"}
    assert functions.ask(saml("B0820", [saml_role("501", "R8000")], **active)).effect == "permit"
