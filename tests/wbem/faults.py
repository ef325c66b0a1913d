# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a server, and with the way to it.  Everything can be switched while the server runs."""

from __future__ import annotations

import collections
import threading
from dataclasses import dataclass, field


@dataclass
class Faults:
    """Switches; as made, everything works."""

    delay: float = 0.0
    """Seconds before every reply."""
    slow_operations: dict[str, float] = field(default_factory=dict)
    """Seconds before the replies to single operations."""
    drop_after: int | None = None
    """Requests that are still answered; from then on the connection is dropped."""
    drop_reply_of: dict[str, int] = field(default_factory=dict)
    """How many times the operation is carried out, and its connection dropped instead of a reply."""
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """CIM status code and words, by operation; nothing is done."""
    errors_once: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """The same for the next calls of an operation only."""
    return_codes: dict[str, int] = field(default_factory=dict)
    """Return codes, by method; nothing is done."""
    vanished: set[str] = field(default_factory=set)
    """Names of systems that are not shown although they are there."""
    vanish_on_read: set[str] = field(default_factory=set)
    """Names of systems whose instances are listed, and not found when they are read."""
    enumerations_that_fail: int = 0
    """How many of the next enumerations fail as a whole, as when a system vanishes meanwhile."""
    job_never_ends: bool = False
    job_fails: str | None = None
    """``completed``: JobState 7 with an ErrorCode; ``exception``: JobState 10; nothing is done."""
    job_vanishes: bool = False
    """The job cannot be found any more as soon as it has ended."""
    job_references_as_text: bool = False
    """Arrays of references in JobOutParameters are arrays of text; otherwise they are left out."""
    body: str | None = None
    """``malformed``, ``truncated``, ``empty``, ``huge``, ``bomb``, ``html``, ``drip`` or ``wrong_types`` instead of the
    reply; ``drip`` comes byte by byte, for ``drip_seconds``."""
    drip_seconds: float = 20.0
    huge_bytes: int = 64 * 2**20
    redirect: str | None = None
    """URL to which every request is redirected."""
    http_status: tuple[int, str] | None = None
    """HTTP status and reason of every reply."""
    host_is_down: bool = False
    """libvirt-cim: the hypervisor's daemon is not running, which looks like an empty host."""


class Requests:
    """How often each operation was asked for, and in which order."""

    def __init__(self) -> None:
        """Nothing was asked for yet."""
        self._lock = threading.Lock()
        self.log: list[tuple[str, str]] = []
        """Operation and what it was about: a class name, a path, or the object of a method."""
        self.count: collections.Counter[str] = collections.Counter()
        self.connections = 0

    def add(self, operation: str, about: str) -> None:
        """Note one request."""
        with self._lock:
            self.log.append((operation, about))
            self.count[operation] += 1

    @property
    def total(self) -> int:
        """The number of requests."""
        return sum(self.count.values())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.log.clear()
            self.count.clear()

    def of(self, operation: str) -> list[str]:
        """What the calls of one operation were about."""
        return [about for name, about in self.log if name == operation]


BODIES = {
    "malformed": b'<?xml version="1.0"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1"><oops></MESSAGE>',
    "empty": b"",
    "html": b"<html><body><h1>It works!</h1></body></html>",
    "bomb": b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b']><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1001" PROTOCOLVERSION="1.0"><SIMPLERSP>'
    + b'<IMETHODRESPONSE NAME="EnumerateInstances"><ERROR CODE="1" DESCRIPTION="&a9;"/></IMETHODRESPONSE>'
    + b"</SIMPLERSP></MESSAGE></CIM>",
}
"""Bodies that are sent whatever was asked."""
