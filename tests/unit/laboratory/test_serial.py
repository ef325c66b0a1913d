# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tiny guest says is read word by word, and only when the line is whole."""

from __future__ import annotations

import pathlib

import pytest

from tests.laboratory import Event, GuestTimeout, Nic, Report, parse_line, serial_lines, wait_for_event, wait_for_guest

FULL = (
    "guest: cpus=2 memory_kib=235000 disks=vda:1073741824,sda:512"
    " nics=eth0/52:54:00:00:00:01/192.168.1.5/up,eth1/52:54:00:00:00:02/-/down"
    " media=sr0:2048/SEED mounted=1 firmware=efi secure_boot=1 tpm=2 up=3"
)
BARE = "guest: cpus=1 memory_kib=100 disks= nics= media= mounted=0 firmware=bios secure_boot=0 tpm=0 up=0"


def test_a_full_line() -> None:
    """Every word arrives as what it means."""
    assert parse_line(FULL) == Report(
        cpus=2,
        memory_kib=235000,
        disks={"vda": 1073741824, "sda": 512},
        nics={
            "eth0": Nic("52:54:00:00:00:01", "192.168.1.5", True),
            "eth1": Nic("52:54:00:00:00:02", None, False),
        },
        media={"sr0": (2048, "SEED")},
        mounted=True,
        firmware="efi",
        secure_boot=True,
        tpm=2,
        up=3,
    )


def test_a_bare_line() -> None:
    """A machine without devices has none, and no addresses."""
    report = parse_line(BARE)
    assert isinstance(report, Report)
    assert (report.disks, report.nics, report.media, report.addresses) == ({}, {}, {}, [])


def test_addresses() -> None:
    """Interfaces without an address are left out."""
    report = parse_line(FULL)
    assert isinstance(report, Report)
    assert report.addresses == ["192.168.1.5"]


def test_text_before_the_mark() -> None:
    """The firmware leaves its control characters in front of the first line."""
    assert parse_line("\x1bc\x1b[2J" + BARE) == parse_line(BARE)


def test_an_event() -> None:
    """What befalls the guest has a name."""
    assert parse_line("guest: event=power-button") == Event("power-button")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[    2.000000] reboot: Power down",
        "guest: cpus=1",
        BARE.replace("disks=", "disks=vda"),
        BARE.replace("nics=", "nics=eth0/52:54:00:00:00:01"),
        BARE.replace("cpus=1", "cpus=one"),
    ],
)
def test_what_is_no_whole_line(line: str) -> None:
    """Foreign, torn and mangled lines are none of the guest's."""
    assert parse_line(line) is None


def test_a_line_still_being_written(tmp_path: pathlib.Path) -> None:
    """The last line counts only with its end: up=1 may become up=12."""
    log = tmp_path / "serial.log"
    log.write_text(f"{BARE}\n{BARE}1")
    assert serial_lines(log) == [parse_line(BARE)]


def test_no_file_yet(tmp_path: pathlib.Path) -> None:
    """Before the guest's start there is nothing to read."""
    assert serial_lines(tmp_path / "serial.log") == []


def test_the_newest_report_decides(tmp_path: pathlib.Path) -> None:
    """A wish fulfilled earlier does not count, and the refusal shows what was said last."""
    log = tmp_path / "serial.log"
    log.write_text(f"{FULL}\n{BARE}\n")
    assert wait_for_guest(log).cpus == 1
    with pytest.raises(GuestTimeout, match=r"cpus=1"):
        wait_for_guest(log, lambda report: report.cpus == 2, timeout=0)
    with pytest.raises(GuestTimeout):
        wait_for_guest(log, after=2, timeout=0)


def test_silence_shows_the_end_of_the_line(tmp_path: pathlib.Path) -> None:
    """A guest that never came up left its kernel's last words."""
    log = tmp_path / "serial.log"
    with pytest.raises(GuestTimeout, match=r"there is no"):
        wait_for_guest(log, timeout=0)
    log.write_text("Kernel panic - not syncing")
    with pytest.raises(GuestTimeout, match="Kernel panic"):
        wait_for_guest(log, timeout=0)


def test_waiting_for_an_event(tmp_path: pathlib.Path) -> None:
    """An event counts wherever it stands, unless it is older than asked for."""
    log = tmp_path / "serial.log"
    log.write_text(f"guest: event=reboot\n{BARE}\n")
    wait_for_event(log, "reboot", timeout=0)
    with pytest.raises(GuestTimeout):
        wait_for_event(log, "reboot", timeout=0, after=1)
