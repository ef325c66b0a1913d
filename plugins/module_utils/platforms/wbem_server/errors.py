# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's failures in the words of this collection.

A server can fail in two ways, and both are told alike: the operation raises (CIM status codes, HTTP, sockets), or the
method returns a code other than zero, which means something else in each of the four families of methods.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils import errors

try:
    import pywbem
except ImportError:  # told by connect.py, where a platform is opened
    pywbem = None  # type: ignore[assignment]

FAILED = 1
ACCESS_DENIED = 2
INVALID_NAMESPACE = 3
INVALID_PARAMETER = 4
INVALID_CLASS = 5
NOT_FOUND = 6
NOT_SUPPORTED = 7
TYPE_MISMATCH = 13
METHOD_NOT_AVAILABLE = 16
METHOD_NOT_FOUND = 17

_BY_STATUS: Mapping[int, type[errors.VirtError]] = {
    ACCESS_DENIED: errors.AuthenticationFailed,
    INVALID_NAMESPACE: errors.NotFound,
    INVALID_CLASS: errors.NotSupported,
    NOT_FOUND: errors.NotFound,
    NOT_SUPPORTED: errors.NotSupported,
    11: errors.Conflict,  # ALREADY_EXISTS
    14: errors.NotSupported,  # QUERY_LANGUAGE_NOT_SUPPORTED
    METHOD_NOT_AVAILABLE: errors.NotSupported,
    METHOD_NOT_FOUND: errors.NotSupported,
    28: errors.Unreachable,  # SERVER_IS_SHUTTING_DOWN
}
"""CIM status codes that are not simply a failure of the host."""

MISSING = frozenset({INVALID_NAMESPACE, INVALID_CLASS, NOT_SUPPORTED})
"""Status codes by which servers say that they do not have a class."""


class Family(enum.Enum):
    """Methods that share a table of return codes."""

    MANAGEMENT = "virtual system management"
    SNAPSHOT = "virtual system snapshot"
    POOL = "resource pool configuration"
    STATE = "state change"


Meaning = tuple[type[errors.VirtError], str]

_COMMON: Mapping[int, Meaning] = {
    1: (errors.NotSupported, "not supported"),
    3: (errors.TimedOut, "timed out"),
}

RETURN_CODES: Mapping[Family, Mapping[int, Meaning]] = {
    Family.MANAGEMENT: {
        **_COMMON,
        2: (errors.HostFailed, "failed"),
        4: (errors.InvalidInput, "invalid parameter"),
        5: (errors.Conflict, "invalid state"),
        6: (errors.HostFailed, "incompatible parameters"),
    },
    Family.SNAPSHOT: {
        **_COMMON,
        2: (errors.HostFailed, "failed"),
        4: (errors.InvalidInput, "invalid parameter"),
        5: (errors.Conflict, "invalid state"),
        6: (errors.NotSupported, "invalid type"),
    },
    Family.POOL: {
        **_COMMON,
        2: (errors.HostFailed, "unknown"),
        4: (errors.HostFailed, "failed"),
        5: (errors.InvalidInput, "invalid parameter"),
        6: (errors.Conflict, "in use"),
        7: (errors.NotSupported, "incorrect resource type for the pool"),
        8: (errors.HostFailed, "insufficient resources"),
        4097: (errors.NotSupported, "size not supported"),
    },
    Family.STATE: {
        **_COMMON,
        2: (errors.HostFailed, "unknown or unspecified error"),
        3: (errors.TimedOut, "cannot complete within the time-out"),
        4: (errors.HostFailed, "failed"),
        5: (errors.HostFailed, "invalid parameter"),
        6: (errors.Conflict, "in use"),
        4097: (errors.Conflict, "invalid state transition"),
        4098: (errors.NotSupported, "use of the time-out parameter not supported"),
        4099: (errors.Conflict, "busy"),
    },
}
"""What a return code means; codes that are not here are told by their number."""

DONE = 0
JOB_STARTED = 4096
INVALID_TRANSITION = 4097
BUSY = 4099


def returned(family: Family, code: int, doing: str) -> errors.VirtError:
    """The error for a return code that is neither done nor a job."""
    kind, words = RETURN_CODES[family].get(code, (errors.HostFailed, "a code of the vendor" if code >= 32768 else ""))
    return kind(f"Cannot {doing}: the server returned {code}{f' ({words})' if words else ''}", return_code=code)


@contextlib.contextmanager
def talking(doing: str, uri: str, secret: str | None = None) -> Iterator[None]:
    """A with block in which the server at ``uri`` is talked to.

    ``doing`` completes the sentence "Cannot …"; ``secret`` is never shown.
    """
    try:
        yield
    except errors.VirtError:
        raise
    except pywbem.Error as error:
        raise translate(error, doing, uri, secret) from (None if secret and secret in str(error) else error)
    except ValueError as error:
        # What pywbem raises for values in replies that their types do not allow.
        raise errors.HostFailed(f"Cannot {doing}: the reply of {uri} makes no sense ({error})") from error


_OF_THE_CONNECTION = (errors.Unreachable, errors.AuthenticationFailed, errors.TimedOut)
"""Errors whose message names the server rather than what was tried."""


def translate(error: Any, doing: str, uri: str, secret: str | None = None) -> errors.VirtError:
    """The VirtError for an error of pywbem, with the server's own words."""
    kind, words = _meaning(error)
    if issubclass(kind, _OF_THE_CONNECTION):
        doing = f"{doing} on {uri}"
    if secret:
        words = words.replace(secret, "********")
    found = kind(f"Cannot {doing}: {words}")
    if isinstance(error, pywbem.CIMError):
        found.details["cim_status"] = error.status_code
    return found


def _meaning(error: Any) -> Meaning:
    if isinstance(error, pywbem.CIMError):
        return _BY_STATUS.get(error.status_code, errors.HostFailed), _cim_words(error)
    if isinstance(error, pywbem.AuthError):
        return errors.AuthenticationFailed, f"the server refuses the credentials: {_words(error)}"
    if isinstance(error, pywbem.HTTPError):
        details = [f"HTTP status {error.status}", error.reason, error.cimerror]
        details += list((error.cimdetails or {}).values())
        words = ", ".join(str(word) for word in details if word)
        return (errors.AuthenticationFailed if error.status in (401, 403) else errors.HostFailed), words
    # pywbem takes a request that was sent and not answered in time for a broken connection.
    if isinstance(error, pywbem.TimeoutError) or "Read timed out" in str(error):
        return errors.TimedOut, _words(error)
    if isinstance(error, pywbem.ConnectionError):
        return errors.Unreachable, _words(error)
    return errors.HostFailed, f"the reply is not the CIM-XML that was expected ({_words(error)})"


def _words(error: Any) -> str:
    words = str(error.args[0] if error.args else error).strip().rstrip(".")
    return words if len(words) <= 500 else words[:500] + " …"


def _cim_words(error: Any) -> str:
    """The server's description, which often begins with the name of the status already."""
    description = (error.status_description or "").strip()
    name = error.status_code_name or f"CIM status {error.status_code}"
    if description.startswith(name):
        return description
    return f"{name}: {description}" if description else name


def status_of(error: errors.VirtError) -> int | None:
    """The CIM status code behind an error; None when it was no CIM error."""
    found = error.details.get("cim_status")
    return found if isinstance(found, int) else None
