# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loop over a libvirt host: one connection, fresh readings, and a daemon that comes and goes between its items."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import host as libvirt_host
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import watchdog
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session, open_session
from ansible_collections.svpc.virt.plugins.modules.virtual_system import WORK
from ansible_collections.svpc.virt.plugins.plugin_utils import in_process, kept_host
from tests.laboratory import Host
from tests.tools.libvirt_calls import counted

pytestmark = pytest.mark.libvirt

Between = Callable[[], None]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The URI of each connection that tasks open; at the end none is left."""
    found: list[str] = []

    def opener(uri: str, *given: Any, **named: Any) -> Session:
        found.append(uri)
        return open_session(uri, *given, **named)

    monkeypatch.setattr(libvirt_host, "open_session", opener)
    monkeypatch.setattr(kept_host, "_IDLE", 600.0)  # however long the daemon takes to come back between two items
    kept_host.close()
    yield found
    kept_host.close()


@pytest.fixture
def asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item asks once whether the host is still there, however long it takes: it would ask again now and then."""
    monkeypatch.setattr(watchdog, "JUST_NOW", 600.0)


def item(uri: str, name: str, **options: Any) -> dict[str, Any]:
    """What the action of virtual_system makes of one item of a loop."""
    call = in_process._Call(WORK, json.dumps({"ANSIBLE_MODULE_ARGS": {"uri": uri, "name": name, **options}}), "loop")
    call.run(lambda _text: None)
    found: dict[str, Any] = json.loads(call.printed)
    return found


def loop(host: Host, names: list[str], between: Between = lambda: None) -> list[dict[str, Any]]:
    """The results of a loop over ``names``; ``between`` is called after each item."""
    found = []
    for name in names:
        found.append(item(host.uri, name, resources=[{"resource_type": "memory", "virtual_quantity": "64 MiB"}]))
        between()
    return found


def test_one_connection_and_a_reading_for_each_item(host, platform, connection, opened):
    results = loop(host, ["web", "web", "db"])
    assert [result["changed"] for result in results] == [True, False, True]
    assert opened == [host.uri]


QUESTIONS = {
    "virConnect.lookupByName": 1,  # which tells whether the host is still there as well
    "virDomain.autostart": 1,
    "virDomain.snapshotNum": 1,
    "virDomain.listAllCheckpoints": 1,
    "virConnect.domainListGetStats": 1,
    "virDomain.XMLDesc": 1,
}
"""What is asked of a host for an item with nothing to do."""


def test_an_item_with_nothing_to_do_asks_little(host, platform, connection, opened, asked_once):
    loop(host, ["web", "web"])
    with counted() as calls:
        loop(host, ["web"])
    # What is not persistent does not stay when it is off, and what runs has not been saved.
    assert calls == {**QUESTIONS, "virDomain.hasManagedSaveImage": 1}
    with counted() as calls:
        assert item(host.uri, "web", state="active")["changed"]
        calls.clear()
        loop(host, ["web"])
    assert calls == {**QUESTIONS, "virDomain.isPersistent": 1, "virDomain.XMLDesc": 2}
    assert opened == [host.uri]


def test_a_disk_costs_a_look_at_the_pools_which_is_a_new_one_for_each_item(
    host, platform, connection, pool, opened, asked_once
):
    disk = {"resource_type": "disk_drive", "name": "root", "pool_id": pool, "virtual_quantity": "1 MiB"}
    memory = {"resource_type": "memory", "virtual_quantity": "64 MiB"}
    assert item(host.uri, "web", resources=[memory, disk])["changed"]

    def settle() -> dict[str, Any]:
        result = item(host.uri, "web", resources=[memory, {"resource_type": "disk_drive", "name": "root"}])
        (found,) = [entry for entry in result["virtual_system"]["resources"] if entry["name"] == "root"]
        assert not result["changed"]
        return dict(found)

    assert settle()["pool_id"] == pool
    with counted() as calls:
        settle()
    of_pools = {"virConnect.listAllStoragePools": 1, "virStoragePool.XMLDesc": len(connection.listAllStoragePools(0))}
    assert calls == {**QUESTIONS, "virDomain.hasManagedSaveImage": 1, **of_pools}
    handle = connection.storagePoolLookupByName(pool)
    document = handle.XMLDesc(0)
    handle.destroy()
    try:
        assert settle()["pool_id"] == pool  # whether it is active or not
        handle.undefine()
        assert settle()["pool_id"] is None
    finally:
        connection.storagePoolDefineXML(document).create()
    assert settle()["pool_id"] == pool
    assert opened == [host.uri]


def test_what_somebody_else_does_between_two_items_is_seen(host, platform, connection, opened):
    results = loop(host, ["web", "web"], lambda: connection.lookupByName("web").undefine())
    assert [result["changed"] for result in results] == [True, True]
    assert opened == [host.uri]


def test_a_daemon_that_is_restarted_between_two_items(host, platform, opened):
    results = loop(host, ["web", "web", "db"], host.restart_daemon)
    assert [result["changed"] for result in results] == [True, False, True]
    assert opened == [host.uri]


def test_a_daemon_that_is_gone_by_the_second_item(host, platform, opened):
    try:
        first, second = loop(host, ["web", "web"], host.stop_daemon)
    finally:
        host.start_daemon()
    assert first["changed"]
    assert second["failed"]
    assert second["error_code"] == "unreachable"
    assert second["msg"].startswith(f"Cannot connect to {host.uri}: ")


DOMAIN = "<domain type='test'><name>test</name><memory>1024</memory><os><type>hvm</type></os></domain>"


def test_a_connection_that_stays_in_this_process_is_not_kept(opened, tmp_path):
    """A host of the test driver is made anew for each connection, as it is for modules that are sent."""
    description = tmp_path / "host.xml"
    description.write_text(f"<node>{DOMAIN}</node>", encoding="utf-8")
    uri = f"test://{description}"
    found = [item(uri, "test", state="absent", force_off=True) for _number in range(2)]
    assert [result["changed"] for result in found] == [True, True]
    assert opened == [uri, uri]
