# SPDX-License-Identifier: Apache-2.0
"""The client without its socket: what is sent, what comes back, and what to do next. Both clients drive it.

A Link is one connection: bytes out, bytes in. An operation is a generator that yields what it needs (a Call, or a Turn to
open a session alone) and is sent what came of it; so each is written once, for threads and for asyncio.
"""
from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import msgpack  # type: ignore[import]

from ._types import Answer, Decision, Request, moment_of_text
from ._words import Effect, Fault, Reason, effect_of, reason_of
from .errors import Closed, Error, ForeignName, NotOpened, ProtocolError, QueueFull, Refused

VERSION = "0.1.0"
TIMEOUT = 5.0
"""Seconds that a call may take."""
IN_FLIGHT = 1024
"""Calls of one client that may wait for their answers."""
BATCH = 1024
"""Names in one call, until the daemon says how many it takes."""
REQUEST_BYTES, ELEMENTS, DEPTH = 1 << 20, 1 << 16, 32
"""The largest call, until the daemon says what it takes."""
DEPTH_MAX = 64
"""Of a request, wherever it is asked."""
MESSAGE_BYTES = 32 << 20
"""The longest answer that is read: more than the longest that the daemon gives."""

Waiter = TypeVar("Waiter")
T = TypeVar("T")


class Lost(Exception):
    """The connection on which a call had to be made is not there any more."""


# ---- What is asked ---------------------------------------------------------------------------------------------------


class Plain:
    """A request as it is sent: a copy of its own, of nothing but what the protocol has; and how large it is.

    A session is opened again by it, whatever becomes of the caller's. What is too large is refused by itself: the daemon
    would end the connection, and everybody's calls on it.
    """

    __slots__ = ("depth", "elements", "value")

    def __init__(self, request: Request) -> None:
        if not isinstance(request, Mapping):
            raise TypeError(f"a request is a mapping, not {type(request).__name__}")
        self.depth = self.elements = 0
        self.value = self._take(request, "request", 1)

    def _take(self, value: Any, where: str, depth: int) -> Any:
        if isinstance(value, str):
            return _text(value, where)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if not -(1 << 63) <= value < 1 << 63:
                raise ValueError(f"{where} does not fit into 64 bits")
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError(f"{where} is not a finite number")
            return value
        if depth > DEPTH_MAX:
            raise ValueError(f"{where} is nested deeper than {DEPTH_MAX}")
        self.depth = max(self.depth, depth)
        if isinstance(value, Mapping):
            self.elements += 2 * len(value)
            return {_key(key, where): self._take(one, f"{where}.{key}", depth + 1) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            self.elements += len(value)
            return [self._take(one, f"{where}[{i}]", depth + 1) for i, one in enumerate(value)]
        raise TypeError(f"{where} is none of str, int, float, bool, None, mapping, list and tuple")


def _text(value: str, where: str) -> str:
    if "\0" in value:
        raise ValueError(f"{where} holds a NUL")
    try:
        value.isascii() or value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where} is not text that UTF-8 can hold") from None
    return value


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{where} has a key that is not a text")
    return _text(key, f"a key of {where}")


# ---- One connection ------------------------------------------------------------------------------------------------


class Reply(NamedTuple, Generic[Waiter]):
    """An answer, and who waits for it."""

    waiter: Waiter
    error: Refused | None
    result: Any


