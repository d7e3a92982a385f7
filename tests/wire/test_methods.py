# SPDX-License-Identifier: Apache-2.0
"""Every method of the socket: what it takes, and what comes back."""
import contextlib
import time

import pytest
from support.answers import names
from support.policy import text_of
from support.requests import cis2, neutral, nrbac_role, saml, saml_role
from support.rpc import RpcError
from support.small import FUNCTIONS, SMALL

WATCHED = FUNCTIONS + """
  watched: { name: Watched, require: B0825, obligations: [notify-access] }
"""


@pytest.fixture
def served(policy):
    return policy(WATCHED)


@pytest.fixture
def client(served, daemons):
    return daemons.start(served.path).client()


def test_hello_tells_server_version_policy_and_limits(client):
    hello = client.call("hello", {"client": "black box", "version": "1"})
    assert set(hello) >= {"server", "version", "policy", "limits"}
    assert isinstance(hello["limits"], dict) and hello["limits"]


def test_hello_is_optional(client):
    assert client.evaluate(neutral("B0820")).effect == "permit"


REQUESTS = {
    "permit": neutral("B0820"), "deny": neutral("B0570"), "function": neutral("watched"), "unknown": neutral("B7777"),
    "no function": neutral("no.such"), "choose": cis2("B0820", [nrbac_role("1", "R8000"), nrbac_role("2", "R8001")]),
    "roles": cis2("B0820", []), "training": saml("B0820", [saml_role("501", "R8000")], mode="1"),
    "unattended": {"action": {"name": "B0820"}}, "malformed": {}, "mistyped": {"action": 7}}


@pytest.mark.parametrize("which", REQUESTS)
def test_evaluate_gives_what_the_command_gives(client, served, which):
    by_socket = client.evaluate(REQUESTS[which]).without_where_it_was_asked()
    assert by_socket == served.ask(REQUESTS[which]).without_where_it_was_asked()


@pytest.mark.parametrize("which", ["malformed", "mistyped"])
def test_a_malformed_request_is_a_result_and_no_error(client, which):
    assert client.evaluate(REQUESTS[which]).verdict == "indeterminate malformed-request"


def test_evaluate_uses_the_daemons_own_clock(client):
    roles = [nrbac_role("1", "R8000")]
    past = int(time.time()) - 60
    whole = cis2("B0820", roles, id_token={"exp": past}, time="2001-01-01T00:00:00Z")
    assert client.evaluate(whole).verdict == "deny evidence-expired"
    future = cis2("B0820", roles, id_token={"exp": past + 3600}, time="2099-01-01T00:00:00Z")
    assert client.evaluate(future).effect == "permit"


def test_the_time_of_the_request_counts_where_the_config_trusts_it(served, daemons):
    config = daemons.folder / "config.yaml"
    config.write_text("trust_request_time: true\n")
    client = daemons.start(served.path, "--config", config).client()
    past = int(time.time()) - 60
    whole = cis2("B0820", [nrbac_role("1", "R8000")], id_token={"exp": past}, time="2001-01-01T00:00:00Z")
    assert client.evaluate(whole).effect == "permit"


def test_explain_carries_the_path_and_the_nearest(client):
    denied = client.call("explain", neutral("B0570"))
    assert denied["context"]["reason"] == "not-granted"
    assert denied["context"]["nearest"]
    permitted = client.call("explain", neutral("B0360", role="R8001"))
    assert permitted["context"]["path"] == ["B0380", "B0790", "B0360"]


# evaluations: AuthZEN.

def many(semantic=None, names_=("B0820", "B0572", "B0825")):
    whole = neutral(None)
    whole["evaluations"] = [{"action": {"name": name}} for name in names_]
    if semantic:
        whole["options"] = {"evaluations_semantic": semantic}
    return whole


@pytest.mark.parametrize("semantic, names_, decisions", [
    (None, ["B0820", "B0572", "B0825"], [True, False, True]),
    ("execute_all", ["B0820", "B0572", "B0825"], [True, False, True]),
    ("deny_on_first_deny", ["B0820", "B0572", "B0825"], [True, False]),
    ("permit_on_first_permit", ["B0572", "B0820", "B0825"], [False, True]),
    ("deny_on_first_deny", ["B0820", "B0825"], [True, True]),
    ("permit_on_first_permit", ["B0572", "B0570"], [False, False])])
