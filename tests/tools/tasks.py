# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs single tasks as a worker of Ansible does, but in this process: what comes back is what a play registers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import ansible.plugins.loader as plugin_loaders
from ansible._internal._task import TaskContext
from ansible.executor.task_executor import TaskExecutor
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.vars.manager import VariableManager

HOST = "here"


def run_task(
    module: str,
    arguments: Mapping[str, Any],
    keywords: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    play: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    others: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The result of a task on a host with a local connection and the Python of this process.

    module: with its collection. keywords: of the task. variables: of the host. play: keywords of the play.
    folder: where the play lies. others: variables of other hosts.
    """
    loader = DataLoader()
    if folder is not None:
        loader.set_basedir(str(folder))
    inventory = InventoryManager(loader, sources=[f"{HOST},"])
    for name, values in (others or {}).items():
        inventory.add_host(name)
        inventory.hosts[name].vars.update(values)
    manager = VariableManager(loader, inventory)
    source = {
        "hosts": HOST,
        "gather_facts": False,
        "connection": "local",
        **(play or {}),
        "tasks": [{module: dict(arguments), **(keywords or {})}],
    }
    loaded = Play.load(source, variable_manager=manager, loader=loader)
    ((task,),) = loaded.get_tasks()
    found = {
        **manager.get_vars(play=loaded, host=inventory.get_host(HOST), task=task),
        "ansible_python_interpreter": sys.executable,
        **(variables or {}),
    }
    host = inventory.get_host(HOST)
    others_of_executor: Any = (PlayContext(play=loaded), loader, plugin_loaders, mock.Mock(), manager)
    if not hasattr(TaskContext, "create"):  # before ansible-core 2.21
        result: dict[str, Any] = TaskExecutor(host, task, found, *others_of_executor).run()
        return result
    with TaskContext.create(task=task, task_vars=found, host_name=HOST):
        given: Any = TaskExecutor(host, *others_of_executor).run()
        given.finalize_registered_values()
        result = given.as_result_dict(for_round_trip=True)
    return result
