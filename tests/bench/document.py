# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts what was measured into docs/performance.md, between the marks that stand there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import libvirt

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = DOCS / "performance.md"
PICTURE = DOCS / "growth.svg"


def write(name: str, content: str) -> None:
    """Write a table into the document."""
    DOCUMENT.write_text(put(DOCUMENT.read_text(encoding="utf-8"), name, content), encoding="utf-8")


def put(text: str, name: str, content: str) -> str:
    """``text`` with ``content`` as the only thing between the marks of ``name``.  Raises ValueError without marks."""
    begin, end = f"<!-- bench {name} -->\n", f"<!-- end of {name} -->\n"
    found = re.search(f"{re.escape(begin)}.*?{re.escape(end)}", text, re.DOTALL)
    if found is None:
        raise ValueError(f"There are no lines {begin.strip()!r} and {end.strip()!r} to write between")
    return f"{text[: found.start()]}{begin}{content}{end}{text[found.end() :]}"


def block(table: str) -> str:
    """A table as it is printed, as a block of Markdown."""
    return f"\n```\n{table}\n```\n\n"


def machine() -> str:
    """What it was measured on, in words."""
    version = libvirt.getVersion()
    # The guests of the bench are emulated, whatever the machine can do.
    return f"{os.cpu_count()} cores, QEMU TCG, libvirt {version // 1_000_000}.{version // 1000 % 1000}"
