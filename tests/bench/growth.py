# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the cost of declaring systems grows with their number, as a table and a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Template

from tests.laboratory import Host

from . import bare, many, product
from .peaks import peak
from .rounds import milliseconds
from .table import amount, grid

HEADINGS = ("systems", "define", "for each", "nothing to do", "for each", "most memory")
TEMPLATE = Path(__file__).with_name("growth.svg.j2")
LEFT, TOP, WIDTH, HEIGHT = 70, 30, 480, 300


@dataclass(frozen=True)
class Step:
    """What so many systems cost: milliseconds to define them and of the same call once more, MB of its process."""

    systems: int
    define: float
    unchanged: float
    memory: float


def step(host: Host, systems: int) -> Step:
    """Measure with so many systems on the host, and no other."""
    found = many.prepare(host, systems)
    define = milliseconds(lambda: many.expect(product.declare_all(host.uri, found, state="defined"), True))
    unchanged = milliseconds(lambda: many.expect(product.declare_all(host.uri, found, state="defined"), False))
    file = host.folder / "declarations.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    memory = peak(many.__name__, "declare_file", host.uri, str(file))
    bare.remove_all(host.uri)
    return Step(systems, define, unchanged, memory)


def told(steps: Sequence[Step]) -> str:
    """The table."""
    rows = [HEADINGS]
    for each in steps:
        rows.append(
            (
                str(each.systems),
                f"{amount(each.define)} ms",
                f"{amount(each.define / each.systems)} ms",
                f"{amount(each.unchanged)} ms",
                f"{amount(each.unchanged / each.systems)} ms",
                f"{amount(each.memory)} MB",
            )
        )
    return "\n".join(["Many systems in one call of virtual_systems", *grid(rows, left=())])


def picture(steps: Sequence[Step]) -> str:
    """An SVG with a logarithmic scale on both sides: what grows with the number is a line at 45 degrees."""
    curves = {
        "define (ms)": [each.define for each in steps],
        "nothing to do (ms)": [each.unchanged for each in steps],
        "most memory (MB)": [each.memory for each in steps],
    }
    values = [value for curve in curves.values() for value in curve]
    across = _scale([each.systems for each in steps])
    up = _scale(values)

    def x(value: float) -> float:
        return round(LEFT + WIDTH * across(value), 1)

    def y(value: float) -> float:
        return round(TOP + HEIGHT * (1 - up(value)), 1)

    lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Template(TEMPLATE.read_text(encoding="utf-8"), keep_trailing_newline=True).render(
        left=LEFT,
        top=TOP,
        right=LEFT + WIDTH,
        bottom=TOP + HEIGHT,
        columns=[(x(each.systems), each.systems) for each in steps],
        lines=[(y(10**power), 10**power) for power in range(lowest, highest + 1)],
        curves=[
            (name, [(x(each.systems), y(value)) for each, value in zip(steps, curve, strict=True)])
            for name, curve in curves.items()
        ],
    )


def _scale(values: Sequence[float]) -> Scale:
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values)))
    return Scale(math.log10(low), math.log10(max(high, low * 10)))


@dataclass(frozen=True)
class Scale:
    """Decades from end to end."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Where a value stands, from 0 to 1."""
        return (math.log10(value) - self.low) / (self.high - self.low)
