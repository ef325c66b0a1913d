# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of devices of a domain, and how one is found among the others.

The instance id of a device is what it is, in the definition and in the running system alike, and does not change when
another one goes: ``disk/vda``, ``interface/52:54:00:…``, ``controller/scsi/0``.  Where that fits several devices, the
address that the guest sees follows: ``sound/ich9@pci:0000:00:1b.0``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported, allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import (
    disk_rows,
    graphics_rows,
    io_device_rows,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.character_rows import (
    CHANNEL,
    PARALLEL,
    SERIAL,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.controller_rows import (
    CONTROLLERS,
    row_of_controller,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.disk_rows import row_of_disk
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.interface_rows import ADAPTER
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.other_rows import OTHERS, row_of_balloon
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import kids_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import DeviceRow, Fields
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.system_settings import is_agent_channel
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import Element
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import NoVolumes, Volumes


def _always(row: DeviceRow) -> Callable[[Element], DeviceRow | None]:
    return lambda _element: row


_BY_TAG: Mapping[str, Callable[[Element], DeviceRow | None]] = {
    "disk": row_of_disk,
    "interface": lambda _element: ADAPTER,
    "controller": row_of_controller,
    "serial": lambda _element: SERIAL,
    "parallel": lambda _element: PARALLEL,
    "channel": lambda element: None if is_agent_channel(element) else CHANNEL,
    "graphics": lambda _element: graphics_rows.CONSOLE,
    "video": lambda _element: graphics_rows.ADAPTER,
    "input": lambda _element: io_device_rows.INPUT,
    "hostdev": io_device_rows.row_of_hostdev,
    **{row.tag: _always(row) for row in OTHERS},
    "memballoon": row_of_balloon,
}
"""The row of a device, by the tag of its element; None for what is no resource of its own."""

ROWS: tuple[DeviceRow, ...] = (
    disk_rows.DISK,
    disk_rows.CD,
    disk_rows.DVD,
    disk_rows.FLOPPY,
    ADAPTER,
    *CONTROLLERS.values(),
    SERIAL,
    PARALLEL,
    graphics_rows.CONSOLE,
    graphics_rows.ADAPTER,
    io_device_rows.INPUT,
    io_device_rows.DEVICE,
    CHANNEL,
    *OTHERS,
)


def row_for(rasd: Rasd) -> DeviceRow:
    """The row by which a new resource is written.  Raises NotSupported or InvalidInput when there is none."""
    rows = [row for row in ROWS if row.resource_type is rasd.resource_type]
    if not rows:
        raise NotSupported(f"{rasd.label}: libvirt has no resource of type {rasd.resource_type.word}")
    if rasd.resource_type is ResourceType.OTHER:
        for row in rows:
            if row.other_type == rasd.other_resource_type:
                return row
        raise allowed_words("other_resource_type", rasd.other_resource_type, [row.other_type for row in rows])
    if rasd.resource_type is ResourceType.GRAPHICS_CONTROLLER:
        return graphics_rows.CONSOLE if rasd.resource_sub_type in graphics_rows.CONSOLES else graphics_rows.ADAPTER
    if rasd.resource_type is ResourceType.IO_DEVICE:
        passed = rasd.resource_sub_type in io_device_rows.PASSED_THROUGH
        return io_device_rows.DEVICE if passed else io_device_rows.INPUT
    return rows[0]


def devices_of(devices: Element | None) -> Iterator[tuple[Element, DeviceRow]]:
    """Every device that is a resource, in order."""
    if devices is None:
        return
    by_tag = _BY_TAG
    for element in devices:
        choose = by_tag.get(element.tag)
        if choose is not None:
            row = choose(element)
            if row is not None:
                yield element, row


def device_with_id(devices: Element | None, instance_id: str) -> tuple[Element, DeviceRow] | None:
    """The device of that instance id; also when there were several of its kind, and it alone is left."""
    everything = read_devices(devices, NoVolumes())
    found = [element for element, rasd in everything if rasd.instance_id == instance_id]
    kind, _at, place = instance_id.rpartition("@")
    if not found and kind:
        found = [
            element for element, rasd in everything if rasd.instance_id == kind and place_in_guest(element) == place
        ]
    if len(found) != 1:
        return None
    row = _BY_TAG[found[0].tag](found[0])
    return None if row is None else (found[0], row)


def read_devices(devices: Element | None, volumes: Volumes) -> list[tuple[Element, Rasd]]:
    """Every device with what the model says of it."""
    found: list[tuple[Element, Fields]] = []
    keys: dict[str, int] = {}
    for element, row in devices_of(devices):
        fields: Fields = {}
        settings: Fields = {}
        kids = kids_of(element)
        row.reader.read(element, kids, fields, settings)
        row.read(element, kids, fields, settings, volumes)
        key = row.key(element, kids, fields)
        keys[key] = keys.get(key, 0) + 1
        fields["resource_type"] = row.resource_type
        fields["other_resource_type"] = row.other_type
        fields["settings"] = settings
        fields["instance_id"] = key
        # What has a name was declared by somebody, whatever the host would add by itself.
        fields["implied"] = not fields.get("name") and row.host_adds_it(element, fields)
        found.append((element, fields))
    if len(keys) < len(found):
        for element, fields in found:
            if keys[fields["instance_id"]] > 1:
                fields["instance_id"] += f"@{place_in_guest(element)}"
    return [(element, Rasd(**fields)) for element, fields in found]


def place_in_guest(element: Element) -> str:
    """The address of a device that the guest sees; its number among its kind while it has none."""
    address = element.find("address")
    if address is not None:
        kind = address.get("type")
        if kind == "pci":
            numbers = [int(address.get(name) or "0", 16) for name in ("domain", "bus", "slot", "function")]
            return "pci:{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)
        parts = [f"{value}" for name, value in sorted(address.attrib.items()) if name != "type"]
        return f"{kind}:{'.'.join(parts)}"
    parent = element.getparent()
    return f"#{parent.findall(element.tag).index(element)}"
