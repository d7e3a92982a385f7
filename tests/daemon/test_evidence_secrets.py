# SPDX-License-Identifier: Apache-2.0
"""Nothing of what is presented, and none of the secrets it is checked by, ever comes back: in no answer, record, log or compiled policy."""
import json

import pytest
from support.certificates import cast
from support.command import run
from support.evidence import (API_KEYS, HERE, KINDS, Served, access_token, assertion, by_application, hash_of, id_token, keys_of, settings, to_function,
                              userinfo, worker)
from support.rpc import RpcError, until
from support.token_cases import EXPIRED, NOT_FOR_ITS_END_ALONE, PASS, REFUSED, applies
from support.tokens import jwks, parts_of, rsa_key

# Words of claims and headers that the cases present and that no settings hold.
PRESENTED = ("MARKER", "attacker", "client-3", "client-4", "somebody-else", "xxxxxxxx")
SENSITIVE = rsa_key("secret", "k1")


class Ear:
    """Hears everything that the programs say."""

    def __init__(self):
        self.said = []
        self.shown = []

    def show(self, *texts):
        self.shown += [text for text in texts if isinstance(text, str)]

    def hear(self, value):
        self.said.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr))

    def call(self, client, method, *params):
        try:
            self.hear(client.wait(client.post(method, *params)))
        except RpcError as error:
            self.hear(f"{error.code} {error.text}")

    def ask(self, client, whole):
        self.call(client, "evaluate", whole)
        self.call(client, "explain", whole)

    def secrets(self):
        found = set(API_KEYS.values())
        for hash_ in (hash_of(key) for key in API_KEYS.values()):
            found |= set(hash_.split(":")[1:])
        for token in self.shown:
            found |= set(parts_of(token)) if token.count(".") > 1 else {token}
        for pem in (value.pem for value in vars(cast()).values()):
            found |= set(pem.splitlines()[1:-1])
        found |= {key[part] for owner in ("gp", "cis2") for key in keys_of(owner)["keys"] for part in ("n", "x") if part in key}
        return {secret for secret in found if len(secret) >= 10}


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path)


def everything_presented(ear):
    """Each case of the tables, as a request."""
    for kind in KINDS.values():
        for cases in (PASS, REFUSED, EXPIRED, NOT_FOR_ITS_END_ALONE):
            for name, made in cases.items():
                if applies(kind, name):
                    token = made(kind)
                    ear.show(token)
                    yield kind.present(token)
    for key in API_KEYS.values():
        yield by_application(api_key=key)
        yield by_application(api_key=key + "x", id=None)
        yield to_function(application={"id": "gp", "api_key": key, "client_assertion": key})
        yield to_function(key)
        yield to_function(user=worker(key))
    for one in vars(cast()).values():
        yield by_application(certificate=one.pem)


def test_nothing_of_what_is_presented_comes_back(served, daemons):
    ear = Ear()
    running = served.start(daemons, gateways=[HERE])
    client = running.client()
    for whole in everything_presented(ear):
        if whole.get("action", {}).get("name") in API_KEYS.values():
            continue        # the name that is asked for does come back: it is no place for a key
        ear.ask(client, whole)
    tokens = [assertion(), access_token(), id_token(), userinfo()]
    ear.show(*tokens)
    opening = to_function(None, worker(*tokens[2:]), application={"id": "gp", "client_assertion": tokens[0]}, access_token=tokens[1])
    for _ in range(2):
        ear.call(client, "open", opening)
    ear.call(client, "evaluations", {**opening, "evaluations": [{"action": {"name": "B0825"}}, {"action": {"name": "strong"}}]})
    ear.call(client, "evaluate", tokens[0])
    ear.call(client, tokens[1])
    ear.call(client, "evaluate", by_application(client_assertion=[tokens[0]], api_key={tokens[1]: tokens[2]}))
    for method in ("health", "metrics", "policy", "hello", "reload"):
        ear.call(client, method)
    ear.hear(running.stderr)
    assert running.stop() == 0
    ear.hear(running.stderr)
    assert not none_of(ear)


def none_of(ear, *more):
    """What of the secrets was heard."""
    heard = "\n".join(ear.said)
    assert len(heard) > 1000, "something was said"
    return sorted(secret for secret in (*PRESENTED, *ear.secrets(), *more) if secret in heard)[:5]


def test_nothing_of_it_comes_back_from_the_command(served):
    ear = Ear()
    wholes = list(everything_presented(ear))
    wholes = [whole for whole in wholes if whole.get("action", {}).get("name") not in API_KEYS.values()]
    lines = "".join(json.dumps(whole) + "\n" for whole in wholes)
    for options in (("check", "--stream", "--format", "json"), ("check", "--stream")):
        result = run(options[0], served.policy.path, "-", "--evidence", served.file, *options[1:], stdin=lines, quiet=True, timeout=60)
        assert result.status == 0
        ear.hear(result.all)
    for whole in wholes[::40]:
        ear.hear(run("explain", served.policy.path, "-", "--evidence", served.file, stdin=json.dumps(whole), quiet=True).all)
    assert not none_of(ear)


def test_policies_hold_none_of_it(served, tmp_path):
    ear = Ear()
    ear.hear(run("dump", served.policy.path).all)
    ear.hear(run("compile", served.policy.path, "-o", tmp_path / "made.nrb").all)
    ear.hear((tmp_path / "made.nrb").read_bytes().decode("latin-1"))
    assert not none_of(ear)
    assert run("check", tmp_path / "made.nrb", "-", "--evidence", served.file, stdin=json.dumps(by_application(client_assertion=assertion()))).status == 0


def test_a_broken_file_or_setting_is_told_without_its_secrets(served, daemons):
    ear = Ear()
    running = served.start(daemons)
    client = running.client()
    private = SENSITIVE.private_jwk()
    for content in (jwks(private), json.dumps(jwks(private))[:-3], json.dumps(private), f'{{"keys": "{private["d"]}"}}', private["d"]):
        served.write_keys("gp", content)
        assert until(lambda: "gp.jwks.json" in json.dumps(client.call("health")), 3)
        ear.call(client, "health")
        ear.call(client, "reload")
        ear.hear(run("check", served.policy.path, "-", "--evidence", served.file, stdin="{}", quiet=True).all)
    served.write_keys("gp", keys_of("gp"))
    for change in (lambda whole: whole["applications"]["gp"].update(api_keys=[{"hash": API_KEYS["gp-1"]}]),
                   lambda whole: whole["applications"]["gp"].update(api_keys=[{"hash": hash_of(API_KEYS["gp-1"]) + "0"}]),
                   lambda whole: whole["applications"]["gp"].update(api_keys=[{"hash": hash_of(API_KEYS["gp-1"]), "expires": "x"}]),
                   lambda whole: whole["applications"]["gp"].update(api_keys=[{"hash": hash_of(API_KEYS["gp-1"])}] * 2),
                   lambda whole: whole["applications"]["gp"].update(api_keys=[{"hsh": hash_of(API_KEYS["gp-1"])}]),
                   lambda whole: whole["applications"]["gp"].update(api_keys=[{hash_of(API_KEYS["gp-1"]): 1}])):
        document = settings()
        change(document)
        served.write(json.dumps(document))        # all on one line, which a diagnostic might show
        ear.call(client, "reload")
        ear.hear(run("check", served.policy.path, "-", "--evidence", served.file, stdin="{}", quiet=True).all)
    ear.hear(running.stderr)
    assert not none_of(ear, private["d"], private["d"][:40], private["n"][:40])
