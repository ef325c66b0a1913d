# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on what: the elements of a host and the CIM dependencies between them.

An edge leads from the *dependent* to its *antecedent*, as CIM_Dependency calls them: from what fails with something to
what it fails with.  Elements are told apart by an id: the path of what has one, the URL of what lies on another
machine, else ``KIND:NAME``.  The same thing under another name (``/dev/disk/by-id/…``, ``net_eth0_…``) is an alias.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen

VIRTUAL_SYSTEM = "virtual_system"
RESOURCE_POOL = "resource_pool"
STORAGE_VOLUME = "storage_volume"
VOLUME_GROUP = "volume_group"
FILE_SYSTEM = "file_system"
NODE_DEVICE = "node_device"
NETWORK_INTERFACE = "network_interface"
DEVICE = "device"
DIRECTORY = "directory"
FILE = "file"
REMOTE_STORAGE = "remote_storage"
SERVER = "server"
HOST_RESOURCE = "host_resource"

KINDS: Mapping[str, str] = {
    VIRTUAL_SYSTEM: "a virtual system",
    RESOURCE_POOL: "a storage pool, a network, or another pool",
    STORAGE_VOLUME: "a volume of a storage pool",
    VOLUME_GROUP: "a volume group of LVM",
    FILE_SYSTEM: "a mounted file system, named by where it is mounted",
    NODE_DEVICE: "a device of the host on one of its buses",
    NETWORK_INTERFACE: "a network interface of the host: a port, a bridge, a bond",
    DEVICE: "a disk, a partition, or another device with a path",
    DIRECTORY: "a directory",
    FILE: "a file",
    REMOTE_STORAGE: "storage on another machine, named by its URL",
    SERVER: "another machine that serves storage",
    HOST_RESOURCE: "something of the host of which nothing but its name is known",
}
"""What an element can be, the more telling kinds first: what two readings call differently is what comes first here."""

_RANK = {kind: number for number, kind in enumerate(KINDS)}

DEPENDENCY = "dependency"
HOSTED_DEPENDENCY = "hosted_dependency"
RESOURCE_ALLOCATION_FROM_POOL = "resource_allocation_from_pool"
ELEMENT_ALLOCATED_FROM_POOL = "element_allocated_from_pool"
CONCRETE_COMPONENT = "concrete_component"
BASED_ON = "based_on"
RESIDES_ON_EXTENT = "resides_on_extent"
FILE_STORAGE = "file_storage"
CONTROLLED_BY = "controlled_by"

ASSOCIATIONS: Mapping[str, str] = {
    DEPENDENCY: "CIM_Dependency, where the standard has no class of its own",
    HOSTED_DEPENDENCY: "CIM_HostedDependency: a virtual system uses what its host has",
    RESOURCE_ALLOCATION_FROM_POOL: "CIM_ResourceAllocationFromPool: a resource of a system is drawn from a pool",
    ELEMENT_ALLOCATED_FROM_POOL: "CIM_ElementAllocatedFromPool: a volume, or a pool, is drawn from a pool",
    CONCRETE_COMPONENT: "CIM_ConcreteComponent: a pool, volume group or bridge consists of it",
    BASED_ON: "CIM_BasedOn: an extent on an extent: partition on disk, image on backing image",
    RESIDES_ON_EXTENT: "CIM_ResidesOnExtent: a file system on a device",
    FILE_STORAGE: "CIM_FileStorage: a file or directory in a file system",
    CONTROLLED_BY: "CIM_ControlledBy: a device behind a controller or on a bus",
}
"""The words that edges have, and the classes of the standard they stand for."""


@frozen
class Element:
    """CIM_ManagedElement: one thing that others may depend on."""

    id: str
    kind: str
    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What else is known of it: plain values."""


@frozen
class Dependency:
    """``dependent`` does not work without ``antecedent``."""

    dependent: str
    antecedent: str
    association: str
    resources: tuple[str, ...] = ()
    """Labels of the resources through which a virtual system depends."""
    configurations: tuple[str, ...] = ()
    """Where a virtual system says so: ``defined``, ``running``, ``snapshots``."""


@frozen
class Gap:
    """Where nobody could look further."""

    id: str
    """The element under which something is not known."""
    reason: str
    hides: frozenset[str]
    """Kinds of the elements it may stand on, unseen."""


@frozen
class Graph:
    """The elements of a host, as far as they are known."""

    elements: Mapping[str, Element] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    gaps: tuple[Gap, ...] = ()
    aliases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids by what else an element is called; several where a name does not tell which it is."""


