# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods of services end to end: jobs of all kinds, both ways of failing, and the configuration of pools."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import management
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost
from tests.wbem import Faults, WbemServer
from tests.wbem.invoke import Invocation
from tests.wbem.providers import host as providers_host

REF = changes.SystemRef("web")
DISKS = ResourceType.DISK_DRIVE
RESOURCES = (
    Rasd(ResourceType.PROCESSOR, virtual_quantity=1),
    Rasd(ResourceType.MEMORY, virtual_quantity=2**28, maximum_quantity=2**28),
)
DEFINE = changes.DefineSystem(REF, Configuration(resources=RESOURCES))


@pytest.fixture
def faults() -> Faults:
    return Faults()


def opened(server: WbemServer, job_within: float = 30.0) -> WbemHost:
    host = WbemHost.open(f"{server.url}/root/virt", {"timeout": 30})
    host.session.job_within = job_within
    return host


# Jobs


@pytest.fixture(params=[4096, 0], ids=["4096", "0 with a job"])
def jobs(request: pytest.FixtureRequest, faults: Faults) -> Iterator[WbemServer]:
    """A server all of whose methods are jobs, announced in one of the two ways."""
    with WbemServer(FakeHost(), jobs="all", job_code=request.param, job_seconds=0.2, faults=faults) as server:
        yield server


