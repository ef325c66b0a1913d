# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage behind disks, and giving it back (CIM_StorageConfigurationService).

Storage may go only where the server itself says that nothing else needs it: what is backing of something, or in use
outside the virtual systems, a client cannot see.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, InTheWay, Refused, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import STORAGE, Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    NOT_FOUND,
    Family,
    status_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.systems import virtual_systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import text_of

_VOLUME = "CIM_StorageVolume"
_REASON = "KeptBecause"


def storage_of(server: Server, system: VirtualSystem) -> list[StorageElement]:
    """The storage behind every disk and medium of a system, each with the reason to keep it, if there is one."""
    drives = [rasd for rasd in system.defined.resources if _is_storage(rasd)]
    if not drives:
        return []
    volumes = _volumes(server) if server.service(STORAGE) is not None else {}
    volumes = {path: volume for path, volume in volumes.items() if _says_reasons(server, volume)}
    others = [other for other in virtual_systems(server) if other.name != system.name] if volumes else []
    return [_element(rasd, str((rasd.host_resource or ("",))[0]), volumes, others) for rasd in drives]


def _is_storage(rasd: Rasd) -> bool:
    return bool(rasd.row.host_resource_identifies and rasd.row.quantity_unit == units.BYTE and rasd.host_resource)


def _volumes(server: Server) -> dict[str, Any]:
    """The volumes the server shows, by path."""
    found = server.session.instances_if_any(_VOLUME)
    return {str(each.get("Name") or each.get("DeviceID")): each for each in found}


def _element(rasd: Rasd, path: str, volumes: dict[str, Any], others: Iterable[VirtualSystem]) -> StorageElement:
    volume = volumes.get(path)
    return StorageElement(
        host_resource=path,
        pool_id=rasd.pool_id,
        volume=text_of(volume.get("ElementName")) if volume is not None else None,
        resource=rasd.label,
        kept_because=_reason(rasd, path, volume, others),
    )


def _reason(rasd: Rasd, path: str, volume: Any | None, others: Iterable[VirtualSystem]) -> str | None:
    if rasd.row.removable:
        return "medium"
    if rasd.settings.get("access") == "readable":
        return "read-only"
    if rasd.settings.get("shareable"):
        return "shareable"
    for other in others:
        if any(path in (theirs.host_resource or ()) for theirs in other.defined.resources):
            return f"shared with {other.name!r}"
    if volume is None:
        return "the server does not say what else needs it"
    return text_of(volume.get(_REASON))


def check_not_taken(server: Server, system: str, resources: Iterable[Rasd]) -> None:
    """Raise InTheWay when storage that a disk of ``system`` is to have is used by another; a server may not look at that."""
    wanted = {
        path: rasd for rasd in resources if _is_storage(rasd) and _is_alone(rasd) for path in rasd.host_resource or ()
    }
    for other in virtual_systems(server) if wanted else ():
        for theirs in other.defined.resources if other.name != system else ():
            path = (theirs.host_resource or ("",))[0]
            if path in wanted and _is_storage(theirs) and not theirs.row.removable:
                raise InTheWay(
                    f"{wanted[path].label}: {path} is used by virtual system {other.name!r}; only disks that every one of "
                    "them declares shareable or read-only can be used by several"
                )


def _is_alone(rasd: Rasd) -> bool:
    """Whether a drive writes to what nobody else may use."""
    return not (rasd.row.removable or rasd.settings.get("shareable") or rasd.settings.get("access") == "readable")


def _says_reasons(server: Server, volume: Any) -> bool:
    """Whether the server can say what else needs a volume; one that cannot must not be trusted with its removal."""
    shape = server.shape(volume.classname)
    return shape.properties is not None and shape.has(_REASON)


def return_to_storage_pool(server: Server, change: changes.ReturnToStoragePool) -> None:
    """Delete a volume for good.  One that has gone already is no error."""
    path = change.element.host_resource
    doing = f"return {path} to its pool"
    if change.element.kept_because is not None:
        raise Refused(f"Cannot {doing}: it is kept ({change.element.kept_because})")
    service = server.needed(STORAGE, doing)
    volume = _volumes(server).get(path)
    if volume is None:
        return
    reason = text_of(volume.get(_REASON))
    if reason is not None:
        raise Conflict(f"Cannot {doing}: the server keeps it by now ({reason})")
    try:
        run(server.session, Family.POOL, "ReturnToStoragePool", service, doing, {"TheElement": volume.path})
    except VirtError as error:
        if status_of(error) != NOT_FOUND:
            raise
