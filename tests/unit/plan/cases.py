# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the cases of ``cases/*.yml`` into the model, and shows plans in the words of the cases.

Resources are written as users write them.  What a host shows is written in the same way; an ``id`` gives a resource
another handle than the one its name, address, place or storage gives it.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import yaml

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
    Capabilities,
    Live,
    PoolCapabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, shown_value, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, pool_setting_rows
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.values import parse_settings, shown
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    SYSTEM_SETTINGS,
    Configuration,
    StorageElement,
    VirtualSystem,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import pending_of
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import DesiredPool, declared_values
from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import DesiredSnapshot
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import fake_capabilities
from ansible_collections.svpc.virt.plugins.module_utils.task import desired

FOLDER = pathlib.Path(__file__).parent / "cases"
UUID = "6a1f3c1e-0000-4000-8000-000000000001"
_SIZE = re.compile(r"\d+ [KMGT]iB")


def load(*files: str) -> list[dict[str, Any]]:
    """The cases of the files, all when none is named; each knows its file."""
    found = []
    for path in sorted(FOLDER.glob("*.yml")):
        if not files or path.stem in files:
            for case in yaml.safe_load(path.read_text(encoding="utf-8")):
                found.append({"file": path.stem, **case})
    return found


def rasd(entry: Mapping[str, Any]) -> Rasd:
    """A resource from a user's words, with what only a host says of it."""
    given = dict(entry)
    handle, implied = given.pop("id", None), given.pop("implied", False)
    return replace(desired.desired_resource(given, "resource"), instance_id=handle, implied=implied)


def _with_handles(entries: Iterable[Mapping[str, Any]]) -> tuple[Rasd, ...]:
    found: list[Rasd] = []
    for entry in entries:
        one = rasd(entry)
        identity = one.instance_id or one.name or one.address or one.address_on_parent
        handle = str(identity or ",".join(one.host_resource or ()) or one.label)
        while any(other.instance_id == handle for other in found):
            handle += "'"
        found.append(replace(one, instance_id=handle))
    return tuple(found)


def system(entry: Mapping[str, Any] | None) -> VirtualSystem | None:
    """A virtual system as a host shows it.  What is running is the definition where nothing else is said."""
    if entry is None:
        return None
    given = dict(entry)
    state = SystemState(given.pop("state", "defined"))
    settings = parse_settings(given.pop("settings", {}), SYSTEM_SETTINGS, "settings")
    defined = Configuration(settings, _with_handles(given.pop("resources", ())))
    other = given.pop("running", None)
    running = None if state is SystemState.DEFINED else defined
    if other is not None:
        running = Configuration(
            {**settings, **parse_settings(other.get("settings", {}), SYSTEM_SETTINGS, "settings")},
            _with_handles(other["resources"]) if "resources" in other else defined.resources,
        )
    for name in ("snapshots", "belongings"):
        given[name] = tuple(given.get(name, ()))
    return VirtualSystem(
        name=given.pop("name", "web"),
        uuid=given.pop("uuid", UUID),
        state=state,
        defined=defined,
        running=running,
        **given,
    )


def desired_system(entry: Mapping[str, Any]) -> DesiredSystem:
    """What a user declares about a system."""
    given = {"name": "web", "resources": [], **entry}
    absent = tuple(rasd(one) for one in given.pop("absent_resources", ()))
    return replace(desired.desired_system(given), absent_resources=absent)


def storage(entries: Iterable[Mapping[str, Any]]) -> list[StorageElement]:
    """Storage behind the disks of a system."""
    return [StorageElement(**entry) for entry in entries]


def pool(entry: Mapping[str, Any] | None) -> ResourcePool | None:
    """A pool, declared or as a host shows it."""
    if entry is None:
        return None
    given = dict(entry)
    resource_type = ResourceType.from_word(given.pop("type", "disk_drive"))
    given["settings"] = parse_settings(given.get("settings", {}), pool_setting_rows(resource_type), "settings")
    for name in ("host_resource", "children"):
        if given.get(name) is not None:
            given[name] = tuple(given[name])
    return ResourcePool(pool_id=given.pop("pool_id", "images"), resource_type=resource_type, **given)


def desired_pool(entry: Mapping[str, Any]) -> DesiredPool:
    """What a user declares about a pool."""
    given = dict(entry)
    return desired.desired_pool({"pool_id": "images", "resource_type": given.pop("type", "disk_drive"), **given})


def snapshot(entry: Mapping[str, Any]) -> Snapshot:
    """A snapshot as a host shows it."""
    given = dict(entry)
    if given.get("snapshot_type"):
        given["snapshot_type"] = SnapshotType[given["snapshot_type"].upper()]
    return Snapshot(**given)


def desired_snapshot(entry: Mapping[str, Any]) -> DesiredSnapshot:
    """What a user declares about a snapshot."""
    return desired.desired_snapshot(entry)


