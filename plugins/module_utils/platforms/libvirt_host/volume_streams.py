# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of volumes, to and from this machine, by libvirt's streams."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import Callable

from ansible_collections.svpc.virt.plugins.module_utils.model.image_format import HEAD, TAIL, Sample
from ansible_collections.svpc.virt.plugins.module_utils.model.units import size_words
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import flag, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session

FIRST = 4096
"""Bytes at the beginning of a volume that are written last: without them it is no image of any format."""
UNDER_WAY = b"svpc.virt: what belongs here is still on its way\n".ljust(512, b"\0")
"""What a volume begins with until then."""
_MESSAGE = 262120
"""Bytes that every version of libvirt takes in one message."""
_TELL_EVERY = 5.0
"""Seconds between two words on how far a long transfer is."""


def read_part(session: Session, volume: libvirt.virStorageVol, offset: int, length: int) -> bytes:
    """Up to ``length`` bytes of a volume, fewer where it ends."""
    with talking(f"read the content of volume {volume.name()!r}"):
        stream = session.connection.newStream(0)
        parts, missing = [], length
        with _aborting(stream):
            volume.download(stream, offset, length, 0)
            while missing > 0:
                part = stream.recv(min(missing, _MESSAGE))
                if not part:
                    break
                parts.append(part)
                missing -= len(part)
            stream.finish()
    return b"".join(parts)


def sample_of(session: Session, volume: libvirt.virStorageVol) -> Sample:
    """What a volume's content is judged by."""
    with talking(f"read volume {volume.name()!r}"):
        size = int(volume.infoFlags(flag("VIR_STORAGE_VOL_GET_PHYSICAL"))[2])
    tail = read_part(session, volume, max(size - TAIL, 0), TAIL) if size else b""
    return Sample(read_part(session, volume, 0, HEAD) if size else b"", size, tail)


def fill(
    session: Session,
    volume: libvirt.virStorageVol,
    chunks: Iterable[bytes],
    size: int,
    words: str,
    is_new: bool = True,
) -> None:
    """Write ``size`` bytes into a new volume, or one that was interrupted; its beginning last.

    Until then a mark of our own stands there (``unfinished.py``): whoever is interrupted leaves nothing that is taken for
    an image.  One that was interrupted keeps what it begins with.
    """
    if is_new and size >= len(UNDER_WAY):
        _write(session, volume, 0, len(UNDER_WAY), [UNDER_WAY], lambda _count: None)
    feed = iter(chunks)
    first = b""
    for chunk in feed:
        first += chunk
        if len(first) >= FIRST:
            break
    told = _Teller(session, words, size)
    if size > FIRST:
        _write(session, volume, FIRST, size - FIRST, _rest(first[FIRST:], feed), told.have)
    else:
        for _chunk in feed:  # to its end, where a wrong checksum is told
            pass
    _write(session, volume, 0, len(first[:FIRST]), [first[:FIRST]], told.have)


def _rest(begun: bytes, feed: Iterator[bytes]) -> Iterator[bytes]:
    if begun:
        yield begun
    yield from feed


class _Teller:
    """Tells from time to time how far a transfer is."""

    def __init__(self, session: Session, words: str, size: int) -> None:
        self._session, self._words, self._size = session, words, size
        self._sent, self._next = 0, time.monotonic() + _TELL_EVERY

    def have(self, count: int) -> None:
        """So many bytes more are there."""
        self._sent += count
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_EVERY
            percent = 100 * self._sent // max(self._size, 1)
            self._session.progress(f"{self._words}: {percent} % of {size_words(self._size)} are on the host")


def _write(
    session: Session,
    volume: libvirt.virStorageVol,
    offset: int,
    length: int,
    chunks: Iterable[bytes],
    told: Callable[[int], None],
) -> None:
    name = volume.name()
    feed = iter(chunks)
    with talking(f"write the content of volume {name!r}", patient=True):
        stream = session.connection.newStream(0)
        with _aborting(stream):
            volume.upload(stream, offset, length, 0)
            for chunk in feed:
                position = 0
                while position < len(chunk):
                    sent = stream.send(chunk[position : position + _MESSAGE])
                    position += sent
                    told(sent)
            stream.finish()


@contextlib.contextmanager
def _aborting(stream: libvirt.virStream) -> Iterator[None]:
    """A with block that ends a stream whichever way it is left."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort()
        raise
