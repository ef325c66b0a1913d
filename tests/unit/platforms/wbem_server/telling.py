# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard's server with capabilities that say all there is to say, so that a plan knows what is possible."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
    AllocationCapabilities,
    Capabilities,
    PoolCapabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.told_capabilities import (
    _ALLOCATION,
    _MANAGEMENT,
    _POOL,
)
from tests.wbem.dialects import STANDARD
from tests.wbem.world import Reading, Section

_TOLD = {
    "AllocationCapabilities": _ALLOCATION,
    "VirtualSystemManagementCapabilities": _MANAGEMENT,
    "ResourcePoolConfigurationCapabilities": _POOL,
}


def plain(value: Any) -> Any:
    """A value of the model as JSON has it."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return getattr(value, "name", value).lower() if hasattr(value, "name") else value


def told(value: AllocationCapabilities | Capabilities | PoolCapabilities, names: Any) -> dict[str, Any]:
    """The fields of those names that say something."""
    found = {one.name: getattr(value, one.name) for one in fields(value) if one.name in names}
    for name in ("live_add", "live_remove"):
        if name in found and found[name] is None:
            found[name] = "all"
    return {name: plain(one) for name, one in found.items()}


def _saying(reading: Reading, instance: Any) -> dict[str, Any]:
    offered = reading.capabilities
    if instance.classname.endswith("_AllocationCapabilities"):
        kind = next(kind for kind in offered.allocation if int(kind) == instance["ResourceType"])
        return told(offered.allocation[kind], _ALLOCATION)
    if instance.classname.endswith("ManagementCapabilities"):
        # The server brings no system from off to paused, whatever its host can do.
        return told(replace(offered, starts_paused=False), _MANAGEMENT)
    if instance.classname.endswith("_ResourcePoolConfigurationCapabilities"):
        kinds = [
            {
                "resource_type": kind.resource_type.word,
                "resource_sub_type": kind.resource_sub_type,
                **told(kind, _POOL),
            }
            for kind in offered.pools.values()
        ]
        return {"pools": kinds}
    return {}


def _telling(section: Section) -> Section:
    if not set(section.classes) & set(_TOLD):
        return section

    def make(reading: Reading) -> Iterator[Any]:
        for instance in section.make(reading):
            said = _saying(reading, instance)
            texts = [json.dumps(value) for value in said.values()]
            for name, array in (("SettingNames", list(said)), ("SettingValues", texts)):
                if said:
                    instance.properties[name] = pywbem.CIMProperty(name, array, type="string", is_array=True)
            yield instance

    return replace(section, make=make)


TELLING = replace(
    STANDARD,
    mof=(*STANDARD.mof, str(Path(__file__).with_name("capabilities.mof"))),
    own=STANDARD.own | set(_TOLD),
    sections=tuple(_telling(section) for section in STANDARD.sections),
)
"""The dialect ``standard``, saying more."""
