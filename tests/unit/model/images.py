# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a few bytes: honest ones, and those that attack whoever opens them."""

from __future__ import annotations

import struct

MIB = 2**20
SECTOR = 512

SECRET_FILE = "/etc/passwd"
"""What a hostile image wants to read."""


def qcow2(
    size: int = MIB,
    version: int = 3,
    backing: str = "",
    features: int = 0,
    encryption: int = 0,
    cluster_bits: int = 16,
    l1_entries: int = 1,
    l1_at: int = 0x30000,
    extensions: bytes = b"",
    length: int = 104,
) -> bytes:
    """The first cluster of a qcow2 image."""
    end = struct.pack(">II", 0, 0)
    name_at = (length if version == 3 else 72) + len(extensions) + len(end)
    head = b"QFI\xfb" + struct.pack(
        ">IQIIQII", version, name_at if backing else 0, len(backing), cluster_bits, size, encryption, l1_entries
    )
    head += struct.pack(">QQIIQ", l1_at, 0x10000, 1, 0, 0)
    if version == 3:
        head += struct.pack(">QQQII", features, 0, 0, 4, length)
    return (head + extensions + end + backing.encode()).ljust(0x40000, b"\0")


def extension(kind: int, data: bytes = b"") -> bytes:
    """One header extension of a qcow2 image."""
    return struct.pack(">II", kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")


DESCRIPTOR = """# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 2048 SPARSE "disk.vmdk"

ddb.virtualHWVersion = "4"
"""


def vmdk(
    descriptor: str = DESCRIPTOR, capacity: int = 2048, version: int = 1, grain: int = 128, directory: int = 26
) -> bytes:
    """A sparse VMDK with its embedded descriptor."""
    head = b"KDMV" + struct.pack("<IIQQQQIQQQ", version, 3, capacity, grain, 1, 20, 512, 21, directory, 128)
    return (head.ljust(SECTOR, b"\0") + descriptor.encode().ljust(20 * SECTOR, b"\0")).ljust(0x20000, b"\0")


def vpc(size: int = MIB, kind: int = 3) -> bytes:
    """The beginning of a dynamic VHD."""
    head = b"conectix" + struct.pack(">IIQI4sI4sQQII", 2, 0x10000, 512, 0, b"test", 1, b"Wi2k", size, size, 0, kind)
    return head.ljust(0x10000, b"\0")


FLAT = f'# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 128 FLAT "{SECRET_FILE}" 0\n'

HOSTILE: dict[str, bytes] = {
    "a VMDK descriptor that names a file": FLAT.encode(),
    "a VMDK without content whose descriptor names a file": vmdk(FLAT, capacity=0),
    "a VMDK that builds on a file": vmdk(
        DESCRIPTOR.replace("parentCID=ffffffff", f'parentCID=11111111\nparentFileNameHint="{SECRET_FILE}"')
    ),
    "a qcow2 that builds on a file": qcow2(backing=SECRET_FILE),
    "a qcow2 whose data is in a file": qcow2(features=1 << 2, extensions=extension(0x44415441, SECRET_FILE.encode())),
}
"""The images that make a hypervisor open a file of the host, by what they are."""
