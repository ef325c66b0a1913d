# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private libvirt host for a run of tests, and the platform on it."""

from __future__ import annotations

import contextlib
import os

import libvirt
import pytest

from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host import LibvirtHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import open_session
from tests.laboratory import Laboratory

HOST = "tests"
_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)


@pytest.fixture(scope="session")
def host():
    """A host of its own, gone after the run.  HOST_NAME keeps runs that happen at the same time apart."""
    with Laboratory() as laboratory:
        yield laboratory.start(os.environ.get("HOST_NAME", f"{HOST}-{os.getpid()}"))


@pytest.fixture
def connection(host):
    """libvirt itself, to look behind the platform's back."""
    with opened(host) as connection:
        yield connection


def opened(host):
    """A connection to libvirt itself."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    return contextlib.closing(libvirt.open(host.uri))


@pytest.fixture
def platform(host):
    """The platform on the host; nothing of a test stays there."""
    session = open_session(host.uri)
    yield LibvirtHost(session)
    session.close()
    sweep(host)


def sweep(host):
    """Remove every domain, and every volume, of a host."""
    with opened(host) as connection:
        for domain in connection.listAllDomains():
            with contextlib.suppress(libvirt.libvirtError):
                domain.destroy()
            with contextlib.suppress(libvirt.libvirtError):
                domain.undefineFlags(_UNDEFINE)
        for pool in connection.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
            pool.refresh()
            for volume in pool.listAllVolumes():
                volume.delete()


@pytest.fixture(scope="session")
def pool(host):
    """The name of an active storage pool in a folder."""
    folder = host.images / "vmpool"
    folder.mkdir(exist_ok=True)
    return make_pool(host, "vmpool", folder)


@pytest.fixture(scope="session")
def network(host):
    """The name of an active isolated network with DHCP."""
    xml = """<network><name>platform</name><bridge name='lab0'/><ip address='192.0.2.1' prefix='24'>
    <dhcp><range start='192.0.2.100' end='192.0.2.200'/></dhcp></ip></network>"""
    with opened(host) as connection:
        connection.networkDefineXML(xml).create()
    return "platform"


def make_pool(host, name, folder):
    """An active storage pool in a folder; returns its name."""
    xml = f"<pool type='dir'><name>{name}</name><target><path>{folder}</path></target></pool>"
    with opened(host) as connection:
        connection.storagePoolDefineXML(xml).create()
    return name
