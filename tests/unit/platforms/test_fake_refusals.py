# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host in memory refuses what hosts refuse, and nothing that differs from it in that one value."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost

WEB = changes.SystemRef("web")
MEMORY = Rasd(ResourceType.MEMORY, virtual_quantity=2**27)


def define(name: str = "web", *resources: Rasd, **settings: Any) -> changes.DefineSystem:
    return changes.DefineSystem(changes.SystemRef(name), Configuration(settings, (MEMORY, *resources)))


def add(resource_type: ResourceType, **more: Any) -> changes.AddResourceSettings:
    return changes.AddResourceSettings(WEB, Rasd(resource_type, **more))


def passed_through(device: str) -> changes.AddResourceSettings:
    return add(
        ResourceType.IO_DEVICE,
        resource_sub_type="pci",
        host_resource=(device,),
        consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
    )


def disk(**more: Any) -> changes.AddResourceSettings:
    return add(ResourceType.DISK_DRIVE, name="more", **more)


def adapter(*connection: str, **more: Any) -> changes.AddResourceSettings:
    return add(ResourceType.ETHERNET_ADAPTER, connection=connection, **more)


def network(name: str = "new", **settings: Any) -> changes.CreateResourcePool:
    return changes.CreateResourcePool(
        ResourcePool(name, ResourceType.ETHERNET_ADAPTER, "isolated", settings=settings, active=False)
    )


def activation(address: str) -> changes.RequestPoolStateChange:
    return changes.RequestPoolStateChange(network(addresses=(address,)).pool, True)


LAN = {"bridge": "br0", "addresses": ("192.0.2.1/24", "2001:db8::1/64")}
TAG = {"desired_vlan_endpoint_mode": "access", "port_vid": 7}
PAIRS: dict[str, tuple[type[errors.VirtError], changes.Change, changes.Change]] = {
    "processors": (
        errors.InvalidInput,
        add(ResourceType.PROCESSOR, host_resource=("0-64",)),
        add(ResourceType.PROCESSOR, host_resource=("0-63",)),
    ),
    "no storage": (errors.InvalidInput, disk(virtual_quantity=2**20), disk(virtual_quantity=2**20, pool_id="images")),
    "no size": (errors.InvalidInput, disk(pool_id="images"), disk(pool_id="images", virtual_quantity=2**20)),
    "storage in use": (
        errors.Conflict,
        disk(host_resource=("/images/db.raw",)),
        disk(host_resource=("/images/db.raw",), settings={"access": "readable"}),
    ),
    "a connection": (errors.InvalidInput, adapter("what:ever"), adapter("user:")),
    "a bridge": (errors.NotFound, adapter("bridge:br1"), adapter("bridge:br0")),
    "a device": (errors.NotFound, adapter("direct:eth1/vepa"), adapter("direct:eth0/vepa")),
    "tags": (errors.NotSupported, adapter("lan", settings=TAG), adapter("ovs", settings=TAG)),
    "passing through": (errors.NotFound, passed_through("0000:01:00.0"), passed_through("0000:00:1f.2")),
    "what all need": (
        errors.Refused,
        changes.RemoveResourceSettings(WEB, MEMORY),
        changes.RemoveResourceSettings(WEB, Rasd(ResourceType.CD_DRIVE)),
    ),
    "a bridge in use": (errors.Conflict, network(bridge="br0"), network("lan", bridge="br0")),
    "a subnet in use": (errors.InTheWay, activation("192.0.2.9/24"), activation("192.0.2.9/25")),
}
"""What is refused, and with what; and the same with the value that is not."""


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost()
    host.devices.add("0000:00:1f.2")
    for pool in (
        ResourcePool("images", ResourceType.DISK_DRIVE, "dir", host_resource=("/images",), active=True),
        ResourcePool("lan", ResourceType.ETHERNET_ADAPTER, "isolated", settings=LAN, active=True),
        ResourcePool("ovs", ResourceType.ETHERNET_ADAPTER, "openvswitch", active=True),
    ):
        host.pools[pool.resource_type, pool.pool_id] = pool
    db = Rasd(ResourceType.DISK_DRIVE, name="root", host_resource=("/images/db.raw",))
    host.carry_out(changes.DefineSystem(changes.SystemRef("db"), Configuration({}, (MEMORY, db))))
    return host


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_wrong_is_refused_and_what_is_right_is_not(host: FakeHost, pair: str) -> None:
    error, wrong, right = PAIRS[pair]
    with pytest.raises(error):
        host.check(wrong)
    host.check(right)
