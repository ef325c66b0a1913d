# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that disks are made from: found on the host or sent to it, judged by their bytes, copied or linked to.

Nothing here lets the host find out a format by itself: what an image is, is known from rules of our own
(:mod:`model.image_format`) before and after it comes to the host, and has to be what libvirt takes it for.
"""

from __future__ import annotations

import posixpath
import threading
import time
from dataclasses import replace
from typing import Union
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InTheWay,
    InvalidInput,
    NotFound,
    NotSupported,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageFacts, ImageMode, too_small
from ansible_collections.svpc.virt.plugins.module_utils.model.image_format import Sample, inspect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import ImageFile
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import by_name, document
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import flag, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    Place,
    StorageIndex,
    find_volume,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.unfinished import (
    clear_passing,
    is_complete,
    passing_name,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import (
    NewVolume,
    Remember,
    create,
    delete_volume,
    open_volume,
    volume_xml,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_streams import (
    FIRST,
    fill,
    sample_of,
)

SETTLES_WITHIN = 600.0
"""Seconds a pool has to look at what was written into it: it waits until others have finished making volumes."""
_NAP = 0.5
_AT_BASE: dict[str, threading.Lock] = {}
"""By name of a base: the threads of one task make it once."""

Found = Union["libvirt.virStorageVol", None]
"""The volume of the host with an image; None when it comes from elsewhere."""


def facts(session: Session, index: StorageIndex, image: Image, label: str) -> ImageFacts:
    """What an image is.  Raises NotFound where there is none, Refused for one that is not fit to become a disk."""
    volume = _on_host(session, index, image, label)
    return _judged(session, image, volume, label)


def _on_host(session: Session, index: StorageIndex, image: Image, label: str) -> Found:
    if image.volume is not None:
        pool, _place = index.open_pool(image.pool_id or "", f"make {label} from the {image.words}")
        volume = find_volume(pool, image.volume)
        if volume is None:
            raise NotFound(f"{label}: there is no {image.words}")
        return volume
    return None if image.path is None else open_volume(session, index, image.path)


def _judged(session: Session, image: Image, volume: Found, label: str) -> ImageFacts:
    sample: Sample | None
    if volume is not None:
        sample = sample_of(session, volume)
    else:
        sample = session.image_files().sample(image)
    if sample is None:
        raise NotFound(
            f"{label}: there is no {image.words}: neither as a volume of an active storage pool of {session.uri}, nor as "
            "a file of the machine that runs this module"
        )
    return inspect(sample, image.format, image.words)


def make(
    session: Session, index: StorageIndex, image: Image, wanted: NewVolume, remember: Remember
) -> libvirt.virStorageVol:
    """A new volume from an image.  What is made on the way is told to ``remember`` before anything can fail.

    Raises what :func:`facts` raises, InvalidInput where the volume would be smaller than the image, Conflict where
    somebody writes to the image, NotSupported for what the kind of pool cannot hold.
    """
    source = _on_host(session, index, image, wanted.label)
    found = _judged(session, image, source, wanted.label)
    _check_size(wanted, image, replace(image, facts=found).least)
    if source is None:
        check_place(wanted.place, image, found.format, wanted.format, wanted.label)
    else:
        _check_not_written(session, index, image, source, wanted.label)
    if image.mode is ImageMode.LINKED:
        base = source if source is not None else _base(session, image, found, wanted)
        volume = _linked(wanted, base, found, remember)
    elif source is not None:
        volume = _copied(session, wanted, source, found, image, remember)
    elif found.format == wanted.format:
        volume = _sent(session, image, found, wanted, remember)
    else:
        volume = _converted(session, image, found, wanted, remember)
    with talking(f"read volume {wanted.name!r}"):
        capacity = int(volume.info()[1])
    _check_size(wanted, image, capacity)
    return volume


def _check_size(wanted: NewVolume, image: Image, least: int | None) -> None:
    if wanted.capacity and least is not None and least > wanted.capacity:
        raise InvalidInput(too_small(wanted.label, image, least, wanted.capacity), minimum=least)


def check_place(place: Place, image: Image, found: str, wanted: str, label: str) -> None:
    """Raise NotSupported where a pool cannot hold a disk of format ``wanted`` made from an image of format ``found``."""
    if place.holds_files:
        return
    if image.mode is ImageMode.LINKED:
        raise NotSupported(
            f"{label}: storage pool {place.pool!r} ({place.kind}) holds no files, and only a file can be linked to an "
            "image: use image_mode copy, or a pool of files"
        )
    if image.volume is None and found != wanted:
        raise NotSupported(
            f"{label}: storage pool {place.pool!r} ({place.kind}) holds no files, and the {image.words} has format "
            f"{found}: use one of format {wanted}, or one that is a volume of a pool of files"
        )


# What is on the host


def _copied(
    session: Session,
    wanted: NewVolume,
    source: libvirt.virStorageVol,
    found: ImageFacts,
    image: Image,
    remember: Remember,
) -> libvirt.virStorageVol:
    """A volume with what a volume of the host holds, converted by the host."""
    _check_known_as(source, found, image, wanted.label)
    capacity = wanted.capacity or found.virtual_size or 0
    text = volume_xml(wanted.name, capacity, wanted.format, wanted.place.holds_files)
    volume = create(wanted, text, remember, source)
    made = inspect(sample_of(session, volume), None, f"copy of the {image.words}")
    if made.format != wanted.format:  # what was copied is no longer what was judged
        raise Conflict(f"{wanted.label}: the copy of the {image.words} is {made.format}, not {wanted.format}")
    return volume


def _check_known_as(source: libvirt.virStorageVol, found: ImageFacts, image: Image, label: str) -> None:
    """Raise Conflict where libvirt takes an image for another format than we do: it would read it as that."""
    for fresh in (False, True):
        with talking(f"read the {image.words}", patient=True):
            if fresh:
                source.storagePoolLookupByVolume().refresh(0)
            text = source.XMLDesc(0)
        told = _format_of(text)
        if told == found.format or (found.format == "raw" and told == "iso"):
            return
    raise Conflict(f"{label}: the {image.words} is {found.format}, and the host takes it for {told}")


def _format_of(text: str) -> str:
    known = ElementTree.fromstring(text).find("target/format")
    return "raw" if known is None else known.get("type", "raw")


def _linked(
    wanted: NewVolume, base: libvirt.virStorageVol, found: ImageFacts, remember: Remember
) -> libvirt.virStorageVol:
    """A volume that holds what differs from ``base``, whose format is written into it."""
    with talking(f"read the base of {wanted.label}"):
        path = str(base.path())
    capacity = wanted.capacity or found.virtual_size or 0
    text = volume_xml(wanted.name, capacity, "qcow2", True, backing=(path, found.format))
    return create(wanted, text, remember)


def _check_not_written(
    session: Session, index: StorageIndex, image: Image, source: libvirt.virStorageVol, label: str
) -> None:
    """Raise Conflict where the guest of a system writes to an image, or could as soon as it is started."""
    with talking(f"read the {image.words}"):
        path = posixpath.normpath(source.path())
        domains = by_name(session.connection.listAllDomains(0))
    for domain in domains:
        for flags in (0, flag("VIR_DOMAIN_XML_INACTIVE")):
            with talking("read the virtual systems"):
                text = document(domain, flags)
                runs = text is not None and bool(domain.isActive())
            if text is None or path not in _written(text, index):
                continue
            if runs or image.mode is ImageMode.LINKED:
                why = "runs and writes to it" if runs else "may write to it, which would destroy what builds on it"
                raise InTheWay(f"{label}: the {image.words} is a disk of virtual system {domain.name()!r}, which {why}")


def _written(text: str, index: StorageIndex) -> set[str]:
    """The paths a domain writes to: the tops of its disks."""
    found = set()
    for disk in ElementTree.fromstring(text).findall("devices/disk"):
        source = disk.find("source")
        if source is None or disk.find("readonly") is not None or disk.get("device", "disk") != "disk":
            continue
        place = index.places().get(source.get("pool", ""))
        if place is not None:
            found.add(posixpath.join(place.folder, source.get("volume", "")))
        path = source.get("file") or source.get("dev")
        if path:
            found.add(posixpath.normpath(path))
    return found


# What comes from elsewhere


def _sent(
    session: Session,
    image: Image,
    found: ImageFacts,
    wanted: NewVolume,
    remember: Remember,
    begun: libvirt.virStorageVol | None = None,
) -> libvirt.virStorageVol:
    """A volume with the very bytes of the image, whose format is the one wanted: a new one, or one that was ``begun``."""
    with session.image_files().open(image, session.progress) as file:
        in_bytes = file.size if wanted.format != "raw" else max(wanted.capacity, image_size(file))
        text = volume_xml(wanted.name, in_bytes, "raw", wanted.place.holds_files)
        volume = begun if begun is not None else create(wanted, text, remember)
        fill(session, volume, file.chunks(), file.size, image.words, is_new=begun is None)
    return _settled(session, wanted.pool, volume, wanted.format, image, found)


def image_size(file: ImageFile) -> int:
    """Bytes of a raw image, in whole sectors."""
    return -(-file.size // 512) * 512


def _settled(
    session: Session,
    pool: libvirt.virStoragePool,
    volume: libvirt.virStorageVol,
    wanted: str,
    image: Image,
    judged: ImageFacts,
) -> libvirt.virStorageVol:
    """A volume that was just filled, when libvirt has seen what it is by now; its content judged once more."""
    name = volume.name()
    made = inspect(sample_of(session, volume), None, f"copy of the {image.words}")
    if made.format != judged.format or (made.format != "raw" and made.virtual_size != judged.virtual_size):
        raise Conflict(f"The {image.words} has changed while it was sent")
    deadline = time.monotonic() + SETTLES_WITHIN
    while True:
        try:
            with talking(f"refresh storage pool {pool.name()!r}", patient=True):
                pool.refresh(0)
        except HostFailed:  # somebody makes a volume there: libvirt looks again when that is done
            if time.monotonic() > deadline:
                raise
        with talking(f"read volume {name!r}"):
            told = _format_of(volume.XMLDesc(0))
        if told == wanted or (wanted == "raw" and told == "iso"):
            return volume
        if time.monotonic() > deadline:
            raise HostFailed(f"The host takes the copy of the {image.words} for {told}, and it is {wanted}")
        time.sleep(_NAP)


def _converted(
    session: Session, image: Image, found: ImageFacts, wanted: NewVolume, remember: Remember
) -> libvirt.virStorageVol:
    """A volume of another format than the image: sent as it is, then converted by the host."""
    clear_passing(wanted.pool, wanted.name)
    name = passing_name(wanted.name, found.format)
    passing = NewVolume(wanted.pool, wanted.place, name, found.format, 0, wanted.label)
    made: list[libvirt.virStorageVol] = []
    try:
        sent = _sent(session, image, found, passing, lambda _what, volume: made.append(volume))
        return _copied(session, wanted, sent, found, image, remember)
    finally:
        for volume in made:
            delete_volume(volume)


def _base(session: Session, image: Image, found: ImageFacts, wanted: NewVolume) -> libvirt.virStorageVol:
    """The volume of the pool that holds an image from elsewhere, for all disks that build on it.

    It is named by the checksum, and stays.
    """
    with session.image_files().open(image, session.progress) as file:
        name = f"image-{file.checksum().replace(':', '-')}.{found.format}"
        first = next(file.chunks(), b"")[:FIRST]
    base = NewVolume(wanted.pool, wanted.place, name, found.format, 0, wanted.label)
    made: list[libvirt.virStorageVol] = []
    with _AT_BASE.setdefault(name, threading.Lock()):
        while True:
            known = find_volume(wanted.pool, name)
            if known is not None and is_complete(session, known, first, image.words):
                return known
            try:
                # One that was begun is not deleted: another task may have come to the same conclusion.  What both write is
                # the same, and the mark is not written again, since the other one may be done by then.
                return _sent(session, image, found, base, lambda _what, volume: made.append(volume), known)
            except BaseException as error:
                if not made and isinstance(error, Conflict) and find_volume(wanted.pool, name) is not None:
                    continue  # somebody else began to make it at the same moment
                for volume in made:
                    delete_volume(volume)
                raise
