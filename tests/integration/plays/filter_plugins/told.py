# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a play declares, in the words of the platform it runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def told(declared: Any, offers: Mapping[str, Any]) -> Any:
    """Declarations without what needs something the platform lacks, and with its way to tell resources apart.

    An entry of a list that ``needs`` words (one or several) is left out where one of them is false in ``offers``.  A resource
    that ``offers.places`` knows by its name gets the properties given there instead of the name.
    """
    if isinstance(declared, list):
        return [told(entry, offers) for entry in declared if not _lacks(entry, offers)]
    if not isinstance(declared, Mapping):
        return declared
    found = {key: told(value, offers) for key, value in declared.items() if key != "needs"}
    place = offers["places"].get(found.get("name")) if {"resource_type", "type"} & set(found) else None
    if place is None:
        return found
    del found["name"]
    settings = {**place.get("settings", {}), **found.get("settings", {})}
    return {**place, **found, **({"settings": settings} if settings else {})}


def _lacks(entry: Any, offers: Mapping[str, Any]) -> bool:
    needs = entry.get("needs", []) if isinstance(entry, Mapping) else []
    return not all(offers[need] for need in ([needs] if isinstance(needs, str) else needs))


class FilterModule:
    """The filters of the plays beside this folder."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"told": told}