class Link(Generic[Waiter]):
    """One connection's bytes. Not for several threads at once."""

    def __init__(self, in_flight: int = IN_FLIGHT) -> None:
        self.numbers: dict[str, int] = {}
        self.batch = BATCH
        self.request_bytes, self.elements, self.depth = REQUEST_BYTES, ELEMENTS, DEPTH
        self._in_flight = in_flight
        # What a header announces is allocated before it has come: lists and maps are bounded more tightly than bytes.
        self._unpacker = msgpack.Unpacker(raw=False, strict_map_key=True, max_buffer_size=MESSAGE_BYTES, max_bin_len=0, max_ext_len=0,
                                          max_array_len=1 << 17, max_map_len=1 << 20)
        self._packer = msgpack.Packer()
        self._last = 0
        self._waiting: dict[int, Waiter | None] = {}

    def greeting(self, waiter: Waiter) -> bytes:
        """The bytes that a connection begins with; its number is 0, and it does not count as in flight."""
        self._waiting[0] = waiter
        data: bytes = self._packer.pack([0, 0, "hello", [{"client": "nrbac for Python", "version": VERSION, "numbers": True}]])
        return data

    def request(self, method: str, params: list[Any], waiter: Waiter | None, size: Plain | None = None) -> tuple[int, bytes]:
        """The bytes of a call, and its number; `size` is of the request in it. QueueFull if too many wait already."""
        if len(self._waiting) - (0 in self._waiting) >= self._in_flight:
            raise QueueFull(f"{self._in_flight} calls wait for their answers")
        number = self._last % 0xFFFFFFFF + 1
        while number in self._waiting:
            number = number % 0xFFFFFFFF + 1
        data: bytes = self._packer.pack([0, number, method, params])
        for what, has, takes in (("bytes", len(data), self.request_bytes), ("elements", size.elements + 5 if size else 0, self.elements),
                                 ("levels", size.depth + 2 if size else 0, self.depth)):
            if has > takes:
                raise Refused(Fault.OVER_LIMIT, f"the call has {has} {what}, of which the daemon takes {takes}")
        self._last = number
        self._waiting[number] = waiter
        return number, data

    def notification(self, method: str, params: list[Any]) -> bytes:
        """The bytes of a call that is not answered."""
        data: bytes = self._packer.pack([2, method, params])
        return data

    def forget(self, number: int) -> None:
        """Nobody waits for this answer any more; it counts as in flight until it comes, and is dropped then."""
        if number in self._waiting:
            self._waiting[number] = None

    def receive(self, data: bytes) -> Iterator[Reply[Waiter]]:
        """Takes what came: the answers that somebody waits for. After an error the connection must be given up."""
        try:
            self._unpacker.feed(data)
            for message in self._unpacker:
                reply = self._take(message)
                if reply is not None:
                    yield reply
        except Error:
            raise
        except Exception as error:  # msgpack has many
            raise ProtocolError(f"what came is not MessagePack: {error}") from error

    def _take(self, message: Any) -> Reply[Waiter] | None:
        if not isinstance(message, list) or not message:
            raise ProtocolError("what came is not a message of the protocol")
        if message[0] == 2 and len(message) == 3:
            return None  # of a newer daemon
        if len(message) != 4 or message[0] != 1 or type(message[0]) is not int:
            raise ProtocolError("what came is not an answer of the protocol")
        _, number, error, result = message
        if number is None:
            raise _refused(error)  # of the connection itself
        if not _is_integer(number) or number not in self._waiting:
            raise ProtocolError("an answer to nothing that was asked")
        refused = None if error is None else _refused(error)
        waiter = self._waiting.pop(number)
        return None if waiter is None else Reply(waiter, refused, result)

    def waiting(self) -> list[Waiter]:
        """Everybody who waits; when the connection is lost they must be told."""
        return [waiter for waiter in self._waiting.values() if waiter is not None]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _refused(error: Any) -> Refused:
    if not isinstance(error, dict) or not isinstance(error.get("code"), str) or not isinstance(error.get("message"), str):
        raise ProtocolError("an error that is none of the protocol")
    return Refused(error["code"], error["message"])


class Backoff:
    """How long to wait before the next attempt to connect: 20 ms, doubled each time up to 2 s, and a random half of it."""

    FIRST, MOST = 0.02, 2.0

    def __init__(self) -> None:
        self._next = self.FIRST

    def failed(self) -> float:
        """Seconds to wait now."""
        wait = self._next
        self._next = min(self.MOST, 2 * wait)
        return wait * random.uniform(0.5, 1.0)

    def connected(self) -> None:
        """From here on it begins anew."""
        self._next = self.FIRST


