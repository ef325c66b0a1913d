# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors and memory: what a domain document says of them, and how that is changed.

Neither is a device.  Their values stand in several elements of ``<domain>``, so each has a writing function here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.units import size_words
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    place_of,
    prune,
    put,
    take_away,
)

DOMAIN_ORDER = (
    "name", "uuid", "genid", "title", "description", "metadata", "maxMemory", "memory", "currentMemory", "blkiotune",
    "memtune", "memoryBacking", "vcpu", "vcpus", "iothreads", "iothreadids", "defaultiothread", "cputune", "numatune",
    "resource", "fibrechannel", "sysinfo", "bootloader", "bootloader_args", "os", "features", "cpu", "clock",
    "on_poweroff", "on_reboot", "on_crash", "pm", "perf", "throttlegroups", "idmap", "devices", "seclabel", "keywrap",
    "launchSecurity",
)  # fmt: skip
ORDERS = {
    "domain": DOMAIN_ORDER,
    "cputune": ("shares", "period", "quota", "global_period", "global_quota", "vcpupin"),
    "memtune": ("hard_limit", "soft_limit", "min_guarantee", "swap_hard_limit"),
    "memoryBacking": ("hugepages", "nosharepages", "locked", "source", "access", "allocation", "discard"),
    "cpu": ("model", "vendor", "topology", "cache", "maxphysaddr", "feature", "numa"),
    "os": ("type", "firmware", "loader", "nvram", "kernel", "initrd", "cmdline", "boot", "bootmenu", "smbios", "bios"),
}

PERIOD = 100000
"""Microseconds; a quota of so many is one processor of the host."""
MODES = ("host-passthrough", "host-model", "maximum")
"""Sub-types of processors that are modes; anything else is the name of a model."""

_UNITS = {
    "b": 1, "bytes": 1, "KB": 1000, "k": 1024, "KiB": 1024, "MB": 1000**2, "M": 1024**2, "MiB": 1024**2,
    "GB": 1000**3, "G": 1024**3, "GiB": 1024**3, "TB": 1000**4, "T": 1024**4, "TiB": 1024**4,
}  # fmt: skip
_UNLIMITED = 9007199254740991  # KiB; libvirt's word for "no limit"

Parts = Mapping[str, Element]
"""The children of ``<domain>`` by tag."""


def _bytes(element: Element) -> int:
    return int(element.text) * _UNITS.get(element.get("unit", "KiB"), 1024)


