# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are not as they should be, under the modules: a clear error, what was done so far, and nothing lost."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.integration.platforms.conftest import Run
from tests.wbem import Dialect, Faults, WbemServer, classes
from tests.wbem.dialects import DIALECTS, STANDARD
from tests.wbem.invoke import Invocation
from tests.wbem.operations import Operations
from tests.wbem.world import Reading, Section

MIB = 2**20
WEB: dict[str, Any] = {
    "name": "web",
    "state": "active",
    "resources": [
        {"resource_type": "processor", "virtual_quantity": 1},
        {"resource_type": "memory", "virtual_quantity": "256 MiB"},
        {"resource_type": "ethernet_adapter", "connection": ["lan"], "address": "52:54:00:00:00:01"},
    ],
}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def behind() -> FakeHost:
    host = FakeHost()
    for pool in (
        ResourcePool("images", ResourceType.DISK_DRIVE, "dir", host_resource=("/images",), active=True),
        ResourcePool("lan", ResourceType.ETHERNET_ADAPTER, "isolated", active=True),
    ):
        host.pools[pool.resource_type, pool.pool_id] = pool
    return host


def without(*names: str, **changes: Any) -> Any:
    """The standard's dialect without the instances of some classes, given without prefix."""

    def emptied(section: Section) -> Section:
        if not set(section.classes) & set(names):
            return section

        def make(reading: Reading) -> Iterator[Any]:
            for found in section.make(reading):
                if found.classname.partition("_")[2] not in names:
                    yield found

        return replace(section, make=make)

    return replace(STANDARD, sections=tuple(emptied(section) for section in STANDARD.sections), **changes)


def altered(suffix: str, **values: Any) -> Any:
    """The standard's dialect with other values of some properties in the instances of a class."""

    def changed(section: Section) -> Section:
        def make(reading: Reading) -> Iterator[Any]:
            for found in section.make(reading):
                if found.classname.endswith(f"_{suffix}"):
                    for name, value in values.items():
                        found[name] = value
                yield found

        return replace(section, make=make)

    return replace(STANDARD, sections=tuple(changed(section) for section in STANDARD.sections))


# Names


def test_a_namespace_that_is_not_there(run: Run, behind: FakeHost) -> None:
    with WbemServer(behind) as server:
        failed = run("virtual_system", server, "not_found", **{**WEB, "uri": f"{server.url}/root/nowhere"})
    assert "no namespace root/nowhere" in failed["msg"]
    assert (failed["changed"], behind.log) == (False, [])


def test_classes_of_any_prefix(run: Run, behind: FakeHost, tmp_path: Path) -> None:
    for prefix in ("ACME_", "KVM_"):
        mof = tmp_path / f"{prefix}.mof"
        mof.write_text((classes.MOF / "svpc.mof").read_text().replace("SVPC_", prefix))
        with WbemServer(behind, mof=(str(mof),), own_prefix=prefix) as server:
            system = run("virtual_system", server, **{**WEB, "name": prefix.lower()[:-1]})["virtual_system"]
            assert (system["state"], len(system["resources"])) == ("active", 3)
            assert run("host_info", server)["host"]["implementation"] == "standard"


class SeveralHypervisors(Dialect):
    """A server that shows the classes of other prefixes as well: a name with a prefix is one of those."""

    def class_name(self, suffix: str) -> str:
        """The class for a name, which may have its prefix."""
        return suffix if suffix.startswith(("Xen_", "LXC_")) else super().class_name(suffix)


