# SPDX-License-Identifier: Apache-2.0
"""Evidence that is verified: settings with keys of everybody, what each of them presents, and the two ways to ask about it."""
import copy
import functools
import itertools
import json
import os

from .answers import checked, is_one_sentence
from .apis import OWN, policy_with, to_api
from .certificates import cast
from .command import run
from .daemon import Daemons
from .policy import Policy, write
from .requests import NOW, TIME, neutral, nrbac_role, request
from .tokens import Key, api_key, ec_key, jwks, jwt, parts_of, rsa_key

HERE = os.getuid()
CIS2, LOGIN, PLATFORM = "https://cis2.example/realms/healthcare", "https://login.example", "https://platform.example"
CLIENTS = ["client-1", "client-2"]              # `aud` of tokens about users
TOKEN_URL, SECOND_URL = "https://platform.example/oauth2/token", "https://second.example/oauth2/token"
CLIENT_OF = {"gp": "0f8fad5b-d9cb-469f-a165-70867728950e", "pharmacy": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "plain": "plain"}
SKEW = 10
USER, PATIENT, ROLE = "910000000001", "login-1", "501"
NOT_AUTHENTICATED, REFUSED_USER, EXPIRED = "deny application-not-authenticated", "deny user-not-authenticated", "deny evidence-expired"
GRANTED, AUTHORISED = "permit granted-by-baseline", "permit application-authorised"
MALFORMED = "indeterminate malformed-request"

POLICY = {"policy.yaml": policy_with() + "functions:\n  strong: { name: Strong, require: { all: [B0825, { aal: 3 }] } }\n",
          "more.yaml": """nrbac: 1
apis:
  narrow:
    name: Narrow
    patterns: [user-restricted/cis2-separate, application-restricted/signed-jwt]
    operations:
      strong: { name: Strong, require: { all: [B0825, { aal: 3 }] } }
      plain: { name: Plain }
applications:
  pharmacy: { authenticated_by: [api-key, signed-jwt, tls-ma], apis: all }
  plain: { authenticated_by: [signed-jwt], apis: all }
  bare: { authenticated_by: [api-key, signed-jwt, tls-ma], apis: all }
"""}

OWNERS = ("cis2", "login", "platform", "gp", "pharmacy", "plain")


ALIKE = {"kenc": "k2", "kops": "k2", "kps": "k256", "k384": "k256"}      # one key under two names, since making them is slow


def key_of(owner, name="k1"):
    if name in ALIKE:
        return Key(name, key_of(owner, ALIKE[name]).private)
    return ec_key(owner, name) if name.startswith("e") else rsa_key(owner, name)


@functools.lru_cache(maxsize=None)
def keys_of(owner):
    """Two RSA keys and an elliptic one; keys that are bound to an algorithm; and keys that are of no use here."""
    if owner in ("pharmacy", "plain"):
        return jwks(key_of(owner))
    return jwks(key_of(owner, "k1"), key_of(owner, "k2").jwk(use=None, key_ops=["verify"]), key_of(owner, "e1"),
                key_of(owner, "k256").jwk(alg="RS256"), key_of(owner, "kps").jwk(alg="PS256", use=None),
                key_of(owner, "kenc").jwk(use="enc"), key_of(owner, "kops").jwk(use=None, key_ops=["encrypt", "wrapKey"]),
                key_of(owner, "k384").jwk(alg="RS384"), rsa_key(owner, "small", 1024), ec_key(owner, "p384", "P-384"),
                {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "okp", "use": "sig"},
                {"kty": "unheard-of", "kid": "new"})


@functools.lru_cache(maxsize=None)
def hash_of(key):
    """The hash of an API key, as the command makes it."""
    made = run("hash-key", stdin=key, quiet=True)
    assert made.status == 0, made.err
    return made.out.strip()


API_KEYS = {name: api_key(name) for name in ("gp-1", "gp-2", "gp-ended", "gp-long", "gp-soon", "pharmacy", "nobody")}
API_KEYS["gp-long"] = (API_KEYS["gp-long"] * 12)[:512]


