# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a running domain: a table of properties and the calls that change them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import MappingBehavior, Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.units import size_words
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.definitions import tell
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    flag,
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.processors import (
    cpus_of,
    host_processors,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.systems import RUNNING

LIVE = flag("VIR_DOMAIN_AFFECT_LIVE")
_PERIOD = 100_000
"""Microseconds over which the limit of the processors is counted."""
_UNLIMITED = 9007199254740991
"""KiB; libvirt's word for no memory limit."""
FOLLOWED_WITHIN = 5.0
"""Seconds to wait for a guest that is to have another amount of memory."""
_IO_LIMITS = (
    "total_bytes_sec",
    "read_bytes_sec",
    "write_bytes_sec",
    "total_iops_sec",
    "read_iops_sec",
    "write_iops_sec",
)


@dataclass
class LiveChange:
    """One change to one resource of a running domain."""

    session: Session
    domain: Any
    """libvirt-python's virDomain, whose own annotations are wrong in places."""
    before: Rasd
    """The resource as it is in the running domain."""
    differences: Mapping[str, Difference]
    """All live differences of the resource."""

    @property
    def doing(self) -> str:
        """What is being done, for errors."""
        return f"change {self.before.label} of the running virtual system {self.domain.name()!r}"

    def after(self, name: str) -> Any:
        """The value a property shall have: changed, or as it is."""
        if name in self.differences:
            return self.differences[name][1]
        return values(self.before).get(name)

    def document(self) -> DomainDocument:
        """The running domain's document, read afresh."""
        with talking(f"read the running virtual system {self.domain.name()!r}"):
            return DomainDocument.parse(self.domain.XMLDesc(RUNNING))


def _vcpus(change: LiveChange) -> None:
    with talking(change.doing, patient=True):
        change.domain.setVcpusFlags(change.after("virtual_quantity"), LIVE)


def _shares(change: LiveChange) -> None:
    # Control groups call 1024 a fair share; no weight means that.
    with talking(change.doing):
        change.domain.setSchedulerParametersFlags({"cpu_shares": change.after("weight") or 1024}, LIVE)


def _processor_limit(change: LiveChange) -> None:
    percent = change.after("limit")
    parameters = {"global_period": _PERIOD, "global_quota": percent * _PERIOD // 100 if percent else -1}
    with talking(change.doing):
        change.domain.setSchedulerParametersFlags(parameters, LIVE)


def _pins(change: LiveChange) -> None:
    """Bind virtual processors to those of the host: each to its own set, or all to one."""
    sets = change.after("host_resource") or ()
    dedicated = change.after("mapping_behavior") == MappingBehavior.DEDICATED
    count = host_processors(change.session)
    with talking(change.doing):
        maximum = int(change.domain.vcpusFlags(LIVE | flag("VIR_DOMAIN_VCPU_MAXIMUM")))
        for number in range(maximum):
            if not sets:
                cpus = set(range(count))
            elif dedicated:
                if number >= len(sets):
                    break
                cpus = cpus_of(sets[number], count)
            else:
                cpus = cpus_of(",".join(sets), count)
            change.domain.pinVcpuFlags(number, tuple(cpu in cpus for cpu in range(count)), LIVE)


def _memory(change: LiveChange) -> None:
    """Give the guest another amount of memory: by its balloon, and beyond what that has by one more module."""
    wanted = change.after("virtual_quantity")
    with talking(change.doing, patient=True):
        most = int(change.domain.maxMemory()) * 1024
        if wanted > most:
            if not change.before.settings.get("slots"):
                raise NotSupported(
                    f"Cannot {change.doing}: it was started with {size_words(most)} and has no slots for more"
                )
            change.domain.attachDeviceFlags(memory_module(wanted - most), LIVE)
            most = wanted
        change.domain.setMemoryFlags(wanted // 1024, LIVE)
    # The guest gives memory back, or takes it, in its own time.  One without a driver for that never does: then what is
    # running differs from the definition until the next start, and every reading says so.
    deadline = time.monotonic() + FOLLOWED_WITHIN
    while time.monotonic() < deadline:
        with talking(change.doing):
            if int(change.domain.info()[2]) * 1024 == wanted:
                return
        time.sleep(0.1)


def memory_module(size: int) -> str:
    """The element of a memory module of ``size`` bytes."""
    return f"<memory model='dimm'><target><size unit='KiB'>{-(-size // 1024)}</size><node>0</node></target></memory>"


def _memory_limits(change: LiveChange) -> None:
    parameters = {}
    for name, word in (("limit", "hard_limit"), ("reservation", "soft_limit")):
        if name in change.differences:
            value = change.after(name)
            parameters[word] = -(-value // 1024) if value else _UNLIMITED
    with talking(change.doing):
        change.domain.setMemoryParameters(parameters, LIVE)


def _io_limits(change: LiveChange) -> None:
    # All of them together: libvirt takes the absence of one for "as it was", and a total excludes parts.
    parameters = {name: change.after(f"settings.{name}") or 0 for name in _IO_LIMITS}
    with talking(change.doing):
        change.domain.setBlockIoTune(change.before.address_on_parent, parameters, LIVE)


def _update(change: LiveChange) -> None:
    """Give libvirt the whole device as it shall be."""
    text = change.document().modify(change.before, change.differences)
    with talking(change.doing):
        change.domain.updateDeviceFlags(text, LIVE)


def _medium(change: LiveChange) -> None:
    """Change the medium; a tray that the guest has locked is opened by force, as the button of a real drive would."""
    text = change.document().modify(change.before, change.differences)
    with talking(change.doing, patient=True):
        try:
            change.domain.updateDeviceFlags(text, LIVE)
        except libvirt.libvirtError as error:
            is_locked = is_code(
                error, "VIR_ERR_OPERATION_FAILED", "VIR_ERR_OPERATION_TIMEOUT", "VIR_ERR_OPERATION_INVALID"
            )
            if not is_locked and "Tray of device" not in str(error):  # which a guest that boots has closed again
                raise
            change.domain.updateDeviceFlags(text, LIVE | flag("VIR_DOMAIN_DEVICE_MODIFY_FORCE"))


@frozen
class LiveRow:
    """Properties that one call changes together."""

    names: frozenset[str]
    call: Callable[[LiveChange], None]


def _row(call: Callable[[LiveChange], None], *names: str) -> LiveRow:
    return LiveRow(frozenset(names), call)


_MEDIUM = (_row(_medium, "host_resource", "pool_id", "settings.format"),)

TABLE: Mapping[ResourceType, tuple[LiveRow, ...]] = {
    ResourceType.PROCESSOR: (
        _row(_vcpus, "virtual_quantity"),
        _row(_shares, "weight"),
        _row(_processor_limit, "limit"),
        _row(_pins, "host_resource", "mapping_behavior"),
    ),
    ResourceType.MEMORY: (
        _row(_memory, "virtual_quantity"),
        _row(_memory_limits, "limit", "reservation"),
    ),
    ResourceType.DISK_DRIVE: (_row(_io_limits, *(f"settings.{name}" for name in _IO_LIMITS)),),
    ResourceType.CD_DRIVE: _MEDIUM,
    ResourceType.DVD_DRIVE: _MEDIUM,
    ResourceType.FLOPPY_DRIVE: _MEDIUM,
}
"""Anything else of a device is changed by handing libvirt the whole device."""


def change_running(
    session: Session, domain: libvirt.virDomain, before: Rasd, differences: Mapping[str, Difference]
) -> None:
    """Change one resource of a running domain.

    Raises Conflict when it is not there any more, NotSupported when libvirt cannot change it while the domain runs.
    When one of several properties fails, the error names those that have been changed already.
    """
    waiting = dict(differences)
    done: list[str] = []
    change = LiveChange(session, domain, before, differences)
    steps: list[tuple[Callable[[LiveChange], None], list[str]]] = []
    for row in TABLE.get(before.resource_type, ()):
        names = [name for name in waiting if name in row.names]
        if names:
            steps.append((row.call, names))
        for name in names:
            del waiting[name]
    if waiting:
        if before.resource_type in (ResourceType.PROCESSOR, ResourceType.MEMORY):
            raise NotSupported(f"Cannot {change.doing}: {', '.join(waiting)} can be changed only while it is off")
        whole = LiveChange(session, domain, before, waiting)
        steps.append((lambda _change: _update(whole), list(waiting)))
    for call, names in steps:
        try:
            call(change)
        except VirtError as error:
            if done:
                tell(error, [f"changed already in the running system: {', '.join(done)}"])
            raise
        done += names
