# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures on a private host what runs cost: python -m tests.bench [NAME …]."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.laboratory import Host, Laboratory, LaboratoryError

from .domains import furnish, populate
from .guests import time_to_start
from .inventories import peer_is_installed, time_beside_the_peer, time_of_distance, time_of_inventory
from .readings import memory_of_reading, time_of_reading
from .table import Answer, Question, table
from .tasks import time_of_task

HOST = "bench"
"""How the host's name begins; the rest keeps runs apart that happen at the same time."""
OF_MANY_SYSTEMS = ("read", "memory", "inventory", "far", "peer")
"""What is measured on a host with many systems; the rest on one with none."""

Line = tuple[Question, Callable[[Host, Question, int], Answer], int]
"""A question, what answers it, and in how many rounds."""


def lines(systems: int) -> list[Line]:
    """Everything there is to measure."""
    beside_the_peer: Line = (
        Question(
            "peer",
            f"ansible-inventory --graph of {systems} systems with svpc.virt.virtual_systems",
            "the same with community.libvirt.libvirt",
            1.0,
        ),
        time_beside_the_peer,
        3,
    )
    peers = [beside_the_peer] if peer_is_installed() else []
    return [
        (
            Question(
                "task",
                "one virtual_system task with nothing to do, in a playbook",
                "a task whose module does nothing, in the same playbook",
                1.5,
            ),
            time_of_task,
            15,
        ),
        (
            Question(
                "start",
                "a small virtual system from a declaration to running: read, planned, defined, started, read again",
                "define and start of the same document with bare libvirt-python",
                1.5,
            ),
            time_to_start,
            9,
        ),
        (
            Question(
                "read",
                f"what virtual_system_info returns of {systems} defined systems",
                "list of the domains and document of each with bare libvirt-python",
                1.5,
            ),
            time_of_reading,
            15,
        ),
        (
            Question(
                "memory",
                f"the most memory of a process that reads {systems} systems as above",
                "the same of a process that keeps the documents",
                2.0,
                "MB",
            ),
            memory_of_reading,
            3,
        ),
        (
            Question(
                "inventory",
                f"ansible-inventory --list of {systems} systems with svpc.virt.virtual_systems",
                "the same list by a plugin that asks for the documents and has the variables already",
                1.3,
            ),
            time_of_inventory,
            5,
        ),
        (
            Question(
                "far",
                f"reading {systems} systems for the inventory from a host 20 ms away (3000 ms are the limit)",
                "their documents over the same distance with bare libvirt-python, 16 calls at a time",
                1.5,
            ),
            time_of_distance,
            5,
        ),
        *peers,
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 also when a target is missed, for a bench asserts nothing."""
    names = [line[0].name for line in lines(0)]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(names)} (default: all)")
    parser.add_argument("--systems", type=int, default=1000, metavar="N", help="systems on the host (default: 1000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number measured to a file as well")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    try:
        answers = measure(options.names or names, options.systems)
    except LaboratoryError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stdout or ''}{error.stderr or ''}", file=sys.stderr)
        return 1
    print(table(answers))
    if options.json:
        records = [answer.record() for answer in answers]
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(names: Sequence[str], systems: int) -> list[Answer]:
    """The answers, from a host that is there for them alone."""
    answers = []
    populated = False
    with Laboratory() as laboratory:
        host = laboratory.start(f"{HOST}-{os.getpid()}")
        furnish(host)
        for question, answer, rounds in lines(systems):
            if question.name not in names:
                continue
            if question.name in OF_MANY_SYSTEMS and not populated:
                populate(host, systems)
                populated = True
            answers.append(answer(host, question, rounds))
    return answers


if __name__ == "__main__":
    sys.exit(main())
