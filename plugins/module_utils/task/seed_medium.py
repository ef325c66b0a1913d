# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The medium with a seed: an ISO 9660 file system called ``cidata``, which cloud-init looks for (NoCloud)."""

from __future__ import annotations

import io
import socket
import sys

from ansible_collections.svpc.virt.plugins.module_utils.errors import LibraryMissing
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed

try:
    import pycdlib
except ImportError:  # told before anything is done, by check_library
    pycdlib = None  # type: ignore[assignment]

LABEL = "cidata"
_RESERVED = 32 * 1024
"""Bytes at the beginning that ISO 9660 leaves to others."""


def check_library() -> None:
    """Raise LibraryMissing where no medium can be made."""
    if pycdlib is None:
        raise LibraryMissing(
            f"cloud_init: the Python library pycdlib is needed to make its medium, and {sys.executable} on "
            f"{socket.gethostname()} cannot import it: install it there, or choose another Python with "
            "ansible_python_interpreter",
            missing="pycdlib",
        )


def seed_medium(seed: Seed) -> bytes:
    """The bytes of a medium with the files of a seed, under their names for Unix (Rock Ridge) and Windows (Joliet)."""
    check_library()
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    for number, (name, text) in enumerate(seed.files):
        data = text.encode("utf-8", "surrogatepass")
        image.add_fp(io.BytesIO(data), len(data), f"/FILE{number}.;1", rr_name=name, joliet_path=f"/{name}")
    made = io.BytesIO()
    image.write_fp(made)
    image.close()
    content = made.getvalue()
    return seed.mark.ljust(_RESERVED, b"\0") + content[_RESERVED:]
