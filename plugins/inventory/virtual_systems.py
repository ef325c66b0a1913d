# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: virtual_systems
short_description: Virtual systems as inventory hosts
version_added: 0.1.0
description:
  - Makes an inventory host of each virtual system on one or several libvirt hosts or WBEM servers.
  - The file is called C(virtual_systems.yml) or C(svpc.yml), or its name ends in C(.virtual_systems.yml) or C(.svpc.yml);
    C(.yaml) will do as well.
  - C(virtual_system) is what M(svpc.virt.virtual_system_info) returns of the system. What is needed most is also in
    variables of its own, of the running system while there is one, else of the definition.
    These are C(virtual_system_name), C(virtual_system_uuid), C(virtual_system_state), C(virtual_system_host) (the name
    of its host among O(hosts)), C(virtual_system_uri) (that of its host, without a password), C(virtual_system_type),
    C(virtual_system_architecture), C(virtual_system_description), C(virtual_system_processors),
    C(virtual_system_memory) (bytes), C(virtual_system_networks), C(virtual_system_addresses) (lists of IP addresses by
    MAC address) and C(virtual_system_adapters) (a list with C(name), C(address), C(connection) and C(addresses) of each
    network adapter).
  - C(ansible_host) is the first IPv4 address of a system, or the first IPv6 address where it has no other; a system
    without a known address has no C(ansible_host).
  - What a hypervisor tells is data. It is never evaluated as a template.
  - A system whose name means something else in an inventory (C(localhost), C(all), a group) or that another system has
    as well, is called by its name, a dot and the name of its host; a warning tells.
author:
  - SVPC authors (@svpc)
extends_documentation_fragment:
  - svpc.virt.connection
  - svpc.virt.connection.hosts
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Says that the file is meant for this plugin.
    type: str
    required: true
    choices: [svpc.virt.virtual_systems]
  ansible_host_sources:
    description:
      - Where the IP addresses of running systems come from. A source is asked for the systems whose addresses the ones
        before it do not know.
      - V(lease) are the leases of the host's DHCP servers, read at once for each network; V(agent) is the guest agent of
        each system; V(arp) is what the host has heard from the network, where its libvirt understands the table of its kernel.
      - Nothing is asked where the list is empty. WBEM servers know none of this.
    type: list
    elements: str
    choices: [lease, agent, arp]
    default: [lease, agent, arp]
  ansible_host_timeout:
    description:
      - Number of seconds within which the guests of one host are asked for their addresses, several at a time. Guests
        whose turn does not come because others are silent have no address, and a warning tells.
    type: float
    default: 10.0
  hostnames:
    description:
      - What a system is called in the inventory, as Jinja2 expressions without braces. The first one counts that has a
        value.
      - They know the variables of the system, also without C(virtual_system_) before their names, and the keys of
        C(virtual_system); for example V(name), V(uuid) or V(name ~ '.' ~ host).
    type: list
    elements: str
    default: [name]
  filters:
    description:
      - Conditions, as Jinja2 expressions without braces. A system that does not fulfil all of them is left out.
      - They know what O(hostnames) know, for example V(state == 'active').
      - A condition that cannot be evaluated is not fulfilled, and an error where O(strict=true).
    type: list
    elements: str
    default: []
  unreachable_hosts:
    description:
      - What happens when some of the hosts cannot be read. V(warn) goes on with the others, V(fail) ends with an error.
      - When none of them can be read, it is always an error.
    type: str
    choices: [warn, fail]
    default: warn
notes:
  - The cache holds what the hosts told, one entry for each host, and no connection secrets. Filters, names and groups are
    made anew from it. A host that could not be read is asked again the next time.
"""

EXAMPLES = r"""
---
# lab.virtual_systems.yml: every virtual system of this machine
plugin: svpc.virt.virtual_systems
uri: qemu:///system

---
# site.virtual_systems.yml: what runs on three hosts
plugin: svpc.virt.virtual_systems
hosts:
  - name: kvm1
    uri: qemu+ssh://root@kvm1.example.org/system
  - name: kvm2
    uri: qemu+ssh://root@kvm2.example.org/system
  - name: cim1
    uri: https://cim1.example.org:5989/root/virt
    username: monitor
    password: "{{ lookup('ansible.builtin.env', 'CIM_PASSWORD') }}"
    timeout: 20
filters:
  - state == 'active'
hostnames:
  - name ~ '.' ~ host
ansible_host_sources: [lease, agent]
compose:
  ansible_user: "'root'"
  # The address in a certain network, where a system has several.
  ansible_host: >-
    (virtual_system_adapters | selectattr('connection', 'contains', 'management') | map(attribute='addresses') | first
    | first) | default(ansible_host)
groups:
  large: virtual_system_memory >= 8 * 1024 ** 3
  snapshotted: virtual_system.snapshots | length > 0
keyed_groups:
  - key: virtual_system_host
    prefix: "on"
  - key: virtual_system_networks
    prefix: network
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/svpc-inventory
cache_timeout: 300
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.constants import LOCALHOST
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.task.arguments import CONNECTION
from ansible_collections.svpc.virt.plugins.module_utils.task.inventory import (
    Entry,
    Open,
    Reading,
    cache_key,
    connections,
    named_apart,
    read_hosts,
    short_names,
    told_by,
    variables_of,
)

SUFFIX = re.compile(r"(^|\.)(virtual_systems|svpc)\.ya?ml$")

