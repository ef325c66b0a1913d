# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to a Unix socket on which everything takes its time, as on the way to a host far away.

    with slow_link(host.socket, 0.020) as path:
        libvirt.open(f"qemu+unix:///system?socket={path}")

It delays and does not limit: what is sent meanwhile is on the way as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def slow_link(target: Path, seconds: float) -> Iterator[Path]:
    """A socket that leads to ``target``; a question with its answer takes ``seconds`` more.

    It is served by a process of its own, so that it takes nothing from the one that measures.
    """
    with tempfile.TemporaryDirectory(prefix="svpc-link-") as folder:
        path = Path(folder, "socket")
        command = [sys.executable, "-m", __spec__.name, str(path), str(target), str(seconds / 2)]
        with subprocess.Popen(command, cwd=PROJECT) as process:
            try:
                deadline = time.monotonic() + 10
                while not path.exists():
                    assert process.poll() is None, "the slow link does not start"
                    assert time.monotonic() < deadline, "the slow link does not come"
                    time.sleep(0.01)
                yield path
            finally:
                process.terminate()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Hand on what comes, each piece so many seconds after it came."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                break
            writer.write(piece)
        writer.close()

    delivery = asyncio.create_task(deliver())
    with contextlib.suppress(OSError):
        while piece := await reader.read(2**18):
            pieces.put_nowait((loop.time() + delay, piece))
    pieces.put_nowait((loop.time() + delay, b""))
    with contextlib.suppress(OSError):
        await delivery


async def _serve(path: str, target: str, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(target)
        await asyncio.gather(_carry(reader, far_writer, delay), _carry(far_reader, writer, delay))

    server = await asyncio.start_unix_server(connected, path)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2], float(sys.argv[3])))
