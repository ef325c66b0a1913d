# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values a setting can have, and how a user's word becomes one.

A :class:`SettingRow` describes one named setting: of a resource (beside the RASD properties that all types share) or
of a virtual system.  Input, comparison, masking and documentation all follow the row.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen

MASK = "********"
"""What stands for a secret wherever values are shown."""

LAST_VLAN = 4094
"""The largest VLAN identifier (IEEE 802.1Q: 0 tags none, 4095 is reserved)."""
LARGEST_PORT = 65535
"""Of TCP and UDP."""
SMALLEST_MTU, LARGEST_MTU = 68, 65535
"""Bytes that every hop of IPv4 has to forward, and those of the largest datagram (RFC 791)."""

_UNFIT = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
"""Characters that no document can hold: all but those of Char in XML 1.0."""


class Kind(enum.Enum):
    """What a setting holds inside the collection."""

    TEXT = "text"
    WORD = "one of a list of words"
    FLAG = "true or false"
    NUMBER = "integer"
    SIZE = "bytes"
    RATE = "bits per second"
    TEXTS = "list of texts"
    NUMBERS = "list of integers"
    SECRET = "text that is never shown"
    RECORDS = "list of mappings"


@frozen
class SettingRow:
    """One setting: its kind, for words the allowed ones, and one sentence of meaning."""

    kind: Kind
    meaning: str
    words: tuple[str, ...] = ()
    fields: Mapping[str, SettingRow] = field(default_factory=dict)
    """For records: the rows of their fields."""
    absent: Any = None
    """The value that a missing one stands for: declaring it where there is none is no difference."""
    least: int | None = None
    """For numbers, sizes and rates, and for each of a list: the smallest that there is; None: any."""
    most: int | None = None
    """Likewise the largest."""

    def parse(self, value: Any, where: str) -> Any:
        """The inside form of ``value``; ``where`` names the option in errors.  Raises InvalidInput."""
        if self.kind is Kind.SIZE:
            return self._within(units.parse_quantity(value, units.BYTE, where=where), where)
        if self.kind is Kind.RATE:
            return self._within(units.parse_quantity(value, units.BIT_PER_SECOND, where=where), where)
        if self.kind is Kind.FLAG:
            return _flag(value, where)
        if self.kind is Kind.NUMBER:
            return self._within(_number(value, where), where)
        if self.kind in (Kind.TEXTS, Kind.NUMBERS):
            if not isinstance(value, (list, tuple)):
                raise InvalidInput(f"{where}: expected a list, got {value!r}")
            if self.kind is Kind.NUMBERS:
                return tuple(self._within(_number(item, where), where) for item in value)
            return tuple(fit_text(str(item), where) for item in value)
        if self.kind is Kind.RECORDS:
            if not isinstance(value, (list, tuple)) or not all(isinstance(item, Mapping) for item in value):
                raise InvalidInput(f"{where}: expected a list of mappings, got {value!r}")
            return tuple(parse_settings(item, self.fields, where) for item in value)
        if isinstance(value, (dict, list, tuple)):
            raise InvalidInput(f"{where}: expected a text, got a {type(value).__name__}")
        text = str(value)
        if self.kind is Kind.WORD and text not in self.words:
            raise allowed_words(where, text, self.words)
        return fit_text(text, where)

    def _within(self, number: int, where: str) -> int:
        for limit, wrong, words in (
            (self.least, self.least is not None and number < self.least, "less than the smallest that there is"),
            (self.most, self.most is not None and number > self.most, "more than the largest that there is"),
        ):
            if wrong:
                raise InvalidInput(f"{where}: {number} is {words}, {limit}", least=self.least, most=self.most)
        return number


def fit_text(text: str, where: str, line: bool = False) -> str:
    """``text`` with line ends as documents have them, ``\\n``.  Raises InvalidInput for what no document can hold.

    ``line`` is for names: what breaks or moves on a line is no part of them either.
    """
    if (
        text.isprintable()
    ):  # as nearly all are, and then none of these is in it: compiling what looks for them takes long
        return text
    found = re.search(r"[\t\n\r\x85\u2028\u2029]", text) if line else None
    found = found or re.search(_UNFIT, text)
    if found is not None:
        raise InvalidInput(f"{where}: the character U+{ord(found.group()):04X} cannot be part of it")
    return re.sub(r"\r\n?", "\n", text) if "\r" in text else text


def _flag(value: Any, where: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    flag = words.get(str(value).lower())
    if flag is None:
        raise InvalidInput(f"{where}: expected true or false, got {value!r}")
    return flag


def _number(value: Any, where: str) -> int:
    if not isinstance(value, bool):
        try:
            return int(str(value).strip())
        except ValueError:
            pass
    raise InvalidInput(f"{where}: expected a whole number, got {value!r}")


def parse_settings(given: Mapping[str, Any], rows: Mapping[str, SettingRow], where: str) -> dict[str, Any]:
    """Every setting of ``given`` in its inside form.  None means not managed and is dropped; unknown names raise."""
    settings = {}
    for name, value in given.items():
        if name not in rows:
            raise allowed_words(f"{where}: setting", name, rows)
        if value is not None:
            settings[name] = rows[name].parse(value, f"{where}: {name}")
    return settings


def shown(row: SettingRow | None, value: Any) -> Any:
    """``value`` as results show it: lists instead of tuples, secrets masked."""
    if row is not None and row.kind is Kind.SECRET and value is not None:
        return MASK
    return list(value) if isinstance(value, tuple) else value
