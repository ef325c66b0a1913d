# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is declared of a resource pool can be at all, whatever the host: facts of addresses, paths and kinds.

What is there already is not judged, however it came to be there: only what differs from it, and what has to fit that.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, Union

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import LARGEST_PORT
from ansible_collections.svpc.virt.plugins.module_utils.plan.vlans import VLAN_SETTINGS, check_vlans

Record = Mapping[str, Any]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

_HOST_RESOURCE = "host_resource"
_TARGET_PATH = "settings.target_path"
_SOURCE_HOST = "settings.source_host"
_ADDRESSES = "settings.addresses"
_PORT_GROUPS = "settings.port_groups"
_SERVER = r"(?:\[[^\[\]\s]+\]|[^\s:/\[\]]+)(?::(?P<port>\d+))?|[0-9A-Fa-f]*(?::[0-9A-Fa-f.]*){2,}"
"""A host name or address, with or without a port: ``nas``, ``nas:3260``, ``[fd00::1]:3260``, ``fd00::1``."""
_LONGEST_LABEL = 63
"""Bytes of a part of a domain name (RFC 1035)."""


@frozen
class Question:
    """A declaration to be judged; values by the names that differences have, settings as ``settings.NAME``."""

    pool_id: str
    resource_type: ResourceType
    sub_type: str | None
    wanted: Mapping[str, Any]
    """What the pool is to have: what is declared, completed by what is there."""
    there: Mapping[str, Any]
    """What it has; empty for a pool that is to be made."""
    changed: frozenset[str]
    """What is declared and differs from what is there."""
    untold: frozenset[str] = frozenset()
    """What the host does not tell of a pool that exists."""

    def wrong(self, name: str, words: str) -> InvalidInput:
        """The error that says what is wrong with the value of ``name``."""
        return InvalidInput(f"Pool {self.pool_id!r}: {name.replace('settings.', '')}: {words}")

    def changed_list(self, name: str) -> Sequence[Any]:
        """The entries of a list that changes; none where it does not."""
        return self.wanted.get(name) or () if name in self.changed else ()


def check_pool(question: Question) -> None:
    """Raise InvalidInput for a value that is none of its kind, and for values that do not fit each other."""
    for check in _CHECKS:
        check(question)


# Storage


@frozen
class _HostResource:
    """What ``host_resource`` of a kind of pool is."""

    one: bool = True
    """The pool is one thing of the host; otherwise it is made of any number."""
    path: bool = False
    """Each is a path of the host."""
    export: bool = False
    """Each is a directory of a server, as HOST:/DIRECTORY."""


_HOST_RESOURCES: Mapping[tuple[ResourceType, str], _HostResource] = {
    (ResourceType.DISK_DRIVE, "dir"): _HostResource(path=True),
    (ResourceType.DISK_DRIVE, "fs"): _HostResource(path=True),
    (ResourceType.DISK_DRIVE, "disk"): _HostResource(path=True),
    (ResourceType.DISK_DRIVE, "logical"): _HostResource(path=True, one=False),
    (ResourceType.DISK_DRIVE, "netfs"): _HostResource(export=True),
    (ResourceType.DISK_DRIVE, "scsi"): _HostResource(),
    (ResourceType.DISK_DRIVE, "iscsi"): _HostResource(),
    (ResourceType.DISK_DRIVE, "iscsi-direct"): _HostResource(),
    (ResourceType.ETHERNET_ADAPTER, "bridge"): _HostResource(),
    (ResourceType.ETHERNET_ADAPTER, "openvswitch"): _HostResource(),
}
_ANY = _HostResource(one=False)


