# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's values as CIM properties and back, in the dialect "standard".  ``mof/svpc.mof`` says where what travels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.model.values import SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from tests.wbem.world import Reading

BLOCKS = "count(fixed size block)"

_CLASSES = {
    ResourceType.PROCESSOR: "ProcessorAllocationSettingData",
    ResourceType.ETHERNET_ADAPTER: "EthernetPortAllocationSettingData",
    ResourceType.DISK_DRIVE: "StorageAllocationSettingData",
    ResourceType.CD_DRIVE: "StorageAllocationSettingData",
    ResourceType.DVD_DRIVE: "StorageAllocationSettingData",
    ResourceType.FLOPPY_DRIVE: "StorageAllocationSettingData",
}

RASD_CLASSES = tuple(sorted({*_CLASSES.values(), "ResourceAllocationSettingData"}))
"""Every class of allocation settings."""

_TEXTS = {
    "OtherResourceType": "other_resource_type",
    "ResourceSubType": "resource_sub_type",
    "ElementName": "name",
    "PoolID": "pool_id",
    "Address": "address",
    "AddressOnParent": "address_on_parent",
    "Parent": "parent",
    "Weight": "weight",
    "AutomaticAllocation": "automatic_allocation",
    "AutomaticDeallocation": "automatic_deallocation",
    "HostResource": "host_resource",
    "Connection": "connection",
}
"""Properties whose values are those of the model."""

_WORDS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "Access": ("access", {"readable": 1, "read_write": 3}),
    "DesiredVLANEndpointMode": ("desired_vlan_endpoint_mode", {"access": 2, "trunk": 5}),
}
_SAME: Mapping[str, str] = {
    "PortVID": "port_vid",
    "AllowedToTransmitVLANs": "allowed_to_transmit_vlans",
    "Promiscuous": "promiscuous",
    "SourceMACFilteringEnabled": "source_mac_filtering_enabled",
}
_RATES: Mapping[str, str] = {
    "ReceiveBandwidthLimit": "receive_bandwidth_limit",
    "ReceiveBandwidthReservation": "receive_bandwidth_reservation",
}

_ACTIONS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "AutomaticStartupAction": (
        "automatic_startup_action",
        {"none": 2, "restart_if_previously_active": 3, "always_startup": 4},
    ),
    "AutomaticShutdownAction": ("automatic_shutdown_action", {"turn_off": 2, "save_state": 3, "shutdown": 4}),
    "AutomaticRecoveryAction": ("automatic_recovery_action", {"none": 2, "restart": 3, "revert_to_snapshot": 4}),
}


def rasd_class(resource_type: ResourceType) -> str:
    """The class, without prefix, for allocations of a type."""
    return _CLASSES.get(resource_type, "ResourceAllocationSettingData")


# settings as names and values


def _packed(settings: Mapping[str, Any]) -> dict[str, Any]:
    if not settings:
        return {}
    names = sorted(settings)
    return {"SettingNames": names, "SettingValues": [json.dumps(settings[name], sort_keys=True) for name in names]}


def unpacked(instance: Any, rows: Mapping[str, SettingRow]) -> dict[str, Any]:
    """The settings an instance names; None takes one away."""
    names, texts = instance.get("SettingNames") or [], instance.get("SettingValues") or []
    if len(names) != len(texts):
        raise InvalidInput("SettingNames and SettingValues differ in length")
    found: dict[str, Any] = {}
    for name, text in zip(names, texts, strict=True):
        try:
            value = json.loads(text) if text is not None else None
        except ValueError:
            raise InvalidInput(f"SettingValues: {text!r} of {name} is no JSON") from None
        if value is not None and name in rows:
            value = rows[name].parse(value, name)
        found[name] = tuple(value) if isinstance(value, list) else value
    return found


# resources


