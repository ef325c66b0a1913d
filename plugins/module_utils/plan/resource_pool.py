# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change so that a resource pool is as declared (DSP1041)."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    Conflict,
    InTheWay,
    InvalidInput,
    NotSupported,
    Refused,
    allowed_words,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities, PoolCapabilities
from ansible_collections.svpc.virt.plugins.module_utils.model.frozen import frozen
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import POOL_STATES, ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.values import shown
from ansible_collections.svpc.virt.plugins.module_utils.plan.changes import (
    Change,
    CreateResourcePool,
    DeleteResourcePool,
    Difference,
    ModifyPoolSettings,
    Plan,
    RequestPoolStateChange,
)
from ansible_collections.svpc.virt.plugins.module_utils.plan.checks import check_method
from ansible_collections.svpc.virt.plugins.module_utils.plan.names import check_new_name
from ansible_collections.svpc.virt.plugins.module_utils.plan.pool_checks import Question, check_pool
from ansible_collections.svpc.virt.plugins.module_utils.plan.predict import predict_pool

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")


@frozen
class DesiredPool:
    """What a user declares about one pool."""

    pool: ResourcePool
    state: str = "present"


def plan_pool(desired: DesiredPool, current: ResourcePool | None, capabilities: Capabilities) -> Plan:
    """The changes that make a pool as declared, in order; empty when it already is.

    Raises, before anything is touched, for what the host or this kind of pool cannot do, and for a change that an
    active pool could only take by being stopped.
    """
    if desired.state not in POOL_STATES:
        raise allowed_words("state", desired.state, POOL_STATES)
    pool = desired.pool
    primordial = current is not None and current.primordial
    if pool.resource_type in (ResourceType.PROCESSOR, ResourceType.MEMORY) or primordial:
        return _plan_primordial(desired, current)
    if desired.state != "absent":
        _check_declaration(pool, current, capabilities)
    if pool.resource_type not in capabilities.pool_types:
        types = sorted(resource_type.word for resource_type in capabilities.pool_types)
        raise NotSupported(
            f"Pool {pool.pool_id!r}: the host has no pools for {pool.resource_type.word}; allowed are "
            f"{', '.join(types)}",
            allowed=types,
        )
    if desired.state == "absent":
        plan = _plan_absent(current, capabilities)
    elif current is None:
        plan = _plan_new(desired, capabilities)
    else:
        plan = _plan_existing(desired, current, capabilities)
    return _offered(plan, capabilities)


def _check_declaration(pool: ResourcePool, current: ResourcePool | None, capabilities: Capabilities) -> None:
    """Raise InvalidInput for what no host can take; before it is asked what this one can."""
    given, there = declared_values(pool), {} if current is None else declared_values(current)
    changed, untold, sub_type = frozenset(given), frozenset[str](), pool.resource_sub_type
    if current is None:
        check_new_name("pool_id", pool.pool_id, "pool")
    else:
        kind = _kind(current, current.resource_sub_type or sub_type or "", capabilities)
        changed, untold = frozenset(pool_differences(pool, current)), kind.making | kind.unseen
        sub_type = sub_type or current.resource_sub_type
    check_pool(Question(pool.pool_id, pool.resource_type, sub_type, {**there, **given}, there, changed, untold))


def _offered(plan: Iterable[Change], capabilities: Capabilities) -> Plan:
    for change in (offered := tuple(plan)):
        check_method(change.operation, capabilities)
    return offered


def _plan_primordial(desired: DesiredPool, current: ResourcePool | None) -> Plan:
    if current is None and desired.state == "absent":
        return ()
    if current is None:
        raise NotSupported(f"Pool {desired.pool.pool_id!r}: the host has no such primordial pool, and none can be made")
    if desired.state in ("absent", "inactive"):
        raise Refused(f"Pool {current.pool_id!r} is primordial: it always exists and cannot be {desired.state}")
    found = pool_differences(desired.pool, current)
    if found:
        raise NotSupported(
            f"Pool {current.pool_id!r} is primordial: {', '.join(sorted(found))} cannot be changed", allowed=[]
        )
    return ()


def _have_states(capabilities: Capabilities) -> bool:
    """Whether pools can be activated and deactivated; otherwise they are active as long as they exist."""
    return not capabilities.methods or RequestPoolStateChange.operation in capabilities.methods


def _plan_absent(current: ResourcePool | None, capabilities: Capabilities) -> list[Change]:
    if current is None:
        return []
    plan: list[Change] = []
    if current.active and _have_states(capabilities):
        plan.append(RequestPoolStateChange(current, active=False))
    plan.append(DeleteResourcePool(replace(current, active=False)))
    if current.children:
        raise InTheWay(
            f"Pool {current.pool_id!r} has children that draw from it: {', '.join(current.children)}. Remove them first",
            _offered(plan, capabilities),
            children=list(current.children),
        )
    return plan