def test_a_job_is_seen_through(jobs: WbemServer, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    host = opened(jobs)
    faults.job_never_ends, note = True, jobs.requests.add

    def noted(operation: str, about: str) -> None:
        note(operation, about)
        faults.job_never_ends = len([about for about in jobs.requests.of("GetInstance") if "Job" in about]) < 2

    monkeypatch.setattr(jobs.requests, "add", noted)
    host.define_system(DEFINE)
    assert host.virtual_system("web") is not None
    asked = [about for about in jobs.requests.of("GetInstance") if "Job" in about]
    # Asked more than once, and not as often as it can be.
    assert 2 <= len(asked) <= 10
    host.destroy_system(changes.DestroySystem(REF))
    assert host.virtual_system("web") is None


def test_a_job_is_asked_ever_more_rarely(jobs: WbemServer) -> None:
    host = opened(jobs)
    jobs.jobs.seconds = 2.0
    host.define_system(DEFINE)
    assert len([about for about in jobs.requests.of("GetInstance") if "Job" in about]) <= 12


@pytest.mark.parametrize("as_text", [False, True], ids=["by association", "by JobOutParameters"])
def test_what_a_job_has_made_is_known(jobs: WbemServer, faults: Faults, as_text: bool) -> None:
    faults.job_references_as_text = as_text
    host = opened(jobs)
    host.define_system(DEFINE)
    added = management.call(
        host.server,
        "AddResourceSettings",
        "add an adapter",
        AffectedConfiguration=management.systems.existing(host.server, REF).defined.path,
        ResourceSettings=[
            pywbem.CIMInstance(
                "SVPC_EthernetPortAllocationSettingData",
                {"ResourceType": pywbem.Uint16(10), "Connection": ["lan"], "Address": "52:54:00:00:00:09"},
            )
        ],
    )
    path = added.path(host.session, "ResultingResourceSettings")
    assert path is not None
    made = host.session.get(path)
    assert made is not None
    assert made["Address"] == "52:54:00:00:00:09"


@pytest.mark.parametrize("fails", ["completed", "exception"])
def test_a_failed_job_is_told_in_the_words_of_its_errors(jobs: WbemServer, faults: Faults, fails: str) -> None:
    host = opened(jobs)
    faults.job_fails = fails
    with pytest.raises(errors.HostFailed, match="job failed: The job failed because it was told to"):
        host.define_system(DEFINE)
    assert jobs.requests.count["GetErrors"] == 1
    assert host.virtual_system("web") is None


@pytest.mark.parametrize(
    "missing",
    [("GetErrors",), ("GetErrors", "GetError")],
    ids=["only the older GetError", "neither"],
)
def test_a_failed_job_is_told_although_a_method_is_missing(
    jobs: WbemServer, faults: Faults, missing: tuple[str, ...]
) -> None:
    host = opened(jobs)
    faults.job_fails = "completed"
    faults.errors = dict.fromkeys(missing, (17, "There is no such method"))
    with pytest.raises(errors.HostFailed, match="The job failed because it was told to"):
        host.define_system(DEFINE)
    assert jobs.requests.count["GetError"] == 1


def test_a_job_without_end_is_given_up_and_asked_to_end(jobs: WbemServer, faults: Faults) -> None:
    host = opened(jobs, job_within=0.5)
    faults.job_never_ends = True
    began = time.monotonic()
    with pytest.raises(errors.TimedOut, match=r"did not end within 0\.5 seconds.*asked to end") as caught:
        host.define_system(DEFINE)
    assert caught.value.code == "timed_out"
    assert time.monotonic() - began < 20
    (job,) = jobs.jobs.known.values()
    assert job.cancelled
    jobs.jobs.wait()
    assert host.virtual_system("web") is None


def test_a_job_that_cannot_be_ended_is_given_up_all_the_same(jobs: WbemServer, faults: Faults) -> None:
    host = opened(jobs, job_within=0.3)
    faults.job_never_ends = True
    faults.errors = {"RequestStateChange": (16, "not here")}
    with pytest.raises(errors.TimedOut, match="did not end"):
        host.define_system(DEFINE)


def test_a_job_that_is_removed_when_it_has_ended(jobs: WbemServer, faults: Faults) -> None:
    host = opened(jobs)
    faults.job_vanishes = True
    host.define_system(DEFINE)
    assert host.virtual_system("web") is not None


# Both ways of failing


@pytest.mark.parametrize("way", ["codes", "cim"])
def test_a_failure_is_told_whichever_way_it_comes(way: str) -> None:
    behind = FakeHost()
    behind.fails["define_system"] = errors.HostFailed("the disk is full")
    with WbemServer(behind, errors=way) as server:
        words = {"codes": r"the server returned 2 \(failed\)", "cim": "CIM_ERR_FAILED: the disk is full"}[way]
        with pytest.raises(errors.HostFailed, match=f"Cannot define virtual system 'web': {words}"):
            opened(server).define_system(DEFINE)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (1, errors.NotSupported, "not supported"),
        (3, errors.TimedOut, "timed out"),
        (5, errors.Conflict, "invalid state"),
        (32773, errors.HostFailed, "a code of the vendor"),
    ],
)
def test_return_codes_are_told_by_their_meaning(
    faults: Faults, code: int, kind: type[errors.VirtError], words: str
) -> None:
    with WbemServer(FakeHost(), faults=faults) as server:
        host = opened(server)
        faults.return_codes = {"DefineSystem": code}
        with pytest.raises(kind, match=words) as caught:
            host.define_system(DEFINE)
        assert caught.value.details["return_code"] == code


# Pools


@pytest.fixture
def behind() -> FakeHost:
    host = FakeHost()
    members = ({"name": "a", "path": "/dev/a"}, {"name": "b", "path": "/dev/b"}, {"name": "c", "path": "/dev/c"})
    host.pools[DISKS, "all"] = ResourcePool("all", DISKS, active=True, members=members)
    host.pools[DISKS, "vg"] = ResourcePool(
        "vg", DISKS, "logical", host_resource=("/dev/a", "/dev/b"), active=False, parent="all"
    )
    return host


@pytest.fixture(params=["at once", "by jobs"])
def pools(request: pytest.FixtureRequest, behind: FakeHost) -> Iterator[WbemServer]:
    with WbemServer(behind, jobs="all" if request.param == "by jobs" else (), job_seconds=0.0) as server:
        yield server


def read(host: WbemHost, pool_id: str) -> ResourcePool:
    found = host.resource_pool(pool_id, DISKS)
    assert found is not None
    return found


