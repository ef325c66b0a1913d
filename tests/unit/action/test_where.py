# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks run in the controller's process, and which are sent."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible import constants as C
from ansible.plugins.action.normal import ActionModule as SentModule

from ansible_collections.svpc.virt.plugins.module_utils.errors import LibraryMissing
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.plugin_utils import in_process
from tests.tools.tasks import run_task

ME = getpass.getuser()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where the host in memory was opened; nothing is ever sent."""
    found: list[Any] = []

    def open_fake(_uri: str, options: Any, _progress: Any) -> FakeHost:
        found.append(options)
        return FakeHost()

    def send(action: SentModule, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        return {"sent": True}

    monkeypatch.setitem(connect._OPENERS, "fake", open_fake)
    monkeypatch.setattr(SentModule, "run", send)
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What -vvv shows."""
    found: list[str] = []
    monkeypatch.setattr(in_process.Display, "vvv", lambda _display, text, host=None: found.append(text))
    return found


def is_sent(**how: Any) -> bool:
    result = run_task("svpc.virt.host_info", {"uri": "fake:host"}, **how)
    assert result.get("sent") or "host" in result, result
    return "sent" in result


HERE: dict[str, dict[str, Any]] = {
    "a local connection": {},
    "delegated": {
        "keywords": {"delegate_to": "localhost"},
        "play": {"connection": "ssh"},
    },
    "becomes who it is already": {"keywords": {"become": True, "become_method": "sudo", "become_user": ME}},
    "an empty environment": {"keywords": {"environment": {}}},
    "any Python": {"variables": {"ansible_python_interpreter": "auto_silent"}},
    "the same Python by another name": {
        "variables": {"ansible_python_interpreter": os.path.join(os.path.dirname(sys.executable), ".", "python")}
    },
    "check mode": {"keywords": {"check_mode": True}},
    "a time-out": {"keywords": {"timeout": 60}},
}


@pytest.mark.parametrize("how", HERE.values(), ids=HERE)
def test_in_the_process_of_the_controller(opened: list[Any], how: dict[str, Any]) -> None:
    assert not is_sent(**how)
    assert len(opened) == 1


SENT: dict[str, tuple[dict[str, Any], str]] = {
    "another machine": ({"play": {"connection": "ssh"}}, "the connection is ssh"),
    "becomes another user": (
        {"keywords": {"become": True, "become_method": "sudo", "become_user": "nobody"}},
        "it becomes another user",
    ),
    "asynchronous": ({"keywords": {"async": 10, "poll": 0}}, "it is asynchronous"),
    "an environment": (
        {"keywords": {"environment": {"LIBVIRT_AUTH_FILE": "/x"}}},
        "it has an environment of its own",
    ),
    "an environment of the play": ({"play": {"environment": [{"A": "b"}]}}, "it has an environment of its own"),
    "another Python": ({"variables": {"ansible_python_interpreter": "/nosuch/python3"}}, "its Python is /nosuch/"),
    "another Python of the host it is delegated to": (
        {
            "keywords": {"delegate_to": "other"},
            "others": {"other": {"ansible_connection": "local", "ansible_python_interpreter": "/nosuch/python3"}},
        },
        "its Python is /nosuch/",
    ),
    "turned off": ({"variables": {"svpc_virt_in_process": False}}, "svpc_virt_in_process is false"),
    "turned off by a word": ({"variables": {"svpc_virt_in_process": "no"}}, "svpc_virt_in_process is false"),
}


@pytest.mark.parametrize(("how", "reason"), SENT.values(), ids=SENT)
def test_sent(opened: list[Any], told: list[str], how: dict[str, Any], reason: str) -> None:
    assert is_sent(**how)
    assert opened == []
    assert [text for text in told if text.startswith(f"svpc.virt.host_info is sent as a module: {reason}")]


def test_modules_that_are_to_be_kept_are_sent(
    opened: list[Any], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_KEEP_REMOTE_FILES", "1")
    assert is_sent()
    assert "what is sent is to be kept" in told[-1]


def test_a_user_becomes_himself_where_ansible_is_told_to(opened: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_BECOME_ALLOW_SAME_USER", "1")
    monkeypatch.setattr(C, "BECOME_ALLOW_SAME_USER", True)
    assert is_sent(keywords={"become": True, "become_method": "sudo", "become_user": ME})


def test_where_this_python_lacks_the_library_another_may_have_it(
    opened: list[Any], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(_uri: str, _options: Any, _progress: Any) -> FakeHost:
        raise LibraryMissing("The Python library libvirt-python is needed")

    monkeypatch.setitem(connect._OPENERS, "fake", lacking)
    assert is_sent()
    assert told[-1] == "svpc.virt.host_info is sent as a module: The Python library libvirt-python is needed"


def test_paths_are_those_of_the_play_and_the_folder_is_put_back(
    opened: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    seen: list[str] = []

    def look(uri: str, options: Any, progress: Any) -> FakeHost:
        seen.append(os.getcwd())
        return FakeHost()

    monkeypatch.setitem(connect._OPENERS, "fake", look)
    assert not is_sent(folder=tmp_path)
    assert seen == [str(tmp_path)]
    assert os.getcwd() == str(tmp_path / "elsewhere")


def test_what_a_library_prints_disturbs_nobody(
    opened: list[Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loud(uri: str, options: Any, progress: Any) -> FakeHost:
        print("noise")
        print("noise", file=sys.stderr)
        return FakeHost()

    monkeypatch.setitem(connect._OPENERS, "fake", loud)
    assert not is_sent()
    captured = capsys.readouterr()
    assert "noise" not in captured.out + captured.err
