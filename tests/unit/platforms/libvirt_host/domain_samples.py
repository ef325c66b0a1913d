# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared resources that together use every row of the libvirt tables, for tests of documents."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType as Type

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True)
class Sample:
    """One resource as declared, and how another one of its kind would be."""

    rasd: Rasd
    other: dict[str, Any] = field(default_factory=dict)
    """Other values, by the names of model.rasd.values."""


PROCESSOR = Sample(
    Rasd(
        Type.PROCESSOR,
        resource_sub_type="maximum",
        virtual_quantity=2,
        maximum_quantity=8,
        limit=150,
        weight=2048,
        host_resource=("0-1",),
        mapping_behavior=MappingBehavior.HARD_AFFINITY,
        settings={"sockets": 2, "cores": 2, "threads": 2},
    ),
    {
        "resource_sub_type": "host-model",
        "virtual_quantity": 4,
        "maximum_quantity": 16,
        "limit": 200,
        "weight": 512,
        "host_resource": ("0", "1", "0-1", "2"),
        "mapping_behavior": MappingBehavior.DEDICATED,
        "settings.sockets": 4,
        "settings.cores": 4,
        "settings.threads": 1,
    },
)
MEMORY = Sample(
    Rasd(
        Type.MEMORY,
        virtual_quantity=1 * GIB,
        maximum_quantity=4 * GIB,
        limit=8 * GIB,
        reservation=GIB,
        host_resource=("0",),
        mapping_behavior=MappingBehavior.SOFT_AFFINITY,
        settings={"slots": 4, "huge_page_size": 2 * MIB, "locked": True},
    ),
    {
        "virtual_quantity": 2 * GIB,
        "maximum_quantity": 8 * GIB,
        "limit": 16 * GIB,
        "reservation": 2 * GIB,
        "host_resource": ("1",),
        "mapping_behavior": MappingBehavior.HARD_AFFINITY,
        "settings.slots": 8,
        "settings.huge_page_size": GIB,
        "settings.locked": False,
    },
)

