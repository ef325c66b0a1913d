# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage pools and networks on a real libvirt host."""

from __future__ import annotations

import contextlib
from pathlib import Path

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.pools import Pools
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import open_session
from tests.tools.libvirt_calls import counted

pytestmark = pytest.mark.libvirt

MIB = 2**20
DISK, ETHERNET = ResourceType.DISK_DRIVE, ResourceType.ETHERNET_ADAPTER
PREFIX = "t-"


@pytest.fixture
def session(host):
    opened = open_session(host.uri)
    yield opened
    opened.close()


@pytest.fixture
def pools(session):
    """The pools of the host; those whose names begin with the prefix are gone afterwards."""
    yield Pools(session)
    connection = session.connection
    for handle in [*connection.listAllStoragePools(), *connection.listAllNetworks()]:
        if handle.name().startswith(PREFIX):
            with contextlib.suppress(libvirt.libvirtError):
                handle.destroy()
            with contextlib.suppress(libvirt.libvirtError):
                handle.undefine()


@pytest.fixture
def folder(host, request):
    """A folder that libvirt sees, not made yet."""
    return host.images / f"pools-{request.node.name.replace('[', '-').rstrip(']')}"


def storage(name, kind, host_resource=None, parent=None, automatic_startup=None, **settings):
    return ResourcePool(
        PREFIX + name,
        DISK,
        kind,
        host_resource=host_resource and tuple(map(str, host_resource)),
        parent=parent,
        automatic_startup=automatic_startup,
        settings={name: str(value) if isinstance(value, Path) else value for name, value in settings.items()},
    )


def network(name, kind, host_resource=None, automatic_startup=None, **settings):
    return ResourcePool(
        PREFIX + name,
        ETHERNET,
        kind,
        host_resource=host_resource,
        automatic_startup=automatic_startup,
        settings=settings,
    )


def made(pools, pool, active=True):
    """Create a pool, activate it, and read it."""
    pools.create_resource_pool(changes.CreateResourcePool(pool))
    if active:
        pools.request_pool_state_change(changes.RequestPoolStateChange(pool, True))
    return pools.resource_pool(pool.pool_id, pool.resource_type)


def changed(pools, pool, live=False, **after):
    """Change fields and settings (``settings_NAME``) of a pool, and read it again."""
    differences = {}
    for name, value in after.items():
        setting = name.removeprefix("settings_")
        before = pool.settings.get(setting) if setting != name else getattr(pool, name)
        differences[f"settings.{setting}" if setting != name else name] = (before, value)
    pools.modify_pool_settings(changes.ModifyPoolSettings(pool, differences, live=live))
    return pools.resource_pool(pool.pool_id, pool.resource_type)


def stopped(pools, pool):
    pools.request_pool_state_change(changes.RequestPoolStateChange(pool, False))
    return pools.resource_pool(pool.pool_id, pool.resource_type)


def volume(session, pool, name, capacity=MIB):
    xml = f"<volume><name>{name}</name><capacity>{capacity}</capacity><target><format type='qcow2'/></target></volume>"
    session.connection.storagePoolLookupByName(pool.pool_id).createXML(xml)


@pytest.fixture
def loop(host, request):
    """Makes loop devices of 64 MiB on the host; skips where the kernel has none."""
    used: list[tuple[str, Path]] = []

    def make():
        image = host.images / f"loop-{request.node.name}-{len(used)}.raw"
        image.touch()
        image.open("r+b").truncate(64 * MIB)
        found = host.run(["losetup", "--show", "--find", image], check=False)
        if found.returncode:
            pytest.skip(f"no loop devices: {found.stderr.strip()}")
        used.append((found.stdout.strip(), image))
        return used[-1][0]

    yield make
    for device, image in used:
        host.run(["umount", "--quiet", device], check=False)
        host.run(["losetup", "--detach", device], check=False)
        image.unlink()


# Folders


