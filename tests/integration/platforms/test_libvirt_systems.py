# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual systems on a real libvirt host: read, define, change live and in the definition, destroy."""

from __future__ import annotations

import contextlib
import time

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InvalidInput,
    NotFound,
    NotSupported,
    RestartNeeded,
    Unreachable,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import MappingBehavior, Rasd, only, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import resources, watchdog
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.definitions import Definition
from tests.laboratory import tiny_guest

from .libvirt_systems import MIB, adapter, define, disk, guest_settings, request, wait_booted

pytestmark = pytest.mark.libvirt


def test_define_start_stop_destroy(platform, pool, network):
    nic = Rasd(ResourceType.ETHERNET_ADAPTER, name="lan", connection=(network,))
    web = define(platform, "web", disk(pool), nic, description="the web", automatic_startup_action="always_startup")
    assert web.state is SystemState.DEFINED
    assert web.running is None
    root = only(web.defined.resources, ResourceType.DISK_DRIVE)[0]
    assert (root.name, root.pool_id, root.virtual_quantity) == ("root", pool, 64 * MIB)
    assert (root.host_resource or ("",))[0].endswith("/web-root.qcow2")
    assert web.defined.settings["automatic_startup_action"] == "always_startup"
    assert web.defined.settings["description"] == "the web"
    web = request(platform, web, RequestedState.ENABLED)
    assert web.state is SystemState.ACTIVE
    assert web.running is not None
    with pytest.raises(Conflict, match="web"):
        platform.destroy_system(changes.DestroySystem(changes.SystemRef("web")))
    web = request(platform, web, RequestedState.DISABLED)
    platform.destroy_system(changes.DestroySystem(changes.SystemRef("web", web.uuid)))
    assert platform.virtual_system("web") is None


def test_bulk_and_single_readings_agree(platform, pool, network):
    for name in ("a", "b", "c"):
        define(platform, name, disk(pool))
    request(platform, platform.virtual_system("a"), RequestedState.ENABLED)
    request(platform, platform.virtual_system("b"), RequestedState.QUIESCE)
    request(platform, platform.virtual_system("b"), RequestedState.OFFLINE)
    found = platform.virtual_systems()
    assert [system.state for system in found] == [SystemState.ACTIVE, SystemState.SUSPENDED, SystemState.DEFINED]
    for system in found:
        assert system == platform.virtual_system(system.name)
    assert found[1].running is not None


def test_what_vanishes_between_the_list_and_its_reading_is_left_out(platform, connection, monkeypatch):
    for name in ("first", "gone", "last"):
        define(platform, name)
    listing = libvirt.virConnect.listAllDomains

    def then_one_goes(self, flags=0):
        found = listing(self, flags)
        doomed = [domain for domain in listing(connection) if domain.name() == "gone"]
        for domain in doomed:
            domain.undefine()
        return found

    monkeypatch.setattr(libvirt.virConnect, "listAllDomains", then_one_goes)
    assert [system.name for system in platform.virtual_systems()] == ["first", "last"]


ASKS_NOBODY = frozenset({"virDomainGetName", "virDomainGetUUIDString", "virDomainGetConnect", "virDomainFree"})
"""Calls of libvirt that are answered without the daemon."""


def test_the_number_of_calls_grows_by_a_constant_for_each_system(platform, pool, network, monkeypatch):
    monkeypatch.setattr(watchdog, "JUST_NOW", 600.0)  # whether the host is still there is asked now and then
    asked: list[str] = []
    for name in dir(libvirt.libvirtmod):
        real = getattr(libvirt.libvirtmod, name)
        if name.startswith("vir") and callable(real) and name not in ASKS_NOBODY:

            def counting(*arguments, _real=real, _name=name):
                asked.append(_name)
                return _real(*arguments)

            monkeypatch.setattr(libvirt.libvirtmod, name, counting)

    def calls():
        asked.clear()
        platform.virtual_systems()
        return len(asked)

    def more(*names):
        for name in names:
            define(platform, name, disk(pool), adapter(network))
        request(platform, platform.virtual_system(names[0]), RequestedState.ENABLED)
        return calls()

    first, second, third = more("a", "b", "c"), more("d", "e", "f"), more("g", "h", "i")
    assert third - second == second - first
    assert 0 < third - second <= 2 * 3


