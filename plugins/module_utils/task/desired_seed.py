# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``cloud_init`` as the model: the files that cloud-init of the guest reads.

Errors name the option that is wrong and never what is in it: it may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, allowed_words
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import SEED_FILES, Seed
from ansible_collections.svpc.virt.plugins.module_utils.task.seed_medium import check_library

LARGEST = 4 << 20
"""Bytes of one file; cloud-init keeps what it has read in memory."""
_CLOUD_CONFIG = "#cloud-config\n"
_CONFIGS = ("user_data", "vendor_data")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
"""What JSON takes as it is and YAML does not."""


def desired_seed(given: Any, system: str, state: str) -> dict[str, Any]:
    """The seed that is declared and its pool, by the names of DesiredSystem's fields; nothing where none is declared.

    Raises InvalidInput, and LibraryMissing where its medium cannot be made.
    """
    if given is None or state == "absent":
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"cloud_init: expected names with values, got a {type(given).__name__}")
    options = (*SEED_FILES, "pool_id")
    for name in given:
        if name not in (*options, "pool"):
            raise allowed_words("cloud_init: option", name, options)
    check_library()
    texts = {name: _text(name, given[name]) for name in SEED_FILES if given.get(name) is not None}
    texts["meta_data"] = _meta_data(given.get("meta_data"), system)
    texts.setdefault("user_data", _CLOUD_CONFIG)  # without it, cloud-init takes the medium for none of its own
    files = tuple((file, texts[name]) for name, file in SEED_FILES.items() if name in texts)
    pool = given.get("pool_id") or given.get("pool")
    return {"seed": Seed(files), "seed_pool": None if pool is None else str(pool)}


def _meta_data(given: Any, system: str) -> str:
    """The identity of the guest: what is declared, completed by the system's name."""
    if given is not None and not isinstance(given, Mapping):
        return _text("meta_data", given)
    return _text("meta_data", {"instance-id": system, "local-hostname": system, **(given or {})})


def _text(name: str, value: Any) -> str:
    """A file's content: text as it is, a mapping as YAML that does not depend on the order of its keys."""
    if isinstance(value, Mapping):
        written = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        text = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", written) + "\n"
        text = (_CLOUD_CONFIG if name in _CONFIGS else "") + text
    elif isinstance(value, str):
        text = value
    else:
        raise InvalidInput(f"cloud_init: {name}: expected a mapping or a text, got a {type(value).__name__}")
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise InvalidInput(f"cloud_init: {name}: it is larger than {LARGEST >> 20} MiB")
    return text
