# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides are true: their files are written down, and their commands run in order, on a private host.

A code block with a caption is a file of that name; a line ``$ COMMAND`` of a console block is run, and has to succeed,
or with ``$ ! COMMAND`` to fail.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from tests.laboratory import Host
from tests.tools.playbooks import PROJECT, environment
from tests.wbem import WbemServer

pytestmark = pytest.mark.libvirt

GUIDES = sorted((PROJECT / "docs/docsite/rst").glob("*.rst"))
BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n((?:   :.*\n)*)\n((?:   .*\n|\n)+)", re.MULTILINE)
CAPTION = re.compile(r":caption: (\S+)")


def blocks(guide: Path) -> Iterator[tuple[str, str | None, str]]:
    """Language, caption and text of the code blocks of a guide."""
    for language, options, text in BLOCK.findall(guide.read_text(encoding="utf-8")):
        caption = CAPTION.search(options)
        yield language, caption.group(1) if caption else None, textwrap.dedent(text)


@pytest.fixture
def places(host: Host) -> Iterator[dict[str, str]]:
    """What stands in the guides, and what it is here."""
    images = host.images / "guides"
    images.mkdir()
    behind = open_platform({"uri": host.uri})
    with WbemServer(behind, user="ada", password="1815Lovelace", tls=True) as server:
        assert server.certificates is not None
        yield {
            "qemu:///system": host.uri,
            "/var/lib/libvirt/images": str(images),
            "https://cim.example.com:5989": server.url,
            "/etc/ssl/certs/cim.pem": str(server.certificates.authority),
        }
    behind.close()
    left = sorted(str(path.relative_to(images)) for path in images.rglob("*") if path.is_file())
    for folder in sorted(images.rglob("*"), reverse=True):
        folder.rmdir() if folder.is_dir() else folder.unlink()
    images.rmdir()
    assert not left, f"the guide left {left}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_guide(guide: Path, places: dict[str, str], tmp_path: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    surroundings = {**environment(), "PATH": programs, "CIM_USER": "ada", "CIM_PASSWORD": "1815Lovelace"}
    for language, caption, text in blocks(guide):
        if caption is not None:
            for written, here in places.items():
                text = text.replace(written, here)
            (tmp_path / caption).write_text(text, encoding="utf-8")
        elif language == "console":
            for line in text.strip().splitlines():
                assert line.startswith("$ "), line
                command = line[2:]
                run = subprocess.run(
                    ["bash", "-c", command],
                    cwd=tmp_path,
                    env={**surroundings, "PWD": str(tmp_path)},
                    capture_output=True,
                    text=True,
                    timeout=600,
                    check=False,
                )
                assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
                assert "1815Lovelace" not in run.stdout + run.stderr


def test_every_guide_is_listed() -> None:
    listed = re.findall(r"^      - (\w+)$", (PROJECT / "docs/docsite/extra-docs.yml").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == [path.stem for path in GUIDES]
