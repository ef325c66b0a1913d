# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module virtual_system_action: one request, whatever the state was before."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotFound
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Plan
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import plan_action
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import desired_identity, seconds
from ansible_collections.svpc.virt.plugins.module_utils.task.run import Goal, execute
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import (
    SystemOutcome,
    capabilities_for,
    existing_system,
    system_result,
)


def act(task: Task) -> dict[str, Any]:
    """Carry out the action once."""
    name, uuid = desired_identity(task.params)
    timeout = seconds(task.params.get("shutdown_timeout"), "shutdown_timeout", 120)
    with task.platform() as platform:
        current, is_there = existing_system(task, platform, name, uuid, assumed=SystemState.ACTIVE)
        capabilities = capabilities_for(platform, {}, current)

        def plan(system: VirtualSystem | None) -> Plan:
            if system is None:
                raise NotFound(f"Virtual system {name!r} is gone")
            return plan_action(system, str(task.params.get("action")), capabilities, timeout)

        def read() -> VirtualSystem | None:
            return platform.virtual_system(name, uuid)

        # Once done, an action leaves nothing that could be compared.
        goal = Goal[Optional[VirtualSystem]](
            task, plan, predict_system, read, settled=lambda _after: True, follows=not is_there
        )
        outcome: SystemOutcome = execute(platform, goal, current)
        return system_result(task, outcome)
