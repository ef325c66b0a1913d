# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The most memory a process takes: python -m tests.bench.peaks MODULE FUNCTION ARGUMENT… calls a function and tells."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path


def peak(module: str, function: str, *arguments: str) -> float:
    """The most memory, in MB, of a process that does nothing but call a function."""
    command = [sys.executable, "-m", "tests.bench.peaks", module, function, *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main(module: str, function: str, *arguments: str) -> None:
    """Call the function and print the most memory that this process took."""
    kept = getattr(importlib.import_module(module), function)(*arguments)
    # The resource usage that the system tells would count what the starting process took.
    found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    assert kept is not None
    print(int(found.group(1)) / 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
