# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a play on a host that cannot do it: the task that is refused, done once more in check mode and without.

A refusal is truthful when both say the same, and neither leaves a trace.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.playbooks import Record, Run, run_playbook

COLLECTION = "svpc.virt."
MAKING = ("define_system", "create_resource_pool", "create_child_resource_pool")
"""Operations that leave something with a name on a host."""


@dataclass(frozen=True)
class Refusal:
    """A task that was refused."""

    record: Record
    repeated: Run
    """The same task in check mode, and then without."""
    touched: bool
    """The host was not the same after that."""

    @property
    def records(self) -> tuple[Record, ...]:
        """The refused task, in check mode, and done again."""
        return (self.record, *self.repeated.records)

    @property
    def faults(self) -> list[str]:
        """Why it is not one that is told by what the host lacks, before anything is touched, in check mode as well."""
        found = []
        if [record.status for record in self.records] != ["failed"] * 3:
            found.append("it is not refused in check mode, or not another time")
        for record in self.records:
            if record.result.get("error_code") != "not_supported":
                found.append(f"its code is {record.result.get('error_code')}: {record.result.get('msg')}")
            if record.changes:
                found.append(f"something was done: {record.changes}")
        if len({record.result.get("msg") for record in self.records}) != 1:
            found.append(f"it is told differently: {[record.result.get('msg') for record in self.records]}")
        if self.touched:
            found.append("it has left a trace on the host")
        return found


def refusal_of(run: Run, look: Callable[[], Any]) -> Refusal | None:
    """The refusal that ended a run, or None when it ended otherwise.  ``look`` reads all there is on the host."""
    record = run.failure
    if record is None or not record.action.startswith(COLLECTION):
        return None
    before = look()
    given = record.result["invocation"]["module_args"]
    tasks = [
        {"name": "Once more", record.action: given, "check_mode": check, "ignore_errors": True}
        for check in (True, False)
    ]
    with tempfile.TemporaryDirectory(prefix="svpc-refused-") as folder:
        path = Path(folder, "again.yml")
        path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        repeated = run_playbook(path, {})
    return Refusal(record, repeated, look() != before)


def made_by(run: Run) -> set[str]:
    """The names of what a run says it has made."""
    done = [change for record in run.changed if not record.check for change in record.changes]
    return {change["target"] for change in done if change["operation"] in MAKING}
