# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots as the standard has them: a VSSD of their own."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import CreateSnapshot
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rasd_instance import BAG_NAMES, bag
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rows import ClassShape
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import prop, text_of

_TYPES = {int(kind): kind for kind in SnapshotType}
_STATES = {2: SystemState.ACTIVE, 3: SystemState.DEFINED, 6: SystemState.SUSPENDED, 9: SystemState.PAUSED}


def name_of(settings: Any) -> str:
    """The name users give a snapshot."""
    return str(settings.get("ElementName") or needed(settings, "InstanceID"))


def read_snapshot(settings: Any, parent: Any | None, is_current: bool) -> Snapshot:
    """The snapshot that a VSSD describes; ``parent`` is the VSSD of the one it depends on."""
    created, kind, state = (
        settings.get("CreationTime"),
        settings.get("SnapshotType"),
        settings.get("VirtualSystemState"),
    )
    notes = settings.get("Notes")
    moment = None if created is None or created.is_interval else created.datetime
    return Snapshot(
        name=name_of(settings),
        snapshot_type=None if kind is None else _TYPES.get(int(kind)),
        description=None if notes is None else "\n".join(str(note) for note in notes),
        created=None if moment is None else int(moment.timestamp()),
        parent=None if parent is None else name_of(parent),
        is_current=is_current,
        virtual_system_state=None if state is None else _STATES.get(int(state)),
        storage=text_of(settings.get("Storage")) or "internal",
        instance_id=needed(settings, "InstanceID"),
    )


def write_snapshot(change: CreateSnapshot, shape: ClassShape, names_only: bool = False) -> dict[str, Any]:
    """The properties that name and describe a snapshot."""
    found = {"ElementName": prop("ElementName", change.name, "string")}
    if change.description is not None:
        found["Notes"] = prop("Notes", [change.description], "string", array=True)
    if change.quiesce and not names_only:
        if shape.properties is None or not shape.has(BAG_NAMES):
            raise NotSupported(f"Snapshot {change.name!r}: quiesce is not supported by this server")
        found.update(bag({"quiesce": True}))
    return found
