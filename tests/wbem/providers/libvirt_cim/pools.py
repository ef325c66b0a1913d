# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pools of libvirt-cim: one class for each type, and settings that say what is possible in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.units import BYTE, parse_quantity
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from tests.wbem import invoke
from tests.wbem.invoke import Invocation, Method
from tests.wbem.providers.libvirt_cim import resources, systems
from tests.wbem.providers.libvirt_cim.documents import as_markup
from tests.wbem.providers.libvirt_cim.resources import failed
from tests.wbem.world import Reading, Section

PRIMORDIAL = {"Graphics": 24, "Input": 13, "Controller": 32771}
PREFIXES = {ResourceType.DISK_DRIVE: "DiskPool/", ResourceType.ETHERNET_ADAPTER: "NetworkPool/"}
KINDS = {1: "dir", 2: "fs", 3: "netfs", 4: "disk", 5: "iscsi", 6: "logical", 7: "scsi"}
FORWARDING = {0: "isolated", 1: "nat", 2: "route"}
MEGABYTE = 2**20


def _primordial(reading: Reading, suffix: str, number: int, **more: Any) -> Any:
    name = f"{suffix}Pool/0"
    return reading.make(f"{suffix}Pool", InstanceID=name, PoolID=name, Primordial=True, ResourceType=number, **more)


def instance(reading: Reading, pool: ResourcePool) -> Any:
    """The instance of a pool that was made."""
    name = PREFIXES[pool.resource_type] + pool.pool_id
    if pool.resource_type is ResourceType.ETHERNET_ADAPTER:
        return reading.make(
            "NetworkPool",
            InstanceID=name,
            PoolID=name,
            Primordial=False,
            ResourceType=10,
            Caption=f"Bridge: {pool.settings.get('bridge') or 'virbr0'}",
        )
    path = pool.settings.get("target_path") or (pool.host_resource[0] if pool.host_resource else None)
    return reading.make(
        "DiskPool",
        InstanceID=name,
        PoolID=name,
        Primordial=False,
        ResourceType=17,
        OtherResourceType=pool.resource_sub_type,
        AllocationUnits="Megabytes",
        ConsumedResourceUnits="Megabytes",
        Capacity=None if pool.capacity is None else pool.capacity // MEGABYTE,
        Reserved=None if pool.reserved is None else pool.reserved // MEGABYTE,
        Path=path,
        Autostart=int(bool(pool.automatic_startup)),
    )


def made(reading: Reading) -> list[ResourcePool]:
    """The pools that were made; networks are shown while they are active only."""
    return [
        pool
        for pool in reading.pools
        if not pool.primordial
        and pool.resource_type in PREFIXES
        and (pool.active or pool.resource_type is ResourceType.DISK_DRIVE)
    ]


def _pools(reading: Reading) -> Iterator[Any]:
    processors, memory = reading.host.get("processors") or 1, int(reading.host.get("memory") or 0)
    unit = {"AllocationUnits": "Processors", "ConsumedResourceUnits": "Processors"}
    yield _primordial(reading, "Processor", 3, Capacity=processors, Reserved=0, **unit)
    used = 0
    for system in reading.systems:
        if system.running is not None:
            used += sum(
                rasd.virtual_quantity or 0
                for rasd in system.running.resources
                if rasd.resource_type is ResourceType.MEMORY
            )
    unit = {"AllocationUnits": "byte*2^10", "ConsumedResourceUnits": "byte*2^10"}
    yield _primordial(
        reading,
        "Memory",
        4,
        Capacity=memory // 1024,
        Reserved=used // 1024,
        CurrentlyConsumedResource=used // 1024,
        **unit,
    )
    yield _primordial(reading, "Disk", 17, AllocationUnits="Megabytes", ConsumedResourceUnits="Megabytes")
    yield _primordial(reading, "Network", 10)
    for suffix, number in PRIMORDIAL.items():
        yield _primordial(reading, suffix, number)
    for pool in made(reading):
        yield instance(reading, pool)


def _hosted(reading: Reading) -> Iterator[Any]:
    for pool in _pools(reading):
        yield reading.link("HostedResourcePool", GroupComponent=systems.host_system(reading), PartComponent=pool)


def _from_pools(reading: Reading) -> Iterator[Any]:
    known = {pool["InstanceID"]: pool for pool in _pools(reading)}
    for system in reading.systems:
        for found in resources.shown(system):
            rasd = resources.instance(reading, system, found)
            name = {"Mem": "MemoryPool/0", "Proc": "ProcessorPool/0"}.get(found.suffix, rasd.get("PoolID"))
            if name in known:
                yield reading.link("ResourceAllocationFromPool", Antecedent=known[name], Dependent=rasd)


