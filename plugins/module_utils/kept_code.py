# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the compiled code of a module that was sent, for the tasks that follow on the same host.

A file is put there complete, under its name, at once, and never changed.  What was not used for a month is removed as
soon as something else is kept.  Nothing is written where Python is told to write no compiled code
(PYTHONDONTWRITEBYTECODE).  Where nothing can be kept, tasks take longer, and that is all.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import tempfile
import time
from collections.abc import Mapping

from ansible_collections.svpc.virt.plugins.module_utils.sent import Finder, checksum, folders, is_own

UNUSED_FOR = 30 * 24 * 3600
"""Seconds after which what nobody used is removed."""


def keep(finder: Finder) -> Mapping[str, bytes]:
    """Compile all that was sent and keep it; nothing where it cannot be kept."""
    try:
        folder = _made_folder()
        if folder is None:
            return {}
        code = _compiled(finder)
        content = marshal.dumps(code)
        _write(os.path.join(folder, finder.digest), checksum(finder.digest, content) + content)
    except OSError:
        return {}
    _remove_unused(folder)
    return code


def _made_folder() -> str | None:
    """The folder for compiled code, made if it is missing; None where it is not the user's own alone.  Raises OSError."""
    for step in folders():
        if not os.path.isabs(step):
            return None
        if not os.path.isdir(step):
            # With the home of another user (sudo may leave it so), nothing is put there.
            if os.stat(os.path.dirname(step)).st_uid != os.geteuid():
                return None
            with contextlib.suppress(FileExistsError):  # another task was quicker
                os.mkdir(step, 0o700)
        if not is_own(step):
            return None
    return step


def _compiled(finder: Finder) -> dict[str, bytes]:
    """The code of all that was sent."""
    code = {}
    for name in finder.paths:
        with contextlib.suppress(SyntaxError):  # told to whoever imports it
            code[name] = marshal.dumps(finder.compiled(name))
    return code


def _write(path: str, content: bytes) -> None:
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path))
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(draft, path)
    except OSError:
        os.unlink(draft)
        raise


def _remove_unused(folder: str) -> None:
    """Remove what other versions of the collection, other Pythons and interrupted tasks have left behind."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            if max(found.st_atime, found.st_mtime) < time.time() - UNUSED_FOR:
                os.unlink(entry.path)
