# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WBEM server over any platform, for tests and the demonstration.

    with WbemServer(FakeHost()) as server:
        pywbem.WBEMConnection(server.url).EnumerateInstances("CIM_ComputerSystem", "root/virt")

It listens on the loopback address only.  What it shows is read from the platform at every request, unless
nobody else changes that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform
from tests.wbem.classes import compiled
from tests.wbem.dialects import DIALECTS, Dialect
from tests.wbem.faults import Faults, Requests
from tests.wbem.providers.jobs import Jobs
from tests.wbem.server import Front
from tests.wbem.tls import Certificates
from tests.wbem.world import World

__all__ = ["Certificates", "Dialect", "Faults", "Requests", "WbemServer"]


class WbemServer:
    """A server that runs from ``start`` to ``stop``, or inside a with block."""

    def __init__(
        self,
        platform: Platform,
        dialect: str | Dialect = "standard",
        *,
        port: int = 0,
        tls: bool | Certificates = False,
        demand_client_certificate: bool = False,
        user: str | None = None,
        password: str | None = None,
        jobs: str | Iterable[str] = (),
        job_seconds: float = 0.05,
        job_code: int | None = None,
        faults: Faults | None = None,
        lasting: float = 0.0,
        **changes: Any,
    ) -> None:
        """A server for ``platform``; ``port`` 0 takes a free one.

        ``jobs`` are the methods that answer with a job (``all`` for all), at once with ``job_code`` (4096 or 0; None: as the dialect does).
        ``lasting`` is for how many seconds what was read of the platform answers requests, unless a method changes something.
        ``changes`` are fields of the dialect with other values: ``errors="cim"``, ``block_size=512``, ``traps=...``.
        """
        from dataclasses import replace

        chosen = DIALECTS[dialect] if isinstance(dialect, str) else dialect
        self.dialect = replace(chosen, **changes)
        self.faults = faults or Faults()
        self.requests = Requests()
        if jobs != "all":
            jobs = {*jobs, *self.dialect.always_jobs}
        self.jobs = Jobs(jobs, job_seconds, job_code)
        self.world = World(platform, self.dialect, compiled(*self.dialect.mof), self.faults, self.jobs)
        self.world.lasting = lasting
        self._own_certificates = tls is True
        self.certificates = Certificates() if tls is True else tls or None
        context = self.certificates.context(demand_client_certificate) if self.certificates else None
        self._front = Front(self.world, self.requests, port, context, user, password)
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._front.server_address[1])

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self.certificates else 'http'}://127.0.0.1:{self.port}"

    @property
    def failures(self) -> list[Exception]:
        """What the platform raised; many servers tell no more than a code."""
        return self.world.failures

    def start(self) -> WbemServer:
        """Begin to serve, in threads of its own."""
        self._thread = threading.Thread(target=self._front.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the server, its connections and its files."""
        self.faults.job_never_ends = False
        if self._thread is not None:
            self._front.shutdown()
            self._thread.join()
        self._front.close_connections()
        self._front.server_close()
        self.jobs.wait()
        if self._own_certificates and self.certificates:
            self.certificates.close()

    def __enter__(self) -> WbemServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
