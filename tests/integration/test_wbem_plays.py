# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of the folder plays, through servers that speak CIM: the same files and assertions as on libvirt itself.

A server of each dialect stands in front of a private libvirt host, in a process of its own; and one in front of a host in
memory, which needs neither libvirt nor root: ``pytest tests/integration/test_wbem_plays.py -k fake``.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.integration.test_plays import HOSTS, PLATFORMS, PLAYS, SECRETS, sweep
from tests.laboratory import Host, Laboratory, tiny_guest
from tests.tools.playbooks import Run, run_playbook
from tests.tools.refusals import Refusal, made_by, refusal_of
from tests.wbem import WbemServer
from tests.wbem.process import serving

SECONDS = 1200
"""For one play, on a machine that does other things as well."""


IN_MEMORY = "in memory"
SERVED = {platform: described for platform, described in PLATFORMS.items() if "server" in described}


def cases(refused: bool) -> list[Any]:
    """Platform and play, of the plays that a platform can do or of those that are refused there."""
    return [
        pytest.param(
            platform,
            play,
            id=f"{platform}-{play.stem}",
            marks=() if described["host"] == IN_MEMORY else pytest.mark.libvirt,
        )
        for platform, described in SERVED.items()
        for play in [*PLAYS, *sorted((Path(__file__).with_name("plays") / platform).glob("*.yml"))]
        if (play.stem in described["refused"]) == refused
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
    look: Callable[[], Any] = dict
    """Reads all there is on the host, without the server."""
    refusal: Refusal | None = None
    """Afterwards: of a play that is to be refused, the task that was."""


Outcome = tuple[Run, Stage]


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[Outcome]]]:
    """The runs of all selected plays, by platform and name."""
    items: list[Any] = request.session.items
    selected = [item.callspec.params for item in items if item.path == Path(__file__) and "play" in item.fixturenames]
    real = [one for one in selected if PLATFORMS[one["platform"]]["host"] != IN_MEMORY]
    packed = tmp_path_factory.mktemp("packed")
    names = [f"plays-{number}-{os.getpid()}" for number in range(min(HOSTS, len(real)))]
    with Laboratory() as laboratory, ThreadPoolExecutor(HOSTS) as pool:
        free: SimpleQueue[Host] = SimpleQueue()
        for name in names:
            free.put(laboratory.start(name))

        def play(platform: str, path: Path) -> Outcome:
            described = PLATFORMS[platform]
            with in_memory(described) if described["host"] == IN_MEMORY else on_libvirt(described, free) as stage:
                variables = {"uri_a": stage.uri, "offers": described["offers"], **stage.variables, **SECRETS}
                verbose = ["-vvv"] if path.stem in ("secrets", "cloud_init") else []
                run = run_playbook(path, variables, *verbose, timeout=SECONDS, packed=packed)
                if path.stem in described["refused"]:
                    stage.refusal = refusal_of(run, stage.look)
            return run, stage

        futures = {
            (one["platform"], one["play"].stem): pool.submit(play, one["platform"], one["play"]) for one in selected
        }
        yield futures
        for future in futures.values():
            future.cancel()


@contextmanager
def on_libvirt(described: Mapping[str, Any], free: SimpleQueue[Host]) -> Iterator[Stage]:
    """One of the hosts that are free, behind a server in a process of its own."""
    host, guest, complaints = free.get(), tiny_guest(), io.StringIO()
    try:
        images = host.images / "play"
        images.mkdir()
        for folder in described.get("folders", ()):
            images.joinpath(folder).mkdir(parents=True)
        told = {
            "images": str(images),
            "kernel": str(guest.kernel),
            "initrd": str(guest.initrd),
            "agent_initrd": str(guest.agent_initrd),
            "cmdline": guest.cmdline(),
        }
        with serving(host.uri, described["server"], complaints) as url:
            stage = Stage(f"{url}/root/virt", told, look=lambda: contents(host, images))
            yield stage
        stage.left, stage.broken = sweep(host), complaints.getvalue()
        shutil.rmtree(images)
    finally:
        free.put(host)


@contextmanager
def in_memory(described: Mapping[str, Any]) -> Iterator[Stage]:
    """A host of nothing but memory, whose guests are never down as soon as impatient plays want them to be."""
    host = FakeHost()
    host.shutdown_seconds = 2.0
    with tempfile.TemporaryDirectory() as images, WbemServer(host, described["server"], lasting=math.inf) as server:
        told = {name: f"/boot/{name}" for name in ("kernel", "initrd", "agent_initrd")}
        told |= {"images": images, "cmdline": "quiet"}
        stage = Stage(f"{server.url}/root/virt", told, look=lambda: repr((host.systems, host.pools)))
        yield stage
    stage.left = [*host.systems, *(pool_id for _type, pool_id in host.pools)]
    broken = [error for error in server.failures if not isinstance(error, VirtError)]
    stage.broken = "".join(line for error in broken for line in traceback.format_exception(error))


def contents(host: Host, images: Path) -> dict[str, Any]:
    """What is on a libvirt host, and the sizes of the files for a play; how much room pools have is not a trace."""
    with closing(libvirt.open(host.uri)) as connection:
        inactive = libvirt.VIR_DOMAIN_XML_INACTIVE
        found: dict[str, Any] = {f"domain {one.name()}": one.XMLDesc(inactive) for one in connection.listAllDomains()}
        found |= {f"network {one.name()}": one.XMLDesc() for one in connection.listAllNetworks()}
        for pool in connection.listAllStoragePools():
            found[f"pool {pool.name()}"] = (pool.UUIDString(), pool.isActive(), pool.autostart())
    return found | {str(path): path.stat().st_size for path in images.rglob("*") if path.suffix != ".log"}


@pytest.mark.parametrize(("platform", "play"), cases(refused=False))
def test_play(platform: str, play: Path, outcomes: dict[tuple[str, str], Future[Outcome]]) -> None:
    run, stage = outcomes[platform, play.stem].result()
    if run.code:
        pytest.fail(run.explain(), pytrace=False)
    assert not stage.left, f"the play left on its host: {', '.join(stage.left)}"
    assert_sound(run, stage)


@pytest.mark.parametrize(("platform", "play"), cases(refused=True))
def test_refused_play(platform: str, play: Path, outcomes: dict[tuple[str, str], Future[Outcome]]) -> None:
    """Up to what the server lacks the play goes as everywhere; that is refused by name, and leaves no trace."""
    run, stage = outcomes[platform, play.stem].result()
    assert run.code, "the play is not refused any longer"
    assert stage.refusal is not None, run.explain()
    assert not stage.refusal.faults, run.explain()
    lacking = PLATFORMS[platform]["refused"][play.stem]
    assert lacking in stage.refusal.record.result["msg"]
    assert set(stage.left) <= made_by(run)
    assert_sound(run, stage)


def assert_sound(run: Run, stage: Stage) -> None:
    """Nothing went wrong in the server, and no secret is shown."""
    assert not stage.broken, stage.broken
    shown = [secret for secret in SECRETS.values() if secret in run.output]
    assert not shown, "the output of ansible holds a secret"


def test_each_play_that_is_refused_is_one() -> None:
    assert {play for described in PLATFORMS.values() for play in described["refused"]} <= {play.stem for play in PLAYS}
