# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a graph of dependencies: which systems something hits, and what a system stands on.

Everything here is pure.  Chains of any length and cycles are followed by a list of what is still to be seen.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotFound
from ansible_collections.svpc.virt.plugins.module_utils.model import dependencies as model
from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Dependency, Element, Graph, Reading
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.plan.topology import NETWORK_BELOW, STORAGE_BELOW

# Names that tell what a device stands on.

_PARTITION = re.compile(r"(/dev/(?:(?:sd|vd|hd|xvd)[a-z]+|(?:nvme\d+n|mmcblk|loop|nbd|md|dasd[a-z]+)\d+(?=p)))p?(\d+)")
_LINKED_PARTITION = re.compile(r"(/dev/disk/by-(?:id|path)/.+)-part(\d+)")
_VLAN = re.compile(r"(.+)\.(\d{1,4})")
_STACKED = re.compile(r"/dev/(?:mapper/|dm-|md|loop|bcache|drbd|zvol/|disk/by-)")
"""Devices that the kernel makes of others, or names whose device is not known."""
_OWN_FILE_SYSTEM = frozenset({"fs", "netfs", "vstorage"})
"""Kinds of pools whose directory is a file system of its own."""
_ASK_FACTS = "give host_facts, as ansible.builtin.setup gathers them on the host"


def partition_of(device: str) -> str | None:
    """The disk of which a device is a partition, by the kernel's names; None for what is none."""
    found = _PARTITION.fullmatch(device)
    return found.group(1) if found else None


def partition_name(disk: str, number: str) -> str:
    """How the kernel calls a partition of a disk."""
    return f"{disk}{'p' if disk[-1].isdigit() else ''}{number}"


def completed(graphs: Iterable[Graph]) -> Graph:
    """Several readings of one host joined, with what follows from names, and with the gaps that remain."""
    reading = Reading()
    for graph in graphs:
        reading.take(graph)
    _call_linked_partitions(reading)
    whole = reading.graph()
    reading = Reading()
    reading.take(whole)
    for element in whole.elements.values():
        _add_by_name(reading, element, whole.elements)
    _place_files(reading, whole)
    whole = reading.graph()
    below = antecedents(whole)
    for element in whole.elements.values():
        found = None if below.get(element.id) else _open_end(element)
        if found is not None:
            reading.gap(element.id, *found)
    return reading.graph()


def _call_linked_partitions(reading: Reading) -> None:
    """``/dev/disk/by-id/NAME-part1`` is partition 1 of what ``/dev/disk/by-id/NAME`` is."""
    known = reading.graph()
    for element in known.elements:
        found = _LINKED_PARTITION.fullmatch(element)
        disks = known.aliases.get(found.group(1), frozenset()) if found else frozenset()
        if found and len(disks) == 1 and element not in known.aliases:
            target = partition_name(next(iter(disks)), found.group(2))
            reading.add(model.DEVICE, target)
            reading.call(target, element)


def _add_by_name(reading: Reading, element: Element, known: Mapping[str, Element]) -> None:
    disk = partition_of(element.id)
    if disk is not None:
        reading.depend(element.id, reading.add(model.DEVICE, disk), model.BASED_ON)
    if element.kind == model.NETWORK_INTERFACE:
        vlan = _VLAN.fullmatch(element.name)
        if vlan and model.id_of(model.NETWORK_INTERFACE, vlan.group(1)) in known:
            reading.depend(element.id, model.id_of(model.NETWORK_INTERFACE, vlan.group(1)), model.DEPENDENCY)


def _place_files(reading: Reading, graph: Graph) -> None:
    """Files and directories lie in the file system mounted nearest above them."""
    homes: dict[str, list[str]] = {}
    for element in graph.elements.values():
        if element.kind == model.FILE_SYSTEM:
            homes.setdefault(posixpath.normpath(element.name), []).append(element.id)
        elif element.attributes.get("resource_sub_type") in _OWN_FILE_SYSTEM:
            target = element.attributes.get("target_path")
            if target:
                homes.setdefault(posixpath.normpath(target), []).append(element.id)
    pooled = {each.dependent for each in graph.dependencies if each.association == model.ELEMENT_ALLOCATED_FROM_POOL}
    for element in graph.elements.values():
        if element.kind in (model.FILE, model.DIRECTORY) or (
            element.kind == model.STORAGE_VOLUME and element.id not in pooled and not element.id.startswith("/dev/")
        ):
            for home in _nearest(element.id, homes):
                reading.depend(element.id, home, model.FILE_STORAGE)


def _nearest(path: str, homes: Mapping[str, list[str]]) -> list[str]:
    while True:
        if path in homes:
            return homes[path]
        above = posixpath.dirname(path)
        if above == path:
            return []
        path = above


def _open_end(element: Element) -> tuple[str, frozenset[str]] | None:
    """Why an element that stands on nothing known may stand on something; None for what is the ground itself."""
    if element.kind in (model.DIRECTORY, model.FILE):
        return f"which device holds {element.kind} {element.name} is not known: {_ASK_FACTS}", STORAGE_BELOW
    if element.kind == model.FILE_SYSTEM:
        return f"what is mounted at {element.name} is not known", STORAGE_BELOW
    if element.kind == model.VOLUME_GROUP:
        return f"which devices volume group {element.name!r} consists of is not known: {_ASK_FACTS}", STORAGE_BELOW
    if element.kind == model.DEVICE and _STACKED.match(element.id):
        return f"what {element.name} is made of is not known: {_ASK_FACTS}", STORAGE_BELOW
    if element.kind == model.NETWORK_INTERFACE and element.attributes.get("physical") is not True:
        return f"the ports of interface {element.name} are not known: {_ASK_FACTS}", NETWORK_BELOW
    return None


