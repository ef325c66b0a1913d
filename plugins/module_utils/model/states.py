# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a virtual system and the requests that change them (DSP1057, CIM_EnabledLogicalElement)."""

from __future__ import annotations

import enum


class SystemState(str, enum.Enum):
    """What a virtual system is doing.  The first four can be declared, the others can only be met."""

    DEFINED = "defined"
    """Recorded, not instantiated: off."""
    ACTIVE = "active"
    """Executing."""
    PAUSED = "paused"
    """Instantiated, not executing, everything kept in the host's memory."""
    SUSPENDED = "suspended"
    """State saved to storage, host resources released."""
    STARTING = "starting"
    SHUTTING_DOWN = "shutting_down"
    SLEEPING = "sleeping"
    """The guest itself sleeps (ACPI S3); a request to enable wakes it."""
    CRASHED = "crashed"
    """The guest has failed and its remains are kept for inspection."""
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return str(self.value)


INSTANTIATED = frozenset(
    {
        SystemState.ACTIVE,
        SystemState.PAUSED,
        SystemState.STARTING,
        SystemState.SHUTTING_DOWN,
        SystemState.SLEEPING,
    }
)
"""States in which host resources are held, so that a change can be made to the running system."""

ENABLED_STATE_NUMBERS: dict[SystemState, int] = {
    SystemState.DEFINED: 3,
    SystemState.ACTIVE: 2,
    SystemState.PAUSED: 9,
    SystemState.SUSPENDED: 6,
    SystemState.STARTING: 10,
    SystemState.SHUTTING_DOWN: 4,
    SystemState.SLEEPING: 6,
    SystemState.CRASHED: 3,
    SystemState.UNKNOWN: 0,
}
"""CIM_EnabledLogicalElement.EnabledState of each state."""


class RequestedState(enum.IntEnum):
    """CIM_EnabledLogicalElement.RequestStateChange(RequestedState)."""

    ENABLED = 2
    DISABLED = 3
    SHUT_DOWN = 4
    OFFLINE = 6
    QUIESCE = 9
    REBOOT = 10
    RESET = 11

    @property
    def word(self) -> str:
        """The snake_case name, as in options and results."""
        return self.name.lower()
