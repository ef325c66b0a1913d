# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change so that a system has the resources that are declared.

The definition and the running system are compared separately: each change says what it does to which of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.svpc.virt.plugins.module_utils.errors import InTheWay, InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, too_small
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, values, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import (
    AddResourceSettings,
    Change,
    Difference,
    ModifyResourceSettings,
    Plan,
    RemoveResourceSettings,
    SystemRef,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.checks import (
    allocation_of,
    check_changes,
    check_new_resource,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import differences
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import (
    check_unwanted,
    clashes,
    counterpart,
    is_writable_disk,
    match,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.system_checks import check_declared_resource

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
        AllocationCapabilities,
        Capabilities,
    )

LABELS_ONLY = frozenset({"name"})
"""Properties that mean nothing to the running system."""

_PLACES = ("name", "address", "address_on_parent", "host_resource")
"""Properties that one resource may have to free for another one."""


def plan_resources(
    system: SystemRef,
    desired: Sequence[Rasd],
    unwanted: Sequence[Rasd],
    exclusive: bool,
    defined: Sequence[Rasd],
    running: Sequence[Rasd] | None,
    capabilities: Capabilities,
) -> list[Change]:
    """The changes, in the order in which they are safe: modify, add, remove.

    ``running`` are the resources of the running system, where it can be changed now; None when only the definition is
    to be changed.  A removal comes first only where its place is needed by something added.
    """
    check_unwanted(desired, unwanted)
    matched = match(desired, defined)
    modify: list[Change] = []
    add: list[Change] = []
    for rasd, index in zip(desired, matched):
        if index is None:
            check_declared_resource(rasd, values(rasd))
            add += _add(system, complete(rasd, None, allocation_of(rasd, capabilities)), running, capabilities)
        elif _is_as_declared(rasd, defined[index], running):
            continue  # Whatever the host can do: it is not even asked.
        elif rasd.resource_type not in capabilities.allocation and not differences(rasd, defined[index]):
            continue  # What a host makes by itself it need not be able to make when it is asked to.
        else:
            changed = changed_values(differences(rasd, defined[index]))
            check_declared_resource(with_values(defined[index], changed), changed)
            finished = complete(rasd, defined[index], allocation_of(rasd, capabilities))
            modify += _modify(system, finished, defined[index], running, capabilities)
    # What says where it belongs comes first: the host gives the others the places that are left.
    added = [change for change in add if isinstance(change, AddResourceSettings)]
    added.sort(key=lambda change: not change.resource.address_on_parent)
    add = [*added, *(change for change in add if change not in added)]
    gone = [index for index in match(unwanted, defined, adding=False) if index is not None]
    for index in gone:
        if index in matched:
            raise InvalidInput(f"resources: {defined[index].label} is declared both present and absent")
    if exclusive:
        gone += [
            index
            for index, rasd in enumerate(defined)
            if index not in matched and index not in gone and is_surplus(rasd)
        ]
    remove = [_remove(system, defined[index], running, capabilities) for index in gone]
    if running is not None:
        orphans = [
            rasd
            for rasd in running
            if counterpart(rasd, defined) is None
            and counterpart(rasd, [change.resource for change in new(add)]) is None
        ]
        remove += _remove_from_running(system, unwanted, exclusive, orphans, capabilities)
    in_the_way = [_is_in_the_way(change.resource, [*modify, *add]) for change in remove]
    first = [change for change, early in zip(remove, in_the_way) if early]
    last = [change for change, early in zip(remove, in_the_way) if not early]
    return [*first, *modify, *add, *last]


def new(plan: Sequence[Change]) -> list[AddResourceSettings]:
    """The changes that add a resource to the definition."""
    return [change for change in plan if isinstance(change, AddResourceSettings) and change.in_definition]


def check_clashes(defined: Sequence[Rasd], plan: Plan) -> None:
    """Raise InTheWay when a plan would give a resource what another one has and keeps."""
    given: dict[int, Mapping[str, Difference]] = {}
    gone = set()
    for change in plan:
        if isinstance(change, ModifyResourceSettings):
            given[id(change.before)] = change.differences
        elif isinstance(change, RemoveResourceSettings) and change.in_definition:
            gone.add(id(change.resource))
    added = new(plan)
    if not given and not added:
        return
    kept = [rasd for rasd in defined if id(rasd) not in gone]
    after = [with_values(rasd, changed_values(found)) if (found := given.get(id(rasd))) else rasd for rasd in kept]
    after += [change.resource for change in added]
    for position, rasd in enumerate(after):
        is_new = position >= len(kept)
        changed = set() if is_new else set(given.get(id(kept[position]), ()))
        if not is_new and not changed:
            continue
        for place, other in enumerate(after):
            for name, what in clashes(rasd, other).items() if place != position else ():
                if name in changed or is_new:
                    raise InTheWay(f"resources: {rasd.label} cannot have {what}: {other.label} has it", plan)


def is_surplus(rasd: Rasd) -> bool:
    """Whether ``exclusive`` removes a resource that is not listed."""
    if rasd.implied or rasd.row.singleton:
        return False
    return rasd.row.exclusive or bool(rasd.name)


def complete(desired: Rasd, current: Rasd | None, allocation: AllocationCapabilities | None) -> Rasd:
    """A declaration with the quantities that follow from it.

    The maximum of processors and memory that is not declared follows the quantity, unless the system has room to grow:
    then the room stays as it is.  Nothing follows where the host knows no maximum.  A new disk is as large as the image
    it is made from, unless more is declared.
    """
    quantity, maximum = desired.virtual_quantity, desired.maximum_quantity
    if desired.image is not None and current is None:
        return _as_large_as_its_image(desired, desired.image)
    if desired.resource_type not in (ResourceType.PROCESSOR, ResourceType.MEMORY):
        return desired
    if maximum is not None:
        at_least = quantity if quantity is not None else (current.virtual_quantity if current else None)
        if at_least is not None and maximum < at_least:
            raise InvalidInput(
                f"{desired.label}: maximum_quantity ({maximum}) is less than virtual_quantity ({at_least})"
            )
        return desired
    if quantity is None or (allocation is not None and "maximum_quantity" in allocation.unsupported):
        return desired
    if current is None:
        return replace(desired, maximum_quantity=quantity)
    had_room = (
        current.maximum_quantity is not None
        and current.virtual_quantity is not None
        and current.maximum_quantity > current.virtual_quantity
    )
    if had_room and current.maximum_quantity is not None and quantity <= current.maximum_quantity:
        return desired
    return replace(desired, maximum_quantity=quantity)


def _is_as_declared(desired: Rasd, defined: Rasd, running: Sequence[Rasd] | None) -> bool:
    finished = complete(desired, defined, None)
    if differences(finished, defined):
        return False
    if running is None:
        return True
    now = counterpart(defined, running)
    return now is not None and not differences(finished, now)


def _as_large_as_its_image(rasd: Rasd, image: Image) -> Rasd:
    least, quantity = image.least, rasd.virtual_quantity
    if least is None:
        return rasd
    if quantity is not None and quantity < least:
        raise InvalidInput(too_small(rasd.label, image, least, quantity), minimum=least)
    return replace(rasd, virtual_quantity=quantity or least)


def _add(system: SystemRef, rasd: Rasd, running: Sequence[Rasd] | None, capabilities: Capabilities) -> list[Change]:
    check_new_resource(rasd, capabilities)
    allocation = allocation_of(rasd, capabilities)
    if running is None:
        return [AddResourceSettings(system, rasd, in_definition=True, live=False)]
    existing = counterpart(rasd, running)
    if existing is None:
        return [AddResourceSettings(system, rasd, in_definition=True, live=_can_be_added(rasd, running, allocation))]
    # It runs already: the definition gets the same one.
    address = existing.address if rasd.row.addressed else None
    same = replace(
        rasd,
        address=rasd.address or address,
        address_on_parent=rasd.address_on_parent or existing.address_on_parent,
    )
    changes: list[Change] = [AddResourceSettings(system, same, in_definition=True, live=False)]
    live = live_part(rasd, existing, allocation, differences(rasd, existing))
    if live:
        changes.append(
            ModifyResourceSettings(
                system, before=existing, running_before=existing, live_differences=live, seed=rasd.seed
            )
        )
    return changes


def _can_be_added(rasd: Rasd, running: Sequence[Rasd], allocation: AllocationCapabilities) -> bool:
    """Whether a running system can take a new resource."""
    needed = allocation.live_add_needs.get(rasd.other_resource_type or "")
    if needed is not None and all(other.other_resource_type != needed for other in running):
        return False
    return _can_be_plugged(rasd, allocation.live_add)


def _can_be_plugged(rasd: Rasd, kinds: frozenset[str] | None) -> bool:
    if kinds is None:
        return True
    kind = rasd.other_resource_type if rasd.resource_type is ResourceType.OTHER else rasd.resource_sub_type
    return bool(kinds) and (kind is None or kind in kinds)


def _modify(
    system: SystemRef,
    rasd: Rasd,
    defined: Rasd,
    running: Sequence[Rasd] | None,
    capabilities: Capabilities,
) -> list[Change]:
    found = differences(rasd, defined)
    check_changes(defined, found, capabilities)
    allocation = allocation_of(rasd, capabilities)
    running_rasd = counterpart(defined, running) if running is not None else None
    live = live_part(rasd, running_rasd, allocation, found) if running_rasd is not None else {}
    changes: list[Change] = []
    if found or live:
        changes.append(
            ModifyResourceSettings(
                system,
                before=defined,
                differences=found,
                running_before=running_rasd if live else None,
                live_differences=live,
                seed=rasd.seed if "host_resource" in {**found, **live} else None,
            )
        )
    if running is not None and running_rasd is None:
        finished = with_values(defined, changed_values(found))
        if _can_be_added(finished, running, allocation):
            changes.append(AddResourceSettings(system, finished, in_definition=False, live=True))
    return changes


def live_part(
    desired: Rasd, running: Rasd, allocation: AllocationCapabilities, recorded: Mapping[str, Difference]
) -> dict[str, Difference]:
    """Of the declared values the running resource does not have: those that can be changed without a restart.

    ``recorded`` are the differences of the definition: what is there already was requested before.
    """
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Live

    found = differences(desired, running)
    possible: dict[str, Difference] = {}
    for name, (before, after) in found.items():
        rule = allocation.live_modify.get(name)
        if rule is None or name in LABELS_ONLY:
            continue
        # When the maximum has to change too, the new quantity belongs to the new maximum: both wait for a restart.
        if (
            name == "virtual_quantity"
            and "maximum_quantity" in found
            and "maximum_quantity" not in allocation.live_modify
        ):
            continue
        maximum = running.maximum_quantity
        grows = before is None or (isinstance(after, int) and after > before)
        fits = maximum is None or (isinstance(after, int) and after <= maximum)
        if (
            rule is Live.ALWAYS
            or (rule is Live.WITH_CONNECTION and "connection" in found)
            or (rule is Live.REQUESTED and fits and (grows or name in recorded))
            or (rule is Live.GROW_TO_MAXIMUM and fits and grows)
            or (rule is Live.GROW and grows)
        ):
            possible[name] = (before, after)
    return possible


def _remove(
    system: SystemRef, rasd: Rasd, running: Sequence[Rasd] | None, capabilities: Capabilities
) -> RemoveResourceSettings:
    if rasd.row.singleton:
        raise NotSupported(f"{rasd.label}: a virtual system cannot be without {rasd.resource_type.word}")
    running_rasd = counterpart(rasd, running) if running is not None else None
    if running_rasd is not None:
        allocation = capabilities.allocation.get(rasd.resource_type)
        if allocation is None or not _can_be_plugged(running_rasd, allocation.live_remove):
            running_rasd = None
    return RemoveResourceSettings(system, rasd, in_definition=True, running_resource=running_rasd)


def _remove_from_running(
    system: SystemRef,
    unwanted: Sequence[Rasd],
    exclusive: bool,
    orphans: Sequence[Rasd],
    capabilities: Capabilities,
) -> list[RemoveResourceSettings]:
    """What is unwanted, not defined, and still in the running system."""
    found = []
    for rasd in unwanted_of(orphans, unwanted, exclusive):
        allocation = capabilities.allocation.get(rasd.resource_type)
        if allocation is not None and _can_be_plugged(rasd, allocation.live_remove):
            found.append(RemoveResourceSettings(system, rasd, in_definition=False, running_resource=rasd))
    return found


def unwanted_of(orphans: Sequence[Rasd], unwanted: Sequence[Rasd], exclusive: bool) -> list[Rasd]:
    """Of resources that are not defined those that are declared absent, or surplus where ``exclusive``."""
    named = match(unwanted, orphans, adding=False)
    return [rasd for index, rasd in enumerate(orphans) if index in named or (exclusive and is_surplus(rasd))]


def _is_in_the_way(rasd: Rasd, changes: Sequence[Change]) -> bool:
    for change in changes:
        if isinstance(change, AddResourceSettings):
            wanted = {name: getattr(change.resource, name) for name in _PLACES}
        elif isinstance(change, ModifyResourceSettings):
            wanted = {**changed_values(change.differences), **changed_values(change.live_differences)}
        else:
            continue
        if any(wanted.get(name) and wanted[name] == getattr(rasd, name) for name in _PLACES):
            return True
    return False


def changed_values(found: Mapping[str, Difference]) -> dict[str, object]:
    """The values after, by name."""
    return {name: after for name, (_before, after) in found.items()}


def disk_taken(change: ModifyResourceSettings) -> Rasd | None:
    """The disk as it is to be, where a change gives it other storage, or has its storage for it alone; else None."""
    after = with_values(change.before, changed_values({**change.live_differences, **change.differences}))
    same = after.host_resource == change.before.host_resource
    return after if is_writable_disk(after) and not (same and is_writable_disk(change.before)) else None