def test_evaluations_follow_their_semantic(client, semantic, names_, decisions):
    result = client.call("evaluations", many(semantic, names_))
    assert [one["decision"] for one in result["evaluations"]] == decisions


def test_evaluations_take_defaults_which_each_may_override(client):
    whole = neutral("B0820")
    other = neutral("B0360", role="R8001")
    whole["evaluations"] = [{}, {"action": {"name": "B0572"}}, {"subject": other["subject"], "action": other["action"]},
                            {"context": {"organisation": "Y51"}}]
    result = client.call("evaluations", whole)["evaluations"]
    assert [one["context"]["reason"] for one in result] == ["granted-by-baseline", "not-granted", "granted-by-baseline",
                                                            "organisation-mismatch"]


def test_one_malformed_evaluation_is_answered_as_such(client):
    whole = neutral(None)
    whole["evaluations"] = [{"action": {"name": "B0820"}}, {}, {"action": {"name": "B0825"}}]
    result = client.call("evaluations", whole)["evaluations"]
    assert [one["context"]["effect"] for one in result] == ["permit", "indeterminate", "permit"]


# Sessions.

def test_open_gives_a_session_with_its_profile_activities_and_functions(client):
    opened = client.call("open", neutral(None))
    assert (opened["effect"], opened["reason"]) == ("permit", "opened")
    assert opened["profile"]["role"] == "R8000"
    assert sorted(names(opened["activities"])) == ["B0820", "B0825"]
    assert {"patient.amend"} <= set(names(opened["functions"]))
    assert "alerts" not in names(opened["functions"])
    assert opened["valid_until"] is None
    assert opened["session"] is not None


@pytest.mark.parametrize("whole, reason", [
    (cis2(None, [nrbac_role("1", "R8000"), nrbac_role("2", "R8001")]), "role-selection-required"),
    (cis2(None, []), "no-roles"), (cis2(None, [nrbac_role("1", "R8000")], id_token={"exp": 5}), "evidence-expired"),
    (cis2(None, [nrbac_role("1", "R8000")], id_token={"sub": "2"}), "subject-mismatch"),
    (neutral(None, asked="Y51"), "organisation-mismatch"), (neutral(None, role=None), "role-code-missing"),
    ({"subject": {"type": "healthcare-worker"}}, "malformed-request")])
def test_open_without_a_usable_profile_gives_the_reason_and_no_session(client, whole, reason):
    opened = client.call("open", whole)
    assert opened["effect"] != "permit"
    assert opened["reason"] == reason
    assert not opened.get("session")


@pytest.mark.parametrize("name, decision, reason", [
    ("B0820", True, "granted-by-baseline"), ("B0572", False, "not-granted"), ("patient.amend", True, "requirement-met"),
    ("alerts", False, "requirement-not-met"), ("B7777", False, "unknown-activity"), ("no.such", False, "unknown-function")])
def test_check_answers_like_evaluate_does(client, name, decision, reason):
    session = client.open(neutral(None))
    answer = client.call("check", session, name)
    assert answer[0] is decision
    assert answer[1:3] == [reason, 1]
    assert answer[3] == []


def test_check_tells_the_obligations(client):
    session = client.open(neutral(None))
    decision, reason, _, obligations = client.call("check", session, "watched")
    assert (decision, reason, names(obligations)) == (True, "requirement-met", ["notify-access"])


def test_check_many_answers_in_order(client):
    session = client.open(neutral(None))
    asked = ["B0820", "B0572", "watched", "no.such", "B0825"]
    assert client.call("check_many", session, asked) == [client.call("check", session, name) for name in asked]
    assert client.call("check_many", session, []) == []


def test_a_session_keeps_the_facts_of_its_request(client):
    strong = client.open(neutral(None, aal=3, asked="RBA"))
    weak = client.open(neutral(None, asked="RBA"))
    assert client.call("check", strong, "pds.amend")[:2] == [True, "requirement-met"]
    assert client.call("check", weak, "pds.amend")[:2] == [False, "assurance-unknown"]


