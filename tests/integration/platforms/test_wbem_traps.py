# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt-cim does that no client expects, as it was observed: each of its traps, and that nobody falls into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import converge, system_result
from tests.wbem import Faults, WbemServer
from tests.wbem.providers.libvirt_cim import TRAPS

MIB = 2**20
REF = changes.SystemRef("web")
PROCESSOR = Rasd(ResourceType.PROCESSOR, virtual_quantity=1)
MEMORY = Rasd(ResourceType.MEMORY, virtual_quantity=256 * MIB, maximum_quantity=512 * MIB)
ADAPTER = Rasd(ResourceType.ETHERNET_ADAPTER, connection=("user:",))
SETTINGS = {
    "boot_order": ("ethernet_adapter", "disk_drive"),
    "automatic_recovery_action": "restart",
    "clock_offset": "localtime",
}
DEFINE = changes.DefineSystem(REF, Configuration(SETTINGS, (PROCESSOR, MEMORY)))
COVERED: set[str] = set()
OF_NO_CONCERN = {
    "service_keys_unchecked": "the paths of services are those that the server lists",
    "unknown_method_is_failure": "only of jobs methods are called that a server may not have; see the failed job",
}

IMAGES = ResourcePool("images", ResourceType.DISK_DRIVE, "dir", host_resource=("/images",), active=True)

Test = TypeVar("Test", bound=Callable[..., None])


def trap(*names: str) -> Callable[[Test], Test]:
    """Marks the test of some traps."""
    COVERED.update(names)
    return lambda test: test


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def server(faults: Faults) -> Iterator[WbemServer]:
    behind = FakeHost()
    behind.volumes.update({"/images/a.raw": 64 * MIB, "/images/b.qcow2": 64 * MIB})
    with WbemServer(behind, "libvirt-cim", faults=faults) as server:
        yield server
        for operation in ("Associators", "References", "AssociatorNames", "ReferenceNames"):
            for about in server.requests.of(operation):
                assert " KVM_" in about or " CIM_" in about, f"{operation} of {about} names no association"


@pytest.fixture
def host(server: WbemServer) -> Iterator[WbemHost]:
    host = WbemHost.open(f"{server.url}/root/virt", {"timeout": 30})
    host.define_system(DEFINE)
    yield host
    host.close()


def behind(server: WbemServer) -> FakeHost:
    platform = server.world.platform
    assert isinstance(platform, FakeHost)
    return platform


def system(host: WbemHost) -> VirtualSystem:
    found = host.virtual_system("web")
    assert found is not None
    return found


def resource(host: WbemHost, kind: ResourceType) -> Rasd:
    return only(system(host).defined.resources, kind)[0]


def to(host: WbemHost, state: RequestedState) -> None:
    host.request_state_change(changes.RequestStateChange(REF, state, timeout=2.0))


def disk(path: str, place: str, image: str) -> Rasd:
    return Rasd(ResourceType.DISK_DRIVE, host_resource=(path,), address_on_parent=place, settings={"format": image})


# Every change takes something away


@trap("shares_are_zeroed")
def test_a_system_without_weight_is_defined_with_one_and_starts(host: WbemHost, server: WbemServer) -> None:
    assert server.world.zeroed == set()
    assert resource(host, ResourceType.PROCESSOR).weight == 1024
    to(host, RequestedState.ENABLED)
    assert system(host).state is SystemState.ACTIVE


@trap("shares_are_zeroed", "added_path_without_keys")
def test_after_each_kind_of_change_the_system_still_starts(host: WbemHost, server: WbemServer) -> None:
    host.add_resource_settings(changes.AddResourceSettings(REF, ADAPTER))
    assert server.world.zeroed == set()
    adapter = resource(host, ResourceType.ETHERNET_ADAPTER)
    # The address was made by the client: the server's answer does not say which resource it made.
    assert adapter.address is not None
    host.modify_system_settings(
        changes.ModifySystemSettings(REF, {"automatic_startup_action": ("none", "always_startup")})
    )
    assert server.world.zeroed == set()
    host.remove_resource_settings(changes.RemoveResourceSettings(REF, adapter))
    assert server.world.zeroed == set()
    to(host, RequestedState.ENABLED)


