# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long names can be on libvirt: each becomes the name of a file."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput

LONGEST = 247
"""Bytes of a name: the longest name of a file (255), without the ``.xml.new`` that libvirt writes to first."""


def check_name(option: str, name: str, owner: str) -> None:
    """Raise InvalidInput where ``name``, given as ``option``, is too long for that of an ``owner``."""
    length = len(name.encode())
    if length > LONGEST:
        raise InvalidInput(
            f"{option}: {name[:40] + '…'!r} has {length} bytes; the name of a {owner} on libvirt has at most {LONGEST}"
        )