def id_of(kind: str, name: str) -> str:
    """The id of an element: a path and a URL are ids as they are."""
    if name.startswith("/") and kind != FILE_SYSTEM:
        return posixpath.normpath(name)
    return name if kind == REMOTE_STORAGE else f"{kind}:{name}"


class Reading:
    """Collects elements and dependencies while a host is read, in any order."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._elements: dict[str, Element] = {}
        self._dependencies: dict[tuple[str, str], Dependency] = {}
        self._gaps: dict[tuple[str, str], Gap] = {}
        self._aliases: dict[str, frozenset[str]] = {}

    def add(self, kind: str, name: str, *aliases: str, **attributes: Any) -> str:
        """An element, or more about a known one; returns its id."""
        found = id_of(kind, name)
        self._take(Element(found, kind, name, {key: value for key, value in attributes.items() if value is not None}))
        self.call(found, *aliases)
        return found

    def call(self, element: str, *aliases: str) -> None:
        """An element is known by these names as well."""
        for alias in aliases:
            if alias and alias != element:
                self._aliases[alias] = self._aliases.get(alias, frozenset()) | {element}

    def depend(
        self,
        dependent: str,
        antecedent: str,
        association: str,
        resource: str | None = None,
        configuration: str | None = None,
    ) -> None:
        """One id depends on another.  Nothing depends on itself."""
        resources = (resource,) if resource else ()
        configurations = (configuration,) if configuration else ()
        self._join(Dependency(dependent, antecedent, association, resources, configurations))

    def gap(self, element: str, reason: str, hides: Iterable[str]) -> None:
        """Nobody can say what an element stands on."""
        self._gaps[element, reason] = Gap(element, reason, frozenset(hides))

    def take(self, graph: Graph) -> None:
        """Everything of another reading."""
        for element in graph.elements.values():
            self._take(element)
        for dependency in graph.dependencies:
            self._join(dependency)
        for gap in graph.gaps:
            self._gaps[gap.id, gap.reason] = gap
        for alias, ids in graph.aliases.items():
            self._aliases[alias] = self._aliases.get(alias, frozenset()) | ids

    def graph(self) -> Graph:
        """What was collected, every element under one id."""
        merged = Reading()
        for element in self._elements.values():
            for found in self._resolved(element.id):
                known = self._elements.get(found)
                name = known.name if known is not None else element.name
                merged._take(Element(found, element.kind, name, element.attributes))
        for each in self._dependencies.values():
            for dependent in self._resolved(each.dependent):
                for antecedent in self._resolved(each.antecedent):
                    merged._join(
                        Dependency(dependent, antecedent, each.association, each.resources, each.configurations)
                    )
        for gap in self._gaps.values():
            for found in self._resolved(gap.id):
                merged.gap(found, gap.reason, gap.hides)
        aliases = {alias: frozenset(self._resolved(alias)) for alias in self._aliases}
        return Graph(merged._elements, tuple(merged._dependencies.values()), tuple(merged._gaps.values()), aliases)

    def _resolved(self, name: str) -> list[str]:
        """The ids behind a name, through aliases of aliases."""
        found: list[str] = []
        seen = {name}
        waiting = [name]
        while waiting:
            each = waiting.pop()
            others = self._aliases.get(each, frozenset()) - {each}
            if not others:
                found.append(each)
            waiting += sorted(others - seen, reverse=True)
            seen |= others
        return found or [min(seen)]

    def _take(self, element: Element) -> None:
        known = self._elements.get(element.id)
        if known is not None:
            kind = min(known.kind, element.kind, key=_RANK.__getitem__)
            name = known.name if kind == known.kind else element.name
            element = Element(element.id, kind, name, {**known.attributes, **element.attributes})
        self._elements[element.id] = element

    def _join(self, new: Dependency) -> None:
        if new.dependent == new.antecedent:
            return
        key = (new.dependent, new.antecedent)
        known = self._dependencies.get(key)
        if known is not None:
            new = Dependency(
                *key,
                known.association,
                tuple(dict.fromkeys((*known.resources, *new.resources))),
                tuple(dict.fromkeys((*known.configurations, *new.configurations))),
            )
        self._dependencies[key] = new


def joined(graphs: Iterable[Graph]) -> Graph:
    """What several readings of the same host know together."""
    reading = Reading()
    for graph in graphs:
        reading.take(graph)
    return reading.graph()
