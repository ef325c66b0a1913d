# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a guest: until it has an address, or its agent answers."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, TimedOut
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.task.addresses import Addresses, addresses_of, macs_of

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

Found = TypeVar("Found")


class Clock:
    """The time, and passing it."""

    @staticmethod
    def now() -> float:
        """Seconds since some moment."""
        return time.monotonic()

    @staticmethod
    def sleep(seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


def wait_until(ask: Callable[[], Found | None], timeout: float, what: str, clock: type[Clock] = Clock) -> Found:
    """Ask again and again, less and less often, until there is an answer.

    ``what`` completes "… within N s".  Raises TimedOut.
    """
    end = clock.now() + timeout
    pause = FIRST_PAUSE
    while True:
        found = ask()
        if found is not None:
            return found
        left = end - clock.now()
        if left <= 0:
            raise TimedOut(f"{what} within {timeout:g} s")
        clock.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def wait_for_address(
    platform: Platform, system: VirtualSystem, timeout: float, clock: type[Clock] = Clock
) -> Addresses:
    """The addresses of the guest, as soon as it has one."""
    if not macs_of(system):
        raise Conflict(f"wait_for: address: virtual system {system.name!r} has no network adapter")

    def ask() -> Addresses | None:
        found = addresses_of(platform, system)
        if not found:
            _check_running(platform, system)
        return found or None

    return wait_until(ask, timeout, f"Virtual system {system.name!r} had no address", clock)


def wait_for_guest_agent(platform: Platform, system: VirtualSystem, timeout: float, clock: type[Clock] = Clock) -> None:
    """Return as soon as the guest agent answers."""
    if not system.effective.settings.get("guest_agent"):
        raise Conflict(
            f"wait_for: guest_agent: virtual system {system.name!r} runs without a channel for it: "
            "set guest_agent: true in settings (a running system gets it at its next start)"
        )

    def ask() -> bool | None:
        answers = platform.guest_agent_answers(system)
        if not answers:
            _check_running(platform, system)
        return answers or None

    wait_until(ask, timeout, f"The guest agent of virtual system {system.name!r} did not answer", clock)


def _check_running(platform: Platform, system: VirtualSystem) -> None:
    """Raise Conflict when the system that is waited for has stopped: then there will be no answer."""
    now = platform.virtual_system(system.name, system.uuid)
    if now is None or now.state is not SystemState.ACTIVE:
        state = "gone" if now is None else str(now.state)
        raise Conflict(f"Virtual system {system.name!r} was active and is {state} now: there is nothing to wait for")
