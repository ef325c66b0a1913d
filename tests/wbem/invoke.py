# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calling methods: arguments checked against the class, failures told as the dialect tells them, jobs where wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pywbem
from pywbem import CIMError

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from tests.wbem import texts
from tests.wbem.cimxml import Call, MethodAnswer
from tests.wbem.world import Reading, World

JOB_STARTED = 4096

MANAGEMENT = {errors.NotSupported: 1, errors.TimedOut: 3, errors.InvalidInput: 4, errors.NotFound: 4}
MANAGEMENT |= {errors.Conflict: 5, errors.Refused: 5, errors.RestartNeeded: 5, errors.VirtError: 2}
SNAPSHOT = MANAGEMENT
POOL = {errors.NotSupported: 1, errors.TimedOut: 3, errors.InvalidInput: 5, errors.NotFound: 5}
POOL |= {errors.Conflict: 6, errors.Refused: 6, errors.RestartNeeded: 6, errors.VirtError: 4}
STATE = {errors.NotSupported: 1, errors.TimedOut: 3, errors.InvalidInput: 5, errors.NotFound: 5}
STATE |= {errors.Conflict: 4097, errors.Refused: 4097, errors.RestartNeeded: 4097, errors.VirtError: 4}

STATUS = {errors.NotSupported: 7, errors.InvalidInput: 4, errors.NotFound: 6, errors.VirtError: 1}
"""CIM status codes of failures, for servers that raise."""


class Refusal(errors.VirtError):
    """A failure with a return code of its own."""

    def __init__(self, return_code: int, message: str = "") -> None:
        """``return_code`` as the method's family has it."""
        super().__init__(message or f"refused with {return_code}")
        self.return_code = return_code


@dataclass
class Invocation:
    """One call of a method, as a handler sees it."""

    world: World
    reading: Reading
    name: str
    target: Any
    """The instance on which the method is called."""
    given: Mapping[str, Any]
    """Arguments that are not NULL, by lower-case name, in their CIM types."""

    def get(self, name: str) -> Any:
        """An argument, or None."""
        return self.given.get(name.lower())

    def need(self, name: str) -> Any:
        """An argument that must be there; raises InvalidInput."""
        found = self.get(name)
        if found is None:
            raise errors.InvalidInput(f"{name} is missing")
        return found

    def carry_out(self, change: changes.Change) -> None:
        """Let the platform make one change, unless it objects, and look again afterwards."""
        self.world.platform.check(change)
        self.world.platform.carry_out(change)
        self.world.forget()
        self.reading = self.world.read()


Handler = Callable[[Invocation], Mapping[str, Any]]
"""Does what a method says, and returns its output parameters.  Raises VirtError."""


@dataclass(frozen=True)
class Method:
    """A method: what does it, and the meaning of its return codes."""

    handler: Handler
    family: Mapping[type[errors.VirtError], int]
    locked: bool = True
    """Nothing else is read or changed meanwhile; not for what takes long by nature."""
    creates: str | None = None
    """Output parameter that names what was created."""
    at_once: Handler | None = None
    """Checks the arguments of a job, and returns what is answered together with it."""


def answer(world: World, call: Call) -> MethodAnswer:
    """The answer to a method call; raises CIMError."""
    if call.namespace.lower() not in world.dialect.namespaces:
        raise CIMError(pywbem.CIM_ERR_INVALID_NAMESPACE, f"There is no namespace {call.namespace}")
    klass = world.classes.get(call.target.classname)
    if call.operation not in klass.methods:
        raise CIMError(*_unknown_method(world, call.operation))
    declared = klass.methods[call.operation]
    given = {
        name.lower(): _converted(world, declared, name, kind, value)
        for name, (kind, value) in call.arguments.items()
        if value is not None
    }
    with world.lock:
        reading = world.read()
        found = reading.find(call.target) if isinstance(call.target, pywbem.CIMInstanceName) else None
    if found is None and "service_keys_unchecked" in world.dialect.traps:
        found = pywbem.CIMInstance(call.target.classname, path=call.target)
    if found is None:
        raise CIMError(pywbem.CIM_ERR_NOT_FOUND, f"No such instance: {call.target}")
    if call.operation in world.faults.return_codes:
        return MethodAnswer(world.faults.return_codes[call.operation])
    method = method_for(world, klass.classname, declared.name)
    invocation = Invocation(world, reading, declared.name, found, given)
    if world.jobs.wanted(declared.name) and not world.classes.is_a(klass.classname, "CIM_Job"):
        return world.jobs.start(invocation, method)
    try:
        output = perform(invocation, method)
    except errors.VirtError as error:
        return _failed(world, method, error)
    return MethodAnswer(0, texts.sent(world, typed_output(declared, output)))


