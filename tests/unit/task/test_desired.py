# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters become the model, and what is wrong with them is told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import DesiredPool
from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import DesiredSnapshot
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import (
    RESOURCE_OPTIONS,
    desired_pool,
    desired_resource,
    desired_snapshot,
    desired_system,
    desired_with_resource,
    mac_address,
)

MIB = 2**20
GIB = 2**30
DISK = ResourceType.DISK_DRIVE
NIC = ResourceType.ETHERNET_ADAPTER

RESOURCES: dict[str, tuple[dict[str, Any], Rasd]] = {
    "text with a unit": (
        {"resource_type": "memory", "virtual_quantity": "4 GiB"},
        Rasd(ResourceType.MEMORY, virtual_quantity=4 * GIB),
    ),
    "an integer is bytes": (
        {"resource_type": "memory", "virtual_quantity": 1048576},
        Rasd(ResourceType.MEMORY, virtual_quantity=MIB),
    ),
    "a number as text": (
        {"resource_type": "processor", "virtual_quantity": "2"},
        Rasd(ResourceType.PROCESSOR, virtual_quantity=2),
    ),
    "a programmatic unit": (
        {"resource_type": "memory", "virtual_quantity": "byte * 2^30"},
        Rasd(ResourceType.MEMORY, virtual_quantity=GIB),
    ),
    "a unit apart counts for the maximum too": (
        {
            "resource_type": "memory",
            "virtual_quantity": 1,
            "maximum_quantity": 2,
            "virtual_quantity_units": "GiB",
        },
        Rasd(ResourceType.MEMORY, virtual_quantity=GIB, maximum_quantity=2 * GIB),
    ),
    "a maximum with a unit of its own": (
        {
            "resource_type": "memory",
            "virtual_quantity": 512,
            "maximum_quantity": "1 GiB",
            "virtual_quantity_units": "MiB",
        },
        Rasd(ResourceType.MEMORY, virtual_quantity=512 * MIB, maximum_quantity=GIB),
    ),
    "reservation and limit have the unit of the type": (
        {"resource_type": "ethernet_adapter", "reservation": "8 Mbit/s", "limit": "1 MB/s", "weight": "5"},
        Rasd(NIC, reservation=8_000_000, limit=8_000_000, weight=5),
    ),
    "percent of a processor": (
        {"resource_type": "processor", "limit": "150 %"},
        Rasd(ResourceType.PROCESSOR, limit=150),
    ),
    "shorter names": (
        {"type": "disk_drive", "sub_type": "scsi", "quantity": "1 GiB", "pool": "p"},
        Rasd(DISK, resource_sub_type="scsi", virtual_quantity=GIB, pool_id="p"),
    ),
    "a shorter name beside the same value": (
        {"type": "memory", "resource_type": "memory", "quantity": "1 GiB", "virtual_quantity": "1 GiB"},
        Rasd(ResourceType.MEMORY, virtual_quantity=GIB),
    ),
    "the format as a sub-type": (
        {"resource_type": "disk_drive", "resource_sub_type": "qcow2"},
        Rasd(DISK, settings={"format": "qcow2"}),
    ),
    "the same format twice": (
        {"resource_type": "disk_drive", "resource_sub_type": "raw", "settings": {"format": "raw"}},
        Rasd(DISK, settings={"format": "raw"}),
    ),
    "words become enumerations": (
        {
            "resource_type": "io_device",
            "resource_sub_type": "pci",
            "consumer_visibility": "passed_through",
            "mapping_behavior": "dedicated",
            "host_resource": ["0000:01:00.0"],
            "automatic_allocation": "yes",
            "automatic_deallocation": False,
        },
        Rasd(
            ResourceType.IO_DEVICE,
            resource_sub_type="pci",
            consumer_visibility=ConsumerVisibility.PASSED_THROUGH,
            mapping_behavior=MappingBehavior.DEDICATED,
            host_resource=("0000:01:00.0",),
            automatic_allocation=True,
            automatic_deallocation=False,
        ),
    ),
    "a MAC address": (
        {"resource_type": "ethernet_adapter", "address": "52-54-00-AB-CD-EF", "connection": ["lab"]},
        Rasd(NIC, address="52:54:00:ab:cd:ef", connection=("lab",)),
    ),
    "an address that is no MAC": (
        {"resource_type": "io_device", "address": "0000:01:00.0"},
        Rasd(ResourceType.IO_DEVICE, address="0000:01:00.0"),
    ),
    "empty lists are values": (
        {"resource_type": "cd_drive", "host_resource": []},
        Rasd(ResourceType.CD_DRIVE, host_resource=()),
    ),
    "a text for a list of one": (
        {"resource_type": "ethernet_adapter", "connection": "lab"},
        Rasd(NIC, connection=("lab",)),
    ),
    "settings": (
        {
            "resource_type": "ethernet_adapter",
            "settings": {
                "receive_bandwidth_limit": "1 Mbit/s",
                "allowed_to_transmit_vlans": ["1", 2],
                "link_state": "down",
                "promiscuous": "no",
            },
        },
        Rasd(
            NIC,
            settings={
                "receive_bandwidth_limit": 1_000_000,
                "allowed_to_transmit_vlans": (1, 2),
                "link_state": "down",
                "promiscuous": False,
            },
        ),
    ),
    "null is not managed, also where another type has the setting": (
        {"resource_type": "memory", "virtual_quantity": None, "name": None, "settings": {"slots": None, "cache": None}},
        Rasd(ResourceType.MEMORY),
    ),
    "no limit where there is none anyway": (
        {"resource_type": "disk_drive", "limit": 0},
        Rasd(DISK, limit=0),
    ),
    "a type of another world": (
        {"resource_type": "tape_drive", "virtual_quantity": 2, "limit": 3},
        Rasd(ResourceType.TAPE_DRIVE, virtual_quantity=2, limit=3),
    ),
    "what other is": (
        {"resource_type": "other", "other_resource_type": "sound", "resource_sub_type": "ich9"},
        Rasd(ResourceType.OTHER, other_resource_type="sound", resource_sub_type="ich9"),
    ),
}


