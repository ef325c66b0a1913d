# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host in memory can do: all that the model knows, within the limits that a host has."""

from __future__ import annotations

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import (
    AllocationCapabilities,
    Capabilities,
    Live,
    PoolCapabilities,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.image import ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ETHERNET_POOL_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import VERBS

GIB = 2**30
PROCESSORS = 64
"""Processors of the host."""
OTHER_TYPES = (
    "channel",
    "file_system",
    "memory_balloon",
    "panic",
    "redirected_device",
    "rng",
    "sata_controller",
    "smartcard",
    "sound",
    "virtio_serial_controller",
    "vsock",
    "watchdog",
)
"""Devices for which the standard has no number."""
TARGETS = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}
"""Buses for disks, with how the places on them begin."""


@frozen
class _Network:
    """What differs between kinds of networks."""

    own_bridge: bool = True
    """The host makes the bridge of the network, with addresses and DHCP; otherwise it is made of the host's devices."""
    tagged: bool = False
    """VLANs can be set."""


_NETWORKS = {
    "isolated": _Network(),
    "nat": _Network(),
    "route": _Network(),
    "open": _Network(),
    "bridge": _Network(own_bridge=False),
    "direct": _Network(own_bridge=False),
    "openvswitch": _Network(own_bridge=False, tagged=True),
}
TAGGED = frozenset(name for name, network in _NETWORKS.items() if network.tagged)
"""Kinds of networks in which ports can be tagged with a VLAN."""
_VLAN = frozenset({"settings.desired_vlan_endpoint_mode", "settings.port_vid", "settings.allowed_to_transmit_vlans"})
_DHCP = frozenset({"settings.dhcp_hosts", "settings.dhcp_ranges"})
_ADDRESSED = frozenset({"settings.bridge", "settings.domain", "settings.mtu", "settings.addresses"}) | _DHCP


def _networks(name: str, network: _Network) -> PoolCapabilities:
    everything = {"host_resource", *(f"settings.{setting}" for setting in ETHERNET_POOL_SETTINGS)}
    devices = {"host_resource"}
    kind = frozenset({"resource_sub_type"})
    missing = (devices if network.own_bridge else _ADDRESSED) | (frozenset() if network.tagged else _VLAN)
    return PoolCapabilities(
        ResourceType.ETHERNET_ADAPTER,
        name,
        required=() if network.own_bridge else (("host_resource",),),
        live=frozenset({"automatic_startup", *(_DHCP - missing)}),
        stopped=frozenset(everything - missing - _DHCP) | (kind if network.own_bridge else frozenset()),
        fixed={"parent": "follows from the devices of the network"}
        | ({} if network.own_bridge else dict.fromkeys(kind, "another kind of network is another pool")),
        unsupported=dict.fromkeys(missing, f"a network of kind {name!r} has no such property"),
    )


_POOLS = (
    PoolCapabilities(
        ResourceType.DISK_DRIVE,
        "dir",
        required=(("host_resource",),),
        live=frozenset({"automatic_startup"}),
        stopped=frozenset({"host_resource"}),
    ),
    *(_networks(name, network) for name, network in _NETWORKS.items()),
)


def fake_capabilities() -> Capabilities:
    """The capabilities of a host that offers everything the model knows."""
    allocation = {
        resource_type: AllocationCapabilities(resource_type, live_add=None, live_remove=None)
        for resource_type in RESOURCE_ROWS
    }
    allocation[ResourceType.PROCESSOR] = AllocationCapabilities(
        ResourceType.PROCESSOR,
        default={"virtual_quantity": 1},
        minimum={"virtual_quantity": 1},
        maximum={"virtual_quantity": PROCESSORS},
        increment={"virtual_quantity": 1},
        unsupported={"reservation": "processors of this host cannot be reserved"},
        live_modify={
            "virtual_quantity": Live.GROW_TO_MAXIMUM,
            "weight": Live.ALWAYS,
            "limit": Live.ALWAYS,
            "host_resource": Live.ALWAYS,
            "mapping_behavior": Live.ALWAYS,
        },
    )
    allocation[ResourceType.MEMORY] = AllocationCapabilities(
        ResourceType.MEMORY,
        default={"virtual_quantity": GIB},
        minimum={"virtual_quantity": 1024},
        maximum={"virtual_quantity": 1024 * GIB},
        increment={"virtual_quantity": 1024},
        unsupported={"weight": "memory has no shares"},
        live_modify={"virtual_quantity": Live.REQUESTED, "limit": Live.ALWAYS, "reservation": Live.ALWAYS},
    )
    allocation[ResourceType.DISK_DRIVE] = AllocationCapabilities(
        ResourceType.DISK_DRIVE,
        sub_types=tuple(TARGETS),
        increment={"virtual_quantity": 512},
        live_add=frozenset({"virtio", "scsi", "usb"}),
        live_remove=frozenset({"virtio", "scsi", "usb"}),
        live_modify={"virtual_quantity": Live.GROW, "settings.total_iops_sec": Live.ALWAYS},
        fixed={"pool_id": "add another disk and copy", "settings.format": "convert the image"},
    )
    for media in (ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE):
        allocation[media] = AllocationCapabilities(
            media, words={"settings.access": ("readable",)}, live_modify={"host_resource": Live.ALWAYS}
        )
    allocation[ResourceType.ETHERNET_ADAPTER] = AllocationCapabilities(
        ResourceType.ETHERNET_ADAPTER,
        sub_types=("virtio", "e1000", "e1000e", "rtl8139"),
        live_add=None,
        live_remove=None,
        live_modify={
            "connection": Live.ALWAYS,
            "limit": Live.ALWAYS,
            "reservation": Live.ALWAYS,
            "settings.link_state": Live.ALWAYS,
        },
    )
    allocation[ResourceType.OTHER] = AllocationCapabilities(
        ResourceType.OTHER, other_types=OTHER_TYPES, live_add=None, live_remove=None
    )
    for device in (ResourceType.SERIAL_PORT, ResourceType.PARALLEL_PORT, ResourceType.GRAPHICS_CONTROLLER):
        allocation[device] = AllocationCapabilities(device)
    return Capabilities(
        virtual_system_types=("fake", "other"),
        architectures=("x86_64",),
        machines={"x86_64": ("pc", "q35", "pc-q35-1.0", "pc-i440fx-1.0")},
        default_settings={"virtual_system_type": "fake", "architecture": "x86_64"},
        unsupported_settings={"automatic_shutdown_action": "this host stops all systems alike"},
        live_settings=frozenset({"description", "automatic_startup_action"}),
        allocation=allocation,
        methods=frozenset(change.operation for change in VERBS if isinstance(change.operation, str))
        | {"create_resource_pool", "create_child_resource_pool"},
        starts_paused=True,
        image_modes=frozenset(ImageMode),
        snapshot_types=frozenset(SnapshotType),
        pool_types={
            ResourceType.DISK_DRIVE: ("dir", "logical", "netfs"),
            ResourceType.ETHERNET_ADAPTER: tuple(_NETWORKS),
        },
        pools={(kind.resource_type, kind.resource_sub_type): kind for kind in _POOLS},
    )
