# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is an image fit to become a disk, and what is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import Refused
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageFacts, is_checksum
from ansible_collections.svpc.virt.plugins.module_utils.model.image_format import HEAD, LARGEST, TAIL, Sample, inspect

from .images import DESCRIPTOR, HOSTILE, MIB, SECTOR, extension, qcow2, vmdk, vpc


def look(data: bytes, stated: str | None = None, size: int | None = None) -> ImageFacts:
    return inspect(Sample(data[:HEAD], size or len(data), data[-TAIL:]), stated, "image x")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (qcow2(5 * MIB), ImageFacts("qcow2", 5 * MIB)),
        (qcow2(5 * MIB, version=2), ImageFacts("qcow2", 5 * MIB)),
        (qcow2(features=1 | 1 << 3 | 1 << 4), ImageFacts("qcow2", MIB)),
        (qcow2(extensions=extension(0x6803F857, b"x" * 48) + extension(0x1234)), ImageFacts("qcow2", MIB)),
        (vmdk(), ImageFacts("vmdk", MIB)),
        (vmdk(DESCRIPTOR.replace("monolithicSparse", "streamOptimized"), version=3), ImageFacts("vmdk", MIB)),
        (vpc(3 * MIB), ImageFacts("vpc", 3 * MIB)),
        (bytes(MIB), ImageFacts("raw", MIB)),
        (b"\xeb\x63\x90" + bytes(700), ImageFacts("raw", 703)),
    ],
)
def test_a_plain_image_is_recognized(data: bytes, found: ImageFacts) -> None:
    assert look(data) == found
    assert look(data, found.format) == found


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("stated", [None, "qcow2", "vmdk", "raw"])
def test_an_image_that_opens_other_files_is_refused(what: str, stated: str | None) -> None:
    with pytest.raises(Refused):
        look(HOSTILE[what], stated)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (qcow2(backing="base.img"), "backing file"),
        (qcow2(features=1 << 2), "data file"),
        (qcow2(extensions=extension(0x44415441, b"raw.img")), "names a data file"),
        (qcow2(extensions=extension(0x0537BE77, b"x" * 16)), "encrypted"),
        (qcow2(features=1 << 1), "damaged"),
        (qcow2(features=1 << 40), "not known"),
        (qcow2(encryption=1), "encrypted"),
        (qcow2(encryption=2), "encrypted"),
        (qcow2(version=4), "version 4"),
        (qcow2(version=1), "version 1"),
        (qcow2(cluster_bits=8), "clusters"),
        (qcow2(cluster_bits=63), "clusters"),
        (qcow2(size=0), "0 bytes"),
        (qcow2(size=LARGEST + 1, l1_entries=2**22), "bytes is none"),
        (qcow2(size=2**40, l1_entries=1), "too small"),
        (qcow2(l1_at=0x30001), "does not begin"),
        (qcow2(l1_at=1 << 40), "behind its end"),
        (qcow2(length=112 + 2**20), "header of"),
        (qcow2(extensions=extension(1) * 100), "too many"),
        (qcow2(extensions=struct.pack(">II", 1, 2**31)), "do not end"),
        (qcow2()[:60], "cut off"),
        (vmdk(capacity=0), "no content"),
        (vmdk(capacity=2**62), "bytes is none"),
        (vmdk(version=9), "version 9"),
        (vmdk(grain=0), "grains"),
        (vmdk(DESCRIPTOR.replace("ffffffff", "12345678")), "parentCID"),
        (vmdk(DESCRIPTOR.replace("parentCID=ffffffff", "")), "parentCID"),
        (vmdk(DESCRIPTOR + 'parentFileNameHint="/etc/passwd"\n'), "parentFileNameHint"),
        (vmdk(DESCRIPTOR.replace("monolithicSparse", "monolithicFlat")), "createType"),
        (vmdk(DESCRIPTOR + 'RW 128 FLAT "/etc/passwd" 0\n'), "exactly one extent"),
        (vmdk(DESCRIPTOR.replace("SPARSE", "FLAT")), "SPARSE"),
        (vmdk(DESCRIPTOR.replace("2048", "4096")), "larger than itself"),
        (vmdk("")[:700], "cut off"),
        (vpc(kind=4), "builds on another"),
        (vpc(kind=2), "dynamic"),
        (vpc(size=2**60), "bytes is none"),
        (b"QED\0" + bytes(600), "QED"),
        (b"LUKS\xba\xbe" + bytes(600), "encrypted"),
        (b"vhdxfile" + bytes(600), "VHDX"),
        (bytes(64) + b"\x7f\x10\xda\xbe" + bytes(600), "VDI"),
        (b"COWD" + bytes(600), "COWD"),
        (b"\xfd7zXZ\0" + bytes(600), "unpack it first"),
        (b"\x1f\x8b\x08" + bytes(600), "unpack it first"),
        (bytes(257) + b"ustar\0" + bytes(600), "unpack it first"),
        (b"", "empty"),
    ],
)
def test_what_is_refused_and_why(data: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        look(data)


@pytest.mark.parametrize("stated", ["raw", "vmdk", "vpc"])
def test_the_format_that_is_stated_has_to_be_the_one_it_begins_as(stated: str) -> None:
    with pytest.raises(Refused, match=f"said to be {stated}, and begins as qcow2 does"):
        look(qcow2(), stated)


def test_the_header_at_the_end_of_a_streamed_image_says_the_same_as_the_first() -> None:
    streamed = vmdk(DESCRIPTOR.replace("monolithicSparse", "streamOptimized"), version=3, directory=2**64 - 1)

    def ended(second: bytes) -> bytes:
        marker = struct.pack("<QII", 1, 0, 3).ljust(SECTOR, b"\0")
        return streamed + marker + second[:SECTOR] + bytes(SECTOR)

    assert look(ended(vmdk(directory=30))) == ImageFacts("vmdk", MIB)
    for second in (vmdk(capacity=0), vmdk(capacity=4096), vmdk(directory=2**64 - 1), bytes(SECTOR)):
        with pytest.raises(Refused):
            look(ended(second))
    with pytest.raises(Refused, match="second header"):
        look(streamed + bytes(3 * SECTOR))
    # While only the beginning is there, the end is not judged.
    assert inspect(Sample(streamed[:HEAD], None), None, "image x").virtual_size == MIB


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"QFI\xfb\0\0\0\3", b"KDMV\1\0\0\0", b"conectix", b""]))
def test_whatever_the_bytes_it_is_told_or_refused(tail: bytes, magic: bytes) -> None:
    data = (magic + tail) or b"x"
    try:
        found = look(data)
    except Refused:
        return
    assert found.virtual_size is not None
    assert 0 < found.virtual_size <= LARGEST


