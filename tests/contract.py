# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every platform promises, as tests that run on each of them.

A platform joins by a test class that inherits from :class:`Contract` and by two fixtures: ``platform``, an open
:class:`Platform` on a host without systems, and ``around``, what the host offers (:class:`Surroundings`).

Every step goes the way of a task: read, plan, predict, carry out, read again.  :func:`converge` asserts on the way that
planning touched nothing, that what check mode predicted is what happened, and that a second run has nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    InTheWay,
    InvalidInput,
    NotFound,
    NotSupported,
    Refused,
    TimedOut,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, in_order
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed, seed_volume
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    SYSTEM_SETTINGS,
    Configuration,
    VirtualSystem,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import differences, setting_differences
from ansible_collections.svpc.virt.plugins.module_utils.plan.dependencies import answer, completed, find
from ansible_collections.svpc.virt.plugins.module_utils.plan.images import with_images
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import match
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import pending_of
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import (
    predict_pool,
    predict_snapshots,
    predict_system,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import DesiredPool, plan_pool
from ansible_collections.svpc.virt.plugins.module_utils.plan.seed import seed_goes
from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import (
    DesiredSnapshot,
    plan_snapshot,
    unmet_snapshots,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import (
    DesiredSystem,
    plan_action,
    plan_system,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import NoImageFiles, Platform

MIB = 2**20
NAME = "contract"


def nothing(_name: str) -> None:
    """What a host does that needs no doing."""


@dataclass(frozen=True)
class Surroundings:
    """What a host offers to the contract."""

    storage_pool: str
    """An active pool in which disks can be made."""
    networks: tuple[str, str]
    """Two active networks."""
    folder: str
    """A folder on the host that does not exist yet, for a storage pool."""
    medium: str
    """Path of a file that can be put into a CD drive."""
    image: Image | None = None
    """A raw image of 4 MiB on the host; None where the host makes no disks from images."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that every system needs on this host."""
    guest: Callable[[str], tuple[Mapping[str, Any], tuple[Rasd, ...]]] = lambda name: ({}, ())
    """Settings and resources by which the system of that name has a guest that answers."""
    wait_for_guest: Callable[[str], None] = nothing
    """Waits until that guest has booted."""
    deafen: Callable[[str], None] = nothing
    """Makes a system without guest ignore the request to shut down, where a host does not do that by itself."""


class Media(NoImageFiles):
    """Media that hold no more than the mark of their seed."""

    def medium(self, seed: Seed) -> bytes:
        """A medium of one sector."""
        return seed.mark.ljust(2048, b"\0")


@dataclass(frozen=True)
class Run:
    """What one run planned, predicted and found."""

    before: VirtualSystem | None
    plan: changes.Plan
    predicted: VirtualSystem | None
    after: VirtualSystem | None

    @property
    def operations(self) -> list[str]:
        """The operations of the plan, in order."""
        return [change.operation for change in self.plan]

    @property
    def system(self) -> VirtualSystem:
        """The system after the run."""
        assert self.after is not None
        return self.after

    def resource(self, name: str) -> Rasd:
        """The resource of that name in the definition."""
        return next(rasd for rasd in self.system.defined.resources if rasd.name == name)

    def running(self, name: str) -> Rasd:
        """The resource of that name in the running system."""
        assert self.system.running is not None
        return next(rasd for rasd in self.system.running.resources if rasd.name == name)


def planned(platform: Platform, desired: DesiredSystem, reference: VirtualSystem | None = None) -> changes.Plan:
    """The plan for a system as it is now.  Nothing has happened."""
    current = platform.virtual_system(desired.name, desired.uuid)
    known: dict[str, Any] = {}
    for system in (reference, current):
        known.update(system.defined.settings if system is not None else {})
    capabilities = platform.capabilities({**known, **desired.settings})
    desired = with_images(desired, current, capabilities, lambda rasd: platform.image_facts(desired.name, rasd))
    storage = platform.storage_of(current) if desired.remove_storage and current is not None else ()
    goes = seed_goes(current, desired.state == "absent", desired.seed)
    left = platform.left_seeds(current) if current is not None and goes else ()
    return plan_system(desired, current, capabilities, reference if current is None else None, storage, left)


def carry_out(platform: Platform, plan: changes.Plan) -> None:
    """Ask the host whether it objects to a change, then carry out change by change."""
    for change in plan:
        platform.check(change)
    for change in plan:
        platform.carry_out(change)


def converge(platform: Platform, desired: DesiredSystem, reference: VirtualSystem | None = None) -> Run:
    """One run for a system, with everything asserted that holds for every run."""
    before = platform.virtual_system(desired.name, desired.uuid)
    plan = planned(platform, desired, reference)
    predicted = predict_system(before, plan)
    assert platform.virtual_system(desired.name, desired.uuid) == before, "planning changed something"
    carry_out(platform, plan)
    after = platform.virtual_system(desired.name, desired.uuid)
    assert_as_predicted(predicted, after)
    assert planned(platform, desired, reference) == (), "a second run has something to do"
    return Run(before, plan, predicted, after)


def assert_as_predicted(predicted: VirtualSystem | None, after: VirtualSystem | None) -> None:
    """What was predicted is there; a host adds values, and resources that it has by itself."""
    if predicted is None or after is None:
        assert predicted is after
        return
    assert (predicted.name, predicted.state) == (after.name, after.state)
    assert predicted.uuid in (None, after.uuid)
    assert_contains(after.defined, predicted.defined)
    if after.state is SystemState.DEFINED:
        assert after.running is None
    elif after.state in (SystemState.ACTIVE, SystemState.PAUSED):
        assert after.running is not None
        assert predicted.running is not None
        assert_contains(after.running, predicted.running, is_running=True)
    waits = {item.target: set(item.properties) for item in pending_of(after)}
    assert waits == {item.target: set(item.properties) for item in pending_of(predicted)}


def assert_contains(found: Configuration, expected: Configuration, is_running: bool = False) -> None:
    """A configuration has every value that is expected, and no resource that is not."""
    assert setting_differences(expected.settings, found.settings, SYSTEM_SETTINGS) == {}
    wanted = [replace(rasd, instance_id=None) for rasd in expected.resources]
    if is_running:
        # The guest follows a balloon when it can.
        wanted = [
            replace(rasd, virtual_quantity=None) if rasd.resource_type is ResourceType.MEMORY else rasd
            for rasd in wanted
        ]
    matched = match(wanted, found.resources)
    for rasd, index in zip(wanted, matched, strict=True):
        assert index is not None, f"{rasd} is missing"
        assert differences(rasd, found.resources[index]) == {}
    for index, rasd in enumerate(found.resources):
        assert index in matched or rasd.implied or not rasd.row.exclusive, f"{rasd} was not expected"


def converge_pool(platform: Platform, desired: DesiredPool) -> tuple[changes.Plan, ResourcePool | None]:
    """One run for a pool."""

    def read() -> ResourcePool | None:
        found = platform.resource_pool(desired.pool.pool_id, desired.pool.resource_type)
        # How full a folder's file system is: others write to it at any moment.
        return found and replace(found, reserved=None)

    before, capabilities = read(), platform.capabilities()
    plan = plan_pool(desired, before, capabilities)
    predicted = predict_pool(before, plan)
    assert read() == before, "planning changed something"
    carry_out(platform, plan)
    after = read()
    assert (predicted is None) == (after is None)
    if predicted is not None and after is not None:
        assert bool(after.active) == bool(predicted.active)
        assert plan_pool(DesiredPool(replace(predicted, parent=None)), after, capabilities) == ()
    assert plan_pool(desired, after, capabilities) == (), "a second run has something to do"
    return plan, after


def converge_snapshot(platform: Platform, desired: DesiredSnapshot, name: str = NAME) -> list[Snapshot]:
    """One run for a snapshot; returns the tree after it."""
    system = platform.virtual_system(name)
    assert system is not None
    ref, capabilities = changes.SystemRef(system.name, system.uuid), platform.capabilities(system.defined.settings)
    before = platform.snapshots(ref)
    plan = plan_snapshot(desired, system, before, capabilities)
    for error in unmet_snapshots(plan, system, before):
        raise error
    predicted = predict_snapshots(before, plan)
    assert platform.snapshots(ref) == before, "planning changed something"
    carry_out(platform, plan)
    after = platform.snapshots(ref)
    assert_same_tree(after, predicted)
    assert sorted(platform_snapshots(platform, name)) == sorted(snapshot.name for snapshot in after)
    if desired.state != "applied":
        assert plan_snapshot(desired, system, after, capabilities) == (), "a second run has something to do"
    return after


def assert_same_tree(found: Sequence[Snapshot], expected: Sequence[Snapshot]) -> None:
    """Two trees of snapshots are the same; a host does not always know the type of a snapshot."""

    def shape(tree: Sequence[Snapshot]) -> dict[str, tuple[str | None, bool, str | None]]:
        return {one.name: (one.parent, one.is_current, one.description) for one in tree}

    assert shape(found) == shape(expected)
    kinds = {one.name: one.snapshot_type for one in expected}
    assert all(one.snapshot_type in (None, kinds[one.name]) for one in found)


def platform_snapshots(platform: Platform, name: str) -> tuple[str, ...]:
    """The snapshots of a system as its own reading names them."""
    system = platform.virtual_system(name)
    assert system is not None
    return system.snapshots


def processor(quantity: int | None = 1, maximum: int | None = 4, **more: Any) -> Rasd:
    return Rasd(ResourceType.PROCESSOR, virtual_quantity=quantity, maximum_quantity=maximum, **more)


def memory(quantity: int | None = 128 * MIB, maximum: int | None = 256 * MIB, **more: Any) -> Rasd:
    return Rasd(ResourceType.MEMORY, virtual_quantity=quantity, maximum_quantity=maximum, **more)


def disk(around: Surroundings, name: str, size: int | None = 16 * MIB, **more: Any) -> Rasd:
    pool = {"pool_id": around.storage_pool} | more
    return Rasd(ResourceType.DISK_DRIVE, name=name, virtual_quantity=size, **pool)


def adapter(name: str | None, *networks: str, **more: Any) -> Rasd:
    return Rasd(ResourceType.ETHERNET_ADAPTER, name=name, connection=networks or None, **more)


def declared(around: Surroundings, *resources: Rasd, **more: Any) -> DesiredSystem:
    """A declaration of the contract's system: off by force, since most of its systems have no guest."""
    options: dict[str, Any] = {"name": NAME, "force_off": True, "shutdown_timeout": 1.0, **more}
    options["settings"] = {**around.settings, **options.get("settings", {})}
    return DesiredSystem(resources=resources, **options)


class Contract:
    """The promises of a platform, one test each."""

    def test_what_is_defined_is_read_back(self, platform: Platform, around: Surroundings) -> None:
        run = converge(
            platform,
            declared(
                around,
                processor(2, 4),
                memory(),
                disk(around, "root"),
                adapter("lan", around.networks[0]),
                Rasd(ResourceType.CD_DRIVE, name="cd", host_resource=(around.medium,)),
                settings={"description": "first & <second>", "automatic_startup_action": "always_startup"},
            ),
        )
        assert run.operations == ["define_system"]
        assert run.before is None
        assert run.system.state is SystemState.DEFINED
        assert run.system.uuid
        assert run.system.persistent
        assert run.resource("lan").address
        assert run.resource("root").host_resource
        assert [system.name for system in platform.virtual_systems()] == [NAME]
        assert platform.virtual_systems()[0] == run.system

    def test_a_name_alone_is_enough(self, platform: Platform, around: Surroundings) -> None:
        run = converge(platform, declared(around))
        assert only(run.system.defined.resources, ResourceType.PROCESSOR)[0].virtual_quantity
        assert only(run.system.defined.resources, ResourceType.MEMORY)[0].virtual_quantity

    def test_a_reading_can_be_declared(self, platform: Platform, around: Surroundings) -> None:
        system = converge(
            platform, declared(around, processor(), memory(), disk(around, "root"), adapter("lan", around.networks[0]))
        ).system
        same = DesiredSystem(
            name=NAME,
            uuid=system.uuid,
            state=str(system.state),
            settings=system.defined.settings,
            resources=tuple(replace(rasd, instance_id=None) for rasd in system.defined.resources),
            exclusive=True,
        )
        assert converge(platform, same).plan == ()

    def test_a_declared_uuid_is_taken(self, platform: Platform, around: Surroundings) -> None:
        uuid = "6a1f3c1e-0000-4000-8000-00000000c0de"
        assert converge(platform, declared(around, uuid=uuid)).system.uuid == uuid
        with pytest.raises(Conflict):
            platform.virtual_system(NAME, "6a1f3c1e-0000-4000-8000-00000000dead")

    def test_only_what_differs_is_changed(self, platform: Platform, around: Surroundings) -> None:
        resources = [processor(), memory(), disk(around, "root"), adapter("lan", around.networks[0])]
        first = converge(platform, declared(around, *resources, settings={"description": "one"}))
        run = converge(
            platform,
            declared(
                around,
                processor(2, 4),
                memory(),
                disk(around, "root", 32 * MIB),
                adapter("lan", around.networks[1]),
                settings={"description": "two"},
            ),
        )
        said = {
            (change.before.label, *sorted(change.differences))
            for change in run.plan
            if isinstance(change, changes.ModifyResourceSettings)
        }
        assert said == {
            ("processor", "virtual_quantity"),
            ("disk_drive 'root'", "virtual_quantity"),
            ("ethernet_adapter 'lan'", "connection"),
        }
        settings = [change.differences for change in run.plan if isinstance(change, changes.ModifySystemSettings)]
        assert settings == [{"description": ("one", "two")}]
        assert len(run.plan) == 4
        assert run.system.uuid == first.system.uuid
        assert run.resource("lan").address == first.resource("lan").address
        assert run.resource("root").host_resource == first.resource("root").host_resource

    def test_what_is_not_declared_stays(self, platform: Platform, around: Surroundings) -> None:
        first = converge(
            platform,
            declared(
                around,
                processor(2, 4),
                disk(around, "root", settings={"serial": "S1"}),
                adapter("lan", around.networks[0]),
                settings={"description": "one"},
            ),
        )
        run = converge(platform, DesiredSystem(name=NAME, resources=(memory(192 * MIB, None),)))
        assert run.operations == ["modify_resource_settings"]
        kept = [rasd for rasd in run.system.defined.resources if rasd.resource_type is not ResourceType.MEMORY]
        was = [rasd for rasd in first.system.defined.resources if rasd.resource_type is not ResourceType.MEMORY]
        assert [values(rasd) for rasd in kept] == [values(rasd) for rasd in was]
        assert run.system.defined.settings == first.system.defined.settings

    def test_every_state_is_reached_from_every_other(self, platform: Platform, around: Surroundings) -> None:
        way = ["active", "paused", "active", "suspended", "active", "defined", "paused", "suspended", "paused"]
        way += ["defined", "suspended", "defined", "active", "present"]
        converge(platform, declared(around, processor(), memory(), disk(around, "root")))
        for state in way:
            run = converge(platform, declared(around, state=state))
            assert set(run.operations) <= {"request_state_change"}
            if state != "present":
                assert str(run.system.state) == state
        assert run.system.state is SystemState.ACTIVE

    def test_defined_and_started_at_once(self, platform: Platform, around: Surroundings) -> None:
        run = converge(platform, declared(around, processor(), memory(), state="active"))
        assert run.operations == ["define_system", "request_state_change"]

    def test_a_guest_is_never_turned_off_unasked(self, platform: Platform, around: Surroundings) -> None:
        converge(platform, declared(around, processor(), memory(), state="active"))
        around.deafen(NAME)
        patient = declared(around, state="defined", force_off=False)
        with pytest.raises(TimedOut, match="force_off"):
            carry_out(platform, planned(platform, patient))
        system = platform.virtual_system(NAME)
        assert system is not None
        assert system.state is SystemState.ACTIVE

    def test_a_guest_that_answers_shuts_down(self, platform: Platform, around: Surroundings) -> None:
        settings, resources = around.guest(NAME)
        guest = declared(
            around, processor(), *resources, state="active", settings=settings, force_off=False, shutdown_timeout=180.0
        )
        converge(platform, guest)
        around.wait_for_guest(NAME)
        converge(platform, replace(guest, state="defined"))

    def test_a_reset_leaves_the_system_active(self, platform: Platform, around: Surroundings) -> None:
        system = converge(platform, declared(around, processor(), memory(), state="paused")).system
        plan = plan_action(system, "reset", platform.capabilities(system.defined.settings))
        carry_out(platform, plan)
        after = platform.virtual_system(NAME)
        assert after is not None
        assert after.state is SystemState.ACTIVE

    def test_a_running_system_is_changed_where_that_is_possible(self, platform: Platform, around: Surroundings) -> None:
        settings, resources = around.guest(NAME)
        base = declared(around, processor(1, 4), *resources, state="active", settings=settings)
        converge(platform, base)
        around.wait_for_guest(NAME)

        run = converge(platform, replace(base, resources=(processor(2, 4), *resources)))
        assert [change.live for change in run.plan] == [True]
        assert run.system.running is not None
        assert only(run.system.running.resources, ResourceType.PROCESSOR)[0].virtual_quantity == 2

        plugged = (disk(around, "data"), adapter("lan", around.networks[0]))
        run = converge(platform, replace(base, resources=plugged))
        assert [change.live for change in run.plan] == [True, True]
        assert run.running("data").host_resource == run.resource("data").host_resource
        assert run.running("lan").address == run.resource("lan").address

        changed = (disk(around, "data", 32 * MIB), adapter("lan", around.networks[1], settings={"link_state": "down"}))
        run = converge(platform, replace(base, resources=changed))
        assert [change.live for change in run.plan] == [True, True]
        assert run.running("data").virtual_quantity == 32 * MIB
        assert run.running("lan").connection == (around.networks[1],)

        gone = (Rasd(ResourceType.DISK_DRIVE, name="data"), Rasd(ResourceType.ETHERNET_ADAPTER, name="lan"))
        run = converge(platform, replace(base, resources=(), absent_resources=gone))
        assert [change.live for change in run.plan] == [True, True]
        assert run.system.running is not None
        assert {"data", "lan"}.isdisjoint(rasd.name for rasd in run.system.running.resources)
        assert pending_of(run.system) == ()

    def test_a_medium_is_changed_in_a_running_system(self, platform: Platform, around: Surroundings) -> None:
        drive = Rasd(ResourceType.CD_DRIVE, name="cd", host_resource=())
        base = declared(around, processor(), memory(), drive, state="active")
        converge(platform, base)
        for media in ((around.medium,), ()):
            run = converge(platform, replace(base, resources=(replace(drive, host_resource=media),)))
            assert [change.live for change in run.plan] == [True]
            assert run.running("cd").host_resource in ((media,) if media else ((), None))

    def test_what_cannot_be_changed_now_waits_for_a_restart(self, platform: Platform, around: Surroundings) -> None:
        base = declared(around, processor(1, 2), memory(), state="active")
        converge(platform, base)
        patient = replace(base, resources=(processor(4, 4),), settings={**around.settings, "clock_offset": "localtime"})
        run = converge(platform, patient)
        assert run.system.state is SystemState.ACTIVE
        assert {item.target for item in pending_of(run.system)} == {"settings", "processor"}
        run = converge(platform, replace(patient, allow_restart=True))
        assert run.operations == ["request_state_change", "request_state_change"]
        assert run.system.state is SystemState.ACTIVE
        assert pending_of(run.system) == ()

    def test_exclusive_removes_what_is_not_listed(self, platform: Platform, around: Surroundings) -> None:
        lan, wan = adapter("lan", around.networks[0]), adapter("wan", around.networks[1])
        root, data = disk(around, "root"), disk(around, "data")
        converge(platform, declared(around, processor(), memory(), root, data, lan, wan))
        run = converge(platform, declared(around, root, lan))
        assert run.plan == ()
        run = converge(platform, declared(around, root, lan, exclusive=True))
        assert {change.resource.name for change in run.plan if isinstance(change, changes.RemoveResourceSettings)} == {
            "data",
            "wan",
        }
        assert len(run.plan) == 2

    def test_a_resource_without_name_is_adopted(self, platform: Platform, around: Surroundings) -> None:
        run = converge(platform, declared(around, adapter(None, around.networks[0]), adapter(None, around.networks[1])))
        first, second = only(run.system.defined.resources, ResourceType.ETHERNET_ADAPTER)
        run = converge(platform, declared(around, adapter("lan", address=first.address)))
        assert run.operations == ["modify_resource_settings"]
        assert run.resource("lan").address == first.address
        assert run.resource("lan").connection == (around.networks[0],)
        nameless = [
            rasd.address
            for rasd in only(run.system.defined.resources, ResourceType.ETHERNET_ADAPTER)
            if rasd.name is None
        ]
        assert nameless == [second.address]

    def test_an_entry_that_fits_several_changes_none(self, platform: Platform, around: Surroundings) -> None:
        converge(platform, declared(around, adapter("lan", around.networks[0]), adapter("wan", around.networks[0])))
        with pytest.raises(Conflict, match=r"'lan'.*'wan'"):
            planned(platform, declared(around, adapter(None, around.networks[1])))

    def test_what_changed_meanwhile_is_not_overwritten(self, platform: Platform, around: Surroundings) -> None:
        converge(platform, declared(around, memory(128 * MIB, 256 * MIB)))
        stale = planned(platform, declared(around, memory(192 * MIB, 256 * MIB)))
        converge(platform, declared(around, memory(160 * MIB, 256 * MIB)))
        with pytest.raises(Conflict):
            carry_out(platform, stale)
        assert converge(platform, declared(around, memory(160 * MIB, 256 * MIB))).plan == ()

    def test_a_disk_grows_and_never_shrinks(self, platform: Platform, around: Surroundings) -> None:
        converge(platform, declared(around, disk(around, "root", 16 * MIB)))
        run = converge(platform, declared(around, disk(around, "root", 32 * MIB)))
        assert run.resource("root").virtual_quantity == 32 * MIB
        with pytest.raises(Conflict, match="never shrunk"):
            planned(platform, declared(around, disk(around, "root", 16 * MIB)))

    @pytest.mark.parametrize("mode", ImageMode)
    def test_a_disk_is_made_from_an_image_once(self, platform: Platform, around: Surroundings, mode: ImageMode) -> None:
        image = around.image
        if image is None:
            with pytest.raises(NotSupported, match="image_mode"):
                planned(platform, declared(around, disk(around, "root", image=Image(path="/x", mode=mode))))
            return
        made = replace(disk(around, "root", image=replace(image, mode=mode)), virtual_quantity=None)
        with pytest.raises(InvalidInput, match=r"1 MiB is less than the 4 MiB"):
            planned(platform, declared(around, replace(made, virtual_quantity=MIB)))
        run = converge(platform, declared(around, made))
        assert run.resource("root").virtual_quantity == 4 * MIB
        run = converge(platform, declared(around, made, disk(around, "more", 16 * MIB, image=made.image)))
        assert run.operations == ["add_resource_settings"]
        assert run.resource("more").virtual_quantity == 16 * MIB
        # Whatever is declared for a disk that exists, it is not made anew; it may grow.
        other = Image(path="/no/such/image")
        grown = replace(made, image=other, virtual_quantity=8 * MIB)
        run = converge(platform, declared(around, grown))
        assert run.operations == ["modify_resource_settings"]
        with pytest.raises(NotFound):
            planned(platform, declared(around, disk(around, "third", image=other)))
        run = converge(platform, declared(around, state="absent", remove_storage=True))
        assert run.operations == ["destroy_system", "return_to_storage_pool", "return_to_storage_pool"]
        assert not {image.path} & {
            change.element.host_resource for change in run.plan if isinstance(change, changes.ReturnToStoragePool)
        }

    def test_a_seed_is_a_medium_of_the_system(self, platform: Platform, around: Surroundings) -> None:
        def seeded(text: str, **more: Any) -> DesiredSystem:
            return declared(around, disk(around, "root"), seed=Seed((("user-data", text),)), **more)

        if around.image is None:
            with pytest.raises(NotSupported, match="cloud_init"):
                planned(platform, seeded("one"))
            return
        platform.take_images_from(Media)
        run = converge(platform, seeded("one"))
        assert run.operations == ["define_system"]
        first = (run.resource("cloud-init").host_resource or ("",))[0]
        assert first.endswith(seed_volume(NAME, Seed((("user-data", "one"),))))
        run = converge(platform, seeded("two", state="active"))
        assert run.operations == ["modify_resource_settings", "request_state_change", "return_to_storage_pool"]
        assert [
            change.element.host_resource for change in run.plan if isinstance(change, changes.ReturnToStoragePool)
        ] == [first]
        # While it runs, too; and what is not declared stays.
        run = converge(platform, seeded("three"))
        assert run.operations == ["modify_resource_settings", "return_to_storage_pool"]
        assert run.running("cloud-init").host_resource == run.resource("cloud-init").host_resource
        assert converge(platform, declared(around, disk(around, "root"))).plan == ()
        run = converge(platform, declared(around, state="absent"))
        assert run.operations == ["request_state_change", "destroy_system", "return_to_storage_pool"]

    def test_a_seed_that_a_snapshot_needs_goes_with_the_system(self, platform: Platform, around: Surroundings) -> None:
        if around.image is None:
            return  # no host without seeds keeps one: see above
        platform.take_images_from(Media)
        root = disk(around, "root", settings={"format": "qcow2"})
        run = converge(platform, declared(around, root, seed=Seed((("user-data", "one"),))))
        first = run.resource("cloud-init").host_resource
        converge_snapshot(platform, DesiredSnapshot("before", snapshot_type=SnapshotType.DISK))
        run = converge(platform, declared(around, root, seed=Seed((("user-data", "two"),))))
        assert run.operations == ["modify_resource_settings"]
        second = run.resource("cloud-init").host_resource
        converge_snapshot(platform, DesiredSnapshot("before", state="applied"))
        system = platform.virtual_system(NAME)
        assert system is not None
        assert [rasd.host_resource for rasd in system.defined.resources if rasd.name == "cloud-init"] == [first]
        run = converge(platform, declared(around, root, seed=Seed((("user-data", "two"),))))
        assert run.resource("cloud-init").host_resource == second
        run = converge(platform, declared(around, state="absent"))
        gone = {change.element.host_resource for change in run.plan if isinstance(change, changes.ReturnToStoragePool)}
        assert first is not None
        assert second is not None
        assert gone == {first[0], second[0]}

    def test_a_reference_completes_a_new_system(self, platform: Platform, around: Surroundings) -> None:
        template = converge(
            platform,
            replace(
                declared(around, processor(2, 4), memory(), disk(around, "root"), adapter("lan", around.networks[0])),
                name="template",
            ),
        )
        run = converge(platform, declared(around, memory(192 * MIB, 256 * MIB)), reference=template.system)
        assert only(run.system.defined.resources, ResourceType.PROCESSOR)[0].virtual_quantity == 2
        assert only(run.system.defined.resources, ResourceType.MEMORY)[0].virtual_quantity == 192 * MIB
        assert run.resource("root").host_resource != template.resource("root").host_resource
        assert run.resource("root").virtual_quantity == 16 * MIB
        assert run.resource("lan").address != template.resource("lan").address

    def test_storage_stays_unless_it_is_to_go(self, platform: Platform, around: Surroundings) -> None:
        base = declared(
            around,
            disk(around, "root"),
            disk(around, "data"),
            Rasd(ResourceType.CD_DRIVE, name="cd", host_resource=(around.medium,)),
        )
        run = converge(platform, base)
        data = run.resource("data").host_resource
        run = converge(platform, declared(around, absent_resources=(Rasd(ResourceType.DISK_DRIVE, name="data"),)))
        assert run.operations == ["remove_resource_settings"]
        # It is still there: a disk can be made of it.
        again = Rasd(ResourceType.DISK_DRIVE, name="data", pool_id=around.storage_pool, host_resource=data)
        run = converge(platform, declared(around, again))
        assert run.resource("data").virtual_quantity == 16 * MIB

        run = converge(platform, declared(around, state="absent", remove_storage=True))
        assert run.operations == ["destroy_system", "return_to_storage_pool", "return_to_storage_pool"]
        assert run.after is None
        gone = {change.element.host_resource for change in run.plan if isinstance(change, changes.ReturnToStoragePool)}
        assert around.medium not in gone
        assert data is not None
        assert set(data) <= gone

    def test_shared_storage_is_kept(self, platform: Platform, around: Surroundings) -> None:
        shared = disk(around, "shared", settings={"shareable": True, "format": "raw"})
        path = converge(platform, replace(declared(around, shared), name="other")).resource("shared").host_resource
        converge(platform, declared(around, replace(shared, virtual_quantity=None, host_resource=path)))
        run = converge(platform, declared(around, state="absent", remove_storage=True))
        assert run.operations == ["destroy_system"]
        assert platform.virtual_system("other") is not None

    def test_a_disk_does_not_take_what_another_system_uses(self, platform: Platform, around: Surroundings) -> None:
        theirs = converge(platform, replace(declared(around, disk(around, "root")), name="other")).resource("root")
        before = converge(platform, declared(around, disk(around, "root"))).system
        for name, operation in (("root", "modify_resource_settings"), ("data", "add_resource_settings")):
            taking = disk(around, name, None, host_resource=theirs.host_resource)
            plan = planned(platform, declared(around, taking))
            assert [change.operation for change in plan] == [operation]
            with pytest.raises(InTheWay, match="other"):
                carry_out(platform, plan)
            assert platform.virtual_system(NAME) == before

    def test_a_shared_disk_stays_shared_while_another_system_uses_it(
        self, platform: Platform, around: Surroundings
    ) -> None:
        shared = disk(around, "shared", settings={"shareable": True, "format": "raw"})
        path = converge(platform, replace(declared(around, shared), name="other")).resource("shared").host_resource
        mine = replace(shared, virtual_quantity=None, host_resource=path)
        before = converge(platform, declared(around, mine)).system
        alone = declared(around, replace(mine, settings={"shareable": False}))
        with pytest.raises(InTheWay, match="other"):
            carry_out(platform, planned(platform, alone))
        assert platform.virtual_system(NAME) == before
        converge(platform, replace(declared(around, state="absent"), name="other"))
        assert converge(platform, alone).operations == ["modify_resource_settings"]

    def test_some_systems_are_read_by_their_names(self, platform: Platform, around: Surroundings) -> None:
        first = converge(platform, declared(around, processor(), memory(), name="first"))
        converge(platform, declared(around, processor(), memory(), name="second"))
        with platform.together():
            assert platform.virtual_systems({"first", "nobody"}) == [first.system]
            assert platform.virtual_systems(set()) == []
        assert platform.changes_at_once >= 1
        for name in ("first", "second"):
            converge(platform, declared(around, name=name, state="absent"))

    def test_absent_twice(self, platform: Platform, around: Surroundings) -> None:
        converge(platform, declared(around, processor(), memory(), disk(around, "root"), state="active"))
        run = converge(platform, declared(around, state="absent"))
        assert run.operations == ["request_state_change", "destroy_system"]
        assert converge(platform, declared(around, state="absent")).plan == ()
        assert platform.virtual_systems() == []

    def test_a_saved_state_is_not_discarded_unasked(self, platform: Platform, around: Surroundings) -> None:
        converge(platform, declared(around, processor(), memory(), state="suspended"))
        with pytest.raises(Refused, match="force_off"):
            planned(platform, declared(around, state="absent", force_off=False))
        assert converge(platform, declared(around, state="absent", force_off=True)).after is None

    def test_dependencies_lead_from_pool_and_network_to_the_system(
        self, platform: Platform, around: Surroundings
    ) -> None:
        wanted = declared(around, processor(), memory(), disk(around, "root"), adapter("lan", around.networks[0]))
        run = converge(platform, wanted)
        graph = completed([platform.dependencies()])
        paths = [
            path
            for rasd in only(run.system.defined.resources, ResourceType.DISK_DRIVE)
            for path in rasd.host_resource or ()
        ]
        below = answer(graph, find(graph, f"virtual_system:{NAME}"), up=False).antecedents
        pools = [
            f"resource_pool:disk_drive/{around.storage_pool}",
            f"resource_pool:ethernet_adapter/{around.networks[0]}",
        ]
        for each in [*paths, *pools]:
            assert each in below
            assert [hit.system.name for hit in answer(graph, find(graph, each)).hits] == [NAME]
        unused = answer(graph, find(graph, f"resource_pool:ethernet_adapter/{around.networks[1]}"))
        assert unused.hits == ()

    def test_storage_pools(self, platform: Platform, around: Surroundings) -> None:
        pool = ResourcePool(
            "contract-pool", ResourceType.DISK_DRIVE, resource_sub_type="dir", host_resource=(around.folder,)
        )
        plan, made = converge_pool(platform, DesiredPool(pool, "active"))
        assert [change.operation for change in plan] == ["create_resource_pool", "request_pool_state_change"]
        assert made is not None
        assert made.capacity
        pools = platform.resource_pools()
        assert made.pool_id in {one.pool_id for one in pools}
        assert pools == in_order(pools)
        plan, _made = converge_pool(platform, DesiredPool(replace(pool, automatic_startup=True)))
        assert [change.operation for change in plan] == ["modify_pool_settings"]
        converge_pool(platform, DesiredPool(pool, "inactive"))
        converge_pool(platform, DesiredPool(pool, "active"))
        plan, made = converge_pool(platform, DesiredPool(pool, "absent"))
        assert [change.operation for change in plan] == ["request_pool_state_change", "delete_resource_pool"]
        assert made is None
        assert converge_pool(platform, DesiredPool(pool, "absent"))[0] == ()

    def test_networks(self, platform: Platform, around: Surroundings) -> None:
        settings = {
            "bridge": "contract0",
            "addresses": ("198.51.100.1/24",),
            "dhcp_ranges": ({"start": "198.51.100.100", "end": "198.51.100.120"},),
        }
        pool = ResourcePool(
            "contract-net", ResourceType.ETHERNET_ADAPTER, resource_sub_type="isolated", settings=settings
        )
        converge_pool(platform, DesiredPool(pool, "active"))
        hosts = ({"mac": "52:54:00:00:c0:de", "name": "one", "address": "198.51.100.10"},)
        fixed = replace(pool, settings={**settings, "dhcp_hosts": hosts})
        plan, _made = converge_pool(platform, DesiredPool(fixed))
        assert [(change.operation, change.live) for change in plan] == [("modify_pool_settings", True)]
        other = replace(fixed, settings={**fixed.settings, "bridge": "contract1"})
        with pytest.raises(Conflict, match="inactive"):
            converge_pool(platform, DesiredPool(other))
        plan, _made = converge_pool(platform, DesiredPool(other, "inactive"))
        assert [change.operation for change in plan] == ["request_pool_state_change", "modify_pool_settings"]
        converge_pool(platform, DesiredPool(other, "active"))
        assert converge_pool(platform, DesiredPool(pool, "absent"))[1] is None

    def test_a_tree_of_snapshots(self, platform: Platform, around: Surroundings) -> None:
        converge(platform, declared(around, processor(), memory(), disk(around, "root", settings={"format": "qcow2"})))
        for name in ("a", "b", "c"):
            converge_snapshot(platform, DesiredSnapshot(name, snapshot_type=SnapshotType.DISK, description=name * 2))
        converge_snapshot(platform, DesiredSnapshot("a", state="applied"))
        tree = converge_snapshot(platform, DesiredSnapshot("d", snapshot_type=SnapshotType.DISK))
        assert {one.name: one.parent for one in tree} == {"a": None, "b": "a", "c": "b", "d": "a"}
        assert [one.name for one in tree if one.is_current] == ["d"]
        tree = converge_snapshot(platform, DesiredSnapshot("b", state="absent"))
        assert {one.name: one.parent for one in tree} == {"a": None, "c": "a", "d": "a"}
        with pytest.raises(NotFound, match="a, c, d"):
            converge_snapshot(platform, DesiredSnapshot("b", state="applied"))
        converge_snapshot(platform, DesiredSnapshot("c", state="applied"))
        tree = converge_snapshot(platform, DesiredSnapshot("a", state="absent", with_dependents=True))
        assert tree == []

    def test_a_snapshot_of_a_running_system_brings_it_back(self, platform: Platform, around: Surroundings) -> None:
        root = disk(around, "root", settings={"format": "qcow2"})
        converge(platform, declared(around, processor(), memory(), root, state="active"))
        tree = converge_snapshot(platform, DesiredSnapshot("running", snapshot_type=SnapshotType.FULL))
        assert tree[0].virtual_system_state is SystemState.ACTIVE
        converge(platform, declared(around, state="defined"))
        converge_snapshot(platform, DesiredSnapshot("running", state="applied"))
        system = platform.virtual_system(NAME)
        assert system is not None
        assert system.state is SystemState.ACTIVE
        run = converge(platform, declared(around, state="absent"))
        assert [change.snapshots for change in run.plan if isinstance(change, changes.DestroySystem)] == [("running",)]
