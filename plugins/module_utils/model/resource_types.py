# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of resources, one table row each (CIM_ResourceAllocationSettingData.ResourceType).

A row says in what unit its quantities are, what identifies one resource among several, and which settings it has
beside the properties that every RASD shares.  The settings are the properties of the standard's subclasses
(PASD, SASD, EPASD) and, where the standard has no word, those of the hypervisors.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.errors import allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.values import (
    LARGEST_MTU,
    LARGEST_PORT,
    LAST_VLAN,
    Kind,
    SettingRow,
)


class ResourceType(enum.IntEnum):
    """The standard's numbers; the lower-case names are the words of options and results."""

    OTHER = 1
    COMPUTER_SYSTEM = 2
    PROCESSOR = 3
    MEMORY = 4
    IDE_CONTROLLER = 5
    SCSI_CONTROLLER = 6
    FC_HBA = 7
    ISCSI_HBA = 8
    IB_HCA = 9
    ETHERNET_ADAPTER = 10
    OTHER_NETWORK_ADAPTER = 11
    IO_SLOT = 12
    IO_DEVICE = 13
    FLOPPY_DRIVE = 14
    CD_DRIVE = 15
    DVD_DRIVE = 16
    DISK_DRIVE = 17
    TAPE_DRIVE = 18
    STORAGE_EXTENT = 19
    OTHER_STORAGE_DEVICE = 20
    SERIAL_PORT = 21
    PARALLEL_PORT = 22
    USB_CONTROLLER = 23
    GRAPHICS_CONTROLLER = 24
    IEEE_1394_CONTROLLER = 25
    PARTITIONABLE_UNIT = 26
    BASE_PARTITIONABLE_UNIT = 27
    POWER = 28
    COOLING_CAPACITY = 29
    ETHERNET_SWITCH_PORT = 30
    LOGICAL_DISK = 31
    STORAGE_VOLUME = 32
    ETHERNET_CONNECTION = 33

    @property
    def word(self) -> str:
        """The snake_case name used in options and results."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str, where: str = "resource_type") -> ResourceType:
        """The type named ``word``; raises InvalidInput that lists all types."""
        try:
            return cls[str(word).upper()]
        except KeyError:
            raise allowed_words(where, word, [member.word for member in cls]) from None


def _text(meaning: str) -> SettingRow:
    return SettingRow(Kind.TEXT, meaning, absent="")


def _word(meaning: str, *words: str, absent: str | None = None) -> SettingRow:
    return SettingRow(Kind.WORD, meaning, words, absent=absent)


def _flag(meaning: str) -> SettingRow:
    return SettingRow(Kind.FLAG, meaning, absent=False)


def _number(meaning: str, absent: int | None = None, least: int = 0, most: int | None = None) -> SettingRow:
    return SettingRow(Kind.NUMBER, meaning, absent=absent, least=least, most=most)


def _size(meaning: str, absent: int | None = None) -> SettingRow:
    return SettingRow(Kind.SIZE, meaning, absent=absent)


_QUEUES = _number("Queues of a virtio device; 0 for what the host takes.", absent=0)

_STORAGE: dict[str, SettingRow] = {
    "format": _word(
        "Format of the image behind the drive.", "qcow2", "raw", "qed", "vmdk", "vdi", "vhd", "vpc", "luks", "iso"
    ),
    "access": _word("Whether the guest may write (SASD.Access).", "readable", "read_write", absent="read_write"),
    "cache": _word(
        "Host page cache.", "default", "none", "writethrough", "writeback", "directsync", "unsafe", absent="default"
    ),
    "io": _word("How the host submits requests.", "native", "threads", "io_uring"),
    "serial": _text("Serial number the guest sees."),
    "startup_policy": _word(
        "What to do when the medium is missing.", "mandatory", "requisite", "optional", absent="mandatory"
    ),
}

_DISK: dict[str, SettingRow] = {
    **_STORAGE,
    "shareable": _flag("Several systems may write to it at the same time."),
    "discard": _word("What becomes of blocks the guest discards.", "unmap", "ignore", absent="ignore"),
    "detect_zeroes": _word("Whether writes of zeroes become discards.", "off", "on", "unmap", absent="off"),
    "total_bytes_sec": _size("Most bytes per second, read and write together.", absent=0),
    "read_bytes_sec": _size("Most bytes read per second.", absent=0),
    "write_bytes_sec": _size("Most bytes written per second.", absent=0),
    "total_iops_sec": _number("Most operations per second, read and write together.", absent=0),
    "read_iops_sec": _number("Most reads per second.", absent=0),
    "write_iops_sec": _number("Most writes per second.", absent=0),
}

_CHARACTER: dict[str, SettingRow] = {
    "log_file": _text("File on the host that keeps everything the guest writes."),
    "listen": _flag("For tcp and unix: the host waits for a client (true) or connects to one (false)."),
}

_ETHERNET: dict[str, SettingRow] = {
    "desired_vlan_endpoint_mode": _word("Tagging of the port (EPASD).", "access", "trunk", absent="access"),
    "port_vid": _number(
        "VLAN of an access port, native VLAN of a trunk (EPASD.PortVID); 0 for none.", absent=0, most=LAST_VLAN
    ),
    "allowed_to_transmit_vlans": SettingRow(
        Kind.NUMBERS,
        "VLANs of a trunk (EPASD.AllowedToTransmitVLANs), beside its native one.",
        absent=(),
        least=1,
        most=LAST_VLAN,
    ),
    "receive_bandwidth_limit": SettingRow(
        Kind.RATE, "Most the guest receives (EPASD.ReceiveBandwidthLimit).", absent=0
    ),
    "receive_bandwidth_reservation": SettingRow(
        Kind.RATE, "Guaranteed to the guest when receiving (EPASD.ReceiveBandwidthReservation).", absent=0
    ),
    "promiscuous": _flag("The guest may change its receive filter (EPASD.Promiscuous)."),
    "source_mac_filtering_enabled": _flag("Frames with a foreign source MAC are dropped (EPASD)."),
    "port_group": _text("Port group of the network."),
    "link_state": _word("Whether the cable is plugged.", "up", "down", absent="up"),
    "mtu": _number("Largest frame, in bytes; 0 for that of the network.", absent=0, most=LARGEST_MTU),
    "queues": _QUEUES,
}

_GRAPHICS: dict[str, SettingRow] = {
    "password": SettingRow(Kind.SECRET, "Password of the console.", absent=""),
    "listen_address": _text("Host address the console listens on."),
    "port": _number("TCP port of the console; -1 lets the host choose.", least=-1, most=LARGEST_PORT),
    "key_map": _text("Keyboard layout of the console."),
    "video_memory": _size("Memory of the display adapter."),
    "heads": _number("Screens of the display adapter.", least=1),
    "acceleration_3d": _flag("3D acceleration of the display adapter."),
}


@frozen
class ResourceRow:
    """What differs between types of resources."""

    quantity_unit: str = units.COUNT
    """Dimension of VirtualQuantity."""
    allocation_unit: str | None = None
    """Dimension of Reservation and Limit; None where the type has neither."""
    singleton: bool = False
    """A system has it once: the type alone identifies it."""
    host_resource_identifies: bool = False
    """A single host resource identifies it (disks and media)."""
    addressed: bool = False
    """``address`` is a MAC address that identifies it."""
    sub_type_identifies: bool = False
    """Resources of different sub-types are different things (a VNC console and a VGA adapter)."""
    removable: bool = False
    """A drive for media: what is in it says nothing about which drive it is."""
    exclusive: bool = True
    """``exclusive: true`` removes unlisted ones.  False for what the host adds by itself."""
    settings: Mapping[str, SettingRow] = field(default_factory=dict)


_CONTROLLER = ResourceRow(exclusive=False, settings={"queues": _QUEUES})

_MEDIA = ResourceRow(quantity_unit=units.BYTE, host_resource_identifies=True, removable=True, settings=_STORAGE)
_OPTICAL = replace(_MEDIA, settings={**_STORAGE, "access": replace(_STORAGE["access"], absent="readable")})

RESOURCE_ROWS: dict[ResourceType, ResourceRow] = {
    ResourceType.PROCESSOR: ResourceRow(
        allocation_unit=units.PERCENT,
        singleton=True,
        exclusive=False,
        settings={
            "sockets": _number("Sockets the guest sees.", least=1),
            "cores": _number("Cores per socket.", least=1),
            "threads": _number("Threads per core.", least=1),
        },
    ),
    ResourceType.MEMORY: ResourceRow(
        quantity_unit=units.BYTE,
        allocation_unit=units.BYTE,
        singleton=True,
        exclusive=False,
        settings={
            "huge_page_size": _size(
                "Size of the huge pages behind the guest's memory; 0 for ordinary pages.", absent=0
            ),
            "slots": _number(
                "Slots for memory modules that can be plugged while running, up to the maximum.", absent=0
            ),
            "locked": _flag("The host never swaps it out."),
        },
    ),
    ResourceType.DISK_DRIVE: ResourceRow(quantity_unit=units.BYTE, host_resource_identifies=True, settings=_DISK),
    ResourceType.CD_DRIVE: _OPTICAL,
    ResourceType.DVD_DRIVE: _OPTICAL,
    ResourceType.FLOPPY_DRIVE: _MEDIA,
    ResourceType.ETHERNET_ADAPTER: ResourceRow(
        allocation_unit=units.BIT_PER_SECOND, addressed=True, settings=_ETHERNET
    ),
    ResourceType.IDE_CONTROLLER: _CONTROLLER,
    ResourceType.SCSI_CONTROLLER: _CONTROLLER,
    ResourceType.USB_CONTROLLER: _CONTROLLER,
    ResourceType.SERIAL_PORT: ResourceRow(settings=_CHARACTER),
    ResourceType.PARALLEL_PORT: ResourceRow(settings=_CHARACTER),
    ResourceType.GRAPHICS_CONTROLLER: ResourceRow(sub_type_identifies=True, settings=_GRAPHICS),
    ResourceType.IO_DEVICE: ResourceRow(
        host_resource_identifies=True,
        sub_type_identifies=True,
        settings={
            "bus": _word("Bus of an input device.", "ps2", "usb", "virtio"),
            "managed": _flag("The host detaches a passed-through device from its driver and gives it back."),
        },
    ),
    ResourceType.OTHER: ResourceRow(
        settings={
            "action": _word(
                "What a watchdog does.", "reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi"
            ),
            "target": _text("Name or tag by which the guest finds a channel or file system."),
            "context_id": _number("Context id of a vsock device; 0 lets the host choose."),
        },
    ),
}
"""The types this collection knows in detail.  Others can be read from a CIM server, and are kept as they are."""

GENERIC_ROW = ResourceRow(exclusive=False)
_STORAGE_ROW = ResourceRow(exclusive=False, quantity_unit=units.BYTE)
_STORAGE_TYPES = frozenset({ResourceType.STORAGE_EXTENT, ResourceType.LOGICAL_DISK, ResourceType.STORAGE_VOLUME})


def row_of(resource_type: ResourceType) -> ResourceRow:
    """The table row of a type; types without own row have counts or sizes, and no settings."""
    row = RESOURCE_ROWS.get(resource_type)
    if row is None:
        row = _STORAGE_ROW if resource_type in _STORAGE_TYPES else GENERIC_ROW
    return row
