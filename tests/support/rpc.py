# SPDX-License-Identifier: Apache-2.0
"""A client of the socket, written from the contract alone: MessagePack-RPC over a Unix stream socket."""
import socket
import time

import msgpack

from .answers import checked


class RpcError(Exception):
    """The daemon answered with an error."""

    def __init__(self, error):
        super().__init__(str(error))
        self.code = error["code"]
        self.text = error["message"]


class Closed(Exception):
    """The daemon closed the connection."""


class Client:
    """One connection."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=1 << 28)
        self.next_id = 1
        self.early = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def post(self, method, *params):
        """Sends a request and does not wait; its number comes back."""
        number = self.next_id
        self.next_id += 1
        self.send(msgpack.packb([0, number, method, list(params)]))
        return number

    def notify(self, method, *params):
        self.send(msgpack.packb([2, method, list(params)]))

    def receive(self):
        """The next message, whatever it is."""
        while True:
            try:
                return self.unpacker.unpack()
            except msgpack.OutOfData:
                pass
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError as error:
                raise Closed from error
            if not data:
                raise Closed
            self.unpacker.feed(data)

    def wait(self, number):
        """The result of one request; answers to others are kept for those who wait for them."""
        while number not in self.early:
            message = self.receive()
            assert isinstance(message, list) and len(message) == 4 and message[0] == 1, f"not a response: {message}"
            self.early[message[1]] = message
        _, _, error, result = self.early.pop(number)
        if error is not None:
            assert set(error) >= {"code", "message"}, f"not an error: {error}"
            raise RpcError(error)
        return result

    def call(self, method, *params):
        print(f"--> {method} {params}"[:2000])
        try:
            result = self.wait(self.post(method, *params))
        except RpcError as error:
            print(f"<-- {error}")
            raise
        print(f"<-- {result}"[:2000])
        return result

    def evaluate(self, request):
        return checked(self.call("evaluate", request))

    def open(self, request):
        """A session that must come to be; its number."""
        opened = self.call("open", request)
        assert opened["effect"] == "permit" and opened["reason"] == "opened", opened
        return opened["session"]

    def code_of(self, method, *params):
        """The slug of the error that the call must end in."""
        try:
            result = self.call(method, *params)
        except RpcError as error:
            return error.code
        raise AssertionError(f"{method} was answered with {result}, where an error is due")


def error_or_closed(client, seconds=10):
    """What a client gets that broke the rules: the error's slug, or "closed". Silence is neither."""
    client.socket.settimeout(seconds)
    try:
        message = client.receive()
    except Closed:
        return "closed"
    assert isinstance(message, list) and len(message) == 4 and message[0] == 1 and message[2], f"not an error: {message}"
    return message[2]["code"]


def until(condition, seconds=10, every=0.02):
    """Waits for something to become true; its value."""
    ends = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > ends:
            return value
        time.sleep(every)
