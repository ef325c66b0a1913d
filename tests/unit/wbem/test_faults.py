# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way to a server and in it: credentials, TLS, jobs, and every switch of Faults."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import pywbem
from pywbem import Uint16, Uint64

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.unit.wbem.conftest import Client, instance, serve
from tests.wbem import WbemServer
from tests.wbem.cimxml import BadRequest, parse

CIM = "CIM_ComputerSystem"


def connect(server: WbemServer, **options: Any) -> Any:
    """A connection with other options."""
    connection = pywbem.WBEMConnection(server.url, default_namespace="root/virt", timeout=5, **options)
    # REQUESTS_CA_BUNDLE of the environment would win over ca_certs.
    connection.session.trust_env = False
    return connection


# credentials and TLS


def test_basic_authentication() -> None:
    with WbemServer(FakeHost(), user="me", password="se:cret") as server:
        for credentials in (None, ("me", "wrong"), ("you", "se:cret")):
            with pytest.raises(pywbem.AuthError):
                connect(server, creds=credentials).EnumerateInstances(CIM)
        assert connect(server, creds=("me", "se:cret")).EnumerateInstances(CIM)


def test_tls_with_an_authority_of_its_own() -> None:
    with WbemServer(FakeHost(), tls=True) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert server.certificates is not None
        trusting = connect(server, ca_certs=server.certificates.authority)
        assert trusting.EnumerateInstances(CIM)
        with pytest.raises(pywbem.ConnectionError):
            connect(server).EnumerateInstances(CIM)
        folder = server.certificates.path
    assert not folder.exists()


def test_client_certificate() -> None:
    with WbemServer(FakeHost(), tls=True, demand_client_certificate=True) as server:
        assert server.certificates is not None
        authority = server.certificates.authority
        certificate, key = server.certificates.client_certificate
        known = connect(server, ca_certs=authority, x509={"cert_file": certificate, "key_file": key})
        assert known.EnumerateInstances(CIM)
        with pytest.raises(pywbem.ConnectionError):
            connect(server, ca_certs=authority).EnumerateInstances(CIM)


def test_it_listens_on_the_loopback_address_only() -> None:
    with WbemServer(FakeHost()) as server:
        assert server._front.server_address[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


# requests


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "request-not-well-formed"),
        (b"<CIM", "request-not-well-formed"),
        (b"<html/>", "request-not-valid"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><CIM CIMVERSION="2.0" DTDVERSION="2.0">&a;</CIM>', "request-not-valid"),
    ],
)
def test_requests_that_are_none(body: bytes, word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        parse(body)


def test_many_clients_at_once(standard: Client) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        connection = connect(standard.server)
        wanted = instance("SVPC_VirtualSystemSettingData", VirtualSystemIdentifier=f"vs{number}")
        try:
            for _ in range(5):
                _, output = connection.InvokeMethod("DefineSystem", service, SystemSettings=wanted)
                connection.EnumerateInstances("CIM_ResourceAllocationSettingData")
                connection.InvokeMethod("DestroySystem", service, AffectedSystem=output["ResultingSystem"])
        except BaseException as error:
            failures.append(error)

    service = standard.service("VirtualSystemManagementService")
    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, standard.host.systems) == ([], {})
    assert standard.server.requests.count["DefineSystem"] == 30


def test_requests_are_counted(standard: Client) -> None:
    standard.paths(CIM)
    standard.associated(standard.system("fake").path, "HostedService")
    assert standard.server.requests.log[0] == ("EnumerateInstanceNames", CIM)
    assert standard.server.requests.of("Associators")[0].endswith("CIM_HostedService")
    assert (standard.server.requests.total, standard.server.requests.connections) == (3, 1)


# faults


def test_delay_and_timeout(standard: Client) -> None:
    standard.server.faults.slow_operations["GetClass"] = 30
    began = time.monotonic()
    slow = pywbem.WBEMConnection(standard.server.url, default_namespace="root/virt", timeout=1)
    with pytest.raises((pywbem.TimeoutError, pywbem.ConnectionError), match="timed out"):
        slow.GetClass(CIM)
    assert time.monotonic() - began < 10
    assert standard.paths(CIM)


