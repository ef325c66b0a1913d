# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The medium with the seed of a guest: when it is made, replaced and given back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed, seed_volume
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.seed import seed_goes
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem, plan_system
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import fake_capabilities

CAPABILITIES = fake_capabilities()
DISK = Rasd(ResourceType.DISK_DRIVE, name="root", pool_id="images", virtual_quantity=2**30)


def seed(text: str) -> Seed:
    return Seed((("user-data", text),))


def plan(
    current: VirtualSystem | None, text: str | None, left: tuple[StorageElement, ...] = (), **more: Any
) -> changes.Plan:
    given = None if text is None else seed(text)
    desired = DesiredSystem(**{"name": "web", "resources": (DISK,), "seed": given, **more})
    return plan_system(desired, current, CAPABILITIES, left_seeds=left)


def after(current: VirtualSystem | None, text: str | None, **more: Any) -> VirtualSystem:
    system = predict_system(current, plan(current, text, **more))
    assert system is not None
    return system


def operations(todo: changes.Plan) -> list[str]:
    return [change.operation for change in todo]


def given_back(todo: changes.Plan) -> list[str]:
    return [change.element.host_resource for change in todo if isinstance(change, changes.ReturnToStoragePool)]


ONE = seed_volume("web", seed("one"))


def test_it_is_made_with_the_system_in_the_pool_of_its_disk() -> None:
    drive = after(None, "one").defined.resources[1]
    assert (drive.name, drive.pool_id, drive.host_resource) == ("cloud-init", "images", (ONE,))
    assert drive.seed == seed("one")


def test_the_same_content_and_none_declared_are_no_change() -> None:
    system = after(None, "one")
    assert plan(system, "one") == ()
    assert plan(system, None) == ()


@pytest.mark.parametrize("state", ["defined", "active"])
def test_another_content_is_another_medium(state: str) -> None:
    todo = plan(after(None, "one", state=state), "two")
    assert operations(todo) == ["modify_resource_settings", "return_to_storage_pool"]
    assert isinstance(todo[0], changes.ModifyResourceSettings)
    assert todo[0].differences == {"host_resource": ((ONE,), (seed_volume("web", seed("two")),))}
    assert todo[0].seed == seed("two")
    assert todo[0].live == (state == "active")
    assert given_back(todo) == [ONE]


def test_what_a_snapshot_may_need_stays() -> None:
    system = replace(after(None, "one"), snapshots=("before",))
    assert given_back(plan(system, "two")) == []
    assert given_back(plan(system, None, state="absent")) == [ONE]


def test_what_was_left_behind_goes_as_soon_as_nothing_needs_it() -> None:
    system = after(None, "one")
    free, needed = (
        StorageElement(f"/images/{volume}", "images", volume, "cloud-init", reason)
        for volume, reason in (
            (seed_volume("web", seed("zero")), None),
            (seed_volume("web", seed("minus")), "a snapshot"),
        )
    )
    left = (free, needed)
    assert given_back(plan(system, "two", left=left)) == [ONE, free.host_resource]
    assert given_back(plan(replace(system, snapshots=("before",)), "two", left=left)) == [free.host_resource]
    assert given_back(plan(system, None, state="absent", left=left)) == [ONE, free.host_resource, needed.host_resource]
    # What is put into the drive again is not left behind any more.
    assert given_back(plan(system, "zero", left=left)) == [ONE]


@pytest.mark.parametrize(
    ("text", "state", "asked"),
    [("one", "present", False), (None, "present", False), ("two", "present", True), (None, "absent", True)],
)
def test_they_are_looked_for_only_when_one_goes(text: str | None, state: str, asked: bool) -> None:
    given = None if text is None else seed(text)
    assert seed_goes(after(None, "one"), state == "absent", given) is asked
    assert not seed_goes(None, state == "absent", given)


def test_it_goes_with_the_system_and_with_its_drive() -> None:
    system = after(None, "one")
    assert operations(plan(system, None, state="absent")) == ["destroy_system", "return_to_storage_pool"]
    todo = plan(system, None, exclusive=True)
    assert operations(todo) == ["remove_resource_settings", "return_to_storage_pool"]


def test_a_medium_of_somebody_else_is_never_given_back() -> None:
    for name, medium in (
        ("cloud-init", "/iso/mine.iso"),
        ("cloud-init", "other-cloud-init-" + "0" * 16 + ".iso"),
        ("cd", ONE),
    ):
        drive = Rasd(ResourceType.CD_DRIVE, name=name, host_resource=(medium,), pool_id="images")
        system = after(None, None, resources=(DISK, drive))
        assert given_back(plan(system, None, state="absent", remove_storage=True)) == []


def test_where_no_seed_can_be() -> None:
    with pytest.raises(InvalidInput, match="pool_id"):
        plan(None, "one", resources=())
    assert after(None, "one", resources=(), seed_pool="other").defined.resources[0].pool_id == "other"
    with pytest.raises(InvalidInput, match="that of the drive it makes"):
        plan(None, "one", resources=(DISK, Rasd(ResourceType.CD_DRIVE, name="cloud-init")))
    with pytest.raises(NotSupported, match="cloud_init is not supported"):
        plan_system(
            DesiredSystem("web", resources=(DISK,), seed=seed("one")),
            None,
            replace(CAPABILITIES, image_modes=frozenset()),
        )
