# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.units import BYTE, about_size, parse_quantity, size_words

_SELECTORS = ("resource_sub_type", "name", "pool_id", "address")


def to_bytes(value: Any, unit: str | None = None) -> int:
    """A size with a unit as a number of bytes."""
    if not isinstance(value, (int, str)):
        raise AnsibleFilterError(f"svpc.virt.to_bytes: expected a number or a text with a unit, got {value!r}")
    try:
        return parse_quantity(value, BYTE, unit, "svpc.virt.to_bytes")
    except VirtError as error:
        raise AnsibleFilterError(error.message) from error


def to_size(value: Any, decimals: int = 1, exact: bool = False) -> str:
    """A number of bytes as people read it."""
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).lstrip("-").isdigit():
        raise AnsibleFilterError(f"svpc.virt.to_size: expected a number of bytes, got {value!r}")
    return size_words(int(value)) if exact else about_size(int(value), decimals)


def resources(source: Any, resource_type: Any = None, **wanted: Any) -> list[Mapping[str, Any]]:
    """The resources of a virtual system, or of a list, that have what is wanted."""
    unknown = sorted(set(wanted) - set(_SELECTORS))
    if unknown:
        raise AnsibleFilterError(
            f"svpc.virt.resources: {', '.join(unknown)} is not known; allowed are {', '.join(_SELECTORS)}"
        )
    words = [resource_type] if isinstance(resource_type, str) else list(resource_type or ())
    try:
        types = {ResourceType.from_word(word, "svpc.virt.resources").word for word in words}
    except VirtError as error:
        raise AnsibleFilterError(error.message) from error
    return [
        entry
        for entry in _entries(source)
        if (not types or entry.get("resource_type") in types)
        and all(entry.get(name) == value for name, value in wanted.items() if value is not None)
    ]


def resource(source: Any, resource_type: Any = None, **wanted: Any) -> Mapping[str, Any]:
    """The one resource that has what is wanted."""
    found = resources(source, resource_type, **wanted)
    if len(found) == 1:
        return found[0]
    asked = ", ".join(str(value) for value in (resource_type, *wanted.values()) if value is not None)
    names = ", ".join(str(entry.get("name") or entry.get("address") or entry.get("resource_type")) for entry in found)
    raise AnsibleFilterError(
        f"svpc.virt.resource: {len(found)} resources fit ({asked or 'anything'}), and it has to be one"
        + (f": {names}" if found else "")
    )


def _entries(source: Any) -> Iterable[Mapping[str, Any]]:
    """The resources in a list, in a virtual system, or in what a module returned about one."""
    if isinstance(source, Mapping):
        source = source.get("virtual_system", source)
        source = source.get("resources") if isinstance(source, Mapping) else None
    if isinstance(source, (str, Mapping)) or not isinstance(source, Iterable):
        raise AnsibleFilterError("svpc.virt.resources: expected a virtual system or a list of resources")
    return source


def snapshot_tree(snapshots: Any) -> list[dict[str, Any]]:
    """The snapshots of a system as a tree: each with its ``children``."""
    if isinstance(snapshots, Mapping):
        snapshots = snapshots.get("snapshots")
    if isinstance(snapshots, (str, Mapping)) or not isinstance(snapshots, Iterable):
        raise AnsibleFilterError("svpc.virt.snapshot_tree: expected a list of snapshots")
    nodes: dict[Any, dict[str, Any]] = {each["name"]: {**each, "children": []} for each in snapshots}
    roots: list[dict[str, Any]] = []
    for node in nodes.values():
        parent = nodes.get(node.get("parent"))
        (roots if parent is None or parent is node else parent["children"]).append(node)
    return roots


def superfluous_virtual_systems(systems: Any, listed: Any, keep: Any = ()) -> list[dict[str, Any]]:
    """The systems of a host that are neither listed nor kept, as entries that name them."""
    if isinstance(systems, Mapping):
        systems = systems.get("virtual_systems")
    for name, given in (("input", systems), ("listed", listed), ("keep", keep)):
        if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
            raise AnsibleFilterError(f"svpc.virt.superfluous_virtual_systems: {name}: expected a list")
    names = {str(name) for name in listed}
    patterns = [str(pattern) for pattern in keep]
    return [
        {"name": system["name"], "uuid": system["uuid"]}
        for system in systems
        if system["name"] not in names and not any(fnmatch.fnmatchcase(system["name"], each) for each in patterns)
    ]


_DEEPEST = 40
"""Levels of a tree of dependencies; what is deeper is left to the list of its elements."""


def dependency_tree(result: Any) -> list[dict[str, Any]]:
    """What virtual systems stand on, from the ground up: each element with what stands on it."""
    if not isinstance(result, Mapping) or not isinstance(result.get("dependencies"), list):
        raise AnsibleFilterError("svpc.virt.dependency_tree: expected what svpc.virt.resource_dependency_info returned")
    elements = {each["id"]: each for each in result.get("elements") or ()}
    above: dict[str, list[Mapping[str, Any]]] = {}
    below: dict[str, list[str]] = {}
    for each in result["dependencies"]:
        above.setdefault(each["antecedent"], []).append(each)
        below.setdefault(each["dependent"], []).append(each["antecedent"])
    kept = _below_systems(elements, below)
    ground = [each for each in kept if not any(under in kept for under in below.get(each, ()))]
    shown: set[str] = set()
    trees = []
    # What is left after the ground is a cycle: it begins anywhere.
    for start in [*_in_order(ground, elements), *_in_order(kept, elements)]:
        if start not in shown:
            trees.append(_grown(start, elements, above, kept, shown))
    return trees


def _below_systems(elements: Mapping[str, Any], below: Mapping[str, list[str]]) -> set[str]:
    """The systems and everything they stand on."""
    kept = {each for each, element in elements.items() if element["kind"] == "virtual_system" and below.get(each)}
    waiting = list(kept)
    while waiting:
        for under in below.get(waiting.pop(), ()):
            if under in elements and under not in kept:
                kept.add(under)
                waiting.append(under)
    return kept


def _in_order(ids: Iterable[str], elements: Mapping[str, Any]) -> list[str]:
    """By kind and name, numbers in names by their value."""

    def key(each: str) -> tuple[Any, ...]:
        parts = re.split(r"(\d+)", str(elements[each]["name"]))
        return elements[each]["kind"], [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]

    return sorted(ids, key=key)


def _grown(
    start: str,
    elements: Mapping[str, Any],
    above: Mapping[str, list[Mapping[str, Any]]],
    kept: set[str],
    shown: set[str],
) -> dict[str, Any]:
    """The tree on one element.  What stands on several is shown in full once, and named where it appears again."""

    def node(each: str, resources: Any = ()) -> dict[str, Any]:
        found = {**elements[each], "resources": list(resources), "again": each in shown, "children": []}
        shown.add(each)
        return found

    root = node(start)
    waiting = [(root, 1)]
    while waiting:
        here, depth = waiting.pop()
        if here["again"] or depth > _DEEPEST:
            continue
        links = {each["dependent"]: each.get("resources") or () for each in above.get(here["id"], ())}
        here["children"] = [node(each, links[each]) for each in _in_order(set(links) & kept, elements)]
        waiting += [(child, depth + 1) for child in here["children"]]
    return root


class FilterModule:
    """The filters of this collection; what they do is documented beside this file, one file each."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "dependency_tree": dependency_tree,
            "resource": resource,
            "resources": resources,
            "snapshot_tree": snapshot_tree,
            "superfluous_virtual_systems": superfluous_virtual_systems,
            "to_bytes": to_bytes,
            "to_size": to_size,
        }
