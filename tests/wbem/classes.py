# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of a server: compiled from the MOF beside this file, and asked who descends from whom.

Instances are made here as well, because a class knows the types of its properties and which of them are keys.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pywbem
from pywbem_mock import FakedWBEMConnection

MOF = Path(__file__).parent / "mof"
BASE = ("qualifiers.mof", "core.mof", "virtualization.mof", "associations.mof")


@functools.cache
def compiled(*files: str) -> Classes:
    """The classes in the base MOF and in ``files``.  Compiled once for all servers of a process; never changed."""
    connection = FakedWBEMConnection(default_namespace="root/virt")
    for name in (*BASE, *files):
        connection.compile_mof_file(str(MOF / name))
    found = connection.EnumerateClasses(DeepInheritance=True, LocalOnly=False, IncludeQualifiers=True)
    return Classes(found, connection.EnumerateQualifiers())


class Classes:
    """A tree of classes."""

    def __init__(self, classes: Iterable[Any], qualifiers: Iterable[Any] = ()) -> None:
        """``classes`` are complete: with inherited properties and methods."""
        self._by_name = {found.classname.lower(): found for found in classes}
        self.qualifiers = list(qualifiers)
        self._ancestors: dict[str, tuple[str, ...]] = {}
        for name in self._by_name:
            self._ancestors[name] = tuple(self._up(name))
        self._keys: dict[str, tuple[str, ...]] = {}

    def _up(self, name: str | None) -> Iterable[str]:
        while name is not None:
            yield name
            parent = self._by_name[name].superclass
            name = parent.lower() if parent else None

    def find(self, name: str) -> Any | None:
        """The class of that name in any case, or None."""
        return self._by_name.get(name.lower())

    def everything(self) -> list[Any]:
        """All classes."""
        return list(self._by_name.values())

    def get(self, name: str, code: int = pywbem.CIM_ERR_INVALID_CLASS) -> Any:
        """The class of that name; raises CIMError with ``code`` when there is none."""
        found = self.find(name)
        if found is None:
            raise pywbem.CIMError(code, f"There is no class {name}")
        return found

    def is_a(self, name: str, ancestor: str | None) -> bool:
        """Whether a class is ``ancestor`` or descends from it; every class does from None."""
        return ancestor is None or ancestor.lower() in self._ancestors.get(name.lower(), ())

    def below(self, name: str | None, deep: bool) -> list[Any]:
        """The classes under one, or the roots; all the way down when ``deep``."""
        if name is not None:
            self.get(name)
        wanted = name.lower() if name else None

        def fits(candidate: str) -> bool:
            if deep:
                return wanted is None or (candidate != wanted and wanted in self._ancestors[candidate])
            parent = self._by_name[candidate].superclass
            return (parent.lower() if parent else None) == wanted

        return [found for candidate, found in self._by_name.items() if fits(candidate)]

    def keys(self, name: str) -> tuple[str, ...]:
        """The names of the key properties of a class."""
        if name not in self._keys:
            properties = self.get(name).properties.values()
            self._keys[name] = tuple(found.name for found in properties if "Key" in found.qualifiers)
        return self._keys[name]

    def is_association(self, name: str) -> bool:
        """Whether the class is an association."""
        found = self.find(name)
        return found is not None and "Association" in found.qualifiers

    def instance(self, classname: str, namespace: str, **values: Any) -> Any:
        """An instance with its path.  Values that are None are left out; types are those of the class.

        Raises KeyError for a property that the class does not have: a mistake in the server's own tables.
        """
        klass = self.get(classname)
        properties = []
        for name, value in values.items():
            declared = klass.properties[name]
            if value is None:
                continue
            if declared.is_array:
                value = [_typed(item, declared.type) for item in value]
            else:
                value = _typed(value, declared.type)
            properties.append(
                pywbem.CIMProperty(
                    declared.name,
                    value,
                    type=declared.type,
                    is_array=declared.is_array,
                    reference_class=declared.reference_class if declared.type == "reference" else None,
                )
            )
        found = pywbem.CIMInstance(klass.classname, properties=properties)
        keys = {name: found[name] for name in self.keys(klass.classname)}
        found.path = pywbem.CIMInstanceName(klass.classname, keybindings=keys, namespace=namespace)
        return found


def _typed(value: Any, cim_type: str) -> Any:
    return (
        value if cim_type == "reference" or isinstance(value, pywbem.CIMInstance) else pywbem.cimvalue(value, cim_type)
    )
