# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: documents as libvirt writes them, read, written, edited, and told to an active network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import (
    ETHERNET_POOL_SETTINGS,
    ResourcePool,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import network_xml
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.networks import read_port, related

NETWORKS = Path(__file__).with_name("networks")

RANGES = ({"start": "10.1.0.10", "end": "10.1.0.99"}, {"start": "fd00:1::10", "end": "fd00:1::ff"})
WEB = {"mac": "52:54:00:00:00:01", "name": "web", "address": "10.1.0.5"}
DB = {"mac": "52:54:00:00:00:02", "address": "10.1.0.6"}

READ: dict[str, tuple[tuple[str, ...] | None, dict[str, Any]]] = {
    "isolated": (
        None,
        {
            "bridge": "virbr7",
            "domain": "lab.example",
            "mtu": 9000,
            "addresses": ("10.1.0.1/24", "fd00:1::1/64"),
            "dhcp_ranges": RANGES,
            "dhcp_hosts": (WEB,),
        },
    ),
    "nat": (("eth0",), {"bridge": "virbr0", "addresses": ("10.2.0.1/24",)}),
    "route": (
        None,
        {
            "bridge": "virbr0",
            "addresses": ("10.3.0.1/24",),
            "port_groups": ({"name": "a", "default": True}, {"name": "b"}),
        },
    ),
    "open": (None, {"bridge": "virbr0", "addresses": ("10.4.0.1/24",)}),
    "bridge": (("br0",), {"port_groups": ({"name": "a"},)}),
    "openvswitch": (
        ("ovs0",),
        {
            "port_groups": (
                {"name": "web", "desired_vlan_endpoint_mode": "access", "port_vid": 12},
                {
                    "name": "all",
                    "desired_vlan_endpoint_mode": "trunk",
                    "port_vid": 5,
                    "allowed_to_transmit_vlans": (7, 9),
                },
            )
        },
    ),
    "direct": (("eth0", "eth1"), {}),
    "private": (("eth0",), {}),
    "vepa": (("eth0",), {}),
    "passthrough": (("eth0", "eth1"), {}),
    "hostdev": (("eth2",), {"desired_vlan_endpoint_mode": "access", "port_vid": 42}),
}


def document(kind: str) -> str:
    return (NETWORKS / f"{kind}.xml").read_text()


def declared(kind: str, host_resource: tuple[str, ...] | None = None, **settings: object) -> ResourcePool:
    return ResourcePool("n", ResourceType.ETHERNET_ADAPTER, kind, host_resource=host_resource, settings=settings)


def settings_after(kind: str, **differences: tuple[object, object]) -> dict[str, object]:
    changed = {f"settings.{name}": value for name, value in differences.items()}
    return dict(network_xml.read_network(network_xml.edit_network_xml(document(kind), changed)).settings)


def told(xml: str, **after: object) -> tuple[list[tuple[str, str, int, str]], list[str]]:
    differences = {f"settings.{name}": (None, value) for name, value in after.items()}
    updates, later = network_xml.live_updates(xml, differences)
    return [(update.command, update.section, update.parent_index, update.xml) for update in updates], later


def test_every_kind_has_a_document_of_libvirt():
    assert {path.stem for path in NETWORKS.glob("*.xml")} == set(network_xml.NETWORK_KINDS) == set(READ)


@pytest.mark.parametrize("kind", sorted(READ))
def test_a_kind_is_read(kind):
    pool = network_xml.read_network(document(kind))
    assert (pool.resource_sub_type, pool.host_resource, pool.settings) == (kind, *READ[kind])


@pytest.mark.parametrize("kind", sorted(READ))
def test_what_is_read_can_be_declared_again(kind):
    pool = network_xml.read_network(document(kind))
    again = network_xml.read_network(network_xml.new_network_xml(pool))
    assert (again.pool_id, again.uuid) == (pool.pool_id, pool.uuid)
    assert (again.resource_sub_type, again.host_resource, again.settings) == (kind, *READ[kind])


