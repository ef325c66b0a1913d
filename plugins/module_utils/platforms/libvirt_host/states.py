# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RequestStateChange on a domain: ask, wait until it has happened, and say so when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, HostFailed, NotSupported, TimedOut
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import RequestStateChange
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import events
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import (
    existing,
    state_and_reason,
    state_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    sentence,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session

ASK_AGAIN = 3.0
"""Seconds after which a guest is asked to shut down once more: one that is still booting ignores the request."""
_FIRST_NAP, _LONGEST_NAP = 0.02, 0.5
_PASSING = (SystemState.STARTING, SystemState.SHUTTING_DOWN)
_OFF = (SystemState.DEFINED, SystemState.SUSPENDED)


def request_state_change(session: Session, change: RequestStateChange) -> None:
    """Bring about the requested state.

    Raises TimedOut when it has not come after ``change.timeout`` seconds, Conflict when nothing leads there from the
    present state, HostFailed with libvirt's words when the host fails.
    """
    _VERBS[change.requested_state](_Transition(session, change))


class _Transition:
    """One request for one domain."""

    def __init__(self, session: Session, change: RequestStateChange) -> None:
        self.session = session
        self.change = change
        self.domain = existing(session, change.system)
        self.deadline = time.monotonic() + change.timeout

    @property
    def label(self) -> str:
        return f"virtual system {self.change.system.name!r}"

    def settled(self) -> SystemState:
        """The present state, after a start or shutdown that is under way."""
        return self.wait(lambda state: state not in _PASSING, "is neither on nor off")

    def wait(self, wanted: Callable[[SystemState], bool], complaint: str) -> SystemState:
        """The state as soon as it is as wanted; TimedOut with the complaint after the change's time."""
        nap = _FIRST_NAP
        while True:
            state = state_of(self.domain)
            if wanted(state):
                return state
            if time.monotonic() > self.deadline:
                raise TimedOut(
                    f"{sentence(self.label)} {complaint} after {self.change.timeout:g} seconds; it is {state}"
                )
            time.sleep(nap)
            nap = min(_LONGEST_NAP, nap * 1.5)

    def await_state(self, wanted: SystemState) -> None:
        """Wait for one state; another one that would last is an error at once."""
        state = self.wait(lambda state: state is wanted or state in (*_OFF, SystemState.CRASHED), f"is not {wanted}")
        if state is not wanted:
            raise HostFailed(f"{sentence(self.label)} does not stay {wanted}: it is {state}{self.reason()}")

    def reason(self) -> str:
        """Why the domain is in its state, as far as libvirt says something worth telling."""
        with talking(f"read the state of {self.label}"):
            try:
                now = state_and_reason(self.domain)
            except libvirt.libvirtError:
                return ""
        words = {
            (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED): "the guest crashed",
            (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_FAILED): "the hypervisor failed",
            (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR): "input or output to its storage failed",
        }.get(now)
        return f" ({words})" if words else ""

    def refuse(self, state: SystemState) -> Conflict:
        """The error for a state from which the request leads nowhere."""
        return Conflict(
            f"{sentence(self.label)} is {state}; the request {self.change.requested_state.word} is not possible from there"
        )

    def start(self, flags: int) -> None:
        """Instantiate the domain, from its saved state if it has one.  Started by somebody else meanwhile is fine."""
        with talking(f"start {self.label}", patient=True):
            try:
                self.domain.createWithFlags(flags)
            except libvirt.libvirtError as error:
                if not is_code(error, "VIR_ERR_OPERATION_INVALID") or not self.domain.isActive():
                    raise

    def turn_off(self) -> None:
        """Take the power away.  A domain that went off by itself meanwhile is fine."""
        with talking(f"turn off {self.label}", patient=True):
            try:
                self.domain.destroyFlags(0)
            except libvirt.libvirtError as error:
                if (
                    not is_code(error, "VIR_ERR_OPERATION_INVALID", "VIR_ERR_NO_DOMAIN")
                    or state_of(self.domain) not in _OFF
                ):
                    raise


def _enable(transition: _Transition) -> None:
    state = transition.settled()
    if state in _OFF:
        transition.start(0)
        # A state that was saved while paused comes back paused.
        state = transition.settled()
    if state is SystemState.PAUSED:
        with talking(f"resume {transition.label}"):
            transition.domain.resume()
        if state_of(transition.domain) is SystemState.PAUSED:
            raise HostFailed(f"{sentence(transition.label)} is paused again at once{transition.reason()}")
    elif state is SystemState.SLEEPING:
        with talking(f"wake up {transition.label}"):
            transition.domain.pMWakeup(0)
    elif state not in (SystemState.ACTIVE, *_OFF):
        raise transition.refuse(state)
    transition.await_state(SystemState.ACTIVE)


def _quiesce(transition: _Transition) -> None:
    state = transition.settled()
    if state in _OFF:
        transition.start(flag("VIR_DOMAIN_START_PAUSED"))
    elif state is SystemState.ACTIVE:
        with talking(f"pause {transition.label}"):
            transition.domain.suspend()
    elif state is not SystemState.PAUSED:
        raise transition.refuse(state)
    transition.await_state(SystemState.PAUSED)


def _save(transition: _Transition) -> None:
    state = transition.settled()
    if state is SystemState.SUSPENDED:
        return
    if state not in (SystemState.ACTIVE, SystemState.PAUSED):
        raise transition.refuse(state)
    with talking(f"save the state of {transition.label}", patient=True):
        if not transition.domain.isPersistent():
            raise NotSupported(
                f"{sentence(transition.label)} exists only while it runs: its state cannot be kept; define it first"
            )
        # Whatever it was doing, the next activation makes it active.
        transition.domain.managedSave(flag("VIR_DOMAIN_SAVE_RUNNING"))
    state = transition.wait(lambda state: state in _OFF, "is still in memory")
    if state is not SystemState.SUSPENDED:
        raise HostFailed(f"{sentence(transition.label)} is off, but its state is not saved")


def _shut_down(transition: _Transition) -> None:
    change = transition.change
    if state_of(transition.domain) is SystemState.SUSPENDED:
        raise transition.refuse(SystemState.SUSPENDED)
    ask_at, nap, asked = time.monotonic(), _FIRST_NAP, False
    while True:
        state = state_of(transition.domain)
        if state in _OFF:
            return
        now = time.monotonic()
        if now >= transition.deadline and (asked or change.timeout <= 0):
            break
        if now >= ask_at and state not in _PASSING:
            _ask_guest(transition, again=asked)
            ask_at, asked = time.monotonic() + ASK_AGAIN, True
        transition.session.progress(
            f"waiting for the guest of {transition.label} to shut down, "
            f"{max(0.0, transition.deadline - now):.0f} seconds left"
        )
        time.sleep(max(0.0, min(nap, transition.deadline - now)))
        nap = min(_LONGEST_NAP, nap * 1.5)
    if change.force:
        transition.session.notes.append(
            f"The guest of {transition.label} did not shut down within {change.timeout:g} seconds: it was turned off"
        )
        transition.turn_off()
        return
    paused = ": it is paused" if state is SystemState.PAUSED else ""
    raise TimedOut(
        f"The guest of {transition.label} did not shut down within {change.timeout:g} seconds{paused}; "
        "allow more time (shutdown_timeout) or let it be turned off (force_off: true)"
    )


def _ask_guest(transition: _Transition, again: bool) -> None:
    # The host picks the guest agent, if there is one, or ACPI; what was ignored once is asked again by ACPI.
    flags = flag("VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN") if again else 0
    with talking(f"shut down {transition.label}", patient=True):
        try:
            transition.domain.shutdownFlags(flags)
        except libvirt.libvirtError as error:
            # It may have stopped, or be about to, just now; and an agent that does not answer is no reason to give up.
            stopped = is_code(error, "VIR_ERR_OPERATION_INVALID", "VIR_ERR_NO_DOMAIN") and state_of(
                transition.domain
            ) in (*_OFF, *_PASSING)
            silent = is_code(error, "VIR_ERR_AGENT_UNRESPONSIVE", "VIR_ERR_AGENT_UNSYNCED")
            if not (stopped or silent or again):
                raise


def _disable(transition: _Transition) -> None:
    state = state_of(transition.domain)
    if state is SystemState.SUSPENDED:
        with talking(f"discard the saved state of {transition.label}"):
            transition.domain.managedSaveRemove(0)
    elif state is not SystemState.DEFINED:
        transition.turn_off()
    transition.wait(lambda state: state is SystemState.DEFINED, "is not off")


def _reset(transition: _Transition) -> None:
    state = transition.settled()
    if state not in (SystemState.ACTIVE, SystemState.PAUSED, SystemState.CRASHED):
        raise transition.refuse(state)
    with talking(f"reset {transition.label}"):
        transition.domain.reset(0)
    # Active it is after a reset in any case (DSP1057); libvirt leaves a paused one paused.
    _enable(transition)


def _reboot(transition: _Transition) -> None:
    state = transition.settled()
    if state is not SystemState.ACTIVE:
        raise transition.refuse(state)
    events.reboot(transition.session, transition.change)
    transition.await_state(SystemState.ACTIVE)


_VERBS: dict[RequestedState, Callable[[_Transition], None]] = {
    RequestedState.ENABLED: _enable,
    RequestedState.DISABLED: _disable,
    RequestedState.SHUT_DOWN: _shut_down,
    RequestedState.OFFLINE: _save,
    RequestedState.QUIESCE: _quiesce,
    RequestedState.REBOOT: _reboot,
    RequestedState.RESET: _reset,
}
