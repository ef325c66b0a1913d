# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table rows of input devices, and of devices of the host that are passed through."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import (
    Kids,
    Place,
    one,
    only_one,
    yes,
    yes_or_no,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import NAME, DeviceRow, Fields
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    take_away,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import Volumes

INPUTS = ("tablet", "keyboard", "mouse", "evdev", "passthrough")
PASSED_THROUGH = ("pci", "usb", "mdev", "scsi")

_PCI = r"(?i)(?:pci_)?(?:([0-9a-f]{1,4})[_:])?([0-9a-f]{1,2})[_:]([0-9a-f]{1,2})[_.]([0-7])"
_USB_KIND = r"(?i)(?:0x)?([0-9a-f]{1,4}):(?:0x)?([0-9a-f]{1,4})"
_USB_PLACE = r"(\d{1,3})\.(\d{1,3})"
_UUID = r"(?i)(?:mdev_)?([0-9a-f]{8}[_-](?:[0-9a-f]{4}[_-]){3}[0-9a-f]{12}).*"
_SCSI = r"(scsi_host\d+):(\d+):(\d+):(\d+)"


def canonical(kind: str, device: str) -> str:
    """A device of the host in the one form that documents are read in; what has no other form stays as it is.

    PCI: ``0000:01:00.0`` (also from ``pci_0000_01_00_0`` and ``01:00.0``); USB: ``1d6b:0002`` or ``BUS.DEVICE``;
    mediated devices: their UUID; SCSI: ``scsi_host0:BUS:TARGET:UNIT``.
    """
    if kind == "pci":
        found = re.fullmatch(_PCI, device)
        if found:
            return _pci(*(int(part or "0", 16) for part in found.groups()))
    if kind == "usb":
        found = re.fullmatch(_USB_KIND, device)
        if found:
            return f"{int(found.group(1), 16):04x}:{int(found.group(2), 16):04x}"
        found = re.fullmatch(_USB_PLACE, device)
        if found:
            return f"{int(found.group(1))}.{int(found.group(2))}"
    if kind == "mdev":
        found = re.fullmatch(_UUID, device)
        if found:
            return found.group(1).replace("_", "-").lower()
    return device


def _pci(domain: int, bus: int, slot: int, function: int) -> str:
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def _hex(element: Element, name: str) -> int:
    return int(element.get(name) or "0", 0)


def _device(element: Element) -> str | None:
    """What is passed through, in its canonical form."""
    source = element.find("source")
    if source is None:
        return None
    kind, address = element.get("type"), source.find("address")
    if kind == "usb":
        vendor, product = source.find("vendor"), source.find("product")
        if vendor is not None and product is not None:
            return f"{_hex(vendor, 'id'):04x}:{_hex(product, 'id'):04x}"
        return None if address is None else f"{address.get('bus')}.{address.get('device')}"
    if address is None:
        return None
    if kind == "pci":
        return _pci(*(_hex(address, name) for name in ("domain", "bus", "slot", "function")))
    if kind == "mdev":
        return str(address.get("uuid"))
    adapter = source.find("adapter")
    name = "" if adapter is None else adapter.get("name")
    return ":".join([name, *(str(address.get(part)) for part in ("bus", "target", "unit"))])


def _read(element: Element, _kids: Kids, fields: Fields, settings: Fields, _volumes: Volumes) -> None:
    fields["consumer_visibility"] = ConsumerVisibility.PASSED_THROUGH
    device = _device(element)
    if device is not None:
        fields["host_resource"] = (device,)


