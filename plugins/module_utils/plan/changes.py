# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes a plan is made of, one class per method of the CIM services.

A change is a value: it says what to do, to what, and which properties differ.  A platform carries it out by the method
of the same name (:class:`platforms.interface.Platform`), the prediction applies it to a model, the result shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Union

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import (
    Configuration,
    StorageElement,
)

Difference = tuple[Any, Any]
"""A value before and after."""


@frozen
class SystemRef:
    """Which virtual system: its name, and its UUID where one exists or is declared."""

    name: str
    uuid: str | None = None


@frozen
class DefineSystem:
    """VSMS.DefineSystem: record a new virtual system.  Storage its disks ask for is allocated with it."""

    operation: ClassVar[str] = "define_system"
    system: SystemRef
    configuration: Configuration
    live: ClassVar[bool] = False


@frozen
class DestroySystem:
    """VSMS.DestroySystem: remove a virtual system that is off, with snapshots and belongings, without its storage."""

    operation: ClassVar[str] = "destroy_system"
    system: SystemRef
    snapshots: tuple[str, ...] = ()
    belongings: tuple[str, ...] = ()
    live: ClassVar[bool] = False


@frozen
class AddResourceSettings:
    """VSMS.AddResourceSettings: one more resource, in the definition, in the running system, or in both."""

    operation: ClassVar[str] = "add_resource_settings"
    system: SystemRef
    resource: Rasd
    in_definition: bool = True
    live: bool = False


@frozen
class ModifyResourceSettings:
    """VSMS.ModifyResourceSettings: other values for one existing resource.

    ``differences`` are those of the definition, ``live_differences`` those to be made in the running system now.
    """

    operation: ClassVar[str] = "modify_resource_settings"
    system: SystemRef
    before: Rasd
    """As in the definition; where only the running system changes, as in the running system."""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    running_before: Rasd | None = None
    """The same resource in the running system."""
    live_differences: Mapping[str, Difference] = field(default_factory=dict)
    seed: Seed | None = field(default=None, compare=False)
    """What the new medium holds, where that is made with the change."""

    @property
    def live(self) -> bool:
        """Whether the running system changes now."""
        return bool(self.live_differences)


@frozen
class RemoveResourceSettings:
    """VSMS.RemoveResourceSettings: one resource less.  Storage behind it stays."""

    operation: ClassVar[str] = "remove_resource_settings"
    system: SystemRef
    resource: Rasd
    in_definition: bool = True
    running_resource: Rasd | None = None
    """The same resource in the running system, when it is to be taken from there as well."""

    @property
    def live(self) -> bool:
        """Whether it is taken from the running system now."""
        return self.running_resource is not None


@frozen
class ModifySystemSettings:
    """VSMS.ModifySystemSettings: other settings of the virtual system itself."""

    operation: ClassVar[str] = "modify_system_settings"
    system: SystemRef
    differences: Mapping[str, Difference]
    live: bool = False
    """Every difference takes effect without a restart."""


@frozen
class RequestStateChange:
    """CIM_EnabledLogicalElement.RequestStateChange on a virtual system, done when the new state is reached."""

    operation: ClassVar[str] = "request_state_change"
    system: SystemRef
    requested_state: RequestedState
    before: str = ""
    after: str = ""
    """The states it leads from and to, as words."""
    timeout: float = 120.0
    """Seconds to wait for the guest (shut down) or the host."""
    force: bool = False
    """After the time-out of a shutdown, turn the system off."""
    live: ClassVar[bool] = True


@frozen
class ReturnToStoragePool:
    """Give storage back (CIM_StorageConfigurationService.ReturnToStoragePool): its content is lost."""

    operation: ClassVar[str] = "return_to_storage_pool"
    element: StorageElement
    live: ClassVar[bool] = False


@frozen
class CreateSnapshot:
    """VSSS.CreateSnapshot."""

    operation: ClassVar[str] = "create_snapshot"
    system: SystemRef
    name: str
    snapshot_type: SnapshotType
    description: str | None = None
    quiesce: bool = False
    live: ClassVar[bool] = False


@frozen
class ApplySnapshot:
    """VSSS.ApplySnapshot: the system returns to the snapshot; what happened since is lost."""

    operation: ClassVar[str] = "apply_snapshot"
    system: SystemRef
    name: str
    previous_current: str | None = None
    live: ClassVar[bool] = False


@frozen
class DestroySnapshot:
    """VSSS.DestroySnapshot, with the dependents named."""

    operation: ClassVar[str] = "destroy_snapshot"
    system: SystemRef
    name: str
    dependents: tuple[str, ...] = ()
    live: ClassVar[bool] = False


@frozen
class CreateResourcePool:
    """RPCS.CreateResourcePool, or CreateChildResourcePool when it has a parent."""

    pool: ResourcePool
    live: ClassVar[bool] = False

    @property
    def operation(self) -> str:
        """The name of the CIM method."""
        return "create_child_resource_pool" if self.pool.parent else "create_resource_pool"


@frozen
class DeleteResourcePool:
    """RPCS.DeleteResourcePool: the pool's definition goes, what is in it stays."""

    operation: ClassVar[str] = "delete_resource_pool"
    pool: ResourcePool
    live: ClassVar[bool] = False


@frozen
class ModifyPoolSettings:
    """ModifyResourceSettings on the settings of a pool (ElementSettingData: pool → RASD)."""

    operation: ClassVar[str] = "modify_pool_settings"
    pool: ResourcePool
    """As it is before the change."""
    differences: Mapping[str, Difference]
    """Names of ResourcePool fields, and ``settings.NAME``."""
    live: bool = False
    """The active pool changes as well, without being stopped."""


@frozen
class RequestPoolStateChange:
    """Activate or deactivate a pool."""

    operation: ClassVar[str] = "request_pool_state_change"
    pool: ResourcePool
    active: bool
    live: ClassVar[bool] = True


Change = Union[
    DefineSystem,
    DestroySystem,
    AddResourceSettings,
    ModifyResourceSettings,
    RemoveResourceSettings,
    ModifySystemSettings,
    RequestStateChange,
    ReturnToStoragePool,
    CreateSnapshot,
    ApplySnapshot,
    DestroySnapshot,
    CreateResourcePool,
    DeleteResourcePool,
    ModifyPoolSettings,
    RequestPoolStateChange,
]
Plan = tuple[Change, ...]
