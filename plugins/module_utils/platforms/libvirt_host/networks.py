# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual networks of a libvirt host as pools of Ethernet adapters: read, made, changed, activated and forgotten."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, InTheWay, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.plan.subnets import check_activation
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import network_xml
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.documents import by_name
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import is_code, libvirt, talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.node import described
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import parse

PRIMORDIAL = "ethernet"
"""pool_id of the pool that stands for all network adapters of the host."""


@dataclass
class Networks:
    """The networks of one host."""

    session: Session

    def find(self, pool_id: str) -> Any:
        """libvirt's network of that name, or None when there is none.  Any other failure raises."""
        with talking(f"look up network {pool_id!r}"):
            try:
                return self.session.connection.networkLookupByName(pool_id)
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_NETWORK"):
                    return None
                raise

    def all(self) -> list[Any]:
        """libvirt's networks, active or not."""
        with talking("list the networks"):
            return by_name(self.session.connection.listAllNetworks(0))

    def one(self, pool_id: str, members: bool = True) -> ResourcePool | None:
        """The network with its members, parent and children; None when there is none."""
        handle = self.find(pool_id)
        if handle is None:
            return None
        pool = self._read(handle, members)
        others = [self._read(other, members=False) for other in self.all()]
        known = [pool if other and other.pool_id == pool_id else other for other in others]
        family = related([other for other in known if other is not None])
        return next((member for member in family if member.pool_id == pool_id), pool)

    def everything(self, members: bool) -> list[ResourcePool]:
        """All networks, with parents and children; a network that goes away meanwhile is left out."""
        found = [self._read(handle, members) for handle in self.all()]
        return related([pool for pool in found if pool is not None])

    def _read(self, handle: Any, members: bool) -> ResourcePool | None:
        with talking("read a network"):
            try:
                active = bool(handle.isActive())
                pool = network_xml.read_network(described(handle, libvirt.VIR_NETWORK_XML_INACTIVE))
                # A network in use says how many adapters are plugged in.
                running = network_xml.read_network(handle.XMLDesc(0)) if active else pool
                automatic = bool(handle.autostart()) if handle.isPersistent() else False
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_NETWORK"):
                    return None
                raise
        leases = self._leases(handle, running) if active else ()
        addresses = {lease["address"] for lease in leases}
        addresses |= {host["address"] for host in running.settings.get("dhcp_hosts") or () if host.get("address")}
        return replace(
            pool,
            active=active,
            automatic_startup=automatic,
            reserved=None if pool.capacity is None else len(addresses),
            currently_consumed_resource=(running.currently_consumed_resource or 0) if active else 0,
            members=(*leases, *self._ports(handle)) if members and active else (),
        )

    def _leases(self, handle: Any, pool: ResourcePool) -> tuple[dict[str, Any], ...]:
        if not pool.settings.get("dhcp_ranges") and not pool.settings.get("dhcp_hosts"):
            return ()
        with talking(f"list the DHCP leases of network {pool.pool_id!r}"):
            try:
                leases = handle.DHCPLeases()
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_SUPPORT", "VIR_ERR_OPERATION_INVALID", "VIR_ERR_NO_NETWORK"):
                    return ()
                raise
        return tuple(
            {
                "kind": "lease",
                "mac": lease.get("mac"),
                "address": lease.get("ipaddr"),
                "name": lease.get("hostname"),
                "expires": lease.get("expirytime"),
            }
            for lease in sorted(leases, key=lambda each: str(each.get("ipaddr")))
        )

    def _ports(self, handle: Any) -> tuple[dict[str, Any], ...]:
        with talking(f"list the ports of network {handle.name()!r}"):
            found = []
            try:
                ports = handle.listAllPorts(0)
            except libvirt.libvirtError as error:
                if is_code(error, "VIR_ERR_NO_SUPPORT", "VIR_ERR_NO_NETWORK"):
                    return ()
                raise
            for port in ports:
                try:
                    found.append(read_port(port.XMLDesc(0)))
                except libvirt.libvirtError as error:
                    if not is_code(error, "VIR_ERR_NO_NETWORK_PORT"):
                        raise
        return tuple(sorted(found, key=lambda port: (str(port["virtual_system"]), str(port["mac"]))))

    # Changes

    def check(self, pool: ResourcePool, differences: Mapping[str, changes.Difference] | None) -> None:
        """Raise what keeps a network from being made, or from being changed by ``differences``."""
        if differences is None:
            network_xml.new_network_xml(pool, self._version())
            self._check_bridge(pool)
            return
        recorded = {name: value for name, value in differences.items() if name != "automatic_startup"}
        if recorded:
            with talking(f"read network {pool.pool_id!r}"):
                before = described(self._same(pool), libvirt.VIR_NETWORK_XML_INACTIVE)
            network_xml.edit_network_xml(before, recorded, self._version())

    def _check_bridge(self, pool: ResourcePool) -> None:
        """Raise Conflict where libvirt would: the bridge it is to make is that of another network."""
        bridge = pool.settings.get("bridge")
        for other in self.everything(members=False) if bridge else ():
            if bridge in (other.settings.get("bridge"), *(other.host_resource or ())):
                raise InTheWay(
                    f"network {pool.pool_id!r}: bridge {bridge!r} is that of network {other.pool_id!r} already",
                    pool_id=other.pool_id,
                )

    def check_activation(self, change: changes.RequestPoolStateChange) -> None:
        """Raise InTheWay where libvirt would: another active network is the same IPv4 network."""
        check_activation(change, lambda: self.everything(members=False))

    def create(self, pool: ResourcePool) -> None:
        """Record a new network, inactive."""
        label = f"network {pool.pool_id!r}"
        xml = network_xml.new_network_xml(pool, self._version())
        if self.find(pool.pool_id) is not None:
            raise Conflict(f"Cannot create {label}: somebody else has created it meanwhile")
        with talking(f"define {label}"):
            handle = self.session.connection.networkDefineXML(xml)
        if pool.automatic_startup is None:
            return
        try:
            with talking(f"set the automatic startup of {label}"):
                handle.setAutostart(int(pool.automatic_startup))
        except VirtError:
            with contextlib.suppress(VirtError), talking(f"undefine {label}"):
                handle.undefine()
            raise

    def delete(self, pool: ResourcePool) -> None:
        """Forget an inactive network.  Raises Conflict when it is active."""
        handle = self._same(pool)
        label = f"network {pool.pool_id!r}"
        with talking(f"undefine {label}"):
            if handle.isActive():
                raise Conflict(f"Cannot undefine {label}: it is active")
            handle.undefine()

    def modify(self, change: changes.ModifyPoolSettings) -> None:
        """Record other values and, when the change is live, tell the active network those it can take over now."""
        handle = self._same(change.pool)
        label = f"network {change.pool.pool_id!r}"
        recorded = {name: value for name, value in change.differences.items() if name != "automatic_startup"}
        if recorded:
            with talking(f"read {label}"):
                before = described(handle, libvirt.VIR_NETWORK_XML_INACTIVE)
                running = handle.XMLDesc(0) if change.live and handle.isActive() else None
            after = network_xml.edit_network_xml(before, recorded, self._version())
            if running is not None:
                self._tell(handle, label, running, recorded)
            with talking(f"redefine {label}"):
                self.session.connection.networkDefineXML(after)
        if "automatic_startup" in change.differences:
            with talking(f"set the automatic startup of {label}"):
                handle.setAutostart(int(bool(change.differences["automatic_startup"][1])))

    def _tell(self, handle: Any, label: str, running: str, differences: Any) -> None:
        updates, _later = network_xml.live_updates(running, differences)
        for update in updates:
            command = getattr(libvirt, f"VIR_NETWORK_UPDATE_COMMAND_{update.command.upper()}")
            section = getattr(libvirt, f"VIR_NETWORK_SECTION_{update.section.upper()}")
            with talking(f"{update.command.replace('_last', '')} {update.section} {update.xml} in active {label}"):
                handle.update(command, section, update.parent_index, update.xml, libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE)

    def request_state(self, change: changes.RequestPoolStateChange) -> None:
        """Activate or deactivate a network.  One without record gets one before it is deactivated, so it is not lost."""
        handle = self._same(change.pool)
        label = f"network {change.pool.pool_id!r}"
        with talking(f"{'activate' if change.active else 'deactivate'} {label}"):
            if bool(handle.isActive()) == change.active:
                return
            if change.active:
                handle.create()
                return
            if not handle.isPersistent():
                self.session.connection.networkDefineXML(described(handle, libvirt.VIR_NETWORK_XML_INACTIVE))
            handle.destroy()

    def _same(self, pool: ResourcePool) -> Any:
        """The network a change is about; raises Conflict when it has gone, or another one has taken its name."""
        handle = self.find(pool.pool_id)
        if handle is None:
            raise Conflict(f"Network {pool.pool_id!r} has gone since the change was planned")
        if pool.uuid and str(handle.UUIDString()) != pool.uuid:
            raise Conflict(f"Network {pool.pool_id!r} is another one than when the change was planned")
        return handle

    def _version(self) -> int:
        with talking("ask for the version of libvirt"):
            return int(self.session.connection.getLibVersion())


def read_port(xml: str) -> dict[str, Any]:
    """An adapter plugged into a network, as a member of it: the virtual system that owns it and its MAC address."""
    root = parse(xml, "a network port")
    mac = root.find("mac")
    return {
        "kind": "port",
        "virtual_system": root.findtext("owner/name"),
        "uuid": root.findtext("owner/uuid"),
        "mac": None if mac is None else mac.get("address"),
    }


def related(pools: Iterable[ResourcePool]) -> list[ResourcePool]:
    """The networks with ``parent`` and ``children``: a network whose device is another one's bridge draws from it."""
    known = list(pools)
    bridges = {pool.settings["bridge"]: pool.pool_id for pool in known if pool.settings.get("bridge")}
    parents = {}
    for pool in known:
        above = [
            bridges[device] for device in pool.host_resource or () if bridges.get(device, pool.pool_id) != pool.pool_id
        ]
        parents[pool.pool_id] = above[0] if above else PRIMORDIAL
    return [
        replace(
            pool,
            parent=parents[pool.pool_id],
            children=tuple(sorted(name for name, parent in parents.items() if parent == pool.pool_id)),
        )
        for pool in known
    ]
