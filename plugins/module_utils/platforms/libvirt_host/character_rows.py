# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table rows of character devices: serial and parallel ports, channels."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import (
    Kids,
    Place,
    text_or_nothing,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import (
    NAME,
    DeviceRow,
    Fields,
    domain_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.system_settings import AGENT_CHANNEL
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    take_away,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import Volumes

_ORDER = ("source", "protocol", "log", "target", "boot", "alias", "address")
ORDERS = {"serial": _ORDER, "parallel": _ORDER, "channel": _ORDER}

_WITH_PATH = ("file", "dev", "pipe", "unix")
_WITH_HOST = ("tcp", "udp")
_WITH_MODE = ("tcp", "unix")
_PORTS_OF_A_PC = {"serial": 4, "parallel": 3}
_SPICE_AGENT = "com.redhat.spice.0"


def _read_end(element: Element, kids: Kids, fields: Fields, settings: Fields, _volumes: Volumes) -> None:
    """What is at the host's end, unless libvirt chooses it anew at each start."""
    kind = element.get("type")
    source = kids.get("source")
    if source is None:
        return
    if kind in _WITH_PATH:
        path = source.get("path")
        if path and not ("/channel/" in path and "/domain-" in path):
            fields["host_resource"] = (path,)
    elif kind in _WITH_HOST:
        host = source.get("host") or ""
        fields["host_resource"] = (f"{f'[{host}]' if ':' in host else host}:{source.get('service') or ''}",)


def _read(element: Element, kids: Kids, fields: Fields, settings: Fields, volumes: Volumes) -> None:
    """What is at the host's end, and who waits for whom."""
    _read_end(element, kids, fields, settings, volumes)
    source = kids.get("source")
    if source is not None and element.get("type") in _WITH_MODE and source.get("mode"):
        settings["listen"] = source.get("mode") == "bind"


def _write_type(element: Element, value: Any) -> None:
    """Another back end; what described the end of the old one goes, unless it fits the new one."""
    kind, before = value or "pty", element.get("type")
    element.set("type", kind)
    if kind == before or {kind, before} <= set(_WITH_PATH):
        return
    for tag in ("source", "protocol"):
        for child in element.findall(tag):
            take_away(child)


def _write_end(element: Element, value: Any) -> None:
    """What is at the host's end: a path, or HOST:PORT."""
    kind = element.get("type")
    if not value:
        for tag in ("source", "protocol"):
            for child in element.findall(tag):
                take_away(child)
        return
    if len(value) > 1 or kind not in (*_WITH_PATH, *_WITH_HOST):
        raise InvalidInput(f"host_resource: {', '.join(value)} does not fit a {element.tag} of sub-type {kind}")
    source = ensure(element, "source", _ORDER)
    if kind in _WITH_PATH:
        source.set("path", value[0])
        return
    host, _colon, port = value[0].rpartition(":")
    source.set("mode", source.get("mode") or "connect")
    source.set("host", host.strip("[]"))
    source.set("service", port)
    if kind == "tcp":
        protocol = ensure(element, "protocol", _ORDER)
        protocol.set("type", protocol.get("type") or "raw")


def _write_listen(element: Element, value: Any) -> None:
    if element.get("type") in _WITH_MODE:
        ensure(element, "source", _ORDER).set("mode", "bind" if value else "connect")


def _create(element: Element, rasd: Rasd) -> None:
    element.set("type", rasd.resource_sub_type or "pty")


def _create_port(element: Element, rasd: Rasd) -> None:
    """With its number: where libvirt counts by itself, it defines more ports than there can be, and from then on refuses
    every change of the system."""
    _create(element, rasd)
    others = [other for other in element.getparent().findall(element.tag) if other is not element]
    targets = [other.find("target") for other in others]
    taken = {None if target is None else target.get("port") for target in targets}
    number = rasd.address_on_parent or next(str(port) for port in range(len(others) + 1) if str(port) not in taken)
    kind = domain_of(element).find("os/type")
    if kind is not None and kind.get("arch") in ("x86_64", "i686"):
        most = _PORTS_OF_A_PC[element.tag]
        if len(others) >= most or (number.isdigit() and int(number) >= most):
            raise InvalidInput(
                f"{rasd.label}: a system of this architecture has at most {most} {element.tag} ports, 0 to {most - 1}"
            )
    if None not in taken:
        ensure(element, "target", _ORDER).set("port", number)


def _create_channel(element: Element, rasd: Rasd) -> None:
    kind = rasd.resource_sub_type or "unix"
    name = rasd.settings.get("target") or _SPICE_AGENT  # only a channel for SPICE comes without (plan.system_checks)
    if name == AGENT_CHANNEL:
        raise InvalidInput(f"{rasd.label}: the channel of the guest agent is declared by the setting guest_agent")
    element.set("type", kind)
    target = ensure(element, "target", _ORDER)
    target.set("type", "virtio")
    target.set("name", name)


def _port_key(element: Element, _kids: Kids, fields: Fields) -> str:
    port = fields.get("address_on_parent")
    if port is None:
        port = str(element.getparent().findall(element.tag).index(element))
    return f"{element.tag}/{port}"


def _channel_key(_element: Element, kids: Kids, _fields: Fields) -> str:
    target = kids.get("target")
    return "channel/" + ("" if target is None else target.get("name") or target.get("port") or "")


def mirror_of(serial: Element) -> Element | None:
    """The ``<console>`` by which libvirt shows a system's first serial port a second time."""
    first = serial.getparent().find("serial")
    console = serial.getparent().find("console")
    if first is not serial or console is None:
        return None
    target = console.find("target")
    kind = None if target is None else target.get("type")
    return console if kind in (None, "serial") else None


def forget_mirror(serial: Element) -> None:
    """Take the mirror of a serial port away, from which libvirt would make the port again."""
    console = mirror_of(serial)
    if console is not None:
        take_away(console)


def _default_console(element: Element, fields: Fields) -> bool:
    """The first serial port, as each new system has it."""
    return (
        fields.get("resource_sub_type") == "pty"
        and "name" not in fields
        and element.getparent().find("serial") is element
    )


_PLACES = {
    "name": NAME,
    "resource_sub_type": Place("", "type"),
    "settings.log_file": Place("log", "file", encode=text_or_nothing),
}
_WRITE = {
    "resource_sub_type": _write_type,
    "host_resource": _write_end,
    "settings.listen": _write_listen,
}

SERIAL = DeviceRow(
    ResourceType.SERIAL_PORT,
    "serial",
    _port_key,
    places={**_PLACES, "address_on_parent": Place("target", "port")},
    read=_read,
    write=_WRITE,
    create=_create_port,
    orders=ORDERS,
    forget=forget_mirror,
    host_adds_it=_default_console,
)
PARALLEL = DeviceRow(
    ResourceType.PARALLEL_PORT,
    "parallel",
    _port_key,
    places={**_PLACES, "address_on_parent": Place("target", "port")},
    read=_read,
    write=_WRITE,
    create=_create_port,
    orders=ORDERS,
)
CHANNEL = DeviceRow(
    ResourceType.OTHER,
    "channel",
    _channel_key,
    other_type="channel",
    places={"name": NAME, "resource_sub_type": Place("", "type"), "settings.target": Place("target", "name")},
    read=_read_end,
    write={"resource_sub_type": _write_type, "host_resource": _write_end},
    create=_create_channel,
    orders=ORDERS,
    unsupported={
        "settings.action": "only a watchdog acts",
        "settings.context_id": "only a vsock device has one",
    },
)
