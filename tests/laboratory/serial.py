# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tiny guest says of itself on its first serial line, read from the file it goes to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MARK = "guest: "


@dataclass(frozen=True)
class Nic:
    """A network interface from the inside: its MAC, its IPv4 address or None, whether its cable is in."""

    mac: str
    address: str | None
    link: bool


@dataclass(frozen=True)
class Report:
    """The guest's view of its machine at one moment.

    cpus: processors at work. memory_kib: memory its kernel manages. disks: bytes by name.
    nics: by name. media: (bytes, volume label) of the disc in each drive that has one.
    mounted: whether its data disk is mounted. firmware: "bios" or "efi". secure_boot: whether the
    firmware enforces it. tpm: major version, 0 without one. up: seconds since the kernel's start. name: its host name.
    keys: the comments of the keys that its seed authorizes.
    """

    cpus: int
    memory_kib: int
    disks: dict[str, int] = field(default_factory=dict)
    nics: dict[str, Nic] = field(default_factory=dict)
    media: dict[str, tuple[int, str]] = field(default_factory=dict)
    mounted: bool = False
    firmware: str = "bios"
    secure_boot: bool = False
    tpm: int = 0
    up: int = 0
    name: str = ""
    keys: tuple[str, ...] = ()

    @property
    def addresses(self) -> list[str]:
        """The IPv4 addresses of all interfaces."""
        return [nic.address for nic in self.nics.values() if nic.address]


@dataclass(frozen=True)
class Event:
    """Something that befell the guest: "boot", "power-button", "shutdown" or "reboot"."""

    name: str


class GuestTimeout(AssertionError):
    """The guest did not say in time what was waited for; the text holds what it said last."""


def parse_line(line: str) -> Report | Event | None:
    """Read one serial line; None when it is not a whole line of the guest's own."""
    _, mark, text = line.partition(MARK)
    words = dict(word.split("=", 1) for word in text.split() if "=" in word)
    if not mark:
        return None
    if "event" in words:
        return Event(words["event"])
    try:
        return Report(
            cpus=int(words["cpus"]),
            memory_kib=int(words["memory_kib"]),
            disks={name: int(size) for name, size in map(_pair, _listed(words["disks"]))},
            nics=dict(map(_nic, _listed(words["nics"]))),
            media=dict(map(_medium, _listed(words["media"]))),
            mounted=words["mounted"] == "1",
            firmware=words["firmware"],
            secure_boot=words["secure_boot"] == "1",
            tpm=int(words["tpm"]),
            up=int(words["up"]),
            name=words.get("name", ""),
            keys=tuple(_listed(words.get("keys", ""))),
        )
    except (KeyError, ValueError):
        return None


def serial_lines(path: str | os.PathLike[str]) -> list[Report | Event]:
    """All that the guest has said so far; nothing when the file is not there yet."""
    try:
        text = Path(path).read_text(errors="replace")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [said for said in map(parse_line, whole.splitlines()) if said is not None]


def wait_for_guest(
    path: str | os.PathLike[str],
    wanted: Callable[[Report], bool] = lambda report: True,
    timeout: float = 180.0,
    after: int = 0,
) -> Report:
    """Wait until the guest's newest report is as wanted, and return it.

    timeout: seconds, after which GuestTimeout is raised.
    after: how many of the first lines to leave out, such as len(serial_lines(path)) before a change.
    """
    deadline = time.monotonic() + timeout
    while True:
        reports = [said for said in serial_lines(path)[after:] if isinstance(said, Report)]
        if reports and wanted(reports[-1]):
            return reports[-1]
        if time.monotonic() > deadline:
            raise GuestTimeout(f"Not in {timeout:g} seconds. Last report: {_last(reports, path)}")
        time.sleep(0.1)


def wait_for_event(path: str | os.PathLike[str], name: str, timeout: float = 180.0, after: int = 0) -> None:
    """Wait until the guest has said that an event befell it; GuestTimeout after so many seconds."""
    deadline = time.monotonic() + timeout
    while Event(name) not in (said := serial_lines(path)[after:]):
        if time.monotonic() > deadline:
            raise GuestTimeout(f"No {name} in {timeout:g} seconds. Last report: {_last(said, path)}")
        time.sleep(0.1)


def _last(said: list[Report] | list[Report | Event], path: str | os.PathLike[str]) -> str:
    if said:
        return str(said[-1])
    try:
        return f"none; the serial line ends with {Path(path).read_text(errors='replace')[-500:]!r}"
    except FileNotFoundError:
        return f"none; there is no {os.fspath(path)}"


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def _pair(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(text)
    return name, value


def _nic(text: str) -> tuple[str, Nic]:
    name, mac, address, link = text.split("/")
    return name, Nic(mac, None if address == "-" else address, link == "up")


def _medium(text: str) -> tuple[str, tuple[int, str]]:
    drive, value = _pair(text)
    size, _, label = value.partition("/")
    return drive, (int(size), label)
