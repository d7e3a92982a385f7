# SPDX-License-Identifier: Apache-2.0
"""Many connections at once, and what a daemon has left of what the machine gives it."""
import os
import re
import resource
import selectors
import socket
import time
from pathlib import Path

import msgpack
import pytest

EVERYTHING = resource.RLIM_INFINITY


def need_descriptors(count):
    """Lets this process, and what it starts, have so many; where that cannot be, the test is skipped."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != EVERYTHING and soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard if hard == EVERYTHING else max(hard, count)))
        except (ValueError, OSError):
            pytest.skip(f"this machine gives a process {hard} descriptors; the test takes {count}")


def bounded(daemon, limit, value):
    """Puts a limit on a daemon that runs."""
    resource.prlimit(daemon.process.pid, limit, (value, resource.getrlimit(limit)[1]))


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def mapped_bytes(daemon):
    return int(re.search(r"VmSize:\s+(\d+)", Path(f"/proc/{daemon.process.pid}/status").read_text()).group(1)) * 1024


def connect(daemon, timeout=30):
    """Waits where the daemon's queue is full, which a socket with a timeout would not do."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.connect(str(daemon.socket))
    connected.settimeout(timeout)
    return connected


def frames(method, params, numbers):
    return b"".join(msgpack.packb([0, number, method, params]) for number in numbers)


class Stream:
    """A connection that sends all it is given and takes every answer, as fast as both sides can."""

    def __init__(self, connected, data):
        self.socket = connected
        self.rest = memoryview(data)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        self.answers = []
        self.received = 0           # bytes
        self.broken = False         # not all that was to be sent could be
        self.ended = None           # "closed", or "reset": there was something that the daemon had not read
        connected.setblocking(False)

    def send(self):
        try:
            while self.rest:
                self.rest = self.rest[self.socket.send(self.rest[:1 << 18]):]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.broken = True
            self.rest = memoryview(b"")

    def receive(self):
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.ended = "reset"
            return
        if not data:
            self.ended = "closed"
            return
        self.received += len(data)
        self.unpacker.feed(data)
        self.answers.extend(self.unpacker)


def run_streams(streams, is_done, seconds):
    """Until each is done or has ended; false: time is up."""
    deadline = time.monotonic() + seconds
    waiting = set(streams)
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, stream)
        while waiting and time.monotonic() < deadline:
            for key, events in selector.select(0.1):
                stream = key.data
                if events & selectors.EVENT_WRITE:
                    stream.send()
                    if not stream.rest:
                        selector.modify(stream.socket, selectors.EVENT_READ, stream)
                if events & selectors.EVENT_READ:
                    stream.receive()
                if stream in waiting and (stream.ended or is_done(stream)):
                    waiting.discard(stream)
                    selector.unregister(stream.socket)
    return not waiting
