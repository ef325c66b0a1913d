# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table rows of controllers."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import (
    Kids,
    Place,
    number_or_nothing,
    positive,
    text_or_nothing,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import NAME, DeviceRow, Fields
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import Element

_OWN_TYPES = {
    "ide": ResourceType.IDE_CONTROLLER,
    "scsi": ResourceType.SCSI_CONTROLLER,
    "usb": ResourceType.USB_CONTROLLER,
}
_OTHER_TYPES = ("sata", "virtio-serial", "pci", "fdc", "ccid")
_DEFAULT_MODELS = {"scsi": "virtio-scsi", "usb": "qemu-xhci"}
_REASONS = {
    "host_resource": "a controller is made by the hypervisor, not taken from the host",
    "settings.action": "only a watchdog acts",
    "settings.context_id": "only a vsock device has one",
    "settings.target": "a controller is found by its index",
}


def _key(element: Element, _kids: Kids, fields: Fields) -> str:
    return f"controller/{element.get('type')}/{fields.get('address_on_parent') or ''}"


def _row(kind: str) -> DeviceRow:
    def create(element: Element, rasd: Rasd) -> None:
        taken = {other.get("index") for other in element.getparent().findall("controller") if other.get("type") == kind}
        index = rasd.address_on_parent
        if index is None:
            index = next(str(number) for number in range(len(taken) + 1) if str(number) not in taken)
        elif index in taken:
            raise InvalidInput(f"{rasd.label}: there is another {kind} controller {index}")
        element.set("type", kind)
        element.set("index", index)
        if kind in _DEFAULT_MODELS and not rasd.resource_sub_type:
            element.set("model", _DEFAULT_MODELS[kind])

    own = _OWN_TYPES.get(kind)
    return DeviceRow(
        own or ResourceType.OTHER,
        "controller",
        _key,
        other_type=None if own else f"{kind.replace('-', '_')}_controller",
        places={
            "name": NAME,
            "resource_sub_type": Place("", "model", encode=text_or_nothing),
            "address_on_parent": Place("", "index"),
            **(
                {"settings.queues": Place("driver", "queues", decode=positive, encode=number_or_nothing)} if own else {}
            ),
        },
        create=create,
        unsupported=_REASONS,
        orders={"controller": ("driver", "model", "target", "master", "alias", "address")},
        host_adds_it=lambda _element, _fields: True,
    )


CONTROLLERS = {kind: _row(kind) for kind in (*_OWN_TYPES, *_OTHER_TYPES)}
"""Rows by libvirt's type."""


def row_of_controller(element: Element) -> DeviceRow | None:
    """The row of a ``<controller>``; None for the kinds of other hypervisors."""
    return CONTROLLERS.get(element.get("type"))
