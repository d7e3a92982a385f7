# SPDX-License-Identifier: Apache-2.0
"""Who speaks for an application: the kernel says who the peer is, the configuration whose the application is."""
import json
import os
import subprocess
import sys

import jsonschema
import pytest
from support.answers import checked
from support.apis import by_profile, to_api
from support.command import run
from support.paths import ROOT
from support.requests import neutral
from support.small import SMALL

SCHEMA = json.loads((ROOT / "schema/config.schema.json").read_text())
HERE = os.getuid()
STRANGER = "deny application-not-authenticated"

POLICY = SMALL + """
apis:
  all:
    name: All of it
    patterns: [open-access, application-restricted/signed-jwt]
    operations:
      search: { name: Search, patterns: [application-restricted/signed-jwt] }
      look: { name: Look, patterns: [open-access] }
applications:
  gp: { authenticated_by: [signed-jwt], apis: { all: all } }
  pharmacy: { authenticated_by: [signed-jwt], apis: { all: all } }
"""


@pytest.fixture
def serve(daemons, policy):
    """A daemon with this configuration."""
    path = policy(POLICY).path

    def start(**configuration):
        jsonschema.validate(configuration, SCHEMA)
        config = daemons.folder / "config.yaml"
        config.write_text(json.dumps(configuration))
        return daemons.start(path, "--config", config)
    return start


def owned_by(**peer):
    return {"peer": peer}


def verdicts(daemon, *requests):
    with daemon.client() as client:
        return [client.evaluate(request).verdict for request in requests]


def test_without_a_configuration_nobody_is_an_application(serve):
    assert verdicts(serve(), to_api("search"), to_api("look")) == [STRANGER, "permit open-access"]


def test_what_a_caller_says_of_itself_counts_where_the_configuration_says_so(serve):
    assert verdicts(serve(trust_applications=True), to_api("search")) == ["permit application-authorised"]
    assert verdicts(serve(trust_applications=False), to_api("search")) == [STRANGER]


@pytest.mark.parametrize("peer", [{"uid": HERE}, {"user": HERE}, {"gid": os.getgid()}, {"uid": HERE, "gid": os.getgid()}],
                         ids=lambda peer: " and ".join(peer))
def test_the_peer_that_an_application_is_bound_to_speaks_for_it(serve, peer):
    assert verdicts(serve(applications={"gp": owned_by(**peer)}), to_api("search")) == ["permit application-authorised"]


@pytest.mark.parametrize("peer", [{"uid": 54321}, {"gid": 54321}, {"uid": HERE, "gid": 54321}, {"uid": 54321, "gid": os.getgid()}],
                         ids=lambda peer: " and ".join(peer))
@pytest.mark.parametrize("trust", [False, True])
def test_nobody_else_speaks_for_it(serve, peer, trust):
    running = serve(applications={"gp": owned_by(**peer)}, trust_applications=trust)
    assert verdicts(running, to_api("search")) == [STRANGER]


def test_a_name_that_belongs_to_another_is_refused_whatever_is_asked(serve):
    running = serve(applications={"gp": owned_by(uid=54321)}, trust_applications=True)
    function = neutral("B0820")
    function["context"]["application"] = {"id": "gp"}
    other = neutral("B0820")
    other["context"]["application"] = {"id": "no-such"}
    assert verdicts(running, to_api("look"), function, other, neutral("B0820")) == [
        STRANGER, STRANGER, "permit granted-by-baseline", "permit granted-by-baseline"]


def test_what_is_unknown_or_malformed_is_so_before(serve):
    running = serve(applications={"gp": owned_by(uid=54321)})
    malformed = to_api("search")
    malformed["context"]["organisation"] = 7
    assert verdicts(running, to_api("none"), to_api("search", api="none"), malformed) == [
        "not-applicable unknown-operation", "not-applicable unknown-api", "indeterminate malformed-request"]


def test_a_peer_that_is_bound_speaks_for_its_own_alone(serve):
    running = serve(applications={"gp": owned_by(uid=HERE)}, trust_applications=True)
    assert verdicts(running, to_api("search"), to_api("search", application="pharmacy"), to_api("search", application=None),
                    to_api("look", application=None)) == ["permit application-authorised", STRANGER, STRANGER, "permit open-access"]


def test_a_peer_may_be_bound_to_several(serve):
    running = serve(applications={"gp": owned_by(uid=HERE), "pharmacy": owned_by(uid=HERE)})
    assert verdicts(running, to_api("search"), to_api("search", application="pharmacy")) == ["permit application-authorised"] * 2


