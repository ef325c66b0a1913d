# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin that writes what each task and each item of a loop returned, one JSON line each."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: records
type: aggregate
short_description: Writes results as JSON lines
description: Writes what each task and each item of a loop returned to the file that SVPC_RECORDS names.
"""


class CallbackModule(CallbackBase):
    """Appends to the file as the results come."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "records"

    def __init__(self) -> None:
        super().__init__()
        self._path = os.environ.get("SVPC_RECORDS")

    def _write(self, status: str, result: Any, ignored: bool = False) -> None:
        if not self._path:
            return
        returned = dict(result.result)
        is_item = "ansible_loop_var" in returned
        if "results" in returned and result.task.loop is not None and not is_item:
            returned.pop("results")  # the items have been written one by one
            returned["loop"] = True
        if status == "ok" and returned.get("changed"):
            status = "changed"
        record = {
            "task": result.task.get_name(),
            "path": result.task.get_path(),
            "action": result.task.resolved_action or result.task.action,
            "check": bool(result.task.check_mode),
            "status": status,
            "ignored": ignored,
            "item": returned.get("_ansible_item_label") if is_item else None,
            "result": {key: value for key, value in returned.items() if not key.startswith("_ansible")},
        }
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write("failed", result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("failed", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._write("failed", result, bool(result.task.ignore_errors))
