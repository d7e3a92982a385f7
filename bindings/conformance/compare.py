#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds answers against those expected, member by member.

    compare.py EXPECTED GOT [EXPECTED GOT]...      files of JSON lines; prints `N passed, M failed`, exit 1 if any failed

Two answers are equal if all of their members are, at any depth: no member may be missing, and none may be there besides.
Only what belongs to the place that answered may differ: `policy.generation` and `policy.loaded_at`.
"""
import json
import sys
from pathlib import Path

OF_THE_PLACE = {("context", "policy", "generation"), ("context", "policy", "loaded_at")}
SHOWN = 10


def differs(want, got, at=()):
    """Where two values differ, as text; None: nowhere."""
    if at in OF_THE_PLACE:
        return None
    where = ".".join(map(str, at)) or "the answer"
    if isinstance(want, dict) and isinstance(got, dict):
        keys = {key for key in want.keys() ^ got.keys() if (*at, key) not in OF_THE_PLACE}
        if keys:
            return f"{where}: {sorted(keys)} on one side alone"
        return next(filter(None, (differs(want[key], got[key], (*at, key)) for key in want.keys() & got.keys())), None)
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return next(filter(None, (differs(*pair, (*at, i)) for i, pair in enumerate(zip(want, got)))), None)
    same_kind = isinstance(want, bool) == isinstance(got, bool)
    return None if same_kind and want == got else f"{where}: expected {want!r}, got {got!r}"


def lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").split("\n") if line]


def compare(expected, got):
    """(passed, what differs)."""
    want, have = lines(expected), lines(got)
    wrong = [f"{got}:{number}: {difference}" for number, pair in enumerate(zip(want, have), 1)
             if (difference := differs(*pair)) is not None]
    passed = min(len(want), len(have)) - len(wrong)
    if len(want) != len(have):
        wrong.append(f"{got}: {len(have)} answers, where {len(want)} are expected")
    return passed, wrong


def main(files):
    if not files or len(files) % 2:
        sys.exit(__doc__)
    passed, wrong = 0, []
    for expected, got in zip(files[::2], files[1::2]):
        good, bad = compare(expected, got)
        passed += good
        wrong += bad
    print("\n".join(wrong[:SHOWN] + [f"and {len(wrong) - SHOWN} more"] * (len(wrong) > SHOWN)), end="\n" * bool(wrong))
    print(f"{passed} passed, {len(wrong)} failed")
    return 1 if wrong or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
