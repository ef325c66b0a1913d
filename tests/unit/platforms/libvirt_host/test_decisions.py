# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the libvirt platform decides without a host: states, names, reasons, limits."""

from __future__ import annotations

import socket
import threading
import time
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

libvirt = pytest.importorskip("libvirt")

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import MappingBehavior, Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import SnapshotType
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import SYSTEM_SETTINGS, Configuration
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import (
    definitions,
    processors,
    snapshots,
    watchdog,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.disk_places import volume_name
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.domains import system_state
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.errors import talking
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.session import Session, open_session
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.storage_removal import _chain_of, _reason
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.systems import belongings
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volume_calls import volume_xml
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.watchdog import Watchdog, open_sockets


@pytest.mark.parametrize(
    ("state", "reason", "saved", "expected"),
    [
        ("RUNNING", 1, False, SystemState.ACTIVE),
        ("BLOCKED", 0, False, SystemState.ACTIVE),
        ("PAUSED", libvirt.VIR_DOMAIN_PAUSED_USER, False, SystemState.PAUSED),
        ("PAUSED", libvirt.VIR_DOMAIN_PAUSED_IOERROR, False, SystemState.PAUSED),
        ("PAUSED", libvirt.VIR_DOMAIN_PAUSED_STARTING_UP, False, SystemState.STARTING),
        ("PAUSED", libvirt.VIR_DOMAIN_PAUSED_SHUTTING_DOWN, False, SystemState.SHUTTING_DOWN),
        ("PAUSED", libvirt.VIR_DOMAIN_PAUSED_CRASHED, False, SystemState.CRASHED),
        ("SHUTDOWN", 0, False, SystemState.SHUTTING_DOWN),
        ("SHUTOFF", 0, False, SystemState.DEFINED),
        ("SHUTOFF", libvirt.VIR_DOMAIN_SHUTOFF_CRASHED, False, SystemState.DEFINED),
        ("SHUTOFF", 0, True, SystemState.SUSPENDED),
        ("CRASHED", 0, False, SystemState.CRASHED),
        ("PMSUSPENDED", 0, False, SystemState.SLEEPING),
        ("NOSTATE", 0, False, SystemState.UNKNOWN),
    ],
)
def test_states(state, reason, saved, expected):
    assert system_state(getattr(libvirt, f"VIR_DOMAIN_{state}"), reason, saved) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", {0}), ("0-3", {0, 1, 2, 3}), ("0-3,^2,7", {0, 1, 3, 7}), (" 1 , 2 ", {1, 2}), ("", set())],
)
def test_sets_of_processors(text, expected):
    assert processors.cpus_of(text, 8) == expected


@pytest.mark.parametrize("text", ["a", "0-b", "8", "-1"])
def test_sets_of_processors_that_are_none(text):
    with pytest.raises(errors.InvalidInput):
        processors.cpus_of(text, 8)


class _Processors:
    """A host with so many processors, some of which may be off."""

    def __init__(self, count):
        self.connection = self
        self.count = count

    def getCPUMap(self, _flags):
        return (self.count, [True] + [False] * (self.count - 1), 1)


def _bound(behaviour, *sets, maximum=2):
    processor = Rasd(
        ResourceType.PROCESSOR, maximum_quantity=maximum, host_resource=sets or None, mapping_behavior=behaviour
    )
    return Configuration(resources=(processor, Rasd(ResourceType.MEMORY)))


HARD, DEDICATED = MappingBehavior.HARD_AFFINITY, MappingBehavior.DEDICATED


@pytest.mark.parametrize(
    ("defined", "running", "expected"),
    [
        (_bound(None), _bound(HARD, "0-3"), _bound(None)),
        (_bound(None), _bound(DEDICATED, "0-3", maximum=1), _bound(None, maximum=1)),
        (_bound(None), _bound(HARD, "0-2"), _bound(HARD, "0-2")),
        (_bound(None), _bound(DEDICATED, "0-3", "1"), _bound(DEDICATED, "0-3", "1")),
        (_bound(HARD, "0-3"), _bound(HARD, "0-3"), _bound(HARD, "0-3")),
        (_bound(HARD, "1", maximum=1), _bound(DEDICATED, "1", maximum=1), _bound(HARD, "1", maximum=1)),
        (_bound(HARD, "1", maximum=1), _bound(DEDICATED, "2", maximum=1), _bound(DEDICATED, "2", maximum=1)),
    ],
)
def test_a_binding_that_means_the_same_is_told_as_it_is_recorded(defined, running, expected):
    host: Any = _Processors(4)
    assert processors.binding_as_recorded(host, defined, running) == expected


def test_the_words_of_the_host_become_one_line():
    failure = libvirt.libvirtError("")
    failure.err = (1, 0, "tc failed:\nno module\n", 2, None, None, None, 0, 0)
    with pytest.raises(errors.HostFailed) as caught, talking("plug it"):
        raise failure
    assert str(caught.value) == "Cannot plug it: tc failed: no module"


