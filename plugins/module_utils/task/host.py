# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is and can do, as module host_info shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.svpc.virt.plugins.module_utils.model.allocations import allocations
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
    AllocationCapabilities,
    Capabilities,
    PoolCapabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import PROPERTIES, Rasd, shown_value
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.task.results import Shown, allocation, plain, resource_pool

SERVICES: Mapping[str, tuple[str, ...]] = {
    "virtual_system_management_service": (
        "define_system",
        "destroy_system",
        "add_resource_settings",
        "modify_resource_settings",
        "remove_resource_settings",
        "modify_system_settings",
    ),
    "virtual_system_snapshot_service": ("create_snapshot", "apply_snapshot", "destroy_snapshot"),
    "resource_pool_configuration_service": (
        "create_resource_pool",
        "create_child_resource_pool",
        "delete_resource_pool",
        "modify_pool_settings",
        "request_pool_state_change",
    ),
    "storage_configuration_service": ("return_to_storage_pool",),
    "enabled_logical_element": ("request_state_change",),
}
"""Which service of the standard each operation belongs to."""

PROFILES: Mapping[str, tuple[str, tuple[ResourceType, ...]]] = {
    "DSP1041": ("Resource Allocation", ()),
    "DSP1042": ("System Virtualization", ()),
    "DSP1043": ("Allocation Capabilities", ()),
    "DSP1044": ("Processor Resource Virtualization", (ResourceType.PROCESSOR,)),
    "DSP1045": ("Memory Resource Virtualization", (ResourceType.MEMORY,)),
    "DSP1047": ("Storage Resource Virtualization", (ResourceType.DISK_DRIVE, ResourceType.STORAGE_VOLUME)),
    "DSP1050": ("Ethernet Port Resource Virtualization", (ResourceType.ETHERNET_ADAPTER,)),
    "DSP1057": ("Virtual System", ()),
    "DSP1059": (
        "Generic Device Resource Virtualization",
        (
            ResourceType.CD_DRIVE,
            ResourceType.SERIAL_PORT,
            ResourceType.GRAPHICS_CONTROLLER,
            ResourceType.IO_DEVICE,
            ResourceType.OTHER,
        ),
    ),
}
"""The profiles whose model the collection offers, with the types of resources one of which a host has to allocate."""


def host(platform: Platform) -> Shown:
    """The implementation, its profiles, services, capabilities and pools."""
    system = dict(platform.host())
    capabilities = platform.capabilities()
    pools = platform.resource_pools()
    drawn = allocations(pools, platform.virtual_systems())
    profiles = system.pop("profiles", None)
    return {
        **{name: plain(value) for name, value in system.items()},
        "profiles": plain(profiles) if profiles is not None else _profiles(capabilities),
        "services": _services(capabilities),
        "capabilities": _capabilities(capabilities),
        "resource_types": {kind.word: _allocation(limits) for kind, limits in sorted(capabilities.allocation.items())},
        "pool_types": _pool_types(capabilities),
        "resource_pools": [
            {
                **(resource_pool(pool) or {}),
                "allocations": [allocation(each) for each in drawn[pool.resource_type, pool.pool_id]],
            }
            for pool in pools
        ],
        "totals": _totals(pools),
    }


def _profiles(capabilities: Capabilities) -> list[Shown]:
    return [
        {"specification": specification, "name": name}
        for specification, (name, types) in PROFILES.items()
        if not types or any(kind in capabilities.allocation for kind in types)
    ]


def _services(capabilities: Capabilities) -> Shown:
    found = {
        name: [method for method in methods if method in capabilities.methods] for name, methods in SERVICES.items()
    }
    return {name: methods for name, methods in found.items() if methods}


def _capabilities(found: Capabilities) -> Shown:
    return {
        "virtual_system_types": plain(found.virtual_system_types),
        "architectures": plain(found.architectures),
        "machines": plain(found.machines),
        "default_settings": plain(found.default_settings),
        "setting_words": plain(found.setting_words),
        "unsupported_settings": plain(found.unsupported_settings),
        "live_settings": plain(found.live_settings),
        "methods": plain(found.methods),
        "requested_states": plain(found.states),
        "starts_paused": found.starts_paused,
        "unsupported_waits": plain(found.unsupported_waits),
        "snapshot_types": plain(found.snapshot_types),
    }


def _allocation(found: AllocationCapabilities) -> Shown:
    return {
        "resource_sub_types": plain(found.sub_types),
        "other_resource_types": plain(found.other_types),
        "valid_settings": _valid_settings(found),
        "unsupported": plain(found.unsupported),
        "fixed": plain(found.fixed),
        "live_add": plain(found.live_add),
        "live_remove": plain(found.live_remove),
        "live_modify": plain(found.live_modify),
    }


def _valid_settings(found: AllocationCapabilities) -> Shown:
    """By property and setting: default, minimum, maximum and increment, and allowed words."""
    example = Rasd(found.resource_type)
    shown: Shown = {}
    for role in ("default", "minimum", "maximum", "increment"):
        for name, value in getattr(found, role).items():
            shown.setdefault(name, {})[role] = plain(shown_value(example, name, value))
    for name, setting in row_of(found.resource_type).settings.items():
        if setting.words:
            shown.setdefault(f"settings.{name}", {})["allowed"] = list(setting.words)
    for name, words in found.words.items():
        shown.setdefault(name, {})["allowed"] = plain(words)
    order = {name: index for index, name in enumerate(PROPERTIES)}
    offered = [name for name in shown if name not in found.unsupported]
    return {name: shown[name] for name in sorted(offered, key=lambda name: (order.get(name, len(order)), name))}


def _pool_types(found: Capabilities) -> Shown:
    return {
        kind.word: {
            sub_type: _pool_type(found.pools.get((kind, sub_type)) or PoolCapabilities(kind, sub_type))
            for sub_type in sub_types
        }
        for kind, sub_types in sorted(found.pool_types.items())
    }


def _pool_type(found: PoolCapabilities) -> Shown:
    return {
        "required": plain(found.required),
        "live": plain(found.live),
        "stopped": plain(found.stopped),
        "making": plain(found.making),
        "unseen": plain(found.unseen),
        "fixed": plain(found.fixed),
        "unsupported": plain(found.unsupported),
        "allowed": plain(found.words),
    }


def _totals(pools: Iterable[ResourcePool]) -> Shown:
    """For each type of resource the sums over the pools that draw from no other pool."""
    totals: Shown = {}
    for pool in pools:
        total = totals.setdefault(
            pool.resource_type.word,
            {"pools": 0, "capacity": None, "reserved": None, "currently_consumed_resource": None},
        )
        total["pools"] += 1
        if pool.parent is not None:
            continue
        for name in ("capacity", "reserved", "currently_consumed_resource"):
            value = getattr(pool, name)
            if value is not None:
                total[name] = (total[name] or 0) + value
    return totals
