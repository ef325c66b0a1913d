# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM-XML as a server reads and writes it: requests into calls, answers into replies (DSP0200, DSP0201)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pywbem
from pywbem._tupleparse import TupleParser
from pywbem._tupletree import xml_to_tupletree_sax


class BadRequest(Exception):
    """What was sent is no CIM-XML request; the argument is the word for the CIMError header."""


@dataclass
class Call:
    """One operation as it was asked for."""

    message_id: str
    operation: str
    """Name of the intrinsic operation, or of the method."""
    intrinsic: bool
    namespace: str
    target: Any = None
    """Path of the object (instance or class) on which a method is called."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Intrinsic: by name as in DSP0200.  Methods: (type or None, value) by name."""


def parse(body: bytes) -> Call:
    """The call in a request.  Raises BadRequest."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadRequest("request-not-valid")
    try:
        tree: Any = TupleParser().parse_cim(xml_to_tupletree_sax(body, "CIM-XML request"))
    except pywbem.XMLParseError:
        raise BadRequest("request-not-well-formed") from None
    except pywbem.ParseError:
        raise BadRequest("request-not-valid") from None
    _, attributes, content = tree[2]
    if content[0] != "SIMPLEREQ":
        raise BadRequest("multiple-requests-unsupported")
    call = content[2]
    if call[0] == "IMETHODCALL":
        _, names, namespace, given = call
        return Call(attributes["ID"], names["NAME"], True, namespace, arguments=dict(given))
    _, names, target, found = call
    target = target[0] if isinstance(target, list) else target
    values = {name: (kind, value) for name, kind, value in found}
    return Call(attributes["ID"], names["NAME"], False, target.namespace or "", target, values)


# Replies.  A text with one element for each value is much faster than a tree of thousands of nodes.


def _value_text(value: Any, kind: str) -> str:
    if isinstance(value, (pywbem.CIMInstance, pywbem.CIMClass)):
        xml = instance(value) if isinstance(value, pywbem.CIMInstance) else value.tocimxml().toxml()
        return escape(xml)
    if kind == "boolean":
        return "TRUE" if value else "FALSE"
    return escape(str(value), {"\r": "&#13;", "\n": "&#10;"})


def _value(value: Any, kind: str) -> str:
    if kind == "reference":
        return f"<VALUE.REFERENCE>{path(value)}</VALUE.REFERENCE>"
    return f"<VALUE>{_value_text(value, kind)}</VALUE>"


def values(value: Any, kind: str) -> str:
    """The VALUE element or elements of a property or parameter; nothing for None."""
    if value is None:
        return ""
    if not isinstance(value, list):
        return _value(value, kind)
    inside = "".join("<VALUE.NULL/>" if item is None else _value(item, kind) for item in value)
    return (
        f"<VALUE.REFARRAY>{inside}</VALUE.REFARRAY>" if kind == "reference" else f"<VALUE.ARRAY>{inside}</VALUE.ARRAY>"
    )


def _property(found: Any) -> str:
    name = quoteattr(found.name)
    if found.type == "reference":
        return f"<PROPERTY.REFERENCE NAME={name}>{values(found.value, 'reference')}</PROPERTY.REFERENCE>"
    first = found.value[0] if isinstance(found.value, list) and found.value else found.value
    embedded = ' EmbeddedObject="instance"' if isinstance(first, pywbem.CIMInstance) else ""
    element = "PROPERTY.ARRAY" if found.is_array else "PROPERTY"
    return f'<{element} NAME={name} TYPE="{found.type}"{embedded}>{values(found.value, found.type)}</{element}>'


def instance(found: Any) -> str:
    """The INSTANCE element of an instance."""
    inside = "".join(_property(item) for item in found.properties.values())
    return f"<INSTANCE CLASSNAME={quoteattr(found.classname)}>{inside}</INSTANCE>"


def _key(value: Any) -> str:
    if isinstance(value, pywbem.CIMInstanceName):
        return f"<VALUE.REFERENCE>{path(value)}</VALUE.REFERENCE>"
    if isinstance(value, bool):
        return f'<KEYVALUE VALUETYPE="boolean" TYPE="boolean">{"TRUE" if value else "FALSE"}</KEYVALUE>'
    if isinstance(value, (int, float)):
        return f'<KEYVALUE VALUETYPE="numeric" TYPE="{getattr(value, "cimtype", "uint64")}">{value}</KEYVALUE>'
    return f'<KEYVALUE VALUETYPE="string" TYPE="string">{escape(str(value))}</KEYVALUE>'


def path(found: Any) -> str:
    """A path: INSTANCENAME, LOCALINSTANCEPATH or INSTANCEPATH, as much as is known of it."""
    keys = "".join(
        f"<KEYBINDING NAME={quoteattr(name)}>{_key(value)}</KEYBINDING>" for name, value in found.keybindings.items()
    )
    name = f"<INSTANCENAME CLASSNAME={quoteattr(found.classname)}>{keys}</INSTANCENAME>"
    if not found.namespace:
        return name
    parts = "".join(f"<NAMESPACE NAME={quoteattr(part)}/>" for part in found.namespace.split("/"))
    local = f"<LOCALNAMESPACEPATH>{parts}</LOCALNAMESPACEPATH>"
    if not found.host:
        return f"<LOCALINSTANCEPATH>{local}{name}</LOCALINSTANCEPATH>"
    host = f"<HOST>{escape(found.host)}</HOST>"
    return f"<INSTANCEPATH><NAMESPACEPATH>{host}{local}</NAMESPACEPATH>{name}</INSTANCEPATH>"


def _bare(found: Any) -> Any:
    name = found.copy()
    name.namespace = name.host = None
    return name


WRITERS: Mapping[str, Callable[[Any], str]] = {
    "instance": instance,
    "name": lambda found: path(_bare(found)),
    "named instance": lambda found: (
        f"<VALUE.NAMEDINSTANCE>{path(_bare(found.path))}{instance(found)}</VALUE.NAMEDINSTANCE>"
    ),
    "object with path": lambda found: (
        f"<VALUE.OBJECTWITHPATH>{path(found.path)}{instance(found)}</VALUE.OBJECTWITHPATH>"
    ),
    "instance with path": lambda found: (
        f"<VALUE.INSTANCEWITHPATH>{path(found.path)}{instance(found)}</VALUE.INSTANCEWITHPATH>"
    ),
    "path": path,
    "object path": lambda found: f"<OBJECTPATH>{path(found)}</OBJECTPATH>",
    "class": lambda found: found.tocimxml().toxml(),
    "class name": lambda found: f"<CLASSNAME NAME={quoteattr(found)}/>",
    "qualifier": lambda found: found.tocimxml().toxml(),
}
"""How the results of each kind of operation are written."""


@dataclass
class Answer:
    """What an intrinsic operation returns."""

    kind: str = ""
    """A key of WRITERS; empty for operations that return nothing."""
    results: Iterable[Any] = ()
    output: Mapping[str, str | bool | None] = field(default_factory=dict)
    """EnumerationContext and EndOfSequence."""


@dataclass
class MethodAnswer:
    """What a method returns."""

    code: int
    output: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    """Type and value of each output parameter."""


def _message(message_id: str, content: str) -> bytes:
    text = (
        '<?xml version="1.0" encoding="utf-8" ?>\n<CIM CIMVERSION="2.0" DTDVERSION="2.0">'
        f'<MESSAGE ID={quoteattr(message_id)} PROTOCOLVERSION="1.0"><SIMPLERSP>{content}</SIMPLERSP></MESSAGE></CIM>\n'
    )
    return text.encode("utf-8", "xmlcharrefreplace")


def _returned_code(code: int) -> str:
    return f'<RETURNVALUE PARAMTYPE="uint32"><VALUE>{code}</VALUE></RETURNVALUE>'


def _output(name: str, kind: str, value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    embedded = ' EmbeddedObject="instance"' if isinstance(first, pywbem.CIMInstance) else ""
    return f'<PARAMVALUE NAME={quoteattr(name)} PARAMTYPE="{kind}"{embedded}>{values(value, kind)}</PARAMVALUE>'


def reply(call: Call, answer: Answer | MethodAnswer) -> bytes:
    """The reply to a call that succeeded."""
    name = quoteattr(call.operation)
    if isinstance(answer, MethodAnswer):
        output = "".join(_output(key, kind, value) for key, (kind, value) in answer.output.items() if value is not None)
        return _message(
            call.message_id,
            f"<METHODRESPONSE NAME={name}>{_returned_code(answer.code)}{output}</METHODRESPONSE>",
        )
    inside = ""
    if answer.kind:
        writer = WRITERS[answer.kind]
        inside = f"<IRETURNVALUE>{''.join(writer(found) for found in answer.results)}</IRETURNVALUE>"
    for key, value in answer.output.items():
        kind = "boolean" if isinstance(value, bool) else "string"
        inside += f'<PARAMVALUE NAME="{key}" PARAMTYPE="{kind}">{values(value, kind)}</PARAMVALUE>'
    return _message(call.message_id, f"<IMETHODRESPONSE NAME={name}>{inside}</IMETHODRESPONSE>")


def refusal(call: Call, code: int, description: str = "", instances: Iterable[Any] = ()) -> bytes:
    """The reply to a call that failed."""
    words = f" DESCRIPTION={quoteattr(description)}" if description else ""
    inside = "".join(instance(found) for found in instances)
    error = f'<ERROR CODE="{code}"{words}>{inside}</ERROR>'
    element = "IMETHODRESPONSE" if call.intrinsic else "METHODRESPONSE"
    return _message(call.message_id, f"<{element} NAME={quoteattr(call.operation)}>{error}</{element}>")