@settings(deadline=None)
@given(st.integers(0, 103), st.integers(0, 255))
def test_no_byte_of_a_header_makes_a_fit_image_out_of_a_hostile_one(where: int, value: int) -> None:
    hostile = bytearray(HOSTILE["a qcow2 whose data is in a file"])
    hostile[where] = value
    try:
        found = look(bytes(hostile))
    except Refused:
        return
    assert found.format == "raw"  # its magic is gone: no hypervisor takes it for a qcow2


def test_checksums() -> None:
    assert is_checksum("sha256:" + "0a" * 32)
    assert is_checksum("sha512:" + "0a" * 64)
    for wrong in ("0a" * 32, "md5:" + "0a" * 16, "sha256:" + "0a" * 31, "sha256:" + "zz" * 32, "sha256:"):
        assert not is_checksum(wrong)


def test_what_is_shown_of_an_image_keeps_the_secrets_of_its_url() -> None:
    image = Image(url="https://user:secret@example.com:8443/a/b.qcow2?token=secret#secret", checksum="sha256:00")
    assert "secret" not in image.words + str(image.shown)
    assert image.shown == {"url": "https://example.com:8443/a/b.qcow2", "checksum": "sha256:00"}


def test_a_disk_has_whole_sectors() -> None:
    assert Image(path="/x", facts=ImageFacts("raw", 513)).least == 1024
    assert Image(path="/x", facts=ImageFacts("raw", 512)).least == 512
    assert Image(path="/x", facts=ImageFacts("raw", None)).least is None
    assert Image(path="/x").least is None
