# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are not this collection's read the WBEM server: sblim's wbemcli and pywbemcli, over HTTP and TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from tests.wbem import WbemServer

PYWBEMCLI = str(Path(sys.executable).with_name("pywbemcli"))
"""Of the development requirements."""


@dataclass
class Run:
    """What a command said."""

    code: int
    output: str


def run(*command: str, **environment: str) -> Run:
    """Run a client."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, check=False
    )
    return Run(done.returncode, done.stdout + done.stderr)


def fill(platform: Platform) -> None:
    """Define a system."""
    resources = (
        Rasd(ResourceType.PROCESSOR, virtual_quantity=2, maximum_quantity=2),
        Rasd(ResourceType.MEMORY, virtual_quantity=64 * 2**20, maximum_quantity=64 * 2**20),
    )
    settings = dict(platform.capabilities().default_settings)
    platform.carry_out(changes.DefineSystem(changes.SystemRef("client-test"), Configuration(settings, resources)))


@pytest.fixture(params=["standard", "libvirt-cim"])
def server(request: pytest.FixtureRequest) -> Iterator[WbemServer]:
    """A server over a host in memory."""
    host = FakeHost()
    fill(host)
    with WbemServer(host, request.param, user="me", password="secret") as server:
        yield server


def systems_and_resources(url_with_password: str, prefix: str) -> None:
    """wbemcli lists systems, and follows their configurations to their resources."""
    base = f"{url_with_password}/root/virt"
    found = run("wbemcli", "ei", f"{base}:{prefix}ComputerSystem")
    assert (found.code, "client-test" in found.output) == (0, True), found.output
    names = run("wbemcli", "ein", f"{base}:CIM_VirtualSystemSettingData").output.splitlines()
    mine = [name.partition("/")[2] for name in names if "capabilities" not in name]
    assert len(mine) == 1
    association = "KVM_" if prefix == "KVM_" else "CIM_"
    parts = run(
        "wbemcli", "-ac", f"{association}VirtualSystemSettingDataComponent", "ain", f"{url_with_password}/{mine[0]}"
    )
    assert parts.code == 0, parts.output
    assert "AllocationSettingData" in parts.output
    assert len(parts.output.splitlines()) >= 2


@pytest.mark.skipif(shutil.which("wbemcli") is None, reason="sblim-wbemcli is not installed (tests/wbem/packages.txt)")
def test_wbemcli(server: WbemServer) -> None:
    url = server.url.replace("http://", "http://me:secret@")
    systems_and_resources(url, "KVM_" if server.dialect.name == "libvirt-cim" else "CIM_")
    wrong = run("wbemcli", "ei", server.url.replace("http://", "http://me:wrong@") + "/root/virt:CIM_ComputerSystem")
    assert wrong.code != 0


def pywbemcli(server: WbemServer, *words: str, password: str = "secret") -> str:
    """What pywbemcli prints; it must end well."""
    found = run(PYWBEMCLI, "-s", server.url, "-u", "me", "-p", password, "-d", "root/virt", *words)
    assert found.code == 0, found.output
    return found.output


def paths(server: WbemServer, *words: str) -> list[str]:
    """The paths that pywbemcli lists, as it takes them again."""
    return [line.strip() for line in pywbemcli(server, *words, "--no").splitlines() if line.strip()]


def seen_by_pywbemcli(server: WbemServer) -> None:
    """pywbemcli lists systems, and follows one to its configuration and that to its resources."""
    prefix = "KVM_" if server.dialect.name == "libvirt-cim" else "CIM_"
    shown = {
        path: pywbemcli(server, "-o", "mof", "instance", "get", path)
        for path in paths(server, "instance", "enumerate", "CIM_ComputerSystem")
        if "HostSystem" not in path
    }
    (system,) = [path for path, text in shown.items() if 'ElementName = "client-test"' in text]
    (settings,) = paths(server, "instance", "associators", system, "--ac", f"{prefix}SettingsDefineState")
    assert "VirtualSystemSettingData." in settings
    parts = f"{prefix}VirtualSystemSettingDataComponent"
    resources = pywbemcli(server, "-o", "mof", "instance", "associators", settings, "--ac", parts)
    described = {line.strip() for line in resources.splitlines()}
    assert {"ResourceType = 3;", "ResourceType = 4;"} <= described, resources


def test_pywbemcli(server: WbemServer) -> None:
    seen_by_pywbemcli(server)
    found = pywbemcli(server, "class", "tree", "CIM_ResourceAllocationSettingData")
    assert "StorageAllocationSettingData" in found
    found = pywbemcli(server, "profile", "list")
    assert "System Virtualization" in found
    wrong = run(PYWBEMCLI, "-s", server.url, "-u", "me", "-p", "no", "-d", "root/virt", "instance", "count")
    assert wrong.code != 0


@pytest.mark.skipif(shutil.which("wbemcli") is None, reason="sblim-wbemcli is not installed (tests/wbem/packages.txt)")
def test_wbemcli_over_tls() -> None:
    host = FakeHost()
    fill(host)
    with WbemServer(host, tls=True) as server:
        assert server.certificates is not None
        url = f"{server.url}/root/virt:CIM_ComputerSystem"
        found = run("wbemcli", "-cacert", server.certificates.authority, "ei", url)
        assert (found.code, "client-test" in found.output) == (0, True), found.output


def test_command_line(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.wbem", "serve", "--fake", "--dialect", "libvirt-cim", "--tls"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "collections"},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("https://127.0.0.1:")
        authority = process.stdout.readline().partition(": ")[2].strip()
        assert Path(authority).exists()
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
    assert not Path(authority).exists()


@pytest.mark.libvirt
@pytest.mark.skipif(shutil.which("wbemcli") is None, reason="sblim-wbemcli is not installed (tests/wbem/packages.txt)")
@pytest.mark.parametrize("dialect", ["standard", "libvirt-cim"])
def test_wbemcli_on_a_libvirt_host(platform: Platform, dialect: str) -> None:
    fill(platform)
    with WbemServer(platform, dialect) as server:
        systems_and_resources(server.url, "KVM_" if dialect == "libvirt-cim" else "CIM_")
        assert server.failures == []


@pytest.mark.libvirt
@pytest.mark.parametrize("dialect", ["standard", "libvirt-cim"])
def test_pywbemcli_on_a_libvirt_host(platform: Platform, dialect: str) -> None:
    fill(platform)
    with WbemServer(platform, dialect, user="me", password="secret") as server:
        seen_by_pywbemcli(server)
        assert server.failures == []
