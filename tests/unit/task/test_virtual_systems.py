# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many systems in one call: the same as one after the other, and what became of each is told."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    HostFailed,
    InvalidInput,
    NotFound,
    Unreachable,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.order import Touched, stages
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.task import virtual_system, virtual_systems
from ansible_collections.svpc.virt.plugins.module_utils.task.module import failure_result
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

MEMORY = {"resource_type": "memory", "virtual_quantity": "128 MiB"}
DISK = {"resource_type": "disk_drive", "name": "root", "pool_id": "images", "virtual_quantity": "1 GiB"}


class Host(FakeHost):
    """A host on which changes of some systems fail, and which remembers who was changed when."""

    def __init__(self, **failing: VirtError) -> None:
        super().__init__()
        images = ResourcePool("images", ResourceType.DISK_DRIVE, "dir", active=True, host_resource=("/srv",))
        self.pools[(ResourceType.DISK_DRIVE, "images")] = images
        self.failing = failing
        self.order: list[tuple[str, str]] = []

    def carry_out(self, change: changes.Change) -> None:
        name = change.system.name if hasattr(change, "system") else ""
        self.order.append((name, change.operation))
        error = self.failing.get(name)
        if error is not None:
            raise type(error)(error.message)
        super().carry_out(change)

    def close(self) -> None:
        """Be there for the next task."""


