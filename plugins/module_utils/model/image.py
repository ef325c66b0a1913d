# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What new storage is made from: an image for a disk, where it comes from, and what is known of it."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.units import size_words

SECTOR = 512
"""Bytes; a disk is a whole number of sectors."""

FORMATS = ("qcow2", "raw", "vmdk", "vpc")
"""Formats of images that a disk can be made from."""

DIGESTS: Mapping[str, int] = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The kinds of checksums, each with its number of hexadecimal digits."""


class ImageMode(enum.Enum):
    """How a disk is made from an image."""

    COPY = "copy"
    """The disk is a copy, and needs the image no more."""
    LINKED = "linked"
    """The disk holds what differs from the image, which has to stay as it is for as long as the disk is there."""


@frozen
class ImageFacts:
    """What the beginning of an image tells."""

    format: str
    """One of FORMATS."""
    virtual_size: int | None
    """Bytes a guest sees; None where that is not known before the image is there as a whole."""


@frozen
class Image:
    """An image to make a disk from: exactly one of ``path``, ``volume`` and ``url`` says where it is."""

    path: str | None = None
    """Absolute: of a file or volume of the host, else of a file of the machine that runs the module."""
    volume: str | None = None
    """Name of a volume of the storage pool ``pool_id``."""
    pool_id: str | None = None
    url: str | None = None
    checksum: str | None = None
    """``sha256:`` (or another of DIGESTS) and hexadecimal digits: of the whole file."""
    format: str | None = None
    """The format it is said to have; None: what its beginning shows it to be."""
    mode: ImageMode = ImageMode.COPY
    facts: ImageFacts | None = field(default=None, compare=False)
    """What was read of it before planning."""

    @property
    def words(self) -> str:
        """How messages call it, without what may be secret in a URL."""
        if self.url is not None:
            return f"image {public_url(self.url)}"
        if self.volume is not None:
            return f"image {self.volume!r} of storage pool {self.pool_id!r}"
        return f"image {self.path}"

    @property
    def shown(self) -> dict[str, str]:
        """What results show of it: how it was declared, without what may be secret in a URL."""
        found = {
            "path": self.path,
            "volume": self.volume,
            "pool_id": self.pool_id if self.volume else None,
            "url": None if self.url is None else public_url(self.url),
            "checksum": self.checksum,
            "format": self.format,
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def least(self) -> int | None:
        """The least bytes a disk made from it can have; None where that is not known yet."""
        if self.facts is None or self.facts.virtual_size is None:
            return None
        return -(-self.facts.virtual_size // SECTOR) * SECTOR


def public_url(url: str) -> str:
    """A URL without user, password, query and fragment: any of them may be what gives access."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_checksum(text: str) -> bool:
    """Whether a text is a checksum: the kind, a colon, and as many hexadecimal digits as that kind has."""
    kind, _colon, digits = text.partition(":")
    return kind in DIGESTS and re.fullmatch(rf"[0-9a-f]{{{DIGESTS[kind]}}}", digits) is not None


def too_small(label: str, image: Image, least: int, quantity: int) -> str:
    """The sentence for a disk that is declared smaller than the image it is made from."""
    return (
        f"{label}: virtual_quantity: {size_words(quantity)} is less than the {size_words(least)} of the {image.words}; "
        f"allowed is {size_words(least)} or more"
    )
