# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is declared of a virtual system and its resources can be at all, whatever the host.

What is there already is not judged, however it came to be there: only what differs from it, and what has to fit that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import LARGEST_PORT
from ansible_collections.svpc.virt.plugins.module_utils.plan.vlans import VLAN_SETTINGS, check_vlans

_VNC_PASSWORD = 8
"""Bytes of a password that the protocol compares (RFC 6143, 7.2.2)."""
_WITH_PORT = ("tcp", "udp")
"""Back ends of serial and parallel ports whose end is HOST:PORT."""
_LISTENING = ("tcp", "unix")
"""Those at which the host can wait for a client."""
TOPOLOGY = frozenset({"settings.sockets", "settings.cores", "settings.threads", "maximum_quantity"})
"""What has to fit each other of processors."""
_FILES = ("kernel", "initrd")
_NEEDED = {"channel": ("target",), "file_system": ("host_resource", "target")}
"""What a new resource of these other types cannot do without; a channel for SPICE has a name of its own."""


# Settings of the system


def check_declared_settings(settings: Mapping[str, Any], changed: Collection[str], resources: Sequence[Rasd]) -> None:
    """Raise InvalidInput for settings that cannot be, or do not fit each other.

    ``settings`` are those that the system is to have, of which the names ``changed`` are declared and differ from what is
    there; ``resources`` are those that it has or is to have.
    """
    for name in _FILES:
        value = settings.get(name)
        if name in changed and value and not value.startswith("/"):
            raise InvalidInput(f"settings: {name}: {value!r} is no path that begins with /")
    if (
        {"secure_boot", "firmware"} & set(changed)
        and settings.get("secure_boot")
        and settings.get("firmware") != "uefi"
    ):
        raise InvalidInput("settings: secure_boot needs firmware: uefi")
    if "boot_order" in changed:
        _check_listed_once(settings.get("boot_order") or (), resources)


def _check_listed_once(order: Sequence[str], resources: Sequence[Rasd]) -> None:
    """Each entry stands for a device: a name for one, a type for the next that is not listed yet."""
    taken: list[int] = []
    for number, word in enumerate(order):
        alike = [
            index
            for index, rasd in enumerate(resources)
            if word in (rasd.resource_type.word, rasd.name, rasd.address, rasd.address_on_parent)
        ]
        left = next((index for index in alike if index not in taken), None)
        if left is None and (alike or word in order[:number]):
            raise InvalidInput(f"settings: boot_order: {word!r} stands for nothing that is not listed before it")
        taken += [] if left is None else [left]


# Resources


def check_declared_resource(rasd: Rasd, changed: Collection[str]) -> None:
    """Raise InvalidInput for values of a resource that cannot be, or do not fit each other.

    ``rasd`` is the resource as it is to be; ``changed`` are the names, as ``model.rasd.values`` has them, of what is
    declared and differs from what is there.
    """
    for check in (_check_amounts, _check_one_of_the_host, *_CHECKS.get(rasd.resource_type, ())):
        check(rasd, frozenset(changed))


def _check_amounts(rasd: Rasd, changed: frozenset[str]) -> None:
    if "weight" in changed and rasd.weight is not None and rasd.weight < 0:
        raise InvalidInput(f"{rasd.label}: weight: {rasd.weight} is negative")


def _check_one_of_the_host(rasd: Rasd, changed: frozenset[str]) -> None:
    """A drive, a passed-through device and the end of a port are one thing of the host each."""
    single = rasd.row.host_resource_identifies or rasd.resource_type in _PORTS
    for name, is_single in (("host_resource", single), ("connection", rasd.row.addressed)):
        found = getattr(rasd, name) or ()
        if name in changed and is_single and len(found) > 1:
            raise InvalidInput(f"{rasd.label}: {name}: it has one, and {len(found)} are given")


def check_topology(rasd: Rasd) -> None:
    """Raise InvalidInput when sockets, cores and threads do not make the maximum of processors.

    Those that are declared have to divide it, where not all are.
    """
    names = ("sockets", "cores", "threads")
    parts = {name: rasd.settings[name] for name in names if rasd.settings.get(name)}
    maximum = rasd.maximum_quantity
    if rasd.resource_type is not ResourceType.PROCESSOR or not maximum or not parts:
        return
    product = 1
    for number in parts.values():
        product *= int(number)
    words = " x ".join(f"{number} {name}" for name, number in parts.items())
    if len(parts) == len(names) and product != maximum:
        raise InvalidInput(f"processor: {words} make {product} processors, and maximum_quantity is {maximum}")
    if maximum % product:
        raise InvalidInput(f"processor: {words} do not divide maximum_quantity, {maximum} processors")


