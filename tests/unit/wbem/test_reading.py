# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients see: discovery, systems with their configurations and resources, pools, classes."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import pytest
import pywbem
from pywbem import Uint16, Uint32, Uint64

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.unit.wbem.conftest import Client, serve

GIB = 2**30
UUID = "6e1f0b1c-0000-4000-8000-000000000001"


def add_system(client: Client, running: bool = False) -> VirtualSystem:
    """Put a system into the host behind the server."""
    resources = (
        Rasd(ResourceType.PROCESSOR, virtual_quantity=2, maximum_quantity=4, instance_id="cpu"),
        Rasd(ResourceType.MEMORY, virtual_quantity=GIB, maximum_quantity=2 * GIB, instance_id="mem"),
        Rasd(
            ResourceType.DISK_DRIVE,
            name="root",
            resource_sub_type="virtio",
            virtual_quantity=10 * GIB,
            pool_id="images",
            host_resource=("/images/web-root.qcow2",),
            address_on_parent="vda",
            settings={"format": "qcow2", "access": "readable"},
            instance_id="disk/1",
        ),
        Rasd(
            ResourceType.ETHERNET_ADAPTER,
            address="52:54:00:00:00:01",
            connection=("default",),
            limit=8_000_000,
            settings={"port_vid": 7, "desired_vlan_endpoint_mode": "access", "link_state": "up"},
            instance_id="net",
        ),
    )
    defined = Configuration({"virtual_system_type": "fake", "machine": "q35", "description": "Web"}, resources)
    system = VirtualSystem("web", UUID, SystemState.DEFINED, defined)
    if running:
        live = replace(defined, resources=resources[:3])
        system = replace(system, state=SystemState.ACTIVE, running=live)
    client.host.systems["web"] = system
    client.host.pools[(ResourceType.DISK_DRIVE, "images")] = ResourcePool(
        "images",
        ResourceType.DISK_DRIVE,
        "dir",
        active=True,
        capacity=100 * GIB,
        reserved=10 * GIB,
        host_resource=("/images",),
        members=({"name": "web-root.qcow2", "path": "/images/web-root.qcow2", "capacity": 10 * GIB},),
    )
    return system


def test_discovery(standard: Client) -> None:
    server = pywbem.WBEMServer(standard.connection)
    assert server.interop_ns == "root/interop"
    profiles = server.get_selected_profiles("DMTF", "System Virtualization")
    central = server.get_central_instances(profiles[0].path)
    assert [path["Name"] for path in central] == ["fake"]
    services = standard.associated(central[0], "HostedService", ResultRole="Dependent")
    assert {service.classname for service in services} == {
        "SVPC_VirtualSystemManagementService",
        "SVPC_VirtualSystemSnapshotService",
        "SVPC_ResourcePoolConfigurationService",
        "SVPC_StorageConfigurationService",
    }
    management = standard.associated(central[0], "ElementCapabilities", "CIM_VirtualSystemManagementCapabilities")
    assert list(management[0]["SynchronousMethodsSupported"]) == [2, 3, 5, 6, 7, 10]


def test_system_that_is_off_has_one_configuration(standard: Client) -> None:
    add_system(standard)
    system = standard.system("web")
    assert (system["Name"], system["EnabledState"], list(system["AvailableRequestedStates"])) == (UUID, 3, [2])
    state = standard.associated(system.path, "SettingsDefineState", "CIM_VirtualSystemSettingData")
    assert [found["InstanceID"] for found in state] == [f"SVPC:{UUID}"]
    defined = standard.associated(state[0].path, "ElementSettingData", Role="ManagedElement")
    assert [found.path["InstanceID"] for found in defined] == [f"SVPC:{UUID}"]
    assert (defined[0]["Notes"], defined[0]["SettingNames"]) == (["Web"], ["machine"])
    assert not standard.associated(system.path, "SystemDevice")