@pytest.mark.parametrize(
    ("state", "said", "unsaid"),
    [
        (SystemState.ACTIVE, ["while it runs", "Take a full one"], "qcow2"),
        (SystemState.DEFINED, ["qcow2"], "while"),
    ],
)
def test_why_a_snapshot_in_files_cannot_be_taken_above_one_in_the_images(state, said, unsaid):
    change = changes.CreateSnapshot(changes.SystemRef("web", None), "after", SnapshotType.FULL)
    words = str(snapshots._above_internal(change, "before", 9_000_000, state))
    assert all(word in words for word in [*said, "'after'", "'before'", "9.9.0"])
    assert unsaid not in words


def test_volumes():
    assert volume_name("web", "my/disk") == "web-my_disk"
    file = ElementTree.fromstring(volume_xml("a<b", 512, "iso", file=True))
    assert (file.findtext("name"), file.findtext("capacity"), file.findtext("allocation")) == ("a<b", "512", "0")
    assert [found.get("type") for found in file.iterfind("target/format")] == ["raw"]
    assert ElementTree.fromstring(volume_xml("v", 512, "qcow2", file=True)).findtext("target/compat") == "1.1"
    assert ElementTree.fromstring(volume_xml("v", 512, "raw", file=False)).find("target") is None


@pytest.mark.parametrize(
    ("kind", "settings", "path", "in_pool", "others", "builds", "expected"),
    [
        (ResourceType.DISK_DRIVE, {}, "/i/a", True, [], [], None),
        (ResourceType.DISK_DRIVE, {}, "/i/a", False, [], [], None),
        (ResourceType.CD_DRIVE, {}, "/i/a", True, [], [], "medium"),
        (ResourceType.DISK_DRIVE, {"access": "readable"}, "/i/a", True, [], [], "read-only"),
        (ResourceType.DISK_DRIVE, {"shareable": True}, "/i/a", True, [], [], "shareable"),
        (ResourceType.DISK_DRIVE, {}, "/i/a", True, ["x", "y"], [], "used by virtual system 'x', 'y'"),
        (ResourceType.DISK_DRIVE, {}, "/i/a", True, [], ["/i/b"], "backing of '/i/b'"),
        (ResourceType.DISK_DRIVE, {}, "/dev/sdz", False, [], [], "a device outside every storage pool"),
        (ResourceType.DISK_DRIVE, {}, "/dev/vg/web", True, [], [], None),
        (ResourceType.DISK_DRIVE, {}, "rbd://pool/x", False, [], [], "on the network, outside every storage pool"),
    ],
)
def test_reasons_to_keep_storage(kind, settings, path, in_pool, others, builds, expected):
    assert _reason(Rasd(kind, settings=settings), path, in_pool, others, builds) == expected


def test_only_what_was_once_a_disk_of_the_system_is_its_own():
    disk = Rasd(ResourceType.DISK_DRIVE)
    builders = {"/base": {"/mid"}, "/mid": {"/top"}, "/golden": {"/base"}}
    assert _chain_of({"/top": disk}, builders, {"/mid": "one", "/base": "two"}) == {"/mid", "/base"}
    assert _chain_of({"/top": disk}, builders, {"/base": "two"}) == set()


def test_belongings():
    assert belongings("<domain><os><nvram>/x</nvram></os></domain>", checkpoints=True) == ("nvram", "checkpoints")
    assert belongings("<os firmware='efi'/><tpm model='x'><backend type='emulator'/></tpm>", False) == (
        "nvram",
        "tpm_state",
    )
    assert belongings("<tpm model='x'><backend type='passthrough'/></tpm><x type='emulator'/>", False) == ()


def test_the_words_for_automatic_startup_are_those_of_the_model():
    assert set(definitions._AUTOSTART) < set(SYSTEM_SETTINGS[definitions.STARTUP].words)


def test_errors_speak_our_words():
    session = open_session("test:///default")
    for call, kind in (
        (lambda: session.connection.lookupByName("nosuch"), errors.NotFound),
        (lambda: session.connection.defineXML("<domain"), errors.HostFailed),
    ):
        with pytest.raises(kind, match="Cannot do it: "), talking("do it"):
            call()
    session.begin()
    session.close()
    session.close()


def _failure(name: str, domain: str) -> Exception:
    failure = libvirt.libvirtError("")
    failure.err = (getattr(libvirt, name), getattr(libvirt, domain), "so it is", 2, None, None, None, 0, 0)
    return failure


LOST = _failure("VIR_ERR_SYSTEM_ERROR", "VIR_FROM_RPC")
NO_DOMAIN = _failure("VIR_ERR_NO_DOMAIN", "VIR_FROM_QEMU")