def test_being_bound_says_nothing_of_how_it_was_authenticated(serve):
    running = serve(applications={"gp": owned_by(uid=HERE)})
    assert verdicts(running, to_api("search", way=None), to_api("search", way="api-key")) == [STRANGER, STRANGER]


def test_it_holds_for_every_method_that_takes_a_request(serve):
    running = serve(applications={"gp": owned_by(uid=54321)})
    client = running.client()
    asked = to_api("look")
    assert checked(client.call("explain", asked)).verdict == STRANGER
    many = client.call("evaluations", {**asked, "evaluations": [{}, {"context": {}}, {"context": asked["context"]}]})["evaluations"]
    assert [checked(answer).verdict for answer in many] == [STRANGER, "permit open-access", STRANGER]
    opening = neutral(None)
    assert client.call("open", opening)["reason"] == "opened"
    opening["context"]["application"] = {"id": "gp"}
    refused = client.call("open", opening)
    assert (refused["effect"], refused["reason"]) == ("deny", "application-not-authenticated") and "session" not in refused


def test_a_refused_application_learns_nothing_of_the_user(serve):
    running = serve(applications={"gp": owned_by(uid=54321)})
    answer = running.client().evaluate(to_api("look", by_profile()))
    assert answer.context["profile"] is None and answer.context["obligations"] == []
    assert answer.context["decided_by"] == {"application": "engine", "user": "nobody"}


def test_query_asks_as_its_own_user(serve):
    running = serve(applications={"gp": owned_by(uid=HERE)})
    options = ("--api", "all", "--action", "search", "--authenticated-by", "signed-jwt")
    assert run("query", "--socket", running.socket, *options, "--application", "gp").status == 0
    assert run("query", "--socket", running.socket, *options, "--application", "pharmacy").status == 1


AS_USER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from support.rpc import Client
uid, gid = int(sys.argv[3]), int(sys.argv[4])
os.setgroups([]); os.setgid(gid); os.setuid(uid)
with Client(sys.argv[2]) as client:
    print(client.wait(client.post("evaluate", json.loads(sys.argv[5])))["context"]["reason"])
"""


@pytest.mark.skipif(HERE != 0, reason="only root can be somebody else")
def test_each_peer_is_who_the_kernel_says(serve):
    running = serve(applications={"gp": owned_by(uid=12345), "pharmacy": owned_by(gid=12346)}, trust_applications=True)
    running.socket.chmod(0o666)

    def ask_as(uid, gid, application):
        done = subprocess.run([sys.executable, "-c", AS_USER, str(ROOT / "tests"), str(running.socket), str(uid), str(gid),
                               json.dumps(to_api("search", application=application))], capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip()
    yes, no = "application-authorised", "application-not-authenticated"
    assert [ask_as(uid, gid, "gp") for uid, gid in ((12345, 1), (12346, 12345), (1, 12346), (0, 0))] == [yes, no, no, no]
    assert [ask_as(uid, gid, "pharmacy") for uid, gid in ((1, 12346), (12346, 1), (12345, 1), (0, 0))] == [yes, no, no, no]
    assert [ask_as(uid, 12346, "pharmacy") for uid in (12347, 65534)] == [yes, no], "who is not known is bound to nothing"


@pytest.mark.parametrize("applications", [
    {"gp": {}}, {"gp": {"peer": {}}}, {"gp": {"peer": {"user": "no-such-user"}}}, {"gp": {"peer": {"uid": 65534}}}, {"gp": {"peer": {"gid": 65534}}},
    {"gp": {"peer": {"uid": -1}}}, {"gp": {"peer": {"uid": 4294967295}}}, {"gp": {"peer": {"uid": "gp"}}}, {"gp": {"peer": {"user": "root", "uid": 0}}},
    {"gp": {"peer": {"pid": 1}}}, {"gp": {"peers": {"uid": 0}}}, {"gp": {"peer": ["root"]}}, ["gp"]], ids=json.dumps)
def test_a_binding_that_binds_nobody_is_a_mistake_with_its_place(daemons, policy, applications):
    config = daemons.folder / "config.yaml"
    config.write_text(json.dumps({"applications": applications}))
    status, said = daemons.refused("--config", config, "--policy", policy(POLICY).path, "--socket", daemons.new_path(), "--unsafe-no-audit")
    assert status == 2
    assert "config.yaml:1:" in said and "error[" in said
