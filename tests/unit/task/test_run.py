# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is carried out or predicted, and what does not come true is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InvalidInput,
    NotFound,
    TimedOut,
    Unreachable,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake_capabilities import fake_capabilities
from ansible_collections.svpc.virt.plugins.module_utils.task.module import failure_result
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import SystemOutcome, converge

MIB = 2**20
MEMORY = Rasd(ResourceType.MEMORY, virtual_quantity=256 * MIB)
DISK = Rasd(ResourceType.DISK_DRIVE, name="root", host_resource=("/srv/root.raw",), virtual_quantity=1024 * MIB)
WEB = DesiredSystem("web", state="active", resources=(MEMORY, DISK))


class Deceiver(FakeHost):
    """A host that shows its systems as ``lie`` makes them."""

    def __init__(self, lie: Callable[[VirtualSystem], VirtualSystem]) -> None:
        super().__init__()
        self.lie = lie

    def virtual_system(self, name: str, uuid: str | None = None) -> VirtualSystem | None:
        system = super().virtual_system(name, uuid)
        return None if system is None else self.lie(system)


def run(host: FakeHost, desired: DesiredSystem, check: bool = False) -> tuple[SystemOutcome, list[str]]:
    warnings: list[str] = []
    task = Task({}, check=check, warn=warnings.append)
    return converge(task, host, desired, host.virtual_system(desired.name)), warnings


def test_check_mode_plans_the_same_and_touches_nothing() -> None:
    host = FakeHost()
    expected, _warnings = run(host, WEB, check=True)
    assert host.log == []
    assert not expected.carried_out
    assert expected.after is expected.predicted
    outcome, warnings = run(host, WEB)
    assert outcome.plan == expected.plan
    assert host.log == [change.operation for change in outcome.plan]
    assert outcome.after is not None
    assert outcome.after.state is SystemState.ACTIVE
    assert warnings == []


def test_a_pool_that_is_not_there_is_an_error_and_in_check_mode_a_warning() -> None:
    """In check mode the earlier task of the play that makes the pool has not been carried out either."""
    host = FakeHost()
    desired = replace(WEB, resources=(replace(DISK, pool_id="site", host_resource=None),))
    foretold, warnings = run(host, desired, check=True)
    assert [change.operation for change in foretold.plan] == ["define_system", "request_state_change"]
    assert len(warnings) == 1
    assert warnings[0].startswith("disk_drive 'root': there is no storage pool 'site'; there are none (an earlier task")
    with pytest.raises(NotFound, match="there is no storage pool 'site'"):
        run(host, desired)
    assert host.log == []


def test_what_is_in_the_way_is_an_error_and_in_check_mode_a_warning() -> None:
    """In check mode the earlier task of the play that takes it away has not been carried out either."""
    host = FakeHost()
    run(host, replace(WEB, name="old", state="defined"))
    host.log.clear()
    foretold, warnings = run(host, WEB, check=True)
    assert [change.operation for change in foretold.plan] == ["define_system", "request_state_change"]
    assert warnings == [
        "disk_drive 'root': /srv/root.raw is disk_drive 'root' of 'old' (an earlier task has to see to that before this "
        "one is carried out)"
    ]
    with pytest.raises(Conflict, match="is disk_drive 'root' of 'old'"):
        run(host, WEB)
    assert host.log == []


def test_what_no_earlier_task_can_help_is_an_error_in_check_mode_too() -> None:
    """Beside something that is in the way."""
    host = FakeHost()
    run(host, WEB)
    run(host, replace(WEB, name="new", state="defined", resources=(MEMORY,)))
    host.log.clear()
    adapter = Rasd(ResourceType.ETHERNET_ADAPTER, name="lan", connection=("magic:x",))
    with pytest.raises(InvalidInput, match="magic:x"):
        run(host, replace(WEB, name="new", resources=(DISK, adapter)), check=True)
    assert host.log == []


def test_nothing_to_do_is_done_without_reading_again() -> None:
    host = FakeHost()
    run(host, WEB)
    host.log.clear()
    outcome, warnings = run(host, WEB)
    assert (outcome.plan, host.log, warnings) == ((), [], [])
    assert outcome.after is outcome.before
    assert not outcome.changed


def test_a_failure_carries_the_changes_made_before_it() -> None:
    host = FakeHost()
    host.fails["request_state_change"] = Unreachable("the host is gone")
    with pytest.raises(Unreachable) as caught:
        run(host, WEB)
    assert [change["operation"] for change in caught.value.details["changes"]] == ["define_system"]
    assert caught.value.details["failed_change"] == {
        "operation": "request_state_change",
        "target": "web",
        "changed": False,
    }