class Line:
    """A connection that gives the answers it was made with, one after the other."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    def getLibVersion(self) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing is behind it."""


@pytest.fixture
def over(monkeypatch):
    """Makes sessions over lines; the second one is what is there once the first one broke."""
    monkeypatch.setattr(watchdog, "JUST_NOW", 600.0)  # however long a test takes between two questions
    watches: list[Watchdog] = []

    def make(*lines: Line) -> Session:
        line, *others = lines
        watches.append(Watchdog(None, open_sockets()))
        found: Any = Session("far:", line, watch=watches[-1])  # type: ignore[arg-type]
        found.reopen = (lambda: make(*others)) if others else None
        return found

    yield make
    for watch in watches:
        watch.end()
    watchdog.work_with(None)


def ask(session: Session) -> object:
    with talking("ask"):
        return session.ask(lambda connection: connection.getLibVersion())


def test_the_first_question_is_the_sign_of_life(over):
    session = over(Line("first", "second"))
    assert ask(session) == "first"
    session.begin()  # asks nothing more
    assert ask(session) == "second"


def test_who_says_no_is_alive(over):
    session = over(Line(NO_DOMAIN, "second"))
    with pytest.raises(errors.NotFound, match="Cannot ask: so it is"):
        ask(session)
    session.begin()
    assert ask(session) == "second"


def test_a_question_is_asked_again_where_the_connection_broke_since(over):
    session = over(Line("before", LOST), Line("after"))
    assert ask(session) == "before"
    session.watch.is_lost()
    assert ask(session) == "after"


def test_a_connection_that_breaks_where_no_other_can_be_had(over):
    with pytest.raises(errors.Unreachable, match="Cannot use the connection to far:"):
        ask(over(Line(LOST)))
    session = over(Line("alive", LOST), Line("never asked"))
    ask(session)
    with pytest.raises(errors.Unreachable, match="Cannot ask: the connection to the host is lost"):
        ask(session)  # alive just now: what is under way may have changed something, and is not begun again


@pytest.mark.parametrize("uri", ["qemu+unix:///system?socket=/nowhere", "qemu+tcp://127.0.0.1:1/system"])
def test_nobody_there(uri):
    with pytest.raises(errors.Unreachable, match="Cannot connect to"):
        open_session(uri)


class Peer:
    """A socket whose other end never says anything."""

    def __enter__(self):
        before = open_sockets()
        self.near, self.far = socket.socketpair()
        far = (self.far.fileno(), 0)
        self.before = before | {each for each in open_sockets() if each[0] == far[0]}
        return self

    def __exit__(self, *_error):
        self.near.close()
        self.far.close()


def test_a_call_over_its_limit_is_cut_off():
    with Peer() as peer:
        dog = Watchdog(0.2, peer.before)
        dog.opened(lambda: None)
        with dog.watching(patient=False):
            assert peer.near.recv(1) == b""
        assert dog.fired


def test_a_patient_call_lives_while_the_host_gives_signs(monkeypatch):
    monkeypatch.setattr(watchdog, "PING_EVERY", 0.2)
    with Peer() as peer:
        asked = []
        often, late = threading.Event(), threading.Event()

        def answer():
            asked.append(1)
            if len(asked) > 3:
                often.set()

        dog = Watchdog(5.0, peer.before)
        dog.opened(answer)
        peer.near.setblocking(False)
        with dog.watching(patient=True):
            assert often.wait(60)
        with pytest.raises(BlockingIOError):
            peer.near.recv(1)  # nobody has cut it
        assert not dog.fired
        dog.limit = 0.2
        dog.ping = lambda: late.wait(60)
        peer.near.setblocking(True)
        with dog.watching(patient=True):
            assert peer.near.recv(1) == b""
        late.set()
        assert dog.fired


def test_connections_that_are_opened_at_the_same_time_are_told_apart():
    silent = Watchdog.of_new_connection(0.2)
    with Peer() as hung:
        other = Watchdog.of_new_connection(5)
        with Peer() as alive:
            other.opened(lambda: None)
            with silent.watching(patient=False):
                assert hung.near.recv(1) == b""
            assert silent.fired
            alive.near.settimeout(0.2)
            with pytest.raises(TimeoutError):
                alive.near.recv(1)
    other.end()


def test_a_connection_without_sockets_holds_up_no_other():
    started = time.monotonic()
    for _number in range(20):
        dog = Watchdog.of_new_connection(5)
        dog.opened(lambda: None)
        dog.end()
    assert time.monotonic() - started < 5


def test_time_between_calls_does_not_count():
    with Peer() as peer:
        dog = Watchdog(1.0, peer.before)
        dog.opened(lambda: None)
        with dog.watching(patient=False):
            pass
        time.sleep(1.5)
        assert not dog.fired
        dog.end()