def test_dropped_connections(standard: Client) -> None:
    standard.server.faults.drop_after = 1
    assert standard.paths(CIM)
    with pytest.raises(pywbem.ConnectionError):
        standard.paths(CIM)
    standard.server.faults.drop_after = None
    standard.server.faults.drop_reply_of["DefineSystem"] = 1
    service = standard.service("VirtualSystemManagementService")
    with pytest.raises(pywbem.ConnectionError):
        standard.call(service, "DefineSystem")
    assert list(standard.host.systems) == ["vs-1"]  # it was done all the same


def test_errors_that_are_asked_for(standard: Client) -> None:
    faults = standard.server.faults
    faults.errors["GetClass"] = (28, "The server is shutting down")
    with pytest.raises(pywbem.CIMError, match="shutting down"):
        standard.connection.GetClass(CIM)
    faults.errors_once["EnumerateInstances"] = [(1, "busy")]
    with pytest.raises(pywbem.CIMError, match="busy"):
        standard.connection.EnumerateInstances(CIM)
    assert standard.connection.EnumerateInstances(CIM)
    faults.return_codes["DefineSystem"] = 32773
    assert standard.manage("DefineSystem")[0] == 32773
    assert standard.host.systems == {}
    faults.enumerations_that_fail = 1
    with pytest.raises(pywbem.CIMError, match="Domain not found"):
        standard.connection.EnumerateInstances(CIM)
    assert standard.connection.EnumerateInstances(CIM)


def test_vanishing_systems(standard: Client) -> None:
    standard.manage("DefineSystem")
    path = standard.system("vs-1").path
    standard.server.faults.vanish_on_read.add("vs-1")
    assert len(standard.paths(CIM)) == 2
    with pytest.raises(pywbem.CIMError, match="No such instance"):
        standard.connection.GetInstance(path)
    standard.server.faults.vanished.add("vs-1")
    assert len(standard.paths(CIM)) == 1


@pytest.mark.parametrize("body", ["malformed", "truncated", "empty", "html", "bomb", "wrong_types", "huge"])
def test_bodies_that_make_no_sense(standard: Client, body: str) -> None:
    standard.server.faults.huge_bytes = 2**20
    standard.server.faults.body = body
    with pytest.raises(pywbem.Error):
        standard.connection.EnumerateInstances(CIM)
    standard.server.faults.body = None
    assert standard.connection.EnumerateInstances(CIM)


def test_http(standard: Client) -> None:
    standard.server.faults.http_status = (503, "Later")
    with pytest.raises(pywbem.HTTPError, match="503"):
        standard.paths(CIM)
    standard.server.faults.http_status = None
    standard.server.faults.redirect = "http://127.0.0.1:9/"
    with pytest.raises(pywbem.Error):
        standard.paths(CIM)


# jobs


