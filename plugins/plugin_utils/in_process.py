# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module where Ansible already is, in the worker process of the controller, where that gives the same result.

Sending a module means to pack it, to start a Python, and to compile all it needs, for every task.  A task that would
run on the controller anyway, with the same Python and as the same user, needs none of that: here the module's own
class checks the same arguments, runs the same task function, and returns what a sent module would have printed.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ansible import constants as C
from ansible.module_utils import basic
from ansible.module_utils._internal import _errors, _messages, _traceback
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as SentModule
from ansible.utils.display import Display

from ansible_collections.svpc.virt.plugins.module_utils.errors import LibraryMissing
from ansible_collections.svpc.virt.plugins.module_utils.platforms import connect
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Platform, Progress
from ansible_collections.svpc.virt.plugins.module_utils.task import desired_image, desired_seed, waiting
from ansible_collections.svpc.virt.plugins.module_utils.task.module import Module, Work
from ansible_collections.svpc.virt.plugins.module_utils.task.progress import Teller
from ansible_collections.svpc.virt.plugins.plugin_utils import kept_host, passed_on
from ansible_collections.svpc.virt.plugins.plugin_utils.errand import run_errand

SWITCH = "svpc_virt_in_process"
"""The variable that turns this off, where false."""

_PROFILE = "legacy"
"""How Ansible writes arguments and results of modules such as ours."""

# Ansible loads what they are made of when it is first asked for them, which each worker would have to do otherwise.
_ARGUMENTS = get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
_RESULT = get_module_encoder(_PROFILE, Direction.MODULE_TO_CONTROLLER)
_WRITER = json.JSONEncoder(default=_RESULT().default)
"""Writes what ``_RESULT`` writes of values without tags, and results have none: what a module is given has lost them.

Ansible's encoder looks at every value in Python.  This one asks it for those that JSON has no form for.
"""

_ANY_PYTHON = ("", "auto", "auto_legacy", "auto_silent", "auto_legacy_silent")
"""Values of ansible_python_interpreter that leave the choice to Ansible."""

# Actions are loaded before the workers are forked off, so that this is done once for a whole play.
connect.preload()
_PRELOADED = (desired_image, desired_seed, waiting)
"""Modules that others import only when they need them."""

display = Display()


class NotHere(Exception):
    """This Python lacks a library that the task needs; nothing has been done yet."""


class InProcess(SentModule):
    """The action of a module: runs it in this process, or sends it as Ansible does with modules without an action."""

    work: ClassVar[Work]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module returns."""
        variables = task_vars or {}
        objection = next(self._objections(variables), None)
        if objection is None:
            try:
                return self._run_here(variables)
            except NotHere as error:
                objection = str(error)
        display.vvv(f"{self._task.action} is sent as a module: {objection}", host=self._host_name(variables))
        sent: dict[str, Any] = super().run(task_vars=task_vars)
        return sent

    @staticmethod
    def _host_name(variables: Mapping[str, Any]) -> str | None:
        return variables.get("inventory_hostname")

    # whether it can be done here

    def _objections(self, variables: Mapping[str, Any]) -> Iterator[str]:
        """What would be otherwise if the module ran in this process."""
        if not boolean(self._templar.template(variables.get(SWITCH, True))):
            yield f"{SWITCH} is false"
        if self._connection.transport != "local":
            yield f"the connection is {self._connection.transport}"
        if self._task.async_val:
            yield "it is asynchronous"
        if self._becomes():
            yield "it becomes another user"
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        if environment:
            yield "it has an environment of its own"
        interpreter = self._interpreter(variables)
        if interpreter not in _ANY_PYTHON and not _is_this_python(interpreter):
            yield f"its Python is {interpreter}, and that of the controller {sys.executable}"
        if C.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES"):
            yield "what is sent is to be kept"

    def _becomes(self) -> bool:
        """Whether Ansible would run commands of this task as somebody else: its own rule."""
        if not self._connection.become:
            return False
        target, user = self.get_become_option("become_user"), self._get_remote_user()
        allowed = C.config.get_config_value("BECOME_ALLOW_SAME_USER")
        return bool(allowed or target != user or not (target or user))

    def _interpreter(self, variables: Mapping[str, Any]) -> str:
        """The Python that is asked for."""
        if self._task.delegate_to:
            variables = variables.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        value = C.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        return str(self._templar.template(value) or "").strip()

    # doing it here

    def _run_here(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module in this process.  Raises NotHere."""
        _leave_the_past_alone(os.getpid())
        given = dict(self._task.args)
        self._update_module_args(self._task.action, given, variables)
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": given}, cls=_ARGUMENTS)
        eager = display.verbosity > 0 and not self._task.no_log
        host = self._host_name(variables)

        def show(text: str) -> None:
            if self._task.no_log:
                return
            if eager:
                display.v(f"{self._task.action}: {text}", host=host)
            else:  # nobody asked: not into what a program may read
                display.display(f"{self._task.action} on {host}: {text}", stderr=True)

        display.vvv(f"{self._task.action} runs in the process of the controller", host=host)
        if self._task.loop is not None:
            self._connection._connect()  # a local one does nothing; but one that was not used is made anew for each item
        call = _Call(self.work, arguments, self._task._uuid if self._task.loop is not None else None)
        with _as_in_a_process_of_its_own(self._loader.get_basedir()):
            run_errand(call.run, Teller(show, eager), call.abandon)
        return _returned(self._parse_returned_data({"stdout": call.printed}, _PROFILE))


