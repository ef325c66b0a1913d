# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libvirt's storage pools as resource pools: one table row for each kind.

Everything here is pure: text in, model out, and the other way round.  What a row does not name stays in the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    InvalidInput,
    NotSupported,
    allowed_words,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import STORAGE_POOL_SETTINGS, ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pool_places import (
    Adapter,
    Attribute,
    Attributes,
    Export,
    One,
    Place,
    Servers,
    Text,
    child,
    new,
    opened,
    remove_all,
    written,
)

HOST_RESOURCE = "host_resource"
TARGET_PATH = "settings.target_path"
SOURCE_HOST = "settings.source_host"
SOURCE_PATH = "settings.source_path"
SOURCE_NAME = "settings.source_name"
SOURCE_FORMAT = "settings.source_format"
BUILD = "settings.build"

ANOTHER_POOL = (
    "it says which storage the pool is; make another pool for the other storage (deleting a pool keeps what is in it)"
)


@frozen
class StorageKind:
    """What differs between kinds of storage pools."""

    places: Mapping[str, Place]
    """Where each property stands in the document.  Properties without a place are not supported by the kind."""
    identity: frozenset[str]
    """What says which storage it is: it cannot change."""
    required: tuple[tuple[str, ...], ...] = ()
    target: str | None = None
    """Directory of the volumes where none is given; ``{name}`` is the source's name."""
    own_directory: bool = True
    """Everything below the target path belongs to this pool (so it may hold other pools)."""
    makes_directory: bool = False
    """Building the pool makes its directory, and does not touch a directory that exists."""
    formats_source: bool = False
    """Building the pool formats or creates its source."""
    local: bool = True
    """Looking at it does not depend on another machine."""
    sole: bool = False
    """libvirt refuses a second pool of the kind with the same host_resource."""
    whole_volumes: bool = False
    """A volume takes its capacity from the pool when it is made: no more can be presented than there is."""


def _kind(places: Mapping[str, Place], identity: Iterable[str], **rest: Any) -> StorageKind:
    return StorageKind(places=places, identity=frozenset(identity), **rest)


_TARGET: dict[str, Place] = {TARGET_PATH: Text("target/path")}
_FORMAT: dict[str, Place] = {SOURCE_FORMAT: Attribute("source/format", "type")}
_DEVICE: dict[str, Place] = {HOST_RESOURCE: One(Attribute("source/device", "path"))}
_DEVICES: dict[str, Place] = {HOST_RESOURCE: Attributes("source/device", "path")}
_SERVER: dict[str, Place] = {SOURCE_HOST: Servers()}
_NAME: dict[str, Place] = {SOURCE_NAME: Text("source/name")}
_ISCSI_TARGET: dict[str, Place] = {SOURCE_NAME: Attribute("source/device", "path")}
_INITIATOR: dict[str, Place] = {HOST_RESOURCE: One(Attribute("source/initiator/iqn", "name"))}

