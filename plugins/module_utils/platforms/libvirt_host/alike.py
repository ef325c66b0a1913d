# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading many definitions that are much alike.

The systems of a host differ in names, disks and network adapters; machine, processors, controllers, consoles and the
like stand word by word alike in many definitions.  What stands alike is read once, and shared by all that have it.
"""

from __future__ import annotations

import itertools
import re

from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, Configuration
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.devices import read_devices
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.system_settings import OF_DEVICES
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import Volumes

_START = re.compile(r"(<domain [^>]*>)\n  <name>[^<]*</name>\n  <uuid>[^<]*</uuid>(?=\n)")
_OPENING, _CLOSING = "\n  <devices>\n    ", "\n  </devices>\n"
_NEXT_DEVICE = re.compile(r"\n    (?=<\w)")
"""libvirt begins every device on a line of its own, four blanks deep."""
_NAMED_ORDER = "<boot order="
"""An order of devices, which are then to be seen together."""
_OWN = ("<disk ", "<interface ")
"""Beginnings of devices that no two systems have alike."""
_SYSTEM = 2
"""So many resources, processor and memory, come before the devices."""
_REMEMBERED = 1000
"""So many parts are remembered before it begins anew: hosts have few, or as many as systems and no use for them."""


class Parts:
    """What parts of definitions tell that hold neither drive nor network adapter; any thread may ask.

    That follows from their text alone: it stays true whatever becomes of the host, for as long as it is kept.
    """

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[str, Configuration] = {}

    def configuration(self, text: str) -> Configuration:
        """What ``DomainDocument.parse(text).configuration()`` tells."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[text] = DomainDocument.parse(text).configuration()
        return found


class Alike:
    """The definitions of one reading of a host."""

    def __init__(self, volumes: Volumes, parts: Parts) -> None:
        """``volumes`` knows the storage behind drives, ``parts`` what was read of other definitions."""
        self._volumes = volumes
        self._parts = parts

    def configuration(self, text: str) -> Configuration:
        """What ``DomainDocument.parse(text).configuration(volumes)`` tells."""
        before, opening, rest = text.rpartition(_OPENING)
        devices, closing, _after = rest.partition(_CLOSING)
        start = _START.match(before)
        if not start or not opening or not closing or _NAMED_ORDER in devices:
            return DomainDocument.parse(text).configuration(self._volumes)
        system = self._parts.configuration(f"{start.group(1)}{before[start.end() :]}\n</domain>")
        runs = [(own, list(run)) for own, run in itertools.groupby(_NEXT_DEVICE.split(devices), _is_own)]
        own_text = "".join(device for own, run in runs if own for device in run)
        own_devices = iter(read_devices(parse(f"<devices>{own_text}</devices>", "a virtual system"), self._volumes))
        settings, resources = dict(system.settings), list(system.resources)
        for own, run in runs:
            if own:
                resources += [rasd for _element, rasd in itertools.islice(own_devices, len(run))]
            else:
                part = self._parts.configuration("<domain><devices>" + "".join(run) + "</devices></domain>")
                settings.update({name: part.settings[name] for name in OF_DEVICES if _is_told(part, name)})
                resources += part.resources[_SYSTEM:]
        return Configuration(settings, tuple(resources))


def _is_told(part: Configuration, name: str) -> bool:
    return bool(part.settings[name] != SYSTEM_SETTINGS[name].absent)


def _is_own(device: str) -> bool:
    return device.startswith(_OWN)
