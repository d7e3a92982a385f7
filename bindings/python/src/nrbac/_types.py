# SPDX-License-Identifier: Apache-2.0
"""What is answered. None of it is true unless it is a permit that asks for nothing: `if answer:` is safe."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple, TypeAlias

from ._words import Effect, Reason, effect_of, reason_of

Request: TypeAlias = Mapping[str, Any]
"""A request of the OpenID AuthZEN Authorization API 1.0: subject, action, resource, context."""


class Decision(NamedTuple):
    """One decision on a session."""

    effect: Effect | str
    reason: Reason | str
    obligations: tuple[str, ...]
    generation: int

    @property
    def permitted(self) -> bool:
        """Whether it is a permit; act on it only if you meet every one of its obligations."""
        return self.effect == Effect.PERMIT

    def __bool__(self) -> bool:
        """True only for a permit without obligations."""
        return self.permitted and not self.obligations


class Answer(dict[str, Any]):
    """The whole answer to a request, as nrbac-protocol(7) shows it, with names for its parts."""

    @property
    def decision(self) -> bool:
        """Whether it is a permit; act on it only if you meet every one of its obligations."""
        return self.get("decision") is True

    permitted = decision

    @property
    def context(self) -> dict[str, Any]:
        """Everything beside the decision."""
        context = self.get("context")
        return context if isinstance(context, dict) else {}

    @property
    def effect(self) -> Effect | str:
        """The outcome."""
        return effect_of(self.context.get("effect"))

    @property
    def reason(self) -> Reason | str:
        """Why."""
        return reason_of(self.context.get("reason"))

    @property
    def message(self) -> str:
        """One sentence for the person at the screen."""
        return str(self.context.get("message", ""))

    @property
    def obligations(self) -> tuple[str, ...]:
        """What a caller must do if it acts on the permit."""
        return tuple(self.context.get("obligations", ()))

    @property
    def generation(self) -> int:
        """Of the policy that answered."""
        return int(self.context.get("policy", {}).get("generation", 0))

    def __bool__(self) -> bool:
        """True only for a permit without obligations."""
        return self.decision and not self.obligations


class Diagnostic(NamedTuple):
    """One mistake in a policy, and its place."""

    code: str
    slug: str
    severity: str
    """`error` or `warning`."""
    file: str
    line: int
    """From 1; 0: the whole file or folder."""
    column: int
    message: str
    help: str | None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}[{self.code}]: {self.message}"


def moment(seconds: int) -> datetime | None:
    """A time of the library; 0 is none."""
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds else None


def moment_of_text(text: Any) -> datetime | None:
    """A time of the protocol: RFC 3339 in UTC, or nil."""
    return None if text is None else datetime.fromisoformat(text)
