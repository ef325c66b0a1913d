# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every method of the standard dialect, carried out on a host in memory."""

from __future__ import annotations

from typing import Any

import pytest
import pywbem
from pywbem import Uint16, Uint32, Uint64

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from tests.unit.wbem.conftest import Client, instance

GIB = 2**30
VSSD = "SVPC_VirtualSystemSettingData"
RASD = "SVPC_ResourceAllocationSettingData"
SASD = "SVPC_StorageAllocationSettingData"


def define(client: Client, name: str = "web", **settings: Any) -> tuple[int, Any]:
    """Define a system with a disk."""
    memory = instance(RASD, ResourceType=Uint16(4), VirtualQuantity=Uint64(2), VirtualQuantityUnits="byte * 2^30")
    disk = instance(
        SASD,
        ResourceType=Uint16(17),
        ElementName="root",
        PoolID="nowhere",
        VirtualQuantity=Uint64(20),
        VirtualQuantityUnits="count(fixed size block)",
        VirtualResourceBlockSize=Uint64(GIB),
        SettingNames=["format"],
        SettingValues=['"qcow2"'],
    )
    wanted = instance(VSSD, VirtualSystemIdentifier=name, ElementName=name, **settings)
    return client.manage("DefineSystem", SystemSettings=wanted, ResourceSettings=[memory, disk])


def resource(client: Client, kind: int, live: bool = False) -> Any:
    """The instance of a resource of the only system."""
    found = client.connection.EnumerateInstances("CIM_ResourceAllocationSettingData")
    return next(
        each
        for each in found
        if each["ResourceType"] == kind
        and "capabilities" not in each["InstanceID"]
        and ("/state" in each["InstanceID"]) is live
    )


def configuration(client: Client, live: bool = False) -> Any:
    """The path of a configuration of the only system."""
    uuid = next(iter(client.host.systems.values())).uuid
    key = f"SVPC:{uuid}/state" if live else f"SVPC:{uuid}"
    return pywbem.CIMInstanceName(VSSD, {"InstanceID": key}, namespace="root/virt")


def test_define_system(standard: Client) -> None:
    uuid = "6E1F0B1C-0000-4000-8000-00000000000A"
    code, output = define(standard, UUID=uuid, Notes=["Front"], AutomaticStartupAction=Uint16(4))
    assert (code, output["ResultingSystem"]["Name"]) == (0, uuid.lower())
    system = standard.host.systems["web"]
    assert system.defined.settings["automatic_startup_action"] == "always_startup"
    assert system.defined.settings["description"] == "Front"
    found = {rasd.resource_type: rasd for rasd in system.defined.resources}
    assert found[ResourceType.MEMORY].virtual_quantity == 2 * GIB
    assert found[ResourceType.DISK_DRIVE].virtual_quantity == 20 * GIB
    assert found[ResourceType.DISK_DRIVE].settings == {"format": "qcow2"}
    assert found[ResourceType.PROCESSOR].virtual_quantity == 1  # the host's default


def test_define_system_without_arguments_and_from_a_reference(standard: Client) -> None:
    assert standard.manage("DefineSystem")[0] == 0
    assert define(standard)[0] == 0
    reference = pywbem.CIMInstanceName(
        VSSD, {"InstanceID": f"SVPC:{standard.host.systems['web'].uuid}"}, namespace="root/virt"
    )
    wanted = instance(VSSD, VirtualSystemIdentifier="copy")
    code, _ = standard.manage("DefineSystem", SystemSettings=wanted, ReferenceConfiguration=reference)
    assert (code, sorted(standard.host.systems)) == (0, ["copy", "vs-1", "web"])
    disks = [rasd for rasd in standard.host.systems["copy"].defined.resources if rasd.name == "root"]
    assert disks[0].host_resource == ("/pool/copy-root.qcow2",)