def _check_processors(rasd: Rasd, changed: frozenset[str]) -> None:
    """The topology, but for a maximum that follows the quantity of an existing system: that is judged once it is known."""
    if not TOPOLOGY & changed:
        return
    if rasd.maximum_quantity is None:
        check_topology(replace(rasd, maximum_quantity=rasd.virtual_quantity))
    elif "maximum_quantity" in changed or "virtual_quantity" not in changed:
        check_topology(rasd)


def _check_path(rasd: Rasd, changed: frozenset[str]) -> None:
    """Outside of a pool a name alone says nothing."""
    if "host_resource" not in changed or rasd.pool_id or not rasd.host_resource:
        return
    place = rasd.host_resource[0]
    if not place.startswith("/") and "://" not in place:
        raise InvalidInput(f"{rasd.label}: host_resource: {place!r} is neither a path from the root nor a URL")


def _check_port(rasd: Rasd, changed: frozenset[str]) -> None:
    kind = rasd.resource_sub_type
    if kind in _WITH_PORT and {"host_resource", "resource_sub_type"} & changed:
        for place in rasd.host_resource or ():
            found = re.fullmatch(r".+:(\d{1,5})", place)
            if found is None or not 0 <= int(found.group(1)) <= LARGEST_PORT:
                raise InvalidInput(f"{rasd.label}: host_resource: {place!r} is not of the form HOST:PORT")
    if rasd.settings.get("listen") and kind not in _LISTENING and {"settings.listen", "resource_sub_type"} & changed:
        raise InvalidInput(f"{rasd.label}: listen: only the sub-types {' and '.join(_LISTENING)} listen")


def _check_adapter(rasd: Rasd, changed: frozenset[str]) -> None:
    model = rasd.resource_sub_type
    several = rasd.settings.get("queues") and {"settings.queues", "resource_sub_type"} & changed
    if several and model is not None and not model.startswith("virtio"):
        raise InvalidInput(
            f"{rasd.label}: queues: an adapter of model {model} has one queue, only those of model virtio have several"
        )
    said = {name: rasd.settings.get(name) for name in VLAN_SETTINGS if f"settings.{name}" in changed}
    before = {name: rasd.settings.get(name) for name in VLAN_SETTINGS if name not in said}
    native, tagged = (said.get(name, before.get(name)) for name in VLAN_SETTINGS[1:])
    if said and (native or tagged or said.get("desired_vlan_endpoint_mode") == "trunk"):
        check_vlans(said, before, rasd.label)


def _check_console(rasd: Rasd, changed: frozenset[str]) -> None:
    length = len((rasd.settings.get("password") or "").encode())
    if rasd.resource_sub_type == "vnc" and "settings.password" in changed and length > _VNC_PASSWORD:
        raise InvalidInput(
            f"{rasd.label}: password: a password for VNC has at most {_VNC_PASSWORD} bytes, and this one has {length}"
        )


def _check_other(rasd: Rasd, changed: frozenset[str]) -> None:
    if not {"other_resource_type", "host_resource", "settings.target"} & changed:
        return
    has = {"host_resource": rasd.host_resource, "target": rasd.settings.get("target")}
    needed = _NEEDED.get(rasd.other_resource_type or "", ()) if rasd.resource_sub_type != "spicevmc" else ()
    missing = [name for name in needed if not has[name]]
    if missing:
        raise InvalidInput(f"{rasd.label}: a {rasd.other_resource_type} needs {' and '.join(missing)}")


_PORTS = (ResourceType.SERIAL_PORT, ResourceType.PARALLEL_PORT)
_DRIVES = (ResourceType.DISK_DRIVE, ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE)
_CHECKS: Mapping[ResourceType, tuple[Callable[[Rasd, frozenset[str]], None], ...]] = {
    ResourceType.PROCESSOR: (_check_processors,),
    **dict.fromkeys(_DRIVES, (_check_path,)),
    **dict.fromkeys(_PORTS, (_check_port,)),
    ResourceType.ETHERNET_ADAPTER: (_check_adapter,),
    ResourceType.GRAPHICS_CONTROLLER: (_check_console,),
    ResourceType.OTHER: (_check_other, _check_port),
}
