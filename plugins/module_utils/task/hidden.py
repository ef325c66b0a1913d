# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments as they may be shown and logged.

Ansible's ``no_log`` masks the value of an option wherever it occurs.  That is right for a password; the texts for
cloud-init hold the system's name and other words that are no secret, and would take them out of the whole result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.image import public_url
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import SEED_FILES
from ansible_collections.svpc.virt.plugins.module_utils.model.values import MASK


def hidden(value: Any) -> Any:
    """``value`` with the texts for cloud-init masked and the URLs of images without secrets, all the way down.

    What was left out stays out: Ansible has entered null for it, in every resource of every system.
    """
    if isinstance(value, Mapping):
        return {name: _HIDING.get(name, hidden)(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [hidden(item) for item in value]
    return value


def _cloud_init(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return MASK
    return {name: MASK if name in SEED_FILES else item for name, item in value.items() if item is not None}


def _image(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _image(item) if name == "url" else item for name, item in value.items() if item is not None}
    if isinstance(value, str) and "://" in value:
        try:
            return public_url(value)
        except ValueError:
            return MASK
    return value


_HIDING = {"cloud_init": _cloud_init, "image": _image}
"""What hides the values of some options."""
