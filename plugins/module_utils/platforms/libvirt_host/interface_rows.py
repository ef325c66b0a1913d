# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table row of network adapters."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import (
    Kids,
    Place,
    kids_of,
    number_or_nothing,
    positive,
    text_or_nothing,
    yes,
    yes_or_nothing,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import NAME, DeviceRow, Fields
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    prune,
    put,
    take_away,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import NoVolumes, Volumes

ORDERS = {
    "interface": (
        "mac", "source", "virtualport", "ip", "route", "script", "downscript", "backenddomain", "target", "guest",
        "model", "driver", "backend", "filterref", "bandwidth", "vlan", "port", "link", "mtu", "tune", "coalesce",
        "boot", "acpi", "alias", "address",
    ),
    "bandwidth": ("inbound", "outbound"),
}  # fmt: skip

BITS_PER_STEP = 8000
"""libvirt counts bandwidth in kilobytes per second."""

_SOURCE = {"bridge": "bridge", "direct": "dev", "vhostuser": "path", "vdpa": "dev", "internal": "name"}
"""Attribute of ``<source>`` that says where an adapter is plugged in, by type; also the words before the colon."""
_WRITABLE = ("bridge", "direct", "user", "ethernet")
_CONNECTING = ("network", "bridge", "dev", "mode", "portid", "portgroup", "path", "name", "type")
_EXPRESS = ("virtio", "virtio-non-transitional", "e1000e", "igb", "vmxnet3")
"""Models that are PCI Express devices where the machine has such slots."""
_MAC_FILTERS = ("no-mac-spoofing", "clean-traffic", "clean-traffic-gateway")


def _rate(text: str) -> int | None:
    return int(text) * BITS_PER_STEP or None


def _steps(rate: Any) -> str | None:
    """The rate in steps, at least one; 0 takes the limit away."""
    return str(max(1, round(rate / BITS_PER_STEP))) if rate else None


def _read(element: Element, kids: Kids, fields: Fields, settings: Fields, _volumes: Volumes) -> None:
    """Connection, VLANs and filters."""
    vlan, chosen = kids.get("vlan"), kids.get("filterref")
    if chosen is not None and chosen.get("filter") in _MAC_FILTERS:
        settings["source_mac_filtering_enabled"] = True
    fields["connection"] = _connection(element, kids.get("source"), fields)
    if vlan is not None:
        tags = vlan.findall("tag")
        if vlan.get("trunk") == "yes" or len(tags) > 1:
            settings["desired_vlan_endpoint_mode"] = "trunk"
            native = [tag for tag in tags if tag.get("nativeMode")]
            if native:
                settings["port_vid"] = int(native[0].get("id"))
            settings["allowed_to_transmit_vlans"] = tuple(int(tag.get("id")) for tag in tags if tag not in native)
        elif tags:
            settings["desired_vlan_endpoint_mode"] = "access"
            settings["port_vid"] = int(tags[0].get("id"))


def _connection(element: Element, source: Element, fields: Fields) -> tuple[str, ...]:
    kind = element.get("type") or ""
    if source is not None:
        # A running adapter shows the bridge or device its network gave it; it is plugged into the network still.
        network = source.get("network")
        if network is not None:
            fields["pool_id"] = str(network)
            return (str(network),)
        if kind in _SOURCE:
            mode = source.get("mode") if kind == "direct" else None
            # libvirt adds its default.
            mode = f"/{mode}" if mode and mode != "vepa" else ""
            return (f"{kind}:{source.get(_SOURCE[kind]) or ''}{mode}",)
    return () if kind == "null" else (f"{kind}:",)


