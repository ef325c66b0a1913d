# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter superfluous_snapshots."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: superfluous_snapshots
short_description: Select snapshots that no rule keeps
version_added: 0.1.0
author: SVPC authors (@svpc)
description:
  - Of snapshots as M(svpc.virt.snapshot_info) returns them, selects those that no rule keeps, oldest first.
  - What one of the rules keeps stays, and without a rule everything does. A snapshot of unknown age stays.
positional: names
options:
  _input:
    description: Snapshots of one virtual system.
    type: list
    elements: dict
    required: true
  names:
    description:
      - Names of the snapshots to look at, or patterns with C(*), C(?) and C([]). Others are left alone.
    type: list
    elements: str
    default: ["*"]
  keep_count:
    description: Number of the newest snapshots to keep.
    type: int
  keep_days:
    description: Age in days up to which snapshots are kept.
    type: float
seealso:
  - plugin: svpc.virt.snapshots
    plugin_type: role
"""

EXAMPLES = r"""
---
- name: Read the snapshots
  svpc.virt.snapshot_info:
    virtual_system: web
  register: info

- name: Destroy all nightly snapshots but the newest seven and those of the last ten days
  svpc.virt.snapshot:
    virtual_system: web
    name: "{{ item.name }}"
    state: absent
  loop: "{{ info.snapshots | svpc.virt.superfluous_snapshots(['nightly-*'], keep_count=7, keep_days=10) }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
---
_value:
  description: The snapshots that no rule keeps, as they were given.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.task.filters import superfluous_snapshots


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """The filters of this file."""
        return {"superfluous_snapshots": superfluous_snapshots}
