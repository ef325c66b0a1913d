# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading resource pools."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    NotFound,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, in_order
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import pool_instance
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.systems import key_of

POOL = "CIM_ResourcePool"
_SETTINGS = "CIM_ResourceAllocationSettingData"
_OWN_SETTINGS = "CIM_ElementSettingData"
_FROM_POOL = "CIM_ElementAllocatedFromPool"
_MEMBERS = "CIM_ConcreteComponent"


@frozen
class PoolFound:
    """A pool as the server shows it."""

    pool: Any
    settings: Any | None
    model: ResourcePool

    @property
    def path(self) -> Any:
        """How the server calls it."""
        return self.pool.path


def resource_pools(server: Server, members: bool = True) -> list[ResourcePool]:
    """All pools in their order, with parents, children and, when wanted, members."""
    instances = server.own(server.session.instances(POOL))
    if not instances:
        server.check_hypervisor()
    found = server.session.each(lambda session, each: _read(server, session, each), instances)
    pools = _with_families(server, found)
    if members:
        devices = server.session.each(lambda session, each: _members(server, session, each), found)
        pools = [replace(pool, members=own) for pool, own in zip(pools, devices)]
    return in_order(pools)


def resource_pool(
    server: Server, pool_id: str, resource_type: ResourceType, members: bool = True
) -> ResourcePool | None:
    """The pool of that id and type, or None.  Raises Conflict where several have them."""
    for pool in resource_pools(server, members=False):
        if (pool.pool_id, pool.resource_type) == (pool_id, resource_type):
            found = existing(server, pool)  # also where nobody wants its members: there may be two
            return replace(pool, members=_members(server, server.session, found)) if members else pool
    return None


def _read(server: Server, session: Session, pool: Any) -> PoolFound:
    settings = None
    if server.dialect.pools_have_settings:
        own = session.associated(pool.path, _OWN_SETTINGS, _SETTINGS, "ManagedElement", "SettingData")
        settings = own[0] if own else None
    return PoolFound(pool, settings, server.dialect.read_pool(pool, settings))


def _with_families(server: Server, found: list[PoolFound]) -> list[ResourcePool]:
    """The pools with their parents and children."""
    pools = [each.model for each in found]
    if server.dialect.lists_associations:
        ids = {key_of(each.path): each.model.pool_id for each in found}
        parents: dict[Any, str] = {}
        children = server.session.each(
            lambda session, each: session.associated(each.path, _FROM_POOL, POOL, "Antecedent", "Dependent"), found
        )
        for each, own in zip(found, children):
            for child in own:
                parents[key_of(child.path)] = ids[key_of(each.path)]
        pools = [replace(each.model, parent=parents.get(key_of(each.path))) for each in found]
    return [
        replace(
            pool,
            children=tuple(
                sorted(
                    other.pool_id
                    for other in pools
                    if other.parent == pool.pool_id and other.resource_type is pool.resource_type
                )
            ),
        )
        for pool in pools
    ]


def _members(server: Server, session: Session, found: PoolFound) -> tuple[dict[str, Any], ...]:
    if not server.dialect.lists_associations:
        return ()
    devices = session.associated(found.path, _MEMBERS, "CIM_LogicalDevice", "GroupComponent", "PartComponent")
    return tuple(sorted((pool_instance.member(each) for each in devices), key=lambda each: str(each.get("name"))))


def find(server: Server, pool: ResourcePool) -> PoolFound | None:
    """The pool of that id and type.  Raises Conflict when there are several: any of them could be meant."""
    found = []
    for each in server.own(server.session.instances(POOL)):
        known = server.dialect.read_pool(each)
        if (known.pool_id, known.resource_type) == (pool.pool_id, pool.resource_type):
            found.append(each)
    if not found:
        server.check_hypervisor()
        return None
    if len(found) > 1:
        raise Conflict(
            f"Several pools of type {pool.resource_type.word} on {server.session.uri} are called {pool.pool_id!r}: "
            + ", ".join(needed(each, "InstanceID") for each in found)
        )
    return _read(server, server.session, found[0])


def existing(server: Server, pool: ResourcePool) -> PoolFound:
    found = find(server, pool)
    if found is None:
        raise NotFound(f"There is no pool {pool.pool_id!r} of type {pool.resource_type.word} on {server.session.uri}")
    return found
