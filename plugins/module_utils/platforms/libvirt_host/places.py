# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value stands in a device's element: the vocabulary of the tables of resources.

A table says for each property of the model one :class:`Place`.  Writing follows the place.  For reading, the places of
a row are put together once, by the element they are in, so that a device is read in one pass over its children.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    prune,
)

Decode = Callable[[str], Any]


class Place(NamedTuple):
    """One value in an attribute, or in the text, of an element inside the device's element."""

    path: str = ""
    """Names of elements from the device's element down; empty: the device's element itself."""
    attribute: str = ""
    """Empty: the text of the element, or with ``present`` its existence."""
    decode: Decode = str
    """The value of the model for the text; None: the text says nothing."""
    encode: Callable[[Any], str | None] = str
    """The text for a value of the model; None: the attribute goes."""
    present: bool = False
    """The value is a flag (or what ``decode`` makes of "yes"), told by the element's existence."""

    def write(self, device: Element, value: Any, orders: Mapping[str, tuple[str, ...]]) -> None:
        """Put ``value`` there; None takes it away, with the elements that held nothing else."""
        text = None if value is None else self.encode(value)
        steps = self.path.split("/") if self.path else []
        if text is None:
            self._clear(device, steps)
            return
        element = device
        for step in steps:
            element = ensure(element, step, orders.get(element.tag, ()))
        if self.attribute:
            element.set(self.attribute, text)
        elif not self.present:
            element.text = text

    def _clear(self, device: Element, steps: list[str]) -> None:
        element = device.find(self.path) if steps else device
        if element is None:
            return
        if self.attribute:
            element.attrib.pop(self.attribute, None)
        elif not self.present:
            element.text = None
        if steps:
            prune(element, device)


def yes(text: str) -> bool:
    """Whether libvirt's word means true."""
    return text in ("yes", "on")


def yes_or_nothing(flag: Any) -> str | None:
    """``yes``, or the attribute goes."""
    return "yes" if flag else None


def yes_or_no(flag: Any) -> str:
    """``yes`` or ``no``."""
    return "yes" if flag else "no"


def anything(flag: Any) -> str | None:
    """Existence for what is true."""
    return "" if flag else None


def text_or_nothing(value: Any) -> str | None:
    """The text; an empty one takes the attribute away."""
    return str(value) if value != "" else None


def number_or_nothing(value: Any) -> str | None:
    """The number; 0 takes the attribute away."""
    return str(value) if value else None


def positive(text: str) -> int | None:
    """The number; 0 says nothing."""
    return int(text) or None


def one(text: str) -> tuple[str, ...]:
    """A list of one text."""
    return (text,)


def only_one(value: Any) -> str | None:
    """The text of a list of one; an empty list takes it away."""
    return value[0] if value else None


Kids = dict[str, Any]
"""The children of an element by tag; of several the first."""


def kids_of(element: Element) -> Kids:
    """The children of an element by tag."""
    return {child.tag: child for child in element.iterchildren(reversed=True)}


class Reader:
    """The places of one row, arranged for reading."""

    __slots__ = ("_children", "_own")

    def __init__(self, places: Mapping[str, Place]) -> None:
        """Arrange ``places`` by element."""
        own: list[tuple[str, str, Decode, bool]] = []
        below: dict[str, dict[str, Place]] = {}
        here: dict[str, list[tuple[str, str, Decode, bool, bool]]] = {}
        for name, place in places.items():
            first, _slash, rest = place.path.partition("/")
            short = name.replace("settings.", "")
            if not first:
                own.append((place.attribute, short, place.decode, short != name))
            elif rest:
                below.setdefault(first, {})[name] = place._replace(path=rest)
            else:
                here.setdefault(first, []).append((place.attribute, short, place.decode, short != name, place.present))
        self._own = tuple(own)
        self._children = tuple(
            (tag, tuple(here.get(tag, ())), Reader(below[tag]) if tag in below else None)
            for tag in dict.fromkeys((*here, *below))
        )

    def read(self, element: Element, kids: Kids, fields: dict[str, Any], settings: dict[str, Any]) -> None:
        """Put every value that is there into ``fields``, or into ``settings`` when it is a setting."""
        for attribute, name, decode, is_setting in self._own:
            text = element.get(attribute)
            if text is not None:
                value = text if decode is str else decode(text)
                if value is not None:
                    (settings if is_setting else fields)[name] = value
        for tag, entries, reader in self._children:
            child = kids.get(tag)
            if child is None:
                continue
            for attribute, name, decode, is_setting, present in entries:
                text = child.get(attribute) if attribute else "yes" if present else child.text
                if text is not None:
                    value = text if decode is str else decode(text)
                    if value is not None:
                        (settings if is_setting else fields)[name] = value
            if reader is not None:
                reader.read(child, kids_of(child), fields, settings)
