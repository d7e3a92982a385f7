# SPDX-License-Identifier: Apache-2.0
"""`validate`: every mistake at once, each with its place."""
import re

import pytest
from support import diagnostics
from support.command import run
from support.small import CODES, FUNCTIONS, SMALL


def test_a_sound_policy_has_no_mistakes(policy):
    result = policy(FUNCTIONS).validate()
    assert result.status == 0
    assert diagnostics.errors(result.all) == []


# (what, text to append or policy text, marker on the line of the mistake)
MISTAKES = {
    "an unknown activity in a baseline": (SMALL + "  - { roles: [R8000], activities: [B9999] }\n", "B9999"),
    "an unknown role in a baseline": (SMALL + "  - { roles: [R9999], activities: [B0820] }\n", "R9999"),
    "an unknown area of work": (SMALL + '  - { roles: [R8000], areas_of_work: ["P9:Q9:T9"], activities: [B0820] }\n', "P9:Q9:T9"),
    "an undeclared area of work": (SMALL + '  - { roles: [R8001], areas_of_work: ["P0001:Q0001:T0001"], activities: [B0820] }\n',
                                   "P0001"),
    "an activity where a role is meant": (SMALL + "  - { roles: [B0428], activities: [B0820] }\n", "B0428"),
    "a role where an activity is meant": (SMALL + "  - { roles: [R8001], activities: [R8000] }\n", "activities: [R8000]"),
    "an unknown activity in a requirement": (SMALL + "functions:\n  one: { require: B9999 }\n", "B9999"),
    "an unknown role in a requirement": (SMALL + "functions:\n  one: { require: { role: R9999 } }\n", "R9999"),
    "an activity as a role in a requirement": (SMALL + "functions:\n  one: { require: { role: B0820 } }\n", "role: B0820"),
    "an unknown included activity": ("activities:\n  B0001: { name: One, includes: [B9999] }\n", "B9999"),
    "an inclusion cycle": ("activities:\n  B0001: { name: One, includes: [B0002] }\n  B0002: { name: Two, includes: [B0001] }\n",
                           "includes"),
    "an activity that includes itself": ("activities:\n  B0001: { name: One, includes: [B0001] }\n", "B0001"),
    "a chain of replacements": ("activities:\n  B0001: { name: One, status: obsolete, replaced_by: B0002 }\n"
                                "  B0002: { name: Two, status: obsolete, replaced_by: B0003 }\n  B0003: { name: Three }\n",
                                "B0001"),
    "a replacement that does not exist": ("activities:\n  B0001: { name: One, status: obsolete, replaced_by: B9999 }\n", "B9999"),
    "a status that does not exist": ("activities:\n  B0001: { name: One, status: retired }\n", "retired"),
    "an unknown key at the top": (SMALL + "activites:\n  B0001: { name: One }\n", "activites"),
    "an unknown key of an activity": ("activities:\n  B0001: { nmae: One }\n", "nmae"),
    "an unknown key of a baseline entry": (SMALL + "  - { role: [R8000], activities: [B0820] }\n", "role: [R8000]"),
    "an unknown kind of atom": (SMALL + "functions:\n  one: { require: { activty: B0820 } }\n", "activty"),
    "a negation": (SMALL + "functions:\n  one: { require: { not: B0820 } }\n", "not: B0820"),
    "a level out of range": (SMALL + "functions:\n  one: { require: { aal: 4 } }\n", "aal: 4"),
    "a level that is none": (SMALL + "functions:\n  one: { require: { ial: high } }\n", "ial: high"),
    "a proofing level that does not exist": (SMALL + "functions:\n  one: { require: { proofing: P7 } }\n", "P7"),
    "an unknown obligation": (SMALL + "functions:\n  one: { require: B0820, obligations: [nothing] }\n", "nothing"),
    "a code that is none": ("activities:\n  B12: { name: One }\n", "B12"),
    "a code without its prefix": ("activities:\n  ESC01: { name: One }\n", "ESC01"),
    "a function named like an activity": (SMALL + "functions:\n  B0777: { require: B0820 }\n", "B0777"),
    "a function named like a local code": (SMALL + "functions:\n  local:one: { require: B0820 }\n", "local:one"),
    "a role declared as an activity": ("activities:\n  R8000: { name: One }\n", "R8000"),
    "an activity declared as a role": ("job_roles:\n  B0820: { name: One }\n", "B0820"),
    "a wrong name after a code": (SMALL + "  - { roles: [R8000 Nurse Access Role], activities: [B0820] }\n", "R8000 Nurse"),
    "a wrong name after an activity": (SMALL + "functions:\n  one: { require: B0820 Amend Patient Demographics }\n", "B0820 Amend"),
    "an exclusive set of unknown codes": (SMALL + "exclusive:\n  - { name: x, activities: [B9999, B0820], on_conflict: deny }\n",
                                          "B9999"),
    "an exclusive set with an unknown mode": (
        SMALL + "exclusive:\n  - { name: x, activities: [B0015, B0820], on_conflict: refuse }\n", "refuse"),
    "a suspension of what does not exist": (SMALL + "suspend:\n  - { activity: B9999, reason: x }\n", "B9999"),
    "a setting that does not exist": (SMALL + "settings: { roleless_profile: none }\n", "roleless_profile"),
    "a value of a setting that does not exist": (SMALL + "settings: { roleless_profiles: some }\n", "some }"),
    "text where a list is meant": (SMALL + "  - { roles: R8000, activities: { x: y } }\n", "x: y"),
    "a list where a mapping is meant": ("activities: [B0001]\n", "activities"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_has_a_diagnostic_on_its_line(policy, what):
    text, marker = MISTAKES[what]
    broken = policy(text)
    result = broken.validate()
    assert result.status == 1
    found = diagnostics.errors(result.all)
    assert found, "at least one error, as file:line:column: error[P...]: text"
    line, _ = diagnostics.at(broken, marker)
    near = (line, line + 1) if "cycle" in what else (line,)
    assert set(near) & {one.line for one in found}
    assert all(re.fullmatch(r"P\d{3}", one.code) for one in found)
    assert all(one.file.endswith("policy.yaml") for one in found)


@pytest.mark.parametrize("what", ["an unknown activity in a baseline", "an unknown key of an activity", "a status that does not exist",
                                  "an unknown obligation", "an unknown activity in a requirement"])
def test_the_column_points_at_the_word(policy, what):
    text, marker = MISTAKES[what]
    broken = policy(text)
    place = diagnostics.at(broken, marker)
    assert place in [(one.line, one.column) for one in diagnostics.errors(broken.validate().all)]


def test_a_diagnostic_shows_the_source_line_and_points_at_the_place(policy):
    text, marker = MISTAKES["an unknown activity in a baseline"]
    said = policy(text).validate().all
    assert "- { roles: [R8000], activities: [B9999] }" in said
    assert "^" in said


@pytest.mark.parametrize("text, suggestion", [
    (SMALL + "activites:\n  B0001: { name: One }\n", "activities"),
    ("activities:\n  B0001: { name: One, includs: [] }\n", "includes"),
    (SMALL + "  - { roles: [R8000], activites: [B0820] }\n", "activities"),
    (SMALL + "settings: { roleless_profile: none }\n", "roleless_profiles")])
def test_an_unknown_key_comes_with_a_suggestion(policy, text, suggestion):
    said = policy(text).validate().all
    after = said[said.index("error["):]
    assert re.search(rf"(help|did you mean).*{suggestion}", after)


def test_a_code_of_the_wrong_kind_is_said_to_be_one(policy):
    said = policy(MISTAKES["an activity where a role is meant"][0]).validate().all.lower()
    assert "activity" in said and "role" in said


def test_a_cycle_names_its_members(policy):
    said = policy("activities:\n  B0001: { name: One, includes: [B0002] }\n  B0002: { name: Two, includes: [B0003] }\n"
                  "  B0003: { name: Three, includes: [B0001] }\n").validate().all
    for code in ("B0001", "B0002", "B0003"):
        assert code in said


def test_names_after_codes_are_compared_without_case_and_spaces(policy):
    named = policy(SMALL + "  - { roles: [R8000 clinical  practitioner ACCESS Role], activities: [B0820 view patient demographics] }\n")
    result = named.validate()
    assert diagnostics.errors(result.all) == []
    assert result.status == 0


def test_all_mistakes_are_reported_in_one_run_in_file_order(policy):
    text = SMALL + """  - { roles: [R9999], activities: [B0820] }
  - { roles: [R8000], activities: [B9999] }
  - { roles: [B0428], activities: [B0820] }
functions:
  one: { require: B9998 }
  two: { require: { role: R9998 } }
  three: { require: B0820, obligations: [nothing] }
"""
    broken = policy(text)
    found = diagnostics.errors(broken.validate().all)
    lines = [one.line for one in found]
    assert lines == sorted(lines)
    for marker in ("R9999", "B9999", "B0428", "B9998", "R9998", "nothing"):
        assert diagnostics.at(broken, marker)[0] in lines


def test_mistakes_of_several_files_are_reported_in_one_run(policy):
    broken = policy({"a.yaml": CODES, "b.yaml": "nrbac: 1\nbaseline:\n  - { roles: [R8000], activities: [B9999] }\n",
                     "deep/er/c.yaml": "nrbac: 1\nbaseline:\n  - { roles: [R8000], activities: [B9998] }\n"})
    found = diagnostics.errors(broken.validate().all)
    assert {one.file.rsplit("/", 1)[-1] for one in found} == {"b.yaml", "c.yaml"}


@pytest.mark.parametrize("first, second", [
    ("activities:\n  B0001: { name: One }\n", "activities:\n  B0001: { name: One again }\n"),
    ("job_roles:\n  R8000: { name: One }\n", "job_roles:\n  R8000: { name: One }\n"),
    ("activities:\n  B0001: { name: One }\nfunctions:\n  f: { require: B0001 }\n", "functions:\n  f: { require: B0001 }\n")])
def test_a_second_definition_shows_both_places(policy, first, second):
    twice = policy({"a.yaml": first, "b.yaml": "nrbac: 1\n" + second})
    result = twice.validate()
    assert result.status == 1
    assert "a.yaml:" in result.all and "b.yaml:" in result.all


def test_definitions_spread_over_files_merge(policy):
    spread = policy({"a.yaml": "activities:\n  B0001: { name: One }\n",
                     "b.yaml": "nrbac: 1\nactivities:\n  B0002: { name: Two, includes: [B0001] }\n"})
    assert spread.validate().status == 0


@pytest.mark.parametrize("text", ["activities: {}\n", "nrbac: 2\nactivities: {}\n", "nrbac: one\nactivities: {}\n", ""])
def test_every_file_starts_with_its_version(policy, text):
    broken = policy({"policy.yaml": SMALL, "other.yaml": text.encode()})
    result = broken.validate()
    assert result.status == 1
    assert "other.yaml:" in result.all


def test_the_policy_block_stands_in_one_file_only(policy):
    assert policy({"a.yaml": SMALL, "b.yaml": "activities: {}\n"}, name="two").validate().status == 1


# Lints.

def test_the_same_grant_twice_is_a_lint_and_no_error(policy):
    result = policy(SMALL + "  - { roles: [R8000], activities: [B0825] }\n").validate()
    assert result.status == 0
    assert "redundant-grant" in result.all
    assert diagnostics.errors(result.all) == []


def test_a_legacy_code_is_a_warning(policy):
    result = policy("activities:\n  B0001: { name: One, status: legacy }\njob_roles:\n  R8000: { name: A role }\n"
                    "baseline:\n  - { roles: [R8000], activities: [B0001] }\n").validate()
    assert result.status == 0
    assert "warning" in result.all and "B0001" in result.all


def test_a_suspension_whose_date_has_passed_is_a_warning(policy):
    result = policy(SMALL + "suspend:\n  - { activity: B0825, reason: old, until: 2020-01-01 }\n").validate()
    assert result.status == 0
    assert "warning" in result.all and "2020-01-01" in result.all


def test_a_suspension_whose_date_is_to_come_is_none(policy):
    result = policy(SMALL + "suspend:\n  - { activity: B0825, reason: new, until: 2999-01-01 }\n").validate()
    assert result.status == 0
    assert "2999-01-01" not in result.all


@pytest.mark.parametrize("text, marker", [
    (SMALL + "functions:\n  never: { require: { all: [{ role: R8000 }, { role: R8001 }] } }\n", "never"),
    (CODES + "baseline:\n  - { roles: [R8000], activities: [B0015, B0058] }\n"
             "exclusive:\n  - { name: both, activities: [B0015, B0058], on_conflict: deny }\n", "both"),
    ("activities:\n  B0001: { name: One }\njob_roles:\n  R0001: { name: Old, status: obsolete }\n"
     "baseline:\n  - { roles: [R0001], activities: [B0001] }\n", "baseline")])
def test_what_compiling_must_check_is_reported(policy, text, marker):
    broken = policy(text)
    found = diagnostics.read(broken.validate().all)
    assert found
    line, _ = diagnostics.at(broken, marker)
    assert any(abs(one.line - line) <= 2 for one in found)


# Extending.

NATIONAL = SMALL.replace("B0015: {", "B0016: { name: Not included }\n  B0015: {")


def extending(policy, text, name="extended"):
    both = policy({"national/national.yaml": NATIONAL,
                   "local/policy.yaml": 'nrbac: 1\npolicy: { name: local, version: "1", provenance: local, extends: [../national] }\n'
                                        + text}, name=name)
    both.path = both.path / "local"
    return both


def test_a_policy_may_add_to_what_it_extends(policy):
    added = extending(policy, "activities:\n  local:X: { name: Ours, includes: [local:Y] }\n  local:Y: { name: Ours too }\n"
                              "job_roles:\n  local:R: { name: Our role }\n"
                              "baseline:\n  - { roles: [local:R], activities: [local:X, B0820] }\n"
                              "functions:\n  ours: { require: { all: [B0825, local:Y] } }\n")
    result = added.validate()
    assert diagnostics.errors(result.all) == []
    assert result.status == 0
    assert "national-uplift" not in added.validate("--strict").all


@pytest.mark.parametrize("text", [
    "activities:\n  B0820: { name: View Patient Demographics }\n",
    "activities:\n  B0820: { name: Something else, includes: [B0015] }\n",
    "activities:\n  B0015: { name: Receive, status: obsolete }\n",
    "job_roles:\n  R8000: { name: Mine }\n"])
def test_a_policy_may_not_alter_what_it_extends(policy, text):
    result = extending(policy, text).validate()
    assert result.status == 1
    assert diagnostics.errors(result.all)
    assert "national.yaml:" in result.all


@pytest.mark.parametrize("text", [
    "baseline:\n  - { roles: [R8000], activities: [B0015] }\n",
    "activities:\n  local:X: { name: Ours, includes: [B0015] }\nbaseline:\n  - { roles: [R8000], activities: [local:X] }\n"])
def test_a_national_role_that_gains_a_national_activity_is_an_uplift(policy, text):
    uplifted = extending(policy, text)
    mild = uplifted.validate()
    assert mild.status == 0
    assert "national-uplift" in mild.all
    strict = uplifted.validate("--strict")
    assert strict.status == 1
    assert "national-uplift" in strict.all


def test_a_national_role_that_gains_a_local_activity_is_no_uplift(policy):
    result = extending(policy, "activities:\n  local:X: { name: Ours }\n"
                               "baseline:\n  - { roles: [R8000], activities: [local:X] }\n").validate("--strict")
    assert "national-uplift" not in result.all


# Other formats.

BROKEN = SMALL + "  - { roles: [R9999], activities: [B9999] }\nfunctions:\n  one: { require: B9998 }\n"


def strings(value):
    """Every string and number within a JSON document."""
    if isinstance(value, dict):
        return [one for part in value.values() for one in strings(part)]
    if isinstance(value, list):
        return [one for part in value for one in strings(part)]
    return [value]


def test_json_holds_every_diagnostic_with_code_and_line(policy):
    broken = policy(BROKEN)
    by_text = diagnostics.errors(broken.validate().all)
    result = broken.validate("--format", "json")
    assert result.status == 1
    found = strings(result.json())
    for one in by_text:
        assert one.code in found and one.line in found


def test_json_of_a_sound_policy_is_json_too(policy):
    result = policy(SMALL).validate("--format", "json")
    assert result.status == 0
    assert "error" not in [one for one in strings(result.json()) if isinstance(one, str)]


def test_sarif_is_what_code_hosts_read(policy):
    broken = policy(BROKEN)
    by_text = diagnostics.errors(broken.validate().all)
    result = broken.validate("--format", "sarif")
    assert result.status == 1
    document = result.json()
    assert document["version"] == "2.1.0"
    (sarif_run,) = document["runs"]
    assert sarif_run["tool"]["driver"]["name"]
    found = [one for one in sarif_run["results"] if one.get("level", "warning") == "error"]
    assert len(found) == len(by_text)
    for one, known in zip(found, by_text):
        assert one["ruleId"] == known.code
        assert one["message"]["text"]
        place = one["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"].endswith("policy.yaml")
        assert (place["region"]["startLine"], place["region"]["startColumn"]) == (known.line, known.column)


def test_sarif_of_a_sound_policy_has_no_results(policy):
    result = policy(SMALL).validate("--format", "sarif")
    assert result.status == 0
    assert [one for one in result.json()["runs"][0]["results"] if one.get("level") == "error"] == []


def test_the_policy_is_found_from_within_its_directory(policy):
    small = policy(SMALL)
    assert run("validate", ".", cwd=small.path).status == 0
    assert run("check", ".", "-", stdin="{}", cwd=small.path).status == 1


def test_a_directory_without_policy_files_is_a_mistake(tmp_path):
    (tmp_path / "empty").mkdir()
    result = run("validate", tmp_path / "empty")
    assert result.status in (1, 3)
    assert result.err or result.out
