# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has workers begin with what earlier ones had to load.

Ansible forks a worker off the controller's process for each task.  What the controller has loaded is there for all of
them; what a worker loads itself is gone with it, and loaded again by the next one.  pywbem and what works with it take
longer to load than most tasks take, so the controller loads them too, but no sooner than a worker needed them: who has no
WBEM server does not wait for them.
"""

from __future__ import annotations

import mmap
import os
import sys

from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect

_NEEDED = mmap.mmap(-1, 1)
"""One byte of memory that the controller shares with its workers: whether one of them has loaded it."""


def tell() -> None:
    """Let the controller know what this worker has had to load."""
    if connect.WBEM_SERVER in sys.modules:
        _NEEDED[0] = 1


def _catch_up() -> None:
    """Load what workers have needed, before another one is forked off."""
    if _NEEDED[0] and connect.WBEM_SERVER not in sys.modules:
        connect.preload_wbem()


os.register_at_fork(before=_catch_up)
