# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode shows of snapshots, and of values that follow from others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_snapshots, predict_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import plan_system
from tests.unit.plan import cases

WEB = changes.SystemRef("web")
TREE = [
    Snapshot("a"),
    Snapshot("b", parent="a"),
    Snapshot("c", parent="b", is_current=True),
    Snapshot("d", parent="a"),
]


def shape(tree: list[Snapshot]) -> dict[str, str | None]:
    """Parents by name; the current one is marked."""
    return {one.name + ("*" if one.is_current else ""): one.parent for one in tree}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (changes.CreateSnapshot(WEB, "e", SnapshotType.DISK), {"a": None, "b": "a", "c": "b", "d": "a", "e*": "c"}),
        (changes.ApplySnapshot(WEB, "a"), {"a*": None, "b": "a", "c": "b", "d": "a"}),
        (changes.DestroySnapshot(WEB, "b"), {"a": None, "c*": "a", "d": "a"}),
        (changes.DestroySnapshot(WEB, "c"), {"a": None, "b*": "a", "d": "a"}),
        (changes.DestroySnapshot(WEB, "b", ("c",)), {"a*": None, "d": "a"}),
        (changes.DestroySnapshot(WEB, "d"), {"a": None, "b": "a", "c*": "b"}),
        (changes.DestroySnapshot(WEB, "a"), {"b": None, "c*": "b", "d": None}),
        (changes.DestroySnapshot(WEB, "a", ("b", "d", "c")), {}),
    ],
    ids=lambda value: f"{value.operation} {value.name}" if hasattr(value, "operation") else None,
)
def test_trees_of_snapshots(change: changes.Change, expected: dict[str, str | None]) -> None:
    before = list(TREE)
    assert shape(predict_snapshots(TREE, [change])) == expected
    assert before == TREE


@pytest.mark.parametrize(
    ("adapter", "after", "pool"),
    [
        ({"pool_id": "a", "connection": ["a"]}, {"connection": ["b"]}, None),
        ({"pool_id": "a", "connection": ["a"]}, {"settings": {"link_state": "down"}}, "a"),
        ({"pool_id": "a", "connection": ["bridge:br0"]}, {"connection": ["bridge:br1"]}, "a"),
        ({"pool_id": "a", "connection": ["a"]}, {"pool_id": "b", "connection": ["b"]}, "b"),
    ],
    ids=["another network", "another setting", "no network", "both declared"],
)
def test_the_pool_follows_from_the_network(adapter: dict[str, Any], after: dict[str, Any], pool: str | None) -> None:
    kind = {"type": "ethernet_adapter", "name": "lan"}
    current = cases.system({"resources": [kind | adapter]})
    plan = plan_system(cases.desired_system({"resources": [kind | after]}), current, cases.capabilities(None))
    assert len(plan) == 1
    system = predict_system(current, plan)
    assert system is not None
    assert only(system.defined.resources, ResourceType.ETHERNET_ADAPTER)[0].pool_id == pool
