# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources as libvirt-cim has them: classes of its own, told apart by their names, with properties of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import meaning_of_absence
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import rasd_instance
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rows import (
    ALLOCATION_UNITS,
    ClassShape,
    PropertyRow,
    quantity_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import prop, text_of

Fields = dict[str, Any]
KIB = 1024
MEMORY_UNITS = "KiloBytes"
"""The only unit the server handles alike everywhere: another one makes it read old numbers in the new unit."""
DEFAULT_WEIGHT = 1024
DISK_POOLS, NETWORK_POOLS = "DiskPool/", "NetworkPool/"

_DISK, _LUN, _CD, _FLOPPY, _FILE_SYSTEM = 0, 4, 1, 2, 3


def check_text(where: str, text: str) -> None:
    """Raise NotSupported for a text that the server would break: names of systems and pools, and paths of pools and volumes.

    It gives them to libxml2 as the content of an element, for which ``&`` begins an entity: nothing is left of "R&D", and
    "R&amp;D" becomes "R&D".  What it writes as attributes, such as the file of a disk, is not concerned.
    """
    if "&" in text:
        raise NotSupported(
            f"{where}: {text!r} is not supported by this server: it writes '&' into the hypervisor's document as it is, "
            "and something else would be read there"
        )


def _nothing_to_read(_instance: Any, _fields: Fields, _settings: Fields) -> None:
    """The rows say it all."""


def _nothing_to_write(_rasd: Rasd, _wanted: Iterable[str]) -> dict[str, Any]:
    return {}


@frozen
class ClassRow:
    """One class of the server and one type of resource."""

    suffix: str
    """The name of the class without its prefix and without what all of them end in."""
    resource_type: ResourceType
    rows: tuple[PropertyRow, ...]
    read: Callable[[Any, Fields, Fields], None] = _nothing_to_read
    """What the rows cannot say: puts values into fields and settings."""
    write: Callable[[Rasd, Iterable[str]], dict[str, Any]] = _nothing_to_write
    written: frozenset[str] = frozenset()
    """Names that ``write`` looks after."""


# Drives


def _read_drive(instance: Any, fields: Fields, settings: Fields) -> None:
    address = text_of(instance.get("Address"))
    fields["host_resource"] = (address,) if address else ()
    pool = text_of(instance.get("PoolID"))
    if pool and pool.startswith(DISK_POOLS):
        fields["pool_id"] = pool[len(DISK_POOLS) :]
    if int(instance.get("EmulatedType") or 0) == _LUN:
        fields["consumer_visibility"] = ConsumerVisibility.PASSED_THROUGH
    # The size shown is that of the file, which only for raw images is the size the guest sees.
    size = quantity_of(instance, "VirtualQuantity", ALLOCATION_UNITS, "byte")
    if size and settings.get("format") == "raw":
        fields["virtual_quantity"] = size


def _write_drive(rasd: Rasd, wanted: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lun = rasd.consumer_visibility is ConsumerVisibility.PASSED_THROUGH
    number = {ResourceType.DISK_DRIVE: _LUN if lun else _DISK, ResourceType.FLOPPY_DRIVE: _FLOPPY}
    found["EmulatedType"] = prop("EmulatedType", number.get(rasd.resource_type, _CD), "uint16")
    if "host_resource" in wanted:
        found["Address"] = prop("Address", (rasd.host_resource or ("",))[0], "string")
    if "pool_id" in wanted and rasd.pool_id:
        found["PoolID"] = prop("PoolID", DISK_POOLS + rasd.pool_id, "string")
    return found


_DRIVE_ROWS = (
    PropertyRow("address_on_parent", "VirtualDevice"),
    PropertyRow("resource_sub_type", "BusType"),
    PropertyRow("settings.format", "DriverType"),
    PropertyRow("settings.cache", "DriverCache"),
    PropertyRow("settings.access", "readonly", "boolean", words={True: "readable", False: "read_write"}),
)
_DISK_ROWS = (*_DRIVE_ROWS, PropertyRow("settings.shareable", "shareable", "boolean"))
_DRIVE_WRITTEN = frozenset({"host_resource", "pool_id", "consumer_visibility"})


# Network adapters

_NETWORK_TYPES = {"bridge": "NetworkName", "direct": "SourceDevice"}
_KINDS_OF_OTHERS = frozenset({"ethernet", "hostdev", "internal", "vdpa", "vhostuser"})
"""Kinds of connections that a platform can have and this server has not."""


def _read_adapter(instance: Any, fields: Fields, _settings: Fields) -> None:
    kind = text_of(instance.get("NetworkType"))
    pool = str(instance.get("PoolID") or "")
    if kind == "network":
        name = text_of(instance.get("NetworkName"))
        if not name and pool.startswith(NETWORK_POOLS):
            name = pool[len(NETWORK_POOLS) :]
        fields["connection"] = (name,) if name else ()
    elif kind == "user":
        fields["connection"] = ("user:",)
    elif kind in _NETWORK_TYPES:
        mode = text_of(instance.get("NetworkMode"))
        target = text_of(instance.get(_NETWORK_TYPES[kind])) or ""
        fields["connection"] = (f"{kind}:{target}" + (f"/{mode}" if mode and kind == "direct" else ""),)


def _write_adapter(rasd: Rasd, wanted: Iterable[str]) -> dict[str, Any]:
    if not {"connection", "pool_id"} & set(wanted):
        return {}
    connection = rasd.connection or ((rasd.pool_id,) if rasd.pool_id else ())
    if len(connection) != 1:
        raise NotSupported(f"{rasd.label}: connection: this server plugs an adapter into exactly one network")
    kind, colon, target = connection[0].partition(":")
    texts: dict[str, str] = {}
    if not colon:
        name = connection[0]
        texts = {"NetworkType": "network", "NetworkName": name, "PoolID": NETWORK_POOLS + name}
    elif kind == "user":
        texts = {"NetworkType": "user"}
    elif kind in _NETWORK_TYPES:
        device, _slash, mode = target.partition("/") if kind == "direct" else (target, "", "")
        texts = {"NetworkType": kind, _NETWORK_TYPES[kind]: device}
        if mode:
            texts["NetworkMode"] = mode
    else:
        failure = NotSupported if kind in _KINDS_OF_OTHERS else InvalidInput
        raise failure(
            f"{rasd.label}: connection: {connection[0]!r} is not offered by this server; allowed are NETWORK, "
            "bridge:NAME, direct:DEVICE, direct:DEVICE/MODE and user:"
        )
    return {name: prop(name, text, "string") for name, text in texts.items()}


# Memory


def _read_memory(instance: Any, fields: Fields, _settings: Fields) -> None:
    fields["virtual_quantity"] = quantity_of(instance, "VirtualQuantity", ALLOCATION_UNITS, "byte")
    fields["maximum_quantity"] = quantity_of(instance, "Limit", ALLOCATION_UNITS, "byte")


def _write_memory(rasd: Rasd, _wanted: Iterable[str]) -> dict[str, Any]:
    """Quantity and maximum always together, and always in the same unit."""
    quantity = rasd.virtual_quantity if rasd.virtual_quantity is not None else rasd.maximum_quantity
    found = {ALLOCATION_UNITS: prop(ALLOCATION_UNITS, MEMORY_UNITS, "string")}
    for name, number in (("VirtualQuantity", quantity), ("Limit", rasd.maximum_quantity or quantity)):
        if number is None:
            raise InvalidInput(f"{rasd.label}: virtual_quantity is needed")
        if number % KIB:
            raise InvalidInput(f"{rasd.label}: {number} bytes are not a whole number of KiB, this server's unit")
        found[name] = prop(name, number // KIB, "uint64")
    return found


# Consoles, input, controllers

_BACK_ENDS = {
    0: "null", 1: "vc", 2: "pty", 3: "dev", 4: "file", 5: "pipe", 6: "stdio", 7: "udp", 8: "tcp", 9: "unix",
    10: "spicevmc",
}  # fmt: skip
_WITH_PATH = frozenset({"dev", "file", "pipe", "unix"})


def _read_console(instance: Any, fields: Fields, settings: Fields) -> None:
    path = text_of(instance.get("SourcePath"))
    url = text_of(instance.get("ConnectURL")) or text_of(instance.get("BindURL"))
    if path or url:
        fields["host_resource"] = (path or str(url).partition("://")[2] or str(url),)
    if url:
        settings["listen"] = not instance.get("ConnectURL")
    number = str(instance.get("InstanceID") or "").rpartition(":")[2]
    if number.isdigit():
        fields["address_on_parent"] = number


def _write_console(rasd: Rasd, wanted: Iterable[str]) -> dict[str, Any]:
    found = {"TargetType": prop("TargetType", "serial", "string")}
    if "host_resource" in wanted:
        if rasd.host_resource and rasd.resource_sub_type not in _WITH_PATH:
            raise NotSupported(
                f"{rasd.label}: host_resource is offered by this server for {', '.join(sorted(_WITH_PATH))} only"
            )
        found["SourcePath"] = prop("SourcePath", (rasd.host_resource or (None,))[0], "string")
    return found


def _read_graphics(instance: Any, _fields: Fields, settings: Fields) -> None:
    address, colon, port = str(instance.get("Address") or "").rpartition(":")
    if colon and address and address != "(null)":
        settings["listen_address"] = address
        if port.lstrip("-").isdigit():
            settings["port"] = int(port)


def _write_graphics(rasd: Rasd, wanted: Iterable[str]) -> dict[str, Any]:
    if not {"settings.listen_address", "settings.port"} & set(wanted):
        return {}
    port = rasd.settings.get("port")
    address = f"{rasd.settings.get('listen_address') or '127.0.0.1'}:{-1 if port is None else port}"
    return {"Address": prop("Address", address, "string")}


_CONTROLLERS = {
    "ide": ResourceType.IDE_CONTROLLER,
    "scsi": ResourceType.SCSI_CONTROLLER,
    "usb": ResourceType.USB_CONTROLLER,
}


def _text_row(name: str, prop_name: str) -> PropertyRow:
    return PropertyRow(name, prop_name)


CLASS_ROWS: tuple[ClassRow, ...] = (
    ClassRow(
        "Proc",
        ResourceType.PROCESSOR,
        (PropertyRow("virtual_quantity", "VirtualQuantity", "uint64"), PropertyRow("weight", "Weight", "uint32")),
    ),
    ClassRow(
        "Mem",
        ResourceType.MEMORY,
        (),
        _read_memory,
        _write_memory,
        frozenset({"virtual_quantity", "maximum_quantity"}),
    ),
    ClassRow("Disk", ResourceType.DISK_DRIVE, _DISK_ROWS, _read_drive, _write_drive, _DRIVE_WRITTEN),
    ClassRow("Disk", ResourceType.CD_DRIVE, _DRIVE_ROWS, _read_drive, _write_drive, _DRIVE_WRITTEN),
    ClassRow("Disk", ResourceType.DVD_DRIVE, _DRIVE_ROWS, _read_drive, _write_drive, _DRIVE_WRITTEN),
    ClassRow("Disk", ResourceType.FLOPPY_DRIVE, _DRIVE_ROWS, _read_drive, _write_drive, _DRIVE_WRITTEN),
    ClassRow(
        "Net",
        ResourceType.ETHERNET_ADAPTER,
        (_text_row("address", "Address"), _text_row("resource_sub_type", "ResourceSubType")),
        _read_adapter,
        _write_adapter,
        frozenset({"connection", "pool_id"}),
    ),
    ClassRow(
        "Graphics",
        ResourceType.GRAPHICS_CONTROLLER,
        (
            _text_row("resource_sub_type", "ResourceSubType"),
            _text_row("settings.key_map", "KeyMap"),
            _text_row("settings.password", "Password"),
        ),
        _read_graphics,
        _write_graphics,
        frozenset({"settings.listen_address", "settings.port"}),
    ),
    ClassRow(
        "Input",
        ResourceType.IO_DEVICE,
        (_text_row("resource_sub_type", "ResourceSubType"), _text_row("settings.bus", "BusType")),
    ),
    ClassRow(
        "Console",
        ResourceType.SERIAL_PORT,
        (PropertyRow("resource_sub_type", "SourceType", "uint16", words=_BACK_ENDS),),
        _read_console,
        _write_console,
        # The server numbers them in the order in which they come.
        frozenset({"host_resource", "address_on_parent"}),
    ),
    ClassRow(
        "Controller",
        ResourceType.OTHER,
        (
            _text_row("resource_sub_type", "Model"),
            PropertyRow("address_on_parent", "Index", "uint64"),
            PropertyRow("settings.queues", "Queues", "uint64"),
        ),
    ),
)

CLASSES: Mapping[ResourceType, str] = {
    row.resource_type: row.suffix + rasd_instance.GENERIC
    for row in CLASS_ROWS
    if row.resource_type is not ResourceType.OTHER
}
"""The class to make a resource of a type with."""

_ROWS = {row.resource_type: row for row in CLASS_ROWS}
_SUFFIXES = {row.suffix for row in CLASS_ROWS}
_EMULATED = {_CD: ResourceType.CD_DRIVE, _FLOPPY: ResourceType.FLOPPY_DRIVE}


def suffix_of(class_name: str) -> str:
    """What tells the server's classes apart: ``Disk`` for ``KVM_DiskResourceAllocationSettingData``."""
    return class_name.partition("_")[2].replace(rasd_instance.GENERIC, "")


def read_rasd(instance: Any) -> Rasd:
    """The resource that an instance describes."""
    suffix = suffix_of(instance.classname)
    emulated = int(instance.get("EmulatedType") or 0) if suffix == "Disk" else 0
    if suffix not in _SUFFIXES or emulated == _FILE_SYSTEM:
        return replace(rasd_instance.read_rasd(instance), implied=True)
    row = next(row for row in CLASS_ROWS if row.suffix == suffix)
    resource_type = _EMULATED.get(emulated, row.resource_type)
    fields: Fields = {}
    settings: Fields = {}
    for each in row.rows:
        raw = instance.get(each.prop)
        value = None if raw == "" else each.read(raw)
        if value is None or each.name == "settings.password":
            continue
        if each.name.startswith("settings."):
            settings[each.name[len("settings.") :]] = value
        else:
            fields[each.name] = value
    row.read(instance, fields, settings)
    if suffix == "Controller":
        resource_type = _controller(instance, fields)
    if suffix == "Proc" and not fields.get("weight"):
        # What the server left behind when it was not told: no domain starts with it.
        fields.pop("weight", None)
    return Rasd(
        resource_type,
        settings=settings,
        instance_id=text_of(instance.get("InstanceID")),
        implied=_is_implied(suffix, fields, settings),
        **fields,
    )


def _controller(instance: Any, fields: Fields) -> ResourceType:
    kind = str(instance.get("ResourceSubType") or "unknown")
    fields["address_on_parent"] = str(fields.get("address_on_parent", 0))
    if kind not in _CONTROLLERS:
        fields["other_resource_type"] = kind.replace("-", "_") + "_controller"
    return _CONTROLLERS.get(kind, ResourceType.OTHER)


_OWN_CONSOLE = {"key_map": "en-us", "listen_address": "127.0.0.1", "port": -1}


def _is_implied(suffix: str, fields: Fields, settings: Fields) -> bool:
    """What the server adds by itself: controllers, a PC's mouse and keyboard, consoles on the host.

    And what it shows twice: a serial port, as a display.
    """
    if suffix == "Graphics":
        sub_type = fields.get("resource_sub_type")
        return sub_type == "console" or (sub_type == "vnc" and settings == _OWN_CONSOLE)
    if suffix == "Console":
        return fields.get("resource_sub_type") == "pty" and fields.get("address_on_parent") == "0"
    return suffix == "Controller" or (suffix == "Input" and settings.get("bus") == "ps2")


def write_rasd(
    rasd: Rasd, shape: ClassShape, changed: Iterable[str] | None = None, _before: Any = None
) -> dict[str, Any]:
    """The properties of a resource: all that have a value, or those of the ``changed`` names.

    Raises NotSupported for what the server would drop without a word.
    """
    row = _ROWS.get(rasd.resource_type)
    if row is None or rasd.resource_type is ResourceType.OTHER:
        raise NotSupported(f"{rasd.label}: this server makes no {rasd.resource_type.word}")
    wanted = set(values(rasd)) if changed is None else set(changed)
    given = values(rasd)
    found: dict[str, Any] = {"ResourceType": prop("ResourceType", _type_number(rasd), "uint16")}
    known = {each.name for each in row.rows} | row.written
    for name in sorted(wanted - known):
        value = given.get(name)
        if value is not None and value != meaning_of_absence(rasd.row, name):
            reason = UNSUPPORTED.get(rasd.resource_type, {}).get(name, "it has no property for it")
            raise NotSupported(
                f"{rasd.label}: {name.replace('settings.', '')} is not supported by this server: {reason}"
            )
    for each in row.rows:
        if each.name in wanted:
            found[each.prop] = shape.property(each, given.get(each.name))
    found.update(row.write(rasd, wanted))
    return found


_DEVICES: Mapping[ResourceType, str] = {ResourceType.PROCESSOR: "proc", ResourceType.MEMORY: "mem"}


def resource_id(system: str, rasd: Rasd) -> str | None:
    """The InstanceID a new resource will have; without it the server answers with a path that has no keys."""
    device = _DEVICES.get(rasd.resource_type) or (
        rasd.address if rasd.resource_type is ResourceType.ETHERNET_ADAPTER else rasd.address_on_parent
    )
    return f"{system}/{device}" if device else None


def _type_number(rasd: Rasd) -> int:
    """The server calls every drive a disk, and tells them apart by EmulatedType."""
    drives = (ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE)
    if rasd.resource_type is ResourceType.SERIAL_PORT:
        return int(ResourceType.OTHER)
    return int(ResourceType.DISK_DRIVE if rasd.resource_type in drives else rasd.resource_type)


_NO_NAMES = "the server keeps no names of resources"
_NOT_KEPT = "the server drops it"
_COMMON = {
    "name": _NO_NAMES,
    "automatic_allocation": _NOT_KEPT,
    "automatic_deallocation": _NOT_KEPT,
    "mapping_behavior": _NOT_KEPT,
    "parent": _NOT_KEPT,
}


def _unsupported(row: ClassRow) -> dict[str, str]:
    """What the model has for a type and the server's class has not."""
    names = [each.name for each in rasd_instance.rows_of(row.resource_type)]
    known = {each.name for each in row.rows} | row.written
    return {name: _COMMON.get(name, _NOT_KEPT) for name in names if name not in known}


UNSUPPORTED: Mapping[ResourceType, Mapping[str, str]] = {
    row.resource_type: {
        name: reason
        for name, reason in _unsupported(row).items()
        if not (name == "virtual_quantity" and row.suffix == "Disk")
    }
    for row in CLASS_ROWS
}
"""By type, what a declaration for this server cannot say."""

FIXED: Mapping[ResourceType, Mapping[str, str]] = {
    kind: {"virtual_quantity": "this server does not resize volumes", "pool_id": "add another disk and copy"}
    for kind in (ResourceType.DISK_DRIVE, ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE)
}

WORDS: Mapping[ResourceType, Mapping[str, tuple[str, ...]]] = {
    # What the hypervisor behind the server makes of them whatever is sent.
    **{kind: {"settings.access": ("readable",)} for kind in (ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE)},
    # Its class is that of consoles; it has none for display adapters.
    ResourceType.GRAPHICS_CONTROLLER: {"resource_sub_type": ("vnc", "sdl")},
}

OFF_ONLY: Mapping[ResourceType, frozenset[str]] = {
    ResourceType.PROCESSOR: frozenset({"virtual_quantity"}),
    ResourceType.MEMORY: frozenset({"virtual_quantity", "maximum_quantity"}),
}
"""What the server refuses to change while a system runs, in the definition as well."""

LIVE: Mapping[ResourceType, frozenset[str]] = {
    **{row.resource_type: frozenset() for row in CLASS_ROWS},
    ResourceType.DISK_DRIVE: frozenset({"add"}),
    ResourceType.ETHERNET_ADAPTER: frozenset({"add"}),
}
"""What was seen to work on a running system.  Removals are taken from the record alone when the guest does not answer."""