def quantity_units(rasd: Rasd, block_size: int) -> tuple[str, int]:
    """The unit in which the quantities of a resource are shown, and its size in base units."""
    if rasd.row.quantity_unit != units.BYTE:
        return "count", 1
    shown = [value for value in (rasd.virtual_quantity, rasd.maximum_quantity) if value is not None]
    if rasd_class(rasd.resource_type) == "StorageAllocationSettingData":
        if block_size > 1 and all(value % block_size == 0 for value in shown):
            return BLOCKS, block_size
        return "byte", 1
    return ("byte * 2^10", 1024) if all(value % 1024 == 0 for value in shown) else ("byte", 1)


def _allocation_units(rasd: Rasd) -> tuple[str | None, int]:
    if rasd.row.allocation_unit == units.BYTE:
        shown = [value for value in (rasd.reservation, rasd.limit) if value is not None]
        return ("byte * 2^10", 1024) if all(value % 1024 == 0 for value in shown) else ("byte", 1)
    return rasd.row.allocation_unit, 1


def rasd_properties(rasd: Rasd, block_size: int = 1) -> dict[str, Any]:
    """The properties of a resource's settings, without InstanceID."""
    found: dict[str, Any] = {name: getattr(rasd, field) for name, field in _TEXTS.items()}
    found["ResourceType"] = int(rasd.resource_type)
    found["ConsumerVisibility"] = rasd.consumer_visibility
    found["MappingBehavior"] = rasd.mapping_behavior
    found["Implied"] = rasd.implied or None
    unit, scale = quantity_units(rasd, block_size)
    found["VirtualQuantityUnits"] = unit
    for name, value in (("VirtualQuantity", rasd.virtual_quantity), ("MaximumQuantity", rasd.maximum_quantity)):
        found[name] = None if value is None else value // scale
    found["AllocationUnits"], scale = _allocation_units(rasd)
    for name, value in (("Reservation", rasd.reservation), ("Limit", rasd.limit or None)):
        found[name] = None if value is None else value // scale
    settings = {name: value for name, value in rasd.settings.items() if value is not None}
    kind = rasd_class(rasd.resource_type)
    if kind == "StorageAllocationSettingData":
        found["VirtualResourceBlockSize"] = quantity_units(rasd, block_size)[1]
        _take_words(found, settings, ("Access",))
    elif kind == "EthernetPortAllocationSettingData":
        _take_words(found, settings, ("DesiredVLANEndpointMode",))
        for name, setting in {**_SAME, **_RATES}.items():
            found[name] = settings.pop(setting, None)
    return {**found, **_packed(settings)}


