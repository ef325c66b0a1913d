#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: virtual_system_info
short_description: Read virtual systems
version_added: 0.1.0
description:
  - Reads virtual systems with their settings and resources, as recorded and as running.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.attributes
  - svpc.virt.attributes.reading
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options:
  name:
    description:
      - Names of the systems to read, or patterns with C(*), C(?) and C([]). All when not given.
    type: list
    elements: str
  uuid:
    description:
      - UUIDs of the systems to read, or patterns.
    type: list
    elements: str
    aliases: [virtual_system_identifier]
  state:
    description:
      - States of the systems to read.
    type: list
    elements: str
    choices: [defined, active, paused, suspended, starting, shutting_down, sleeping, crashed, unknown]
  addresses:
    description:
      - Whether to ask for the IP addresses of running systems.
    type: bool
    default: false
seealso:
  - module: svpc.virt.virtual_system
  - module: svpc.virt.host_info
"""

EXAMPLES = r"""
---
- name: Read all virtual systems
  svpc.virt.virtual_system_info:

- name: Read the web servers that run, with their addresses
  svpc.virt.virtual_system_info:
    name: [web*]
    state: [active]
    addresses: true
  register: info

- name: Show their memory
  ansible.builtin.debug:
    msg: "{{ (item.resources | selectattr('resource_type', 'eq', 'memory') | first).virtual_quantity }}"
  loop: "{{ info.virtual_systems }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
---
virtual_systems:
  description: The virtual systems that fit all selectors.
  returned: success
  type: list
  elements: dict
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
    running:
      description: The settings and resources of the running system, in the same shape; null when it does not run.
      type: dict
    pending:
      description: What is in the definition and not yet in the running system.
      type: list
      elements: dict
    addresses:
      description: IP addresses of its adapters, by MAC address.
      returned: when O(addresses=true)
      type: dict
      sample: {"52:54:00:8e:01:5f": [192.168.122.17]}
error_code:
  description: What kind of failure it was.
  returned: failure
  type: str
  sample: unreachable
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, info
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(info.virtual_system_info, arguments.VIRTUAL_SYSTEM_INFO)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
