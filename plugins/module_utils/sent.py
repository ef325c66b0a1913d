# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that was sent to a host.  Modules import this before anything else of the collection.

Ansible sends a module as an archive of sources, and Python keeps nothing of what it compiles from an archive: each task
would compile all that it imports, and even twice, once to tell where a source is and once to run it.  So the
collection's sources are imported from here: compiled once, and the compiled code is kept on the host (``kept_code.py``),
as Python itself keeps that of sources in folders.

What is kept stands in a folder of the user's own, below the one that XDG has for what may be deleted at any time.  It is
one file for each kind of module, named by a digest of all its sources and of the Python that compiled them: other
sources have another file.  It is not used where anybody else could write it, or where its checksum is wrong.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import hashlib
import importlib.util
import marshal
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, NoReturn
from zipimport import zipimporter

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.task.module import Work

_PACKAGE = "ansible_collections/svpc/virt/plugins/module_utils/"
_INIT = "/__init__.py"
_CHECKSUM = 4
"""How many bytes it has."""
_OBJECTS = 50_000
"""How many new objects make Python look for garbage."""


class Finder:
    """Finds the collection's sources in the archive, in place of Python's own finder."""

    def __init__(self, archive: zipimporter) -> None:
        """Raises OSError or BadZipFile for an archive that cannot be read."""
        self._archive = archive
        with zipfile.ZipFile(archive.archive) as opened:
            entries = [info for info in opened.infolist() if info.filename.startswith(_PACKAGE)]
        python = f"{sys.implementation.cache_tag} {importlib.util.MAGIC_NUMBER.hex()} {sys.flags.optimize}"
        sources = sorted(f"{info.filename} {info.file_size} {info.CRC}" for info in entries)
        self.digest = hashlib.sha256("\n".join([python, *sources]).encode()).hexdigest()
        """What kept code belongs to."""
        self.paths = {_module_name(info.filename): info.filename for info in entries}
        self.kept: Mapping[str, bytes] = {}
        """The compiled code of modules, as far as it is kept."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Where a module comes from; None for those of others."""
        source = self.paths.get(name)
        if source is None:
            return None
        location = os.path.join(self._archive.archive, source)
        folders = [os.path.dirname(location)] if source.endswith(_INIT) else None
        spec = importlib.util.spec_from_file_location(
            name, location, loader=_Loader(name, location, self), submodule_search_locations=folders
        )
        if spec is not None and name in self.kept:
            spec.cached = self.digest  # Python would make up a path of its own, for each module
        return spec

    def code(self, name: str) -> CodeType:
        """The code of a module."""
        kept = self.kept.get(name)
        return marshal.loads(kept) if kept is not None else self.compiled(name)

    def compiled(self, name: str) -> CodeType:
        """The code of a module, compiled now; it names its source as it stands in the archive."""
        path = self.paths[name]
        source = self.data(os.path.join(self._archive.archive, path))
        return SourceFileLoader(name, path).source_to_code(source, path)

    def data(self, path: str) -> bytes:
        """A file of the archive.  Raises OSError."""
        return self._archive.get_data(path)


class _Loader(SourceFileLoader):
    """Loads one module, as from a folder of sources."""

    def __init__(self, name: str, location: str, finder: Finder) -> None:
        super().__init__(name, location)
        self._finder = finder

    def get_code(self, fullname: str) -> CodeType:
        return self._finder.code(fullname)

    def get_data(self, path: str) -> bytes:
        """The source, of which Python shows lines with a traceback."""
        return self._finder.data(path)


def _module_name(path: str) -> str:
    path = path[: -len(_INIT)] if path.endswith(_INIT) else path[: -len(".py")]
    return path.replace("/", ".")


def folders() -> list[str]:
    """The folder for compiled code, after those it stands in, from the outermost."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return [base, os.path.join(base, "svpc-virt"), os.path.join(base, "svpc-virt", "code")]


def is_own(path: str) -> bool:
    """Whether something belongs to the user, and nobody else can write it.  Raises OSError."""
    found = os.stat(path)
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def checksum(digest: str, content: bytes | memoryview) -> bytes:
    """What stands in a file before its content.  It tells damage; who may write the file is looked at beside it."""
    return zlib.crc32(content, zlib.crc32(digest.encode())).to_bytes(_CHECKSUM, "big")


def _read(digest: str) -> Mapping[str, bytes]:
    """The compiled code that is kept; nothing where there is none, or not that which was put there."""
    steps = folders()
    path = os.path.join(steps[-1], digest)
    if all(is_own(step) for step in (*steps, path)):
        with open(path, "rb") as file:
            whole = memoryview(file.read())
        if whole[:_CHECKSUM] == checksum(digest, whole[_CHECKSUM:]):
            found: Mapping[str, bytes] = marshal.loads(whole[_CHECKSUM:])
            return found
    return {}


def _prepare(archive: object) -> None:
    """Import what follows from the archive that this file came in; where it came in none, there is nothing to do."""
    # A debugger, or what measures coverage, goes by the names that Python itself gives to code.
    if not isinstance(archive, zipimporter) or sys.gettrace() is not None:
        return
    with contextlib.suppress(OSError, zipfile.BadZipFile):
        finder = Finder(archive)
        with contextlib.suppress(OSError):
            finder.kept = _read(finder.digest)
        sys.meta_path.insert(0, finder)
        # What is loaded stays until the process ends, so Python need not search it for garbage: neither every 700 objects
        # nor, several times over, at the end.
        gc.set_threshold(_OBJECTS)
        atexit.register(gc.freeze)
        if not finder.kept and not sys.dont_write_bytecode:
            from ansible_collections.svpc.virt.plugins.module_utils.kept_code import keep

            finder.kept = keep(finder)


_prepare(__spec__.loader)


def run_module(work: Work) -> NoReturn:
    """Run a module in a process of its own.

    Ansible reads what such a process says at its end; until then, a long task leaves traces in the system's log only.
    """
    from ansible_collections.svpc.virt.plugins.module_utils.task.module import Module
    from ansible_collections.svpc.virt.plugins.module_utils.task.progress import Teller

    module = Module(work)
    module.perform(Teller(module.log, eager=module._verbosity > 0).tell)
