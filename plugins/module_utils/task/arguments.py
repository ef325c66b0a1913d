# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module, as Ansible checks them.

Settings come from the model's rows, so that options, documentation and input always name the same things.  None of
the options has a default but those whose absence means something definite: None is "not managed".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback

from ansible_collections.svpc.virt.plugins.module_utils.model.image import ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, MappingBehavior
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import (
    ETHERNET_POOL_SETTINGS,
    POOL_STATES,
    STORAGE_POOL_SETTINGS,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import SEED_FILES
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SNAPSHOT_STATES, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.plan import virtual_system
from ansible_collections.svpc.virt.plugins.module_utils.task.rows import joined_rows, option_type

Spec = dict[str, Any]
"""Options by name, as AnsibleModule takes them."""


def settings_spec(rows: Mapping[str, SettingRow]) -> Spec:
    """One option for each row."""
    return {name: _setting_option(row) for name, row in rows.items()}


def _setting_option(row: SettingRow) -> Spec:
    kind, elements = option_type(row.kind)
    option: Spec = {"type": kind}
    if elements:
        option["elements"] = elements
    if row.kind is Kind.RECORDS:
        option["options"] = settings_spec(row.fields)
    if row.words:
        option["choices"] = list(row.words)
    option["no_log"] = row.kind is Kind.SECRET
    return option


def _words(members: Iterable[ConsumerVisibility] | Iterable[MappingBehavior]) -> list[str]:
    return [member.name.lower() for member in members]


CONNECTION: Spec = {
    "uri": {"type": "str", "fallback": (env_fallback, ["SVPC_URI", "LIBVIRT_DEFAULT_URI"])},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "timeout": {"type": "int"},
}
"""How to reach the host: options of every module."""

INVENTORY_HOST: Spec = {"name": {"type": "str", "required": True}, **CONNECTION}
"""One host of an inventory."""

RESOURCE: Spec = {
    "resource_type": {
        "type": "str",
        "required": True,
        "aliases": ["type"],
        "choices": [member.word for member in ResourceType],
    },
    "other_resource_type": {"type": "str"},
    "resource_sub_type": {"type": "str", "aliases": ["sub_type"]},
    "name": {"type": "str"},
    "virtual_quantity": {"type": "raw", "aliases": ["quantity"]},
    "virtual_quantity_units": {"type": "str"},
    "reservation": {"type": "raw"},
    "limit": {"type": "raw"},
    "weight": {"type": "int"},
    "maximum_quantity": {"type": "raw"},
    "pool_id": {"type": "str", "aliases": ["pool"]},
    "image": {"type": "raw"},
    "image_mode": {"type": "str", "choices": [member.value for member in ImageMode]},
    "host_resource": {"type": "list", "elements": "str"},
    "connection": {"type": "list", "elements": "str"},
    "address": {"type": "str"},
    "address_on_parent": {"type": "str"},
    "parent": {"type": "str"},
    "consumer_visibility": {"type": "str", "choices": _words(ConsumerVisibility)},
    "mapping_behavior": {"type": "str", "choices": _words(MappingBehavior)},
    "automatic_allocation": {"type": "bool"},
    "automatic_deallocation": {"type": "bool"},
    "settings": {
        "type": "dict",
        "options": settings_spec(joined_rows(row.settings for row in RESOURCE_ROWS.values())),
    },
}
"""One resource of a virtual system."""

POWER: Spec = {
    "allow_restart": {"type": "bool", "default": False},
    "shutdown_timeout": {"type": "int", "default": 120},
    "force_off": {"type": "bool", "default": False},
}
"""What may be done to a running system for the sake of a change."""

CLOUD_INIT: Spec = {
    **{name: {"type": "raw"} for name in SEED_FILES},
    "pool_id": {"type": "str", "aliases": ["pool"]},
}
"""What cloud-init of the guest reads.  Its texts are hidden by :mod:`task.hidden`."""

VIRTUAL_SYSTEM: Spec = {
    "name": {"type": "str", "required": True},
    "uuid": {"type": "str", "aliases": ["virtual_system_identifier"]},
    "state": {"type": "str", "default": "present", "choices": list(virtual_system.STATES)},
    "settings": {"type": "dict", "options": settings_spec(SYSTEM_SETTINGS)},
    "resources": {"type": "list", "elements": "dict", "options": RESOURCE},
    "exclusive": {"type": "bool", "default": False},
    "cloud_init": {"type": "dict", "options": CLOUD_INIT},
    "reference": {"type": "str"},
    "remove_storage": {"type": "bool", "default": False},
    "wait_for": {"type": "str", "default": "none", "choices": ["none", "address", "guest_agent"]},
    "wait_timeout": {"type": "int", "default": 300},
    **POWER,
}

DEFAULTS_OF_ENTRIES = (
    "state",
    "exclusive",
    "remove_storage",
    "wait_for",
    "wait_timeout",
    *POWER,
)
"""Options that a list of virtual systems has for all of them, for entries that do not have them themselves."""

VIRTUAL_SYSTEMS: Spec = {
    "virtual_systems": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            name: {key: value for key, value in option.items() if key != "default" or name not in DEFAULTS_OF_ENTRIES}
            for name, option in VIRTUAL_SYSTEM.items()
        },
    },
    "stop_on_error": {"type": "bool", "default": False},
    **{name: VIRTUAL_SYSTEM[name] for name in DEFAULTS_OF_ENTRIES},
}

