# SPDX-License-Identifier: Apache-2.0
"""The client for asyncio: as nrbac.client, with `await`. Calls are pipelined on one connection.

    client = nrbac.aio.open("unix:/run/nrbac")
    session = await client.session(request)
    if await session.check("B0820"):
        ...
"""
from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast

from . import _protocol
from ._engine import Engine, split
from ._fork import renew_in_children
from ._protocol import IN_FLIGHT, TIMEOUT, Backoff, Call, Known, Link, Lost, Name, Post, Steps, Turn
from ._types import Answer, Decision, Request
from .errors import Closed, DaemonUnavailable, Error, ProtocolError, QueueFull, Refused, Timeout, TransportError

T = TypeVar("T")
Waiter: TypeAlias = "asyncio.Future[Any]"


def open(source: str, *, timeout: float = TIMEOUT, in_flight: int = IN_FLIGHT) -> Client:
    """A Client for `unix:SOCKET`, or the folder of a daemon's nrbacd.sock. It connects with the first call."""
    kind, path = split(source)
    if kind != "unix":
        raise ValueError(f"`{source}` is decided on in this process: nrbac.open() opens it, and nothing of it waits")
    return Client(path, timeout=timeout, in_flight=in_flight)


async def generations(of: Client | Engine, *, every: float = 1.0) -> AsyncIterator[int]:
    """The generation of each new policy, for ever, or until what it is of is closed."""
    last: int | None = None
    while True:
        try:
            now = of.generation if isinstance(of, Engine) else await of.generation()
        except TransportError:
            now = last or 0  # the daemon is away; what it will say then counts
        except Closed:
            return
        if last is not None and now != last:
            yield now
        last = now
        await asyncio.sleep(every)


