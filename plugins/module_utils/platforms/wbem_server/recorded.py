# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task has recorded in the definition of a running system, where the server shows one configuration alone.

libvirt-cim shows the settings of the definition and the resources of what runs. Each of its changes goes into the
definition, and what the running system has not taken over waits for its next start: that is known to the task that
asked for the change, and to nobody later.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server, Unseen
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.systems import SystemFound


def record(server: Server, found: SystemFound, change: Unseen) -> None:
    """Remember a change that the server has made to the definition of a system which may run."""
    if found.single and server.dialect.single_configuration:
        server.recorded.setdefault(change.system.name, []).append(change)


def told(server: Server, system: VirtualSystem) -> VirtualSystem:
    """A system that was read, with what is known of the configuration that the server does not show."""
    defined, running = system.defined, system.running
    for change in server.recorded.get(system.name, ()) if running is not None else ():
        if isinstance(change, changes.RemoveResourceSettings):
            gone = change.resource.instance_id
            kept = tuple(rasd for rasd in defined.resources if rasd.instance_id != gone)
            defined = replace(defined, resources=kept)
        elif running is not None:
            former = {name: before for name, (before, _after) in change.differences.items()}
            running = replace(running, settings={**running.settings, **former})
    return replace(system, defined=defined, running=running)
