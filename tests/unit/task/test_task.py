# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task opens its host, and closes it whatever happens."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import Refused
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.task.inventory import read_hosts
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task


class Door(FakeHost):
    """Counts how often it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    """What lies behind the URI fake:host."""
    found = Door()
    monkeypatch.setitem(connect._OPENERS, "fake", lambda _uri, _options, _progress: found)
    return found


@pytest.mark.parametrize("failure", [None, Refused("no")])
def test_the_host_is_closed_after_the_task(door: Door, failure: Refused | None) -> None:
    with contextlib.suppress(Refused), Task({"uri": "fake:host"}).platform():
        assert door.closed == 0
        if failure is not None:
            raise failure
    assert door.closed == 1


def test_hosts_of_an_inventory_are_closed(door: Door) -> None:
    read_hosts([{"name": "kvm1", "uri": "fake:host"}], (), 1.0)
    assert door.closed == 1