def test_a_failed_lookup_is_not_absence(platform, host):
    define(platform, "there")
    with pytest.raises(Conflict, match="UUID"):
        platform.virtual_system("there", "11111111-2222-3333-4444-555555555555")
    with pytest.raises(Conflict, match="there"):
        platform.virtual_system("other", platform.virtual_system("there").uuid)
    assert platform.virtual_system("nosuch") is None
    nowhere = changes.RequestStateChange(changes.SystemRef("nosuch"), RequestedState.ENABLED)
    with pytest.raises(NotFound, match="nosuch"):
        platform.request_state_change(nowhere)
    host.stop_daemon()
    try:
        with pytest.raises(Unreachable):
            platform.virtual_system("there")
    finally:
        host.start_daemon()
    assert platform.virtual_system("there") is not None


def parts(system, kind, name=None):
    """A resource in the definition and in the running system."""
    return tuple(
        next((rasd for rasd in only(each.resources, kind) if name in (None, rasd.name)), None)
        if each is not None
        else None
        for each in (system.defined, system.running)
    )


def modify(platform, name, kind, resource=None, **after):
    """Change a resource in the definition and, where it runs, live; read again."""
    system = platform.virtual_system(name)
    defined, running = parts(system, kind, resource)
    after = {key.replace("settings_", "settings."): value for key, value in after.items()}
    platform.modify_resource_settings(
        changes.ModifyResourceSettings(
            changes.SystemRef(name),
            before=defined,
            differences={key: (values(defined).get(key), value) for key, value in after.items()},
            running_before=running,
            live_differences={key: (values(running).get(key), value) for key, value in after.items()}
            if running
            else {},
        )
    )
    return parts(platform.virtual_system(name), kind, resource)


def add(platform, name, rasd, live=True):
    platform.add_resource_settings(changes.AddResourceSettings(changes.SystemRef(name), rasd, live=live))
    return parts(platform.virtual_system(name), rasd.resource_type, rasd.name)


def remove(platform, name, kind, resource=None):
    defined, running = parts(platform.virtual_system(name), kind, resource)
    platform.remove_resource_settings(
        changes.RemoveResourceSettings(changes.SystemRef(name), defined, running_resource=running)
    )
    return parts(platform.virtual_system(name), kind, resource)


def test_devices_and_processors_are_plugged_into_a_guest(platform, host, pool, network, patient):
    guest = define(platform, "guest", disk(pool), adapter(network), **guest_settings(host, "guest"))
    request(platform, guest, RequestedState.ENABLED)
    wait_booted(host, "guest")
    for part in modify(platform, "guest", ResourceType.PROCESSOR, virtual_quantity=3):
        assert part.virtual_quantity == 3
    defined, running = add(platform, "guest", disk(pool, "data", 32 * MIB))
    assert defined == running
    defined, running = add(platform, "guest", adapter(network, "san"))
    assert defined == running
    assert defined.address
    report = wait_booted(
        host, "guest", lambda report: report.cpus == 3 and len(report.disks) == 2 and len(report.nics) == 2
    )
    assert report.disks["vdb"] == 32 * MIB
    assert defined.address in [nic.mac for nic in report.nics.values()]
    for part in modify(platform, "guest", ResourceType.ETHERNET_ADAPTER, "lan", settings_link_state="down"):
        assert part.settings["link_state"] == "down"
    wait_booted(host, "guest", lambda report: not all(nic.link for nic in report.nics.values()))
    modify(platform, "guest", ResourceType.DISK_DRIVE, "data", virtual_quantity=48 * MIB)
    wait_booted(host, "guest", lambda report: report.disks["vdb"] == 48 * MIB)
    assert remove(platform, "guest", ResourceType.DISK_DRIVE, "data") == (None, None)
    assert remove(platform, "guest", ResourceType.ETHERNET_ADAPTER, "san") == (None, None)
    wait_booted(host, "guest", lambda report: len(report.disks) == 1 and len(report.nics) == 1)
    assert (host.images / pool / "guest-data.qcow2").exists()


def test_a_device_the_guest_does_not_release(platform, pool, monkeypatch):
    monkeypatch.setattr(resources, "RELEASED_WITHIN", 1.0)
    system = define(platform, "deaf", disk(pool), disk(pool, "data"))
    request(platform, system, RequestedState.ENABLED)
    remove(platform, "deaf", ResourceType.DISK_DRIVE, "data")
    (note,) = platform.take_notes()
    assert "has not released disk_drive 'data'" in note
    assert "out of the definition, still in the running system" in note
    defined, running = parts(platform.virtual_system("deaf"), ResourceType.DISK_DRIVE, "data")
    assert defined is None
    (storage,) = [each for each in platform.storage_of(platform.virtual_system("deaf")) if "data" in each.host_resource]
    with pytest.raises(RestartNeeded, match="has not released disk_drive 'data'"):
        platform.carry_out(changes.ReturnToStoragePool(storage))
    again = changes.RemoveResourceSettings(
        changes.SystemRef("deaf"), running, in_definition=False, running_resource=running
    )
    platform.remove_resource_settings(again)
    assert "has not released" in platform.take_notes()[0]
    assert [each.name for each in platform.virtual_system("deaf").defined.resources if each.name] == ["root"]


