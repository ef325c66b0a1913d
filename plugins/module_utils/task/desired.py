# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters as the model: what a user declares.

Everything a user can get wrong without looking at a host is told here, with what is allowed.  None is "not managed".
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model import units
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import ConsumerVisibility, MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import (
    ETHERNET_POOL_SETTINGS,
    STORAGE_POOL_SETTINGS,
    ResourcePool,
    pool_setting_rows,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import (
    GENERIC_ROW,
    RESOURCE_ROWS,
    ResourceRow,
    ResourceType,
    row_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import (
    Kind,
    SettingRow,
    fit_text,
    parse_settings,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS
from ansible_collections.svpc.virt.plugins.module_utils.plan.virtual_system import DesiredSystem
from ansible_collections.svpc.virt.plugins.module_utils.task.rows import joined_rows

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image
    from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import DesiredPool
    from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import DesiredSnapshot

RESOURCE_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "resource_type": ("type",),
    "other_resource_type": (),
    "resource_sub_type": ("sub_type",),
    "name": (),
    "virtual_quantity": ("quantity",),
    "virtual_quantity_units": (),
    "reservation": (),
    "limit": (),
    "weight": (),
    "maximum_quantity": (),
    "pool_id": ("pool",),
    "image": (),
    "image_mode": (),
    "host_resource": (),
    "connection": (),
    "address": (),
    "address_on_parent": (),
    "parent": (),
    "consumer_visibility": (),
    "mapping_behavior": (),
    "automatic_allocation": (),
    "automatic_deallocation": (),
    "settings": (),
}
"""The options of a resource entry, each with its shorter names."""

_ALL_RESOURCE_SETTINGS = joined_rows(row.settings for row in RESOURCE_ROWS.values())
_ALL_POOL_SETTINGS = joined_rows([STORAGE_POOL_SETTINGS, ETHERNET_POOL_SETTINGS])
_FLAG = SettingRow(Kind.FLAG, "")
_NUMBER = SettingRow(Kind.NUMBER, "")
_TEXT = SettingRow(Kind.TEXT, "")

Word = TypeVar("Word", bound=enum.IntEnum)


# Virtual systems


def desired_system(params: Mapping[str, Any]) -> DesiredSystem:
    """What the options of ``virtual_system`` declare.  Raises InvalidInput."""
    given = params.get("resources")
    exclusive = bool(params.get("exclusive"))
    if exclusive and given is None:
        raise InvalidInput("exclusive: true removes what is not listed in resources, and there is no such list")
    if given is not None and not isinstance(given, (list, tuple)):
        raise InvalidInput(f"resources: expected a list of resource entries, got {given!r}")
    name, uuid = desired_identity(params)
    return DesiredSystem(
        name=name,
        uuid=uuid,
        state=params.get("state") or "present",
        settings=desired_settings(params.get("settings")),
        resources=tuple(
            _desired_once(entry, f"resources: entry {number}") for number, entry in enumerate(given or (), start=1)
        ),
        exclusive=exclusive,
        remove_storage=bool(params.get("remove_storage")),
        wait_for=params.get("wait_for") or "none",
        **_seed(params, name),
        **_power(params),
    )


def _seed(params: Mapping[str, Any], system: str) -> dict[str, Any]:
    """See :func:`desired_seed.desired_seed`, which few tasks need."""
    if params.get("cloud_init") is None:
        return {}
    from ansible_collections.svpc.virt.plugins.module_utils.task.desired_seed import desired_seed

    return desired_seed(params["cloud_init"], system, params.get("state") or "present")


_ALIKE = 1000
"""So many different resource entries are remembered."""
_seen: dict[str, Rasd] = {}


def _desired_once(given: Any, where: str) -> Rasd:
    """:func:`desired_resource`; what many systems declare word by word alike is parsed once, and shared by them."""
    text = repr(given)
    found = _seen.get(text)
    if found is None:
        found = desired_resource(given, where)
        if len(_seen) < _ALIKE:
            _seen[text] = found
    return found


def desired_identity(params: Mapping[str, Any]) -> tuple[str, str | None]:
    """Name and UUID of the system that is meant."""
    return _name(params.get("name"), "name"), _uuid(params.get("uuid"))


def desired_with_resource(params: Mapping[str, Any]) -> tuple[DesiredSystem, Rasd]:
    """What the options of ``rasd`` declare: a system with, or without, one resource; and that resource."""
    entry = {name: params.get(name) for names in RESOURCE_OPTIONS.items() for name in (names[0], *names[1])}
    rasd = desired_resource(entry, "")
    absent = params.get("state") == "absent"
    desired = DesiredSystem(
        name=_name(params.get("virtual_system"), "virtual_system"),
        resources=() if absent else (rasd,),
        absent_resources=(rasd,) if absent else (),
        remove_storage=bool(params.get("remove_storage")),
        **_power(params),
    )
    return desired, rasd


def _power(params: Mapping[str, Any]) -> dict[str, Any]:
    timeout = params.get("shutdown_timeout")
    return {
        "allow_restart": bool(params.get("allow_restart")),
        "shutdown_timeout": seconds(timeout, "shutdown_timeout", 120),
        "force_off": bool(params.get("force_off")),
    }


def desired_settings(given: Any) -> dict[str, Any]:
    """The settings of a virtual system."""
    return parse_settings(_mapping(given, "settings"), SYSTEM_SETTINGS, "settings")


def seconds(value: Any, where: str, default: float) -> float:
    """A time to wait."""
    if value is None:
        return default
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{where}: expected a number of seconds, got {value!r}") from None
    if found < 0:
        raise InvalidInput(f"{where}: {value!r} is negative")
    return found


def _name(value: Any, where: str) -> str:
    text = "" if value is None else str(value)
    if not text.strip():
        raise InvalidInput(f"{where}: a name is needed")
    return fit_text(text, where, line=True)


def _uuid(value: Any) -> str | None:
    if value is None:
        return None
    import uuid as uuids

    try:
        return str(uuids.UUID(str(value)))
    except ValueError:
        raise InvalidInput(f"uuid: {value!r} is not a UUID, such as 123e4567-e89b-12d3-a456-426614174000") from None


# Resources


def desired_resource(given: Any, where: str) -> Rasd:
    """What one resource entry declares.  ``where`` begins the sentences of errors, and may be empty."""
    entry = _mapping(given, where or "resource")
    place = f"{where}: " if where else ""
    entry = _by_proper_names(entry, place)
    word = entry.get("resource_type")
    if word is None:
        raise InvalidInput(
            f"{place}resource_type is needed; allowed are {', '.join(sorted(member.word for member in ResourceType))}"
        )
    resource_type = ResourceType.from_word(str(word), f"{place}resource_type")
    row = row_of(resource_type)
    name = None if entry.get("name") is None else _name(entry["name"], f"{place}name")
    # From here on errors say which resource it is.
    called = f" ({resource_type.word}{f' {name!r}' if name else ''})"
    place = f"{where}{called}: " if where else f"{called.strip(' ()')}: "
    sub_type, settings = _sub_type_and_settings(entry, row, place)
    pool_id = _text(entry, "pool_id", place)
    return Rasd(
        resource_type=resource_type,
        other_resource_type=_text(entry, "other_resource_type", place),
        resource_sub_type=sub_type,
        name=name,
        weight=_parsed(_NUMBER, entry, "weight", place),
        pool_id=pool_id,
        image=_image(entry, resource_type, pool_id, place),
        host_resource=_texts(entry, "host_resource", place),
        connection=_texts(entry, "connection", place),
        address=_address(entry, row, place),
        address_on_parent=_text(entry, "address_on_parent", place),
        parent=_text(entry, "parent", place),
        consumer_visibility=_word(ConsumerVisibility, entry, "consumer_visibility", place),
        mapping_behavior=_word(MappingBehavior, entry, "mapping_behavior", place),
        automatic_allocation=_parsed(_FLAG, entry, "automatic_allocation", place),
        automatic_deallocation=_parsed(_FLAG, entry, "automatic_deallocation", place),
        settings=settings,
        **_quantities(entry, row, place),
    )


def _image(entry: Mapping[str, Any], resource_type: ResourceType, pool_id: str | None, place: str) -> Image | None:
    """See :func:`desired_image.desired_image`, which few tasks need."""
    if entry.get("image") is None and entry.get("image_mode") is None:
        return None
    from ansible_collections.svpc.virt.plugins.module_utils.task.desired_image import desired_image

    return desired_image(entry, resource_type, pool_id, place)


def _by_proper_names(entry: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The options by the standard's names; two names for one option must not contradict each other."""
    proper = {alias: name for name, aliases in RESOURCE_OPTIONS.items() for alias in (name, *aliases)}
    found: dict[str, Any] = {}
    for word, value in entry.items():
        if word not in proper:
            raise allowed_words(f"{place}option", word, RESOURCE_OPTIONS)
        name = proper[word]
        if value is None:
            continue
        if name in found and found[name] != value:
            raise InvalidInput(f"{place}{name} is given twice, as {found[name]!r} and as {value!r}")
        found[name] = value
    return found


def _quantities(entry: Mapping[str, Any], row: ResourceRow, place: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    unit = entry.get("virtual_quantity_units")
    quantity, maximum = entry.get("virtual_quantity"), entry.get("maximum_quantity")
    if unit is not None and quantity is None and maximum is None:
        raise InvalidInput(f"{place}virtual_quantity_units is given without virtual_quantity")
    if quantity is not None:
        found["virtual_quantity"] = units.parse_quantity(quantity, row.quantity_unit, unit, f"{place}virtual_quantity")
    if maximum is not None:
        # The unit is that of the quantity; a maximum with a unit of its own does not need it.
        of_its_own = quantity is not None and re.fullmatch(r"[\d.]+", str(maximum).strip()) is None
        found["maximum_quantity"] = units.parse_quantity(
            maximum, row.quantity_unit, None if of_its_own else unit, f"{place}maximum_quantity"
        )
    for name in ("reservation", "limit"):
        if entry.get(name) is None:
            continue
        amount = units.parse_quantity(entry[name], row.allocation_unit or units.COUNT, where=f"{place}{name}")
        if amount and row.allocation_unit is None and row is not GENERIC_ROW:
            raise InvalidInput(f"{place}this type of resource has no {name}")
        found[name] = amount
    return found


def _sub_type_and_settings(entry: Mapping[str, Any], row: ResourceRow, place: str) -> tuple[str | None, dict[str, Any]]:
    """The sub-type and the settings.  A sub-type that is the format of an image means the setting of that name."""
    given = _mapping(entry.get("settings"), f"{place}settings")
    settings = _settings(given, row.settings, _ALL_RESOURCE_SETTINGS, f"{place}settings")
    sub_type = _text(entry, "resource_sub_type", place)
    if sub_type is not None and "format" in row.settings and sub_type in row.settings["format"].words:
        if settings.setdefault("format", sub_type) != sub_type:
            raise InvalidInput(
                f"{place}resource_sub_type {sub_type!r} and settings: format {settings['format']!r} contradict each other"
            )
        sub_type = None
    return sub_type, settings


def _settings(
    given: Mapping[str, Any], rows: Mapping[str, SettingRow], known: Mapping[str, SettingRow], where: str
) -> dict[str, Any]:
    """Parsed settings; what other types have and this one does not is left out where it has no value."""
    relevant = {name: value for name, value in given.items() if value is not None or name not in known}
    return parse_settings(relevant, rows, where)


_MAC = re.compile(r"[0-9a-f]{12}")


def _address(entry: Mapping[str, Any], row: ResourceRow, place: str) -> str | None:
    value = _text(entry, "address", place)
    return mac_address(value, f"{place}address") if value is not None and row.addressed else value


def mac_address(value: str, where: str) -> str:
    """A MAC address in lower case with colons.  Raises InvalidInput for anything that is none."""
    digits = re.sub(r"[:.-]", "", value.strip()).lower()
    if _MAC.fullmatch(digits) is None:
        hint = " (in YAML, an address of decimal digits has to be in quotes)" if value.isdigit() else ""
        raise InvalidInput(f"{where}: {value!r} is not a MAC address, such as 52:54:00:ab:cd:ef{hint}")
    if int(digits[1], 16) % 2:
        raise InvalidInput(f"{where}: {value!r} is the address of a group; that of an adapter has an even second digit")
    return ":".join(digits[index : index + 2] for index in range(0, 12, 2))


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{where}: expected names with values, got {value!r}")
    return value


def _parsed(row: SettingRow, entry: Mapping[str, Any], name: str, place: str) -> Any:
    value = entry.get(name)
    return None if value is None else row.parse(value, f"{place}{name}")


def _text(entry: Mapping[str, Any], name: str, place: str) -> str | None:
    value: str | None = _parsed(_TEXT, entry, name, place)
    return value


def _texts(entry: Mapping[str, Any], name: str, place: str) -> tuple[str, ...] | None:
    value = entry.get(name)
    if value is None:
        return None
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise InvalidInput(f"{place}{name}: expected a list, got {value!r}")
    return tuple(_TEXT.parse(item, f"{place}{name}") for item in items)


def _word(words: type[Word], entry: Mapping[str, Any], name: str, place: str) -> Word | None:
    value = entry.get(name)
    if value is None:
        return None
    for member in words:
        if member.name.lower() == str(value):
            return member
    raise allowed_words(f"{place}{name}", value, [member.name.lower() for member in words])


# Pools


def desired_pool(params: Mapping[str, Any]) -> DesiredPool:
    """What the options of ``resource_pool`` declare.  Raises InvalidInput."""
    from ansible_collections.svpc.virt.plugins.module_utils.plan.resource_pool import DesiredPool

    resource_type = ResourceType.from_word(str(params.get("resource_type")))
    given = _mapping(params.get("settings"), "settings")
    settings = _settings(given, pool_setting_rows(resource_type), _ALL_POOL_SETTINGS, "settings")
    if "dhcp_hosts" in settings:
        settings["dhcp_hosts"] = tuple(_dhcp_host(host) for host in settings["dhcp_hosts"])
    return DesiredPool(
        pool=ResourcePool(
            pool_id=_name(params.get("pool_id"), "pool_id"),
            resource_type=resource_type,
            resource_sub_type=_text(params, "resource_sub_type", ""),
            parent=_text(params, "parent", ""),
            host_resource=_texts(params, "host_resource", ""),
            automatic_startup=_parsed(_FLAG, params, "automatic_startup", ""),
            settings=settings,
        ),
        state=params.get("state") or "present",
    )


def _dhcp_host(host: Mapping[str, Any]) -> dict[str, Any]:
    if host.get("mac") is None:
        return dict(host)
    return {**host, "mac": mac_address(host["mac"], "settings: dhcp_hosts: mac")}


# Snapshots


def desired_snapshot(params: Mapping[str, Any]) -> DesiredSnapshot:
    """What the options of ``snapshot`` declare.  Raises InvalidInput."""
    from ansible_collections.svpc.virt.plugins.module_utils.plan.snapshot import DesiredSnapshot

    kind = params.get("snapshot_type")
    words = {member.word: member for member in SnapshotType}
    if kind is not None and kind not in words:
        raise allowed_words("snapshot_type", kind, words)
    return DesiredSnapshot(
        name=_name(params.get("name"), "name"),
        state=params.get("state") or "present",
        snapshot_type=None if kind is None else words[kind],
        description=_text(params, "description", ""),
        quiesce=bool(params.get("quiesce")),
        with_dependents=bool(params.get("with_dependents")),
    )
