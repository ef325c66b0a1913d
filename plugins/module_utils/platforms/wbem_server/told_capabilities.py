# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says of its capabilities beyond the standard's properties.

The standard has no word for "this can be changed while the system runs, and only upwards".  A server that has one adds
the arrays ``SettingNames`` and ``SettingValues`` (JSON) to its capabilities, with the names of the model's fields: of
:class:`AllocationCapabilities` in its AllocationCapabilities, of :class:`Capabilities` in those of the management
service, and ``pools``, a list of :class:`PoolCapabilities`, in those of the pool configuration service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Live, PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rasd_instance import read_bag


def _texts(value: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in dict(value).items()}


def _lists(value: Any) -> dict[str, tuple[str, ...]]:
    return {str(name): tuple(str(word) for word in words) for name, words in dict(value).items()}


def _set(value: Any) -> frozenset[str]:
    return frozenset(str(word) for word in value)


def _rules(value: Any) -> dict[str, Live]:
    known = {rule.name.lower(): rule for rule in Live}
    return {str(name): known[str(rule)] for name, rule in dict(value).items()}


def _groups(value: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(str(name) for name in group) for group in value)


Readers = Mapping[str, Callable[[Any], Any]]

_ALLOCATION: Readers = {
    "unsupported": _texts,
    "words": _lists,
    "live_add_needs": _texts,
    "live_modify": _rules,
    "off_only": _set,
    "fixed": _texts,
}
_MANAGEMENT: Readers = {
    "unsupported_settings": _texts,
    "fixed_settings": _texts,
    "live_settings": _set,
    "starts_paused": bool,
}
_POOL: Readers = {
    "required": _groups,
    "live": _set,
    "stopped": _set,
    "making": _set,
    "unseen": _set,
    "fixed": _texts,
    "unsupported": _texts,
    "words": _lists,
}


def _read(given: Mapping[str, Any], readers: Readers, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, read in readers.items():
        if given.get(name) is None:
            continue
        try:
            found[name] = read(given[name])
        except (TypeError, ValueError, KeyError) as error:
            raise HostFailed(f"The server's {where} say of {name} what makes no sense: {given[name]!r}") from error
    return found


def allocation(instance: Any) -> dict[str, Any]:
    """What AllocationCapabilities say of a type of resources, by fields of the model's."""
    return _read(read_bag(instance, {}), _ALLOCATION, "AllocationCapabilities")


def management(instance: Any) -> dict[str, Any]:
    """What the capabilities of the management service say, by fields of the model's."""
    return _read(read_bag(instance, {}), _MANAGEMENT, "VirtualSystemManagementCapabilities")


def pools(instance: Any) -> dict[tuple[ResourceType, str], PoolCapabilities]:
    """How pools of each kind are made and changed; nothing when the server does not say."""
    found: dict[tuple[ResourceType, str], PoolCapabilities] = {}
    where = "ResourcePoolConfigurationCapabilities"
    for given in read_bag(instance, {}).get("pools") or ():
        try:
            resource_type, kind = ResourceType.from_word(str(given["resource_type"])), str(given["resource_sub_type"])
        except (KeyError, TypeError, InvalidInput) as error:
            raise HostFailed(f"The server's {where} name no kind of pools: {given!r}") from error
        found[(resource_type, kind)] = PoolCapabilities(resource_type, kind, **_read(given, _POOL, where))
    return found
