# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module that was sent imports: compiled once, kept for later tasks, and never anything else than what was sent."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.svpc.virt.plugins.module_utils import kept_code, sent

PLUGINS = Path(sent.__file__).resolve().parents[1]
PACKAGE = "ansible_collections/svpc/virt/plugins/module_utils"
MODULES = sorted((PLUGINS / "modules").glob("*.py"))
PROGRAM = """
import builtins, json, sys, traceback
compiled, compile = [], builtins.compile
def counted(source, filename, *rest, **more):
    compiled.append(str(filename))
    return compile(source, filename, *rest, **more)
builtins.compile = counted
sys.path.insert(0, sys.argv[1])
from ansible_collections.svpc.virt.plugins.module_utils import sent
from ansible_collections.svpc.virt.plugins.module_utils.part import told
try:
    told.fail()
except ValueError:
    trace = traceback.format_exc()
print(json.dumps({"value": told.VALUE, "file": told.__file__, "trace": trace,
                  "times": sum(name.endswith("part/told.py") for name in compiled)}))
"""
CODE = ("sent", "kept_code")
TOLD = "VALUE = {value}\n\n\ndef fail():\n    raise ValueError(VALUE)  # a line to be shown\n"


@dataclass
class Machine:
    """A host with a user's folder for what may be deleted, to which modules are sent."""

    archive: Path
    base: Path

    @property
    def folder(self) -> Path:
        return self.base / "svpc-virt" / "code"

    @property
    def kept(self) -> list[Path]:
        return sorted(self.folder.iterdir()) if self.folder.exists() else []

    def send(self, value: int, **more: str) -> None:
        """Make the archive as Ansible does, of the same time whatever stands in it."""
        files = {f"{folder}/__init__.py": "" for folder in map(str, [*Path(PACKAGE).parents][:-1])}
        files |= {f"{PACKAGE}/{name}.py": (PLUGINS / f"module_utils/{name}.py").read_text() for name in CODE}
        files |= {f"{PACKAGE}/__init__.py": "", f"{PACKAGE}/part/__init__.py": ""}
        files |= {f"{PACKAGE}/part/told.py": TOLD.format(value=value)} | more
        with zipfile.ZipFile(self.archive, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.archive)],
            env={**kept, "XDG_CACHE_HOME": str(self.base), **environment},
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, **environment: str) -> dict[str, object]:
        """What a task returns."""
        process = self.start(**environment)
        output, _none = process.communicate()
        assert process.returncode == 0
        told: dict[str, object] = json.loads(output)
        return told


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    base = tmp_path / "cache"
    base.mkdir(0o700)
    machine = Machine(tmp_path / "sent.zip", base)
    machine.send(1)
    return machine


def test_what_was_compiled_once_is_not_compiled_again(machine):
    first, second = machine.run(), machine.run()
    assert (first["value"], second["value"]) == (1, 1)
    assert first["times"] >= 1
    assert second["times"] == 0
    assert len(machine.kept) == 1


def test_nobody_else_can_write_what_is_kept(machine):
    machine.run()
    modes = [path.stat().st_mode & 0o777 for path in (machine.folder.parent, machine.folder, *machine.kept)]
    assert modes == [0o700, 0o700, 0o600]


def test_other_sources_are_never_served_from_what_was_kept(machine):
    machine.run()
    for value in (2, 3, 1):  # of the same size and time
        machine.send(value)
        assert machine.run()["value"] == value
    assert len(machine.kept) == 3
    assert machine.run()["times"] == 0


def test_other_options_of_python_have_code_of_their_own(machine):
    machine.run()
    machine.run(PYTHONOPTIMIZE="2")
    assert len(machine.kept) == 2


@pytest.mark.parametrize("which", ["", "svpc-virt", "svpc-virt/code"])
def test_a_folder_that_others_can_write_is_not_used(machine, which):
    machine.run()
    (kept,) = machine.kept
    before = kept.stat().st_mtime_ns
    machine.base.joinpath(which).chmod(0o770)
    assert machine.run()["times"] == 1
    machine.send(2)
    assert machine.run()["value"] == 2
    assert machine.kept == [kept]
    assert kept.stat().st_mtime_ns == before


