# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The allocations of libvirt-cim: one class for each kind of resource, InstanceIDs made of names."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from tests.wbem.world import Reading

KIB = 1024
KILOBYTES_PER_SECOND = 8000
UNITS = {"bytes": 1, "kilobytes": KIB, "megabytes": KIB**2, "gigabytes": KIB**3}
DRIVES = {0: ResourceType.DISK_DRIVE, 1: ResourceType.CD_DRIVE, 2: ResourceType.FLOPPY_DRIVE}
EMULATED = {
    ResourceType.DISK_DRIVE: 0,
    ResourceType.CD_DRIVE: 1,
    ResourceType.DVD_DRIVE: 1,
    ResourceType.FLOPPY_DRIVE: 2,
}
BUSES = {"vd": "virtio", "sd": "scsi", "hd": "ide", "fd": "fdc"}
SOURCES = {"null": 0, "vc": 1, "pty": 2, "dev": 3, "file": 4, "pipe": 5, "stdio": 6, "udp": 7, "tcp": 8, "unix": 9}
CONTROLLERS = {
    ResourceType.IDE_CONTROLLER: "ide",
    ResourceType.SCSI_CONTROLLER: "scsi",
    ResourceType.USB_CONTROLLER: "usb",
}
CONSOLES = ("vnc", "sdl", "console", "serial")
INPUTS = ("mouse", "tablet", "keyboard")
FILE_OF_EMPTY_QCOW2 = 196616


def failed(words: str, code: int = pywbem.CIM_ERR_FAILED) -> pywbem.CIMError:
    """An error as Pegasus tells it: the name of the status before the words."""
    names = {1: "FAILED", 4: "INVALID_PARAMETER", 6: "NOT_FOUND", 7: "NOT_SUPPORTED", 12: "NO_SUCH_PROPERTY"}
    return pywbem.CIMError(code, f"CIM_ERR_{names[code]}: {words}" if words else f"CIM_ERR_{names[code]}")


@dataclass(frozen=True)
class Shown:
    """A resource that libvirt-cim knows."""

    instance_id: str
    suffix: str
    rasd: Rasd


def is_on(system: VirtualSystem) -> bool:
    """Whether the system runs or is paused; one that was saved is off."""
    return system.running is not None and system.state in INSTANTIATED


def effective(system: VirtualSystem) -> Configuration:
    """The one configuration that is shown: the running one while it runs."""
    return system.running if system.running is not None and is_on(system) else system.defined


def shown(system: VirtualSystem, configuration: Configuration | None = None) -> Iterator[Shown]:
    """The resources that libvirt-cim shows of a system; of others it knows nothing."""
    counted: dict[str, int] = {}
    for rasd in (configuration or effective(system)).resources:
        named = _named(rasd, counted)
        if named is not None:
            suffix, local = named
            yield Shown(f"{system.name}/{local}", suffix, rasd)


def _named(rasd: Rasd, counted: dict[str, int]) -> tuple[str, str] | None:
    kind, sub_type = rasd.resource_type, rasd.resource_sub_type or ""
    if kind is ResourceType.MEMORY:
        return "Mem", "mem"
    if kind is ResourceType.PROCESSOR:
        return "Proc", "proc"
    if kind in EMULATED and rasd.address_on_parent:
        return "Disk", rasd.address_on_parent
    if kind is ResourceType.ETHERNET_ADAPTER and rasd.address:
        return "Net", rasd.address
    if kind is ResourceType.GRAPHICS_CONTROLLER and sub_type in CONSOLES:
        return "Graphics", sub_type
    if kind is ResourceType.IO_DEVICE and sub_type in INPUTS:
        return "Input", f"{sub_type}:{rasd.settings.get('bus') or 'ps2'}"
    if kind is ResourceType.SERIAL_PORT:
        return "Console", f"charconsole:{_next(counted, 'serial')}"
    if kind in CONTROLLERS:
        name = CONTROLLERS[kind]
        return "Controller", f"controller:{name}:{rasd.address_on_parent or _next(counted, name)}"
    return None


def _next(counted: dict[str, int], what: str) -> int:
    counted[what] = counted.get(what, -1) + 1
    return counted[what]


def find(reading: Reading, instance_id: str) -> tuple[VirtualSystem, Shown] | None:
    """The resource with that InstanceID and its system, or None."""
    for system in reading.systems:
        for found in shown(system):
            if found.instance_id == instance_id:
                return system, found
    return None


def class_of(suffix: str) -> str:
    """The class, without prefix, of a kind of resource."""
    return f"{suffix}ResourceAllocationSettingData"


# from the model


