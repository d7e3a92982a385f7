# SPDX-License-Identifier: Apache-2.0
"""Evidence settings and their files while a daemon runs: new keys, broken files, mistakes, and what is near its end."""
import json
import os
import signal
import time
from datetime import datetime, timedelta, timezone

import pytest
from support.answers import checked, moment
from support.certificates import cast, certificate
from support.command import run
from support.evidence import (API_KEYS, AUTHORISED, GRANTED, HERE, NOT_AUTHENTICATED, REFUSED_USER, Served, assertion, assertion_claims, by_application,
                              hash_of, id_claims, id_token, key_of, keys_of, settings, to_function, userinfo, worker)
from support.evidence_mistakes import broken
from support.requests import NOW
from support.rpc import until
from support.tokens import jwks, jwt, rsa_key

SOON = 2.5         # "at most a second", and what a busy machine needs
NEW = rsa_key("gp", "fresh")


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path)


@pytest.fixture
def running(served, daemons):
    return served.start(daemons)


def by_new_key():
    return by_application(client_assertion=jwt(assertion_claims(), NEW))


def by_old_key():
    return by_application(client_assertion=assertion())


def verdicts(client, *wholes):
    return [client.evaluate(whole).verdict for whole in wholes]


def becomes(client, make, verdict, seconds=SOON):
    return until(lambda: client.evaluate(make()).verdict == verdict, seconds, every=0.1)


def files_of(health, name):
    """What `health` says of a file."""
    return next((file for file in health["evidence"]["files"] if file["file"].endswith(name)), None)


# New keys.

def test_a_new_key_is_taken_and_an_old_one_let_go_while_the_daemon_runs(served, running):
    client = running.client()
    assert verdicts(client, by_old_key(), by_new_key()) == [AUTHORISED, NOT_AUTHENTICATED]
    served.write_keys("gp", jwks(*keys_of("gp")["keys"], NEW))
    assert becomes(client, by_new_key, AUTHORISED)
    assert verdicts(client, by_old_key()) == [AUTHORISED]
    served.write_keys("gp", jwks(NEW))
    assert becomes(client, by_old_key, NOT_AUTHENTICATED)
    assert verdicts(client, by_new_key()) == [AUTHORISED]


def test_a_file_that_is_written_in_place_is_seen_too_also_of_the_same_size(served, running):
    client = running.client()
    path = served.folder / "gp.jwks.json"
    one, two = (json.dumps(jwks(key.jwk(kid="k1"))) for key in (key_of("gp"), NEW))
    by_two = lambda: by_application(client_assertion=jwt(assertion_claims(), NEW, header={"kid": "k1"}))  # noqa: E731
    assert len(one) == len(two)
    for content, make, other in ((two, by_two, by_old_key), (one, by_old_key, by_two), (two, by_two, by_old_key)):
        path.write_text(content)
        assert becomes(client, make, AUTHORISED)
        assert verdicts(client, other()) == [NOT_AUTHENTICATED]


def test_a_file_behind_a_link_is_seen_when_the_link_is_set_anew(served, daemons):
    """So that secrets may be mounted, as container platforms do."""
    for name, key in (("one", key_of("gp")), ("two", NEW)):
        (served.folder / name).mkdir()
        (served.folder / name / "keys.json").write_text(json.dumps(jwks(key.jwk(kid="k1"))))
        os.utime(served.folder / name / "keys.json", (NOW, NOW))
    (served.folder / "gp.jwks.json").unlink()
    (served.folder / "current").symlink_to("one")
    (served.folder / "gp.jwks.json").symlink_to("current/keys.json")
    client = served.start(daemons).client()
    assert verdicts(client, by_old_key()) == [AUTHORISED]
    (served.folder / "next").symlink_to("two")
    (served.folder / "next").replace(served.folder / "current")
    assert becomes(client, lambda: by_application(client_assertion=jwt(assertion_claims(), NEW, header={"kid": "k1"})), AUTHORISED)
    assert verdicts(client, by_old_key()) == [NOT_AUTHENTICATED]


def test_a_certificate_and_an_authority_are_looked_at_again(served, daemons):
    client = served.start(daemons, gateways=[HERE]).client()

    def shown(name):
        return lambda: by_application(certificate=getattr(cast(), name).pem)
    assert verdicts(client, *(shown(name)() for name in ("by_file", "itself", "by_subject"))) == [AUTHORISED, NOT_AUTHENTICATED, AUTHORISED]
    served.put("by-file.pem", cast().itself.pem)
    assert becomes(client, shown("itself"), AUTHORISED)
    served.put("authorities.pem", cast().stranger.pem)
    assert becomes(client, shown("by_stranger"), AUTHORISED)
    assert verdicts(client, *(shown(name)() for name in ("by_file", "itself", "by_subject"))) == [NOT_AUTHENTICATED, AUTHORISED, NOT_AUTHENTICATED]


