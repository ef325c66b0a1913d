# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource pools as the standard's classes have them: CIM_ResourcePool, with the RASD that holds its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, pool_setting_rows
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import row_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rasd_instance import (
    BAG_NAMES,
    bag,
    read_bag,
    resource_type_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rows import (
    ALLOCATION_UNITS,
    CONSUMED_UNITS,
    ClassShape,
    PropertyRow,
    quantity_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import prop, text_of

QUANTITIES: Mapping[str, tuple[str, str]] = {
    "capacity": ("Capacity", ALLOCATION_UNITS),
    "reserved": ("Reserved", ALLOCATION_UNITS),
    "currently_consumed_resource": ("CurrentlyConsumedResource", CONSUMED_UNITS),
    "max_consumable_resource": ("MaxConsumableResource", CONSUMED_UNITS),
}
"""By field: the property, and the property that has its unit."""

SETTING_ROWS: tuple[PropertyRow, ...] = (
    PropertyRow("resource_sub_type", "ResourceSubType"),
    PropertyRow("host_resource", "HostResource", array=True),
    PropertyRow("automatic_startup", "AutomaticAllocation", "boolean"),
)
"""Values that stand in the RASD of a pool."""

_ACTIVE = {2: True, 3: False}


def read_pool(pool: Any, settings: Any = None) -> ResourcePool:
    """The pool that an instance describes; parents, children and members are for the caller to add."""
    resource_type, _vendor_type = resource_type_of(pool)
    dimension = row_of(resource_type).quantity_unit
    fields: dict[str, Any] = {
        field: quantity_of(pool, name, units_property, dimension)
        for field, (name, units_property) in QUANTITIES.items()
    }
    found: dict[str, Any] = {}
    if settings is not None:
        fields.update({row.name: row.read(settings.get(row.prop)) for row in SETTING_ROWS})
        found = read_bag(settings, pool_setting_rows(resource_type))
    if not fields.get("resource_sub_type"):
        fields["resource_sub_type"] = text_of(pool.get("ResourceSubType"))
    return ResourcePool(
        pool_id=str(pool.get("PoolID") or pool.get("InstanceID")),
        resource_type=resource_type,
        uuid=text_of(pool.get("UUID")),
        primordial=bool(pool.get("Primordial")),
        active=_ACTIVE.get(int(pool.get("EnabledState") or 0)),
        settings=found,
        instance_id=text_of(pool.get("InstanceID")),
        **fields,
    )


def write_pool(pool: ResourcePool, shape: ClassShape, names: Iterable[str]) -> dict[str, Any]:
    """The properties of the RASD of a pool for the named values (fields, and ``settings.NAME``)."""
    rows = {row.name: row for row in SETTING_ROWS}
    found: dict[str, Any] = {"ResourceType": prop("ResourceType", int(pool.resource_type), "uint16")}
    loose: dict[str, Any] = {}
    for name in names:
        if name in rows:
            found[rows[name].prop] = shape.property(rows[name], getattr(pool, name))
            continue
        setting = name[len("settings.") :]
        if shape.properties is None or not shape.has(BAG_NAMES):
            raise NotSupported(
                f"Pool {pool.pool_id!r}: {setting} is not supported by this server: its class {shape.name} has no place "
                "for it"
            )
        loose[setting] = pool.settings.get(setting)
    if loose:
        found.update(bag(loose))
    return found


def member(device: Any) -> dict[str, Any]:
    """A constituent of a pool: the host device, volume or port, in the words of results."""
    found: dict[str, Any] = {"name": text_of(device.get("ElementName") or device.get("Name") or device.get("DeviceID"))}
    blocks, size = device.get("NumberOfBlocks"), device.get("BlockSize")
    if blocks is not None and size is not None:
        found["capacity"] = int(blocks) * int(size)
    if device.get("Name"):
        found["host_resource"] = str(device["Name"])
    return found
