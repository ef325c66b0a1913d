# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many virtual systems in one call of module virtual_systems, against bare calls of libvirt."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.laboratory import Host
from tests.tools.delay import delayed

from . import bare, product
from .bare import opened
from .domains import make_images
from .guests import declaration
from .peaks import peak
from .rounds import by_turns, milliseconds
from .table import Answer, Question
from .tasks import FLOOR, PRODUCT, durations

DISTANCE = 0.020
"""Seconds for a question and its answer, of a host that is far away."""
GUESTS = 20
"""Guests that are started together."""


def declarations(host: Host, systems: int, description: str = "one") -> list[dict[str, Any]]:
    """So many small systems, without connection options."""
    found = []
    for number in range(systems):
        options = declaration(host, f"many-{number:04}")
        del options["uri"]
        found.append({**options, "settings": {**options["settings"], "description": description}})
    return found


def prepare(host: Host, systems: int) -> list[dict[str, Any]]:
    """The declarations of systems whose disks are there; no other system is on the host."""
    bare.remove_all(host.uri)
    found = declarations(host, systems)
    make_images(host, [each["name"] for each in found])
    return found


def declared(host: Host, systems: int) -> list[dict[str, Any]]:
    """The same, and they are defined."""
    found = prepare(host, systems)
    product.declare_all(host.uri, found, state="defined")
    return found


def expect(result: Mapping[str, Any], changed: bool) -> Mapping[str, Any]:
    """The same result: a measurement of something else than was meant is none."""
    assert result["changed"] is changed, result.get("changes")
    return result


def documents_of(host: Host, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The documents that the collection defines for declarations, without their UUIDs; nothing stays defined."""
    product.declare_all(host.uri, found, state="defined")
    texts = [re.sub(r"\s*<uuid>.*</uuid>", "", text) for text in bare.documents(host.uri)]
    bare.remove_all(host.uri)
    return texts


def time_to_define(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """Milliseconds from an empty host to all of them defined."""
    return _made_anew(host, question, rounds, prepare(host, systems), "defined", bare.define_all)


def time_to_start_all(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds from an empty host to some guests running."""
    return _made_anew(host, question, rounds, prepare(host, GUESTS), "active", bare.start_all)


def _made_anew(
    host: Host,
    question: Question,
    rounds: int,
    found: Sequence[Mapping[str, Any]],
    state: str,
    floor: Callable[[str, Sequence[str]], None],
) -> Answer:
    texts = documents_of(host, found)

    def measured(work: Callable[[], Any]) -> float:
        cost = milliseconds(work)
        with opened(host.uri) as connection:
            assert len(connection.listAllDomains()) == len(found)
        bare.remove_all(host.uri)
        return cost

    return Answer(
        question,
        *by_turns(
            lambda: measured(lambda: floor(host.uri, texts)),
            lambda: measured(lambda: expect(product.declare_all(host.uri, found, state=state), True)),
            rounds,
        ),
    )


def time_with_nothing_to_do(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """Milliseconds of a second run."""
    found = declared(host, systems)
    return Answer(question, *_second_runs(host.uri, found, rounds, bare.documents))


def time_far_away(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """Milliseconds of a second run on a host far away."""
    found = declared(host, systems)
    with delayed(str(host.socket), DISTANCE) as socket:
        return Answer(
            question, *_second_runs(f"qemu+unix:///system?socket={socket}", found, rounds, bare.documents_side_by_side)
        )


def _second_runs(
    uri: str, found: Sequence[Mapping[str, Any]], rounds: int, floor: Callable[[str], Any]
) -> tuple[list[float], list[float]]:
    return by_turns(
        lambda: milliseconds(lambda: floor(uri)),
        lambda: milliseconds(lambda: expect(product.declare_all(uri, found, state="defined"), False)),
        rounds,
    )


def time_to_change(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """Milliseconds of changing one property of each."""
    declared(host, systems)
    texts = (f"<description>{number}</description>" for number in itertools.count())
    latest = ["<description>one</description>"]

    def floor() -> float:
        old, new = latest[0], next(texts)
        latest[0] = new
        return milliseconds(lambda: bare.change_all(host.uri, old, new))

    def changed() -> float:
        latest[0] = next(texts)
        wanted = declarations(host, systems, re.sub("<.*?>", "", latest[0]))
        return milliseconds(lambda: expect(product.declare_all(host.uri, wanted, state="defined"), True))

    return Answer(question, *by_turns(floor, changed, rounds))


def memory_of_many(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """MB at the highest, of a second run."""
    found = declared(host, systems)
    file = host.folder / "declarations.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    return Answer(
        question,
        *by_turns(
            lambda: peak(bare.__name__, "documents", host.uri),
            lambda: peak(__name__, "declare_file", host.uri, str(file)),
            rounds,
        ),
    )


def declare_file(uri: str, file: str) -> Mapping[str, Any]:
    """Converge the declarations in a file, which are those of the host."""
    return expect(product.declare_all(uri, json.loads(Path(file).read_text(encoding="utf-8")), state="defined"), False)


def time_of_loop(host: Host, question: Question, rounds: int, systems: int) -> Answer:
    """Milliseconds of a loop in a playbook, against the same loop over an action that does nothing."""
    found = declared(host, systems)
    arguments = {
        "uri": host.uri,
        "state": "defined",
        "name": "{{ item.name }}",
        "settings": "{{ item.settings }}",
        "resources": "{{ item.resources }}",
    }
    # A list that stands in the task itself is copied by Ansible for each of its items.
    loop = {"loop": "{{ systems }}", "loop_control": {"label": "{{ item.name }}"}}
    tasks: list[dict[str, Any]] = [
        {"name": name, action: arguments, **loop}
        for name, action in ((FLOOR, "nothing_here"), (PRODUCT, "svpc.virt.virtual_system"))
    ]
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"systems": found}, "tasks": tasks * rounds}
    taken = durations([play])
    return Answer(question, taken[FLOOR], taken[PRODUCT])
