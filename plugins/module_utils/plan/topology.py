# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dependencies that virtual systems and resource pools tell of by themselves, on every platform (DSP1041, DSP1042).

Systems stand on the pools and host resources that their RASDs name, volumes on their pool, pools on what they consist
of or on the pool they draw from.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model import dependencies as model
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Graph, Reading
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem

STORAGE_BELOW = frozenset(
    {
        model.STORAGE_VOLUME,
        model.VOLUME_GROUP,
        model.FILE_SYSTEM,
        model.NODE_DEVICE,
        model.DEVICE,
        model.DIRECTORY,
        model.FILE,
        model.REMOTE_STORAGE,
        model.SERVER,
    }
)
"""What storage of which no more is known may stand on."""
NETWORK_BELOW = frozenset({model.NETWORK_INTERFACE, model.NODE_DEVICE})
"""What a network of which no more is known may stand on."""

_ROUTED = ("nat", "route", "open")
"""Kinds of networks that leave by the host's routes unless they name a device."""
_INTERFACE_WORDS = ("bridge", "direct", "vdpa")
"""Words before the colon of a connection that names an interface of the host."""
_FILES_OF_A_SYSTEM = ("kernel", "initrd")
"""Settings of a system that name files of the host."""

PoolKey = tuple[ResourceType, str]


def composed(systems: Iterable[VirtualSystem], pools: Iterable[ResourcePool]) -> Graph:
    """What the systems and pools of a host tell of what they stand on."""
    reading = Reading()
    known = tuple(pools)
    primordial = {(pool_type(pool.resource_type), pool.pool_id) for pool in known if pool.primordial}
    for pool in known:
        _add_pool(reading, pool, primordial)
    for system in systems:
        _add_system(reading, system)
    return reading.graph()


def path_kind(path: str) -> str:
    """What is at a path of which no more is known."""
    return model.DEVICE if path.startswith("/dev/") else model.FILE


# Pools


def pool_type(resource_type: ResourceType) -> ResourceType:
    """The type of the pools that resources of a type are drawn from."""
    if resource_type is not ResourceType.MEMORY and row_of(resource_type).quantity_unit == units.BYTE:
        return ResourceType.DISK_DRIVE
    if resource_type in (ResourceType.ETHERNET_SWITCH_PORT, ResourceType.ETHERNET_CONNECTION):
        return ResourceType.ETHERNET_ADAPTER
    return resource_type


def pool_element(reading: Reading, pool_id: str, resource_type: ResourceType, **attributes: Any) -> str:
    """A pool, called ``TYPE/POOL``: a storage pool and a network may have the same name."""
    word = pool_type(resource_type).word
    return reading.add(model.RESOURCE_POOL, f"{word}/{pool_id}", pool_id=pool_id, resource_type=word, **attributes)


def _add_pool(reading: Reading, pool: ResourcePool, primordial: Container[PoolKey]) -> None:
    me = pool_element(
        reading,
        pool.pool_id,
        pool.resource_type,
        resource_sub_type=pool.resource_sub_type,
        state="inactive" if pool.active is False else "active",
        primordial=pool.primordial,
        target_path=pool.settings.get("target_path"),
    )
    kind = pool_type(pool.resource_type)
    if pool.primordial:
        for member in pool.members:
            _add_constituent(reading, me, kind, member)
        return
    for member in pool.members:
        if member.get("path"):
            _add_volume(reading, me, pool.pool_id, member)
    below = _BELOW.get(kind, _below_nothing)(reading, me, pool)
    for element in below:
        reading.depend(me, element, model.CONCRETE_COMPONENT)
    if not pool.parent:
        return
    if (kind, pool.parent) not in primordial:
        reading.depend(me, pool_element(reading, pool.parent, kind), model.ELEMENT_ALLOCATED_FROM_POOL)
    elif not below and kind is not ResourceType.ETHERNET_ADAPTER:
        # Nothing says which part of the host it takes: as the standard has it, that may be any.
        reading.depend(me, pool_element(reading, pool.parent, kind), model.ELEMENT_ALLOCATED_FROM_POOL)
        reading.gap(
            me,
            f"pool {pool.pool_id!r} does not say what of pool {pool.parent!r} is in it: it may depend on less than shown",
            (),
        )


