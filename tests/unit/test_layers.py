# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports follow the arrows of docs/architecture.md, drivers and Ansible stay in their layers."""

from __future__ import annotations

import ast
import functools
import pathlib
import sys
from collections.abc import Iterator

import pytest

PLUGINS = pathlib.Path(__file__).parents[2] / "plugins"
COLLECTION = "ansible_collections.svpc.virt.plugins."
UTILS = f"{COLLECTION}module_utils."
ABOVE = {
    # layer: the layers it may import from, beside itself
    "errors": set(),
    "model": {"errors"},
    "plan": {"errors", "model"},
    "platforms": {"errors", "model", "plan"},
    "task": {"errors", "model", "plan", "platforms"},
    "sent": {"kept_code", "task"},
    "kept_code": {"sent"},
    "modules": {"errors", "sent", "task"},
    "inventory": {"errors", "model", "plan", "platforms", "task"},
    "plugin_utils": {"errors", "platforms", "task"},
    "action": {"modules", "plugin_utils"},
    "filter": {"errors", "model", "task"},
    "test": {"errors", "model"},
    "doc_fragments": {"errors", "model", "task"},
}
DRIVERS = {
    "libvirt": "platforms/libvirt_host",
    "libvirt_qemu": "platforms/libvirt_host",
    "lxml": "platforms/libvirt_host",
    "pywbem": "platforms/wbem_server",
    "urllib3": "platforms/wbem_server",  # under pywbem
    "pycdlib": "task",
}
WITH_ANSIBLE = {"task", "modules", "inventory", "plugin_utils", "action", "filter", "test", "doc_fragments"}
FILES = sorted(PLUGINS.rglob("*.py"))


def layer_of(path: pathlib.Path) -> str:
    parts = path.relative_to(PLUGINS).with_suffix("").parts
    return parts[1] if parts[0] == "module_utils" else parts[0]


@functools.cache
def tree_of(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """Every module that is imported, by full name, and where; of ``from x import y`` both x and x.y."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module, node
            for alias in node.names:
                yield f"{module}.{alias.name}", node


def guarded(tree: ast.Module) -> set[ast.stmt]:
    """The statements inside ``try: … except ImportError`` and ``if TYPE_CHECKING``."""
    found: set[ast.stmt] = set()
    for node in ast.walk(tree):
        catches = isinstance(node, ast.Try) and any(
            isinstance(name, ast.Name) and name.id in ("ImportError", "ModuleNotFoundError")
            for handler in node.handlers
            for name in ast.walk(handler.type or ast.Pass())
        )
        if catches or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            assert isinstance(node, (ast.Try, ast.If))
            found |= {inner for child in node.body for inner in ast.walk(child) if isinstance(inner, ast.stmt)}
    return found


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(PLUGINS))


def test_there_is_something_to_check() -> None:
    assert {"model", "plan", "platforms", "task", "modules"} <= {layer_of(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_follow_the_arrows(path: pathlib.Path) -> None:
    layer = layer_of(path)
    wrong = set()
    for module, _node in imports(tree_of(path)):
        if module == UTILS.rstrip("."):
            continue  # what is taken from it follows by its full name
        if module.startswith("."):
            wrong.add(f"{module}: relative; the full name is needed")
        elif module.startswith("ansible_collections."):
            if not module.startswith(COLLECTION):
                wrong.add(f"{module}: not of this collection")
            elif (target := module.removeprefix(UTILS).removeprefix(COLLECTION).split(".")[0]) not in {
                *ABOVE[layer],
                layer,
            }:
                wrong.add(f"{module}: {layer} must not use {target}")
        elif module.split(".")[0] in ("plugins", "svpc", "module_utils"):
            wrong.add(f"{module}: the full name is needed")
    assert wrong == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_platform_does_not_use_another_one(path: pathlib.Path) -> None:
    parts = path.relative_to(PLUGINS).parts
    own = parts[2] if parts[:2] == ("module_utils", "platforms") and len(parts) > 3 else None
    shared = {"interface", "connect", "fake", "fake_capabilities", "fake_refusals", "together"}
    for module, _node in imports(tree_of(path)):
        rest = module.removeprefix(UTILS + "platforms.")
        if rest != module and name_of(path) != "module_utils/platforms/connect.py":
            assert rest.split(".")[0] in {*shared, own}, module


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_other_packages_are_imported_where_they_belong(path: pathlib.Path) -> None:
    tree = tree_of(path)
    safe = guarded(tree)
    for module, node in imports(tree):
        package = module.split(".")[0]
        if package in ("ansible_collections", "__future__") or package in sys.stdlib_module_names or not package:
            continue
        if package in ("ansible", "yaml"):
            assert layer_of(path) in WITH_ANSIBLE, module
            continue
        assert package in DRIVERS, f"{module} is not among the packages of this collection"
        assert DRIVERS[package] in name_of(path), f"{module} belongs to {DRIVERS[package]}"
        assert node in safe, f"line {node.lineno}: {module} is imported without try/except ImportError"


@functools.cache
def names_in(path: pathlib.Path) -> set[str]:
    """Every name and attribute that code uses; documentation and comments do not count."""
    tree = tree_of(path)
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def users_of(*words: str) -> set[str]:
    return {name_of(path) for path in FILES if names_in(path) & set(words)}


def test_ansible_s_check_mode_is_read_in_one_place() -> None:
    assert users_of("check_mode") == {"module_utils/task/module.py"}


def test_one_place_decides_by_check_mode() -> None:
    """``Task.check`` is set by whoever runs a task, and looked at where plans are carried out."""
    asking = set()
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and node.attr == "check" and "task" in ast.unparse(node.value):
                asking.add(name_of(path))
    assert asking == {"module_utils/task/run.py"}


def test_only_task_reports_to_ansible() -> None:
    assert {name.split("/")[1] for name in users_of("exit_json", "fail_json")} == {"task"}


def test_nothing_is_imported_by_a_name_that_is_made_up_at_run_time() -> None:
    """What is not written out is not sent to the machine that a module runs on."""
    assert users_of("import_module") == set()
    # Whether a driver is there at all is asked before the platform that needs it is imported.
    assert users_of("__import__") <= {"module_utils/platforms/connect.py"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_function_is_typed_and_every_file_says_its_licence(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "# GNU General Public License v3.0+" in text[:400] or "GPL-3.0-or-later" in text[:400]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            untyped = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
            assert untyped == [], f"line {node.lineno}: {node.name}"
            assert node.returns is not None, f"line {node.lineno}: {node.name}"