def method_for(world: World, class_name: str, method: str) -> Method:
    """The method of a class, which may be called as another class's method is; raises CIMError."""
    ancestor: str | None = class_name
    while ancestor is not None:
        suffix = ancestor.partition("_")[2]
        found = world.dialect.methods.get(f"{suffix}.{method}")
        if found is not None:
            return found
        ancestor = world.classes.get(ancestor).superclass
    raise CIMError(pywbem.CIM_ERR_METHOD_NOT_AVAILABLE, f"The server does not implement {class_name}.{method}")


def _unknown_method(world: World, name: str) -> tuple[int, str]:
    if "unknown_method_is_failure" in world.dialect.traps:
        return pywbem.CIM_ERR_FAILED, "CIM_ERR_FAILED: Unknown Method"
    return pywbem.CIM_ERR_METHOD_NOT_FOUND, f"There is no method {name}"


def perform(invocation: Invocation, method: Method) -> Mapping[str, Any]:
    """Run a handler; failures are noted in the world."""
    world = invocation.world
    try:
        if not method.locked:
            return method.handler(invocation)
        with world.lock:
            return method.handler(invocation)
    except errors.VirtError as error:
        world.failures.append(error)
        raise
    finally:
        world.forget()


def code_of(method: Method, error: errors.VirtError) -> int:
    """The return code for a failure."""
    if isinstance(error, Refusal):
        return error.return_code
    return method.family.get(type(error), method.family[errors.VirtError])


def _failed(world: World, method: Method, error: errors.VirtError) -> MethodAnswer:
    if world.dialect.errors == "cim":
        status = error.details.get("cim_status") or STATUS.get(type(error), pywbem.CIM_ERR_FAILED)
        raise CIMError(status, f"{CIMError(status).status_code_name}: {error}")
    return MethodAnswer(code_of(method, error))


def typed_output(declared: Any, output: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Output parameters with their types; those that are None are NULL, those the class does not know references."""

    def kind(name: str) -> str:
        return str(declared.parameters[name].type) if name in declared.parameters else "reference"

    return {name: (kind(name), value) for name, value in output.items() if value is not None}


def _converted(world: World, declared: Any, name: str, kind: str | None, value: Any) -> Any:
    parameter = declared.parameters.get(name)
    if parameter is None:
        raise CIMError(pywbem.CIM_ERR_INVALID_PARAMETER, f"{declared.name} has no parameter {name}")
    if parameter.is_array != isinstance(value, list):
        raise CIMError(pywbem.CIM_ERR_TYPE_MISMATCH, f"{name} is {'an' if parameter.is_array else 'no'} array")
    if kind is not None and kind != parameter.type:
        raise CIMError(pywbem.CIM_ERR_TYPE_MISMATCH, f"{name} is {parameter.type}, not {kind}")
    embedded = "EmbeddedInstance" in parameter.qualifiers or "EmbeddedObject" in parameter.qualifiers
    items = value if isinstance(value, list) else [value]
    if embedded:
        found = [texts.read(world, parameter.name, item) for item in items]
    else:
        found = [_single(parameter, item) for item in items]
    return found if isinstance(value, list) else found[0]


def _single(parameter: Any, value: Any) -> Any:
    if parameter.type == "reference":
        if not isinstance(value, pywbem.CIMInstanceName):
            raise CIMError(pywbem.CIM_ERR_TYPE_MISMATCH, f"{parameter.name} is a reference")
        return value
    if isinstance(value, (pywbem.CIMInstance, pywbem.CIMInstanceName)):
        raise CIMError(pywbem.CIM_ERR_TYPE_MISMATCH, f"{parameter.name} is {parameter.type}")
    try:
        if parameter.type == "boolean":
            return {"true": True, "false": False}[str(value).lower()]
        if parameter.type.startswith(("uint", "sint")):
            value = int(value)
        return pywbem.cimvalue(value, parameter.type)
    except (KeyError, ValueError, TypeError):
        raise CIMError(pywbem.CIM_ERR_TYPE_MISMATCH, f"{parameter.name}: {value!r} is no {parameter.type}") from None
