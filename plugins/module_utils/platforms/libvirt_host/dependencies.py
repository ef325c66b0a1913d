# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on what on a libvirt host, as far as libvirt sees.

To what systems and pools tell by themselves come the host's devices and interfaces, backing chains of images, and files
of snapshots.  What lies below a directory, a device mapper or a loop device libvirt does not see.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model import dependencies as model
from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Graph, Reading
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.topology import (
    STORAGE_BELOW,
    composed,
    pool_element,
    storage_element,
    system_element,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.disk_rows import place_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import (
    asked,
    by_name,
    document,
    listed,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    UNKNOWN_CALL,
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_devices import (
    add_interface,
    add_node_device,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import (
    FILE_POOLS,
    StorageIndex,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import snapshot_files
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import Element, parse

_WITHOUT_BACKING = (None, "raw", "iso")
"""Formats of images that build on no other."""


def dependencies(session: Session, systems: Sequence[VirtualSystem], pools: Sequence[ResourcePool]) -> Graph:
    """The elements and dependencies of the host."""
    reading = Reading()
    reading.take(composed(systems, pools))
    _add_devices(session, reading)
    _add_interfaces(session, reading)
    by_uuid = {system.uuid or "": system for system in systems}
    _add_chains(session, reading, by_uuid)
    _add_snapshots(session, reading, by_uuid)
    for pool in pools:
        if pool.active is False and pool.resource_sub_type in FILE_POOLS:
            me = pool_element(reading, pool.pool_id, pool.resource_type)
            reason = f"pool {pool.pool_id!r} is not active: what its volumes are based on is not known"
            reading.gap(me, reason, STORAGE_BELOW)
    _tell_unread_images(reading, systems, pools)
    return reading.graph()


def _documents(things: Iterable[Any], what: str, gone: str) -> Iterable[str]:
    """The documents of what was listed, in the order of names, without those that have vanished."""
    for thing in by_name(things):
        with talking(f"read {what} {thing.name()!r}"):
            try:
                yield str(thing.XMLDesc(0))
            except libvirt.libvirtError as error:
                if not is_code(error, gone):
                    raise


def _listed_or_none(call: Callable[[], Sequence[Any]], doing: str) -> Sequence[Any]:
    """What a driver of libvirt lists; nothing where the host has no such driver."""
    with talking(doing):
        try:
            return call()
        except libvirt.libvirtError as error:
            if is_code(error, *UNKNOWN_CALL):
                return ()
            raise


def _add_devices(session: Session, reading: Reading) -> None:
    devices = _listed_or_none(lambda: session.connection.listAllDevices(0), "list the host's devices")
    for xml in _documents(devices, "host device", "VIR_ERR_NO_NODE_DEVICE"):
        add_node_device(reading, xml)


def _add_interfaces(session: Session, reading: Reading) -> None:
    interfaces = _listed_or_none(lambda: session.connection.listAllInterfaces(0), "list the host's interfaces")
    for xml in _documents(interfaces, "interface", "VIR_ERR_NO_INTERFACE"):
        add_interface(reading, xml)


# Images


def _add_chains(session: Session, reading: Reading, systems: dict[str, VirtualSystem]) -> None:
    """The backing chains that the documents of systems tell: always of what runs, sometimes of what is defined."""
    with talking("list the virtual systems"):
        domains = by_name(session.connection.listAllDomains(0))
    inactive = flag("VIR_DOMAIN_XML_INACTIVE")

    def ask(group: Sequence[Any]) -> list[tuple[str | None, str | None]]:
        return [
            (document(each, inactive), document(each, 0) if _runs(systems, each.UUIDString()) else None)
            for each in group
        ]

    with asked(domains, ask) as answers:
        for texts in answers:
            for text in texts:
                if text is not None:
                    add_chains(reading, parse(text, "a virtual system"))


def _runs(systems: dict[str, VirtualSystem], uuid: str) -> bool:
    return uuid in systems and systems[uuid].state in INSTANTIATED


def add_chains(reading: Reading, domain: Element) -> None:
    """The backing chain of every disk of a domain's document, image by image."""
    for disk in domain.iter("disk"):
        source, layer = disk.find("source"), disk.find("backingStore")
        above = None if source is None else place_of(disk.get("type"), source)
        while above and layer is not None:
            source = layer.find("source")
            place = None if source is None else place_of(layer.get("type"), source)
            if not place:
                break
            reading.depend(storage_element(reading, above), storage_element(reading, place), model.BASED_ON)
            above, layer = place, layer.find("backingStore")


def _add_snapshots(session: Session, reading: Reading, systems: dict[str, VirtualSystem]) -> None:
    """The files that snapshots of systems need."""
    index = StorageIndex(session)
    with_snapshots = listed(session, "VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT")
    for uuid in sorted(with_snapshots & set(systems)):
        with talking(f"look up virtual system {systems[uuid].name!r}"):
            try:
                domain = session.connection.lookupByUUIDString(uuid)
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_DOMAIN"):
                    continue
                raise
        me = system_element(reading, systems[uuid])
        for path, name in snapshot_files(domain, index).items():
            file = storage_element(reading, path)
            reading.depend(me, file, model.HOSTED_DEPENDENCY, f"snapshot {name!r}", "snapshots")


def _tell_unread_images(reading: Reading, systems: Iterable[VirtualSystem], pools: Iterable[ResourcePool]) -> None:
    """Images that nobody has opened, because they lie outside every pool and their system is off."""
    known = {posixpath.normpath(str(member["path"])) for pool in pools for member in pool.members if member.get("path")}
    for system in systems:
        if system.state in INSTANTIATED:
            continue
        for rasd in system.defined.resources:
            if rasd.resource_type is not ResourceType.DISK_DRIVE or rasd.settings.get("format") in _WITHOUT_BACKING:
                continue
            for path in rasd.host_resource or ():
                if path.startswith("/") and posixpath.normpath(path) not in known and rasd.pool_id is None:
                    reason = f"what image {path} is based on is not known: it lies outside every pool, and {system.name!r} is off"
                    reading.gap(storage_element(reading, path), reason, STORAGE_BELOW)
