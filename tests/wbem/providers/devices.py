# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices of instantiated systems.  Systems that are off have none: their sizes are in their settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from tests.wbem.providers import pools, resources, systems
from tests.wbem.world import Reading, Section

CLASSES = {
    ResourceType.PROCESSOR: "Processor",
    ResourceType.MEMORY: "Memory",
    ResourceType.DISK_DRIVE: "DiskDrive",
    ResourceType.CD_DRIVE: "CDROMDrive",
    ResourceType.DVD_DRIVE: "DVDDrive",
    ResourceType.FLOPPY_DRIVE: "DisketteDrive",
    ResourceType.ETHERNET_ADAPTER: "EthernetPort",
    ResourceType.SERIAL_PORT: "SerialController",
    ResourceType.PARALLEL_PORT: "ParallelController",
    ResourceType.GRAPHICS_CONTROLLER: "DisplayController",
    ResourceType.IDE_CONTROLLER: "IDEController",
    ResourceType.SCSI_CONTROLLER: "SCSIProtocolController",
    ResourceType.USB_CONTROLLER: "USBController",
    ResourceType.IO_DEVICE: "PointingDevice",
}


def instantiated(reading: Reading) -> Iterator[resources.Allocation]:
    """The allocations that have devices."""
    for system in reading.systems:
        for found in resources.allocations(system):
            if found.live and found.rasd.resource_type in CLASSES:
                yield found


def instance(reading: Reading, found: resources.Allocation) -> Any:
    """The device of an allocation."""
    suffix = CLASSES[found.rasd.resource_type]
    rasd = found.rasd
    more: dict[str, Any] = {}
    if suffix == "Memory":
        more = {"BlockSize": 1024, "NumberOfBlocks": (rasd.virtual_quantity or 0) // 1024, "Volatile": True}
    elif suffix == "Processor":
        more = {"NumberOfEnabledCores": rasd.virtual_quantity, "CPUStatus": 1}
    elif suffix == "EthernetPort":
        address = (rasd.address or "").replace(":", "")
        more = {"PermanentAddress": address or None, "NetworkAddresses": [address] if address else None}
        more["LinkTechnology"] = 2
    return reading.make(
        suffix,
        SystemCreationClassName=reading.name_of("ComputerSystem"),
        SystemName=systems.key(found.system),
        CreationClassName=reading.name_of(suffix),
        DeviceID=found.instance_id,
        ElementName=rasd.label,
        EnabledState=2,
        OperationalStatus=[2],
        **more,
    )


def _devices(reading: Reading) -> Iterator[Any]:
    for found in instantiated(reading):
        yield instance(reading, found)


def _of_systems(reading: Reading) -> Iterator[Any]:
    for found in instantiated(reading):
        yield reading.link(
            "SystemDevice",
            GroupComponent=systems.computer_system(reading, found.system),
            PartComponent=instance(reading, found),
        )


def _states(reading: Reading) -> Iterator[Any]:
    for found in instantiated(reading):
        yield reading.link(
            "SettingsDefineState",
            ManagedElement=instance(reading, found),
            SettingData=resources.path(reading, found),
        )


def _from_pools(reading: Reading) -> Iterator[Any]:
    for found in instantiated(reading):
        pool = pools.of_resource(reading, found.rasd)
        if pool is not None:
            yield reading.link(
                "ElementAllocatedFromPool",
                Antecedent=pools.instance(reading, pool),
                Dependent=instance(reading, found),
            )


SECTIONS = (
    Section(tuple(sorted(set(CLASSES.values()))), _devices),
    Section(("SystemDevice",), _of_systems),
    Section(("SettingsDefineState",), _states),
    Section(("ElementAllocatedFromPool",), _from_pools),
)
