# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side of the server: requests in, replies out, and everything that can go wrong with HTTP."""

from __future__ import annotations

import base64
import contextlib
import hmac
import http.server
import socket
import ssl
import sys
import threading
import time
from typing import Any

import pywbem

from tests.wbem import cimxml, faults, invoke
from tests.wbem.operations import Operations
from tests.wbem.world import World

MOST_BYTES = 64 * 2**20
"""Largest request that is read."""


class Front(http.server.ThreadingHTTPServer):
    """Listens on the loopback address, one thread for each connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        world: World,
        requests: faults.Requests,
        port: int = 0,
        context: ssl.SSLContext | None = None,
        user: str | None = None,
        password: str | None = None,
    ) -> None:
        """Listen; nothing is served before ``serve_forever``."""
        self.world, self.requests = world, requests
        self.operations = Operations(world)
        self.context = context
        self.credentials = None if user is None else base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        self.threads = threading.active_count()
        self._sockets: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

    def get_request(self) -> tuple[Any, Any]:
        """A new connection.  The TLS handshake is left to the connection's own thread."""
        connection, address = self.socket.accept()
        self.requests.connections += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._sockets.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
        self._sockets.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End all connections that clients keep open."""
        for connection in list(self._sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away, and handshakes that fail, are no news; anything else is a failure of the server."""
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.world.failures.append(error)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    server: Front
    protocol_version = "HTTP/1.1"
    server_version = "SVPC-WBEM"
    timeout = 60

    def setup(self) -> None:
        """Shake hands, with a time limit."""
        super().setup()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.settimeout(10)
            self.connection.do_handshake()
            self.connection.settimeout(self.timeout)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are in the server's own log."""

    def do_POST(self) -> None:
        """A CIM-XML request."""
        body = self._body()
        if body is None:
            return
        wrong = self.server.world.faults
        if wrong.redirect is not None:
            self._reply(307, b"", {"Location": wrong.redirect})
            return
        if wrong.http_status is not None:
            self._reply(wrong.http_status[0], b"", reason=wrong.http_status[1])
            return
        if not self._allowed():
            self._reply(401, b"", {"WWW-Authenticate": 'Basic realm="wbem"', "PGErrorDetail": "User%20Unauthorized"})
            return
        try:
            call = cimxml.parse(body)
        except cimxml.BadRequest as error:
            self._reply(400, b"", {"CIMError": str(error)})
            return
        self._serve(call)

    do_M_POST = do_POST

    def _serve(self, call: cimxml.Call) -> None:
        server, wrong = self.server, self.server.world.faults
        server.requests.add(call.operation, _about(call))
        if wrong.drop_after is not None:
            wrong.drop_after -= 1
            if wrong.drop_after < 0:
                self._hang_up()
                return
        time.sleep(wrong.slow_operations.get(call.operation, wrong.delay))
        content = self._answered(call)
        if wrong.drop_reply_of.get(call.operation, 0) > 0:
            wrong.drop_reply_of[call.operation] -= 1
            self._hang_up()
            return
        self._send(call, content)

    def _answered(self, call: cimxml.Call) -> bytes:
        world = self.server.world
        once = world.faults.errors_once.get(call.operation)
        fault = once.pop(0) if once else world.faults.errors.get(call.operation)
        if fault is not None:
            return cimxml.refusal(call, *fault)
        try:
            if call.intrinsic:
                return cimxml.reply(call, self.server.operations.answer(call))
            return cimxml.reply(call, invoke.answer(world, call))
        except pywbem.CIMError as error:
            return cimxml.refusal(call, error.status_code, error.status_description or "", error.instances or ())
        except (
            Exception
        ) as error:  # whatever breaks in a provider: a server answers, and its owner finds it in failures
            world.failures.append(error)
            return cimxml.refusal(call, pywbem.CIM_ERR_FAILED, f"{type(error).__name__}: {error}")

    def _send(self, call: cimxml.Call, content: bytes) -> None:
        body = self.server.world.faults.body
        headers = {"CIMOperation": "MethodResponse"}
        if body == "huge":
            self._send_huge(headers)
        elif body == "drip":
            self._send_slowly(headers)
        elif body == "truncated":
            self._reply(200, content, headers, length=len(content))
            self._hang_up()
        elif body == "wrong_types":
            self._reply(200, content.replace(b'TYPE="uint16"', b'TYPE="uint99"'), headers)
        elif body is not None:
            kind = "text/html" if body == "html" else None
            self._reply(200, faults.BODIES[body], headers, kind=kind)
        else:
            self._reply(200, content, headers)

    def _send_huge(self, headers: dict[str, str]) -> None:
        size = self.server.world.faults.huge_bytes
        start = b'<?xml version="1.0"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><!--'
        self._head(200, size + len(start), headers)
        self.wfile.write(start)
        piece = b"x" * 65536
        try:
            for _ in range(size // len(piece)):
                self.wfile.write(piece)
        except OSError:
            pass
        self._hang_up()

    def _send_slowly(self, headers: dict[str, str]) -> None:
        """A reply that goes on, a byte at a time: no single read has to wait for long."""
        self._head(200, 2**20, headers)
        until = time.monotonic() + self.server.world.faults.drip_seconds
        try:
            while time.monotonic() < until:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass
        self._hang_up()

    def _allowed(self) -> bool:
        wanted = self.server.credentials
        if wanted is None:
            return True
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "basic" and hmac.compare_digest(given.strip().encode(), wanted.encode())

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        length = int(self.headers.get("Content-Length", "0") or 0)
        if length > MOST_BYTES:
            self._reply(413, b"")
            return None
        return self.rfile.read(length)

    def _head(
        self, status: int, length: int, headers: dict[str, str], kind: str | None = None, reason: str | None = None
    ) -> None:
        self.send_response(status, reason)
        self.send_header("Content-Type", kind or 'application/xml; charset="utf-8"')
        self.send_header("Content-Length", str(length))
        self.send_header("CIMExport" if status == 501 else "CIMProtocolVersion", "1.0")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _reply(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        kind: str | None = None,
        reason: str | None = None,
        length: int | None = None,
    ) -> None:
        self._head(status, len(content) if length is None else length, headers or {}, kind, reason)
        self.wfile.write(content if length is None else content[: len(content) // 2])

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _about(call: cimxml.Call) -> str:
    if not call.intrinsic:
        return str(call.target)
    for name in ("ClassName", "InstanceName", "ObjectName"):
        if call.arguments.get(name) is not None:
            about = str(call.arguments[name])
            follows = call.arguments.get("AssocClass") or call.arguments.get("ResultClass")
            return f"{about} {follows}" if follows else about
    return ""
