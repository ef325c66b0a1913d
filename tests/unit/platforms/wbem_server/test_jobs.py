# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods and their jobs, with a server that answers from a script."""

from __future__ import annotations

from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import jobs
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import Family
from tests.unit.platforms.wbem_server.scripted import Script, instance, named, session

JOB = named("CIM_ConcreteJob", "job-1")
SERVICE = pywbem.CIMInstanceName("CIM_VirtualSystemManagementService", {"Name": "s"}, namespace="root/virt")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_FIRST_NAP", 0.0)


def job(state: int | None, **more: Any) -> Any:
    states: dict[str, Any] = {} if state is None else {"JobState": state}
    return instance("CIM_ConcreteJob", InstanceID="job-1", **states, **more)


def run(script: Script, within: float = 5.0) -> jobs.Done:
    return jobs.run(session(script), Family.MANAGEMENT, "DefineSystem", SERVICE, "define it", {}, within)


def started(code: int = 4096, **output: Any) -> list[Any]:
    return [(code, pywbem.NocaseDict({"Job": JOB, **output}))]


def test_done_at_once() -> None:
    made = named("CIM_ComputerSystem", "web")
    done = run(Script(InvokeMethod=[(0, pywbem.NocaseDict({"ResultingSystem": made, "Job": None}))]))
    assert done.job is None
    assert done.output["resultingsystem"] == made


@pytest.mark.parametrize("code", [4096, 0])
def test_a_job_is_followed_to_its_end(code: int) -> None:
    script = Script(
        InvokeMethod=started(code),
        GetInstance=[
            job(None),
            job(2),
            job(4, PercentComplete=50),
            job(7, ErrorCode=0, OperationalStatus=(17,)),
            job(7),
        ],
    )
    done = run(script)
    assert done.outcome_known
    assert script.count("GetInstance") == 5


@pytest.mark.parametrize(
    "ended",
    [
        job(7, ErrorCode=1, ErrorDescription="no room"),
        job(7, OperationalStatus=(17, 6), StatusDescriptions=("", "no room")),
        job(10, JobStatus="no room"),
        job(8, Status="no room"),
        job(9, ErrorDescription="no room"),
        job(32770, ErrorCode=4, ErrorDescription="no room"),
    ],
)
def test_a_failed_job_is_told_in_the_servers_words(ended: Any) -> None:
    refused = pywbem.CIMError(pywbem.CIM_ERR_METHOD_NOT_AVAILABLE)
    script = Script(InvokeMethod=[*started(), refused, refused], GetInstance=[ended])
    with pytest.raises(errors.HostFailed, match="Cannot define it: the server's job failed: no room"):
        run(script)


def test_get_errors_is_asked_first() -> None:
    error = instance("CIM_Error", path=False, MessageID="X1", Message="the disk is full")
    answers = [*started(), (0, pywbem.NocaseDict({"Errors": [error, error.tocimxmlstr()]}))]
    with pytest.raises(errors.HostFailed, match="the disk is full; the disk is full"):
        run(Script(InvokeMethod=answers, GetInstance=[job(10, ErrorDescription="failed")]))


def test_a_vendors_end_with_warnings_is_an_end() -> None:
    assert run(Script(InvokeMethod=started(), GetInstance=[job(32768), job(32768)])).outcome_known


def test_a_job_that_vanished_leaves_its_outcome_open() -> None:
    gone = pywbem.CIMError(pywbem.CIM_ERR_NOT_FOUND, "gone")
    assert not run(Script(InvokeMethod=started(), GetInstance=[job(4), gone])).outcome_known


def test_a_job_without_end_is_asked_to_end() -> None:
    asked: list[Any] = []

    def invoke(method: str, path: Any, Params: Any) -> Any:
        asked.append((method, path.classname, Params))
        return started()[0] if method == "DefineSystem" else (0, pywbem.NocaseDict())

    with pytest.raises(errors.TimedOut, match=r"did not end within 0\.05 seconds.*asked to end"):
        run(Script(InvokeMethod=invoke, GetInstance=lambda *_given, **_options: job(4)), within=0.05)
    assert asked[-1][:2] == ("RequestStateChange", "CIM_ConcreteJob")
    assert asked[-1][2] == [("RequestedState", 4)]


def test_what_the_job_brings_completes_the_output() -> None:
    made = named("CIM_ComputerSystem", "web")
    brought = pywbem.CIMInstance("__JobOutParameters", {"__ReturnValue": pywbem.Uint32(0), "ResultingSystem": made})
    script = Script(
        InvokeMethod=started(ResultingSystem=None),
        GetInstance=[job(7), pywbem.CIMInstance("CIM_ConcreteJob", {"JobOutParameters": brought})],
    )
    assert run(script).path(session(script), "ResultingSystem") == made


def test_else_the_job_says_what_it_created() -> None:
    made, touched = named("CIM_ComputerSystem", "web"), named("CIM_ResourcePool", "p")
    links = [
        instance("CIM_AffectedJobElement", AffectedElement=touched, ElementEffects=(2,)),
        instance("CIM_AffectedJobElement", AffectedElement=made, ElementEffects=(5,)),
    ]
    unreadable = pywbem.CIMXMLParseError("no such thing as an array of references")
    script = Script(InvokeMethod=started(), GetInstance=[job(7), unreadable], References=[links])
    assert run(script).path(session(script), "ResultingSystem") == made


def test_a_job_that_is_not_named() -> None:
    with pytest.raises(errors.HostFailed, match="does not say which"):
        run(Script(InvokeMethod=[(4096, pywbem.NocaseDict())]))


@pytest.mark.parametrize(
    ("family", "code", "kind", "words"),
    [
        (Family.MANAGEMENT, 1, errors.NotSupported, "not supported"),
        (Family.MANAGEMENT, 2, errors.HostFailed, "failed"),
        (Family.MANAGEMENT, 3, errors.TimedOut, "timed out"),
        (Family.MANAGEMENT, 4, errors.InvalidInput, "invalid parameter"),
        (Family.MANAGEMENT, 5, errors.Conflict, "invalid state"),
        (Family.SNAPSHOT, 6, errors.NotSupported, "invalid type"),
        (Family.POOL, 2, errors.HostFailed, "unknown"),
        (Family.POOL, 4, errors.HostFailed, "failed"),
        (Family.POOL, 5, errors.InvalidInput, "invalid parameter"),
        (Family.POOL, 6, errors.Conflict, "in use"),
        (Family.STATE, 4097, errors.Conflict, "invalid state transition"),
        (Family.STATE, 4099, errors.Conflict, "busy"),
        (Family.STATE, 32775, errors.HostFailed, "a code of the vendor"),
    ],
)
def test_return_codes_mean_something_else_in_each_family(
    family: Family, code: int, kind: type[errors.VirtError], words: str
) -> None:
    script = Script(InvokeMethod=[(code, pywbem.NocaseDict())])
    with pytest.raises(errors.VirtError) as caught:
        jobs.run(session(script), family, "Method", SERVICE, "do it", {})
    assert type(caught.value) is kind
    assert str(caught.value) == f"Cannot do it: the server returned {code} ({words})"
    assert caught.value.details["return_code"] == code
