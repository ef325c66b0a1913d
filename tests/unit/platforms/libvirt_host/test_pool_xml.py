# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage pools: documents as libvirt writes them, read, written and edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import STORAGE_POOL_SETTINGS, ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import pool_xml
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_pools import (
    parent_of,
    read_volume,
    related,
)

POOLS = Path(__file__).with_name("pools")

READ: dict[str, tuple[tuple[str, ...] | None, dict[str, str]]] = {
    "dir": (("/srv/images",), {"target_path": "/srv/images"}),
    "fs": (("/dev/sdb1",), {"target_path": "/srv/scratch", "source_format": "ext4"}),
    "netfs": (
        ("nas.example:/export/images",),
        {
            "source_host": "nas.example",
            "source_path": "/export/images",
            "target_path": "/srv/shared",
            "source_format": "nfs",
        },
    ),
    "logical": (
        ("/dev/sdb", "/dev/sdc"),
        {"source_name": "vg0", "target_path": "/dev/vg0", "source_format": "lvm2"},
    ),
    "disk": (("/dev/sdd",), {"target_path": "/dev", "source_format": "gpt"}),
    "iscsi": (
        None,
        {
            "source_host": "san.example:3260",
            "source_name": "iqn.2026-01.example:disks",
            "target_path": "/dev/disk/by-path",
        },
    ),
    "iscsi-direct": (
        ("iqn.2026-01.example:host",),
        {"source_host": "san.example:3260", "source_name": "iqn.2026-01.example:disks"},
    ),
    "scsi": (("scsi_host2",), {"target_path": "/dev/disk/by-path"}),
    "mpath": (None, {"target_path": "/dev/mapper"}),
    "rbd": (None, {"source_host": "mon1:6789,mon2:6789", "source_name": "rbd"}),
    "gluster": (None, {"source_host": "glu1", "source_name": "gv0", "source_path": "/vms"}),
    "zfs": (("/dev/sde",), {"source_name": "tank/vms", "target_path": "/dev/zvol/tank/vms"}),
    "vstorage": (None, {"source_name": "cluster", "target_path": "/srv/vst"}),
}


def document(kind: str) -> str:
    return (POOLS / f"{kind}.xml").read_text()


def declared(kind: str, host_resource: tuple[str, ...] | None = None, **settings: object) -> ResourcePool:
    return ResourcePool("p", ResourceType.DISK_DRIVE, kind, host_resource=host_resource, settings=settings)


def test_every_kind_has_a_document_of_libvirt():
    assert {path.stem for path in POOLS.glob("*.xml")} == set(pool_xml.STORAGE_KINDS) == set(READ)


@pytest.mark.parametrize("kind", sorted(READ))
def test_a_kind_is_read(kind):
    pool = pool_xml.read_pool(document(kind))
    assert (pool.resource_sub_type, pool.host_resource, pool.settings) == (kind, *READ[kind])
    assert pool.uuid == pool.instance_id
    assert pool.capacity is None
    assert pool.active is None


@pytest.mark.parametrize("kind", sorted(READ))
def test_what_is_read_can_be_declared_again(kind):
    pool = pool_xml.read_pool(document(kind))
    again = pool_xml.read_pool(pool_xml.new_pool_xml(pool))
    assert (again.pool_id, again.uuid) == (pool.pool_id, pool.uuid)
    assert (again.resource_sub_type, again.host_resource, again.settings) == (kind, *READ[kind])


@pytest.mark.parametrize("kind", sorted(READ))
def test_editing_nothing_changes_nothing(kind):
    assert pool_xml.edit_pool_xml(document(kind), {}) == document(kind)


@pytest.mark.parametrize("kind", sorted(READ))
def test_every_property_that_may_change_does_and_nothing_else(kind):
    capabilities = pool_xml.storage_capabilities([kind])[(ResourceType.DISK_DRIVE, kind)]
    before = pool_xml.read_pool(document(kind))
    for name in capabilities.stopped:
        setting = name.removeprefix("settings.")
        old = before.settings.get(setting) if name != "host_resource" else before.host_resource
        new = {"host_resource": ("/dev/other",), "settings.target_path": "/other"}.get(name, "other")
        xml = pool_xml.edit_pool_xml(document(kind), {name: (old, new)})
        after = pool_xml.properties_of(pool_xml.read_pool(xml))
        assert after == {**pool_xml.properties_of(before), name: new, **_also(kind, name, new)}
        assert pool_xml.edit_pool_xml(xml, {name: (new, old)}).split() == document(kind).split()


