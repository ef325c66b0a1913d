# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resource comes from which pool."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.module_utils.model.allocations import allocations
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem

POOLS = (
    ResourcePool("cpus", ResourceType.PROCESSOR, primordial=True),
    ResourcePool("fast", ResourceType.MEMORY),
    ResourcePool("slow", ResourceType.MEMORY),
    ResourcePool("images", ResourceType.DISK_DRIVE),
    ResourcePool("lan", ResourceType.ETHERNET_ADAPTER),
)
ROOT = Rasd(ResourceType.DISK_DRIVE, pool_id="images", name="root")
RESOURCES = (
    Rasd(ResourceType.PROCESSOR, virtual_quantity=2),
    Rasd(ResourceType.MEMORY, virtual_quantity=1024),
    ROOT,
    Rasd(ResourceType.CD_DRIVE, pool_id="images", name="cd"),
    Rasd(ResourceType.DISK_DRIVE, host_resource=("/elsewhere.raw",), name="file"),
    Rasd(ResourceType.ETHERNET_ADAPTER, connection=("lan",), name="lan"),
    Rasd(ResourceType.ETHERNET_ADAPTER, connection=("bridge:br0",), name="outside"),
    Rasd(ResourceType.DISK_DRIVE, pool_id="gone", name="of a pool that is not there"),
)


def test_what_comes_from_where() -> None:
    found = allocations(POOLS, [VirtualSystem("web", defined=Configuration(resources=RESOURCES))])
    names = {pool_id: [each.resource.name for each in drawn] for (_kind, pool_id), drawn in found.items()}
    assert names["images"] == ["root", "cd"]
    assert names["lan"] == ["lan"]
    # The only pool of its type is where it comes from; of several nobody knows which.
    assert [each.resource.virtual_quantity for each in found[ResourceType.PROCESSOR, "cpus"]] == [2]
    assert (names["fast"], names["slow"]) == ([], [])
    assert not any(each.allocated for drawn in found.values() for each in drawn)


def test_what_a_running_system_has_is_what_is_allocated() -> None:
    running = Configuration(resources=(Rasd(ResourceType.PROCESSOR, virtual_quantity=1),))
    system = VirtualSystem("web", defined=Configuration(resources=RESOURCES), running=running)
    (drawn,) = allocations(POOLS, [system])[ResourceType.PROCESSOR, "cpus"]
    assert (drawn.virtual_system, drawn.resource.virtual_quantity, drawn.allocated) == ("web", 1, True)
    assert allocations(POOLS, [system])[ResourceType.DISK_DRIVE, "images"] == []
