# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting what libvirt is asked for, by whatever thread and on whatever connection of this process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import libvirt
import pytest

CLASSES = (libvirt.virConnect, libvirt.virDomain, libvirt.virStoragePool, libvirt.virStorageVol, libvirt.virNetwork)
LOCAL = frozenset({"ID", "UUID", "UUIDString", "c_pointer", "connect", "key", "name"})
"""What an object knows by itself, without a question to the host."""


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """The calls to the host within a with block, by class and method: ``virDomain.XMLDesc``."""
    calls: Counter[str] = Counter()
    lock = threading.Lock()

    def counting(told: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            with lock:
                calls[told] += 1
            return real(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for kind in CLASSES:
            for name, real in list(vars(kind).items()):
                if callable(real) and not name.startswith("_") and name not in LOCAL:
                    patch.setattr(kind, name, counting(f"{kind.__name__}.{name}", real))
        yield calls
