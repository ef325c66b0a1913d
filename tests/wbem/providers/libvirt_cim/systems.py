# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host and the systems of libvirt-cim: one configuration for each system, in all roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from tests.wbem.providers.libvirt_cim import resources
from tests.wbem.world import Reading, Section

SERVICES = {
    "VirtualSystemManagementService": "Management Service",
    "VirtualSystemSnapshotService": "SnapshotService",
    "ResourcePoolConfigurationService": "RPCS",
}
PROFILES = {
    "CIM:DSP1042-SystemVirtualization-1.0.0": ("System Virtualization", "1.0.0"),
    "CIM:DSP1057-VirtualSystem-1.0.0a": ("Virtual System Profile", "1.0.0a"),
    "CIM:DSP1045-MemoryResourceVirtualization-1.0.0": ("Memory Resource Virtualization", "1.0.0"),
    "CIM:DSP1043-AllocationCapabilities-1.0.0a": ("Allocation Capabilities", "1.0.0a"),
    "CIM:DSP1041-ResourceAllocation-1.1.0c_p": ("Resource Allocation", "1.1.0c"),
}
BOOT = {"disk_drive": "hd", "cd_drive": "cdrom", "ethernet_adapter": "network", "floppy_drive": "fd"}
RECOVERY = {"none": 2, "restart": 3}

_STATES = {
    SystemState.ACTIVE: (2, 2, 5, 32768),
    SystemState.PAUSED: (9, 2, 5, 7),
    SystemState.SHUTTING_DOWN: (4, 2, 5, 32768),
    SystemState.STARTING: (2, 2, 5, 32768),
}
"""EnabledState, OperationalStatus, HealthState and OperatingStatus; (3, 15, 0, 5) of all others."""


def host_system(reading: Reading) -> Any:
    """The instance of the host."""
    return reading.make(
        "HostSystem",
        CreationClassName=reading.name_of("HostSystem"),
        Name=reading.host_name,
        EnabledState=5,
        RequestedState=12,
        EnabledDefault=2,
        TransitioningToState=12,
    )


def service(reading: Reading, suffix: str) -> Any:
    """The instance of a service."""
    more: dict[str, Any] = {}
    if suffix == "VirtualSystemManagementService":
        more = {"Caption": "QEMU 7.2.22", "Release": "0.6.3", "Changeset": "a5a073c", "Revision": "1347"}
        more["LibvirtVersion"] = "9.0.0"
    return reading.make(
        suffix,
        SystemCreationClassName=reading.name_of("HostSystem"),
        SystemName=reading.host_name,
        CreationClassName=reading.name_of(suffix),
        Name=SERVICES[suffix],
        EnabledState=5,
        RequestedState=12,
        **more,
    )


def _services(reading: Reading) -> Iterator[Any]:
    for suffix in SERVICES:
        yield service(reading, suffix)


def _hosted_services(reading: Reading) -> Iterator[Any]:
    """The snapshot service is not among them."""
    for suffix in SERVICES:
        if suffix != "VirtualSystemSnapshotService":
            yield reading.link("HostedService", Antecedent=host_system(reading), Dependent=service(reading, suffix))


def management_capabilities(reading: Reading) -> Any:
    """What the management service says it can do: its numbers are wrong."""
    return reading.make(
        "VirtualSystemManagementCapabilities",
        InstanceID="ManagementCapabilities",
        VirtualSystemTypesSupported=["KVM"],
        SynchronousMethodsSupported=[1, 2, 3, 5, 6, 7],
    )


def _capabilities(reading: Reading) -> Iterator[Any]:
    yield management_capabilities(reading)
    yield reading.make(
        "VirtualSystemSnapshotServiceCapabilities",
        InstanceID="SnapshotCapabilities",
        SynchronousMethodsSupported=[3],
        AynchronousMethodsSupported=[2, 4],
        SnapshotTypesSupported=[32768, 32769],
    )
    yield reading.make("ResourcePoolConfigurationCapabilities", InstanceID="RPCC", SynchronousMethodsSupported=[3, 4])
    for system in reading.systems:
        yield state_capabilities(reading, system)


def state_capabilities(reading: Reading, system: VirtualSystem) -> Any:
    """Which states can be requested; 4 works as well."""
    return reading.make(
        "EnabledLogicalElementCapabilities",
        InstanceID=system.name,
        ElementNameEditSupported=False,
        RequestedStatesSupported=[2, 3, 9, 10, 11],
    )


def _element_capabilities(reading: Reading) -> Iterator[Any]:
    host = host_system(reading)
    yield reading.link("ElementCapabilities", ManagedElement=host, Capabilities=management_capabilities(reading))
    for system in reading.systems:
        yield reading.link(
            "ElementCapabilities",
            ManagedElement=computer_system(reading, system),
            Capabilities=state_capabilities(reading, system),
        )