@pytest.mark.parametrize(("given", "expected"), RESOURCES.values(), ids=RESOURCES)
def test_a_resource_entry_becomes_the_model(given: dict[str, Any], expected: Rasd) -> None:
    assert desired_resource(given, "resources: entry 1") == expected


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"name": "x"}, "resources: entry 3: resource_type is needed; allowed are base_partitionable_unit,"),
    "unknown type": (
        {"resource_type": "disc"},
        "resources: entry 3: resource_type: 'disc' is not known; allowed are base_partitionable_unit,",
    ),
    "unknown option": (
        {"resource_type": "memory", "size": 3},
        "resources: entry 3: option: 'size' is not known; allowed are address,",
    ),
    "unknown setting": (
        {"resource_type": "memory", "settings": {"huge": True}},
        "resources: entry 3 (memory): settings: setting: 'huge' is not known; allowed are huge_page_size, locked, slots",
    ),
    "setting of another type": (
        {"resource_type": "memory", "name": "ram", "settings": {"cache": "none"}},
        "resources: entry 3 (memory 'ram'): settings: setting: 'cache' is not known; allowed are huge_page_size,",
    ),
    "unknown word": (
        {"resource_type": "disk_drive", "settings": {"cache": "fast"}},
        "resources: entry 3 (disk_drive): settings: cache: 'fast' is not known; allowed are default, directsync,",
    ),
    "unknown unit": (
        {"resource_type": "memory", "virtual_quantity": "4 GiX"},
        "resources: entry 3 (memory): virtual_quantity: unit 'GiX' is not known; allowed are B, KiB,",
    ),
    "unit of something else": (
        {"resource_type": "memory", "virtual_quantity": "4 Mbit/s"},
        "virtual_quantity: unit 'Mbit/s' measures bit / second, not byte",
    ),
    "two units": (
        {"resource_type": "memory", "virtual_quantity": "4 GiB", "virtual_quantity_units": "MiB"},
        "virtual_quantity: '4 GiB' has a unit and a separate unit 'MiB' is given as well",
    ),
    "a unit of nothing": (
        {"resource_type": "memory", "virtual_quantity_units": "MiB"},
        "virtual_quantity_units is given without virtual_quantity",
    ),
    "half a byte": ({"resource_type": "memory", "virtual_quantity": 0.5}, "0.5 is not a whole number of byte"),
    "negative": ({"resource_type": "memory", "virtual_quantity": -1}, "virtual_quantity: -1 is negative"),
    "true as a quantity": ({"resource_type": "memory", "virtual_quantity": True}, "expected a quantity, got True"),
    "reservation of a disk": (
        {"resource_type": "disk_drive", "reservation": 5},
        "resources: entry 3 (disk_drive): this type of resource has no reservation",
    ),
    "two names for one option": (
        {"resource_type": "memory", "quantity": "1 GiB", "virtual_quantity": "2 GiB"},
        "resources: entry 3: virtual_quantity is given twice",
    ),
    "two formats": (
        {"resource_type": "disk_drive", "resource_sub_type": "raw", "settings": {"format": "qcow2"}},
        "resource_sub_type 'raw' and settings: format 'qcow2' contradict each other",
    ),
    "no MAC": (
        {"resource_type": "ethernet_adapter", "address": "52:54:00"},
        "address: '52:54:00' is not a MAC address, such as 52:54:00:ab:cd:ef",
    ),
    "a MAC that YAML read as a number": (
        {"resource_type": "ethernet_adapter", "address": 41135421296},
        "in YAML, an address of decimal digits has to be in quotes",
    ),
    "the MAC of a group": (
        {"resource_type": "ethernet_adapter", "address": "01:00:5e:00:00:01"},
        "address: '01:00:5e:00:00:01' is the address of a group",
    ),
    "a size of what is not a count": (
        {"resource_type": "storage_volume", "virtual_quantity": "8 apples"},
        "unit 'apples' is not known; allowed are B",
    ),
    "a name with a tab": (
        {"resource_type": "memory", "name": "a\tb"},
        "name: the character U+0009 cannot be part of it",
    ),
    "a text that no document holds": (
        {"resource_type": "disk_drive", "settings": {"serial": "a\x01"}},
        "serial: the character U+0001 cannot be part of it",
    ),
    "a list that no document holds": (
        {"resource_type": "disk_drive", "host_resource": ["/a\x00b"]},
        "host_resource: the character U+0000 cannot be part of it",
    ),
    "unknown visibility": (
        {"resource_type": "io_device", "consumer_visibility": "seen"},
        "consumer_visibility: 'seen' is not known; allowed are not_represented, passed_through, unknown, virtualized",
    ),
    "no flag": (
        {"resource_type": "memory", "automatic_allocation": "maybe"},
        "automatic_allocation: expected true or false, got 'maybe'",
    ),
    "no weight": ({"resource_type": "memory", "weight": "heavy"}, "weight: expected a whole number, got 'heavy'"),
    "no list": ({"resource_type": "memory", "host_resource": {"a": 1}}, "host_resource: expected a list, got {'a': 1}"),
    "an empty name": ({"resource_type": "memory", "name": " "}, "resources: entry 3: name: a name is needed"),
    "settings as a text": ({"resource_type": "memory", "settings": "x"}, "expected names with values, got 'x'"),
}


@pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_an_entry_is_told_with_its_place(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        desired_resource(given, "resources: entry 3")
    assert message in caught.value.message
    assert caught.value.message.startswith("resources: entry 3")


def test_unknown_names_come_with_those_that_are_allowed() -> None:
    with pytest.raises(InvalidInput) as caught:
        desired_resource({"resource_type": "memory", "nam": "x"}, "resource")
    assert caught.value.details["allowed"] == sorted(RESOURCE_OPTIONS)


def test_an_entry_that_is_no_mapping_is_told() -> None:
    with pytest.raises(InvalidInput, match="resources: entry 2: expected names with values, got 'disk'"):
        desired_system({"name": "web", "resources": [{"type": "memory"}, "disk"]})


def test_a_virtual_system() -> None:
    desired = desired_system(
        {
            "name": "web",
            "uuid": "6A2F1D1E-6F5A-4D7C-9A55-0F6F2F0A7B11",
            "state": "active",
            "settings": {"firmware": "uefi", "machine": None, "boot_order": ["root"]},
            "resources": [{"resource_type": "memory", "virtual_quantity": "1 GiB"}],
            "exclusive": True,
            "allow_restart": True,
            "shutdown_timeout": 5,
            "force_off": True,
            "remove_storage": True,
        }
    )
    assert desired == DesiredSystem(
        name="web",
        uuid="6a2f1d1e-6f5a-4d7c-9a55-0f6f2f0a7b11",
        state="active",
        settings={"firmware": "uefi", "boot_order": ("root",)},
        resources=(Rasd(ResourceType.MEMORY, virtual_quantity=GIB),),
        exclusive=True,
        allow_restart=True,
        shutdown_timeout=5.0,
        force_off=True,
        remove_storage=True,
    )


def test_only_a_name_manages_nothing_but_existence() -> None:
    assert desired_system({"name": "web"}) == DesiredSystem("web")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": ""}, "name: a name is needed"),
        ({"name": "web", "uuid": "x"}, "uuid: 'x' is not a UUID"),
        (
            {"name": "web", "settings": {"firmwar": "uefi"}},
            "settings: setting: 'firmwar' is not known; allowed are arch",
        ),
        (
            {"name": "web", "settings": {"firmware": "efi"}},
            "settings: firmware: 'efi' is not known; allowed are bios, uefi",
        ),
        ({"name": "we\x07b"}, "name: the character U+0007 cannot be part of it"),
        ({"name": "we\nb"}, "name: the character U+000A cannot be part of it"),
        ({"name": "web", "settings": {"description": "a\x01"}}, "settings: description: the character U+0001"),
        ({"name": "web", "exclusive": True}, "there is no such list"),
        ({"name": "web", "resources": "memory"}, "resources: expected a list of resource entries, got 'memory'"),
        ({"name": "web", "shutdown_timeout": "long"}, "shutdown_timeout: expected a number of seconds, got 'long'"),
        ({"name": "web", "shutdown_timeout": -1}, "shutdown_timeout: -1 is negative"),
    ],
)
def test_what_is_wrong_with_a_virtual_system_is_told(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        desired_system(params)
    assert message in caught.value.message


def test_lines_end_as_in_documents() -> None:
    params = {"name": "web", "settings": {"description": "one\r\ntwo\rthree\n"}}
    assert desired_system(params).settings == {"description": "one\ntwo\nthree\n"}


def test_an_empty_list_of_resources_is_a_list() -> None:
    assert desired_system({"name": "web", "resources": [], "exclusive": True}).exclusive


def test_one_resource_present_and_absent() -> None:
    params = {"virtual_system": "web", "resource_type": "disk_drive", "name": "data", "remove_storage": True}
    rasd = Rasd(DISK, name="data")
    assert desired_with_resource(params) == (DesiredSystem("web", resources=(rasd,), remove_storage=True), rasd)
    desired, _rasd = desired_with_resource({**params, "state": "absent"})
    assert desired == DesiredSystem("web", absent_resources=(rasd,), remove_storage=True)


def test_one_resource_is_named_in_its_errors() -> None:
    with pytest.raises(InvalidInput, match=r"^memory: virtual_quantity: unit 'x' is not known"):
        desired_with_resource({"virtual_system": "web", "resource_type": "memory", "virtual_quantity": "1 x"})


def test_a_storage_pool() -> None:
    desired = desired_pool(
        {
            "pool_id": "vmpool",
            "resource_type": "disk_drive",
            "resource_sub_type": "dir",
            "host_resource": ["/srv"],
            "state": "active",
            "automatic_startup": True,
            "settings": {"target_path": "/srv", "build": "yes", "addresses": None},
        }
    )
    assert desired == DesiredPool(
        ResourcePool(
            "vmpool",
            DISK,
            "dir",
            host_resource=("/srv",),
            automatic_startup=True,
            settings={"target_path": "/srv", "build": True},
        ),
        "active",
    )


def test_a_network() -> None:
    desired = desired_pool(
        {
            "pool_id": "lab",
            "resource_type": "ethernet_adapter",
            "settings": {
                "addresses": ["10.0.0.1/24"],
                "dhcp_ranges": [{"start": "10.0.0.2", "end": "10.0.0.9"}],
                "dhcp_hosts": [{"mac": "52-54-00-AA-BB-CC", "address": "10.0.0.3", "name": None}, {"name": "x"}],
            },
        }
    )
    assert desired.state == "present"
    assert desired.pool.settings == {
        "addresses": ("10.0.0.1/24",),
        "dhcp_ranges": ({"start": "10.0.0.2", "end": "10.0.0.9"},),
        "dhcp_hosts": ({"mac": "52:54:00:aa:bb:cc", "address": "10.0.0.3"}, {"name": "x"}),
    }


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"pool_id": "p", "resource_type": "disc"}, "resource_type: 'disc' is not known"),
        (
            {"pool_id": "p", "resource_type": "disk_drive", "settings": {"bridge": "br0"}},
            "settings: setting: 'bridge' is not known; allowed are build, source_format",
        ),
        (
            {"pool_id": "p", "resource_type": "processor", "settings": {"bridge": "br0"}},
            "settings: setting: 'bridge' is not known",
        ),
        (
            {"pool_id": "p", "resource_type": "ethernet_adapter", "settings": {"dhcp_hosts": [{"mac": "x"}]}},
            "settings: dhcp_hosts: mac: 'x' is not a MAC address",
        ),
    ],
)
def test_what_is_wrong_with_a_pool_is_told(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        desired_pool(params)
    assert message in caught.value.message


def test_a_snapshot() -> None:
    assert desired_snapshot({"name": "one", "snapshot_type": "disk", "quiesce": True, "description": "x"}) == (
        DesiredSnapshot("one", snapshot_type=SnapshotType.DISK, quiesce=True, description="x")
    )
    with pytest.raises(InvalidInput, match="snapshot_type: 'half' is not known; allowed are disk, full"):
        desired_snapshot({"name": "one", "snapshot_type": "half"})


@pytest.mark.parametrize("text", ["52:54:00:AB:cd:EF", "5254.00ab.cdef", "525400abcdef", " 52-54-00-ab-cd-ef "])
def test_mac_addresses_are_written_in_one_way(text: str) -> None:
    assert mac_address(text, "address") == "52:54:00:ab:cd:ef"
