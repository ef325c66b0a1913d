# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running system in the words of its definition.

libvirt fills in, when it starts a system, what the definition leaves to the host.  That is no difference between the
two, and nothing that a restart would change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.processors import binding_as_recorded
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse

_ADDRESS = "listen_address"


def as_recorded(
    session: Session, defined: Configuration, running: Configuration, migratable: Callable[[], str | None]
) -> Configuration:
    """``running``, without what the host has chosen where ``defined`` leaves it the choice.

    ``migratable`` asks for the document in which another host would be given the system: it is written without the
    addresses that are those of this host; None from a kind of host that does not know it.
    """
    running = binding_as_recorded(session, defined, running)
    there = {rasd.resource_sub_type: rasd for rasd in only(defined.resources, ResourceType.GRAPHICS_CONTROLLER)}
    asked = [
        rasd
        for rasd in only(running.resources, ResourceType.GRAPHICS_CONTROLLER)
        if _ADDRESS in rasd.settings
        and rasd.resource_sub_type in there
        and _ADDRESS not in there[rasd.resource_sub_type].settings
    ]
    if not asked:
        return running
    chosen = _without_address(migratable() or "<domain/>")
    by_host = [rasd for rasd in asked if rasd.resource_sub_type in chosen]
    return replace(
        running,
        resources=tuple(
            _left_out(rasd) if any(rasd is other for other in by_host) else rasd for rasd in running.resources
        ),
    )


def _without_address(text: str) -> set[str | None]:
    """The kinds of consoles in a document that name no address to listen on."""
    return {
        console.get("type")
        for console in parse(text, "a running virtual system").findall("devices/graphics")
        if console.get("listen") is None and console.find("listen[@address]") is None
    }


def _left_out(rasd: Rasd) -> Rasd:
    return replace(rasd, settings={name: value for name, value in rasd.settings.items() if name != _ADDRESS})
