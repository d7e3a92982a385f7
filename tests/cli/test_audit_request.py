# SPDX-License-Identifier: Apache-2.0
"""schema/audit-request.md shows what really stands in a record, and names every member."""
import json
import re

from support.paths import ROOT
from support.trail import line, patient, user

PAGE = (ROOT / "schema" / "audit-request.md").read_text()
WHO, INPUTS = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S))


def test_the_example_is_what_a_decision_is_made_on(trail):
    """What can be had of a request without checked evidence; the rest is held by recorder_test.c."""
    profile = WHO["profiles"][0]
    asked = user("B0820", WHO["id"])
    asked["subject"]["properties"] = {
        "role_profile": WHO["caller_choice"], "aal": WHO["aal"], "ial": WHO["ial"],
        "profile": {key: profile[key] for key in ("id", "role", "organisation", "areas_of_work", "activities", "workgroups")}}
    asked["context"] = {"organisation": "RBA", "acting_as": INPUTS["acting_as"], "on_behalf_of": INPUTS["on_behalf_of"],
                        "application": {"id": INPUTS["application"], "authenticated_by": INPUTS["authenticated_by"]},
                        "authentication": {"pattern": INPUTS["pattern"]}}
    asked["resource"] = {"type": "api", "id": INPUTS["api"]}
    record = trail().write([line(asked)]).list()[0]
    who, inputs = json.loads(record["who"]), json.loads(record["inputs"])
    assert who == {**{key: WHO[key] for key in who}, "profiles": [{key: profile[key] for key in who["profiles"][0]}]}
    assert set(who) == {"type", "id", "caller_choice", "aal", "ial", "profiles"}
    assert inputs == {key: value for key, value in INPUTS.items() if key != "findings"}


def test_every_member_is_named():
    source = (ROOT / "engine" / "subject" / "told.c").read_text()
    members = re.findall(r'^    \{ "([a-z_]+)", ', source, re.M)
    assert len(members) > 30
    named = set(re.findall(r'[`"]([a-z_]+)[`"]', PAGE))
    between = {"organisation", "application", "api", "authenticated_by", "pattern", "acting_as"}  # `organisation` ... `on_behalf_of`
    assert set(members) - named - between <= {"action", "nhs_number", "time"}  # these a record has itself


def test_patients_and_times_stand_in_it_as_the_page_says(trail):
    late = user("B0820", "910")
    late["context"]["time"] = "2020-02-02T02:02:02Z"
    own, other, timed = trail().write([line(patient("B0820", "9000000009", "9000000009", "login")),
                                       line(patient("B0820", "9000000009", "9000000017", "login")), line(late)]).list()
    assert json.loads(own["who"])["nhs_number"] == own["patient"] == "=" and other["patient"] == "#"
    assert json.loads(timed["detail"]) == {"time": 1580608922}


def test_a_malformed_request_has_nothing_else(trail):
    record = trail().write([line({"subject": {"type": "robot"}})]).list()[0]
    assert list(json.loads(record["inputs"])) == ["malformed"] and "who" not in record