def test_a_child_pool_is_made_and_deleted(pools: WbemServer) -> None:
    host = opened(pools)
    child = ResourcePool("child", DISKS, "dir", parent="all", host_resource=("/srv/child",))
    host.create_resource_pool(changes.CreateResourcePool(child))
    made = read(host, "child")
    assert (made.parent, made.host_resource, made.resource_sub_type) == ("all", ("/srv/child",), "dir")
    assert "child" in read(host, "all").children
    with pytest.raises(errors.Conflict, match="There is a pool 'child'"):
        host.create_resource_pool(changes.CreateResourcePool(child))
    host.delete_resource_pool(changes.DeleteResourcePool(made))
    assert host.resource_pool("child", DISKS) is None
    assert pools.requests.count["DeleteResourcePool"] == 1


def test_resources_are_added_to_a_pool_and_removed(pools: WbemServer) -> None:
    host = opened(pools)
    wanted = ("/dev/b", "/dev/c")
    pool = read(host, "vg")
    host.modify_pool_settings(changes.ModifyPoolSettings(pool, {"host_resource": (pool.host_resource, wanted)}))
    assert sorted(read(host, "vg").host_resource or ()) == list(wanted)
    count = pools.requests.count
    assert (count["AddResourcesToResourcePool"], count["RemoveResourcesFromResourcePool"]) == (1, 1)
    assert count["ModifyResourceSettings"] == 0


def test_what_is_no_device_of_the_host_is_a_setting_of_the_pool(pools: WbemServer) -> None:
    host = opened(pools)
    pool = read(host, "vg")
    difference = {"host_resource": (pool.host_resource, ("/srv/folder",))}
    host.modify_pool_settings(changes.ModifyPoolSettings(pool, difference))
    assert read(host, "vg").host_resource == ("/srv/folder",)
    assert pools.requests.count["ModifyResourceSettings"] == 1
    assert pools.requests.count["AddResourcesToResourcePool"] == 0


def test_a_pool_gets_another_parent(pools: WbemServer, behind: FakeHost) -> None:
    behind.pools[DISKS, "other"] = replace(behind.pools[DISKS, "all"], pool_id="other", members=())
    host = opened(pools)
    pool = read(host, "vg")
    host.modify_pool_settings(changes.ModifyPoolSettings(pool, {"parent": ("all", "other")}))
    assert read(host, "vg").parent == "other"
    assert pools.requests.count["ChangeParentResourcePool"] == 1
    with pytest.raises(errors.NotFound, match="no pool 'nowhere'"):
        host.modify_pool_settings(changes.ModifyPoolSettings(pool, {"parent": ("other", "nowhere")}))


def test_a_pool_without_parent_draws_from_the_primordial_one(pools: WbemServer, behind: FakeHost) -> None:
    behind.pools[DISKS, "0"] = ResourcePool("0", DISKS, primordial=True, active=True)
    given: list[list[Any]] = []
    for method in ("CreateChildResourcePool", "ChangeParentResourcePool"):
        before(pools, method, lambda invocation: given.append(invocation.need("ParentPool")))
    host = opened(pools)
    host.create_resource_pool(
        changes.CreateResourcePool(ResourcePool("new", DISKS, "dir", host_resource=("/srv/new",)))
    )
    assert read(host, "new").parent is None
    host.modify_pool_settings(changes.ModifyPoolSettings(read(host, "vg"), {"parent": ("all", "")}))
    assert read(host, "vg").parent is None
    ids = [
        each.path.keybindings["InstanceID"] for each in host.session.instances("CIM_ResourcePool") if each["Primordial"]
    ]
    (primordial,) = (each for each in ids if each.endswith("/0"))
    assert [[path.keybindings["InstanceID"] for path in one] for one in given] == [[primordial], [primordial]]


def test_a_parent_is_needed_where_nothing_is_primordial(pools: WbemServer) -> None:
    host = opened(pools)
    change = changes.ModifyPoolSettings(read(host, "vg"), {"parent": ("all", "")})
    for act in (host.check, host.modify_pool_settings):
        with pytest.raises(errors.NotSupported, match="name that pool"):
            act(change)
    assert pools.requests.count["ChangeParentResourcePool"] == 0


