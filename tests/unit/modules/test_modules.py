# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules on a host in memory, as Ansible runs them: sent, and in the process of the controller."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, HostFailed, Unreachable
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.tools.tasks import run_task

MIB = 2**20
GIB = 2**30
WEB = {
    "name": "web",
    "state": "active",
    "resources": [
        {"resource_type": "processor", "virtual_quantity": 1, "maximum_quantity": 4},
        {"resource_type": "memory", "virtual_quantity": "256 MiB"},
        {"resource_type": "disk_drive", "name": "root", "pool_id": "vmpool", "virtual_quantity": "1 GiB"},
        {"resource_type": "ethernet_adapter", "name": "lan", "connection": ["lab"]},
    ],
}

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """What lies behind the URI fake:host: a host with a storage pool and a network."""
    found = FakeHost()
    for pool in (
        ResourcePool("vmpool", ResourceType.DISK_DRIVE, "dir", active=True, host_resource=("/srv",)),
        ResourcePool("lab", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
    ):
        found.create_resource_pool(changes.CreateResourcePool(pool))
        found.request_pool_state_change(changes.RequestPoolStateChange(pool, active=True))
    monkeypatch.setitem(connect._OPENERS, "fake", lambda _uri, _options, _progress: found)
    return found


@pytest.fixture(params=["sent", "in the controller"])
def run(
    request: pytest.FixtureRequest,
    host: FakeHost,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs a module and returns its result."""
    logged: list[str] = []
    monkeypatch.setattr(
        basic.AnsibleModule, "log", lambda _module, msg, log_args=None: logged.append(f"{msg} {log_args}")
    )

    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, warning: warned.append(warning))

    def sent(_module: str, check: bool, diff: bool, params: dict[str, Any]) -> dict[str, Any]:
        module = importlib.import_module(f"ansible_collections.svpc.virt.plugins.modules.{_module}")
        given = {**params, "_ansible_check_mode": check, "_ansible_diff": diff}
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    def here(_module: str, check: bool, diff: bool, params: dict[str, Any]) -> dict[str, Any]:
        result = run_task(f"svpc.virt.{_module}", params, {"check_mode": check, "diff": diff})
        plain: dict[str, Any] = json.loads(json.dumps(result, default=str))
        return plain

    way = {"sent": sent, "in the controller": here}[request.param]

    def call(
        _module: str, /, _check: bool = False, _diff: bool = False, _fails: bool = False, **params: Any
    ) -> dict[str, Any]:
        result = way(_module, _check, _diff, {"uri": "fake:host", **params})
        assert result.get("failed", False) == _fails, result
        result.update(logged=logged, warned=warned)
        return result

    return call


def operations(result: dict[str, Any]) -> list[str]:
    return [change["operation"] for change in result["changes"]]


def only(result: dict[str, Any], resource_type: str) -> dict[str, Any]:
    found = [rasd for rasd in result["virtual_system"]["resources"] if rasd["resource_type"] == resource_type]
    assert len(found) == 1
    return found[0]


def test_check_mode_then_the_run_then_the_same_again(run: Run, host: FakeHost) -> None:
    check = run("virtual_system", _check=True, _diff=True, **WEB)
    assert check["changed"]
    assert host.log == []
    first = run("virtual_system", _diff=True, **WEB)
    assert first["changed"]
    assert first["changes"] == check["changes"]
    assert first["diff"] == check["diff"]
    assert operations(first) == ["define_system", "request_state_change"]
    assert first["virtual_system"]["state"] == "active"
    again = run("virtual_system", **WEB)
    assert not again["changed"]
    assert again["changes"] == []
    assert "diff" not in again
    assert again["virtual_system"] == first["virtual_system"]


def test_a_result_given_back_changes_nothing(run: Run) -> None:
    first = run("virtual_system", **WEB)
    system = first["virtual_system"]
    back = run(
        "virtual_system",
        name="web",
        uuid=system["uuid"],
        state=system["state"],
        settings=system["settings"],
        resources=system["resources"],
        exclusive=True,
    )
    assert not back["changed"]
    for rasd in system["resources"]:
        assert not run("rasd", virtual_system="web", **rasd)["changed"]


def test_what_cannot_be_done_live_is_pending(run: Run) -> None:
    run("virtual_system", **WEB)
    more = [{"resource_type": "memory", "virtual_quantity": "512 MiB"}]
    result = run("virtual_system", name="web", resources=more)
    assert result["changed"]
    assert result["restart_required"]
    assert result["pending"][0]["target"] == "memory"
    assert result["pending"][0]["properties"]["virtual_quantity"] == {"before": 256 * MIB, "after": 512 * MIB}
    assert result["virtual_system"]["state"] == "active"
    restarted = run("virtual_system", name="web", resources=more, allow_restart=True)
    assert restarted["changed"]
    assert not restarted["restart_required"]
    assert restarted["pending"] == []
    assert restarted["virtual_system"]["state"] == "active"


def test_a_secret_shows_nowhere(run: Run) -> None:
    def declare(password: str, **how: Any) -> dict[str, Any]:
        console = {
            "resource_type": "graphics_controller",
            "resource_sub_type": "vnc",
            "settings": {"password": password},
        }
        return run("virtual_system", name="web", resources=[console], **how)

    results = [declare("o sesame"), declare("swordfis", _check=True, _diff=True), declare("swordfis", _diff=True)]
    assert [result["changed"] for result in results] == [True, True, True]
    assert results[2]["diff"]["before"] != results[2]["diff"]["after"]
    assert not declare("swordfis")["changed"]
    results += [run("virtual_system_info"), run("virtual_system", name="web", state="absent", _diff=True)]
    for result in results:
        for secret in ("o sesame", "swordfis"):
            assert secret not in json.dumps(result)


def test_a_seed_shows_nowhere(run: Run) -> None:
    def declare(secret: str, **how: Any) -> dict[str, Any]:
        cloud_init = {
            "user_data": {"password": secret},
            "vendor_data": f"#!/bin/sh\necho {secret}\n",
            "pool_id": "vmpool",
        }
        return run("virtual_system", name="web", cloud_init=cloud_init, **how)

    results = [declare("sesame"), declare("swordfish", _check=True, _diff=True), declare("swordfish", _diff=True)]
    assert [result["changed"] for result in results] == [True, True, True]
    assert results[1]["changes"] == results[2]["changes"]
    assert results[2]["diff"]["before"] != results[2]["diff"]["after"]
    assert not declare("swordfish")["changed"]
    results += [declare("sesame", state="nonsense", _fails=True)]
    results += [run("virtual_system", name="web", cloud_init={"user_data": 7, "vendor_data": "sesame"}, _fails=True)]
    assert results[-1]["error_code"] == "invalid_input"
    results += [run("virtual_system", name="web", state="absent", _diff=True)]
    assert [change["operation"] for change in results[-1]["changes"]] == ["destroy_system", "return_to_storage_pool"]
    for result in results:
        shown = json.dumps(result, default=str)
        for secret in ("sesame", "swordfish"):
            assert secret not in shown


@pytest.mark.parametrize("secret", ["open sesame", "o'pen\"ses\\ame", "ses\nlíne"])
def test_the_arguments_that_are_logged_hold_no_secret(run: Run, secret: str) -> None:
    """Also not as Python writes it inside a list: to the system's log goes the text of nested arguments."""
    console = {"resource_type": "graphics_controller", "settings": {"password": secret}}
    result = run("virtual_system", name="web", password="swordfish", resources=[console])
    logged = str(result["logged"][0])
    assert "web" in logged
    assert "graphics_controller" in logged
    for hidden in ("ses", "líne", "swordfish"):
        assert hidden not in logged
        assert hidden not in json.dumps(result.get("invocation"), ensure_ascii=False)
    assert not run("virtual_system", name="web", resources=[console])["changed"]


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown option": (
        "virtual_system",
        {"name": "web", "sate": "active"},
        "sate. Supported parameters include: allow_",
    ),
    "unknown option of an entry": (
        "virtual_system",
        {"name": "web", "resources": [{"resource_type": "memory", "size": 3}]},
        "resources.size. Supported parameters include: address,",
    ),
    "unknown setting": (
        "virtual_system",
        {"name": "web", "settings": {"bios": 1}},
        "Supported parameters include: arch",
    ),
    "unknown word": (
        "virtual_system",
        {"name": "web", "settings": {"firmware": "efi"}},
        "must be one of: bios, uefi, got: efi found in settings",
    ),
    "unknown type": ("rasd", {"virtual_system": "web", "type": "disc"}, "must be one of: other, computer_system"),
    "setting of another type": (
        "virtual_system",
        {"name": "web", "resources": [{"resource_type": "memory", "settings": {"cache": "none"}}]},
        "resources: entry 1 (memory): settings: setting: 'cache' is not known; allowed are huge_page_size",
    ),
    "unknown unit": (
        "rasd",
        {"virtual_system": "web", "resource_type": "memory", "virtual_quantity": "1 GiX"},
        "memory: virtual_quantity: unit 'GiX' is not known; allowed are B,",
    ),
    "missing": ("resource_pool", {"resource_type": "disk_drive"}, "missing required arguments: pool_id"),
    "waiting for what is off": (
        "virtual_system",
        {"name": "web", "state": "defined", "wait_for": "address"},
        "wait_for: address: a virtual system in state defined has nothing to wait for",
    ),
}


