# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualSystemManagementService: its methods as changes of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, values, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import meaning_of_absence
from tests.wbem import invoke
from tests.wbem.invoke import Invocation, Method
from tests.wbem.providers import pool_methods, properties, resources, snapshots, states, systems
from tests.wbem.world import Reading

Output = Mapping[str, Any]


def system_of(reading: Reading, path: Any) -> VirtualSystem:
    """The system a reference means; raises NotFound."""
    name = path.keybindings.get("Name")
    for system in reading.systems:
        if systems.key(system) == name:
            return system
    raise errors.NotFound(f"There is no virtual system {name!r}")


def ref(system: VirtualSystem) -> changes.SystemRef:
    """How changes name a system."""
    return changes.SystemRef(system.name, system.uuid)


def configuration_of(reading: Reading, instance_id: str | None) -> tuple[VirtualSystem, Configuration, bool]:
    """The configuration with that InstanceID; True marks a State configuration.  Raises NotFound."""
    for system in reading.systems:
        for known, configuration, live in systems.configurations(system):
            if known == instance_id:
                return system, configuration, live
    raise errors.NotFound(f"There is no configuration {instance_id!r}")


def new_rasd(instance: Any) -> Rasd:
    """The resource an instance asks for."""
    found = properties.values_of(instance)
    kind = ResourceType(int(instance["ResourceType"]))
    return with_values(Rasd(kind), {name: value for name, value in found.items() if value is not None})


# systems


def _define_system(invocation: Invocation) -> Output:
    wanted = invocation.get("SystemSettings")
    reading = invocation.reading
    name = None if wanted is None else wanted.get("VirtualSystemIdentifier") or wanted.get("ElementName")
    if name is None:
        taken = {system.name for system in reading.systems}
        name = next(f"vs-{number}" for number in range(1, len(taken) + 2) if f"vs-{number}" not in taken)
    if any(system.name == name for system in reading.systems):
        raise invoke.Refusal(2, f"Virtual system {name!r} exists")
    offered = reading.capabilities
    settings = dict(offered.default_settings)
    rasds = [new_rasd(instance) for instance in invocation.get("ResourceSettings") or []]
    reference = invocation.get("ReferenceConfiguration")
    if reference is not None:
        known = _any_configuration(reading, reference.keybindings.get("InstanceID"))
        settings.update(known.settings)
        kinds = {rasd.resource_type for rasd in rasds}
        rasds += [_copied(rasd) for rasd in known.resources if rasd.resource_type not in kinds]
    if wanted is not None:
        settings.update(properties.system_settings_of(wanted))
    settings = {key: value for key, value in settings.items() if value is not None}
    if settings.get("virtual_system_type") not in (None, *offered.virtual_system_types):
        raise errors.InvalidInput(f"VirtualSystemType {settings['virtual_system_type']!r} is not supported")
    for kind in (ResourceType.PROCESSOR, ResourceType.MEMORY):
        if not any(rasd.resource_type is kind for rasd in rasds):
            quantity = offered.allocation[kind].default.get("virtual_quantity", 1)
            rasds.append(Rasd(kind, virtual_quantity=quantity, maximum_quantity=quantity))
    for rasd in rasds:
        check_limits(reading, rasd)
    uuid = wanted.get("UUID") if wanted is not None else None
    system = changes.SystemRef(str(name), uuid.lower() if uuid else None)
    invocation.carry_out(changes.DefineSystem(system, Configuration(settings, tuple(rasds))))
    found = next(found for found in invocation.reading.systems if found.name == name)
    return {"ResultingSystem": systems.computer_system(invocation.reading, found).path}


def _any_configuration(reading: Reading, instance_id: str | None) -> Configuration:
    snapshot = snapshots.find(reading, instance_id)
    return snapshot[0].defined if snapshot is not None else configuration_of(reading, instance_id)[1]


def _copied(rasd: Rasd) -> Rasd:
    """A resource of another system without what only one system can have."""
    rasd = replace(rasd, instance_id=None, implied=False)
    if rasd.row.addressed:
        rasd = replace(rasd, address=None)
    if rasd.row.host_resource_identifies and not rasd.row.removable:
        rasd = replace(rasd, host_resource=None)
    return rasd


def check_limits(reading: Reading, rasd: Rasd) -> None:
    """Raise InvalidInput for what AllocationCapabilities say cannot be allocated."""
    offered = reading.capabilities.allocation.get(rasd.resource_type)
    if offered is None:
        raise errors.NotSupported(f"Resources of type {rasd.resource_type.word} cannot be allocated")
    for name, value in values(rasd).items():
        if value == meaning_of_absence(rasd.row, name):
            continue
        if name in offered.unsupported:
            raise errors.InvalidInput(f"{rasd.label}: {name}: {offered.unsupported[name]}")
        low, high = offered.minimum.get(name), offered.maximum.get(name)
        if (low is not None and value < low) or (high is not None and value > high):
            raise errors.InvalidInput(f"{rasd.label}: {name} {value} is outside {low} … {high}")
        if offered.increment.get(name) and value % offered.increment[name]:
            raise errors.InvalidInput(f"{rasd.label}: {name} {value} is no multiple of {offered.increment[name]}")


def _destroy_system(invocation: Invocation) -> Output:
    system = system_of(invocation.reading, invocation.need("AffectedSystem"))
    if system.state is not SystemState.DEFINED:
        invocation.carry_out(states.change_of(system, RequestedState.DISABLED))
        left = [found for found in invocation.reading.systems if found.name == system.name]
        if not left:
            return {}
        system = left[0]
    invocation.carry_out(changes.DestroySystem(ref(system), system.snapshots, system.belongings))
    return {}


