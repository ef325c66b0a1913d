#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: virtual_system
short_description: Declare a virtual system
version_added: 0.1.0
description:
  - Brings a virtual system, its settings, its resources and its state to what is declared, and reports every change.
  - What is left out is not managed. A running system is changed while it runs where the host can do that; the rest is
    recorded, becomes effective at the next activation, and is returned as RV(pending).
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.declaration
  - svpc.virt.settings.virtual_system
  - svpc.virt.rasd.resources
  - svpc.virt.power
  - svpc.virt.attributes
  - svpc.virt.attributes.managing
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
notes:
  - No guest is restarted unless O(allow_restart=true), none is turned off the hard way unless O(force_off=true), no
    resource is removed unless O(exclusive=true), and no storage is removed unless O(remove_storage=true).
  - Storage is never shrunk, and never removed before the system is.
  - What the host cannot do is refused before anything is changed.
seealso:
  - module: svpc.virt.virtual_systems
    description: Many of them in one task.
  - module: svpc.virt.rasd
  - module: svpc.virt.virtual_system_action
  - module: svpc.virt.virtual_system_info
"""

EXAMPLES = r"""
---
- name: A running web server
  svpc.virt.virtual_system:
    name: web
    state: active
    resources:
      - {resource_type: processor, virtual_quantity: 1, maximum_quantity: 2}
      - {resource_type: memory, virtual_quantity: 256 MiB}
      - {resource_type: disk_drive, name: root, pool_id: default, virtual_quantity: 1 GiB}
      - {resource_type: ethernet_adapter, name: lan, connection: [default]}

- name: One more disk, while it runs; everything else stays as it is
  svpc.virt.virtual_system:
    name: web
    resources:
      - resource_type: disk_drive
        name: data
        pool_id: default
        virtual_quantity: 2 GiB
        settings: {format: qcow2, cache: none}

- name: More memory, with a restart if that is what it takes
  svpc.virt.virtual_system:
    name: web
    allow_restart: true
    shutdown_timeout: 60
    force_off: true
    resources:
      - {resource_type: memory, virtual_quantity: 512 MiB}

- name: A system whose disk is made from an image, once, and whose guest is told who it is
  svpc.virt.virtual_system:
    name: cloud
    resources:
      - resource_type: disk_drive
        name: root
        pool_id: default
        virtual_quantity: 64 MiB
        image: {volume: base.img}
        image_mode: linked
    cloud_init:
      user_data:
        hostname: cloud
        ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA operator]

- name: Off, and started with the host
  svpc.virt.virtual_system:
    name: web
    state: defined
    force_off: true
    settings:
      automatic_startup_action: always_startup
      description: Web server of the shop

- name: Gone, with its disks
  svpc.virt.virtual_system:
    name: web
    state: absent
    remove_storage: true
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
      description: The method, such as V(define_system).
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
    addresses:
      description: IP addresses of its adapters, by MAC address.
      returned: when O(wait_for) is not V(none)
      type: dict
      sample: {"52:54:00:8e:01:5f": [192.168.122.17]}
addresses:
  description: IP addresses of its adapters, by MAC address.
  returned: when O(wait_for) is not V(none)
  type: dict
  sample: {"52:54:00:8e:01:5f": [192.168.122.17]}
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
  sample: restart_needed
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, virtual_system
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(virtual_system.manage, arguments.VIRTUAL_SYSTEM)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
