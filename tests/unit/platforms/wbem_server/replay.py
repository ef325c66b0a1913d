# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session whose requests are answered with CIM-XML that was recorded or written down."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pywbem
import requests
from requests.adapters import BaseAdapter

from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.session import Session


class Replies(BaseAdapter):
    """Answers every request with the next reply, and keeps what was asked."""

    def __init__(self, replies: Iterable[str]) -> None:
        """``replies`` are whole documents."""
        super().__init__()
        self.replies = list(replies)
        self.asked: list[str] = []

    def send(self, request: Any, *_arguments: Any, **_options: Any) -> requests.Response:
        """The next reply."""
        self.asked.append(request.body.decode())
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.headers["Content-type"] = "application/xml"
        response.raw = io.BytesIO(self.replies.pop(0).encode())
        return response

    def close(self) -> None:
        """Nothing is open."""


def session(*replies: str) -> tuple[Session, Replies]:
    """A session that gets these replies, without pulling; and what it will have asked."""
    adapter = Replies(replies)

    def connect() -> Any:
        connection = pywbem.WBEMConnection("http://server", use_pull_operations=False)
        connection.session.mount("http://", adapter)
        return connection

    return Session("http://server/root/virt", connect, "root/virt", 5.0), adapter


def reply(operation: str, content: str) -> str:
    """A reply to an operation: an intrinsic one, or where ``content`` has a return value, a method."""
    kind = "METHODRESPONSE" if "RETURNVALUE PARAMTYPE" in content else "IMETHODRESPONSE"
    return (
        '<?xml version="1.0" encoding="utf-8"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1001" '
        f'PROTOCOLVERSION="1.0"><SIMPLERSP><{kind} NAME="{operation}">{content}</{kind}></SIMPLERSP></MESSAGE></CIM>'
    )
