# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt's capabilities document says about a host and the guests it can run.  Pure: text in, data out."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import field, frozen
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse

_SCALES = {"b": 1, "bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@frozen
class Cell:
    """A NUMA cell."""

    number: int
    memory: int | None = None
    """Bytes."""
    page_sizes: tuple[int, ...] = ()
    """Bytes."""
    processors: tuple[int, ...] = ()
    """Numbers of the host's CPUs."""


@frozen
class Machine:
    """A machine type of an emulator."""

    name: str
    canonical: str | None = None
    """For an alias: the machine type it stands for now."""
    maximum_processors: int | None = None


@frozen
class Guest:
    """A way to run guests: one operating system type on one architecture by one type of hypervisor."""

    os_type: str
    architecture: str
    virtual_system_type: str
    emulator: str | None
    machines: tuple[Machine, ...]


@frozen
class HostDescription:
    """The host."""

    uuid: str | None = None
    architecture: str | None = None
    processor_model: str | None = None
    processor_vendor: str | None = None
    topology: dict[str, int] = field(default_factory=dict)
    """``sockets`` per cell, ``dies``, ``cores`` and ``threads``."""
    cells: tuple[Cell, ...] = ()
    guests: tuple[Guest, ...] = ()
    live_migration: bool = False
    iommu: bool = False


def read_host(xml: str) -> HostDescription:
    """The description in what virConnect.getCapabilities() gives.  Raises HostFailed when it cannot be read."""
    root = parse(xml, "its capabilities")
    topology = root.find("host/cpu/topology")
    iommu = root.find("host/iommu")
    return HostDescription(
        uuid=root.findtext("host/uuid"),
        architecture=root.findtext("host/cpu/arch"),
        processor_model=root.findtext("host/cpu/model"),
        processor_vendor=root.findtext("host/cpu/vendor"),
        topology={name: int(value) for name, value in (() if topology is None else topology.attrib.items())},
        cells=tuple(_cell(element) for element in root.findall("host/topology/cells/cell")),
        guests=tuple(guest for element in root.findall("guest") for guest in _guests(element)),
        live_migration=root.find("host/migration_features/live") is not None,
        iommu=iommu is not None and iommu.get("support") == "yes",
    )


def _cell(element: Any) -> Cell:
    memory = element.find("memory")
    return Cell(
        number=int(element.get("id")),
        memory=None if memory is None else int(memory.text) * _SCALES.get(memory.get("unit", "KiB"), 1),
        page_sizes=tuple(
            int(pages.get("size")) * _SCALES.get(pages.get("unit", "KiB"), 1) for pages in element.findall("pages")
        ),
        processors=tuple(int(cpu.get("id")) for cpu in element.findall("cpus/cpu")),
    )


def _guests(element: Any) -> list[Guest]:
    """One guest per type of hypervisor; a type without emulator or machines of its own has those of the architecture."""
    found = []
    for arch in element.findall("arch"):
        for domain in arch.findall("domain"):
            machines = domain.findall("machine") or arch.findall("machine")
            found.append(
                Guest(
                    os_type=element.findtext("os_type") or "",
                    architecture=arch.get("name"),
                    virtual_system_type=domain.get("type"),
                    emulator=domain.findtext("emulator") or arch.findtext("emulator"),
                    machines=tuple(_machine(machine) for machine in machines),
                )
            )
    return found


def _machine(element: Any) -> Machine:
    most = element.get("maxCpus")
    return Machine(element.text, element.get("canonical"), int(most) if most else None)


@frozen
class Offer:
    """What one emulator offers a guest of one machine type (libvirt's domain capabilities).

    Where a libvirt is too old to say something, or its driver says nothing at all, the thing is missing here; that is
    not the same as an empty list.
    """

    machine: str | None = None
    architecture: str | None = None
    maximum_processors: int | None = None
    processor_models: tuple[str, ...] | None = None
    """Modes and names of models that can run here."""
    supported: dict[str, bool] = field(default_factory=dict)
    """By the path of the element: ``devices/tpm``, ``os/loader`` …"""
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By the path of the element and the name of the list: ``devices/disk/bus``, ``os/firmware`` …"""

    def words(self, path: str) -> tuple[str, ...] | None:
        """The values of a list; None where libvirt does not tell."""
        return self.enums.get(path)


def read_offer(xml: str) -> Offer:
    """The offer in what virConnect.getDomainCapabilities() gives.  Raises HostFailed when it cannot be read."""
    root = parse(xml, "the capabilities of its emulator")
    supported: dict[str, bool] = {}
    enums: dict[str, tuple[str, ...]] = {}
    for element in root.iter():
        path = _path(element)
        if element.get("supported") is not None and element.tag not in ("mode", "model"):
            supported[path] = element.get("supported") == "yes"
        if element.tag == "enum":
            enums[f"{_path(element.getparent())}/{element.get('name')}"] = tuple(
                str(value.text) for value in element.findall("value")
            )
    vcpu = root.find("vcpu")
    return Offer(
        machine=root.findtext("machine"),
        architecture=root.findtext("arch"),
        maximum_processors=None if vcpu is None else int(vcpu.get("max")),
        processor_models=_processor_models(root.find("cpu")),
        supported=supported,
        enums=enums,
    )


def _path(element: Any) -> str:
    steps = [element.tag, *(parent.tag for parent in element.iterancestors())][:-1]
    return "/".join(reversed(steps))


def _processor_models(cpu: Any) -> tuple[str, ...] | None:
    """Names of modes, and of models that are usable or of which libvirt does not know it."""
    if cpu is None:
        return None
    modes = {mode.get("name"): mode for mode in cpu.findall("mode") if mode.get("supported") == "yes"}
    custom = modes.pop("custom", None)
    models = [] if custom is None else custom.findall("model")
    return (*modes, *sorted(model.text for model in models if model.get("usable") != "no"))


def read_pool_kinds(xml: str) -> dict[str, tuple[str, ...]]:
    """Kinds of storage pools the host can make, each with the formats of its source.

    ``xml`` is what virConnect.getStoragePoolCapabilities() gives.  Raises HostFailed when it cannot be read.
    """
    found = {}
    for pool in parse(xml, "the kinds of its storage pools").findall("pool"):
        if pool.get("supported") == "yes":
            formats = pool.findall("poolOptions/enum[@name='sourceFormatType']/value")
            found[pool.get("type")] = tuple(str(value.text) for value in formats)
    return found
