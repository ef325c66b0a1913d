# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of DSP0200 over a world: reading instances and classes, following associations, pulling."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pywbem
from pywbem import CIMError

from tests.wbem.cimxml import Answer, Call
from tests.wbem.world import Reading, World, key_of

AT_ONCE = 100
"""Instances in a reply when the client names no number."""


class Operations:
    """Answers the intrinsic operations of one server."""

    def __init__(self, world: World) -> None:
        """``world`` is what is asked."""
        self.world = world
        self._open: dict[str, tuple[str, list[Any]]] = {}
        """What is left of open enumerations, by context: how results are written, and the results."""
        self._contexts = itertools.count(1)
        self._handlers: dict[str, Callable[[Call, Reading], Answer]] = {
            "GetInstance": self._get_instance,
            "EnumerateInstances": lambda call, reading: Answer("named instance", self._enumerated(call, reading)),
            "EnumerateInstanceNames": lambda call, reading: Answer("name", self._names(call, reading)),
            "Associators": lambda call, reading: Answer("object with path", self._associators(call, reading)),
            "AssociatorNames": lambda call, reading: Answer("object path", _paths(self._associators(call, reading))),
            "References": lambda call, reading: Answer("object with path", self._references(call, reading)),
            "ReferenceNames": lambda call, reading: Answer("object path", _paths(self._references(call, reading))),
            "OpenEnumerateInstances": lambda call, reading: self._opened(
                call, "instance with path", self._enumerated(call, reading)
            ),
            "OpenEnumerateInstancePaths": lambda call, reading: self._opened(call, "path", self._names(call, reading)),
            "OpenAssociatorInstances": lambda call, reading: self._opened(
                call, "instance with path", self._associators(call, reading)
            ),
            "OpenAssociatorInstancePaths": lambda call, reading: self._opened(
                call, "path", _paths(self._associators(call, reading))
            ),
            "OpenReferenceInstances": lambda call, reading: self._opened(
                call, "instance with path", self._references(call, reading)
            ),
            "OpenReferenceInstancePaths": lambda call, reading: self._opened(
                call, "path", _paths(self._references(call, reading))
            ),
            "PullInstancesWithPath": self._pulled,
            "PullInstancePaths": self._pulled,
            "CloseEnumeration": self._closed,
            "GetClass": self._get_class,
            "EnumerateClasses": lambda call, _: Answer("class", self._classes(call)),
            "EnumerateClassNames": lambda call, _: Answer(
                "class name", [found.classname for found in self._below(call)]
            ),
            "EnumerateQualifiers": lambda call, _: Answer("qualifier", self.world.classes.qualifiers),
            "GetQualifier": self._get_qualifier,
            "DeleteInstance": self._delete_instance,
        }

    def answer(self, call: Call) -> Answer:
        """The answer to an intrinsic call; raises CIMError."""
        dialect, faults = self.world.dialect, self.world.faults
        handler = self._handlers.get(call.operation)
        if handler is None or call.operation in dialect.unsupported_operations:
            raise CIMError(pywbem.CIM_ERR_NOT_SUPPORTED, f"The operation {call.operation} is not supported")
        if "/".join(call.namespace.lower().split("/")) not in dialect.namespaces:
            raise CIMError(pywbem.CIM_ERR_INVALID_NAMESPACE, f"There is no namespace {call.namespace}")
        if "Enumerate" in call.operation and "Class" not in call.operation and faults.enumerations_that_fail > 0:
            faults.enumerations_that_fail -= 1
            raise CIMError(pywbem.CIM_ERR_FAILED, "Unable to get domain info: Domain not found")
        with self.world.lock:
            answer = handler(call, self.world.read())
            answer.results = list(answer.results)
        return answer

    # instances

    def _class_name(self, call: Call, name: str = "ClassName") -> str:
        given = call.arguments.get(name)
        if given is None:
            raise CIMError(pywbem.CIM_ERR_INVALID_PARAMETER, f"{name} is missing")
        return str(getattr(given, "classname", given))

    def _all(self, call: Call, reading: Reading) -> list[Any]:
        class_name = self.world.classes.get(self._class_name(call)).classname
        if self._hidden() or (self.world.classes.is_association(class_name) and not reading.dialect.enumerable_links):
            return []
        namespace = call.namespace.lower()
        return [
            found for found in reading.instances(class_name, listed=True) if found.path.namespace.lower() == namespace
        ]

    def _hidden(self) -> bool:
        return self.world.faults.host_is_down and self.world.dialect.hides_when_down

    def _enumerated(self, call: Call, reading: Reading) -> list[Any]:
        class_name = self._class_name(call)
        keep = None
        if str(call.arguments.get("DeepInheritance", True)).lower() == "false":
            keep = {name.lower() for name in self.world.classes.get(class_name).properties}
        return [self._selected(found, call, keep) for found in self._all(call, reading)]

    def _selected(self, found: Any, call: Call, keep: set[str] | None = None) -> Any:
        """An instance with the properties that were asked for."""
        wanted = call.arguments.get("PropertyList")
        if wanted is None and keep is None:
            return found
        names = None if wanted is None else {str(name).lower() for name in wanted}
        kept = [
            item
            for name, item in found.properties.items()
            if (names is None or name.lower() in names) and (keep is None or name.lower() in keep)
        ]
        return pywbem.CIMInstance(found.classname, properties=kept, path=found.path)

    def _names(self, call: Call, reading: Reading) -> list[Any]:
        return _paths(self._all(call, reading))

    def _get_instance(self, call: Call, reading: Reading) -> Answer:
        path = call.arguments.get("InstanceName")
        if path is None:
            raise CIMError(pywbem.CIM_ERR_INVALID_PARAMETER, "InstanceName is missing")
        self.world.classes.get(path.classname)
        found = None if self._hidden() else reading.find(path)
        if found is None or found.path.namespace.lower() != call.namespace.lower() or self._vanishes(found):
            raise CIMError(pywbem.CIM_ERR_NOT_FOUND, "No such instance.")
        return Answer("instance", [self._selected(found, call)])

    def _vanishes(self, found: Any) -> bool:
        names = self.world.faults.vanish_on_read
        return bool(names) and any(
            found.get(name) in names for name in ("ElementName", "VirtualSystemIdentifier", "Name", "SystemName")
        )

    def _delete_instance(self, call: Call, reading: Reading) -> Answer:
        path = call.arguments["InstanceName"]
        if not self.world.jobs.forget(path.keybindings.get("InstanceID")):
            if reading.find(path) is None:
                raise CIMError(pywbem.CIM_ERR_NOT_FOUND, "No such instance.")
            raise CIMError(pywbem.CIM_ERR_NOT_SUPPORTED, "Use the methods of the services")
        return Answer()

    # associations

    def _start(self, call: Call, reading: Reading) -> Any:
        path = call.arguments.get("ObjectName") or call.arguments.get("InstanceName")
        if not isinstance(path, pywbem.CIMInstanceName):
            raise CIMError(pywbem.CIM_ERR_NOT_SUPPORTED, "Associations of classes are not supported")
        self.world.classes.get(path.classname, pywbem.CIM_ERR_INVALID_PARAMETER)
        if self._hidden():
            return None
        return path

    def _links(
        self, reading: Reading, path: Any, association: str | None, role: str | None
    ) -> Iterable[tuple[Any, str]]:
        """The association instances that name ``path``, each with the reference that does."""
        if association:
            self.world.classes.get(association, pywbem.CIM_ERR_INVALID_PARAMETER)
        start = key_of(path)
        for link in reading.instances(association or None):
            for name, item in link.properties.items():
                if item.type == "reference" and (not role or role.lower() == name.lower()):
                    if item.value is not None and key_of(item.value) == start:
                        yield link, name

    def _references(self, call: Call, reading: Reading) -> list[Any]:
        path = self._start(call, reading)
        if path is None:
            return []
        asked = call.arguments
        links = self._links(reading, path, _text(asked.get("ResultClass")), _text(asked.get("Role")))
        unique = {key_of(link.path): link for link, _ in links}
        return [self._with_host(self._selected(link, call)) for link in unique.values()]

    def _associators(self, call: Call, reading: Reading) -> list[Any]:
        path = self._start(call, reading)
        if path is None:
            return []
        asked = call.arguments
        result, end = _text(asked.get("ResultClass")), _text(asked.get("ResultRole"))
        if result:
            self.world.classes.get(result, pywbem.CIM_ERR_INVALID_PARAMETER)
        association = _text(asked.get("AssocClass"))
        if association is None:
            self.world.dialect.check_unfiltered(path)
        else:
            self.world.dialect.check_followed(path, association)
        targets: dict[Any, Any] = {}
        for link, near in self._links(reading, path, association, _text(asked.get("Role"))):
            for name, item in link.properties.items():
                if item.type != "reference" or name == near or (end and end.lower() != name.lower()):
                    continue
                if self.world.classes.is_a(item.value.classname, result):
                    targets.setdefault(key_of(item.value), item.value)
        found = self._resolved(reading, targets, result)
        return [self._with_host(self._selected(target, call)) for target in found if not self._vanishes(target)]

    def _resolved(self, reading: Reading, targets: dict[Any, Any], result: str | None) -> list[Any]:
        """The instances of paths, in their order; those that are not there are left out."""
        instances: dict[Any, Any] = {}
        for class_name in {path.classname for path in targets.values()}:
            for found in reading.instances(class_name):
                instances.setdefault(key_of(found.path), found)
        return [instances[key] for key in targets if key in instances]

    def _with_host(self, found: Any) -> Any:
        """Paths of associations carry the host."""
        path = found.path.copy()
        path.host = self.world.dialect.host_in_paths or "localhost"
        return pywbem.CIMInstance(found.classname, properties=found.properties.values(), path=path)

    # pulling

    def _opened(self, call: Call, kind: str, results: Iterable[Any]) -> Answer:
        if not self.world.dialect.pull_operations:
            raise CIMError(pywbem.CIM_ERR_NOT_SUPPORTED, f"The operation {call.operation} is not supported")
        if call.arguments.get("FilterQuery"):
            raise CIMError(pywbem.CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED, "Filters are not supported")
        found = list(results)
        if kind == "path":
            found = [self._hosted(path) for path in found]
        else:
            found = [item if item.path.host else self._with_host(item) for item in found]
        context = f"context-{next(self._contexts)}"
        self._open[context] = (kind, found)
        return self._next(context, call.arguments.get("MaxObjectCount"), 0)

    def _hosted(self, path: Any) -> Any:
        hosted = path.copy()
        hosted.host = hosted.host or self.world.dialect.host_in_paths or "localhost"
        return hosted

    def _pulled(self, call: Call, reading: Reading) -> Answer:
        return self._next(str(call.arguments.get("EnumerationContext")), call.arguments.get("MaxObjectCount"), AT_ONCE)

    def _next(self, context: str, most: Any, otherwise: int) -> Answer:
        if context not in self._open:
            raise CIMError(pywbem.CIM_ERR_INVALID_ENUMERATION_CONTEXT, "There is no such enumeration")
        kind, found = self._open[context]
        count = int(most) if most is not None else otherwise
        now, later = found[:count], found[count:]
        self._open[context] = (kind, later)
        if not later:
            del self._open[context]
        return Answer(kind, now, {"EndOfSequence": not later, "EnumerationContext": context if later else ""})

    def _closed(self, call: Call, reading: Reading) -> Answer:
        if self._open.pop(str(call.arguments.get("EnumerationContext")), None) is None:
            raise CIMError(pywbem.CIM_ERR_INVALID_ENUMERATION_CONTEXT, "There is no such enumeration")
        return Answer()

    # classes

    def _below(self, call: Call) -> list[Any]:
        given = call.arguments.get("ClassName")
        name = None if given is None else str(getattr(given, "classname", given))
        return self.world.classes.below(name, str(call.arguments.get("DeepInheritance")).lower() == "true")

    def _classes(self, call: Call) -> list[Any]:
        return [self._class_as_asked(found, call) for found in self._below(call)]

    def _get_class(self, call: Call, reading: Reading) -> Answer:
        found = self.world.classes.get(self._class_name(call), pywbem.CIM_ERR_NOT_FOUND)
        return Answer("class", [self._class_as_asked(found, call)])

    @staticmethod
    def _class_as_asked(found: Any, call: Call) -> Any:
        wanted = call.arguments.get("PropertyList")
        qualified = str(call.arguments.get("IncludeQualifiers", True)).lower() != "false"
        if wanted is None and qualified:
            return found
        found = found.copy()
        if wanted is not None:
            names = {str(name).lower() for name in wanted}
            found.properties = [item for item in found.properties.values() if item.name.lower() in names]
        if not qualified:
            found.qualifiers = []
            found.properties = [_unqualified(item) for item in found.properties.values()]
            found.methods = [_unqualified(item) for item in found.methods.values()]
        return found

    def _get_qualifier(self, call: Call, reading: Reading) -> Answer:
        name = str(call.arguments.get("QualifierName")).lower()
        for found in self.world.classes.qualifiers:
            if found.name.lower() == name:
                return Answer("qualifier", [found])
        raise CIMError(pywbem.CIM_ERR_NOT_FOUND, f"There is no qualifier {name}")


def _paths(found: Iterable[Any]) -> list[Any]:
    return [item.path for item in found]


def _unqualified(item: Any) -> Any:
    """A property or method without its qualifiers; the class itself keeps them."""
    bare = item.copy()
    bare.qualifiers = []
    return bare


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(getattr(value, "classname", value))
