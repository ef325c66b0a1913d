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

from . import growth, wbem
from .domains import furnish, populate
from .inventories import peer_is_installed
from .lines import kind_of_host, lines
from .table import Answer, table

HOST = "bench"
"""How the host's name begins; the rest keeps runs apart that happen at the same time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 also when a target is missed, for a bench asserts nothing."""
    names = [line[0].name for line in lines(0)]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    known = ", ".join([*names, *SURVEYS])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {known} (default: all but growth)")
    parser.add_argument("--systems", type=int, default=1000, metavar="N", help="systems on the host (default: 1000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number measured to a file as well")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="systems for growth (default: %(default)s)"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw growth into an SVG file as well")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - {*names, *SURVEYS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {known}")
    wanted = options.names or [*names, "wbem"]
    try:
        answers = measure([name for name in names if name in wanted], options.systems)
        if answers:
            print(table(answers), flush=True)
        if not options.names and not peer_is_installed():
            print("\npeer: not measured, community.libvirt is not installed", flush=True)
        for name in (name for name in SURVEYS if name in wanted):
            print(f"\n{SURVEYS[name](options)}", flush=True)
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


def measure(names: Sequence[str], systems: int) -> list[Answer]:
    """The answers, from hosts that are there for them alone."""
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
            answers.append(answer(hosts[kind], question, rounds))
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


SIZES = [10, 100, 1000]
SURVEYS: dict[str, Callable[[argparse.Namespace], str]] = {
    "wbem": lambda _options: wbem.told(wbem.survey()),
    "growth": survey_growth,
}
"""What is told in tables of their own."""


if __name__ == "__main__":
    sys.exit(main())
