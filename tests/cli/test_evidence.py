# SPDX-License-Identifier: Apache-2.0
"""Evidence and the commands: which take settings, and that the JSON Schema of the settings agrees with the programs."""
import json
import time

import jsonschema
import pytest
import yaml
from support.answers import checked
from support.certificates import cast
from support.command import run
from support.evidence import API_KEYS, GRANTED, Served, assertion, by_application, hash_of, id_token, key_of, settings, to_function, userinfo, worker
from support.evidence_mistakes import MISTAKES, SEEN_BY_THE_SCHEMA, broken
from support.paths import ROOT
from support.tokens import jwks


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path)


def schema():
    return json.loads((ROOT / "schema/evidence.schema.json").read_text())


def subject_file(served, user):
    served.put("subject.json", json.dumps(user))
    return served.folder / "subject.json"


def signed_in_now():
    now = int(time.time())
    return worker(id_token(now=now), userinfo(now=now))


def test_what_can_reads_a_subject_of_tokens(served):
    subject = subject_file(served, signed_in_now())
    told = run("what-can", served.policy.path, "--subject", subject, "--evidence", served.file)
    assert told.status == 0 and "B0825" in told.out and "B0820" in told.out
    untold = run("what-can", served.policy.path, "--subject", subject)
    assert untold.status != 0 and "B0825" not in untold.out


@pytest.mark.parametrize("changes", [dict(aud="client-3"), dict(exp=1), dict(iss="x")], ids=["of others", "expired", "another issuer"])
def test_what_can_grants_nothing_to_a_refused_subject(served, changes):
    user = worker(id_token(now=int(time.time()), **changes))
    told = run("what-can", served.policy.path, "--subject", subject_file(served, user), "--evidence", served.file)
    assert told.status != 0 and "B0825" not in told.out


def test_explain_says_why_a_token_was_refused(served):
    whole = to_function(user=worker(id_token(aud="client-3")))
    told = run("explain", served.policy.path, "-", "--evidence", served.file, stdin=json.dumps(whole))
    assert told.status == 1 and "id_token" in told.out and "user-not-authenticated" in told.out
    told = run("explain", served.policy.path, "-", "--evidence", served.file, stdin=json.dumps(to_function(user=worker(id_token()))))
    assert told.status == 0


def test_check_takes_settings_with_its_other_options(served):
    subject = subject_file(served, signed_in_now())
    told = run("check", served.policy.path, "--subject", subject, "--action", "B0825", "--evidence", served.file, "--format", "json")
    assert told.status == 0 and checked(told.json()).context["evidence"]["user"] == "verified"
    assert run("check", served.policy.path, "--subject", subject, "--action", "B0825").status == 1


def test_a_stream_remembers_used_assertions_from_line_to_line(served):
    whole = by_application(client_assertion=assertion())
    lines = "".join(json.dumps(one) + "\n" for one in (whole, whole, by_application(client_assertion=assertion())))
    told = run("check", served.policy.path, "-", "--stream", "--format", "json", "--evidence", served.file, stdin=lines)
    assert [checked(one).effect for one in told.json_lines()] == ["permit", "deny", "permit"]


def test_query_hands_on_what_is_presented(served, daemons):
    running = served.start(daemons)
    for whole, status in ((to_function(user=worker(id_token())), 0), (to_function(user=worker(id_token(aud="x"))), 1),
                          (by_application(api_key=API_KEYS["gp-1"]), 0)):
        assert run("query", "--socket", running.socket, "-", stdin=json.dumps(whole)).status == status


@pytest.mark.parametrize("arguments", [("--evidence",), ("--evidence", "none.yaml"), ("--evidence", "/"), ("--evidence", "")], ids=str)
def test_settings_that_are_not_there_answer_nothing(served, arguments):
    told = run("check", served.policy.path, "-", *arguments, stdin=json.dumps(to_function()))
    assert told.status in (2, 3) and "permit" not in told.out and told.err


