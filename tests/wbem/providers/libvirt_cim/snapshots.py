# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots of libvirt-cim: one file with the saved state of a system, and jobs that answer 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import VirtualSystem
from tests.wbem import invoke
from tests.wbem.invoke import Invocation, Method, Refusal
from tests.wbem.providers import states
from tests.wbem.providers.libvirt_cim import resources, systems
from tests.wbem.providers.libvirt_cim.resources import failed

AND_RESTORE, AND_LEAVE_OFF = 32768, 32769
SAVE_FAILED, RESTORE_FAILED = 1, 2


def _asked(invocation: Invocation) -> VirtualSystem:
    """The system that a call means: by its path, or by that of its configuration."""
    path = invocation.get("AffectedSystem") or invocation.get("Snapshot") or invocation.get("AffectedSnapshot")
    if path is None:
        raise failed("", pywbem.CIM_ERR_INVALID_PARAMETER)
    name = path.keybindings.get("Name") or str(path.keybindings.get("InstanceID")).partition(":")[2]
    for system in invocation.reading.systems:
        if system.name == name:
            return system
    words = f"No such instance ({name}): Domain not found: no domain with matching name '{name}'"
    raise failed(words, pywbem.CIM_ERR_NOT_FOUND)


def _at_once(invocation: Invocation) -> Mapping[str, Any]:
    """What is answered together with the job: the system's own configuration as the snapshot."""
    if invocation.name == "CreateSnapshot":
        number = invocation.get("SnapshotType")
        if number is None or invocation.get("SnapshotSettings") is None:
            raise failed("", pywbem.CIM_ERR_INVALID_PARAMETER)
        if int(number) not in (AND_RESTORE, AND_LEAVE_OFF):
            raise failed("Only memory(32768,32769) snapshots are supported", pywbem.CIM_ERR_NOT_SUPPORTED)
    return {"ResultingSnapshot": systems.settings(invocation.reading, _asked(invocation)).path}


def _create(invocation: Invocation) -> Mapping[str, Any]:
    system = _asked(invocation)
    saves = invocation.world.saves
    if not resources.is_on(system) or system.name in saves:
        raise Refusal(SAVE_FAILED, "Save failed")
    _change(invocation, system, RequestedState.OFFLINE, SAVE_FAILED, "Save failed")
    saves.add(system.name)
    if int(invocation.need("SnapshotType")) == AND_RESTORE:
        _change(invocation, _asked(invocation), RequestedState.ENABLED, RESTORE_FAILED, "Restore failed")
    return {}


def _apply(invocation: Invocation) -> Mapping[str, Any]:
    system = _asked(invocation)
    if system.name not in invocation.world.saves:
        raise Refusal(RESTORE_FAILED, "Restore failed")
    if system.state is not SystemState.ACTIVE:
        _change(invocation, system, RequestedState.ENABLED, RESTORE_FAILED, "Restore failed")
    invocation.world.saves.discard(system.name)
    return {}


def _change(invocation: Invocation, system: VirtualSystem, wanted: RequestedState, code: int, words: str) -> None:
    try:
        invocation.carry_out(states.change_of(system, wanted))
    except errors.VirtError as error:
        invocation.world.failures.append(error)
        raise Refusal(code, words) from None


def _destroy(invocation: Invocation) -> Mapping[str, Any]:
    """Delete the file; the system that was saved in it is off then."""
    system = _asked(invocation)
    if system.name not in invocation.world.saves:
        raise failed(f"Unable to remove snapshot: /var/lib/libvirt/{system.name}.save")
    invocation.world.saves.discard(system.name)
    if system.state is SystemState.SUSPENDED:
        _change(invocation, system, RequestedState.DISABLED, SAVE_FAILED, "Unable to remove snapshot")
    return {}


METHODS = {
    "VirtualSystemSnapshotService.CreateSnapshot": Method(_create, invoke.SNAPSHOT, at_once=_at_once),
    "VirtualSystemSnapshotService.ApplySnapshot": Method(_apply, invoke.SNAPSHOT, at_once=_at_once),
    "VirtualSystemSnapshotService.DestroySnapshot": Method(_destroy, invoke.SNAPSHOT),
}
