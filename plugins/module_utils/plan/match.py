# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which existing resource a declared one means.

A resource is identified by its name if it has one, else by its address (MAC), else by its place on the parent
(target), else for disks by the one host resource, else, for types a system has once, by the type.  An entry with
nothing of that matches the one resource of its type; if there are several, it matches one that already is as declared,
and is an error if none is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Callable, Optional

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.units import BYTE
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import differences, same_storage

_OPTICAL = frozenset({ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE})

Match = Optional[int]
"""Index of the existing resource, or None when there is none yet."""


def same_kind(one: Rasd, other: Rasd) -> bool:
    """Whether two resources could be the same thing, judged by their types."""
    if one.resource_type != other.resource_type:
        if one.resource_type not in _OPTICAL or other.resource_type not in _OPTICAL:
            return False
    if one.resource_type is ResourceType.OTHER and one.other_resource_type != other.other_resource_type:
        return False
    if one.row.sub_type_identifies and one.resource_sub_type and other.resource_sub_type:
        return one.resource_sub_type == other.resource_sub_type
    return True


def _akin(rasd: Rasd, others: Sequence[Rasd]) -> list[int]:
    """The indexes of those that could be the same thing as ``rasd``."""
    types = _OPTICAL if rasd.resource_type in _OPTICAL else (rasd.resource_type,)
    return [index for index, other in enumerate(others) if other.resource_type in types and same_kind(rasd, other)]


def match(desired: Sequence[Rasd], current: Sequence[Rasd], adding: bool = True) -> list[Match]:
    """For each declared resource the index of the existing one it means, or None.

    ``adding`` says that an entry without identity may also mean a new resource; otherwise (removal) it must fit one
    existing resource or none.  Raises Conflict when an entry fits several, InvalidInput when two entries mean the same.
    """
    if not desired:
        return []
    _check_contradictions(desired)
    found: list[Match] = [None] * len(desired)
    taken: dict[int, int] = {}

    def take(entry: int, index: int) -> None:
        if index in taken:
            raise InvalidInput(
                f"resources: entries {taken[index] + 1} and {entry + 1} both mean {current[index].label}",
                resource=current[index].label,
            )
        taken[index] = entry
        found[entry] = index

    anonymous: list[int] = []
    for entry, rasd in enumerate(desired):
        candidates = _akin(rasd, current)
        index = _identified(rasd, candidates, current)
        if index is not None:
            take(entry, index)
        elif _has_no_identity(rasd):
            anonymous.append(entry)

    def free(entry: int) -> list[int]:
        return [index for index in _akin(desired[entry], current) if index not in taken]

    satisfied = {
        entry: [index for index in free(entry) if not differences(desired[entry], current[index])]
        for entry in anonymous
    }
    if adding:
        for entry, index in sorted(_pairs(satisfied).items()):
            take(entry, index)
    waiting = [entry for entry in anonymous if found[entry] is None]
    for entry in waiting:
        # What is to go has to be as it is described; what is to be there may have to be made so.
        candidates = free(entry) if adding else [index for index in satisfied[entry] if index not in taken]
        rivals = [other for other in waiting if found[other] is None and same_kind(desired[entry], desired[other])]
        loaded = [index for index in candidates if same_storage(desired[entry], current[index])]
        if loaded:  # the drive that has the medium already
            candidates = loaded
            rivals = [other for other in rivals if desired[other].host_resource == desired[entry].host_resource]
        if len(candidates) == 1 and (len(rivals) == 1 or not adding):
            take(entry, candidates[0])
        elif len(candidates) > 1 or (candidates and len(rivals) > 1):
            labels = [current[index].label for index in candidates]
            raise Conflict(
                f"resources: entry {entry + 1} ({desired[entry].label}) fits {len(labels)} existing resources: "
                f"{'; '.join(labels)}. Give it a name, an address or a place on its parent",
                candidates=labels,
            )
    return found


def _check_contradictions(desired: Sequence[Rasd]) -> None:
    """Raise InvalidInput when two entries have to be the same resource, or cannot both be there."""
    for second, rasd in enumerate(desired):
        for first, other in enumerate(desired[:second]):
            words = [f"both have {what}" for what in clashes(rasd, other).values()]
            if rasd.row.singleton and same_kind(rasd, other):
                words.append(f"both mean {rasd.resource_type.word}")
            if words:
                raise InvalidInput(f"resources: entries {first + 1} and {second + 1} {words[0]}", resource=rasd.label)


def check_unwanted(desired: Sequence[Rasd], unwanted: Sequence[Rasd]) -> None:
    """Raise InvalidInput when something is to be there and not to be there."""
    for index in match(unwanted, desired, adding=False):
        if index is not None:
            raise InvalidInput(f"resources: {desired[index].label} is declared both present and absent")


