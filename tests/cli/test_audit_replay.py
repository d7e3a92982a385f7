# SPDX-License-Identifier: Apache-2.0
"""`audit replay`: what another policy would have decided, and for whom that differs."""
import os
import pty

import pytest
from support.command import run
from support.paths import NRBAC
from support.trail import SMALL_TRAIL, USUAL, line, patient, user

STRICTER = SMALL_TRAIL.replace("{ roles: [R8000], activities: [B0825] }", "{ roles: [R8000], activities: [B0820] }")
LAXER = SMALL_TRAIL.replace("{ roles: [R8001], activities: [B0820] }", "{ roles: [R8001], activities: [B0825] }")
PLAINER = SMALL_TRAIL.replace("{ activity: B0825, obligations: [notify-access] }", "B0825")


def replayed(made, candidate, *options):
    result = made.audit("replay", "--format", "json", *(() if candidate is None else ("--policy", str(candidate))), *options)
    assert result.status in (0, 1)
    return result.json()


def test_nothing_changes_on_the_same_policy(trail, policy):
    made = trail().write(times=20).write([line(patient("B0820", "9000000009", "9000000009")),
                                          line(patient("B0820", "9000000009", "9000000017", "login"))])
    for candidate in (None, made.policy, policy(SMALL_TRAIL, "again").path):
        told = replayed(made, candidate)
        assert told["changed"] == 0 and told["records"] == 222 and told["replayed"] == 202
        assert told["not_of_policy"] == {"malformed-request": 20}
        assert told["unreadable"] == told["without_policy"] == 0
    result = made.audit("replay")
    assert result.status == 0 and "nothing changes" in result.out


def test_new_denials_are_grouped_by_whom_they_are_for(trail, policy):
    made = trail().write([line(user(None, "u{n}"), ["B0825", "patient.amend", "B0820"]),
                          line(user("B0825", "911", "R8000", "Y51"))], times=3)
    told = replayed(made, policy(STRICTER, "stricter").path)
    assert told["changed"] == told["new_denials"] == 9 and told["new_permits"] == 0
    assert told["by_role"] == [{"name": "R8000", "new_permits": 0, "new_denials": 9, "other_obligations": 0, "other_reasons": 0,
                                "users": 4, "first": 2}]
    by = {group["name"]: (group["new_denials"], group["users"]) for group in told["by_organisation"]}
    assert by == {"RBA": (6, 3), "Y51": (3, 1)}
    assert {group["name"]: group["new_denials"] for group in told["by_activity"]} == {"B0825": 6}
    assert {group["name"]: group["new_denials"] for group in told["by_function"]} == {"patient.amend": 3}
    assert {group["name"]: group["users"] for group in told["by_role_and_name"]} == {"R8000 B0825": 4, "R8000 patient.amend": 3}
    assert told["users"] == 4
    assert told["by_reason"][0]["name"] == "permit granted-by-baseline -> deny not-granted"
    text = made.audit("replay", "--policy", policy(STRICTER, "stricter").path)
    assert text.status == 1 and "9 change: 9 new denials; for 4 users" in text.out and "4 users" in text.out
    assert "9 new denials are more than --allow-new-denials allows (0)" in text.err


def test_new_permits_and_other_obligations_and_reasons_are_told_apart(trail, policy):
    made = trail().write()
    assert replayed(made, policy(LAXER, "laxer").path)["new_permits"] == 1  # record 7
    told = replayed(made, policy(PLAINER, "plainer").path)
    assert told["other_obligations"] == told["changed"] == 1 and told["by_function"][0]["name"] == "child.view"
    added = SMALL_TRAIL.replace("settings", "") + "suspend: [{ activity: B0572, reason: incident }]\n"
    assert replayed(made, policy(added, "added").path)["other_reasons"] == 1


def test_a_recorded_check_is_replayed_as_one(trail, policy):
    """nrbac_check_recorded() is no for a permit with obligations."""
    made = trail().write([line(user(None, "910"), recorded=["child.view", "patient.amend"])])
    assert [record["reason"] for record in made.list("--event", "recorded")] == ["obligations-apply", "requirement-met"]
    assert replayed(made, made.policy)["changed"] == 0
    assert replayed(made, policy(PLAINER, "plainer").path)["new_permits"] == 1


@pytest.mark.parametrize("options, status", [
    ([], 1), (["--allow-new-denials", "2"], 1), (["--allow-new-denials", "3"], 0), (["--allow-new-permits", "9"], 1),
    (["--role", "R8001"], 0), (["--user", "910", "--activity", "B0820"], 0)])
def test_a_pipeline_stops_for_more_than_is_allowed(trail, policy, options, status):
    made = trail().write(USUAL[:2] + [line(user("B0825", "912"))])
    assert made.audit("replay", "--policy", policy(STRICTER, "stricter").path, *options).status == status


def test_a_time_that_counted_counts_again(trail, policy):
    late = user("B0820", "910")
    late["context"]["time"] = "2020-02-02T02:02:02Z"
    late["subject"]["properties"]["profile"]["closes_at"] = "2021-01-01"
    made = trail().write([line(late), line(dict(late, action=None), ["B0820"])])
    assert replayed(made, made.policy)["changed"] == 0


def test_a_policy_with_mistakes_decides_nothing(trail, policy):
    made = trail().write()
    result = made.audit("replay", "--policy", policy("functions: { broken: { require: B7777 } }", "broken").path)
    assert result.status == 1 and "has mistakes, so nothing is decided" in result.err and result.out == ""
    assert made.audit("replay", "--policy", "/nonexistent").status == 3
    assert made.audit("replay", "--allow-new-permits", "some").status == 2


def test_what_cannot_be_replayed_is_not_passed_over(trail):
    made = trail().write()
    made.sql("DELETE FROM images")
    result = made.audit("replay")
    assert result.status == 1 and "the first that could not is 1" in result.err
    assert "10 not replayed, since their policy cannot be had from the trail" in result.out


def test_nothing_to_go_by_is_no_yes(trail):
    made = trail().write()
    result = made.audit("replay", "--policy", made.policy, "--user", "nobody")
    assert result.status == 1 and "no decision was replayed" in result.err


def test_a_bar_is_shown_on_a_terminal_alone(trail):
    """And only for what takes a while: a small trail shows none."""
    made = trail().write()
    ours, theirs = pty.openpty()
    import subprocess
    subprocess.run([str(NRBAC), "audit", "replay", str(made.path)], stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    try:
        shown = os.read(ours, 1000)
    except OSError:
        shown = b""
    os.close(ours)
    assert shown == b""


def test_a_hundred_thousand_records_take_seconds(trail, policy):
    """The promise is a million in thirty seconds on one core; a tenth of both, on a machine that does other things too."""
    made = trail().write([line(user(None, "u{n}"), ["B0820", "B0825", "patient.amend", "child.view", "B0572"] * 5)] * 4, times=1000)
    result = run("audit", "replay", made.path, "--policy", policy(SMALL_TRAIL, "same").path, quiet=True)
    print(result.out, result.seconds)
    assert result.status == 0 and "of 104000 records" in result.out
    assert result.seconds < 10
