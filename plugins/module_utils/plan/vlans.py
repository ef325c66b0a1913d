# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the VLAN settings of a port fit each other (CIM_EthernetPortAllocationSettingData, IEEE 802.1Q)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput

VLAN_SETTINGS = ("desired_vlan_endpoint_mode", "port_vid", "allowed_to_transmit_vlans")
_MODE, _NATIVE, _TAGGED = VLAN_SETTINGS


def check_vlans(said: Mapping[str, Any], before: Mapping[str, Any], label: str) -> None:
    """Raise InvalidInput where the settings ``said``, beside those that are there ``before``, make no port.

    Without a mode, a list of VLANs means a trunk, and a single one access.
    """
    mode = said.get(_MODE)
    native = said.get(_NATIVE, before.get(_NATIVE))
    # A port that becomes one for access leaves the VLANs of the trunk that it was.
    tagged = said.get(_TAGGED, () if mode == "access" else before.get(_TAGGED)) or ()
    if native in tagged:
        raise InvalidInput(f"{label}: port_vid: VLAN {native} is native, so it is not among allowed_to_transmit_vlans")
    if mode and not native and not tagged:
        raise InvalidInput(f"{label}: desired_vlan_endpoint_mode {mode!r} needs port_vid or allowed_to_transmit_vlans")
    if mode == "access" and (not native or tagged):
        raise InvalidInput(f"{label}: an access port has a port_vid and no allowed_to_transmit_vlans")
