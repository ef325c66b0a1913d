# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in the documentation of the modules run, from the first to the last, on a private host."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.laboratory import Host
from tests.tools.playbooks import run_playbook

pytestmark = pytest.mark.libvirt

MODULES = sorted((Path(__file__).parents[2] / "plugins/modules").glob("*.py"))
ON_A_SYSTEM = (
    "rasd",
    "resource_dependency_info",
    "snapshot",
    "snapshot_info",
    "virtual_system_action",
    "virtual_system_info",
)
"""Modules whose examples are about the first example of virtual_system."""

Tasks = list[dict[str, Any]]


def examples(module: Path) -> Tasks:
    """The tasks in the documentation of a module."""
    for statement in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "EXAMPLES":
            found: Tasks = yaml.safe_load(ast.literal_eval(statement.value))
            return [hurried(task) for task in found if not needs_a_guest(task)]
    raise AssertionError(f"{module.name} has no examples")


def hurried(task: dict[str, Any]) -> dict[str, Any]:
    """A task that does not wait long for a guest that is not there: the disks of the examples are empty."""
    for params in task.values():
        if isinstance(params, dict) and "shutdown_timeout" in params:
            params["shutdown_timeout"] = 1
    return task


def needs_a_guest(task: dict[str, Any]) -> bool:
    """Whether a task can succeed only with a guest that reacts."""
    return any(isinstance(params, dict) and params.get("action") == "reboot" for params in task.values())


def before(module: str, images: Path) -> Tasks:
    """What the examples take for granted: a pool and a network called default, and the system they are about."""
    storage = {"pool_id": "default", "resource_type": "disk_drive", "host_resource": [str(images)]}
    network = {"pool_id": "default", "resource_type": "ethernet_adapter", "resource_sub_type": "isolated"}
    tasks: Tasks = [
        {"svpc.virt.resource_pool": {**storage, "resource_sub_type": "dir", "state": "active"}},
        {"svpc.virt.resource_pool": {**network, "state": "active"}},
    ]
    if module == "resource_dependency_info":
        disk = {"pool_id": "disk", "resource_type": "disk_drive", "resource_sub_type": "disk"}
        tasks.append({"svpc.virt.resource_pool": {**disk, "host_resource": ["/dev/sdb"]}})
    if module in ON_A_SYSTEM:
        tasks += examples(MODULES[0].with_name("virtual_system.py"))[:1]
    if module == "rasd":
        # A guest that runs nothing would never release a resource.
        tasks.append({"svpc.virt.virtual_system": {"name": "web", "state": "defined", "force_off": True}})
    return tasks


def after() -> Tasks:
    """The host as it was."""
    cloud = {"name": "cloud", "state": "absent", "remove_storage": True}
    system = {"name": "web", "state": "absent", "force_off": True, "remove_storage": True}
    pools = [
        ("default", "disk_drive"),
        ("default", "ethernet_adapter"),
        ("images", "disk_drive"),
        ("disk", "disk_drive"),
    ]
    return [
        {"svpc.virt.virtual_system": system},
        {"svpc.virt.virtual_system": cloud},
        *(
            {"svpc.virt.resource_pool": {"pool_id": name, "resource_type": kind, "state": "absent"}}
            for name, kind in pools
        ),
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_examples(module: Path, host: Host, tmp_path: Path) -> None:
    images = host.images / module.stem
    images.mkdir()
    base = images / "base.img"
    base.write_bytes(b"boot" * 2**18)
    tasks = examples(module)
    defaults = {"uri": host.uri}
    power = {**defaults, "shutdown_timeout": 1}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {
            "group/svpc.virt.all": defaults,
            "svpc.virt.virtual_system": power,
            "svpc.virt.rasd": power,
        },
        "tasks": [{"block": [*before(module.stem, images), *tasks], "always": after()}],
    }
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    run = run_playbook(playbook, {}, timeout=600)
    if run.code:
        pytest.fail(run.explain(), pytrace=False)
    assert list(images.iterdir()) == [base]
