# SPDX-License-Identifier: Apache-2.0
"""A second verifier of audit trails, written from schema/audit.md and nothing else.

    verifier.py TRAIL [CHECKPOINT_FILE]     prints the first fault, or `sound`
    verifier.py --receipt FILE              the same for a receipt
"""
import datetime
import hashlib
import json
import pathlib
import re
import sqlite3
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DEFINITIONS = pathlib.Path(__file__).parents[2] / "schema/nrbac"
NONE = bytes(32)


def numbers(file):
    """{slug: number} of a .def file."""
    text = (DEFINITIONS / file).read_text()
    return {slug: int(number) for number, slug in
            re.findall(r'^NRBAC_[A-Z]+\((\d+), [A-Z_0-9]+, "([a-z-]+)"', text, re.MULTILINE)}


def h(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


def text(value):
    data = (value or "").encode()
    return struct.pack("<I", len(data)) + data


def circumstances_digest(c):
    if c is None:
        return NONE
    peer = c["uid"] is not None
    return h(struct.pack("<BBIIi", c["asserted"], peer, *((c["uid"], c["gid"], c["pid"]) if peer else (0, 0, 0))),
             *(text(c[name]) for name in
               ("who", "inputs", "user", "role_profile", "role", "organisation", "application")))


def record_hash(before, r, circumstances):
    return h(before, struct.pack("<QqBH", r["seq"], r["at"], r["event"], r["reason"]), r["policy"] or NONE,
             struct.pack("<I", r["generation"]), circumstances,
             struct.pack("<QQ", r["session"] or 0, r["message"] or 0),
             *(text(r[name]) for name in ("action", "api", "resource", "patient", "obligations", "detail")))


def statement(line, kind, key=None):
    """(trail, seq, hash, key) of a signed line."""
    fields = line.split(" ")
    if len(fields) != 8 or fields[:2] != [kind, "1"]:
        raise ValueError("no statement")
    trail, seq, digest, _, signer, signature = fields[2:]
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer)).verify(
        bytes.fromhex(signature), line.rsplit(" ", 1)[0].encode())
    if key is not None and bytes.fromhex(signer) != key:
        raise ValueError("another key")
    return bytes.fromhex(trail), int(seq), bytes.fromhex(digest), bytes.fromhex(signer)


def checkpoints(db, key, trail, file):
    """{seq: hash} that were signed."""
    signed = {}
    for seq, line in db.execute("SELECT seq, statement FROM checkpoints"):
        found = statement(line, "nrbac-checkpoint", key)
        if found[:2] != (trail, seq):
            raise ValueError("not its own")
        signed[seq] = found[2]
    for line in pathlib.Path(file).read_text().split("\n")[:-1] if file else []:
        if len(line.split(" ")) != 8:
            continue
        found = statement(line, "nrbac-checkpoint", key)
        if signed.setdefault(found[1], found[2]) != found[2]:
            raise ValueError("two for one record")
    return signed


RECORDS = """SELECT r.seq, r.at, r.event, r.reason, p.digest AS policy, r.generation, r.circumstances,
    a.text AS action, b.text AS api, s.text AS resource, o.text AS obligations, r.session, r.message, r.patient,
    r.detail, r.hash
    FROM records r LEFT JOIN policies p ON p.id = r.policy LEFT JOIN texts a ON a.id = r.action
    LEFT JOIN texts b ON b.id = r.api LEFT JOIN texts s ON s.id = r.resource
    LEFT JOIN texts o ON o.id = r.obligations ORDER BY r.seq"""


def verify(path, file=None):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    trail, key = db.execute("SELECT id, key FROM trail").fetchone()
    seq, head = 0, h(b"nrbac audit trail 1", trail)
    try:
        for (line,) in db.execute("SELECT statement FROM pruned"):
            owner, seq, head, _ = statement(line, "nrbac-pruned", key)
            if owner != trail:
                return "forged"
        signed = checkpoints(db, key, trail, file)
    except (ValueError, InvalidSignature):
        return "forged"
    for digest, image in db.execute("SELECT digest, image FROM policies JOIN images ON policy = id"):
        if hashlib.sha256(image[64:]).digest() != digest:
            return "policy"
    digests = {None: NONE}
    digests.update((c["id"], circumstances_digest(c)) for c in db.execute("SELECT * FROM circumstances"))
    for record in db.execute(RECORDS):
        seq += 1
        if record["seq"] != seq:
            return f"removed {seq}"
        head = record_hash(head, record, digests.get(record["circumstances"], NONE))
        if head != record["hash"]:
            return f"changed {seq}"
        if signed.get(seq, head) != head:
            return f"rewritten {seq}"
    return f"truncated {seq + 1}" if max(signed, default=0) > seq else "sound"


def check_receipt(receipt):
    try:
        trail, seq, digest, _ = statement(receipt["statement"], "nrbac-receipt")
    except (ValueError, InvalidSignature):
        return "forged"
    told = receipt["record"]
    when = datetime.datetime.strptime(told["time"], "%Y-%m-%dT%H:%M:%S.%f%z")
    record = {name: told.get(name) for name in ("seq", "action", "api", "resource", "patient", "detail", "session")}
    record["at"] = (when - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
    record["event"] = numbers("event.def")[told["event"]]
    record["reason"] = numbers("reason.def")[told["reason"]] if "reason" in told else 0
    record["policy"] = bytes.fromhex(told.get("policy", ""))
    record["generation"] = told.get("generation", 0)
    record["obligations"] = " ".join(told.get("obligations", []))
    record["message"] = told["message"] + 1 if "message" in told else 0
    circumstances = None
    if "asserted" in told:
        peer = told.get("peer", {"uid": None, "gid": None, "pid": None})
        circumstances = {name: told.get(name) for name in
                         ("who", "inputs", "user", "role_profile", "role", "organisation", "application", "asserted")} | peer
    made = record_hash(bytes.fromhex(receipt["before"]), record, circumstances_digest(circumstances))
    return "sound" if made == digest == bytes.fromhex(told["hash"]) and seq == told["seq"] else "changed"


if __name__ == "__main__":
    if sys.argv[1] == "--receipt":
        verdict = check_receipt(json.loads(pathlib.Path(sys.argv[2]).read_text()))
    else:
        verdict = verify(*sys.argv[1:])
    print(verdict)
    sys.exit(verdict != "sound")
