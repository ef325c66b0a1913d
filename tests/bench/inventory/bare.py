# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that an inventory of virtual systems costs: the calls of bare libvirt-python, and variables that are there.

For ansible, which finds it by ANSIBLE_INVENTORY_PLUGINS.
"""

from __future__ import annotations

import marshal
from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.inventory import BaseInventoryPlugin

from tests.bench.bare import documents

DOCUMENTATION = """
name: bare
short_description: The least an inventory costs
description: For the bench.
"""


class InventoryModule(BaseInventoryPlugin):
    """Asks the host for every document, and gives hosts the variables that a file holds."""

    NAME = "bare"

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Read ``uri`` and ``variables`` (a file) from the inventory file."""
        super().parse(inventory, loader, path, cache)
        options = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        assert documents(options["uri"])
        for name, variables in marshal.loads(Path(options["variables"]).read_bytes()).items():
            inventory.add_host(name)
            for key, value in variables.items():
                inventory.hosts[name].set_variable(key, value)
