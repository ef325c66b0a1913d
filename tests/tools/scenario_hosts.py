# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the scenarios: ``kvm``, a libvirt host, and ``cim``, another one behind a WBEM server.

``start FOLDER`` starts them and writes into ``hosts.json`` of the folder how they are reached; ``stop FOLDER`` ends them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.laboratory import Laboratory, tiny_guest

LIBVIRT, BEHIND = "molecule-kvm", "molecule-cim"


def start(folder: Path) -> None:
    """Start both hosts and the server."""
    folder.mkdir(parents=True)
    laboratory = Laboratory()
    kvm, cim = laboratory.start(LIBVIRT), laboratory.start(BEHIND)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.wbem", "serve", "--libvirt", cim.uri],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    (folder / "server.pid").write_text(str(server.pid), encoding="ascii")
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    if not url:
        raise SystemExit(f"The WBEM server did not start:\n{(folder / 'server.log').read_text(encoding='utf-8')}")
    guest = tiny_guest()
    found = {
        "kvm": {"uri": kvm.uri, "images": str(kvm.images)},
        "cim": {"uri": f"{url}/root/virt", "images": str(cim.images)},
        "guest": {"kernel": str(guest.kernel), "initrd": str(guest.initrd), "cmdline": guest.cmdline()},
    }
    (folder / "hosts.json").write_text(json.dumps(found), encoding="utf-8")


def stop(folder: Path) -> None:
    """End the server and both hosts."""
    pid = folder / "server.pid"
    if pid.exists():
        number = int(pid.read_text(encoding="ascii"))
        command = Path(f"/proc/{number}/cmdline")
        if command.exists() and b"tests.wbem" in command.read_bytes():
            os.kill(number, signal.SIGTERM)
    laboratory = Laboratory()
    for name in (LIBVIRT, BEHIND):
        laboratory.stop(name)
    shutil.rmtree(folder)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]](Path(sys.argv[2]))
