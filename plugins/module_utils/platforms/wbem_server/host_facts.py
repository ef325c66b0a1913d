# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host system in the words of results."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import pools
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import (
    POOLS,
    SNAPSHOTS,
    STORAGE,
    Server,
    profile_facts,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.system_instance import name_of, uuid_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import text_of


def host(server: Server) -> dict[str, Any]:
    """Names, versions, processors and memory of the host, its services and the profiles the server registers."""
    system, service = server.host(), server.management
    if system is None:
        server.check_hypervisor()
    totals = pools.resource_pools(server, members=False)
    services = [service, *(server.service(name) for name in (SNAPSHOTS, POOLS, STORAGE))]
    return {
        "name": str(service.path.keybindings.get("SystemName")) if system is None else name_of(system),
        "uuid": None if system is None else uuid_of(system),
        "uri": server.session.uri,
        "hypervisor": text_of(service.get("Caption")),
        "hypervisor_version": text_of(service.get("LibvirtVersion")),
        "implementation": server.dialect.name,
        "implementation_version": text_of(service.get("Release")),
        "namespace": server.session.namespace,
        "interop_namespace": server.interop,
        "processors": _total(totals, ResourceType.PROCESSOR),
        "memory": _total(totals, ResourceType.MEMORY),
        "service_classes": [str(each.classname) for each in services if each is not None],
        "profiles": profile_facts(server.profiles),
    }


def _total(found: list[ResourcePool], resource_type: ResourceType) -> int | None:
    capacities = [
        pool.capacity
        for pool in found
        if pool.resource_type is resource_type and pool.parent is None and pool.capacity is not None
    ]
    return sum(capacities) if capacities else None