# ---- What came, read strictly: nothing that is not plainly a permit is one -----------------------------------------


def read_decision(result: Any) -> Decision:
    """`check`'s [decision, reason, generation, [obligations]]."""
    if not isinstance(result, list) or len(result) != 4:
        raise ProtocolError("the answer to a check is not one")
    permitted, slug, generation, obligations = result
    if not isinstance(permitted, bool) or not isinstance(slug, str) or not _is_integer(generation) or not _is_texts(obligations):
        raise ProtocolError("the answer to a check is not one")
    reason = reason_of(slug)
    effect = reason.effect if isinstance(reason, Reason) else Effect.PERMIT if permitted else Effect.DENY
    if permitted is not (effect == Effect.PERMIT):
        raise ProtocolError(f"a check is answered {permitted} with the reason {slug}")
    return Decision(effect, reason, tuple(obligations), generation)


def read_answer(result: Any) -> Answer:
    """The whole answer to a request."""
    context = result.get("context") if isinstance(result, dict) else None
    if not isinstance(context, dict) or not isinstance(result.get("decision"), bool) or not _is_texts(context.get("obligations")):
        raise ProtocolError("the answer to a request is not one")
    if result["decision"] is not (context.get("effect") == "permit"):
        raise ProtocolError("an answer whose decision is not its effect")
    return Answer(result)


def read_opened(result: Any) -> dict[str, Any]:
    """`open`'s answer: with a session if, and only if, it is a permit."""
    if not isinstance(result, dict) or not isinstance(result.get("effect"), str) or not isinstance(result.get("reason"), str):
        raise ProtocolError("the answer to an opening is not one")
    if (result["effect"] == "permit") is not _is_integer(result.get("session")):
        raise ProtocolError("an opening's effect and session do not agree")
    return result


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _read_map(result: Any) -> dict[str, Any]:
    if not isinstance(result, dict):
        raise ProtocolError("a map is expected")
    return result


# ---- Operations ----------------------------------------------------------------------------------------------------


class Call(NamedTuple):
    """A method to call. Sent back is (link, result)."""

    method: str
    params: list[Any]
    again: bool = True
    """Whether it may be asked once more when the connection is lost."""
    on: Link[Any] | None = None
    """The connection that it belongs to; Lost if that is gone."""
    size: Plain | None = None
    """The request in it."""


class Post(NamedTuple):
    """A notification on a connection, if that is still there."""

    method: str
    params: list[Any]
    on: Link[Any]


class Turn(NamedTuple):
    """Waits for the session's lock, which the operation gives back with release()."""

    known: Known


Steps: TypeAlias = Generator[Call | Post | Turn, Any, T]


@dataclass(eq=False)
class Known:
    """A session as the client remembers it: by its request, from which it is opened again where needed."""

    owner: object
    request: Plain
    lock: Any
    """Held by whoever opens it."""
    process: int = field(default_factory=os.getpid)
    """Whose the lock is: in a forked child nobody would give it back."""
    place: tuple[Link[Any], int] | None = None
    """The connection on which it is open, and its number there."""
    answer: dict[str, Any] = field(default_factory=dict)
    ended: Decision | None = None
    """Once revoked or expired, it is never opened again."""
    closed: bool = False


@dataclass(frozen=True)
class Name:
    """A prepared name of a client; str() is its text. A connection that knows its number sends that."""

    owner: object = field(repr=False)
    text: str

    def __str__(self) -> str:
        return self.text


ENDS = (Reason.SESSION_REVOKED, Reason.EVIDENCE_EXPIRED)


def text_of(owner: object, name: str | Name) -> str:
    """The text of a name that this client may be asked."""
    if isinstance(name, Name):
        if name.owner is not owner:
            raise ForeignName(f"`{name}` was prepared by another client")
        return name.text
    if not isinstance(name, str):
        raise TypeError(f"a name is a str or a Name, not {type(name).__name__}")
    return _text(name, "the name")


