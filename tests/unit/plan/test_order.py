# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to do with the same thing keeps the order of the list; everything else goes side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.plan.order import Touched, stages


def touched(words: str) -> Touched:
    """``"a b ?c"``: a and b are changed, c is needed."""
    parts = words.split()
    return Touched(
        frozenset(part for part in parts if not part.startswith("?")),
        frozenset(part[1:] for part in parts if part.startswith("?")),
    )


CASES: dict[str, tuple[list[str], list[list[int]]]] = {
    "nothing": ([], []),
    "nothing in common": (["a", "b", "c"], [[0, 1, 2]]),
    "one takes what another gives up": (["a disk", "b disk", "c"], [[0, 2], [1]]),
    "a chain": (["a", "b ?a", "c ?b"], [[0], [1], [2]]),
    "a template that is there is needed by many": (["a ?t", "b ?t", "c ?t"], [[0, 1, 2]]),
    "a template that is an entry itself": (["t", "a ?t", "b ?t", "c"], [[0, 3], [1, 2]]),
    "what is needed goes after those that need it": (["a ?t", "b ?t", "t"], [[0, 1], [2]]),
    "the last of several": (["a x", "b y", "c y", "d x y"], [[0, 1], [2], [3]]),
}


@pytest.mark.parametrize(("entries", "expected"), CASES.values(), ids=CASES)
def test_stages(entries: list[str], expected: list[list[int]]) -> None:
    assert stages([touched(words) for words in entries]) == expected


WORDS = st.frozensets(st.sampled_from("abcdef"), max_size=3)


@given(st.lists(st.builds(Touched, WORDS, WORDS), max_size=12))
def test_whoever_has_to_do_with_each_other_keeps_the_order(entries: list[Touched]) -> None:
    found = stages(entries)
    assert sorted(position for stage in found for position in stage) == list(range(len(entries)))
    stage_of = {position: number for number, stage in enumerate(found) for position in stage}
    for second, later in enumerate(entries):
        before = [
            first
            for first, earlier in enumerate(entries[:second])
            if earlier.changes & (later.changes | later.needs) or earlier.needs & later.changes
        ]
        assert stage_of[second] == max((stage_of[first] + 1 for first in before), default=0)
