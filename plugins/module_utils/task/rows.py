# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's rows of settings as options: their types, and one set of options for several tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow

_TYPES: dict[Kind, tuple[str, str | None]] = {
    Kind.TEXT: ("str", None),
    Kind.WORD: ("str", None),
    Kind.FLAG: ("bool", None),
    Kind.NUMBER: ("int", None),
    Kind.SIZE: ("raw", None),
    Kind.RATE: ("raw", None),
    Kind.TEXTS: ("list", "str"),
    Kind.NUMBERS: ("list", "int"),
    Kind.SECRET: ("str", None),
    Kind.RECORDS: ("list", "dict"),
}


def option_type(kind: Kind) -> tuple[str, str | None]:
    """Ansible's type of an option that takes such values, and for lists that of its elements."""
    return _TYPES[kind]


def joined_rows(tables: Iterable[Mapping[str, SettingRow]]) -> dict[str, SettingRow]:
    """All rows of several tables: a name that is in more than one takes the words of all of them."""
    joined: dict[str, SettingRow] = {}
    for table in tables:
        for name, row in table.items():
            known = joined.setdefault(name, row)
            if row.words != known.words:
                joined[name] = replace(known, words=tuple(dict.fromkeys((*known.words, *row.words))))
    return joined