def test_define_system_refuses(standard: Client) -> None:
    assert define(standard)[0] == 0
    assert define(standard)[0] == 2  # the name is taken
    assert "exists" in str(standard.server.failures[-1])
    assert define(standard, "other", VirtualSystemType="bogus")[0] == 4
    wrong = instance(RASD, ResourceType=Uint16(4), VirtualQuantity=Uint64(2), VirtualQuantityUnits="hertz")
    assert standard.manage("DefineSystem", ResourceSettings=[wrong])[0] == 4
    odd = instance(RASD, ResourceType=Uint16(4), VirtualQuantity=Uint64(1025), VirtualQuantityUnits="byte")
    assert standard.manage("DefineSystem", ResourceSettings=[odd])[0] == 4
    assert sorted(standard.host.systems) == ["web"]


def test_destroy_system_stops_it_first(standard: Client) -> None:
    define(standard)
    assert standard.state("web", 2) == 0
    assert standard.manage("DestroySystem", AffectedSystem=standard.system("web").path)[0] == 0
    assert standard.host.systems == {}


def test_resources_of_the_definition(standard: Client) -> None:
    define(standard)
    adapter = instance(
        "SVPC_EthernetPortAllocationSettingData",
        ResourceType=Uint16(10),
        Connection=["default"],
        PortVID=Uint16(7),
        SettingNames=["link_state"],
        SettingValues=['"down"'],
    )
    code, output = standard.manage(
        "AddResourceSettings", AffectedConfiguration=configuration(standard), ResourceSettings=[adapter]
    )
    assert code == 0
    added = standard.connection.GetInstance(output["ResultingResourceSettings"][0])
    assert (added["Connection"], added["PortVID"], added["SettingValues"]) == (["default"], 7, ['"down"'])
    change = instance(
        RASD, InstanceID=added["InstanceID"], Limit=Uint64(8), AllocationUnits="bit / second * 10^6",
        SettingNames=["link_state"], SettingValues=["null"],
    )  # fmt: skip
    assert standard.manage("ModifyResourceSettings", ResourceSettings=[change])[0] == 0
    changed = standard.host.systems["web"].defined.resources[-1]
    assert (changed.limit, dict(changed.settings)) == (8_000_000, {"port_vid": 7})
    assert standard.manage("RemoveResourceSettings", ResourceSettings=[added.path])[0] == 0
    assert standard.manage("RemoveResourceSettings", ResourceSettings=[added.path])[0] == 4
    assert ResourceType.ETHERNET_ADAPTER not in {
        rasd.resource_type for rasd in standard.host.systems["web"].defined.resources
    }


def test_resources_of_the_running_system(standard: Client) -> None:
    define(standard)
    standard.state("web", 2)
    live = resource(standard, 3, live=True)
    change = instance(RASD, InstanceID=live["InstanceID"], Weight=Uint32(512))
    assert standard.manage("ModifyResourceSettings", ResourceSettings=[change])[0] == 0
    system = standard.host.systems["web"]
    assert system.running is not None
    running = next(rasd for rasd in system.running.resources if rasd.resource_type is ResourceType.PROCESSOR)
    defined = next(rasd for rasd in system.defined.resources if rasd.resource_type is ResourceType.PROCESSOR)
    assert (running.weight, defined.weight) == (512, None)
    disk = resource(standard, 17, live=True)
    change = instance(SASD, InstanceID=disk["InstanceID"], SettingNames=["cache"], SettingValues=['"none"'])
    assert standard.manage("ModifyResourceSettings", ResourceSettings=[change])[0] == 5  # only while it is off
    more = instance(
        SASD,
        ResourceType=Uint16(17),
        ResourceSubType="virtio",
        PoolID="nowhere",
        VirtualQuantity=Uint64(GIB),
        VirtualQuantityUnits="byte",
    )
    code, output = standard.manage(
        "AddResourceSettings", AffectedConfiguration=configuration(standard, live=True), ResourceSettings=[more]
    )
    assert (code, "/state/" in output["ResultingResourceSettings"][0]["InstanceID"]) == (0, True)
    assert len(standard.host.systems["web"].defined.resources) == 3
    assert standard.manage("RemoveResourceSettings", ResourceSettings=output["ResultingResourceSettings"])[0] == 0


