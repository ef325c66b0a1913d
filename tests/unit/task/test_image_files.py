# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of this machine, and those that are fetched: complete and verified, or not there at all."""

from __future__ import annotations

import email.message
import hashlib
import http.client
import io
import os
import pathlib
import urllib.error
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, NotFound, Refused, Unreachable
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image
from ansible_collections.svpc.virt.plugins.module_utils.model.image_format import HEAD, TAIL
from ansible_collections.svpc.virt.plugins.module_utils.task.image_files import CHUNK, MachineImages, cache_folder

DATA = bytes(range(256)) * 4096 * 3
SUM = "sha256:" + hashlib.sha256(DATA).hexdigest()
REMOTE = Image(url="https://user:secret@images.example/base?token=secret", checksum=SUM)


class Server:
    """Answers with ``data``, and can break off or refuse."""

    def __init__(self, data: bytes = DATA, breaks_after: int | None = None, error: Exception | None = None) -> None:
        self.data, self.breaks_after, self.error = data, breaks_after, error
        self.asked = 0
        self.read = 0

    def __call__(self, url: str) -> Any:
        assert url == REMOTE.url
        self.asked += 1
        if self.error is not None:
            raise self.error
        server, content = self, io.BytesIO(self.data)

        class Response:
            headers = email.message.Message()

            def read(self, count: int) -> bytes:
                if server.breaks_after is not None and content.tell() >= server.breaks_after:
                    raise http.client.IncompleteRead(b"")
                part = content.read(min(count, 100_000))
                server.read += len(part)
                return part

            def close(self) -> None:
                content.close()

        Response.headers["content-length"] = str(len(self.data))
        return Response()


def whole(files: MachineImages, image: Image) -> bytes:
    with files.open(image, lambda _text: None) as file:
        return b"".join(file.chunks())


def test_a_file_is_sampled_and_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "base"
    path.write_bytes(DATA)
    files = MachineImages(str(tmp_path / "cache"), Server())
    image = Image(path=str(path), checksum=SUM)
    sample = files.sample(image)
    assert sample is not None
    assert (sample.head, sample.size, sample.tail) == (DATA[:HEAD], len(DATA), DATA[-TAIL:])
    assert whole(files, image) == DATA
    with files.open(Image(path=str(path)), lambda _text: None) as file:
        assert file.checksum() == SUM
    with pytest.raises(Refused, match="checksum"):
        whole(files, Image(path=str(path), checksum="sha256:" + "0" * 64))
    assert path.exists()


def test_what_is_no_file(tmp_path: pathlib.Path) -> None:
    files = MachineImages(str(tmp_path / "cache"))
    assert files.sample(Image(path=str(tmp_path / "none"))) is None
    with pytest.raises(NotFound):
        whole(files, Image(path=str(tmp_path / "none")))
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/zero", str(tmp_path), str(tmp_path / "pipe")):
        with pytest.raises(Refused, match="no plain file"):
            files.sample(Image(path=name))
    assert files.sample(Image(volume="x", pool_id="y")) is None


def test_a_file_that_changes_while_it_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "base"
    path.write_bytes(DATA)
    with MachineImages(str(tmp_path)).open(Image(path=str(path)), lambda _text: None) as file:
        parts = file.chunks()
        assert next(parts) == DATA[:CHUNK]
        path.write_bytes(DATA[: CHUNK + 10])
        with pytest.raises(Refused, match="changed"):
            list(parts)


def test_planning_fetches_no_more_than_the_beginning(tmp_path: pathlib.Path) -> None:
    server = Server()
    files = MachineImages(str(tmp_path / "cache"), server)
    sample = files.sample(REMOTE)
    assert sample is not None
    assert (sample.head, sample.size, sample.tail) == (DATA[:HEAD], len(DATA), None)
    assert server.read <= HEAD
    assert not (tmp_path / "cache").exists()


def test_it_is_fetched_once(tmp_path: pathlib.Path) -> None:
    server = Server()
    files = MachineImages(str(tmp_path / "cache"), server)
    assert whole(files, REMOTE) == whole(files, REMOTE) == DATA
    assert server.asked == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [SUM.replace(":", "-")]
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    sample = files.sample(REMOTE)
    assert sample is not None
    assert sample.tail == DATA[-TAIL:]
    assert server.asked == 1


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        (Server(DATA[:-1]), Refused),
        (Server(DATA + b"!"), Refused),
        (Server(breaks_after=200_000), Unreachable),
        (Server(error=urllib.error.URLError("no route")), Unreachable),
        (Server(error=ConnectionResetError("reset")), Unreachable),
        (Server(error=urllib.error.HTTPError("u", 404, "Not Found", email.message.Message(), None)), NotFound),
        (Server(error=urllib.error.HTTPError("u", 503, "Busy", email.message.Message(), None)), HostFailed),
    ],
)
def test_what_is_not_complete_and_right_is_not_kept(
    tmp_path: pathlib.Path, server: Server, problem: type[Exception]
) -> None:
    files = MachineImages(str(tmp_path / "cache"), server)
    with pytest.raises(problem) as failure:
        whole(files, REMOTE)
    assert "secret" not in str(failure.value)
    assert list((tmp_path / "cache").iterdir()) == []
    server.data, server.breaks_after, server.error = DATA, None, None
    assert whole(files, REMOTE) == DATA


def test_what_is_spoilt_in_the_cache_is_fetched_anew(tmp_path: pathlib.Path) -> None:
    server = Server()
    files = MachineImages(str(tmp_path / "cache"), server)
    whole(files, REMOTE)
    kept = next((tmp_path / "cache").iterdir())
    kept.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(Refused, match="checksum"):
        whole(files, REMOTE)
    assert whole(files, REMOTE) == DATA
    assert server.asked == 2


def test_no_room_to_keep_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder is to be")
    with pytest.raises(HostFailed, match="Cannot keep"):
        whole(MachineImages(str(tmp_path / "cache"), Server()), REMOTE)


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_folder() == "/var/cache/me/svpc-virt/images"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder() == "/home/me/.cache/svpc-virt/images"
