# SPDX-License-Identifier: Apache-2.0
"""Tells of new policies. Nothing announces them, so a thread looks at the generation now and then."""
from __future__ import annotations

import threading
from collections.abc import Callable

from .errors import Closed, TransportError


class Watch:
    """Calls somebody with each new generation, in a thread of its own, until it is closed."""

    def __init__(self, generation: Callable[[], int], tell: Callable[[int], object], every: float) -> None:
        self._generation = generation
        self._tell = tell
        self._every = every
        self._ended = threading.Event()
        self._last = self._look(0)
        self._thread = threading.Thread(target=self._run, name="nrbac watch", daemon=True)
        self._thread.start()

    def _look(self, last: int) -> int:
        try:
            return self._generation()
        except TransportError:
            return last  # the daemon is away; what it will say then counts

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                now = self._look(self._last)
            except Closed:
                return
            if now != self._last:
                self._last = now
                self._tell(now)

    def close(self) -> None:
        """Ends it; the callback is not called after this returns, unless it is what closes it."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
