# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in memory: for tests of everything above the platforms, and to serve a model without a hypervisor.

It behaves like a host, not like the planner: it fills in what hosts fill in (UUID, MAC addresses, places on parents,
volumes), and it refuses what hosts refuse.
"""

from __future__ import annotations

import hashlib
import math
import string
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.image import ImageFacts
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool, in_order
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, dependents_of
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    Configuration,
    StorageElement,
    VirtualSystem,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes, predict
from ansible_collections.svpc.virt.plugins.module_utils.plan.seed import seeds_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms import fake_refusals
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake_capabilities import (
    GIB,
    PROCESSORS,
    TARGETS,
    fake_capabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform

_NEWEST = {"pc": "pc-i440fx-1.0", "q35": "pc-q35-1.0"}
"""The version of each family of machines that a new system gets."""
_FORMAT = "qcow2"
"""The format of a new volume, unless another one is declared."""


class FakeHost(Platform):
    """A host in memory.  ``log`` holds the operations that were carried out, in order."""

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        """An empty host that can do everything, or what ``capabilities`` say."""
        self.offered = capabilities or fake_capabilities()
        self.systems: dict[str, VirtualSystem] = {}
        self.pools: dict[tuple[ResourceType, str], ResourcePool] = {}
        self.volumes: dict[str, int] = {}
        """Size in bytes of every volume, by path."""
        self.images: dict[str, ImageFacts] = {}
        """What is known of every image, by path, volume or URL."""
        self.devices = {"eth0"}
        """Devices of the host that systems and networks can use: interfaces, bridges, what can be passed through."""
        self.trees: dict[str, list[Snapshot]] = {}
        self.saved: dict[tuple[str, str], VirtualSystem] = {}
        self.ignores_shutdown: set[str] = set()
        """Names of systems whose guests do not react to a request to shut down."""
        self.shutdown_seconds = 0.0
        """How long the other guests take for that: no time passes, but a request with less patience is in vain."""
        self.fails: dict[str, Exception] = {}
        """Errors to raise, by operation."""
        self.log: list[str] = []
        self._made = 0

    def carry_out(self, change: changes.Change) -> None:
        """Carry out one change, or raise the error a test asked for."""
        if change.operation in self.fails:
            raise self.fails[change.operation]
        super().carry_out(change)
        self.log.append(change.operation)

    def check(self, change: changes.Change) -> None:
        """Refuse what hosts refuse."""
        fake_refusals.check(self, change)

    def close(self) -> None:
        """Nothing is open."""

    # readings

    def host(self) -> Mapping[str, Any]:
        return {"name": "fake", "hypervisor": "fake", "processors": PROCESSORS, "memory": 1024 * GIB}

    def capabilities(self, system: Mapping[str, Any] | None = None) -> Capabilities:
        return self.offered

    def virtual_system(self, name: str, uuid: str | None = None) -> VirtualSystem | None:
        system = self.systems.get(name)
        if uuid is not None and system is not None and system.uuid != uuid:
            raise errors.Conflict(f"Virtual system {name!r} has uuid {system.uuid}, not {uuid}")
        for other in self.systems.values():
            if uuid is not None and other.uuid == uuid and other.name != name:
                raise errors.Conflict(f"UUID {uuid} belongs to virtual system {other.name!r}, not to {name!r}")
        return system

    def virtual_systems(self, names: Collection[str] | None = None) -> list[VirtualSystem]:
        return [self.systems[name] for name in sorted(self.systems) if names is None or name in names]

    def places_of(self, system: str, resources: Iterable[Rasd]) -> frozenset[str]:
        disks = [rasd for rasd in resources if rasd.resource_type is ResourceType.DISK_DRIVE]
        return frozenset(self._place(system, rasd, rasd.name or rasd.address_on_parent or "") for rasd in disks)

    def storage_of(self, system: VirtualSystem) -> list[StorageElement]:
        found = []
        for rasd in system.defined.resources:
            if rasd.row.host_resource_identifies and rasd.host_resource and rasd.row.quantity_unit == "byte":
                reason = "medium" if rasd.row.removable else None
                if rasd.settings.get("access") == "readable":
                    reason = "read-only"
                others = [
                    other.name
                    for other in self.systems.values()
                    if other.name != system.name
                    and any(theirs.host_resource == rasd.host_resource for theirs in other.defined.resources)
                ]
                if others:
                    reason = f"shared with {others[0]!r}"
                found.append(StorageElement(rasd.host_resource[0], rasd.pool_id, None, rasd.label, reason))
        return found

    def left_seeds(self, system: VirtualSystem) -> list[StorageElement]:
        found = {element.host_resource for element in seeds_of(system)}
        left = []
        for (name, snapshot), saved in self.saved.items():
            for element in seeds_of(saved) if name == system.name else ():
                if element.host_resource not in found:
                    found.add(element.host_resource)
                    left.append(replace(element, kept_because=f"snapshot {snapshot!r} has it"))
        return left

    def image_facts(self, system: str, rasd: Rasd) -> ImageFacts | None:
        if rasd.image is None or self._place(system, rasd, rasd.name or rasd.address_on_parent or "") in self.volumes:
            return None
        facts = self.images.get(rasd.image.path or rasd.image.volume or rasd.image.url or "")
        if facts is None:
            raise errors.NotFound(f"{rasd.label}: there is no {rasd.image.words}")
        return facts

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        return {}

    def guest_agent_answers(self, system: VirtualSystem) -> bool:
        return system.state is SystemState.ACTIVE

    def resource_pool(self, pool_id: str, resource_type: ResourceType, members: bool = True) -> ResourcePool | None:
        found = (
            pool for pool in self.resource_pools() if (pool.resource_type, pool.pool_id) == (resource_type, pool_id)
        )
        return next(found, None)

    def resource_pools(self, members: bool = True) -> list[ResourcePool]:
        primordial = (
            ResourcePool("processors", ResourceType.PROCESSOR, primordial=True, active=True, capacity=PROCESSORS),
            ResourcePool("memory", ResourceType.MEMORY, primordial=True, active=True, capacity=1024 * GIB),
        )
        there = {kind for kind, _pool_id in self.pools}
        own = [pool for pool in primordial if pool.resource_type not in there]
        return in_order([*own, *map(self._with_volumes, self.pools.values())])

    def _with_volumes(self, pool: ResourcePool) -> ResourcePool:
        """A pool with the volumes in its folder, if it is an active one of storage and a test put nothing else into it."""
        if pool.resource_type is not ResourceType.DISK_DRIVE or not pool.active or pool.members:
            return pool
        inside = {
            path: size for path, size in self.volumes.items() if path.rpartition("/")[0] in (pool.host_resource or ())
        }
        members = tuple(
            {"name": path.rpartition("/")[2], "path": path, "capacity": inside[path]} for path in sorted(inside)
        )
        used = sum(inside.values())
        return replace(pool, members=members, currently_consumed_resource=used)

    def snapshots(self, system: changes.SystemRef) -> list[Snapshot]:
        self._existing(system)
        return list(self.trees.get(system.name, []))

    # virtual systems

    def _existing(self, ref: changes.SystemRef) -> VirtualSystem:
        if ref.name not in self.systems:
            raise errors.NotFound(f"There is no virtual system {ref.name!r}")
        return self.systems[ref.name]

    def _apply(self, change: Any) -> None:
        system = predict.predict_system(self._existing(change.system), [change])
        if system is None:
            del self.systems[change.system.name]
        else:
            self.systems[change.system.name] = self._filled(system)

    def define_system(self, change: changes.DefineSystem) -> None:
        if self.virtual_system(change.system.name, change.system.uuid) is not None:
            raise errors.Conflict(f"Virtual system {change.system.name!r} exists")
        self._made += 1
        uuid = change.system.uuid or f"00000000-0000-4000-8000-{self._made:012d}"
        system = VirtualSystem(change.system.name, uuid, SystemState.DEFINED, change.configuration)
        self.systems[system.name] = self._filled(system)

    def destroy_system(self, change: changes.DestroySystem) -> None:
        if self._existing(change.system).state is not SystemState.DEFINED:
            raise errors.Refused(f"Virtual system {change.system.name!r} is not off")
        del self.systems[change.system.name]
        self.trees.pop(change.system.name, None)

    def add_resource_settings(self, change: changes.AddResourceSettings) -> None:
        system = self._existing(change.system)
        if change.resource.instance_id is None:
            others = [*system.defined.resources, *(system.running.resources if system.running else ())]
            change = replace(change, resource=self._filled_resource(system.name, change.resource, others))
        self._apply(change)

    def modify_resource_settings(self, change: changes.ModifyResourceSettings) -> None:
        system = self._existing(change.system)
        if change.differences and change.before not in system.defined.resources:
            raise errors.Conflict(f"{change.before.label} of {system.name!r} was changed meanwhile")
        self._apply(change)

    def remove_resource_settings(self, change: changes.RemoveResourceSettings) -> None:
        self._apply(change)

    def modify_system_settings(self, change: changes.ModifySystemSettings) -> None:
        self._apply(change)

    def request_state_change(self, change: changes.RequestStateChange) -> None:
        system = self._existing(change.system)
        seconds = math.inf if system.name in self.ignores_shutdown else self.shutdown_seconds
        if change.requested_state.word == "shut_down" and seconds > change.timeout and not change.force:
            raise errors.TimedOut(
                f"Virtual system {system.name!r} did not shut down within {change.timeout:g} s: "
                "set force_off: true to turn it off"
            )
        self._apply(change)

    def _filled(self, system: VirtualSystem) -> VirtualSystem:
        """The system with what a host fills in."""
        defined = self._filled_configuration(system.name, system.defined)
        belongings = {
            "nvram": defined.settings.get("firmware") == "uefi",
            "tpm_state": bool(defined.settings.get("tpm")),
        }
        return replace(system, defined=defined, belongings=tuple(name for name, there in belongings.items() if there))

    def _filled_configuration(self, name: str, configuration: Configuration) -> Configuration:
        filled: list[Rasd] = []
        for rasd in configuration.resources:
            if rasd.instance_id is None:
                rasd = self._filled_resource(name, rasd, [*configuration.resources, *filled])
            if rasd.resource_type is ResourceType.DISK_DRIVE and rasd.host_resource and rasd.virtual_quantity:
                self.volumes[rasd.host_resource[0]] = rasd.virtual_quantity
            filled.append(rasd)
        settings = dict(configuration.settings)
        if settings.get("machine") in _NEWEST:
            settings["machine"] = _NEWEST[settings["machine"]]
        return replace(configuration, settings=settings, resources=tuple(filled))

    def _filled_resource(self, name: str, rasd: Rasd, others: list[Rasd]) -> Rasd:
        self._made += 1
        if rasd.resource_type is ResourceType.ETHERNET_ADAPTER and not rasd.address:
            digest = hashlib.sha256(f"{name}/{self._made}".encode()).hexdigest()
            rasd = replace(rasd, address=":".join(["52", "54", "00", digest[:2], digest[2:4], digest[4:6]]))
        if rasd.resource_type is ResourceType.DISK_DRIVE:
            bus = rasd.resource_sub_type or "virtio"
            place = rasd.address_on_parent or self._free_place(TARGETS[bus], others)
            if rasd.pool_id and not rasd.settings.get("format"):
                rasd = replace(rasd, settings={**rasd.settings, "format": _FORMAT})
            host_resource = (self._place(name, rasd, rasd.name or place),)
            size = rasd.virtual_quantity or self.volumes.get(host_resource[0])
            rasd = replace(
                rasd, resource_sub_type=bus, address_on_parent=place, host_resource=host_resource, virtual_quantity=size
            )
        return replace(rasd, instance_id=f"{rasd.resource_type.word}/{self._made}")

    def _place(self, system: str, rasd: Rasd, word: str) -> str:
        """Where the storage of a disk lies; ``word`` tells the disks of a system apart."""
        pool = self.pools.get((ResourceType.DISK_DRIVE, rasd.pool_id or ""))
        where = (pool.host_resource or ("/pool",))[0] if pool else "/pool"
        path = (
            rasd.host_resource[0] if rasd.host_resource else f"{system}-{word}.{rasd.settings.get('format', _FORMAT)}"
        )
        return path if "/" in path else f"{where}/{path}"

    @staticmethod
    def _free_place(prefix: str, others: list[Rasd]) -> str:
        taken = {other.address_on_parent for other in others}
        return next(prefix + letter for letter in string.ascii_lowercase if prefix + letter not in taken)

    # snapshots

    def create_snapshot(self, change: changes.CreateSnapshot) -> None:
        system = self._existing(change.system)
        tree = predict.predict_snapshots(self.trees.get(system.name, []), [change])
        tree[-1] = replace(tree[-1], created=int(time.time()), virtual_system_state=system.state)
        self._keep(system.name, tree)
        self.saved[(system.name, change.name)] = system

    def apply_snapshot(self, change: changes.ApplySnapshot) -> None:
        system = self._existing(change.system)
        self.systems[system.name] = self.saved[(system.name, change.name)]
        self._keep(system.name, predict.predict_snapshots(self.trees[system.name], [change]))

    def destroy_snapshot(self, change: changes.DestroySnapshot) -> None:
        tree = self.trees.get(change.system.name, [])
        strangers = set(change.dependents) - set(dependents_of(tree, change.name))
        if strangers:
            raise errors.Conflict(f"{', '.join(sorted(strangers))} do not depend on snapshot {change.name!r}")
        self._keep(change.system.name, predict.predict_snapshots(tree, [change]))

    def _keep(self, name: str, tree: list[Snapshot]) -> None:
        self.trees[name] = tree
        self.systems[name] = replace(self.systems[name], snapshots=tuple(snapshot.name for snapshot in tree))

    # pools

    def create_resource_pool(self, change: changes.CreateResourcePool) -> None:
        pool = replace(change.pool, active=False, automatic_startup=bool(change.pool.automatic_startup))
        key = (pool.resource_type, pool.pool_id)
        if key in self.pools:
            raise errors.Conflict(f"Pool {pool.pool_id!r} exists")
        self.pools[key] = replace(pool, capacity=100 * GIB, reserved=0, max_consumable_resource=100 * GIB)

    def delete_resource_pool(self, change: changes.DeleteResourcePool) -> None:
        key = (change.pool.resource_type, change.pool.pool_id)
        if self.pools[key].active:
            raise errors.Refused(f"Pool {change.pool.pool_id!r} is active")
        del self.pools[key]

    def modify_pool_settings(self, change: changes.ModifyPoolSettings) -> None:
        self._change_pool(change)

    def request_pool_state_change(self, change: changes.RequestPoolStateChange) -> None:
        self._change_pool(change)

    def _change_pool(self, change: changes.ModifyPoolSettings | changes.RequestPoolStateChange) -> None:
        key = (change.pool.resource_type, change.pool.pool_id)
        if key not in self.pools:
            raise errors.NotFound(f"There is no pool {change.pool.pool_id!r}")
        self.pools[key] = predict.predict_pool(self.pools[key], [change]) or self.pools[key]

    def return_to_storage_pool(self, change: changes.ReturnToStoragePool) -> None:
        self.volumes.pop(change.element.host_resource, None)
