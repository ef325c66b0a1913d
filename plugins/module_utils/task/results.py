# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model as results: the names, units and shape that the modules accept.

A result can be given back as input and changes nothing.  Secrets are left out of results, and masked in changes and
differences, where a change of one has to be seen.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.svpc.virt.plugins.module_utils.model import rasd as rasds
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, children_of
from ansible_collections.svpc.virt.plugins.module_utils.model.values import MASK, Kind, SettingRow, shown
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    SYSTEM_SETTINGS,
    Configuration,
    VirtualSystem,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes as plans
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import pending_of

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.allocations import Allocation

Shown = dict[str, Any]
"""Plain data: what becomes JSON."""

MOMENT = "%Y-%m-%dT%H:%M:%SZ"
"""How a moment is written, in UTC."""

_PLAIN = frozenset({str, int, bool, float})


def plain(value: Any) -> Any:
    """``value`` as plain data: words for enumerations, lists for tuples, all the way down."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, enum.IntEnum):
        return value.name.lower()
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    return value


def _without_values(rows: Mapping[str, SettingRow]) -> Shown:
    """Every setting there is a row for, none of them with a value."""
    return {name: None for name, row in rows.items() if row.kind is not Kind.SECRET}


def _settings(given: Mapping[str, Any], rows: Mapping[str, SettingRow], empty: Shown) -> Shown:
    """Every setting there is a row for, as in ``empty`` where there is none, and whatever else the host shows."""
    found = dict(empty)
    for name, value in given.items():
        if name not in rows or rows[name].kind is not Kind.SECRET:
            found[name] = plain(value)
    return found


# What there is


@functools.cache
def _empty_resource(resource_type: ResourceType) -> tuple[Shown, Shown]:
    """A resource, and its settings, of which nothing is known but the type."""
    found = {"resource_type": resource_type.word, **dict.fromkeys(rasds.PROPERTIES)}
    return found, _without_values(row_of(resource_type).settings)


def resource(rasd: Rasd) -> Shown:
    """One resource, as the option ``resources`` takes it."""
    empty, no_settings = _empty_resource(rasd.resource_type)
    found = dict(empty)
    for name, value in zip(rasds.PROPERTIES, rasds.properties_of(rasd)):
        if value is not None:
            found[name] = plain(value)
    found["settings"] = _settings(rasd.settings, rasd.row.settings, no_settings)
    return found


def each_once() -> Callable[[Rasd], Shown]:
    """:func:`resource` for many systems: a resource that some of them share is rendered once, and shared as well."""
    rendered: dict[int, tuple[Rasd, Shown]] = {}

    def render(rasd: Rasd) -> Shown:
        known = rendered.get(id(rasd))
        if known is None:
            known = rendered[id(rasd)] = rasd, resource(rasd)
        return known[1]

    return render


_NO_SYSTEM_SETTINGS = _without_values(SYSTEM_SETTINGS)


def configuration(found: Configuration, render: Callable[[Rasd], Shown] = resource) -> Shown:
    """The settings and resources of a system."""
    return {
        "settings": _settings(found.settings, SYSTEM_SETTINGS, _NO_SYSTEM_SETTINGS),
        "resources": [render(rasd) for rasd in found.resources],
    }


def virtual_system(
    system: VirtualSystem | None, running: bool = False, render: Callable[[Rasd], Shown] = resource
) -> Shown | None:
    """A virtual system by its definition, and if asked for with what is ``running``; None for one that is not there."""
    if system is None:
        return None
    found: Shown = {
        "name": system.name,
        "uuid": system.uuid,
        "state": str(system.state),
        **configuration(system.defined, render),
        "persistent": system.persistent,
        "snapshots": list(system.snapshots),
        "belongings": list(system.belongings),
    }
    if running:
        found["running"] = None if system.running is None else configuration(system.running, render)
    return found


def pool_state(pool: ResourcePool) -> str:
    """The word of the option ``state``."""
    return "inactive" if pool.active is False else "active"


def resource_pool(pool: ResourcePool | None) -> Shown | None:
    """A resource pool; None for one that is not there."""
    if pool is None:
        return None
    return {
        "pool_id": pool.pool_id,
        "resource_type": pool.resource_type.word,
        "resource_sub_type": pool.resource_sub_type,
        "uuid": pool.uuid,
        "primordial": pool.primordial,
        "state": pool_state(pool),
        "automatic_startup": pool.automatic_startup,
        "parent": pool.parent,
        "children": list(pool.children),
        "host_resource": plain(pool.host_resource),
        "capacity": pool.capacity,
        "reserved": pool.reserved,
        "currently_consumed_resource": pool.currently_consumed_resource,
        "max_consumable_resource": pool.max_consumable_resource,
        "settings": _settings(pool.settings, pool.setting_rows, _without_values(pool.setting_rows)),
        "members": plain(pool.members),
    }


_OF_ALLOCATIONS = (
    "name", "address", "address_on_parent", "host_resource", "virtual_quantity", "reservation", "limit", "weight",
)  # fmt: skip


def allocation(found: Allocation) -> Shown:
    """A resource that comes from a pool: whose it is, what identifies it, and how much it is."""
    return {
        "virtual_system": found.virtual_system,
        "resource_type": found.resource.resource_type.word,
        **{name: plain(getattr(found.resource, name)) for name in _OF_ALLOCATIONS},
        "allocated": found.allocated,
    }


def snapshot(found: Snapshot | None, family: Iterable[Snapshot]) -> Shown | None:
    """A snapshot among all of its system; None for one that is not there."""
    if found is None:
        return None
    created = None
    if found.created is not None:
        created = datetime.fromtimestamp(found.created, timezone.utc).strftime(MOMENT)
    return {
        "name": found.name,
        "snapshot_type": plain(found.snapshot_type),
        "description": found.description,
        "created": created,
        "parent": found.parent,
        "dependents": list(children_of(family, found.name)),
        "is_current": found.is_current,
        "virtual_system_state": plain(found.virtual_system_state),
        "storage": found.storage,
    }


def pending(system: VirtualSystem | None) -> list[Shown]:
    """What is in the definition and not yet in the running system."""
    if system is None:
        return []
    return [
        {"target": waiting.target, "properties": _properties(waiting.properties, lambda _name, value: plain(value))}
        for waiting in pending_of(system)
    ]


# What changes


def _properties(found: Mapping[str, Difference], show: Callable[[str, Any], Any]) -> Shown:
    return {name: {"before": show(name, before), "after": show(name, after)} for name, (before, after) in found.items()}


def _of_resource(rasd: Rasd, found: Mapping[str, Difference]) -> Shown:
    return _properties(found, lambda name, value: plain(rasds.shown_value(rasd, name, value)))


def _appearing(found: Mapping[str, Any]) -> dict[str, Difference]:
    return {name: (None, value) for name, value in found.items()}


def _vanishing(found: Mapping[str, Any]) -> dict[str, Difference]:
    return {name: (value, None) for name, value in found.items()}


def _sparse(rasd: Rasd) -> Shown:
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
    found["resources"] = (None, [_sparse(rasd) for rasd in change.configuration.resources])
    return _properties(found, lambda _name, value: plain(value))


def _destroy(change: plans.DestroySystem) -> Shown:
    found = {name: (value, ()) for name in ("snapshots", "belongings") if (value := getattr(change, name))}
    return _properties({"name": (change.system.name, None), **found}, lambda _name, value: plain(value))


def _add(change: plans.AddResourceSettings) -> Shown:
    found = _of_resource(change.resource, _appearing(rasds.values(change.resource)))
    if change.resource.image is not None:
        found.update(_properties(_appearing(_origin(change.resource.image)), lambda _name, value: value))
    return found


def _remove(change: plans.RemoveResourceSettings) -> Shown:
    return _of_resource(change.resource, _vanishing(rasds.values(change.resource)))


def _modify(change: plans.ModifyResourceSettings) -> Shown:
    return _of_resource(change.before, {**change.live_differences, **change.differences})


def _modify_system(change: plans.ModifySystemSettings) -> Shown:
    return _properties(change.differences, lambda name, value: plain(shown(SYSTEM_SETTINGS.get(name), value)))


def _request_state(change: plans.RequestStateChange) -> Shown:
    found: dict[str, Difference] = {"requested_state": (None, change.requested_state.word)}
    if change.before != change.after:
        found["state"] = (change.before, change.after)
    return _properties(found, lambda _name, value: value)


def _return_storage(change: plans.ReturnToStoragePool) -> Shown:
    element = change.element
    found = {"host_resource": element.host_resource, "pool_id": element.pool_id, "resource": element.resource or None}
    given = {name: value for name, value in found.items() if value is not None}
    return _properties(_vanishing(given), lambda _name, value: value)


def _create_snapshot(change: plans.CreateSnapshot) -> Shown:
    found = {"snapshot_type": change.snapshot_type, "description": change.description, "quiesce": change.quiesce}
    given = {name: value for name, value in found.items() if value is not None}
    return _properties(_appearing(given), lambda _name, value: plain(value))


def _apply_snapshot(change: plans.ApplySnapshot) -> Shown:
    return {"current_snapshot": {"before": change.previous_current, "after": change.name}}


def _destroy_snapshot(change: plans.DestroySnapshot) -> Shown:
    found: dict[str, Difference] = {"name": (change.name, None)}
    if change.dependents:
        found["dependents"] = (change.dependents, ())
    return _properties(found, lambda _name, value: plain(value))


def _pool_values(pool: ResourcePool) -> dict[str, Any]:
    names = ("resource_type", "resource_sub_type", "parent", "host_resource", "automatic_startup")
    found = {name: getattr(pool, name) for name in names}
    found.update({f"settings.{name}": value for name, value in pool.settings.items()})
    return {name: value for name, value in found.items() if value is not None}


def _of_pool(pool: ResourcePool, found: Mapping[str, Difference]) -> Shown:
    def show(name: str, value: Any) -> Any:
        row = pool.setting_rows.get(name[len("settings.") :]) if name.startswith("settings.") else None
        return plain(shown(row, value))

    return _properties(found, show)


def _pool_activity(change: plans.RequestPoolStateChange) -> Shown:
    words = ("inactive", "active") if change.active else ("active", "inactive")
    return _properties({"state": words}, lambda _name, value: value)


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
    plans.CreateResourcePool: lambda change: _of_pool(change.pool, _appearing(_pool_values(change.pool))),
    plans.DeleteResourcePool: lambda change: _of_pool(change.pool, _vanishing(_pool_values(change.pool))),
    plans.ModifyPoolSettings: lambda change: _of_pool(change.pool, change.differences),
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


# What it looks like before and after

CHANGED = f"{MASK} (changed)"
"""Stands for a secret that becomes another one."""


def system_diff(before: VirtualSystem | None, after: VirtualSystem | None, plan: Sequence[plans.Change]) -> Shown:
    """Both states for ``--diff``, without what changes by itself."""
    secrets = dict(_changed_secrets(plan))
    name = (before or after).name if before or after else ""  # type: ignore[union-attr]
    return _diff(f"virtual system {name}", _system_state(before, {}), _system_state(after, secrets))


def pool_diff(before: ResourcePool | None, after: ResourcePool | None) -> Shown:
    """Both states for ``--diff``."""
    name = (before or after).pool_id if before or after else ""  # type: ignore[union-attr]
    return _diff(f"resource pool {name}", _pool_side(before), _pool_side(after))


def snapshots_diff(system: str, before: Sequence[Snapshot], after: Sequence[Snapshot]) -> Shown:
    """The snapshots of a system for ``--diff``."""
    return _diff(f"snapshots of virtual system {system}", _snapshots_side(before), _snapshots_side(after))


def _diff(header: str, before: Shown, after: Shown) -> Shown:
    return {"before_header": header, "before": before, "after_header": header, "after": after}


def _system_state(system: VirtualSystem | None, secrets: Mapping[str, Sequence[str]]) -> Shown:
    if system is None:
        return {}
    resources = []
    for rasd in system.defined.resources:
        found = _sparse(rasd)
        for name in secrets.get(rasd.label, ()):
            found.setdefault("settings", {})[name] = CHANGED
        resources.append(found)
    state: Shown = {
        "name": system.name,
        "state": str(system.state),
        "settings": {
            name: plain(shown(SYSTEM_SETTINGS.get(name), value))
            for name, value in system.defined.settings.items()
            if value is not None
        },
        "resources": resources,
    }
    waiting = pending(system)
    if waiting:
        state["pending"] = waiting
    return state


def _changed_secrets(plan: Iterable[plans.Change]) -> Iterable[tuple[str, list[str]]]:
    """The secrets that become other ones: label of the resource after the plan, and names of the settings."""
    for found in plan:
        if isinstance(found, plans.ModifyResourceSettings):
            values = {name: after for name, (_before, after) in {**found.live_differences, **found.differences}.items()}
            rows = found.before.row.settings
            names = [name[len("settings.") :] for name in values if name.startswith("settings.")]
            names = [name for name in names if name in rows and rows[name].kind is Kind.SECRET]
            if names:
                yield rasds.with_values(found.before, values).label, names


def _pool_side(pool: ResourcePool | None) -> Shown:
    if pool is None:
        return {}
    values = {name: value["after"] for name, value in _of_pool(pool, _appearing(_pool_values(pool))).items()}
    return {"pool_id": pool.pool_id, "state": pool_state(pool), **values}


def _snapshots_side(found: Sequence[Snapshot]) -> Shown:
    return {
        "snapshots": [
            {
                "name": item.name,
                "snapshot_type": plain(item.snapshot_type),
                "description": item.description,
                "parent": item.parent,
                "is_current": item.is_current,
            }
            for item in found
        ]
    }