@pytest.mark.parametrize(("module", "params", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_invalid_input(run: Run, host: FakeHost, module: str, params: Any, message: str) -> None:
    result = run(module, _fails=True, **params)
    assert result["error_code"] == "invalid_input"
    assert message in result["msg"]
    assert host.log == []


def test_null_is_not_managed_even_where_there_are_choices(run: Run) -> None:
    resource = {"resource_type": "memory", "consumer_visibility": None, "settings": None}
    assert run("virtual_system", name="web", settings={"firmware": None, "tpm": None}, resources=[resource])["changed"]


def test_a_failure_in_the_middle_tells_what_was_changed(run: Run, host: FakeHost) -> None:
    host.fails["request_state_change"] = HostFailed("no memory left", hint=1)
    result = run("virtual_system", _fails=True, **WEB)
    assert result["changed"]
    assert result["msg"] == "no memory left"
    assert result["error_code"] == "host_failed"
    assert result["hint"] == 1
    assert operations(result) == ["define_system"]
    assert result["failed_change"] == {"operation": "request_state_change", "target": "web", "changed": False}


def test_a_failure_before_anything_was_changed_says_so(run: Run, host: FakeHost) -> None:
    host.fails["define_system"] = Unreachable("gone")
    result = run("virtual_system", _fails=True, **WEB)
    assert not result["changed"]
    assert "changes" not in result
    assert result["error_code"] == "unreachable"


def test_a_bug_keeps_its_traceback(host: FakeHost) -> None:
    host.fails["define_system"] = ZeroDivisionError("bug")
    module = importlib.import_module("ansible_collections.svpc.virt.plugins.modules.virtual_system")
    with patch_module_args({"uri": "fake:host", "name": "web"}), pytest.raises(ZeroDivisionError):
        module.main()


def test_a_warning_reaches_the_user(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("virtual_system", **WEB)
    monkeypatch.setattr(FakeHost, "modify_system_settings", lambda _host, _change: None)
    result = run("virtual_system", name="web", settings={"description": "new"})
    assert len(result["warned"]) == 1
    assert "did not converge" in result["warned"][0]
    assert "description is None, not 'new'" in result["warned"][0]


def test_a_reference_completes_a_new_system_and_is_not_needed_afterwards(run: Run) -> None:
    run("virtual_system", **WEB)
    copy = run("virtual_system", name="copy", reference="web")
    assert only(copy, "memory")["virtual_quantity"] == 256 * MIB
    assert (
        only(copy, "disk_drive")["host_resource"]
        != only(run("virtual_system", name="web"), "disk_drive")["host_resource"]
    )
    run("virtual_system", name="web", state="absent")
    assert not run("virtual_system", name="copy", reference="web")["changed"]
    missing = run("virtual_system", _fails=True, name="other", reference="nosuch")
    assert (missing["error_code"], missing["msg"]) == (
        "not_found",
        "reference: there is no virtual system 'nosuch'",
    )


def test_waiting_for_the_guest_agent(run: Run) -> None:
    settings = {"guest_agent": True}
    result = run("virtual_system", **WEB, settings=settings, wait_for="guest_agent")
    assert result["changed"]
    assert result["addresses"] == result["virtual_system"]["addresses"] == {}
    assert not run("virtual_system", **WEB, settings=settings, wait_for="guest_agent", _check=True)["changed"]


def test_a_guest_that_is_waited_for_in_vain_leaves_the_changes_made(run: Run) -> None:
    result = run("virtual_system", **WEB, wait_for="address", wait_timeout=0, _fails=True)
    assert result["error_code"] == "timed_out"
    assert operations(result) == ["define_system", "request_state_change"]
    assert result["changed"]


def test_absent_and_the_storage(run: Run, host: FakeHost) -> None:
    run("virtual_system", **WEB)
    kept = run("virtual_system", name="web", state="absent")
    assert kept["virtual_system"] is None
    assert host.volumes
    assert not run("virtual_system", name="web", state="absent", remove_storage=True)["changed"]
    run("virtual_system", **WEB)
    gone = run("virtual_system", name="web", state="absent", remove_storage=True, _diff=True)
    assert operations(gone)[-2:] == ["destroy_system", "return_to_storage_pool"]
    assert gone["diff"]["after"] == {}
    assert host.volumes == {}


def test_a_resource(run: Run, host: FakeHost) -> None:
    run("virtual_system", **WEB)
    data = {"virtual_system": "web", "resource_type": "disk_drive", "name": "data"}
    first = run("rasd", **data, virtual_quantity="2 GiB", pool_id="vmpool")
    assert first["changed"]
    assert operations(first) == ["add_resource_settings"]
    assert first["rasd"]["virtual_quantity"] == 2 * GIB
    assert first["rasd"] in first["virtual_system"]["resources"]
    assert not run("rasd", **data, virtual_quantity="2 GiB")["changed"]
    assert run("rasd", **data, virtual_quantity="3 GiB", _check=True)["rasd"]["virtual_quantity"] == 3 * GIB
    gone = run("rasd", **data, state="absent", remove_storage=True)
    assert operations(gone) == ["remove_resource_settings", "return_to_storage_pool"]
    assert gone["rasd"] is None
    assert [path for path in host.volumes if "data" in path] == []
    assert not run("rasd", **data, state="absent")["changed"]


@pytest.mark.parametrize(
    ("module", "params", "foretold"),
    [
        ("rasd", {"resource_type": "disk_drive", "name": "data", "pool_id": "vmpool"}, ["add_resource_settings"]),
        ("rasd", {"resource_type": "memory", "state": "absent"}, []),
        ("rasd", {"resource_type": "disk_drive", "name": "data", "state": "absent", "remove_storage": True}, []),
        ("snapshot", {"name": "one"}, ["create_snapshot"]),
        ("snapshot", {"name": "one", "quiesce": True, "snapshot_type": "disk"}, ["create_snapshot"]),
        ("snapshot", {"name": "one", "state": "applied"}, ["apply_snapshot"]),
        ("snapshot", {"name": "one", "state": "absent"}, []),
        ("snapshot_info", {}, []),
        ("virtual_system_action", {"name": "nosuch", "action": "reset"}, ["request_state_change"]),
        ("virtual_system", {"name": "copy", "reference": "nosuch"}, ["define_system"]),
        ("virtual_systems", {"virtual_systems": [{"name": "copy", "reference": "nosuch"}]}, ["define_system"]),
    ],
)
def test_a_system_that_has_to_exist_is_named_and_in_check_mode_may_be_that_of_an_earlier_task(
    run: Run, host: FakeHost, module: str, params: dict[str, Any], foretold: list[str]
) -> None:
    if module in ("rasd", "snapshot", "snapshot_info"):
        params = {"virtual_system": "nosuch", **params}
    host.log.clear()
    check = run(module, _check=True, _diff=True, **params)
    assert [change["operation"] for change in check.get("changes", [])] == foretold
    assert check["changed"] is bool(foretold)
    assert "there is no virtual system 'nosuch' (an earlier task has to see to that" in check["warned"][0]
    real = run(module, _fails=True, **params)
    assert (real["error_code"], real.get("changes", [])) == ("not_found", [])
    assert "'nosuch'" in real["msg"]
    assert host.log == []


def test_an_action_acts_each_time(run: Run, host: FakeHost) -> None:
    run("virtual_system", **WEB)
    host.log.clear()
    for _time in range(2):
        result = run("virtual_system_action", name="web", action="reset", _diff=True)
        assert result["changed"]
        assert operations(result) == ["request_state_change"]
        assert result["virtual_system"]["state"] == "active"
    assert len(host.log) == 2
    assert run("virtual_system_action", name="web", action="reboot", _check=True)["changed"]
    assert len(host.log) == 2
    run("virtual_system", name="web", state="defined")
    refused = run("virtual_system_action", name="web", action="reset", _fails=True)
    assert refused["error_code"] == "conflict"


POOL = {
    "pool_id": "more",
    "resource_type": "disk_drive",
    "resource_sub_type": "dir",
    "host_resource": ["/srv/more"],
    "state": "active",
}


@pytest.mark.parametrize(
    ("module", "params", "foretold", "says"),
    [
        (
            "virtual_system_action",
            {"name": "web", "action": "reboot"},
            ["request_state_change"],
            "needs it to be active",
        ),
        (
            "snapshot",
            {"virtual_system": "web", "name": "s", "quiesce": True},
            ["create_snapshot"],
            "only an active one",
        ),
        (
            "resource_pool",
            {"pool_id": "net", "resource_type": "ethernet_adapter", "settings": {"bridge": "br7"}},
            ["modify_pool_settings"],
            "needs it to be inactive",
        ),
        (
            "resource_pool",
            {"pool_id": "more", "resource_type": "disk_drive", "state": "absent"},
            ["request_pool_state_change", "delete_resource_pool"],
            "has children that draw from it: child",
        ),
        (
            "resource_pool",
            {
                "pool_id": "net2",
                "resource_type": "ethernet_adapter",
                "resource_sub_type": "nat",
                "settings": {"bridge": "br0"},
            },
            ["create_resource_pool"],
            "is that of 'net'",
        ),
        (
            "rasd",
            {"virtual_system": "web", "resource_type": "cd_drive", "name": "root"},
            ["add_resource_settings"],
            "cannot have the name 'root'",
        ),
    ],
)
def test_what_is_in_the_way_is_a_failure_and_in_check_mode_left_to_an_earlier_task(
    run: Run, host: FakeHost, module: str, params: dict[str, Any], foretold: list[str], says: str
) -> None:
    """Each of them can be seen to by another task: a system is started, a pool stopped or removed."""
    run("virtual_system", **{**WEB, "state": "defined"})
    run("resource_pool", **POOL)
    more = (ResourceType.DISK_DRIVE, "more")
    host.pools[more] = replace(host.pools[more], children=("child",))
    network = {"pool_id": "net", "resource_type": "ethernet_adapter", "resource_sub_type": "nat", "state": "active"}
    run("resource_pool", **network, settings={"bridge": "br0"})
    host.log.clear()
    check = run(module, _check=True, _diff=True, **params)
    assert operations(check) == foretold
    assert check["changed"]
    (warned,) = check["warned"]
    assert says in warned
    assert "an earlier task has to see to that" in warned
    real = run(module, _fails=True, **params)
    assert (real["error_code"], real.get("changes", [])) == ("conflict", [])
    assert says in real["msg"]
    assert host.log == []


def test_an_action_that_others_make_impossible_is_not_passed_over(
    run: Run, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("virtual_system", **WEB)

    def stopped_meanwhile(found: FakeHost, change: changes.RequestStateChange) -> None:
        web = found.systems["web"]
        found.systems["web"] = replace(web, state=SystemState.DEFINED, running=None)
        raise Conflict("it is off")

    monkeypatch.setattr(FakeHost, "request_state_change", stopped_meanwhile)
    result = run("virtual_system_action", name="web", action="reset", _fails=True)
    assert result["error_code"] == "conflict"
    assert not result["changed"]


def test_a_pool(run: Run, host: FakeHost) -> None:
    check = run("resource_pool", **POOL, _check=True, _diff=True)
    assert len(host.pools) == 2
    first = run("resource_pool", **POOL, _diff=True)
    assert first["changed"]
    assert first["changes"] == check["changes"]
    assert first["diff"] == check["diff"]
    assert first["resource_pool"]["state"] == "active"
    assert first["resource_pool"]["capacity"] > 0
    assert not run("resource_pool", **POOL)["changed"]
    back = {
        name: first["resource_pool"][name]
        for name in ("pool_id", "resource_type", "resource_sub_type", "host_resource", "state", "automatic_startup")
    }
    assert not run("resource_pool", **back, settings=first["resource_pool"]["settings"])["changed"]
    gone = run("resource_pool", pool_id="more", resource_type="disk_drive", state="absent")
    assert operations(gone) == ["request_pool_state_change", "delete_resource_pool"]
    assert gone["resource_pool"] is None
    assert not run("resource_pool", pool_id="more", resource_type="disk_drive", state="absent")["changed"]


def test_snapshots(run: Run) -> None:
    run("virtual_system", **WEB)
    check = run("snapshot", virtual_system="web", name="one", _check=True, _diff=True)
    assert check["snapshot"]["virtual_system_state"] == "active"
    first = run("snapshot", virtual_system="web", name="one", _diff=True)
    assert first["changed"]
    assert first["changes"] == check["changes"]
    assert first["diff"] == check["diff"]
    assert first["snapshot"]["created"].endswith("Z")
    assert not run("snapshot", virtual_system="web", name="one", snapshot_type="full")["changed"]
    described = run("snapshot", virtual_system="web", name="one", description="of tonight")
    assert not described["changed"]
    assert "description of snapshot 'one' is None, not 'of tonight': it stays" in described["warned"][0]
    run("snapshot", virtual_system="web", name="two")
    applied = run("snapshot", virtual_system="web", name="one", state="applied")
    assert applied["changed"]
    assert applied["changes"][0]["properties"] == {"current_snapshot": {"before": "two", "after": "one"}}
    assert applied["snapshot"]["is_current"]
    run("snapshot", virtual_system="web", name="three")
    info = {snapshot["name"]: snapshot for snapshot in run("snapshot_info", virtual_system="web")["snapshots"]}
    assert info["one"]["dependents"] == ["three", "two"]
    assert info["two"]["parent"] == info["three"]["parent"] == "one"
    assert info["three"]["is_current"]
    chosen = run("snapshot_info", virtual_system="web", name=["t*"])["snapshots"]
    assert [snapshot["name"] for snapshot in chosen] == ["two", "three"]
    gone = run("snapshot", virtual_system="web", name="one", state="absent", with_dependents=True)
    assert gone["snapshot"] is None
    assert run("snapshot_info", virtual_system="web")["snapshots"] == []
    assert not run("snapshot", virtual_system="web", name="one", state="absent")["changed"]


def test_a_snapshot_that_is_not_there_is_not_applied_and_in_check_mode_may_be_that_of_an_earlier_task(
    run: Run, host: FakeHost
) -> None:
    run("virtual_system", **WEB)
    host.log.clear()
    check = run("snapshot", _check=True, virtual_system="web", name="never", state="applied")
    assert operations(check) == ["apply_snapshot"]
    assert "has no snapshot 'never'; it has none (an earlier task has to see to that" in check["warned"][0]
    real = run("snapshot", _fails=True, virtual_system="web", name="never", state="applied")
    assert (real["error_code"], real["msg"], real["changed"]) == (
        "not_found",
        "Virtual system 'web' has no snapshot 'never'; it has none",
        False,
    )
    assert host.log == []


def test_a_failure_tells_when_it_has_left_the_system_in_another_state(
    run: Run, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hypervisor ends the guest before it loads the snapshot, and may then fail."""
    run("virtual_system", **WEB)
    run("snapshot", virtual_system="web", name="one")
    carry_out = host.carry_out

    def fail_half_way(change: changes.Change) -> None:
        if isinstance(change, changes.ApplySnapshot):
            host.systems["web"] = replace(host.systems["web"], state=SystemState.DEFINED, running=None)
            raise HostFailed("the memory cannot be loaded")
        carry_out(change)

    monkeypatch.setattr(host, "carry_out", fail_half_way)
    failed = run("snapshot", _fails=True, virtual_system="web", name="one", state="applied")
    assert failed["msg"] == "the memory cannot be loaded; the virtual system was active and is defined now"
    assert (failed["error_code"], failed["changed"]) == ("host_failed", True)
    assert failed["failed_change"] == {"operation": "apply_snapshot", "target": "one", "changed": True}
    again = run("snapshot", _fails=True, virtual_system="web", name="one", state="applied")
    assert (again["msg"], again["changed"]) == ("the memory cannot be loaded", False)


def test_reading_virtual_systems(run: Run) -> None:
    run("virtual_system", **WEB)
    run("virtual_system", name="db")

    def names(**selectors: Any) -> list[str]:
        result = run("virtual_system_info", **selectors)
        assert not result["changed"]
        return [system["name"] for system in result["virtual_systems"]]

    assert names() == ["db", "web"]
    assert names(name=["web"]) == ["web"]
    assert names(name=["w*", "nosuch"]) == ["web"]
    assert names(name=["nosuch"]) == []
    assert names(state=["defined"]) == ["db"]
    uuid = run("virtual_system_info", name=["db"])["virtual_systems"][0]["uuid"]
    assert names(uuid=[uuid]) == ["db"]
    web = run("virtual_system_info", name=["web"], addresses=True)["virtual_systems"][0]
    assert web["running"]["resources"] == web["resources"]
    assert (web["pending"], web["addresses"]) == ([], {})


def test_reading_pools(run: Run) -> None:

    def names(**selectors: Any) -> list[str]:
        return [pool["pool_id"] for pool in run("resource_pool_info", **selectors)["resource_pools"]]

    assert names() == ["processors", "memory", "lab", "vmpool"]
    assert names(resource_type=["ethernet_adapter"]) == ["lab"]
    assert names(pool_id=["vm*"], members=False) == ["vmpool"]
    assert names(pool_id=["vm*"], resource_type=["ethernet_adapter"]) == []


def test_reading_the_host(run: Run) -> None:
    host = run("host_info")["host"]
    assert host["name"] == "fake"
    assert {"specification": "DSP1042", "name": "System Virtualization"} in host["profiles"]
    assert host["services"]["virtual_system_snapshot_service"] == [
        "create_snapshot",
        "apply_snapshot",
        "destroy_snapshot",
    ]
    assert host["capabilities"]["virtual_system_types"] == ["fake", "other"]
    valid = host["resource_types"]["processor"]["valid_settings"]
    assert valid["virtual_quantity"] == {"default": 1, "minimum": 1, "maximum": 64, "increment": 1}
    assert "reservation" not in valid
    assert "writeback" in host["resource_types"]["disk_drive"]["valid_settings"]["settings.cache"]["allowed"]
    assert host["pool_types"]["disk_drive"]["dir"]["required"] == [["host_resource"]]
    assert [pool["pool_id"] for pool in host["resource_pools"]] == ["processors", "memory", "lab", "vmpool"]
    assert (host["resource_pools"][-1]["members"], host["resource_pools"][-1]["allocations"]) == ([], [])
    assert host["totals"]["disk_drive"] == {
        "pools": 1,
        "capacity": 100 * GIB,
        "reserved": 0,
        "currently_consumed_resource": 0,
    }


def test_reading_what_comes_from_a_pool(run: Run) -> None:
    run("virtual_system", **WEB)
    (pool,) = run("resource_pool_info", pool_id=["vmpool"], allocations=True)["resource_pools"]
    (drawn,) = pool["allocations"]
    assert (drawn["virtual_system"], drawn["resource_type"], drawn["name"]) == ("web", "disk_drive", "root")
    assert run("host_info")["host"]["resource_pools"][-1]["allocations"] == pool["allocations"]
    assert "allocations" not in run("resource_pool_info", pool_id=["vmpool"])["resource_pools"][0]


def test_storage_that_belongs_to_others_stays(run: Run, host: FakeHost) -> None:
    run("virtual_system", **WEB)
    shared = host.systems["web"].defined.resources[2].host_resource
    assert shared is not None
    disk = {
        "resource_type": ResourceType.DISK_DRIVE.word,
        "name": "root",
        "host_resource": list(shared),
        "settings": {"shareable": True},
    }
    run("virtual_system", name="other", resources=[disk])
    result = run("virtual_system", name="web", state="absent", remove_storage=True)
    assert "return_to_storage_pool" not in operations(result)


def test_which_systems_a_folder_hits(run: Run) -> None:
    run("virtual_system", **WEB)
    found = run("resource_dependency_info", resource=["/srv"])
    assert [(each["name"], each["running"]) for each in found["virtual_systems"]] == [("web", True)]
    assert found["virtual_systems"][0]["path"][-2:] == ["/srv/web-root.qcow2", "virtual_system:web"]
    assert found["virtual_systems"][0]["resources"] == ["disk_drive 'root'"]
    assert {each["association"] for each in found["dependencies"]} == {
        "hosted_dependency",
        "element_allocated_from_pool",
        "concrete_component",
    }
    down = run("resource_dependency_info", resource=["web"], direction="antecedents")
    assert "resource_pool:ethernet_adapter/lab" in down["antecedents"]
    assert down["dependents"] == []
    assert [each["id"] for each in down["incomplete"]] == ["/srv"]
    facts = {"mounts": [{"mount": "/", "device": "/dev/sda"}]}
    assert run("resource_dependency_info", resource=["web"], host_facts=facts)["incomplete"] == []
    assert run("resource_dependency_info", resource=["/dev/sda"], host_facts=facts)["virtual_systems"]
    assert run("resource_dependency_info", resource=["nosuch"], _fails=True)["error_code"] == "not_found"
