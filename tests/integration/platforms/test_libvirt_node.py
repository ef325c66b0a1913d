# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real libvirt host: what it says about itself, and whether that is so."""

from __future__ import annotations

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.node import Node
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import open_session

pytestmark = pytest.mark.libvirt

MIB = 2**20


@pytest.fixture
def session(host):
    opened = open_session(host.uri)
    yield opened
    opened.close()


@pytest.fixture
def node(session):
    return Node(session)


def test_the_host_is_described(node, host):
    found = node.host()
    assert (found["name"], found["hypervisor"], found["implementation"]) == (host.name, "QEMU", "libvirt")
    assert int(found["implementation_version"].split(".")[0]) >= 6
    assert found["processors"] >= 1
    assert found["memory"] > found["memory_free"] > 0
    assert sum(len(cell["processors"]) for cell in found["cells"]) == found["processors"]
    assert {"DSP1042", "DSP1057", "DSP1041"} <= {profile["number"] for profile in found["profiles"]}
    assert "virtual_system_management" in found["services"]


def test_without_accelerator_the_host_emulates(node):
    found = node.capabilities()
    assert found.virtual_system_types == ("qemu",)
    assert found.default_settings["virtual_system_type"] == "qemu"
    assert found.default_settings["machine"] in found.machines[found.architectures[0]]


def test_the_default_system_runs(node, session):
    chosen = node.capabilities().default_settings
    memory = node.capabilities().allocation[ResourceType.MEMORY].minimum["virtual_quantity"] * 16
    xml = f"""<domain type='{chosen["virtual_system_type"]}'><name>default</name><memory unit='b'>{memory}</memory>
      <os><type arch='{chosen["architecture"]}' machine='{chosen["machine"]}'>hvm</type></os></domain>"""
    domain = session.connection.createXML(xml, 0)
    domain.destroy()


@pytest.mark.parametrize(("step", "kept"), [(MIB, True), (MIB // 1024, False)])
def test_memory_keeps_its_size_in_steps_of_the_increment_only(node, session, step, kept):
    memory = node.capabilities().allocation[ResourceType.MEMORY]
    assert memory.increment["virtual_quantity"] == MIB
    size = 16 * MIB + step
    xml = f"""<domain type='qemu'><name>steps</name><memory unit='b'>{size}</memory>
      <os><type machine='pc'>hvm</type></os></domain>"""
    domain = session.connection.createXML(xml, 0)
    try:
        assert (domain.maxMemory() * 1024 == size) is kept
    finally:
        domain.destroy()


def test_the_machine_makes_a_difference(node):
    pc = node.capabilities({"machine": "pc"}).allocation[ResourceType.DISK_DRIVE].sub_types
    q35 = node.capabilities({"machine": "q35"}).allocation[ResourceType.DISK_DRIVE].sub_types
    assert "ide" in pc
    assert "ide" not in q35


def test_uefi_with_secure_boot_is_found_where_it_can_be(node):
    assert "secure_boot=True" not in node.capabilities({"firmware": "uefi", "secure_boot": True}).unsupported_settings
    assert "secure_boot=True" in node.capabilities({"machine": "pc"}).unsupported_settings


@pytest.mark.parametrize("wrong", [{"machine": "nosuch"}, {"architecture": "nosuch"}, {"virtual_system_type": "xen"}])
def test_what_the_host_does_not_know_is_left_for_the_planner_to_refuse(node, wrong):
    found = node.capabilities(wrong)
    assert "nosuch" not in found.machines.get("x86_64", ())
    assert "xen" not in found.virtual_system_types


def test_asking_again_costs_little(node, session):
    node.capabilities()
    calls = []
    real = session.connection

    class Counting:
        def __getattr__(self, name):
            calls.append(name)
            return getattr(real, name)

    session.connection = Counting()
    try:
        node.capabilities()
        node.capabilities({"machine": "pc"})
    finally:
        session.connection = real
    assert set(calls) <= {"getLibVersion"}


def test_the_test_driver_of_libvirt_can_be_asked_too():
    opened = open_session("test:///default")
    try:
        node = Node(opened)
        assert node.host()["hypervisor"] == "TEST"
        assert node.capabilities().virtual_system_types == ("test",)
    finally:
        opened.close()
