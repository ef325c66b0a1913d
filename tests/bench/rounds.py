# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring two things by turns, so that whatever else the machine does falls on both."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

Measure = Callable[[], float]
"""Does something once and returns what it cost."""


def milliseconds(work: Callable[[], Any]) -> float:
    """How long something takes."""
    gc.collect()
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def by_turns(floor: Measure, product: Measure, rounds: int) -> tuple[list[float], list[float]]:
    """What the floor and the collection cost in each of so many rounds, after one that does not count."""
    floors: list[float] = []
    products: list[float] = []
    for number in range(rounds + 1):
        costs = floor(), product()
        if number:
            floors.append(costs[0])
            products.append(costs[1])
    return floors, products
