# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs svpc.virt.resource_dependency_info in the process of the controller where that gives the same result."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.modules.resource_dependency_info import WORK
from ansible_collections.svpc.virt.plugins.plugin_utils.in_process import InProcess


class ActionModule(InProcess):
    """The action of the module of the same name."""

    work = WORK
