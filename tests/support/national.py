# SPDX-License-Identifier: Apache-2.0
"""The worked examples of the domain rules, as requests with what must come of them."""
import os

import yaml

from .paths import POLICY
from .policy import write
from .requests import neutral, request, sample

NATIONAL = POLICY / "national"

EXTENDED = """
nrbac: 1
policy: {{ name: worked-examples, version: "1", provenance: local, extends: ["{national}"] }}
obligations:
  notify-access: {{ name: Tell the privacy officer who looked }}
functions:
  vaccinate.hca:
    name: Vaccinate as a healthcare assistant
    require: {{ all: [{{ any: [{{ role: R8006 }}, {{ role: R8008 }}] }}, B0428, {{ workgroup: "15025792819" }}] }}
  cpis.view:
    name: View child protection information
    require: {{ any: [B0170, {{ activity: B0107, obligations: [notify-access] }}] }}
"""


def extended(directory):
    """A policy with the functions of examples 14 to 16, which extends the national one."""
    directory.mkdir()
    return write(directory, EXTENDED.format(national=os.path.relpath(NATIONAL.resolve(), directory.resolve())))


def pharmacy():
    """The code that the national policy gives to the area of work Pharmacy, whose own is not public."""
    for file in sorted(NATIONAL.rglob("*.yaml")):
        document = yaml.safe_load(file.read_text()) or {}
        for code, entry in (document.get("areas_of_work") or {}).items():
            if "pharmacy" in f"{code} {(entry or {}).get('name', '')}".lower():
                return code
    raise AssertionError("the national policy has no area of work Pharmacy")


def of_flo(name, **id_token):
    properties = {"userinfo": sample("cis2-privacy-officer-and-nurse")}
    if id_token:
        properties["id_token"] = {"sub": "555057896106", **id_token}
    else:
        properties["role_profile"] = "555057996107"
    return request(name, properties)


def of_userq(name, chosen=None):
    properties = {"userinfo": sample("cis2-four-roles-one-org")}
    if chosen:
        properties["id_token"] = {"sub": "910000000001", "selected_roleid": chosen}
    return request(name, properties)


def examples():
    """(number, what it shows, request, verdict)."""
    area = pharmacy()
    team = ["15025792819"]
    return [
        (1, "baseline and inclusion", neutral("B0820", role="R8000"), "permit granted-by-baseline"),
        (2, "a long way down", neutral("B0401", role="R8000"), "permit granted-by-baseline"),
        (3, "area of work", neutral("B0570", role="R8008", areas=[area]), "permit granted-by-baseline"),
        (4, "no area of work", neutral("B0570", role="R8008"), "deny not-granted"),
        (5, "direction", neutral("B0572", role="R8004", areas=[area]), "deny not-granted"),
        (6, "an empty baseline", neutral("B0570", role="R1290", areas=[area]), "deny not-granted"),
        (7, "Flo as a nurse", of_flo("B0360"), "permit"),
        (8, "not upwards", of_flo("B8029"), "deny not-granted"),
        (9, "no union", of_flo("B0825", selected_roleid="555057898108"), "deny not-granted"),
        (10, "a dangling selection", of_flo("B0360", selected_roleid="roleid.test"), "indeterminate selected-role-invalid"),
        (11, "nothing selected", of_userq("B0278"), "indeterminate role-selection-required"),
        (12, "on another profile", of_userq("B0058", "555254242102"), "deny not-granted"),
        (13, "included in an additional one", of_userq("B0278", "555254242102"), "permit"),
        (14, "role and activity", neutral("vaccinate.hca", role="R8006", activities=["B0428"], workgroups=team),
         "permit requirement-met"),
        (15, "wrong role", neutral("vaccinate.hca", role="R8001", activities=["B0428"], workgroups=team),
         "deny requirement-not-met"),
        (16, "the code decides the obligation", neutral("cpis.view", role="R8000", activities=["B0170"]),
         "permit requirement-met"),
    ]
