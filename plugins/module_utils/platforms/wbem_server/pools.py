# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource pools: reading them, and CIM_ResourcePoolConfigurationService."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    NotFound,
    NotSupported,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, in_order
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_pool
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import declared_values
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import management, pool_instance
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import POOLS, Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    NOT_FOUND,
    Family,
    pywbem,
    status_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import Done, run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.systems import key_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import instance, prop

POOL = "CIM_ResourcePool"
_SETTINGS = "CIM_ResourceAllocationSettingData"
_OWN_SETTINGS = "CIM_ElementSettingData"
_FROM_POOL = "CIM_ElementAllocatedFromPool"
_MEMBERS = "CIM_ConcreteComponent"
_ENABLED, _DISABLED = 2, 3
_OF_DEVICES = {5, 6}
"""Numbers of the methods that add resources of the host to pools, and remove them."""


@dataclass(frozen=True)
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
    instances = server.session.instances(POOL)
    if not instances:
        server.check_hypervisor()
    found = server.session.each(lambda session, each: _read(server, session, each), instances)
    pools = _with_families(server, found)
    if members:
        devices = server.session.each(lambda session, each: _members(server, session, each), found)
        pools = [replace(pool, members=own) for pool, own in zip(pools, devices)]
    return in_order(pools)


def resource_pool(server: Server, pool_id: str, resource_type: ResourceType) -> ResourcePool | None:
    """The pool of that id and type, or None."""
    for pool in resource_pools(server, members=False):
        if (pool.pool_id, pool.resource_type) == (pool_id, resource_type):
            found = _existing(server, pool)
            return replace(pool, members=_members(server, server.session, found))
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


def _find(server: Server, pool: ResourcePool) -> PoolFound | None:
    """The pool of that id and type.  Raises Conflict when there are several: any of them could be meant."""
    found = []
    for each in server.session.instances(POOL):
        known = server.dialect.read_pool(each)
        if (known.pool_id, known.resource_type) == (pool.pool_id, pool.resource_type):
            found.append(each)
    if not found:
        server.check_hypervisor()
        return None
    if len(found) > 1:
        raise Conflict(
            f"Several pools of type {pool.resource_type.word} on {server.session.uri} are called {pool.pool_id!r}: "
            + ", ".join(str(each["InstanceID"]) for each in found)
        )
    return _read(server, server.session, found[0])


def _existing(server: Server, pool: ResourcePool) -> PoolFound:
    found = _find(server, pool)
    if found is None:
        raise NotFound(f"There is no pool {pool.pool_id!r} of type {pool.resource_type.word} on {server.session.uri}")
    return found


def call(server: Server, method: str, doing: str, **arguments: Any) -> Done:
    """Invoke a method of the service and see it through."""
    return run(server.session, Family.POOL, method, server.needed(POOLS, doing), doing, arguments)


def create_resource_pool(server: Server, change: changes.CreateResourcePool) -> None:
    """Make a pool.  Raises Conflict when there is one of that id by now."""
    pool = change.pool
    if _find(server, pool) is not None:
        raise Conflict(f"There is a pool {pool.pool_id!r} on {server.session.uri} by now")
    if server.dialect.new_pool is not None:
        suffix, properties = server.dialect.new_pool(pool)
        class_name = server.dialect.own(suffix)
    else:
        class_name = server.rasd_class(ResourceType.OTHER)
        names = [name for name in declared_values(pool) if name != "parent"]
        properties = pool_instance.write_pool(pool, server.shape(class_name), names)
    parent = None
    if pool.parent:
        parent = [_existing(server, ResourcePool(pool.parent, pool.resource_type)).path]
    call(
        server,
        "CreateChildResourcePool",
        f"create pool {pool.pool_id!r}",
        ElementName=pool.pool_id,
        Settings=[instance(class_name, properties)],
        ParentPool=parent,
    )


def delete_resource_pool(server: Server, change: changes.DeleteResourcePool) -> None:
    """Remove a pool; what is in it stays.  One that has gone already is no error."""
    found = _find(server, change.pool)
    if found is None:
        return
    try:
        call(server, "DeleteResourcePool", f"delete pool {change.pool.pool_id!r}", Pool=found.path)
    except VirtError as error:
        if status_of(error) != NOT_FOUND or _find(server, change.pool) is not None:
            raise


def modify_pool_settings(server: Server, change: changes.ModifyPoolSettings) -> None:
    """Change the settings of a pool."""
    found = _existing(server, change.pool)
    doing = f"change pool {change.pool.pool_id!r}"
    after = predict_pool(found.model, [change]) or found.model
    names = [name for name in change.differences if name != "parent"]
    if "host_resource" in names and _change_devices(server, found, after.host_resource or (), doing):
        names.remove("host_resource")
    if names:
        if found.settings is None:
            raise NotSupported(f"Cannot {doing}: this server cannot change pools")
        class_name = found.settings.classname
        properties = pool_instance.write_pool(after, server.shape(class_name), names)
        properties["InstanceID"] = prop("InstanceID", str(found.settings["InstanceID"]), "string")
        management.call(server, "ModifyResourceSettings", doing, ResourceSettings=[instance(class_name, properties)])
    if "parent" in change.differences:
        parent = _existing(server, ResourcePool(str(after.parent), after.resource_type))
        call(server, "ChangeParentResourcePool", doing, ChildPool=found.path, ParentPool=[parent.path])


def _change_devices(server: Server, found: PoolFound, wanted: Sequence[str], doing: str) -> bool:
    """Give a pool the devices it lacks, and take those it is to lose.

    False, with nothing done, where the service does not do that, or where the server shows no devices of those names:
    then what is in the pool is a matter of its settings.
    """
    offered = server.methods_of(POOLS) or set()
    now = found.model.host_resource or ()
    changed = {
        "AddResourcesToResourcePool": [name for name in wanted if name not in now],
        "RemoveResourcesFromResourcePool": [name for name in now if name not in wanted],
    }
    if not offered >= _OF_DEVICES:
        return False
    devices = _devices(server)
    if any(name not in devices for names in changed.values() for name in names):
        return False
    for method, names in changed.items():
        if names:
            call(server, method, doing, HostResources=[devices[name] for name in names], Pool=found.path)
    return True


def _devices(server: Server) -> dict[str, Any]:
    """The paths of the host's own devices, by the names that pools call them."""
    host = server.management.path.keybindings.get("SystemName")
    found: dict[str, Any] = {}
    for device in server.session.instances_if_any("CIM_LogicalDevice"):
        if device.path.keybindings.get("SystemName") == host:
            for name in (device.get("DeviceID"), device.get("Name")):
                if name:
                    found[str(name)] = device.path
    return found


def request_pool_state_change(server: Server, change: changes.RequestPoolStateChange) -> None:
    """Activate or deactivate a pool."""
    found = _existing(server, change.pool)
    if bool(found.model.active) is change.active:
        return
    doing = f"{'activate' if change.active else 'deactivate'} pool {change.pool.pool_id!r}"
    if not server.pools_have_states():
        raise NotSupported(f"Cannot {doing}: pools of this server have no states")
    requested = pywbem.Uint16(_ENABLED if change.active else _DISABLED)
    run(server.session, Family.STATE, "RequestStateChange", found.path, doing, {"RequestedState": requested})
    if bool(_existing(server, change.pool).model.active) is not change.active:
        raise HostFailed(f"Cannot {doing}: the server says it did, and did not")
