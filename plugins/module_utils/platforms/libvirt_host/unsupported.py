# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt has for no resource of a type: it follows from the rows by which domain documents are written."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import PROPERTIES
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType, row_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.devices import ROWS
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import DeviceRow
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.tuning_rows import (
    MEMORY_UNSUPPORTED,
    PROCESSOR_UNSUPPORTED,
)


def _reasons(rows: tuple[DeviceRow, ...]) -> Mapping[str, str]:
    """Why none of ``rows`` can have a value, for each value the type could have in the model."""
    resource_row = rows[0].resource_type
    names = (*PROPERTIES, *(f"settings.{name}" for name in row_of(resource_row).settings))
    said = {name: [row.why_not(name) for row in rows] for name in names}
    return {name: str(reasons[0]) for name, reasons in said.items() if None not in reasons}


UNSUPPORTED: Mapping[ResourceType, Mapping[str, str]] = {
    ResourceType.PROCESSOR: PROCESSOR_UNSUPPORTED,
    ResourceType.MEMORY: MEMORY_UNSUPPORTED,
    **{
        resource_type: _reasons(tuple(row for row in ROWS if row.resource_type is resource_type))
        for resource_type in dict.fromkeys(row.resource_type for row in ROWS)
    },
}
"""Properties and settings, as model.rasd.values names them, with reasons."""
