# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module rasd: one resource of an existing virtual system."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import match
from ansible_collections.svpc.virt.plugins.module_utils.task import results
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import desired_with_resource
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import (
    converge,
    existing_system,
    system_result,
)


def manage(task: Task) -> dict[str, Any]:
    """Bring one resource to what is declared."""
    desired, rasd = desired_with_resource(task.params)
    with task.platform() as platform:
        current, is_there = existing_system(task, platform, desired.name, where="virtual_system")
        outcome = converge(task, platform, desired, current, follows=not is_there)
        result = system_result(task, outcome)
        found = _entry(rasd, outcome.after) if desired.resources else None
        result["rasd"] = None if found is None else results.resource(found)
        return result


def _entry(rasd: Rasd, system: VirtualSystem | None) -> Rasd | None:
    if system is None:
        return None
    index = match([rasd], system.defined.resources)[0]
    return None if index is None else system.defined.resources[index]
