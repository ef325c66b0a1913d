# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task returns the same in the controller's process and as a module with a process of its own, down to the last key.

On libvirt's test driver, whose host is made anew for every connection.
"""

from __future__ import annotations

import datetime
import enum
import json
from typing import Any, NamedTuple

import pytest
from ansible.module_utils._internal import _messages
from ansible.utils.display import Display
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.task.module import Module, Work
from ansible_collections.svpc.virt.plugins.plugin_utils import in_process
from tests.tools.tasks import run_task

URI = "test:///default"
UUID = "6a2f1d1e-6f5a-4d7c-9a55-0f6f2f0a7b11"
SECRET = "open sesame"
NEW = {"name": "new", "uuid": UUID, "settings": {"virtual_system_type": "test"}}
CONSOLE = {
    "resource_type": "graphics_controller",
    "resource_sub_type": "vnc",
    "settings": {"password": SECRET},
}

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # name: (module, arguments, keywords of the task)
    "read systems": ("virtual_system_info", {"addresses": True}, {}),
    "read pools": ("resource_pool_info", {}, {}),
    "read the host": ("host_info", {}, {}),
    "read dependencies": (
        "resource_dependency_info",
        {"resource": ["test"], "host_facts": {"mounts": [{"mount": "/", "device": "/dev/sda1"}]}},
        {},
    ),
    "read snapshots": ("snapshot_info", {"virtual_system": "test"}, {}),
    "several systems, one of them in vain": (
        "virtual_systems",
        {
            "virtual_systems": [
                NEW,
                {"name": "test", "state": "paused"},
                {"name": "x", "resources": [{"type": "memory", "quantity": "1 PiB"}]},
            ]
        },
        {"diff": True},
    ),
    "nothing to do": ("virtual_system", {"name": "test", "state": "active"}, {"diff": True}),
    "define": ("virtual_system", NEW, {"diff": True}),
    "define in check mode": ("virtual_system", NEW, {"check_mode": True, "diff": True}),
    "remove": ("virtual_system", {"name": "test", "state": "absent", "force_off": True}, {"diff": True}),
    "act": ("virtual_system_action", {"name": "test", "action": "reset"}, {}),
    "a resource": ("rasd", {"virtual_system": "test", "resource_type": "memory", "virtual_quantity": "4 GiB"}, {}),
    "a snapshot": ("snapshot", {"virtual_system": "test", "name": "one"}, {"check_mode": True}),
    "a pool": ("resource_pool", {"pool_id": "default", "resource_type": "ethernet_adapter", "state": "inactive"}, {}),
    "a secret": ("virtual_system", {**NEW, "resources": [CONSOLE], "password": "swordfish"}, {"diff": True}),
    "a secret in a failure": (
        "virtual_system",
        {"name": "new", "reference": "swordfish", "password": "swordfish"},
        {},
    ),
    "a secret in a warning": (
        "virtual_system",
        {
            "name": "test",
            "resources": [{"resource_type": "disk_drive", "name": "data", "pool_id": "swordfish"}],
            "password": "swordfish",
        },
        {"check_mode": True},
    ),
    "both names of an option": ("resource_pool_info", {"type": ["disk_drive"], "resource_type": ["disk_drive"]}, {}),
    "not found": ("rasd", {"virtual_system": "nosuch", "resource_type": "memory"}, {}),
    "unknown option": ("snapshot", {"virtual_system": "test", "name": "one", "nane": "two"}, {}),
    "missing option": ("virtual_system_action", {"name": "test"}, {}),
    "unknown unit": ("rasd", {"virtual_system": "test", "type": "memory", "quantity": "1 GiX"}, {}),
    "null": ("virtual_system", {"name": "test", "uuid": None, "settings": {"firmware": None}}, {}),
    "no host": ("host_info", {"uri": "qemu+unix:///system?socket=/nosuch"}, {}),
    "no URI": ("host_info", {"uri": "nonsense"}, {}),
    "hidden": ("virtual_system", NEW, {"no_log": True}),
    "a file beside the play": ("host_info", {"uri": "qemu+tls://localhost:1/system", "ca_cert": "nosuch.pem"}, {}),
    "not of the type": ("virtual_system", {"name": "test", "wait_timeout": "soon"}, {}),
}


def returned(module: str, arguments: dict[str, Any], keywords: dict[str, Any], here: bool) -> dict[str, Any]:
    return run_task(f"svpc.virt.{module}", {"uri": URI, **arguments}, keywords, {in_process.SWITCH: here})


@pytest.mark.parametrize(("module", "arguments", "keywords"), CASES.values(), ids=CASES)
def test_the_same_is_returned(
    module: str, arguments: dict[str, Any], keywords: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Display, "vvv", lambda _display, text, host=None: told.append(text))
    here = returned(module, arguments, keywords, here=True)
    assert [text for text in told if "is sent as a module" in text or "runs in the process" in text] == [
        f"svpc.virt.{module} runs in the process of the controller"
    ]
    there = returned(module, arguments, keywords, here=False)
    assert f"svpc.virt.{module} is sent as a module: {in_process.SWITCH} is false" in told
    assert here == there
    assert list(here) == list(there)
    assert SECRET not in str(here)
    # With an error Ansible itself quotes the task as it stands in the play.
    assert "swordfish" not in str({**here, "exception": None})


class Word(enum.StrEnum):
    ONE = "one"


class Number(enum.IntEnum):
    ONE = 1


class Pair(NamedTuple):
    left: int
    right: str


MOMENT = datetime.datetime(2026, 11, 21, 12, 0, 7)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary().map(lambda found: found.decode("utf-8", "surrogateescape")),
    st.sampled_from([Word.ONE, Number.ONE, MOMENT, MOMENT.date(), b"bytes", Pair(1, "right"), frozenset({1}), {"one"}]),
    st.sampled_from([_messages.WarningSummary(event=_messages.Event(msg="beware"))]),
)
KEYS = st.one_of(st.text(), st.integers(), st.none(), st.booleans(), st.floats(allow_nan=False), st.just(Word.ONE))
RESULTS = st.dictionaries(
    st.text(),
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(KEYS, inner), st.tuples(inner, inner)
        ),
    ),
)


@given(RESULTS)
def test_what_is_written_of_a_result_says_what_a_module_would_print(result: dict[str, Any]) -> None:
    ours, printed = in_process._WRITER.encode(result), json.dumps(result, cls=in_process._RESULT)
    # Keys that become the same text are written twice; the last one counts, in the place of the first.
    assert json.dumps(json.loads(ours)) == json.dumps(json.loads(printed))


@pytest.mark.parametrize("secret", [None, "swordfish"])
def test_a_result_is_copied_only_to_take_secrets_out(secret: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    systems = [{"name": "swordfish"}]
    work = Work(lambda _task: {"changed": False, "virtual_systems": systems, "secret": b"swordfish"}, {})
    monkeypatch.setattr(in_process._Call, "print", lambda _call, result: told.append(result))
    in_process._Call(work, json.dumps({"ANSIBLE_MODULE_ARGS": {"password": secret}}), None).run(lambda _text: None)
    (result,) = told
    assert list(result)[:3] == ["changed", "virtual_systems", "secret"]
    assert (result["virtual_systems"] is systems) == (secret is None)
    assert ("swordfish" in str(result)) == (secret is None)


def test_what_ansible_takes_out_of_a_result_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    record = Module._record_module_result

    def without_invocation(module: Module, result: dict[str, Any]) -> None:
        record(module, {name: value for name, value in result.items() if name != "invocation"})

    monkeypatch.setattr(Module, "_record_module_result", without_invocation)
    monkeypatch.setattr(in_process._Call, "print", lambda _call, result: told.append(result))
    work = Work(lambda _task: {"changed": False, "virtual_systems": []}, {})
    in_process._Call(work, json.dumps({"ANSIBLE_MODULE_ARGS": {}}), None).run(lambda _text: None)
    assert told == [{"changed": False, "virtual_systems": []}]
