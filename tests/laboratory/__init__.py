# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory: private libvirt hosts and tiny guests for tests, demonstrations and development.

    with Laboratory() as laboratory:
        host = laboratory.start("a")
        files = tiny_guest()
        # Define a domain at host.uri with files.kernel, files.initrd and files.cmdline("web") in its
        # <os>, a disk below host.images and <serial type="file"> to host.images / "web.serial"; start it.
        report = wait_for_guest(host.images / "web.serial", lambda report: report.cpus == 2)

By hand: python -m tests.laboratory start a.
"""

from .guests import Guest, tiny_guest
from .hosts import Host, Laboratory, LaboratoryError
from .serial import Event, GuestTimeout, Nic, Report, parse_line, serial_lines, wait_for_event, wait_for_guest

__all__ = [
    "Event",
    "Guest",
    "GuestTimeout",
    "Host",
    "Laboratory",
    "LaboratoryError",
    "Nic",
    "Report",
    "parse_line",
    "serial_lines",
    "tiny_guest",
    "wait_for_event",
    "wait_for_guest",
]
