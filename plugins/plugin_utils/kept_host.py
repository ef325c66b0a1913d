# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the connection to a host over the items of one loop.

Ansible does all items of a loop in one worker process, one after the other.  To open a connection for each of them can
take longer than what is asked over it.  What is kept is the connection and nothing else: each item reads the host anew,
and makes sure first that it is still there (``Platform.begin_again``).
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from multiprocessing.util import Finalize
from typing import Any, NamedTuple

from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform, Progress
from ansible_collections.svpc.virt.plugins.module_utils.task.arguments import CONNECTION

_IDLE = 10.0
"""Seconds for which a connection is kept that nobody uses: what lies between host and controller may forget it."""


class _Kept(NamedTuple):
    loop: str
    options: Mapping[str, Any]
    platform: Platform
    since: float


_kept: list[_Kept] = []
"""The host of the last item, while no item is at work; one at most."""


def keep(loop: str, options: Mapping[str, Any], platform: Platform) -> None:
    """Keep an open host for the next item of a ``loop``, which may have the same connection ``options``."""
    _close_at_the_end(os.getpid())
    _kept.append(_Kept(loop, _of_connection(options), platform, time.monotonic()))


def take(loop: str | None, options: Mapping[str, Any], progress: Progress) -> Platform | None:
    """The host that an item before this one has left open; None where it is another one, or cannot be used any more."""
    while _kept:
        found = _kept.pop()
        is_same = (found.loop, found.options) == (loop, _of_connection(options))
        if is_same and time.monotonic() - found.since < _IDLE and found.platform.begin_again(progress):
            return found.platform
        found.platform.close()
    return None


def close() -> None:
    """End the connection that is kept, if there is one."""
    while _kept:
        _kept.pop().platform.close()


def _of_connection(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options.get(name) for name in CONNECTION}


@functools.lru_cache(maxsize=1)
def _close_at_the_end(process: int) -> None:
    """Have ``process``, this one, end its connection before it ends; a worker of Ansible runs nothing else by then."""
    Finalize(None, close, exitpriority=0)


# No connection can be used by two processes.
os.register_at_fork(before=close)