@pytest.fixture(params=[4096, 0])
def with_jobs(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A server all of whose methods are jobs."""
    yield from serve("standard", jobs="all", job_code=request.param)


def test_methods_that_are_jobs(with_jobs: Client) -> None:
    code, output = with_jobs.manage("DefineSystem")
    assert (code, "ResultingSystem" in output) == (with_jobs.server.jobs.code, False)
    with_jobs.server.jobs.wait()
    job = with_jobs.connection.GetInstance(output["Job"])
    assert (job["JobState"], job["PercentComplete"], job["ErrorCode"]) == (7, 100, 0)
    assert job["JobOutParameters"]["ResultingSystem"]["Name"] == with_jobs.system("vs-1")["Name"]
    effects = with_jobs.connection.References(job.path, ResultClass="CIM_AffectedJobElement")
    assert [list(link["ElementEffects"]) for link in effects] == [[5]]
    owners = with_jobs.associated(job.path, "OwningJobElement")
    assert [owner.classname for owner in owners] == ["SVPC_VirtualSystemManagementService"]
    assert with_jobs.call(job.path, "GetErrors")[0] == 0
    state = with_jobs.state("vs-1", 2)
    with_jobs.server.jobs.wait()
    assert (state, with_jobs.system("vs-1")["EnabledState"]) == (with_jobs.server.jobs.code, 2)


def test_several_references_of_a_job(with_jobs: Client) -> None:
    with_jobs.manage("DefineSystem")
    with_jobs.server.jobs.wait()
    whole = next(path for path in with_jobs.paths("CIM_VirtualSystemSettingData") if "capab" not in path["InstanceID"])
    adapter = instance("CIM_ResourceAllocationSettingData", ResourceType=Uint16(10), Connection=["lan"])
    _, output = with_jobs.manage("AddResourceSettings", AffectedConfiguration=whole, ResourceSettings=[adapter])
    with_jobs.server.jobs.wait()
    assert "ResultingResourceSettings" not in with_jobs.connection.GetInstance(output["Job"])["JobOutParameters"]
    with_jobs.server.faults.job_references_as_text = True
    told = with_jobs.connection.GetInstance(output["Job"])["JobOutParameters"]["ResultingResourceSettings"]
    made = with_jobs.associated(output["Job"], "AffectedJobElement")
    assert [pywbem.CIMInstanceName.from_wbem_uri(text)["InstanceID"] for text in told] == [
        found["InstanceID"] for found in made
    ]


def test_job_that_fails(with_jobs: Client) -> None:
    with_jobs.host.fails["define_system"] = errors.HostFailed("The disk is full")
    _, output = with_jobs.manage("DefineSystem")
    with_jobs.server.jobs.wait()
    job = with_jobs.connection.GetInstance(output["Job"])
    assert (job["JobState"], job["ErrorCode"], job["ErrorDescription"]) == (10, 2, "The disk is full")
    code, output = with_jobs.call(job.path, "GetErrors")
    assert (code, output["Errors"][0]["Message"]) == (0, "The disk is full")
    assert with_jobs.call(job.path, "GetError")[1]["Error"]["CIMStatusCode"] == 1


@pytest.mark.parametrize(("kind", "state"), [("completed", 7), ("exception", 10)])
def test_job_that_is_told_to_fail(with_jobs: Client, kind: str, state: int) -> None:
    with_jobs.server.faults.job_fails = kind
    _, output = with_jobs.manage("DefineSystem")
    with_jobs.server.jobs.wait()
    job = with_jobs.connection.GetInstance(output["Job"])
    assert (job["JobState"], job["ErrorCode"], with_jobs.host.systems) == (state, 1, {})


def test_job_that_does_not_end_is_terminated(with_jobs: Client) -> None:
    with_jobs.server.faults.job_never_ends = True
    _, output = with_jobs.manage("DefineSystem")
    until = time.monotonic() + 20
    while with_jobs.connection.GetInstance(output["Job"])["JobState"] != 4 and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)  # by then it would have ended
    assert with_jobs.connection.GetInstance(output["Job"])["JobState"] == 4
    assert with_jobs.call(output["Job"], "RequestStateChange", RequestedState=Uint16(4))[0] == 0
    with_jobs.server.jobs.wait()
    assert with_jobs.connection.GetInstance(output["Job"])["JobState"] == 8
    assert with_jobs.host.systems == {}


def test_job_that_vanishes(with_jobs: Client) -> None:
    with_jobs.server.faults.job_vanishes = True
    _, output = with_jobs.manage("DefineSystem")
    with_jobs.server.jobs.wait()
    with pytest.raises(pywbem.CIMError, match="No such instance"):
        with_jobs.connection.GetInstance(output["Job"])
    assert list(with_jobs.host.systems) == ["vs-1"]


def test_job_is_deleted(with_jobs: Client) -> None:
    _, output = with_jobs.manage("DefineSystem")
    with_jobs.server.jobs.wait()
    with_jobs.connection.DeleteInstance(output["Job"])
    assert with_jobs.paths("CIM_ConcreteJob") == []


def test_capabilities_tell_which_methods_are_jobs() -> None:
    for client in serve("standard", jobs=["DefineSystem"]):
        found = client.connection.EnumerateInstances("CIM_VirtualSystemManagementCapabilities")[0]
        assert list(found["AsynchronousMethodsSupported"]) == [2]
        assert 2 not in found["SynchronousMethodsSupported"]
        memory = instance("CIM_ResourceAllocationSettingData", ResourceType=Uint16(4), VirtualQuantity=Uint64(1))
        memory["VirtualQuantityUnits"] = "byte * 2^30"
        assert client.manage("DefineSystem", ResourceSettings=[memory])[0] == 4096
        client.server.jobs.wait()
        assert client.state("vs-1", 2) == 0
