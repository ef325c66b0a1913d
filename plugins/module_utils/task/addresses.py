# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IP addresses of guests, from the sources that hosts have: DHCP leases, guest agents, ARP tables."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotFound, NotSupported, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import ORDER, Platform

WITHIN = 10.0
"""Seconds within which the guests of a host are asked, if nothing else is said: enough for dozens that are silent."""

Addresses = dict[str, list[str]]
"""IP addresses by MAC address."""


def macs_of(system: VirtualSystem) -> set[str]:
    """The MAC addresses of a system's adapters."""
    adapters = only(system.effective.resources, ResourceType.ETHERNET_ADAPTER)
    return {(rasd.address or "").lower() for rasd in adapters} - {""}


def addresses_of(platform: Platform, system: VirtualSystem) -> Addresses:
    """The addresses of the adapters of one running system; raises what :func:`addresses_of_all` returns as an error."""
    found, failed = addresses_of_all(platform, [system])
    if failed:
        raise failed[system.name]
    return found.get(system.name, {})


def addresses_of_all(
    platform: Platform, systems: Sequence[VirtualSystem], sources: Sequence[str] = ORDER, within: float = WITHIN
) -> tuple[dict[str, Addresses], dict[str, VirtError]]:
    """The addresses of the adapters of running systems, and why those of others are not known; both by name.

    Each system's come from the first of the ``sources`` that knows some; the next source is asked for the rest.  No
    silent guest holds up the others, and all of them together are asked for ``within`` seconds.  A system that has
    vanished meanwhile is left out.  Raises NotSupported when the host has none of the sources, Unreachable when it
    does not answer.
    """
    left = {system.name: system for system in systems if macs_of(system)}
    found: dict[str, Addresses] = {}
    failed: dict[str, VirtError] = {}
    missing: list[NotSupported] = []
    for source in sources if left else ():
        try:
            answers = platform.addresses_of_all(list(left.values()), source, within)
        except NotSupported as error:
            missing.append(error)
            continue
        for name, answer in answers.items():
            if isinstance(answer, NotFound):
                del left[name]
            elif isinstance(answer, VirtError):
                failed[name] = answer
            elif known := _of_adapters(answer, macs_of(left[name])):
                found[name] = known
                del left[name]
    if missing and len(missing) == len(sources):
        raise missing[-1]
    return found, {name: error for name, error in failed.items() if name in left}


def _of_adapters(reported: Mapping[str, list[str]], macs: set[str]) -> Addresses:
    """What was reported of the system's own adapters; a guest's agent tells of bridges and tunnels as well."""
    usable = {mac.lower(): _usable(addresses) for mac, addresses in reported.items() if mac.lower() in macs}
    return {mac: addresses for mac, addresses in usable.items() if addresses}


def _usable(addresses: list[str]) -> list[str]:
    """The addresses by which others can reach the guest."""

    def reaches(text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.partition("/")[0].partition("%")[0])
        except ValueError:
            return False
        return not (address.is_loopback or address.is_link_local or address.is_unspecified)

    return [text for text in addresses if reaches(text)]
