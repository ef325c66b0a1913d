# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources as the standard's classes have them: RASD and its subclasses for processors, storage and Ethernet ports.

What the standard has no property for travels in one of two ways, whichever the server's class offers: in a property of
the setting's own name (``Cache`` for ``cache``), or in the pair of arrays ``SettingNames`` and ``SettingValues``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import (
    ConsumerVisibility,
    MappingBehavior,
    Rasd,
    values,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceRow, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rows import (
    ALLOCATION_UNITS,
    QUANTITY_UNITS,
    ClassShape,
    PropertyRow,
    quantity_of,
    scale_of,
    setting_row,
    unit_for,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import prop, text_of

_PROCESSOR = "ProcessorAllocationSettingData"
_STORAGE = "StorageAllocationSettingData"
_ETHERNET = "EthernetPortAllocationSettingData"
GENERIC = "ResourceAllocationSettingData"

CLASSES: Mapping[ResourceType, str] = {
    ResourceType.PROCESSOR: _PROCESSOR,
    ResourceType.DISK_DRIVE: _STORAGE,
    ResourceType.CD_DRIVE: _STORAGE,
    ResourceType.DVD_DRIVE: _STORAGE,
    ResourceType.FLOPPY_DRIVE: _STORAGE,
    ResourceType.STORAGE_EXTENT: _STORAGE,
    ResourceType.LOGICAL_DISK: _STORAGE,
    ResourceType.STORAGE_VOLUME: _STORAGE,
    ResourceType.ETHERNET_ADAPTER: _ETHERNET,
    ResourceType.ETHERNET_SWITCH_PORT: _ETHERNET,
    ResourceType.ETHERNET_CONNECTION: _ETHERNET,
}
"""Classes, without their prefix, of types that have one of their own; the others are plain RASDs."""

_NUMBERS = {int(member): member for member in ConsumerVisibility}, {int(member): member for member in MappingBehavior}

ROWS: tuple[PropertyRow, ...] = (
    PropertyRow("other_resource_type", "OtherResourceType"),
    PropertyRow("resource_sub_type", "ResourceSubType"),
    PropertyRow("name", "ElementName"),
    PropertyRow("virtual_quantity", "VirtualQuantity", "uint64", units=QUANTITY_UNITS),
    PropertyRow("maximum_quantity", "MaximumQuantity", "uint64", units=QUANTITY_UNITS),
    PropertyRow("reservation", "Reservation", "uint64", units=ALLOCATION_UNITS),
    PropertyRow("limit", "Limit", "uint64", units=ALLOCATION_UNITS),
    PropertyRow("weight", "Weight", "uint32"),
    PropertyRow("pool_id", "PoolID"),
    PropertyRow("host_resource", "HostResource", array=True),
    PropertyRow("connection", "Connection", array=True),
    PropertyRow("address", "Address"),
    PropertyRow("address_on_parent", "AddressOnParent"),
    PropertyRow("parent", "Parent"),
    PropertyRow("consumer_visibility", "ConsumerVisibility", "uint16", words=_NUMBERS[0]),
    PropertyRow("mapping_behavior", "MappingBehavior", "uint16", words=_NUMBERS[1]),
    PropertyRow("automatic_allocation", "AutomaticAllocation", "boolean"),
    PropertyRow("automatic_deallocation", "AutomaticDeallocation", "boolean"),
)
"""What all types have."""

_ACCESS = PropertyRow("settings.access", "Access", "uint16", words={1: "readable", 3: "read_write"})
_MODE = {2: "access", 5: "trunk"}

SETTING_ROWS: Mapping[str, tuple[PropertyRow, ...]] = {
    _STORAGE: (_ACCESS,),
    _ETHERNET: (
        PropertyRow("settings.desired_vlan_endpoint_mode", "DesiredVLANEndpointMode", "uint16", words=_MODE),
        PropertyRow("settings.port_vid", "PortVID", "uint16"),
        PropertyRow("settings.allowed_to_transmit_vlans", "AllowedToTransmitVLANs", "uint16", array=True),
        PropertyRow("settings.promiscuous", "Promiscuous", "boolean"),
        PropertyRow("settings.source_mac_filtering_enabled", "SourceMACFilteringEnabled", "boolean"),
        PropertyRow("settings.receive_bandwidth_limit", "ReceiveBandwidthLimit", "uint64", units=ALLOCATION_UNITS),
        PropertyRow(
            "settings.receive_bandwidth_reservation", "ReceiveBandwidthReservation", "uint64", units=ALLOCATION_UNITS
        ),
    ),
}
"""Settings that are properties of the standard's subclasses."""

BAG_NAMES, BAG_VALUES = "SettingNames", "SettingValues"
_BLOCK_SIZES = {QUANTITY_UNITS: "VirtualResourceBlockSize", ALLOCATION_UNITS: "HostResourceBlockSize"}


def resource_type_of(instance: Any) -> tuple[ResourceType, str | None]:
    """The type of an instance, and for vendors' types, which are others to the model, their number."""
    number = int(instance.get("ResourceType") or ResourceType.OTHER)
    try:
        return ResourceType(number), None
    except ValueError:
        return ResourceType.OTHER, str(number)


def rows_of(resource_type: ResourceType) -> tuple[PropertyRow, ...]:
    """The rows of a type: those that all have, those of its class, and one for each setting left."""
    known = SETTING_ROWS.get(CLASSES.get(resource_type, GENERIC), ())
    named = {row.name for row in known}
    settings = Rasd(resource_type).row.settings
    rest = tuple(setting_row(name, setting) for name, setting in settings.items() if f"settings.{name}" not in named)
    return (*ROWS, *(row for row in known if row.name[len("settings.") :] in settings), *rest)


def read_rasd(instance: Any) -> Rasd:
    """The resource that an instance describes."""
    resource_type, vendor_type = resource_type_of(instance)
    row = Rasd(resource_type).row
    fields: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for each in rows_of(resource_type):
        value = _read(instance, each, row)
        if value is None:
            continue
        if each.name.startswith("settings."):
            settings[each.name[len("settings.") :]] = value
        else:
            fields[each.name] = value
    if vendor_type is not None:
        fields.setdefault("other_resource_type", vendor_type)
    settings.update(read_bag(instance, row.settings))
    return Rasd(
        resource_type,
        settings=settings,
        instance_id=text_of(instance.get("InstanceID")),
        implied=bool(instance.get("Implied")),
        **fields,
    )


def _read(instance: Any, each: PropertyRow, row: ResourceRow) -> Any:
    if each.units is not None:
        return quantity_of(instance, each.prop, each.units, dimension_of(each, row))
    value = instance.get(each.prop)
    return None if value == "" else each.read(value)


def dimension_of(each: PropertyRow, row: ResourceRow) -> str:
    """The dimension of a quantity of a type."""
    return row.quantity_unit if each.units == QUANTITY_UNITS else row.allocation_unit or units.COUNT


def read_bag(instance: Any, rows: Mapping[str, SettingRow]) -> dict[str, Any]:
    """The settings that an instance carries as names and values; null is one that is left to the host."""
    names, texts = instance.get(BAG_NAMES) or (), instance.get(BAG_VALUES) or ()
    found: dict[str, Any] = {}
    for name, text in zip(names, texts):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise HostFailed(f"The server gives setting {name} the value {text!r}, which is not JSON") from error
        found[str(name)] = _inside(value)
    return found


def _inside(value: Any) -> Any:
    """A value of JSON as the model keeps it: tuples instead of lists."""
    if isinstance(value, dict):
        return {name: _inside(item) for name, item in value.items()}
    if isinstance(value, list):
        return tuple(_inside(item) for item in value)
    return value


def bag(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The two properties that carry settings as names and values."""
    texts = [json.dumps(value, sort_keys=True) for value in settings.values()]
    return {
        BAG_NAMES: prop(BAG_NAMES, list(settings), "string", array=True),
        BAG_VALUES: prop(BAG_VALUES, texts, "string", array=True),
    }


def write_rasd(
    rasd: Rasd, shape: ClassShape, changed: Iterable[str] | None = None, before: Any = None
) -> dict[str, Any]:
    """The CIM properties of a resource: all that have a value, or those of the ``changed`` names.

    ``before`` is the instance as the server has it, whose units are kept where they can express the new values.  Raises
    NotSupported for what the server's class has no place for.
    """
    given = values(rasd)
    wanted = set(given) if changed is None else set(changed)
    found: dict[str, Any] = {"ResourceType": prop("ResourceType", _number_of(rasd), "uint16")}
    loose: dict[str, Any] = {}
    rows = {row.name: row for row in rows_of(rasd.resource_type)}
    has_bag = shape.properties is not None and shape.has(BAG_NAMES)
    for name in sorted(wanted):
        row = rows.get(name)
        if row is not None and shape.has(row.prop):
            if row.units is None:
                found[row.prop] = shape.property(row, given.get(name))
        elif has_bag and name.startswith("settings."):
            loose[name[len("settings.") :]] = given.get(name)
        else:
            missing = f"no property {row.prop}" if row is not None else "no property for it"
            raise NotSupported(
                f"{rasd.label}: {name.replace('settings.', '')} is not supported by this server: its class {shape.name} "
                f"has {missing}"
            )
    for units_property in (QUANTITY_UNITS, ALLOCATION_UNITS):
        group = [row for row in rows.values() if row.units == units_property and shape.has(row.prop)]
        if any(row.name in wanted for row in group):
            found.update(_quantities(rasd, shape, units_property, group, before))
    if loose:
        found.update(bag(loose))
    return found


def _number_of(rasd: Rasd) -> int:
    """The number of the type; a vendor's type is told by its number."""
    other = rasd.other_resource_type
    vendor = rasd.resource_type is ResourceType.OTHER and other is not None and other.isdigit()
    return int(other) if vendor and other is not None and int(other) >= 32768 else int(rasd.resource_type)


def _quantities(
    rasd: Rasd, shape: ClassShape, units_property: str, rows: list[PropertyRow], before: Any
) -> dict[str, Any]:
    """The quantities that share a unit, all of them as soon as one changes: the unit says what each of them means."""
    dimension = dimension_of(rows[0], rasd.row)
    given = values(rasd)
    numbers = [(row, given[row.name]) for row in rows if given.get(row.name) is not None]
    former = str(before.get(units_property)) if before is not None and before.get(units_property) else None
    if before is not None and scale_of(before, units_property, dimension) is None and _has_any(before, rows):
        raise NotSupported(
            f"{rasd.label}: the server measures {', '.join(row.prop for row in rows)} in {former}, which cannot be "
            f"compared with {dimension}"
        )
    has_units = shape.has(units_property)
    text, scale = unit_for([number for _row, number in numbers], dimension, (former,) if has_units else ())
    found = {row.prop: shape.property(row, int(number / scale)) for row, number in numbers}
    if not has_units:
        return found
    found[units_property] = prop(units_property, text, "string")
    block_size = _BLOCK_SIZES[units_property]
    if shape.properties is not None and shape.has(block_size) and dimension == units.BYTE:
        found[block_size] = prop(block_size, 1, "uint64")
    return found


def _has_any(before: Any, rows: Iterable[PropertyRow]) -> bool:
    return any(before.get(row.prop) is not None for row in rows)


def unsupported_by(shape: ClassShape, resource_type: ResourceType) -> dict[str, str]:
    """The properties and settings of the model that a server's class has no place for, each with the reason."""
    if shape.properties is None:
        return {}
    has_bag = shape.has(BAG_NAMES)
    return {
        row.name: f"its class {shape.name} has no property {row.prop}"
        for row in rows_of(resource_type)
        if not shape.has(row.prop) and not (has_bag and row.name.startswith("settings."))
    }
