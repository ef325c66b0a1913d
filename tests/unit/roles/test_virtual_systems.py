# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the exclusive mode of the role virtual_systems removes, and what it leaves alone, on libvirt's test driver.

All cases are hosts of one play in check mode: what is foretold is what the run would do, as the plays of the integration
tests show.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbooks import PROJECT, Record, run_playbook

THERE = ["web", "db", "infra-dns", "infra-ntp", "golden", "123"]
"""The systems of the host; all of them run."""
UUID = "<uuid>6a1f3c1e-0000-4000-8000-{:012d}</uuid>"
DOMAIN = """<domain type='test'><name>{}</name>{}<memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type>hvm</type></os></domain>"""
PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Converge, and see whether it failed",
                "block": [
                    {
                        "name": "Converge systems by the role",
                        "ansible.builtin.include_role": {
                            "name": "svpc.virt.virtual_systems",
                            "apply": {"ignore_errors": "{{ careless | default(false) }}"},
                        },
                    }
                ],
                "rescue": [
                    {
                        "name": "Keep the reason",
                        "ansible.builtin.set_fact": {"failure": "{{ ansible_failed_result.msg }}"},
                    }
                ],
            },
            {
                "name": "Write down what came of it",
                "ansible.builtin.copy": {
                    "content": "{{ outcome | to_json }}",
                    "dest": "{{ playbook_dir }}/{{ inventory_hostname }}.json",
                    "mode": "0600",
                },
                "vars": {
                    "outcome": {
                        "failure": "{{ failure | default('') }}",
                        "converged": "{{ virtual_systems_results | default({}) }}",
                        "removed": "{{ virtual_systems_removed | default({}) }}",
                    }
                },
                "check_mode": False,
            },
        ],
    }
]
ALL_BUT_WEB = [name for name in THERE if name != "web"]
REMOVED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "not exclusive": ({"list": [{"name": "web"}], "exclusive": False}, []),
    "not exclusive, in words": ({"list": [{"name": "web"}], "exclusive": "false"}, []),
    "exclusive, in words": ({"list": [{"name": "web"}], "exclusive": "true"}, ALL_BUT_WEB),
    "all others": ({"list": [{"name": "web"}]}, ALL_BUT_WEB),
    "one that is not there yet is listed": ({"list": [{"name": "new"}]}, THERE),
    "a number as a name": ({"list": [{"name": "web"}, {"name": 123}]}, [name for name in ALL_BUT_WEB if name != "123"]),
    "kept by name and by pattern": (
        {"list": [{"name": "web"}], "exclusive_keep": ["infra-*", "golden"]},
        ["db", "123"],
    ),
    "what a listed one is made from": (
        {"list": [{"name": "new", "reference": "golden"}, {"name": "web", "reference": None}]},
        ["db", "infra-dns", "infra-ntp", "123"],
    ),
    "one that is listed to be absent": (
        {"list": [{"name": "web"}, {"name": "db", "state": "absent"}]},
        ["infra-dns", "infra-ntp", "golden", "123"],
    ),
    "an empty list that is meant": (
        {"list": [], "exclusive_allow_empty": True, "exclusive_keep": ["[wdg]*"]},
        [*THERE[2:4], "123"],
    ),
}
"""What is given to the role, and what it removes."""
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an empty list": ({"list": []}, "no entry is of a system that stays"),
    "a list that only removes": ({"list": [{"name": "db", "state": "absent"}]}, "no entry is of a system that stays"),
    "an entry without name": ({"list": [{"state": "active"}]}, "missing required arguments: name"),
    "a name given twice": ({"list": [{"name": "web"}, {"name": "web"}]}, "entry 1 has the same name"),
    "one that fails": (
        {"list": [{"name": "web"}, {"name": "new", "settings": {"virtual_system_type": "nosuch"}}]},
        "'nosuch' is not offered by this host",
    ),
}
"""What is given to the role, and why it fails."""
CARELESS = {f"{case}, and failures are ignored": given for case, (given, _reason) in REFUSED.items()}
Outcomes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What came of each case."""
    folder = tmp_path_factory.mktemp("exclusive")
    cases = {
        **{case: given for case, (given, _names) in REMOVED.items()},
        **{case: given for case, (given, _reason) in REFUSED.items()},
        **CARELESS,
    }
    hosts = {
        f"case-{number}": {
            "careless": case in CARELESS,
            "virtual_systems_exclusive": True,
            **{f"virtual_systems_{name}": value for name, value in given.items()},
        }
        for number, (case, given) in enumerate(cases.items())
    }
    run = run_playbook(written(folder, PLAY), {}, "-i", inventory(folder, hosts), "--check")
    assert run.code == 0, run.explain()
    found = (json.loads((folder / f"{host}.json").read_text(encoding="utf-8")) for host in hosts)
    return dict(zip(cases, found, strict=True))


def written(folder: Path, play: list[dict[str, Any]]) -> Path:
    """A playbook."""
    path = folder / "play.yml"
    path.write_text(json.dumps(play), encoding="utf-8")
    return path


def inventory(folder: Path, hosts: dict[str, dict[str, Any]], uuid: str = UUID) -> str:
    """An inventory of hosts that have the systems of THERE; without UUID they are others whenever they are looked at."""
    domains = [DOMAIN.format(name, uuid.format(number)) for number, name in enumerate(THERE)]
    node = folder / "node.xml"
    node.write_text(f"<node>{''.join(domains)}</node>", encoding="utf-8")
    path = folder / "inventory.json"
    common = {"ansible_connection": "local", "virtual_systems_connection": {"uri": f"test://{node}"}}
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}), encoding="utf-8")
    return str(path)


def removed(outcome: dict[str, Any]) -> list[str]:
    """The systems that are destroyed because they are not listed."""
    changes = outcome["removed"].get("changes", [])
    return [change["virtual_system"] for change in changes if change["operation"] == "destroy_system"]


@pytest.mark.parametrize("case", REMOVED)
def test_what_is_not_listed_goes(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case]["failure"] == ""
    assert sorted(removed(outcomes[case])) == sorted(REMOVED[case][1])


def test_what_is_listed_to_be_absent_goes_with_the_list(outcomes: Outcomes) -> None:
    changes = outcomes["one that is listed to be absent"]["converged"]["changes"]
    assert [(each["virtual_system"], each["operation"]) for each in changes][-1] == ("db", "destroy_system")


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_goes_unless_the_list_is_right_and_all_of_it_converged(case: str, outcomes: Outcomes) -> None:
    assert REFUSED[case][1] in outcomes[case]["failure"]
    assert outcomes[case]["removed"] == {}


@pytest.mark.parametrize("case", CARELESS)
def test_nothing_goes_then_where_failures_are_ignored_either(case: str, outcomes: Outcomes) -> None:
    assert outcomes[case]["failure"] == ""
    assert removed(outcomes[case]) == []


def test_one_that_has_got_the_name_since_is_another(tmp_path: Path) -> None:
    given = {"virtual_systems_exclusive": True, "virtual_systems_list": [{"name": "web"}]}
    run = run_playbook(written(tmp_path, PLAY), {}, "-i", inventory(tmp_path, {"kvm": given}, uuid=""), "--check")
    assert run.code == 0, run.explain()
    outcome = json.loads((tmp_path / "kvm.json").read_text(encoding="utf-8"))
    assert {result["error_code"] for result in outcome["removed"]["results"]} == {"conflict"}
    assert removed(outcome) == []


@pytest.mark.parametrize(
    ("playbook", "given"),
    [
        ("provision", {"provision_virtual_systems": [{"name": "web"}], "provision_defaults": {}}),
        ("retire", {"retire_virtual_systems": [{"name": "web"}]}),
        ("site", {"site_virtual_systems": [{"name": "web"}], "site_resource_pools": []}),
    ],
)
def test_other_playbooks_are_not_exclusive_because_the_role_is(
    playbook: str, given: dict[str, Any], tmp_path: Path
) -> None:
    exclusive = {"virtual_systems_exclusive": True, f"{playbook}_hosts": "all"}
    path = inventory(tmp_path, {"kvm": {**exclusive, **given}})
    connection = {f"{playbook}_connection": {"uri": f"test://{tmp_path / 'node.xml'}"}}
    run = run_playbook(
        PROJECT / f"playbooks/{playbook}.yml", {f"{playbook}_hosts": "all", **connection}, "-i", path, "--check"
    )
    assert run.code == 0, run.explain()
    assert [status(record) for record in run.records if record.task.endswith("that are not listed")] == ["skipped"]
    assert [record for record in run.records if record.task.endswith("Converge virtual systems")] != []


def status(record: Record) -> str:
    """What became of a task."""
    return record.status
