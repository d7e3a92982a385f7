# SPDX-License-Identifier: Apache-2.0
"""Requests in every shape of evidence that the contract names."""
import copy
import json
from datetime import datetime, timezone
from pathlib import Path

TIME = "2026-11-23T09:00:00Z"
NOW = int(datetime(2026, 11, 23, 9, 0, 0, tzinfo=timezone.utc).timestamp())

SAMPLES = {user["id"]: user for user in json.loads((Path(__file__).parent / "sample_users.json").read_text())["users"]}


def sample(name):
    """The claims of one of the public test users."""
    return copy.deepcopy(SAMPLES[name]["claims"])


def request(name, properties, organisation=None, time=TIME, kind="healthcare-worker", subject_id=None):
    """A whole request; name None leaves the action away."""
    subject = {"type": kind, "properties": properties}
    if subject_id is not None:
        subject["id"] = subject_id
    context = {}
    if time is not None:
        context["time"] = time
    if organisation is not None:
        context["organisation"] = organisation
    whole = {"subject": subject, "resource": {"type": "application", "id": "gp-system"}, "context": context}
    if name is not None:
        whole["action"] = {"name": name}
    return whole


def neutral(name, role="R8000", organisation="RBA", areas=(), activities=(), workgroups=(), asked=None, time=TIME, **beside):
    """Our own neutral shape. `asked` is the organisation that the request names; `beside` holds aal and ial."""
    profile = {"id": "1001", "areas_of_work": list(areas), "activities": list(activities), "workgroups": list(workgroups)}
    if role is not None:
        profile["role"] = role
    if organisation is not None:
        profile["organisation"] = organisation
    return request(name, {"profile": profile, **beside}, organisation=asked, time=time)


def nrbac_role(identity, code, organisation="RBA", **more):
    """One entry of nhsid_nrbac_roles."""
    entry = {"person_orgid": "9000", "person_roleid": identity, "org_code": organisation, "role_name": '"A":"B":"C"'}
    if code is not None:
        entry["role_code"] = code
    entry.update(more)
    return entry


def cis2(name, roles, id_token=None, role_profile=None, asked=None, time=TIME, **claims):
    """CIS2 userinfo, and an ID token if there is one."""
    userinfo = {"sub": "910000000001", "nhsid_useruid": "910000000001", "name": "TEST User", **claims}
    if roles is not None:
        userinfo["nhsid_nrbac_roles"] = roles
    properties = {"userinfo": userinfo}
    if id_token is not None:
        properties["id_token"] = {"sub": "910000000001", **id_token}
    if role_profile is not None:
        properties["role_profile"] = role_profile
    return request(name, properties, organisation=asked, time=time)


def saml_role(identity, code, organisation="RBA", **more):
    return {"nhsIdCode": organisation, "o": "A TRUST", "nhsJobRole": '"A":"B":"C"', "nhsJobRoleCode": code,
            "uniqueIdentifier": identity, **more}


def saml(name, roles, selected="501", mode="0", asked=None, time=TIME, **person):
    """CIS1 attributes, grouped by role."""
    attributes = {"cn": "REDACTED TEST", "uid": "910000000001", "ssbSessionRoleUid": selected, "ssbMode": mode, **person}
    attributes["roles"] = roles
    return request(name, {"saml": attributes}, organisation=asked, time=time)


def flat(attributes):
    """The grouped attributes as the assertion has them: [name, value], role after role."""
    pairs = []
    for key, value in attributes.items():
        if key == "roles":
            continue
        pairs.append([key, value])
    for role in attributes["roles"]:
        pairs.append(["nhsIdCode", role["nhsIdCode"]])
        for key, value in role.items():
            if key == "nhsIdCode":
                continue
            pairs.extend([key, one] for one in (value if isinstance(value, list) else [value]))
    return pairs


def patient(name, claims, time=TIME, **more):
    whole = request(name, {"nhs_login": claims}, time=time, kind="patient")
    whole.update(more)
    return whole
