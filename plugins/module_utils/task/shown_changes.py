# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as results: each with every value before and after.

Secrets are masked, since a change of one has to be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model import rasd as rasds
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.values import shown
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes as plans
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import pending_of
from ansible_collections.svpc.virt.plugins.module_utils.task.results import Shown, plain


def properties(found: Mapping[str, Difference], show: Callable[[str, Any], Any]) -> Shown:
    """Every value before and after, by name."""
    return {name: {"before": show(name, before), "after": show(name, after)} for name, (before, after) in found.items()}


def _of_resource(rasd: Rasd, found: Mapping[str, Difference]) -> Shown:
    return properties(found, lambda name, value: plain(rasds.shown_value(rasd, name, value)))


def appearing(found: Mapping[str, Any]) -> dict[str, Difference]:
    """Values that there were none of before."""
    return {name: (None, value) for name, value in found.items()}


def _vanishing(found: Mapping[str, Any]) -> dict[str, Difference]:
    return {name: (value, None) for name, value in found.items()}


def sparse(rasd: Rasd) -> Shown:
    """A resource with what it has and nothing else; secrets masked."""
    values = {name: plain(rasds.shown_value(rasd, name, value)) for name, value in rasds.values(rasd).items()}
    found: Shown = {"resource_type": rasd.resource_type.word}
    found.update({name: value for name, value in values.items() if not name.startswith("settings.")})
    settings = {name[len("settings.") :]: value for name, value in values.items() if name.startswith("settings.")}
    if settings:
        found["settings"] = settings
    if rasd.image is not None:
        found.update(_origin(rasd.image))
    return found


def _origin(image: Image) -> Shown:
    """What new storage is made from, by the names of the options."""
    return {"image": image.shown, "image_mode": image.mode.value}


def _define(change: plans.DefineSystem) -> Shown:
    found = {
        name: (None, shown(SYSTEM_SETTINGS.get(name), value))
        for name, value in change.configuration.settings.items()
        if value is not None
    }
    if change.system.uuid is not None:
        found["uuid"] = (None, change.system.uuid)
    found["resources"] = (None, [sparse(rasd) for rasd in change.configuration.resources])
    return properties(found, lambda _name, value: plain(value))


def _destroy(change: plans.DestroySystem) -> Shown:
    found = {name: (value, ()) for name in ("snapshots", "belongings") if (value := getattr(change, name))}
    return properties({"name": (change.system.name, None), **found}, lambda _name, value: plain(value))


def _add(change: plans.AddResourceSettings) -> Shown:
    found = _of_resource(change.resource, appearing(rasds.values(change.resource)))
    if change.resource.image is not None:
        found.update(properties(appearing(_origin(change.resource.image)), lambda _name, value: value))
    return found


def _remove(change: plans.RemoveResourceSettings) -> Shown:
    return _of_resource(change.resource, _vanishing(rasds.values(change.resource)))


def _modify(change: plans.ModifyResourceSettings) -> Shown:
    return _of_resource(change.before, {**change.live_differences, **change.differences})


def _modify_system(change: plans.ModifySystemSettings) -> Shown:
    return properties(change.differences, lambda name, value: plain(shown(SYSTEM_SETTINGS.get(name), value)))


def _request_state(change: plans.RequestStateChange) -> Shown:
    found: dict[str, Difference] = {"requested_state": (None, change.requested_state.word)}
    if change.before != change.after:
        found["state"] = (change.before, change.after)
    return properties(found, lambda _name, value: value)


def _return_storage(change: plans.ReturnToStoragePool) -> Shown:
    element = change.element
    found = {"host_resource": element.host_resource, "pool_id": element.pool_id, "resource": element.resource or None}
    given = {name: value for name, value in found.items() if value is not None}
    return properties(_vanishing(given), lambda _name, value: value)


def _create_snapshot(change: plans.CreateSnapshot) -> Shown:
    found = {"snapshot_type": change.snapshot_type, "description": change.description, "quiesce": change.quiesce}
    given = {name: value for name, value in found.items() if value is not None}
    return properties(appearing(given), lambda _name, value: plain(value))


