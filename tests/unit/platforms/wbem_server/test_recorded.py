# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges that were recorded with a real server (OpenPegasus with libvirt-cim), read by the platform."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import system_instance
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.dialects import LIBVIRT_CIM
from tests.unit.platforms.wbem_server.replay import session

ROOT = Path(__file__).parents[4]
DATA = Path(os.environ.get("SVPC_SHARED_DATA") or ROOT.parent / "shared" / "data") / "libvirt-cim" / "exchanges"
EXCHANGES = sorted(DATA.glob("*.xml")) if DATA.is_dir() else []

pytestmark = [
    pytest.mark.skipif(not EXCHANGES, reason=f"there are no recorded exchanges in {DATA} (set SVPC_SHARED_DATA)"),
    pytest.mark.filterwarnings("ignore::pywbem.MissingKeybindingsWarning"),
]
_PATH = pywbem.CIMInstanceName("KVM_X", {"InstanceID": "x"}, namespace="root/virt")


def parts(path: Path) -> tuple[str, str]:
    """Request and reply of an exchange."""
    request, _mark, reply = path.read_text().partition("<!-- REPLY -->")
    return request, re.sub(r">\s*\n\s*<", "><", reply.strip())


def listed(operation: str) -> list[Path]:
    """The exchanges of an operation that have a reply."""
    found = []
    for path in EXCHANGES:
        request, reply = parts(path)
        if f'CALL NAME="{operation}"' in request and "RESPONSE" in reply:
            found.append(path)
    return found


def methods() -> list[Path]:
    return [path for path in EXCHANGES if "<METHODCALL" in parts(path)[0] and "<METHODRESPONSE" in parts(path)[1]]


@pytest.mark.parametrize("path", methods(), ids=lambda path: path.stem)
def test_methods(path: Path) -> None:
    request, reply = parts(path)
    method = re.search(r'METHODCALL NAME="(\w+)"', request)
    assert method is not None
    one, _asked = session(reply)
    failed = re.search(r'<ERROR CODE="(\d+)"(?: DESCRIPTION="([^"]*)")?', reply)
    if failed is None:
        code, output = one.call(method.group(1), _PATH, "do it", {})
        assert code in (0, 4096)
        assert isinstance(output, pywbem.NocaseDict)
        return
    with pytest.raises(errors.VirtError) as caught:
        one.call(method.group(1), _PATH, "do it", {})
    assert caught.value.details["cim_status"] == int(failed.group(1))
    assert html.unescape(failed.group(2) or "") in html.unescape(str(caught.value))


@pytest.mark.parametrize("path", listed("EnumerateInstances"), ids=lambda path: path.stem)
def test_enumerations(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _request, reply = parts(path)
    one, _asked = session(*[reply] * 5)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    if "<ERROR" in reply:
        with pytest.raises(errors.VirtError, match="CIM_ERR_"):
            one.instances("KVM_X")
        return
    for instance in one.instances("KVM_X"):
        check(instance)


@pytest.mark.parametrize("path", listed("GetInstance"), ids=lambda path: path.stem)
def test_single_instances(path: Path) -> None:
    _request, reply = parts(path)
    one, _asked = session(reply)
    if '<ERROR CODE="6"' in reply:
        assert one.get(_PATH) is None
    elif "<ERROR" in reply:
        with pytest.raises(errors.VirtError, match="CIM_ERR_"):
            one.get(_PATH)
    else:
        check(one.get(_PATH))


def check(instance: Any) -> None:
    """The platform reads an instance of the classes it knows."""
    name = instance.classname
    if name.endswith("ResourceAllocationSettingData") and "Pool" not in name:
        rasd = LIBVIRT_CIM.read_rasd(instance)
        assert rasd.instance_id == instance.get("InstanceID")
        assert rasd.label
    elif name.endswith("_VirtualSystemSettingData") and instance.get("UUID"):
        settings = LIBVIRT_CIM.read_settings(instance)
        assert settings["virtual_system_type"] == "kvm"
        assert settings.get("machine") == instance.get("Machine")
    elif name == "KVM_ComputerSystem" and instance.get("UUID"):
        assert system_instance.state_of(instance) in (
            SystemState.DEFINED,
            SystemState.ACTIVE,
            SystemState.PAUSED,
            SystemState.SUSPENDED,
        )
        assert system_instance.uuid_of(instance) == instance["UUID"]
    elif name.endswith("Pool") and instance.get("PoolID") and int(instance.get("ResourceType") or 0) < 32768:
        pool = LIBVIRT_CIM.read_pool(instance)
        assert pool.pool_id in instance["PoolID"]
        assert pool.capacity is None or pool.capacity > 1