def clashes(one: Rasd, other: Rasd) -> dict[str, str]:
    """What two resources have that only one of them can have: by property, in words."""
    found: dict[str, str] = {}
    if one.name and one.name == other.name:
        found["name"] = f"the name {one.name!r}"
    if one.address and one.address.lower() == (other.address or "").lower():
        if one.row.addressed and same_kind(one, other):
            found["address"] = f"the address {one.address}"
    if one.address_on_parent and same_place(one, other):
        if same_kind(one, other) or (_is_drive(one) and _is_drive(other)):
            found["address_on_parent"] = f"the place {one.address_on_parent}"
    if is_writable_disk(one) and is_writable_disk(other) and (same_storage(one, other) or same_storage(other, one)):
        found["host_resource"] = f"the storage {', '.join(one.host_resource or ())}"
    return found


def _is_drive(rasd: Rasd) -> bool:
    """Whether it is a disk or a drive for media: those share the places of their controllers."""
    return rasd.row.host_resource_identifies and rasd.row.quantity_unit == BYTE


def is_writable_disk(rasd: Rasd) -> bool:
    """Whether it is a disk whose storage nobody else may use at the same time."""
    return (
        rasd.resource_type is ResourceType.DISK_DRIVE
        and rasd.settings.get("access") != "readable"
        and not rasd.settings.get("shareable")
    )


def same_place(one: Rasd, other: Rasd) -> bool:
    """Whether two resources have the same place; a parent that is not named is any."""
    parents = {rasd.parent for rasd in (one, other) if rasd.parent}
    return one.address_on_parent == other.address_on_parent and len(parents) < 2


def _pairs(wishes: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """For as many entries as possible one of the resources that each of them would take, none taken twice."""
    owner: dict[int, int] = {}

    def place(entry: int, tried: set[int]) -> bool:
        for index in wishes[entry]:
            if index in tried:
                continue
            tried.add(index)
            if index not in owner or place(owner[index], tried):
                owner[index] = entry
                return True
        return False

    for entry in wishes:
        place(entry, set())
    return {entry: index for index, entry in owner.items()}


def _has_no_identity(rasd: Rasd) -> bool:
    return not (rasd.name or rasd.address or rasd.address_on_parent or _storage_identity(rasd))


def _storage_identity(rasd: Rasd) -> bool:
    return bool(rasd.row.host_resource_identifies and not rasd.row.removable and rasd.host_resource)


def _identified(rasd: Rasd, candidates: list[int], current: Sequence[Rasd]) -> Match:
    """The candidate that has the identity ``rasd`` gives."""

    def those(test: Callable[[Rasd], bool]) -> list[int]:
        return [index for index in candidates if test(current[index])]

    if rasd.row.singleton:
        return candidates[0] if candidates else None
    if rasd.name:
        named = those(lambda other: other.name == rasd.name)
        if len(named) > 1:
            raise Conflict(f"resources: several resources are called {rasd.name!r}: give an address instead")
        if named:
            return named[0]
        # A resource that was made by other hands has no name yet: it gets this one, if its address is declared too.
        candidates = those(lambda other: other.name is None)
    if rasd.address:
        return _first(those(lambda other: (other.address or "").lower() == (rasd.address or "").lower()))
    if rasd.address_on_parent:
        return _first(those(lambda other: same_place(rasd, other)))
    if _storage_identity(rasd) or (rasd.name and rasd.host_resource):
        return _first(those(lambda other: same_storage(rasd, other)))
    return None


def _first(indexes: list[int]) -> Match:
    return indexes[0] if indexes else None


def counterpart(rasd: Rasd, others: Sequence[Rasd]) -> Rasd | None:
    """The same resource in the other configuration (defined or running) of the same system."""
    candidates = [others[index] for index in _akin(rasd, others)]
    if rasd.row.singleton:
        return candidates[0] if candidates else None
    if rasd.instance_id:
        for other in candidates:
            if other.instance_id == rasd.instance_id:
                return other
    if rasd.name:
        named = [other for other in candidates if other.name == rasd.name]
        if named:
            return named[0] if len(named) == 1 else None
        # A name that was given later is only in the definition.
        candidates = [other for other in candidates if other.name is None]
    for key in ("address", "address_on_parent", "host_resource"):
        value = getattr(rasd, key)
        if value:
            same = [other for other in candidates if getattr(other, key) == value]
            if len(same) == 1:
                return same[0]
            if key != "host_resource":
                return None
    # Without any identity two resources are the same when neither can be anything else.
    nameless = [other for other in candidates if _has_no_identity(other) and not other.instance_id]
    return nameless[0] if len(nameless) == 1 and not rasd.instance_id else None
