#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: resource_dependency_info
short_description: Read which virtual systems a resource of the host hits, and what a system stands on
version_added: 0.1.0
description:
  - Follows the dependencies of a host through as many layers as there are, from a disk to partition, volume group, pool,
    volume, backing chain and virtual system, from a network adapter to bridge, network and system, from a device on a bus
    to all of that, and back again.
  - A dependency is what a system has in its definition, in its running configuration, or in its snapshots.
  - Where nobody can see further, RV(incomplete) tells it, with the systems that may be hit unseen.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.attributes
  - svpc.virt.attributes.reading
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options:
  resource:
    description:
      - What to ask about. The path of a device, volume, file or directory, a volume as C(POOL/VOLUME), the name of a pool,
        network, network interface, device on a bus or virtual system, or an RV(elements[].id) of an earlier result.
      - A name that fits several things is an error that lists their ids.
      - Everything on the host when not given.
    type: list
    elements: str
  direction:
    description:
      - V(dependents) asks what stands on O(resource), V(antecedents) what it stands on, V(both) for both.
    type: str
    default: both
    choices: [both, dependents, antecedents]
  host_facts:
    description:
      - Facts of the host that O(uri) names, as M(ansible.builtin.setup) gathers them there.
      - libvirt and WBEM servers do not tell on which device a directory lies, what a volume group or a mapped device is
        made of, and not always which ports a bridge has. The facts C(devices), C(lvm), C(mounts) and those of the network
        interfaces tell it; other facts are not looked at.
    type: dict
seealso:
  - module: svpc.virt.resource_pool_info
  - module: svpc.virt.virtual_system_info
  - module: ansible.builtin.setup
"""

EXAMPLES = r"""
---
- name: The disk /dev/sdb has errors. Which virtual systems would fail with it?
  svpc.virt.resource_dependency_info:
    resource: [/dev/sdb]
    direction: dependents
    host_facts: "{{ ansible_facts }}"
  register: hit

- name: Name those that run
  ansible.builtin.debug:
    msg: "{{ hit.virtual_systems | selectattr('running') | map(attribute='name') | list }}"

- name: Is that all, or is there something nobody can see?
  ansible.builtin.debug:
    msg: "{{ item.virtual_systems | join(', ') }} may be hit as well: {{ item.reason }}"
  loop: "{{ hit.incomplete }}"

- name: What does the virtual system web stand on?
  svpc.virt.resource_dependency_info:
    resource: [web]
    direction: antecedents
"""

RETURN = r"""
---
asked:
  description: The ids of what was asked about; empty when everything was.
  returned: success
  type: list
  elements: str
  sample: [/dev/sdb]
virtual_systems:
  description: The virtual systems that stand on what was asked about, nearest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: web
    uuid:
      description: Its UUID.
      type: str
    state:
      description: Its state.
      type: str
      sample: active
    running:
      description: Whether it holds resources of the host now.
      type: bool
    path:
      description: A shortest way from what was asked about to the system, as ids.
      type: list
      elements: str
      sample: [/dev/sdb, /dev/sdb1, "volume_group:vg0", "resource_pool:disk_drive/fast", /dev/vg0/web, "virtual_system:web"]
    resources:
      description: The resources of the system through which it is hit.
      type: list
      elements: str
      sample: ["disk_drive 'root'"]
dependents:
  description: The ids of everything that stands on what was asked about, nearest first.
  returned: success
  type: list
  elements: str
antecedents:
  description: The ids of everything that what was asked about stands on, nearest first.
  returned: success
  type: list
  elements: str
elements:
  description: What was asked about, what stands on it, and what it stands on.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Tells it from everything else on the host; a path where it has one.
      type: str
      sample: resource_pool:disk_drive/fast
    kind:
      description: >-
        What it is. V(virtual_system), V(resource_pool), V(storage_volume), V(volume_group), V(file_system),
        V(node_device), V(network_interface), V(device), V(directory), V(file), V(remote_storage), V(server), or
        V(host_resource) where nothing but its name is known.
      type: str
      sample: resource_pool
    name:
      description: Its name.
      type: str
      sample: disk_drive/fast
    attributes:
      description: What else is known of it.
      type: dict
      sample: {pool_id: fast, resource_type: disk_drive, resource_sub_type: logical, state: active}
dependencies:
  description: What stands on what, directly, among RV(elements).
  returned: success
  type: list
  elements: dict
  contains:
    dependent:
      description: The id of what stands on the other.
      type: str
      sample: /dev/sdb1
    antecedent:
      description: The id of what it stands on.
      type: str
      sample: /dev/sdb
    association:
      description: >-
        The class of the standard for it. V(hosted_dependency), V(resource_allocation_from_pool),
        V(element_allocated_from_pool), V(concrete_component), V(based_on), V(resides_on_extent), V(file_storage),
        V(controlled_by), or V(dependency) where the standard has none of its own.
      type: str
      sample: based_on
    resources:
      description: The resources of a virtual system that make it depend.
      type: list
      elements: str
    configurations:
      description: Where the system says so, V(defined), V(running) or V(snapshots).
      type: list
      elements: str
incomplete:
  description: Where the answer may not be all. Empty when nothing is hidden.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the element of which not everything is known.
      type: str
      sample: /var/lib/libvirt/images
    reason:
      description: What is not known, and what would tell it.
      type: str
    virtual_systems:
      description: The systems that may be hit because of that, beside those of RV(virtual_systems).
      type: list
      elements: str
error_code:
  description: What kind of failure it was.
  returned: failure
  type: str
  sample: not_found
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, dependencies
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(dependencies.resource_dependency_info, arguments.RESOURCE_DEPENDENCY_INFO)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
