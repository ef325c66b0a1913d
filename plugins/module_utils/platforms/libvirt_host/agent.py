# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guest says of itself: its agent, and the addresses of its adapters.  No question waits long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import existing
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session

AGENT_WITHIN = 3
"""Seconds an agent has for an answer."""
_CHANNEL = "org.qemu.guest_agent.0"
_SOURCES = {
    "lease": "VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE",
    "agent": "VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT",
    "arp": "VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP",
}
_NO_ANSWER = (
    "VIR_ERR_AGENT_UNRESPONSIVE",
    "VIR_ERR_AGENT_UNSYNCED",
    "VIR_ERR_OPERATION_TIMEOUT",
    "VIR_ERR_OPERATION_INVALID",
    "VIR_ERR_OPERATION_FAILED",
    "VIR_ERR_OPERATION_UNSUPPORTED",
    "VIR_ERR_ARGUMENT_UNSUPPORTED",
    "VIR_ERR_CONFIG_UNSUPPORTED",
    "VIR_ERR_NO_SUPPORT",
    "VIR_ERR_NO_DOMAIN",
)
"""Why there is no answer now: off, no agent, agent silent or too old."""


def addresses_of(session: Session, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
    """IP addresses by MAC (lower case), from the DHCP server's leases, the guest agent, or the host's ARP table.

    A guest that says nothing, or is off, has none.
    """
    if source not in _SOURCES:
        raise allowed_words("source of addresses", source, _SOURCES)
    domain = existing(session, SystemRef(system.name, system.uuid))
    if source == "agent" and not agent_connected(domain):
        return {}
    with talking(f"ask for the addresses of virtual system {system.name!r}"):
        try:
            with _limited_agent(domain):
                reported: Any = domain.interfaceAddresses(flag(_SOURCES[source]), 0)
        except libvirt.libvirtError as error:
            # libvirt takes an empty ARP table for a broken one ("wrong nlmsg len").
            if is_code(error, *_NO_ANSWER) or (source == "arp" and is_code(error, "VIR_ERR_INTERNAL_ERROR")):
                return {}
            raise
    found: dict[str, list[str]] = {}
    for interface in reported.values():
        mac = (interface.get("hwaddr") or "").lower()
        if not mac or mac == "00:00:00:00:00:00":
            continue
        addresses = [entry["addr"] for entry in interface.get("addrs") or ()]
        known = found.setdefault(mac, [])
        known.extend(address for address in addresses if address not in known)
    return {mac: addresses for mac, addresses in found.items() if addresses}


def guest_agent_answers(session: Session, system: VirtualSystem) -> bool:
    """Whether the guest agent of a system answers now."""
    return agent_answers(existing(session, SystemRef(system.name, system.uuid)))


def agent_connected(domain: libvirt.virDomain) -> bool:
    """Whether the guest has opened the agent's channel, as far as the host knows."""
    with talking(f"read virtual system {domain.name()!r}"):
        try:
            text = domain.XMLDesc(0)
        except libvirt.libvirtError as error:
            if is_code(error, "VIR_ERR_NO_DOMAIN"):
                return False
            raise
    channels = ElementTree.fromstring(text).iterfind(f"devices/channel/target[@name='{_CHANNEL}']")
    return any(target.get("state") == "connected" for target in channels)


def agent_answers(domain: libvirt.virDomain) -> bool:
    """Whether the agent in a domain answers now; a question that needs nothing but the agent itself."""
    if not agent_connected(domain):
        return False
    with talking(f"ask the guest agent of virtual system {domain.name()!r}"):
        try:
            with _limited_agent(domain):
                # The agent's time of day: every agent and every guest knows it.
                return domain.getTime(0) is not None
        except libvirt.libvirtError as error:
            if is_code(error, *_NO_ANSWER):
                return False
            raise


@contextlib.contextmanager
def _limited_agent(domain: libvirt.virDomain) -> Iterator[None]:
    """Questions to an agent that may be silent: without a limit, libvirt waits for the answer for ever."""
    with contextlib.suppress(libvirt.libvirtError):
        domain.agentSetResponseTimeout(AGENT_WITHIN, 0)
    try:
        yield
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            domain.agentSetResponseTimeout(flag("VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK"), 0)
