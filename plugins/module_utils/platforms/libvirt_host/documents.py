# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking about many domains, or other things: the host answers while earlier answers are read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Callable, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session

FETCHERS = 24
"""So many questions are open at a time: enough for a host that is 20 ms away."""
AT_ONCE = 16
"""So many things are asked about before any answer is read: handing over each would cost more than it saves."""

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


@contextlib.contextmanager
def asked(
    things: Sequence[Thing],
    ask: Callable[[Sequence[Thing]], Iterable[Answer]],
    doing: str = "read the virtual systems",
) -> Iterator[Iterator[Answer]]:
    """For a with block: what ``ask`` answers for some things at a time, in the order of ``things``.

    ``ask`` works in other threads, and leaves it to this one to translate libvirt's errors, which name what it is
    ``doing``.
    """
    from concurrent.futures import ThreadPoolExecutor  # a system that is read alone does without

    groups = [things[start : start + AT_ONCE] for start in range(0, len(things), AT_ONCE)]
    fetchers = ThreadPoolExecutor(FETCHERS)
    answers = fetchers.map(ask, groups)

    def in_order() -> Iterator[Answer]:
        for _group in groups:
            with talking(doing):
                answer = next(answers, ())
            yield from answer

    try:
        yield in_order()
    finally:
        with talking(doing):
            fetchers.shutdown(cancel_futures=True)


def document(domain: libvirt.virDomain, flags: int) -> str | None:
    """The document of a domain; None when it has vanished."""
    try:
        return str(domain.XMLDesc(flags))
    except libvirt.libvirtError as error:
        if is_code(error, "VIR_ERR_NO_DOMAIN"):
            return None
        raise


def by_name(handles: Iterable[Any]) -> list[Any]:
    """What libvirt lists, in the order of names: it lists in none, so the first that answers would be another each time."""
    return sorted(handles, key=lambda handle: str(handle.name()))


def listed(session: Session, name: str) -> frozenset[str]:
    """The UUIDs of the domains that libvirt lists with a flag (``"VIR_CONNECT_LIST_DOMAINS_AUTOSTART"``)."""
    with talking("list the virtual systems"):
        return frozenset(domain.UUIDString() for domain in session.connection.listAllDomains(flag(name)))
