# SPDX-License-Identifier: Apache-2.0
"""Every example of nrbac-audit(1) works as it stands, and every command and option is in it."""
import re
import subprocess

import pytest
from support.command import run
from support.paths import NRBAC, ROOT
from support.trail import SMALL_TRAIL, USUAL

PAGE = (ROOT / "engine" / "man" / "nrbac-audit.1").read_text()
EXAMPLES = [line.split() for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", PAGE, re.M | re.S) for line in block.splitlines()]
COMMANDS = ("list", "show", "verify", "export", "replay", "stats", "receipt", "check-receipt", "prune")


@pytest.mark.parametrize("words", EXAMPLES, ids=[" ".join(words[2:]) for words in EXAMPLES])
def test_each_example_works(trail, policy, words):
    made = trail().write(USUAL)
    policy(SMALL_TRAIL.replace('version: "1"', 'version: "2"'), "candidate")
    assert words[:2] == ["nrbac", "audit"] and words[3] == "trail"
    if "--follow" in words:
        following = subprocess.Popen([str(NRBAC), *words[1:]], cwd=made.path.parent, stdout=subprocess.PIPE, text=True)
        assert following.stdout.readline().startswith("1 ")
        following.kill()
        following.wait()
    else:
        result = run(*words[1:], cwd=made.path.parent)
        assert result.status == 0 and (result.out != "" or "--to" in words or "--from" in words)


def test_there_are_examples():
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_in_the_manual(command):
    assert re.search(rf"^\.It Cm {command} ", PAGE, re.M)
    for option in re.findall(r"--([a-z-]+)", run("audit", command, "--help").out):
        if option != "help":
            assert re.search(rf"-{option}\b", PAGE), f"--{option} of {command}"
