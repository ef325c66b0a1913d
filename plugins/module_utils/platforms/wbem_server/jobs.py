# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods of the services, and the jobs that some of them start (CIM_ConcreteJob).

A method is done when it returns 0 without a job, or when its job has ended well.  Servers differ in how they say that a
job failed: by its state, by an error code in a job that is "completed", or by its operational status.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, TimedOut, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    DONE,
    JOB_STARTED,
    Family,
    pywbem,
    returned,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import (
    embedded,
    reference_of,
    text_of,
)

_WATCHED = (
    "JobState", "ErrorCode", "ErrorDescription", "OperationalStatus", "StatusDescriptions", "JobStatus", "Status",
    "PercentComplete",
)  # fmt: skip
"""What is read of a job while it runs."""
_OUTPUT = "JobOutParameters"
_FIRST_NAP, _LONGEST_NAP = 0.05, 5.0
_COMPLETED, _TERMINATE = 7, 4
_ENDED = frozenset({_COMPLETED, 8, 9, 10})
"""JobState: completed, terminated, killed, exception; vendors have more."""
_VENDOR = 32768
_BROKEN = frozenset({6, 10, 14})
"""OperationalStatus: error, stopped, aborted."""
_CREATED = 5
"""AffectedJobElement.ElementEffects: the job made it."""


@frozen
class Done:
    """A method that has ended well."""

    output: Mapping[str, Any]
    job: Any = None
    """Path of the job that carried it out, if there was one."""
    outcome_known: bool = True
    """False when the job was gone before it could be seen to end."""

    def path(self, session: Session, name: str) -> Any | None:
        """The path of what the method made: output parameter ``name``, or what the job says it created.

        None when the server does not tell, or tells a path without keys.
        """
        found = reference_of(self.output.get(name))
        if found is None and self.job is not None:
            found = self._created(session)
        return found if found is not None and found.keybindings else None

    def _created(self, session: Session) -> Any | None:
        for link in session.references(self.job, "CIM_AffectedJobElement", "AffectingElement"):
            made = link.get("AffectedElement")
            effects = link.get("ElementEffects") or ()
            if made is not None and (_CREATED in effects or not effects):
                return made
        return None


def run(
    session: Session,
    family: Family,
    method: str,
    path: Any,
    doing: str,
    arguments: Mapping[str, Any],
    within: float | None = None,
) -> Done:
    """Invoke a method and see it through.

    Raises what the return code or the job's end mean, and TimedOut when the job has not ended ``within`` seconds (None:
    those of the session); then the job is asked to end.
    """
    code, output = session.call(method, path, doing, arguments)
    job = reference_of(output.get("Job"))
    if code not in (DONE, JOB_STARTED):
        raise returned(family, code, doing)
    if job is None:
        if code == JOB_STARTED:
            raise HostFailed(f"Cannot {doing}: the server says it started a job, and does not say which")
        return Done(output)
    return _followed(session, session.local(job), doing, output, session.job_within if within is None else within)


def _followed(session: Session, job: Any, doing: str, output: Mapping[str, Any], within: float) -> Done:
    deadline, nap = time.monotonic() + within, _FIRST_NAP
    while True:
        instance = session.get(job, _WATCHED)
        if instance is None:
            # It ended and was removed, well or not: whoever asked has to look at what it worked on.
            return Done(output, None, outcome_known=False)
        state = instance.get("JobState")
        if state is not None and (state in _ENDED or state >= _VENDOR):
            _check(session, instance, job, state, doing)
            return Done(_output_of(session, job, output), job)
        left = deadline - time.monotonic()
        if left <= 0:
            _cancel(session, job)
            raise TimedOut(
                f"Cannot {doing}: the server's job did not end within {within:g} seconds{_words(instance)}; it was "
                "asked to end"
            )
        percent = instance.get("PercentComplete")
        progress = f", {percent} percent done" if percent is not None and percent <= 100 else ""
        session.progress(f"waiting for the server to {doing}{progress}")
        time.sleep(min(nap, left))
        nap = min(_LONGEST_NAP, nap * 1.5)


def _check(session: Session, instance: Any, job: Any, state: int, doing: str) -> None:
    """Raise HostFailed when a job that has ended did not do what it was started for."""
    code = instance.get("ErrorCode")
    broken = _BROKEN & set(instance.get("OperationalStatus") or ())
    # Vendors have states of their own for jobs that completed with warnings: only the code tells.
    failed = state in _ENDED and state != _COMPLETED
    if not failed and not broken and not code:
        return
    words = _errors_of(session, job) or _words(instance)
    raise HostFailed(f"Cannot {doing}: the server's job failed{words}", job_state=int(state), error_code=code)


def _errors_of(session: Session, job: Any) -> str:
    """What GetErrors, or the older GetError, tell of a job; servers may have neither."""
    for method, parameter in (("GetErrors", "Errors"), ("GetError", "Error")):
        try:
            code, output = session.call(method, job, "read why the job failed", {})
            given = output.get(parameter)
            found = [embedded(item) for item in (given if isinstance(given, list) else [given]) if item]
        except VirtError:  # what the job itself says is left
            continue
        words = [text_of(error.get("Message") or error.get("MessageID")) for error in found if error is not None]
        if code == DONE and any(words):
            return ": " + "; ".join(word for word in words if word)
    return ""


def _words(instance: Any) -> str:
    descriptions = [text for text in instance.get("StatusDescriptions") or () if text]
    for words in (instance.get("ErrorDescription"), *descriptions, instance.get("JobStatus"), instance.get("Status")):
        if words:
            return f": {words}"
    return ""


def _output_of(session: Session, job: Any, output: Mapping[str, Any]) -> Mapping[str, Any]:
    """The output parameters, completed by those the job brings, if it does and they can be read."""
    try:
        instance = session.get(job, (_OUTPUT,))
        brought = None if instance is None else embedded(instance.get(_OUTPUT))
    except HostFailed:
        brought = None
    if brought is None:
        return output
    found = {name: brought.get(name) for name in brought if brought.get(name) is not None and name != "__ReturnValue"}
    return pywbem.NocaseDict({**{name: output[name] for name in output if output[name] is not None}, **found})


def _cancel(session: Session, job: Any) -> None:
    """Ask a job to end; it may not be able to."""
    try:
        session.call("RequestStateChange", job, "end the job", {"RequestedState": pywbem.Uint16(_TERMINATE)})
    except VirtError:
        return
