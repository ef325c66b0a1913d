# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ResourcePoolConfigurationService, the states of pools, and StorageConfigurationService, as changes of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, pool_setting_rows
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from tests.wbem import invoke
from tests.wbem.invoke import Invocation, Method
from tests.wbem.providers import pools, properties, resources
from tests.wbem.world import Reading

Output = Mapping[str, Any]


def _pool_of(reading: Reading, path: Any) -> ResourcePool:
    found = pools.find(reading, path.keybindings.get("InstanceID"))
    if found is None:
        raise errors.NotFound(f"There is no pool {path.keybindings.get('InstanceID')!r}")
    return found


def _host_resources(invocation: Invocation) -> tuple[str, ...]:
    """The names of the devices that HostResources refers to."""
    found = []
    for path in invocation.get("HostResources") or []:
        instance = invocation.reading.find(path)
        if instance is None:
            raise errors.NotFound(f"There is no device {path.keybindings.get('DeviceID')!r}")
        found.append(str(instance.get("Name") or instance["DeviceID"]))
    return tuple(found)


def _type_of(value: Any) -> ResourceType:
    try:
        return ResourceType(int(value))
    except (TypeError, ValueError):
        raise errors.InvalidInput(f"ResourceType {value!r} is not known") from None


def _made(invocation: Invocation, pool: ResourcePool) -> Output:
    invocation.carry_out(changes.CreateResourcePool(pool))
    found = next(
        found
        for found in invocation.reading.pools
        if (found.resource_type, found.pool_id) == (pool.resource_type, pool.pool_id)
    )
    return {"Pool": pools.instance(invocation.reading, found).path}


def _name_for(invocation: Invocation, kind: ResourceType) -> str:
    given = invocation.get("ElementName")
    if given is not None:
        return str(given)
    taken = {pool.pool_id for pool in invocation.reading.pools if pool.resource_type is kind}
    return next(f"pool-{number}" for number in range(1, len(taken) + 2) if f"pool-{number}" not in taken)


def _create(invocation: Invocation) -> Output:
    kind = _type_of(invocation.need("ResourceType"))
    given = _host_resources(invocation)
    return _made(invocation, ResourcePool(_name_for(invocation, kind), kind, host_resource=given or None))


def _create_child(invocation: Invocation) -> Output:
    """Make a pool from settings; the parent may be the primordial pool, or nothing."""
    parents = [_pool_of(invocation.reading, path) for path in invocation.get("ParentPool") or []]
    wanted = invocation.get("Settings") or []
    if len(wanted) > 1 or len(parents) > 1:
        raise errors.NotSupported("A pool is made from one parent with one kind of settings")
    if not wanted and not parents:
        raise errors.InvalidInput("Settings is missing")
    number = wanted[0].get("ResourceType") if wanted else parents[0].resource_type
    kind = _type_of(number if number is not None else parents[0].resource_type if parents else None)
    if parents and parents[0].resource_type is not kind:
        raise invoke.Refusal(7, "The parent is a pool of another type")
    given = _settings_of(wanted[0], kind) if wanted else {}
    settings = given.pop("settings", {})
    parent = next((pool.pool_id for pool in parents if not pool.primordial), None)
    pool = ResourcePool(_name_for(invocation, kind), kind, parent=parent, settings=settings, **given)
    return _made(invocation, pool)


def _settings_of(instance: Any, kind: ResourceType) -> dict[str, Any]:
    """Fields of a pool that an instance of settings names."""
    found: dict[str, Any] = {}
    if instance.get("ResourceSubType") is not None:
        found["resource_sub_type"] = instance["ResourceSubType"]
    if instance.get("HostResource") is not None:
        found["host_resource"] = tuple(instance["HostResource"])
    if instance.get("AutomaticAllocation") is not None:
        found["automatic_startup"] = bool(instance["AutomaticAllocation"])
    settings = properties.unpacked(instance, pool_setting_rows(kind))
    if settings:
        found["settings"] = settings
    return found


def modify_settings(invocation: Invocation, instance: Any) -> bool:
    """Change the settings of a pool; False when the instance is not about a pool."""
    wanted = instance["InstanceID"]
    pool = next((found for found in invocation.reading.pools if pools.settings_id(found) == wanted), None)
    if pool is None:
        return False
    given = _settings_of(instance, pool.resource_type)
    settings = {f"settings.{name}": value for name, value in given.pop("settings", {}).items()}
    now = {**vars(pool), **{f"settings.{name}": value for name, value in pool.settings.items()}}
    differences = {
        name: (now.get(name), value) for name, value in {**given, **settings}.items() if now.get(name) != value
    }
    if differences:
        offered = invocation.reading.capabilities.pools.get((pool.resource_type, pool.resource_sub_type or ""))
        live = bool(pool.active) and offered is not None and set(differences) <= offered.live
        invocation.carry_out(changes.ModifyPoolSettings(pool, differences, live=live))
    return True


