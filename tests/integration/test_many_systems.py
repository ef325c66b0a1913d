# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many systems in one call on a real host: side by side, and what becomes of them when something goes wrong."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import definitions, shared, watchdog
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host import LibvirtHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.task import virtual_systems
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from tests.laboratory import Host, Laboratory
from tests.tools.libvirt_calls import counted

from .test_plays import sweep

pytestmark = pytest.mark.libvirt

POOL = "many"
TASK = """
import json, sys, threading
from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host import LibvirtHost
from ansible_collections.svpc.virt.plugins.module_utils.task.module import failure_result
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_systems import manage
params = json.loads(sys.stdin.readline())
carry_out, allowed = LibvirtHost.carry_out, threading.Semaphore(int(sys.argv[1]))
def carry_out_if_allowed(platform, change):
    allowed.acquire()
    carry_out(platform, change)
    print("done\\n", end="", flush=True)
def allow_all_at_the_end_of_input():
    sys.stdin.read()
    allowed.release(10**6)
LibvirtHost.carry_out = carry_out_if_allowed
threading.Thread(target=allow_all_at_the_end_of_input, daemon=True).start()
try:
    print(json.dumps(manage(Task(params))))
except VirtError as error:
    print(json.dumps({"failed": True, **failure_result(error)}))
"""
"""The task of the module in a process of its own, which can be killed.

As long as its input is open, it makes so many changes and no more: whoever wants to be there before it has finished is.
It tells each change that it knows to be made.
"""


@pytest.fixture(scope="module")
def only_host() -> Iterator[Host]:
    """A host for this file."""
    with Laboratory() as laboratory:
        yield laboratory.start(f"many-{os.getpid()}")


@pytest.fixture
def host(only_host: Host, tmp_path: Path) -> Iterator[Host]:
    """The host with an active storage pool, empty before and after each test."""
    folder = only_host.images / tmp_path.name
    folder.mkdir()
    with connected(only_host) as connection:
        xml = f"<pool type='dir'><name>{POOL}</name><target><path>{folder}</path></target></pool>"
        connection.storagePoolDefineXML(xml).create()
    yield only_host
    sweep(only_host)


