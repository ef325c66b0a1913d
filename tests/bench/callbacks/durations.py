# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin that writes how long each task took, one JSON line each."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: durations
type: aggregate
short_description: Writes durations as JSON lines
description: Writes name and milliseconds of each task that succeeds to the file that SVPC_DURATIONS names.
"""


class CallbackModule(CallbackBase):
    """Appends to the file as the results come."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "durations"

    def __init__(self) -> None:
        super().__init__()
        self._path = os.environ["SVPC_DURATIONS"]
        self._started = 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._started = time.perf_counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        took = (time.perf_counter() - self._started) * 1000
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": result.task.get_name(), "milliseconds": took}) + "\n")
