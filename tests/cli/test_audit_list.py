# SPDX-License-Identifier: Apache-2.0
"""`audit list`: which records are meant, and how they are shown."""
import csv
import io
import json
import subprocess
import time

import pytest
from support.command import run
from support.paths import NRBAC
from support.trail import USUAL, line, user


def test_each_record_tells_who_what_where_and_what_came_of_it(trail):
    records = trail().write().list()
    assert [record["seq"] for record in records] == list(range(1, 12))
    assert [record["event"] for record in records] == ["open"] + ["check"] * 4 + ["evaluate"] * 4 + ["open", "recorded"]
    third = records[2]
    assert third["action"] == "patient.amend" and third["effect"] == "permit" and third["reason"] == "requirement-met"
    assert third["user"] == "910" and third["role"] == "R8000" and third["organisation"] == "RBA"
    assert third["role_profile"] == "profile-of-910" and third["application"] == "gp-system"
    assert json.loads(third["who"])["profiles"][0]["role"] == "R8000"
    assert records[3]["obligations"] == ["notify-access"]
    assert records[6]["reason"] == "not-granted" and records[8]["reason"] == "malformed-request"


@pytest.mark.parametrize("options, expected", [
    (["--user", "910"], [1, 2, 3, 4, 5]), (["-u", "911"], [6, 7]), (["--user", "nobody"], []),
    (["--role", "R8001"], [6, 7, 10, 11]), (["--role-profile", "profile-of-912"], [10, 11]),
    (["--organisation", "Y51"], [6, 7, 10, 11]), (["--application", "pharmacy"], [6, 7]),
    (["--activity", "B0820"], [2, 6, 8, 11]), (["--function", "child.view"], [4]),
    (["--effect", "permit"], [1, 2, 3, 4, 6, 10, 11]), (["--effect", "deny"], [5, 7, 8]), (["--effect", "indeterminate"], [9]),
    (["--reason", "not-granted"], [5, 7]), (["--event", "evaluate"], [6, 7, 8, 9]),
    (["--user", "910", "--activity", "B0572"], [5]), (["--after", "9"], [10, 11]), (["--limit", "2"], [1, 2]),
    (["--last", "2"], [10, 11]), (["--last", "1", "--effect", "deny"], [8]), (["--last", "99"], list(range(1, 12)))])
def test_what_is_given_must_all_hold(trail, options, expected):
    assert trail().write().seqs(*options) == expected


def test_a_time_or_a_day_bounds_what_is_listed(trail):
    made = trail().write()
    first = made.list("--limit", "1")[0]["time"]
    assert made.seqs("--from", "2020-01-01") == list(range(1, 12))
    assert made.seqs("--to", "2020-01-01") == []
    assert made.seqs("--from", "9000-01-01T00:00:00Z") == []
    assert 1 in made.seqs("--from", first[:10])


def test_text_is_a_line_for_each_record(trail):
    out = trail().write().audit("list").out.splitlines()
    assert len(out) == 11
    assert out[3].startswith("4 20") and out[3].endswith(
        "Z PERMIT requirement-met child.view: user 910 as R8000 at RBA by gp-system with notify-access")
    assert " CANNOT DECIDE malformed-request" in out[8]


def test_text_obeys_no_control_characters_of_those_who_ask(trail):
    made = trail().write([line(user("x\u001b[2Jy\n1 forged", "910"))])
    shown = made.audit("list").out
    assert "\u001b" not in shown and len(shown.splitlines()) == 1


def test_csv_is_read_back_and_holds_no_formulas(trail):
    made = trail().write([line(user('=HYPERLINK("http://evil")', "910")), line(user('say "a,b"', "+911"))])
    rows = list(csv.DictReader(io.StringIO(made.audit("list", "--format", "csv").stdout.decode(), newline="")))
    assert [row["action"] for row in rows] == ['\'=HYPERLINK("http://evil")', 'say "a,b"']
    assert rows[1]["user"] == "'+911" and rows[1]["effect"] == "not-applicable"
    assert set(rows[0]) >= {"seq", "at", "event", "effect", "reason", "user", "role", "organisation", "application", "policy"}


def test_follow_goes_on_with_what_is_written(trail):
    made = trail().write()
    following = subprocess.Popen([str(NRBAC), "audit", "list", str(made.path), "--follow", "--last", "1", "--format", "json"],
                                 stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(following.stdout.readline())["seq"] == 11
        made.write(USUAL[1:3])
        began = time.monotonic()
        seen = []
        while len(seen) < 2:
            seen.append(json.loads(following.stdout.readline()))
        assert [record["action"] for record in seen if record["event"] == "evaluate"] == ["B0820", "B0825"]
        assert time.monotonic() - began < 10
    finally:
        following.kill()
        following.wait()


@pytest.mark.parametrize("options, said", [
    (["--reason", "not-grantd"], "did you mean `not-granted`?"), (["--event", "checks"], "no event `checks`"),
    (["--from", "yesterday"], "as 2026-11-23T09:00:00Z"), (["--limit", "-1"], "is a number"), (["--effect", "maybe"], "is one of"),
    (["--activity", "patient.amend"], "a function is --function"), (["--activity", "B0820", "--function", "x"], "one name")])
def test_a_slip_is_said_and_no_empty_answer(trail, options, said):
    result = trail().write().audit("list", *options)
    assert result.status == 2 and said in result.err


def test_what_is_no_trail_is_said(tmp_path):
    absent = run("audit", "list", tmp_path / "absent")
    assert absent.status == 3 and "absent" in absent.err and not (tmp_path / "absent").exists()
    (tmp_path / "text").write_text("no trail at all, but a file that is long enough to be looked at")
    assert run("audit", "list", tmp_path / "text").status == 3


def test_help_is_everywhere():
    assert "nrbac audit replay" in run("audit", "--help").out
    for command in ("list", "show", "verify", "export", "replay", "stats", "receipt", "check-receipt", "prune"):
        told = run("audit", command, "--help")
        assert told.status == 0 and told.out.startswith(f"nrbac audit {command} ")
        assert run("help", "audit", command).out == told.out
    assert run("audit").status == 2 and run("help", "audit", "nothing").status == 2
    assert "did you mean `replay`?" in run("audit", "repaly", "x").err
