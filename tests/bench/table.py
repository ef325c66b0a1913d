# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as a table of ratios: a machine's seconds say little, its ratios travel."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HEADINGS = ("", "floor", "collection", "ratio", "target", "")


@dataclass(frozen=True)
class Question:
    """One line of the table.

    name: how the command line calls it. product, floor: what is compared, in words.
    target: the ratio that is to be kept. unit: of what is measured, "ms" or "MB".
    """

    name: str
    product: str
    floor: str
    target: float
    unit: str = "ms"


@dataclass(frozen=True)
class Answer:
    """What was measured for a question: one number for each round, of the floor and of the collection."""

    question: Question
    floors: Sequence[float]
    products: Sequence[float]

    @property
    def floor(self) -> float:
        """The median of the floor."""
        return statistics.median(self.floors)

    @property
    def product(self) -> float:
        """The median of the collection."""
        return statistics.median(self.products)

    @property
    def ratio(self) -> float:
        """How many times the floor the collection takes."""
        return self.product / self.floor

    @property
    def met(self) -> bool:
        """Whether the ratio, as it is shown, keeps the target."""
        return round(self.ratio, 2) <= self.question.target

    def row(self) -> tuple[str, ...]:
        """The line of the table."""
        unit = self.question.unit
        return (
            self.question.name,
            f"{amount(self.floor)} {unit}",
            f"{amount(self.product)} {unit}",
            f"{self.ratio:.2f}",
            f"{self.question.target:.2f}",
            "met" if self.met else "missed",
        )

    def record(self) -> dict[str, Any]:
        """The same for other programs."""
        question = self.question
        return {
            "name": question.name,
            "product": question.product,
            "floor": question.floor,
            "unit": question.unit,
            "floors": list(self.floors),
            "products": list(self.products),
            "ratio": self.ratio,
            "target": question.target,
            "met": self.met,
        }


def amount(number: float) -> str:
    """A number with three digits that count."""
    return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f}"


def table(answers: Sequence[Answer]) -> str:
    """All answers, and below them what each line compares."""
    rows = [HEADINGS, *(answer.row() for answer in answers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    last = len(HEADINGS) - 1
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.append("")
    for answer in answers:
        question = answer.question
        lines.append(f"{question.name.ljust(widths[0])}  {question.product};")
        lines.append(f"{''.ljust(widths[0])}  floor: {question.floor}")
    return "\n".join(lines)
