# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for one test server: an authority of its own, a certificate for the loopback address, one for clients."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Certificates:
    """Files in a temporary folder, which goes with the object."""

    folder: tempfile.TemporaryDirectory[str] = field(default_factory=tempfile.TemporaryDirectory)

    def __post_init__(self) -> None:
        """Make the authority and what it signs."""
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7"),
            *("-subj", "/CN=Test authority", "-keyout", "ca.key", "-out", "ca.pem"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )
        self._signed("server", "localhost", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self._signed("client", "client", "extendedKeyUsage=clientAuth")

    def _signed(self, name: str, common_name: str, extension: str) -> None:
        self._openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={common_name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        (self.path / f"{name}.ext").write_text(extension + "\n")
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "7", "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.path, check=True, capture_output=True)

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder.name)

    @property
    def authority(self) -> str:
        """What clients are to trust."""
        return str(self.path / "ca.pem")

    @property
    def client_certificate(self) -> tuple[str, str]:
        """Certificate and key of a client."""
        return str(self.path / "client.pem"), str(self.path / "client.key")

    def context(self, demand_client: bool = False) -> ssl.SSLContext:
        """The server's side of TLS."""
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(self.path / "server.pem", self.path / "server.key")
        if demand_client:
            found.verify_mode = ssl.CERT_REQUIRED
            found.load_verify_locations(self.authority)
        return found

    def close(self) -> None:
        """Remove the files."""
        self.folder.cleanup()
