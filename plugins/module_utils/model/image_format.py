# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images are fit to become a disk, judged from their first bytes by rules of our own.

An image is somebody else's: a few bytes in its header make a hypervisor open other files of the host (backing files,
data files, extents of a text descriptor) and give their content to the guest.  So nothing is ever asked to find out the
format by itself; what is not a plain, complete image of a known format is refused here, before a host looks at it.

The layouts are those of QEMU's docs/interop/qcow2.txt, of VMware's "Virtual Disk Format 5.0" and of Microsoft's
"Virtual Hard Disk Image Format Specification".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from ansible_collections.svpc.virt.plugins.module_utils.errors import Refused
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.image import SECTOR, ImageFacts

HEAD = 128 * 1024
"""Bytes of an image's beginning that are looked at."""
TAIL = 3 * SECTOR
"""Bytes of its end: there a streamed VMDK has a second header, which counts."""
LARGEST = 2**50
"""Bytes; more than any disk has, and little enough for every host to count with."""


@frozen
class Sample:
    """What is there of an image to look at."""

    head: bytes
    """Its first HEAD bytes, or all of it."""
    size: int | None
    """Bytes of the whole file; None when nobody said."""
    tail: bytes | None = None
    """Its last TAIL bytes; None while the file is not there as a whole."""


def inspect(sample: Sample, stated: str | None, words: str) -> ImageFacts:
    """Format and size of an image that is fit to become a disk.

    ``stated`` is the format it is said to have: another one is refused.  ``words`` name the image in errors.
    Raises Refused for whatever is no plain and complete image.
    """
    if not sample.head:
        raise Refused(f"The {words} is empty")
    found = _recognized(sample.head, words)
    wanted = stated or found
    if wanted != found:
        raise Refused(f"The {words} is said to be {wanted}, and begins as {found} does")
    try:
        size = _RULES[wanted](sample)
    except _Unfit as error:
        raise Refused(f"The {words} ({wanted}) is not fit to become a disk: {error}") from None
    except struct.error:
        raise Refused(f"The {words} ({wanted}) is not fit to become a disk: its header is cut off") from None
    return ImageFacts(wanted, size)


class _Unfit(Exception):
    """Why an image is refused."""


def _demand(condition: bool, reason: str) -> None:
    if not condition:
        raise _Unfit(reason)


_QCOW2, _VMDK, _VPC = b"QFI\xfb", b"KDMV", b"conectix"

_DISK_FORMATS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"# Disk DescriptorFile", "a VMDK descriptor, a text that names other files"),
    (0, b"COWD", "an old VMDK of several parts (COWD)"),
    (0, b"QED\0", "a QED image"),
    (0, b"LUKS\xba\xbe", "encrypted (LUKS)"),
    (0, b"vhdxfile", "a VHDX image"),
    (64, b"\x7f\x10\xda\xbe", "a VDI image"),
    (0, b"WithoutFreeSpace", "a Parallels image"),
    (0, b"WithouFreSpacExt", "a Parallels image"),
    (0, b"Bochs Virtual HD Image", "a Bochs image"),
    (0, b"#!/bin/sh\n#V2.0 Format\n", "a cloop image"),
    (0, b"OOOM", "a COW image"),
    (0, b"SHEPDOG", "a Sheepdog image"),
)
_PACKED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"BZh", "bzip2"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (257, b"ustar", "tar"),
)


def _recognized(head: bytes, words: str) -> str:
    """The format that an image begins as; ``raw`` for one that begins as no image does.  Raises Refused."""
    for where, magic, kind in _DISK_FORMATS:
        if head[where : where + len(magic)] == magic:
            raise Refused(f"The {words} is {kind}: only plain images of the formats {', '.join(_RULES)} become disks")
    for where, magic, kind in _PACKED:
        if head[where : where + len(magic)] == magic:
            raise Refused(f"The {words} is packed ({kind}): unpack it first")
    if head.startswith(_QCOW2):
        return "qcow2"
    if head.startswith(_VMDK):
        return "vmdk"
    return "vpc" if head.startswith(_VPC) else "raw"


