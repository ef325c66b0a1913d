# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of guests come from the first source that knows some, and no guest holds up the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    HostFailed,
    NotFound,
    NotSupported,
    TimedOut,
    Unreachable,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.together import AT_ONCE
from ansible_collections.svpc.virt.plugins.module_utils.task.addresses import addresses_of, addresses_of_all
from ansible_collections.svpc.virt.plugins.module_utils.task.info import virtual_system_info
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

MAC = "52:54:00:ab:cd:ef"
CONFIGURATION = Configuration({}, (Rasd(ResourceType.ETHERNET_ADAPTER, address=MAC),))
Answer = Mapping[str, list[str]] | Exception


def running(name: str) -> VirtualSystem:
    return VirtualSystem(name, name, SystemState.ACTIVE, CONFIGURATION, CONFIGURATION)


WEB = running("web")


class Host(FakeHost):
    """A host whose guests answer the same, by source."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__()
        self.answers = answers

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        answer = self.answers.get(source, {})
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_addresses_come_by_mac_from_the_first_source_that_knows_some() -> None:
    host = Host({"lease": {}, "agent": {MAC.upper(): ["127.0.0.1", "fe80::1", "10.0.0.5"], "00:00": ["1.1.1.1"]}})
    assert addresses_of(host, WEB) == {MAC: ["10.0.0.5"]}


def test_only_addresses_that_reach_the_guest_count() -> None:
    host = Host({"agent": {MAC: ["fe80::1%eth0", "127.0.0.1"]}, "arp": {MAC: ["2001:db8::5"]}})
    assert addresses_of(host, WEB) == {MAC: ["2001:db8::5"]}


def test_a_source_that_the_host_does_not_have_is_no_failure_unless_there_is_none() -> None:
    refusal = NotSupported("no such source")
    assert addresses_of(Host({"lease": refusal, "agent": {MAC: ["10.0.0.5"]}}), WEB)
    with pytest.raises(NotSupported):
        addresses_of(Host(dict.fromkeys(("lease", "agent", "arp"), refusal)), WEB)


class Silent(FakeHost):
    """A host with many guests, some of whose agents answer only after a while."""

    def __init__(self, silent: int, talking: int, seconds: float) -> None:
        super().__init__()
        names = [f"silent-{number}" for number in range(silent)] + [f"web-{number}" for number in range(talking)]
        self.systems = {name: running(name) for name in names}
        self.seconds = seconds

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        if source != "agent":
            return {}
        if system.name.startswith("silent"):
            time.sleep(self.seconds)
            return {}
        return {MAC: ["192.0.2.1"]}


def test_silent_guests_are_asked_side_by_side() -> None:
    meeting = threading.Barrier(AT_ONCE, timeout=20)

    class Meeting(Silent):
        def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
            if source == "agent":
                meeting.wait()
            return {}

    host = Meeting(AT_ONCE, 0, 0)
    assert addresses_of_all(host, list(host.systems.values())) == ({}, {})


def test_guests_that_are_silent_together_have_one_limit() -> None:
    host = Silent(20 * AT_ONCE, 1, 0.5)
    started = time.monotonic()
    found, failed = addresses_of_all(host, list(host.systems.values()), ["agent"], within=0.5)
    assert time.monotonic() - started < 0.8 * 20 * 0.5
    assert found == {}
    assert isinstance(failed["web-0"], TimedOut)
    assert "others did not answer within 0.5 s" in failed["web-0"].message


def test_both_readers_of_addresses_ask_like_that() -> None:
    host = Silent(AT_ONCE, 3, 1)
    told: list[str] = []
    task = Task({"addresses": True}, open=lambda _params, _progress: host, warn=told.append)
    started = time.monotonic()
    shown = {each["name"]: each["addresses"] for each in virtual_system_info(task)["virtual_systems"]}
    assert time.monotonic() - started < AT_ONCE
    assert shown["web-2"] == {MAC: ["192.0.2.1"]}
    assert shown["silent-0"] == {}
    assert told == []


class Answering(FakeHost):
    """A host that answers by name of the system."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__()
        self.answers = answers

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        answer = self.answers[system.name]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_what_befalls_one_system_is_told_of_it_alone() -> None:
    failure = HostFailed("it stumbled")
    answers: dict[str, Any] = {"web": {MAC: ["192.0.2.1"]}, "gone": NotFound("gone"), "odd": failure}
    found, failed = addresses_of_all(Answering(answers), [running(name) for name in answers])
    assert found == {"web": {MAC: ["192.0.2.1"]}}
    assert failed == {"odd": failure}


def test_a_host_that_does_not_answer_is_no_matter_of_one_system() -> None:
    answers: dict[str, Any] = {"web": {MAC: ["192.0.2.1"]}, "db": Unreachable("lost")}
    with pytest.raises(Unreachable):
        addresses_of_all(Answering(answers), [running(name) for name in answers])
