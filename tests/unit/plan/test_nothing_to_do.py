# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where nothing differs, no host is asked what it can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.late import late
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem, plan_system

MEMORY = Rasd(ResourceType.MEMORY, virtual_quantity=2**30, maximum_quantity=2**30)
DISK = Rasd(ResourceType.DISK_DRIVE, name="root", host_resource=("/images/root",))
DEFINED = Configuration({"description": "web"}, (MEMORY, DISK))
OFF = VirtualSystem("web", state=SystemState.DEFINED, defined=DEFINED)
RUNNING = replace(OFF, state=SystemState.ACTIVE, running=DEFINED)
DECLARED = DesiredSystem(
    "web", settings={"description": "web"}, resources=(Rasd(ResourceType.MEMORY, virtual_quantity=2**30), DISK)
)


class Asked(Exception):
    """The host was asked."""


def ask() -> Capabilities:
    raise Asked


@pytest.mark.parametrize(("system", "state"), [(OFF, "present"), (OFF, "defined"), (RUNNING, "active")])
def test_a_host_is_not_asked_what_it_can_do(system, state):
    assert plan_system(replace(DECLARED, state=state), system, late(ask)) == ()


@pytest.mark.parametrize(
    "system",
    [
        replace(OFF, defined=replace(DEFINED, resources=(replace(MEMORY, virtual_quantity=2**29), DISK))),
        replace(OFF, defined=replace(DEFINED, settings={"description": "database"})),
        replace(OFF, defined=replace(DEFINED, resources=(MEMORY,))),
        replace(RUNNING, running=replace(DEFINED, resources=(replace(MEMORY, virtual_quantity=2**29), DISK))),
        replace(RUNNING, running=replace(DEFINED, resources=(MEMORY,))),
    ],
)
def test_it_is_asked_as_soon_as_something_differs(system):
    with pytest.raises(Asked):
        plan_system(DECLARED, system, late(ask))


def test_it_is_asked_once():
    asked = []

    def answer() -> Capabilities:
        asked.append(True)
        return Capabilities(starts_paused=True)

    capabilities = late(answer)
    assert asked == []
    assert (capabilities.starts_paused, capabilities.methods) == (True, frozenset())
    assert len(asked) == 1
