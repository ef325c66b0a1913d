# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what is declared of a virtual system: as a module's own options, and as entries of a list."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any, ClassVar

import yaml

from ansible_collections.svpc.virt.plugins.doc_fragments.power import ModuleDocFragment as Power
from ansible_collections.svpc.virt.plugins.doc_fragments.rasd import ModuleDocFragment as Resource
from ansible_collections.svpc.virt.plugins.doc_fragments.settings import ModuleDocFragment as Settings
from ansible_collections.svpc.virt.plugins.module_utils.task.arguments import DEFAULTS_OF_ENTRIES


class ModuleDocFragment:
    """Used as ``svpc.virt.declaration``, or as ``svpc.virt.declaration.entries`` for a list of them."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of the virtual system (ElementName).
    type: str
    required: true
  uuid:
    description:
      - Its UUID. The host chooses one when this is not given.
      - A system of that name with another UUID is a conflict.
    type: str
    aliases: [virtual_system_identifier]
  state:
    description:
      - V(present) creates the system if it does not exist, and leaves its activity as it is. The other states declare
        that too.
      - V(defined) is off, V(active) runs, V(paused) keeps everything in the memory of the host without executing,
        V(suspended) has its state saved and its resources released.
      - V(absent) shuts the system down and removes it with its snapshots, and keeps its storage unless
        O(remove_storage=true).
    type: str
    default: present
    choices: [present, defined, active, paused, suspended, absent]
  exclusive:
    description:
      - Whether resources that are not listed in O(resources) are removed. What a host adds by itself, such as
        controllers, stays.
    type: bool
    default: false
  cloud_init:
    description:
      - What cloud-init of the guest is to read at its first boot (its data source NoCloud). It is put on a medium of the
        system, in a CD drive called C(cloud-init), by the Python library pycdlib.
      - The medium is made anew where its content changes, and removed with the system. A guest that has booted already
        looks at changed user data only where C(instance-id) in O(cloud_init.meta_data) changes too.
      - The texts are never shown. The volume with the medium has the first digits of their SHA-256 digest in its name, by
        which changes are told. One that a snapshot of the system may need stays when the system gets another. It goes when
        the content changes again and no snapshot needs it any more, and at the latest with the system.
    type: dict
    suboptions:
      user_data:
        description:
          - Text as it is, or a dictionary that becomes C(#cloud-config).
        type: raw
      meta_data:
        description:
          - Text as it is, or a dictionary, to which C(instance-id) and C(local-hostname) are added, if they are not
            there. Both are O(name).
        type: raw
      network_config:
        description:
          - Text as it is, or a dictionary.
        type: raw
      vendor_data:
        description:
          - Text as it is, or a dictionary that becomes C(#cloud-config).
        type: raw
      pool_id:
        description:
          - The storage pool for the medium. Where it is not given, the pool of the medium the system has, else that of
            its first disk in a pool.
        type: str
        aliases: [pool]
  reference:
    description:
      - Name of an existing virtual system that completes what a new one does not declare. It is not looked at when the
        system exists.
      - MAC addresses are not taken over, and disks are made anew in the same pools.
    type: str
  remove_storage:
    description:
      - Whether the storage of disks that are removed, with the system or because of O(exclusive), is removed too.
      - That of media, and of disks that are shared, read-only or the backing of others, is kept in any case.
    type: bool
    default: false
  wait_for:
    description:
      - What to wait for when the system is active.
      - V(address) waits until the host knows an address of the guest, V(guest_agent) until its agent answers.
      - What the host does not tell is refused before anything is changed; C(unsupported_waits) of
        M(svpc.virt.host_info) says what that is.
    type: str
    default: none
    choices: [none, address, guest_agent]
  wait_timeout:
    description:
      - Number of seconds to wait for O(wait_for).
    type: int
    default: 300
"""

    ENTRIES: ClassVar[str] = ""


def _entry() -> dict[str, Any]:
    """The options of one system as those of an entry: they speak of each other as such."""
    found: dict[str, Any] = {}
    for part in (ModuleDocFragment.DOCUMENTATION, Settings.VIRTUAL_SYSTEM, Resource.RESOURCES, Power.DOCUMENTATION):
        part = re.sub(r"\bO\(", "O(virtual_systems[].", part)
        found.update(yaml.safe_load(re.sub(r"\bRV\(", "RV(results[].", part))["options"])
    for name in DEFAULTS_OF_ENTRIES:
        del found[name]["default"]
        found[name]["description"].append(f"Where this is not given, O({name}) is used.")
    return found


ModuleDocFragment.ENTRIES = r"""
options:
  virtual_systems:
    description:
      - The virtual systems. An entry has the options of M(svpc.virt.virtual_system) but those of the connection, and
        they mean the same.
      - No two entries may have the same name.
    type: list
    elements: dict
    required: true
    suboptions:
""" + textwrap.indent(
    # JSON is YAML too.
    "".join(f"{name}: {json.dumps(option, ensure_ascii=False)}\n" for name, option in _entry().items()),
    "      ",
)
