# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script behind `make test` tells failures from successes."""

from __future__ import annotations

import pathlib
import subprocess

CHECKS = pathlib.Path(__file__).parents[1] / "tools" / "checks.sh"
MAKEFILE = """
good:
	@echo '3 passed in 0.10s'
bad:
	@echo '1 failed, 2 passed in 0.20s'; exit 1
"""


def run(folder: pathlib.Path, *targets: str) -> subprocess.CompletedProcess[str]:
    (folder / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    return subprocess.run(["bash", str(CHECKS), *targets], cwd=folder, capture_output=True, text=True, check=False)


def test_all_passed(tmp_path: pathlib.Path) -> None:
    result = run(tmp_path, "good")
    assert result.returncode == 0
    assert "3 passed in 0.10s" in result.stdout.split("==== summary")[1]


def test_a_failure_is_told_and_does_not_stop_the_others(tmp_path: pathlib.Path) -> None:
    result = run(tmp_path, "bad", "good")
    assert result.returncode == 1
    summary = result.stdout.split("==== summary")[1]
    assert "1 failed, 2 passed in 0.20s" in summary
    assert "3 passed in 0.10s" in summary
    assert "FAILED: bad " in summary
