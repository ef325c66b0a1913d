# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of servers there are: which classes they have, how they name things, and what they do differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pywbem

from tests.wbem.invoke import Method
from tests.wbem.providers import (
    allocation,
    devices,
    endpoints,
    host,
    jobs,
    management,
    pool_methods,
    pools,
    profiles,
    resources,
    snapshot_methods,
    snapshots,
    states,
    systems,
)
from tests.wbem.providers.libvirt_cim import TRAPS
from tests.wbem.providers.libvirt_cim import management as libvirt_cim_management
from tests.wbem.providers.libvirt_cim import pools as libvirt_cim_pools
from tests.wbem.providers.libvirt_cim import snapshots as libvirt_cim_snapshots
from tests.wbem.providers.libvirt_cim import systems as libvirt_cim_systems
from tests.wbem.world import Section


@dataclass(frozen=True)
class Dialect:
    """One kind of server."""

    name: str
    mof: tuple[str, ...]
    sections: tuple[Section, ...]
    methods: Mapping[str, Method]
    prefix: str = "CIM_"
    own_prefix: str = "CIM_"
    own: frozenset[str] = frozenset()
    """Classes without prefix that have ``own_prefix``; all others have ``prefix``."""
    namespace: str = "root/virt"
    interop: str = "root/interop"
    enumerable_links: bool = True
    """Association classes can be enumerated; otherwise they can only be followed."""
    pull_operations: bool = True
    host_in_paths: str | None = None
    errors: str = "codes"
    """Failures of methods are return codes (``codes``) or CIM errors (``cim``)."""
    job_code: int = 4096
    """What a method that starts a job returns."""
    first_job_state: int | None = 2
    error_state: int = 10
    """JobState of a job that has failed."""
    always_jobs: frozenset[str] = frozenset()
    """Methods that always answer with a job."""
    block_size: int = 1
    """Bytes in the blocks in which storage is measured."""
    hides_when_down: bool = False
    unsupported_operations: frozenset[str] = frozenset({"CreateInstance", "ModifyInstance", "ExecQuery"})
    embedded_taken: str = "any"
    """How embedded instances have to be sent: ``instance``, ``xml`` or ``mof`` (text of either kind), or ``any``."""
    embedded_sent: str = "instance"
    """How embedded instances are sent."""
    traps: frozenset[str] = frozenset()
    """Misbehaviour, by name."""

    def class_name(self, suffix: str) -> str:
        """The dialect's class for a name without prefix."""
        return (self.own_prefix if suffix in self.own else self.prefix) + suffix

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that can be asked, in lower case."""
        return self.namespace.lower(), self.interop.lower()

    def check_unfiltered(self, path: Any) -> None:
        """Raise CIMError where the server cannot follow all associations at once."""
        if "unfiltered_associators_fail" in self.traps:
            if "Pool" in path.classname:
                raise pywbem.CIMError(pywbem.CIM_ERR_INVALID_CLASS, "CIM_ERR_INVALID_CLASS: Linux_Processor")
            if "Disk" in path.classname:
                name = path.keybindings.get("InstanceID")
                raise pywbem.CIMError(pywbem.CIM_ERR_FAILED, f"CIM_ERR_FAILED: Unable to determine pool of `{name}'")

    def check_followed(self, path: Any, association: str) -> None:
        """Raise CIMError where the server cannot follow an association."""
        if "central_instances_fail" in self.traps and association.lower() == "cim_elementconformstoprofile":
            words = f"CIM_ERR_FAILED: {path.classname} Class not supported by Interop Provider"
            raise pywbem.CIMError(pywbem.CIM_ERR_FAILED, words)


STANDARD = Dialect(
    name="standard",
    mof=("svpc.mof",),
    prefix="CIM_",
    own_prefix="SVPC_",
    own=frozenset(
        {
            "VirtualSystemSettingData",
            "ResourceAllocationSettingData",
            "ProcessorAllocationSettingData",
            "StorageAllocationSettingData",
            "EthernetPortAllocationSettingData",
            "ResourcePool",
            "StorageVolume",
            "VirtualSystemManagementService",
            "VirtualSystemSnapshotService",
            "ResourcePoolConfigurationService",
            "StorageConfigurationService",
            "AllocationCapabilities",
            "VirtualSystemManagementCapabilities",
            "ResourcePoolConfigurationCapabilities",
        }
    ),
    sections=(
        *profiles.SECTIONS,
        *host.SECTIONS,
        *systems.SECTIONS,
        *resources.SECTIONS,
        *devices.SECTIONS,
        *endpoints.SECTIONS,
        *pools.SECTIONS,
        *allocation.SECTIONS,
        *snapshots.SECTIONS,
        *jobs.SECTIONS,
    ),
    methods={
        **management.METHODS,
        **states.METHODS,
        **snapshot_methods.METHODS,
        **pool_methods.METHODS,
        **jobs.METHODS,
    },
    host_in_paths="127.0.0.1",
)
"""A server as the profiles describe it."""

LIBVIRT_CIM = Dialect(
    name="libvirt-cim",
    mof=("kvm.mof",),
    prefix="KVM_",
    own_prefix="CIM_",
    own=frozenset({"ConcreteJob", "AffectedJobElement", "OwningJobElement", "ObjectManager", "Namespace"}),
    sections=(
        *libvirt_cim_systems.SECTIONS,
        *libvirt_cim_pools.SECTIONS,
        *profiles.INTEROP_SECTIONS,
        jobs.SECTIONS[0],
    ),
    methods={**libvirt_cim_management.METHODS, **libvirt_cim_snapshots.METHODS, **libvirt_cim_pools.METHODS},
    enumerable_links=False,
    host_in_paths="vm",
    errors="cim",
    job_code=0,
    first_job_state=None,
    error_state=7,
    always_jobs=frozenset({"CreateSnapshot", "ApplySnapshot"}),
    hides_when_down=True,
    traps=TRAPS,
)
"""OpenPegasus with libvirt-cim 0.6.3, as observed."""

DIALECTS: dict[str, Dialect] = {"standard": STANDARD, "libvirt-cim": LIBVIRT_CIM}