Host = Mapping[str, Any]
"""The connection options of a host, with its name."""


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Fetches what the hosts tell, from the cache or from them, and then populates the inventory from that."""

    NAME = "svpc.virt.virtual_systems"

    open_host: Open = staticmethod(open_platform)
    """Opens a host; tests put theirs in its place."""

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin, by its name."""
        return bool(super().verify_file(path)) and SUFFIX.search(os.path.basename(path)) is not None

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Read the file, the hosts it names, and make inventory hosts of their systems."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            self._check_names(config)
            hosts = connections(*self._given())
            self.populate(inventory, hosts, self.fetch(hosts, path, cache))
        except InvalidInput as error:
            raise AnsibleParserError(f"{path}: {error.message}") from error

    def _check_names(self, config: Mapping[str, Any]) -> None:
        """Raise InvalidInput for an option that is none: one that is misspelt would do nothing, filters for example."""
        known = self.get_options()
        unknown = sorted(set(config) - set(known))
        if unknown:
            raise InvalidInput(f"unknown option {', '.join(unknown)}: the options are {', '.join(sorted(known))}")

    def _given(self) -> tuple[Any, dict[str, Any]]:
        """The list of hosts, or None, and the options for all of them; templates in them evaluated."""
        self.templar.available_variables = self._vars or {}
        shared = {name: self.templar.template(self.get_option(name)) for name in CONNECTION}
        return self.templar.template(self.get_option("hosts")), shared

    def fetch(self, hosts: Sequence[Host], path: str, cache: bool) -> list[Reading]:
        """What each host tells; ``cache`` is false when the inventory is to be refreshed."""
        sources = self.get_option("ansible_host_sources")
        keeps = bool(self.get_option("cache"))
        keys = [f"{self.get_cache_key(path)}_{cache_key(host, sources)}" for host in hosts]
        kept = {key: self.cache.get(key) for key in keys} if keeps and cache else {}
        wanted = [host for key, host in zip(keys, hosts) if not kept.get(key)]
        fresh = iter(read_hosts(wanted, sources, self.get_option("ansible_host_timeout"), self.open_host))
        readings = [Reading(**kept[key]) if kept.get(key) else next(fresh) for key in keys]
        self._tell(hosts, readings)
        if keeps:
            for key, reading in zip(keys, readings):
                if reading.failure is None:
                    self.cache[key] = {"systems": reading.systems, "notes": reading.notes}
        return readings

    def _tell(self, hosts: Sequence[Host], readings: Sequence[Reading]) -> None:
        """Tell what the user should know of the readings.  Raises AnsibleParserError where there is nothing to go on with."""
        failures = [told_by(host, reading.failure.message) for host, reading in zip(hosts, readings) if reading.failure]
        if failures and (len(failures) == len(hosts) or self.get_option("unreachable_hosts") == "fail"):
            raise AnsibleParserError("; ".join(failures))
        for failure in failures:
            self.display.warning(f"The virtual systems of a host are missing from the inventory: {failure}")
        for host, reading in zip(hosts, readings):
            for note in reading.notes:
                self.display.warning(told_by(host, note))

    def populate(self, inventory: InventoryData, hosts: Sequence[Host], readings: Sequence[Reading]) -> None:
        """Make inventory hosts, variables and groups of what the hosts told."""
        strict = bool(self.get_option("strict"))
        wanted = []
        for host, reading in zip(hosts, readings):
            for system in reading.systems:
                variables = variables_of(system, host["name"], host["uri"])
                words = {**system, **variables, **short_names(variables)}
                if all(self._fulfils(condition, words, strict) for condition in self.get_option("filters")):
                    wanted.append(Entry(self._hostname(words, strict), variables))
        composed = {self._sanitize_group_name(name) for name in self.get_option("groups")}
        entries, notes = named_apart(wanted, {*inventory.groups, *composed, *LOCALHOST})
        for note in notes:
            self.display.warning(note)
        for entry in entries:
            inventory.add_host(entry.name)
            # Not inventory.set_variable: that copies all of it, to note on each text which plugin it came from.
            for name, value in entry.variables.items():
                inventory.hosts[entry.name].set_variable(name, value)
            self._set_composite_vars(self.get_option("compose"), entry.variables, entry.name, strict=strict)
        # Groups come when all hosts have their variables: a name that is both would be taken for the group.
        for entry in entries:
            self._add_host_to_composed_groups(self.get_option("groups"), {}, entry.name, strict=strict)
        for entry in entries:
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), {}, entry.name, strict=strict)

    def _hostname(self, words: dict[str, Any], strict: bool) -> str:
        for expression in self.get_option("hostnames"):
            # Most expressions are a word, and evaluating one costs more than everything else that is done for a system.
            try:
                name = words[expression] if expression in words else self._compose(expression, words)
            except Exception as error:
                if strict:
                    raise AnsibleParserError(f"hostnames: {expression}: {error}") from error
                continue
            if name not in (None, ""):
                return str(name)
        raise AnsibleParserError(f"hostnames: none of them has a value for virtual system {words['name']!r}")

    def _fulfils(self, condition: str, words: dict[str, Any], strict: bool) -> bool:
        self.templar.available_variables = words
        try:
            return bool(self.templar.evaluate_conditional(condition))
        except AnsibleError as error:
            if strict:
                raise AnsibleParserError(f"filters: {condition}: {error}") from error
            return False
