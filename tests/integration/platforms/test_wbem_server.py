# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that misbehave, and ways to them that break: what the platform makes of it."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import session, transport
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost
from ansible_collections.svpc.virt.plugins.module_utils.task import waiting
from tests.wbem import Faults, WbemServer
from tests.wbem.dialects import STANDARD
from tests.wbem.operations import Operations
from tests.wbem.world import Reading, Section

REF = changes.SystemRef("web")
PROCESSOR = Rasd(ResourceType.PROCESSOR, virtual_quantity=1, weight=512)
MEMORY = Rasd(ResourceType.MEMORY, virtual_quantity=2**28, maximum_quantity=2**28)
ADAPTER = Rasd(ResourceType.ETHERNET_ADAPTER, connection=("user:",), address="52:54:00:00:00:07")
DEFINE = changes.DefineSystem(REF, Configuration(resources=(PROCESSOR, MEMORY)))


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def server(faults: Faults) -> Iterator[WbemServer]:
    with WbemServer(FakeHost(), faults=faults) as server:
        yield server


@pytest.fixture
def kvm(faults: Faults) -> Iterator[WbemServer]:
    with WbemServer(FakeHost(), "libvirt-cim", faults=faults) as server:
        yield server


def opened(server: WbemServer, **options: Any) -> WbemHost:
    return WbemHost.open(f"{server.url}/root/virt", {"timeout": 30, **options})


def states(requested: RequestedState, **options: Any) -> changes.RequestStateChange:
    return changes.RequestStateChange(REF, requested, timeout=1.0, **options)


# The way to the server


def test_a_uri_opens_the_platform(server: WbemServer) -> None:
    host = open_platform({"uri": server.url})
    assert isinstance(host, WbemHost)
    assert host.session.namespace == "root/virt"
    assert host.virtual_systems() == []
    host.close()


@pytest.mark.parametrize(
    ("uri", "options", "words"),
    [
        ("http://root:secret@127.0.0.1", {}, "credentials do not belong into the URI"),
        ("http://", {}, "is not the URL of a WBEM server"),
        ("http://h:port/", {}, "is not the URL of a WBEM server"),
        ("http://h/root/virt?x=1", {}, "is not the URL of a WBEM server"),
        ("https://h", {"ca_cert": "/no/such"}, "ca_cert: there is no file /no/such"),
        ("https://h", {"client_key": __file__}, "only with its certificate"),
        ("https://h", {"password": "x"}, "only with a username"),
    ],
)
def test_options_that_cannot_be_right(uri: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.InvalidInput, match=words) as caught:
        WbemHost.open(uri, options)
    assert "secret" not in str(caught.value)


def test_nobody_there() -> None:
    with pytest.raises(errors.Unreachable, match=r"on http://127\.0\.0\.1:1/root/virt: "):
        WbemHost.open("http://127.0.0.1:1/root/virt", {"timeout": 2})


def test_credentials() -> None:
    with WbemServer(FakeHost(), user="admin", password="s3cret-phrase") as server:
        opened(server, username="admin", password="s3cret-phrase").close()
        for wrong in ({}, {"username": "admin", "password": "wr0ng-phrase"}):
            with pytest.raises(errors.AuthenticationFailed) as caught:
                opened(server, **wrong)
            assert "phrase" not in str(caught.value)


def test_certificates() -> None:
    with WbemServer(FakeHost(), tls=True) as server:
        assert server.certificates is not None
        with pytest.raises(errors.Unreachable, match="certificate"):
            opened(server)
        opened(server, ca_cert=str(server.certificates.authority)).close()
        opened(server, validate_certs=False).close()


def test_a_certificate_of_another_authority_is_not_trusted() -> None:
    with WbemServer(FakeHost(), tls=True) as server, WbemServer(FakeHost(), tls=True) as other:
        assert other.certificates is not None
        with pytest.raises(errors.Unreachable, match="certificate"):
            opened(server, ca_cert=str(other.certificates.authority))
        assert server.requests.total == 0


