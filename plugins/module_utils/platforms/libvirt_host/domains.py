# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding libvirt's domains, and what they are doing."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotFound
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import is_code, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session


def lookup(session: Session, name: str, uuid: str | None = None) -> libvirt.virDomain | None:
    """The domain of that name, with that UUID if one is given; None when there is none of either.

    Only libvirt's own "no such domain" counts as none.  Raises Conflict when name and UUID belong to different
    domains, or the name to one with another UUID.
    """
    found = _by_name(session, name)
    if uuid is None:
        return found
    if found is None:
        found = _by_uuid(session, uuid)
        if found is not None:
            raise Conflict(
                f"UUID {uuid} belongs to virtual system {found.name()!r}, not to {name!r}; "
                "renaming a virtual system is not offered"
            )
        return None
    actual = str(found.UUIDString())
    if actual.lower() != uuid.lower():
        raise Conflict(f"Virtual system {name!r} has the UUID {actual}, not {uuid}")
    return found


def existing(session: Session, system: SystemRef) -> libvirt.virDomain:
    """The domain of a system that was there when the plan was made.  Raises NotFound when it has gone."""
    found = lookup(session, system.name, system.uuid)
    if found is None:
        raise NotFound(f"There is no virtual system {system.name!r} on {session.uri}")
    return found


def _by_name(session: Session, name: str) -> libvirt.virDomain | None:
    with talking(f"look up virtual system {name!r}"):
        try:
            return session.ask(lambda connection: connection.lookupByName(name))
        except libvirt.libvirtError as error:
            if is_code(error, "VIR_ERR_NO_DOMAIN"):
                return None
            raise


def _by_uuid(session: Session, uuid: str) -> libvirt.virDomain | None:
    with talking(f"look up the virtual system with UUID {uuid}"):
        try:
            return session.connection.lookupByUUIDString(uuid)
        except libvirt.libvirtError as error:
            if is_code(error, "VIR_ERR_NO_DOMAIN"):
                return None
            raise


def system_state(state: int, reason: int, saved: bool) -> SystemState:
    """The state of the model for a domain's ``state`` and ``reason``; ``saved``: it has a managed save image."""
    if state in (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED):
        return SystemState.ACTIVE
    if state == libvirt.VIR_DOMAIN_PAUSED:
        if reason == libvirt.VIR_DOMAIN_PAUSED_STARTING_UP:
            return SystemState.STARTING
        if reason == libvirt.VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
            return SystemState.SHUTTING_DOWN
        if reason == libvirt.VIR_DOMAIN_PAUSED_CRASHED:
            return SystemState.CRASHED
        return SystemState.PAUSED
    if state == libvirt.VIR_DOMAIN_SHUTDOWN:
        return SystemState.SHUTTING_DOWN
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        return SystemState.SUSPENDED if saved else SystemState.DEFINED
    if state == libvirt.VIR_DOMAIN_CRASHED:
        return SystemState.CRASHED
    if state == libvirt.VIR_DOMAIN_PMSUSPENDED:
        return SystemState.SLEEPING
    return SystemState.UNKNOWN


def state_and_reason(domain: libvirt.virDomain) -> tuple[int, int]:
    """What libvirt itself says of a domain, inside :func:`talking`."""
    pair: Any = domain.state()
    return int(pair[0]), int(pair[1])


def state_of(domain: libvirt.virDomain) -> SystemState:
    """What a domain is doing now; a transient domain that has vanished is off."""
    with talking(f"read the state of virtual system {domain.name()!r}"):
        try:
            state, reason = state_and_reason(domain)
            saved = state == libvirt.VIR_DOMAIN_SHUTOFF and bool(domain.hasManagedSaveImage())
        except libvirt.libvirtError as error:
            if is_code(error, "VIR_ERR_NO_DOMAIN"):
                return SystemState.DEFINED
            raise
    return system_state(state, reason, saved)
