# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of making the tiny guest that need no package."""

from __future__ import annotations

import pathlib

import pytest

from tests.laboratory import Guest, LaboratoryError
from tests.laboratory import guests as guests_module
from tests.laboratory.guests import _run, _with_needs, tiny_guest

GUEST = Guest(pathlib.Path("vmlinuz"), pathlib.Path("initrd"), pathlib.Path("agent-initrd"))


def test_cmdline() -> None:
    """A name and a data disk are told to the guest only when there are any."""
    assert "lab." not in GUEST.cmdline()
    assert GUEST.cmdline("web", "vda").endswith(" lab.name=web lab.data=vda")
    assert GUEST.cmdline("web", key="AAAA").endswith(" lab.name=web lab.key=AAAA")


def test_modules_come_after_what_they_need(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Each module once, after its needs; a hyphen is an underscore; unknown ones are left out."""
    monkeypatch.setattr(guests_module, "_run", lambda *argv: "")
    modules = tmp_path / "lib/modules/6.1"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text(
        "k/net.ko: k/fail-over.ko k/virtio.ko k/ring.ko\nk/fail-over.ko:\nk/virtio.ko: k/ring.ko\nk/ring.ko:\n"
    )
    found = [path.name for path in _with_needs(["net", "fail_over", "unknown"], modules)]
    assert found == ["ring.ko", "virtio.ko", "fail-over.ko", "net.ko"]


def test_a_missing_program_is_named() -> None:
    """Not a traceback but what is missing."""
    with pytest.raises(LaboratoryError, match="no program no-such-program"):
        _run("no-such-program")


def test_a_failing_program_is_quoted() -> None:
    """What the program complained of is in the sentence."""
    with pytest.raises(LaboratoryError, match="oh dear"):
        _run("sh", "-c", "echo oh dear >&2; exit 3")


def test_without_busybox(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """The package to install is named, and nothing is made."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LaboratoryError, match="busybox-static"):
        tiny_guest(root=tmp_path)
    assert list(tmp_path.iterdir()) == []
