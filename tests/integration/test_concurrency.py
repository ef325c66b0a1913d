# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do at the same time, and what others wrote: runs side by side, a daemon that restarts, foreign XML."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tests.laboratory import Host, Laboratory
from tests.tools.playbooks import Run, run_playbook

from .test_plays import sweep

pytestmark = pytest.mark.libvirt

Tasks = list[dict[str, Any]]
MEMORY = {"resource_type": "memory", "virtual_quantity": "128 MiB"}
POOL = {"pool_id": "shared", "resource_type": "disk_drive", "resource_sub_type": "dir", "state": "active"}

FOREIGN = """
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>foreign</name>
  <title>A title &amp; more</title>
  <description>Written by hand</description>
  <metadata>
    <app:owner xmlns:app='http://example.org/app'><app:person mail='a@example.org'>Anna</app:person></app:owner>
  </metadata>
  <memory unit='KiB'>131072</memory>
  <currentMemory unit='KiB'>131072</currentMemory>
  <vcpu placement='static' current='1'>4</vcpu>
  <iothreads>2</iothreads>
  <cputune>
    <shares>1500</shares>
    <vcpupin vcpu='0' cpuset='0-1'/>
    <emulatorpin cpuset='1'/>
    <iothreadpin iothread='1' cpuset='0'/>
  </cputune>
  <numatune><memory mode='preferred' nodeset='0'/></numatune>
  <sysinfo type='smbios'><bios><entry name='vendor'>Somebody</entry></bios></sysinfo>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <boot dev='network'/>
    <boot dev='hd'/>
    <bootmenu enable='yes' timeout='3000'/>
    <smbios mode='sysinfo'/>
  </os>
  <features><acpi/><apic/><hap state='off'/><kvm><hidden state='on'/></kvm><pmu state='off'/></features>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='forbid'>qemu64</model>
    <topology sockets='1' dies='1' cores='4' threads='1'/>
    <feature policy='disable' name='svm'/>
  </cpu>
  <clock offset='variable' adjustment='3600' basis='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>preserve</on_crash>
  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none' io='native' iothread='1' queues='2'/>
      <source file='{images}/foreign.img'><seclabel model='dac' relabel='no'/></source>
      <target dev='vda' bus='virtio'/>
      <iotune><total_bytes_sec>1000000</total_bytes_sec><total_bytes_sec_max>2000000</total_bytes_sec_max></iotune>
      <serial>ABC</serial>
      <blockio logical_block_size='512' physical_block_size='4096'/>
    </disk>
    <controller type='virtio-serial' index='0' ports='7'/>
    <interface type='user'>
      <mac address='52:54:00:10:20:30'/>
      <model type='virtio'/>
      <driver name='qemu' queues='2' rx_queue_size='512'/>
      <rom bar='off'/>
    </interface>
    <serial type='pty'><target port='0'/></serial>
    <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
    <graphics type='spice' autoport='yes'><image compression='off'/><mouse mode='client'/></graphics>
    <video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1'/></video>
    <memballoon model='virtio'><stats period='10'/></memballoon>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-fw_cfg'/>
    <qemu:arg value='name=opt/example,string=kept'/>
    <qemu:env name='KEPT' value='yes'/>
  </qemu:commandline>
</domain>
"""


@pytest.fixture(scope="module")
def only_host() -> Iterator[Host]:
    """A host for this file."""
    with Laboratory() as laboratory:
        yield laboratory.start(f"rivals-{os.getpid()}")


@pytest.fixture
def host(only_host: Host) -> Iterator[Host]:
    """The host, empty before and after each test."""
    yield only_host
    sweep(only_host)


Play = Callable[[Tasks], Run]


