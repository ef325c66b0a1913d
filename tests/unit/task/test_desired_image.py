# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options image and image_mode become the model, and what is wrong with them is told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageMode
from ansible_collections.svpc.virt.plugins.module_utils.task.desired import desired_resource

SUM = "sha256:" + "ab" * 32
URL = "https://images.example/base.qcow2"


def image_of(image: Any, **more: Any) -> Image | None:
    return desired_resource({"resource_type": "disk_drive", "pool_id": "images", "image": image, **more}, "").image


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("/srv/base.qcow2", Image(path="/srv/base.qcow2")),
        ("/srv/../srv//base.qcow2", Image(path="/srv/base.qcow2")),
        ({"path": "/srv/base.img", "format": "raw"}, Image(path="/srv/base.img", format="raw")),
        ({"path": "/a", "checksum": SUM.upper().replace("SHA", "sha")}, Image(path="/a", checksum=SUM)),
        ({"volume": "base"}, Image(volume="base", pool_id="images")),
        ({"volume": "base", "pool_id": "library"}, Image(volume="base", pool_id="library")),
        ({"url": URL, "checksum": SUM, "path": None}, Image(url=URL, checksum=SUM)),
    ],
)
def test_an_image(given: Any, found: Image) -> None:
    assert image_of(given) == found
    assert image_of(given, image_mode="linked") == Image(
        **{**{name: getattr(found, name) for name in ("path", "volume", "pool_id", "url", "checksum", "format")}},
        mode=ImageMode.LINKED,
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("base.qcow2", "is not absolute"),
        (URL, "needs a checksum"),
        ({"url": URL}, "needs a checksum"),
        ({"url": "ftp://images.example/x", "checksum": SUM}, "none of http or https"),
        ({"url": "file:///etc/passwd", "checksum": SUM}, "none of http or https"),
        ({"url": "https:///x", "checksum": SUM}, "none of http or https"),
        ({"url": "https://[::1/x", "checksum": SUM}, "not a URL"),
        ({"url": URL, "checksum": "ab" * 32}, "checksum: .* is none; allowed are sha256:"),
        ({"url": URL, "checksum": "md5:" + "ab" * 16}, "is none"),
        ({"path": "/a", "url": URL, "checksum": SUM}, "path and url are given"),
        ({"checksum": SUM}, "none of them is given"),
        ({"path": "/a", "pool_id": "x"}, "no volume is given"),
        ({"path": "/a", "format": "vdi"}, "allowed are qcow2, raw, vmdk, vpc"),
        ({"path": "/a", "size": "1"}, "option: 'size' is not known"),
        ({"path": 7}, "path: expected a text"),
        ({"path": "/a\nb"}, "U\\+000A"),
        (["/a"], "expected a path, or names with values"),
        ({"volume": "base", "pool_id": ""}, "pool_id: expected a text"),
    ],
)
def test_what_is_no_image(given: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as failure:
        image_of(given)
    assert failure.value.message.startswith("disk_drive: image")


def test_an_image_belongs_to_a_disk() -> None:
    with pytest.raises(InvalidInput, match="only a disk_drive"):
        desired_resource({"resource_type": "cd_drive", "image": "/a"}, "")
    with pytest.raises(InvalidInput, match="image_mode is given without image"):
        desired_resource({"resource_type": "disk_drive", "image_mode": "copy"}, "")
    with pytest.raises(InvalidInput, match="allowed are copy, linked"):
        image_of("/a", image_mode="moved")
    with pytest.raises(InvalidInput, match="in which storage pool"):
        desired_resource({"resource_type": "disk_drive", "image": {"volume": "x"}}, "")
