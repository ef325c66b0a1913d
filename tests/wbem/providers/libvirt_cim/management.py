# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods of libvirt-cim's management service, with what they break."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd, values
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from tests.wbem import invoke
from tests.wbem.invoke import Invocation, Method
from tests.wbem.providers import states
from tests.wbem.providers.libvirt_cim import resources, systems
from tests.wbem.providers.libvirt_cim.documents import as_markup
from tests.wbem.providers.libvirt_cim.resources import Shown, failed

Output = Mapping[str, Any]
NOT_FOUND, INVALID = pywbem.CIM_ERR_NOT_FOUND, pywbem.CIM_ERR_INVALID_PARAMETER

KEPT_SETTINGS = frozenset(
    {
        *("virtual_system_type", "architecture", "machine", "clock_offset", "boot_order"),
        *("automatic_startup_action", "automatic_recovery_action"),
    }
)
_KEPT = frozenset({"resource_sub_type", "address", "address_on_parent", "virtual_quantity", "maximum_quantity"})
_KEPT_OF = {
    "Proc": frozenset({"weight"}),
    "Mem": frozenset(),
    "Disk": frozenset(
        {"host_resource", "pool_id", *(f"settings.{name}" for name in ("format", "cache", "access", "shareable"))}
    ),
    "Net": frozenset({"connection", "limit", "reservation"}),
    "Graphics": frozenset(f"settings.{name}" for name in ("listen_address", "port", "key_map", "password")),
    "Input": frozenset({"settings.bus"}),
    "Console": frozenset({"host_resource", "settings.listen"}),
    "Controller": frozenset({"settings.queues"}),
}
"""What survives when libvirt-cim writes a system's document anew, beside _KEPT."""


def _trap(invocation: Invocation, name: str) -> bool:
    return name in invocation.world.dialect.traps


def _no_domain(name: object) -> pywbem.CIMError:
    return failed(
        f"Referenced domain `{name}' does not exist: Domain not found: no domain with matching name '{name}'", NOT_FOUND
    )


def _system(invocation: Invocation, name: object) -> VirtualSystem:
    for system in invocation.reading.systems:
        if system.name == name:
            return system
    raise _no_domain(name)


def _ref(system: VirtualSystem) -> changes.SystemRef:
    return changes.SystemRef(system.name, system.uuid)


def _check_up(invocation: Invocation, error: pywbem.CIMError) -> None:
    if invocation.world.faults.host_is_down:
        raise error


_REWRITING = (
    changes.AddResourceSettings,
    changes.ModifyResourceSettings,
    changes.RemoveResourceSettings,
    changes.ModifySystemSettings,
)


def _carried_out(invocation: Invocation, change: changes.Change, action: str) -> None:
    if isinstance(change, _REWRITING) and as_markup(invocation, change.system.name) != change.system.name:
        raise failed(f"{action}: missing name information")
    try:
        invocation.carry_out(change)
    except errors.VirtError as error:
        invocation.world.failures.append(error)
        raise failed(f"{action}: {error}") from None


def after_change(invocation: Invocation, name: str, weight_given: bool = False) -> None:
    """What every change of a configuration does beside what it was asked for."""
    world = invocation.world
    if weight_given:
        world.zeroed.discard(name)
    elif _trap(invocation, "shares_are_zeroed"):
        world.zeroed.add(name)
    if _trap(invocation, "rewrites_domain"):
        _rewrite(invocation, name)


def _rewrite(invocation: Invocation, name: str) -> None:
    """Drop from the definition what libvirt-cim has no property for."""
    system = _system(invocation, name)
    ref = _ref(system)
    lost = {key: (value, None) for key, value in system.defined.settings.items() if key not in KEPT_SETTINGS}
    if lost:
        with contextlib.suppress(errors.VirtError):
            invocation.carry_out(changes.ModifySystemSettings(ref, lost))
    known = {id(found.rasd): found.suffix for found in resources.shown(system, system.defined)}
    for rasd in system.defined.resources:
        with contextlib.suppress(errors.VirtError):
            if id(rasd) not in known:
                if not rasd.implied:
                    invocation.carry_out(changes.RemoveResourceSettings(ref, rasd))
                continue
            kept = _KEPT | _KEPT_OF[known[id(rasd)]]
            dropped = {key: (value, None) for key, value in values(rasd).items() if key not in kept}
            if dropped:
                invocation.carry_out(changes.ModifyResourceSettings(ref, rasd, dropped))


