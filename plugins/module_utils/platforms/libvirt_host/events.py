# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what only an event of libvirt tells: that a guest has rebooted.

Everything else is seen in the state of a domain.  Events need libvirt's event loop, which has to be there before a
connection is opened; so a reboot is asked for over a second connection of its own.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import TimedOut
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import RequestStateChange
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import watchdog
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import existing
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session

_TICK = 200
"""Milliseconds after which the event loop looks at the clock."""
_loop: list[int] = []


def reboot(session: Session, change: RequestStateChange) -> None:
    """Ask the guest to reboot, and wait until it has restarted.  Raises TimedOut when it does not."""
    if session.reopen is None:
        raise TypeError("A session without a way to open another one cannot wait for events")
    _prepare_loop()
    own = session.reopen()
    try:
        domain = existing(own, change.system)
        seen: list[str] = []

        def rebooted(_connection: Any, _domain: Any, _opaque: Any) -> None:
            seen.append("reboot")

        with talking(f"reboot virtual system {change.system.name!r}", patient=True):
            handle = own.connection.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, rebooted, None)
            domain.reboot(0)
        deadline = time.monotonic() + change.timeout
        while not seen and time.monotonic() < deadline:
            with talking(f"wait for the reboot of virtual system {change.system.name!r}", patient=True):
                libvirt.virEventRunDefaultImpl()
        with contextlib.suppress(libvirt.libvirtError):
            own.connection.domainEventDeregisterAny(handle)
        if not seen:
            raise TimedOut(
                f"The guest of virtual system {change.system.name!r} did not reboot within {change.timeout:g} seconds"
            )
    finally:
        own.close()
        libvirt.virEventRunDefaultImpl()
        watchdog.work_with(session.watch)


def _prepare_loop() -> None:
    """Have an event loop that comes back to its caller in time, once for this process."""
    if not _loop:
        libvirt.virEventRegisterDefaultImpl()
        _loop.append(libvirt.virEventAddTimeout(_TICK, lambda _timer, _opaque: None, None))
