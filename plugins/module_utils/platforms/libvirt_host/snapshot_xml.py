# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshot documents of libvirt: reading them, and deciding which kind can hold what is asked for.

Pure: a decision is made from documents and version numbers, before anything is touched.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import InTheWay, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import sentence

EXTERNAL_REVERT = 9_009_000
"""libvirt 9.9 returns to snapshots that lie in files of their own."""
EXTERNAL_DELETE = 9_000_000
FIRMWARE_INTERNAL = 10_010_000
"""libvirt 10.10 takes, applies and deletes internal snapshots with the variables of UEFI, if these are in qcow2."""
FIRMWARE_REFUSED = 9_002_000
"""From libvirt 9.2 on, internal snapshots of a system with UEFI are refused also while it is off."""
PLUGGED_INTERNAL = 11_000_000
"""Older versions load an internal snapshot before they plug in what a running system had got by then: with a processor
plugged in while it ran, the hypervisor cannot load its memory, and the guest is gone."""

_STATES = {
    "running": SystemState.ACTIVE,
    "blocked": SystemState.ACTIVE,
    "paused": SystemState.PAUSED,
    "shutdown": SystemState.SHUTTING_DOWN,
    "shutoff": SystemState.DEFINED,
    "disk-snapshot": SystemState.ACTIVE,  # libvirt does not tell whether it was paused
    "crashed": SystemState.CRASHED,
    "pmsuspended": SystemState.SLEEPING,
}


def version_words(number: int) -> str:
    """``9.0.0`` for libvirt's 9000000."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def read_snapshot(text: str, current: str | None) -> Snapshot:
    """A snapshot from its document; ``current`` is the name of the domain's current one."""
    document = ElementTree.fromstring(text)
    name = document.findtext("name") or ""
    state = document.findtext("state") or ""
    memory = document.find("memory")
    has_memory = memory is not None and memory.get("snapshot", "no") != "no"
    created = document.findtext("creationTime")
    kind: SnapshotType | None
    if has_memory:
        kind = SnapshotType.FULL
    elif state == "shutoff":
        kind = None  # of a system that was off: the disks are all there was, so it is either
    else:
        kind = SnapshotType.DISK
    return Snapshot(
        name=name,
        snapshot_type=kind,
        description=document.findtext("description") or None,
        created=int(created) if created else None,
        parent=document.findtext("parent/name"),
        is_current=name == current,
        virtual_system_state=_STATES.get(state),
        storage="external" if is_external(document) else "internal",
        instance_id=name,
    )


def is_external(document: ElementTree.Element) -> bool:
    """Whether any part of a snapshot lies in a file of its own."""
    parts = [*document.findall("disks/disk"), *document.findall("memory")]
    return any(part.get("snapshot") == "external" for part in parts)


