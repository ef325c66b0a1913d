# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what may be done to a running system for the sake of a change."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as ``svpc.virt.power``."""

    DOCUMENTATION = r"""
options:
  allow_restart:
    description:
      - Whether the system may be shut down and started again for a change that it cannot take while it runs.
      - Without this, such a change is recorded, becomes effective at the next activation, and is returned as RV(pending).
    type: bool
    default: false
  shutdown_timeout:
    description:
      - Number of seconds the guest has to shut down by itself.
    type: int
    default: 120
  force_off:
    description:
      - What to do with a guest that has not shut down in time. V(true) turns the system off, V(false) fails.
      - It also allows a saved state to be discarded.
    type: bool
    default: false
"""
