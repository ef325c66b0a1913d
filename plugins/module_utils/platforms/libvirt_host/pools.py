# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource pools of a libvirt host.

Storage pools and networks are pools that can be made; the host's processors, memory, storage and network adapters are
primordial ones, always there, from which the others draw.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, in_order
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.names import check_name
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.networks import Networks
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.primordial_pools import (
    PRIMORDIAL_IDS,
    PrimordialPools,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_pools import StoragePools

STORAGE_TYPES = frozenset(
    {
        ResourceType.DISK_DRIVE,
        ResourceType.CD_DRIVE,
        ResourceType.DVD_DRIVE,
        ResourceType.FLOPPY_DRIVE,
        ResourceType.STORAGE_EXTENT,
        ResourceType.LOGICAL_DISK,
        ResourceType.STORAGE_VOLUME,
    }
)
"""Types of resources that are allocated from storage pools."""

NETWORK_TYPES = frozenset(
    {ResourceType.ETHERNET_ADAPTER, ResourceType.ETHERNET_SWITCH_PORT, ResourceType.ETHERNET_CONNECTION}
)
"""Types of resources that are allocated from networks."""


class Pools:
    """The pools of one host."""

    def __init__(self, session: Session) -> None:
        """Read and change the pools reached by ``session``."""
        self._storage = StoragePools(session)
        self._networks = Networks(session)
        self._primordial = PrimordialPools(session)

    def resource_pool(self, pool_id: str, resource_type: ResourceType, members: bool = True) -> ResourcePool | None:
        """The pool of that id and type, or None.  A failure to look it up raises."""
        family = self._family(resource_type)
        pool = None if family is None else family.one(pool_id, members)
        if pool is None and pool_id == PRIMORDIAL_IDS.get(_pool_type(resource_type)):
            pool = self._primordial.one(_pool_type(resource_type))
            if family is not None:
                pool = _with_children(pool, family.everything(members=False))
        return pool

    def resource_pools(self, members: bool = True) -> list[ResourcePool]:
        """All pools in their order, in a number of calls proportional to the pools (and members) there are."""
        made = [*self._storage.everything(members), *self._networks.everything(members)]
        primordial = [self._primordial.one(resource_type, members) for resource_type in PRIMORDIAL_IDS]
        return in_order([*(_with_children(pool, made) for pool in primordial), *made])

    def check(self, change: changes.CreateResourcePool | changes.ModifyPoolSettings) -> None:
        """Raise what can be known to keep a pool from being made or changed."""
        pool, differences = change.pool, getattr(change, "differences", None)
        if differences is None:
            check_name("pool_id", pool.pool_id, "pool")
        self._made(pool, "created" if differences is None else "changed").check(pool, differences)

    def check_state(self, change: changes.RequestPoolStateChange) -> None:
        """Raise what can be known to keep a pool from being activated."""
        if change.pool.resource_type in NETWORK_TYPES:
            self._networks.check_activation(change)

    def create_resource_pool(self, change: changes.CreateResourcePool) -> None:
        """Record a new pool, inactive."""
        self._made(change.pool, "created").create(change.pool)

    def delete_resource_pool(self, change: changes.DeleteResourcePool) -> None:
        """Remove the record of an inactive pool; what is in it stays."""
        self._made(change.pool, "deleted").delete(change.pool)

    def modify_pool_settings(self, change: changes.ModifyPoolSettings) -> None:
        """Change an existing pool, in its record and, when the change says so, while it is active."""
        self._made(change.pool, "changed").modify(change)

    def request_pool_state_change(self, change: changes.RequestPoolStateChange) -> None:
        """Activate or deactivate a pool."""
        self._made(change.pool, "activated or deactivated").request_state(change)

    def _family(self, resource_type: ResourceType) -> StoragePools | Networks | None:
        if resource_type in STORAGE_TYPES:
            return self._storage
        return self._networks if resource_type in NETWORK_TYPES else None

    def _made(self, pool: ResourcePool, what: str) -> StoragePools | Networks:
        family = self._family(pool.resource_type)
        if family is None or pool.primordial:
            raise NotSupported(
                f"Pool {pool.pool_id!r}: pools for {pool.resource_type.word} that the host has by itself are always "
                f"there and cannot be {what}; pools can be made for disk_drive and ethernet_adapter"
            )
        return family


def _pool_type(resource_type: ResourceType) -> ResourceType:
    """The type that stands for all types of resources drawn from the same pools."""
    if resource_type in STORAGE_TYPES:
        return ResourceType.DISK_DRIVE
    return ResourceType.ETHERNET_ADAPTER if resource_type in NETWORK_TYPES else resource_type


def _with_children(pool: ResourcePool, others: list[ResourcePool]) -> ResourcePool:
    mine = [other for other in others if other.resource_type == pool.resource_type and other.parent == pool.pool_id]
    return replace(pool, children=tuple(sorted(other.pool_id for other in mine)))
