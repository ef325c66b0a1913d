# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of the modules that read: host_info, virtual_system_info, resource_pool_info, snapshot_info."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.allocations import allocations
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import ORDER, Platform
from ansible_collections.svpc.virt.plugins.module_utils.task import host, results, shown_changes
from ansible_collections.svpc.virt.plugins.module_utils.task.addresses import WITHIN, Addresses, addresses_of_all
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import existing_system


def host_info(task: Task) -> dict[str, Any]:
    """Everything about managing the host."""
    with task.platform() as platform:
        return {"changed": False, "host": host.host(platform)}


def virtual_system_info(task: Task) -> dict[str, Any]:
    """The virtual systems that fit the selectors."""
    params = task.params
    with task.platform() as platform:
        found = [
            system
            for system in _systems(platform, params.get("name"))
            if _fits(system.name, params.get("name"))
            and _fits(system.uuid, params.get("uuid"))
            and (not params.get("state") or str(system.state) in params["state"])
        ]
        known: dict[str, Addresses] | None = None
        if params.get("addresses"):
            known = known_addresses(platform, found, ORDER, WITHIN, task.warn)
        return {"changed": False, "virtual_systems": shown_systems(found, known, results.each_once())}


def shown_systems(
    systems: Iterable[VirtualSystem],
    addresses: Mapping[str, Addresses] | None = None,
    render: Callable[[Rasd], results.Shown] = results.resource,
) -> list[results.Shown]:
    """Virtual systems as they are recorded and running; with their ``addresses`` (by name) where these are given."""
    shown = []
    for system in systems:
        entry = results.virtual_system(system, running=True, render=render) or {}
        entry["pending"] = shown_changes.pending(system)
        if addresses is not None:
            entry["addresses"] = addresses.get(system.name, {})
        shown.append(entry)
    return shown


def known_addresses(
    platform: Platform,
    systems: Iterable[VirtualSystem],
    sources: Sequence[str],
    within: float,
    warn: Callable[[str], None],
) -> dict[str, Addresses]:
    """The addresses of those systems that run and tell them, by name; ``warn`` is told why others are not known."""
    running = [system for system in systems if system.state in INSTANTIATED]
    try:
        found, failed = addresses_of_all(platform, running, sources, within)
    except VirtError as error:
        warn(f"The addresses of the virtual systems are not known: {error.message}")
        return {}
    for name, failure in failed.items():
        warn(f"The addresses of virtual system {name!r} are not known: {failure.message}")
    return found


def _systems(platform: Platform, names: Sequence[str] | None) -> Iterable[VirtualSystem]:
    """All systems, or, where exact names are given, those alone."""
    if names and not any(_is_pattern(name) for name in names):
        found = (platform.virtual_system(name) for name in dict.fromkeys(names))
        return [system for system in found if system is not None]
    return platform.virtual_systems()


def _is_pattern(text: str) -> bool:
    return any(character in text for character in "*?[")


def _fits(text: str | None, patterns: Sequence[str] | None) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(text or "", str(pattern)) for pattern in patterns)


def resource_pool_info(task: Task) -> dict[str, Any]:
    """The resource pools that fit the selectors."""
    params = task.params
    types = {ResourceType.from_word(word) for word in params.get("resource_type") or ()}
    members = params.get("members") is not False
    with task.platform() as platform:
        pools = platform.resource_pools(members)
        found = [
            pool
            for pool in pools
            if _fits(pool.pool_id, params.get("pool_id")) and (not types or pool.resource_type in types)
        ]
        shown = [results.resource_pool(pool) or {} for pool in found]
        if params.get("allocations"):
            drawn = allocations(pools, platform.virtual_systems())
            for entry, pool in zip(shown, found):
                entry["allocations"] = [results.allocation(each) for each in drawn[pool.resource_type, pool.pool_id]]
    return {"changed": False, "resource_pools": shown}


def snapshot_info(task: Task) -> dict[str, Any]:
    """The snapshots of a virtual system that fit the selectors."""
    with task.platform() as platform:
        system, is_there = existing_system(
            task, platform, str(task.params.get("virtual_system")), where="virtual_system"
        )
        family = platform.snapshots(SystemRef(system.name, system.uuid)) if is_there else []
    shown = [results.snapshot(snapshot, family) for snapshot in family if _fits(snapshot.name, task.params.get("name"))]
    return {"changed": False, "snapshots": shown}
