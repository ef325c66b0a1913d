# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM_ResourcePoolConfigurationService: making, changing and deleting resource pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    NotSupported,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_pool
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import (
    declared_values,
    pool_differences,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import management, pool_instance, pools
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import POOLS, Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    NOT_FOUND,
    Family,
    pywbem,
    status_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import Done, run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import instance, prop
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.volumes import tell

_ENABLED, _DISABLED = 2, 3
_MAKES_ROOTS, _MAKES_CHILDREN = 2, 3
"""Numbers of the methods that make pools: of devices of the host, and from other pools."""
_OF_DEVICES = {5, 6}
"""Numbers of the methods that add resources of the host to pools, and remove them."""


def call(server: Server, method: str, doing: str, **arguments: Any) -> Done:
    """Invoke a method of the service and see it through."""
    return run(server.session, Family.POOL, method, server.needed(POOLS, doing), doing, arguments)


def create_resource_pool(server: Server, change: changes.CreateResourcePool) -> None:
    """Make a pool.  Raises Conflict when there is one of that id by now."""
    pool = change.pool
    if pools.find(server, pool) is not None:
        raise Conflict(f"There is a pool {pool.pool_id!r} on {server.session.uri} by now")
    doing = f"create pool {pool.pool_id!r}"
    if makes_roots_only(server):
        _create_root(server, pool, doing)
        return
    done = call(
        server,
        "CreateChildResourcePool",
        doing,
        ElementName=pool.pool_id,
        Settings=[new_settings(server, pool)],
        ParentPool=_parents(server, pool),
    )
    _made(server, pool, done, doing)


def makes_roots_only(server: Server) -> bool:
    """Whether the service says that it makes pools of devices of the host, and none from other pools."""
    offered = server.methods_of(POOLS) or set()
    return _MAKES_ROOTS in offered and _MAKES_CHILDREN not in offered


def new_settings(server: Server, pool: ResourcePool) -> Any:
    """The settings of a pool that is to be made.  Raises NotSupported for what the server has no place for."""
    if server.dialect.new_pool is not None:
        suffix, properties = server.dialect.new_pool(pool)
        return instance(server.dialect.own(suffix), properties)
    class_name = server.rasd_class(ResourceType.OTHER)
    names = [name for name in declared_values(pool) if name != "parent"]
    return instance(class_name, pool_instance.write_pool(pool, server.shape(class_name), names))


def _parents(server: Server, pool: ResourcePool) -> list[Any] | None:
    """Where a new pool draws from: what is declared, else the one primordial pool of its type (DSP1041), if there is one."""
    if pool.parent:
        return [pools.existing(server, ResourcePool(pool.parent, pool.resource_type)).path]
    if server.dialect.new_pool is not None:
        return None
    primordial = _primordial(server, pool.resource_type)
    return [primordial[0].path] if len(primordial) == 1 else None


def _primordial(server: Server, resource_type: ResourceType) -> list[Any]:
    return [
        each
        for each in server.own(server.session.instances(pools.POOL))
        if each.get("Primordial") and server.dialect.read_pool(each).resource_type is resource_type
    ]


def devices_for_root(server: Server, pool: ResourcePool) -> list[Any]:
    """The paths of the devices a new pool is made of.  Raises NotSupported for what the server shows no device of."""
    known = _devices(server)
    names = pool.host_resource or ()
    missing = [name for name in names if name not in known]
    if missing:
        raise NotSupported(
            f"Pool {pool.pool_id!r}: host_resource: this server makes pools of devices that it shows, and it shows no "
            f"{', '.join(missing)}; allowed are {', '.join(sorted(known)) or 'none'}",
            allowed=sorted(known),
        )
    return [known[name] for name in names]


def _create_root(server: Server, pool: ResourcePool, doing: str) -> None:
    """Make a pool of devices; the method takes nothing else, so that the rest is set afterwards, or the pool goes again."""
    devices = devices_for_root(server, pool)
    done = call(
        server,
        "CreateResourcePool",
        doing,
        ElementName=pool.pool_id,
        HostResources=devices or pywbem.CIMParameter("HostResources", "reference", is_array=True, value=[]),
        ResourceType=str(int(pool.resource_type)),
    )
    made = _made(server, pool, done, doing)
    names = [name for name in pool_differences(pool, made.model) if name != "parent"]
    if not names:
        return
    try:
        _write_settings(server, made, replace(pool, uuid=made.model.uuid), names, doing)
    except VirtError as error:
        _take_back(server, made.path, error)
        raise


def _made(server: Server, pool: ResourcePool, done: Done, doing: str) -> pools.PoolFound:
    """The pool that was made.  One that the server calls otherwise is deleted again: nobody would know it."""
    found = pools.find(server, pool)
    if found is not None:
        return found
    path = done.path(server.session, "Pool")
    other = None if path is None else str(path.keybindings.get("InstanceID"))
    error = HostFailed(
        f"Cannot {doing}: the server gives pools names of its own, and called it {other!r}"
        if other
        else f"Cannot {doing}: the server says it did, and does not show it"
    )
    if path is not None:
        _take_back(server, path, error)
    raise error


def _take_back(server: Server, path: Any, error: VirtError) -> None:
    """Delete a pool that was made in vain; the error tells when that fails."""
    try:
        call(server, "DeleteResourcePool", "delete the new pool again", Pool=path)
    except VirtError as left:
        tell(error, f"the new pool could not be deleted again: {left.message}")


def delete_resource_pool(server: Server, change: changes.DeleteResourcePool) -> None:
    """Remove a pool; what is in it stays.  One that has gone already is no error."""
    found = pools.find(server, change.pool)
    if found is None:
        return
    try:
        call(server, "DeleteResourcePool", f"delete pool {change.pool.pool_id!r}", Pool=found.path)
    except VirtError as error:
        if status_of(error) != NOT_FOUND or pools.find(server, change.pool) is not None:
            raise


def modify_pool_settings(server: Server, change: changes.ModifyPoolSettings) -> None:
    """Change the settings of a pool."""
    found = pools.existing(server, change.pool)
    doing = f"change pool {change.pool.pool_id!r}"
    after = predict_pool(found.model, [change]) or found.model
    names = [name for name in change.differences if name != "parent"]
    if "host_resource" in names and _change_devices(server, found, after.host_resource or (), doing):
        names.remove("host_resource")
    if names:
        _write_settings(server, found, after, names, doing)
    if "parent" in change.differences:
        parent = _parent_after(server, after)
        call(server, "ChangeParentResourcePool", doing, ChildPool=found.path, ParentPool=[parent])


def check_modification(server: Server, change: changes.ModifyPoolSettings) -> None:
    """Raise what is known to stand against a change of a pool, before any of it is sent."""
    found = pools.find(server, change.pool)
    if found is None:
        return  # an earlier change of the plan may make it
    after = predict_pool(found.model, [change]) or found.model
    names = set(change.differences) - {"parent"}
    if "host_resource" in names and _devices_to_change(server, found, after.host_resource or ()) is not None:
        names.remove("host_resource")
    if names:
        _modified(server, found, after, sorted(names), f"change pool {change.pool.pool_id!r}")
    if "parent" in change.differences:
        _parent_after(server, after)


def _parent_after(server: Server, pool: ResourcePool) -> Any:
    """The path of the pool that ``pool`` is to draw from: without a parent, the primordial one of its type."""
    if pool.parent:
        return pools.existing(server, ResourcePool(pool.parent, pool.resource_type)).path
    primordial = _primordial(server, pool.resource_type)
    if len(primordial) != 1:
        raise NotSupported(
            f"Pool {pool.pool_id!r}: parent: every pool of this server draws from another one: name that pool"
        )
    return primordial[0].path


def _write_settings(
    server: Server, found: pools.PoolFound, after: ResourcePool, names: Sequence[str], doing: str
) -> None:
    settings = _modified(server, found, after, names, doing)
    management.call(server, "ModifyResourceSettings", doing, ResourceSettings=[settings])


def _modified(server: Server, found: pools.PoolFound, after: ResourcePool, names: Sequence[str], doing: str) -> Any:
    """The settings that change a pool.  Raises NotSupported for what the server has no place for."""
    if found.settings is None:
        raise NotSupported(f"Cannot {doing}: this server cannot change pools")
    class_name = found.settings.classname
    properties = pool_instance.write_pool(after, server.shape(class_name), names)
    properties["InstanceID"] = prop("InstanceID", needed(found.settings, "InstanceID"), "string")
    return instance(class_name, properties)


def _change_devices(server: Server, found: pools.PoolFound, wanted: Sequence[str], doing: str) -> bool:
    """Give a pool the devices it lacks, and take those it is to lose; False, with nothing done, where that cannot be."""
    changed = _devices_to_change(server, found, wanted)
    for method, devices in (changed or {}).items():
        if devices:
            call(server, method, doing, HostResources=devices, Pool=found.path)
    return changed is not None


def _devices_to_change(server: Server, found: pools.PoolFound, wanted: Sequence[str]) -> dict[str, list[Any]] | None:
    """The paths of the devices that a pool lacks and that it is to lose, by the method for them.

    None where the service does not do that, or where the server shows no devices of those names: then what is in the
    pool is a matter of its settings.
    """
    if not (server.methods_of(POOLS) or set()) >= _OF_DEVICES:
        return None
    now = found.model.host_resource or ()
    changed = {
        "AddResourcesToResourcePool": [name for name in wanted if name not in now],
        "RemoveResourcesFromResourcePool": [name for name in now if name not in wanted],
    }
    devices = _devices(server)
    if any(name not in devices for names in changed.values() for name in names):
        return None
    return {method: [devices[name] for name in names] for method, names in changed.items()}


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
    found = pools.existing(server, change.pool)
    if bool(found.model.active) is change.active:
        return
    doing = f"{'activate' if change.active else 'deactivate'} pool {change.pool.pool_id!r}"
    if not server.pools_have_states():
        raise NotSupported(f"Cannot {doing}: pools of this server have no states")
    requested = pywbem.Uint16(_ENABLED if change.active else _DISABLED)
    run(server.session, Family.STATE, "RequestStateChange", found.path, doing, {"RequestedState": requested})
    if bool(pools.existing(server, change.pool).model.active) is not change.active:
        raise HostFailed(f"Cannot {doing}: the server says it did, and did not")