def several_hypervisors(folder: Path, alive: Collection[str], prefixes: Collection[str] = ("LXC", "Xen")) -> Dialect:
    """libvirt-cim with hypervisors beside KVM, which come first in every list; those of ``alive`` have a host."""
    named = {
        "HostSystem": "CIM_ComputerSystem { };",
        "VirtualSystemManagementService": "CIM_VirtualSystemManagementService { string LibvirtVersion; };",
        "ResourcePoolConfigurationService": "CIM_ResourcePoolConfigurationService { };",
        "DiskPool": "CIM_ResourcePool { };",
    }
    mof, kvm = folder / "others.mof", DIALECTS["libvirt-cim"]
    mof.write_text("\n".join(f"class {prefix}_{name} : {named[name]}" for prefix in prefixes for name in named))

    def others(reading: Reading) -> Iterator[Any]:
        host: dict[str, Any] = {
            "SystemName": reading.host_name,
            "SystemCreationClassName": "HostSystem",
            "EnabledState": 5,
        }
        for prefix in prefixes:
            of_libvirt_cim: dict[str, Any] = {"LibvirtVersion": "9.0.0"}
            for name, more in (
                ("VirtualSystemManagementService", of_libvirt_cim),
                ("ResourcePoolConfigurationService", {}),
            ):
                service = f"{prefix}_{name}"
                yield reading.make(service, Name=f"of {prefix}", CreationClassName=service, **host, **more)
            pool = "DiskPool/images"
            yield reading.make(f"{prefix}_DiskPool", InstanceID=pool, PoolID=pool, Primordial=False, ResourceType=17)
            if prefix in alive:
                kind = f"{prefix}_HostSystem"
                yield reading.make(kind, CreationClassName=kind, Name=reading.host_name, EnabledState=5)

    section = Section(tuple(f"{prefix}_{name}" for prefix in prefixes for name in named), others)
    fields = {each.name: getattr(kvm, each.name) for each in dataclasses.fields(kvm)}
    sections = (section, *kvm.sections)
    if "KVM" not in alive:
        sections = (section, *(each for each in kvm.sections if "HostSystem" not in each.classes))
    return SeveralHypervisors(**{**fields, "mof": (*kvm.mof, str(mof)), "sections": sections})


def test_of_several_hypervisors_in_a_namespace_the_first_that_answers_is_managed(
    run: Run, behind: FakeHost, tmp_path: Path
) -> None:
    with WbemServer(behind, several_hypervisors(tmp_path, alive=("KVM", "LXC"))) as server:
        result = run("virtual_system", server, **WEB)
        (warning,) = [text for text in result["warned"] if "several hypervisors" in text]
        assert "namespace root/virt: this is about KVM, and nothing of LXC is looked at" in warning
        assert result["virtual_system"]["settings"]["virtual_system_type"] == "kvm"
        pools = [pool["pool_id"] for pool in run("resource_pool_info", server)["resource_pools"]]
        assert len(pools) == len(set(pools))
        more = {
            "pool_id": "more",
            "resource_type": "disk_drive",
            "resource_sub_type": "dir",
            "host_resource": ["/more"],
        }
        assert run("resource_pool", server, **more)["changed"]


def test_of_several_hypervisors_one_that_does_not_answer_is_none(run: Run, behind: FakeHost, tmp_path: Path) -> None:
    with WbemServer(behind, several_hypervisors(tmp_path, alive=("KVM",))) as server:
        assert not any("several hypervisors" in text for text in run("virtual_system", server, **WEB)["warned"])
    with WbemServer(behind, several_hypervisors(tmp_path, alive=())) as server:
        assert "it shows no host" in run("virtual_system_info", server, "unreachable")["msg"]


def test_a_class_the_server_does_not_make_anything_of(run: Run, behind: FakeHost, faults: Faults) -> None:
    faults.errors = {"DefineSystem": (1, "CIM_ERR_FAILED: Unable to determine RASD type")}
    with WbemServer(behind, faults=faults) as server:
        failed = run("virtual_system", server, "host_failed", **WEB)
    assert "Cannot define virtual system 'web': CIM_ERR_FAILED: Unable to determine RASD type" in failed["msg"]
    assert behind.systems == {}


# What is missing


