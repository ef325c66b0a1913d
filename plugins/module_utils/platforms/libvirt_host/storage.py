# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes for disks: made when they do not exist, grown when larger is asked for, never shrunk, never taken twice."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InTheWay,
    InvalidInput,
    NotFound,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageFacts
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import is_writable_disk
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.disk_places import (
    format_of,
    name_of_volume,
    with_paths,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    is_code_of,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    Place,
    StorageIndex,
    find_volume,
    index_of,
    look_again,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import (
    Usage,
    users,
    users_by_system,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import (
    NewVolume,
    create,
    delete_volume,
    grow_volume,
    shrinking,
    volume_format,
    volume_xml,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_facts import (
    VolumeFacts,
    facts_of,
)

MEDIA = (ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE)
"""Drives whose storage is put in and taken out, and never made."""


@dataclass
class Allocations:
    """What was allocated for one verb, so that it can be given back when the verb fails."""

    session: Session
    index: StorageIndex
    dry: bool = False
    """Only judge: nothing is made and nothing grows, and volumes that do not exist yet get no path."""
    _undo: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    _users: Usage | None = None

    def allocate(self, system: str, rasd: Rasd, taken: Iterable[str] = ()) -> Rasd:
        """The resource with the storage it asks for in place.

        A disk of a pool is a volume, called ``SYSTEM-RESOURCE.FORMAT`` unless the resource names one; it is made when
        it does not exist.  ``taken`` are the paths that other resources of the system use.  Raises InvalidInput when
        the resource does not say enough, Conflict when another system uses the volume or the pool is not active, and
        HostFailed when there is not enough room; nothing half-made stays.
        """
        if rasd.resource_type in MEDIA:
            if rasd.seed is not None:
                return self.provide_seed(system, rasd, rasd.seed)
            return replace(rasd, host_resource=with_paths(self.index, rasd.pool_id, rasd.host_resource))
        if rasd.resource_type is not ResourceType.DISK_DRIVE:
            return rasd
        label = f"{rasd.label} of virtual system {system!r}"
        path = rasd.host_resource[0] if rasd.host_resource else None
        if path is not None and path in taken:
            raise Conflict(f"{label}: another disk of it uses {path}")
        pool_id = rasd.pool_id
        if pool_id is None:
            if path is None:
                pools = ", ".join(sorted(self.index.places())) or "none"
                raise InvalidInput(
                    f"{label}: say where it is to be kept: pool_id (storage pools are: {pools}) or host_resource"
                )
            place = self.index.place_of(path)
            if place is None or not self.index.is_active(place):
                self._take_path(path, system, rasd, label)
                return rasd  # a file or device that is the user's own business
            pool_id = place.pool
        pool, place = self.index.open_pool(pool_id, f"allocate storage for {label}")
        image_format = format_of(rasd, place)
        name = name_of_volume(system, rasd, place, image_format, path, set(taken))
        self._claim(posixpath.join(place.folder, name), system, rasd, label)
        known = self._known_to_suit(posixpath.join(place.folder, name), rasd, system, label, image_format)
        if known is not None:
            volume_path, image_format = known
            settings = {**rasd.settings, "format": image_format}
            return replace(rasd, pool_id=pool_id, host_resource=(volume_path,), settings=settings)
        # Looking again at a folder takes long where there are many files; making a volume tells as well.
        found = find_volume(pool, name, fresh=not place.holds_files)
        if found is not None and not self._is_unfinished(found, posixpath.join(place.folder, name), rasd):
            volume, is_new = found, False
        elif self.dry:
            self._check_new(name, place, image_format, rasd, label)
            return rasd
        else:
            volume, is_new = self._create(
                NewVolume(pool, place, name, image_format, rasd.virtual_quantity or 0, label), rasd
            )
        if is_new:
            with talking(f"read volume {name!r} of storage pool {pool_id!r}"):
                volume_path = str(volume.path())
        else:
            volume_path, image_format = self._adopt(volume, rasd, system, label, image_format)
        settings = {**rasd.settings, "format": image_format}
        return replace(rasd, pool_id=pool_id, host_resource=(volume_path,), settings=settings)

    def provide_seed(self, system: str, rasd: Rasd, seed: Seed) -> Rasd:
        """The drive with the path of the medium with its seed, which is made if it is not there."""
        label = f"{rasd.label} of virtual system {system!r}"
        pool, place = self.index.open_pool(rasd.pool_id or "", f"make the medium for {label}")
        name = (rasd.host_resource or ("",))[0]
        if not self.dry:
            from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import seeds

            seeds.provide(self.session, NewVolume(pool, place, name, "raw", 0, label), seed, self._remember)
        return replace(rasd, host_resource=(posixpath.join(place.folder, name),))

    def take_over(self, system: str, rasd: Rasd) -> None:
        """See that a disk can have other storage, or its storage for itself.  Raises Conflict, or NotFound for a volume."""
        for path in with_paths(self.index, rasd.pool_id, rasd.host_resource) or ():
            self._take_path(path, system, rasd, f"{rasd.label} of virtual system {system!r}")

    def has_storage_for(self, system: str, rasd: Rasd) -> bool:
        """Whether the volume of a new disk exists already."""
        path = rasd.host_resource[0] if rasd.host_resource else None
        place = self.index.places().get(rasd.pool_id or "") or (self.index.place_of(path) if path else None)
        if place is None or not self.index.is_active(place):
            return False
        pool, place = self.index.open_pool(place.pool, f"look for storage for {rasd.label}")
        name = name_of_volume(system, rasd, place, format_of(rasd, place), path, set())
        found = find_volume(pool, name)
        return found is not None and not self._is_unfinished(found, posixpath.join(place.folder, name), rasd)

    def _is_unfinished(self, volume: libvirt.virStorageVol, path: str, rasd: Rasd) -> bool:
        """Whether a volume is but the beginning of a copy that was interrupted: it is made anew, and deleted for that.

        One that somebody is at is waited for, where something is to be done.
        """
        if rasd.image is None or self.users().of(path):
            return False
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import unfinished

        try:
            if self.dry:
                return unfinished.is_begun(self.session, volume)
            if not unfinished.was_interrupted(self.session, volume):
                return False
            delete_volume(volume)
        except NotFound:
            pass  # somebody else was faster
        return True

    def _take_path(self, path: str, system: str, rasd: Rasd, label: str) -> None:
        place = posixpath.normpath(path)
        self._claim(place, system, rasd, label)
        self._check_alone(place, system, rasd, label)

    def _check_alone(self, path: str, system: str, rasd: Rasd, label: str) -> None:
        """Raise InTheWay for storage that another system uses, unless a disk does not want it for itself."""
        others = sorted(self.users().of(path) - {system}) if is_writable_disk(rasd) else []
        if others:
            raise InTheWay(
                f"{label}: {path} is used by virtual system {others[0]!r}; only disks that every one of them declares "
                "shareable or read-only can be used by several"
            )

    def _claim(self, path: str, system: str, rasd: Rasd, label: str) -> None:
        """Keep systems that are changed at the same time from taking the same storage.  Raises Conflict."""
        shared = self.session.shared
        if shared is None or self.dry or not is_writable_disk(rasd):
            return
        owner = shared.claim(path, system)
        if owner is not None:
            raise Conflict(f"{label}: {path} is being given to virtual system {owner!r}")
        self._undo.append((path, lambda: shared.give_up(path, system)))

    def _check_new(self, name: str, place: Place, image_format: str, rasd: Rasd, label: str) -> None:
        """Raise what can be known to keep a volume from being made."""
        if rasd.image is None:
            _size(name, place, rasd, label)
        elif rasd.image.facts is not None:
            from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import images

            images.check_place(place, rasd.image, rasd.image.facts.format, image_format, label)

    def _create(self, wanted: NewVolume, rasd: Rasd) -> tuple[libvirt.virStorageVol, bool]:
        """A volume, and whether it is new: there may be one of that name of which libvirt did not know."""
        pool, place, name = wanted.pool, wanted.place, wanted.name
        if not rasd.virtual_quantity:
            found = find_volume(pool, name)
            if found is not None:
                return found, False
        made_before = len(self._undo)
        try:
            if rasd.image is not None:
                from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import images

                made = images.make(self.session, self.index, rasd.image, wanted, self._remember)
                if rasd.virtual_quantity:
                    grow_volume(made, rasd.virtual_quantity, wanted.label)
                return made, True
            size = _size(name, place, rasd, wanted.label)
            text = volume_xml(name, size, wanted.format, place.holds_files)
            return create(wanted, text, self._remember), True
        except (HostFailed, Conflict) as error:
            left = _look_again(pool, name) if len(self._undo) == made_before else None
            if left is None:
                raise
            # libvirt refuses to write over what exists, before it touches anything, with one of these.  What it leaves
            # half-made it deletes by itself; deleting here could hit somebody else's.
            if is_code_of(error, "VIR_ERR_OPERATION_INVALID", "VIR_ERR_OPERATION_FAILED", "VIR_ERR_STORAGE_VOL_EXIST"):
                return left, False
            raise

    def _remember(self, what: str, volume: libvirt.virStorageVol) -> None:
        """Take note of a volume that was made."""
        self._undo.append((what, lambda: self._take_back(volume)))

    def _take_back(self, volume: libvirt.virStorageVol) -> None:
        """Delete a volume made here, unless somebody has found a use for it meanwhile."""
        with talking(f"read volume {volume.name()!r}"):
            path = posixpath.normpath(volume.path())
        used = sorted(
            name for name, paths in users_by_system(self.session, self.index).items() if path in paths
        )  # read anew: whoever took it has done so just now
        if used:
            raise Conflict(f"it is used by virtual system {used[0]!r}")
        delete_volume(volume)

    def _adopt(
        self, volume: libvirt.virStorageVol, rasd: Rasd, system: str, label: str, image_format: str
    ) -> tuple[str, str]:
        """Take a volume that exists, if nobody uses it and it is as asked for or can grow to that; its path and format.

        One that somebody else is making just now is there before its file is: then the pool looks again, which it does
        when it is made.
        """
        try:
            return self._take(volume, rasd, system, label, image_format)
        except (NotFound, Conflict):
            with talking(f"read volume {volume.name()!r} for {label}", patient=True):
                pool, name = volume.storagePoolLookupByVolume(), volume.name()
                look_again(pool)
            made = find_volume(pool, name, fresh=False)
            if made is None:
                raise
            return self._take(made, rasd, system, label, image_format)

    def _take(
        self, volume: libvirt.virStorageVol, rasd: Rasd, system: str, label: str, image_format: str
    ) -> tuple[str, str]:
        facts = facts_of(volume, label)
        path = posixpath.normpath(facts.path)
        suiting = self._suiting(facts, rasd, system, label, image_format)
        if rasd.image is not None:
            self._check_complete(volume, path, rasd.image, label)
            if not self.dry:
                self._clear_passing(volume)
        if rasd.virtual_quantity is not None and rasd.virtual_quantity > facts.capacity and not self.dry:
            grow_volume(volume, rasd.virtual_quantity, label)
        elif self.session.shared is not None:
            self.session.shared.know_volumes({path: facts})
        return facts.path, suiting

    def _known_to_suit(
        self, path: str, rasd: Rasd, system: str, label: str, image_format: str
    ) -> tuple[str, str] | None:
        """Path and format of a volume that exists and needs nothing done to it, as was seen of late; else None."""
        facts = self.session.shared.volume(path) if self.session.shared is not None else None
        if facts is None or rasd.image is not None or rasd.virtual_quantity not in (None, facts.capacity):
            return None
        try:
            return facts.path, self._suiting(facts, rasd, system, label, image_format)
        except VirtError:
            return None  # which is to be seen again before it is believed

    def _suiting(self, facts: VolumeFacts, rasd: Rasd, system: str, label: str, image_format: str) -> str:
        """The format of a volume that a disk can take.  Raises Conflict for one that it cannot."""
        path = posixpath.normpath(facts.path)
        self._check_alone(path, system, rasd, label)
        actual = facts.format or "raw"
        wanted = rasd.settings.get("format") or (image_format if rasd.image is not None else None)
        if wanted and volume_format(wanted) != actual:
            raise InTheWay(f"{label}: {path} exists with format {actual}, not {wanted}")
        if rasd.virtual_quantity is not None and rasd.virtual_quantity < facts.capacity:
            raise shrinking(label, facts.capacity, rasd.virtual_quantity)
        return str(wanted or (actual if facts.format is not None and facts.is_file else image_format))

    def _check_complete(self, volume: libvirt.virStorageVol, path: str, image: Image, label: str) -> None:
        """Tell the user that a volume is not made anew.  Raises Conflict where it looks as if it was not finished."""
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.unfinished import is_under_way
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_streams import (
            FIRST,
            read_part,
        )

        begins = read_part(self.session, volume, 0, FIRST)
        if not any(begins) or is_under_way(begins):
            raise InTheWay(
                f"{label}: {path} exists and begins with nothing, as an image does that was not copied to its end: remove "
                "it, or leave image out to use it as it is"
            )
        if not self.dry:
            self.session.notes.append(
                f"{label}: {path} exists and is used as it is: it was not made from {image.words}"
            )

    @staticmethod
    def _clear_passing(volume: libvirt.virStorageVol) -> None:
        """Delete what a task left that was interrupted while the host made this volume."""
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import unfinished

        with talking(f"look for what was made with volume {volume.name()!r}"):
            pool = volume.storagePoolLookupByVolume()
        unfinished.clear_passing(pool, volume.name())

    def users(self) -> Usage:
        """Which systems use which paths, read once."""
        if self._users is None:
            self._users = users(self.session, self.index)
        return self._users

    def give_back(self) -> list[str]:
        """Undo every allocation, the last one first; what could not be undone is returned, in words."""
        left = []
        for what, undo in reversed(self._undo):
            try:
                undo()
            except VirtError as error:
                left.append(f"{what} stays behind: {error.message}")
        self._undo.clear()
        return left


def check_storage(session: Session, system: str, resources: Iterable[Rasd]) -> list[Rasd]:
    """The resources with the storage they would get; a volume that is still to be made has no path yet.

    Raises what can be known to keep storage for new resources of a system from being allocated.
    """
    allocations = Allocations(session, index_of(session), dry=True)
    taken: set[str] = set()
    found = []
    for rasd in resources:
        judged = allocations.allocate(system, rasd, taken)
        taken.update(judged.host_resource or ())
        is_name = judged.pool_id and any("/" not in place for place in judged.host_resource or ())
        found.append(replace(judged, host_resource=None) if is_name else judged)
    return found


def image_facts(session: Session, system: str, rasd: Rasd) -> ImageFacts | None:
    """What is known of the image for a new disk of ``system``; None when the volume for the disk exists.

    A pool that is not there, or not active, is told elsewhere, and has no such volume.
    """
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import images

    allocations = Allocations(session, index_of(session), dry=True)
    label = f"{rasd.label} of virtual system {system!r}"
    if rasd.image is None or allocations.has_storage_for(system, rasd):
        return None
    return images.facts(session, allocations.index, rasd.image, label)


def _size(name: str, place: Place, rasd: Rasd, label: str) -> int:
    """How large a new volume is to be.  Raises InvalidInput when nobody said."""
    if not rasd.virtual_quantity:
        raise InvalidInput(
            f"{label}: volume {name!r} does not exist in storage pool {place.pool!r} and is to be made: "
            "say how large (virtual_quantity)"
        )
    return rasd.virtual_quantity


def _look_again(pool: libvirt.virStoragePool, name: str) -> libvirt.virStorageVol | None:
    try:
        return find_volume(pool, name)
    except VirtError:
        return None
