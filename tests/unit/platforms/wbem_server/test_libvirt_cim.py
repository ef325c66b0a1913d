# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources, settings and pools in the words of libvirt-cim."""

from __future__ import annotations

from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import (
    care,
    dialects,
    libvirt_cim,
    libvirt_cim_system,
    rows,
)
from tests.unit.platforms.wbem_server.scripted import instance

SHAPE = rows.ClassShape("KVM_X")


def read(suffix: str, **properties: Any) -> Rasd:
    return libvirt_cim.read_rasd(instance(f"KVM_{suffix}ResourceAllocationSettingData", **properties))


def write(rasd: Rasd, *changed: str) -> dict[str, Any]:
    found = libvirt_cim.write_rasd(rasd, SHAPE, set(changed) if changed else None)
    return {name: each.value for name, each in found.items()}


READINGS = [
    (
        "Mem",
        {"AllocationUnits": "KiloBytes", "VirtualQuantity": 131072, "Reservation": 131072, "Limit": 262144},
        Rasd(ResourceType.MEMORY, virtual_quantity=2**27, maximum_quantity=2**28),
    ),
    ("Proc", {"VirtualQuantity": 2, "Limit": 0, "Weight": 512}, Rasd(ResourceType.PROCESSOR, virtual_quantity=2, weight=512)),
    ("Proc", {"VirtualQuantity": 2, "Weight": 0}, Rasd(ResourceType.PROCESSOR, virtual_quantity=2)),
    (
        "Disk",
        {
            "AllocationUnits": "Bytes", "VirtualQuantity": 196616, "Address": "/a/b.qcow2", "VirtualDevice": "vda",
            "EmulatedType": 0, "BusType": "virtio", "DriverType": "qcow2", "DriverCache": "none", "PoolID": "DiskPool/p",
            "readonly": True,
        },
        Rasd(
            ResourceType.DISK_DRIVE,
            resource_sub_type="virtio",
            host_resource=("/a/b.qcow2",),
            address_on_parent="vda",
            pool_id="p",
            settings={"format": "qcow2", "cache": "none", "access": "readable"},
        ),
    ),
    (
        "Disk",
        {"AllocationUnits": "Bytes", "VirtualQuantity": 33554432, "Address": "/a", "DriverType": "raw", "EmulatedType": 4},
        Rasd(
            ResourceType.DISK_DRIVE,
            virtual_quantity=33554432,
            host_resource=("/a",),
            consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
            settings={"format": "raw"},
        ),
    ),
    (
        "Disk",
        {"EmulatedType": 1, "Address": "", "VirtualDevice": "hdc"},
        Rasd(ResourceType.CD_DRIVE, host_resource=(), address_on_parent="hdc"),
    ),
    ("Disk", {"EmulatedType": 2, "Address": "/f"}, Rasd(ResourceType.FLOPPY_DRIVE, host_resource=("/f",))),
    (
        "Net",
        {"NetworkType": "network", "PoolID": "NetworkPool/lan", "Address": "00:16:3e:00:00:01", "ResourceSubType": "virtio"},
        Rasd(
            ResourceType.ETHERNET_ADAPTER,
            resource_sub_type="virtio",
            address="00:16:3e:00:00:01",
            connection=("lan",),
        ),
    ),
    ("Net", {"NetworkType": "user"}, Rasd(ResourceType.ETHERNET_ADAPTER, connection=("user:",))),
    ("Net", {"NetworkType": "bridge", "NetworkName": "br0"}, Rasd(ResourceType.ETHERNET_ADAPTER, connection=("bridge:br0",))),
    (
        "Net",
        {"NetworkType": "direct", "SourceDevice": "eth0", "NetworkMode": "vepa"},
        Rasd(ResourceType.ETHERNET_ADAPTER, connection=("direct:eth0/vepa",)),
    ),
    (
        "Graphics",
        {"ResourceSubType": "vnc", "Address": "127.0.0.1:5901", "KeyMap": "de", "Password": "********"},
        Rasd(
            ResourceType.GRAPHICS_CONTROLLER,
            resource_sub_type="vnc",
            settings={"listen_address": "127.0.0.1", "port": 5901, "key_map": "de"},
        ),
    ),
    (
        "Console",
        {"InstanceID": "t/charconsole:0", "SourceType": 2, "TargetType": "serial"},
        Rasd(ResourceType.SERIAL_PORT, resource_sub_type="pty", address_on_parent="0"),
    ),
    (
        "Controller",
        {"ResourceSubType": "usb", "Index": 0, "Model": "qemu-xhci"},
        Rasd(ResourceType.USB_CONTROLLER, resource_sub_type="qemu-xhci", address_on_parent="0"),
    ),
    (
        "Controller",
        {"ResourceSubType": "virtio-serial", "Index": 1},
        Rasd(ResourceType.OTHER, other_resource_type="virtio_serial_controller", address_on_parent="1"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "properties", "rasd"), READINGS)
def test_reading(suffix: str, properties: dict[str, Any], rasd: Rasd) -> None:
    assert read(suffix, **properties) == rasd


@pytest.mark.parametrize("rasd", [rasd for suffix, _properties, rasd in READINGS if suffix != "Controller"])
def test_what_is_written_is_read_back(rasd: Rasd) -> None:
    suffix = libvirt_cim.suffix_of("KVM_" + libvirt_cim.CLASSES[rasd.resource_type])
    properties = libvirt_cim.write_rasd(
        rasd, SHAPE, set(values(rasd)) - {"virtual_quantity"} if suffix == "Disk" else None
    )
    found = instance(f"KVM_{suffix}ResourceAllocationSettingData", InstanceID="t/charconsole:0")
    found.update(properties)
    if suffix == "Disk":
        found["AllocationUnits"] = "Bytes"
        found["VirtualQuantity"] = pywbem.Uint64(rasd.virtual_quantity or 0)
    assert libvirt_cim.read_rasd(found) == rasd


def test_memory_is_always_sent_whole_and_in_its_own_unit() -> None:
    rasd = Rasd(ResourceType.MEMORY, virtual_quantity=2**30, maximum_quantity=2**31)
    expected = {"ResourceType": 4, "AllocationUnits": "KiloBytes", "VirtualQuantity": 2**20, "Limit": 2**21}
    assert write(rasd, "virtual_quantity") == write(rasd, "maximum_quantity") == expected
    with pytest.raises(InvalidInput, match="KiB"):
        write(Rasd(ResourceType.MEMORY, virtual_quantity=1000))


def test_drives_are_told_apart_by_their_emulated_type() -> None:
    numbers = {
        kind: write(Rasd(kind, address_on_parent="x"))
        for kind in (ResourceType.DISK_DRIVE, ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE)
    }
    assert [(each["ResourceType"], each["EmulatedType"]) for each in numbers.values()] == [
        (17, 0),
        (17, 1),
        (17, 1),
        (17, 2),
    ]


@pytest.mark.parametrize(
    ("rasd", "words"),
    [
        (Rasd(ResourceType.DISK_DRIVE, name="root"), "name is not supported by this server: the server keeps no names"),
        (Rasd(ResourceType.PROCESSOR, limit=50), "limit is not supported"),
        (Rasd(ResourceType.MEMORY, virtual_quantity=1024, reservation=5), "reservation is not supported"),
        (Rasd(ResourceType.ETHERNET_ADAPTER, connection=("a",), settings={"port_vid": 7}), "port_vid is not supported"),
        (Rasd(ResourceType.ETHERNET_ADAPTER, connection=()), "exactly one network"),
        (Rasd(ResourceType.ETHERNET_ADAPTER, connection=("hostdev:x",)), "allowed are NETWORK, bridge:NAME"),
        (Rasd(ResourceType.OTHER, other_resource_type="rng"), "makes no other"),
        (Rasd(ResourceType.SERIAL_PORT, resource_sub_type="tcp", host_resource=("h:1",)), "offered by this server for"),
        (Rasd(ResourceType.SERIAL_PORT, resource_sub_type="virtual"), "has no word for 'virtual'"),
    ],
)
def test_what_would_be_dropped_is_refused(rasd: Rasd, words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        write(rasd)


def test_what_stands_for_nothing_is_not_refused() -> None:
    settings = {"discard": "ignore", "shareable": False}
    rasd = Rasd(ResourceType.DISK_DRIVE, automatic_allocation=True, settings=settings)
    assert "shareable" in write(rasd)


def test_what_the_server_adds_by_itself_is_nobodys_surplus() -> None:
    assert read("Controller", ResourceSubType="pci", Index=0).implied
    assert read("Input", ResourceSubType="mouse", BusType="ps2").implied
    assert read("Graphics", ResourceSubType="console", Address="(null):0").implied
    assert read("Graphics", ResourceSubType="vnc", Address="127.0.0.1:-1", KeyMap="en-us").implied
    assert read("Console", InstanceID="web/charconsole:0", SourceType=2).implied
    assert not read("Console", InstanceID="web/charconsole:1", SourceType=2).implied
    assert not read("Console", InstanceID="web/charconsole:0", SourceType=4, SourcePath="/tmp/log").implied
    assert not read("Graphics", ResourceSubType="vnc", Address="0.0.0.0:-1", KeyMap="en-us").implied
    assert not read("Input", ResourceSubType="tablet", BusType="usb").implied


def test_settings() -> None:
    vssd = instance(
        "KVM_VirtualSystemSettingData", VirtualSystemType="KVM", Arch="x86_64", Machine="pc-q35-7.2", AutoStart=1,
        AutomaticRecoveryAction=3, ClockOffset=1, BootDevices=("network", "hd"),
    )  # fmt: skip
    found = libvirt_cim_system.read_settings(vssd)
    assert found == {
        "virtual_system_type": "kvm",
        "architecture": "x86_64",
        "machine": "pc-q35-7.2",
        "automatic_startup_action": "always_startup",
        "automatic_recovery_action": "restart",
        "clock_offset": "localtime",
        "boot_order": ("ethernet_adapter", "disk_drive"),
    }
    written = libvirt_cim_system.write_settings(found, SHAPE, found)
    assert (
        libvirt_cim_system.read_settings(instance("X", **{name: each.value for name, each in written.items()})) == found
    )
    with pytest.raises(NotSupported, match=r"description.*keeps no notes"):
        libvirt_cim_system.write_settings({"description": "x"}, SHAPE, ["description"])
    with pytest.raises(NotSupported, match="allowed are cd_drive, disk_drive"):
        libvirt_cim_system.write_settings({"boot_order": ("root",)}, SHAPE, ["boot_order"])
    assert libvirt_cim_system.write_settings({"firmware": "bios", "tpm": "none"}, SHAPE, ["firmware", "tpm"]) == {}


def test_new_resources_are_completed() -> None:
    made = care.complete(
        dialects.LIBVIRT_CIM,
        (
            Rasd(ResourceType.PROCESSOR, virtual_quantity=1),
            Rasd(ResourceType.DISK_DRIVE, pool_id="p"),
            Rasd(ResourceType.DISK_DRIVE, host_resource=("/dev/sdx",)),
            Rasd(ResourceType.CD_DRIVE),
            Rasd(ResourceType.ETHERNET_ADAPTER),
        ),
        (Rasd(ResourceType.DISK_DRIVE, address_on_parent="vda"),),
    )
    assert made[0].weight == 1024
    assert [rasd.address_on_parent for rasd in made[1:4]] == ["vdb", "vdc", "hda"]
    assert made[1].settings == {"format": "raw"}
    assert str(made[4].address).startswith("52:54:00:")
    with pytest.raises(InvalidInput, match="takes an image for raw"):
        care.complete(dialects.LIBVIRT_CIM, (Rasd(ResourceType.DISK_DRIVE, host_resource=("/x.img",)),), ())


def test_pools() -> None:
    found = libvirt_cim_system.read_pool(
        instance(
            "KVM_DiskPool", InstanceID="DiskPool/images", PoolID="DiskPool/images", Primordial=False, Capacity=10,
            Reserved=3, ResourceType=17, OtherResourceType="dir", AllocationUnits="Megabytes", Path="/srv", Autostart=0,
        )
    )  # fmt: skip
    assert (found.pool_id, found.resource_sub_type, found.parent) == ("images", "dir", "DiskPool/0")
    assert (found.capacity, found.reserved, found.automatic_startup, found.active) == (
        10 * 2**20,
        3 * 2**20,
        False,
        True,
    )
    memory = libvirt_cim_system.read_pool(
        instance(
            "KVM_MemoryPool",
            PoolID="MemoryPool/0",
            Primordial=True,
            Capacity=4,
            ResourceType=4,
            AllocationUnits="byte*2^10",
        )
    )
    assert (memory.pool_id, memory.capacity, memory.primordial) == ("MemoryPool/0", 4096, True)


def test_new_pools() -> None:
    suffix, found = libvirt_cim_system.new_pool(
        ResourcePool("p", ResourceType.DISK_DRIVE, "dir", host_resource=("/srv",), automatic_startup=True)
    )
    assert suffix == "DiskPoolResourceAllocationSettingData"
    assert {name: each.value for name, each in found.items()} == {
        "ResourceType": 17, "PoolID": "DiskPool/p", "Type": 1, "Path": "/srv", "Autostart": 1,
    }  # fmt: skip
    settings = {"addresses": ("192.0.2.1/24",), "dhcp_ranges": ({"start": "192.0.2.5", "end": "192.0.2.9"},)}
    suffix, found = libvirt_cim_system.new_pool(
        ResourcePool("n", ResourceType.ETHERNET_ADAPTER, "nat", settings=settings)
    )
    assert suffix == "NetPoolResourceAllocationSettingData"
    assert {name: each.value for name, each in found.items()} == {
        "ResourceType": 10, "PoolID": "NetworkPool/n", "ForwardMode": 1, "Address": "192.0.2.1", "Netmask": "255.255.255.0",
        "IPRangeStart": "192.0.2.5", "IPRangeEnd": "192.0.2.9",
    }  # fmt: skip


def test_the_dialect_shows_in_the_management_service() -> None:
    service = instance("KVM_VirtualSystemManagementService", LibvirtVersion="9.0.0", Release="0.6.3")
    assert dialects.dialect_of(service).name == "libvirt-cim"
    assert dialects.dialect_of(instance("Xen_VirtualSystemManagementService", Release="0.6.3")).own("X") == "Xen_X"
    assert dialects.dialect_of(instance("ACME_VirtualSystemManagementService")).name == "standard"
