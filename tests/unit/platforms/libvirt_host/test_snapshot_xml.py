# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kind of snapshot can hold what is asked for, on which libvirt."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.snapshot_xml import (
    PLUGGED_INTERNAL,
    Decision,
    Disk,
    Request,
    Subject,
    cannot_be_loaded,
    decide,
    overlay,
    parents_first,
    read_snapshot,
    read_subject,
    snapshot_xml,
    version_words,
)

OLD, NEW, NEWEST = 9_000_000, 9_009_000, 10_010_000
FULL, DISK = SnapshotType.FULL, SnapshotType.DISK
ON, PAUSED, OFF = SystemState.ACTIVE, SystemState.PAUSED, SystemState.DEFINED
QCOW2 = Disk("vda", "qcow2", path="/images/web-root.qcow2")
RAW = Disk("vdb", "raw", path="/images/web-log.raw")
BLOCK = Disk("vdc", "raw", "block", "/dev/vg/log")
MEDIUM = Disk("sda", "raw", path="/iso/install.iso", writable=False)
PLUGGED = "<vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='yes' hotpluggable='yes'/>"
UNPLUGGED = "<vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='no' hotpluggable='yes'/>"
INTERNAL, INTERNAL_MEMORY = Decision(False, False), Decision(False, True)
EXTERNAL, EXTERNAL_MEMORY = Decision(True, False), Decision(True, True)


def subject(*disks, state=ON, **more):
    return Subject("web", state, disks, **more)


@pytest.mark.parametrize(
    ("system", "kind", "version", "expected"),
    [
        (subject(QCOW2, MEDIUM), FULL, OLD, INTERNAL_MEMORY),
        (subject(QCOW2, state=PAUSED), FULL, OLD, INTERNAL_MEMORY),
        (subject(QCOW2, state=OFF), FULL, OLD, INTERNAL),
        (subject(QCOW2, state=OFF), DISK, OLD, INTERNAL),
        (subject(QCOW2), DISK, OLD, EXTERNAL),
        (subject(QCOW2, RAW), DISK, OLD, EXTERNAL),
        (subject(RAW, state=OFF), DISK, OLD, EXTERNAL),
        (subject(RAW), FULL, NEW, EXTERNAL_MEMORY),
        (subject(RAW, state=OFF), FULL, NEW, EXTERNAL),
        (subject(QCOW2, firmware=True), FULL, NEW, EXTERNAL_MEMORY),
        (subject(QCOW2, firmware=True, state=OFF), DISK, OLD, INTERNAL),
        (subject(QCOW2, firmware=True, state=OFF), DISK, NEW, EXTERNAL),
        (subject(QCOW2, firmware=True), FULL, NEWEST, EXTERNAL_MEMORY),
        (subject(QCOW2, firmware=True, variables_format="qcow2"), FULL, NEWEST, INTERNAL_MEMORY),
        (subject(QCOW2, plugged_processors=True), FULL, NEW, EXTERNAL_MEMORY),
        (subject(QCOW2, plugged_processors=True), FULL, PLUGGED_INTERNAL, INTERNAL_MEMORY),
        (subject(QCOW2, plugged_processors=True), DISK, OLD, EXTERNAL),
        (subject(QCOW2, plugged_processors=True, state=OFF), FULL, OLD, INTERNAL),
    ],
)
def test_decisions(system, kind, version, expected):
    assert decide(system, Request("one", kind), version) == expected


@pytest.mark.parametrize(
    ("system", "request_", "error", "words"),
    [
        (subject(RAW), Request("one", FULL), NotSupported, r"vdb has the format raw.*9\.0\.0.*9\.9\.0"),
        (subject(QCOW2, firmware=True), Request("one", FULL), NotSupported, r"UEFI.*10\.10\.0.*9\.0\.0"),
        (subject(QCOW2, firmware=True, state=OFF), Request("one", FULL), NotSupported, "UEFI"),
        (subject(QCOW2, plugged_processors=True), Request("one", FULL), NotSupported, r"plugged in.*11\.0\.0.*9\.0\.0"),
        (subject(MEDIUM), Request("one", FULL), NotSupported, "no disk"),
        (subject(BLOCK), Request("one", DISK), NotSupported, "vdc is not a file"),
        (subject(QCOW2, state=SystemState.SUSPENDED), Request("one", FULL), Conflict, "suspended"),
        (subject(QCOW2, state=SystemState.SLEEPING), Request("one", FULL), Conflict, "sleeping"),
    ],
)
def test_refusals(system, request_, error, words):
    with pytest.raises(error, match=words):
        decide(system, request_, OLD)