STORAGE_KINDS: dict[str, StorageKind] = {
    "dir": _kind(
        {HOST_RESOURCE: One(Text("target/path")), **_TARGET},
        (HOST_RESOURCE, TARGET_PATH),
        required=((HOST_RESOURCE, TARGET_PATH, "parent"),),
        makes_directory=True,
        sole=True,
    ),
    "fs": _kind(
        {**_DEVICE, **_TARGET, **_FORMAT},
        (HOST_RESOURCE,),
        required=((HOST_RESOURCE,), (TARGET_PATH,)),
        makes_directory=True,
        formats_source=True,
        sole=True,
    ),
    "netfs": _kind(
        {HOST_RESOURCE: Export(), **_SERVER, SOURCE_PATH: Attribute("source/dir", "path"), **_TARGET, **_FORMAT},
        (HOST_RESOURCE, SOURCE_PATH),
        required=((HOST_RESOURCE, SOURCE_HOST), (HOST_RESOURCE, SOURCE_PATH), (TARGET_PATH,)),
        makes_directory=True,
        local=False,
    ),
    "logical": _kind(
        {**_DEVICES, **_NAME, **_TARGET, **_FORMAT},
        (HOST_RESOURCE, SOURCE_NAME),
        formats_source=True,
        whole_volumes=True,
    ),
    "disk": _kind(
        {**_DEVICE, **_TARGET, **_FORMAT},
        (HOST_RESOURCE,),
        required=((HOST_RESOURCE,),),
        target="/dev",
        own_directory=False,
        formats_source=True,
        whole_volumes=True,
    ),
    "iscsi": _kind(
        {**_SERVER, **_ISCSI_TARGET, **_INITIATOR, **_TARGET},
        (SOURCE_NAME,),
        required=((SOURCE_HOST,), (SOURCE_NAME,)),
        target="/dev/disk/by-path",
        own_directory=False,
        local=False,
        whole_volumes=True,
    ),
    "iscsi-direct": _kind(
        {**_SERVER, **_ISCSI_TARGET, **_INITIATOR},
        (SOURCE_NAME,),
        required=((SOURCE_HOST,), (SOURCE_NAME,), (HOST_RESOURCE,)),
        local=False,
        whole_volumes=True,
    ),
    "scsi": _kind(
        {HOST_RESOURCE: Adapter(), **_TARGET},
        (HOST_RESOURCE,),
        required=((HOST_RESOURCE,),),
        target="/dev/disk/by-path",
        own_directory=False,
        local=False,
        whole_volumes=True,
    ),
    "mpath": _kind(
        _TARGET,
        (),
        target="/dev/mapper",
        own_directory=False,
        local=False,
        whole_volumes=True,
    ),
    "rbd": _kind(
        {**_SERVER, **_NAME},
        (SOURCE_NAME,),
        required=((SOURCE_HOST,), (SOURCE_NAME,)),
        local=False,
    ),
    "gluster": _kind(
        {**_SERVER, **_NAME, SOURCE_PATH: Attribute("source/dir", "path")},
        (SOURCE_NAME, SOURCE_PATH),
        required=((SOURCE_HOST,), (SOURCE_NAME,)),
        local=False,
    ),
    "zfs": _kind(
        {**_DEVICES, **_NAME, **_TARGET},
        (HOST_RESOURCE, SOURCE_NAME),
        required=((SOURCE_NAME,),),
        formats_source=True,
        whole_volumes=True,
    ),
    "vstorage": _kind(
        {**_NAME, **_TARGET},
        (SOURCE_NAME,),
        required=((SOURCE_NAME,), (TARGET_PATH,)),
        makes_directory=True,
        local=False,
    ),
}
"""The kinds of libvirt 9, by the name that ``resource_sub_type`` has."""

UNKNOWN_KIND = _kind(_TARGET, (TARGET_PATH,), own_directory=False, local=False)
"""For a kind this collection has no row for: it is shown, and never changed."""

_WHERE_SET_BY_LIBVIRT = ("logical", "zfs")
"""Kinds whose target path follows from the source's name: libvirt sets it, whatever is declared."""


def kind_of(pool: ResourcePool) -> StorageKind:
    """The row of a pool's kind."""
    return STORAGE_KINDS.get(pool.resource_sub_type or "", UNKNOWN_KIND)


def read_pool(xml: str, info: Sequence[int] | None = None) -> ResourcePool:
    """The pool that a document describes.

    ``info`` is what virStoragePool.info() gives: state, capacity, allocation and available, in bytes.  Quantities are
    None while the pool is inactive, when libvirt does not know them.  Raises HostFailed for a document that is none.
    """
    root = opened(xml, "a storage pool")[1]
    name = root.findtext("name") or ""
    sub_type = root.get("type")
    kind = STORAGE_KINDS.get(sub_type or "", UNKNOWN_KIND)
    found = {where: place.read(root) for where, place in kind.places.items()}
    active = None if info is None else info[0] not in (0, 1)
    measured = info if active and info is not None else None
    return ResourcePool(
        pool_id=name,
        resource_type=ResourceType.DISK_DRIVE,
        resource_sub_type=sub_type,
        uuid=root.findtext("uuid") or None,
        active=active,
        host_resource=found.pop(HOST_RESOURCE, None),
        capacity=measured[1] if measured else None,
        reserved=measured[2] if measured else None,
        max_consumable_resource=measured[1] if measured and kind.whole_volumes else None,
        settings={where[len("settings.") :]: value for where, value in found.items() if value is not None},
        instance_id=root.findtext("uuid") or name,
    )


def properties_of(pool: ResourcePool) -> dict[str, Any]:
    """What a declared pool says about its document: ``host_resource`` and every ``settings.NAME`` with a value."""
    said = {f"settings.{name}": value for name, value in pool.settings.items() if value is not None}
    if pool.host_resource is not None:
        said[HOST_RESOURCE] = pool.host_resource
    return said


