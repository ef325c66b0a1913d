# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module snapshot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType, by_name
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Plan, SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_snapshots
from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import (
    DesiredSnapshot,
    plan_snapshot,
    unmet_snapshots,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.task import diffs, results, shown_changes
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import desired_snapshot
from ansible_collections.svpc.virt.plugins.module_utils.task.run import Goal, execute
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import capabilities_for, existing_system


def manage(task: Task) -> dict[str, Any]:
    """Bring a snapshot to what is declared."""
    desired = desired_snapshot(task.params)
    name = str(task.params.get("virtual_system"))
    with task.platform() as platform:
        assumed = SystemState.ACTIVE if desired.quiesce else SystemState.DEFINED
        system, is_there = existing_system(task, platform, name, where="virtual_system", assumed=assumed)
        capabilities = capabilities_for(platform, {}, system)
        ref = SystemRef(system.name, system.uuid)
        before = platform.snapshots(ref) if is_there else []

        def plan(snapshots: list[Snapshot]) -> Plan:
            return plan_snapshot(desired, system, snapshots, capabilities)

        def predict(snapshots: list[Snapshot], todo: Plan) -> list[Snapshot]:
            return [_with_state(snapshot, system) for snapshot in predict_snapshots(snapshots, todo)]

        def settled(snapshots: list[Snapshot]) -> bool:
            return _is_applied(desired, snapshots)

        def unmet(todo: Plan) -> Iterator[VirtError]:
            return unmet_snapshots(todo, system, before)

        goal = Goal(task, plan, predict, lambda: platform.snapshots(ref), settled, unmet, follows=not is_there)
        with _telling_what_became_of(platform, system):
            outcome = execute(platform, goal, before)
        _tell_what_stays(task, desired, by_name(outcome.before).get(desired.name))
        found = by_name(outcome.after).get(desired.name)
        if found is not None and found.snapshot_type is None:  # of a system that was off: it is of either type
            found = replace(found, snapshot_type=desired.snapshot_type or SnapshotType.FULL)
        result = {
            "changed": outcome.changed,
            "changes": shown_changes.changes(outcome.plan),
            "snapshot": results.snapshot(found, outcome.after),
        }
        if task.diff:
            result["diff"] = diffs.snapshots_diff(system.name, outcome.before, outcome.predicted)
        return result


@contextlib.contextmanager
def _telling_what_became_of(platform: Platform, system: VirtualSystem) -> Iterator[None]:
    """A with block whose failure tells it when the system is in another state: a host may stop it and then not go on."""
    try:
        yield
    except VirtError as error:
        now = None
        with contextlib.suppress(VirtError):
            now = platform.virtual_system(system.name, system.uuid)
        if now is None or now.state is system.state:
            raise
        words = f"{error.message}; the virtual system was {system.state} and is {now.state} now"
        failed = {**error.details.get("failed_change", {}), "changed": True}
        raise type(error)(words, **{**error.details, "failed_change": failed}) from error


def _tell_what_stays(task: Task, desired: DesiredSnapshot, existing: Snapshot | None) -> None:
    """Warn of a declared description that a snapshot which is there already does not have, for it cannot be changed."""
    if existing is None or desired.state != "present" or desired.description in (None, existing.description):
        return
    task.warn(
        f"description of snapshot {desired.name!r} is {existing.description!r}, not {desired.description!r}: it stays, "
        "for a snapshot cannot be changed; destroy it first or choose another name"
    )


def _is_applied(desired: DesiredSnapshot, snapshots: Sequence[Snapshot]) -> bool:
    """Whether a snapshot that was to be applied is the one the system now stands on."""
    found = by_name(snapshots).get(desired.name)
    return desired.state == "applied" and found is not None and found.is_current


def _with_state(snapshot: Snapshot, system: VirtualSystem) -> Snapshot:
    """A predicted snapshot with what is known of it before it is taken."""
    if snapshot.created is None and snapshot.virtual_system_state is None:
        return replace(snapshot, virtual_system_state=system.state)
    return snapshot
