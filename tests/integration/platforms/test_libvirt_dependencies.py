# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real libvirt host: a disk has errors, which virtual systems would fail?"""

from __future__ import annotations

import os
from typing import Any

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.task import dependencies
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from tests.integration.platforms.libvirt_systems import adapter, define, disk, request

pytestmark = pytest.mark.libvirt

MIB = 2**20


@pytest.fixture
def ask(host):
    """Asks the module's task."""

    def call(*resource, **more):
        params = {"uri": host.uri, "resource": list(resource) or None, **more}
        return dependencies.resource_dependency_info(Task(params))

    return call


def names(found):
    return sorted(system["name"] for system in found["virtual_systems"])


def path_of(found, name):
    return next(system["path"] for system in found["virtual_systems"] if system["name"] == name)


def volume(connection, pool, name, backing=None):
    """A volume of 16 MiB, on another one or not."""
    chain = f"<backingStore><path>{backing}</path><format type='qcow2'/></backingStore>" if backing else ""
    return (
        connection.storagePoolLookupByName(pool)
        .createXML(
            f"<volume><name>{name}</name><capacity unit='MiB'>16</capacity>"
            f"<target><format type='qcow2'/></target>{chain}</volume>"
        )
        .path()
    )


def test_a_backing_chain_of_a_pool_leads_to_the_systems_above_it(platform, pool, connection, ask):
    base = volume(connection, pool, "base.qcow2")
    middle = volume(connection, pool, "middle.qcow2", base)
    top = volume(connection, pool, "top.qcow2", middle)
    other = volume(connection, pool, "other.qcow2")
    define(platform, "above", disk(pool, host_resource=(top,), size=None))
    define(platform, "beside", disk(pool, host_resource=(other,), size=None))
    found = ask(base, direction="dependents")
    assert names(found) == ["above"]
    assert path_of(found, "above") == [base, middle, top, "virtual_system:above"]
    assert names(ask(f"{pool}/middle.qcow2")) == ["above"]
    down = ask("above", direction="antecedents")
    assert [
        each for each in (top, middle, base, f"resource_pool:disk_drive/{pool}") if each in down["antecedents"]
    ] == [
        top,
        middle,
        base,
        f"resource_pool:disk_drive/{pool}",
    ]
    assert names(ask(pool)) == ["above", "beside"]


def test_a_running_system_s_chain_outside_every_pool_is_seen_and_otherwise_said_to_be_unknown(
    platform, host, connection, ask
):
    folder = host.images / "outside"
    folder.mkdir(exist_ok=True)
    base, top = folder / "base.qcow2", folder / "top.qcow2"
    host.run(["qemu-img", "create", "-q", "-f", "qcow2", base, "16M"])
    host.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", top])
    system = define(platform, "outside", disk(None, host_resource=(str(top),), size=None, settings={"format": "qcow2"}))
    off = ask("outside")
    assert str(base) not in off["antecedents"]
    assert any(str(top) in each["reason"] for each in off["incomplete"])
    request(platform, system, RequestedState.ENABLED)
    found = ask(str(base))
    assert names(found) == ["outside"]
    assert found["virtual_systems"][0]["running"] is True


def test_a_network_and_its_bridge_lead_to_the_systems_on_them(platform, network, ask):
    define(platform, "inside", adapter(network))
    define(platform, "direct", adapter("bridge:lab0"))
    found = ask(network)
    assert names(found) == ["direct", "inside"]
    assert path_of(found, "direct") == [
        f"resource_pool:ethernet_adapter/{network}",
        "network_interface:lab0",
        "virtual_system:direct",
    ]
    assert names(ask("lab0")) == ["direct"]


