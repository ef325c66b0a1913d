# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM_VirtualSystemManagementService: defining, changing and destroying systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    NotSupported,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import changed_values
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import care, recorded, systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import MANAGEMENT, Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    NOT_FOUND,
    Family,
    pywbem,
    status_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import Done, run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import instance, prop
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.volumes import tell, volumes_for


def call(server: Server, method: str, doing: str, **arguments: Any) -> Done:
    """Invoke a method of the service and see it through."""
    return run(server.session, Family.MANAGEMENT, method, server.needed(MANAGEMENT, doing), doing, arguments)


def define_system(server: Server, change: changes.DefineSystem) -> None:
    """Record a new system.  Raises Conflict when there is one of that name or UUID by now."""
    name = change.system.name
    if systems.find(server, name, change.system.uuid) is not None:
        raise Conflict(f"There is a virtual system {name!r} on {server.session.uri} by now")
    resources = care.complete(server.dialect, change.configuration.resources, ())
    settings = new_settings(server, change)
    with volumes_for(server, name, resources) as complete:
        embedded = [new_resource(server, rasd, name) for rasd in complete]
        call(
            server,
            "DefineSystem",
            f"define virtual system {name!r}",
            SystemSettings=settings,
            ResourceSettings=_instances(embedded),
        )
        if server.dialect.saves_by_snapshot:
            _check_not_haunted(server, change.system)


def _check_not_haunted(server: Server, ref: changes.SystemRef) -> None:
    """Raise Conflict when a new system has the saved state of a former one, which it would be resumed from.

    The system is removed again: the state is not for anybody here to throw away.
    """
    found = systems.find(server, ref.name, ref.uuid)
    if found is None or found.state is not SystemState.SUSPENDED:
        return
    error = Conflict(
        f"The server at {server.session.uri} still has the saved state of a former virtual system {ref.name!r}, and "
        "would start the new one from it: remove that file on the host, or choose another name"
    )
    try:
        call(server, "DestroySystem", f"remove virtual system {ref.name!r} again", AffectedSystem=found.path)
    except VirtError as left:
        tell(error, f"the new one could not be removed again: {left.message}")
    raise error


def new_settings(server: Server, change: changes.DefineSystem) -> Any:
    """The settings to make a system with.  Raises NotSupported for what the server has no place for."""
    name, uuid = change.system.name, change.system.uuid
    server.dialect.check_text("name", name)
    class_name = server.settings_class()
    shape = server.shape(class_name)
    given = {key: value for key, value in change.configuration.settings.items() if value is not None}
    found = server.dialect.write_settings(given, shape, given)
    found["ElementName"] = prop("ElementName", name, "string")
    found["VirtualSystemIdentifier"] = prop("VirtualSystemIdentifier", name, "string")
    if uuid is not None:
        if not shape.has("UUID"):
            raise NotSupported(
                f"Virtual system {name!r}: uuid is not supported by this server: its class {class_name} has no such property"
            )
        found["UUID"] = prop("UUID", uuid, "string")
    return instance(class_name, found)


def new_resource(server: Server, rasd: Rasd, system: str) -> Any:
    """A resource to be made.  Raises NotSupported for what the server has no place for."""
    class_name = server.rasd_class(rasd.resource_type)
    properties = server.dialect.write_rasd(rasd, server.shape(class_name))
    handle = server.dialect.resource_id(system, rasd)
    if handle is not None:
        properties["InstanceID"] = prop("InstanceID", handle, "string")
    return instance(class_name, properties)


def _instances(given: list[Any]) -> Any:
    """An array of embedded instances, which may be empty."""
    return given or pywbem.CIMParameter("ResourceSettings", "string", is_array=True, value=[])


