#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: resource_pool_info
short_description: Read resource pools
version_added: 0.1.0
description:
  - Reads resource pools with their capacity, use, and members.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.attributes
  - svpc.virt.attributes.reading
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options:
  pool_id:
    description:
      - Names of the pools to read, or patterns with C(*), C(?) and C([]). All when not given.
    type: list
    elements: str
  resource_type:
    description:
      - Types of the resources that are drawn from the pools to read.
    type: list
    elements: str
    aliases: [type]
    choices: [
      other, computer_system, processor, memory, ide_controller, scsi_controller, fc_hba, iscsi_hba, ib_hca,
      ethernet_adapter, other_network_adapter, io_slot, io_device, floppy_drive, cd_drive, dvd_drive, disk_drive,
      tape_drive, storage_extent, other_storage_device, serial_port, parallel_port, usb_controller,
      graphics_controller, ieee_1394_controller, partitionable_unit, base_partitionable_unit, power,
      cooling_capacity, ethernet_switch_port, logical_disk, storage_volume, ethernet_connection,
    ]
  members:
    description:
      - Whether to read the members too, such as the volumes of storage pools.
    type: bool
    default: true
  allocations:
    description:
      - Whether to read too which resources of virtual systems come from each pool. That reads all virtual systems.
    type: bool
    default: false
seealso:
  - module: svpc.virt.resource_pool
  - module: svpc.virt.host_info
"""

EXAMPLES = r"""
---
- name: Read the storage pools
  svpc.virt.resource_pool_info:
    resource_type: [disk_drive]
  register: info

- name: Show how much of each is in use
  ansible.builtin.debug:
    msg: "{{ item.pool_id }}: {{ item.currently_consumed_resource }} of {{ item.capacity }}"
  loop: "{{ info.resource_pools }}"
"""

RETURN = r"""
---
resource_pools:
  description: The pools that fit all selectors.
  returned: success
  type: list
  elements: dict
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
    allocations:
      description: >-
        The resources of virtual systems that come from it. Of a virtual system that is off, those that it asks for.
      returned: with O(allocations=true)
      type: list
      elements: dict
      contains:
        virtual_system:
          description: Name of the virtual system.
          type: str
        resource_type:
          description: Type of the resource.
          type: str
        name:
          description: Name of the resource, where it has one, and beside it what else identifies it.
          type: str
        virtual_quantity:
          description: How much the virtual system sees, in bytes or counts.
          type: int
        reservation:
          description: How much of it is guaranteed.
          type: int
        allocated:
          description: Whether it is allocated now; otherwise the virtual system is off.
          type: bool
error_code:
  description: What kind of failure it was.
  returned: failure
  type: str
  sample: unreachable
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, info
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(info.resource_pool_info, arguments.RESOURCE_POOL_INFO)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
