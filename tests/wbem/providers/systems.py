# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual systems and their configurations (DSP1042, DSP1057).

A system that is off has one configuration, in both roles.  One that runs, is paused or suspended has a State
configuration of its own; without a Defined one when nothing remains of it once it is off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.states import ENABLED_STATE_NUMBERS, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from tests.wbem.providers import host, properties
from tests.wbem.world import Reading, Section

AVAILABLE = {
    SystemState.DEFINED: (2,),
    SystemState.ACTIVE: (3, 4, 6, 9, 10, 11),
    SystemState.PAUSED: (2, 3, 6, 11),
    SystemState.SUSPENDED: (2, 3),
    SystemState.SLEEPING: (2, 3),
    SystemState.CRASHED: (3,),
    SystemState.SHUTTING_DOWN: (3,),
}
"""Requests that make sense in each state."""

_OPERATIONAL = {SystemState.ACTIVE: 2, SystemState.PAUSED: 2, SystemState.CRASHED: 6, SystemState.UNKNOWN: 0}


def key(system: VirtualSystem) -> str:
    """What names a system in keys."""
    return system.uuid or system.name


def configuration_id(system: VirtualSystem, state: bool = False) -> str:
    """InstanceID of the Defined or of the State configuration."""
    return f"SVPC:{key(system)}/state" if state else f"SVPC:{key(system)}"


def configurations(system: VirtualSystem) -> Iterator[tuple[str, Configuration, bool]]:
    """The configurations of a system with their InstanceIDs; True marks a State configuration of its own."""
    if system.persistent or system.running is None:
        yield configuration_id(system), system.defined, False
    if system.running is not None:
        yield configuration_id(system, state=True), system.running, True


def effective_id(system: VirtualSystem) -> str:
    """InstanceID of what is effective now: the State configuration, which may be the Defined one."""
    return configuration_id(system, state=system.running is not None)


def computer_system(reading: Reading, system: VirtualSystem) -> Any:
    """The instance of a virtual system."""
    available = [number for number in AVAILABLE.get(system.state, ()) if _word(number) in reading.capabilities.states]
    crashed = system.state is SystemState.CRASHED
    return reading.make(
        "ComputerSystem",
        CreationClassName=reading.name_of("ComputerSystem"),
        Name=key(system),
        NameFormat="UUID" if system.uuid else "Other",
        ElementName=system.name,
        Description="Virtual system",
        OtherIdentifyingInfo=[system.uuid] if system.uuid else None,
        IdentifyingDescriptions=["UUID"] if system.uuid else None,
        EnabledState=ENABLED_STATE_NUMBERS[system.state],
        OtherEnabledState="sleeping" if system.state is SystemState.SLEEPING else None,
        RequestedState=reading.world.requested.get(system.name, 12),
        TransitioningToState=4 if system.state is SystemState.SHUTTING_DOWN else 5,
        EnabledDefault=2,
        AvailableRequestedStates=available,
        OperationalStatus=[_OPERATIONAL.get(system.state, 10)],
        HealthState=25 if crashed else 5,
    )


def _word(number: int) -> str:
    words = {2: "enabled", 3: "disabled", 4: "shut_down", 6: "offline", 9: "quiesce", 10: "reboot", 11: "reset"}
    return words[number]


def _systems(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield computer_system(reading, system)


def settings(reading: Reading, system: VirtualSystem, instance_id: str, configuration: Configuration) -> Any:
    """The instance of one configuration."""
    found = properties.vssd_properties(system.name, system.uuid, configuration.settings)
    return reading.make(
        "VirtualSystemSettingData",
        InstanceID=instance_id,
        Belongings=list(system.belongings) or None,
        **found,
    )


def _settings(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        for instance_id, configuration, _ in configurations(system):
            yield settings(reading, system, instance_id, configuration)


def settings_path(reading: Reading, instance_id: str) -> Any:
    """The path of a configuration."""
    return reading.make("VirtualSystemSettingData", InstanceID=instance_id).path


def _settings_define_state(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield reading.link(
            "SettingsDefineState",
            ManagedElement=computer_system(reading, system),
            SettingData=settings_path(reading, effective_id(system)),
        )


def _element_setting_data(reading: Reading) -> Iterator[Any]:
    """From the effective configuration to the one of the next activation, which may be the same."""
    for system in reading.systems:
        if not system.persistent:
            continue
        defined = settings_path(reading, configuration_id(system))
        for element in (settings_path(reading, effective_id(system)), computer_system(reading, system)):
            yield reading.link(
                "ElementSettingData",
                ManagedElement=element,
                SettingData=defined,
                IsDefault=1,
                IsNext=1,
                IsCurrent=2 if system.running is not None else 1,
            )


def _hosted(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield reading.link(
            "HostedDependency", Antecedent=host.host_system(reading), Dependent=computer_system(reading, system)
        )


def _affected(reading: Reading) -> Iterator[Any]:
    service = host.service(reading, "VirtualSystemManagementService")
    for system in reading.systems:
        yield reading.link(
            "ServiceAffectsElement",
            AffectedElement=computer_system(reading, system),
            AffectingElement=service,
            ElementEffects=[5],
        )


def _capabilities(reading: Reading) -> Iterator[Any]:
    for system in reading.systems:
        yield reading.link(
            "ElementCapabilities",
            ManagedElement=computer_system(reading, system),
            Capabilities=host.state_capabilities(reading),
        )


SECTIONS = (
    Section(("ComputerSystem",), _systems),
    Section(("VirtualSystemSettingData",), _settings),
    Section(("SettingsDefineState",), _settings_define_state),
    Section(("ElementSettingData",), _element_setting_data),
    Section(("HostedDependency",), _hosted),
    Section(("ServiceAffectsElement",), _affected),
    Section(("ElementCapabilities",), _capabilities),
)
