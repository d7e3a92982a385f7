# SPDX-License-Identifier: Apache-2.0
"""Mistakes in evidence settings, each as a change of sound ones."""
from .certificates import cast
from .evidence import API_KEYS, hash_of, settings

MISTAKES = {
    "no YAML": "nrbac-evidence: [", "no header": lambda whole: whole.pop("nrbac-evidence"), "another version": lambda whole: whole.update({"nrbac-evidence": 2}),
    "an unknown member": lambda whole: whole.update(aplications={}), "an unknown kind": lambda whole: whole["issuers"]["cis2"].update(kind="cis3"),
    "an HMAC allowed": lambda whole: whole["issuers"]["cis2"].update(algorithms=["RS256", "HS256"]),
    "none allowed": lambda whole: whole["issuers"]["cis2"].update(algorithms=["none"]),
    "no algorithms": lambda whole: whole["issuers"]["cis2"].update(algorithms=[]), "no audience": lambda whole: whole["issuers"]["cis2"].pop("audience"),
    "an audience of none": lambda whole: whole["issuers"]["cis2"].update(audience=[]), "no keys": lambda whole: whole["issuers"]["cis2"].pop("keys"),
    "no issuer": lambda whole: whole["issuers"]["cis2"].pop("issuer"), "a file that is not there": lambda whole: whole["issuers"]["cis2"].update(keys="none.json"),
    "a key instead of its hash": lambda whole: whole["applications"]["gp"].update(api_keys=[{"hash": "MARKER-the-key-itself"}]),
    "a hash that is cut": lambda whole: whole["applications"]["gp"].update(api_keys=[{"hash": hash_of(API_KEYS["gp-1"])[:-2]}]),
    "a day that there is not": lambda whole: whole["applications"]["gp"].update(api_keys=[{"hash": hash_of(API_KEYS["gp-1"]), "expires": "2026-02-30"}]),
    "a fingerprint that is cut": lambda whole: whole["applications"]["gp"].update(certificates=[{"fingerprint": "sha256:60:6d"}]),
    "a certificate by nothing": lambda whole: whole["applications"]["gp"].update(certificates=[{}]),
    "a subject without authorities": lambda whole: whole.pop("authorities"), "a file that is a folder": lambda whole: whole["issuers"]["cis2"].update(keys="."),
    "one certificate for two": lambda whole: whole["applications"]["pharmacy"].update(certificates=[{"fingerprint": cast().by_fingerprint.fingerprint}]),
    "one file for two": lambda whole: whole["applications"]["pharmacy"].update(certificates=[{"file": "by-file.pem"}]),
    "one subject for two": lambda whole: whole["applications"]["pharmacy"].update(certificates=[{"subject": "CN=gp,O=Example Surgery,C=GB"}]),
    "one client for two": lambda whole: whole["applications"]["pharmacy"].update(client_ids=["gp-second"]),
    "one hash for two": lambda whole: whole["applications"]["pharmacy"].update(api_keys=[{"hash": hash_of(API_KEYS["gp-1"])}]),
    "one issuer for two": lambda whole: whole["applications"]["pharmacy"]["client_assertion"].update(issuer=whole["applications"]["gp"]["client_assertion"]["issuer"]),
    "too large a skew": lambda whole: whole.update(clock_skew=301),
    "a negative skew": lambda whole: whole.update(clock_skew=-1), "something unknown required": lambda whole: whole.update(require=["everything"]),
}


def broken(name):
    change = MISTAKES[name]
    if isinstance(change, str):
        return change
    whole = settings()
    change(whole)
    return whole


# Those that a schema cannot see: what lies outside of the file, or in two places of it.
UNSEEN = ("no YAML", "a file that is not there", "a file that is a folder", "a day that there is not", "a subject without authorities",
          *(name for name in MISTAKES if name.endswith("for two")))
SEEN_BY_THE_SCHEMA = [name for name in MISTAKES if name not in UNSEEN]
