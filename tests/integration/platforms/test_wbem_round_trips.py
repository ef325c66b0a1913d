# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a WBEM server is asked: the way to it may be long, so that readings count in round trips."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import transport
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost
from tests.tools.delay import delayed
from tests.wbem import WbemServer

DIALECTS = pytest.mark.parametrize("dialect", ["standard", "libvirt-cim"])
RESOURCES = (
    Rasd(ResourceType.PROCESSOR, virtual_quantity=1, maximum_quantity=1),
    Rasd(ResourceType.MEMORY, virtual_quantity=2**26, maximum_quantity=2**26),
)


@contextmanager
def serving(systems: int, dialect: str = "standard") -> Iterator[tuple[WbemServer, WbemHost]]:
    """A server that shows so many systems, and a client that has found its service and asked for nothing else."""
    host = FakeHost()
    for number in range(systems):
        settings = dict(host.capabilities().default_settings)
        configuration = Configuration(settings, RESOURCES)
        host.define_system(changes.DefineSystem(changes.SystemRef(f"vm-{number:03}"), configuration))
    with WbemServer(host, dialect) as server:
        client = WbemHost.open(f"{server.url}/root/virt", {"timeout": 30})
        server.requests.clear()
        yield server, client
        client.close()


def asked(server: WbemServer, read: Callable[[], Any]) -> int:
    """The number of requests of a reading."""
    server.requests.clear()
    read()
    return server.requests.total


@DIALECTS
def test_the_number_of_requests_does_not_grow_with_the_systems(dialect: str) -> None:
    counts = []
    for number in (2, 40):
        with serving(number, dialect) as (server, client):
            client.capabilities()
            counts.append(asked(server, client.virtual_systems))
            assert len(client.virtual_systems()) == number
    assert counts[0] == counts[1] <= 10


@DIALECTS
def test_large_sets_are_pulled_in_pieces(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(12, dialect) as (server, client):
        whole = client.virtual_systems()
        assert server.requests.count["OpenEnumerateInstances"] > 0
        assert server.requests.count["PullInstancesWithPath"] == 0
        monkeypatch.setattr(transport, "PULLED_AT_ONCE", 5)
        server.requests.clear()
        assert client.virtual_systems() == whole
        # Twelve systems are two pieces more than the first, 24 resources four.
        assert server.requests.count["PullInstancesWithPath"] >= 6


@DIALECTS
def test_a_server_that_cannot_pull_is_read_all_the_same(dialect: str) -> None:
    with serving(3, dialect) as (server, client):
        whole = client.virtual_systems()
    with WbemServer(server.world.platform, dialect, pull_operations=False) as other:
        client = WbemHost.open(f"{other.url}/root/virt", {"timeout": 30})
        assert client.virtual_systems() == whole
        assert other.requests.count["EnumerateInstances"] > 0
        client.close()


def test_what_capabilities_define_is_listed_once() -> None:
    with serving(1) as (server, client):
        capabilities = client.capabilities()
        assert capabilities == client.capabilities()  # which reads all of them
        assert capabilities.allocation[ResourceType.MEMORY].increment
        assert server.requests.count["References"] == 0
        listed = server.requests.total
        with WbemServer(server.world.platform, enumerable_links=False) as other:
            unlisted = WbemHost.open(f"{other.url}/root/virt", {"timeout": 30})
            assert unlisted.capabilities() == capabilities
            assert other.requests.count["References"] > 1
            assert other.requests.total > listed
            unlisted.close()


def test_what_has_to_be_asked_one_by_one_is_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(0) as (server, client):
        behind = server.world.platform
        for number in range(6):
            pool = ResourcePool(f"pool-{number}", ResourceType.DISK_DRIVE, "dir", host_resource=(f"/srv/{number}",))
            behind.carry_out(changes.CreateResourcePool(pool))
        found = client.resource_pools()
        assert {f"pool-{number}" for number in range(6)} <= {pool.pool_id for pool in found}
        all_asked, note = threading.Barrier(len(found), timeout=20), server.requests.add

        def noted(operation: str, about: str) -> None:
            note(operation, about)
            if operation == "Associators":
                all_asked.wait()  # nothing of a pool is answered before the same has been asked of all of them

        monkeypatch.setattr(server.requests, "add", noted)
        server.requests.clear()
        assert client.resource_pools() == found
        assert server.requests.count["Associators"] == 3 * len(found) > 18


def test_the_way_to_a_server_can_be_made_longer() -> None:
    with serving(2) as (server, client):
        whole = client.virtual_systems()
        with delayed(f"127.0.0.1:{server.port}", 0.1) as address:
            far = WbemHost.open(f"http://{address}/root/virt", {"timeout": 30})
            server.requests.clear()
            started = time.monotonic()
            assert far.virtual_systems() == whole
            assert time.monotonic() - started >= 0.1 * server.requests.total
            far.close()
