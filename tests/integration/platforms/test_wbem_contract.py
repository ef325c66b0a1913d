# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host behind a WBEM server keeps the promises of every platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import RestartNeeded, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost

pytest.register_assert_rewrite("tests.contract")
from tests import contract
from tests.wbem import WbemServer


@pytest.fixture
def behind() -> FakeHost:
    """The host that the server shows."""
    host = FoldersHost()
    for pool in (
        ResourcePool("images", ResourceType.DISK_DRIVE, "dir", host_resource=("/images",), active=True),
        ResourcePool("lan", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
        ResourcePool("wan", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
    ):
        host.pools[pool.resource_type, pool.pool_id] = pool
    return host


@pytest.fixture
def around(behind: FakeHost) -> contract.Surroundings:
    return contract.Surroundings(
        storage_pool="images",
        networks=("lan", "wan"),
        folder="/srv/contract",
        medium="/iso/medium.iso",
        deafen=behind.ignores_shutdown.add,
    )


class TestStandard(contract.Contract):
    """The contract over HTTP, with a server as the profiles describe it."""

    @pytest.fixture(params=["at once", "by jobs", "by CIM errors"])
    def platform(self, behind: FakeHost, request: pytest.FixtureRequest) -> Iterator[WbemHost]:
        options: dict[str, Any] = {
            "at once": {},
            "by jobs": {"jobs": "all", "job_seconds": 0.0},
            "by CIM errors": {"errors": "cim", "pull_operations": False, "enumerable_links": False},
        }[request.param]
        with WbemServer(behind, **options) as server:
            host = WbemHost.open(server.url, {})
            yield host
            host.close()
            assert [error for error in server.failures if not isinstance(error, VirtError)] == []


PLACES = {"root": "vda", "data": "vdb", "shared": "vda", "cd": "hdc"}
ADDRESSES = {"lan": "52:54:00:00:c0:01", "wan": "52:54:00:00:c0:02"}
"""What stands for the names of the contract's resources where a server keeps none."""


def _nameless_disk(around: contract.Surroundings, name: str, size: int | None = 16 * contract.MIB, **more: Any) -> Rasd:
    settings = {"format": "raw", **more.pop("settings", {})}
    pool = {"pool_id": around.storage_pool} | more
    return Rasd(
        ResourceType.DISK_DRIVE, virtual_quantity=size, address_on_parent=PLACES[name], settings=settings, **pool
    )


def _nameless_adapter(name: str | None, *networks: str, **more: Any) -> Rasd:
    address = {"address": ADDRESSES.get(name or "")} | more
    return Rasd(ResourceType.ETHERNET_ADAPTER, connection=networks or None, **address)


def _at_its_place(run: contract.Run, name: str) -> Rasd:
    wanted = {PLACES.get(name), ADDRESSES.get(name)} - {None}
    return next(one for one in run.system.defined.resources if wanted & {one.address, one.address_on_parent})


class FoldersHost(FakeHost):
    """A host that knows to which pool a path belongs, as libvirt does."""

    def _filled_resource(self, name: str, rasd: Rasd, others: list[Rasd]) -> Rasd:
        filled = super()._filled_resource(name, rasd, others)
        for (kind, pool_id), pool in self.pools.items():
            folders = pool.host_resource or ()
            if kind is ResourceType.DISK_DRIVE and any(
                path.startswith(f"{folder}/") for folder in folders for path in filled.host_resource or ()
            ):
                return replace(filled, pool_id=pool_id)
        return filled


class TestLibvirtCim(contract.Contract):
    """The contract with a server that behaves like libvirt-cim.

    It knows no names of resources, no maximum of processors and no description, so what the contract calls by a name has
    a place or an address here.  Promises that rest on what it cannot do at all are left out, and tested to be refused.
    """

    @pytest.fixture(autouse=True)
    def nameless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(contract, "disk", _nameless_disk)
        monkeypatch.setattr(contract, "adapter", _nameless_adapter)
        monkeypatch.setattr(contract.Run, "resource", _at_its_place)
        monkeypatch.setattr(
            contract,
            "processor",
            lambda quantity=1, maximum=None, **more: Rasd(ResourceType.PROCESSOR, virtual_quantity=quantity, **more),
        )

    @pytest.fixture
    def platform(self, behind: FakeHost) -> Iterator[WbemHost]:
        with WbemServer(behind, "libvirt-cim") as server:
            host = WbemHost.open(server.url, {})
            yield host
            host.close()
            assert [error for error in server.failures if not isinstance(error, VirtError)] == []

    def test_exclusive_removes_what_is_not_listed(self, platform: Platform, around: contract.Surroundings) -> None:
        lan, wan = _nameless_adapter("lan", "lan"), _nameless_adapter("wan", "wan")
        root, data = _nameless_disk(around, "root"), _nameless_disk(around, "data")
        contract.converge(platform, contract.declared(around, contract.memory(), root, data, lan, wan))
        run = contract.converge(platform, contract.declared(around, root, lan, exclusive=True))
        gone = [change.resource for change in run.plan if isinstance(change, changes.RemoveResourceSettings)]
        assert [one.address_on_parent or one.address for one in gone] == ["vdb", ADDRESSES["wan"]]
        assert len(run.plan) == 2

    def test_a_reference_completes_a_new_system(self, platform: Platform, around: contract.Surroundings) -> None:
        resources = (
            contract.processor(2),
            contract.memory(),
            _nameless_disk(around, "root"),
            _nameless_adapter("lan", "lan"),
        )
        template = contract.converge(platform, replace(contract.declared(around, *resources), name="template"))
        run = contract.converge(platform, contract.declared(around), reference=template.system)
        assert only(run.system.defined.resources, ResourceType.PROCESSOR)[0].virtual_quantity == 2
        assert run.resource("root").host_resource == ("/images/contract-vda.raw",)
        assert run.resource("root").virtual_quantity == 16 * contract.MIB
        (adapter,) = only(run.system.defined.resources, ResourceType.ETHERNET_ADAPTER)
        assert adapter.address not in (None, ADDRESSES["lan"])

    def test_what_cannot_be_changed_now_waits_for_a_restart(
        self, platform: Platform, around: contract.Surroundings
    ) -> None:
        """Not even the definition can be changed while it runs, so the restart is around the change."""
        base = contract.declared(around, contract.processor(1), contract.memory(), state="active")
        before = contract.converge(platform, base).system
        wanted = replace(base, resources=(contract.processor(2), contract.memory(192 * contract.MIB)))
        with pytest.raises(RestartNeeded, match="allow_restart"):
            contract.planned(platform, wanted)
        assert platform.virtual_system(contract.NAME) == before
        run = contract.converge(platform, replace(wanted, allow_restart=True))
        assert [change.operation for change in run.plan] == [
            "request_state_change",
            "modify_resource_settings",
            "modify_resource_settings",
            "request_state_change",
        ]
        assert run.system.state is SystemState.ACTIVE
        assert only(run.system.defined.resources, ResourceType.PROCESSOR)[0].virtual_quantity == 2


_NOT_OFFERED = (
    # It keeps no description.
    "test_what_is_defined_is_read_back",
    "test_only_what_differs_is_changed",
    "test_what_is_not_declared_stays",
    # Without names there is nothing to adopt.
    "test_a_resource_without_name_is_adopted",
    "test_an_entry_that_fits_several_changes_none",
    # It changes processors and memory of systems that are off, and shows one configuration for what is and what will be.
    "test_a_running_system_is_changed_where_that_is_possible",
    "test_a_medium_is_changed_in_a_running_system",
    # It neither resizes volumes nor says what else needs them.
    "test_a_disk_grows_and_never_shrinks",
    "test_storage_stays_unless_it_is_to_go",
    # Its pools can be made and deleted; what it calls snapshots are saved states.
    "test_storage_pools",
    "test_networks",
    "test_a_tree_of_snapshots",
    "test_a_snapshot_of_a_running_system_brings_it_back",
)
for _name in _NOT_OFFERED:
    assert hasattr(contract.Contract, _name)
    setattr(TestLibvirtCim, _name, None)
