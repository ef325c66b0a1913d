# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual systems as hosts of an inventory: reading them from several hosts at once, and what becomes of a reading.

Reading and rendering are apart: a reading is plain data, which a cache can keep, and what is made of it is a function
of that data alone.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import urlsplit, urlunsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import DEFAULT_URI, open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform, Progress
from ansible_collections.svpc.virt.plugins.module_utils.task.arguments import CONNECTION, INVENTORY_HOST
from ansible_collections.svpc.virt.plugins.module_utils.task.info import known_addresses, shown_systems
from ansible_collections.svpc.virt.plugins.module_utils.task.results import Shown
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

MOST_AT_ONCE = 32
"""So many hosts are read at a time."""
LAYOUT = 1
"""Changes whenever a reading gets another shape, so that no cache is read that holds the old one."""
SECRETS = frozenset(name for name, option in CONNECTION.items() if option.get("no_log"))

Open = Callable[[Mapping[str, Any], Progress], Platform]


# The hosts to read


def connections(hosts: Sequence[Any] | None, shared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The connection options of each host to read, complete and checked, each with its ``name``.

    ``shared`` holds for every host that does not say otherwise, and makes the only one where ``hosts`` is None.  Raises
    InvalidInput for an unknown or wrong option, and for two hosts of one name.
    """
    common = {name: value for name, value in shared.items() if value is not None}
    if hosts is None:
        only = _checked({"name": "-", **common}, "connection options")
        return [{**only, "name": urlsplit(only["uri"]).hostname or "localhost"}]
    found = []
    for number, given in enumerate(hosts):
        where = f"hosts[{number}]"
        if not isinstance(given, Mapping):
            raise InvalidInput(f"{where}: {type(given).__name__} is no set of connection options with a name")
        stated = {name: value for name, value in given.items() if value is not None}
        found.append(_checked({**common, **stated}, where))
    twice = [name for name, count in Counter(host["name"] for host in found).items() if count > 1]
    if twice:
        raise InvalidInput(f"hosts: {', '.join(twice)}: each host needs a name of its own")
    return found


def _checked(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    checked = ArgumentSpecValidator(INVENTORY_HOST).validate(given)
    if checked.error_messages:
        told = [
            f"unknown option {error}" if isinstance(error, UnsupportedError) else str(error) for error in checked.errors
        ]
        raise InvalidInput(f"{where}: {'; '.join(told)}")
    options = {name: _bare(value) for name, value in checked.validated_parameters.items()}
    return {**options, "uri": options.get("uri") or DEFAULT_URI}


def _bare(value: Any) -> Any:
    """A text without what Ansible notes on it: drivers take nothing but texts."""
    return str.__str__(value) if isinstance(value, str) else value


def cache_key(connection: Mapping[str, Any], sources: Sequence[str]) -> str:
    """What a reading of a host depends on, as a short word.  Secrets are not in it."""
    known = {name: value for name, value in connection.items() if name not in SECRETS}
    text = json.dumps([LAYOUT, known, list(sources)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# Reading them


@dataclass
class Reading:
    """What one host answered: ``systems`` in the shape of module virtual_system_info, or the ``failure``."""

    systems: list[Shown] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the user should know although the host was read."""
    failure: VirtError | None = None


def read_hosts(
    wanted: Sequence[Mapping[str, Any]], sources: Sequence[str], within: float, open_host: Open = open_platform
) -> list[Reading]:
    """The virtual systems of each host, read side by side; addresses come from ``sources``, in their order.

    ``within`` is in seconds, for the addresses of the guests of one host.  A host that cannot be read has a failure;
    the others are read all the same.
    """
    if not wanted:
        return []
    with ThreadPoolExecutor(min(len(wanted), MOST_AT_ONCE)) as pool:
        return list(pool.map(lambda options: _read_host(options, sources, within, open_host), wanted))


def _read_host(options: Mapping[str, Any], sources: Sequence[str], within: float, open_host: Open) -> Reading:
    reading = Reading()
    try:
        with Task(options, open=open_host).platform() as platform:
            systems = platform.virtual_systems()
            known = known_addresses(platform, systems, sources, within, reading.notes.append) if sources else {}
    except VirtError as error:
        return Reading(failure=error)
    reading.systems = shown_systems(systems, known)
    return reading


# What becomes of a reading


def variables_of(system: Shown, host: str, uri: str) -> dict[str, Any]:
    """The variables of one virtual system in the inventory."""
    effective = system.get("running") or system
    settings, resources = effective["settings"], effective["resources"]
    adapters = _adapters(resources, system.get("addresses") or {})
    addresses = [address for adapter in adapters for address in adapter["addresses"]]
    found: dict[str, Any] = {
        "virtual_system": system,
        "virtual_system_name": system["name"],
        "virtual_system_uuid": system["uuid"],
        "virtual_system_state": system["state"],
        "virtual_system_host": host,
        "virtual_system_uri": without_password(uri),
        "virtual_system_type": settings.get("virtual_system_type"),
        "virtual_system_architecture": settings.get("architecture"),
        "virtual_system_description": settings.get("description"),
        "virtual_system_processors": _quantity(resources, ResourceType.PROCESSOR),
        "virtual_system_memory": _quantity(resources, ResourceType.MEMORY),
        "virtual_system_networks": list(dict.fromkeys(each for adapter in adapters for each in adapter["connection"])),
        "virtual_system_adapters": adapters,
        "virtual_system_addresses": {mac: list(known) for mac, known in (system.get("addresses") or {}).items()},
    }
    if addresses:
        # The stable sort keeps the order of adapters and sources among addresses of the same kind.
        found["ansible_host"] = sorted(addresses, key=lambda address: ipaddress.ip_address(address).version)[0]
    return found


PREFIX = "virtual_system_"


def short_names(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a virtual system without what their names have in common."""
    return {name[len(PREFIX) :]: value for name, value in variables.items() if name.startswith(PREFIX)}


def _quantity(resources: Iterable[Shown], kind: ResourceType) -> int | None:
    return next((each["virtual_quantity"] for each in resources if each["resource_type"] == kind.word), None)


def _adapters(resources: Iterable[Shown], addresses: Mapping[str, list[str]]) -> list[Shown]:
    """The network adapters in their order, each with its addresses."""
    return [
        {
            "name": each["name"],
            "address": each["address"],
            "connection": list(each["connection"] or ()),
            "addresses": list(addresses.get((each["address"] or "").lower(), ())),
        }
        for each in resources
        if each["resource_type"] == ResourceType.ETHERNET_ADAPTER.word
    ]


def without_password(uri: str) -> str:
    """A URI as it may be shown."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    user, _at, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{place}"))


