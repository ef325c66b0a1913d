# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random declarations for the host in memory, from few names and values, so that they often speak of the same things."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem

GIB = 2**30
MACS = ("52:54:00:00:00:01", "52:54:00:00:00:02")


def _some(**choices: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping in which each name has one of its values, or is missing."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in choices.items()})


def _made(resource_type: ResourceType, settings: dict[str, Any], **choices: Any) -> st.SearchStrategy[Rasd]:
    return st.builds(_rasd, st.just(resource_type), _some(**choices), _some(**settings))


def _rasd(resource_type: ResourceType, fields: dict[str, Any], settings: dict[str, Any]) -> Rasd:
    return Rasd(resource_type, settings=settings, **fields)


def _sane(rasd: Rasd) -> bool:
    return (rasd.maximum_quantity or GIB**2) >= (rasd.virtual_quantity or 0)


memory = _made(
    ResourceType.MEMORY,
    {"locked": (True, False)},
    virtual_quantity=(1 * GIB, 2 * GIB, 3 * GIB, 8 * GIB),
    maximum_quantity=(3 * GIB, 4 * GIB, 8 * GIB),
    limit=(0, 9 * GIB),
).filter(_sane)

processor = _made(
    ResourceType.PROCESSOR,
    {"sockets": (1, 2)},
    virtual_quantity=(1, 2, 4),
    maximum_quantity=(4, 8),
    weight=(512, 1024),
    limit=(0, 150),
    mapping_behavior=(MappingBehavior.HARD_AFFINITY, MappingBehavior.DEDICATED),
).filter(_sane)

disk = _made(
    ResourceType.DISK_DRIVE,
    {"cache": ("default", "none"), "total_iops_sec": (0, 100), "format": ("qcow2",)},
    name=("root", "data"),
    resource_sub_type=("virtio", "sata"),
    virtual_quantity=(5 * GIB, 10 * GIB),
    pool_id=("images",),
    address_on_parent=("vda", "vdb"),
    host_resource=(("/pool/x.img",), ("/pool/y.img",)),
)

adapter = _made(
    ResourceType.ETHERNET_ADAPTER,
    {"link_state": ("up", "down"), "mtu": (1500, 9000)},
    name=("lan", "wan"),
    resource_sub_type=("virtio", "e1000"),
    connection=((), ("a",), ("b",)),
    limit=(0, 8000),
    address=MACS,
)

medium = _made(
    ResourceType.CD_DRIVE,
    {},
    name=("cd",),
    host_resource=((), ("/iso/a.iso",), ("/iso/b.iso",)),
)

serial = _made(
    ResourceType.SERIAL_PORT, {}, name=("console", "log"), resource_sub_type=("pty", "file"), host_resource=(("/log",),)
)

console = _made(
    ResourceType.GRAPHICS_CONTROLLER, {"password": ("one", "two")}, resource_sub_type=("vnc", "vga"), name=("screen",)
)

other = _made(ResourceType.OTHER, {}, other_resource_type=("sound", "rng"), name=("noise",)).filter(
    lambda rasd: rasd.other_resource_type is not None
)

resource = st.one_of(memory, processor, disk, disk, adapter, adapter, medium, serial, console, other)

settings = _some(
    machine=("pc", "q35", "pc-q35-1.0"),
    firmware=("bios", "uefi"),
    description=("", "one", "two"),
    kernel=("", "/boot/vmlinuz"),
    tpm=("none", "2.0"),
    guest_agent=(True, False),
    automatic_startup_action=("none", "always_startup"),
    boot_order=(("disk_drive",), ("cd_drive", "disk_drive")),
)

unwanted = st.sampled_from(
    [
        Rasd(resource_type, name=name)
        for resource_type, names in {
            ResourceType.DISK_DRIVE: ("root", "data"),
            ResourceType.ETHERNET_ADAPTER: ("lan", "wan"),
            ResourceType.SERIAL_PORT: ("console",),
        }.items()
        for name in names
    ]
)
"""What is declared absent: by name, because what an entry without a name means is known only on the host."""

declaration = st.builds(
    DesiredSystem,
    name=st.just("web"),
    state=st.sampled_from(("present", "present", "present", "defined", "active", "active", "paused", "suspended")),
    settings=settings,
    resources=st.lists(resource, max_size=4).map(tuple),
    absent_resources=st.lists(unwanted, max_size=1).map(tuple),
    exclusive=st.sampled_from((False, False, False, True)),
    allow_restart=st.booleans(),
    force_off=st.booleans(),
)
"""What somebody declares about the system ``web``."""
