# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An XML document whose untouched parts come out exactly as they went in.

A tree forgets how its text was written: quotes, entities, blanks inside tags.  A :class:`Verbatim` remembers the text
of every tag and writes anew only what was changed, so that what nobody touched survives byte for byte.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed

try:
    from lxml import etree
except ImportError:  # told by connect.py, where a platform is opened
    etree = None  # type: ignore[assignment]

Element = Any
"""lxml.etree._Element, which has no public name."""

_PARSER: Any = etree and etree.XMLParser(resolve_entities=False, no_network=True)
_TOKEN = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>"
    r"|</[^>]*>|<(?!!)(?:[^>\"']|\"[^\"]*\"|'[^']*')*>|(?:[^<]|<!\[CDATA\[.*?\]\]>)+",
    re.DOTALL,
)
_STEP = "  "


def parse(xml: str, what: str) -> Element:
    """The root element of a document the host has given; ``what`` names it in errors.  Raises HostFailed."""
    try:
        return etree.fromstring(xml.encode("utf-8"), _PARSER)
    except etree.XMLSyntaxError as error:
        raise HostFailed(f"The host described {what} in a document that cannot be read: {error}") from error


class _Written:
    """How one node stood in the original text."""

    __slots__ = ("attributes", "closing", "content", "hollow", "opening", "raw_content", "raw_tail", "tail")

    def __init__(self, node: Element, opening: str) -> None:
        self.opening = opening
        """The start tag, or the whole of a comment or processing instruction."""
        self.closing = ""
        """The end tag; empty for an empty-element tag."""
        self.hollow = False
        """Start and end tag with nothing in between."""
        self.attributes = dict(node.attrib)
        self.content = node.text
        self.tail = node.tail
        self.raw_content = ""
        """The text up to the first child."""
        self.raw_tail = ""
        """The text after the end tag."""


class Verbatim:
    """A parsed document together with its text."""

    def __init__(self, text: str, root: Element) -> None:
        """Remember ``text``, of which ``root`` is the unchanged tree."""
        self.root = root
        self._before = ""
        self._after = ""
        self._written: dict[Element, _Written] = {}
        self._remember(text)

    def _remember(self, text: str) -> None:
        """Walk tokens and tree side by side."""
        nodes = self.root.iter()
        open_nodes: list[_Written] = []
        last: _Written | None = None
        """The node that was closed last, on the level of what comes next."""
        started = False
        previous: _Written | None = None
        """The node the token before this one began."""
        for token in _TOKEN.findall(text):
            if not open_nodes and (started or not _is_start_tag(token)):
                if started:
                    self._after += token
                else:
                    self._before += token
            elif token.startswith("</"):
                last = open_nodes.pop()
                last.closing = token
                last.hollow = not last.raw_content and previous is last
                started = True
            elif token.startswith(("<!--", "<?")) or _is_start_tag(token):
                node = next(nodes)
                last = _Written(node, token)
                self._written[node] = previous = last
                if _is_start_tag(token) and not token.endswith("/>"):
                    open_nodes.append(last)
                    last = None
                else:
                    started = True
            elif last is not None:
                last.raw_tail = token
            else:
                open_nodes[-1].raw_content = token

    def text(self) -> str:
        """The whole document as it is now."""
        return self._before + self._node(self.root, tail=False) + self._after

    def element_text(self, element: Element) -> str:
        """One element as it is now, without what follows it."""
        return self._node(element, tail=False)

    def _node(self, node: Element, tail: bool = True) -> str:
        written = self._written.get(node)
        if not isinstance(node.tag, str):
            raw = written.opening if written else str(etree.tostring(node, encoding="unicode", with_tail=False))
            return raw + (self._tail(node, written) if tail else "")
        content = written.raw_content if written and node.text == written.content else _escaped(node.text)
        content += "".join(self._node(child) for child in node)
        opening = _start_tag(node, written)
        closing = written.closing if written else ""
        if content:
            if opening.endswith("/>"):
                opening = opening[:-2].rstrip() + ">"
            closing = closing or "</" + re.split(r"[\s>]", opening[1:], maxsplit=1)[0] + ">"
        elif not (written and written.hollow):
            opening = opening if opening.endswith("/>") else opening[:-1] + "/>"
            closing = ""
        return opening + content + closing + (self._tail(node, written) if tail else "")

    @staticmethod
    def _tail(node: Element, written: _Written | None) -> str:
        return written.raw_tail if written and node.tail == written.tail else _escaped(node.tail)


