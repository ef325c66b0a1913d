# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table rows between CIM properties and the model: one row says how one value is read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import number, reader_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import prop

QUANTITY_UNITS = "VirtualQuantityUnits"
ALLOCATION_UNITS = "AllocationUnits"
CONSUMED_UNITS = "ConsumedResourceUnits"
_BLOCKS = "count(fixed size block)"
_BLOCK_SIZES = {QUANTITY_UNITS: "VirtualResourceBlockSize", ALLOCATION_UNITS: "HostResourceBlockSize"}


@frozen
class PropertyRow:
    """One property of a CIM class and one value of the model."""

    name: str
    """In the model: the name of a field, or ``settings.NAME``."""
    prop: str
    """In CIM."""
    cim_type: str = "string"
    array: bool = False
    words: Mapping[Any, Any] = field(default_factory=dict)
    """Values of the model by values in CIM, where they differ."""
    units: str | None = None
    """The property that says in what unit this one is."""

    def read(self, value: Any) -> Any:
        """The model's form of a value; None when there is none, or when the model has no word for it."""
        if value is None:
            return None
        given = reader_of(self.cim_type, self.array)(value, self.prop)
        if self.words:
            return self.words.get(given)
        if self.array:
            return tuple(_plain(item) for item in given if item is not None)
        return _plain(given)

    def write(self, value: Any) -> Any:
        """The CIM form of a value of the model."""
        if value is None or not self.words:
            return value
        for theirs, ours in self.words.items():
            if ours == value:
                return theirs
        raise NotSupported(f"{self.name.replace('settings.', '')}: the server has no word for {value!r} ({self.prop})")


def _plain(value: Any) -> Any:
    """A value without pywbem's type around it."""
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    return str(value)


def camel_case(name: str) -> str:
    """The CIM way of writing a name: ``total_iops_sec`` is ``TotalIopsSec``."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


_CIM_TYPES: Mapping[Kind, tuple[str, bool]] = {
    Kind.FLAG: ("boolean", False),
    Kind.NUMBER: ("sint64", False),
    Kind.SIZE: ("uint64", False),
    Kind.RATE: ("uint64", False),
    Kind.TEXTS: ("string", True),
    Kind.NUMBERS: ("uint16", True),
}


def setting_row(name: str, setting: SettingRow, prefix: str = "settings.") -> PropertyRow:
    """The row of a setting that CIM has no property for: servers that have it call it by the same name."""
    cim_type, array = _CIM_TYPES.get(setting.kind, ("string", False))
    return PropertyRow(prefix + name, camel_case(name), cim_type, array)


@frozen
class ClassShape:
    """The properties a server's class has, with their types.  Without a definition every property is taken as known."""

    name: str
    properties: Mapping[str, tuple[str, bool]] | None = None
    """Type and whether it is an array, by lower-case name."""

    def has(self, name: str) -> bool:
        """Whether instances of the class have a property."""
        return self.properties is None or name.lower() in self.properties

    def property(self, row: PropertyRow, value: Any) -> Any:
        """The CIM property for a value of the model, of the type the server's class gives it.

        Raises NotSupported when the class has no such property: a server would drop it without a word.
        """
        if not self.has(row.prop):
            raise NotSupported(
                f"{row.name.replace('settings.', '')} is not supported by this server: its class {self.name} has no "
                f"property {row.prop}"
            )
        cim_type, array = (self.properties or {}).get(row.prop.lower(), (row.cim_type, row.array))
        written = row.write(value)
        if array and written is not None and not isinstance(written, (list, tuple)):
            written = [written]
        return prop(row.prop, written, cim_type, array)


def shape_of(definition: Any) -> ClassShape:
    """The shape of a pywbem.CIMClass."""
    return ClassShape(
        definition.classname,
        {name.lower(): (found.type, bool(found.is_array)) for name, found in definition.properties.items()},
    )


# Quantities


def scale_of(instance: Any, units_property: str, dimension: str) -> Fraction | None:
    """What a number of an instance is to be multiplied by, or None when it is in a unit of another dimension.

    Old servers have no VirtualQuantityUnits, or leave it at its default: then AllocationUnits say it.
    """
    text = instance.get(units_property)
    if text is not None and "".join(str(text).split()).lower() == "".join(_BLOCKS.split()):
        return (
            Fraction(int(instance.get(_BLOCK_SIZES.get(units_property, "")) or 1)) if dimension == units.BYTE else None
        )
    parsed = units.parse_unit(str(text)) if text else None
    if parsed is not None and parsed[0] == dimension:
        return parsed[1]
    if units_property == ALLOCATION_UNITS and text:
        return None
    if dimension == units.COUNT and not text:
        return Fraction(1)
    if units_property != ALLOCATION_UNITS and (parsed is None or parsed[0] == units.COUNT):
        other = instance.get(ALLOCATION_UNITS)
        return scale_of(instance, ALLOCATION_UNITS, dimension) if other else Fraction(1)
    return Fraction(1) if parsed is None and not text else None


def quantity_of(instance: Any, name: str, units_property: str, dimension: str) -> int | None:
    """A quantity of an instance in the base unit of its dimension; None when it has none, or in other units."""
    value = number(instance.get(name), f"{name} of {getattr(instance, 'classname', 'an instance')}")
    scale = scale_of(instance, units_property, dimension) if value is not None else None
    return None if scale is None or value is None else int(int(value) * scale)


def unit_for(values: Iterable[int | None], dimension: str, preferred: Sequence[str | None]) -> tuple[str, Fraction]:
    """The first of the ``preferred`` units in which all ``values`` are whole numbers, else the base unit."""
    numbers = [value for value in values if value is not None]
    for text in preferred:
        parsed = units.parse_unit(text) if text else None
        if (
            text
            and parsed
            and parsed[0] == dimension
            and all((value / parsed[1]).denominator == 1 for value in numbers)
        ):
            return text, parsed[1]
    return dimension, Fraction(1)