def _write_connection(element: Element, value: Any) -> None:
    """Plug the adapter in elsewhere."""
    if not value:
        raise NotSupported("ethernet_adapter: an adapter without connection is not supported: declare link_state: down")
    kind, colon, where = value[0].partition(":")
    if not colon:
        kind, where = "network", value[0]
    elif kind not in _WRITABLE:
        raise InvalidInput(
            f"connection: {value[0]!r} is not known; allowed are NETWORK, {', '.join(f'{word}:' for word in _WRITABLE)}"
        )
    element.set("type", kind)
    source = element.find("source")
    group = None if source is None else source.get("portgroup")
    if kind in ("user", "ethernet"):
        if source is not None:
            take_away(source)
        return
    source = ensure(element, "source", ORDERS["interface"])
    for name in _CONNECTING:
        source.attrib.pop(name, None)
    if kind == "direct":
        device, _slash, mode = where.partition("/")
        source.set("dev", device)
        source.set("mode", mode or "vepa")
        return
    source.set(kind, where)
    if group and kind == "network":
        source.set("portgroup", group)


def _write_pool(element: Element, value: Any) -> None:
    """An adapter drawn from a network is plugged into it."""
    if value is not None:
        _write_connection(element, (value,))


def _write_filtering(element: Element, value: Any) -> None:
    found = element.find("filterref")
    name = None if found is None else found.get("filter")
    if value:
        if name is not None and name not in _MAC_FILTERS:
            raise Conflict(f"ethernet_adapter: it has the filter {name!r}, and libvirt gives an adapter only one")
        ensure(element, "filterref", ORDERS["interface"]).set("filter", name or _MAC_FILTERS[0])
    elif name in _MAC_FILTERS:
        take_away(found)


def _vlans(element: Element) -> tuple[str | None, int, tuple[int, ...]]:
    settings: Fields = {}
    _read(element, kids_of(element), {}, settings, NoVolumes())
    return (
        settings.get("desired_vlan_endpoint_mode"),
        settings.get("port_vid", 0),
        settings.get("allowed_to_transmit_vlans", ()),
    )


def _write_vlans(element: Element, trunk: bool, native: int, tagged: tuple[int, ...]) -> None:
    """Write the tags anew; existing ones that stay keep what else they say."""
    wanted = [native, *tagged] if trunk else [native]
    wanted = [number for number in wanted if number]
    found = element.find("vlan")
    if not wanted and found is None:
        return
    vlan = ensure(element, "vlan", ORDERS["interface"])
    if trunk and wanted:
        vlan.set("trunk", "yes")
    else:
        vlan.attrib.pop("trunk", None)
    for tag in vlan.findall("tag"):
        if int(tag.get("id")) not in wanted:
            take_away(tag)
    there = {int(tag.get("id")): tag for tag in vlan.findall("tag")}
    for number in wanted:
        tag = there.get(number)
        if tag is None:
            tag = put(vlan, len(vlan), "tag")
            tag.set("id", str(number))
        if trunk and number == native:
            tag.set("nativeMode", tag.get("nativeMode") or "untagged")
        else:
            tag.attrib.pop("nativeMode", None)
    prune(vlan, element)


def _write_mode(element: Element, value: Any) -> None:
    _mode, native, tagged = _vlans(element)
    _write_vlans(element, value == "trunk", native, tagged)


def _write_vid(element: Element, value: Any) -> None:
    mode, _native, tagged = _vlans(element)
    _write_vlans(element, mode == "trunk", value or 0, tagged)


def _write_tagged(element: Element, value: Any) -> None:
    mode, native, _tagged = _vlans(element)
    _write_vlans(element, bool(value) or mode == "trunk", native, tuple(value or ()))


def _write_mac(element: Element, value: Any) -> None:
    if value is not None:
        ensure(element, "mac", ORDERS["interface"]).set("address", str(value).lower())


def _write_model(element: Element, value: Any) -> None:
    """Another model.  It keeps its place on the bus where it can, since guests name adapters after that."""
    model = ensure(element, "model", ORDERS["interface"])
    address = element.find("address")
    if address is not None and (model.get("type") in _EXPRESS) != (value in _EXPRESS):
        take_away(address)
    if value is None:
        take_away(model)
    else:
        model.set("type", value)


