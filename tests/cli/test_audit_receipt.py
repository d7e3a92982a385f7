# SPDX-License-Identifier: Apache-2.0
"""`audit receipt` and `audit check-receipt`: proof, without the trail, that a decision was recorded."""
import json

import pytest
from support.command import run


def made_receipt(made, seq, path):
    result = made.audit("receipt", str(seq))
    assert result.status == 0
    path.write_text(result.out)
    return result.json()


def test_a_receipt_is_checked_without_its_trail(trail, tmp_path):
    made = trail().write()
    receipt = made_receipt(made, 4, tmp_path / "receipt.json")
    key = made.audit("verify", "--format", "json").json()["key"]
    assert receipt["record"] == made.list()[3]
    made.path.unlink()
    result = run("audit", "check-receipt", tmp_path / "receipt.json", "--key", key)
    assert result.status == 0 and "PERMIT requirement-met child.view: user 910" in result.out and key in result.out
    piped = run("audit", "check-receipt", "-", stdin=json.dumps(receipt))
    assert piped.status == 0 and "--key holds it against the one you expect" in piped.err


@pytest.mark.parametrize("member, value", [
    ("effect", "deny"), ("reason", "not-granted"), ("user", "911"), ("action", "B0820"), ("time", "2020-01-01T00:00:00.000000Z"),
    ("seq", 5), ("organisation", "Y51")])
def test_a_receipt_that_was_changed_proves_nothing(trail, tmp_path, member, value):
    receipt = made_receipt(trail().write(), 4, tmp_path / "receipt.json")
    assert receipt["record"][member] != value
    receipt["record"][member] = value
    result = run("audit", "check-receipt", "-", stdin=json.dumps(receipt))
    assert result.status == 1 and "proves nothing" in result.err


def test_another_key_is_not_trusted(trail, tmp_path):
    made_receipt(trail().write(), 4, tmp_path / "receipt.json")
    assert run("audit", "check-receipt", tmp_path / "receipt.json", "--key", "0" * 64).status == 1


def test_text_that_is_no_receipt_proves_nothing():
    for text in ("", "{", "[]", "{}", '{"receipt": 1}'):
        assert run("audit", "check-receipt", "-", stdin=text).status == 1


def test_it_takes_the_key_and_the_record(trail):
    made = trail().write()
    assert made.audit("receipt", "99").status == 1
    key = made.path.with_name("trail.key")
    key.rename(key.with_name("elsewhere"))
    absent = made.audit("receipt", "1")
    assert absent.status == 3 and "trail.key" in absent.err
    assert made.audit("receipt", "1", "--key-file", key.with_name("elsewhere")).status == 0
