# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory holds what it promises: private hosts, a guest that sees its machine, no trace afterwards."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.laboratory import (
    Event,
    Host,
    Laboratory,
    LaboratoryError,
    serial_lines,
    tiny_guest,
    wait_for_event,
    wait_for_guest,
)
from tests.laboratory.hosts import check_machine, control_group

libvirt = pytest.importorskip("libvirt")
libvirt_qemu = pytest.importorskip("libvirt_qemu")

try:
    check_machine()
except LaboratoryError as error:
    pytest.skip(str(error), allow_module_level=True)

pytestmark = pytest.mark.libvirt

MIB = 1024 * 1024
NETWORK = """
<network xmlns:dnsmasq="http://libvirt.org/schemas/network/dnsmasq/1.0">
  <name>{name}</name>
  {forward}
  <ip address="192.168.{number}.1" netmask="255.255.255.0">
    <dhcp><range start="192.168.{number}.10" end="192.168.{number}.99"/></dhcp>
  </ip>
  <dnsmasq:options><dnsmasq:option value="no-ping"/></dnsmasq:options>
</network>
"""
DOMAIN = """
<domain type="qemu">
  <name>{name}</name>
  <memory unit="MiB">256</memory>
  <vcpu current="1">4</vcpu>
  <os{efi}>
    {firmware}
    <type arch="x86_64" machine="{machine}">hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/>{features}</features>
  <cputune><shares>512</shares></cputune>
  <devices>
    <serial type="file"><source path="{serial}"/></serial>
    <controller type="scsi" model="virtio-scsi"/>
    {devices}
  </devices>
</domain>
"""
DISK = '<disk type="file"><source file="{file}"/><target dev="{target}" bus="virtio"/></disk>'
NIC = '<interface type="network"><mac address="{mac}"/><source network="{network}"/><model type="virtio"/></interface>'
CDROM = '<disk type="file" device="cdrom">{source}<target dev="sda" bus="scsi"/><readonly/></disk>'
AGENT = '<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>'
TPM = '<tpm model="tpm-crb"><backend type="emulator" version="2.0"/></tpm>'
SECURE = '<firmware><feature enabled="yes" name="secure-boot"/><feature enabled="{enrolled}" name="enrolled-keys"/></firmware>'


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts, started at once."""
    with Laboratory() as laboratory, ThreadPoolExecutor() as pool:
        first, second = pool.map(laboratory.start, [f"lab-{os.getpid()}-{letter}" for letter in "ab"])
        yield first, second


@pytest.fixture
def host(hosts: tuple[Host, Host]) -> Iterator[Host]:
    """The first host, bare of guests and networks afterwards."""
    yield hosts[0]
    with connected(hosts[0]) as connection:
        for domain in connection.listAllDomains():
            domain.destroy()
        for network in connection.listAllNetworks():
            network.destroy()


@pytest.fixture
def lone(tmp_path: pathlib.Path) -> Iterator[Laboratory]:
    """A laboratory of its own for hosts that are treated badly."""
    laboratory = Laboratory(tmp_path / "lab")
    yield laboratory
    laboratory.stop_all()


class connected:
    """A connection to a host for the length of a block."""

    def __init__(self, host: Host) -> None:
        """Name the host."""
        self._host = host

    def __enter__(self) -> Any:
        """Open the connection."""
        self._connection = libvirt.open(self._host.uri)
        return self._connection

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self._connection.close()


def network(connection: Any, name: str = "lan", number: int = 50, forward: str = "") -> Any:
    """A running libvirt network 192.168.NUMBER.0/24 with DHCP."""
    return connection.networkCreateXML(NETWORK.format(name=name, number=number, forward=forward))


def guest(host: Host, connection: Any, *devices: str, name: str = "tiny", **changes: str) -> tuple[Any, pathlib.Path]:
    """A running tiny guest with these devices, and the file of its serial line."""
    files = tiny_guest()
    serial = host.images / f"{name}.serial"
    serial.unlink(missing_ok=True)
    values = {
        "name": name,
        "efi": "",
        "firmware": "",
        "machine": "q35",
        "features": "",
        "kernel": str(files.kernel),
        "initrd": str(files.initrd),
        "cmdline": files.cmdline(name),
        "serial": str(serial),
        "devices": "\n".join(devices),
        **changes,
    }
    return connection.createXML(DOMAIN.format(**values)), serial


def image(host: Host, name: str, size: int) -> str:
    """The path of a new empty disk of so many bytes."""
    path = host.images / name
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


def until(wanted: Callable[[], object], timeout: float = 120.0) -> None:
    """Wait until a question is answered by yes."""
    deadline = time.monotonic() + timeout
    while not wanted():
        assert time.monotonic() < deadline, f"not in {timeout:g} seconds"
        time.sleep(0.05)


def ended(connection: Any) -> bool:
    """Whether no guest runs any more."""
    return not connection.listAllDomains()


def mounts() -> list[str]:
    """The machine's mounts."""
    return pathlib.Path("/proc/self/mounts").read_text().splitlines()


