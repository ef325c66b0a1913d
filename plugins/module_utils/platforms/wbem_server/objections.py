# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server can be known to answer to a change, or to lose by it, before anything is sent.

What the server's classes have no place for, and values they cannot hold, show when the instances are built.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import changed_values, disk_taken
from ansible_collections.svpc.virt.plugins.module_utils.plan.subnets import check_activation
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import (
    care,
    management,
    pool_configuration,
    pools,
    snapshots,
    storage,
    systems,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.volumes import foreseen

_OF_A_CONFIGURATION = (
    changes.AddResourceSettings,
    changes.ModifyResourceSettings,
    changes.RemoveResourceSettings,
    changes.ModifySystemSettings,
)


class Objections:
    """Objections to the changes of one plan, which are given in their order."""

    def __init__(self, server: Server) -> None:
        """No change was seen yet."""
        self._server = server
        self._ordered: set[str] = set()
        """Names of systems whose order of boot devices an earlier change declares."""

    def check(self, change: changes.Change) -> None:
        """Raise what is known to stand against a change."""
        if isinstance(change, changes.DefineSystem):
            management.new_settings(self._server, change)
            self._build(change.configuration.resources, (), change.system.name)
            storage.check_not_taken(self._server, change.system.name, change.configuration.resources)
        elif isinstance(change, _OF_A_CONFIGURATION):
            self._check_configuration(change)
        elif isinstance(change, changes.CreateSnapshot):
            snapshots.new_settings(self._server, change)
        elif isinstance(change, changes.CreateResourcePool):
            self._check_new_pool(change)
        elif isinstance(change, changes.ModifyPoolSettings):
            pool_configuration.check_modification(self._server, change)
        elif isinstance(change, changes.RequestPoolStateChange):
            check_activation(change, lambda: pools.resource_pools(self._server, members=False))

    def _build(self, resources: Any, others: Any, system: str) -> None:
        for rasd in foreseen(self._server, care.complete(self._server.dialect, resources, others)):
            management.new_resource(self._server, rasd, system)

    def _check_new_pool(self, change: changes.CreateResourcePool) -> None:
        if pool_configuration.makes_roots_only(self._server):
            pool_configuration.devices_for_root(self._server, change.pool)
        else:
            pool_configuration.new_settings(self._server, change.pool)

    def _check_configuration(self, change: Any) -> None:
        found = None
        care.check_document(self._server.dialect, change)
        if self._server.dialect.weight_is_lost or isinstance(change, changes.ModifyResourceSettings):
            found = systems.find(self._server, change.system.name, change.system.uuid)
        if found is not None and self._server.dialect.weight_is_lost:
            if care.declares_boot_order(change):
                self._ordered.add(change.system.name)
            elif change.system.name not in self._ordered:
                care.check_visible_loss(found, change)
            care.tell_of_hidden_loss(self._server, change)
        if isinstance(change, changes.ModifyResourceSettings):
            taken = disk_taken(change)
            storage.check_not_taken(self._server, change.system.name, () if taken is None else (taken,))
        if found is not None and isinstance(change, changes.ModifyResourceSettings):
            resource = systems.located(self._server, found, change.before)
            if resource is not None and change.differences:
                management.modified(self._server, resource, change.differences)
        if isinstance(change, changes.ModifySystemSettings):
            after = changed_values(change.differences)
            self._server.dialect.write_settings(after, self._server.shape(self._server.settings_class()), after)
        if isinstance(change, changes.AddResourceSettings):
            others = [] if found is None else [resource.rasd for resource in found.defined.resources]
            self._build((change.resource,), others, change.system.name)
            storage.check_not_taken(self._server, change.system.name, (change.resource,))
