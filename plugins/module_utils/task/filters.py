# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters do with results of the modules."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.plan.retention import Retention, superfluous
from ansible_collections.svpc.virt.plugins.module_utils.task.results import MOMENT


def superfluous_snapshots(
    snapshots: Sequence[Mapping[str, Any]],
    names: Sequence[str] = ("*",),
    keep_count: int | None = None,
    keep_days: float | None = None,
    now: float | None = None,
) -> list[Mapping[str, Any]]:
    """Of the snapshots that ``snapshot_info`` returns those that no rule keeps, oldest first.

    ``now`` is in seconds since 1970; if not given, the present moment.  Raises InvalidInput for a negative number.
    """
    shown = {str(entry["name"]): entry for entry in snapshots}
    found = superfluous(
        [Snapshot(name, created=_seconds(entry.get("created"))) for name, entry in shown.items()],
        Retention(tuple(names), keep_count, keep_days),
        time.time() if now is None else now,
    )
    return [shown[snapshot.name] for snapshot in found]


def _seconds(moment: str | None) -> int | None:
    if not moment:
        return None
    return int(datetime.strptime(moment, MOMENT).replace(tzinfo=timezone.utc).timestamp())
