# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots no rule keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.plan.retention import DAY, Retention, superfluous
from ansible_collections.svpc.virt.plugins.module_utils.task.filters import superfluous_snapshots

NOW = 100 * DAY
AGES = {"night-1": 40, "night-2": 20, "by hand": 15, "night-3": 10, "night-4": 1}
"""Days since each was taken."""


def taken(ages: Mapping[str, float | None]) -> list[Snapshot]:
    return [Snapshot(name, created=None if age is None else int(NOW - age * DAY)) for name, age in ages.items()]


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ({}, []),
        ({"keep_count": 5}, []),
        ({"keep_count": 2}, ["night-1", "night-2", "by hand"]),
        ({"keep_count": 0}, ["night-1", "night-2", "by hand", "night-3", "night-4"]),
        ({"keep_days": 14}, ["night-1", "night-2", "by hand"]),
        ({"keep_days": 0}, ["night-1", "night-2", "by hand", "night-3", "night-4"]),
        ({"keep_count": 4, "keep_days": 5}, ["night-1"]),
        ({"keep_count": 1, "keep_days": 30}, ["night-1"]),
        ({"names": ["night-*"], "keep_count": 2}, ["night-1", "night-2"]),
        ({"names": ["night-[12]", "by hand"], "keep_days": 18}, ["night-1", "night-2"]),
        ({"names": [], "keep_count": 0}, []),
    ],
)
def test_what_no_rule_keeps(rules: dict[str, Any], gone: list[str]) -> None:
    assert [snapshot.name for snapshot in superfluous(taken(AGES), Retention(**rules), NOW)] == gone


def test_of_unknown_age_stays() -> None:
    assert superfluous(taken({"old": 90, "unknown": None}), Retention(keep_count=0), NOW) == taken({"old": 90})


@pytest.mark.parametrize("rule", ["keep_count", "keep_days"])
def test_a_negative_number_is_refused(rule: str) -> None:
    with pytest.raises(InvalidInput, match=f"{rule}: -1"):
        Retention(**dict[str, Any]({rule: -1}))


@given(
    ages=st.dictionaries(st.text("abc", min_size=1), st.integers(0, 99)),
    count=st.none() | st.integers(0, 5),
    days=st.none() | st.integers(0, 99),
)
def test_what_a_rule_keeps_stays(ages: dict[str, float | None], count: int | None, days: int | None) -> None:
    snapshots = taken(ages)
    gone = superfluous(snapshots, Retention(keep_count=count, keep_days=days), NOW)
    stays = [snapshot for snapshot in snapshots if snapshot not in gone]
    if count is None and days is None:
        assert gone == []
    if count is not None:
        assert len(stays) >= min(count, len(snapshots))
    for snapshot in gone:
        assert days is None or (ages[snapshot.name] or 0) >= days
        assert all((snapshot.created or 0) <= (other.created or 0) for other in stays) or days is not None


def test_the_filter_takes_and_gives_what_modules_return() -> None:
    shown: list[Mapping[str, Any]] = [
        {"name": "new", "created": "2026-03-02T12:00:00Z", "parent": "old"},
        {"name": "old", "created": "2026-03-01T12:00:00Z", "parent": None},
        {"name": "unknown", "created": None, "parent": None},
    ]
    assert superfluous_snapshots(shown, keep_count=1) == [shown[1]]
    assert superfluous_snapshots(shown, ["new"], keep_days=1, now=0) == []
    assert superfluous_snapshots(shown, keep_days=30) == [shown[1], shown[0]]