@pytest.mark.parametrize("kind", sorted(READ))
def test_editing_nothing_changes_nothing(kind):
    assert network_xml.edit_network_xml(document(kind), {}) == document(kind)


@pytest.mark.parametrize("kind", sorted(READ))
def test_every_property_is_in_exactly_one_list(kind):
    can = network_xml.network_capabilities()[(ResourceType.ETHERNET_ADAPTER, kind)]
    named = [
        name for names in (can.live, can.stopped, can.making, can.unseen, can.fixed, can.unsupported) for name in names
    ]
    assert len(named) == len(set(named))
    assert set(named) == {
        "automatic_startup",
        "host_resource",
        "parent",
        "resource_sub_type",
        *(f"settings.{name}" for name in ETHERNET_POOL_SETTINGS),
    }


def test_the_capacity_is_the_number_of_addresses_given_out():
    assert network_xml.read_network(document("isolated")).capacity == 90 + 240
    assert network_xml.read_network(document("nat")).capacity is None


def test_an_active_network_says_how_many_adapters_are_plugged_in():
    active = document("nat").replace("<network>", "<network connections='2'>")
    assert network_xml.read_network(active).currently_consumed_resource == 2


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (declared("bridge"), "needs host_resource"),
        (declared("passthrough"), "needs host_resource"),
        (declared("tunnel"), "allowed are bridge, direct"),
        (declared("nat", ("eth0", "eth1")), "takes 1 of them, and 2 are given"),
    ],
)
def test_what_cannot_be_made_says_what_is_wrong(pool, words):
    with pytest.raises(errors.InvalidInput, match=words):
        network_xml.new_network_xml(pool)


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (declared("bridge", ("br0",), addresses=("10.0.0.1/24",)), "addresses: a network of kind 'bridge'"),
        (declared("bridge", ("br0",), bridge="br1"), "is its host_resource"),
        (declared("nat", port_vid=7), "'openvswitch' and 'hostdev' only, not 'nat'"),
        (
            declared("bridge", ("br0",), port_groups=({"name": "a"}, {"name": "b", "port_vid": 7})),
            "port_groups: b: .*'openvswitch' and 'hostdev' only, not 'bridge'",
        ),
        (declared("isolated", ("eth0",)), "host_resource: a network of kind 'isolated'"),
    ],
)
def test_a_property_the_kind_does_not_have_is_refused(pool, words):
    with pytest.raises(errors.NotSupported, match=words):
        network_xml.new_network_xml(pool)


def test_newer_libvirt_tags_vlans_on_bridges_too():
    xml = network_xml.new_network_xml(declared("bridge", ("br0",), port_vid=7), libvirt_version=11_000_000)
    assert network_xml.read_network(xml).settings["port_vid"] == 7
    key = (ResourceType.ETHERNET_ADAPTER, "bridge")
    assert "settings.port_vid" in network_xml.network_capabilities()[key].unsupported
    assert "settings.port_vid" in network_xml.network_capabilities(11_000_000)[key].stopped


def test_an_edit_changes_what_is_named_and_nothing_else():
    xml = network_xml.edit_network_xml(document("isolated"), {"settings.mtu": (9000, 1500)})
    assert xml == document("isolated").replace("9000", "1500")
    xml = network_xml.edit_network_xml(document("isolated"), {"settings.dhcp_hosts": ((WEB,), (WEB, DB))})
    assert xml.replace("      <host mac='52:54:00:00:00:02' ip='10.1.0.6'/>\n", "") == document("isolated")


def test_an_entry_that_stays_keeps_what_nobody_named():
    extended = document("isolated").replace("ip='10.1.0.5'/>", "ip='10.1.0.5'><lease expiry='2'/></host>")
    xml = network_xml.edit_network_xml(extended, {"settings.dhcp_hosts": ((WEB,), (DB, {"mac": WEB["mac"]}))})
    assert "name='web' ip='10.1.0.5'><lease expiry='2'/></host>" in xml


