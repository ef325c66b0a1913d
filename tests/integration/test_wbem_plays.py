# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of the folder plays, through servers that speak CIM: the same files and assertions as on libvirt itself.

A server of each dialect stands in front of a private libvirt host, in a process of its own.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

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

pytestmark = pytest.mark.libvirt

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
CASES = [
    pytest.param(platform, play, id=f"{platform}-{play.stem}")
    for platform, described in PLATFORMS.items()
    if platform != "libvirt"
    for play in [*PLAYS, *sorted((Path(__file__).with_name("plays") / platform).glob("*.yml"))]
    if play.stem not in chain.from_iterable(described["left_out"].values())
]


@dataclass(frozen=True)
class Outcome:
    """What a play did."""

    run: Run
    left: list[str]
    """What was still on the host."""
    broken: str
    """What went wrong inside the server, beyond what a server tells its clients."""


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str], Future[Outcome]]]:
    """The runs of all selected plays, by platform and name."""
    items: list[Any] = request.session.items
    selected = [item.callspec.params for item in items if item.path == Path(__file__) and "play" in item.fixturenames]
    guest = tiny_guest()
    names = [f"plays-{number}-{os.getpid()}" for number in range(min(HOSTS, len(selected)))]
    with Laboratory() as laboratory, ThreadPoolExecutor(len(names)) as pool:
        free: SimpleQueue[Host] = SimpleQueue()
        for name in names:
            free.put(laboratory.start(name))

        def play(platform: str, path: Path) -> Outcome:
            host = free.get()
            try:
                images = host.images / f"{platform}-{path.stem}"
                images.mkdir()
                variables = {
                    "offers": PLATFORMS[platform]["offers"],
                    "images": str(images),
                    "kernel": str(guest.kernel),
                    "initrd": str(guest.initrd),
                    "agent_initrd": str(guest.agent_initrd),
                    "cmdline": guest.cmdline(),
                    **SECRETS,
                }
                verbose = ["-vvv"] if path.stem in ("secrets", "cloud_init") else []
                with served(host, platform) as (uri, complaints):
                    run = run_playbook(path, {**variables, "uri_a": uri}, *verbose, timeout=SECONDS)
                left = sweep(host)
                shutil.rmtree(images)
                return Outcome(run, left, complaints.getvalue())
            finally:
                free.put(host)

        futures = {
            (one["platform"], one["play"].stem): pool.submit(play, one["platform"], one["play"]) for one in selected
        }
        yield futures
        for future in futures.values():
            future.cancel()


@contextmanager
def served(host: Host, platform: str) -> Iterator[tuple[str, io.StringIO]]:
    """The URI of a host on a platform; afterwards, what the server in between found wrong with itself."""
    complaints = io.StringIO()
    with serving(host.uri, platform, complaints) as url:
        yield f"{url}/root/virt", complaints


@pytest.mark.parametrize(("platform", "play"), CASES)
def test_play(platform: str, play: Path, outcomes: dict[tuple[str, str], Future[Outcome]]) -> None:
    outcome = outcomes[platform, play.stem].result()
    if outcome.run.code:
        pytest.fail(outcome.run.explain(), pytrace=False)
    assert not outcome.broken, outcome.broken
    assert not outcome.left, f"the play left on its host: {', '.join(outcome.left)}"
    shown = [secret for secret in SECRETS.values() if secret in outcome.run.output]
    assert not shown, "the output of ansible holds a secret"


@pytest.mark.parametrize(
    ("platform", "need"), [(platform, need) for platform in PLATFORMS for need in PLATFORMS[platform]["left_out"]]
)
def test_what_a_left_out_play_needs_is_missing(platform: str, need: str) -> None:
    assert PRESENT[need](FakeHost())
    with WbemServer(FakeHost(), platform) as server, closing(open_platform({"uri": server.url})) as host:
        assert not PRESENT[need](host)
