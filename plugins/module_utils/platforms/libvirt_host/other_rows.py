# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table rows of the devices the standard has no number for."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import Kids, Place, one, only_one
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import (
    NAME,
    DeviceRow,
    Fields,
    domain_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.tuning_rows import (
    ORDERS as OF_THE_DOMAIN,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    put,
    take_away,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import Volumes

_REASONS = {
    "host_resource": "nothing of the host is behind it",
    "settings.action": "only a watchdog acts",
    "settings.context_id": "only a vsock device has one",
    "settings.target": "only channels and file systems are found by a name",
}
_ORDERS = {
    "sound": ("codec", "audio", "alias", "address"),
    "rng": ("rate", "backend", "driver", "alias", "address"),
    "vsock": ("cid", "driver", "alias", "address"),
    "filesystem": ("driver", "binary", "source", "target", "readonly", "alias", "address"),
    "memballoon": ("stats", "driver", "alias", "address"),
}


def _key(element: Element, _kids: Kids, fields: Fields) -> str:
    return f"{element.tag}/{fields.get('resource_sub_type') or ''}"


def _once(element: Element, _kids: Kids, _fields: Fields) -> str:
    return str(element.tag)


def _created(attribute: str, default: str) -> Any:
    def create(element: Element, rasd: Rasd) -> None:
        element.set(attribute, rasd.resource_sub_type or default)

    return create


def _write_model(element: Element, value: Any) -> None:
    """Another model.  It may belong on another bus, so libvirt finds a new place for it."""
    address = element.find("address")
    if address is not None and element.get("model") != value:
        take_away(address)
    element.set("model", value)


def _create_rng(element: Element, rasd: Rasd) -> None:
    element.set("model", rasd.resource_sub_type or "virtio")
    backend = ensure(element, "backend", _ORDERS["rng"])
    backend.set("model", "random")
    backend.text = rasd.host_resource[0] if rasd.host_resource else "/dev/urandom"


def _write_balloon(element: Element, value: Any) -> None:
    if value == "none":
        raise InvalidInput("memory_balloon: declare it absent to have none")
    _write_model(element, value)


def _create_balloon(element: Element, rasd: Rasd) -> None:
    for other in element.getparent().findall("memballoon"):
        if other is not element:
            take_away(other)
    element.set("model", rasd.resource_sub_type or "virtio")


def _without_balloon(element: Element) -> None:
    """libvirt gives each system a balloon, unless it is told not to."""
    devices = element.getparent()
    put(devices, devices.index(element) + 1, "memballoon").set("model", "none")


def _create_smartcard(element: Element, rasd: Rasd) -> None:
    kind = rasd.resource_sub_type or "host"
    element.set("mode", kind)
    if kind == "passthrough":
        element.set("type", "spicevmc")


def _create_redirection(element: Element, rasd: Rasd) -> None:
    element.set("bus", "usb")
    element.set("type", rasd.resource_sub_type or "spicevmc")


def _cid(_element: Element, kids: Kids, _fields: Fields, settings: Fields, _volumes: Volumes) -> None:
    """The number, unless the host chooses it at each start."""
    cid = kids.get("cid")
    if cid is not None:
        automatic = cid.get("auto") == "yes" or not cid.get("address")
        settings["context_id"] = 0 if automatic else int(cid.get("address"))


def _write_cid(element: Element, value: Any) -> None:
    cid = ensure(element, "cid", _ORDERS["vsock"])
    cid.set("auto", "no" if value else "yes")
    if value:
        cid.set("address", str(value))
    else:
        cid.attrib.pop("address", None)


def _create_vsock(element: Element, rasd: Rasd) -> None:
    element.set("model", rasd.resource_sub_type or "virtio")
    _write_cid(element, rasd.settings.get("context_id"))


def _read_share(_element: Element, kids: Kids, fields: Fields, _settings: Fields, _volumes: Volumes) -> None:
    driver = kids.get("driver")
    kind = None if driver is None else driver.get("type")
    fields["resource_sub_type"] = "9p" if kind in (None, "path", "handle") else kind


def _write_share(element: Element, value: Any) -> None:
    driver = element.find("driver")
    if value != "virtiofs":
        if driver is not None:
            take_away(driver)
        return
    ensure(element, "driver", _ORDERS["filesystem"]).set("type", "virtiofs")
    element.set("accessmode", "passthrough")
    # The daemon that serves the files shares the guest's memory.
    backing = ensure(domain_of(element), "memoryBacking", OF_THE_DOMAIN["domain"])
    if backing.find("access") is None:
        if backing.find("source") is None and backing.find("hugepages") is None:
            ensure(backing, "source", OF_THE_DOMAIN["memoryBacking"]).set("type", "memfd")
        ensure(backing, "access", OF_THE_DOMAIN["memoryBacking"]).set("mode", "shared")


def _create_share(element: Element, rasd: Rasd) -> None:
    element.set("type", "mount")
    element.set("accessmode", "mapped" if rasd.resource_sub_type == "9p" else "passthrough")
    if rasd.resource_sub_type is None:
        _write_share(element, "virtiofs")


def _share_key(_element: Element, kids: Kids, _fields: Fields) -> str:
    target = kids.get("target")
    return "filesystem/" + ("" if target is None else target.get("dir") or "")


def _always(_element: Element, _fields: Fields) -> bool:
    return True


def _of_the_machine(element: Element, _fields: Fields) -> bool:
    """The watchdog that is part of the q35 chip set."""
    return bool(element.get("model") == "itco")


def _row(other_type: str, tag: str, attribute: str = "model", default: str = "virtio", **more: Any) -> DeviceRow:
    """A device whose sub-type is one attribute of its element."""
    places = {"name": NAME, "resource_sub_type": Place("", attribute), **more.pop("places", {})}
    more.setdefault("create", _created(attribute, default))
    more.setdefault("key", _key)
    return DeviceRow(
        ResourceType.OTHER,
        tag,
        other_type=other_type,
        places=places,
        unsupported=_REASONS,
        orders=_ORDERS,
        **more,
    )


SOUND = _row("sound", "sound", default="ich9", write={"resource_sub_type": _write_model})
RANDOM = _row(
    "rng",
    "rng",
    create=_create_rng,
    places={"host_resource": Place("backend", decode=one, encode=only_one)},
)
WATCHDOG = _row(
    "watchdog",
    "watchdog",
    default="i6300esb",
    places={"settings.action": Place("", "action")},
    write={"resource_sub_type": _write_model},
    host_adds_it=_of_the_machine,
)
BALLOON = _row(
    "memory_balloon",
    "memballoon",
    key=_once,
    create=_create_balloon,
    write={"resource_sub_type": _write_balloon},
    forget=_without_balloon,
    host_adds_it=_always,
)
VSOCK = _row("vsock", "vsock", key=_once, create=_create_vsock, read=_cid, write={"settings.context_id": _write_cid})
PANIC = _row("panic", "panic", default="isa", write={"resource_sub_type": _write_model})
SMARTCARD = _row("smartcard", "smartcard", attribute="mode", create=_create_smartcard)
REDIRECTION = _row("redirected_device", "redirdev", attribute="type", create=_create_redirection)
SHARE = DeviceRow(
    ResourceType.OTHER,
    "filesystem",
    _share_key,
    other_type="file_system",
    places={
        "name": NAME,
        "host_resource": Place("source", "dir", decode=one, encode=only_one),
        "settings.target": Place("target", "dir"),
    },
    read=_read_share,
    write={"resource_sub_type": _write_share},
    create=_create_share,
    unsupported=_REASONS,
    orders=_ORDERS,
)

OTHERS = (SOUND, RANDOM, WATCHDOG, BALLOON, VSOCK, PANIC, SMARTCARD, REDIRECTION, SHARE)


def row_of_balloon(element: Element) -> DeviceRow | None:
    """The row of a ``<memballoon>``; None for the word that there is none."""
    return None if element.get("model") == "none" else BALLOON
