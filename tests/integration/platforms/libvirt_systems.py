# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small virtual systems for the tests of the libvirt platform."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from tests.laboratory import tiny_guest, wait_for_guest

MIB = 2**20


def small(*more, memory=64 * MIB):
    """Processor and memory, and what else is given."""
    return (
        Rasd(ResourceType.PROCESSOR, virtual_quantity=1, maximum_quantity=4),
        Rasd(ResourceType.MEMORY, virtual_quantity=memory, maximum_quantity=memory),
        *more,
    )


def disk(pool, name="root", size=64 * MIB, **more):
    """A disk in a pool."""
    return Rasd(ResourceType.DISK_DRIVE, name=name, pool_id=pool, virtual_quantity=size, **more)


def adapter(network, name="lan", **more):
    """A network adapter."""
    return Rasd(ResourceType.ETHERNET_ADAPTER, name=name, connection=(network,), **more)


def define(platform, name, *resources, memory=None, **settings):
    """Define a small system and read it."""
    memory = memory or (256 * MIB if "kernel" in settings else 64 * MIB)
    serial = settings.pop("serial", None)
    if serial:
        resources = (*resources, serial)
    configuration = Configuration({"virtual_system_type": "qemu", **settings}, small(*resources, memory=memory))
    platform.define_system(changes.DefineSystem(changes.SystemRef(name), configuration))
    return platform.virtual_system(name)


def request(platform, system, state, timeout=20.0, force=False):
    """Request a state and read the system again."""
    platform.request_state_change(
        changes.RequestStateChange(changes.SystemRef(system.name, system.uuid), state, timeout=timeout, force=force)
    )
    return platform.virtual_system(system.name)


def serial_file(host, name):
    """Where a tiny guest's first serial line is written."""
    return host.images / f"{name}.serial"


def guest_settings(host, name):
    """Settings that boot the tiny guest, and the serial port by which it talks."""
    guest = tiny_guest()
    serial_file(host, name).unlink(missing_ok=True)
    port = Rasd(ResourceType.SERIAL_PORT, resource_sub_type="file", host_resource=(str(serial_file(host, name)),))
    return {
        "kernel": str(guest.kernel),
        "initrd": str(guest.initrd),
        "kernel_arguments": guest.cmdline(name),
        "serial": port,
    }


def wait_booted(host, name, wanted=lambda report: True, timeout=180.0):
    """Wait until the tiny guest says what is wanted."""
    return wait_for_guest(serial_file(host, name), wanted, timeout)
