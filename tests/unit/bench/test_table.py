# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the bench."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import lines
from tests.bench.rounds import by_turns
from tests.bench.table import Answer, Question, amount, table

QUESTION = Question("read", "what the module returns", "the documents", 1.5)


def test_a_ratio_is_of_medians():
    answer = Answer(QUESTION, [90.0, 100.0, 5000.0], [120.0, 9000.0, 140.0])
    assert (answer.floor, answer.product) == (100.0, 140.0)
    assert answer.ratio == pytest.approx(1.4)
    assert answer.met


@pytest.mark.parametrize(("product", "met"), [(150.0, True), (150.4, True), (151.0, False)])
def test_the_target_is_kept_when_the_ratio_as_shown_keeps_it(product, met):
    assert Answer(QUESTION, [100.0], [product]).met is met


@pytest.mark.parametrize(
    ("number", "text"), [(0.456, "0.46"), (9.99, "9.99"), (12.345, "12.3"), (99.9, "99.9"), (123.4, "123")]
)
def test_amounts_have_three_digits(number, text):
    assert amount(number) == text


def test_the_table_tells_ratio_target_verdict_and_meaning():
    good = Answer(QUESTION, [100.0], [140.0])
    bad = Answer(Question("memory", "a process that reads", "a bare one", 2.0, "MB"), [30.0], [90.0])
    assert table([good, bad]).splitlines() == [
        "          floor  collection  ratio  target",
        "read     100 ms      140 ms   1.40    1.50  met",
        "memory  30.0 MB     90.0 MB   3.00    2.00  missed",
        "",
        "read    what the module returns;",
        "        floor: the documents",
        "memory  a process that reads;",
        "        floor: a bare one",
    ]


def test_other_programs_get_every_number():
    record = Answer(QUESTION, [100.0, 110.0], [140.0, 150.0]).record()
    assert record["floors"] == [100.0, 110.0]
    assert record["products"] == [140.0, 150.0]
    assert record["met"] is True


def test_floor_and_product_take_turns_and_the_first_round_does_not_count():
    done = []

    def measure(name):
        def work():
            done.append(name)
            return float(len(done))

        return work

    assert by_turns(measure("floor"), measure("product"), 2) == ([3.0, 5.0], [4.0, 6.0])
    assert done == ["floor", "product"] * 3


def test_every_line_has_a_name_of_its_own():
    names = [question.name for question, _answer, _rounds in lines(1000)]
    assert sorted(names) == sorted(set(names))
