# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a new domain, with what a modern system has when nothing is said about it."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.names import check_name
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.system_settings import DEVICE_ORDER
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    parse,
    place_of,
    put,
)

SPARE_PORTS = 8
"""Places for devices that are plugged in while a PCI Express system runs."""
MEMORY = 1024**3
"""Bytes of memory of a system whose memory nobody declared."""

_ON_PORTS = ("disk", "interface", "controller", "hostdev", "input", "rng", "vsock", "filesystem", "memballoon")
"""Devices that may take a port each."""
_ADDED_BY_LIBVIRT = 3
"""USB controller, serial bus and balloon, more or less."""
_MOST_PORTS = 28

_X86 = ("x86_64", "i686")


@frozen
class DomainFacts:
    """What a host makes of a new system that leaves it open."""

    virtual_system_type: str = "kvm"
    architecture: str = "x86_64"
    machine: str | None = None
    """None: ``q35`` on x86, else what libvirt takes."""


_OPEN = DomainFacts()


def new_domain(
    name: str,
    uuid: str | None,
    configuration: Configuration,
    facts: DomainFacts = _OPEN,
) -> DomainDocument:
    """The document that defines a new domain.  Raises InvalidInput or NotSupported for what cannot be said."""
    settings = {
        "virtual_system_type": facts.virtual_system_type,
        "architecture": facts.architecture,
        **{key: value for key, value in configuration.settings.items() if value is not None},
    }
    check_name("name", name, "virtual system")
    architecture = settings["architecture"]
    x86 = architecture in _X86
    if "machine" not in settings:
        machine = facts.machine or ("q35" if x86 else "virt" if architecture in ("aarch64", "riscv64") else None)
        settings.update({"machine": machine} if machine else {})
    root = parse(_skeleton(x86, architecture), "a new virtual system")
    document = DomainDocument.new(root)
    root.find("name").text = name
    if uuid is None:
        root.remove(root.find("uuid"))
    else:
        root.find("uuid").text = uuid
    boot_order = settings.pop("boot_order", None)
    document.apply_settings({key: (None, value) for key, value in settings.items()})
    resources = configuration.resources
    for resource_type, default in ((ResourceType.MEMORY, MEMORY), (ResourceType.PROCESSOR, 1)):
        declared = [rasd for rasd in resources if rasd.resource_type is resource_type]
        document.add(declared[0] if declared else Rasd(resource_type, virtual_quantity=default))
    for rasd in resources:
        if rasd.resource_type not in (ResourceType.MEMORY, ResourceType.PROCESSOR):
            document.add(rasd)
    devices = root.find("devices")
    if "q35" in str(settings.get("machine")) or str(settings.get("machine")).startswith("virt"):
        _add_ports(devices)
    if devices.find("serial") is None:
        put(devices, place_of(devices, "console", DEVICE_ORDER), "console").set("type", "pty")
    if boot_order is not None:
        document.apply_settings({"boot_order": (None, boot_order)})
    return document


def _add_ports(devices: Element) -> None:
    """Ports for what is there, for what libvirt adds, and some that stay free.

    libvirt itself makes one port for each device it finds, and a running system can take a device only at a free one.
    """
    taken = {child.get("index") for child in devices.findall("controller") if child.get("type") == "pci"}
    used = _ADDED_BY_LIBVIRT + sum(1 for child in devices if child.tag in _ON_PORTS)
    place = place_of(devices, "controller", DEVICE_ORDER)
    for number in range(1, min(used + SPARE_PORTS, _MOST_PORTS) + 1):
        if str(number) not in taken:
            port = put(devices, place, "controller")
            place += 1
            for name, text in (("type", "pci"), ("index", str(number)), ("model", "pcie-root-port")):
                port.set(name, text)


def _skeleton(x86: bool, architecture: str) -> str:
    features = "acpi apic" if x86 else "acpi" if architecture == "aarch64" else ""
    lines = [
        "<domain type='kvm'>",
        "  <name/>",
        "  <uuid/>",
        "  <os>",
        "    <type>hvm</type>",
        "  </os>",
    ]
    if features:
        lines += ["  <features>", *(f"    <{feature}/>" for feature in features.split()), "  </features>"]
    if x86:
        lines += [
            "  <clock offset='utc'>",
            "    <timer name='rtc' tickpolicy='catchup'/>",
            "    <timer name='pit' tickpolicy='delay'/>",
            "    <timer name='hpet' present='no'/>",
            "  </clock>",
        ]
    else:
        lines += ["  <clock offset='utc'/>"]
    lines += [
        "  <on_poweroff>destroy</on_poweroff>",
        "  <on_reboot>restart</on_reboot>",
        "  <on_crash>destroy</on_crash>",
    ]
    if x86:
        lines += [
            "  <pm>",
            "    <suspend-to-mem enabled='no'/>",
            "    <suspend-to-disk enabled='no'/>",
            "  </pm>",
        ]
    lines += ["  <devices>", "  </devices>", "</domain>", ""]
    return "\n".join(lines)
