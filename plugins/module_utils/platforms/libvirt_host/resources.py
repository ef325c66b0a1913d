# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding, changing and removing resources, in the definition and in the running domain.

A failure leaves both as they were, as far as the host lets it; what it does not is part of the error.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from xml.etree import ElementTree

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotSupported, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.resources import disk_taken
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.definitions import Definition, tell
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.disk_places import with_paths
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import existing, state_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import (
    is_code,
    libvirt,
    talking,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_volumes import HostVolumes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.live import LIVE, change_running
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage import MEDIA, Allocations
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import index_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.systems import RUNNING
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import grow_disk

RELEASED_WITHIN = 5.0
"""Seconds a guest has to let go of a device."""
_NAP = 0.1
_CAPACITY = "virtual_quantity"


def add_resource_settings(session: Session, change: changes.AddResourceSettings) -> None:
    """Add one resource.  Storage that was allocated for it is given back when it fails."""
    domain = existing(session, change.system)
    name = change.system.name
    allocations = Allocations(session, index_of(session))
    definition = Definition(session, domain) if change.in_definition or _persistent(domain) else None
    try:
        resource = change.resource
        if change.in_definition:
            taken = _paths(definition) if definition else set()
            allocated = allocations.allocate(name, resource, taken)
            if definition is not None and allocated != resource:
                definition = Definition(session, domain)  # making storage takes long: others may have changed it by now
            resource = _with_mac(allocated)
        if definition is not None and change.in_definition:
            text = definition.document.add(resource)
        elif definition is not None and change.resource.instance_id:
            text = _element_text(definition.document, change.resource)
        else:
            text = _live_document(domain).add(_with_mac(resource))
        # The definition first: it can be put back, and a guest cannot be made to forget a device at once.
        if definition is not None and change.in_definition:
            definition.write()
        if change.live:
            try:
                _attach(domain, text, resource)
            except VirtError as error:
                tell(error, definition.restore() if definition else [])
                raise
    except VirtError as error:
        tell(error, allocations.give_back())
        raise


def _persistent(domain: libvirt.virDomain) -> bool:
    with talking(f"read virtual system {domain.name()!r}"):
        return bool(domain.isPersistent())


def _paths(definition: Definition) -> set[str]:
    resources = definition.document.configuration().resources
    return {path for rasd in resources for path in rasd.host_resource or ()}


def _with_mac(rasd: Rasd) -> Rasd:
    """A network adapter with a MAC address: chosen here, so that it is the same in the definition and running."""
    if rasd.resource_type is not ResourceType.ETHERNET_ADAPTER or rasd.address:
        return rasd
    tail = (random.randrange(256) for _number in range(3))
    return replace(rasd, address="52:54:00:" + ":".join(f"{number:02x}" for number in tail))


def _element_text(document: DomainDocument, rasd: Rasd) -> str:
    """The element of a resource as it stands in a document."""
    return document.modify(rasd, {})


def _live_document(domain: libvirt.virDomain) -> DomainDocument:
    with talking(f"read the running virtual system {domain.name()!r}"):
        return DomainDocument.parse(domain.XMLDesc(RUNNING))


def _attach(domain: libvirt.virDomain, text: str, rasd: Rasd) -> None:
    """Plug a device into a running domain; where its place is taken there, libvirt chooses another one."""
    doing = f"plug {rasd.label} into the running virtual system {domain.name()!r}"
    if not text:
        raise NotSupported(f"Cannot {doing}: it is no device")
    with talking(doing, patient=True):
        running = ElementTree.fromstring(domain.XMLDesc(0))
        device = ElementTree.fromstring(text)
        address = device.find("address")
        if address is not None and any(other.attrib == address.attrib for other in running.iterfind(".//address")):
            device.remove(address)
            text = ElementTree.tostring(device, encoding="unicode")
        domain.attachDeviceFlags(text, LIVE)


def modify_resource_settings(session: Session, change: changes.ModifyResourceSettings) -> None:
    """Change values of one resource.

    Order: a disk grows first, for that cannot be undone and fails most often; then the definition, which can be put
    back; then the running system.  Raises Conflict when the resource is no longer as in ``change.before``, or another system
    uses the storage that it is to have.
    """
    domain = existing(session, change.system)
    allocations = Allocations(session, index_of(session))
    change = with_seed(allocations, change)
    definition: Definition | None = None
    grown: list[str] = []
    try:
        take_over(allocations, change)
        rest = values_to_write(session, change.before, change.differences)
        live = values_to_write(session, change.before, change.live_differences)
        grown = _grow(session, domain, change)
        if change.differences:
            definition = Definition(session, domain)
            if not grown:
                _check_unchanged(definition, domain, change.before)
            if rest:
                definition.document.modify(change.before, rest)
                definition.write()
        if live:
            change_running(session, domain, change.running_before or change.before, live)
    except VirtError as error:
        left = definition.restore() if definition else []
        tell(error, [*grown, *left, *allocations.give_back()])
        raise


def with_seed(allocations: Allocations, change: changes.ModifyResourceSettings) -> changes.ModifyResourceSettings:
    """The change with the path of the medium with a seed, which is made for it."""
    if change.seed is None:
        return change
    named = {**change.live_differences, **change.differences}
    pool_id = named["pool_id"][1] if "pool_id" in named else change.before.pool_id
    wanted = replace(change.before, pool_id=pool_id, host_resource=named["host_resource"][1])
    path = allocations.provide_seed(change.system.name, wanted, change.seed).host_resource

    def with_path(found: Mapping[str, changes.Difference]) -> dict[str, changes.Difference]:
        return {
            name: (pair[0], path) if name == "host_resource" else pair
            for name, pair in found.items()
            if name != "pool_id"
        }

    return replace(
        change,
        differences=with_path(change.differences),
        live_differences=with_path(change.live_differences),
    )


def take_over(allocations: Allocations, change: changes.ModifyResourceSettings) -> None:
    """See that a disk can have the storage that a change gives it.  Raises Conflict where another system uses it."""
    disk = disk_taken(change)
    if disk is not None:
        allocations.take_over(change.system.name, disk)


def values_to_write(
    session: Session, rasd: Rasd, differences: Mapping[str, changes.Difference]
) -> dict[str, changes.Difference]:
    """The differences that documents tell: not the size of a disk, and paths in place of names of volumes."""
    drop = rasd.resource_type is ResourceType.DISK_DRIVE
    found = {name: value for name, value in differences.items() if not (drop and name == _CAPACITY)}
    if "host_resource" in found and (drop or rasd.resource_type in MEDIA):
        before, after = found["host_resource"]
        pool_id = differences["pool_id"][1] if "pool_id" in differences else rasd.pool_id
        found["host_resource"] = (before, with_paths(index_of(session), pool_id, after))
    return found


def _grow(session: Session, domain: libvirt.virDomain, change: changes.ModifyResourceSettings) -> list[str]:
    """Give a disk the capacity asked for; what was done is returned, in words."""
    difference = change.differences.get(_CAPACITY) or change.live_differences.get(_CAPACITY)
    before = change.before
    if before.resource_type is not ResourceType.DISK_DRIVE or difference is None or difference[1] is None:
        return []
    label = f"{before.label} of virtual system {change.system.name!r}"
    if not before.host_resource or not before.address_on_parent:
        raise NotSupported(f"Cannot grow {label}: it has no storage of its own")
    if state_of(domain) is SystemState.SUSPENDED:
        raise Conflict(f"Cannot grow {label}: the saved state expects its present size; activate the system first")
    definition = Definition(session, domain) if _persistent(domain) else None
    if definition is not None:
        _check_unchanged(definition, domain, before)
    grow_disk(session, domain, before.address_on_parent, before.host_resource[0], difference[1], label)
    return [f"{label} has been grown already"]


def _check_unchanged(definition: Definition, domain: libvirt.virDomain, before: Rasd) -> None:
    """Raise Conflict when the resource is not, in the definition, what the plan saw."""
    volumes = HostVolumes(definition.session, index_of(definition.session))
    volumes.ask_about([domain])
    for rasd in definition.document.configuration(volumes).resources:
        if rasd.instance_id == before.instance_id:
            if None in (rasd.virtual_quantity, before.virtual_quantity):
                # The size of a medium that is missing, or busy, is not always known.
                before = replace(before, virtual_quantity=rasd.virtual_quantity)
            if rasd != before:
                break
            return
    else:
        definition.document.find(before)  # not there: says so
    raise Conflict(
        f"{before.label} of virtual system {definition.name!r} is no longer as it was: somebody else has changed it"
    )


def remove_resource_settings(session: Session, change: changes.RemoveResourceSettings) -> None:
    """Take one resource away; the storage behind it stays.

    The definition comes first.  When the host refuses to unplug, it is put back.  When the guest does not let go in
    time, it stays changed: the request stands, the guest may still follow it, and a note says so.
    """
    domain = existing(session, change.system)
    definition: Definition | None = None
    if change.in_definition:
        definition = Definition(session, domain)
        _check_unchanged(definition, domain, change.resource)
        definition.document.remove(change.resource)
        definition.write()
    if change.running_resource is None:
        return
    try:
        released = _detach(domain, change.running_resource)
    except VirtError as error:
        tell(error, definition.restore() if definition else [])
        raise
    if not released:
        session.notes.append(
            f"The guest of virtual system {domain.name()!r} has not released {change.running_resource.label} within "
            f"{RELEASED_WITHIN:g} seconds: it is out of the definition, still in the running system, and gone after "
            "the next restart at the latest"
        )


def _detach(domain: libvirt.virDomain, rasd: Rasd) -> bool:
    """Unplug a device from a running domain and wait; whether the guest has let go of it in time."""
    where = f"the running virtual system {domain.name()!r}"
    text = _element_text(_live_document(domain), rasd)
    with talking(f"unplug {rasd.label} from {where}", patient=True):
        try:
            domain.detachDeviceFlags(text, LIVE)
        except libvirt.libvirtError as error:
            # The guest has not followed an earlier request yet: QEMU refuses to repeat that at once.
            pending = "in the process of unplug" in str(error)
            if not pending and not is_code(error, "VIR_ERR_OPERATION_TIMEOUT", "VIR_ERR_DEVICE_MISSING"):
                raise
    deadline = time.monotonic() + RELEASED_WITHIN
    while True:
        try:
            _live_document(domain).find(rasd)
        except Conflict:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_NAP)
