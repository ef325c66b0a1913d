# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server can do, from its capabilities instances and from the properties of its classes (DSP1043).

Where a server says nothing, nothing is made up: then it decides when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
    AllocationCapabilities,
    Capabilities,
    Live,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import (
    rasd_instance,
    system_instance,
    told_capabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import (
    POOLS,
    SNAPSHOTS,
    STORAGE,
    Server,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.pool_capabilities import pool_kinds
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session

DEFINES = "CIM_SettingsDefineCapabilities"
_RASD = "CIM_ResourceAllocationSettingData"
_VSSD = "CIM_VirtualSystemSettingData"
_DEFAULT, _SUPPORTED = 0, 3
_POINT, _MINIMUMS, _MAXIMUMS, _INCREMENTS = 0, 1, 2, 3
_ENABLED = 2
_ROLE_WORDS = {
    "default": (_DEFAULT, _POINT),
    "minimum": (_SUPPORTED, _MINIMUMS),
    "maximum": (_SUPPORTED, _MAXIMUMS),
    "increment": (_SUPPORTED, _INCREMENTS),
}
"""By the word that some servers put into the InstanceID of the settings."""
_RANGES = {_MINIMUMS: "minimum", _MAXIMUMS: "maximum", _INCREMENTS: "increment"}

_MANAGEMENT = {
    2: "define_system",
    3: "destroy_system",
    5: "modify_resource_settings",
    6: "modify_system_settings",
    7: "remove_resource_settings",
    10: "add_resource_settings",
}
_SNAPSHOT = {2: "create_snapshot", 3: "destroy_snapshot", 4: "apply_snapshot"}
_POOL = {3: ("create_resource_pool", "create_child_resource_pool"), 4: ("delete_resource_pool",)}

_Links = Mapping[tuple[str, str], Sequence[Any]]


def read_capabilities(server: Server) -> Capabilities:
    """What the server can do."""
    management = _management(server)
    unsupported: Mapping[str, str] = server.dialect.unsupported_settings
    if not unsupported:
        unsupported = system_instance.unsupported_by(server.shape(server.settings_class()))
    links = _links(server)
    templates = _settings_templates(server, management, links)
    snapshot_methods, snapshot_types = _snapshots(server)
    kinds, pools = pool_kinds(server)
    found = Capabilities(
        virtual_system_types=_types(server, management),
        architectures=templates.architectures,
        machines=templates.machines,
        default_settings=templates.default,
        unsupported_settings=unsupported,
        allocation=_allocation(server, links),
        methods=frozenset(
            {*_management_methods(server, management), *snapshot_methods, *_pool_methods(server), *_storage(server)}
        ),
        states=_states(server, management),
        snapshot_types=snapshot_types,
        pool_types=kinds,
        pools=pools,
    )
    return found if management is None else told_capabilities.management(found, management)


def _management(server: Server) -> Any | None:
    """The capabilities of the management service."""
    found = server.session.instances_if_any("CIM_VirtualSystemManagementCapabilities")
    if len(found) > 1:
        ours = server.session.associated(
            server.management.path,
            "CIM_ElementCapabilities",
            "CIM_VirtualSystemManagementCapabilities",
            "ManagedElement",
            "Capabilities",
        )
        found = ours or found
    return found[0] if found else None


def _types(server: Server, management: Any | None) -> tuple[str, ...]:
    types = (management.get("VirtualSystemTypesSupported") if management is not None else None) or ()
    read = [server.dialect.read_settings({"VirtualSystemType": str(each)}).get("virtual_system_type") for each in types]
    return tuple(str(each) for each in read if each is not None)


def _offered(capabilities: Any | None, *names: str) -> set[int] | None:
    """The numbers of methods in the lists of synchronous and asynchronous ones; None when there are no lists."""
    lists = [capabilities.get(name) for name in names] if capabilities is not None else []
    known = [each for each in lists if each is not None]
    return {int(number) for each in known for number in each} if known else None


def _management_methods(server: Server, management: Any | None) -> set[str]:
    everything = {*_MANAGEMENT.values(), "request_state_change"}
    numbers = _offered(management, "SynchronousMethodsSupported", "AsynchronousMethodsSupported")
    if numbers is None or server.dialect.methods_unlisted:
        return everything
    return {word for number, word in _MANAGEMENT.items() if number in numbers} | {"request_state_change"}


def _snapshots(server: Server) -> tuple[set[str], frozenset[SnapshotType]]:
    if server.dialect.saves_by_snapshot or server.service(SNAPSHOTS) is None:
        return set(), frozenset()
    found = server.session.instances_if_any("CIM_VirtualSystemSnapshotServiceCapabilities")
    capabilities = found[0] if found else None
    # The schema itself has "Aynchronous".
    numbers = _offered(
        capabilities,
        "SynchronousMethodsSupported",
        "AynchronousMethodsSupported",
        "AsynchronousMethodsSupported",
    )
    words = {word for number, word in _SNAPSHOT.items() if numbers is None or number in numbers}
    types = (capabilities.get("SnapshotTypesSupported") if capabilities is not None else None) or ()
    known = {int(kind): kind for kind in SnapshotType}
    return words, frozenset(known[int(each)] for each in types if int(each) in known)


def _pool_methods(server: Server) -> set[str]:
    if server.service(POOLS) is None:
        return set()
    found = server.session.instances_if_any("CIM_ResourcePoolConfigurationCapabilities")
    numbers = _offered(found[0] if found else None, "SynchronousMethodsSupported", "AsynchronousMethodsSupported")
    words = {word for number, group in _POOL.items() if numbers is None or number in numbers for word in group}
    if words and server.dialect.pools_have_settings:
        words.add("modify_pool_settings")
    if words and server.pools_have_states():
        words.add("request_pool_state_change")
    return words


def _storage(server: Server) -> set[str]:
    return {"return_to_storage_pool"} if server.service(STORAGE) is not None else set()


def _states(server: Server, management: Any | None) -> frozenset[str]:
    """The requested states offered: of systems, where they say it, else of the service."""
    if server.dialect.states is not None:
        return server.dialect.states
    numbers: Iterable[Any] | None = None
    if management is not None:
        numbers = management.get("RequestedStatesSupported")
    if numbers is None:
        found = server.session.instances_if_any("CIM_EnabledLogicalElementCapabilities")
        lists = [each.get("RequestedStatesSupported") for each in found]
        numbers = next((each for each in lists if each), None)
    if numbers is None:
        return frozenset(state.word for state in RequestedState)
    known = {int(state): state.word for state in RequestedState}
    return frozenset(known[int(number)] for number in numbers if int(number) in known)


# Settings of systems


@dataclass(frozen=True)
class _Templates:
    default: Mapping[str, str] = field(default_factory=dict)
    architectures: tuple[str, ...] = ()
    machines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_DEFAULT_SETTINGS = ("virtual_system_type", "architecture", "machine")


def _settings_templates(server: Server, management: Any | None, links: _Links) -> _Templates:
    if management is None:
        return _Templates()
    default: dict[str, str] = {}
    machines: dict[str, list[str]] = {}
    for settings, role, span in _defined_by(server.session, management.path, _VSSD, links):
        read = server.dialect.read_settings(settings)
        if (role, span) == (_DEFAULT, _POINT):
            default = {name: str(read[name]) for name in _DEFAULT_SETTINGS if read.get(name)}
        elif (role, span) == (_SUPPORTED, _POINT) and read.get("architecture"):
            known = machines.setdefault(str(read["architecture"]), [])
            if read.get("machine") and str(read["machine"]) not in known:
                known.append(str(read["machine"]))
    first = default.get("architecture")
    architectures = sorted(machines, key=lambda each: each != first)
    return _Templates(default, tuple(architectures), {name: tuple(found) for name, found in machines.items()})


def _links(server: Server) -> _Links:
    """What says which settings capabilities define, by the capabilities, read at once where the server lists it."""
    found: dict[Any, list[Any]] = {}
    if server.dialect.lists_associations:
        for link in server.session.instances_if_any(DEFINES):
            found.setdefault(_key(link["GroupComponent"]), []).append(link)
    return found


def _defined_by(session: Session, path: Any, result: str, known: _Links) -> list[tuple[Any, int, int]]:
    """The settings that capabilities define, each with its role and range (DSP1043)."""
    found = session.associated(path, DEFINES, result, "GroupComponent", "PartComponent")
    links = known.get(_key(path))
    if links is None:
        links = session.references(path, DEFINES, "GroupComponent") if found else []
    by_path: dict[Any, list[Any]] = {}
    for link in links:
        by_path.setdefault(_key(link["PartComponent"]), []).append(link)
    repeated = any(len(group) > 1 for group in by_path.values())
    matched = []
    for position, settings in enumerate(found):
        if repeated and len(links) == len(found):
            own = links[position]
        else:
            own = next(iter(by_path.get(_key(settings.path), ())), None)
        matched.append((settings, *_role_of(settings, own)))
    return matched


def _key(path: Any) -> tuple[str, str]:
    return path.classname.lower(), str(path.keybindings.get("InstanceID"))


def _role_of(settings: Any, link: Any | None) -> tuple[int, int]:
    if link is not None and link.get("ValueRole") is not None:
        return int(link["ValueRole"]), int(link.get("ValueRange") or _POINT)
    words = str(settings.get("InstanceID") or "").lower()
    return next((role for word, role in _ROLE_WORDS.items() if word in words), (_SUPPORTED, _POINT))


# Allocation


def _allocation(server: Server, links: _Links) -> dict[ResourceType, AllocationCapabilities]:
    told: dict[ResourceType, Any] = {}
    for capabilities in server.session.instances_if_any("CIM_AllocationCapabilities"):
        resource_type, vendor_type = rasd_instance.resource_type_of(capabilities)
        if vendor_type is None and (resource_type not in told or _says_more(capabilities)):
            told[resource_type] = capabilities
    known = server.dialect.rasd_classes
    # A server without such instances may still make any type: it is its class that tells.
    types = known if known is not None else told or RESOURCE_ROWS
    limited = server.dialect.limits_of
    asked = [kind for kind in told if kind in types and (limited is None or kind in limited)]
    limits = server.session.each(lambda session, kind: _defined_by(session, told[kind].path, _RASD, links), asked)
    by_type = dict(zip(asked, limits))
    return {kind: _one(server, kind, told.get(kind), by_type.get(kind)) for kind in types}


def _says_more(capabilities: Any) -> bool:
    return capabilities.get("SupportedAddStates") is not None


def _one(
    server: Server,
    resource_type: ResourceType,
    capabilities: Any | None,
    limits: Sequence[tuple[Any, int, int]] | None,
) -> AllocationCapabilities:
    base = AllocationCapabilities(
        resource_type,
        unsupported={**_unsupported(server, resource_type), **server.dialect.unsupported.get(resource_type, {})},
        live_add=_states_of(server, resource_type, capabilities, "SupportedAddStates", "add"),
        live_remove=_states_of(server, resource_type, capabilities, "SupportedRemoveStates", "remove"),
        live_modify=dict.fromkeys(server.dialect.live_properties.get(resource_type, ()), Live.ALWAYS),
        fixed=server.dialect.fixed.get(resource_type, {}),
    )
    if capabilities is None or limits is None:
        return base
    return told_capabilities.allocation(_with_limits(server, base, limits), capabilities)


def _unsupported(server: Server, resource_type: ResourceType) -> Mapping[str, str]:
    if server.dialect.rasd_classes is not None:
        return {}
    try:
        shape = server.shape(server.rasd_class(resource_type))
    except NotSupported:
        return {}
    return rasd_instance.unsupported_by(shape, resource_type)


def _states_of(
    server: Server, resource_type: ResourceType, capabilities: Any | None, name: str, verb: str
) -> frozenset[str] | None:
    """Sub-types that can be plugged while a system runs: all (None), or none."""
    known = server.dialect.live.get(resource_type)
    if known is not None:
        return None if verb in known else frozenset()
    states = capabilities.get(name) if capabilities is not None else None
    return None if states is not None and _ENABLED in [int(each) for each in states] else frozenset()


def _with_limits(
    server: Server, base: AllocationCapabilities, defined: Sequence[tuple[Any, int, int]]
) -> AllocationCapabilities:
    limits: dict[str, dict[str, int]] = {name: {} for name in ("default", "minimum", "maximum", "increment")}
    sub_types: list[str] = []
    others: list[str] = []
    ignored = {name for kind, name in server.dialect.ignored_limits if kind is base.resource_type}
    for settings, role, span in defined:
        rasd = server.dialect.read_rasd(settings)
        if (role, span) == (_SUPPORTED, _POINT):
            if rasd.resource_type is ResourceType.OTHER and rasd.other_resource_type:
                others.append(rasd.other_resource_type)
            elif rasd.resource_sub_type:
                sub_types.append(rasd.resource_sub_type)
            continue
        name = "default" if role == _DEFAULT else _RANGES.get(span) if role == _SUPPORTED else None
        if name is not None and name not in ignored:
            limits[name].update(_numbers(rasd))
    return replace(
        base,
        sub_types=tuple(sub_types) or None,
        other_types=tuple(others) or None,
        default=limits["default"],
        minimum=limits["minimum"],
        maximum=limits["maximum"],
        increment={name: number for name, number in limits["increment"].items() if number},
    )


def _numbers(rasd: Rasd) -> dict[str, int]:
    return {
        name: int(value)
        for name, value in values(rasd).items()
        if isinstance(value, int) and not isinstance(value, bool) and name not in _WORDS
    }


_WORDS = ("consumer_visibility", "mapping_behavior")
"""Enumerations: they have no order, so no minimum and no maximum."""