def _parents(reading: Reading) -> Iterator[Any]:
    known = {pool["InstanceID"]: pool for pool in _pools(reading)}
    for name, pool in known.items():
        if not pool["Primordial"]:
            parent = known[f"{name.partition('/')[0]}/0"]
            yield reading.link("ElementAllocatedFromPool", Antecedent=parent, Dependent=pool)


# capabilities

_LIMITS: Mapping[str, tuple[str, tuple[Mapping[str, Any], ...]]] = {
    "ProcessorPool/0": (
        "Proc",
        (
            {"VirtualQuantity": 0, "Weight": 2},
            {"VirtualQuantity": 16, "Weight": 262144},
            {"VirtualQuantity": 1, "Weight": 1024},
            {"VirtualQuantity": 1, "Weight": 1},
        ),
    ),
    "MemoryPool/0": (
        "Mem",
        tuple({"VirtualQuantity": size, "Limit": size} for size in (65536, 4194304, 262144, 1024)),
    ),
}
_ROLES = (("Minimum", 3, 1), ("Maximum", 3, 2), ("Default", 0, 0), ("Increment", 3, 3))
_UNITS = {"Proc": ("Processors", 3), "Mem": ("KiloBytes", 4)}


def _allocation(reading: Reading) -> Iterator[Any]:
    for pool in _pools(reading):
        if pool["Primordial"]:
            yield reading.make(
                "AllocationCapabilities", InstanceID=pool["InstanceID"], ResourceType=pool["ResourceType"]
            )


def _having(reading: Reading) -> Iterator[Any]:
    for pool in _pools(reading):
        if pool["Primordial"]:
            found = reading.make("AllocationCapabilities", InstanceID=pool["InstanceID"])
            yield reading.link("ElementCapabilities", ManagedElement=pool, Capabilities=found)


def _limits(reading: Reading) -> Iterator[tuple[Any, Any, int, int]]:
    for pool_id, (suffix, rows) in _LIMITS.items():
        unit, number = _UNITS[suffix]
        whole = reading.make("AllocationCapabilities", InstanceID=pool_id)
        for (word, role, value_range), values in zip(_ROLES, rows, strict=True):
            rasd = reading.make(
                resources.class_of(suffix),
                InstanceID=word,
                ResourceType=number,
                PoolID=pool_id,
                AllocationUnits=unit,
                VirtualQuantityUnits="count",
                **values,
            )
            yield whole, rasd, role, value_range


def _limits_of(reading: Reading) -> Iterator[Any]:
    for whole, rasd, role, value_range in _limits(reading):
        yield reading.link(
            "SettingsDefineCapabilities",
            GroupComponent=whole,
            PartComponent=rasd,
            PropertyPolicy=0,
            ValueRole=role,
            ValueRange=value_range,
        )


SECTIONS = (
    Section(tuple(f"{suffix}Pool" for suffix in ("Processor", "Memory", "Disk", "Network", *PRIMORDIAL)), _pools),
    Section(("HostedResourcePool",), _hosted),
    Section(("ResourceAllocationFromPool",), _from_pools),
    Section(("ElementAllocatedFromPool",), _parents),
    Section(("AllocationCapabilities",), _allocation),
    Section(("ElementCapabilities",), _having),
    Section(
        tuple(resources.class_of(suffix) for suffix in _UNITS),
        lambda reading: [rasd for _, rasd, _, _ in _limits(reading)],
        listed=False,
    ),
    Section(("SettingsDefineCapabilities",), _limits_of),
)


# methods


def _create_child(invocation: Invocation) -> Mapping[str, Any]:
    """Make a pool, and activate it."""
    wanted = invocation.need("Settings")[0]
    name = invocation.get("ElementName")
    kinds = {
        "DiskPoolResourceAllocationSettingData": ResourceType.DISK_DRIVE,
        "NetPoolResourceAllocationSettingData": ResourceType.ETHERNET_ADAPTER,
    }
    kind = kinds.get(wanted.classname.partition("_")[2])
    if kind is None:
        raise failed("Unable to determine RASD type")
    name = as_markup(invocation, name or str(wanted.get("PoolID") or "").removeprefix(PREFIXES[kind]))
    if not name:
        raise failed("Unable to create resource pool: missing name information")
    if any((pool.resource_type, pool.pool_id) == (kind, name) for pool in invocation.reading.pools):
        raise failed("Pool with that name already exists")
    path = as_markup(invocation, str(wanted.get("Path") or ""))
    pool = _network(name, wanted) if kind is ResourceType.ETHERNET_ADAPTER else _storage(name, path, wanted)
    invocation.carry_out(changes.CreateResourcePool(pool))
    found = next(found for found in invocation.reading.pools if (found.resource_type, found.pool_id) == (kind, name))
    invocation.carry_out(changes.RequestPoolStateChange(found, True))
    return {"Pool": instance(invocation.reading, found).path}