def _also(kind, name, new):
    """What else says the same."""
    return {"host_resource": (f"{new}:/export/images",)} if (kind, name) == ("netfs", "settings.source_host") else {}


@pytest.mark.parametrize("kind", sorted(READ))
def test_every_property_is_in_exactly_one_list(kind):
    can = pool_xml.storage_capabilities([kind])[(ResourceType.DISK_DRIVE, kind)]
    lists = [can.live, can.stopped, can.making, can.unseen, can.fixed, can.unsupported]
    named = [name for names in lists for name in names]
    assert len(named) == len(set(named))
    assert set(named) == {
        "automatic_startup",
        "host_resource",
        "parent",
        "resource_sub_type",
        *(f"settings.{name}" for name in STORAGE_POOL_SETTINGS),
    }


@pytest.mark.parametrize("kind", sorted(READ))
def test_what_a_kind_requires_it_also_has(kind):
    can = pool_xml.storage_capabilities([kind])[(ResourceType.DISK_DRIVE, kind)]
    for group in can.required:
        assert not set(group) & set(can.unsupported)


def test_figures_come_from_info_while_the_pool_is_active():
    active = pool_xml.read_pool(document("logical"), [2, 100, 30, 70])
    assert (active.active, active.capacity, active.reserved, active.max_consumable_resource) == (True, 100, 30, 100)
    inactive = pool_xml.read_pool(document("logical"), [0, 0, 0, 0])
    assert (inactive.active, inactive.capacity, inactive.reserved) == (False, None, None)


def test_more_than_there_is_can_be_presented_where_files_grow():
    assert pool_xml.read_pool(document("dir"), [2, 100, 30, 70]).max_consumable_resource is None


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (declared("dir"), "needs host_resource or target_path"),
        (declared("fs", ("/dev/sdb1",)), "needs target_path"),
        (declared("netfs", target_path="/srv"), "needs host_resource or source_host"),
        (declared("rbd", source_host="mon"), "needs source_name"),
        (declared("sheepdog"), "allowed are dir, disk"),
        (declared("dir", ("/a", "/b")), "would be kept as"),
        (declared("dir", ("/a",), target_path="/b"), "contradicts another property"),
    ],
)
def test_what_cannot_be_made_says_what_is_wrong(pool, words):
    with pytest.raises(errors.InvalidInput, match=words):
        pool_xml.new_pool_xml(pool)


def test_a_setting_the_kind_does_not_have_is_refused():
    with pytest.raises(errors.NotSupported, match="source_name: a pool of kind 'dir' has no such property"):
        pool_xml.new_pool_xml(declared("dir", ("/a",), source_name="x"))


def test_what_libvirt_chooses_need_not_be_given():
    assert "<path>/dev</path>" in pool_xml.new_pool_xml(declared("disk", ("/dev/sdd",)))
    assert "<target>" not in pool_xml.new_pool_xml(declared("logical"))


def test_a_fibre_channel_port_is_named_by_its_two_numbers():
    xml = pool_xml.new_pool_xml(declared("scsi", ("20000000c9831b4b:10000000c9831b4b",)))
    assert 'type="fc_host" wwnn="20000000c9831b4b" wwpn="10000000c9831b4b"' in xml
    assert pool_xml.read_pool(xml).host_resource == ("20000000c9831b4b:10000000c9831b4b",)


def test_ipv6_servers_keep_their_ports_apart():
    pool = declared("iscsi", source_host="[fd00::1]:3260", source_name="iqn")
    xml = pool_xml.new_pool_xml(pool)
    assert 'name="fd00::1" port="3260"' in xml
    assert pool_xml.read_pool(xml).settings["source_host"] == "[fd00::1]:3260"


