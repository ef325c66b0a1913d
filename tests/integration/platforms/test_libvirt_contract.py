# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real libvirt host keeps the promises of every platform."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.contract")
from tests import contract

pytestmark = pytest.mark.libvirt


class TestLibvirt(contract.Contract):
    """The contract on a private libvirt host."""
