# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defining and starting a small guest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.laboratory import Host

from . import bare, product
from .bare import opened
from .domains import NETWORK, SMALL, image_of
from .rounds import by_turns, milliseconds
from .table import Answer, Question


def declaration(host: Host, name: str = SMALL) -> dict[str, Any]:
    """The options of a small virtual system whose disk is there already."""
    disk = str(image_of(host, name))
    return {
        "uri": host.uri,
        "name": name,
        "settings": {"virtual_system_type": "qemu"},
        "resources": [
            {"resource_type": "memory", "virtual_quantity": "64 MiB"},
            {"resource_type": "processor", "virtual_quantity": 1},
            {"resource_type": "disk_drive", "name": "root", "host_resource": [disk], "settings": {"format": "qcow2"}},
            {"resource_type": "ethernet_adapter", "name": "lan", "connection": [NETWORK]},
        ],
    }


def time_to_start(host: Host, question: Question, rounds: int) -> Answer:
    """Milliseconds from nothing to a running system."""
    options = declaration(host)
    product.declare(options, "defined")
    with opened(host.uri) as connection:
        described = connection.lookupByName(SMALL).XMLDesc()
        connection.lookupByName(SMALL).undefine()
    text = re.sub(r"\s*<uuid>.*</uuid>", "", described)

    def measured(work: Callable[[], Any]) -> float:
        cost = milliseconds(work)
        with opened(host.uri) as connection:
            domain = connection.lookupByName(SMALL)
            domain.destroy()
            domain.undefine()
        return cost

    return Answer(
        question,
        *by_turns(
            lambda: measured(lambda: bare.start(host.uri, text)),
            lambda: measured(lambda: product.declare(options, "active")),
            rounds,
        ),
    )
