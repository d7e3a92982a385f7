# SPDX-License-Identifier: Apache-2.0
"""An audit ring as schema/protocol.md describes it, written by hand: what a program in any language could do, also wrongly."""
import mmap
import os
import socket
import struct

import msgpack

PLACES, CELL, CELLS_AT, SIZE = 8192, 256, 4096, 4096 + 8192 * 256
BEGUN, RESERVED, TAKEN = 64, 128, 192
CONTINUES = 1 << 63
FIRST, MORE = 240, 248      # bytes of an entry in its first place, and in each further one


class HandmadeRing:
    """A ring of its own, and the connection that it hangs on."""

    def __init__(self, path, version=1):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.socket.sendall(msgpack.packb([0, 1, "ring", [version]]))
        answer, fds, _, _ = socket.recv_fds(self.socket, 1024, 4)
        self.answer = msgpack.unpackb(answer)
        self.memory = None
        if fds:
            self.memory = mmap.mmap(fds[0], SIZE)
            os.close(fds[0])

    def number(self, at, value=None):
        if value is not None:
            self.memory[at:at + 8] = struct.pack("<Q", value & 2 ** 64 - 1)
        return struct.unpack("<Q", self.memory[at:at + 8])[0]

    def begin(self, place=0):
        self.number(BEGUN, place + 1)

    def reserve(self, places):
        place = self.number(RESERVED)
        self.number(RESERVED, place + places)
        return place

    def cell(self, place):
        return CELLS_AT + place % PLACES * CELL

    def put(self, entry):
        """Publishes an entry; its place."""
        data = entry if isinstance(entry, bytes) else msgpack.packb(entry)
        rest = data[FIRST:]
        parts = [data[:FIRST]] + [rest[i:i + MORE] for i in range(0, len(rest), MORE)]
        place = self.reserve(len(parts))
        for i, part in enumerate(parts):
            at = self.cell(place + i)
            if i == 0:
                part = struct.pack("<Q", len(data)) + part
            else:
                self.number(at, (place + i + 1) | CONTINUES)
            self.memory[at + 8:at + 8 + len(part)] = part
        self.number(self.cell(place), place + 1)
        return place

    def is_open(self):
        """False once the daemon has closed it."""
        self.socket.settimeout(0.01)
        try:
            return self.socket.recv(1) != b""
        except (TimeoutError, BlockingIOError):
            return True
        except OSError:
            return False

    def close(self):
        self.socket.close()