def test_running_system_has_two_configurations_and_devices(standard: Client) -> None:
    add_system(standard, running=True)
    system = standard.system("web")
    state = standard.associated(system.path, "SettingsDefineState", "CIM_VirtualSystemSettingData")[0]
    flags = standard.connection.References(state.path, ResultClass="CIM_ElementSettingData", Role="ManagedElement")
    assert [(flag["IsNext"], flag["SettingData"]["InstanceID"]) for flag in flags] == [(1, f"SVPC:{UUID}")]
    running = standard.associated(state.path, "VirtualSystemSettingDataComponent")
    defined = standard.associated(flags[0]["SettingData"], "VirtualSystemSettingDataComponent")
    assert (len(running), len(defined)) == (3, 4)
    devices = standard.associated(system.path, "SystemDevice")
    assert {device.classname for device in devices} == {"CIM_Processor", "CIM_Memory", "CIM_DiskDrive"}
    memory = next(device for device in devices if device.classname == "CIM_Memory")
    assert memory["BlockSize"] * memory["NumberOfBlocks"] == GIB
    allocation = standard.associated(memory.path, "SettingsDefineState")[0]
    request = standard.associated(allocation.path, "ElementSettingData", Role="ManagedElement")[0]
    assert request["InstanceID"] == f"SVPC:{UUID}/mem"


