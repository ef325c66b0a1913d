# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a plan, or predicts what it would do.  The one place that looks at check mode."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Generic, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, HostFailed, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.task import results
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

State = TypeVar("State")

_ATTEMPTS = 3
"""How often a task plans anew when others change the host at the same time."""


@dataclass(frozen=True)
class Outcome(Generic[State]):
    """What a run did, or would do."""

    plan: changes.Plan
    before: State
    predicted: State
    """The state after the plan, by calculation: the same in check mode and in the run that follows it."""
    after: State
    """The state after the plan as the host shows it; in check mode the predicted one."""
    carried_out: bool
    """False in check mode."""

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.plan)


def execute(
    task: Task,
    platform: Platform,
    before: State,
    plan: Callable[[State], changes.Plan],
    predict: Callable[[State, changes.Plan], State],
    read: Callable[[], State],
    settled: Callable[[State], bool] = lambda _after: False,
    unmet: Callable[[changes.Plan], Iterable[VirtError]] = lambda _plan: (),
) -> Outcome[State]:
    """Plan from ``before`` and carry the plan out change by change, or in check mode predict what it leads to.

    Afterwards the host is read again and planned again: values that are still different become a warning that names
    them, anything else that is still to be done is HostFailed.  An error that leaves carries the changes made before
    it (``details["changes"]``), and which one failed.  ``settled`` knows states that are as they were to become, although
    planning again would not say so.

    ``unmet`` is what a plan needs of the rest of the host and does not find there.  In check mode it is a warning: an
    earlier task of the play, which has not been carried out either, may be the one that makes it.
    """
    todo = plan(before)
    missing = list(unmet(todo))
    for error in missing:
        if not task.check:
            raise error
        task.warn(f"{error.message} (an earlier task has to see to that before this one is carried out)")
    if not missing:
        before, todo = _checked(platform, before, todo, plan, read)
    predicted = predict(before, todo)
    if task.check or not todo:
        return Outcome(todo, before, predicted, predicted if todo else before, not task.check)
    done: list[changes.Change] = []
    with telling(done):
        after = _carry_out(task, platform, todo, done, plan, read)
        if not settled(after):
            _check_converged(task, after, plan)
    return Outcome(tuple(done), before, predicted, after, True)


def _checked(
    platform: Platform,
    before: State,
    todo: changes.Plan,
    plan: Callable[[State], changes.Plan],
    read: Callable[[], State],
) -> tuple[State, changes.Plan]:
    """State and plan that the host has no objection to: those given, or what is planned for what is there by now."""
    try:
        for change in todo:
            platform.check(change)
    except Conflict:
        now = read()
        again = plan(now)
        if again == todo:
            raise
        for change in again:
            platform.check(change)
        return now, again
    return before, todo


def _carry_out(
    task: Task,
    platform: Platform,
    todo: changes.Plan,
    done: list[changes.Change],
    plan: Callable[[State], changes.Plan],
    read: Callable[[], State],
) -> State:
    """Carry out ``todo`` and read again.

    When somebody else changed the host between reading and carrying out, the host refuses with a Conflict: then what
    is there now is planned for anew, so that two tasks at the same time end in the declared state.
    """
    for attempt in range(_ATTEMPTS):
        try:
            for change in todo:
                task.progress(f"{change.operation}: {results.target_of(change)}")
                try:
                    platform.carry_out(change)
                except VirtError as error:
                    error.details["failed_change"] = _failed(change, plan, read)
                    raise
                finally:
                    for note in platform.take_notes():
                        task.warn(note)
                done.append(change)
        except Conflict as error:
            again = plan(read())
            again += _still_owed(todo, done, again)
            if attempt + 1 == _ATTEMPTS or again == todo:
                raise
            task.progress(f"somebody else changed the host meanwhile ({error.message}): planning anew")
            todo = again
            continue
        break
    return read()


def _failed(change: changes.Change, plan: Callable[[State], changes.Plan], read: Callable[[], State]) -> dict[str, Any]:
    """Which change failed, and whether it has changed something all the same: then it would not be planned so again."""
    shown: dict[str, Any] = {"operation": change.operation, "target": results.target_of(change)}
    try:
        now = read()
    except VirtError:
        return shown  # nobody knows
    try:
        shown["changed"] = _essence(change) not in [_essence(other) for other in plan(now)]
    except VirtError:
        shown["changed"] = True
    return shown


def _essence(change: changes.Change) -> tuple[dict[str, Any], bool | None]:
    """What a change does, whatever the host's own names for things are by now."""
    return results.change(change), getattr(change, "in_definition", None)


def _still_owed(todo: changes.Plan, done: Sequence[changes.Change], again: changes.Plan) -> changes.Plan:
    """Storage to be given back of disks that are gone by now, which planning anew therefore does not see."""
    gone = {change.resource.label for change in done if isinstance(change, changes.RemoveResourceSettings)}
    destroyed = any(isinstance(change, changes.DestroySystem) for change in done)
    return tuple(
        change
        for change in todo
        if isinstance(change, changes.ReturnToStoragePool)
        and change not in done
        and change not in again
        and (destroyed or change.element.resource in gone)
    )


@contextlib.contextmanager
def telling(done: Sequence[changes.Change]) -> Iterator[None]:
    """A with block whose errors tell the changes that are ``done`` by then."""
    try:
        yield
    except VirtError as error:
        if done:
            error.details["changes"] = results.changes(done)
        raise


def _check_converged(task: Task, after: Any, plan: Callable[[Any], changes.Plan]) -> None:
    try:
        left = plan(after)
    except VirtError as error:
        task.warn(f"did not converge: the host carried out every change, but planning again fails: {error.message}")
        return
    if not left:
        return
    words = "; ".join(_still_different(left))
    if any(_is_definite(change) for change in left) or _other_state(left):
        raise HostFailed(f"The host carried out every change, and yet something is left to do: {words}")
    task.warn(f"did not converge: the host carried out every change, but these values are still different: {words}")


_VALUES_ONLY = (changes.ModifyResourceSettings, changes.ModifySystemSettings, changes.ModifyPoolSettings)
"""Changes that may be left because the host rounds or delays a value."""


def _is_definite(change: changes.Change) -> bool:
    """Whether it is certain that the host did not do what it was asked to."""
    if isinstance(change, (changes.AddResourceSettings, changes.RemoveResourceSettings)):
        return change.in_definition
    return not isinstance(change, (*_VALUES_ONLY, changes.RequestStateChange))


def _other_state(left: Iterable[changes.Change]) -> bool:
    """Whether the system still has to be brought to another state, and not only to be restarted."""
    steps = [change for change in left if isinstance(change, changes.RequestStateChange)]
    return bool(steps) and steps[0].before != steps[-1].after


def _still_different(left: Iterable[changes.Change]) -> list[str]:
    found = []
    for change in left:
        shown = results.change(change)
        values = ", ".join(
            f"{name} is {value['before']!r}, not {value['after']!r}" for name, value in shown["properties"].items()
        )
        found.append(f"{shown['operation']} {shown['target']}" + (f" ({values})" if values else ""))
    return found
