# SPDX-License-Identifier: Apache-2.0
"""`audit export`: records for other systems, as they are and as FHIR R4 AuditEvents."""
import copy
import json
from pathlib import Path

import jsonschema
import pytest
from support.policy import Policy, write
from support.requests import cis2, nrbac_role
from support.trail import SMALL_TRAIL, USUAL, Trail, line, patient, user

SUPPORT = Path(__file__).resolve().parents[1] / "support"
SCHEMA = json.loads((SUPPORT / "audit_event.schema.json").read_text())
BALP = json.loads((SUPPORT / "balp_authz.schema.json").read_text())
SHAPE = jsonschema.Draft202012Validator(SCHEMA)
WHOLE = jsonschema.Draft202012Validator(BALP)
PART = jsonschema.Draft202012Validator({"$ref": "#/$defs/part", "$defs": BALP["$defs"]})
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def events(made, *options):
    """What is exported, held to the resource's shape and the profile's rules."""
    exported = made.audit("export", "--format", "fhir", *options)
    assert exported.status == 0
    told = exported.json_lines()
    for event in told:
        SHAPE.validate(event)
        PART.validate(event)
        assert agent(event, "authserver")["who"] == event["source"]["observer"]
        assert "meta" not in event, "no profile is claimed"
    return told


def agent(event, code):
    """The one agent of that type; None: there is none."""
    found = [each for each in event["agent"] if each["type"]["coding"][0]["code"] == code]
    assert len(found) <= 1
    return found[0] if found else None


def details(event):
    (extension,) = event["extension"]
    assert extension["url"] == "urn:nrbac:audit-record"
    return {each["url"]: each["valueString"] for each in extension["extension"]}


def about(asked, number):
    """The same, asked about a patient."""
    return {**asked, "resource": {"type": "record", "properties": {"nhs_number": number}}}


def undecided(name):
    """Of somebody with two role profiles, who has not said which."""
    roles = [nrbac_role("501", "S0010:G0020:R8000"), nrbac_role("502", "S0010:G0020:R8001")]
    whole = cis2(name, roles, asked="RBA", time=None)
    whole["context"]["application"] = {"id": "gp-system"}
    return whole


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
    assert details(event)["action"] == "child.view" and details(event)["obligations"] == "notify-access"


@pytest.mark.parametrize("patients", ["none", "named", "plain"])
def test_whoever_and_whatever_is_known_meets_the_profile_but_for_its_consent(trail, patients):
    """A user at an organisation, by an application on a known machine, about a patient: permitted, denied, not to be decided."""
    made = trail().write([
        line(about(user("B0820", "910"), "9000000009")), line(about(user("B0572", "910"), "9000000009")),
        line(about(user("child.view", "910"), "9000000017")), line(about(user("no.such", "910"), "9000000017")),
        {**line(about(user("B0820", "912", "R8001"), "9000000009")), "asserted": True},
        line(about(undecided("B0820"), "9000000009"))], patients=patients)
    told = events(made, "--site", "gp-server-1")
    assert [details(event)["effect"] for event in told] == ["permit", "deny", "permit", "not-applicable", "permit", "indeterminate"]
    for event in told:
        WHOLE.validate(event)
    assert [details(event).get("asserted") for event in told] == [None] * 4 + ["true", None]


def test_the_machine_is_named_by_whoever_exports(trail):
    made = trail().write(USUAL[:1])
    for event in events(made, "--site", "gp-server-1"):
        assert event["source"]["site"] == "gp-server-1"
        assert agent(event, "110150")["network"] == {"address": "gp-server-1", "type": "1"}
    for event in events(made):
        assert "site" not in event["source"] and "network" not in agent(event, "110150")
    for wrong in ("", "two words", "a\nb"):
        assert made.audit("export", "--format", "fhir", "--site", wrong).status == 2
    assert made.audit("export", "--site", "gp-server-1").status == 2


def test_nobody_is_made_up(trail):
    """An unattended system has no user; who asks without the name of an application is known by the kernel."""
    event = events(trail().write(USUAL[3:4]))[0]
    assert [each["type"]["coding"][0]["code"] for each in event["agent"]] == ["authserver", "110150"]
    client = agent(event, "110150")
    assert client["requestor"] is True
    assert client["who"] == {"type": "Device", "identifier": {"type": {"text": "uid"}, "value": "1000"}}
    local = events(trail().write([line(user("B0820", "910", role="local:clerk"))]), "--user", "910")[0]
    assert agent(local, "IRCP")["role"][0]["coding"] == [{"code": "local:clerk"}]
    assert agent(local, "110150")["requestor"] is False