def destroy_system(server: Server, change: changes.DestroySystem) -> None:
    """Remove a system that is off; one that has gone already is no error.

    Raises Conflict when it is not off, or has snapshots that the change does not name.
    """
    name = change.system.name
    found = systems.find(server, name, change.system.uuid)
    if found is None:
        return
    if found.state is not SystemState.DEFINED:
        raise Conflict(f"Virtual system {name!r} is {found.state} by now: only one that is off can be destroyed")
    surplus = set(systems.as_model(server, found).snapshots) - set(change.snapshots)
    if surplus:
        raise Conflict(
            f"Virtual system {name!r} has snapshots by now that nobody asked to destroy: {', '.join(sorted(surplus))}"
        )
    doing = f"destroy virtual system {name!r}"
    try:
        done = call(server, "DestroySystem", doing, AffectedSystem=found.path)
    except VirtError as error:
        # Servers say "not found" of systems that they merely failed to remove: only a look tells.
        if status_of(error) != NOT_FOUND:
            raise
        if systems.find(server, name, change.system.uuid) is not None:
            raise HostFailed(error.message, **error.details) from error
        return
    if not done.outcome_known and systems.find(server, name, change.system.uuid) is not None:
        raise HostFailed(f"Cannot {doing}: the server's job has ended, and the system is still there")


# Resources


def add_resource_settings(server: Server, change: changes.AddResourceSettings) -> None:
    """Add one resource: to the definition, to the running system, or to one after the other."""
    found = systems.existing(server, change.system)
    others = [resource.rasd for resource in found.defined.resources]
    resources = care.complete(server.dialect, (change.resource,), others)
    doing = f"add {change.resource.label} to virtual system {change.system.name!r}"
    with volumes_for(server, change.system.name, resources) as (rasd,), care.changing(server, found, change):
        made = None
        if change.in_definition or found.single:
            made = _add(server, found.defined, rasd, doing, change.system.name)
        if change.live and found.running is not None and not found.single:
            try:
                same = _as_made(server, made, rasd)
                _add(server, found.running, same, f"{doing} while it runs", change.system.name)
            except VirtError as error:
                _take_back(server, made, error, change.resource)
                raise


def _add(server: Server, configuration: systems.Found, rasd: Rasd, doing: str, system: str) -> Any | None:
    """Add a resource to a configuration; returns its path where the server tells it."""
    done = call(
        server,
        "AddResourceSettings",
        doing,
        AffectedConfiguration=configuration.path,
        ResourceSettings=[new_resource(server, replace(rasd, instance_id=None), system)],
    )
    return done.path(server.session, "ResultingResourceSettings")


def _as_made(server: Server, made: Any | None, rasd: Rasd) -> Rasd:
    """The resource as the server has recorded it: the running system gets the same address, place and storage."""
    found = server.session.get(made) if made is not None else None
    return rasd if found is None else server.dialect.read_rasd(found)


def _take_back(server: Server, made: Any | None, error: VirtError, rasd: Rasd) -> None:
    """Remove from the definition what could not be added to the running system; the error tells when that fails."""
    if made is None:
        return
    try:
        call(server, "RemoveResourceSettings", f"take back {rasd.label}", ResourceSettings=[made])
    except VirtError as left:
        tell(error, f"it is in the definition already and could not be taken back: {left.message}")


def modify_resource_settings(server: Server, change: changes.ModifyResourceSettings) -> None:
    """Change values of one resource.  Raises Conflict when it is no longer as the plan saw it."""
    found = systems.existing(server, change.system)
    name = change.system.name
    with care.changing(server, found, change):
        defined = None
        if change.differences:
            defined = _unchanged(server, found, change.before, False, name)
            _modify(
                server, defined, dict(change.differences), f"change {change.before.label} of virtual system {name!r}"
            )
        if change.live_differences and not (found.single and change.differences):
            before = change.running_before or change.before
            doing = f"change {before.label} of the running virtual system {name!r}"
            try:
                running = _unchanged(server, found, before, True, name)
                _modify(server, running, dict(change.live_differences), doing)
            except VirtError as error:
                _restore(server, defined, dict(change.differences), error, change.before)
                raise
    unseen = sorted(set(change.differences) - set(change.live_differences))
    if found.single and unseen:
        server.session.notes.append(
            f"{change.before.label} of virtual system {name!r} is changed ({', '.join(unseen)}); whether the running system "
            "has it already this server does not tell"
        )


def _restore(
    server: Server,
    defined: systems.Resource | None,
    differences: dict[str, changes.Difference],
    error: VirtError,
    before: Rasd,
) -> None:
    """Give the definition its former values after the running system took no new ones; else the error tells."""
    if defined is None:
        return
    former = {name: (now, then) for name, (then, now) in differences.items()}
    try:
        _modify(server, defined, former, f"take the change of {before.label} back")
    except VirtError as left:
        tell(error, f"it is in the definition already and could not be taken back: {left.message}")


