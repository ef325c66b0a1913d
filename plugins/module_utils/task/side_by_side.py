# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing the same for many things at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def side_by_side(limit: int, work: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
    """What ``work`` answers for each item, in their order; at most ``limit`` are worked on at a time.

    With a limit of 1, or a single item, this happens in the caller's own thread.  An exception of ``work`` is raised
    after those that are under way are finished; no other is begun then.
    """
    if limit <= 1 or len(items) <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(limit, len(items)), thread_name_prefix="change") as workers:
        return list(workers.map(work, items))
