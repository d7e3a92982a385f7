# SPDX-License-Identifier: Apache-2.0
"""A check on the shared table asks the kernel nothing, whatever happens to the policy meanwhile."""
import re
import shutil
import subprocess
import threading

import pytest
from support.attached import Attached
from support.paths import LOGS
from support.policy import text_of
from support.small import SMALL

MORE = SMALL + "  - { roles: [R8000], activities: [B0015] }\n"
CHECKS, CHANGES = 1_000_000, 20


def may_trace():
    tool = shutil.which("strace")
    return tool and subprocess.run([tool, "-o", "/dev/null", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
def test_a_million_checks_make_no_system_call_while_the_policy_is_replaced(policy, daemons, tmp_path):
    source = policy(SMALL)
    served = daemons.start(source.path)
    # A file of system calls for each thread; the one that checks says where its checks begin and end.
    # (A sanitizer that looks for leaks cannot do so while it is traced.)
    tracer = ["strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-ff", "-o", str(tmp_path / "calls")]
    with Attached(f"shm:{served.socket}", wrapped=tracer) as program:
        session = program.session()
        program.order(f"hammer {session} B0820 {CHECKS} {CHANGES}")
        done = threading.Event()
        thread = threading.Thread(target=replace_until, args=(source, served, done))
        thread.start()
        try:
            checks, permitted = (int(word) for word in program.answer().split())
        finally:
            done.set()
            thread.join()
        assert checks >= CHECKS and permitted == checks, "the activity is granted by every policy that came"
        assert program.end() == 0
    threads = [path.read_text() for path in tmp_path.glob("calls.*")]
    assert len(threads) == 2, "the one that checks, and the watcher"
    marked = [text for text in threads if "hammer begins" in text]
    assert len(marked) == 1
    between = re.search(r'"hammer begins.*\n((?:.*\n)*?)write\(2, "hammer ends', marked[0]).group(1)
    assert between == ""
    assert sum(text.count("connect(") for text in threads if text is not marked[0]) >= CHANGES / 2, "the watcher fetched the policies"


def replace_until(source, served, done):
    with served.client() as client:
        while not done.is_set():
            for text in (MORE, SMALL):
                (source.path / "policy.yaml").write_bytes(text_of(text))
                client.wait(client.post("reload"))
                done.wait(0.02)


def counted(source, daemons, checks, changes, told):
    """What `strace -c` says of the thread that checks: {system call: how often}. The table itself goes to `told`."""
    served = daemons.start(source.path)
    told.parent.mkdir(parents=True, exist_ok=True)
    # Without -f it is the first thread alone that is traced; the watcher fetches policies unseen.
    tracer = ["strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-c", "-o", str(told)]
    with Attached(f"shm:{served.socket}", wrapped=tracer) as program:
        session = program.session()
        program.order(f"hammer {session} B0820 {checks} {changes}")
        done = threading.Event()
        thread = threading.Thread(target=replace_until, args=(source, served, done))
        thread.start()
        try:
            assert int(program.answer().split()[0]) >= checks
        finally:
            done.set()
            thread.join()
        assert program.end() == 0
    rows = [line.split() for line in told.read_text().splitlines()]
    return {row[-1]: int(row[3]) for row in rows if len(row) in (5, 6) and row[3].isdigit() and row[-1] != "total"}


@pytest.mark.skipif(not may_trace(), reason="strace is not there, or may not trace")
def test_strace_counts_as_many_calls_for_a_million_checks_as_for_ten(policy, daemons):
    source = policy(SMALL)
    few = counted(source, daemons, 10, 1, LOGS / "strace-10-checks.txt")
    many = counted(source, daemons, CHECKS, CHANGES, LOGS / "strace-1000000-checks.txt")
    assert few["write"] >= 2, "the calls of this very thread were counted"
    # How often it waits for the watcher at the end is chance; each of CHANGES policies must not cost a call either.
    assert all(abs(many.get(call, 0) - few.get(call, 0)) <= 4 for call in few | many), (few, many)
