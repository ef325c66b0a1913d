# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table rows of drives: disks, CD and DVD drives, floppy drives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import (
    Kids,
    Place,
    anything,
    number_or_nothing,
    positive,
    text_or_nothing,
    yes,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import (
    NAME,
    DeviceRow,
    Fields,
    domain_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    put,
    take_away,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import Volumes

ORDERS = {
    "disk": (
        "driver", "auth", "source", "backingStore", "backenddomain", "geometry", "blockio", "mirror", "target",
        "iotune", "readonly", "shareable", "transient", "serial", "wwn", "vendor", "product", "encryption", "boot",
        "acpi", "alias", "address",
    ),
    "iotune": (
        "total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec", "write_iops_sec",
    ),
}  # fmt: skip

_PREFIXES = {"virtio": "vd", "ide": "hd", "fdc": "fd", "xen": "xvd"}
"""How names of drives begin, by bus; the other buses have ``sd``."""

_DEVICES = {ResourceType.DISK_DRIVE: "disk", ResourceType.FLOPPY_DRIVE: "floppy"}
_WITH_DRIVER_NAME = ("qemu", "kvm", "hvf")
_ON_A_DRIVE_CONTROLLER = ("ide", "sata", "scsi", "fdc")


def _read(element: Element, kids: Kids, fields: Fields, settings: Fields, volumes: Volumes) -> None:
    """The medium, and what is known of it elsewhere; the controller; whether the guest sees the device itself."""
    source, address = kids.get("source"), kids.get("address")
    # libvirt's format where none is said, which it does not for an empty drive of a running system.
    settings.setdefault("format", "raw")
    if address is not None and address.get("type") == "drive":
        fields["parent"] = address.get("controller")
    if element.get("device") == "lun":
        fields["consumer_visibility"] = ConsumerVisibility.PASSED_THROUGH
    place = None if source is None else place_of(element.get("type"), source)
    if not place:
        fields["host_resource"] = ()
        return
    fact = volumes.describe(place)
    if fact is not None:
        place = fact.path
        fields["pool_id"] = fact.pool_id
        fields["virtual_quantity"] = fact.capacity
    else:
        if source is not None and source.get("pool"):
            fields["pool_id"] = source.get("pool")
        capacity = volumes.capacity(fields.get("address_on_parent", place) if "://" in place else place)
        if capacity is not None:
            fields["virtual_quantity"] = capacity
    fields["host_resource"] = (place,)


def place_of(kind: str | None, source: Element) -> str | None:
    """What is behind a drive, in one text: a path, ``POOL/VOLUME``, or a URL for what lies on the network."""
    if kind == "file":
        found = source.get("file")
    elif kind == "block":
        found = source.get("dev")
    elif kind == "volume":
        found = f"{source.get('pool')}/{source.get('volume')}"
    elif kind == "network":
        hosts = ",".join(_host(host) for host in source.findall("host"))
        found = f"{source.get('protocol')}://{hosts}/{source.get('name') or ''}"
    else:
        found = source.get("dir") or source.get("path") or source.get("dev")
    return None if found is None else str(found)


def _host(host: Element) -> str:
    name, port = host.get("name") or host.get("socket") or "", host.get("port")
    if port and ":" in name:
        name = f"[{name}]"
    return f"{name}:{port}" if port else name


def _write_medium(element: Element, value: Any) -> None:
    """Put another medium in.  What described the old one (its chain, encryption, labels) goes with it."""
    source = element.find("source")
    policy = None if source is None else source.get("startupPolicy")
    chain = element.find("backingStore")
    if chain is not None:
        take_away(chain)
    if not value:
        if source is not None:
            take_away(source)
        element.set("type", "file")
        return
    source = ensure(element, "source", ORDERS["disk"])
    for child in list(source):
        take_away(child)
    source.attrib.clear()
    kind, attributes = _source_of(value[0])
    element.set("type", kind)
    for name, text in attributes.items():
        source.set(name, text)
    if kind == "network":
        for name, port in _hosts_in(value[0]):
            host = put(source, len(source), "host")
            host.set("name", name)
            if port:
                host.set("port", port)
    if policy:
        source.set("startupPolicy", policy)


def _source_of(place: str) -> tuple[str, dict[str, str]]:
    """The type of a drive and the attributes of its source for what is behind it."""
    if "://" in place:
        protocol, _colon, rest = place.partition("://")
        return "network", {"protocol": protocol, "name": rest.partition("/")[2]}
    if not place.startswith("/"):
        raise InvalidInput(f"host_resource: {place!r} is neither a path from the root nor a URL")
    if place.startswith("/dev/") and not place.startswith("/dev/shm/"):
        return "block", {"dev": place}
    return "file", {"file": place}


def _hosts_in(place: str) -> Iterator[tuple[str, str]]:
    for host in place.partition("://")[2].partition("/")[0].split(","):
        if host.startswith("["):
            name, _bracket, port = host[1:].partition("]")
            yield name, port.lstrip(":")
        elif host:
            name, _colon, port = host.partition(":")
            yield name, port


def _write_bus(element: Element, value: Any) -> None:
    """Put the drive on another bus: its place on the old one goes, and its name when it is that of the old bus."""
    bus = value or default_bus(element)
    target = ensure(element, "target", ORDERS["disk"])
    if target.get("bus") in (None, bus):
        target.set("bus", bus)
        return
    target.set("bus", bus)
    address = element.find("address")
    if address is not None:
        take_away(address)
    if not (target.get("dev") or "").startswith(_PREFIXES.get(bus, "sd")):
        target.set("dev", free_target(element, bus))


def default_bus(element: Element) -> str:
    """The bus on which a new drive is, when none is declared."""
    device = element.get("device")
    if device == "floppy":
        return "fdc"
    if device != "cdrom":
        return "virtio"
    kind = domain_of(element).find("os/type")
    machine = "" if kind is None else kind.get("machine") or ""
    if "q35" in machine:
        return "sata"
    if kind is not None and kind.get("arch") in ("x86_64", "i686") and "microvm" not in machine:
        return "ide"
    return "scsi"


def free_target(element: Element, bus: str) -> str:
    """The next name of a drive on ``bus`` that no drive of the system has."""
    taken = {target.get("dev") for target in domain_of(element).iterfind("devices/disk/target")}
    prefix, number = _PREFIXES.get(bus, "sd"), 0
    while f"{prefix}{_letters(number)}" in taken:
        number += 1
    return f"{prefix}{_letters(number)}"


def _letters(number: int) -> str:
    """a … z, aa, ab …"""
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("a") + digit) + text
    return text