def _unchanged(
    server: Server, found: systems.SystemFound, before: Rasd, running: bool, system: str
) -> systems.Resource:
    """The resource of a configuration, which has to be as the plan saw it."""
    resource = systems.located(server, found, before, running)
    if resource is None:
        raise Conflict(f"{before.label} of virtual system {system!r} is not there any more")
    if _comparable(server, system, resource.rasd) != _comparable(server, system, before):
        raise Conflict(f"{before.label} of virtual system {system!r} was changed meanwhile")
    return resource


def _comparable(server: Server, system: str, rasd: Rasd) -> Rasd:
    """What can be compared with what the plan saw: in one configuration, not what the running system showed instead."""
    hidden = (
        server.dialect.off_only.get(rasd.resource_type, frozenset()) if system in server.turned_off else frozenset()
    )
    return with_values(rasd, dict.fromkeys(hidden))


def _modify(server: Server, resource: systems.Resource, found: dict[str, changes.Difference], doing: str) -> None:
    call(server, "ModifyResourceSettings", doing, ResourceSettings=[modified(server, resource, found)])


def modified(server: Server, resource: systems.Resource, found: Mapping[str, changes.Difference]) -> Any:
    """The settings that change a resource.  Raises what stands against a value: no place for it, an unknown unit."""
    after = with_values(resource.rasd, changed_values(found))
    class_name = resource.instance.classname
    properties = server.dialect.write_rasd(after, server.shape(class_name), set(found), resource.instance)
    properties["InstanceID"] = prop("InstanceID", needed(resource.instance, "InstanceID"), "string")
    return instance(class_name, properties)


def remove_resource_settings(server: Server, change: changes.RemoveResourceSettings) -> None:
    """Take one resource away; one that has gone already is no error."""
    found = systems.existing(server, change.system)
    doing = f"remove {change.resource.label} from virtual system {change.system.name!r}"
    with care.changing(server, found, change):
        if change.running_resource is not None and not found.single:
            _remove(server, systems.located(server, found, change.running_resource, True), f"{doing} while it runs")
        if change.in_definition or found.single:
            _remove(server, systems.located(server, found, change.resource), doing)
    recorded.record(server, found, change)
    if found.single:
        server.session.notes.append(
            f"{change.resource.label} is removed from virtual system {change.system.name!r}; whether the running system "
            "has let go of it this server does not tell"
        )


def _remove(server: Server, resource: systems.Resource | None, doing: str) -> None:
    if resource is None:
        return
    try:
        call(server, "RemoveResourceSettings", doing, ResourceSettings=[resource.path])
    except VirtError as error:
        if status_of(error) != NOT_FOUND or server.session.get(resource.path) is not None:
            raise


# Settings of the system


def modify_system_settings(server: Server, change: changes.ModifySystemSettings) -> None:
    """Change settings of the system itself.  Raises Conflict when one is no longer as the plan saw it."""
    found = systems.existing(server, change.system)
    now = server.dialect.read_settings(found.defined.settings)
    for name, (before, _after) in change.differences.items():
        if before is not None and now.get(name) != before:
            raise Conflict(
                f"Setting {name} of virtual system {change.system.name!r} is {now.get(name)!r} by now, not {before!r}: "
                "somebody else has changed it"
            )
    after = changed_values(change.differences)
    configurations = [found.defined]
    if change.live and found.running is not None and not found.single:
        configurations.append(found.running)
    with care.changing(server, found, change):
        for configuration in configurations:
            settings = configuration.settings
            properties = server.dialect.write_settings(after, server.shape(settings.classname), after)
            if server.dialect.replaces_settings:
                properties = {**_everything(settings), **properties}
            else:
                properties["InstanceID"] = prop("InstanceID", needed(settings, "InstanceID"), "string")
            call(
                server,
                "ModifySystemSettings",
                f"change settings of virtual system {change.system.name!r}",
                SystemSettings=instance(settings.classname, properties),
            )
    recorded.record(server, found, change)


def _everything(settings: Any) -> dict[str, Any]:
    """All properties that have a value, for servers that reset what they are not sent."""
    return {name: found for name, found in settings.properties.items() if found.value is not None}
