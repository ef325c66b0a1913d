# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers over hosts in memory, and a client of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.wbem import WbemServer

NAMESPACE = "root/virt"


@dataclass
class Client:
    """A server, the host behind it, and a connection to it."""

    server: WbemServer
    host: FakeHost
    connection: Any

    def paths(self, class_name: str) -> list[Any]:
        """The paths of all instances of a class."""
        return list(self.connection.EnumerateInstanceNames(class_name))

    def service(self, suffix: str) -> Any:
        """The path of a service."""
        return self.paths(f"CIM_{suffix}")[0]

    def call(self, path: Any, method: str, **arguments: Any) -> tuple[int, Any]:
        """Invoke a method; arguments that are None are left out."""
        given = {name: value for name, value in arguments.items() if value is not None}
        code, output = self.connection.InvokeMethod(method, path, **given)
        return int(code), output

    def manage(self, method: str, **arguments: Any) -> tuple[int, Any]:
        """Invoke a method of the management service."""
        return self.call(self.service("VirtualSystemManagementService"), method, **arguments)

    def system(self, name: str) -> Any:
        """The instance of a virtual system."""
        found = self.connection.EnumerateInstances("CIM_ComputerSystem")
        return next(each for each in found if each.get("ElementName") == name)

    def associated(self, path: Any, association: str, result: str | None = None, **more: Any) -> list[Any]:
        """The instances at the other end of an association."""
        return list(self.connection.Associators(path, AssocClass=f"CIM_{association}", ResultClass=result, **more))

    def state(self, name: str, number: int) -> int:
        """Request a state."""
        return self.call(self.system(name).path, "RequestStateChange", RequestedState=pywbem.Uint16(number))[0]


def instance(class_name: str, **properties: Any) -> Any:
    """An instance to be embedded."""
    return pywbem.CIMInstance(class_name, properties)


def serve(dialect: str, **options: Any) -> Iterator[Client]:
    """A client of a new server."""
    host = FakeHost()
    with WbemServer(host, dialect, **options) as server:
        connection = pywbem.WBEMConnection(
            server.url, ("me", "secret"), default_namespace=NAMESPACE, no_verification=True, timeout=20
        )
        yield Client(server, host, connection)
        connection.close()


@pytest.fixture
def standard() -> Iterator[Client]:
    """A server as the profiles describe it."""
    yield from serve("standard")


@pytest.fixture
def libvirt_cim() -> Iterator[Client]:
    """A server that behaves like libvirt-cim."""
    yield from serve("libvirt-cim")
