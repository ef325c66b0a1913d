# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The allocations of virtual systems, and how they are found again by their InstanceIDs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import counterpart
from tests.wbem.providers import properties, systems
from tests.wbem.world import Reading, Section


@dataclass(frozen=True)
class Allocation:
    """One resource of one configuration."""

    instance_id: str
    configuration_id: str
    system: VirtualSystem
    rasd: Rasd
    live: bool
    """It belongs to a State configuration of its own."""


def allocations(system: VirtualSystem) -> Iterator[Allocation]:
    """The resources of a system's configurations."""
    for configuration_id, configuration, live in systems.configurations(system):
        for index, rasd in enumerate(configuration.resources):
            own = quote(rasd.instance_id, safe="/:") if rasd.instance_id else f"#{index}"
            yield Allocation(f"{configuration_id}/{own}", configuration_id, system, rasd, live)


def find(reading: Reading, instance_id: str | None) -> Allocation | None:
    """The resource with that InstanceID, or None."""
    for system in reading.systems:
        if instance_id is not None and instance_id.startswith(systems.configuration_id(system)):
            for found in allocations(system):
                if found.instance_id == instance_id:
                    return found
    return None


def defined_twin(found: Allocation) -> Allocation | None:
    """The resource of the Defined configuration that a State one was made from."""
    defined = [other for other in allocations(found.system) if not other.live]
    for other in defined:
        if found.rasd.instance_id and other.rasd.instance_id == found.rasd.instance_id:
            return other
    twin = counterpart(found.rasd, [other.rasd for other in defined])
    return next((other for other in defined if other.rasd is twin), None)


def instance(reading: Reading, found: Allocation) -> Any:
    """The instance of an allocation."""
    source = (found.rasd, found.rasd.instance_id, found.rasd.implied)
    return reading.once(
        ("rasd", found.instance_id), source, lambda: properties.shown(reading, found.rasd, found.instance_id)
    )


def path(reading: Reading, found: Allocation) -> Any:
    """The path of an allocation."""
    return instance(reading, found).path


def _everywhere(reading: Reading) -> Iterator[Allocation]:
    for system in reading.systems:
        yield from allocations(system)


def _resources(reading: Reading) -> Iterator[Any]:
    for found in _everywhere(reading):
        yield instance(reading, found)


def _components(reading: Reading) -> Iterator[Any]:
    for found in _everywhere(reading):
        yield reading.once(
            ("component", found.instance_id),
            found.rasd.resource_type,
            lambda found=found: reading.link(  # type: ignore[misc]
                "VirtualSystemSettingDataComponent",
                GroupComponent=systems.settings_path(reading, found.configuration_id),
                PartComponent=path(reading, found),
            ),
        )


def _defined(reading: Reading) -> Iterator[Any]:
    """From the allocation to the request for it, which is the same thing while the system is off."""
    for found in _everywhere(reading):
        request = defined_twin(found) if found.live else found
        if request is None or (not found.live and found.system.running is not None):
            continue
        yield reading.link(
            "ElementSettingData",
            ManagedElement=path(reading, found),
            SettingData=path(reading, request),
            IsDefault=1,
            IsNext=1,
        )


def _from_pools(reading: Reading) -> Iterator[Any]:
    from tests.wbem.providers import pools

    for found in _everywhere(reading):
        pool = pools.of_resource(reading, found.rasd)
        if pool is not None:
            yield reading.link(
                "ResourceAllocationFromPool", Antecedent=pools.instance(reading, pool), Dependent=path(reading, found)
            )


SECTIONS = (
    Section(properties.RASD_CLASSES, _resources),
    Section(("VirtualSystemSettingDataComponent",), _components),
    Section(("ElementSettingData",), _defined),
    Section(("ResourceAllocationFromPool",), _from_pools),
)