def test_modify_system_settings(standard: Client) -> None:
    define(standard)
    key = f"SVPC:{standard.host.systems['web'].uuid}"
    change = instance(VSSD, InstanceID=key, Notes=["New"], SettingNames=["firmware"], SettingValues=['"uefi"'])
    assert standard.manage("ModifySystemSettings", SystemSettings=change)[0] == 0
    settings = standard.host.systems["web"].defined.settings
    assert (settings["description"], settings["firmware"]) == ("New", "uefi")
    assert standard.manage("ModifySystemSettings", SystemSettings=instance(VSSD, Notes=["x"]))[0] == 4
    standard.state("web", 2)
    change = instance(VSSD, InstanceID=f"{key}/state", SettingNames=["firmware"], SettingValues=['"bios"'])
    assert standard.manage("ModifySystemSettings", SystemSettings=change)[0] == 5


@pytest.mark.parametrize(
    ("requests", "after"),
    [
        ([2], SystemState.ACTIVE),
        ([2, 9], SystemState.PAUSED),
        ([2, 9, 2], SystemState.ACTIVE),
        ([2, 6], SystemState.SUSPENDED),
        ([2, 6, 2], SystemState.ACTIVE),
        ([2, 10, 11], SystemState.ACTIVE),
        ([2, 3], SystemState.DEFINED),
        ([2, 4], SystemState.DEFINED),
    ],
)
def test_states(standard: Client, requests: list[int], after: SystemState) -> None:
    define(standard)
    assert [standard.state("web", number) for number in requests] == [0] * len(requests)
    assert standard.host.systems["web"].state is after
    assert standard.system("web")["RequestedState"] == requests[-1]


def test_states_that_are_refused(standard: Client) -> None:
    define(standard)
    assert standard.state("web", 9) == 4097
    assert standard.state("web", 7) == 1
    assert standard.state("fake", 3) == 1
    standard.state("web", 2)
    standard.host.ignores_shutdown.add("web")
    assert standard.state("web", 4) == 3
    assert standard.host.systems["web"].state is SystemState.ACTIVE


def snapshots(client: Client) -> dict[str, Any]:
    """The snapshots of the only system, by name."""
    found = client.associated(client.system("web").path, "SnapshotOfVirtualSystem", ResultRole="Dependent")
    return {snapshot["ElementName"]: snapshot for snapshot in found}


def test_snapshots(standard: Client) -> None:
    define(standard)
    service, path = standard.service("VirtualSystemSnapshotService"), standard.system("web").path
    for name in ("one", "two"):
        wanted = instance(VSSD, ElementName=name, Notes=[f"Number {name}"])
        code, output = standard.call(
            service, "CreateSnapshot", AffectedSystem=path, SnapshotSettings=wanted, SnapshotType=Uint16(3)
        )
        assert (code, output["ResultingSnapshot"]["InstanceID"].endswith(f"/snapshot/{name}")) == (0, True)
    found = snapshots(standard)
    assert (list(found), found["one"]["Notes"], found["one"]["SnapshotType"]) == (["one", "two"], ["Number one"], 3)
    assert found["one"]["CreationTime"] is not None
    newest = standard.associated(path, "MostCurrentSnapshotInBranch", ResultRole="Dependent")
    assert [snapshot["ElementName"] for snapshot in newest] == ["two"]
    children = standard.associated(found["one"].path, "Dependency", VSSD, Role="Antecedent")
    assert [child["ElementName"] for child in children] == ["two"]
    assert not standard.associated(path, "LastAppliedSnapshot", Role="Dependent")
    assert standard.call(service, "ApplySnapshot", Snapshot=found["one"].path)[0] == 0
    applied = standard.associated(path, "LastAppliedSnapshot", Role="Dependent")
    assert [snapshot["ElementName"] for snapshot in applied] == ["one"]
    assert standard.call(service, "DestroySnapshot", AffectedSnapshot=found["one"].path)[0] == 0
    assert list(snapshots(standard)) == ["two"]
    assert standard.call(service, "DestroySnapshot", AffectedSnapshot=found["one"].path)[0] == 4
    assert standard.call(service, "CreateSnapshot", AffectedSystem=path, SnapshotType=Uint16(7))[0] == 6


