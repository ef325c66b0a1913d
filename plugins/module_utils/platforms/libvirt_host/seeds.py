# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media with seeds of guests, as volumes: making them, and finding those that a system has left behind."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.model.seed import (
    SEED_DRIVE,
    Seed,
    is_seed_volume,
    mark_of_volume,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.seed import seeds_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    StorageIndex,
    find_volume,
    index_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import users
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.unfinished import is_complete
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import (
    NewVolume,
    Remember,
    create,
    delete_volume,
    volume_xml,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_streams import fill, read_part


def provide(session: Session, wanted: NewVolume, seed: Seed, remember: Remember) -> None:
    """Make the volume with the medium of a seed, unless it is there and complete.

    What is made is told to ``remember`` before anything can fail.
    """
    words = f"seed of {wanted.label}"
    known = find_volume(wanted.pool, wanted.name)
    if known is not None:
        if is_complete(session, known, seed.mark, words):
            return
        delete_volume(known)
    content = session.image_files().medium(seed)
    wanted = replace(wanted, capacity=len(content))
    volume = create(wanted, volume_xml(wanted.name, len(content), "raw", wanted.place.holds_files), remember)
    fill(session, volume, [content], len(content), words)


def left_seeds(session: Session, system: VirtualSystem) -> list[StorageElement]:
    """See :class:`interface.Platform`.  They are looked for in the storage pools that the system draws from."""
    index = index_of(session)
    configurations = [each for each in (system.defined, system.running) if each is not None]
    pools = sorted({rasd.pool_id for each in configurations for rasd in each.resources if rasd.pool_id})
    places = [index.places()[name] for name in pools if name in index.places()]
    in_drives = {element.host_resource for element in seeds_of(system)}
    found = [
        StorageElement(posixpath.join(place.folder, name), place.pool, name, resource=SEED_DRIVE)
        for place in places
        if place.is_folder and index.is_active(place)
        for name in index.volumes(place)
        if is_seed_volume(system.name, name)
    ]
    found = [element for element in found if element.host_resource not in in_drives]
    if not found:
        return []
    used = users(session, index)
    left = []
    for element in found:
        by = used.of(element.host_resource)
        if by <= {system.name} and _holds_its_seed(session, index, element):
            left.append(replace(element, kept_because=f"a snapshot of {system.name!r} has it" if by else None))
    return left


def _holds_its_seed(session: Session, index: StorageIndex, element: StorageElement) -> bool:
    """Whether a volume holds the seed that its name tells, so that nobody but this collection has made it."""
    pool, _place = index.open_pool(element.pool_id or "", "look for seeds")
    mark = mark_of_volume(element.volume or "")
    volume = find_volume(pool, element.volume or "", fresh=False)
    return volume is not None and read_part(session, volume, 0, len(mark)) == mark
