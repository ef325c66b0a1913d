# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules document is what they take, and their examples are right."""

from __future__ import annotations

import importlib
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.loader import action_loader, fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS
from ansible_collections.svpc.virt.plugins.module_utils.model.values import Kind, SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.task import arguments, desired, virtual_systems
from ansible_collections.svpc.virt.plugins.module_utils.task.documentation import options_yaml
from ansible_collections.svpc.virt.plugins.module_utils.task.results import plain
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task
from ansible_collections.svpc.virt.plugins.plugin_utils.in_process import InProcess

ROOT = pathlib.Path(__file__).parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
SPECS: dict[str, arguments.Spec] = {
    name: importlib.import_module(f"ansible_collections.svpc.virt.plugins.modules.{name}").WORK.options
    for name in MODULES
}
DECLARATIONS = {
    "rasd": desired.desired_with_resource,
    "resource_pool": desired.desired_pool,
    "snapshot": desired.desired_snapshot,
    "virtual_system": desired.desired_system,
    "virtual_system_action": desired.desired_identity,
    "virtual_systems": lambda params: virtual_systems.entries_of(Task(params)),
}


def documented(module: str) -> tuple[dict[str, Any], str]:
    """The documentation with its fragments, and the examples."""
    path = ROOT / f"plugins/modules/{module}.py"
    doc, examples, _returns, _metadata = get_docstring(
        str(path), fragment_loader, collection_name="svpc.virt", plugin_type="module"
    )
    return doc, examples


def compare(options: dict[str, Any], spec: arguments.Spec, where: str) -> Iterator[str]:
    """What the two do not agree on."""
    if set(options) != set(spec):
        yield f"{where}: {sorted(set(options) ^ set(spec))}"
    for name in set(options) & set(spec):
        option, taken = options[name], spec[name]
        for key in ("type", "elements", "choices", "default", "required", "aliases"):
            if (option.get(key) or None) != (taken.get(key) or None):
                yield f"{where}{name}: {key} is documented as {option.get(key)!r} and is {taken.get(key)!r}"
        yield from compare(option.get("suboptions", {}), taken.get("options", {}), f"{where}{name}.")


@pytest.mark.parametrize("module", SPECS)
def test_the_documented_options_are_those_that_are_taken(module: str) -> None:
    doc, _examples = documented(module)
    assert list(compare(doc["options"], {**arguments.CONNECTION, **SPECS[module]}, "")) == []


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [
        (1, 4094, ["Allowed is V(1) to V(4094)."]),
        (-1, None, ["Allowed is V(-1) or more."]),
        (None, 9, ["Allowed is at most V(9)."]),
        (None, None, []),
    ],
)
def test_the_numbers_that_there_are_are_documented(least: int | None, most: int | None, words: list[str]) -> None:
    row = SettingRow(Kind.NUMBER, "How many.", least=least, most=most)
    option = yaml.safe_load(options_yaml({"": {"some": row}}, indent=2))["some"]
    assert option["description"] == ["How many.", *words]


def test_a_setting_of_several_kinds_of_resources_means_the_same_for_all() -> None:
    rows: dict[str, set[tuple[str, int | None, int | None]]] = {}
    for kind in RESOURCE_ROWS.values():
        for name, row in kind.settings.items():
            rows.setdefault(name, set()).add((row.meaning, row.least, row.most))
    assert {name: found for name, found in rows.items() if len(found) > 1} == {}


def test_every_module_has_its_action() -> None:
    """Named like the module, so that Ansible finds and loads it before it forks its workers."""
    assert sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py")) == MODULES
    for name in MODULES:
        action = action_loader.get(f"svpc.virt.{name}", class_only=True)
        module = importlib.import_module(f"ansible_collections.svpc.virt.plugins.modules.{name}")
        assert issubclass(action, InProcess)
        assert action.work is module.WORK


def tasks(module: str) -> list[dict[str, Any]]:
    _doc, examples = documented(module)
    found = [task[f"svpc.virt.{module}"] or {} for task in yaml.safe_load(examples) if f"svpc.virt.{module}" in task]
    return [{name: value for name, value in params.items() if not is_template(value)} for params in found]


def is_template(value: Any) -> bool:
    """Whether a value is nothing but a template: what comes of it is not known here."""
    return isinstance(value, str) and value.startswith("{{") and value.endswith("}}")


@pytest.mark.parametrize("module", SPECS)
def test_the_examples_are_accepted(module: str) -> None:
    assert tasks(module)
    for params in json.loads(json.dumps(tasks(module))):  # as Ansible sends them: without YAML's aliases
        checked = ArgumentSpecValidator(SPECS[module]).validate(params)
        assert checked.error_messages == []
        if module in DECLARATIONS:
            DECLARATIONS[module](checked.validated_parameters)


def test_the_options_of_an_entry_are_those_that_are_understood() -> None:
    assert {name: tuple(option.get("aliases", ())) for name, option in arguments.RESOURCE.items()} == (
        desired.RESOURCE_OPTIONS
    )


def test_every_secret_is_kept_from_logs() -> None:
    secrets = {
        name for row in RESOURCE_ROWS.values() for name, setting in row.settings.items() if setting.kind is Kind.SECRET
    }
    options = arguments.RESOURCE["settings"]["options"]
    assert {name for name, option in options.items() if option["no_log"]} == secrets == {"password"}
    assert arguments.CONNECTION["password"]["no_log"]


def test_settings_of_the_same_name_are_of_the_same_kind_in_every_type() -> None:
    kinds: dict[str, set[Kind]] = {}
    for row in RESOURCE_ROWS.values():
        for name, setting in row.settings.items():
            kinds.setdefault(name, set()).add(setting.kind)
    assert [name for name, found in kinds.items() if len(found) > 1] == []


@pytest.mark.parametrize("module", SPECS)
def test_the_documentation_says_what_a_module_does_with_check_mode(module: str) -> None:
    doc, _examples = documented(module)
    assert doc["attributes"]["check_mode"]["support"] == "full"
    assert plain(doc["attributes"]["action_group"]["membership"]) == ["svpc.virt.all"]
    assert doc["version_added"] == "0.1.0"
