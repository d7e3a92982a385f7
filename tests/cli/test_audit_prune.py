# SPDX-License-Identifier: Apache-2.0
"""`audit prune`: records whose time has come go, and what is left can still be verified."""
import fcntl
from datetime import datetime, timedelta, timezone

from support.command import run
from support.trail import USUAL

LATER = (datetime.now(timezone.utc) + timedelta(days=2)).strftime("%Y-%m-%d")


def test_what_is_older_goes_and_the_chain_stays_provable(trail):
    made = trail().write()
    result = made.audit("prune", "--before", LATER)
    assert result.status == 0 and "11 records dropped" in result.out
    made.write(USUAL[1:3])
    told = made.audit("verify", "--format", "json").json()
    assert told["sound"] and told["pruned"] == 11 and told["first"] == 12
    left = made.list()
    assert [record["event"] for record in left] == ["pruned", "evaluate", "evaluate"] and left[0]["seq"] == 12
    assert made.audit("replay").status == 0
    assert "up to 11, as was signed" in made.audit("verify").out


def test_nothing_old_enough_changes_nothing(trail):
    made = trail().write()
    assert "0 records dropped" in made.audit("prune", "--before", "2020-01-01").out
    assert made.seqs() == list(range(1, 12))


def test_it_needs_a_time_a_trail_and_its_key(trail, tmp_path):
    made = trail().write()
    assert made.audit("prune").status == 2
    assert made.audit("prune", "--before", "soon").status == 2
    assert run("audit", "prune", tmp_path / "absent", "--before", LATER).status == 3 and not (tmp_path / "absent").exists()
    made.path.with_name("trail.key").unlink()
    assert made.audit("prune", "--before", LATER).status == 3
    assert made.seqs() == list(range(1, 12))


def test_a_trail_that_is_being_written_is_left_alone(trail):
    made = trail().write()
    with open(made.path.with_name("trail.lock"), "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locked = made.audit("prune", "--before", LATER)
        assert locked.status == 3 and "it prunes by its own setting" in locked.err
        assert made.seqs() == list(range(1, 12)), "it is read all the same"
