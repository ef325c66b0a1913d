#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: virtual_system_action
short_description: Reboot or reset a virtual system
version_added: 0.1.0
description:
  - Asks a running virtual system once for what is no state, and therefore cannot be declared.
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
    support: none
    details:
      - Each call acts again.
options:
  name:
    description:
      - Name of the virtual system.
    type: str
    required: true
  uuid:
    description:
      - Its UUID.
    type: str
    aliases: [virtual_system_identifier]
  action:
    description:
      - V(reboot) asks the guest to shut down and start again, V(reset) restarts it without asking, as a reset button does.
      - What waits in the definition for the next activation keeps waiting; that takes M(svpc.virt.virtual_system) with
        O(svpc.virt.virtual_system#module:allow_restart=true).
    type: str
    required: true
    choices: [reboot, reset]
  shutdown_timeout:
    description:
      - Number of seconds the guest has to react to V(reboot).
    type: int
    default: 120
notes:
  - This module acts whenever it is called. It changes nothing of the definition.
seealso:
  - module: svpc.virt.virtual_system
"""

EXAMPLES = r"""
---
- name: Restart the guest the hard way
  svpc.virt.virtual_system_action:
    name: web
    action: reset

- name: Ask the guest to restart
  svpc.virt.virtual_system_action:
    name: web
    action: reboot
    shutdown_timeout: 60
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
      description: The method, such as V(request_state_change).
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
    - operation: request_state_change
      target: web
      properties: {requested_state: {before: null, after: reboot}}
      live: true
virtual_system:
  description: The virtual system afterwards, in the shape that M(svpc.virt.virtual_system) accepts; null when there is none.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the virtual system (ElementName).
      type: str
      sample: web
    uuid:
      description: Its VirtualSystemIdentifier.
      type: str
      sample: 6a2f1d1e-6f5a-4d7c-9a55-0f6f2f0a7b11
    state:
      description: >-
        V(defined), V(active), V(paused) or V(suspended); for a moment also V(starting), V(shutting_down); or V(sleeping),
        V(crashed), V(unknown).
      type: str
      sample: active
    settings:
      description: Its settings as they are recorded, with null for those that have no value.
      type: dict
      sample: {architecture: x86_64, machine: pc-q35-7.2, virtual_system_type: kvm}
    resources:
      description: Its resources as they are recorded. Each has all options of a resource entry, with null for what it has not.
      type: list
      elements: dict
      sample:
        - resource_type: memory
          virtual_quantity: 2147483648
          maximum_quantity: 4294967296
          settings: {huge_page_size: null, locked: null, slots: null}
        - resource_type: disk_drive
          name: root
          resource_sub_type: virtio
          virtual_quantity: 21474836480
          pool_id: default
          host_resource: [/var/lib/libvirt/images/web-root.qcow2]
          address_on_parent: vda
          settings: {format: qcow2}
    persistent:
      description: Whether it remains when it is off.
      type: bool
    snapshots:
      description: Names of its snapshots.
      type: list
      elements: str
    belongings:
      description: What else would go with it, such as V(nvram).
      type: list
      elements: str
restart_required:
  description: Whether something in the definition waits for the next activation.
  returned: success
  type: bool
pending:
  description: What is in the definition and not yet in the running system.
  returned: success
  type: list
  elements: dict
  contains:
    target:
      description: The resource, or V(settings).
      type: str
    properties:
      description: For each property the value in the running system (C(before)) and in the definition (C(after)).
      type: dict
  sample:
    - target: memory
      properties: {maximum_quantity: {before: 2147483648, after: 4294967296}}
diff:
  description: Both states, with C(before) and C(after).
  returned: in diff mode
  type: dict
error_code:
  description: What kind of failure it was.
  returned: failure
  type: str
  sample: conflict
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, virtual_system_action
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(virtual_system_action.act, arguments.VIRTUAL_SYSTEM_ACTION)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