def test_a_client_certificate_is_shown() -> None:
    with WbemServer(FakeHost(), tls=True, demand_client_certificate=True) as server:
        assert server.certificates is not None
        known = {"ca_cert": str(server.certificates.authority)}
        with pytest.raises(errors.Unreachable):
            opened(server, **known)
        own = dict(zip(("client_cert", "client_key"), server.certificates.client_certificate, strict=True))
        opened(server, **known, **own).close()


def test_a_namespace_that_is_not_there(server: WbemServer) -> None:
    with pytest.raises(errors.NotFound, match="no namespace root/other"):
        WbemHost.open(f"{server.url}/root/other", {})


def test_a_redirect_is_not_followed(server: WbemServer, faults: Faults) -> None:
    faults.redirect = "http://127.0.0.1:1/cimom"
    with pytest.raises(errors.HostFailed, match=r"redirects to http://127\.0\.0\.1:1/cimom"):
        opened(server)


@pytest.mark.parametrize("body", ["malformed", "truncated", "empty", "html", "bomb", "wrong_types"])
def test_replies_that_make_no_sense(server: WbemServer, faults: Faults, body: str) -> None:
    host = opened(server)
    faults.body = body
    with pytest.raises((errors.HostFailed, errors.Unreachable)) as caught:
        host.virtual_systems()
    assert len(str(caught.value)) < 1000


def test_a_reply_without_end(server: WbemServer, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 2**20)
    host = WbemHost(session.open_session(f"{server.url}/root/virt", {}))
    faults.body = "huge"
    with pytest.raises(errors.HostFailed, match="more than"):
        host.virtual_systems()


def test_a_server_that_takes_too_long(server: WbemServer, faults: Faults) -> None:
    host = opened(server, timeout=3)
    faults.delay = 60.0
    began = time.monotonic()
    with pytest.raises(errors.TimedOut, match="timed out"):
        host.virtual_systems()
    assert time.monotonic() - began < 20


def test_a_reply_that_never_gets_done(server: WbemServer, faults: Faults) -> None:
    host = opened(server, timeout=3)
    faults.body = "drip"
    began = time.monotonic()
    with pytest.raises(errors.TimedOut, match="did not finish its reply within 3 seconds"):
        host.virtual_systems()
    assert time.monotonic() - began < faults.drip_seconds / 2