def test_pools(standard: Client) -> None:
    service = standard.service("ResourcePoolConfigurationService")
    wanted = instance(
        RASD, ResourceType=Uint16(17), ResourceSubType="dir", HostResource=["/images"], AutomaticAllocation=True
    )
    code, output = standard.call(service, "CreateChildResourcePool", ElementName="images", Settings=[wanted])
    pool = output["Pool"]
    key = (ResourceType.DISK_DRIVE, "images")
    made = standard.host.pools[key]
    assert (code, made.host_resource, made.automatic_startup, made.active) == (0, ("/images",), True, False)
    assert standard.call(pool, "RequestStateChange", RequestedState=Uint16(2))[0] == 0
    assert standard.host.pools[key].active is True
    settings = standard.associated(pool, "ElementSettingData")[0]
    change = instance(RASD, InstanceID=settings["InstanceID"], AutomaticAllocation=False)
    assert standard.manage("ModifyResourceSettings", ResourceSettings=[change])[0] == 0
    assert standard.host.pools[key].automatic_startup is False
    assert standard.call(service, "DeleteResourcePool", Pool=pool)[0] == 0
    assert standard.host.pools == {}
    code, output = standard.call(service, "CreateResourcePool", ElementName="net", ResourceType="10")
    assert (code, list(standard.host.pools)) == (0, [(ResourceType.ETHERNET_ADAPTER, "net")])
    assert standard.call(service, "CreateResourcePool", ElementName="x", ResourceType="no number")[0] == 5


def test_members_and_parents_of_pools(standard: Client) -> None:
    define(standard)
    service = standard.service("ResourcePoolConfigurationService")
    pools = {}
    for name in ("big", "small"):
        _, output = standard.call(service, "CreateResourcePool", ElementName=name, ResourceType="17")
        pools[name] = output["Pool"]
    volume = standard.paths("CIM_StorageVolume")[0]
    both = {"HostResources": [volume], "Pool": pools["small"]}
    assert standard.call(service, "AddResourcesToResourcePool", **both)[0] == 0
    assert standard.host.pools[(ResourceType.DISK_DRIVE, "small")].host_resource == ("/pool/web-root.qcow2",)
    assert standard.call(service, "RemoveResourcesFromResourcePool", **both)[0] == 0
    assert standard.host.pools[(ResourceType.DISK_DRIVE, "small")].host_resource == ()
    code, _ = standard.call(service, "ChangeParentResourcePool", ChildPool=pools["small"], ParentPool=[pools["big"]])
    children = standard.associated(pools["big"], "ElementAllocatedFromPool", ResultRole="Dependent")
    assert (code, [child["PoolID"] for child in children]) == (0, ["small"])


def test_pool_in_use_is_not_deleted(standard: Client) -> None:
    service = standard.service("ResourcePoolConfigurationService")
    _, output = standard.call(service, "CreateResourcePool", ElementName="images", ResourceType="17")
    disk = instance(
        SASD, ResourceType=Uint16(17), PoolID="images", VirtualQuantity=Uint64(GIB), VirtualQuantityUnits="byte"
    )
    assert standard.manage("DefineSystem", ResourceSettings=[disk])[0] == 0
    assert standard.call(service, "DeleteResourcePool", Pool=output["Pool"])[0] == 6


def test_storage_is_returned_when_nobody_uses_it(standard: Client) -> None:
    define(standard)
    volume = standard.paths("CIM_StorageVolume")[0]
    standard.host.volumes["/pool/web-root.qcow2"] = 20 * GIB
    service = standard.service("StorageConfigurationService")
    assert standard.call(service, "ReturnToStoragePool", TheElement=volume)[0] == 0
    assert "/pool/web-root.qcow2" not in standard.host.volumes


def test_failures_as_cim_errors(standard: Client) -> None:
    from dataclasses import replace

    define(standard)
    standard.server.world.dialect = replace(standard.server.dialect, errors="cim")
    standard.host.fails["request_state_change"] = errors.HostFailed("Out of memory")
    with pytest.raises(pywbem.CIMError, match="Out of memory"):
        standard.state("web", 2)
