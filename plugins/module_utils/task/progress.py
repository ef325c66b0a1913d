# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling the user what a long task is doing."""

from __future__ import annotations

import re
import time
from typing import Callable

PATIENCE = 10.0
"""Seconds after which also a user who did not ask for details is told what a task is doing, and between two tellings."""


class Teller:
    """Passes on what a task tells, neither too early nor too often.

    A user who asked for details sees every step; others only what happens from PATIENCE seconds on.  Texts that differ
    in nothing but their numbers (seconds left, percent done) are one step, told again every PATIENCE seconds.
    """

    def __init__(self, show: Callable[[str], None], eager: bool = False) -> None:
        """Show what is told with ``show``; ``eager``: from the first step on."""
        self._show = show
        self._eager = eager
        self._latest: str | None = None
        self._shown: str | None = None
        self._shown_at = time.monotonic()

    def tell(self, text: str) -> None:
        """The task has come to ``text``."""
        self._latest = text
        self.remind()

    def remind(self) -> None:
        """Show the latest step if it is time to; to be called now and then while a task is waited for."""
        now = time.monotonic()
        if self._latest is None:
            return
        is_new = _step(self._latest) != self._shown
        if (is_new and self._eager) or now - self._shown_at >= PATIENCE:
            self._show(self._latest)
            self._shown, self._shown_at = _step(self._latest), now


def _step(text: str) -> str:
    """What a text says beside its numbers."""
    return re.sub("[0-9]+", "0", text)