def _modify_system_settings(invocation: Invocation) -> Output:
    wanted = invocation.need("SystemSettings")
    instance_id = wanted.get("InstanceID")
    if instance_id is None:
        raise errors.InvalidInput("InstanceID is missing")
    if snapshots.find(invocation.reading, instance_id) is not None:
        raise errors.NotSupported("Snapshots cannot be changed")
    system, configuration, live = configuration_of(invocation.reading, instance_id)
    names = {wanted.get("VirtualSystemIdentifier"), wanted.get("ElementName")} - {None, system.name}
    if names or wanted.get("UUID") not in (None, system.uuid):
        raise errors.NotSupported("Name and UUID of a virtual system cannot be changed")
    found = properties.system_settings_of(wanted)
    differences = {
        name: (configuration.settings.get(name), value)
        for name, value in found.items()
        if configuration.settings.get(name) != value
    }
    if live and not set(differences) <= invocation.reading.capabilities.live_settings:
        raise errors.RestartNeeded(f"{', '.join(sorted(differences))}: cannot be changed while the system runs")
    if differences:
        invocation.carry_out(changes.ModifySystemSettings(ref(system), differences, live=live))
    return {}


# resources


def _add(invocation: Invocation) -> Output:
    reference = invocation.need("AffectedConfiguration")
    instance_id = reference.keybindings.get("InstanceID")
    added = []
    for instance in invocation.need("ResourceSettings"):
        system, _, live = configuration_of(invocation.reading, instance_id)
        rasd = new_rasd(instance)
        check_limits(invocation.reading, rasd)
        if live:
            _check_plug(invocation.reading, rasd, "live_add")
        known = {found.instance_id for found in resources.allocations(system)}
        invocation.carry_out(changes.AddResourceSettings(ref(system), rasd, in_definition=not live, live=live))
        system, _, _ = configuration_of(invocation.reading, instance_id)
        new = [
            found
            for found in resources.allocations(system)
            if found.instance_id not in known and found.configuration_id == instance_id
        ]
        added.append(resources.path(invocation.reading, new[-1]) if new else None)
    return {"ResultingResourceSettings": [path for path in added if path is not None]}


def _check_plug(reading: Reading, rasd: Rasd, what: str) -> None:
    offered = reading.capabilities.allocation[rasd.resource_type]
    kinds = getattr(offered, what)
    sub_type = rasd.other_resource_type if rasd.resource_type is ResourceType.OTHER else rasd.resource_sub_type
    if kinds is not None and (sub_type or (offered.sub_types or ("",))[0]) not in kinds:
        raise errors.RestartNeeded(f"{rasd.label} cannot be plugged or unplugged while the system runs")


def _modify(invocation: Invocation) -> Output:
    changed = []
    for instance in invocation.need("ResourceSettings"):
        instance_id = instance.get("InstanceID")
        if instance_id is None:
            raise errors.InvalidInput("InstanceID is missing")
        if pool_methods.modify_settings(invocation, instance):
            continue
        found = resources.find(invocation.reading, instance_id)
        if found is None:
            raise errors.NotFound(f"There is no resource {instance_id!r}")
        _modify_one(invocation, found, instance)
        changed.append(resources.path(invocation.reading, found))
    return {"ResultingResourceSettings": changed}


def _modify_one(invocation: Invocation, found: resources.Allocation, instance: Any) -> None:
    wanted = properties.values_of(instance, found.rasd, invocation.world.dialect.block_size)
    now = values(found.rasd)
    differences = {name: (now.get(name), value) for name, value in wanted.items() if now.get(name) != value}
    if not differences:
        return
    check_limits(invocation.reading, with_values(Rasd(found.rasd.resource_type), wanted))
    if found.live:
        offered = invocation.reading.capabilities.allocation[found.rasd.resource_type].live_modify
        fixed = sorted(set(differences) - set(offered))
        if fixed:
            raise errors.RestartNeeded(f"{found.rasd.label}: {', '.join(fixed)} cannot be changed while it runs")
        twin = resources.defined_twin(found)
        invocation.carry_out(
            changes.ModifyResourceSettings(
                ref(found.system),
                twin.rasd if twin is not None else found.rasd,
                running_before=found.rasd,
                live_differences=differences,
            )
        )
    else:
        invocation.carry_out(changes.ModifyResourceSettings(ref(found.system), found.rasd, differences))


def _remove(invocation: Invocation) -> Output:
    for reference in invocation.need("ResourceSettings"):
        found = resources.find(invocation.reading, reference.keybindings.get("InstanceID"))
        if found is None:
            raise errors.NotFound(f"There is no resource {reference.keybindings.get('InstanceID')!r}")
        if found.live:
            _check_plug(invocation.reading, found.rasd, "live_remove")
            change = changes.RemoveResourceSettings(
                ref(found.system), found.rasd, in_definition=False, running_resource=found.rasd
            )
        else:
            change = changes.RemoveResourceSettings(ref(found.system), found.rasd)
        invocation.carry_out(change)
    return {}


METHODS = {
    f"VirtualSystemManagementService.{name}": Method(handler, invoke.MANAGEMENT, creates=creates)
    for name, handler, creates in (
        ("DefineSystem", _define_system, "ResultingSystem"),
        ("DestroySystem", _destroy_system, None),
        ("AddResourceSettings", _add, "ResultingResourceSettings"),
        ("ModifyResourceSettings", _modify, None),
        ("ModifySystemSettings", _modify_system_settings, None),
        ("RemoveResourceSettings", _remove, None),
    )
}
