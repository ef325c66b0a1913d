# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host behind a WBEM server keeps the promises of every platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    NotSupported,
    RestartNeeded,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import DesiredPool
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem
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


def _nameless_medium(media: tuple[str, ...]) -> Rasd:
    return Rasd(ResourceType.CD_DRIVE, address_on_parent=PLACES["cd"], host_resource=media)


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
    a place or an address here, and its descriptions are offsets of the clock.  Where a promise of the contract rests on
    what the server cannot do, the rest of the promise is tested here, and that the other part is refused.
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

    def test_what_is_defined_is_read_back(self, platform: Platform, around: contract.Surroundings) -> None:
        run = contract.converge(
            platform,
            contract.declared(
                around,
                contract.processor(2),
                contract.memory(),
                _nameless_disk(around, "root"),
                _nameless_adapter("lan", "lan"),
                _nameless_medium((around.medium,)),
                settings={"clock_offset": "localtime", "automatic_startup_action": "always_startup"},
            ),
        )
        assert run.operations == ["define_system"]
        assert run.before is None
        assert run.system.state is SystemState.DEFINED
        assert run.system.uuid
        assert run.system.persistent
        assert run.resource("lan").address
        assert run.resource("root").host_resource
        assert platform.virtual_systems() == [run.system]

    def test_only_what_differs_is_changed(self, platform: Platform, around: contract.Surroundings) -> None:
        root = _nameless_disk(around, "root")
        first = contract.converge(
            platform,
            contract.declared(
                around,
                contract.processor(),
                contract.memory(),
                root,
                _nameless_adapter("lan", "lan"),
                settings={"clock_offset": "utc"},
            ),
        )
        run = contract.converge(
            platform,
            contract.declared(
                around,
                contract.processor(2),
                contract.memory(),
                root,
                _nameless_adapter("lan", "wan"),
                settings={"clock_offset": "localtime"},
            ),
        )
        said = [
            (change.before.resource_type, *change.differences)
            for change in run.plan
            if isinstance(change, changes.ModifyResourceSettings)
        ]
        assert sorted(said) == [
            (ResourceType.PROCESSOR, "virtual_quantity"),
            (ResourceType.ETHERNET_ADAPTER, "connection"),
        ]
        settings = [change.differences for change in run.plan if isinstance(change, changes.ModifySystemSettings)]
        assert settings == [{"clock_offset": ("utc", "localtime")}]
        assert len(run.plan) == 3
        assert run.system.uuid == first.system.uuid
        assert run.resource("root").host_resource == first.resource("root").host_resource

    def test_what_is_not_declared_stays(self, platform: Platform, around: contract.Surroundings) -> None:
        first = contract.converge(
            platform,
            contract.declared(
                around,
                contract.processor(2, weight=512),
                _nameless_disk(around, "root", settings={"cache": "none"}),
                _nameless_adapter("lan", "lan"),
                settings={"clock_offset": "localtime"},
            ),
        )
        run = contract.converge(
            platform, DesiredSystem(name=contract.NAME, resources=(contract.memory(192 * contract.MIB, None),))
        )
        assert run.operations == ["modify_resource_settings"]
        kept, was = (
            [values(rasd) for rasd in one.system.defined.resources if rasd.resource_type is not ResourceType.MEMORY]
            for one in (run, first)
        )
        assert kept == was
        assert run.system.defined.settings == first.system.defined.settings

    def test_a_running_system_is_changed_where_that_is_possible(
        self, platform: Platform, around: contract.Surroundings
    ) -> None:
        """Shares change and devices are added while it runs; to take one away is left to its next start."""
        base = contract.declared(around, contract.processor(weight=512), contract.memory(), state="active")
        contract.converge(platform, base)
        run = contract.converge(platform, replace(base, resources=(contract.processor(weight=2048),)))
        assert [change.live for change in run.plan] == [True]
        assert run.system.running is not None
        assert only(run.system.running.resources, ResourceType.PROCESSOR)[0].weight == 2048
        plugged = (_nameless_disk(around, "data"), _nameless_adapter("lan", "lan"))
        run = contract.converge(platform, replace(base, resources=plugged))
        assert [change.live for change in run.plan] == [True, True]
        assert run.system.running is not None
        assert {"vdb", ADDRESSES["lan"]} <= {
            word for rasd in run.system.running.resources for word in (rasd.address_on_parent, rasd.address)
        }
        gone = (Rasd(ResourceType.DISK_DRIVE, address_on_parent="vdb"),)
        plan = contract.planned(platform, replace(base, resources=(), absent_resources=gone))
        assert [(change.operation, change.live) for change in plan] == [("remove_resource_settings", False)]

    def test_a_medium_is_changed(self, platform: Platform, around: contract.Surroundings) -> None:
        base = contract.declared(around, contract.processor(), contract.memory())
        contract.converge(platform, replace(base, resources=(*base.resources, _nameless_medium(()))))
        for media in ((around.medium,), ()):
            run = contract.converge(platform, replace(base, resources=(_nameless_medium(media),)))
            assert run.operations == ["modify_resource_settings"]
            assert run.resource("cd").host_resource in ((media,) if media else ((), None))
        contract.converge(platform, replace(base, state="active"))
        plan = contract.planned(platform, replace(base, resources=(_nameless_medium((around.medium,)),)))
        assert [change.live for change in plan] == [False]

    def test_an_entry_that_fits_several_changes_none(self, platform: Platform, around: contract.Surroundings) -> None:
        adapters = _nameless_adapter("lan", "lan"), _nameless_adapter("wan", "lan")
        contract.converge(platform, contract.declared(around, *adapters))
        with pytest.raises(Conflict, match=r"52:54:00:00:c0:01.*52:54:00:00:c0:02"):
            contract.planned(platform, contract.declared(around, _nameless_adapter(None, "wan")))

    def test_a_disk_grows_and_never_shrinks(self, platform: Platform, around: contract.Surroundings) -> None:
        """It does neither: the server does not resize volumes, and that is said."""
        contract.converge(platform, contract.declared(around, _nameless_disk(around, "root", 16 * contract.MIB)))
        for size in (32, 8):
            with pytest.raises(Conflict, match="this server does not resize volumes"):
                contract.planned(
                    platform, contract.declared(around, _nameless_disk(around, "root", size * contract.MIB))
                )

    def test_storage_stays_unless_it_is_to_go(self, platform: Platform, around: contract.Surroundings) -> None:
        """It stays also when it is to go: the server does not say what else needs it."""
        run = contract.converge(
            platform, contract.declared(around, _nameless_disk(around, "root"), _nameless_disk(around, "data"))
        )
        data = run.resource("data").host_resource
        gone = (Rasd(ResourceType.DISK_DRIVE, address_on_parent="vdb"),)
        run = contract.converge(platform, contract.declared(around, absent_resources=gone))
        assert run.operations == ["remove_resource_settings"]
        again = _nameless_disk(around, "data", None, host_resource=data)
        run = contract.converge(platform, contract.declared(around, again))
        assert run.resource("data").virtual_quantity == 16 * contract.MIB
        reasons = {element.kept_because for element in platform.storage_of(run.system)}
        assert reasons == {"the server does not say what else needs it"}
        run = contract.converge(platform, contract.declared(around, state="absent", remove_storage=True))
        assert run.operations == ["destroy_system"]

    def test_storage_pools(self, platform: Platform, around: contract.Surroundings) -> None:
        """Pools are active for as long as they are there; to change one, it is made anew."""
        pool = ResourcePool(
            "contract-pool", ResourceType.DISK_DRIVE, resource_sub_type="dir", host_resource=(around.folder,)
        )
        plan, made = contract.converge_pool(platform, DesiredPool(pool, "active"))
        assert [change.operation for change in plan] == ["create_resource_pool"]
        assert made is not None
        assert made.pool_id in {one.pool_id for one in platform.resource_pools()}
        with pytest.raises(Conflict, match="the server cannot change a pool"):
            contract.converge_pool(platform, DesiredPool(replace(pool, host_resource=("/elsewhere",))))
        with pytest.raises(NotSupported, match="request_pool_state_change"):
            contract.converge_pool(platform, DesiredPool(pool, "inactive"))
        plan, made = contract.converge_pool(platform, DesiredPool(pool, "absent"))
        assert [change.operation for change in plan] == ["delete_resource_pool"]
        assert contract.converge_pool(platform, DesiredPool(pool, "absent"))[0] == ()

    def test_networks(self, platform: Platform, around: contract.Surroundings) -> None:
        settings = {"addresses": ("198.51.100.1/24",)}
        pool = ResourcePool(
            "contract-net", ResourceType.ETHERNET_ADAPTER, resource_sub_type="isolated", settings=settings
        )
        contract.converge_pool(platform, DesiredPool(pool, "active"))
        with pytest.raises(NotSupported, match="bridge is not supported: the server drops it"):
            contract.converge_pool(platform, DesiredPool(replace(pool, settings={"bridge": "contract0"})))
        assert contract.converge_pool(platform, DesiredPool(pool, "absent"))[1] is None

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
    # It keeps no names of resources (test_what_libvirt_cim_cannot_hold_is_refused_by_name), so there is none to adopt.
    "test_a_resource_without_name_is_adopted",
    # It shows one configuration for what is and what will be, and changes no medium of a running system
    # (test_a_medium_is_changed).
    "test_a_medium_is_changed_in_a_running_system",
    # What it calls snapshots are saved states (test_wbem_modules.py::test_snapshots).
    "test_a_tree_of_snapshots",
    "test_a_snapshot_of_a_running_system_brings_it_back",
)
for _name in _NOT_OFFERED:
    assert hasattr(contract.Contract, _name)
    setattr(TestLibvirtCim, _name, None)
