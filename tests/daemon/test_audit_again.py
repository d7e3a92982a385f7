# SPDX-License-Identifier: Apache-2.0
"""What a daemon recorded is listed, verified, explained and decided again by `nrbac audit`, also while it records."""
import json
import random
import time

import pytest
from support.command import run
from support.policy import text_of
from support.requests import cis2, neutral, nrbac_role
from support.small import FUNCTIONS

NAMES = ["B0820", "B0825", "B0360", "B8029", "patient.amend", "alerts", "pds.amend", "no.such", "B9999"]
OTHER = FUNCTIONS + """
suspend: [{ activity: B0825, reason: incident }]
"""


def a_patient(name, asked):
    return {"subject": {"type": "patient", "properties": {"nhs_login": {"nhs_number": "9000000009", "identity_proofing_level": "P9"}}},
            "action": {"name": name}, "resource": {"type": "record", "properties": {"nhs_number": asked}}}


def somebody(dice, name):
    """Of all that a request may be, something."""
    kind = dice.randrange(8)
    role = dice.choice(["R8000", "R8001", "R8008", "E1005", "local:locum-lead", "R9999", None])
    if kind == 0:
        return a_patient(name, dice.choice(["9000000009", "9000000017", ""]))
    if kind == 1:
        return cis2(name, [nrbac_role("1", "R8000"), nrbac_role("2", "R8001")], role_profile=dice.choice(["1", "2", "3", None]))
    if kind == 2:
        return {"action": {"name": name}, "subject": {"type": "robot"}}
    if kind == 3:
        return {"action": {"name": name}}
    beside = {"aal": dice.randrange(4)} if kind == 4 else {}
    return neutral(name, role=role, activities=dice.sample(["B0015", "B0058", "B7777"], dice.randrange(3)),
                   organisation=dice.choice(["RBA", "Y51", "FFFFF"]), asked=dice.choice([None, "RBA", "Y51"]), **beside)


def replayed(path, *options):
    result = run("audit", "replay", path, "--format", "json", *options)
    told = result.json()
    assert told["unreadable"] == told["without_policy"] == 0
    return told


@pytest.mark.parametrize("patients", ["none", "named", "plain"])
@pytest.mark.parametrize("trusting", [False, True])
def test_a_daemons_decisions_are_decided_again_the_same(daemons, policy, tmp_path, patients, trusting):
    """Under reloads, revocation, sessions that end, and whatever a request may be."""
    made = policy(FUNCTIONS)
    path = tmp_path / "trail"
    config = tmp_path / "config.yaml"
    config.write_text(f"trust_request_time: {str(trusting).lower()}\n")
    running = daemons.start(made.path, "--audit", path, "--audit-patients", patients, "--config", config)
    client = running.client()
    dice = random.Random(7)
    for i in range(300):
        client.call("evaluate", somebody(dice, dice.choice(NAMES)))
        opened = client.call("open", {key: value for key, value in somebody(dice, "B0820").items() if key != "action"})
        session = opened.get("session")
        if session is not None:
            for name in dice.sample(NAMES, 4):
                client.call("check", session, name)
            if i % 10 == 0:
                client.call("revoke", {"sub": "910000000001"})
                client.call("check", session, "B0820")
        if i % 50 == 0:
            (made.path / "policy.yaml").write_bytes(text_of(OTHER if i % 100 == 0 else FUNCTIONS))
            client.call("reload")
    assert run("audit", "verify", path).status == 0
    told = replayed(path)  # while the daemon has it open
    assert told["changed"] == 0 and told["replayed"] > 500
    assert set(told["not_of_policy"]) <= {"malformed-request", "session-revoked"}
    assert running.stop() == 0
    assert replayed(path)["changed"] == 0 and run("audit", "verify", path).status == 0
    again = replayed(path, "--policy", str(policy(FUNCTIONS, "candidate").path))
    assert 0 < again["changed"] < again["replayed"]
    assert ("9000000009" in run("audit", "export", path, quiet=True).out) is (patients == "plain")


def test_a_session_that_ends_by_its_evidence_ends_again(daemons, policy, tmp_path):
    path = tmp_path / "trail"
    client = daemons.start(policy(FUNCTIONS).path, "--audit", path).client()
    ending = cis2(None, [nrbac_role("1", "R8000")], id_token={"exp": int(time.time()) + 2}, time=None)
    session = client.open(ending)
    reasons = []
    while not reasons or reasons[-1] != "evidence-expired":
        reasons.append(client.call("check", session, "B0820")[1])
        time.sleep(0.01)
    assert reasons[0] == "granted-by-baseline"
    assert replayed(path)["changed"] == 0
    listed = run("audit", "list", path, "--reason", "evidence-expired", "--format", "json").json_lines()
    assert len(listed) == 1
    shown = run("audit", "show", path, str(listed[0]["seq"]), "--format", "json").json()
    assert shown["same"] and shown["answer"]["context"]["reason"] == "evidence-expired"


def test_what_the_daemon_answered_is_what_show_explains(daemons, policy, tmp_path):
    path = tmp_path / "trail"
    client = daemons.start(policy(FUNCTIONS).path, "--audit", path).client()
    answers = [client.call("explain", somebody(random.Random(n), NAMES[n % len(NAMES)])) for n in range(40)]
    records = run("audit", "list", path, "--event", "evaluate", "--format", "json").json_lines()
    assert len(records) == len(answers)
    for record, answer in zip(records, answers):
        shown = run("audit", "show", path, str(record["seq"]), "--format", "json", quiet=True).json()
        if record["reason"] == "malformed-request":
            continue
        now = shown["answer"]
        now["context"]["policy"]["generation"] = answer["context"]["policy"]["generation"]
        assert json.dumps(now, sort_keys=True) == json.dumps(answer, sort_keys=True)
