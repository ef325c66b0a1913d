# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: methods that answer before they are done (DSP1103)."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from tests.wbem import invoke, texts
from tests.wbem.cimxml import MethodAnswer
from tests.wbem.world import Reading, Section

if TYPE_CHECKING:
    from tests.wbem.invoke import Invocation, Method

NEW, RUNNING, COMPLETED, TERMINATED, KILLED, EXCEPTION = 2, 4, 7, 8, 9, 10
ENDED = (COMPLETED, TERMINATED, KILLED, EXCEPTION)


@dataclass
class Job:
    """One job."""

    name: str
    owner: Any
    """Path of the service or system whose method it is."""
    instance_id: str = field(default_factory=lambda: f"SVPC:job/{uuid.uuid4()}")
    state: int | None = NEW
    percent: int = 0
    status: str = "Queued"
    error_code: int = 0
    error: str | None = None
    began: float = field(default_factory=time.time)
    ended: float | None = None
    output: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    affected: list[tuple[Any, int]] = field(default_factory=list)
    """Paths, each with its ElementEffects."""
    cancelled: bool = False


class Jobs:
    """The jobs of one server."""

    def __init__(self, methods: str | Iterable[str] = (), seconds: float = 0.05, code: int | None = None) -> None:
        """``methods`` are the ones that become jobs, or ``all``; they answer with ``code`` at once, or as the dialect does."""
        self._methods = methods if isinstance(methods, str) else frozenset(methods)
        self.seconds, self.code = seconds, code
        self.known: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self.threads: list[threading.Thread] = []

    def wanted(self, method: str) -> bool:
        """Whether a method becomes a job."""
        return method not in QUICK and (self._methods == "all" or method in self._methods)

    def forget(self, instance_id: str | None) -> bool:
        """Remove a job from what is shown; False when there is none."""
        return self.known.pop(instance_id or "", None) is not None

    def start(self, invocation: Invocation, method: Method) -> MethodAnswer:
        """Do a method in a thread of its own, and answer with the job."""
        world = invocation.world
        declared = world.classes.get(invocation.target.classname).methods[invocation.name]
        output = {} if method.at_once is None else invoke.typed_output(declared, method.at_once(invocation))
        job = Job(invocation.name, invocation.target.path, state=world.dialect.first_job_state)
        self.known[job.instance_id] = job
        thread = threading.Thread(target=self._run, args=(job, invocation, method), daemon=True)
        self.threads.append(thread)
        thread.start()
        code = self.code if self.code is not None else world.dialect.job_code
        return MethodAnswer(code, {"Job": ("reference", path(invocation.reading, job)), **output})

    def _run(self, job: Job, invocation: Invocation, method: Method) -> None:
        faults, dialect = invocation.world.faults, invocation.world.dialect
        time.sleep(self.seconds / 2)
        job.state, job.status, job.percent = RUNNING, "Running", 10
        time.sleep(self.seconds / 2)
        while faults.job_never_ends and not job.cancelled:
            time.sleep(0.02)
        if job.cancelled:
            self._end(job, TERMINATED, "Terminated")
            return
        job.percent = 50
        if faults.job_fails is not None:
            state = COMPLETED if faults.job_fails == "completed" else EXCEPTION
            self._end(job, state, "Failed", 1, "The job failed because it was told to")
            return
        try:
            invocation.reading = invocation.world.read()
            output = invoke.perform(invocation, method)
        except errors.VirtError as error:
            self._end(job, dialect.error_state, "Failed", invoke.code_of(method, error), str(error))
        except Exception as error:  # a job ends whatever breaks in it; the server's owner finds it in failures
            invocation.world.failures.append(error)
            self._end(job, dialect.error_state, "Failed", 1, f"{type(error).__name__}: {error}")
        else:
            declared = invocation.world.classes.get(invocation.target.classname).methods[invocation.name]
            job.output = invoke.typed_output(declared, output)
            for name, (kind, value) in job.output.items():
                for reference in value if isinstance(value, list) else [value]:
                    if kind == "reference":
                        job.affected.append((reference, 5 if name == method.creates else 1))
            self._end(job, COMPLETED, "Completed")
        invocation.world.forget()  # whoever has read the job since its work was done has seen it at work
        if faults.job_vanishes:
            self.known.pop(job.instance_id, None)

    @staticmethod
    def _end(job: Job, state: int, status: str, code: int = 0, error: str | None = None) -> None:
        job.error_code, job.error, job.status = code, error, status
        job.percent = 100 if state == COMPLETED and not code else job.percent
        job.ended = time.time()
        job.state = state

    def wait(self, seconds: float = 10) -> None:
        """Let the running jobs end."""
        until = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))


