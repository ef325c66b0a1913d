# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processors of the host those of a system are bound to."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session


def host_processors(session: Session) -> int:
    """How many processors the host has, those that are switched off included."""
    with talking("read the processors of the host"):
        return len(session.connection.getCPUMap(0)[1])


def cpus_of(text: str, count: int) -> set[int]:
    """The processors of a set such as ``0-3,^2,8``; ``count`` is how many the host has.  Raises InvalidInput."""
    found: set[int] = set()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, _dash, last = part.lstrip("^").partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise InvalidInput(f"{text!r} is no set of processors; written like 0-3,^2,8")
        numbers = set(range(int(first), int(last or first) + 1))
        found = found - numbers if part.startswith("^") else found | numbers
    surplus = sorted(number for number in found if number >= count)
    if surplus:
        raise InvalidInput(f"The host has the processors 0 to {count - 1}, and not {surplus[0]}")
    return found


def binding_as_recorded(session: Session, defined: Configuration, running: Configuration) -> Configuration:
    """``running`` with its binding of processors in the words of the definition, where both mean the same.

    libvirt does not tell the kinds of binding of a single processor apart, and a binding that was taken off a running
    system shows as one to all processors of the host.
    """
    recorded, actual = (only(each.resources, ResourceType.PROCESSOR) for each in (defined, running))
    if not recorded or not actual or not actual[0].host_resource:
        return running
    same: Rasd | None = None
    if not recorded[0].host_resource:
        count = host_processors(session)
        if all(cpus_of(text, count) == set(range(count)) for text in actual[0].host_resource):
            same = replace(actual[0], host_resource=None, mapping_behavior=None)
    elif actual[0].maximum_quantity == 1 and recorded[0].host_resource == actual[0].host_resource:
        same = replace(actual[0], mapping_behavior=recorded[0].mapping_behavior)
    if same is None:
        return running
    return replace(running, resources=tuple(same if rasd is actual[0] else rasd for rasd in running.resources))