DEVICES = {
    "disk": Sample(
        Rasd(
            Type.DISK_DRIVE,
            name='root "disk" <1> & größer_x20_',
            resource_sub_type="sata",
            host_resource=("/images/root & co.qcow2",),
            address_on_parent="sdc",
            parent="0",
            settings={
                "format": "qcow2",
                "cache": "none",
                "io": "native",
                "serial": "A B-1",
                "startup_policy": "optional",
                "discard": "unmap",
                "detect_zeroes": "unmap",
                "read_bytes_sec": 1000,
                "write_bytes_sec": 2000,
                "read_iops_sec": 30,
                "write_iops_sec": 40,
            },
        ),
        {
            "name": "other",
            "resource_sub_type": "virtio",
            "host_resource": ("/dev/vg/root",),
            "address_on_parent": "vdx",
            "settings.format": "raw",
            "settings.cache": "directsync",
            "settings.io": "threads",
            "settings.serial": "D",
            "settings.startup_policy": "mandatory",
            "settings.discard": "ignore",
            "settings.detect_zeroes": "on",
            "settings.read_bytes_sec": 1,
            "settings.write_bytes_sec": 0,
            "settings.read_iops_sec": 2,
            "settings.write_iops_sec": None,
        },
    ),
    "throttled disk": Sample(
        Rasd(
            Type.DISK_DRIVE,
            resource_sub_type="scsi",
            host_resource=("rbd://mon1:6789,mon2:6789/pool/image",),
            settings={"format": "raw", "access": "readable", "total_bytes_sec": 5000, "total_iops_sec": 60},
        ),
        {
            "settings.access": "read_write",
            "settings.total_bytes_sec": 1,
            "settings.total_iops_sec": 0,
            "host_resource": ("nbd://host:10809/export",),
        },
    ),
    "raw device": Sample(
        Rasd(
            Type.DISK_DRIVE,
            resource_sub_type="scsi",
            host_resource=("/dev/sdz",),
            consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
            settings={"format": "raw", "shareable": True},
        ),
        {"consumer_visibility": ConsumerVisibility.VIRTUALIZED, "settings.shareable": False},
    ),
    "cd": Sample(
        Rasd(
            Type.CD_DRIVE,
            name="cd",
            resource_sub_type="scsi",
            address_on_parent="sdq",
            parent="0",
            host_resource=("/images/a.iso",),
            settings={
                "access": "readable",
                "format": "raw",
                "cache": "none",
                "io": "threads",
                "serial": "cd1",
                "startup_policy": "optional",
            },
        ),
        {"host_resource": (), "settings.cache": "writeback"},
    ),
    "empty cd": Sample(Rasd(Type.DVD_DRIVE, host_resource=()), {"host_resource": ("/images/b.iso",)}),
    "floppy": Sample(
        Rasd(Type.FLOPPY_DRIVE, name="fd", host_resource=("/images/a.img",), settings={"access": "readable"}),
        {"host_resource": (), "settings.access": "read_write"},
    ),
    "adapter": Sample(
        Rasd(
            Type.ETHERNET_ADAPTER,
            name="eth0",
            resource_sub_type="virtio",
            connection=("default",),
            address="52:54:00:aa:bb:cc",
            limit=80_000,
            settings={
                "receive_bandwidth_limit": 160_000,
                "receive_bandwidth_reservation": 8_000,
                "promiscuous": True,
                "source_mac_filtering_enabled": True,
                "port_group": "blue",
                "link_state": "down",
                "mtu": 1400,
                "queues": 4,
            },
        ),
        {
            "name": None,
            "resource_sub_type": "e1000e",
            "connection": ("other",),
            "address": "52:54:00:aa:bb:dd",
            "limit": 0,
            "settings.receive_bandwidth_limit": 8_000,
            "settings.receive_bandwidth_reservation": None,
            "settings.promiscuous": False,
            "settings.source_mac_filtering_enabled": False,
            "settings.port_group": "",
            "settings.link_state": "up",
            "settings.mtu": 9000,
            "settings.queues": 0,
        },
    ),
    "tagged adapter": Sample(
        Rasd(
            Type.ETHERNET_ADAPTER,
            connection=("bridge:br0",),
            resource_sub_type="e1000e",
            address="52:54:00:00:00:02",
            settings={
                "desired_vlan_endpoint_mode": "trunk",
                "port_vid": 7,
                "allowed_to_transmit_vlans": (10, 20),
            },
        ),
        {
            "connection": ("direct:eth0/bridge",),
            "settings.desired_vlan_endpoint_mode": "access",
            "settings.port_vid": 8,
            "settings.allowed_to_transmit_vlans": (20, 30),
        },
    ),
    "adapter of a pool": Sample(
        Rasd(Type.ETHERNET_ADAPTER, pool_id="default", address="52:54:00:00:00:04"), {"pool_id": "other"}
    ),
    "user adapter": Sample(
        Rasd(Type.ETHERNET_ADAPTER, connection=("user:",), resource_sub_type="virtio", address="52:54:00:00:00:03"),
        {"connection": ("direct:eth1",)},
    ),
    "scsi controller": Sample(
        Rasd(
            Type.SCSI_CONTROLLER,
            name="scsi",
            resource_sub_type="virtio-scsi",
            address_on_parent="0",
            settings={"queues": 2},
        ),
        {"name": "s", "resource_sub_type": "virtio-transitional", "settings.queues": 0, "address_on_parent": "7"},
    ),
    "usb controller": Sample(Rasd(Type.USB_CONTROLLER, resource_sub_type="qemu-xhci", address_on_parent="0")),
    "ide controller": Sample(Rasd(Type.IDE_CONTROLLER, address_on_parent="0")),
    "sata controller": Sample(Rasd(Type.OTHER, "sata_controller", name="ahci", address_on_parent="1")),
    "virtio serial controller": Sample(
        Rasd(Type.OTHER, "virtio_serial_controller", address_on_parent="0"), {"name": "vs"}
    ),
    "pci controller": Sample(
        Rasd(Type.OTHER, "pci_controller", name="port", resource_sub_type="pcie-root-port", address_on_parent="30")
    ),
    "fdc controller": Sample(Rasd(Type.OTHER, "fdc_controller", address_on_parent="0")),
    "ccid controller": Sample(Rasd(Type.OTHER, "ccid_controller", address_on_parent="0")),
    "serial file": Sample(
        Rasd(
            Type.SERIAL_PORT,
            name="log",
            resource_sub_type="file",
            host_resource=("/var/log/guest.log",),
            address_on_parent="0",
            settings={"log_file": "/var/log/copy.log"},
        ),
        {
            "name": "l",
            "resource_sub_type": "pipe",
            "host_resource": ("/run/x",),
            "settings.log_file": "",
            "address_on_parent": "3",
        },
    ),
    "serial tcp": Sample(
        Rasd(
            Type.SERIAL_PORT,
            resource_sub_type="tcp",
            host_resource=("127.0.0.1:4555",),
            address_on_parent="1",
            settings={"listen": True},
        ),
        {"settings.listen": False, "host_resource": ("[::1]:4556",)},
    ),
    "parallel": Sample(
        Rasd(
            Type.PARALLEL_PORT,
            name="lpt",
            resource_sub_type="unix",
            host_resource=("/run/lpt.sock",),
            address_on_parent="0",
            settings={"listen": True, "log_file": "/var/log/lpt.log"},
        ),
        {"settings.listen": False, "host_resource": ("/run/b.sock",)},
    ),
    "vnc": Sample(
        Rasd(
            Type.GRAPHICS_CONTROLLER,
            resource_sub_type="vnc",
            settings={"password": "se<cr>et", "listen_address": "127.0.0.1", "port": 5907, "key_map": "de"},
        ),
        {
            "settings.password": "",
            "settings.listen_address": "0.0.0.0",
            "settings.port": -1,
            "settings.key_map": "en-us",
            "resource_sub_type": "spice",
        },
    ),
    "adapter with heads": Sample(
        Rasd(
            Type.GRAPHICS_CONTROLLER,
            name="gpu",
            resource_sub_type="virtio",
            settings={"heads": 2, "acceleration_3d": True},
        ),
        {"name": "g", "resource_sub_type": "vga", "settings.heads": 1, "settings.acceleration_3d": False},
    ),
    "adapter with memory": Sample(
        Rasd(Type.GRAPHICS_CONTROLLER, resource_sub_type="bochs", settings={"video_memory": 16 * MIB}),
        {"settings.video_memory": 32 * MIB},
    ),
    "tablet": Sample(
        Rasd(Type.IO_DEVICE, name="pen", resource_sub_type="tablet", settings={"bus": "usb"}),
        {"name": None, "resource_sub_type": "mouse", "settings.bus": "virtio"},
    ),
    "evdev": Sample(
        Rasd(
            Type.IO_DEVICE,
            resource_sub_type="passthrough",
            host_resource=("/dev/input/event3",),
            settings={"bus": "virtio"},
        ),
        {"host_resource": ("/dev/input/event4",)},
    ),
    "pci device": Sample(
        Rasd(
            Type.IO_DEVICE,
            name="nic",
            resource_sub_type="pci",
            host_resource=("0000:03:00.1",),
            consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
            settings={"managed": True},
        ),
        {"name": "n", "host_resource": ("0001:04:00.0",), "settings.managed": False},
    ),
    "usb device": Sample(
        Rasd(
            Type.IO_DEVICE,
            resource_sub_type="usb",
            host_resource=("1d6b:0002",),
            consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
            settings={"managed": True},
        ),
        {"host_resource": ("1.4",)},
    ),
    "mediated device": Sample(
        Rasd(
            Type.IO_DEVICE,
            resource_sub_type="mdev",
            host_resource=("4b20d080-1b54-4048-85b3-a6a62d165c01",),
            consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
        ),
    ),
    "scsi device": Sample(
        Rasd(
            Type.IO_DEVICE,
            resource_sub_type="scsi",
            host_resource=("scsi_host0:0:0:1",),
            consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
        ),
    ),
    "channel": Sample(
        Rasd(
            Type.OTHER,
            "channel",
            name="ch",
            resource_sub_type="unix",
            host_resource=("/run/ch.sock",),
            settings={"target": "org.example.0"},
        ),
        {"name": "c", "resource_sub_type": "null", "host_resource": (), "settings.target": "org.example.1"},
    ),
    "sound": Sample(
        Rasd(Type.OTHER, "sound", name="snd", resource_sub_type="ich9"), {"name": "s", "resource_sub_type": "ac97"}
    ),
    "rng": Sample(
        Rasd(Type.OTHER, "rng", name="r", resource_sub_type="virtio", host_resource=("/dev/random",)),
        {"host_resource": ("/dev/urandom",), "resource_sub_type": "virtio-transitional"},
    ),
    "watchdog": Sample(
        Rasd(Type.OTHER, "watchdog", name="w", resource_sub_type="i6300esb", settings={"action": "poweroff"}),
        {"settings.action": "reset", "resource_sub_type": "ib700"},
    ),
    "balloon": Sample(
        Rasd(Type.OTHER, "memory_balloon", name="b", resource_sub_type="virtio"),
        {"resource_sub_type": "virtio-non-transitional"},
    ),
    "vsock": Sample(
        Rasd(Type.OTHER, "vsock", name="v", resource_sub_type="virtio", settings={"context_id": 5}),
        {"settings.context_id": 0, "resource_sub_type": "virtio-transitional"},
    ),
    "panic": Sample(Rasd(Type.OTHER, "panic", resource_sub_type="isa"), {"name": "p", "resource_sub_type": "hyperv"}),
    "smartcard": Sample(
        Rasd(Type.OTHER, "smartcard", resource_sub_type="passthrough"), {"resource_sub_type": "host", "name": "sc"}
    ),
    "redirected device": Sample(
        Rasd(Type.OTHER, "redirected_device", name="rd", resource_sub_type="spicevmc"), {"name": "d"}
    ),
    "file system": Sample(
        Rasd(
            Type.OTHER,
            "file_system",
            name="fs",
            resource_sub_type="virtiofs",
            host_resource=("/srv/<share>",),
            settings={"target": "share"},
        ),
        {"resource_sub_type": "9p", "host_resource": ("/srv/b",), "settings.target": "b"},
    ),
}
"""By what the sample is about."""

