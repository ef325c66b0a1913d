# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sent module loads before it knows its task: everything more would be loaded anew for each task."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

COLLECTION = "ansible_collections.svpc.virt.plugins"
UTILS = f"{COLLECTION}.module_utils"
UNNEEDED = (
    "concurrent.futures",
    "pycdlib",
    "pywbem",
    "uuid",
    "xml.etree.ElementTree",
    f"{UTILS}.model.capabilities",
    f"{UTILS}.plan.define",
    f"{UTILS}.plan.images",
    f"{UTILS}.plan.references",
    f"{UTILS}.platforms.fake",
    f"{UTILS}.platforms.libvirt_host.definitions",
    f"{UTILS}.platforms.libvirt_host.host_xml",
    f"{UTILS}.platforms.libvirt_host.node",
    f"{UTILS}.platforms.libvirt_host.pools",
    f"{UTILS}.platforms.libvirt_host.storage_users",
    f"{UTILS}.platforms.libvirt_host.unsupported",
    f"{UTILS}.task.desired_image",
    f"{UTILS}.task.desired_seed",
    f"{UTILS}.task.waiting",
)
PROGRAM = f"""
import importlib, json, sys
import ansible.module_utils.basic
before = set(sys.modules)
for name in ("modules.virtual_system", "module_utils.platforms.libvirt_host.host", "module_utils.platforms.libvirt_host.shared"):
    importlib.import_module("{COLLECTION}." + name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_what_every_task_needs_is_loaded(loaded):
    assert f"{UTILS}.plan.virtual_system" in loaded
    assert f"{UTILS}.platforms.libvirt_host.systems" in loaded


@pytest.mark.parametrize("name", UNNEEDED)
def test_what_only_some_tasks_need_is_not(loaded, name):
    assert name not in loaded