def traces(host: Host) -> list[str]:
    """What a host has left on the machine: folders, control groups, mounts, loop devices, processes."""
    named = [str(path) for path in (host.folder, host.sockets) if path.exists()]
    # Groups of other hosts may go while they are walked through, which os.walk leaves out.
    folders = [folder for folder, _folders, _files in os.walk("/sys/fs/cgroup")]
    groups = [folder for folder in folders if os.path.basename(folder) == control_group(host.folder)]
    loops = subprocess.run(["losetup", "--all"], capture_output=True, text=True, check=True).stdout.splitlines()
    commands = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [*named, *groups, *(line for line in (*mounts(), *loops, *commands) if f"{host.folder}/" in line)]


def test_two_hosts_are_two(hosts: tuple[Host, Host]) -> None:
    """Each has its own name, identity, domains, networks and interfaces."""
    first, second = hosts
    with connected(first) as one, connected(second) as other:
        assert [one.getHostname(), other.getHostname()] == [first.name, second.name]
        uuids = [connection.getCapabilities().split("<uuid>")[1][:36] for connection in (one, other)]
        assert uuids[0] != uuids[1]
        lans = [network(one), network(other)]
        try:
            assert "192.168.50.1" in first.run(["ip", "-4", "addr"]).stdout
        finally:
            for lan in lans:
                lan.destroy()


def test_a_running_host_is_returned_as_it_is(hosts: tuple[Host, Host]) -> None:
    """Starting twice starts once, and the second starter does not end the host."""
    with Laboratory() as laboratory:
        again = laboratory.start(hosts[0].name)
        assert again == hosts[0]
        assert again.pid == hosts[0].pid
    assert hosts[0].running


def test_no_kvm_is_offered(host: Host) -> None:
    """Capabilities offer plain emulation alone, as KVM of the machine may not work."""
    with connected(host) as connection:
        assert "<domain type='kvm'" not in connection.getCapabilities()


@pytest.mark.parametrize("forward", ["", "<forward mode='nat'/>", "<forward mode='route'/>"])
def test_a_guest_takes_a_lease(host: Host, forward: str) -> None:
    """In each kind of network; the host reaches the guest at its address."""
    with connected(host) as connection:
        network(connection, forward=forward)
        domain, serial = guest(host, connection, NIC.format(mac="52:54:00:00:00:01", network="lan"))
        report = wait_for_guest(serial, lambda report: bool(report.addresses))
        assert report.nics["eth0"].mac == "52:54:00:00:00:01"
        assert report.nics["eth0"].link
        host.run(["busybox", "ping", "-c", "1", "-W", "2", report.addresses[0]])
        lease = connection.networkLookupByName("lan").DHCPLeases()[0]
        assert (lease["ipaddr"], lease["hostname"]) == (report.addresses[0], "tiny")
        assert domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)