@contextlib.contextmanager
def connected(host: Host) -> Iterator[Any]:
    """libvirt itself."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open(host.uri)
    try:
        yield connection
    finally:
        connection.close()


def entry(name: str, **options: Any) -> dict[str, Any]:
    resources = [
        {"resource_type": "memory", "virtual_quantity": "32 MiB"},
        {"resource_type": "disk_drive", "name": "root", "pool_id": POOL, "virtual_quantity": "1 MiB"},
    ]
    return {"name": name, "resources": resources, **options}


def many(count: int) -> list[dict[str, Any]]:
    return [entry(f"system{number:02}") for number in range(count)]


def started(host: Host, entries: list[dict[str, Any]], stops_after: int = 1000) -> subprocess.Popen[str]:
    """The task under way in a process of its own, which stops after so many changes until its end is waited for."""
    environment = {**os.environ, "PYTHONPATH": "collections"}
    command = [sys.executable, "-c", TASK, str(stops_after)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdin is not None
    print(json.dumps({"uri": host.uri, "virtual_systems": entries}), file=process.stdin, flush=True)
    return process


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the task returned."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    output = process.stdout.read()
    assert process.wait(timeout=240) == 0
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def wait_for_changes(process: subprocess.Popen[str], number: int) -> None:
    """Wait until the task knows of so many changes."""
    assert process.stdout is not None
    assert [process.stdout.readline() for _change in range(number)] == ["done\n"] * number


def run(host: Host, *entries: dict[str, Any], **options: Any) -> dict[str, Any]:
    return virtual_systems.manage(Task({"uri": host.uri, "virtual_systems": list(entries), **options}))


def systems_and_volumes(host: Host) -> tuple[set[str], set[str]]:
    with connected(host) as connection:
        pool = connection.storagePoolLookupByName(POOL)
        pool.refresh()
        return {domain.name() for domain in connection.listAllDomains()}, set(pool.listVolumes())


def assert_settled(host: Host, entries: list[dict[str, Any]]) -> None:
    """The next run brings it to what is declared, the one after that changes nothing, and there is nothing else."""
    run(host, *entries)
    assert not run(host, *entries)["changed"]
    names = {entry["name"] for entry in entries}
    assert systems_and_volumes(host) == (names, {f"{name}-root.qcow2" for name in names})


def count(host: Host) -> int:
    with connected(host) as connection:
        return len(connection.listAllDomains())


def test_a_task_that_is_killed_in_the_middle_is_finished_by_the_next(host: Host) -> None:
    entries = many(40)
    with started(host, entries, stops_after=20) as process:
        wait_for_changes(process, 5)
        process.kill()
    assert 5 <= count(host) < len(entries)
    assert_settled(host, entries)


def test_a_daemon_that_goes_away_in_the_middle_is_told_with_what_was_changed(host: Host) -> None:
    entries = many(150)
    with started(host, entries, stops_after=75) as process:
        wait_for_changes(process, 5)
        host.stop_daemon()
        try:
            result = ended(process)
        finally:
            host.start_daemon()
    assert result["failed"]
    assert result["error_code"] == "unreachable"
    assert "virtual systems failed: " in result["msg"]
    assert result["changed"]
    assert len(result["changes"]) >= 5
    assert len(result["results"]) == len(entries)
    assert any(one.get("skipped") for one in result["results"])
    with connected(host) as connection:
        pool = connection.storagePoolLookupByName(POOL)
        if not pool.isActive():
            pool.create()
    assert_settled(host, entries)


def test_two_runs_at_the_same_time_end_as_declared(host: Host) -> None:
    entries = many(20)
    processes = [started(host, entries), started(host, entries)]
    for process in processes:
        result = ended(process)
        codes = {one["error_code"] for one in result["results"] if one.get("failed")}
        assert codes <= {"conflict"}, result["msg"]
    assert_settled(host, entries)


def test_guests_that_do_not_listen_are_waited_for_side_by_side(host: Host) -> None:
    entries = [entry(f"deaf{number}", state="active") for number in range(5)]
    run(host, *entries)
    begun = time.monotonic()
    result = run(
        host, *({"name": one["name"]} for one in entries), state="defined", shutdown_timeout=10, force_off=True
    )
    assert time.monotonic() - begun < 5 * 10 * 0.7
    assert [one["virtual_system"]["state"] for one in result["results"]] == ["defined"] * 5


def test_storage_goes_from_one_entry_to_the_next(host: Host) -> None:
    run(host, entry("old"))
    volume = systems_and_volumes(host)[1].pop()
    heir = {"name": "heir", "resources": [{"resource_type": "disk_drive", "pool_id": POOL, "host_resource": [volume]}]}
    result = run(host, {"name": "old", "state": "absent"}, heir)
    assert [change["operation"] for change in result["changes"]] == ["destroy_system", "define_system"]
    with pytest.raises(Conflict, match="is used by virtual system 'heir'"):
        run(host, {**heir, "name": "rival"})


def test_storage_goes_to_a_disk_that_had_other(host: Host) -> None:
    def with_disk(name: str, volume: str, **more: str) -> dict[str, Any]:
        disk = {"resource_type": "disk_drive", "name": "root", "host_resource": [volume], **more}
        return {"name": name, "resources": [disk]}

    def operations(*entries: dict[str, Any]) -> list[str]:
        return [change["operation"] for change in run(host, *entries)["changes"]]

    run(host, entry("old"), entry("heir"))
    volumes = {"old-root.qcow2", "heir-root.qcow2"}
    with pytest.raises(Conflict, match="2 of 2 virtual systems failed"):
        run(host, with_disk("old", "heir-root.qcow2"), with_disk("heir", "old-root.qcow2"))
    assert operations({"name": "old", "state": "absent"}, with_disk("heir", "old-root.qcow2")) == [
        "destroy_system",
        "modify_resource_settings",
    ]
    # What a disk gives up is free for the entries after it.
    assert operations(with_disk("heir", "heir-root.qcow2"), with_disk("new", "old-root.qcow2", pool_id=POOL)) == [
        "modify_resource_settings",
        "define_system",
    ]
    assert systems_and_volumes(host) == ({"heir", "new"}, volumes)


def test_a_uuid_goes_from_one_entry_to_the_next(host: Host) -> None:
    uuid = "6a1f3c1e-0000-4000-8000-00000000c0de"
    run(host, entry("old", uuid=uuid.upper()))
    result = run(host, {"name": "old", "state": "absent", "remove_storage": True}, entry("heir", uuid=uuid.upper()))
    assert [one["virtual_system"] and one["virtual_system"]["uuid"] for one in result["results"]] == [None, uuid]
    assert systems_and_volumes(host) == ({"heir"}, {"heir-root.qcow2"})


def test_two_entries_do_not_get_the_same_disk(host: Host) -> None:
    """One makes the volume, the other one finds it taken."""
    own = {"resource_type": "disk_drive", "pool_id": POOL, "host_resource": ["one.qcow2"], "virtual_quantity": "1 MiB"}
    rivals = [{"name": name, "resources": [own]} for name in ("first", "second")]
    with pytest.raises(VirtError) as caught:
        run(host, *rivals)
    assert [one.get("error_code") for one in caught.value.details["results"]] == [None, "conflict"]
    assert systems_and_volumes(host) == ({"first"}, {"one.qcow2"})


def test_all_go_with_their_storage(host: Host) -> None:
    entries = many(12)
    run(host, *entries)
    absent = [{"name": one["name"], "state": "absent", "remove_storage": True} for one in entries]
    result = run(host, *absent)
    assert [change["operation"] for change in result["changes"]] == ["destroy_system", "return_to_storage_pool"] * 12
    assert systems_and_volumes(host) == (set(), set())
    assert not run(host, *absent)["changed"]


def test_the_whole_host_is_read_once_for_all(host: Host) -> None:
    """Who uses which storage: asked for each volume that is taken or given back, read for all of them."""
    entries = many(10)
    run(host, *entries)
    with contextlib.closing(open_platform({"uri": host.uri})) as platform, platform.together():
        systems = platform.virtual_systems()
        platform.storage_of(systems[0])
        session = platform.session  # type: ignore[attr-defined]
        asked: list[str] = []
        listing = session.connection.listAllDomains

        def list_all(flags: int) -> Any:
            asked.append("all")
            return listing(flags)

        session.connection.listAllDomains = list_all
        for system in systems[1:]:
            assert [element.kept_because for element in platform.storage_of(system)] == [None]
        assert asked == []


def calls_for_each(host: Host, monkeypatch: pytest.MonkeyPatch, prepare: Any, declare: Any) -> dict[str, float]:
    """What libvirt is asked for by each more system in one call, which ``declare`` makes after ``prepare``."""
    # What is used for some time only is asked for as often as it takes long.
    monkeypatch.setattr(shared, "KEPT", 600.0)
    monkeypatch.setattr(watchdog, "JUST_NOW", 600.0)
    few, more = 16, 48
    found = []
    for systems in (few, more):
        prepare(systems)
        with counted() as calls:
            assert declare(systems)["changed"]
        found.append(calls)
        sweep_systems(host)
    before, after = found
    after.subtract(before)
    return {name: round(calls / (more - few), 1) for name, calls in after.items() if calls}


def sweep_systems(host: Host) -> None:
    """Remove all systems with their storage."""
    names = sorted(systems_and_volumes(host)[0])
    run(host, *({"name": name, "state": "absent", "remove_storage": True} for name in names))


READ_AGAIN = {"virDomain.XMLDesc": 1.0, "virConnect.domainListGetStats": 0.1}
"""Once for each system, and once for 16 together."""


def test_each_more_system_that_is_defined_asks_little(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_disks(systems: int) -> None:
        run(host, *many(systems))
        run(host, *({"name": one["name"], "state": "absent"} for one in many(systems)))

    for_each = calls_for_each(host, monkeypatch, with_disks, lambda systems: run(host, *many(systems)))
    assert for_each == {
        **READ_AGAIN,
        # Before anything is done; when the system is defined, that has been seen of late:
        "virStoragePool.storageVolLookupByName": 1.0,
        "virStorageVol.XMLDesc": 1.0,
        "virConnect.lookupByName": 1.0,
        "virConnect.defineXMLFlags": 1.0,
    }


def test_what_a_volume_is_like_is_looked_at_again_before_long(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between judging a disk and giving it to its system."""
    moment = 1000.0
    monkeypatch.setattr(shared, "time", SimpleNamespace(monotonic=lambda: moment))
    systems = [entry("first"), entry("second")]
    run(host, *systems)
    run(host, *({"name": name, "state": "absent"} for name in ("first", "second")))
    folder = folder_of_pool(host)
    define, looked = definitions.define_system, []
    # Whoever misses a volume looks at the whole pool again: another one that misses its own after that makes a new one.
    one_by_one = threading.Lock()

    def late(session: Session, change: changes.DefineSystem) -> None:
        nonlocal moment
        with one_by_one:
            Path(folder, f"{change.system.name}-root.qcow2").unlink()
            looked.append(change.system.name)
            moment += shared.KEPT + 0.5
            define(session, change)

    monkeypatch.setattr(definitions, "define_system", late)
    with pytest.raises(VirtError) as error:
        run(host, *systems)
    assert sorted(looked) == ["first", "second"]
    assert [(one["failed"], one["error_code"]) for one in error.value.details["results"]] == [(True, "not_found")] * 2
    assert systems_and_volumes(host)[0] == set()