# systems


def _define(invocation: Invocation) -> Output:
    wanted, given = invocation.need("SystemSettings"), invocation.need("ResourceSettings")
    _check_up(invocation, failed("SystemSettings Error"))
    name = wanted.get("VirtualSystemIdentifier")
    if name is None or wanted.classname != invocation.reading.name_of("VirtualSystemSettingData"):
        raise failed("Failed to define domain: xml in virDomainDefineXML must not be NULL")
    name = as_markup(invocation, name)
    if not name:
        raise failed("Failed to define domain: missing name information")
    reference = invocation.get("ReferenceConfiguration")
    copied: list[Rasd] = []
    if reference is not None:
        other = _system(invocation, str(reference.keybindings.get("InstanceID")).partition(":")[2])
        copied = [found.rasd for found in resources.shown(other, other.defined)]
    if not given:
        raise failed("ResourceSettings Error: No resources specified, (null)")
    rasds = [resources.read(invocation.reading, found) for found in given]
    own = {(rasd.resource_type, rasd.address_on_parent) for rasd in rasds}
    rasds += [
        replace(rasd, instance_id=None, name=None, address=None)
        for rasd in copied
        if not rasd.row.singleton or (rasd.resource_type, rasd.address_on_parent) not in own
    ]
    _check_new(invocation, name, wanted, rasds)
    if not any(rasd.resource_type is ResourceType.GRAPHICS_CONTROLLER for rasd in rasds):
        console = {"listen_address": "127.0.0.1", "port": -1}
        rasds.append(Rasd(ResourceType.GRAPHICS_CONTROLLER, resource_sub_type="vnc", settings=console))
    settings = {**invocation.reading.capabilities.default_settings, "boot_order": ("disk_drive",), **_read(wanted)}
    uuid = wanted.get("UUID")
    ref = changes.SystemRef(name, uuid.lower() if uuid else None)
    change = changes.DefineSystem(ref, Configuration(settings, tuple(rasds)))
    _carried_out(invocation, change, "Failed to define domain")
    weighted = any(rasd.resource_type is ResourceType.PROCESSOR and rasd.weight is not None for rasd in rasds)
    if not weighted and _trap(invocation, "shares_are_zeroed"):
        invocation.world.zeroed.add(name)
    else:
        invocation.world.zeroed.discard(name)
    return {"ResultingSystem": systems.computer_system(invocation.reading, _system(invocation, name)).path}


def _check_new(invocation: Invocation, name: str, wanted: Any, rasds: list[Rasd]) -> None:
    for system in invocation.reading.systems:
        if system.name == name:
            raise failed(
                f"Failed to define domain: operation failed: domain '{name}' already exists with uuid {system.uuid}"
            )
        if system.uuid and wanted.get("UUID") and system.uuid == wanted["UUID"].lower():
            raise failed(f"Guest '{system.name}' is already defined with UUID {system.uuid}")
    if "/" in name:
        raise failed(f"Failed to define domain: XML error: name {name} cannot contain '/'")
    if not any(rasd.resource_type is ResourceType.PROCESSOR for rasd in rasds):
        raise failed("Failed to define domain: internal error: CPU IDs in <numa> exceed the <vcpu> count")
    places = [rasd.address_on_parent for rasd in rasds if rasd.resource_type in resources.EMULATED]
    if len(set(places)) != len(places):
        raise failed(
            "ResourceSettings Error: VirtualDevice property must be unique for each DiskResourceAllocationSettingData "
            "in a single guest, (null)"
        )


def _read(wanted: Any) -> dict[str, Any]:
    """The settings an instance gives; VirtualSystemType, Notes and much more is ignored."""
    found: dict[str, Any] = {}
    for name, key in (("Arch", "architecture"), ("Machine", "machine")):
        if wanted.get(name):
            found[key] = wanted[name]
    if wanted.get("AutoStart") is not None:
        found["automatic_startup_action"] = "always_startup" if int(wanted["AutoStart"]) else "none"
    if wanted.get("AutomaticRecoveryAction") is not None:
        found["automatic_recovery_action"] = "restart" if int(wanted["AutomaticRecoveryAction"]) == 3 else "none"
    if wanted.get("ClockOffset") is not None:
        found["clock_offset"] = "localtime" if int(wanted["ClockOffset"]) == 1 else "utc"
    if wanted.get("BootDevices"):
        words = {device: word for word, device in systems.BOOT.items()}
        found["boot_order"] = tuple(words[device] for device in wanted["BootDevices"] if device in words)
    return found


