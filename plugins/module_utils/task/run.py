# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a plan, or predicts what it would do.  The one place that looks at check mode."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, TypeVar, Union

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InTheWay,
    Unreachable,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.together import each
from ansible_collections.svpc.virt.plugins.module_utils.task import shown_changes
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

State = TypeVar("State")

_ATTEMPTS = 3
"""How often a task plans anew when others change the host at the same time."""


@frozen
class Goal(Generic[State]):
    """One thing that is to become as declared."""

    task: Task
    """Says whether it is check mode, and is told warnings and progress of this thing."""
    plan: Callable[[State], changes.Plan]
    predict: Callable[[State, changes.Plan], State]
    read: Callable[[], State]
    """Reads the thing as it is now."""
    settled: Callable[[State], bool] = lambda _after: False
    """Knows states that are as they were to become, although planning again would not say so."""
    unmet: Callable[[changes.Plan], Iterable[VirtError]] = lambda _plan: ()
    """What a plan needs of the rest of the host and does not find there.

    In check mode it is a warning: an earlier task of the play, which has not been carried out either, may be the one
    that makes it.
    """
    follows: bool = False
    """It builds on what another goal of the same task, or an earlier task, changes, which in check mode does not happen."""


@frozen
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


Result = Union[Outcome[State], VirtError, None]
"""What became of a goal: its outcome, its failure, or None when it was not begun because another one had failed."""


def execute(platform: Platform, goal: Goal[State], before: State) -> Outcome[State]:
    """Bring one thing to what is declared; see :func:`execute_all`.  Its failure is raised."""
    (found,) = execute_all(platform, [goal], [before], lambda _positions: [goal.read()])
    if isinstance(found, VirtError):
        raise found
    if found is None:
        raise TypeError("A goal that is alone is always begun")
    return found


def execute_all(
    platform: Platform,
    goals: Sequence[Goal[State]],
    befores: Sequence[State],
    read_again: Callable[[Sequence[int]], Sequence[State | VirtError]],
    stop_on_error: bool = False,
) -> list[Result[State]]:
    """Plan each goal from its state in ``befores`` and carry the plan out, or in check mode predict what it leads to.

    All are planned and judged before the first change is made.  Then they are carried out side by side, as many at a
    time as the platform takes; the changes of one goal stay in order.  Afterwards the host is read again
    (``read_again`` reads the goals at some positions) and planned again: values that are still different become a
    warning that names them, anything else that is still to be done is HostFailed.

    An error carries the changes of its goal that were made before it (``details["changes"]``), and which one failed.
    A goal that fails leaves the others alone, unless ``stop_on_error``, or the host is out of reach: then those that
    are under way are finished, and no other is begun.
    """
    runs = [_Run(platform, goal, before) for goal, before in zip(goals, befores)]
    stopped = threading.Event()

    def go(step: Callable[[_Run[State]], None], some: Sequence[_Run[State]], limit: int) -> None:
        def one(run: _Run[State]) -> None:
            if not stopped.is_set():
                run.attempt(step)
                if run.failure is not None and (stop_on_error or isinstance(run.failure, Unreachable)):
                    stopped.set()

        each(one, [run for run in some if run.failure is None], limit)

    go(_Run.make_plan, runs, 1)  # that is calculation, and nothing to wait for
    judged = [run for run in runs if run.todo and run.failure is None]
    platform.expect([change for run in judged for change in run.todo])
    go(_Run.let_check, judged, platform.changes_at_once)
    acting = [run for run in runs if run.todo and not run.goal.task.check]
    go(_Run.carry_out, acting, platform.changes_at_once)
    changed = [position for position, run in enumerate(runs) if run.carried_out and run.failure is None]
    if changed:
        try:
            found = read_again(changed)
        except VirtError as error:
            found = [type(error)(error.message, **error.details) for _position in changed]
        for position, state in zip(changed, found):
            runs[position].found = state
            runs[position].attempt(_Run.arrive)
    return [run.result(stopped.is_set()) for run in runs]


def leave_to_earlier_task(task: Task, error: VirtError) -> None:
    """Raise ``error``, which tells what a task builds on and does not find, or what is in its way.

    In check mode it is a warning: the task that makes or removes that, earlier in the play, has not been carried out
    either.
    """
    if not task.check:
        raise error
    task.warn(f"{error.message} (an earlier task has to see to that before this one is carried out)")