@pytest.fixture
def roots_only(pools: WbemServer, monkeypatch: pytest.MonkeyPatch) -> WbemServer:
    """A server whose service makes root pools alone."""
    monkeypatch.setitem(providers_host.POOL_METHODS, "create_resource_pool", (2,))
    return pools


def test_a_root_pool_is_made_of_devices(roots_only: WbemServer) -> None:
    host = opened(roots_only)
    assert "create_resource_pool" in host.capabilities().methods
    assert "create_child_resource_pool" not in host.capabilities().methods
    root = ResourcePool("root", DISKS, "logical", host_resource=("/dev/c",), automatic_startup=True)
    host.check(changes.CreateResourcePool(root))
    host.create_resource_pool(changes.CreateResourcePool(root))
    made = read(host, "root")
    # The method takes devices and a name; the rest was set afterwards.
    assert (made.host_resource, made.resource_sub_type, made.automatic_startup) == (("/dev/c",), "logical", True)
    count = roots_only.requests.count
    assert (count["CreateResourcePool"], count["ModifyResourceSettings"], count["CreateChildResourcePool"]) == (1, 1, 0)


def test_a_root_pool_of_what_is_no_device_is_refused(roots_only: WbemServer) -> None:
    host = opened(roots_only)
    change = changes.CreateResourcePool(ResourcePool("root", DISKS, "dir", host_resource=("/srv/folder",)))
    for act in (host.check, host.create_resource_pool):
        with pytest.raises(errors.NotSupported, match=r"it shows no /srv/folder; allowed are .*/dev/a"):
            act(change)
    assert roots_only.requests.count["CreateResourcePool"] == 0


def test_a_root_pool_that_cannot_be_completed_goes_again(roots_only: WbemServer, behind: FakeHost) -> None:
    behind.fails["modify_pool_settings"] = errors.HostFailed("not today")
    host = opened(roots_only)
    with pytest.raises(errors.VirtError, match="Cannot create pool 'root'"):
        host.create_resource_pool(
            changes.CreateResourcePool(ResourcePool("root", DISKS, "dir", host_resource=("/dev/c",)))
        )
    assert host.resource_pool("root", DISKS) is None


def test_a_pool_that_the_server_calls_otherwise_goes_again(pools: WbemServer, behind: FakeHost) -> None:
    def forget_the_name(invocation: Invocation) -> None:
        invocation.given = {name: value for name, value in invocation.given.items() if name != "elementname"}

    before(pools, "CreateChildResourcePool", forget_the_name)
    host = opened(pools)
    with pytest.raises(errors.HostFailed, match=r"names of its own, and called it '.*pool-1'"):
        host.create_resource_pool(changes.CreateResourcePool(ResourcePool("mine", DISKS, "dir", host_resource=("/m",))))
    assert {pool_id for _kind, pool_id in behind.pools} == {"all", "vg"}


def before(server: WbemServer, method: str, look: Callable[[Invocation], None]) -> None:
    """Let ``look`` see each call of a pool method before the server does it."""
    name = f"ResourcePoolConfigurationService.{method}"
    done = server.world.dialect.methods[name]

    def seen(invocation: Invocation) -> Any:
        look(invocation)
        return done.handler(invocation)

    methods = {**server.world.dialect.methods, name: replace(done, handler=seen)}
    server.world.dialect = replace(server.world.dialect, methods=methods)


def test_a_pool_in_use_is_told(pools: WbemServer, behind: FakeHost) -> None:
    behind.fails["delete_resource_pool"] = errors.Conflict("it is in use")
    host = opened(pools)
    with pytest.raises(errors.VirtError, match="Cannot delete pool 'vg'"):
        host.delete_resource_pool(changes.DeleteResourcePool(read(host, "vg")))
    assert read(host, "vg").host_resource == ("/dev/a", "/dev/b")
