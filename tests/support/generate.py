# SPDX-License-Identifier: Apache-2.0
"""Random small policies and profiles, sound by construction, always the same for the same seed."""
import itertools

import yaml

from .oracle import Oracle
from .policy import write

ROLES = ["R0010", "R0020", "R0030", "local:helper"]
AREAS = ["P0010:Q0010:T0010", "P0010:Q0010:T0020", "P0020:Q0020:T0020"]
WORKGROUPS = ["11", "22"]
ORGANISATIONS = ["RBA", "Y51"]


class Generator:
    """Draws from one random source."""

    def __init__(self, rng, size=(5, 13), exclusive=True, plain=False):
        self.rng = rng
        self.size = size
        self.exclusive = exclusive
        self.plain = plain

    def some(self, items, least=0, most=3):
        items = list(items)
        return self.rng.sample(items, min(len(items), self.rng.randint(least, most)))

    # -- policies ---------------------------------------------------------------------------------------------------

    def policy(self):
        codes = sorted(f"B{number:04}" for number in self.rng.sample(range(1, 9999), self.rng.randint(*self.size)))
        if self.rng.random() < 0.3:
            codes[-1] = "local:LAST"
        self.activities = self.draw_activities(codes)
        self.usable = [code for code in codes
                       if self.activities[code].get("status") != "obsolete" or "replaced_by" in self.activities[code]]
        self.areas = AREAS[:self.rng.randint(1, 3)]
        self.roles = ROLES[:self.rng.randint(2, 4)]
        policy = {
            "nrbac": 1,
            "policy": {"name": "random", "version": "1", "provenance": "local"},
            "activities": self.activities,
            "job_roles": {role: {"name": f"Role {role}"} for role in self.roles},
            "areas_of_work": {area: {"name": f"Area {number}"} for number, area in enumerate(self.areas)},
            "baseline": [self.draw_entry() for _ in range(self.rng.randint(1, 6))],
            "obligations": {"first-duty": {"name": "First duty"}, "second-duty": {"name": "Second duty"}},
        }
        if self.exclusive:
            policy["exclusive"] = self.draw_exclusive(policy)
        self.role_in_atoms = self.rng.choice(self.roles)
        policy["functions"] = {}
        for number in range(self.rng.randint(1, 4)):
            policy["functions"][f"function.{number}"] = self.draw_function(policy, number)
        return policy

    def draw_activities(self, codes):
        activities = {}
        for place, code in enumerate(codes):
            later = codes[place + 1:]
            entry = {"name": f"Activity {place}"}
            fate = 1.0 if self.plain else self.rng.random()
            if fate < 0.07:
                entry["status"] = "legacy"
            elif fate < 0.14:
                entry["status"] = "obsolete"
            elif fate < 0.24 and later:
                entry.update(status="obsolete", replaced_by=self.rng.choice(later))
            if later and "replaced_by" not in entry and self.rng.random() < 0.6:
                entry["includes"] = self.some(later, 1, 3)
            activities[code] = entry
        for entry in activities.values():
            if activities.get(entry.get("replaced_by"), {}).get("status") == "obsolete":
                del entry["replaced_by"]
        for entry in activities.values():
            self.include_each_once(entry, activities)
        return activities

    @staticmethod
    def include_each_once(entry, activities):
        """Two names for one included code would be the same edge twice."""
        meant = {}
        for child in entry.get("includes", []):
            meant.setdefault(activities[child].get("replaced_by", child), child)
        if meant:
            entry["includes"] = list(meant.values())

    def draw_entry(self):
        entry = {"roles": self.some(self.roles, 1, 2)}
        if self.rng.random() < 0.4:
            entry["areas_of_work"] = self.some(self.areas, 1, 2)
        entry["activities"] = self.some(self.usable, 1, 3)
        return entry

    def draw_exclusive(self, policy):
        """Sets that no baseline breaks by itself, and no code of which includes another."""
        oracle = Oracle(policy)
        sets = []
        for number in range(self.rng.randint(0, 2)):
            active = [code for code, entry in self.activities.items() if entry.get("status") != "obsolete"]
            chosen = self.some(active, 2, 4)
            everything = [oracle.effective({"role": role, "areas_of_work": self.areas}) for role in self.roles]
            nested = any(oracle.closure([code]) & set(chosen) != {code} for code in chosen)
            if len(chosen) < 2 or nested or any(len(held & set(chosen)) > 1 for held in everything):
                continue
            sets.append({"name": f"set-{number}", "activities": chosen,
                         "on_conflict": self.rng.choice(["deny", "warn", "prefer-first"])})
        return sets

    # -- requirements -----------------------------------------------------------------------------------------------

    def draw_function(self, policy, number):
        oracle = Oracle(policy)
        while True:
            function = {"name": f"Function {number}", "require": self.draw_requirement(0)}
            if self.rng.random() < 0.2:
                function["obligations"] = ["second-duty"]
            if any(self.possible(oracle, alternative) for alternative in alternatives(function["require"])):
                return function

    @staticmethod
    def possible(oracle, atoms):
        """Whether somebody could meet all of these atoms: exclusive sets may stand against it."""
        wanted = {oracle.real(atom["activity"]) for atom in atoms if "activity" in atom}
        held = oracle.closure(wanted)
        return wanted <= held and not wanted & oracle.removed(held)

    def draw_requirement(self, depth):
        if depth < 3 and self.rng.random() < (0.8 if depth == 0 else 0.4):
            return {self.rng.choice(["all", "any"]): [self.draw_requirement(depth + 1) for _ in range(self.rng.randint(2, 3))]}
        draw = self.rng.random()
        if draw < 0.55:
            return self.rng.choice(self.usable)
        if draw < 0.7:
            return {"activity": self.rng.choice(self.usable), "obligations": self.some(["first-duty", "second-duty"], 1, 2)}
        return self.rng.choice([
            {"aal": self.rng.randint(1, 3)}, {"ial": self.rng.randint(1, 3)}, {"organisation": "request"},
            {"organisation": "RBA"}, {"role": self.role_in_atoms}, {"workgroup": "11"},
            {"area_of_work": self.rng.choice(self.areas)}])

    # -- profiles ---------------------------------------------------------------------------------------------------

    def profile(self):
        roles = self.roles if self.rng.random() < 0.9 else ["R9999"]
        activities = self.some(self.activities, 0, 4)
        if self.rng.random() < 0.1:
            activities.append("B0000")
        profile = {"id": "1", "role": self.rng.choice(roles), "areas_of_work": self.some(self.areas, 0, 2),
                   "activities": activities, "workgroups": self.some(WORKGROUPS, 0, 2)}
        organisation = self.rng.choices([*ORGANISATIONS, "FFFFF", None], [6, 3, 1, 1])[0]
        if organisation is not None:
            profile["organisation"] = organisation
        return profile

    def circumstances(self):
        """What the request says beside the profile."""
        return {"asked": self.rng.choices([None, "RBA", "Y51", "FFFFF"], [5, 4, 1, 0.3])[0],
                "aal": self.rng.choice([None, 1, 2, 3, 3]), "ial": self.rng.choice([None, 1, 2, 3, 3])}


def alternatives(need):
    """Every way to meet a requirement, as lists of atoms."""
    if isinstance(need, str):
        return [[{"activity": need}]]
    if "any" in need:
        return [one for part in need["any"] for one in alternatives(part)]
    if "all" in need:
        ways = itertools.product(*(alternatives(part) for part in need["all"]))
        return [list(itertools.chain.from_iterable(way)) for way in ways]
    return [[need]]


def write_policy(directory, policy):
    text = yaml.safe_dump(policy, sort_keys=False, default_flow_style=None, width=200)
    return write(directory, {"policy.yaml": text})