def _take_words(found: dict[str, Any], settings: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        setting, words = _WORDS[name]
        if settings.get(setting) in words:
            found[name] = words[settings.pop(setting)]


def values_of(instance: Any, before: Rasd | None = None, block_size: int = 1) -> dict[str, Any]:
    """What an instance says of a resource: by the names of ``model.rasd.values``, only what is not NULL.

    ``before`` is the resource that is to be modified; its units stand in where the instance names none.
    """
    number = instance.get("ResourceType")
    if number is None and before is None:
        raise InvalidInput("ResourceType is missing")
    try:
        kind = before.resource_type if before is not None else ResourceType(int(number))
    except ValueError:
        raise InvalidInput(f"ResourceType {number} is not known") from None
    if number is not None and int(number) != kind:
        raise InvalidInput("ResourceType cannot be changed")
    shape = before or Rasd(kind)
    found: dict[str, Any] = {}
    for name, field in _TEXTS.items():
        value = instance.get(name)
        if value is not None:
            # An empty text takes the value away.
            found[field] = tuple(value) if isinstance(value, list) else _plain(value) if value != "" else None
    for name, field, enumeration in (
        ("ConsumerVisibility", "consumer_visibility", ConsumerVisibility),
        ("MappingBehavior", "mapping_behavior", MappingBehavior),
    ):
        if instance.get(name) is not None:
            found[field] = enumeration(int(instance[name]))
    unit = instance.get("VirtualQuantityUnits") or quantity_units(shape, block_size)[0]
    for name, field in (("VirtualQuantity", "virtual_quantity"), ("MaximumQuantity", "maximum_quantity")):
        if instance.get(name) is not None:
            found[field] = _quantity(instance, name, unit, shape)
    allocation_unit = instance.get("AllocationUnits") or _allocation_units(shape)[0]
    for name, field in (("Reservation", "reservation"), ("Limit", "limit")):
        if instance.get(name) is not None:
            if shape.row.allocation_unit is None:
                raise InvalidInput(f"{name}: resources of type {kind.word} have none")
            found[field] = units.parse_quantity(int(instance[name]), shape.row.allocation_unit, allocation_unit, name)
    found.update({f"settings.{name}": value for name, value in _settings_of(instance, kind).items()})
    return found


def _quantity(instance: Any, name: str, unit: str, shape: Rasd) -> int:
    if unit.replace(" ", "") == BLOCKS.replace(" ", "") and shape.row.quantity_unit == units.BYTE:
        return int(instance[name]) * int(instance.get("VirtualResourceBlockSize") or 512)
    return units.parse_quantity(int(instance[name]), shape.row.quantity_unit, unit, name)


def _settings_of(instance: Any, kind: ResourceType) -> dict[str, Any]:
    found = unpacked(instance, row_of(kind).settings)
    for name, (setting, words) in _WORDS.items():
        if instance.get(name) is not None:
            found[setting] = _word(name, instance[name], words)
    for name, setting in {**_SAME, **_RATES}.items():
        value = instance.get(name)
        if value is None:
            continue
        if name in _RATES:
            value = units.parse_quantity(int(value), units.BIT_PER_SECOND, instance.get("AllocationUnits"), name)
        found[setting] = tuple(int(item) for item in value) if isinstance(value, list) else _plain(value)
    return found


def _word(name: str, number: Any, words: Mapping[str, int]) -> str:
    for word, known in words.items():
        if known == int(number):
            return word
    raise InvalidInput(f"{name}: {number} is not known; allowed are {sorted(words.values())}")


def _plain(value: Any) -> Any:
    """A value in Python's own types."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return int(value)


# systems


def _has_absence(setting: str) -> bool:
    return setting in SYSTEM_SETTINGS and SYSTEM_SETTINGS[setting].absent is not None


def vssd_properties(name: str, uuid: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a system's settings, without InstanceID."""
    # None is told where a missing one would have a value: it is left to the host.
    left = {key: value for key, value in settings.items() if value is not None or _has_absence(key)}
    found: dict[str, Any] = {
        "ElementName": name,
        "VirtualSystemIdentifier": name,
        "UUID": uuid,
        "VirtualSystemType": left.pop("virtual_system_type", None),
    }
    description = left.pop("description", None)
    found["Notes"] = None if description is None else [description]
    for key, (setting, words) in _ACTIONS.items():
        if left.get(setting) in words:
            found[key] = words[left.pop(setting)]
    return {**found, **_packed(left)}


def system_settings_of(instance: Any) -> dict[str, Any]:
    """The system settings an instance names; None takes one away."""
    found = unpacked(instance, SYSTEM_SETTINGS)
    unknown = sorted(set(found) - set(SYSTEM_SETTINGS))
    if unknown:
        raise InvalidInput(f"SettingNames: {', '.join(unknown)} are not known")
    if instance.get("VirtualSystemType") is not None:
        found["virtual_system_type"] = instance["VirtualSystemType"]
    if instance.get("Notes") is not None:
        found["description"] = "\n".join(instance["Notes"])
    for name, (setting, words) in _ACTIONS.items():
        if instance.get(name) is not None:
            found[setting] = _word(name, instance[name], words)
    return found


def shown(reading: Reading, rasd: Rasd, instance_id: str) -> Any:
    """The instance of a resource's settings."""
    properties = rasd_properties(rasd, reading.dialect.block_size)
    return reading.make(rasd_class(rasd.resource_type), InstanceID=instance_id, **properties)
