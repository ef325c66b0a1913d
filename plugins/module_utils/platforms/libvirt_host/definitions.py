# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording, changing and removing definitions of domains."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotSupported, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import (
    existing,
    lookup,
    state_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.new_definitions import allocated
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage import Allocations
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import index_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.systems import DEFINITION, belongings

STARTUP = "automatic_startup_action"
_AUTOSTART = {"none": 0, "always_startup": 1}


def define_system(session: Session, change: changes.DefineSystem) -> None:
    """Record a new system, with storage for its disks.

    Raises Conflict when there is a system of that name or UUID by now.  When anything fails, the record and the
    storage allocated for it are gone again, as far as the host lets them; the error says what stays behind.
    """
    name = change.system.name
    if lookup(session, name, change.system.uuid) is not None:
        raise Conflict(f"There is a virtual system {name!r} on {session.uri} by now")
    allocations = Allocations(session, index_of(session))
    domain: libvirt.virDomain | None = None
    try:
        resources = []
        taken: set[str] = set()
        for rasd in change.configuration.resources:
            provided = allocations.allocate(name, rasd, taken)
            taken.update(provided.host_resource or ())
            resources.append(provided)
        new = allocated(session, allocations.index, change, resources)
        domain = define(session, new.text, name)
        startup = new.configuration.settings.get(STARTUP)
        if startup is not None:
            _set_startup(domain, name, startup)
        if session.shared is not None:
            session.shared.defined(name, new.storage)
    except VirtError as error:
        if domain is not None:
            with contextlib.suppress(libvirt.libvirtError):
                domain.undefineFlags(flag("VIR_DOMAIN_UNDEFINE_NVRAM"))
        tell(error, allocations.give_back())
        if domain is None and not isinstance(error, Conflict) and lookup(session, name) is not None:
            raise Conflict(f"There is a virtual system {name!r} on {session.uri} by now: {error.message}") from error
        raise


def tell(error: VirtError, left: list[str]) -> None:
    """Add to an error what could not be undone."""
    if left:
        error.message = f"{error.message}; {'; '.join(left)}"
        error.args = (error.message,)


def define(session: Session, text: str, name: str) -> libvirt.virDomain:
    """Record a definition.

    libvirt's schema is not asked (that would take ten times as long): the documents are made from tables, what somebody
    else put there has to survive, and whether libvirt took everything shows when the system is read again.
    """
    with talking(f"define virtual system {name!r}"):
        return session.connection.defineXMLFlags(text, 0)


class Definition:
    """The definition of a domain while it is being edited."""

    def __init__(self, session: Session, domain: libvirt.virDomain) -> None:
        """Read it afresh.  Raises NotSupported for a domain that has none, because it vanishes when it stops."""
        self.session = session
        self.name = str(domain.name())
        self._domain = domain
        with talking(f"read the definition of virtual system {self.name!r}"):
            if not domain.isPersistent():
                raise NotSupported(
                    f"Virtual system {self.name!r} exists only while it runs: it has no definition to change"
                )
            self.before = str(domain.XMLDesc(DEFINITION))
        self.document = DomainDocument.parse(self.before)
        self._written = False

    def write(self) -> None:
        """Record what was edited.  Raises Conflict when somebody else has changed the definition since it was read.

        libvirt replaces a definition whole, and has no way to do so only if it is still the same: what is left is the
        moment between this look and the call.
        """
        text = self.document.to_xml()
        if text != self.before:
            with talking(f"read the definition of virtual system {self.name!r}"):
                now = str(self._domain.XMLDesc(DEFINITION))
            if now != self.before:
                raise Conflict(
                    f"The definition of virtual system {self.name!r} has been changed by somebody else meanwhile"
                )
            define(self.session, text, self.name)
            self._written = True

    def restore(self) -> list[str]:
        """Put the definition back as it was; what could not be undone is returned, in words."""
        if not self._written:
            return []
        try:
            define(self.session, self.before, self.name)
        except VirtError as error:
            return [f"the definition is changed already and could not be put back: {error.message}"]
        self._written = False
        return []