def _check_host_resource(question: Question) -> None:
    found = question.changed_list(_HOST_RESOURCE)
    row = _HOST_RESOURCES.get((question.resource_type, question.sub_type or ""), _ANY)
    if row.one and len(found) > 1:
        raise question.wrong(_HOST_RESOURCE, f"a {question.sub_type} pool has one, and {len(found)} are given")
    for text in found:
        if not text.strip():
            raise question.wrong(_HOST_RESOURCE, f"{text!r} names nothing of the host")
        if row.path and not text.startswith("/"):
            raise question.wrong(_HOST_RESOURCE, f"{text!r} is no path that begins with /")
        if row.export:
            host, colon, _directory = text.rpartition(":/")
            if not host or not colon:
                raise question.wrong(_HOST_RESOURCE, f"{text!r} is not of the form HOST:/DIRECTORY")
            _check_server(question, _HOST_RESOURCE, host)


def _check_target_path(question: Question) -> None:
    path = question.wanted.get(_TARGET_PATH) if _TARGET_PATH in question.changed else None
    if path and not path.startswith("/"):
        raise question.wrong(_TARGET_PATH, f"{path!r} is no path that begins with /")


def _check_one_directory(question: Question) -> None:
    """A pool of kind dir is one directory, whichever of its two names it is given by."""
    if (question.resource_type, question.sub_type) != (ResourceType.DISK_DRIVE, "dir"):
        return
    if not {_TARGET_PATH, _HOST_RESOURCE} <= question.changed:
        return
    path, given = question.wanted[_TARGET_PATH], question.wanted[_HOST_RESOURCE]
    if path and given and posixpath.normpath(path) != posixpath.normpath(given[0]):
        raise question.wrong(_TARGET_PATH, f"{path!r} contradicts host_resource, {given[0]!r}: both are the directory")


def _check_source_host(question: Question) -> None:
    text = question.wanted.get(_SOURCE_HOST) if _SOURCE_HOST in question.changed else None
    for server in text.split(",") if text else ():
        _check_server(question, _SOURCE_HOST, server)


def _check_server(question: Question, name: str, text: str) -> None:
    found = re.fullmatch(_SERVER, text)
    if found is None or (found.group("port") and not 0 < int(found.group("port")) <= LARGEST_PORT):
        raise question.wrong(name, f"{text!r} is not of the form HOST or HOST:PORT, with a port of 1 to {LARGEST_PORT}")


# Networks


def _check_domain(question: Question) -> None:
    name = "settings.domain"
    text = question.wanted.get(name) if name in question.changed else None
    labels = text.rstrip(".").split(".") if text else ()
    for label in labels:
        if (
            not label
            or len(label.encode()) > _LONGEST_LABEL
            or any(letter.isspace() or letter == "/" for letter in label)
        ):
            raise question.wrong(name, f"{text!r} is not a domain name, such as lab.example")


def _interface(text: str) -> Interface | None:
    """An address with the prefix of its network; None for what is none."""
    try:
        return ipaddress.ip_interface(text) if "/" in text and "%" not in text else None
    except ValueError:
        return None


def _address(question: Question, name: str, text: Any) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise question.wrong(name, f"{text!r} is not an IP address") from None


def _check_addresses(question: Question) -> None:
    found: list[Interface] = []
    for text in question.changed_list(_ADDRESSES):
        interface = _interface(text)
        if interface is None:
            raise question.wrong(_ADDRESSES, f"{text!r} is not of the form ADDRESS/PREFIX")
        if interface.ip in (other.ip for other in found):
            raise question.wrong(_ADDRESSES, f"{interface.ip} is listed twice")
        found.append(interface)


def _networks(question: Question) -> list[Interface] | None:
    """The addresses of the network once it is as declared; None where the host does not tell them."""
    if _ADDRESSES not in question.wanted and question.there and _ADDRESSES in question.untold:
        return None
    found = [_interface(text) for text in question.wanted.get(_ADDRESSES) or ()]
    return [interface for interface in found if interface is not None]


