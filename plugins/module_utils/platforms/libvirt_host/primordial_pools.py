# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pools a host has by itself: its processors, memory, storage and network adapters.

They are always active and can be neither made nor changed.  Processors are counted, memory and storage are in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import networks, storage_pools
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import is_code, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_xml import Cell, read_host
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.node import supported, total_memory
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse

PRIMORDIAL_IDS: dict[ResourceType, str] = {
    ResourceType.PROCESSOR: "processor",
    ResourceType.MEMORY: "memory",
    ResourceType.DISK_DRIVE: storage_pools.PRIMORDIAL,
    ResourceType.ETHERNET_ADAPTER: networks.PRIMORDIAL,
}

GUEST_DEVICES = ("lo", "vnet", "tap", "macvtap")
"""Interfaces of this kind are not the host's adapters, or belong to one virtual system."""

KIB = 1024


@dataclass
class PrimordialPools:
    """The pools one host has by itself."""

    session: Session

    def one(self, resource_type: ResourceType, members: bool = True) -> ResourcePool:
        """The primordial pool of a type; its children are for the caller to add."""
        read = {
            ResourceType.PROCESSOR: self._processors,
            ResourceType.MEMORY: self._memory,
            ResourceType.DISK_DRIVE: self._storage,
            ResourceType.ETHERNET_ADAPTER: self._adapters,
        }[resource_type]
        pool = ResourcePool(
            pool_id=PRIMORDIAL_IDS[resource_type],
            resource_type=resource_type,
            primordial=True,
            active=True,
            automatic_startup=True,
            instance_id=PRIMORDIAL_IDS[resource_type],
        )
        return read(pool, members)

    def _processors(self, pool: ResourcePool, members: bool) -> ResourcePool:
        """Processors: KVM and QEMU guarantee no share of them, so none is reserved."""
        with talking("read the host's processors"):
            count = int(self.session.connection.getInfo()[2])
        consumed = sum(stats.get("vcpu.current", 0) for stats in self._active_systems())
        cells = self._cells() if members else ()
        return replace(
            pool,
            capacity=count,
            reserved=0,
            currently_consumed_resource=consumed,
            members=tuple({"cell": cell.number, "processors": list(cell.processors)} for cell in cells),
        )

    def _memory(self, pool: ResourcePool, members: bool) -> ResourcePool:
        """Memory: what active systems have now counts as reserved."""
        with talking("read the host's memory"):
            total = total_memory(self.session.connection)
        consumed = sum(stats.get("balloon.current", 0) for stats in self._active_systems()) * KIB
        cells = self._cells() if members else ()
        return replace(
            pool,
            capacity=total,
            reserved=consumed,
            currently_consumed_resource=consumed,
            members=tuple(self._memory_of(cell) for cell in cells),
        )

    def _memory_of(self, cell: Cell) -> dict[str, Any]:
        connection: Any = self.session.connection
        sizes = [size // KIB for size in cell.page_sizes]
        with talking(f"read the free memory of NUMA cell {cell.number}"):
            free = supported(lambda: connection.getCellsFreeMemory(cell.number, 1), [])
            pages = supported(lambda: connection.getFreePages(sizes, cell.number, 1, 0), {}) if sizes else {}
        free_pages = pages.get(cell.number, {})
        huge = [
            {"size": size, "free": int(free_pages.get(size // KIB, 0))} for size in cell.page_sizes if size > 64 * KIB
        ]
        return {"cell": cell.number, "memory": cell.memory, "free": free[0] if free else None, "huge_pages": huge}

    def _storage(self, pool: ResourcePool, members: bool) -> ResourcePool:
        if not members:
            return pool
        disks = [disk for disk in map(read_block_device, self._devices("STORAGE", ())) if disk["path"]]
        return replace(
            pool,
            host_resource=tuple(disk["path"] for disk in disks),
            capacity=sum(disk["capacity"] or 0 for disk in disks) or None,
            members=tuple(disks),
        )

    def _adapters(self, pool: ResourcePool, members: bool) -> ResourcePool:
        if not members:
            return pool
        adapters = [read_adapter(xml) for xml in self._devices("NET", GUEST_DEVICES)]
        return replace(
            pool,
            host_resource=tuple(adapter["name"] for adapter in adapters if adapter["name"]),
            capacity=len(adapters),
            members=tuple(adapters),
        )

    def _devices(self, capability: str, left_out: tuple[str, ...]) -> list[str]:
        """Documents of the host's devices with a capability, without those whose interface has a name left out."""
        flag = getattr(libvirt, f"VIR_CONNECT_LIST_NODE_DEVICES_CAP_{capability}")
        with talking("list the host's devices"):
            devices = supported(lambda: self.session.connection.listAllDevices(flag), [])
        found = []
        for device in sorted(devices, key=lambda each: str(each.name())):
            interface = device.name().split("_")[1] if device.name().startswith("net_") else ""
            if interface.rstrip("0123456789") in left_out:
                continue
            with talking(f"read host device {device.name()!r}"):
                try:
                    found.append(device.XMLDesc(0))
                except libvirt.libvirtError as error:
                    if not is_code(error, "VIR_ERR_NO_NODE_DEVICE"):
                        raise
        return found

    def _cells(self) -> tuple[Cell, ...]:
        with talking("read the host's capabilities"):
            return read_host(self.session.connection.getCapabilities()).cells

    def _active_systems(self) -> list[dict[str, Any]]:
        """Current vCPUs and memory (KiB) of the active systems, in one call where the driver offers it."""
        connection = self.session.connection
        wanted = libvirt.VIR_DOMAIN_STATS_VCPU | libvirt.VIR_DOMAIN_STATS_BALLOON
        flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
        nowait = getattr(libvirt, "VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT", 0)
        with talking("read what the active virtual systems consume"):
            stats = supported(lambda: connection.getAllDomainStats(wanted, flags | nowait), None)
            if stats is not None and all("vcpu.current" in found for _domain, found in stats):
                return [found for _domain, found in stats]
            infos = [domain.info() for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)]
        return [{"vcpu.current": info[3], "balloon.current": info[2]} for info in infos]


def read_block_device(xml: str) -> dict[str, Any]:
    """A disk of the host: path, capacity in bytes, model, and whether its medium can be taken out."""
    capability = parse(xml, "a host device").find("capability[@type='storage']")
    size = capability.findtext("size") or capability.findtext("capability[@type='removable']/media_size")
    return {
        "path": capability.findtext("block"),
        "capacity": int(size) if size else None,
        "model": capability.findtext("model"),
        "removable": capability.find("capability[@type='removable']") is not None,
    }


def read_adapter(xml: str) -> dict[str, Any]:
    """A network adapter of the host: name, MAC address, link state and speed in bits per second."""
    capability = parse(xml, "a host device").find("capability[@type='net']")
    link = capability.find("link")
    speed = None if link is None else link.get("speed")
    return {
        "name": capability.findtext("interface"),
        "mac": capability.findtext("address"),
        "link_state": None if link is None else link.get("state"),
        "speed": int(speed) * 10**6 if speed else None,
    }