def destroy_system(session: Session, change: changes.DestroySystem) -> None:
    """Remove the record of a system that is off, its snapshots' records and what belongs to it; its storage stays.

    One that has gone already is no error.  Raises Conflict when it is not off, or has snapshots the change does not
    name.
    """
    name = change.system.name
    domain = lookup(session, name, change.system.uuid)
    if domain is None:
        return
    state = state_of(domain)
    if state is not SystemState.DEFINED:
        raise Conflict(f"Virtual system {name!r} is {state} by now: only one that is off can be destroyed")
    with talking(f"read virtual system {name!r}"):
        snapshots = _listed(lambda: domain.snapshotListNames(0))
        checkpoints = bool(_listed(domain.listAllCheckpoints))
        belonging = belongings(domain.XMLDesc(DEFINITION), checkpoints)
    surplus = sorted(set(snapshots) - set(change.snapshots))
    if surplus:
        raise Conflict(
            f"Virtual system {name!r} has snapshots by now that nobody asked to destroy: {', '.join(surplus)}"
        )
    # Only the flags that are needed: a host that does not know one refuses the call.
    flags = 0
    for needed, word in (
        (snapshots, "VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA"),
        ("nvram" in belonging, "VIR_DOMAIN_UNDEFINE_NVRAM"),
        ("checkpoints" in belonging, "VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA"),
        ("tpm_state" in belonging, "VIR_DOMAIN_UNDEFINE_TPM"),
    ):
        flags |= flag(word) if needed else 0
    with talking(f"destroy virtual system {name!r}"):
        try:
            domain.undefineFlags(flags)
        except libvirt.libvirtError as error:
            if not flags & flag("VIR_DOMAIN_UNDEFINE_TPM") or not is_code(error, "VIR_ERR_INVALID_ARG"):
                raise
            domain.undefineFlags(flags & ~flag("VIR_DOMAIN_UNDEFINE_TPM"))  # before libvirt 8.9 it goes without asking


def _listed(call: Callable[[], Any]) -> list[str]:
    """What a call lists; nothing where this kind of host does not know it."""
    try:
        return [str(entry) for entry in call()]
    except libvirt.libvirtError as error:
        if is_code(error, "VIR_ERR_NO_SUPPORT", "VIR_ERR_ARGUMENT_UNSUPPORTED"):
            return []
        raise


def modify_system_settings(session: Session, change: changes.ModifySystemSettings) -> None:
    """Change settings of the system itself: in its definition, and those that allow it in the running system as well.

    Raises Conflict when a setting is no longer as the plan saw it.
    """
    domain = existing(session, change.system)
    name = change.system.name
    differences: Mapping[str, changes.Difference] = change.differences
    definition = Definition(session, domain)
    found = definition.document.settings()
    for setting, (before, _after) in differences.items():
        if setting != STARTUP and found.get(setting) != before and before is not None:
            raise Conflict(
                f"Setting {setting} of virtual system {name!r} is {found.get(setting)!r} by now, not {before!r}: "
                "somebody else has changed it"
            )
    definition.document.apply_settings({key: value for key, value in differences.items() if key != STARTUP})
    definition.write()
    try:
        if STARTUP in differences:
            _set_startup(domain, name, differences[STARTUP][1])
        if "description" in differences:
            _describe_running(domain, name, differences["description"][1])
    except VirtError as error:
        tell(error, definition.restore())
        raise


def _set_startup(domain: libvirt.virDomain, name: str, action: str) -> None:
    if action not in _AUTOSTART:
        raise NotSupported(
            f"settings: automatic_startup_action of virtual system {name!r}: libvirt does not know {action}; "
            f"allowed are {', '.join(sorted(_AUTOSTART))}"
        )
    with talking(f"set the automatic startup of virtual system {name!r}"):
        if bool(domain.autostart()) != bool(_AUTOSTART[action]):
            domain.setAutostart(_AUTOSTART[action])


def _describe_running(domain: Any, name: str, text: str | None) -> None:
    with talking(f"describe virtual system {name!r}"):
        if domain.isActive():
            domain.setMetadata(
                libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, text or None, None, None, flag("VIR_DOMAIN_AFFECT_LIVE")
            )
