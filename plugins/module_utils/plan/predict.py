# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state after a plan: what check mode and diff show, and what the in-memory platform does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import counterpart
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import changed_values


def predict_system(current: VirtualSystem | None, plan: Iterable[changes.Change]) -> VirtualSystem | None:
    """The system after ``plan``; None when it does not exist then."""
    system = current
    for change in plan:
        system = _system_after(system, change)
    return system


def _system_after(system: VirtualSystem | None, change: changes.Change) -> VirtualSystem | None:
    if isinstance(change, changes.DefineSystem):
        return VirtualSystem(
            name=change.system.name,
            uuid=change.system.uuid,
            state=SystemState.DEFINED,
            defined=change.configuration,
        )
    if isinstance(change, changes.DestroySystem) or system is None:
        return None
    if isinstance(change, changes.RequestStateChange):
        return _in_state(system, SystemState(change.after))
    if isinstance(change, changes.AddResourceSettings):
        if change.in_definition:
            system = replace(system, defined=_added(system.defined, change.resource))
        if change.live and system.running is not None:
            system = replace(system, running=_added(system.running, change.resource))
        return system
    if isinstance(change, changes.ModifyResourceSettings):
        if change.differences:
            system = replace(system, defined=_modified(system.defined, change.before, change.differences))
        if change.live_differences and system.running is not None and change.running_before is not None:
            system = replace(system, running=_modified(system.running, change.running_before, change.live_differences))
        return system
    if isinstance(change, changes.RemoveResourceSettings):
        if change.in_definition:
            system = replace(system, defined=_removed(system.defined, change.resource))
        if change.running_resource is not None and system.running is not None:
            system = replace(system, running=_removed(system.running, change.running_resource))
        return system
    if isinstance(change, changes.ModifySystemSettings):
        after = changed_values(change.differences)
        system = replace(system, defined=replace(system.defined, settings={**system.defined.settings, **after}))
        if change.live and system.running is not None:
            system = replace(system, running=replace(system.running, settings={**system.running.settings, **after}))
        return system
    return system


def _in_state(system: VirtualSystem, state: SystemState) -> VirtualSystem | None:
    if state is SystemState.DEFINED:
        if not system.persistent:
            return None
        return replace(system, state=state, running=None)
    return replace(system, state=state, running=system.running or system.defined)


def _added(configuration: Configuration, rasd: Rasd) -> Configuration:
    return replace(configuration, resources=(*configuration.resources, rasd))


def _modified(configuration: Configuration, before: Rasd, found: Any) -> Configuration:
    target = _find(configuration.resources, before)
    return replace(
        configuration,
        resources=tuple(
            _following(rasd, with_values(rasd, changed_values(found)), found) if rasd is target else rasd
            for rasd in configuration.resources
        ),
    )


def _following(before: Rasd, after: Rasd, found: Any) -> Rasd:
    """A changed resource without the values that followed from what was changed: the host finds out the new ones."""
    if "host_resource" in found and before.row.host_resource_identifies:
        places = after.host_resource or ()
        by_name = bool(places) and all("/" not in place for place in places)
        # The name of a volume is one of the pool that it was in; a path may lead into any.
        names = {"virtual_quantity"} if by_name else {"virtual_quantity", "pool_id"}
    elif "connection" in found and before.pool_id and before.pool_id in (before.connection or ()):
        names = {"pool_id"}
    else:
        return after
    return with_values(after, dict.fromkeys(names - set(found)))


def _removed(configuration: Configuration, before: Rasd) -> Configuration:
    target = _find(configuration.resources, before)
    return replace(configuration, resources=tuple(rasd for rasd in configuration.resources if rasd is not target))


def _find(resources: Sequence[Rasd], wanted: Rasd) -> Rasd | None:
    for rasd in resources:
        if rasd == wanted and rasd.instance_id == wanted.instance_id:
            return rasd
    return counterpart(wanted, resources)


def predict_pool(current: ResourcePool | None, plan: Iterable[changes.Change]) -> ResourcePool | None:
    """The pool after ``plan``; None when it does not exist then."""
    pool = current
    for change in plan:
        if isinstance(change, changes.CreateResourcePool):
            pool = replace(
                change.pool, active=bool(change.pool.active), automatic_startup=bool(change.pool.automatic_startup)
            )
        elif isinstance(change, changes.DeleteResourcePool) or pool is None:
            pool = None
        elif isinstance(change, changes.RequestPoolStateChange):
            pool = replace(pool, active=change.active)
        elif isinstance(change, changes.ModifyPoolSettings):
            after = changed_values(change.differences)
            settings = dict(pool.settings)
            fields: dict[str, Any] = {}
            for name, value in after.items():
                if name.startswith("settings."):
                    settings[name[len("settings.") :]] = value
                else:
                    fields[name] = value
            pool = replace(pool, settings=settings, **fields)
    return pool


def predict_snapshots(current: Sequence[Snapshot], plan: Iterable[changes.Change]) -> list[Snapshot]:
    """The snapshots of a system after ``plan``, parents before children."""
    found = list(current)
    for change in plan:
        if isinstance(change, changes.CreateSnapshot):
            parent = next((snapshot.name for snapshot in found if snapshot.is_current), None)
            found = [replace(snapshot, is_current=False) for snapshot in found]
            found.append(
                Snapshot(
                    name=change.name,
                    snapshot_type=change.snapshot_type,
                    description=change.description,
                    parent=parent,
                    is_current=True,
                )
            )
        elif isinstance(change, changes.ApplySnapshot):
            found = [replace(snapshot, is_current=snapshot.name == change.name) for snapshot in found]
        elif isinstance(change, changes.DestroySnapshot):
            found = _without(found, change)
    return found


def _without(snapshots: Sequence[Snapshot], change: changes.DestroySnapshot) -> list[Snapshot]:
    gone = {change.name, *change.dependents}
    target = next((snapshot for snapshot in snapshots if snapshot.name == change.name), None)
    heir = target.parent if target else None
    current_goes = any(snapshot.is_current for snapshot in snapshots if snapshot.name in gone)
    kept = []
    for snapshot in snapshots:
        if snapshot.name in gone:
            continue
        if snapshot.parent == change.name:
            snapshot = replace(snapshot, parent=heir)
        if current_goes and snapshot.name == heir:
            snapshot = replace(snapshot, is_current=True)
        kept.append(snapshot)
    return kept
