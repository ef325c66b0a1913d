# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Embedded instances as servers take and send them: marked as such, or as the text of CIM-XML or of MOF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pywbem
from pywbem import CIMError
from pywbem._tupleparse import TupleParser
from pywbem._tupletree import xml_to_tupletree_sax

from tests.wbem.world import World


def read(world: World, name: str, value: Any) -> Any:
    """The instance in a parameter.  Raises CIMError when it comes in a form that the server does not take."""
    form = "instance" if isinstance(value, pywbem.CIMInstance) else "xml" if "<INSTANCE" in str(value) else "mof"
    if world.dialect.embedded_taken not in ("any", form):
        raise CIMError(pywbem.CIM_ERR_TYPE_MISMATCH, f"{name} is no embedded instance of the right form")
    if form == "instance":
        return value
    try:
        return from_mof(world, value) if form == "mof" else from_xml(value)
    except pywbem.Error:
        raise CIMError(pywbem.CIM_ERR_INVALID_PARAMETER, f"{name} is no instance") from None


def from_xml(text: str) -> Any:
    """The instance in an INSTANCE element."""
    return TupleParser().parse_instance(xml_to_tupletree_sax(text, "embedded instance"))


def from_mof(world: World, text: str) -> Any:
    """The instance that MOF declares, with the types of its class."""
    space = world.dialect.namespace
    target = pywbem.MOFWBEMConnection()
    target.default_namespace = space
    target.classes = {space: pywbem.NocaseDict({found.classname: found for found in world.classes.everything()})}
    target.qualifiers = {space: pywbem.NocaseDict({found.name: found for found in world.classes.qualifiers})}
    pywbem.MOFCompiler(target, log_func=None).compile_string(text, space)
    (found,) = target.instances[space]
    given = pywbem.CIMInstance(found.classname)
    for item in found.properties.values():
        # The compiler fills in what is not there.
        if item.value is not None and f"{item.name.lower()} =" in text.lower():
            given[item.name] = item
    return given


def text_of(world: World, value: Any) -> Any:
    """An embedded instance as it is sent."""
    if isinstance(value, list):
        return [text_of(world, item) for item in value]
    if not isinstance(value, pywbem.CIMInstance) or world.dialect.embedded_sent == "instance":
        return value
    return value.tomof() if world.dialect.embedded_sent == "mof" else value.tocimxmlstr()


def sent(world: World, output: Mapping[str, tuple[str, Any]]) -> dict[str, tuple[str, Any]]:
    """Output parameters with their embedded instances as they are sent."""
    return {name: (kind, text_of(world, value)) for name, (kind, value) in output.items()}
