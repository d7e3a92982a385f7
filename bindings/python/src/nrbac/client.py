# SPDX-License-Identifier: Apache-2.0
"""Asks a running nrbacd over its socket. `nrbac.open("unix:...")` makes a Client; nrbac.aio has the same for asyncio."""
from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from . import _protocol
from ._fork import renew_in_children
from ._protocol import IN_FLIGHT, TIMEOUT, Backoff, Call, Known, Link, Lost, Name, Post, Steps, Turn
from ._types import Answer, Decision, Request
from ._watch import Watch
from .errors import Closed, DaemonUnavailable, Error, ProtocolError, QueueFull, Refused, Timeout

T = TypeVar("T")
RECEIVE_BYTES = 1 << 16
FOR_ALL = (Closed, ProtocolError, Refused)
"""What ends a connection and is told to everybody who waits on it; after anything else they ask again."""


class _Waiter:
    """A thread that waits for an answer."""

    __slots__ = ("error", "result", "state")

    def __init__(self) -> None:
        self.state = "waiting"  # or: answered, lost
        self.result: Any = None
        self.error: Error | None = None


class Session:
    """A subject in the role profile in force. It is opened again by itself after a reconnect, unless it was revoked or has expired."""

    def __init__(self, client: Client, known: Known) -> None:
        self._client = client
        self._known = known

    def check(self, name: str | Name, *, timeout: float | None = None) -> bool:
        """May the subject do this? True only for a permit without obligations."""
        return bool(self.decide(name, timeout=timeout))

    def check_many(self, names: Iterable[str | Name], *, timeout: float | None = None) -> list[bool]:
        """check() of each name, as a list, in one call."""
        return [bool(decision) for decision in self.decide_many(names, timeout=timeout)]

    def decide(self, name: str | Name, *, timeout: float | None = None) -> Decision:
        """The Decision with its reason and obligations."""
        return self._client._run(_protocol.decide(self._known, name), timeout)

    def decide_many(self, names: Iterable[str | Name], *, timeout: float | None = None) -> list[Decision]:
        """decide() of each name, as a list, in one call."""
        return self._client._run(_protocol.decide_many(self._known, _protocol.several(names)), timeout)

    @property
    def valid_until(self) -> datetime | None:
        """When the subject's evidence expires, in UTC; None: it does not say."""
        return _protocol.valid_until(self._known)

    @property
    def answer(self) -> dict[str, Any]:
        """The answer to its last opening: profile, activities, functions and more."""
        return self._known.answer

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._known.closed

    def close(self) -> None:
        """Ends the session, without waiting; any question after it raises Closed."""
        self._client._run(_protocol.close_session(self._known), None)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client:
    """A daemon's socket. Any number of threads may use it at once: they share one connection, and none waits for another's answer.

    It connects with the first call, and again whenever it must. Every call ends within its timeout: with its answer, or
    with DaemonUnavailable, Timeout, ProtocolError, QueueFull or Refused. In a forked child it and its sessions go on, on a
    connection of the child's own.
    """

    def __init__(self, path: str, *, timeout: float = TIMEOUT, in_flight: int = IN_FLIGHT) -> None:
        self._path = path
        self._timeout = timeout
        self._in_flight = in_flight
        self._closed = False
        self._begin()
        renew_in_children(self)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition(threading.Lock())  # guards all that follows
        self._socket: socket.socket | None = None
        self._link: Link[_Waiter] | None = None
        self._reading = False
        self._stranded = 0
        self._backoff = Backoff()
        self._not_before = 0.0
        self._why: OSError | Error | None = None
        self._sending = threading.Lock()  # one message after the other

    def _renew(self) -> None:
        """In a forked child: the parent's connection is let go, which does not end it, and its locks are nobody's."""
        inherited = self._socket
        self._begin()
        if inherited is not None:
            inherited.close()

    # -- questions --------------------------------------------------------------------------------------------------

    def session(self, request: Request, *, timeout: float | None = None) -> Session:
        """Opens a session for the subject of a request, whose action does not count. NotOpened if there is none."""
        known = Known(self, _protocol.Plain(request), threading.Lock())
        self._run(_protocol.open_session(known), timeout)
        return Session(self, known)

    def prepare(self, name: str) -> Name:
        """A name by which sessions of this client ask most cheaply."""
        return _protocol.prepare(self, name)

    def evaluate(self, request: Request, *, timeout: float | None = None) -> Answer:
        """Answers a whole request: true only for a permit without obligations."""
        return self._run(_protocol.evaluate("evaluate", request), timeout)

    def evaluations(self, request: Request, *, timeout: float | None = None) -> list[Answer]:
        """Answers several requests that share defaults, by AuthZEN's rules for `evaluations`."""
        return self._run(_protocol.evaluations(request), timeout)

    def explain(self, request: Request, *, timeout: float | None = None) -> Answer:
        """As evaluate, with everything that led to the decision."""
        return self._run(_protocol.evaluate("explain", request), timeout)

    # -- the policy and the daemon ----------------------------------------------------------------------------------

    def policy(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The policy in force: name, version, digest, generation, counts and more."""
        return self._run(_protocol.about("policy"), timeout)

    @property
    def generation(self) -> int:
        """The number of the policy in force, as the daemon says now."""
        return self._run(_protocol.generation(), None)

    def watch(self, callback: Callable[[int], object], *, every: float = 1.0) -> Watch:
        """Calls `callback` with the generation of each new policy, from a thread that asks for it, until the Watch is closed."""
        return Watch(lambda: self.generation, callback, every)

    def health(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Whether the daemon is well."""
        return self._run(_protocol.about("health"), timeout)

    def metrics(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The daemon's counters."""
        return self._run(_protocol.about("metrics"), timeout)

    def reload(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Has the daemon load its policy again; `ok` is false, with the mistakes, if it keeps the last one."""
        return self._run(_protocol.reload(), timeout)

    def revoke(self, *, sid: str | None = None, sub: str | None = None, role_profile: str | None = None, timeout: float | None = None) -> int:
        """Ends sessions everywhere: those of which everything that is given holds. How many."""
        return self._run(_protocol.revoke(sid=sid, sub=sub, role_profile=role_profile), timeout)

    def stop(self, stopped: bool, *, timeout: float | None = None) -> bool:
        """Stops all deciding with policy-stale, or lets it go on."""
        return self._run(_protocol.stop(stopped), timeout)

    # -- life -------------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Closes the connection and its sessions; who still waits for an answer gets Closed."""
        with self._changed:
            self._closed = True
            self._drop(self._socket, Closed("the client is closed"))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- running operations -----------------------------------------------------------------------------------------

    def _run(self, steps: Steps[T], timeout: float | None) -> T:
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        try:
            need = next(steps)
            while True:
                try:
                    got = self._do(need, deadline)
                except BaseException as error:  # the operation decides what it means
                    need = steps.throw(error)
                else:
                    need = steps.send(got)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            steps.close()

    def _do(self, need: Call | Post | Turn, deadline: float) -> Any:
        if isinstance(need, Call):
            return self._call(need, deadline)
        if isinstance(need, Post):
            return self._post(need, deadline)
        if not self._lock_of(need.known).acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise self._too_late()
        return None

    def _lock_of(self, known: Known) -> threading.Lock:
        with self._changed:
            if known.process != self._process:
                known.lock, known.process = threading.Lock(), self._process
            return known.lock  # type: ignore[no-any-return]

    def _call(self, call: Call, deadline: float) -> tuple[Link[_Waiter], Any]:
        while True:
            waiter = _Waiter()
            with self._changed:
                if call.on is not None and call.on is not self._link and not self._closed:
                    raise Lost
                link, sock = self._connected(deadline)
                number, data = link.request(call.method, call.params, waiter, call.size)
            self._send(sock, data, deadline)
            with self._changed:
                self._await(link, sock, number, waiter, deadline)
            if waiter.state == "answered":
                return link, waiter.result
            if call.on is not None:
                raise Lost
            if not call.again:
                raise DaemonUnavailable(f"the daemon at {self._path} went away before it answered")

    def _post(self, post: Post, deadline: float) -> None:
        with self._changed:
            if post.on is not self._link or self._socket is None:
                return
            sock, data = self._socket, self._link.notification(post.method, post.params)
        self._send(sock, data, deadline)

    # -- the connection: all but _send and _receive with self._changed held -----------------------------------------

    def _connected(self, deadline: float) -> tuple[Link[_Waiter], socket.socket]:
        while self._link is None or self._socket is None:
            if self._closed:
                raise Closed("the client is closed")
            now = time.monotonic()
            if now >= self._not_before:
                self._connect(now)
            elif now >= deadline:
                raise self._too_late() from self._why
            elif self._stranded >= self._in_flight:
                raise QueueFull(f"{self._in_flight} calls wait for a daemon at {self._path}")
            else:
                self._wait_for_it(min(self._not_before, deadline) - now)
        return self._link, self._socket

    def _too_late(self) -> Error:
        if self._link is None:
            return DaemonUnavailable(f"no daemon at {self._path}: {self._why}")
        return Timeout(f"the daemon at {self._path} did not answer in time")

    def _wait_for_it(self, seconds: float) -> None:
        self._stranded += 1
        try:
            self._changed.wait(seconds)
        finally:
            self._stranded -= 1

    def _connect(self, now: float) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        link: Link[_Waiter] = Link(self._in_flight)
        greeting = _Waiter()
        try:
            sock.connect(self._path)
            sock.send(link.greeting(greeting))
        except OSError as error:
            sock.close()
            self._why = error
            self._not_before = now + self._backoff.failed()
            return
        greeting.state = "greeting"
        self._link, self._socket = link, sock
        self._changed.notify_all()

    def _drop(self, sock: socket.socket | None, error: OSError | Error) -> None:
        """Gives the connection up; who waits is told. Of two threads that find it broken one does this."""
        link = self._link
        if sock is None or sock is not self._socket or link is None:
            return
        self._link = self._socket = None
        self._why = error
        self._not_before = time.monotonic() + self._backoff.failed()
        for waiter in link.waiting():
            waiter.state = "lost"
            waiter.error = error if isinstance(error, FOR_ALL) else None
        if self._reading:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # who reads it wakes and closes it
        else:
            sock.close()
        self._changed.notify_all()

    def _send(self, sock: socket.socket, data: bytes, deadline: float) -> None:
        """Sends all of it; where it cannot, the connection is given up, since half a message may be on its way."""
        view = memoryview(data)
        error: OSError | Error | None = None
        if not self._sending.acquire(timeout=max(0.0, deadline - time.monotonic())):
            error = Timeout(f"the daemon at {self._path} does not read")
        else:
            try:
                while view:
                    view = view[_write(sock, view, deadline):]
            except OSError as problem:  # a Timeout, too
                error = problem
            finally:
                self._sending.release()
        if error is not None:
            with self._changed:
                self._drop(sock, error)
        if isinstance(error, Timeout):
            raise error

    def _await(self, link: Link[_Waiter], sock: socket.socket, number: int, waiter: _Waiter, deadline: float) -> None:
        """Waits until the waiter is answered or lost; one of those who wait reads for all."""
        try:
            while waiter.state == "waiting":
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._too_late()
                if self._reading:
                    self._changed.wait(left)
                else:
                    self._read(link, sock, left)
        finally:
            if waiter.state == "waiting":
                link.forget(number)
        if waiter.error is not None:
            raise waiter.error

    def _read(self, link: Link[_Waiter], sock: socket.socket, left: float) -> None:
        self._reading = True
        self._changed.release()
        data: bytes | None = b""
        problem = OSError("it closed the connection")
        try:
            data = _receive(sock, left)
        except OSError as error:
            problem = error
        finally:
            self._changed.acquire()
            self._reading = False
            self._changed.notify_all()  # somebody else reads on, once this one lets go
        if sock is not self._socket:
            sock.close()  # it was given up meanwhile
        elif data:
            self._take(link, sock, data)
        elif data is not None:
            self._drop(sock, problem)

    def _take(self, link: Link[_Waiter], sock: socket.socket, data: bytes) -> None:
        try:
            for waiter, error, result in link.receive(data):
                if waiter.state == "greeting":
                    self._backoff.connected()
                    if error is None:
                        _protocol.greeted(link, result)
                waiter.state, waiter.error, waiter.result = "answered", error, result
        except (ProtocolError, Refused) as error:
            self._drop(sock, error)


def _write(sock: socket.socket, view: memoryview, deadline: float) -> int:
    try:
        return sock.send(view)
    except BlockingIOError:
        if not _ready(sock, select.POLLOUT, deadline - time.monotonic()):
            raise Timeout("the daemon does not read") from None
        return 0


def _receive(sock: socket.socket, left: float) -> bytes | None:
    """What came; empty: the end; None: nothing in time."""
    try:
        return sock.recv(RECEIVE_BYTES) if _ready(sock, select.POLLIN, left) else None
    except BlockingIOError:
        return None


def _ready(sock: socket.socket, what: int, left: float) -> bool:
    poll = select.poll()
    poll.register(sock, what)
    return bool(poll.poll(max(0.0, left) * 1000))