def new_pool_xml(pool: ResourcePool) -> str:
    """The document of a new pool.

    Raises InvalidInput for an unknown kind, for what the kind needs and is not given, and for two properties that
    contradict each other; NotSupported for a property that the kind does not have.
    """
    sub_type = pool.resource_sub_type or "dir"
    if sub_type not in STORAGE_KINDS:
        raise allowed_words("resource_sub_type", sub_type, STORAGE_KINDS)
    kind = STORAGE_KINDS[sub_type]
    label = f"storage pool {pool.pool_id!r}"
    said = properties_of(pool)
    for group in kind.required:
        if not any(said.get(where) for where in group):
            words = " or ".join(where.replace("settings.", "") for where in group)
            raise InvalidInput(f"{label}: a pool of kind {sub_type!r} needs {words}")
    root = new("pool", type=sub_type)
    Text("name").write(root, pool.pool_id)
    Text("uuid").write(root, pool.uuid)
    child(root, "source")
    _put(root, kind, {where: value for where, value in said.items() if where != BUILD}, sub_type, label)
    if kind.target and TARGET_PATH not in said:
        Text("target/path").write(root, kind.target)
    if len(root.find("source")) == 0:
        remove_all(root, "source")
    return written(root)


def edit_pool_xml(xml: str, differences: Mapping[str, Difference]) -> str:
    """The document with the values of ``differences`` put in, and nothing else changed.

    Raises Conflict when a value is no longer the one that the difference starts from, NotSupported for a property that
    the kind does not have or that cannot be changed, InvalidInput for a value that cannot be said.
    """
    document, root = opened(xml, "a storage pool")
    sub_type = root.get("type") or ""
    kind = STORAGE_KINDS.get(sub_type, UNKNOWN_KIND)
    label = f"storage pool {root.findtext('name')!r}"
    fixed = fixed_properties(sub_type)
    changed = {where: value for where, value in differences.items() if where not in (BUILD, "automatic_startup")}
    for where, (before, _after) in changed.items():
        if where in fixed:
            raise NotSupported(f"{label}: {where} cannot be changed: {fixed[where]}")
        place = kind.places.get(where)
        if place is not None and (place.read(root) or None) != (before or None):
            raise Conflict(
                f"{label}: {where} was {before!r} when the change was planned and is {place.read(root)!r} now"
            )
    _put(root, kind, {where: after for where, (_before, after) in changed.items()}, sub_type, label)
    return document.text()


def _put(root: Any, kind: StorageKind, said: Mapping[str, Any], sub_type: str, label: str) -> None:
    for where, value in said.items():
        place = kind.places.get(where)
        if place is None:
            raise NotSupported(f"{label}: {where.replace('settings.', '')}: {_no_place(sub_type)}")
        place.write(root, value)
    for where, value in said.items():
        there = kind.places[where].read(root)
        if value and there != value:
            name = where.replace("settings.", "")
            raise InvalidInput(
                f"{label}: {name}: {value!r} would be kept as {there!r}, or contradicts another property"
            )


def _no_place(sub_type: str) -> str:
    return f"a pool of kind {sub_type!r} has no such property"


def fixed_properties(sub_type: str) -> dict[str, str]:
    """What cannot change in an existing pool of that kind, each with the sentence that says what to do instead."""
    kind = STORAGE_KINDS.get(sub_type, UNKNOWN_KIND)
    fixed = dict.fromkeys(kind.identity, ANOTHER_POOL)
    fixed["resource_sub_type"] = ANOTHER_POOL
    fixed["parent"] = "it follows from where the pool lies"
    if sub_type in _WHERE_SET_BY_LIBVIRT:
        fixed[TARGET_PATH] = "follows from the name of the source"
    return fixed


def storage_capabilities(
    kinds: Iterable[str], formats: Mapping[str, Sequence[str]] | None = None
) -> dict[tuple[ResourceType, str], PoolCapabilities]:
    """How pools of each of ``kinds`` can be made and changed; ``formats``: source formats the host knows, by kind."""
    found = {}
    for sub_type in kinds:
        if sub_type not in STORAGE_KINDS:
            continue
        kind = STORAGE_KINDS[sub_type]
        fixed = fixed_properties(sub_type)
        names = {HOST_RESOURCE, *(f"settings.{name}" for name in STORAGE_POOL_SETTINGS)}
        making = {BUILD} if kind.formats_source or kind.makes_directory else set()
        missing = names - set(kind.places) - making
        known_formats = tuple((formats or {}).get(sub_type, ()))
        found[(ResourceType.DISK_DRIVE, sub_type)] = PoolCapabilities(
            resource_type=ResourceType.DISK_DRIVE,
            resource_sub_type=sub_type,
            required=kind.required,
            live=frozenset({"automatic_startup"}),
            stopped=frozenset(set(kind.places) - set(fixed)),
            making=frozenset(making),
            fixed=fixed,
            unsupported={where: _no_place(sub_type) for where in missing},
            words={SOURCE_FORMAT: known_formats} if known_formats and SOURCE_FORMAT in kind.places else {},
        )
    return found
