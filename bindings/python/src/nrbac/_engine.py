# SPDX-License-Identifier: Apache-2.0
"""Policies in this process: compiled files, policy folders, and tables that a daemon shares."""
from __future__ import annotations

import os.path
from collections.abc import Callable

from . import _nrbac, _protocol
from ._fork import renew_in_children
from ._types import Answer, Diagnostic, Request
from ._watch import Watch
from .errors import Error


class Engine(_nrbac.Engine):
    """Decides in this process. Any number of threads may use it and its sessions at once.

    A process that forks opens engines in its children: one that was opened before raises Forked there, and so do its sessions.
    """

    diagnostics: list[Diagnostic]
    """Of a policy folder: its warnings."""
    source: str
    """As it was given to nrbac.open()."""

    def __init__(self, *, trust_request_time: bool = False, recorded: bool = False) -> None:
        self.diagnostics = []
        self.source = ""
        self._strict = False
        renew_in_children(self)

    def evaluations(self, request: Request) -> list[Answer]:
        """Answers several requests that share defaults, by AuthZEN's rules for `evaluations`, one after the other."""
        return _protocol.evaluate_each(self._evaluate, request)

    def reload(self) -> int:
        """Reads a compiled file or a policy folder again and puts it in force; its generation.

        On an error the last policy stays in force. What a daemon shares comes by itself.
        """
        kind, path = split(self.source)
        if follows(kind, path):
            raise Error(f"{self.source} follows a daemon, which reloads: ask it to")
        self._load(kind, path)
        return self.generation

    def watch(self, callback: Callable[[int], object], *, every: float = 0.05) -> Watch:
        """Calls `callback` with the generation of each new policy, from a thread, until the Watch is closed."""
        return Watch(lambda: self.generation, callback, every)

    def _renew(self) -> None:
        self._disown()

    def _load(self, kind: str, path: str) -> None:
        if kind == "dir":
            self.diagnostics = self._compile(path, self._strict)
        elif follows(kind, path):
            self._open(f"{kind}:{path}", True)
        else:
            self._open(path, False)


def split(source: str) -> tuple[str, str]:
    """Kind and path of a source; a daemon's folder stands for the socket in it."""
    kind, colon, path = source.partition(":")
    if not colon or kind not in ("file", "dir", "shm", "unix") or not path:
        raise ValueError(f"`{source}` is none of file:POLICY.nrb, dir:FOLDER, shm:SOCKET and unix:SOCKET")
    if kind in ("shm", "unix") and os.path.isdir(path):
        path = os.path.join(path, "nrbacd.sock")
    return kind, path


def follows(kind: str, path: str) -> bool:
    """Whether a daemon says what is in force there."""
    return kind == "shm" or (kind == "file" and os.path.isdir(path))


def open_engine(source: str, *, trust_request_time: bool = False, strict: bool = False, recorded: bool = False) -> Engine:
    """The engine for any source but unix:."""
    if recorded and split(source)[0] != "shm":
        raise ValueError(f"`{source}` has no daemon to record what is decided: recorded=True is for shm:SOCKET")
    engine = Engine(trust_request_time=trust_request_time, recorded=recorded)
    engine.source, engine._strict = source, strict
    engine._load(*split(source))
    return engine