def _add_constituent(reading: Reading, pool: str, kind: ResourceType, member: Mapping[str, Any]) -> None:
    """What a pool that the host has by itself consists of."""
    name = member.get("path") or member.get("host_resource") or member.get("name")
    if not name:
        return
    if kind is ResourceType.ETHERNET_ADAPTER:
        found = reading.add(model.NETWORK_INTERFACE, str(name), address=member.get("mac"))
    else:
        where = path_kind(str(name)) if str(name).startswith("/") else model.HOST_RESOURCE
        found = reading.add(where, str(name), capacity=member.get("capacity"), model=member.get("model"))
    reading.depend(pool, found, model.CONCRETE_COMPONENT)


def _add_volume(reading: Reading, pool: str, pool_id: str, member: Mapping[str, Any]) -> None:
    """A volume of a pool, and the image it is based on."""
    path = str(member["path"])
    me = reading.add(
        model.STORAGE_VOLUME,
        path,
        volume=f"{pool_id}/{member.get('name')}",
        capacity=member.get("capacity"),
        format=member.get("format"),
    )
    reading.depend(me, pool, model.ELEMENT_ALLOCATED_FROM_POOL)
    backing = member.get("backing_store")
    if backing:
        reading.depend(me, storage_element(reading, str(backing), beside=path), model.BASED_ON)


def _below_a_store(reading: Reading, me: str, pool: ResourcePool) -> list[str]:
    """What a storage pool consists of: devices, a directory, a volume group, servers."""
    found = []
    source, server = pool.settings.get("source_name"), pool.settings.get("source_host")
    devices = [place for place in pool.host_resource or () if place]
    if pool.resource_sub_type == "logical":
        group = reading.add(model.VOLUME_GROUP, source or pool.pool_id)
        for device in devices:
            reading.depend(group, storage_element(reading, device), model.CONCRETE_COMPONENT)
        if not devices:
            reading.gap(
                group, f"which devices volume group {source or pool.pool_id!r} consists of is not known", STORAGE_BELOW
            )
        return [group]
    for host in str(server or "").split(","):
        if host:
            found.append(reading.add(model.SERVER, host))
    for place in devices:
        if place.startswith("/"):
            kind = path_kind(place)
            found.append(reading.add(model.DIRECTORY if kind == model.FILE else kind, place))
        elif ":/" in place:
            found.append(reading.add(model.SERVER, place.partition(":/")[0]))
        elif pool.resource_sub_type == "scsi":
            found.append(reading.add(model.NODE_DEVICE, place if place.startswith("scsi_") else f"scsi_{place}"))
        elif not server:
            found.append(reading.add(model.HOST_RESOURCE, place))
    return found


def _below_a_network(reading: Reading, me: str, pool: ResourcePool) -> list[str]:
    """The interfaces of the host that a network leaves by, and the bridge it has made for itself."""
    found = [reading.add(model.NETWORK_INTERFACE, place) for place in pool.host_resource or () if place]
    if not found and pool.resource_sub_type in _ROUTED:
        reading.gap(
            me,
            f"network {pool.pool_id!r} leaves the host by whatever interface the host's routes choose",
            NETWORK_BELOW,
        )
    bridge = pool.settings.get("bridge")
    if bridge:
        # The network makes its bridge: systems that name the bridge stand on the network.
        reading.depend(reading.add(model.NETWORK_INTERFACE, bridge), me, model.HOSTED_DEPENDENCY)
    return found


def _below_nothing(reading: Reading, me: str, pool: ResourcePool) -> list[str]:
    return [reading.add(model.HOST_RESOURCE, place) for place in pool.host_resource or () if place]


_BELOW: Mapping[ResourceType, Callable[[Reading, str, ResourcePool], list[str]]] = {
    ResourceType.DISK_DRIVE: _below_a_store,
    ResourceType.ETHERNET_ADAPTER: _below_a_network,
}


