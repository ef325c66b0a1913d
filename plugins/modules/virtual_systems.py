#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: virtual_systems
short_description: Declare many virtual systems in one task
version_added: 0.1.0
description:
  - Brings a list of virtual systems to what is declared, as M(svpc.virt.virtual_system) does with one, over one
    connection. The host is read once for all of them, and as many as it takes are changed at a time.
  - A system that cannot be brought to what is declared does not keep the others from it, unless O(stop_on_error=true).
    The task fails after the others are done, and returns what became of each.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.declaration.entries
  - svpc.virt.attributes
  - svpc.virt.attributes.managing
  - svpc.virt.attributes.action_group
  - svpc.virt.connection
options:
  stop_on_error:
    description:
      - What to do with the other systems when one fails. V(true) finishes those that are being changed and begins no
        other. When one is refused before anything is changed, nothing is changed at all.
      - A host that is out of reach always ends the task.
    type: bool
    default: false
  state:
    description:
      - What O(virtual_systems[].state) is where an entry does not say it.
    type: str
    default: present
    choices: [present, defined, active, paused, suspended, absent]
  exclusive:
    description:
      - What O(virtual_systems[].exclusive) is where an entry does not say it.
    type: bool
    default: false
  remove_storage:
    description:
      - What O(virtual_systems[].remove_storage) is where an entry does not say it.
    type: bool
    default: false
  wait_for:
    description:
      - What O(virtual_systems[].wait_for) is where an entry does not say it.
    type: str
    default: none
    choices: [none, address, guest_agent]
  wait_timeout:
    description:
      - What O(virtual_systems[].wait_timeout) is where an entry does not say it.
    type: int
    default: 300
  allow_restart:
    description:
      - What O(virtual_systems[].allow_restart) is where an entry does not say it.
    type: bool
    default: false
  shutdown_timeout:
    description:
      - What O(virtual_systems[].shutdown_timeout) is where an entry does not say it.
    type: int
    default: 120
  force_off:
    description:
      - What O(virtual_systems[].force_off) is where an entry does not say it.
    type: bool
    default: false
notes:
  - Entries that have to do with the same thing are carried out in the order of the list. That are an entry and its
    O(virtual_systems[].reference), and entries of which one gives up storage or a UUID that another one takes. An entry
    whose storage others are to have is therefore listed before them. All other entries are changed side by side.
  - In check mode an entry completed by a system that another entry has yet to make is foretold without what the host
    will have filled in there.
  - An entry that is wrong by itself, and a name that is given twice, are told before anything is done, all at once.
  - Waiting for many guests to start or to shut down takes as long as the slowest of them, on hosts that take several
    changes at a time. Libvirt hosts do. WBEM servers get one change after the other.
seealso:
  - module: svpc.virt.virtual_system
  - module: svpc.virt.virtual_system_info
"""

EXAMPLES = r"""
---
- name: Two web servers and a database
  svpc.virt.virtual_systems:
    state: active
    virtual_systems:
      - name: web1
        resources: &web
          - {resource_type: memory, virtual_quantity: 128 MiB}
          - {resource_type: disk_drive, name: root, pool_id: default, virtual_quantity: 1 GiB}
          - {resource_type: ethernet_adapter, name: lan, connection: [default]}
      - name: web2
        resources: *web
      - name: db
        resources:
          - {resource_type: memory, virtual_quantity: 128 MiB}
          - {resource_type: disk_drive, name: root, pool_id: default, virtual_quantity: 1 GiB}
          - {resource_type: disk_drive, name: data, pool_id: default, virtual_quantity: 2 GiB}
          - {resource_type: ethernet_adapter, name: lan, connection: [default]}

- name: The database off, the others as they are but with a description
  svpc.virt.virtual_systems:
    shutdown_timeout: 30
    force_off: true
    virtual_systems:
      - {name: db, state: defined}
      - {name: web1, settings: {description: The first one}}
      - {name: web2, settings: {description: The second one}}

- name: A copy of one that exists, and a copy of that copy
  svpc.virt.virtual_systems:
    stop_on_error: true
    virtual_systems:
      - {name: web3, reference: web1}
      - {name: web4, reference: web3}

- name: All of them gone, with their disks
  svpc.virt.virtual_systems:
    state: absent
    remove_storage: true
    force_off: true
    shutdown_timeout: 5
    virtual_systems:
      - {name: web1}
      - {name: web2}
      - {name: web3}
      - {name: web4}
      - {name: db}
"""

RETURN = r"""
---
results:
  description:
    - What became of each entry, in the order of the list, as a loop over M(svpc.virt.virtual_system) would tell it.
  returned: when the entries were right
  type: list
  elements: dict
  contains:
    name:
      description: Name of the virtual system.
      type: str
    changed:
      description: Whether something of it was changed, or in check mode would be.
      type: bool
    changes:
      description: What was changed, as RV(svpc.virt.virtual_system#module:changes). One that failed has what was changed by then.
      type: list
      elements: dict
    virtual_system:
      description: The virtual system afterwards, as RV(svpc.virt.virtual_system#module:virtual_system).
      returned: when it did not fail
      type: dict
    restart_required:
      description: Whether something in its definition waits for the next activation.
      returned: when it did not fail
      type: bool
    pending:
      description: What is in its definition and not yet in the running system.
      returned: when it did not fail
      type: list
      elements: dict
    addresses:
      description: IP addresses of its adapters, by MAC address.
      returned: when O(virtual_systems[].wait_for) is not V(none)
      type: dict
    failed:
      description: That it failed.
      returned: when it did
      type: bool
    msg:
      description: Why it failed, or that it was not begun.
      returned: when it failed or was not begun
      type: str
    error_code:
      description: What kind of failure it was.
      returned: when it failed
      type: str
    failed_change:
      description: >-
        The change that failed, with C(operation) and C(target), and C(changed), whether it has changed something all the
        same.
      returned: when it failed in the middle
      type: dict
    skipped:
      description: That it was not begun, because another one had failed.
      returned: when it was not
      type: bool
  sample:
    - name: web1
      changed: true
      changes:
        - operation: request_state_change
          target: web1
          properties: {requested_state: {before: null, after: enabled}, state: {before: defined, after: active}}
          live: true
      virtual_system: {name: web1, state: active}
      restart_required: false
      pending: []
    - name: db
      changed: false
      failed: true
      msg: "disk_drive 'data': there is no storage pool 'fast'; there are default"
      error_code: not_found
changes:
  description:
    - The changes of all systems, in the order of the list. Each has the name of its system as C(virtual_system), and else
      what RV(svpc.virt.virtual_system#module:changes) has.
  returned: when the entries were right
  type: list
  elements: dict
  sample:
    - virtual_system: web1
      operation: modify_resource_settings
      target: memory
      properties: {virtual_quantity: {before: 1073741824, after: 2147483648}}
      live: true
restart_required:
  description: Whether something in a definition waits for the next activation.
  returned: when the entries were right
  type: bool
diff:
  description: Both states of each system that changes, with C(before) and C(after).
  returned: in diff mode
  type: list
  elements: dict
error_code:
  description: What kind of failure it was; where several failed, that of the first one in the list.
  returned: failure
  type: str
  sample: not_found
"""

from ansible_collections.svpc.virt.plugins.module_utils.sent import run_module
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, virtual_systems
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

WORK = Work(virtual_systems.manage, arguments.VIRTUAL_SYSTEMS)


def main() -> None:
    """Entry point of the module."""
    run_module(WORK)


if __name__ == "__main__":
    main()
