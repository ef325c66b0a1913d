# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script behind `make test` tells failures from successes."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import time

CHECKS = pathlib.Path(__file__).parents[1] / "tools" / "checks.sh"
MAKEFILE = """
good:
	@echo '3 passed in 0.10s'
bad:
	@echo '1 failed, 2 passed in 0.20s'; exit 1
here there:
	@echo $@ >$@; for try in $$(seq 200); do [ ! -e here ] || [ ! -e there ] || exit 0; sleep 0.1; done; exit 1
after:
	@[ -e here ]
lasting:
	@echo $$$$ >number; exec sleep 100
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


def test_lanes_go_side_by_side_and_their_targets_one_after_the_other(tmp_path: pathlib.Path) -> None:
    """Each of two targets waits for the other one, and a third one for what the first leaves."""
    result = run(tmp_path, "here,after+there,good")
    assert result.returncode == 0, result.stdout
    summary = result.stdout.split("==== summary")[1]
    assert [line.split()[0] for line in summary.splitlines()[1:5]] == ["here", "after", "there", "good"]


def test_a_failure_in_a_lane_is_told(tmp_path: pathlib.Path) -> None:
    result = run(tmp_path, "good+bad,good")
    assert result.returncode == 1
    assert "FAILED: bad " in result.stdout


def test_who_ends_it_ends_all_lanes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    noted, first = tmp_path / "number", tmp_path / ".cache/logs/good.result"
    with subprocess.Popen(["bash", str(CHECKS), "good+lasting"], cwd=tmp_path) as running:
        while not (noted.exists() and noted.read_text() and first.exists()):
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)  # in the background of a script, SIGINT would be ignored
        assert running.wait(10) == 130
    assert has_ended(noted.read_text().strip())


def has_ended(number: str) -> bool:
    """Whether a process ran to its end, or was ended, within ten seconds.

    Its parent ended before it: where nothing sees to orphans, as in a container without an init, it stays listed as
    a zombie.
    """
    status = pathlib.Path("/proc", number, "status")
    for _try in range(1000):
        try:
            if "\nState:\tZ" in status.read_text(encoding="utf-8"):
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False
