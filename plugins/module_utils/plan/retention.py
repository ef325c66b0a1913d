# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots nobody keeps any longer."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot

DAY = 24 * 60 * 60


@frozen
class Retention:
    """Rules that keep snapshots: what one of them keeps stays, and without a rule everything does."""

    names: Sequence[str] = ("*",)
    """Patterns with ``*``, ``?`` and ``[]``; a snapshot with another name is not looked at."""
    keep_count: int | None = None
    """The newest so many stay."""
    keep_days: float | None = None
    """The younger ones stay."""

    def __post_init__(self) -> None:
        """Raise InvalidInput for a negative number."""
        for name in ("keep_count", "keep_days"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise InvalidInput(f"{name}: {value} is negative; allowed are 0 and more")


def superfluous(snapshots: Sequence[Snapshot], retention: Retention, now: float) -> list[Snapshot]:
    """The snapshots that no rule keeps, oldest first; one of unknown age stays.

    ``now`` is in seconds since 1970, UTC.
    """
    if retention.keep_count is None and retention.keep_days is None:
        return []
    known = [
        (snapshot.created, snapshot)
        for snapshot in snapshots
        if snapshot.created is not None and any(fnmatch.fnmatchcase(snapshot.name, name) for name in retention.names)
    ]
    oldest_first = [snapshot for _created, snapshot in sorted(known, key=lambda pair: pair[0])]
    kept = set()
    if retention.keep_count:
        kept |= {snapshot.name for snapshot in oldest_first[-retention.keep_count :]}
    if retention.keep_days is not None:
        since = now - retention.keep_days * DAY
        kept |= {snapshot.name for created, snapshot in known if created > since}
    return [snapshot for snapshot in oldest_first if snapshot.name not in kept]
