# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest is waited for with patience that has an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, TimedOut, Unreachable
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.task import waiting

MAC = "52:54:00:ab:cd:ef"
OTHER_MAC = "52:54:00:ab:cd:00"
CONFIGURATION = Configuration(
    {"guest_agent": True},
    (
        Rasd(ResourceType.ETHERNET_ADAPTER, address=MAC),
        Rasd(ResourceType.ETHERNET_ADAPTER, address=OTHER_MAC),
    ),
)
WEB = VirtualSystem("web", state=SystemState.ACTIVE, defined=CONFIGURATION, running=CONFIGURATION)


class FastClock(waiting.Clock):
    """Time that passes when somebody sleeps."""

    pauses: list[float] = []  # noqa: RUF012

    @staticmethod
    def now() -> float:
        return sum(FastClock.pauses)

    @staticmethod
    def sleep(seconds: float) -> None:
        FastClock.pauses.append(seconds)


@pytest.fixture(autouse=True)
def _fresh_clock() -> None:
    FastClock.pauses = []


class Host(FakeHost):
    """A host whose guest answers after some questions."""

    def __init__(
        self, after: int = 0, answers: Mapping[str, Mapping[str, list[str]] | Exception] | None = None
    ) -> None:
        super().__init__()
        self.systems["web"] = WEB
        self.after = after
        self.answers = answers or {"lease": {MAC.upper(): ["10.0.0.5"]}}

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        answer = self.answers.get(source, {})
        if isinstance(answer, Exception):
            raise answer
        return answer if self._ready() else {}

    def guest_agent_answers(self, system: VirtualSystem) -> bool:
        return self._ready()

    def _ready(self) -> bool:
        self.after -= 1
        return self.after < 0


def test_waits_less_and_less_often_until_there_is_an_address() -> None:
    assert waiting.wait_for_address(Host(after=20), WEB, 300, FastClock) == {MAC: ["10.0.0.5"]}
    assert FastClock.pauses[0] == waiting.FIRST_PAUSE
    assert FastClock.pauses == sorted(FastClock.pauses)
    assert max(FastClock.pauses) <= waiting.LONGEST_PAUSE


def test_patience_has_an_end() -> None:
    with pytest.raises(TimedOut, match="'web' had no address within 7 s"):
        waiting.wait_for_address(Host(after=10**6), WEB, 7, FastClock)
    assert sum(FastClock.pauses) == pytest.approx(7)


def test_the_agent_is_waited_for() -> None:
    waiting.wait_for_guest_agent(Host(after=3), WEB, 60, FastClock)
    assert len(FastClock.pauses) == 3
    with pytest.raises(TimedOut, match="guest agent of virtual system 'web' did not answer within 1 s"):
        waiting.wait_for_guest_agent(Host(after=10**6), WEB, 1, FastClock)


def test_a_system_that_cannot_answer_is_not_waited_for() -> None:
    bare = replace(WEB, running=Configuration())
    with pytest.raises(Conflict, match="no network adapter"):
        waiting.wait_for_address(Host(), bare, 60, FastClock)
    with pytest.raises(Conflict, match="set guest_agent: true"):
        waiting.wait_for_guest_agent(Host(), bare, 60, FastClock)


def test_a_system_that_stops_is_not_waited_for_any_longer() -> None:
    host = Host(after=10**6)
    host.systems["web"] = replace(WEB, state=SystemState.DEFINED, running=None)
    with pytest.raises(Conflict, match="was active and is defined now"):
        waiting.wait_for_address(host, WEB, 60, FastClock)
    del host.systems["web"]
    with pytest.raises(Conflict, match="was active and is gone now"):
        waiting.wait_for_guest_agent(host, WEB, 60, FastClock)


def test_a_host_that_is_out_of_reach_is_not_waited_for() -> None:
    with pytest.raises(Unreachable):
        waiting.wait_for_address(Host(answers={"lease": Unreachable("gone")}), WEB, 60, FastClock)
