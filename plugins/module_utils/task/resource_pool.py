# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module resource_pool."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Plan
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_pool
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import plan_pool, uncompared
from ansible_collections.svpc.virt.plugins.module_utils.task import diffs, results, shown_changes
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import desired_pool
from ansible_collections.svpc.virt.plugins.module_utils.task.run import Goal, execute
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task


def manage(task: Task) -> dict[str, Any]:
    """Bring a pool to what is declared."""
    desired = desired_pool(task.params)
    with task.platform() as platform:
        capabilities = platform.capabilities()

        def plan(pool: ResourcePool | None) -> Plan:
            return plan_pool(desired, pool, capabilities)

        def read() -> ResourcePool | None:
            return platform.resource_pool(desired.pool.pool_id, desired.pool.resource_type)

        before = read()
        unseen = [name.replace("settings.", "") for name in uncompared(desired, before, capabilities)]
        if unseen:
            task.warn(
                f"Pool {desired.pool.pool_id!r} exists, and this host does not tell its {', '.join(unseen)}: whether that is "
                "as declared cannot be compared"
            )
        outcome = execute(platform, Goal(task, plan, predict_pool, read), before)
        result = {
            "changed": outcome.changed,
            "changes": shown_changes.changes(outcome.plan),
            "resource_pool": results.resource_pool(outcome.after),
        }
        if task.diff:
            result["diff"] = diffs.pool_diff(outcome.before, outcome.predicted)
        return result
