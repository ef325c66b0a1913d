# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done around a change because a server loses something by it, or does not fill something in.

libvirt-cim takes the processors' weight away with every change of a configuration, after which the system cannot start;
it writes the whole configuration from what it knows of it; and it makes neither names of drives nor volumes.
"""

from __future__ import annotations

import contextlib
import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    InvalidInput,
    Refused,
    RestartNeeded,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import libvirt_cim, systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.dialects import Dialect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import MANAGEMENT, Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import Family
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import instance, prop
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.volumes import tell

_DRIVES = (ResourceType.DISK_DRIVE, ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE, ResourceType.FLOPPY_DRIVE)
_BUSES = {ResourceType.DISK_DRIVE: "virtio", ResourceType.FLOPPY_DRIVE: "fdc"}
_TARGETS = {"virtio": "vd", "ide": "hd", "fdc": "fd", "xen": "xvd"}

Change = changes.Change


def complete(dialect: Dialect, resources: Sequence[Rasd], others: Sequence[Rasd]) -> tuple[Rasd, ...]:
    """New resources with what has to be the same in the definition and in the running system, or is not filled in."""
    finished: list[Rasd] = []
    for rasd in resources:
        if rasd.resource_type is ResourceType.ETHERNET_ADAPTER and not rasd.address:
            rasd = replace(rasd, address=_new_address())
        if dialect.weight_is_lost and rasd.resource_type is ResourceType.PROCESSOR and not rasd.weight:
            rasd = replace(rasd, weight=libvirt_cim.DEFAULT_WEIGHT)
        if dialect.rasd_classes is not None and rasd.resource_type in _DRIVES:
            rasd = _complete_drive(rasd, [*others, *finished])
        finished.append(rasd)
    return tuple(finished)


def _new_address() -> str:
    tail = (random.randrange(256) for _number in range(3))
    return "52:54:00:" + ":".join(f"{number:02x}" for number in tail)


def _complete_drive(rasd: Rasd, others: Sequence[Rasd]) -> Rasd:
    bus = rasd.resource_sub_type or _BUSES.get(rasd.resource_type, "ide")
    settings = dict(rasd.settings)
    if rasd.resource_type is ResourceType.DISK_DRIVE and not settings.get("format"):
        if not rasd.pool_id and rasd.host_resource and not rasd.host_resource[0].startswith("/dev/"):
            raise InvalidInput(
                f"{rasd.label}: settings: format is needed: this server takes an image for raw when it is not told "
                "otherwise, and a guest that writes to it would destroy it"
            )
        settings["format"] = "raw"
    place = rasd.address_on_parent
    if not place:
        prefix, taken = _TARGETS.get(bus, "sd"), {other.address_on_parent for other in others}
        place = next(prefix + letter for letter in string.ascii_lowercase if prefix + letter not in taken)
    return replace(rasd, resource_sub_type=bus, address_on_parent=place, settings=settings)


# Around a change of a configuration


@contextlib.contextmanager
def changing(server: Server, found: systems.SystemFound, change: Any) -> Iterator[None]:
    """A with block in which a configuration changes.

    Raises, before anything is sent, when the server would lose what nobody asked to lose.
    """
    check_document(server.dialect, change)
    if not server.dialect.weight_is_lost:
        yield
        return
    check_visible_loss(found, change)
    _check_state(server.dialect, found, change)
    tell_of_hidden_loss(server, change)
    weight = _wanted_weight(found, change)
    try:
        yield
    except VirtError as error:
        try:
            _restore_weight(server, found, weight)
        except VirtError as left:
            tell(error, f"the weight of the processors is lost by it and could not be restored: {left.message}")
        raise
    _restore_weight(server, found, weight)


def check_document(dialect: Dialect, change: Any) -> None:
    """Raise NotSupported for a system of whose configuration the server cannot write the document anew."""
    dialect.check_text(f"configuration of virtual system {change.system.name!r}: its name", change.system.name)


def tell_of_hidden_loss(server: Server, change: Any) -> None:
    """Let the user know, once, what cannot be seen and is lost with every change."""
    if server.warned:
        return
    server.warned = True
    server.session.notes.append(
        f"The server at {server.session.uri} rewrites the whole configuration of virtual system "
        f"{change.system.name!r} from what it knows of it: what others have put there and it does not show "
        "(metadata, a guest agent's channel, tuning, a processor's topology …) is lost"
    )


def declares_boot_order(change: Any) -> bool:
    """Whether a change says what the order of boot devices is to be."""
    return isinstance(change, changes.ModifySystemSettings) and "boot_order" in change.differences


def check_visible_loss(found: systems.SystemFound, change: Any) -> None:
    """Raise Refused when the server would replace what it does not show, and the change does not say by what."""
    declared = declares_boot_order(change)
    if found.defined.settings.get("BootDevices") is None and not declared:
        raise Refused(
            f"Virtual system {change.system.name!r} boots by an order of its devices that this server does not show and "
            "would replace: declare settings: boot_order to say what it is to be"
        )


def _check_state(dialect: Dialect, found: systems.SystemFound, change: Any) -> None:
    """Raise RestartNeeded when the system runs by now: the plan has changed it while it was off."""
    if found.running is None or not isinstance(change, changes.ModifyResourceSettings):
        return
    names = dialect.off_only.get(change.before.resource_type, frozenset()) & set(change.differences)
    if names:
        raise RestartNeeded(
            f"{change.before.label} of virtual system {change.system.name!r}: this server changes "
            f"{', '.join(sorted(names))} only of a system that is off: bring it to state defined first"
        )


def _wanted_weight(found: systems.SystemFound, change: Any) -> int:
    named = {}
    if isinstance(change, changes.ModifyResourceSettings) and change.before.resource_type is ResourceType.PROCESSOR:
        named = {**change.live_differences, **change.differences}
    if "weight" in named:
        return int(named["weight"][1] or libvirt_cim.DEFAULT_WEIGHT)
    processor = _processor(found)
    return (processor.rasd.weight if processor is not None else None) or libvirt_cim.DEFAULT_WEIGHT


def _processor(found: systems.SystemFound) -> systems.Resource | None:
    for resource in found.defined.resources:
        if resource.rasd.resource_type is ResourceType.PROCESSOR:
            return resource
    return None


def _restore_weight(server: Server, found: systems.SystemFound, weight: int) -> None:
    processor = _processor(found)
    now = None if processor is None else server.session.get(processor.path)
    if processor is None or now is None or int(now.get("Weight") or 0) == weight:
        return
    settings = {
        "InstanceID": prop("InstanceID", needed(now, "InstanceID"), "string"),
        "ResourceType": prop("ResourceType", int(ResourceType.PROCESSOR), "uint16"),
        "Weight": prop("Weight", weight, "uint32"),
    }
    doing = f"restore the weight of the processors of virtual system {systems.name_of(found.system)!r}"
    run(
        server.session,
        Family.MANAGEMENT,
        "ModifyResourceSettings",
        server.needed(MANAGEMENT, doing),
        doing,
        {"ResourceSettings": [instance(now.classname, settings)]},
    )


def heal_weight(server: Server, found: systems.SystemFound) -> None:
    """Give the processors a weight before a system is started: without one it does not start."""
    if not server.dialect.weight_is_lost:
        return
    processor = _processor(found)
    if processor is not None and processor.rasd.weight is None:
        _restore_weight(server, found, libvirt_cim.DEFAULT_WEIGHT)
        server.session.notes.append(
            f"Virtual system {systems.name_of(found.system)!r} had lost the weight of its processors, without which it "
            f"cannot start: it has the default, {libvirt_cim.DEFAULT_WEIGHT}, now"
        )