def _write_bytes(element: Element, count: int) -> None:
    """Whole KiB, at least as many as asked for."""
    element.set("unit", "KiB")
    element.text = str(-(-count // 1024))


def _at(root: Element, path: str) -> Element:
    """The element at ``path`` below ``<domain>``, made where it is missing."""
    for step in path.split("/"):
        root = ensure(root, step, ORDERS.get(root.tag, ()))
    return root


def _drop(root: Element, path: str) -> None:
    """Take the element at ``path`` away, and those above it that held nothing else."""
    found = root.find(path)
    if found is not None:
        above = found.getparent()
        take_away(found)
        prune(above, root)


# Processors


def read_processor(parts: Parts) -> Rasd:
    """The processors of a domain."""
    fields: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    vcpu, cpu, tune = parts.get("vcpu"), parts.get("cpu"), parts.get("cputune")
    maximum = 1 if vcpu is None else int(vcpu.text)
    cpuset = None if vcpu is None else vcpu.get("cpuset")
    current = None if vcpu is None else vcpu.get("current")
    if cpuset:
        fields["host_resource"] = (cpuset,)
        fields["mapping_behavior"] = MappingBehavior.HARD_AFFINITY
    if cpu is not None:
        fields["resource_sub_type"] = _cpu_type(cpu)
        topology = cpu.find("topology")
        if topology is not None:
            for name in ("sockets", "cores", "threads"):
                settings[name] = int(topology.get(name, "1"))
    if tune is not None:
        _read_tuning(tune, fields)
    return Rasd(
        ResourceType.PROCESSOR,
        virtual_quantity=int(current) if current else maximum,
        maximum_quantity=maximum,
        settings=settings,
        instance_id="processor",
        **fields,
    )


def is_expanded(parts: Parts) -> bool:
    """Whether libvirt has written out the processor of a running domain, as it does for the mode host-model."""
    cpu = parts.get("cpu")
    return cpu is not None and cpu.get("mode") == "custom" and cpu.get("check") == "full"


def _cpu_type(cpu: Element) -> str | None:
    mode = cpu.get("mode", "custom")
    model = cpu.find("model") if mode == "custom" else None
    if model is not None:
        return str(model.text)
    return None if mode == "custom" else str(mode)


def _read_tuning(tune: Element, fields: dict[str, Any]) -> None:
    period, quota, pins = PERIOD, 0, {}
    for child in tune:
        tag = child.tag
        if tag == "shares":
            fields["weight"] = int(child.text)
        elif tag == "global_period":
            period = int(child.text)
        elif tag == "global_quota":
            quota = int(child.text)
        elif tag == "vcpupin":
            pins[int(child.get("vcpu"))] = child.get("cpuset")
    if quota > 0 and period > 0:
        fields["limit"] = max(1, round(100 * quota / period))
    if not pins or sorted(pins) != list(range(len(pins))):
        return
    sets = tuple(pins[number] for number in range(len(pins)))
    # The same set for all is how libvirt shows a common set that was changed while the domain runs.
    together = len(sets) > 1 and len(set(sets)) == 1
    fields["host_resource"] = sets[:1] if together else sets
    fields["mapping_behavior"] = MappingBehavior.HARD_AFFINITY if together else MappingBehavior.DEDICATED


def _write_vcpus(root: Element, current: int, maximum: int) -> None:
    if current > maximum:
        raise InvalidInput(f"processor: virtual_quantity ({current}) is more than maximum_quantity ({maximum})")
    vcpu = _at(root, "vcpu")
    vcpu.text = str(maximum)
    if current == maximum:
        vcpu.attrib.pop("current", None)
    else:
        vcpu.set("current", str(current))
    # Says for each virtual processor whether it is there, and would contradict; libvirt makes it again.
    _drop(root, "vcpus")
    cells = root.findall("cpu/numa/cell")
    if len(cells) == 1 and cells[0].get("cpus") is not None:
        cells[0].set("cpus", f"0-{maximum - 1}" if maximum > 1 else "0")


def _write_cpu_type(root: Element, value: Any) -> None:
    if value is None:
        _drop(root, "cpu")
        return
    cpu = _at(root, "cpu")
    if value == _cpu_type(cpu):
        return
    # Model, vendor and features describe the processor that goes; topology and NUMA cells do not.
    for tag in ("model", "vendor", "feature"):
        for child in cpu.findall(tag):
            take_away(child)
    for name in ("match", "check", "migratable"):
        cpu.attrib.pop(name, None)
    if value in MODES:
        cpu.set("mode", value)
        return
    cpu.set("mode", "custom")
    cpu.set("match", "exact")
    _at(cpu, "model").text = value


def _write_topology(root: Element, changed: Mapping[str, Any], maximum: int) -> None:
    found = root.find("cpu/topology")
    wanted = {name: 0 if found is None else int(found.get(name, "1")) for name in ("sockets", "cores", "threads")}
    wanted.update({name: value or 0 for name, value in changed.items()})
    if not any(wanted.values()) or (changed and found is not None and all(value is None for value in changed.values())):
        _drop(root, "cpu/topology")
        return
    others = 1
    for name in ("dies", "clusters"):
        others *= 1 if found is None else int(found.get(name, "1"))
    for name in ("threads", "cores", "sockets"):
        if not wanted[name]:
            rest = 1
            for other, number in wanted.items():
                rest *= number if other != name and number else 1
            open_names = [other for other, number in wanted.items() if not number]
            wanted[name] = max(1, maximum // (rest * others)) if len(open_names) == 1 else 1
    product = wanted["sockets"] * wanted["cores"] * wanted["threads"] * others
    if product != maximum:
        raise InvalidInput(
            f"processor: {wanted['sockets']} sockets of {wanted['cores']} cores with {wanted['threads']} threads are "
            f"{product} processors, and maximum_quantity is {maximum}"
        )
    topology = _at(root, "cpu/topology")
    for name, number in wanted.items():
        topology.set(name, str(number))


def _write_weight(root: Element, value: Any) -> None:
    if value:
        _at(root, "cputune/shares").text = str(value)
    else:
        _drop(root, "cputune/shares")


def _write_processor_limit(root: Element, value: Any) -> None:
    if value:
        _at(root, "cputune/global_period").text = str(PERIOD)
        _at(root, "cputune/global_quota").text = str(value * PERIOD // 100)
    else:
        _drop(root, "cputune/global_period")
        _drop(root, "cputune/global_quota")


def _check_bound(where: str, changed: Mapping[str, Any], parts: tuple[str, ...], *behaviours: MappingBehavior) -> None:
    """Raise InvalidInput for one of the ``behaviours``, which bind to parts of the host, where no part is named."""
    declared: MappingBehavior | None = changed.get("mapping_behavior")
    if declared is not None and declared in behaviours and not parts:
        raise InvalidInput(
            f"{where}: mapping_behavior: {declared.name.lower()} needs host_resource, which says what of the host it is "
            "bound to"
        )


def _write_affinity(root: Element, behaviour: Any, sets: tuple[str, ...]) -> None:
    vcpu = _at(root, "vcpu")
    for pin in root.findall("cputune/vcpupin"):
        take_away(pin)
    if behaviour == MappingBehavior.NOT_SUPPORTED:
        sets = ()
    if behaviour == MappingBehavior.DEDICATED:
        vcpu.attrib.pop("cpuset", None)
        tune = _at(root, "cputune") if sets else None
        for number, cpuset in enumerate(sets):
            pin = put(tune, place_of(tune, "vcpupin", ORDERS["cputune"]), "vcpupin")
            pin.set("vcpu", str(number))
            pin.set("cpuset", cpuset)
    elif sets:
        if behaviour not in (None, MappingBehavior.UNKNOWN, MappingBehavior.HARD_AFFINITY):
            raise NotSupported("processor: libvirt knows the mapping behaviors hard_affinity and dedicated only")
        vcpu.set("cpuset", ",".join(sets))
        if vcpu.get("placement") == "auto":
            vcpu.set("placement", "static")
    else:
        vcpu.attrib.pop("cpuset", None)
    tune = root.find("cputune")
    if tune is not None:
        prune(tune, root)


def write_processor(root: Element, changed: Mapping[str, Any]) -> None:
    """Put values, by the names of model.rasd.values, into the document; None takes one away."""
    now = read_processor({child.tag: child for child in root})
    quantities = {"virtual_quantity": now.virtual_quantity, "maximum_quantity": now.maximum_quantity}
    quantities.update({name: changed[name] for name in quantities if changed.get(name) is not None})
    maximum = quantities["maximum_quantity"] or 1
    topology = {name: changed[f"settings.{name}"] for name in _TOPOLOGY if f"settings.{name}" in changed}
    for name, value in changed.items():
        if name in _PROCESSOR:
            _PROCESSOR[name](root, value)
        elif name in PROCESSOR_UNSUPPORTED:
            raise NotSupported(f"processor: {name} is not supported: {PROCESSOR_UNSUPPORTED[name]}")
    if {"virtual_quantity", "maximum_quantity"} & set(changed):
        _write_vcpus(root, quantities["virtual_quantity"] or 1, maximum)
    if topology or ("maximum_quantity" in changed and root.find("cpu/topology") is not None):
        _write_topology(root, topology, maximum)
    if {"host_resource", "mapping_behavior"} & set(changed):
        sets = changed.get("host_resource", now.host_resource) or ()
        _check_bound("processor", changed, sets, MappingBehavior.DEDICATED, MappingBehavior.HARD_AFFINITY)
        _write_affinity(root, changed.get("mapping_behavior", now.mapping_behavior), sets)


_TOPOLOGY = ("sockets", "cores", "threads")
_PROCESSOR: Mapping[str, Callable[[Element, Any], None]] = {
    "resource_sub_type": _write_cpu_type,
    "weight": _write_weight,
    "limit": _write_processor_limit,
}
PROCESSOR_MAPPED = frozenset(
    {*_PROCESSOR, "virtual_quantity", "maximum_quantity", "host_resource", "mapping_behavior"}
    | {f"settings.{name}" for name in _TOPOLOGY}
)
_ONCE: Mapping[str, str] = {
    "name": "a system has it once, and libvirt gives it no name",
    "pool_id": "libvirt has no pools of it",
    "connection": "only network adapters are connected",
    "address": "it has no address",
    "address_on_parent": "it has no place on a controller",
    "parent": "it has no controller",
    "consumer_visibility": "it is always virtualized",
    "automatic_allocation": "libvirt always allocates when the system is activated",
    "automatic_deallocation": "libvirt always deallocates when the system is deactivated",
}
PROCESSOR_UNSUPPORTED: Mapping[str, str] = {
    **_ONCE,
    "reservation": "libvirt guarantees no processor time",
}

# Memory


def read_memory(parts: Parts) -> Rasd:
    """The memory of a domain."""
    fields: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    maximum = _bytes(parts["memory"]) if "memory" in parts else 0
    current, most = parts.get("currentMemory"), parts.get("maxMemory")
    quantity = maximum if current is None else _bytes(current)
    if most is not None:
        maximum = _bytes(most)
        settings["slots"] = int(most.get("slots", "0"))
    tune, numa, backing = parts.get("memtune"), parts.get("numatune"), parts.get("memoryBacking")
    if tune is not None:
        for name, tag in _LIMITS.items():
            found = tune.find(tag)
            if found is not None and 0 < _bytes(found) < _UNLIMITED * 1024:
                fields[name] = _bytes(found)
    memory = None if numa is None else numa.find("memory")
    if memory is not None and memory.get("nodeset"):
        fields["host_resource"] = (memory.get("nodeset"),)
        behaviour = _NUMA_MODES.get(memory.get("mode", "strict"))
        if behaviour is not None:
            fields["mapping_behavior"] = behaviour
    if backing is not None:
        page = backing.find("hugepages/page")
        if page is not None:
            settings["huge_page_size"] = int(page.get("size")) * _UNITS.get(page.get("unit", "KiB"), 1024)
        if backing.find("locked") is not None:
            settings["locked"] = True
    return Rasd(
        ResourceType.MEMORY,
        virtual_quantity=quantity,
        maximum_quantity=maximum,
        settings=settings,
        instance_id="memory",
        **fields,
    )


_LIMITS = {"limit": "hard_limit", "reservation": "soft_limit"}
_NUMA_MODES = {"strict": MappingBehavior.HARD_AFFINITY, "preferred": MappingBehavior.SOFT_AFFINITY}


def _write_amounts(root: Element, quantity: int, maximum: int, slots: int) -> None:
    """What the guest sees, what it may see at most, and how much of that is there from the start."""
    if quantity > maximum:
        raise InvalidInput(
            f"memory: virtual_quantity ({size_words(quantity)}) is more than maximum_quantity ({size_words(maximum)})"
        )
    if slots:
        most = _at(root, "maxMemory")
        most.set("slots", str(slots))
        _write_bytes(most, maximum)
        at_start = _bytes(_at(root, "memory")) if root.find("memory") is not None else 0
        _write_at_start(root, max(quantity, min(at_start, maximum)) if root.find("cpu/numa") is not None else quantity)
    else:
        _drop(root, "maxMemory")
        _write_at_start(root, maximum)
    _write_bytes(_at(root, "currentMemory"), quantity)


def _write_at_start(root: Element, amount: int) -> None:
    """The memory the system starts with; where NUMA cells divide it, libvirt counts the cells."""
    memory = _at(root, "memory")
    before = _bytes(memory) if memory.text and memory.text.strip() else None
    cells = root.findall("cpu/numa/cell")
    if before == amount and (cells or root.find("maxMemory") is None):
        return
    if len(cells) > 1:
        raise NotSupported(
            f"memory: it is divided among {len(cells)} NUMA cells, and nothing says which of them changes"
        )
    if cells:
        plugged = sum(_bytes(size) for size in root.iterfind("devices/memory/target/size"))
        cells[0].set("unit", "KiB")
        cells[0].set("memory", str(-(-(amount - plugged) // 1024)))
    elif root.find("maxMemory") is not None:
        vcpu = root.find("vcpu")
        count = 1 if vcpu is None else int(vcpu.text)
        cell = _at(root, "cpu/numa/cell")
        for name, text in (("id", "0"), ("cpus", f"0-{count - 1}" if count > 1 else "0")):
            cell.set(name, text)
        cell.set("memory", str(-(-amount // 1024)))
        cell.set("unit", "KiB")
    _write_bytes(memory, amount)


def _limit_writer(tag: str) -> Callable[[Element, Any], None]:
    def write(root: Element, value: Any) -> None:
        if value:
            _write_bytes(_at(root, f"memtune/{tag}"), value)
        else:
            _drop(root, f"memtune/{tag}")

    return write


def _write_nodes(root: Element, behaviour: Any, nodes: tuple[str, ...]) -> None:
    found = root.find("numatune/memory")
    if not nodes or behaviour == MappingBehavior.NOT_SUPPORTED:
        _drop(root, "numatune/memory")
        return
    modes = {meaning: mode for mode, meaning in _NUMA_MODES.items()}
    if behaviour not in (None, MappingBehavior.UNKNOWN, *modes):
        raise NotSupported("memory: libvirt knows the mapping behaviors hard_affinity and soft_affinity only")
    memory = _at(root, "numatune/memory")
    kept = None if found is None else found.get("mode")
    memory.set("mode", modes.get(behaviour) or kept or "strict")
    memory.set("nodeset", ",".join(nodes))
    memory.attrib.pop("placement", None)


def _write_huge_pages(root: Element, value: Any) -> None:
    if value:
        page = _at(root, "memoryBacking/hugepages")
        page = ensure(page, "page")
        page.set("size", str(value // 1024))
        page.set("unit", "KiB")
    else:
        _drop(root, "memoryBacking/hugepages")


def _write_locked(root: Element, value: Any) -> None:
    if value:
        _at(root, "memoryBacking/locked")
    else:
        _drop(root, "memoryBacking/locked")


def write_memory(root: Element, changed: Mapping[str, Any]) -> None:
    """Put values, by the names of model.rasd.values, into the document; None takes one away."""
    now = read_memory({child.tag: child for child in root})
    amounts = {
        "virtual_quantity": now.virtual_quantity,
        "maximum_quantity": now.maximum_quantity,
        "settings.slots": now.settings.get("slots", 0),
    }
    if set(amounts) & set(changed):
        amounts.update({name: changed[name] or 0 for name in amounts if name in changed})
        quantity = amounts["virtual_quantity"] or amounts["maximum_quantity"] or 0
        _write_amounts(root, quantity, amounts["maximum_quantity"] or quantity, amounts["settings.slots"] or 0)
    if {"host_resource", "mapping_behavior"} & set(changed):
        nodes = changed.get("host_resource", now.host_resource) or ()
        _check_bound("memory", changed, nodes, *_NUMA_MODES.values())
        _write_nodes(root, changed.get("mapping_behavior", now.mapping_behavior), nodes)
    for name, value in changed.items():
        if name in _MEMORY:
            _MEMORY[name](root, value)
        elif name in MEMORY_UNSUPPORTED:
            raise NotSupported(f"memory: {name} is not supported: {MEMORY_UNSUPPORTED[name]}")


_MEMORY: Mapping[str, Callable[[Element, Any], None]] = {
    "limit": _limit_writer("hard_limit"),
    "reservation": _limit_writer("soft_limit"),
    "settings.huge_page_size": _write_huge_pages,
    "settings.locked": _write_locked,
}
MEMORY_MAPPED = frozenset(
    {*_MEMORY, "virtual_quantity", "maximum_quantity", "host_resource", "mapping_behavior", "settings.slots"}
)
MEMORY_UNSUPPORTED: Mapping[str, str] = {
    **_ONCE,
    "resource_sub_type": "libvirt has one kind of memory",
    "weight": "libvirt does not weigh systems' memory against each other",
}
