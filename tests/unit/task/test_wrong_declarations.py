# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong in itself is refused by every platform alike, foretold and done, and nothing is touched.

The declarations are the table ``tests/wrong_declarations.yml``; the platforms are the host in memory, servers of both dialects
in front of one, and libvirt with its driver for tests.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt
import pytest
import yaml

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from tests.wbem import WbemServer

TESTS = Path(__file__).parents[2]
OFFERS = {
    name: described["offers"]
    for name, described in yaml.safe_load((TESTS / "integration/platforms.yml").read_text(encoding="utf-8")).items()
}
TABLE = yaml.safe_load((TESTS / "wrong_declarations.yml").read_text(encoding="utf-8"))
MODULES = {"wrong_pools": "resource_pool", "wrong_systems": "virtual_system", "wrong_snapshots": "snapshot"}
PLATFORMS = ("fake", "standard", "libvirt-cim", "libvirt")


def cases(*platforms: str) -> list[Any]:
    """Platform, module and case, of those that can be told on a platform."""
    return [
        pytest.param(platform, module, case, id=f"{platform}: {' '.join(map(str, case['says']))}")
        for part, module in MODULES.items()
        for case in TABLE[part]
        for platform in platforms
        if OFFERS[platform].get(case.get("needs"), True)
    ]


@dataclass
class Place:
    """A host to declare things on."""

    name: str
    uri: str
    state: Callable[[], Any]
    """All that there is on it, and all that was done to it."""

    def declare(self, module: str, options: dict[str, Any], check: bool) -> dict[str, Any]:
        """The result of a task."""
        loaded = importlib.import_module(f"ansible_collections.svpc.virt.plugins.modules.{module}")
        result: dict[str, Any] = loaded.WORK.function(Task({"uri": self.uri, **options}, check=check))
        return result


@pytest.fixture
def in_memory() -> FakeHost:
    return FakeHost()


@pytest.fixture
def place(request: pytest.FixtureRequest, in_memory: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    name = request.param

    def done() -> Any:
        return list(in_memory.log), dict(in_memory.pools), dict(in_memory.systems)

    if name == "fake":
        monkeypatch.setitem(connect._OPENERS, "fake", lambda _uri, _options, _progress: in_memory)
        yield Place(name, "fake:host", done)
    elif name == "libvirt":
        with connected() as connection:
            yield Place(name, "test:///default", lambda: documents(connection))
    else:
        with WbemServer(in_memory, name) as server:
            yield Place(name, f"{server.url}/{server.dialect.namespace}", done)


def connected() -> Any:
    """A connection that keeps the driver's host alive, closed at the end of a with block."""
    return closing(libvirt.open("test:///default"))


def documents(connection: Any) -> list[str]:
    """Everything there is on a libvirt host, in libvirt's words."""
    listed = (connection.listAllDomains(), connection.listAllNetworks(), connection.listAllStoragePools())
    return sorted(f"{each.isActive()} {each.XMLDesc(0)}" for kind in listed for each in kind)


@pytest.mark.parametrize(("place", "module", "case"), cases(*PLATFORMS), indirect=["place"])
def test_it_is_refused_foretold_and_done_and_nothing_is_touched(
    place: Place, module: str, case: dict[str, Any]
) -> None:
    prepare(place, module, case)
    before = place.state()
    told = [refused(place, module, case["wrong"], check) for check in (True, False)]
    assert [error.code for error in told] == ["invalid_input"] * 2
    for error in told:
        assert [word for word in case["says"] if word not in error.message] == [], error.message
    assert told[0].message == told[1].message
    assert place.state() == before


def prepare(place: Place, module: str, case: dict[str, Any]) -> None:
    """Carry out what a case begins with."""
    for first, options in (("virtual_system", case.get("system")), (module, case.get("there"))):
        if options is not None:
            place.declare(first, options, check=False)


def refused(place: Place, module: str, options: dict[str, Any], check: bool) -> VirtError:
    with pytest.raises(VirtError) as failure:
        place.declare(module, options, check)
    return failure.value


@pytest.mark.parametrize(("place", "module", "case"), cases("fake"), indirect=["place"])
def test_what_differs_from_it_in_that_one_thing_is_not_refused_as_wrong(
    place: Place, module: str, case: dict[str, Any]
) -> None:
    prepare(place, module, case)
    place.declare(module, {**case["wrong"], **case["right"]}, check=True)
