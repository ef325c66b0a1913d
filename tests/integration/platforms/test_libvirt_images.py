# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks made from images on a real libvirt host: what is in them, what is refused, and what is left of a failure."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    HostFailed,
    InvalidInput,
    NotFound,
    Refused,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageFacts, ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import images, unfinished, volume_streams
from ansible_collections.svpc.virt.plugins.module_utils.task.image_files import MachineImages
from tests.unit.model.images import HOSTILE, SECRET_FILE

from ..conftest import make_pool
from .libvirt_systems import MIB, define, disk, request
from .test_libvirt_storage import disks_of, files

pytestmark = pytest.mark.libvirt

FIRST, LAST = b"the first bytes of a disk", b"and the last"
LINKED = ImageMode.LINKED


@pytest.fixture
def platform(platform, tmp_path):
    """The platform, with this machine's images and a cache of its own."""
    platform.take_images_from(lambda: MachineImages(str(tmp_path / "cache")))
    return platform


def image(folder, name="base.qcow2", kind="qcow2", size=4 * MIB, options=()):
    """An image whose content can be recognized, made by qemu-img from raw bytes."""
    raw = folder / f"{name}.bytes"
    raw.write_bytes(FIRST + bytes(size - len(FIRST) - len(LAST)) + LAST)
    path = folder / name
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, *options, str(raw), str(path)], check=True)
    raw.unlink()
    return path


def content(path, kind="qcow2"):
    """What a guest reads of a disk: its first and last bytes as far as the image went, and its size."""
    raw = path.with_suffix(".read")
    subprocess.run(["qemu-img", "convert", "-f", kind, "-O", "raw", str(path), str(raw)], check=True)
    data = raw.read_bytes()
    raw.unlink()
    return data[: len(FIRST)], data[4 * MIB - len(LAST) : 4 * MIB], len(data)


def info(path):
    told = subprocess.run(["qemu-img", "info", "-U", "--output=json", str(path)], check=True, capture_output=True)
    return json.loads(told.stdout)


def digest(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def web_server(tmp_path):
    """A folder that is served by HTTP, its address, and the requests that were made."""
    folder = tmp_path / "served"
    folder.mkdir()
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code="-", size="-"):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.mark.parametrize(
    ("kind", "options", "wanted"),
    [
        ("qcow2", (), "qcow2"),
        ("qcow2", ("-c",), "qcow2"),
        ("qcow2", (), "raw"),
        ("raw", (), "raw"),
        ("raw", (), "qcow2"),
        ("vmdk", ("-o", "subformat=streamOptimized"), "qcow2"),
        ("vpc", ("-o", "force_size=on"), "qcow2"),
    ],
)
@pytest.mark.parametrize("where", ["host", "here"])
def test_a_copy_in_every_format(platform, host, pool, tmp_path, kind, options, wanted, where):
    path = image(host.images / pool if where == "host" else tmp_path, f"base.{kind}", kind, options=options)
    asked = disk(pool, size=16 * MIB, image=Image(path=str(path)), settings={"format": wanted})
    assert platform.image_facts("web", asked) == ImageFacts(kind, 4 * MIB)
    define(platform, "web", asked)
    made = host.images / pool / f"web-root.{wanted}"
    assert content(made, wanted) == (FIRST, LAST, 16 * MIB)
    assert info(made)["format"] == wanted
    assert "backing-filename" not in info(made)
    assert files(host.images / pool) == sorted([made.name, *([path.name] if where == "host" else [])])
    assert disks_of(platform.virtual_system("web"))[0].virtual_quantity == 16 * MIB
    assert platform.image_facts("web", asked) is None


@pytest.mark.parametrize("kind", ["qcow2", "raw"])
@pytest.mark.parametrize("where", ["host", "here"])
def test_linked_disks_share_their_image(platform, host, pool, tmp_path, kind, where):
    path = image(host.images / pool if where == "host" else tmp_path, f"base.{kind}", kind)
    before = path.read_bytes()
    linked = Image(path=str(path), mode=LINKED)
    for name in ("one", "two"):
        system = define(platform, name, disk(pool, size=16 * MIB, image=linked))
        made = host.images / pool / f"{name}-root.qcow2"
        assert content(made) == (FIRST, LAST, 16 * MIB)
        assert info(made)["backing-filename-format"] == kind
    base = path.name if where == "host" else f"image-{digest(path).replace(':', '-')}.{kind}"
    assert files(host.images / pool) == sorted([base, "one-root.qcow2", "two-root.qcow2"])
    element = platform.storage_of(system)[0]
    assert (element.volume, element.kept_because) == ("two-root.qcow2", None)
    request(platform, system, RequestedState.ENABLED)
    assert path.read_bytes() == before


