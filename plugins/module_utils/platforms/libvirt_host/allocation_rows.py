# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt and QEMU can allocate of each type of resource, and what of it while the guest runs.

What no resource of a type can have follows from the rows by which domain documents are written.  The constant part of
each type is a row of :data:`ROWS`; what depends on the host is filled in by the type's function in :data:`FROM_HOST`.
Pure: a host's description goes in, data comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import AllocationCapabilities, Live
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import devices, disk_rows
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_xml import HostDescription, Offer
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.io_device_rows import (
    INPUTS,
    PASSED_THROUGH,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.unsupported import UNSUPPORTED

MIB = 2**20
SECTOR = 512
"""QEMU rounds the size of an image to whole sectors."""
BANDWIDTH_STEP = 8000
"""libvirt counts bandwidth in kilobytes per second."""

MEMORY_STEP: Mapping[str, int] = {"ppc64": 256 * MIB, "ppc64le": 256 * MIB}
"""Bytes to whose multiples libvirt rounds a guest's memory when it starts, where that is not 1 MiB."""

PLUGGABLE_BUSES = frozenset({"virtio", "scsi", "usb"})
"""Buses to which a disk can be plugged while the guest runs."""


@frozen
class Facts:
    """What the rows are completed from."""

    host: HostDescription
    offer: Offer
    memory: int | None = None
    """Bytes the host has."""


ANOTHER_DISK = "add another disk with it, move the data inside the guest, and remove this one (its storage stays)"
ANOTHER_DEVICE = "the guest would see another device: remove this one and add the other"
ANOTHER_BUS = (
    "the guest would see another device: remove the disk (its storage stays) and add it again on the other bus"
)

_THROTTLES = {
    f"settings.{what}_{unit}_sec": Live.ALWAYS for what in ("total", "read", "write") for unit in ("bytes", "iops")
}


def _row(resource_type: ResourceType, **rest: Any) -> AllocationCapabilities:
    return AllocationCapabilities(resource_type, **rest)


_MEDIA: dict[str, Any] = {
    "live_remove": frozenset({"scsi", "usb"}),
    "live_modify": {"host_resource": Live.ALWAYS, "pool_id": Live.ALWAYS, "settings.format": Live.ALWAYS},
    "fixed": {"resource_sub_type": ANOTHER_BUS.replace("disk (its storage stays)", "drive")},
}

_ROWS: tuple[AllocationCapabilities, ...] = (
    _row(
        ResourceType.PROCESSOR,
        default={"virtual_quantity": 1},
        # Weights that both generations of control groups take; libvirt's shortest quota is 1 % of its longest period.
        minimum={
            "virtual_quantity": 1,
            "limit": 1,
            "weight": 2,
            "settings.sockets": 1,
            "settings.cores": 1,
            "settings.threads": 1,
        },
        maximum={"weight": 10_000},
        unsupported={
            "reservation": "KVM and QEMU guarantee no share of a processor: use weight, limit or dedicated processors",
            "pool_id": "libvirt has one pool of processors: use host_resource to choose among them",
        },
        words={"mapping_behavior": ("dedicated", "hard_affinity")},
        live_modify={
            "virtual_quantity": Live.GROW_TO_MAXIMUM,
            "weight": Live.ALWAYS,
            "limit": Live.ALWAYS,
            "host_resource": Live.ALWAYS,
            "mapping_behavior": Live.ALWAYS,
        },
    ),
    _row(
        ResourceType.MEMORY,
        default={"virtual_quantity": 1024 * MIB},
        minimum={"virtual_quantity": MIB, "limit": MIB, "reservation": MIB},
        increment={"virtual_quantity": MIB, "limit": 1024, "reservation": 1024},
        unsupported={
            "weight": "KVM and QEMU know no shares of memory: use limit or reservation",
            "pool_id": "libvirt has one pool of memory: use host_resource to choose NUMA cells",
        },
        words={"mapping_behavior": ("hard_affinity", "soft_affinity")},
        live_modify={
            "virtual_quantity": Live.REQUESTED,
            "limit": Live.ALWAYS,
            "reservation": Live.ALWAYS,
        },
    ),
    _row(
        ResourceType.DISK_DRIVE,
        minimum={"virtual_quantity": SECTOR},
        increment={"virtual_quantity": SECTOR},
        live_add=PLUGGABLE_BUSES,
        live_remove=PLUGGABLE_BUSES,
        live_modify={"virtual_quantity": Live.GROW, **_THROTTLES},
        fixed={
            "pool_id": f"storage is not moved between pools: {ANOTHER_DISK}",
            "settings.format": f"storage is not converted: {ANOTHER_DISK}",
            "resource_sub_type": ANOTHER_BUS,
        },
    ),
    _row(ResourceType.CD_DRIVE, **_MEDIA),
    _row(ResourceType.DVD_DRIVE, **_MEDIA),
    _row(ResourceType.FLOPPY_DRIVE, **{**_MEDIA, "live_remove": frozenset()}),
    _row(
        ResourceType.ETHERNET_ADAPTER,
        minimum={"limit": BANDWIDTH_STEP, "settings.queues": 1, "settings.mtu": 68, "settings.port_vid": 1},
        maximum={"settings.mtu": 65_535, "settings.port_vid": 4095},
        increment={
            "limit": BANDWIDTH_STEP,
            "settings.receive_bandwidth_limit": BANDWIDTH_STEP,
            "settings.receive_bandwidth_reservation": BANDWIDTH_STEP,
        },
        live_add=None,
        live_remove=None,
        live_modify={
            "connection": Live.ALWAYS,
            "pool_id": Live.ALWAYS,
            "limit": Live.ALWAYS,
            "settings.receive_bandwidth_limit": Live.ALWAYS,
            "settings.receive_bandwidth_reservation": Live.ALWAYS,
            "settings.link_state": Live.ALWAYS,
            "settings.port_group": Live.WITH_CONNECTION,
            "settings.desired_vlan_endpoint_mode": Live.ALWAYS,
            "settings.port_vid": Live.ALWAYS,
            "settings.allowed_to_transmit_vlans": Live.ALWAYS,
            "settings.source_mac_filtering_enabled": Live.ALWAYS,
        },
    ),
    _row(ResourceType.IDE_CONTROLLER),
    _row(ResourceType.SCSI_CONTROLLER, live_add=None, live_remove=None),
    _row(ResourceType.USB_CONTROLLER),
    _row(ResourceType.SERIAL_PORT, fixed={"resource_sub_type": ANOTHER_DEVICE}),
    _row(ResourceType.PARALLEL_PORT, fixed={"resource_sub_type": ANOTHER_DEVICE}),
    _row(
        ResourceType.GRAPHICS_CONTROLLER,
        live_modify={"settings.password": Live.ALWAYS},
        fixed={"resource_sub_type": ANOTHER_DEVICE},
    ),
    _row(
        ResourceType.IO_DEVICE,
        live_add=frozenset({*PASSED_THROUGH, "tablet"}),
        live_remove=frozenset(PASSED_THROUGH),
        fixed={"resource_sub_type": ANOTHER_DEVICE},
    ),
    _row(
        ResourceType.OTHER,
        other_types=tuple(sorted(row.other_type for row in devices.ROWS if row.other_type)),
        live_add=frozenset({"channel", "redirected_device", "rng", "vsock", "watchdog"}),
        live_add_needs={"channel": "virtio_serial_controller"},
        live_remove=frozenset({"channel", "redirected_device", "rng", "vsock", "watchdog"}),
        fixed={"other_resource_type": ANOTHER_DEVICE},
    ),
)
ROWS: dict[ResourceType, AllocationCapabilities] = {row.resource_type: row for row in _ROWS}
"""What is the same on every host."""

_X86_ADAPTERS = (
    "virtio",
    "virtio-transitional",
    "virtio-non-transitional",
    "e1000e",
    "e1000",
    "igb",
    "rtl8139",
    "vmxnet3",
    "ne2k_pci",
    "pcnet",
    "i82551",
    "i82557b",
    "i82559er",
    "usb-net",
)
"""libvirt does not tell models of adapters: these are those of QEMU on x86.  Elsewhere every model is tried."""

_DRIVE_BUSES: Mapping[ResourceType, tuple[str, ...]] = {
    ResourceType.DISK_DRIVE: ("virtio", "scsi", "sata", "ide", "usb", "sd", "xen"),
    ResourceType.CD_DRIVE: ("sata", "ide", "scsi", "usb"),
    ResourceType.DVD_DRIVE: ("sata", "ide", "scsi", "usb"),
    ResourceType.FLOPPY_DRIVE: ("fdc",),
}
"""Buses for each kind of drive, most wanted first."""

_OFFERED_BY: Mapping[str, str] = {
    "rng": "devices/rng",
    "file_system": "devices/filesystem",
    "redirected_device": "devices/redirdev",
    "channel": "devices/channel",
}
"""What of the other types libvirt tells whether it is there."""


def _processors(row: AllocationCapabilities, facts: Facts) -> AllocationCapabilities:
    most = facts.offer.maximum_processors
    return replace(
        row,
        sub_types=facts.offer.processor_models,
        maximum={**row.maximum, "virtual_quantity": most} if most else row.maximum,
    )


def _memory(row: AllocationCapabilities, facts: Facts) -> AllocationCapabilities:
    step = MEMORY_STEP.get(facts.offer.architecture or facts.host.architecture or "", MIB)
    huge = sorted({size for cell in facts.host.cells for size in cell.page_sizes if size > 64 * 1024})
    return replace(
        row,
        minimum={**row.minimum, "virtual_quantity": step},
        maximum={"virtual_quantity": facts.memory // step * step} if facts.memory else {},
        increment={**row.increment, "virtual_quantity": step},
        words={**row.words, "settings.huge_page_size": tuple(str(size) for size in (0, *huge))},
    )


def _drives(row: AllocationCapabilities, facts: Facts) -> AllocationCapabilities:
    offered = facts.offer.words("devices/disk/bus")
    known = _DRIVE_BUSES[row.resource_type]
    return row if offered is None else replace(row, sub_types=tuple(bus for bus in known if bus in offered))


def _adapters(row: AllocationCapabilities, facts: Facts) -> AllocationCapabilities:
    x86 = (facts.offer.architecture or facts.host.architecture) in ("x86_64", "i686")
    emulated = bool(facts.offer.machine)
    told = facts.offer.words("devices/interface/model")
    return replace(row, sub_types=told or (_X86_ADAPTERS if x86 and emulated else None))


def _graphics(row: AllocationCapabilities, facts: Facts) -> AllocationCapabilities:
    consoles = facts.offer.words("devices/graphics/type")
    displays = facts.offer.words("devices/video/modelType")
    if consoles is None or displays is None:
        return row
    return replace(row, sub_types=(*consoles, *(model for model in displays if model != "none")))


def _io_devices(row: AllocationCapabilities, facts: Facts) -> AllocationCapabilities:
    passed = facts.offer.words("devices/hostdev/subsysType")
    if passed is None:
        return row
    # Older libvirt does not list mediated devices; they are PCI devices' children.
    types = (*passed, *(() if "mdev" in passed or "pci" not in passed else ("mdev",)))
    return replace(row, sub_types=(*INPUTS, *(word for word in types if word in PASSED_THROUGH)))


def _others(row: AllocationCapabilities, facts: Facts) -> AllocationCapabilities:
    missing = {name for name, path in _OFFERED_BY.items() if facts.offer.supported.get(path) is False}
    return replace(
        row,
        other_types=tuple(name for name in row.other_types or () if name not in missing),
        live_add=frozenset(row.live_add or ()) - missing,
        live_remove=frozenset(row.live_remove or ()) - missing,
    )


FROM_HOST: Mapping[ResourceType, Callable[[AllocationCapabilities, Facts], AllocationCapabilities]] = {
    ResourceType.PROCESSOR: _processors,
    ResourceType.MEMORY: _memory,
    ResourceType.DISK_DRIVE: _drives,
    ResourceType.CD_DRIVE: _drives,
    ResourceType.DVD_DRIVE: _drives,
    ResourceType.FLOPPY_DRIVE: _drives,
    ResourceType.ETHERNET_ADAPTER: _adapters,
    ResourceType.GRAPHICS_CONTROLLER: _graphics,
    ResourceType.IO_DEVICE: _io_devices,
    ResourceType.OTHER: _others,
}
"""What depends on the host, for the types where something does."""


def allocations(facts: Facts) -> dict[ResourceType, AllocationCapabilities]:
    """What the host can allocate of each type.  Words of settings are those of the type's row unless the host knows."""
    found = {}
    fewer_words: Mapping[ResourceType, Any] = disk_rows.WORDS
    for resource_type, row in ROWS.items():
        complete = FROM_HOST.get(resource_type, lambda same, _facts: same)(row, facts)
        if complete.sub_types == ():
            continue
        rows = row_of(resource_type).settings
        words = {f"settings.{name}": setting.words for name, setting in rows.items() if setting.words}
        found[resource_type] = replace(
            complete,
            unsupported={**UNSUPPORTED.get(resource_type, {}), **complete.unsupported},
            words={**words, **fewer_words.get(resource_type, {}), **complete.words},
        )
    return found
