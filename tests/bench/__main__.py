# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures on private hosts what runs cost: python -m tests.bench [NAME …]."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.laboratory import Host, Laboratory, LaboratoryError

from . import document, growth, wbem
from .domains import furnish, populate
from .inventories import peer_is_installed
from .lines import BESIDE_THE_PEER, kind_of_host, lines
from .table import Answer, short_table, table

HOST = "bench"
"""How the host's name begins; the rest keeps runs apart that happen at the same time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 also when a target is missed, for a bench asserts nothing."""
    names = [line[0].name for line in lines(0)]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    known = ", ".join([*names, *SURVEYS])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {known} (default: all but growth)")
    parser.add_argument("--systems", type=int, metavar="N", help="systems on the host (default: 1000)")
    parser.add_argument("--quick", action="store_true", help="100 systems and few rounds: shows that it works")
    parser.add_argument("--write", action="store_true", help="measure all, growth too, and write it into docs/")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number measured to a file as well")
    parser.add_argument(
        "--sizes", type=int, nargs="+", metavar="N", help="systems for growth (default: 10 100 1000 5000)"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw growth into an SVG file as well")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - {*names, *SURVEYS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {known}")
    if options.write and (options.names or options.quick):
        parser.error("--write is for a whole run: neither NAME nor --quick goes with it")
    options.systems = options.systems or (100 if options.quick else 1000)
    options.sizes = options.sizes or SIZES[: 2 if options.quick else None]
    wanted = options.names or [*names, "wbem", *(["growth"] if options.write else [])]
    if options.write:
        options.picture = options.picture or document.PICTURE
    try:
        answers = measure([name for name in names if name in wanted], options.systems, QUICK if options.quick else None)
        if answers:
            print(table(answers), flush=True)
            if options.write:
                document.write("lines", f"\n{document.machine()}:\n{document.block(short_table(answers))}")
        if not options.names and not peer_is_installed():
            print(f"\n{', '.join(BESIDE_THE_PEER)}: not measured, community.libvirt is not installed", flush=True)
        for name in (name for name in SURVEYS if name in wanted):
            told = SURVEYS[name](options)
            print(f"\n{told}", flush=True)
            if options.write:
                document.write(name, document.block(told) + PICTURES.get(name, ""))
    except LaboratoryError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stdout or ''}{error.stderr or ''}", file=sys.stderr)
        return 1
    if options.json:
        records = [answer.record() for answer in answers]
        options.json.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(names: Sequence[str], systems: int, most: int | None = None) -> list[Answer]:
    """The answers, from hosts that are there for them alone; each in so many rounds at ``most``."""
    answers = []
    hosts: dict[str, Host] = {}
    with Laboratory() as laboratory:
        for question, answer, rounds in lines(systems):
            if question.name not in names:
                continue
            kind = kind_of_host(question.name)
            if kind not in hosts:
                host = hosts[kind] = laboratory.start(f"{HOST}-{kind}-{os.getpid()}")
                furnish(host)
                if kind == "many":
                    populate(host, systems)
            print(f"{question.name} …", file=sys.stderr, flush=True)
            answers.append(answer(hosts[kind], question, min(rounds, most or rounds)))
    return answers


def survey_growth(options: argparse.Namespace) -> str:
    """How cost grows with the number of systems."""
    with Laboratory() as laboratory:
        host = laboratory.start(f"{HOST}-growth-{os.getpid()}")
        furnish(host)
        steps = [growth.step(host, systems) for systems in options.sizes]
    if options.picture:
        options.picture.write_text(growth.picture(steps), encoding="utf-8")
    return growth.told(steps)


QUICK = 2
"""Rounds of a quick run."""
SIZES = [10, 100, 1000, 5000]
SURVEYS: dict[str, Callable[[argparse.Namespace], str]] = {
    "wbem": lambda _options: wbem.told(wbem.survey()),
    "growth": survey_growth,
}
"""What is told in tables of their own."""
PICTURES = {"growth": f"![Cost by number of virtual systems]({document.PICTURE.name})\n\n"}
"""What stands below such a table in the document."""


if __name__ == "__main__":
    sys.exit(main())