def test_close_ends_a_session(client):
    session = client.open(neutral(None))
    assert client.call("close", session) is True
    assert client.code_of("check", session, "B0820") == "unknown-session"
    assert client.code_of("close", session) == "unknown-session"


def test_the_number_of_a_closed_session_is_not_reused(client):
    seen = set()
    for _ in range(50):
        session = client.open(neutral(None))
        assert session not in seen
        seen.add(session)
        client.call("close", session)


def test_a_session_belongs_to_its_connection(served, daemons):
    running = daemons.start(served.path)
    mine, other = running.client(), running.client()
    session = mine.open(neutral(None))
    assert other.code_of("check", session, "B0820") == "unknown-session"
    assert other.code_of("check_many", session, ["B0820"]) == "unknown-session"
    assert other.code_of("close", session) == "unknown-session"
    assert mine.call("check", session, "B0820")[0] is True


@pytest.mark.parametrize("session", [0, 1, 999999, 2 ** 63 - 1, -1, "x", None, 1.5, []])
def test_a_session_that_never_was_is_unknown(client, session):
    assert client.code_of("check", session, "B0820") in ("unknown-session", "bad-params")


def test_a_session_ends_with_its_evidence(client):
    whole = cis2(None, [nrbac_role("1", "R8000")], id_token={"exp": int(time.time()) + 2})
    opened = client.call("open", whole)
    assert opened["effect"] == "permit"
    assert opened["valid_until"] is not None
    session = opened["session"]
    assert client.call("check", session, "B0820")[0] is True
    time.sleep(2.2)
    assert client.call("check", session, "B0820")[:2] == [False, "evidence-expired"]
    assert client.call("check", session, "alerts")[:2] == [False, "evidence-expired"]
    assert [one[1] for one in client.call("check_many", session, ["B0820", "B0572"])] == ["evidence-expired"] * 2


# revoke.

def signed_in(sub, sid, urid):
    return cis2(None, [nrbac_role(urid, "R8000")], id_token={"sub": sub, "sid": sid}, sub=sub)


@pytest.mark.parametrize("by", [{"sid": "sid-1"}, {"sub": "user-1"}, {"role_profile": "501"}])
def test_revoke_ends_sessions_on_all_connections(served, daemons, by):
    running = daemons.start(served.path)
    one, two, admin = running.client(), running.client(), running.client()
    mine = one.open(signed_in("user-1", "sid-1", "501"))
    same = two.open(signed_in("user-1", "sid-1", "501"))
    another = two.open(signed_in("user-2", "sid-2", "502"))
    assert admin.call("revoke", by) == 2
    assert one.call("check", mine, "B0820")[:2] == [False, "session-revoked"]
    assert two.call("check", same, "B0820")[:2] == [False, "session-revoked"]
    assert two.call("check", another, "B0820")[0] is True
    assert [answer[1] for answer in two.call("check_many", same, ["B0820", "no.such"])][0] == "session-revoked"


@pytest.mark.parametrize("by", [{"sid": "nobody"}, {"sub": "nobody"}, {"role_profile": "0"}])
def test_revoking_what_is_not_there_ends_nothing(client, by):
    session = client.open(signed_in("user-1", "sid-1", "501"))
    assert client.call("revoke", by) == 0
    assert client.call("check", session, "B0820")[0] is True


@pytest.mark.parametrize("params", [[], [{}], ["sid-1"], [{"sid": 7}], [{"unknown": "x"}], [None]])
def test_revoke_needs_to_know_whom(client, params):
    assert client.code_of("revoke", *params) == "bad-params"


def test_revoked_sessions_can_still_be_closed_and_opened_anew(client):
    session = client.open(signed_in("user-1", "sid-1", "501"))
    assert client.call("revoke", {"sub": "user-1"}) == 1
    assert client.call("close", session) is True


# policy, health, metrics, reload.

def test_policy_tells_what_is_served(client):
    told = client.call("policy")
    assert (told["name"], told["version"], told["generation"]) == ("small", "1", 1)
    assert set(told) >= {"digest", "counts", "loaded_at"}
    assert told["digest"] == client.evaluate(neutral("B0820")).context["policy"]["digest"]