# Storage


def storage_element(reading: Reading, place: str, beside: str | None = None) -> str:
    """Storage by its path or URL; a path without root is one in the folder of ``beside``."""
    if "://" in place:
        me = reading.add(model.REMOTE_STORAGE, place)
        for host in servers_of(place):
            reading.depend(me, reading.add(model.SERVER, host), model.HOSTED_DEPENDENCY)
        return me
    if not place.startswith("/"):
        if beside is None or not beside.startswith("/"):
            return reading.add(model.HOST_RESOURCE, place)
        place = posixpath.join(posixpath.dirname(beside), place)
    return reading.add(path_kind(place), place)


def servers_of(url: str) -> list[str]:
    """The servers in a URL ``PROTOCOL://HOST[:PORT][,HOST[:PORT]…]/NAME``."""
    return [host for host in url.partition("://")[2].partition("/")[0].split(",") if host]


# Virtual systems


def system_element(reading: Reading, system: VirtualSystem) -> str:
    """A virtual system."""
    return reading.add(
        model.VIRTUAL_SYSTEM,
        system.name,
        uuid=system.uuid,
        state=str(system.state),
        running=system.state in INSTANTIATED,
    )


def _add_system(reading: Reading, system: VirtualSystem) -> None:
    me = system_element(reading, system)
    for word, configuration in (("defined", system.defined), ("running", system.running)):
        if configuration is None:
            continue
        for setting in _FILES_OF_A_SYSTEM:
            path = configuration.settings.get(setting)
            if path and str(path).startswith("/"):
                file = reading.add(model.FILE, str(path))
                reading.depend(me, file, model.HOSTED_DEPENDENCY, setting, word)
        for rasd in configuration.resources:
            _add_resource(reading, me, rasd, word)


def _add_resource(reading: Reading, system: str, rasd: Rasd, word: str) -> None:
    """What one resource of a system stands on."""
    pool = None
    if rasd.pool_id:
        pool = pool_element(reading, rasd.pool_id, rasd.resource_type)
    found = [
        *(_named_storage(reading, place, pool) for place in rasd.host_resource or () if _is_storage(rasd, place)),
        *(reading.add(model.NODE_DEVICE, place) for place in rasd.host_resource or () if _is_node_device(rasd)),
        *(_plugged_into(reading, place) for place in rasd.connection or () if not place.endswith(":")),
    ]
    for element in found:
        reading.depend(system, element, model.HOSTED_DEPENDENCY, rasd.label, word)
    if pool is not None and not any(_is_storage(rasd, place) for place in rasd.host_resource or ()):
        reading.depend(system, pool, model.RESOURCE_ALLOCATION_FROM_POOL, rasd.label, word)


def _is_storage(rasd: Rasd, place: str) -> bool:
    return bool(place) and (place.startswith("/") or pool_type(rasd.resource_type) is ResourceType.DISK_DRIVE)


def _is_node_device(rasd: Rasd) -> bool:
    return (
        rasd.consumer_visibility is ConsumerVisibility.PASSED_THROUGH and rasd.resource_type is ResourceType.IO_DEVICE
    )


def _named_storage(reading: Reading, place: str, pool: str | None) -> str:
    me = storage_element(reading, place)
    if pool is not None:
        if place.startswith("/"):
            reading.add(model.STORAGE_VOLUME, place)
        reading.depend(me, pool, model.ELEMENT_ALLOCATED_FROM_POOL)
    return me


def _plugged_into(reading: Reading, place: str) -> str:
    """The network, or the interface of the host, that an adapter is plugged into."""
    word, colon, rest = place.partition(":")
    if not colon:
        return pool_element(reading, place, ResourceType.ETHERNET_ADAPTER)
    if word in _INTERFACE_WORDS:
        return reading.add(model.NETWORK_INTERFACE, rest.partition("/")[0] if word == "direct" else rest)
    return reading.add(model.HOST_RESOURCE, place)
