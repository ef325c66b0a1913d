# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform of a libvirt host: each reading and verb is told by a module of its own.

A module is imported by the method that needs it: a task that is sent is compiled anew each time, and most tasks need
few of them.  ``connect.preload`` loads all of them, where that is done once for many tasks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.image import ImageFacts
from ansible_collections.svpc.virt.plugins.module_utils.model.late import late
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import (
    ImageFiles,
    Platform,
    Progress,
    quietly,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session, open_session

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
    from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Graph
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.node import Node
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pools import Pools


_MAKING = (changes.DefineSystem, changes.AddResourceSettings, changes.ModifyResourceSettings)
"""Changes with which volumes are made."""


class LibvirtHost(Platform):
    """A host reached through libvirt.

    Every method begins with a living connection, and looks up afresh whatever it works on.  libvirt answers the calls
    of several threads over one connection, so that what is waited for is waited for side by side.
    """

    changes_at_once = 64

    def __init__(self, session: Session) -> None:
        """Use an open session; :meth:`close` closes it."""
        self._use(session)

    def _use(self, session: Session) -> None:
        """Work over a session, of whose host nothing is known yet."""
        self._session = session
        self._pools: Pools | None = None
        self._node: Node | None = None

    @classmethod
    def open(
        cls,
        uri: str,
        username: str | None = None,
        password: str | None = None,
        timeout: float | None = None,
        progress: Progress = quietly,
    ) -> LibvirtHost:
        """Connect to the libvirt daemon at ``uri``; see :func:`session.open_session`."""
        return cls(open_session(uri, username, password, timeout, progress))

    @property
    def session(self) -> Session:
        """The session, on a connection that is alive now."""
        self._session.begin()
        return self._session

    @property
    def pools(self) -> Pools:
        """The pools, on a connection that is alive now."""
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pools import Pools

        self._session.begin()
        if self._pools is None:
            self._pools = Pools(self._session)
        return self._pools

    @property
    def node(self) -> Node:
        """The host itself, on a connection that is alive now."""
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.node import Node

        self._session.begin()
        if self._node is None:
            self._node = Node(self._session)
        return self._node

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.shared import Shared

        before = self._session.shared
        self._session.shared = before or Shared(self._session)
        try:
            yield
        finally:
            self._session.shared = before

    def places_of(self, system: str, resources: Iterable[Rasd]) -> frozenset[str]:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import disk_places

        # Asked after the systems were read: the connection is there, and the pools are read once.
        return disk_places.places_of(self._session, system, resources)

    def carry_out(self, change: changes.Change) -> None:
        is_recorded = False
        try:
            super().carry_out(change)
            is_recorded = isinstance(change, changes.DefineSystem)  # where its document is known
        finally:
            shared, system = self._session.shared, getattr(change, "system", None)
            if shared is not None and system is not None and not is_recorded:
                shared.changed(system.name, storage=isinstance(change, _MAKING))

    def expect(self, todo: Iterable[changes.Change]) -> None:
        new = [change for change in todo if isinstance(change, changes.DefineSystem)]
        if len(new) > 1:
            from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import volume_facts

            volume_facts.read_for_new(self.session, new)

    def check(self, change: changes.Change) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import objections

        if isinstance(change, changes.DefineSystem):
            objections.check_define(self.session, change)
        elif isinstance(change, changes.AddResourceSettings):
            objections.check_add(self.session, change)
        elif isinstance(change, changes.ModifyResourceSettings):
            objections.check_modify(self.session, change)
        elif isinstance(change, (changes.CreateResourcePool, changes.ModifyPoolSettings)):
            self.pools.check(change)
        elif isinstance(change, changes.RequestPoolStateChange):
            self.pools.check_state(change)
        else:
            self._check_snapshot(change)

    def _check_snapshot(self, change: changes.Change) -> None:
        if not isinstance(change, (changes.CreateSnapshot, changes.ApplySnapshot, changes.DestroySnapshot)):
            return
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import snapshots

        if isinstance(change, changes.CreateSnapshot):
            snapshots.check_create(self.session, change)
        elif isinstance(change, changes.ApplySnapshot):
            snapshots.check_apply(self.session, change)
        else:
            snapshots.check_destroy(self.session, change)

    def take_notes(self) -> list[str]:
        notes = list(self._session.notes)
        self._session.notes.clear()
        return notes

    def host(self) -> Mapping[str, Any]:
        return self.node.host()

    def capabilities(self, system: Mapping[str, Any] | None = None) -> Capabilities:
        return late(lambda: self.node.capabilities(system))

    def virtual_system(self, name: str, uuid: str | None = None) -> VirtualSystem | None:
        return systems.virtual_system(self._session, name, uuid)

    def virtual_systems(self, names: Collection[str] | None = None) -> list[VirtualSystem]:
        return systems.virtual_systems(self.session, names)

    def storage_of(self, system: VirtualSystem) -> list[StorageElement]:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import storage_removal

        return storage_removal.storage_of(self.session, system)

    def left_seeds(self, system: VirtualSystem) -> list[StorageElement]:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import seeds

        return seeds.left_seeds(self.session, system)

    def image_facts(self, system: str, rasd: Rasd) -> ImageFacts | None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import storage

        return storage.image_facts(self.session, system, rasd)

    def take_images_from(self, files: Callable[[], ImageFiles]) -> None:
        self._session.image_files = files

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        answer = self.addresses_of_all([system], source)[system.name]
        if isinstance(answer, VirtError):
            raise answer
        return answer

    def addresses_of_all(
        self, systems: Sequence[VirtualSystem], source: str, within: float | None = None
    ) -> Mapping[str, Mapping[str, list[str]] | VirtError]:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import agent

        return agent.addresses_of_all(self.session, systems, source, within)

    def guest_agent_answers(self, system: VirtualSystem) -> bool:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import agent

        return agent.guest_agent_answers(self.session, system)

    def resource_pool(self, pool_id: str, resource_type: ResourceType, members: bool = True) -> ResourcePool | None:
        return self.pools.resource_pool(pool_id, resource_type, members)

    def resource_pools(self, members: bool = True) -> list[ResourcePool]:
        return self.pools.resource_pools(members)

    def snapshots(self, system: changes.SystemRef) -> list[Snapshot]:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import snapshots

        return snapshots.snapshots(self.session, system)

    def dependencies(self) -> Graph:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import dependencies

        return dependencies.dependencies(self.session, self.virtual_systems(), self.resource_pools())

    def define_system(self, change: changes.DefineSystem) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import definitions

        definitions.define_system(self.session, change)

    def destroy_system(self, change: changes.DestroySystem) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import definitions

        definitions.destroy_system(self.session, change)

    def add_resource_settings(self, change: changes.AddResourceSettings) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import resources

        resources.add_resource_settings(self.session, change)

    def modify_resource_settings(self, change: changes.ModifyResourceSettings) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import resources

        resources.modify_resource_settings(self.session, change)

    def remove_resource_settings(self, change: changes.RemoveResourceSettings) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import resources

        resources.remove_resource_settings(self.session, change)

    def modify_system_settings(self, change: changes.ModifySystemSettings) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import definitions

        definitions.modify_system_settings(self.session, change)

    def request_state_change(self, change: changes.RequestStateChange) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import states

        states.request_state_change(self.session, change)

    def create_snapshot(self, change: changes.CreateSnapshot) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import snapshots

        snapshots.create_snapshot(self.session, change)

    def apply_snapshot(self, change: changes.ApplySnapshot) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import snapshots

        snapshots.apply_snapshot(self.session, change)

    def destroy_snapshot(self, change: changes.DestroySnapshot) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import snapshots

        snapshots.destroy_snapshot(self.session, change)

    def create_resource_pool(self, change: changes.CreateResourcePool) -> None:
        self.pools.create_resource_pool(change)

    def delete_resource_pool(self, change: changes.DeleteResourcePool) -> None:
        self.pools.delete_resource_pool(change)

    def modify_pool_settings(self, change: changes.ModifyPoolSettings) -> None:
        self.pools.modify_pool_settings(change)

    def request_pool_state_change(self, change: changes.RequestPoolStateChange) -> None:
        self.pools.request_pool_state_change(change)

    def return_to_storage_pool(self, change: changes.ReturnToStoragePool) -> None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import storage_removal

        storage_removal.return_to_storage_pool(self.session, change)

    def begin_again(self, progress: Progress) -> bool:
        session = self._session.again(progress)
        if session is None:
            return False
        self._use(session)
        return True

    def abandon(self) -> None:
        self._session.abandon()

    def close(self) -> None:
        self._session.close()
