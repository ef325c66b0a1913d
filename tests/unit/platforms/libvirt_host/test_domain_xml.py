# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of domains: what is read, what an edit changes, and that nothing else changes."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, HostFailed, InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import (
    PROPERTIES,
    MappingBehavior,
    Rasd,
    values,
    with_values,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType as Type
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import (
    differences,
    is_machine,
    setting_differences,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import system_settings, tuning_rows
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.aliases import alias_of, name_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.devices import ROWS, row_for
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.new_domain import (
    DomainFacts,
    new_domain,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.unsupported import UNSUPPORTED
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import VolumeFact
from tests.unit.platforms.libvirt_host.domain_samples import (
    DEVICES,
    GIB,
    MEMORY,
    MIB,
    OTHER_SETTINGS,
    PROCESSOR,
    SETTINGS,
    Sample,
)

FOLDER = Path(__file__).with_name("domains")
CASES = yaml.safe_load((FOLDER / "cases.yml").read_text(encoding="utf-8"))
SAMPLES = {"processor": PROCESSOR, "memory": MEMORY, **DEVICES}
PLAIN = {"virtual_system_type": "qemu", "architecture": "x86_64", "machine": "q35"}


def document(name: str) -> DomainDocument:
    return DomainDocument.parse((FOLDER / name).read_text(encoding="utf-8"))


def resource(configuration: Configuration, instance_id: str) -> Rasd:
    found = [rasd for rasd in configuration.resources if rasd.instance_id == instance_id]
    assert len(found) == 1, [rasd.instance_id for rasd in configuration.resources]
    return found[0]


def inside(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def changed_lines(before: str, after: str) -> str:
    """The lines that go and come; a block of them begins where its element begins."""
    old, new = before.splitlines(), after.splitlines()
    found = []
    for tag, old_start, old_end, new_start, new_end in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag in ("replace", "delete"):
            found += [f"-{line}\n" for line in slid(old, old_start, old_end, tag == "delete")]
        if tag in ("replace", "insert"):
            found += [f"+{line}\n" for line in slid(new, new_start, new_end, tag == "insert")]
    return "".join(found)


def slid(lines: list[str], start: int, end: int, alone: bool) -> list[str]:
    if alone and end < len(lines) and lines[start] == lines[end] and lines[start].strip().startswith("</"):
        start, end = start + 1, end + 1
    return lines[start:end]


def carry_out(doc: DomainDocument, case: dict[str, Any]) -> str:
    if "add" in case:
        declared = {name: inside(value) for name, value in case["add"].items()}
        declared["resource_type"] = Type.from_word(declared["resource_type"])
        return doc.add(Rasd(**declared))
    if "settings" in case:
        doc.apply_settings({name: (None, inside(value)) for name, value in case["settings"].items()})
        return ""
    rasd = resource(doc.configuration(), case.get("modify") or case["remove"])
    if "remove" in case:
        return doc.remove(rasd)
    return doc.modify(rasd, {name: (values(rasd).get(name), inside(value)) for name, value in case["to"].items()})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_edit_changes_what_it_names_and_nothing_else(case: dict[str, Any]) -> None:
    doc = document(case["in"])
    before = doc.to_xml()
    text = carry_out(doc, case)
    assert changed_lines(before, doc.to_xml()) == case["diff"]
    if "text" in case:
        assert text == case["text"].rstrip("\n")


@pytest.mark.parametrize("name", ["rich.xml", "small.xml"])
def test_untouched_document_is_the_same_byte_for_byte(name: str) -> None:
    doc = document(name)
    doc.configuration()
    assert doc.to_xml() == (FOLDER / name).read_text(encoding="utf-8")
    doc.edited()
    assert doc.to_xml() == (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        "<a></a>",
        "<a ></a >",
        "<a><b/><!-- c --><?p i?>t<b></b>u<![CDATA[<&]]>v</a>",
        "<?xml version='1.0'?>\n<!-- x -->\n<a b = \"'\" c='\"&lt;&#10;>'>\n\t<b/>\r\n</a>\n<!-- y --> <?z?>\n",
        "<a xmlns='urn:x' xmlns:y='urn:y' y:z='1'><y:b/>&amp;&#x41;</a>",
    ],
)
def test_text_of_any_document_survives(text: str) -> None:
    doc = DomainDocument.parse(text)
    doc.edited()
    assert doc.to_xml() == text


def test_what_is_no_document_is_told() -> None:
    with pytest.raises(HostFailed, match="cannot be read"):
        DomainDocument.parse("<domain>")


# Reading


class Known:
    """Volumes of one pool, and the size of one disk outside."""

    def describe(self, path: str) -> VolumeFact | None:
        if path == "default/data.img":
            return VolumeFact("default", "data.img", "/images/data.img", 5 * GIB, "raw")
        return None

    def capacity(self, target_or_path: str) -> int | None:
        return {"/images/root & more.qcow2": 10 * GIB, "vdc": 7 * GIB}.get(target_or_path)


def read_rich() -> Configuration:
    return document("rich.xml").configuration(Known())


def test_settings_are_read() -> None:
    assert read_rich().settings == {
        "virtual_system_type": "kvm",
        "architecture": "x86_64",
        "machine": "pc-q35-7.2",
        "firmware": "bios",
        "secure_boot": False,
        "tpm": "2.0",
        "automatic_recovery_action": "restart",
        "boot_order": ("disk_drive",),
        "clock_offset": "utc",
        "guest_agent": True,
    }


@pytest.mark.parametrize(
    ("instance_id", "expected"),
    [
        (
            "processor",
            {
                "resource_sub_type": "host-passthrough",
                "virtual_quantity": 2,
                "maximum_quantity": 4,
                "weight": 512,
                "settings.sockets": 1,
                "settings.cores": 4,
                "settings.threads": 1,
            },
        ),
        ("memory", {"virtual_quantity": 2 * GIB, "maximum_quantity": 4 * GIB}),
        (
            "disk/vda",
            {
                "resource_sub_type": "virtio",
                "name": "root",
                "virtual_quantity": 10 * GIB,
                "host_resource": ("/images/root & more.qcow2",),
                "address_on_parent": "vda",
                "settings.format": "qcow2",
                "settings.cache": "writeback",
                "settings.startup_policy": "optional",
                "settings.total_bytes_sec": 1000000,
            },
        ),
        (
            "disk/vdb",
            {
                "resource_sub_type": "virtio",
                "virtual_quantity": 5 * GIB,
                "pool_id": "default",
                "host_resource": ("/images/data.img",),
                "address_on_parent": "vdb",
                "settings.format": "raw",
            },
        ),
        (
            "disk/vdc",
            {
                "resource_sub_type": "virtio",
                "virtual_quantity": 7 * GIB,
                "host_resource": ("rbd://mon1:6789,[fd00::2]:6789/pool/image",),
                "address_on_parent": "vdc",
                "settings.format": "raw",
            },
        ),
        (
            "interface/52:54:00:ab:cd:01",
            {
                "resource_sub_type": "virtio",
                "limit": 128 * 8000,
                "pool_id": "default",
                "connection": ("default",),
                "address": "52:54:00:ab:cd:01",
                "settings.receive_bandwidth_limit": 8000000,
                "settings.port_group": "blue",
                "settings.queues": 4,
                "settings.desired_vlan_endpoint_mode": "trunk",
                "settings.port_vid": 42,
                "settings.allowed_to_transmit_vlans": (47,),
            },
        ),
        (
            "interface/52:54:00:ab:cd:02",
            {
                "resource_sub_type": "e1000e",
                "connection": ("bridge:br0",),
                "address": "52:54:00:ab:cd:02",
                "settings.source_mac_filtering_enabled": True,
            },
        ),
        ("serial/0", {"resource_sub_type": "pty", "address_on_parent": "0", "settings.log_file": "/var/log/rich.log"}),
        (
            "graphics/spice/0",
            {
                "resource_sub_type": "spice",
                "settings.password": "secret",
                "settings.port": -1,
                "settings.listen_address": "127.0.0.1",
            },
        ),
        ("hostdev/pci/0000:3b:02.1", {"host_resource": ("0000:3b:02.1",), "settings.managed": True}),
        ("vsock", {"settings.context_id": 0}),
    ],
)
def test_resources_are_read(instance_id: str, expected: dict[str, Any]) -> None:
    found = values(resource(read_rich(), instance_id))
    found.pop("other_resource_type", None)
    assert {name: found.get(name) for name in expected} == expected
    if instance_id.startswith(("processor", "memory", "disk", "interface", "serial", "graphics")):
        assert found == expected


def test_instance_ids_are_unique_and_say_what_they_mean() -> None:
    ids = [rasd.instance_id for rasd in read_rich().resources]
    assert len(set(ids)) == len(ids)
    assert ids == [
        "processor",
        "memory",
        "disk/vda",
        "disk/vdb",
        "disk/vdc",
        "disk/sda",
        "controller/usb/0@pci:0000:00:1d.7",
        "controller/usb/0@pci:0000:00:1d.0",
        "controller/pci/0",
        "interface/52:54:00:ab:cd:01",
        "interface/52:54:00:ab:cd:02",
        "serial/0",
        "channel/com.redhat.spice.0",
        "input/tablet/usb",
        "input/keyboard/ps2",
        "graphics/spice/0",
        "sound/ich9",
        "video/qxl",
        "hostdev/pci/0000:3b:02.1",
        "watchdog/i6300esb",
        "memballoon",
        "rng/virtio@#0",
        "rng/virtio@pci:0000:07:00.0",
        "vsock",
    ]


def test_what_libvirt_adds_by_itself_is_marked() -> None:
    implied = [rasd.instance_id for rasd in read_rich().resources if rasd.implied]
    assert implied == [
        "controller/usb/0@pci:0000:00:1d.7",
        "controller/usb/0@pci:0000:00:1d.0",
        "controller/pci/0",
        "serial/0",
        "input/keyboard/ps2",
        "video/qxl",
        "memballoon",
    ]


def test_one_of_a_kind_is_found_when_the_other_has_gone() -> None:
    doc = document("rich.xml")
    resources = doc.configuration()
    doc.remove(resource(resources, "rng/virtio@#0"))
    left = DomainDocument.parse(doc.to_xml())
    assert left.find(resource(resources, "rng/virtio@pci:0000:07:00.0")).findtext("backend") == "/dev/random"


def test_what_has_gone_is_a_conflict() -> None:
    doc = document("rich.xml")
    gone = resource(doc.configuration(), "disk/vdb")
    doc.remove(gone)
    with pytest.raises(Conflict, match="disk_drive vdb is no longer in virtual system 'rich'"):
        doc.modify(gone, {})


@pytest.mark.parametrize(
    "xml",
    [
        "<source network='default' portid='8' bridge='virbr0'/>",
        "<source network='default' bridge='virbr0'/><target dev='vnet3'/><alias name='net0'/>",
    ],
)
def test_running_adapter_is_plugged_into_its_network_still(xml: str) -> None:
    doc = DomainDocument.parse(
        f"<domain id='1'><devices><interface type='bridge'><mac address='52:54:00:00:00:01'/>{xml}"
        "</interface></devices></domain>"
    )
    found = resource(doc.configuration(), "interface/52:54:00:00:00:01")
    assert (found.connection, found.name) == (("default",), None)


def test_same_set_for_all_processors_is_one_set() -> None:
    pins = "".join(f"<vcpupin vcpu='{number}' cpuset='0-3'/>" for number in range(2))
    doc = DomainDocument.parse(f"<domain><vcpu>2</vcpu><cputune>{pins}</cputune></domain>")
    found = resource(doc.configuration(), "processor")
    assert (found.host_resource, found.mapping_behavior) == (("0-3",), MappingBehavior.HARD_AFFINITY)


def test_host_model_of_a_running_domain_is_recognized() -> None:
    running = DomainDocument.parse(
        "<domain id='1'><cpu mode='custom' match='exact' check='full'><model fallback='forbid'>EPYC</model></cpu></domain>"
    )
    for recorded, expected in (("host-model", "host-model"), ("EPYC", "EPYC"), ("EPYC-Rome", "EPYC")):
        defined = Configuration(resources=(Rasd(Type.PROCESSOR, resource_sub_type=recorded),))
        assert resource(running.configuration(defined=defined), "processor").resource_sub_type == expected


def test_topology_that_does_not_fit_is_told() -> None:
    doc = document("rich.xml")
    with pytest.raises(InvalidInput, match="4 processors, and maximum_quantity is 6"):
        doc.modify(resource(doc.configuration(), "processor"), {"maximum_quantity": (4, 6)})


# New domains


def declared_equals_read(sample: Sample, machine: str = "q35") -> None:
    doc = new_domain("new", None, Configuration({**PLAIN, "machine": machine}, (sample.rasd,)))
    found = [
        differences(sample.rasd, rasd)
        for rasd in DomainDocument.parse(doc.to_xml()).configuration().resources
        if rasd.resource_type in (sample.rasd.resource_type, _READ_AS.get(sample.rasd.resource_type))
        and rasd.other_resource_type == sample.rasd.other_resource_type
    ]
    assert {} in found, found


_READ_AS = {Type.DVD_DRIVE: Type.CD_DRIVE}


@pytest.mark.parametrize("name", SAMPLES)
def test_new_domain_has_what_is_declared(name: str) -> None:
    declared_equals_read(SAMPLES[name])


def test_new_domain_has_the_settings_declared() -> None:
    doc = new_domain("new", "0c4d8a4e-5c3e-4e07-9c1a-6f9d8c1a2b3c", Configuration(SETTINGS))
    found = DomainDocument.parse(doc.to_xml())
    assert (found.name, found.uuid) == ("new", "0c4d8a4e-5c3e-4e07-9c1a-6f9d8c1a2b3c")
    assert found.configuration().settings == SETTINGS


def test_new_domain_alone_has_modern_defaults() -> None:
    doc = new_domain("new", None, Configuration(), DomainFacts("kvm"))
    assert doc.uuid is None
    text = doc.to_xml()
    assert text.count("pcie-root-port") == 11
    assert '<console type="pty"/>' in text
    for absent in ("<graphics", "<video", "<cpu", "<interface", "<disk"):
        assert absent not in text
    assert "pcie-root-port" not in new_domain("new", None, Configuration({"machine": "pc"})).to_xml()


@pytest.mark.parametrize("machine", ["q35", "pc", "virt"])
def test_new_drives_get_names_and_buses_that_fit(machine: str) -> None:
    drives = (
        Rasd(Type.DISK_DRIVE, host_resource=("/a",)),
        Rasd(Type.DISK_DRIVE, host_resource=("/b",)),
        Rasd(Type.CD_DRIVE, host_resource=()),
    )
    architecture = "aarch64" if machine == "virt" else "x86_64"
    settings = {**PLAIN, "machine": machine, "architecture": architecture}
    found = new_domain("new", None, Configuration(settings, drives)).configuration()
    bus, target = {"q35": ("sata", "sda"), "pc": ("ide", "hda"), "virt": ("scsi", "sda")}[machine]
    assert [
        (rasd.resource_sub_type, rasd.address_on_parent) for rasd in found.resources if rasd.host_resource is not None
    ] == [("virtio", "vda"), ("virtio", "vdb"), (bus, target)]


def test_names_of_drives_go_on_after_z() -> None:
    doc = new_domain("new", None, Configuration(PLAIN))
    for number in range(28):
        doc.add(Rasd(Type.DISK_DRIVE, host_resource=(f"/{number}",)))
    targets = [rasd.address_on_parent for rasd in doc.configuration().resources if rasd.address_on_parent]
    assert [target for target in targets if target.startswith("vd")][-3:] == ["vdz", "vdaa", "vdab"]


# Tables


@pytest.mark.parametrize("name", SAMPLES)
def test_each_value_can_be_changed_and_changed_back(name: str) -> None:
    sample = SAMPLES[name]
    base = new_domain("new", None, Configuration(PLAIN, (sample.rasd,))).to_xml()
    groups = [sample.other] if sample.rasd.row.singleton else [{key: value} for key, value in sample.other.items()]
    for group in groups:
        doc = DomainDocument.parse(base)
        before = min(
            (
                rasd
                for rasd in doc.configuration().resources
                if rasd.resource_type in (sample.rasd.resource_type, _READ_AS.get(sample.rasd.resource_type))
            ),
            key=lambda rasd: len(differences(sample.rasd, rasd)),
        )
        doc.modify(before, {key: (values(before).get(key), value) for key, value in group.items()})
        wanted = Rasd(before.resource_type, before.other_resource_type)
        wanted = with_values(wanted, {key: value for key, value in group.items() if value is not None})
        again = DomainDocument.parse(doc.to_xml()).configuration().resources
        same = [rasd for rasd in again if rasd.resource_type is before.resource_type]
        assert any(not differences(wanted, rasd) for rasd in same), (group, [values(rasd) for rasd in same])


def test_each_setting_can_be_changed() -> None:
    for start, others in ((SETTINGS, OTHER_SETTINGS), (OTHER_SETTINGS, SETTINGS)):
        base = new_domain("new", None, Configuration(start)).to_xml()
        for name, value in others.items():
            if (name, value) == ("secure_boot", True):
                continue
            doc = DomainDocument.parse(base)
            doc.apply_settings({name: (start[name], value)})
            found = DomainDocument.parse(doc.to_xml()).configuration().settings
            assert setting_differences({name: value}, found, SYSTEM_SETTINGS) == {}, name
            rest = {key: kept for key, kept in start.items() if key not in (name, "secure_boot")}
            assert setting_differences(rest, found, SYSTEM_SETTINGS) == {}, name


@pytest.mark.parametrize("resource_type", RESOURCE_ROWS, ids=lambda resource_type: resource_type.word)
def test_every_value_of_the_model_is_mapped_or_refused_with_a_reason(resource_type: Type) -> None:
    names = {*PROPERTIES, *(f"settings.{name}" for name in RESOURCE_ROWS[resource_type].settings)}
    mapped = {"other_resource_type"}
    if resource_type is Type.PROCESSOR:
        mapped |= tuning_rows.PROCESSOR_MAPPED
    elif resource_type is Type.MEMORY:
        mapped |= tuning_rows.MEMORY_MAPPED
    for row in ROWS:
        if row.resource_type is resource_type:
            mapped |= row.mapped
            assert not row.mapped - names, row
            assert all(row.why_not(name) for name in names - row.mapped - {"other_resource_type"})
    refused = set(UNSUPPORTED[resource_type])
    assert names == mapped | refused
    assert not mapped & refused


def test_every_mapped_value_is_in_a_sample() -> None:
    used: dict[int, set[str]] = {}
    for sample in DEVICES.values():
        used.setdefault(id(row_for(sample.rasd)), set()).update({*values(sample.rasd), *sample.other})
    unused = {
        f"{row.other_type or row.resource_type.word}/{row.tag}": sorted(missing)
        for row in ROWS
        for missing in [row.mapped - row.elsewhere - used.get(id(row), set())]
        if missing
    }
    # Rows with the same places as another one, whose samples use them.
    for word in ("dvd_drive/disk", "floppy_drive/disk"):
        unused.pop(word)
    for name in [name for name in unused if name.endswith("/controller")]:
        assert set(unused.pop(name)) <= {"name", "resource_sub_type", "settings.queues"}
    assert unused == {}
    assert set(values(PROCESSOR.rasd)) >= tuning_rows.PROCESSOR_MAPPED
    assert set(values(MEMORY.rasd)) >= tuning_rows.MEMORY_MAPPED


def test_every_setting_is_written_or_kept_elsewhere_or_refused() -> None:
    refused = {name.partition("=")[0] for name in system_settings.UNSUPPORTED_SETTINGS}
    assert {*system_settings.WRITERS, *system_settings.OUTSIDE, *refused, "boot_order"} == set(SYSTEM_SETTINGS)
    assert {*SETTINGS} == {*system_settings.WRITERS, "boot_order"} == {*OTHER_SETTINGS}


# Refusals


@pytest.mark.parametrize(
    ("rasd", "error", "words"),
    [
        (Rasd(Type.DISK_DRIVE, host_resource=("a.img",)), InvalidInput, "neither a path"),
        (Rasd(Type.DISK_DRIVE, host_resource=("/a",), weight=5), NotSupported, "weighs devices of the host"),
        (Rasd(Type.DISK_DRIVE, host_resource=("/a",), parent="0"), NotSupported, "only drives on"),
        (Rasd(Type.DISK_DRIVE, host_resource=("/a",), address_on_parent="vda"), InvalidInput, "another drive"),
        (Rasd(Type.ETHERNET_ADAPTER), InvalidInput, "needs a connection"),
        (
            Rasd(Type.ETHERNET_ADAPTER, connection=("a",), resource_sub_type="e1000", settings={"queues": 2}),
            InvalidInput,
            "model e1000 has one queue",
        ),
        (Rasd(Type.SERIAL_PORT, address_on_parent="4"), InvalidInput, "at most 4 serial ports, 0 to 3"),
        (Rasd(Type.PARALLEL_PORT, address_on_parent="3"), InvalidInput, "at most 3 parallel ports, 0 to 2"),
        (Rasd(Type.ETHERNET_ADAPTER, connection=("ovs:x",)), InvalidInput, "allowed are NETWORK"),
        (Rasd(Type.ETHERNET_ADAPTER, connection=("a",), pool_id="b"), InvalidInput, "drawn from b"),
        (Rasd(Type.ETHERNET_ADAPTER, connection=("a",), reservation=8000), NotSupported, "receive_bandwidth"),
        (Rasd(Type.GRAPHICS_CONTROLLER, resource_sub_type="vnc", name="x"), NotSupported, "gives consoles no name"),
        (Rasd(Type.GRAPHICS_CONTROLLER, resource_sub_type="vga", settings={"port": 1}), NotSupported, "only a console"),
        (Rasd(Type.IO_DEVICE, resource_sub_type="pci", host_resource=("x",)), InvalidInput, "forms are pci"),
        (Rasd(Type.IO_DEVICE, resource_sub_type="joystick"), InvalidInput, "one of tablet"),
        (Rasd(Type.OTHER, "channel", settings={"target": "org.qemu.guest_agent.0"}), InvalidInput, "guest_agent"),
        (Rasd(Type.OTHER, "teapot"), InvalidInput, "allowed are"),
        (Rasd(Type.TAPE_DRIVE), NotSupported, "no resource of type tape_drive"),
        (Rasd(Type.PROCESSOR, virtual_quantity=4, maximum_quantity=2), InvalidInput, "more than maximum_quantity"),
        (Rasd(Type.PROCESSOR, reservation=5), NotSupported, "guarantees no processor time"),
        (
            Rasd(Type.PROCESSOR, virtual_quantity=4, settings={"sockets": 2, "cores": 4}),
            InvalidInput,
            "8 processors, and maximum_quantity is 4",
        ),
        (Rasd(Type.MEMORY, virtual_quantity=GIB, maximum_quantity=MIB), InvalidInput, "more than maximum_quantity"),
        (Rasd(Type.MEMORY, weight=1), NotSupported, "does not weigh"),
        (
            Rasd(Type.PROCESSOR, mapping_behavior=MappingBehavior.DEDICATED),
            InvalidInput,
            "processor: mapping_behavior: dedicated needs host_resource",
        ),
        (
            Rasd(Type.MEMORY, mapping_behavior=MappingBehavior.SOFT_AFFINITY),
            InvalidInput,
            "memory: mapping_behavior: soft_affinity needs host_resource",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(rasd: Rasd, error: type[Exception], words: str) -> None:
    doc = new_domain("new", None, Configuration(PLAIN, (Rasd(Type.DISK_DRIVE, host_resource=("/r",)),)))
    with pytest.raises(error, match=words):
        doc.add(rasd)


def test_ports_are_counted_before_libvirt_does() -> None:
    # libvirt 9 defines a fifth serial port, and from then on refuses every change of the system
    doc = new_domain("new", None, Configuration(PLAIN, ()))
    for number in range(4):
        doc.add(Rasd(Type.SERIAL_PORT, name=f"s{number}"))
    found = DomainDocument.parse(doc.to_xml()).configuration().resources
    assert [one.address_on_parent for one in found if one.resource_type is Type.SERIAL_PORT] == ["0", "1", "2", "3"]
    with pytest.raises(InvalidInput, match="at most 4 serial ports"):
        doc.add(Rasd(Type.SERIAL_PORT, name="s4"))


def test_there_is_no_balloon_of_model_none() -> None:
    doc = document("rich.xml")
    balloon = next(one for one in doc.configuration().resources if one.other_resource_type == "memory_balloon")
    with pytest.raises(InvalidInput, match="declare it absent"):
        doc.modify(balloon, {"resource_sub_type": ("virtio", "none")})


def test_a_name_that_libvirt_does_not_take() -> None:
    new_domain("ä" * 123, None, Configuration(PLAIN, ()))
    with pytest.raises(InvalidInput, match="has 248 bytes; the name of a virtual system on libvirt has at most 247"):
        new_domain("ä" * 124, None, Configuration(PLAIN, ()))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"boot_order": ("nobody",)}, r"there is no 'nobody'; there are [^;]*\broot\b"),
        ({"boot_order": ("52:54:00:ab:cd:02", "disk_drive")}, "called 'root': name it"),
        ({"automatic_shutdown_action": "shutdown"}, "whole host"),
        ({"automatic_recovery_action": "revert_to_snapshot"}, "does not revert"),
    ],
)
def test_settings_that_cannot_be_said_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises((InvalidInput, NotSupported), match=words):
        document("rich.xml").apply_settings({name: (None, value) for name, value in settings.items()})


def test_processors_cannot_be_removed() -> None:
    doc = document("rich.xml")
    with pytest.raises(NotSupported, match="cannot be without"):
        doc.remove(resource(doc.configuration(), "processor"))


def test_memory_of_several_cells_is_not_guessed() -> None:
    cells = "".join(f"<cell id='{number}' cpus='{number}' memory='1' unit='GiB'/>" for number in range(2))
    doc = DomainDocument.parse(
        f"<domain><memory unit='GiB'>2</memory><vcpu>2</vcpu><cpu><numa>{cells}</numa></cpu></domain>"
    )
    with pytest.raises(NotSupported, match="divided among 2 NUMA cells"):
        doc.modify(resource(doc.configuration(), "memory"), {"maximum_quantity": (2 * GIB, 4 * GIB)})


def test_boot_order_of_devices_is_read_as_it_was_declared() -> None:
    doc = document("rich.xml")
    order = ("root", "ethernet_adapter", "cd_drive")
    doc.apply_settings({"boot_order": (None, order)})
    assert DomainDocument.parse(doc.to_xml()).configuration().settings["boot_order"] == order


@pytest.mark.parametrize(
    "name",
    [
        "root",
        "my disk",
        "a'b\"c<d>&e",
        "größer",
        "磁盤",
        "_x20_",
        "_x2 ",
        "a_b-c",
        "_x_x20_x20_",
        "x_x",
        " ",
        "🙂",
        "_",
    ],
)
def test_names_survive_as_aliases(name: str) -> None:
    alias = alias_of(name)
    assert set(alias) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert name_of(alias) == name


@pytest.mark.parametrize(("alias", "name"), [("virtio-disk0", None), (None, None), ("ua-", ""), ("ua-_xzz_", "_xzz_")])
def test_aliases_of_others(alias: str | None, name: str | None) -> None:
    assert name_of(alias) == name


def test_machine_of_a_new_domain() -> None:
    found = new_domain("new", None, Configuration(), DomainFacts("kvm")).configuration().settings
    assert is_machine("q35", found["machine"])