def test_an_address_that_changes_keeps_its_dhcp():
    after = settings_after("isolated", addresses=(("10.1.0.1/24", "fd00:1::1/64"), ("10.1.0.254/16", "fd00:1::1/64")))
    assert after["addresses"] == ("10.1.0.254/16", "fd00:1::1/64")
    assert after["dhcp_ranges"] == RANGES
    assert after["dhcp_hosts"] == (WEB,)


def test_dhcp_is_not_lost_with_its_address():
    with pytest.raises(errors.Conflict, match=r"DHCP range \(start fd00:1::10, .*\) lies has gone meanwhile"):
        settings_after("isolated", addresses=(("10.1.0.1/24", "fd00:1::1/64"), ("10.9.0.1/24",)))


def test_a_host_outside_of_its_subnet_stays_where_it_is():
    # libvirt takes one, and a change of something else is none of it.
    outside = document("isolated").replace("ip='10.1.0.5'", "ip='10.8.0.5'")
    xml = network_xml.edit_network_xml(outside, {"settings.dhcp_ranges": (RANGES, RANGES[1:])})
    assert network_xml.read_network(xml).settings["dhcp_hosts"] == ({**WEB, "address": "10.8.0.5"},)


def test_addresses_and_dhcp_change_together():
    new = ({"start": "10.9.0.2", "end": "10.9.0.9"},)
    after = settings_after(
        "isolated",
        addresses=(("10.1.0.1/24", "fd00:1::1/64"), ("10.9.0.1/24",)),
        dhcp_ranges=(RANGES, new),
        dhcp_hosts=((WEB,), ()),
    )
    assert after["addresses"] == ("10.9.0.1/24",)
    assert after["dhcp_ranges"] == new
    assert "dhcp_hosts" not in after


def test_dhcp_can_be_taken_away():
    after = settings_after("isolated", dhcp_ranges=(RANGES, ()), dhcp_hosts=((WEB,), ()))
    assert after["addresses"] == ("10.1.0.1/24", "fd00:1::1/64")
    assert not {"dhcp_ranges", "dhcp_hosts"} & set(after)


def test_port_groups_are_found_by_name_and_keep_the_rest():
    groups = READ["openvswitch"][1]["port_groups"]
    extended = document("openvswitch").replace(
        "<portgroup name='web'>", "<portgroup name='web'><bandwidth><inbound average='1'/></bandwidth>"
    )
    wanted = ({"name": "web", "port_vid": 13}, {"name": "new", "allowed_to_transmit_vlans": (3,)})
    xml = network_xml.edit_network_xml(extended, {"settings.port_groups": (groups, wanted)})
    assert "<inbound average='1'/>" in xml
    assert network_xml.read_network(xml).settings["port_groups"] == (
        {"name": "web", "desired_vlan_endpoint_mode": "access", "port_vid": 13},
        {"name": "new", "desired_vlan_endpoint_mode": "trunk", "allowed_to_transmit_vlans": (3,)},
    )


def test_vlans_of_the_network_itself_change_together():
    after = settings_after(
        "hostdev",
        desired_vlan_endpoint_mode=("access", "trunk"),
        allowed_to_transmit_vlans=(None, (43, 44)),
    )
    assert after == {
        "desired_vlan_endpoint_mode": "trunk",
        "port_vid": 42,
        "allowed_to_transmit_vlans": (43, 44),
    }


@pytest.mark.parametrize(
    ("before", "after", "mode"),
    [("nat", "route", "mode='route'"), ("route", "isolated", None), ("isolated", "nat", "mode='nat'")],
)
def test_networks_with_a_bridge_of_their_own_can_forward_in_another_way(before, after, mode):
    xml = network_xml.edit_network_xml(document(before), {"resource_sub_type": (before, after)})
    assert network_xml.read_network(xml).resource_sub_type == after
    assert (mode in xml) if mode else ("<forward" not in xml)
    assert network_xml.read_network(xml).settings == READ[before][1]


