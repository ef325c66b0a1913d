# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many virtual systems in one task, against a loop over module community.libvirt.virt.

The loop takes so long that it is measured with some systems; both are told for each system.
"""

from __future__ import annotations

from typing import Any

from tests.laboratory import Host

from . import bare
from .many import documents_of, prepare
from .table import Answer, Question
from .tasks import FLOOR, PRODUCT, durations

PEER = "community.libvirt.virt"
SYSTEMS = 20
"""Systems of the loop."""


def time_to_define_beside_the_peer(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """Milliseconds for each system, from an empty host to all of them defined."""
    return _beside_the_peer(host, question, rounds, systems, once_more=False)


def time_with_nothing_to_do_beside_the_peer(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """Milliseconds for each system of the same tasks once more."""
    return _beside_the_peer(host, question, rounds, systems, once_more=True)


def _beside_the_peer(host: Host, question: Question, rounds: int, systems: int, once_more: bool) -> Answer:
    found = prepare(host, systems)
    texts = documents_of(host, found)[:SYSTEMS]
    tasks: dict[str, tuple[dict[str, Any], int]] = {
        FLOOR: ({PEER: {"command": "define", "xml": "{{ item }}", "uri": host.uri}, "loop": texts}, len(texts)),
        PRODUCT: (
            {"svpc.virt.virtual_systems": {"uri": host.uri, "state": "defined", "virtual_systems": found}},
            systems,
        ),
    }
    taken: dict[str, list[float]] = {FLOOR: [], PRODUCT: []}
    for _round in range(rounds):
        for name, (task, number) in tasks.items():
            play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"name": name, **task}] * (1 + once_more)}
            taken[name].append(durations([play])[name][-1] / number)
            bare.remove_all(host.uri)
    return Answer(question, taken[FLOOR], taken[PRODUCT])
