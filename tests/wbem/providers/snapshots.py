# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: configurations of their own, in a tree (DSP1042)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.model.states import ENABLED_STATE_NUMBERS, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from tests.wbem.providers import properties, systems
from tests.wbem.world import Reading, Section

Owned = tuple[VirtualSystem, Snapshot]


def snapshot_id(system: VirtualSystem, name: str) -> str:
    """InstanceID of a snapshot."""
    return f"{systems.configuration_id(system)}/snapshot/{quote(name)}"


def path(reading: Reading, system: VirtualSystem, name: str) -> Any:
    """The path of a snapshot."""
    return systems.settings_path(reading, snapshot_id(system, name))


def find(reading: Reading, instance_id: str | None) -> Owned | None:
    """The snapshot with that InstanceID and its system, or None."""
    for system in reading.systems:
        if instance_id is not None and instance_id.startswith(systems.configuration_id(system) + "/snapshot/"):
            for snapshot in reading.snapshots(system):
                if snapshot_id(system, snapshot.name) == instance_id:
                    return system, snapshot
    return None


def _everywhere(reading: Reading) -> Iterator[Owned]:
    for system in reading.systems:
        for snapshot in reading.snapshots(system):
            yield system, snapshot


def instance(reading: Reading, system: VirtualSystem, snapshot: Snapshot) -> Any:
    """The instance of a snapshot."""
    created = None
    if snapshot.created is not None:
        created = pywbem.CIMDateTime(datetime.fromtimestamp(snapshot.created, UTC))
    found = properties.vssd_properties(system.name, system.uuid, {"description": snapshot.description})
    state = snapshot.virtual_system_state
    found.update(
        ElementName=snapshot.name,
        CreationTime=created,
        SnapshotType=None if snapshot.snapshot_type is None else int(snapshot.snapshot_type),
        VirtualSystemState=None if state is None else ENABLED_STATE_NUMBERS[state],
        Storage=snapshot.storage,
    )
    return reading.make("VirtualSystemSettingData", InstanceID=snapshot_id(system, snapshot.name), **found)


def _snapshots(reading: Reading) -> Iterator[Any]:
    for system, snapshot in _everywhere(reading):
        yield instance(reading, system, snapshot)


def _of_systems(reading: Reading) -> Iterator[Any]:
    for system, snapshot in _everywhere(reading):
        yield reading.link(
            "SnapshotOfVirtualSystem",
            Antecedent=systems.computer_system(reading, system),
            Dependent=path(reading, system, snapshot.name),
        )


def _most_current(reading: Reading) -> Iterator[Any]:
    for system, snapshot in _everywhere(reading):
        if snapshot.is_current:
            yield reading.link(
                "MostCurrentSnapshotInBranch",
                Antecedent=systems.computer_system(reading, system),
                Dependent=path(reading, system, snapshot.name),
            )


def _last_applied(reading: Reading) -> Iterator[Any]:
    for system, snapshot in _everywhere(reading):
        if reading.world.last_applied.get(systems.key(system)) == snapshot.name:
            yield reading.link(
                "LastAppliedSnapshot",
                Antecedent=path(reading, system, snapshot.name),
                Dependent=systems.computer_system(reading, system),
            )


def _tree(reading: Reading) -> Iterator[Any]:
    for system, snapshot in _everywhere(reading):
        if snapshot.parent is not None:
            yield reading.link(
                "Dependency",
                Antecedent=path(reading, system, snapshot.parent),
                Dependent=path(reading, system, snapshot.name),
            )


def enabled_types(reading: Reading, system: VirtualSystem) -> list[int]:
    """The types of snapshots that can be taken of a system now."""
    offered = {int(kind) for kind in reading.capabilities.snapshot_types}
    return sorted(offered if system.state is not SystemState.DEFINED else offered - {2}) or sorted(offered)


def capabilities(reading: Reading, system: VirtualSystem) -> Any:
    """What snapshots can be taken of a system."""
    return reading.make(
        "VirtualSystemSnapshotCapabilities",
        InstanceID=f"{systems.configuration_id(system)}/snapshots",
        ElementName="Snapshots",
        SnapshotTypesEnabled=enabled_types(reading, system),
        GuestOSNotificationEnabled=False,
    )


def _capabilities(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield capabilities(reading, system)


def _having(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield reading.link(
            "ElementCapabilities",
            ManagedElement=systems.computer_system(reading, system),
            Capabilities=capabilities(reading, system),
        )


SECTIONS = (
    Section(("VirtualSystemSettingData",), _snapshots),
    Section(("SnapshotOfVirtualSystem",), _of_systems),
    Section(("MostCurrentSnapshotInBranch",), _most_current),
    Section(("LastAppliedSnapshot",), _last_applied),
    Section(("Dependency",), _tree),
    Section(("VirtualSystemSnapshotCapabilities",), _capabilities),
    Section(("ElementCapabilities",), _having),
)
