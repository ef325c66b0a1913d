# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a network's document that are lists: addresses, DHCP, port groups and VLANs.

An entry that stays in a list keeps its element, with everything in it that this collection has no word for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Union

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pool_places import (
    Attributes,
    Place,
    add,
    child,
    new,
    remove,
    written,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import take_away

Record = Mapping[str, Any]
Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

KEEP: Any = object()
"""Stands for "not named in the change"."""

_RANGE_FIELDS = {"start": "start", "end": "end"}
_HOST_FIELDS = {"mac": "mac", "name": "name", "address": "ip"}


@frozen
class Update:
    """One call of virNetwork.update(), with libvirt's constants by their names in lower case."""

    command: str
    """``add_last``, ``modify`` or ``delete``."""
    section: str
    """``ip_dhcp_host``, ``ip_dhcp_range``, ``portgroup`` or ``forward_interface``."""
    parent_index: int
    """Which ``<ip>`` of the document; -1 where that does not matter."""
    xml: str


def interface_of(element: Any) -> Interface | None:
    """The address and prefix of an ``<ip>`` element; None when it cannot be read."""
    address = element.get("address")
    width = element.get("prefix") or element.get("netmask")
    try:
        return ipaddress.ip_interface(f"{address}/{width}" if width else str(address))
    except ValueError:
        return None


def _key(element: Any, fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return _record_key({name: element.get(attribute) for name, attribute in fields.items()})


def _record_key(record: Record) -> tuple[tuple[str, str], ...]:
    """What makes two entries the same: their fields, MAC addresses and numeric addresses in one spelling."""
    return tuple(sorted((name, _plain(name, str(value))) for name, value in record.items() if value not in (None, "")))


def _plain(name: str, text: str) -> str:
    if name == "mac":
        return text.lower()
    try:
        return text if name == "name" else str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _says(existing: Iterable[tuple[str, str]], wanted: Iterable[tuple[str, str]]) -> bool:
    """Whether an entry says all that is wanted; what it says beyond that is not managed."""
    return set(wanted) <= set(existing)


def _records(root: Any, tag: str, fields: Mapping[str, str]) -> tuple[dict[str, Any], ...] | None:
    elements = [element for ip in root.findall("ip") for element in ip.findall(f"dhcp/{tag}")]
    return tuple(dict(_key(element, fields)) for element in elements) or None


@frozen
class Addresses(Place):
    """``<ip>`` elements, as ADDRESS/PREFIX."""

    def read(self, root: Any) -> tuple[str, ...] | None:
        found = [interface_of(element) for element in root.findall("ip")]
        return tuple(str(interface) for interface in found if interface is not None) or None

    def write(self, root: Any, value: Any) -> None:
        write_addressing(root, value, KEEP, KEEP)


@frozen
class Ranges(Place):
    """DHCP ranges of all addresses."""

    def read(self, root: Any) -> tuple[dict[str, Any], ...] | None:
        return _records(root, "range", _RANGE_FIELDS)

    def write(self, root: Any, value: Any) -> None:
        write_addressing(root, KEEP, value, KEEP)


@frozen
class Hosts(Place):
    """DHCP hosts of all addresses."""

    def read(self, root: Any) -> tuple[dict[str, Any], ...] | None:
        return _records(root, "host", _HOST_FIELDS)

    def write(self, root: Any, value: Any) -> None:
        write_addressing(root, KEEP, KEEP, value)


def write_addressing(root: Any, addresses: Any, ranges: Any, hosts: Any, label: str = "network") -> None:
    """Give a network's document these addresses, DHCP ranges and DHCP hosts; KEEP leaves one of them as it is.

    Each range and host goes to the address in whose subnet it lies; that there is one was seen when the change was
    planned (``plan.pool_checks``).  Raises Conflict when that address has gone since.
    """
    wanted = {
        "range": _wanted(root, "range", _RANGE_FIELDS, ranges),
        "host": _wanted(root, "host", _HOST_FIELDS, hosts),
    }
    if addresses is not KEEP:
        _write_addresses(root, addresses)
    left = set(root.findall("ip"))
    for tag, elements in wanted.items():
        for element in elements:
            there = None if element.getparent() is None else element.getparent().getparent()
            ip = _home(root, element.get("start") or element.get("ip"))
            if ip is None and there not in left:
                entry = ", ".join(f"{name} {value}" for name, value in element.attrib.items())
                raise Conflict(f"{label}: the address in whose subnet DHCP {tag} ({entry}) lies has gone meanwhile")
            if ip is not None and ip is not there:
                _insert(child(ip, "dhcp"), element)
    kept = {element for elements in wanted.values() for element in elements}
    for tag in wanted:
        for element in [found for ip in root.findall("ip") for found in ip.findall(f"dhcp/{tag}")]:
            if element not in kept:
                remove(element)


def _insert(dhcp: Any, element: Any) -> None:
    """Ranges stand before hosts."""
    ranges = dhcp.findall("range")
    add(dhcp, element, len(ranges) if element.tag == "range" else len(dhcp))


def _wanted(root: Any, tag: str, fields: Mapping[str, str], records: Any) -> list[Any]:
    """Elements for the records, existing ones where they say the same; taken out of addresses that may go."""
    there = [element for ip in root.findall("ip") for element in ip.findall(f"dhcp/{tag}")]
    if records is KEEP:
        return there
    found = []
    for record in records or ():
        key = _record_key(record)
        same = next((one for one in there if one not in found and _says(_key(one, fields), key)), None)
        attributes = {attribute: dict(key).get(name) for name, attribute in fields.items()}
        found.append(new(tag, **attributes) if same is None else same)
    return found


def _write_addresses(root: Any, addresses: Sequence[str] | None) -> None:
    wanted = [ipaddress.ip_interface(text) for text in addresses or ()]
    there = {interface_of(element): element for element in root.findall("ip")}
    gone = [element for interface, element in there.items() if interface not in wanted]
    for interface in wanted:
        if interface in there:
            continue
        # An address that changes keeps what its element says beside it.
        element = next((old for old in gone if (old.get("family") == "ipv6") == (interface.version == 6)), None)
        if element is None:
            element = new("ip", family="ipv6" if interface.version == 6 else None)
            add(root, element)
        else:
            gone.remove(element)
            element.attrib.pop("netmask", None)
        element.set("address", str(interface.ip))
        element.set("prefix", str(interface.network.prefixlen))
    for element in gone:
        remove(element)


def _home(root: Any, address: str | None) -> Any:
    """The ``<ip>`` in whose subnet ``address`` lies; without address the first of IPv4."""
    for element in root.findall("ip"):
        interface = interface_of(element)
        if interface is None:
            continue
        try:
            if interface.version == 4 if address is None else ipaddress.ip_address(address) in interface.network:
                return element
        except ValueError:
            return None
    return None


# VLANs and port groups


def read_vlan(parent: Any) -> dict[str, Any]:
    """The VLAN settings that a ``<vlan>`` below ``parent`` says."""
    vlan = parent.find("vlan")
    if vlan is None:
        return {}
    tags = vlan.findall("tag")
    native = [tag for tag in tags if tag.get("nativeMode")]
    if vlan.get("trunk") != "yes" and len(tags) == 1 and not native:
        return {"desired_vlan_endpoint_mode": "access", "port_vid": int(tags[0].get("id"))}
    settings: dict[str, Any] = {"desired_vlan_endpoint_mode": "trunk"}
    if native:
        settings["port_vid"] = int(native[0].get("id"))
    others = tuple(int(tag.get("id")) for tag in tags if not tag.get("nativeMode"))
    return {**settings, "allowed_to_transmit_vlans": others} if others else settings


def write_vlan(parent: Any, said: Mapping[str, Any]) -> None:
    """Give ``parent`` the VLAN settings named, beside those it has; no setting left takes ``<vlan>`` away.

    Without a mode, a list of VLANs means a trunk, and a single one access.  That they fit each other was seen when the
    change was planned (``plan.vlans``).
    """
    before = read_vlan(parent)
    settings = {name: value for name, value in {**before, **said}.items() if value not in (None, "", ())}
    if settings == before:
        return
    native, trunk = settings.get("port_vid"), settings.get("allowed_to_transmit_vlans", ())
    mode = said.get("desired_vlan_endpoint_mode") or ("trunk" if trunk else "access")
    vlan = parent.find("vlan")
    if vlan is not None:
        take_away(vlan)
    if native is None and not trunk:
        return
    if mode == "access":
        vlan = new("vlan")
        vlan.append(new("tag", id=str(native)))
    else:
        vlan = new("vlan", trunk="yes")
        if native is not None:
            vlan.append(new("tag", id=str(native), nativeMode="untagged"))
        for number in trunk:
            vlan.append(new("tag", id=str(number)))
    add(parent, vlan)


@frozen
class VlanValue(Place):
    """One VLAN setting of the network itself; written together by :func:`write_vlan`."""

    name: str

    def read(self, root: Any) -> Any:
        return read_vlan(root).get(self.name)

    def write(self, root: Any, value: Any) -> None:
        write_vlan(root, {self.name: value})


def _read_group(element: Any) -> dict[str, Any]:
    group: dict[str, Any] = {"name": element.get("name", "")}
    if element.get("default") == "yes":
        group["default"] = True
    return {**group, **read_vlan(element)}


def _plain_group(record: Record) -> dict[str, Any]:
    """A declared port group without the fields that are not managed."""
    return {name: value for name, value in record.items() if value is not None}


def _group_says(existing: Record, wanted: Record) -> bool:
    return all((existing.get(name) or None) == (value or None) for name, value in wanted.items())


@frozen
class PortGroups(Place):
    """``<portgroup>`` elements, by name; bandwidth and virtual port of one that stays are kept."""

    def read(self, root: Any) -> tuple[dict[str, Any], ...] | None:
        return tuple(_read_group(element) for element in root.findall("portgroup")) or None

    def write(self, root: Any, value: Any) -> None:
        wanted = [_plain_group(record) for record in value or ()]
        names = [group["name"] for group in wanted]
        for element in root.findall("portgroup"):
            if element.get("name") not in names:
                remove(element)
        there = {element.get("name"): element for element in root.findall("portgroup")}
        for group in wanted:
            element = there.get(group["name"])
            if element is None:
                element = new("portgroup", name=group["name"])
                add(root, element)
            _fill_group(element, group)


def _fill_group(element: Any, group: Record) -> None:
    if _group_says(_read_group(element), group):
        return
    if "default" in group:
        element.attrib.pop("default", None)
        if group["default"]:
            element.set("default", "yes")
    names = ("desired_vlan_endpoint_mode", "port_vid", "allowed_to_transmit_vlans")
    vlan = {name: group[name] for name in names if name in group}
    if vlan:
        write_vlan(element, vlan)


# What an active network can be told


def _record_updates(tag: str, section: str, fields: Mapping[str, str]) -> Callable[[Any, Any], list[Update] | None]:
    """The updates for one list of DHCP records; None when an entry lies in no subnet of the active network."""

    def updates(root: Any, wanted: Iterable[Record] | None) -> list[Update] | None:
        ips = root.findall("ip")
        keys = [_record_key(record) for record in wanted or ()]
        found, there = [], []
        for index, ip in enumerate(ips):
            for element in ip.findall(f"dhcp/{tag}"):
                there.append(_key(element, fields))
                if not any(_says(there[-1], key) for key in keys):
                    found.append(Update("delete", section, index, written(element)))
        for key in keys:
            values = dict(key)
            home = _home(root, values.get("start") or values.get("address"))
            if home is None:
                return None
            if not any(_says(existing, key) for existing in there):
                element = new(tag, **{attribute: values.get(name) for name, attribute in fields.items()})
                found.append(Update("add_last", section, ips.index(home), written(element)))
        return found

    return updates


def _group_updates(root: Any, wanted: Iterable[Record] | None) -> list[Update]:
    there = {element.get("name"): element for element in root.findall("portgroup")}
    groups = [_plain_group(record) for record in wanted or ()]
    names = [group["name"] for group in groups]
    found = [Update("delete", "portgroup", -1, written(there[name])) for name in there if name not in names]
    for group in groups:
        element = there.get(group["name"])
        if element is not None and _group_says(_read_group(element), group):
            continue
        command = "add_last" if element is None else "modify"
        if element is None:
            element = new("portgroup", name=group["name"])
        _fill_group(element, group)
        found.append(Update(command, "portgroup", -1, written(element)))
    return found


def device_updates(root: Any, wanted: Iterable[str] | None) -> list[Update]:
    """The updates that give an active network other forward devices."""
    there = Attributes("forward/interface", "dev").read(root) or ()
    devices = tuple(wanted or ())
    gone = [name for name in there if name not in devices]
    come = [name for name in devices if name not in there]
    return [Update("delete", "forward_interface", -1, written(new("interface", dev=name))) for name in gone] + [
        Update("add_last", "forward_interface", -1, written(new("interface", dev=name))) for name in come
    ]


LIVE: dict[str, Callable[[Any, Any], list[Update] | None]] = {
    "settings.dhcp_ranges": _record_updates("range", "ip_dhcp_range", _RANGE_FIELDS),
    "settings.dhcp_hosts": _record_updates("host", "ip_dhcp_host", _HOST_FIELDS),
    "settings.port_groups": _group_updates,
}
"""How each list is changed while the network is active."""
