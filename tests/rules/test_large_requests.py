# SPDX-License-Identifier: Apache-2.0
"""What a request holds costs in proportion to its size, whatever it holds."""
from support.requests import neutral


def test_a_hundred_thousand_workgroups_are_not_looked_through_one_by_one(policy):
    """Two thousand codes bring the activity, each is tried, and each trial asks for forty workgroups."""
    codes = "".join(f"  local:a{n}: {{ name: A{n}, includes: [local:a{n - 1}] }}\n" for n in range(1, 2000))
    groups = ", ".join(f'{{ workgroup: "x{n}" }}' for n in range(40))
    asked = policy("activities:\n  local:a0: { name: A0 }\n" + codes + "job_roles:\n  R8000: { name: A role }\n"
                   f"functions:\n  f: {{ name: F, require: {{ any: [{groups}, local:a0] }} }}\n", show=False)
    many = [str(number) for number in range(100000)]
    assert asked.ask(neutral("f", workgroups=many)).verdict == "deny requirement-not-met"  # within the command's 30 s
    assert asked.ask(neutral("f", workgroups=[*many, "x17"])).verdict == "permit requirement-met"
