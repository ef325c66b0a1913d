# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a libvirt host can do, in the model's words.  Pure: descriptions read by :mod:`host_xml` go in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities, Later, PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.image import ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.allocation_rows import Facts, allocations
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_xml import (
    Guest,
    HostDescription,
    Offer,
)

TYPES_IN_ORDER = ("kvm", "hvf", "xen", "qemu")
"""Types of virtual systems from the most wanted on; others follow as the host lists them.

libvirt offers ``kvm`` only where it has found that the host can accelerate guests.
"""

DEFAULT_MACHINES: Mapping[str, str] = {
    "x86_64": "pc",
    "i686": "pc",
    "aarch64": "virt",
    "armv7l": "virt",
    "riscv64": "virt",
    "riscv32": "virt",
    "ppc64": "pseries",
    "ppc64le": "pseries",
    "s390x": "s390-ccw-virtio",
}
"""Machine of a new system where none is declared.

On x86 ``pc`` has free slots for whatever is added while the guest runs; in ``q35`` each needs a port made in advance.
"""
UEFI_MACHINES: Mapping[str, str] = {"x86_64": "q35", "i686": "q35"}
"""The same, for systems that boot with UEFI."""

UNSUPPORTED_SETTINGS: Mapping[str, str] = {
    "automatic_shutdown_action": "libvirt decides for the whole host what happens to guests when it stops",
    "automatic_startup_action=restart_if_previously_active": (
        "libvirt remembers only whether to start a system (always_startup), not whether it was active"
    ),
    "automatic_recovery_action=revert_to_snapshot": "libvirt can only leave a failed guest or restart it",
}

LIVE_SETTINGS = frozenset({"automatic_startup_action", "description"})
FIXED_SETTINGS = {
    "machine": "the places of all its devices follow from the machine type",
    "architecture": "everything on its disks is made for the architecture",
}

METHODS = frozenset(
    {
        "define_system",
        "destroy_system",
        "add_resource_settings",
        "modify_resource_settings",
        "remove_resource_settings",
        "modify_system_settings",
        "request_state_change",
        "create_snapshot",
        "apply_snapshot",
        "destroy_snapshot",
        "create_resource_pool",
        "create_child_resource_pool",
        "delete_resource_pool",
        "modify_pool_settings",
        "request_pool_state_change",
        "return_to_storage_pool",
    }
)


@frozen
class HostOffer:
    """Everything a host says about what it can do."""

    host: HostDescription
    offer: Offer = field(default_factory=Offer)
    """Of the emulator, machine and type of the system that is asked about."""
    pool_kinds: Mapping[str, tuple[str, ...]] | None = None
    """Kinds of storage pools with their source formats; None where libvirt does not tell."""
    libvirt_version: int = 0
    memory: int | None = None
    """Bytes the host has."""


def types_of(host: HostDescription) -> tuple[str, ...]:
    """The types of virtual systems the host offers, the default first."""
    offered = list(dict.fromkeys(guest.virtual_system_type for guest in host.guests))
    return (*(word for word in TYPES_IN_ORDER if word in offered), *(w for w in offered if w not in TYPES_IN_ORDER))


def architectures_of(host: HostDescription) -> tuple[str, ...]:
    """The architectures the host offers, its own first."""
    offered = sorted({guest.architecture for guest in host.guests})
    own = [name for name in offered if name == host.architecture]
    return (*own, *(name for name in offered if name not in own))


def machines_of(host: HostDescription, architecture: str) -> tuple[str, ...]:
    """The machine types of an architecture: aliases first, then names, as the host lists them."""
    machines = [m for guest in host.guests if guest.architecture == architecture for m in guest.machines]
    aliases = [machine.name for machine in machines if machine.canonical]
    return tuple(dict.fromkeys([*aliases, *(machine.name for machine in machines)]))


