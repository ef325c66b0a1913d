# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One resource of a virtual system: CIM_ResourceAllocationSettingData (DSP1041, DSP1059 and the resource profiles)."""

from __future__ import annotations

import enum
import operator
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceRow, ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.model.values import shown


class ConsumerVisibility(enum.IntEnum):
    """How the guest sees the host resource (RASD.ConsumerVisibility)."""

    UNKNOWN = 0
    PASSED_THROUGH = 2
    VIRTUALIZED = 3
    NOT_REPRESENTED = 4


class MappingBehavior(enum.IntEnum):
    """How strictly the allocation is bound to ``host_resource`` (RASD.MappingBehavior)."""

    UNKNOWN = 0
    NOT_SUPPORTED = 2
    DEDICATED = 3
    SOFT_AFFINITY = 4
    HARD_AFFINITY = 5


@frozen
class Rasd:
    """A resource allocation: asked for (definition), granted (running system), or declared by a user.

    In a declaration None means not managed.  Quantities are integers in the base unit of the type's row: bytes,
    counts, percent of one host processor, bits per second.  An empty tuple is a value: no medium, no connection.
    """

    resource_type: ResourceType
    other_resource_type: str | None = None
    """What it is when the type is OTHER (``sound``, ``rng``, ``watchdog`` …)."""
    resource_sub_type: str | None = None
    name: str | None = None
    """ElementName: the user's own stable name of the resource."""
    virtual_quantity: int | None = None
    reservation: int | None = None
    limit: int | None = None
    weight: int | None = None
    maximum_quantity: int | None = None
    """For processors and memory: what it may grow to while running."""
    pool_id: str | None = None
    host_resource: tuple[str, ...] | None = None
    connection: tuple[str, ...] | None = None
    address: str | None = None
    address_on_parent: str | None = None
    parent: str | None = None
    consumer_visibility: ConsumerVisibility | None = None
    mapping_behavior: MappingBehavior | None = None
    automatic_allocation: bool | None = None
    automatic_deallocation: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What only this type has; names and kinds are in the type's row."""
    image: Image | None = field(default=None, compare=False)
    """What new storage for it is made from.  Storage that exists is never compared with it, nor made anew."""
    seed: Seed | None = field(default=None, compare=False)
    """What a new medium in it holds.  It is compared by the name of its volume."""
    instance_id: str | None = field(default=None, compare=False)
    """The platform's own handle of an existing resource.  Opaque; never compared, never shown."""
    implied: bool = field(default=False, compare=False)
    """The host has it without being asked and would bring it back: it is nobody's surplus (``exclusive``)."""

    @property
    def row(self) -> ResourceRow:
        """The table row of the type."""
        return row_of(self.resource_type)

    @property
    def label(self) -> str:
        """How messages and changes call this resource: ``disk_drive 'root'``, ``ethernet_adapter 52:54:…``."""
        kind = self.resource_type.word
        if self.resource_type is ResourceType.OTHER and self.other_resource_type:
            kind = self.other_resource_type
        if self.name:
            return f"{kind} {self.name!r}"
        if self.row.singleton:
            return kind
        identity = self.address or self.address_on_parent
        if not identity and self.row.host_resource_identifies and self.host_resource:
            identity = ", ".join(self.host_resource)
        if not identity and self.connection:
            identity = "on " + ", ".join(self.connection)
        return f"{kind} {identity or self.resource_sub_type or ''}".rstrip()


PROPERTIES: tuple[str, ...] = (
    "other_resource_type",
    "resource_sub_type",
    "name",
    "virtual_quantity",
    "reservation",
    "limit",
    "weight",
    "maximum_quantity",
    "pool_id",
    "host_resource",
    "connection",
    "address",
    "address_on_parent",
    "parent",
    "consumer_visibility",
    "mapping_behavior",
    "automatic_allocation",
    "automatic_deallocation",
)
"""The RASD properties that are compared, in the order in which results show them."""


ABSENT: Mapping[str, Any] = {
    "reservation": 0,
    "limit": 0,
    "host_resource": (),
    "connection": (),
    "consumer_visibility": ConsumerVisibility.VIRTUALIZED,
    "mapping_behavior": MappingBehavior.NOT_SUPPORTED,
    "automatic_allocation": True,
    "automatic_deallocation": True,
}
"""What a missing property stands for: declaring it where there is none is no difference."""


properties_of = operator.attrgetter(*PROPERTIES)
"""The values of PROPERTIES of a resource, in that order."""


def values(rasd: Rasd) -> dict[str, Any]:
    """Every property and setting that has a value, by name; settings as ``settings.NAME``."""
    found = {name: value for name, value in zip(PROPERTIES, properties_of(rasd)) if value is not None}
    for name, value in rasd.settings.items():
        if value is not None:
            found[f"settings.{name}"] = value
    return found


def with_values(rasd: Rasd, changed: Mapping[str, Any]) -> Rasd:
    """``rasd`` with the named values (as :func:`values` names them) put in; None takes one away."""
    settings = dict(rasd.settings)
    fields: dict[str, Any] = {}
    for name, value in changed.items():
        if name.startswith("settings."):
            settings[name[len("settings.") :]] = value
        else:
            fields[name] = value
    kept = {name: value for name, value in settings.items() if value is not None}
    return replace(rasd, settings=kept, **fields)


def shown_value(rasd: Rasd, name: str, value: Any) -> Any:
    """A value as results and differences show it: words for enumerations, lists, secrets masked."""
    if isinstance(value, enum.IntEnum):
        return value.name.lower()
    row = rasd.row.settings.get(name[len("settings.") :]) if name.startswith("settings.") else None
    return shown(row, value)


def only(resources: Iterable[Rasd], resource_type: ResourceType) -> tuple[Rasd, ...]:
    """The resources of one type, in order."""
    return tuple(rasd for rasd in resources if rasd.resource_type == resource_type)