class Session:
    """A subject in the role profile in force. It is opened again by itself after a reconnect, unless it was revoked or has expired."""

    def __init__(self, client: Client, known: Known) -> None:
        self._client = client
        self._known = known

    async def check(self, name: str | Name, *, timeout: float | None = None) -> bool:
        """May the subject do this? True only for a permit without obligations."""
        return bool(await self.decide(name, timeout=timeout))

    async def check_many(self, names: Iterable[str | Name], *, timeout: float | None = None) -> list[bool]:
        """check() of each name, as a list, in one call."""
        return [bool(decision) for decision in await self.decide_many(names, timeout=timeout)]

    async def decide(self, name: str | Name, *, timeout: float | None = None) -> Decision:
        """The Decision with its reason and obligations."""
        return await self._client._run(_protocol.decide(self._known, name), timeout)

    async def decide_many(self, names: Iterable[str | Name], *, timeout: float | None = None) -> list[Decision]:
        """decide() of each name, as a list, in one call."""
        return await self._client._run(_protocol.decide_many(self._known, _protocol.several(names)), timeout)

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

    async def close(self) -> None:
        """Ends the session, without waiting; any question after it raises Closed."""
        await self._client._run(_protocol.close_session(self._known), None)

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Client:
    """A daemon's socket, for the tasks of one event loop.

    It connects with the first call, and again whenever it must. Every call ends within its timeout: with its answer, or
    with DaemonUnavailable, Timeout, ProtocolError, QueueFull or Refused. The answer to a call that is cancelled is dropped.
    In a forked child it and its sessions go on, in a loop and on a connection of the child's own.
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
        self._under_way = 0
        self._wire: _Wire | None = None
        self._connecting = asyncio.Lock()
        self._backoff = Backoff()
        self._not_before = 0.0
        self._why: BaseException | None = None

    def _renew(self) -> None:
        """In a forked child: the parent's connection is let go, which does not end it, and its loop is not touched."""
        inherited = self._wire
        self._begin()
        if inherited is not None:
            inherited.let_go()

    # -- questions --------------------------------------------------------------------------------------------------

    async def session(self, request: Request, *, timeout: float | None = None) -> Session:
        """Opens a session for the subject of a request, whose action does not count. NotOpened if there is none."""
        known = Known(self, _protocol.Plain(request), asyncio.Lock())
        await self._run(_protocol.open_session(known), timeout)
        return Session(self, known)

    def prepare(self, name: str) -> Name:
        """A name by which sessions of this client ask most cheaply."""
        return _protocol.prepare(self, name)

    async def evaluate(self, request: Request, *, timeout: float | None = None) -> Answer:
        """Answers a whole request: true only for a permit without obligations."""
        return await self._run(_protocol.evaluate("evaluate", request), timeout)

    async def evaluations(self, request: Request, *, timeout: float | None = None) -> list[Answer]:
        """Answers several requests that share defaults, by AuthZEN's rules for `evaluations`."""
        return await self._run(_protocol.evaluations(request), timeout)

    async def explain(self, request: Request, *, timeout: float | None = None) -> Answer:
        """As evaluate, with everything that led to the decision."""
        return await self._run(_protocol.evaluate("explain", request), timeout)

    # -- the policy and the daemon ----------------------------------------------------------------------------------

    async def policy(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The policy in force: name, version, digest, generation, counts and more."""
        return await self._run(_protocol.about("policy"), timeout)

    async def generation(self, *, timeout: float | None = None) -> int:
        """The number of the policy in force, as the daemon says now."""
        return await self._run(_protocol.generation(), timeout)

    def generations(self, *, every: float = 1.0) -> AsyncIterator[int]:
        """The generation of each new policy, until the client is closed; the daemon is asked for it now and then."""
        return generations(self, every=every)

    async def health(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Whether the daemon is well."""
        return await self._run(_protocol.about("health"), timeout)

    async def metrics(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The daemon's counters."""
        return await self._run(_protocol.about("metrics"), timeout)

    async def reload(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Has the daemon load its policy again; `ok` is false, with the mistakes, if it keeps the last one."""
        return await self._run(_protocol.reload(), timeout)

    async def revoke(self, *, sid: str | None = None, sub: str | None = None, role_profile: str | None = None,
                     timeout: float | None = None) -> int:
        """Ends sessions everywhere: those of which everything that is given holds. How many."""
        return await self._run(_protocol.revoke(sid=sid, sub=sub, role_profile=role_profile), timeout)

    async def stop(self, stopped: bool, *, timeout: float | None = None) -> bool:
        """Stops all deciding with policy-stale, or lets it go on."""
        return await self._run(_protocol.stop(stopped), timeout)

    # -- life -------------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    async def close(self) -> None:
        """Closes the connection and its sessions; who still waits for an answer gets Closed."""
        self._closed = True
        if self._wire is not None:
            self._wire.give_up(Closed("the client is closed"))

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- running operations -----------------------------------------------------------------------------------------

    async def _run(self, steps: Steps[T], timeout: float | None) -> T:
        if self._under_way >= self._in_flight:
            steps.close()
            raise QueueFull(f"{self._in_flight} calls wait for their answers")
        self._under_way += 1
        try:
            async with asyncio.timeout(self._timeout if timeout is None else timeout):
                return await self._drive(steps)
        except TimeoutError as error:
            if isinstance(error, Error):
                raise
            if self._wire is None:
                raise DaemonUnavailable(f"no daemon at {self._path}: {self._why}") from self._why
            raise Timeout(f"the daemon at {self._path} did not answer in time") from None
        finally:
            self._under_way -= 1
            steps.close()

    async def _drive(self, steps: Steps[T]) -> T:
        try:
            need = next(steps)
            while True:
                try:
                    got = await self._do(need)
                except BaseException as error:  # the operation decides what it means
                    need = steps.throw(error)
                else:
                    need = steps.send(got)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _do(self, need: Call | Post | Turn) -> Any:
        if isinstance(need, Call):
            return await self._call(need)
        if isinstance(need, Post):
            if self._wire is not None and self._wire.link is need.on:
                self._wire.send(self._wire.link.notification(need.method, need.params))
            return None
        if need.known.process != self._process:
            need.known.lock, need.known.process = asyncio.Lock(), self._process
        await need.known.lock.acquire()
        return None

    async def _call(self, call: Call) -> tuple[Link[Waiter], Any]:
        while True:
            if call.on is not None and (self._wire is None or self._wire.link is not call.on) and not self._closed:
                raise Lost
            wire = await self._connected()
            try:
                return wire.link, await wire.ask(call)
            except Lost:
                if call.on is not None:
                    raise
            if not call.again:
                raise DaemonUnavailable(f"the daemon at {self._path} went away before it answered")

    async def _connected(self) -> _Wire:
        if self._wire is not None:
            return self._wire
        async with self._connecting:
            while self._wire is None:
                if self._closed:
                    raise Closed("the client is closed")
                await asyncio.sleep(self._not_before - self._now())
                await self._connect()
            return self._wire

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, wire = await loop.create_unix_connection(lambda: _Wire(self, Link(self._in_flight)), self._path)
        except OSError as error:
            self._failed(error)
            return
        if not wire.lost:
            self._wire = wire

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _failed(self, why: BaseException) -> None:
        self._wire = None
        self._why = why
        self._not_before = self._now() + self._backoff.failed()


class _Wire(asyncio.Protocol):
    """One connection."""

    def __init__(self, client: Client, link: Link[Waiter]) -> None:
        self.client = client
        self.link = link
        self.lost = False
        self._transport: asyncio.Transport | None = None
        self._greeting: Waiter | None = None
        self._outgoing: list[bytes] = []
        self._writable = asyncio.Event()
        self._writable.set()

    async def ask(self, call: Call) -> Any:
        """The result of a call; Lost if the connection is."""
        await self._writable.wait()
        if self.lost:
            raise Lost
        future: Waiter = asyncio.get_running_loop().create_future()
        _, data = self.link.request(call.method, call.params, future, call.size)
        self.send(data)
        return await future

    def send(self, data: bytes) -> None:
        """Sends it, together with what else is asked in this turn of the loop."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(data)

    def _flush(self) -> None:
        if self._transport is not None and not self.lost:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def give_up(self, error: BaseException | None) -> None:
        """Ends the connection; who waits is told."""
        if self.lost:
            return
        self.lost = True
        self._writable.set()
        if self._transport is not None:
            self._transport.abort()
        if self.client._wire in (self, None):
            self.client._failed(error or OSError("it closed the connection"))
        for future in self.link.waiting():
            if not future.done():
                future.set_exception(error if isinstance(error, (Closed, ProtocolError, Refused)) else Lost())

    def let_go(self) -> None:
        """Of the parent process's connection. Its transport and its loop still know the descriptor, which becomes nobody's."""
        self.lost = True
        sock = None if self._transport is None else self._transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            nobody = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            os.dup2(nobody, sock.fileno(), inheritable=False)
            os.close(nobody)

    # -- what the event loop calls ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._greeting = asyncio.get_running_loop().create_future()
        self._greeting.add_done_callback(lambda greeting: greeting.exception())  # looked at, whatever it is
        self.send(self.link.greeting(self._greeting))

    def data_received(self, data: bytes) -> None:
        try:
            for future, error, result in self.link.receive(data):
                if future is self._greeting:
                    self.client._backoff.connected()
                    if error is None:
                        _protocol.greeted(self.link, result)
                if future.done():
                    continue  # nobody waits for it any more
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(result)
        except (ProtocolError, Refused) as error:
            self.give_up(error)

    def connection_lost(self, error: Exception | None) -> None:
        self.give_up(error)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
