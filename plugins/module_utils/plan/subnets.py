# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a network can be activated beside the others: two active ones cannot be the same IPv4 network of one host."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable

from ansible_collections.svpc.virt.plugins.module_utils.errors import InTheWay
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import RequestPoolStateChange


def check_activation(change: RequestPoolStateChange, others: Callable[[], Iterable[ResourcePool]]) -> None:
    """Raise InTheWay where another active network is the same IPv4 network.

    ``others`` reads the pools of the host; it is asked for a network that is to be activated and has such an address.
    """
    pool = change.pool
    wanted = _subnets(pool) if change.active else set()
    for other in others() if wanted else ():
        if other.active and (other.pool_id, other.resource_type) != (pool.pool_id, pool.resource_type):
            for subnet in wanted & _subnets(other):
                raise InTheWay(
                    f"network {pool.pool_id!r}: {subnet} is that of active network {other.pool_id!r} already",
                    pool_id=other.pool_id,
                )


def _subnets(pool: ResourcePool) -> set[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The IPv4 networks that the host's addresses are in: hosts look at the routes of no others."""
    subnets = {ipaddress.ip_interface(address).network for address in pool.settings.get("addresses") or ()}
    return {subnet for subnet in subnets if subnet.version == 4}
