# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances in the text of MOF (DSP0004), which some servers send where an embedded instance belongs.

Without the class the types of numbers are not known: they are uint64, sint64 or real64, as they look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import pywbem

_TOKEN = re.compile(
    r"""
    \s+ | //[^\n]* | /\*.*?\*/
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
    | (?P<word>\$?[A-Za-z_]\w*)
    | (?P<mark>[{};=,])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:[xX]([0-9A-Fa-f]{1,4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_CONSTANTS = {"true": True, "false": False, "null": None}


def instance_of(text: str) -> Any:
    """The pywbem.CIMInstance that ``text`` declares (``instance of CLASS { NAME = VALUE; … };``).

    Raises ValueError for anything else.
    """
    tokens = _Tokens(text)
    found = _instance(tokens)
    tokens.skip(";")
    if tokens.next() is not None:
        raise ValueError("there is more than one instance")
    return found


class _Tokens:
    """The words of a text, one after the other."""

    def __init__(self, text: str) -> None:
        self._found = _split(text)
        self._ahead = next(self._found, None)

    def peek(self) -> tuple[str, str]:
        """Kind and text of the next token."""
        return self._ahead or ("", "")

    def next(self) -> tuple[str, str] | None:
        """The next token, which is used up."""
        found, self._ahead = self._ahead, next(self._found, None)
        return found

    def skip(self, mark: str) -> bool:
        """Whether the next token was that mark, which is used up then."""
        if self.peek()[1] == mark:
            self.next()
            return True
        return False

    def expect(self, *words: str) -> None:
        """Use up these words.  Raises ValueError when there are others."""
        for word in words:
            found = self.next()
            if found is None or found[1].lower() != word:
                raise ValueError(f"{word!r} is missing before {found[1] if found else 'the end'!r}")

    def name(self) -> str:
        """Use up a name."""
        kind, text = self.next() or ("", "")
        if kind != "word":
            raise ValueError(f"{text!r} is no name")
        return text


def _split(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"{text[position : position + 20]!r} is no MOF")
        position = found.end()
        if found.lastgroup is not None:
            yield found.lastgroup, found.group()


def _instance(tokens: _Tokens) -> Any:
    tokens.expect("instance", "of")
    found = pywbem.CIMInstance(tokens.name())
    if tokens.peek()[1].lower() == "as":
        tokens.expect("as")
        tokens.name()
    tokens.expect("{")
    while not tokens.skip("}"):
        name = tokens.name()
        tokens.expect("=")
        value = _array(tokens) if tokens.peek()[1] == "{" else _value(tokens)
        tokens.expect(";")
        if value is not None:
            found[name] = value
    return found


def _array(tokens: _Tokens) -> list[Any]:
    tokens.expect("{")
    found: list[Any] = []
    while not tokens.skip("}"):
        found.append(_value(tokens))
        if not tokens.skip(",") and tokens.peek()[1] != "}":
            raise ValueError("a comma is missing in an array")
    return found


def _value(tokens: _Tokens) -> Any:
    kind, text = tokens.peek()
    if kind == "text":
        parts = []
        while tokens.peek()[0] == "text":
            parts.append(_plain((tokens.next() or ("", '""'))[1][1:-1]))
        return "".join(parts)
    if kind == "number":
        tokens.next()
        if not text.lstrip("+-").isdigit():
            return pywbem.Real64(text)
        return pywbem.Sint64(text) if text.startswith("-") else pywbem.Uint64(text)
    if text.lower() == "instance":
        return _instance(tokens)
    if text.lower() in _CONSTANTS:
        tokens.next()
        return _CONSTANTS[text.lower()]
    raise ValueError(f"{text!r} is no value")


def _plain(text: str) -> str:
    """A text without its escapes."""
    return _ESCAPE.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else _ESCAPED.get(found[2], found[2]),
        text,
    )
