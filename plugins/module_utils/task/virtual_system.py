# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of modules virtual_system and virtual_system_action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotFound, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Plan
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import unfollowed
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.references import unmet_references
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import (
    DesiredSystem,
    kept_storage,
    plan_system,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.task import results, waiting
from ansible_collections.svpc.virt.plugins.module_utils.task.addresses import Addresses, addresses_of
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import desired_system, seconds
from ansible_collections.svpc.virt.plugins.module_utils.task.run import Outcome, execute, telling
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

SystemOutcome = Outcome[Optional[VirtualSystem]]


def manage(task: Task) -> dict[str, Any]:
    """Bring a virtual system to what is declared."""
    desired = desired_system(task.params)
    wait_for = task.params.get("wait_for") or "none"
    if wait_for != "none" and desired.state not in ("present", "active"):
        raise InvalidInput(f"wait_for: {wait_for}: a virtual system in state {desired.state} has nothing to wait for")
    with task.platform() as platform:
        current = platform.virtual_system(desired.name, desired.uuid)
        outcome = converge(task, platform, desired, current, _reference(task, platform, current))
        result = system_result(task, outcome)
        if wait_for != "none" and outcome.carried_out:
            timeout = seconds(task.params.get("wait_timeout"), "wait_timeout", 300)
            with telling(outcome.plan):
                addresses = _wait(platform, outcome.after, wait_for, timeout)
            result["addresses"] = addresses
            result["virtual_system"]["addresses"] = addresses
        return result


def _reference(task: Task, platform: Platform, current: VirtualSystem | None) -> VirtualSystem | None:
    """The system that completes the declaration of a new one."""
    name = task.params.get("reference")
    if name is None or current is not None or task.params.get("state") == "absent":
        return None
    reference = platform.virtual_system(name)
    if reference is None:
        raise NotFound(f"reference: there is no virtual system {name!r}")
    return reference


def _wait(platform: Platform, system: VirtualSystem | None, wait_for: str, timeout: float) -> Addresses:
    if system is None or system.state is not SystemState.ACTIVE:
        return {}
    if wait_for == "address":
        return waiting.wait_for_address(platform, system, timeout)
    waiting.wait_for_guest_agent(platform, system, timeout)
    return addresses_of(platform, system)


def converge(
    task: Task,
    platform: Platform,
    desired: DesiredSystem,
    current: VirtualSystem | None,
    reference: VirtualSystem | None = None,
) -> SystemOutcome:
    """Bring one system from ``current`` to ``desired``.

    Told beside the result: storage that stays although it was to be removed, and what the guest has not followed.
    """
    capabilities = capabilities_for(platform, desired.settings, current, reference)

    def plan(system: VirtualSystem | None) -> Plan:
        storage = platform.storage_of(system) if desired.remove_storage and system is not None else []
        return plan_system(desired, system, capabilities, reference if system is None else None, storage)

    behind = platform.storage_of(current) if desired.remove_storage and current is not None else []
    outcome = execute(
        task,
        platform,
        current,
        plan,
        predict_system,
        lambda: platform.virtual_system(desired.name, desired.uuid),
        unmet=lambda todo: _unmet(platform, todo),
    )
    for element in kept_storage(outcome.plan, behind):
        task.warn(f"{element.host_resource} was not removed: {element.kept_because}")
    if outcome.after is not None and any(
        rasd.virtual_quantity for rasd in only(desired.resources, ResourceType.MEMORY)
    ):
        for text in unfollowed(outcome.after):
            task.warn(text)
    return outcome


def _unmet(platform: Platform, todo: Plan) -> Iterator[VirtError]:
    """What a plan draws from and does not find."""
    return unmet_references(
        todo,
        lambda resource_type, pool_id: platform.resource_pool(pool_id, resource_type),
        lambda resource_type: [
            pool.pool_id
            for pool in platform.resource_pools(members=False)
            if pool.resource_type is resource_type and not pool.primordial
        ],
    )


def capabilities_for(
    platform: Platform,
    settings: Mapping[str, Any],
    current: VirtualSystem | None = None,
    reference: VirtualSystem | None = None,
) -> Capabilities:
    """What the host can do for a system with these settings."""
    known: dict[str, Any] = {}
    for system in (reference, current):
        if system is not None:
            known.update(system.defined.settings)
    known.update(settings)
    return platform.capabilities({name: value for name, value in known.items() if value is not None})


def system_result(task: Task, outcome: SystemOutcome) -> dict[str, Any]:
    """What the modules that change a virtual system return."""
    waiting_changes = results.pending(outcome.after)
    result = {
        "changed": outcome.changed,
        "changes": results.changes(outcome.plan),
        "virtual_system": results.virtual_system(outcome.after),
        "restart_required": bool(waiting_changes),
        "pending": waiting_changes,
    }
    if task.diff:
        result["diff"] = results.system_diff(outcome.before, outcome.predicted, outcome.plan)
    return result


def existing_system(platform: Platform, name: str, uuid: str | None = None, where: str = "name") -> VirtualSystem:
    """The system of that name.  Raises NotFound."""
    system = platform.virtual_system(name, uuid)
    if system is None:
        raise NotFound(f"{where}: there is no virtual system {name!r}")
    return system
