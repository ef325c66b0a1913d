# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the model holds survives the way into CIM properties, over CIM-XML, and back."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import pywbem
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import (
    ConsumerVisibility,
    MappingBehavior,
    Rasd,
    values,
    with_values,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from tests.unit.wbem.conftest import instance
from tests.wbem.cimxml import Answer, Call, reply
from tests.wbem.cimxml import instance as written
from tests.wbem.classes import compiled
from tests.wbem.dialects import STANDARD
from tests.wbem.providers import properties
from tests.wbem.texts import from_xml

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(str.strip).filter(bool)
COUNT = st.integers(min_value=0, max_value=2**40)


def setting(row: SettingRow) -> st.SearchStrategy[Any]:
    """Values of a setting, in their inside form."""
    by_kind: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.WORD: st.sampled_from(row.words or ("x",)),
        Kind.FLAG: st.booleans(),
        Kind.NUMBER: st.integers(min_value=0, max_value=65535),
        Kind.SIZE: COUNT,
        Kind.RATE: COUNT,
        Kind.TEXTS: st.lists(TEXT, max_size=3).map(tuple),
        Kind.NUMBERS: st.lists(st.integers(min_value=1, max_value=4094), max_size=3).map(tuple),
    }
    return by_kind.get(row.kind, TEXT)


def settings(rows: dict[str, SettingRow]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the settings of a type."""
    return st.fixed_dictionaries({}, optional={name: setting(row) for name, row in rows.items()})


@st.composite
def resources(draw: st.DrawFn) -> Rasd:
    """A resource with any of its properties."""
    kind = draw(st.sampled_from(sorted(RESOURCE_ROWS)))
    row = RESOURCE_ROWS[kind]
    fields: dict[str, st.SearchStrategy[Any]] = {
        "resource_sub_type": TEXT,
        "name": TEXT,
        "virtual_quantity": COUNT,
        "maximum_quantity": COUNT,
        "weight": st.integers(min_value=0, max_value=2**32 - 1),
        "pool_id": TEXT,
        "host_resource": st.lists(TEXT, max_size=2).map(tuple),
        "connection": st.lists(TEXT, max_size=2).map(tuple),
        "address": TEXT,
        "address_on_parent": TEXT,
        "parent": TEXT,
        "consumer_visibility": st.sampled_from(ConsumerVisibility),
        "mapping_behavior": st.sampled_from(MappingBehavior),
        "automatic_allocation": st.booleans(),
        "automatic_deallocation": st.booleans(),
    }
    if row.allocation_unit is not None:
        fields |= {"reservation": COUNT, "limit": st.integers(min_value=1, max_value=2**40)}
    chosen = draw(st.fixed_dictionaries({}, optional=fields))
    return Rasd(kind, settings=draw(settings(dict(row.settings))), **chosen)


@functools.cache
def classes() -> Any:
    """The classes of the standard dialect."""
    return compiled("svpc.mof")


def over_the_wire(suffix: str, given_values: dict[str, Any]) -> Any:
    """An instance as the other side reads it."""
    found = classes().instance(STANDARD.class_name(suffix), "root/virt", InstanceID="x", **given_values)
    return from_xml(written(found))


@examples(deadline=None)  # how long one takes depends on what else the machine does
@given(rasd=resources(), block_size=st.sampled_from([1, 512]))
def test_resources(rasd: Rasd, block_size: int) -> None:
    shown = properties.rasd_properties(rasd, block_size)
    back = properties.values_of(over_the_wire(properties.rasd_class(rasd.resource_type), shown))
    assert values(with_values(Rasd(rasd.resource_type), back)) == values(rasd)


@examples(deadline=None)  # how long one takes depends on what else the machine does
@given(given_settings=settings(SYSTEM_SETTINGS))
def test_settings_of_systems(given_settings: dict[str, Any]) -> None:
    shown = properties.vssd_properties("web", None, given_settings)
    assert properties.system_settings_of(over_the_wire("VirtualSystemSettingData", shown)) == given_settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"ResourceType": 99},
        {},
        {"ResourceType": 3, "SettingNames": ["sockets"], "SettingValues": ["1", "2"]},
        {"ResourceType": 3, "SettingNames": ["sockets"], "SettingValues": ["{"]},
        {"ResourceType": 3, "SettingNames": ["sockets"], "SettingValues": ['"many"']},
        {"ResourceType": 17, "Limit": 3, "AllocationUnits": "byte"},
        {"ResourceType": 4, "VirtualQuantity": 3, "VirtualQuantityUnits": "hertz"},
        {"ResourceType": 17, "Access": 9},
    ],
)
def test_what_makes_no_sense(wrong: dict[str, Any]) -> None:
    typed = {name: value if not isinstance(value, int) else pywbem.Uint64(value) for name, value in wrong.items()}
    with pytest.raises(InvalidInput):
        properties.values_of(instance("SVPC_ResourceAllocationSettingData", **typed))


def test_replies_hold_any_text() -> None:
    call = Call("7", "GetInstance", True, "root/virt")
    text = "<&>\"'\r\n\t é 😀 ]]>"
    found = classes().instance("CIM_ConcreteJob", "root/virt", InstanceID=text, JobStatus=text)
    body = reply(call, Answer("instance", [found]))
    assert b"<!DOCTYPE" not in body
    assert from_xml(written(found))["JobStatus"] == text
