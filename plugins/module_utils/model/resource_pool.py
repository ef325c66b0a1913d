# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resource pool: CIM_ResourcePool (DSP1041), for storage, networks, processors and memory of a host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import (
    LARGEST_MTU,
    LAST_VLAN,
    SMALLEST_MTU,
    Kind,
    SettingRow,
)

POOL_STATES = ("present", "active", "inactive", "absent")
"""The states that can be declared."""

_VLAN = {
    "desired_vlan_endpoint_mode": SettingRow(Kind.WORD, "Tagging of the ports (EPASD).", ("access", "trunk")),
    "port_vid": SettingRow(
        Kind.NUMBER, "VLAN of access ports, native VLAN of trunks (EPASD.PortVID).", least=1, most=LAST_VLAN
    ),
    "allowed_to_transmit_vlans": SettingRow(
        Kind.NUMBERS, "VLANs of a trunk (EPASD.AllowedToTransmitVLANs).", least=1, most=LAST_VLAN
    ),
}

STORAGE_POOL_SETTINGS: dict[str, SettingRow] = {
    "target_path": SettingRow(Kind.TEXT, "Directory under which the volumes appear."),
    "source_host": SettingRow(Kind.TEXT, "Server of a pool that lies on the network."),
    "source_path": SettingRow(Kind.TEXT, "Exported directory of that server."),
    "source_name": SettingRow(Kind.TEXT, "Name of the source: volume group, iSCSI target, Ceph pool …"),
    "source_format": SettingRow(Kind.TEXT, "Format of the source: file system, partition table, lvm2 …"),
    "build": SettingRow(Kind.FLAG, "The source may be formatted or created when the pool is made."),
}

ETHERNET_POOL_SETTINGS: dict[str, SettingRow] = {
    "bridge": SettingRow(Kind.TEXT, "Name of the bridge device on the host."),
    "domain": SettingRow(Kind.TEXT, "DNS domain of the network."),
    "mtu": SettingRow(Kind.NUMBER, "Largest frame, in bytes.", least=SMALLEST_MTU, most=LARGEST_MTU),
    "addresses": SettingRow(Kind.TEXTS, "Addresses of the host in the network, as ADDRESS/PREFIX."),
    "dhcp_ranges": SettingRow(
        Kind.RECORDS,
        "Addresses given to guests.",
        fields={
            "start": SettingRow(Kind.TEXT, "First address."),
            "end": SettingRow(Kind.TEXT, "Last address."),
        },
    ),
    "dhcp_hosts": SettingRow(
        Kind.RECORDS,
        "Fixed addresses.",
        fields={
            "mac": SettingRow(Kind.TEXT, "MAC address of the guest's adapter."),
            "name": SettingRow(Kind.TEXT, "Host name."),
            "address": SettingRow(Kind.TEXT, "Address the guest gets."),
        },
    ),
    "port_groups": SettingRow(
        Kind.RECORDS,
        "Named kinds of ports.",
        fields={
            "name": SettingRow(Kind.TEXT, "Name of the port group."),
            "default": SettingRow(Kind.FLAG, "Taken by adapters that name none."),
            **_VLAN,
        },
    ),
    **_VLAN,
}


@frozen
class ResourcePool:
    """A pool, declared by a user (None: not managed) or as the host shows it.  Quantities in the type's unit."""

    pool_id: str
    resource_type: ResourceType
    resource_sub_type: str | None = None
    """Kind of pool: ``dir``, ``logical`` … for storage; ``isolated``, ``nat``, ``route``, ``bridge`` … for networks."""
    uuid: str | None = None
    primordial: bool = False
    active: bool | None = None
    automatic_startup: bool | None = None
    parent: str | None = None
    """The pool this one draws from."""
    children: tuple[str, ...] = ()
    host_resource: tuple[str, ...] | None = None
    """What of the host is in the pool: directories, devices, interfaces."""
    capacity: int | None = None
    reserved: int | None = None
    currently_consumed_resource: int | None = None
    max_consumable_resource: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    members: tuple[Mapping[str, Any], ...] = ()
    """The constituents: volumes of a storage pool, ports and leases of a network, cells of processors and memory."""
    instance_id: str | None = field(default=None, compare=False)

    @property
    def setting_rows(self) -> Mapping[str, SettingRow]:
        """The settings a pool of this type has."""
        return pool_setting_rows(self.resource_type)


def in_order(pools: Iterable[ResourcePool]) -> list[ResourcePool]:
    """Primordial pools first, then by type and identifier: hosts list their pools in any order."""
    return sorted(pools, key=lambda pool: (not pool.primordial, pool.resource_type, pool.pool_id))


def pool_setting_rows(resource_type: ResourceType) -> Mapping[str, SettingRow]:
    """The settings a pool for allocations of ``resource_type`` has."""
    if resource_type is ResourceType.ETHERNET_ADAPTER:
        return ETHERNET_POOL_SETTINGS
    if resource_type is ResourceType.DISK_DRIVE:
        return STORAGE_POOL_SETTINGS
    return {}