def prepare(owner: object, name: str) -> Name:
    """A name of this client's."""
    return Name(owner, text_of(owner, name))


def several(names: Iterable[str | Name]) -> list[str | Name]:
    """Names to ask at once."""
    if isinstance(names, str):
        raise TypeError("several names are a list of them, not a str")
    return list(names)


def greeted(link: Link[Any], result: Any) -> None:
    """Takes what the daemon says of itself."""
    told = _read_map(result)
    numbers, limits = told.get("numbers", {}), told.get("limits", {})
    if not isinstance(numbers, dict) or not all(map(_is_integer, numbers.values())) or not isinstance(limits, dict):
        raise ProtocolError("the daemon's greeting is not one")
    link.numbers = numbers
    link.batch, link.request_bytes, link.elements, link.depth = (
        _limit(limits, *one) for one in (("batch", BATCH), ("message_bytes", REQUEST_BYTES), ("elements", ELEMENTS), ("depth", DEPTH)))


def _limit(limits: dict[str, Any], name: str, default: int) -> int:
    limit = limits.get(name, default)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise ProtocolError("the daemon's greeting is not one")
    return limit


def plain(method: str, *params: Any, again: bool = True) -> Steps[Any]:
    """A call and its result."""
    _, result = yield Call(method, list(params), again)
    return result


def evaluate(method: str, request: Request) -> Steps[Answer]:
    """A whole request."""
    return read_answer((yield from _ask_whole(method, request)))


def _ask_whole(method: str, request: Request) -> Steps[Any]:
    taken = Plain(request)
    _, result = yield Call(method, [taken.value], size=taken)
    return result


def evaluations(request: Request) -> Steps[list[Answer]]:
    """Several at once."""
    result = _read_map((yield from _ask_whole("evaluations", request)))
    if isinstance(result.get("evaluations"), list):
        return [read_answer(one) for one in result["evaluations"]]
    return [read_answer(result)]  # there was one question alone


MEMBERS = ("subject", "action", "resource", "context")
LAST = {"execute_all": (), "deny_on_first_deny": (False,), "permit_on_first_permit": (True,)}
"""By the semantic that is asked for, the decisions that end the list."""


def evaluate_each(evaluate: Callable[[Any], Answer], request: Request) -> list[Answer]:
    """As the daemon answers `evaluations`, where there is none."""
    if not isinstance(request, Mapping):
        raise TypeError(f"a request is a mapping, not {type(request).__name__}")
    items, options = request.get("evaluations", ()), request.get("options", {})
    if not isinstance(items, (list, tuple)) or not isinstance(options, Mapping):
        raise TypeError("`evaluations` is a list, and `options` a mapping")
    semantic = options.get("evaluations_semantic", "execute_all")
    if semantic not in LAST:
        raise ValueError(f"`{semantic}` is none of {', '.join(LAST)}")
    answers: list[Answer] = []
    for item in items:
        answers.append(evaluate(_merged(request, item)))
        if answers[-1].decision in LAST[semantic]:
            break
    return answers or [evaluate(request)]


def _merged(defaults: Request, item: Any) -> Any:
    """An item with the defaults for what it does not say; what is no map is no request, and is answered so."""
    if not isinstance(item, Mapping):
        return item
    return {member: (item if member in item else defaults)[member] for member in MEMBERS if member in item or member in defaults}


def open_session(known: Known) -> Steps[None]:
    """Opens a session for the first time; NotOpened if there is none."""
    yield from _open(known)
    if known.place is None:
        raise NotOpened(known.answer)


def _open(known: Known) -> Steps[None]:
    link, result = yield Call("open", [known.request.value], size=known.request)
    known.answer = read_opened(result)
    known.place = (link, known.answer["session"]) if "session" in known.answer else None
    if known.closed:
        yield from _end(known)


