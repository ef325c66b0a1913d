# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host system with its services and capabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from tests.wbem.providers import properties, told
from tests.wbem.world import Reading, Section

SERVICES = {
    "VirtualSystemManagementService": "virtual system management",
    "VirtualSystemSnapshotService": "virtual system snapshots",
    "ResourcePoolConfigurationService": "resource pool configuration",
    "StorageConfigurationService": "storage configuration",
}
"""Names of the services, by class."""

MANAGEMENT_METHODS = {
    "define_system": 2,
    "destroy_system": 3,
    "modify_resource_settings": 5,
    "modify_system_settings": 6,
    "remove_resource_settings": 7,
    "add_resource_settings": 10,
}
POOL_METHODS = {
    "create_resource_pool": (2, 3),
    "delete_resource_pool": (4,),
    "modify_pool_settings": (5, 6, 7),
}


def host_system(reading: Reading) -> Any:
    """The instance of the host."""
    uuid = reading.host.get("uuid")
    return reading.make(
        "ComputerSystem",
        CreationClassName=reading.name_of("ComputerSystem"),
        Name=reading.host_name,
        NameFormat="Other",
        ElementName=reading.host_name,
        Description="Host system",
        OtherIdentifyingInfo=[uuid] if uuid else None,
        IdentifyingDescriptions=["UUID"] if uuid else None,
        Dedicated=[39],
        OperationalStatus=[2],
        HealthState=5,
        EnabledState=5,
        RequestedState=12,
    )


def service(reading: Reading, suffix: str) -> Any:
    """The instance of a service."""
    return reading.make(
        suffix,
        SystemCreationClassName=reading.name_of("ComputerSystem"),
        SystemName=reading.host_name,
        CreationClassName=reading.name_of(suffix),
        Name=SERVICES[suffix],
        ElementName=SERVICES[suffix].capitalize(),
        Started=True,
        EnabledState=5,
        OperationalStatus=[2],
    )


def _services(reading: Reading) -> Iterator[Any]:
    for suffix in SERVICES:
        yield service(reading, suffix)


def _hosted(reading: Reading) -> Iterator[Any]:
    host = host_system(reading)
    for suffix in SERVICES:
        yield reading.link("HostedService", Antecedent=host, Dependent=service(reading, suffix))


def _split(reading: Reading, numbers: dict[int, str]) -> tuple[list[int], list[int]]:
    """The numbers of methods that are done at once, and of those that are jobs."""
    jobs = {number for number, method in numbers.items() if reading.world.jobs.wanted(method)}
    return sorted(set(numbers) - jobs), sorted(jobs)


def management_capabilities(reading: Reading) -> Any:
    """What VirtualSystemManagementService can do."""
    names = {2: "DefineSystem", 3: "DestroySystem", 5: "ModifyResourceSettings"}
    names |= {6: "ModifySystemSettings", 7: "RemoveResourceSettings", 10: "AddResourceSettings"}
    offered = {
        number: names[number] for word, number in MANAGEMENT_METHODS.items() if word in reading.capabilities.methods
    }
    at_once, jobs = _split(reading, offered)
    return reading.make(
        "VirtualSystemManagementCapabilities",
        InstanceID="SVPC:capabilities/management",
        ElementName="Virtual system management",
        VirtualSystemTypesSupported=list(reading.capabilities.virtual_system_types),
        SynchronousMethodsSupported=at_once,
        AsynchronousMethodsSupported=jobs,
        ElementNameEditSupported=False,
        MaxElementNameLen=256,
        RequestedStatesSupported=_requested_states(reading),
        **told.of_management(reading.capabilities, reading.capabilities_by_machine),
    )


def _requested_states(reading: Reading) -> list[int]:
    return sorted(int(RequestedState[word.upper()]) for word in reading.capabilities.states)


def state_capabilities(reading: Reading) -> Any:
    """Which states the systems can be brought to."""
    return reading.make(
        "EnabledLogicalElementCapabilities",
        InstanceID="SVPC:capabilities/states",
        ElementName="States of virtual systems",
        ElementNameEditSupported=False,
        RequestedStatesSupported=_requested_states(reading),
    )