VIRTUAL_SYSTEM_ACTION: Spec = {
    "name": {"type": "str", "required": True},
    "action": {"type": "str", "required": True, "choices": list(virtual_system.ACTIONS)},
    "uuid": {"type": "str", "aliases": ["virtual_system_identifier"]},
    "shutdown_timeout": {"type": "int", "default": 120},
}

RASD: Spec = {
    "virtual_system": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "remove_storage": {"type": "bool", "default": False},
    **RESOURCE,
    **POWER,
}

RESOURCE_POOL: Spec = {
    "pool_id": {"type": "str", "required": True},
    "resource_type": {
        "type": "str",
        "required": True,
        "aliases": ["type"],
        "choices": [member.word for member in ResourceType],
    },
    "resource_sub_type": {"type": "str", "aliases": ["sub_type"]},
    "parent": {"type": "str"},
    "host_resource": {"type": "list", "elements": "str"},
    "state": {"type": "str", "default": "present", "choices": list(POOL_STATES)},
    "automatic_startup": {"type": "bool"},
    "settings": {
        "type": "dict",
        "options": settings_spec(joined_rows([STORAGE_POOL_SETTINGS, ETHERNET_POOL_SETTINGS])),
    },
}

SNAPSHOT: Spec = {
    "virtual_system": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": list(SNAPSHOT_STATES)},
    "snapshot_type": {"type": "str", "choices": [member.word for member in SnapshotType]},
    "description": {"type": "str"},
    "quiesce": {"type": "bool", "default": False},
    "with_dependents": {"type": "bool", "default": False},
}

HOST_INFO: Spec = {}

VIRTUAL_SYSTEM_INFO: Spec = {
    "name": {"type": "list", "elements": "str"},
    "uuid": {"type": "list", "elements": "str", "aliases": ["virtual_system_identifier"]},
    "state": {"type": "list", "elements": "str", "choices": [str(member) for member in SystemState]},
    "addresses": {"type": "bool", "default": False},
}

RESOURCE_POOL_INFO: Spec = {
    "pool_id": {"type": "list", "elements": "str"},
    "resource_type": {
        "type": "list",
        "elements": "str",
        "aliases": ["type"],
        "choices": [member.word for member in ResourceType],
    },
    "members": {"type": "bool", "default": True},
    "allocations": {"type": "bool", "default": False},
}

RESOURCE_DEPENDENCY_INFO: Spec = {
    "resource": {"type": "list", "elements": "str"},
    "direction": {"type": "str", "default": "both", "choices": ["both", "dependents", "antecedents"]},
    "host_facts": {"type": "dict"},
}

SNAPSHOT_INFO: Spec = {
    "virtual_system": {"type": "str", "required": True},
    "name": {"type": "list", "elements": "str"},
}