def test_what_nobody_named_survives_an_edit():
    xml = pool_xml.edit_pool_xml(document("rbd"), {"settings.source_host": ("mon1:6789,mon2:6789", "mon3")})
    assert "<secret uuid='2ec115d7-3a88-3ceb-bc12-0ac909a6fd87'/>" in xml
    assert pool_xml.read_pool(xml).settings["source_host"] == "mon3"
    xml = pool_xml.edit_pool_xml(document("vstorage"), {"settings.target_path": ("/srv/vst", "/srv/other")})
    assert xml == document("vstorage").replace("/srv/vst", "/srv/other")


def test_what_changed_meanwhile_is_a_conflict():
    with pytest.raises(errors.Conflict, match="was '/elsewhere' when the change was planned"):
        pool_xml.edit_pool_xml(document("fs"), {"settings.target_path": ("/elsewhere", "/new")})


@pytest.mark.parametrize(("kind", "name"), [("dir", "host_resource"), ("logical", "settings.source_name")])
def test_which_storage_a_pool_is_cannot_change(kind, name):
    with pytest.raises(errors.NotSupported, match="deleting a pool keeps what is in it"):
        pool_xml.edit_pool_xml(document(kind), {name: (None, "other")})


def test_building_is_nothing_to_edit():
    assert pool_xml.edit_pool_xml(document("fs"), {"settings.build": (None, True)}) == document("fs")


def test_a_kind_without_row_is_shown():
    pool = pool_xml.read_pool("<pool type='sheepdog'><name>s</name></pool>")
    assert (pool.resource_sub_type, pool.settings) == ("sheepdog", {})


def test_a_document_that_is_none_is_an_error():
    with pytest.raises(errors.HostFailed, match="a storage pool in a document that cannot be read"):
        pool_xml.read_pool("<pool")


def test_formats_the_host_knows_are_the_words():
    can = pool_xml.storage_capabilities(["fs", "dir"], {"fs": ("auto", "ext4")})
    assert can[(ResourceType.DISK_DRIVE, "fs")].words == {"settings.source_format": ("auto", "ext4")}
    assert can[(ResourceType.DISK_DRIVE, "dir")].words == {}


def test_a_pool_lies_in_the_nearest_pool_around_it():
    def folder(name, path):
        return ResourcePool(name, ResourceType.DISK_DRIVE, "dir", host_resource=(path,), settings={"target_path": path})

    outer, inner, deep = folder("outer", "/srv"), folder("inner", "/srv/a"), folder("deep", "/srv/a/b")
    beside = folder("beside", "/srv2")
    family = {pool.pool_id: pool for pool in related([outer, inner, deep, beside])}
    assert {name: pool.parent for name, pool in family.items()} == {
        "outer": "storage",
        "inner": "outer",
        "deep": "inner",
        "beside": "storage",
    }
    assert family["outer"].children == ("inner",)


def test_a_file_system_on_a_logical_volume_lies_in_its_group():
    group = pool_xml.read_pool(document("logical"))
    inside = declared("fs", ("/dev/vg0/data",), target_path="/srv")
    outside = declared("fs", ("/dev/vg00/data",), target_path="/srv")
    assert parent_of(inside, [group]) == "fast"
    assert parent_of(outside, [group]) == "storage"


def test_a_partition_lies_in_the_pool_that_has_it_as_volume():
    disk = pool_xml.read_pool(document("disk"))
    partition = declared("fs", ("/dev/sdd1",), target_path="/srv")
    assert parent_of(partition, [disk]) == "storage"  # everything lies below /dev
    known = ResourcePool("parts", ResourceType.DISK_DRIVE, "disk", members=({"path": "/dev/sdd1"},))
    assert parent_of(partition, [known]) == "parts"


def test_a_volume_is_read():
    xml = """<volume type='file'><name>a.qcow2</name><capacity unit='bytes'>1024</capacity>
      <allocation unit='bytes'>512</allocation>
      <target><path>/srv/a.qcow2</path><format type='qcow2'/></target>
      <backingStore><path>/srv/base.img</path><format type='raw'/></backingStore></volume>"""
    assert read_volume(xml) == {
        "name": "a.qcow2",
        "path": "/srv/a.qcow2",
        "capacity": 1024,
        "allocation": 512,
        "format": "qcow2",
        "backing_store": "/srv/base.img",
    }
