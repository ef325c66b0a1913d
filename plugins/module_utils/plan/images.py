# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the declared disks are made from an image: those that are not there yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Optional

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageFacts, ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import match
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem

Read = Callable[[Rasd], Optional[ImageFacts]]
"""What is known of the image of a disk; None when its storage exists, so that no image is needed."""

LINKABLE = ("qcow2", "raw")
"""Formats of images that a disk can build on."""


def with_images(
    desired: DesiredSystem, current: VirtualSystem | None, capabilities: Capabilities, read: Read
) -> DesiredSystem:
    """The declaration, with what ``read`` tells of each image that a disk has to be made from.

    A disk that the system has, and one whose storage exists already, needs no image: it may have gone since.
    Raises NotSupported when the host cannot make disks from images, InvalidInput for a linked disk of another format.
    """
    if desired.state == "absent" or all(rasd.image is None for rasd in desired.resources):
        return desired
    existing = current.defined.resources if current is not None else ()
    resources = []
    for rasd, index in zip(desired.resources, match(desired.resources, existing)):
        if rasd.image is not None and index is None:
            rasd = replace(rasd, image=_with_facts(rasd, rasd.image, capabilities, read))
        elif rasd.image is not None:
            rasd = replace(rasd, image=None)
        resources.append(rasd)
    return replace(desired, resources=tuple(resources))


def _with_facts(rasd: Rasd, image: Image, capabilities: Capabilities, read: Read) -> Image:
    if image.mode not in capabilities.image_modes:
        offered = sorted(mode.value for mode in capabilities.image_modes)
        raise NotSupported(
            f"{rasd.label}: image_mode {image.mode.value!r} is not supported by this host: its capabilities name "
            f"{', '.join(offered) or 'no way'} to make a disk from an image",
            allowed=offered,
        )
    if image.mode is ImageMode.LINKED and rasd.settings.get("format", "qcow2") != "qcow2":
        raise InvalidInput(
            f"{rasd.label}: image_mode linked makes a disk of format qcow2, not {rasd.settings['format']}"
        )
    facts = read(rasd)
    if image.mode is ImageMode.LINKED and facts is not None and facts.format not in LINKABLE:
        raise NotSupported(
            f"{rasd.label}: the {image.words} has format {facts.format}: a disk can be linked to one of format "
            f"{' or '.join(LINKABLE)}, and be a copy of one of any other format",
            allowed=list(LINKABLE),
        )
    return replace(image, facts=facts)
