# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices and network interfaces of a host in a graph of dependencies: libvirt's documents in, elements out.

A device is behind its parent, up to the controller on the host's bus.  Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Callable

from ansible_collections.svpc.virt.plugins.module_utils.model import dependencies as model
from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Reading
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.primordial_pools import GUEST_DEVICES
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import Element, parse

_ROOT = "computer"
_PORTS = ("bridge", "bond", "vlan")
"""Parts of an interface's document that hold the interfaces it consists of."""


def add_node_device(reading: Reading, xml: str) -> None:
    """A device of the host, behind its parent."""
    root = parse(xml, "a host device")
    name = root.findtext("name") or ""
    if not name or name == _ROOT:
        return
    parent = root.findtext("parent")
    capability = root.find("capability")
    kind = "" if capability is None else capability.get("type") or ""
    me = _ELEMENTS.get(kind, _other)(reading, root, capability, name)
    if parent and parent != _ROOT:
        reading.depend(me, reading.add(model.NODE_DEVICE, parent), model.CONTROLLED_BY)


def _block(reading: Reading, root: Element, capability: Element, name: str) -> str:
    path = capability.findtext("block") or root.findtext("devnode[@type='dev']")
    if not path:
        return _other(reading, root, capability, name)
    links = [link.text or "" for link in root.findall("devnode[@type='link']")]
    return reading.add(
        model.DEVICE,
        path,
        name,
        model.id_of(model.NODE_DEVICE, name),
        *links,
        physical=True,
        vendor=capability.findtext("vendor"),
        model=capability.findtext("model"),
        serial=capability.findtext("serial"),
    )


def _net(reading: Reading, root: Element, capability: Element, name: str) -> str:
    interface = capability.findtext("interface")
    if not interface:
        return _other(reading, root, capability, name)
    link = capability.find("link")
    return reading.add(
        model.NETWORK_INTERFACE,
        interface,
        name,
        model.id_of(model.NODE_DEVICE, name),
        physical=root.findtext("parent") not in (None, "", _ROOT) or None,
        address=capability.findtext("address"),
        link_state=None if link is None else link.get("state"),
    )


def _other(reading: Reading, root: Element, capability: Element, name: str) -> str:
    words: dict[str, str | None] = {}
    aliases: list[str] = []
    if capability is not None:
        words = {key: (capability.findtext(key) or "").strip() or None for key in ("vendor", "product")}
        aliases = list(_ALIASES.get(capability.get("type") or "", _no_names)(capability))
    both = [*aliases, *(model.id_of(model.NODE_DEVICE, alias) for alias in aliases)]
    return reading.add(model.NODE_DEVICE, name, *both, **words)


_ELEMENTS: Mapping[str, Callable[[Reading, Element, Element, str], str]] = {"storage": _block, "net": _net}


def _number(element: Element, name: str) -> int:
    return int(element.findtext(name) or "0", 0)


def _pci_names(capability: Element) -> Iterator[str]:
    domain, bus, slot, function = (_number(capability, each) for each in ("domain", "bus", "slot", "function"))
    yield f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def _usb_names(capability: Element) -> Iterator[str]:
    yield f"{_number(capability, 'bus')}.{_number(capability, 'device')}"
    vendor, product = capability.find("vendor"), capability.find("product")
    if vendor is not None and product is not None and vendor.get("id") and product.get("id"):
        yield f"{int(vendor.get('id'), 0):04x}:{int(product.get('id'), 0):04x}"


def _scsi_names(capability: Element) -> Iterator[str]:
    host, bus, target, unit = (_number(capability, each) for each in ("host", "bus", "target", "lun"))
    yield f"scsi_host{host}:{bus}:{target}:{unit}"


def _adapter_names(capability: Element) -> Iterator[str]:
    for port in capability.findall("capability[@type='fc_host']"):
        yield f"{port.findtext('wwnn')}:{port.findtext('wwpn')}"


def _mediated_names(capability: Element) -> Iterator[str]:
    if capability.findtext("uuid"):
        yield capability.findtext("uuid").lower()


def _no_names(_capability: Element) -> Iterator[str]:
    return iter(())


_ALIASES: Mapping[str, Callable[[Element], Iterator[str]]] = {
    "pci": _pci_names,
    "usb_device": _usb_names,
    "scsi": _scsi_names,
    "scsi_host": _adapter_names,
    "mdev": _mediated_names,
}
"""How resources of virtual systems and pools call a device of each kind; see :mod:`io_device_rows`."""


def add_interface(reading: Reading, xml: str) -> None:
    """A network interface with the ports it consists of; those of guests are not the host's."""
    root = parse(xml, "a network interface")
    name = root.get("name")
    if not name:
        return
    me = reading.add(model.NETWORK_INTERFACE, name)
    for part in _PORTS:
        for port in root.findall(f"{part}/interface"):
            if port.get("name") and not is_of_a_guest(port.get("name")):
                reading.depend(me, reading.add(model.NETWORK_INTERFACE, port.get("name")), model.CONCRETE_COMPONENT)


def is_of_a_guest(interface: str) -> bool:
    """Whether an interface belongs to one virtual system, by its name."""
    return interface.rstrip("0123456789") in GUEST_DEVICES
