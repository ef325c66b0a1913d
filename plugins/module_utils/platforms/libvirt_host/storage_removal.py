# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which storage belongs to a system alone, and giving it back.

Data is lost here, so every doubt keeps it: only what one system writes to and nobody else can need is given back.
"""

from __future__ import annotations

import errno
import os
import posixpath
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    NotSupported,
    RestartNeeded,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import ReturnToStoragePool
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import lookup
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage import MEDIA
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    StorageIndex,
    find_volume,
    index_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import (
    backing_of,
    only_running,
    users,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import (
    delete_volume,
    open_volume,
)


def storage_of(session: Session, system: VirtualSystem) -> list[StorageElement]:
    """The storage behind every disk and medium of ``system``, and the files of its snapshots, each with the reason
    to keep it, if there is one."""
    index = index_of(session)
    drives = _drives(system)
    places = {path: index.volume_of(path) for path in drives if path.startswith("/")}
    builders = _builders(session, index, {found[0] for found in places.values() if found})
    files = _snapshot_files(session, system)
    own = {*drives, *files.made, *_chain_of(drives, builders, files.based_on)}
    used = users(session, index)
    elements = []
    for path in [*drives, *sorted(own - set(drives))]:
        rasd = drives.get(path)
        place = index.volume_of(path) if path.startswith("/") else None
        others = sorted(used.of(path) - {system.name})
        builds = sorted(builders.get(path, set()) - own)
        elements.append(
            StorageElement(
                host_resource=path,
                pool_id=place[0] if place else None,
                volume=place[1] if place else None,
                resource=rasd.label if rasd else f"snapshot {files.snapshot(path)!r}",
                kept_because=_reason(rasd, path, place is not None, others, builds),
            )
        )
    return _tops_first(elements, builders)


def _builders(session: Session, index: StorageIndex, pools: set[str]) -> dict[str, set[str]]:
    """What builds on each path; ``pools`` look again at what they hold."""
    return session.shared.builders(pools) if session.shared is not None else backing_of(session, index, pools)


def _tops_first(elements: list[StorageElement], builders: dict[str, set[str]]) -> list[StorageElement]:
    """In the order in which they can be removed: what builds on another comes before that."""
    left = list(elements)
    found: list[StorageElement] = []
    while left:
        paths = {element.host_resource for element in left}
        free = [element for element in left if not builders.get(element.host_resource, set()) & paths] or left
        found += free
        left = [element for element in left if element not in free]
    return found


def _drives(system: VirtualSystem) -> dict[str, Rasd]:
    """The resources with storage behind them, by normal path; the definition's before the running system's."""
    found: dict[str, Rasd] = {}
    for configuration in (system.defined, system.running):
        for rasd in configuration.resources if configuration else ():
            if rasd.resource_type is ResourceType.DISK_DRIVE or rasd.resource_type in MEDIA:
                for path in rasd.host_resource or ():
                    found.setdefault(posixpath.normpath(path) if path.startswith("/") else path, rasd)
    return found


def _reason(rasd: Rasd | None, path: str, in_pool: bool, others: list[str], builds: list[str]) -> str | None:
    """Why storage has to stay, in words; None when it may go."""
    if rasd is not None and rasd.resource_type in MEDIA:
        return "medium"
    if rasd is not None and rasd.settings.get("access") == "readable":
        return "read-only"
    if rasd is not None and rasd.settings.get("shareable"):
        return "shareable"
    if others:
        return "used by virtual system " + ", ".join(repr(name) for name in others)
    if builds:
        return "backing of " + ", ".join(repr(name) for name in builds)
    if not in_pool and not path.startswith("/"):
        return "on the network, outside every storage pool"
    if not in_pool and path.startswith("/dev/"):
        return "a device outside every storage pool"
    return None


@dataclass
class _SnapshotFiles:
    """What the snapshots of a system have to do with files."""

    made: dict[str, str] = field(default_factory=dict)
    """Files that were made by a snapshot (overlays, memory), each with its name."""
    based_on: dict[str, str] = field(default_factory=dict)
    """Disks as they were at a snapshot, each with its name."""

    def snapshot(self, path: str) -> str:
        """The snapshot that explains a path."""
        return self.made.get(path) or self.based_on.get(path, "")


def _snapshot_files(session: Session, system: VirtualSystem) -> _SnapshotFiles:
    found = _SnapshotFiles()
    domain = lookup(session, system.name, system.uuid) if system.snapshots else None
    if domain is None:
        return found
    with talking(f"read the snapshots of virtual system {system.name!r}"):
        texts = [snapshot.getXMLDesc(0) for snapshot in domain.listAllSnapshots(0)]
    for text in texts:
        document = ElementTree.fromstring(text)
        name = document.findtext("name") or ""
        for part in document.findall("disks/disk[@snapshot='external']/source"):
            if part.get("file"):
                found.made[posixpath.normpath(part.get("file", ""))] = name
        memory = document.find("memory[@snapshot='external']")
        if memory is not None and memory.get("file"):
            found.made[posixpath.normpath(memory.get("file", ""))] = name
        for disk in document.findall("domain/devices/disk"):
            source = disk.find("source")
            plain = disk.get("device", "disk") == "disk" and disk.find("readonly") is None
            if plain and disk.find("shareable") is None and source is not None and source.get("file"):
                found.based_on.setdefault(posixpath.normpath(source.get("file", "")), name)
    return found


def _chain_of(drives: dict[str, Rasd], builders: dict[str, set[str]], based_on: dict[str, str]) -> set[str]:
    """The files below the disks that were the disks themselves before a snapshot was taken."""
    below = {top: base for base, tops in builders.items() for top in tops}
    found = set()
    for path in drives:
        while path in below:
            path = below[path]
            if path not in based_on or path in found:
                break
            found.add(path)
    return found


def return_to_storage_pool(session: Session, change: ReturnToStoragePool) -> None:
    """Delete a volume or file for good.  One that has gone already is no error.

    Raises Conflict when something uses it by now, RestartNeeded when that is only a guest that has not released the
    device, NotSupported when libvirt cannot reach it.
    """
    element = change.element
    path = posixpath.normpath(element.host_resource)
    index = index_of(session)
    used = sorted(users(session, index, strangers=True).of(path))
    if used and all(only_running(session, index, name, path) for name in used):
        raise RestartNeeded(
            f"Cannot delete {path}: the guest of virtual system {used[0]!r} has not released {element.resource}, which "
            "its definition has no longer; the storage stays, and can be deleted after a restart"
        )
    if used:
        raise Conflict(f"Cannot delete {path}: it is used by virtual system {used[0]!r}")
    place = index.volume_of(path)
    builds = sorted(_builders(session, index, {place[0]} if place else set()).get(path, set()))
    if builds:
        raise Conflict(f"Cannot delete {path}: {builds[0]!r} builds on it")
    if element.pool_id and element.volume:
        pool, _place = index.open_pool(element.pool_id, f"delete volume {element.volume!r}")
        volume = find_volume(pool, element.volume)
    else:
        volume = open_volume(session, index, path)
        if volume is None:
            _delete_file(session, path)
            return
    if volume is not None:
        delete_volume(volume)
    if session.shared is not None:
        session.shared.deleted(path)


def _delete_file(session: Session, path: str) -> None:
    """Delete a file outside every pool: through a pool of its folder that lasts as long as that takes."""
    folder, name = posixpath.split(path)
    if not path.startswith("/") or path.startswith("/dev/"):
        raise NotSupported(f"Cannot delete {path}: libvirt deletes only files and the volumes of its storage pools")
    document = ElementTree.Element("pool", type="dir")
    ElementTree.SubElement(document, "name").text = f"svpc-{uuid.uuid4()}"
    ElementTree.SubElement(ElementTree.SubElement(document, "target"), "path").text = folder
    try:
        with talking(f"reach {path} through its folder", patient=True):
            pool = session.connection.storagePoolCreateXML(ElementTree.tostring(document, encoding="unicode"), 0)
    except VirtError as error:
        if os.strerror(errno.ENOENT) in error.message:
            return  # no folder, no file
        raise NotSupported(
            f"Cannot delete {path}: it lies outside every storage pool, and its folder cannot be one for the moment: "
            f"{error.message}"
        ) from error
    try:
        volume = find_volume(pool, name, fresh=False)
        if volume is not None:
            delete_volume(volume)
    finally:
        _end_pool(pool, folder)


def _end_pool(pool: libvirt.virStoragePool, folder: str) -> None:
    with talking(f"let go of the folder {folder}"):
        pool.destroy()
