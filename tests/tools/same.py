# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what two runs of the same playbook returned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .playbooks import Record

MADE_UP = {
    "UUID": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "MAC": r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}",
    "TIME": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z",
    "TERMINAL": r"/dev/pts/[0-9]+",
    "LEASE": r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b(?!/)",
    "TAP": r"\bvnet[0-9]+",
}
"""What a host makes up for each run.  One of them is replaced by its number in the order of appearance, everywhere."""

_DRAWN = "LEASE"
"""What a host draws from a few, so that it may come again for something else: numbered anew in each result."""

_MADE_UP = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in MADE_UP.items()))

MEASURED = frozenset(
    {
        "allocation",
        "available",
        "currently_consumed_resource",
        "free",
        "free_memory",
        "max_consumable_resource",
        "memory_free",
        "reserved",
    }
)
"""What a host measures, and what differs from one moment to the next."""

_MOMENTARY = re.compile("did not shut down within")
"""Warnings that depend on how busy a guest was."""


Names = dict[str, dict[str, str]]
"""By kind, what stands for each thing that was made up."""


def comparable(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What tasks returned, in order: all of it for modules of this collection, for others how they ended."""
    names: Names = {}
    found = []
    for record in records:
        names[_DRAWN] = {}
        own = record.action.startswith("svpc.virt.")
        found.append(
            {
                "task": record.task,
                "status": record.status,
                "item": _plain(record.item, names) if own else None,
                "result": _plain(record.result, names) if own else None,
            }
        )
    return found


def differences(left: Any, right: Any, where: str = "") -> Iterator[str]:
    """Where two values differ, and how."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in dict.fromkeys([*left, *right]):
            yield from differences(left.get(key, "missing"), right.get(key, "missing"), f"{where}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, f"{where}[{number}]")
    elif left != right:
        yield f"{where}: {left!r} and {right!r}"


def _plain(value: Any, names: Names) -> Any:
    if isinstance(value, Mapping):
        return {
            _plain(key, names): "measured" if key in MEASURED and item is not None else _plain(item, names)
            for key, item in value.items()
            if key != "svpc_virt_in_process" and not (key == "warnings" and all(map(_MOMENTARY.search, item)))
        }
    if isinstance(value, list):
        return [_plain(item, names) for item in value]
    if isinstance(value, str):
        return _MADE_UP.sub(lambda match: _stand_in(match, names), value)
    return value


def _stand_in(match: re.Match[str], names: Names) -> str:
    kind = str(match.lastgroup)
    if kind == "TIME":
        return kind  # two things may happen within one second, or not
    known = names.setdefault(kind, {})
    return known.setdefault(match[0].lower(), f"{kind} {len(known)}")
