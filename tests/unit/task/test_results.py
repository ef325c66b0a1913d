# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model becomes results that can be given back as input, and that never show a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.values import MASK, Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    SYSTEM_SETTINGS,
    Configuration,
    StorageElement,
    VirtualSystem,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.task import diffs, results, shown_changes
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import (
    desired_pool,
    desired_resource,
    desired_settings,
)

WEB = changes.SystemRef("web")
MIB = 2**20


def example(row: SettingRow) -> Any:
    """A value of a setting, in its inside form."""
    values: dict[Kind, Any] = {
        Kind.TEXT: "text",
        Kind.FLAG: True,
        Kind.NUMBER: max(7, row.least or 7),
        Kind.SIZE: 4 * MIB,
        Kind.RATE: 8_000_000,
        Kind.TEXTS: ("a", "b"),
        Kind.NUMBERS: (1, 2),
        Kind.SECRET: "tell nobody",
    }
    if row.kind is Kind.WORD:
        return row.words[-1]
    if row.kind is Kind.RECORDS:
        return ({name: example(field) for name, field in row.fields.items()},)
    return values[row.kind]


def full(resource_type: ResourceType) -> Rasd:
    """A resource of a type with everything such a resource can have, but secrets."""
    row = RESOURCE_ROWS[resource_type]
    return Rasd(
        resource_type,
        other_resource_type="sound" if resource_type is ResourceType.OTHER else None,
        resource_sub_type="virtio",
        name="mine",
        virtual_quantity=3 * MIB,
        reservation=1000 if row.allocation_unit else None,
        limit=2000 if row.allocation_unit else None,
        weight=7,
        maximum_quantity=4 * MIB,
        pool_id="pool",
        host_resource=("/a,b", "/c"),
        connection=(),
        address="52:54:00:ab:cd:ef",
        address_on_parent="vda",
        parent="scsi_controller 0",
        consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
        mapping_behavior=MappingBehavior.HARD_AFFINITY,
        automatic_allocation=False,
        automatic_deallocation=True,
        settings={name: example(field) for name, field in row.settings.items() if field.kind is not Kind.SECRET},
    )


@pytest.mark.parametrize("resource_type", RESOURCE_ROWS, ids=lambda kind: kind.word)
def test_a_resource_that_is_given_back_is_the_same(resource_type: ResourceType) -> None:
    for rasd in (full(resource_type), Rasd(resource_type)):
        shown = json.loads(json.dumps(results.resource(rasd)))
        assert desired_resource(shown, "resources: entry 1") == rasd


def test_settings_that_are_given_back_are_the_same() -> None:
    settings = {name: example(row) for name, row in SYSTEM_SETTINGS.items()}
    shown = json.loads(json.dumps(results.configuration(Configuration(settings))))
    assert desired_settings(shown["settings"]) == settings
    assert desired_settings(results.configuration(Configuration())["settings"]) == {}


@pytest.mark.parametrize("resource_type", [ResourceType.DISK_DRIVE, ResourceType.ETHERNET_ADAPTER])
def test_a_pool_that_is_given_back_is_the_same(resource_type: ResourceType) -> None:
    pool = ResourcePool(
        "pool", resource_type, "kind", active=True, automatic_startup=True, parent="above", host_resource=("/a",)
    )
    settings = {name: example(row) for name, row in pool.setting_rows.items()}
    if "dhcp_hosts" in settings:
        settings["dhcp_hosts"][0]["mac"] = "52:54:00:ab:cd:ef"
    pool = replace(pool, settings=settings)
    shown = json.loads(json.dumps(results.resource_pool(pool)))
    desired = desired_pool(shown)
    assert desired.state == "active"
    assert desired.pool == replace(pool, active=None)


def console(password: str | None, **others: Any) -> Rasd:
    settings = {"listen_address": "127.0.0.1", **others}
    if password is not None:
        settings["password"] = password
    return Rasd(ResourceType.GRAPHICS_CONTROLLER, resource_sub_type="vnc", settings=settings)


def system(*resources: Rasd, running: Configuration | None = None, **fields: Any) -> VirtualSystem:
    return VirtualSystem("web", "u-u-i-d", defined=Configuration({}, resources), running=running, **fields)


def test_a_secret_is_left_out_of_results_and_masked_in_changes() -> None:
    rasd = console("tell nobody")
    plan = (
        changes.DefineSystem(WEB, Configuration({}, (rasd,))),
        changes.AddResourceSettings(WEB, rasd),
        changes.RemoveResourceSettings(WEB, rasd),
        changes.ModifyResourceSettings(
            WEB,
            rasd,
            {"settings.password": ("tell nobody", "tell nobody else")},
            rasd,
            {"settings.password": ("tell nobody", "tell nobody else")},
        ),
    )
    there = system(rasd, running=Configuration({}, (console("tell nobody else"),)), state=SystemState.ACTIVE)
    shown = [
        results.virtual_system(there, running=True),
        shown_changes.changes(plan),
        shown_changes.pending(there),
        diffs.system_diff(there, system(console("tell nobody else")), plan),
    ]
    assert "tell nobody" not in json.dumps(shown)
    assert "password" not in results.resource(rasd)["settings"]
    assert shown_changes.change(plan[3])["properties"] == {"settings.password": {"before": MASK, "after": MASK}}