def _write_device(element: Element, value: Any) -> None:
    """Pass another device through."""
    if not value:
        raise InvalidInput("host_resource: a passed-through device is one device of the host")
    kind, device = element.get("type"), value[0]
    source = ensure(element, "source", ORDERS["hostdev"])
    for child in list(source):
        take_away(child)
    text = canonical(kind, device)
    if kind == "pci" and re.fullmatch(_PCI, text):
        domain, bus, slot, function = re.split(r"[:.]", text)
        _set(source, "address", domain=f"0x{domain}", bus=f"0x{bus}", slot=f"0x{slot}", function=f"0x{function}")
    elif kind == "usb" and re.fullmatch(_USB_KIND, text):
        vendor, product = text.split(":")
        _set(source, "vendor", id=f"0x{vendor}")
        _set(source, "product", id=f"0x{product}")
    elif kind == "usb" and re.fullmatch(_USB_PLACE, text):
        bus, number = text.split(".")
        _set(source, "address", bus=bus, device=number)
    elif kind == "mdev" and re.fullmatch(_UUID, text):
        _set(source, "address", uuid=text)
    elif kind == "scsi" and re.fullmatch(_SCSI, text):
        adapter, bus, target, unit = text.split(":")
        _set(source, "adapter", name=adapter)
        _set(source, "address", bus=bus, target=target, unit=unit)
    else:
        raise InvalidInput(f"host_resource: {device!r} is not the address of a {kind} device; {_FORMS}")


_FORMS = (
    "forms are pci 0000:01:00.0, usb VENDOR:PRODUCT (in hexadecimal) or BUS.DEVICE, mdev UUID, "
    "scsi scsi_host0:BUS:TARGET:UNIT"
)


def _set(parent: Element, tag: str, **attributes: str) -> None:
    element = ensure(parent, tag)
    for name, text in attributes.items():
        element.set(name, text)


def _write_visibility(_element: Element, value: Any) -> None:
    if value != ConsumerVisibility.PASSED_THROUGH:
        raise NotSupported("io_device: a device of the host is always passed through")


def _create_passed_through(element: Element, rasd: Rasd) -> None:
    kind = rasd.resource_sub_type
    if kind is None or not rasd.host_resource:
        raise InvalidInput(f"{rasd.label}: a passed-through device needs resource_sub_type and host_resource")
    element.set("mode", "subsystem")
    element.set("type", kind)
    if kind in ("pci", "usb"):
        element.set("managed", "yes")
    if kind == "mdev":
        element.set("model", "vfio-pci")


def _create_input(element: Element, rasd: Rasd) -> None:
    if rasd.resource_sub_type not in INPUTS:
        allowed = ", ".join((*INPUTS, *PASSED_THROUGH))
        raise InvalidInput(f"{rasd.label}: resource_sub_type is one of {allowed}", allowed=[*INPUTS, *PASSED_THROUGH])
    element.set("type", rasd.resource_sub_type)


def _input_key(element: Element, _kids: Kids, _fields: Fields) -> str:
    return f"input/{element.get('type')}/{element.get('bus') or ''}"


def _passed_through_key(element: Element, _kids: Kids, fields: Fields) -> str:
    return f"hostdev/{element.get('type')}/{', '.join(fields.get('host_resource') or ())}"


def _bus_of_the_machine(element: Element, fields: Fields) -> bool:
    """libvirt adds the keyboard and mouse that a machine always has."""
    return element.get("bus") in ("ps2", "xen") and "name" not in fields


ORDERS = {
    "input": ("driver", "source", "alias", "address"),
    "hostdev": ("driver", "source", "boot", "rom", "alias", "address"),
}

INPUT = DeviceRow(
    ResourceType.IO_DEVICE,
    "input",
    _input_key,
    places={
        "name": NAME,
        "resource_sub_type": Place("", "type"),
        "host_resource": Place("source", "evdev", decode=one, encode=only_one),
        "settings.bus": Place("", "bus"),
    },
    create=_create_input,
    orders=ORDERS,
    unsupported={"settings.managed": "only a passed-through device is taken from a driver of the host"},
    host_adds_it=_bus_of_the_machine,
)
DEVICE = DeviceRow(
    ResourceType.IO_DEVICE,
    "hostdev",
    _passed_through_key,
    places={
        "name": NAME,
        "resource_sub_type": Place("", "type"),
        "settings.managed": Place("", "managed", decode=yes, encode=yes_or_no),
    },
    read=_read,
    write={"host_resource": _write_device, "consumer_visibility": _write_visibility},
    create=_create_passed_through,
    orders=ORDERS,
    unsupported={"settings.bus": "the bus of a passed-through device is its resource_sub_type"},
)


def row_of_hostdev(element: Element) -> DeviceRow | None:
    """The row of a ``<hostdev>``; None for kinds the model has no words for."""
    return DEVICE if element.get("type") in PASSED_THROUGH else None
