# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of domains, judged by libvirt itself: its schema takes them, and what it keeps reads as declared."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import MappingBehavior, Rasd, values, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType as Type
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import differences, setting_differences
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.new_domain import new_domain
from tests.laboratory.hosts import NEEDS_ROOT
from tests.unit.platforms.libvirt_host.domain_samples import (
    DEVICES,
    MEMORY,
    MIB,
    OTHER_SETTINGS,
    PROCESSOR,
    SETTINGS,
)

pytestmark = [pytest.mark.libvirt, pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)]

NAME = "document"
DEFINITION = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
SAMPLES = {"processor": PROCESSOR, "memory": MEMORY, **DEVICES}
PLAIN = {"virtual_system_type": "qemu", "architecture": "x86_64", "machine": "q35"}
SETTINGS_OF = {"ide controller": {**PLAIN, "machine": "pc"}}
SPICE = Rasd(Type.GRAPHICS_CONTROLLER, resource_sub_type="spice")
TOGETHER_WITH = {"smartcard": (SPICE,), "redirected device": (SPICE,)}
"""What libvirt takes only together with something else."""
ALWAYS_THERE = {"usb controller"}
"""What libvirt brings back."""


@pytest.fixture(autouse=True)
def _nothing_stays(connection: libvirt.virConnect) -> Iterator[None]:
    yield
    with contextlib.suppress(libvirt.libvirtError):
        domain = connection.lookupByName(NAME)
        if domain.isActive():
            domain.destroy()
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


def define(connection: libvirt.virConnect, text: str, validated: bool = True) -> DomainDocument:
    domain = connection.defineXMLFlags(text, libvirt.VIR_DOMAIN_DEFINE_VALIDATE if validated else 0)
    return DomainDocument.parse(domain.XMLDesc(DEFINITION))


def candidates(document: DomainDocument, rasd: Rasd) -> list[Rasd]:
    wanted = Type.CD_DRIVE if rasd.resource_type is Type.DVD_DRIVE else rasd.resource_type
    return [
        other
        for other in document.configuration().resources
        if (other.resource_type, other.other_resource_type) == (wanted, rasd.other_resource_type)
    ]


def as_declared(document: DomainDocument, rasd: Rasd) -> Rasd:
    """The resource that is as declared."""
    found = [other for other in candidates(document, rasd) if not differences(rasd, other)]
    assert found, [differences(rasd, other) for other in candidates(document, rasd)]
    return found[0]


@pytest.mark.parametrize("name", SAMPLES)
def test_new_resource_reads_as_declared(name: str, connection: libvirt.virConnect) -> None:
    rasd = SAMPLES[name].rasd
    resources = (*TOGETHER_WITH.get(name, ()), rasd)
    document = new_domain(NAME, None, Configuration(SETTINGS_OF.get(name, PLAIN), resources))
    as_declared(define(connection, document.to_xml()), rasd)


def test_new_settings_read_as_declared(connection: libvirt.virConnect) -> None:
    for settings in (SETTINGS, {**OTHER_SETTINGS, **{name: PLAIN[name] for name in PLAIN if name != "machine"}}):
        found = define(connection, new_domain(NAME, None, Configuration(settings)).to_xml())
        assert setting_differences(settings, found.configuration().settings, SYSTEM_SETTINGS) == {}
        connection.lookupByName(NAME).undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


@pytest.mark.parametrize("name", SAMPLES)
def test_changed_values_read_as_changed(name: str, connection: libvirt.virConnect) -> None:
    sample = SAMPLES[name]
    resources = (*TOGETHER_WITH.get(name, ()), sample.rasd)
    document = new_domain(NAME, None, Configuration(SETTINGS_OF.get(name, PLAIN), resources))
    original = define(connection, document.to_xml()).to_xml()
    singleton = sample.rasd.row.singleton
    for group in [sample.other] if singleton else [{key: value} for key, value in sample.other.items()]:
        document = DomainDocument.parse(original)
        before = as_declared(document, sample.rasd)
        document.modify(before, {key: (values(before).get(key), value) for key, value in group.items()})
        # libvirt's schema of this version forgets the alias of smart cards.
        changed = define(connection, document.to_xml(), validated=name != "smartcard")
        wanted = with_values(replace(Rasd(before.resource_type), other_resource_type=before.other_resource_type), group)
        as_declared(changed, wanted)
        define(connection, original)


