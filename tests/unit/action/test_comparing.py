# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How two runs of a play are compared: what a host makes up may differ, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.tools.playbooks import Record
from tests.tools.same import comparable, differences

UUIDS = ("6a2f1d1e-6f5a-4d7c-9a55-0f6f2f0a7b11", "7b2f1d1e-6f5a-4d7c-9a55-0f6f2f0a7b11")


def found(*results: dict[str, Any], action: str = "svpc.virt.virtual_system") -> list[str]:
    """The differences between tasks that returned these."""
    left, right = (comparable([Record("task", "", "ok", False, None, result, action)]) for result in results)
    return list(differences(left, right))


def test_what_a_host_makes_up_may_differ() -> None:
    assert found({"uuid": UUIDS[0]}, {"uuid": UUIDS[1]}) == []
    assert found({"nic": ["52:54:00:aa:bb:cc"]}, {"nic": ["52:54:00:00:11:22"]}) == []
    assert found({"created": "2026-11-21T12:00:00Z"}, {"created": "2026-11-21T12:00:07Z"}) == []
    assert found({"currently_consumed_resource": 7}, {"currently_consumed_resource": 8}) == []


def test_but_not_that_two_of_them_are_the_same() -> None:
    assert found({"a": UUIDS[0], "b": UUIDS[0]}, {"a": UUIDS[0], "b": UUIDS[1]}) == [
        "[0].result.b: 'UUID 0' and 'UUID 1'"
    ]


def test_an_address_may_come_again_for_another_system() -> None:
    def told(*results: dict[str, Any]) -> list[dict[str, Any]]:
        return comparable([Record("task", "", "ok", False, None, each, "svpc.virt.virtual_system") for each in results])

    first, again, other = ({"web": address, "uuid": UUIDS[0]} for address in ("10.0.0.5", "10.0.0.5", "10.0.0.9"))
    assert list(differences(told(first, again), told(first, other))) == []
    assert found({"a": "10.0.0.5", "b": "10.0.0.5"}, {"a": "10.0.0.5", "b": "10.0.0.9"}) != []


def test_everything_else_is_told_with_its_place() -> None:
    assert found({"changes": [{"live": True}]}, {"changes": [{"live": False}]}) == [
        "[0].result.changes[0].live: True and False"
    ]
    assert found({"currently_consumed_resource": 7}, {"currently_consumed_resource": None}) != []
    assert found({"a": 1}, {}) == ["[0].result.a: 1 and 'missing'"]


def test_of_other_modules_it_counts_how_they_ended() -> None:
    assert found({"start": 1}, {"start": 2}, action="ansible.builtin.command") == []
