# SPDX-License-Identifier: Apache-2.0
"""Starts and ends nrbacd. Sockets live in short, world-readable folders of their own."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .paths import NRBACD
from .rpc import Client, until

# Runs a program as systemd would: the listening socket is descriptor 3, and the environment says whose it is.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""

# AddressSanitizer keeps freed memory for a while: a daemon built with it may grow more before it is called unbounded.
ROOM = 8 if NRBACD.is_file() and b"__asan_init" in NRBACD.read_bytes() else 1

# Every test that does not say itself how many threads serve can be run with several, and with an audit trail
# (NRBACD_AUDIT is its durability) where it does not say itself that there is one.
THREADS = os.environ.get("NRBACD_THREADS")
AUDIT = os.environ.get("NRBACD_AUDIT")


class Daemon:
    """One running daemon."""

    def __init__(self, process, path, errors):
        self.process = process
        self.socket = path
        self.errors = errors
        self.clients = []

    @property
    def stderr(self):
        return self.errors.read_text(errors="replace")

    def client(self, timeout=10):
        client = Client(self.socket, timeout)
        self.clients.append(client)
        return client

    def accepts(self):
        try:
            with Client(self.socket, timeout=2):
                return True
        except OSError:
            return False

    def wait_until_ready(self, seconds=15):
        ready = until(lambda: self.process.poll() is not None or (self.stderr.strip() and self.accepts()), seconds)
        assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.stderr}"
        assert ready, f"the daemon is not ready after {seconds} s:\n{self.stderr}"

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=15):
        """The exit status."""
        return self.process.wait(seconds)

    def stop(self, seconds=15):
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def resident_kb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Daemons:
    """All daemons of one test."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="nrbac-"))
        self.folder.chmod(0o755)
        self.all = []

    def new_path(self):
        return self.folder / f"{len(self.all)}.sock"

    def spawn(self, *arguments, path=None, env=None, passed=None):
        """Starts a daemon with exactly these arguments, and does not wait."""
        path = path or self.new_path()
        errors = self.folder / f"{len(self.all)}.stderr"
        command = [str(NRBACD), *[str(argument) for argument in arguments]]
        print("$ " + " ".join(command))
        keep = ()
        if passed is not None:
            keep = (passed.fileno(),)
            command = [sys.executable, "-c", ACTIVATE, str(passed.fileno()), *command]
        environment = {key: value for key, value in os.environ.items() if key not in ("NOTIFY_SOCKET", "LISTEN_FDS")}
        environment.update(env or {})
        with errors.open("wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=out,
                                       env=environment, pass_fds=keep)
        daemon = Daemon(process, path, errors)
        self.all.append(daemon)
        return daemon

    def start(self, policy, *options, path=None, env=None, passed=None):
        """Starts a daemon that serves the policy, and waits until it is ready."""
        path = path or self.new_path()
        if THREADS and "--threads" not in options:
            options = ("--threads", THREADS, *options)
        daemon = self.spawn("--policy", policy, "--socket", path, *self.audit(options), *options,
                            path=path, env=env, passed=passed)
        daemon.wait_until_ready()
        return daemon

    def audit(self, options):
        if "--audit" in options:
            return ()
        if AUDIT:
            return ("--audit", self.folder / f"{len(self.all)}.trail", "--audit-durability", AUDIT)
        return ("--unsafe-no-audit",)

    def refused(self, *arguments, path=None, seconds=15, env=None):
        """Starts a daemon that must give up by itself: (status, stderr)."""
        daemon = self.spawn(*arguments, path=path, env=env)
        try:
            status = daemon.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"the daemon runs, where it should have refused:\n{daemon.stderr}") from error
        print(f"status {status}\n--- stderr\n{daemon.stderr}")
        assert status >= 0, f"ended by signal {-status}"
        return status, daemon.stderr

    def listener(self):
        """A listening socket such as systemd would pass."""
        path = self.folder / "passed.sock"
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        listening.listen(16)
        return listening, path

    def end(self):
        for daemon in self.all:
            for client in daemon.clients:
                client.close()
            if daemon.process.poll() is None:
                daemon.process.terminate()
        deadline = time.monotonic() + 10
        for daemon in self.all:
            try:
                daemon.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                daemon.process.kill()
                daemon.process.wait()
            print(f"--- stderr of the daemon\n{daemon.stderr[-4000:]}")
        raced = any("WARNING: ThreadSanitizer" in daemon.stderr for daemon in self.all)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not raced, "the thread sanitizer says that a daemon has a race"


def replace_killed(daemons, served, *options):
    """Kills it; another one on its socket."""
    served.process.kill()
    served.wait()
    return daemons.start(*options, path=served.socket)
