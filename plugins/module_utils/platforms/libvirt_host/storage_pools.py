# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage pools of a libvirt host: read, made, changed, activated and forgotten.  What is in a pool is never touched."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InTheWay,
    InvalidInput,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import pool_xml
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import by_name
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import is_code, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.node import described
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse

PRIMORDIAL = "storage"
"""pool_id of the pool that stands for all storage of the host."""


@dataclass
class StoragePools:
    """The storage pools of one host."""

    session: Session

    def find(self, pool_id: str) -> Any:
        """libvirt's pool of that name, or None when there is none.  Any other failure raises."""
        with talking(f"look up storage pool {pool_id!r}"):
            try:
                return self.session.connection.storagePoolLookupByName(pool_id)
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_STORAGE_POOL"):
                    return None
                raise

    def all(self) -> list[Any]:
        """libvirt's pools, active or not."""
        with talking("list the storage pools"):
            return by_name(self.session.connection.listAllStoragePools(0))

    def one(self, pool_id: str, members: bool = True) -> ResourcePool | None:
        """The pool with figures that are true now, its members, parent and children; None when there is none."""
        handle = self.find(pool_id)
        if handle is None:
            return None
        self._refresh(handle, pool_id)
        pool = self._read(handle, members)
        others = [self._read(other, members=False) for other in self.all()]
        known = [pool if other and other.pool_id == pool_id else other for other in others]
        family = related([other for other in known if other is not None])
        return next((member for member in family if member.pool_id == pool_id), pool)

    def everything(self, members: bool) -> list[ResourcePool]:
        """All pools, with parents and children; a pool that goes away meanwhile is left out."""
        found = [self._read(handle, members) for handle in self.all()]
        return related([pool for pool in found if pool is not None])

    def _read(self, handle: Any, members: bool) -> ResourcePool | None:
        with talking("read a storage pool"):
            try:
                xml = described(handle, libvirt.VIR_STORAGE_XML_INACTIVE)
                pool = pool_xml.read_pool(xml, handle.info())
                automatic = bool(handle.autostart())
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_STORAGE_POOL"):
                    return None
                raise
        pool = replace(pool, automatic_startup=automatic)
        if not members or not pool.active:
            return pool
        volumes = tuple(self._volumes(handle, pool.pool_id))
        consumed = sum(volume["capacity"] for volume in volumes)
        return replace(pool, members=volumes, currently_consumed_resource=consumed)

    def _volumes(self, handle: Any, pool_id: str) -> Iterator[Mapping[str, Any]]:
        with talking(f"list the volumes of storage pool {pool_id!r}"):
            volumes = handle.listAllVolumes(0)
        for volume in sorted(volumes, key=lambda each: str(each.name())):
            with talking(f"read volume {volume.name()!r} of storage pool {pool_id!r}"):
                try:
                    xml = volume.XMLDesc(0)
                except libvirt.libvirtError as error:
                    if is_code(error, "VIR_ERR_NO_STORAGE_VOL"):
                        continue
                    raise
            yield read_volume(xml)

    def _refresh(self, handle: Any, pool_id: str) -> None:
        """Let libvirt look at the pool again.

        Pools that depend on another machine are left alone: libvirt deactivates a pool that it cannot look at, and a
        server that is away for a moment is no reason for that.
        """
        with talking(f"refresh storage pool {pool_id!r}"):
            xml = handle.XMLDesc(0)
            if not handle.isActive() or not pool_xml.kind_of(pool_xml.read_pool(xml)).local:
                return
            try:
                handle.refresh(0)
            except libvirt.libvirtError as error:
                # A volume is being made: the figures are those of a moment ago.
                if "asynchronous jobs" not in str(error) and not is_code(error, "VIR_ERR_OPERATION_INVALID"):
                    raise

    # Changes

    def check(self, pool: ResourcePool, differences: Mapping[str, changes.Difference] | None) -> None:
        """Raise what keeps a pool from being made, or from being changed by ``differences``."""
        if differences is None:
            if pool.parent in (None, PRIMORDIAL):
                self._check_source(pool_xml.read_pool(pool_xml.new_pool_xml(pool)))
            return
        recorded = {name: value for name, value in differences.items() if name != "automatic_startup"}
        if recorded:
            with talking(f"read storage pool {pool.pool_id!r}"):
                before = described(self._same(pool), libvirt.VIR_STORAGE_XML_INACTIVE)
            pool_xml.edit_pool_xml(before, recorded)

    def _check_source(self, pool: ResourcePool) -> None:
        """Raise Conflict where libvirt would: the source of ``pool`` is that of another one."""
        if not pool_xml.kind_of(pool).sole or not pool.host_resource:
            return
        places = {posixpath.normpath(place) for place in pool.host_resource}
        for other in self.everything(members=False):
            if other.resource_sub_type == pool.resource_sub_type and places & {
                posixpath.normpath(place) for place in other.host_resource or ()
            }:
                raise InTheWay(
                    f"storage pool {pool.pool_id!r}: {', '.join(pool.host_resource)} is that of storage pool "
                    f"{other.pool_id!r} already",
                    pool_id=other.pool_id,
                )

    def create(self, pool: ResourcePool) -> None:
        """Record a new pool, inactive; with ``build`` make its source ready, unless it is.

        Raises Refused or HostFailed, and leaves no record, when the source holds something else.
        """
        pool = self._placed(pool)
        label = f"storage pool {pool.pool_id!r}"
        xml = pool_xml.new_pool_xml(pool)
        if self.find(pool.pool_id) is not None:
            raise Conflict(f"Cannot create {label}: somebody else has created it meanwhile")
        with talking(f"define {label}"):
            handle = self.session.connection.storagePoolDefineXML(xml, 0)
        try:
            if pool.settings.get("build"):
                self._build(handle, pool, label)
            if pool.automatic_startup is not None:
                with talking(f"set the automatic startup of {label}"):
                    handle.setAutostart(int(pool.automatic_startup))
        except VirtError:
            with contextlib.suppress(VirtError), talking(f"undefine {label}"):
                handle.undefine()
            raise

    def _placed(self, pool: ResourcePool) -> ResourcePool:
        """``pool`` with the directory that its parent implies; raises InvalidInput when it lies outside its parent."""
        if pool.parent in (None, PRIMORDIAL):
            return pool
        above = self.find(str(pool.parent))
        if above is None:
            raise InvalidInput(f"storage pool {pool.pool_id!r}: there is no parent {pool.parent!r}")
        parent = self._read(above, members=True)
        if parent is None:
            raise InvalidInput(f"storage pool {pool.pool_id!r}: the parent {pool.parent!r} has gone")
        target = parent.settings.get("target_path")
        named = pool.host_resource or pool.settings.get("target_path")
        if not named and pool.resource_sub_type in (None, "dir") and target:
            pool = replace(pool, host_resource=(posixpath.join(target, pool.pool_id),))
        known = pool_xml.read_pool(pool_xml.new_pool_xml(pool))
        if parent_of(known, [parent]) != pool.parent:
            raise InvalidInput(
                f"storage pool {pool.pool_id!r}: {', '.join(known.host_resource or ('it',))} does not lie in its "
                f"parent {pool.parent!r} ({target or 'which has no directory'})"
            )
        return pool

    def _build(self, handle: Any, pool: ResourcePool, label: str) -> None:
        """Format or create the source.  A source that can be used as it is stays as it is; nothing is overwritten."""
        kind = pool_xml.kind_of(pool)
        if not kind.formats_source:
            return
        try:
            with talking(f"activate {label}"):
                self._activate(handle, kind)
        except VirtError as unusable:
            self._format(handle, label, unusable)
            return
        with talking(f"deactivate {label} again"):
            handle.destroy()

    def _format(self, handle: Any, label: str, unusable: VirtError) -> None:
        try:
            with talking(f"build {label}"):
                handle.build(libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE)
        except VirtError as error:
            raise HostFailed(f"{error} (its source cannot be used as it is either: {unusable})") from error

    def _activate(self, handle: Any, kind: pool_xml.StorageKind) -> None:
        """Start a pool; where its directory is missing, make that first."""
        try:
            handle.create(0)
        except libvirt.libvirtError:
            if not kind.makes_directory:
                raise
            handle.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)

    def delete(self, pool: ResourcePool) -> None:
        """Forget an inactive pool.  What is in it stays.  Raises Conflict when it is active."""
        handle = self._same(pool)
        label = f"storage pool {pool.pool_id!r}"
        with talking(f"undefine {label}"):
            if handle.isActive():
                raise Conflict(f"Cannot undefine {label}: it is active")
            handle.undefine()

    def modify(self, change: changes.ModifyPoolSettings) -> None:
        """Record other values.  An active pool takes them over when it is activated the next time."""
        handle = self._same(change.pool)
        label = f"storage pool {change.pool.pool_id!r}"
        recorded = {name: value for name, value in change.differences.items() if name != "automatic_startup"}
        if recorded:
            with talking(f"read {label}"):
                before = described(handle, libvirt.VIR_STORAGE_XML_INACTIVE)
            after = pool_xml.edit_pool_xml(before, recorded)
            with talking(f"redefine {label}"):
                self.session.connection.storagePoolDefineXML(after, 0)
        if "automatic_startup" in change.differences:
            with talking(f"set the automatic startup of {label}"):
                handle.setAutostart(int(bool(change.differences["automatic_startup"][1])))

    def request_state(self, change: changes.RequestPoolStateChange) -> None:
        """Activate or deactivate a pool.

        Activation makes a missing directory, and with ``build`` in the change's pool a source that is not ready yet.
        Before a pool without record is deactivated it gets one: deactivating must not lose it.
        """
        handle = self._same(change.pool)
        label = f"storage pool {change.pool.pool_id!r}"
        with talking(f"read {label}"):
            active = bool(handle.isActive())
        if active == change.active:
            return
        if not change.active:
            with talking(f"deactivate {label}"):
                if not handle.isPersistent():
                    self.session.connection.storagePoolDefineXML(handle.XMLDesc(0), 0)
                handle.destroy()
            return
        with talking(f"read {label}"):
            kind = pool_xml.kind_of(pool_xml.read_pool(described(handle, libvirt.VIR_STORAGE_XML_INACTIVE)))
        try:
            with talking(f"activate {label}"):
                self._activate(handle, kind)
        except VirtError as unusable:
            if not (kind.formats_source and change.pool.settings.get("build")):
                raise
            self._format(handle, label, unusable)
            with talking(f"activate {label}"):
                handle.create(0)

    def _same(self, pool: ResourcePool) -> Any:
        """The pool a change is about; raises Conflict when it has gone, or another one has taken its name."""
        handle = self.find(pool.pool_id)
        if handle is None:
            raise Conflict(f"Storage pool {pool.pool_id!r} has gone since the change was planned")
        if pool.uuid and str(handle.UUIDString()) != pool.uuid:
            raise Conflict(f"Storage pool {pool.pool_id!r} is another one than when the change was planned")
        return handle


