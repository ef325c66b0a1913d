# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pools and networks a plan draws from: they must exist, and be active where that is needed.

A host would tell it too, but only in the middle of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotFound, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes

_STORAGE = frozenset(
    {ResourceType.DISK_DRIVE, ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE}
)
_ACTIVATING = frozenset({RequestedState.ENABLED, RequestedState.QUIESCE})


@frozen
class PoolReference:
    """A pool that a change draws from."""

    resource_type: ResourceType
    """DISK_DRIVE for a storage pool, ETHERNET_ADAPTER for a network."""
    pool_id: str
    resource: str
    """Label of the resource that names it."""
    must_be_active: bool
    port_group: str | None = None
    """The port group of the network that it names."""


def pools_of(rasd: Rasd) -> list[tuple[ResourceType, str]]:
    """The pools one resource names: the storage pool of a drive, the networks of an adapter."""
    if rasd.resource_type in _STORAGE:
        return [(ResourceType.DISK_DRIVE, rasd.pool_id)] if rasd.pool_id else []
    if rasd.resource_type is ResourceType.ETHERNET_ADAPTER:
        named = [target for target in rasd.connection or () if target and ":" not in target]
        if rasd.pool_id and not rasd.connection:
            named.append(rasd.pool_id)
        return [(ResourceType.ETHERNET_ADAPTER, name) for name in named]
    return []


def references(plan: Iterable[changes.Change]) -> list[PoolReference]:
    """The pools that the changes of ``plan`` draw from."""
    everything = tuple(plan)
    starts = any(
        isinstance(change, changes.RequestStateChange) and change.requested_state in _ACTIVATING
        for change in everything
    )
    found: dict[tuple[ResourceType, str, str | None], PoolReference] = {}
    for change in everything:
        for rasd in _drawing(change):
            group = rasd.settings.get("port_group") or None
            for resource_type, pool_id in pools_of(rasd):
                # A volume is made or found at once; a network is needed when the adapter is plugged.
                needed = resource_type is ResourceType.DISK_DRIVE or change.live or starts
                known = found.get((resource_type, pool_id, group))
                found[(resource_type, pool_id, group)] = PoolReference(
                    resource_type, pool_id, rasd.label, needed or (known is not None and known.must_be_active), group
                )
    return list(found.values())


def _drawing(change: changes.Change) -> tuple[Rasd, ...]:
    if isinstance(change, changes.DefineSystem):
        return change.configuration.resources
    if isinstance(change, changes.AddResourceSettings):
        return (change.resource,)
    if isinstance(change, changes.ModifyResourceSettings):
        named = {**change.live_differences, **change.differences}
        before = change.before
        after = {name: named[name][1] for name in ("pool_id", "connection") if name in named}
        settings = {"port_group": named["settings.port_group"][1]} if "settings.port_group" in named else {}
        if settings and not after:
            after = {"pool_id": before.pool_id, "connection": before.connection}
        if after:
            return (Rasd(before.resource_type, name=before.name, settings=settings, **after),)
    return ()


def unmet_references(
    plan: Iterable[changes.Change],
    find: Callable[[ResourceType, str], ResourcePool | None],
    known: Callable[[ResourceType], Iterable[str]],
) -> Iterator[VirtError]:
    """NotFound for each pool that does not exist, Conflict for each that would have to be active and is not.

    ``find`` reads one pool, ``known`` lists the ids of all pools of a type, for the message.
    """
    for reference in references(plan):
        pool = find(reference.resource_type, reference.pool_id)
        kind = _KINDS[reference.resource_type]
        if pool is None:
            names = sorted(known(reference.resource_type))
            yield NotFound(
                f"{reference.resource}: there is no {kind} {reference.pool_id!r}; there are {', '.join(names) or 'none'}",
                allowed=names,
            )
        elif reference.port_group and reference.port_group not in (groups := _port_groups(pool)):
            yield NotFound(
                f"{reference.resource}: {kind} {reference.pool_id!r} has no port group {reference.port_group!r}; there "
                f"are {', '.join(groups) or 'none'}",
                allowed=groups,
            )
        elif reference.must_be_active and pool.active is False:
            yield Conflict(
                f"{reference.resource}: {kind} {reference.pool_id!r} is not active: declare it with state: active first"
            )


def _port_groups(pool: ResourcePool) -> list[str]:
    return sorted(str(group["name"]) for group in pool.settings.get("port_groups") or () if group.get("name"))


_KINDS: Mapping[ResourceType, str] = {
    ResourceType.DISK_DRIVE: "storage pool",
    ResourceType.ETHERNET_ADAPTER: "network",
}
