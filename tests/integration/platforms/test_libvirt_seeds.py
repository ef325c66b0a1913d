# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media with seeds on a real libvirt host: which of those that a system has left behind are found, and which are not."""

from __future__ import annotations

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed, seed_volume
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import DesiredSnapshot
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem
from tests.contract import Media, converge, converge_snapshot

from .libvirt_systems import define, disk
from .test_libvirt_storage import files

pytestmark = pytest.mark.libvirt


def seed(text):
    return Seed((("user-data", text),))


@pytest.fixture
def seeded(platform, pool):
    """Converges a system of some name with a seed."""
    platform.take_images_from(Media)

    def run(name, text):
        return converge(platform, DesiredSystem(name, resources=(disk(pool),), seed=seed(text)))

    return run


def volumes(name, *texts):
    return sorted(seed_volume(name, seed(text)) for text in texts)


def test_a_seed_stays_as_long_as_a_snapshot_has_it(platform, host, pool, seeded):
    def left():
        return [name for name in files(host.images / pool) if name.endswith(".iso")]

    seeded("web", "one")
    converge_snapshot(platform, DesiredSnapshot("before", snapshot_type=SnapshotType.DISK), "web")
    seeded("web", "two")
    seeded("web", "three")
    assert left() == volumes("web", "one", "two", "three")
    # None but the first is in a snapshot.
    seeded("web", "four")
    assert left() == volumes("web", "one", "three", "four")
    converge_snapshot(platform, DesiredSnapshot("before", state="absent"), "web")
    seeded("web", "five")
    assert left() == volumes("web", "five")
    converge(platform, DesiredSystem("web", state="absent"))
    assert left() == []


def test_what_others_have_or_have_made_is_not_found(platform, host, pool, seeded):
    folder = host.images / pool
    seeded("web", "one")
    converge_snapshot(platform, DesiredSnapshot("before", snapshot_type=SnapshotType.DISK), "web")
    seeded("web", "two")
    borrowed, foreign = (seed_volume("web", seed(text)) for text in ("one", "mine"))
    define(platform, "db", Rasd(ResourceType.CD_DRIVE, name="cd", host_resource=(str(folder / borrowed),)))
    (folder / foreign).write_bytes(b"of somebody else")
    converge(platform, DesiredSystem("web", state="absent"))
    assert [name for name in files(folder) if name.endswith(".iso")] == sorted([borrowed, foreign])