def test_no_management_service(run: Run, behind: FakeHost) -> None:
    with WbemServer(behind, without("VirtualSystemManagementService")) as server:
        failed = run("virtual_system", server, "not_supported", **WEB)
        assert "no virtual system management service in namespace root/virt" in failed["msg"]
        anywhere = run("virtual_system_info", server, "not_supported", uri=server.url)
        assert "shows no management of virtual systems in any namespace" in anywhere["msg"]


@pytest.mark.parametrize(
    ("service", "module", "params", "missing"),
    [
        (
            "VirtualSystemSnapshotService",
            "snapshot",
            {"virtual_system": "web", "name": "before"},
            "create_snapshot",
        ),
        (
            "ResourcePoolConfigurationService",
            "resource_pool",
            {"pool_id": "new", "resource_type": "disk_drive", "resource_sub_type": "dir", "host_resource": ["/new"]},
            "",
        ),
        (
            "StorageConfigurationService",
            "virtual_system",
            {"name": "web", "state": "absent", "remove_storage": True},
            None,
        ),
    ],
)
def test_a_service_is_missing(
    run: Run, behind: FakeHost, service: str, module: str, params: dict[str, Any], missing: str | None
) -> None:
    disk = {"resource_type": "disk_drive", "name": "root", "pool_id": "images", "virtual_quantity": "16 MiB"}
    with WbemServer(behind, without(service)) as server:
        run("virtual_system", server, **{**WEB, "state": "defined", "resources": [*WEB["resources"], disk]})
        volumes = dict(behind.volumes)
        if missing is None:
            removed = run(module, server, **params)
            # Storage that nobody can vouch for stays, and that is said.
            assert (behind.volumes, behind.systems) == (volumes, {})
            assert any("the server does not say what else needs it" in text for text in removed["warned"])
            return
        failed = run(module, server, "not_supported", **params)
        assert missing in failed["msg"]
        assert failed["changed"] is False
        assert run("virtual_system", server, **{**WEB, "state": "defined"})["changed"] is False


def test_no_capabilities_at_all(run: Run, behind: FakeHost) -> None:
    nothing = without(
        "AllocationCapabilities",
        "VirtualSystemManagementCapabilities",
        "EnabledLogicalElementCapabilities",
        "VirtualSystemSnapshotServiceCapabilities",
        "ResourcePoolConfigurationCapabilities",
        "SettingsDefineCapabilities",
        "ElementCapabilities",
    )
    with WbemServer(behind, nothing) as server:
        made = run("virtual_system", server, **WEB)
        assert made["virtual_system"]["state"] == "active"
        assert run("virtual_system", server, **WEB)["changed"] is False
        # Nothing says that it can be changed while the system runs, so it waits.
        changed = run("virtual_system", server, name="web", resources=[{"resource_type": "processor", "weight": 5}])
        assert changed["restart_required"] is True
        assert run("host_info", server)["host"]["resource_types"]["memory"]["valid_settings"] is not None


# Embedded instances


@pytest.mark.parametrize("dialect", ["standard", "libvirt-cim"])
@pytest.mark.parametrize("form", ["instance", "xml", "mof"])
def test_embedded_instances_in_the_form_the_server_takes(run: Run, behind: FakeHost, form: str, dialect: str) -> None:
    with WbemServer(behind, dialect, embedded_taken=form) as server:
        made = run("virtual_system", server, **WEB)
        assert made["virtual_system"]["state"] == "active"
        # The form that was taken is remembered.
        tries = {"instance": 1, "xml": 2, "mof": 3}[form]
        assert server.requests.count["DefineSystem"] == tries
        assert run("virtual_system", server, **WEB)["changed"] is False
        assert list(behind.systems) == ["web"]


def test_embedded_instances_in_no_form(run: Run, behind: FakeHost) -> None:
    with WbemServer(behind, embedded_taken="none of them") as server:
        failed = run("virtual_system", server, "host_failed", **WEB)
        assert "CIM_ERR_TYPE_MISMATCH" in failed["msg"]
        assert server.requests.count["DefineSystem"] == 3
    assert (behind.systems, failed["changed"]) == ({}, False)


