# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED, SystemState

_OFF = frozenset({str(SystemState.DEFINED), "inactive"})
_INSTANTIATED = frozenset(str(state) for state in INSTANTIATED)
_KEYS = ("virtual_system", "resource_pool")


def state_of(value: Any) -> str:
    """The state of a virtual system or pool, of what a module returned about one, or the word itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        inner = next((value[key] for key in _KEYS if isinstance(value.get(key), Mapping)), value)
        if isinstance(inner.get("state"), str):
            return str(inner["state"])
    raise AnsibleFilterError(f"svpc.virt: expected a virtual system, a resource pool or a state, got {value!r}")


def active(value: Any) -> bool:
    """Executing; of a pool, usable."""
    return state_of(value) == str(SystemState.ACTIVE)


def inactive(value: Any) -> bool:
    """Off; of a pool, not usable."""
    return state_of(value) in _OFF


def paused(value: Any) -> bool:
    """Instantiated and not executing."""
    return state_of(value) == str(SystemState.PAUSED)


def suspended(value: Any) -> bool:
    """Its state is saved to storage."""
    return state_of(value) == str(SystemState.SUSPENDED)


def running(value: Any) -> bool:
    """Holding resources of the host now, executing or not."""
    return state_of(value) in _INSTANTIATED


def pending(value: Any) -> bool:
    """Something of its definition waits for a restart."""
    if not isinstance(value, Mapping):
        raise AnsibleFilterError(f"svpc.virt.pending: expected a virtual system or a result, got {value!r}")
    return bool(value.get("pending"))


class TestModule:
    """The tests of this collection; what they ask is documented beside this file, one file each."""

    def tests(self) -> dict[str, Callable[[Any], bool]]:
        """By name."""
        return {
            "active": active,
            "inactive": inactive,
            "paused": paused,
            "pending": pending,
            "running": running,
            "suspended": suspended,
        }