class Unwritten:
    """A document that is being made: it has no text yet of which anything would have to stay."""

    def __init__(self, root: Element) -> None:
        """The document below ``root``."""
        self._root = root

    def text(self) -> str:
        """The whole document as it is now."""
        return self.element_text(self._root)

    def element_text(self, element: Element) -> str:
        """One element as it is now, without what follows it."""
        return str(etree.tostring(element, encoding="unicode", with_tail=False))


def _is_start_tag(token: str) -> bool:
    return token.startswith("<") and not token.startswith(("</", "<!", "<?"))


def _start_tag(node: Element, written: _Written | None) -> str:
    """The start tag: as it was, or with only the changed attributes written anew."""
    if written is None:
        attributes = "".join(f" {name}='{_quoted(value)}'" for name, value in node.attrib.items())
        return f"<{node.tag}{attributes}/>"
    now = dict(node.attrib)
    if now == written.attributes:
        return written.opening
    opening = written.opening
    end = "/>" if opening.endswith("/>") else ">"
    inside = opening[: -len(end)]
    for name, value in written.attributes.items():
        found = re.search(rf"(\s+){re.escape(name)}\s*=\s*(?:'[^']*'|\"[^\"]*\")", inside)
        if found and now.get(name) != value:
            replacement = f"{found.group(1)}{name}='{_quoted(now[name])}'" if name in now else ""
            inside = inside[: found.start()] + replacement + inside[found.end() :]
    for name, value in now.items():
        if name not in written.attributes:
            inside += f" {name}='{_quoted(value)}'"
    return inside + end


def _escaped(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _quoted(text: str) -> str:
    text = _escaped(text).replace("'", "&apos;")
    return text.replace("\n", "&#10;").replace("\t", "&#9;")


def put(parent: Element, index: int, tag: str) -> Element:
    """A new element as child number ``index`` of ``parent``, on a line of its own where its neighbours are."""
    child = etree.Element(tag)
    if len(parent) == 0:
        outer = _indent_of(parent)
        if outer is not None and not (parent.text or "").strip():
            parent.text = f"\n{outer}{_STEP}"
            child.tail = f"\n{outer}"
    else:
        separator = parent.text if not (parent.text or "").strip() else None
        if index == 0:
            child.tail = separator
        else:
            before = parent[index - 1]
            child.tail = before.tail
            before.tail = separator
    parent.insert(index, child)
    return child


def _indent_of(element: Element) -> str | None:
    """The blanks before an element that starts a line; None when it does not."""
    parent = element.getparent()
    if parent is None:
        return ""
    previous = element.getprevious()
    before = (parent.text if previous is None else previous.tail) or ""
    line = before.rpartition("\n")
    return line[2] if line[1] and not line[2].strip() else None


def take_away(element: Element) -> None:
    """Remove an element with the line it stands on."""
    parent, previous, tail = element.getparent(), element.getprevious(), element.tail
    before = (parent.text if previous is None else previous.tail) or ""
    joined = tail if not before.strip() else before.rstrip() + (tail or "")
    element.tail = None
    parent.remove(element)
    if previous is not None:
        previous.tail = joined
    else:
        parent.text = None if len(parent) == 0 and not (joined or "").strip() else joined


def ensure(parent: Element, tag: str, order: tuple[str, ...] = ()) -> Element:
    """The child ``tag`` of ``parent``; a new one is put where ``order`` (names of siblings) has it, else last."""
    found = next(parent.iterchildren(tag), None)
    return put(parent, place_of(parent, tag, order), tag) if found is None else found


def place_of(parent: Element, tag: str, order: tuple[str, ...]) -> int:
    """The index at which a new child ``tag`` belongs: after its kind, before whatever comes after it in ``order``."""
    rank = _ranks(order)
    if tag not in rank:
        return len(parent)
    index = 0
    for number, sibling in enumerate(parent):
        if isinstance(sibling.tag, str) and rank.get(sibling.tag, len(order)) <= rank[tag]:
            index = number + 1
    return index


@cache  # one entry for each table
def _ranks(order: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(order)}


def prune(element: Element, top: Element) -> None:
    """Take ``element`` away when nothing is left in it, and its parents likewise, up to but without ``top``."""
    while element is not top and not element.attrib and len(element) == 0 and not (element.text or "").strip():
        parent = element.getparent()
        take_away(element)
        element = parent
