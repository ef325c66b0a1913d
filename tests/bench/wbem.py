# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and defining through a WBEM server: requests, and what they cost when the server is far away."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.tools.delay import delayed
from tests.wbem import WbemServer

from . import product
from .rounds import milliseconds
from .table import amount, grid

DISTANCE = 0.020
"""Seconds for a question and its answer."""
DIALECTS = ("standard", "libvirt-cim")
SYSTEMS = (10, 200)
DEFINED = 10
"""Systems that are defined in one call."""
RESOURCES = (
    Rasd(ResourceType.PROCESSOR, virtual_quantity=1, maximum_quantity=1, weight=1024),
    Rasd(ResourceType.MEMORY, virtual_quantity=2**26, maximum_quantity=2**26),
    Rasd(ResourceType.ETHERNET_ADAPTER, address="52:54:00:00:00:01", connection=("user:",)),
)
NAMESPACE = "root/virt"
HEADINGS = ("dialect", "systems", "requests", "time", "naive: requests", "time", "naive/collection")
PLURAL_HEADINGS = ("dialect", "systems", "define: requests", "time", "once more: requests", "time")


@dataclass(frozen=True)
class Reading:
    """One way of reading all systems: its requests, and its milliseconds from far away."""

    requests: int
    milliseconds: float


@dataclass(frozen=True)
class Surveyed:
    """What was measured with one dialect and so many systems."""

    dialect: str
    systems: int
    collection: Reading
    other: Reading


def survey() -> tuple[list[Surveyed], list[Surveyed]]:
    """All readings (against a naive client), then all definitions (against the same call with nothing to do)."""
    readings = [_read(dialect, systems) for dialect in DIALECTS for systems in SYSTEMS]
    return readings, [_define(dialect) for dialect in DIALECTS]


def told(found: tuple[Sequence[Surveyed], Sequence[Surveyed]]) -> str:
    """The tables."""
    readings, definitions = found
    rows: list[tuple[str, ...]] = [HEADINGS]
    for each in readings:
        ratio = each.other.milliseconds / each.collection.milliseconds
        rows.append((*_cells(each), f"{ratio:.1f}"))
    plural: list[tuple[str, ...]] = [PLURAL_HEADINGS, *(_cells(each) for each in definitions)]
    return "\n".join(
        [
            f"All systems read through a WBEM server {DISTANCE * 1000:g} ms away; naive: two Associators for each system",
            *grid(rows),
            "",
            f"One call of virtual_systems for {DEFINED} systems, on such a server",
            *grid(plural),
        ]
    )


def _cells(each: Surveyed) -> tuple[str, ...]:
    one, other = each.collection, each.other
    return (
        each.dialect,
        str(each.systems),
        str(one.requests),
        f"{amount(one.milliseconds)} ms",
        str(other.requests),
        f"{amount(other.milliseconds)} ms",
    )


def _read(dialect: str, systems: int) -> Surveyed:
    with _served(dialect, systems) as server, delayed(server.address, DISTANCE) as address:
        return Surveyed(
            dialect,
            systems,
            server.measured(lambda: _all_systems(address), systems),
            server.measured(lambda: naive_walk(address), systems),
        )


def _all_systems(address: str) -> int:
    with closing(open_platform({"uri": f"http://{address}/{NAMESPACE}"})) as platform:
        return len(platform.virtual_systems())


def naive_walk(address: str) -> int:
    """What a client does that follows the model from object to object; the number of systems it finds."""
    found = 0
    with pywbem.WBEMConnection(f"http://{address}", default_namespace=NAMESPACE) as connection:
        for system in connection.EnumerateInstances("CIM_ComputerSystem"):
            for settings in connection.Associators(system.path, AssocClass="CIM_SettingsDefineState"):
                found += bool(connection.Associators(settings.path, AssocClass="CIM_VirtualSystemSettingDataComponent"))
    return found


def _define(dialect: str) -> Surveyed:
    declarations = [
        {
            "name": f"new-{number}",
            "resources": [
                {"resource_type": "processor", "virtual_quantity": 1},
                {"resource_type": "memory", "virtual_quantity": "64 MiB"},
            ],
        }
        for number in range(DEFINED)
    ]
    with _served(dialect, 0) as server, delayed(server.address, DISTANCE) as address:
        uri = f"http://{address}/{NAMESPACE}"

        def declare() -> int:
            return len(product.declare_all(uri, declarations, state="defined")["results"])

        return Surveyed(dialect, DEFINED, server.measured(declare, DEFINED), server.measured(declare, DEFINED))


@dataclass(frozen=True)
class _Served:
    """A server in another process."""

    address: str
    pipe: Connection

    def measured(self, read: Any, expected: int) -> Reading:
        """What a reading costs.  Raises AssertionError when it does not find all there is."""
        self.pipe.send("clear")
        self.pipe.recv()
        found: list[int] = []
        taken = milliseconds(lambda: found.append(read()))
        assert found == [expected], f"{found[0]} of {expected} systems were found"
        self.pipe.send("count")
        return Reading(self.pipe.recv(), taken)


@contextmanager
def _served(dialect: str, systems: int) -> Iterator[_Served]:
    """A server of a host in memory with so many systems: what the host itself costs is not the question here."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(dialect, systems, there), daemon=True)
    process.start()
    there.close()  # so that a server that does not come is told, and not waited for
    try:
        yield _Served(here.recv(), here)
    finally:
        with suppress(OSError):
            here.send("end")
        process.join()


def serve(dialect: str, systems: int, pipe: Connection) -> None:
    """Serve, and tell and forget the number of requests when asked to."""
    host = FakeHost()
    settings = dict(host.capabilities().default_settings)
    for number in range(systems):
        ref = changes.SystemRef(f"system-{number:04}")
        host.define_system(changes.DefineSystem(ref, Configuration(settings, RESOURCES)))
    with WbemServer(host, dialect, lasting=math.inf) as server:
        pipe.send(f"127.0.0.1:{server.port}")
        while (asked := pipe.recv()) != "end":
            pipe.send(server.requests.total)
            if asked == "clear":
                server.requests.clear()