@pytest.mark.parametrize("form", ["instance", "xml", "mof"])
def test_embedded_instances_in_the_form_the_server_sends(run: Run, behind: FakeHost, faults: Faults, form: str) -> None:
    with WbemServer(behind, embedded_sent=form, jobs="all", job_seconds=0.0, faults=faults) as server:
        assert run("virtual_system", server, **WEB)["virtual_system"]["state"] == "active"
        faults.job_fails = "completed"
        failed = run("virtual_system", server, "host_failed", name="web", state="paused")
        # The words are those of an embedded CIM_Error.
        assert failed["msg"].endswith("The job failed because it was told to")


@pytest.mark.parametrize("text", ["<INSTANCE", "instance of { }", "nonsense"])
def test_embedded_instances_that_are_none(
    run: Run, behind: FakeHost, faults: Faults, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    from tests.wbem import texts

    monkeypatch.setattr(texts, "text_of", lambda _world, value: text if value is not None else None)
    with WbemServer(behind, jobs="all", job_seconds=0.0, faults=faults) as server:
        faults.job_fails = "completed"
        failed = run("virtual_system", server, "host_failed", **WEB)
    assert "job failed" in failed["msg"]
    assert behind.systems == {}


# Values


@pytest.mark.parametrize(
    ("suffix", "name", "module"),
    [
        ("ComputerSystem", "EnabledState", "virtual_system_info"),
        ("ComputerSystem", "OperationalStatus", "virtual_system_info"),
        ("StorageAllocationSettingData", "Access", "virtual_system_info"),
        ("ResourceAllocationSettingData", "VirtualQuantity", "virtual_system_info"),
        ("ProcessorAllocationSettingData", "ResourceType", "virtual_system_info"),
        ("ResourcePool", "Capacity", "resource_pool_info"),
        ("VirtualSystemManagementCapabilities", "RequestedStatesSupported", "host_info"),
        ("SettingsDefineCapabilities", "ValueRole", "host_info"),
    ],
)
def test_a_word_in_place_of_a_number_is_told(run: Run, behind: FakeHost, suffix: str, name: str, module: str) -> None:
    with WbemServer(behind) as server:
        disk = {"resource_type": "disk_drive", "name": "root", "pool_id": "images", "virtual_quantity": "1 GiB"}
        run("virtual_system", server, **{**WEB, "resources": [*WEB["resources"], disk]})
    with WbemServer(behind, altered(suffix, **{name: "some & <more>"})) as server:
        failed = run(module, server, "host_failed")
    assert f"'some & <more>' for {name}" in failed["msg"]


def test_numbers_that_come_as_text_are_numbers(run: Run, behind: FakeHost) -> None:
    with WbemServer(behind) as server:
        run("virtual_system", server, **WEB)
        shown = run("virtual_system_info", server)["virtual_systems"]
    as_text = altered("ComputerSystem", EnabledState="2", OperationalStatus="2")
    with WbemServer(behind, as_text) as server:
        assert run("virtual_system_info", server)["virtual_systems"] == shown
        assert not run("virtual_system", server, **WEB)["changed"]


def test_a_unit_nobody_knows(run: Run, behind: FakeHost) -> None:
    with WbemServer(behind) as server:
        run("virtual_system", server, **{**WEB, "state": "defined"})
    odd = altered("ResourceAllocationSettingData", VirtualQuantityUnits="furlong", AllocationUnits="fortnight")
    with WbemServer(behind, odd) as server:
        read = run("virtual_system_info", server, name=["web"])["virtual_systems"][0]
        (memory,) = [one for one in read["resources"] if one["resource_type"] == "memory"]
        assert memory["virtual_quantity"] is None
        both = [
            {"resource_type": "ethernet_adapter", "address": "52:54:00:00:00:01", "connection": ["user:"]},
            {"resource_type": "memory", "virtual_quantity": "512 MiB"},
        ]
        for check in (True, False):
            failed = run(
                "virtual_system", server, "not_supported", name="web", resources=both, _ansible_check_mode=check
            )
            assert "measures" in failed["msg"]
            assert "furlong" in failed["msg"]
            # Not even the change that would have been possible is made.
            assert server.requests.count["ModifyResourceSettings"] == 0
            assert failed["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_what_has_no_place_in_a_class_is_refused_before_anything_is_sent(
    run: Run, behind: FakeHost, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    with WbemServer(behind) as server:
        run("virtual_system", server, **WEB)
    answered = Operations._class_as_asked

    def without_place(found: Any, call: Any) -> Any:
        shown = answered(found, call).copy()
        shown.properties = [each for each in shown.properties.values() if not each.name.startswith("Setting")]
        return shown

    monkeypatch.setattr(Operations, "_class_as_asked", staticmethod(without_place))
    tried = {"_ansible_check_mode": check}
    quiet = {"snapshot_type": "disk", "quiesce": True}
    lan = behind.pools[ResourceType.ETHERNET_ADAPTER, "lan"]
    behind.pools[lan.resource_type, "lan"] = replace(lan, settings={"addresses": ("192.0.2.1/24",)})
    with WbemServer(behind) as server:
        failed = run("snapshot", server, "not_supported", virtual_system="web", name="now", **quiet, **tried)
        assert "quiesce is not supported by this server" in failed["msg"]
        pool = {"pool_id": "new", "resource_type": "disk_drive", "resource_sub_type": "dir", "host_resource": ["/new"]}
        failed = run("resource_pool", server, "not_supported", **pool, settings={"target_path": "/new"}, **tried)
        assert "target_path is not supported by this server" in failed["msg"]
        hosts = [{"name": "a", "address": "192.0.2.5"}]
        existing = {"pool_id": "lan", "resource_type": "ethernet_adapter", "settings": {"dhcp_hosts": hosts}}
        failed = run("resource_pool", server, "not_supported", **existing, **tried)
        assert "dhcp_hosts is not supported by this server" in failed["msg"]
        count = server.requests.count
        methods = ("CreateSnapshot", "CreateChildResourcePool", "ModifyResourceSettings")
        assert [count[method] for method in methods] == [0, 0, 0]


@pytest.mark.parametrize("check", [True, False])
def test_a_boot_device_the_server_does_not_know_is_refused_before_anything_is_sent(
    run: Run, behind: FakeHost, check: bool
) -> None:
    with WbemServer(behind, "libvirt-cim") as server:
        run("virtual_system", server, **WEB)
        odd = {"name": "web", "settings": {"boot_order": ["dvd_drive"]}, "_ansible_check_mode": check}
        failed = run("virtual_system", server, "not_supported", **odd)
        assert "boot_order: 'dvd_drive' is not offered by this server; allowed are cd_drive" in failed["msg"]
        assert server.requests.count["ModifySystemSettings"] == 0


def test_references_without_keys(run: Run, behind: FakeHost) -> None:
    def keyless(invocation: Invocation) -> dict[str, Any]:
        method = STANDARD.methods["VirtualSystemManagementService.AddResourceSettings"]
        output = dict(method.handler(invocation))
        output["ResultingResourceSettings"] = [
            pywbem.CIMInstanceName(path.classname, {}) for path in output["ResultingResourceSettings"]
        ]
        return output

    methods = dict(STANDARD.methods)
    name = "VirtualSystemManagementService.AddResourceSettings"
    methods[name] = replace(methods[name], handler=keyless)
    with WbemServer(behind, replace(STANDARD, methods=methods)) as server:
        run("virtual_system", server, **WEB)
        more = {"resource_type": "ethernet_adapter", "name": "second", "connection": ["lan"]}
        added = run("virtual_system", server, name="web", resources=[more])
        (adapter,) = [one for one in added["virtual_system"]["resources"] if one["name"] == "second"]
        assert adapter["address"]
        # The definition and the running system have got the same one, although the server did not say which it made.
        assert added["restart_required"] is False
        assert run("virtual_system", server, name="web", resources=[more])["changed"] is False


def test_two_pools_of_one_name(run: Run, behind: FakeHost) -> None:
    twin = behind.pools[ResourceType.DISK_DRIVE, "images"]
    behind.pools[ResourceType.DISK_DRIVE, "twin"] = replace(twin, host_resource=("/twin",))
    assert twin.pool_id == "images"
    with WbemServer(behind) as server:
        failed = run(
            "resource_pool",
            server,
            "conflict",
            pool_id="images",
            resource_type="disk_drive",
            state="absent",
        )
        assert "Several pools of type disk_drive" in failed["msg"]
        assert server.requests.count["DeleteResourcePool"] == 0
        disk = {"resource_type": "disk_drive", "name": "root", "pool_id": "images", "virtual_quantity": "16 MiB"}
        failed = run("virtual_system", server, "conflict", **{**WEB, "resources": [*WEB["resources"], disk]})
        assert "Several pools of type disk_drive" in failed["msg"]
        assert (failed["changed"], behind.systems) == (False, {})
        assert len(run("resource_pool_info", server, resource_type=["disk_drive"])["resource_pools"]) == 2


# The way there


def test_a_wrong_password(run: Run, behind: FakeHost) -> None:
    with WbemServer(behind, user="admin", password="s3cret-phrase") as server:
        failed = run(
            "virtual_system", server, "authentication_failed", **WEB, username="admin", password="wr0ng-phrase"
        )
        run("virtual_system", server, **WEB, username="admin", password="s3cret-phrase")
    assert "phrase" not in json.dumps(failed)
    assert failed["changed"] is False


@pytest.mark.parametrize("dialect", ["standard", "libvirt-cim"])
def test_a_server_that_goes_in_the_middle_of_a_plan(run: Run, behind: FakeHost, faults: Faults, dialect: str) -> None:
    with WbemServer(behind, dialect, faults=faults) as server:
        done = server.dialect.methods["VirtualSystemManagementService.DefineSystem"]

        def defined(invocation: Invocation) -> Any:
            output = done.handler(invocation)
            faults.drop_after = 3  # what is read after it is still answered
            return output

        methods = {
            **server.dialect.methods,
            "VirtualSystemManagementService.DefineSystem": replace(done, handler=defined),
        }
        server.world.dialect = replace(server.world.dialect, methods=methods)
        failed = run("virtual_system", server, "unreachable", **WEB)
        assert [change["operation"] for change in failed["changes"]] == ["define_system"]
        assert failed["changed"] is True
        assert failed["failed_change"]["operation"] == "request_state_change"
        faults.drop_after = None
        # Nothing is lost: the same task goes on from there.
        server.world.dialect = DIALECTS[dialect]
        again = run("virtual_system", server, **WEB)
        assert [change["operation"] for change in again["changes"]] == ["request_state_change"]


def test_a_job_that_never_ends(run: Run, behind: FakeHost, faults: Faults) -> None:
    with WbemServer(behind, jobs=["RequestStateChange"], faults=faults) as server:
        faults.job_never_ends = True
        failed = run("virtual_system", server, "timed_out", shutdown_timeout=1, timeout=3, **WEB)
        assert "did not end within" in failed["msg"]
        assert [change["operation"] for change in failed["changes"]] == ["define_system"]
        faults.job_never_ends = False
        # Nothing is lost: the same task goes on from there.
        again = run("virtual_system", server, **WEB)
        assert [change["operation"] for change in again["changes"]] == ["request_state_change"]