def _destroy(invocation: Invocation) -> Output:
    path = invocation.need("AffectedSystem")
    _check_up(
        invocation,
        failed(
            "Unable to connect to libvirt: Failed to connect socket to '/var/run/libvirt/libvirt-sock': "
            "No such file or directory",
            NOT_FOUND,
        ),
    )
    name = path.keybindings.get("Name")
    if name is None:
        raise failed("Unable to retrieve domain name: Error 0", NOT_FOUND)
    system = _system(invocation, name)
    refusing = "Unable to retrieve domain name: Requested operation is not valid:"
    if system.state in (SystemState.ACTIVE, SystemState.PAUSED):
        _carried_out(invocation, states.change_of(system, RequestedState.DISABLED), "Failed to destroy domain")
        left = [found for found in invocation.reading.systems if found.name == name]
        if not left:
            return {}
        system = left[0]
    if system.state is SystemState.SUSPENDED and name not in invocation.world.saves:
        raise failed(f"{refusing} Refusing to undefine while domain managed save image exists", NOT_FOUND)
    if system.snapshots:
        count = len(system.snapshots)
        raise failed(f"{refusing} cannot delete inactive domain with {count} snapshots", NOT_FOUND)
    if system.state is not SystemState.DEFINED:
        _carried_out(invocation, states.change_of(system, RequestedState.DISABLED), "Failed to destroy domain")
        system = _system(invocation, name)
    _carried_out(invocation, changes.DestroySystem(_ref(system), (), system.belongings), "Failed to undefine domain")
    invocation.world.zeroed.discard(system.name)
    if not _trap(invocation, "save_file_stays"):
        invocation.world.saves.discard(system.name)
    return {}


def _modify_system(invocation: Invocation) -> Output:
    wanted = invocation.need("SystemSettings")
    name = wanted.get("VirtualSystemIdentifier")
    if name is None:
        raise failed("Missing VirtualSystemIdentifier", pywbem.CIM_ERR_NO_SUCH_PROPERTY)
    system = _system(invocation, name)
    uuid = wanted.get("UUID")
    if uuid and uuid.lower() != system.uuid:
        raise failed(
            f"{name} is already defined with UUID {system.uuid} - cannot change UUID to the UUID specified {uuid}"
        )
    now = system.defined.settings
    found = _read(wanted)
    if _trap(invocation, "modify_system_replaces"):
        if "machine" not in found and "q35" in str(now.get("machine")):
            raise failed(
                "Failed to define domain: XML error: The PCI controller with index='0' must be model='pci-root' for "
                "this machine type, but model='pcie-root' was found instead"
            )
        defaults = {"boot_order": ("disk_drive",), "automatic_startup_action": "none"}
        found = {**defaults, "automatic_recovery_action": "none", **found}
    differences = {key: (now.get(key), value) for key, value in found.items() if now.get(key) != value}
    if differences:
        _carried_out(invocation, changes.ModifySystemSettings(_ref(system), differences), "Failed to define domain")
    after_change(invocation, name)
    return {}


# resources