def test_a_failure_of_the_first_change_has_changed_nothing() -> None:
    host = FakeHost()
    host.fails["define_system"] = Conflict("no")
    with pytest.raises(Conflict) as caught:
        run(host, WEB)
    assert "changes" not in caught.value.details


def test_a_failure_to_read_afterwards_carries_the_changes_too() -> None:
    host = FakeHost()

    def gone(system: VirtualSystem) -> VirtualSystem:
        raise Unreachable("the host is gone")

    deceiver = Deceiver(gone)
    with pytest.raises(Unreachable) as caught:
        converge(Task({}), deceiver, WEB, None)
    assert len(caught.value.details["changes"]) == 2
    assert host.log == []


def with_memory(quantity: int, name: str = "virtual_quantity") -> Callable[[VirtualSystem], VirtualSystem]:
    def lie(system: VirtualSystem) -> VirtualSystem:
        resources = tuple(
            with_values(rasd, {name: quantity}) if rasd.resource_type is ResourceType.MEMORY else rasd
            for rasd in system.defined.resources
        )
        configuration = replace(system.defined, resources=resources)
        return replace(system, defined=configuration, running=system.running and configuration)

    return lie


def test_a_value_that_the_host_did_not_take_is_a_warning_that_names_it() -> None:
    outcome, warnings = run(Deceiver(with_memory(255 * MIB)), WEB)
    assert outcome.changed
    assert len(warnings) == 1
    assert warnings[0].startswith("did not converge: ")
    assert f"modify_resource_settings memory (virtual_quantity is {255 * MIB}, not {256 * MIB})" in warnings[0]


def test_a_state_that_did_not_come_is_a_failure() -> None:
    def stopped(system: VirtualSystem) -> VirtualSystem:
        return replace(system, state=SystemState.DEFINED, running=None)

    with pytest.raises(HostFailed, match="state is 'defined', not 'active'") as caught:
        run(Deceiver(stopped), WEB)
    assert len(caught.value.details["changes"]) == 2


def test_a_resource_that_did_not_come_is_a_failure() -> None:
    def bare(system: VirtualSystem) -> VirtualSystem:
        kept = tuple(rasd for rasd in system.defined.resources if rasd.name != "root")
        return replace(system, defined=replace(system.defined, resources=kept))

    with pytest.raises(HostFailed, match="add_resource_settings disk_drive 'root'"):
        run(Deceiver(bare), WEB)


def test_a_restart_that_would_be_needed_again_is_a_warning() -> None:
    host = FakeHost()
    run(host, WEB)
    lie = with_memory(511 * MIB, "maximum_quantity")
    deceiver = Deceiver(lambda system: lie(system) if deceiver.log else system)
    deceiver.systems = host.systems
    memory = replace(MEMORY, virtual_quantity=512 * MIB, maximum_quantity=512 * MIB)
    desired = replace(WEB, resources=(memory,), allow_restart=True)
    _outcome, warnings = run(deceiver, desired)
    assert len(warnings) == 1
    assert "request_state_change" in warnings[0]


def test_what_cannot_be_planned_again_is_a_warning() -> None:
    def twins(system: VirtualSystem) -> VirtualSystem:
        both = tuple(replace(rasd, name="root") for rasd in system.defined.resources if rasd.name == "root")
        return replace(system, defined=replace(system.defined, resources=(*system.defined.resources, *both)))

    _outcome, warnings = run(Deceiver(twins), WEB)
    assert warnings == [
        "did not converge: the host carried out every change, but planning again fails: "
        "resources: several resources are called 'root': give an address instead"
    ]


def test_progress_tells_each_change() -> None:
    told: list[str] = []
    converge(Task({}, progress=told.append), FakeHost(), WEB, None)
    assert told == ["define_system: web", "request_state_change: web"]


class Busy(FakeHost):
    """A host at which somebody else is faster, once."""

    def __init__(self, operation: str, meanwhile: Callable[[FakeHost], None]) -> None:
        super().__init__()
        self.operation = operation
        self.meanwhile: Callable[[FakeHost], None] | None = meanwhile

    def carry_out(self, change: changes.Change) -> None:
        if change.operation == self.operation and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile(self)
            raise Conflict("somebody else was faster")
        super().carry_out(change)


def test_what_somebody_else_does_at_the_same_time_is_planned_for_anew() -> None:
    def define(host: FakeHost) -> None:
        converge(Task({}), host, replace(WEB, state="defined"), None)

    host = Busy("define_system", define)
    outcome, warnings = run(host, WEB)
    assert [change.operation for change in outcome.plan] == ["request_state_change"]
    assert outcome.after is not None
    assert outcome.after.state is SystemState.ACTIVE
    assert warnings == []


