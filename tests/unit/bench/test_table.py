# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the bench."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.bench import growth, wbem
from tests.bench.growth import Step
from tests.bench.lines import kind_of_host, lines
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


@pytest.mark.parametrize(("product", "shown", "met"), [(2.0, "0.020", True), (2.3, "0.023", False)])
def test_small_ratios_have_digits_that_count(product, shown, met):
    answer = Answer(Question("peer", "a task", "a loop", 0.02), [100.0], [product])
    assert (answer.row()[3], answer.row()[4], answer.met) == (shown, "0.020", met)


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


@pytest.mark.parametrize(
    ("bounds", "products", "met", "words"),
    [
        ("amount", [150.0], True, "150 ms"),
        ("amount", [151.0], False, "150 ms"),
        ("ratio", [15_000.0], True, "150.00"),
        ("ratio", [15_002.0], False, "150.00"),
    ],
)
def test_a_target_bounds_the_amount_or_the_ratio_as_it_is_shown(bounds, products, met, words):
    answer = Answer(Question("loop", "a loop", "one task", 150, "ms", bounds), [100.0], products)
    assert (answer.met, answer.row()[4]) == (met, words)


def test_requests_and_the_time_they_take_are_told_side_by_side():
    reading = wbem.Surveyed("standard", 200, wbem.Reading(7, 500.0), wbem.Reading(401, 9000.0))
    written = wbem.Surveyed("standard", 10, wbem.Reading(90, 900.0), wbem.Reading(30, 300.0))
    words = wbem.told(([reading], [written])).splitlines()
    assert words[2].split() == ["standard", "200", "7", "500", "ms", "401", "9000", "ms", "18.0"]
    assert words[-1].split() == ["standard", "10", "90", "900", "ms", "30", "300", "ms"]


def test_growth_is_told_for_each_system_and_drawn():
    steps = [Step(10, 100.0, 20.0, 40.0), Step(1000, 5000.0, 1000.0, 90.0)]
    assert growth.told(steps).splitlines()[2].split()[:5] == ["10", "100", "ms", "10.0", "ms"]
    drawn = ElementTree.fromstring(growth.picture(steps))
    lines_drawn = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines_drawn) == 3
    (first, last) = [tuple(map(float, point.split(","))) for point in lines_drawn[0].attrib["points"].split()]
    assert first[0] < last[0]
    assert first[1] > last[1]


def test_each_line_names_a_host_that_is_made_for_it():
    kinds = {question.name: kind_of_host(question.name) for question, _answer, _rounds in lines(1000)}
    assert {"task": "empty", "read": "many", "define": "declared"}.items() <= kinds.items()


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
