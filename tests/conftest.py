# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the black-box suite, which knows the contract and not the code.

    /usr/bin/python3 -m pytest tests/rules tests/cli tests/docs tests/daemon tests/wire

NRBAC, NRBACD and NRBAC_POLICY say where the command, the daemon and the policies are; without them it is build/bin/nrbac,
build/bin/nrbacd and policy. A test that fails prints the policy, the request and the answer.
"""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from support.daemon import Daemons  # noqa: E402
from support.paths import NRBAC, NRBACD  # noqa: E402
from support.policy import Policy, write  # noqa: E402
from support.trail import SMALL_TRAIL, Trail  # noqa: E402

OURS = ("rules", "cli", "docs", "daemon", "wire")


def pytest_collection_modifyitems(items):
    """Without the programs nothing can be tested: say so once, instead of failing in a thousand ways."""
    here = Path(__file__).resolve().parent
    if not any(Path(str(item.fspath)).is_relative_to(here / part) for item in items for part in OURS):
        return
    for program in (NRBAC, NRBACD):
        if not program.is_file():
            raise pytest.UsageError(f"{program} does not exist; build it first, or set NRBAC and NRBACD")


def pytest_make_parametrize_id(val):
    """Long or unprintable parameters would make names that no file system and no reader can bear."""
    if isinstance(val, str) and (len(val) > 60 or not val.isprintable()):
        return f"text of {len(val)} characters"
    if isinstance(val, bytes):
        return f"{val[:4].hex()} and {max(0, len(val) - 4)} bytes more"
    return None


@pytest.fixture
def policy(tmp_path):
    """Makes a policy directory from the text of its one file, or from {relative path: text}."""
    def make(files, name="policy", show=True):
        return Policy(write(tmp_path / name, files), show=show)
    return make


@pytest.fixture
def daemons():
    """Starts daemons, and ends those that are still running."""
    running = Daemons()
    yield running
    running.end()


@pytest.fixture
def daemon(daemons, policy):
    """Starts one daemon for a policy given as text, files or path."""
    def start(content, *options, **keywords):
        path = policy(content).path if isinstance(content, (str, bytes, dict)) else content
        return daemons.start(path, *options, **keywords)
    return start


@pytest.fixture
def trail(tmp_path, policy):
    """Makes an audit trail of decisions under a policy; `write` adds some."""
    def make(files=SMALL_TRAIL):
        return Trail(tmp_path, policy(files, show=False))
    return make
