# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RequestStateChange of virtual systems (DSP1057)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from tests.wbem import invoke
from tests.wbem.invoke import Invocation, Method
from tests.wbem.providers import systems

AFTER = {
    RequestedState.ENABLED: SystemState.ACTIVE,
    RequestedState.DISABLED: SystemState.DEFINED,
    RequestedState.SHUT_DOWN: SystemState.DEFINED,
    RequestedState.OFFLINE: SystemState.SUSPENDED,
    RequestedState.QUIESCE: SystemState.PAUSED,
    RequestedState.REBOOT: SystemState.ACTIVE,
    RequestedState.RESET: SystemState.ACTIVE,
}
PATIENCE = 60.0
"""Seconds that a guest has to shut down when the client sets no time-out."""


def change_of(system: VirtualSystem, wanted: RequestedState, seconds: float = PATIENCE) -> changes.RequestStateChange:
    """The change that brings a system to a state."""
    return changes.RequestStateChange(
        changes.SystemRef(system.name, system.uuid),
        wanted,
        before=str(system.state),
        after=str(AFTER[wanted]),
        timeout=seconds,
    )


def checked(system: VirtualSystem, wanted: RequestedState) -> None:
    """Raise Conflict for a request that makes no sense in the present state."""
    if int(wanted) not in systems.AVAILABLE.get(system.state, ()):
        raise errors.Conflict(f"Virtual system {system.name!r} is {system.state}: {wanted.word} is no valid transition")


def asked(invocation: Invocation) -> tuple[VirtualSystem, RequestedState]:
    """The system whose state is to change, and the state."""
    name = invocation.target["Name"]
    system = next((found for found in invocation.reading.systems if systems.key(found) == name), None)
    if system is None:
        raise errors.NotSupported("The state of the host cannot be changed")
    number = int(invocation.need("RequestedState"))
    invocation.world.requested[system.name] = number
    try:
        wanted = RequestedState(number)
    except ValueError:
        raise errors.NotSupported(f"State {number} is not supported") from None
    if wanted.word not in invocation.reading.capabilities.states:
        raise errors.NotSupported(f"State {wanted.word} is not supported")
    return system, wanted


def _request_state_change(invocation: Invocation) -> Mapping[str, Any]:
    """Bring about a state.  A shutdown takes as long as the guest takes, and meanwhile everything else goes on."""
    system, wanted = asked(invocation)
    checked(system, wanted)
    limit = invocation.get("TimeoutPeriod")
    seconds = limit.timedelta.total_seconds() if limit is not None and limit.is_interval else PATIENCE
    change = change_of(system, wanted, seconds if limit is None or limit.timedelta > timedelta(0) else PATIENCE)
    if wanted is RequestedState.SHUT_DOWN:
        invocation.world.platform.carry_out(change)
        return {}
    with invocation.world.lock:
        invocation.carry_out(change)
    return {}


METHODS = {
    "ComputerSystem.RequestStateChange": Method(_request_state_change, invoke.STATE, locked=False),
}
