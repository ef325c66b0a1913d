# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a task function as an Ansible module."""

from __future__ import annotations

from typing import Any, Callable, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.task.arguments import CONNECTION, Spec
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task

TaskFunction = Callable[[Task], dict[str, Any]]


class Module(AnsibleModule):
    """AnsibleModule that takes null for "not managed", and has an error_code also for wrong arguments."""

    def _load_params(self) -> None:
        """Read the arguments.  Ansible refuses null where there are choices, so what is null is left out."""
        super()._load_params()
        self.params = without_null(self.params)

    def _log_invocation(self) -> None:
        """Log the arguments without their secrets.

        Ansible looks for these in the text of a list or mapping, where quotes and backslashes are written otherwise.
        """
        params, self.params = self.params, remove_values(self.params, self.no_log_values)
        super()._log_invocation()
        self.params = params

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Fail with ``msg``."""
        kwargs.setdefault("error_code", InvalidInput.code)
        super().fail_json(msg, **kwargs)


def without_null(value: Any) -> Any:
    """``value`` without entries of mappings that are null, all the way down."""
    if isinstance(value, dict):
        return {key: without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_null(item) for item in value]
    return value


def run_module(task: TaskFunction, argument_spec: Spec) -> None:
    """Check the arguments, run the task function, and report its result or its failure to Ansible.

    Only a VirtError is a failure of the task; anything else is a bug and keeps its traceback.
    """
    module = Module(argument_spec={**CONNECTION, **argument_spec}, supports_check_mode=True)
    failure = None
    result: dict[str, Any] = {}
    try:
        result = task(
            Task(
                params=module.params,
                check=module.check_mode,
                diff=bool(module._diff),
                progress=module.debug,
                warn=module.warn,
            )
        )
    except VirtError as error:
        failure = failure_result(error)
    if failure is not None:
        module.fail_json(**failure)
    module.exit_json(**result)


def failure_result(error: VirtError) -> dict[str, Any]:
    """What a failed task returns: sentence, code, details, and the changes that were made before it failed."""
    failed = error.details.get("failed_change", {})
    changed = bool(error.details.get("changes")) or bool(failed.get("changed"))
    return {"changed": changed, **error.details, "msg": error.message, "error_code": error.code}
