# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declares a small site on a private host and shows what happens: python -m tests.demo."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.laboratory import GuestTimeout, Laboratory, LaboratoryError, tiny_guest
from tests.tools.playbooks import PROJECT

from .beats import Demo, DemoError, say

LOGS = PROJECT / ".cache/logs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the demonstration; 0 when everything happened as told."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the host running, and print its URI")
    options = parser.parse_args(arguments)
    name = f"demo-{os.getpid()}"  # several demonstrations may run at the same time
    log = LOGS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    try:
        with ExitStack() as stack:
            laboratory = Laboratory()
            laboratory.clean()
            if not options.keep:
                stack.enter_context(laboratory)
            code = show(laboratory, name, log)
            say(f"What ansible wrote is in {log}")
            if options.keep and (host := laboratory.host(name)).running:
                say(f"The host is left running: virsh -c '{host.uri}' list")
                say(f"Stop it with: {Path(sys.executable)} -m tests.laboratory stop {name}")
    except LaboratoryError as error:
        say(str(error))
        return 1
    return code


def show(laboratory: Laboratory, name: str, log: Path) -> int:
    """All beats on a host of that name, which is made anew for the second part."""
    started = time.monotonic()
    try:
        say("A private libvirt host and a tiny Linux guest are being made; this machine's own libvirt is not touched.")
        guest = tiny_guest()
        laboratory.stop(name)
        host = laboratory.start(name)
        say(f"The host runs ({host.uri}).")
        demo = Demo(host, guest, log)
        demo.show()
        laboratory.stop(name)
        laboratory.start(name)
        demo.show_wbem()
    except (DemoError, GuestTimeout, LaboratoryError) as error:
        say(f"\nThe demonstration failed: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130
    say(f"\nAll of it happened as declared, in {time.monotonic() - started:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
