# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes on a real libvirt host: nothing is lost, nothing half-made stays, nothing is taken twice."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InvalidInput,
    NotFound,
    NotSupported,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, only
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes

from ..conftest import make_pool
from .libvirt_systems import MIB, adapter, define, disk, request

pytestmark = pytest.mark.libvirt


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def image(path, size="16M", kind="qcow2", backing=None):
    arguments = ["-b", str(backing), "-F", "qcow2"] if backing else []
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, *arguments, str(path), size], check=True)
    return str(path)


def disks_of(system):
    return only(system.defined.resources, ResourceType.DISK_DRIVE)


def grow(platform, system, size, live=False):
    root = disks_of(system)[0]
    difference = {"virtual_quantity": (root.virtual_quantity, size)}
    platform.modify_resource_settings(
        changes.ModifyResourceSettings(
            changes.SystemRef(system.name, system.uuid),
            before=root,
            differences=difference,
            running_before=root if live else None,
            live_differences=difference if live else {},
        )
    )
    return disks_of(platform.virtual_system(system.name))[0].virtual_quantity


def test_names_and_formats_of_volumes(platform, host, pool):
    system = define(
        platform, "web", disk(pool), disk(pool, None), disk(pool, None), disk(pool, "log", settings={"format": "raw"})
    )
    assert files(host.images / pool) == ["web-disk0.qcow2", "web-disk1.qcow2", "web-log.raw", "web-root.qcow2"]
    log = next(rasd for rasd in disks_of(system) if rasd.name == "log")
    assert log.settings["format"] == "raw"
    assert (host.images / pool / "web-log.raw").stat().st_blocks * 512 < MIB  # takes room only as it is written
    assert all(rasd.virtual_quantity == 64 * MIB for rasd in disks_of(system))


def test_a_left_over_volume_is_taken_again_and_grown(platform, host, pool):
    web = define(platform, "web", disk(pool))
    platform.destroy_system(changes.DestroySystem(changes.SystemRef("web", web.uuid)))
    before = (host.images / pool / "web-root.qcow2").stat().st_ino
    web = define(platform, "web", disk(pool, size=128 * MIB))
    assert disks_of(web)[0].virtual_quantity == 128 * MIB
    assert (host.images / pool / "web-root.qcow2").stat().st_ino == before
    platform.destroy_system(changes.DestroySystem(changes.SystemRef("web", web.uuid)))
    with pytest.raises(Conflict, match=r"128 MiB.*64 MiB"):
        define(platform, "web", disk(pool))


def test_a_file_libvirt_does_not_know_is_not_written_over(platform, host, pool):
    path = image(host.images / pool / "web-root.qcow2", "64M")
    before = (host.images / pool / "web-root.qcow2").stat().st_ino
    web = define(platform, "web", disk(pool))
    assert disks_of(web)[0].host_resource == (path,)
    assert (host.images / pool / "web-root.qcow2").stat().st_ino == before
    (host.images / pool / "text-root.qcow2").write_text("precious")
    with pytest.raises(Conflict, match="format raw, not qcow2"):
        define(platform, "text", disk(pool, settings={"format": "qcow2"}))
    assert (host.images / pool / "text-root.qcow2").read_text() == "precious"


def test_a_volume_of_another_system_is_not_taken(platform, pool, host):
    web = define(platform, "web", disk(pool))
    path = disks_of(web)[0].host_resource
    with pytest.raises(Conflict, match="used by virtual system 'web'"):
        define(platform, "thief", disk(pool, host_resource=path))
    assert platform.virtual_system("thief") is None
    assert files(host.images / pool) == ["web-root.qcow2"]
    shared = Rasd(ResourceType.DISK_DRIVE, pool_id=pool, host_resource=path, settings={"access": "readable"})
    assert define(platform, "reader", shared) is not None


