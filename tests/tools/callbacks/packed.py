# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin that lets runs share the modules that Ansible has packed for sending."""

from __future__ import annotations

import os
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: packed
type: aggregate
short_description: Shares packed modules
description: Packed modules, which Ansible keeps for the length of a run, are kept in the folder that SVPC_PACKED names.
"""


class CallbackModule(CallbackBase):
    """Puts the folder in the place where Ansible packs modules, which takes seconds for one of many files."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "packed"

    def __init__(self) -> None:
        super().__init__()
        shared = os.environ.get("SVPC_PACKED")
        if shared:
            Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").symlink_to(shared)  # type: ignore[attr-defined]
