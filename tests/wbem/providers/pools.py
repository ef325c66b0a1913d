# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource pools with their settings, members and allocation capabilities (DSP1041, DSP1043)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import AllocationCapabilities
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


# allocation capabilities


def capabilities(reading: Reading, offered: AllocationCapabilities) -> Any:
    """What can be allocated of one type."""
    plugs = {True: [2, 3, 9, 11], False: [3]}
    return reading.make(
        "AllocationCapabilities",
        InstanceID=f"SVPC:capabilities/{offered.resource_type.word}",
        ElementName=offered.resource_type.word,
        ResourceType=int(offered.resource_type),
        RequestTypesSupported=4,
        SharingMode=3,
        SupportedAddStates=plugs[offered.live_add is None or bool(offered.live_add)],
        SupportedRemoveStates=plugs[offered.live_remove is None or bool(offered.live_remove)],
    )


_ROLES = (("default", 0, 0), ("minimum", 3, 1), ("maximum", 3, 2), ("increment", 3, 3))


def _limits(offered: AllocationCapabilities) -> Iterator[tuple[str, Rasd, int, int]]:
    kind = offered.resource_type
    for word, role, value_range in _ROLES:
        values = {name: value for name, value in getattr(offered, word).items() if not name.startswith("settings.")}
        inside = {
            name[len("settings.") :]: value
            for name, value in getattr(offered, word).items()
            if name.startswith("settings.")
        }
        if values or inside:
            yield word, Rasd(kind, settings=inside, **values), role, value_range
    for sub_type in offered.sub_types or ():
        yield f"sub_type/{sub_type}", Rasd(kind, resource_sub_type=sub_type), 3, 0
    for other in offered.other_types or ():
        yield f"other_type/{other}", Rasd(kind, other_resource_type=other), 3, 0


def _limit(reading: Reading, offered: AllocationCapabilities, word: str, rasd: Rasd) -> Any:
    instance_id = f"SVPC:capabilities/{offered.resource_type.word}/{word}"
    found = properties.rasd_properties(rasd, reading.dialect.block_size)
    found["ElementName"] = word
    return reading.make(properties.rasd_class(rasd.resource_type), InstanceID=instance_id, **found)


def _allocation(reading: Reading) -> Iterator[Any]:
    for offered in reading.capabilities.allocation.values():
        yield capabilities(reading, offered)


def _limit_settings(reading: Reading) -> Iterator[Any]:
    for offered in reading.capabilities.allocation.values():
        for word, rasd, _, _ in _limits(offered):
            yield _limit(reading, offered, word, rasd)


def _limits_of(reading: Reading) -> Iterator[Any]:
    for offered in reading.capabilities.allocation.values():
        whole = capabilities(reading, offered)
        for word, rasd, role, value_range in _limits(offered):
            yield reading.link(
                "SettingsDefineCapabilities",
                GroupComponent=whole,
                PartComponent=_limit(reading, offered, word, rasd),
                PropertyPolicy=0,
                ValueRole=role,
                ValueRange=value_range,
            )


def _having(reading: Reading) -> Iterator[Any]:
    for kind, offered in reading.capabilities.allocation.items():
        whole = capabilities(reading, offered)
        yield reading.link("ElementCapabilities", ManagedElement=host.host_system(reading), Capabilities=whole)
        for pool in reading.pools:
            if pool.resource_type is kind:
                yield reading.link(
                    "ElementCapabilities",
                    ManagedElement=instance(reading, pool),
                    Capabilities=whole,
                    Characteristics=[3],
                )


SECTIONS = (
    Section(("ResourcePool",), _pools),
    Section(("ResourceAllocationSettingData",), _settings),
    Section(("ElementSettingData",), _own_settings),
    Section(("HostedResourcePool",), _hosted),
    Section(("ElementAllocatedFromPool",), _children),
    Section(("StorageVolume",), _volumes),
    Section(("ConcreteComponent",), _members),
    Section(("AllocationCapabilities",), _allocation),
    Section(properties.RASD_CLASSES, _limit_settings),
    Section(("SettingsDefineCapabilities",), _limits_of),
    Section(("ElementCapabilities",), _having),
)
