# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of resources as libvirt's user aliases.

An alias a user may choose begins with ``ua-`` and holds letters, digits, ``_`` and ``-`` only.  Any other character of
a name is written as ``_xHEX_`` (``my disk`` is ``ua-my_x20_disk``), and so is an underscore that would look like that.
"""

from __future__ import annotations

import re

PREFIX = "ua-"

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]|_(?=x[0-9a-f])")
_ENCODED = re.compile(r"_x([0-9a-f]{1,6})_")


def alias_of(name: str) -> str:
    """The alias that stands for ``name``."""
    return PREFIX + _FOREIGN.sub(lambda found: f"_x{ord(found.group()):x}_", name)


def name_of(alias: str | None) -> str | None:
    """The name an alias stands for; None for the aliases libvirt makes by itself."""
    if not alias or not alias.startswith(PREFIX):
        return None
    if "_x" not in alias:
        return alias[3:]
    return _ENCODED.sub(_character, alias[3:])


def _character(found: re.Match[str]) -> str:
    number = int(found.group(1), 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else found.group()
