# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in another type than the schema gives their property: made what they mean, or refused by name.

A property carries its type with it, so that a server can send a word where the schema has a number.  Whoever reads an
instance behind this relies on the types of the schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable, NoReturn

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import pywbem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import reference_of

_DIGITS = re.compile(r"-?[0-9]{1,18}")


def _refuse(value: Any, where: str, what: str) -> NoReturn:
    raise HostFailed(f"The server gives {value!r} for {where}, which is no {what}")


def _one(value: Any, where: str, what: str) -> Any:
    """The value of a property that is no array; of an array, the only element."""
    if isinstance(value, (list, tuple)):
        if len(value) != 1:
            _refuse(value, where, what)
        return value[0]
    return value


def _all(value: Any) -> list[Any]:
    """The elements of an array that are not NULL; a single value is an array of one."""
    return [each for each in (value if isinstance(value, (list, tuple)) else [value]) if each is not None]


def number(value: Any, where: str) -> Any:
    """An integer, also as digits.  Raises HostFailed, as the others do, for what is none."""
    found = _one(value, where, "number")
    if isinstance(found, str) and _DIGITS.fullmatch(found.strip()):
        return int(found)
    if found is None or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    _refuse(value, where, "number")


def numbers(value: Any, where: str) -> list[Any]:
    """A list of integers."""
    return [number(each, where) for each in _all(value)]


def text(value: Any, where: str) -> str | None:
    """Text."""
    found = _one(value, where, "text")
    return found if found is None or isinstance(found, str) else str(found)


def texts(value: Any, where: str) -> list[Any]:
    """A list of texts, each of which keeps its place."""
    return [text(each, where) for each in (value if isinstance(value, (list, tuple)) else [value])]


def flag(value: Any, where: str) -> Any:
    """A truth value, also as a word."""
    found = _one(value, where, "truth value")
    if isinstance(found, str) and found.strip().lower() in ("true", "false"):
        return found.strip().lower() == "true"
    if found is None or isinstance(found, (bool, int)):
        return found
    _refuse(value, where, "truth value")


def moment(value: Any, where: str) -> Any:
    """A pywbem.CIMDateTime, also as its text."""
    found = _one(value, where, "date")
    if isinstance(found, str):
        try:
            return pywbem.CIMDateTime(found)
        except ValueError:
            _refuse(value, where, "date")
    if found is None or isinstance(found, pywbem.CIMDateTime):
        return found
    _refuse(value, where, "date")


def reference(value: Any, where: str) -> Any:
    """A pywbem.CIMInstanceName, also as a WBEM URI."""
    found = reference_of(value)
    if found is None and value not in (None, "", [], ()):
        _refuse(value, where, "reference")
    return found


Reader = Callable[[Any, str], Any]

_READERS: Mapping[Reader, str] = {
    number: "AddressOrigin BlockSize ChangeableType EmulatedType EnabledState ErrorCode HostResourceBlockSize IsDefault IsNext "
    "JobState NumberOfBlocks PercentComplete RegisteredOrganization ResourceType SnapshotType ValueRange ValueRole "
    "VirtualResourceBlockSize VirtualSystemState Weight",
    numbers: "AsynchronousMethodsSupported AynchronousMethodsSupported Dedicated ElementEffects OperationalStatus "
    "RequestedStatesSupported SnapshotTypesSupported SupportedAddStates SupportedRemoveStates "
    "SynchronousMethodsSupported",
    text: "Address AllocationUnits BindURL Caption ConnectURL ConsumedResourceUnits DeviceID ElementName ErrorDescription "
    "InstanceID IPv4Address IPv6Address JobStatus KeptBecause MACAddress Message MessageID Name NetworkMode "
    "NetworkName NetworkType OtherEnabledState OtherResourceType Path PoolID RegisteredName RegisteredVersion "
    "ResourceSubType SourcePath Status Storage UUID VirtualQuantityUnits VirtualSystemIdentifier",
    texts: "Belongings BootDevices IdentifyingDescriptions ImplementedFeatures Notes OtherIdentifyingInfo SettingNames "
    "SettingValues StatusDescriptions VirtualSystemTypesSupported",
    flag: "Implied Primordial",
    moment: "CreationTime",
    reference: "AffectedElement Antecedent Dependent GroupComponent ManagedElement PartComponent SettingData",
}
"""The properties that are looked at by their names; what stands in a table's row is read as the row says."""
_BY_NAME = {name: reader for reader, names in _READERS.items() for name in names.lower().split()}
_CIM_TYPES: Mapping[Reader, str] = {
    text: "string", texts: "string", flag: "boolean", moment: "datetime", reference: "reference",
}  # fmt: skip


def reader_of(cim_type: str, array: bool) -> Reader:
    """How a value of a type is read."""
    if cim_type == "boolean":
        return flag
    if cim_type == "string":
        return texts if array else text
    return numbers if array else number


def conforming(found: Any) -> Any:
    """An instance with the types of the schema, and with its keys as properties, as which servers may leave them out.

    Raises HostFailed, with property and class, for a value that means nothing in its type.
    """
    for given in list(found.properties.values()):
        reader = _BY_NAME.get(given.name.lower())
        if reader is None or given.value is None:
            continue
        value = reader(given.value, f"{given.name} of {found.classname}")
        if value is not given.value and (type(value) is not type(given.value) or value != given.value):
            cim_type = _CIM_TYPES.get(reader) or (given.type if "int" in given.type else "sint64")
            array = isinstance(value, list)
            found.properties[given.name] = pywbem.CIMProperty(given.name, value, type=cim_type, is_array=array)
    for name, key in found.path.keybindings.items() if found.path is not None else ():
        if key is not None and found.get(name) is None:
            found[name] = key
    return found


def conforming_path(found: Any) -> Any:
    """The path of an instance of an association, whose ends are references."""
    for name, key in list(found.keybindings.items()):
        if isinstance(key, str) and _BY_NAME.get(name.lower()) is reference:
            found.keybindings[name] = reference(key, f"{name} of {found.classname}")
    return found


def needed(found: Any, name: str) -> str:
    """A key of an instance.  Raises HostFailed for one without it."""
    value = found.get(name)
    if value is None:
        raise HostFailed(f"The server shows an instance of {found.classname} without {name}")
    return str(value)


def end_of(link: Any, name: str) -> Any:
    """The path at one end of an association, of which there is the instance or the path.  Raises HostFailed without it."""
    value = link.get(name)
    if not isinstance(value, pywbem.CIMInstanceName):
        raise HostFailed(f"The server shows an instance of {link.classname} without {name}")
    return value
