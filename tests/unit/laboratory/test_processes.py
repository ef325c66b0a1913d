# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process is its number, its start and the machine's boot; whoever differs in one of them is a stranger."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.laboratory.processes import Process, child_of, inner_pid, parse_stat


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that may be ended."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_name_with_spaces_and_brackets() -> None:
    """The state stands after the last bracket, whatever the command calls itself."""
    stat = parse_stat("7 (a) R (b c)) S 4 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 99 1")
    assert (stat.state, stat.parent, stat.start) == ("S", 4, 12345)


@pytest.mark.parametrize("text", ["", "7 sleep S 4", "7 (sleep) S 4"])
def test_what_is_no_state_line(text: str) -> None:
    """A torn line is refused, not guessed at."""
    with pytest.raises(ValueError, match="not"):
        parse_stat(text)


def test_a_living_process_is_itself() -> None:
    """Two looks at one process give the same identity."""
    process = Process.of(os.getpid())
    assert process is not None
    assert process.alive
    assert process == Process.of(os.getpid())
    assert inner_pid(os.getpid()) == int(os.readlink("/proc/self"))


@pytest.mark.parametrize("change", [{"start": 1}, {"boot": "another"}])
def test_a_stranger_with_the_same_number_lives(sleeper: subprocess.Popen[bytes], change: dict[str, object]) -> None:
    """A number that was given to another process is no reason to end that one."""
    process = Process.of(sleeper.pid)
    assert process is not None
    earlier = dataclasses.replace(process, **change)  # type: ignore[arg-type]
    assert not earlier.alive
    assert earlier.end()
    assert sleeper.poll() is None


def test_ending_the_very_process(sleeper: subprocess.Popen[bytes]) -> None:
    """The right process ends, and ending it again does no harm."""
    process = Process.of(sleeper.pid)
    assert process is not None
    assert process.end()
    assert not process.alive
    assert process.end()


def test_a_zombie_is_dead() -> None:
    """A process that nobody has waited for yet does not run any more."""
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert Process.of(zombie.pid) is None
    zombie.wait()


def test_child_of(sleeper: subprocess.Popen[bytes]) -> None:
    """A parent's child is found; a process without one has none."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"]) as parent:
        child = child_of(parent.pid)
        assert child is not None
        process = Process.of(child)
        assert process is not None
        process.end()
    assert child_of(sleeper.pid, timeout=0) is None
