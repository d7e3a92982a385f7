# SPDX-License-Identifier: Apache-2.0
"""The rules, slowly: sets and recursion, one profile and one question at a time, from the words of the contract.

It takes the policy as parsed YAML and a profile in the neutral shape. It is written without sight of the engine, so
that the two can be compared.
"""
import itertools

LOCUM = "FFFFF"


def is_activity_name(name):
    return name.startswith("local:") or (len(name) == 5 and name[0] == "B" and name[1:].isdigit())


class Oracle:
    """One policy."""

    def __init__(self, policy):
        self.activities = policy.get("activities", {})
        self.roles = policy.get("job_roles", {})
        self.baseline = policy.get("baseline", [])
        self.functions = policy.get("functions", {})
        self.exclusive = policy.get("exclusive", [])

    # -- codes ------------------------------------------------------------------------------------------------------

    def real(self, code, table=None):
        """A replaced code stands for its replacement wherever it occurs."""
        entry = (self.activities if table is None else table).get(code, {})
        return entry.get("replaced_by", code) if entry.get("status") == "obsolete" else code

    def grants(self, code):
        return self.activities.get(code, {}).get("status") != "obsolete"

    def closure(self, codes):
        """What the codes reach by inclusion. Obsolete codes grant nothing and pass nothing on; unknown ones stand alone."""
        reached = set()
        waiting = [self.real(code) for code in codes]
        while waiting:
            code = waiting.pop()
            if code in reached or not self.grants(code):
                continue
            reached.add(code)
            waiting += [self.real(child) for child in self.activities.get(code, {}).get("includes", [])]
        return reached

    # -- a profile --------------------------------------------------------------------------------------------------

    def by_default(self, profile):
        """Baseline entries add; an entry with areas of work needs one of them on the profile."""
        role = self.real(profile.get("role"), self.roles)
        found = set()
        for entry in self.baseline:
            if role not in [self.real(one, self.roles) for one in entry["roles"]]:
                continue
            areas = entry.get("areas_of_work", [])
            if not areas or set(areas) & set(profile.get("areas_of_work", [])):
                found |= set(entry["activities"])
        return found

    def effective(self, profile, more=()):
        """Before exclusive sets act."""
        return self.closure(self.by_default(profile) | set(profile.get("activities", [])) | set(more))

    def removed(self, effective):
        """What exclusive sets take away: each judges the original closure, and what they take unites."""
        gone = set()
        for rule in self.exclusive:
            held = [code for code in rule["activities"] if code in effective]
            if len(held) < 2:
                continue
            if rule["on_conflict"] == "deny":
                gone |= set(rule["activities"])
            if rule["on_conflict"] == "prefer-first":
                gone |= set(held[1:])
        return gone

    # -- a requirement ----------------------------------------------------------------------------------------------

    def holds(self, need, facts, relaxed=frozenset()):
        """(true or false, the obligations of the alternatives that held)."""
        if isinstance(need, str):
            need = {"activity": need}
        if "all" in need:
            parts = [self.holds(part, facts, relaxed) for part in need["all"]]
            return all(part[0] for part in parts), set().union(*(part[1] for part in parts))
        if "any" in need:
            for part in need["any"]:
                held, obligations = self.holds(part, facts, relaxed)
                if held:
                    return True, obligations
            return False, set()
        if "activity" in need:
            counted = facts["effective"] if "exclusive" in relaxed else facts["effective"] - facts["removed"]
            held = self.real(need["activity"]) in counted
            return held, set(need.get("obligations", [])) if held else set()
        return self.atom(need, facts, relaxed), set()

    def atom(self, need, facts, relaxed):
        profile = facts["profile"]
        if "role" in need:
            meant = self.real(need["role"], self.roles)      # an obsolete code grants nothing, so it meets nothing
            return meant == self.real(profile.get("role"), self.roles) and self.roles.get(meant, {}).get("status") != "obsolete"
        if "area_of_work" in need:
            return need["area_of_work"] in profile.get("areas_of_work", [])
        if "workgroup" in need:
            return str(need["workgroup"]) in profile.get("workgroups", [])
        if "organisation" in need:
            if "organisation" in relaxed:
                return True
            wanted = facts["asked"] if need["organisation"] == "request" else need["organisation"]
            return wanted is not None and facts["acting"] == wanted
        (level,) = need
        if "level" in relaxed:
            return True
        return facts.get(level) is not None and facts[level] >= need[level]

    def atoms(self, need):
        if isinstance(need, str):
            return [{"activity": need}]
        for word in ("all", "any"):
            if word in need:
                return list(itertools.chain.from_iterable(self.atoms(part) for part in need[word]))
        return [need]

    def why_not(self, need, facts):
        """Relax in the contract's order, cumulatively; the first that makes it hold names the reason."""
        atoms = self.atoms(need)
        if self.holds(need, facts, {"level"})[0]:
            missing = [1 for atom in atoms for level in ("aal", "ial") if level in atom and facts.get(level) is None]
            return "assurance-unknown" if missing else "assurance-too-low"
        if self.holds(need, facts, {"level", "organisation"})[0]:
            names_request = any(atom.get("organisation") == "request" for atom in atoms)
            return "organisation-required" if names_request and facts["asked"] is None else "organisation-mismatch"
        if self.holds(need, facts, {"level", "organisation", "exclusive"})[0]:
            return "exclusive-conflict"
        return "requirement-not-met"

    # -- a decision -------------------------------------------------------------------------------------------------

    def decide(self, name, profile, asked=None, aal=None, ial=None, more=()):
        """(effect, reason, obligations) for a profile in force whose evidence is sound."""
        known = self.activities if is_activity_name(name) else self.functions
        if name not in known:
            return ("indeterminate", "unknown-activity", set()) if is_activity_name(name) \
                else ("not-applicable", "unknown-function", set())
        organisation = profile.get("organisation")
        acting = organisation
        if organisation == LOCUM:
            if asked in (None, LOCUM):
                return "deny", "organisation-required", set()
            acting = asked
        elif asked is not None and asked != organisation:
            return "deny", "organisation-mismatch", set()
        effective = self.effective(profile, more)
        facts = {"effective": effective, "removed": self.removed(effective), "profile": profile, "asked": asked,
                 "acting": acting, "aal": aal, "ial": ial}
        return self.of_activity(name, facts) if is_activity_name(name) else self.of_function(name, facts)

    def of_activity(self, name, facts):
        code = self.real(name)
        if code not in facts["effective"]:
            return "deny", "not-granted", set()
        if code in facts["removed"]:
            return "deny", "exclusive-conflict", set()
        by_default = code in self.closure(self.by_default(facts["profile"]))
        return "permit", "granted-by-baseline" if by_default else "granted-by-additional", set()

    def of_function(self, name, facts):
        function = self.functions[name]
        held, obligations = self.holds(function["require"], facts)
        if not held:
            return "deny", self.why_not(function["require"], facts), set()
        return "permit", "requirement-met", obligations | set(function.get("obligations", []))

    # -- the nearest permit -----------------------------------------------------------------------------------------

    def nearest(self, name, profile, **asked):
        """Every inclusion-minimal set of active codes not held that would permit, by brute force, in the contract's order."""
        held = self.effective(profile)
        free = [code for code, entry in self.activities.items()
                if entry.get("status", "active") == "active" and code not in held]
        found = []
        for size in range(1, len(free) + 1):
            for chosen in itertools.combinations(sorted(free), size):
                if any(set(smaller) <= set(chosen) for smaller in found):
                    continue
                if self.decide(name, profile, more=chosen, **asked)[0] == "permit":
                    found.append(chosen)
        added = {chosen: len(self.effective(profile, chosen) - held) for chosen in found}
        return [list(chosen) for chosen in sorted(found, key=lambda chosen: (added[chosen], len(chosen), chosen))]

    def paths(self, name, starts):
        """Every shortest path from one of the starting codes to the asked one."""
        asked = self.real(name)
        shortest = [[code] for code in sorted({self.real(start) for start in starts}) if self.grants(code)]
        while shortest:
            arrived = [path for path in shortest if path[-1] == asked]
            if arrived:
                return arrived
            shortest = [path + [child] for path in shortest
                        for child in sorted({self.real(one) for one in self.activities.get(path[-1], {}).get("includes", [])})
                        if self.grants(child) and child not in path]
        return []
