# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the attributes that every module states.

A module takes in ``svpc.virt.attributes`` together with one of the parts below, or with its own ``support`` values:

* ``svpc.virt.attributes.managing``: brings something to a declared state.
* ``svpc.virt.attributes.reading``: changes nothing (the ``_info`` modules).
* ``svpc.virt.attributes.action_group``: is in the action group, which is every module.
"""

from __future__ import annotations


class ModuleDocFragment:
    """Used as ``extends_documentation_fragment: [svpc.virt.attributes, svpc.virt.attributes.managing, ...]``."""

    # What the attributes mean. Whether they are supported is stated by the module or by one of the parts below.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict what it would change, without changing anything.
  diff_mode:
    description: Returns what has changed, or in C(check_mode) would change, when in diff mode.
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
    details:
      - This holds as long as nothing else changes what the arguments are about in between.
  action:
    description: Has an action plugin, and so can do its work in the process of the controller.
    support: full
    details:
      - That is what happens where the task would run on the controller anyway, with the same Python and as the same
        user. The result is the same as that of the module sent, and comes sooner.
      - The variable C(svpc_virt_in_process), where it is V(false), has the module sent in any case.
  async:
    description: Can be used with C(async).
    support: full
  platform:
    description: Systems on which the module itself can run.
    support: full
    platforms: posix
"""

    MANAGING = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

    READING = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    support: full
    details:
      - This module changes nothing.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/svpc.virt.all) in C(module_defaults) to set options of all modules of this collection at once.
    support: full
    membership:
      - svpc.virt.all
"""