def test_a_definition_that_somebody_else_changes_meanwhile_is_not_overwritten(platform, connection, pool):
    define(platform, "web", disk(pool))
    definition = Definition(platform.session, platform.session.connection.lookupByName("web"))
    theirs = (
        connection.lookupByName("web")
        .XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        .replace("<os>", "<title>theirs</title><os>")
    )
    connection.defineXML(theirs)
    definition.document.apply_settings({"description": (None, "ours")})
    with pytest.raises(Conflict, match="changed by somebody else meanwhile"):
        definition.write()
    kept = connection.lookupByName("web").XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    assert "<title>theirs</title>" in kept
    assert "ours" not in kept


def test_what_the_host_refuses_to_plug_leaves_no_trace(platform, host, pool):
    request(platform, define(platform, "web", disk(pool)), RequestedState.ENABLED)
    before = platform.virtual_system("web")
    with pytest.raises(VirtError):
        add(platform, "web", disk(pool, "ide", resource_sub_type="ide"))
    assert platform.virtual_system("web") == before
    assert not (host.images / pool / "web-ide.qcow2").exists()
    with pytest.raises(NotSupported, match="only while it is off"):
        modify(platform, "web", ResourceType.PROCESSOR, resource_sub_type="qemu64")
    assert platform.virtual_system("web") == before


def test_live_tuning(platform, pool, network, host):
    request(platform, define(platform, "web", disk(pool), adapter(network)), RequestedState.ENABLED)
    for part in modify(
        platform, "web", ResourceType.DISK_DRIVE, settings_total_iops_sec=500, settings_read_bytes_sec=MIB
    ):
        assert part.settings["total_iops_sec"] == 500
        assert part.settings["read_bytes_sec"] == MIB
    for part in modify(platform, "web", ResourceType.DISK_DRIVE, settings_total_iops_sec=None):
        assert part.settings.get("total_iops_sec") is None
        assert part.settings["read_bytes_sec"] == MIB
    before = platform.virtual_system("web")
    changed = None
    with contextlib.suppress(HostFailed):  # a kernel without traffic control: then nothing is changed
        changed = modify(platform, "web", ResourceType.ETHERNET_ADAPTER, limit=8_000_000)
    if changed:
        assert [part.limit for part in changed] == [8_000_000, 8_000_000]
    else:
        assert platform.virtual_system("web") == before
    for part in modify(platform, "web", ResourceType.PROCESSOR, weight=512, limit=50):
        assert (part.weight, part.limit) == (512, 50)
    modify(
        platform, "web", ResourceType.PROCESSOR, host_resource=("0",), mapping_behavior=MappingBehavior.HARD_AFFINITY
    )


def test_memory_grows_by_modules_and_by_the_balloon(platform):
    memory = Rasd(ResourceType.MEMORY, virtual_quantity=128 * MIB, maximum_quantity=512 * MIB, settings={"slots": 4})
    configuration = Configuration(
        {"virtual_system_type": "qemu"}, (Rasd(ResourceType.PROCESSOR, virtual_quantity=1), memory)
    )
    platform.define_system(changes.DefineSystem(changes.SystemRef("big"), configuration))
    request(platform, platform.virtual_system("big"), RequestedState.ENABLED)
    defined, running = modify(platform, "big", ResourceType.MEMORY, virtual_quantity=256 * MIB)
    assert defined.virtual_quantity == running.virtual_quantity == 256 * MIB


def test_a_guest_gives_memory_back(platform, host, patient):
    settings = guest_settings(host, "guest")
    balloon = Rasd(ResourceType.OTHER, "memory_balloon", "virtio")
    system = define(platform, "guest", balloon, **settings)
    request(platform, system, RequestedState.ENABLED)
    wait_booted(host, "guest")
    for part in modify(platform, "guest", ResourceType.MEMORY, virtual_quantity=192 * MIB):
        assert part.virtual_quantity == 192 * MIB


def test_the_password_of_a_console_changes_while_it_runs(platform, connection):
    console = Rasd(ResourceType.GRAPHICS_CONTROLLER, resource_sub_type="vnc", settings={"password": "old"})
    request(platform, define(platform, "web", console), RequestedState.ENABLED)
    for part in modify(platform, "web", ResourceType.GRAPHICS_CONTROLLER, settings_password="new"):
        assert part.settings["password"] == "new"


