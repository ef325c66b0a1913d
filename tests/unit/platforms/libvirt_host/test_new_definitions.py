# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document that was judged is the one that is defined, unless something else has been allocated."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.new_definitions import (
    allocated,
    judged,
)

DISK = Rasd(ResourceType.DISK_DRIVE, host_resource=("/images/root.qcow2",), settings={"format": "qcow2"})
CHANGE = changes.DefineSystem(
    changes.SystemRef("web"),
    Configuration(settings={"virtual_system_type": "kvm", "architecture": "x86_64"}, resources=(DISK,)),
)


@pytest.fixture
def session() -> Any:
    return SimpleNamespace(shared=SimpleNamespace(definitions={}))


@pytest.fixture
def index() -> Any:
    return SimpleNamespace(places=dict)


def test_the_same_is_made_once(session: Any, index: Any) -> None:
    first = judged(session, index, CHANGE, [DISK])
    assert first.storage == {"/images/root.qcow2"}
    assert allocated(session, index, CHANGE, [replace(DISK)]) is first
    assert session.shared.definitions == {}
    again = allocated(session, index, CHANGE, [DISK])
    assert again == first
    assert again is not first


@pytest.mark.parametrize(
    ("change", "disk", "expected"),
    [
        (CHANGE, replace(DISK, host_resource=("/images/other.qcow2",)), "/images/other.qcow2"),
        (replace(CHANGE, system=changes.SystemRef("web", "11111111-2222-4333-8444-555555555555")), DISK, "11111111"),
        (
            replace(
                CHANGE,
                configuration=replace(
                    CHANGE.configuration, settings={**CHANGE.configuration.settings, "description": "new"}
                ),
            ),
            DISK,
            "new",
        ),
    ],
    ids=["other storage", "a UUID", "other settings"],
)
def test_what_differs_is_made_anew(session: Any, index: Any, change: Any, disk: Rasd, expected: str) -> None:
    first = judged(session, index, CHANGE, [DISK])
    assert expected not in first.text
    assert expected in allocated(session, index, change, [disk]).text


def test_a_change_that_is_alone_keeps_nothing(index: Any) -> None:
    alone: Any = SimpleNamespace(shared=None)
    assert judged(alone, index, CHANGE, [DISK]) == allocated(alone, index, CHANGE, [DISK])
