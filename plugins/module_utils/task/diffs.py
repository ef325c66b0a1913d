# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``--diff`` shows: how something looks before and after, without what changes by itself; secrets masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.svpc.virt.plugins.module_utils.model import rasd as rasds
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.model.values import MASK, Kind, shown
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes as plans
from ansible_collections.svpc.virt.plugins.module_utils.task.results import Shown, plain, pool_state
from ansible_collections.svpc.virt.plugins.module_utils.task.shown_changes import (
    appearing,
    of_pool,
    pending,
    pool_values,
    sparse,
)

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
        found = sparse(rasd)
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
    values = {name: value["after"] for name, value in of_pool(pool, appearing(pool_values(pool))).items()}
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
