# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench writes into docs/performance.md, and its command line."""

from __future__ import annotations

import pytest

from tests.bench import document
from tests.bench.__main__ import PICTURES, SURVEYS, main

TEXT = "before\n<!-- bench lines -->\nold\n<!-- end of lines -->\nafter\n"


def test_only_what_stands_between_the_marks_is_written():
    written = document.put(TEXT, "lines", document.block("1  2"))
    assert written == "before\n<!-- bench lines -->\n\n```\n1  2\n```\n\n<!-- end of lines -->\nafter\n"
    assert document.put(written, "lines", "old\n") == TEXT


def test_a_document_without_marks_is_told():
    with pytest.raises(ValueError, match="bench growth"):
        document.put(TEXT, "growth", "new")


@pytest.mark.parametrize("name", ["lines", *SURVEYS])
def test_the_document_has_a_place_for_every_table(name):
    text = document.DOCUMENT.read_text(encoding="utf-8")
    assert "a new table" in document.put(text, name, document.block("a new table"))


def test_the_picture_is_shown_from_where_it_is_written():
    assert f"({document.PICTURE.relative_to(document.DOCUMENT.parent)})" in PICTURES["growth"]


@pytest.mark.parametrize("arguments", [["--write", "read"], ["--write", "--quick"], ["speed"]])
def test_what_cannot_be_asked_for_is_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert "error:" in capsys.readouterr().err
