#!/usr/bin/python
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: nothing
short_description: Do nothing
description:
  - The least that a task can cost.
author:
  - SVPC authors (@svpc)
options: {}
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that nothing changed."""
    AnsibleModule(argument_spec={}, supports_check_mode=True).exit_json(changed=False)


if __name__ == "__main__":
    main()