def _write_parent(element: Element, value: Any) -> None:
    """Put the drive on the controller of its bus with index ``value``, at the first free place."""
    target = element.find("target")
    bus = None if target is None else target.get("bus")
    if bus not in _ON_A_DRIVE_CONTROLLER:
        raise NotSupported(
            f"disk_drive: parent is not supported on bus {bus}: only drives on {', '.join(_ON_A_DRIVE_CONTROLLER)}"
        )
    old = element.find("address")
    if old is not None:
        take_away(old)
    if value is None:
        return
    if not str(value).isdigit():
        raise InvalidInput(f"parent: {value!r} is not the index of a {bus} controller")
    taken = set()
    for other in domain_of(element).iterfind("devices/disk"):
        where, its_target = other.find("address"), other.find("target")
        if where is not None and its_target is not None and its_target.get("bus") == bus:
            taken.add((where.get("controller"), where.get("bus"), where.get("unit")))
    buses, units = {"ide": (2, 2), "sata": (1, 6), "scsi": (1, 16384), "fdc": (1, 2)}[bus]
    for number in range(buses * units):
        place = (str(value), str(number // units), str(number % units))
        if place not in taken:
            address = ensure(element, "address", ORDERS["disk"])
            for name, text in zip(
                ("type", "controller", "bus", "target", "unit"), ("drive", *place[:2], "0", place[2])
            ):
                address.set(name, text)
            return
    raise InvalidInput(f"parent: the {bus} controller {value} has no free place")


def _write_visibility(element: Element, value: Any) -> None:
    element.set("device", "lun" if value == ConsumerVisibility.PASSED_THROUGH else "disk")


def _create(element: Element, rasd: Rasd) -> None:
    element.set("type", "file")
    element.set("device", _DEVICES.get(rasd.resource_type, "cdrom"))
    if domain_of(element).get("type") in _WITH_DRIVER_NAME:
        ensure(element, "driver", ORDERS["disk"]).set("name", "qemu")
    bus = rasd.resource_sub_type or default_bus(element)
    target = rasd.address_on_parent or free_target(element, bus)
    taken = {other.get("dev") for other in domain_of(element).iterfind("devices/disk/target")}
    if target in taken:
        raise InvalidInput(f"{rasd.label}: there is another drive at {target!r}")
    place = ensure(element, "target", ORDERS["disk"])
    place.set("dev", target)
    place.set("bus", bus)


def _key(_element: Element, _kids: Kids, fields: Fields) -> str:
    return f"disk/{fields.get('address_on_parent') or ''}"


_DRIVE = {
    "name": NAME,
    "address_on_parent": Place("target", "dev"),
    "resource_sub_type": Place("target", "bus"),
    "settings.format": Place("driver", "type"),
    "settings.access": Place(
        "readonly",
        present=True,
        decode=lambda _present: "readable",
        encode=lambda access: "" if access == "readable" else None,
    ),
    "settings.cache": Place("driver", "cache", encode=lambda word: None if word == "default" else str(word)),
    "settings.io": Place("driver", "io"),
    "settings.serial": Place("serial", encode=text_or_nothing),
    "settings.startup_policy": Place(
        "source", "startupPolicy", encode=lambda word: None if word == "mandatory" else str(word)
    ),
}
_TUNED = {
    "settings.shareable": Place("shareable", present=True, decode=yes, encode=anything),
    "settings.discard": Place("driver", "discard"),
    "settings.detect_zeroes": Place("driver", "detect_zeroes"),
    **{
        f"settings.{name}": Place(f"iotune/{name}", decode=positive, encode=number_or_nothing)
        for name in ORDERS["iotune"]
    },
}
_WRITE = {"host_resource": _write_medium, "resource_sub_type": _write_bus, "parent": _write_parent}
_ELSEWHERE = frozenset({"virtual_quantity", "pool_id"})
_REASONS = {
    "limit": "give the limits of a disk as settings (total_bytes_sec, total_iops_sec …)",
    "weight": "libvirt weighs devices of the host, not disks of a system",
    "address": "the place of a drive is its address_on_parent",
}

DISK = DeviceRow(
    ResourceType.DISK_DRIVE,
    "disk",
    _key,
    places={**_DRIVE, **_TUNED},
    read=_read,
    write={**_WRITE, "consumer_visibility": _write_visibility},
    elsewhere=_ELSEWHERE,
    create=_create,
    unsupported=_REASONS,
    orders=ORDERS,
)
CD, DVD, FLOPPY = (
    DeviceRow(
        resource_type,
        "disk",
        _key,
        places=_DRIVE,
        read=_read,
        write=_WRITE,
        elsewhere=_ELSEWHERE,
        create=_create,
        unsupported=_REASONS,
        orders=ORDERS,
    )
    for resource_type in (ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE)
)

_FORMATS = ("raw", "qcow2", "qed", "vmdk", "vdi", "vpc")
WORDS = {
    ResourceType.DISK_DRIVE: {"settings.format": _FORMATS, "settings.startup_policy": ("mandatory", "optional")},
    ResourceType.CD_DRIVE: {"settings.format": _FORMATS, "settings.access": ("readable",)},
    ResourceType.DVD_DRIVE: {"settings.format": _FORMATS, "settings.access": ("readable",)},
    ResourceType.FLOPPY_DRIVE: {"settings.format": _FORMATS},
}
"""Words libvirt takes, where it takes fewer than the model has."""


def row_of_disk(element: Element) -> DeviceRow:
    """The row of a ``<disk>``."""
    device = element.get("device")
    if device == "cdrom":
        return CD
    return FLOPPY if device == "floppy" else DISK