SETTINGS: dict[str, Any] = {
    "virtual_system_type": "qemu",
    "architecture": "x86_64",
    "machine": "q35",
    "firmware": "uefi",
    "secure_boot": True,
    "tpm": "2.0",
    "description": "one\ntwo <&> 'three' \"größer\"",
    "automatic_recovery_action": "restart",
    "boot_order": ("disk_drive", "cd_drive", "ethernet_adapter", "floppy_drive"),
    "kernel": "/boot/vmlinuz & co",
    "initrd": "/boot/initrd",
    "kernel_arguments": "a='b' \"c\" <d>",
    "clock_offset": "localtime",
    "guest_agent": True,
}
"""A value for each setting of a system that stands in the document."""

OTHER_SETTINGS: dict[str, Any] = {
    "virtual_system_type": "kvm",
    "architecture": "i686",
    "machine": "pc",
    "firmware": "bios",
    "secure_boot": False,
    "tpm": "none",
    "description": "",
    "automatic_recovery_action": "none",
    "boot_order": ("ethernet_adapter",),
    "kernel": "",
    "initrd": "",
    "kernel_arguments": "",
    "clock_offset": "utc",
    "guest_agent": False,
}


def plain(rasd: Rasd) -> Rasd:
    """A resource as it is compared with what was declared: without what the platform adds for itself."""
    return replace(rasd, instance_id=None, implied=False)