# Asking

Neighbours = Mapping[str, "list[str]"]


def antecedents(graph: Graph) -> Neighbours:
    """What each element stands on directly."""
    found: dict[str, list[str]] = {}
    for each in graph.dependencies:
        found.setdefault(each.dependent, []).append(each.antecedent)
    return found


def dependents(graph: Graph) -> Neighbours:
    """What stands on each element directly."""
    found: dict[str, list[str]] = {}
    for each in graph.dependencies:
        found.setdefault(each.antecedent, []).append(each.dependent)
    return found


def reached(neighbours: Neighbours, starts: Iterable[str]) -> dict[str, str | None]:
    """Everything that can be reached, nearest first; for each element the one before it, None for a start."""
    found: dict[str, str | None] = dict.fromkeys(starts)
    layer = list(found)
    while layer:
        following = []
        for here in layer:
            for there in neighbours.get(here, ()):
                if there not in found:
                    found[there] = here
                    following.append(there)
        layer = following
    return found


def path_to(way: Mapping[str, str | None], end: str) -> list[str]:
    """The ids from a start to ``end``, both included."""
    path = [end]
    before = way[end]
    while before is not None:
        path.append(before)
        before = way[before]
    return path[::-1]


_NAMES = ("pool_id", "volume")
"""Attributes that are names too."""


def find(graph: Graph, text: str) -> tuple[str, ...]:
    """The ids of the element that a user means: by id, by another name of it, or by the name of a pool, volume or element.

    A name of several names (a USB device by its kind) means all of them.  Raises NotFound, and Conflict that lists the
    ids where a name fits different elements.
    """
    wanted = posixpath.normpath(text) if text.startswith("/") else text
    if wanted in graph.elements:
        return (wanted,)
    if wanted in graph.aliases:
        return tuple(sorted(graph.aliases[wanted]))
    found = sorted(
        element.id
        for element in graph.elements.values()
        if text in (element.name, *(element.attributes.get(word) for word in _NAMES))
    )
    if not found:
        disk = partition_of(wanted)
        if disk in graph.elements:
            raise NotFound(
                f"resource: nothing is known of {text}; it is a partition of {disk}, on which others may stand"
            )
        raise NotFound(f"resource: nothing on this host is called {text!r}, and nothing that is known stands on it")
    if len(found) > 1:
        raise Conflict(f"resource: {text!r} fits several: {', '.join(found)}; give one of these", allowed=found)
    return (found[0],)


@frozen
class Hit:
    """A virtual system that something hits."""

    system: Element
    path: tuple[str, ...]
    """Ids from what was asked about to the system."""
    resources: tuple[str, ...]
    """Labels of the system's resources through which it is hit."""


@frozen
class Unknown:
    """Where the answer may be incomplete."""

    id: str
    reason: str
    virtual_systems: tuple[str, ...]
    """Names of systems that stand on it, and of which nothing shows that they are hit: they may be."""


@frozen
class Answer:
    """What depends on some elements, and what they depend on."""

    asked: tuple[str, ...]
    dependents: tuple[str, ...]
    antecedents: tuple[str, ...]
    elements: tuple[Element, ...]
    dependencies: tuple[Dependency, ...]
    hits: tuple[Hit, ...]
    unknown: tuple[Unknown, ...]


def answer(graph: Graph, asked: Iterable[str] | None, up: bool = True, down: bool = True) -> Answer:
    """What stands on ``asked`` (up) and what it stands on (down); None asks about everything there is."""
    starts = tuple(dict.fromkeys(graph.elements if asked is None else asked))
    above, below = dependents(graph), antecedents(graph)
    upwards = reached(above, starts if up else ())
    downwards = reached(below, starts if down else ())
    seen = {*starts, *upwards, *downwards}
    hits = tuple(_hits(graph, upwards))
    hit = {each.system.name for each in hits}
    unknown = []
    kinds = {graph.elements[start].kind for start in starts}
    for gap in graph.gaps:
        may_hide = up and bool(gap.hides & kinds)
        systems = _systems_above(graph, above, gap.id) if may_hide else set()
        if gap.id in downwards or (gap.id in upwards and not gap.hides) or systems - hit:
            unknown.append(Unknown(gap.id, gap.reason, tuple(sorted(systems - hit))))
    return Answer(
        asked=starts if asked is not None else (),
        dependents=tuple(each for each in upwards if each not in starts),
        antecedents=tuple(each for each in downwards if each not in starts),
        elements=tuple(element for element in graph.elements.values() if element.id in seen),
        dependencies=tuple(
            each
            for each in graph.dependencies
            if (each.dependent in upwards and each.antecedent in upwards)
            or (each.dependent in downwards and each.antecedent in downwards)
        ),
        hits=hits,
        unknown=tuple(unknown),
    )


def _hits(graph: Graph, upwards: Mapping[str, str | None]) -> Iterable[Hit]:
    through: dict[str, list[str]] = {}
    for each in graph.dependencies:
        if each.antecedent in upwards:
            through.setdefault(each.dependent, []).extend(each.resources)
    for reached_id in upwards:
        element = graph.elements[reached_id]
        if element.kind == model.VIRTUAL_SYSTEM:
            labels = tuple(dict.fromkeys(through.get(reached_id, ())))
            yield Hit(element, tuple(path_to(upwards, reached_id)), labels)


def _systems_above(graph: Graph, above: Neighbours, start: str) -> set[str]:
    found = (graph.elements[each] for each in reached(above, (start,)))
    return {element.name for element in found if element.kind == model.VIRTUAL_SYSTEM}
