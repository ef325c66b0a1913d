# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many changes of one task need of the whole host: read once for all of them, and kept true to what they do.

Which system uses which storage, and what builds on what, takes the documents of the whole host.  A reading of that is
used again for a short time only, for others may be at the same host.  Of what the task itself does since, a system that
it defines is recorded as its document says, and one that it changes is read anew before anybody is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import StorageIndex

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.new_definitions import NewDefinition
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import Usage
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_facts import VolumeFacts

KEPT = 2.0
"""Seconds for which a reading is used at least."""
_TIMES = 5
"""A reading that took longer is used for so many times as long: reading again is to be a small part of the work."""

Builders = dict[str, set[str]]
"""Paths of what builds on each path."""


class _Reading:
    """When something was read, and for how long that is used."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.kept = 0.0

    def is_fresh(self) -> bool:
        return self.keeps(self.began)

    def keeps(self, moment: float) -> bool:
        """Whether what was learnt at a moment may still be used."""
        return time.monotonic() - moment < self.kept

    def done(self) -> None:
        self.kept = max(KEPT, _TIMES * (time.monotonic() - self.began))


class Shared:
    """The readings; any thread may ask."""

    def __init__(self, session: Session) -> None:
        """Read nothing yet."""
        self.session = session
        self.index = StorageIndex(session)
        self._lock = threading.RLock()
        self._usage: Usage | None = None
        self._changed: set[str] = set()
        self._defined: dict[str, float] = {}
        """When the task defined which system, since the last reading."""
        self._users = _Reading()
        self._builders: Builders = {}
        self._builders_refreshed: set[str] = set()
        self._backing = _Reading()
        self._claims: dict[str, str] = {}
        self._volumes: dict[str, tuple[float, VolumeFacts]] = {}
        self.definitions: dict[str, NewDefinition] = {}
        """Of systems that have been judged and are not defined yet, by name."""

    def users(self, strangers: bool = False) -> Usage:
        """Which systems use which paths.

        With ``strangers``, systems that somebody else has made since they were read count as well.
        """
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import (
            Usage,
            users_by_system,
            users_of,
        )

        with self._lock:
            usage = self._usage
            if usage is None or not self._users.is_fresh():
                known = self._known_of_late()
                self._changed.clear()
                self._users = _Reading()
                usage = self._usage = Usage(users_by_system(self.session, self.index, known))
                self._users.done()
            elif strangers:
                with talking("list the virtual systems"):
                    names = {str(domain.name()) for domain in self.session.connection.listAllDomains(0)}
                self._changed |= names - usage.systems
            for name in sorted(self._changed):
                usage.put(name, users_of(self.session, self.index, name))
                self._changed.remove(name)
            return usage

    def _known_of_late(self) -> dict[str, frozenset[str]]:
        """The paths of the systems that the task itself has just defined, which need not be read yet."""
        usage, moments = self._usage, self._defined
        self._defined = {}
        if usage is None:
            return {}
        return {name: usage.paths(name) for name, moment in moments.items() if self._users.keeps(moment)}

    def builders(self, pools: set[str]) -> Builders:
        """What builds on each path; ``pools`` have looked again at what they hold."""
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import backing_of

        with self._lock:
            if not self._backing.is_fresh() or pools - self._builders_refreshed:
                self._backing = _Reading()
                self._builders = backing_of(self.session, self.index, pools)
                self._builders_refreshed = pools
                self._backing.done()
            return {path: set(tops) for path, tops in self._builders.items()}

    def volume(self, path: str) -> VolumeFacts | None:
        """What a volume is like, where somebody has looked of late."""
        moment, facts = self._volumes.get(path, (0.0, None))
        return facts if time.monotonic() - moment < KEPT else None

    def know_volumes(self, found: Mapping[str, VolumeFacts]) -> None:
        """Somebody has looked at volumes, just now."""
        moment = time.monotonic()
        self._volumes.update({path: (moment, facts) for path, facts in found.items()})

    def claim(self, path: str, system: str) -> str | None:
        """Set storage aside for ``system``, or name the system that this task has already set it aside for."""
        with self._lock:
            owner = self._claims.setdefault(path, system)
            return None if owner == system else owner

    def give_up(self, path: str, system: str) -> None:
        """``system`` does not get the storage after all."""
        with self._lock:
            if self._claims.get(path) == system:
                del self._claims[path]

    def defined(self, system: str, paths: Collection[str]) -> None:
        """A system has been defined that uses these paths; volumes may have been made for it."""
        with self._lock:
            self._backing = _Reading()
            self._changed.discard(system)
            if self._usage is not None:
                self._usage.put(system, paths)
                self._defined[system] = time.monotonic()

    def changed(self, system: str, storage: bool) -> None:
        """A system is no longer as it was read; ``storage``: volumes may have been made for it."""
        with self._lock:
            self._changed.add(system)
            self._defined.pop(system, None)
            if storage:
                self._backing = _Reading()

    def deleted(self, path: str) -> None:
        """Storage is gone, and builds on nothing any more."""
        self._volumes.pop(path, None)
        with self._lock:
            for tops in self._builders.values():
                tops.discard(path)
