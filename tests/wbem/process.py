# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server in a process of its own, for playbooks that run beside it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

PROJECT = Path(__file__).resolve().parents[2]
SECONDS_TO_END = 30
LASTING = 0.2
"""Seconds for which what the server read answers requests: about as long as a client takes to read a host, piece by piece.
A task that changes the host past the server takes longer than that."""


@contextlib.contextmanager
def serving(libvirt_uri: str, dialect: str, complaints: TextIO) -> Iterator[str]:
    """The URL of a server that shows a libvirt host; what it says of itself goes to ``complaints`` when it has ended."""
    command = [sys.executable, "-m", "tests.wbem", "serve", "--dialect", dialect, "--libvirt", libvirt_uri]
    command += ["--lasting", str(LASTING)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT / "collections")},
        )
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            try:
                code = process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            said.seek(0)
            complaints.write(said.read())
            if code:
                complaints.write(f"The server ended with {code}\n")
