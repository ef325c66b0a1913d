# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profiles a server says it conforms to, its namespaces, and itself (DSP1033)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.wbem.providers import host, systems
from tests.wbem.world import Reading, Section

PROFILES = {
    "DSP1042": ("System Virtualization", "1.0.0"),
    "DSP1057": ("Virtual System", "1.0.0"),
    "DSP1041": ("Resource Allocation", "1.1.0"),
    "DSP1043": ("Allocation Capabilities", "1.0.0"),
    "DSP1044": ("Processor Resource Virtualization", "1.0.0"),
    "DSP1045": ("Memory Resource Virtualization", "1.0.0"),
    "DSP1047": ("Storage Resource Virtualization", "1.0.0"),
    "DSP1050": ("Ethernet Port Resource Virtualization", "1.0.0"),
    "DSP1059": ("Generic Device Resource Virtualization", "1.0.0"),
}


def profile(reading: Reading, number: str) -> Any:
    """The registration of one profile."""
    name, version = PROFILES[number]
    return reading.make(
        "RegisteredProfile",
        interop=True,
        InstanceID=f"SVPC:{number}-{version}",
        ElementName=name,
        RegisteredOrganization=2,
        RegisteredName=name,
        RegisteredVersion=version,
        AdvertiseTypes=[2],
        SpecificationType=2,
    )


def _profiles(reading: Reading) -> Iterator[Any]:
    for number in PROFILES:
        yield profile(reading, number)


def _referenced(reading: Reading) -> Iterator[Any]:
    referencing = profile(reading, "DSP1042")
    for number in PROFILES:
        if number != "DSP1042":
            yield reading.link(
                "ReferencedProfile", interop=True, Antecedent=profile(reading, number), Dependent=referencing
            )


def _conforming(reading: Reading) -> Iterator[Any]:
    elements = [("DSP1042", host.host_system(reading))]
    elements += [("DSP1057", systems.computer_system(reading, system)) for system in reading.systems]
    for number, element in elements:
        yield reading.link(
            "ElementConformsToProfile",
            interop=True,
            ConformantStandard=profile(reading, number),
            ManagedElement=element,
        )


def _object_manager(reading: Reading) -> Iterator[Any]:
    yield reading.make(
        "ObjectManager",
        interop=True,
        SystemCreationClassName="CIM_ComputerSystem",
        SystemName=reading.host_name,
        CreationClassName="CIM_ObjectManager",
        Name="svpc",
        ElementName="SVPC",
        Description="SVPC test server",
        Started=True,
    )


def _namespaces(reading: Reading) -> Iterator[Any]:
    for name in (reading.dialect.interop, reading.dialect.namespace):
        yield reading.make(
            "Namespace",
            interop=True,
            SystemCreationClassName="CIM_ComputerSystem",
            SystemName=reading.host_name,
            ObjectManagerCreationClassName="CIM_ObjectManager",
            ObjectManagerName="svpc",
            CreationClassName="CIM_Namespace",
            Name=name,
        )


INTEROP_SECTIONS = (
    Section(("ObjectManager",), _object_manager),
    Section(("Namespace",), _namespaces),
)
"""What every server has, whatever it serves."""
SECTIONS = (
    Section(("RegisteredProfile",), _profiles),
    Section(("ReferencedProfile",), _referenced),
    Section(("ElementConformsToProfile",), _conforming),
    *INTEROP_SECTIONS,
)
