# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volumes of a host, as domain documents ask for them: from what was read in bulk, asking again only where that
says nothing."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    UNKNOWN_CALL,
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import StorageIndex
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import VolumeFact


class HostVolumes:
    """Implements :class:`volumes.Volumes`."""

    def __init__(self, session: Session, index: StorageIndex) -> None:
        """Know no capacity yet."""
        self.session = session
        self.index = index
        self._capacities: dict[str, int | None] = {}

    def learn(self, stats: Mapping[str, Any]) -> None:
        """Take the capacities from the statistics of one domain."""
        for number in range(stats.get("block.count", 0)):
            path, capacity = stats.get(f"block.{number}.path"), stats.get(f"block.{number}.capacity")
            if path and capacity:
                self._capacities[posixpath.normpath(path)] = int(capacity)

    def ask_about(self, domains: Iterable[libvirt.virDomain]) -> dict[str, dict[str, Any]]:
        """States and sizes of disks of some domains by UUID, in one call that does not wait for busy ones."""
        with talking("read the states of the virtual systems"):
            return self.statistics(domains)

    def statistics(self, domains: Iterable[libvirt.virDomain]) -> dict[str, dict[str, Any]]:
        """The same inside :func:`talking`."""
        wanted = flag("VIR_DOMAIN_STATS_STATE", "VIR_DOMAIN_STATS_BLOCK")
        connection: Any = self.session.connection
        try:
            records = connection.domainListGetStats(
                list(domains), wanted, flag("VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT")
            )
        except libvirt.libvirtError as error:
            if not is_code(error, *UNKNOWN_CALL, "VIR_ERR_NO_DOMAIN"):
                raise
            records = []
        found = {}
        for domain, stats in records:
            self.learn(stats)
            found[domain.UUIDString()] = stats
        return found

    def describe(self, path: str) -> VolumeFact | None:
        """The volume behind a path, or behind ``POOL/VOLUME``."""
        if not path.startswith("/"):
            pool, _slash, volume = path.partition("/")
            place = self.index.places().get(pool)
            if place is None or not volume:
                return None
            path = posixpath.join(place.folder, volume)
        found = self.index.volume_of(path)
        if found is None:
            return None
        return VolumeFact(pool_id=found[0], name=found[1], path=path, capacity=self.capacity(path) or 0)

    def capacity(self, target_or_path: str) -> int | None:
        """The bytes a guest sees of what is at a path; None when the host does not know."""
        path = posixpath.normpath(target_or_path)
        if path not in self._capacities and path.startswith("/"):
            self._capacities[path] = self._ask(path)
        return self._capacities.get(path)

    def _ask(self, path: str) -> int | None:
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import open_volume

        try:
            volume = open_volume(self.session, self.index, path, fresh=False)
            if volume is None:
                return None
            with talking(f"read the size of {path}"):
                return int(volume.info()[1])
        except VirtError:
            return None  # a disk whose storage is missing has no size; what uses it will say so
