# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libvirt's virtual networks as resource pools of Ethernet adapters: one table row for each kind.

Everything here is pure: text in, model out, and the other way round.  What no row names stays in the document.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    InvalidInput,
    NotSupported,
    allowed_words,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import (
    ETHERNET_POOL_SETTINGS,
    ResourcePool,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import network_sections as sections
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pool_places import (
    Attribute,
    Attributes,
    One,
    Place,
    Text,
    add,
    child,
    new,
    opened,
    remove_all,
    written,
)

HOST_RESOURCE = "host_resource"
ADDRESSING = ("settings.addresses", "settings.dhcp_ranges", "settings.dhcp_hosts")
VLAN = ("settings.desired_vlan_endpoint_mode", "settings.port_vid", "settings.allowed_to_transmit_vlans")
_PORT_GROUPS = "settings.port_groups"
VLAN_ON_BRIDGES = 11_000_000
"""The libvirt that tags VLANs on ordinary bridges; older ones leave that to Open vSwitch and to virtual functions."""

ANOTHER_NETWORK = (
    "another kind of network is another pool: delete this one and make the other one under its name; "
    "virtual systems find it by the name"
)


@frozen
class ForwardDevices(Place):
    """The devices traffic leaves by: ``<forward dev=…>`` names the first ``<interface dev=…>`` again."""

    most: int | None = None

    def read(self, root: Any) -> Any:
        devices = Attributes("forward/interface", "dev").read(root)
        return devices or One(Attribute("forward", "dev")).read(root)

    def write(self, root: Any, value: Any) -> None:
        Attributes("forward/interface", "dev", self.most).write(root, value)
        forward = root.find("forward")
        if forward is not None:
            forward.attrib.pop("dev", None)
            first = forward.find("interface")
            if first is not None:
                forward.set("dev", first.get("dev"))


@frozen
class NetworkKind:
    """What differs between kinds of networks."""

    mode: str | None
    """``<forward mode=…>``; None: no forwarding."""
    host_resource: Place | None = None
    virtual_port: str | None = None
    required: tuple[tuple[str, ...], ...] = ()
    addressed: bool = True
    """libvirt makes the bridge of the network, with addresses and DHCP of its own."""
    tagged: bool = False
    """VLANs can be set."""
    devices_live: bool = False
    """Devices can be added and removed while the network is active."""


_DIRECT: dict[str, Any] = {
    "host_resource": ForwardDevices(),
    "required": ((HOST_RESOURCE,),),
    "addressed": False,
    "devices_live": True,
}
_BRIDGED: dict[str, Any] = {
    "mode": "bridge",
    "host_resource": One(Attribute("bridge", "name")),
    "required": ((HOST_RESOURCE,),),
    "addressed": False,
}

NETWORK_KINDS: dict[str, NetworkKind] = {
    "isolated": NetworkKind(None),
    "nat": NetworkKind("nat", ForwardDevices(most=1)),
    "route": NetworkKind("route", ForwardDevices(most=1)),
    "open": NetworkKind("open"),
    "bridge": NetworkKind(**_BRIDGED),
    "openvswitch": NetworkKind(**_BRIDGED, virtual_port="openvswitch", tagged=True),
    "direct": NetworkKind("bridge", **_DIRECT),
    "private": NetworkKind("private", **_DIRECT),
    "vepa": NetworkKind("vepa", **_DIRECT),
    "passthrough": NetworkKind("passthrough", **_DIRECT),
    "hostdev": NetworkKind(
        "hostdev",
        Attributes("forward/pf", "dev", most=1),
        required=((HOST_RESOURCE,),),
        addressed=False,
        tagged=True,
    ),
}
"""The kinds of libvirt 9, by the name that ``resource_sub_type`` has: ``bridge`` uses a bridge of the host, ``direct``,
``private``, ``vepa`` and ``passthrough`` its devices, ``hostdev`` the virtual functions of one; libvirt makes the rest."""

UNKNOWN_KIND = NetworkKind(None, addressed=False)

_OWN_BRIDGE: dict[str, Place] = {
    "settings.bridge": Attribute("bridge", "name"),
    "settings.domain": Attribute("domain", "name"),
    "settings.mtu": Attribute("mtu", "size", number=True),
    "settings.addresses": sections.Addresses(),
    "settings.dhcp_ranges": sections.Ranges(),
    "settings.dhcp_hosts": sections.Hosts(),
}
_COMMON: dict[str, Place] = {"settings.port_groups": sections.PortGroups()}
_TAGGED: dict[str, Place] = {
    "settings.desired_vlan_endpoint_mode": sections.VlanValue("desired_vlan_endpoint_mode"),
    "settings.port_vid": sections.VlanValue("port_vid"),
    "settings.allowed_to_transmit_vlans": sections.VlanValue("allowed_to_transmit_vlans"),
}
_ORDER = ("resource_sub_type", HOST_RESOURCE, *_OWN_BRIDGE, *_COMMON, *_TAGGED)


def places_of(kind: NetworkKind, writing: bool = False, libvirt_version: int = 0) -> dict[str, Place]:
    """Where each property of a network of that kind stands; for reading VLANs are looked for everywhere."""
    places = dict(_COMMON)
    if kind.host_resource is not None:
        places[HOST_RESOURCE] = kind.host_resource
    if kind.addressed:
        places.update(_OWN_BRIDGE)
    if not writing or kind.tagged or libvirt_version >= VLAN_ON_BRIDGES:
        places.update(_TAGGED)
    return places


def sub_type_of(root: Any) -> str:
    """The name of the kind a network's document describes; a forward mode without row is its own name."""
    forward = root.find("forward")
    mode = None if forward is None else forward.get("mode", "nat")
    virtual_port = root.find("virtualport")
    port = None if virtual_port is None else virtual_port.get("type")
    for name, kind in NETWORK_KINDS.items():
        if kind.mode != mode or kind.virtual_port not in (None, port):
            continue
        if mode == "bridge" and (root.find("bridge") is None) == (name in ("bridge", "openvswitch")):
            continue
        if name == "bridge" and port == "openvswitch":
            continue
        return name
    return str(mode)


def read_network(xml: str) -> ResourcePool:
    """The pool that a network's document describes.

    ``capacity`` is the number of addresses its DHCP gives out, None without DHCP; ``currently_consumed_resource`` the
    number of adapters plugged in now, which only the document of an active network says.  Raises HostFailed for a
    document that is none.
    """
    root = opened(xml, "a network")[1]
    name = root.findtext("name") or ""
    sub_type = sub_type_of(root)
    kind = NETWORK_KINDS.get(sub_type, UNKNOWN_KIND)
    found = {where: place.read(root) for where, place in places_of(kind).items()}
    connections = root.get("connections")
    return ResourcePool(
        pool_id=name,
        resource_type=ResourceType.ETHERNET_ADAPTER,
        resource_sub_type=sub_type,
        uuid=root.findtext("uuid") or None,
        host_resource=found.pop(HOST_RESOURCE, None),
        capacity=range_size(found.get("settings.dhcp_ranges")),
        currently_consumed_resource=int(connections) if connections else None,
        settings={where[len("settings.") :]: value for where, value in found.items() if value is not None},
        instance_id=root.findtext("uuid") or name,
    )


def range_size(ranges: Iterable[Mapping[str, Any]] | None) -> int | None:
    """How many addresses DHCP ranges hold; None where there are none, or an address cannot be read."""
    total = 0
    for record in ranges or ():
        try:
            first, last = ipaddress.ip_address(record["start"]), ipaddress.ip_address(record["end"])
        except (KeyError, ValueError):
            return None
        total += int(last) - int(first) + 1
    return total or None


def properties_of(pool: ResourcePool) -> dict[str, Any]:
    """What a declared pool says about its document: ``host_resource`` and every ``settings.NAME`` with a value."""
    said = {f"settings.{name}": value for name, value in pool.settings.items() if value is not None}
    if pool.host_resource is not None:
        said[HOST_RESOURCE] = pool.host_resource
    return said


def new_network_xml(pool: ResourcePool, libvirt_version: int = 0) -> str:
    """The document of a new network.

    Raises InvalidInput for an unknown kind and for what the kind needs and is not given, NotSupported for a property
    that the kind does not have.
    """
    sub_type = pool.resource_sub_type or "isolated"
    if sub_type not in NETWORK_KINDS:
        raise allowed_words("resource_sub_type", sub_type, NETWORK_KINDS)
    kind = NETWORK_KINDS[sub_type]
    label = f"network {pool.pool_id!r}"
    said = properties_of(pool)
    for group in kind.required:
        if not any(said.get(where) for where in group):
            words = " or ".join(where.replace("settings.", "") for where in group)
            raise InvalidInput(f"{label}: a network of kind {sub_type!r} needs {words}")
    root = new("network")
    Text("name").write(root, pool.pool_id)
    Text("uuid").write(root, pool.uuid)
    if kind.mode:
        child(root, "forward").set("mode", kind.mode)
    if sub_type == "hostdev":
        child(root, "forward").set("managed", "yes")
    if kind.virtual_port:
        add(root, new("virtualport", type=kind.virtual_port))
    _put(root, kind, said, sub_type, label, libvirt_version)
    return written(root)


def edit_network_xml(xml: str, differences: Mapping[str, Difference], libvirt_version: int = 0) -> str:
    """The document with the values of ``differences`` put in, and nothing else changed.

    Raises Conflict when a value is no longer the one that the difference starts from, NotSupported for a property that
    the kind does not have or that cannot be changed.
    """
    document, root = opened(xml, "a network")
    label = f"network {root.findtext('name')!r}"
    sub_type = sub_type_of(root)
    kind = NETWORK_KINDS.get(sub_type, UNKNOWN_KIND)
    changed = {where: value for where, value in differences.items() if where != "automatic_startup"}
    places = places_of(kind)
    for where, (before, _after) in changed.items():
        there = sub_type if where == "resource_sub_type" else places[where].read(root) if where in places else None
        if where != "parent" and (there or None) != (before or None):
            raise Conflict(f"{label}: {where} was {before!r} when the change was planned and is {there!r} now")
    if "parent" in changed:
        raise NotSupported(f"{label}: parent follows from the devices of the network")
    if "resource_sub_type" in changed:
        sub_type = _become(root, sub_type, changed.pop("resource_sub_type")[1], label)
        kind = NETWORK_KINDS[sub_type]
    _put(root, kind, {where: after for where, (_before, after) in changed.items()}, sub_type, label, libvirt_version)
    return document.text()


def _become(root: Any, before: str, after: str, label: str) -> str:
    """Give a network with a bridge of its own another way of forwarding; returns the name of the new kind."""
    for name in (before, after):
        if not NETWORK_KINDS.get(name, UNKNOWN_KIND).addressed:
            raise NotSupported(f"{label}: {before!r} cannot become {after!r}: {ANOTHER_NETWORK}")
    kind = NETWORK_KINDS[after]
    if kind.mode is None:
        remove_all(root, "forward")
        return after
    if kind.host_resource is None:
        ForwardDevices().write(root, None)
    if kind.mode != "nat":
        remove_all(root, "forward/nat")
    child(root, "forward").set("mode", kind.mode)
    return after


def _put(
    root: Any, kind: NetworkKind, said: Mapping[str, Any], sub_type: str, label: str, libvirt_version: int
) -> None:
    places = places_of(kind, writing=True, libvirt_version=libvirt_version)
    for where in said:
        if where not in places and said[where]:
            raise NotSupported(f"{label}: {where.replace('settings.', '')}: {_no_place(where, sub_type)}")
    addressing = {where: said[where] for where in ADDRESSING if where in said}
    vlan = {where: said[where] for where in VLAN if where in said}
    for where in _ORDER:
        if where in said and where in places and where not in addressing and where not in vlan:
            places[where].write(root, said[where])
    if addressing:
        addresses, ranges, hosts = (addressing.get(where, sections.KEEP) for where in ADDRESSING)
        sections.write_addressing(root, addresses, ranges, hosts, label)
    if vlan:
        sections.write_vlan(root, {where[len("settings.") :]: value for where, value in vlan.items()})
    tagged = root.find("portgroup/vlan")
    if said.get(_PORT_GROUPS) and tagged is not None and not set(VLAN) & set(places):
        group = tagged.getparent().get("name")
        raise NotSupported(f"{label}: port_groups: {group}: {_no_place(VLAN[0], sub_type)}")


def _no_place(where: str, sub_type: str) -> str:
    if where in VLAN and sub_type in NETWORK_KINDS:
        return f"libvirt before version 11 tags VLANs in networks of kind 'openvswitch' and 'hostdev' only, not {sub_type!r}"
    if sub_type in ("bridge", "openvswitch") and where == "settings.bridge":
        return "the bridge of the host that the network uses is its host_resource"
    return f"a network of kind {sub_type!r} has no such property"


def network_capabilities(libvirt_version: int = 0) -> dict[tuple[ResourceType, str], PoolCapabilities]:
    """How networks of each kind can be made and changed; ``libvirt_version`` as virConnect.getLibVersion() says it."""
    found = {}
    names = {HOST_RESOURCE, *(f"settings.{name}" for name in ETHERNET_POOL_SETTINGS)}
    for sub_type, kind in NETWORK_KINDS.items():
        places = set(places_of(kind, writing=True, libvirt_version=libvirt_version))
        live = {"settings.dhcp_ranges", "settings.dhcp_hosts", _PORT_GROUPS} & places
        if kind.devices_live:
            live.add(HOST_RESOURCE)
        fixed = {"parent": "follows from the devices of the network"}
        stopped = places - live
        if kind.addressed:
            stopped.add("resource_sub_type")
        else:
            fixed["resource_sub_type"] = ANOTHER_NETWORK
        found[(ResourceType.ETHERNET_ADAPTER, sub_type)] = PoolCapabilities(
            resource_type=ResourceType.ETHERNET_ADAPTER,
            resource_sub_type=sub_type,
            required=kind.required,
            live=frozenset(live | {"automatic_startup"}),
            stopped=frozenset(stopped),
            fixed=fixed,
            unsupported={where: _no_place(where, sub_type) for where in names - places},
        )
    return found


def live_updates(xml: str, differences: Mapping[str, Difference]) -> tuple[list[sections.Update], list[str]]:
    """What virNetwork.update() must be told so that an active network gets the values of ``differences``.

    ``xml`` is the document of the active network.  Also returns the names of the properties that can be changed only by
    stopping the network and starting it.  What the active network already has needs no update.
    """
    root = opened(xml, "a network")[1]
    kind = NETWORK_KINDS.get(sub_type_of(root), UNKNOWN_KIND)
    updates: list[sections.Update] = []
    later = []
    for where, (_before, after) in differences.items():
        if where == HOST_RESOURCE and kind.devices_live:
            updates += sections.device_updates(root, after)
        elif where in sections.LIVE:
            made = sections.LIVE[where](root, after)
            if made is None:
                later.append(where)
            else:
                updates += made
        elif where != "automatic_startup":
            later.append(where)
    # Removals first: an address can move from one entry to another.
    return sorted(updates, key=lambda update: update.command != "delete"), later
