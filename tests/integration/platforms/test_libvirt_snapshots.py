# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots on a real libvirt host."""

from __future__ import annotations

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    NotFound,
    NotSupported,
    Refused,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType, by_name
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes

from .libvirt_systems import define, disk, guest_settings, request, wait_booted

pytestmark = pytest.mark.libvirt

FULL, DISK = SnapshotType.FULL, SnapshotType.DISK
ENABLED, DISABLED = RequestedState.ENABLED, RequestedState.DISABLED


def ref(system):
    return changes.SystemRef(system.name, system.uuid)


def take(platform, system, name, kind=FULL, **more):
    platform.create_snapshot(changes.CreateSnapshot(ref(system), name, kind, **more))
    return platform.snapshots(ref(system))


def tree(platform, system):
    return {snapshot.name: (snapshot.parent, snapshot.is_current) for snapshot in platform.snapshots(ref(system))}


def test_a_tree_of_full_snapshots(platform, pool):
    db = request(platform, define(platform, "db", disk(pool)), ENABLED)
    (one,) = take(platform, db, "one", description="the first")
    assert (one.snapshot_type, one.description, one.storage) == (FULL, "the first", "internal")
    assert one.virtual_system_state is SystemState.ACTIVE
    assert one.created > 1_500_000_000
    with pytest.raises(Conflict, match="one"):
        take(platform, db, "one")
    take(platform, db, "two")
    platform.apply_snapshot(changes.ApplySnapshot(ref(db), "one"))
    assert platform.virtual_system("db").state is SystemState.ACTIVE
    take(platform, db, "three")
    take(platform, db, "four")
    assert tree(platform, db) == {
        "one": (None, False),
        "two": ("one", False),
        "three": ("one", False),
        "four": ("three", True),
    }
    with pytest.raises(Conflict, match="two"):
        platform.destroy_snapshot(changes.DestroySnapshot(ref(db), "one", ("four", "three")))
    platform.destroy_snapshot(changes.DestroySnapshot(ref(db), "three"))
    assert tree(platform, db) == {"one": (None, False), "two": ("one", False), "four": ("one", True)}
    platform.destroy_snapshot(changes.DestroySnapshot(ref(db), "one", ("two", "four")))
    assert tree(platform, db) == {}
    for missing in (changes.ApplySnapshot(ref(db), "one"), changes.DestroySnapshot(ref(db), "one")):
        with pytest.raises(NotFound, match="'one'"):
            platform.carry_out(missing)
    with pytest.raises(NotFound, match="nosuch"):
        platform.snapshots(changes.SystemRef("nosuch"))


def test_the_state_returns_with_the_snapshot(platform, pool):
    db = define(platform, "db", disk(pool))
    (off,) = take(platform, db, "off")
    assert (off.virtual_system_state, off.snapshot_type, off.storage) == (SystemState.DEFINED, None, "internal")
    request(platform, db, ENABLED)
    request(platform, db, RequestedState.QUIESCE)
    take(platform, db, "paused")
    platform.apply_snapshot(changes.ApplySnapshot(ref(db), "off"))
    assert platform.virtual_system("db").state is SystemState.DEFINED
    platform.apply_snapshot(changes.ApplySnapshot(ref(db), "paused"))
    assert platform.virtual_system("db").state is SystemState.PAUSED


def test_a_saved_state_does_not_outlive_its_disks(platform, pool):
    db = define(platform, "db", disk(pool))
    take(platform, db, "off", DISK)
    request(platform, db, ENABLED)
    request(platform, db, RequestedState.OFFLINE)
    with pytest.raises(Conflict, match="suspended"):
        take(platform, db, "later")
    platform.apply_snapshot(changes.ApplySnapshot(ref(db), "off"))
    assert platform.virtual_system("db").state is SystemState.DEFINED


