# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can do what is declared, decided from its capabilities before anything is touched (DSP1043)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, shown_value, values, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import (
    is_machine,
    machine_family,
    meaning_of_absence,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.system_checks import TOPOLOGY, check_topology

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
        AllocationCapabilities,
        Capabilities,
    )

_BOOTABLE = tuple(
    resource_type.word
    for resource_type in (
        ResourceType.DISK_DRIVE,
        ResourceType.CD_DRIVE,
        ResourceType.DVD_DRIVE,
        ResourceType.FLOPPY_DRIVE,
        ResourceType.ETHERNET_ADAPTER,
    )
)
"""Types of devices that a boot order may name, whether the system has one or not."""


def check_settings(settings: Mapping[str, Any], capabilities: Capabilities, names: Iterable[str]) -> None:
    """Raise NotSupported when the host does not have one of the settings ``names``, or not with its value."""
    for name in names:
        value = settings.get(name)
        if value is None or (name in SYSTEM_SETTINGS and value == SYSTEM_SETTINGS[name].absent):
            continue
        if name == "boot_order" and not value:
            raise InvalidInput("settings: boot_order: name at least one device to boot from")
        reason = capabilities.unsupported_settings.get(f"{name}={value}", capabilities.unsupported_settings.get(name))
        if reason:
            raise NotSupported(f"settings: {name}: {value!r} is not supported by this host: {reason}")
        _check_word(f"settings: {name}", value, _allowed_words(name, settings, capabilities), name == "machine")


def _allowed_words(name: str, settings: Mapping[str, Any], capabilities: Capabilities) -> tuple[str, ...] | None:
    if name == "virtual_system_type":
        return capabilities.virtual_system_types or None
    if name == "architecture":
        return capabilities.architectures or None
    if name == "machine":
        architecture = settings.get("architecture") or next(iter(capabilities.architectures), None)
        return capabilities.machines.get(architecture or "") or None
    return capabilities.setting_words.get(name)


def _check_word(where: str, value: Any, allowed: tuple[str, ...] | None, machine: bool = False) -> None:
    if allowed is None or value in ("", "none") or str(value) in allowed:
        return
    if machine and any(is_machine(str(value), word) for word in allowed):
        return
    raise NotSupported(
        f"{where}: {value!r} is not offered by this host; allowed are {', '.join(allowed)}", allowed=list(allowed)
    )


def check_setting_changes(system: str, found: Mapping[str, Difference], capabilities: Capabilities) -> None:
    """Raise Conflict for a setting that an existing system keeps for ever."""
    for name, (before, after) in found.items():
        reason = capabilities.fixed_settings.get(name)
        if reason is None or before is None:
            continue
        if name == "machine" and machine_family(str(before)) == machine_family(str(after)):
            continue
        raise Conflict(
            f"settings: {name}: virtual system {system!r} has {before!r} and cannot get {after!r}: {reason}. "
            "Remove it (its storage stays) and declare it anew"
        )


def check_boot_order(order: Sequence[str], resources: Sequence[Rasd]) -> None:
    """Raise InvalidInput for an entry that is neither a type of devices to boot from nor one of the ``resources``."""
    known = {*_BOOTABLE}
    for rasd in resources:
        known |= {rasd.resource_type.word, *filter(None, (rasd.name, rasd.address_on_parent, rasd.address))}
    for word in order:
        if word not in known:
            allowed = list(dict.fromkeys([*_BOOTABLE, *(rasd.name for rasd in resources if rasd.name)]))
            raise InvalidInput(
                f"settings: boot_order: there is no {word!r}; allowed are {', '.join(allowed)}", allowed=allowed
            )


def allocation_of(rasd: Rasd, capabilities: Capabilities) -> AllocationCapabilities:
    """What the host can allocate of the resource's type.  Raises NotSupported when that is nothing."""
    found = capabilities.allocation.get(rasd.resource_type)
    if found is None:
        types = sorted(resource_type.word for resource_type in capabilities.allocation)
        raise NotSupported(
            f"{rasd.label}: the host allocates no {rasd.resource_type.word}; allowed are {', '.join(types)}",
            allowed=types,
        )
    return found


def check_new_resource(rasd: Rasd, capabilities: Capabilities) -> None:
    """Raise when a resource as declared cannot be allocated."""
    allocation = allocation_of(rasd, capabilities)
    if rasd.resource_type is ResourceType.OTHER:
        if not rasd.other_resource_type:
            raise InvalidInput("resources: a resource of type other needs other_resource_type")
        if allocation.other_types is not None and rasd.other_resource_type not in allocation.other_types:
            raise NotSupported(
                f"other_resource_type {rasd.other_resource_type!r} is not offered by this host; allowed are "
                f"{', '.join(allocation.other_types)}",
                allowed=list(allocation.other_types),
            )
    elif allocation.sub_types is not None and rasd.resource_sub_type:
        _check_word(f"{rasd.label}: resource_sub_type", rasd.resource_sub_type, allocation.sub_types)
    if rasd.row.removable and rasd.virtual_quantity is not None and not rasd.host_resource:
        raise _size_of_medium(rasd)
    check_topology(rasd)
    check_values(rasd, allocation, values(rasd))