@trap("rewrites_domain")
def test_what_it_does_not_show_is_told_to_be_lost_before_and_in_check_mode(host: WbemHost) -> None:
    host.check(changes.AddResourceSettings(REF, ADAPTER))
    (note,) = host.take_notes()
    assert "rewrites the whole configuration of virtual system 'web'" in note
    host.add_resource_settings(changes.AddResourceSettings(REF, ADAPTER))
    assert host.take_notes() == []


@trap("rewrites_domain")
def test_an_order_of_devices_is_not_replaced_unless_that_is_declared(host: WbemHost, server: WbemServer) -> None:
    known = behind(server).systems["web"]
    unshown = {name: value for name, value in known.defined.settings.items() if name != "boot_order"}
    behind(server).systems["web"] = replace(known, defined=Configuration(unshown, known.defined.resources))
    add = changes.AddResourceSettings(REF, ADAPTER)
    for attempt in (host.check, host.carry_out):
        with pytest.raises(errors.Refused, match=r"boots by an order of its devices.*declare settings: boot_order"):
            attempt(add)
    assert server.requests.count["AddResourceSettings"] == 0
    order = changes.ModifySystemSettings(REF, {"boot_order": (None, ("disk_drive",))})
    for change in (order, add):
        host.check(change)
    for change in (order, add):
        host.carry_out(change)
    assert system(host).defined.settings["boot_order"] == ("disk_drive",)


@trap("modify_system_replaces")
def test_settings_are_sent_back_whole(host: WbemHost) -> None:
    before = dict(system(host).defined.settings)
    host.modify_system_settings(
        changes.ModifySystemSettings(REF, {"automatic_startup_action": ("none", "always_startup")})
    )
    assert system(host).defined.settings == {**before, "automatic_startup_action": "always_startup"}
    assert before["boot_order"] == SETTINGS["boot_order"]


@trap("memory_limit_changes_unit")
def test_memory_goes_in_kibibytes_with_its_limit(host: WbemHost, server: WbemServer) -> None:
    memory = resource(host, ResourceType.MEMORY)
    assert (memory.virtual_quantity, memory.maximum_quantity) == (256 * MIB, 512 * MIB)
    host.modify_resource_settings(
        changes.ModifyResourceSettings(REF, memory, {"virtual_quantity": (256 * MIB, 128 * MIB)})
    )
    memory = resource(host, ResourceType.MEMORY)
    assert (memory.virtual_quantity, memory.maximum_quantity) == (128 * MIB, 512 * MIB)
    (recorded,) = only(behind(server).systems["web"].defined.resources, ResourceType.MEMORY)
    assert recorded.maximum_quantity == 512 * MIB


# Running systems


@pytest.mark.parametrize(
    ("kind", "difference"),
    [
        (ResourceType.MEMORY, {"virtual_quantity": (256 * MIB, 128 * MIB)}),
        (ResourceType.PROCESSOR, {"virtual_quantity": (1, 2)}),
    ],
)
@trap("live_memory_fails", "live_processors_fail")
def test_what_fails_while_it_runs_is_not_tried(
    host: WbemHost, server: WbemServer, kind: ResourceType, difference: Any
) -> None:
    to(host, RequestedState.ENABLED)
    running = system(host)
    with pytest.raises(errors.RestartNeeded, match="only of a system that is off"):
        host.modify_resource_settings(changes.ModifyResourceSettings(REF, resource(host, kind), difference))
    assert server.requests.count["ModifyResourceSettings"] == 0
    assert system(host) == running
    assert host.capabilities().allocation[kind].live_modify.keys() <= {"weight"}


@trap("removed_disk_stays_live")
def test_a_disk_taken_from_a_running_system_is_not_said_to_be_gone(host: WbemHost) -> None:
    host.add_resource_settings(changes.AddResourceSettings(REF, disk("/images/a.raw", "vdb", "raw")))
    to(host, RequestedState.ENABLED)
    host.take_notes()
    assert host.capabilities().allocation[ResourceType.DISK_DRIVE].live_remove == frozenset()
    host.remove_resource_settings(changes.RemoveResourceSettings(REF, resource(host, ResourceType.DISK_DRIVE)))
    assert any("whether the running system has let go of it" in note for note in host.take_notes())


def converged(host: WbemHost, desired: DesiredSystem, check: bool = False) -> tuple[dict[str, Any], list[str]]:
    """What a task returns that brings the system to what is declared, and its warnings."""
    warned: list[str] = []
    task = Task({}, check=check, warn=warned.append)
    return system_result(task, converge(task, host, desired, host.virtual_system("web"))), warned