def test_a_folder_is_made_when_its_pool_is_activated(pools, folder):
    wanted = storage("dir", "dir", (folder,))
    pools.create_resource_pool(changes.CreateResourcePool(wanted))
    assert not folder.exists()
    inactive = pools.resource_pool(wanted.pool_id, DISK)
    assert (inactive.active, inactive.capacity, inactive.automatic_startup) == (False, None, False)
    pools.request_pool_state_change(changes.RequestPoolStateChange(inactive, True))
    active = pools.resource_pool(wanted.pool_id, DISK)
    assert folder.is_dir()
    assert active.active
    assert active.capacity > active.reserved > 0
    assert (active.host_resource, active.settings["target_path"]) == ((str(folder),), str(folder))
    assert (active.parent, active.primordial) == ("storage", False)


def test_a_folder_that_exists_is_left_as_it_is(pools, folder):
    folder.mkdir(mode=0o750)
    (folder / "something").write_text("kept")
    made(pools, storage("dir", "dir", (folder,)))
    assert (folder.stat().st_mode & 0o777, (folder / "something").read_text()) == (0o750, "kept")


def test_volumes_are_members_with_true_figures(pools, session, folder):
    pool = made(pools, storage("dir", "dir", (folder,)))
    volume(session, pool, "a.qcow2", 8 * MIB)
    (folder / "behind.raw").write_bytes(b"x" * MIB)  # libvirt does not know of it yet
    pool = pools.resource_pool(pool.pool_id, DISK)
    assert [(member["name"], member["capacity"], member["format"]) for member in pool.members] == [
        ("a.qcow2", 8 * MIB, "qcow2"),
        ("behind.raw", MIB, "raw"),
    ]
    assert pool.currently_consumed_resource == 9 * MIB
    assert pool.members[1]["path"] == str(folder / "behind.raw")


def test_a_forgotten_pool_keeps_what_is_in_it(pools, session, folder):
    pool = made(pools, storage("dir", "dir", (folder,)))
    volume(session, pool, "a.qcow2")
    with pytest.raises(errors.Conflict, match="it is active"):
        pools.delete_resource_pool(changes.DeleteResourcePool(pool))
    pool = stopped(pools, pool)
    pools.delete_resource_pool(changes.DeleteResourcePool(pool))
    assert pools.resource_pool(pool.pool_id, DISK) is None
    assert (folder / "a.qcow2").exists()
    again = made(pools, storage("dir", "dir", (folder,)))
    assert [member["name"] for member in again.members] == ["a.qcow2"]


def test_a_child_pool_lies_in_its_parent(pools, folder):
    made(pools, storage("outer", "dir", (folder,)))
    child = made(pools, storage("inner", "dir", parent=PREFIX + "outer"))
    assert child.host_resource == (str(folder / child.pool_id),)
    assert child.parent == PREFIX + "outer"
    assert pools.resource_pool(PREFIX + "outer", DISK).children == (child.pool_id,)
    with pytest.raises(errors.InvalidInput, match="does not lie in its parent"):
        pools.create_resource_pool(changes.CreateResourcePool(storage("x", "dir", ("/elsewhere",), PREFIX + "outer")))
    with pytest.raises(errors.InvalidInput, match="there is no parent 'nosuch'"):
        pools.create_resource_pool(changes.CreateResourcePool(storage("x", "dir", ("/elsewhere",), "nosuch")))
    assert pools.resource_pool(PREFIX + "x", DISK) is None


def test_the_automatic_startup_follows(pools, folder):
    pool = made(pools, storage("dir", "dir", (folder,), automatic_startup=True))
    assert pool.automatic_startup
    pool = changed(pools, pool, automatic_startup=False)
    assert (pool.automatic_startup, pool.active) == (False, True)


def test_a_pool_without_record_gets_one_before_it_is_deactivated(pools, session, folder):
    folder.mkdir()
    xml = f"<pool type='dir'><name>{PREFIX}passing</name><target><path>{folder}</path></target></pool>"
    session.connection.storagePoolCreateXML(xml)
    pool = stopped(pools, pools.resource_pool(PREFIX + "passing", DISK))
    assert (pool.active, pool.host_resource) == (False, (str(folder),))


