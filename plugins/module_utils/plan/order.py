# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which declarations of one list can be carried out side by side, and which have to wait for others.

What has nothing to do with each other needs no order.  Two that have to do with the same thing, a system or storage,
keep the order of the list: so the end is the same as if they all were carried out one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen


@frozen
class Touched:
    """What one declaration has to do with; the same word is the same thing."""

    changes: frozenset[str]
    """What it makes, takes, changes or gives up."""
    needs: frozenset[str] = frozenset()
    """What has to be there, and stays as it is."""


def stages(touched: Sequence[Touched]) -> list[list[int]]:
    """The positions of the declarations in stages: those of one stage have nothing to do with each other.

    Each is in the first stage that comes after those of all earlier declarations that it has to do with.
    """
    changed_until: dict[str, int] = {}
    needed_until: dict[str, int] = {}
    found: list[list[int]] = []
    for position, own in enumerate(touched):
        stage = max(
            (
                *(changed_until.get(word, 0) for word in own.changes | own.needs),
                *(needed_until.get(word, 0) for word in own.changes),
            ),
            default=0,
        )
        if stage == len(found):
            found.append([])
        found[stage].append(position)
        for words, until in ((own.changes, changed_until), (own.needs, needed_until)):
            for word in words:
                until[word] = max(until.get(word, 0), stage + 1)
    return found
