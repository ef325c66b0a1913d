# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A URI leads to a host, or to a sentence that says why not."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, NotSupported, Unreachable, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.fake import FakeHost
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import quietly
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import errors, host, verbatim
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host import LibvirtHost

Opened = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """What libvirt hosts were opened with."""
    calls: Opened = []

    def open_host(uri: str, **options: Any) -> FakeHost:
        calls.append((uri, options))
        return FakeHost()

    monkeypatch.setattr(LibvirtHost, "open", open_host)
    return calls


@pytest.fixture
def pki(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Options with three certificates."""
    monkeypatch.setattr(connect.tempfile, "tempdir", str(tmp_path / "made"))
    (tmp_path / "made").mkdir()
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(name)
    return {option: str(tmp_path / name) for option, name in zip(OPTIONS, ("ca", "cert", "key"), strict=True)}


OPTIONS = ("ca_cert", "client_cert", "client_key")


@pytest.mark.parametrize("uri", [None, ""])
def test_without_a_uri_the_host_itself_is_meant(opened: Opened, uri: str | None) -> None:
    connect.open_platform({"uri": uri})
    assert opened == [
        ("qemu:///system", {"username": None, "password": None, "timeout": None, "progress": quietly}),
    ]


@pytest.mark.parametrize("uri", ["qemu:///session", "qemu+ssh://root@host/system", "test:///default", "xen:///"])
def test_a_libvirt_uri_is_passed_on_with_its_options(opened: Opened, uri: str) -> None:
    connect.open_platform({"uri": uri, "username": "me", "password": "secret", "timeout": 5, "validate_certs": False})
    assert opened[0][0] == uri
    assert opened[0][1] == {"username": "me", "password": "secret", "timeout": 5, "progress": quietly}


@pytest.mark.parametrize("uri", ["nonsense", "/run/socket", "+ssh://host"])
def test_what_is_no_uri_is_invalid_input(uri: str) -> None:
    with pytest.raises(InvalidInput, match="is not a URI, such as qemu:///system"):
        connect.open_platform({"uri": uri})


@pytest.mark.parametrize(
    ("module", "name", "distribution"), [(errors, "libvirt", "libvirt-python"), (verbatim, "etree", "lxml")]
)
def test_a_missing_library_is_named_with_the_python_that_misses_it(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, distribution: str
) -> None:
    monkeypatch.setattr(module, name, None)
    with pytest.raises(NotSupported) as caught:
        connect.open_platform({"uri": "qemu:///system"})
    assert f"Python library {distribution} is needed to work on qemu:///system" in caught.value.message
    assert connect.sys.executable in caught.value.message
    assert caught.value.details == {"missing": distribution}


@pytest.mark.parametrize("uri", ["qemu+tls://host/system", "qemu://host/system?keepalive=1"])
def test_certificates_are_given_to_libvirt_in_a_folder_of_their_own(
    opened: Opened, pki: dict[str, str], tmp_path: Path, uri: str
) -> None:
    host = connect.open_platform({"uri": uri, "validate_certs": False, **pki})
    parts = urlsplit(opened[0][0])
    query = parse_qs(parts.query)
    assert (parts.netloc, parts.path) == ("host", "/system")
    assert query["no_verify"] == ["1"]
    folder = Path(query["pkipath"][0])
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "cacert.pem": "ca",
        "clientcert.pem": "cert",
        "clientkey.pem": "key",
    }
    assert ("keepalive" in query) == ("keepalive" in uri)
    del host
    gc.collect()
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.parametrize("uri", ["qemu:///system", "qemu+ssh://host/system", "qemu+unix:///system?socket=/run/x"])
def test_transports_without_tls_have_no_use_for_certificates(opened: Opened, pki: dict[str, str], uri: str) -> None:
    connect.open_platform({"uri": uri, "validate_certs": False, **pki})
    assert opened[0][0] == uri


def test_a_certificate_that_is_not_there_is_named(pki: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="client_key: there is no file /nowhere"):
        connect.open_platform({"uri": "qemu+tls://host/system", **pki, "client_key": "/nowhere"})
    assert list((tmp_path / "made").iterdir()) == []


def test_a_folder_in_the_uri_is_left_alone(opened: Opened, pki: dict[str, str]) -> None:
    connect.open_platform({"uri": "qemu+tls://host/system?pkipath=/mine", **pki})
    assert opened[0][0] == "qemu+tls://host/system?pkipath=/mine"


def test_nothing_is_left_behind_when_the_host_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, pki: dict[str, str], tmp_path: Path
) -> None:
    def refuse(_uri: str, **_options: Any) -> None:
        raise Unreachable("no answer")

    monkeypatch.setattr(LibvirtHost, "open", refuse)
    with pytest.raises(VirtError, match="no answer"):
        connect.open_platform({"uri": "qemu+tls://host/system", **pki})
    assert list((tmp_path / "made").iterdir()) == []


def test_libvirts_own_test_host_is_opened() -> None:
    host = connect.open_platform({"uri": "test:///default"})
    try:
        assert "test" in [system.name for system in host.virtual_systems()]
    finally:
        host.close()


def test_what_is_loaded_when_needed_is_loaded_beforehand_where_that_is_wanted() -> None:
    """And without it a host is opened with less than half of that."""
    folder = Path(host.__file__).parent
    found = []
    for before in ("connect.open_platform({'uri': 'test:///default'}).virtual_system('test')", "connect.preload()"):
        program = (
            "from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect; import sys; "
            f"{before}; print([name.split('.')[-1] for name in sys.modules if '.libvirt_host.' in name])"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "collections")},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(set(ast.literal_eval(ran.stdout)))
    opened, preloaded = found
    assert preloaded == {path.stem for path in folder.glob("*.py")}
    needed = opened & {"definitions", "live", "network_xml", "pool_xml", "pools", "snapshots", "states"}
    assert needed == set()
