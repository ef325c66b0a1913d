# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's own facts of a host tell of devices, volume groups, mounts and interfaces that a platform cannot see.

The facts are those of ansible.builtin.setup, with or without the prefix ``ansible_``: ``devices``, ``lvm``, ``mounts``,
and one entry for each network interface.  What is missing, or has another shape, is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model import dependencies as model
from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Graph, Reading

_PREFIX = "ansible_"
_MEMBERS = ("interfaces", "slaves")
"""Facts of a bridge and of a bond that list what they consist of."""


def host_facts(facts: Mapping[str, Any]) -> Graph:
    """The elements and dependencies that facts tell of."""
    bare = {name[len(_PREFIX) :] if name.startswith(_PREFIX) else name: value for name, value in facts.items()}
    reading = Reading()
    for name, device in _entries(bare.get("devices")):
        _add_device(reading, name, device)
    _add_volume_groups(reading, bare.get("lvm"))
    for mount in bare.get("mounts") or ():
        if isinstance(mount, Mapping):
            _add_mount(reading, mount)
    for name in _texts(bare.get("interfaces")):
        _add_interface(reading, name, bare.get(name.replace("-", "_").replace(":", "_")) or bare.get(name))
    return reading.graph()


def _entries(value: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    found = value.items() if isinstance(value, Mapping) else ()
    return [(str(name), entry) for name, entry in found if isinstance(entry, Mapping)]


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else []


def _add_device(reading: Reading, name: str, device: Mapping[str, Any]) -> None:
    """A disk with its partitions, and the devices that the kernel has made of them (``holders``)."""
    me = reading.add(
        model.DEVICE, f"/dev/{name}", model=device.get("model") or None, serial=device.get("serial") or None
    )
    _add_links(reading, me, device)
    _add_holders(reading, me, device)
    for part, partition in _entries(device.get("partitions")):
        place = reading.add(model.DEVICE, f"/dev/{part}")
        _add_links(reading, place, partition)
        _add_holders(reading, place, partition)
        reading.depend(place, me, model.BASED_ON)


def _add_links(reading: Reading, me: str, device: Mapping[str, Any]) -> None:
    links = device.get("links")
    links = links if isinstance(links, Mapping) else {}
    for link in _texts(links.get("ids")):
        reading.call(me, f"/dev/disk/by-id/{link}")
        if link.startswith("dm-name-"):
            reading.call(f"/dev/mapper/{link[len('dm-name-') :]}", me)
    for word, folder in (("labels", "label"), ("uuids", "uuid")):
        for link in _texts(links.get(word)):
            reading.call(me, f"/dev/disk/by-{folder}/{link}")
    for master in _texts(links.get("masters")):
        reading.depend(reading.add(model.DEVICE, f"/dev/{master}"), me, model.BASED_ON)


def _add_holders(reading: Reading, me: str, device: Mapping[str, Any]) -> None:
    """The devices on top: the facts call a mapped device by its name in /dev/mapper, any other one by its own."""
    for holder in _texts(device.get("holders")):
        own = holder.startswith(("md", "bcache", "drbd")) and holder.lstrip("abcdehmr").isdigit()
        place = reading.add(model.DEVICE, f"/dev/{holder}" if own else f"/dev/mapper/{holder}")
        reading.depend(place, me, model.BASED_ON)


def _add_volume_groups(reading: Reading, lvm: Any) -> None:
    lvm = lvm if isinstance(lvm, Mapping) else {}
    for path, physical in _entries(lvm.get("pvs")):
        if physical.get("vg"):
            group = reading.add(model.VOLUME_GROUP, str(physical["vg"]))
            reading.depend(group, reading.add(model.DEVICE, path), model.CONCRETE_COMPONENT)
    for name, logical in _entries(lvm.get("lvs")):
        if logical.get("vg"):
            group = str(logical["vg"])
            mapped = f"/dev/mapper/{group.replace('-', '--')}-{name.replace('-', '--')}"
            me = reading.add(model.DEVICE, f"/dev/{group}/{name}", mapped)
            reading.depend(me, reading.add(model.VOLUME_GROUP, group), model.BASED_ON)


def _add_mount(reading: Reading, mount: Mapping[str, Any]) -> None:
    """A mounted file system: on a device, or on another machine (``SERVER:/EXPORT``, ``//SERVER/SHARE``)."""
    place, device = str(mount.get("mount") or ""), str(mount.get("device") or "")
    if not place.startswith("/"):
        return
    me = reading.add(model.FILE_SYSTEM, place, file_system_type=mount.get("fstype") or None)
    if device.startswith("//"):
        reading.depend(me, reading.add(model.SERVER, device[2:].partition("/")[0]), model.HOSTED_DEPENDENCY)
    elif device.startswith("/"):
        reading.depend(me, reading.add(model.DEVICE, device), model.RESIDES_ON_EXTENT)
    elif ":/" in device:
        reading.depend(me, reading.add(model.SERVER, device.rpartition(":/")[0]), model.HOSTED_DEPENDENCY)


def _add_interface(reading: Reading, name: str, facts: Any) -> None:
    """A network interface: what it consists of, or the device it is."""
    facts = facts if isinstance(facts, Mapping) else {}
    pci = facts.get("pciid")
    me = reading.add(
        model.NETWORK_INTERFACE,
        str(facts.get("device") or name),
        physical=bool(pci) or None,
        address=facts.get("macaddress"),
    )
    for word in _MEMBERS:
        for member in _texts(facts.get(word)):
            reading.depend(me, reading.add(model.NETWORK_INTERFACE, member), model.CONCRETE_COMPONENT)
    if pci:
        reading.depend(me, reading.add(model.NODE_DEVICE, str(pci)), model.CONTROLLED_BY)