def test_an_image_in_another_pool_and_one_outside_of_pools(platform, host, pool):
    folder = host.images / "library"
    folder.mkdir()
    make_pool(host, "library", folder)
    path = image(folder)
    named = Image(volume="base.qcow2", pool_id="library")
    define(platform, "web", disk(pool, size=8 * MIB, image=named), disk(pool, "more", 8 * MIB, image=named))
    define(platform, "linked", disk(pool, size=8 * MIB, image=Image(path=str(path), mode=LINKED)))
    for name in ("web-root", "web-more", "linked-root"):
        assert content(host.images / pool / f"{name}.qcow2") == (FIRST, LAST, 8 * MIB)
    with pytest.raises(NotFound, match="no image 'none' of storage pool 'library'"):
        platform.image_facts("web", disk(pool, "third", image=Image(volume="none", pool_id="library")))
    with pytest.raises(NotFound, match=r"neither as a volume .* nor as a file of the machine"):
        platform.image_facts("web", disk(pool, "third", image=Image(path="/no/such/file")))


def test_an_image_from_a_url_is_fetched_once_and_verified(platform, host, pool, web_server, tmp_path):
    folder, url, asked = web_server
    path = image(folder)
    checksum = digest(path)
    good, name = Image(url=f"{url}/base.qcow2", checksum=checksum), checksum.replace(":", "-")
    assert platform.image_facts("web", disk(pool, image=good)) == ImageFacts("qcow2", 4 * MIB)
    assert not (tmp_path / "cache").exists()  # the beginning is enough to plan with
    define(platform, "web", disk(pool, size=8 * MIB, image=good))
    assert content(host.images / pool / "web-root.qcow2") == (FIRST, LAST, 8 * MIB)
    assert files(tmp_path / "cache") == [name]
    asked.clear()
    define(platform, "two", disk(pool, size=8 * MIB, image=good))
    assert asked == []
    before = files(host.images / pool)
    for wrong, problem in (
        (Image(url=f"{url}/base.qcow2", checksum="sha256:" + "0" * 64), Refused),
        (Image(url=f"{url}/none.qcow2", checksum=checksum[:-1] + "0"), NotFound),
    ):
        with pytest.raises(problem):
            define(platform, "three", disk(pool, size=8 * MIB, image=wrong))
    assert files(tmp_path / "cache") == [name]
    assert files(host.images / pool) == before
    # What was kept and is spoilt is not used, and fetched anew the next time.
    kept = tmp_path / "cache" / name
    kept.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(Refused, match="checksum"):
        define(platform, "three", disk(pool, size=8 * MIB, image=good))
    assert files(host.images / pool) == before
    define(platform, "three", disk(pool, size=8 * MIB, image=good))


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("where", ["host", "here"])
@pytest.mark.parametrize("mode", ImageMode)
def test_an_image_that_opens_files_of_the_host_is_refused(platform, host, pool, tmp_path, what, where, mode):
    path = (host.images / pool if where == "host" else tmp_path) / "hostile.img"
    path.write_bytes(HOSTILE[what])
    before = files(host.images / pool)
    for stated in (None, "raw", "qcow2", "vmdk"):
        asked = disk(pool, size=64 * MIB, image=Image(path=str(path), format=stated, mode=mode))
        with pytest.raises(Refused):
            platform.image_facts("web", asked)
        with pytest.raises(Refused):
            define(platform, "web", asked)
    assert platform.virtual_system("web") is None
    assert files(host.images / pool) == before


@pytest.mark.parametrize("kind", ["backing", "data_file", "parent"])
def test_a_hostile_image_made_by_qemu_itself_is_refused(platform, pool, tmp_path, kind):
    path, other = tmp_path / "evil", tmp_path / "other"
    if kind == "backing":
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", SECRET_FILE, "-F", "raw", path], check=True)
    elif kind == "data_file":
        options = ["-o", f"data_file={other},data_file_raw=on"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, path, "1M"], check=True)
    else:
        subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", other, "1M"], check=True)
        subprocess.run(["qemu-img", "create", "-q", "-f", "vmdk", "-b", other, "-F", "vmdk", path], check=True)
    with pytest.raises(Refused):
        define(platform, "web", disk(pool, image=Image(path=str(path))))


