# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a new system: made when it is judged, and the same one defined, if nothing else has been allocated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.new_domain import (
    DomainFacts,
    new_domain,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import StorageIndex
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_users import sources

_DESCRIBED = ("virtual_system_type", "architecture")


class NewDefinition(NamedTuple):
    """What a new system is defined by."""

    uuid: str | None
    configuration: Configuration
    """With the storage that was allocated."""
    text: str
    """The document."""
    storage: frozenset[str]
    """The paths it uses."""


def judged(
    session: Session, index: StorageIndex, change: changes.DefineSystem, resources: Sequence[Rasd]
) -> NewDefinition:
    """The definition with these resources, which is kept for :func:`allocated`.

    Raises InvalidInput or NotSupported for what cannot be said.
    """
    made = _make(session, index, change, replace(change.configuration, resources=tuple(resources)))
    if session.shared is not None:
        session.shared.definitions[change.system.name] = made
    return made


def allocated(
    session: Session, index: StorageIndex, change: changes.DefineSystem, resources: Sequence[Rasd]
) -> NewDefinition:
    """The definition with the resources that were allocated: the one that was judged, if that has the same."""
    configuration = replace(change.configuration, resources=tuple(resources))
    known = session.shared.definitions.pop(change.system.name, None) if session.shared is not None else None
    if known is not None and known[:2] == (change.system.uuid, configuration):
        return known
    return _make(session, index, change, configuration)


def _make(
    session: Session, index: StorageIndex, change: changes.DefineSystem, configuration: Configuration
) -> NewDefinition:
    name, uuid = change.system.name, change.system.uuid
    document = new_domain(name, uuid, configuration, _facts(session, configuration))
    return NewDefinition(uuid, configuration, document.to_xml(), frozenset(sources(document.edited(), index)))


def _facts(session: Session, configuration: Configuration) -> DomainFacts:
    """What the host makes of a system that leaves its type or architecture open."""
    if all(configuration.settings.get(name) for name in _DESCRIBED):
        return DomainFacts()
    with talking("ask for the default kind of virtual system"):
        text = session.connection.getDomainCapabilities(
            None, configuration.settings.get("architecture"), None, configuration.settings.get("virtual_system_type"), 0
        )
    document = ElementTree.fromstring(text)
    return DomainFacts(
        virtual_system_type=document.findtext("domain") or "kvm",
        architecture=document.findtext("arch") or "x86_64",
    )
