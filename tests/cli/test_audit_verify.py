# SPDX-License-Identifier: Apache-2.0
"""`audit verify`: the first record that is not as it was written, and what cannot be known."""
import shutil

import pytest
from support.trail import USUAL


def verdict(made, *options):
    result = made.audit("verify", "--format", "json", *options)
    assert result.status in (0, 1)
    told = result.json()
    assert told["sound"] is (result.status == 0)
    return told


def checkpoints(made, path):
    """What somebody keeps elsewhere: the lines of the trail as it is now."""
    import sqlite3
    with sqlite3.connect(made.path) as database:
        lines = [row[0] for row in database.execute("SELECT statement FROM checkpoints ORDER BY seq")]
    path.write_text("".join(each + "\n" for each in lines))
    return path


def test_a_trail_is_as_it_was_written(trail):
    made = trail().write()
    told = verdict(made)
    assert told["first"] == 1 and told["last"] == 11 and told["checkpointed"] == 11 and told["fault"] is None
    text = made.audit("verify").out
    assert "is as it was written" in text and "What this cannot know:" in text and told["key"] in text


def test_what_it_cannot_know_goes_with_what_is_given(trail, tmp_path):
    made = trail().write()
    kept = checkpoints(made, tmp_path / "kept")
    key = verdict(made)["key"]
    assert len(verdict(made)["unknown"]) == 2
    told = verdict(made, "--checkpoints", str(kept), "--key", key)
    assert told["anchored"] == 11 and told["unknown"] == []


def test_what_comes_after_the_last_checkpoint_cannot_be_known(trail):
    made = trail().write()
    assert not any("checkpoint" in said and "record" in said for said in verdict(made)["unknown"])
    made.sql("DELETE FROM checkpoints")
    assert any(said.startswith("There is no checkpoint yet:") for said in verdict(made)["unknown"])
    made.sql("DELETE FROM records WHERE seq = 4")
    assert len(verdict(made)["unknown"]) == 2, "a fault says itself what comes after it"


@pytest.mark.parametrize("statement, fault, seq", [
    ("UPDATE records SET reason = 1 WHERE seq = 5", "changed", 5),
    ("UPDATE records SET at = at + 1 WHERE seq = 3", "changed", 3),
    ("UPDATE circumstances SET user = 'another' WHERE user = '911'", "changed", 6),
    ("DELETE FROM records WHERE seq = 4", "removed", 4),
    ("DELETE FROM records WHERE seq > 8", "truncated", 9)])
def test_the_first_record_that_is_not_as_it_was_is_named(trail, statement, fault, seq):
    made = trail().write()
    made.sql(statement)
    told = verdict(made)
    assert (told["fault"], told["seq"]) == (fault, seq)
    result = made.audit("verify")
    assert result.status == 1 and f"record {seq}" in result.err and "NOT AS IT WAS WRITTEN" in result.out


def test_records_that_changed_places_are_named(trail):
    made = trail().write()
    made.sql("UPDATE records SET seq = 99 WHERE seq = 6", "UPDATE records SET seq = 6 WHERE seq = 7",
             "UPDATE records SET seq = 7 WHERE seq = 99")
    told = verdict(made)
    assert (told["fault"], told["seq"], told["other"]) == ("moved", 6, 7)


def test_one_bit_of_the_file_is_enough(trail):
    made = trail().write(times=50)
    sound = made.path.read_bytes()
    at = sound.index(b"profile-of-911")
    made.path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1:])
    result = made.audit("verify")
    assert result.status == 1 and "record 6 is not as it was written" in result.err


def test_an_end_that_was_cut_off_shows_by_a_checkpoint_kept_elsewhere(trail, tmp_path):
    made = trail().write()
    shorter = tmp_path / "shorter"
    shutil.copy(made.path, shorter)
    made.write(USUAL[1:3])
    kept = checkpoints(made, tmp_path / "kept")
    shutil.copy(shorter, made.path)  # back to an earlier, signed end
    assert verdict(made)["sound"]
    told = verdict(made, "--checkpoints", str(kept))
    assert told["fault"] == "truncated" and told["seq"] == 12


def test_another_key_is_not_the_trails(trail):
    made = trail().write()
    assert verdict(made, "--key", "0" * 64)["fault"] == "foreign"
    assert made.audit("verify", "--key", "0").status == 2


def test_checkpoints_that_cannot_be_read_are_no_verdict(trail, tmp_path):
    assert trail().write().audit("verify", "--checkpoints", str(tmp_path / "absent")).status == 3


def in_a_circle(path):
    """Lets the second page of records be the first once more; gives the last record before it."""
    import sqlite3
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root, = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'records'").fetchone()
        size, = database.execute("PRAGMA page_size").fetchone()
    whole = bytearray(path.read_bytes())
    start = (root - 1) * size
    assert whole[start] == 5, "the records fit on one page"
    first, second = (start + int.from_bytes(whole[start + 12 + 2 * i:start + 14 + 2 * i], "big") for i in (0, 1))
    whole[second:second + 4] = whole[first:first + 4]
    path.write_bytes(whole)
    last, at = 0, first + 4  # the number that parts the two pages
    while whole[at] & 0x80:
        last, at = last << 7 | whole[at] & 0x7f, at + 1
    return last << 7 | whole[at]


def test_a_file_whose_pages_form_a_circle_is_read_to_the_circle_and_no_further(trail):
    made = trail().write(times=50)
    last = in_a_circle(made.path)
    listed = made.audit("list", "--format", "json")
    assert listed.status != 0 and "damaged" in listed.err
    assert [line["seq"] for line in listed.json_lines()] == list(range(1, last + 1))
    told = verdict(made)
    assert (told["fault"], told["seq"]) == ("damaged", last + 1)
