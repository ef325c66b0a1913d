# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change so that the snapshots of a virtual system are as declared (DSP1042)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    InTheWay,
    InvalidInput,
    NotFound,
    NotSupported,
    Refused,
    allowed_words,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import (
    SNAPSHOT_STATES,
    Snapshot,
    SnapshotType,
    by_name,
    dependents_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import (
    ApplySnapshot,
    Change,
    CreateSnapshot,
    DestroySnapshot,
    Plan,
    SystemRef,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.checks import check_method
from ansible_collections.svpc.virt.plugins.module_utils.plan.names import check_new_name


@frozen
class DesiredSnapshot:
    """What a user declares about one snapshot."""

    name: str
    state: str = "present"
    snapshot_type: SnapshotType | None = None
    description: str | None = None
    quiesce: bool = False
    with_dependents: bool = False


def plan_snapshot(
    desired: DesiredSnapshot, system: VirtualSystem, snapshots: Sequence[Snapshot], capabilities: Capabilities
) -> Plan:
    """The changes that make a snapshot as declared; empty when it already is.

    Applying a snapshot is a change every time: the system has run since; whether it is there, :func:`unmet_snapshots`
    tells.  Raises, before anything is touched, when a snapshot of that name is of another type, when dependents would
    go unasked, and when the host cannot.
    """
    if desired.state not in SNAPSHOT_STATES:
        raise allowed_words("state", desired.state, SNAPSHOT_STATES)
    ref = SystemRef(system.name, system.uuid)
    existing = by_name(snapshots).get(desired.name)
    plan: list[Change]
    if desired.state == "present":
        plan = _plan_present(desired, ref, system, existing, capabilities)
    elif desired.state == "applied":
        current = next((snapshot.name for snapshot in snapshots if snapshot.is_current), None)
        plan = [ApplySnapshot(ref, desired.name, previous_current=current)]
    elif existing is None:
        plan = []
    else:
        dependents = dependents_of(snapshots, desired.name)
        if dependents and not desired.with_dependents and existing.storage == "external":
            raise Refused(
                f"Snapshot {desired.name!r} of virtual system {system.name!r} has dependents in files of their own: "
                f"{', '.join(dependents)}. Set with_dependents: true to destroy them too",
                switch="with_dependents",
                dependents=list(dependents),
            )
        plan = [DestroySnapshot(ref, desired.name, dependents if desired.with_dependents else ())]
    for change in plan:
        check_method(change.operation, capabilities)
    return tuple(plan)


def unmet_snapshots(plan: Plan, system: VirtualSystem, snapshots: Sequence[Snapshot]) -> Iterator[NotFound]:
    """The snapshots that a plan applies and that are not there."""
    names = sorted(snapshot.name for snapshot in snapshots)
    for change in plan:
        if isinstance(change, ApplySnapshot) and change.name not in names:
            yield NotFound(
                f"Virtual system {system.name!r} has no snapshot {change.name!r}; it has {', '.join(names) or 'none'}",
                allowed=names,
            )


def _plan_present(
    desired: DesiredSnapshot,
    ref: SystemRef,
    system: VirtualSystem,
    existing: Snapshot | None,
    capabilities: Capabilities,
) -> list[Change]:
    wanted = desired.snapshot_type
    if existing is not None:
        if wanted is not None and existing.snapshot_type not in (None, wanted):
            raise Conflict(
                f"Snapshot {desired.name!r} of virtual system {system.name!r} exists and is of type "
                f"{existing.snapshot_type.word if existing.snapshot_type else 'unknown'}, not {wanted.word}: "
                "a snapshot cannot be changed; destroy it first or choose another name"
            )
        return []
    check_new_name("name", desired.name, "snapshot")
    chosen = wanted or SnapshotType.FULL
    if desired.quiesce and chosen is SnapshotType.FULL and (wanted or system.state is SystemState.ACTIVE):
        raise InvalidInput(
            f"Snapshot {desired.name!r}: quiesce is for snapshots of type disk; a full one holds the guest's memory"
        )
    check_method(CreateSnapshot.operation, capabilities)
    offered = sorted(kind.word for kind in capabilities.snapshot_types)
    if chosen not in capabilities.snapshot_types:
        raise NotSupported(
            f"The host takes no snapshots of type {chosen.word}; allowed are {', '.join(offered) or 'none'}",
            allowed=offered,
        )
    plan: list[Change] = [CreateSnapshot(ref, desired.name, chosen, desired.description, desired.quiesce)]
    if desired.quiesce and system.state is not SystemState.ACTIVE:
        raise InTheWay(
            f"Virtual system {system.name!r} is {system.state}: only an active one can quiesce its file systems",
            tuple(plan),
        )
    return plan