def test_resources_have_units_and_settings(standard: Client) -> None:
    add_system(standard)
    whole = pywbem.CIMInstanceName(
        "SVPC_VirtualSystemSettingData", {"InstanceID": f"SVPC:{UUID}"}, namespace="root/virt"
    )
    found = {
        int(rasd["ResourceType"]): rasd for rasd in standard.associated(whole, "VirtualSystemSettingDataComponent")
    }
    memory, disk, adapter = found[4], found[17], found[10]
    assert (memory["VirtualQuantity"], memory["MaximumQuantity"]) == (GIB // 1024, GIB // 512)
    assert memory["VirtualQuantityUnits"] == "byte * 2^10"
    assert (disk["VirtualQuantity"], disk["VirtualQuantityUnits"], disk["Access"]) == (10 * GIB, "byte", 1)
    assert (disk["ElementName"], disk["SettingNames"], disk["SettingValues"]) == ("root", ["format"], ['"qcow2"'])
    assert (adapter["Limit"], adapter["AllocationUnits"]) == (8_000_000, "bit / second")
    assert (adapter["PortVID"], adapter["DesiredVLANEndpointMode"]) == (7, 2)


def test_pools_members_and_allocations(standard: Client) -> None:
    add_system(standard)
    pool = standard.connection.EnumerateInstances("CIM_ResourcePool")[-1]
    assert (pool["PoolID"], pool["Capacity"], pool["EnabledState"]) == ("images", 100 * GIB, 2)
    members = standard.associated(pool.path, "ConcreteComponent")
    assert [member["Name"] for member in members] == ["/images/web-root.qcow2"]
    assert members[0]["KeptBecause"] == "read-only"
    users = standard.associated(pool.path, "ResourceAllocationFromPool")
    assert [user["ElementName"] for user in users] == ["root"]
    assert standard.associated(pool.path, "ElementSettingData")[0]["HostResource"] == ["/images"]


def test_limits_of_allocations(standard: Client) -> None:
    kinds = standard.connection.EnumerateInstances("CIM_AllocationCapabilities")
    memory = next(found for found in kinds if found["ResourceType"] == 4)
    links = standard.connection.References(memory.path, ResultClass="CIM_SettingsDefineCapabilities")
    roles = {link["PartComponent"]["InstanceID"]: (link["ValueRole"], link["ValueRange"]) for link in links}
    limits = {found["InstanceID"]: found for found in standard.associated(memory.path, "SettingsDefineCapabilities")}
    assert roles == {
        "SVPC:capabilities/memory/default": (0, 0),
        "SVPC:capabilities/memory/minimum": (3, 1),
        "SVPC:capabilities/memory/maximum": (3, 2),
        "SVPC:capabilities/memory/increment": (3, 3),
    }
    assert limits["SVPC:capabilities/memory/maximum"]["VirtualQuantity"] == GIB


def test_blocks(standard: Client) -> None:
    standard.server.world.dialect = replace(standard.server.dialect, block_size=512)
    add_system(standard)
    disks = standard.connection.EnumerateInstances("CIM_StorageAllocationSettingData")
    disk = next(found for found in disks if found["ElementName"] == "root")
    assert (disk["VirtualQuantity"], disk["VirtualResourceBlockSize"]) == (10 * GIB // 512, 512)
    assert disk["VirtualQuantityUnits"] == "count(fixed size block)"


@pytest.mark.parametrize("most", [1, 2, 3, 1000])
def test_pulled_enumerations_are_complete(standard: Client, most: int) -> None:
    whole = standard.connection.EnumerateInstanceNames("CIM_ManagedElement")
    pulled = list(standard.connection.IterEnumerateInstancePaths("CIM_ManagedElement", MaxObjectCount=most))
    assert [path["InstanceID"] for path in whole if "InstanceID" in path] == [
        path["InstanceID"] for path in pulled if "InstanceID" in path
    ]
    instances = list(standard.connection.IterEnumerateInstances("CIM_Capabilities", MaxObjectCount=most))
    assert len(instances) == len(standard.connection.EnumerateInstances("CIM_Capabilities"))


def test_what_is_asked_for(standard: Client) -> None:
    add_system(standard)
    path = standard.system("web").path
    only = standard.connection.GetInstance(path, PropertyList=["Name", "enabledstate"])
    assert sorted(only.keys()) == ["EnabledState", "Name"]
    shallow = standard.connection.EnumerateInstances("CIM_SettingData", DeepInheritance=False)
    assert all("VirtualQuantity" not in found for found in shallow)
    rasd = standard.connection.GetClass("SVPC_StorageAllocationSettingData", LocalOnly=False)
    assert {"MaximumQuantity", "Access", "PoolID"} <= set(rasd.properties)
    method = standard.connection.GetClass("CIM_VirtualSystemManagementService").methods["DefineSystem"]
    assert method.parameters["ResourceSettings"].qualifiers["EmbeddedInstance"].value == (
        "CIM_ResourceAllocationSettingData"
    )
    names = standard.connection.EnumerateClassNames(ClassName="CIM_ResourceAllocationSettingData", DeepInheritance=True)
    assert "SVPC_StorageAllocationSettingData" in names


def test_errors_of_operations(standard: Client) -> None:
    def code(call: object, *arguments: object, **more: object) -> int:
        with pytest.raises(pywbem.CIMError) as caught:
            call(*arguments, **more)  # type: ignore[operator]
        return int(caught.value.status_code)

    connection = standard.connection
    assert code(connection.EnumerateInstances, "CIM_ComputerSystem", namespace="root/foo") == 3
    assert code(connection.EnumerateInstances, "CIM_Foo") == 5
    wrong = pywbem.CIMInstanceName("CIM_ComputerSystem", {"Name": "x", "CreationClassName": "y"}, namespace="root/virt")
    assert code(connection.GetInstance, wrong) == 6
    assert code(connection.ExecQuery, "WQL", "select * from CIM_ComputerSystem") == 7
    assert code(connection.InvokeMethod, "Foo", standard.system("fake").path) == 17
    service = standard.service("VirtualSystemManagementService")
    assert code(connection.InvokeMethod, "DefineSystem", service, SystemSettings=Uint32(3)) == 13
    assert code(connection.InvokeMethod, "DefineSystem", service, Foo="x") == 4
    assert code(connection.InvokeMethod, "RequestStateChange", standard.system("fake").path, RequestedState="x") == 13


def test_every_request_reads_the_host_anew(standard: Client) -> None:
    assert len(standard.paths("CIM_ComputerSystem")) == 1
    add_system(standard)
    assert len(standard.paths("CIM_ComputerSystem")) == 2
    system = standard.host.systems["web"]
    first, *others = system.defined.resources
    changed = replace(first, virtual_quantity=3)
    standard.host.systems["web"] = replace(system, defined=replace(system.defined, resources=(changed, *others)))
    processors = standard.connection.EnumerateInstances("CIM_ProcessorAllocationSettingData")
    assert Uint64(3) in [found["VirtualQuantity"] for found in processors]
    assert standard.server.requests.count["EnumerateInstanceNames"] == 2


def test_libvirt_cim_names_things_its_own_way(libvirt_cim: Client) -> None:
    add_system(libvirt_cim)
    names = [path["Name"] for path in libvirt_cim.paths("KVM_ComputerSystem")]
    assert names == ["web"]
    whole = pywbem.CIMInstanceName("KVM_VirtualSystemSettingData", {"InstanceID": "KVM:web"}, namespace="root/virt")
    parts = libvirt_cim.associated(whole, "VirtualSystemSettingDataComponent")
    found = {part["InstanceID"]: part for part in parts}
    assert list(found) == ["web/proc", "web/mem", "web/vda", "web/52:54:00:00:00:01"]
    assert (found["web/mem"]["VirtualQuantity"], found["web/mem"]["Limit"]) == (GIB // 1024, GIB // 512)
    assert (found["web/proc"]["VirtualQuantity"], found["web/proc"]["Weight"]) == (4, 1024)
    assert (found["web/vda"]["VirtualQuantity"], found["web/vda"]["PoolID"]) == (196616, "DiskPool/images")
    assert found["web/52:54:00:00:00:01"]["AllocationUnits"] == "KiloBytes per Second"
    assert "DiskPool/images" in [path["InstanceID"] for path in libvirt_cim.paths("KVM_DiskPool")]
    itself = libvirt_cim.associated(whole, "ElementSettingData")
    assert [each["InstanceID"] for each in itself] == ["KVM:web"]


def test_libvirt_cim_does_not_list_associations(libvirt_cim: Client) -> None:
    add_system(libvirt_cim)
    assert libvirt_cim.connection.EnumerateInstances("KVM_SettingsDefineState") == []
    processors = pywbem.CIMInstanceName(
        "KVM_AllocationCapabilities", {"InstanceID": "ProcessorPool/0"}, namespace="root/virt"
    )
    limits = libvirt_cim.associated(processors, "SettingsDefineCapabilities")
    assert [limit["InstanceID"] for limit in limits] == ["Minimum", "Maximum", "Default", "Increment"]
    listed = [path["InstanceID"] for path in libvirt_cim.paths("KVM_ProcResourceAllocationSettingData")]
    assert listed == ["web/proc"]


def test_libvirt_cim_without_its_daemon_shows_an_empty_host(libvirt_cim: Client) -> None:
    add_system(libvirt_cim)
    path = libvirt_cim.system("web").path
    libvirt_cim.server.faults.host_is_down = True
    assert libvirt_cim.connection.EnumerateInstances("KVM_HostSystem") == []
    with pytest.raises(pywbem.CIMError, match="No such instance"):
        libvirt_cim.connection.GetInstance(path)
    with pytest.raises(pywbem.CIMError, match="Unable to get instance for guest") as caught:
        libvirt_cim.call(path, "RequestStateChange", RequestedState=Uint16(2))
    assert caught.value.status_code == 4


@pytest.mark.parametrize("lasting", [math.inf, 0.0])
def test_a_platform_that_nobody_else_changes_is_read_once_and_again_after_a_change(
    monkeypatch: pytest.MonkeyPatch, lasting: float
) -> None:
    looks: list[str] = []
    read = FakeHost.virtual_systems

    def noted(host: FakeHost, names: Collection[str] | None = None) -> list[VirtualSystem]:
        looks.append("look")
        return read(host, names)

    monkeypatch.setattr(FakeHost, "virtual_systems", noted)
    for client in serve("standard", lasting=lasting):
        add_system(client)
        for _number in range(3):
            assert client.system("web")["EnabledState"] == 3
        assert len(looks) == (1 if lasting else 3)
        assert client.state("web", 2) == 0
        assert client.system("web")["EnabledState"] == 2
        assert client.state("web", 9) == 0
        assert client.system("web")["EnabledState"] == 9