def test_a_file_outside_of_pools_is_not_taken_either(platform, host):
    path = image(host.images / "outside.qcow2", "64M")
    settings = {"format": "qcow2"}
    alone = Rasd(ResourceType.DISK_DRIVE, name="root", host_resource=(path,), settings=settings)
    define(platform, "web", alone)
    with pytest.raises(Conflict, match="used by virtual system 'web'"):
        define(platform, "thief", alone)
    assert platform.virtual_system("thief") is None
    shared = replace(alone, settings={**settings, "access": "readable"})
    assert define(platform, "reader", shared) is not None


def test_what_was_allocated_is_given_back_when_defining_fails(platform, host, pool):
    both = (
        Rasd(ResourceType.DISK_DRIVE, pool_id=pool, virtual_quantity=MIB, address_on_parent="vda", name=name)
        for name in "xy"
    )
    with pytest.raises(VirtError, match="vda"):
        define(platform, "web", disk(pool), *both)
    assert platform.virtual_system("web") is None
    assert files(host.images / pool) == []
    with pytest.raises(VirtError):
        define(platform, "web", disk(pool), adapter("no such network", address="not a mac"))
    assert files(host.images / pool) == []


def test_out_of_space_leaves_nothing(platform, host):
    folder = host.limited_folder(4)
    make_pool(host, "tight", folder)
    for number in range(3):
        host.run(["dd", "if=/dev/zero", f"of={folder}/filler{number}", "bs=1M", "count=4"], check=False)
    with pytest.raises(HostFailed, match="space"):
        define(platform, "web", disk("tight", size=2**40))
    assert "web-root.qcow2" not in host.run(["ls", str(folder)]).stdout
    assert platform.virtual_system("web") is None


def test_pools_that_are_not_there_or_not_active(platform, host, connection, pool):
    with pytest.raises(NotFound, match=r"'nosuch'.*vmpool"):
        define(platform, "web", disk("nosuch"))
    folder = host.images / "asleep"
    folder.mkdir()
    make_pool(host, "asleep", folder)
    connection.storagePoolLookupByName("asleep").destroy()
    with pytest.raises(Conflict, match="'asleep' is not active"):
        define(platform, "web", disk("asleep"))
    with pytest.raises(InvalidInput, match="pool_id"):
        define(platform, "web", disk(None))
    with pytest.raises(InvalidInput, match="virtual_quantity"):
        define(platform, "web", disk(pool, size=None))
    with pytest.raises(InvalidInput, match="does not lie in"):
        define(platform, "web", disk(pool, host_resource=("/elsewhere/x.qcow2",)))


def test_disks_grow_and_never_shrink(platform, pool):
    web = define(platform, "web", disk(pool))
    assert grow(platform, web, 80 * MIB) == 80 * MIB
    web = request(platform, platform.virtual_system("web"), RequestedState.ENABLED)
    assert grow(platform, web, 96 * MIB, live=True) == 96 * MIB
    web = platform.virtual_system("web")
    assert only(web.running.resources, ResourceType.DISK_DRIVE)[0].virtual_quantity == 96 * MIB
    with pytest.raises(Conflict, match=r"96 MiB.*64 MiB"):
        grow(platform, web, 64 * MIB, live=True)
    web = request(platform, web, RequestedState.OFFLINE)
    with pytest.raises(Conflict, match="saved state"):
        grow(platform, web, 128 * MIB)


