# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table row of a resource is: where its element and its values stand in a domain document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.aliases import alias_of, name_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import Kids, Place, Reader
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import Element
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import Volumes

Fields = dict[str, Any]
"""Properties of a resource by name, or its settings."""

NAME = Place("alias", "name", name_of, alias_of)
"""The user's name of a device."""

NEVER: Mapping[str, str] = {
    "reservation": "libvirt guarantees no amount of this kind of resource",
    "limit": "libvirt does not limit this kind of resource as a whole",
    "weight": "libvirt gives this kind of resource no weight of its own",
    "virtual_quantity": "each one is declared by an entry of its own",
    "maximum_quantity": "only processors and memory grow",
    "pool_id": "it is not allocated from a pool",
    "host_resource": "it has no host resource of its own",
    "connection": "only network adapters are connected",
    "address": "libvirt chooses the address the guest sees",
    "address_on_parent": "libvirt chooses its place",
    "parent": "libvirt chooses its controller",
    "consumer_visibility": "it is always virtualized",
    "mapping_behavior": "it is not bound to host resources",
    "automatic_allocation": "libvirt always allocates when the system is activated",
    "automatic_deallocation": "libvirt always deallocates when the system is deactivated",
}
"""Why a property is not offered, where the row does not say it better."""


def _nothing_more(_element: Element, _kids: Kids, _fields: Fields, _settings: Fields, _volumes: Volumes) -> None:
    """The places of the row say everything."""


def _nothing_to_forget(_element: Element) -> None:
    """libvirt does not bring it back."""


def _plain(_element: Element, _rasd: Rasd) -> None:
    """A new element needs nothing beyond its values."""


@frozen
class DeviceRow:
    """One kind of resource that is an element of ``<devices>``."""

    resource_type: ResourceType
    tag: str
    key: Callable[[Element, Kids, Fields], str]
    """What tells it from others of its tag, the same in the definition and the running system; told by the element,
    its children, and what was read already."""
    other_type: str | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    """By the names of model.rasd.values."""
    read: Callable[[Element, Kids, Fields, Fields, Volumes], None] = _nothing_more
    """Adds to fields and settings what no single place says."""
    write: Mapping[str, Callable[[Element, Any], None]] = field(default_factory=dict)
    """For values that are more than one place: how to put one into the element; None takes it away."""
    elsewhere: frozenset[str] = frozenset()
    """Values that are read, and that others make true; the document has no place for them."""
    create: Callable[[Element, Rasd], None] = _plain
    """Fills in what a new element must have before its values are written."""
    unsupported: Mapping[str, str] = field(default_factory=dict)
    """Values it cannot have, each with the reason; what NEVER says need not be said again."""
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """In which order the children of an element stand, by its tag."""
    forget: Callable[[Element], None] = _nothing_to_forget
    """Takes away, before the element itself, what would bring it back."""
    host_adds_it: Callable[[Element, Fields], bool] = lambda _element, _fields: False
    """Whether libvirt has it without being asked, so that it is nobody's surplus."""
    reader: Reader = field(init=False, repr=False, compare=False, default=Reader({}))

    def __post_init__(self) -> None:
        """Arrange the places for reading."""
        object.__setattr__(self, "reader", Reader(self.places))

    @property
    def mapped(self) -> frozenset[str]:
        """Names of the values it can have."""
        return frozenset({*self.places, *self.write, *self.elsewhere})

    def why_not(self, name: str) -> str | None:
        """Why it cannot have a value of that name; None when it can."""
        if name in self.mapped or name == "other_resource_type":
            return None
        return self.unsupported.get(name) or NEVER.get(name) or f"libvirt has no such thing for {self.tag}"

    def put(self, element: Element, name: str, value: Any) -> None:
        """Write one value into an element of this kind.  Raises NotSupported for values it cannot have."""
        writer = self.write.get(name)
        if writer is not None:
            writer(element, value)
        elif name in self.places:
            self.places[name].write(element, value, self.orders)
        elif name not in self.elsewhere and name != "other_resource_type":
            what = self.other_type or self.resource_type.word
            raise NotSupported(f"{what}: {name.replace('settings.', '')} is not supported: {self.why_not(name)}")


def domain_of(element: Element) -> Element:
    """The ``<domain>`` an element is in."""
    while element.tag != "domain":
        element = element.getparent()
    return element