def _open_again(known: Known, lost: tuple[Link[Any], int] | None) -> Steps[None]:
    """Opens a session that is not known where it was, unless another call just did."""
    yield Turn(known)
    try:
        if known.place is lost and not known.closed:
            known.place = None
            yield from _open(known)
    finally:
        known.lock.release()


def decide_many(known: Known, names: Iterable[str | Name]) -> Steps[list[Decision]]:
    """The decisions on several names of one session, each by the same opening."""
    texts = [text_of(known.owner, name) for name in names]
    decisions: list[Decision] = []
    refused = False
    while len(decisions) < len(texts):
        if known.closed:
            raise Closed("the session is closed")
        if known.ended is not None:
            return [known.ended] * len(texts)
        place = known.place
        if place is None:
            yield from _open_again(known, None)
            if known.place is None and not known.closed:
                return [_not_opened(known)] * len(texts)
            continue
        try:
            part = texts[len(decisions):len(decisions) + place[0].batch]
            decisions += yield from _ask(known, place, part)
        except Lost:
            yield from _open_again(known, place)
        except Refused as refusal:
            if refusal.slug != Fault.UNKNOWN_SESSION or refused:
                raise
            refused = True
            yield from _open_again(known, place)
    return decisions


def decide(known: Known, name: str | Name) -> Steps[Decision]:
    """The decision on one name."""
    decisions = yield from decide_many(known, [name])
    return decisions[0]


def _ask(known: Known, place: tuple[Link[Any], int], texts: list[str]) -> Steps[list[Decision]]:
    link, number = place
    asked = [link.numbers.get(text, text) for text in texts]
    if len(asked) == 1:
        _, result = yield Call("check", [number, asked[0]], on=link)
        results: Any = [result]
    else:
        _, results = yield Call("check_many", [number, asked], on=link)
    if not isinstance(results, list) or len(results) != len(texts):
        raise ProtocolError("another number of answers than of questions")
    decisions = [read_decision(result) for result in results]
    for decision in decisions:
        if decision.reason in ENDS:
            known.ended = decision
    return decisions


def _not_opened(known: Known) -> Decision:
    """What every check is while the session cannot be opened again: the reason of that, and no permit."""
    policy = known.answer.get("policy")
    generation = policy.get("generation", 0) if isinstance(policy, dict) else 0
    return Decision(effect_of(known.answer["effect"]), reason_of(known.answer["reason"]), (), generation)


def close_session(known: Known) -> Steps[None]:
    """Ends a session; nothing is waited for."""
    if not known.closed:
        known.closed = True
        yield from _end(known)


def _end(known: Known) -> Steps[None]:
    if known.place is not None:
        link, number = known.place
        known.place = None
        yield Post("close", [number], link)


def valid_until(known: Known) -> datetime | None:
    """When the session's evidence expires."""
    return moment_of_text(known.answer.get("valid_until"))


def revoke(**whose: str | None) -> Steps[int]:
    """Ends sessions everywhere; how many."""
    given = {member: value for member, value in whose.items() if value is not None}
    if not given:
        raise TypeError("say whose: sid, sub or role_profile")
    result = yield from plain("revoke", given, again=False)
    if not _is_integer(result):
        raise ProtocolError("a number is expected")
    return int(result)


def reload() -> Steps[dict[str, Any]]:
    """Has the daemon load its policy again."""
    return _read_map((yield from plain("reload", again=False)))


def stop(stopped: bool) -> Steps[bool]:
    """Stops all deciding, or lets it go on."""
    return (yield from plain("stop", bool(stopped), again=False)) is True


def about(method: str) -> Steps[dict[str, Any]]:
    """What the daemon says of its policy or itself."""
    return _read_map((yield from plain(method)))


def generation() -> Steps[int]:
    """The number of the policy in force."""
    number = (yield from about("health")).get("generation")
    if not isinstance(number, int) or isinstance(number, bool):
        raise ProtocolError("the daemon's health has no generation")
    return number