def check_values(rasd: Rasd, allocation: AllocationCapabilities, changed: Mapping[str, Any]) -> None:
    """Raise when one of the values ``changed`` (name → value) is not within the host's capabilities."""
    for name, value in changed.items():
        if value is None or value == meaning_of_absence(rasd.row, name):
            continue
        where = f"{rasd.label}: {name.replace('settings.', '')}"
        reason = allocation.unsupported.get(name)
        if reason:
            raise NotSupported(f"{where} is not supported by this host: {reason}")
        if name in allocation.words:
            for word in value if isinstance(value, tuple) else (value,):
                _check_word(where, shown_value(rasd, name, word), allocation.words[name])
        if isinstance(value, int) and not isinstance(value, bool):
            _check_range(rasd, where, name, value, allocation)


def _check_range(rasd: Rasd, where: str, name: str, value: int, allocation: AllocationCapabilities) -> None:
    """The validity rule of CIM_SettingsDefineCapabilities: minimum, maximum, increment."""
    key = "virtual_quantity" if name == "maximum_quantity" and name not in allocation.maximum else name
    minimum, maximum = allocation.minimum.get(key), allocation.maximum.get(key)
    increment = allocation.increment.get(key)

    def words(number: int) -> str:
        in_bytes = key == "virtual_quantity" and rasd.row.quantity_unit == units.BYTE
        return units.size_words(number) if in_bytes else str(number)

    if minimum is not None and value < minimum:
        raise InvalidInput(
            f"{where}: {words(value)} is less than the host's minimum, {words(minimum)}", minimum=minimum
        )
    if maximum is not None and value > maximum:
        raise InvalidInput(
            f"{where}: {words(value)} is more than the host's maximum, {words(maximum)}", maximum=maximum
        )
    if increment and (value - (minimum or 0)) % increment:
        base = (minimum or 0) + (value - (minimum or 0)) // increment * increment
        raise InvalidInput(
            f"{where}: {words(value)} is not in the host's steps of {words(increment)}; the nearest are "
            f"{words(base)} and {words(base + increment)}",
            increment=increment,
            allowed=[base, base + increment],
        )


def check_changes(current: Rasd, found: Mapping[str, Difference], capabilities: Capabilities) -> None:
    """Raise when an existing resource cannot get the values ``found``: out of range, fixed, or a disk that shrinks."""
    allocation = allocation_of(current, capabilities)
    if not found:
        return
    for name, (before, after) in found.items():
        if name in allocation.fixed and before is not None:
            raise Conflict(
                f"{current.label}: {name.replace('settings.', '')} is {shown_value(current, name, before)!r} and cannot "
                f"become {shown_value(current, name, after)!r}: {allocation.fixed[name]}"
            )
        if name == "virtual_quantity" and current.row.removable:
            raise _size_of_medium(current)
        if name == "virtual_quantity" and _is_storage(current) and before is not None and after < before:
            raise Conflict(
                f"{current.label}: it has {units.size_words(before)} and would have {units.size_words(after)}: "
                "storage is never shrunk"
            )
    if "resource_sub_type" in found and allocation.sub_types is not None:
        _check_word(f"{current.label}: resource_sub_type", found["resource_sub_type"][1], allocation.sub_types)
    changed = {name: after for name, (_before, after) in found.items()}
    if TOPOLOGY & set(changed):
        check_topology(with_values(current, changed))
    check_values(current, allocation, changed)


def _size_of_medium(rasd: Rasd) -> NotSupported:
    return NotSupported(
        f"{rasd.label}: virtual_quantity is not supported: a medium has the size it has; insert another one (host_resource)"
    )


def _is_storage(rasd: Rasd) -> bool:
    return rasd.row.host_resource_identifies and rasd.row.quantity_unit == units.BYTE


def check_wait(wait_for: str, capabilities: Capabilities) -> None:
    """Raise NotSupported when the host does not tell what is to be waited for."""
    if wait_for == "none":
        return
    reason = capabilities.unsupported_waits.get(wait_for)
    if reason:
        raise NotSupported(f"wait_for: {wait_for} is not supported by this host: {reason}")


def check_method(operation: str, capabilities: Capabilities) -> None:
    """Raise NotSupported when the host does not offer an operation."""
    if capabilities.methods and operation not in capabilities.methods:
        raise NotSupported(
            f"The host does not offer {operation}; offered are {', '.join(sorted(capabilities.methods))}",
            allowed=sorted(capabilities.methods),
        )
