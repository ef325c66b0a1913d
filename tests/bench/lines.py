# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to measure: each line of the table with what answers it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.laboratory import Host

from .guests import time_to_start
from .inventories import peer_is_installed, time_beside_the_peer, time_of_distance, time_of_inventory
from .many import (
    GUESTS,
    memory_of_many,
    time_far_away,
    time_of_loop,
    time_to_change,
    time_to_define,
    time_to_start_all,
    time_with_nothing_to_do,
)
from .peers import time_to_define_beside_the_peer, time_with_nothing_to_do_beside_the_peer
from .readings import memory_of_reading, time_of_reading
from .table import Answer, Question
from .tasks import time_of_shipped_task, time_of_task

OF_MANY_SYSTEMS = ("read", "memory", "inventory", "far", "peer")
"""What is measured on a host with many systems."""
BESIDE_THE_PEER = ("peer", "peer-define", "peer-unchanged")
"""What is measured where community.libvirt is installed."""
OF_DECLARED_SYSTEMS = (
    "define",
    "unchanged",
    "change",
    "starts",
    "footprint",
    "distance",
    "loop",
    "peer-define",
    "peer-unchanged",
)
"""What is measured on a host that has the systems declared for it and no other; the rest on one with none."""

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
                "shipped",
                "the same task with its module sent, as to another host than the controller",
                "a task whose module does nothing, in the same playbook (where the limit of 80 ms more was set: 125 ms)",
                1.64,
            ),
            time_of_shipped_task,
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
        *lines_of_many(systems),
        *(lines_beside_the_peer(systems) if peers else ()),
    ]


def lines_beside_the_peer(systems: int) -> list[Line]:
    """What there is to measure of one task against a loop; the target is a fiftieth."""
    product = f"one virtual_systems task for {systems} systems, for each of them"
    return [
        (
            Question(
                "peer-define", f"{product}, on an empty host", "a loop over community.libvirt.virt, likewise", 0.02
            ),
            partial(time_to_define_beside_the_peer, systems=systems),
            2,
        ),
        (
            Question("peer-unchanged", f"{product}, with nothing to do", "the loop once more, likewise", 0.02),
            partial(time_with_nothing_to_do_beside_the_peer, systems=systems),
            2,
        ),
    ]


def lines_of_many(systems: int) -> list[Line]:
    """What there is to measure of many systems declared in one call."""
    documents = "list of the domains and document of each with bare libvirt-python"
    return [
        (
            Question(
                "define",
                f"{systems} systems declared on an empty host, in one call of virtual_systems",
                "define of the same documents with bare libvirt-python",
                1.5,
            ),
            partial(time_to_define, systems=systems),
            3,
        ),
        (
            Question("unchanged", f"the same call once more for {systems} systems, with nothing to do", documents, 2.0),
            partial(time_with_nothing_to_do, systems=systems),
            7,
        ),
        (
            Question(
                "change",
                f"one property changed of each of {systems} systems, in one call",
                "document, text replaced, define of each with bare libvirt-python",
                1.5,
            ),
            partial(time_to_change, systems=systems),
            3,
        ),
        (
            Question(
                "starts",
                f"{GUESTS} small guests declared and running, in one call",
                "define and start of the same documents with bare libvirt-python",
                1.2,
            ),
            time_to_start_all,
            3,
        ),
        (
            Question(
                "footprint",
                f"the most memory of a process that makes the call with nothing to do for {systems} systems",
                "the same of a process that keeps the documents",
                150,
                "MB",
                "amount",
            ),
            partial(memory_of_many, systems=systems),
            2,
        ),
        (
            Question(
                "distance",
                f"the call with nothing to do for {systems} systems of a host 20 ms away",
                "their documents over the same distance with bare libvirt-python, 16 calls at a time",
                3000,
                "ms",
                "amount",
            ),
            partial(time_far_away, systems=systems),
            1,
        ),
        (
            Question(
                "loop",
                f"a loop of {systems} virtual_system items with nothing to do, in a playbook",
                "the same loop over an action that does nothing with the same arguments (where the limit of 10 s was set: 2.5 s)",
                4.0,
            ),
            partial(time_of_loop, systems=systems),
            1,
        ),
    ]


def kind_of_host(name: str) -> str:
    """Which host something is measured on."""
    if name in OF_MANY_SYSTEMS:
        return "many"
    return "declared" if name in OF_DECLARED_SYSTEMS else "empty"
