# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reading of all virtual systems of a host."""

from __future__ import annotations

from tests.laboratory import Host

from . import bare, product
from .peaks import peak
from .rounds import by_turns, milliseconds
from .table import Answer, Question


def time_of_reading(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds."""
    floors, products = by_turns(
        lambda: milliseconds(lambda: bare.documents(host.uri)),
        lambda: milliseconds(lambda: product.read(host.uri)),
        rounds,
    )
    return Answer(question, floors, products)


def memory_of_reading(host: Host, question: Question, rounds: int) -> Answer:
    """MB at the highest."""
    floors, products = by_turns(
        lambda: peak(bare.__name__, "documents", host.uri), lambda: peak(product.__name__, "read", host.uri), rounds
    )
    return Answer(question, floors, products)
