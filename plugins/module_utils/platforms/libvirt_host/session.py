# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to one libvirt daemon."""

from __future__ import annotations

import contextlib
import errno
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import (
    ImageFiles,
    NoImageFiles,
    Progress,
    quietly,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import watchdog
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.alike import Parts
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    is_code,
    is_connection_loss,
    libvirt,
    talking,
    translate,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.watchdog import Watchdog

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.shared import Shared

CONNECT_WITHIN = 60.0
"""Seconds within which a host has to accept the connection when the user sets no time-out."""

Answer = TypeVar("Answer")


@dataclass
class Session:
    """One open connection; ``connection`` is libvirt-python's virConnect.

    Objects of libvirt (domains, pools …) are looked up for each verb anew and never kept: so a verb that finds its
    connection gone, because libvirtd was restarted since, can begin on a new one.
    """

    uri: str
    connection: libvirt.virConnect
    timeout: float | None = None
    """Seconds for one call to the host, or None."""
    progress: Progress = field(default=quietly)
    image_files: Callable[[], ImageFiles] = field(default=NoImageFiles, init=False)
    """Gives where images come from that are not on the host."""
    reopen: Callable[[], Session] | None = field(default=None, repr=False)
    watch: Watchdog | None = field(default=None, repr=False)
    parts: Parts = field(default_factory=Parts, repr=False)
    """What was learned of how definitions read, which is true of any host."""
    shared: Shared | None = field(default=None, init=False, repr=False)
    """What many changes need of the whole host, for as long as they are made together."""
    _own: threading.local = field(default_factory=threading.local, init=False, repr=False)
    _beginning: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def notes(self) -> list[str]:
        """What the user should know of this thread's changes although it was no failure."""
        found: list[str] = self._own.__dict__.setdefault("notes", [])
        return found

    def begin(self) -> None:
        """Make sure of a living connection before a reading or a verb, when nothing has been done yet.

        A connection that broke since its last use is opened once more.  Raises Unreachable, TimedOut or
        AuthenticationFailed when the host is not there.
        """
        if not self._was_alive_just_now():
            with talking(f"use the connection to {self.uri}"):
                self.ask(lambda connection: connection.getLibVersion())

    def ask(self, question: Callable[[libvirt.virConnect], Answer]) -> Answer:
        """The answer to a question that changes nothing, and may be the first: then it is the sign of life as well.

        Where the connection broke since its last use, the question is asked once more over one that is opened for it;
        see :meth:`begin`, which is not needed before.  Inside :func:`talking`, since libvirt's other errors are answers.
        """
        if not self._was_alive_just_now():
            with self._beginning:
                if not self._was_alive_just_now():  # nor has another thread asked meanwhile
                    return self._ask_or_reopen(question)
        return self._ask(question)

    def _was_alive_just_now(self) -> bool:
        watch = self.watch
        watchdog.work_with(watch)
        return watch is not None and watch.was_alive_just_now()

    def _ask_or_reopen(self, question: Callable[[libvirt.virConnect], Answer]) -> Answer:
        watch = self.watch
        try:
            return self._ask(question)
        except libvirt.libvirtError as error:
            if not is_connection_loss(error):
                raise
            if self.reopen is None or (watch and watch.fired):
                raise translate(error, f"use the connection to {self.uri}") from error
            self.close()
            fresh = self.reopen()
            self.connection, self.watch = fresh.connection, fresh.watch
            watchdog.work_with(self.watch)
        return self._ask(question)

    def _ask(self, question: Callable[[libvirt.virConnect], Answer]) -> Answer:
        """Ask within the time that a host has to answer; whatever it answers, it is alive."""
        watch = self.watch
        try:
            with watch.watching(patient=False) if watch else contextlib.nullcontext():
                answer = question(self.connection)
        except libvirt.libvirtError as error:
            if watch is not None and not is_connection_loss(error):
                watch.is_alive()
            raise
        if watch is not None:
            watch.is_alive()
        return answer

    def again(self, progress: Progress) -> Session | None:
        """A session for another task over this one's connection, which is asked for a sign of life before it is used.

        None where the connection was cut, or is none to a daemon: such a host lives in this process, as the test driver's,
        and is another one for each connection.
        """
        watch = self.watch
        if watch is None or watch.fired or not watch.has_sockets:
            return None
        watch.is_lost()
        return Session(self.uri, self.connection, self.timeout, progress, self.reopen, watch, self.parts)

    def abandon(self) -> None:
        """Let the calls under way fail, and do not open another connection.  Any thread may do that."""
        self.reopen = None
        if self.watch is not None:
            self.watch.cut()

    def close(self) -> None:
        """End the connection.  One that is lost already is no error, and a host that hangs is not waited for."""
        watch = self.watch
        watched = watch.watching(patient=False) if watch else contextlib.nullcontext()
        with watched, contextlib.suppress(libvirt.libvirtError):
            self.connection.close()
        if watch is not None:
            watch.end()
        if watchdog.current() is self.watch:
            watchdog.work_with(None)


def open_session(
    uri: str,
    username: str | None = None,
    password: str | None = None,
    timeout: float | None = None,
    progress: Progress = quietly,
) -> Session:
    """Connect to the libvirt daemon at ``uri``.

    ``username`` and ``password`` are given only where the transport asks for them.  ``timeout`` is in seconds, for
    opening and for every later call.  Raises Unreachable or AuthenticationFailed with libvirt's own words.
    """
    # libvirt prints every error to stderr unless a handler takes it; the errors are raised anyway.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    asked = [
        libvirt.VIR_CRED_USERNAME,
        libvirt.VIR_CRED_AUTHNAME,
        libvirt.VIR_CRED_PASSPHRASE,
        libvirt.VIR_CRED_NOECHOPROMPT,
    ]
    watch = Watchdog.of_new_connection(timeout or CONNECT_WITHIN)
    try:
        with watch.watching(patient=False):
            connection = libvirt.openAuth(uri, [asked, _answers(username, password), None], 0)
    except libvirt.libvirtError as error:
        watch.end()
        raise _not_opened(error, uri, watch) from error
    watch.limit = timeout
    watch.opened(connection.getLibVersion)
    watch.is_alive()
    watchdog.work_with(watch)

    def reopen() -> Session:
        return open_session(uri, username, password, timeout, progress)

    return Session(uri, connection, timeout, progress, reopen, watch)