def _plan_new(desired: DesiredPool, capabilities: Capabilities) -> list[Change]:
    pool = desired.pool
    kinds = capabilities.pool_types[pool.resource_type]
    if pool.resource_sub_type is None:
        raise InvalidInput(
            f"Pool {pool.pool_id!r} does not exist: resource_sub_type is needed to make it; allowed are "
            f"{', '.join(kinds)}",
            allowed=list(kinds),
        )
    if pool.resource_sub_type not in kinds:
        raise NotSupported(
            f"Pool {pool.pool_id!r}: resource_sub_type {pool.resource_sub_type!r} is not offered by this host; allowed "
            f"are {', '.join(kinds)}",
            allowed=list(kinds),
        )
    kind = _kind(pool, pool.resource_sub_type, capabilities)
    given = declared_values(pool)
    _check_supported(pool, given, kind, capabilities)
    _check_required(pool, pool.resource_sub_type, given, kind.required)
    states = _have_states(capabilities)
    plan: list[Change] = [CreateResourcePool(pool if states else replace(pool, active=True))]
    if (desired.state == "active" and states) or (desired.state == "inactive" and not states):
        plan.append(RequestPoolStateChange(replace(pool, active=not states), active=states))
    return plan


def _plan_existing(desired: DesiredPool, current: ResourcePool, capabilities: Capabilities) -> list[Change]:
    pool = desired.pool
    kind = _kind(current, current.resource_sub_type or pool.resource_sub_type or "", capabilities)
    left = {*kind.making, *uncompared(desired, current, capabilities)}
    found = {name: change for name, change in pool_differences(pool, current).items() if name not in left}
    if "resource_sub_type" in found:
        before, after = found["resource_sub_type"]
        other = _kind(current, str(after), capabilities)
        if not all("resource_sub_type" in one.stopped | one.live for one in (kind, other)):
            raise Conflict(
                f"Pool {current.pool_id!r} is of kind {before} and cannot become {after}: remove it (what is in it "
                "stays) and declare it anew"
            )
        kind = other
    _check_supported(current, {name: after for name, (_before, after) in found.items()}, kind, capabilities)
    _check_required(
        current,
        kind.resource_sub_type,
        {**declared_values(current), **{name: after for name, (_before, after) in found.items()}},
        [group for group in kind.required if set(group) & set(found)],
    )
    for name, (before, after) in found.items():
        if name in kind.fixed:
            raise Conflict(
                f"Pool {current.pool_id!r}: {name.replace('settings.', '')} is {_words(before)} and cannot become "
                f"{_words(after)}: {kind.fixed[name]}"
            )
    active = bool(current.active)
    wanted = {"active": True, "inactive": False}.get(desired.state, active)
    plan: list[Change] = []
    if active and not wanted:
        plan.append(RequestPoolStateChange(current, active=False))
    stays_active = active and wanted
    stopped = sorted(name for name in found if name in kind.stopped)
    if found:
        existing = predict_pool(current, plan) or current
        plan.append(ModifyPoolSettings(existing, found, live=stays_active and not stopped))
    if wanted and not active:
        plan.append(RequestPoolStateChange(predict_pool(current, plan) or current, active=True))
    if stopped and stays_active:
        words = ", ".join(name.replace("settings.", "") for name in stopped)
        raise InTheWay(
            f"Pool {current.pool_id!r} is active: changing {words} needs it to be inactive. "
            "Declare it with state: inactive, then with state: active",
            _offered(plan, capabilities),
            properties=stopped,
        )
    return plan


def uncompared(desired: DesiredPool, current: ResourcePool | None, capabilities: Capabilities) -> tuple[str, ...]:
    """What is declared of an existing pool and cannot be compared, since the host does not show it: names, sorted."""
    if current is None or current.primordial or desired.state == "absent":
        return ()
    found = pool_differences(desired.pool, current)
    if not found:
        return ()
    kind = _kind(current, current.resource_sub_type or desired.pool.resource_sub_type or "", capabilities)
    unseen = kind.unseen if current.resource_sub_type is not None else {*kind.unseen, "resource_sub_type"}
    return tuple(sorted(name for name in found if name in unseen))