@pytest.mark.parametrize("name", [name for name in DEVICES if name not in ALWAYS_THERE])
def test_removed_resource_has_gone(name: str, connection: libvirt.virConnect) -> None:
    rasd = DEVICES[name].rasd
    resources = (*TOGETHER_WITH.get(name, ()), rasd)
    new = new_domain(NAME, None, Configuration(SETTINGS_OF.get(name, PLAIN), resources))
    document = define(connection, new.to_xml())
    document.remove(as_declared(document, rasd))
    left = define(connection, document.to_xml())
    assert not [other for other in candidates(left, rasd) if not differences(rasd, other)]


@pytest.mark.parametrize(
    ("start", "others"), [(SETTINGS, OTHER_SETTINGS), ({**OTHER_SETTINGS, **PLAIN}, SETTINGS)], ids=["less", "more"]
)
def test_changed_settings_read_as_changed(
    start: dict[str, Any], others: dict[str, Any], connection: libvirt.virConnect
) -> None:
    original = define(connection, new_domain(NAME, None, Configuration(start)).to_xml()).to_xml()
    for name, value in others.items():
        # What a system is cannot be changed by one word; secure boot needs the firmware that the other one lacks.
        if name in (*PLAIN, "secure_boot"):
            continue
        document = DomainDocument.parse(original)
        document.apply_settings({name: (start[name], value)})
        found = define(connection, document.to_xml()).configuration().settings
        rest = {key: kept for key, kept in start.items() if key not in (name, "secure_boot")}
        assert setting_differences({**rest, name: value}, found, SYSTEM_SETTINGS) == {}, name
        define(connection, original)


def test_running_system_reads_as_its_definition(connection: libvirt.virConnect, host: Any) -> None:
    image = host.images / "document.img"
    image.write_bytes(bytes(MIB))
    document = new_domain(
        NAME,
        None,
        Configuration(
            {**PLAIN, "guest_agent": True, "boot_order": ("root", "my nic")},
            (
                Rasd(
                    Type.PROCESSOR,
                    virtual_quantity=1,
                    maximum_quantity=2,
                    resource_sub_type="maximum",
                    host_resource=("0",),
                    mapping_behavior=MappingBehavior.HARD_AFFINITY,
                ),
                Rasd(Type.MEMORY, virtual_quantity=128 * MIB),
                Rasd(Type.DISK_DRIVE, name="root", host_resource=(str(image),), settings={"format": "raw"}),
                Rasd(Type.CD_DRIVE, host_resource=()),
                Rasd(Type.ETHERNET_ADAPTER, name="my nic", connection=("user:",)),
                Rasd(Type.GRAPHICS_CONTROLLER, resource_sub_type="vnc", settings={"password": "secret"}),
                Rasd(Type.IO_DEVICE, resource_sub_type="tablet"),
                Rasd(Type.OTHER, "rng"),
                Rasd(Type.OTHER, "rng"),
                Rasd(Type.OTHER, "channel", settings={"target": "org.example"}),
            ),
        ),
    )
    defined = define(connection, document.to_xml()).configuration()
    domain = connection.lookupByName(NAME)
    domain.create()
    running = DomainDocument.parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)).configuration()
    assert running.settings == defined.settings
    others = {rasd.instance_id: rasd for rasd in running.resources}
    assert set(others) == {rasd.instance_id for rasd in defined.resources}
    for rasd in defined.resources:
        assert differences(rasd, others[rasd.instance_id]) == {}, rasd.instance_id
