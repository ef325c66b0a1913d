#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_info
short_description: Read what a virtualization host is and can do
version_added: 0.1.0
description:
  - Reads the implementation, its profiles, services and capabilities, the types of resources it can allocate with the
    valid values of their settings, its pools and their totals.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.attributes
  - svpc.virt.attributes.reading
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options: {}
seealso:
  - module: svpc.virt.resource_pool_info
  - module: svpc.virt.virtual_system_info
"""

EXAMPLES = r"""
---
- name: Read the host
  svpc.virt.host_info:
  register: info

- name: How many processors can a virtual system have?
  ansible.builtin.debug:
    msg: "{{ info.host.resource_types.processor.valid_settings.virtual_quantity.maximum }}"

- name: How much storage is there?
  ansible.builtin.debug:
    msg: "{{ info.host.totals.disk_drive.capacity }}"
  when: "'disk_drive' in info.host.totals"
"""

RETURN = r"""
---
host:
  description: The host; beside what is listed here, what else the host tells of itself, such as its processors and memory.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the host.
      type: str
      sample: kvm1.example.org
    profiles:
      description: The profiles of the standard that can be used on this host.
      type: list
      elements: dict
      sample:
        - {specification: DSP1042, name: System Virtualization}
    services:
      description: For each service of the standard the operations that the host offers.
      type: dict
      sample: {virtual_system_snapshot_service: [create_snapshot, apply_snapshot, destroy_snapshot]}
    capabilities:
      description: >-
        What virtual systems can be. Types, architectures and machines, settings with their allowed words, settings that
        the host does not have with the reasons, states that can be requested, types of snapshots.
      type: dict
      sample: {virtual_system_types: [kvm, qemu], architectures: [x86_64], snapshot_types: [full, disk]}
    resource_types:
      description: The types of resources that the host can allocate.
      type: dict
      contains:
        TYPE:
          description: One of the words of O(svpc.virt.rasd#module:resource_type).
          type: dict
          contains:
            resource_sub_types:
              description: Its variants; null where the host accepts others as well.
              type: list
              elements: str
            other_resource_types:
              description: For V(other), what else there is.
              type: list
              elements: str
            valid_settings:
              description: >-
                For each property, and each setting as C(settings.NAME), the C(default), C(minimum), C(maximum) and
                C(increment), or the C(allowed) words, where the host knows them.
              type: dict
            unsupported:
              description: Properties and settings that the host does not have, each with the reason.
              type: dict
            fixed:
              description: Properties that cannot be changed once the resource exists, each with what to do instead.
              type: dict
            live_add:
              description: Variants that can be added to a running system; null for all.
              type: list
              elements: str
            live_remove:
              description: Variants that can be removed from a running system; null for all.
              type: list
              elements: str
            live_modify:
              description: Properties that can be changed in a running system, and how far.
              type: dict
      sample:
        memory:
          valid_settings: {virtual_quantity: {minimum: 1024, maximum: 67108864000, increment: 1024}}
    pool_types:
      description: For each type of resource the kinds of pools that can be made, and what they need and take.
      type: dict
    resource_pools:
      description: The pools, as M(svpc.virt.resource_pool_info) returns them, with members and allocations.
      type: list
      elements: dict
    totals:
      description: For each type of resource the number of pools and the sums over those that have no parent.
      type: dict
      sample: {disk_drive: {pools: 1, capacity: 107374182400, reserved: 0, currently_consumed_resource: 21474836480}}
error_code:
  description: What kind of failure it was.
  returned: failure
  type: str
  sample: unreachable
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, info
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(info.host_info, arguments.HOST_INFO)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
