# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of the folder plays, through servers that speak CIM: the same files and assertions as on libvirt itself.

A server of each dialect stands in front of a private libvirt host, in a process of its own; and one in front of a host in
memory, which needs neither libvirt nor root: ``pytest tests/integration/test_wbem_plays.py -k fake``.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from tests.integration.test_plays import HOSTS, PLATFORMS, PLAYS, SECRETS, sweep
from tests.laboratory import Host, Laboratory, tiny_guest
from tests.tools.playbooks import Run, run_playbook
from tests.wbem import WbemServer
from tests.wbem.process import serving

SECONDS = 600
"""For one play, on a machine that does other things as well."""


def lacks(host: Platform, resource_type: ResourceType, name: str) -> bool:
    """Whether resources of a type have no such property on a host."""
    return name in host.capabilities().allocation[resource_type].unsupported


def tells_passwords(host: Platform) -> bool:
    """Whether it can be seen that the password of a console is as declared."""
    screen = Rasd(ResourceType.GRAPHICS_CONTROLLER, resource_sub_type="vnc", settings={"password": "one"})
    memory = Rasd(ResourceType.MEMORY, virtual_quantity=2**27)
    processor = Rasd(ResourceType.PROCESSOR, virtual_quantity=1)
    host.carry_out(changes.DefineSystem(changes.SystemRef("probe"), Configuration({}, (processor, memory, screen))))
    system = host.virtual_system("probe")
    assert system is not None
    return any(rasd.settings.get("password") == "one" for rasd in system.defined.resources)


PRESENT: dict[str, Callable[[Platform], bool]] = {
    "names of resources": lambda host: not lacks(host, ResourceType.DISK_DRIVE, "name"),
    "a maximum of processors": lambda host: not lacks(host, ResourceType.PROCESSOR, "maximum_quantity"),
    "pools that are changed": lambda host: "modify_pool_settings" in host.capabilities().methods,
    "disks from images": lambda host: bool(host.capabilities().image_modes),
    "snapshots": lambda host: bool(host.capabilities().snapshot_types),
    "UEFI": lambda host: "firmware" not in host.capabilities().unsupported_settings,
    "a kernel to boot": lambda host: "kernel" not in host.capabilities().unsupported_settings,
    "passwords that can be compared": tells_passwords,
}
"""How to see whether a platform has what a play needs."""
IN_MEMORY = "in memory"
CASES = [
    pytest.param(
        platform,
        play,
        id=f"{platform}-{play.stem}",
        marks=() if described["host"] == IN_MEMORY else pytest.mark.libvirt,
    )
    for platform, described in PLATFORMS.items()
    if "server" in described
    for play in [*PLAYS, *sorted((Path(__file__).with_name("plays") / platform).glob("*.yml"))]
    if play.stem not in chain.from_iterable(described["left_out"].values())
]


@dataclass
class Stage:
    """Where a play runs."""

    uri: str
    variables: Mapping[str, str]
    """What the play is told about the host."""
    left: list[str] = field(default_factory=list)
    """Afterwards: what was still on the host."""
    broken: str = ""
    """Afterwards: what went wrong inside the server, beyond what a server tells its clients."""


Outcome = tuple[Run, Stage]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str], Future[Outcome]]]:
    """The runs of all selected plays, by platform and name."""
    items: list[Any] = request.session.items
    selected = [item.callspec.params for item in items if item.path == Path(__file__) and "play" in item.fixturenames]
    real = [one for one in selected if PLATFORMS[one["platform"]]["host"] != IN_MEMORY]
    names = [f"plays-{number}-{os.getpid()}" for number in range(min(HOSTS, len(real)))]
    with Laboratory() as laboratory, ThreadPoolExecutor(HOSTS) as pool:
        free: SimpleQueue[Host] = SimpleQueue()
        for name in names:
            free.put(laboratory.start(name))

        def play(platform: str, path: Path) -> Outcome:
            server = PLATFORMS[platform]["server"]
            with in_memory(server) if PLATFORMS[platform]["host"] == IN_MEMORY else on_libvirt(server, free) as stage:
                variables = {"uri_a": stage.uri, "offers": PLATFORMS[platform]["offers"], **stage.variables, **SECRETS}
                verbose = ["-vvv"] if path.stem in ("secrets", "cloud_init") else []
                run = run_playbook(path, variables, *verbose, timeout=SECONDS)
            return run, stage

        futures = {
            (one["platform"], one["play"].stem): pool.submit(play, one["platform"], one["play"]) for one in selected
        }
        yield futures
        for future in futures.values():
            future.cancel()


@contextmanager
def on_libvirt(dialect: str, free: SimpleQueue[Host]) -> Iterator[Stage]:
    """One of the hosts that are free, behind a server in a process of its own."""
    host, guest, complaints = free.get(), tiny_guest(), io.StringIO()
    try:
        images = host.images / "play"
        images.mkdir()
        told = {
            "images": str(images),
            "kernel": str(guest.kernel),
            "initrd": str(guest.initrd),
            "agent_initrd": str(guest.agent_initrd),
            "cmdline": guest.cmdline(),
        }
        with serving(host.uri, dialect, complaints) as url:
            stage = Stage(f"{url}/root/virt", told)
            yield stage
        stage.left, stage.broken = sweep(host), complaints.getvalue()
        shutil.rmtree(images)
    finally:
        free.put(host)


@contextmanager
def in_memory(dialect: str) -> Iterator[Stage]:
    """A host of nothing but memory, whose guests are never down as soon as impatient plays want them to be."""
    host = FakeHost()
    host.shutdown_seconds = 2.0
    with tempfile.TemporaryDirectory() as images, WbemServer(host, dialect, unshared=True) as server:
        told = {name: f"/boot/{name}" for name in ("kernel", "initrd", "agent_initrd")}
        stage = Stage(f"{server.url}/root/virt", {"images": images, "cmdline": "quiet", **told})
        yield stage
    stage.left = [*host.systems, *(pool_id for _type, pool_id in host.pools)]
    broken = [error for error in server.failures if not isinstance(error, VirtError)]
    stage.broken = "".join(line for error in broken for line in traceback.format_exception(error))


@pytest.mark.parametrize(("platform", "play"), CASES)
def test_play(platform: str, play: Path, outcomes: dict[tuple[str, str], Future[Outcome]]) -> None:
    run, stage = outcomes[platform, play.stem].result()
    if run.code:
        pytest.fail(run.explain(), pytrace=False)
    assert not stage.broken, stage.broken
    assert not stage.left, f"the play left on its host: {', '.join(stage.left)}"
    shown = [secret for secret in SECRETS.values() if secret in run.output]
    assert not shown, "the output of ansible holds a secret"


@pytest.mark.parametrize(
    ("platform", "need"), [(platform, need) for platform in PLATFORMS for need in PLATFORMS[platform]["left_out"]]
)
def test_what_a_left_out_play_needs_is_missing(platform: str, need: str) -> None:
    assert PRESENT[need](FakeHost())
    with (
        WbemServer(FakeHost(), PLATFORMS[platform]["server"]) as server,
        closing(open_platform({"uri": server.url})) as host,
    ):
        assert not PRESENT[need](host)
