# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays in the README of each role run as they stand there, one role after the other, on a private host."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.laboratory import Host
from tests.tools.playbooks import PROJECT, Run, run_playbook

pytestmark = pytest.mark.libvirt

INVENTORY = "[kvm]\nlocalhost ansible_connection=local\n[hypervisors]\nlocalhost ansible_connection=local\n"
"""The groups that the plays are for."""
IN_CHECK_MODE = {"host"}
"""Roles that would change the machine itself; their scenario does."""
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SYSTEMS = ("web", "db")
DISK = {"resource_type": "disk_drive", "name": "root", "pool_id": "fast", "virtual_quantity": "16 MiB"}

Tasks = list[dict[str, Any]]


def plays(role: str) -> list[str]:
    """The plays in the README of a role."""
    return BLOCK.findall((PROJECT / "roles" / role / "README.md").read_text(encoding="utf-8"))


def test_they_do_what_they_say(host: Host, tmp_path: Path) -> None:
    roles = {path.parents[1].name for path in (PROJECT / "roles").glob("*/meta/argument_specs.yml")}
    images = host.images / "roles"
    images.mkdir()
    places = {
        "qemu+ssh://root@host/system": host.uri,
        "qemu+ssh://root@{{ inventory_hostname }}/system": host.uri,
        "/srv/fast": str(images),
        "/srv/www": str(tmp_path),
    }
    inventory = tmp_path / "inventory"
    inventory.write_text(INVENTORY, encoding="utf-8")

    def run(text: str, *arguments: str) -> Run:
        for written, here in places.items():
            text = text.replace(written, here)
        playbook = tmp_path / "play.yml"
        playbook.write_text(text, encoding="utf-8")
        variables = {"host_connection": {"uri": host.uri}, "host_manage_service": False}
        done = run_playbook(playbook, variables, "--inventory", str(inventory), *arguments, timeout=600)
        if done.code:
            pytest.fail(done.explain(), pytrace=False)
        return done

    def example(role: str) -> None:
        texts = plays(role)
        assert texts, f"the README of role {role} has no example"
        for text in texts:
            assert run(text, *(["--check"] if role in IN_CHECK_MODE else [])).records
        shown.add(role)

    def tasks(*found: dict[str, Any]) -> None:
        defaults = {"group/svpc.virt.all": {"uri": host.uri}}
        play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": list(found)}
        run(yaml.safe_dump([play]))

    shown: set[str] = set()
    try:
        example("resource_pools")
        example("virtual_systems")
        # What the examples of the role snapshots take for granted.
        tasks(
            {"svpc.virt.virtual_system": {"name": "db", "state": "defined", "resources": [DISK]}},
            *({"svpc.virt.snapshot": {"virtual_system": name, "name": "before-update"}} for name in SYSTEMS),
        )
        example("snapshots")
        example("report")
        assert (tmp_path / "virtual_systems.html").stat().st_size
        example("host")
    finally:
        removal = {"state": "absent", "force_off": True, "remove_storage": True}
        tasks(
            {
                "svpc.virt.virtual_systems": {
                    "virtual_systems": [{"name": name} for name in SYSTEMS],
                    "shutdown_timeout": 1,
                    **removal,
                }
            },
            *(
                {"svpc.virt.resource_pool": {"pool_id": name, "resource_type": kind, "state": "absent"}}
                for name, kind in (("fast", "disk_drive"), ("office", "ethernet_adapter"))
            ),
        )
    assert shown == roles
    assert not list(images.iterdir())
    images.rmdir()