def test_a_file_that_others_can_write_is_replaced(machine):
    machine.run()
    (kept,) = machine.kept
    kept.chmod(0o620)
    assert machine.run()["times"] >= 1
    assert kept.stat().st_mode & 0o777 == 0o600
    assert machine.run()["times"] == 0


def test_what_belongs_to_another_user_is_neither_used_nor_added_to(machine, monkeypatch):
    """As with sudo, which may leave the user's HOME to root."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.base / "new"))
    assert kept_code._made_folder() == str(machine.base / "new/svpc-virt/code")
    monkeypatch.setattr(os, "geteuid", lambda: machine.base.stat().st_uid + 1)
    assert kept_code._made_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.base / "another"))
    assert kept_code._made_folder() is None
    assert not (machine.base / "another").exists()


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize("damaged", [_cut, _flipped, lambda content: b""])
def test_a_damaged_file_does_no_harm(machine, damaged):
    machine.run()
    (kept,) = machine.kept
    kept.write_bytes(damaged(kept.read_bytes()))
    assert machine.run()["value"] == 1
    assert machine.kept == [kept]
    assert machine.run()["times"] == 0


def test_what_belongs_to_other_sources_is_not_taken_under_another_name(machine):
    machine.run()
    (first,) = machine.kept
    machine.send(2)
    machine.run()
    (second,) = [path for path in machine.kept if path != first]
    second.write_bytes(first.read_bytes())
    assert machine.run()["value"] == 2


@pytest.mark.parametrize("base", ["nosuch/cache", "file", "relative"])
def test_where_nothing_can_be_kept_a_task_compiles_once_and_works(machine, base):
    (machine.base / "file").write_text("")
    place = base if base == "relative" else str(machine.base / base)
    told = machine.run(XDG_CACHE_HOME=place)
    assert (told["value"], told["times"]) == (1, 1)


def test_nothing_is_kept_where_python_is_told_to_write_nothing(machine):
    told = machine.run(PYTHONDONTWRITEBYTECODE="1")
    assert (told["value"], told["times"]) == (1, 1)
    assert list(machine.base.iterdir()) == []


def test_what_nobody_uses_any_longer_is_removed(machine):
    machine.run()
    (first,) = machine.kept
    draft = machine.folder / "draft"
    draft.write_text("")
    long_ago = time.time() - kept_code.UNUSED_FOR - 60
    os.utime(draft, (long_ago, long_ago))
    machine.send(2)
    machine.run()
    assert first in machine.kept
    assert draft not in machine.kept
    os.utime(first, (long_ago, long_ago))
    machine.send(3)
    machine.run()
    assert first not in machine.kept
    assert len(machine.kept) == 2


def test_tasks_at_the_same_time_do_not_disturb_each_other(machine):
    running = [machine.start() for _number in range(6)]
    told = [json.loads(process.communicate()[0]) for process in running]
    assert [one["value"] for one in told] == [1] * 6
    assert len(machine.kept) == 1
    assert machine.run()["times"] == 0


def test_a_source_that_cannot_be_compiled_harms_only_who_imports_it(machine):
    machine.send(1, **{f"{PACKAGE}/broken.py": "def\n"})
    assert machine.run()["value"] == 1
    assert machine.run()["times"] == 0


def test_a_traceback_shows_the_sources(machine):
    for _number in range(2):
        told = machine.run()
        assert told["file"] == f"{machine.archive}/{PACKAGE}/part/told.py"
        assert f'File "{PACKAGE}/part/told.py", line 5' in told["trace"]
        assert "# a line to be shown" in told["trace"]


def test_nothing_of_it_touches_the_process_of_the_controller():
    assert not any(isinstance(finder, sent.Finder) for finder in sys.meta_path)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_prepares_its_imports_before_it_makes_them(path):
    imported = [node.module for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
    own = [name for name in imported if name and name.startswith("ansible")]
    assert own[0] == sent.__name__
