# SPDX-License-Identifier: Apache-2.0
"""`audit export`: records for other systems, as they are and as FHIR R4 AuditEvents."""
import json
from pathlib import Path

import jsonschema
import pytest
from support.trail import USUAL, line, patient, user

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "support" / "audit_event.schema.json").read_text())
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def events(made, *options):
    exported = made.audit("export", "--format", "fhir", *options)
    assert exported.status == 0
    told = exported.json_lines()
    for event in told:
        jsonschema.Draft202012Validator(SCHEMA).validate(event)
    return told


def agent(event, code):
    """The one agent of that type; None: there is none."""
    found = [each for each in event["agent"] if each["type"]["coding"][0]["code"] == code]
    assert len(found) <= 1
    return found[0] if found else None


def details(event):
    return {each["type"]: each["valueString"] for each in event["entity"][0]["detail"]}


def test_json_lines_are_the_records(trail):
    made = trail().write()
    exported = made.audit("export")
    assert exported.status == 0 and exported.json_lines() == made.list()
    assert made.audit("export", "--user", "911").json_lines() == made.list("--user", "911")


def test_each_decision_is_an_audit_event(trail):
    made = trail().write()
    told = events(made)
    records = made.list()
    assert len(told) == len(records) == 11
    for event, record in zip(told, records):
        assert event["type"] == {"system": DCM, "code": "110113", "display": "Security Alert"}
        assert event["subtype"][0]["code"] == "AuthZ-Role" and event["action"] == "E"
        assert event["recorded"][:23] == record["time"][:23]
        assert event["outcome"] == {"permit": "0", "indeterminate": "4"}.get(record["effect"], "8")
        told_of = details(event)
        assert told_of["sequence"] == str(record["seq"]) and told_of["hash"] == record["hash"]
        assert told_of["reason"] == record["reason"] and told_of["policy"] == record["policy"]
    assert len({event["id"] for event in told}) == 11


def test_its_agents_are_those_of_an_authorisation_decision(trail):
    event = events(trail().write())[3]
    assert agent(event, "authserver")["requestor"] is False
    assert agent(event, "110150")["who"]["identifier"]["value"] == "gp-system"
    who = agent(event, "IRCP")
    assert who["requestor"] is True and who["who"]["identifier"] == {"system": "https://fhir.nhs.uk/Id/sds-user-id", "value": "910"}
    assert who["role"][0]["coding"][0]["code"] == "R8000"
    assert agent(event, "PROV")["who"]["identifier"]["value"] == "RBA"
    assert event["entity"][0]["name"] == "child.view" and details(event)["obligations"] == "notify-access"


def test_nobody_is_made_up(trail):
    """An unattended system has no user."""
    event = events(trail().write(USUAL[3:4]))[0]
    assert [each["type"]["coding"][0]["code"] for each in event["agent"]] == ["authserver"]
    local = events(trail().write([line(user("B0820", "910", role="local:clerk"))]), "--user", "910")[0]
    assert agent(local, "IRCP")["role"][0]["coding"] == [{"code": "local:clerk"}]


@pytest.mark.parametrize("patients, what", [
    ("none", {"display": "the user"}),
    ("plain", {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9000000009"}})])
def test_a_patient_stands_in_it_as_the_trail_names_them(trail, patients, what):
    event = events(trail().write([line(patient("B0820", "9000000009", "9000000009", "login"))], patients=patients))[0]
    assert event["entity"][1]["what"] == what and event["entity"][1]["role"]["code"] == "1"
    assert agent(event, "IRCP")["who"]["identifier"] == {"value": "login"}


def test_a_name_that_stands_for_a_patient_is_no_nhs_number(trail):
    event = events(trail().write([line(patient("B0820", "9000000009", "9000000017", "login"))], patients="named"))[0]
    identifier = event["entity"][1]["what"]["identifier"]
    assert identifier["value"].startswith("~") and "system" not in identifier


def test_the_schema_refuses_what_is_none():
    """Else nothing above would say much."""
    good = {"resourceType": "AuditEvent", "type": {"code": "110113"}, "recorded": "2026-11-23T09:00:00.123Z",
            "agent": [{"requestor": True}], "source": {"observer": {"display": "x"}}}
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.validate(good)
    for bad in ({"recorded": "2026-11-23"}, {"outcome": "1"}, {"action": "X"}, {"agent": []}, {"agent": [{}]}, {"source": {}},
                {"unheard": 1}, {"id": "a b"}, {"entity": [{"name": "a", "query": "YQ=="}]}, {"entity": [{"detail": [{"type": "a"}]}]}):
        assert not validator.is_valid({**good, **bad})
