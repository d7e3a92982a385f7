# SPDX-License-Identifier: Apache-2.0
"""Authorisation in front of a Starlette or FastAPI application. What no handler declares is refused.

    app.add_middleware(nrbac.asgi.Authorisation, decide=nrbac.aio.open("unix:/run/nrbac"), subject=subject_of)

    @app.get("/patients/{id}")
    @nrbac.asgi.needs("patient.view")
    async def patient(id: str): ...

    @app.get("/emergency/{id}")
    @nrbac.asgi.needs("scr.emergency", meets=["notify-access"])      # this handler does tell the privacy officer
    async def emergency(request: Request):
        request.scope["nrbac"].obligations

`subject` makes of the connection's scope a request without an action (subject, context and so on), or None if nobody is
signed in; it may be a coroutine. Middleware that rewrites paths must stand before this one. 401 nobody is signed in, 403 the answer is no, 503 there is no answer; each with a body
of JSON that has `reason` and `message`.
"""
from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from . import aio
from ._engine import Engine
from ._types import Answer, Request
from ._words import Reason
from .errors import Error

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = TypeVar("Handler")

_NEED = "__nrbac_need__"
_log = logging.getLogger("nrbac")


class Need(NamedTuple):
    """What a handler asks for."""

    name: str | None
    """An activity code or function; None: nothing, it is for everybody."""
    meets: frozenset[str]
    """The obligations that the handler meets."""


def needs(name: str, *, meets: Iterable[str] = ()) -> Callable[[Handler], Handler]:
    """Declares what it takes to call a handler, and which obligations of a permit the handler meets."""
    return _declare(Need(name, frozenset(meets)))


def for_everybody(handler: Handler) -> Handler:
    """Declares that a handler, or a mounted application, is open to everybody, signed in or not."""
    return _declare(Need(None, frozenset()))(handler)


def _declare(need: Need) -> Callable[[Handler], Handler]:
    def declare(handler: Handler) -> Handler:
        setattr(handler, _NEED, need)
        return handler
    return declare


class Refusal(NamedTuple):
    """What a caller is told who does not get in."""

    status: int
    reason: str
    message: str


NOBODY = Refusal(401, "not-signed-in", "Sign in first.")
UNDECLARED = Refusal(403, "not-declared", "Nothing says who may do this, so nobody may.")
UNAVAILABLE = Refusal(503, "decision-unavailable", "Access cannot be decided at the moment; try again later.")
UNMET = Refusal(403, Reason.OBLIGATIONS_APPLY, "This may be done only with conditions that this page does not meet.")


class Authorisation:
    """The middleware. `decide` is an Engine or a client of nrbac.aio; its answer stands in scope["nrbac"]."""

    def __init__(self, app: App, *, decide: Engine | aio.Client, subject: Callable[[Scope], Request | None | Awaitable[Request | None]]) -> None:
        if not isinstance(decide, (Engine, aio.Client)):
            raise TypeError("`decide` is an Engine or a client of nrbac.aio: others would hold up the event loop")
        self._app = app
        self._decide = decide
        self._subject = subject

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] in ("http", "websocket"):
            scope.pop("nrbac", None)
            refusal = await self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(refusal, scope, receive, send)

    async def _judge(self, scope: Scope) -> Refusal | None:
        app = scope.get("app")
        found = _endpoint(getattr(app, "routes", ()), scope)
        if found is None and _is_plain(app):
            return None  # nothing is there, and the application says so
        need = getattr(found, _NEED, None)
        if not isinstance(need, Need):
            return UNDECLARED
        if need.name is None:
            return None
        made = self._subject(scope)
        request: Request | None = await made if inspect.isawaitable(made) else made  # type: ignore[assignment]
        if request is None:
            return NOBODY
        try:
            answer = await self._ask({**request, "action": {"name": need.name}})
        except Error as error:
            _log.error("%s is refused, since it cannot be decided: %s", need.name, error)
            return UNAVAILABLE
        if not answer.decision:
            return Refusal(403, answer.reason, answer.message)
        if not need.meets.issuperset(answer.obligations):
            return UNMET
        scope["nrbac"] = answer
        return None

    async def _ask(self, request: Request) -> Answer:
        answer = self._decide.evaluate(request)
        return answer if isinstance(answer, Answer) else await answer


def _endpoint(routes: Iterable[Any], scope: Scope) -> Any | None:
    """What the router will call, by the router's own rules; None: nothing."""
    partly = None
    for route in routes:
        match, inner = route.matches(scope)
        if match.name == "FULL":
            return _within(route, {**scope, **inner})
        if match.name == "PARTIAL" and partly is None:
            partly = inner.get("endpoint")  # a method that it does not take: it says so to those who may ask
    return partly


def _within(route: Any, scope: Scope) -> Any:
    """The handler of a route; below a mount the one there, or, where that has none, what is mounted."""
    mounted = getattr(route, "app", None)
    below = getattr(route, "routes", None)
    if not below or hasattr(mounted, _NEED):
        return scope.get("endpoint")
    found = _endpoint(below, scope)
    return mounted if found is None else found


def _is_plain(app: Any) -> bool:
    """Whether the application says "not found" where no route matches, and does nothing else."""
    router = getattr(app, "router", None)
    return router is not None and getattr(router, "default", None) == getattr(router, "not_found", False)


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        code = 1013 if refusal.status == 503 else 1008
        await send({"type": "websocket.close", "code": code, "reason": refusal.reason})
        return
    body = json.dumps({"reason": refusal.reason, "message": refusal.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
