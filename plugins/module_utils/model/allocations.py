# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is allocated from which pool: CIM_ResourceAllocationFromPool (DSP1041), as the resources themselves tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem

PoolKey = tuple[ResourceType, str]
_OUTSIDE_POOLS = (ResourceType.DISK_DRIVE, ResourceType.ETHERNET_ADAPTER)
"""Pools whose type of resources also exists outside every pool: files of the host, its bridges."""


@frozen
class Allocation:
    """One resource of a virtual system that comes from a pool."""

    virtual_system: str
    resource: Rasd
    allocated: bool
    """It is allocated now; otherwise it is requested for the next activation."""


def pool_type_of(rasd: Rasd) -> ResourceType:
    """The type of the pools from which a resource can come: all drives come from pools for disks."""
    storage = rasd.row.quantity_unit == units.BYTE and rasd.resource_type is not ResourceType.MEMORY
    return ResourceType.DISK_DRIVE if storage else rasd.resource_type


def allocations(
    pools: Iterable[ResourcePool], systems: Iterable[VirtualSystem]
) -> Mapping[PoolKey, Sequence[Allocation]]:
    """The resources that come from each pool, by the pool's type and id.

    Of an instantiated system those that it has, of one that is off those that it will have.  A resource that names no
    pool comes from the only one of its type.
    """
    found: dict[PoolKey, list[Allocation]] = {(pool.resource_type, pool.pool_id): [] for pool in pools}
    by_type: dict[ResourceType, list[PoolKey]] = {}
    for key in found:
        by_type.setdefault(key[0], []).append(key)
    for system in systems:
        for rasd in (system.running or system.defined).resources:
            source = _pool_of(rasd, by_type)
            if source in found:
                found[source].append(Allocation(system.name, rasd, system.running is not None))
    return found


def _pool_of(rasd: Rasd, by_type: Mapping[ResourceType, Sequence[PoolKey]]) -> PoolKey | None:
    kind = pool_type_of(rasd)
    named = rasd.pool_id
    if named is None and kind is ResourceType.ETHERNET_ADAPTER and rasd.connection:
        named = rasd.connection[0]
    if named is not None:
        return kind, named
    known = by_type.get(kind, ())
    return known[0] if len(known) == 1 and kind not in _OUTSIDE_POOLS else None
