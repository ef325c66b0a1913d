# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media with seeds of guests, as volumes."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.images import is_complete
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_index import find_volume
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import (
    NewVolume,
    Remember,
    create,
    volume_xml,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_streams import fill


def provide(session: Session, wanted: NewVolume, seed: Seed, remember: Remember) -> None:
    """Make the volume with the medium of a seed, unless it is there and complete.

    What is made is told to ``remember`` before anything can fail.
    """
    words = f"seed of {wanted.label}"
    known = find_volume(wanted.pool, wanted.name)
    if known is not None and is_complete(session, known, seed.mark, words):
        return
    content = session.image_files().medium(seed)
    wanted = replace(wanted, capacity=len(content))
    volume = create(wanted, volume_xml(wanted.name, len(content), "raw", wanted.place.holds_files), remember)
    fill(session, volume, [content], len(content), words)
