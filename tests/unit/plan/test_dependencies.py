# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which systems something hits, as data; and what holds for every graph."""

from __future__ import annotations

import itertools
import pathlib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model import dependencies as model
from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Graph, Reading, joined
from ansible_collections.svpc.virt.plugins.module_utils.plan.dependencies import (
    Answer,
    answer,
    completed,
    find,
    partition_of,
    path_to,
    reached,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.topology import composed
from ansible_collections.svpc.virt.plugins.module_utils.task.host_facts import host_facts
from tests.unit.plan import cases
from tests.unit.plan.test_properties import MANY

FOLDER = pathlib.Path(__file__).parent / "dependencies"
CASES = [case for path in sorted(FOLDER.glob("*.yml")) for case in yaml.safe_load(path.read_text(encoding="utf-8"))]
KEYS = {"case", "pools", "systems", "facts", "ask", "hit", "dependents", "antecedents", "incomplete", "error"}


def asked(case: dict[str, Any]) -> tuple[Graph, Answer]:
    pools = [pool for entry in case.get("pools", ()) if (pool := cases.pool(entry)) is not None]
    systems = [system for entry in case.get("systems", ()) if (system := cases.system(entry)) is not None]
    graph = completed([composed(systems, pools), host_facts(case.get("facts", {}))])
    return graph, answer(graph, [found for text in case["ask"] for found in find(graph, text)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_case(case: dict[str, Any]) -> None:
    assert set(case) <= KEYS
    if "error" in case:
        with pytest.raises(VirtError) as raised:
            asked(case)
        assert case["error"] in raised.value.message
        return
    _graph, found = asked(case)
    hits = {hit.system.name: hit for hit in found.hits}
    assert set(hits) == set(case["hit"])
    for name, wanted in case["hit"].items():
        shown = {
            "running": hits[name].system.attributes["running"],
            "path": list(hits[name].path),
            "resources": list(hits[name].resources),
        }
        assert {key: shown[key] for key in wanted} == wanted
    for word in ("dependents", "antecedents"):
        if word in case:
            assert list(getattr(found, word)) == case[word]
    if "incomplete" in case:
        assert {unknown.id: list(unknown.virtual_systems) for unknown in found.unknown} == case["incomplete"]


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case], ids=lambda case: case["case"])
def test_what_a_resource_hits_stands_on_it(case: dict[str, Any]) -> None:
    graph, found = asked(case)
    for hit in found.hits:
        down = answer(graph, [hit.system.id], up=False)
        assert hit.path[0] in {hit.system.id, *down.antecedents}


DEVICES = {
    "/dev/sda1": "/dev/sda",
    "/dev/sdaa12": "/dev/sdaa",
    "/dev/vdb3": "/dev/vdb",
    "/dev/nvme0n1p2": "/dev/nvme0n1",
    "/dev/mmcblk0p1": "/dev/mmcblk0",
    "/dev/loop7p1": "/dev/loop7",
    "/dev/md127p1": "/dev/md127",
    "/dev/sda": None,
    "/dev/nvme0n1": None,
    "/dev/loop7": None,
    "/dev/md127": None,
    "/dev/sr0": None,
    "/dev/mapper/vg0-web1": None,
    "/dev/vg0/web1": None,
    "/srv/sda1": None,
}


@pytest.mark.parametrize(("device", "disk"), DEVICES.items(), ids=str)
def test_partitions_by_their_names(device: str, disk: str | None) -> None:
    assert partition_of(device) == disk


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"devices": None, "mounts": None, "lvm": "N/A", "interfaces": None},
        {"devices": {"sda": {"partitions": [], "links": None, "holders": "x"}, "sdb": 3}},
        {"mounts": ["/", {}, {"mount": "swap", "device": "/dev/sda"}], "lvm": {"pvs": {"/dev/sda": {}}, "lvs": []}},
        {"interfaces": ["eth0", 7], "eth0": "none"},
    ],
    ids=str,
)
def test_facts_of_another_shape_are_passed_over(facts: dict[str, Any]) -> None:
    assert host_facts(facts).dependencies == ()


# Every graph

NAMES = st.sampled_from([f"/dev/x{number}" for number in range(12)])
EDGES = st.lists(st.tuples(NAMES, NAMES), max_size=40)