@pytest.fixture
def play(host: Host, tmp_path: Path) -> Play:
    """Runs tasks of this collection on the host."""

    def run(tasks: Tasks) -> Run:
        path = tmp_path / f"play-{time.monotonic_ns()}.yml"
        defaults = {"group/svpc.virt.all": {"uri": host.uri}}
        path.write_text(
            json.dumps([{"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}])
        )
        return run_playbook(path, {}, timeout=600)

    return run


@pytest.fixture
def storage(host: Host, tmp_path: Path, play: Play) -> str:
    """An active storage pool."""
    folder = host.images / tmp_path.name
    done = play([pool_task(folder)])
    assert done.code == 0, done.explain()
    return str(folder)


def pool_task(folder: Path) -> dict[str, Any]:
    return {"svpc.virt.resource_pool": {**POOL, "host_resource": [str(folder)]}}


def system_task(name: str, *resources: dict[str, Any], state: str = "defined") -> dict[str, Any]:
    return {"svpc.virt.virtual_system": {"name": name, "state": state, "resources": [MEMORY, *resources]}}


def disk(name: str) -> dict[str, Any]:
    return {"resource_type": "disk_drive", "name": name, "pool_id": "shared", "virtual_quantity": "16 MiB"}


def adapter(name: str) -> dict[str, Any]:
    return {"resource_type": "ethernet_adapter", "name": name, "connection": ["user:"]}


def at_once(play: Play, *plays: Tasks) -> list[Run]:
    """Run plays side by side."""
    with ThreadPoolExecutor(len(plays)) as pool:
        return list(pool.map(play, plays))


def resources_of(run: Run) -> set[str]:
    """The names of the resources of the system that the last task is about."""
    return {resource["name"] for resource in run.records[-1].result["virtual_system"]["resources"] if resource["name"]}


def test_two_runs_for_different_systems_do_not_disturb_each_other(play: Play, storage: str) -> None:
    runs = at_once(
        play,
        *([system_task(f"{side}{number}", disk("root")) for number in range(4)] for side in ("left", "right")),
    )
    for run in runs:
        assert run.code == 0, run.explain()
        assert len(run.changed) == 4


def test_two_runs_of_the_same_declaration_end_as_declared(play: Play, host: Host, tmp_path: Path) -> None:
    tasks = [
        pool_task(host.images / tmp_path.name),
        *(system_task(f"same{number}", disk("root"), adapter("lan")) for number in range(3)),
    ]
    for run in at_once(play, tasks, tasks):
        assert run.code == 0 or (run.failure and run.failure.result.get("error_code") == "conflict"), run.explain()
    finished = play(tasks)
    assert finished.code == 0, finished.explain()
    again = play(tasks)
    assert again.code == 0, again.explain()
    assert not again.changed
    assert resources_of(again) == {"root", "lan"}


def test_two_runs_that_change_one_system_lose_nothing(play: Play, storage: str) -> None:
    assert play([system_task("one")]).code == 0
    left = [system_task("one", *(disk(f"disk{number}") for number in range(count + 1))) for count in range(4)]
    right = [system_task("one", *(adapter(f"nic{number}") for number in range(count + 1))) for count in range(4)]
    runs = at_once(play, left, right)
    for run in runs:
        # libvirt replaces definitions whole: a run that was overtaken at the last moment sees it when it reads again.
        told = run.failure and run.failure.result.get("error_code") in ("conflict", "host_failed")
        assert run.code == 0 or told, run.explain()
    for tasks in (left[-1:], right[-1:]):
        finished = play(tasks)
        assert finished.code == 0, finished.explain()
    assert resources_of(finished) >= {
        *(f"disk{number}" for number in range(4)),
        *(f"nic{number}" for number in range(4)),
    }
    for tasks in (left[-1:], right[-1:]):
        assert not play(tasks).changed


def test_a_restart_of_the_daemon_loses_nothing(play: Play, host: Host, storage: str) -> None:
    runner = system_task("runner", disk("root"), state="active")
    assert play([runner]).code == 0
    tasks = [system_task(f"many{number}", disk("root")) for number in range(6)]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(play, tasks)
        wait_for_domain(host, "many0")
        host.restart_daemon()
        run = running.result()
    if run.code:
        assert run.failure is not None, run.explain()
        assert run.failure.result.get("error_code") in ("unreachable", "host_failed"), run.explain()
    finished = play([*tasks, runner])
    assert finished.code == 0, finished.explain()
    assert "runner" not in [record.result["virtual_system"]["name"] for record in finished.changed]
    assert not play([*tasks, runner]).changed


def test_a_daemon_that_is_down_is_unreachable_and_not_an_empty_host(play: Play, host: Host, storage: str) -> None:
    assert play([system_task("kept", disk("root"))]).code == 0
    host.stop_daemon()
    try:
        run = play([{"svpc.virt.virtual_system": {"name": "kept", "state": "absent"}}])
    finally:
        host.start_daemon()
    assert run.failure is not None
    assert run.failure.result["error_code"] == "unreachable", run.explain()
    assert not play([system_task("kept", disk("root"))]).changed


@pytest.mark.parametrize(
    ("change", "removed", "added"),
    [
        ({"resources": [{"resource_type": "processor", "weight": 900}]}, ["<shares>1500</shares>"], ["<shares>900</shares>"]),
        ({"settings": {"description": "New"}}, ["<description>Written by hand</description>"], ["<description>New</description>"]),
        (
            {"resources": [{"resource_type": "disk_drive", "address_on_parent": "vda", "settings": {"serial": "XYZ"}}]},
            ["<serial>ABC</serial>"],
            ["<serial>XYZ</serial>"],
        ),
        (
            {"resources": [{"resource_type": "processor", "virtual_quantity": 2}]},
            ["<vcpu placement='static' current='1'>4</vcpu>"],
            ["<vcpu placement='static' current='2'>4</vcpu>"],
        ),
        (
            {"resources": [{"resource_type": "ethernet_adapter", "address": "52:54:00:10:20:30", "settings": {"link_state": "down"}}]},
            [],
            ["<link state='down'/>"],
        ),
        (
            {"resources": [{"resource_type": "ethernet_adapter", "address": "52:54:00:10:20:30", "name": "lan"}]},
            [],
            ["<alias name='ua-lan'/>"],
        ),
    ],
    ids=["weight", "description", "serial", "processors", "link", "name"],
)  # fmt: skip
def test_a_foreign_definition_changes_only_where_asked(
    host: Host, play: Play, change: dict[str, Any], removed: list[str], added: list[str]
) -> None:
    with connected(host) as connection:
        (host.images / "foreign.img").write_bytes(bytes(4096))
        domain = connection.defineXML(FOREIGN.replace("{images}", str(host.images)))
        before = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
        tasks = [{"svpc.virt.virtual_system": {"name": "foreign", **change}}]
        run = play(tasks)
        assert run.code == 0, run.explain()
        assert len(run.changed) == 1, run.explain()
        after = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    found = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    assert sorted(line[1:].strip() for line in found if line[0] == "-") == removed, after
    assert sorted(line[1:].strip() for line in found if line[0] == "+") == added, after
    assert not play(tasks).changed


def test_the_result_for_a_foreign_system_fed_back_changes_nothing(host: Host, play: Play) -> None:
    with connected(host) as connection:
        (host.images / "foreign.img").write_bytes(bytes(4096))
        connection.defineXML(FOREIGN.replace("{images}", str(host.images)))
    found = "found.virtual_systems[0]"
    run = play(
        [
            {"svpc.virt.virtual_system_info": {"name": ["foreign"]}, "register": "found"},
            {
                "svpc.virt.virtual_system": {
                    "name": "foreign",
                    "settings": f"{{{{ {found}.settings }}}}",
                    "resources": f"{{{{ {found}.resources }}}}",
                    "exclusive": True,
                }
            },
        ]
    )
    assert run.code == 0, run.explain()
    assert not run.changed, run.changes


@contextlib.contextmanager
def connected(host: Host) -> Iterator[Any]:
    """libvirt itself."""
    connection = libvirt.open(host.uri)
    try:
        yield connection
    finally:
        connection.close()


def wait_for_domain(host: Host, name: str, timeout: float = 120.0) -> None:
    """Wait until a domain exists."""
    deadline = time.monotonic() + timeout
    with connected(host) as connection:
        while name not in [domain.name() for domain in connection.listAllDomains()]:
            assert time.monotonic() < deadline, f"there is no {name}"
            time.sleep(0.02)
