# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A libvirt host itself: what it is, and what it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import capabilities as can
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import is_code, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_xml import (
    HostDescription,
    Offer,
    read_host,
    read_offer,
    read_pool_kinds,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session

KIB = 1024

SERVICES: tuple[str, ...] = (
    "virtual_system_management",
    "virtual_system_snapshot",
    "resource_pool_configuration",
    "storage_configuration",
)
"""The CIM services whose methods this platform offers."""

PROFILES: tuple[Mapping[str, str], ...] = (
    {"number": "DSP1042", "name": "System Virtualization", "version": "1.0"},
    {"number": "DSP1057", "name": "Virtual System", "version": "1.0"},
    {"number": "DSP1041", "name": "Resource Allocation", "version": "1.1"},
    {"number": "DSP1043", "name": "Allocation Capabilities", "version": "1.0"},
    {"number": "DSP1059", "name": "Generic Device Resource Virtualization", "version": "1.0"},
    {"number": "DSP1044", "name": "Processor Resource Virtualization", "version": "1.0"},
    {"number": "DSP1045", "name": "Memory Resource Virtualization", "version": "1.0"},
    {"number": "DSP1047", "name": "Storage Resource Virtualization", "version": "1.0"},
    {"number": "DSP1050", "name": "Ethernet Port Resource Virtualization", "version": "1.0"},
)
"""The profiles whose model this platform presents."""


class Node:
    """One host.  What it says about itself is asked once."""

    def __init__(self, session: Session) -> None:
        """Ask the host reached by ``session``."""
        self._session = session
        self._description: HostDescription | None = None
        self._offers: dict[tuple[str | None, ...], Offer] = {}
        self._pool_kinds: Mapping[str, tuple[str, ...]] | None = None
        self._asked_pool_kinds = False
        self._memory: int | None = None

    def description(self) -> HostDescription:
        """What libvirt's capabilities say."""
        if self._description is None:
            with talking("read the capabilities of the host"):
                xml = self._session.connection.getCapabilities()
            self._description = read_host(xml)
        return self._description

    def host(self) -> Mapping[str, Any]:
        """The host: names, versions, processors, memory in bytes, NUMA cells, services and profiles."""
        described = self.description()
        connection = self._session.connection
        with talking("read the host"):
            info = connection.getInfo()
            name = connection.getHostname()
            hypervisor = connection.getType()
            hypervisor_version = supported(connection.getVersion, None)
            libvirt_version = connection.getLibVersion()
            encrypted, secure = connection.isEncrypted(), connection.isSecure()
            free = supported(connection.getFreeMemory, None)
        memory = self._total_memory()
        return {
            "name": name,
            "uuid": described.uuid,
            "uri": self._session.uri,
            "hypervisor": hypervisor,
            "hypervisor_version": version_text(hypervisor_version),
            "implementation": "libvirt",
            "implementation_version": version_text(libvirt_version),
            "architecture": described.architecture or info[0],
            "processors": info[2],
            "processor_model": described.processor_model,
            "processor_vendor": described.processor_vendor,
            "processor_mhz": info[3],
            "numa_cells": info[4],
            "sockets_per_cell": info[5],
            "cores_per_socket": info[6],
            "threads_per_core": info[7],
            "memory": memory,
            "memory_free": free,
            "cells": [
                {
                    "cell": cell.number,
                    "memory": cell.memory,
                    "page_sizes": list(cell.page_sizes),
                    "processors": list(cell.processors),
                }
                for cell in described.cells
            ],
            "live_migration": described.live_migration,
            "iommu": described.iommu,
            "connection_encrypted": bool(encrypted),
            "connection_secure": bool(secure),
            "services": list(SERVICES),
            "profiles": [dict(profile) for profile in PROFILES],
        }

    def capabilities(self, system: Mapping[str, Any] | None = None) -> Capabilities:
        """What the host can do, for systems with the settings ``system`` where the emulator makes a difference."""
        settings = system or {}
        host = self.description()
        with talking("ask for the version of libvirt"):
            version = int(self._session.connection.getLibVersion())
        found = can.HostOffer(
            host=host,
            offer=self._offer(host, can.chosen_settings(host, settings)),
            pool_kinds=self._kinds_of_pools(),
            libvirt_version=version,
            memory=self._total_memory(),
        )
        return can.build_capabilities(found, settings)

    def _offer(self, host: HostDescription, chosen: Mapping[str, str]) -> Offer:
        """What the emulator of the chosen type, architecture and machine offers; asked once for each of them.

        A combination that the host does not know offers nothing in particular: the planner tells what is wrong with it.
        """
        guest = can.guest_for(host, chosen)
        if guest is None:
            return Offer()
        machine = chosen.get("machine")
        known = not guest.machines or machine in [each.name for each in guest.machines]
        key = (guest.emulator, guest.architecture, machine if known else None, guest.virtual_system_type)
        if key not in self._offers:
            self._offers[key] = self._asked_offer(key)
        return self._offers[key]

    def _asked_offer(self, key: tuple[str | None, ...]) -> Offer:
        connection: Any = self._session.connection
        with talking("read what the emulator offers"):
            xml = supported(lambda: connection.getDomainCapabilities(*key, 0), None)
        return Offer() if xml is None else read_offer(xml)

    def _kinds_of_pools(self) -> Mapping[str, tuple[str, ...]] | None:
        if not self._asked_pool_kinds:
            with talking("read which kinds of storage pools the host has"):
                xml = supported(lambda: self._session.connection.getStoragePoolCapabilities(0), None)
            self._pool_kinds = None if xml is None else read_pool_kinds(xml)
            self._asked_pool_kinds = True
        return self._pool_kinds

    def _total_memory(self) -> int:
        if self._memory is None:
            with talking("read the memory of the host"):
                self._memory = total_memory(self._session.connection)
        return self._memory


def total_memory(connection: Any) -> int:
    """Bytes of the host: exact where the driver says so in KiB, else from the MiB of getInfo()."""
    stats = supported(lambda: connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0), {})
    return int(stats["total"]) * KIB if stats.get("total") else int(connection.getInfo()[1]) * KIB * KIB


def version_text(number: int | None) -> str | None:
    """libvirt's number of a version (9000000) as people write it (9.0.0)."""
    return None if not number else f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def supported(call: Callable[[], Any], otherwise: Any) -> Any:
    """What ``call`` returns, or ``otherwise`` where the host's driver does not offer it."""
    try:
        return call()
    except libvirt.libvirtError as error:
        if is_code(error, "VIR_ERR_NO_SUPPORT", "VIR_ERR_ARGUMENT_UNSUPPORTED"):
            return otherwise
        raise


def described(handle: Any, flags: int) -> str:
    """The document of a pool or network; without the flags where the host's driver does not know them."""
    try:
        return str(handle.XMLDesc(flags))
    except libvirt.libvirtError as error:
        if flags and is_code(error, "VIR_ERR_INVALID_ARG"):
            return str(handle.XMLDesc(0))
        raise
