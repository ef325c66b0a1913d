# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guest says of itself: its agent, and the addresses of its adapters.  No question waits long."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import Unreachable, VirtError, allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import ORDER
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import watchdog
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import existing
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    UNKNOWN_CALL,
    flag,
    is_code,
    libvirt,
    talking,
    translate,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.together import side_by_side

AGENT_WITHIN = 3
"""Seconds an agent has for an answer."""
_CHANNEL = "org.qemu.guest_agent.0"
_FLAGS = {
    "agent": "VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT",
    "arp": "VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP",
}
"""Sources that are asked for one domain at a time; leases are read for whole networks."""
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
_NO_LEASES = ("VIR_ERR_NO_NETWORK", "VIR_ERR_OPERATION_INVALID", "VIR_ERR_OPERATION_UNSUPPORTED")
"""Why a network has no leases: it has vanished or stopped, or has no DHCP server of libvirt's."""


def addresses_of_all(
    session: Session, systems: Sequence[VirtualSystem], source: str, within: float | None = None
) -> dict[str, Mapping[str, list[str]] | VirtError]:
    """IP addresses by MAC (lower case) of several systems, by name; of one that failed, the error.

    They are those of the DHCP servers' leases, of the guest agents, or of the host's ARP table.  A guest that says
    nothing, or is off, has none.
    """
    if source not in ORDER:
        raise allowed_words("source of addresses", source, ORDER)
    if source == "lease":
        leases = _leases(session, {network for system in systems for network, _mac in _plugs(system)})
        return {system.name: _leased(system, leases) for system in systems}
    with talking("list the virtual systems"):
        running = flag("VIR_CONNECT_LIST_DOMAINS_ACTIVE")
        domains = {domain.UUIDString(): domain for domain in session.connection.listAllDomains(running)}
    asked = {
        system.name: domains[system.uuid]
        for system in systems
        if system.uuid in domains and (source != "agent" or system.effective.settings.get("guest_agent"))
    }
    watch = watchdog.current()

    def ask(name: str) -> dict[str, list[str]]:
        watchdog.work_with(watch)
        try:
            return _reported(asked[name], source)
        except libvirt.libvirtError as error:
            raise translate(error, f"ask for the addresses of virtual system {name!r}") from error

    # Patient: silent agents have a limit of their own.
    with talking("ask for the addresses of the virtual systems", patient=True):
        answers = side_by_side(asked, ask, within=within)
    for answer in answers.values():
        if isinstance(answer, Unreachable):
            raise answer
    return {**{system.name: {} for system in systems}, **answers}


Leases = dict[tuple[str, str], list[str]]
"""IP addresses by network and MAC, the latest lease first."""


def _leases(session: Session, networks: Collection[str]) -> Leases:
    """All leases of some networks, in one call for each."""
    found: Leases = {}
    if not networks:
        return found
    with talking("read the DHCP leases"):
        try:
            active = session.connection.listAllNetworks(flag("VIR_CONNECT_LIST_NETWORKS_ACTIVE"))
        except libvirt.libvirtError as error:
            if is_code(error, *UNKNOWN_CALL):
                return found
            raise
        for network in active:
            name = network.name()
            if name not in networks:
                continue
            try:
                leases: Any = network.DHCPLeases()
            except libvirt.libvirtError as error:
                if is_code(error, *UNKNOWN_CALL, *_NO_LEASES):
                    continue
                raise
            for lease in sorted(leases, key=lambda lease: (-(lease.get("expirytime") or 0), lease["ipaddr"])):
                found.setdefault((name, (lease.get("mac") or "").lower()), []).append(lease["ipaddr"])
    return found


def _plugs(system: VirtualSystem) -> Iterator[tuple[str, str]]:
    """Network and MAC (lower case) of each adapter of a system."""
    for adapter in only(system.effective.resources, ResourceType.ETHERNET_ADAPTER):
        for network in adapter.connection or ():
            yield network, (adapter.address or "").lower()


def _leased(system: VirtualSystem, leases: Leases) -> dict[str, list[str]]:
    return {mac: leases[network, mac] for network, mac in _plugs(system) if (network, mac) in leases}


def _reported(domain: libvirt.virDomain, source: str) -> dict[str, list[str]]:
    """What a domain's guest agent, or the host's ARP table, says now; inside :func:`talking`."""
    try:
        with _limited_agent(domain) if source == "agent" else contextlib.nullcontext():
            reported: Any = domain.interfaceAddresses(flag(_FLAGS[source]), 0)
    except libvirt.libvirtError as error:
        # libvirt 9.0 takes the end of the ARP table of newer kernels for a broken entry ("wrong nlmsg len").
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