def _apply_snapshot(change: plans.ApplySnapshot) -> Shown:
    return {"current_snapshot": {"before": change.previous_current, "after": change.name}}


def _destroy_snapshot(change: plans.DestroySnapshot) -> Shown:
    found: dict[str, Difference] = {"name": (change.name, None)}
    if change.dependents:
        found["dependents"] = (change.dependents, ())
    return properties(found, lambda _name, value: plain(value))


def pool_values(pool: ResourcePool) -> dict[str, Any]:
    """What a pool has, by the names of differences."""
    names = ("resource_type", "resource_sub_type", "parent", "host_resource", "automatic_startup")
    found = {name: getattr(pool, name) for name in names}
    found.update({f"settings.{name}": value for name, value in pool.settings.items()})
    return {name: value for name, value in found.items() if value is not None}


def of_pool(pool: ResourcePool, found: Mapping[str, Difference]) -> Shown:
    """Values of a pool before and after; secrets masked."""

    def show(name: str, value: Any) -> Any:
        row = pool.setting_rows.get(name[len("settings.") :]) if name.startswith("settings.") else None
        return plain(shown(row, value))

    return properties(found, show)


def _pool_activity(change: plans.RequestPoolStateChange) -> Shown:
    words = ("inactive", "active") if change.active else ("active", "inactive")
    return properties({"state": words}, lambda _name, value: value)


_PROPERTIES: dict[type[Any], Callable[[Any], Shown]] = {
    plans.DefineSystem: _define,
    plans.DestroySystem: _destroy,
    plans.AddResourceSettings: _add,
    plans.ModifyResourceSettings: _modify,
    plans.RemoveResourceSettings: _remove,
    plans.ModifySystemSettings: _modify_system,
    plans.RequestStateChange: _request_state,
    plans.ReturnToStoragePool: _return_storage,
    plans.CreateSnapshot: _create_snapshot,
    plans.ApplySnapshot: _apply_snapshot,
    plans.DestroySnapshot: _destroy_snapshot,
    plans.CreateResourcePool: lambda change: of_pool(change.pool, appearing(pool_values(change.pool))),
    plans.DeleteResourcePool: lambda change: of_pool(change.pool, _vanishing(pool_values(change.pool))),
    plans.ModifyPoolSettings: lambda change: of_pool(change.pool, change.differences),
    plans.RequestPoolStateChange: _pool_activity,
}


def target_of(change: plans.Change) -> str:
    """What a change is made to, as results name it."""
    if isinstance(change, (plans.AddResourceSettings, plans.RemoveResourceSettings)):
        return change.resource.label
    if isinstance(change, plans.ModifyResourceSettings):
        return change.before.label
    if isinstance(change, plans.ReturnToStoragePool):
        return change.element.host_resource
    if isinstance(change, (plans.CreateSnapshot, plans.ApplySnapshot, plans.DestroySnapshot)):
        return change.name
    if isinstance(
        change,
        (
            plans.CreateResourcePool,
            plans.DeleteResourcePool,
            plans.ModifyPoolSettings,
            plans.RequestPoolStateChange,
        ),
    ):
        return change.pool.pool_id
    return change.system.name


def change(found: plans.Change) -> Shown:
    """One change: the CIM method, what it is made to, every value before and after, and whether it takes effect now."""
    return {
        "operation": found.operation,
        "target": target_of(found),
        "properties": _PROPERTIES[type(found)](found),
        "live": found.live,
    }


def changes(plan: Iterable[plans.Change]) -> list[Shown]:
    """The changes of a plan, in order."""
    return [change(found) for found in plan]


def pending(system: VirtualSystem | None) -> list[Shown]:
    """What is in the definition and not yet in the running system."""
    if system is None:
        return []
    return [
        {"target": waiting.target, "properties": properties(waiting.properties, lambda _name, value: plain(value))}
        for waiting in pending_of(system)
    ]
