# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every method of the dialect "libvirt-cim", and what each of them breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pywbem
from pywbem import Uint16, Uint32, Uint64

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from tests.unit.wbem.conftest import Client, instance, serve

GIB = 2**30
IMAGE = "/srv/web.qcow2"


def rasd(kind: str, **properties: Any) -> Any:
    """An instance of a class of libvirt-cim."""
    return instance(f"KVM_{kind}ResourceAllocationSettingData", **properties)


def vssd(name: str = "web", **properties: Any) -> Any:
    """Settings of a system."""
    return instance("KVM_VirtualSystemSettingData", VirtualSystemIdentifier=name, **properties)


def memory(size: int = 262144, **more: Any) -> Any:
    """Memory in KiB."""
    return rasd("Mem", VirtualQuantity=Uint64(size), **{"AllocationUnits": "KiloBytes", **more})


def define(client: Client, name: str = "web", weight: int | None = 1024, **settings: Any) -> tuple[int, Any]:
    """Define a system with a disk and an adapter."""
    client.host.volumes[IMAGE] = GIB
    shares = {} if weight is None else {"Weight": Uint32(weight)}
    resources = [
        memory(),
        rasd("Proc", VirtualQuantity=Uint64(2), **shares),
        rasd("Disk", VirtualDevice="vda", Address=IMAGE, DriverType="qcow2"),
        rasd("Net", NetworkType="network", PoolID="NetworkPool/default", Address="52:54:00:00:00:01"),
    ]
    return client.manage("DefineSystem", SystemSettings=vssd(name, **settings), ResourceSettings=resources)


def whole(name: str = "web") -> Any:
    """The path of a system's configuration."""
    return pywbem.CIMInstanceName("KVM_VirtualSystemSettingData", {"InstanceID": f"KVM:{name}"}, namespace="root/virt")


def refused(client: Client, text: str, method: str, path: Any = None, **arguments: Any) -> int:
    """The CIM status code of a call that fails with that text."""
    path = path if path is not None else client.service("VirtualSystemManagementService")
    with pytest.raises(pywbem.CIMError, match=text) as caught:
        client.call(path, method, **arguments)
    return int(caught.value.status_code)


def test_define_system(libvirt_cim: Client) -> None:
    code, output = define(libvirt_cim, BootDevices=["cdrom", "hd"], AutoStart=Uint16(1))
    assert (code, output["ResultingSystem"]["Name"]) == (0, "web")
    system = libvirt_cim.host.systems["web"]
    assert system.defined.settings["boot_order"] == ("cd_drive", "disk_drive")
    found = {found.resource_type: found for found in system.defined.resources}
    assert found[ResourceType.MEMORY].virtual_quantity == 256 * 2**20
    assert found[ResourceType.DISK_DRIVE].host_resource == (IMAGE,)
    assert found[ResourceType.ETHERNET_ADAPTER].connection == ("default",)
    assert found[ResourceType.GRAPHICS_CONTROLLER].resource_sub_type == "vnc"  # a default that nobody asked for


@pytest.mark.parametrize(
    ("settings", "resources", "code", "text"),
    [
        (vssd(), [], 1, "No resources specified"),
        (instance("CIM_VirtualSystemSettingData"), [memory()], 1, "must not be NULL"),
        (vssd(), [memory()], 1, "CPU IDs"),
        (vssd(), [memory(AllocationUnits="byte * 2^20")], 1, "Unknown AllocationUnits"),
        (vssd(), [rasd("Mem", AllocationUnits="KiloBytes")], 1, "Missing `VirtualQuantity'"),
        (vssd(), [instance("CIM_ResourceAllocationSettingData", ResourceType=Uint16(3))], 1, "Unable to determine RASD type"),
        (vssd(), [rasd("Disk", VirtualDevice="vda", Address="/nowhere")], 1, "Can't get a valid disk type"),
        (vssd(), [rasd("Net")], 1, "No Network Type specified"),
        (vssd(), None, 4, ""),
    ],
)  # fmt: skip
def test_define_system_refuses(libvirt_cim: Client, settings: Any, resources: Any, code: int, text: str) -> None:
    arguments = {"SystemSettings": settings}
    if resources == []:
        arguments["Params"] = [pywbem.CIMParameter("ResourceSettings", "string", is_array=True, value=[])]
    else:
        arguments["ResourceSettings"] = resources
    assert refused(libvirt_cim, text, "DefineSystem", **arguments) == code
    assert libvirt_cim.host.systems == {}


