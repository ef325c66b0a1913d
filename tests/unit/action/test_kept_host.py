# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The items of a loop share a connection to their host, and nothing else does."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible.executor.task_executor import TaskExecutor
from ansible.template import trust_as_template

from ansible_collections.svpc.virt.plugins.module_utils.errors import Unreachable
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Progress
from ansible_collections.svpc.virt.plugins.plugin_utils import in_process, kept_host
from tests.tools.tasks import run_task


class Host(FakeHost):
    """A host that says what becomes of its connection."""

    def __init__(self, log: list[str], uri: str) -> None:
        super().__init__()
        self.log, self.uri = log, uri
        self.fit = True
        log.append(f"open {uri}")

    def virtual_system(self, name: str, uuid: str | None = None) -> VirtualSystem | None:
        self.log.append(f"read {name}")
        if name == "lost":
            raise Unreachable("lost")
        if name == "last":
            self.fit = False
        return super().virtual_system(name, uuid)

    def begin_again(self, progress: Progress) -> bool:
        self.log.append("again" if self.fit else "not again")
        return self.fit

    def close(self) -> None:
        self.log.append(f"close {self.uri}")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What happens to connections, line by line."""
    found: list[str] = []

    def opener(uri: str, _options: Mapping[str, Any], _progress: Progress) -> Host:
        return Host(found, uri)

    monkeypatch.setitem(connect._OPENERS, "fake", opener)
    kept_host.close()
    yield found
    kept_host.close()


def loop(items: list[Any], uri: str = "fake:a", **options: Any) -> dict[str, Any]:
    arguments = {"uri": uri, "name": "{{ item }}", "state": "absent", **options}
    templates = {
        name: trust_as_template(value) if isinstance(value, str) and "{{" in value else value
        for name, value in arguments.items()
    }
    return run_task("svpc.virt.virtual_system", templates, {"loop": items})


def test_a_loop_opens_its_host_once_and_reads_it_for_each_item(log: list[str]) -> None:
    assert not loop(["one", "two", "three"]).get("failed")
    assert log == ["open fake:a", "read one", "again", "read two", "again", "read three"]
    kept_host.close()
    assert log[6:] == ["close fake:a"]


@pytest.mark.parametrize(
    "options",
    [
        {"uri": "{{ 'fake:b' if item == 'two' else 'fake:a' }}"},
        {"timeout": "{{ 5 if item == 'two' else 6 }}"},
        {"username": "{{ item }}"},
        {"password": "{{ item }}"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_other_options_of_the_connection_open_another_one(log: list[str], options: dict[str, str]) -> None:
    loop(["one", "two"], **options)
    assert [line.partition(" ")[0] for line in log] == ["open", "read", "close", "open", "read"]


def test_another_loop_opens_its_own(log: list[str]) -> None:
    loop(["one"])
    loop(["two"])
    assert log == ["open fake:a", "read one", "close fake:a", "open fake:a", "read two"]


def test_a_task_that_is_no_loop_closes_its_host(log: list[str]) -> None:
    run_task("svpc.virt.virtual_system", {"uri": "fake:a", "name": "one", "state": "absent"})
    assert log == ["open fake:a", "read one", "close fake:a"]


def test_a_connection_that_is_not_what_it_was_is_opened_anew(log: list[str]) -> None:
    loop(["last", "next"])
    assert log == ["open fake:a", "read last", "not again", "close fake:a", "open fake:a", "read next"]


def test_an_item_that_fails_leaves_the_others_their_host(log: list[str]) -> None:
    found = loop(["lost", "next"])
    assert [bool(result.get("failed")) for result in found["results"]] == [True, False]
    assert log == ["open fake:a", "read lost", "again", "read next"]


def test_a_connection_that_nobody_has_used_for_long_is_opened_anew(
    log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_host, "_IDLE", 0.0)
    loop(["one", "two"])
    assert log == ["open fake:a", "read one", "close fake:a", "open fake:a", "read two"]


def test_what_was_given_up_is_not_kept(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[in_process._Call] = []
    begin = in_process._Call.__init__

    def noted(call: in_process._Call, *given: Any) -> None:
        begin(call, *given)
        calls.append(call)

    def given_up(_host: Host, name: str, _uuid: str | None = None) -> None:
        calls[-1].abandon()
        log.append(f"given up while reading {name}")

    monkeypatch.setattr(in_process._Call, "__init__", noted)
    monkeypatch.setattr(Host, "virtual_system", given_up)
    loop(["one", "two"])
    assert log == [
        *("open fake:a", "given up while reading one", "close fake:a"),
        *("open fake:a", "given up while reading two", "close fake:a"),
    ]


def test_no_two_processes_have_the_same_connection(log: list[str]) -> None:
    loop(["one"])
    assert log[-1] == "read one"
    child = os.fork()
    if not child:
        os._exit(len(kept_host._kept))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert log[-1] == "close fake:a"


class Told(list[str]):
    """Lines that another process can read."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self.pipe = pipe

    def append(self, line: str) -> None:
        os.write(self.pipe, f"{line}\n".encode())


def test_a_worker_that_ends_has_closed_it(log: list[str]) -> None:
    near, far = os.pipe()
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as context:
        context.setitem(connect._OPENERS, "fake", lambda uri, _options, _progress: Host(Told(far), uri))
        worker = multiprocessing.get_context("fork").Process(target=loop, args=(["one", "two"],))
        worker.start()
        worker.join(60)
    os.close(far)
    with os.fdopen(near) as lines:
        assert lines.read().splitlines() == ["open fake:a", "read one", "again", "read two", "close fake:a"]
    assert worker.exitcode == 0


def test_the_items_share_the_connection_of_ansible_too(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = TaskExecutor._get_connection

    def noted(executor: TaskExecutor, *given: Any) -> Any:
        made.append("connection")
        return make(executor, *given)

    monkeypatch.setattr(TaskExecutor, "_get_connection", noted)
    loop(["one", "two", "three"])
    assert made == ["connection"]
