# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual systems as the standard's classes have them: CIM_ComputerSystem and CIM_VirtualSystemSettingData."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotSupported
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rasd_instance import (
    BAG_NAMES,
    bag,
    read_bag,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rows import (
    ClassShape,
    PropertyRow,
    setting_row,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import text_of

STARTUP = {2: "none", 3: "restart_if_previously_active", 4: "always_startup"}
SHUTDOWN = {2: "turn_off", 3: "save_state", 4: "shutdown"}
RECOVERY = {2: "none", 3: "restart", 4: "revert_to_snapshot"}

ROWS: tuple[PropertyRow, ...] = (
    PropertyRow("virtual_system_type", "VirtualSystemType"),
    PropertyRow("description", "Notes", array=True),
    PropertyRow("automatic_startup_action", "AutomaticStartupAction", "uint16", words=STARTUP),
    PropertyRow("automatic_shutdown_action", "AutomaticShutdownAction", "uint16", words=SHUTDOWN),
    PropertyRow("automatic_recovery_action", "AutomaticRecoveryAction", "uint16", words=RECOVERY),
)
"""Settings that are properties of the standard's class."""

_NAMED = {row.name: row for row in ROWS}
ALL_ROWS: tuple[PropertyRow, ...] = tuple(
    _NAMED.get(name) or setting_row(name, setting, prefix="") for name, setting in SYSTEM_SETTINGS.items()
)
"""One row for each setting of the model."""

_STATES: Mapping[int, SystemState] = {
    2: SystemState.ACTIVE,
    3: SystemState.DEFINED,
    4: SystemState.SHUTTING_DOWN,
    6: SystemState.SUSPENDED,
    9: SystemState.PAUSED,
    10: SystemState.STARTING,
    32768: SystemState.PAUSED,
    32769: SystemState.SUSPENDED,
    32770: SystemState.STARTING,
    32774: SystemState.SHUTTING_DOWN,
}
"""By EnabledState; the last are those of vendors that were seen."""

_ERROR = 6
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def state_of(system: Any) -> SystemState:
    """The state of a CIM_ComputerSystem; one that the server has a word of its own for is told by that word."""
    number = system.get("EnabledState")
    word = str(system.get("OtherEnabledState") or "").strip().lower()
    if word in (str(SystemState.SLEEPING), str(SystemState.CRASHED)):
        return SystemState(word)
    if number == 3 and _ERROR in (system.get("OperationalStatus") or ()):
        return SystemState.CRASHED
    return SystemState.UNKNOWN if number is None else _STATES.get(int(number), SystemState.UNKNOWN)


def name_of(system: Any) -> str:
    """The name that users give: ElementName, else the key."""
    return str(system.get("ElementName") or system.get("Name"))


def uuid_of(system: Any, settings: Any = None) -> str | None:
    """The UUID, wherever the server shows it."""
    for found in (settings, system):
        uuid = None if found is None else text_of(found.get("UUID"))
        if uuid:
            return uuid.lower()
    described = zip(system.get("IdentifyingDescriptions") or (), system.get("OtherIdentifyingInfo") or ())
    for description, text in described:
        if "uuid" in str(description).lower() and _UUID.fullmatch(str(text)):
            return str(text).lower()
    candidates = [system.get("Name"), None if settings is None else settings.get("VirtualSystemIdentifier")]
    return next((str(text).lower() for text in candidates if text and _UUID.fullmatch(str(text))), None)


def read_settings(settings: Any) -> dict[str, Any]:
    """The settings of a CIM_VirtualSystemSettingData."""
    found: dict[str, Any] = {}
    for row in ALL_ROWS:
        value = settings.get(row.prop)
        if row.prop == "Notes":
            value = None if value is None else "\n".join(str(note) for note in value)
        else:
            value = row.read(value)
        if value is not None:
            found[row.name] = value
    found.update(read_bag(settings, SYSTEM_SETTINGS))
    return found


def write_settings(given: Mapping[str, Any], shape: ClassShape, names: Iterable[str]) -> dict[str, Any]:
    """The CIM properties of the named settings.  Raises NotSupported for what the server's class has no place for."""
    found: dict[str, Any] = {}
    loose: dict[str, Any] = {}
    rows = {row.name: row for row in ALL_ROWS}
    has_bag = shape.properties is not None and shape.has(BAG_NAMES)
    for name in names:
        row, value = rows.get(name), given.get(name)
        if row is None or (has_bag and not shape.has(row.prop)):
            if not has_bag:
                raise NotSupported(
                    f"settings: {name} is not supported by this server: {shape.name} has no property for it"
                )
            loose[name] = value
        elif row.prop == "Notes":
            found[row.prop] = shape.property(row, [value] if value else [])
        else:
            found[row.prop] = shape.property(row, value)
    if loose:
        found.update(bag(loose))
    return found


def unsupported_by(shape: ClassShape) -> dict[str, str]:
    """The settings of the model that a server's class has no place for, each with the reason."""
    if shape.properties is None or shape.has(BAG_NAMES):
        return {}
    return {
        row.name: f"its class {shape.name} has no property {row.prop}" for row in ALL_ROWS if not shape.has(row.prop)
    }


def is_persistent(settings: Any) -> bool:
    """Whether something remains of the configuration when the system is off (SettingData.ChangeableType)."""
    return settings.get("ChangeableType") not in (1, 3)