def _add(invocation: Invocation) -> Output:
    path, given = invocation.need("AffectedConfiguration"), invocation.need("ResourceSettings")
    whole = str(path.keybindings.get("InstanceID"))
    if not whole.startswith("KVM:"):
        raise failed("AffectedConfiguration has invalid InstanceID", INVALID)
    name = whole.partition(":")[2]
    added = []
    for wanted in given:
        system = _system(invocation, name)
        rasd = resources.read(invocation.reading, wanted)
        kind = resources.kind_of(wanted)
        if kind in ("Mem", "Proc"):
            raise failed(f"Unable to add resource of type {int(rasd.resource_type)}")
        if kind == "Disk" and any(
            other.address_on_parent == rasd.address_on_parent and other.resource_type in resources.EMULATED
            for other in system.defined.resources
        ):
            raise failed(f"Failed to define domain: XML error: target '{rasd.address_on_parent}' duplicated")
        live = resources.is_on(system) and kind in ("Disk", "Net")
        _carried_out(
            invocation, changes.AddResourceSettings(_ref(system), rasd, live=live), "Unable to change (0) device"
        )
        keys = {"InstanceID": wanted["InstanceID"]} if wanted.get("InstanceID") else {}
        if not keys and not _trap(invocation, "added_path_without_keys"):
            found = list(resources.shown(_system(invocation, name)))
            keys = {"InstanceID": next(each.instance_id for each in reversed(found) if each.suffix == kind)}
        added.append(
            pywbem.CIMInstanceName(wanted.classname, keybindings=keys, namespace=invocation.world.dialect.namespace)
        )
        after_change(invocation, name)
    return {"ResultingResourceSettings": added or None}


def _existing(invocation: Invocation, instance_id: str | None) -> tuple[VirtualSystem, Shown]:
    if instance_id is None:
        raise failed("Missing InstanceID in RASD", INVALID)
    name, slash, _ = str(instance_id).partition("/")
    if not slash:
        raise failed(f"Invalid InstanceID `{instance_id}'", INVALID)
    found = resources.find(invocation.reading, instance_id)
    if found is None:
        known = any(system.name == name for system in invocation.reading.systems)
        why = "Error 0" if known else f"Domain not found: no domain with matching name '{name}'"
        raise failed(f"No such instance ({instance_id}): {why}", NOT_FOUND)
    return found


def _modify(invocation: Invocation) -> Output:
    paths = []
    for wanted in invocation.need("ResourceSettings"):
        system, shown = _existing(invocation, wanted.get("InstanceID"))
        resources.kind_of(wanted)
        defined = next(
            (found for found in resources.shown(system, system.defined) if found.instance_id == shown.instance_id),
            shown,
        )
        after = resources.read(invocation.reading, wanted, defined.rasd)
        weight = shown.suffix == "Proc" and wanted.get("Weight") is not None
        if resources.is_on(system):
            _refuse_live(invocation, system, shown, wanted, weight)
        differences = _differences(defined.rasd, after)
        if differences:
            live = {} if not resources.is_on(system) else _live(invocation, shown, differences)
            change = changes.ModifyResourceSettings(
                _ref(system),
                defined.rasd,
                differences,
                running_before=shown.rasd if live else None,
                live_differences=live,
            )
            _carried_out(invocation, change, "Failed to define domain")
        if shown.suffix != "Proc" or weight:
            after_change(invocation, system.name, weight_given=weight)
        paths.append(resources.instance(invocation.reading, system, shown).path)
    return {"ResultingResourceSettings": paths or None}


def _differences(before: Rasd, after: Rasd) -> dict[str, tuple[Any, Any]]:
    old, new = values(before), values(after)
    return {name: (old.get(name), new.get(name)) for name in {*old, *new} if old.get(name) != new.get(name)}


