# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a play declares, in the words of the platform it runs on, and what of it that platform has to refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_NOT_DECLARED = ("needs", "refusal", "code")
_NOT_NAMES = {"resource_type", "name", "address", "address_on_parent", "pool_id", "state", "settings", *_NOT_DECLARED}
_NOTHING: tuple[Any, ...] = (0, "", [], False)


def told(declared: Any, offers: Mapping[str, Any]) -> Any:
    """Declarations without what needs something the platform lacks, and with its way to tell resources apart.

    An entry of a list that ``needs`` words (one or several) is left out where one of them is false in ``offers``.  A resource
    that ``offers.places`` knows by its name gets the properties given there instead of the name.
    """
    if isinstance(declared, list):
        return [told(entry, offers) for entry in declared if not _lacks(entry, offers)]
    if not isinstance(declared, Mapping):
        return declared
    found = {key: told(value, offers) for key, value in declared.items() if key not in _NOT_DECLARED}
    place = offers["places"].get(found.get("name")) if {"resource_type", "type"} & set(found) else None
    if place is None:
        return found
    del found["name"]
    settings = {**place.get("settings", {}), **found.get("settings", {})}
    return {**place, **found, **({"settings": settings} if settings else {})}


def untold(declared: Any, offers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What ``told`` leaves out of a list: what a host would be asked for (``declare``), and how it has to be refused.

    An entry may have ``steps`` with a ``declare`` each, as the cases about resources have: of one that is left out as a
    whole it is the first step.  The message has to hold one of ``says``: what the entry gives as ``refusal``, else the names
    of what it declares, or the type where it is a case; ``code`` is not_supported unless the entry gives another one.  What
    only gives a value up is asked of nobody, nor is what has an empty ``refusal``: the host means it anyway.
    """
    found = []
    for entry in declared:
        whole = _lacks(entry, offers)
        steps = entry.get("steps", [entry])
        for step in steps[:1] if whole else [step for step in steps if _lacks(step, offers)]:
            asked = step.get("declare", step)
            names = _names(asked)
            if whole and "steps" in entry:
                names.append(asked.get("other_resource_type") or asked["resource_type"])
            given = {"refusal": names, "code": "not_supported", **entry, **step}
            if not given["refusal"]:
                continue
            asked = told(asked, offers)
            if "resource_type" in asked and not offers["names"]:
                asked.pop("name", None)
            says = given["refusal"] if given["refusal"] is names else [given["refusal"]]
            found.append({"declare": asked, "says": says, "code": given["code"]})
    return found


def _names(asked: Mapping[str, Any]) -> list[str]:
    """The names of the values that are asked for, without those by which a resource is known."""
    values = {name: value for name, value in asked.items() if name not in _NOT_NAMES}
    return sorted(name for name, value in {**values, **asked.get("settings", {})}.items() if value not in _NOTHING)


def _lacks(entry: Any, offers: Mapping[str, Any]) -> bool:
    needs = entry.get("needs", []) if isinstance(entry, Mapping) else []
    return not all(offers[need] for need in ([needs] if isinstance(needs, str) else needs))


class FilterModule:
    """The filters of the plays beside this folder."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"told": told, "untold": untold}
