# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of virtual systems, and pools, as libvirt-cim has them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import pool_instance
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.libvirt_cim import (
    DISK_POOLS,
    NETWORK_POOLS,
    check_text,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rows import ClassShape, PropertyRow
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import prop, text_of

ROWS: tuple[PropertyRow, ...] = (
    PropertyRow("virtual_system_type", "VirtualSystemType", words={"KVM": "kvm", "Xen": "xen", "LXC": "lxc"}),
    PropertyRow("architecture", "Arch"),
    PropertyRow("machine", "Machine"),
    PropertyRow("automatic_startup_action", "AutoStart", "uint16", words={0: "none", 1: "always_startup"}),
    PropertyRow("automatic_recovery_action", "AutomaticRecoveryAction", "uint16", words={2: "none", 3: "restart"}),
    PropertyRow("clock_offset", "ClockOffset", "uint16", words={0: "utc", 1: "localtime"}),
)

BOOT_DEVICES = {"hd": "disk_drive", "cdrom": "cd_drive", "network": "ethernet_adapter", "fd": "floppy_drive"}
_BOOT_WORDS = {word: device for device, word in BOOT_DEVICES.items()}

_REASONS = {
    "description": "the server keeps no notes",
    "automatic_shutdown_action": "the server means by it what becomes of a guest that turns itself off",
    "firmware": "the server only makes systems with BIOS",
}
UNSUPPORTED_SETTINGS: Mapping[str, str] = {
    **{
        name: _REASONS.get(name, "the server drops it")
        for name in SYSTEM_SETTINGS
        if name not in {row.name for row in ROWS} | {"boot_order"}
    },
    "automatic_startup_action=restart_if_previously_active": "the server knows always_startup and none",
    "automatic_recovery_action=revert_to_snapshot": "the server can only leave a failed guest or restart it",
}

FIXED_SETTINGS: Mapping[str, str] = {
    "machine": "the server keeps the controllers of the former machine, and another family needs others"
}


def read_settings(settings: Any) -> dict[str, Any]:
    """The settings of a VSSD."""
    found = {row.name: row.read(settings.get(row.prop)) for row in ROWS}
    devices = settings.get("BootDevices")
    if devices:
        found["boot_order"] = tuple(BOOT_DEVICES.get(str(device), str(device)) for device in devices)
    return {name: value for name, value in found.items() if value is not None}


def write_settings(given: Mapping[str, Any], shape: ClassShape, names: Iterable[str]) -> dict[str, Any]:
    """The properties of the named settings.  Raises NotSupported for what the server would drop without a word."""
    rows = {row.name: row for row in ROWS}
    found: dict[str, Any] = {}
    for name in names:
        value = given.get(name)
        if name == "boot_order":
            found["BootDevices"] = prop(
                "BootDevices", [_boot_device(each) for each in value or ()], "string", array=True
            )
        elif name in rows:
            found[rows[name].prop] = shape.property(rows[name], value)
        elif value is not None and value != SYSTEM_SETTINGS[name].absent:
            raise NotSupported(
                f"settings: {name}: {value!r} is not supported by this server: "
                f"{UNSUPPORTED_SETTINGS.get(name, 'the server drops it')}"
            )
    return found


def _boot_device(word: str) -> str:
    if word not in _BOOT_WORDS:
        raise NotSupported(
            f"settings: boot_order: {word!r} is not offered by this server; allowed are {', '.join(sorted(_BOOT_WORDS))}",
            allowed=sorted(_BOOT_WORDS),
        )
    return _BOOT_WORDS[word]


# Pools

_PREFIXES = {ResourceType.DISK_DRIVE: DISK_POOLS, ResourceType.ETHERNET_ADAPTER: NETWORK_POOLS}
_KINDS = {"dir": 1, "fs": 2, "netfs": 3, "disk": 4, "iscsi": 5, "logical": 6}
_FORWARDING = {"isolated": 0, "nat": 1, "route": 2}


def read_pool(pool: Any, _settings: Any = None) -> ResourcePool:
    """The pool that an instance describes.  The server shows active pools only."""
    found = pool_instance.read_pool(pool)
    prefix = _PREFIXES.get(found.resource_type, "")
    settings: dict[str, Any] = {}
    path = text_of(pool.get("Path"))
    if path:
        settings["target_path"] = path
    for name, property_name in (("source_host", "Host"), ("source_path", "SourceDirectory")):
        if text_of(pool.get(property_name)):
            settings[name] = str(pool[property_name])
    caption = str(pool.get("Caption") or "")
    if found.resource_type is ResourceType.ETHERNET_ADAPTER and caption.startswith("Bridge: "):
        settings["bridge"] = caption[len("Bridge: ") :]
    pool_id = found.pool_id
    if prefix and not found.primordial and pool_id.startswith(prefix):
        pool_id = pool_id[len(prefix) :]
    autostart = pool.get("Autostart")
    return replace(
        found,
        pool_id=pool_id,
        resource_sub_type=text_of(pool.get("OtherResourceType")),
        active=True,
        automatic_startup=None if autostart is None else bool(autostart),
        parent=None if found.primordial else f"{prefix}0",
        host_resource=(path,) if path and pool.get("OtherResourceType") == "dir" else None,
        settings=settings,
    )


def new_pool(pool: ResourcePool) -> tuple[str, dict[str, Any]]:
    """The class, without prefix, and the properties of the settings that make a pool."""
    check_text("pool_id", pool.pool_id)
    kind = pool.resource_sub_type or ""
    prefix = _PREFIXES[pool.resource_type]
    found = {
        "ResourceType": prop("ResourceType", int(pool.resource_type), "uint16"),
        "PoolID": prop("PoolID", prefix + pool.pool_id, "string"),
    }
    if pool.resource_type is ResourceType.ETHERNET_ADAPTER:
        found["ForwardMode"] = prop("ForwardMode", _FORWARDING[kind], "uint16")
        texts = {**_addresses(pool), **_range(pool)}
        if pool.host_resource:
            texts["ForwardDevice"] = pool.host_resource[0]
        return "NetPoolResourceAllocationSettingData", {
            **found,
            **{name: prop(name, text, "string") for name, text in texts.items()},
        }
    found["Type"] = prop("Type", _KINDS[kind], "uint16")
    path = pool.settings.get("target_path") or (pool.host_resource[0] if kind == "dir" and pool.host_resource else None)
    known: dict[str, Any] = {
        "Path": path,
        "Host": pool.settings.get("source_host"),
        "SourceDirectory": pool.settings.get("source_path"),
    }
    check_text(f"Pool {pool.pool_id!r}: its path", path or "")
    found.update({name: prop(name, text, "string") for name, text in known.items() if text})
    if kind != "dir" and pool.host_resource:
        found["DevicePaths"] = prop("DevicePaths", list(pool.host_resource), "string", array=True)
    if pool.automatic_startup is not None:
        found["Autostart"] = prop("Autostart", int(pool.automatic_startup), "uint16")
    return "DiskPoolResourceAllocationSettingData", found


def _addresses(pool: ResourcePool) -> dict[str, str]:
    addresses = pool.settings.get("addresses") or ()
    if not addresses:
        return {}
    if len(addresses) > 1:
        raise NotSupported(f"Pool {pool.pool_id!r}: addresses: this server gives a network one address")
    address = ipaddress.ip_interface(addresses[0])
    if address.version != 4:
        raise NotSupported(f"Pool {pool.pool_id!r}: addresses: this server gives a network an address of IPv4")
    return {"Address": str(address.ip), "Netmask": str(address.netmask)}


def _range(pool: ResourcePool) -> dict[str, str]:
    ranges = pool.settings.get("dhcp_ranges") or ()
    if not ranges:
        return {}
    if len(ranges) > 1:
        raise NotSupported(f"Pool {pool.pool_id!r}: dhcp_ranges: this server gives a network one range")
    return {"IPRangeStart": str(ranges[0].get("start")), "IPRangeEnd": str(ranges[0].get("end"))}


_NOT_CHANGED = "the server cannot change a pool; remove it (what is in it stays) and declare it anew"
_STORAGE = (
    "host_resource",
    "automatic_startup",
    "settings.target_path",
    "settings.source_host",
    "settings.source_path",
)
_REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {"dir": (("host_resource", "settings.target_path"),)}
_NETWORK = ("host_resource", "settings.addresses", "settings.dhcp_ranges")
"""What a network is made with; the server does not show any of it afterwards, nor its kind."""

POOL_KINDS: Mapping[ResourceType, tuple[str, ...]] = {
    ResourceType.DISK_DRIVE: tuple(_KINDS),
    ResourceType.ETHERNET_ADAPTER: tuple(_FORWARDING),
}


def pool_capabilities() -> dict[tuple[ResourceType, str], PoolCapabilities]:
    """How pools of each kind are made."""
    found: dict[tuple[ResourceType, str], PoolCapabilities] = {}
    for resource_type, kinds in POOL_KINDS.items():
        network = resource_type is ResourceType.ETHERNET_ADAPTER
        can_be_said = set(_NETWORK if network else _STORAGE)
        rows = {f"settings.{name}" for name in ResourcePool("", resource_type).setting_rows}
        everything = rows | {"host_resource", "automatic_startup", "parent"}
        for kind in kinds:
            # Of storage it shows the folder of a pool that is one, and no devices.
            unseen = can_be_said if network else set() if kind == "dir" else {"host_resource"}
            found[(resource_type, kind)] = PoolCapabilities(
                resource_type,
                kind,
                required=_REQUIRED.get(kind, ()),
                unseen=frozenset(unseen),
                fixed=dict.fromkeys(can_be_said - unseen, _NOT_CHANGED),
                unsupported=dict.fromkeys(everything - can_be_said, "the server drops it"),
            )
    return found