def _raw(sample: Sample) -> int | None:
    return sample.size


# qcow2


_EXTERNAL_DATA, _ENCRYPTION = 0x44415441, 0x0537BE77
_DIRTY, _CORRUPT, _DATA_FILE, _COMPRESSION, _EXTENDED = (1 << bit for bit in range(5))
_KNOWN_FEATURES = _DIRTY | _COMPRESSION | _EXTENDED
_MOST_EXTENSIONS = 64


def _qcow2(sample: Sample) -> int:
    head = sample.head
    version, backing, backing_length, cluster_bits, size, encryption, l1_entries = struct.unpack_from(
        ">IQIIQII", head, 4
    )
    l1_offset, refcounts = struct.unpack_from(">QQ", head, 40)
    _demand(version in (2, 3), f"version {version} is not known")
    _demand(backing == 0 and backing_length == 0, "it builds on another file (backing file)")
    _demand(encryption == 0, "it is encrypted")
    _demand(9 <= cluster_bits <= 21, f"clusters of 2^{cluster_bits} bytes are not known")
    cluster = 1 << cluster_bits
    length, entry = 72, 8
    if version == 3:
        features, _compatible, _clear, order, length = struct.unpack_from(">QQQII", head, 72)
        _demand(not features & _DATA_FILE, "its data is in another file (data file)")
        _demand(not features & _CORRUPT, "it says itself that it is damaged")
        _demand(not features & ~_KNOWN_FEATURES, f"it has features that are not known ({features:#x})")
        entry = 16 if features & _EXTENDED else 8
        _demand(order <= 6, "its reference counts are of no known width")
        _demand(104 <= length <= cluster and length % 8 == 0, f"a header of {length} bytes is not known")
    _size_in_bounds(size)
    for name, offset in (("L1", l1_offset), ("refcount", refcounts)):
        _demand(offset % cluster == 0, f"its {name} table does not begin where a cluster does")
        _demand(sample.size is None or offset <= sample.size, f"its {name} table lies behind its end")
    # An entry of the L1 table leads to one cluster full of entries that lead to one cluster each.
    _demand(l1_entries * (cluster // entry) * cluster >= size, "its L1 table is too small for its size")
    _demand(l1_entries <= 2**22, "its L1 table is larger than any hypervisor reads")
    _check_extensions(head, length)
    return int(size)


def _check_extensions(head: bytes, start: int) -> None:
    """Look through the header extensions: what they name is in another file, or encrypted."""
    position = start
    for _number in range(_MOST_EXTENSIONS):
        if head[position : position + 8] == b"":
            return  # a header of the old version, and nothing behind it
        kind, length = struct.unpack_from(">II", head, position)
        if kind == 0:
            return
        _demand(kind != _EXTERNAL_DATA, "it names a data file")
        _demand(kind != _ENCRYPTION, "it is encrypted")
        position += 8 + -(-length // 8) * 8
        _demand(position <= len(head), "its header extensions do not end")
    raise _Unfit("it has too many header extensions")


# VMDK


_AT_END = 2**64 - 1
_MARKER_FOOTER = 3
_KINDS = ("monolithicsparse", "streamoptimized")


def _vmdk(sample: Sample) -> int:
    capacity, descriptor_at, descriptor_length, tables = _vmdk_header(sample.head)
    _demand(descriptor_at >= 1 and descriptor_length >= 1, "it has no descriptor")
    begin, end = descriptor_at * SECTOR, (descriptor_at + descriptor_length) * SECTOR
    _demand(end <= HEAD, "its descriptor is too far away or too long")
    descriptor = sample.head[begin:end]
    _demand(len(descriptor) == end - begin, "its descriptor is cut off")
    _check_descriptor(descriptor.partition(b"\0")[0].decode("utf-8", "replace"), capacity)
    if tables == _AT_END and sample.tail is not None:
        # The header at the end is the one that counts: it has to say the same.
        size, kind = struct.unpack_from("<Q", sample.tail)[0], struct.unpack_from("<I", sample.tail, 12)[0]
        _demand(size == 1 and kind == _MARKER_FOOTER, "its second header is not at its end")
        again = _vmdk_header(sample.tail[SECTOR:])
        _demand(again[:3] == (capacity, descriptor_at, descriptor_length), "its two headers contradict each other")
        _demand(again[3] != _AT_END, "its second header leads nowhere")
    size = capacity * SECTOR
    _size_in_bounds(size)
    return int(size)


def _vmdk_header(data: bytes) -> tuple[int, int, int, int]:
    """Capacity, place and length of the descriptor, place of the grain directory: in sectors."""
    _demand(data.startswith(_VMDK), "a header of it is none")
    version, _flags, capacity, grain, descriptor_at, descriptor_length = struct.unpack_from("<IIQQQQ", data, 4)
    entries, _redundant, directory = struct.unpack_from("<IQQ", data, 44)
    _demand(version in (1, 2, 3), f"version {version} is not known")
    # With no capacity it is a text descriptor in disguise, whose lines name other files.
    _demand(capacity > 0, "it has no content of its own")
    _demand(1 <= grain <= 2**16 and grain & (grain - 1) == 0, f"grains of {grain} sectors are not known")
    _demand(1 <= entries <= 2**16, f"grain tables of {entries} entries are not known")
    return capacity, descriptor_at, descriptor_length, directory


def _check_descriptor(text: str, capacity: int) -> None:
    """The embedded descriptor of an image that is one file, and builds on no other one."""
    values: dict[str, list[str]] = {}
    extents = []
    for line in (line.strip() for line in text.splitlines()):
        name, equals, value = line.partition("=")
        first = line.partition(" ")[0].upper()
        if first in ("RW", "RDONLY", "NOACCESS"):
            extents.append(line.split())
        elif equals and not line.startswith("#"):
            values.setdefault(name.strip().lower(), []).append(value.strip().strip('"').lower())
    _demand("parentfilenamehint" not in values, "it builds on another file (parentFileNameHint)")
    _demand(values.get("parentcid") == ["ffffffff"], "it builds on another file (parentCID)")
    kinds = values.get("createtype", [])
    _demand(len(kinds) == 1 and kinds[0] in _KINDS, f"its createType is not one of {', '.join(_KINDS)}")
    _demand(len(extents) == 1, "it does not consist of exactly one extent")
    _demand(len(extents[0]) >= 4 and extents[0][2].upper() == "SPARSE", "its extent is not of type SPARSE")
    _demand(extents[0][1].isdigit() and int(extents[0][1]) <= capacity, "its extent is larger than itself")


# VHD, which hypervisors call vpc


_DYNAMIC = 3


def _vpc(sample: Sample) -> int:
    features, version, _data_at, _stamp, _creator, _creator_version, _system, _original, size = struct.unpack_from(
        ">IIQI4sI4sQQ", sample.head, 8
    )
    kind = struct.unpack_from(">I", sample.head, 60)[0]
    _demand(version >> 16 == 1, f"version {version:#x} is not known")
    _demand(kind == _DYNAMIC, "it is not of the dynamic kind" + (" but builds on another file" if kind == 4 else ""))
    _demand(features & ~3 == 0, f"it has features that are not known ({features:#x})")
    _size_in_bounds(size)
    return int(size)


def _size_in_bounds(size: int) -> None:
    _demand(0 < size <= LARGEST, f"a disk of {size} bytes is none")


_RULES: Mapping[str, Callable[[Sample], int | None]] = {"qcow2": _qcow2, "raw": _raw, "vmdk": _vmdk, "vpc": _vpc}
"""By format: the bytes the guest sees, of an image that is fit; otherwise they raise."""
