# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RequestStateChange on a virtual system: ask, then look until it has happened.

What a server returns says only that it took the request.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    NotSupported,
    TimedOut,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import RequestStateChange
from ansible_collections.svpc.virt.plugins.module_utils.plan.states import state_after
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import care, snapshots, systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    BUSY,
    INVALID_TRANSITION,
    Family,
    pywbem,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.system_instance import state_of

ASK_AGAIN = 3.0
"""Seconds after which a guest is asked to shut down once more: one that is still booting ignores the request."""
_TIMEOUT_NOT_SUPPORTED = 4098
_FIRST_NAP, _LONGEST_NAP = 0.02, 1.0
_PASSING = (SystemState.STARTING, SystemState.SHUTTING_DOWN)
_OFF = (SystemState.DEFINED, SystemState.SUSPENDED)


def request_state_change(server: Server, change: RequestStateChange) -> None:
    """Bring about the requested state.

    Raises TimedOut when it has not come after ``change.timeout`` seconds, Conflict when nothing leads there from the
    present state, and what the server says when it fails.
    """
    _VERBS[change.requested_state](_Transition(server, change))
    if change.requested_state in (RequestedState.DISABLED, RequestedState.SHUT_DOWN):
        server.turned_off.add(change.system.name)
        server.recorded.pop(change.system.name, None)
    else:
        server.turned_off.discard(change.system.name)


class _Transition:
    """One request for one system."""

    def __init__(self, server: Server, change: RequestStateChange) -> None:
        self.server, self.change = server, change
        self.found = systems.existing(server, change.system)
        self.deadline = time.monotonic() + change.timeout

    @property
    def label(self) -> str:
        return f"virtual system {self.change.system.name!r}"

    @property
    def left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def state(self) -> SystemState:
        """The present state.  One that exists only while it runs is off when it is gone."""
        system = self.server.session.get(self.found.path)
        if system is None:
            self.server.check_hypervisor()
            if self.found.persistent:
                raise Conflict(f"Virtual system {self.change.system.name!r} is not there any more")
            return SystemState.DEFINED
        return state_of(system)

    def wait(self, wanted: Callable[[SystemState], bool], complaint: str) -> SystemState:
        """The state as soon as it is as wanted; TimedOut with the complaint after the change's time."""
        nap = _FIRST_NAP
        while True:
            state = self.state()
            if wanted(state):
                return state
            if not self.left:
                raise TimedOut(
                    f"Virtual system {self.change.system.name!r} {complaint} after {self.change.timeout:g} seconds; it "
                    f"is {state}"
                )
            time.sleep(nap)
            nap = min(_LONGEST_NAP, nap * 1.5)

    def settled(self) -> SystemState:
        """The present state, after a start or shutdown that is under way."""
        return self.wait(lambda state: state not in _PASSING, "is neither on nor off")

    def await_state(self, wanted: SystemState) -> None:
        """Wait for one state; being off instead is an error at once."""
        state = self.wait(lambda state: state is wanted or state in (*_OFF, SystemState.CRASHED), f"is not {wanted}")
        if state is not wanted:
            raise HostFailed(f"Virtual system {self.change.system.name!r} does not become {wanted}: it is {state}")

    def refuse(self, state: SystemState) -> Conflict:
        """The error for a state from which the request leads nowhere."""
        return Conflict(
            f"Virtual system {self.change.system.name!r} is {state}; the request "
            f"{self.change.requested_state.word} is not possible from there"
        )

    def ask(self, requested: RequestedState, seconds: float | None = None) -> None:
        """Send the request, again while the server is busy; a refusal in a state that is already reached is none."""
        words = {RequestedState.SHUT_DOWN: "shut down", RequestedState.ENABLED: "activate"}
        doing = f"{words.get(requested, f'bring to {requested.word}')} {self.label}"
        nap = _FIRST_NAP
        while True:
            try:
                self._send(requested, doing, seconds)
                return
            except VirtError as error:
                code = error.details.get("return_code")
                if code == _TIMEOUT_NOT_SUPPORTED and seconds is not None:
                    seconds = None
                    continue
                if code == BUSY and self.left:
                    time.sleep(nap)
                    nap = min(_LONGEST_NAP, nap * 1.5)
                    continue
                refused = code == INVALID_TRANSITION or isinstance(error, HostFailed)
                if refused and self.state() is state_after(requested) and requested not in _REPEATED:
                    return
                raise

    def _send(self, requested: RequestedState, doing: str, seconds: float | None) -> None:
        arguments: dict[str, Any] = {"RequestedState": pywbem.Uint16(int(requested))}
        if seconds is not None:
            arguments["TimeoutPeriod"] = pywbem.CIMDateTime(timedelta(seconds=max(1, int(seconds))))
        within = max(self.left, self.server.session.timeout)
        run(
            self.server.session,
            Family.STATE,
            "RequestStateChange",
            self.found.path,
            doing,
            arguments,
            within,
        )


