# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests lead from one state to another (DSP1057).

Nothing is lost on the way: a saved state is resumed before the guest is shut down, and a guest is turned off only
where the caller allows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import RequestStateChange, SystemRef

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities

_STEPS: dict[SystemState, dict[SystemState, RequestedState]] = {
    # target: {state: next request}
    SystemState.ACTIVE: {
        SystemState.DEFINED: RequestedState.ENABLED,
        SystemState.PAUSED: RequestedState.ENABLED,
        SystemState.SUSPENDED: RequestedState.ENABLED,
        SystemState.SLEEPING: RequestedState.ENABLED,
        SystemState.CRASHED: RequestedState.DISABLED,
        SystemState.SHUTTING_DOWN: RequestedState.SHUT_DOWN,
        SystemState.STARTING: RequestedState.ENABLED,
    },
    SystemState.PAUSED: {
        SystemState.DEFINED: RequestedState.ENABLED,
        SystemState.ACTIVE: RequestedState.QUIESCE,
        SystemState.SUSPENDED: RequestedState.ENABLED,
        SystemState.SLEEPING: RequestedState.ENABLED,
        SystemState.CRASHED: RequestedState.DISABLED,
        SystemState.SHUTTING_DOWN: RequestedState.SHUT_DOWN,
        SystemState.STARTING: RequestedState.ENABLED,
    },
    SystemState.SUSPENDED: {
        SystemState.DEFINED: RequestedState.ENABLED,
        SystemState.ACTIVE: RequestedState.OFFLINE,
        SystemState.PAUSED: RequestedState.OFFLINE,
        SystemState.SLEEPING: RequestedState.ENABLED,
        SystemState.CRASHED: RequestedState.DISABLED,
        SystemState.SHUTTING_DOWN: RequestedState.SHUT_DOWN,
        SystemState.STARTING: RequestedState.ENABLED,
    },
    SystemState.DEFINED: {
        SystemState.ACTIVE: RequestedState.SHUT_DOWN,
        SystemState.PAUSED: RequestedState.ENABLED,
        SystemState.SUSPENDED: RequestedState.ENABLED,
        SystemState.SLEEPING: RequestedState.ENABLED,
        SystemState.CRASHED: RequestedState.DISABLED,
        SystemState.SHUTTING_DOWN: RequestedState.SHUT_DOWN,
        SystemState.STARTING: RequestedState.ENABLED,
    },
}

_RESULT: dict[RequestedState, SystemState] = {
    RequestedState.ENABLED: SystemState.ACTIVE,
    RequestedState.DISABLED: SystemState.DEFINED,
    RequestedState.SHUT_DOWN: SystemState.DEFINED,
    RequestedState.OFFLINE: SystemState.SUSPENDED,
    RequestedState.QUIESCE: SystemState.PAUSED,
    RequestedState.REBOOT: SystemState.ACTIVE,
    RequestedState.RESET: SystemState.ACTIVE,
}


def state_after(requested: RequestedState) -> SystemState:
    """The state a fulfilled request ends in."""
    return _RESULT[requested]


def transitions(
    system: SystemRef,
    state: SystemState,
    target: SystemState,
    capabilities: Capabilities,
    timeout: float = 120.0,
    force: bool = False,
) -> list[RequestStateChange]:
    """The requests that bring ``system`` from ``state`` to ``target``, in order.

    ``timeout`` and ``force`` are those of a shutdown.  Raises Conflict from a state nothing can be said about, and
    NotSupported when the host does not offer a request on the way.
    """
    found: list[RequestStateChange] = []
    while state is not target:
        step = _STEPS[target].get(state)
        if step is None:
            raise Conflict(
                f"Virtual system {system.name!r} is in state {state}: it is not known how to make it {target}"
            )
        if capabilities.starts_paused and target in (SystemState.PAUSED, SystemState.SUSPENDED):
            if state is SystemState.DEFINED or (state is SystemState.SUSPENDED and target is SystemState.PAUSED):
                step = RequestedState.QUIESCE
        after = state_after(step)
        change = RequestStateChange(system, step, before=str(state), after=str(after), timeout=timeout, force=force)
        check_request(change, capabilities)
        found.append(change)
        state = after
    return found


def check_request(change: RequestStateChange, capabilities: Capabilities) -> None:
    """Raise NotSupported when the host does not offer a request."""
    word = change.requested_state.word
    if word not in capabilities.states:
        raise NotSupported(
            f"The host cannot bring virtual system {change.system.name!r} from {change.before} to {change.after}: it "
            f"does not offer the request {word}; offered are {', '.join(sorted(capabilities.states)) or 'none'}",
            allowed=sorted(capabilities.states),
        )
