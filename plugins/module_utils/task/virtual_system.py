# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of modules virtual_system and virtual_system_action."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, InvalidInput, NotFound, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Plan
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import unfollowed
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.seed import seed_goes
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import (
    DesiredSystem,
    kept_storage,
    plan_system,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import NARROWING, Platform
from ansible_collections.svpc.virt.plugins.module_utils.task import diffs, results, shown_changes
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import desired_system, seconds
from ansible_collections.svpc.virt.plugins.module_utils.task.run import (
    Goal,
    Outcome,
    Result,
    execute,
    execute_all,
    leave_to_earlier_task,
    telling,
)
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
    from ansible_collections.svpc.virt.plugins.module_utils.task.addresses import Addresses

SystemOutcome = Outcome[Optional[VirtualSystem]]


class Declaration(NamedTuple):
    """What the options of one virtual system declare."""

    desired: DesiredSystem
    reference: str | None = None
    """Name of the system that completes the declaration of a new one."""
    wait_timeout: float = 300.0
    """Seconds to wait for what is waited for."""


def declaration(params: Mapping[str, Any]) -> Declaration:
    """What the options of one virtual system declare.  Raises InvalidInput."""
    desired = desired_system(params)
    if desired.wait_for != "none" and desired.state not in ("present", "active"):
        raise InvalidInput(
            f"wait_for: {desired.wait_for}: a virtual system in state {desired.state} has nothing to wait for"
        )
    timeout = seconds(params.get("wait_timeout"), "wait_timeout", 300)
    return Declaration(desired, params.get("reference"), timeout)


def manage(task: Task) -> dict[str, Any]:
    """Bring a virtual system to what is declared."""
    declared = declaration(task.params)
    desired = declared.desired
    with task.platform() as platform:
        current = platform.virtual_system(desired.name, desired.uuid)
        reference, is_there = None, True
        if needs_reference(declared, current):
            reference, is_there = existing_system(task, platform, str(declared.reference), where="reference")
        outcome = converge(task, platform, desired, current, reference, follows=not is_there)
        return system_result(task, outcome, wait_for_guest(platform, declared, outcome))


def needs_reference(declared: Declaration, current: VirtualSystem | None) -> bool:
    """Whether another system completes this one: if it is to be made."""
    return declared.reference is not None and current is None and declared.desired.state != "absent"


def wait_for_guest(platform: Platform, declared: Declaration, outcome: SystemOutcome) -> Addresses | None:
    """Wait for what the declaration says; the addresses of the guest, or None where there is nothing to wait for."""
    wait_for = declared.desired.wait_for
    if wait_for == "none" or not outcome.carried_out:
        return None
    with telling(outcome.plan):
        return _wait(platform, outcome.after, wait_for, declared.wait_timeout)


def _wait(platform: Platform, system: VirtualSystem | None, wait_for: str, timeout: float) -> Addresses:
    if system is None or system.state is not SystemState.ACTIVE:
        return {}
    from ansible_collections.svpc.virt.plugins.module_utils.task import addresses, waiting

    if wait_for == "address":
        return waiting.wait_for_address(platform, system, timeout)
    waiting.wait_for_guest_agent(platform, system, timeout)
    return addresses.addresses_of(platform, system)


class Surroundings:
    """What plans need of the host beside the systems themselves; each thing is read once."""

    def __init__(self, platform: Platform) -> None:
        """Read nothing yet."""
        self.platform = platform
        self._capabilities: dict[tuple[Any, ...], Capabilities] = {}
        self._pools: dict[tuple[ResourceType, str], ResourcePool | None] = {}
        self._all_pools: list[ResourcePool] | None = None

    def capabilities(
        self, settings: Mapping[str, Any], current: VirtualSystem | None, reference: VirtualSystem | None
    ) -> Capabilities:
        """What the host can do for a system with these settings."""
        given = [settings, *(system.defined.settings for system in (current, reference) if system is not None)]
        key = tuple(next((part[name] for part in given if name in part), None) for name in NARROWING)
        if key not in self._capabilities:
            self._capabilities[key] = capabilities_for(self.platform, settings, current, reference)
        return self._capabilities[key]

    def unmet(self, todo: Plan) -> Iterator[VirtError]:
        """What a plan draws from and does not find."""
        if not todo:
            return iter(())
        from ansible_collections.svpc.virt.plugins.module_utils.plan.references import unmet_references

        return unmet_references(todo, self._pool, self._pool_ids)

    def _pool(self, resource_type: ResourceType, pool_id: str) -> ResourcePool | None:
        key = (resource_type, pool_id)
        if key not in self._pools:
            self._pools[key] = self.platform.resource_pool(pool_id, resource_type, members=False)
        return self._pools[key]

    def _pool_ids(self, resource_type: ResourceType) -> list[str]:
        if self._all_pools is None:
            self._all_pools = self.platform.resource_pools(members=False)
        pools = self._all_pools
        return [pool.pool_id for pool in pools if pool.resource_type is resource_type and not pool.primordial]


class Subject(NamedTuple):
    """One system that is to become as declared."""

    task: Task
    desired: DesiredSystem
    current: VirtualSystem | None
    reference: VirtualSystem | None = None
    follows: bool = False
    """See :class:`run.Goal`."""


def converge(
    task: Task,
    platform: Platform,
    desired: DesiredSystem,
    current: VirtualSystem | None,
    reference: VirtualSystem | None = None,
    follows: bool = False,
) -> SystemOutcome:
    """Bring one system from ``current`` to ``desired``; see :func:`converge_all`.  Its failure is raised."""
    planner = _Planner(platform, Subject(task, desired, current, reference, follows), Surroundings(platform))
    with platform.together():
        outcome = execute(platform, planner.goal, current)
    planner.tell(outcome)
    return outcome


def converge_all(
    platform: Platform, subjects: Sequence[Subject], stop_on_error: bool = False
) -> list[Result[VirtualSystem | None]]:
    """Bring several systems that have nothing to do with each other to what is declared; see :func:`run.execute_all`.

    Told beside the result: storage that stays although it was to be removed, and what a guest has not followed.
    """
    surroundings = Surroundings(platform)
    planners = [_Planner(platform, subject, surroundings) for subject in subjects]

    def read_again(positions: Sequence[int]) -> list[VirtualSystem | VirtError | None]:
        return read_systems(platform, [subjects[position].desired for position in positions])

    befores = [subject.current for subject in subjects]
    found = execute_all(platform, [planner.goal for planner in planners], befores, read_again, stop_on_error)
    for planner, outcome in zip(planners, found):
        if isinstance(outcome, Outcome):
            planner.tell(outcome)
    return found


def read_systems(platform: Platform, wanted: Sequence[DesiredSystem]) -> list[VirtualSystem | VirtError | None]:
    """The systems that are declared as they are now, None for those that are not there; read all at a time.

    One of which name and UUID disagree is an error in its place.
    """
    known: dict[str, list[VirtualSystem]] = {}
    for system in platform.virtual_systems({desired.name for desired in wanted}):
        known.setdefault(system.name, []).append(system)

    def one(desired: DesiredSystem) -> VirtualSystem | VirtError | None:
        found = known.get(desired.name, [])
        if len(found) < 2 and all(desired.uuid in (None, system.uuid) for system in found):
            if found or desired.uuid is None:
                return found[0] if found else None
        try:
            return platform.virtual_system(desired.name, desired.uuid)
        except Conflict as error:
            return error

    return [one(desired) for desired in wanted]


class _Planner:
    """Plans for one system."""

    def __init__(self, platform: Platform, subject: Subject, surroundings: Surroundings) -> None:
        self.platform = platform
        self.subject = subject
        self.surroundings = surroundings
        self.behind: list[StorageElement] | None = None
        """The storage of the system before anything was changed, where storage is to be removed."""

    @property
    def goal(self) -> Goal[VirtualSystem | None]:
        """The system as a goal."""
        subject = self.subject
        return Goal(
            subject.task, self.plan, predict_system, self.read, unmet=self.surroundings.unmet, follows=subject.follows
        )

    def plan(self, system: VirtualSystem | None) -> Plan:
        subject, desired = self.subject, self.subject.desired
        name = desired.name
        capabilities = self.surroundings.capabilities(desired.settings, subject.current, subject.reference)
        if any(rasd.image is not None for rasd in desired.resources):
            from ansible_collections.svpc.virt.plugins.module_utils.plan.images import with_images

            desired = with_images(desired, system, capabilities, lambda rasd: self.platform.image_facts(name, rasd))
        storage = self.platform.storage_of(system) if desired.remove_storage and system is not None else []
        if self.behind is None:
            self.behind = storage
        goes = seed_goes(system, desired.state == "absent", desired.seed)
        left = self.platform.left_seeds(system) if system is not None and goes else []
        return plan_system(desired, system, capabilities, subject.reference if system is None else None, storage, left)

    def read(self) -> VirtualSystem | None:
        return self.platform.virtual_system(self.subject.desired.name, self.subject.desired.uuid)

    def tell(self, outcome: SystemOutcome) -> None:
        """Warn of storage that stays although it was to be removed, and of what the guest has not followed.

        And of what a new system does not get from its reference.
        """
        task = self.subject.task
        if outcome.before is None and outcome.plan:
            self._tell_what_is_left_to_the_host()
        for element in kept_storage(outcome.plan, self.behind or ()):
            task.warn(f"{element.host_resource} was not removed: {element.kept_because}")
        memory = only(self.subject.desired.resources, ResourceType.MEMORY)
        if outcome.after is not None and any(rasd.virtual_quantity for rasd in memory):
            for text in unfollowed(outcome.after):
                task.warn(text)

    def _tell_what_is_left_to_the_host(self) -> None:
        subject, desired = self.subject, self.subject.desired
        if subject.reference is None:
            return
        from ansible_collections.svpc.virt.plugins.module_utils.plan.define import left_to_the_host

        capabilities = self.surroundings.capabilities(desired.settings, subject.current, subject.reference)
        left = left_to_the_host(subject.reference, capabilities)
        if left:
            subject.task.warn(
                f"Virtual system {desired.name!r} does not get {', '.join(rasd.label for rasd in left)} from its reference "
                f"{subject.reference.name!r}: this host gives every system its own, which may be others, and lets nobody "
                "declare them"
            )


def capabilities_for(
    platform: Platform,
    settings: Mapping[str, Any],
    current: VirtualSystem | None = None,
    reference: VirtualSystem | None = None,
) -> Capabilities:
    """What the host can do for a system with these settings."""
    return platform.capabilities(known_settings(settings, current, reference))


def known_settings(
    settings: Mapping[str, Any], current: VirtualSystem | None = None, reference: VirtualSystem | None = None
) -> dict[str, Any]:
    """The settings of a system as far as they are known before it is planned."""
    known: dict[str, Any] = {}
    for system in (reference, current):
        if system is not None:
            known.update(system.defined.settings)
    known.update(settings)
    return {name: value for name, value in known.items() if value is not None}


def system_result(
    task: Task,
    outcome: SystemOutcome,
    addresses: Addresses | None = None,
    render: Callable[[Rasd], dict[str, Any]] = results.resource,
) -> dict[str, Any]:
    """What the modules that change a virtual system return."""
    waiting_changes = shown_changes.pending(outcome.after)
    system = results.virtual_system(outcome.after, render=render)
    result = {
        "changed": outcome.changed,
        "changes": shown_changes.changes(outcome.plan),
        "virtual_system": system,
        "restart_required": bool(waiting_changes),
        "pending": waiting_changes,
    }
    if addresses is not None:
        result["addresses"] = addresses
        if system is not None:
            system["addresses"] = addresses
    if task.diff:
        result["diff"] = diffs.system_diff(outcome.before, outcome.predicted, outcome.plan)
    return result


class Addressed(NamedTuple):
    """The system that a task is about, by name."""

    system: VirtualSystem
    is_there: bool = True
    """False in check mode, of one that an earlier task would have made: then nothing is known of it but its name."""


def existing_system(
    task: Task,
    platform: Platform,
    name: str,
    uuid: str | None = None,
    where: str = "name",
    assumed: SystemState = SystemState.DEFINED,
) -> Addressed:
    """The system of that name, which is named at ``where``; otherwise see :func:`yet_to_be_made`."""
    system = platform.virtual_system(name, uuid)
    return yet_to_be_made(task, name, where, assumed) if system is None else Addressed(system)


def yet_to_be_made(task: Task, name: str, where: str, assumed: SystemState = SystemState.DEFINED) -> Addressed:
    """Raise NotFound for a system that is not there; in check mode warn, and take one as made in state ``assumed``."""
    leave_to_earlier_task(task, NotFound(f"{where}: there is no virtual system {name!r}"))
    return Addressed(VirtualSystem(name, state=assumed), is_there=False)
