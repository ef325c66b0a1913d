# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server shows: a platform's readings, turned into CIM instances when somebody asks for them.

A :class:`World` lasts as long as its server.  A :class:`Reading` is one look at the platform, for one request: it asks
the platform for each thing at most once.  Sections say which classes they can make, so that a request reads no more
than it needs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import SystemRef
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import machine_family
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from tests.wbem.classes import Classes
from tests.wbem.faults import Faults

if TYPE_CHECKING:
    from tests.wbem.dialects import Dialect
    from tests.wbem.providers.jobs import Jobs

Made = TypeVar("Made")


@dataclass(frozen=True)
class Section:
    """Instances that are made together."""

    classes: tuple[str, ...]
    """Names without prefix of the classes it can make."""
    make: Callable[[Reading], Iterable[Any]]
    listed: bool = True
    """They can be enumerated; otherwise they can only be reached through associations."""


@dataclass
class World:
    """A platform seen through a dialect."""

    platform: Platform
    dialect: Dialect
    classes: Classes
    faults: Faults
    jobs: Jobs
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while the platform is read or changed."""
    requested: dict[str, int] = field(default_factory=dict)
    """Last requested state, by system name."""
    last_applied: dict[str, str] = field(default_factory=dict)
    """Last applied snapshot, by system name."""
    zeroed: set[str] = field(default_factory=set)
    """Names of systems whose processors have lost their shares (libvirt-cim)."""
    saves: set[str] = field(default_factory=set)
    """Names for which there is a file with a saved state (libvirt-cim)."""
    failures: list[Exception] = field(default_factory=list)
    """What the platform raised; clients of many servers see no more of it than a code."""
    memory: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    lasting: float = 0.0
    """For how many seconds what was read is taken for true, unless a method changes something; ``inf`` where nobody else
    changes the platform."""
    _kept: Reading | None = None
    _kept_until: float = 0.0

    def read(self) -> Reading:
        """A look at the platform: a new one, or the last one while that lasts."""
        now, kept = time.monotonic(), self._kept  # another thread may forget it meanwhile
        if kept is None or now >= self._kept_until:
            self._kept_until = now + self.lasting
            kept = self._kept = Reading(self)
        return kept

    def forget(self) -> None:
        """What was read is not true any more."""
        self._kept = None


class Reading:
    """One look at a world."""

    def __init__(self, world: World) -> None:
        """Nothing is read yet."""
        self.world = world
        self.dialect = world.dialect
        self._made: dict[int, list[Any]] = {}

    # the model

    @cached_property
    def host(self) -> dict[str, Any]:
        """Facts of the host system."""
        return dict(self.world.platform.host())

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the host can do."""
        return self.world.platform.capabilities()

    @cached_property
    def capabilities_by_machine(self) -> list[Capabilities]:
        """What the host can do with each family of machines of its default architecture."""
        architecture = self.capabilities.default_settings.get("architecture", "")
        machines = self.capabilities.machines.get(architecture, ())
        families = {machine_family(machine): machine for machine in reversed(machines)}

        def ask() -> list[Capabilities]:
            read = self.world.platform.capabilities
            return [read({"architecture": architecture, "machine": machine}) for machine in families.values()]

        return self.once("capabilities by machine", families, ask)

    @cached_property
    def systems(self) -> list[VirtualSystem]:
        """All virtual systems."""
        gone = self.world.faults.vanished
        return [system for system in self.world.platform.virtual_systems() if system.name not in gone]

    @cached_property
    def pools(self) -> list[ResourcePool]:
        """All pools."""
        return self.world.platform.resource_pools()

    def snapshots(self, system: VirtualSystem) -> list[Snapshot]:
        """The snapshots of a system; reads them only where there are some."""
        if not system.snapshots:
            return []
        return self.world.platform.snapshots(SystemRef(system.name, system.uuid))

    @cached_property
    def host_name(self) -> str:
        """Name of the host system."""
        return str(self.host.get("name") or "host")

    # instances

    def name_of(self, suffix: str) -> str:
        """The dialect's own class for a class name without prefix."""
        return self.dialect.class_name(suffix)

    def make(self, suffix: str, interop: bool = False, **values: Any) -> Any:
        """An instance of the dialect's class."""
        namespace = self.dialect.interop if interop else self.dialect.namespace
        return self.world.classes.instance(self.name_of(suffix), namespace, **values)

    def link(self, suffix: str, interop: bool = False, **values: Any) -> Any:
        """An association instance; ends may be given as instances."""
        ends = {name: _path(value) for name, value in values.items()}
        return self.make(suffix, interop, **ends)

    def once(self, key: Any, source: Any, make: Callable[[], Made]) -> Made:
        """What was made from the same ``source`` in an earlier reading, or what ``make`` makes of it now."""
        known = self.world.memory.get(key)
        if known is not None and known[0] == source:
            return known[1]
        made = make()
        self.world.memory[key] = (source, made)
        return made

    def instances(self, class_name: str | None, listed: bool = False) -> Iterator[Any]:
        """All instances of a class (with prefix) and its subclasses, of every namespace; ``listed`` ones only."""
        classes = self.world.classes
        for section in self.dialect.sections:
            if listed and not section.listed:
                continue
            if not any(self._related(self.name_of(suffix), class_name) for suffix in section.classes):
                continue
            if id(section) not in self._made:
                self._made[id(section)] = list(section.make(self))
            for found in self._made[id(section)]:
                if classes.is_a(found.classname, class_name):
                    yield found

    def _related(self, made: str, asked: str | None) -> bool:
        """A section names classes of which it may make subclasses."""
        return self.world.classes.is_a(made, asked) or self.world.classes.is_a(asked or made, made)

    def find(self, path: Any) -> Any | None:
        """The instance with that path, whatever its namespace and host, or None."""
        wanted = key_of(path)
        for found in self.instances(path.classname):
            if key_of(found.path) == wanted:
                return found
        return None


def _path(value: Any) -> Any:
    return value.path if hasattr(value, "path") else value


def key_of(path: Any) -> Any:
    """What makes two paths mean the same instance: class and keys, without namespace and host."""
    keys = []
    for name, value in path.keybindings.items():
        inner = key_of(value) if hasattr(value, "keybindings") else value
        keys.append((name.lower(), inner))
    return path.classname.lower(), frozenset(keys)
