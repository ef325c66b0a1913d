# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses a piece of storage: virtual systems with their backing chains and snapshots, and volumes that build on it."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Container, Iterator, Mapping
from types import MappingProxyType
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import asked, document, listed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import lookup
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    StorageIndex,
    look_again,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import Element, parse

_GONE = ("VIR_ERR_NO_DOMAIN", "VIR_ERR_NO_DOMAIN_SNAPSHOT")


def sources(document: Element, index: StorageIndex) -> Iterator[str]:
    """Every path that the disks of a domain document name, backing chains and volumes of pools included."""
    for disk in document.iter("disk"):
        for source in disk.iter("source"):
            if source.get("pool") and source.get("volume"):
                place = index.places().get(source.get("pool", ""))
                if place is not None:
                    yield posixpath.join(place.folder, source.get("volume", ""))
            path = source.get("file") or source.get("dev") or source.get("dir") or source.get("name")
            if path:
                yield posixpath.normpath(path)


class Usage:
    """Which virtual systems use which storage, by system and by path."""

    def __init__(self, by_system: Mapping[str, Collection[str]]) -> None:
        """The paths that each system uses, by its name."""
        self._by_system: dict[str, frozenset[str]] = {}
        self._by_path: dict[str, frozenset[str]] = {}
        for name, paths in by_system.items():
            self.put(name, paths)

    @property
    def systems(self) -> frozenset[str]:
        """The names of the systems that are known."""
        return frozenset(self._by_system)

    def of(self, path: str) -> frozenset[str]:
        """The names of the systems that use a path."""
        return self._by_path.get(path, frozenset())

    def paths(self, name: str) -> frozenset[str]:
        """The paths that a system uses."""
        return self._by_system.get(name, frozenset())

    def put(self, name: str, paths: Collection[str]) -> None:
        """Record the paths that a system uses instead of those that it was known to use."""
        before, now = self._by_system.get(name, frozenset()), frozenset(paths)
        self._by_system[name] = now
        for path in before - now:
            self._by_path[path] -= {name}
        for path in now - before:
            self._by_path[path] = self.of(path) | {name}


def users(session: Session, index: StorageIndex, strangers: bool = False) -> Usage:
    """Which systems use which paths, now or after their next activation, or in a snapshot.

    While changes are made together, that is what was read for all of them; see :meth:`shared.Shared.users`.
    """
    if session.shared is not None:
        return session.shared.users(strangers)
    return Usage(users_by_system(session, index))


def users_by_system(
    session: Session, index: StorageIndex, known: Mapping[str, Collection[str]] = MappingProxyType({})
) -> dict[str, Collection[str]]:
    """The paths that each system uses, by its name; read all at a time, but for those that are ``known``."""
    found: dict[str, Collection[str]] = {}
    with talking("list the virtual systems"):
        everything = session.connection.listAllDomains(0)
    domains = []
    for domain in everything:
        name = domain.name()
        if name in known:
            found[name] = known[name]
        else:
            domains.append(domain)
    if not domains:
        return found
    inactive = flag("VIR_DOMAIN_XML_INACTIVE")
    with asked(domains, lambda group: [document(domain, inactive) for domain in group]) as definitions:
        active = listed(session, "VIR_CONNECT_LIST_DOMAINS_ACTIVE")
        saved = listed(session, "VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE")
        with_snapshots = listed(session, "VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT")
        for domain, definition in zip(domains, definitions):
            uuid = domain.UUIDString()
            busy, snapshots = uuid in active or uuid in saved, uuid in with_snapshots
            found[domain.name()] = _paths_of(domain, index, definition, busy, snapshots)
    return found


def only_running(session: Session, index: StorageIndex, name: str, path: str) -> bool:
    """Whether a system uses a path only until its next restart: not in its definition, nor in a snapshot."""
    domain = lookup(session, name)
    if domain is None:
        return False
    with talking(f"read virtual system {name!r}"):
        if not domain.isActive():
            return False
        definition = document(domain, flag("VIR_DOMAIN_XML_INACTIVE"))
    return path not in _paths_of(domain, index, definition, busy=False, snapshots=True)


