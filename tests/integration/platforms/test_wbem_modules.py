# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module on a WBEM server: it works, or says what the server does not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.integration.platforms.conftest import Run
from tests.wbem import WbemServer

MODULES = Path(__file__).parents[3] / "plugins" / "modules"
USED: set[str] = set()
WEB: dict[str, Any] = {
    "name": "web",
    "resources": [
        {"resource_type": "processor", "virtual_quantity": 1},
        {"resource_type": "memory", "virtual_quantity": "256 MiB"},
    ],
}
ADAPTER = {"resource_type": "ethernet_adapter", "connection": ["lan"], "address": "52:54:00:00:00:01"}
POOL = {"pool_id": "more", "resource_type": "disk_drive", "resource_sub_type": "dir", "host_resource": ["/more"]}


@pytest.fixture(params=["standard", "libvirt-cim"])
def server(request: pytest.FixtureRequest) -> Iterator[WbemServer]:
    host = FakeHost()
    for pool in (
        ResourcePool("images", ResourceType.DISK_DRIVE, "dir", host_resource=("/images",), active=True),
        ResourcePool("lan", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
    ):
        host.pools[pool.resource_type, pool.pool_id] = pool
    with WbemServer(host, request.param) as server:
        yield server


@pytest.fixture
def module(run: Run, server: WbemServer) -> Run:
    """Runs a module on the server."""

    def call(_module: str, _fails: str | None = None, /, **params: Any) -> dict[str, Any]:
        USED.add(_module)
        return run(_module, server, _fails, **params)

    return call


@pytest.fixture
def standard(server: WbemServer) -> bool:
    """Whether the server is as the profiles describe it."""
    return server.dialect.name == "standard"


def test_systems(module: Run) -> None:
    assert module("virtual_system", **WEB)["changed"]
    assert not module("virtual_system", **WEB)["changed"]
    (web,) = module("virtual_system_info", name=["web"])["virtual_systems"]
    assert web["state"] == "defined"
    many = module("virtual_systems", virtual_systems=[WEB, {**WEB, "name": "db", "state": "active"}])
    assert [change["virtual_system"] for change in many["changes"]] == ["db", "db"]
    for name in ("web", "db"):
        assert module("virtual_system", name=name, state="absent", force_off=True, shutdown_timeout=1)["changed"]
    assert module("virtual_system_info")["virtual_systems"] == []


def test_one_resource(module: Run) -> None:
    module("virtual_system", **WEB)
    assert module("rasd", virtual_system="web", **ADAPTER)["changed"]
    assert not module("rasd", virtual_system="web", **ADAPTER)["changed"]
    assert module("rasd", virtual_system="web", state="absent", **ADAPTER)["changed"]


def test_a_disk_of_a_pool(module: Run) -> None:
    disk = {
        "resource_type": "disk_drive",
        "pool_id": "images",
        "address_on_parent": "vda",
        "resource_sub_type": "virtio",
        "virtual_quantity": "16 MiB",
        "settings": {"format": "raw"},
    }
    made = module("virtual_system", **{**WEB, "resources": [*WEB["resources"], disk]})
    (found,) = [one for one in made["virtual_system"]["resources"] if one["resource_type"] == "disk_drive"]
    assert found["host_resource"]
    second = {**disk, "address_on_parent": "vdb"}
    assert module("rasd", virtual_system="web", **second)["changed"]


def test_actions(module: Run) -> None:
    module("virtual_system", **{**WEB, "state": "active"})
    for action in ("reboot", "reset"):
        assert module("virtual_system_action", name="web", action=action)["changed"]


@pytest.mark.parametrize("state", ["paused", "suspended", "active", "defined"])
def test_states(module: Run, state: str) -> None:
    module("virtual_system", **{**WEB, "state": "active"})
    found = module("virtual_system", name="web", state=state, shutdown_timeout=2, force_off=True)
    assert found["virtual_system"]["state"] == state


def test_pools(module: Run, standard: bool) -> None:
    made = module("resource_pool", **POOL, state="active" if standard else "present")
    assert made["changed"]
    assert "more" in [pool["pool_id"] for pool in module("resource_pool_info")["resource_pools"]]
    other = {**POOL, "host_resource": ["/elsewhere"]}
    if not standard:
        refused = module("resource_pool", "conflict", **other)
        assert "the server cannot change a pool" in refused["msg"]
    assert module("resource_pool", **{**POOL, "state": "absent"})["changed"]
    assert "more" not in [pool["pool_id"] for pool in module("resource_pool_info")["resource_pools"]]


NETWORK = {"pool_id": "more", "resource_type": "ethernet_adapter", "resource_sub_type": "isolated"}
NAT = {**NETWORK, "resource_sub_type": "nat", "settings": {"addresses": ["192.0.2.1/24"]}}


def test_a_network_whose_subnet_is_taken_is_told_before_anything_is_made(module: Run, standard: bool) -> None:
    network = {
        "resource_type": "ethernet_adapter",
        "resource_sub_type": "isolated",
        "settings": {"addresses": ["192.0.2.1/24"]},
        "state": "active",
    }
    assert module("resource_pool", pool_id="one", **network)["changed"]
    if not standard:
        return  # it shows no addresses, and makes a network active at once: the host says so
    foretold = module("resource_pool", pool_id="two", **network, _ansible_check_mode=True)
    assert any("192.0.2.0/24 is that of active network 'one' already" in each for each in foretold["warned"])
    failed = module("resource_pool", "conflict", pool_id="two", **network)
    assert "192.0.2.0/24 is that of active network 'one' already" in failed["msg"]
    assert module("resource_pool_info", pool_id=["two"])["resource_pools"] == []
    assert not module("resource_pool", pool_id="one", **network)["changed"]
    module("resource_pool", pool_id="one", **{**network, "state": "inactive"})
    assert module("resource_pool", pool_id="two", **network)["changed"]


def test_what_the_server_does_not_show_of_a_network_is_told_not_to_be_compared(module: Run, standard: bool) -> None:
    declared = NAT if standard else {**NAT, "host_resource": ["eth0"]}
    made = module("resource_pool", **declared)
    assert made["changed"]
    assert made["warned"] == []
    again = module("resource_pool", **declared)
    assert not again["changed"]
    if standard:
        assert again["warned"] == []
        assert module("resource_pool", **{**NETWORK, "state": "inactive"})["changed"]
        return
    (warning,) = again["warned"]
    assert "'more'" in warning
    assert "does not tell its host_resource, resource_sub_type, addresses:" in warning
    fed = {name: again["resource_pool"][name] for name in ("pool_id", "resource_type", "resource_sub_type", "settings")}
    assert not module("resource_pool", **fed)["changed"]
    assert again["warned"] == [warning]
    module("resource_pool", **NETWORK)
    assert "does not tell its resource_sub_type:" in again["warned"][-1]
    assert "domain" in module("resource_pool", "not_supported", **{**NAT, "settings": {"domain": "lab"}})["msg"]


def test_what_stands_on_what(module: Run) -> None:
    module("virtual_system", **{**WEB, "resources": [*WEB["resources"], ADAPTER]})
    module("virtual_system", **{**WEB, "name": "db"})
    (hit,) = module("resource_dependency_info", resource=["lan"])["virtual_systems"]
    assert hit["path"] == ["resource_pool:ethernet_adapter/lan", "virtual_system:web"]


def test_snapshots(module: Run, standard: bool) -> None:
    module("virtual_system", **WEB)
    snapshot = {"virtual_system": "web", "name": "before"}
    if not standard:
        assert "create_snapshot" in module("snapshot", "not_supported", **snapshot)["msg"]
        assert module("snapshot_info", virtual_system="web")["snapshots"] == []
        return
    assert module("snapshot", **snapshot)["changed"]
    assert [each["name"] for each in module("snapshot_info", virtual_system="web")["snapshots"]] == ["before"]
    assert module("snapshot", **snapshot, state="applied")["changed"]
    assert module("snapshot", **snapshot, state="absent")["changed"]


def test_the_host(module: Run) -> None:
    host = module("host_info")["host"]
    assert host["services"]["virtual_system_management_service"]


def test_an_address_is_waited_for_where_the_server_tells_it(module: Run, standard: bool, server: WbemServer) -> None:
    system = {**WEB, "resources": [*WEB["resources"], ADAPTER], "state": "active", "wait_timeout": 1}
    failed = module("virtual_system", "timed_out" if standard else "not_supported", **system, wait_for="address")
    assert ("had no address within 1 s" if standard else "it shows no CIM_IPProtocolEndpoint") in failed["msg"]
    assert server.requests.count["DefineSystem"] == int(standard)


@pytest.mark.parametrize("check", [True, False])
def test_what_no_server_tells_is_refused_before_anything_is_touched(
    module: Run, server: WbemServer, check: bool
) -> None:
    agent = {**WEB, "state": "active", "wait_for": "guest_agent"}
    failed = module("virtual_system", "not_supported", **agent, _ansible_check_mode=check)
    assert "wait_for: guest_agent is not supported by this host: a WBEM server does not tell" in failed["msg"]
    assert (failed["changed"], failed.get("changes", [])) == (False, [])
    entries = [agent, {**WEB, "name": "db"}]
    many = module("virtual_systems", "not_supported", virtual_systems=entries, _ansible_check_mode=check)
    assert [one.get("error_code") for one in many["results"]] == ["not_supported", None]
    assert [change["virtual_system"] for change in many["changes"]] == ["db"]
    assert server.requests.count["DefineSystem"] == (0 if check else 1)
    assert server.requests.count["RequestStateChange"] == 0
    assert "guest_agent" in module("host_info")["host"]["capabilities"]["unsupported_waits"]


def test_what_libvirt_cim_cannot_hold_is_refused_by_name(module: Run, standard: bool, server: WbemServer) -> None:
    if standard:
        assert module("virtual_system", **WEB, settings={"description": "a note"})["changed"]
        return
    failed = module("virtual_system", "not_supported", **WEB, settings={"description": "a note"})
    assert "description" in failed["msg"]
    assert "the server keeps no notes" in failed["msg"]
    named = [*WEB["resources"], {**ADAPTER, "name": "lan"}]
    failed = module("virtual_system", "not_supported", name="web", resources=named)
    assert "the server keeps no names of resources" in failed["msg"]
    assert server.requests.count["DefineSystem"] == 0


def test_each_module_was_used() -> None:
    assert {path.stem for path in MODULES.glob("*.py") if path.stem != "__init__"} == USED
