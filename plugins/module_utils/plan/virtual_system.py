# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change so that a virtual system is as declared (DSP1042, DSP1057)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    InTheWay,
    NotSupported,
    Refused,
    RestartNeeded,
    allowed_words,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.model.states import INSTANTIATED, RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    SYSTEM_SETTINGS,
    StorageElement,
    VirtualSystem,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import (
    AddResourceSettings,
    Change,
    DestroySystem,
    ModifyResourceSettings,
    ModifySystemSettings,
    Plan,
    RemoveResourceSettings,
    RequestStateChange,
    ReturnToStoragePool,
    SystemRef,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.checks import (
    check_boot_order,
    check_method,
    check_setting_changes,
    check_settings,
    check_wait,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import setting_differences
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import counterpart, match
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import pending_of
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import (
    check_clashes,
    plan_resources,
    unwanted_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.seed import outdated_seeds, with_seed_drive
from ansible_collections.svpc.virt.plugins.module_utils.plan.states import check_request, transitions
from ansible_collections.svpc.virt.plugins.module_utils.plan.system_checks import check_declared_settings

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities

STATES = ("present", "defined", "active", "paused", "suspended", "absent")
"""The states that can be declared."""

ACTIONS: Mapping[str, RequestedState] = {"reboot": RequestedState.REBOOT, "reset": RequestedState.RESET}
"""The one-shot requests, by name."""


@frozen
class DesiredSystem:
    """What a user declares about one virtual system."""

    name: str
    uuid: str | None = None
    state: str = "present"
    settings: Mapping[str, Any] = field(default_factory=dict)
    resources: tuple[Rasd, ...] = ()
    absent_resources: tuple[Rasd, ...] = ()
    """Resources that must not be there."""
    exclusive: bool = False
    """Resources that are not listed must not be there either."""
    allow_restart: bool = False
    shutdown_timeout: float = 120.0
    """Seconds the guest has to shut down."""
    force_off: bool = False
    """After that time, turn it off; also: a saved state may be discarded."""
    remove_storage: bool = False
    seed: Seed | None = None
    """What cloud-init of the guest is to read, on a medium of the system; None: not managed."""
    seed_pool: str | None = None
    """The storage pool of that medium; None: that of the system's disks."""
    wait_for: str = "none"
    """What of the guest is waited for when the system is active: ``none``, ``address`` or ``guest_agent``."""

    @property
    def target(self) -> SystemState | None:
        """The state declared, None for ``present``."""
        return None if self.state == "present" else SystemState(self.state)


def plan_system(
    desired: DesiredSystem,
    current: VirtualSystem | None,
    capabilities: Capabilities,
    reference: VirtualSystem | None = None,
    storage: Sequence[StorageElement] = (),
    left_seeds: Sequence[StorageElement] = (),
) -> Plan:
    """The changes that make a system as declared, in order; empty when it already is.

    ``reference`` completes what is not declared, for a system that does not exist yet.  ``storage`` is what lies
    behind the system's disks, needed where storage is to be removed; ``left_seeds`` are seeds of the system that are in no
    drive of it, needed where a seed goes.  Raises, before anything is touched, for what the host cannot do and for what
    needs a switch that is not set.
    """
    if desired.state not in STATES:
        raise allowed_words("state", desired.state, STATES)
    check_wait(desired.wait_for, capabilities)
    if desired.seed is not None and desired.state != "absent":
        drives = with_seed_drive(
            desired.resources, desired.name, desired.seed, desired.seed_pool, current, capabilities
        )
        desired = replace(desired, resources=drives)
    if desired.state == "absent":
        plan = _plan_absent(desired, current, capabilities, storage, left_seeds)
    elif current is None:
        from ansible_collections.svpc.virt.plugins.module_utils.plan.define import define

        plan = define(
            desired.name,
            desired.uuid,
            desired.settings,
            desired.resources,
            capabilities,
            reference,
            desired.absent_resources,
            desired.exclusive,
        )
        if desired.target not in (None, SystemState.DEFINED):
            plan += _to_state(desired, SystemRef(desired.name, desired.uuid), SystemState.DEFINED, capabilities)
    else:
        plan = _plan_existing(desired, current, capabilities, storage, left_seeds)
    for change in plan:
        check_method(change.operation, capabilities)
        if isinstance(change, RequestStateChange):
            check_request(change, capabilities)
    if current is not None:
        check_clashes(current.defined.resources, tuple(plan))
    return tuple(plan)


def kept_storage(plan: Sequence[Change], storage: Sequence[StorageElement]) -> list[StorageElement]:
    """Of the storage whose disks go with ``plan``: what stays all the same, media aside."""
    gone = {change.resource.label for change in plan if isinstance(change, RemoveResourceSettings)}
    everything = any(isinstance(change, DestroySystem) for change in plan)
    return [
        element
        for element in storage
        if element.kept_because not in (None, "medium") and (everything or element.resource in gone)
    ]


def _to_state(
    desired: DesiredSystem,
    system: SystemRef,
    state: SystemState,
    capabilities: Capabilities,
    target: SystemState | None = None,
) -> list[Change]:
    target = target or desired.target
    if target is None:
        return []
    return list(transitions(system, state, target, capabilities, desired.shutdown_timeout, desired.force_off))


def _plan_absent(
    desired: DesiredSystem,
    current: VirtualSystem | None,
    capabilities: Capabilities,
    storage: Sequence[StorageElement],
    left_seeds: Sequence[StorageElement],
) -> list[Change]:
    if current is None:
        return []
    system = SystemRef(current.name, current.uuid)
    plan: list[Change] = []
    if current.state is SystemState.SUSPENDED:
        if not desired.force_off:
            raise Refused(
                f"Virtual system {current.name!r} has a saved state, which removing the system would discard: "
                "set force_off: true to allow that, or bring it to state active or defined first",
                switch="force_off",
            )
        plan.append(
            RequestStateChange(
                system,
                RequestedState.DISABLED,
                before=str(current.state),
                after=str(SystemState.DEFINED),
                timeout=desired.shutdown_timeout,
                force=True,
            )
        )
    elif current.state is not SystemState.DEFINED:
        plan += _to_state(desired, system, current.state, capabilities, SystemState.DEFINED)
    if current.persistent:
        plan.append(DestroySystem(system, snapshots=current.snapshots, belongings=current.belongings))
    plan += outdated_seeds(current, None, left_seeds)
    if desired.remove_storage:
        plan += [ReturnToStoragePool(element) for element in storage if element.kept_because is None]
    return plan


def _plan_existing(
    desired: DesiredSystem,
    current: VirtualSystem,
    capabilities: Capabilities,
    storage: Sequence[StorageElement],
    left_seeds: Sequence[StorageElement],
) -> list[Change]:
    system = SystemRef(current.name, current.uuid)
    target = desired.target
    if not current.persistent and target in (SystemState.DEFINED, SystemState.SUSPENDED):
        raise Refused(
            f"Virtual system {current.name!r} is transient: it would vanish in state {target}. Use state: absent for that"
        )
    steps = _to_state(desired, system, current.state, capabilities) if target is not None else []
    before, after, state = _when_to_change(current.state, steps)
    can_change_now = state in INSTANTIATED and current.running is not None
    middle = _configuration_changes(desired, system, current, can_change_now, capabilities)
    if middle and not current.persistent:
        raise NotSupported(
            f"Virtual system {current.name!r} is transient: it has no definition that could be changed. "
            "Shut it down and declare it anew"
        )
    plan = [*before, *middle, *after]
    if state is not SystemState.DEFINED and (off_only := _only_while_off(middle, capabilities)):
        if not desired.allow_restart:
            raise RestartNeeded(
                f"Virtual system {current.name!r}: this host changes {off_only} only while the system is off: set "
                "allow_restart: true, or bring it to state defined first"
            )
        down, up = _restart(desired, system, state, target, capabilities)
        middle = _configuration_changes(desired, system, current, False, capabilities)
        plan = [*before, *down, *middle, *up]
    elif desired.allow_restart and state not in _STOPPING and _waits_for_restart(desired, current, plan, middle):
        down, up = _restart(desired, system, state, target, capabilities)
        plan = [*before, *_definition_only(middle), *down, *up]
    if desired.remove_storage:
        plan += _storage_of_removed(current, plan, middle, storage)
    if plan or left_seeds:  # a system that stays as it is keeps what is in its drives
        plan += outdated_seeds(current, predict_system(current, plan), left_seeds)
    return plan


_STOPPING = frozenset({SystemState.SHUTTING_DOWN, SystemState.CRASHED})
"""States that lead to being off: the next activation brings what waits, without a restart."""


def _only_while_off(plan: Sequence[Change], capabilities: Capabilities) -> str:
    """What a plan changes in the definition that the host changes only while the system is off, in words."""
    found = []
    for change in plan:
        if isinstance(change, ModifyResourceSettings):
            names = capabilities.allocation[change.before.resource_type].off_only & set(change.differences)
            found += [f"{name} of {change.before.label}" for name in sorted(names)]
    return ", ".join(found)


def _when_to_change(state: SystemState, steps: Sequence[Change]) -> tuple[list[Change], list[Change], SystemState]:
    """The steps before and after the moment at which the configuration is changed, and the state at that moment.

    A system that is off on the way is changed then; otherwise one that is to run is changed while it runs.
    """
    way = [state, *(SystemState(step.after) for step in steps if isinstance(step, RequestStateChange))]
    for best in ({SystemState.DEFINED}, {SystemState.ACTIVE}, INSTANTIATED):
        for moment, met in enumerate(way):
            if met in best:
                return list(steps[:moment]), list(steps[moment:]), met
    return [], list(steps), state


def _storage_of_removed(
    current: VirtualSystem, plan: Sequence[Change], middle: Sequence[Change], storage: Sequence[StorageElement]
) -> list[Change]:
    """The return of the storage behind resources that are removed.  Raises RestartNeeded while it is in use."""
    expected = predict_system(current, plan)
    running = expected.running.resources if expected is not None and expected.running is not None else ()
    found: list[Change] = []
    for change in middle:
        if not isinstance(change, RemoveResourceSettings):
            continue
        for element in storage:
            if element.kept_because is None and element.resource == change.resource.label:
                if counterpart(change.resource, running) is not None:
                    raise RestartNeeded(
                        f"Virtual system {current.name!r} uses the storage of {change.resource.label} "
                        f"({element.host_resource}) until it is off: set allow_restart: true, or stop it first"
                    )
                found.append(ReturnToStoragePool(element))
    return found


def _configuration_changes(
    desired: DesiredSystem,
    system: SystemRef,
    current: VirtualSystem,
    can_change_now: bool,
    capabilities: Capabilities,
) -> list[Change]:
    found = setting_differences(desired.settings, current.defined.settings, SYSTEM_SETTINGS)
    if found:
        added = [
            rasd
            for rasd, index in zip(desired.resources, match(desired.resources, current.defined.resources))
            if index is None
        ]
        check_declared_settings(
            {**current.defined.settings, **desired.settings}, found, (*current.defined.resources, *added)
        )
        check_setting_changes(current.name, found, capabilities)
        check_settings({**current.defined.settings, **desired.settings}, capabilities, found)
    if "boot_order" in found:
        check_boot_order(found["boot_order"][1], (*current.defined.resources, *desired.resources))
    plan: list[Change] = []
    at_once = {name: difference for name, difference in found.items() if name in capabilities.live_settings}
    later = {name: difference for name, difference in found.items() if name not in at_once}
    for part, live in ((at_once, can_change_now), (later, False)):
        if part:
            plan.append(ModifySystemSettings(system, part, live=live))
    running = current.running.resources if can_change_now and current.running is not None else None
    plan += plan_resources(
        system,
        desired.resources,
        desired.absent_resources,
        desired.exclusive,
        current.defined.resources,
        running,
        capabilities,
    )
    return plan


def _waits_for_restart(
    desired: DesiredSystem, current: VirtualSystem, plan: Sequence[Change], middle: Sequence[Change]
) -> bool:
    """Whether something of this declaration would still wait for a restart after ``plan``.

    What others left waiting does not count.
    """
    expected = predict_system(current, plan)
    if expected is None or expected.running is None:
        return False
    defined, running = expected.defined.resources, expected.running.resources
    declared: dict[str, set[str]] = {
        "settings": {name for name, value in desired.settings.items() if value is not None}
    }
    for rasd, index in zip(desired.resources, match(desired.resources, defined)):
        if index is not None:
            declared[defined[index].label] = {"resource", *values(rasd)}
    orphans = [rasd for rasd in running if counterpart(rasd, defined) is None]
    gone = unwanted_of(orphans, desired.absent_resources, desired.exclusive)
    for change in middle:
        if isinstance(change, RemoveResourceSettings):
            left = counterpart(change.resource, orphans)
            gone += [left] if left is not None else []
    for rasd in gone:
        declared.setdefault(rasd.label, set()).add("resource")
    return any(declared.get(item.target, set()) & set(item.properties) for item in pending_of(expected))


def _definition_only(plan: Sequence[Change]) -> list[Change]:
    """The same changes for the definition alone: the restart brings them into the running system."""
    found: list[Change] = []
    for change in plan:
        if isinstance(change, AddResourceSettings):
            if change.in_definition:
                found.append(replace(change, live=False))
        elif isinstance(change, RemoveResourceSettings):
            if change.in_definition:
                found.append(replace(change, running_resource=None))
        elif isinstance(change, ModifyResourceSettings):
            if change.differences:
                found.append(replace(change, running_before=None, live_differences={}))
        else:
            found.append(change)
    return found


def _restart(
    desired: DesiredSystem,
    system: SystemRef,
    state: SystemState,
    target: SystemState | None,
    capabilities: Capabilities,
) -> tuple[list[Change], list[Change]]:
    """The way to being off, and the way back to the state the system had or is to have."""
    home = target or (SystemState.ACTIVE if state in (SystemState.SLEEPING, SystemState.STARTING) else state)
    return (
        _to_state(desired, system, state, capabilities, SystemState.DEFINED),
        _to_state(desired, system, SystemState.DEFINED, capabilities, home),
    )


def plan_action(system: VirtualSystem, action: str, capabilities: Capabilities, timeout: float = 120.0) -> Plan:
    """The one request of an action.  Raises InTheWay in a state in which it means nothing."""
    if action not in ACTIONS:
        raise allowed_words("action", action, ACTIONS)
    requested = ACTIONS[action]
    allowed = {SystemState.ACTIVE} if requested is RequestedState.REBOOT else {SystemState.ACTIVE, SystemState.PAUSED}
    change = RequestStateChange(
        SystemRef(system.name, system.uuid),
        requested,
        before=str(system.state if system.state in allowed else SystemState.ACTIVE),
        after=str(SystemState.ACTIVE),
        timeout=timeout,
    )
    check_request(change, capabilities)
    if system.state not in allowed:
        raise InTheWay(
            f"Virtual system {system.name!r} is {system.state}: {action} needs it to be "
            f"{' or '.join(sorted(str(state) for state in allowed))}",
            (change,),
            allowed=sorted(str(state) for state in allowed),
        )
    return (change,)
