# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a domain document cannot say of a disk: which volume of which pool it is, and how large."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class VolumeFact(NamedTuple):
    """A volume of a storage pool."""

    pool_id: str
    name: str
    path: str
    capacity: int
    """Bytes the guest sees."""
    format: str | None = None
    """Format of the image (``qcow2``, ``raw`` …); None where the kind of pool has none."""


class Volumes(Protocol):
    """Knows the volumes of a host; given to :meth:`domain_xml.DomainDocument.configuration` by whoever has read them."""

    def describe(self, path: str) -> VolumeFact | None:
        """The volume behind ``path``, or behind ``POOL/VOLUME`` for a disk that names its volume; None outside pools."""

    def capacity(self, target_or_path: str) -> int | None:
        """The bytes a guest sees of a disk outside every pool, by the path behind it; None when that is not known."""


class NoVolumes:
    """Knows nothing: quantities and pools of disks stay unknown."""

    def describe(self, path: str) -> VolumeFact | None:
        """Nothing."""

    def capacity(self, target_or_path: str) -> int | None:
        """Nothing."""
