# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the contract needs around it on a private libvirt host, whatever platform stands in front; modules over WBEM."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable
from typing import Any

import libvirt
import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import agent, live, resources

pytest.register_assert_rewrite("tests.contract")
from tests import contract
from tests.integration.conftest import opened
from tests.integration.platforms.libvirt_systems import guest_settings, wait_booted
from tests.wbem import WbemServer

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def second_network(host):
    """The name of another active network."""
    xml = "<network><name>lab-two</name><bridge name='lab1'/><ip address='203.0.113.1' prefix='24'/></network>"
    with opened(host) as connection:
        connection.networkDefineXML(xml).create()
    return "lab-two"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that does what it is asked to is waited for, however slow the machine."""
    monkeypatch.setattr(agent, "AGENT_WITHIN", 60)
    monkeypatch.setattr(live, "FOLLOWED_WITHIN", 120.0)
    monkeypatch.setattr(resources, "RELEASED_WITHIN", 120.0)


@pytest.fixture
def around(host, connection, pool, network, second_network, request):
    """What the host offers; pools and networks of the contract do not stay there."""
    medium = host.images / "contract.iso"
    medium.write_bytes(bytes(2048))
    image = host.images / pool / "base.raw"
    image.write_bytes(b"boot" + bytes(4 * contract.MIB - 4))

    def guest(name):
        request.getfixturevalue("patient")
        settings = guest_settings(host, name)
        serial = settings.pop("serial")
        return settings, (contract.memory(256 * contract.MIB, 256 * contract.MIB), serial)

    yield contract.Surroundings(
        storage_pool=pool,
        networks=(network, second_network),
        folder=str(host.images / "contract-pool"),
        medium=str(medium),
        image=Image(path=str(image)),
        settings={"virtual_system_type": "qemu"},
        guest=guest,
        wait_for_guest=lambda name: wait_booted(host, name),
    )
    for found in (
        lambda: connection.storagePoolLookupByName("contract-pool"),
        lambda: connection.networkLookupByName("contract-net"),
    ):
        with contextlib.suppress(libvirt.libvirtError):
            left = found()
            with contextlib.suppress(libvirt.libvirtError):
                left.destroy()
            left.undefine()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a module as Ansible does, and returns its result; ``server`` becomes its uri."""
    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda _module, msg, log_args=None: None)
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, warning: warned.append(warning))

    def call(_module: str, server: WbemServer, _fails: str | None = None, **params: Any) -> dict[str, Any]:
        module = importlib.import_module(f"ansible_collections.svpc.virt.plugins.modules.{_module}")
        given = {"uri": f"{server.url}/{server.dialect.namespace}", "timeout": 30, **params}
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert result.get("error_code") == _fails, result
        return {**result, "warned": warned}

    return call
