# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner as data: what is declared and what is there, and which changes or which failure follow.

Whatever a case is about, three things hold for all of them: planning changes none of its inputs, the state that is
predicted needs no further change, and a failure is a sentence with a code.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import (
    predict_pool,
    predict_snapshots,
    predict_system,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import plan_pool, uncompared
from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import plan_snapshot
from ansible_collections.svpc.virt.plugins.module_utils.plan.states import transitions
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import plan_action, plan_system
from tests.unit.plan import cases

CASES = cases.load()
KEYS = {"file", "case", "desired", "pool", "snapshot", "action", "current", "snapshots", "reference", "storage"}
KEYS |= {"capabilities", "changes", "pending", "error", "again", "uncompared"}

Planner = Callable[[Any], changes.Plan]


def planners(case: dict[str, Any]) -> tuple[Any, Planner, Callable[[Any, changes.Plan], Any]]:
    """The current state of a case, what plans from such a state, and what predicts the state after a plan."""
    offered = cases.capabilities(case.get("capabilities"))
    if "pool" in case:
        pool = cases.desired_pool(case["pool"])
        return cases.pool(case.get("current")), lambda state: plan_pool(pool, state, offered), predict_pool
    if "snapshot" in case:
        snapshot, system = cases.desired_snapshot(case["snapshot"]), cases.system(case.get("current", {}))
        assert system is not None
        tree = [cases.snapshot(entry) for entry in case.get("snapshots", ())]
        return tree, lambda state: plan_snapshot(snapshot, system, state, offered), predict_snapshots
    if "action" in case:
        return (
            cases.system(case["current"]),
            lambda state: plan_action(state, case["action"], offered),
            predict_system,
        )
    desired = cases.desired_system(case["desired"])
    reference = cases.system(case.get("reference"))
    storage = cases.storage(case.get("storage", ()))
    return (
        cases.system(case.get("current")),
        lambda state: plan_system(desired, state, offered, reference, storage if state else ()),
        predict_system,
    )


@pytest.mark.parametrize("case", CASES, ids=[f"{case['file']}: {case['case']}" for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    assert set(case) <= KEYS, f"unknown words in the case: {set(case) - KEYS}"
    assert ("changes" in case) != ("error" in case)
    state, plan, predict = planners(case)
    untouched = copy.deepcopy(state)
    if "error" in case:
        with pytest.raises(VirtError) as failure:
            plan(state)
        assert failure.value.code == case["error"]["code"]
        missing = [word for word in case["error"]["says"] if word not in failure.value.message]
        assert not missing, f"{missing} not in {failure.value.message!r}"
    else:
        todo = plan(state)
        assert [cases.show(change) for change in todo] == cases.number(case["changes"])
        if "pool" in case:
            offered = cases.capabilities(case.get("capabilities"))
            assert list(uncompared(cases.desired_pool(case["pool"]), state, offered)) == case.get("uncompared", [])
        if case.get("again", True):
            left = plan(predict(state, todo))
            assert [cases.show(change) for change in left] == []
        if "pending" in case:
            assert cases.show_pending(predict(state, todo)) == cases.number(case["pending"])
    assert state == untouched


MET = tuple(state for state in SystemState if state is not SystemState.UNKNOWN)
DECLARED = (SystemState.DEFINED, SystemState.ACTIVE, SystemState.PAUSED, SystemState.SUSPENDED)

WAY: dict[str, dict[str, str]] = {
    # from: {to: requests}; a request that is offered only where the host starts systems paused is in the table below
    "defined": {
        "defined": "",
        "active": "enabled",
        "paused": "enabled quiesce",
        "suspended": "enabled offline",
    },
    "active": {"defined": "shut_down", "active": "", "paused": "quiesce", "suspended": "offline"},
    "paused": {"defined": "enabled shut_down", "active": "enabled", "paused": "", "suspended": "offline"},
    "suspended": {
        "defined": "enabled shut_down",
        "active": "enabled",
        "paused": "enabled quiesce",
        "suspended": "",
    },
    "starting": {
        "defined": "enabled shut_down",
        "active": "enabled",
        "paused": "enabled quiesce",
        "suspended": "enabled offline",
    },
    "shutting_down": {
        "defined": "shut_down",
        "active": "shut_down enabled",
        "paused": "shut_down enabled quiesce",
        "suspended": "shut_down enabled offline",
    },
    "sleeping": {
        "defined": "enabled shut_down",
        "active": "enabled",
        "paused": "enabled quiesce",
        "suspended": "enabled offline",
    },
    "crashed": {
        "defined": "disabled",
        "active": "disabled enabled",
        "paused": "disabled enabled quiesce",
        "suspended": "disabled enabled offline",
    },
}

STRAIGHT_TO_PAUSED: dict[tuple[str, str], str] = {
    ("defined", "paused"): "quiesce",
    ("defined", "suspended"): "quiesce offline",
    ("suspended", "paused"): "quiesce",
    ("shutting_down", "paused"): "shut_down quiesce",
    ("shutting_down", "suspended"): "shut_down quiesce offline",
    ("crashed", "paused"): "disabled quiesce",
    ("crashed", "suspended"): "disabled quiesce offline",
}


@pytest.mark.parametrize("starts_paused", [False, True])
@pytest.mark.parametrize("target", DECLARED, ids=str)
@pytest.mark.parametrize("state", MET, ids=str)
def test_way_from_state_to_state(state: SystemState, target: SystemState, starts_paused: bool) -> None:
    wanted = WAY[str(state)][str(target)]
    if starts_paused:
        wanted = STRAIGHT_TO_PAUSED.get((str(state), str(target)), wanted)
    offered = cases.capabilities({"starts_paused": starts_paused})
    steps = transitions(changes.SystemRef("web"), state, target, offered, 30, True)
    assert [step.requested_state.word for step in steps] == wanted.split()
    assert [step.before for step in steps] == [str(state), *(step.after for step in steps[:-1])][: len(steps)]
    assert (steps[-1].after if steps else str(state)) == str(target)
    assert all(step.timeout == 30 and step.force for step in steps)


@pytest.mark.parametrize("target", DECLARED, ids=str)
def test_no_way_from_a_state_nothing_is_known_of(target: SystemState) -> None:
    with pytest.raises(VirtError) as failure:
        transitions(changes.SystemRef("web"), SystemState.UNKNOWN, target, cases.capabilities(None))
    assert failure.value.code == "conflict"
    assert "state unknown" in failure.value.message


@pytest.mark.parametrize("request_word", ["enabled", "disabled", "shut_down", "offline", "quiesce"])
def test_no_way_with_a_request_the_host_does_not_offer(request_word: str) -> None:
    everything = cases.capabilities(None).states
    offered = cases.capabilities({"starts_paused": False, "states": sorted(everything - {request_word})})
    for state in MET:
        for target in DECLARED:
            if request_word in WAY[str(state)][str(target)].split():
                with pytest.raises(VirtError) as failure:
                    transitions(changes.SystemRef("web"), state, target, offered)
                assert failure.value.code == "not_supported"
                assert f"does not offer the request {request_word}" in failure.value.message
                assert failure.value.details["allowed"] == sorted(everything - {request_word})
            else:
                transitions(changes.SystemRef("web"), state, target, offered)
