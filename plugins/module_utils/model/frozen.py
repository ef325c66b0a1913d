# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen dataclasses that take no time to define.

Of each frozen dataclass Python writes six methods as text and compiles them, whenever a process starts that defines it:
half a millisecond and more.  A module that was sent defines some forty, most of which its task makes nothing of.  The
classes of this decorator are dataclasses like others (``fields``, ``replace`` and ``astuple`` take them), but share
their methods, which look up what fields a class has.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Callable, TypeVar

if TYPE_CHECKING:
    from typing import dataclass_transform  # novm: read by type checkers alone
else:

    def dataclass_transform(**_how: Any) -> Callable[[Any], Any]:
        """Only type checkers want to know."""
        return lambda decorator: decorator


Class = TypeVar("Class")


def field(**how: Any) -> Any:
    """:func:`dataclasses.field`; pylint lets nobody call that one in a class of another decorator."""
    return dataclasses.field(**how)  # pylint: disable=invalid-field-call


class _Shape:
    """What the shared methods have to know of a class."""

    __slots__ = ("compared", "completes", "defaults", "factories", "names", "order", "shown")

    def __init__(self, cls: Any) -> None:
        given = [each for each in fields(cls) if each.init]
        self.order = tuple(each.name for each in given)
        self.names = frozenset(self.order)
        self.defaults = {each.name: each.default for each in given if each.default is not MISSING}
        self.factories = [(each.name, each.default_factory) for each in given if each.default_factory is not MISSING]
        self.compared = attrgetter("__class__", *(each.name for each in fields(cls) if each.compare))
        self.shown = tuple(each.name for each in fields(cls) if each.repr)
        self.completes = hasattr(cls, "__post_init__")


def _init(self: Any, *values: Any, **named: Any) -> None:
    shape = self._shape
    given = {**shape.defaults, **dict(zip(shape.order, values)), **named} if values else {**shape.defaults, **named}
    for name, make in shape.factories:
        if name not in given:
            given[name] = make()
    if given.keys() != shape.names or len(values) > len(shape.order):
        raise TypeError(f"{type(self).__name__}: expected {', '.join(shape.order)}, got {values!r} and {named!r}")
    put = object.__setattr__
    for name in shape.order:
        put(self, name, given[name])
    if shape.completes:
        self.__post_init__()


def _eq(self: Any, other: Any) -> Any:
    compared = self._shape.compared
    return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(self._shape.compared(self))


def _repr(self: Any) -> str:
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shape.shown)
    return f"{type(self).__qualname__}({values})"


def _setattr(self: Any, name: str, value: Any) -> None:
    if _is_frozen(self, name):
        raise FrozenInstanceError(f"cannot assign to {name!r} of a {type(self).__name__}")
    object.__setattr__(self, name, value)


def _delattr(self: Any, name: str) -> None:
    if _is_frozen(self, name):
        raise FrozenInstanceError(f"cannot delete {name!r} of a {type(self).__name__}")
    object.__delattr__(self, name)


def _is_frozen(self: Any, name: str) -> bool:
    """All of a frozen class is; a class that is derived from one as usual may have attributes of its own."""
    return "_shape" in vars(type(self)) or name in self._shape.names


_SHARED = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[Class]) -> type[Class]:
    """Make a frozen dataclass of a class with fields."""
    made = dataclass(init=False, repr=False, eq=False)(cls)
    for name, shared in {**_SHARED, "_shape": _Shape(made)}.items():
        setattr(made, name, shared)
    return made
