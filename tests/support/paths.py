# SPDX-License-Identifier: Apache-2.0
"""Where the programs and the policies under test are."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _path(variable, default):
    return Path(os.environ.get(variable) or ROOT / default).resolve()


NRBAC = _path("NRBAC", "build/bin/nrbac")
NRBACD = _path("NRBACD", "build/bin/nrbacd")
POLICY = _path("NRBAC_POLICY", "policy")
ATTACH_TOOL = _path("NRBAC_ATTACH_TOOL", NRBAC.parents[1] / "tests/attach_tool")
TRAIL_TOOL = _path("NRBAC_TRAIL_TOOL", NRBAC.parents[1] / "tests/trail_tool")
SHIFTED_CLOCK = _path("NRBAC_SHIFTED_CLOCK", NRBAC.parents[1] / "tests/shifted_clock.so")
FAILING_SYNC = _path("NRBAC_FAILING_SYNC", NRBAC.parents[1] / "tests/failing_sync.so")
LOGS = NRBAC.parents[1] / "logs"