_REPEATED = (RequestedState.REBOOT, RequestedState.RESET)


def _enable(transition: _Transition) -> None:
    state = transition.settled()
    if state is SystemState.ACTIVE:
        return
    if state is SystemState.SUSPENDED and transition.server.dialect.saves_by_snapshot:
        snapshots.resume(transition.server, transition.found)
    else:
        if state is SystemState.DEFINED:
            care.heal_weight(transition.server, transition.found)
        transition.ask(RequestedState.ENABLED)
    # A state that was saved while paused comes back paused.
    if transition.settled() is SystemState.PAUSED:
        transition.ask(RequestedState.ENABLED)
    transition.await_state(SystemState.ACTIVE)


def _quiesce(transition: _Transition) -> None:
    state = transition.settled()
    if state is SystemState.PAUSED:
        return
    transition.ask(RequestedState.QUIESCE)
    transition.await_state(SystemState.PAUSED)


def _save(transition: _Transition) -> None:
    state = transition.settled()
    if state is SystemState.SUSPENDED:
        return
    if state not in (SystemState.ACTIVE, SystemState.PAUSED):
        raise transition.refuse(state)
    if transition.server.dialect.saves_by_snapshot:
        snapshots.suspend(transition.server, transition.found)
    else:
        transition.ask(RequestedState.OFFLINE)
    state = transition.wait(lambda state: state in _OFF, "is still in memory")
    if state is not SystemState.SUSPENDED:
        raise HostFailed(f"Virtual system {transition.change.system.name!r} is off, but its state is not saved")


def _shut_down(transition: _Transition) -> None:
    change = transition.change
    if transition.state() is SystemState.SUSPENDED:
        raise transition.refuse(SystemState.SUSPENDED)
    ask_at, nap, asked, answer = time.monotonic(), _FIRST_NAP, False, ""
    while True:
        state = transition.state()
        if state in _OFF:
            return
        if not transition.left and asked:
            break
        if time.monotonic() >= ask_at and state not in _PASSING:
            answer = _ask_guest(transition)
            ask_at, asked = time.monotonic() + ASK_AGAIN, True
            continue
        if not transition.left:
            break
        transition.server.session.progress(
            f"waiting for the guest of {transition.label} to shut down, {transition.left:.0f} seconds left"
        )
        time.sleep(min(nap, transition.left))
        nap = min(_LONGEST_NAP, nap * 1.5)
    if not change.force:
        paused = ": it is paused" if state is SystemState.PAUSED else ""
        raise TimedOut(
            f"The guest of {transition.label} did not shut down within {change.timeout:g} seconds{paused}{answer}; "
            "allow more time (shutdown_timeout) or let it be turned off (force_off: true)"
        )
    transition.server.session.notes.append(
        f"The guest of {transition.label} did not shut down within {change.timeout:g} seconds: it was turned off"
    )
    _turn_off(transition, state)


def _ask_guest(transition: _Transition) -> str:
    """Ask once.  Servers may wait for the guest themselves: no longer than there is time, nor than a call may take.

    They tell in many ways that it did not react, none of which means that it never will: their words are returned.
    """
    patience = min(transition.left, transition.server.session.timeout / 2)
    try:
        transition.ask(RequestedState.SHUT_DOWN, patience)
    except (TimedOut, Conflict, HostFailed) as error:
        return f" ({error.message})"
    return ""


def _turn_off(transition: _Transition, state: SystemState) -> None:
    transition.deadline = max(transition.deadline, time.monotonic() + transition.server.session.timeout)
    try:
        transition.ask(RequestedState.DISABLED)
    except (Conflict, HostFailed, NotSupported):
        # Some servers turn off only what executes.
        if transition.state() is not SystemState.PAUSED:
            raise
        transition.ask(RequestedState.ENABLED)
        transition.ask(RequestedState.DISABLED)
    transition.wait(lambda now: now is SystemState.DEFINED, "is not off")


def _disable(transition: _Transition) -> None:
    state = transition.state()
    if state is SystemState.DEFINED:
        return
    if state is SystemState.SUSPENDED and transition.server.dialect.saves_by_snapshot:
        snapshots.discard(transition.server, transition.found)
        transition.wait(lambda now: now is SystemState.DEFINED, "is not off")
        return
    _turn_off(transition, state)


def _reset(transition: _Transition) -> None:
    state = transition.settled()
    if state not in (SystemState.ACTIVE, SystemState.PAUSED, SystemState.CRASHED):
        raise transition.refuse(state)
    transition.ask(RequestedState.RESET)
    # What was paused, or is paused for a moment on its way back, goes on.
    if transition.settled() is SystemState.PAUSED:
        transition.ask(RequestedState.ENABLED)
    transition.await_state(SystemState.ACTIVE)


def _reboot(transition: _Transition) -> None:
    state = transition.settled()
    if state is not SystemState.ACTIVE:
        raise transition.refuse(state)
    transition.ask(RequestedState.REBOOT)
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
