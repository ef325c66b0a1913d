# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker had to load is there for the workers after it, and nothing is loaded that none needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from tests.tools.playbooks import read_records, start_playbook
from tests.wbem import WbemServer

LOOKUP = f"""
import sys
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return ["{connect.WBEM_SERVER}" in sys.modules]
"""
"""Tells of the process in which it is called: for the arguments of a task that is the worker of this task."""
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {name: before, ansible.builtin.debug: {msg: "{{ lookup('loaded') }}"}}
    - svpc.virt.host_info: {uri: "{{ uri_a }}"}
    - {name: after, ansible.builtin.debug: {msg: "{{ lookup('loaded') }}"}}
"""


@pytest.fixture
def server() -> Iterator[str]:
    with WbemServer(FakeHost()) as server:
        yield server.url


def found_in_workers(uri: str, folder: Path) -> list[bool]:
    """Whether what WBEM servers need is loaded before and after a task at ``uri``."""
    lookups, play, records = folder / "lookups", folder / "play.yml", folder / "records"
    lookups.mkdir()
    (lookups / "loaded.py").write_text(LOOKUP, encoding="utf-8")
    play.write_text(PLAY, encoding="utf-8")
    extra = {"ANSIBLE_LOOKUP_PLUGINS": str(lookups), "SVPC_RECORDS": str(records)}
    with (folder / "output").open("w", encoding="utf-8") as output:
        assert start_playbook(play, {"uri_a": uri}, [], output, extra).wait(120) == 0, output.name
    return [record.result["msg"] for record in read_records(records) if record.task in ("before", "after")]


def test_what_a_wbem_server_needs_is_loaded_by_the_first_task_for_all_that_follow(server: str, tmp_path: Path) -> None:
    assert found_in_workers(server, tmp_path) == [False, True]


def test_who_has_no_wbem_server_does_not_wait_for_it(tmp_path: Path) -> None:
    assert found_in_workers("test:///default", tmp_path) == [False, False]


def test_all_of_it_is_loaded_at_once() -> None:
    """Nothing of the platform for WBEM servers is left for workers to load."""
    folder = Path(connect.__file__).parent / "wbem_server"
    program = (
        f"from {connect.__name__} import preload_wbem; import sys; preload_wbem(); "
        "print(*(name.split('.')[-1] for name in sys.modules if '.wbem_server.' in name))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ran.stdout.split()) == {path.stem for path in folder.glob("*.py")}
