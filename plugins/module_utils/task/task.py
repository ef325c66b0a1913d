# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task as a task function sees it, whoever runs it: a module's process or the controller."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import (
    ImageFiles,
    Platform,
    Progress,
    quietly,
)


def _machine_images() -> ImageFiles:
    """The images of the machine that runs this; loaded only where there is one to find."""
    from ansible_collections.svpc.virt.plugins.module_utils.task.image_files import MachineImages

    return MachineImages()


def close(platform: Platform) -> None:
    """End the connection to a host."""
    platform.close()


@frozen
class Task:
    """Parameters and surroundings of one task."""

    params: Mapping[str, Any]
    check: bool = False
    diff: bool = False
    progress: Progress = quietly
    """Told what is being waited for."""
    warn: Callable[[str], None] = quietly
    """Told what the user should know although the task succeeds."""
    open: Callable[[Mapping[str, Any], Progress], Platform] = open_platform
    """Opens the host that the connection options name."""
    close: Callable[[Platform], None] = close
    """What becomes of the host after the task."""

    @contextlib.contextmanager
    def platform(self) -> Iterator[Platform]:
        """The host, for the length of a with block."""
        platform = self.open(self.params, self.progress)
        platform.take_images_from(_machine_images)
        try:
            yield platform
        finally:
            self.close(platform)
