# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seed of a guest: what cloud-init reads at the first boot (NoCloud), on a medium of the system.

A seed holds secrets, so that nothing shows its content: it is told from another one by its digest, which the volume
with the medium has in its name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen

SEED_DRIVE = "cloud-init"
"""Name of the resource that is the drive with the seed."""

SEED_FILES: Mapping[str, str] = {
    "user_data": "user-data",
    "meta_data": "meta-data",
    "network_config": "network-config",
    "vendor_data": "vendor-data",
}
"""The files of a seed, by the options that hold their content."""

_DIGITS = 16


@frozen
class Seed:
    """The content of a seed medium."""

    files: tuple[tuple[str, str], ...] = field(repr=False)
    """Names and texts, in the order of SEED_FILES."""

    @property
    def digest(self) -> str:
        """Hexadecimal digits that tell this content from any other."""
        total = hashlib.sha256()
        for name, text in self.files:
            data = text.encode("utf-8", "surrogatepass")
            total.update(f"{name} {len(data)}\n".encode() + data)
        return total.hexdigest()[:_DIGITS]

    @property
    def mark(self) -> bytes:
        """What a medium with this seed begins with, in the part of it that file systems leave to others."""
        return _mark(self.digest)


def seed_volume(system: str, seed: Seed) -> str:
    """The name of the volume with the seed of a system."""
    return f"{_stem(system)}{seed.digest}.iso"


def is_seed_volume(system: str, name: str) -> bool:
    """Whether a volume of that name was made for the seed of a system."""
    return re.fullmatch(rf"{re.escape(_stem(system))}[0-9a-f]{{{_DIGITS}}}\.iso", name) is not None


def mark_of_volume(name: str) -> bytes:
    """What the volume of that name begins with if it holds the seed that its name tells."""
    return _mark(name.removesuffix(".iso")[-_DIGITS:])


def _mark(digest: str) -> bytes:
    return f"svpc.virt seed {digest}\n".encode()


def _stem(system: str) -> str:
    return f"{system}-{SEED_DRIVE}-".replace("/", "_")
