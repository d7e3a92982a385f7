# SPDX-License-Identifier: Apache-2.0
"""Audit trails of decisions that were really made: tests/cli/trail_tool.c writes them as a daemon would."""
import json
import sqlite3
import subprocess

from .command import run
from .paths import TRAIL_TOOL
from .requests import neutral, request

SMALL_TRAIL = """
nrbac: 1
policy: { name: recorded, version: "1" }
activities:
  B0107: { name: View with notice }
  B0572: { name: Manage pharmacy }
  B0820: { name: View demographics }
  B0825: { name: Amend demographics, includes: [B0820] }
job_roles:
  R8000: { name: Clinical Practitioner Access Role }
  R8001: { name: Nurse Access Role }
baseline:
  - { roles: [R8000], activities: [B0825] }
  - { roles: [R8001], activities: [B0820] }
obligations:
  notify-access: { name: Tell the privacy officer who looked }
functions:
  patient.amend: { name: Amend demographics, require: B0825 }
  child.view: { name: View a child, require: { activity: B0825, obligations: [notify-access] } }
"""


def user(name, subject, role="R8000", organisation="RBA", application="gp-system"):
    """A request of a user who is told apart by the subject's id."""
    asked = neutral(name, role=role, organisation=organisation, time=None)
    asked["subject"]["id"] = subject
    asked["subject"]["properties"]["profile"]["id"] = f"profile-of-{subject}"
    asked["context"]["application"] = {"id": application}
    return asked


def line(asked, checks=None, recorded=None):
    return {"request": asked, **({} if checks is None else {"checks": checks}), **({} if recorded is None else {"recorded": recorded})}


# What the usual trail holds; record by record:
#   1 open, 2 to 5 a session of 910; 6, 7 questions of 911; 8 of nobody; 9 malformed; 10 open, 11 a recorded check
USUAL = [
    line(user(None, "910"), ["B0820", "patient.amend", "child.view", "B0572"]),
    line(user("B0820", "911", "R8001", "Y51", "pharmacy")),
    line(user("B0825", "911", "R8001", "Y51", "pharmacy")),
    line({"action": {"name": "B0820"}}),
    line({"subject": {"type": "robot"}}),
    line(user(None, "912", "R8001", "Y51"), recorded=["B0820"]),
]


class Trail:
    """A trail on disk, and the policy that gave its decisions."""

    def __init__(self, folder, policy):
        self.path = folder / "trail"
        self.policy = folder / "policy.nrb"
        assert run("compile", policy.path, "-o", self.policy, quiet=True).status == 0

    def write(self, lines=None, patients="none", times=1):
        """Adds the decisions of these lines."""
        text = "".join(json.dumps(each) + "\n" for each in (USUAL if lines is None else lines))
        subprocess.run([str(TRAIL_TOOL), self.path, self.policy, patients, str(times)], input=text.encode(), check=True)
        return self

    def audit(self, command, *options, **how):
        return run("audit", command, self.path, *options, **how)

    def list(self, *options):
        """The records that are meant, as maps."""
        listed = self.audit("list", "--format", "json", *options)
        assert listed.status == 0
        return listed.json_lines()

    def seqs(self, *options):
        return [record["seq"] for record in self.list(*options)]

    def sql(self, *statements):
        """Changes the file behind everybody's back."""
        with sqlite3.connect(self.path) as database:
            for statement in statements:
                database.execute(statement)
        database.close()


def patient(name, number, asked, login=None):
    """A patient's request for a record; without a login they are known by the number alone."""
    properties = {"nhs_login": {"nhs_number": number, "identity_proofing_level": "P9", **({} if login is None else {"sub": login})}}
    whole = request(name, properties, kind="patient", time=None)
    whole["resource"] = {"type": "record", "properties": {"nhs_number": asked}}
    return whole
