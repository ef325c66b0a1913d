# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform of a WBEM server: each reading and verb is told by a module of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform, Progress, quietly
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import (
    endpoints,
    host_facts,
    management,
    pool_configuration,
    pools,
    recorded,
    snapshots,
    states,
    storage,
    systems,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.capabilities import ServerCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.objections import Objections
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session, open_session


class WbemHost(Platform):
    """A host reached through a WBEM server.

    What is read to be changed is read afresh each time; only classes, services and capabilities are remembered.
    """

    def __init__(self, session: Session) -> None:
        """Use a session; :meth:`close` closes it."""
        self.session = session
        self.server = Server(session)
        self._capabilities: Capabilities | None = None
        self._objections = Objections(self.server)

    @classmethod
    def open(cls, uri: str, options: Mapping[str, Any], progress: Progress = quietly) -> WbemHost:
        """Connect to the server at ``uri``.

        Raises InvalidInput for options that cannot be right, Unreachable or AuthenticationFailed when there is no
        connection, NotSupported for a server without virtual systems.
        """
        host = cls(open_session(uri, options, progress))
        try:
            host.server.management  # noqa: B018 - the first request, so that what is wrong is told here
        except BaseException:
            host.close()
            raise
        return host

    def check(self, change: changes.Change) -> None:
        self._objections.check(change)

    def take_notes(self) -> list[str]:
        notes = list(self.session.notes)
        self.session.notes.clear()
        return notes

    def host(self) -> Mapping[str, Any]:
        return host_facts.host(self.server)

    def capabilities(self, system: Mapping[str, Any] | None = None) -> Capabilities:
        if self._capabilities is None:
            self._capabilities = ServerCapabilities(self.server)
        return self._capabilities

    def virtual_system(self, name: str, uuid: str | None = None) -> VirtualSystem | None:
        found = systems.virtual_system(self.server, name, uuid)
        return None if found is None else recorded.told(self.server, found)

    def virtual_systems(self, names: Collection[str] | None = None) -> list[VirtualSystem]:
        found = [recorded.told(self.server, system) for system in systems.virtual_systems(self.server)]
        return found if names is None else [system for system in found if system.name in names]

    def storage_of(self, system: VirtualSystem) -> list[StorageElement]:
        return storage.storage_of(self.server, system)

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        return endpoints.addresses_of(self.server, system, source)

    def guest_agent_answers(self, system: VirtualSystem) -> bool:
        raise NotSupported(f"Virtual system {system.name!r}: {endpoints.NO_AGENT}")

    def resource_pool(self, pool_id: str, resource_type: ResourceType, members: bool = True) -> ResourcePool | None:
        return pools.resource_pool(self.server, pool_id, resource_type, members)

    def resource_pools(self, members: bool = True) -> list[ResourcePool]:
        return pools.resource_pools(self.server, members)

    def snapshots(self, system: changes.SystemRef) -> list[Snapshot]:
        return snapshots.snapshots(self.server, system)

    def define_system(self, change: changes.DefineSystem) -> None:
        management.define_system(self.server, change)

    def destroy_system(self, change: changes.DestroySystem) -> None:
        management.destroy_system(self.server, change)

    def add_resource_settings(self, change: changes.AddResourceSettings) -> None:
        management.add_resource_settings(self.server, change)

    def modify_resource_settings(self, change: changes.ModifyResourceSettings) -> None:
        management.modify_resource_settings(self.server, change)

    def remove_resource_settings(self, change: changes.RemoveResourceSettings) -> None:
        management.remove_resource_settings(self.server, change)

    def modify_system_settings(self, change: changes.ModifySystemSettings) -> None:
        management.modify_system_settings(self.server, change)

    def request_state_change(self, change: changes.RequestStateChange) -> None:
        states.request_state_change(self.server, change)

    def create_snapshot(self, change: changes.CreateSnapshot) -> None:
        snapshots.create_snapshot(self.server, change)

    def apply_snapshot(self, change: changes.ApplySnapshot) -> None:
        snapshots.apply_snapshot(self.server, change)

    def destroy_snapshot(self, change: changes.DestroySnapshot) -> None:
        snapshots.destroy_snapshot(self.server, change)

    def create_resource_pool(self, change: changes.CreateResourcePool) -> None:
        pool_configuration.create_resource_pool(self.server, change)

    def delete_resource_pool(self, change: changes.DeleteResourcePool) -> None:
        pool_configuration.delete_resource_pool(self.server, change)

    def modify_pool_settings(self, change: changes.ModifyPoolSettings) -> None:
        pool_configuration.modify_pool_settings(self.server, change)

    def request_pool_state_change(self, change: changes.RequestPoolStateChange) -> None:
        pool_configuration.request_pool_state_change(self.server, change)

    def return_to_storage_pool(self, change: changes.ReturnToStoragePool) -> None:
        storage.return_to_storage_pool(self.server, change)

    def abandon(self) -> None:
        self.session.abandon()

    def close(self) -> None:
        self.session.close()