def run(host: FakeHost, *entries: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
    params = {"virtual_systems": list(entries), **options}
    task = Task(params, check=check, diff=True, open=lambda _options, _progress: host)
    return virtual_systems.manage(task)


def failed(host: FakeHost, *entries: dict[str, Any], **options: Any) -> VirtError:
    with pytest.raises(VirtError) as caught:
        run(host, *entries, **options)
    return caught.value


def entry(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "resources": [MEMORY, DISK], **options}


def test_check_mode_then_the_run_then_the_same_again() -> None:
    host = Host()
    declared = [entry("web", state="active"), entry("db")]
    foretold = run(host, *declared, check=True)
    assert host.order == []
    done = run(host, *declared)
    assert done["changes"] == foretold["changes"]
    assert done["diff"] == foretold["diff"]
    assert [(change["virtual_system"], change["operation"]) for change in done["changes"]] == [
        ("web", "define_system"),
        ("web", "request_state_change"),
        ("db", "define_system"),
    ]
    again = run(host, *declared)
    assert (again["changed"], again["changes"], again["diff"]) == (False, [], [])
    assert [result["virtual_system"] for result in again["results"]] == [
        result["virtual_system"] for result in done["results"]
    ]


def test_options_of_the_task_are_those_of_entries_that_do_not_have_them() -> None:
    host = Host()
    host.ignores_shutdown = {"web", "db"}
    run(host, entry("web"), entry("db"), state="active")
    error = failed(host, entry("web", force_off=False), entry("db"), state="defined", force_off=True)
    assert [result.get("error_code") for result in error.details["results"]] == ["timed_out", None]
    assert str(host.systems["db"].state) == "defined"


def test_a_failure_leaves_the_others_alone_and_all_is_told() -> None:
    host = Host(db=HostFailed("no room"))
    error = failed(host, entry("web", state="active"), entry("db"), entry("app"))
    assert error.message == "1 of 3 virtual systems failed: 'db': no room"
    assert error.code == "host_failed"
    results = {result["name"]: result for result in error.details["results"]}
    assert {name: result["changed"] for name, result in results.items()} == {"web": True, "db": False, "app": True}
    assert results["db"]["error_code"] == "host_failed"
    assert results["db"]["failed_change"] == {"operation": "define_system", "target": "db", "changed": False}
    assert results["app"]["virtual_system"]["state"] == "defined"
    assert error.details["changed"]
    assert [change["virtual_system"] for change in error.details["changes"]] == ["web", "web", "app"]


def test_a_failure_stops_the_others_where_that_is_asked_for() -> None:
    host = Host(db=HostFailed("no room"))
    error = failed(host, entry("web"), entry("db"), entry("app"), stop_on_error=True)
    assert [result.get("skipped", False) for result in error.details["results"]] == [False, False, True]
    assert list(host.systems) == ["web"]


def test_what_is_refused_beforehand_keeps_all_from_being_changed_where_that_is_asked_for() -> None:
    lost = entry("lost", resources=[{**DISK, "pool_id": "nowhere"}])
    host = Host()
    error = failed(host, entry("web"), lost, stop_on_error=True)
    assert isinstance(error, NotFound)
    assert [result.get("skipped", False) for result in error.details["results"]] == [True, False]
    assert host.order == []
    assert not error.details["changed"]
    failed(host, entry("web"), lost)
    assert list(host.systems) == ["web"]


def test_a_host_that_is_gone_is_not_asked_for_every_system() -> None:
    host = Host(web=Unreachable("gone"))
    error = failed(host, *(entry(name) for name in ("web", "db", "app")))
    assert isinstance(error, Unreachable)
    assert [name for name, _operation in host.order] == ["web"]


def test_every_entry_that_is_wrong_is_told_before_anything_is_touched() -> None:
    host = Host()
    error = failed(
        host,
        entry("web"),
        entry("db", resources=[{"resource_type": "memory", "virtual_quantity": "1 GiX"}]),
        entry("web"),
        entry("off", state="defined", wait_for="address"),
    )
    assert isinstance(error, InvalidInput)
    assert len(error.details["entries"]) == 3
    for words in (
        "entry 2 ('db'): resources: entry 1 (memory)",
        "entry 3 ('web'): entry 1 has the same",
        "entry 4 ('off')",
    ):
        assert words in error.message
    assert host.order == []


def test_what_has_to_do_with_each_other_keeps_the_order_of_the_list() -> None:
    host = Host()
    disk = {**DISK, "host_resource": ["/srv/data.img"]}
    run(host, entry("old", resources=[disk]))
    host.order.clear()
    declared = [{"name": "old", "state": "absent"}, entry("new", resources=[disk]), entry("other")]
    result = run(host, *declared)
    assert host.order == [("old", "destroy_system"), ("other", "define_system"), ("new", "define_system")]
    assert [change["virtual_system"] for change in result["changes"]] == ["old", "new", "other"]


def test_a_reference_may_be_another_entry() -> None:
    host = Host()
    declared = [entry("template"), {"name": "copy", "reference": "template"}]
    foretold = run(host, *declared, check=True)
    assert [change["operation"] for change in foretold["changes"]] == ["define_system", "define_system"]
    run(host, *declared)
    quantities = {
        name: [rasd.virtual_quantity for rasd in host.systems[name].defined.resources] for name in host.systems
    }
    assert quantities["copy"] == quantities["template"]
    error = failed(host, {"name": "orphan", "reference": "nobody"}, entry("web"))
    assert error.message == "1 of 2 virtual systems failed: 'orphan': reference: there is no virtual system 'nobody'"
    assert "web" in host.systems


class Slow(Host):
    """A host that takes several changes at a time, and carries out none before so many are asked for."""

    changes_at_once = 3

    def __init__(self) -> None:
        super().__init__()
        self.all_there = threading.Barrier(3)
        self.notes = threading.local()

    def carry_out(self, change: changes.Change) -> None:
        self.all_there.wait(timeout=10)
        super().carry_out(change)
        self.notes.found = [f"{change.operation} of {change.system.name}"]  # type: ignore[union-attr]

    def take_notes(self) -> list[str]:
        found: list[str] = getattr(self.notes, "found", [])
        return found


def test_systems_are_changed_side_by_side_and_their_warnings_kept_apart() -> None:
    host = Slow()
    warnings: list[str] = []
    task = Task(
        {"virtual_systems": [entry(name) for name in ("web", "db", "app")]},
        warn=warnings.append,
        open=lambda _options, _progress: host,
    )
    assert virtual_systems.manage(task)["changed"]
    assert warnings == [f"Virtual system '{name}': define_system of {name}" for name in ("web", "db", "app")]


def test_progress_says_whose_it_is() -> None:
    told: list[str] = []
    host = Host()
    virtual_systems.manage(
        Task({"virtual_systems": [entry("web")]}, progress=told.append, open=lambda _options, _progress: host)
    )
    assert told == ["web: define_system: web"]


NAMES = st.sampled_from(["a", "b", "c", "d"])
UUIDS = ["6a1f3c1e-0000-4000-8000-00000000c0de", "6a1f3c1e-0000-4000-8000-00000000cafe"]
DISKS = st.builds(
    lambda name, path, share: {
        **DISK,
        "name": name,
        **({"host_resource": [path]} if path else {}),
        "settings": {"shareable": share},
    },
    st.sampled_from(["root", "data"]),
    st.sampled_from([None, "/srv/one.img", "/srv/a-root.img"]),
    st.booleans(),
)
ENTRIES = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "state": st.sampled_from(["present", "defined", "active", "paused", "absent"]),
        "resources": st.lists(DISKS, max_size=2, unique_by=lambda disk: disk["name"]),
        "reference": NAMES,
        "uuid": st.sampled_from(UUIDS),
        "remove_storage": st.booleans(),
        "settings": st.fixed_dictionaries({"description": st.sampled_from(["one", "two"])}),
    },
)


