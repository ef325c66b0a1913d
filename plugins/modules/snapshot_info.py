#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: snapshot_info
short_description: Read the snapshots of a virtual system
version_added: 0.1.0
description:
  - Reads the snapshots of a virtual system, parents before children.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.attributes
  - svpc.virt.attributes.reading
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options:
  virtual_system:
    description:
      - Name of the virtual system, which has to exist.
    type: str
    required: true
  name:
    description:
      - Names of the snapshots to read, or patterns with C(*), C(?) and C([]). All when not given.
    type: list
    elements: str
seealso:
  - module: svpc.virt.snapshot
"""

EXAMPLES = r"""
---
- name: Read all snapshots
  svpc.virt.snapshot_info:
    virtual_system: web
  register: info

- name: Show the tree
  ansible.builtin.debug:
    msg: "{{ item.name }} depends on {{ item.parent | default('nothing', true) }}"
  loop: "{{ info.snapshots }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
---
snapshots:
  description: The snapshots that fit the selectors.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: before-update
    snapshot_type:
      description: V(full) or V(disk).
      type: str
      sample: full
    description:
      description: Its description.
      type: str
    created:
      description: When it was taken, in UTC.
      type: str
      sample: "2026-03-01T12:00:00Z"
    parent:
      description: The snapshot it depends on.
      type: str
    dependents:
      description: The snapshots that depend directly on it.
      type: list
      elements: str
    is_current:
      description: Whether the next snapshot would depend on it.
      type: bool
    virtual_system_state:
      description: The state the system was in, and returns to when the snapshot is applied.
      type: str
      sample: active
    storage:
      description: V(internal) when it lies inside the images of the disks, V(external) when it has files of its own.
      type: str
error_code:
  description: What kind of failure it was.
  returned: failure
  type: str
  sample: not_found
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, info
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(info.snapshot_info, arguments.SNAPSHOT_INFO)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
