# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are not on the host: files of the machine that runs the module, and what URLs lead to.

What was fetched is kept under its checksum: a file is put there complete and verified, or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import stat
import tempfile
import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    HostFailed,
    NotFound,
    Refused,
    Unreachable,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, public_url
from ansible_collections.svpc.virt.plugins.module_utils.model.image_format import HEAD, TAIL, Sample
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.model.units import size_words
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import ImageFile, ImageFiles, Progress
from ansible_collections.svpc.virt.plugins.module_utils.task.seed_medium import seed_medium

CHUNK = 1 << 20
"""Bytes that are read at once."""
PATIENCE = 60
"""Seconds a server has to send the next bytes."""
_TELL_EVERY = 5.0
_GONE = (404, 410)


def _open_url(url: str) -> Any:
    """A URL, open for reading.  What comes is not unpacked on the way: the checksum is that of the file as it is kept."""
    # Loaded only where it is needed: most tasks fetch nothing.
    from ansible.module_utils.urls import open_url

    return open_url(url, timeout=PATIENCE, decompress=False)


def cache_folder() -> str:
    """Where fetched images are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "svpc-virt", "images")


class LocalImage(ImageFile):
    """An open file of this machine."""

    def __init__(self, file: BinaryIO, declared: str | None, words: str) -> None:
        """``declared`` is the checksum it has to have, if one was declared; ``words`` name it in errors."""
        self._file = file
        self._declared = declared
        self._words = words
        self.size = os.fstat(file.fileno()).st_size

    def chunks(self) -> Iterator[bytes]:
        kind = (self._declared or "sha256:").partition(":")[0]
        digest = hashlib.new(kind)
        count = 0
        self._file.seek(0)
        while True:
            try:
                chunk = self._file.read(CHUNK)
            except OSError as error:
                raise HostFailed(f"Cannot read the {self._words}: {error.strerror}") from error
            if not chunk:
                break
            digest.update(chunk)
            count += len(chunk)
            yield chunk
        if count != self.size:
            raise Refused(f"The {self._words} has changed while it was read")
        _check_digest(self._declared, digest.hexdigest(), self._words)

    def checksum(self) -> str:
        if self._declared is not None:
            return self._declared
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return f"sha256:{digest.hexdigest()}"


def _check_digest(declared: str | None, found: str, words: str) -> None:
    if declared is not None and declared.partition(":")[2] != found:
        kind = declared.partition(":")[0]
        raise Refused(f"The {words} is not what its checksum says: it has {kind}:{found}, and {declared} is declared")


class MachineImages(ImageFiles):
    """The images this machine has or can fetch."""

    def __init__(self, folder: str | None = None, fetch: Callable[[str], Any] = _open_url) -> None:
        """Keep what is fetched in ``folder``; ``fetch`` opens a URL."""
        self.folder = folder or cache_folder()
        self._fetch = fetch

    def sample(self, image: Image) -> Sample | None:
        """The first bytes of an image; of one that was not fetched yet, no more than these are transferred."""
        path = self._path_of(image)
        if path is None:
            return None
        if image.url is not None and not os.path.exists(path):
            return self._peek(image.url)
        with _opened(path, image.words) as file:
            if file is None:
                return None
            size = os.fstat(file.fileno()).st_size
            head = file.read(HEAD)
            file.seek(max(size - TAIL, 0))
            return Sample(head, size, file.read(TAIL))

    @contextlib.contextmanager
    def open(self, image: Image, progress: Progress) -> Iterator[ImageFile]:
        """The image, fetched if it is not here yet."""
        path = self._path_of(image)
        if path is not None and image.url is not None and not os.path.exists(path):
            self._download(image, path, progress)
        with _opened(path, image.words) if path else contextlib.nullcontext() as file:
            if file is None:
                raise NotFound(f"There is no {image.words} on the machine that runs this module")
            try:
                yield LocalImage(file, image.checksum, image.words)
            except Refused:
                if path is not None and image.url is not None:  # spoilt since it was fetched: fetch it anew next time
                    _remove(path)
                raise

    def medium(self, seed: Seed) -> bytes:
        """A medium with a seed, made here."""
        return seed_medium(seed)

    def _path_of(self, image: Image) -> str | None:
        if image.url is not None:
            return os.path.join(self.folder, (image.checksum or "").replace(":", "-"))
        return image.path

    def _peek(self, url: str) -> Sample:
        with self._opened_url(url) as response:
            length = response.headers.get("content-length") or ""
            return Sample(_read_up_to(response, HEAD), int(length) if length.isdigit() else None, None)

    def _download(self, image: Image, path: str, progress: Progress) -> None:
        """Fetch an image to where it is kept.  What is not complete, or not as the checksum says, does not get there."""
        kind = (image.checksum or "").partition(":")[0]
        temporary = None
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix="part-", dir=self.folder)
            with os.fdopen(descriptor, "wb") as file, self._opened_url(image.url or "") as response:
                found = _transfer(response, file, hashlib.new(kind), image.words, progress)
                file.flush()
                os.fsync(file.fileno())
            _check_digest(image.checksum, found, image.words)
            os.rename(temporary, path)
            temporary = None
        except OSError as error:
            raise HostFailed(f"Cannot keep the {image.words} in {self.folder}: {error.strerror or error}") from error
        finally:
            if temporary is not None:
                _remove(temporary)

    @contextlib.contextmanager
    def _opened_url(self, url: str) -> Iterator[Any]:
        try:
            response = self._fetch(url)
        except urllib.error.HTTPError as error:
            kind: type[VirtError] = NotFound if error.code in _GONE else HostFailed
            raise kind(f"Cannot fetch {public_url(url)}: {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"Cannot fetch {public_url(url)}: {getattr(error, 'reason', error)}") from error
        with contextlib.closing(response):
            yield _Response(response, url)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


class _Response:
    """What a server answers; reading it fails in words of our own."""

    def __init__(self, response: Any, url: str) -> None:
        self.headers = response.headers
        self._response = response
        self._url = url

    def read(self, count: int) -> bytes:
        """Up to so many bytes; none at the end."""
        try:
            data: bytes = self._response.read(count)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"Cannot fetch {public_url(self._url)}: {error}") from error
        return data


def _read_up_to(response: _Response, count: int) -> bytes:
    parts = []
    while count > 0:
        part = response.read(count)
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _transfer(response: _Response, file: BinaryIO, digest: Any, words: str, progress: Progress) -> str:
    """Copy what a server sends into a file; its digest."""
    count, tell = 0, time.monotonic() + _TELL_EVERY
    while True:
        chunk = response.read(CHUNK)
        if not chunk:
            return str(digest.hexdigest())
        digest.update(chunk)
        file.write(chunk)
        count += len(chunk)
        if time.monotonic() >= tell:
            tell = time.monotonic() + _TELL_EVERY
            progress(f"{words}: {size_words(count)} are fetched")


@contextlib.contextmanager
def _opened(path: str, words: str) -> Iterator[BinaryIO | None]:
    """A plain file, open; None where there is none.  Raises Refused for what is no plain file."""
    try:
        # Without waiting: opening a pipe would never return.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise HostFailed(f"Cannot read the {words}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused(f"The {words} is no plain file")
    with os.fdopen(descriptor, "rb") as file:
        yield file