def chosen_settings(host: HostDescription, settings: Mapping[str, Any]) -> dict[str, str]:
    """Type, architecture and machine of a system with these settings, where they are left out the host's choice."""
    types, architectures = types_of(host), architectures_of(host)
    architecture = settings.get("architecture") or next(iter(architectures), None)
    running = [guest.virtual_system_type for guest in host.guests if guest.architecture == architecture]
    virtual_system_type = settings.get("virtual_system_type") or next((word for word in types if word in running), None)
    offered = machines_of(host, architecture) if architecture else ()
    wanted = DEFAULT_MACHINES.get(architecture or "")
    if settings.get("firmware") == "uefi" or settings.get("secure_boot"):
        wanted = UEFI_MACHINES.get(architecture or "", wanted)
    machine = settings.get("machine") or (wanted if wanted in offered else next(iter(offered), None))
    chosen = {"virtual_system_type": virtual_system_type, "architecture": architecture, "machine": machine}
    return {name: str(value) for name, value in chosen.items() if value}


def guest_for(host: HostDescription, chosen: Mapping[str, str]) -> Guest | None:
    """The host's guest of the chosen type and architecture; None when it has none, which the planner tells."""
    for guest in host.guests:
        if guest.virtual_system_type == chosen.get("virtual_system_type") and (
            guest.architecture == chosen.get("architecture")
        ):
            return guest
    return None


def build_capabilities(found: HostOffer, settings: Mapping[str, Any]) -> Capabilities:
    """The capabilities for systems with ``settings``, as far as those are decided."""
    host, offer = found.host, found.offer
    return Capabilities(
        virtual_system_types=types_of(host),
        architectures=architectures_of(host),
        machines={name: machines_of(host, name) for name in architectures_of(host)},
        default_settings=chosen_settings(host, settings),
        setting_words=_setting_words(offer),
        unsupported_settings={**UNSUPPORTED_SETTINGS, **_missing_settings(offer)},
        fixed_settings=FIXED_SETTINGS,
        live_settings=LIVE_SETTINGS,
        allocation=allocations(Facts(host, offer, found.memory)),
        methods=METHODS,
        image_modes=frozenset(ImageMode),
        starts_paused=True,
        snapshot_types=frozenset({SnapshotType.FULL, SnapshotType.DISK}),
        pool_types=Later(lambda: _pool_types(found)),
        pools=Later(lambda: _pools(found)),
    )


def _pool_types(found: HostOffer) -> Mapping[ResourceType, tuple[str, ...]]:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.network_xml import NETWORK_KINDS

    return {ResourceType.DISK_DRIVE: _storage_kinds(found), ResourceType.ETHERNET_ADAPTER: tuple(NETWORK_KINDS)}


def _pools(found: HostOffer) -> Mapping[tuple[ResourceType, str], PoolCapabilities]:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.network_xml import (
        network_capabilities,
    )
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pool_xml import storage_capabilities

    return {
        **storage_capabilities(_storage_kinds(found), found.pool_kinds),
        **network_capabilities(found.libvirt_version),
    }


def _storage_kinds(found: HostOffer) -> tuple[str, ...]:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pool_xml import STORAGE_KINDS

    offered = STORAGE_KINDS if found.pool_kinds is None else found.pool_kinds
    return tuple(kind for kind in STORAGE_KINDS if kind in offered)


def has_uefi(offer: Offer) -> bool:
    """Whether firmware for UEFI is installed; true where libvirt does not tell."""
    firmware = offer.words("os/firmware")
    if firmware is not None:
        return "efi" in firmware
    types = offer.words("os/loader/type")
    return types is None or "pflash" in types


def _setting_words(offer: Offer) -> dict[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = {"firmware": ("bios", "uefi") if has_uefi(offer) else ("bios",)}
    versions = offer.words("devices/tpm/backendVersion")
    if offer.supported.get("devices/tpm") is False or "emulator" not in (
        offer.words("devices/tpm/backendModel") or ("emulator",)
    ):
        versions = ()
    if versions is not None:
        words["tpm"] = ("none", *versions)
    return words


def _missing_settings(offer: Offer) -> dict[str, str]:
    secure = offer.words("os/loader/secure")
    if secure is not None and "yes" not in secure:
        return {"secure_boot=True": "no firmware of the host can do it for this type of machine"}
    return {}
