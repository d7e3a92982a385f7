# SPDX-License-Identifier: Apache-2.0
"""What is suspended is stopped for everybody, and the answer says so."""
from support.requests import neutral
from support.small import FUNCTIONS


def suspending(what):
    return FUNCTIONS + f"suspend:\n  - {{ {what}, reason: incident 1234, until: 2099-12-01 }}\n"


def test_a_suspended_activity_is_denied_to_those_who_hold_it(policy):
    suspended = policy(suspending("activity: B0825"))
    assert suspended.ask(neutral("B0825")).verdict == "deny suspended"
    assert suspended.ask(neutral("B0825", role="R0001", activities=["B0825"])).verdict == "deny suspended"


def test_a_suspended_activity_no_longer_opens_a_function(policy):
    answer = policy(suspending("activity: B0825")).ask(neutral("patient.amend"))
    assert answer.effect == "deny"


def test_what_is_not_suspended_goes_on(policy):
    suspended = policy(suspending("activity: B0825"))
    assert suspended.ask(neutral("B0360", role="R8001")).verdict == "permit granted-by-baseline"
    assert suspended.ask(neutral("alerts", role="R0001")).verdict == "permit requirement-met"


def test_a_suspended_function_is_denied_and_its_activity_is_not(policy):
    suspended = policy(suspending("function: patient.amend"))
    assert suspended.ask(neutral("patient.amend")).verdict == "deny suspended"
    assert suspended.ask(neutral("B0825")).verdict == "permit granted-by-baseline"


def test_a_suspended_role_is_denied_what_it_had(policy):
    suspended = policy(suspending("role: R8000"))
    assert suspended.ask(neutral("B0825")).verdict == "deny suspended"
    assert suspended.ask(neutral("patient.amend")).effect == "deny"
    assert suspended.ask(neutral("B0360", role="R8001")).verdict == "permit granted-by-baseline"


def test_suspension_takes_effect_at_load_whatever_its_date(policy):
    past = policy(FUNCTIONS + "suspend:\n  - { activity: B0825, reason: old, until: 2020-01-01 }\n")
    assert past.ask(neutral("B0825")).verdict == "deny suspended"


def test_a_policy_that_extends_a_national_one_may_suspend_what_is_national(policy):
    both = policy({"national/national.yaml": FUNCTIONS,
                   "local/local.yaml": 'nrbac: 1\npolicy: { name: local, version: "1", provenance: local, extends: [../national] }\n'
                                       "suspend:\n  - { activity: B0825, reason: incident }\n"})
    both.path = both.path / "local"
    assert both.ask(neutral("B0825")).verdict == "deny suspended"
    assert both.ask(neutral("B0360", role="R8001")).verdict == "permit granted-by-baseline"


def of_application(name, application):
    asked = neutral(name)
    asked["context"]["application"] = {"id": application}
    return asked


def test_a_suspended_application_is_denied_what_its_users_have(policy):
    suspended = policy(suspending("application: old-system") +
                       "applications: { old-system: { authenticated_by: [signed-jwt] } }\n")
    for name in ("B0825", "patient.amend"):
        assert suspended.ask(of_application(name, "old-system")).verdict == "deny suspended"
        assert suspended.ask(of_application(name, "new-system")).effect == "permit"
        assert suspended.ask(neutral(name)).effect == "permit"
