# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's rows of settings as documentation of options, so that each setting is described once."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.task.rows import joined_rows, option_type

_UNITS = {
    Kind.SIZE: "An integer of bytes, or text with a unit such as V(4 GiB).",
    Kind.RATE: "An integer of bits per second, or text with a unit such as V(100 Mbit/s).",
    Kind.SECRET: "It is never shown.",
}


def options_yaml(tables: Mapping[str, Mapping[str, SettingRow]], indent: int) -> str:
    """YAML with one option for each setting of several tables.

    ``tables`` are by the word that says whose settings they are; an empty word says nothing.  ``indent`` is the
    number of spaces before each option.
    """
    rows = joined_rows(tables.values())
    documented = {name: _option(row, _owners(name, tables)) for name, row in rows.items()}
    return textwrap.indent(_yaml(documented), " " * indent)


def _owners(name: str, tables: Mapping[str, Mapping[str, SettingRow]]) -> list[str]:
    owners = [word for word, table in tables.items() if name in table and word]
    return owners if len(owners) < len(tables) else []


def _option(row: SettingRow, owners: Sequence[str]) -> dict[str, Any]:
    kind, elements = option_type(row.kind)
    description = [row.meaning]
    if row.kind in _UNITS:
        description.append(_UNITS[row.kind])
    limits = _limits(row)
    if limits:
        description.append(limits)
    if owners:
        description.append("For " + ", ".join(f"V({owner})" for owner in owners) + ".")
    option: dict[str, Any] = {"description": description, "type": kind}
    if elements:
        option["elements"] = elements
    if row.words:
        option["choices"] = list(row.words)
    if row.kind is Kind.RECORDS:
        option["suboptions"] = {name: _option(field, ()) for name, field in row.fields.items()}
    return option


def _limits(row: SettingRow) -> str:
    """The numbers that there are, in words; empty where any is."""
    if row.least is not None and row.most is not None:
        return f"Allowed is V({row.least}) to V({row.most})."
    if row.least is not None:
        return f"Allowed is V({row.least}) or more."
    return "" if row.most is None else f"Allowed is at most V({row.most})."


def _yaml(documented: Mapping[str, Any]) -> str:
    """A mapping in block style down to the values, which are JSON, and so YAML too."""
    lines = []
    for name, value in documented.items():
        if isinstance(value, Mapping):
            lines.append(f"{name}:\n{textwrap.indent(_yaml(value), '  ')}")
        else:
            lines.append(f"{name}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