def parents_first(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """The snapshots so that each comes after its parent, else in order of creation and name."""
    waiting = sorted(snapshots, key=lambda snapshot: (snapshot.created or 0, snapshot.name))
    names = {snapshot.name for snapshot in waiting}
    placed: set[str] = set()
    ordered: list[Snapshot] = []
    while waiting:
        ready = [one for one in waiting if one.parent is None or one.parent in placed or one.parent not in names]
        if not ready:
            ready = waiting
        ordered += ready
        placed.update(snapshot.name for snapshot in ready)
        waiting = [snapshot for snapshot in waiting if snapshot.name not in placed]
    return ordered


@frozen
class Disk:
    """What matters of a disk for a snapshot."""

    target: str
    format: str = "raw"
    kind: str = "file"
    """libvirt's type of the disk: file, block, network, volume …"""
    path: str | None = None
    writable: bool = True


@frozen
class Subject:
    """The system a snapshot is to be taken of."""

    name: str
    state: SystemState
    disks: tuple[Disk, ...]
    firmware: bool = False
    """UEFI with variables of its own (pflash)."""
    variables_format: str = "raw"
    plugged_processors: bool = False
    """It has processors that were plugged in while it ran."""


@frozen
class Request:
    """The snapshot to be taken."""

    name: str
    kind: SnapshotType
    description: str | None = None
    quiesce: bool = False


@frozen
class Decision:
    """How a snapshot is to be taken."""

    external: bool
    memory: bool
    """With the memory of the guest."""
    quiesce: bool = False


def read_subject(text: str, state: SystemState) -> Subject:
    """What a domain document says that matters for a snapshot."""
    document = ElementTree.fromstring(text)
    disks = []
    for disk in document.findall("devices/disk"):
        source, driver, target = disk.find("source"), disk.find("driver"), disk.find("target")
        medium = disk.get("device", "disk") in ("cdrom", "floppy")
        path = None
        if source is not None:
            path = source.get("file") or source.get("dev") or source.get("name")
        disks.append(
            Disk(
                target=target.get("dev", "") if target is not None else "",
                format=driver.get("type", "raw") if driver is not None else "raw",
                kind=disk.get("type", "file"),
                path=path,
                writable=not medium and disk.find("readonly") is None and source is not None,
            )
        )
    loader, variables = document.find("os/loader"), document.find("os/nvram")
    firmware = (loader is not None and loader.get("type") == "pflash") or document.find("os").get("firmware") == "efi"  # type: ignore[union-attr]
    return Subject(
        name=document.findtext("name") or "",
        state=state,
        disks=tuple(disks),
        firmware=firmware,
        variables_format=variables.get("format", "raw") if variables is not None else "raw",
        plugged_processors=has_plugged_processors(document),
    )


def has_plugged_processors(domain: ElementTree.Element) -> bool:
    """Whether a running system has processors that its hypervisor was not started with."""
    return domain.find("vcpus/vcpu[@enabled='yes'][@hotpluggable='yes']") is not None


def cannot_be_loaded(document: ElementTree.Element, version: int) -> bool:
    """Whether a snapshot's memory is beyond libvirt ``version``, which would learn it when the guest is gone."""
    memory, domain = document.find("memory"), document.find("domain")
    within = memory is not None and memory.get("snapshot") == "internal"
    return within and domain is not None and version < PLUGGED_INTERNAL and has_plugged_processors(domain)


def decide(subject: Subject, request: Request, version: int) -> Decision:
    """How to take a snapshot on libvirt ``version`` (as a number); raises when it cannot be taken, or never applied.

    Internal where the images can hold it, else in files of their own; a full snapshot that this libvirt could not
    return to is refused rather than taken.
    """
    where = f"virtual system {subject.name!r}"
    running = subject.state in (SystemState.ACTIVE, SystemState.PAUSED)
    if not running and subject.state is not SystemState.DEFINED:
        raise InTheWay(
            f"{sentence(where)} is {subject.state}: a snapshot can be taken of one that is active, paused or off"
        )
    writable = [disk for disk in subject.disks if disk.writable]
    full = request.kind is SnapshotType.FULL
    memory = full and running
    if not writable:
        raise NotSupported(f"Cannot take a snapshot of {where}: it has no disk that the guest may write")
    obstacle = None
    if running and not full:
        obstacle = "the disks alone of a running system can only be kept in files of their own"
    else:
        obstacle = _internal_obstacle(subject, writable, full, memory, version)
    if obstacle is None:
        return Decision(external=False, memory=memory)
    if full and version < EXTERNAL_REVERT:
        raise NotSupported(
            f"Cannot take a full snapshot of {where}: {obstacle}, and this host's libvirt {version_words(version)} "
            f"cannot return to a snapshot in files of its own ({version_words(EXTERNAL_REVERT)} can)"
        )
    for disk in writable:
        if disk.kind != "file" or disk.path is None:
            raise NotSupported(
                f"Cannot take the snapshot {request.name!r} of {where}: {obstacle}, "
                f"and disk {disk.target} is not a file beside which one could be made"
            )
    return Decision(external=True, memory=memory, quiesce=request.quiesce and running)


def _internal_obstacle(subject: Subject, writable: list[Disk], full: bool, memory: bool, version: int) -> str | None:
    """Why a snapshot, ``full`` or not, with the guest's ``memory`` or not, cannot lie inside the images; None if it can."""
    for disk in writable:
        if disk.format != "qcow2":
            return f"disk {disk.target} has the format {disk.format}, which holds no snapshots (qcow2 does)"
    if subject.firmware:
        running = subject.state is not SystemState.DEFINED
        if version < FIRMWARE_INTERNAL and (full or running or version >= FIRMWARE_REFUSED):
            return (
                "it boots with UEFI, whose variables only libvirt "
                f"{version_words(FIRMWARE_INTERNAL)} and later keep in a snapshot"
            )
        if version >= FIRMWARE_INTERNAL and subject.variables_format != "qcow2":
            return f"its UEFI variables are kept in the format {subject.variables_format}, which holds no snapshots"
    if subject.plugged_processors and memory and version < PLUGGED_INTERNAL:
        return (
            "processors were plugged in while it ran, with which only libvirt "
            f"{version_words(PLUGGED_INTERNAL)} and later can load its memory from inside the images (restart it, and "
            "it has them from the beginning)"
        )
    return None


def snapshot_xml(subject: Subject, request: Request, decision: Decision) -> str:
    """The document that asks libvirt for a snapshot.  New files lie beside the disks and never replace one."""
    document = ElementTree.Element("domainsnapshot")
    ElementTree.SubElement(document, "name").text = request.name
    if request.description:
        ElementTree.SubElement(document, "description").text = request.description
    memory = ElementTree.SubElement(document, "memory", snapshot="no")
    if decision.memory:
        memory.set("snapshot", "external" if decision.external else "internal")
        if decision.external:
            first = next(disk.path for disk in subject.disks if disk.writable and disk.path)
            folder = posixpath.dirname(first)
            memory.set("file", posixpath.join(folder, f"{_word(subject.name)}.{_word(request.name)}.memory"))
    disks = ElementTree.SubElement(document, "disks")
    for disk in subject.disks:
        if not disk.target:
            continue
        kind = "no" if not disk.writable else "external" if decision.external else "internal"
        element = ElementTree.SubElement(disks, "disk", name=disk.target, snapshot=kind)
        if kind == "external" and disk.path:
            ElementTree.SubElement(element, "driver", type="qcow2")
            ElementTree.SubElement(element, "source", file=overlay(disk.path, request.name))
    return ElementTree.tostring(document, encoding="unicode")


def overlay(path: str, snapshot: str) -> str:
    """The file beside ``path`` that takes what is written after an external snapshot."""
    stem, suffix = posixpath.splitext(path)
    return f"{stem if suffix in ('.qcow2', '.raw', '.img') else path}.{_word(snapshot)}.qcow2"


def _word(text: str) -> str:
    return text.replace("/", "_")