def instance(reading: Reading, system: VirtualSystem, found: Shown) -> Any:
    """The instance of a resource."""
    zeroed = system.name in reading.world.zeroed
    size = _size(reading, found.rasd) if found.suffix == "Disk" else None

    def make() -> Any:
        properties = _WRITERS[found.suffix](reading, found.rasd, zeroed)
        return reading.make(
            class_of(found.suffix),
            InstanceID=found.instance_id,
            **{"VirtualQuantityUnits": "count", **properties},
        )

    return reading.once(("rasd", found.instance_id), (found.rasd, zeroed, size), make)


def _proc(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    quantity = rasd.maximum_quantity or rasd.virtual_quantity
    weight = 0 if zeroed else rasd.weight if rasd.weight is not None else 1024
    return {"ResourceType": 3, "VirtualQuantity": quantity, "Limit": 0, "Weight": weight}


def _mem(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    now = (rasd.virtual_quantity or rasd.maximum_quantity or 0) // KIB
    most = (rasd.maximum_quantity or rasd.virtual_quantity or 0) // KIB
    return {
        "ResourceType": 4,
        "AllocationUnits": "KiloBytes",
        "VirtualQuantity": now,
        "Reservation": now,
        "Limit": most,
    }


def _size(reading: Reading, rasd: Rasd) -> int:
    """The size of the file behind a disk, which for qcow2 is not what the guest sees."""
    if rasd.settings.get("format") == "qcow2" and "disk_shows_file_size" in reading.dialect.traps:
        return FILE_OF_EMPTY_QCOW2
    path = rasd.host_resource[0] if rasd.host_resource else ""
    return int(rasd.virtual_quantity or getattr(reading.world.platform, "volumes", {}).get(path, 0))


def _disk(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    path = rasd.host_resource[0] if rasd.host_resource else ""
    image_format = rasd.settings.get("format") or "raw"
    cache = rasd.settings.get("cache")
    return {
        "ResourceType": 17,
        "AllocationUnits": "Bytes",
        "VirtualQuantity": _size(reading, rasd),
        "Address": path,
        "VirtualDevice": rasd.address_on_parent,
        "EmulatedType": EMULATED[rasd.resource_type],
        "BusType": rasd.resource_sub_type,
        "DriverName": "qemu",
        "DriverType": image_format,
        "DriverCache": None if cache == "default" else cache,
        "PoolID": f"DiskPool/{rasd.pool_id}" if rasd.pool_id else None,
        "readonly": True if rasd.settings.get("access") == "readable" else None,
        "shareable": True if rasd.settings.get("shareable") else None,
    }


def _net(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    connection = rasd.connection[0] if rasd.connection else "user:"
    kind, separator, name = connection.partition(":")
    found: dict[str, Any] = {"ResourceType": 10, "ResourceSubType": rasd.resource_sub_type, "Address": rasd.address}
    if not separator:
        found.update(NetworkType="network", NetworkName=connection, PoolID=f"NetworkPool/{connection}")
    elif kind == "direct":
        device, _, mode = name.partition("/")
        found.update(NetworkType="direct", SourceDevice=device, NetworkMode=mode or None)
    else:
        found.update(NetworkType=kind, NetworkName=name or None)
    if rasd.limit or rasd.reservation:
        found["AllocationUnits"] = "KiloBytes per Second"
        found["Limit"] = (rasd.limit or 0) // KILOBYTES_PER_SECOND or None
        found["Reservation"] = (rasd.reservation or 0) // KILOBYTES_PER_SECOND or None
    return found


def _graphics(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    address = f"{rasd.settings.get('listen_address') or '127.0.0.1'}:{rasd.settings.get('port', -1)}"
    password = rasd.settings.get("password")
    if password is not None and "passwords_are_masked" in reading.dialect.traps:
        password = "********"
    return {
        "ResourceType": 24,
        "ResourceSubType": rasd.resource_sub_type,
        "Address": address,
        "KeyMap": rasd.settings.get("key_map") or "en-us",
        "Password": password,
    }


def _input(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    bus = rasd.settings.get("bus") or "ps2"
    return {"ResourceType": 13, "ResourceSubType": rasd.resource_sub_type, "BusType": bus}


def _console(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    kind = rasd.resource_sub_type or "pty"
    where = rasd.host_resource[0] if rasd.host_resource else None
    found: dict[str, Any] = {"ResourceType": 1, "OtherResourceType": "console", "TargetType": "serial"}
    found["SourceType"] = SOURCES.get(kind, 2)
    if kind in ("tcp", "udp"):
        found["BindURL" if rasd.settings.get("listen", True) else "ConnectURL"] = f"{kind}://{where}"
    else:
        found["SourcePath"] = where
    return found


def _controller(reading: Reading, rasd: Rasd, zeroed: bool) -> dict[str, Any]:
    index = rasd.address_on_parent
    return {
        "ResourceType": 1,
        "OtherResourceType": "controller",
        "ResourceSubType": CONTROLLERS[rasd.resource_type],
        "Index": int(index) if index and index.isdigit() else 0,
        "Model": rasd.resource_sub_type,
        "Queues": rasd.settings.get("queues"),
    }


_WRITERS: Mapping[str, Callable[[Reading, Rasd, bool], dict[str, Any]]] = {
    "Proc": _proc,
    "Mem": _mem,
    "Disk": _disk,
    "Net": _net,
    "Graphics": _graphics,
    "Input": _input,
    "Console": _console,
    "Controller": _controller,
}
SUFFIXES = tuple(_WRITERS)


# to the model


def kind_of(found: Any) -> str:
    """The kind of resource that a class stands for; raises CIMError."""
    name = found.classname.partition("_")[2]
    if found.classname.startswith("KVM_"):
        for suffix in SUFFIXES:
            if name == class_of(suffix):
                return suffix
    raise failed("Unable to determine RASD type")


def read(reading: Reading, found: Any, before: Rasd | None = None) -> Rasd:
    """The resource an instance asks for; ``before`` is the one it changes.  Raises CIMError."""
    return _READERS[kind_of(found)](reading, found, before)


def _number(found: Any, name: str) -> int | None:
    return None if found.get(name) is None else int(found[name])


def _read_proc(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    base = before or Rasd(ResourceType.PROCESSOR)
    quantity = _number(found, "VirtualQuantity")
    if quantity is None and before is None:
        raise failed("ResourceSettings Error: Missing `VirtualQuantity' field in Processor RASD, (null)")
    if quantity == 0:
        raise failed("Failed to define domain: internal error: CPU IDs in <numa> exceed the <vcpu> count")
    if quantity is not None:
        base = replace(base, virtual_quantity=quantity, maximum_quantity=quantity)
    weight = _number(found, "Weight")
    return base if weight is None else replace(base, weight=weight)


def _read_mem(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    unit = found.get("AllocationUnits")
    action = "ResourceSettings Error" if before is None else "Modify resource failed"
    scale = 1 if unit is None else UNITS.get(str(unit).lower())
    if scale is None:
        raise failed(f"{action}: Unknown AllocationUnits in Memory RASD")
    quantity, limit = _number(found, "VirtualQuantity"), _number(found, "Limit")
    if quantity is None and before is None:
        quantity = _number(found, "Reservation")
        if quantity is None:
            raise failed("ResourceSettings Error: Missing `VirtualQuantity' field in Memory RASD, (null)")
    base = before or Rasd(ResourceType.MEMORY)
    now = base.virtual_quantity if quantity is None else quantity * scale
    most: int | None
    if limit is not None:
        most = limit * scale
    elif before is None:
        most = now
    else:
        most = before.maximum_quantity or before.virtual_quantity
        if "memory_limit_changes_unit" in reading.dialect.traps and unit is not None:
            most = (most or 0) // KIB * scale
    return replace(base, virtual_quantity=now, maximum_quantity=max(now or 0, most or 0))


def _read_disk(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    action = "Add resource failed" if before is None else "Modify resource failed"
    device = found.get("VirtualDevice") or (before.address_on_parent if before else None)
    if device is None:
        raise failed(f"{action}: Missing `VirtualDevice' property, (null)")
    emulated = _number(found, "EmulatedType")
    kind = DRIVES.get(emulated or 0, ResourceType.DISK_DRIVE) if before is None or emulated else before.resource_type
    base = before or Rasd(kind, address_on_parent=device, resource_sub_type=BUSES.get(device[:2], "virtio"))
    path = found.get("Address")
    if path is None and before is None:
        path = "/dev/null"
    if path is not None:
        if kind is ResourceType.DISK_DRIVE:
            _check_file(reading, device, path, action)
        base = replace(base, host_resource=(path,) if path else ())
    if found.get("BusType"):
        base = replace(base, resource_sub_type=found["BusType"])
    settings = dict(base.settings)
    if found.get("DriverType") or before is None:
        settings["format"] = found.get("DriverType") or "raw"
    if found.get("DriverCache"):
        settings["cache"] = found["DriverCache"]
    if found.get("readonly") is not None:
        settings["access"] = "readable" if found["readonly"] else "read_write"
    if found.get("shareable") is not None:
        settings["shareable"] = bool(found["shareable"])
    return replace(base, address_on_parent=device, settings=settings)


def _check_file(reading: Reading, device: str, path: str, action: str) -> None:
    volumes = getattr(reading.world.platform, "volumes", None)
    if "files_must_exist" in reading.dialect.traps and (
        path == "/dev/null" or (volumes is not None and path not in volumes)
    ):
        raise failed(
            f"{action}: Can't get a valid disk type, Device {device}, Address {path}, make sure Address can be "
            "accessed on host system."
        )


def _read_net(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    base = before or Rasd(ResourceType.ETHERNET_ADAPTER, resource_sub_type="rtl8139")
    kind = found.get("NetworkType")
    if kind is None and before is None:
        raise failed("Add resource failed: No Network Type specified, (null)")
    if kind is not None:
        base = replace(base, connection=(_connection(found, str(kind)),))
    if found.get("Address"):
        base = replace(base, address=str(found["Address"]).lower())
    elif base.address is None:
        tail = secrets.token_bytes(3).hex()
        base = replace(base, address=":".join(["00", "1a", "4a", tail[0:2], tail[2:4], tail[4:6]]))
    if found.get("ResourceSubType"):
        base = replace(base, resource_sub_type=found["ResourceSubType"])
    for name, field in (("Limit", "limit"), ("Reservation", "reservation")):
        value = _number(found, name)
        if value is not None:
            base = replace(base, **{field: value * KILOBYTES_PER_SECOND})  # type: ignore[arg-type]
    return base


def _connection(found: Any, kind: str) -> str:
    if kind == "user":
        return "user:"
    if kind == "bridge":
        if not found.get("NetworkName"):
            raise failed("Add resource failed: No Network bridge name specified, (null)")
        return f"bridge:{found['NetworkName']}"
    if kind == "network":
        pool = str(found.get("PoolID") or "")
        name = pool.removeprefix("NetworkPool/") or found.get("NetworkName")
        if not name:
            raise failed("Add resource failed: No Network pool specified, (null)")
        return str(name)
    if kind == "direct":
        mode = found.get("NetworkMode")
        return f"direct:{found.get('SourceDevice')}" + (f"/{mode}" if mode else "")
    raise failed(f"Add resource failed: Network type {kind} not supported, (null)")


def _read_graphics(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    kind = found.get("ResourceSubType") or (before.resource_sub_type if before else None)
    if kind not in CONSOLES:
        raise failed(f"Add resource failed: Unsupported graphics type {kind}")
    settings = dict(before.settings) if before else {}
    address = found.get("Address") or (None if before else "127.0.0.1:-1")
    if address:
        host, _, port = str(address).rpartition(":")
        settings.update(listen_address=host, port=int(port))
    if found.get("KeyMap"):
        settings["key_map"] = found["KeyMap"]
    if found.get("Password") and found["Password"] != "********":
        settings["password"] = found["Password"]
    base = before or Rasd(ResourceType.GRAPHICS_CONTROLLER, resource_sub_type=kind)
    return replace(base, settings=settings)


def _read_input(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    kind = found.get("ResourceSubType") or (before.resource_sub_type if before else "mouse")
    bus = found.get("BusType") or (before.settings.get("bus") if before else "usb" if kind == "tablet" else "ps2")
    base = before or Rasd(ResourceType.IO_DEVICE)
    return replace(base, resource_sub_type=kind, settings={**base.settings, "bus": bus})


def _read_console(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    number = _number(found, "SourceType")
    words = {value: word for word, value in SOURCES.items()}
    kind = words.get(number or 0, "pty") if number is not None else before.resource_sub_type if before else "pty"
    base = before or Rasd(ResourceType.SERIAL_PORT)
    base = replace(base, resource_sub_type=kind)
    if found.get("SourcePath"):
        return replace(base, host_resource=(found["SourcePath"],))
    for name, listens in (("BindURL", True), ("ConnectURL", False)):
        if found.get(name):
            where = str(found[name]).partition("://")[2]
            return replace(base, host_resource=(where,), settings={**base.settings, "listen": listens})
    return base


def _read_controller(reading: Reading, found: Any, before: Rasd | None) -> Rasd:
    names = {word: kind for kind, word in CONTROLLERS.items()}
    if before is None and found.get("ResourceSubType") not in names:
        raise failed(f"Add resource failed: Unsupported controller type {found.get('ResourceSubType')}")
    base = before or Rasd(names[found["ResourceSubType"]])
    if found.get("Model"):
        base = replace(base, resource_sub_type=found["Model"])
    return base if found.get("Index") is None else replace(base, address_on_parent=str(int(found["Index"])))


_READERS: Mapping[str, Callable[[Reading, Any, Rasd | None], Rasd]] = {
    "Proc": _read_proc,
    "Mem": _read_mem,
    "Disk": _read_disk,
    "Net": _read_net,
    "Graphics": _read_graphics,
    "Input": _read_input,
    "Console": _read_console,
    "Controller": _read_controller,
}
