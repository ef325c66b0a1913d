# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every declaration and every state, tried with random ones on the host in memory.

A history is a sequence of declarations for one system.  Some of them reach the definition alone, as another tool
would leave it, so that the running system and the definition differ in every way.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    SYSTEM_SETTINGS,
    Configuration,
    VirtualSystem,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import differences, setting_differences
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import counterpart, match
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import pending_of
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem, plan_system
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.unit.plan import strategies

MANY = settings(
    max_examples=int(os.environ.get("EXAMPLES", "150")),
    derandomize="EXAMPLES" not in os.environ,
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same histories on each run; EXAMPLES=5000 tries as many new ones."""

FILLED_IN = {"address", "address_on_parent", "host_resource", "resource_sub_type", "settings.format"}
"""What the host in memory fills in."""

histories = st.lists(st.tuples(strategies.declaration, st.booleans()), max_size=3)


@dataclass
class World:
    """The host in memory with what the declarations of a history left there."""

    host: FakeHost

    @property
    def system(self) -> VirtualSystem | None:
        return self.host.virtual_system("web")

    def plan(self, desired: DesiredSystem) -> changes.Plan:
        return plan_system(desired, self.system, self.host.capabilities())

    def carry_out(self, plan: changes.Plan) -> None:
        for change in plan:
            self.host.carry_out(change)


def world_after(history: list[tuple[DesiredSystem, bool]]) -> World:
    world = World(FakeHost())
    for desired, definition_only in history:
        try:
            plan = world.plan(desired)
        except VirtError:
            continue
        before = world.system
        world.carry_out(plan)
        after = world.system
        if definition_only and before is not None and after is not None:
            world.host.systems["web"] = replace(after, state=before.state, running=before.running)
    return world


def planned(world: World, desired: DesiredSystem) -> changes.Plan | None:
    """The plan, or None where the declaration is refused; nothing has happened then."""
    untouched = copy.deepcopy((desired, world.system, world.host.capabilities()))
    log = list(world.host.log)
    try:
        plan = world.plan(desired)
    except VirtError as error:
        event(f"refused: {error.code}")
        assert world.host.log == log
        plan = None
    assert (desired, world.system, world.host.capabilities()) == untouched
    if plan is not None:
        event(f"changes: {min(len(plan), 5)}")
    return plan


def existing(world: World) -> VirtualSystem:
    system = world.system
    assert system is not None
    return system


def has_all(configuration: Configuration, desired: DesiredSystem, names: bool = True) -> None:
    """Assert that a configuration has everything that is declared."""
    assert setting_differences(desired.settings, configuration.settings, SYSTEM_SETTINGS) == {}
    for rasd, index in zip(desired.resources, match(desired.resources, configuration.resources), strict=True):
        assert index is not None, rasd
        found = differences(rasd, configuration.resources[index])
        assert {name for name in found if names or name != "name"} == set(), rasd


@MANY
@given(histories, strategies.declaration)
def test_carried_out_it_is_as_declared_and_needs_nothing_more(
    history: list[tuple[DesiredSystem, bool]], desired: DesiredSystem
) -> None:
    world = world_after(history)
    before = world.system
    plan = planned(world, desired)
    if plan is None:
        return
    world.carry_out(plan)
    after = existing(world)
    has_all(after.defined, desired)
    assert [index for index in match(desired.absent_resources, after.defined.resources, adding=False) if index] == []
    expected = desired.target or (before.state if before else SystemState.DEFINED)
    assert after.state is expected
    assert world.plan(desired) == ()


@MANY
@given(histories, strategies.declaration)
def test_the_prediction_is_what_happens(history: list[tuple[DesiredSystem, bool]], desired: DesiredSystem) -> None:
    world = world_after(history)
    plan = planned(world, desired)
    if plan is None:
        return
    predicted = predict_system(world.system, plan)
    world.carry_out(plan)
    actual = existing(world)
    assert predicted is not None
    assert (predicted.name, predicted.state) == (actual.name, actual.state)
    assert (predicted.running is None) == (actual.running is None)
    same_but_filled_in(predicted.defined, actual.defined)
    if predicted.running is not None and actual.running is not None:
        same_but_filled_in(predicted.running, actual.running)


def same_but_filled_in(predicted: Configuration, actual: Configuration) -> None:
    left = setting_differences(predicted.settings, actual.settings, SYSTEM_SETTINGS)
    assert left == {}
    assert set(actual.settings) == set(predicted.settings)
    assert len(predicted.resources) == len(actual.resources)
    for one, other in zip(predicted.resources, actual.resources, strict=True):
        expected, found = values(one), values(other)
        for name in set(found) - set(expected):
            assert name in FILLED_IN
        for name, value in expected.items():
            assert found[name] == value


@MANY
@given(histories, strategies.declaration)
def test_each_change_does_what_it_says(history: list[tuple[DesiredSystem, bool]], desired: DesiredSystem) -> None:
    world = world_after(history)
    plan = planned(world, desired)
    for change in plan or ():
        before = world.system
        world.host.carry_out(change)
        after = existing(world)
        if before is None or isinstance(change, changes.RequestStateChange):
            continue
        assert after.state is before.state
        if not change.live:
            assert after.running == before.running, change
        elif not isinstance(change, changes.ModifySystemSettings):
            assert after.running != before.running, change
        definition = getattr(change, "in_definition", True)
        if isinstance(change, changes.ModifyResourceSettings):
            definition = bool(change.differences)
        assert (after.defined != before.defined) == definition, change


@MANY
@given(histories, strategies.declaration)
def test_nothing_is_done_that_is_not_asked_for(
    history: list[tuple[DesiredSystem, bool]], desired: DesiredSystem
) -> None:
    world = world_after(history)
    before = world.system
    plan = planned(world, desired)
    if plan is None or before is None:
        return
    volumes = dict(world.host.volumes)
    world.carry_out(plan)
    after = existing(world)
    meant = dict(zip(match(desired.resources, before.defined.resources), desired.resources, strict=True))
    unwanted = match(desired.absent_resources, before.defined.resources, adding=False)
    kept = {rasd.instance_id: rasd for rasd in after.defined.resources}
    for index, rasd in enumerate(before.defined.resources):
        if rasd.instance_id not in kept:
            assert index in unwanted or (desired.exclusive and index not in meant)
            assert rasd.resource_type not in (ResourceType.PROCESSOR, ResourceType.MEMORY)
            continue
        may_change = set(values(meant[index])) if index in meant else set()
        if "virtual_quantity" in may_change:
            may_change.add("maximum_quantity")
        was, is_now = values(rasd), values(kept[rasd.instance_id])
        assert {name for name in {*was, *is_now} if was.get(name) != is_now.get(name)} <= may_change
    for name, value in before.defined.settings.items():
        if desired.settings.get(name) is None:
            assert after.defined.settings[name] == value
    for path, size in volumes.items():
        assert world.host.volumes[path] >= size
    requests = [change for change in plan if isinstance(change, changes.RequestStateChange)]
    if desired.target in (None, before.state) and not desired.allow_restart:
        assert requests == []


@MANY
@given(histories, strategies.declaration)
def test_a_restart_leaves_nothing_waiting_that_is_declared(
    history: list[tuple[DesiredSystem, bool]], desired: DesiredSystem
) -> None:
    world = world_after(history)
    before = world.system
    desired = replace(desired, allow_restart=True)
    plan = planned(world, desired)
    if plan is None:
        return
    world.carry_out(plan)
    after = existing(world)
    if after.running is None:
        return
    running = list(after.running.resources)
    at_next_start = {"description", "automatic_startup_action"}
    declared = {name: value for name, value in desired.settings.items() if name not in at_next_start}
    assert setting_differences(declared, after.running.settings, SYSTEM_SETTINGS) == {}
    for rasd, index in zip(desired.resources, match(desired.resources, after.defined.resources), strict=True):
        assert index is not None
        other = counterpart(after.defined.resources[index], running)
        assert other is not None, rasd
        assert set(differences(rasd, other)) <= {"name"}
    if desired.exclusive:
        surplus = [rasd for rasd in running if counterpart(rasd, after.defined.resources) is None]
        assert [rasd for rasd in surplus if rasd.row.exclusive] == []
    requests = [change for change in plan if isinstance(change, changes.RequestStateChange)]
    if before is not None and before.running is not None and desired.target in (None, before.state) and requests:
        # Nobody is disturbed for less: something of the declaration had to wait.
        patient = plan_system(replace(desired, allow_restart=False), before, world.host.capabilities())
        left = predict_system(before, patient)
        assert left is not None
        assert pending_of(left) != ()


@MANY
@given(histories)
def test_a_reading_given_back_changes_nothing(history: list[tuple[DesiredSystem, bool]]) -> None:
    world = world_after(history)
    system = world.system
    if system is None:
        return
    same = DesiredSystem(
        name="web",
        uuid=system.uuid,
        state=str(system.state),
        settings=system.defined.settings,
        resources=tuple(replace(rasd, instance_id=None) for rasd in system.defined.resources),
    )
    for desired in (same, replace(same, exclusive=True)):
        left = world.plan(desired)
        # What a definition has and the running system could have is made so; the definition is never touched.
        assert [change for change in left if not change.live] == []
        assert all(not getattr(change, "differences", {}) for change in left)
        predicted = predict_system(system, left)
        assert predicted is not None
        assert predicted.defined == system.defined


@MANY
@given(histories)
def test_removal_leaves_nothing_and_keeps_storage(history: list[tuple[DesiredSystem, bool]]) -> None:
    world = world_after(history)
    volumes = dict(world.host.volumes)
    absent = DesiredSystem(name="web", state="absent", force_off=True)
    plan = planned(world, absent)
    assert plan is not None
    assert predict_system(world.system, plan) is None
    world.carry_out(plan)
    assert world.system is None
    assert world.host.volumes == volumes
    assert world.plan(absent) == ()


def test_entries_without_identity_find_the_best_assignment() -> None:
    """Whatever the order of the entries, those that are satisfied already are not changed."""
    one = Rasd(ResourceType.ETHERNET_ADAPTER, connection=("a",))
    two = Rasd(ResourceType.ETHERNET_ADAPTER, connection=("a",), resource_sub_type="e1000")
    current = [
        replace(two, address="52:54:00:00:00:01"),
        replace(one, address="52:54:00:00:00:02", resource_sub_type="virtio"),
    ]
    assert match([one, two], current) == [1, 0]
    assert match([two, one], current) == [0, 1]
