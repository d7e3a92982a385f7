# SPDX-License-Identifier: Apache-2.0
"""The configuration: schema/config.schema.json says what the daemon takes, neither more nor less."""
import json
import os
import subprocess
import sys

import jsonschema
import pytest
from support.paths import ROOT
from support.requests import neutral
from support.rpc import Client, Closed, RpcError, until
from support.small import SMALL

SCHEMA = json.loads((ROOT / "schema/config.schema.json").read_text())
NUMBERS = {key: rule for key, rule in SCHEMA["properties"].items() if "minimum" in rule}
LIMITS = {key: rule for key, rule in NUMBERS.items() if key not in ("stale_seconds", "threads", "audit_flush_ms", "audit_keep_days")}      # as hello tells them


def short(key):
    """A limit's name in `hello`."""
    return key.removeprefix("max_")


@pytest.fixture
def served(policy):
    return policy(SMALL).path


@pytest.fixture
def config(daemons):
    def write(text):
        path = daemons.folder / "config.yaml"
        path.write_text(text)
        return path
    return write


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_everything_may_stand_in_the_configuration(daemons, served, config):
    path = daemons.new_path()
    (daemons.folder / "evidence.yaml").write_text("nrbac-evidence: 1\n")
    text = {"policy": str(served), "socket": str(path), "unsafe_no_audit": True, "allow_example": True, "takeover": True, "policy_root": "/", "socket_mode": "0600",
            "trust_request_time": True, "trust_applications": True, "evidence": str(daemons.folder / "evidence.yaml"), "gateways": ["root", 12345],
            "applications": {"gp": {"peer": {"uid": 0}}}, "reload_users": ["root", 12345],
            "attach_users": ["root", 12345], "publish_to": str(daemons.folder / "table"), **{key: rule["default"] + 1 for key, rule in NUMBERS.items()}}
    jsonschema.validate(text, SCHEMA)
    del text["unsafe_no_audit"]
    text.update({"audit": str(daemons.folder / "trail.db"), "audit_durability": "batched", "audit_key": str(daemons.folder / "key"),
                 "audit_checkpoints": str(daemons.folder / "checkpoints"), "audit_patients": "named"})
    jsonschema.validate(text, SCHEMA)
    assert set(text) | {"unsafe_no_audit"} == set(SCHEMA["properties"])
    running = daemons.spawn("--config", config(json.dumps(text)), path=path)
    running.wait_until_ready()
    assert path.stat().st_mode & 0o777 == 0o600
    told = running.client().call("hello")["limits"]
    assert told == {short(key): rule["default"] + 1 for key, rule in LIMITS.items()}


def test_the_defaults_are_those_of_the_schema(daemons, served):
    assert daemons.start(served).client().call("hello")["limits"] == {short(key): rule["default"] for key, rule in LIMITS.items()}


def test_an_option_counts_more_than_the_configuration(daemons, served, config):
    running = daemons.start(served, "--config", config("max_depth: 9\nmax_batch: 3\n"), "--max-depth", "11")
    told = running.client().call("hello")["limits"]
    assert (told["depth"], told["batch"]) == (11, 3)


@pytest.mark.parametrize("key", sorted(NUMBERS))
def test_a_number_has_the_bounds_of_the_schema(daemons, served, config, key):
    option = "--" + key.replace("_", "-")
    for number in (NUMBERS[key]["minimum"] - 1, NUMBERS[key]["maximum"] + 1):
        for given in (("--config", config(f"{key}: {number}\n")), (option, number)):
            status, said = daemons.refused("--policy", served, "--socket", daemons.new_path(), "--unsafe-no-audit", *given)
            assert status == 2 and (key in said or option in said)