def test_quiescing_concerns_running_systems_only():
    assert decide(subject(QCOW2), Request("one", DISK, quiesce=True), OLD).quiesce
    assert not decide(subject(QCOW2, state=OFF), Request("one", DISK, quiesce=True), OLD).quiesce


def test_documents():
    system = subject(QCOW2, MEDIUM)
    assert snapshot_xml(system, Request("a/b", FULL, "text"), INTERNAL_MEMORY) == (
        '<domainsnapshot><name>a/b</name><description>text</description><memory snapshot="internal" />'
        '<disks><disk name="vda" snapshot="internal" /><disk name="sda" snapshot="no" /></disks></domainsnapshot>'
    )
    assert snapshot_xml(system, Request("a/b", FULL), EXTERNAL_MEMORY) == (
        '<domainsnapshot><name>a/b</name><memory snapshot="external" file="/images/web.a_b.memory" />'
        '<disks><disk name="vda" snapshot="external"><driver type="qcow2" />'
        '<source file="/images/web-root.a_b.qcow2" /></disk><disk name="sda" snapshot="no" /></disks></domainsnapshot>'
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/i/web.qcow2", "/i/web.one.qcow2"),
        ("/i/web", "/i/web.one.qcow2"),
        ("/i/web.v2", "/i/web.v2.one.qcow2"),
        ("/i/web.raw", "/i/web.one.qcow2"),
    ],
)
def test_overlays_lie_beside_their_disk(path, expected):
    assert overlay(path, "one") == expected


SNAPSHOT = """<domainsnapshot><name>{name}</name>{parent}<creationTime>{created}</creationTime><state>{state}</state>
<memory snapshot='{memory}'/><disks><disk name='vda' snapshot='{disk}'/></disks></domainsnapshot>"""


@pytest.mark.parametrize(
    ("state", "memory", "disk", "kind", "system_state", "storage"),
    [
        ("running", "internal", "internal", FULL, ON, "internal"),
        ("paused", "external", "external", FULL, PAUSED, "external"),
        ("shutoff", "no", "internal", None, OFF, "internal"),
        ("disk-snapshot", "no", "external", DISK, ON, "external"),
    ],
)
def test_reading(state, memory, disk, kind, system_state, storage):
    parent = "<parent><name>zero</name></parent>"
    text = SNAPSHOT.format(name="one", parent=parent, created=17, state=state, memory=memory, disk=disk)
    assert read_snapshot(text, "one") == Snapshot("one", kind, None, 17, "zero", True, system_state, storage)
    assert not read_snapshot(text, None).is_current


def test_parents_come_first():
    made = [Snapshot("c", created=1, parent="b"), Snapshot("b", created=2, parent="a"), Snapshot("a", created=3)]
    made += [Snapshot("orphan", created=4, parent="gone"), Snapshot("x", parent="y"), Snapshot("y", parent="x")]
    assert [snapshot.name for snapshot in parents_first(made)] == ["a", "orphan", "b", "c", "x", "y"]


@pytest.mark.parametrize(
    ("processors", "memory", "version", "lost"),
    [
        (PLUGGED, "internal", OLD, True),
        (PLUGGED, "external", OLD, False),
        (PLUGGED, "no", OLD, False),
        (
            PLUGGED,
            "internal",
            PLUGGED_INTERNAL,
            False,
        ),
        (UNPLUGGED, "internal", OLD, False),
    ],
)
def test_memory_that_can_be_loaded_only_into_what_is_there_from_the_beginning(processors, memory, version, lost):
    domain = f"<domain><name>web</name><os/><vcpus>{processors}</vcpus></domain>"
    snapshot = ElementTree.fromstring(f"<domainsnapshot><memory snapshot='{memory}'/>{domain}</domainsnapshot>")
    assert cannot_be_loaded(snapshot, version) is lost
    assert read_subject(domain, ON).plugged_processors is (processors == PLUGGED)


def test_what_a_domain_says():
    text = """<domain><name>web</name><os firmware='efi'><type>hvm</type></os><devices>
    <disk type='file' device='disk'><driver type='qcow2'/><source file='/i/a'/><target dev='vda'/></disk>
    <disk type='file' device='disk'><source file='/i/b'/><target dev='vdb'/><readonly/></disk>
    <disk type='block' device='lun'><source dev='/dev/x'/><target dev='sdb'/></disk>
    <disk type='file' device='cdrom'><target dev='sda'/></disk></devices></domain>"""
    system = read_subject(text, ON)
    assert system.firmware
    assert system.disks == (
        Disk("vda", "qcow2", "file", "/i/a"),
        Disk("vdb", "raw", "file", "/i/b", writable=False),
        Disk("sdb", "raw", "block", "/dev/x"),
        Disk("sda", "raw", "file", None, writable=False),
    )
    assert version_words(10_010_002) == "10.10.2"