def test_disk_snapshot_of_a_running_system_and_its_limits(platform, pool, host):
    db = request(platform, define(platform, "db", disk(pool)), ENABLED)
    (one,) = take(platform, db, "one", DISK)
    assert (one.snapshot_type, one.storage) == (DISK, "external")
    folder = host.images / pool
    assert (folder / "db-root.one.qcow2").exists()
    assert platform.virtual_system("db").running.resources[2].host_resource == (str(folder / "db-root.one.qcow2"),)
    assert platform.virtual_system("db").running.resources[2].pool_id == pool
    with pytest.raises(NotSupported, match=r"9\.0\.0.*9\.9\.0"):
        platform.apply_snapshot(changes.ApplySnapshot(ref(db), "one"))
    (folder / "db-root.one.two.qcow2").write_text("precious")
    with pytest.raises(VirtError, match="exist"):
        take(platform, db, "two", DISK)
    assert (folder / "db-root.one.two.qcow2").read_text() == "precious"
    platform.destroy_snapshot(changes.DestroySnapshot(ref(db), "one"))
    assert tree(platform, db) == {}


def test_files_of_snapshots_are_not_ruined(platform, pool, host):
    db = request(platform, define(platform, "db", disk(pool)), ENABLED)
    take(platform, db, "one")
    with pytest.raises(NotSupported, match=r"above 'one'.*neither apply nor destroy"):
        take(platform, db, "two", DISK)
    domain = platform.session.connection.lookupByName("db")
    domain.snapshotCreateXML("<domainsnapshot><name>two</name></domainsnapshot>", 16)  # disk only, by other hands
    with pytest.raises(Refused, match="below the files of two"):
        platform.apply_snapshot(changes.ApplySnapshot(ref(db), "one"))
    assert tree(platform, db) == {"one": (None, False), "two": ("one", True)}


def test_memory_that_this_host_could_not_load_is_neither_kept_nor_loaded(platform, pool):
    """libvirt would end the guest first, and find out then that it cannot go on with the processors it had."""
    db = request(platform, define(platform, "db", disk(pool)), ENABLED)
    take(platform, db, "before")
    domain = platform.session.connection.lookupByName("db")
    domain.setVcpusFlags(2, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    with pytest.raises(NotSupported, match=r"processors were plugged in while it ran.*11\.0\.0"):
        take(platform, db, "after")
    domain.snapshotCreateXML("<domainsnapshot><name>after</name></domainsnapshot>")  # by other hands
    with pytest.raises(NotSupported, match="cannot load its memory"):
        platform.apply_snapshot(changes.ApplySnapshot(ref(db), "after"))
    assert platform.virtual_system("db").state is SystemState.ACTIVE
    platform.apply_snapshot(changes.ApplySnapshot(ref(db), "before"))
    assert platform.virtual_system("db").state is SystemState.ACTIVE
    assert platform.virtual_system("db").running.resources[0].virtual_quantity == 1


def test_what_this_host_cannot_take_is_refused_before_anything_is_touched(platform, pool, host):
    raw = request(platform, define(platform, "raw", disk(pool, settings={"format": "raw"})), ENABLED)
    with pytest.raises(NotSupported, match=r"vda has the format raw.*9\.0\.0.*9\.9\.0"):
        take(platform, raw, "one")
    uefi = request(platform, define(platform, "uefi", disk(pool), firmware="uefi"), ENABLED)
    with pytest.raises(NotSupported, match=r"UEFI.*10\.10\.0"):
        take(platform, uefi, "one")
    bare = define(platform, "bare")
    with pytest.raises(NotSupported, match="no disk"):
        take(platform, bare, "one")
    with pytest.raises(NotSupported, match="guest agent does not answer"):
        take(platform, raw, "one", DISK, quiesce=True)
    for system in (raw, uefi, bare):
        assert tree(platform, system) == {}
    assert sorted(path.name for path in (host.images / pool).iterdir()) == ["raw-root.raw", "uefi-root.qcow2"]


def test_the_guest_is_as_it_was(platform, host, pool):
    guest = define(platform, "guest", disk(pool), **guest_settings(host, "guest"))
    guest = request(platform, guest, ENABLED)
    wait_booted(host, "guest", lambda report: report.up > 2)
    take(platform, guest, "booted")
    up = wait_booted(host, "guest", lambda report: report.up > 5).up
    platform.apply_snapshot(changes.ApplySnapshot(ref(guest), "booted"))
    assert platform.virtual_system("guest").state is SystemState.ACTIVE
    assert up > 5
    assert by_name(platform.snapshots(ref(guest)))["booted"].is_current