def test_another_pool_under_the_same_name_is_a_conflict(pools, folder):
    pool = made(pools, storage("dir", "dir", (folder,)), active=False)
    pools.delete_resource_pool(changes.DeleteResourcePool(pool))
    with pytest.raises(errors.Conflict, match="has gone since"):
        pools.delete_resource_pool(changes.DeleteResourcePool(pool))
    made(pools, storage("dir", "dir", (folder,)), active=False)
    with pytest.raises(errors.Conflict, match="another one"):
        pools.delete_resource_pool(changes.DeleteResourcePool(pool))
    with pytest.raises(errors.Conflict, match="somebody else has created it"):
        pools.create_resource_pool(changes.CreateResourcePool(storage("dir", "dir", (folder,))))


def test_what_libvirt_would_refuse_for_another_pool_s_sake_is_told_beforehand(pools, folder):
    made(pools, storage("first", "dir", (folder,)), active=False)
    second = changes.CreateResourcePool(storage("second", "dir", (f"{folder}/",)))
    with pytest.raises(errors.Conflict, match="is that of storage pool 't-first' already"):
        pools.check(second)
    with pytest.raises(errors.VirtError, match="conflict with pool"):
        pools.create_resource_pool(second)
    pools.check(changes.CreateResourcePool(storage("third", "dir", (f"{folder}/below",))))

    made(pools, network("one", "isolated", bridge="t-bridge"), active=False)
    other = changes.CreateResourcePool(network("two", "isolated", bridge="t-bridge"))
    with pytest.raises(errors.Conflict, match="bridge 't-bridge' is that of network 't-one' already"):
        pools.check(other)
    with pytest.raises(errors.VirtError, match="already in use"):
        pools.create_resource_pool(other)


def test_a_network_that_libvirt_would_not_activate_is_told_beforehand(pools):
    made(pools, network("one", "isolated", addresses=("10.81.0.1/24",)))
    resting = made(pools, network("two", "isolated", addresses=("10.81.0.9/24",)), active=False)
    activation = changes.RequestPoolStateChange(resting, True)
    with pytest.raises(errors.InTheWay, match=r"10\.81\.0\.0/24 is that of active network 't-one' already"):
        pools.check_state(activation)
    with pytest.raises(errors.VirtError, match="already in use"):
        pools.request_pool_state_change(activation)
    wider = network("three", "isolated", addresses=("10.81.1.1/16",))
    pools.check_state(changes.RequestPoolStateChange(wider, True))
    made(pools, wider)


@pytest.mark.parametrize(
    "make", [lambda name: storage(name, "dir", (f"/nowhere/{len(name)}",)), lambda name: network(name, "isolated")]
)
def test_the_longest_name(pools, make):
    longest = 247 - len(PREFIX)
    pools.check(changes.CreateResourcePool(make("n" * longest)))
    made(pools, make("n" * longest), active=False)
    longer = changes.CreateResourcePool(make("n" * (longest + 1)))
    with pytest.raises(errors.InvalidInput, match="has 248 bytes; the name of a pool on libvirt has at most 247"):
        pools.check(longer)
    with pytest.raises(errors.VirtError, match="name too long"):
        pools.create_resource_pool(longer)


def test_a_lost_connection_is_not_an_absent_pool(session):
    session.connection.close()
    with pytest.raises(errors.VirtError):
        Pools(session).resource_pool("nosuch", DISK)
    with pytest.raises(errors.VirtError):
        Pools(session).resource_pool("nosuch", ETHERNET)


# Sources that can be formatted