def users_of(session: Session, index: StorageIndex, name: str) -> set[str]:
    """The paths that one system uses; none when it is not there."""
    domain = lookup(session, name)
    if domain is None:
        return set()
    with talking(f"read virtual system {name!r}"):
        definition = document(domain, flag("VIR_DOMAIN_XML_INACTIVE"))
    return _paths_of(domain, index, definition, busy=True, snapshots=True)


def _paths_of(
    domain: libvirt.virDomain, index: StorageIndex, definition: str | None, busy: bool, snapshots: bool
) -> set[str]:
    """The paths in the definition of a domain, if it is ``busy`` in what runs or is saved of it, and its snapshots."""
    name = domain.name()
    texts = [] if definition is None else [definition]
    if busy:
        texts += _other_documents(domain)
    paths = {path for text in texts for path in sources(parse(text, f"virtual system {name!r}"), index)}
    if snapshots:
        paths.update(snapshot_files(domain, index))
    return paths


def _other_documents(domain: libvirt.virDomain) -> list[str]:
    """What is running of a domain, or saved."""
    with talking(f"read virtual system {domain.name()!r}"):
        try:
            if domain.isActive():
                return [domain.XMLDesc(0)]
            return [domain.managedSaveGetXMLDesc(0)] if domain.hasManagedSaveImage() else []
        except libvirt.libvirtError as error:
            if is_code(error, *_GONE):
                return []
            raise


def snapshot_files(domain: libvirt.virDomain, index: StorageIndex) -> dict[str, str]:
    """The paths that the snapshots of a domain need, each with the name of one such snapshot."""
    found: dict[str, str] = {}
    with talking(f"read the snapshots of virtual system {domain.name()!r}"):
        try:
            texts = [snapshot.getXMLDesc(0) for snapshot in domain.listAllSnapshots(0)]
        except libvirt.libvirtError as error:
            if is_code(error, *_GONE, "VIR_ERR_NO_SUPPORT"):
                return found
            raise
    for text in texts:
        document = ElementTree.fromstring(text)
        name = document.findtext("name") or ""
        memory = document.find("memory")
        paths = set(sources(document, index))
        if memory is not None and memory.get("file"):
            paths.add(posixpath.normpath(memory.get("file", "")))
        for path in paths:
            found.setdefault(path, name)
    return found


def backing_of(session: Session, index: StorageIndex, refresh: Container[str] = ()) -> dict[str, set[str]]:
    """The paths of the volumes that build on each path, as far as active pools of image files know.

    The pools named in ``refresh`` look again at what they hold: files made by others (snapshots, copies) count as
    well.  Not all pools do: one whose folder has vanished would be deactivated by that.
    """
    found: dict[str, set[str]] = {}
    for place in index.places().values():
        if not place.holds_files or not index.is_active(place):
            continue
        with talking(f"list the volumes of storage pool {place.pool!r}", patient=True):
            try:
                pool = session.connection.storagePoolLookupByName(place.pool)
                if place.pool in refresh:
                    look_again(pool)
                volumes = pool.listAllVolumes(0)
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_STORAGE_POOL"):
                    continue
                raise
        for volume in volumes:
            with talking(f"read volume {volume.name()!r} of storage pool {place.pool!r}"):
                try:
                    document = ElementTree.fromstring(volume.XMLDesc(0))
                except libvirt.libvirtError as error:
                    if is_code(error, "VIR_ERR_NO_STORAGE_VOL"):
                        continue
                    raise
            backing = document.findtext("backingStore/path")
            path = document.findtext("target/path") or posixpath.join(place.folder, volume.name())
            if backing:
                base = posixpath.normpath(posixpath.join(posixpath.dirname(path), backing))
                found.setdefault(base, set()).add(posixpath.normpath(path))
    return found
