# SPDX-License-Identifier: Apache-2.0
"""What can go wrong. A denial is not among it: it is an answer. No error is ever a permit."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._words import STATUS_OF, Effect, Fault, Reason, Status, effect_of, reason_of

if TYPE_CHECKING:
    from ._types import Diagnostic


class Error(Exception):
    """Anything that nrbac raises; whoever catches it must refuse."""


class OpenError(Error):
    """A policy cannot be opened: its file is not there, is damaged, or is of another version."""

    def __init__(self, status: Status, text: str) -> None:
        super().__init__(text)
        self.status = status
        """Which of these it is."""


class PolicyError(Error):
    """A policy folder has mistakes."""

    def __init__(self, text: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(text)
        self.diagnostics = list(diagnostics)
        """Every mistake with its place, and the warnings between them."""


class NotOpened(Error):
    """There is no session for the subject: the answer says why. Nothing is permitted to it."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(f"{answer.get('effect')} {answer.get('reason')}")
        self.answer = dict(answer)
        """The whole answer: effect, reason, and for `role-selection-required` the candidates."""

    @property
    def effect(self) -> Effect | str:
        """What was decided; never a permit."""
        return effect_of(self.answer.get("effect"))

    @property
    def reason(self) -> Reason | str:
        """Why."""
        return reason_of(self.answer.get("reason"))


class Closed(Error):
    """An engine, session or client was used after its close()."""


class Forked(Error):
    """An engine of the parent process was used in a forked child, which opens its own. A Client connects there by itself."""


class ForeignName(Error, ValueError):
    """A name was prepared by another engine or client."""


class Refused(Error):
    """The daemon refused the call."""

    def __init__(self, slug: str, text: str) -> None:
        super().__init__(f"{slug}: {text}")
        self.slug = slug
        """Why, as one of `Fault`; a newer daemon may have others."""


class TransportError(Error):
    """There is no answer."""


class DaemonUnavailable(TransportError):
    """No daemon serves the socket, or it went away with the question."""


class Timeout(TransportError, TimeoutError):
    """The daemon did not answer in time. Should the answer still come, it is dropped."""


class ProtocolError(TransportError):
    """What came is not the protocol; the connection was given up."""


class QueueFull(TransportError):
    """As many calls as allowed wait for their answers already."""


# What a status is when a daemon's table is to be opened; anything else is an OpenError.
_OF_A_DAEMON: dict[Status, type[TransportError]] = {
    Status.E_IO: DaemonUnavailable, Status.E_TIMEOUT: Timeout, Status.E_FORMAT: ProtocolError}


def of_status(status: int, source: str, text: str, daemon: bool) -> Error:
    """The error for a status of the library, which says `text` of it."""
    what = STATUS_OF.get(status, Status.E_IO)
    path = source.partition(":")[2] if daemon else source
    text = text if text.startswith(path) else f"{path}: {text or what.text}"
    if daemon and what == Status.E_REFUSED:
        return Refused(Fault.NOT_ALLOWED, text)
    if daemon and what in _OF_A_DAEMON:
        return _OF_A_DAEMON[what](text)
    return OpenError(what, text)