def test_a_file_system_is_made_only_when_that_is_allowed_and_never_over_another(pools, session, host, loop, folder):
    device = loop()
    plain = storage("fs", "fs", (device,), target_path=folder, source_format="ext4")
    pools.create_resource_pool(changes.CreateResourcePool(plain))
    with pytest.raises(errors.VirtError, match="Cannot activate storage pool 't-fs'"):
        pools.request_pool_state_change(changes.RequestPoolStateChange(plain, True))
    pools.delete_resource_pool(changes.DeleteResourcePool(plain))

    pool = made(pools, storage("fs", "fs", (device,), target_path=folder, source_format="ext4", build=True))
    assert pool.active
    assert 32 * MIB < pool.capacity < 64 * MIB
    volume(session, pool, "kept.qcow2")
    pools.delete_resource_pool(changes.DeleteResourcePool(stopped(pools, pool)))

    # It can be used as it is: it is not made again.
    again = made(pools, storage("fs", "fs", (device,), target_path=folder, source_format="ext4", build=True))
    assert [member["name"] for member in again.members if member["format"] == "qcow2"] == ["kept.qcow2"]
    pools.delete_resource_pool(changes.DeleteResourcePool(stopped(pools, again)))

    # It holds something else: it is not overwritten, and no record stays.
    other = storage("fs", "fs", (device,), target_path=folder, source_format="xfs", build=True)
    with pytest.raises(errors.VirtError, match="cannot be used as it is either"):
        pools.create_resource_pool(changes.CreateResourcePool(other))
    assert pools.resource_pool(other.pool_id, DISK) is None
    assert host.run(["blkid", "-o", "value", "-s", "TYPE", device]).stdout.strip() == "ext4"


def test_the_folder_of_a_file_system_moves_while_it_is_inactive(pools, session, loop, folder):
    pool = made(
        pools, storage("fs", "fs", (loop(),), target_path=folder, source_format="ext4", build=True), active=False
    )
    pool = changed(pools, pool, settings_target_path=f"{folder}-2")
    assert pool.settings["target_path"] == f"{folder}-2"
    pools.request_pool_state_change(changes.RequestPoolStateChange(pool, True))
    assert pools.resource_pool(pool.pool_id, DISK).active
    with pytest.raises(errors.NotSupported, match="says which storage the pool is"):
        changed(pools, pool, host_resource=("/dev/loop63",))


def test_a_partition_table_is_made(pools, loop, host):
    device = loop()
    pool = made(pools, storage("disk", "disk", (device,), source_format="gpt", build=True))
    assert (pool.active, pool.settings["target_path"]) == (True, "/dev")
    assert 60 * MIB < pool.capacity <= 64 * MIB
    assert pool.max_consumable_resource == pool.capacity
    assert "gpt" in host.run(["parted", "--script", device, "print"], check=False).stdout


def test_a_volume_group_is_made(pools, loop, host):
    if "device-mapper" not in Path("/proc/misc").read_text():
        pytest.skip("the kernel has no device mapper")
    devices = (loop(), loop())
    pool = made(pools, storage("vg", "logical", devices, source_name="testvg", build=True))
    try:
        assert pool.active
        assert pool.settings == {"source_name": "testvg", "target_path": "/dev/testvg", "source_format": "lvm2"}
        assert pool.capacity > 100 * MIB
    finally:
        stopped(pools, pool)
        host.run(["vgremove", "--force", "testvg"], check=False)


def test_what_is_no_device_leaves_no_record(pools, folder):
    wanted = storage("fs", "fs", ("/dev/nosuch",), target_path=folder, source_format="ext4", build=True)
    with pytest.raises(errors.VirtError):
        pools.create_resource_pool(changes.CreateResourcePool(wanted))
    assert pools.resource_pool(wanted.pool_id, DISK) is None


# Networks


