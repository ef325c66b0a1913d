# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources in the standard's classes: the tables, the units, and what a server has no place for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import hypothesis
import pytest
import pywbem
from hypothesis import strategies as some

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import (
    ConsumerVisibility,
    MappingBehavior,
    Rasd,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import rasd_instance, rows, values
from tests.unit.platforms.wbem_server.scripted import instance

GIB = 2**30
BAG = {"settingnames": ("string", True), "settingvalues": ("string", True)}


def shape(resource_type: ResourceType, bag: bool = True, without: tuple[str, ...] = ()) -> rows.ClassShape:
    """A class that has the standard's properties, and with ``bag`` a place for all others."""
    suffix = rasd_instance.CLASSES.get(resource_type, rasd_instance.GENERIC)
    known = (*rasd_instance.ROWS, *rasd_instance.SETTING_ROWS.get(suffix, ()))
    properties = {row.prop.lower(): (row.cim_type, row.array) for row in known if row.prop not in without}
    for name in ("VirtualQuantityUnits", "AllocationUnits", "ResourceType"):
        properties.setdefault(name.lower(), ("string", False))
    if suffix == "StorageAllocationSettingData":
        properties["virtualresourceblocksize"] = ("uint64", False)
    return rows.ClassShape(f"X_{suffix}", {**properties, **(BAG if bag else {})})


def written(rasd: Rasd, **options: Any) -> Any:
    """The resource as an instance, sent and received."""
    properties = rasd_instance.write_rasd(rasd, options.pop("shape", None) or shape(rasd.resource_type), **options)
    sent = values.instance("X_ResourceAllocationSettingData", properties).tocimxmlstr()
    return values.embedded(sent)


FULL = Rasd(
    ResourceType.MEMORY,
    name="ram",
    virtual_quantity=GIB,
    maximum_quantity=2 * GIB,
    reservation=GIB // 2,
    limit=3 * GIB,
    weight=7,
    host_resource=("0", "1"),
    mapping_behavior=MappingBehavior.HARD_AFFINITY,
    consumer_visibility=ConsumerVisibility.VIRTUALIZED,
    automatic_allocation=True,
    settings={"huge_page_size": 2**21, "locked": True},
)


@pytest.mark.parametrize(
    "rasd",
    [
        FULL,
        Rasd(ResourceType.PROCESSOR, virtual_quantity=2, limit=150, weight=3, settings={"sockets": 1, "cores": 2}),
        Rasd(
            ResourceType.DISK_DRIVE,
            name="root",
            resource_sub_type="virtio",
            virtual_quantity=10 * GIB + 512,
            host_resource=("/a/b.qcow2",),
            address_on_parent="vda",
            settings={"access": "readable", "cache": "none", "total_bytes_sec": 5000},
        ),
        Rasd(
            ResourceType.ETHERNET_ADAPTER,
            address="52:54:00:00:00:01",
            connection=("lan",),
            limit=8_000_000,
            settings={
                "desired_vlan_endpoint_mode": "trunk",
                "allowed_to_transmit_vlans": (7, 8),
                "port_vid": 3,
                "promiscuous": False,
                "receive_bandwidth_limit": 16_000,
                "link_state": "down",
            },
        ),
        Rasd(ResourceType.CD_DRIVE, name="cd", host_resource=()),
        Rasd(ResourceType.OTHER, other_resource_type="rng", settings={"target": "x"}),
        Rasd(ResourceType.SERIAL_PORT, resource_sub_type="tcp", host_resource=("h:1",), settings={"listen": True}),
    ],
    ids=lambda rasd: rasd.resource_type.word,
)
def test_what_is_written_is_read_back(rasd: Rasd) -> None:
    assert rasd_instance.read_rasd(written(rasd)) == rasd


def test_every_setting_of_every_type_has_a_row() -> None:
    for resource_type, row in RESOURCE_ROWS.items():
        named = [each.name for each in rasd_instance.rows_of(resource_type)]
        assert len(named) == len(set(named))
        assert {f"settings.{name}" for name in row.settings} <= set(named)


@hypothesis.given(some.integers(0, 2**50), some.sampled_from(["byte", "byte * 2^10", "byte * 10^6", "MegaBytes", None]))
def test_a_size_survives_every_unit_of_a_server(size: int, former: str | None) -> None:
    given: dict[str, Any] = {"VirtualQuantityUnits": former} if former else {}
    before = instance("X", VirtualQuantity=1, **given)
    rasd = Rasd(ResourceType.MEMORY, virtual_quantity=size)
    found = written(rasd, changed={"virtual_quantity"}, before=before)
    assert rasd_instance.read_rasd(found).virtual_quantity == size
    scale = units.parse_unit(former)[1] if former else Fraction(1)  # type: ignore[index]
    if (size / scale).denominator == 1 and former:
        assert found["VirtualQuantityUnits"] == former


@pytest.mark.parametrize(
    ("properties", "size"),
    [
        ({"VirtualQuantity": 4, "VirtualQuantityUnits": "byte * 2^30"}, 4 * GIB),
        ({"VirtualQuantity": 4, "VirtualQuantityUnits": "byte*2^30"}, 4 * GIB),
        ({"VirtualQuantity": 4, "VirtualQuantityUnits": "count", "AllocationUnits": "MegaBytes"}, 4 * 2**20),
        ({"VirtualQuantity": 4, "AllocationUnits": "KiloBytes"}, 4096),
        ({"VirtualQuantity": 4}, 4),
        (
            {"VirtualQuantity": 4, "VirtualQuantityUnits": "count(fixed size block)", "VirtualResourceBlockSize": 512},
            2048,
        ),
        ({"VirtualQuantity": 4, "VirtualQuantityUnits": "hertz * 10^6"}, None),
        ({}, None),
    ],
)
def test_sizes_in_the_units_that_were_seen(properties: dict[str, Any], size: int | None) -> None:
    found = instance("X", ResourceType=17, **properties)
    assert rasd_instance.read_rasd(found).virtual_quantity == size


def test_a_limit_in_another_dimension_is_not_converted() -> None:
    found = instance("X", ResourceType=3, VirtualQuantity=2, Limit=2000, AllocationUnits="hertz * 10^6")
    rasd = rasd_instance.read_rasd(found)
    assert (rasd.virtual_quantity, rasd.limit) == (2, None)
    with pytest.raises(NotSupported, match="measures Reservation, Limit in hertz"):
        rasd_instance.write_rasd(
            Rasd(ResourceType.PROCESSOR, limit=50), shape(ResourceType.PROCESSOR), {"limit"}, found
        )


def test_all_quantities_of_a_unit_are_sent_together() -> None:
    before = instance("X", Limit=8, Reservation=4, AllocationUnits="byte * 2^20")
    rasd = Rasd(ResourceType.MEMORY, reservation=4 * 2**20, limit=2**20 + 1)
    found = written(rasd, changed={"limit"}, before=before)
    assert (found["AllocationUnits"], found["Limit"], found["Reservation"]) == ("byte", 2**20 + 1, 4 * 2**20)


def test_only_what_changed_is_sent() -> None:
    found = written(FULL, changed={"weight", "settings.locked"})
    assert set(found) == {"ResourceType", "Weight", "SettingNames", "SettingValues"}
    assert list(found["SettingNames"]) == ["locked"]


def test_a_setting_is_taken_away_by_null() -> None:
    found = written(Rasd(ResourceType.DISK_DRIVE), changed={"settings.cache"})
    assert list(found["SettingValues"]) == ["null"]


def test_what_a_class_has_no_place_for_is_refused() -> None:
    bare = shape(ResourceType.DISK_DRIVE, bag=False)
    with pytest.raises(
        NotSupported, match=r"disk_drive 'root': cache .* X_StorageAllocationSettingData has no property"
    ):
        rasd_instance.write_rasd(Rasd(ResourceType.DISK_DRIVE, name="root", settings={"cache": "none"}), bare)
    with pytest.raises(NotSupported, match="maximum_quantity"):
        rasd_instance.write_rasd(FULL, shape(ResourceType.MEMORY, without=("MaximumQuantity",)))
    assert "settings.cache" in rasd_instance.unsupported_by(bare, ResourceType.DISK_DRIVE)
    assert "settings.access" not in rasd_instance.unsupported_by(bare, ResourceType.DISK_DRIVE)
    assert rasd_instance.unsupported_by(shape(ResourceType.DISK_DRIVE), ResourceType.DISK_DRIVE) == {}


def test_properties_have_the_type_of_the_servers_class() -> None:
    own = rows.ClassShape(
        "X", {"weight": ("uint16", False), "connection": ("string", False), "resourcetype": ("uint16", False)}
    )
    found = rasd_instance.write_rasd(Rasd(ResourceType.MEMORY, weight=5), own)
    assert found["Weight"].type == "uint16"


def test_a_vendors_type_is_another_to_the_model() -> None:
    rasd = rasd_instance.read_rasd(instance("X", ResourceType=32771, ResourceSubType="a"))
    assert (rasd.resource_type, rasd.other_resource_type) == (ResourceType.OTHER, "32771")
    assert written(rasd)["ResourceType"] == 32771


def test_unknown_numbers_are_nothing_rather_than_a_failure() -> None:
    rasd = rasd_instance.read_rasd(instance("X", ResourceType=17, Access=99, ConsumerVisibility=77))
    assert rasd == Rasd(ResourceType.DISK_DRIVE)


def test_a_setting_that_is_no_json() -> None:
    with pytest.raises(HostFailed, match=r"cache.*not JSON"):
        rasd_instance.read_rasd(instance("X", ResourceType=17, SettingNames=("cache",), SettingValues=("none",)))


def test_embedded_instances_as_text() -> None:
    sent = pywbem.CIMInstance("X", {"A": "ä <&>", "B": [pywbem.Uint16(1), pywbem.Uint16(2)], "C": True})
    assert values.embedded(sent.tocimxmlstr()) == sent
    assert values.embedded(None) is None
    with pytest.raises(HostFailed, match="embedded instance"):
        values.embedded("<INSTANCE")


def test_lists_inside_of_settings_are_as_the_model_keeps_them() -> None:
    text = '[{"name": "red", "allowed_to_transmit_vlans": [10, 20]}]'
    found = rasd_instance.read_bag(instance("X", SettingNames=("port_groups",), SettingValues=(text,)), {})
    assert found == {"port_groups": ({"name": "red", "allowed_to_transmit_vlans": (10, 20)},)}
