# SPDX-License-Identifier: Apache-2.0
"""The capacity in which a user asks, and for whom: what the request states, beside what the profile holds."""
import pytest
from support.command import run
from support.requests import neutral
from support.small import FUNCTIONS

POLICY = FUNCTIONS + """
  refer:
    name: Refer
    require:
      any:
        - { all: [{ acting_as: CLINICIAN }, B0058] }
        - { all: [{ acting_as: ADMIN }, B0015, { on_behalf_of: named }] }
  told: { name: Told, require: { on_behalf_of: named } }
"""


def asked(name, acting_as=None, on_behalf_of=None, **more):
    request = neutral(name, role="R0001", **more)
    for key, value in (("acting_as", acting_as), ("on_behalf_of", on_behalf_of)):
        if value is not None:
            request.setdefault("context", {})[key] = value
    return request


@pytest.mark.parametrize("held, acting_as, on_behalf_of, effect", [
    (["B0058"], "CLINICIAN", None, "permit"),
    (["B0058"], "CLINICIAN", "555", "permit"),
    (["B0058"], None, None, "deny"),                    # holding the activity is not saying in which capacity
    (["B0058"], "clinician", None, "deny"),             # exactly
    (["B0058"], "ADMIN", "555", "deny"),                # saying so is not holding the activity
    (["B0058", "B0015"], "ADMIN", None, "deny"),        # who holds both is judged by the capacity stated
    (["B0058", "B0015"], "ADMIN", "", "deny"),          # nobody is named
    (["B0058", "B0015"], "ADMIN", "555", "permit"),
    (["B0015"], "CLINICIAN", "555", "deny")])
def test_the_capacity_stated_decides_which_activity_counts(policy, held, acting_as, on_behalf_of, effect):
    answer = policy(POLICY).ask(asked("refer", acting_as, on_behalf_of, activities=held))
    assert answer.verdict == ("permit requirement-met" if effect == "permit" else "deny requirement-not-met")


def test_the_nearest_permit_is_for_the_capacity_stated(policy):
    answer = policy(POLICY).ask(asked("refer", "CLINICIAN", activities=["B0015"]))
    assert answer.context["nearest"] == [["B0058"]]
    assert policy(POLICY).ask(asked("refer", "PORTER", activities=["B0015"])).context["nearest"] == []


@pytest.mark.parametrize("member", ["acting_as", "on_behalf_of"])
def test_what_is_no_text_is_malformed(policy, member):
    request = asked("told")
    request.setdefault("context", {})[member] = ["CLINICIAN"]
    answer = policy(POLICY).ask(request)
    assert answer.verdict == "indeterminate malformed-request" and f"`context.{member}`" in answer.context["fault"]


def test_who_can_looks_at_every_capacity(policy):
    """A job role that meets the requirement in one capacity of several is found."""
    roles = "functions:\n  do:\n    require:\n      any:\n" + "".join(
        f"        - {{ all: [{{ acting_as: {name.upper()} }}, {{ role: local:{name} }}] }}\n" for name in ("clinician", "admin"))
    roles += "job_roles:\n" + "".join(f"  local:{name}: {{ name: {name} }}\n" for name in ("clinician", "admin", "porter"))
    found = run("who-can", policy(roles).path, "do", "--format", "json").json()["roles"]
    assert [row["role"] for row in found] == ["local:admin", "local:clinician"]
