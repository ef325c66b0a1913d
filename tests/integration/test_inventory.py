# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of real hosts: what ansible-inventory lists, and guests that a play reaches by it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt
import pytest
import yaml

from ansible_collections.svpc.virt.plugins.inventory import virtual_systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.integration.conftest import opened, sweep
from tests.integration.test_wbem_clients import fill
from tests.laboratory import Host, tiny_guest, wait_for_guest
from tests.tools.delay import delayed
from tests.tools.playbooks import PROJECT, environment, run_playbook
from tests.wbem import WbemServer

pytestmark = pytest.mark.libvirt

MAC = "52:54:00:00:05:01"
GUEST = """
<domain type="qemu">
  <name>{name}</name>
  <memory unit="MiB">256</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <serial type="file"><source path="{serial}"/></serial>
    <interface type="network"><mac address="{mac}"/><source network="platform"/><model type="virtio"/></interface>
    <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
  </devices>
</domain>
"""
SMALL = "<domain type='test'><name>{name}</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"


@dataclass(frozen=True)
class Key:
    """An SSH key: the file of the private half, and the public half."""

    file: Path
    public: str


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """A key of this run."""
    file = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return Key(file, file.with_suffix(".pub").read_text(encoding="utf-8").split()[1])


@pytest.fixture
def guest(host: Host, network: str, key: Key) -> Iterator[str]:
    """A guest that runs, has taken a lease and lets the key in; and one that is off.  The first one's name."""
    files = tiny_guest()
    serial = host.images / "reached.serial"
    document = GUEST.format(
        name="reached",
        kernel=files.kernel,
        initrd=files.agent_initrd,
        cmdline=files.cmdline("reached", key=key.public),
        serial=serial,
        mac=MAC,
    )
    with opened(host) as connection:
        connection.defineXML(document).create()
        connection.defineXML(document.replace("reached", "idle").replace(MAC, "52:54:00:00:05:02"))
    wait_for_guest(serial, lambda report: bool(report.addresses))
    yield "reached"
    sweep(host)


def listed(file: Path, **extra: str) -> dict[str, Any]:
    """What ansible-inventory lists of a file."""
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", file, "--list"],
        cwd=PROJECT,
        env=environment(extra),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout, object_hook=bare)
    return found


def bare(value: dict[str, Any]) -> Any:
    """Ansible marks each text that is no template: every one that a hypervisor told."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


def inventory(folder: Path, **options: Any) -> Path:
    """An inventory file of the plugin."""
    path = folder / "lab.virtual_systems.yml"
    path.write_text(yaml.safe_dump({"plugin": "svpc.virt.virtual_systems", **options}), encoding="utf-8")
    return path


def test_a_play_reaches_a_guest_that_the_inventory_has_found(host: Host, guest: str, key: Key, tmp_path: Path) -> None:
    """By the address of its lease, over SSH, from the network that the host shares with its guests."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec nsenter --target {host.pid} --net -- ssh "$@"\n', encoding="utf-8")
    ssh.chmod(0o755)
    file = inventory(
        tmp_path,
        hosts=[{"name": "lab", "uri": host.uri}],
        groups={"running": "virtual_system_state == 'active'"},
        compose={
            "ansible_user": "'root'",
            "ansible_ssh_executable": f"'{ssh}'",
            "ansible_ssh_private_key_file": f"'{key.file}'",
            "ansible_ssh_common_args": "'-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ControlPath=none'",
        },
    )
    run = run_playbook(Path(__file__).with_name("guests") / "reach.yml", {}, "-i", str(file), timeout=600)
    if run.code:
        pytest.fail(run.explain(), pytrace=False)
    said = [record for record in run.records if record.task == "Run a command in the guest" and record.status == "ok"]
    assert len(said) == 1


def test_two_hosts_of_two_kinds(host: Host, guest: str, tmp_path: Path) -> None:
    """A libvirt host with a guest that runs, and a WBEM server with a password, in one file; a third one is down."""
    with WbemServer(memory_host(), "standard", user="me", password="secret") as server:
        file = inventory(
            tmp_path,
            hosts=[
                {"name": "kvm", "uri": host.uri},
                {
                    "name": "cim",
                    "uri": f"{server.url}/root/virt",
                    "username": "me",
                    "password": "{{ lookup('ansible.builtin.env', 'CIM_PASSWORD') }}",
                },
                {"name": "down", "uri": "qemu+unix:///system?socket=/nowhere"},
            ],
            keyed_groups=[{"key": "virtual_system_host", "prefix": "on"}],
        )
        found = listed(file, CIM_PASSWORD="secret")
    assert set(found["on_kvm"]["hosts"]) == {"reached", "idle"}
    assert found["on_cim"]["hosts"] == ["client-test"]
    variables = found["_meta"]["hostvars"]
    assert variables["reached"]["ansible_host"].startswith("192.0.2.")
    assert variables["reached"]["virtual_system_addresses"] == {MAC: [variables["reached"]["ansible_host"]]}
    assert variables["client-test"]["virtual_system_memory"] == 64 * 2**20
    assert "ansible_host" not in variables["idle"]
    assert "secret" not in json.dumps(found)