def test_storage_and_the_reasons_to_keep_it(platform, host, pool, connection):
    folder = host.images / pool
    iso, outside = image(host.images / "install.iso", kind="raw"), image(host.images / "outside.qcow2")
    shared, golden = image(host.images / "shared.qcow2"), image(folder / "golden.qcow2")
    connection.storagePoolLookupByName(pool).refresh()
    web = define(
        platform,
        "web",
        disk(pool),
        disk(pool, "base", host_resource=(golden,), size=None),
        Rasd(ResourceType.CD_DRIVE, host_resource=(iso,)),
        disk(None, "outside", size=None, host_resource=(outside,), settings={"format": "qcow2"}),
        disk(None, "ro", size=None, host_resource=(shared,), settings={"access": "readable", "format": "qcow2"}),
        disk(
            None,
            "sh",
            size=None,
            host_resource=(image(host.images / "sh.raw", kind="raw"),),
            settings={"shareable": True, "format": "raw"},
        ),
        disk(None, "dev", size=None, host_resource=("/dev/loop77",), settings={"format": "raw"}),
    )
    # made behind libvirt's back: only a look at the files tells
    image(folder / "clone.qcow2", backing=golden)
    reasons = {element.host_resource: element.kept_because for element in platform.storage_of(web)}
    assert reasons == {
        str(folder / "web-root.qcow2"): None,
        golden: f"backing of '{folder}/clone.qcow2'",
        iso: "medium",
        outside: None,
        shared: "read-only",
        str(host.images / "sh.raw"): "shareable",
        "/dev/loop77": "a device outside every storage pool",
    }
    own = platform.storage_of(web)[0]
    assert (own.pool_id, own.volume, own.resource) == (pool, "web-root.qcow2", "disk_drive 'root'")


def test_storage_that_another_system_uses_stays(platform, pool):
    web = define(platform, "web", disk(pool))
    path = disks_of(web)[0].host_resource
    define(
        platform,
        "reader",
        Rasd(ResourceType.DISK_DRIVE, pool_id=pool, host_resource=path, settings={"access": "readable"}),
    )
    element = platform.storage_of(web)[0]
    assert element.kept_because == "used by virtual system 'reader'"
    platform.destroy_system(changes.DestroySystem(changes.SystemRef("web", web.uuid)))
    with pytest.raises(Conflict, match="reader"):
        platform.return_to_storage_pool(changes.ReturnToStoragePool(element))


def test_storage_is_given_back_inside_and_outside_of_pools(platform, host, pool, connection):
    folder = host.images / "plain"
    folder.mkdir()
    outside = image(folder / "outside.qcow2")
    keep = image(folder / "keep.qcow2")
    web = define(platform, "web", disk(pool), disk(None, "out", size=None, host_resource=(outside,)))
    elements = platform.storage_of(web)
    with pytest.raises(Conflict, match="web"):
        platform.return_to_storage_pool(changes.ReturnToStoragePool(elements[0]))
    platform.destroy_system(changes.DestroySystem(changes.SystemRef("web", web.uuid)))
    for element in elements:
        platform.return_to_storage_pool(changes.ReturnToStoragePool(element))
        platform.return_to_storage_pool(changes.ReturnToStoragePool(element))  # gone already
    assert files(host.images / pool) == []
    assert files(folder) == ["keep.qcow2"]
    assert keep
    assert not [each.name() for each in connection.listAllStoragePools() if each.name().startswith("svpc-")]
    with pytest.raises(NotSupported, match="/dev/loop77"):
        platform.return_to_storage_pool(changes.ReturnToStoragePool(StorageElement("/dev/loop77")))


def test_the_files_of_snapshots_belong_to_the_system(platform, host, pool):
    web = request(platform, define(platform, "web", disk(pool)), RequestedState.ENABLED)
    ref = changes.SystemRef(web.name, web.uuid)
    platform.create_snapshot(changes.CreateSnapshot(ref, "one", SnapshotType.DISK))
    web = request(platform, platform.virtual_system("web"), RequestedState.DISABLED)
    elements = platform.storage_of(web)
    assert [(element.volume, element.kept_because) for element in elements] == [
        ("web-root.one.qcow2", None),
        ("web-root.qcow2", None),
    ]
    platform.destroy_system(changes.DestroySystem(ref, web.snapshots, web.belongings))
    for element in elements:
        platform.return_to_storage_pool(changes.ReturnToStoragePool(element))
    assert files(host.images / pool) == []
