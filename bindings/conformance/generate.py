#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the decisions that every binding must give, always the same ones.

    generate.py OUT                 requests and expected answers for every policy of this repository
    generate.py OUT --count 500     fewer than 10,000 in all
    generate.py --cases FOLDER      renews tests/cases

OUT has then a folder for each policy, with

    policy          the path of the policy's folder, from the root of the repository
    policy.nrb      the same, compiled
    requests.jsonl  a request a line, each with context.time
    expected.jsonl  what `nrbac check POLICY - --stream --format json` answers, line by line

and `OUT/policies` lists the folders. What is asked depends on the policy's own names and on the seed, on nothing else.
"""
import argparse
import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NRBAC = Path(os.environ.get("NRBAC") or ROOT / "build/bin/nrbac").resolve()
SEED = 20261123
TIME, NOW = "2026-11-23T09:00:00Z", 1795424400
HOUR = 3600

# How many of 10,000 requests go to which policy; the rest is shared by the policies of the security patterns.
SHARES = {"national": 3000, "nhs-apis": 2000, "gp-practice": 1000, "community-pharmacy": 1000, "vaccination-team": 1000, "own-rbac": 1000}
CASES = {"national": 40, "gp-practice": 40, "nhs-apis": 60, "own-rbac": 40, "cis2-separate": 40}

ORGANISATIONS = ["RBA", "Y51", "A81001", "A81001", "FA123", "FFFFF"]
WAYS = ["api-key", "signed-jwt", "tls-ma"]
PATTERNS = ["open-access", *(f"application-restricted/{way}" for way in WAYS), "user-restricted/cis2-separate",
            "user-restricted/cis2-combined", "user-restricted/hl7v3-cis2", "user-restricted/hl7v3-cis",
            "user-restricted/nhs-login-separate", "user-restricted/nhs-login-combined"]
PATIENTS = ["9912003071", "9912003073"]
NOBODYS = ["B9999", "no.such", "local:nothing", "B0820 ", "Zoë", "b0820"]  # names that no policy has


class Names:
    """The names of a policy, from its dump."""

    def __init__(self, folder):
        self.by_kind = {kind: [] for kind in ("activity", "role", "area", "function", "application")}
        self.operations = []  # (api, operation)
        for line in run("dump", folder).decode().splitlines():
            kind, _, rest = line.partition(" ")
            name = rest.split(" ")[0]
            if kind in self.by_kind:
                self.by_kind[kind].append(name)
            elif kind == "api":
                api = name
            elif line.startswith("  operation "):
                self.operations.append((api, line.split()[1]))


class Asker:
    """Draws requests for one policy."""

    def __init__(self, seed, folder):
        self.rng = random.Random(f"{seed} {folder.name}")
        self.names = Names(folder)
        self.subjects = [json.loads(path.read_text()) for path in sorted(folder.glob("subjects/*.json"))]

    def chance(self, share):
        return self.rng.random() < share

    def some(self, items, most):
        return self.rng.sample(items, min(len(items), self.rng.randint(0, most)))

    # -- who ------------------------------------------------------------------------------------------------------

    def role(self):
        if self.chance(0.03):
            return self.rng.choice(["R9999", "nonsense", "", None])
        # Few roles have most of the baseline: half of the time one of them.
        common = [role for role in ("R8000", "R8001", "R8003", "R8008", "R0260", "R0001") if role in self.names.by_kind["role"]]
        role = self.rng.choice(common) if common and self.chance(0.5) else self.rng.choice(self.names.by_kind["role"] or ["R8000"])
        return f"S8000:G8000:{role}" if self.chance(0.3) else role

    def activities(self):
        held = self.some(self.names.by_kind["activity"], self.rng.choice([1, 8, 110]))
        if self.wanted in self.names.by_kind["activity"] and self.wanted not in held and self.chance(0.35):
            held.append(self.wanted)
        return held + (["B9999"] if self.chance(0.05) else [])

    def organisation(self):
        """Mostly the same one in all places of a request."""
        return self.here if self.chance(0.9) else self.rng.choice(ORGANISATIONS)

    def choice(self):
        """A role profile that somebody chose: mostly one that there is."""
        return self.rng.choices(["501", "502", "999", ""], [12, 4, 1, 1])[0]

    def level(self, least, most):
        level = most if self.chance(0.6) else self.rng.randint(least, most)
        if self.chance(0.005):
            return self.rng.choice([7, -1, "high", 2.5, [], True])
        return str(level) if self.chance(0.3) else level

    def profile(self):
        profile = {"id": "1001", "role": self.role(), "organisation": self.organisation(),
                   "areas_of_work": self.some(self.names.by_kind["area"], 2), "activities": self.activities(),
                   "workgroups": self.some(["11", "150210428105"], 2)}
        for member in list(profile):
            if self.chance(0.02):
                del profile[member]
        properties = {"profile": profile}
        if self.chance(0.7):
            properties["aal"] = self.level(1, 3)
        if self.chance(0.7):
            properties["ial"] = self.level(0, 3)
        return {"type": "healthcare-worker", "properties": properties}

    def cis2(self):
        roles = []
        for number in range(self.rng.choices([0, 1, 2, 3], [1, 20, 4, 2])[0]):
            role = {"person_orgid": "9000", "person_roleid": f"50{number + 1}", "org_code": self.organisation(),
                    "role_name": '"A":"B":"C"', "role_code": self.role(), "activity_codes": self.activities()}
            if self.chance(0.3):
                role["aow_codes"] = self.some(self.names.by_kind["area"], 2)
            roles.append(role)
        userinfo = {"sub": "910000000001", "nhsid_useruid": "910000000001", "name": "Zoë O’Test", "nhsid_nrbac_roles": roles}
        properties = {"userinfo": userinfo}
        if self.chance(0.7):
            token = {"sub": "910000000001" if self.chance(0.97) else "910000000002"}
            if self.chance(0.9):
                token["authentication_assurance_level"] = self.level(1, 3)
            if self.chance(0.9):
                token["id_assurance_level"] = self.level(0, 3)
            if self.chance(0.2):
                token["exp"] = NOW + self.rng.choice([-HOUR, HOUR, HOUR])
            if self.chance(0.2):
                token["selected_roleid"] = self.choice()
            properties["id_token"] = token
        if self.chance(0.4):
            properties["role_profile"] = self.choice()
        return {"type": "healthcare-worker", "id": "910000000001", "properties": properties}

    def saml(self):
        roles = []
        for number in range(self.rng.randint(1, 2)):
            roles.append({"nhsIdCode": self.organisation(), "o": "A TRUST", "nhsJobRole": '"A":"B":"C"',
                          "nhsJobRoleCode": self.role() or "R8000", "uniqueIdentifier": f"50{number + 1}",
                          "nhsBusinessFunctionsCodes": self.activities()})
        attributes = {"cn": "TEST", "uid": "910000000001", "ssbSessionRoleUid": self.choice(),
                      "ssbMode": "1" if self.chance(0.05) else "0", "roles": roles}
        return {"type": "healthcare-worker", "id": "910000000001", "properties": {"saml": attributes}}

    def patient(self):
        claims = {"sub": "login-1", "nhs_number": self.rng.choice(PATIENTS), "identity_proofing_level": self.rng.choice(["P0", "P5", "P9", "P7"])}
        if self.chance(0.1):
            claims["act"] = {"sub": "9912003888"}
        return {"type": "patient", "properties": {"nhs_login": claims}}

    def broken(self):
        profile = {"role": "R8000", "organisation": "RBA"}
        return self.rng.choice([
            {}, {"type": "healthcare-worker"}, {"type": "robot", "properties": {"profile": profile}}, {"type": 7, "properties": {}},
            {"type": "healthcare-worker", "properties": {"profile": profile, "userinfo": {}}},
            {"type": "healthcare-worker", "properties": {"profile": "R8000"}},
            {"type": "healthcare-worker", "properties": {"profile": {**profile, "activities": "B0820"}}},
            {"type": "healthcare-worker", "id": "someone-else", "properties": {"userinfo": {"sub": "1", "nhsid_nrbac_roles": []}}}])

    def subject(self):
        ways = [(40, self.profile), (25, self.cis2), (10, self.saml), (10, self.patient), (3, self.broken), (4, lambda: None)]
        if self.subjects:
            ways.append((8, lambda: json.loads(json.dumps(self.rng.choice(self.subjects)))))
        return self.rng.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()

    # -- what -----------------------------------------------------------------------------------------------------

    def name(self):
        """An activity or function; now and then one that the policy does not have."""
        kinds = [kind for kind in ("activity", "function") if self.names.by_kind[kind]]
        return self.rng.choice(NOBODYS) if self.chance(0.04) else self.rng.choice(self.names.by_kind[self.rng.choice(kinds)])

    def of_function(self, request):
        request["action"] = {"name": self.wanted}
        request["resource"] = {"type": "application", "id": "gp-system"}
        if self.chance(0.02):
            request["action"] = self.rng.choice([{}, None, {"name": 7}, {"name": None}, "B0820"])

    def of_api(self, request):
        api, operation = self.rng.choice(self.names.operations)
        if self.chance(0.05):
            operation = self.rng.choice(["no-such", self.rng.choice(self.names.operations)[1]])
        request["action"] = {"name": operation}
        request["resource"] = {"type": "api", "id": api if self.chance(0.97) else "no-such"}
        if self.chance(0.5):
            request["resource"]["properties"] = {"nhs_number": self.rng.choice(PATIENTS)}
        context = request["context"]
        if self.chance(0.95):
            known = self.names.by_kind["application"]
            context["application"] = {"id": self.rng.choice(known) if known and self.chance(0.95) else "unknown-system"}
            if self.chance(0.95):
                context["application"]["authenticated_by"] = self.rng.choice([*WAYS, *["signed-jwt"] * 4])
        if self.chance(0.15):
            context["authentication"] = {"pattern": self.rng.choice(PATTERNS)}
        if self.chance(0.3):
            context["acting_as"] = self.rng.choice(["REFERRING_CLINICIAN", "SERVICE_PROVIDER_CLINICIAN_ADMIN", "NOBODY"])
        if self.chance(0.2):
            context["on_behalf_of"] = "021600556514"

    def request(self):
        self.here = self.rng.choice(ORGANISATIONS)
        self.wanted = self.name()
        request = {"context": {"time": TIME}}
        subject = self.subject()
        if subject is not None:
            request["subject"] = subject
        if self.chance(0.6):
            request["context"]["organisation"] = self.organisation()
        if self.names.operations and self.chance(0.7):
            self.of_api(request)
        else:
            self.of_function(request)
        return request


def run(*arguments, stdin=b""):
    """What the command prints."""
    done = subprocess.run([str(NRBAC), *[str(one) for one in arguments]], input=stdin, capture_output=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit(f"generate.py: nrbac {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr.decode()}")
    return done.stdout


def policies():
    """The policies of the repository: a policy is where a policy.yaml is."""
    return sorted(path.parent.relative_to(ROOT) for path in (ROOT / "policy").rglob("policy.yaml"))


def line(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def requests(seed, folder, count):
    asker = Asker(seed, ROOT / folder)
    return [asker.request() for _ in range(count)]


def answers(policy, asked):
    return run("check", policy, "-", "--stream", "--format", "json", stdin="".join(map(line, asked)).encode())


def counts(total):
    """How many requests each policy gets of `total`."""
    others = [folder.name for folder in policies() if folder.name not in SHARES]
    share = {**SHARES, **{name: (10000 - sum(SHARES.values())) // len(others) for name in others}}
    wanted = {name: max(1, part * total // 10000) for name, part in share.items()}
    wanted["national"] += max(0, total - sum(wanted.values()))
    return wanted


def generate(out, seed, total):
    wanted = counts(total)
    out.mkdir(parents=True, exist_ok=True)
    for folder in policies():
        here = out / folder.name
        here.mkdir(exist_ok=True)
        run("compile", folder, "-o", here.resolve() / "policy.nrb")
        asked = requests(seed, folder, wanted[folder.name])
        (here / "policy").write_text(f"{folder}\n")
        (here / "requests.jsonl").write_text("".join(map(line, asked)))
        (here / "expected.jsonl").write_bytes(answers(here.resolve() / "policy.nrb", asked))
    (out / "policies").write_text("".join(f"{folder.name}\n" for folder in policies()))


def varied(pairs, count):
    """The first pair of each reason, with obligations and without, then the second of each, and so on."""
    met = {}
    for pair in pairs:
        context = pair["answer"]["context"]
        met.setdefault((context["reason"], bool(context["obligations"])), []).append(pair)
    turns = itertools.zip_longest(*met.values())
    return [pair for turn in turns for pair in turn if pair is not None][:count]


def renew_cases(out, seed):
    out.mkdir(parents=True, exist_ok=True)
    for folder in policies():
        if folder.name not in CASES:
            continue
        asked = requests(f"{seed} cases", folder, 20 * CASES[folder.name])
        answered = [json.loads(text) for text in answers(folder, asked).splitlines()]
        pairs = [{"request": request, "answer": answer} for request, answer in zip(asked, answered, strict=True)]
        chosen = varied(pairs, CASES[folder.name])
        (out / f"{folder.name}.jsonl").write_text(line({"policy": str(folder)}) + "".join(map(line, chosen)))


def main():
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("out", nargs="?", type=Path)
    reader.add_argument("--cases", type=Path)
    reader.add_argument("--seed", type=int, default=SEED)
    reader.add_argument("--count", type=int, default=10000)
    given = reader.parse_args()
    if (given.out is None) == (given.cases is None):
        reader.error("give OUT or --cases FOLDER")
    if given.cases is not None:
        renew_cases(given.cases, given.seed)
    else:
        generate(given.out, given.seed, given.count)


if __name__ == "__main__":
    main()
