# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks are made from an image, and how large they become."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.image import SECTOR, Image, ImageFacts, ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.images import with_images
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem, plan_system
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import fake_capabilities

MIB = 2**20
CAPABILITIES = fake_capabilities()


def disk(name: str = "root", size: int | None = None, mode: ImageMode = ImageMode.COPY, **more: Any) -> Rasd:
    image = Image(path="/base", mode=mode)
    return Rasd(ResourceType.DISK_DRIVE, name=name, pool_id="images", virtual_quantity=size, image=image, **more)


def plan(facts: ImageFacts | None, *disks: Rasd, current: VirtualSystem | None = None) -> changes.Plan:
    desired = with_images(DesiredSystem("web", resources=disks), current, CAPABILITIES, lambda _rasd: facts)
    return plan_system(desired, current, CAPABILITIES)


def made(todo: changes.Plan) -> list[Rasd]:
    system = predict_system(None, todo)
    assert system is not None
    return [rasd for rasd in system.defined.resources if rasd.resource_type is ResourceType.DISK_DRIVE]


@settings(deadline=None)
@given(st.integers(1, 2**45), st.none() | st.integers(1, 2**37).map(lambda sectors: sectors * SECTOR))
def test_a_disk_has_at_least_what_its_image_has(size: int, declared: int | None) -> None:
    least = -(-size // SECTOR) * SECTOR
    facts = ImageFacts("raw", size)
    if declared is not None and declared < least:
        with pytest.raises(InvalidInput) as failure:
            plan(facts, disk(size=declared))
        assert failure.value.details["minimum"] == least
    else:
        assert made(plan(facts, disk(size=declared)))[0].virtual_quantity == (declared or least)


def test_a_disk_that_exists_asks_for_no_image() -> None:
    system = predict_system(None, plan(ImageFacts("qcow2", MIB), disk()))

    def unasked(_rasd: Rasd) -> ImageFacts:
        raise AssertionError("nothing has to be known of the image")

    for state in ("present", "absent"):
        desired = with_images(DesiredSystem("web", state=state, resources=(disk(),)), system, CAPABILITIES, unasked)
        assert plan_system(desired, system, CAPABILITIES) == () or state == "absent"


def test_only_new_disks_are_made_from_images() -> None:
    system = predict_system(None, plan(ImageFacts("qcow2", MIB), disk()))
    todo = plan(ImageFacts("qcow2", 3 * MIB), disk(size=2 * MIB), disk("data"), current=system)
    modified, added = todo
    assert isinstance(modified, changes.ModifyResourceSettings)
    assert modified.differences == {"virtual_quantity": (MIB, 2 * MIB)}
    assert isinstance(added, changes.AddResourceSettings)
    assert added.resource.virtual_quantity == 3 * MIB
    assert added.resource.image == disk().image


def test_storage_that_exists_has_the_size_it_has() -> None:
    assert made(plan(None, disk()))[0].virtual_quantity is None
    assert made(plan(None, disk(size=MIB)))[0].virtual_quantity == MIB


def test_a_host_that_makes_no_disks_from_images_says_so() -> None:
    poor = replace(CAPABILITIES, image_modes=frozenset({ImageMode.COPY}))
    for offered, words in ((poor, "name copy"), (replace(poor, image_modes=frozenset()), "name no way")):
        desired = DesiredSystem("web", resources=(disk(mode=ImageMode.LINKED),))
        with pytest.raises(NotSupported, match=f"image_mode 'linked' .* {words}"):
            with_images(desired, None, offered, lambda _rasd: None)


@pytest.mark.parametrize("form", ["vmdk", "vpc"])
def test_what_a_disk_cannot_be_linked_to(form: str) -> None:
    with pytest.raises(NotSupported, match="qcow2 or raw"):
        plan(ImageFacts(form, MIB), disk(mode=ImageMode.LINKED))
    assert plan(ImageFacts(form, MIB), disk())
    with pytest.raises(InvalidInput, match="qcow2, not raw"):
        plan(ImageFacts("raw", MIB), disk(mode=ImageMode.LINKED, settings={"format": "raw"}))
