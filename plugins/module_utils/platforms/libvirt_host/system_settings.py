# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a virtual system itself, in a domain document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.tuning_rows import ORDERS, Parts
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    ensure,
    place_of,
    prune,
    put,
    take_away,
)

AGENT_CHANNEL = "org.qemu.guest_agent.0"

_BOOT_WORDS = {"hd": "disk_drive", "cdrom": "cd_drive", "network": "ethernet_adapter", "fd": "floppy_drive"}
_BOOT_DEVICES = {**{word: device for device, word in _BOOT_WORDS.items()}, "dvd_drive": "cdrom"}
_WITH_A_NUMBER = ("disk", "interface", "hostdev", "redirdev")
"""Elements of devices that libvirt gives a place in the boot order."""
_ON_CRASH = {"destroy": "none", "restart": "restart", "coredump-destroy": "none", "coredump-restart": "restart"}
_OFFSETS = ("utc", "localtime")
_TPM_MODELS = {"1.2": "tpm-tis", "2.0": "tpm-crb"}

OF_DEVICES = ("tpm", "guest_agent")
"""Settings that devices tell; all the others stand outside ``<devices>``."""

Device = tuple  # of element, ResourceType word, name or None, other words for it
"""A device as the boot order sees it: its element and how it may be called, the type first."""


def read_settings(root: Element, parts: Parts) -> dict[str, Any]:
    """Every setting the document says; the automatic startup is not among them."""
    found: dict[str, Any] = {"virtual_system_type": root.get("type")}
    description, crash, clock = parts.get("description"), parts.get("on_crash"), parts.get("clock")
    if description is not None and description.text:
        found["description"] = description.text
    if crash is not None and crash.text in _ON_CRASH:
        found["automatic_recovery_action"] = _ON_CRASH[crash.text]
    if clock is not None and clock.get("offset") in _OFFSETS:
        found["clock_offset"] = clock.get("offset")
    if "os" in parts:
        _read_os(parts["os"], found)
    return found


def _read_os(system: Element, found: dict[str, Any]) -> None:
    uefi, secure = system.get("firmware") == "efi", None
    left_to_the_host = uefi
    order = []
    for child in system:
        tag = child.tag
        if tag == "type":
            found["architecture"] = child.get("arch")
            found["machine"] = child.get("machine")
        elif tag == "boot":
            order.append(_BOOT_WORDS.get(child.get("dev"), child.get("dev")))
        elif tag == "loader":
            uefi = uefi or child.get("type") == "pflash"
            if child.text or child.get("secure"):
                left_to_the_host = False
                secure = secure or child.get("secure") == "yes"
        elif tag == "firmware":
            for feature in child:
                if feature.get("name") == "secure-boot":
                    secure = feature.get("enabled") == "yes"
        elif tag in _KERNEL and child.text:
            found[_KERNEL[tag]] = child.text
    found["firmware"] = "uefi" if uefi else "bios"
    if secure is not None or left_to_the_host:  # which takes firmware that has it, or firmware without, at the start
        found["secure_boot"] = secure
    if order:
        found["boot_order"] = tuple(order)


_KERNEL = {"kernel": "kernel", "initrd": "initrd", "cmdline": "kernel_arguments"}


def tpm_version(tpm: Element) -> str | None:
    """The version of a trusted platform module, where libvirt emulates it."""
    backend = tpm.find("backend")
    if backend is None or backend.get("type") != "emulator":
        return None
    version = backend.get("version")
    if version:
        return str(version)
    return "2.0" if tpm.get("model") in ("tpm-crb", "tpm-spapr") else None


def is_agent_channel(channel: Element) -> bool:
    """Whether a ``<channel>`` is the one to the guest agent."""
    target = channel.find("target")
    return target is not None and target.get("name") == AGENT_CHANNEL


def _os(root: Element) -> Element:
    return ensure(root, "os", ORDERS["domain"])


def _write_text(tag: str) -> Callable[[Element, Any], None]:
    def write(root: Element, value: Any) -> None:
        _text(root, tag, value)

    return write