class OffOnly(Busy):
    """A host that changes memory only while a system is off."""

    def capabilities(self, system: Mapping[str, Any] | None = None) -> Capabilities:
        found = super().capabilities(system)
        memory = replace(found.allocation[ResourceType.MEMORY], off_only=frozenset({"virtual_quantity"}))
        return replace(found, allocation={**found.allocation, ResourceType.MEMORY: memory})


def test_what_was_shut_down_to_be_changed_is_started_again_although_it_is_planned_anew() -> None:
    def grow(quantity: int) -> DesiredSystem:
        memory = Rasd(ResourceType.MEMORY, virtual_quantity=quantity, maximum_quantity=2**30)
        return replace(
            WEB, state="present", resources=(memory,), allow_restart=True, force_off=True, shutdown_timeout=1.0
        )

    def meanwhile(host: FakeHost) -> None:
        converge(Task({}), host, grow(2**29), None)

    host = OffOnly("modify_resource_settings", meanwhile)
    run(host, replace(grow(2**28), state="active"))
    outcome, _warnings = run(host, grow(3 * 2**28))
    assert outcome.after is not None
    assert outcome.after.state is SystemState.ACTIVE
    (memory,) = only(outcome.after.defined.resources, ResourceType.MEMORY)
    assert memory.virtual_quantity == 3 * 2**28


def test_a_conflict_that_stays_is_a_failure() -> None:
    host = FakeHost()
    host.fails["define_system"] = Conflict("the name is taken")
    with pytest.raises(Conflict, match="the name is taken"):
        run(host, WEB)


def test_storage_is_given_back_although_its_disk_is_gone_when_it_is_planned_anew() -> None:
    host = Busy("return_to_storage_pool", lambda _host: None)
    run(host, replace(WEB, state="defined"))
    assert host.volumes
    absent = DesiredSystem("web", state="absent", remove_storage=True)
    outcome, _warnings = run(host, absent)
    assert [change.operation for change in outcome.plan] == ["destroy_system", "return_to_storage_pool"]
    assert host.volumes == {}


def test_storage_that_cannot_be_given_back_is_a_failure() -> None:
    host = FakeHost()
    run(host, replace(WEB, state="defined"))
    host.fails["return_to_storage_pool"] = Conflict("it is in use")
    with pytest.raises(Conflict, match="it is in use") as caught:
        run(host, DesiredSystem("web", state="absent", remove_storage=True))
    assert [change["operation"] for change in caught.value.details["changes"]] == ["destroy_system"]


class Half(FakeHost):
    """A host that takes a resource from the definition, and then fails."""

    def remove_resource_settings(self, change: changes.RemoveResourceSettings) -> None:
        super().remove_resource_settings(replace(change, running_resource=None))
        raise TimedOut("the guest did not release it")


def test_a_failure_that_has_changed_something_says_so() -> None:
    host = Half()
    run(host, WEB)
    with pytest.raises(TimedOut) as caught:
        run(host, DesiredSystem("web", absent_resources=(DISK,)))
    assert caught.value.details["failed_change"] == {
        "operation": "remove_resource_settings",
        "target": "disk_drive 'root'",
        "changed": True,
    }
    assert "changes" not in caught.value.details
    assert failure_result(caught.value)["changed"]


def test_notes_of_the_host_reach_the_user() -> None:
    host = FakeHost()
    notes = ["the guest had to be turned off"]
    host.take_notes = lambda: [notes.pop()] if notes else []  # type: ignore[method-assign]
    _outcome, warnings = run(host, WEB)
    assert warnings == ["the guest had to be turned off"]


@pytest.mark.parametrize("check", [True, False])
def test_what_the_host_lets_nobody_declare_is_told_not_to_come_from_the_reference(check: bool) -> None:
    able = fake_capabilities()
    allocation = dict(able.allocation)
    del allocation[ResourceType.USB_CONTROLLER]
    host = FakeHost(replace(able, allocation=allocation))
    controller = Rasd(ResourceType.USB_CONTROLLER, address_on_parent="0", implied=True)
    processor = Rasd(ResourceType.PROCESSOR, virtual_quantity=2)
    reference = VirtualSystem("template", defined=Configuration({}, (MEMORY, processor, controller)))
    warnings: list[str] = []
    outcome = converge(Task({}, check=check, warn=warnings.append), host, DesiredSystem("copy"), None, reference)
    assert outcome.predicted is not None
    assert [rasd.virtual_quantity for rasd in outcome.predicted.defined.resources] == [256 * MIB, 2]
    assert len(warnings) == 1
    assert "'copy' does not get usb_controller 0 from its reference 'template'" in warnings[0]