def _answers(username: str | None, password: str | None) -> Callable[[list[list[Any]], Any], int]:
    def answer(credentials: list[list[Any]], _data: Any) -> int:
        for credential in credentials:
            if credential[0] in (libvirt.VIR_CRED_USERNAME, libvirt.VIR_CRED_AUTHNAME) and username is not None:
                credential[4] = username
            elif credential[0] in (libvirt.VIR_CRED_PASSPHRASE, libvirt.VIR_CRED_NOECHOPROMPT) and password is not None:
                credential[4] = password
            else:
                return -1
        return 0

    return answer


def _not_opened(error: libvirt.libvirtError, uri: str, watch: Watchdog) -> errors.VirtError:
    """The error for a connection that cannot be opened."""
    words = error.get_error_message() or str(error)
    if watch.fired:
        return errors.Unreachable(f"Cannot connect to {uri}: the host does not answer within {watch.limit:g} seconds")
    if is_code(error, "VIR_ERR_SYSTEM_ERROR") and error.get_int1() in (errno.EACCES, errno.EPERM):
        return errors.AuthenticationFailed(f"Cannot connect to {uri}: {words}")
    if is_connection_loss(error):
        return errors.Unreachable(f"Cannot connect to {uri}: {words}")
    return translate(error, f"connect to {uri}")


__all__ = ["CONNECT_WITHIN", "Session", "open_session", "talking"]
