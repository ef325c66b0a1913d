# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the model and of the platforms know each other.

What the model has, a platform either maps or refuses with a reason; what a platform maps, the model has.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ABSENT, PROPERTIES, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import (
    ETHERNET_POOL_SETTINGS,
    STORAGE_POOL_SETTINGS,
    pool_setting_rows,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import (
    ENABLED_STATE_NUMBERS,
    RequestedState,
    SystemState,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes, virtual_system
from ansible_collections.svpc.virt.plugins.module_utils.plan.states import state_after
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost, fake_capabilities
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import VERBS, Platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import (
    allocation_rows,
    capabilities,
    devices,
    network_xml,
    pool_xml,
    rows,
    system_settings,
    tuning_rows,
)

ALL_TYPES = pytest.mark.parametrize("resource_type", list(RESOURCE_ROWS), ids=lambda one: one.word)
ONCE = {
    ResourceType.PROCESSOR: (tuning_rows.PROCESSOR_MAPPED, tuning_rows.PROCESSOR_UNSUPPORTED),
    ResourceType.MEMORY: (tuning_rows.MEMORY_MAPPED, tuning_rows.MEMORY_UNSUPPORTED),
}
"""What is no device of a domain: the mapped values, and the refused ones with their reasons."""


def values_of(resource_type: ResourceType) -> list[str]:
    """Everything a resource of a type could have, by the names of model.rasd.values."""
    own = {"other_resource_type"} if resource_type is not ResourceType.OTHER else set()
    return [name for name in PROPERTIES if name not in own] + [
        f"settings.{name}" for name in RESOURCE_ROWS[resource_type].settings
    ]


def setting_tables() -> Iterator[tuple[str, Mapping[str, SettingRow]]]:
    yield "virtual system", SYSTEM_SETTINGS
    yield "storage pool", STORAGE_POOL_SETTINGS
    yield "network", ETHERNET_POOL_SETTINGS
    for resource_type, row in RESOURCE_ROWS.items():
        yield resource_type.word, row.settings


# The model


@pytest.mark.parametrize(("table", "settings"), list(setting_tables()))
def test_rows_of_settings_are_whole(table: str, settings: Mapping[str, SettingRow]) -> None:
    for name, row in settings.items():
        assert bool(row.words) == (row.kind is Kind.WORD), name
        assert bool(row.fields) == (row.kind is Kind.RECORDS), name
        assert row.meaning.endswith((".", "…")), name
        if row.absent is not None:
            assert row.parse(row.absent, name) == row.absent


def test_properties_are_those_of_the_class() -> None:
    fields = {field.name for field in dataclasses.fields(Rasd)}
    assert set(PROPERTIES) == fields - {"resource_type", "settings", "image", "seed", "instance_id", "implied"}
    assert set(ABSENT) <= set(PROPERTIES)


def test_every_state_and_request_is_known() -> None:
    assert set(ENABLED_STATE_NUMBERS) == set(SystemState)
    assert {state_after(request) for request in RequestedState} <= set(SystemState)
    assert {SystemState(word) for word in virtual_system.STATES if word not in ("present", "absent")} == {
        SystemState.DEFINED,
        SystemState.ACTIVE,
        SystemState.PAUSED,
        SystemState.SUSPENDED,
    }


def test_every_change_has_its_verb() -> None:
    everything = set(typing.get_args(changes.Change))
    assert set(VERBS) == everything
    abstract = {name for name, _member in inspect.getmembers(Platform) if name in Platform.__abstractmethods__}
    for change in everything - {changes.CreateResourcePool}:
        assert change.operation in abstract
    assert FakeHost.__abstractmethods__ == frozenset()


# libvirt: resources


@ALL_TYPES
def test_libvirt_maps_or_refuses_every_value(resource_type: ResourceType) -> None:
    silent = []
    for name in values_of(resource_type):
        if resource_type in ONCE:
            mapped, refused = ONCE[resource_type]
            said = name in mapped or name in refused
        else:
            of_type = [row for row in devices.ROWS if row.resource_type is resource_type]
            assert of_type, "libvirt has no row for this type"
            said = all(name in {*row.mapped, "other_resource_type", *row.unsupported, *rows.NEVER} for row in of_type)
        if not said:
            silent.append(name)
    assert silent == []


@ALL_TYPES
def test_libvirt_maps_only_what_the_model_has(resource_type: ResourceType) -> None:
    known = set(values_of(resource_type))
    if resource_type in ONCE:
        mapped, refused = ONCE[resource_type]
        assert {*mapped, *refused} <= known
        assert set(mapped) & set(refused) == set()
    for row in devices.ROWS:
        if row.resource_type is resource_type:
            assert row.mapped <= known, row.tag


@ALL_TYPES
def test_libvirt_s_allocation_speaks_of_what_it_maps(resource_type: ResourceType) -> None:
    row = allocation_rows.ROWS[resource_type]
    if resource_type in ONCE:
        can = set(ONCE[resource_type][0])
    else:
        can = {name for one in devices.ROWS if one.resource_type is resource_type for name in one.mapped}
    for part in (row.default, row.minimum, row.maximum, row.increment, row.live_modify, row.words):
        assert set(part) <= can
    assert set(row.fixed) <= can | {"resource_sub_type", "other_resource_type"}
    assert set(row.fixed) & set(row.live_modify) == set()
    assert set(row.unsupported) & {*row.live_modify, *row.fixed} == set()


def test_libvirt_has_no_rows_for_types_the_model_does_not_know() -> None:
    assert {row.resource_type for row in devices.ROWS} | set(ONCE) == set(RESOURCE_ROWS)
    assert set(allocation_rows.ROWS) == set(RESOURCE_ROWS)


# libvirt: virtual systems


def test_libvirt_maps_or_refuses_every_setting() -> None:
    apart = {"boot_order"}  # written with the devices at hand
    mapped = {*system_settings.WRITERS, *system_settings.OUTSIDE, *apart}
    refused = {name for name in capabilities.UNSUPPORTED_SETTINGS if "=" not in name}
    assert mapped | refused == set(SYSTEM_SETTINGS)
    assert mapped & refused == set()


def test_libvirt_refuses_words_that_exist() -> None:
    for table in (capabilities.UNSUPPORTED_SETTINGS, system_settings.UNSUPPORTED_SETTINGS):
        for text in table:
            name, _equals, word = text.partition("=")
            assert name in SYSTEM_SETTINGS
            assert not word or word in SYSTEM_SETTINGS[name].words
    assert set(capabilities.UNSUPPORTED_SETTINGS) == set(system_settings.UNSUPPORTED_SETTINGS)


def test_libvirt_s_capabilities_speak_of_settings_that_exist() -> None:
    assert set(capabilities.LIVE_SETTINGS) <= set(SYSTEM_SETTINGS)
    assert set(capabilities.FIXED_SETTINGS) <= set(SYSTEM_SETTINGS)


def test_libvirt_offers_all_methods() -> None:
    assert fake_capabilities().methods == capabilities.METHODS | {"create_child_resource_pool"}


# Pools

KINDS: list[PoolCapabilities] = [
    *pool_xml.storage_capabilities(list(pool_xml.STORAGE_KINDS)).values(),
    *network_xml.network_capabilities().values(),
    *network_xml.network_capabilities(network_xml.VLAN_ON_BRIDGES).values(),
    *fake_capabilities().pools.values(),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.resource_type.word} {kind.resource_sub_type}")
def test_every_setting_of_a_pool_is_in_one_part_of_its_kind(kind: PoolCapabilities) -> None:
    known = {f"settings.{name}" for name in pool_setting_rows(kind.resource_type)} | {"host_resource"}
    parts = [set(part) for part in (kind.live, kind.stopped, kind.making, kind.unseen, kind.fixed, kind.unsupported)]
    everything = [name for part in parts for name in part]
    assert len(everything) == len(set(everything))
    others = {"automatic_startup", "resource_sub_type", "parent"}
    assert set(everything) - others <= known
    if kind.resource_sub_type not in ("dir", "isolated") or kind not in fake_capabilities().pools.values():
        assert known <= set(everything)
    assert {name for group in kind.required for name in group} <= set(everything) - set(kind.unsupported)
    assert set(kind.words) <= set(everything)
