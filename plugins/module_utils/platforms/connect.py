# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the host that a URI names.

The imports are written out, inside the functions: what is not written is not sent to the machine a module runs on, and
what is not needed is not loaded there.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, LibraryMissing
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform, Progress, quietly

DEFAULT_URI = "qemu:///system"

_LIBVIRT_PKI = {
    "cacert.pem": Path("/etc/pki/CA/cacert.pem"),
    "clientcert.pem": Path("/etc/pki/libvirt/clientcert.pem"),
    "clientkey.pem": Path("/etc/pki/libvirt/private/clientkey.pem"),
}
"""Where libvirt looks for certificates: names in a folder of the user's own, and places of the machine."""


def open_platform(options: Mapping[str, Any], progress: Progress = quietly) -> Platform:
    """Connect to the host that the connection options name.

    Raises InvalidInput for what is no URI, LibraryMissing before anything is done, Unreachable or AuthenticationFailed
    when there is no connection.
    """
    uri = options.get("uri") or DEFAULT_URI
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", uri)
    if scheme is None:
        raise InvalidInput(f"uri: {uri!r} is not a URI, such as {DEFAULT_URI} or qemu+ssh://root@host/system")
    kind = scheme.group(1).lower().partition("+")[0]
    return _OPENERS.get(kind, _open_libvirt)(uri, options, progress)


def _open_libvirt(uri: str, options: Mapping[str, Any], progress: Progress) -> Platform:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import errors, verbatim
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.host import LibvirtHost

    for library, distribution in ((errors.libvirt, "libvirt-python"), (verbatim.etree, "lxml")):
        if library is None:
            raise _missing(distribution, uri)
    uri, certificates = with_certificates(uri, options)
    try:
        host = LibvirtHost.open(
            uri,
            username=options.get("username"),
            password=options.get("password"),
            timeout=options.get("timeout"),
            progress=progress,
        )
    except BaseException:
        _forget(certificates)
        raise
    # A connection that breaks is opened anew with the same certificates, so they stay as long as the host does.
    weakref.finalize(host, _forget, certificates)
    return host


def _open_wbem(uri: str, options: Mapping[str, Any], progress: Progress) -> Platform:
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import errors
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.host import WbemHost

    if errors.pywbem is None:
        raise _missing("pywbem", uri)
    return WbemHost.open(uri, options, progress)


_OPENERS: dict[str, Callable[[str, Mapping[str, Any], Progress], Platform]] = {
    "http": _open_wbem,
    "https": _open_wbem,
}
"""By scheme; libvirt has too many schemes to list (qemu, test, xen, lxc …) and takes what is not here."""


def preload() -> None:
    """Load the platform that most URIs name, with all it would load when needed.

    Processes that are forked off from this one then have it already.
    """
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import (  # noqa: F401
        agent,
        definitions,
        dependencies,
        host,
        images,
        network_xml,
        node,
        objections,
        pool_xml,
        pools,
        resources,
        seeds,
        shared,
        snapshots,
        states,
        storage_removal,
        storage_users,
    )


WBEM_SERVER = f"{__package__}.wbem_server.host"
"""The module that is loaded where a WBEM server is worked on."""


def preload_wbem() -> None:
    """Load the platform for WBEM servers, likewise."""
    from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import host  # noqa: F401


def _missing(distribution: str, uri: str) -> LibraryMissing:
    """The error for a Python library that is not there where this runs."""
    return LibraryMissing(
        f"The Python library {distribution} is needed to work on {uri}, and {sys.executable} on {socket.gethostname()} "
        "cannot import it: install it there, or choose another Python with ansible_python_interpreter",
        missing=distribution,
    )


def with_certificates(uri: str, options: Mapping[str, Any]) -> tuple[str, str | None]:
    """A libvirt URI with what the TLS options ask for, and the folder that was made for that.

    libvirt takes its certificates from one folder that holds all of them, so what the options do not name is taken from
    where libvirt would look.  Transports without TLS have no use for the options.
    """
    parts = urlsplit(uri)
    _driver, _plus, transport = parts.scheme.partition("+")
    if not (transport == "tls" or (not transport and parts.netloc)):
        return uri, None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options.get("validate_certs") is False:
        query.setdefault("no_verify", "1")
    files = {
        "cacert.pem": options.get("ca_cert"),
        "clientcert.pem": options.get("client_cert"),
        "clientkey.pem": options.get("client_key"),
    }
    folder = None
    if any(files.values()) and "pkipath" not in query:
        folder = tempfile.mkdtemp(prefix="svpc-pki-")
        for name, given in files.items():
            source = Path(given).resolve() if given else _LIBVIRT_PKI[name]
            if given and not source.is_file():
                _forget(folder)
                raise InvalidInput(f"{_OPTION_OF[name]}: there is no file {given}")
            if source.is_file():
                (Path(folder) / name).symlink_to(source)
        query["pkipath"] = folder
    return urlunsplit(parts._replace(query=urlencode(query, safe="/"))), folder


_OPTION_OF = {"cacert.pem": "ca_cert", "clientcert.pem": "client_cert", "clientkey.pem": "client_key"}


def _forget(folder: str | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