@pytest.mark.parametrize("text, word", [("no_such_key: 1\n", "no_such_key"), ("polcy: x\n", "did you mean `policy`"), ("- a list\n", "mapping"),
                                        ("socket_mode: \"0999\"\n", "0999"), ("reload_users: [no-such-user-anywhere]\n", "no-such-user-anywhere"),
                                        ("reload_users: [65534]\n", "65534"),
                                        ("attach_users: [65534]\n", "65534"), ("attach_users: gp\n", "attach_users"), ("unsafe_no_audit: perhaps\n", "unsafe_no_audit"), ("{", "yaml:")])
def test_a_mistake_is_shown_at_its_place_and_ends_with_2(daemons, served, config, text, word):
    status, said = daemons.refused("--policy", served, "--socket", daemons.new_path(), "--unsafe-no-audit", "--config", config(text))
    assert status == 2
    assert "config.yaml:" in said and word in said


def test_a_trail_and_none_cannot_both_be_meant(daemons, served):
    status, said = daemons.refused("--policy", served, "--socket", daemons.new_path(), "--audit", "trail.db", "--unsafe-no-audit")
    assert status == 2 and "cannot both be meant" in said


AS_USER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from support.rpc import Client, RpcError
uid = int(sys.argv[3])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
with Client(sys.argv[2]) as client:
    try:
        print(client.wait(client.post("reload"))["generation"])
    except RpcError as error:
        print(error.code)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_who_may_reload_is_configured(daemons, served, config):
    running = daemons.start(served, "--config", config("reload_users: [12345]\n"))
    running.socket.chmod(0o666)

    def reload_as(uid):
        done = subprocess.run([sys.executable, "-c", AS_USER, str(ROOT / "tests"), str(running.socket), str(uid)], capture_output=True,
                              text=True, timeout=30, check=True)
        return done.stdout.strip()
    assert [reload_as(uid) for uid in (12345, 12346, 65534)] == ["2", "not-allowed", "not-allowed"]


# Limits at work.

def test_a_connection_too_many_is_told_so_and_the_others_stay(daemons, served):
    running = daemons.start(served, "--max-connections", 2)
    first = running.client()
    assert until(lambda: first.call("health")["connections"] == 1)
    second, third = running.client(), Client(running.socket)
    message = third.receive()
    assert message[1] is None and message[2]["code"] == "over-limit"
    with pytest.raises(Closed):
        third.receive()
    second.close()
    assert until(lambda: first.call("health")["connections"] == 1)
    assert running.client().evaluate(neutral("B0820")).effect == "permit"


def test_an_idle_connection_is_closed_and_a_busy_one_stays(daemons, served):
    running = daemons.start(served, "--idle-seconds", 1)
    idle, busy = running.client(), running.client()
    idle.send(b"\x94\x00")                      # half a message is no sign of life
    assert until(lambda: busy.call("health")["connections"] == 1, every=0.1)
    with pytest.raises(Closed):
        idle.receive()


def test_what_is_larger_deeper_or_more_than_the_limits_is_over_limit(daemons, served):
    running = daemons.start(served, "--max-message-bytes", 2048, "--max-elements", 100, "--max-depth", 8, "--max-batch", 3, "--max-sessions", 2)
    client = running.client()
    session = client.open(neutral(None))
    client.open(neutral(None))
    assert client.code_of("open", neutral(None)) == "over-limit"
    assert client.code_of("check_many", session, ["B0820"] * 4) == "over-limit"
    assert client.code_of("evaluations", {"evaluations": [{}] * 4}) == "over-limit"
    assert len(client.call("check_many", session, ["B0820"] * 3)) == 3
    for params in (["x" * 2048], [[0] * 100], [[[[[[[[]]]]]]]]):
        with running.client() as other:
            other.post("hello", *params)
            message = other.receive()
            assert message[1] is None and message[2]["code"] == "over-limit"


def test_a_small_window_of_answers_loses_nothing(daemons, served):
    running = daemons.start(served, "--max-in-flight", 1)
    client = running.client()
    numbers = [client.post("evaluate", neutral("B0820")) for _ in range(100)]
    assert all(client.wait(number)["decision"] is True for number in numbers)
    with pytest.raises(RpcError):
        client.call("check", 1, "B0820")