def test_one_kid_may_stand_there_for_each_algorithm_and_use(served, running):
    """As ForgeRock writes its keys."""
    client = running.client()
    served.write_keys("gp", jwks(NEW.jwk(kid="new", use="enc"), NEW.jwk(kid="new", alg="RS256"), NEW.jwk(kid="new", alg="PS256")))
    by = {name: lambda name=name: by_application(client_assertion=jwt(assertion_claims(), NEW, name, header={"kid": "new"}))
          for name in ("RS256", "PS256", "RS512")}
    assert becomes(client, by["RS256"], AUTHORISED)
    assert verdicts(client, by["PS256"](), by["RS512"]()) == [AUTHORISED, NOT_AUTHENTICATED]
    assert files_of(client.call("health"), "gp.jwks.json")["error"] is None


# Contents of a key file; or what is there in its place.
NOTHING, FOLDER, FIFO = object(), object(), object()
UNSOUND = {
    "empty": "", "no JSON": "{", "no set": "[]", "no keys": '{"keys": []}', "keys that are a map": '{"keys": {}}', "not there": NOTHING,
    "a folder": FOLDER, "a FIFO that nobody writes to": FIFO,
    "a private key": lambda: jwks(key_of("gp").private_jwk()), "a symmetric key": lambda: jwks(key_of("gp"), {"kty": "oct", "k": "c2VjcmV0", "kid": "s"}),
    "two of one kid": lambda: jwks(key_of("gp"), key_of("gp", "k2").jwk(kid="k1")),
    "none that is usable": lambda: jwks(key_of("gp").jwk(use="enc"), rsa_key("gp", "small", 1024)), "cut": lambda: json.dumps(keys_of("gp"))[:-9],
    "a member twice": lambda: json.dumps(keys_of("gp"))[:-1] + ', "keys": []}', "no UTF-8": b'{"keys": "\xff"}',
}


def put_unsound(served, name):
    path = served.folder / "gp.jwks.json"
    content = UNSOUND[name]
    if content in (NOTHING, FOLDER, FIFO):
        path.unlink()
        if content is not NOTHING:
            (os.mkdir if content is FOLDER else os.mkfifo)(path)
    else:
        served.write_keys("gp", content() if callable(content) else content)


@pytest.mark.parametrize("name", ["cut", "not there", "a folder", "a FIFO that nobody writes to", "a private key", "two of one kid", "none that is usable"])
def test_an_unsound_file_changes_nothing_and_health_says_so(served, running, name):
    client = running.client()
    put_unsound(served, name)
    said = until(lambda: files_of(client.call("health"), "gp.jwks.json")["error"], SOON)
    assert said and isinstance(said, str) and "MARKER" not in said
    assert client.call("health")["status"] == "degraded"
    assert verdicts(client, by_old_key(), by_new_key()) == [AUTHORISED, NOT_AUTHENTICATED]
    if UNSOUND[name] is FOLDER:
        (served.folder / "gp.jwks.json").rmdir()
    served.write_keys("gp", jwks(NEW))
    assert becomes(client, by_new_key, AUTHORISED)
    assert until(lambda: client.call("health")["status"] == "ok", SOON) and files_of(client.call("health"), "gp.jwks.json")["error"] is None


@pytest.mark.parametrize("name", UNSOUND)
def test_a_daemon_does_not_start_on_an_unsound_file_and_the_command_does_not_answer(served, daemons, name):
    put_unsound(served, name)
    status, said = daemons.refused("--policy", served.policy.path, "--socket", daemons.new_path(), "--unsafe-no-audit", "--evidence", served.file)
    assert status in (1, 2, 3) and "gp.jwks.json" in said
    result = run("check", served.policy.path, "-", "--evidence", served.file, "--format", "json", stdin=json.dumps(to_function()))
    assert result.status != 0 and "permit" not in result.out and "gp.jwks.json" in result.err


def test_health_lists_the_files_and_they_are_sound(running):
    health = running.client().call("health")
    for name, keys in (("gp.jwks.json", 5), ("cis2.jwks.json", 5), ("login.jwks.json", 5), ("platform.jwks.json", 5), ("pharmacy.jwks.json", 1)):
        said = files_of(health, name)
        assert (said["error"], said["keys"]) == (None, keys), "those that are usable"
    for name in ("by-file.pem", "authorities.pem"):
        assert files_of(health, name)["error"] is None
    assert health["status"] == "ok" and health["evidence"]["settings"].endswith("evidence.yaml")
    assert all(moment(at) for at in (health["evidence"]["opened_at"], *(file["loaded_at"] for file in health["evidence"]["files"])))


