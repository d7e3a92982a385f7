# SPDX-License-Identifier: Apache-2.0
"""What a forked child must not share with its parent: an engine without its watcher, and a connection."""
from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """What has to be told."""

    def _renew(self) -> None:
        """In a child, where no other thread is, and locks of the parent's may be held by nobody."""


_alive: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_children(what: Renewable) -> None:
    """Has it told in every forked child, for as long as somebody has it."""
    _alive.add(what)


def _renew_all() -> None:
    for one in list(_alive):
        one._renew()


os.register_at_fork(after_in_child=_renew_all)