@pytest.mark.parametrize("method", ["health", "metrics"])
def test_health_and_metrics_are_maps(client, method):
    told = client.call(method)
    assert isinstance(told, dict) and told


def more(text, entry):
    """The policy text with another baseline entry."""
    return text.replace("baseline:\n", f"baseline:\n  - {entry}\n")


def test_reload_re_evaluates_open_sessions(client, served):
    session = client.open(neutral(None))
    assert client.call("check", session, "B0015")[:3] == [False, "not-granted", 1]
    (served.path / "policy.yaml").write_bytes(text_of(more(WATCHED, "{ roles: [R8000], activities: [B0015] }")))
    assert client.call("reload")["generation"] == 2
    assert client.call("check", session, "B0015")[:3] == [True, "granted-by-baseline", 2]
    assert client.evaluate(neutral("B0015")).context["policy"]["generation"] == 2
    (served.path / "policy.yaml").write_bytes(text_of(WATCHED.replace("[B0825]", "[B0058]")))
    assert client.call("reload")["generation"] == 3
    assert client.call("check", session, "B0015")[:3] == [False, "not-granted", 3]
    assert client.call("check", session, "B0820")[:3] == [False, "not-granted", 3]
    assert client.call("check", session, "B0058")[:3] == [True, "granted-by-baseline", 3]


def test_a_session_survives_codes_that_come_and_go(client, served):
    session = client.open(neutral(None, activities=["B0001"]))
    assert client.call("check", session, "B0001")[1] == "unknown-activity"
    (served.path / "policy.yaml").write_bytes(text_of(WATCHED.replace("activities:\n  B0015", "activities:\n  B0001: { name: New }\n  B0015")))
    client.call("reload")
    assert client.call("check", session, "B0001")[:2] == [True, "granted-by-additional"]
    (served.path / "policy.yaml").write_bytes(text_of(WATCHED))
    client.call("reload")
    assert client.call("check", session, "B0001")[:2] == [False, "unknown-activity"]
    assert client.call("check", session, "B0820")[:2] == [True, "granted-by-baseline"]


def test_reload_of_a_broken_policy_changes_nothing(client, served):
    session = client.open(neutral(None))
    (served.path / "policy.yaml").write_bytes(b"nrbac: 1\nactivities: [\n")
    with contextlib.suppress(RpcError):      # how a failed reload is told is not promised, only that nothing changes
        client.call("reload")
    assert client.call("policy")["generation"] == 1
    assert client.call("check", session, "B0820")[:3] == [True, "granted-by-baseline", 1]
    assert client.evaluate(neutral("B0820")).effect == "permit"


# Errors.

@pytest.mark.parametrize("method", ["nothing", "", "Evaluate", "x" * 10000])
def test_a_method_that_does_not_exist_is_unknown(client, method):
    assert client.code_of(method) == "unknown-method"
    assert client.evaluate(neutral("B0820")).effect == "permit"


@pytest.mark.parametrize("method, params", [
    ("evaluate", []), ("evaluations", []), ("open", []), ("check", []), ("check", [1]), ("check", [1, 2]), ("check_many", [1]),
    ("check_many", [1, "B0820"]), ("close", []), ("explain", []), ("revoke", [])])
def test_wrong_parameters_are_bad_params(client, method, params):
    if method.startswith("check") and params and params[0] == 1:
        params = [client.open(neutral(None)), *params[1:]]
    assert client.code_of(method, *params) == "bad-params"
    assert client.evaluate(neutral("B0820")).effect == "permit"


def test_an_error_says_what_was_wrong(client):
    with pytest.raises(RpcError) as caught:
        client.call("nothing.at.all")
    assert caught.value.text and "\n" not in caught.value.text


def test_an_example_policy_warns_over_the_socket_too(policy, daemons):
    example = policy('nrbac: 1\npolicy: { name: national, version: "1", provenance: example }\n' + SMALL)
    client = daemons.start(example.path, "--allow-example").client()
    assert "example-policy" in client.evaluate(neutral("B0820")).warnings
