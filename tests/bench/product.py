# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same as in bare.py, done by the collection as its modules do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import ORDER
from ansible_collections.svpc.virt.plugins.module_utils.task.addresses import WITHIN
from ansible_collections.svpc.virt.plugins.module_utils.task.info import virtual_system_info
from ansible_collections.svpc.virt.plugins.module_utils.task.inventory import read_hosts, variables_of
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import manage
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_systems import manage as manage_all


def read(uri: str) -> dict[str, Any]:
    """What module virtual_system_info returns."""
    return virtual_system_info(Task({"uri": uri}))


def inventory(uri: str) -> dict[str, dict[str, Any]]:
    """The variables of all inventory hosts, by name."""
    (reading,) = read_hosts([{"name": "bench", "uri": uri}], ORDER, WITHIN)
    assert reading.failure is None
    found = [variables_of(system, "bench", uri) for system in reading.systems]
    return {variables["virtual_system_name"]: variables for variables in found}


def declare(options: Mapping[str, Any], state: str) -> dict[str, Any]:
    """What module virtual_system returns."""
    return manage(Task({**options, "state": state}))


def declare_all(uri: str, declarations: Sequence[Mapping[str, Any]], **options: Any) -> dict[str, Any]:
    """What module virtual_systems returns."""
    return manage_all(Task({"uri": uri, "virtual_systems": list(declarations), **options}))