def _live(invocation: Invocation, shown: Shown, found: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    offered = invocation.reading.capabilities.allocation.get(shown.rasd.resource_type)
    known = values(shown.rasd)
    allowed = offered.live_modify if offered is not None else {}
    return {name: (known.get(name), pair[1]) for name, pair in found.items() if name in allowed}


def _refuse_live(invocation: Invocation, system: VirtualSystem, shown: Shown, wanted: Any, weight: bool) -> None:
    """What cannot be changed in a running system; the refusal leaves its marks all the same."""
    if shown.suffix == "Mem" and _trap(invocation, "live_memory_fails"):
        after_change(invocation, system.name)
        raise failed(
            "Unable to change (2) device: Requested operation is not valid: cannot resize the maximum memory on an "
            "active domain"
        )
    if shown.suffix != "Proc" or wanted.get("VirtualQuantity") is None or not _trap(invocation, "live_processors_fail"):
        return
    asked, now = int(wanted["VirtualQuantity"]), shown.rasd.maximum_quantity or shown.rasd.virtual_quantity or 1
    if asked != now:
        after_change(invocation, system.name, weight_given=weight)
        why = f"invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: {asked} > {now}"
        if asked < now:
            why = "unsupported configuration: failed to find appropriate hotpluggable vcpus to reach the desired target"
        raise failed(f"Unable to change (2) device: {why}")


def _remove(invocation: Invocation) -> Output:
    for path in invocation.need("ResourceSettings"):
        system, shown = _existing(invocation, path.keybindings.get("InstanceID"))
        if shown.suffix in ("Mem", "Proc"):
            raise failed(f"Cannot delete resources of type {int(shown.rasd.resource_type)}")
        running = shown.rasd if resources.is_on(system) else None
        if running is not None and shown.suffix == "Net" and _trap(invocation, "live_net_removal_fails"):
            after_change(invocation, system.name)
            raise failed(
                f"Unable to change (1) device: device not found: no device found matching MAC address "
                f"'{shown.rasd.address}' and alias"
            )
        if running is not None and shown.suffix == "Disk" and _trap(invocation, "removed_disk_stays_live"):
            running = None
        defined = next(
            (found for found in resources.shown(system, system.defined) if found.instance_id == shown.instance_id), None
        )
        if defined is None:
            # It is gone from the definition already, and stays in the running system.
            continue
        change = changes.RemoveResourceSettings(_ref(system), defined.rasd, running_resource=running)
        _carried_out(invocation, change, "Unable to change (1) device")
        after_change(invocation, system.name)
    return {}


# states


def _request_state_change(invocation: Invocation) -> Output:
    name = invocation.target.path.keybindings.get("Name")
    number = int(invocation.need("RequestedState"))
    system = next((found for found in invocation.reading.systems if found.name == name), None)
    if system is None or invocation.world.faults.host_is_down:
        raise failed(f"Unable to get instance for guest '{name}'", INVALID)
    invocation.world.requested[system.name] = number
    if number not in (2, 3, 4, 9, 10, 11):
        raise failed("State not supported", pywbem.CIM_ERR_NOT_SUPPORTED)
    wanted = RequestedState(number)
    off = not resources.is_on(system)
    if wanted is RequestedState.ENABLED:
        _check_start(invocation, system)
    elif off and wanted in (RequestedState.QUIESCE, RequestedState.REBOOT, RequestedState.RESET):
        raise failed("Domain not running")
    elif (
        off
        or (wanted is RequestedState.DISABLED and system.state is SystemState.PAUSED)
        or (wanted is RequestedState.QUIESCE and system.state is SystemState.PAUSED)
    ):
        raise failed("Invalid state transition")
    if wanted is RequestedState.SHUT_DOWN:
        _shut_down_later(invocation, system)
        return {}
    with invocation.world.lock:
        _carried_out(invocation, states.change_of(system, wanted), "Unable to change state of domain")
    return {}


def _check_start(invocation: Invocation, system: VirtualSystem) -> None:
    if system.name in invocation.world.saves and not resources.is_on(system):
        raise failed("Domain has a snapshot", pywbem.CIM_ERR_NOT_SUPPORTED)
    if system.state is SystemState.ACTIVE:
        raise failed("Invalid state transition")
    if system.name in invocation.world.zeroed and not resources.is_on(system):
        raise failed("Unable to start domain: invalid argument: shares '0' must be in range [2, 262144]")


def _shut_down_later(invocation: Invocation, system: VirtualSystem) -> None:
    """The guest is asked, and the answer does not wait for it."""
    change = states.change_of(system, RequestedState.SHUT_DOWN)

    def ask() -> None:
        time.sleep(0.02)
        try:
            invocation.world.platform.carry_out(change)
        except errors.VirtError as error:
            invocation.world.failures.append(error)

    threading.Thread(target=ask, daemon=True).start()


METHODS = {
    f"VirtualSystemManagementService.{name}": Method(handler, invoke.MANAGEMENT)
    for name, handler in (
        ("DefineSystem", _define),
        ("DestroySystem", _destroy),
        ("ModifySystemSettings", _modify_system),
        ("AddResourceSettings", _add),
        ("ModifyResourceSettings", _modify),
        ("RemoveResourceSettings", _remove),
    )
} | {"ComputerSystem.RequestStateChange": Method(_request_state_change, invoke.STATE, locked=False)}
