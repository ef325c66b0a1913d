# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve a platform until interrupted: ``python -m tests.wbem serve --dialect standard --libvirt qemu:///system``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import traceback
from collections.abc import Sequence

from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from tests.wbem import WbemServer
from tests.wbem.dialects import DIALECTS


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.wbem", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve on the loopback address until interrupted")
    serve.add_argument("--dialect", choices=sorted(DIALECTS), default="standard")
    host = serve.add_mutually_exclusive_group(required=True)
    host.add_argument("--libvirt", metavar="URI", help="show a libvirt host")
    host.add_argument("--fake", action="store_true", help="show a host in memory")
    serve.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    serve.add_argument("--tls", action="store_true", help="TLS, with an authority made for this server")
    serve.add_argument("--demand-client-certificate", action="store_true")
    serve.add_argument("--user")
    serve.add_argument("--password")
    serve.add_argument("--jobs", action="store_true", help="every method answers with a job")
    serve.add_argument(
        "--lasting", type=float, default=0.0, metavar="SECONDS", help="for how long what was read is taken for true"
    )
    return parser


def platform_for(uri: str | None) -> Platform:
    """The platform to show."""
    return FakeHost() if uri is None else open_platform({"uri": uri})


def main(given: Sequence[str] | None = None) -> int:
    """Serve, print the URL (and the files of TLS), and wait for a signal; 1 when something broke in the server itself."""
    options = arguments().parse_args(given)
    platform = platform_for(options.libvirt)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = WbemServer(
        platform,
        options.dialect,
        port=options.port,
        tls=options.tls,
        demand_client_certificate=options.demand_client_certificate,
        user=options.user,
        password=options.password,
        jobs="all" if options.jobs else (),
        lasting=options.lasting,
    )
    with server:
        print(server.url, flush=True)
        if server.certificates is not None:
            print(f"ca: {server.certificates.authority}", flush=True)
            print(f"client: {' '.join(server.certificates.client_certificate)}", flush=True)
        ended.wait()
    platform.close()
    broken = [error for error in server.failures if not isinstance(error, VirtError)]
    for error in broken:
        traceback.print_exception(error)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
