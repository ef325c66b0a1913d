# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers from a script, and instances made in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session

_TYPES = {bool: "boolean", int: "uint64", str: "string"}


def instance(class_name: str, path: bool = True, **properties: Any) -> Any:
    """A CIM instance with typed properties and a path by its InstanceID."""
    found = pywbem.CIMInstance(class_name)
    for name, value in properties.items():
        array = isinstance(value, (list, tuple))
        kind = _TYPES.get(type(value[0] if array and value else "" if array else value))
        if isinstance(value, pywbem.CIMInstanceName):
            found[name] = value
            continue
        if kind == "uint64":
            value = [pywbem.Uint64(one) for one in value] if array else pywbem.Uint64(value)
        typed = list(value) if array else value
        found[name] = pywbem.CIMProperty(name, typed, type=kind, is_array=array) if kind else typed
    if path:
        found.path = named(class_name, str(properties.get("InstanceID", "1")))
    return found


def named(class_name: str, instance_id: str) -> Any:
    """The path of an instance that is known by its InstanceID."""
    return pywbem.CIMInstanceName(class_name, {"InstanceID": instance_id}, namespace="root/virt")


class Script:
    """A pywbem.WBEMConnection whose answers are prepared: by operation, a function, or a list of answers in order."""

    def __init__(self, **answers: Any) -> None:
        """An answer that is an exception is raised."""
        self.answers = answers
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("_") or operation not in self.answers:
            raise AttributeError(operation)

        def answer(*arguments: Any, **options: Any) -> Any:
            self.asked.append((operation, arguments, options))
            prepared = self.answers[operation]
            found = prepared(*arguments, **options) if callable(prepared) else prepared.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        return answer

    def close(self) -> None:
        """Nothing is open."""

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(name == operation for name, _arguments, _options in self.asked)


def session(script: Script, secret: str | None = None) -> Session:
    """A session with a script in place of the connection."""
    return Session("https://server:5989/root/virt", lambda: script, "root/virt", 5.0, secret=secret)