def test_media_are_changed_and_taken_out(platform, host, pool):
    for name in ("one.iso", "two.iso"):
        (host.images / name).write_bytes(b"\0" * MIB)
    one, two = str(host.images / "one.iso"), str(host.images / "two.iso")
    drive = Rasd(ResourceType.CD_DRIVE, name="cd", host_resource=(one,), resource_sub_type="sata")
    request(platform, define(platform, "web", drive), RequestedState.ENABLED)
    for medium in ((two,), (), (one,)):
        for part in modify(platform, "web", ResourceType.CD_DRIVE, host_resource=medium):
            assert part.host_resource == medium
    (host.images / pool / "three.iso").write_bytes(b"\0" * MIB)
    for part in modify(platform, "web", ResourceType.CD_DRIVE, host_resource=("three.iso",), pool_id=pool):
        assert part.host_resource == (str(host.images / pool / "three.iso"),)
    with pytest.raises(NotFound, match=r"four\.iso"):
        modify(platform, "web", ResourceType.CD_DRIVE, host_resource=("four.iso",))


def test_a_change_by_somebody_else_is_a_conflict(platform, pool, connection):
    system = define(platform, "web", disk(pool))
    root = parts(system, ResourceType.DISK_DRIVE)[0]
    domain = connection.lookupByName("web")
    connection.defineXML(domain.XMLDesc().replace("type='qcow2'/>", "type='qcow2' cache='none'/>"))
    change = changes.ModifyResourceSettings(
        changes.SystemRef("web"), before=root, differences={"settings.serial": (None, "abc")}
    )
    with pytest.raises(Conflict, match="somebody else"):
        platform.modify_resource_settings(change)
    with pytest.raises(Conflict, match="somebody else"):
        platform.remove_resource_settings(changes.RemoveResourceSettings(changes.SystemRef("web"), root))
    text = domain.XMLDesc()
    connection.defineXML(text[: text.index("<disk ")] + text[text.index("</disk>") + 7 :])
    with pytest.raises(Conflict, match="somebody else"):
        platform.remove_resource_settings(changes.RemoveResourceSettings(changes.SystemRef("web"), root))
    setting = changes.ModifySystemSettings(changes.SystemRef("web"), {"description": ("old", "new")})
    with pytest.raises(Conflict, match="somebody else"):
        platform.modify_system_settings(setting)


def test_what_others_put_into_the_document_survives(platform, connection, pool):
    define(platform, "web", disk(pool))
    domain = connection.lookupByName("web")
    foreign = "<metadata><x:y xmlns:x='http://example.org/x'><x:z a='1'/></x:y></metadata>"
    secret = "<graphics type='vnc' port='-1' autoport='yes' passwd='sesame'/>"
    extra = "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:env name='A' value='b'/></qemu:commandline>"
    text = domain.XMLDesc().replace("<memory ", foreign + "<memory ", 1)
    connection.defineXML(text.replace("</devices>", secret + "</devices>" + extra))
    secure = libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE
    connection.defineXML(domain.XMLDesc(secure))  # libvirt puts what it added by itself in order only now
    before = domain.XMLDesc(secure)
    modify(platform, "web", ResourceType.PROCESSOR, virtual_quantity=2)
    modify(platform, "web", ResourceType.PROCESSOR, virtual_quantity=1)
    assert domain.XMLDesc(secure) == before
    add(platform, "web", disk(pool, "data"), live=False)
    remove(platform, "web", ResourceType.DISK_DRIVE, "data")
    after = domain.XMLDesc(secure)
    assert "x:z a=" in after
    assert "sesame" in after
    assert "qemu:env" in after


def test_settings_of_the_system_itself(platform):
    system = request(platform, define(platform, "web"), RequestedState.ENABLED)
    platform.modify_system_settings(
        changes.ModifySystemSettings(
            changes.SystemRef("web", system.uuid),
            {"description": (None, "text"), "automatic_startup_action": ("none", "always_startup")},
            live=True,
        )
    )
    system = platform.virtual_system("web")
    for configuration in (system.defined, system.running):
        assert configuration.settings["description"] == "text"
        assert configuration.settings["automatic_startup_action"] == "always_startup"


