# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for states on a real libvirt host: each returns when the state is there, or says why it is not."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import Conflict, TimedOut, Unreachable
from ansible_collections.svpc.virt.plugins.module_utils.model.states import RequestedState, SystemState
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import watchdog
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host import LibvirtHost

from .libvirt_systems import define, disk, guest_settings, request, wait_booted

pytestmark = pytest.mark.libvirt

ACTIVE, PAUSED, SUSPENDED, DEFINED = (
    SystemState.ACTIVE,
    SystemState.PAUSED,
    SystemState.SUSPENDED,
    SystemState.DEFINED,
)
ENABLED, DISABLED, SHUT_DOWN, OFFLINE, QUIESCE = (
    RequestedState.ENABLED,
    RequestedState.DISABLED,
    RequestedState.SHUT_DOWN,
    RequestedState.OFFLINE,
    RequestedState.QUIESCE,
)


def test_every_way_between_the_states(platform):
    system = define(platform, "walker")
    for wanted, state in (
        (QUIESCE, PAUSED),  # from off, without executing in between
        (ENABLED, ACTIVE),
        (ENABLED, ACTIVE),
        (QUIESCE, PAUSED),
        (OFFLINE, SUSPENDED),  # a paused one comes back active
        (ENABLED, ACTIVE),
        (OFFLINE, SUSPENDED),
        (OFFLINE, SUSPENDED),
        (QUIESCE, PAUSED),  # from the saved state
        (RequestedState.RESET, ACTIVE),  # also from paused
        (ENABLED, ACTIVE),
        (RequestedState.RESET, ACTIVE),
        (OFFLINE, SUSPENDED),
        (DISABLED, DEFINED),  # the saved state is discarded
        (DISABLED, DEFINED),
        (SHUT_DOWN, DEFINED),
    ):
        system = request(platform, system, wanted)
        assert system.state is state, wanted
        assert (system.running is None) == (state is DEFINED)


def test_requests_that_lead_nowhere(platform):
    system = define(platform, "walker")
    with pytest.raises(Conflict, match="defined"):
        request(platform, system, OFFLINE)
    with pytest.raises(Conflict, match="defined"):
        request(platform, system, RequestedState.REBOOT)
    request(platform, system, ENABLED)
    request(platform, system, OFFLINE)
    with pytest.raises(Conflict, match="suspended"):
        request(platform, system, SHUT_DOWN)


def test_shutdown_of_a_guest_that_does_not_listen(platform):
    system = request(platform, define(platform, "Deaf"), ENABLED)
    started = time.monotonic()
    with pytest.raises(TimedOut, match=r"'Deaf' did not shut down within 1 seconds.*force_off"):
        request(platform, system, SHUT_DOWN, timeout=1)
    assert time.monotonic() - started < 10
    assert platform.virtual_system("Deaf").state is ACTIVE
    assert request(platform, system, SHUT_DOWN, timeout=0.5, force=True).state is DEFINED


def test_shutdown_of_a_guest_that_stops_by_itself_meanwhile(platform, connection):
    system = request(platform, define(platform, "deaf"), ENABLED)
    thread = threading.Timer(0.5, connection.lookupByName("deaf").destroy)
    thread.start()
    assert request(platform, system, SHUT_DOWN, timeout=10).state is DEFINED
    thread.join()


def test_a_guest_shuts_down_and_reboots_when_asked(platform, host):
    system = define(platform, "guest", **guest_settings(host, "guest"))
    system = request(platform, system, ENABLED)
    # It is booting and does not listen yet: the request is repeated until it does.
    assert request(platform, system, SHUT_DOWN, timeout=180).state is DEFINED
    request(platform, system, ENABLED)
    wait_booted(host, "guest")
    assert request(platform, system, RequestedState.REBOOT, timeout=180).state is ACTIVE


def test_reboot_of_a_guest_that_does_not_listen(platform):
    system = request(platform, define(platform, "deaf"), ENABLED)
    with pytest.raises(TimedOut, match="did not reboot"):
        request(platform, system, RequestedState.REBOOT, timeout=1)
    assert platform.virtual_system("deaf").state is ACTIVE


def test_a_transient_system_is_not_saved_and_vanishes(platform, connection):
    connection.createXML(
        "<domain type='qemu'><name>mayfly</name><memory unit='MiB'>64</memory>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )
    system = platform.virtual_system("mayfly")
    assert not system.persistent
    with pytest.raises(Exception, match="only while it runs"):
        request(platform, system, OFFLINE)
    assert request(platform, system, DISABLED) is None


def test_the_daemon_is_restarted_between_reading_and_changing(platform, host):
    system = define(platform, "web")
    host.restart_daemon()
    system = request(platform, system, ENABLED)
    host.restart_daemon()
    assert platform.virtual_system("web") == system


def test_a_daemon_that_does_not_answer(host, platform, monkeypatch):
    define(platform, "web")
    slow = LibvirtHost.open(host.uri, timeout=3)
    daemon = host.daemon_pid
    os.kill(daemon, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(TimedOut, match="not answered for 3 seconds"):
            slow.virtual_system("web")
        with pytest.raises(Unreachable, match="within 1 seconds"):
            LibvirtHost.open(host.uri, timeout=1)
        monkeypatch.setattr(watchdog, "PING_EVERY", 0.5)
        with pytest.raises(TimedOut):
            platform.virtual_system("web")  # no time-out set: it is asked for a sign of life
        assert time.monotonic() - started < 20
    finally:
        os.kill(daemon, signal.SIGCONT)
        slow.close()


def test_a_disk_that_is_missing_is_told_by_the_host(platform, host, pool):
    system = define(platform, "broken", disk(pool))
    (host.images / "vmpool" / "broken-root.qcow2").unlink()
    with pytest.raises(Exception, match=r"Cannot start virtual system 'broken': .*broken-root.qcow2"):
        request(platform, system, ENABLED)
    assert platform.virtual_system("broken").state is DEFINED
