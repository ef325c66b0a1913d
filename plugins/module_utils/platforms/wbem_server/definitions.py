# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that define capabilities: CIM_SettingsDefineCapabilities (DSP1043).

The association says what each of the settings is: the default, a supported value, the minimum, maximum or increment.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import end_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.systems import Key, key_of

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server

DEFINES = "CIM_SettingsDefineCapabilities"


class Role(enum.Enum):
    """What settings are to capabilities."""

    DEFAULT = "default"
    SUPPORTED = "supported"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    INCREMENT = "increment"
    OTHER = "other"
    """An optimum, a mean, or what a vendor means by it."""


_ROLES = {
    (0, 0): Role.DEFAULT,
    (3, 0): Role.SUPPORTED,
    (3, 1): Role.MINIMUM,
    (3, 2): Role.MAXIMUM,
    (3, 3): Role.INCREMENT,
}
"""By ValueRole and ValueRange."""
_WORDS = (Role.DEFAULT, Role.MINIMUM, Role.MAXIMUM, Role.INCREMENT)
"""Roles that some servers put into the InstanceID of the settings instead."""


@frozen
class Definition:
    """Settings that define capabilities."""

    settings: Any
    role: Role


class Definitions:
    """What a server's capabilities are defined by: asked for one by one, or all at once."""

    def __init__(self, server: Server) -> None:
        """Nothing is asked yet."""
        self._server = server
        self._links: dict[Key, list[Any]] | None = None
        self._settings: dict[Key, Any] = {}

    def of(self, path: Any, result: str) -> list[Definition]:
        """The settings of class ``result`` that define the capabilities with that path."""
        links = self._links_of(path)
        known = [self._settings.get(key_of(end_of(link, "PartComponent"))) for link in links or ()]
        if links is not None and all(settings is not None for settings in known):
            return [Definition(settings, _role_of(settings, link)) for settings, link in zip(known, links or ())]
        session = self._server.session
        found = session.associated(path, DEFINES, result, "GroupComponent", "PartComponent")
        if links is None and found:
            links = session.references(path, DEFINES, "GroupComponent")
        return [Definition(settings, _role_of(settings, link)) for settings, link in _paired(found, links or ())]

    def read_all(self, result: str) -> None:
        """Read all settings of class ``result`` in one request, for those who want all capabilities."""
        if self._listed():
            found = self._server.session.instances(result)
            self._settings.update((key_of(settings.path), settings) for settings in found)

    def _links_of(self, path: Any) -> list[Any] | None:
        """The links of capabilities; None when the server does not list them."""
        listed = self._listed()
        return listed.get(key_of(path), []) if listed else None

    def _listed(self) -> dict[Key, list[Any]]:
        if self._links is None:
            self._links = {}
            if self._server.dialect.lists_associations:
                for link in self._server.session.instances_if_any(DEFINES):
                    self._links.setdefault(key_of(end_of(link, "GroupComponent")), []).append(link)
        return self._links


def _paired(found: Sequence[Any], links: Sequence[Any]) -> Iterable[tuple[Any, Any | None]]:
    """Settings with their links: by path, or by position where a server gives different settings the same path."""
    by_path: dict[Key, list[Any]] = {}
    for link in links:
        by_path.setdefault(key_of(end_of(link, "PartComponent")), []).append(link)
    if len(links) == len(found) and any(len(group) > 1 for group in by_path.values()):
        return list(zip(found, links))
    return [(settings, next(iter(by_path.get(key_of(settings.path), ())), None)) for settings in found]


def _role_of(settings: Any, link: Any | None) -> Role:
    if link is not None and link.get("ValueRole") is not None:
        return _ROLES.get((int(link["ValueRole"]), int(link.get("ValueRange") or 0)), Role.OTHER)
    words = str(settings.get("InstanceID") or "").lower()
    return next((role for role in _WORDS if role.value in words), Role.SUPPORTED)
