# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module virtual_systems: many systems in one call, over one connection.

Each of them goes the way of module virtual_system; here they are read together, put in order and reported.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, Unreachable, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import meaning_of_absence
from ansible_collections.svpc.virt.plugins.module_utils.plan.match import counterpart
from ansible_collections.svpc.virt.plugins.module_utils.plan.order import Touched, stages
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.together import each
from ansible_collections.svpc.virt.plugins.module_utils.task import results
from ansible_collections.svpc.virt.plugins.module_utils.task.arguments import DEFAULTS_OF_ENTRIES
from ansible_collections.svpc.virt.plugins.module_utils.task.module import failure_result
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.module_utils.task.virtual_system import (
    Declaration,
    Subject,
    SystemOutcome,
    converge_all,
    declaration,
    needs_reference,
    read_systems,
    system_result,
    wait_for_guest,
    yet_to_be_made,
)

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.task.addresses import Addresses

_NAMED = 5
"""So many failures are told in the message; all of them are in the results."""
_SHARING = ("access", "shareable")
"""Settings of a disk that say whether other systems may use its storage as well."""


@dataclass
class _Entry:
    """One entry of the list on its way."""

    declared: Declaration
    task: Task
    """Told what concerns this entry."""
    warnings: list[str] = field(default_factory=list)
    current: VirtualSystem | None = None
    outcome: SystemOutcome | None = None
    """None when it failed, or was not begun because another one had failed."""
    addresses: Addresses | None = None
    failure: VirtError | None = None

    @property
    def name(self) -> str:
        """Name of the system."""
        return self.declared.desired.name


def manage(task: Task) -> dict[str, Any]:
    """Bring several virtual systems to what is declared."""
    task = _one_at_a_time(task)
    entries = entries_of(task)
    with task.platform() as platform, platform.together():
        _converge(platform, entries, bool(task.params.get("stop_on_error")))
        waiting = [
            entry for entry in entries if entry.outcome is not None and entry.declared.desired.wait_for != "none"
        ]
        each(lambda entry: _wait(platform, entry), waiting, platform.changes_at_once)
    for entry in entries:
        for text in entry.warnings:
            task.warn(f"Virtual system {entry.name!r}: {text}")
    return _report(task, entries)


# What is declared


def entries_of(task: Task) -> list[_Entry]:
    """The entries of the list.  Raises InvalidInput that names every one that is wrong."""
    defaults = {name: task.params.get(name) for name in DEFAULTS_OF_ENTRIES}
    entries, wrong = [], []
    places: dict[str, int] = {}
    for number, params in enumerate(task.params.get("virtual_systems") or (), start=1):
        place = f"virtual_systems: entry {number}"
        given = {name: value for name, value in params.items() if value is not None}
        if given.get("name"):
            place += f" ({given['name']!r})"
        try:
            declared = declaration({**defaults, **given})
        except InvalidInput as error:
            wrong.append(f"{place}: {error.message}")
            continue
        first = places.setdefault(declared.desired.name, number)
        if first != number:
            wrong.append(f"{place}: entry {first} has the same name")
        entries.append(_entry(task, declared))
    if wrong:
        raise InvalidInput("; ".join(wrong), entries=wrong)
    return entries


def _one_at_a_time(task: Task) -> Task:
    """The task with progress that several threads may tell."""
    talking = threading.Lock()

    def progress(text: str) -> None:
        with talking:
            task.progress(text)

    return replace(task, progress=progress)


def _entry(task: Task, declared: Declaration) -> _Entry:
    """An entry; its progress has the name of the system, and its warnings wait for those of the entries before it."""
    warnings: list[str] = []

    def progress(text: str) -> None:
        task.progress(f"{declared.desired.name}: {text}")

    return _Entry(declared, replace(task, progress=progress, warn=warnings.append), warnings)


# What is done


def _converge(platform: Platform, entries: Sequence[_Entry], stop_on_error: bool) -> None:
    """Converge all entries, stage by stage."""
    leaving: set[str] = set()
    for entry, found in zip(entries, read_systems(platform, [entry.declared.desired for entry in entries])):
        desired = entry.declared.desired
        if not isinstance(found, VirtError):
            entry.current = found
            if found is not None and found.uuid and desired.state == "absent":
                leaving.add(found.uuid)
        elif desired.uuid not in leaving or platform.virtual_system(desired.name) is not None:
            entry.failure = found
    known = {entry.name: entry.current for entry in entries if entry.failure is None}
    for number, stage in enumerate(stages([_touched(platform, entry) for entry in entries])):
        some, subjects = [], []
        for entry in (entries[position] for position in stage):
            if entry.failure is None:
                try:
                    subjects.append(_subject(platform, entry, known, follows=number > 0))
                except VirtError as error:
                    entry.failure = error
                else:
                    some.append(entry)
        if any(entry.failure and (stop_on_error or isinstance(entry.failure, Unreachable)) for entry in entries):
            return
        for entry, result in zip(some, converge_all(platform, subjects, stop_on_error)):
            if isinstance(result, VirtError):
                entry.failure = result
                known.pop(entry.name)  # it may be changed in part
            elif result is not None:
                entry.outcome = result
                known[entry.name] = result.after