def told_by(connection: Mapping[str, Any], text: str) -> str:
    """What is to be said of a host, without the password that its URI may hold."""
    return f"{connection['name']}: {text.replace(connection['uri'], without_password(connection['uri']))}"


@frozen
class Entry:
    """A virtual system on its way into the inventory."""

    name: str
    """The name that is wanted for it."""
    variables: Mapping[str, Any]


def named_apart(entries: Sequence[Entry], taken: Collection[str]) -> tuple[list[Entry], list[str]]:
    """The entries with names that nobody else has, and a sentence for each name that could not be given.

    Systems that want the same name all get the name of their host behind it, and their UUID where that is not enough:
    none of them is taken for another one, whatever else is there at the moment.  The same happens to a name that is
    ``taken``: that of a group, or of the controller.
    """
    notes = []
    for qualifier in ("virtual_system_host", "virtual_system_uuid"):
        wanted = Counter(entry.name for entry in entries)
        clashes = {name for name, count in wanted.items() if count > 1 or name in taken}
        if not clashes:
            break
        qualified = []
        for entry in entries:
            if entry.name in clashes:
                entry = Entry(f"{entry.name}.{entry.variables[qualifier]}", entry.variables)
            qualified.append(entry)
        for name in sorted(clashes):
            now = [new.name for old, new in zip(entries, qualified) if old.name == name]
            why = f"{len(now)} virtual systems are called that" if len(now) > 1 else "it means something else"
            notes.append(f"{name!r} is not used as a name, since {why}: see {', '.join(now)}")
        entries = qualified
    return list(entries), notes
