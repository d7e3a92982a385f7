# SPDX-License-Identifier: Apache-2.0
"""A program that decides on a daemon's shared table in its own process: tests/daemon/attach_tool.c."""
import os
import re
import signal
import subprocess
from pathlib import Path

from .paths import ATTACH_TOOL

SOON = 0.1      # seconds: what the contract allows between a change and its effect
# Time until this process and that one run again, on a machine that others use too. It is added to SOON.
NOISE = 0.25


class Attached:
    """One such program. Its engine follows `source` as soon as it is opened."""

    def __init__(self, source=None, wrapped=(), user=None, errors=subprocess.DEVNULL):
        self.process = subprocess.Popen([*wrapped, str(ATTACH_TOOL)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                        text=True, user=user, group=user, extra_groups=[] if user else None)
        if source is not None:
            assert self.tell(f"open {source}").startswith("ok "), "it attaches"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.end()
        assert kind or status in (0, -signal.SIGKILL), f"the attached program ended with {status}"

    def order(self, line):
        self.process.stdin.write(line + "\n")

    def answer(self):
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the attached program ended with {self.process.wait()}"
        return line.strip()

    def tell(self, line):
        self.order(line)
        said = self.answer()
        print(f"{line} -> {said}")
        return said

    def session(self, role="R8000", sub="-", sid="-", profile="-", valid_until=""):
        """The number of a session that must come to be."""
        number, reason = self.tell(f"session {sub} {sid} {profile} {role} {valid_until}").split()
        assert reason == "opened"
        return int(number)

    def check(self, session, name):
        """(the fast check, reason, generation)"""
        bit, _, reason, generation, *_ = self.tell(f"check {session} {name}").split()
        return bit == "1", reason, int(generation)

    def checks(self, session, names):
        """As the socket's check_many: [decision, reason, generation, [obligations]] of each; the fast check beside it."""
        rows = []
        for name in names:
            self.order(f"check {session} {name}")
        for _ in names:
            bit, effect, reason, generation, *obligations = self.answer().split()
            obligations = obligations[0].split(",") if obligations else []
            rows.append(([effect == "permit", reason, int(generation), obligations], bit == "1"))
        return rows

    def seconds_until(self, started, line):
        """How long after `started` (time.monotonic()) the program saw it."""
        said = self.tell(line)
        assert said != "never"
        return int(said) / 1e9 - started

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text()).group(1))

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process.stdout.close()
        return status


class Recorded(Attached):
    """A program whose decisions are recorded by the daemon."""

    def __init__(self, served, opened="open-recorded", **how):
        super().__init__(**how)
        assert self.tell(f"{opened} shm:{served.socket}").startswith("ok ")

    def record(self, session, name, count):
        """Begins to decide NAME.0, NAME.1, ...; it tells each at once."""
        self.order(f"record {session} {name} {count}")
        self.process.stdin.flush()

    def told(self, count):
        """So many of the lines that it tells: (reason, name)."""
        return [tuple(self.process.stdout.readline().split()) for _ in range(count)]

    def kill(self):
        """Kills it; what it had told."""
        self.process.kill()
        rest = self.process.stdout.read()
        self.process.wait()
        lines = rest.split("\n")[:-1]       # the last one is cut
        return [tuple(line.split()) for line in lines]


def recorded(told):
    """The names of those that were not denied for want of a record."""
    return [name for reason, name in told if reason != "not-recorded"]