def _stamp(seconds: float) -> Any:
    return pywbem.CIMDateTime(datetime.fromtimestamp(seconds, UTC))


def instance(reading: Reading, job: Job) -> Any:
    """The instance of a job."""
    output = None
    if job.state == COMPLETED and not job.error_code:
        found = pywbem.CIMInstance("__JobOutParameters", {"__ReturnValue": pywbem.Uint32(0)})
        for name, (kind, value) in job.output.items():
            if kind == "reference" and isinstance(value, list):
                # There is no such thing as a property with several references.
                if not reading.world.faults.job_references_as_text:
                    continue
                kind, value = "string", [reference.to_wbem_uri() for reference in value]
            found.properties[name] = pywbem.CIMProperty(name, value, type=kind, is_array=isinstance(value, list))
        output = found
    return reading.make(
        "ConcreteJob",
        InstanceID=job.instance_id,
        Name=job.name,
        ElementName=job.name,
        MethodName=job.name,
        JobState=job.state,
        JobStatus=job.status,
        Status=job.status,
        PercentComplete=job.percent,
        ErrorCode=job.error_code,
        ErrorDescription=job.error,
        TimeSubmitted=_stamp(job.began),
        StartTime=_stamp(job.began),
        ElapsedTime=pywbem.CIMDateTime(timedelta(seconds=(job.ended or time.time()) - job.began)),
        TimeBeforeRemoval=pywbem.CIMDateTime(timedelta(minutes=5)),
        DeleteOnCompletion=False,
        OperationalStatus=[_operational(job)],
        JobOutParameters=texts.text_of(reading.world, output),
    )


def _operational(job: Job) -> int:
    if job.state == COMPLETED and not job.error_code:
        return 17
    return 6 if job.state in ENDED else 2


def path(reading: Reading, job: Job) -> Any:
    """The path of a job."""
    return reading.make("ConcreteJob", InstanceID=job.instance_id).path


def _jobs(reading: Reading) -> Iterator[Any]:
    for job in list(reading.world.jobs.known.values()):
        yield instance(reading, job)


def _affected(reading: Reading) -> Iterator[Any]:
    for job in list(reading.world.jobs.known.values()):
        for element, effect in job.affected:
            yield reading.link(
                "AffectedJobElement",
                AffectedElement=element,
                AffectingElement=path(reading, job),
                ElementEffects=[effect],
            )


def _owned(reading: Reading) -> Iterator[Any]:
    for job in list(reading.world.jobs.known.values()):
        yield reading.link("OwningJobElement", OwningElement=job.owner, OwnedElement=path(reading, job))


SECTIONS = (
    Section(("ConcreteJob",), _jobs),
    Section(("AffectedJobElement",), _affected),
    Section(("OwningJobElement",), _owned),
)


# methods of jobs


def _asked(invocation: Invocation) -> Job:
    job = invocation.world.jobs.known.get(invocation.target["InstanceID"])
    if job is None:
        raise errors.NotFound("There is no such job")
    return job


def _request_state_change(invocation: Invocation) -> Mapping[str, Any]:
    job, wanted = _asked(invocation), int(invocation.need("RequestedState"))
    if wanted not in (4, 5):
        raise errors.NotSupported(f"Jobs cannot be brought to state {wanted}")
    if job.state in ENDED:
        raise errors.Conflict("The job has ended")
    job.cancelled = True
    return {}


def _errors(job: Job, reading: Reading) -> list[Any]:
    if not job.error_code:
        return []
    found = pywbem.CIMInstance(
        "CIM_Error",
        {
            "MessageID": f"SVPC{job.error_code:04d}",
            "OwningEntity": "SVPC",
            "Message": job.error,
            "ErrorType": pywbem.Uint16(4),
            "PerceivedSeverity": pywbem.Uint16(5),
            "CIMStatusCode": pywbem.Uint32(1),
        },
    )
    return [found]


def _get_errors(invocation: Invocation) -> Mapping[str, Any]:
    return {"Errors": _errors(_asked(invocation), invocation.reading)}


def _get_error(invocation: Invocation) -> Mapping[str, Any]:
    return {"Error": next(iter(_errors(_asked(invocation), invocation.reading)), None)}


METHODS = {
    "ConcreteJob.RequestStateChange": invoke.Method(_request_state_change, invoke.STATE),
    "ConcreteJob.GetErrors": invoke.Method(_get_errors, invoke.STATE),
    "ConcreteJob.GetError": invoke.Method(_get_error, invoke.STATE),
}
QUICK = frozenset({"GetErrors", "GetError"})
"""Methods that are never jobs."""
