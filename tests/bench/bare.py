# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that can be done with a host: calls of bare libvirt-python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import libvirt


@contextmanager
def opened(uri: str) -> Iterator[Any]:
    """A connection."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    with closing(libvirt.open(uri)) as connection:
        yield connection


def documents(uri: str) -> list[str]:
    """The document of every domain."""
    with opened(uri) as connection:
        return [domain.XMLDesc() for domain in connection.listAllDomains()]


def documents_side_by_side(uri: str, threads: int = 16) -> list[str]:
    """The same with so many calls at a time."""
    with opened(uri) as connection, ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda domain: domain.XMLDesc(), connection.listAllDomains()))


def start(uri: str, document: str) -> None:
    """Define and start a domain."""
    with opened(uri) as connection:
        connection.defineXML(document).create()


def define_all(uri: str, documents: Iterable[str]) -> None:
    """Define domains."""
    with opened(uri) as connection:
        for document in documents:
            connection.defineXML(document)


def change_all(uri: str, old: str, new: str) -> None:
    """Define every domain anew with one text of its document replaced."""
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    with opened(uri) as connection:
        for domain in connection.listAllDomains():
            connection.defineXML(domain.XMLDesc(flags).replace(old, new))


def start_all(uri: str, documents: Iterable[str]) -> None:
    """Define and start domains."""
    with opened(uri) as connection:
        for document in documents:
            connection.defineXML(document).create()


def remove_all(uri: str) -> None:
    """Remove every domain."""
    with opened(uri) as connection:
        for domain in connection.listAllDomains():
            if domain.isActive():
                domain.destroy()
            domain.undefine()
