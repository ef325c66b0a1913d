# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libvirt's errors in the words of this collection.

Every call to libvirt happens inside :func:`talking`, which says what was being done; a libvirtError that leaves it
becomes a VirtError with the host's own words, and the original stays as its cause.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host import watchdog

try:
    import libvirt
except ImportError:  # told by connect.py, where a platform is opened
    libvirt = None  # type: ignore[assignment]

_BY_NAME: dict[str, type[errors.VirtError]] = {
    "VIR_ERR_NO_DOMAIN": errors.NotFound,
    "VIR_ERR_NO_NETWORK": errors.NotFound,
    "VIR_ERR_NO_STORAGE_POOL": errors.NotFound,
    "VIR_ERR_NO_STORAGE_VOL": errors.NotFound,
    "VIR_ERR_NO_NODE_DEVICE": errors.NotFound,
    "VIR_ERR_NO_NWFILTER": errors.NotFound,
    "VIR_ERR_NO_SECRET": errors.NotFound,
    "VIR_ERR_NO_INTERFACE": errors.NotFound,
    "VIR_ERR_NO_DOMAIN_SNAPSHOT": errors.NotFound,
    "VIR_ERR_NO_SUPPORT": errors.NotSupported,
    "VIR_ERR_CONFIG_UNSUPPORTED": errors.NotSupported,
    "VIR_ERR_ARGUMENT_UNSUPPORTED": errors.NotSupported,
    "VIR_ERR_OPERATION_UNSUPPORTED": errors.NotSupported,
    "VIR_ERR_AUTH_FAILED": errors.AuthenticationFailed,
    "VIR_ERR_AUTH_CANCELLED": errors.AuthenticationFailed,
    "VIR_ERR_AUTH_UNAVAILABLE": errors.AuthenticationFailed,
    "VIR_ERR_ACCESS_DENIED": errors.AuthenticationFailed,
    "VIR_ERR_OPERATION_DENIED": errors.AuthenticationFailed,
    "VIR_ERR_NO_CONNECT": errors.Unreachable,
    "VIR_ERR_INVALID_CONN": errors.Unreachable,
    "VIR_ERR_UNKNOWN_HOST": errors.Unreachable,
    "VIR_ERR_OPERATION_TIMEOUT": errors.TimedOut,
    "VIR_ERR_AGENT_UNRESPONSIVE": errors.TimedOut,
    "VIR_ERR_AGENT_UNSYNCED": errors.TimedOut,
    "VIR_ERR_DOM_EXIST": errors.Conflict,
    "VIR_ERR_NETWORK_EXIST": errors.Conflict,
    "VIR_ERR_STORAGE_VOL_EXIST": errors.Conflict,
    "VIR_ERR_DEVICE_MISSING": errors.Conflict,
    "VIR_ERR_RESOURCE_BUSY": errors.Conflict,
}
UNKNOWN_CALL = ("VIR_ERR_NO_SUPPORT", "VIR_ERR_ARGUMENT_UNSUPPORTED", "VIR_ERR_INVALID_ARG")
"""What kinds of hosts say to calls, or flags, that they do not know."""
_TRANSPORTS = ("VIR_FROM_RPC", "VIR_FROM_REMOTE", "VIR_FROM_SSH", "VIR_FROM_LIBSSH")
_TRANSPORT_BREAKS = (
    "VIR_ERR_SYSTEM_ERROR",
    "VIR_ERR_INTERNAL_ERROR",
    "VIR_ERR_GNUTLS_ERROR",
    "VIR_ERR_SSH",
    "VIR_ERR_LIBSSH",
)


def translate(error: libvirt.libvirtError, doing: str) -> errors.VirtError:
    """The VirtError for a libvirtError met while ``doing`` (``"define virtual system 'web'"``)."""
    words = " ".join((error.get_error_message() or str(error)).split())  # the output of tools comes in lines
    if is_connection_loss(error):
        watch = watchdog.current()
        if watch is not None:
            watch.is_lost()
        if watch is not None and watch.fired:
            limit = watch.limit or watchdog.PING_EVERY
            return errors.TimedOut(f"Cannot {doing}: the host has not answered for {limit:g} seconds")
        return errors.Unreachable(f"Cannot {doing}: the connection to the host is lost: {words}")
    code = error.get_error_code()
    kind: type[errors.VirtError] = errors.HostFailed
    for name, candidate in _BY_NAME.items():
        if getattr(libvirt, name, None) == code:
            kind = candidate
    return kind(f"Cannot {doing}: {words}", libvirt_code=code)


@contextlib.contextmanager
def talking(doing: str, patient: bool = False) -> Iterator[None]:
    """Calls to libvirt for one purpose, named by a verb phrase that completes "Cannot …".

    The user's time-out counts for what happens inside, unless it is ``patient``: for calls that take as long as there
    is data to move (saving, restoring, copying).
    """
    watch = watchdog.current()
    try:
        if watch is None:
            yield
        else:
            with watch.watching(patient):
                yield
    except libvirt.libvirtError as error:
        raise translate(error, doing) from error


def is_code(error: libvirt.libvirtError, *names: str) -> bool:
    """Whether a libvirtError has one of the codes named (``"VIR_ERR_NO_DOMAIN"``)."""
    return error.get_error_code() in [getattr(libvirt, name, None) for name in names]


def is_code_of(error: errors.VirtError, *names: str) -> bool:
    """Whether a VirtError was a libvirtError with one of the codes named."""
    return error.details.get("libvirt_code") in [getattr(libvirt, name, None) for name in names]


def is_connection_loss(error: libvirt.libvirtError) -> bool:
    """Whether a libvirtError says that the transport to the host broke, not that the host refused something."""
    if is_code(error, "VIR_ERR_INVALID_CONN"):  # closed by us, when opening it once more had failed
        return True
    domain: int | None = error.get_error_domain()
    return domain in [getattr(libvirt, name, None) for name in _TRANSPORTS] and is_code(error, *_TRANSPORT_BREAKS)


def flag(*names: str) -> int:
    """The named libvirt flags joined; a name that this libvirt-python does not have counts as no flag."""
    joined = 0
    for name in names:
        joined |= getattr(libvirt, name, 0)
    return joined


def sentence(text: str) -> str:
    """``text`` as the beginning of a sentence."""
    return text[:1].upper() + text[1:]
