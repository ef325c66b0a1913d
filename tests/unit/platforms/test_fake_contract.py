# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host in memory keeps the promises of every platform."""

from __future__ import annotations

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageFacts
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost

pytest.register_assert_rewrite("tests.contract")
from tests import contract


@pytest.fixture
def platform() -> FakeHost:
    host = FakeHost()
    for pool in (
        ResourcePool("images", ResourceType.DISK_DRIVE, "dir", host_resource=("/images",), active=True),
        ResourcePool("lan", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
        ResourcePool("wan", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
    ):
        host.pools[pool.resource_type, pool.pool_id] = pool
    host.images["/images/base.raw"] = ImageFacts("raw", 4 * 2**20)
    return host


@pytest.fixture
def around(platform: FakeHost) -> contract.Surroundings:
    return contract.Surroundings(
        storage_pool="images",
        networks=("lan", "wan"),
        folder="/srv/contract",
        medium="/iso/medium.iso",
        image=Image(path="/images/base.raw"),
        deafen=platform.ignores_shutdown.add,
    )


class TestFake(contract.Contract):
    """The contract on the host in memory."""
