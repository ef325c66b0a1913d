# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task with nothing to do, as ansible-playbook runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.svpc.virt.plugins.plugin_utils.in_process import SWITCH
from tests.laboratory import Host
from tests.tools.playbooks import PROJECT, environment

from . import product
from .guests import declaration
from .table import Answer, Question

HERE = Path(__file__).parent
FLOOR, PRODUCT = "floor", "product"


def time_of_task(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds of tasks that take turns in one play, and run where tasks for the controller do."""
    return _by_turns(host, question, rounds, {})


def time_of_shipped_task(host: Host, question: Question, rounds: int) -> Answer:
    """The same with modules that are sent, as they are to other hosts than the controller."""
    return _by_turns(host, question, rounds, {SWITCH: False})


def _by_turns(host: Host, question: Question, rounds: int, variables: dict[str, Any]) -> Answer:
    """The first task of each does not count: Ansible packs its module, and a sent one is compiled on the host."""
    options = declaration(host)
    product.declare(options, "defined")
    tasks = [
        {"name": FLOOR, "nothing": {}},
        {"name": PRODUCT, "svpc.virt.virtual_system": {**options, "state": "defined"}},
    ]
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks * (rounds + 1)}
    found = durations([play])
    product.declare(options, "absent")
    return Answer(question, found[FLOOR][1:], found[PRODUCT][1:])


def durations(playbook: list[dict[str, Any]]) -> dict[str, list[float]]:
    """What the tasks of a playbook took, by name.  Raises CalledProcessError, with the output, when it fails."""
    with tempfile.TemporaryDirectory(prefix="svpc-bench-") as folder:
        play, record = Path(folder, "play.yml"), Path(folder, "durations")
        play.write_text(json.dumps(playbook), encoding="utf-8")
        surroundings = {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_ACTION_PLUGINS": str(HERE / "action"),
            "ANSIBLE_LIBRARY": str(HERE / "library"),
            "SVPC_DURATIONS": str(record),
            # Modules find nothing that earlier runs have kept, and may keep what they compile.
            "XDG_CACHE_HOME": folder,
            "PYTHONDONTWRITEBYTECODE": "",
        }
        subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), play],
            cwd=PROJECT,
            env=environment(surroundings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        found: dict[str, list[float]] = {}
        for line in record.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            found.setdefault(entry["name"], []).append(entry["milliseconds"])
        return found
