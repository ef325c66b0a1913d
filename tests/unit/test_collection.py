# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new module, role or file has to be entered in, is; what is written about them is true."""

from __future__ import annotations

import importlib
import pathlib
import re
import subprocess
import tarfile
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.svpc.virt.plugins.module_utils.task import arguments

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
INVENTORY = sorted(path.stem for path in (ROOT / "plugins/inventory").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
SOURCES = sorted(
    path.relative_to(ROOT).as_posix() for folder in ("plugins", "tests") for path in (ROOT / folder).rglob("*.py")
)
HEAD = [
    "# Copyright (c) 2026 SVPC authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
]
SHIPPED = {
    "CHANGELOG.rst",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}


def test_the_action_group_is_all_modules() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["action_groups"] == {"all": MODULES}
    assert runtime["requires_ansible"] == ">=2.19.0"


def test_the_readme_lists_the_modules_and_roles_that_there_are() -> None:
    listed = re.findall(r"^\| `svpc\.virt\.(\w+)`( \((?:role|inventory)\))? \|", README, re.MULTILINE)
    assert sorted(name for name, kind in listed if not kind) == MODULES
    assert sorted(name for name, kind in listed if kind == " (role)") == ROLES
    assert sorted(name for name, kind in listed if kind == " (inventory)") == INVENTORY


def test_the_readme_lists_the_connection_options_that_there_are() -> None:
    section = README.partition("## Connection")[2].partition("\n## ")[0]
    listed = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in section.splitlines() if row.startswith("| `")))
    assert sorted(listed) == sorted(arguments.CONNECTION)


def test_the_example_of_the_readme_is_accepted() -> None:
    play = yaml.safe_load(README.partition("```yaml\n")[2].partition("```")[0])[0]
    assert play["tasks"]
    for task in play["tasks"]:
        name, params = next(iter(task.items()))
        specification: dict[str, Any] = getattr(arguments, name.rpartition(".")[2].upper())
        assert ArgumentSpecValidator(specification).validate(params).error_messages == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))], ids=str)
def test_links_lead_somewhere(document: pathlib.Path | str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines()}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_commands_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", README + contributing, re.MULTILINE)
    assert {"demo", "test", "lab"} <= {word for words in named for word in words.split()} <= targets


def test_the_places_of_the_documents_exist() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:tests|docs|plugins|meta|playbooks)/[\w./-]*)`", contributing):
        assert "NAME" in path or (ROOT / path).exists(), path
    for path in re.findall(r"`((?:model|plan|platforms|task)/[\w./*-]*\.py)`", contributing):
        assert "NAME" in path or list((ROOT / "plugins/module_utils").glob(path)), path


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_names_its_licence(source: str) -> None:
    lines = (ROOT / source).read_text(encoding="utf-8").splitlines()
    assert not lines or [line for line in lines[:4] if not line.startswith("#!")][:3] == HEAD
    if source.startswith("plugins/"):
        assert "from __future__ import annotations" in lines


def test_every_module_has_its_parts() -> None:
    for name in MODULES:
        module = importlib.import_module(f"ansible_collections.svpc.virt.plugins.modules.{name}")
        assert {"DOCUMENTATION", "EXAMPLES", "RETURN", "main"} <= set(vars(module))


def test_the_artifact_holds_what_users_need_and_nothing_else(tmp_path: pathlib.Path) -> None:
    subprocess.run(
        ["ansible-galaxy", "collection", "build", "--output-path", tmp_path, ROOT], check=True, capture_output=True
    )
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    assert {name.split("/")[0] for name in names} <= SHIPPED
    assert {f"plugins/modules/{name}.py" for name in MODULES} <= set(names)
    assert [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".orig", ".rej"))] == []
