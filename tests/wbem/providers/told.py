# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What capabilities say that the standard has no properties for, as SettingNames and SettingValues (``mof/svpc.mof``)."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
    AllocationCapabilities,
    Capabilities,
    PoolCapabilities,
)

_ALLOCATION = ("unsupported", "fixed", "live_modify", "live_add_needs", "off_only")
_MANAGEMENT = ("unsupported_settings", "fixed_settings", "live_settings")
_POOL = ("required", "live", "stopped", "making", "unseen", "fixed", "unsupported", "words")


def plain(value: Any) -> Any:
    """A value of the model as JSON has it."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value.name.lower() if isinstance(value, enum.Enum) else value


def _packed(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "SettingNames": list(said),
        "SettingValues": [json.dumps(plain(value), sort_keys=True) for value in said.values()],
    }


def of_allocation(offered: AllocationCapabilities, words: Mapping[str, Any]) -> dict[str, Any]:
    """What can be done with allocations of one type; ``words`` are the allowed values that no settings can show."""
    return _packed({**{name: getattr(offered, name) for name in _ALLOCATION}, "words": words})


def of_management(offered: Capabilities, others: Iterable[Capabilities] = ()) -> dict[str, Any]:
    """What can be done with settings of systems.  (The server brings no system from off to paused at once.)

    ``others`` are the capabilities for other machines: a setting is unsupported when none of them has it.
    """
    said = {name: getattr(offered, name) for name in _MANAGEMENT}
    missing = [other.unsupported_settings for other in others]
    said["unsupported_settings"] = {
        name: reason
        for name, reason in offered.unsupported_settings.items()
        if all(name in settings for settings in missing)
    }
    return _packed(said)


def of_pools(offered: Capabilities) -> dict[str, Any]:
    """The kinds of pools that can be made, and what each of them takes."""
    kinds = [(resource_type, kind) for resource_type, kinds in offered.pool_types.items() for kind in kinds]
    return _packed({"pools": tuple(_kind(offered.pools.get(kind) or PoolCapabilities(*kind)) for kind in kinds)})


def _kind(found: PoolCapabilities) -> dict[str, Any]:
    return {
        "resource_type": found.resource_type.word,
        "resource_sub_type": found.resource_sub_type,
        **{name: getattr(found, name) for name in _POOL},
    }
