# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published works by itself: the artifact is built, installed in an empty folder, and used far from the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.laboratory import Host
from tests.tools.playbooks import PROJECT, environment

pytestmark = pytest.mark.libvirt

SITE = {
    "site_resource_pools": [],
    "site_virtual_systems": [
        {
            "name": "published",
            "state": "active",
            "resources": [
                {"resource_type": "processor", "virtual_quantity": 1},
                {"resource_type": "memory", "virtual_quantity": "128 MiB"},
            ],
        }
    ],
}
RETIRE = {"retire_virtual_systems": [{"name": "published"}], "retire_force_off": True, "retire_shutdown_timeout": 1}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the artifact has been installed."""
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    galaxy(["build", "--output-path", str(built), str(PROJECT)])
    galaxy(["install", "--offline", "--force", "-p", str(folder), *map(str, built.glob("*.tar.gz"))])
    return folder


def galaxy(arguments: list[str]) -> None:
    program = str(Path(sys.executable).with_name("ansible-galaxy"))
    subprocess.run([program, "collection", *arguments], check=True, capture_output=True, env=environment())


def run(installed: Path, *command: str) -> str:
    """The output of a command that knows the installed collection alone."""
    # A configuration that says nothing: that of the checkout names the checkout.
    nothing = installed / "nothing.cfg"
    nothing.touch()
    found = environment({"ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_CONFIG": str(nothing)})
    del found["ANSIBLE_CALLBACK_PLUGINS"]
    program = str(Path(sys.executable).with_name(command[0]))
    ended = subprocess.run(
        [program, *command[1:]],
        cwd=installed,
        env=found,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_the_installed_collection_is_the_one_that_is_used(installed: Path) -> None:
    listed = json.loads(run(installed, "ansible-galaxy", "collection", "list", "--format", "json"))
    assert [Path(path) for path in listed if "svpc.virt" in listed[path]] == [installed / "ansible_collections"]
    told = run(installed, "ansible-doc", "svpc.virt.virtual_system")
    assert str(installed) in told


def test_its_playbooks_converge_a_host(installed: Path, host: Host) -> None:
    interpreter = ["-e", f"ansible_python_interpreter={sys.executable}"]
    site = json.dumps({**SITE, "site_connection": {"uri": host.uri}})
    first = run(installed, "ansible-playbook", "svpc.virt.site", *interpreter, "-e", site)
    assert "changed=1" in first
    assert "changed=0" in run(installed, "ansible-playbook", "svpc.virt.site", *interpreter, "-e", site)
    retire = json.dumps({**RETIRE, "retire_connection": {"uri": host.uri}})
    assert "changed=1" in run(installed, "ansible-playbook", "svpc.virt.retire", *interpreter, "-e", retire)
