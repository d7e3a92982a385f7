# SPDX-License-Identifier: Apache-2.0
"""What `validate` says of baselines, compared with the rules as sets on small policies drawn at random.

national-uplift: a national role has, in some area of work, a national activity that the extended policy alone does not give it.
exclusive-baseline: a role has two codes of a set by its baseline. redundant-grant: the policy itself makes a grant again.
"""
import random
import re

import pytest

NATIONAL = [f"B{number:04}" for number in range(6)]
LOCAL = [f"local:a{number}" for number in range(3)]
ROLES = ["R0001", "R0002"]
AREAS = ["local:w1", "local:w2"]


class Drawn:
    """A national policy, one that extends it, and what follows from them."""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.includes = {code: [other for other in NATIONAL[index + 1:] if draw.random() < 0.2]
                         for index, code in enumerate(NATIONAL)}
        self.includes |= {code: [other for other in LOCAL[index + 1:] + NATIONAL if draw.random() < 0.25]
                          for index, code in enumerate(LOCAL)}
        if draw.random() < 0.2:  # what the national policy names, the local one declares
            self.includes[NATIONAL[0]].append(LOCAL[2])
            self.includes[LOCAL[2]] = [other for other in NATIONAL[3:] if draw.random() < 0.5]
        self.national = self.entries(draw, ROLES, NATIONAL)
        self.local = self.entries(draw, ROLES + ["local:r1"], NATIONAL + LOCAL)
        self.exclusive = draw.sample(NATIONAL + LOCAL, 3)

    @staticmethod
    def entries(draw, roles, activities):
        return [(draw.sample(roles, draw.randint(1, len(roles))), draw.sample(AREAS, draw.randint(0, 2)),
                 draw.sample(activities, draw.randint(1, 3))) for _ in range(draw.randint(0, 3))]

    def held(self, entries, role, area, known):
        waiting = [code for roles, areas, codes in entries if role in roles and (not areas or area in areas) for code in codes]
        held = set()
        while waiting:
            code = waiting.pop()
            if code in known and code not in held:
                held.add(code)
                waiting += self.includes[code]
        return held

    def full(self, role, area):
        return self.held(self.national + self.local, role, area, NATIONAL + LOCAL)

    def gained(self, role, area):
        return self.full(role, area) & set(NATIONAL) - self.held(self.national, role, area, NATIONAL)

    def uplifts(self):
        """Each role and area; what a role gains everywhere is told once."""
        found = {(role, "") for role in ROLES if self.gained(role, None)}
        return found | {(role, area) for role in ROLES for area in AREAS if self.gained(role, area) - self.full(role, None)}

    def conflicts(self):
        return {role for role in ROLES + ["local:r1"] for area in [None] + AREAS
                if len(self.full(role, area) & set(self.exclusive)) > 1}

    def is_redundant(self):
        made = {grant for entry in self.national for grant in grants(entry)}
        for entry in self.local:
            if made & set(grants(entry)):
                return True
            made |= set(grants(entry))
        return False

    def files(self):
        return {"national/policy.yaml": 'nrbac: 1\npolicy: { name: national, version: "1" }\n' + self.declare(NATIONAL)
                + "job_roles: { R0001: {}, R0002: {} }\nareas_of_work: { local:w1: {}, local:w2: {} }\n" + baseline(self.national),
                "local/policy.yaml": 'nrbac: 1\npolicy: { name: local, version: "1", extends: [../national] }\n' + self.declare(LOCAL)
                + "job_roles: { local:r1: {} }\n" + baseline(self.local)
                + f"exclusive:\n  - {{ name: set, activities: [{', '.join(self.exclusive)}] }}\n"}

    def declare(self, codes):
        return "activities:\n" + "".join(f"  {code}: {{ includes: [{', '.join(self.includes[code])}] }}\n" for code in codes)


def grants(entry):
    roles, areas, codes = entry
    return [(role, area, code) for role in roles for area in areas or [None] for code in codes]


def baseline(entries):
    lines = [f"  - {{ roles: [{', '.join(roles)}], activities: [{', '.join(codes)}]"
             + (f", areas_of_work: [{', '.join(areas)}]" if areas else "") + " }\n" for roles, areas, codes in entries]
    return "baseline:\n" + "".join(lines) if lines else ""


@pytest.mark.parametrize("seed", range(60))
def test_baselines_are_judged_as_the_rules_say(policy, seed):
    drawn = Drawn(seed)
    written = policy(drawn.files())
    written.path = written.path / "local"
    said = written.validate().all
    assert set(re.findall(r"national job role `([^`]+)`(?: in `([^`]+)`)? gains", said)) == drawn.uplifts()
    assert set(re.findall(r"error\[P027\]: job role `([^`]+)`", said)) == drawn.conflicts()
    assert ("(redundant-grant)" in said) == drawn.is_redundant()


def test_what_was_drawn_shows_every_mistake():
    every = [Drawn(seed) for seed in range(60)]
    for judge in (Drawn.uplifts, Drawn.conflicts, Drawn.is_redundant):
        assert 5 < sum(bool(judge(drawn)) for drawn in every) < 60
