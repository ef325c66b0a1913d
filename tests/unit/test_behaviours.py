# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test that docs/behaviours.md names exists, and every promise names one."""

from __future__ import annotations

import itertools
import pathlib
import re

import pytest

TESTS = pathlib.Path(__file__).parents[1]
LINES = (TESTS.parent / "docs/behaviours.md").read_text(encoding="utf-8").splitlines()
ROWS = [
    line for line, following in itertools.pairwise([*LINES, ""]) if line.startswith("| ") and following[:3] != "|--"
]


def shown_by(row: str) -> list[str]:
    """The tests a row names."""
    return re.findall(r"`([^`]+)`", row.rstrip("|").rpartition(" | ")[2])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0].strip("| "))
def test_a_promise_is_shown_by_tests_that_exist(row: str) -> None:
    assert shown_by(row)
    for reference in shown_by(row):
        path, _separator, name = reference.partition("::")
        text = (TESTS / path).read_text(encoding="utf-8")
        if path.endswith(".py"):
            assert re.search(rf"^ *def {re.escape(name)}\(", text, re.MULTILINE), reference
        elif name:
            assert re.search(rf"^ *- (name|case): [\"']?{re.escape(name)}[\"']?$", text, re.MULTILINE), reference
