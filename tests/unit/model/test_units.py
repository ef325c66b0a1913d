# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities with units: what users write, what servers write, and what neither may write."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.units import (
    BIT_PER_SECOND,
    BYTE,
    COUNT,
    HERTZ,
    PERCENT,
    parse_quantity,
    parse_unit,
    size_words,
)

STEADY = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("text", "dimension", "scale"),
    [
        # short words
        ("B", BYTE, 1),
        ("kB", BYTE, 10**3),
        ("KB", BYTE, 10**3),
        ("MB", BYTE, 10**6),
        ("GB", BYTE, 10**9),
        ("TB", BYTE, 10**12),
        ("PB", BYTE, 10**15),
        ("KiB", BYTE, 2**10),
        ("MiB", BYTE, 2**20),
        ("gib", BYTE, 2**30),
        ("TiB", BYTE, 2**40),
        ("EiB", BYTE, 2**60),
        ("bit/s", BIT_PER_SECOND, 1),
        ("kbit/s", BIT_PER_SECOND, 10**3),
        ("Mbit/s", BIT_PER_SECOND, 10**6),
        ("Gbps", BIT_PER_SECOND, 10**9),
        ("MB/s", BIT_PER_SECOND, 8 * 10**6),
        ("KiB/s", BIT_PER_SECOND, 8 * 2**10),
        ("MHz", HERTZ, 10**6),
        ("%", PERCENT, 1),
        # programmatic units
        ("byte", BYTE, 1),
        ("byte * 2^20", BYTE, 2**20),
        ("byte*2^10", BYTE, 2**10),
        ("Byte * 10^6", BYTE, 10**6),
        ("bytes*10^3", BYTE, 10**3),
        ("  byte   *  2^30  ", BYTE, 2**30),
        ("byte * 2 ^ 30", BYTE, 2**30),
        ("byte * 10^+6", BYTE, 10**6),
        ("byte * 512", BYTE, 512),
        ("byte * 2^10 * 4", BYTE, 2**12),
        ("byte * 2^20 / 2", BYTE, 2**19),
        ("byte / 4 * 2^10", BYTE, 2**8),
        ("bit * 2^3", BYTE, 1),
        ("bit / second", BIT_PER_SECOND, 1),
        ("bit / second * 10^6", BIT_PER_SECOND, 10**6),
        ("bits/second*10^3", BIT_PER_SECOND, 10**3),
        ("bit * 10^3 / second", BIT_PER_SECOND, 10**3),
        ("byte / second * 10^3", BIT_PER_SECOND, 8 * 10**3),
        ("byte * 10^3 / second", BIT_PER_SECOND, 8 * 10**3),
        ("hertz * 10^6", HERTZ, 10**6),
        ("percent", PERCENT, 1),
        ("percent / 1000", PERCENT, Fraction(1, 1000)),
        ("percent * 10^-2", PERCENT, Fraction(1, 100)),
        ("count", COUNT, 1),
        ("count * 10^3", COUNT, 1000),
        # the old words of CIM servers
        ("Bytes", BYTE, 1),
        ("KiloBytes", BYTE, 2**10),
        ("MegaBytes", BYTE, 2**20),
        ("Megabytes", BYTE, 2**20),
        ("GigaBytes", BYTE, 2**30),
        ("TeraBytes", BYTE, 2**40),
        ("Bits per Second", BIT_PER_SECOND, 1),
        ("KiloBits per Second", BIT_PER_SECOND, 10**3),
        ("MegaBits  per second", BIT_PER_SECOND, 10**6),
        ("KiloBytes per Second", BIT_PER_SECOND, 8 * 10**3),
        ("MegaHertz", HERTZ, 10**6),
        ("Percent", PERCENT, 1),
        ("Processors", COUNT, 1),
        ("CPUs", COUNT, 1),
        ("Blocks", COUNT, 1),
        ("", COUNT, 1),
    ],
)
def test_units(text: str, dimension: str, scale: int | Fraction) -> None:
    assert parse_unit(text) == (dimension, Fraction(scale))


@pytest.mark.parametrize(
    "text",
    [
        "parsec",
        "MiBit",
        "byte *",
        "* 2^10",
        "byte ** 2",
        "byte * 0",
        "byte / 0",
        "byte * 2^",
        "byte * byte",
        "byte / byte",
        "second",
        "second / byte",
        "byte / second / second",
        "2^10",
        "10",
        "byte 2^10",
        "G B",
        "/",
        "byte * 2.5.5",
        "byte * 2^99999999",
    ],
)
def test_what_is_no_unit(text: str) -> None:
    assert parse_unit(text) is None


