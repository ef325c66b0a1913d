# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters and tests as playbooks use them: through Ansible's own templating, and as they are documented."""

from __future__ import annotations

import itertools
import pathlib
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.svpc.virt.plugins.filter import virt as filters
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.units import about_size
from ansible_collections.svpc.virt.plugins.test import virt as tests

ROOT = pathlib.Path(__file__).parents[3]
SYSTEM: dict[str, Any] = {
    "name": "web",
    "uuid": "6a1f3c1e-0000-4000-8000-000000000001",
    "state": "active",
    "pending": [],
    "resources": [
        {"resource_type": "memory", "name": None, "virtual_quantity": 2**31},
        {"resource_type": "disk_drive", "name": "root", "pool_id": "fast", "host_resource": ["/fast/root"]},
        {"resource_type": "disk_drive", "name": "data", "pool_id": "slow", "host_resource": ["/slow/data"]},
        {"resource_type": "cd_drive", "name": None, "host_resource": ["/iso/a.iso"]},
        {"resource_type": "ethernet_adapter", "name": "lan", "address": "52:54:00:00:00:01"},
    ],
}
SNAPSHOTS = [
    {"name": "one", "parent": None},
    {"name": "two", "parent": "one"},
    {"name": "three", "parent": "one"},
    {"name": "orphan", "parent": "gone"},
]


def element(kind: str, name: str) -> dict[str, Any]:
    return {"id": name, "kind": kind, "name": name, "attributes": {}}


def stands(dependent: str, antecedent: str, *resources: str) -> dict[str, Any]:
    return {"dependent": dependent, "antecedent": antecedent, "resources": list(resources)}


EVERYTHING: dict[str, Any] = {
    "elements": [
        *(element("device", name) for name in ("sda", "sdb", "sdc", "x", "y")),
        element("resource_pool", "images"),
        *(element("virtual_system", name) for name in ("web10", "web9", "looped", "lonely")),
    ],
    "dependencies": [
        stands("images", "sda"),
        stands("web9", "images", "disk_drive 'root'"),
        stands("web10", "images"),
        stands("web9", "sdb", "disk_drive 'data'"),
        stands("x", "y"),
        stands("y", "x"),
        stands("looped", "y"),
    ],
}
VARIABLES: dict[str, Any] = {
    "everything": EVERYTHING,
    "system": SYSTEM,
    "result": {"changed": True, "virtual_system": SYSTEM, "pending": [{"target": "memory"}]},
    "pool": {"pool_id": "fast", "state": "inactive", "capacity": 100 * 2**30, "reserved": 90 * 2**30},
    "info": {"virtual_systems": [SYSTEM, {**SYSTEM, "name": "db", "state": "paused"}], "snapshots": SNAPSHOTS},
}


def template(text: str) -> Any:
    return Templar(loader=DataLoader(), variables=VARIABLES).template(trust_as_template(text))


EXPRESSIONS: dict[str, Any] = {
    "'4 GiB' | svpc.virt.to_bytes": 4 * 2**30,
    "20 | svpc.virt.to_bytes('GB')": 20 * 10**9,
    "'byte * 2^20' | svpc.virt.to_bytes": 2**20,
    "pool.capacity - pool.reserved > '20 GiB' | svpc.virt.to_bytes": False,
    "20937965568 | svpc.virt.to_size": "19.5 GiB",
    "1610612736 | svpc.virt.to_size(exact=true)": "1536 MiB",
    "'2048' | svpc.virt.to_size": "2 KiB",
    "system | svpc.virt.resources('disk_drive', pool_id='fast') | map(attribute='name') | list": ["root"],
    "system | svpc.virt.resources(['cd_drive', 'memory']) | length": 2,
    "result | svpc.virt.resources | length": 5,
    "system.resources | svpc.virt.resources(name='lan') | map(attribute='address') | list": ["52:54:00:00:00:01"],
    "(system | svpc.virt.resource('memory')).virtual_quantity | svpc.virt.to_size": "2 GiB",
    "info | svpc.virt.snapshot_tree | map(attribute='name') | list": ["one", "orphan"],
    "(info.snapshots | svpc.virt.snapshot_tree | first).children | map(attribute='name') | list": ["two", "three"],
    "info | svpc.virt.superfluous_virtual_systems([]) | map(attribute='name') | list": ["web", "db"],
    "info.virtual_systems | svpc.virt.superfluous_virtual_systems(['db', 'w*'], keep=['D*'])": [
        {"name": "web", "uuid": SYSTEM["uuid"]}
    ],
    "info | svpc.virt.superfluous_virtual_systems(['web'], ['[cd]?'])": [],
    "everything | svpc.virt.dependency_tree | map(attribute='name') | list": ["sda", "sdb", "x"],
    "info.virtual_systems | select('svpc.virt.active') | map(attribute='name') | list": ["web"],
    "info.virtual_systems | select('svpc.virt.running') | map(attribute='name') | list": ["web", "db"],
    "info.virtual_systems | select('svpc.virt.paused') | map(attribute='name') | list": ["db"],
    "result is svpc.virt.active and pool is svpc.virt.inactive and 'suspended' is svpc.virt.suspended": True,
    "result is svpc.virt.pending": True,
    "system is svpc.virt.pending": False,
}


