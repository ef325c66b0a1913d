# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which storage pool a path belongs to.

Most pools have all their volumes directly under one folder, so that the folder of a path tells its pool without a
call; that holds for a file libvirt has not looked at since it was made, and for a pool that is not active.
"""

from __future__ import annotations

import posixpath
import threading
import time
from typing import NamedTuple

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotFound
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import by_name
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse

FILE_POOLS = frozenset({"dir", "fs", "netfs", "vstorage"})
"""Kinds of pools whose volumes are image files."""
_FOLDER_POOLS = FILE_POOLS | {"logical", "zfs"}
_DEVICES = "/dev/"
_BUSY = "asynchronous jobs running"
"""What libvirt says of a pool in which a volume is being made."""
_BUSY_FOR = 60.0
"""Seconds to wait for that."""
_NAP = 0.05


class Place(NamedTuple):
    """A storage pool and the folder under which its volumes appear."""

    pool: str
    kind: str
    folder: str

    @property
    def holds_files(self) -> bool:
        """Whether volumes are image files, which have formats and grow as they are written."""
        return self.kind in FILE_POOLS

    @property
    def is_folder(self) -> bool:
        """Whether all volumes lie directly under the folder, by their names."""
        return self.kind in _FOLDER_POOLS


class StorageIndex:
    """The storage pools of a host as they are during one reading or one verb; any thread may ask."""

    def __init__(self, session: Session) -> None:
        """Read nothing yet."""
        self.session = session
        self._lock = threading.RLock()
        self._places: dict[str, Place] | None = None
        self._active: frozenset[str] | None = None
        self._devices: dict[str, tuple[str, str]] | None = None
        self._volumes: dict[str, list[str]] = {}
        self._opened: dict[str, tuple[libvirt.virConnect, libvirt.virStoragePool, Place]] = {}

    def places(self) -> dict[str, Place]:
        """All pools by name."""
        if self._places is None:
            with self._lock:
                if self._places is None:  # nor has another thread read them meanwhile
                    self._places = self._read_places()
        return self._places

    def _read_places(self) -> dict[str, Place]:
        with talking("list the storage pools"):
            pools = by_name(self.session.connection.listAllStoragePools(0))
        places = [_place(pool) for pool in pools]
        return {place.pool: place for place in places if place is not None}

    def is_active(self, place: Place) -> bool:
        """Whether a pool is active; to read what there is nobody needs to know."""
        if self._active is None:
            with self._lock:
                if self._active is None:
                    self._active = self._read_active()
        return place.pool in self._active

    def _read_active(self) -> frozenset[str]:
        wanted = flag("VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE")
        with talking("list the storage pools"):
            return frozenset(str(pool.name()) for pool in self.session.connection.listAllStoragePools(wanted))

    def place_of(self, path: str) -> Place | None:
        """The pool whose folder holds ``path``."""
        folder = posixpath.dirname(posixpath.normpath(path))
        for place in self.places().values():
            if place.is_folder and place.folder == folder:
                return place
        return None

    def volume_of(self, path: str) -> tuple[str, str] | None:
        """The names of the pool and the volume behind ``path``, or None when it lies outside every pool."""
        place = self.place_of(path)
        if place is not None:
            return place.pool, posixpath.basename(posixpath.normpath(path))
        if path.startswith(_DEVICES):
            return self._device_volumes().get(posixpath.normpath(path))
        return None

    def volumes(self, place: Place) -> list[str]:
        """The names of the volumes that libvirt knows of an active pool."""
        if place.pool not in self._volumes:
            with talking(f"list the volumes of storage pool {place.pool!r}"):
                pool = self.session.connection.storagePoolLookupByName(place.pool)
                self._volumes[place.pool] = sorted(pool.listVolumes())
        return self._volumes[place.pool]

    def _device_volumes(self) -> dict[str, tuple[str, str]]:
        """The volumes of pools of whole devices (disk, iscsi, scsi, mpath), by path."""
        if self._devices is None:
            found = {}
            for place in self.places().values():
                if place.is_folder or not place.folder.startswith(_DEVICES) or not self.is_active(place):
                    continue
                with talking(f"list the volumes of storage pool {place.pool!r}"):
                    pool = self.session.connection.storagePoolLookupByName(place.pool)
                    for volume in pool.listAllVolumes(0):
                        found[posixpath.normpath(volume.path())] = (place.pool, volume.name())
            self._devices = found
        return self._devices

    def open_pool(self, name: str, purpose: str) -> tuple[libvirt.virStoragePool, Place]:
        """An active pool to work in.  Raises NotFound, or Conflict when it is not active, both naming ``purpose``."""
        with self._lock:
            known = self._opened.get(name)
            if known is None or known[0] is not self.session.connection:
                known = self._opened[name] = (self.session.connection, *self._open_pool(name, purpose))
            return known[1], known[2]

    def _open_pool(self, name: str, purpose: str) -> tuple[libvirt.virStoragePool, Place]:
        with talking(f"look up storage pool {name!r}"):
            try:
                pool = self.session.connection.storagePoolLookupByName(name)
            except libvirt.libvirtError as error:
                if not is_code(error, "VIR_ERR_NO_STORAGE_POOL"):
                    raise
                known = ", ".join(sorted(self.places())) or "none"
                raise NotFound(f"Cannot {purpose}: there is no storage pool {name!r}; there are {known}") from error
        place = _place(pool)
        if place is None:
            raise NotFound(f"Cannot {purpose}: storage pool {name!r} has just been removed")
        with talking(f"read storage pool {name!r}"):
            if not pool.isActive():
                raise Conflict(f"Cannot {purpose}: storage pool {name!r} is not active; activate it first")
        return pool, place


def _place(pool: libvirt.virStoragePool) -> Place | None:
    """What a pool says of itself; None when it has vanished."""
    with talking(f"read storage pool {pool.name()!r}"):
        try:
            document = parse(pool.XMLDesc(0), "a storage pool")
        except libvirt.libvirtError as error:
            if is_code(error, "VIR_ERR_NO_STORAGE_POOL"):
                return None
            raise
    folder = document.findtext("target/path") or ""
    return Place(
        pool=document.findtext("name") or "",
        kind=document.get("type") or "",
        folder=posixpath.normpath(folder) if folder else "",
    )


def find_volume(pool: libvirt.virStoragePool, name: str, fresh: bool = True) -> libvirt.virStorageVol | None:
    """A volume by name, or None.  With ``fresh``, the pool looks again at what it holds before none is believed."""
    with talking(f"look up volume {name!r}"):
        try:
            return pool.storageVolLookupByName(name)
        except libvirt.libvirtError as error:
            if not is_code(error, "VIR_ERR_NO_STORAGE_VOL"):
                raise
    if not fresh:
        return None
    with talking(f"refresh storage pool {pool.name()!r}", patient=True):
        look_again(pool)
    return find_volume(pool, name, fresh=False)


def look_again(pool: libvirt.virStoragePool) -> None:
    """Let a pool look again at what it holds, inside :func:`talking`.

    libvirt refuses that while a volume is being made in the pool, be it by another thread or by somebody else.
    """
    deadline = time.monotonic() + _BUSY_FOR
    while True:
        try:
            pool.refresh(0)
        except libvirt.libvirtError as error:
            if _BUSY not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_NAP)
        else:
            return


def index_of(session: Session) -> StorageIndex:
    """The storage pools as they are now, or as they were when changes began that are made together."""
    return session.shared.index if session.shared is not None else StorageIndex(session)
