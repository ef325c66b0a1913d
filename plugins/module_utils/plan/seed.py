# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The medium with the seed of a guest: declared with the system, made anew for another content, gone with the system."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.image import ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import (
    SEED_DRIVE,
    Seed,
    is_seed_volume,
    seed_volume,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Change, ReturnToStoragePool

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities


def is_seed_drive(rasd: Rasd) -> bool:
    """Whether a resource is the drive with the seed."""
    return rasd.resource_type is ResourceType.CD_DRIVE and rasd.name == SEED_DRIVE


def seed_in(system: str, rasd: Rasd) -> StorageElement | None:
    """The storage of the seed of ``system`` in a drive, if that is what is in it: it was made for that system alone."""
    if not is_seed_drive(rasd) or not rasd.host_resource:
        return None
    path = rasd.host_resource[0]
    name = posixpath.basename(path)
    if not is_seed_volume(system, name):
        return None
    return StorageElement(path, rasd.pool_id, name if rasd.pool_id else None, rasd.label)


def with_seed_drive(
    resources: Sequence[Rasd],
    system: str,
    seed: Seed,
    pool_id: str | None,
    current: VirtualSystem | None,
    capabilities: Capabilities,
) -> tuple[Rasd, ...]:
    """The declared resources and the drive with the seed.

    Its pool is ``pool_id``, else that of the seed the system has, else that of its first disk in a pool.
    Raises InvalidInput when there is none, NotSupported when nothing can be put into a pool of the host.
    """
    if ImageMode.COPY not in capabilities.image_modes:
        raise NotSupported(
            "cloud_init is not supported by this host: its capabilities name no way to put content into a storage pool"
        )
    if any(is_seed_drive(rasd) for rasd in resources):
        raise InvalidInput(
            f"cloud_init: the name {SEED_DRIVE!r} is that of the drive it makes: name the other one otherwise"
        )
    existing = current.defined.resources if current is not None else ()
    pools = [
        pool_id,
        *(rasd.pool_id for rasd in existing if seed_in(system, rasd) is not None),
        *(rasd.pool_id for rasd in only((*resources, *existing), ResourceType.DISK_DRIVE)),
    ]
    pool = next(filter(None, pools), None)
    if pool is None:
        raise InvalidInput(
            "cloud_init: no disk of the system is in a storage pool: say in which one the seed is to be (pool_id)"
        )
    drive = Rasd(
        ResourceType.CD_DRIVE,
        name=SEED_DRIVE,
        pool_id=pool,
        host_resource=(seed_volume(system, seed),),
        seed=seed,
    )
    return (*resources, drive)


def seeds_of(system: VirtualSystem) -> list[StorageElement]:
    """The seeds in the drives of a system: those of its definition, and those it still runs with."""
    found: dict[str, StorageElement] = {}
    for configuration in (system.defined, system.running):
        for rasd in configuration.resources if configuration is not None else ():
            element = seed_in(system.name, rasd)
            if element is not None:
                found.setdefault(element.host_resource, element)
    return list(found.values())


def seed_goes(current: VirtualSystem | None, absent: bool, seed: Seed | None) -> bool:
    """Whether a declaration lets a seed go, so that it has to be known which others the system has left behind."""
    if current is None or absent:
        return current is not None
    return seed is not None and any(element.volume != seed_volume(current.name, seed) for element in seeds_of(current))


def outdated_seeds(
    before: VirtualSystem, after: VirtualSystem | None, left: Sequence[StorageElement] = ()
) -> list[Change]:
    """The return of the seeds that are in no drive any more; ``left`` are those that were in none before.

    Snapshots need the media that were in the drives when they were taken: with them, seeds stay until the system goes.
    """
    if after is None:
        return [ReturnToStoragePool(replace(element, kept_because=None)) for element in (*seeds_of(before), *left)]
    used = {element.volume or element.host_resource for element in seeds_of(after)}
    free = [*(seeds_of(before) if not before.snapshots else ()), *left]
    return [
        ReturnToStoragePool(element)
        for element in free
        if element.kept_because is None and (element.volume or element.host_resource) not in used
    ]