def _storage(name: str, path: str, wanted: Any) -> ResourcePool:
    number = int(wanted.get("Type") or 0)
    if number not in KINDS:
        raise failed(f"Unable to get attributes for resource: Storage pool type {number} not valid")
    devices = wanted.get("DevicePaths")
    settings = {}
    if number != 1 and path:
        settings["target_path"] = path
    for setting, key in (("source_host", "Host"), ("source_path", "SourceDirectory")):
        if wanted.get(key):
            settings[setting] = wanted[key]
    host_resource = tuple(devices) if devices else (path,) if number == 1 and path else None
    return ResourcePool(
        name,
        ResourceType.DISK_DRIVE,
        KINDS[number],
        host_resource=host_resource,
        automatic_startup=bool(int(wanted.get("Autostart") or 0)),
        settings=settings,
    )


def _network(name: str, wanted: Any) -> ResourcePool:
    mode = int(wanted.get("ForwardMode") or 0)
    settings: dict[str, Any] = {}
    if wanted.get("Address"):
        prefix = ipaddress.IPv4Network(f"0.0.0.0/{wanted.get('Netmask') or '255.255.255.0'}").prefixlen
        settings["addresses"] = (f"{wanted['Address']}/{prefix}",)
    if wanted.get("IPRangeStart") and wanted.get("IPRangeEnd"):
        settings["dhcp_ranges"] = ({"start": wanted["IPRangeStart"], "end": wanted["IPRangeEnd"]},)
    device = wanted.get("ForwardDevice")
    return ResourcePool(
        name,
        ResourceType.ETHERNET_ADAPTER,
        FORWARDING.get(mode, "nat"),
        host_resource=(device,) if device else None,
        settings=settings,
    )


def _found(invocation: Invocation) -> ResourcePool:
    wanted = invocation.need("Pool").keybindings.get("InstanceID")
    for pool in made(invocation.reading):
        if PREFIXES[pool.resource_type] + pool.pool_id == wanted:
            return pool
    kind = "Storage" if str(wanted).startswith("Disk") else "Network"
    raise failed(f"{kind} pool deletion error: Unable to destroy resource pool")


def _delete(invocation: Invocation) -> Mapping[str, Any]:
    pool = _found(invocation)
    if pool.active:
        invocation.carry_out(changes.RequestPoolStateChange(pool, False))
    left = next(
        found
        for found in invocation.reading.pools
        if (found.resource_type, found.pool_id) == (pool.resource_type, pool.pool_id)
    )
    invocation.carry_out(changes.DeleteResourcePool(left))
    return {}


def _create_in_pool(invocation: Invocation) -> Mapping[str, Any]:
    """Make a raw volume."""
    pool = _found(invocation)
    wanted = invocation.need("Settings")
    if int(wanted.get("FormatType") or 0) not in (1, 2):
        raise failed("Unable to get attributes for resource: StorageVolumeRASD FormatType field not valid")
    size = parse_quantity(int(wanted.get("Capacity") or 0), BYTE, str(wanted.get("AllocationUnits") or "B"))
    path = as_markup(invocation, str(wanted["Path"]))
    if not path:
        raise failed("Unable to create storage volume: missing volume name")
    try:
        _make_volume(invocation, pool, path, size)
    except FileExistsError:
        name = wanted.get("VolumeName")
        raise failed(f"Unable to create storage volume: storage volume '{name}' exists already") from None
    found = invocation.reading.make("StorageVolumeResourceAllocationSettingData", InstanceID=path)
    return {"Resource": found.path}


def _make_volume(invocation: Invocation, pool: ResourcePool, path: str, size: int) -> None:
    """A volume of a platform whose volumes are a table, or a file in the folder of a pool, which is looked through again."""
    volumes = getattr(invocation.world.platform, "volumes", None)
    if volumes is not None:
        if path in volumes:
            raise FileExistsError(path)
        volumes[path] = size
        return
    with open(path, "xb") as file:
        file.truncate(size)
    for active in (False, True):
        now = next(found for found in invocation.reading.pools if found.uuid == pool.uuid)
        invocation.carry_out(changes.RequestPoolStateChange(now, active))


def _delete_in_pool(invocation: Invocation) -> Mapping[str, Any]:
    pool = _found(invocation)
    address = invocation.need("Resource").get("Address")
    if not address:
        raise failed("Missing Address in resource RASD")
    invocation.carry_out(changes.ReturnToStoragePool(StorageElement(str(address), pool.pool_id)))
    return {}


METHODS = {
    f"ResourcePoolConfigurationService.{name}": Method(handler, invoke.POOL)
    for name, handler in (
        ("CreateChildResourcePool", _create_child),
        ("DeleteResourcePool", _delete),
        ("CreateResourceInPool", _create_in_pool),
        ("DeleteResourceInPool", _delete_in_pool),
    )
}