def snapshot_service_capabilities(reading: Reading) -> Any:
    """What VirtualSystemSnapshotService can do."""
    names = {2: "CreateSnapshot", 3: "DestroySnapshot", 4: "ApplySnapshot"}
    words = {2: "create_snapshot", 3: "destroy_snapshot", 4: "apply_snapshot"}
    offered = {number: name for number, name in names.items() if words[number] in reading.capabilities.methods}
    at_once, jobs = _split(reading, offered)
    return reading.make(
        "VirtualSystemSnapshotServiceCapabilities",
        InstanceID="SVPC:capabilities/snapshots",
        ElementName="Snapshots",
        SynchronousMethodsSupported=at_once,
        AynchronousMethodsSupported=jobs,
        SnapshotTypesSupported=sorted(int(kind) for kind in reading.capabilities.snapshot_types),
    )


def pool_capabilities(reading: Reading) -> Any:
    """What ResourcePoolConfigurationService can do."""
    names = {2: "CreateResourcePool", 3: "CreateChildResourcePool", 4: "DeleteResourcePool"}
    names |= {5: "AddResourcesToResourcePool", 6: "RemoveResourcesFromResourcePool", 7: "ChangeParentResourcePool"}
    numbers = [
        number for word, found in POOL_METHODS.items() if word in reading.capabilities.methods for number in found
    ]
    at_once, jobs = _split(reading, {number: names[number] for number in numbers})
    return reading.make(
        "ResourcePoolConfigurationCapabilities",
        InstanceID="SVPC:capabilities/pools",
        ElementName="Pools",
        SynchronousMethodsSupported=at_once,
        AsynchronousMethodsSupported=jobs,
        **told.of_pools(reading.capabilities),
    )


def _capabilities(reading: Reading) -> Iterator[Any]:
    yield management_capabilities(reading)
    yield state_capabilities(reading)
    yield snapshot_service_capabilities(reading)
    yield pool_capabilities(reading)


def _element_capabilities(reading: Reading) -> Iterator[Any]:
    host = host_system(reading)
    management = management_capabilities(reading)
    pairs = [
        (host, management),
        (service(reading, "VirtualSystemManagementService"), management),
        (service(reading, "VirtualSystemSnapshotService"), snapshot_service_capabilities(reading)),
        (service(reading, "ResourcePoolConfigurationService"), pool_capabilities(reading)),
    ]
    for element, capabilities in pairs:
        yield reading.link("ElementCapabilities", ManagedElement=element, Capabilities=capabilities)


def _templates(reading: Reading) -> list[tuple[Any, int, int]]:
    """Settings of systems, each with its ValueRole (0 default, 3 supported) and PropertyPolicy (1: only as a whole).

    They are made once for as long as the host can do the same.
    """
    offered = reading.capabilities
    source = (offered.default_settings, offered.machines, offered.setting_words)
    return reading.once("system templates", source, lambda: list(_made_templates(reading)))


def _made_templates(reading: Reading) -> Iterator[tuple[Any, int, int]]:
    def template(word: str, settings: dict[str, Any]) -> Any:
        found = properties.vssd_properties("", None, settings)
        found["ElementName"] = word
        found["VirtualSystemIdentifier"] = None
        return reading.make("VirtualSystemSettingData", InstanceID=f"SVPC:capabilities/system/{word}", **found)

    offered = reading.capabilities
    yield template("default", dict(offered.default_settings)), 0, 1
    for architecture, machines in offered.machines.items():
        for machine in machines:
            settings = {"architecture": architecture, "machine": machine}
            yield template(f"{architecture}/{machine}", settings), 3, 1
    for name, words in offered.setting_words.items():
        for word in words:
            yield template(f"{name}/{word}", {name: word}), 3, 0


def _defined_capabilities(reading: Reading) -> Iterator[Any]:
    capabilities = management_capabilities(reading)
    for template, role, policy in _templates(reading):
        yield reading.link(
            "SettingsDefineCapabilities",
            GroupComponent=capabilities,
            PartComponent=template,
            PropertyPolicy=policy,
            ValueRole=role,
            ValueRange=0,
        )


SECTIONS = (
    Section(("ComputerSystem",), lambda reading: [host_system(reading)]),
    Section(tuple(SERVICES), _services),
    Section(("HostedService",), _hosted),
    Section(
        (
            "VirtualSystemManagementCapabilities",
            "EnabledLogicalElementCapabilities",
            "VirtualSystemSnapshotServiceCapabilities",
            "ResourcePoolConfigurationCapabilities",
        ),
        _capabilities,
    ),
    Section(("ElementCapabilities",), _element_capabilities),
    Section(("VirtualSystemSettingData",), lambda reading: [found for found, _, _ in _templates(reading)]),
    Section(("SettingsDefineCapabilities",), _defined_capabilities),
)
