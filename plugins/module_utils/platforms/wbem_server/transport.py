# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as a server may use it: replies of a bounded size within a bounded time, and no redirects.

A redirect would carry the request, and with it the credentials, to a place nobody named.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import HostFailed, TimedOut

try:
    from urllib3.exceptions import HTTPError
except ImportError:  # it comes with pywbem, the absence of which is told by connect.py
    HTTPError = OSError  # type: ignore[assignment, misc]

MOST_BYTES = 256 * 2**20
"""The largest reply that is read."""
PULLED_AT_ONCE = 500
"""Instances in one reply of a pulled enumeration."""


class BoundedAdapter:
    """Sends requests by another adapter (of the requests library, under pywbem), and guards what comes back."""

    def __init__(self, adapter: Any, seconds: float) -> None:
        """Refuse replies of more than MOST_BYTES, and those that take longer than ``seconds`` to arrive."""
        self._adapter, self._most_bytes, self._seconds = adapter, MOST_BYTES, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
        """The reply to a request; it is not read yet."""
        response = self._adapter.send(request, *arguments, **options)
        if response.is_redirect:
            target = response.headers.get("location")
            response.close()
            raise HostFailed(f"The server at {request.url} redirects to {target}: give that as the uri if it is right")
        response.raw = _BoundedReply(response.raw, request.url, self._most_bytes, self._seconds)
        return response

    def close(self) -> None:
        """Close the sockets."""
        self._adapter.close()


class _BoundedReply:
    """The body of a reply, as urllib3 gives it, up to a size and a time."""

    def __init__(self, raw: Any, url: str, most_bytes: int, seconds: float) -> None:
        self._raw, self._url, self._most_bytes, self._seconds = raw, url, most_bytes, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """The body, decoded, in pieces."""
        received, late = 0, threading.Event()

        def give_up() -> None:
            late.set()
            self._cut()

        # A server that sends a byte now and then keeps every single read within its time limit.
        watch = threading.Timer(self._seconds, give_up)
        watch.daemon = True
        watch.start()
        try:
            for piece in self._raw.stream(amount, decode_content=decode_content):
                received += len(piece)
                if received > self._most_bytes:
                    self._raw.close()
                    raise HostFailed(f"The server at {self._url} sends a reply of more than {self._most_bytes} bytes")
                yield piece
        except (HTTPError, OSError, ValueError) as error:
            # What reading from a connection raises that was cut: by this watch, or by the server.
            if late.is_set():
                raise self._too_late() from error
            raise
        finally:
            watch.cancel()
        if late.is_set():
            raise self._too_late()

    def _too_late(self) -> TimedOut:
        return TimedOut(f"The server at {self._url} did not finish its reply within {self._seconds:g} seconds")

    def _cut(self) -> None:
        """End the connection under whoever is reading from it."""
        with contextlib.suppress(OSError, ValueError), socket.socket(fileno=os.dup(self._raw.fileno())) as connection:
            connection.shutdown(socket.SHUT_RDWR)
