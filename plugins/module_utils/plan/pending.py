# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the definition of a system and not yet in the running one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, shown_value
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.units import size_words
from ansible_collections.svpc.virt.plugins.module_utils.model.values import SettingRow, shown
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import differences, setting_differences
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import counterpart
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import LABELS_ONLY

_CLEARABLE = ("reservation", "limit", "weight", "mapping_behavior")
"""Properties whose absence in the definition is itself something that waits for the running system."""

_EMPTIED = ("host_resource", "connection")
"""Properties whose absence in the definition of a drive for media or of an adapter means that it is empty."""

_NOT_IN_THE_RUNNING_SYSTEM = frozenset({"description", "automatic_startup_action", "automatic_shutdown_action"})
"""Settings that take effect where they are recorded."""


class Pending(NamedTuple):
    """One thing that waits for the next activation."""

    target: str
    """Label of the resource, or ``settings``."""
    properties: Mapping[str, Difference]
    """By name: the value of the running system and the one in the definition, as results show them."""


def pending_of(system: VirtualSystem) -> tuple[Pending, ...]:
    """Everything that the next activation of ``system`` will change.  Empty for a system that is off."""
    if system.running is None or not system.persistent:
        return ()
    found: list[Pending] = []
    waiting = {
        name: (shown(SYSTEM_SETTINGS[name], before), shown(SYSTEM_SETTINGS[name], after))
        for name, (before, after) in setting_differences(
            _with_absent(system.defined.settings, system.running.settings, SYSTEM_SETTINGS),
            system.running.settings,
            SYSTEM_SETTINGS,
        ).items()
        if name not in _NOT_IN_THE_RUNNING_SYSTEM
    }
    if waiting:
        found.append(Pending("settings", waiting))
    defined, running = system.defined.resources, system.running.resources
    for rasd in defined:
        other = counterpart(rasd, running)
        if other is None:
            found.append(Pending(rasd.label, {"resource": (None, rasd.label)}))
            continue
        changed = _waiting(rasd, other)
        if changed:
            found.append(Pending(rasd.label, changed))
    for rasd in running:
        if counterpart(rasd, defined) is None:
            found.append(Pending(rasd.label, {"resource": (rasd.label, None)}))
    return tuple(found)


def unfollowed(system: VirtualSystem) -> list[str]:
    """What the guest was asked for and has not done, in words: memory it has not given back, or not taken yet."""
    if system.running is None:
        return []
    found = []
    for rasd in system.defined.resources:
        running = counterpart(rasd, system.running.resources)
        if running is not None and _is_up_to_the_guest(rasd, running):
            asked, has = rasd.virtual_quantity, running.virtual_quantity
            if asked is not None and has is not None and asked != has:
                found.append(
                    f"{rasd.label}: the guest was asked to use {size_words(asked)} and has {size_words(has)} now: "
                    "its balloon driver follows when it can"
                )
    return found


def _is_up_to_the_guest(defined: Rasd, running: Rasd) -> bool:
    """Whether the quantity is a request to the guest (ballooning), which no restart would bring about sooner."""
    return (
        defined.resource_type is ResourceType.MEMORY
        and defined.maximum_quantity is not None
        and defined.maximum_quantity == running.maximum_quantity
        and defined.virtual_quantity != defined.maximum_quantity
    )


def _waiting(defined: Rasd, running: Rasd) -> dict[str, Difference]:
    rows = defined.row.settings
    complete = replace(defined, settings=_with_absent(defined.settings, running.settings, rows))
    found = {
        name: (shown_value(running, name, before), shown_value(defined, name, after))
        for name, (before, after) in differences(complete, running).items()
        if name not in LABELS_ONLY
    }
    if _is_up_to_the_guest(defined, running):
        found.pop("virtual_quantity", None)
    for name in _CLEARABLE:
        before, after = getattr(running, name), getattr(defined, name)
        if after is None and before:
            found[name] = (shown_value(running, name, before), None)
    for name in _EMPTIED if defined.row.removable or defined.row.addressed else ():
        before, after = getattr(running, name), getattr(defined, name)
        if after is None and before:
            found[name] = (shown_value(running, name, before), [])
    return found


def _with_absent(
    defined: Mapping[str, Any], running: Mapping[str, Any], rows: Mapping[str, SettingRow]
) -> dict[str, Any]:
    """The settings of the definition, with what their absence means where the running system has them.

    What the definition leaves to the host (None) waits for nothing.
    """
    missing = {name: rows[name].absent for name in running if name in rows and name not in defined}
    return {**defined, **missing}


def targets(pending: Iterable[Pending]) -> list[str]:
    """What waits, in short: ``memory (virtual_quantity)``."""
    return [f"{item.target} ({', '.join(sorted(item.properties))})" for item in pending]
