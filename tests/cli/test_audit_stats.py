# SPDX-License-Identifier: Apache-2.0
"""`audit stats`: what a trail holds, counted."""
from support.trail import line, user


def test_decisions_are_counted_by_effect_and_by_whom(trail):
    made = trail().write(times=3)
    told = made.audit("stats", "--format", "json").json()
    assert told["records"] == told["last"] == 33 and told["first"] == 1 and told["policies"] == 1
    assert told["decisions"] == {"deny": 9, "permit": 21, "indeterminate": 3, "not_applicable": 0}
    by = {row["name"]: row for row in told["by_role"]}
    assert by["R8000"]["permit"] == 12 and by["R8000"]["users"] == 1
    assert by["R8001"]["users"] == 2 and by["R8001"]["first"] == 6
    assert {row["name"]: row["deny"] for row in told["by_reason"] if row["deny"]} == {"not-granted": 6, "user-required": 3}
    assert {row["name"] for row in told["by_function"]} == {"patient.amend", "child.view"}
    assert {row["name"] for row in told["by_application"]} == {"gp-system", "pharmacy"}


def test_users_are_counted_once_each(trail):
    made = trail().write([line(user(None, "u{n}"), ["B0820"] * 4)], times=50)
    told = made.audit("stats", "--format", "json", "--activity", "B0820").json()
    assert told["records"] == 200 and told["by_activity"][0]["users"] == 50


def test_text_shows_the_largest_first_and_says_what_is_left_out(trail):
    made = trail().write([line(user(f"fn.{n}", "910")) for n in range(20) for _ in range(n + 1)])
    out = made.audit("stats", "--rows", "3").out
    assert out.index("fn.19 ") < out.index("fn.18 ") < out.index("fn.17 ")
    assert "fn.16 " not in out and "and 17 more: --rows shows more of them" in out
    assert "210 records" in out and "210 not applicable" in out


def test_an_empty_trail_is_one_too(trail):
    told = trail().write([]).audit("stats", "--format", "json")
    assert told.status == 0 and told.json()["records"] == 0