def test_a_daemon_does_not_start_without_the_settings_it_was_given(served, daemons):
    for given in ("none.yaml", "/"):
        status, said = daemons.refused("--policy", served.policy.path, "--socket", daemons.new_path(), "--unsafe-no-audit", "--evidence", given)
        assert status != 0 and said


# The JSON Schema.

def test_the_schema_is_one_and_takes_the_settings():
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(settings(), schema())
    jsonschema.validate({**settings(), "require": ["application", "id_token"]}, schema())
    jsonschema.validate({"nrbac-evidence": 1}, schema())


@pytest.mark.parametrize("name", SEEN_BY_THE_SCHEMA)
def test_the_schema_refuses_what_the_programs_refuse(name):
    assert not jsonschema.Draft202012Validator(schema()).is_valid(broken(name))


@pytest.mark.parametrize("name", MISTAKES)
def test_settings_with_a_mistake_are_not_served(tmp_path, name):
    served = Served(tmp_path, broken(name))
    result = run("check", served.policy.path, "-", "--evidence", served.file, "--format", "json", stdin=json.dumps(to_function()))
    assert result.status != 0 and "permit" not in result.out
    assert "evidence.yaml:" in result.err and "error[" in result.err
    assert "MARKER" not in result.all and hash_of(API_KEYS["gp-1"])[:60] not in result.all, "a secret is not told, not even in the line that is wrong"


def test_settings_of_nothing_verify_nothing(tmp_path):
    served = Served(tmp_path, {"nrbac-evidence": 1})
    assert served.ask(to_function()).verdict == GRANTED
    assert served.ask(to_function(user=worker(id_token()))).verdict == "deny user-not-authenticated"
    assert served.ask(by_application(client_assertion=assertion())).verdict == "deny application-not-authenticated"


def test_what_is_left_out_has_its_default(tmp_path):
    """Ten seconds, and thirty days."""
    document = settings()
    del document["clock_skew"], document["warn_days"]
    served = Served(tmp_path, document)
    now = int(time.time())
    for ahead, effect in ((305, "permit"), (330, "deny")):
        assert served.ask(by_application(time=None, client_assertion=assertion(now=now, exp=now + ahead))).effect == effect
    for days, warnings in ((20, ["credential-expiring"]), (40, [])):
        served.write_keys("gp", jwks(key_of("gp").jwk(exp=now + days * 86400)))
        assert served.ask(by_application(time=None, client_assertion=assertion(now=now))).warnings == warnings


def example(page):
    """The settings that a page shows, whole: what it writes as `…` is filled in."""
    text = (ROOT / page).read_text()
    shown = text[text.index("nrbac-evidence: 1\n"):]
    shown = shown[:min(at for at in (shown.find("```"), shown.find(".Ed")) if at > 0)]
    return shown.replace("5c1d…:9f86…", f"{'5c' * 16}:{'9f' * 32}").replace("sha256:60:6d:…", "sha256:" + ":".join(["60"] * 32))


@pytest.mark.parametrize("page", ["schema/evidence.md", "engine/man/nrbac-evidence.5"])
def test_the_settings_that_a_page_shows_are_taken(served, page):
    shown = example(page)
    jsonschema.validate(yaml.safe_load(shown.replace("2027-03-31", '"2027-03-31"').replace("2027-01-31", '"2027-01-31"')), schema())
    for name in ("cis2.jwks.json", "gp-system.jwks.json"):
        served.put(name, json.dumps(jwks(key_of("cis2"))))
    served.put("gp-system.pem", cast().by_file.pem)
    served.put("nhs-ca.pem", (served.folder / "authorities.pem").read_text())
    served.put("shown.yaml", shown)
    told = run("check", served.policy.path, "--action", "B0820", "--evidence", served.folder / "shown.yaml")
    assert told.status == 1 and "user-required" in told.out and told.err == ""