def test_entities_do_not_blow_up(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    faults.body = "bomb"
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises((errors.HostFailed, errors.Unreachable)):
        host.virtual_systems()
    # The text it stands for has three thousand million letters.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert time.monotonic() - began < 30


def test_credentials_do_not_follow_a_redirect(faults: Faults) -> None:
    with (
        WbemServer(FakeHost(), user="admin", password="s3cret", faults=faults) as server,
        WbemServer(FakeHost()) as thief,
    ):
        faults.redirect = thief.url
        with pytest.raises(errors.HostFailed, match="redirects"):
            opened(server, username="admin", password="s3cret")
        assert (thief.requests.total, thief.requests.connections) == (0, 0)


@pytest.mark.parametrize("status", [(500, "Internal Server Error"), (403, "Forbidden"), (503, "Busy")])
def test_http_errors(server: WbemServer, faults: Faults, status: tuple[int, str]) -> None:
    host = opened(server)
    faults.http_status = status
    with pytest.raises(errors.VirtError, match=f"HTTP status {status[0]}") as caught:
        host.virtual_systems()
    assert isinstance(caught.value, errors.AuthenticationFailed) == (status[0] == 403)


def test_a_connection_that_broke_is_opened_again_for_reading(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    host.define_system(DEFINE)
    faults.drop_reply_of = {"OpenEnumerateInstances": 1}
    assert [system.name for system in host.virtual_systems()] == ["web"]


def test_a_change_is_never_sent_twice(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    faults.drop_reply_of = {"DefineSystem": 1}
    with pytest.raises(errors.Unreachable):
        host.define_system(DEFINE)
    assert server.requests.count["DefineSystem"] == 1
    assert host.virtual_system("web") is not None


# Reading


def test_an_enumeration_is_repeated_when_something_vanished_meanwhile(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    host.define_system(DEFINE)
    faults.enumerations_that_fail = 2
    assert [system.name for system in host.virtual_systems()] == ["web"]


def test_without_lists_of_associations_each_system_is_followed() -> None:
    host = FakeHost()
    for index in range(5):
        ref = changes.SystemRef(f"vm-{index}")
        host.define_system(changes.DefineSystem(ref, DEFINE.configuration))
        host.request_state_change(changes.RequestStateChange(ref, RequestedState.ENABLED, "defined", "active"))
    with WbemServer(host) as one, WbemServer(host, enumerable_links=False) as other:
        assert opened(one).virtual_systems() == opened(other).virtual_systems()


@pytest.mark.parametrize(
    "refused",
    [
        *("SettingsDefineState", "ElementSettingData", "SettingDataComponent", "SnapshotOfVirtualSystem"),
        *("VirtualSystemSettingData", "ResourceAllocationSettingData"),
    ],
)
@pytest.mark.parametrize("status", [pywbem.CIM_ERR_NOT_SUPPORTED, pywbem.CIM_ERR_ACCESS_DENIED])
def test_a_server_that_lists_some_classes_only_is_followed(
    monkeypatch: pytest.MonkeyPatch, refused: str, status: int
) -> None:
    host = FakeHost()
    host.define_system(DEFINE)
    ref = changes.SystemRef("web")
    host.create_snapshot(changes.CreateSnapshot(ref, "before", SnapshotType.DISK))
    host.request_state_change(changes.RequestStateChange(ref, RequestedState.ENABLED, "defined", "active"))
    listed = Operations._all
    told: list[str] = []

    def some(self: Operations, call: Any, reading: Any) -> Any:
        if str(getattr(call.arguments["ClassName"], "classname", "")).endswith(refused):
            told.append(refused)
            raise pywbem.CIMError(status, "not listed")
        return listed(self, call, reading)

    with WbemServer(host) as server:
        expected = opened(server).virtual_systems()
        monkeypatch.setattr(Operations, "_all", some)
        assert opened(server).virtual_systems() == expected
    assert told
    assert expected[0].persistent
    assert expected[0].snapshots == ("before",)


@pytest.mark.parametrize("enumerable_links", [True, False])
def test_a_virtual_switch_is_no_virtual_system(enumerable_links: bool) -> None:
    host = FakeHost()
    host.define_system(DEFINE)
    host.define_system(changes.DefineSystem(changes.SystemRef("switch"), DEFINE.configuration))

    def with_a_switch(section: Section) -> Section:
        def make(reading: Reading) -> Iterator[Any]:
            for found in section.make(reading):
                if found.classname == "CIM_ComputerSystem" and found.get("ElementName") == "switch":
                    found["Dedicated"] = [pywbem.Uint16(38)]
                yield found

        return replace(section, make=make)

    dialect = replace(STANDARD, sections=tuple(with_a_switch(section) for section in STANDARD.sections))
    with WbemServer(host, dialect, enumerable_links=enumerable_links) as server:
        assert [system.name for system in opened(server).virtual_systems()] == ["web"]
        assert opened(server).virtual_system("switch") is None


def test_a_system_that_vanishes_while_it_is_read(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    host.define_system(DEFINE)
    faults.vanished = {"web"}
    assert host.virtual_system("web") is None
    with pytest.raises(errors.NotFound, match="no virtual system 'web'"):
        host.request_state_change(states(RequestedState.ENABLED))


def test_several_systems_of_one_name_are_an_error(server: WbemServer) -> None:
    host = opened(server)
    host.define_system(DEFINE)
    behind = server.world.platform
    assert isinstance(behind, FakeHost)
    twin = behind.systems["web"]
    behind.systems["twin"] = type(twin)(**{**vars(twin), "uuid": "00000000-0000-4000-8000-00000000beef"})
    with pytest.raises(errors.Conflict, match="Several virtual systems"):
        host.virtual_system("web")


def test_a_transient_system(server: WbemServer) -> None:
    host = opened(server)
    host.define_system(DEFINE)
    host.request_state_change(states(RequestedState.ENABLED))
    behind = server.world.platform
    assert isinstance(behind, FakeHost)
    before = behind.systems["web"]
    behind.systems["web"] = type(before)(**{**vars(before), "persistent": False})
    found = host.virtual_system("web")
    assert found is not None
    assert not found.persistent
    assert found.running is not None
    assert host.virtual_systems() == [found]


ADDRESSES: Mapping[str, Mapping[str, list[str]]] = {
    "lease": {"52:54:00:00:00:0a": ["192.0.2.10", "2001:db8::10"]},
    "agent": {"52:54:00:00:00:0a": ["192.0.2.10", "198.51.100.1"], "52:54:00:00:00:0b": ["203.0.113.7"]},
}


class LeasingHost(FakeHost):
    """A host whose guests have addresses."""

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        return ADDRESSES[source]


def test_the_addresses_of_guests_are_endpoints_of_their_systems() -> None:
    with WbemServer(LeasingHost()) as server:
        host = opened(server)
        host.define_system(DEFINE)
        system = host.virtual_system("web")
        assert system is not None
        assert host.addresses_of(system, "lease") == {}
        host.request_state_change(states(RequestedState.ENABLED))
        assert host.addresses_of(system, "lease") == ADDRESSES["lease"]
        assert host.addresses_of(system, "agent") == {
            "52:54:00:00:00:0a": ["192.0.2.10", "2001:db8::10", "198.51.100.1"],
            "52:54:00:00:00:0b": ["203.0.113.7"],
        }
        with pytest.raises(errors.NotSupported, match="source arp; it tells lease, agent"):
            host.addresses_of(system, "arp")


def test_a_server_without_endpoints_says_so(kvm: WbemServer) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    system = host.virtual_system("web")
    assert system is not None
    with pytest.raises(errors.NotSupported, match="CIM_IPProtocolEndpoint"):
        waiting.addresses_of(host, replace(system, defined=Configuration(resources=(ADAPTER,))))


# Changing


def test_the_servers_own_words_reach_the_user(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    faults.errors = {"DefineSystem": (1, "libvirt: no such network 'lan'")}
    with pytest.raises(
        errors.HostFailed, match=r"define virtual system 'web': CIM_ERR_FAILED: libvirt: no such network"
    ):
        host.define_system(DEFINE)
    faults.errors = {"DefineSystem": (11, "name taken")}
    with pytest.raises(errors.Conflict, match="name taken"):
        host.define_system(DEFINE)


@pytest.mark.parametrize("fails", ["completed", "exception"])
def test_a_job_that_fails(faults: Faults, fails: str) -> None:
    with WbemServer(FakeHost(), faults=faults, jobs="all") as server:
        host = opened(server)
        faults.job_fails = fails
        with pytest.raises(errors.HostFailed, match="job failed: The job failed because it was told to"):
            host.define_system(DEFINE)


def test_a_job_that_is_gone_when_it_is_asked_for(faults: Faults) -> None:
    with WbemServer(FakeHost(), faults=faults, jobs="all") as server:
        host = opened(server)
        faults.job_vanishes = True
        host.define_system(DEFINE)
        assert host.virtual_system("web") is not None
        host.destroy_system(changes.DestroySystem(REF))
        assert host.virtual_system("web") is None


def test_busy_is_asked_again(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    host.define_system(DEFINE)
    faults.return_codes = {"RequestStateChange": 4099}
    with pytest.raises(errors.Conflict, match="busy"):
        host.request_state_change(replace(states(RequestedState.ENABLED), timeout=3.0))
    assert server.requests.count["RequestStateChange"] > 2


def test_a_time_limit_the_server_does_not_take(server: WbemServer, faults: Faults) -> None:
    host = opened(server)
    host.define_system(DEFINE)
    host.request_state_change(states(RequestedState.ENABLED))
    faults.return_codes = {"RequestStateChange": 4098}
    with pytest.raises(errors.NotSupported, match="time-out parameter"):
        host.request_state_change(states(RequestedState.SHUT_DOWN))
    assert server.requests.count["RequestStateChange"] == 3


# libvirt-cim


def test_a_hypervisor_that_is_down_is_no_empty_host(kvm: WbemServer, faults: Faults) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    faults.host_is_down = True
    for read in (
        host.virtual_systems,
        lambda: host.virtual_system("web"),
        host.resource_pools,
        lambda: host.destroy_system(changes.DestroySystem(REF)),
        lambda: opened(kvm),
    ):
        with pytest.raises(errors.Unreachable, match="hypervisor does not"):
            read()


def test_the_weight_survives_every_change(kvm: WbemServer) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    host.add_resource_settings(changes.AddResourceSettings(REF, ADAPTER))
    assert weight(host) == 512
    system = host.virtual_system("web")
    assert system is not None
    memory = next(one for one in system.defined.resources if one.resource_type is ResourceType.MEMORY)
    grown = {"virtual_quantity": (2**28, 2**27)}
    host.modify_resource_settings(changes.ModifyResourceSettings(REF, memory, grown))
    assert weight(host) == 512
    host.modify_system_settings(changes.ModifySystemSettings(REF, {"boot_order": (None, ("ethernet_adapter",))}))
    assert weight(host) == 512
    added = next(one for one in system.defined.resources if one.address == ADAPTER.address)
    host.remove_resource_settings(changes.RemoveResourceSettings(REF, added))
    assert weight(host) == 512
    host.request_state_change(states(RequestedState.ENABLED))
    assert [note for note in host.take_notes() if "rewrites the whole configuration" in note]


def weight(host: WbemHost) -> int | None:
    system = host.virtual_system("web")
    assert system is not None
    return next(one.weight for one in system.defined.resources if one.resource_type is ResourceType.PROCESSOR)


def test_a_refused_change_leaves_the_weight_as_well(kvm: WbemServer) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    missing = Rasd(
        ResourceType.DISK_DRIVE, host_resource=("/no/such.img",), address_on_parent="vdq", settings={"format": "raw"}
    )
    with pytest.raises(errors.HostFailed):
        host.add_resource_settings(changes.AddResourceSettings(REF, missing))
    assert weight(host) == 512


def test_a_weight_others_have_lost_is_healed_before_the_start(kvm: WbemServer) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    behind = kvm.world.platform
    assert isinstance(behind, FakeHost)
    before = behind.systems["web"]
    resources = tuple(
        type(one)(**{**vars(one), "weight": 0}) if one.resource_type is ResourceType.PROCESSOR else one
        for one in before.defined.resources
    )
    lost = type(before)(**{**vars(before), "defined": Configuration(before.defined.settings, resources)})
    behind.systems["web"] = lost
    host.request_state_change(states(RequestedState.ENABLED))
    assert "had lost the weight" in host.take_notes()[0]


def test_what_is_running_keeps_its_memory_until_it_is_off(kvm: WbemServer) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    host.request_state_change(states(RequestedState.ENABLED))
    system = host.virtual_system("web")
    assert system is not None
    memory = next(one for one in system.defined.resources if one.resource_type is ResourceType.MEMORY)
    with pytest.raises(errors.RestartNeeded, match="only of a system that is off"):
        host.modify_resource_settings(
            changes.ModifyResourceSettings(REF, memory, {"virtual_quantity": (memory.virtual_quantity, 2**27)})
        )
    assert host.virtual_system("web") == system


def test_a_saved_state_is_kept_resumed_and_discarded(kvm: WbemServer) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    host.request_state_change(states(RequestedState.ENABLED))
    host.request_state_change(states(RequestedState.OFFLINE))
    assert state(host) is SystemState.SUSPENDED
    with pytest.raises(errors.Conflict, match="is suspended"):
        host.destroy_system(changes.DestroySystem(REF))
    host.request_state_change(states(RequestedState.ENABLED))
    assert state(host) is SystemState.ACTIVE
    host.request_state_change(states(RequestedState.OFFLINE))
    host.request_state_change(states(RequestedState.DISABLED))
    assert state(host) is SystemState.DEFINED


def test_a_paused_system_is_turned_off(kvm: WbemServer) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    host.request_state_change(states(RequestedState.ENABLED))
    host.request_state_change(states(RequestedState.QUIESCE))
    host.request_state_change(states(RequestedState.DISABLED))
    assert state(host) is SystemState.DEFINED


def state(host: WbemHost) -> SystemState:
    system = host.virtual_system("web")
    assert system is not None
    return system.state


def test_not_found_is_looked_after(kvm: WbemServer, faults: Faults) -> None:
    host = opened(kvm)
    host.define_system(DEFINE)
    faults.errors = {"DestroySystem": (6, "Refusing to undefine while domain managed save image exists")}
    with pytest.raises(errors.HostFailed, match="managed save image exists"):
        host.destroy_system(changes.DestroySystem(REF))


def test_pools_are_made_and_deleted(kvm: WbemServer) -> None:
    from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool

    host = opened(kvm)
    pool = ResourcePool("p", ResourceType.DISK_DRIVE, "dir", host_resource=("/srv/p",))
    host.create_resource_pool(changes.CreateResourcePool(pool))
    found = host.resource_pool("p", ResourceType.DISK_DRIVE)
    assert found is not None
    assert (found.resource_sub_type, found.active, found.parent) == ("dir", True, "DiskPool/0")
    with pytest.raises(errors.Conflict):
        host.create_resource_pool(changes.CreateResourcePool(pool))
    host.delete_resource_pool(changes.DeleteResourcePool(found))
    assert host.resource_pool("p", ResourceType.DISK_DRIVE) is None
    host.delete_resource_pool(changes.DeleteResourcePool(found))


class Stubborn(FakeHost):
    """A host whose running systems take no other medium."""

    def modify_resource_settings(self, change: changes.ModifyResourceSettings) -> None:
        """Raise HostFailed for a change of a running system."""
        if change.live_differences:
            raise errors.HostFailed("the tray is locked")
        super().modify_resource_settings(change)


def test_what_the_running_system_does_not_take_does_not_stay_in_its_definition() -> None:
    with WbemServer(Stubborn()) as server:
        host = opened(server)
        drive = Rasd(ResourceType.CD_DRIVE, name="cd", host_resource=())
        host.define_system(replace(DEFINE, configuration=Configuration(resources=(PROCESSOR, MEMORY, drive))))
        host.request_state_change(states(RequestedState.ENABLED))
        system = host.virtual_system("web")
        assert system is not None
        assert system.running is not None
        before, running = (
            next(rasd for rasd in found.resources if rasd.name == "cd") for found in (system.defined, system.running)
        )
        exchange = {"host_resource": (before.host_resource, ("/images/other.iso",))}
        change = changes.ModifyResourceSettings(REF, before, exchange, running, exchange)
        with pytest.raises(errors.HostFailed, match="of the running virtual system 'web'"):
            host.modify_resource_settings(change)
        assert host.virtual_system("web") == system
        host.close()
