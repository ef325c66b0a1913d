# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of domains.  What a host could not do in the end is refused before anything is touched."""

from __future__ import annotations

from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    NotFound,
    NotSupported,
    Refused,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, by_name, dependents_of
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.agent import agent_answers
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import existing, state_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.names import check_name
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.snapshot_xml import (
    EXTERNAL_DELETE,
    EXTERNAL_REVERT,
    PLUGGED_INTERNAL,
    Decision,
    Request,
    Subject,
    cannot_be_loaded,
    decide,
    is_external,
    parents_first,
    read_snapshot,
    read_subject,
    snapshot_xml,
    version_words,
)


def snapshots(session: Session, system: changes.SystemRef) -> list[Snapshot]:
    """The snapshots of a system, parents before children.  Raises NotFound when there is no such system."""
    return _read_all(existing(session, system))


def _read_all(domain: libvirt.virDomain) -> list[Snapshot]:
    found = []
    with talking(f"list the snapshots of virtual system {domain.name()!r}"):
        handles = domain.listAllSnapshots(0)
        current = None
        if handles:
            try:
                current = domain.snapshotCurrent(0).getName()
            except libvirt.libvirtError as error:
                if not is_code(error, "VIR_ERR_NO_DOMAIN_SNAPSHOT"):
                    raise
        for handle in handles:
            try:
                found.append(read_snapshot(handle.getXMLDesc(0), current))
            except libvirt.libvirtError as error:
                if not is_code(error, "VIR_ERR_NO_DOMAIN_SNAPSHOT"):
                    raise
    return parents_first(found)


def create_snapshot(session: Session, change: changes.CreateSnapshot) -> None:
    """Take a snapshot.

    Raises Conflict when the name is taken or the system is in no state for it, NotSupported when this host cannot take
    such a snapshot, or could never apply it, or the guest agent that quiesces does not answer.
    """
    domain = existing(session, change.system)
    subject, request, decision = _decided(session, domain, change)
    with talking(f"take the snapshot {change.name!r} of virtual system {change.system.name!r}", patient=True):
        domain.snapshotCreateXML(snapshot_xml(subject, request, decision), _flags(decision, subject.state))


def check_create(session: Session, change: changes.CreateSnapshot) -> None:
    """Raise what :func:`create_snapshot` would raise, without taking the snapshot."""
    check_name("name", change.name, "snapshot")
    _decided(session, existing(session, change.system), change)


def _decided(
    session: Session, domain: libvirt.virDomain, change: changes.CreateSnapshot
) -> tuple[Subject, Request, Decision]:
    if _find(domain, change.name) is not None:
        raise Conflict(f"Virtual system {change.system.name!r} has a snapshot {change.name!r} already")
    state = state_of(domain)
    with talking(f"read virtual system {change.system.name!r}"):
        text = domain.XMLDesc(0)
    subject = read_subject(text, state)
    request = Request(change.name, change.snapshot_type, change.description, change.quiesce)
    version = _version(session)
    decision = decide(subject, request, version)
    if decision.external and version < EXTERNAL_REVERT:
        below = [snapshot.name for snapshot in _read_all(domain) if snapshot.is_current and not _is_file(snapshot)]
        if below:
            raise _above_internal(change, below[0], version, state)
    if decision.quiesce and not agent_answers(domain):
        raise NotSupported(
            f"Cannot quiesce the file systems of virtual system {change.system.name!r}: its guest agent does not answer"
        )
    return subject, request, decision


def _above_internal(change: changes.CreateSnapshot, below: str, version: int, state: SystemState) -> NotSupported:
    """The error for a snapshot in files of its own above one inside the images: a running system gets its disk-only
    snapshots that way, and one that is off gets all of them where a disk holds no snapshots."""
    off = state is SystemState.DEFINED
    return NotSupported(
        f"Cannot take snapshot {change.name!r} of virtual system {change.system.name!r}{'' if off else ' while it runs'}: "
        f"it would lie in files of its own above {below!r}, which lies inside the images, and this host's libvirt "
        f"{version_words(version)} could neither apply nor destroy it ({version_words(EXTERNAL_REVERT)} and later can). "
        + (
            "All its disks would have to be of the format qcow2"
            if off
            else "Take a full one, or take it while the system is off"
        )
    )


def _is_file(snapshot: Snapshot) -> bool:
    return snapshot.storage == "external"


def _flags(decision: Decision, state: SystemState) -> int:
    flags = 0
    if decision.external:
        if not decision.memory:
            flags |= flag("VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY")
        if state is not SystemState.DEFINED:
            flags |= flag("VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC")
    if decision.quiesce:
        flags |= flag("VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE")
    return flags


