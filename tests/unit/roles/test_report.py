# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report, rendered by the playbook from libvirt's test driver: one page, whole, escaped, the same when nothing changed."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tools.playbooks import PROJECT, Run, run_playbook

PLAYBOOK = PROJECT / "playbooks/report.yml"
TEMPLATES = sorted((PROJECT / "roles/report/templates").glob("*.j2"))
HOSTILE = "<script>alert(1)</script>"
SECRET = "Sw0rdf1s"
NODE = """<node>
<domain type='test'><name>&lt;b onclick=alert(1)&gt;web&amp;</name><uuid>6a1f3c1e-0000-4000-8000-00000000000a</uuid>
  <description>&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 * 7 }} {% if %}</description>
  <memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os><devices>
  <disk type='file' device='disk'><source file='/default-pool/a"b.img'/><target dev='vda'/></disk>
  <interface type='network'><source network='default'/><mac address='52:54:00:00:00:01'/></interface>
  <graphics type='vnc' port='-1' passwd='Sw0rdf1s'/></devices></domain>
<network><name>default</name><bridge name='virbr0'/><ip address='192.168.122.1' netmask='255.255.255.0'/></network>
<pool type='dir'><name>default-pool</name><uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>
  <target><path>/default-pool</path></target></pool>
</node>
"""
Report = Callable[..., Run]


class Page(html.parser.HTMLParser):
    """A page as a list of tags with their attributes, and its text; complains about tags that are not closed."""

    EMPTY = frozenset({"meta", "link", "rect", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("report")
    (found / "node.xml").write_text(NODE, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    """Runs the playbook for a host that answers and one that does not."""
    hosts = {
        "kvm1": {"report_connection": {"uri": f"test://{folder / 'node.xml'}"}},
        "kvm2": {"report_connection": {"uri": "qemu+unix:///system?socket=/nosuch<i>"}},
    }
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")

    def run(*arguments: str, name: str = "report.html", **variables: Any) -> Run:
        found = run_playbook(
            PLAYBOOK, {"report_path": str(folder / name), **variables}, "-i", str(inventory), *arguments
        )
        assert found.code == 0, found.explain()
        return found

    return run


@pytest.fixture(scope="module")
def first(report: Report) -> Run:
    """The run that writes the page."""
    return report(report_title=f"All of {HOSTILE}")


@pytest.fixture(scope="module")
def text(first: Run, folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_everything_is_on_the_page(page: Page) -> None:
    for words in ("kvm1", "default-pool", "virbr0", "192.168.122.1/24", "64 MiB memory", "1 of 2 hosts answer"):
        assert words in page.text
    assert "1 of 1 virtual systems active" in page.text
    assert "From the ground up" in page.text
    assert "which device holds" in page.text
    assert "None" not in page.text.replace("None.", "")


def test_a_host_that_does_not_answer_is_shown_as_such(page: Page) -> None:
    assert page.text.count("no answer") == 2
    assert "Nothing is known of this host now: Cannot connect to qemu+unix:///system?socket=/nosuch<i>" in page.text


def test_what_comes_from_a_host_is_text(page: Page, text: str) -> None:
    assert "<b onclick=alert(1)>web&" in page.text
    assert f"{HOSTILE} {{{{ 7 * 7 }}}} {{% if %}}" in page.text
    assert page.all("script", "img", "iframe", "i") == []
    assert not [name for _tag, attributes in page.tags for name in attributes if name.startswith("on")]
    assert f"All of {HOSTILE}" in page.text
    assert HOSTILE not in text


def test_no_secret_is_on_the_page(first: Run, text: str) -> None:
    assert SECRET in NODE
    assert SECRET not in text
    assert SECRET not in first.output


def test_the_page_needs_nothing_else(page: Page, text: str) -> None:
    places = [attributes.get(name) for _tag, attributes in page.tags for name in ("href", "src", "data", "action")]
    ids = {attributes.get("id") for _tag, attributes in page.tags}
    for place in filter(None, places):
        assert place == "data:," or (place.startswith("#") and place[1:] in ids)
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"https?://", text)


def test_it_can_be_read_by_a_screen_reader(page: Page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("title")) == len(page.all("main")) == 1
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
    assert all(attributes.get("aria-label") for attributes in page.all("svg", "nav"))
    named = {attributes.get("id") for _tag, attributes in page.tags}
    assert {attributes.get("aria-labelledby") for attributes in page.all("section")} <= named
    assert all(attributes.get("data-label") or attributes.get("colspan") for attributes in page.all("td"))


def luminance(color: str) -> float:
    digits = color.lstrip("#")
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_colors_can_be_told_apart(text: str, look: str) -> None:
    """WCAG 2.1, level AA: 4.5 for text."""
    blocks = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    block = blocks[0] if look == "light" else blocks[1]
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    pairs = [(ink, paper) for ink in ("ink", "quiet", "link") for paper in ("paper", "sheet")]
    pairs += [(word, f"{word}-paper") for word in ("good", "wait", "bad", "off")]
    pairs += [("ink", "wait-paper"), ("ink", "bad-paper")]
    assert {
        pair: contrast(colors[pair[0]], colors[pair[1]])
        for pair in pairs
        if contrast(colors[pair[0]], colors[pair[1]]) < 4.5
    } == {}


def test_screens_and_paper_of_all_kinds(text: str) -> None:
    assert 'name="viewport" content="width=device-width' in text
    for medium in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print"):
        assert medium in text


def test_it_is_written_when_its_contents_differ(report: Report, first: Run, text: str, folder: Path) -> None:
    assert [record.task.rpartition(": ")[2] for record in first.changed] == ["Write the page"]
    title = f"All of {HOSTILE}"
    again = report(report_title=title)
    assert again.changed == []
    assert (folder / "report.html").read_text(encoding="utf-8") == text
    would = report("--check", report_title="Another")
    assert len(would.changed) == 1
    assert (folder / "report.html").read_text(encoding="utf-8") == text
    nothing = report("--check", name="new.html")
    assert len(nothing.changed) == 1
    assert not (folder / "new.html").exists()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_everything_that_is_printed_is_escaped(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    macros = set(re.findall(r"\{% macro (\w+)", "".join(each.read_text(encoding="utf-8") for each in TEMPLATES)))
    for printed in re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL):
        call = re.match(r"\s*(?:show\.)?(\w+)\(", printed)
        assert printed.rstrip().endswith("| e") or (call and call.group(1) in macros), printed


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_has_nothing_to_complain_about(first: Run, folder: Path, tmp_path: Path) -> None:
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=1000", "--dump-dom", str(folder / "report.html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "<h1>All of &lt;script&gt;" in done.stdout
    assert [line for line in done.stderr.splitlines() if ":CONSOLE" in line] == []