def _home(question: Question, name: str, address: Address, entry: str) -> Interface | None:
    """The address of the network in whose subnet another one lies; None where that cannot be known."""
    networks = _networks(question)
    if networks is None:
        return None
    home = next((interface for interface in networks if address in interface.network), None)
    if home is None:
        words = ", ".join(str(interface) for interface in networks) or "it has none"
        raise question.wrong(name, f"{entry} lies in none of the network's addresses ({words})")
    return home


def _dhcp(question: Question, name: str) -> Iterable[Record]:
    """The entries of a list that has to fit the addresses, where the one or the other changes."""
    if not {name, _ADDRESSES} & question.changed:
        return ()
    there = question.there.get(name) or ()
    return [_completed(record, there) for record in question.wanted.get(name) or ()]


def _completed(record: Record, there: Iterable[Record]) -> Record:
    """An entry with the fields that are left open because it is there already with them."""
    said = {name: value for name, value in record.items() if value not in (None, "")}
    same = (other for other in there if all(other.get(name) == value for name, value in said.items()))
    return {**next(same, {}), **said}


def _check_dhcp_ranges(question: Question) -> None:
    name = "settings.dhcp_ranges"
    for record in _dhcp(question, name):
        if not record.get("start") or not record.get("end"):
            raise question.wrong(name, "each needs a start and an end")
        first, last = (_address(question, name, record[end]) for end in ("start", "end"))
        entry = f"{first} to {last}"
        if first.version != last.version:
            raise question.wrong(name, f"{entry} mixes IPv4 and IPv6")
        if int(last) < int(first):
            raise question.wrong(name, f"{entry} ends before it starts")
        home = _home(question, name, first, entry)
        if home is None:
            continue
        if last not in home.network:
            raise question.wrong(name, f"{entry} goes beyond {home.network}")
        if home.version == 4 and home.network.prefixlen < 31:
            for address, what in ((first, home.network.network_address), (last, home.network.broadcast_address)):
                if address == what:
                    raise question.wrong(
                        name, f"{entry}: {address} stands for all of {home.network}, and not for a guest"
                    )


def _check_dhcp_hosts(question: Question) -> None:
    name = "settings.dhcp_hosts"
    given: list[Address] = []
    for record in _dhcp(question, name):
        if not record.get("address") or not (record.get("mac") or record.get("name")):
            raise question.wrong(name, "each needs an address, and the mac or name of the guest that gets it")
        address = _address(question, name, record["address"])
        if address in given:
            raise question.wrong(name, f"{address} is given to two guests")
        given.append(address)
        _home(question, name, address, str(address))


def _check_port_groups(question: Question) -> None:
    groups = question.changed_list(_PORT_GROUPS)
    names = [group.get("name") for group in groups]
    if not all(names) or len(set(names)) != len(names):
        raise question.wrong(_PORT_GROUPS, "each needs a name of its own")
    chosen = [str(group["name"]) for group in groups if group.get("default")]
    if len(chosen) > 1:
        raise question.wrong(_PORT_GROUPS, f"{' and '.join(chosen)} cannot both be the default")
    there = {group.get("name"): group for group in question.there.get(_PORT_GROUPS) or ()}
    for group in groups:
        label = f"Pool {question.pool_id!r}: port_groups: {group['name']}"
        check_vlans(group, there.get(group["name"], {}), label)


def _check_vlans(question: Question) -> None:
    names = {f"settings.{name}": name for name in VLAN_SETTINGS}
    if not question.changed & set(names):
        return
    said = {short: question.wanted[name] for name, short in names.items() if name in question.changed}
    before = {short: question.there[name] for name, short in names.items() if name in question.there}
    check_vlans(said, before, f"Pool {question.pool_id!r}")


_CHECKS: tuple[Callable[[Question], None], ...] = (
    _check_host_resource,
    _check_target_path,
    _check_one_directory,
    _check_source_host,
    _check_domain,
    _check_addresses,
    _check_dhcp_ranges,
    _check_dhcp_hosts,
    _check_port_groups,
    _check_vlans,
)