_QUEUES = Place("driver", "queues", decode=positive, encode=number_or_nothing)


def _write_queues(element: Element, value: Any) -> None:
    """How many queues; libvirt forgets them for other models without a word."""
    model = element.find("model")
    kind = None if model is None else model.get("type")
    if value and not (kind or "").startswith("virtio"):
        raise InvalidInput(f"queues: an adapter of model {kind} has one queue, only those of model virtio have several")
    _QUEUES.write(element, value or None, ORDERS)


def _write_rate(direction: str, attribute: str) -> Callable[[Element, Any], None]:
    """A rate; without one libvirt takes the rest of a direction for nothing."""
    place = Place(f"bandwidth/{direction}", attribute, encode=_steps)

    def write(element: Element, value: Any) -> None:
        place.write(element, value, ORDERS)
        found = element.find(f"bandwidth/{direction}")
        if found is not None and found.get("average") is None and found.get("floor") is None:
            bandwidth = found.getparent()
            take_away(found)
            prune(bandwidth, element)

    return write


def _create(element: Element, rasd: Rasd) -> None:
    if not rasd.connection and not rasd.pool_id:
        raise InvalidInput(f"{rasd.label}: it needs a connection (a network, or bridge:NAME …)")
    if rasd.connection and rasd.pool_id and rasd.connection != (rasd.pool_id,):
        raise InvalidInput(
            f"{rasd.label}: it cannot be connected to {rasd.connection[0]} and drawn from {rasd.pool_id}"
        )
    if rasd.resource_sub_type is None:
        ensure(element, "model", ORDERS["interface"]).set("type", "virtio")


def _key(_element: Element, _kids: Kids, fields: Fields) -> str:
    return f"interface/{fields.get('address') or ''}"


ADAPTER = DeviceRow(
    ResourceType.ETHERNET_ADAPTER,
    "interface",
    _key,
    places={
        "name": NAME,
        "resource_sub_type": Place("model", "type"),
        "address": Place("mac", "address", decode=str.lower),
        "limit": Place("bandwidth/outbound", "average", decode=_rate, encode=_steps),
        "settings.receive_bandwidth_limit": Place("bandwidth/inbound", "average", decode=_rate, encode=_steps),
        "settings.receive_bandwidth_reservation": Place("bandwidth/inbound", "floor", decode=_rate, encode=_steps),
        "settings.promiscuous": Place("", "trustGuestRxFilters", decode=yes, encode=yes_or_nothing),
        "settings.port_group": Place("source", "portgroup", encode=text_or_nothing),
        "settings.link_state": Place("link", "state"),
        "settings.mtu": Place("mtu", "size", decode=positive, encode=number_or_nothing),
        "settings.queues": _QUEUES,
    },
    read=_read,
    write={
        "address": _write_mac,
        "resource_sub_type": _write_model,
        "limit": _write_rate("outbound", "average"),
        "settings.receive_bandwidth_limit": _write_rate("inbound", "average"),
        "settings.receive_bandwidth_reservation": _write_rate("inbound", "floor"),
        "connection": _write_connection,
        "pool_id": _write_pool,
        "settings.desired_vlan_endpoint_mode": _write_mode,
        "settings.port_vid": _write_vid,
        "settings.allowed_to_transmit_vlans": _write_tagged,
        "settings.source_mac_filtering_enabled": _write_filtering,
        "settings.queues": _write_queues,
    },
    create=_create,
    unsupported={
        "reservation": "libvirt guarantees only what a guest receives: settings.receive_bandwidth_reservation",
        "weight": "libvirt does not weigh adapters against each other",
        "host_resource": "what an adapter is plugged into is its connection",
        "address_on_parent": "libvirt chooses the slot",
    },
    orders=ORDERS,
)