@pytest.mark.parametrize("check", [True, False])
def test_a_disk_that_a_running_system_keeps_waits_for_its_next_start(host: WbemHost, check: bool) -> None:
    """The server shows the disks of what runs: that of the definition is gone, which is what was asked for."""
    host.add_resource_settings(changes.AddResourceSettings(REF, disk("/images/a.raw", "vdb", "raw")))
    to(host, RequestedState.ENABLED)
    gone = replace(disk("/images/a.raw", "vdb", "raw"), settings={}, host_resource=None)
    result, warned = converged(host, DesiredSystem("web", absent_resources=(gone,)), check)
    assert [change["operation"] for change in result["changes"]] == ["remove_resource_settings"]
    assert result["restart_required"]
    assert result["pending"] == [
        {"target": "disk_drive vdb", "properties": {"resource": {"before": "disk_drive vdb", "after": None}}}
    ]
    assert not any("did not converge" in text for text in warned)


def test_a_setting_of_a_running_system_waits_for_its_next_start(host: WbemHost) -> None:
    """The settings shown are those of the definition: the task that changes one knows what runs, no later one does."""
    to(host, RequestedState.ENABLED)
    desired = DesiredSystem("web", settings={"boot_order": ("disk_drive",)})
    foretold, _warned = converged(host, desired, check=True)
    result, warned = converged(host, desired)
    assert result["changes"] == foretold["changes"] != []
    assert (result["restart_required"], foretold["restart_required"]) == (True, True)
    assert result["pending"] == foretold["pending"]
    assert result["pending"][0]["properties"] == {
        "boot_order": {"before": ["ethernet_adapter", "disk_drive"], "after": ["disk_drive"]}
    }
    assert result["virtual_system"]["settings"]["boot_order"] == ["disk_drive"]
    assert not any("did not converge" in text for text in warned)
    again, _warned = converged(host, desired)
    assert again["changes"] == []


def test_what_waited_is_there_after_a_restart(host: WbemHost) -> None:
    to(host, RequestedState.ENABLED)
    desired = DesiredSystem("web", settings={"boot_order": ("disk_drive",)}, allow_restart=True, force_off=True)
    result, _warned = converged(host, desired)
    assert "request_state_change" in [change["operation"] for change in result["changes"]]
    assert (result["restart_required"], result["pending"]) == (False, [])
    assert host.server.recorded == {}


def test_consoles_get_other_numbers_when_one_before_them_goes(host: WbemHost) -> None:
    """What the plan called charconsole:2 is charconsole:1 after the first removal, and another one stands in its place."""
    for path in ("/a", "/b", "/c", "/d"):
        port = Rasd(ResourceType.SERIAL_PORT, resource_sub_type="file", host_resource=(path,))
        host.add_resource_settings(changes.AddResourceSettings(REF, port))
    ports = only(system(host).defined.resources, ResourceType.SERIAL_PORT)
    assert [port.address_on_parent for port in ports] == ["0", "1", "2", "3"]
    for port in ports[1:3]:
        host.remove_resource_settings(changes.RemoveResourceSettings(REF, port))
    left = only(system(host).defined.resources, ResourceType.SERIAL_PORT)
    assert [port.host_resource for port in left] == [("/a",), ("/d",)]
    host.remove_resource_settings(changes.RemoveResourceSettings(REF, ports[1]))
    assert only(system(host).defined.resources, ResourceType.SERIAL_PORT) == left


@trap("live_net_removal_fails")
def test_an_adapter_that_cannot_be_unplugged_is_told_in_the_servers_words(host: WbemHost, server: WbemServer) -> None:
    host.add_resource_settings(changes.AddResourceSettings(REF, ADAPTER))
    to(host, RequestedState.ENABLED)
    adapter = resource(host, ResourceType.ETHERNET_ADAPTER)
    with pytest.raises(errors.HostFailed, match="device not found"):
        host.remove_resource_settings(changes.RemoveResourceSettings(REF, adapter))
    assert server.world.zeroed == set()
    assert resource(host, ResourceType.ETHERNET_ADAPTER) == adapter
    assert host.capabilities().allocation[ResourceType.ETHERNET_ADAPTER].live_remove == frozenset()


# Readings


