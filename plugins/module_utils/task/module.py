# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a task function as an Ansible module.

The module may have a process of its own, as Ansible sends modules, or share that of the controller
(``plugin_utils/in_process.py``): what is checked, masked and returned is the same, because it is this class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform, Progress
from ansible_collections.svpc.virt.plugins.module_utils.task.arguments import CONNECTION, Spec
from ansible_collections.svpc.virt.plugins.module_utils.task.hidden import hidden
from ansible_collections.svpc.virt.plugins.module_utils.task.task import Task, close

TaskFunction = Callable[[Task], dict[str, Any]]


class Work(NamedTuple):
    """What a module does: its task function, and the options it takes beside those of the connection."""

    function: TaskFunction
    options: Spec


class Module(AnsibleModule):
    """AnsibleModule that takes null for "not managed", and has an error_code also for wrong arguments."""

    def __init__(self, work: Work) -> None:
        """Check the arguments that Ansible gives; wrong ones end the process."""
        self._function = work.function
        self._as_it_is: dict[str, Any] = {}
        super().__init__(argument_spec={**CONNECTION, **work.options}, supports_check_mode=True)

    def _load_params(self) -> None:
        """Read the arguments.  Ansible refuses null where there are choices, so what is null is left out."""
        self._receive()
        self.params = without_null(self.params)

    def _receive(self) -> None:
        """Set ``params`` to the arguments as they were given."""
        super()._load_params()

    def _log_invocation(self) -> None:
        """Log the arguments without their secrets.

        Ansible looks for these in the text of a list or mapping, where quotes and backslashes are written otherwise.
        """
        params, self.params = self.params, self.masked(hidden(self.params))
        super()._log_invocation()
        self.params = params

    def masked(self, value: Any) -> Any:
        """``value`` without the secrets of this task.  Where it has none, nothing is copied."""
        return remove_values(value, self.no_log_values) if self.no_log_values else value

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Fail with ``msg``."""
        kwargs.setdefault("error_code", InvalidInput.code)
        kwargs.setdefault("invocation", {"module_args": hidden(self.params)})
        super().fail_json(msg, **kwargs)

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """Succeed, and tell the arguments as they may be shown.

        Ansible copies all of a result, value by value, to take the secrets out.  Where there are none, what is large takes
        no part in that: null stands in its place until it is told.
        """
        kwargs.setdefault("invocation", {"module_args": hidden(self.params)})
        if not self.no_log_values:
            self._as_it_is = {name: value for name, value in kwargs.items() if isinstance(value, (dict, list))}
        super().exit_json(**{**kwargs, **dict.fromkeys(self._as_it_is)})

    def _record_module_result(self, o: dict[str, Any]) -> None:
        # What Ansible has taken out (newer versions the invocation, unless it is to be shown) stays out.
        self.tell({name: self._as_it_is.get(name, value) for name, value in o.items()})

    def tell(self, result: dict[str, Any]) -> None:
        """Give the result to Ansible, as it is."""
        super()._record_module_result(result)

    def perform(
        self,
        progress: Progress,
        opener: Callable[[Mapping[str, Any], Progress], Platform] = open_platform,
        closer: Callable[[Platform], None] = close,
    ) -> NoReturn:
        """Run the task function, report its result or its failure to Ansible, and end the process.

        Only a VirtError is a failure of the task; anything else is a bug and keeps its traceback.
        """
        failure = None
        result: dict[str, Any] = {}
        task = Task(
            params=self.params,
            check=self.check_mode,
            diff=bool(self._diff),
            progress=lambda text: progress(self.masked(text)),
            warn=lambda text: self.warn(self.masked(text)),
            open=opener,
            close=closer,
        )
        try:
            result = self._function(task)
        except VirtError as error:
            failure = failure_result(error)
        if failure is not None:
            self.fail_json(**failure)
        self.exit_json(**result)


def without_null(value: Any) -> Any:
    """``value`` without entries of mappings that are null, all the way down."""
    if isinstance(value, dict):
        return {key: without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_null(item) for item in value]
    return value


def failure_result(error: VirtError) -> dict[str, Any]:
    """What a failed task returns: sentence, code, details, and the changes that were made before it failed."""
    failed = error.details.get("failed_change", {})
    changed = bool(error.details.get("changes")) or bool(failed.get("changed"))
    return {"changed": changed, **error.details, "msg": error.message, "error_code": error.code}
