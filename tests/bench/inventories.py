# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a host with many virtual systems, as ansible-inventory lists it, and read from far away."""

from __future__ import annotations

import importlib.util
import marshal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.laboratory import Host
from tests.tools.playbooks import PROJECT, environment
from tests.tools.slow_link import slow_link

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
    """Milliseconds of ansible-inventory --list, against the plugin of community.libvirt."""
    with tempfile.TemporaryDirectory(prefix="svpc-bench-") as name:
        folder = Path(name)
        floor = _file(folder / "peer.yml", plugin=PEER, uri=host.uri)
        return _compare(question, floor, "auto", _own(folder, host), rounds)


def peer_is_installed() -> bool:
    """Whether there is a community.libvirt to compare with."""
    return (
        importlib.util.find_spec("ansible_collections") is not None
        and importlib.util.find_spec("ansible_collections.community") is not None
        and importlib.util.find_spec("ansible_collections.community.libvirt") is not None
    )


def time_of_distance(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds of reading systems far away, against their documents by as many threads."""
    with slow_link(host.socket, DISTANCE) as socket:
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


def _compare(question: Question, floor: Path, floor_plugin: str, own: Path, rounds: int) -> Answer:
    floors, products = by_turns(
        lambda: milliseconds(lambda: _list(floor, floor_plugin)),
        lambda: milliseconds(lambda: _list(own, "auto")),
        rounds,
    )
    return Answer(question, floors, products)


def _list(file: Path, plugin: str) -> None:
    """Let ansible-inventory list a file.  Raises CalledProcessError, with the output, when it cannot."""
    surroundings: Mapping[str, str] = {
        "ANSIBLE_INVENTORY_PLUGINS": str(PLUGINS),
        "ANSIBLE_INVENTORY_ENABLED": plugin,
        "PYTHONPATH": str(PROJECT),
    }
    subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", file, "--list", "--output", "/dev/null"],
        cwd=PROJECT,
        env=environment(surroundings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