def test_name_that_is_taken(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    with pytest.raises(pywbem.CIMError, match="already exists"):
        define(libvirt_cim)


def test_without_weight_it_does_not_start(libvirt_cim: Client) -> None:
    define(libvirt_cim, weight=None)
    path = libvirt_cim.system("web").path
    text = r"shares '0' must be in range"
    assert refused(libvirt_cim, text, "RequestStateChange", path, RequestedState=Uint16(2)) == 1
    cure = rasd("Proc", InstanceID="web/proc", Weight=Uint32(1024))
    assert libvirt_cim.manage("ModifyResourceSettings", ResourceSettings=[cure])[0] == 0
    assert libvirt_cim.state("web", 2) == 0


@pytest.mark.parametrize("what", ["add", "modify", "remove", "system"])
def test_every_change_takes_the_weight_away(libvirt_cim: Client, what: str) -> None:
    define(libvirt_cim)
    net = pywbem.CIMInstanceName(
        "KVM_NetResourceAllocationSettingData", {"InstanceID": "web/52:54:00:00:00:01"}, namespace="root/virt"
    )
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "add": (
            "AddResourceSettings",
            {"AffectedConfiguration": whole(), "ResourceSettings": [rasd("Net", NetworkType="user")]},
        ),
        "modify": ("ModifyResourceSettings", {"ResourceSettings": [memory(131072, InstanceID="web/mem")]}),
        "remove": ("RemoveResourceSettings", {"ResourceSettings": [net]}),
        "system": ("ModifySystemSettings", {"SystemSettings": vssd(Machine="q35")}),
    }
    method, arguments = calls[what]
    assert libvirt_cim.manage(method, **arguments)[0] == 0
    proc = libvirt_cim.connection.EnumerateInstances("KVM_ProcResourceAllocationSettingData")[0]
    assert proc["Weight"] == 0
    with pytest.raises(pywbem.CIMError, match="shares"):
        libvirt_cim.state("web", 2)


def test_a_change_drops_what_the_server_does_not_know(libvirt_cim: Client) -> None:
    from dataclasses import replace

    define(libvirt_cim)
    system = libvirt_cim.host.systems["web"]
    resources = tuple(
        replace(found, name="root", settings={**found.settings, "discard": "unmap"})
        if found.resource_type is ResourceType.DISK_DRIVE
        else found
        for found in system.defined.resources
    )
    settings = {**system.defined.settings, "description": "Front"}
    libvirt_cim.host.systems["web"] = replace(
        system, defined=replace(system.defined, settings=settings, resources=resources)
    )
    change = memory(131072, InstanceID="web/mem")
    assert libvirt_cim.manage("ModifyResourceSettings", ResourceSettings=[change])[0] == 0
    defined = libvirt_cim.host.systems["web"].defined
    disk = next(found for found in defined.resources if found.resource_type is ResourceType.DISK_DRIVE)
    assert (disk.name, dict(disk.settings), defined.settings.get("description")) == (None, {"format": "qcow2"}, None)


