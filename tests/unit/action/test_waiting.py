# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that takes long: it tells what it does, and it can be given up."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.svpc.virt.plugins.module_utils.errors import Unreachable
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.task import progress
from ansible_collections.svpc.virt.plugins.module_utils.task.progress import PATIENCE, Teller
from ansible_collections.svpc.virt.plugins.plugin_utils import errand
from tests.tools.tasks import run_task

NEW = {"uri": "fake:host", "name": "new", "state": "active"}
STEPS = ["define_system: new", "request_state_change: new"]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


def test_who_asked_for_details_sees_every_step_once(clock: Clock) -> None:
    shown: list[str] = []
    teller = Teller(shown.append, eager=True)
    for text in ("define", "start", "start", "5 seconds left", "4 seconds left"):
        clock.now += 1
        teller.tell(text)
        teller.remind()
    assert shown == ["define", "start", "5 seconds left"]
    clock.now += PATIENCE
    teller.tell("3 seconds left")
    assert shown[3:] == ["3 seconds left"]


def test_others_see_what_lasts(clock: Clock) -> None:
    shown: list[str] = []
    teller = Teller(shown.append)
    teller.remind()
    teller.tell("define")
    clock.now += PATIENCE / 2
    teller.tell("start")
    teller.remind()
    assert shown == []
    clock.now += PATIENCE / 2
    teller.remind()
    assert shown == ["start"]
    teller.tell("wait")
    assert shown == ["start"]
    clock.now += PATIENCE
    teller.remind()
    assert shown == ["start", "wait"]


class SlowHost(FakeHost):
    """A host that does not answer to a start before it is given up."""

    limit = 0
    """Seconds after which the time limit of the task has passed, counted from the request for the start; 0: never."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.given_up = threading.Event()
        self.ended = threading.Event()

    def request_state_change(self, change: changes.RequestStateChange) -> None:
        self.begun.set()
        signal.alarm(self.limit)
        try:
            self.given_up.wait(30)
            raise Unreachable("given up")
        finally:
            self.ended.set()

    def abandon(self) -> None:
        self.given_up.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowHost:
    host = SlowHost()
    monkeypatch.setitem(connect._OPENERS, "fake", lambda _uri, _options, _progress: host)
    return host


def test_a_task_that_takes_too_long_is_ended_and_its_connection_cut(slow: SlowHost) -> None:
    slow.limit = 1
    began = time.monotonic()
    result = run_task("svpc.virt.virtual_system", NEW, {"timeout": 60})
    assert time.monotonic() - began < 25
    assert result["failed"]
    assert result["timedout"]["period"] == 60
    assert "Timed out after 60 second(s)." in result["msg"]
    assert slow.ended.wait(25)


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[str]:
    """The URI of a libvirt daemon that takes connections and never answers."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        yield f"qemu+unix:///system?socket={path}"


def test_a_call_into_the_library_that_never_returns_is_given_up_as_well(deaf: str) -> None:
    began = time.monotonic()
    result = run_task("svpc.virt.host_info", {"uri": deaf}, {"timeout": 1})
    assert time.monotonic() - began < 10
    assert result["timedout"]["period"] == 1


def test_the_time_limit_of_a_call_is_kept(deaf: str) -> None:
    result = run_task("svpc.virt.host_info", {"uri": deaf, "timeout": 1})
    assert result["error_code"] == "unreachable"
    assert "the host does not answer within 1 seconds" in result["msg"]


def test_a_step_that_lasts_is_told_without_being_asked_for(
    slow: SlowHost, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, bool]] = []

    def display(_display: Display, text: str, stderr: bool = False, **_how: Any) -> None:
        shown.append((text, stderr))
        slow.abandon()

    monkeypatch.setattr(Display, "display", display)
    monkeypatch.setattr(errand, "_LOOK_UP", 0.01)

    def later() -> None:
        slow.begun.wait(30)
        while not slow.given_up.wait(0.01):  # the step may be told after it has begun
            clock.now += PATIENCE

    threading.Thread(target=later, daemon=True).start()
    result = run_task("svpc.virt.virtual_system", NEW)
    assert result["error_code"] == "unreachable"
    assert set(shown) == {("svpc.virt.virtual_system on here: request_state_change: new", True)}


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    found = FakeHost()
    monkeypatch.setitem(connect._OPENERS, "fake", lambda _uri, _options, _progress: found)
    return found


@pytest.mark.parametrize("verbosity", [0, 1])
@pytest.mark.parametrize("hidden", [False, True])
def test_steps_are_shown_on_demand_and_change_nothing_in_the_result(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, verbosity: int, hidden: bool
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Display(), "verbosity", verbosity)
    monkeypatch.setattr(Display, "v", lambda _display, text, host=None: shown.append(text))
    result = run_task("svpc.virt.virtual_system", NEW, {"no_log": hidden})
    assert result["changed"]
    expected = [f"svpc.virt.virtual_system: {step}" for step in STEPS] if verbosity and not hidden else []
    assert [text for text in shown if text.startswith("svpc.virt")] == expected
    assert not any(step in str(result) for step in STEPS)


def test_a_secret_shows_in_no_step(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Display(), "verbosity", 1)
    monkeypatch.setattr(Display, "v", lambda _display, text, host=None: shown.append(text))
    run_task("svpc.virt.virtual_system", {**NEW, "name": "swordfish", "password": "swordfish"})
    assert len(shown) >= len(STEPS)
    assert not [text for text in shown if "swordfish" in text]
