# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capabilities as servers tell them: in the standard's ways, in the ways of vendors, and not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Live
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.capabilities import ServerCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost
from tests.unit.platforms.wbem_server.scripted import Script, instance, named, session
from tests.wbem import WbemServer

DISK = ResourceType.DISK_DRIVE
SERVICE = "ACME_VirtualSystemManagementService"


def capabilities(
    instances: Mapping[str, list[Any]], defined: Sequence[tuple[Any, Any]] = (), listed: bool = True
) -> tuple[ServerCapabilities, Script]:
    """What a server of instances by class can do; ``defined`` are settings with their links to capabilities."""
    links = [link for _settings, link in defined]

    def enumerated(class_name: str, **_options: Any) -> list[Any]:
        if class_name == "CIM_SettingsDefineCapabilities":
            return links if listed else []
        if class_name == "CIM_VirtualSystemManagementService":
            return [instance(SERVICE)]
        return instances.get(class_name, [])

    def of(path: Any, found: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        return [each for each in found if each[1]["GroupComponent"]["InstanceID"] == path["InstanceID"]]

    script = Script(
        IterEnumerateInstances=enumerated,
        EnumerateClasses=lambda *_given, **_options: [],
        GetClass=lambda name, **_options: pywbem.CIMError(6, "no such class"),
        Associators=lambda path, **_options: [settings for settings, _link in of(path, defined)],
        References=lambda path, **_options: [link for _settings, link in of(path, defined)],
    )
    return ServerCapabilities(Server(session(script))), script


def link(capabilities_id: str, settings: Any, role: int | None = 3, span: int = 0, **more: Any) -> tuple[Any, Any]:
    """Settings, and the association that makes them part of capabilities."""
    found = {"GroupComponent": named("ACME_AllocationCapabilities", capabilities_id), "PartComponent": settings.path}
    roles: dict[str, Any] = {} if role is None else {"ValueRole": role, "ValueRange": span}
    return settings, instance("CIM_SettingsDefineCapabilities", **found, **roles, **more)


def rasd(name: str, **properties: Any) -> Any:
    return instance("ACME_StorageAllocationSettingData", InstanceID=name, ResourceType=17, **properties)


ALLOCATION = instance("ACME_AllocationCapabilities", InstanceID="disks", ResourceType=17, SupportedAddStates=(3,))


@pytest.mark.parametrize("listed", [True, False], ids=["associations listed", "associations followed"])
def test_ranges_and_alternatives(listed: bool) -> None:
    defined = [
        link("disks", rasd("a", VirtualQuantity=4, VirtualQuantityUnits="byte * 2^30"), 0, 0),
        link("disks", rasd("b", VirtualQuantity=1, VirtualQuantityUnits="byte * 2^20"), 3, 1),
        link("disks", rasd("c", VirtualQuantity=2, VirtualQuantityUnits="byte * 2^40"), 3, 2),
        link("disks", rasd("d", VirtualQuantity=512, VirtualQuantityUnits="byte"), 3, 3),
        link("disks", rasd("e", VirtualQuantity=8, VirtualQuantityUnits="byte * 2^30"), 1, 0),  # an optimum
        link("disks", rasd("f", ResourceSubType="scsi")),
        link("disks", rasd("g", ResourceSubType="virtio", AutomaticAllocation=True)),
        link("disks", rasd("h", Cache="none")),
        link("disks", rasd("i", Cache="writeback")),
        link("disks", rasd("j", MappingBehavior=5)),
        link("disks", rasd("k", Cache="unsafe", Io="native")),  # only together: no alternative for either
    ]
    found, script = capabilities({"CIM_AllocationCapabilities": [ALLOCATION]}, defined, listed)
    disks = found.allocation[DISK]
    assert (disks.default, disks.minimum) == ({"virtual_quantity": 2**32}, {"virtual_quantity": 2**20})
    assert (disks.maximum, disks.increment) == ({"virtual_quantity": 2**41}, {"virtual_quantity": 512})
    assert disks.sub_types == ("scsi", "virtio")
    assert disks.words == {"settings.cache": ("none", "writeback"), "mapping_behavior": ("hard_affinity",)}
    assert script.count("References") == (0 if listed else 1)
    assert script.count("Associators") == 1


def test_settings_of_one_path_are_told_apart_by_their_order() -> None:
    # As libvirt-cim has them: the InstanceID says the role, and is the same in every pool.
    defined = [
        link("disks", rasd("Same", VirtualQuantity=1), 3, 1),
        link("disks", rasd("Same", VirtualQuantity=9), 3, 2),
    ]
    found, _script = capabilities({"CIM_AllocationCapabilities": [ALLOCATION]}, defined, listed=False)
    disks = found.allocation[DISK]
    assert (disks.minimum, disks.maximum) == ({"virtual_quantity": 1}, {"virtual_quantity": 9})


def test_roles_by_the_words_of_the_names() -> None:
    defined = [
        link("disks", rasd("ACME:Minimum", VirtualQuantity=1), None),
        link("disks", rasd("ACME:Maximum", VirtualQuantity=9), None),
    ]
    found, _script = capabilities({"CIM_AllocationCapabilities": [ALLOCATION]}, defined)
    disks = found.allocation[DISK]
    assert (disks.minimum, disks.maximum) == ({"virtual_quantity": 1}, {"virtual_quantity": 9})


def test_what_can_be_plugged_by_sub_type() -> None:
    virtio = instance(
        "ACME_AllocationCapabilities",
        InstanceID="virtio",
        ResourceType=17,
        ResourceSubType="virtio",
        SupportedAddStates=(2, 3),
        SupportedRemoveStates=(3,),
    )
    adapters = instance(
        "ACME_AllocationCapabilities", InstanceID="nics", ResourceType=10, SupportedAddStates=(2, 3, 11)
    )
    found, _script = capabilities({"CIM_AllocationCapabilities": [virtio, ALLOCATION, adapters]})
    assert found.allocation[DISK].live_add == frozenset({"virtio"})
    assert found.allocation[DISK].live_remove == frozenset()
    assert found.allocation[ResourceType.ETHERNET_ADAPTER].live_add is None
    assert list(found.allocation) == [DISK, ResourceType.ETHERNET_ADAPTER]


def test_a_server_without_capabilities() -> None:
    found, _script = capabilities({})
    assert "define_system" in found.methods
    assert "create_snapshot" not in found.methods
    assert found.allocation[DISK].maximum == {}
    assert (found.virtual_system_types, found.default_settings, found.setting_words) == ((), {}, {})
    assert "enabled" in found.states


@pytest.mark.parametrize(
    ("names", "texts", "words"),
    [
        (("live_modify",), ('{"weight": "sometimes"}',), "live_modify"),
        (("unsupported",), ("[1]",), "unsupported"),
        (("fixed",), ("{",), "not JSON"),
    ],
)
def test_what_makes_no_sense_is_told(names: tuple[str, ...], texts: tuple[str, ...], words: str) -> None:
    odd = instance(
        "ACME_AllocationCapabilities", InstanceID="x", ResourceType=17, SettingNames=names, SettingValues=texts
    )
    found, _script = capabilities({"CIM_AllocationCapabilities": [odd]})
    with pytest.raises(HostFailed, match=words):
        found.allocation[DISK]


def test_a_server_tells_all_that_its_host_can_do() -> None:
    host = FakeHost()
    with WbemServer(host) as server:
        told, known = WbemHost.open(f"{server.url}/root/virt", {}).capabilities(), host.capabilities()
        for name in ("methods", "states", "snapshot_types", "machines", "architectures", "default_settings"):
            assert getattr(told, name) == getattr(known, name), name
        for name in ("setting_words", "live_settings", "fixed_settings", "pool_types"):
            assert getattr(told, name) == getattr(known, name), name
        assert {kind: told.pools[kind] for kind in known.pools} == known.pools
        assert list(told.allocation) == list(known.allocation)
        for kind, allocation in told.allocation.items():
            for name in ("default", "minimum", "maximum", "increment", "words", "fixed", "live_modify", "unsupported"):
                assert getattr(allocation, name) == getattr(known.allocation[kind], name), (kind, name)
            for name in ("live_add", "live_remove", "live_add_needs", "sub_types", "other_types"):
                assert getattr(allocation, name) == getattr(known.allocation[kind], name), (kind, name)
        assert Live.GROW_TO_MAXIMUM in told.allocation[ResourceType.PROCESSOR].live_modify.values()


def test_only_what_is_asked_for_is_read() -> None:
    with WbemServer(FakeHost()) as server:
        host = WbemHost.open(f"{server.url}/root/virt", {})
        server.requests.clear()
        found = host.capabilities()
        assert server.requests.total == 0
        # What a task looks at that has nothing to do: whether a property of a type is supported.
        for kind in (ResourceType.PROCESSOR, ResourceType.MEMORY, DISK, ResourceType.ETHERNET_ADAPTER):
            assert "virtual_quantity" not in found.allocation[kind].unsupported
        assert server.requests.total == 2
        # Whoever wants all of them gets them in a number of requests that no number of types changes.
        assert [allocation.minimum for _kind, allocation in found.allocation.items()]
        assert server.requests.total == 4
        assert found.methods
        assert found.machines
        assert "automatic_shutdown_action" in found.unsupported_settings
        assert server.requests.total < 15
