# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is on a server: namespaces, profiles, services, classes.  Each is asked for when it is first needed.

The way of the standard is from the registered profile to the host and from there to its services; where a server does
not go that way, the classes themselves are asked.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union

from ansible_collections.svpc.virt.plugins.module_utils.errors import (
    NotFound,
    NotSupported,
    Unreachable,
    VirtError,
)
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import rasd_instance
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import needed
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.dialects import (
    HYPERVISORS,
    Dialect,
    dialect_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    INVALID_NAMESPACE,
    MISSING,
    status_of,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.rows import ClassShape, shape_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session

INTEROP = ("interop", "root/interop", "root/PG_InterOp", "root/PG_Interop")
NAMESPACES = ("root/virt", "root/cimv2", "root/virtualization/v2")
"""Where virtual systems are looked for when no profile says it."""

MANAGEMENT = "CIM_VirtualSystemManagementService"
SNAPSHOTS = "CIM_VirtualSystemSnapshotService"
POOLS = "CIM_ResourcePoolConfigurationService"
STORAGE = "CIM_StorageConfigurationService"
CAPABILITIES = {
    MANAGEMENT: "CIM_VirtualSystemManagementCapabilities",
    SNAPSHOTS: "CIM_VirtualSystemSnapshotServiceCapabilities",
    POOLS: "CIM_ResourcePoolConfigurationCapabilities",
}
"""The capabilities of services."""
_METHODS = ("SynchronousMethodsSupported", "AsynchronousMethodsSupported", "AynchronousMethodsSupported")
"""Lists of methods; the schema itself has "Aynchronous" in one class."""
_GENERIC_RASD = "CIM_ResourceAllocationSettingData"
Unseen = Union[changes.ModifySystemSettings, changes.RemoveResourceSettings]
"""Changes of a running system that its server does not show as such; see ``recorded.py``."""
_DMTF = 2


class Server:
    """A server, and what is known of it so far."""

    def __init__(self, session: Session) -> None:
        """Nothing is asked yet."""
        self.session = session
        self._services: dict[str, Any] = {}
        self._capabilities: dict[str, Any] = {}
        self._shapes: dict[str, ClassShape] = {}
        self._dialect: Dialect | None = None
        self._rasd_classes: dict[str, str] | None = None
        self.warned = False
        """The user knows already what this server loses with a change."""
        self.turned_off: set[str] = set()
        """Systems that were turned off by this task: what they showed while they ran is not what is defined."""
        self.recorded: dict[str, list[Unseen]] = {}
        """By name of a system: what this task has changed in its definition since it was started."""
        self._interop: str | None = None
        self._profiles: list[Any] | None = None

    def adopt(self, other: Server) -> None:
        """Take over what ``other``, for the same server on another connection, knows already."""
        self._services, self._shapes, self._dialect = other._services, other._shapes, other._dialect
        self._capabilities = other._capabilities
        self._rasd_classes = other._rasd_classes

    # services

    @property
    def dialect(self) -> Dialect:
        """The kind of server this is."""
        if self._dialect is None:
            self._dialect = dialect_of(self.management)
        return self._dialect

    @property
    def management(self) -> Any:
        """The virtual system management service.  Raises NotSupported for a server that has none."""
        found = self._services.get(MANAGEMENT)
        if found is None:
            found = self._services[MANAGEMENT] = self._find_management()
        return found

    def service(self, class_name: str) -> Any | None:
        """Another service of the same host, or None."""
        if class_name not in self._services:
            host = self.management.path.keybindings.get("SystemName")
            found = self.own(self.session.instances_if_any(class_name))
            ours = [each for each in found if each.path.keybindings.get("SystemName") == host]
            self._services[class_name] = next(iter(ours or found), None)
        return self._services[class_name]

    def capabilities_of(self, class_name: str) -> Any | None:
        """The capabilities of a service; None when the server has no such service, or does not show any."""
        if class_name not in self._capabilities:
            service = self.management if class_name == MANAGEMENT else self.service(class_name)
            capabilities = CAPABILITIES[class_name]
            found = [] if service is None else self.own(self.session.instances_if_any(capabilities))
            if len(found) > 1 and service is not None:
                ours = self.session.associated(
                    service.path, "CIM_ElementCapabilities", capabilities, "ManagedElement", "Capabilities"
                )
                found = ours or found
            self._capabilities[class_name] = found[0] if found else None
        return self._capabilities[class_name]

    def methods_of(self, class_name: str) -> set[int] | None:
        """The numbers of the methods that a service offers, at once or by jobs; None when it does not list them."""
        capabilities = self.capabilities_of(class_name)
        lists = [capabilities.get(name) for name in _METHODS] if capabilities is not None else []
        known = [each for each in lists if each is not None]
        return {int(number) for each in known for number in each} if known else None

    def own(self, found: Iterable[Any]) -> list[Any]:
        """Those of the hypervisor that this is about, where a server shows several in one namespace."""
        prefix = f"{self.dialect.prefix}_"
        return [each for each in found if not self.dialect.shares_namespace or each.classname.startswith(prefix)]

    def needed(self, class_name: str, doing: str) -> Any:
        """The path of a service.  Raises NotSupported when the server does not have it."""
        found = self.service(class_name) if class_name != MANAGEMENT else self.management
        if found is None:
            raise NotSupported(f"Cannot {doing}: the server has no {class_name.partition('_')[2]}")
        return found.path

    def _find_management(self) -> Any:
        session = self.session
        if session.namespace is not None:
            return self._only(self._management_in(session.namespace, strict=True), session.namespace)
        tried = []
        for namespace in self._namespaces():
            found = self._management_in(namespace, strict=False)
            if found:
                session.namespace = namespace
                return self._only(found, namespace)
            tried.append(namespace)
        if any(self._is_deserted(namespace) for namespace in tried):
            raise self._without_hypervisor()
        raise NotSupported(
            f"The server at {session.uri} shows no management of virtual systems in any namespace: give the namespace "
            "with the uri, as in https://host:5989/root/virt"
        )

    def _management_in(self, namespace: str, strict: bool) -> list[Any]:
        try:
            return self.session.instances(MANAGEMENT, namespace=namespace)
        except VirtError as error:
            status = status_of(error)
            if status == INVALID_NAMESPACE and strict:
                raise NotFound(f"uri: the server has no namespace {namespace}: {error.message}") from error
            if status in MISSING:
                return []
            raise

    def _only(self, found: list[Any], namespace: str) -> Any:
        kinds = [dialect_of(each) for each in found]
        if found and (len(found) == 1 or not all(kind.shares_namespace for kind in kinds)):
            return found[0]
        answering = {
            kind.prefix: service
            for kind, service in zip(kinds, found)
            if self.session.instances_if_any(kind.own(kind.host_class or ""), namespace=namespace)
        }
        if answering:
            first, *others = [prefix for prefix in HYPERVISORS if prefix in answering]
            if others:
                self.session.notes.append(
                    f"The server at {self.session.uri} has several hypervisors in namespace {namespace}: this is about "
                    f"{first}, and nothing of {', '.join(others)} is looked at"
                )
            return answering[first]
        if found or self._is_deserted(namespace):
            raise self._without_hypervisor()
        raise NotSupported(
            f"The server at {self.session.uri} has no virtual system management service in namespace {namespace}"
        )

    def _is_deserted(self, namespace: str) -> bool:
        """Whether a namespace without a service is that of a server that has lost its hypervisor: its classes are there."""
        return any(self.session.class_of(f"{prefix}_HostSystem", namespace) is not None for prefix in HYPERVISORS)

    def _without_hypervisor(self) -> Unreachable:
        return Unreachable(f"The server at {self.session.uri} answers, but its hypervisor does not: it shows no host")

    def _namespaces(self) -> Iterator[str]:
        """Namespaces in which virtual systems may be: where the profiles lead to, the usual ones, then all there are."""
        told = (host.namespace for host in self.central_hosts())
        tried: set[str] = set()
        for name in itertools.chain(told, NAMESPACES, self._listed_namespaces()):
            if name and name.lower() not in tried:
                tried.add(name.lower())
                yield name

    def _listed_namespaces(self) -> Iterator[str]:
        for namespace in INTEROP:
            found = self.session.instances_if_any("CIM_Namespace", namespace=namespace)
            if found:
                yield from (needed(each, "Name") for each in found)
                return

    # profiles

    @property
    def interop(self) -> str | None:
        """The namespace that has the registered profiles, or None."""
        self._read_profiles()
        return self._interop

    @property
    def profiles(self) -> list[Any]:
        """The registered profiles."""
        self._read_profiles()
        return self._profiles or []

    def _read_profiles(self) -> None:
        if self._profiles is not None:
            return
        self._profiles = []
        for namespace in INTEROP:
            found = self.session.instances_if_any("CIM_RegisteredProfile", namespace=namespace)
            if found:
                self._interop, self._profiles = namespace, found
                return

    def central_instances(self, profile: Any) -> list[Any]:
        """The paths of the instances that a profile is about; none when the server does not tell."""
        prefix = str(profile.classname).partition("_")[0]
        for name in dict.fromkeys(("CIM_ElementConformsToProfile", f"{prefix}_ElementConformsToProfile")):
            try:
                found = self.session.associated(profile.path, name, None, "ConformantStandard", "ManagedElement")
            except VirtError as error:
                if status_of(error) is None:
                    raise
                continue
            if found:
                return [each.path for each in found]
        return []

    # the host

    def central_hosts(self) -> list[Any]:
        """The paths of the hosts that the registered profile System Virtualization is about (DSP1042)."""
        return [
            path
            for profile in self.profiles
            if normalized(profile.get("RegisteredName")) == "systemvirtualization"
            for path in self.central_instances(profile)
        ]

    def host(self) -> Any | None:
        """The host system, or None when the server does not show it.

        It is what hosts the service; where that is not told, what the profile is about, else what hosts the systems.
        """
        dialect, session = self.dialect, self.session
        if dialect.host_class is not None:
            found = session.instances(dialect.own(dialect.host_class))
            return found[0] if found else None
        found = session.associated(self.management.path, "CIM_HostedService", "CIM_System", "Dependent", "Antecedent")
        if found:
            return found[0]
        for path in self.central_hosts():
            central = session.get(path)
            if central is not None:
                return central
        for system in session.names(dialect.system_class):
            found = session.associated(system, "CIM_HostedDependency", "CIM_System", "Dependent", "Antecedent")
            if found:
                return found[0]
        return None

    def check_hypervisor(self) -> None:
        """Raise Unreachable when the server has lost its hypervisor, for then it shows an empty host."""
        if self.dialect.host_class is not None and self.host() is None:
            raise self._without_hypervisor()

    # classes

    def shape(self, class_name: str) -> ClassShape:
        """The properties of a class."""
        if class_name not in self._shapes:
            definition = self.session.class_of(class_name)
            self._shapes[class_name] = ClassShape(class_name) if definition is None else shape_of(definition)
        return self._shapes[class_name]

    def rasd_class(self, resource_type: ResourceType) -> str:
        """The class to make resources of a type with.  Raises NotSupported when the server makes none."""
        known = self.dialect.rasd_classes
        if known is not None:
            if resource_type not in known:
                raise NotSupported(f"This server makes no resources of type {resource_type.word}")
            return self.dialect.own(known[resource_type])
        suffix = rasd_instance.CLASSES.get(resource_type, rasd_instance.GENERIC)
        classes = self._descendants()
        return classes.get(suffix) or classes.get(rasd_instance.GENERIC) or _GENERIC_RASD

    def _descendants(self) -> Mapping[str, str]:
        """The server's own class for each of the standard's allocation classes, by name without prefix."""
        if self._rasd_classes is None:
            found: dict[str, str] = {_GENERIC_RASD.partition("_")[2]: _GENERIC_RASD}
            for definition in self.session.subclasses(_GENERIC_RASD):
                self._shapes[definition.classname] = shape_of(definition)
                prefix, _line, suffix = definition.classname.partition("_")
                if suffix not in found or prefix != "CIM":
                    found[suffix] = definition.classname
            self._rasd_classes = found
        return self._rasd_classes

    def pools_have_states(self) -> bool:
        """Whether pools can be activated and deactivated."""
        for name in (self.dialect.own("ResourcePool"), "CIM_ResourcePool"):
            definition = self.session.class_of(name)
            if definition is not None:
                return "RequestStateChange" in definition.methods
        return False

    def settings_class(self) -> str:
        """The class of the settings of virtual systems."""
        own = self.dialect.own("VirtualSystemSettingData")
        return own if self.shape(own).properties is not None else "CIM_VirtualSystemSettingData"


def normalized(name: Any) -> str:
    """The name of a profile without what servers write differently."""
    text = "".join(str(name or "").split()).lower()
    return text[: -len("profile")] if text.endswith("profile") else text


def profile_facts(profiles: Iterable[Any]) -> list[dict[str, Any]]:
    """The registered profiles in the words of results, those of the DMTF."""
    found: list[dict[str, Any]] = []
    for profile in profiles:
        if profile.get("RegisteredOrganization") not in (None, _DMTF):
            continue
        number = re.search(r"DSP\d{4}", str(profile.get("InstanceID") or ""))
        facts = {
            "specification": number.group(0) if number else None,
            "name": str(profile.get("RegisteredName") or ""),
            "version": str(profile.get("RegisteredVersion") or ""),
            "features": [str(feature) for feature in profile.get("ImplementedFeatures") or ()],
        }
        if facts not in found:
            found.append(facts)
    return sorted(found, key=lambda facts: (facts["name"], facts["version"]))