def _delete(invocation: Invocation) -> Output:
    pool = _pool_of(invocation.reading, invocation.need("Pool"))
    if pool.primordial:
        raise errors.NotSupported("Primordial pools are always there")
    for system in invocation.reading.systems:
        for found in resources.allocations(system):
            if pools.of_resource(invocation.reading, found.rasd) == pool:
                raise invoke.Refusal(6, f"Pool {pool.pool_id!r} is in use")
    if pool.active:
        invocation.carry_out(changes.RequestPoolStateChange(pool, False))
        pool = _pool_of(invocation.reading, invocation.need("Pool"))
    invocation.carry_out(changes.DeleteResourcePool(pool))
    return {}


def _change_members(invocation: Invocation, after: Iterable[str]) -> None:
    pool = _pool_of(invocation.reading, invocation.need("Pool"))
    wanted = tuple(after)
    if wanted != (pool.host_resource or ()):
        invocation.carry_out(changes.ModifyPoolSettings(pool, {"host_resource": (pool.host_resource, wanted)}))


def _add(invocation: Invocation) -> Output:
    now = _pool_of(invocation.reading, invocation.need("Pool")).host_resource or ()
    given = _host_resources(invocation)
    _change_members(invocation, (*now, *(name for name in given if name not in now)))
    return {}


def _remove(invocation: Invocation) -> Output:
    now = _pool_of(invocation.reading, invocation.need("Pool")).host_resource or ()
    given = _host_resources(invocation)
    _change_members(invocation, (name for name in now if name not in given))
    return {}


def _change_parent(invocation: Invocation) -> Output:
    pool = _pool_of(invocation.reading, invocation.need("ChildPool"))
    parents = [_pool_of(invocation.reading, path) for path in invocation.need("ParentPool")]
    if any(parent.resource_type is not pool.resource_type for parent in parents):
        raise invoke.Refusal(7, "The parent is a pool of another type")
    wanted = next((parent.pool_id for parent in parents if not parent.primordial), None)
    if wanted != pool.parent:
        invocation.carry_out(changes.ModifyPoolSettings(pool, {"parent": (pool.parent, wanted)}))
    return {}


def _request_state_change(invocation: Invocation) -> Output:
    pool = _pool_of(invocation.reading, invocation.target.path)
    wanted = {2: True, 3: False}.get(int(invocation.need("RequestedState")))
    if wanted is None:
        raise errors.NotSupported("Pools can be enabled (2) and disabled (3)")
    if bool(pool.active) is not wanted:
        invocation.carry_out(changes.RequestPoolStateChange(pool, wanted))
    return {}


def _return_to_pool(invocation: Invocation) -> Output:
    path = invocation.need("TheElement")
    instance = invocation.reading.find(path)
    if instance is None:
        raise errors.NotFound(f"There is no volume {path.keybindings.get('DeviceID')!r}")
    if instance.get("KeptBecause"):
        raise invoke.Refusal(6, f"{instance['DeviceID']} is kept: {instance['KeptBecause']}")
    if instance.get("Primordial"):
        raise errors.NotSupported(f"{instance['DeviceID']} is a device of the host")
    name = str(instance["DeviceID"])
    for pool in invocation.reading.pools:
        for member in pool.members:
            if member.get("path") == name:
                element = StorageElement(name, pool.pool_id, str(member.get("name") or ""))
                invocation.carry_out(changes.ReturnToStoragePool(element))
                return {}
    invocation.carry_out(changes.ReturnToStoragePool(StorageElement(name)))
    return {}


METHODS = {
    "ResourcePoolConfigurationService.CreateResourcePool": Method(_create, invoke.POOL, creates="Pool"),
    "ResourcePoolConfigurationService.CreateChildResourcePool": Method(_create_child, invoke.POOL, creates="Pool"),
    "ResourcePoolConfigurationService.DeleteResourcePool": Method(_delete, invoke.POOL),
    "ResourcePoolConfigurationService.AddResourcesToResourcePool": Method(_add, invoke.POOL),
    "ResourcePoolConfigurationService.RemoveResourcesFromResourcePool": Method(_remove, invoke.POOL),
    "ResourcePoolConfigurationService.ChangeParentResourcePool": Method(_change_parent, invoke.POOL),
    "ResourcePool.RequestStateChange": Method(_request_state_change, invoke.STATE),
    "StorageConfigurationService.ReturnToStoragePool": Method(_return_to_pool, invoke.POOL),
}