def one_after_the_other(host: FakeHost, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What module virtual_system returns for each entry."""
    found = []
    for params in entries:
        try:
            found.append(virtual_system.manage(Task(params, open=lambda _options, _progress: host)))
        except VirtError as error:
            found.append({"failed": True, **failure_result(error)})
    return found


def comparable(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results without what the order in which systems are made decides: chosen UUIDs."""
    shown = []
    for result in results:
        system = result.get("virtual_system")
        kept = {name: value for name, value in result.items() if name != "name"}
        shown.append({**kept, "virtual_system": {**system, "uuid": None} if system else None})
    return shown


def test_a_uuid_goes_from_one_entry_to_the_next() -> None:
    host, uuid = Host(), UUIDS[0]
    run(host, entry("old", uuid=uuid))
    declared = [entry("old", state="absent", remove_storage=True), entry("heir", uuid=uuid)]
    foretold = run(host, *declared, stop_on_error=True, check=True)
    done = run(host, *declared, stop_on_error=True)
    assert done["changes"] == foretold["changes"]
    assert [change["operation"] for change in done["changes"]] == [
        "destroy_system",
        "return_to_storage_pool",
        "define_system",
    ]
    assert {name: system.uuid for name, system in host.systems.items()} == {"heir": uuid}


def test_a_uuid_that_is_given_up_later_or_in_vain_is_told_to_be_taken() -> None:
    host, uuid = Host(old=HostFailed("busy")), UUIDS[0]
    host.failing, failing = {}, host.failing
    run(host, entry("old", uuid=uuid))
    host.failing = failing
    gone, heir = entry("old", state="absent"), entry("heir", uuid=uuid)
    for entries, codes in (((gone, heir), ["host_failed", "conflict"]), ((heir, gone), ["conflict", "host_failed"])):
        error = failed(host, *entries)
        assert [result["error_code"] for result in error.details["results"]] == codes
        assert f"UUID {uuid} belongs to virtual system 'old'" in error.message
    assert list(host.systems) == ["old"]


def sharing(name: str, share: bool, **options: Any) -> dict[str, Any]:
    return {"name": name, "resources": [{**DISK, **options, "settings": {"shareable": share}}]}


ONE: dict[str, Any] = {"host_resource": ["/srv/one.img"]}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(True, False, [[0], [1]]), (False, True, [[0], [1]]), (True, True, [[0, 1]])],
    ids=["no longer shared", "shared from now on", "as before"],
)
def test_who_shares_storage_anew_comes_before_those_who_share_it(
    monkeypatch: pytest.MonkeyPatch, before: bool, after: bool, expected: list[list[int]]
) -> None:
    """Whoever comes after it in the list finds it so, as one after the other."""
    host, found = Host(), []
    run(host, sharing("a", before, **ONE))

    def noted(touched: Sequence[Touched]) -> list[list[int]]:
        found.extend(stages(touched))
        return found

    monkeypatch.setattr(virtual_systems, "stages", noted)
    with contextlib.suppress(VirtError):
        run(host, sharing("a", after), sharing("b", True, **ONE))
    assert found == expected


@given(
    st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry["name"]),
    st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry["name"]),
)
def test_all_at_once_is_the_same_as_one_after_the_other(
    before: list[dict[str, Any]], entries: list[dict[str, Any]]
) -> None:
    alone, together = Host(), Host()
    together.changes_at_once = 2
    for host in (alone, together):
        one_after_the_other(host, before)
    expected = one_after_the_other(alone, entries)
    try:
        found = run(together, *entries)["results"]
    except VirtError as error:
        found = error.details["results"]
    for result in (*expected, *found):
        result.pop("diff", None)
    assert comparable(found) == comparable(expected)
    assert sorted(together.systems) == sorted(alone.systems)
    assert together.volumes == alone.volumes
