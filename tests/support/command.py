# SPDX-License-Identifier: Apache-2.0
"""Runs the command and keeps what it said. Everything is printed, so that a failing test shows it."""
import json
import subprocess
import time

from .paths import NRBAC


def shorten(text, limit=4000):
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[... {len(text) - limit} more characters]"


class Result:
    """What a finished command left behind."""

    def __init__(self, arguments, completed, seconds):
        self.arguments = arguments
        self.status = completed.returncode
        self.stdout = completed.stdout
        self.out = completed.stdout.decode("utf-8", "replace")
        self.err = completed.stderr.decode("utf-8", "replace")
        self.all = self.out + self.err
        self.seconds = seconds

    def json(self):
        """Standard output as exactly one JSON document."""
        return json.loads(self.out)

    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def show(self):
        print("$ " + " ".join(str(argument) for argument in self.arguments))
        print(f"status {self.status}, {self.seconds:.2f} s")
        print("--- stdout\n" + shorten(self.out))
        print("--- stderr\n" + shorten(self.err))


def run(*arguments, stdin=b"", cwd=None, timeout=30, program=NRBAC, env=None, quiet=False):
    """Runs `nrbac arguments...`. Ending by a signal, or with a status the contract does not know, is always a failure."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    command = [str(program), *[str(argument) for argument in arguments]]
    started = time.monotonic()
    completed = subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, timeout=timeout, env=env, check=False)
    result = Result(command, completed, time.monotonic() - started)
    if not quiet:
        result.show()
    assert result.status in (0, 1, 2, 3), f"status {result.status}: a signal, or a status that the contract does not know"
    return result
