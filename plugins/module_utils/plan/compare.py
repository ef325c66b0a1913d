# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what a declared resource or setting differs from an existing one.

Only what is declared is compared.  A value that is missing on the host stands for what the table rows say it stands
for, so that declaring the obvious is no difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ABSENT, Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceRow, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import SettingRow
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import Difference

_VERSION = re.compile(r"-[A-Za-z]*\d[\d.]*$")
_MACHINE_FAMILIES = {"pc": "pc-i440fx", "q35": "pc-q35"}


def meaning_of_absence(row: ResourceRow, name: str) -> Any:
    """What it means that a resource has no value of that name."""
    if name.startswith("settings."):
        setting = row.settings.get(name[len("settings.") :])
        return setting.absent if setting else None
    return ABSENT.get(name)


def differences(desired: Rasd, current: Rasd) -> dict[str, Difference]:
    """Every declared value that ``current`` does not have, as name → (before, after)."""
    existing = values(current)
    found: dict[str, Difference] = {}
    for name, after in values(desired).items():
        if name == "virtual_quantity" and desired.row.removable and desired.host_resource is not None:
            continue  # that of the medium
        before = existing.get(name)
        effective = meaning_of_absence(current.row, name) if before is None else before
        if effective != after and not _same(desired, current, name, after, effective):
            found[name] = (before, after)
    return found


def _same(desired: Rasd, current: Rasd, name: str, after: Any, before: Any) -> bool:
    """Whether two unequal values mean the same thing."""
    if not isinstance(after, tuple) or not isinstance(before, tuple):
        return False
    if name == "host_resource" and desired.row.singleton:
        # Sets of host processors and memory nodes: 0,1,2 is 0-2.
        return [_numbers(text) for text in after] == [_numbers(text) for text in before]
    if name == "host_resource" and desired.resource_type is ResourceType.IO_DEVICE:
        return [_device(text) for text in after] == [_device(text) for text in before]
    if name == "host_resource" and desired.row.host_resource_identifies:
        return same_storage(desired, current)
    if name == "connection":
        return [_connection(text) for text in after] == [_connection(text) for text in before]
    return False


def _numbers(text: str) -> frozenset[str] | frozenset[int]:
    """The members of a set written like ``0-3,^2,8``; of another text, the text itself."""
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, _dash, last = part.lstrip("^").partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            return frozenset({text})
        numbers = set(range(int(first), int(last or first) + 1))
        found = found - numbers if part.startswith("^") else found | numbers
    return frozenset(found)


_PCI = r"(?:pci_)?(?:([0-9a-f]{1,4})[:_])?([0-9a-f]{1,2})[:_]([0-9a-f]{1,2})[._]([0-7])"
_MEDIATED = r"(?:mdev_)?([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:_.*)?"


def _device(text: str) -> str:
    """A host device by its address, also where it is given by its name: ``pci_0000_03_00_0`` is ``0000:03:00.0``."""
    word = text.lower()
    pci, mediated = re.fullmatch(_PCI, word), re.fullmatch(_MEDIATED, word)
    if pci:
        domain, bus, slot, function = (int(part or "0", 16) for part in pci.groups())
        return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"
    return mediated.group(1).replace("_", "-") if mediated else word


def _connection(text: str) -> str:
    """A connection with its mode, also where that is the usual one: ``direct:eth0`` is ``direct:eth0/vepa``."""
    return f"{text}/vepa" if text.startswith("direct:") and "/" not in text else text


def same_storage(desired: Rasd, current: Rasd) -> bool:
    """Whether two resources name the same thing of the host: one path, one volume of one pool, one device."""
    if not desired.host_resource or not current.host_resource:
        return False
    wanted, existing = desired.host_resource[0], current.host_resource[0]
    if wanted == existing:
        return True
    if desired.resource_type is ResourceType.IO_DEVICE:
        return _device(wanted) == _device(existing)
    in_pool = desired.pool_id is not None and desired.pool_id == current.pool_id
    return in_pool and "/" not in wanted and existing.rsplit("/", 1)[-1] == wanted


def setting_differences(
    desired: Mapping[str, Any], current: Mapping[str, Any], rows: Mapping[str, SettingRow]
) -> dict[str, Difference]:
    """Every declared setting that ``current`` does not have, as name → (before, after).

    One that is missing there has the value that its absence stands for; one that is None there is left to the host.
    """
    found: dict[str, Difference] = {}
    for name, after in desired.items():
        before = current.get(name)
        effective = rows[name].absent if name not in current and name in rows else before
        if after is None or effective == after:
            continue
        if name == "machine" and before and is_machine(str(after), str(before)):
            continue
        found[name] = (before, after)
    return found


def is_machine(declared: str, existing: str) -> bool:
    """Whether ``existing`` is the machine type declared, or a version of the family declared.

    A system keeps the version it was made with: ``q35`` is satisfied by ``pc-q35-7.2`` for ever, so that a newer
    hypervisor does not change the hardware a guest sees.
    """
    return declared == existing or existing.startswith(_MACHINE_FAMILIES.get(declared, declared) + "-")


def machine_family(machine: str) -> str:
    """A machine type without its version: ``pc-q35`` for ``q35`` and ``pc-q35-7.2``."""
    for alias, family in _MACHINE_FAMILIES.items():
        if machine == alias or machine.startswith(family):
            return family
    return _VERSION.sub("", machine)