def _text(parent: Element, tag: str, value: Any) -> None:
    """The text of a child; nothing takes the child away."""
    if value:
        ensure(parent, tag, ORDERS.get(parent.tag, ())).text = str(value)
        return
    found = parent.find(tag)
    if found is not None:
        take_away(found)


def _write_os_text(tag: str) -> Callable[[Element, Any], None]:
    def write(root: Element, value: Any) -> None:
        _text(_os(root), tag, value)

    return write


def _write_os_file(tag: str) -> Callable[[Element, Any], None]:
    def write(root: Element, value: Any) -> None:
        _text(_os(root), tag, value)

    return write


def _write_type(root: Element, value: Any) -> None:
    root.set("type", value)


def _write_os_type(attribute: str) -> Callable[[Element, Any], None]:
    def write(root: Element, value: Any) -> None:
        kind = ensure(_os(root), "type", ORDERS["os"])
        if value is None:
            kind.attrib.pop(attribute, None)
        else:
            kind.set(attribute, value)

    return write


def _write_firmware(root: Element, value: Any) -> None:
    """Another firmware.  What belongs to the old one goes: its file, its variables, its features."""
    system = _os(root)
    if value == "uefi":
        system.set("firmware", "efi")
    else:
        system.attrib.pop("firmware", None)
    for tag in ("firmware", "loader", "nvram"):
        _text(system, tag, None)


def _write_secure_boot(root: Element, value: Any) -> None:
    """libvirt chooses firmware with the features asked for, and variables that go with it."""
    system = _os(root)
    if system.get("firmware") != "efi" and system.find("loader") is None:
        return
    system.set("firmware", "efi")
    for tag in ("loader", "nvram"):
        _text(system, tag, None)
    firmware = ensure(system, "firmware", ORDERS["os"])
    enabled = None if value is None else "yes" if value else "no"
    for name in ("enrolled-keys", "secure-boot"):
        features = [child for child in firmware.findall("feature") if child.get("name") == name]
        if enabled is None:
            for feature in features:
                take_away(feature)
            continue
        feature = features[0] if features else put(firmware, len(firmware), "feature")
        feature.set("enabled", enabled)
        feature.set("name", name)
    prune(firmware, system)


def _write_tpm(root: Element, value: Any) -> None:
    devices = ensure(root, "devices", ORDERS["domain"])
    tpm = devices.find("tpm")
    if value in (None, "none"):
        if tpm is not None:
            take_away(tpm)
        return
    if tpm is None:
        tpm = put(devices, place_of(devices, "tpm", DEVICE_ORDER), "tpm")
    kind = root.find("os/type")
    if kind is not None and kind.get("arch") not in ("x86_64", "i686", None):
        tpm.set("model", "tpm-spapr" if "ppc" in kind.get("arch") else "tpm-tis")
    else:
        tpm.set("model", _TPM_MODELS.get(value, "tpm-tis"))
    backend = ensure(tpm, "backend")
    backend.set("type", "emulator")
    backend.set("version", value)


def _write_recovery(root: Element, value: Any) -> None:
    if value not in (None, "none", "restart"):
        raise NotSupported(f"settings: automatic_recovery_action: {UNSUPPORTED_SETTINGS[f'{_RECOVERY}={value}']}")
    ensure(root, "on_crash", ORDERS["domain"]).text = "restart" if value == "restart" else "destroy"


def _write_clock(root: Element, value: Any) -> None:
    clock = ensure(root, "clock", ORDERS["domain"])
    clock.set("offset", value or "utc")
    for name in ("adjustment", "basis", "timezone", "start"):
        clock.attrib.pop(name, None)


def _write_agent(root: Element, value: Any) -> None:
    devices = ensure(root, "devices", ORDERS["domain"])
    found = [channel for channel in devices.findall("channel") if is_agent_channel(channel)]
    if value and not found:
        channel = put(devices, place_of(devices, "channel", DEVICE_ORDER), "channel")
        channel.set("type", "unix")
        target = ensure(channel, "target")
        target.set("type", "virtio")
        target.set("name", AGENT_CHANNEL)
    elif not value:
        for channel in found:
            take_away(channel)


