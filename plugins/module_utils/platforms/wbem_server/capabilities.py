# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server can do, from its capabilities instances and from the properties of its classes (DSP1042, DSP1043).

Where a server says nothing, nothing is made up: then it decides when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
    AllocationCapabilities,
    Capabilities,
    PoolCapabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import (
    endpoints,
    system_instance,
    told_capabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.allocation import Allocations
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.definitions import Definitions, Role
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import (
    MANAGEMENT,
    POOLS,
    SNAPSHOTS,
    STORAGE,
    Server,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.pool_capabilities import pool_kinds

_VSSD = "CIM_VirtualSystemSettingData"

_MANAGEMENT = {
    2: "define_system",
    3: "destroy_system",
    5: "modify_resource_settings",
    6: "modify_system_settings",
    7: "remove_resource_settings",
    10: "add_resource_settings",
}
_SNAPSHOT = {2: "create_snapshot", 3: "destroy_snapshot", 4: "apply_snapshot"}
_POOL = {
    2: ("create_resource_pool",),
    3: ("create_resource_pool", "create_child_resource_pool"),
    4: ("delete_resource_pool",),
}
_DEFAULT_SETTINGS = ("virtual_system_type", "architecture", "machine")


class ServerCapabilities(Capabilities):
    """What a server can do.  Each field is read when it is first asked for: few tasks need them all."""

    def __init__(self, server: Server) -> None:
        """Nothing is asked yet."""
        super().__init__()
        # What a field is by default must not stand in the way of what the server says.
        for name in [name for name in vars(self) if name in vars(ServerCapabilities)]:
            del vars(self)[name]
        self._server = server
        self._definitions = Definitions(server)

    # the instances that say it

    @property
    def _management(self) -> Any | None:
        return self._server.capabilities_of(MANAGEMENT)

    @property
    def _snapshots(self) -> Any | None:
        return None if self._server.dialect.saves_by_snapshot else self._server.capabilities_of(SNAPSHOTS)

    @cached_property
    def _told(self) -> Mapping[str, Any]:
        return {} if self._management is None else told_capabilities.management(self._management)

    @cached_property
    def _templates(self) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """Settings of systems: those that are the default, and those that are supported."""
        found: dict[Role, list[Mapping[str, Any]]] = {}
        if self._management is not None:
            for definition in self._definitions.of(self._management.path, _VSSD):
                read = self._server.dialect.read_settings(definition.settings)
                found.setdefault(definition.role, []).append(read)
        return found.get(Role.DEFAULT, []), found.get(Role.SUPPORTED, [])

    # systems

    @cached_property
    def virtual_system_types(self) -> tuple[str, ...]:
        """The first one is the default."""
        types = (self._management.get("VirtualSystemTypesSupported") if self._management is not None else None) or ()
        read = self._server.dialect.read_settings
        found = [read({"VirtualSystemType": str(each)}).get("virtual_system_type") for each in types]
        return tuple(str(each) for each in found if each is not None)

    @cached_property
    def default_settings(self) -> Mapping[str, str]:
        """What a new system gets."""
        defaults, _supported = self._templates
        return {name: str(read[name]) for read in defaults for name in _DEFAULT_SETTINGS if read.get(name)}

    @cached_property
    def machines(self) -> Mapping[str, tuple[str, ...]]:
        """By architecture."""
        found: dict[str, tuple[str, ...]] = {}
        for read in self._templates[1]:
            if read.get("architecture"):
                architecture, machine = str(read["architecture"]), read.get("machine")
                known = found.setdefault(architecture, ())
                found[architecture] = known if machine is None or machine in known else (*known, str(machine))
        return found

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """The first one is the default."""
        return tuple(sorted(self.machines, key=lambda each: each != self.default_settings.get("architecture")))

    @cached_property
    def setting_words(self) -> Mapping[str, tuple[str, ...]]:
        """Allowed values, from templates that have nothing but one."""
        found: dict[str, tuple[str, ...]] = {}
        for read in self._templates[1]:
            for name, value in read.items() if len(read) == 1 else ():
                if name not in _DEFAULT_SETTINGS and isinstance(value, str):
                    found[name] = (*found.get(name, ()), value)
        return found

    @cached_property
    def unsupported_settings(self) -> Mapping[str, str]:
        """What the server's class has no place for, or is known to be dropped, and what the server says."""
        server = self._server
        known: Mapping[str, str] = server.dialect.unsupported_settings
        if not known:
            known = system_instance.unsupported_by(server.shape(server.settings_class()))
        return {**known, **self._told.get("unsupported_settings", {})}

    @cached_property
    def fixed_settings(self) -> Mapping[str, str]:
        """What an existing system keeps."""
        return {**self._server.dialect.fixed_settings, **self._told.get("fixed_settings", {})}

    @cached_property
    def live_settings(self) -> frozenset[str]:
        """What needs no restart."""
        return frozenset(self._told.get("live_settings", ()))

    @cached_property
    def allocation(self) -> Mapping[ResourceType, AllocationCapabilities]:
        """By type."""
        return Allocations(self._server, self._definitions)

    # operations

    @cached_property
    def methods(self) -> frozenset[str]:
        """Operations offered."""
        found = {*self._management_methods(), *self._snapshot_methods(), *self._pool_methods()}
        if self._server.service(STORAGE) is not None:
            found.add("return_to_storage_pool")
        return frozenset(found)

    def _management_methods(self) -> set[str]:
        numbers = None if self._server.dialect.methods_unlisted else self._server.methods_of(MANAGEMENT)
        listed = {word for number, word in _MANAGEMENT.items() if numbers is None or number in numbers}
        return {*listed, "request_state_change"}

    def _snapshot_methods(self) -> set[str]:
        if self._server.dialect.saves_by_snapshot or self._server.service(SNAPSHOTS) is None:
            return set()
        numbers = self._server.methods_of(SNAPSHOTS)
        return {word for number, word in _SNAPSHOT.items() if numbers is None or number in numbers}

    def _pool_methods(self) -> set[str]:
        if self._server.service(POOLS) is None:
            return set()
        numbers = self._server.methods_of(POOLS)
        words = {word for number, group in _POOL.items() if numbers is None or number in numbers for word in group}
        if words and self._server.dialect.pools_have_settings:
            words.add("modify_pool_settings")
        if words and self._server.pools_have_states():
            words.add("request_pool_state_change")
        return words

    @cached_property
    def states(self) -> frozenset[str]:
        """Requested states: of the service, where it says it, else of systems."""
        if self._server.dialect.states is not None:
            return self._server.dialect.states
        numbers: Iterable[Any] | None = None
        if self._management is not None:
            numbers = self._management.get("RequestedStatesSupported")
        if numbers is None:
            found = self._server.session.instances_if_any("CIM_EnabledLogicalElementCapabilities")
            lists = [each.get("RequestedStatesSupported") for each in found]
            numbers = next((each for each in lists if each), None)
        if numbers is None:
            return frozenset(state.word for state in RequestedState)
        known = {int(state): state.word for state in RequestedState}
        return frozenset(known[int(number)] for number in numbers if int(number) in known)

    @cached_property
    def starts_paused(self) -> bool:
        """Only where a server says so."""
        return bool(self._told.get("starts_paused", False))

    @cached_property
    def unsupported_waits(self) -> Mapping[str, str]:
        """What of a guest the server does not tell, so that nobody can wait for it."""
        found = {"guest_agent": endpoints.NO_AGENT}
        if not endpoints.has_endpoints(self._server):
            found["address"] = endpoints.NO_ADDRESSES
        return found

    @cached_property
    def snapshot_types(self) -> frozenset[SnapshotType]:
        """Kinds of snapshots."""
        types = (self._snapshots.get("SnapshotTypesSupported") if self._snapshots is not None else None) or ()
        known = {int(kind): kind for kind in SnapshotType}
        return frozenset(known[int(each)] for each in types if int(each) in known)

    # pools

    @cached_property
    def _kinds(self) -> tuple[Mapping[ResourceType, tuple[str, ...]], Mapping[tuple[ResourceType, str], Any]]:
        return pool_kinds(self._server)

    @cached_property
    def pool_types(self) -> Mapping[ResourceType, tuple[str, ...]]:
        """Kinds of pools that can be made."""
        return self._kinds[0]

    @cached_property
    def pools(self) -> Mapping[tuple[ResourceType, str], PoolCapabilities]:
        """What is known of each kind."""
        return self._kinds[1]
