# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How servers differ, as data: one value per dialect, chosen by what a server shows of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import (
    libvirt_cim,
    libvirt_cim_system,
    pool_instance,
    rasd_instance,
    system_instance,
)

WriteRasd = Callable[..., "dict[str, Any]"]


def _any_text(_where: str, _text: str) -> None:
    """Every text is written as it is meant."""


def _by_the_server(_system: str, _rasd: Rasd) -> str | None:
    return None


@frozen
class Dialect:
    """What has to be known of a kind of server that it does not tell."""

    name: str
    prefix: str = "CIM"
    """Of the names of the server's own classes."""
    shares_namespace: bool = False
    """The namespace may show the same of other hypervisors: classes of another prefix are none of this one's."""
    system_class: str = "CIM_ComputerSystem"
    read_rasd: Callable[[Any], Rasd] = rasd_instance.read_rasd
    write_rasd: WriteRasd = rasd_instance.write_rasd
    read_settings: Callable[[Any], dict[str, Any]] = system_instance.read_settings
    write_settings: Callable[..., dict[str, Any]] = system_instance.write_settings
    read_pool: Callable[..., ResourcePool] = pool_instance.read_pool
    new_pool: Callable[[ResourcePool], tuple[str, dict[str, Any]]] | None = None
    """Class and properties of the settings that make a pool; None: the standard's RASD."""
    rasd_classes: Mapping[ResourceType, str] | None = None
    """The class, without prefix, to make a resource of a type with; None: the one that descends from the standard's."""
    resource_id: Callable[[str, Rasd], str | None] = _by_the_server
    """The InstanceID to ask for a new resource of a system; servers of the standard choose it."""
    check_text: Callable[[str, str], None] = _any_text
    """Raises NotSupported for names and paths, said where they are from, that the server does not write as they are meant."""
    numbered: frozenset[ResourceType] = frozenset()
    """Types whose InstanceIDs are numbers in a row: when one goes, those behind it get others."""
    makes_volumes: bool = True
    """Volumes are made with the resources that need them."""
    unsupported: Mapping[ResourceType, Mapping[str, str]] = field(default_factory=dict)
    """Properties and settings, by type, that the server drops although its class has a place for them."""
    unsupported_settings: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[ResourceType, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Allowed values, by type, where the server takes others without a word and does something else."""
    fixed_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings that an existing system keeps, each with the reason."""
    fixed: Mapping[ResourceType, Mapping[str, str]] = field(default_factory=dict)
    """What cannot be changed once a resource exists, by type, each with what to do instead."""
    limits_of: frozenset[ResourceType] | None = None
    """Types whose default, minimum, maximum and increment mean something; None: all."""
    live: Mapping[ResourceType, frozenset[str]] = field(default_factory=dict)
    """``add`` and ``remove`` of a type that work while a system runs; types left out are as the capabilities say."""
    live_properties: Mapping[ResourceType, tuple[str, ...]] = field(default_factory=dict)
    """What can be changed while a system runs, by type."""
    off_only: Mapping[ResourceType, frozenset[str]] = field(default_factory=dict)
    """What can be changed only of a system that is off, by type."""
    methods_unlisted: bool = False
    """The lists of methods are incomplete."""
    pools: Mapping[tuple[ResourceType, str], PoolCapabilities] | None = None
    """How pools are made; None: whatever the server takes."""
    states: frozenset[str] | None = None
    """Requested states that work; None: as the server's capabilities say."""
    single_configuration: bool = False
    """One configuration is both what is defined and what runs, and a change of it is a change of both."""
    settings_id: str | None = None
    """How the InstanceID of a system's settings is made from its name, where associations cannot be listed."""
    lists_associations: bool = True
    """The instances of associations can be enumerated."""
    pools_have_settings: bool = True
    """A pool is associated with a RASD of its own."""
    replaces_settings: bool = False
    """ModifySystemSettings resets what is not sent."""
    weight_is_lost: bool = False
    """Every change of a configuration takes the processors' weight away."""
    host_class: str | None = None
    """Of the host: a server that shows no instance of it has lost its hypervisor and shows an empty host."""
    saves_by_snapshot: bool = False
    """A system is suspended and resumed by the snapshot service, not by a state change; there are no snapshots."""
    tells_addresses: bool = True
    """The addresses of guests are endpoints of their systems, if the server has that class."""
    real_limits: Mapping[tuple[ResourceType, str], Mapping[str, int]] = field(default_factory=dict)
    """What holds instead of a minimum or maximum that the server claims and does not mean, by type and role."""

    def own(self, suffix: str) -> str:
        """The server's own class for a class name without prefix."""
        return f"{self.prefix}_{suffix}"


STANDARD = Dialect("standard")

LIBVIRT_CIM = Dialect(
    "libvirt-cim",
    prefix="KVM",
    shares_namespace=True,
    system_class="KVM_ComputerSystem",
    read_rasd=libvirt_cim.read_rasd,
    write_rasd=libvirt_cim.write_rasd,
    read_settings=libvirt_cim_system.read_settings,
    write_settings=libvirt_cim_system.write_settings,
    read_pool=libvirt_cim_system.read_pool,
    new_pool=libvirt_cim_system.new_pool,
    rasd_classes=libvirt_cim.CLASSES,
    resource_id=libvirt_cim.resource_id,
    check_text=libvirt_cim.check_text,
    numbered=frozenset({ResourceType.SERIAL_PORT}),
    makes_volumes=False,
    unsupported=libvirt_cim.UNSUPPORTED,
    unsupported_settings=libvirt_cim_system.UNSUPPORTED_SETTINGS,
    pools=libvirt_cim_system.pool_capabilities(),
    states=frozenset({"enabled", "disabled", "shut_down", "offline", "quiesce", "reboot", "reset"}),
    single_configuration=True,
    settings_id="KVM:{name}",
    lists_associations=False,
    pools_have_settings=False,
    methods_unlisted=True,
    words=libvirt_cim.WORDS,
    fixed_settings=libvirt_cim_system.FIXED_SETTINGS,
    fixed=libvirt_cim.FIXED,
    limits_of=frozenset({ResourceType.PROCESSOR, ResourceType.MEMORY}),
    live=libvirt_cim.LIVE,
    live_properties={ResourceType.PROCESSOR: ("weight",)},
    off_only=libvirt_cim.OFF_ONLY,
    replaces_settings=True,
    weight_is_lost=True,
    host_class="HostSystem",
    saves_by_snapshot=True,
    tells_addresses=False,
    real_limits={
        (ResourceType.MEMORY, "maximum"): {},
        (ResourceType.PROCESSOR, "minimum"): {"virtual_quantity": 1, "weight": 2},
    },
)

HYPERVISORS = ("KVM", "Xen", "LXC")
"""Prefixes of libvirt-cim's classes: of several hypervisors in one namespace the first that answers is the one."""
_OF_LIBVIRT_CIM = ("LibvirtVersion", "Changeset", "Release")
"""Properties by which its management service is recognized."""


def dialect_of(service: Any) -> Dialect:
    """The dialect of a server, from its virtual system management service."""
    prefix = str(service.classname).partition("_")[0]
    if any(service.get(name) is not None for name in _OF_LIBVIRT_CIM) and prefix in HYPERVISORS:
        return replace(
            LIBVIRT_CIM, prefix=prefix, system_class=f"{prefix}_ComputerSystem", settings_id=prefix + ":{name}"
        )
    return replace(STANDARD, prefix=prefix)
