# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets Ansible's plugin loader find this checkout as ansible_collections.svpc.virt, whatever folder it lies in."""

from __future__ import annotations

import os
import pathlib

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from hypothesis import HealthCheck, settings

PROJECT = pathlib.Path(__file__).parents[2]

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([str(PROJECT / "collections")])

# Modules that are sent keep nothing outside of this checkout.
os.environ["XDG_CACHE_HOME"] = str(PROJECT / ".cache")

# How long an example takes to make or to run depends on what else the machine does. Examples are the same on each run,
# with and without CI in the environment, unless many new ones are asked for.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="EXAMPLES" not in os.environ,
)
settings.load_profile("any machine")
