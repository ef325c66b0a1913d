# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM_VirtualSystemSnapshotService: snapshots, and where a server has nothing else for it, saved states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, HostFailed, NotFound, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot, dependents_of
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import snapshot_instance, systems
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.discovery import SNAPSHOTS, Server
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    NOT_FOUND,
    Family,
    pywbem,
    status_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.jobs import Done, run
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.values import instance, prop

MOST_CURRENT = "CIM_MostCurrentSnapshotInBranch"
LAST_APPLIED = "CIM_LastAppliedSnapshot"
DEPENDENCY = "CIM_Dependency"
_SAVE_AND_STOP = 32769
"""libvirt-cim: the state is saved and the system stays off."""


def call(server: Server, method: str, doing: str, **arguments: Any) -> Done:
    """Invoke a method of the service and see it through."""
    return run(server.session, Family.SNAPSHOT, method, server.needed(SNAPSHOTS, doing), doing, arguments)


def snapshots(server: Server, ref: changes.SystemRef) -> list[Snapshot]:
    """The snapshots of a system, parents before children.  Raises NotFound when there is no such system."""
    return [snapshot for snapshot, _path in _tree(server, systems.existing(server, ref))]


def _tree(server: Server, found: systems.SystemFound) -> list[tuple[Snapshot, Any]]:
    """The snapshots with their paths, parents before children."""
    if not found.snapshots:
        return []
    session = server.session
    current = session.associated(found.path, MOST_CURRENT, systems.SETTINGS, "Antecedent", "Dependent")
    current_keys = {systems.key_of(each.path) for each in current}
    keys = {systems.key_of(each.path): each for each in found.snapshots}
    parents: dict[systems.Key, Any] = {}
    for each in found.snapshots:
        for child in session.associated(each.path, DEPENDENCY, systems.SETTINGS, "Antecedent", "Dependent"):
            if systems.key_of(child.path) in keys and not systems.same(child.path, each.path):
                parents[systems.key_of(child.path)] = each
    read = {
        key: snapshot_instance.read_snapshot(each, parents.get(key), key in current_keys) for key, each in keys.items()
    }
    ordered: list[systems.Key] = []

    def place(key: systems.Key) -> None:
        parent = parents.get(key)
        if parent is not None and systems.key_of(parent.path) not in ordered:
            place(systems.key_of(parent.path))
        if key not in ordered:
            ordered.append(key)

    for key in sorted(keys, key=lambda each: (read[each].created or 0, read[each].name)):
        place(key)
    return [(read[key], keys[key].path) for key in ordered]


def _named(server: Server, change: Any) -> tuple[list[tuple[Snapshot, Any]], Any]:
    """All snapshots of the change's system, and the path of the one it names.  Raises NotFound."""
    tree = _tree(server, systems.existing(server, change.system))
    for snapshot, path in tree:
        if snapshot.name == change.name:
            return tree, path
    raise NotFound(f"Virtual system {change.system.name!r} has no snapshot {change.name!r} any more")


def create_snapshot(server: Server, change: changes.CreateSnapshot) -> None:
    """Take a snapshot.  Raises Conflict when there is one of that name by now."""
    found = systems.existing(server, change.system)
    if any(snapshot.name == change.name for snapshot, _path in _tree(server, found)):
        raise Conflict(f"Virtual system {change.system.name!r} has a snapshot {change.name!r} by now")
    settings = new_settings(server, change)
    doing = f"take snapshot {change.name!r} of virtual system {change.system.name!r}"
    done = call(
        server,
        "CreateSnapshot",
        doing,
        AffectedSystem=found.path,
        SnapshotSettings=settings,
        SnapshotType=pywbem.Uint16(int(change.snapshot_type)),
    )
    made = _tree(server, systems.existing(server, change.system))
    if any(snapshot.name == change.name for snapshot, _path in made):
        return
    path = done.path(server.session, "ResultingSnapshot")
    if path is None:
        raise HostFailed(f"Cannot {doing}: the server does not show it, nor say what it made")
    _rename(server, path, change, settings.classname)