def capabilities(entry: Mapping[str, Any] | None) -> Capabilities:
    """The capabilities of the host in memory, with differences: maps are completed, everything else is replaced.

    ``allocation`` names resource types (null: none can be allocated), ``pools`` names kinds as ``TYPE/KIND``, and
    ``no_methods`` takes methods away.
    """
    given = dict(entry or {})
    found = fake_capabilities()
    found = replace(found, methods=found.methods - set(given.pop("no_methods", ())))
    allocation = dict(found.allocation)
    for word, changed in given.pop("allocation", {}).items():
        resource_type = ResourceType.from_word(word)
        if changed is None:
            del allocation[resource_type]
        else:
            allocation[resource_type] = _changed(allocation[resource_type], changed)
    pools = dict(found.pools)
    for word, changed in given.pop("pools", {}).items():
        resource_type, kind = ResourceType.from_word(word.split("/")[0]), word.split("/")[1]
        pools[resource_type, kind] = _changed(
            pools.get((resource_type, kind), PoolCapabilities(resource_type, kind)), changed
        )
    result: Capabilities = _changed(replace(found, allocation=allocation, pools=pools), given)
    return result


def _changed(record: Any, changed: Mapping[str, Any]) -> Any:
    made: dict[str, Any] = {}
    for name, value in changed.items():
        before = getattr(record, name)
        if name == "live_modify":
            value = {key: Live[word.upper()] for key, word in value.items()}
        if name == "snapshot_types":
            value = [SnapshotType[word.upper()] for word in value]
        if isinstance(before, Mapping):
            value = {
                **before,
                **{key: tuple(one) if isinstance(one, list) else number(one) for key, one in value.items()},
            }
        elif isinstance(before, frozenset) and value is not None:
            value = frozenset(value)
        elif isinstance(value, list):
            value = tuple(tuple(one) if isinstance(one, list) else one for one in value)
        made[name] = value
    assert {field.name for field in fields(record)} >= set(made)
    return replace(record, **made)


def number(value: Any) -> Any:
    """Bytes where a case writes ``2 GiB``."""
    if isinstance(value, str) and _SIZE.fullmatch(value):
        return units.parse_quantity(value, units.BYTE)
    if isinstance(value, list):
        return [number(item) for item in value]
    if isinstance(value, dict):
        return {key: number(item) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class Outcome:
    """What planning led to: a plan, or a failure."""

    plan: changes.Plan = ()
    error: VirtError | None = None


def show(change: changes.Change) -> dict[str, Any]:
    """A change in the words of the cases: operation, target, and what is said of it.

    ``properties`` are [before, after] in the definition (or of a setting, or of a pool), ``running`` those in the
    running system; what is added or made has values instead.
    """
    found: dict[str, Any] = {"operation": change.operation}
    if isinstance(change, changes.DefineSystem):
        found["target"] = change.system.name
        found["settings"] = {
            name: shown(SYSTEM_SETTINGS[name], value) for name, value in change.configuration.settings.items()
        }
        found["resources"] = [_entry(one) for one in change.configuration.resources]
    elif isinstance(change, changes.DestroySystem):
        found["target"] = change.system.name
        found.update(
            {name: list(getattr(change, name)) for name in ("snapshots", "belongings") if getattr(change, name)}
        )
    elif isinstance(change, changes.AddResourceSettings):
        found["target"] = change.resource.label
        found["resource"] = _entry(change.resource)
        found["live"] = change.live
        if not change.in_definition:
            found["in_definition"] = False
    elif isinstance(change, changes.ModifyResourceSettings):
        found["target"] = change.before.label
        for key, part in (("properties", change.differences), ("running", change.live_differences)):
            if part:
                found[key] = {
                    name: [shown_value(change.before, name, value) for value in pair] for name, pair in part.items()
                }
        found["live"] = change.live
    elif isinstance(change, changes.RemoveResourceSettings):
        found["target"] = change.resource.label
        found["live"] = change.live
        if not change.in_definition:
            found["in_definition"] = False
    elif isinstance(change, changes.ModifySystemSettings):
        found["target"] = change.system.name
        found["properties"] = {
            name: [shown(SYSTEM_SETTINGS[name], value) for value in pair] for name, pair in change.differences.items()
        }
        found["live"] = change.live
    elif isinstance(change, changes.RequestStateChange):
        found["target"] = change.system.name
        found["request"] = change.requested_state.word
        found["state"] = [change.before, change.after]
        if change.force:
            found["force"] = True
    elif isinstance(change, changes.ReturnToStoragePool):
        found["target"] = change.element.host_resource
    elif isinstance(change, changes.CreateSnapshot):
        found.update(target=change.name, snapshot_type=change.snapshot_type.word)
        if change.quiesce:
            found["quiesce"] = True
    elif isinstance(change, changes.ApplySnapshot):
        found.update(target=change.name, previous_current=change.previous_current)
    elif isinstance(change, changes.DestroySnapshot):
        found["target"] = change.name
        if change.dependents:
            found["dependents"] = list(change.dependents)
    else:
        found["target"] = change.pool.pool_id
        if isinstance(change, changes.CreateResourcePool):
            found["pool"] = {name: _plain(value) for name, value in declared_values(change.pool).items()}
        elif isinstance(change, changes.ModifyPoolSettings):
            found["properties"] = {name: [_plain(value) for value in pair] for name, pair in change.differences.items()}
            found["live"] = change.live
        elif isinstance(change, changes.RequestPoolStateChange):
            found["active"] = change.active
    return found


def _entry(one: Rasd) -> dict[str, Any]:
    return {"type": one.resource_type.word} | {
        name: shown_value(one, name, value) for name, value in values(one).items()
    }


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def show_pending(system: VirtualSystem) -> list[dict[str, Any]]:
    """What waits for the next activation of a system, in the words of the cases."""
    return [
        {"target": item.target, "properties": {name: list(pair) for name, pair in item.properties.items()}}
        for item in pending_of(system)
    ]
