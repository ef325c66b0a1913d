# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of the collection's decorator behave as frozen dataclasses of Python's own."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, astuple, dataclass, field, fields, replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot


def classes(decorator: Callable[[type], Any]) -> SimpleNamespace:
    """The same classes by one decorator or the other."""

    @decorator
    class Base:
        """With all that fields can be."""

        kind: ClassVar[str] = "base"
        name: str
        size: int = 1
        tags: list[str] = field(default_factory=list)
        handle: str | None = field(default=None, compare=False)
        secret: str = field(default="", repr=False)
        length: int = field(default=0, init=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", len(self.name))

    @decorator
    class Derived(Base):
        """With one more."""

        more: tuple[int, ...] = ()

    @decorator
    class Empty:
        """With none."""

    class Plain(Base):
        """Derived as any class is."""

        def __init__(self) -> None:
            self.own = "its own"

    return SimpleNamespace(Base=Base, Derived=Derived, Empty=Empty, Plain=Plain)


@pytest.fixture(params=[frozen, dataclass(frozen=True)], ids=["the collection's", "Python's"])
def made(request: pytest.FixtureRequest) -> SimpleNamespace:
    return classes(request.param)


def test_values_by_place_by_name_and_by_default(made):
    found = made.Base("a", 2, secret="s")
    assert (found.name, found.size, found.tags, found.handle, found.secret) == ("a", 2, [], None, "s")
    assert found.length == 1
    assert found.kind == "base"
    assert made.Base("a").tags is not made.Base("b").tags
    assert made.Derived("a", more=(1,)).more == (1,)


@pytest.mark.parametrize(
    "call",
    [
        lambda cls: cls(),
        lambda cls: cls("a", sise=2),
        lambda cls: cls(size=2),
        lambda cls: cls("a", length=3),
        lambda cls: cls("a", 1, [], None, "", 6),
    ],
    ids=["missing", "unknown", "first missing", "not to be given", "too many"],
)
def test_values_that_do_not_fit_are_refused(made, call):
    with pytest.raises(TypeError):
        call(made.Base)


def test_what_is_equal(made):
    assert made.Base("a") == made.Base("a", handle="x")
    assert made.Base("a") != made.Base("b")
    assert made.Base("a") != made.Derived("a")
    assert made.Base("a") != "a"
    assert made.Empty() == made.Empty()
    assert {made.Base("a", tags=()), made.Base("a", tags=(), handle="x")} == {made.Base("a", tags=())}
    with pytest.raises(TypeError, match="unhashable"):
        hash(made.Base("a"))


def test_nothing_can_be_changed(made):
    found = made.Base("a")
    for name in ("name", "other"):
        with pytest.raises(FrozenInstanceError):
            setattr(found, name, "b")
    with pytest.raises(FrozenInstanceError):
        del found.name


def test_a_derived_class_may_have_attributes_of_its_own(made):
    found = made.Plain()
    found.own = "another"
    assert found.own == "another"
    del found.own
    with pytest.raises(FrozenInstanceError):
        found.size = 2


def test_how_it_is_shown(made):
    expected = "classes.<locals>.Derived(name='a', size=1, tags=[], handle=None, length=1, more=())"
    assert repr(made.Derived("a", secret="s")) == expected


def test_it_is_a_dataclass(made):
    found = replace(made.Derived("a", more=(1,)), name="bc")
    assert astuple(found) == ("bc", 1, [], None, "", 2, (1,))
    assert [each.name for each in fields(made.Derived)][-2:] == ["length", "more"]


def test_it_can_be_copied():
    snapshot = Snapshot("a")
    assert copy.deepcopy(snapshot) == snapshot
    assert pickle.loads(pickle.dumps(snapshot)) == snapshot


def test_methods_are_shared():
    one, other = classes(frozen), classes(frozen)
    for name in ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__"):
        assert vars(one.Base)[name] is vars(other.Derived)[name]
