# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds of pools can be made.

The standard has no way to say it: unless the server does, the kinds are those that are known, and the server decides.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import told_capabilities
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import POOLS, Server

KINDS: Mapping[ResourceType, tuple[str, ...]] = {
    ResourceType.DISK_DRIVE: ("dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath", "rbd", "zfs"),
    ResourceType.ETHERNET_ADAPTER: ("isolated", "nat", "route", "open", "bridge"),
}


def pool_kinds(
    server: Server,
) -> tuple[Mapping[ResourceType, tuple[str, ...]], Mapping[tuple[ResourceType, str], PoolCapabilities]]:
    """The kinds of pools by resource type, and what is known of each."""
    if server.service(POOLS) is None:
        return {}, {}
    known = server.dialect.pools
    if known is None:
        capabilities = server.capabilities_of(POOLS)
        known = {} if capabilities is None else told_capabilities.pools(capabilities)
    if not known:
        return KINDS, {}
    kinds: dict[ResourceType, tuple[str, ...]] = {}
    for resource_type, kind in known:
        kinds[resource_type] = (*kinds.get(resource_type, ()), kind)
    return kinds, known