@trap("disk_shows_file_size")
def test_the_size_of_a_file_is_not_taken_for_that_of_the_disk(host: WbemHost) -> None:
    host.add_resource_settings(changes.AddResourceSettings(REF, disk("/images/a.raw", "vdb", "raw")))
    host.add_resource_settings(changes.AddResourceSettings(REF, disk("/images/b.qcow2", "vdc", "qcow2")))
    sizes = {
        one.address_on_parent: one.virtual_quantity
        for one in only(system(host).defined.resources, ResourceType.DISK_DRIVE)
    }
    assert sizes["vdc"] is None


@trap("passwords_are_masked")
def test_a_masked_password_is_not_read_as_one(host: WbemHost) -> None:
    console = Rasd(
        ResourceType.GRAPHICS_CONTROLLER,
        resource_sub_type="vnc",
        settings={"password": "s3cret", "listen_address": "127.0.0.1", "port": -1},
    )
    define = replace(DEFINE, system=changes.SystemRef("secret"))
    configuration = replace(define.configuration, resources=(*define.configuration.resources, console))
    host.define_system(replace(define, configuration=configuration))
    found = host.virtual_system("secret")
    assert found is not None
    (shown,) = only(found.defined.resources, ResourceType.GRAPHICS_CONTROLLER)
    assert "password" not in shown.settings


@trap("files_must_exist")
def test_a_file_that_is_missing_is_told_and_nothing_is_left_of_it(host: WbemHost, server: WbemServer) -> None:
    with pytest.raises(errors.HostFailed, match=r"/images/none\.raw"):
        host.add_resource_settings(changes.AddResourceSettings(REF, disk("/images/none.raw", "vdb", "raw")))
    assert only(system(host).defined.resources, ResourceType.DISK_DRIVE) == ()
    assert server.world.zeroed == set()


@trap("unfiltered_associators_fail", "central_instances_fail")
def test_associations_are_named_and_the_host_is_found_by_the_servers_own(server: WbemServer) -> None:
    host = WbemHost.open(server.url, {})
    assert host.session.namespace == "root/virt"
    assert host.resource_pools()
    followed = server.requests.of("Associators")
    assert any("KVM_ElementConformsToProfile" in about for about in followed)
    host.close()


def test_an_enumeration_is_repeated_when_a_system_vanished_meanwhile(host: WbemHost, faults: Faults) -> None:
    faults.enumerations_that_fail = 2
    assert [found.name for found in host.virtual_systems()] == ["web"]
    faults.enumerations_that_fail = 99
    with pytest.raises(errors.HostFailed, match="Domain not found"):
        host.virtual_systems()


def test_a_hypervisor_that_is_down_is_unreachable_whatever_is_asked(host: WbemHost, faults: Faults) -> None:
    faults.host_is_down = True
    for attempt in (
        host.virtual_systems,
        host.resource_pools,
        lambda: host.virtual_system("web"),
        lambda: host.destroy_system(changes.DestroySystem(REF)),
        lambda: host.define_system(replace(DEFINE, system=changes.SystemRef("new"))),
        lambda: host.add_resource_settings(changes.AddResourceSettings(REF, ADAPTER)),
        lambda: to(host, RequestedState.ENABLED),
        host.host,
    ):
        with pytest.raises(errors.Unreachable, match="its hypervisor does not"):
            attempt()


@pytest.mark.parametrize("namespace", ["", "/root/virt"])
def test_a_hypervisor_that_is_down_is_unreachable_with_or_without_a_namespace(
    server: WbemServer, faults: Faults, namespace: str
) -> None:
    faults.host_is_down = True
    with pytest.raises(errors.Unreachable, match="its hypervisor does not"):
        WbemHost.open(f"{server.url}{namespace}", {"timeout": 5})


# Requests


def test_requests_that_are_refused_when_repeated_are_not_repeated(host: WbemHost, server: WbemServer) -> None:
    for state in (RequestedState.DISABLED, RequestedState.ENABLED, RequestedState.ENABLED):
        to(host, state)
    assert server.requests.count["RequestStateChange"] == 1
    for state in (RequestedState.QUIESCE, RequestedState.QUIESCE, RequestedState.DISABLED):
        to(host, state)
    assert system(host).state is SystemState.DEFINED
    assert server.failures == []


def test_a_state_it_does_not_have_is_refused_by_name(host: WbemHost, faults: Faults) -> None:
    faults.errors = {"RequestStateChange": (7, "CIM_ERR_NOT_SUPPORTED: State not supported")}
    with pytest.raises(errors.NotSupported, match="State not supported"):
        to(host, RequestedState.ENABLED)
    with pytest.raises(errors.Conflict, match="is defined; the request reset is not possible from there"):
        to(host, RequestedState.RESET)


