# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies as servers write them, in short: oddities of their XML that reach the platform through pywbem."""

from __future__ import annotations

import html

import pytest
import pywbem

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import jobs, libvirt_cim, values
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import Family
from tests.unit.platforms.wbem_server.replay import reply, session

SERVICE = pywbem.CIMInstanceName(
    "KVM_VirtualSystemManagementService", {"Name": "Management Service"}, namespace="root/virt", host="vm"
)
_PATH = (
    "<LOCALINSTANCEPATH><LOCALNAMESPACEPATH><NAMESPACE NAME='root'/><NAMESPACE NAME='virt'/></LOCALNAMESPACEPATH>"
    "<INSTANCENAME CLASSNAME='{class_name}'>{keys}</INSTANCENAME></LOCALINSTANCEPATH>"
)
_KEY = "<KEYBINDING NAME='InstanceID'><KEYVALUE VALUETYPE='string'>{}</KEYVALUE></KEYBINDING>"
_DONE = "<RETURNVALUE PARAMTYPE='uint32'><VALUE>0</VALUE></RETURNVALUE>"


def test_names_from_a_server_reach_requests_without_its_host() -> None:
    one, asked = session(reply("DestroySystem", _DONE.replace("'", '"')))
    one.call("DestroySystem", SERVICE, "destroy it", {"AffectedSystem": SERVICE})
    assert 'NAMESPACE NAME="virt"' in asked.asked[0]
    assert "HOST" not in asked.asked[0]


def test_arguments_that_are_none_are_left_out() -> None:
    one, asked = session(reply("CreateChildResourcePool", _DONE.replace("'", '"')))
    one.call("CreateChildResourcePool", SERVICE, "make it", {"ElementName": "p", "ParentPool": None})
    assert "ParentPool" not in asked.asked[0]


def test_embedded_instances_are_sent_marked_and_without_path() -> None:
    one, asked = session(reply("ModifyResourceSettings", _DONE.replace("'", '"')))
    settings = values.instance("KVM_X", {"Weight": values.prop("Weight", 5, "uint32")})
    one.call("ModifyResourceSettings", SERVICE, "change it", {"ResourceSettings": [settings]})
    assert 'EmbeddedObject="instance"' in asked.asked[0]
    assert '<PROPERTY NAME="Weight" TYPE="uint32"><VALUE>5</VALUE>' in html.unescape(asked.asked[0])


@pytest.mark.filterwarnings("ignore::pywbem.MissingKeybindingsWarning")
def test_a_path_without_keys_is_no_path() -> None:
    path = _PATH.format(class_name="KVM_NetResourceAllocationSettingData", keys="")
    content = (
        f"{_DONE}<PARAMVALUE NAME='ResultingResourceSettings' PARAMTYPE='reference'><VALUE.REFARRAY><VALUE.REFERENCE>"
        f"{path}</VALUE.REFERENCE></VALUE.REFARRAY></PARAMVALUE>"
    )
    one, _asked = session(reply("AddResourceSettings", content.replace("'", '"')))
    done = jobs.run(one, Family.MANAGEMENT, "AddResourceSettings", SERVICE, "add it", {})
    assert done.path(one, "ResultingResourceSettings") is None


def test_a_job_with_return_value_zero_that_completed_and_failed() -> None:
    job = _PATH.format(class_name="CIM_ConcreteJob", keys=_KEY.format("j"))
    content = (
        f"{_DONE}<PARAMVALUE NAME='Job' PARAMTYPE='reference'><VALUE.REFERENCE>{job}</VALUE.REFERENCE></PARAMVALUE>"
    )
    ended = (
        "<IRETURNVALUE><INSTANCE CLASSNAME='CIM_ConcreteJob'><PROPERTY NAME='JobState' TYPE='uint16'><VALUE>7</VALUE>"
        "</PROPERTY><PROPERTY NAME='ErrorCode' TYPE='uint16'><VALUE>2</VALUE></PROPERTY><PROPERTY NAME='ErrorDescription' "
        "TYPE='string'><VALUE>Restore failed</VALUE></PROPERTY></INSTANCE></IRETURNVALUE>"
    )
    unknown = "<ERROR CODE='16' DESCRIPTION='CIM_ERR_METHOD_NOT_AVAILABLE'/>"
    documents = [
        reply("ApplySnapshot", content),
        reply("GetInstance", ended),
        *(reply(name, unknown).replace("IMETHODRESPONSE", "METHODRESPONSE") for name in ("GetErrors", "GetError")),
    ]
    one, _asked = session(*(document.replace("'", '"') for document in documents))
    with pytest.raises(errors.HostFailed, match="Cannot resume it: the server's job failed: Restore failed"):
        jobs.run(one, Family.SNAPSHOT, "ApplySnapshot", SERVICE, "resume it", {})


def test_properties_that_are_null_and_arrays_that_are_empty() -> None:
    instance = (
        "<IRETURNVALUE><VALUE.NAMEDINSTANCE><INSTANCENAME CLASSNAME='KVM_DiskResourceAllocationSettingData'>"
        f"{_KEY.format('web/hdc')}</INSTANCENAME><INSTANCE CLASSNAME='KVM_DiskResourceAllocationSettingData'>"
        "<PROPERTY NAME='InstanceID' TYPE='string'><VALUE>web/hdc</VALUE></PROPERTY>"
        "<PROPERTY NAME='EmulatedType' TYPE='uint16'><VALUE>1</VALUE></PROPERTY>"
        "<PROPERTY NAME='Address' TYPE='string'><VALUE></VALUE></PROPERTY>"
        "<PROPERTY NAME='PoolID' TYPE='string' PROPAGATED='true'></PROPERTY>"
        "<PROPERTY.ARRAY NAME='HostResource' TYPE='string'></PROPERTY.ARRAY>"
        "</INSTANCE></VALUE.NAMEDINSTANCE></IRETURNVALUE>"
    )
    one, _asked = session(reply("EnumerateInstances", instance).replace("'", '"'))
    (found,) = one.instances("KVM_DiskResourceAllocationSettingData")
    assert libvirt_cim.read_rasd(found) == Rasd(ResourceType.CD_DRIVE, host_resource=())


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (1, "CIM_ERR_FAILED: Failed to define domain: no", errors.HostFailed),
        (2, "CIM_ERR_ACCESS_DENIED: read-only", errors.AuthenticationFailed),
        (5, "CIM_ERR_INVALID_CLASS", errors.NotSupported),
        (6, "CIM_ERR_NOT_FOUND: No such instance", errors.NotFound),
        (7, "CIM_ERR_NOT_SUPPORTED: State not supported", errors.NotSupported),
        (13, "CIM_ERR_TYPE_MISMATCH", errors.HostFailed),
    ],
)
def test_cim_errors(code: int, words: str, kind: type[errors.VirtError]) -> None:
    document = reply("DefineSystem", f"<ERROR CODE='{code}' DESCRIPTION='{words}'/>").replace("'", '"')
    one, _asked = session(document.replace("IMETHODRESPONSE", "METHODRESPONSE"))
    with pytest.raises(errors.VirtError) as caught:
        one.call("DefineSystem", SERVICE, "define it", {})
    assert type(caught.value) is kind
    assert str(caught.value).startswith("Cannot define it")
    assert words in str(caught.value)
    assert caught.value.details["cim_status"] == code