def write_boot_order(root: Element, order: Sequence[str], devices: Sequence[Device]) -> None:
    """Boot from what ``order`` names.

    Types alone are written for the whole system; as soon as one entry is the name of a device, each device gets its
    number.  Raises InvalidInput for what is not there, and where a type would mean a device that has a name.
    """
    system = _os(root)
    for boot in system.findall("boot"):
        take_away(boot)
    for element, *_names in devices:
        boot = element.find("boot")
        if boot is not None:
            take_away(boot)
    if all(word in _BOOT_DEVICES for word in order):
        for word in order:
            put(system, place_of(system, "boot", ORDERS["os"]), "boot").set("dev", _BOOT_DEVICES[word])
        return
    taken: list[Element] = []
    for number, word in enumerate(order, start=1):
        element = _boot_device(word, [device for device in devices if device[0] not in taken])
        taken.append(element)
        index = next((place for place, child in enumerate(element) if child.tag in ("acpi", "alias", "address")), None)
        put(element, len(element) if index is None else index, "boot").set("order", str(number))


def _boot_device(word: str, devices: Sequence[Device]) -> Element:
    of_type = [device for device in devices if device[1] == word]
    for element, _kind, name, *others in devices:
        if word == name or (name is None and word in others):
            return element
    if of_type:
        if of_type[0][2]:
            raise InvalidInput(
                f"boot_order: beside names of devices, {word} means the first one, which is called {of_type[0][2]!r}: name it"
            )
        return of_type[0][0]
    names = sorted({str(device[2] or device[1]) for device in devices if device[0].tag in _WITH_A_NUMBER})
    raise InvalidInput(f"boot_order: there is no {word!r}; there are {', '.join(names) or 'none'}", allowed=names)


def read_boot_order(devices: Sequence[Device]) -> tuple[str, ...]:
    """The devices that have a number, by name; unnamed ones by type when they are the first of it, else by place."""
    numbered = []
    seen: set[str] = set()
    for element, kind, name, *others in devices:
        boot = element.find("boot")
        if boot is not None and boot.get("order"):
            numbered.append((int(boot.get("order")), name or (kind if kind not in seen else (others or [kind])[0])))
        seen.add(kind)
    return tuple(word for _number, word in sorted(numbered))


_RECOVERY = "automatic_recovery_action"
WRITERS: Mapping[str, Callable[[Element, Any], None]] = {
    "virtual_system_type": _write_type,
    "architecture": _write_os_type("arch"),
    "machine": _write_os_type("machine"),
    "firmware": _write_firmware,
    "secure_boot": _write_secure_boot,
    "tpm": _write_tpm,
    "description": _write_text("description"),
    "automatic_recovery_action": _write_recovery,
    "kernel": _write_os_file("kernel"),
    "initrd": _write_os_file("initrd"),
    "kernel_arguments": _write_os_text("cmdline"),
    "clock_offset": _write_clock,
    "guest_agent": _write_agent,
}
"""How each setting is written; in this order, since features of the firmware come after the firmware."""
OUTSIDE = frozenset({"automatic_startup_action"})
"""Settings that libvirt keeps outside the document."""
UNSUPPORTED_SETTINGS: Mapping[str, str] = {
    "automatic_shutdown_action": "libvirt decides it for the whole host (libvirt-guests)",
    f"{_RECOVERY}=revert_to_snapshot": "libvirt does not revert by itself",
    "automatic_startup_action=restart_if_previously_active": "libvirt starts a system with the host always or never",
}

DEVICE_ORDER = (
    "emulator", "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial", "parallel", "console",
    "channel", "input", "tpm", "graphics", "sound", "audio", "video", "hostdev", "redirdev", "redirfilter", "hub",
    "watchdog", "memballoon", "rng", "nvram", "panic", "shmem", "memory", "iommu", "vsock", "crypto", "pstore",
)  # fmt: skip
"""In which order libvirt writes devices."""
