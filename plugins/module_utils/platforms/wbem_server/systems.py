# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading virtual systems: one by following its associations, all by listing what there is and joining it here.

The number of requests for all systems does not grow with their number, except on servers that neither list their
associations nor have names from which they follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotFound
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import counterpart
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import end_of, needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import (
    SNAPSHOTS,
    Server,
    normalized,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import pywbem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.system_instance import (
    is_persistent,
    name_of,
    state_of,
    uuid_of,
)

STATE = "CIM_SettingsDefineState"
DEFINED = "CIM_ElementSettingData"
PARTS = "CIM_VirtualSystemSettingDataComponent"
SNAPSHOT_OF = "CIM_SnapshotOfVirtualSystem"
SETTINGS = "CIM_VirtualSystemSettingData"
RESOURCES = "CIM_ResourceAllocationSettingData"
_SWITCH = 38
"""CIM_ComputerSystem.Dedicated: an Ethernet switch."""
_RUNNING = frozenset({*INSTANTIATED, SystemState.SUSPENDED, SystemState.CRASHED})

Key = tuple[str, frozenset[Any]]


@frozen
class Resource:
    """One resource, and the instance that describes it."""

    rasd: Rasd
    instance: Any

    @property
    def path(self) -> Any:
        """How the server calls it."""
        return self.instance.path


@frozen
class Found:
    """One configuration: its VSSD with its resources."""

    settings: Any
    resources: tuple[Resource, ...] = ()

    @property
    def path(self) -> Any:
        """How the server calls it."""
        return self.settings.path


@frozen
class SystemFound:
    """A virtual system as the server shows it."""

    system: Any
    """The CIM_ComputerSystem."""
    defined: Found
    running: Found | None = None
    """The State configuration, of a system that has one now; it may be the same as the defined one."""
    snapshots: tuple[Any, ...] = ()
    persistent: bool = True
    links: Mapping[str, str] | None = None
    """InstanceIDs of requested resources by those of running ones; None: to be asked for."""

    @property
    def state(self) -> SystemState:
        """What it is doing."""
        return state_of(self.system)

    @property
    def path(self) -> Any:
        """How the server calls it."""
        return self.system.path

    @property
    def single(self) -> bool:
        """Whether one configuration is both what is defined and what runs."""
        return self.running is not None and same(self.running.path, self.defined.path)


def key_of(path: Any) -> Key:
    """What two paths of the same object have in common: neither host nor namespace."""
    return path.classname.lower(), frozenset((name.lower(), str(value)) for name, value in path.keybindings.items())


def same(one: Any, other: Any) -> bool:
    """Whether two paths mean the same object."""
    return key_of(one) == key_of(other)


# One system


def virtual_system(server: Server, name: str, uuid: str | None = None) -> VirtualSystem | None:
    """The system of that name, or None.  Raises Conflict when name and UUID disagree, or when several have the name."""
    found = find(server, name, uuid)
    return None if found is None else as_model(server, found)


def existing(server: Server, ref: SystemRef) -> SystemFound:
    """The system a change is about.  Raises NotFound when it is not there any more."""
    found = find(server, ref.name, ref.uuid)
    if found is None:
        raise NotFound(f"There is no virtual system {ref.name!r} on {server.session.uri}")
    return found


def find(server: Server, name: str, uuid: str | None = None) -> SystemFound | None:
    """The system of that name with its configurations, or None."""
    for system in _candidates(server, name, uuid):
        found = read(server, system)
        if found is None:
            continue
        shown = uuid_of(system, found.defined.settings)
        if name_of(system) != name or (uuid is not None and shown is not None and shown != uuid.lower()):
            raise Conflict(
                f"Virtual system {name_of(system)!r} on {server.session.uri} has uuid {shown}; declared are name {name!r} "
                f"and uuid {uuid}"
            )
        return found
    server.check_hypervisor()
    return None


def _shown(server: Server) -> list[Any]:
    """The CIM_ComputerSystems that can be virtual systems.

    A virtual switch has settings and resources as well (DSP1097); it is a network of the host.
    """
    systems = server.session.instances(server.dialect.system_class)
    return [each for each in systems if _SWITCH not in (each.get("Dedicated") or ())]


def _candidates(server: Server, name: str, uuid: str | None) -> list[Any]:
    """The systems that could be meant: those with the name, then those with the UUID."""
    systems = _shown(server)
    named = [system for system in systems if name_of(system) == name]
    if len(named) > 1:
        real = [system for system in named if read(server, system) is not None]
        if len(real) > 1:
            keys = ", ".join(needed(system, "Name") for system in real)
            raise Conflict(f"Several virtual systems on {server.session.uri} are called {name!r}: {keys}")
        named = real
    wanted = (uuid or "").lower()
    return [*named, *(system for system in systems if system not in named and wanted and uuid_of(system) == wanted)]


def read(server: Server, system: Any) -> SystemFound | None:
    """A CIM_ComputerSystem with its configurations; None for one that is no virtual system, or vanishes meanwhile."""
    if server.dialect.settings_id is not None:
        return _read_by_name(server, system)
    session = server.session
    effective = session.associated(system.path, STATE, SETTINGS, "ManagedElement", "SettingData")
    links = [link for each in effective for link in session.references(each.path, DEFINED, "ManagedElement")]
    defined = _chosen(links) or _chosen(session.references(system.path, DEFINED, "ManagedElement"))
    settings = _defined_settings(session, effective, defined)
    if settings is None:
        return None
    state = next((each for each in effective if each is not settings), None)
    persistent = is_persistent(settings)
    if defined is None and effective:
        persistent = persistent and not (state_of(system) in _RUNNING and _tells_definitions(server))
    found = _with_resources(server, settings)
    running = None
    if state_of(system) in _RUNNING:
        running = found if state is None or not persistent else _with_resources(server, state)
    snapshots: Sequence[Any] = ()
    if server.service(SNAPSHOTS) is not None and not server.dialect.saves_by_snapshot:
        snapshots = session.associated(system.path, SNAPSHOT_OF, SETTINGS, "Antecedent", "Dependent")
    return SystemFound(system, found, running, tuple(snapshots), persistent)


def _defined_settings(session: Session, effective: Sequence[Any], defined: Any) -> Any | None:
    """The settings effective at the next activation: those an association leads to, else those effective now."""
    if defined is None:
        return effective[0] if effective else None
    for each in effective:
        if same(each.path, defined):
            return each
    return session.get(defined)


def _chosen(links: Iterable[Any]) -> Any | None:
    """The configuration of the next activation: for once, else for good, else the default."""
    everything = list(links)
    for flag, value in (("IsNext", 3), ("IsNext", 1), ("IsDefault", 1)):
        for link in everything:
            if link.get(flag) == value:
                return end_of(link, "SettingData")
    return None


def _tells_definitions(server: Server) -> bool:
    """Whether the server links every system to its definition, so that one without has none: as the profile demands."""
    return any(normalized(profile.get("RegisteredName")) == "virtualsystem" for profile in server.profiles)


def _with_resources(server: Server, settings: Any) -> Found:
    parts = server.session.associated(settings.path, PARTS, RESOURCES, "GroupComponent", "PartComponent")
    return Found(settings, tuple(Resource(server.dialect.read_rasd(part), part) for part in parts))


def _read_by_name(server: Server, system: Any) -> SystemFound | None:
    """The same where the names of settings follow from the name of the system."""
    pattern = server.dialect.settings_id or ""
    path = pywbem.CIMInstanceName(
        server.dialect.own("VirtualSystemSettingData"), {"InstanceID": pattern.format(name=needed(system, "Name"))}
    )
    settings = server.session.get(path)
    if settings is None:
        return None
    return _single(system, _with_resources(server, settings))


def _single(system: Any, found: Found) -> SystemFound:
    return SystemFound(system, found, found if state_of(system) in _RUNNING else None)


# All systems


def virtual_systems(server: Server) -> list[VirtualSystem]:
    """All systems by name."""
    found = [as_model(server, each) for each in everything(server)]
    return sorted(found, key=lambda system: system.name)


def everything(server: Server) -> list[SystemFound]:
    """All systems with their configurations."""
    systems = _shown(server)
    if not systems:
        server.check_hypervisor()
        return []
    if server.dialect.settings_id is not None:
        return _joined_by_name(server, systems)
    lists = _listed(server) if server.dialect.lists_associations else None
    if lists is not None:
        assembled = [_assembled(server, system, lists) for system in systems]
        return [each for each in assembled if each is not None]
    return [
        found
        for found in server.session.each(lambda session, each: _read_with(server, session, each), systems)
        if found
    ]


def _read_with(server: Server, session: Session, system: Any) -> SystemFound | None:
    other = Server(session)
    other.adopt(server)
    return read(other, system)


@dataclass
class _Everything:
    """What a server lists, by path."""

    settings: dict[Key, Any] = field(default_factory=dict)
    parts: dict[Key, list[Resource]] = field(default_factory=dict)
    state: dict[Key, list[Key]] = field(default_factory=dict)
    defined: dict[Key, list[Any]] = field(default_factory=dict)
    snapshots: dict[Key, list[Any]] = field(default_factory=dict)

    def found(self, key: Key) -> Found | None:
        """A configuration with its resources."""
        settings = self.settings.get(key)
        return None if settings is None else Found(settings, tuple(self.parts.get(key, ())))


def _ends(path: Any, one: str, other: str) -> tuple[Any, Any]:
    return end_of(path, one), end_of(path, other)


def _listed(server: Server) -> _Everything | None:
    """The links between systems and their settings; None where the server does not list every kind of them."""
    session, lists = server.session, _Everything()
    state, parts, defined = session.listed(STATE), session.listed(PARTS), session.listed_instances(DEFINED)
    snapshots = [] if server.service(SNAPSHOTS) is None else session.listed(SNAPSHOT_OF)
    settings, resources = session.listed_instances(SETTINGS), session.listed_instances(RESOURCES)
    if not state or parts is None or defined is None or snapshots is None or settings is None or resources is None:
        return None
    for element, data in (_ends(path, "ManagedElement", "SettingData") for path in state):
        lists.state.setdefault(key_of(element), []).append(key_of(data))
    for link in defined:
        lists.defined.setdefault(key_of(end_of(link, "ManagedElement")), []).append(link)
    lists.settings = {key_of(each.path): each for each in settings}
    known = {key_of(each.path): each for each in resources}
    for group, part in (_ends(path, "GroupComponent", "PartComponent") for path in parts):
        instance = known.get(key_of(part))
        if instance is not None:
            lists.parts.setdefault(key_of(group), []).append(Resource(server.dialect.read_rasd(instance), instance))
    for system, data in (_ends(path, "Antecedent", "Dependent") for path in snapshots):
        snapshot = lists.settings.get(key_of(data))
        if snapshot is not None:
            lists.snapshots.setdefault(key_of(system), []).append(snapshot)
    return lists


def _assembled(server: Server, system: Any, lists: _Everything) -> SystemFound | None:
    key = key_of(system.path)
    effective = [each for each in lists.state.get(key, ()) if each in lists.settings]
    links = [link for each in effective for link in lists.defined.get(each, ())]
    chosen = _chosen(links) or _chosen(lists.defined.get(key, ()))
    settings_key = key_of(chosen) if chosen is not None else next(iter(effective), None)
    defined = lists.found(settings_key) if settings_key is not None else None
    if defined is None:
        return None
    state_key = next((each for each in effective if each != settings_key), None)
    is_running = state_of(system) in _RUNNING
    persistent = is_persistent(defined.settings)
    if chosen is None and is_running:
        persistent = persistent and not _tells_definitions(server)
    running = None
    if is_running:
        running = defined if state_key is None else lists.found(state_key)
    twins = {
        needed(resource.instance, "InstanceID"): str(end_of(link, "SettingData").keybindings.get("InstanceID"))
        for resource in (running.resources if running is not None else ())
        for link in lists.defined.get(key_of(resource.path), ())[:1]
    }
    return SystemFound(system, defined, running, tuple(lists.snapshots.get(key, ())), persistent, twins)


def _joined_by_name(server: Server, systems: Sequence[Any]) -> list[SystemFound]:
    dialect, session = server.dialect, server.session
    settings = {needed(each, "InstanceID"): each for each in session.instances(dialect.own("VirtualSystemSettingData"))}
    parts: dict[str, list[Resource]] = {}
    for instance in session.instances(dialect.own("ResourceAllocationSettingData")):
        name, _slash, _device = needed(instance, "InstanceID").partition("/")
        parts.setdefault(name, []).append(Resource(dialect.read_rasd(instance), instance))
    pattern = dialect.settings_id or ""
    found = []
    for system in systems:
        name = needed(system, "Name")
        own = settings.get(pattern.format(name=name))
        if own is not None:
            found.append(_single(system, Found(own, tuple(parts.get(name, ())))))
    return found


# Into the model


def as_model(server: Server, found: SystemFound) -> VirtualSystem:
    """The system in the words of the model."""
    defined = _configuration(server, found.defined)
    running: Configuration | None = None
    if found.running is not None:
        running = defined if found.single else _like(defined, _configuration(server, found.running), server, found)
    settings = found.defined.settings
    return VirtualSystem(
        name=name_of(found.system),
        uuid=uuid_of(found.system, settings),
        state=found.state,
        defined=defined,
        running=running,
        persistent=found.persistent,
        snapshots=tuple(sorted(str(each.get("ElementName") or needed(each, "InstanceID")) for each in found.snapshots)),
        belongings=tuple(str(each) for each in settings.get("Belongings") or ()),
        instance_id=needed(found.system, "Name"),
    )


def _configuration(server: Server, found: Found) -> Configuration:
    return Configuration(
        settings=server.dialect.read_settings(found.settings),
        resources=tuple(resource.rasd for resource in found.resources),
    )


def _like(defined: Configuration, running: Configuration, server: Server, found: SystemFound) -> Configuration:
    """The running configuration, whose resources have the identity of those of the definition they were made from."""
    left = list(defined.resources)
    resources = []
    for rasd in running.resources:
        twin = _twin(rasd, left, server, found)
        if twin is not None:
            left.remove(twin)
            rasd = replace(rasd, instance_id=twin.instance_id)
        resources.append(rasd)
    return replace(running, resources=tuple(resources))


def _twin(rasd: Rasd, defined: Sequence[Rasd], server: Server, found: SystemFound) -> Rasd | None:
    """The resource of the definition: told by what identifies it, else because it is equal, else by the server."""
    anonymous = replace(rasd, instance_id=None)
    twin = counterpart(anonymous, defined) or next((other for other in defined if other == anonymous), None)
    if twin is not None or rasd.row.host_resource_identifies or rasd.row.addressed:
        return twin
    wanted = _linked(rasd, server, found)
    return next((other for other in defined if wanted is not None and other.instance_id == wanted), None)


def _linked(rasd: Rasd, server: Server, found: SystemFound) -> str | None:
    """The InstanceID that a server's own association leads to from a running resource."""
    if found.links is not None:
        return found.links.get(str(rasd.instance_id))
    for resource in found.running.resources if found.running is not None else ():
        if resource.rasd.instance_id == rasd.instance_id:
            links = server.session.references(resource.path, DEFINED, "ManagedElement")
            return next((str(end_of(link, "SettingData").keybindings.get("InstanceID")) for link in links), None)
    return None


def _wherever(rasd: Rasd) -> Rasd:
    """A resource without its number, and what follows from that."""
    return replace(rasd, instance_id=None, address_on_parent=None, implied=False)


def located(server: Server, found: SystemFound, rasd: Rasd, running: bool = False) -> Resource | None:
    """What the server calls a resource of the definition, or of the running system; None when it is not there now."""
    model = as_model(server, found)
    configuration, source = (model.running, found.running) if running else (model.defined, found.defined)
    if configuration is None or source is None:
        return None
    numbered = rasd.resource_type in server.dialect.numbered
    alike: list[Resource] = []
    for known, resource in zip(configuration.resources, source.resources):
        if numbered and _wherever(known) != _wherever(rasd):
            continue
        if known.instance_id == rasd.instance_id and known.resource_type == rasd.resource_type:
            return replace(resource, rasd=known)
        alike.append(replace(resource, rasd=known))
    if numbered:
        return alike[-1] if alike else None
    twin = counterpart(replace(rasd, instance_id=None), configuration.resources)
    for known, resource in zip(configuration.resources, source.resources):
        if known is twin:
            return replace(resource, rasd=known)
    return None