def test_a_change_of_nothing_but_a_secret_is_seen_in_the_diff() -> None:
    before, after = system(console("old")), system(console("new"))
    plan = (changes.ModifyResourceSettings(WEB, console("old"), {"settings.password": ("old", "new")}),)
    diff = diffs.system_diff(before, after, plan)
    assert diff["before"]["resources"][0]["settings"] == {"listen_address": "127.0.0.1", "password": MASK}
    assert diff["after"]["resources"][0]["settings"]["password"] == diffs.CHANGED
    assert diff["before_header"] == diff["after_header"] == "virtual system web"


def test_a_diff_shows_a_state_on_each_side_and_nothing_for_what_is_not_there() -> None:
    rasd = Rasd(ResourceType.MEMORY, virtual_quantity=MIB)
    diff = diffs.system_diff(None, system(rasd, state=SystemState.ACTIVE), ())
    assert diff["before"] == {}
    assert diff["after"] == {
        "name": "web",
        "state": "active",
        "settings": {},
        "resources": [{"resource_type": "memory", "virtual_quantity": MIB}],
    }
    assert diffs.system_diff(system(rasd), None, ())["after"] == {}
    pool = ResourcePool(
        "p", ResourceType.DISK_DRIVE, "dir", active=False, host_resource=("/a",), settings={"build": True}
    )
    assert diffs.pool_diff(pool, None)["before"] == {
        "pool_id": "p",
        "state": "inactive",
        "resource_type": "disk_drive",
        "resource_sub_type": "dir",
        "host_resource": ["/a"],
        "settings.build": True,
    }


DISK = Rasd(ResourceType.DISK_DRIVE, name="root", virtual_quantity=MIB, host_resource=("/a",))
POOL = ResourcePool("lab", ResourceType.ETHERNET_ADAPTER, "nat", active=False, settings={"addresses": ("10.0.0.1/24",)})

