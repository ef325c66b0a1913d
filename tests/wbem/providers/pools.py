# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource pools with their settings and members (DSP1041)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from tests.wbem.providers import host, properties
from tests.wbem.world import Reading, Section

_UNITS = {"Processor": "count"}


def pool_id(pool: ResourcePool) -> str:
    """InstanceID of a pool."""
    return f"SVPC:pool/{pool.resource_type.word}/{quote(pool.pool_id)}"


def settings_id(pool: ResourcePool) -> str:
    """InstanceID of the settings of a pool."""
    return f"{pool_id(pool)}/settings"


def instance(reading: Reading, pool: ResourcePool) -> Any:
    """The instance of a pool."""
    unit = "byte" if row_of(pool.resource_type).quantity_unit == units.BYTE else "count"
    return reading.make(
        "ResourcePool",
        InstanceID=pool_id(pool),
        PoolID=pool.pool_id,
        ElementName=pool.pool_id,
        Primordial=pool.primordial,
        ResourceType=int(pool.resource_type),
        ResourceSubType=pool.resource_sub_type,
        AllocationUnits=unit,
        Capacity=pool.capacity,
        Reserved=pool.reserved,
        ConsumedResourceUnits=unit,
        CurrentlyConsumedResource=pool.currently_consumed_resource,
        MaxConsumableResource=pool.max_consumable_resource,
        UUID=pool.uuid,
        EnabledState=None if pool.active is None else 2 if pool.active else 3,
        OperationalStatus=[2 if pool.active in (True, None) else 10],
    )


def find(reading: Reading, instance_id: str | None) -> ResourcePool | None:
    """The pool with that InstanceID, or None."""
    return next((pool for pool in reading.pools if pool_id(pool) == instance_id), None)


def of_resource(reading: Reading, rasd: Rasd) -> ResourcePool | None:
    """The pool a resource is allocated from, as far as it is known."""
    wanted = rasd.pool_id
    if wanted is None and rasd.resource_type is ResourceType.ETHERNET_ADAPTER and rasd.connection:
        wanted = rasd.connection[0]
    if wanted is None:
        return None
    byte = row_of(rasd.resource_type).quantity_unit == units.BYTE and rasd.resource_type is not ResourceType.MEMORY
    kind = ResourceType.DISK_DRIVE if byte else rasd.resource_type
    return next((pool for pool in reading.pools if (pool.resource_type, pool.pool_id) == (kind, wanted)), None)


def _pools(reading: Reading) -> Iterator[Any]:
    for pool in reading.pools:
        yield instance(reading, pool)


def settings(reading: Reading, pool: ResourcePool) -> Any:
    """The settings of a pool."""
    shape = Rasd(
        ResourceType.OTHER,
        name=pool.pool_id,
        resource_sub_type=pool.resource_sub_type,
        host_resource=pool.host_resource,
        automatic_allocation=pool.automatic_startup,
        settings=pool.settings,
        pool_id=pool.parent,
    )
    found = properties.rasd_properties(shape)
    found["ResourceType"] = int(pool.resource_type)
    return reading.make("ResourceAllocationSettingData", InstanceID=settings_id(pool), **found)


def _settings(reading: Reading) -> Iterator[Any]:
    for pool in reading.pools:
        yield settings(reading, pool)


def _own_settings(reading: Reading) -> Iterator[Any]:
    for pool in reading.pools:
        yield reading.link(
            "ElementSettingData",
            ManagedElement=instance(reading, pool),
            SettingData=settings(reading, pool),
            IsDefault=1,
            IsNext=1,
        )


def _hosted(reading: Reading) -> Iterator[Any]:
    for pool in reading.pools:
        yield reading.link(
            "HostedResourcePool",
            GroupComponent=host.host_system(reading),
            PartComponent=instance(reading, pool),
        )


def _children(reading: Reading) -> Iterator[Any]:
    by_key = {(pool.resource_type, pool.pool_id): pool for pool in reading.pools}
    for pool in reading.pools:
        parent = by_key.get((pool.resource_type, pool.parent or ""))
        if parent is not None and parent is not pool:
            yield reading.link(
                "ElementAllocatedFromPool", Antecedent=instance(reading, parent), Dependent=instance(reading, pool)
            )


# members


def volume(reading: Reading, path: str, **more: Any) -> Any:
    """The extent behind a disk, or a volume of a pool."""
    return reading.make(
        "StorageVolume",
        SystemCreationClassName=reading.name_of("ComputerSystem"),
        SystemName=reading.host_name,
        CreationClassName=reading.name_of("StorageVolume"),
        DeviceID=path,
        Name=path,
        NameFormat=12,
        NameNamespace=8,
        **more,
    )


def _kept(reading: Reading) -> Mapping[str, str | None]:
    """Paths behind the disks of all systems, with the reasons to keep them."""
    found: dict[str, str | None] = {}
    for system in reading.systems:
        for element in reading.world.platform.storage_of(system):
            found[element.host_resource] = found.get(element.host_resource) or element.kept_because
    return found


def _member(reading: Reading, pool: ResourcePool, member: Mapping[str, Any], kept: Mapping[str, str | None]) -> Any:
    path = member.get("path") or member.get("name")
    if path is None or pool.resource_type is not ResourceType.DISK_DRIVE:
        return None
    capacity = member.get("capacity")
    return volume(
        reading,
        str(path),
        ElementName=str(member.get("name") or path),
        BlockSize=1 if capacity is not None else None,
        NumberOfBlocks=capacity,
        ConsumableBlocks=capacity,
        Primordial=pool.primordial,
        KeptBecause=kept.get(str(path)),
    )


def _volumes(reading: Reading) -> Iterator[Any]:
    kept = _kept(reading)
    seen = set()
    for pool in reading.pools:
        for member in pool.members:
            found = _member(reading, pool, member, kept)
            if found is not None and found["DeviceID"] not in seen:
                seen.add(found["DeviceID"])
                yield found
    for path, reason in kept.items():
        if path not in seen:
            yield volume(reading, path, ElementName=path.rpartition("/")[2], KeptBecause=reason)


def _members(reading: Reading) -> Iterator[Any]:
    for pool in reading.pools:
        for member in pool.members:
            found = _member(reading, pool, member, {})
            if found is not None:
                yield reading.link("ConcreteComponent", GroupComponent=instance(reading, pool), PartComponent=found)


SECTIONS = (
    Section(("ResourcePool",), _pools),
    Section(("ResourceAllocationSettingData",), _settings),
    Section(("ElementSettingData",), _own_settings),
    Section(("HostedResourcePool",), _hosted),
    Section(("ElementAllocatedFromPool",), _children),
    Section(("StorageVolume",), _volumes),
    Section(("ConcreteComponent",), _members),
)