def test_not_found_is_believed_only_after_a_look(host: WbemHost, faults: Faults) -> None:
    faults.errors_once = {"DestroySystem": [(6, "Refusing to undefine while domain managed save image exists")]}
    with pytest.raises(errors.HostFailed, match="managed save image exists"):
        host.destroy_system(changes.DestroySystem(REF))
    host.destroy_system(changes.DestroySystem(REF))
    assert host.virtual_system("web") is None
    host.destroy_system(changes.DestroySystem(REF))


@trap("save_file_stays")
def test_a_new_system_is_not_resumed_from_the_saved_state_of_a_former_one(host: WbemHost, server: WbemServer) -> None:
    server.world.saves.add("ghost")
    haunted = replace(DEFINE, system=changes.SystemRef("ghost"))
    with pytest.raises(errors.Conflict, match="saved state of a former virtual system 'ghost'"):
        host.define_system(haunted)
    assert host.virtual_system("ghost") is None
    assert "ghost" in server.world.saves


@trap("text_is_markup")
@pytest.mark.parametrize("name", ["R&D", "R&amp;D"])
def test_a_name_that_it_would_break_is_refused_before_anything_is_made(
    host: WbemHost, server: WbemServer, name: str
) -> None:
    behind = server.world.platform
    assert isinstance(behind, FakeHost)
    behind.pools[ResourceType.DISK_DRIVE, "images"] = IMAGES
    volumes, ref = dict(behind.volumes), changes.SystemRef(name)
    disk_of_pool = Rasd(ResourceType.DISK_DRIVE, pool_id="images", virtual_quantity=MIB)
    new = replace(DEFINE, system=ref, configuration=Configuration({}, (PROCESSOR, MEMORY, disk_of_pool)))
    odd_volume = changes.AddResourceSettings(REF, replace(disk_of_pool, host_resource=(f"{name}.raw",)))
    for change in (
        new,
        odd_volume,
        changes.CreateResourcePool(replace(IMAGES, pool_id=name)),
        changes.CreateResourcePool(replace(IMAGES, pool_id="new", host_resource=(f"/{name}",))),
        changes.CreateResourcePool(ResourcePool(name, ResourceType.ETHERNET_ADAPTER, "isolated")),
    ):
        for attempt in (host.check, host.carry_out):
            with pytest.raises(errors.NotSupported, match=r"writes '&' into the hypervisor's document as it is"):
                attempt(change)
    assert (behind.volumes, list(behind.systems), len(behind.pools)) == (volumes, ["web"], 1)


@pytest.mark.parametrize("name", ["R&D", "R&amp;D"])
def test_of_a_system_with_such_a_name_all_but_the_configuration_is_managed(
    host: WbemHost, server: WbemServer, name: str
) -> None:
    ref = changes.SystemRef(name)
    server.world.platform.carry_out(replace(DEFINE, system=ref))
    rename = changes.ModifySystemSettings(ref, {"clock_offset": ("localtime", "utc")})
    for attempt in (host.check, host.carry_out):
        with pytest.raises(errors.NotSupported, match="configuration of virtual system 'R&"):
            attempt(rename)
    host.request_state_change(changes.RequestStateChange(ref, RequestedState.ENABLED, "defined", "active"))
    found = host.virtual_system(name)
    assert found is not None
    assert found.state is SystemState.ACTIVE
    host.request_state_change(changes.RequestStateChange(ref, RequestedState.DISABLED, "active", "defined"))
    host.destroy_system(changes.DestroySystem(ref))
    assert host.virtual_system(name) is None


def test_other_marks_are_no_markup(host: WbemHost) -> None:
    name = 'a<b> "c" größe é 東京'
    host.define_system(replace(DEFINE, system=changes.SystemRef(name)))
    assert {found.name for found in host.virtual_systems()} == {"web", name}


def test_a_job_that_failed_although_it_says_completed(host: WbemHost, server: WbemServer, faults: Faults) -> None:
    to(host, RequestedState.ENABLED)
    faults.job_fails = "completed"
    with pytest.raises(errors.HostFailed, match="the server's job failed"):
        to(host, RequestedState.OFFLINE)
    assert system(host).state is SystemState.ACTIVE


def test_each_trap_has_a_test() -> None:
    assert COVERED | set(OF_NO_CONCERN) == set(TRAPS)
