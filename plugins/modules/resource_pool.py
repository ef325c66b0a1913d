#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: resource_pool
short_description: Declare a resource pool
version_added: 0.1.0
description:
  - Brings a pool from which virtual systems get their resources to what is declared. On libvirt hosts a pool for
    V(disk_drive) is a storage pool, and one for V(ethernet_adapter) is a network.
  - An existing pool is compared with what is declared, and changed where they differ.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.settings.resource_pool
  - svpc.virt.attributes
  - svpc.virt.attributes.managing
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options:
  pool_id:
    description:
      - Name of the pool (PoolID).
    type: str
    required: true
  resource_type:
    description:
      - The type of the resources that are drawn from it. V(disk_drive) for storage, V(ethernet_adapter) for networks.
        Pools for V(processor) and V(memory) are primordial, which means that they are there and can only be read.
    type: str
    required: true
    aliases: [type]
    choices: [
      other, computer_system, processor, memory, ide_controller, scsi_controller, fc_hba, iscsi_hba, ib_hca,
      ethernet_adapter, other_network_adapter, io_slot, io_device, floppy_drive, cd_drive, dvd_drive, disk_drive,
      tape_drive, storage_extent, other_storage_device, serial_port, parallel_port, usb_controller,
      graphics_controller, ieee_1394_controller, partitionable_unit, base_partitionable_unit, power,
      cooling_capacity, ethernet_switch_port, logical_disk, storage_volume, ethernet_connection,
    ]
  resource_sub_type:
    description:
      - The kind of the pool. For storage for example V(dir), V(fs), V(netfs), V(logical), V(disk), V(iscsi), V(rbd); for
        networks V(isolated), V(nat), V(route), V(open), V(bridge) and others.
      - Needed to make a pool.
    type: str
    aliases: [sub_type]
  parent:
    description:
      - The pool this one draws from.
    type: str
  host_resource:
    description:
      - What of the host is in the pool, such as the directory of a V(dir) pool, the devices of a V(logical) one, or the
        interface of a network.
    type: list
    elements: str
  state:
    description:
      - V(present) makes the pool if it does not exist, and leaves its activity as it is. V(active) and V(inactive)
        declare that too.
      - V(absent) removes the pool. What is in it stays.
    type: str
    default: present
    choices: [present, active, inactive, absent]
  automatic_startup:
    description:
      - Whether the pool is activated when the host starts.
    type: bool
notes:
  - Removing a pool never removes what is in it. A source is formatted only with O(settings.build=true), and only when
    the pool is made.
  - An active pool is not stopped for a change. Where a change needs that, the task fails and says so.
seealso:
  - module: svpc.virt.resource_pool_info
  - module: svpc.virt.host_info
"""

EXAMPLES = r"""
---
- name: A storage pool
  svpc.virt.resource_pool:
    pool_id: images
    resource_type: disk_drive
    resource_sub_type: dir
    host_resource: [/var/lib/libvirt/images]
    state: active
    automatic_startup: true

- name: A network behind the host
  svpc.virt.resource_pool:
    pool_id: lab
    resource_type: ethernet_adapter
    resource_sub_type: nat
    state: active
    settings:
      addresses: [10.17.0.1/24]
      dhcp_ranges:
        - {start: 10.17.0.100, end: 10.17.0.199}

- name: No such network any more
  svpc.virt.resource_pool:
    pool_id: lab
    resource_type: ethernet_adapter
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
      description: The method, such as V(create_resource_pool).
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
    - operation: request_pool_state_change
      target: images
      properties: {state: {before: inactive, after: active}}
      live: true
resource_pool:
  description: The pool afterwards; null when there is none.
  returned: success
  type: dict
  contains:
    pool_id:
      description: Its name.
      type: str
      sample: default
    resource_type:
      description: The type of the resources drawn from it.
      type: str
      sample: disk_drive
    resource_sub_type:
      description: Its kind.
      type: str
      sample: dir
    uuid:
      description: Its UUID, where it has one.
      type: str
    primordial:
      description: Whether it is there by itself, and can neither be made nor removed.
      type: bool
    state:
      description: V(active) or V(inactive).
      type: str
      sample: active
    automatic_startup:
      description: Whether it is activated when the host starts.
      type: bool
    parent:
      description: The pool it draws from.
      type: str
    children:
      description: The pools that draw from it.
      type: list
      elements: str
    host_resource:
      description: What of the host is in it.
      type: list
      elements: str
      sample: [/var/lib/libvirt/images]
    capacity:
      description: How much there is, in bytes or counts. Null where nobody knows, as for an inactive pool.
      type: int
      sample: 107374182400
    reserved:
      description: How much is guaranteed to virtual systems.
      type: int
    currently_consumed_resource:
      description: How much is in use.
      type: int
    max_consumable_resource:
      description: How much can be handed out at most; more than C(capacity) where the pool is overcommitted.
      type: int
    settings:
      description: Its settings, with null for those that have no value.
      type: dict
    members:
      description: What it consists of. The volumes of a storage pool, the ports of a network, the cells of memory and processors.
      type: list
      elements: dict
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
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, resource_pool
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(resource_pool.manage, arguments.RESOURCE_POOL)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
