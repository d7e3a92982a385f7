# SPDX-License-Identifier: Apache-2.0
"""`query`: as `check`, asked of a running daemon."""
import json

import pytest
from support.answers import checked
from support.command import run
from support.policy import text_of
from support.requests import cis2, neutral, nrbac_role
from support.small import FUNCTIONS, SMALL


def query(daemon, *options, stdin=""):
    return run("query", "--socket", daemon.socket, *options, stdin=stdin)


@pytest.mark.parametrize("request_, status", [
    (neutral("B0820"), 0), (neutral("B0572"), 1), (neutral("B7777"), 1), (neutral("no.such"), 1), ({}, 1),
    (cis2("B0820", [nrbac_role("1", "R8000"), nrbac_role("2", "R8001")]), 1)])
def test_query_ends_as_check_does_and_gives_the_same_answer(daemon, policy, request_, status):
    served = policy(FUNCTIONS)
    running = daemon(served.path)
    result = query(running, "-", "--format", "json", stdin=json.dumps(request_))
    assert result.status == status
    assert checked(result.json()).without_where_it_was_asked() == served.ask(request_).without_where_it_was_asked()


def test_query_says_it_in_text_as_check_does(daemon, policy):
    served = policy(FUNCTIONS)
    running = daemon(served.path)
    text = json.dumps(neutral("B0820"))
    assert query(running, "-", stdin=text).out == run("check", served.path, "-", stdin=text).out


def test_query_info_and_health_tell_the_policy(daemon):
    running = daemon(FUNCTIONS)
    info = query(running, "--info", "--format", "json")
    assert info.status == 0
    assert info.json()["name"] == "small" and info.json()["generation"] == 1
    health = query(running, "--health", "--format", "json")
    assert health.status == 0
    assert isinstance(health.json(), dict)
    assert query(running, "--info").status == 0


def test_query_reload_publishes_a_new_policy(daemon, policy):
    served = policy(SMALL)
    running = daemon(served.path)
    text = json.dumps(neutral("B0015"))
    assert query(running, "-", stdin=text).status == 1
    (served.path / "policy.yaml").write_bytes(text_of(SMALL + "  - { roles: [R8000], activities: [B0015] }\n"))
    assert query(running, "--reload").status == 0
    assert query(running, "-", stdin=text).status == 0


def test_query_reload_of_a_broken_policy_is_no(daemon, policy):
    served = policy(SMALL)
    running = daemon(served.path)
    (served.path / "policy.yaml").write_bytes(text_of(SMALL + "  - { roles: [R9999], activities: [B0015] }\n"))
    result = query(running, "--reload")
    assert result.status in (1, 3)
    assert result.err
    assert query(running, "-", stdin=json.dumps(neutral("B0820"))).status == 0


def test_query_without_a_daemon_ends_with_3(tmp_path):
    result = run("query", "--socket", tmp_path / "none.sock", "-", stdin="{}")
    assert result.status == 3
    assert "none.sock" in result.err
    assert result.out == ""


def test_query_stops_all_deciding_and_lets_it_go_on(daemon):
    running = daemon(FUNCTIONS)
    text = json.dumps(neutral("B0820"))
    stopped = query(running, "--stop")
    assert (stopped.status, stopped.out) == (0, "all deciding is stopped\n")
    assert query(running, "-", stdin=text).out.startswith("DENY policy-stale ")
    assert query(running, "--health").status == 1
    released = query(running, "--go-on")
    assert (released.status, released.out) == (0, "deciding goes on\n")
    assert query(running, "-", stdin=text).status == 0
    assert query(running, "--stop", "--go-on").status == 2
