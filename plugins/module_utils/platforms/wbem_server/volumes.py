# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes for the disks of servers that do not make them with a system: libvirt-cim's CreateResourceInPool."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    HostFailed,
    InvalidInput,
    NotFound,
    NotSupported,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import POOLS, Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import Family
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.libvirt_cim import DISK_POOLS
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import instance, prop, text_of

_CLASS = "StorageVolumeResourceAllocationSettingData"
_RAW = 1
_MOST = 65535
"""The server takes the capacity as a number of 16 bits."""
_UNITS = (
    *((f"{letter}B", 1000**power) for power, letter in ((4, "T"), (3, "G"), (2, "M"), (1, "K"))),
    *((f"{letter}iB", 1024**power) for power, letter in ((4, "T"), (3, "G"), (2, "M"), (1, "K"))),
)


def tell(error: VirtError, words: str) -> None:
    """Add to an error what it left behind."""
    error.message = f"{error.message}; {words}"
    error.args = (error.message,)


@contextlib.contextmanager
def volumes_for(server: Server, system: str, resources: Sequence[Rasd]) -> Iterator[tuple[Rasd, ...]]:
    """The resources with volumes behind their disks, for a with block; when it fails, new volumes are deleted again."""
    if server.dialect.makes_volumes:
        yield tuple(resources)
        return
    made: list[tuple[Any, str]] = []
    try:
        yield tuple(_with_volume(server, system, rasd, made) for rasd in resources)
    except VirtError as error:
        for pool, path in made:
            try:
                _delete(server, pool, path)
            except VirtError as left:
                tell(error, f"the new volume {path} could not be deleted again: {left.message}")
        raise


def foreseen(server: Server, resources: Sequence[Rasd]) -> tuple[Rasd, ...]:
    """The resources as they will be sent, nothing having been made yet.  Raises what stands against a volume."""
    if server.dialect.makes_volumes:
        return tuple(resources)
    return tuple(_foreseen(server, rasd) for rasd in resources)


def _foreseen(server: Server, rasd: Rasd) -> Rasd:
    if not _is_new(server, rasd):
        return _as_sent(rasd)
    pool = _pools(server).get(rasd.pool_id or "")  # an earlier change may make it
    _check_path(server, rasd, "/".join([*([str(pool["Path"])] if pool else []), *(rasd.host_resource or ())[:1]]))
    return replace(rasd, virtual_quantity=None)


def _check_path(server: Server, rasd: Rasd, path: str) -> None:
    server.dialect.check_text(f"{rasd.label}: its new volume", path)


def _with_volume(server: Server, system: str, rasd: Rasd, made: list[tuple[Any, str]]) -> Rasd:
    if not _is_new(server, rasd):
        return _as_sent(rasd)
    pool = _pool(server, rasd)
    named = rasd.host_resource[0] if rasd.host_resource else f"{system}-{rasd.address_on_parent}.raw"
    path = f"{str(pool['Path']).rstrip('/')}/{named}"
    _check_path(server, rasd, path)
    _create(server, pool.path, path, rasd)
    made.append((pool.path, path))
    return replace(rasd, host_resource=(path,), virtual_quantity=None)


def _is_new(server: Server, rasd: Rasd) -> bool:
    """Whether a volume has to be made for a resource.  Raises what the server cannot make it from."""
    if rasd.resource_type is not ResourceType.DISK_DRIVE or (rasd.host_resource and "/" in rasd.host_resource[0]):
        return False
    if not rasd.pool_id:
        raise _nowhere(server, rasd)
    if rasd.settings.get("format") != "raw":
        raise _no_size(rasd)
    if rasd.virtual_quantity is None:
        raise InvalidInput(f"{rasd.label}: virtual_quantity is needed for a new volume")
    _capacity(rasd)
    return True


def _as_sent(rasd: Rasd) -> Rasd:
    """A resource behind which there is what it needs; the size of an image is its own, and reading it tells which."""
    if rasd.resource_type is not ResourceType.DISK_DRIVE:
        return rasd
    if rasd.virtual_quantity is not None and rasd.settings.get("format") != "raw":
        raise _no_size(rasd)
    return replace(rasd, virtual_quantity=None)


def _no_size(rasd: Rasd) -> NotSupported:
    return NotSupported(
        f"{rasd.label}: virtual_quantity is supported by this server for format raw only: of other images it does not "
        "show the size. Make the image first, and name it with host_resource"
    )


def _nowhere(server: Server, rasd: Rasd) -> InvalidInput:
    pools = sorted(_pools(server))
    found = f" ({rasd.host_resource[0]!r} is not such a path)" if rasd.host_resource else ""
    return InvalidInput(
        f"{rasd.label}: it needs a pool_id, or the absolute path of an image as host_resource{found}; there are the "
        f"storage pools {', '.join(pools) or '(none)'}",
        allowed=pools,
    )


def _pools(server: Server) -> dict[str, Any]:
    """The storage pools that have a folder, by name."""
    found = server.session.instances(server.dialect.own("DiskPool"))
    return {needed(pool, "InstanceID")[len(DISK_POOLS) :]: pool for pool in found if text_of(pool.get("Path"))}


def _pool(server: Server, rasd: Rasd) -> Any:
    pool = _pools(server).get(rasd.pool_id or "")
    if pool is not None:
        return pool
    raise NotFound(f"{rasd.label}: there is no storage pool {rasd.pool_id!r} with a folder of its own")


def _create(server: Server, pool: Any, path: str, rasd: Rasd) -> None:
    text, number = _capacity(rasd)
    settings = {
        "ResourceType": prop("ResourceType", int(ResourceType.DISK_DRIVE), "uint16"),
        "Path": prop("Path", path, "string"),
        "VolumeName": prop("VolumeName", path.rpartition("/")[2], "string"),
        "Capacity": prop("Capacity", number, "uint16"),
        "AllocationQuantity": prop("AllocationQuantity", 0, "uint16"),
        "AllocationUnits": prop("AllocationUnits", text, "string"),
        "FormatType": prop("FormatType", _RAW, "uint16"),
    }
    _call(server, "CreateResourceInPool", f"make volume {path}", Pool=pool, Settings=instance(_own(server), settings))


def _capacity(rasd: Rasd) -> tuple[str, int]:
    """The size in the largest unit in which it is a whole number the server takes."""
    size = int(rasd.virtual_quantity or 0)
    for text, scale in _UNITS:
        if size and size % scale == 0 and size // scale <= _MOST:
            return text, size // scale
    raise NotSupported(
        f"{rasd.label}: virtual_quantity: this server takes sizes of at most {_MOST} whole units (KiB, MiB, GiB …), and "
        f"{units.size_words(size)} is none"
    )


def _delete(server: Server, pool: Any, path: str) -> None:
    settings = {
        "ResourceType": prop("ResourceType", int(ResourceType.DISK_DRIVE), "uint16"),
        "Address": prop("Address", path, "string"),
        "Path": prop("Path", path, "string"),
        "VolumeName": prop("VolumeName", path.rpartition("/")[2], "string"),
    }
    _call(server, "DeleteResourceInPool", f"delete volume {path}", Pool=pool, Resource=instance(_own(server), settings))


def _own(server: Server) -> str:
    return server.dialect.own(_CLASS)


def _call(server: Server, method: str, doing: str, **arguments: Any) -> None:
    done = run(server.session, Family.POOL, method, server.needed(POOLS, doing), doing, arguments)
    if not done.outcome_known:
        raise HostFailed(f"Cannot {doing}: the server's job is gone, and what became of it cannot be seen")