@dataclass
class _Run(Generic[State]):
    """One goal on its way: planned, judged, carried out, read again."""

    platform: Platform
    goal: Goal[State]
    before: State
    todo: changes.Plan = ()
    done: list[changes.Change] = field(default_factory=list)
    missing: bool = False
    """Something the plan needs is not there yet: known of in check mode alone."""
    planned: bool = False
    carried_out: bool = False
    found: State | VirtError | None = None
    """The state after the plan was carried out, or why it cannot be told."""
    failure: VirtError | None = None

    def attempt(self, step: Callable[[_Run[State]], None]) -> None:
        """Go one step; a failure is kept, and tells the changes made by then."""
        try:
            with telling(self.done):
                step(self)
        except VirtError as error:
            self.failure = error

    def result(self, stopped: bool) -> Result[State]:
        """What became of the goal; ``stopped`` says that goals that were not begun by then were left alone."""
        if self.failure is not None:
            return self.failure
        if stopped and (not self.planned or (self.todo and not self.carried_out)):
            return None
        predicted = self.goal.predict(self.before, self.todo) if self.todo else self.before
        if self.goal.task.check or not self.todo:
            return Outcome(self.todo, self.before, predicted, predicted, not self.goal.task.check)
        after: Any = self.found
        return Outcome(tuple(self.done), self.before, predicted, after, True)

    def make_plan(self) -> None:
        """Find out what there is to do, and whether what it needs is there."""
        task = self.goal.task
        try:
            self.todo = self.goal.plan(self.before)
        except InTheWay as hindrance:
            if hindrance.plan is None:
                raise
            leave_to_earlier_task(task, hindrance)
            self.todo, self.missing = hindrance.plan, True
        for error in self.goal.unmet(self.todo):
            leave_to_earlier_task(task, error)
            self.missing = True
        self.planned = True

    def let_check(self) -> None:
        """Let the platform object to the plan before anything is touched.

        A conflict may come of what somebody else has done meanwhile: then it is planned for what is there by now.
        """
        if self.missing or (self.goal.follows and self.goal.task.check):
            return  # cannot be judged yet
        try:
            self._check(self.todo)
        except Conflict:
            now = self.goal.read()
            again = self.goal.plan(now)
            if again == self.todo and not self.goal.task.check:
                raise
            self._check(again, lambda error: leave_to_earlier_task(self.goal.task, error))
            self.before, self.todo = now, again

    def _check(self, todo: changes.Plan, hindered: Callable[[InTheWay], None] | None = None) -> None:
        try:
            for change in todo:
                try:
                    self.platform.check(change)
                except InTheWay as error:
                    if hindered is None:
                        raise
                    hindered(error)
        finally:
            self._tell_notes()

    def _tell_notes(self) -> None:
        """Pass on what the platform wants the user to know."""
        for note in self.platform.take_notes():
            self.goal.task.warn(note)

    def carry_out(self) -> None:
        """Carry the plan out.

        When somebody else changed the host between reading and carrying out, the host refuses with a Conflict: then
        what is there now is planned for anew, so that two tasks at the same time end in the declared state.
        """
        task, todo = self.goal.task, self.todo
        for attempt in range(_ATTEMPTS):
            try:
                for change in todo:
                    task.progress(f"{change.operation}: {shown_changes.target_of(change)}")
                    try:
                        self.platform.carry_out(change)
                    except VirtError as error:
                        error.details["failed_change"] = _failed(change, self.goal)
                        raise
                    finally:
                        self._tell_notes()
                    self.done.append(change)
            except Conflict as error:
                again = self.goal.plan(self.goal.read())
                again += _still_owed(todo, self.done, again)
                if attempt + 1 == _ATTEMPTS or again == todo:
                    raise
                task.progress(f"somebody else changed the host meanwhile ({error.message}): planning anew")
                todo = again
                continue
            break
        self.carried_out = True

    def arrive(self) -> None:
        """See whether the host is as declared now."""
        if isinstance(self.found, VirtError):
            raise self.found
        after: Any = self.found
        if not self.goal.settled(after):
            _check_converged(self.goal.task, after, self.goal.plan)


def _failed(change: changes.Change, goal: Goal[Any]) -> dict[str, Any]:
    """Which change failed, and whether it has changed something all the same: then it would not be planned so again."""
    shown: dict[str, Any] = {"operation": change.operation, "target": shown_changes.target_of(change)}
    try:
        now = goal.read()
    except VirtError:
        return shown  # nobody knows
    try:
        shown["changed"] = _essence(change) not in [_essence(other) for other in goal.plan(now)]
    except VirtError:
        shown["changed"] = True
    return shown


def _essence(change: changes.Change) -> tuple[dict[str, Any], bool | None]:
    """What a change does, whatever the host's own names for things are by now."""
    return shown_changes.change(change), getattr(change, "in_definition", None)


def _still_owed(todo: changes.Plan, done: Sequence[changes.Change], again: changes.Plan) -> changes.Plan:
    """What planning anew does not see: storage of disks that are gone by now, and the start after a shutdown.

    A restart that has got half its way ends with the system as it was, whatever happened in between.
    """
    requests = [change for change in todo if isinstance(change, changes.RequestStateChange)]
    owed = requests if any(change in done for change in requests) else []
    if any(isinstance(change, changes.RequestStateChange) for change in again):
        owed = []
    gone = {change.resource.label for change in done if isinstance(change, changes.RemoveResourceSettings)}
    destroyed = any(isinstance(change, changes.DestroySystem) for change in done)
    storage = [
        change
        for change in todo
        if isinstance(change, changes.ReturnToStoragePool)
        and change not in again
        and (destroyed or change.element.resource in gone)
    ]
    everything: list[changes.Change] = [*owed, *storage]
    return tuple(change for change in everything if change not in done)


@contextlib.contextmanager
def telling(done: Sequence[changes.Change]) -> Iterator[None]:
    """A with block whose errors tell the changes that are ``done`` by then."""
    try:
        yield
    except VirtError as error:
        if done:
            error.details["changes"] = shown_changes.changes(done)
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
        shown = shown_changes.change(change)
        values = ", ".join(
            f"{name} is {value['before']!r}, not {value['after']!r}" for name, value in shown["properties"].items()
        )
        found.append(f"{shown['operation']} {shown['target']}" + (f" ({values})" if values else ""))
    return found
