# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading many definitions tells the same as reading each alone, and reads once what they share."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.alike import Alike, Parts
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import NoVolumes, VolumeFact

FOLDER = Path(__file__).with_name("domains")
SMALL = (FOLDER / "small.xml").read_text(encoding="utf-8")
ON_PORT = "<address type='pci' domain='0x0000' bus='0x01' slot='0x0{}' function='0x0'/>"


class Volumes(NoVolumes):
    """Every path is a volume."""

    def describe(self, path: str) -> VolumeFact | None:
        return VolumeFact("default", path, path, len(path))


def with_devices(*devices: str) -> str:
    """The small definition with more devices, on lines of their own as libvirt writes them."""
    lines = "".join(f"    {device}\n" for device in devices)
    return SMALL.replace("  </devices>", f"{lines}  </devices>")


DISK = "<disk type='file' device='disk'><source file='/images/{0}'/><target dev='{0}' bus='virtio'/></disk>"
ADAPTER = "<interface type='network'><mac address='52:54:00:00:00:0{}'/><source network='lan'/></interface>"
DEFINITIONS = {
    "as it is": SMALL,
    "another name": SMALL.replace("dx-t", "other").replace("83ef3c24", "93ef3c24"),
    "described": SMALL.replace("  <memory ", "  <description>a\n  &lt;devices&gt;</description>\n  <memory "),
    "devices in the metadata": SMALL.replace(
        "  <memory ", "  <metadata>\n  <devices>\n    <disk type='file'/>\n  </devices>\n  </metadata>\n  <memory "
    ),
    "other quantities": SMALL.replace("262144", "524288").replace("host-passthrough", "maximum"),
    "drives and adapters": with_devices(DISK.format("vdx"), ADAPTER.format(1), DISK.format("vdy"), ADAPTER.format(2)),
    "several of a kind": with_devices(
        f"<rng model='virtio'><backend model='random'>/dev/random</backend>{ON_PORT.format(1)}</rng>",
        f"<rng model='virtio'><backend model='random'>/dev/random</backend>{ON_PORT.format(2)}</rng>",
    ),
    "no MAC addresses yet": with_devices(*["<interface type='network'><source network='lan'/></interface>"] * 2),
    "trusted platform module": with_devices("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"),
    "guest agent": with_devices("<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"),
    "secure boot": SMALL.replace(
        "<boot dev='hd'/>", "<loader readonly='yes' secure='yes' type='pflash'>/code.fd</loader>\n    <boot dev='hd'/>"
    ),
    "module and agent before the drives": with_devices(
        "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
        DISK.format("vdx"),
        "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>",
    ),
    "order of devices": with_devices(DISK.format("vdx").replace("<source", "<boot order='1'/><source")).replace(
        "    <boot dev='hd'/>\n", ""
    ),
    "no devices": SMALL[: SMALL.index("  <devices>")] + "  <devices>\n  </devices>\n</domain>\n",
    "another layout": SMALL.replace("\n    <", "\n  <"),
    "one line": " ".join(SMALL.split()),
    "much in it": (FOLDER / "rich.xml").read_text(encoding="utf-8"),
}


def everything(configuration: Configuration) -> object:
    """Also what is left out where configurations are compared."""
    return configuration, [astuple(rasd) for rasd in configuration.resources]


@pytest.fixture(scope="module")
def alike() -> Alike:
    return Alike(Volumes(), Parts())


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_same_is_told_as_of_each_document_alone(alike: Alike, name: str) -> None:
    text = DEFINITIONS[name]
    alone = everything(DomainDocument.parse(text).configuration(Volumes()))
    assert everything(alike.configuration(text)) == alone
    assert everything(alike.configuration(text)) == alone


def test_what_stands_alike_is_read_once() -> None:
    alike = Alike(NoVolumes(), Parts())
    first = alike.configuration(with_devices(DISK.format("vdx"), ADAPTER.format(1)))
    second = alike.configuration(with_devices(DISK.format("vdy"), ADAPTER.format(1)))
    own = ("disk/", "interface/")
    ours, theirs = (
        [rasd for rasd in each.resources if not str(rasd.instance_id).startswith(own)] for each in (first, second)
    )
    assert len(ours) > 2
    assert all(one is other for one, other in zip(ours, theirs, strict=True))


def test_the_settings_of_one_system_are_its_own() -> None:
    alike = Alike(NoVolumes(), Parts())
    with_tpm = alike.configuration(DEFINITIONS["trusted platform module"])
    assert with_tpm.settings["tpm"] == "2.0"
    assert alike.configuration(SMALL).settings["tpm"] == "none"
