# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A longer way to a server of this machine: a proxy that passes everything on, and later.

    with delayed("/run/libvirt/libvirt-sock", 0.02) as path: ...

It is a process of its own, so that what it does costs neither end any time of its own.  It delays and does not narrow:
what is sent in one go arrives in one go.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PIECE = 2**18
"""Bytes that are read at once."""


@contextlib.contextmanager
def delayed(target: str, seconds: float) -> Iterator[str]:
    """The address of a proxy that makes each round trip to ``target`` longer by so many seconds.

    target, and what is yielded: the path of a Unix socket, or HOST:PORT.
    """
    with tempfile.TemporaryDirectory(prefix="svpc-delay-") as folder:
        listen = "127.0.0.1:0" if ":" in target else str(Path(folder, "socket"))
        command = [sys.executable, str(Path(__file__)), listen, target, str(seconds)]
        proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert proxy.stdout is not None
            yield proxy.stdout.readline().strip()
        finally:
            proxy.terminate()
            proxy.communicate()


async def serve(listen: str, target: str, seconds: float) -> None:
    """Listen, print the address, and pass on until cancelled."""

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if ":" in target:
            host, port = target.split(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        else:
            far_reader, far_writer = await asyncio.open_unix_connection(target)
        await asyncio.gather(later(reader, far_writer, seconds / 2), later(far_reader, writer, seconds / 2))

    if ":" in listen:
        host, port = listen.split(":")
        server = await asyncio.start_server(passed_on, host, int(port))
        listen = "{}:{}".format(*server.sockets[0].getsockname()[:2])
    else:
        server = await asyncio.start_unix_server(passed_on, listen)
    print(listen, flush=True)
    async with server:
        await server.serve_forever()


async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Write what is read, in its order, each piece so many seconds after it came; at its end, close."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        piece = b"-"
        while piece:
            try:
                piece = await reader.read(PIECE)
            except OSError:
                piece = b""
            await pieces.put((loop.time() + seconds, piece))

    taking = asyncio.create_task(take())
    with contextlib.suppress(OSError):
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    taking.cancel()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[1], sys.argv[2], float(sys.argv[3])))
