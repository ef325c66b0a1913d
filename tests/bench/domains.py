# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench puts on its host: a storage pool, a network, and many defined virtual systems."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.laboratory import Host

from .bare import opened

SMALL = "small"
"""The system whose tasks and starts are measured."""
POOL = "bench"
NETWORK = "bench"
DISK_SIZE = 10 * 2**30

POOL_XML = "<pool type='dir'><name>{pool}</name><target><path>{folder}</path></target></pool>"
NETWORK_XML = "<network><name>{network}</name><bridge name='benchbr'/></network>"
DOMAIN_XML = """\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>2048</memory>
  <vcpu current='2'>4</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/></clock>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
      <alias name='ua-root'/>
    </disk>
    <interface type='network'>
      <source network='{network}'/>
      <model type='virtio'/>
      <alias name='ua-lan'/>
    </interface>
    <serial type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' autoport='yes'/>
    <video><model type='virtio'/></video>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""


def furnish(host: Host) -> None:
    """Make the pool, an image in it and the network."""
    folder = host.images / POOL
    folder.mkdir()
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image_of(host, SMALL), str(DISK_SIZE)], check=True)
    with opened(host.uri) as connection:
        connection.storagePoolDefineXML(POOL_XML.format(pool=POOL, folder=folder)).create()
        connection.networkDefineXML(NETWORK_XML.format(network=NETWORK)).create()


def populate(host: Host, systems: int) -> None:
    """Define so many systems, each with an image of its own; all stay off."""
    names = [f"system-{number:04}" for number in range(systems)]
    make_images(host, names)
    with opened(host.uri) as connection:
        for name in names:
            connection.defineXML(DOMAIN_XML.format(name=name, disk=image_of(host, name), network=NETWORK))


def make_images(host: Host, names: Iterable[str]) -> None:
    """Make an image for the disk of each system, which takes next to no space."""
    image = image_of(host, SMALL)
    head, size = image.read_bytes()[:4096], image.stat().st_size
    for name in names:
        with image_of(host, name).open("wb") as file:
            file.write(head)
            file.truncate(size)
    with opened(host.uri) as connection:
        connection.storagePoolLookupByName(POOL).refresh()


def image_of(host: Host, name: str) -> Path:
    """The image of a system's disk."""
    return host.images / POOL / f"{name}.qcow2"
