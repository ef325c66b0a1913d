# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit for calls to a host that no longer answers.

libvirt's calls wait for ever, and nothing can interrupt them from outside, except the end of the connection: a
watchdog shuts the connection's sockets down, and the waiting call fails at once.  To the calls it costs the setting of
one number.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

Sockets = frozenset[tuple[int, int]]
"""Open sockets of this process, as (file descriptor, inode): a number that was used again is another socket."""

PING_EVERY = 30.0
"""Seconds after which a host is asked whether it still answers, and seconds it has for the answer."""
_LONGEST_NAP = 1.0
_LONGEST_TURN = 1.0
"""Seconds that connections which are opened at the same time leave each other for making a socket."""
_GLANCE = 0.001
_TURN = threading.Lock()
_WATCHING: weakref.WeakSet[Watchdog] = weakref.WeakSet()
_FOLDERS = ("/proc/self/fd", "/dev/fd")


JUST_NOW = 0.1
"""Seconds for which a connection that was alive is taken to be: many threads begin their verbs at the same time."""
LONG_AT_ONCE = 4
"""So many calls that take their time are made at a time over one connection.

libvirtd works on five calls of one connection (max_client_requests) and leaves others in its queue, where their limits
would run already; so one place is always left for calls that are answered at once.
"""


@dataclass
class _Call:
    """What one thread waits for."""

    deadline: float
    patient: bool
    is_long: bool


class Watchdog:
    """Looks after the calls of one connection, which may be those of several threads."""

    @classmethod
    def of_new_connection(cls, limit: float | None) -> Watchdog:
        """A watchdog for the connection that this thread is about to open.

        Threads that open connections at the same time take turns: the next one begins when the first one's socket is
        there, so that each watchdog knows its own and never cuts another's.
        """
        has_turn = _TURN.acquire(timeout=_LONGEST_TURN)
        return cls(limit, open_sockets(), has_turn)

    def __init__(self, limit: float | None, sockets_before: Sockets, has_turn: bool = False) -> None:
        """Watch the sockets opened since ``sockets_before``; ``limit`` is in seconds for one call.

        Without a limit a call may take as long as the host works on it, if only the host answers a ping meanwhile.
        With ``has_turn`` the turn is given up as soon as there is a socket.
        """
        self.limit = limit
        self.fired = False
        """The connection was cut: the host did not answer in time, or nobody waits for its answer any longer."""
        self.ping: Callable[[], object] | None = None
        """Asks the host for something it can always answer; None while the connection is being opened."""
        self._alive_until = 0.0
        self._sockets_before = sockets_before
        self._sockets: Sockets | None = None
        self._calls: dict[int, _Call] = {}
        """By thread."""
        self._long = threading.BoundedSemaphore(LONG_AT_ONCE)
        self._ended = threading.Event()
        self._has_turn = has_turn
        _WATCHING.add(self)
        threading.Thread(target=self._watch, name="libvirt watchdog", daemon=True).start()

    def opened(self, ping: Callable[[], object]) -> None:
        """The connection is open: from here on its sockets are known, and the host can be asked for a sign of life."""
        self._sockets = self._own(open_sockets())
        self.ping = ping

    @property
    def has_sockets(self) -> bool:
        """Whether the open connection leads out of this process."""
        return bool(self._sockets)

    def is_alive(self) -> None:
        """The host has just answered."""
        self._alive_until = time.monotonic() + JUST_NOW

    def is_lost(self) -> None:
        """A call has found the connection broken."""
        self._alive_until = 0.0

    def was_alive_just_now(self) -> bool:
        """Whether the host has answered so lately, on this connection, that it need not be asked again."""
        return time.monotonic() < self._alive_until

    def end(self) -> None:
        """Stop watching."""
        self.is_lost()
        self._ended.set()
        _WATCHING.discard(self)

    @contextlib.contextmanager
    def watching(self, patient: bool) -> Iterator[None]:
        """Limit what happens inside; ``patient`` calls take their time, as long as the host gives signs of life."""
        thread = threading.get_ident()
        before = self._calls.get(thread)
        is_long = patient and not (before is not None and before.is_long)
        with self._long if is_long else contextlib.nullcontext():
            takes_time = patient or self.limit is None
            limit = PING_EVERY if takes_time else self.limit or 0.0
            holds = is_long or (before is not None and before.is_long)
            self._calls[thread] = _Call(time.monotonic() + limit, takes_time, holds)
            try:
                yield
            finally:
                if before is None:
                    del self._calls[thread]
                else:
                    self._calls[thread] = before

    def _own(self, now: Sockets) -> Sockets:
        """The connection's sockets among those that are open now: while it opens, also what took the first one's place."""
        claimed = now & (self._sockets or frozenset())
        if claimed or self.ping is not None:
            return claimed
        others = [watchdog._sockets or frozenset() for watchdog in list(_WATCHING) if watchdog is not self]
        return now - self._sockets_before - frozenset().union(*others)

    def _take_turn(self) -> None:
        """Wait for the connection's first socket, and let the next connection begin."""
        end = time.monotonic() + _LONGEST_TURN
        while self.ping is None and not self._ended.is_set() and time.monotonic() < end:
            found = self._own(open_sockets())
            if found:
                self._sockets = found
                break
            time.sleep(_GLANCE)
        _TURN.release()

    def _watch(self) -> None:
        if self._has_turn:
            self._take_turn()
        nap = min(_LONGEST_NAP, (self.limit or PING_EVERY) / 10)
        while not self._ended.wait(nap):
            now = time.monotonic()
            late = [(thread, call) for thread, call in list(self._calls.items()) if call.deadline <= now]
            if not late:
                continue
            if all(call.patient for _thread, call in late) and self._gives_sign():
                for _thread, call in late:
                    call.deadline = time.monotonic() + PING_EVERY
            elif any(self._calls.get(thread) is call for thread, call in late):
                self.cut()
                return

    def _gives_sign(self) -> bool:
        ping = self.ping
        if ping is None:
            return False
        answered = threading.Event()

        def ask() -> None:
            with contextlib.suppress(Exception):  # an error is an answer as well
                ping()
            answered.set()

        threading.Thread(target=ask, name="libvirt ping", daemon=True).start()
        return answered.wait(self.limit or PING_EVERY)

    def cut(self) -> None:
        """End the connection under the calls that wait for it.  Any thread may do that."""
        self.fired = True
        for descriptor, _inode in self._own(open_sockets()):
            with contextlib.suppress(OSError):
                duplicate = socket.socket(fileno=os.dup(descriptor))
                with duplicate:
                    duplicate.shutdown(socket.SHUT_RDWR)


def open_sockets() -> Sockets:
    """The sockets this process has open now; empty where the system does not tell."""
    found = set()
    for folder in _FOLDERS:
        if not os.path.isdir(folder):
            continue
        for name in os.listdir(folder):
            with contextlib.suppress(OSError, ValueError):
                status = os.fstat(int(name))
                if stat.S_ISSOCK(status.st_mode):
                    found.add((int(name), status.st_ino))
        break
    return frozenset(found)


_local = threading.local()


def current() -> Watchdog | None:
    """The watchdog of the connection this thread works with."""
    found: Watchdog | None = getattr(_local, "watchdog", None)
    return found


def work_with(watchdog: Watchdog | None) -> None:
    """From here on this thread works with the connection that ``watchdog`` looks after."""
    _local.watchdog = watchdog
