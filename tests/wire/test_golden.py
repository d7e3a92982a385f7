# SPDX-License-Identifier: Apache-2.0
"""The frames of schema/protocol.md, sent byte by byte as they stand there to a real daemon."""
import json
from pathlib import Path

import msgpack
import pytest
from support.paths import ROOT
from support.rpc import Closed

GOLDEN = Path(__file__).resolve().parent / "golden"
KINDS = {"<text>": str, "<integer>": int, "<map>": dict, "<list>": list}


def differs(want, got, at="answer"):
    """Where an answer is not what is expected; None: nowhere."""
    if isinstance(want, str) and want in KINDS:
        return None if isinstance(got, KINDS[want]) else f"{at}: {got!r} is no {want}"
    if isinstance(want, dict) and isinstance(got, dict):
        others = "..." in want
        missing = [key for key in want if key != "..." and key not in got]
        more = [] if others else [key for key in got if key not in want]
        if missing or more:
            return f"{at}: without {missing}, with {more}"
        return next(filter(None, (differs(want[key], got[key], f"{at}.{key}") for key in want if key != "...")), None)
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return next(filter(None, (differs(*pair, f"{at}[{i}]") for i, pair in enumerate(zip(want, got)))), None)
    return None if type(want) is type(got) and want == got else f"{at}: want {want!r}, got {got!r}"


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.json")))
def test_frames_are_answered_as_the_protocol_shows_them(daemons, name):
    client = daemons.start(GOLDEN / "policy").client()
    for frame in json.loads((GOLDEN / f"{name}.json").read_text()):
        if "send" in frame:
            assert msgpack.packb(frame["send"]).hex() == frame["send_hex"], "the example's hex is its JSON"
        if "send_hex" in frame:
            client.send(bytes.fromhex(frame["send_hex"]))
        if frame["expect"] == "closed":
            with pytest.raises(Closed):
                client.receive()
        elif frame["expect"] != "nothing":
            got = client.receive()
            print(frame.get("send", frame["send_hex"]), "->", got)
            assert differs(frame["expect"], got) is None


def test_the_protocol_shows_golden_frames_alone():
    """Every example on the page is one that the test above sends."""
    golden = {frame["send_hex"] for path in GOLDEN.glob("*.json") for frame in json.loads(path.read_text()) if "send_hex" in frame}
    shown = set()
    for block in (ROOT / "schema/protocol.md").read_text().split("```")[1::2]:
        shown.add("".join(line.strip() for line in block.splitlines() if line.startswith("    ")))
    assert shown and shown <= golden


@pytest.mark.parametrize("want, got", [("<text>", 1), ({"a": 1}, {"a": 1, "b": 2}), ({"a": 1, "...": "..."}, {"b": 1}),
                                       ([1], [1, 2]), (True, 1), (None, False), ([{"a": "<list>"}], [{"a": {}}])])
def test_a_difference_is_seen(want, got):
    assert differs(want, got)
