# SPDX-License-Identifier: Apache-2.0
"""A daemon that misbehaves: it accepts, and does with each connection what it is told to."""
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import msgpack
import pytest

HELLO = {"server": "nrbacd", "version": "0", "policy": {}, "limits": {"batch": 1024}, "numbers": {}}


class Peer:
    """The other end of one connection."""

    def __init__(self, connection):
        self.socket = connection
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)

    def requests(self):
        """What is asked, without the greetings, which are answered; ends with the connection."""
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except OSError:
                return
            if not data:
                return
            self.unpacker.feed(data)
            for message in self.unpacker:
                if message[0] == 0 and message[2] == "hello":
                    self.answer(message[1], HELLO)
                else:
                    yield message

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def answer(self, number, result, error=None):
        self.send(msgpack.packb([1, number, error, result]))


class Fake:
    """Listens; `act(peer)` is called for each connection, in a thread of its own."""

    def __init__(self, act):
        self.folder = Path(tempfile.mkdtemp(prefix="nrbac-"))
        self.path = self.folder / "fake.sock"
        self.act = act
        self.accepted = 0
        self.connections = []
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(str(self.path))
        self.listening.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def source(self):
        return f"unix:{self.path}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.accepted += 1
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        self.act(Peer(connection))
        connection.close()

    def end(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def fake():
    made = []

    def make(act):
        made.append(Fake(act))
        return made[-1]
    yield make
    for one in made:
        one.end()
