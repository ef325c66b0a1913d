# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single volumes: their documents, finding, growing and deleting them."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, InTheWay
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.units import size_words
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import is_code, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    Place,
    StorageIndex,
    find_volume,
    index_of,
)

_FORMATS_OF_VOLUMES = {"iso": "raw", "vhd": "vpc", "luks": "raw"}
"""Words of the model for which libvirt's volumes have another one."""


Remember = Callable[[str, "libvirt.virStorageVol"], None]
"""Takes note of a volume that was made, and what it is in words, so that it can be deleted when something fails."""


@frozen
class NewVolume:
    """The volume that is to be made."""

    pool: libvirt.virStoragePool
    place: Place
    name: str
    format: str
    capacity: int
    """Bytes; 0: as large as the image."""
    label: str
    """The disk it is for."""


def volume_format(word: str) -> str:
    """libvirt's word for an image format of the model."""
    return _FORMATS_OF_VOLUMES.get(word, word)


def volume_xml(name: str, capacity: int, image_format: str, file: bool, backing: tuple[str, str] | None = None) -> str:
    """The document of a new volume of ``capacity`` bytes; files take room only as they are written.

    ``backing`` is the path and the format of the image that it builds on.
    """
    volume = ElementTree.Element("volume")
    ElementTree.SubElement(volume, "name").text = name
    ElementTree.SubElement(volume, "capacity", unit="bytes").text = str(capacity)
    if file:
        ElementTree.SubElement(volume, "allocation", unit="bytes").text = "0"
        target = ElementTree.SubElement(volume, "target")
        ElementTree.SubElement(target, "format", type=volume_format(image_format))
        if image_format == "qcow2":  # the format's older version cannot grow once it holds snapshots
            ElementTree.SubElement(target, "compat").text = "1.1"
    if backing is not None:
        store = ElementTree.SubElement(volume, "backingStore")
        ElementTree.SubElement(store, "path").text = backing[0]
        ElementTree.SubElement(store, "format", type=backing[1])
    return ElementTree.tostring(volume, encoding="unicode")


def grow_volume(volume: libvirt.virStorageVol, capacity: int, label: str) -> None:
    """Give a volume that nobody has open at least ``capacity`` bytes.  Raises Conflict when it is larger."""
    with talking(f"grow {label} to {size_words(capacity)}", patient=True):
        before = int(volume.info()[1])
        if capacity < before:
            raise shrinking(label, before, capacity)
        if capacity > before:
            volume.resize(capacity, 0)


def shrinking(label: str, before: int, wanted: int) -> InTheWay:
    """The error for storage that would become smaller."""
    return InTheWay(
        f"{label} has {size_words(before)} and cannot be made smaller: {size_words(wanted)} would cut data off; "
        "allowed is the same size or more"
    )


def open_volume(session: Session, index: StorageIndex, path: str, fresh: bool = True) -> libvirt.virStorageVol | None:
    """The volume at a path, or None when no active pool has one there; see :func:`storage_index.find_volume`."""
    found = index.volume_of(path)
    if found is not None and index.is_active(index.places()[found[0]]):
        pool, _place = index.open_pool(found[0], f"look up {path}")
        return find_volume(pool, found[1], fresh)
    with talking(f"look up the volume at {path}"):
        try:
            return session.connection.storageVolLookupByPath(path)
        except libvirt.libvirtError as error:
            if is_code(error, "VIR_ERR_NO_STORAGE_VOL", "VIR_ERR_NO_SUPPORT"):
                return None
            raise


def delete_volume(volume: libvirt.virStorageVol) -> None:
    """Delete a volume.  One that has gone already is no error."""
    with talking(f"delete volume {volume.name()!r}", patient=True):
        try:
            volume.delete(0)
        except libvirt.libvirtError as error:
            if not is_code(error, "VIR_ERR_NO_STORAGE_VOL"):
                raise


def create(
    wanted: NewVolume, text: str, remember: Remember, source: libvirt.virStorageVol | None = None
) -> libvirt.virStorageVol:
    """A new volume from its document; with ``source``, holding what that volume holds."""
    with talking(
        f"create volume {wanted.name!r} in storage pool {wanted.place.pool!r} for {wanted.label}", patient=True
    ):
        if source is None:
            volume = wanted.pool.createXML(text, 0)
        else:
            volume = wanted.pool.createXMLFrom(text, source, 0)
    remember(f"volume {wanted.name!r} of storage pool {wanted.place.pool!r}", volume)
    return volume


def grow_disk(session: Session, domain: libvirt.virDomain, target: str, path: str, capacity: int, label: str) -> None:
    """Give the disk of a domain ``capacity`` bytes: through the hypervisor while it has the image open, else directly.

    Raises InvalidInput when the disk is larger already, HostFailed for a path that libvirt cannot resize.
    """
    with talking(f"read the size of {label}"):
        active = bool(domain.isActive())
        before = int(domain.blockInfo(target if active else path, 0)[0])
    if capacity < before:
        raise shrinking(label, before, capacity)
    if capacity == before:
        return
    if active:
        with talking(f"grow {label} to {size_words(capacity)}", patient=True):
            domain.blockResize(target, capacity, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        return
    volume = open_volume(session, index_of(session), path)
    if volume is None:
        raise HostFailed(
            f"Cannot grow {label}: {path} lies outside every active storage pool; it can be grown while "
            "the virtual system runs, or through a pool of its folder"
        )
    grow_volume(volume, capacity, label)
