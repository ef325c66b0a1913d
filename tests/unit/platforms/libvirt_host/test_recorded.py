# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has filled in when it started a system is nothing that waits for a restart."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan.compare import setting_differences
from ansible_collections.svpc.virt.plugins.module_utils.plan.pending import pending_of
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domain_xml import DomainDocument
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.recorded import as_recorded

DOMAIN = """<domain type='qemu'><name>web</name><memory>65536</memory><vcpu>1</vcpu><os{firmware}><type>hvm</type>{os}</os>
<devices>{console}</devices></domain>"""
OPEN = "<graphics type='vnc' port='-1' autoport='yes'><listen type='address'/></graphics>"
LISTENS = (
    "<graphics type='vnc' port='5900' autoport='yes' listen='{0}'><listen type='address' address='{0}'/></graphics>"
)
LOADER = "<loader type='pflash' readonly='yes' secure='{0}'>/usr/share/OVMF/OVMF_CODE.fd</loader>"


def document(console: str = "", firmware: str = "", os: str = "") -> str:
    return DOMAIN.format(console=console, firmware=firmware, os=os)


def waiting(definition: str, running: str, migratable: str | None = None) -> dict[str, Any]:
    """What waits for a restart, by target and property."""
    asked: list[None] = []

    def ask() -> str | None:
        asked.append(None)
        return migratable

    defined, actual = (DomainDocument.parse(text).configuration() for text in (definition, running))
    actual = as_recorded(cast(Any, None), defined, actual, ask)
    assert len(asked) == (migratable is not None), "asked for nothing, or not asked"
    system = VirtualSystem("web", "u", SystemState.ACTIVE, defined, actual)
    return {f"{item.target} {name}": change for item in pending_of(system) for name, change in item.properties.items()}


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_an_address_that_the_host_has_chosen_for_a_console_waits_for_nothing(address: str) -> None:
    assert waiting(document(OPEN), document(LISTENS.format(address)), document(OPEN)) == {}


def test_an_address_that_was_taken_out_of_the_definition_waits() -> None:
    listens = document(LISTENS.format("0.0.0.0"))
    assert waiting(document(OPEN), listens, listens) == {
        "graphics_controller vnc settings.listen_address": ("0.0.0.0", "")
    }


def test_an_address_that_is_in_the_definition_is_compared_without_a_question() -> None:
    one, other = (document(LISTENS.format(address)) for address in ("127.0.0.1", "0.0.0.0"))
    assert waiting(one, one) == {}
    assert list(waiting(one, other)) == ["graphics_controller vnc settings.listen_address"]


@pytest.mark.parametrize(
    ("firmware", "os", "known"),
    [
        (" firmware='efi'", "", None),
        (" firmware='efi'", "<loader readonly='yes'/>", None),
        (" firmware='efi'", "<loader secure='no'/>", False),
        (" firmware='efi'", "<firmware><feature enabled='no' name='secure-boot'/></firmware>", False),
        (" firmware='efi'", "<firmware><feature enabled='yes' name='secure-boot'/></firmware>", True),
        ("", LOADER.format("no"), False),
        ("", LOADER.format("yes"), True),
        ("", "", False),
    ],
)
def test_secure_boot_that_is_left_to_the_host_is_not_taken_for_none(firmware: str, os: str, known: bool | None) -> None:
    """The host may take either firmware at a start: neither waits, and whatever is declared is a change."""
    text = document(firmware=firmware, os=os)
    settings = DomainDocument.parse(text).configuration().settings
    assert settings["secure_boot"] is known
    for value in (True, False):
        declared = setting_differences({"secure_boot": value}, settings, SYSTEM_SETTINGS)
        assert declared == ({} if known is value else {"secure_boot": (known, value)})
    for word, has in (("yes", True), ("no", False)):
        found = waiting(text, document(os=LOADER.format(word)))
        assert found.get("settings secure_boot") == (None if known in (None, has) else (has, known))
