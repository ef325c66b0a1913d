# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be known to keep a change from being carried out, before anything is touched.

The storage is judged, and the documents are made that the change would need.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.definitions import Definition
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import existing
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.new_definitions import judged
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.processors import (
    cpus_of,
    host_processors,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.resources import (
    take_over,
    values_to_write,
    with_seed,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage import Allocations, check_storage
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import index_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import take_away


def check_define(session: Session, change: changes.DefineSystem) -> None:
    """Raise what keeps a system from being defined."""
    name, configuration = change.system.name, change.configuration
    _check_processors(session, configuration.resources)
    judged(session, index_of(session), change, check_storage(session, name, configuration.resources))


def check_add(session: Session, change: changes.AddResourceSettings) -> None:
    """Raise what keeps a resource from being added.

    Changes that come before this one may free what other devices have: those are left aside.
    """
    if not change.in_definition:
        return
    resources = check_storage(session, change.system.name, (change.resource,))
    document = Definition(session, existing(session, change.system)).document
    for device in document.edited().findall("devices/*"):
        if device.tag != "controller":
            take_away(device)
    for resource in resources:
        document.add(resource)


def check_modify(session: Session, change: changes.ModifyResourceSettings) -> None:
    """Raise what keeps a resource from being changed."""
    if not change.differences:
        return
    allocations = Allocations(session, index_of(session), dry=True)
    change = with_seed(allocations, change)
    take_over(allocations, change)
    rest = values_to_write(session, change.before, change.differences)
    if "host_resource" in rest:
        _check_processors(session, (replace(change.before, host_resource=rest["host_resource"][1]),))
    document = Definition(session, existing(session, change.system)).document
    with contextlib.suppress(Conflict):  # somebody else is at it: told, or planned anew, when it is carried out
        document.modify(change.before, rest)


def _check_processors(session: Session, resources: Iterable[Rasd]) -> None:
    """Raise InvalidInput where virtual processors are bound to such as the host does not have."""
    sets = [
        text
        for rasd in resources
        for text in (rasd.host_resource or () if rasd.resource_type is ResourceType.PROCESSOR else ())
    ]
    if sets:
        count = host_processors(session)
        for text in sets:
            cpus_of(text, count)
