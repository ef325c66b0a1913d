# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options ``image`` and ``image_mode`` as the model: what a disk is made from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model.image import (
    DIGESTS,
    FORMATS,
    Image,
    ImageMode,
    is_checksum,
    public_url,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import fit_text

IMAGE_OPTIONS = ("path", "volume", "pool_id", "url", "checksum", "format")
"""The options of ``image``."""
_PLACES = ("path", "volume", "url")
_SCHEMES = ("http", "https")


def desired_image(
    entry: Mapping[str, Any], resource_type: ResourceType, pool_id: str | None, place: str
) -> Image | None:
    """What a resource entry says of the image it is made from.  ``place`` begins errors.  Raises InvalidInput.

    A text is a URL where it has a scheme, else a path.  A volume without a pool is one of the disk's own pool.
    """
    given, mode = entry.get("image"), entry.get("image_mode")
    if given is None:
        if mode is not None:
            raise InvalidInput(f"{place}image_mode is given without image")
        return None
    if resource_type is not ResourceType.DISK_DRIVE:
        raise InvalidInput(
            f"{place}image: only a disk_drive is made from an image; a medium is put in by host_resource"
        )
    words = [member.value for member in ImageMode]
    if mode is not None and mode not in words:
        raise allowed_words(f"{place}image_mode", mode, words)
    found = _texts(given, place)
    named = [name for name in _PLACES if name in found]
    if len(named) != 1:
        raise InvalidInput(
            f"{place}image: exactly one of {', '.join(_PLACES)} says where it is, "
            + (f"and {' and '.join(named)} are given" if named else "and none of them is given")
        )
    if "pool_id" in found and "volume" not in found:
        raise InvalidInput(f"{place}image: pool_id is that of a volume, and no volume is given")
    if "volume" in found:
        found.setdefault("pool_id", pool_id or "")
        if not found["pool_id"]:
            raise InvalidInput(f"{place}image: say in which storage pool volume {found['volume']!r} is (pool_id)")
    if "path" in found:
        found["path"] = _path(found["path"], place)
    if "format" in found and found["format"] not in FORMATS:
        raise allowed_words(f"{place}image: format", found["format"], FORMATS)
    if "checksum" in found:
        found["checksum"] = _checksum(found["checksum"], place)
    if "url" in found:
        _check_url(found["url"], "checksum" in found, place)
    named_values: dict[str, Any] = {**found}
    return Image(mode=ImageMode(mode or ImageMode.COPY.value), **named_values)


def _texts(given: Any, place: str) -> dict[str, str]:
    if isinstance(given, str):
        return {"url" if "://" in given else "path": given}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{place}image: expected a path, or names with values, got {type(given).__name__}")
    found = {}
    for name, value in given.items():
        if name not in IMAGE_OPTIONS:
            raise allowed_words(f"{place}image: option", name, IMAGE_OPTIONS)
        if value is not None:
            if not isinstance(value, str) or not value:
                raise InvalidInput(f"{place}image: {name}: expected a text")
            found[name] = fit_text(value, f"{place}image: {name}", line=True)
    return found


def _path(text: str, place: str) -> str:
    path = os.path.expanduser(text)
    if not os.path.isabs(path):
        raise InvalidInput(f"{place}image: path: {text!r} is not absolute: it has to begin with /")
    return os.path.normpath(path)


def _checksum(text: str, place: str) -> str:
    found = text.strip().lower()
    if not is_checksum(found):
        kinds = ", ".join(f"{kind}: and {digits} hexadecimal digits" for kind, digits in DIGESTS.items())
        raise InvalidInput(f"{place}image: checksum: {text!r} is none; allowed are {kinds}")
    return found


def _check_url(url: str, has_checksum: bool, place: str) -> None:
    try:
        parts = urlsplit(url)
        shown = public_url(url)
    except ValueError:
        raise InvalidInput(f"{place}image: url is not a URL") from None
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise InvalidInput(f"{place}image: url: {shown!r} is none of {' or '.join(_SCHEMES)}")
    if not has_checksum:
        raise InvalidInput(
            f"{place}image: {shown} needs a checksum, so that what is fetched is what is meant: "
            "image: {url: …, checksum: 'sha256:…'}"
        )
