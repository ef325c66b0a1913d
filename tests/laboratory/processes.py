# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes known by more than their number: only what the laboratory started is ever ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
BOOT_ID = PROC / "sys/kernel/random/boot_id"


@dataclass(frozen=True)
class Process:
    """One process of one boot of the machine.

    pid: its number, seen from outside the private host.
    start: its start time in clock ticks after boot (field 22 of /proc/PID/stat).
    boot: the identity of the boot, as a start time means nothing after the next one.
    """

    pid: int
    start: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this number now; None when there is none or it is a zombie."""
        stat = _read_stat(pid)
        if stat is None or stat.state in "ZX":
            return None
        return cls(pid, stat.start, boot_id())

    @property
    def alive(self) -> bool:
        """Whether this very process still runs, and not a stranger that was given its number."""
        return Process.of(self.pid) == self

    def end(self, number: signal.Signals = signal.SIGKILL, timeout: float = 30.0) -> bool:
        """Send a signal to this very process and wait for its end.

        timeout: seconds to wait. Returns False when it still runs after that.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            # The handle holds whichever process has the number; only then is its identity compared.
            if not self.alive:
                return True
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            waiting = select.poll()  # select() takes no handle above 1023
            waiting.register(handle, select.POLLIN)
            ended = bool(waiting.poll(timeout * 1000))
        finally:
            os.close(handle)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return ended


@dataclass(frozen=True)
class Stat:
    """What the laboratory needs of /proc/PID/stat: state letter, parent's number, start in ticks."""

    state: str
    parent: int
    start: int


def parse_stat(text: str) -> Stat:
    """Read a /proc/PID/stat line; the command name in it may hold spaces and brackets.

    Raises ValueError for a text that is no such line.
    """
    fields = text[text.rindex(")") + 1 :].split()
    if len(fields) < 20:
        raise ValueError(f"not a process state line: {text!r}")
    return Stat(state=fields[0], parent=int(fields[1]), start=int(fields[19]))


def boot_id() -> str:
    """The identity of the machine's current boot."""
    return BOOT_ID.read_text().strip()


def pids() -> Iterator[int]:
    """The numbers of all processes of the machine."""
    return (int(entry) for entry in os.listdir(PROC) if entry.isdigit())


def child_of(parent: int, timeout: float = 30.0) -> int | None:
    """The first child of a process, waited for up to timeout seconds; None when none came."""
    deadline = time.monotonic() + timeout
    while True:
        for pid in pids():
            stat = _read_stat(pid)
            if stat is not None and stat.parent == parent and stat.state not in "ZX":
                return pid
        if time.monotonic() > deadline or Process.of(parent) is None:
            return None
        time.sleep(0.005)


def in_namespace_of(pid: int) -> list[int]:
    """The numbers of all processes in the pid namespace of a process, as seen from outside."""
    wanted = _namespace(pid)
    return [other for other in pids() if wanted is not None and _namespace(other) == wanted]


def inner_pid(pid: int) -> int | None:
    """The number a process has inside its own pid namespace; None when it is gone."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return None


def _read_stat(pid: int) -> Stat | None:
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text())
    except OSError:
        return None


def _namespace(pid: int) -> str | None:
    try:
        return os.readlink(PROC / str(pid) / "ns/pid")
    except OSError:
        return None