def new_settings(server: Server, change: changes.CreateSnapshot) -> Any:
    """The settings of a snapshot that is to be taken.  Raises NotSupported for what the server has no place for."""
    class_name = server.settings_class()
    return instance(class_name, snapshot_instance.write_snapshot(change, server.shape(class_name)))


def _rename(server: Server, path: Any, change: changes.CreateSnapshot, class_name: str) -> None:
    """Give a snapshot its name where the server chose one; one that cannot be named is destroyed again."""
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import management

    settings = snapshot_instance.write_snapshot(change, server.shape(class_name), names_only=True)
    settings["InstanceID"] = prop("InstanceID", str(path.keybindings["InstanceID"]), "string")
    try:
        management.call(
            server,
            "ModifySystemSettings",
            f"name snapshot {change.name!r}",
            SystemSettings=instance(class_name, settings),
        )
    except VirtError as error:
        call(server, "DestroySnapshot", f"destroy snapshot {change.name!r} again", AffectedSnapshot=path)
        raise HostFailed(
            f"Virtual system {change.system.name!r}: the server gives snapshots names of its own and does not take "
            f"{change.name!r}: {error.message}"
        ) from error


def apply_snapshot(server: Server, change: changes.ApplySnapshot) -> None:
    """Return to a snapshot."""
    _everything, path = _named(server, change)
    doing = f"apply snapshot {change.name!r} of virtual system {change.system.name!r}"
    call(server, "ApplySnapshot", doing, Snapshot=path)


def destroy_snapshot(server: Server, change: changes.DestroySnapshot) -> None:
    """Delete a snapshot and the dependents the change names, the farthest first, and no others."""
    tree, path = _named(server, change)
    read = [snapshot for snapshot, _path in tree]
    paths = {snapshot.name: each for snapshot, each in tree}
    named = set(change.dependents)
    farthest_first = [name for name in reversed(dependents_of(read, change.name)) if name in named]
    for name in farthest_first:
        _destroy(server, change, name, paths[name])
    _destroy(server, change, change.name, path)
    expected = set(paths) - named - {change.name}
    left = {snapshot.name for snapshot, _path in _tree(server, systems.existing(server, change.system))}
    if expected - left:
        raise HostFailed(
            f"Virtual system {change.system.name!r}: with snapshot {change.name!r} the server has destroyed others that "
            f"nobody asked to destroy: {', '.join(sorted(expected - left))}"
        )


def _destroy(server: Server, change: changes.DestroySnapshot, name: str, path: Any) -> None:
    try:
        call(
            server,
            "DestroySnapshot",
            f"destroy snapshot {name!r} of virtual system {change.system.name!r}",
            AffectedSnapshot=path,
        )
    except VirtError as error:
        if status_of(error) != NOT_FOUND or server.session.get(path) is not None:
            raise


# Saved states of servers that have them in place of snapshots


def suspend(server: Server, found: systems.SystemFound) -> None:
    """Save the state of a system and turn it off."""
    name = systems.name_of(found.system)
    call(
        server,
        "CreateSnapshot",
        f"save the state of virtual system {name!r}",
        AffectedSystem=found.path,
        SnapshotSettings=_itself(found),
        SnapshotType=pywbem.Uint16(_SAVE_AND_STOP),
    )


def resume(server: Server, found: systems.SystemFound) -> None:
    """Bring a system back to its saved state; the file that held it goes."""
    call(
        server,
        "ApplySnapshot",
        f"resume virtual system {systems.name_of(found.system)!r}",
        Snapshot=found.defined.path,
    )


def discard(server: Server, found: systems.SystemFound) -> None:
    """Give up the saved state of a system."""
    call(
        server,
        "DestroySnapshot",
        f"discard the saved state of virtual system {systems.name_of(found.system)!r}",
        AffectedSnapshot=found.defined.path,
    )


def _itself(found: systems.SystemFound) -> Any:
    """The settings that the server demands and makes nothing of."""
    settings = found.defined.settings
    names: Sequence[str] = ("InstanceID", "ElementName", "VirtualSystemIdentifier")
    return instance(settings.classname, {name: settings.properties[name] for name in names if settings.get(name)})
