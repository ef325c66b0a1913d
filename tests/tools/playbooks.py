# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks as a user does, and reads what their tasks returned."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
CALLBACKS = Path(__file__).with_name("callbacks")
NOT_INHERITED = ("ANSIBLE_", "SVPC_", "LIBVIRT_DEFAULT_URI", "PYTHONPATH")


@dataclass(frozen=True)
class Record:
    """What one task, or one item of its loop, returned.

    status: ok, changed, skipped or failed. ignored: the play goes on although it failed. action: the module.
    check: in check mode.
    """

    task: str
    path: str
    status: str
    ignored: bool
    item: Any
    result: Mapping[str, Any]
    action: str = ""
    check: bool = False

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The operations a module of this collection reported."""
        return list(self.result.get("changes") or [])


@dataclass(frozen=True)
class Run:
    """A finished run: ansible's exit code, its output, and the records of its tasks."""

    code: int
    output: str
    records: tuple[Record, ...]

    @property
    def failure(self) -> Record | None:
        """The failure that ended the play; the item of a loop rather than the loop."""
        failed = [record for record in self.records if record.status == "failed" and not record.ignored]
        items = [record for record in failed if not record.result.get("loop")]
        return next(iter(items or failed), None)

    @property
    def changed(self) -> list[Record]:
        """What changed, without the sums of loops."""
        return [record for record in self.records if record.status == "changed" and not record.result.get("loop")]

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The operations of all tasks, in order."""
        return [change for record in self.changed for change in record.changes]

    def explain(self, lines: int = 40) -> str:
        """Why the run failed: the failing task with what it returned, or the end of the output."""
        record = self.failure
        if record is None:
            return "\n".join(self.output.splitlines()[-lines:])
        item = "" if record.item is None else f" ({record.item})"
        shown = {key: value for key, value in record.result.items() if key not in ("invocation", "item", "exception")}
        return "\n".join(
            [record.task + item, record.path, json.dumps(without_blanks(shown), indent=2, ensure_ascii=False)]
        )


def without_blanks(value: Any) -> Any:
    """A result for reading: without what has no value, and with texts of JSON as what they say."""
    if isinstance(value, Mapping):
        read = {key: without_blanks(item) for key, item in value.items()}
        return {key: item for key, item in read.items() if item not in (None, {})}
    if isinstance(value, list):
        return [without_blanks(item) for item in value]
    if isinstance(value, str) and value.startswith(("{", "[")):
        with contextlib.suppress(ValueError):
            return without_blanks(json.loads(value))
    return value


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for ansible in this checkout: nothing of the caller's settings for ansible or this collection."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(NOT_INHERITED)}
    return {
        **kept,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_HOME": str(PROJECT / ".cache/ansible"),
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_INJECT_FACT_VARS": "false",  # with them, options from a variable come with a warning
        "LC_ALL": "C.UTF-8",
        "XDG_CACHE_HOME": str(PROJECT / ".cache"),
        **(extra or {}),
    }


def start_playbook(
    playbook: Path,
    variables: Mapping[str, Any],
    arguments: Sequence[str],
    output: Any,
    extra: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start ansible-playbook, its output going to a file."""
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), str(playbook), *arguments, "--extra-vars", json.dumps(dict(variables))]
    return subprocess.Popen(
        command, stdout=output, stderr=subprocess.STDOUT, text=True, cwd=PROJECT, env=environment(extra)
    )


def run_playbook(
    playbook: Path,
    variables: Mapping[str, Any],
    *arguments: str,
    log: Path | None = None,
    timeout: float = 300.0,
    packed: Path | None = None,
) -> Run:
    """Run a playbook to its end.

    variables: extra variables. arguments: for ansible-playbook. log: a file to append the output to.
    timeout: seconds, after which the run is ended and its code is 124. packed: a folder where runs with the same sources
    share the modules that Ansible packs for sending.
    """
    with tempfile.TemporaryDirectory(prefix="svpc-run-") as name:
        records, output = Path(name, "records"), Path(name, "output")
        with output.open("w", encoding="utf-8") as file:
            told = {"SVPC_RECORDS": str(records), "SVPC_PACKED": "" if packed is None else str(packed)}
            running = start_playbook(playbook, variables, arguments, file, told)
            try:
                code = running.wait(timeout)
            except subprocess.TimeoutExpired:
                code = 124
            finally:
                if running.poll() is None:
                    running.kill()
                    running.wait()
        run = Run(code, output.read_text(encoding="utf-8", errors="replace"), tuple(read_records(records)))
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"\n$ ansible-playbook {playbook} {' '.join(arguments)}\n{run.output}\n")
    return run


def read_records(path: Path) -> Iterator[Record]:
    """The records a run has written so far."""
    if path.exists():
        with path.open(encoding="utf-8") as file:
            yield from (Record(**json.loads(line)) for line in file)
