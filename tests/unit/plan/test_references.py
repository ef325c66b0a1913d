# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pools a plan draws from exist, and are active where they have to be, before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotFound
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import unfollowed
from ansible_collections.svpc.virt.plugins.module_utils.plan.references import unmet_references
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import plan_system
from tests.unit.plan import cases

DISK = {"type": "disk_drive", "name": "root", "pool_id": "images", "virtual_quantity": "1 GiB"}
LAN = {"type": "ethernet_adapter", "name": "lan", "connection": ["lab"]}


def check(desired: dict[str, Any], current: dict[str, Any] | None = None, **pools: bool) -> None:
    """Plan, and raise the first unmet reference with these pools: by name, whether each is active."""
    plan = plan_system(cases.desired_system(desired), cases.system(current), cases.capabilities(None))

    def find(resource_type: ResourceType, pool_id: str) -> ResourcePool | None:
        active = pools.get(f"{resource_type.word}_{pool_id}")
        return None if active is None else ResourcePool(pool_id, resource_type, active=active)

    def known(resource_type: ResourceType) -> list[str]:
        prefix = f"{resource_type.word}_"
        return [name.removeprefix(prefix) for name in pools if name.startswith(prefix)]

    for error in unmet_references(plan, find, known):
        raise error


def test_what_exists_and_is_active_is_no_objection() -> None:
    check({"resources": [DISK, LAN], "state": "active"}, disk_drive_images=True, ethernet_adapter_lab=True)


@pytest.mark.parametrize("current", [None, {}], ids=["new system", "existing system"])
@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (DISK, ["disk_drive 'root'", "storage pool 'images'", "other"]),
        (LAN, ["ethernet_adapter 'lan'", "network 'lab'"]),
    ],
    ids=["pool", "network"],
)
def test_what_does_not_exist_is_told_with_what_does(
    resource: dict[str, Any], words: list[str], current: dict[str, Any] | None
) -> None:
    with pytest.raises(NotFound) as failure:
        check({"resources": [resource]}, current, disk_drive_other=True, ethernet_adapter_other=True)
    assert [word for word in words if word not in failure.value.message] == []
    assert failure.value.details["allowed"] == ["other"]


def test_each_is_told() -> None:
    plan = plan_system(cases.desired_system({"resources": [DISK, LAN]}), None, cases.capabilities(None))
    assert len(list(unmet_references(plan, lambda kind, name: None, lambda kind: []))) == 2


def test_there_may_be_none_at_all() -> None:
    with pytest.raises(NotFound, match="there are none"):
        check({"resources": [LAN]})


def test_a_volume_needs_an_active_pool_at_once() -> None:
    with pytest.raises(Conflict, match="'images' is not active"):
        check({"resources": [DISK]}, disk_drive_images=False)


def test_a_network_is_needed_when_the_system_is_activated() -> None:
    check({"resources": [LAN], "state": "defined"}, ethernet_adapter_lab=False)
    for state in ("active", "paused"):
        with pytest.raises(Conflict, match="'lab' is not active"):
            check({"resources": [LAN], "state": state}, ethernet_adapter_lab=False)


def test_a_network_is_needed_when_the_adapter_is_plugged() -> None:
    with pytest.raises(Conflict, match="'lab' is not active"):
        check({"resources": [LAN]}, {"state": "active"}, ethernet_adapter_lab=False)


def test_another_network_of_an_adapter_is_checked() -> None:
    current = {"resources": [{**LAN, "connection": ["old"]}]}
    with pytest.raises(NotFound, match="ethernet_adapter 'lan': there is no network 'lab'"):
        check({"resources": [LAN]}, current, ethernet_adapter_old=True)


@pytest.mark.parametrize("connection", [["bridge:br0"], ["direct:eth0/vepa"], ["user:"], []])
def test_what_is_no_network_is_not_looked_for(connection: list[str]) -> None:
    check({"resources": [{**LAN, "connection": connection}], "state": "active"})


@pytest.mark.parametrize("current", [None, {"resources": [LAN]}], ids=["new", "changed"])
def test_a_port_group_is_one_of_the_network(current: dict[str, Any] | None) -> None:
    adapter = {**LAN, "settings": {"port_group": "gold"}}
    plan = plan_system(cases.desired_system({"resources": [adapter]}), cases.system(current), cases.capabilities(None))

    def unmet(*groups: str) -> list[str]:
        settings = {"port_groups": tuple({"name": name} for name in groups)}
        network = ResourcePool("lab", ResourceType.ETHERNET_ADAPTER, active=True, settings=settings)
        return [error.message for error in unmet_references(plan, lambda kind, name: network, lambda kind: [])]

    assert unmet("gold", "silver") == []
    assert unmet("silver") == ["ethernet_adapter 'lan': network 'lab' has no port group 'gold'; there are silver"]


def test_what_does_not_change_is_not_looked_for() -> None:
    check({"resources": [LAN], "state": "active"}, {"resources": [LAN]})


def test_one_pool_for_several_is_needed_as_soon_as_one_needs_it() -> None:
    wan = {**LAN, "name": "wan", "resource_sub_type": "e1000"}
    capabilities = {"allocation": {"ethernet_adapter": {"live_add": ["virtio"]}}}
    plan = plan_system(
        cases.desired_system({"resources": [{**LAN, "resource_sub_type": "virtio"}, wan]}),
        cases.system({"state": "active"}),
        cases.capabilities(capabilities),
    )
    assert [change.live for change in plan] == [True, False]
    unmet = list(unmet_references(plan, lambda kind, name: ResourcePool(name, kind, active=False), lambda kind: []))
    assert [type(error) for error in unmet] == [Conflict]


@pytest.mark.parametrize(
    ("running", "told"),
    [("3 GiB", ["memory: the guest was asked to use 2 GiB and has 3 GiB now"]), ("2 GiB", [])],
)
def test_memory_that_a_guest_keeps_is_told(running: str, told: list[str]) -> None:
    def memory(quantity: str) -> dict[str, Any]:
        return {"type": "memory", "virtual_quantity": quantity, "maximum_quantity": "4 GiB"}

    system = cases.system(
        {"state": "active", "resources": [memory("2 GiB")], "running": {"resources": [memory(running)]}}
    )
    assert system is not None
    found = unfollowed(system)
    assert len(found) == len(told)
    assert all(text.startswith(words) for text, words in zip(found, told, strict=True))


def test_a_system_that_is_off_asks_no_guest() -> None:
    system = cases.system({"resources": [{"type": "memory", "virtual_quantity": "2 GiB", "maximum_quantity": "4 GiB"}]})
    assert system is not None
    assert unfollowed(system) == []