def test_each_more_system_that_is_changed_asks_little(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def described(systems: int) -> dict[str, Any]:
        return run(host, *({**one, "settings": {"description": "another"}} for one in many(systems)))

    for_each = calls_for_each(host, monkeypatch, lambda systems: run(host, *many(systems)), described)
    assert for_each == {
        # Read before it is planned, before it is edited, before it is replaced, and afterwards:
        "virDomain.XMLDesc": 4.0,
        "virConnect.domainListGetStats": 0.1,
        "virConnect.lookupByName": 1.0,
        "virDomain.isPersistent": 1.0,
        "virConnect.defineXMLFlags": 1.0,
        "virDomain.isActive": 1.0,
    }


def test_who_uses_which_storage_is_read_again_before_long(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others do is seen; what the task itself has just defined counts as it was defined, for as long as a reading."""
    moment = 1000.0
    monkeypatch.setattr(shared, "time", SimpleNamespace(monotonic=lambda: moment))
    run(host, entry("mine"))
    volume = f"{folder_of_pool(host)}/mine-root.qcow2"
    with contextlib.closing(open_platform({"uri": host.uri})) as platform, platform.together():
        assert isinstance(platform, LibvirtHost)
        readings = platform.session.shared
        assert readings is not None
        assert readings.users().of(volume) == {"mine"}
        run(host, entry("stranger"))
        moment += shared.KEPT - 0.5
        readings.defined("mine", {"/elsewhere"})
        assert readings.users().systems == {"mine"}
        moment += 1.0
        assert readings.users().systems == {"mine", "stranger"}
        assert readings.users().of("/elsewhere") == {"mine"}
        moment += shared.KEPT + 0.5
        assert readings.users().of("/elsewhere") == set()
        assert readings.users().of(volume) == {"mine"}
        readings.defined("mine", {"/elsewhere"})
        readings.changed("mine", storage=False)
        assert readings.users().of(volume) == {"mine"}


def folder_of_pool(host: Host) -> str:
    """The folder of the pool."""
    with connected(host) as connection:
        text = connection.storagePoolLookupByName(POOL).XMLDesc()
    return text.partition("<path>")[2].partition("</path>")[0]
