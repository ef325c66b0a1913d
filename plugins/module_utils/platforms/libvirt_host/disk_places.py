# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the storage of disks lies, or will lie when it is made, and how volumes are called."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import is_writable_disk
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    Place,
    StorageIndex,
    find_volume,
    index_of,
)


def places_of(session: Session, system: str, resources: Iterable[Rasd]) -> frozenset[str]:
    """Where the storage of disks lies, or will lie when it is made; see :class:`interface.Platform`."""
    disks = [
        rasd
        for rasd in resources
        if rasd.resource_type is ResourceType.DISK_DRIVE and (is_writable_disk(rasd) or rasd.settings.get("shareable"))
    ]
    if not disks:
        return frozenset()
    places = index_of(session).places()
    found = set()
    for rasd in disks:
        place = places.get(rasd.pool_id or "")
        path = rasd.host_resource[0] if rasd.host_resource else None
        if path is not None and (path.startswith("/") or place is None):
            found.add(posixpath.normpath(path))
        elif place is not None and (path or rasd.name):
            suffix = f".{format_of(rasd, place)}" if place.holds_files else ""
            found.add(posixpath.join(place.folder, path or volume_name(system, rasd.name or "") + suffix))
    return frozenset(found)


def volume_name(system: str, resource: str) -> str:
    """The name of a system's own volume, without the suffix that tells its format."""
    return f"{system}-{resource}".replace("/", "_")


def name_of_volume(
    system: str, rasd: Rasd, place: Place, image_format: str, path: str | None, taken: Container[str]
) -> str:
    """How the volume of a disk is called.  Raises InvalidInput for a path outside its pool."""
    if path is not None:
        folder, name = posixpath.split(posixpath.normpath(path))
        if folder and folder != place.folder:
            raise InvalidInput(
                f"{rasd.label} of virtual system {system!r}: {path} does not lie in storage pool {place.pool!r}, "
                f"whose volumes are in {place.folder}"
            )
        return name
    suffix = f".{image_format}" if place.holds_files else ""
    if rasd.name:
        return volume_name(system, rasd.name) + suffix
    number = 0
    while posixpath.join(place.folder, f"{volume_name(system, f'disk{number}')}{suffix}") in taken:
        number += 1
    return volume_name(system, f"disk{number}") + suffix


def format_of(rasd: Rasd, place: Place) -> str:
    """The format of a new volume."""
    return str(rasd.settings.get("format") or ("qcow2" if place.holds_files else "raw"))


def with_paths(index: StorageIndex, pool_id: str | None, places: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The storage behind a drive, with the names of volumes of a pool made into paths.  Raises NotFound."""
    if pool_id is None or not places or all("/" in place for place in places):
        return places
    pool, _place = index.open_pool(pool_id, f"use {', '.join(places)}")
    found = []
    for name in places:
        volume = None if "/" in name else find_volume(pool, name)
        if volume is None and "/" not in name:
            raise NotFound(f"There is no volume {name!r} in storage pool {pool_id!r}")
        with talking(f"read volume {name!r} of storage pool {pool_id!r}"):
            found.append(name if volume is None else str(volume.path()))
    return tuple(found)
