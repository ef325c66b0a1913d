# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model as results: the names, units and shape that the modules accept.

A result can be given back as input and changes nothing.  Secrets are left out of it.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.svpc.virt.plugins.module_utils.model import rasd as rasds
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, children_of
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    SYSTEM_SETTINGS,
    Configuration,
    VirtualSystem,
)

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