def drawn(edges: list[tuple[str, str]], systems: dict[str, str] | None = None) -> Graph:
    reading = Reading()
    for dependent, antecedent in edges:
        below = reading.add(model.DEVICE, antecedent)
        reading.depend(reading.add(model.DEVICE, dependent), below, model.BASED_ON)
    for name, place in (systems or {}).items():
        me = reading.add(model.VIRTUAL_SYSTEM, name, state="active", running=True)
        reading.depend(me, reading.add(model.DEVICE, place), model.HOSTED_DEPENDENCY)
    return reading.graph()


@MANY
@given(EDGES)
def test_up_and_down_are_inverse(edges: list[tuple[str, str]]) -> None:
    graph = drawn(edges)
    for one in graph.elements:
        for other in answer(graph, [one]).dependents:
            assert one in answer(graph, [other]).antecedents
        for other in answer(graph, [one]).antecedents:
            assert one in answer(graph, [other]).dependents


@MANY
@given(EDGES, st.dictionaries(st.sampled_from("abc"), NAMES), NAMES)
def test_a_path_leads_along_dependencies_and_is_a_shortest_one(
    edges: list[tuple[str, str]], systems: dict[str, str], start: str
) -> None:
    graph = drawn([*edges, (start, "/dev/ground")], systems)
    steps = {(each.antecedent, each.dependent) for each in graph.dependencies}
    for hit in answer(graph, [start]).hits:
        assert (hit.path[0], hit.path[-1]) == (start, hit.system.id)
        assert set(itertools.pairwise(hit.path)) <= steps
        assert len(set(hit.path)) == len(hit.path)
    layers = reached({one: [there for here, there in steps if here == one] for one in graph.elements}, [start])
    lengths = [len(path_to(layers, each)) for each in layers]
    assert lengths == sorted(lengths)


@MANY
@given(EDGES, st.randoms(use_true_random=False))
def test_readings_join_to_the_same_in_any_order(edges: list[tuple[str, str]], random: Any) -> None:
    parts = [drawn([edge]) for edge in edges]
    shuffled = list(parts)
    random.shuffle(shuffled)
    one, other = joined(parts), joined(shuffled)
    assert set(one.elements) == set(other.elements)
    assert set(one.dependencies) == set(other.dependencies)
    assert set(joined([one, one]).dependencies) == set(one.dependencies)


def test_a_very_long_chain_is_followed_to_its_end() -> None:
    length = 20_000
    chain = drawn([(f"/dev/x{number + 1}", f"/dev/x{number}") for number in range(length)], {"top": f"/dev/x{length}"})
    found = answer(completed([chain]), ["/dev/x0"])
    assert len(found.hits[0].path) == length + 2


def test_two_names_for_each_other_end() -> None:
    reading = Reading()
    reading.call(reading.add(model.DEVICE, "/dev/a"), "/dev/b")
    reading.call(reading.add(model.DEVICE, "/dev/b"), "/dev/a")
    assert set(reading.graph().elements) == {"/dev/a"}


def test_a_name_of_several_means_all_of_them() -> None:
    reading = Reading()
    for place in ("usb_1_1", "usb_1_2"):
        reading.add(model.NODE_DEVICE, place, "1d6b:0002", model.id_of(model.NODE_DEVICE, "1d6b:0002"))
    me = reading.add(model.VIRTUAL_SYSTEM, "web")
    reading.depend(me, reading.add(model.NODE_DEVICE, "1d6b:0002"), model.HOSTED_DEPENDENCY)
    graph = reading.graph()
    assert find(graph, "1d6b:0002") == ("node_device:usb_1_1", "node_device:usb_1_2")
    for place in ("usb_1_1", "usb_1_2"):
        assert [hit.system.name for hit in answer(graph, find(graph, place)).hits] == ["web"]


def test_everything_when_nothing_is_asked_about() -> None:
    graph = drawn([("/dev/b", "/dev/a")], {"web": "/dev/b"})
    found = answer(graph, None)
    assert found.asked == ()
    assert {each.id for each in found.elements} == set(graph.elements)
    assert set(found.dependencies) == set(graph.dependencies)


def test_the_words_of_the_model_are_all_that_is_used() -> None:
    for case in CASES:
        if "error" not in case:
            graph, _found = asked(case)
            assert {each.kind for each in graph.elements.values()} <= set(model.KINDS)
            assert {each.association for each in graph.dependencies} <= set(model.ASSOCIATIONS)
