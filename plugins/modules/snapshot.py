#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: snapshot
short_description: Declare a snapshot of a virtual system
version_added: 0.1.0
description:
  - Takes, applies or destroys a snapshot of a virtual system.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.attributes
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - O(state=applied) applies the snapshot each time, because the system has run since.
options:
  virtual_system:
    description:
      - Name of the virtual system, which has to exist.
    type: str
    required: true
  name:
    description:
      - Name of the snapshot.
    type: str
    required: true
  state:
    description:
      - V(present) takes the snapshot if there is none of that name.
      - V(applied) returns the system to the snapshot. What happened since is lost. This is a change each time.
      - V(absent) destroys the snapshot; the system stays as it is.
    type: str
    default: present
    choices: [present, absent, applied]
  snapshot_type:
    description:
      - V(full) with the memory of a running system, V(disk) with the disks alone.
      - Where this is not given, a new snapshot is V(full), and an existing one may be of either type.
    type: str
    choices: [full, disk]
  description:
    description:
      - Description of a new snapshot. That of an existing one cannot be changed; a warning tells when it differs.
    type: str
  quiesce:
    description:
      - Whether the guest agent is asked to bring the file systems to rest while the snapshot is taken.
    type: bool
    default: false
  with_dependents:
    description:
      - With O(state=absent), whether snapshots that depend on this one are destroyed too.
    type: bool
    default: false
notes:
  - A snapshot is never changed, and never replaced by another one of the same name.
seealso:
  - module: svpc.virt.snapshot_info
  - module: svpc.virt.virtual_system
"""

EXAMPLES = r"""
---
- name: A snapshot before the update
  svpc.virt.snapshot:
    virtual_system: web
    name: before-update
    snapshot_type: full
    description: Before the update to version 2

- name: Back to it
  svpc.virt.snapshot:
    virtual_system: web
    name: before-update
    state: applied

- name: Not needed any more
  svpc.virt.snapshot:
    virtual_system: web
    name: before-update
    state: absent
"""

RETURN = r"""
---
changes:
  description:
    - What was changed, or in check mode would be changed, in order. Named as the methods of CIM.
    - A task that fails after it has changed something returns what it had changed.
  returned: always
  type: list
  elements: dict
  contains:
    operation:
      description: The method, such as V(create_snapshot).
      type: str
    target:
      description: What it was applied to.
      type: str
    properties:
      description: For each property, its value C(before) and C(after). Secrets are masked.
      type: dict
    live:
      description: Whether it took effect at once in a running system.
      type: bool
  sample:
    - operation: apply_snapshot
      target: before-update
      properties: {current_snapshot: {before: after-update, after: before-update}}
      live: false
snapshot:
  description: The snapshot afterwards; null when there is none.
  returned: success
  type: dict
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
diff:
  description: Both states, with C(before) and C(after).
  returned: in diff mode
  type: dict
error_code:
  description: What kind of failure it was.
  returned: failure
  type: str
  sample: not_found
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, snapshot
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(snapshot.manage, arguments.SNAPSHOT)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