@pytest.mark.parametrize(
    ("value", "dimension", "unit", "result"),
    [
        (4, BYTE, None, 4),
        ("4", BYTE, None, 4),
        ("+4", BYTE, None, 4),
        (" 4 GiB ", BYTE, None, 4 * 2**30),
        ("4GiB", BYTE, None, 4 * 2**30),
        ("4 gib", BYTE, None, 4 * 2**30),
        ("1.5 GiB", BYTE, None, 3 * 2**29),
        ("0.5 KiB", BYTE, None, 512),
        ("20 GB", BYTE, None, 20 * 10**9),
        (4, BYTE, "GiB", 4 * 2**30),
        ("4", BYTE, "byte * 2^30", 4 * 2**30),
        (512, BYTE, "KiloBytes", 2**19),
        ("byte * 2^30", BYTE, None, 2**30),
        ("4 byte * 2^30", BYTE, None, 2**32),
        ("16 bit", BYTE, None, 2),
        ("100 Mbit/s", BIT_PER_SECOND, None, 10**8),
        ("1 MB/s", BIT_PER_SECOND, None, 8 * 10**6),
        ("bit / second * 10^6", BIT_PER_SECOND, None, 10**6),
        ("50 %", PERCENT, None, 50),
        ("50%", PERCENT, None, 50),
        (50, PERCENT, "percent", 50),
        (50000, PERCENT, "percent / 1000", 50),
        (2, COUNT, None, 2),
        (2, COUNT, "count", 2),
        ("2 processors", COUNT, None, 2),
        (0, BYTE, None, 0),
        ("0 GiB", BYTE, None, 0),
    ],
)
def test_quantities(value: int | str, dimension: str, unit: str | None, result: int) -> None:
    found = parse_quantity(value, dimension, unit)
    assert found == result
    assert type(found) is int


@pytest.mark.parametrize(
    ("value", "dimension", "unit", "words"),
    [
        ("4 parsec", BYTE, None, ["memory", "parsec", "not known", "GiB"]),
        (4, BYTE, "parsec", ["memory", "parsec", "not known", "GiB"]),
        ("4 MHz", BYTE, None, ["memory", "MHz", "hertz", "not byte", "GiB"]),
        ("4 GiB", COUNT, None, ["memory", "GiB", "byte", "count"]),
        ("50 %", BIT_PER_SECOND, None, ["memory", "%", "Mbit/s"]),
        ("4 GiB", BYTE, "MiB", ["memory", "4 GiB", "MiB", "as well"]),
        ("-1 GiB", BYTE, None, ["memory", "negative"]),
        (-1, BYTE, None, ["memory", "negative"]),
        ("0.1 B", BYTE, None, ["memory", "0.1 B", "whole number"]),
        ("1 bit", BYTE, None, ["memory", "whole number"]),
        ("", BYTE, None, ["memory", "empty"]),
        ("  ", BYTE, None, ["memory", "empty"]),
        (True, BYTE, None, ["memory", "True"]),
        ("four", BYTE, None, ["memory", "four"]),
        ("1,5 GiB", BYTE, None, ["memory", "not known"]),
        ("1e3 B", BYTE, None, ["memory", "not known"]),
        (1.5, BYTE, None, ["memory", "1.5"]),
        ([1], BYTE, None, ["memory", "[1]"]),
    ],
)
def test_what_is_no_quantity(value: object, dimension: str, unit: str | None, words: list[str]) -> None:
    with pytest.raises(InvalidInput) as failure:
        parse_quantity(value, dimension, unit, "memory")  # type: ignore[arg-type]
    assert [word for word in words if word not in failure.value.message] == [], failure.value.message


@STEADY
@given(st.integers(min_value=0, max_value=2**70))
def test_sizes_survive_being_written(count: int) -> None:
    assert parse_quantity(size_words(count), BYTE) == count


@STEADY
@given(
    st.integers(0, 2**20),
    st.sampled_from(["B", "KiB", "MiB", "GiB", "kB", "GB", "KiloBytes", "byte * 2^20", "bytes*10^3"]),
    st.booleans(),
)
def test_a_unit_beside_the_number_and_after_it_are_the_same(amount: int, unit: str, as_text: bool) -> None:
    assert parse_quantity(str(amount) if as_text else amount, BYTE, unit) == parse_quantity(f"{amount} {unit}", BYTE)


@STEADY
@given(
    st.sampled_from(["byte", "bytes", "Byte"]),
    st.lists(
        st.tuples(
            st.sampled_from("*/"), st.one_of(st.integers(1, 99), st.tuples(st.integers(1, 9), st.integers(0, 30)))
        ),
        max_size=4,
    ),
    st.sampled_from(["", " ", "  "]),
)
def test_programmatic_units_multiply_and_divide(
    base: str, factors: list[tuple[str, int | tuple[int, int]]], blank: str
) -> None:
    text, scale = base, Fraction(1)
    for operator, factor in factors:
        word = str(factor) if isinstance(factor, int) else f"{factor[0]}^{factor[1]}"
        number = Fraction(factor if isinstance(factor, int) else factor[0] ** factor[1])
        text += f"{blank}{operator}{blank}{word}"
        scale = scale * number if operator == "*" else scale / number
    assert parse_unit(text) == (BYTE, scale)


@STEADY
@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_a_failure_in_words(text: str) -> None:
    try:
        found = parse_quantity(text, BYTE, where="memory")
    except InvalidInput as failure:
        message = failure.message
    else:
        message = f"memory: {found}"
        assert found >= 0
    assert message.startswith("memory: ")
