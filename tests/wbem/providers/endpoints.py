# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of guests: IP endpoints of virtual systems, each bound to the LAN endpoint of an adapter (DSP1036)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from tests.wbem.providers import systems
from tests.wbem.world import Reading, Section

_DHCP, _DHCPV6, _UNKNOWN = 4, 7, 0


def _known(reading: Reading, system: VirtualSystem) -> dict[tuple[str, str], int]:
    """The MAC and IP addresses of a system, each pair with the number that tells where it comes from."""
    found: dict[tuple[str, str], int] = {}
    for source in ("lease", "agent"):
        try:
            reported = reading.world.platform.addresses_of(system, source)
        except NotSupported:
            continue
        for mac, addresses in reported.items():
            for address in addresses:
                leased = _DHCPV6 if ":" in address else _DHCP
                found.setdefault((mac, address), leased if source == "lease" else _UNKNOWN)
    return found


def _everywhere(reading: Reading) -> Iterator[tuple[VirtualSystem, str, str, int]]:
    for system in reading.systems:
        if system.state is SystemState.ACTIVE:
            for (mac, address), origin in _known(reading, system).items():
                yield system, mac, address, origin


def _endpoint(reading: Reading, suffix: str, system: VirtualSystem, name: str, **values: Any) -> Any:
    return reading.make(
        suffix,
        SystemCreationClassName=reading.name_of("ComputerSystem"),
        SystemName=systems.key(system),
        CreationClassName=reading.name_of(suffix),
        Name=name,
        EnabledState=2,
        **values,
    )


def _lan(reading: Reading, system: VirtualSystem, mac: str) -> Any:
    return _endpoint(reading, "LANEndpoint", system, f"lan:{mac}", MACAddress=mac.replace(":", "").upper())


def _ip(reading: Reading, system: VirtualSystem, mac: str, address: str, origin: int) -> Any:
    family = "IPv6Address" if ":" in address else "IPv4Address"
    return _endpoint(
        reading, "IPProtocolEndpoint", system, f"ip:{mac}/{address}", AddressOrigin=origin, **{family: address}
    )


def _endpoints(reading: Reading) -> Iterator[Any]:
    lans = {}
    for system, mac, address, origin in _everywhere(reading):
        lans[system.name, mac] = _lan(reading, system, mac)
        yield _ip(reading, system, mac, address, origin)
    yield from lans.values()


def _hosted(reading: Reading) -> Iterator[Any]:
    for system, mac, address, origin in _everywhere(reading):
        yield reading.link(
            "HostedAccessPoint",
            Antecedent=systems.computer_system(reading, system),
            Dependent=_ip(reading, system, mac, address, origin),
        )


def _bound(reading: Reading) -> Iterator[Any]:
    for system, mac, address, origin in _everywhere(reading):
        yield reading.link(
            "BindsToLANEndpoint",
            Antecedent=_lan(reading, system, mac),
            Dependent=_ip(reading, system, mac, address, origin),
        )


SECTIONS = (
    Section(("LANEndpoint", "IPProtocolEndpoint"), _endpoints),
    Section(("HostedAccessPoint",), _hosted),
    Section(("BindsToLANEndpoint",), _bound),
)
