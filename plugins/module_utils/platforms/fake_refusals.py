# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host in memory refuses, as hosts do: values that only a host can know to be wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    InTheWay,
    InvalidInput,
    NotFound,
    NotSupported,
    Refused,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, Rasd, with_values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import is_writable_disk
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import changed_values, disk_taken
from ansible_collections.svpc.virt.plugins.module_utils.plan.subnets import check_activation
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake_capabilities import PROCESSORS, TAGGED

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost


def check(host: FakeHost, change: changes.Change) -> None:
    """Raise what ``host`` has against ``change``."""
    if isinstance(change, changes.DefineSystem):
        for rasd in change.configuration.resources:
            _new_storage(host, change.system.name, rasd)
            _resource(host, rasd)
    elif isinstance(change, changes.AddResourceSettings):
        _new_storage(host, change.system.name, change.resource)
        _resource(host, change.resource)
    elif isinstance(change, changes.ModifyResourceSettings):
        taken = disk_taken(change)
        if taken is not None:
            _not_taken(host, change.system.name, taken)
        _resource(host, with_values(change.before, changed_values(change.differences)))
    elif isinstance(change, changes.RemoveResourceSettings):
        if change.resource.resource_type in (ResourceType.PROCESSOR, ResourceType.MEMORY):
            raise Refused(f"{change.resource.label}: no virtual system can do without")
    elif isinstance(change, changes.CreateResourcePool):
        _pool(host, change.pool, change.pool.settings)
    elif isinstance(change, changes.ModifyPoolSettings):
        settings = {
            name[len("settings.") :]: value
            for name, value in changed_values(change.differences).items()
            if name.startswith("settings.")
        }
        _pool(host, change.pool, {**change.pool.settings, **settings})
    elif isinstance(change, changes.RequestPoolStateChange):
        check_activation(change, host.pools.values)


def _new_storage(host: FakeHost, system: str, rasd: Rasd) -> None:
    """A new disk is one that is there, which nobody else writes to, or can be made."""
    if rasd.resource_type is not ResourceType.DISK_DRIVE:
        return
    if not rasd.pool_id and not rasd.host_resource:
        raise InvalidInput(f"{rasd.label}: needs a pool_id to be made in, or a host_resource")
    (path,) = host.places_of(system, [rasd])
    if not rasd.host_resource and not rasd.virtual_quantity and not rasd.image and path not in host.volumes:
        raise InvalidInput(f"{rasd.label}: virtual_quantity is needed to make {path}")
    _not_taken(host, system, rasd)


def _not_taken(host: FakeHost, system: str, rasd: Rasd) -> None:
    """A disk that wants its storage for itself has none that another system uses."""
    (path,) = host.places_of(system, [rasd])
    for other in host.systems.values() if is_writable_disk(rasd) else ():
        for theirs in other.defined.resources:
            if (
                other.name != system
                and theirs.resource_type is ResourceType.DISK_DRIVE
                and path in (theirs.host_resource or ())
            ):
                raise InTheWay(f"{rasd.label}: {path} is {theirs.label} of {other.name!r}")


def _pool(host: FakeHost, pool: ResourcePool, settings: Mapping[str, Any]) -> None:
    label = f"Pool {pool.pool_id!r}"
    for other in host.pools.values():
        if (
            other.pool_id != pool.pool_id
            and settings.get("bridge")
            and settings["bridge"] == other.settings.get("bridge")
        ):
            raise InTheWay(f"{label}: bridge: {settings['bridge']!r} is that of {other.pool_id!r}")


def _resource(host: FakeHost, rasd: Rasd) -> None:
    for objection in _OBJECTIONS.get(rasd.resource_type, ()):
        objection(host, rasd)


def _processors(_host: FakeHost, rasd: Rasd) -> None:
    wrong = [number for number in re.findall(r"\d+", " ".join(rasd.host_resource or ())) if int(number) >= PROCESSORS]
    if wrong:
        raise InvalidInput(f"{rasd.label}: host_resource: there is no processor {wrong[0]} on this host")


def _connection(host: FakeHost, rasd: Rasd) -> None:
    bridges = {pool.settings.get("bridge") for pool in host.pools.values()}
    for connection in rasd.connection or ():
        kind, colon, target = connection.partition(":")
        if colon and kind not in ("bridge", "direct", "user"):
            raise InvalidInput(f"{rasd.label}: connection: {connection!r} is none of NETWORK, bridge:, direct:, user:")
        device = target.partition("/")[0]
        if colon and kind != "user" and device not in host.devices | bridges:
            raise NotFound(f"{rasd.label}: connection: there is no device {device!r} on this host")


def _tagging(host: FakeHost, rasd: Rasd) -> None:
    if not any(
        rasd.settings.get(name) for name in ("desired_vlan_endpoint_mode", "port_vid", "allowed_to_transmit_vlans")
    ):
        return
    for name in rasd.connection or ():
        network = host.pools.get((ResourceType.ETHERNET_ADAPTER, name))
        if network is not None and network.resource_sub_type not in TAGGED:
            raise NotSupported(f"{rasd.label}: VLANs are tagged in networks of kind {', '.join(sorted(TAGGED))} only")


def _passed_through(host: FakeHost, rasd: Rasd) -> None:
    missing = set(rasd.host_resource or ()) - host.devices
    if missing and rasd.consumer_visibility is ConsumerVisibility.PASSED_THROUGH:
        raise NotFound(f"{rasd.label}: there is no device {min(missing)!r} on this host")


_OBJECTIONS: dict[ResourceType, tuple[Callable[[FakeHost, Rasd], None], ...]] = {
    ResourceType.PROCESSOR: (_processors,),
    ResourceType.ETHERNET_ADAPTER: (_connection, _tagging),
    ResourceType.IO_DEVICE: (_passed_through,),
}
"""What is looked at of a resource, new or changed, by type."""