@pytest.mark.parametrize("patients, what", [
    ("none", {"type": "Patient", "display": "the user"}),
    ("plain", {"type": "Patient", "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9000000009"}})])
def test_a_patient_stands_in_it_as_the_trail_names_them(trail, patients, what):
    event = events(trail().write([line(patient("B0820", "9000000009", "9000000009", "login"))], patients=patients))[0]
    assert event["entity"][0]["what"] == what and event["entity"][0]["role"]["code"] == "1"
    assert agent(event, "IRCP")["who"] == {"type": "Patient", "identifier": {"value": "login"}}


@pytest.mark.parametrize("patients, who", [
    ("none", {"type": "Patient", "display": "a patient whose number is not kept"}),
    ("plain", {"type": "Patient", "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9000000009"}})])
def test_a_patient_who_is_known_by_number_alone_is_named_no_further_than_the_trail_does(trail, patients, who):
    event = events(trail().write([line(patient("B0820", "9000000009", "9000000009"))], patients=patients))[0]
    assert agent(event, "IRCP")["who"] == who


def test_a_name_that_stands_for_a_patient_is_no_nhs_number(trail):
    event = events(trail().write([line(patient("B0820", "9000000009", "9000000017"))], patients="named"))[0]
    for identifier in (event["entity"][0]["what"]["identifier"], agent(event, "IRCP")["who"]["identifier"]):
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


def slice_of(event, code):
    return next(each for each in event["agent"] if each["type"]["coding"][0]["code"] == code)


MISTAKES = {
    "another type": lambda event: event["type"].update(code="110112"),
    "no subtype": lambda event: event.pop("subtype"),
    "another subtype": lambda event: event["subtype"].append({"system": "urn:x", "code": "y"}),
    "another action": lambda event: event.update(action="R"),
    "no outcome": lambda event: event.pop("outcome"),
    "modified": lambda event: event.update(modifierExtension=[{"url": "urn:x"}]),
    "no client": lambda event: event["agent"].remove(slice_of(event, "110150")),
    "two clients": lambda event: event["agent"].append(slice_of(event, "110150")),
    "a client from nowhere": lambda event: slice_of(event, "110150").pop("network"),
    "a client with a role": lambda event: slice_of(event, "110150").update(role=[{"text": "x"}]),
    "no user": lambda event: event["agent"].remove(slice_of(event, "IRCP")),
    "a user who does not ask": lambda event: slice_of(event, "IRCP").update(requestor=False),
    "a user on a network": lambda event: slice_of(event, "IRCP").update(network={"address": "x"}),
    "nobody's organisation": lambda event: slice_of(event, "PROV").pop("who"),
    "an organisation that asks": lambda event: slice_of(event, "PROV").update(requestor=True),
    "an organisation with a policy": lambda event: slice_of(event, "PROV").update(policy=["urn:x"]),
    "no authorizer": lambda event: event["agent"].remove(slice_of(event, "authserver")),
    "an authorizer with a name": lambda event: slice_of(event, "authserver").update(name="x"),
    "no patient": lambda event: event.pop("entity"),
    "two patients": lambda event: event["entity"].append(event["entity"][0]),
    "a patient that is none": lambda event: event["entity"][0]["what"].update(type="Person"),
    "a patient without a role": lambda event: event["entity"][0].pop("role"),
    "another entity": lambda event: event["entity"].append({"type": {"system": "urn:x", "code": "2"}}),
    "a token by another name": lambda event: event["entity"].append(
        {"type": {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes", "code": "UserOauthAgent"},
         "what": {"identifier": {"value": "abc"}}}),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    made = Trail(folder, Policy(write(folder / "policy", SMALL_TRAIL), show=False))
    return events(made.write([line(about(user("B0820", "910"), "9000000009"))]), "--site", "gp-server-1")[0]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_event_that_differs_from_the_profile_is_found_out(sound, mistake):
    WHOLE.validate(sound)
    event = copy.deepcopy(sound)
    MISTAKES[mistake](event)
    assert not WHOLE.is_valid(event)
