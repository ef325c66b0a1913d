# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new pool, virtual system or snapshot can be called, whatever the host."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput


def check_new_name(option: str, name: str, owner: str) -> None:
    """Raise InvalidInput where ``name``, given as ``option``, cannot be that of a new ``owner``.

    Names become parts of paths: of the volumes of a system, of records and states on a host, of PoolID.  What exists
    has the name that it has, and is not judged.
    """
    if "/" in name:
        raise InvalidInput(f"{option}: {name!r} contains '/', which the name of a {owner} cannot")
