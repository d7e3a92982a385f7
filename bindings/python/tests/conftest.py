# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the binding's tests, which run in the environment that build.sh makes. Each test belongs to a transport; at the end
one line for each says how many passed: `python unix: 42 passed, 0 failed`."""
import asyncio
import collections
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(os.environ["NRBAC_ROOT"])
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "bindings/conformance"))

from support.daemon import Daemons  # noqa: E402

import nrbac  # noqa: E402

counted = collections.defaultdict(lambda: [0, 0])
pytest_plugins = ["fake"]


def pytest_configure(config):
    config.addinivalue_line("markers", "transport(name): what the test goes over")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.transport = item.get_closest_marker("transport").args[0]
    report.decisions = getattr(item, "decisions", 0)


def pytest_runtest_logreport(report):
    count = counted[report.transport]
    if report.failed:
        count[1] += 1
    elif report.passed and report.when == "call":
        count[0] += 1 + report.decisions


def pytest_terminal_summary(terminalreporter):
    terminalreporter.line("")
    for transport, (passed, failed) in counted.items():
        terminalreporter.line(f"python {transport}: {passed} passed, {failed} failed")


@pytest.fixture
def decided(request):
    """Adds decisions that were compared to what the test counts for."""
    def add(number):
        request.node.decisions = getattr(request.node, "decisions", 0) + number
    return add


@pytest.fixture
def daemons():
    running = Daemons()
    yield running
    running.end()


@pytest.fixture
def serve(daemons):
    """Starts a daemon that takes the request's time and what applications say, as the command does."""
    def start(policy, **settings):
        config = daemons.folder / f"{len(daemons.all)}.json"
        path = settings.pop("path", None)
        told = {"trust_request_time": True, "trust_applications": True, "allow_example": True, **settings}
        config.write_text(json.dumps(told))
        return daemons.start(policy, "--config", config, path=path)
    return start


@pytest.fixture
def policies(tmp_path):
    """A policy folder of which a file can be replaced: `policies(text)` writes it."""
    folder = tmp_path / "policy"
    folder.mkdir()

    def write(text):
        (folder / "policy.yaml").write_text(text)
        return folder
    return write


@pytest.fixture
def engine(policies):
    with nrbac.open(f"dir:{policies(SMALL)}") as made:
        yield made


@pytest.fixture(params=["asyncio", "uvloop"])
def loops(request):
    """Runs a coroutine in a new event loop, of each kind."""
    if request.param == "asyncio":
        return asyncio.run
    uvloop = pytest.importorskip("uvloop")

    def run(operation):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(operation)
    return run


SMALL = """
nrbac: 1
policy: { name: small, version: "1", provenance: local }
activities:
  B0820: { name: View Patient Demographics }
  B0825: { name: Amend Patient Demographics, includes: [B0820] }
  B0572: { name: Manage Pharmacy Activities }
  B0168: { name: Emergency access to SCR }
job_roles:
  R8000: { name: Clinical Practitioner Access Role }
baseline:
  - { roles: [R8000], activities: [B0825, B0168] }
obligations:
  notify-access: { name: Tell the privacy officer who looked }
functions:
  patient.view: { name: View demographics, require: B0820 }
  scr.emergency: { name: View in an emergency, require: B0168, obligations: [notify-access] }
"""
# The same without B0820 and what needs it, and with B0572.
OTHER = SMALL.replace("activities: [B0825, B0168]", "activities: [B0572, B0168]").replace('version: "1"', 'version: "2"')


def who(role="R8000", **more):
    """A request for a session."""
    profile = {"id": "1001", "role": role, "organisation": "RBA", **more}
    return {"subject": {"type": "healthcare-worker", "properties": {"profile": profile}}}


def asks(name, **more):
    """A whole request."""
    return {**who(**more), "action": {"name": name}}


def resident_kb():
    """Of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")