@pytest.mark.parametrize("kind", ["isolated", "nat", "route", "open"])
def test_a_network_with_a_bridge_of_its_own(pools, kind):
    settings = {
        "bridge": "virt-t0",
        "domain": "lab.example",
        "mtu": 1400,
        "addresses": ("10.77.0.1/24", "fd00:77::1/64"),
        "dhcp_ranges": ({"start": "10.77.0.10", "end": "10.77.0.19"},),
        "dhcp_hosts": ({"mac": "52:54:00:00:77:01", "name": "web", "address": "10.77.0.5"},),
    }
    if kind == "open":
        settings.pop("domain")
    pool = made(pools, network("net", kind, **settings), active=False)
    assert (pool.resource_sub_type, pool.active, pool.settings) == (kind, False, settings)
    pools.request_pool_state_change(changes.RequestPoolStateChange(pool, True))
    pool = pools.resource_pool(pool.pool_id, ETHERNET)
    assert pool.active
    assert (pool.capacity, pool.reserved, pool.currently_consumed_resource) == (10, 1, 0)
    assert (pool.parent, pool.settings) == ("ethernet", settings)


def test_a_network_on_a_bridge_of_the_host(pools, host):
    host.run(["ip", "link", "add", "br-t", "type", "bridge"])
    try:
        pool = made(pools, network("bridged", "bridge", ("br-t",)))
        assert (pool.active, pool.host_resource, pool.resource_sub_type) == (True, ("br-t",), "bridge")
        stopped(pools, pool)
    finally:
        host.run(["ip", "link", "delete", "br-t"])


def test_a_network_with_devices_of_the_host(pools, session, host):
    pool = made(pools, network("direct", "direct", ("eth8", "eth9")))
    pool = changed(pools, pool, live=True, host_resource=("eth9", "eth7"))
    assert pool.host_resource == ("eth9", "eth7")
    assert "eth8" not in session.connection.networkLookupByName(pool.pool_id).XMLDesc()


def test_dhcp_changes_while_the_network_is_active(pools, session, host):
    pool = made(
        pools,
        network(
            "net",
            "isolated",
            addresses=("10.78.0.1/24",),
            dhcp_ranges=({"start": "10.78.0.10", "end": "10.78.0.19"},),
            dhcp_hosts=(
                {"mac": "52:54:00:00:78:01", "address": "10.78.0.5"},
                {"mac": "52:54:00:00:78:02", "address": "10.78.0.6"},
            ),
        ),
    )
    hosts = (
        {"mac": "52:54:00:00:78:02", "address": "10.78.0.5"},
        {"mac": "52:54:00:00:78:03", "name": "db", "address": "10.78.0.7"},
    )
    ranges = ({"start": "10.78.0.100", "end": "10.78.0.149"},)
    pool = changed(pools, pool, live=True, settings_dhcp_hosts=hosts, settings_dhcp_ranges=ranges)
    assert (pool.settings["dhcp_hosts"], pool.settings["dhcp_ranges"]) == (hosts, ranges)
    assert pool.capacity == 50
    handle = session.connection.networkLookupByName(pool.pool_id)
    for xml in (handle.XMLDesc(0), handle.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)):
        assert "52:54:00:00:78:03" in xml
        assert "10.78.0.100" in xml
        assert "52:54:00:00:78:01" not in xml
    leases = host.run(["cat", f"/var/lib/libvirt/dnsmasq/{pool.pool_id}.hostsfile"]).stdout
    assert "52:54:00:00:78:03,10.78.0.7,db" in leases


def test_port_groups_change_while_the_network_is_active(pools, session):
    pool = made(pools, network("net", "isolated", port_groups=({"name": "a", "default": True},)))
    groups = ({"name": "a"}, {"name": "b", "default": True})
    pool = changed(pools, pool, live=True, settings_port_groups=({"name": "a", "default": False}, groups[1]))
    assert pool.settings["port_groups"] == groups
    assert "<portgroup name='b' default='yes'>" in session.connection.networkLookupByName(pool.pool_id).XMLDesc(0)


def test_what_needs_a_restart_is_recorded(pools):
    pool = made(pools, network("net", "isolated", mtu=1400))
    pool = stopped(pools, pool)
    pool = changed(pools, pool, settings_mtu=1300, settings_addresses=("10.79.0.1/24",))
    assert (pool.settings["mtu"], pool.settings["addresses"]) == (1300, ("10.79.0.1/24",))
    bridge = pool.settings["bridge"]
    pools.request_pool_state_change(changes.RequestPoolStateChange(pool, True))
    assert pools.resource_pool(pool.pool_id, ETHERNET).settings["bridge"] == bridge