def settings():
    """Evidence settings, as a document to change."""
    def issuer(kind, name, file, audience=CLIENTS):
        return {"kind": kind, "issuer": name, "audience": list(audience), "keys": f"{file}.jwks.json"}

    def signs(name, **more):
        return {"audience": [TOKEN_URL, SECOND_URL], "keys": f"{name}.jwks.json", **more}
    known = cast()
    return copy.deepcopy({
        "nrbac-evidence": 1,
        "issuers": {"cis2": issuer("cis2", CIS2, "cis2"), "login": issuer("nhs-login", LOGIN, "login"),
                    "platform": issuer("platform", PLATFORM, "platform")},
        "applications": {
            "gp": {"client_assertion": signs("gp", issuer=CLIENT_OF["gp"]), "client_ids": [CLIENT_OF["gp"], "gp-second"],
                   "api_keys": [{"hash": hash_of(API_KEYS["gp-1"])}, {"hash": hash_of(API_KEYS["gp-2"]), "expires": "2099-01-01"},
                                {"hash": hash_of(API_KEYS["gp-ended"]), "expires": "2026-11-23"}, {"hash": hash_of(API_KEYS["gp-long"])}],
                   "certificates": [{"file": "by-file.pem"}, {"file": "file-ended.pem"}, {"fingerprint": known.by_fingerprint.fingerprint},
                                    {"fingerprint": known.until_2027.fingerprint, "expires": "2099-01-31"},
                                    {"subject": "CN=gp,O=Example Surgery,C=GB"}]},
            "pharmacy": {"client_assertion": signs("pharmacy", issuer=CLIENT_OF["pharmacy"]), "client_ids": [CLIENT_OF["pharmacy"]],
                         "api_keys": [{"hash": hash_of(API_KEYS["pharmacy"])}],
                         "certificates": [{"fingerprint": known.of_pharmacy.fingerprint}]},
            "plain": {"client_assertion": signs("plain", algorithms=["RS512"])},
        },
        "authorities": "authorities.pem",
        "apis": {"own": "records-of-ones-own"},
        "clock_skew": SKEW,
        "warn_days": 1,
    })


class Served:
    """A policy and evidence settings on disk."""

    def __init__(self, folder, document=None):
        self.folder = folder
        self.policy = Policy(write(folder / "policy", POLICY), show=False)
        self.file = folder / "evidence.yaml"
        for owner in OWNERS:
            self.write_keys(owner, keys_of(owner))
        known = cast()
        self.put("by-file.pem", known.by_file.pem)
        self.put("file-ended.pem", known.file_ended.pem)
        self.put("authorities.pem", known.root.pem + known.middle.pem)
        self.write(settings() if document is None else document)

    def put(self, name, content):
        """Replaces a file as a whole, as careful programs do."""
        made = self.folder / f"{name}.new"
        made.write_bytes(content if isinstance(content, bytes) else content.encode())
        made.replace(self.folder / name)

    def write(self, document):
        self.put("evidence.yaml", document if isinstance(document, (str, bytes)) else json.dumps(document, indent=1))

    def write_keys(self, owner, document):
        self.put(f"{owner}.jwks.json", document if isinstance(document, (str, bytes)) else json.dumps(document))

    def ask(self, whole, *options):
        """One decision by the command."""
        return self.policy.ask(whole, "--evidence", self.file, *options)

    def start(self, daemons, *options, evidence=True, **configuration):
        """A daemon with this configuration; requests state their time and their application, unless it says otherwise."""
        whole = {"trust_request_time": True, "trust_applications": True, **configuration}
        if evidence:
            whole["evidence"] = str(self.file)
        config = daemons.folder / f"config-{len(daemons.all)}.yaml"
        config.write_text(json.dumps({key: value for key, value in whole.items() if value is not None}))
        return daemons.start(self.policy.path, "--config", config, *options)


class Asker:
    """The same question by the command and by the socket."""

    def __init__(self, served):
        self.served = served
        self.daemons = Daemons()
        self.client = None

    def by_command(self, whole):
        return self.served.ask(whole)

    def by_socket(self, whole):
        if self.client is None:
            self.client = self.served.start(self.daemons).client()
        return self.client.evaluate(whole)

    def end(self):
        self.daemons.end()


# What is presented. `changes` of claims: None leaves one out.

fresh = (f"jti-MARKER-{number}" for number in itertools.count())


def with_changes(claims, changes):
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def assertion_claims(application="gp", now=NOW, **changes):
    client = CLIENT_OF[application]
    return with_changes({"iss": client, "sub": client, "aud": TOKEN_URL, "exp": now + 240, "jti": next(fresh)}, changes)


def id_claims(now=NOW, **changes):
    return with_changes({"iss": CIS2, "sub": USER, "aud": CLIENTS[0], "exp": now + 600, "iat": now, "authentication_assurance_level": "3",
                         "id_assurance_level": "3", "selected_roleid": ROLE, "nonce": "MARKER-nonce"}, changes)


def userinfo_claims(now=NOW, role="R8000", **changes):
    return with_changes({"iss": CIS2, "sub": USER, "aud": CLIENTS[0], "exp": now + 600, "nhsid_useruid": USER, "name": "MARKER-name",
                         "nhsid_nrbac_roles": [nrbac_role(ROLE, role)]}, changes)


def login_claims(now=NOW, **changes):
    return with_changes({"iss": LOGIN, "sub": PATIENT, "aud": CLIENTS[0], "exp": now + 600, "iat": now, "nhs_number": OWN,
                         "identity_proofing_level": "P9", "family_name": "MARKER-family"}, changes)


def access_claims(now=NOW, application="gp", scope="urn:nhsd:apim:app:level3:all", **changes):
    return with_changes({"iss": PLATFORM, "aud": CLIENTS[0], "client_id": CLIENT_OF[application], "exp": now + 600, "scope": scope,
                         "jti": next(fresh)}, changes)


