# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a volume that exists is like: read when a disk is judged, and used for a short time after that."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.disk_places import places_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import asked
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    is_connection_loss,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import StorageIndex
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse


class VolumeFacts(NamedTuple):
    """A volume as libvirt describes it."""

    path: str
    """As libvirt writes it."""
    format: str | None
    """Its image format; None where libvirt tells none."""
    capacity: int
    """Bytes."""
    is_file: bool


def facts_of(volume: libvirt.virStorageVol, label: str) -> VolumeFacts:
    """What is known of a volume for the disk ``label``."""
    with talking(f"read volume {volume.name()!r} for {label}"):
        return _facts(volume)


def _facts(volume: libvirt.virStorageVol) -> VolumeFacts:
    document = parse(volume.XMLDesc(0), f"volume {volume.name()!r}")
    found = document.find("target/format")
    return VolumeFacts(
        path=document.findtext("target/path") or str(volume.path()),
        format=None if found is None else found.get("type", "raw"),
        capacity=int(document.findtext("capacity") or 0),
        is_file=document.get("type") == "file",
    )


def read_for_new(session: Session, new: Collection[changes.DefineSystem]) -> None:
    """Look at what exists of the storage of several new systems at once, for whoever judges them next."""
    if session.shared is None:
        return
    paths = {path for change in new for path in places_of(session, change.system.name, change.configuration.resources)}
    if len(paths) > 1:
        session.shared.know_volumes(_read_together(session.shared.index, paths))


def _read_together(index: StorageIndex, paths: Collection[str]) -> dict[str, VolumeFacts]:
    """The facts of those volumes of pools of files that exist, by path.

    What cannot be read is left out: whoever needs it asks for it, and is told why.
    """
    wanted = []
    for path in sorted(paths):
        place = index.place_of(path)
        if place is not None and place.holds_files and index.is_active(place):
            with contextlib.suppress(VirtError):
                wanted.append((path, index.open_pool(place.pool, "read its volumes")[0]))

    def ask(group: Sequence[tuple[str, libvirt.virStoragePool]]) -> list[tuple[str, VolumeFacts | None]]:
        return [(path, _found(pool, posixpath.basename(path))) for path, pool in group]

    with asked(wanted, ask, "read the volumes of the storage pools") as answers:
        return {path: facts for path, facts in answers if facts is not None}


def _found(pool: libvirt.virStoragePool, name: str) -> VolumeFacts | None:
    try:
        return _facts(pool.storageVolLookupByName(name))
    except HostFailed:
        return None
    except libvirt.libvirtError as error:
        if is_connection_loss(error):
            raise
        return None