def test_without_settings_health_has_no_such_member(served, daemons):
    assert "evidence" not in served.start(daemons, evidence=False).client().call("health")


# The settings themselves.

@pytest.mark.parametrize("by", ["reload", "SIGHUP"])
def test_settings_with_a_mistake_change_nothing_while_the_daemon_runs(served, running, by):
    client = running.client()
    for name in ("a key instead of its hash", "no YAML", "an HMAC allowed", "an unknown member")[:4 if by == "reload" else 1]:
        served.write(broken(name))
        if by == "reload":
            told = client.call("reload")
        else:
            before = client.call("health")["last_reload"]
            running.signal(signal.SIGHUP)
            told = until(lambda: client.call("health")["last_reload"] != before and client.call("health")["last_reload"], 5)
        assert told["ok"] is False and "evidence.yaml" in json.dumps(told) and "MARKER" not in json.dumps(told)
        assert verdicts(client, by_old_key(), to_function(user=worker(id_token()))) == [AUTHORISED, GRANTED]
        assert client.call("health")["status"] == "degraded"
        time.sleep(1.1 if by == "SIGHUP" else 0)     # the time of a reload is told in seconds
    served.write(settings())
    assert client.call("reload")["ok"] is True and client.call("health")["status"] == "ok"
    assert "MARKER" not in running.stderr and "hmac-sha256:" not in running.stderr


def test_verifying_goes_on_while_settings_and_keys_are_replaced(served, running):
    asking, reloading = running.client(), running.client()
    for turn in range(40):
        sent = [asking.post("evaluate", whole) for whole in (by_old_key(), to_function(user=worker(id_token(), userinfo())), by_new_key())]
        document = settings()
        document["clock_skew"] = turn
        served.write(document if turn % 4 else "nrbac-evidence: [")
        served.write_keys("gp", keys_of("gp") if turn % 3 else "{")
        number = reloading.post("reload")
        sent += [asking.post("evaluate", whole) for whole in (by_old_key(), to_function(user=worker(id_token(), userinfo())), by_new_key())]
        assert [checked(asking.wait(one)).verdict for one in sent] == [AUTHORISED, GRANTED, NOT_AUTHENTICATED] * 2
        reloading.wait(number)
    assert verdicts(running.client(), by_old_key()) == [AUTHORISED]


@pytest.mark.parametrize("wrong", ["policy", "settings"])
def test_policy_and_settings_are_taken_together_or_not_at_all(served, running, wrong):
    client = running.client()
    document = settings()
    document["issuers"]["cis2"]["audience"] = ["client-9"]
    more = served.policy.path / "later.yaml"
    more.write_text("nrbac: 1\nfunctions:\n  later: { name: Later, require: %s }\n" % ("B9999" if wrong == "policy" else "B0825"))
    served.write("nrbac-evidence: 7" if wrong == "settings" else document)
    told = client.call("reload")
    assert told["ok"] is False and told["generation"] == 1
    assert verdicts(client, to_function("later"), to_function(user=worker(id_token()))) == ["not-applicable unknown-function", GRANTED]
    more.write_text(more.read_text().replace("B9999", "B0825"))
    served.write(document)
    assert client.call("reload")["ok"] is True
    assert verdicts(client, to_function("later"), to_function(user=worker(id_token()))) == ["permit requirement-met", REFUSED_USER]


def test_metrics_count_what_was_verified_and_what_was_refused(running):
    client = running.client()

    def counted():
        metrics = client.call("metrics")
        return metrics["evidence_verified"], metrics["evidence_refused"]
    assert counted() == (0, 0)
    verdicts(client, by_old_key(), to_function(user=worker(id_token(), userinfo())), by_new_key(), to_function(), to_function(user=worker(id_token(aud="x"))), by_new_key())
    assert counted() == (2, 3)


def test_new_settings_count_from_the_reload_on(served, running):
    client = running.client()
    document = settings()
    document["issuers"]["cis2"]["audience"] = ["client-9"]
    served.write(document)
    time.sleep(1.2)
    assert verdicts(client, to_function(user=worker(id_token()))) == [GRANTED], "not before"
    assert client.call("reload")["ok"] is True
    assert verdicts(client, to_function(user=worker(id_token())), to_function(user=worker(id_token(aud="client-9")))) == [REFUSED_USER, GRANTED]