def memory_host() -> FakeHost:
    """A host in memory with one system."""
    host = FakeHost()
    fill(host)
    return host


def test_the_agent_and_the_arp_table_tell_the_same_address(host: Host, guest: str) -> None:
    (address,) = (lease["ipaddr"] for lease in leases(host) if lease["mac"] == MAC)
    host.run(["busybox", "ping", "-c", "3", address])  # who has not been talked to is in no ARP table
    expected = {"agent": {MAC: [address]}, "arp": {MAC: [address]} if arp_is_read(host) else {}}
    deadline = time.monotonic() + 180
    for source, addresses in expected.items():
        while True:
            (reading,) = virtual_systems.read_hosts([{"name": "lab", "uri": host.uri}], [source], 10.0)
            found = {system["name"]: system["addresses"] for system in reading.systems}
            if found["reached"] == addresses or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        assert reading.failure is None
        assert found == {"reached": addresses, "idle": {}}, source


def arp_is_read(host: Host) -> bool:
    """Whether this libvirt understands the ARP table of this kernel: some take its last entry for a broken one."""
    with opened(host) as connection:
        try:
            connection.lookupByName("reached").interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP)
        except libvirt.libvirtError as error:
            if "nlmsg" not in str(error):
                raise
            return False
    return True


def test_an_agent_that_says_nothing_more(host: Host, guest: str, key: Key) -> None:
    """It is stopped from inside, with its channel open: the reading ends all the same, and the lease is known."""
    (address,) = (lease["ipaddr"] for lease in leases(host) if lease["mac"] == MAC)
    log_in = ["ssh", "-i", str(key.file), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    stop = "until pidof qemu-ga; do sleep 1; done; sleep 1; kill -STOP $(pidof qemu-ga)"
    host.run([*log_in, f"root@{address}", stop], timeout=180)
    started = time.monotonic()
    (reading,) = virtual_systems.read_hosts([{"name": "lab", "uri": host.uri}], ["agent", "lease"], 10.0)
    took = time.monotonic() - started
    assert {system["name"]: system["addresses"] for system in reading.systems} == {
        "reached": {MAC: [address]},
        "idle": {},
    }
    assert 1 < took < 10


def leases(host: Host) -> list[dict[str, Any]]:
    """What the DHCP server of the network has given away."""
    with opened(host) as connection:
        found: Any = connection.networkLookupByName("platform").DHCPLeases()
        return list(found)


def test_the_examples_of_the_documentation(host: Host, guest: str, tmp_path: Path) -> None:
    """Each example is read, with the laboratory's host in place of those that it names."""
    examples = list(yaml.safe_load_all(virtual_systems.EXAMPLES))
    assert len(examples) == 2
    for example in examples:
        for connection in [example, *example.get("hosts", ())]:
            if "uri" in connection:
                connection["uri"] = host.uri
        example["cache_connection"] = str(tmp_path / "cache")
        found = listed(inventory(tmp_path, **example))["_meta"]["hostvars"]
        assert [name for name in found if name.startswith("reached")]
    assert found["reached.kvm1"]["ansible_user"] == "root"


def test_distance_costs_little(host: Host) -> None:
    """100 systems 50 ms away: a call after the other would take 5 s and more."""
    with opened(host) as connection:
        for number in range(100):
            connection.defineXML(SMALL.format(name=f"far-{number}").replace("type='test'", "type='qemu'"))
    try:
        with delayed(str(host.socket), 0.05) as socket:
            plugin = virtual_systems.InventoryModule()
            started = time.monotonic()
            (reading,) = virtual_systems.read_hosts(
                [{"name": "far", "uri": f"qemu+unix:///system?socket={socket}"}], ["lease"], 10.0, plugin.open_host
            )
            took = time.monotonic() - started
        assert reading.failure is None
        assert len(reading.systems) == 100
        assert took < 5
    finally:
        sweep(host)


def test_a_system_that_vanishes_while_it_is_read(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(host) as connection:
        for name in ("stays", "vanishes"):
            connection.defineXML(SMALL.format(name=name).replace("type='test'", "type='qemu'"))
        listing = libvirt.virConnect.listAllDomains

        def list_and_lose(self: Any, flags: int = 0) -> Any:
            found = listing(self, flags)
            for domain in listing(connection):
                if domain.name() == "vanishes":
                    domain.undefine()
            return found

        with monkeypatch.context() as patched:
            patched.setattr(libvirt.virConnect, "listAllDomains", list_and_lose)
            (reading,) = virtual_systems.read_hosts([{"name": "a", "uri": host.uri}], ["lease"], 10.0)
    sweep(host)
    assert [system["name"] for system in reading.systems] == ["stays"]
