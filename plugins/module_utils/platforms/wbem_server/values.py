# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of CIM properties: types, embedded instances, dates, references as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import mof_text
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import pywbem


def typed(value: Any, cim_type: str, array: bool = False) -> Any:
    """A CIM property of that type; None makes it NULL."""
    if value is not None:
        value = list(value) if array else value
    if value is not None and cim_type not in ("string", "boolean"):
        number = pywbem.type_from_name(cim_type)
        value = [number(item) for item in value] if array else number(value)
    return pywbem.CIMProperty("value", value, type=cim_type, is_array=array).value


def prop(name: str, value: Any, cim_type: str, array: bool = False) -> Any:
    """A named CIM property of that type; None makes it NULL."""
    return pywbem.CIMProperty(name, typed(value, cim_type, array), type=cim_type, is_array=array)


def instance(class_name: str, properties: Mapping[str, Any]) -> Any:
    """An instance to be embedded: it has a class and properties, and no path."""
    found = pywbem.CIMInstance(class_name)
    for name, value in properties.items():
        found[name] = value
    return found


def embedded(value: Any) -> Any | None:
    """An embedded instance, which servers also give as text: that of an INSTANCE element, or MOF."""
    if value is None or isinstance(value, pywbem.CIMInstance):
        return value
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        if not value.lstrip().startswith("<"):
            return mof_text.instance_of(value)
        element = ElementTree.fromstring(value)
        found = pywbem.CIMInstance(element.attrib["CLASSNAME"])
        for child in element:
            if child.tag in ("PROPERTY", "PROPERTY.ARRAY"):
                found[child.attrib["NAME"]] = _property_of(child)
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise HostFailed(f"The server sent an embedded instance that cannot be read: {error}") from error
    return found


def _property_of(element: ElementTree.Element) -> Any:
    cim_type, array = element.attrib["TYPE"], element.tag == "PROPERTY.ARRAY"
    texts = [value.text or "" for value in element.iter("VALUE")]
    if cim_type == "boolean":
        values: list[Any] = [text.strip().lower() == "true" for text in texts]
    else:
        values = [pywbem.cimvalue(text, cim_type) for text in texts]
    present = any(child.tag in ("VALUE", "VALUE.ARRAY") for child in element)
    value = (values if array else values[0]) if present and (array or values) else None
    return pywbem.CIMProperty(element.attrib["NAME"], value, type=cim_type, is_array=array)


def reference_of(value: Any) -> Any | None:
    """A reference, which servers may also give as a WBEM URI; of several the first."""
    if isinstance(value, (list, tuple)):
        return reference_of(value[0]) if value else None
    if isinstance(value, str) and value:
        try:
            return pywbem.CIMInstanceName.from_wbem_uri(value)
        except ValueError as error:
            raise HostFailed(f"The server gives {value!r} for a reference, which is none: {error}") from error
    return value if isinstance(value, pywbem.CIMInstanceName) else None


def text_of(value: Any) -> str | None:
    """Text with something in it, else None."""
    return str(value) if value not in (None, "") else None
