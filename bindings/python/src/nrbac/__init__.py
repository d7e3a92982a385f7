# SPDX-License-Identifier: Apache-2.0
"""May this user do that? Decisions on National RBAC, in this process or by a running nrbacd.

    engine = nrbac.open("dir:policy/national")      # or file:policy.nrb, or shm:/run/nrbac
    session = engine.session({"subject": ...})
    if session.check("B0820"):
        ...

`nrbac.open("unix:/run/nrbac")` is a client of the same questions over the daemon's socket, `nrbac.aio` the same for
asyncio, `nrbac.asgi` puts it in front of an application. Answers are true only where they permit; errors are of nrbac.Error.
"""
from __future__ import annotations

from typing import Any

from . import errors
from ._engine import Engine, open_engine, split
from ._nrbac import VERSION, Name, Session
from ._types import Answer, Decision, Diagnostic, Request
from ._watch import Watch
from ._words import Caution, Effect, Fault, Reason, Status
from .client import Client
from .errors import (
    Closed,
    DaemonUnavailable,
    Error,
    ForeignName,
    Forked,
    NotOpened,
    OpenError,
    PolicyError,
    ProtocolError,
    QueueFull,
    Refused,
    Timeout,
    TransportError,
)

__version__ = VERSION
__all__ = [
    "Answer", "Caution", "Client", "Closed", "DaemonUnavailable", "Decision", "Diagnostic", "Effect", "Engine", "Error", "Fault",
    "ForeignName", "Forked", "Name", "NotOpened", "OpenError", "PolicyError", "ProtocolError", "QueueFull", "Reason", "Refused", "Request",
    "Session", "Status", "Timeout", "TransportError", "Watch", "errors", "open"]


def open(source: str, **options: Any) -> Engine | Client:
    """Opens a source of decisions.

    file:POLICY.nrb  a compiled policy; of a folder, the table that a daemon publishes there
    dir:FOLDER       a policy folder, compiled in this process; with strict=True its warnings are mistakes
    shm:SOCKET       the table of the daemon at this socket, followed from then on
    unix:SOCKET      that daemon itself, asked over its socket; options: timeout (seconds), in_flight

    The first three are an Engine; with trust_request_time=True it takes a request's context.time instead of the clock, and
    with recorded=True, for shm: alone, all that it decides is in the daemon's audit trail.
    The last is a Client, which connects with its first call. A folder in place of SOCKET stands for nrbacd.sock in it.

    Raises OpenError, PolicyError, and for a daemon's table DaemonUnavailable, Refused, Timeout or ProtocolError.
    """
    kind, path = split(source)
    return Client(path, **options) if kind == "unix" else open_engine(source, **options)
