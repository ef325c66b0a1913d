# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a host's name, folder, sockets and state, none of which needs a host."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest

from tests.laboratory import Host, Laboratory, LaboratoryError
from tests.laboratory import hosts as hosts_module
from tests.laboratory.hosts import (
    SOCKET_PATH_LIMIT,
    State,
    check_name,
    control_group,
    default_root,
    fits_socket,
    furnish,
    log_end,
    read_state,
    replace,
    socket_folder,
    write_state,
)
from tests.laboratory.processes import Process


def this_process() -> Process:
    """The process of the test, which surely lives."""
    process = Process.of(os.getpid())
    assert process is not None
    return process


def state(folder: pathlib.Path, **changes: Process | None) -> State:
    """The state of a host whose processes all live."""
    alive = this_process()
    return replace(State(holder=alive, init=alive, daemon=alive, owner=None, sockets=folder / "run"), **changes)


@pytest.mark.parametrize("name", ["a", "host-1", "1", "a" * 32])
def test_host_names(name: str) -> None:
    """What the kernel and libvirt take for a host name."""
    check_name(name)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a/b", "..", ".locks", "a" * 33, "a\n"])
def test_what_is_no_host_name(name: str) -> None:
    """Least of all a path that leads out of the root."""
    with pytest.raises(LaboratoryError, match="no host name"):
        check_name(name)


def test_socket_paths_are_counted_in_bytes() -> None:
    """The kernel counts bytes, and an accented letter has two."""
    assert fits_socket(pathlib.Path("x" * SOCKET_PATH_LIMIT))
    assert not fits_socket(pathlib.Path("x" * (SOCKET_PATH_LIMIT + 1)))
    assert not fits_socket(pathlib.Path("é" * SOCKET_PATH_LIMIT))


def test_sockets_lie_in_the_folder_if_they_can() -> None:
    """A folder with a short path holds its sockets itself."""
    assert socket_folder(pathlib.Path("/tmp/lab/a")) == pathlib.Path("/tmp/lab/a/run")


def test_sockets_of_a_deep_folder_lie_elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deep folder has a private short one for its sockets, and a link to it."""
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = tmp_path / ("deep" * 30) / "a"
    sockets = furnish(folder, "a")
    try:
        assert fits_socket(sockets / "libvirt-admin-sock")
        assert stat.S_IMODE(sockets.parent.stat().st_mode) == 0o700
        assert (folder / "run").resolve() == sockets.resolve()
    finally:
        sockets.rmdir()
        sockets.parent.rmdir()


def test_uri_of_a_strange_path() -> None:
    """A path with signs that mean something in an address is written so that they do not."""
    folder = pathlib.Path("/tmp/my lab&co/a")
    host = Host("a", folder, folder / "images", folder / "run")
    assert host.uri == "qemu+unix:///system?socket=/tmp/my%20lab%26co/a/run/libvirt-sock"


def test_state_survives_its_file(tmp_path: pathlib.Path) -> None:
    """What was written down is read back; nothing written down is None."""
    assert read_state(tmp_path) is None
    kept = state(tmp_path, owner=this_process(), daemon=None)
    write_state(tmp_path, kept)
    assert read_state(tmp_path) == kept


def test_what_makes_a_host_stale(tmp_path: pathlib.Path) -> None:
    """A death makes it stale; a daemon stopped on purpose does not."""
    dead = Process(os.getpid(), 1, "another boot")
    assert not state(tmp_path).stale
    assert not state(tmp_path, daemon=None).stale
    assert not state(tmp_path, owner=this_process()).stale
    assert state(tmp_path, init=None).stale
    for part in ("holder", "init", "daemon", "owner"):
        assert state(tmp_path, **{part: dead}).stale


def test_control_groups_differ_by_folder() -> None:
    """Hosts of one name below two roots do not share a group."""
    assert control_group(pathlib.Path("/x/a")) != control_group(pathlib.Path("/y/a"))
    assert control_group(pathlib.Path("/x/a")).startswith("svpc-lab-a-")


def test_the_root_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """SVPC_LAB names the root; without it the project holds it."""
    monkeypatch.setenv("SVPC_LAB", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("SVPC_LAB")
    assert default_root() == pathlib.Path(__file__).resolve().parents[3] / ".cache/lab"


def test_users_are_told_what_they_need(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Who is not root learns so before anything is made."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LaboratoryError, match=r"needs root.*qemu:///session"):
        Laboratory(tmp_path / "lab").start("a")
    assert not (tmp_path / "lab").exists()


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """A machine without libvirt is told what to install."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(hosts_module, "PROGRAMS", ("no-such-program",))
    with pytest.raises(LaboratoryError, match=r"misses no-such-program.*packages\.txt"):
        Laboratory(tmp_path).start("a")


def test_a_folder_of_somebody_else_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """A folder that the laboratory did not make is not deleted."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    mine = tmp_path / "a/letter"
    mine.parent.mkdir()
    mine.touch()
    with pytest.raises(LaboratoryError, match="in the way"):
        Laboratory(tmp_path).stop("a")
    assert mine.exists()
    assert Laboratory(tmp_path).hosts() == []


def test_a_half_made_host_is_cleaned(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """A start that died before it wrote anything down leaves a folder, which clean removes."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    furnish(tmp_path / "a", "a")
    assert [host.name for host in Laboratory(tmp_path).hosts()] == ["a"]
    assert Laboratory(tmp_path).clean() == ["a"]
    assert not (tmp_path / "a").exists()


def test_a_host_that_is_stopped_meanwhile_is_no_left_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """Others stop their hosts while clean looks around, here right after it has listed them."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    laboratory = Laboratory(tmp_path)
    furnish(tmp_path / "a", "a")
    found = laboratory.hosts()
    laboratory.stop("a")
    monkeypatch.setattr(laboratory, "hosts", lambda: found)
    assert laboratory.clean() == []


def test_a_daemon_that_is_being_stopped_makes_nothing_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """Others clean up meanwhile: that it is stopped on purpose is written down before it is."""
    seen: list[bool] = []

    def end(_process: Process, *_how: object) -> bool:
        kept = read_state(tmp_path)
        seen.append(kept is not None and kept.daemon is None)
        return True

    monkeypatch.setattr(Process, "end", end)
    write_state(tmp_path, state(tmp_path, daemon=this_process()))
    Host("a", tmp_path, tmp_path / "images", tmp_path / "run").stop_daemon()
    assert seen == [True]


def test_what_another_host_is_about_to_keep_is_left_out(tmp_path: pathlib.Path) -> None:
    """It has another name before long: who copies it may find it gone."""
    known, folder = tmp_path / ".capabilities", tmp_path / "a"
    known.mkdir()
    (known / "whole.xml").touch()
    (known / ".part.xml.b").symlink_to("gone")
    Laboratory(tmp_path)._seed_capabilities(folder)
    assert os.listdir(folder / "cache" / hosts_module.CAPABILITIES) == ["whole.xml"]


def test_log_end(tmp_path: pathlib.Path) -> None:
    """The last lines with the log's name, or that there is none."""
    log = tmp_path / "x.log"
    assert "no log" in log_end(log)
    log.write_text("one\ntwo\nthree\n")
    assert log_end(log, 2) == f"End of {log}:\ntwo\nthree"
