# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places in a pool's or network's XML document that hold one value each.

A :class:`Place` reads its value from a document and writes another one there, and leaves everything else in the document
as it was.  None and an empty value are written by taking the place away.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    Verbatim,
    ensure,
    etree,
    parse,
    prune,
    put,
    take_away,
)


def opened(xml: str, what: str) -> tuple[Verbatim, Element]:
    """A document to edit, and its root; ``what`` names it in errors.  Raises HostFailed when it cannot be read."""
    root = parse(xml, what)
    return Verbatim(xml, root), root


def written(element: Element) -> str:
    """An element that is a document of its own, or part of one, as text."""
    return str(etree.tostring(element, encoding="unicode", with_tail=False))


def new(tag: str, /, **attributes: str | None) -> Element:
    """An element outside every document, with the attributes that have a value."""
    return etree.Element(tag, {key: value for key, value in attributes.items() if value is not None})


def add(parent: Element, element: Element, index: int | None = None) -> None:
    """Put ``element`` into ``parent``, last or as child number ``index``; it leaves the place where it was."""
    if element.getparent() is not None:
        take_away(element)
    stand_in = put(parent, len(parent) if index is None else index, element.tag)
    element.tail = stand_in.tail
    parent.replace(stand_in, element)


def child(parent: Element, path: str) -> Element:
    """The element at ``path`` (names separated by slashes), made where it is missing; empty: ``parent`` itself."""
    for tag in filter(None, path.split("/")):
        parent = ensure(parent, tag)
    return parent


def remove(element: Element) -> None:
    """Take an element away, and its parents as far as they become empty; the root stays."""
    parent, root = element.getparent(), element.getroottree().getroot()
    take_away(element)
    prune(parent, root)


def remove_all(root: Element, path: str) -> None:
    """Take away every element at ``path``."""
    for element in root.findall(path):
        remove(element)


class Place(abc.ABC):
    """Where a value stands in a document."""

    @abc.abstractmethod
    def read(self, root: Any) -> Any:
        """The value, or None when it is not there."""

    @abc.abstractmethod
    def write(self, root: Any, value: Any) -> None:
        """Put ``value`` there.  Raises InvalidInput when it cannot be said in the document."""


@frozen
class Text(Place):
    """The text of an element."""

    path: str

    def read(self, root: Any) -> str | None:
        return root.findtext(self.path) or None

    def write(self, root: Any, value: Any) -> None:
        if value:
            child(root, self.path).text = str(value)
        else:
            remove_all(root, self.path)


@frozen
class Attribute(Place):
    """An attribute of an element; an element without attributes and content goes with its last attribute."""

    path: str
    name: str
    number: bool = False
    """The value is an integer."""
    unset: tuple[str, ...] = ()
    """Texts that stand for "no value"."""

    def read(self, root: Any) -> Any:
        element = root.find(self.path)
        text = None if element is None else element.get(self.name)
        if text is None or text in self.unset:
            return None
        return int(text) if self.number else text

    def write(self, root: Any, value: Any) -> None:
        if value is not None and value != "":
            child(root, self.path).set(self.name, str(value))
            return
        for element in root.findall(self.path):
            element.attrib.pop(self.name, None)
            if not element.attrib and len(element) == 0:
                remove(element)


@frozen
class Attributes(Place):
    """The same attribute of several elements of one name, as a list of texts; elements that stay keep all they hold."""

    path: str
    name: str
    most: int | None = None
    """How many of them the host takes."""

    def read(self, root: Any) -> tuple[str, ...] | None:
        return tuple(element.get(self.name) for element in root.findall(self.path) if element.get(self.name)) or None

    def write(self, root: Any, value: Any) -> None:
        wanted = listed(value, self.most, self.path)
        for element in root.findall(self.path):
            if element.get(self.name) not in wanted:
                remove(element)
        there = self.read(root) or ()
        above, _slash, last = self.path.rpartition("/")
        for text in wanted:
            if text not in there:
                add(child(root, above), new(last, **{self.name: text}))


@frozen
class One(Place):
    """A list of exactly one text, which another place holds."""

    place: Place

    def read(self, root: Any) -> tuple[str, ...] | None:
        text = self.place.read(root)
        return None if text is None else (text,)

    def write(self, root: Any, value: Any) -> None:
        self.place.write(root, value[0] if value else None)


@frozen
class Servers(Place):
    """Servers of a source, as one text ``HOST[:PORT][,HOST[:PORT]…]``."""

    path: str = "source/host"

    def read(self, root: Any) -> str | None:
        hosts = []
        for element in root.findall(self.path):
            name, port = element.get("name", ""), element.get("port")
            name = f"[{name}]" if port and ":" in name else name
            hosts.append(f"{name}:{port}" if port else name)
        return ",".join(hosts) or None

    def write(self, root: Any, value: Any) -> None:
        wanted = [host_and_port(host.strip()) for host in (value or "").split(",") if host.strip()]
        there = root.findall(self.path)
        for element in there[len(wanted) :]:
            remove(element)
        above, _slash, last = self.path.rpartition("/")
        for number, (name, port) in enumerate(wanted):
            element = there[number] if number < len(there) else new(last)
            element.set("name", name)
            element.attrib.pop("port", None)
            if port:
                element.set("port", port)
            if number >= len(there):
                source = child(root, above)
                last_one = source.findall(last)
                add(source, element, source.index(last_one[-1]) + 1 if last_one else None)


@frozen
class Export(Place):
    """A directory of a server, as a list of one text ``HOST:DIRECTORY``."""

    def read(self, root: Any) -> tuple[str, ...] | None:
        host, directory = Servers().read(root), Attribute("source/dir", "path").read(root)
        return (f"{host}:{directory}",) if host and directory else None

    def write(self, root: Any, value: Any) -> None:
        for text in value or ():
            host, _colon, directory = text.rpartition(":/")
            Servers().write(root, host)
            Attribute("source/dir", "path").write(root, "/" + directory)


@frozen
class Adapter(Place):
    """A host bus adapter, as a list of one text: its name (``scsi_host2``), or ``WWNN:WWPN`` of a Fibre Channel port."""

    def read(self, root: Any) -> tuple[str, ...] | None:
        adapter = root.find("source/adapter")
        if adapter is None:
            return None
        if adapter.get("wwnn"):
            return (f"{adapter.get('wwnn')}:{adapter.get('wwpn')}",)
        return (adapter.get("name"),) if adapter.get("name") else None

    def write(self, root: Any, value: Any) -> None:
        remove_all(root, "source/adapter")
        for text in value or ():
            wwnn, colon, wwpn = text.partition(":")
            if colon:
                add(child(root, "source"), new("adapter", type="fc_host", wwnn=wwnn, wwpn=wwpn))
            else:
                add(child(root, "source"), new("adapter", type="scsi_host", name=text))


def listed(value: Any, most: int | None, where: str) -> Sequence[str]:
    """``value`` as a list of texts; raises InvalidInput when there are more than ``most``."""
    texts = [str(text) for text in value or ()]
    if most is not None and len(texts) > most:
        raise InvalidInput(f"{where}: this kind of pool takes {most} of them, and {len(texts)} are given")
    return texts


def host_and_port(text: str) -> tuple[str, str | None]:
    """A host name or address and the port behind it: ``nas``, ``nas:3260``, ``[fd00::1]:3260``, ``fd00::1``."""
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        return host, rest.lstrip(":") or None
    if text.count(":") == 1:
        host, _colon, port = text.partition(":")
        return host, port or None
    return text, None
