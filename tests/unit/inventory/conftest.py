# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories read by Ansible itself from hosts in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext

from ansible_collections.svpc.virt.plugins.inventory.virtual_systems import InventoryModule
from ansible_collections.svpc.virt.plugins.module_utils.errors import VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform

PLUGIN = "svpc.virt.virtual_systems"
VAULT_SECRETS = [("default", VaultSecret(b"the key of the tests"))]


class Host(FakeHost):
    """A host in memory whose guests have addresses: by source, then by name of the system."""

    def __init__(self, *systems: VirtualSystem, **addresses: Mapping[str, Mapping[str, list[str]]]) -> None:
        super().__init__()
        self.systems = {system.name: system for system in systems}
        self.addresses = addresses
        self.asked: list[tuple[str, str]] = []
        self.readings = 0

    def virtual_systems(self, names: Collection[str] | None = None) -> list[VirtualSystem]:
        self.readings += 1
        return super().virtual_systems(names)

    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        self.asked.append((system.name, source))
        return self.addresses.get(source, {}).get(system.name, {})


def system(name: str, state: SystemState = SystemState.ACTIVE, *macs: str, **settings: Any) -> VirtualSystem:
    """A system with 2 processors, 1 GiB and an adapter in network "lan" for each MAC address."""
    resources = [
        Rasd(ResourceType.PROCESSOR, virtual_quantity=2),
        Rasd(ResourceType.MEMORY, virtual_quantity=2**30),
        *(Rasd(ResourceType.ETHERNET_ADAPTER, address=mac, connection=("lan",)) for mac in macs),
    ]
    configuration = Configuration({"virtual_system_type": "kvm", **settings}, tuple(resources))
    running = None if state is SystemState.DEFINED else configuration
    return VirtualSystem(name, f"uuid-of-{name}", state, configuration, running)


class Site:
    """Hosts by URI, and the inventories read from them."""

    def __init__(self, folder: Path, warnings: list[str]) -> None:
        self.folder = folder
        self.hosts: dict[str, Host | VirtError] = {}
        self.opened: list[Mapping[str, Any]] = []
        self.warnings = warnings

    def open(self, options: Mapping[str, Any], _progress: Any = None) -> Platform:
        self.opened.append(options)
        host = self.hosts[options["uri"]]
        if isinstance(host, VirtError):
            raise host
        return host

    def file(self, text: str | None = None, name: str = "site.virtual_systems.yml", **options: Any) -> Path:
        path = self.folder / name
        path.write_text(text or yaml.safe_dump({"plugin": PLUGIN, **options}), encoding="utf-8")
        return path

    def read(self, text: str | None = None, **options: Any) -> InventoryManager:
        """The inventory that Ansible makes of a file with such options."""
        loader = DataLoader()
        return InventoryManager(loader=loader, sources=[str(self.file(text, **options))])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site without hosts yet, at which nothing of the environment counts."""
    warnings: list[str] = []
    made = Site(tmp_path, warnings)
    monkeypatch.setattr(InventoryModule, "open_host", staticmethod(made.open))
    display = "ansible.utils.display.Display"
    monkeypatch.setattr(f"{display}.warning", lambda _self, message, *_more, **_others: warnings.append(str(message)))
    monkeypatch.setattr(
        f"{display}.error_as_warning",
        lambda _self, msg=None, exception=None, *_more, **_others: warnings.append(f"{msg} {exception}"),
    )
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(VAULT_SECRETS))
    monkeypatch.setattr("ansible.constants.INVENTORY_ANY_UNPARSED_IS_FAILED", True)
    for name in ("SVPC_URI", "LIBVIRT_DEFAULT_URI"):
        monkeypatch.delenv(name, raising=False)
    return made


def encrypted(text: str) -> str:
    """A text as ansible-vault writes it."""
    return VaultLib(VAULT_SECRETS).encrypt(text).decode()