def test_hot_plugging_is_seen_from_the_inside(host: Host) -> None:
    """Processors come, disks, interfaces, memory and discs come and go under a running guest."""
    live = libvirt.VIR_DOMAIN_AFFECT_LIVE
    with connected(host) as connection:
        network(connection)
        network(connection, "dmz", 51)
        disk = DISK.format(file=image(host, "first.img", 8 * MIB), target="vda")
        domain, serial = guest(host, connection, disk, CDROM.format(source=""))
        before = wait_for_guest(serial)
        assert (before.cpus, before.disks, before.nics, before.media) == (1, {"vda": 8 * MIB}, {}, {})

        domain.setVcpusFlags(3, live)
        wait_for_guest(serial, lambda report: report.cpus == 3)

        second = DISK.format(file=image(host, "second.img", 16 * MIB), target="vdb")
        domain.attachDeviceFlags(second, live)
        wait_for_guest(serial, lambda report: report.disks == {"vda": 8 * MIB, "vdb": 16 * MIB})
        domain.blockResize("vdb", 32 * MIB, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        wait_for_guest(serial, lambda report: report.disks["vdb"] == 32 * MIB)
        domain.detachDeviceFlags(second, live)
        wait_for_guest(serial, lambda report: "vdb" not in report.disks)

        nic = NIC.format(mac="52:54:00:00:00:02", network="dmz")
        domain.attachDeviceFlags(nic, live)
        report = wait_for_guest(serial, lambda report: bool(report.addresses))
        assert report.addresses[0].startswith("192.168.51.")
        unplugged = nic.replace("<model", '<link state="down"/><model')
        domain.updateDeviceFlags(unplugged, live)
        wait_for_guest(serial, lambda report: not report.nics["eth0"].link and not report.addresses)
        domain.detachDeviceFlags(nic, live)
        wait_for_guest(serial, lambda report: not report.nics)

        domain.setMemoryFlags(192 * 1024, live)
        wait_for_guest(serial, lambda report: report.memory_kib < before.memory_kib - 50_000)

        disc = image(host, "disc.iso", 2 * MIB)
        domain.updateDeviceFlags(CDROM.format(source=f'<source file="{disc}"/>'), live)
        wait_for_guest(serial, lambda report: report.media == {"sr0": (2 * MIB, "")})
        domain.updateDeviceFlags(CDROM.format(source=""), live | libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE)
        wait_for_guest(serial, lambda report: not report.media)


def test_the_power_button(host: Host) -> None:
    """An ACPI shutdown ends the guest from within; a reboot brings it back."""
    with connected(host) as connection:
        domain, serial = guest(host, connection)
        wait_for_guest(serial)
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
        until(lambda: ended(connection))
        wait_for_event(serial, "power-button")


def test_the_agent(host: Host) -> None:
    """It knows the addresses, freezes the data disk, reboots and ends its guest."""
    files = tiny_guest()
    with connected(host) as connection:
        network(connection)
        domain, serial = guest(
            host,
            connection,
            AGENT,
            NIC.format(mac="52:54:00:00:00:03", network="lan"),
            DISK.format(file=image(host, "data.img", 16 * MIB), target="vda"),
            initrd=str(files.agent_initrd),
            cmdline=files.cmdline("agent", "vda"),
        )
        report = wait_for_guest(serial, lambda report: bool(report.addresses) and report.mounted)
        until(lambda: answers(domain))
        seen = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
        assert report.addresses[0] in [address["addr"] for address in seen["eth0"]["addrs"]]
        assert domain.hostname() == "agent"
        assert domain.fsFreeze() == 1
        assert domain.fsThaw() == 1
        said = len(serial_lines(serial))
        domain.reboot(libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT)
        wait_for_event(serial, "reboot")
        wait_for_event(serial, "boot", after=said)
        booted = serial_lines(serial).index(Event("boot"), said)
        wait_for_guest(serial, lambda report: report.mounted, after=booted)
        until(lambda: answers(domain))
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
        until(lambda: ended(connection))
        wait_for_event(serial, "shutdown")


def answers(domain: Any) -> bool:
    """Whether the guest's agent answers."""
    try:
        libvirt_qemu.qemuAgentCommand(domain, json.dumps({"execute": "guest-ping"}), 2, 0)
    except libvirt.libvirtError:
        return False
    return True


@pytest.mark.parametrize("enrolled", ["yes", "no"])
def test_secure_boot_and_tpm(host: Host, enrolled: str) -> None:
    """The guest sees UEFI, a TPM 2.0, and an enforced secure boot once the vendors' keys are enrolled."""
    with connected(host) as connection:
        _, serial = guest(
            host,
            connection,
            TPM,
            name=f"efi-{enrolled}",
            efi=' firmware="efi"',
            firmware=SECURE.format(enrolled=enrolled),
            features='<smm state="on"/>',
        )
        report = wait_for_guest(serial)
        assert (report.firmware, report.tpm, report.secure_boot) == ("efi", 2, enrolled == "yes")


def test_an_old_machine(host: Host) -> None:
    """The guest boots on the i440FX board too, with a disc in an IDE drive."""
    with connected(host) as connection:
        disc = image(host, "ide.iso", MIB)
        drive = CDROM.format(source=f'<source file="{disc}"/>').replace("sda", "hda").replace("scsi", "ide")
        _, serial = guest(host, connection, drive, machine="pc")
        assert wait_for_guest(serial).media == {"sr0": (MIB, "")}


def test_a_wide_guest(host: Host) -> None:
    """The ordinary kernel knows SATA, e1000 and USB too."""
    files = tiny_guest("wide")
    with connected(host) as connection:
        network(connection)
        nic = NIC.format(mac="52:54:00:00:00:06", network="lan").replace('type="virtio"', 'type="e1000e"')
        disk = DISK.format(file=image(host, "sata.img", 4 * MIB), target="sdb").replace("virtio", "sata")
        stick = DISK.format(file=image(host, "usb.img", 8 * MIB), target="sdc").replace("virtio", "usb")
        disc = CDROM.format(source=f'<source file="{image(host, "sata.iso", MIB)}"/>').replace("scsi", "sata")
        paths = {"kernel": str(files.kernel), "initrd": str(files.initrd)}
        _, serial = guest(host, connection, nic, disk, stick, disc, **paths)
        report = wait_for_guest(serial, lambda report: bool(report.addresses) and len(report.disks) == 2)
        assert sorted(report.disks.values()) == [4 * MIB, 8 * MIB]
        assert report.media == {"sr0": (MIB, "")}


def test_control_groups_work(host: Host) -> None:
    """Processor weights of a guest are kept and can be changed while it runs."""
    with connected(host) as connection:
        domain, _ = guest(host, connection)
        assert domain.schedulerParameters()["cpu_shares"] == 512
        domain.setSchedulerParametersFlags({"cpu_shares": 256}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        assert domain.schedulerParameters()["cpu_shares"] == 256


def test_live_migration(hosts: tuple[Host, Host], host: Host) -> None:
    """A guest moves between the hosts and goes on where it was."""
    target = hosts[1]
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER | libvirt.VIR_MIGRATE_TUNNELLED
    with connected(host) as here, connected(target) as there:
        domain, serial = guest(host, here)
        up = wait_for_guest(serial).up
        domain.migrateToURI(target.uri, flags)
        moved = there.lookupByName("tiny")
        try:
            assert ended(here)
            wait_for_guest(serial, lambda report: report.up > up + 5)
        finally:
            moved.destroy()


def test_a_full_file_system(host: Host) -> None:
    """A limited folder runs out of space for libvirt, and is empty from outside."""
    folder = host.limited_folder(4)
    pool_xml = f"<pool type='dir'><name>small</name><target><path>{folder}</path></target></pool>"
    volume = "<volume><name>{}</name><capacity unit='MiB'>{}</capacity><allocation unit='MiB'>{}</allocation></volume>"
    with connected(host) as connection:
        pool = connection.storagePoolCreateXML(pool_xml)
        try:
            with pytest.raises(libvirt.libvirtError, match="No space left"):
                pool.createXML(volume.format("big", 16, 16))
            pool.createXML(volume.format("fits", 1, 1))
        finally:
            pool.destroy()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/loop-control"), reason="the kernel has no loop devices")
def test_pools_on_a_loop_device(host: Host) -> None:
    """A file system and a partition table are made for real on a loop device."""
    disk = image(host, "loop.img", 64 * MIB)
    device = host.run(["losetup", "--find", "--show", disk]).stdout.strip()
    name = os.path.basename(device)
    with connected(host) as connection:
        (host.images / "mounted").mkdir()
        pool = connection.storagePoolDefineXML(
            f"<pool type='fs'><name>files</name><source><device path='{device}'/><format type='ext4'/></source>"
            f"<target><path>{host.images}/mounted</path></target></pool>"
        )
        pool.build(libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
        pool.create()
        pool.createXML("<volume><name>v</name><capacity unit='MiB'>1</capacity></volume>")
        pool.destroy()
        pool.undefine()
        pool = connection.storagePoolDefineXML(
            f"<pool type='disk'><name>parts</name><source><device path='{device}'/><format type='gpt'/></source>"
            "<target><path>/dev</path></target></pool>"
        )
        pool.build(libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
        pool.create()
        volume = pool.createXML(f"<volume><name>{name}p1</name><capacity unit='MiB'>8</capacity></volume>")
        assert volume.path() == f"{device}p1"
        pool.destroy()
        pool.undefine()


def test_a_restarted_daemon_finds_its_guest(host: Host) -> None:
    """The guest does not notice, its network keeps serving."""
    with connected(host) as connection:
        network(connection)
        _, serial = guest(host, connection, NIC.format(mac="52:54:00:00:00:04", network="lan"))
        up = wait_for_guest(serial, lambda report: bool(report.addresses)).up
    daemons = {host.daemon_pid}
    host.stop_daemon()
    assert host.running
    daemons.add(host.daemon_pid)
    assert None in daemons
    with pytest.raises(libvirt.libvirtError):
        libvirt.open(host.uri)
    assert Laboratory().clean() == []
    host.start_daemon()
    assert host.daemon_pid not in daemons
    host.restart_daemon()
    with connected(host) as connection:
        assert [domain.name() for domain in connection.listAllDomains()] == ["tiny"]
        assert connection.networkLookupByName("lan").isActive()
    wait_for_guest(serial, lambda report: report.up > up and bool(report.addresses))


def test_stopping_leaves_no_trace(lone: Laboratory) -> None:
    """Guests, networks, TPMs, loop devices, mounts and the folder go with the host."""
    before = mounts()
    host = lone.start("gone")
    with connected(host) as connection:
        network(connection, forward="<forward mode='nat'/>")
        guest(host, connection, TPM, NIC.format(mac="52:54:00:00:00:05", network="lan"))
    host.limited_folder(1)
    host.run(["losetup", "--find", image(host, "x.img", MIB)])
    assert len(host.processes) > 5
    assert traces(host)
    lone.stop("gone")
    assert traces(host) == []
    assert mounts() == before
    assert not host.running
    lone.stop("gone")


def test_a_deep_folder(tmp_path: pathlib.Path) -> None:
    """A root too deep for socket paths works, and leaves no short folder behind."""
    with Laboratory(tmp_path / ("deep" * 25)) as laboratory:
        host = laboratory.start("a")
        assert not host.sockets.is_relative_to(host.folder)
        with connected(host) as connection:
            guest(host, connection)
    assert traces(host) == []
    assert not host.sockets.parent.exists()


@pytest.mark.parametrize("victim", ["daemon", "init", "holder"])
def test_clean_after_a_crash(lone: Laboratory, victim: str) -> None:
    """Whatever was killed, clean leaves nothing, and a living host stays."""
    host, other = lone.start("crashed"), lone.start("alive")
    with connected(host) as connection:
        network(connection)
        guest(host, connection)
    pid = json.loads((host.folder / "host.json").read_text())[victim]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: lone.clean() == ["crashed"])
    assert traces(host) == []
    assert other.running
    assert lone.clean() == []


def test_a_crashed_host_can_be_started_anew(lone: Laboratory) -> None:
    """A new start replaces what is left of the old host."""
    host = lone.start("again")
    os.kill(host.pid, signal.SIGKILL)
    until(lambda: not host.running)
    assert lone.start("again").running


def test_a_killed_test_leaves_its_hosts_to_clean(lone: Laboratory) -> None:
    """A process that used the laboratory as a context owns its hosts; they are stale once it is dead."""
    script = f"""
        import os, pathlib, signal
        from tests.laboratory import Laboratory
        with Laboratory(pathlib.Path({str(lone.root)!r})) as laboratory:
            laboratory.start("orphan")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    host = lone.host("orphan")
    assert host.running
    assert lone.clean() == ["orphan"]
    assert traces(host) == []


def test_a_daemon_that_cannot_start_is_explained(lone: Laboratory) -> None:
    """The sentence names the host and what the daemon said."""
    host = lone.start("broken")
    host.stop_daemon()
    (host.folder / "etc/libvirtd.conf").write_text("max_clients = nonsense\n")
    with pytest.raises(LaboratoryError, match=r"(?s)libvirtd of host broken does not start.*libvirtd\.conf"):
        host.start_daemon(timeout=10)


def test_the_command_line(lone: Laboratory) -> None:
    """Start, list, run and stop by hand."""

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "tests.laboratory", "--root", str(lone.root), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    started = call("start", "x", "y")
    assert started.stdout.splitlines() == [f"{name}\t{lone.host(name).uri}" for name in ("x", "y")]
    assert "x\trunning" in call("list").stdout
    assert call("run", "x", "--", "hostname").stdout == "x\n"
    assert call("run", "x", "--", "sh", "-c", "exit 7").returncode == 7
    assert call("stop", "x").returncode == 0
    missing = call("run", "x", "--", "hostname")
    assert (missing.returncode, missing.stderr) == (1, "Host x does not run.\n")
    assert call("stop").returncode == 0
    assert call("list").stdout == ""