def _touched(platform: Platform, entry: _Entry) -> Touched:
    """What an entry has to do with: itself, its reference, and storage that it is to be given, gives up or shares anew."""
    desired, current = entry.declared.desired, entry.current
    words = {f"system {entry.name}", f"uuid {desired.uuid}" if desired.uuid else ""}
    resources = desired.resources if current is None else _in_their_pools(desired.resources, current.defined.resources)
    places = platform.places_of(entry.name, resources)
    if current is not None:
        owned = platform.places_of(entry.name, current.defined.resources)
        if desired.state == "absent" or desired.exclusive:
            places |= owned
            words.add(f"uuid {current.uuid}")
        elif _changes_sharing(desired.resources, current.defined.resources):
            places |= owned | platform.places_of(entry.name, map(_unshared, current.defined.resources))
        else:
            given_up = _given_up(resources, current.defined.resources)
            places = (places - owned) | platform.places_of(entry.name, given_up)
    words |= {f"storage {place}" for place in places}
    needs = {f"system {entry.declared.reference}"} if needs_reference(entry.declared, current) else set()
    return Touched(frozenset(words - {""}), frozenset(needs))


def _in_their_pools(desired: Sequence[Rasd], current: Sequence[Rasd]) -> list[Rasd]:
    """The declared resources with the pools they are in, where that is left out: their volumes are named by that."""
    return [
        replace(rasd, pool_id=other.pool_id) if other is not None else rasd
        for rasd in desired
        for other in (counterpart(rasd, current) if rasd.host_resource and rasd.pool_id is None else None,)
    ]


def _given_up(desired: Sequence[Rasd], current: Sequence[Rasd]) -> list[Rasd]:
    """The resources of a system whose storage is to be another."""
    pairs = [(rasd, counterpart(rasd, current)) for rasd in desired if rasd.host_resource]
    return [other for rasd, other in pairs if other is not None and other.host_resource != rasd.host_resource]


def _changes_sharing(desired: Sequence[Rasd], current: Sequence[Rasd]) -> bool:
    """Whether storage that a system has may be open to others afterwards, or be so no longer."""
    for rasd in desired:
        said = {name: rasd.settings[name] for name in _SHARING if rasd.settings.get(name) is not None}
        other = counterpart(rasd, current) if said else None
        if said and (other is None or any(_setting(other, name) != value for name, value in said.items())):
            return True
    return False


def _setting(rasd: Rasd, name: str) -> Any:
    value = rasd.settings.get(name)
    return meaning_of_absence(rasd.row, f"settings.{name}") if value is None else value


def _unshared(rasd: Rasd) -> Rasd:
    settings = {name: value for name, value in rasd.settings.items() if name not in _SHARING}
    return replace(rasd, settings=settings)


def _subject(platform: Platform, entry: _Entry, known: dict[str, VirtualSystem | None], follows: bool) -> Subject:
    """The entry as what is to be converged.  Raises NotFound when its reference is not there; warns in check mode.

    What is not ``known`` is read, and known from there on.
    """
    declared, reference = entry.declared, None
    if needs_reference(declared, entry.current):
        name = str(declared.reference)
        if name not in known:
            known[name] = platform.virtual_system(name)
        reference = known[name]
        if reference is None:
            reference, follows = yet_to_be_made(entry.task, name, "reference").system, True
    return Subject(entry.task, declared.desired, entry.current, reference, follows)


def _wait(platform: Platform, entry: _Entry) -> None:
    """Wait for what the entry says; a failure becomes its own."""
    if entry.outcome is not None:
        try:
            entry.addresses = wait_for_guest(platform, entry.declared, entry.outcome)
        except VirtError as error:
            entry.failure = error


# What is told


def _report(task: Task, entries: Sequence[_Entry]) -> dict[str, Any]:
    """What the task returns.  Raises, with all of that, when an entry has failed."""
    render = results.each_once()
    shown = [_result(entry, render) for entry in entries]
    found = {
        "changed": any(result["changed"] for result in shown),
        "changes": [
            {"virtual_system": entry.name, **change}
            for entry, result in zip(entries, shown)
            for change in result.get("changes", ())
        ],
        "results": shown,
        "restart_required": any(result.get("restart_required") for result in shown),
    }
    if task.diff:
        found["diff"] = [
            diff for result in shown for diff in (result.pop("diff", None),) if diff is not None and result["changed"]
        ]
    failed = [entry for entry in entries if entry.failure is not None]
    if failed:
        words = "; ".join(f"{entry.name!r}: {entry.failure}" for entry in failed[:_NAMED])
        more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        raise type(failed[0].failure)(  # type: ignore[misc]
            f"{len(failed)} of {len(entries)} virtual systems failed: {words}{more}", **found
        )
    return found


def _result(entry: _Entry, render: Callable[[Rasd], dict[str, Any]]) -> dict[str, Any]:
    """What one entry comes to, as module virtual_system would return it."""
    if entry.failure is not None:
        return {"name": entry.name, "failed": True, **failure_result(entry.failure)}
    if entry.outcome is None:
        return {"name": entry.name, "changed": False, "skipped": True, "msg": "Not begun, because another one failed"}
    return {"name": entry.name, **system_result(entry.task, entry.outcome, entry.addresses, render)}