def test_everything_that_belongs_to_a_system_goes_with_it(platform, pool, host):
    system = define(platform, "win", disk(pool), firmware="uefi", tpm="2.0")
    system = request(platform, system, RequestedState.ENABLED)
    system = request(platform, system, RequestedState.DISABLED)
    assert set(system.belongings) == {"nvram", "tpm_state"}
    assert "win" in host.run(["ls", "/var/lib/libvirt/qemu/nvram"]).stdout
    assert system.uuid in host.run(["ls", "/var/lib/libvirt/swtpm"]).stdout
    ref = changes.SystemRef("win", system.uuid)
    platform.create_snapshot(changes.CreateSnapshot(ref, "one", SnapshotType.DISK))
    system = request(platform, platform.virtual_system("win"), RequestedState.ENABLED)
    system = request(platform, system, RequestedState.OFFLINE)
    assert system.snapshots == ("one",)
    destroy = changes.DestroySystem(ref, system.snapshots, system.belongings)
    with pytest.raises(Conflict, match="suspended"):
        platform.destroy_system(destroy)
    request(platform, system, RequestedState.DISABLED)
    with pytest.raises(Conflict, match="one"):
        platform.destroy_system(changes.DestroySystem(ref))
    platform.destroy_system(destroy)
    platform.destroy_system(destroy)  # gone already
    assert platform.virtual_system("win") is None
    assert "win" not in host.run(["ls", "/var/lib/libvirt/qemu/nvram"]).stdout
    assert system.uuid not in host.run(["ls", "/var/lib/libvirt/swtpm"]).stdout
    assert (host.images / pool / "win-root.qcow2").exists()


def test_a_transient_system_changes_while_it_runs(platform, connection, pool, network):
    connection.createXML(
        "<domain type='qemu'><name>mayfly</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features></domain>"
    )
    system = platform.virtual_system("mayfly")
    processor = only(system.running.resources, ResourceType.PROCESSOR)[0]
    more = {"virtual_quantity": (1, 2)}
    ref = changes.SystemRef("mayfly")
    with pytest.raises(NotSupported, match="only while it runs"):
        platform.modify_resource_settings(changes.ModifyResourceSettings(ref, processor, differences=more))
    platform.modify_resource_settings(
        changes.ModifyResourceSettings(ref, processor, running_before=processor, live_differences=more)
    )
    platform.add_resource_settings(changes.AddResourceSettings(ref, adapter(network), in_definition=False, live=True))
    system = platform.virtual_system("mayfly")
    assert not system.persistent
    assert only(system.running.resources, ResourceType.PROCESSOR)[0].virtual_quantity == 2
    assert only(system.running.resources, ResourceType.ETHERNET_ADAPTER)[0].name == "lan"


def test_an_adapter_is_plugged_into_another_network(platform, network, connection, host):
    connection.networkCreateXML("<network><name>other</name><bridge name='other0'/></network>")
    try:
        request(platform, define(platform, "web", adapter(network)), RequestedState.ENABLED)
        for part in modify(platform, "web", ResourceType.ETHERNET_ADAPTER, connection=("other",)):
            assert part.connection == ("other",)
        with pytest.raises(VirtError):
            modify(platform, "web", ResourceType.ETHERNET_ADAPTER, connection=("nosuch",))
        for part in parts(platform.virtual_system("web"), ResourceType.ETHERNET_ADAPTER):
            assert part.connection == ("other",)
    finally:
        connection.networkLookupByName("other").destroy()


def test_guest_agent_and_addresses(platform, host, pool, network, patient, monkeypatch):
    settings = guest_settings(host, "guest")
    settings["initrd"] = str(tiny_guest().agent_initrd)
    system = define(platform, "guest", disk(pool), adapter(network), guest_agent=True, **settings)
    assert not platform.guest_agent_answers(system)
    assert platform.addresses_of(system, "agent") == {}
    system = request(platform, system, RequestedState.ENABLED)
    wait_booted(host, "guest", lambda report: report.addresses)
    deadline = time.monotonic() + 120
    while not platform.guest_agent_answers(system) and time.monotonic() < deadline:
        time.sleep(0.2)
    mac = only(system.defined.resources, ResourceType.ETHERNET_ADAPTER)[0].address
    by_lease, by_agent = (platform.addresses_of(system, source)[mac] for source in ("lease", "agent"))
    assert set(by_lease) <= set(by_agent)
    assert by_lease[0].startswith("192.0.2.")
    with pytest.raises(InvalidInput, match="agent, arp, lease"):
        platform.addresses_of(system, "oracle")
    ref = changes.SystemRef("guest")
    platform.create_snapshot(changes.CreateSnapshot(ref, "one", SnapshotType.DISK, quiesce=True))
    assert [snapshot.name for snapshot in platform.snapshots(ref)] == ["one"]
    request(platform, system, RequestedState.QUIESCE)
    monkeypatch.undo()
    started = time.monotonic()
    assert not platform.guest_agent_answers(system)
    assert platform.addresses_of(system, "agent") == {}
    assert time.monotonic() - started < 10
