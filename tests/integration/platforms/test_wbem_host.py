# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managing the host (DSP1042, DSP1041, DSP1043), over HTTP and in both dialects: each thing there is to know of a host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost
from ansible_collections.svpc.virt.plugins.module_utils.task import host as host_task
from tests.wbem import WbemServer
from tests.wbem.dialects import DIALECTS
from tests.wbem.world import Section

MIB = 2**20
WEB = changes.SystemRef("web")
RESOURCES = (
    Rasd(ResourceType.PROCESSOR, virtual_quantity=2, maximum_quantity=2, weight=1024),
    Rasd(ResourceType.MEMORY, virtual_quantity=256 * MIB, maximum_quantity=256 * MIB),
    Rasd(
        ResourceType.DISK_DRIVE,
        pool_id="images",
        resource_sub_type="virtio",
        address_on_parent="vda",
        host_resource=("/images/web.raw",),
        virtual_quantity=64 * MIB,
        settings={"format": "raw"},
    ),
    Rasd(ResourceType.ETHERNET_ADAPTER, connection=("lan",), address="52:54:00:00:00:01"),
)


def behind() -> FakeHost:
    """A host with a storage pool, a network, a system that runs and one that is off."""
    host = FakeHost()
    for pool in (
        ResourcePool(
            "images",
            ResourceType.DISK_DRIVE,
            "dir",
            host_resource=("/images",),
            capacity=1024 * MIB,
            reserved=0,
            currently_consumed_resource=64 * MIB,
            active=True,
            members=({"name": "web.raw", "path": "/images/web.raw", "capacity": 64 * MIB},),
        ),
        ResourcePool("lan", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
        ResourcePool("cpus", ResourceType.PROCESSOR, primordial=True, capacity=64, reserved=0),
        ResourcePool("ram", ResourceType.MEMORY, primordial=True, capacity=2**40, reserved=0),
    ):
        host.pools[pool.resource_type, pool.pool_id] = pool
    host.volumes["/images/web.raw"] = 64 * MIB
    host.define_system(changes.DefineSystem(WEB, Configuration(resources=RESOURCES)))
    host.define_system(changes.DefineSystem(changes.SystemRef("idle"), Configuration(resources=RESOURCES[:2])))
    host.request_state_change(changes.RequestStateChange(WEB, RequestedState.ENABLED, "defined", "active"))
    return host


@pytest.fixture(params=["standard", "libvirt-cim"])
def server(request: pytest.FixtureRequest) -> Iterator[WbemServer]:
    with WbemServer(behind(), request.param) as server:
        yield server


@pytest.fixture
def shown(server: WbemServer) -> Iterator[dict[str, Any]]:
    """What host_info shows, when only the server is named and not its namespace."""
    platform = WbemHost.open(server.url, {})
    yield host_task.host(platform)
    platform.close()


def is_standard(server: WbemServer) -> bool:
    return server.dialect.name == "standard"


def pool(shown: dict[str, Any], resource_type: str, pool_id: str | None = None) -> dict[str, Any]:
    found = [each for each in shown["resource_pools"] if each["resource_type"] == resource_type]
    return next(each for each in found if pool_id is None or each["pool_id"] == pool_id)


def test_the_implementation(server: WbemServer, shown: dict[str, Any]) -> None:
    assert shown["implementation"] == server.dialect.name
    assert (shown["interop_namespace"], shown["namespace"]) == ("root/interop", "root/virt")
    versions = {profile["name"].removesuffix(" Profile"): profile["version"] for profile in shown["profiles"]}
    assert versions["System Virtualization"] == "1.0.0"
    assert versions["Virtual System"].startswith("1.0.0")
    prefix = "SVPC" if is_standard(server) else "KVM"
    assert f"{prefix}_VirtualSystemManagementService" in shown["service_classes"]
    assert f"{prefix}_ResourcePoolConfigurationService" in shown["service_classes"]


def test_the_namespace_is_that_of_what_the_profile_is_about(server: WbemServer, shown: dict[str, Any]) -> None:
    asked = [about for about in server.requests.of("Associators") if "RegisteredProfile" in about]
    assert asked
    assert all("ElementConformsToProfile" in about for about in asked)


def test_the_host_system(server: WbemServer, shown: dict[str, Any]) -> None:
    assert shown["name"] == ("fake" if is_standard(server) else server.world.read().host_name)
    assert (shown["processors"], shown["memory"]) == (64, 2**40)


def test_the_capabilities(server: WbemServer, shown: dict[str, Any]) -> None:
    found = shown["capabilities"]
    assert found["virtual_system_types"][0] in ("fake", "kvm", "qemu")
    assert {"define_system", "destroy_system", "add_resource_settings", "request_state_change"} <= set(found["methods"])
    assert {"enabled", "disabled", "shut_down", "reboot"} <= set(found["requested_states"])
    assert bool(found["snapshot_types"]) == is_standard(server)
    assert ("virtual_system_snapshot_service" in shown["services"]) == is_standard(server)
    assert shown["pool_types"]["disk_drive"]


def test_the_supported_types_of_resources(server: WbemServer, shown: dict[str, Any]) -> None:
    assert {"processor", "memory", "disk_drive", "cd_drive", "ethernet_adapter"} <= set(shown["resource_types"])
    assert (
        shown["resource_types"]["disk_drive"]["live_add"] is None or shown["resource_types"]["disk_drive"]["live_add"]
    )


def test_pools_and_their_constituents(server: WbemServer, shown: dict[str, Any]) -> None:
    name = None if is_standard(server) else "ProcessorPool/0"
    assert pool(shown, "processor", name)["primordial"] is True
    images = pool(shown, "disk_drive", "images")
    assert (images["primordial"], images["resource_sub_type"], images["state"]) == (False, "dir", "active")
    assert images["parent"] == (None if is_standard(server) else "DiskPool/0")
    members = [{"name": "web.raw", "capacity": 64 * MIB, "host_resource": "/images/web.raw"}]
    # libvirt-cim shows no volumes.
    assert images["members"] == (members if is_standard(server) else [])


def test_capacity_and_allocation(server: WbemServer, shown: dict[str, Any]) -> None:
    images, memory = pool(shown, "disk_drive", "images"), pool(shown, "memory")
    assert (images["capacity"], images["reserved"]) == (1024 * MIB, 0)
    assert memory["capacity"] == 2**40
    if not is_standard(server):
        assert (memory["reserved"], memory["currently_consumed_resource"]) == (256 * MIB, 256 * MIB)
    assert shown["totals"]["processor"]["capacity"] == 64
    assert shown["totals"]["memory"]["capacity"] == 2**40


def test_what_is_allocated_from_each_pool(server: WbemServer, shown: dict[str, Any]) -> None:
    def brief(resource_type: str, pool_id: str | None = None) -> list[tuple[str, int | None, bool]]:
        found = pool(shown, resource_type, pool_id)["allocations"]
        return sorted((each["virtual_system"], each["virtual_quantity"], each["allocated"]) for each in found)

    assert brief("processor") == [("idle", 2, False), ("web", 2, True)]
    assert brief("memory") == [("idle", 256 * MIB, False), ("web", 256 * MIB, True)]
    assert brief("disk_drive", "images") == [("web", 64 * MIB, True)]
    (adapter,) = pool(shown, "ethernet_adapter", "lan")["allocations"]
    assert (adapter["virtual_system"], adapter["address"]) == ("web", "52:54:00:00:00:01")


def test_the_servers_associations_say_the_same_of_allocations(server: WbemServer, shown: dict[str, Any]) -> None:
    reading = server.world.read()
    prefix = server.dialect.prefix
    links = list(reading.instances(f"{prefix}ResourceAllocationFromPool"))
    instances = {each["InstanceID"]: each for each in reading.instances("CIM_ResourceAllocationSettingData")}
    of_images = [
        instances[link["Dependent"]["InstanceID"]]["ResourceType"]
        for link in links
        if "images" in link["Antecedent"]["InstanceID"]
    ]
    assert set(of_images) == {17}
    assert len(pool(shown, "disk_drive", "images")["allocations"]) == 1


def test_valid_settings(server: WbemServer, shown: dict[str, Any]) -> None:
    processor = shown["resource_types"]["processor"]["valid_settings"]
    assert processor["virtual_quantity"]["maximum"] == (64 if is_standard(server) else 16)
    if not is_standard(server):
        # Its minimums are not meant: it says 0 of each, and the hypervisor takes neither no processor nor a weight below 2.
        assert processor["virtual_quantity"]["minimum"] == 1
        assert processor["weight"] == {"default": 1024, "minimum": 2, "maximum": 262144, "increment": 1}
    memory = shown["resource_types"]["memory"]["valid_settings"]
    assert memory["virtual_quantity"]["minimum"] >= 1024
    disks = shown["resource_types"]["disk_drive"]
    assert "writeback" in disks["valid_settings"]["settings.cache"]["allowed"]
    assert ("name" in disks["unsupported"]) != is_standard(server)


# Servers that do not go the way of the profile


def without(server: str, *classes: str, **changes: Any) -> WbemServer:
    """A server that does not have the instances of some classes, given without prefix."""
    dialect = DIALECTS[server]

    def emptied(section: Section) -> Section:
        return replace(section, make=lambda reading: []) if set(section.classes) & set(classes) else section

    return WbemServer(behind(), replace(dialect, sections=tuple(emptied(each) for each in dialect.sections), **changes))


@pytest.mark.parametrize(
    "missing",
    [
        ("HostedService",),
        ("HostedService", "ElementConformsToProfile"),
        ("RegisteredProfile",),
        ("ElementCapabilities",),
        ("HostedService", "ElementConformsToProfile", "RegisteredProfile", "HostedDependency"),
    ],
    ids=", ".join,
)
def test_what_a_server_does_not_tell_is_found_otherwise(missing: tuple[str, ...]) -> None:
    with without("standard", *missing) as server:
        platform = WbemHost.open(server.url, {})
        shown = host_task.host(platform)
        assert (shown["namespace"], shown["name"]) == ("root/virt", "fake")
        assert shown["capabilities"]["virtual_system_types"]
        assert [system.name for system in platform.virtual_systems()] == ["idle", "web"]
        platform.close()


@pytest.mark.parametrize("interop", ["interop", "root/PG_InterOp"])
def test_the_interop_namespace_is_found(interop: str) -> None:
    with WbemServer(behind(), interop=interop, namespace="root/elsewhere") as server:
        platform = WbemHost.open(server.url, {})
        assert platform.host()["interop_namespace"] == interop
        # Nobody would have looked there: the profile leads to it.
        assert platform.session.namespace == "root/elsewhere"
        platform.close()


def test_a_namespace_that_no_profile_leads_to_is_found_in_the_servers_list() -> None:
    with without("standard", "RegisteredProfile", namespace="root/elsewhere") as server:
        platform = WbemHost.open(server.url, {})
        assert platform.session.namespace == "root/elsewhere"
        assert [system.name for system in platform.virtual_systems()] == ["idle", "web"]
        platform.close()


def test_every_association_is_named_when_it_is_followed(server: WbemServer, shown: dict[str, Any]) -> None:
    for operation in ("Associators", "References", "AssociatorNames", "ReferenceNames"):
        for about in server.requests.of(operation):
            assert " " in about.rpartition('"')[2], about