def test_other_kinds_are_other_networks():
    with pytest.raises(errors.NotSupported, match="delete this one and make the other one"):
        network_xml.edit_network_xml(document("nat"), {"resource_sub_type": ("nat", "bridge")})


def test_the_forward_device_changes_in_both_places():
    xml = network_xml.edit_network_xml(document("nat"), {"host_resource": (("eth0",), ("eth9",))})
    assert xml.count("eth9") == 2
    assert "eth0" not in xml
    xml = network_xml.edit_network_xml(document("nat"), {"host_resource": (("eth0",), ())})
    assert network_xml.read_network(xml).host_resource is None
    assert network_xml.read_network(xml).resource_sub_type == "nat"


def test_what_changed_meanwhile_is_a_conflict():
    with pytest.raises(errors.Conflict, match="mtu was 1400 when the change was planned and is 9000 now"):
        network_xml.edit_network_xml(document("isolated"), {"settings.mtu": (1400, 1500)})


def test_a_host_is_told_to_an_active_network():
    updates, later = told(document("isolated"), dhcp_hosts=(WEB, DB))
    assert updates == [("add_last", "ip_dhcp_host", 0, '<host mac="52:54:00:00:00:02" ip="10.1.0.6"/>')]
    assert later == []


def test_removals_come_before_additions():
    moved = {"mac": DB["mac"], "address": WEB["address"]}
    updates, _later = told(document("isolated"), dhcp_hosts=(moved,))
    assert [update[0] for update in updates] == ["delete", "add_last"]


def test_ranges_go_to_the_address_they_lie_in():
    more = {"start": "fd00:1::1000", "end": "fd00:1::1fff"}
    updates, later = told(document("isolated"), dhcp_ranges=(*RANGES, more))
    assert [(update[0], update[1], update[2]) for update in updates] == [("add_last", "ip_dhcp_range", 1)]
    assert later == []


def test_what_the_active_network_has_needs_no_update():
    assert told(document("isolated"), dhcp_hosts=(WEB,), dhcp_ranges=RANGES) == ([], [])


def test_what_only_a_restart_brings_is_named():
    elsewhere = ({"start": "10.9.0.2", "end": "10.9.0.9"},)
    assert told(document("isolated"), dhcp_ranges=elsewhere, mtu=1500)[1] == ["settings.dhcp_ranges", "settings.mtu"]


def test_port_groups_are_told():
    updates, _later = told(document("route"), port_groups=({"name": "a", "default": False}, {"name": "c"}))
    assert [(update[0], update[3].replace("\n  ", "")) for update in updates] == [
        ("delete", '<portgroup name="b"></portgroup>'),
        ("modify", '<portgroup name="a"></portgroup>'),
        ("add_last", '<portgroup name="c"/>'),
    ]


def test_devices_are_told():
    updates, _later = network_xml.live_updates(document("direct"), {"host_resource": (None, ("eth1", "eth2"))})
    assert [(update.command, update.section, update.xml) for update in updates] == [
        ("delete", "forward_interface", '<interface dev="eth0"/>'),
        ("add_last", "forward_interface", '<interface dev="eth2"/>'),
    ]


def test_a_network_on_the_bridge_of_another_draws_from_it():
    lower = network_xml.read_network(document("isolated"))
    upper = declared("bridge", ("virbr7",))
    family = {pool.pool_id: pool for pool in related([lower, upper])}
    assert family["n"].parent == "isolated"
    assert family["isolated"].parent == "ethernet"
    assert family["isolated"].children == ("n",)


def test_a_port_is_read():
    xml = """<networkport><uuid>5d744f21</uuid><owner><name>web</name><uuid>06578fc1</uuid></owner>
      <mac address='52:54:00:7b:35:93'/><plug type='network' bridge='virbr0'/></networkport>"""
    assert read_port(xml) == {
        "kind": "port",
        "virtual_system": "web",
        "uuid": "06578fc1",
        "mac": "52:54:00:7b:35:93",
    }