def read_volume(xml: str) -> Mapping[str, Any]:
    """A volume as a member of its pool: name, path, capacity and allocation in bytes, format, the image it is based on."""
    root = parse(xml, "a storage volume")
    form = root.find("target/format")
    return {
        "name": root.findtext("name"),
        "path": root.findtext("target/path"),
        "capacity": int(root.findtext("capacity") or 0),
        "allocation": int(root.findtext("allocation") or 0),
        "format": None if form is None else form.get("type"),
        "backing_store": root.findtext("backingStore/path") or None,
    }


def parent_of(pool: ResourcePool, others: Iterable[ResourcePool]) -> str:
    """The pool in which ``pool`` provably lies, else the primordial one.

    It lies in a pool below whose own directory (a file system's, a volume group's) its source or directory is, the
    nearest one if there are several, or one of whose volumes its source is.
    """
    places = sources_of(pool)
    nearest, depth = PRIMORDIAL, 0
    for other in others:
        if other.pool_id == pool.pool_id:
            continue
        target = other.settings.get("target_path")
        if target and pool_xml.kind_of(other).own_directory and any(_below(place, target) for place in places):
            if len(target) > depth:
                nearest, depth = other.pool_id, len(target)
        elif any(member.get("path") in places for member in other.members):
            return other.pool_id
    return nearest


def sources_of(pool: ResourcePool) -> list[str]:
    """Paths on the host that a pool draws from: devices, or for a directory the directory itself."""
    return [path for path in pool.host_resource or () if path.startswith("/")]


def _below(path: str, folder: str) -> bool:
    return path != folder and path.startswith(folder.rstrip("/") + "/")


def related(pools: list[ResourcePool]) -> list[ResourcePool]:
    """The pools with ``parent`` and ``children`` filled in."""
    parents = {pool.pool_id: parent_of(pool, pools) for pool in pools}
    return [
        replace(
            pool,
            parent=parents[pool.pool_id],
            children=tuple(sorted(name for name, parent in parents.items() if parent == pool.pool_id)),
        )
        for pool in pools
    ]
