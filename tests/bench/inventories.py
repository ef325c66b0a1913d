# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a host with many virtual systems, as ansible-inventory lists it, and read from far away."""

from __future__ import annotations

import functools
import json
import marshal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.laboratory import Host
from tests.tools.delay import delayed
from tests.tools.playbooks import PROJECT, environment

from . import bare, product
from .rounds import by_turns, milliseconds
from .table import Answer, Question

DISTANCE = 0.020
"""Seconds for a question and its answer."""
PEER = "community.libvirt.libvirt"
PLUGINS = Path(__file__).with_name("inventory")


def time_of_inventory(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds of ansible-inventory --list, against a plugin that has nothing to do but the calls."""
    with tempfile.TemporaryDirectory(prefix="svpc-bench-") as name:
        folder = Path(name)
        variables = folder / "variables"
        variables.write_bytes(marshal.dumps(product.inventory(host.uri)))
        floor = _file(folder / "floor.bare.yml", uri=host.uri, variables=str(variables))
        return _compare(question, floor, "bare", _own(folder, host), rounds)


def time_beside_the_peer(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds of ansible-inventory --graph, against the plugin of community.libvirt.

    No variables are written: they are other ones, so writing them says nothing of the plugins.
    """
    with tempfile.TemporaryDirectory(prefix="svpc-bench-") as name:
        folder = Path(name)
        floor = _file(folder / "peer.yml", plugin=PEER, uri=host.uri)
        return _compare(question, floor, "auto", _own(folder, host), rounds, "--graph")


@functools.cache
def peer_is_installed() -> bool:
    """Whether Ansible finds a community.libvirt to compare with."""
    command = [str(Path(sys.executable).with_name("ansible-doc")), "-t", "inventory", "--json", PEER]
    done = subprocess.run(command, cwd=PROJECT, env=environment({}), capture_output=True, text=True, check=False)
    return done.returncode == 0 and PEER in json.loads(done.stdout or "{}")


def time_of_distance(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds of reading systems far away, against their documents by as many threads."""
    with delayed(str(host.socket), DISTANCE) as socket:
        uri = f"qemu+unix:///system?socket={socket}"
        floors, products = by_turns(
            lambda: milliseconds(lambda: bare.documents_side_by_side(uri)),
            lambda: milliseconds(lambda: product.inventory(uri)),
            rounds,
        )
    return Answer(question, floors, products)


def _own(folder: Path, host: Host) -> Path:
    return _file(folder / "own.virtual_systems.yml", plugin="svpc.virt.virtual_systems", uri=host.uri)


def _file(path: Path, **options: Any) -> Path:
    path.write_text(yaml.safe_dump(options), encoding="utf-8")
    return path


def _compare(
    question: Question, floor: Path, floor_plugin: str, own: Path, rounds: int, action: str = "--list"
) -> Answer:
    floors, products = by_turns(
        lambda: milliseconds(lambda: _run(floor, floor_plugin, action)),
        lambda: milliseconds(lambda: _run(own, "auto", action)),
        rounds,
    )
    return Answer(question, floors, products)


def _run(file: Path, plugin: str, action: str) -> None:
    """Let ansible-inventory read a file.  Raises CalledProcessError, with the errors, when it cannot."""
    surroundings: Mapping[str, str] = {
        "ANSIBLE_INVENTORY_PLUGINS": str(PLUGINS),
        "ANSIBLE_INVENTORY_ENABLED": plugin,
        "PYTHONPATH": str(PROJECT),
    }
    subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", file, action],
        cwd=PROJECT,
        env=environment(surroundings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
