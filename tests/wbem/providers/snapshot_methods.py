# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualSystemSnapshotService: its methods as changes of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from tests.wbem import invoke
from tests.wbem.invoke import Invocation, Method
from tests.wbem.providers import management, properties, snapshots, systems


def _create(invocation: Invocation) -> Mapping[str, Any]:
    """SnapshotSettings may name the snapshot (ElementName) and describe it (Notes)."""
    system = management.system_of(invocation.reading, invocation.need("AffectedSystem"))
    number = int(invocation.need("SnapshotType"))
    if number not in {int(kind) for kind in invocation.reading.capabilities.snapshot_types}:
        raise invoke.Refusal(6, f"Snapshots of type {number} are not supported")
    wanted = invocation.get("SnapshotSettings")
    name = wanted.get("ElementName") if wanted is not None else None
    taken = set(system.snapshots)
    if name is None:
        name = next(f"snapshot-{count}" for count in range(1, len(taken) + 2) if f"snapshot-{count}" not in taken)
    if name in taken:
        raise errors.InvalidInput(f"Snapshot {name!r} exists")
    notes = wanted.get("Notes") if wanted is not None else None
    extra = properties.unpacked(wanted, {}) if wanted is not None else {}
    change = changes.CreateSnapshot(
        management.ref(system),
        name,
        SnapshotType(number),
        description="\n".join(notes) if notes else None,
        quiesce=bool(extra.get("quiesce")),
    )
    invocation.carry_out(change)
    return {"ResultingSnapshot": snapshots.path(invocation.reading, system, name)}


def _found(invocation: Invocation, parameter: str) -> snapshots.Owned:
    instance_id = invocation.need(parameter).keybindings.get("InstanceID")
    found = snapshots.find(invocation.reading, instance_id)
    if found is None:
        raise errors.NotFound(f"There is no snapshot {instance_id!r}")
    return found


def _destroy(invocation: Invocation) -> Mapping[str, Any]:
    """Destroy one snapshot; those that depend on it stay."""
    system, snapshot = _found(invocation, "AffectedSnapshot")
    invocation.carry_out(changes.DestroySnapshot(management.ref(system), snapshot.name))
    return {}


def _apply(invocation: Invocation) -> Mapping[str, Any]:
    system, snapshot = _found(invocation, "Snapshot")
    current = next((other.name for other in invocation.reading.snapshots(system) if other.is_current), None)
    invocation.carry_out(changes.ApplySnapshot(management.ref(system), snapshot.name, current))
    invocation.world.last_applied[systems.key(system)] = snapshot.name
    return {}


METHODS = {
    "VirtualSystemSnapshotService.CreateSnapshot": Method(_create, invoke.SNAPSHOT, creates="ResultingSnapshot"),
    "VirtualSystemSnapshotService.DestroySnapshot": Method(_destroy, invoke.SNAPSHOT),
    "VirtualSystemSnapshotService.ApplySnapshot": Method(_apply, invoke.SNAPSHOT),
}
