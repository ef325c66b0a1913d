# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of guests: CIM_IPProtocolEndpoint, an access point of the system, bound to a CIM_LANEndpoint (DSP1036).

The standard tells of an address where it comes from (``AddressOrigin``), and not how the server has learned of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server

ENDPOINT = "CIM_IPProtocolEndpoint"
_LAN = "CIM_LANEndpoint"
_HOSTS, _BINDS = "CIM_HostedAccessPoint", "CIM_BindsToLANEndpoint"
_BY_DHCP = frozenset({4, 5, 7})
"""Values of AddressOrigin: DHCP, BOOTP, DHCPv6."""
_SOURCES: Mapping[str, frozenset[int] | None] = {"lease": _BY_DHCP, "agent": None}
"""Origins that count, by source of addresses; None: all of them, since it is the guest that has the endpoint."""

NO_ADDRESSES = f"it shows no {ENDPOINT} of virtual systems"
NO_AGENT = "a WBEM server does not tell whether a guest agent answers"


def addresses_of(server: Server, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
    """IP addresses by MAC of a running system, those leased to it (``lease``) or all of its endpoints (``agent``).

    Raises NotSupported for another source, and for a server without such endpoints.
    """
    if not has_endpoints(server):
        raise NotSupported(f"The server at {server.session.uri} does not tell the addresses of guests: {NO_ADDRESSES}")
    if source not in _SOURCES:
        raise NotSupported(
            f"The server at {server.session.uri} does not tell addresses by source {source}; it tells {', '.join(_SOURCES)}"
        )
    origins = _SOURCES[source]
    host = systems.existing(server, SystemRef(system.name, system.uuid))
    found: dict[str, list[str]] = {}
    for endpoint in server.session.associated(host.path, _HOSTS, ENDPOINT, "Antecedent", "Dependent"):
        addresses = [str(endpoint[name]) for name in ("IPv4Address", "IPv6Address") if endpoint.get(name)]
        if not addresses or (origins is not None and endpoint.get("AddressOrigin") not in origins):
            continue
        for lan in server.session.associated(endpoint.path, _BINDS, _LAN, "Dependent", "Antecedent"):
            known = found.setdefault(_mac(str(lan.get("MACAddress") or "")), [])
            known += [address for address in addresses if address not in known]
    return found


def has_endpoints(server: Server) -> bool:
    """Whether a server can tell the addresses of guests."""
    return server.dialect.tells_addresses and server.shape(ENDPOINT).properties is not None


def _mac(text: str) -> str:
    """The twelve hexadecimal digits of MACAddress with colons, in lower case."""
    digits = "".join(letter for letter in text.lower() if letter.isalnum())
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))
