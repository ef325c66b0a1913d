# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users write: each play of the folder plays runs on a private host and leaves it empty.

A play goes through the beats check mode, do, again, undo, and asserts what each of them returned.  Each runs twice: with
the tasks done in the process of the controller, and with every module sent; both return the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import libvirt
import pytest
import yaml

from tests.laboratory import Host, Laboratory, tiny_guest
from tests.tools.playbooks import Run, run_playbook
from tests.tools.same import comparable, differences

pytestmark = pytest.mark.libvirt

PLAYS = sorted(path for path in Path(__file__).with_name("plays").glob("*.yml"))
SECRETS = {"first_secret": "Qrs7uvWx", "second_secret": "Jkl9nopQ"}
WAYS: dict[str, dict[str, Any]] = {"in the controller": {}, "sent": {"svpc_virt_in_process": False}}
"""Ways to run a play, with the variables that choose them."""
PLATFORMS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("platforms.yml").read_text("utf-8"))
"""What plays may ask of a platform, and the plays that are not for it."""
HOSTS = 2
"""How many hosts the plays are spread over: one for each core of a small machine."""


Outcome = tuple[Run, list[str]]
"""A run, and what it left on its host."""
Runs = dict[str, Future[dict[str, Outcome]]]
"""By play and way."""


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The runs of all selected plays."""
    items: list[Any] = request.session.items
    selected = list(dict.fromkeys(item.callspec.params["play"] for item in items if item.path == Path(__file__)))
    guest, packed = tiny_guest(), tmp_path_factory.mktemp("packed")
    names = [f"plays-{number}-{os.getpid()}" for number in range(min(HOSTS, len(selected)))]
    with Laboratory() as laboratory, ThreadPoolExecutor(len(names)) as pool:
        free: SimpleQueue[Host] = SimpleQueue()
        for name in names:
            free.put(laboratory.start(name))

        def play(path: Path) -> dict[str, Outcome]:
            host = free.get()
            try:
                return {way: once(path, host, variables) for way, variables in WAYS.items()}
            finally:
                free.put(host)

        def once(path: Path, host: Host, chosen: dict[str, Any]) -> Outcome:
            images = host.images / path.stem
            images.mkdir()
            variables = {
                "uri_a": host.uri,
                "offers": PLATFORMS["libvirt"]["offers"],
                "images": str(images),
                "kernel": str(guest.kernel),
                "initrd": str(guest.initrd),
                "agent_initrd": str(guest.agent_initrd),
                "cmdline": guest.cmdline(),
                **SECRETS,
                **chosen,
            }
            verbose = ["-vvv"] if path.stem in ("secrets", "cloud_init") else []
            run = run_playbook(path, variables, *verbose, timeout=1200, packed=packed)
            left = sweep(host)
            shutil.rmtree(images)
            return run, left

        futures = {path.stem: pool.submit(play, path) for path in selected}
        yield futures
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("play", PLAYS, ids=lambda path: path.stem)
def test_play(play: Path, way: str, runs: Runs) -> None:
    run, left = runs[play.stem].result()[way]
    if run.code:
        pytest.fail(run.explain(), pytrace=False)
    assert not left, f"the play left on its host: {', '.join(left)}"
    shown = [secret for secret in SECRETS.values() if secret in run.output]
    assert not shown, "the output of ansible holds a secret"


@pytest.mark.parametrize("play", PLAYS, ids=lambda path: path.stem)
def test_the_same_is_returned_either_way(play: Path, runs: Runs) -> None:
    """But for what differs from run to run anyway: identifiers the host makes up, times, and amounts in use."""
    here, sent = (comparable(runs[play.stem].result()[way][0].records) for way in WAYS)
    assert any(entry["result"] for entry in here)
    for ours, theirs in zip(here, sent, strict=True):
        assert list(differences(ours, theirs)) == [], ours["task"]


def sweep(host: Host) -> list[str]:
    """Remove all virtual systems, storage pools and networks of a host, and tell which there were."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open(host.uri)
    try:
        found = []
        things: list[Any] = [
            *connection.listAllDomains(),
            *connection.listAllStoragePools(),
            *connection.listAllNetworks(),
        ]
        for thing in things:
            found.append(thing.name())
            if thing.isActive():
                thing.destroy()
            undefine(thing)
        return found
    finally:
        connection.close()


def undefine(thing: Any) -> None:
    """Remove the record of a virtual system with all that belongs to it, of a pool or of a network."""
    if isinstance(thing, libvirt.virDomain):
        if thing.isPersistent():
            for snapshot in thing.listAllSnapshots():
                snapshot.delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)
            thing.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    elif thing.isPersistent():
        thing.undefine()
