# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host can do, as data for the planner.

CIM_VirtualSystemManagementCapabilities, CIM_AllocationCapabilities with its default, minimum, maximum and increment
settings (DSP1043, CIM_SettingsDefineCapabilities), and CIM_VirtualSystemSnapshotServiceCapabilities.  A platform fills
these in from the host; the planner checks a declaration against them before anything is touched.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Callable, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.image import ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType


class Live(enum.Enum):
    """Whether a property of an allocation can be changed while the system runs."""

    ALWAYS = "always"
    REQUESTED = "a request, up to the running maximum"
    """To anything up to the running system's ``maximum_quantity``; the guest follows when and if it can (ballooning),
    so that a request once made is not repeated for as long as the guest holds on to more."""
    GROW_TO_MAXIMUM = "upwards only, up to the running maximum"
    GROW = "upwards only"
    WITH_CONNECTION = "when the connection it belongs to changes too"


@frozen
class AllocationCapabilities:
    """What the host can allocate of one resource type.

    Names are those of :func:`model.rasd.values`: property names, and ``settings.NAME``.
    """

    resource_type: ResourceType
    sub_types: tuple[str, ...] | None = None
    """Values of resource_sub_type; None: whatever the host accepts."""
    other_types: tuple[str, ...] | None = None
    """For OTHER: values of other_resource_type."""
    default: Mapping[str, int] = field(default_factory=dict)
    minimum: Mapping[str, int] = field(default_factory=dict)
    maximum: Mapping[str, int] = field(default_factory=dict)
    increment: Mapping[str, int] = field(default_factory=dict)
    unsupported: Mapping[str, str] = field(default_factory=dict)
    """Properties and settings the host does not have, each with the reason."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Allowed values of properties and settings where the host knows them (cache modes, image formats …)."""
    live_add: frozenset[str] | None = frozenset()
    """Sub-types (for OTHER: other types) that can be added to a running system; None: all, empty: none."""
    live_add_needs: Mapping[str, str] = field(default_factory=dict)
    """For OTHER: what must run already (other type) for another type to be added to a running system."""
    live_remove: frozenset[str] | None = frozenset()
    live_modify: Mapping[str, Live] = field(default_factory=dict)
    """Properties that can be changed on a running system."""
    off_only: frozenset[str] = frozenset()
    """Properties that cannot even be recorded for the next activation while the system is not off."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Properties that cannot be changed once the resource exists, each with what to do instead."""


@frozen
class PoolCapabilities:
    """How pools of one kind are made and changed.

    Names are those of :class:`model.resource_pool.ResourcePool`: its fields, and ``settings.NAME``.  Every property that
    can be declared is in exactly one of ``live``, ``stopped``, ``making``, ``unseen``, ``fixed`` and ``unsupported``.
    """

    resource_type: ResourceType
    resource_sub_type: str
    required: tuple[tuple[str, ...], ...] = ()
    """A pool of this kind can be made only with at least one property of each of these groups."""
    live: frozenset[str] = frozenset()
    """A change takes effect at once, also in an active pool."""
    stopped: frozenset[str] = frozenset()
    """A change is recorded at any time, and takes effect when the pool is activated the next time.

    ``resource_sub_type`` can be changed between kinds that both have it here.
    """
    making: frozenset[str] = frozenset()
    """Says how the pool is made; not kept, so there is nothing to compare once the pool exists."""
    unseen: frozenset[str] = frozenset()
    """Kept, and never shown: what is declared cannot be compared once the pool exists, and the user is told so."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """What cannot be changed once the pool exists, each with what to do instead."""
    unsupported: Mapping[str, str] = field(default_factory=dict)
    """What this kind does not have, each with the reason."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Allowed values where the host knows them (``settings.source_format``)."""


Key = TypeVar("Key")
Value = TypeVar("Value")


class Later(Mapping[Key, Value]):
    """A mapping that is made when somebody looks into it: most tasks have no use for most of what a host can do."""

    def __init__(self, make: Callable[[], Mapping[Key, Value]]) -> None:
        """Make it with ``make``, once."""
        self._make = make
        self._made: Mapping[Key, Value] | None = None

    def _all(self) -> Mapping[Key, Value]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: Key) -> Value:
        """The value of ``key``."""
        return self._all()[key]

    def __iter__(self) -> Iterator[Key]:
        """The keys."""
        return iter(self._all())

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._all())

    def __repr__(self) -> str:
        """Like that of the mapping."""
        return repr(self._all())


@frozen
class Capabilities:
    """What a host can do."""

    virtual_system_types: tuple[str, ...] = ()
    """The first one is the default."""
    architectures: tuple[str, ...] = ()
    """The first one is the default."""
    machines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Machine types by architecture."""
    default_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings a new system gets when they are not declared (virtual_system_type, architecture, machine)."""
    setting_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Allowed values of system settings, where the host restricts them (firmware, tpm …)."""
    unsupported_settings: Mapping[str, str] = field(default_factory=dict)
    """System settings, or ``NAME=VALUE``, the host does not have, each with the reason."""
    fixed_settings: Mapping[str, str] = field(default_factory=dict)
    """System settings that an existing system keeps, each with the reason; of ``machine`` the family is kept."""
    live_settings: frozenset[str] = frozenset()
    """System settings whose change needs no restart."""
    allocation: Mapping[ResourceType, AllocationCapabilities] = field(default_factory=dict)
    """Types that are missing cannot be allocated."""
    methods: frozenset[str] = frozenset()
    """Operations offered, named as the changes are (``define_system`` …)."""
    states: frozenset[str] = frozenset({"enabled", "disabled", "shut_down", "offline", "quiesce", "reboot", "reset"})
    """Requested states offered."""
    image_modes: frozenset[ImageMode] = frozenset()
    """How disks can be made from images; empty: the host offers no way to do that."""
    starts_paused: bool = False
    """A system that is off or suspended can be brought to paused without executing in between."""
    unsupported_waits: Mapping[str, str] = field(default_factory=dict)
    """What of a guest the host does not tell, so that nobody can wait for it (``wait_for``), each with the reason."""
    snapshot_types: frozenset[SnapshotType] = frozenset()
    pool_types: Mapping[ResourceType, tuple[str, ...]] = field(default_factory=dict)
    """Kinds of pools that can be made, by resource type."""
    unsupported_pool_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings no kind of pool has on this host, each with the reason."""
    pools: Mapping[tuple[ResourceType, str], PoolCapabilities] = field(default_factory=dict)
    """By resource type and kind, for each kind in ``pool_types``."""