def _kind(pool: ResourcePool, sub_type: str, capabilities: Capabilities) -> PoolCapabilities:
    """What can be done with a pool of a kind; where nobody says the kind, what all kinds of its type have in common."""
    resource_type = pool.resource_type
    known = capabilities.pools.get((resource_type, sub_type))
    kinds = (
        []
        if known or sub_type
        else [kind for kind in capabilities.pools.values() if kind.resource_type is resource_type]
    )
    if not kinds:
        return known or PoolCapabilities(resource_type, sub_type)
    first, *others = kinds

    def shared(names: Iterable[str], part: str) -> frozenset[str]:
        return frozenset(names).intersection(*(getattr(other, part) for other in others))

    return PoolCapabilities(
        resource_type,
        sub_type,
        live=shared(first.live, "live"),
        stopped=shared(first.stopped, "stopped"),
        making=shared(first.making, "making"),
        unseen=shared(first.unseen, "unseen"),
        fixed={name: first.fixed[name] for name in shared(first.fixed, "fixed")},
        unsupported={name: first.unsupported[name] for name in shared(first.unsupported, "unsupported")},
    )


def _check_supported(
    pool: ResourcePool, given: dict[str, Any], kind: PoolCapabilities, capabilities: Capabilities
) -> None:
    for name in given:
        reason = kind.unsupported.get(name) or capabilities.unsupported_pool_settings.get(name.replace("settings.", ""))
        if reason:
            raise NotSupported(f"Pool {pool.pool_id!r}: {name.replace('settings.', '')} is not supported: {reason}")
        allowed = kind.words.get(name)
        if allowed and given[name] not in allowed:
            raise NotSupported(
                f"Pool {pool.pool_id!r}: {name.replace('settings.', '')} {given[name]!r} is not offered by this host; "
                f"allowed are {', '.join(allowed)}",
                allowed=list(allowed),
            )


def _check_required(
    pool: ResourcePool, sub_type: str, given: Mapping[str, Any], required: Iterable[tuple[str, ...]]
) -> None:
    """Raise InvalidInput where none of the values is given of which a kind of pool needs one."""
    missing = [group for group in required if all(given.get(name) in (None, "", ()) for name in group)]
    if missing:
        words = ", ".join(" or ".join(name.replace("settings.", "") for name in group) for group in missing)
        raise InvalidInput(
            f"Pool {pool.pool_id!r}: a {sub_type} pool needs {words}", missing=[list(group) for group in missing]
        )


def declared_values(pool: ResourcePool) -> dict[str, Any]:
    """Every value a user declared, by name; settings as ``settings.NAME``."""
    fields = {
        name: getattr(pool, name)
        for name in ("resource_sub_type", "parent", "host_resource", "automatic_startup")
        if getattr(pool, name) is not None
    }
    fields.update({f"settings.{name}": value for name, value in pool.settings.items() if value is not None})
    return fields


def pool_differences(desired: ResourcePool, current: ResourcePool) -> dict[str, Difference]:
    """Every declared value the pool does not have, as name → (before, after)."""
    existing = declared_values(current)
    found: dict[str, Difference] = {}
    for name, after in declared_values(desired).items():
        before = existing.get(name)
        row = desired.setting_rows.get(name[len("settings.") :]) if name.startswith("settings.") else None
        effective = (row.absent if row else None) if before is None else before
        if effective is None and after in ((), "", False):
            continue
        if not _same(effective, after):
            found[name] = (
                (shown(row, before), shown(row, after)) if row and row.kind.name == "SECRET" else (before, after)
            )
    return found


def _same(existing: Any, declared: Any) -> bool:
    """Whether a value is as declared: lists in any order, of records only the fields that are declared."""
    if isinstance(existing, Mapping) and isinstance(declared, Mapping):
        return all(
            _same(existing.get(key), value) or (existing.get(key) is None and value in ((), "", False))
            for key, value in declared.items()
            if value is not None
        )
    if isinstance(existing, tuple) and isinstance(declared, tuple):
        left = list(existing)
        for item in declared:
            match = next((other for other in left if _same(other, item)), None)
            if match is None:
                return False
            left.remove(match)
        return not left
    return bool(_plain(existing) == _plain(declared))


def _words(value: Any) -> str:
    return ", ".join(repr(item) for item in value) if isinstance(value, tuple) else repr(value)


def _plain(value: Any) -> Any:
    """One spelling for addresses (MAC, IPv4, IPv6) and paths that mean the same."""
    if not isinstance(value, str):
        return value
    if value.startswith("/") and len(value) > 1:
        return posixpath.normpath(value)
    if _MAC.fullmatch(value):
        return value.lower().replace("-", ":")
    try:
        return str(ipaddress.ip_interface(value) if "/" in value else ipaddress.ip_address(value))
    except ValueError:
        return value
