# SPDX-License-Identifier: Apache-2.0
"""S25: the nearest permit, by hand; test_differential.py compares it with brute force."""
import pytest
from support.requests import neutral

NEAREST = """
activities:
  B0001: { name: Goal }
  B0002: { name: One above, includes: [B0001] }
  B0003: { name: Two above, includes: [B0002] }
  B0004: { name: Also one above, includes: [B0001] }
  B0005: { name: Legacy above, status: legacy, includes: [B0001] }
  B0006: { name: Obsolete above, status: obsolete, includes: [B0001] }
  B0010: { name: Wide, includes: [B0011, B0012, B0013] }
  B0011: { name: Left }
  B0012: { name: Right }
  B0013: { name: Middle }
  B0020: { name: Alone }
  B0030: { name: Retired for nothing, status: obsolete }
  B0101: { name: A1, includes: [B0100] }
  B0102: { name: A2, includes: [B0100] }
  B0103: { name: A3, includes: [B0100] }
  B0104: { name: A4, includes: [B0100] }
  B0105: { name: A5, includes: [B0100] }
  B0106: { name: A6, includes: [B0100] }
  B0100: { name: Popular }
job_roles:
  R8000: { name: A role }
  R8001: { name: Another role }
functions:
  pair:    { name: Pair, require: { all: [B0011, B0012] } }
  either:  { name: Either, require: { any: [{ all: [B0011, B0012] }, B0020] } }
  role:    { name: Role, require: { all: [{ role: R8001 }, B0020] } }
  strong:  { name: Strong, require: { all: [B0020, { aal: 2 }] } }
"""


@pytest.mark.parametrize("name, held, nearest", [
    ("B0001", [], [["B0001"], ["B0002"], ["B0004"], ["B0003"]]),
    ("B0002", [], [["B0002"], ["B0003"]]),
    ("B0002", ["B0001"], [["B0002"], ["B0003"]]),
    ("B0020", [], [["B0020"]]),
    ("B0030", [], []),
    ("pair", [], [["B0011", "B0012"], ["B0010"]]),
    ("pair", ["B0011"], [["B0012"], ["B0010"]]),
    ("pair", ["B0012", "B0013"], [["B0011"], ["B0010"]]),
    ("either", [], [["B0020"], ["B0011", "B0012"], ["B0010"]]),
    ("role", [], []),
    ("strong", [], [])])
def test_s25_nearest_sets_are_minimal_and_in_order(policy, name, held, nearest):
    answer = policy(NEAREST).ask(neutral(name, activities=held))
    assert answer.effect == "deny"
    assert answer.nearest == nearest
    assert answer.context.get("nearest_complete") is not False


def test_s25_at_most_five_nearest_sets_are_given(policy):
    assert policy(NEAREST).ask(neutral("B0100")).nearest == [["B0100"], ["B0101"], ["B0102"], ["B0103"], ["B0104"]]


def test_s25_adding_a_nearest_set_does_permit(policy):
    nearest = policy(NEAREST)
    for name in ("B0001", "pair", "either", "B0100"):
        for codes in nearest.ask(neutral(name)).nearest:
            assert nearest.ask(neutral(name, activities=codes)).effect == "permit"


def test_s25_nearest_is_bounded_for_a_requirement_with_very_many_ways(policy):
    codes = [f"B{number:04}" for number in range(1, 121)]
    text = "activities:\n" + "".join(f"  {code}: {{ name: Activity {code[1:]} }}\n" for code in codes)
    text += "job_roles:\n  R8000: { name: A role }\n"
    groups = ", ".join("{ any: [" + ", ".join(codes[start:start + 10]) + "] }" for start in range(0, 120, 10))
    text += f"functions:\n  many: {{ name: Many, require: {{ all: [{groups}] }} }}\n"
    answer = policy(text, show=False).ask(neutral("many"))
    assert answer.verdict == "deny requirement-not-met"
    assert len(answer.nearest) <= 5
    for chosen in answer.nearest:
        assert policy(text, show=False).ask(neutral("many", activities=chosen)).effect == "permit"


def test_s25_a_way_that_is_too_wide_does_not_hide_the_narrow_ones(policy):
    """More codes than a set may have are not looked for, which the answer says; the other ways still are."""
    wide = ", ".join(f"B{number:04}" for number in range(101, 108))
    text = "activities:\n  B0020: { name: Alone }\n" + "".join(f"  B{n:04}: {{ name: W{n} }}\n" for n in range(101, 108))
    text += f"job_roles:\n  R8000: {{ name: A role }}\nfunctions:\n  f: {{ name: F, require: {{ any: [{{ all: [{wide}] }}, B0020] }} }}\n"
    answer = policy(text).ask(neutral("f"))
    assert answer.nearest == [["B0020"]]
    assert answer.context["nearest_complete"] is False


def test_s25_a_search_that_is_cut_still_gives_sets_with_nothing_to_spare(policy):
    groups = range(1, 10)
    codes = [f"B{n:04}" for n in [*groups, *(n + 100 for n in groups), 500]]
    text = "activities:\n" + "".join(f"  {code}: {{ name: A{code[1:]} }}\n" for code in codes)
    pairs = ", ".join(f"{{ any: [B{n:04}, B{n + 100:04}] }}" for n in groups)
    text += f"job_roles:\n  R8000: {{ name: A role }}\nfunctions:\n  f: {{ name: F, require: {{ all: [{pairs}, B0500] }} }}\n"
    answer = policy(text).ask(neutral("f", activities=[f"B{n + 100:04}" for n in groups]))
    assert answer.nearest == [["B0500"]]