def test_an_isolated_network_becomes_a_routed_one(pools):
    pool = made(pools, network("net", "isolated", addresses=("10.80.0.1/24",)), active=False)
    pool = changed(pools, pool, resource_sub_type="route")
    assert (pool.resource_sub_type, pool.settings["addresses"]) == ("route", ("10.80.0.1/24",))


def test_networks_start_automatically_and_are_forgotten(pools):
    pool = made(pools, network("net", "isolated", automatic_startup=True))
    assert pool.automatic_startup
    pool = changed(pools, pool, automatic_startup=False)
    assert not pool.automatic_startup
    with pytest.raises(errors.Conflict, match="it is active"):
        pools.delete_resource_pool(changes.DeleteResourcePool(pool))
    pool = stopped(pools, pool)
    pools.delete_resource_pool(changes.DeleteResourcePool(pool))
    assert pools.resource_pool(pool.pool_id, ETHERNET) is None


def test_adapters_plugged_in_are_members(pools, session):
    pool = made(pools, network("net", "isolated"))
    xml = f"""<domain type='qemu'><name>plugged</name><memory unit='MiB'>16</memory><os><type>hvm</type></os><devices>
      <interface type='network'><mac address='52:54:00:00:81:01'/><source network='{pool.pool_id}'/></interface>
      </devices></domain>"""
    domain = session.connection.createXML(xml, 0)
    try:
        pool = pools.resource_pool(pool.pool_id, ETHERNET)
        assert pool.currently_consumed_resource == 1
        assert [(member["virtual_system"], member["mac"]) for member in pool.members] == [
            ("plugged", "52:54:00:00:81:01")
        ]
        assert pools.resource_pool("processor", ResourceType.PROCESSOR).currently_consumed_resource >= 1
        assert pools.resource_pool("memory", ResourceType.MEMORY).reserved >= 16 * MIB
    finally:
        domain.destroy()


# All together


def test_primordial_pools_are_always_there(pools):
    found = {pool.pool_id: pool for pool in pools.resource_pools() if pool.primordial}
    assert list(found) == ["processor", "memory", "ethernet", "storage"]
    assert found["processor"].capacity >= 1
    assert found["memory"].capacity > 64 * MIB
    assert found["memory"].members[0]["free"] > 0
    for pool in found.values():
        assert pools.resource_pool(pool.pool_id, pool.resource_type).primordial
        for verb, change in (
            (pools.delete_resource_pool, changes.DeleteResourcePool(pool)),
            (pools.modify_pool_settings, changes.ModifyPoolSettings(pool, {})),
            (pools.request_pool_state_change, changes.RequestPoolStateChange(pool, False)),
        ):
            with pytest.raises(errors.NotSupported, match="always there"):
                verb(change)


def test_pools_know_their_children(pools, folder):
    made(pools, storage("outer", "dir", (folder,)))
    made(pools, storage("inner", "dir", parent=PREFIX + "outer"))
    made(pools, network("net", "isolated"))
    found = {pool.pool_id: pool for pool in pools.resource_pools(members=False)}
    assert PREFIX + "outer" in found["storage"].children
    assert PREFIX + "inner" not in found["storage"].children
    assert found[PREFIX + "outer"].children == (PREFIX + "inner",)
    assert PREFIX + "net" in found["ethernet"].children


def test_the_number_of_calls_is_proportional_to_the_pools(pools, session, folder):
    def calls():
        with counted() as found:
            Pools(session).resource_pools(members=False)
        return found.total()

    before = calls()
    for number in range(5):
        made(pools, storage(f"n{number}", "dir", (folder / str(number),)))
    after = calls()
    for number in range(5, 10):
        made(pools, storage(f"n{number}", "dir", (folder / str(number),)))
    assert calls() - after == after - before == 5 * 3