def test_a_disk_is_no_smaller_than_its_image(platform, host, pool, tmp_path):
    for path in (image(tmp_path), image(host.images / pool)):
        before = files(host.images / pool)
        for mode in ImageMode:
            with pytest.raises(InvalidInput, match="less than the 4 MiB"):
                define(platform, "web", disk(pool, size=MIB, image=Image(path=str(path), mode=mode)))
            left = [name for name in files(host.images / pool) if not name.startswith("image-")]
            assert left == before


def test_storage_that_exists_is_used_and_told(platform, host, pool, tmp_path):
    made = Image(path=str(image(tmp_path)))
    web = define(platform, "web", disk(pool, size=8 * MIB, image=made))
    platform.destroy_system(changes.DestroySystem(changes.SystemRef("web", web.uuid)))
    inode = (host.images / pool / "web-root.qcow2").stat().st_ino
    platform.take_notes()
    define(platform, "web", disk(pool, size=8 * MIB, image=Image(path="/no/such/image")))
    assert (host.images / pool / "web-root.qcow2").stat().st_ino == inode
    assert [note for note in platform.take_notes() if "used as it is" in note]


def test_what_was_interrupted_is_no_disk(platform, host, pool, tmp_path):
    (host.images / pool / "web-root.qcow2").write_bytes(bytes(MIB))
    (host.images / pool / "web-log.raw").write_bytes(bytes(MIB))
    for asked in (disk(pool, size=8 * MIB), disk(pool, "log", 8 * MIB, settings={"format": "raw"})):
        with pytest.raises(Conflict):
            define(platform, "web", replace(asked, image=Image(path=str(image(tmp_path)))))
    assert platform.virtual_system("web") is None


class Killed(BaseException):
    """The end of a task that does nothing any more, not even tidy up."""


@contextlib.contextmanager
def killed_at_the_end(monkeypatch):
    """A with block whose task is killed when all of an image but its beginning is on the host."""
    write = volume_streams._write
    written: list[int] = []

    def cut(session, volume, offset, *rest):
        if written and offset == 0:
            raise Killed
        written.append(offset)
        write(session, volume, offset, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(volume_streams, "_write", cut)
        patched.setattr(images, "delete_volume", lambda _volume: None)
        yield


@pytest.mark.parametrize(
    ("kind", "wanted", "left"),
    [("raw", "raw", "web-root.raw"), ("qcow2", "qcow2", "web-root.qcow2"), ("raw", "qcow2", None)],
)
def test_a_copy_that_a_killed_task_has_left_is_made_anew(
    platform, host, pool, tmp_path, monkeypatch, kind, wanted, left
):
    monkeypatch.setattr(unfinished, "FILLS_WITHIN", 0.1)
    path = image(tmp_path, f"base.{kind}", kind)
    asked = disk(pool, size=8 * MIB, image=Image(path=str(path)), settings={"format": wanted})
    with killed_at_the_end(monkeypatch), pytest.raises(Killed):
        define(platform, "web", asked)
    found = files(host.images / pool)
    assert len(found) == 1
    assert left is None or found == [left]
    assert platform.image_facts("web", asked) == ImageFacts(kind, 4 * MIB)
    define(platform, "web", asked)
    assert content(host.images / pool / f"web-root.{wanted}", wanted) == (FIRST, LAST, 8 * MIB)
    assert files(host.images / pool) == [f"web-root.{wanted}"]


def test_what_stands_beside_a_disk_since_its_task_was_killed_goes_when_the_disk_is_used(
    platform, host, pool, tmp_path, monkeypatch
):
    monkeypatch.setattr(unfinished, "FILLS_WITHIN", 0.1)
    asked = disk(pool, size=8 * MIB, image=Image(path=str(image(tmp_path, "base.raw", "raw"))))
    copied = images._copied

    def killed(*given):
        copied(*given)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(images, "_copied", killed)
        patched.setattr(images, "delete_volume", lambda _volume: None)
        with pytest.raises(Killed):
            define(platform, "web", asked)
    assert len(files(host.images / pool)) == 2
    define(platform, "web", asked)
    assert files(host.images / pool) == ["web-root.qcow2"]


def test_the_beginning_of_a_copy_that_a_system_uses_is_not_made_anew(platform, host, pool, tmp_path, monkeypatch):
    path = image(tmp_path, "base.raw", "raw")
    asked = disk(pool, size=4 * MIB, image=Image(path=str(path)), settings={"format": "raw"})
    with killed_at_the_end(monkeypatch), pytest.raises(Killed):
        define(platform, "web", asked)
    before = (host.images / pool / "web-root.raw").read_bytes()
    define(platform, "other", disk(pool, host_resource=("web-root.raw",), settings={"format": "raw"}))
    with pytest.raises(Conflict, match="is used by virtual system 'other'"):
        define(platform, "web", asked)
    assert (host.images / pool / "web-root.raw").read_bytes()[: 4 * MIB] == before


def test_systems_of_one_task_finish_a_base_once(platform, host, pool, tmp_path, monkeypatch):
    monkeypatch.setattr(unfinished, "FILLS_WITHIN", 0.1)
    path = image(tmp_path)
    linked = disk(pool, size=8 * MIB, image=Image(path=str(path), mode=LINKED))
    with killed_at_the_end(monkeypatch), pytest.raises(Killed):
        define(platform, "web", linked)
    sent = []
    fill = images.fill

    def counted(*given, **options):
        sent.append(given)
        fill(*given, **options)

    monkeypatch.setattr(images, "fill", counted)
    names = [f"web{number}" for number in range(4)]
    with platform.together(), ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(lambda name: define(platform, name, linked), names))
    assert len(sent) == 1
    for name in names:
        assert content(host.images / pool / f"{name}-root.qcow2") == (FIRST, LAST, 8 * MIB)


