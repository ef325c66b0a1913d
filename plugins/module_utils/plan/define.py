# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new virtual system: what is declared, completed by a reference and by the host's defaults (VSMS.DefineSystem)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported, Refused
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import PROPERTIES, Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Change, DefineSystem, SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.plan.checks import (
    allocation_of,
    check_boot_order,
    check_new_resource,
    check_settings,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import check_unwanted, is_writable_disk, match
from ansible_collections.svpc.virt.plugins.module_utils.plan.names import check_new_name
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import complete, is_surplus
from ansible_collections.svpc.virt.plugins.module_utils.plan.system_checks import (
    check_declared_resource,
    check_declared_settings,
)

_ALWAYS_PRESENT = (ResourceType.PROCESSOR, ResourceType.MEMORY)


def define(
    name: str,
    uuid: str | None,
    settings: Mapping[str, Any],
    resources: Sequence[Rasd],
    capabilities: Capabilities,
    reference: VirtualSystem | None = None,
    unwanted: Sequence[Rasd] = (),
    exclusive: bool = False,
) -> list[Change]:
    """The one change that records the system with everything it needs.

    What is ``unwanted``, with ``exclusive`` what is not listed, and what is left to the host is not taken from
    ``reference``.  Raises Refused when completing from ``reference`` would make two systems write to one disk.
    """
    check_new_name("name", name, "virtual system")
    match(resources, ())  # entries that contradict each other are told before anything else
    check_unwanted(resources, unwanted)
    if reference is not None:
        offered = [rasd for rasd in reference.defined.resources if not _is_left_to_the_host(rasd, capabilities)]
        settings, resources = _completed(name, settings, resources, reference, offered, unwanted, exclusive)
    chosen = dict(capabilities.default_settings)
    if capabilities.virtual_system_types:
        chosen.setdefault("virtual_system_type", capabilities.virtual_system_types[0])
    if capabilities.architectures:
        chosen.setdefault("architecture", capabilities.architectures[0])
    if settings.get("architecture") not in (None, chosen.get("architecture")):
        chosen.pop("machine", None)
    chosen.update({key: value for key, value in settings.items() if value is not None})
    check_declared_settings(chosen, chosen, resources)
    for rasd in resources:
        check_declared_resource(rasd, values(rasd))
    check_settings(chosen, capabilities, chosen)
    everything = list(resources)
    for resource_type in _ALWAYS_PRESENT:
        if all(rasd.resource_type is not resource_type for rasd in everything):
            everything.append(Rasd(resource_type))
    finished = tuple(_finished(rasd, capabilities) for rasd in everything)
    for rasd in finished:
        check_new_resource(rasd, capabilities)
    check_boot_order(chosen.get("boot_order") or (), finished)
    return [DefineSystem(SystemRef(name, uuid), Configuration(settings=chosen, resources=finished))]


def left_to_the_host(reference: VirtualSystem, capabilities: Capabilities) -> tuple[Rasd, ...]:
    """What a new system does not get from its reference: the host gives it to every system, and lets nobody declare it."""
    return tuple(rasd for rasd in reference.defined.resources if _is_left_to_the_host(rasd, capabilities))


def _is_left_to_the_host(rasd: Rasd, capabilities: Capabilities) -> bool:
    if not rasd.implied:
        return False
    try:
        check_new_resource(rasd, capabilities)
    except NotSupported:
        return True
    return False


def _finished(rasd: Rasd, capabilities: Capabilities) -> Rasd:
    """A resource with the quantities the host gives it by default."""
    if rasd.resource_type in _ALWAYS_PRESENT and rasd.virtual_quantity is None:
        default = allocation_of(rasd, capabilities).default.get("virtual_quantity")
        if default is not None and rasd.maximum_quantity is not None:
            default = min(default, rasd.maximum_quantity)
        rasd = replace(rasd, virtual_quantity=default)
    return complete(rasd, None, allocation_of(rasd, capabilities))


def _completed(
    name: str,
    settings: Mapping[str, Any],
    resources: Sequence[Rasd],
    reference: VirtualSystem,
    offered: Sequence[Rasd],
    unwanted: Sequence[Rasd],
    exclusive: bool,
) -> tuple[dict[str, Any], tuple[Rasd, ...]]:
    """The declaration with what the reference has and it does not name; of its resources, those that are ``offered``."""
    merged = {**reference.defined.settings, **{key: value for key, value in settings.items() if value is not None}}
    named = match(resources, offered)
    result = [
        rasd if index is None else _merged(rasd, offered[index], name, reference.name)
        for rasd, index in zip(resources, named)
    ]
    left = {*named, *match(unwanted, offered, adding=False)}
    result += [
        _of_its_own(rasd, name, reference.name)
        for index, rasd in enumerate(offered)
        if index not in left and not (exclusive and is_surplus(rasd))
    ]
    return merged, tuple(result)


def _merged(declared: Rasd, offered: Rasd, name: str, reference: str) -> Rasd:
    """A declared resource, with the rest of what the reference's resource has; what identifies it is not taken over."""
    inherited = _of_its_own_values(offered)
    fields = {
        key: getattr(declared, key) if getattr(declared, key) is not None else getattr(inherited, key)
        for key in PROPERTIES
    }
    if declared.maximum_quantity is None and offered.maximum_quantity is not None:
        fields["maximum_quantity"] = complete(declared, offered, None).maximum_quantity or offered.maximum_quantity
    merged = replace(declared, settings={**inherited.settings, **declared.settings}, **fields)
    if merged.host_resource and not declared.host_resource and is_writable_disk(merged):
        if not merged.pool_id:
            raise _shared(merged, name, reference)
        merged = replace(merged, host_resource=None)
    return merged


def _of_its_own_values(rasd: Rasd) -> Rasd:
    """A resource without what only one system can have: MAC address, and the volume behind a disk of its own."""
    address = None if rasd.row.addressed else rasd.address
    host_resource = rasd.host_resource
    if is_writable_disk(rasd) and rasd.pool_id:
        host_resource = None
    return replace(rasd, address=address, host_resource=host_resource, instance_id=None)


def _of_its_own(rasd: Rasd, name: str, reference: str) -> Rasd:
    own = _of_its_own_values(rasd)
    if is_writable_disk(rasd) and own.host_resource:
        raise _shared(own, name, reference)
    return own


def _shared(rasd: Rasd, name: str, reference: str) -> Refused:
    return Refused(
        f"Virtual system {name!r} would share {rasd.label} ({', '.join(rasd.host_resource or ())}) with its reference "
        f"{reference!r}: declare a disk of its own with the same name or place, and with a pool_id or a host_resource, "
        "or make it shareable or read-only"
    )