def test_files_are_found_from_the_folder_of_the_settings(served, daemons, tmp_path):
    os.makedirs(tmp_path / "keys" / "below")
    served.put("keys/below/cis2.json", json.dumps(keys_of("cis2")))
    document = settings()
    document["issuers"]["cis2"]["keys"] = "keys/below/cis2.json"
    document["issuers"]["login"]["keys"] = str(served.folder / "login.jwks.json")
    served.write(document)
    assert served.ask(to_function(user=worker(id_token()))).verdict == GRANTED
    running = daemons.start(served.policy.path, "--evidence", served.file)
    now = int(time.time())
    assert verdicts(running.client(), to_function(user=worker(jwt(id_claims(now), key_of("cis2")))), to_function(user=worker(id_token(exp=now - 5)))) == [
        GRANTED, "deny evidence-expired"]


# What is near its end.

def day_of(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")


def with_ends(served, days):
    """Everything that can end does so in so many days from now; the daemon's own clock counts."""
    end = datetime.now(timezone.utc) + timedelta(days=days)
    document = {**settings(), "warn_days": 30}
    document["applications"]["gp"]["api_keys"] = [{"hash": hash_of(API_KEYS["gp-1"]), "expires": end.strftime("%Y-%m-%d")}]
    document["applications"]["gp"]["certificates"] = [{"fingerprint": cast().by_fingerprint.fingerprint, "expires": end.strftime("%Y-%m-%d")}]
    served.write(document)
    served.write_keys("gp", jwks(key_of("gp").jwk(exp=int(end.timestamp()))))
    return end.strftime("%Y-%m-%d")


@pytest.mark.parametrize("days, warned", [(10, True), (29, True), (45, False)])
def test_what_ends_soon_is_warned_of_in_the_answer_in_health_and_at_the_start(served, daemons, days, warned):
    day = with_ends(served, days)
    running = served.start(daemons, trust_request_time=None, gateways=[HERE])
    client = running.client()
    now = int(time.time())
    for shown in (dict(client_assertion=assertion(now=now)), dict(api_key=API_KEYS["gp-1"]), dict(certificate=cast().by_fingerprint.pem)):
        answer = client.evaluate(by_application(**shown))
        assert answer.verdict == AUTHORISED
        assert ("credential-expiring" in answer.warnings) is warned
        assert not warned or day in answer.warned_about
    assert client.evaluate(to_function()).warnings == [], "an answer that does not rest on it says nothing"
    assert (json.dumps(client.call("health")).count(day) >= 3) is warned
    assert (running.stderr.count(day) >= 3) is warned
    assert "hmac-sha256:" not in json.dumps(client.call("health")) + running.stderr


def test_a_certificate_that_ends_soon_is_warned_of(served, daemons):
    served.put("by-file.pem", cast().soon.pem)
    served.write({**settings(), "warn_days": 30})
    running = served.start(daemons, trust_request_time=None, gateways=[HERE])
    answer = running.client().evaluate(by_application(certificate=cast().soon.pem))
    assert answer.verdict == AUTHORISED and "credential-expiring" in answer.warnings
    day = cast().soon.ends.strftime("%Y-%m-%d")
    assert day in answer.warned_about and day in running.stderr and day in json.dumps(running.client().call("health"))


@pytest.mark.parametrize("end, verdict", [(NOW + 1, AUTHORISED), (NOW, NOT_AUTHENTICATED), (NOW - 86400, NOT_AUTHENTICATED)])
def test_a_jwk_does_not_count_from_its_end_on(served, end, verdict):
    served.write_keys("gp", jwks(key_of("gp").jwk(exp=end), key_of("gp", "k2")))
    answer = served.ask(by_old_key())
    assert answer.verdict == verdict


def test_the_command_warns_by_the_time_of_the_request(served):
    served.write_keys("gp", jwks(key_of("gp").jwk(exp=NOW + 20 * 86400)))
    served.write({**settings(), "warn_days": 30})
    answer = served.ask(by_old_key())
    assert answer.verdict == AUTHORISED and answer.warnings == ["credential-expiring"] and day_of(NOW + 20 * 86400) in answer.warned_about
    served.write({**settings(), "warn_days": 10})
    assert served.ask(by_old_key()).warnings == []


def test_a_jwk_ends_with_its_certificate(served):
    """`x5c` is base64, not base64url, of the certificate of the key."""
    ends = NOW + 20 * 86400
    chain = ["".join(certificate("CN=signer", NEW, ends=ends).pem.splitlines()[1:-1])]
    served.write_keys("gp", jwks(NEW.jwk(x5c=chain)))
    served.write({**settings(), "warn_days": 30})
    answer = served.ask(by_new_key())
    assert answer.verdict == AUTHORISED and answer.warnings == ["credential-expiring"] and day_of(ends) in answer.warned_about