def test_a_base_that_was_interrupted_is_made_anew(platform, host, pool, tmp_path, monkeypatch):
    monkeypatch.setattr(unfinished, "FILLS_WITHIN", 0.1)
    path = image(tmp_path)
    base = host.images / pool / f"image-{digest(path).replace(':', '-')}.qcow2"
    base.write_bytes(bytes(4096) + path.read_bytes()[4096:10000])
    define(platform, "web", disk(pool, size=8 * MIB, image=Image(path=str(path), mode=LINKED)))
    assert base.read_bytes() == path.read_bytes()
    assert content(host.images / pool / "web-root.qcow2") == (FIRST, LAST, 8 * MIB)


def test_a_disk_that_is_written_to_is_no_image(platform, host, pool, tmp_path):
    template = define(platform, "template", disk(pool, size=8 * MIB, image=Image(path=str(image(tmp_path)))))
    source = Image(volume="template-root.qcow2", pool_id=pool)
    with pytest.raises(Conflict, match="'template'"):
        define(platform, "web", disk(pool, size=8 * MIB, image=replace(source, mode=LINKED)))
    define(platform, "web", disk(pool, size=8 * MIB, image=source))
    request(platform, template, RequestedState.ENABLED)
    with pytest.raises(Conflict, match="'template', which runs"):
        define(platform, "other", disk(pool, size=8 * MIB, image=source))
    assert files(host.images / pool) == ["template-root.qcow2", "web-root.qcow2"]


@pytest.fixture(scope="module")
def tight(host):
    """A pool with room for 8 MiB, and its folder."""
    folder = host.limited_folder(8, "limited-images")
    return make_pool(host, "tight-images", folder), folder


@pytest.mark.parametrize("mode", ImageMode)
@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_out_of_space_leaves_nothing(platform, host, tight, tmp_path, mode, kind):
    name, folder = tight
    path = tmp_path / "big"
    path.write_bytes(b"x" * 4096 + bytes(range(256)) * 4096 * 16)
    if kind == "qcow2":
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", path, tmp_path / "b"], check=True)
        path = tmp_path / "b"
    before = host.run(["ls", str(folder)]).stdout
    with pytest.raises(HostFailed, match="space"):
        define(platform, "web", disk(name, size=64 * MIB, image=Image(path=str(path), mode=mode)))
    assert host.run(["ls", str(folder)]).stdout == before
    assert platform.virtual_system("web") is None


def test_a_failure_behind_the_image_leaves_nothing(platform, host, pool, tmp_path):
    made = Image(path=str(image(tmp_path)))
    with pytest.raises(VirtError, match="vda"):
        define(
            platform,
            "web",
            disk(pool, size=8 * MIB, image=made, address_on_parent="vda"),
            disk(pool, "twin", 8 * MIB, address_on_parent="vda"),
        )
    assert files(host.images / pool) == []