def computer_system(reading: Reading, system: VirtualSystem) -> Any:
    """The instance of a system, named by its name."""
    state, operational, health, operating = _STATES.get(system.state, (3, 15, 0, 5))
    if state == 3 and system.name in reading.world.saves:
        state = 6
    return reading.make(
        "ComputerSystem",
        CreationClassName=reading.name_of("ComputerSystem"),
        Name=system.name,
        Caption="Virtual System",
        Description="Virtual System",
        ElementName=system.name,
        OperationalStatus=[operational],
        HealthState=health,
        OperatingStatus=operating,
        EnabledState=state,
        RequestedState=reading.world.requested.get(system.name, 0),
        EnabledDefault=2,
        TransitioningToState=12,
        OtherIdentifyingInfo=["Virtual System", "KVM Virtual System", system.uuid or ""],
        IdentifyingDescriptions=["Type", "Model", "UUID"],
        UUID=system.uuid,
    )


def _systems(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield computer_system(reading, system)


def settings(reading: Reading, system: VirtualSystem) -> Any:
    """The instance of a system's settings: those of its definition, also while it runs, unlike its resources.

    libvirt-cim 0.6.3 reads them from the inactive document (get_dominfo in libxkutil/device_parsing.c).
    """
    given = system.defined.settings
    boot = [BOOT[word] for word in given.get("boot_order") or () if word in BOOT]
    return reading.make(
        "VirtualSystemSettingData",
        InstanceID=f"KVM:{system.name}",
        Caption="Virtual System",
        Description="Virtual System",
        ElementName=system.name,
        VirtualSystemIdentifier=system.name,
        VirtualSystemType="KVM",
        AutomaticRecoveryAction=RECOVERY.get(str(given.get("automatic_recovery_action")), 2),
        AutomaticShutdownAction=2,
        ClockOffset=1 if given.get("clock_offset") == "localtime" else 0,
        UUID=system.uuid,
        EnableACPI=True,
        EnableAPIC=False,
        EnablePAE=False,
        AutoStart=1 if given.get("automatic_startup_action") == "always_startup" else 0,
        BootDevices=boot or None,
        Emulator="/usr/bin/qemu-system-x86_64",
        Arch=given.get("architecture") or "x86_64",
        Machine=given.get("machine") or "pc-i440fx-7.2",
    )


def _settings(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield settings(reading, system)


def _states(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield reading.link(
            "SettingsDefineState",
            ManagedElement=computer_system(reading, system),
            SettingData=settings(reading, system),
        )


def _to_themselves(reading: Reading) -> Iterator[Any]:
    """A configuration is its own default, next, smallest and largest one."""
    for system in reading.systems:
        found = settings(reading, system)
        flags: dict[str, Any] = {"IsDefault": 1, "IsNext": 1, "IsMinimum": 1, "IsMaximum": 1, "IsPending": 0}
        yield reading.link("ElementSettingData", ManagedElement=found, SettingData=found, **flags)


def _hosted(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield reading.link(
            "HostedDependency", Antecedent=host_system(reading), Dependent=computer_system(reading, system)
        )


def _resources(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        for found in resources.shown(system):
            yield resources.instance(reading, system, found)


def _components(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        for found in resources.shown(system):
            yield _component(reading, system, found)


def _component(reading: Reading, system: VirtualSystem, found: resources.Shown) -> Any:
    def make() -> Any:
        whole = reading.make("VirtualSystemSettingData", InstanceID=f"KVM:{system.name}")
        part = resources.instance(reading, system, found)
        return reading.link("VirtualSystemSettingDataComponent", GroupComponent=whole, PartComponent=part)

    return reading.once(("component", found.instance_id), found.suffix, make)


# profiles


def _profiles(reading: Reading) -> Iterator[Any]:
    for instance_id, (name, version) in PROFILES.items():
        yield reading.make(
            "RegisteredProfile",
            interop=True,
            InstanceID=instance_id,
            RegisteredOrganization=2,
            RegisteredName=name,
            RegisteredVersion=version,
        )


def _conforming(reading: Reading) -> Iterator[Any]:
    for profile in _profiles(reading):
        elements = []
        if "DSP1042" in profile["InstanceID"]:
            elements = [host_system(reading)]
        elif "DSP1057" in profile["InstanceID"]:
            elements = list(_systems(reading))
        for element in elements:
            yield reading.link(
                "ElementConformsToProfile", interop=True, ConformantStandard=profile, ManagedElement=element
            )


SECTIONS = (
    Section(("HostSystem",), lambda reading: [host_system(reading)]),
    Section(tuple(SERVICES), _services),
    Section(("HostedService",), _hosted_services),
    Section(
        (
            "VirtualSystemManagementCapabilities",
            "VirtualSystemSnapshotServiceCapabilities",
            "ResourcePoolConfigurationCapabilities",
            "EnabledLogicalElementCapabilities",
        ),
        _capabilities,
    ),
    Section(("ElementCapabilities",), _element_capabilities),
    Section(("ComputerSystem",), _systems),
    Section(("VirtualSystemSettingData",), _settings),
    Section(("SettingsDefineState",), _states),
    Section(("ElementSettingData",), _to_themselves),
    Section(("HostedDependency",), _hosted),
    Section(tuple(resources.class_of(suffix) for suffix in resources.SUFFIXES), _resources),
    Section(("VirtualSystemSettingDataComponent",), _components),
    Section(("RegisteredProfile",), _profiles),
    Section(("ElementConformsToProfile",), _conforming),
)