@pytest.mark.parametrize(("expression", "wanted"), EXPRESSIONS.items(), ids=str)
def test_in_a_template(expression: str, wanted: Any) -> None:
    assert template("{{ " + expression + " }}") == wanted


def test_a_tree_of_dependencies() -> None:
    disk, other, cycle = filters.dependency_tree(EVERYTHING)
    (pool,) = disk["children"]
    assert [(each["name"], each["again"]) for each in pool["children"]] == [("web9", False), ("web10", False)]
    assert pool["children"][0]["resources"] == ["disk_drive 'root'"]
    assert [(each["name"], each["again"], each["resources"]) for each in other["children"]] == [
        ("web9", True, ["disk_drive 'data'"])
    ]
    assert [each["name"] for each in cycle["children"]] == ["y"]
    assert [(each["name"], each["again"]) for each in cycle["children"][0]["children"]] == [
        ("x", True),
        ("looped", False),
    ]


def test_a_long_chain_is_cut() -> None:
    names = [f"d{number}" for number in range(5000)]
    chain = {
        "elements": [*(element("device", name) for name in names), element("virtual_system", "top")],
        "dependencies": [stands(one, other) for one, other in itertools.pairwise([*names, "top"][::-1])],
    }
    depth, here = 0, filters.dependency_tree(chain)[0]
    while here["children"]:
        depth, here = depth + 1, here["children"][0]
    assert depth == filters._DEEPEST


WRONG: dict[str, str] = {
    "{} | svpc.virt.dependency_tree": "expected what svpc.virt.resource_dependency_info returned",
    "'4 Gib' | svpc.virt.to_bytes('MiB')": "has a unit and a separate unit",
    "'4 GiX' | svpc.virt.to_bytes": "unit 'GiX' is not known; allowed are B,",
    "[] | svpc.virt.to_bytes": "expected a number or a text with a unit",
    "'4 GiB' | svpc.virt.to_size": "expected a number of bytes",
    "true | svpc.virt.to_size": "expected a number of bytes",
    "system | svpc.virt.resources('disc')": "'disc' is not known; allowed are",
    "system | svpc.virt.resources(size=3)": "size is not known; allowed are",
    "'web' | svpc.virt.resources": "expected a virtual system or a list of resources",
    "system | svpc.virt.resource('disk_drive')": "2 resources fit (disk_drive), and it has to be one: root, data",
    "system | svpc.virt.resource('floppy_drive')": "0 resources fit (floppy_drive)",
    "3 | svpc.virt.snapshot_tree": "expected a list of snapshots",
    "result | svpc.virt.superfluous_virtual_systems([])": "input: expected a list",
    "info | svpc.virt.superfluous_virtual_systems('web')": "listed: expected a list",
    "info | svpc.virt.superfluous_virtual_systems(['web'], 'infra-*')": "keep: expected a list",
    "3 is svpc.virt.active": "expected a virtual system, a resource pool or a state",
    "'active' is svpc.virt.pending": "expected a virtual system or a result",
}


@pytest.mark.parametrize(("expression", "message"), WRONG.items(), ids=str)
def test_what_is_wrong_is_told(expression: str, message: str) -> None:
    with pytest.raises(AnsibleError) as raised:
        template("{{ " + expression + " }}")
    assert message in str(raised.value)


def documented(kind: str) -> dict[str, dict[str, Any]]:
    folder = ROOT / "plugins" / kind
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("*.yml")}


@pytest.mark.parametrize(
    ("kind", "names"), [("filter", filters.FilterModule().filters()), ("test", tests.TestModule().tests())]
)
def test_every_one_is_documented(kind: str, names: dict[str, Any]) -> None:
    pages = documented(kind)
    assert sorted(pages) == sorted(names)
    for name, page in pages.items():
        assert page["DOCUMENTATION"]["name"] == name
        assert page["DOCUMENTATION"]["version_added"] == "0.1.0"


EXAMPLES = [
    pytest.param(text, id=f"{kind} {name} {key}")
    for kind in ("filter", "test")
    for name, page in documented(kind).items()
    for key, text in yaml.safe_load(page["EXAMPLES"]).items()
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_can_be_evaluated(text: str) -> None:
    assert template(text) is not None


def test_the_readme_lists_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for kind in ("filter", "test"):
        for name in documented(kind):
            assert f"`svpc.virt.{name}`" in readme


SIZES = {
    0: "0 B",
    1023: "1023 B",
    1024: "1 KiB",
    1536: "1.5 KiB",
    2**40 - 1: "1024 GiB",
    2**60: "1 EiB",
    -2048: "-2 KiB",
}


@pytest.mark.parametrize(("count", "words"), SIZES.items())
def test_sizes_for_people(count: int, words: str) -> None:
    assert about_size(count) == words


def test_every_state_of_a_system_is_one_of_them_or_none() -> None:
    shown = {
        str(state): {
            name for name, test in tests.TestModule().tests().items() if name != "pending" and test(str(state))
        }
        for state in SystemState
    }
    assert shown == {
        "defined": {"inactive"},
        "active": {"active", "running"},
        "paused": {"paused", "running"},
        "suspended": {"suspended"},
        "starting": {"running"},
        "shutting_down": {"running"},
        "sleeping": {"running"},
        "crashed": set(),
        "unknown": set(),
    }
