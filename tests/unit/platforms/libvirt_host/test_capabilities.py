# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capabilities: what documents recorded from a libvirt 9 host without KVM say, and what others would."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Live
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import PROPERTIES
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.platforms import interface
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import capabilities as can
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import unsupported
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_xml import (
    Offer,
    read_host,
    read_offer,
    read_pool_kinds,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.node import version_text

RECORDED = Path(__file__).with_name("capabilities")
GIB = 2**30


def recorded(name: str) -> str:
    return (RECORDED / f"{name}.xml").read_text()


def built(machine: str = "pc", host: str | None = None, **settings: object):
    return can.build_capabilities(
        can.HostOffer(
            host=read_host(host or recorded("host")),
            offer=read_offer(recorded(f"emulator_{machine}")),
            pool_kinds=read_pool_kinds(recorded("pools")),
            libvirt_version=9_000_000,
            memory=8 * GIB + 5,
        ),
        settings,
    )


def with_kvm() -> str:
    return recorded("host").replace("<domain type='qemu'/>", "<domain type='qemu'/><domain type='kvm'/>")


def test_the_host_is_described():
    host = read_host(recorded("host"))
    assert host.uuid == "2ff7d0b2-af3f-4572-8329-e1dcb171fb9c"
    assert host.architecture == "x86_64"
    assert host.live_migration
    assert not host.iommu
    (cell,) = host.cells
    assert (cell.number, cell.processors, cell.page_sizes) == (0, (0, 1), (4096, 2 * 2**20, GIB))
    assert cell.memory
    assert cell.memory % 1024 == 0


def test_kvm_is_offered_only_where_the_host_says_so():
    assert built().virtual_system_types == ("qemu",)
    assert built(host=with_kvm()).virtual_system_types == ("kvm", "qemu")
    assert built(host=with_kvm()).default_settings["virtual_system_type"] == "kvm"


def test_kvm_is_not_the_default_for_an_architecture_it_does_not_run():
    xml = with_kvm().replace(
        "<guest>\n    <os_type>hvm</os_type>\n    <arch name='i686'>",
        "<guest><os_type>hvm</os_type><arch name='aarch64'><machine>virt-7.2</machine><domain type='qemu'/></arch>"
        "</guest><guest><os_type>hvm</os_type><arch name='i686'>",
    )
    chosen = built(host=xml, architecture="aarch64").default_settings
    assert chosen == {"virtual_system_type": "qemu", "architecture": "aarch64", "machine": "virt-7.2"}


def test_the_own_architecture_comes_first():
    assert built().architectures == ("x86_64", "i686")


def test_machines_start_with_their_aliases():
    machines = built().machines["x86_64"]
    assert machines[:2] == ("pc", "q35")
    assert "pc-q35-7.2" in machines
    assert len(machines) == len(set(machines))


@pytest.mark.parametrize(
    ("settings", "machine"),
    [({}, "pc"), ({"firmware": "uefi"}, "q35"), ({"secure_boot": True}, "q35"), ({"machine": "isapc"}, "isapc")],
)
def test_the_default_machine_fits_the_firmware(settings, machine):
    assert can.chosen_settings(read_host(recorded("host")), settings)["machine"] == machine


def test_firmware_and_modules_are_those_the_emulator_offers():
    offered = built("q35")
    assert offered.setting_words == {"firmware": ("bios", "uefi"), "tpm": ("none", "1.2", "2.0")}
    assert "secure_boot=True" not in offered.unsupported_settings
    assert "secure_boot=True" in built("pc").unsupported_settings


def test_without_firmware_files_there_is_no_uefi():
    xml = recorded("emulator_q35").replace("<value>efi</value>", "").replace("supported='yes'", "supported='no'")
    found = can.build_capabilities(can.HostOffer(read_host(recorded("host")), read_offer(xml)), {})
    assert found.setting_words == {"firmware": ("bios",), "tpm": ("none",)}


def test_what_libvirt_cannot_do_has_a_reason():
    reasons = built().unsupported_settings
    assert {"automatic_shutdown_action", "automatic_startup_action=restart_if_previously_active"} <= set(reasons)
    assert {name.partition("=")[0] for name in reasons} <= set(SYSTEM_SETTINGS)
    assert built().live_settings <= set(SYSTEM_SETTINGS)


def test_all_verbs_are_offered():
    operations = set()
    for change in interface.VERBS:
        operation = change.operation
        operations |= {operation} if isinstance(operation, str) else set()
    assert operations | {"create_resource_pool", "create_child_resource_pool"} == set(built().methods)
    assert built().snapshot_types == {SnapshotType.FULL, SnapshotType.DISK}
    assert built().starts_paused


def test_every_name_in_the_allocations_is_one_of_the_model():
    for resource_type, row in built().allocation.items():
        known = {*PROPERTIES, *(f"settings.{name}" for name in RESOURCE_ROWS[resource_type].settings)}
        for names in (row.default, row.minimum, row.maximum, row.increment, row.unsupported, row.words):
            assert set(names) <= known, resource_type
        assert set(row.live_modify) | set(row.fixed) <= known, resource_type


def test_every_type_of_the_model_can_be_allocated():
    assert set(built().allocation) == set(RESOURCE_ROWS)


def test_processors_are_limited_by_the_machine():
    pc, q35 = (built(machine).allocation[ResourceType.PROCESSOR] for machine in ("pc", "q35"))
    assert (pc.maximum["virtual_quantity"], q35.maximum["virtual_quantity"]) == (255, 288)
    assert pc.minimum["virtual_quantity"] == pc.default["virtual_quantity"] == 1
    assert "reservation" in pc.unsupported
    assert pc.live_modify["virtual_quantity"] is Live.GROW_TO_MAXIMUM


def test_processor_modes_and_models_are_those_that_can_run():
    models = built().allocation[ResourceType.PROCESSOR].sub_types
    assert models is not None
    assert {"host-model", "maximum", "qemu64"} <= set(models)
    assert not {"host-passthrough", "custom", "EPYC-Milan"} & set(models)  # plain emulation


def test_memory_is_limited_by_the_host_in_steps_that_libvirt_keeps():
    memory = built().allocation[ResourceType.MEMORY]
    assert memory.maximum["virtual_quantity"] == 8 * GIB
    assert memory.increment["virtual_quantity"] == memory.minimum["virtual_quantity"] == 2**20
    assert memory.words["settings.huge_page_size"] == ("0", str(2 * 2**20), str(GIB))
    assert memory.live_modify["virtual_quantity"] is Live.REQUESTED
    assert "weight" in memory.unsupported


def test_buses_are_those_of_the_machine():
    assert built("pc").allocation[ResourceType.DISK_DRIVE].sub_types == ("virtio", "scsi", "sata", "ide", "usb")
    assert built("q35").allocation[ResourceType.DISK_DRIVE].sub_types == ("virtio", "scsi", "sata", "usb")
    assert built("q35").allocation[ResourceType.CD_DRIVE].sub_types == ("sata", "scsi", "usb")
    assert built("pc").allocation[ResourceType.FLOPPY_DRIVE].sub_types == ("fdc",)


def test_a_drive_without_bus_cannot_be_allocated():
    xml = recorded("emulator_q35").replace("<value>fdc</value>", "")
    found = can.build_capabilities(can.HostOffer(read_host(recorded("host")), read_offer(xml)), {})
    assert ResourceType.FLOPPY_DRIVE not in found.allocation


def test_disks_are_plugged_where_that_is_possible():
    disk = built().allocation[ResourceType.DISK_DRIVE]
    assert disk.live_add == disk.live_remove == {"virtio", "scsi", "usb"}
    assert disk.live_modify["virtual_quantity"] is Live.GROW
    assert {"pool_id", "settings.format", "resource_sub_type"} == set(disk.fixed)
    assert {"reservation", "limit", "weight"} <= set(disk.unsupported)


def test_media_are_changed_while_the_guest_runs():
    for resource_type in (ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE):
        assert built().allocation[resource_type].live_modify["host_resource"] is Live.ALWAYS
        assert built().allocation[resource_type].live_add == frozenset()


def test_adapters_can_all_be_plugged():
    adapter = built().allocation[ResourceType.ETHERNET_ADAPTER]
    assert adapter.live_add is adapter.live_remove is None
    assert adapter.sub_types is not None
    assert {"virtio", "e1000e"} <= set(adapter.sub_types)
    assert adapter.increment["limit"] == 8000
    assert {"connection", "settings.link_state", "limit"} <= set(adapter.live_modify)


def test_graphics_are_consoles_and_displays():
    graphics = built().allocation[ResourceType.GRAPHICS_CONTROLLER].sub_types
    assert graphics is not None
    assert {"vnc", "spice", "vga", "qxl", "virtio"} <= set(graphics)
    assert "none" not in graphics


def test_what_has_no_place_in_a_document_is_not_supported():
    for resource_type, reasons in unsupported.UNSUPPORTED.items():
        row = built().allocation[resource_type]
        assert set(reasons) <= set(row.unsupported)
        assert not set(row.unsupported) & {*row.live_modify, *row.fixed, *row.minimum}


def test_devices_that_libvirt_does_not_offer_are_left_out():
    xml = recorded("emulator_pc").replace("<rng supported='yes'>", "<rng supported='no'>")
    found = can.build_capabilities(can.HostOffer(read_host(recorded("host")), read_offer(xml)), {})
    others, before = found.allocation[ResourceType.OTHER], built().allocation[ResourceType.OTHER]
    assert set(before.other_types or ()) - set(others.other_types or ()) == {"rng"}
    assert "rng" not in (others.live_add or ())


def test_words_of_settings_are_those_of_the_model_where_the_host_says_nothing():
    disk = built().allocation[ResourceType.DISK_DRIVE]
    assert disk.words["settings.cache"] == RESOURCE_ROWS[ResourceType.DISK_DRIVE].settings["cache"].words


def test_pools_are_those_the_host_was_built_with():
    found = built()
    assert found.pool_types[ResourceType.DISK_DRIVE] == (
        "dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath",
    )  # fmt: skip
    assert {"isolated", "nat", "route", "open", "bridge"} <= set(found.pool_types[ResourceType.ETHERNET_ADAPTER])
    kinds = {(resource_type, kind) for resource_type, names in found.pool_types.items() for kind in names}
    assert set(found.pools) == kinds
    assert "ext4" in found.pools[(ResourceType.DISK_DRIVE, "fs")].words["settings.source_format"]


def test_a_driver_that_tells_nothing_restricts_nothing():
    xml = """<capabilities><host><cpu><arch>i686</arch></cpu></host>
      <guest><os_type>hvm</os_type><arch name='i686'><domain type='test'/></arch></guest></capabilities>"""
    found = can.build_capabilities(can.HostOffer(read_host(xml)), {})
    assert found.virtual_system_types == ("test",)
    assert found.default_settings == {"virtual_system_type": "test", "architecture": "i686"}
    assert found.allocation[ResourceType.DISK_DRIVE].sub_types is None
    assert found.allocation[ResourceType.ETHERNET_ADAPTER].sub_types is None
    assert set(found.pool_types[ResourceType.DISK_DRIVE]) >= {"dir", "rbd"}


def test_an_emulator_of_its_own_comes_before_that_of_the_architecture():
    xml = """<capabilities><host/><guest><os_type>hvm</os_type><arch name='x86_64'>
      <emulator>/usr/bin/qemu</emulator><machine canonical='pc-1'>pc</machine>
      <domain type='qemu'/><domain type='kvm'><emulator>/usr/bin/kvm</emulator><machine>other</machine></domain>
      </arch></guest></capabilities>"""
    host = read_host(xml)
    assert [(guest.emulator, guest.machines[0].name) for guest in host.guests] == [
        ("/usr/bin/qemu", "pc"),
        ("/usr/bin/kvm", "other"),
    ]
    found = can.guest_for(host, {"virtual_system_type": "kvm", "architecture": "x86_64"})
    assert found is host.guests[1]
    assert can.guest_for(host, {"virtual_system_type": "xen", "architecture": "x86_64"}) is None


def test_an_offer_says_what_it_does_not_know():
    assert Offer().words("devices/disk/bus") is None
    assert can.has_uefi(Offer())


def test_versions_are_written_as_people_do():
    assert version_text(9_000_000) == "9.0.0"
    assert version_text(7_002_022) == "7.2.22"
    assert version_text(None) is None
