# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a virtual system: VSSDs linked by SnapshotOfVirtualSystem and Dependency (DSP1042)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState

SNAPSHOT_STATES = ("present", "absent", "applied")
"""The states that can be declared."""


class SnapshotType(enum.IntEnum):
    """CIM_VirtualSystemSnapshotService.CreateSnapshot(SnapshotType)."""

    FULL = 2
    """With the memory of a running system."""
    DISK = 3
    """The disks alone."""

    @property
    def word(self) -> str:
        """The snake_case name used in options and results."""
        return self.name.lower()


@frozen
class Snapshot:
    """One snapshot as the host shows it."""

    name: str
    snapshot_type: SnapshotType | None = None
    description: str | None = None
    created: int | None = None
    """Seconds since 1970, UTC."""
    parent: str | None = None
    is_current: bool = False
    """The one a new snapshot would depend on (MostCurrentSnapshotInBranch)."""
    virtual_system_state: SystemState | None = None
    """The state the system was in, and returns to when the snapshot is applied."""
    storage: str = "internal"
    """``internal``: inside the disks' images; ``external``: in files of its own."""
    instance_id: str | None = field(default=None, compare=False)


def children_of(snapshots: Iterable[Snapshot], name: str) -> tuple[str, ...]:
    """Names of the snapshots that depend directly on ``name``."""
    return tuple(sorted(snapshot.name for snapshot in snapshots if snapshot.parent == name))


def dependents_of(snapshots: Iterable[Snapshot], name: str) -> tuple[str, ...]:
    """Names of all snapshots that depend on ``name``, directly or through others, nearest first."""
    everything = tuple(snapshots)
    found: tuple[str, ...] = ()
    layer: tuple[str, ...] = (name,)
    while layer:
        layer = tuple(child for parent in layer for child in children_of(everything, parent) if child not in found)
        found += layer
    return found


def by_name(snapshots: Iterable[Snapshot]) -> Mapping[str, Snapshot]:
    """The snapshots of one system, by name."""
    return {snapshot.name: snapshot for snapshot in snapshots}
