# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual system and its configurations: CIM_ComputerSystem with CIM_VirtualSystemSettingData (DSP1042, DSP1057)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow

SYSTEM_SETTINGS: dict[str, SettingRow] = {
    "virtual_system_type": SettingRow(Kind.TEXT, "What runs it (qemu, kvm …); one of the host's types."),
    "architecture": SettingRow(Kind.TEXT, "Processor architecture the guest sees."),
    "machine": SettingRow(Kind.TEXT, "Machine type; an alias such as q35 stays satisfied by its versioned name."),
    "firmware": SettingRow(Kind.WORD, "Firmware the guest boots with.", ("bios", "uefi"), absent="bios"),
    "secure_boot": SettingRow(Kind.FLAG, "UEFI accepts signed boot loaders only.", absent=False),
    "tpm": SettingRow(
        Kind.WORD, "Version of the emulated trusted platform module.", ("none", "1.2", "2.0"), absent="none"
    ),
    "description": SettingRow(Kind.TEXT, "Notes of the user (VSSD.Notes).", absent=""),
    "automatic_startup_action": SettingRow(
        Kind.WORD,
        "What to do when the host starts.",
        ("none", "restart_if_previously_active", "always_startup"),
        absent="none",
    ),
    "automatic_shutdown_action": SettingRow(
        Kind.WORD, "What to do when the host stops.", ("turn_off", "save_state", "shutdown")
    ),
    "automatic_recovery_action": SettingRow(
        Kind.WORD, "What to do when the guest has failed.", ("none", "restart", "revert_to_snapshot"), absent="none"
    ),
    "boot_order": SettingRow(
        Kind.TEXTS, "Devices to boot from, in order: names of resources, or types (disk_drive, cd_drive …)."
    ),
    "kernel": SettingRow(
        Kind.TEXT, "Kernel file on the host to boot directly; an empty text takes it away.", absent=""
    ),
    "initrd": SettingRow(Kind.TEXT, "Initial RAM disk of the direct kernel boot.", absent=""),
    "kernel_arguments": SettingRow(Kind.TEXT, "Command line of the direct kernel boot.", absent=""),
    "clock_offset": SettingRow(Kind.WORD, "What the guest's hardware clock shows.", ("utc", "localtime"), absent="utc"),
    "guest_agent": SettingRow(Kind.FLAG, "The channel through which the host talks to the guest agent.", absent=False),
}
"""Settings of a virtual system (VSSD and what hypervisors add), by name."""


@frozen
class Configuration:
    """One VSSD with the RASDs it aggregates: what is recorded, or what is running."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """By the names of SYSTEM_SETTINGS; a name that is missing has no value or is not managed."""
    resources: tuple[Rasd, ...] = ()


@frozen
class VirtualSystem:
    """A virtual system as a host shows it."""

    name: str
    uuid: str | None = None
    state: SystemState = SystemState.UNKNOWN
    defined: Configuration = field(default_factory=Configuration)
    """The "Defined" configuration: effective at the next activation."""
    running: Configuration | None = None
    """The "State" configuration: of the running, paused or suspended system.  None when it is off."""
    persistent: bool = True
    """False when nothing remains of it once it is off."""
    snapshots: tuple[str, ...] = ()
    """Names of its snapshots, which destroying the system destroys too."""
    belongings: tuple[str, ...] = ()
    """What else belongs to the system alone and goes with it: ``nvram``, ``tpm_state``, ``checkpoints``."""
    instance_id: str | None = field(default=None, compare=False)
    """The platform's own handle; opaque."""

    @property
    def effective(self) -> Configuration:
        """The configuration that counts now: of the running system, else the definition."""
        return self.running or self.defined


@frozen
class StorageElement:
    """Storage behind a disk of a virtual system, with what decides whether it may be removed with the system."""

    host_resource: str
    """Path or URI of the file, volume or device."""
    pool_id: str | None = None
    """The pool it is a volume of; None when it lies outside every pool."""
    volume: str | None = None
    resource: str = ""
    """Label of the resource that uses it."""
    kept_because: str | None = None
    """Why it must stay, in words (medium, shared with 'x', read-only, backing of 'y'); None when it may go."""
