# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real libvirt host behind a WBEM server keeps the promises of every platform, over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host import LibvirtHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import open_session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost

pytest.register_assert_rewrite("tests.contract")
from tests import contract
from tests.integration.conftest import sweep
from tests.wbem import WbemServer
from tests.wbem.process import LASTING

pytestmark = pytest.mark.libvirt


class TestLibvirtBehindWbem(contract.Contract):
    """The contract on a private libvirt host, through a server."""

    @pytest.fixture
    def around(self, around):
        """A server makes no disks from images, and says so."""
        return replace(around, image=None)

    @pytest.fixture
    def platform(self, host):
        behind = LibvirtHost(open_session(host.uri))
        with WbemServer(behind, lasting=LASTING) as server:
            through = WbemHost.open(server.url, {})
            yield through
            through.close()
        behind.close()
        sweep(host)
