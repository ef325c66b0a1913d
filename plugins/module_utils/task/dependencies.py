# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of resource_dependency_info: what stands on some resources, and what they stand on."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.plan.dependencies import Answer, answer, completed, find
from ansible_collections.svpc.virt.plugins.module_utils.task.host_facts import host_facts
from ansible_collections.svpc.virt.plugins.module_utils.task.results import Shown, plain
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task


def resource_dependency_info(task: Task) -> dict[str, Any]:
    """What stands on some resources, and what they stand on."""
    direction = task.params.get("direction") or "both"
    wanted = task.params.get("resource")
    with task.platform() as platform:
        graph = completed([platform.dependencies(), host_facts(task.params.get("host_facts") or {})])
    asked = None if wanted is None else [found for text in wanted for found in find(graph, text)]
    found = answer(graph, asked, up=direction != "antecedents", down=direction != "dependents")
    return {"changed": False, **shown(found)}


def shown(found: Answer) -> Shown:
    """The part of a graph of dependencies that answers a question."""
    return {
        "asked": list(found.asked),
        "dependents": list(found.dependents),
        "antecedents": list(found.antecedents),
        "virtual_systems": [
            {
                "name": hit.system.name,
                **{name: plain(hit.system.attributes.get(name)) for name in ("uuid", "state", "running")},
                "path": list(hit.path),
                "resources": list(hit.resources),
            }
            for hit in found.hits
        ],
        "elements": [
            {"id": each.id, "kind": each.kind, "name": each.name, "attributes": plain(each.attributes)}
            for each in found.elements
        ],
        "dependencies": [
            {
                "dependent": each.dependent,
                "antecedent": each.antecedent,
                "association": each.association,
                "resources": list(each.resources),
                "configurations": list(each.configurations),
            }
            for each in found.dependencies
        ],
        "incomplete": [
            {"id": each.id, "reason": each.reason, "virtual_systems": list(each.virtual_systems)}
            for each in found.unknown
        ],
    }
