# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be allocated, and with which values: AllocationCapabilities and the settings that define them (DSP1043)."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import AllocationCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import (
    ConsumerVisibility,
    MappingBehavior,
    Rasd,
    with_values,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind
from tests.wbem.providers import host, pools, properties, told
from tests.wbem.world import Reading, Section

_ANY_TIME, _OFF = [2, 3, 9, 11], [3]
_ENUMERATIONS: dict[str, type[enum.IntEnum]] = {
    "mapping_behavior": MappingBehavior,
    "consumer_visibility": ConsumerVisibility,
}
_ROLES = (("default", 0, 0), ("minimum", 3, 1), ("maximum", 3, 2), ("increment", 3, 3))


def _instance_id(offered: AllocationCapabilities, *words: str) -> str:
    return "/".join(("SVPC:capabilities", offered.resource_type.word, *(quote(word, safe="") for word in words)))


def whole(reading: Reading, offered: AllocationCapabilities) -> Any:
    """What can be allocated of one type."""
    return reading.make(
        "AllocationCapabilities",
        InstanceID=_instance_id(offered),
        ElementName=offered.resource_type.word,
        ResourceType=int(offered.resource_type),
        RequestTypesSupported=4,
        SharingMode=3,
        SupportedAddStates=_ANY_TIME if offered.live_add is None else _OFF,
        SupportedRemoveStates=_ANY_TIME if offered.live_remove is None else _OFF,
        **told.of_allocation(
            offered, {name: words for name, words in offered.words.items() if not _shown(offered, name)}
        ),
    )


def _of_sub_type(reading: Reading, offered: AllocationCapabilities, sub_type: str) -> Any:
    """Where a sub-type can be plugged although others of its type cannot."""
    other = offered.resource_type is ResourceType.OTHER
    return reading.make(
        "AllocationCapabilities",
        InstanceID=_instance_id(offered, "plug", sub_type),
        ElementName=f"{offered.resource_type.word} {sub_type}",
        ResourceType=int(offered.resource_type),
        OtherResourceType=sub_type if other else None,
        ResourceSubType=None if other else sub_type,
        RequestTypesSupported=4,
        SharingMode=3,
        SupportedAddStates=_ANY_TIME if sub_type in (offered.live_add or ()) else _OFF,
        SupportedRemoveStates=_ANY_TIME if sub_type in (offered.live_remove or ()) else _OFF,
    )


def _capabilities(reading: Reading) -> Iterator[Any]:
    for offered in reading.capabilities.allocation.values():
        yield whole(reading, offered)
        for sub_type in sorted({*(offered.live_add or ()), *(offered.live_remove or ())}):
            yield _of_sub_type(reading, offered, sub_type)


# settings


def _shown(offered: AllocationCapabilities, name: str) -> bool:
    """Whether an allowed value can be shown by settings that have it: text and enumerations can."""
    if not name.startswith("settings."):
        return name in _ENUMERATIONS
    return row_of(offered.resource_type).settings[name[len("settings.") :]].kind in (Kind.TEXT, Kind.WORD)


def _with(kind: ResourceType, name: str, word: str) -> Rasd:
    return with_values(Rasd(kind), {name: _ENUMERATIONS[name][word.upper()] if name in _ENUMERATIONS else word})


def _definitions(offered: AllocationCapabilities) -> Iterator[tuple[str, Rasd, int, int]]:
    """Name, settings, ValueRole and ValueRange; one supported point for each value out of several."""
    kind = offered.resource_type
    for word, role, value_range in _ROLES:
        found = getattr(offered, word)
        if found:
            yield word, with_values(Rasd(kind), found), role, value_range
    for sub_type in offered.sub_types or ():
        yield f"resource_sub_type={sub_type}", Rasd(kind, resource_sub_type=sub_type), 3, 0
    for other in offered.other_types or ():
        yield f"other_resource_type={other}", Rasd(kind, other_resource_type=other), 3, 0
    for name, words in offered.words.items():
        for word in words if _shown(offered, name) else ():
            yield f"{name}={word}", _with(kind, name, word), 3, 0


def _definition(reading: Reading, offered: AllocationCapabilities, word: str, rasd: Rasd) -> Any:
    found = properties.rasd_properties(rasd, reading.dialect.block_size)
    found["ElementName"] = word
    return reading.make(properties.rasd_class(rasd.resource_type), InstanceID=_instance_id(offered, word), **found)


def _settings(reading: Reading) -> list[Any]:
    """Hundreds of them, made once for as long as the host can do the same."""

    def make() -> list[Any]:
        return [
            _definition(reading, offered, word, rasd)
            for offered in reading.capabilities.allocation.values()
            for word, rasd, _, _ in _definitions(offered)
        ]

    return reading.once("allocation settings", reading.capabilities.allocation, make)


def _defining(reading: Reading) -> list[Any]:
    return reading.once(
        "allocation definitions", reading.capabilities.allocation, lambda: list(_made_defining(reading))
    )


def _made_defining(reading: Reading) -> Iterator[Any]:
    for offered in reading.capabilities.allocation.values():
        capabilities = whole(reading, offered)
        for word, rasd, role, value_range in _definitions(offered):
            yield reading.link(
                "SettingsDefineCapabilities",
                GroupComponent=capabilities,
                PartComponent=_definition(reading, offered, word, rasd),
                PropertyPolicy=0,
                ValueRole=role,
                ValueRange=value_range,
            )


def _having(reading: Reading) -> Iterator[Any]:
    for capabilities in _capabilities(reading):
        yield reading.link("ElementCapabilities", ManagedElement=host.host_system(reading), Capabilities=capabilities)
        for pool in reading.pools:
            if int(pool.resource_type) == capabilities["ResourceType"]:
                yield reading.link(
                    "ElementCapabilities",
                    ManagedElement=pools.instance(reading, pool),
                    Capabilities=capabilities,
                    Characteristics=[3],
                )


SECTIONS = (
    Section(("AllocationCapabilities",), _capabilities),
    Section(properties.RASD_CLASSES, _settings),
    Section(("SettingsDefineCapabilities",), _defining),
    Section(("ElementCapabilities",), _having),
)
