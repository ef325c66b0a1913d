# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read when somebody looks at it."""

from __future__ import annotations

from typing import Any, Callable, TypeVar, cast

Thing = TypeVar("Thing")


class _Late:
    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __getattr__(self, name: str) -> Any:
        if "_found" not in vars(self):
            self._found = self._read()
        return getattr(self._found, name)


def late(read: Callable[[], Thing]) -> Thing:
    """What ``read`` returns, read as soon as one of its attributes is asked for, and once."""
    return cast(Thing, _Late(read))