def test_resources(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    libvirt_cim.host.volumes["/srv/b.raw"] = GIB
    disk = rasd("Disk", VirtualDevice="vdb", Address="/srv/b.raw")
    add = {"AffectedConfiguration": whole(), "ResourceSettings": [disk]}
    with pytest.warns(pywbem.MissingKeybindingsWarning):
        code, output = libvirt_cim.manage("AddResourceSettings", **add)
    assert (code, len(output["ResultingResourceSettings"][0].keybindings)) == (0, 0)
    assert refused(libvirt_cim, "duplicated", "AddResourceSettings", **add) == 1
    wrong = {**add, "AffectedConfiguration": libvirt_cim.system("web").path}
    assert refused(libvirt_cim, "invalid InstanceID", "AddResourceSettings", **wrong) == 4
    other = rasd("Disk", InstanceID="web/vdz", Address="/srv/b.raw")
    assert refused(libvirt_cim, "No such instance", "ModifyResourceSettings", ResourceSettings=[other]) == 6
    nameless = rasd("Disk", Address="/srv/b.raw")
    assert refused(libvirt_cim, "Missing InstanceID", "ModifyResourceSettings", ResourceSettings=[nameless]) == 4
    path = pywbem.CIMInstanceName(disk.classname, {"InstanceID": "web/vdb"}, namespace="root/virt")
    assert libvirt_cim.manage("RemoveResourceSettings", ResourceSettings=[path])[0] == 0
    assert refused(libvirt_cim, "No such instance", "RemoveResourceSettings", ResourceSettings=[path]) == 6
    path = pywbem.CIMInstanceName(
        "KVM_MemResourceAllocationSettingData", {"InstanceID": "web/mem"}, namespace="root/virt"
    )
    assert refused(libvirt_cim, "Cannot delete", "RemoveResourceSettings", ResourceSettings=[path]) == 1


def test_unit_of_memory(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    change = memory(128, InstanceID="web/mem", AllocationUnits="MegaBytes")
    assert libvirt_cim.manage("ModifyResourceSettings", ResourceSettings=[change])[0] == 0
    found = libvirt_cim.connection.EnumerateInstances("KVM_MemResourceAllocationSettingData")[0]
    assert (found["VirtualQuantity"], found["Limit"]) == (131072, 262144 * 1024)


def test_running_system(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    libvirt_cim.state("web", 2)
    change = {"ResourceSettings": [memory(131072, InstanceID="web/mem")]}
    assert refused(libvirt_cim, "cannot resize the maximum", "ModifyResourceSettings", **change) == 1
    assert libvirt_cim.server.world.zeroed == {"web"}  # refused, and not without effect
    disk = pywbem.CIMInstanceName(
        "KVM_DiskResourceAllocationSettingData", {"InstanceID": "web/vda"}, namespace="root/virt"
    )
    assert libvirt_cim.manage("RemoveResourceSettings", ResourceSettings=[disk])[0] == 0
    system = libvirt_cim.host.systems["web"]
    assert system.running is not None
    has_disk = [
        any(found.resource_type is ResourceType.DISK_DRIVE for found in each.resources)
        for each in (system.defined, system.running)
    ]
    assert has_disk == [False, True]


def test_modify_system_settings_replaces(libvirt_cim: Client) -> None:
    define(libvirt_cim, BootDevices=["cdrom"], AutoStart=Uint16(1), Machine="pc")
    assert libvirt_cim.manage("ModifySystemSettings", SystemSettings=vssd())[0] == 0
    settings = libvirt_cim.host.systems["web"].defined.settings
    assert (settings["boot_order"], settings["automatic_startup_action"]) == (("disk_drive",), "none")
    nameless = instance("KVM_VirtualSystemSettingData", InstanceID="KVM:web")
    text = "Missing VirtualSystemIdentifier"
    assert refused(libvirt_cim, text, "ModifySystemSettings", SystemSettings=nameless) == 12
    assert refused(libvirt_cim, "does not exist", "ModifySystemSettings", SystemSettings=vssd("other")) == 6


@pytest.mark.parametrize(
    ("before", "number", "code", "text"),
    [
        ([], 3, 1, "Invalid state transition"),
        ([], 9, 1, "Domain not running"),
        ([], 6, 7, "State not supported"),
        ([2], 2, 1, "Invalid state transition"),
        ([2, 9], 3, 1, "Invalid state transition"),
    ],
)
def test_states_that_are_refused(libvirt_cim: Client, before: list[int], number: int, code: int, text: str) -> None:
    define(libvirt_cim)
    for each in before:
        libvirt_cim.state("web", each)
    path = libvirt_cim.system("web").path
    assert refused(libvirt_cim, text, "RequestStateChange", path, RequestedState=Uint16(number)) == code
    assert libvirt_cim.system("web")["RequestedState"] == number


def test_shutdown_answers_at_once(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    libvirt_cim.state("web", 2)
    assert libvirt_cim.state("web", 4) == 0
    for _ in range(100):
        if libvirt_cim.host.systems["web"].state is SystemState.DEFINED:
            return
        libvirt_cim.system("web")
    raise AssertionError("the guest did not shut down")


def test_destroy_system(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    libvirt_cim.state("web", 2)
    path = libvirt_cim.system("web").path
    assert libvirt_cim.manage("DestroySystem", AffectedSystem=path)[0] == 0
    assert refused(libvirt_cim, "does not exist", "DestroySystem", AffectedSystem=path) == 6


def test_destroy_system_with_saved_state_says_not_found(libvirt_cim: Client) -> None:
    from dataclasses import replace

    define(libvirt_cim)
    libvirt_cim.host.systems["web"] = replace(libvirt_cim.host.systems["web"], state=SystemState.SUSPENDED)
    path = libvirt_cim.system("web").path
    assert libvirt_cim.system("web")["EnabledState"] == 3
    assert refused(libvirt_cim, "managed save image exists", "DestroySystem", AffectedSystem=path) == 6
    assert "web" in libvirt_cim.host.systems


def ended(client: Client, output: Any) -> Any:
    """The job of a call, when it has ended."""
    client.server.jobs.wait()
    return client.connection.GetInstance(output["Job"])


def test_snapshots(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    service, path = libvirt_cim.service("VirtualSystemSnapshotService"), libvirt_cim.system("web").path
    create = {"AffectedSystem": path, "SnapshotSettings": vssd(), "SnapshotType": Uint16(32769)}
    assert refused(libvirt_cim, "Only memory", "CreateSnapshot", service, **{**create, "SnapshotType": Uint16(2)}) == 7
    code, output = libvirt_cim.call(service, "CreateSnapshot", **create)
    job = ended(libvirt_cim, output)
    assert (code, job["JobState"], job["ErrorCode"]) == (0, 7, 1)  # completed, as it says, and failed
    libvirt_cim.state("web", 2)
    libvirt_cim.server.jobs.seconds = 2.0  # so that the job is seen before it runs
    code, output = libvirt_cim.call(service, "CreateSnapshot", **create)
    assert (code, output["ResultingSnapshot"]) == (0, whole())
    assert libvirt_cim.connection.GetInstance(output["Job"]).get("JobState") is None
    job = ended(libvirt_cim, output)
    assert (job["JobState"], job["ErrorCode"], libvirt_cim.system("web")["EnabledState"]) == (7, 0, 6)
    start = {"path": path, "RequestedState": Uint16(2)}
    assert refused(libvirt_cim, "Domain has a snapshot", "RequestStateChange", **start) == 7
    code, output = libvirt_cim.call(service, "ApplySnapshot", Snapshot=whole())
    job = ended(libvirt_cim, output)
    assert (code, job["ErrorCode"], libvirt_cim.system("web")["EnabledState"]) == (0, 0, 2)
    assert refused(libvirt_cim, "Unable to remove", "DestroySnapshot", service, AffectedSnapshot=whole()) == 1
    assert refused(libvirt_cim, "", "RequestStateChange", output["Job"], RequestedState=Uint16(4)) == 16


def test_file_of_a_snapshot_outlives_its_system(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    libvirt_cim.state("web", 2)
    service, path = libvirt_cim.service("VirtualSystemSnapshotService"), libvirt_cim.system("web").path
    create = {"AffectedSystem": path, "SnapshotSettings": vssd(), "SnapshotType": Uint16(32769)}
    ended(libvirt_cim, libvirt_cim.call(service, "CreateSnapshot", **create)[1])
    libvirt_cim.manage("DestroySystem", AffectedSystem=path)
    define(libvirt_cim)
    assert libvirt_cim.system("web")["EnabledState"] == 6
    assert libvirt_cim.call(service, "DestroySnapshot", AffectedSnapshot=whole())[0] == 0
    assert libvirt_cim.system("web")["EnabledState"] == 3


def test_pools(libvirt_cim: Client) -> None:
    service = libvirt_cim.service("ResourcePoolConfigurationService")
    storage = rasd("DiskPool", ResourceType=Uint16(17), PoolID="DiskPool/p", Type=Uint16(1), Path="/srv/pool")
    code, output = libvirt_cim.call(service, "CreateChildResourcePool", ElementName="p", Settings=[storage])
    assert (code, output["Pool"]["InstanceID"]) == (0, "DiskPool/p")
    assert libvirt_cim.host.pools[(ResourceType.DISK_DRIVE, "p")].active is True
    again = {"ElementName": "p", "Settings": [storage]}
    assert refused(libvirt_cim, "already exists", "CreateChildResourcePool", service, **again) == 1
    volume = rasd(
        "StorageVolume",
        Path="/srv/pool/v",
        VolumeName="v",
        Capacity=Uint16(16),
        FormatType=Uint16(1),
        AllocationUnits="MB",
    )
    assert libvirt_cim.call(service, "CreateResourceInPool", Pool=output["Pool"], Settings=volume)[0] == 0
    assert libvirt_cim.host.volumes["/srv/pool/v"] == 16_000_000
    text = "Missing Address"
    assert refused(libvirt_cim, text, "DeleteResourceInPool", service, Pool=output["Pool"], Resource=volume) == 1
    volume["Address"] = "/srv/pool/v"
    assert libvirt_cim.call(service, "DeleteResourceInPool", Pool=output["Pool"], Resource=volume)[0] == 0
    net = rasd("NetPool", Address="192.168.9.1", Netmask="255.255.255.0", ForwardMode=Uint16(0))
    assert libvirt_cim.call(service, "CreateChildResourcePool", ElementName="n", Settings=[net])[0] == 0
    made = libvirt_cim.host.pools[(ResourceType.ETHERNET_ADAPTER, "n")]
    assert (made.resource_sub_type, made.settings["addresses"]) == ("isolated", ("192.168.9.1/24",))
    for pool in ("DiskPool/p", "NetworkPool/n"):
        path = next(path for path in libvirt_cim.paths("CIM_ResourcePool") if path["InstanceID"] == pool)
        assert libvirt_cim.call(service, "DeleteResourcePool", Pool=path)[0] == 0
    assert libvirt_cim.host.pools == {}


def test_odd_answers(libvirt_cim: Client) -> None:
    define(libvirt_cim)
    assert refused(libvirt_cim, "Unknown Method", "Foo", libvirt_cim.system("web").path) == 1
    service = pywbem.CIMInstanceName("KVM_VirtualSystemManagementService", {"Name": "anything"}, namespace="root/virt")
    assert libvirt_cim.call(service, "DestroySystem", AffectedSystem=libvirt_cim.system("web").path)[0] == 0
    pool = next(path for path in libvirt_cim.paths("KVM_ProcessorPool"))
    with pytest.raises(pywbem.CIMError, match="Linux_Processor"):
        libvirt_cim.connection.Associators(pool)
    server = pywbem.WBEMServer(libvirt_cim.connection)
    profile = server.get_selected_profiles("DMTF", "System Virtualization")[0]
    with pytest.raises(pywbem.CIMError, match="not supported by Interop Provider"):
        server.get_central_instances(profile.path)
    own = libvirt_cim.connection.Associators(profile.path, AssocClass="KVM_ElementConformsToProfile")
    assert [found.classname for found in own] == ["KVM_HostSystem"]


@pytest.fixture
def harmless() -> Iterator[Client]:
    """libvirt-cim as it should be."""
    yield from serve("libvirt-cim", traps=frozenset())


def test_traps_can_be_switched_off(harmless: Client) -> None:
    define(harmless, weight=None)
    assert harmless.state("web", 2) == 0
    change = {"ResourceSettings": [rasd("Proc", InstanceID="web/proc", Weight=Uint32(7))]}
    assert harmless.manage("ModifyResourceSettings", **change)[0] == 0
    add = {"AffectedConfiguration": whole(), "ResourceSettings": [rasd("Net", NetworkType="user")]}
    _, output = harmless.manage("AddResourceSettings", **add)
    assert "InstanceID" in output["ResultingResourceSettings"][0].keybindings
    assert harmless.server.world.zeroed == set()
