# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of another type than the schema's: what they mean, or a failure that names property and class."""

from __future__ import annotations

from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import (
    conforming,
    conforming_path,
    end_of,
    needed,
    reader_of,
)
from tests.unit.platforms.wbem_server.scripted import instance, named

DISK = named("CIM_X", "disk")
MOMENT = pywbem.CIMDateTime("20260102030405.000000+000")


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("EnabledState", "2", 2),
        ("EnabledState", [3], 3),
        ("enabledstate", " 9 ", 9),
        ("OperationalStatus", 2, [2]),
        ("OperationalStatus", "6", [6]),
        ("RequestedStatesSupported", ["2", "32768"], [2, 32768]),
        ("ElementName", 7, "7"),
        ("ElementName", ["web"], "web"),
        ("Notes", "one & only", ["one & only"]),
        ("Primordial", "TRUE", True),
        ("Primordial", "false", False),
        ("CreationTime", "20260102030405.000000+000", MOMENT),
        ("SettingData", DISK.to_wbem_uri(), DISK),
    ],
)
def test_what_means_something_is_made_of_the_schemas_type(name: str, given: Any, meant: Any) -> None:
    found = conforming(instance("CIM_X", **{name: given}))
    assert found[name] == meant
    assert conforming(found)[name] == meant
    assert pywbem.CIMInstance("CIM_X", {name: found.properties[name]}).tomof()


@pytest.mark.parametrize(
    ("name", "given", "what"),
    [
        ("EnabledState", "on & <off>", "number"),
        ("EnabledState", [2, 3], "number"),
        ("EnabledState", [], "number"),
        ("EnabledState", True, "number"),
        ("EnabledState", "9" * 30, "number"),
        ("OperationalStatus", ["OK"], "number"),
        ("ElementName", ["a", "b"], "text"),
        ("Primordial", "perhaps", "truth value"),
        ("CreationTime", "yesterday", "date"),
        ("CreationTime", 5, "date"),
        ("SettingData", 5, "reference"),
        ("SettingData", "no path", "reference"),
    ],
)
def test_what_means_nothing_is_told_by_its_name(name: str, given: Any, what: str) -> None:
    with pytest.raises(HostFailed, match=f"{what}|which is none") as told:
        conforming(instance("CIM_X", **{name: given}))
    assert what == "reference" or f"{name} of CIM_X" in told.value.message


def test_properties_that_nobody_looks_at_are_as_they_were() -> None:
    found = conforming(instance("CIM_X", Colour=["a", "b"], EnabledState=2, Notes=["a"]))
    assert (found["Colour"], found["EnabledState"], found["Notes"]) == (["a", "b"], 2, ["a"])


def test_numbers_without_value_are_none() -> None:
    given = instance("CIM_X")
    given["OperationalStatus"] = pywbem.CIMProperty("OperationalStatus", [None, pywbem.Uint16(2)], "uint16")
    given["EnabledState"] = pywbem.CIMProperty("EnabledState", None, "uint16")
    found = conforming(given)
    assert (found["OperationalStatus"], found["EnabledState"]) == ([2], None)


def test_keys_are_known_although_only_the_path_has_them() -> None:
    given = pywbem.CIMInstance("CIM_X", path=named("CIM_X", "one"))
    assert needed(conforming(given), "InstanceID") == "one"


def test_what_lacks_its_key_is_told() -> None:
    with pytest.raises(HostFailed, match="an instance of CIM_X without InstanceID"):
        needed(conforming(pywbem.CIMInstance("CIM_X")), "InstanceID")
    with pytest.raises(HostFailed, match="an instance of CIM_X without SettingData"):
        end_of(conforming(pywbem.CIMInstance("CIM_X")), "SettingData")


def test_the_ends_of_an_association_may_be_text_in_its_path() -> None:
    path = pywbem.CIMInstanceName("CIM_Link", {"GroupComponent": DISK.to_wbem_uri(), "PartComponent": DISK})
    found = conforming_path(path)
    assert (end_of(found, "GroupComponent"), end_of(found, "PartComponent")) == (DISK, DISK)


@pytest.mark.parametrize(
    ("cim_type", "array", "given", "meant"),
    [
        ("uint16", False, "3", 3),
        ("string", True, "a", ["a"]),
        ("string", False, 3, "3"),
        ("boolean", False, "true", True),
    ],
)
def test_rows_of_tables_read_by_their_type(cim_type: str, array: bool, given: Any, meant: Any) -> None:
    assert reader_of(cim_type, array)(given, "X") == meant
