# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions asked side by side, so that one slow answer holds up neither the others nor the whole.

The threads are imported where there is more than one thing to do: most tasks have but one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Callable, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.errors import TimedOut, VirtError

if TYPE_CHECKING:
    from concurrent.futures import Future

AT_ONCE = 5
"""So many questions are open at a time: as many as libvirtd works on for one connection (max_client_requests).  More
would wait in its queue, where the limit for one call runs already."""

Key = TypeVar("Key")
Answer = TypeVar("Answer")


def side_by_side(
    keys: Iterable[Key],
    ask: Callable[[Key], Answer],
    at_once: int = AT_ONCE,
    within: float | None = None,
) -> dict[Key, Answer | VirtError]:
    """What ``ask`` answers for each key, or the VirtError that it raised.

    ``within`` is in seconds: a question that has not been asked by then is not asked any more, and its answer is a
    TimedOut.  One that has been asked is waited for.  Any other exception is raised.
    """
    from concurrent.futures import CancelledError, ThreadPoolExecutor, wait

    with ThreadPoolExecutor(at_once) as pool:
        asked: dict[Key, Future[Answer]] = {key: pool.submit(ask, key) for key in keys}
        _done, left = wait(asked.values(), within)
        for future in left:
            future.cancel()
    outcomes: dict[Key, Answer | VirtError] = {}
    for key, future in asked.items():
        try:
            outcomes[key] = future.result()
        except CancelledError:
            outcomes[key] = TimedOut(f"not asked, because others did not answer within {within:g} s")
        except VirtError as error:
            outcomes[key] = error
    return outcomes


def each(work: Callable[[Key], None], items: Sequence[Key], at_once: int) -> None:
    """Do ``work`` for each item, at most so many ``at_once``; one by one it happens in the caller's own thread.

    An exception is raised when those that are under way are finished; no other is begun then.
    """
    if at_once == 1 or len(items) < 2:
        for item in items:
            work(item)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(at_once, len(items))) as pool:
        for _done in pool.map(work, items):
            pass
