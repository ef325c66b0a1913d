# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain's XML document in the words of the model, and changes to it that leave everything else as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ABSENT, PROPERTIES, Rasd, only, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import system_settings
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.devices import (
    device_with_id,
    read_devices,
    row_for,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import DeviceRow
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.system_settings import DEVICE_ORDER
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.tuning_rows import (
    ORDERS,
    is_expanded,
    read_memory,
    read_processor,
    write_memory,
    write_processor,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    Unwritten,
    Verbatim,
    ensure,
    parse,
    place_of,
    put,
    take_away,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import NoVolumes, Volumes

_NO_VOLUMES = NoVolumes()
_WRITERS = {ResourceType.PROCESSOR: write_processor, ResourceType.MEMORY: write_memory}


class DomainDocument:
    """The XML document of a domain: its definition (INACTIVE, SECURE), or what is running."""

    def __init__(self, text: str, root: Element) -> None:
        """See :meth:`parse` and :meth:`new`."""
        self._text = text
        self._root = root
        self._verbatim: Verbatim | Unwritten | None = None

    @classmethod
    def parse(cls, xml: str) -> DomainDocument:
        """A document as libvirt gave it.  Raises HostFailed when it is no XML."""
        return cls(xml, parse(xml, "a virtual system"))

    @classmethod
    def new(cls, root: Element) -> DomainDocument:
        """A document that is being made below ``root``."""
        document = cls("", root)
        document._verbatim = Unwritten(root)
        return document

    def to_xml(self) -> str:
        """The document as it is now; what was not changed is written as it was, byte for byte."""
        return self._text if self._verbatim is None else self._verbatim.text()

    @property
    def name(self) -> str:
        """The name of the domain."""
        return str(self._root.findtext("name") or "")

    @property
    def uuid(self) -> str | None:
        """The UUID of the domain; None in a document that has none yet."""
        return self._root.findtext("uuid") or None

    def configuration(self, volumes: Volumes = _NO_VOLUMES, defined: Configuration | None = None) -> Configuration:
        """Settings and resources.

        ``volumes`` knows the storage behind drives.  For the document of a running domain, ``defined`` is what its
        definition says: libvirt writes out the processor model that host-model stands for, and does not tell that it
        did.
        """
        parts = {child.tag: child for child in self._root}
        found = read_devices(parts.get("devices"), volumes)
        settings = self._settings(parts, lambda: found)
        processor = read_processor(parts)
        if defined is not None and is_expanded(parts):
            recorded = only(defined.resources, ResourceType.PROCESSOR)
            if recorded and recorded[0].resource_sub_type == "host-model":
                processor = replace(processor, resource_sub_type="host-model")
        resources = (processor, read_memory(parts), *(rasd for _element, rasd in found))
        return Configuration(settings=settings, resources=resources)

    def settings(self) -> dict[str, Any]:
        """The settings alone, as :meth:`configuration` has them."""
        parts = {child.tag: child for child in self._root}
        return self._settings(parts, lambda: read_devices(parts.get("devices"), _NO_VOLUMES))

    def _settings(self, parts: dict[str, Element], read: Callable[[], list[tuple[Element, Rasd]]]) -> dict[str, Any]:
        """The settings; ``read`` reads the devices, which only an order of boot devices needs."""
        settings = system_settings.read_settings(self._root, parts)
        for name in ("tpm", "guest_agent", "secure_boot"):
            settings.setdefault(name, SYSTEM_SETTINGS[name].absent)
        devices = parts.get("devices")
        if devices is None:
            return settings
        for child in devices:
            if child.tag == "tpm":
                version = system_settings.tpm_version(child)
                if version:
                    settings["tpm"] = version
            elif child.tag == "channel" and system_settings.is_agent_channel(child):
                settings["guest_agent"] = True
        if "boot_order" not in settings and next(devices.iter("boot"), None) is not None:
            order = system_settings.read_boot_order(_bootable(read()))
            if order:
                settings["boot_order"] = order
        return settings

    def find(self, rasd: Rasd) -> Element:
        """The element of an existing device.  Raises Conflict when it is not there any more."""
        element, _row = self._device(rasd)
        return element

    def _device(self, rasd: Rasd) -> tuple[Element, DeviceRow]:
        found = device_with_id(self._root.find("devices"), rasd.instance_id or "")
        if found is None:
            raise Conflict(f"{rasd.label} is no longer in virtual system {self.name!r}: somebody else has changed it")
        return found

    def edited(self) -> Element:
        """The root element, to be changed in place; what stays untouched keeps its text."""
        self._original()
        return self._root

    def _original(self) -> Verbatim | Unwritten:
        """The text of what stays untouched, remembered before the first change."""
        if self._verbatim is None:
            self._verbatim = Verbatim(self._text, self._root)
        return self._verbatim

    def add(self, rasd: Rasd) -> str:
        """Put a new resource in.  Returns its element for a live attach; an empty text for processors and memory.

        Raises InvalidInput or NotSupported for what libvirt's documents cannot say.
        """
        root = self.edited()
        if rasd.resource_type in _WRITERS:
            said = _said(rasd)
            if "virtual_quantity" in said:
                said.setdefault("maximum_quantity", said["virtual_quantity"])
            _WRITERS[rasd.resource_type](root, said)
            return ""
        row = row_for(rasd)
        devices = ensure(root, "devices", ORDERS["domain"])
        element = put(devices, place_of(devices, row.tag, DEVICE_ORDER), row.tag)
        row.create(element, rasd)
        _accompany(devices, element)
        for name, value in _said(rasd).items():
            row.put(element, name, value)
        return self._text_of(element)

    def modify(self, before: Rasd, differences: Mapping[str, Difference]) -> str:
        """Give an existing resource the values after, in the order of the model.

        Returns the element as it is then, for a live update; an empty text for processors and memory.  Raises Conflict
        when the resource is not there any more.
        """
        root = self.edited()
        after = {name: differences[name][1] for name in sorted(differences, key=_rank)}
        if before.resource_type in _WRITERS:
            _WRITERS[before.resource_type](root, after)
            return ""
        element, row = self._device(before)
        for name, value in after.items():
            row.put(element, name, value)
        return self._text_of(element)

    def remove(self, rasd: Rasd) -> str:
        """Take a device out.  Returns the element it was, for a live detach.  Raises Conflict when it is gone."""
        self.edited()
        if rasd.resource_type in _WRITERS:
            raise NotSupported(f"{rasd.label}: a virtual system cannot be without {rasd.resource_type.word}")
        element, row = self._device(rasd)
        text = self._text_of(element)
        row.forget(element)
        take_away(element)
        return text

    def apply_settings(self, differences: Mapping[str, Difference]) -> None:
        """Give the system the settings after; what libvirt keeps outside the document is passed over."""
        root = self.edited()
        after = {name: difference[1] for name, difference in differences.items()}
        for name, write in system_settings.WRITERS.items():
            if name in after:
                write(root, after[name])
        if "boot_order" in after:
            devices = read_devices(root.find("devices"), _NO_VOLUMES)
            system_settings.write_boot_order(root, after["boot_order"] or (), _bootable(devices))
        for name, value in after.items():
            reason = system_settings.UNSUPPORTED_SETTINGS.get(name)
            if reason and value is not None:
                raise NotSupported(f"settings: {name} is not supported: {reason}")

    def _text_of(self, element: Element) -> str:
        return self._original().element_text(element)


def _accompany(devices: Element, element: Element) -> None:
    """The controller a new drive on a SCSI bus needs; libvirt would make one of a kind few guests know."""
    target = element.find("target")
    if element.tag == "disk" and target is not None and target.get("bus") == "scsi":
        if any(controller.get("type") == "scsi" for controller in devices.iterfind("controller")):
            return
        controller = put(devices, place_of(devices, "controller", DEVICE_ORDER), "controller")
        for name, text in (("type", "scsi"), ("index", "0"), ("model", "virtio-scsi")):
            controller.set(name, text)


def _said(rasd: Rasd) -> dict[str, Any]:
    """The values of a new resource that have to be written: not what is meant where nothing is said."""
    settings = rasd.row.settings
    said = {}
    for name, value in values(rasd).items():
        absent = (
            settings[name[9:]].absent if name[9:] in settings and name.startswith("settings.") else ABSENT.get(name)
        )
        if absent is None or value != absent:
            said[name] = value
    return said


def _rank(name: str) -> int:
    return PROPERTIES.index(name) if name in PROPERTIES else len(PROPERTIES)


def _bootable(found: list[tuple[Element, Rasd]]) -> list[system_settings.Device]:
    """Devices as the boot order may call them."""
    return [
        (
            element,
            rasd.resource_type.word,
            rasd.name,
            *(word for word in (rasd.address_on_parent, rasd.address) if word),
        )
        for element, rasd in found
    ]
