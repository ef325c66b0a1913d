# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as a table of ratios: a machine's seconds say little, its ratios travel."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

HEADINGS = ("", "floor", "collection", "ratio", "target", "")


@dataclass(frozen=True)
class Question:
    """One line of the table.

    name: how the command line calls it. product, floor: what is compared, in words.
    target: what is to be kept. unit: of what is measured, "ms" or "MB". bounds: what the target bounds: the
    "ratio" to the floor, or the "amount" itself.
    """

    name: str
    product: str
    floor: str
    target: float
    unit: str = "ms"
    bounds: Literal["ratio", "amount"] = "ratio"

    @property
    def bound(self) -> str:
        """The target in words."""
        if self.bounds == "ratio":
            return times(self.target)
        return f"{amount(self.target)} {self.unit}"


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
        """Whether what the target bounds, as it is shown, keeps it."""
        bounded = float(times(self.ratio)) if self.question.bounds == "ratio" else self.product
        return bounded <= self.question.target

    def row(self) -> tuple[str, ...]:
        """The line of the table."""
        unit = self.question.unit
        return (
            self.question.name,
            f"{amount(self.floor)} {unit}",
            f"{amount(self.product)} {unit}",
            times(self.ratio),
            self.question.bound,
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
            "bounds": question.bounds,
            "met": self.met,
        }


def times(ratio: float) -> str:
    """A ratio with two places behind the point, or three where the first two say too little."""
    return f"{ratio:.{2 if ratio >= 0.1 else 3}f}"


def amount(number: float) -> str:
    """A number with three digits that count."""
    return f"{number:.{2 if number < 10 else 1 if number < 100 else 0}f}"


def table(answers: Sequence[Answer]) -> str:
    """All answers, and below them what each line compares."""
    first = max(len(answer.question.name) for answer in answers)
    lines = [short_table(answers), ""]
    for answer in answers:
        question = answer.question
        lines.append(f"{question.name.ljust(first)}  {question.product};")
        lines.append(f"{''.ljust(first)}  floor: {question.floor}")
    return "\n".join(lines)


def short_table(answers: Sequence[Answer]) -> str:
    """All answers alone."""
    return "\n".join(grid([HEADINGS, *(answer.row() for answer in answers)], left=(0, len(HEADINGS) - 1)))


def grid(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> list[str]:
    """Rows as lines with their columns in line; numbers stand to the right, the columns ``left`` to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