CHANGES: dict[str, tuple[changes.Change, dict[str, Any]]] = {
    "define": (
        changes.DefineSystem(
            changes.SystemRef("web", "u"), Configuration({"boot_order": ("a",), "tpm": None}, (DISK,))
        ),
        {
            "operation": "define_system",
            "target": "web",
            "properties": {
                "boot_order": {"before": None, "after": ["a"]},
                "uuid": {"before": None, "after": "u"},
                "resources": {
                    "before": None,
                    "after": [
                        {
                            "resource_type": "disk_drive",
                            "name": "root",
                            "virtual_quantity": MIB,
                            "host_resource": ["/a"],
                        }
                    ],
                },
            },
            "live": False,
        },
    ),
    "destroy": (
        changes.DestroySystem(WEB, snapshots=("one",), belongings=("nvram",)),
        {
            "operation": "destroy_system",
            "target": "web",
            "properties": {
                "name": {"before": "web", "after": None},
                "snapshots": {"before": ["one"], "after": []},
                "belongings": {"before": ["nvram"], "after": []},
            },
            "live": False,
        },
    ),
    "add": (
        changes.AddResourceSettings(WEB, DISK, live=True),
        {
            "operation": "add_resource_settings",
            "target": "disk_drive 'root'",
            "properties": {
                "name": {"before": None, "after": "root"},
                "virtual_quantity": {"before": None, "after": MIB},
                "host_resource": {"before": None, "after": ["/a"]},
            },
            "live": True,
        },
    ),
    "modify": (
        changes.ModifyResourceSettings(
            WEB,
            DISK,
            {"virtual_quantity": (1, 2), "mapping_behavior": (None, MappingBehavior.DEDICATED)},
            DISK,
            {"virtual_quantity": (0, 2), "weight": (None, 3)},
        ),
        {
            "operation": "modify_resource_settings",
            "target": "disk_drive 'root'",
            "properties": {
                "virtual_quantity": {"before": 1, "after": 2},
                "weight": {"before": None, "after": 3},
                "mapping_behavior": {"before": None, "after": "dedicated"},
            },
            "live": True,
        },
    ),
    "remove": (
        changes.RemoveResourceSettings(WEB, Rasd(ResourceType.CD_DRIVE, address_on_parent="sda")),
        {
            "operation": "remove_resource_settings",
            "target": "cd_drive sda",
            "properties": {"address_on_parent": {"before": "sda", "after": None}},
            "live": False,
        },
    ),
    "settings": (
        changes.ModifySystemSettings(WEB, {"boot_order": (("a",), ())}, live=False),
        {
            "operation": "modify_system_settings",
            "target": "web",
            "properties": {"boot_order": {"before": ["a"], "after": []}},
            "live": False,
        },
    ),
    "state": (
        changes.RequestStateChange(WEB, RequestedState.SHUT_DOWN, "active", "defined"),
        {
            "operation": "request_state_change",
            "target": "web",
            "properties": {
                "requested_state": {"before": None, "after": "shut_down"},
                "state": {"before": "active", "after": "defined"},
            },
            "live": True,
        },
    ),
    "storage": (
        changes.ReturnToStoragePool(StorageElement("/a", "p", "v", "disk_drive 'root'")),
        {
            "operation": "return_to_storage_pool",
            "target": "/a",
            "properties": {
                "host_resource": {"before": "/a", "after": None},
                "pool_id": {"before": "p", "after": None},
                "resource": {"before": "disk_drive 'root'", "after": None},
            },
            "live": False,
        },
    ),
    "snapshot": (
        changes.CreateSnapshot(WEB, "one", SnapshotType.DISK, quiesce=True),
        {
            "operation": "create_snapshot",
            "target": "one",
            "properties": {
                "snapshot_type": {"before": None, "after": "disk"},
                "quiesce": {"before": None, "after": True},
            },
            "live": False,
        },
    ),
    "apply": (
        changes.ApplySnapshot(WEB, "one", "two"),
        {
            "operation": "apply_snapshot",
            "target": "one",
            "properties": {"current_snapshot": {"before": "two", "after": "one"}},
            "live": False,
        },
    ),
    "destroy snapshot": (
        changes.DestroySnapshot(WEB, "one", ("two",)),
        {
            "operation": "destroy_snapshot",
            "target": "one",
            "properties": {"name": {"before": "one", "after": None}, "dependents": {"before": ["two"], "after": []}},
            "live": False,
        },
    ),
    "pool": (
        changes.CreateResourcePool(POOL),
        {
            "operation": "create_resource_pool",
            "target": "lab",
            "properties": {
                "resource_type": {"before": None, "after": "ethernet_adapter"},
                "resource_sub_type": {"before": None, "after": "nat"},
                "settings.addresses": {"before": None, "after": ["10.0.0.1/24"]},
            },
            "live": False,
        },
    ),
    "pool goes": (
        changes.DeleteResourcePool(POOL),
        {
            "operation": "delete_resource_pool",
            "target": "lab",
            "properties": {
                "resource_type": {"before": "ethernet_adapter", "after": None},
                "resource_sub_type": {"before": "nat", "after": None},
                "settings.addresses": {"before": ["10.0.0.1/24"], "after": None},
            },
            "live": False,
        },
    ),
    "pool settings": (
        changes.ModifyPoolSettings(POOL, {"host_resource": (None, ("eth0",))}, live=True),
        {
            "operation": "modify_pool_settings",
            "target": "lab",
            "properties": {"host_resource": {"before": None, "after": ["eth0"]}},
            "live": True,
        },
    ),
    "pool activity": (
        changes.RequestPoolStateChange(POOL, active=True),
        {
            "operation": "request_pool_state_change",
            "target": "lab",
            "properties": {"state": {"before": "inactive", "after": "active"}},
            "live": True,
        },
    ),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_change_tells_the_method_the_target_and_every_value(change: changes.Change, expected: dict[str, Any]) -> None:
    shown = shown_changes.change(change)
    assert shown == expected
    assert json.loads(json.dumps(shown)) == shown


def test_every_kind_of_change_can_be_shown() -> None:
    assert {type(change) for change, _expected in CHANGES.values()} == set(changes.Change.__args__)  # type: ignore[attr-defined]


def test_a_virtual_system() -> None:
    memory = Rasd(ResourceType.MEMORY, virtual_quantity=MIB)
    shown = results.virtual_system(
        system(memory, running=Configuration({}, ()), state=SystemState.PAUSED, snapshots=("one",)), running=True
    )
    assert shown is not None
    assert (shown["name"], shown["uuid"], shown["state"]) == ("web", "u-u-i-d", "paused")
    assert shown["resources"][0]["virtual_quantity"] == MIB
    assert shown["settings"] == dict.fromkeys(SYSTEM_SETTINGS)
    assert shown["running"] == {"settings": dict.fromkeys(SYSTEM_SETTINGS), "resources": []}
    assert shown["snapshots"] == ["one"]
    assert results.virtual_system(None) is None


def test_a_snapshot_tells_its_family_and_its_time() -> None:
    family = [
        Snapshot("one", SnapshotType.FULL, created=0, virtual_system_state=SystemState.ACTIVE),
        Snapshot("two", parent="one"),
        Snapshot("three", parent="two", is_current=True),
    ]
    assert results.snapshot(family[0], family) == {
        "name": "one",
        "snapshot_type": "full",
        "description": None,
        "created": "1970-01-01T00:00:00Z",
        "parent": None,
        "dependents": ["two"],
        "is_current": False,
        "virtual_system_state": "active",
        "storage": "internal",
    }
    assert results.snapshot(None, family) is None


def test_pending_tells_the_value_of_the_running_system_and_of_the_definition() -> None:
    defined = Rasd(ResourceType.MEMORY, virtual_quantity=2 * MIB)
    running = Rasd(ResourceType.MEMORY, virtual_quantity=MIB)
    there = system(defined, running=Configuration({}, (running,)), state=SystemState.ACTIVE)
    assert shown_changes.pending(there) == [
        {"target": "memory", "properties": {"virtual_quantity": {"before": MIB, "after": 2 * MIB}}}
    ]
    assert shown_changes.pending(None) == []
