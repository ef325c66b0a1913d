# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that somebody has begun to fill: waited for while they get fuller, and otherwise what an interrupted task left.

Such a volume begins with a mark, or with nothing; see :func:`volume_streams.fill`.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
import uuid

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import delete_volume
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_streams import (
    FIRST,
    UNDER_WAY,
    read_part,
)

FILLS_WITHIN = 5.0
"""Seconds in which a volume that somebody is filling becomes fuller."""


def is_under_way(begins: bytes) -> bool:
    """Whether a volume that begins so was begun to be filled, and not finished."""
    return begins.startswith(UNDER_WAY)


def is_begun(session: Session, volume: libvirt.virStorageVol) -> bool:
    """Whether a volume has the mark of one that is not finished, by whoever is at it or was interrupted."""
    return is_under_way(read_part(session, volume, 0, len(UNDER_WAY)))


def was_interrupted(session: Session, volume: libvirt.virStorageVol) -> bool:
    """Whether a volume has that mark and nobody is at it; while somebody is, it is waited for."""
    seen = -1
    while is_begun(session, volume):
        filled = _filled(volume)
        if filled == seen:
            return True
        seen = filled
        time.sleep(FILLS_WITHIN)
    return False


def is_complete(session: Session, volume: libvirt.virStorageVol, first: bytes, words: str) -> bool:
    """Whether a volume holds all it is to hold, which it does when it begins with ``first``: that is written last.

    One that is being filled by somebody else is waited for; False is one that was interrupted.  Raises Conflict when it
    holds something else.
    """
    seen = -1
    while True:
        begins = read_part(session, volume, 0, FIRST)
        if begins[: len(first)] == first:
            return True
        if any(begins[: len(first)]) and not is_under_way(begins):
            raise Conflict(f"Volume {volume.name()!r} exists and does not hold the {words}: remove it")
        filled = _filled(volume)
        if filled == seen:
            return False
        seen = filled
        time.sleep(FILLS_WITHIN)


def _filled(volume: libvirt.virStorageVol) -> int:
    with talking(f"read volume {volume.name()!r}"):
        return int(volume.info()[2])


def passing_name(name: str, image_format: str) -> str:
    """A name for what is there only while the volume ``name`` is made."""
    return f"{_passing(name)}{uuid.uuid4()}.{image_format}"


def _passing(name: str) -> str:
    return f"svpc-{hashlib.sha256(name.encode()).hexdigest()[:16]}-"


def clear_passing(pool: libvirt.virStoragePool, name: str) -> None:
    """Delete what was to be there only while the volume ``name`` was made, unless somebody is at it."""
    with talking(f"list the volumes of storage pool {pool.name()!r}"):
        names = [other for other in pool.listVolumes() if other.startswith(_passing(name))]
    if not names:
        return
    before = {left: _fullness(pool, left) for left in names}
    time.sleep(FILLS_WITHIN)
    for left, filled in before.items():
        if filled is not None and _fullness(pool, left) == filled:
            with contextlib.suppress(VirtError, libvirt.libvirtError):  # the host makes something of it just now
                delete_volume(pool.storageVolLookupByName(left))


def _fullness(pool: libvirt.virStoragePool, name: str) -> int | None:
    """How many bytes a volume takes; None when it has gone meanwhile."""
    try:
        return int(pool.storageVolLookupByName(name).info()[2])
    except libvirt.libvirtError:
        return None
