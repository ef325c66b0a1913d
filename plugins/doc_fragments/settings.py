# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the settings of virtual systems and of resource pools, taken from the model's rows."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import (
    ETHERNET_POOL_SETTINGS,
    STORAGE_POOL_SETTINGS,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.task.documentation import options_yaml


class ModuleDocFragment:
    """Used as ``svpc.virt.settings.virtual_system`` and ``svpc.virt.settings.resource_pool``."""

    DOCUMENTATION = "options: {}"

    # The annotations keep these from yamllint, which takes only texts that are written out.
    VIRTUAL_SYSTEM: ClassVar[str] = r"""
options:
  settings:
    description:
      - Settings of the virtual system itself, in the words of CIM_VirtualSystemSettingData.
      - A setting that is left out is not managed; a new system gets what the host, or O(reference), has by default.
    type: dict
    suboptions:
""" + options_yaml({"": SYSTEM_SETTINGS}, indent=6)

    RESOURCE_POOL: ClassVar[str] = r"""
options:
  settings:
    description:
      - What only some kinds of pools have. A setting of another kind is an error.
    type: dict
    suboptions:
""" + options_yaml({"disk_drive": STORAGE_POOL_SETTINGS, "ethernet_adapter": ETHERNET_POOL_SETTINGS}, indent=6)