def _returned(parsed: Any) -> dict[str, Any]:
    """What Ansible read of a module's output, without what only Ansible itself may say, as it does with sent modules."""
    if isinstance(parsed, dict):
        from ansible.vars.clean import remove_internal_keys  # gone where results are objects

        remove_internal_keys(parsed)
        return parsed
    parsed.remove_internal_keys()  # since ansible-core 2.21
    result: dict[str, Any] = parsed.as_result_dict(for_round_trip=True)
    return result


@functools.lru_cache(maxsize=1)
def _leave_the_past_alone(process: int) -> None:
    """Let the collector of garbage pass over what this process has inherited, once for each ``process``.

    A worker begins with all that the controller holds.  To look through it again and again takes longer than many a
    task, and copies the memory that both share until then.
    """
    gc.freeze()


@contextlib.contextmanager
def _as_in_a_process_of_its_own(folder: str) -> Iterator[None]:
    """A with block in the folder in which modules run, whose careless output goes where that of modules goes."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.chdir(before)


def _is_this_python(interpreter: str) -> bool:
    """Whether a path leads to the Python of this process, and to its environment of packages."""
    found = shutil.which(interpreter)
    if found is None:
        return False
    with contextlib.suppress(OSError):
        folders = os.path.dirname(found), os.path.dirname(sys.executable)
        return os.path.samefile(found, sys.executable) and os.path.samefile(*folders)
    return False


class _Call:
    """One run of a module in this process."""

    def __init__(self, work: Work, arguments: str, loop: str | None) -> None:
        self._work = work
        self._arguments = arguments
        self._loop = loop
        """What tells the loop from others of which this is an item, if it is one."""
        self._options: Mapping[str, Any] = {}
        self._platform: Platform | None = None
        self._abandoned = False
        self.printed = ""
        """What the module would have printed."""

    def run(self, progress: Progress) -> None:
        """Run it to its end.  Raises NotHere."""
        try:
            _ModuleHere(self._work, self._arguments, self).perform(progress, self._open, self._close)
        except SystemExit:
            pass  # how modules end
        except NotHere:
            raise
        except Exception as error:
            self.print(_told(error))

    def print(self, result: Mapping[str, Any]) -> None:
        """Take the module's result."""
        self.printed = _WRITER.encode(result)

    def _open(self, options: Mapping[str, Any], progress: Progress) -> Platform:
        platform = kept_host.take(self._loop, options, progress)
        if platform is None:
            try:
                platform = connect.open_platform(options, progress)
            except LibraryMissing as error:
                raise NotHere(error.message) from error
            passed_on.tell()
        self._platform, self._options = platform, options
        if self._abandoned:
            platform.abandon()
        return platform

    def _close(self, platform: Platform) -> None:
        if self._loop is None or self._abandoned:
            platform.close()
        else:
            kept_host.keep(self._loop, self._options, platform)

    def abandon(self) -> None:
        """Let the run end soon, in failure: nobody waits for it any longer."""
        self._abandoned = True
        if self._platform is not None:
            self._platform.abandon()


class _ModuleHere(Module):
    """A module in a process that is not its own."""

    def __init__(self, work: Work, arguments: str, call: _Call) -> None:
        self._arguments = arguments
        self._call = call
        super().__init__(work)

    def _receive(self) -> None:
        # Where Ansible finds them in a process of a module: newer versions keep more of them than the parameters.
        basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = self._arguments.encode(), _PROFILE
        super()._receive()

    def _check_locale(self) -> None:
        """The controller's is fit for Python, or it would not have started."""

    def warn(self, warning: str, **kwargs: Any) -> None:
        """Warn the user.  The warnings of a sent module are masked with the rest of its result."""
        super().warn(self.masked(warning), **kwargs)

    def tell(self, result: dict[str, Any]) -> None:
        """Take the result, instead of printing it."""
        self._call.print(result)


def _told(error: Exception) -> dict[str, Any]:
    """A bug, in the words in which Ansible tells one of a sent module."""
    wanted = _traceback.is_traceback_enabled(_traceback.TracebackEvent.ERROR)
    return {
        "failed": True,
        "exception": _messages.ErrorSummary(event=_errors.EventFactory.from_exception(error, wanted)),
    }
