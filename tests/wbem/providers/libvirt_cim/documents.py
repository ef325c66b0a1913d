# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How libvirt-cim writes the documents that it gives to libvirt."""

from __future__ import annotations

import html
import re

from tests.wbem.invoke import Invocation

_MARKUP = re.compile(r"(?:[^&]|&(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)*")


def as_markup(invocation: Invocation, text: str) -> str:
    """What is left of a text that xmlNewChild of libxml2 makes the content of an element.

    An entity becomes what it stands for, and one that does not end takes all of the text away.
    """
    if "text_is_markup" not in invocation.world.dialect.traps:
        return text
    return html.unescape(text) if _MARKUP.fullmatch(text) else ""
