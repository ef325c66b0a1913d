# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's devices, interfaces and backing chains as libvirt describes them, in a graph of dependencies."""

from __future__ import annotations

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Graph, Reading
from ansible_collections.svpc.virt.plugins.module_utils.plan.dependencies import answer, completed, find
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.dependencies import add_chains
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host_devices import (
    add_interface,
    add_node_device,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse

DEVICES = [
    "<device><name>computer</name><capability type='system'/></device>",
    """<device><name>pci_0000_03_00_0</name><parent>computer</parent><capability type='pci'>
      <domain>0</domain><bus>3</bus><slot>0</slot><function>0</function>
      <product id='0x1'>HBA 9000</product><vendor id='0x2'>Example</vendor></capability></device>""",
    """<device><name>scsi_host2</name><parent>pci_0000_03_00_0</parent><capability type='scsi_host'><host>2</host>
      <capability type='fc_host'><wwnn>20000000c9831b4b</wwnn><wwpn>10000000c9831b4b</wwpn></capability>
      </capability></device>""",
    """<device><name>scsi_2_0_1_4</name><parent>scsi_host2</parent><capability type='scsi'>
      <host>2</host><bus>0</bus><target>1</target><lun>4</lun><type>disk</type></capability></device>""",
    """<device><name>block_sdb_X</name><parent>scsi_2_0_1_4</parent><devnode type='dev'>/dev/sdb</devnode>
      <devnode type='link'>/dev/disk/by-id/wwn-0x5</devnode><capability type='storage'><block>/dev/sdb</block>
      <model>Spinner</model></capability></device>""",
    """<device><name>net_eth0_52</name><parent>pci_0000_03_00_0</parent><capability type='net'>
      <interface>eth0</interface><address>52:54:00:00:00:01</address><link state='up' speed='1000'/></capability></device>""",
    """<device><name>net_br0_52</name><parent>computer</parent><capability type='net'><interface>br0</interface>
      </capability></device>""",
    """<device><name>usb_1_2</name><parent>pci_0000_03_00_0</parent><capability type='usb_device'><bus>1</bus>
      <device>7</device><product id='0x0002'>Stick</product><vendor id='0x1D6B'/></capability></device>""",
    """<device><name>mdev_c1</name><parent>pci_0000_03_00_0</parent><capability type='mdev'>
      <uuid>9E9E9E9E-0000-4000-8000-000000000001</uuid></capability></device>""",
]
INTERFACE = """<interface type='bridge' name='br0'><bridge><interface type='ethernet' name='eth0'/>
  <interface type='ethernet' name='vnet3'/></bridge></interface>"""


@pytest.fixture
def graph() -> Graph:
    reading = Reading()
    for xml in DEVICES:
        add_node_device(reading, xml)
    add_interface(reading, INTERFACE)
    return completed([reading.graph()])


NAMES = {
    "0000:03:00.0": "node_device:pci_0000_03_00_0",
    "pci_0000_03_00_0": "node_device:pci_0000_03_00_0",
    "20000000c9831b4b:10000000c9831b4b": "node_device:scsi_host2",
    "scsi_host2:0:1:4": "node_device:scsi_2_0_1_4",
    "/dev/disk/by-id/wwn-0x5": "/dev/sdb",
    "block_sdb_X": "/dev/sdb",
    "net_eth0_52": "network_interface:eth0",
    "1.7": "node_device:usb_1_2",
    "1d6b:0002": "node_device:usb_1_2",
    "9e9e9e9e-0000-4000-8000-000000000001": "node_device:mdev_c1",
}


@pytest.mark.parametrize(("name", "wanted"), NAMES.items(), ids=str)
def test_every_name_of_a_device(graph: Graph, name: str, wanted: str) -> None:
    assert find(graph, name) == (wanted,)


def test_a_controller_hits_the_disks_and_interfaces_behind_it(graph: Graph) -> None:
    found = answer(graph, find(graph, "0000:03:00.0"), down=False)
    assert {"/dev/sdb", "network_interface:eth0", "network_interface:br0", "node_device:scsi_host2"} <= set(
        found.dependents
    )


def test_the_ground_is_no_gap_and_ports_of_guests_are_not_the_host_s(graph: Graph) -> None:
    assert graph.gaps == ()
    assert "network_interface:vnet3" not in graph.elements
    assert answer(graph, find(graph, "br0"), up=False).antecedents == (
        "network_interface:eth0",
        "node_device:pci_0000_03_00_0",
    )


def test_the_chain_in_a_domain_s_document() -> None:
    reading = Reading()
    add_chains(
        reading,
        parse(
            """<domain><devices>
            <disk type='file' device='disk'><source file='/srv/top'/><backingStore type='file'><source file='/srv/mid'/>
              <backingStore type='network'><source protocol='nbd' name='base'><host name='far' port='10809'/></source>
              <backingStore/></backingStore></backingStore></disk>
            <disk type='file' device='cdrom'><target dev='hda'/></disk></devices></domain>""",
            "a domain",
        ),
    )
    found = answer(reading.graph(), ["/srv/top"], up=False)
    assert found.antecedents == ("/srv/mid", "nbd://far:10809/base", "server:far:10809")