def assertion(application="gp", **changes):
    return jwt(assertion_claims(application, **changes), key_of(application))


def id_token(**changes):
    return jwt(id_claims(**changes), key_of("cis2"))


def userinfo(**changes):
    return jwt(userinfo_claims(**changes), key_of("cis2"))


def nhs_login(**changes):
    return jwt(login_claims(**changes), key_of("login"))


def access_token(**changes):
    return jwt(access_claims(**changes), key_of("platform"))


def worker(token=None, info=None, **beside):
    """A healthcare worker by CIS2. Without `info` the userinfo is a map, and so is the token if it is a map."""
    roles = {"sub": USER, "nhsid_useruid": USER, "name": "MARKER-name", "nhsid_nrbac_roles": [nrbac_role(ROLE, "R8000")]}
    properties = {"userinfo": roles if info is None else info, **beside}
    if token is not None:
        properties["id_token"] = token
    return {"type": "healthcare-worker", "properties": properties}


def to_function(name="B0825", user=None, application=None, time=TIME, **context):
    """A request for a function or an activity, with this in its context."""
    whole = request(name, {}, time=time)
    whole["subject"] = neutral(None)["subject"] if user is None else user
    if application is not None:
        whole["context"]["application"] = application
    whole["context"].update(context)
    return whole


def by_application(operation="plain", user=None, access=None, id="gp", **given):
    """A request to an API by an application that presents what is given: `client_assertion`, `api_key`, `certificate`, `way`; the
    rest goes to `to_api`."""
    shown = {name: given.pop(name) for name in ("client_assertion", "api_key", "certificate") if name in given}
    whole = to_api(operation, user, application=id or "", way=given.pop("way", None), **given)
    if not id:
        del whole["context"]["application"]["id"]
    whole["context"]["application"].update(shown)
    if access is not None:
        whole["context"]["access_token"] = access
    if not whole["context"]["application"]:
        del whole["context"]["application"]
    return whole


def by_patient(token, **given):
    return to_api("view", {"type": "patient", "properties": {"nhs_login": token}}, api="own", record=OWN, **given)


class Kind:
    """A kind of token: who signs it, its claims, the request that presents it and passes, and what a refusal is called."""

    def __init__(self, member, owner, claims, present, passes, refused, expired):
        self.member = member
        self.owner = owner
        self.claims = claims
        self.present = present
        self.passes = passes
        self.refused = refused
        self.expired = expired

    def token(self, algorithm="RS512", key=None, header=(), sign=None, **changes):
        return jwt(self.claims(**changes), key or self.key(), algorithm, header, sign)

    def key(self, name="k1"):
        return key_of(self.owner, name)


KINDS = {kind.member: kind for kind in (
    Kind("client_assertion", "gp", assertion_claims, lambda token: by_application(client_assertion=token), AUTHORISED, NOT_AUTHENTICATED,
         NOT_AUTHENTICATED),
    Kind("access_token", "platform", access_claims, lambda token: by_application(access=token), AUTHORISED, NOT_AUTHENTICATED, NOT_AUTHENTICATED),
    Kind("id_token", "cis2", id_claims, lambda token: to_function(user=worker(token)), GRANTED, REFUSED_USER, EXPIRED),
    Kind("userinfo", "cis2", userinfo_claims, lambda token: to_function(user=worker(info=token)), GRANTED, REFUSED_USER, EXPIRED),
    Kind("nhs_login", "login", login_claims, by_patient, "permit patient-authorised", REFUSED_USER, EXPIRED),
)}


def of_evidence(answer):
    """(user, application, what was found sound)."""
    said = answer.context["evidence"]
    assert set(said) - {"verified"} == {"user", "application"} and said.get("verified") != [], said
    verified = said.get("verified", [])
    assert len(set(verified)) == len(verified), said
    return said["user"], said["application"], sorted(verified)


OF_USERS = ("id_token", "userinfo", "nhs_login")


def nothing_comes_back(answer, *presented):
    for token in presented:
        for part in parts_of(token):
            assert part not in json.dumps(answer), "what was presented comes back"
    assert "MARKER" not in json.dumps(answer), "a claim comes back"
    return True


def says_why(answer, member, *presented):
    """A refusal says in one sentence what was wrong with which member, and nothing of what was presented."""
    fault = answer.context["fault"]
    assert is_one_sentence(fault.rstrip(".") + ".") and member in fault, fault      # faults of this program do without the full stop
    user, application, verified = of_evidence(answer)
    users = member in OF_USERS
    assert not [one for one in verified if (one in OF_USERS) is users], "of whom is refused nothing is called verified"
    assert (user if users else application) == "none", "what was refused says nothing of anybody"
    return nothing_comes_back(answer, *presented)


def refused(answer, verdict, member, *presented):
    assert answer.verdict == verdict
    return says_why(answer, member, *presented)


def checked_all(documents):
    return [checked(document).verdict for document in documents]
