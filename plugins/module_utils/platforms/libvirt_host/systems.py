# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading domains into the model: one alone, or all in few calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.alike import Alike
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import asked, document, listed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import (
    lookup,
    state_and_reason,
    system_state,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    UNKNOWN_CALL,
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_volumes import HostVolumes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.recorded import as_recorded
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import StorageIndex

DEFINITION = flag("VIR_DOMAIN_XML_INACTIVE", "VIR_DOMAIN_XML_SECURE")
"""How definitions are read: with their secrets, which would be lost when the document is written back."""
RUNNING = flag("VIR_DOMAIN_XML_SECURE")
MIGRATABLE = flag("VIR_DOMAIN_XML_MIGRATABLE")
"""How a running system is read without what it has of this host alone."""
_Found = TypeVar("_Found")


@dataclass
class _Marks:
    """What libvirt says of a domain outside its documents."""

    autostart: bool = False
    saved: bool = False
    snapshots: bool = False
    checkpoints: bool = False
    persistent: bool = True


class _Told(NamedTuple):
    """What libvirt has said of a domain already; None where it has to be asked."""

    uuid: str | None = None
    stats: dict[str, Any] | None = None
    definition: str | None = None
    running: str | None = None


NOTHING = _Told()


def _told(domain: libvirt.virDomain, known: Mapping[str, dict[str, Any]]) -> _Told:
    """The documents of a domain, the running one only if it is known to run; ``known`` are statistics by UUID."""
    uuid = domain.UUIDString()
    stats = known.get(uuid)
    runs = stats is not None and _state(stats, saved=False) in INSTANTIATED
    return _Told(uuid, stats, document(domain, DEFINITION), document(domain, RUNNING) if runs else None)


def _state(stats: dict[str, Any], saved: bool) -> SystemState | None:
    """The state that statistics tell, if they do."""
    if "state.state" not in stats:
        return None
    return system_state(stats["state.state"], stats.get("state.reason", 0), saved)


def virtual_system(session: Session, name: str, uuid: str | None = None) -> VirtualSystem | None:
    """The system of that name; None when there is none.  Raises Conflict when name and UUID disagree.

    The session need not have begun: to look the system up is its sign of life.
    """
    domain = lookup(session, name, uuid)
    if domain is None:
        return None
    return _Reading(session).read(domain, _marks_of(domain))


def virtual_systems(session: Session, names: Collection[str] | None = None) -> list[VirtualSystem]:
    """All systems, or those of some names, by name.  One that vanishes while it is read is left out."""
    with talking("list the virtual systems"):
        domains = session.connection.listAllDomains(0)
    if names is not None:
        domains = [domain for domain in domains if domain.name() in names]
    if not domains:
        return []
    reading = _Reading(session)

    def ask(group: Sequence[libvirt.virDomain]) -> list[_Told]:
        stats = reading.volumes.statistics(group)
        return [_told(domain, stats) for domain in group]

    found = []
    with asked(domains, ask) as answers:
        marks_of = _marks_of_all(session)
        for domain, told in zip(domains, answers):
            vanished = told.definition is None
            system = None if vanished else reading.read(domain, marks_of(str(told.uuid)), told)
            if system is not None:
                found.append(system)
    return sorted(found, key=lambda system: system.name)


def _marks_of_all(session: Session) -> Callable[[str], _Marks]:
    """By UUID."""
    autostart = listed(session, "VIR_CONNECT_LIST_DOMAINS_AUTOSTART")
    saved = listed(session, "VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE")
    snapshots = listed(session, "VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT")
    checkpoints = listed(session, "VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT")
    transient = listed(session, "VIR_CONNECT_LIST_DOMAINS_TRANSIENT")
    return lambda uuid: _Marks(
        uuid in autostart, uuid in saved, uuid in snapshots, uuid in checkpoints, uuid not in transient
    )


_NOT_RUNNING = -1
"""The number of a domain that does not run: it is there because it is persistent, and it alone can have been saved."""


def _marks_of(domain: libvirt.virDomain) -> _Marks:
    def ask(question: Callable[[], Any], otherwise: bool = False) -> bool:
        try:
            return bool(question())
        except libvirt.libvirtError as error:
            if is_code(error, *UNKNOWN_CALL, "VIR_ERR_NO_DOMAIN"):
                return otherwise
            raise

    with talking(f"read virtual system {domain.name()!r}"):
        runs = domain.ID() != _NOT_RUNNING  # which was told with the domain
        persistent = not runs or ask(domain.isPersistent, True)
        return _Marks(
            autostart=persistent and ask(domain.autostart),
            saved=not runs and ask(domain.hasManagedSaveImage),
            snapshots=ask(domain.snapshotNum),
            checkpoints=ask(domain.listAllCheckpoints),
            persistent=persistent,
        )


class _Reading:
    """One reading of a host: what several domains need is read once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.volumes = HostVolumes(session, StorageIndex(session))
        self.alike = Alike(self.volumes, session.parts)

    def read(self, domain: libvirt.virDomain, marks: _Marks, told: _Told = NOTHING) -> VirtualSystem | None:
        """One domain in the model; None when it has vanished.  What libvirt has ``told`` already is not asked again."""
        name = domain.name()
        with talking(f"read virtual system {name!r}"):
            stats = told.stats
            if stats is None:
                stats = self.volumes.ask_about([domain]).get(domain.UUIDString(), {})
            try:
                return self._read(domain, name, marks, stats, told)
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_DOMAIN"):
                    return None
                raise

    def _read(
        self, domain: libvirt.virDomain, name: str, marks: _Marks, stats: dict[str, Any], told: _Told
    ) -> VirtualSystem:
        state = _state(stats, marks.saved) or system_state(*state_and_reason(domain), marks.saved)
        text = told.definition or domain.XMLDesc(DEFINITION)
        uuid = told.uuid or domain.UUIDString()
        defined = _with_startup(self.alike.configuration(text), marks)
        running: Configuration | None = None
        if state in INSTANTIATED:
            running = self._running(told.running or domain.XMLDesc(RUNNING), marks)
            running = as_recorded(self.session, defined, running, lambda: _or_none(lambda: domain.XMLDesc(MIGRATABLE)))
        elif state is SystemState.SUSPENDED:
            saved = _or_none(lambda: domain.managedSaveGetXMLDesc(flag("VIR_DOMAIN_SAVE_IMAGE_XML_SECURE")))
            running = (
                as_recorded(self.session, defined, self._running(saved, marks), lambda: saved) if saved else defined
            )
        return VirtualSystem(
            name=name,
            uuid=uuid,
            state=state,
            defined=defined,
            running=running,
            persistent=marks.persistent,
            snapshots=tuple(sorted(domain.snapshotListNames(0))) if marks.snapshots else (),
            belongings=belongings(text, marks.checkpoints),
            instance_id=uuid,
        )

    def _running(self, text: str, marks: _Marks) -> Configuration:
        return _with_startup(DomainDocument.parse(text).configuration(self.volumes), marks)


def _with_startup(found: Configuration, marks: _Marks) -> Configuration:
    startup = "always_startup" if marks.autostart else "none"
    return Configuration({**found.settings, "automatic_startup_action": startup}, found.resources)


def belongings(text: str, checkpoints: bool) -> tuple[str, ...]:
    """What goes with a domain when it is removed, from its definition."""
    found = []
    # libvirt before 9.2 does not write down the file it makes for firmware it chose by itself.
    if "<nvram" in text or "<os firmware='efi'" in text:
        found.append("nvram")
    if "<tpm " in text and "type='emulator'" in text.partition("<tpm ")[2].partition("</tpm>")[0]:
        found.append("tpm_state")
    if checkpoints:
        found.append("checkpoints")
    return tuple(found)


def _or_none(call: Callable[[], _Found]) -> _Found | None:
    """The answer, or None where this kind of host does not know the call."""
    try:
        return call()
    except libvirt.libvirtError as error:
        if is_code(error, *UNKNOWN_CALL):
            return None
        raise
