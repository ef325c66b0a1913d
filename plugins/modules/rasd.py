#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rasd
short_description: Declare one resource of a virtual system
version_added: 0.1.0
description:
  - Brings one resource allocation (CIM_ResourceAllocationSettingData) of an existing virtual system to what is declared.
  - Other resources are not touched. In a running system the change is made at once where the host can do that.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.rasd
  - svpc.virt.power
  - svpc.virt.attributes
  - svpc.virt.attributes.managing
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options:
  virtual_system:
    description:
      - Name of the virtual system, which has to exist.
    type: str
    required: true
  state:
    description:
      - Whether the system has the resource or not.
    type: str
    default: present
    choices: [present, absent]
  remove_storage:
    description:
      - With O(state=absent), whether the storage of a disk is removed too. That of media, and of disks that are shared,
        read-only or the backing of others, is kept in any case.
    type: bool
    default: false
notes:
  - The storage of a disk that is taken away stays, unless O(remove_storage=true).
  - To make several changes with at most one restart, use M(svpc.virt.virtual_system).
seealso:
  - module: svpc.virt.virtual_system
  - module: svpc.virt.virtual_system_info
  - module: svpc.virt.host_info
"""

EXAMPLES = r"""
---
- name: A second network adapter
  svpc.virt.rasd:
    virtual_system: web
    resource_type: ethernet_adapter
    name: san
    connection: [default]

- name: A CD in the drive
  svpc.virt.rasd:
    virtual_system: web
    resource_type: cd_drive
    name: cd
    host_resource: []

- name: No second adapter
  svpc.virt.rasd:
    virtual_system: web
    resource_type: ethernet_adapter
    name: san
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
      description: The method, such as V(add_resource_settings).
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
    - operation: modify_resource_settings
      target: memory
      properties: {virtual_quantity: {before: 1073741824, after: 2147483648}}
      live: true
rasd:
  description: The resource afterwards, with all options of a resource; null when the system does not have it.
  returned: success
  type: dict
  sample:
    resource_type: ethernet_adapter
    resource_sub_type: virtio
    name: san
    address: "52:54:00:8e:01:5f"
    connection: [default]
    settings: {link_state: null}
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
  sample: not_found
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, rasd
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(rasd.manage, arguments.RASD)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
