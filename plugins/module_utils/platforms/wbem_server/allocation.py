# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server can allocate, from its AllocationCapabilities and the settings that define them (DSP1043)."""

from __future__ import annotations

import enum
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import AllocationCapabilities, Live
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, shown_value, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import rasd_instance, told_capabilities
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.definitions import Definitions, Role
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import text_of

_RASD = "CIM_ResourceAllocationSettingData"
_ENABLED = 2
_SUB_TYPES = ("resource_sub_type", "other_resource_type")


class ServerAllocation(AllocationCapabilities):
    """What can be allocated of one type.  What takes requests is read when it is first asked for."""

    def __init__(
        self, server: Server, definitions: Definitions, resource_type: ResourceType, instances: Sequence[Any]
    ) -> None:
        """``instances`` are the AllocationCapabilities of the type; there may be none."""
        general = [each for each in instances if _sub_type_of(each) is None]
        whole = next((each for each in general if each.get("SupportedAddStates") is not None), None)
        self._server, self._definitions = server, definitions
        self._whole = whole or next(iter(general or instances), None)
        dialect = server.dialect
        super().__init__(
            resource_type,
            live_add=self._plugged(resource_type, instances, "SupportedAddStates", "add"),
            live_remove=self._plugged(resource_type, instances, "SupportedRemoveStates", "remove"),
            live_modify=dict.fromkeys(dialect.live_properties.get(resource_type, ()), Live.ALWAYS),
            off_only=dialect.off_only.get(resource_type, frozenset()),
            fixed=dialect.fixed.get(resource_type, {}),
        )
        told = {} if self._whole is None else told_capabilities.allocation(self._whole)
        self._told_words = told.pop("words", {})
        self._told_unsupported = told.pop("unsupported", {})
        vars(self).update(told)
        # The rest is not known yet.
        for name in ("unsupported", *_DEFINED):
            del vars(self)[name]

    def _plugged(
        self, resource_type: ResourceType, instances: Sequence[Any], name: str, verb: str
    ) -> frozenset[str] | None:
        """Sub-types that can be plugged while a system runs: all (None), or those that say so."""
        known = self._server.dialect.live.get(resource_type)
        if known is not None:
            return None if verb in known else frozenset()
        found = {_sub_type_of(each) for each in instances if _ENABLED in (each.get(name) or ())}
        return None if None in found else frozenset(each for each in found if each is not None)

    @cached_property
    def unsupported(self) -> Mapping[str, str]:
        """What the server's class has no place for, what the dialect knows it to drop, and what the server says."""
        server, dialect, found = self._server, self._server.dialect, {}
        if dialect.rasd_classes is None:
            try:
                shape = server.shape(server.rasd_class(self.resource_type))
                found = rasd_instance.unsupported_by(shape, self.resource_type)
            except NotSupported:
                found = {}
        return {**found, **dialect.unsupported.get(self.resource_type, {}), **self._told_unsupported}

    @cached_property
    def _defined(self) -> dict[Role, list[Rasd]]:
        """The resources that define the capabilities, by role."""
        found: dict[Role, list[Rasd]] = {}
        limits_of = self._server.dialect.limits_of
        if self._whole is not None and (limits_of is None or self.resource_type in limits_of):
            for definition in self._definitions.of(self._whole.path, _RASD):
                rasd = self._server.dialect.read_rasd(definition.settings)
                found.setdefault(definition.role, []).append(rasd)
        return found

    def _limits(self, role: Role) -> dict[str, int]:
        real = self._server.dialect.real_limits.get((self.resource_type, role.value))
        if real is not None:
            return dict(real)
        return {name: number for rasd in self._defined.get(role, ()) for name, number in _numbers(rasd).items()}

    @cached_property
    def default(self) -> Mapping[str, int]:
        """Of what is not declared."""
        return self._limits(Role.DEFAULT)

    @cached_property
    def minimum(self) -> Mapping[str, int]:
        """The least."""
        return self._limits(Role.MINIMUM)

    @cached_property
    def maximum(self) -> Mapping[str, int]:
        """The most."""
        return self._limits(Role.MAXIMUM)

    @cached_property
    def increment(self) -> Mapping[str, int]:
        """The steps."""
        return {name: number for name, number in self._limits(Role.INCREMENT).items() if number}

    @cached_property
    def _points(self) -> dict[str, tuple[str, ...]]:
        """Words of which the server supports several: by name, from settings that have nothing but this word."""
        found: dict[str, tuple[str, ...]] = {}
        for rasd in self._defined.get(Role.SUPPORTED, ()):
            given = values(rasd)
            given.pop("name", None)
            for name in given if len(given) == 1 else [name for name in _SUB_TYPES if name in given]:
                value = given[name]
                if isinstance(value, (str, enum.IntEnum)):
                    found[name] = (*found.get(name, ()), str(shown_value(rasd, name, value)))
        return found

    @cached_property
    def sub_types(self) -> tuple[str, ...] | None:
        """Values of resource_sub_type, where the server lists them."""
        return self._points.get("resource_sub_type")

    @cached_property
    def other_types(self) -> tuple[str, ...] | None:
        """Values of other_resource_type, where the server lists them."""
        return self._points.get("other_resource_type")

    @cached_property
    def words(self) -> Mapping[str, tuple[str, ...]]:
        """Allowed values of the others."""
        points = {name: words for name, words in self._points.items() if name not in _SUB_TYPES}
        return {**self._server.dialect.words.get(self.resource_type, {}), **self._told_words, **points}


_DEFINED = ("default", "minimum", "maximum", "increment", "sub_types", "other_types", "words")


def _sub_type_of(instance: Any) -> str | None:
    return text_of(instance.get("OtherResourceType")) or text_of(instance.get("ResourceSubType"))


def _numbers(rasd: Rasd) -> dict[str, int]:
    """The values that have an order; enumerations have none."""
    return {
        name: int(value)
        for name, value in values(rasd).items()
        if isinstance(value, int) and not isinstance(value, (bool, enum.Enum))
    }


class Allocations(Mapping[ResourceType, AllocationCapabilities]):
    """What can be allocated, by type."""

    def __init__(self, server: Server, definitions: Definitions) -> None:
        """Nothing is asked yet."""
        self._server, self._definitions = server, definitions

    @cached_property
    def _found(self) -> dict[ResourceType, AllocationCapabilities]:
        instances: dict[ResourceType, list[Any]] = {}
        for each in self._server.own(self._server.session.instances_if_any("CIM_AllocationCapabilities")):
            resource_type, vendor_type = rasd_instance.resource_type_of(each)
            if vendor_type is None:
                instances.setdefault(resource_type, []).append(each)
        known = self._server.dialect.rasd_classes
        # A server that has no such instances, or none of a type, may still make it: it is its class that tells.
        made = known if known is not None else instances or RESOURCE_ROWS
        return {kind: ServerAllocation(self._server, self._definitions, kind, instances.get(kind, ())) for kind in made}

    def __getitem__(self, resource_type: ResourceType) -> AllocationCapabilities:
        return self._found[resource_type]

    def __iter__(self) -> Iterator[ResourceType]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def items(self) -> ItemsView[ResourceType, AllocationCapabilities]:
        """All of them: what defines them is read in one request."""
        self._definitions.read_all(_RASD)
        return super().items()
