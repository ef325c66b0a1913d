# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities with units: text at the edge, integers inside.

Inside the collection a quantity is an integer in the base unit of its dimension: bytes, bits per second, percent of
one host processor, or a plain count.  This module turns what users and servers write into those integers.

The grammar of programmatic units (``byte * 2^20``) is that of DSP0004, Annex C; the old ``Units`` words of CIM servers
(``MegaBytes``) mean powers of two, as every hypervisor applies them.
"""

from __future__ import annotations

import re
from fractions import Fraction

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput

BYTE = "byte"
BIT_PER_SECOND = "bit / second"
PERCENT = "percent"
COUNT = "count"
HERTZ = "hertz"

_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15, "e": 10**18}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40, "pi": 2**50, "ei": 2**60}


def _words() -> dict[str, tuple[str, Fraction]]:
    """Unit words (lower case) with their dimension and their scale to its base unit."""
    words: dict[str, tuple[str, Fraction]] = {}
    for prefix, scale in {**_DECIMAL, **_BINARY}.items():
        words[prefix + "b"] = (BYTE, Fraction(scale))
        for rate in ("bit/s", "bps", "bit / second"):
            words[prefix + rate] = (BIT_PER_SECOND, Fraction(scale))
        for rate in ("b/s", "byte/s", "byte / second"):
            words[prefix + rate] = (BIT_PER_SECOND, Fraction(scale * 8))
        words[prefix + "hz"] = (HERTZ, Fraction(scale))
    for prefix, power in (("", 0), ("kilo", 10), ("mega", 20), ("giga", 30), ("tera", 40)):
        for plural in ("", "s"):
            words[f"{prefix}byte{plural}"] = (BYTE, Fraction(2**power))
    for prefix, power in (("", 0), ("kilo", 3), ("mega", 6), ("giga", 9)):
        for plural in ("", "s"):
            words[f"{prefix}bit{plural} per second"] = (BIT_PER_SECOND, Fraction(10**power))
            words[f"{prefix}byte{plural} per second"] = (BIT_PER_SECOND, Fraction(8 * 10**power))
        words[f"{prefix}hertz"] = (HERTZ, Fraction(10**power))
    words.update({"percent": (PERCENT, Fraction(1)), "%": (PERCENT, Fraction(1))})
    for word in ("count", "processors", "cpus", "blocks", ""):
        words[word] = (COUNT, Fraction(1))
    return words


_WORDS = _words()
_BASE_UNITS = {"byte", "bytes", "bit", "bits", "second", "hertz", "percent", "count"}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_POWER = re.compile(r"(\d{1,6})\s*\^\s*([+-]?\d{1,3})")


def parse_unit(text: str) -> tuple[str, Fraction] | None:
    """The dimension of a unit and its scale to that dimension's base unit, or None when it is not a unit.

    Takes short words (``GiB``, ``MB``, ``Mbit/s``), the old words of CIM servers (``KiloBytes``) and programmatic units
    (``byte * 2^30``, ``bit / second * 10^6``).  In short words only ``b`` in ``bit`` means bits: ``MB`` is bytes.
    """
    wanted = " ".join(text.split()).lower()
    if wanted in _WORDS:
        return _WORDS[wanted]
    scale = Fraction(1)
    above: list[str] = []
    below: list[str] = []
    for operator, token in _tokens(wanted):
        power = _POWER.fullmatch(token)
        if power:
            factor: Fraction | None = Fraction(int(power.group(1))) ** int(power.group(2))
        elif _NUMBER.fullmatch(token):
            factor = Fraction(token)
        else:
            factor = None
            if token not in _BASE_UNITS:
                return None
            (below if operator == "/" else above).append(token[:-1] if token in ("bytes", "bits") else token)
        if factor is not None:
            if factor == 0:
                return None
            scale = scale / factor if operator == "/" else scale * factor
    if (above, below) == (["byte"], ["second"]):
        return BIT_PER_SECOND, scale * 8
    if (above, below) == (["bit"], ["second"]):
        return BIT_PER_SECOND, scale
    if (above, below) == (["bit"], []):
        return BYTE, scale / 8
    if len(above) == 1 and not below and above[0] in ("byte", "hertz", "percent", "count"):
        return above[0], scale
    return None


def _tokens(text: str) -> list[tuple[str, str]]:
    """Split ``a * b / c`` into (operator, operand) pairs."""
    pairs = []
    operator = "*"
    for part in re.split(r"([*/])", text):
        if part in ("*", "/"):
            operator = part
        else:
            pairs.append((operator, part.strip()))
    return pairs


def parse_quantity(value: int | str, dimension: str, units: str | None = None, where: str = "quantity") -> int:
    """An integer in the base unit of ``dimension`` from a number, or from text with a unit.

    ``units`` is the separate unit option, if given; ``where`` names the option in errors.  Raises InvalidInput for an
    unknown unit, for a unit of another dimension, for a negative quantity, and for one that is not a whole number of
    base units (``1.5 GiB`` is fine, half a byte is not).
    """
    scale = Fraction(1)
    if units is not None:
        scale = _scale_of(units, dimension, where)
    if isinstance(value, bool):
        raise InvalidInput(f"{where}: expected a quantity, got {value!r}")
    if isinstance(value, int):
        amount = Fraction(value)
    else:
        text = str(value).strip()
        number = re.match(r"[+-]?\d+(?:\.\d+)?(?![\d^])", text)
        # "2^30" alone or "byte * 2^30" starts with no plain number: the amount is then one unit.
        amount = Fraction(number.group(0)) if number else Fraction(1)
        rest = (text[number.end() :] if number else text).strip()
        if rest and units is not None:
            raise InvalidInput(f"{where}: {text!r} has a unit and a separate unit {units!r} is given as well")
        if rest:
            scale = _scale_of(rest, dimension, where)
        elif not number:
            raise InvalidInput(f"{where}: an empty text is not a quantity")
    result = amount * scale
    if result < 0:
        raise InvalidInput(f"{where}: {value!r} is negative")
    if result.denominator != 1:
        raise InvalidInput(f"{where}: {value!r} is not a whole number of {dimension}")
    return int(result)


_EXAMPLES = {
    BYTE: "B, KiB, MiB, GiB, TiB, kB, MB, GB, TB, byte * 2^20",
    BIT_PER_SECOND: "bit/s, kbit/s, Mbit/s, Gbit/s, MB/s, bit / second * 10^6",
    PERCENT: "percent, %",
    COUNT: "count",
}


def _scale_of(unit: str, dimension: str, where: str) -> Fraction:
    parsed = parse_unit(unit)
    allowed = _EXAMPLES.get(dimension, dimension)
    if parsed is None:
        raise InvalidInput(f"{where}: unit {unit!r} is not known; allowed are {allowed}", allowed=allowed.split(", "))
    if parsed[0] != dimension:
        raise InvalidInput(
            f"{where}: unit {unit!r} measures {parsed[0]}, not {dimension}; allowed are {allowed}",
            allowed=allowed.split(", "),
        )
    return parsed[1]


def size_words(count: int) -> str:
    """A number of bytes as people write it, for messages: the largest binary unit that keeps it exact."""
    for prefix, scale in reversed(list(_BINARY.items())):
        if count and count % scale == 0:
            return f"{count // scale} {prefix.capitalize()}B"
    return f"{count} B"


def about_size(count: int, decimals: int = 1) -> str:
    """A number of bytes for people to read: the largest binary unit it holds one of, rounded to some decimals."""
    for prefix, scale in reversed(list(_BINARY.items())):
        if abs(count) >= scale:
            number = f"{count / scale:.{decimals}f}"
            number = number.rstrip("0").rstrip(".") if "." in number else number
            return f"{number} {prefix.capitalize()}B"
    return f"{count} B"