def test_adapters_on_a_bridge_of_the_host(platform, host, connection, ask):
    """NIC, bridge, network, system: libvirt sees the ports of a bridge, and facts of the host tell them otherwise."""
    host.run(["ip", "tuntap", "add", "dev", "nic0", "mode", "tap"])
    host.run(["ip", "link", "add", "hostbr", "type", "bridge"])
    host.run(["ip", "link", "set", "nic0", "master", "hostbr"])
    xml = "<network><name>office</name><forward mode='bridge'/><bridge name='hostbr'/></network>"
    office = connection.networkDefineXML(xml)
    office.create()
    try:
        define(platform, "clerk", adapter("office"))
        facts = {
            "interfaces": ["lo", "nic0", "hostbr"],
            "hostbr": {"device": "hostbr", "type": "bridge", "interfaces": ["nic0"]},
            "nic0": {"device": "nic0", "type": "ether"},
        }
        found = ask("nic0", host_facts=facts)
        assert path_of(found, "clerk") == [
            "network_interface:nic0",
            "network_interface:hostbr",
            "resource_pool:ethernet_adapter/office",
            "virtual_system:clerk",
        ]
        # libvirt's own view of the interfaces, where it has one, says the same, or says that it does not know.
        alone = ask("hostbr")
        assert names(alone) == ["clerk"]
        known = "network_interface:nic0" in alone["antecedents"]
        assert known or [each["id"] for each in alone["incomplete"]] == ["network_interface:hostbr"]
    finally:
        office.destroy()
        office.undefine()
        host.run(["ip", "link", "del", "hostbr"])
        host.run(["ip", "link", "del", "nic0"])


@pytest.mark.skipif(not os.path.exists("/dev/loop-control"), reason="the kernel has no loop devices")
def test_which_systems_does_this_disk_hit(platform, host, pool, connection, ask):
    """Disk, file system of a pool, base image, overlay, system; and what lies elsewhere is not hit."""
    image = host.images / "disk.img"
    image.write_bytes(b"")
    os.truncate(image, 96 * MIB)
    device = host.run(["losetup", "--find", "--show", image]).stdout.strip()
    mounted = host.images / "on-disk"
    mounted.mkdir(exist_ok=True)
    failing = connection.storagePoolDefineXML(
        f"<pool type='fs'><name>on-disk</name><source><device path='{device}'/><format type='ext4'/></source>"
        f"<target><path>{mounted}</path></target></pool>"
    )
    failing.build(libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
    failing.create()
    try:
        base = volume(connection, "on-disk", "base.qcow2")
        top = volume(connection, pool, "on-base.qcow2", base)
        define(platform, "hit", disk(pool, host_resource=(top,), size=None))
        define(platform, "safe", disk(pool, name="safe"))
        found = ask(device, direction="dependents")
        assert names(found) == ["hit"]
        assert path_of(found, "hit") == [
            device,
            "resource_pool:disk_drive/on-disk",
            base,
            top,
            "virtual_system:hit",
        ]
        hidden = {each["id"]: each["virtual_systems"] for each in found["incomplete"]}
        folder = str(host.images / pool)
        assert hidden[folder] == ["safe"]
        facts: dict[str, Any] = {"mounts": [{"mount": folder, "device": device, "fstype": "ext4"}]}
        assert names(ask(device, host_facts=facts)) == ["hit", "safe"]
        facts = {"mounts": [{"mount": "/", "device": "/dev/vda1", "fstype": "ext4"}], "devices": {"vda": {}}}
        clear = ask(device, direction="dependents", host_facts=facts)
        assert names(clear) == ["hit"]
        assert folder not in {each["id"] for each in clear["incomplete"]}
    finally:
        for each in connection.listAllDomains():
            each.undefine()
        failing.destroy()
        failing.undefine()
        host.run(["losetup", "--detach", device])


def test_a_disk_snapshot_s_files_are_needed(platform, pool, connection, ask):
    define(platform, "shot", disk(pool, name="root"))
    domain = connection.lookupByName("shot")
    before = next(each for each in platform.virtual_system("shot").defined.resources if each.name == "root")
    domain.snapshotCreateXML(
        "<domainsnapshot><name>one</name></domainsnapshot>", libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    )
    found = ask(before.host_resource[0])
    assert names(found) == ["shot"]
    assert "snapshot 'one'" in found["virtual_systems"][0]["resources"]


def test_the_devices_of_the_host_are_found_by_every_name(connection, ask):
    found = ask()
    ids = {element["id"] for element in found["elements"]}
    devices = [each for each in connection.listAllDevices() if each.name() != "computer"]
    assert devices, "libvirt lists at least the loopback interface"
    for each in devices:
        assert set(ask(each.name())["asked"]) <= ids


def test_a_host_without_devices_and_interfaces_answers_as_far_as_it_can():
    found = dependencies.resource_dependency_info(
        Task({"uri": "test:///default", "resource": ["test"], "direction": "antecedents"})
    )
    assert found["asked"] == ["virtual_system:test"]