def apply_snapshot(session: Session, change: changes.ApplySnapshot) -> None:
    """Return to a snapshot.  Raises NotFound when it is not there, NotSupported when this libvirt cannot return to it."""
    domain = existing(session, change.system)
    snapshot = check_apply(session, change)
    doing = f"apply snapshot {change.name!r} of virtual system {change.system.name!r}"
    with talking(doing, patient=True):
        saved = domain.hasManagedSaveImage()
        try:
            domain.revertToSnapshot(snapshot, 0)
        except libvirt.libvirtError as error:
            # libvirt asks back where it has to start the hypervisor anew; losing the present state is what was asked.
            if not is_code(error, "VIR_ERR_SNAPSHOT_REVERT_RISKY"):
                raise
            domain.revertToSnapshot(snapshot, flag("VIR_DOMAIN_SNAPSHOT_REVERT_FORCE"))
        if saved and domain.hasManagedSaveImage():
            # The saved memory belongs to disks that are no more: activating it would destroy the file systems.
            domain.managedSaveRemove(0)


def check_apply(session: Session, change: changes.ApplySnapshot) -> libvirt.virDomainSnapshot:
    """The snapshot to be applied.  Raises what can be known to keep :func:`apply_snapshot` from it."""
    snapshot, document = _existing(existing(session, change.system), change.name)
    version = _version(session)
    if is_external(document) and version < EXTERNAL_REVERT:
        raise NotSupported(
            f"Cannot apply snapshot {change.name!r} of virtual system {change.system.name!r}: it lies in files of its "
            f"own, and this host's libvirt {version_words(version)} cannot return to such a snapshot "
            f"({version_words(EXTERNAL_REVERT)} and later can)"
        )
    if cannot_be_loaded(document, version):
        raise NotSupported(
            f"Cannot apply snapshot {change.name!r} of virtual system {change.system.name!r}: its processors were plugged "
            f"in while it ran, and this host's libvirt {version_words(version)} cannot load its memory so "
            f"({version_words(PLUGGED_INTERNAL)} and later can)"
        )
    tree = _read_all(existing(session, change.system))
    files = [name for name in dependents_of(tree, change.name) if _is_file(by_name(tree)[name])]
    if files and not is_external(document):
        raise Refused(
            f"Cannot apply snapshot {change.name!r} of virtual system {change.system.name!r}: its disks would be written "
            f"to below the files of {', '.join(files)}, which would be ruined. Destroy {', '.join(files)} first",
            dependents=files,
        )
    return snapshot


def destroy_snapshot(session: Session, change: changes.DestroySnapshot) -> None:
    """Delete a snapshot, and with it exactly the dependents named; without any, its children move to its parent.

    Raises Conflict when the dependents are no longer those of the change.
    """
    snapshot = check_destroy(session, change)
    with talking(f"destroy snapshot {change.name!r} of virtual system {change.system.name!r}", patient=True):
        snapshot.delete(flag("VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN") if change.dependents else 0)


def check_destroy(session: Session, change: changes.DestroySnapshot) -> libvirt.virDomainSnapshot:
    """The snapshot to be destroyed.  Raises what can be known to keep :func:`destroy_snapshot` from it."""
    domain = existing(session, change.system)
    snapshot, document = _existing(domain, change.name)
    where = f"snapshot {change.name!r} of virtual system {change.system.name!r}"
    present = dependents_of(_read_all(domain), change.name)
    if change.dependents and set(present) != set(change.dependents):
        raise Conflict(
            f"Cannot destroy {where}: its dependents are now {', '.join(present) or 'none'}, "
            f"not {', '.join(change.dependents)}"
        )
    version = _version(session)
    if is_external(document) and version < EXTERNAL_DELETE:
        raise NotSupported(
            f"Cannot destroy {where}: it lies in files of its own, and this host's libvirt {version_words(version)} "
            f"cannot merge them ({version_words(EXTERNAL_DELETE)} and later can)"
        )
    return snapshot


def _find(domain: libvirt.virDomain, name: str) -> libvirt.virDomainSnapshot | None:
    with talking(f"look up snapshot {name!r} of virtual system {domain.name()!r}"):
        try:
            return domain.snapshotLookupByName(name, 0)
        except libvirt.libvirtError as error:
            if is_code(error, "VIR_ERR_NO_DOMAIN_SNAPSHOT"):
                return None
            raise


def _existing(domain: libvirt.virDomain, name: str) -> tuple[libvirt.virDomainSnapshot, ElementTree.Element]:
    found = _find(domain, name)
    if found is None:
        raise NotFound(f"Virtual system {domain.name()!r} has no snapshot {name!r} any more")
    with talking(f"read snapshot {name!r} of virtual system {domain.name()!r}"):
        return found, ElementTree.fromstring(found.getXMLDesc(0))


def _version(session: Session) -> int:
    with talking("ask for the version of libvirt"):
        return int(session.connection.getLibVersion())
