# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory at the command line: python -m tests.laboratory start a b."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .guests import KERNELS, tiny_guest
from .hosts import Laboratory, LaboratoryError


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks; return 0, or 1 with a sentence on standard error."""
    options = parser().parse_args(arguments)
    laboratory = Laboratory(options.root)
    try:
        return COMMANDS[options.command](laboratory, options)
    except LaboratoryError as error:
        print(error, file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line's rules."""
    top = argparse.ArgumentParser(prog="python -m tests.laboratory", description="Private libvirt hosts for tests.")
    top.add_argument("--root", type=Path, help="folder of the hosts (default: $SVPC_LAB, else .cache/lab)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    start = commands.add_parser("start", help="start hosts and print the address of each")
    start.add_argument("names", nargs="+", metavar="HOST")
    commands.add_parser("list", help="print each host with its state and address")
    stop = commands.add_parser("stop", help="end hosts with their guests and delete their folders")
    stop.add_argument("names", nargs="*", metavar="HOST", help="default: all")
    commands.add_parser("clean", help="remove what crashed hosts left behind")
    guest = commands.add_parser("guest", help="make the tiny guest and print its files")
    guest.add_argument("kernel", nargs="?", choices=KERNELS, default="small", help="wide: SATA, USB and e1000 too")
    run = commands.add_parser("run", help="run a command inside a host: run HOST -- COMMAND")
    run.add_argument("name", metavar="HOST")
    run.add_argument("argv", nargs="+", metavar="COMMAND")
    return top


def start(laboratory: Laboratory, options: argparse.Namespace) -> int:
    """Start the hosts side by side."""
    with ThreadPoolExecutor() as pool:
        for host in pool.map(laboratory.start, options.names):
            print(f"{host.name}\t{host.uri}")
    return 0


def list_hosts(laboratory: Laboratory, options: argparse.Namespace) -> int:
    """One line for each host."""
    for host in laboratory.hosts():
        print(f"{host.name}\t{'running' if host.running else 'dead'}\t{host.uri}")
    return 0


def stop(laboratory: Laboratory, options: argparse.Namespace) -> int:
    """End the named hosts, or all."""
    for name in options.names or [host.name for host in laboratory.hosts()]:
        laboratory.stop(name)
    return 0


def clean(laboratory: Laboratory, options: argparse.Namespace) -> int:
    """Remove crashed hosts and say which."""
    for name in laboratory.clean():
        print(f"{name}\tremoved")
    return 0


def guest(laboratory: Laboratory, options: argparse.Namespace) -> int:
    """Make the tiny guest, unless it is there, and print what a domain needs of it."""
    files = tiny_guest(options.kernel, laboratory.root)
    print(f"kernel\t{files.kernel}\ninitrd\t{files.initrd}\nagent\t{files.agent_initrd}\ncmdline\t{files.cmdline()}")
    return 0


def run(laboratory: Laboratory, options: argparse.Namespace) -> int:
    """Become the command, inside the host."""
    argv = [*laboratory.host(options.name).enter(), *options.argv]
    os.execvp(argv[0], argv)


COMMANDS = {"start": start, "list": list_hosts, "stop": stop, "clean": clean, "guest": guest, "run": run}


if __name__ == "__main__":
    sys.exit(main())
